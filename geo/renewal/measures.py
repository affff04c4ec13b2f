"""Measures that evidence compares with a limit (线索度量): each is one sum over another, as every figure is.

So the mean of a city, a zone or an industry is the ratio of two sums of whole steps, never a mean of ratios. Knows
which columns stand above and below, in which base units, and in which unit people read the ratio; knows no limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from layers.units import convert, from_tally, to_tally

__all__ = ["MEASURES", "Measure", "mean", "ratio"]


@dataclass(frozen=True)
class Measure:
    """A ratio of two sums (比值型度量).

    Attributes
    ----------
    id : str
    top, below : str
        Columns; of firms where `of_firms`, else of parcels (see `Sources.sums`).
    unit : str
        Unit of the ratio as evidence tells it, "1" for none.
    top_base, below_base : str
        Units the sums are counted in.
    top_unit, below_unit : str
        Units both are turned into before the division.
    of_firms : bool
        Whether the sums are of the firms on a parcel that report both.
    percent : bool
        Whether people read it as per cent.
    """

    id: str
    top: str
    below: str
    unit: str = "1"
    top_base: str = "m2"
    below_base: str = "m2"
    top_unit: str = "m2"
    below_unit: str = "m2"
    of_firms: bool = False
    percent: bool = False


def _of_firms(name: str, top: str, below: str, below_unit: str, unit: str) -> Measure:
    base = "m2" if below_unit == "mu" else below_unit
    return Measure(name, top, below, unit, "cny", base, "wcny", below_unit, of_firms=True)


#: Measures on board, by id.
MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        one.id: one
        for one in (
            _of_firms("tax_per_mu", "tax_cny", "land_used_m2", "mu", "万元/亩"),
            _of_firms("value_added_per_mu", "value_added_cny", "land_used_m2", "mu", "万元/亩"),
            _of_firms("revenue_per_mu", "revenue_cny", "land_used_m2", "mu", "万元/亩"),
            _of_firms("value_added_per_tce", "value_added_cny", "energy_tce", "tce", "万元/吨标准煤"),
            Measure("plot_ratio", "floor_area_m2", "land_area_m2"),
            Measure("building_density", "building_base_m2", "land_area_m2", percent=True),
            Measure("building_coefficient", "covered_area_m2", "land_area_m2", percent=True),
            Measure("plot_ratio_of_planned", "floor_area_m2", "permitted_floor_area_m2", percent=True),
            Measure("investment_per_mu", "investment_cny", "land_area_m2", "万元/亩", "cny", "m2", "wcny", "mu"),
            Measure("building_age", "dated_base_age", "dated_base_m2", "年"),
            Measure("building_height", "tall_base_m3", "tall_base_m2", "米"),
            Measure("inside_share", "inside_m2", "land_area_m2", percent=True),
            Measure("constraint_share", "constrained_m2", "land_area_m2", percent=True),
            Measure("built_cover_share", "built_cover_m2", "cover_known_m2", percent=True),
            Measure("cover_share", "cover_m2", "cover_known_m2", percent=True),
            Measure("night_light", "night_light_m2", "lit_m2"),
        )
    }
)


def ratio(measure: Measure, sums: pd.DataFrame) -> pd.Series:
    """Divide the two sums of each row (逐行比值), in the unit of the measure.

    Parameters
    ----------
    measure : Measure
    sums : DataFrame
        `top`, `below` in base units.

    Returns
    -------
    Series of float
        Missing where a sum is, or where nothing stands below.

    Examples
    --------
    30 万元 of tax on 2,000 m², that is 3 mu:

    >>> ratio(MEASURES["tax_per_mu"], pd.DataFrame({"top": [300_000.0], "below": [2000.0]})).tolist()
    [10.0]
    """
    top = convert(sums["top"], measure.top_base, measure.top_unit)
    below = convert(sums["below"], measure.below_base, measure.below_unit)
    return (top / below).where(sums["below"] > 0)


def mean(measure: Measure, sums: pd.DataFrame, by: pd.Series | None = None) -> pd.Series:
    """Divide the sums of all rows that know both, once a group (平均 = 合计 ÷ 合计).

    Parameters
    ----------
    measure : Measure
    sums : DataFrame
        `top`, `below` in base units.
    by : Series, optional
        Group of each row, missing for none; by default all rows are one group, "".

    Returns
    -------
    Series of float
        By group; groups without a row that knows both are left out.

    Examples
    --------
    >>> sums = pd.DataFrame({"top": [100.0, 300.0, None], "below": [100.0, 900.0, 5000.0]})
    >>> mean(MEASURES["plot_ratio"], sums).to_dict()
    {'': 0.4}
    """
    group = pd.Series("", index=sums.index, dtype="string") if by is None else by
    known = (sums["top"].notna() & (sums["below"] > 0) & group.notna()).to_numpy()
    rows = pd.DataFrame(
        {
            "top": to_tally(sums["top"].to_numpy("float64")[known], measure.top_base),
            "below": to_tally(sums["below"].to_numpy("float64")[known], measure.below_base),
        }
    )
    added = rows.groupby(group[known].to_numpy()).sum()
    bases = {"top": measure.top_base, "below": measure.below_base}
    amounts = {name: from_tally(added[name].to_numpy("int64"), base) for name, base in bases.items()}
    means: pd.Series = ratio(measure, pd.DataFrame(amounts, index=added.index.astype("string")))
    known_means: pd.Series = means[np.isfinite(means)]
    return known_means
