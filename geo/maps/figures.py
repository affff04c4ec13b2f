"""Figures on the cards of parks and zones: value, both sums, and what is asked of it (`card_figures`, `target_text`).

Takes the figures of an assessment as they are and writes them in the units planners use. Sums stand beside every
figure; what has no value is left out, never written as 0. Knows no card and no page.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from geo.assessment import Assessment
from geo.indicators import Indicator, catalogue
from geo.labels import area_text, money_text, text, value_text, with_unit
from geo.standards import short_name
from layers import units

__all__ = ["card_figures", "least", "sums_text", "target_text"]

#: Figures on every card, in order.
CARD = (
    "industrial_concentration", "industrial_land_share", "plot_ratio", "industrial_plot_ratio", "building_density",
    "tax_per_mu", "value_added_per_mu", "output_per_km2", "leading_industry_share",
)  # fmt: skip
_COMPARISONS = ("at_least", "more_than", "at_most", "equals", "about", "between")


def card_figures(assessment: Assessment, language: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Return what a card shows of each zone and park: (level, id) → its figures, in order.

    Returns
    -------
    dict
        Each figure has `label`, `value`, `sums`, and where something is asked of it `target` and `met` (None where
        it does not bind the place). Zones tell every figure that something is asked of.
    """
    rows = assessment.indicators
    asked = rows["targets"].map(len) > 0
    wanted = rows["id"].isin(CARD) | (asked & (rows["level"] == "zone"))
    withheld = rows.get("suppressed", pd.Series(data=False, index=rows.index))
    rows = rows[rows["level"].isin(["zone", "park"]) & wanted & (rows["value"].notna() | withheld)]
    order = {name: place for place, name in enumerate(dict.fromkeys([*CARD, *catalogue()]))}
    cards: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows.sort_values("id", key=lambda ids: ids.map(order), kind="stable").to_dict("records"):
        entry = catalogue()[str(row["id"])]
        card = cards.setdefault((str(row["level"]), str(row["scope_id"])), [])
        if entry.id == "industrial_concentration":
            land = area_text(row["numerator"], language)
            card.append({"label": text("map.industrial_land", language), "value": land})
            share = {"label": text("map.share_of_city", language), "value": value_text(entry, row["value"])}
            card.append(share | {"sums": sums_text(entry, row, language)})
            continue
        card.append(_figure(entry, row, language))
    return cards


def _figure(entry: Indicator, row: Mapping[Hashable, Any], language: str) -> dict[str, Any]:
    if row.get("suppressed"):
        return {"label": entry.title(language), "value": text("withheld", language)}
    told: dict[str, Any] = {"label": entry.title(language), "value": value_text(entry, row["value"], language)}
    told["sums"] = sums_text(entry, row, language)
    target = least(row["targets"]) or next(iter(row["targets"] if row["level"] == "zone" else ()), None)
    if target is not None:
        told["target"] = target_text(entry, target, language)
        # A target of the whole city is shown beside a park's figure, but binds no park.
        told["met"] = target["met"] if target["binding"] else None
    return told


def sums_text(entry: Indicator, row: Mapping[Hashable, Any], language: str) -> str:
    """Write both sums of a figure in the units planners use."""
    top = _amount(row["numerator"], entry.numerator_unit, language)
    return f"{top} ÷ {_amount(row['denominator'], entry.denominator_unit, language)}"


def _amount(amount: Any, base: str, language: str) -> str:  # noqa: ANN401
    if pd.isna(amount):
        return "—"
    if base == "m2":
        return area_text(amount, language)
    if base == "cny":
        return money_text(amount, language)
    return with_unit(f"{float(amount):,.2f}", units.label(base, language))


def least(targets: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the first target that asks for a least figure."""
    return next((one for one in targets if isinstance(one.get("at_least"), (int, float))), None)


def target_text(entry: Indicator, target: Mapping[str, Any], language: str) -> str:
    """Write what is asked of a figure, and where that stands."""
    comparison = next((name for name in _COMPARISONS if target.get(name) is not None), "")
    name = short_name(target["policy"], language)
    year = f", {target['year']}" if target.get("year") else ""
    source = f"{name} {target['clause']}{year}"
    if comparison == "at_least" and isinstance(target["at_least"], (int, float)):
        key = "map.target" if target["binding"] else "map.target_compared"
        return text(key, language, least=_limit(entry, target["at_least"], language), source=source)
    if not comparison:
        return source
    ends = target[comparison] if isinstance(target[comparison], Sequence) else (target[comparison],)
    figure = "–".join(_limit(entry, end, language) for end in ends)
    asked = text(f"asked.{comparison}", language).format(figure=figure)
    return text("map.asked" if target["binding"] else "map.asked_compared", language, asked=asked, source=source)


def _limit(entry: Indicator, limit: float, language: str) -> str:
    unit = "" if entry.unit == "1" else " " + units.label(entry.unit, language)
    return f"{limit:g}" + unit if not entry.percent else f"{limit:.6%}".rstrip("%").rstrip("0").rstrip(".") + "%"
