"""Land held against limits (核算单元与控制指标对照): parcels, parks or platforms, each by the sums of its rows.

Checks the table of land, sums by unit what each demand needs, and puts the judged figures into one table. Knows no
geometry. Areas are in m², summed as integers and divided once; shares are fractions (0.30, not 30). What is asked of a
row stands in `demands`, how sums are judged in `tallies`, what is told beside them in `notes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import union_categoricals

from geo.control.demands import Demand, by_industry, by_sub_region
from geo.control.finding import SEVERAL, of_edition
from geo.control.limits import INDICATORS, Limit
from geo.control.notes import notes, open_storeys, sources
from geo.control.sub_regions import SubRegion
from geo.control.tallies import judge, m2, steps, sum_by
from geo.control.words import one_of
from layers.errors import ProjectError, SchemaError, Words, first
from layers.units import tally_scale, to_tally
from layers.values import to_codes, to_flags, to_text

__all__ = ["hold"]


def hold(
    units: pd.DataFrame,
    by: str,
    *,
    limits: Iterable[Limit] | None = None,
    edition: str | None = "2008",
    sub_regions: Iterable[SubRegion] | None = None,
    several: str = "refuse",
) -> pd.DataFrame:
    """Hold accounting units against control indicators (核算单元与控制指标对照): parcels, parks or platforms.

    limit of a unit = Σ denominator × limit of its industry / Σ denominator

    That weighting is this project's convention: no text says what a park of several industries must reach. Value and
    limit run over the same rows, those whose areas and limit are known, so a unit has to have the floor area that
    its industries need together. The other rows are counted, and their land is told.

    Parameters
    ----------
    units : DataFrame
        One row a unit × industry: the column `by`, `code`, `code_edition` (of GB/T 4754), `land_area_m2`, and of
        `floor_area_m2`, `covered_area_m2` (buildings, structures and open yards), `admin_land_m2`,
        `admin_floor_area_m2` with `total_floor_area_m2`, `green_area_m2` what is known, all in m². Missing is missing.
        Administrative land that cannot be told apart is land × its share of floor area; that is the caller's to do.
        `storeys_unknown_m2`: how much of `floor_area_m2` has no known storey height. `sub_region`, `inside_parks`: for
        `sub_regions`.
    by : str
        Column with the unit's id.
    limits, edition, several
        See `find_limit` (`limits` are its `tables`). A row whose industry has no limit is told, not refused. Without
        an edition (None) land is held against `sub_regions` alone.
    sub_regions : iterable of SubRegion, optional
        Also hold the plot ratio against these; their names are compared as text.

    Returns
    -------
    DataFrame
        One row a unit × standard × indicator, units in order of appearance: `unit`, `standard` (edition, or
        "sub_region"), `indicator`, `comparison`, `value`, `limit` (both without unit), `met` (True, False, None), `gap`
        (what is lacking; negative where there is something to spare), `numerator_m2`, `denominator_m2`, `rows`,
        `missing_rows` (not held), `land_without_limit_m2`, `as_recorded` (plot ratio: whether floor area without known
        storey height is in it, so that the rule for storeys above 8 m was not applied; None where not stated),
        `source`, `note_zh`, `note_en`. Where no row of a unit has a limit, `value` is that of all
        rows with known areas.

    Raises
    ------
    SchemaError
        A column is missing.
    ProjectError
        A row without unit id, a negative or infinite area, an unknown `several`, or neither edition nor sub-regions.
    StandardError
        The edition is not in the tables.

    References
    ----------
    国土资发〔2008〕24号, definitions of 容积率, 建筑系数, 行政办公及生活服务设施用地所占比重, 绿地率.

    Examples
    --------
    Electronics need 1.0 and non-metallic minerals 0.7; together (1,000 × 1.0 + 3,000 × 0.7) / 4,000 = 0.775:

    >>> park = pd.DataFrame({"park": "甲园", "code": ["3912", "3091"], "code_edition": "2017",
    ...                      "land_area_m2": [1000.0, 3000.0], "floor_area_m2": [1500.0, 1800.0]})
    >>> found = hold(park, "park").iloc[0]
    >>> found["indicator"], float(found["value"]), float(found["limit"]), found["met"]
    ('plot_ratio', 0.825, 0.775, True)
    """
    one_of("several", several, SEVERAL)
    if edition is None and sub_regions is None:
        raise ProjectError(
            "Nothing to hold land against: neither an edition of the control indicators nor sub-regions are given.",
            "没有可对照的标准：既未给出控制指标版本，也未给出分区标准。",
        )
    rows, names = _checked(units, by, with_sub_regions=sub_regions is not None)
    demands = [] if edition is None else list(by_industry(rows, of_edition(limits, edition), several))
    if sub_regions is not None:
        demands += by_sub_region(rows, list(sub_regions))
    return _by_unit([_held(rows, demand, len(names)) for demand in demands], names)


def _checked(units: pd.DataFrame, by: str, *, with_sub_regions: bool) -> tuple[pd.DataFrame, list[Any]]:
    """Return the rows with the place of their unit, codes as text and every area there is; and the units' ids."""
    needed = [by, "code", "code_edition", "land_area_m2"]
    needed += ["sub_region", "inside_parks"] if with_sub_regions else []
    lacking = [name for name in needed if name not in units]
    if lacking:
        raise SchemaError(
            f"units: {len(lacking)} of {len(needed)} columns are missing: {', '.join(lacking)}. "
            f"Found: {first(units.columns, 20)}.",
            f"units：{len(needed)} 个必需字段中缺少 {len(lacking)} 个：{'、'.join(lacking)}。"
            f"现有：{first(units.columns, 20)}。",
        )
    given = units.reset_index(drop=True)
    place, names = pd.factorize(given[by])
    _none_of(place < 0, by, Words("are empty; expected the id of a unit", "为空；应为核算单元编号"))
    rows = pd.DataFrame({"unit": place}).assign(
        code=to_codes(given["code"]), code_edition=to_codes(given["code_edition"])
    )
    areas = {name for top, below, _ in INDICATORS.values() for name in (top, below)}
    for name in sorted(areas | ({"storeys_unknown_m2"} & set(given))):
        rows[name] = given[name].astype("float64") if name in given else np.nan
        wrong = ((rows[name] < 0) | np.isinf(rows[name])).to_numpy()
        _none_of(wrong, name, Words("are negative or infinite; expected m²", "为负或无穷大；应为平方米数"))
    if with_sub_regions:
        rows = rows.assign(sub_region=to_text(given["sub_region"]), inside_parks=to_flags(given["inside_parks"]))
    return rows, list(names)


