"""How intensively land is built on and what it yields: the measures themselves.

Each measure is one function, Series in and Series out, same index; all are ratios of two sums, so to
go from sites to a park both columns are summed first and divided once. The catalogue
(`policy/indicators.toml`) drives the same divisions over whole layers, and a test holds both together.

`floor_areas` settles what a building's floor area is. Units: m², m, yuan; tax per mu in yuan per mu.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

import pandas as pd

from geo.storeys import storey_height_by_use
from layers.units import convert

__all__ = [
    "Storeys",
    "admin_land_share",
    "building_coefficient",
    "building_density",
    "floor_areas",
    "green_ratio",
    "investment_per_mu",
    "output_per_km2",
    "plot_ratio",
    "rd_per_mu",
    "revenue_per_mu",
    "tax_per_mu",
    "value_added_per_mu",
]


class Storeys(TypedDict):
    """Settings of `floor_areas`."""

    storey_height_m: float | None
    storey_heights: Mapping[str, float]
    tall_storey_m: float


def plot_ratio(floor_area_m2: pd.Series, land_area_m2: pd.Series) -> pd.Series:
    """Plot ratio (容积率, also FAR): floor area built for each unit of land.

    plot_ratio = Σ floor_area_m2 / Σ land_area_m2

    Parameters
    ----------
    floor_area_m2 : Series, shape (n,), m²
        Countable floor area. `floor_areas` has already applied the rule for tall storeys.
    land_area_m2 : Series, shape (n,), m²
        Site area of the same n sites or groups.

    Returns
    -------
    Series, shape (n,), no unit, named "plot_ratio"
        0 where nothing is built; missing where land is missing or 0, or floor area is missing.

    Raises
    ------
    ValueError
        The indexes differ, or an area is negative.

    Notes
    -----
    Intensive: to go from sites to a park, sum both areas and divide again.

    References
    ----------
    国土资发〔2008〕24号, definition of 容积率; TD/T 1029, 综合容积率.

    Examples
    --------
    Two sites, one with 1,500 m² of floor on 1,000 m² of land, one still empty:

    >>> plot_ratio(pd.Series([1500, 0]), pd.Series([1000, 500])).tolist()
    [1.5, 0.0]
    """
    return _ratio(floor_area_m2, land_area_m2, "plot_ratio")


def building_density(building_base_m2: pd.Series, land_area_m2: pd.Series) -> pd.Series:
    """Building density (建筑密度): footprint of buildings for each unit of land.

    building_density = Σ building_base_m2 / Σ land_area_m2, a share (0–1). A value above 1 is passed on,
    not clipped: it shows that a footprint or an area is wrong. Missing values, zero land, errors and
    index as in `plot_ratio`.

    References
    ----------
    TD/T 1029, 建筑密度.

    Examples
    --------
    >>> building_density(pd.Series([400.0]), pd.Series([1000.0])).tolist()
    [0.4]
    """
    return _ratio(building_base_m2, land_area_m2, "building_density")


def building_coefficient(building_base_m2: pd.Series, yard_area_m2: pd.Series, land_area_m2: pd.Series) -> pd.Series:
    """Building coefficient (建筑系数): buildings, structures and open yards for each unit of land.

    building_coefficient = Σ (building_base_m2 + yard_area_m2) / Σ land_area_m2. Not the density: yards
    for storage and work in the open count too. Missing where any of the three is missing.

    References
    ----------
    国土资发〔2008〕24号, definition of 建筑系数.

    Examples
    --------
    >>> building_coefficient(pd.Series([300.0]), pd.Series([100.0]), pd.Series([1000.0])).tolist()
    [0.4]
    """
    return _ratio(building_base_m2 + yard_area_m2, land_area_m2, "building_coefficient")


def green_ratio(green_area_m2: pd.Series, land_area_m2: pd.Series) -> pd.Series:
    """Green ratio (绿地率): green area for each unit of land; conventions as in `plot_ratio`.

    Examples
    --------
    >>> green_ratio(pd.Series([150.0]), pd.Series([1000.0])).tolist()
    [0.15]
    """
    return _ratio(green_area_m2, land_area_m2, "green_ratio")


def admin_land_share(admin_land_m2: pd.Series, land_area_m2: pd.Series) -> pd.Series:
    """Administrative and living land share (行政办公及生活服务设施用地比重); conventions as in `plot_ratio`.

    Examples
    --------
    >>> admin_land_share(pd.Series([70.0]), pd.Series([1000.0])).tolist()
    [0.07]
    """
    return _ratio(admin_land_m2, land_area_m2, "admin_land_share")


def tax_per_mu(tax_cny: pd.Series, land_used_m2: pd.Series) -> pd.Series:
    """Tax per mu (亩均税收): tax of a set of firms for each mu of land the same firms use.

    Parameters
    ----------
    tax_cny : Series, yuan
        Missing is missing, never 0; a negative tax (a refund) is passed on.
    land_used_m2 : Series, m²
        Registered land − leased out + leased in.

    Returns
    -------
    Series, yuan per mu, named "tax_cny_per_mu"
        Missing where tax or land is missing, or land is 0.

    Examples
    --------
    200,000 yuan on one mu (2000/3 m²):

    >>> tax_per_mu(pd.Series([200_000.0]), pd.Series([2000 / 3])).round(6).tolist()
    [200000.0]
    """
    return _per_mu(tax_cny, land_used_m2, "tax_cny_per_mu")


def value_added_per_mu(value_added_cny: pd.Series, land_used_m2: pd.Series) -> pd.Series:
    """Value added per mu (亩均工业增加值), yuan per mu; conventions as in `tax_per_mu`."""
    return _per_mu(value_added_cny, land_used_m2, "value_added_cny_per_mu")


def revenue_per_mu(revenue_cny: pd.Series, land_used_m2: pd.Series) -> pd.Series:
    """Revenue per mu (亩均营业收入), yuan per mu; conventions as in `tax_per_mu`."""
    return _per_mu(revenue_cny, land_used_m2, "revenue_cny_per_mu")


def rd_per_mu(rd_cny: pd.Series, land_used_m2: pd.Series) -> pd.Series:
    """R&D spending per mu (亩均研发经费), yuan per mu; conventions as in `tax_per_mu`."""
    return _per_mu(rd_cny, land_used_m2, "rd_cny_per_mu")


def investment_per_mu(investment_cny: pd.Series, land_area_m2: pd.Series) -> pd.Series:
    """Fixed-asset investment per mu (亩均固定资产投资, land price included), yuan per mu."""
    return _per_mu(investment_cny, land_area_m2, "investment_cny_per_mu")


def output_per_km2(output_cny: pd.Series, land_used_m2: pd.Series) -> pd.Series:
    """Output per land (地均产出), yuan per km²; conventions as in `tax_per_mu`.

    Examples
    --------
    >>> output_per_km2(pd.Series([5e9]), pd.Series([1e6])).tolist()
    [5000000000.0]
    """
    return _ratio(output_cny, convert(land_used_m2, "m2", "km2"), "output_cny_per_km2", signed=True)


def _per_mu(money_cny: pd.Series, land_m2: pd.Series, name: str) -> pd.Series:
    return _ratio(money_cny, convert(land_m2, "m2", "mu"), name, signed=True)


def _ratio(top: pd.Series, below: pd.Series, name: str, *, signed: bool = False) -> pd.Series:
    if not top.index.equals(below.index):
        raise ValueError(f"{name}: the two columns do not have the same index")
    top, below = top.astype("float64"), below.astype("float64")
    if (below < 0).any():
        raise ValueError(f"{name}: {int((below < 0).sum())} of {len(below)} land areas are negative")
    if not signed and (top < 0).any():
        raise ValueError(f"{name}: {int((top < 0).sum())} of {len(top)} areas are negative")
    return (top / below.mask(below == 0)).rename(name)


def floor_areas(
    buildings: pd.DataFrame,
    footprint_m2: pd.Series,
    *,
    storey_height_m: float | None = None,
    storey_heights: Mapping[str, float] | None = None,
    tall_storey_m: float = 8.0,
) -> pd.DataFrame:
    """Floor area of each building (建筑面积): recorded, else footprint × floors, else from the height.

    Parameters
    ----------
    buildings : DataFrame
        With any of `floor_area_m2`, `floors`, `height_m`, `storey_height_m`, `use`, and `height_from_raster` (flag).
    footprint_m2 : Series, m²
        Area of each footprint.
    storey_height_m, storey_heights
        Taken where only the height is known and the building has no storey height of its own, see
        `storeys.storey_height_by_use`: floors = height ÷ storey height, not rounded, at least one.
    tall_storey_m : float
        A storey known to be higher counts twice.

    Returns
    -------
    DataFrame
        `floor_area_m2` (missing where neither record, floors nor height is known), `floor_area_from`
        (recorded, floors, height, or missing), `estimated` (True where the height, or a height off a
        raster, decided), `tall` (True, False, or missing where the storey height is not known) and
        `floors_estimated` (missing unless the floor area is from the height).

    References
    ----------
    国土资发〔2008〕24号: where a storey is higher than 8 m, its floor area is doubled for the plot ratio.

    Examples
    --------
    A hall of one 9 m storey, an office of three floors, a block known by its height only, a blank:

    >>> made = pd.DataFrame({"floors": [1, 3, None, None], "height_m": [9, None, 12, None]})
    >>> floor_areas(made, pd.Series([100.0, 100.0, 100.0, 100.0]))["floor_area_m2"].tolist()
    [200.0, 300.0, 300.0, nan]
    """
    recorded, floors = _number(buildings, "floor_area_m2"), _number(buildings, "floors")
    height, storey = _number(buildings, "height_m"), _number(buildings, "storey_height_m")
    # 0 floors and a height of 0 are how many sources write "not known".
    floors, height, storey = floors.mask(floors <= 0), height.mask(height <= 0), storey.mask(storey <= 0)
    by_floors = footprint_m2 * floors
    by_use = storey_height_by_use(buildings.get("use"), buildings.index, storey_heights, storey_height_m)
    storeys_by_height = (height / storey.fillna(by_use["storey_height_m"])).clip(lower=1)
    by_height = footprint_m2 * storeys_by_height
    area = recorded.fillna(by_floors).fillna(by_height)
    source = pd.Series(pd.NA, index=buildings.index, dtype="string")
    source = (
        source.mask(by_height.notna(), "height").mask(by_floors.notna(), "floors").mask(recorded.notna(), "recorded")
    )
    known_storey = storey.fillna(height / floors)
    tall = (known_storey > tall_storey_m).astype("boolean").mask(known_storey.isna())
    # A height read off a raster is an estimate, and so is what it doubles.
    guessed = pd.Series(buildings.get("height_from_raster", False), index=buildings.index).astype(bool)
    doubled = area.where(~tall.fillna(value=False), area * 2)
    return pd.DataFrame(
        {
            "floor_area_m2": doubled,
            "floor_area_from": source,
            "estimated": (source == "height").fillna(value=False) | (guessed & tall.fillna(value=False)),
            "tall": tall,
            "floors_estimated": storeys_by_height.where((source == "height").fillna(value=False)),
        }
    )


def _number(frame: pd.DataFrame, column: str) -> pd.Series:
    if column not in frame:
        return pd.Series(float("nan"), index=frame.index)
    return frame[column].astype("float64")
