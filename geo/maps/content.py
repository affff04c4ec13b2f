"""The words of the page: title, headline, legend, cards of parks, fields of parcels (`page`).

Turns a finished assessment into plain values that a browser can show as text; knows neither how they
are drawn nor any file. Figures are written by `geo.labels`, in the units planners use. Everything the
data say is kept as it is: the page sets it as text, and `as_json` lets nothing in it end a script.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from geo.assessment import Assessment
from geo.indicators import indicator
from geo.labels import area_text, labels, text, value_text
from geo.maps.facts import land_of
from geo.maps.figures import card_figures, least, target_text
from geo.maps.places import places_of
from geo.maps.plane import plane_of
from geo.maps.sliders import limits_of
from geo.maps.themes import Theme, role_of, style, zone_colours
from geo.maps.zone_cards import zone_parts
from geo.plan.words import money_words, value_words
from geo.planned import Planned
from layers import units

__all__ = ["as_json", "overlaps_of", "page", "parks_of", "roles_of", "title_of"]


def page(
    assessment: Assessment,
    themes: Sequence[Theme],
    facts: pd.DataFrame,
    language: str,
    plan: Planned | None = None,
) -> dict[str, Any]:
    """Return what the page shows besides the block of shapes and columns."""
    return {
        "language": language,
        "words": {key.removeprefix("map.ui."): text(key, language) for key in labels() if key.startswith("map.ui.")},
        "title": title_of(assessment, language),
        "headline": [*_headline(assessment, facts, language), *_plan(plan, language)],
        "themes": [_theme(theme, language) for theme in themes],
        "zones": _zones(assessment, language),
        "roles": roles_of(assessment, language),
        "districts": _districts(assessment),
        "overlaps": _overlaps(assessment, language),
        "plane": plane_of(assessment),
        **places_of(assessment, language),
        "limits": _limits(assessment, facts, language),
    }


def as_json(value: object) -> str:
    r"""Write JSON for a script element: no text in it can end the element or be read as code or template.

    Examples
    --------
    >>> as_json({"name": "</script>${1}"})
    '{"name":"\\u003c/script\\u003e\\u0024\\u007b1}"}'
    """
    plain = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    plain = plain.encode("utf-8", "replace").decode("utf-8")
    # Outside of strings JSON has none of these; the brace only where it follows a sign that opens code.
    escaped = re.sub(r"[<>&'`$\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", plain)
    return re.sub(r"(?<=\\u0024)\{|\{(?=[{%#])", r"\\u007b", escaped)


def title_of(assessment: Assessment, language: str) -> dict[str, Any]:
    """Return what stands at the head of a map: `city`, `project`, `as_of`, `synthetic`, `public`, `page`."""
    project = assessment.project
    name = project.text("project.name") or ""
    said = f"{name} {assessment.city} {project.path.name}".lower()
    return {
        "city": assessment.city,
        "project": name,
        "as_of": text("map.as_of", language, day=project.as_of.isoformat()) if project.as_of else "",
        "synthetic": text("synthetic", language) if "合成" in said or "synthetic" in said else "",
        "public": "" if assessment.redaction is None else assessment.redaction.words.text(language),
        "page": text("map.title", language, city=assessment.city),
    }


def _headline(assessment: Assessment, facts: pd.DataFrame, language: str) -> list[dict[str, Any]]:
    """The few figures on top: concentration against its target, land, intensity, yield, candidates."""
    table = assessment.indicators
    rows = {row["id"]: row for row in table[table["level"] == "city"].to_dict("records")}
    # Where a clause binds all zones together, theirs is the figure to show beside it.
    for row in table[table["level"] == "zones"].to_dict("records"):
        if any(target["binding"] for target in row["targets"]):
            rows[row["id"]] = row
    names = ("industrial_concentration", "industrial_plot_ratio", "tax_per_mu")
    lines = [_figure(name, rows[name], language) for name in names if name in rows]
    land = facts[facts["industrial"]]
    lines.insert(
        min(1, len(lines)),
        _plain("map.industrial_land", area_text(land["area_m2"].sum(), language), len(land), language),
    )
    if assessment.candidates is not None:
        table = assessment.candidates.table
        area = area_text(float(table["area_m2"].sum()), language)
        lines.append(_plain("map.theme.candidates", area, len(table), language))
    return lines


def _plan(plan: Planned | None, language: str) -> list[dict[str, Any]]:
    """What is planned, on how many parcels, at what cost, and what it reaches."""
    if plan is None or not len(plan.plan.chosen):
        return []
    main, found = plan.plan.reached[0], plan.plan
    line = _plain("map.plan_cost", money_words(found.cost_fen).text(language), len(found.chosen), language)
    reaches = text("map.reaches", language, figure=value_words(main.target, main.after).text(language))
    return [line | {"target": reaches, "met": main.met}]


def _plain(key: str, value: str, count: int, language: str) -> dict[str, Any]:
    return {"label": text(key, language), "value": value, "beside": f"{count:,} {text('unit.parcels', language)}"}


def _figure(name: str, row: Mapping[Hashable, Any], language: str) -> dict[str, Any]:
    entry = indicator(name)
    title = entry.title(language)
    if row["level"] == "zones":
        title = (
            f"{title}（{text('level.zones', language)}）"
            if language == "zh"
            else f"{title}, {text('level.zones', language).lower()}"
        )
    told: dict[str, Any] = {"label": title, "value": value_text(entry, row["value"], language)}
    if (target := least(row["targets"])) is None:
        return told
    told["target"] = target_text(entry, target, language)
    if target["met"] is not None:
        told["met"] = bool(target["met"])
        if name == "industrial_concentration":
            lacking = max(float(target["gap"]), 0.0) * float(row["denominator"])
            told["share"], told["mark"] = float(row["value"]), float(target["at_least"])
            told["gap"] = text("map.lacking", language, area=area_text(lacking, language)) if lacking > 0 else ""
    return told


def _limits(assessment: Assessment, facts: pd.DataFrame, language: str) -> dict[str, Any] | None:
    told = limits_of(assessment, facts, language)
    if told is not None:
        told["classes"] = [{"label": one.label, "fill": one.fill} for one in told["classes"]]
    return told


def _theme(theme: Theme, language: str) -> dict[str, Any]:
    told = asdict(theme)
    del told["of_parcel"]
    for one in told["classes"]:
        one["mu"] = f"{units.convert(one.pop('area_m2'), 'm2', 'mu'):,.0f}"
        one["parcels"] = f"{one['parcels']:,}"
        if one["mark"]:
            one["mark"] = text("map.limit_from", language, source=one["mark"])
    return told


def parks_of(assessment: Assessment) -> pd.DataFrame:
    """Return the parks of an assessment, an empty table where there are none."""
    parks = land_of(assessment).parks
    return pd.DataFrame(columns=["park_id", "park_name", "zone_id", "zone_name"]) if parks is None else parks


def _word(kind: str, value: str | float | None, language: str) -> str:
    key = f"{kind}.{value}"
    return text(key, language) if key in labels() else ("" if pd.isna(value) else str(value))


def _zones(assessment: Assessment, language: str) -> list[dict[str, Any]]:
    """Zones with their parks; every park carries its style and its card."""
    parks = parks_of(assessment)
    colours = zone_colours(parks["zone_id"].tolist())
    figures = card_figures(assessment, language)
    more = zone_parts(assessment, language)
    role = role_of(parks)
    zones: dict[str, dict[str, Any]] = {}
    for row in range(len(parks)):
        park = parks.iloc[row]
        zone = zones.setdefault(
            park["zone_id"],
            {
                "name": str(park["zone_name"]),
                "colour": colours[park["zone_id"]],
                "level": _word("park_level", park.get("level"), language),
                "figures": figures.get(("zone", park["zone_id"]), []),
                "parks": [],
                **more.get(str(park["zone_id"]), {}),
            },
        )
        zone["parks"].append(
            {
                "row": row,
                "name": str(park["park_name"]),
                "role": _word("role", role.iloc[row], language),
                "kind": str(role.iloc[row]),
                "level": _word("park_level", park.get("level"), language),
                "operator": "" if pd.isna(park.get("operator")) else str(park.get("operator")),
                "figures": figures.get(("park", park["park_id"]), []),
            }
        )
    return list(zones.values())


def roles_of(assessment: Assessment, language: str) -> list[dict[str, Any]]:
    """Return how parks of each role are drawn, for the roles there are: `kind`, `label`, `dash`."""
    seen = set(role_of(parks_of(assessment)))
    known = [key for kind, key in style() if kind == "role"]
    return [
        {
            "kind": role,
            "label": _word("role", role, language),
            "dash": style().get(("dash", role), ("", "4 5"))[1],
        }
        for role in [*(one for one in known if one in seen), *sorted(seen - set(known))]
    ]


def _districts(assessment: Assessment) -> list[str]:
    table = land_of(assessment).districts
    return [] if table is None else [str(name) for name in table["district_name"].fillna("")]


def _overlaps(assessment: Assessment, language: str) -> list[dict[str, Any]]:
    """Ground that two parks claim, where it is more than a sliver."""
    pairs = overlaps_of(assessment).to_dict("records")
    row_of = {str(park): row for row, park in enumerate(parks_of(assessment)["park_id"])}
    return [
        {
            "names": f"{pair['name_a']} × {pair['name_b']}",
            "area": area_text(float(pair["area_m2"]), language),
            "parks": [row_of[str(pair["park_a"])], row_of[str(pair["park_b"])]],
        }
        for pair in pairs
    ]


def overlaps_of(assessment: Assessment) -> pd.DataFrame:
    """Return the pairs of parks that share more ground than the project tolerates, slivers left out."""
    table = assessment.overlaps
    if table.empty:
        return pd.DataFrame(columns=["name_a", "name_b", "area_m2", "geometry"])
    return table[table["wide_m2"] > (assessment.project.number("project.overlap_tolerance_m2") or 0.0)]