def _none_of(wrong: npt.NDArray[np.bool_], column: str, told: Words) -> None:
    if wrong.any():
        at = first(np.flatnonzero(wrong) + 1)
        raise ProjectError(
            f"units.{column}: {int(wrong.sum())} of {len(wrong)} values {told.en} (rows {at}). Correct the table.",
            f"units.{column}：{len(wrong)} 个值中有 {int(wrong.sum())} 个{told.zh}（第 {at} 行）。请更正该表。",
        )


def _held(rows: pd.DataFrame, demand: Demand, units: int) -> pd.DataFrame:
    """Sum by unit what one demand needs, and judge once; the index is the place of the unit."""
    top_name, below_name, _ = INDICATORS[demand.indicator]
    unit, limited = rows["unit"].to_numpy(), ~np.isnan(demand.limits)[demand.case]
    known = (rows[top_name].notna() & rows[below_name].notna()).to_numpy()
    judged = known & limited
    each, held = np.bincount(unit, minlength=units), np.bincount(unit[judged], minlength=units)
    counted = np.where((held > 0)[unit], judged, known)
    some = np.bincount(unit[counted], minlength=units) > 0
    # Land is multiplied by steps of a limit: that is what an int64 has to hold.
    limits = to_tally(np.where(np.isnan(demand.limits), 0.0, demand.limits), "1")
    times = float(max(tally_scale("1"), np.abs(limits).max(initial=0)))
    below = steps(rows[below_name], times)
    tops, belows = (sum_by(one, unit, counted, units) for one in (steps(rows[top_name], times), below))
    needs = sum_by(below * limits[demand.case], unit, judged, units)
    storeys = open_storeys(rows, demand, counted, units)
    note_en, note_zh = notes(unit, demand, known, storeys)
    told = {"standard": demand.standard, "indicator": demand.indicator, "comparison": demand.comparison}
    return pd.DataFrame({name: _always(text, units) for name, text in told.items()}).assign(
        **judge(tops, belows, needs, held > 0, demand.comparison),
        numerator_m2=np.where(some, m2(tops), np.nan),
        denominator_m2=np.where(some, m2(belows), np.nan),
        rows=each,
        missing_rows=each - held,
        land_without_limit_m2=m2(sum_by(steps(rows["land_area_m2"]), unit, ~limited, units)),
        as_recorded=storeys,
        source=sources(unit, demand, judged, units),
        note_zh=note_zh,
        note_en=note_en,
    )


def _always(text: str, units: int) -> pd.Categorical:
    return pd.Categorical.from_codes(np.zeros(units, dtype="intp"), categories=pd.Index([text], dtype="str"))


def _by_unit(tables: Sequence[pd.DataFrame], names: Sequence[Any]) -> pd.DataFrame:
    """Put tables of the same units together, unit after unit; only here do texts become text."""
    order = np.arange(len(tables) * len(names)).reshape(len(tables), -1).T.ravel()
    columns = {"unit": pd.Series(names).take(np.repeat(np.arange(len(names)), len(tables))).array}
    for name, column in tables[0].items():
        parts = [one[name] for one in tables]
        if isinstance(column.dtype, pd.CategoricalDtype):
            texts = union_categoricals(parts)
            columns[str(name)] = texts.categories.array.take(texts.codes[order])
        else:
            columns[str(name)] = pd.concat(parts, ignore_index=True).take(order).array
    return pd.DataFrame(columns)
