"""The whole example city: rooms called in order, each with its own stream of random numbers."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.errors import ProjectError
from layers.example import buildings as houses
from layers.example import daily, faults, firms, land, outskirts, places, roads, streets, surveys, truth
from layers.example import works as sites
from layers.example.streets import CRS, Ground

__all__ = ["Example", "make"]

FEWEST = 1000
ROOMS = (
    "streets",
    "parks",
    "lots",
    "uses",
    "parcels",
    "placing",
    "buildings",
    "height",
    "firms",
    "concentration",
    "faults",
    "survey",
    "daily",
    "works",
)


@dataclass(frozen=True)
class Example:
    """A synthetic city.

    Attributes
    ----------
    frames : dict of GeoDataFrame
        Canonical layers: parks, parcels, buildings, enterprises, holdings, districts, constraints,
        facilities, housing, roads; EPSG:4549.
    height : Height
        Heights above ground: `.metres` (float32), `.transform`, `.nodata`.
    truth : dict
        Figures known by construction; plain values, so that it can be written as JSON.
    """

    frames: dict[str, gpd.GeoDataFrame]
    height: houses.Height
    truth: dict[str, object]


def make(parcels: int = 20_000, seed: int = 2025, *, buildings: int | None = None) -> Example:
    """Make the example city (示例城市, 合成数据).

    Parameters
    ----------
    parcels : int
        Number of rows of the parcel layer, planted faults included; at least 1,000.
    seed : int
        Same seed, same city.
    buildings : int, optional
        About how many buildings; by default about three a parcel.

    Raises
    ------
    ProjectError
        Fewer than 1,000 parcels were asked for, or a negative seed.

    Examples
    --------
    >>> city = make(parcels=1000)
    >>> len(city.frames["parcels"]), city.truth["synthetic"]
    (1000, True)
    """
    if parcels < FEWEST or seed < 0:
        raise ProjectError(
            f"The example city needs at least {FEWEST} parcels and a seed ≥ 0, got {parcels} and {seed}.",
            f"示例城市至少需要 {FEWEST} 宗地块，种子不得为负；收到 {parcels} 和 {seed}。",
        )
    stream = {room: np.random.default_rng([seed, number]) for number, room in enumerate(ROOMS)}
    ground, estates, site = _grow(parcels - faults.ADDED, seed)
    border = streets.outline(ground, float(site.rho.max()) * 1.02)
    towns, estates = places.districts(ground, border), places.trim(estates, border)
    planted = outskirts.choose(site.lots, site.whole, estates)
    codes = land.settle(site, estates, planted, float(stream["concentration"].uniform(0.59, 0.65)), stream["uses"])
    lots = land.describe(site, codes, towns, stream["parcels"])
    vacant = lots["status"].isin(["空闲", "在建"]).to_numpy()
    plan = houses.draw(site, codes, vacant, buildings, stream["placing"])
    built, height = houses.describe(plan, codes, stream["buildings"])
    lots = sites.add(lots, stream["works"])
    works = firms.settle_firms(lots, estates, towns, faults.UNMATCHED, stream["firms"])
    frames = {
        "parks": _with_vacant_land(estates, lots),
        "parcels": surveys.add(_with_owners(lots, works), estates, stream["survey"]),
        "buildings": built,
        "enterprises": works.enterprises,
        "holdings": works.holdings,
        "districts": towns,
        "constraints": _constraints(ground, border),
        "facilities": daily.services(lots, stream["daily"]),
        "housing": daily.estates(lots, stream["daily"]),
        "roads": roads.street_lines(ground, border),
    }
    faulty = faults.plant(frames, site.lots.right, site.lots.corners, stream["faults"])
    known = truth.know(faulty.frames, plan, faulty.planted)
    known |= truth.know_composition(estates, lots, planted, places.roads(ground))
    known |= roads.know_streets(ground, border)
    return Example(faulty.frames, houses.raster(plan, height, border, stream["height"]), known)


def _grow(parcels: int, seed: int) -> tuple[Ground, gpd.GeoDataFrame, land.Site]:
    """Lay a city just large enough: the number of streets is mended until the lots fill the border."""
    n = round(np.sqrt(parcels / 4.5)) + 1
    for _ in range(6):
        ground = streets.lay(n, np.random.default_rng([seed, 0]))
        border = streets.outline(ground, 1.0)
        towns = places.districts(ground, border)
        estates = places.parks(ground, border, towns, np.random.default_rng([seed, 1]))
        site = land.cut_lots(ground, estates, np.random.default_rng([seed, 2]))
        filled = float(np.sqrt(parcels / max(1, int((site.rho <= 1.0).sum()))))
        if 0.96 <= filled <= 1.04:
            break
        n = max(n + 1, round(n * filled)) if filled > 1 else min(n - 1, round(n * filled))
    return ground, estates, land.innermost(site, parcels)


def _with_vacant_land(estates: gpd.GeoDataFrame, lots: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Tell each park's vacant land: its vacant lots, m² to the whole."""
    vacant = lots.loc[lots["land_use_code"] == "1201"].geometry.to_numpy()
    area = [shapely.area(land.clip(vacant, shape)).sum() for shape in estates.geometry]
    return estates.assign(vacant_land_m2=np.round(area))


def _with_owners(lots: gpd.GeoDataFrame, works: firms.Firms) -> gpd.GeoDataFrame:
    """Write owner and industry on the parcels whose owner is told."""
    firm = works.enterprises
    known = works.owner >= 0

    def told(values: np.ndarray | pd.Series) -> pd.Series:
        return pd.Series(np.asarray(values, dtype=object)[works.owner], dtype="str").where(known)

    lots = lots.assign(owner_code=told(firm["enterprise_code"]), industry_code=told(works.industry))
    lots.insert(lots.columns.get_loc("owner_code") + 1, "owner_name", told(firm["enterprise_name"]))
    return lots


def _constraints(ground: Ground, border: shapely.Polygon) -> gpd.GeoDataFrame:
    """Return water, an ecological redline on the rim and two fields of permanent farmland."""
    hills = shapely.buffer(shapely.Point(ground.place(0.98, 230)), 0.16 * ground.radius)
    fields = [shapely.buffer(shapely.Point(ground.place(0.93, at)), 0.09 * ground.radius) for at in (8, 150)]
    shapes = [shapely.intersection(shape, border) for shape in (ground.river, hills, *fields)]
    return gpd.GeoDataFrame(
        {
            "kind": ["water", "redline", "farmland", "farmland"],
            "constraint_name": ["示例江", "示例山生态保护红线", "东郊永久基本农田", "西郊永久基本农田"],
        },
        geometry=shapes,
        crs=CRS,
    )
