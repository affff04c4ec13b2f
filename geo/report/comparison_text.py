"""A comparison for a terminal: what `compare` prints.

Writes what was computed elsewhere; the words come from `geo.labels`. What makes two runs less comparable stands first.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from geo import standards
from geo.comparing.candidates import Revitalised
from geo.comparing.figures import EFFECTS, resting_on
from geo.comparing.land import NewIndustrial
from geo.comparing.runs import Comparison, Run
from geo.indicators import Indicator, catalogue
from geo.labels import area_text, labels, text, value_text
from geo.telling.clauses import asked_text
from layers.errors import first
from layers.telling import table_text

__all__ = ["comparison_text", "notes_text"]

#: Rows of a list that a terminal shows; files hold all of them.
_SHOWN = 40


def comparison_text(found: Comparison, language: str = "zh") -> str:
    """Write a comparison (两期对比结果) as text: what to know first, figures by level, then the land.

    Parameters
    ----------
    found : Comparison
    language : {"zh", "en"}
    """
    notes = notes_text(found, language)
    blocks = [
        _head(found, language),
        *([notes] if notes else []),
        *_places(found, language),
        *_figures(found, language),
    ]
    if found.new_industrial is not None:
        blocks += _new_industrial(found.new_industrial, found, language)
    if found.revitalised is not None:
        blocks += _revitalised(found.revitalised, found, language)
    if found.boundaries is not None and len(found.boundaries):
        blocks.append(_boundaries(found.boundaries, language))
    return "\n\n".join(blocks)


def _head(found: Comparison, language: str) -> str:
    return text("compare.head", language, a=_run(found.before, language), b=_run(found.after, language))


def _run(run: Run, language: str) -> str:
    name = run.document.get("project", {}).get("name")
    return " ".join(str(part) for part in (run.city or text("level.city", language), name, run.as_of) if part)


def notes_text(found: Comparison, language: str = "zh") -> str:
    """Write what makes two runs less comparable, one line each, and the definitions they do not share; "" if none."""
    told = [f"! {text(f'compare.note_{note.code}', language, **_filled(note.fill))}" for note in found.notes]
    return "\n".join([*told, *_definitions(found, language)])


def _filled(fill: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: first(value) if isinstance(value, list) else value for name, value in fill.items()}
    return shown | ({"area_m2": f"{fill['area_m2']:,.2f}"} if "area_m2" in fill else {})


def _definitions(found: Comparison, language: str) -> list[str]:
    if found.definitions.empty:
        return []
    rows = [
        [row["definition"], _plain(row["before"]), _plain(row["after"]),
         text("compare.yes" if row["touches"] else "compare.no", language)]
        for row in found.definitions.to_dict("records")
    ]  # fmt: skip
    return [
        f"! {text('compare.definitions', language)}\n{table_text(_titles('definition a b touches', language), rows)}"
    ]


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else "—" if value is None else str(value)


def _places(found: Comparison, language: str) -> list[str]:
    """Places that are not the same in both runs."""
    told = found.places[found.places["state"] != "same"]
    rows = [
        [text(f"level.{row['level']}", language), *(_place(row, side) for side in ("before", "after")),
         text(f"compare.state_{row['state']}", language)]
        for row in told.head(_SHOWN).to_dict("records")
    ]  # fmt: skip
    more = [text("compare.more", language, count=len(told) - _SHOWN)] if len(told) > _SHOWN else []
    return ["\n".join([table_text(_titles("level a b state", language), rows), *more])] if rows else []


def _place(row: Mapping[Hashable, Any], side: str) -> str:
    name, place = row[f"name_{side}"], row[f"id_{side}"]
    if pd.isna(name):
        return "—"
    return str(name) if name == place else f"{name} ({place})"


def _titles(names: str, language: str) -> list[str]:
    return [text(f"compare.col_{name}", language) for name in names.split()]


# ---------------------------------------------------------------- figures


def _figures(found: Comparison, language: str) -> list[str]:
    """Figures that changed, by level, each with what its change is made of; the others are counted."""
    table = found.indicators
    blank = table["before"].isna() & table["after"].isna()
    changed = table[~blank & (table["change"] != 0)]
    blocks = []
    for level, rows in changed.groupby("level", sort=False):
        cells = [_figure(row, language) for row in rows.to_dict("records")]
        titles = _titles(
            "place indicator before after change by_numerator by_denominator by_boundary because", language
        )
        block = table_text(titles, cells, right=range(2, 8))
        blocks.append(f"— {text(f'level.{level}', language)} —\n{block}")
    same = int((~blank).sum()) - len(changed)
    return [*blocks, text("compare.unchanged", language, count=same, blank=int(blank.sum()))]


def _figure(row: Mapping[Hashable, Any], language: str) -> list[str]:
    entry = catalogue().get(str(row["id"]))
    title = str(row["id"]) if entry is None else entry.title(language)
    because = text("compare.not_comparable", language, why=_why(row["because"], language)) if row["because"] else ""
    values = [_value(entry, row[side], language) for side in ("before", "after")]
    changes = [_change(entry, row[name], language) for name in ("change", *EFFECTS)]
    return [str(row["scope_name"]), title, *values, *changes, because]


def _why(because: Sequence[str], language: str) -> str:
    """Name what makes a figure less comparable: a definition by its key, anything else in words."""
    names = {one: f"compare.because_{one}" for one in because}
    return ", ".join(text(key, language) if key in labels() else one for one, key in names.items())


def _value(entry: Indicator | None, value: float, language: str) -> str:
    if entry is None:
        return "—" if math.isnan(value) else f"{value:,.4g}"
    return value_text(entry, value, language)


def _change(entry: Indicator | None, value: float, language: str) -> str:
    """Write a difference with its sign; of a share in percentage points."""
    if math.isnan(value):
        return ""
    if entry is not None and entry.percent:
        return f"{100 * value:+z,.2f} {text('compare.points', language)}"
    return f"{value:+z,.2f}" if entry is not None else f"{value:+z,.4g}"


# ---------------------------------------------------------------- land


def _new_industrial(fresh: NewIndustrial, found: Comparison, language: str) -> list[str]:
    head = text(
        "compare.new_industrial", language, area=area_text(fresh.sums_m2["new"], language),
        m2=f"{fresh.sums_m2['new']:,.2f}", count=fresh.counts["new"],
    )  # fmt: skip
    rule = text(
        "compare.new_rule", language, tolerance=f"{found.options.tolerance_m:g}", least=f"{found.options.minimum_m2:g}"
    )
    sums = [
        [text(f"compare.status_{name}", language), f"{fresh.counts[name]:,}", f"{area:,.2f}", area_text(area, language)]
        for name, area in fresh.sums_m2.items()
    ]
    told = [head, *_targets(found, language), *_other_definitions(found, "new_industrial", language), rule]
    table = table_text(_titles("what parcels area_m2 area_mu", language), sums, right=[1, 2, 3])
    blocks = ["\n".join([*told, table])]
    cells = [
        [row["parcel_id"], text(f"compare.status_{row['status']}", language), _area(row["area_m2"], language),
         text(f"compare.before_{row['before']}", language), _or_dash(row["land_use_before"]),
         _or_dash(row["land_use"]), "" if pd.isna(row["reason"]) else row["reason"]]
        for row in fresh.table.head(_SHOWN).to_dict("records")
    ]  # fmt: skip
    titles = _titles("parcel what area_mu was use_before use_after reason", language)
    if cells:
        more = [text("compare.more", language, count=len(fresh.table) - _SHOWN)] if len(fresh.table) > _SHOWN else []
        blocks.append("\n".join([table_text(titles, cells, right=[2]), *more]))
    return blocks


def _targets(found: Comparison, language: str) -> list[str]:
    """What the policies ask of new industrial land outside the parks, and whether it is so."""
    return [
        text(
            "compare.target",
            language,
            document=standards.short_name(one["policy"], language),
            clause=one["clause"],
            wording=one["wording"] or "",
            asked=asked_text(standards.clause(one["policy"], one["clause_id"]), language),
            verdict=text({True: "target.met", False: "target.unmet", None: "target.unknown"}[one["met"]], language),
        )
        for one in found.targets
    ]


def _other_definitions(found: Comparison, overlay: str, language: str) -> list[str]:
    because = resting_on(found.definitions, overlay)
    return [f"! {text('compare.because_land', language, why=', '.join(because))}"] if because else []


def _area(value: float, language: str) -> str:
    return "—" if pd.isna(value) else area_text(float(value), language)


def _or_dash(value: object) -> str:
    return "—" if pd.isna(value) else str(value)  # type: ignore[call-overload]


def _revitalised(followed: Revitalised, found: Comparison, language: str) -> list[str]:
    head = text("compare.revitalised", language, area=area_text(followed.area_m2, language))
    rows = [
        [text(f"compare.outcome_{row['outcome']}", language), f"{row['pieces']:,}", f"{row['area_m2']:,.2f}",
         area_text(row["area_m2"], language), text("compare.yes" if row["counts"] else "compare.no", language)]
        for row in followed.sums.to_dict("records")
        if row["pieces"]
    ]  # fmt: skip
    if not rows:
        return [text("compare.no_candidates", language)]
    titles = _titles("outcome pieces area_m2 area_mu counts", language)
    told = [head, *_other_definitions(found, "revitalised", language), text("compare.revitalised_rule", language)]
    return ["\n".join([*told, table_text(titles, rows, right=[1, 2, 3])])]


def _boundaries(table: pd.DataFrame, language: str) -> str:
    rows = [
        [row["park_name"], text(f"compare.change_{row['change']}", language), area_text(row["area_m2"], language),
         _area(row["industrial_m2"], language)]
        for row in table.head(_SHOWN).to_dict("records")
    ]  # fmt: skip
    more = [text("compare.more", language, count=len(table) - _SHOWN)] if len(table) > _SHOWN else []
    titles = _titles("park boundary area_mu industrial_mu", language)
    head = text("compare.boundaries", language)
    return "\n".join([head, table_text(titles, rows, right=[2, 3]), *more])
