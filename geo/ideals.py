"""Ideal values (理想值): what the intensity and the structure of land ought to be, as the user says with a source.

They are policy, set by province and type of zone: none is on board. Knows which indicators potentials ask, and
turns the table people write (percents, 万元/公顷) into the display units of the catalogue.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from geo.indicators import Indicator, indicator
from layers import units
from layers.errors import ParkwiseError, ProjectError, SchemaError, Words, first, nearest, table_error

__all__ = ["INTENSITIES", "STRUCTURE", "check_ideals"]

#: Indicator whose ideal the structure potential needs.
STRUCTURE = "industrial_land_share"
#: Indicators whose ideals the intensity potentials need, one potential each.
INTENSITIES = ("industrial_plot_ratio", "building_coefficient", "investment_per_mu", "tax_per_mu", "output_per_km2")


def check_ideals(ideals: pd.DataFrame) -> pd.DataFrame:
    """Hold a table of ideal values (理想值) against the catalogue, and turn them into its units.

    Parameters
    ----------
    ideals : DataFrame
        `indicator` (id or Chinese title; the structure and the intensity indicators), `ideal` (above 0), `unit`
        (may be left out for a plain ratio), `source` (where the value is from).

    Returns
    -------
    DataFrame
        Indexed by indicator id: `ideal` in the display unit of the indicator, `unit`, `source`.

    Raises
    ------
    SchemaError
        A column is missing.
    ProjectError
        An indicator that no potential asks, a value that is no positive number or no share, a unit of another
        kind, no source, an indicator that stands twice. The message names the row.

    Examples
    --------
    >>> told = pd.DataFrame(
    ...     {"indicator": ["tax_per_mu"], "ideal": [450], "unit": ["万元/公顷"], "source": ["省定标准"]})
    >>> check_ideals(told)[["ideal", "unit"]].to_dict("index")
    {'tax_per_mu': {'ideal': 30.0, 'unit': 'wcny/mu'}}
    """
    lacking = [column for column in ("indicator", "ideal", "unit", "source") if column not in ideals]
    if lacking:
        raise SchemaError(
            f"ideals: {len(lacking)} of 4 columns are missing: {', '.join(lacking)}. "
            "Expected indicator, ideal, unit, source; add them.",
            f"理想值表：4 个字段中缺少 {len(lacking)} 个：{'、'.join(lacking)}。"
            "应有 indicator、ideal、unit、source，请补充。",
        )
    rows = [_ideal(place, row) for place, row in enumerate(ideals.to_dict("records"), 1)]
    table = pd.DataFrame(rows, columns=["indicator", "ideal", "unit", "source"]).set_index("indicator")
    twice = table.index[table.index.duplicated()]
    if len(twice):
        places = [place for place, row in enumerate(rows, 1) if row["indicator"] == twice[0]]
        raise _wrong(first(places), f"{twice[0]} stands {len(places)} times", f"{twice[0]} 出现 {len(places)} 次")
    return table


def _ideal(place: int, row: Mapping[Hashable, Any]) -> dict[str, Any]:
    entry = _asked(place, str(row["indicator"]).strip())
    if _blank(row["source"]):
        raise _wrong(place, f"{entry.id} has no source", f"{entry.title_zh}未注明来源")
    ideal = pd.to_numeric(pd.Series([row["ideal"]]), errors="coerce").astype("float64").iloc[0]
    if not (math.isfinite(ideal) and ideal > 0):
        raise _wrong(
            place,
            f"{entry.id}: ideal = {row['ideal']}, expected a number above 0",
            f"{entry.title_zh}：ideal = {row['ideal']}，应为大于 0 的数",
        )
    ideal *= _factor(place, entry, row["unit"])
    if entry.percent and ideal > 1:
        raise _wrong(
            place,
            f"{entry.id}: ideal = {ideal:.0%}, expected a share of at most 100 %; per cents need the unit %",
            f"{entry.title_zh}：ideal = {ideal:.0%}，比例不应超过 100 %；以百分数填写时单位应为 %",
        )
    return {"indicator": entry.id, "ideal": ideal, "unit": entry.unit, "source": str(row["source"]).strip()}


def _asked(place: int, name: str) -> Indicator:
    entries = [indicator(one) for one in (STRUCTURE, *INTENSITIES)]
    known = {key: entry for entry in entries for key in (entry.id, entry.title_zh)}
    if name not in known:
        like, all_of = nearest(name, known), ", ".join(entry.id for entry in entries)
        raise _wrong(
            place,
            f'no potential asks for "{name}" (nearest: {like}); expected one of {all_of}',
            f"没有潜力使用“{name}”（最接近：{like}）；可用：{all_of}",
        )
    return known[name]


def _factor(place: int, entry: Indicator, unit: object) -> float:
    """Return how many display units of the indicator the row's unit is."""
    if _blank(unit) and entry.unit == "1":
        return 1.0
    try:
        if _blank(unit):
            raise ProjectError("no unit is given", "未注明单位")
        return units.convert(1.0, str(unit).strip(), entry.unit)
    except ParkwiseError as error:
        wanted = units.label(entry.unit), units.label(entry.unit, "en")
        raise _wrong(
            place,
            f"{entry.id}: {error.text('en')} Expected a unit such as {wanted[1]}",
            f"{entry.title_zh}：{error.text('zh')} 单位应如 {wanted[0]}",
        ) from error


def _blank(value: object) -> bool:
    return bool(pd.isna(value)) or not str(value).strip()  # type: ignore[call-overload]


def _wrong(place: object, en: str, zh: str) -> ProjectError:
    return table_error(Words(f"ideals, row {place}", f"理想值表第 {place} 行"), Words(en, zh))
