"""Lots with a land use: the parcels of the example city.

Blocks in parks are mostly industrial, the middle is dense, the rim is farmland. Old industry is then
scattered outside the parks until the industrial land inside them is the wanted share of all: that is how
the concentration is known before anybody measures it. Codes and names are those of the third survey.
Areas in m², money in yuan. Knows nothing of firms and buildings.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.errors import ProjectError
from layers.example import places
from layers.example.lots import KINDS, Ints, Lots, join, subdivide
from layers.example.outskirts import Outskirts
from layers.example.streets import CRS, ORIGIN, Floats, Ground

__all__ = ["INDUSTRIAL", "Site", "clip", "cut_lots", "describe", "innermost", "settle"]

INDUSTRIAL = "0601"
#: Blocks beyond this share of the way to the nominal border are left wild.
REACH = 1.25


@dataclass(frozen=True)
class Site:
    """Lots, the district of each (0, 1, …), how far out they lie and what kind of block they are in."""

    lots: Lots
    district: Ints
    rho: Floats
    kind: np.ndarray
    whole: np.ndarray

    def __len__(self) -> int:
        return len(self.district)


def cut_lots(ground: Ground, estates: gpd.GeoDataFrame, rng: np.random.Generator) -> Site:
    """Cut every block into lots and take away river and expressway."""
    near = np.flatnonzero(ground.rho < REACH)
    kinds = _kinds(ground, near, shapely.union_all(estates.geometry), rng)
    lots = join([subdivide(ground.corners, near[kinds == kind], kind, rng) for kind in KINDS])
    kind_of = np.full(len(ground.rho), "", dtype="U8")
    kind_of[near] = kinds
    geometry, whole = _carve(lots.geometry, [ground.river, ground.expressway])
    left = np.flatnonzero(~shapely.is_empty(geometry))
    lots = Lots(geometry, lots.block, lots.corners, lots.core, lots.right).take(left)
    seat = places.nearest_seat(ground)[lots.block]
    return Site(lots, seat, ground.rho[lots.block], kind_of[lots.block], whole[left])


def innermost(site: Site, parcels: int) -> Site:
    """Keep the `parcels` lots nearest to the centre, put in order of district and block."""
    if len(site) < parcels:
        raise ProjectError(
            f"The example city has room for {len(site)} parcels, {parcels} were asked for. Ask for fewer.",
            f"示例城市只能容纳 {len(site)} 宗地块，要求的是 {parcels} 宗。请减少地块数。",
        )
    near = np.argsort(site.rho, kind="stable")[:parcels]
    rows = near[np.lexsort((site.lots.block[near], site.district[near]))]
    return Site(site.lots.take(rows), site.district[rows], site.rho[rows], site.kind[rows], site.whole[rows])


def _kinds(ground: Ground, blocks: Ints, inside: shapely.Geometry, rng: np.random.Generator) -> np.ndarray:
    """Choose what kind each block is."""
    middles = ground.corners[blocks].mean(axis=1)
    in_park = shapely.contains_xy(inside, middles)
    ring = ground.rho[blocks] + 0.11 * _noise(middles, ground.radius, 3.0, rng)
    chance = rng.random(len(blocks))
    rules = [
        (in_park & (chance < 0.84), "industry"),
        (in_park & (chance < 0.94), "housing"),
        (in_park, "centre"),
        (ring < 0.17, "centre"),
        (ring < 0.58, np.select([chance < 0.10, chance < 0.28], ["centre", "mixed"], "housing")),
        (
            ring < 0.80,
            np.select([chance < 0.42, chance < 0.70, chance < 0.82], ["mixed", "housing", "industry"], "farm"),
        ),
    ]
    conditions, values = zip(*rules, strict=True)
    return np.select(list(conditions), list(values), np.where(chance < 0.12, "mixed", "farm"))


def _noise(points: Floats, radius: float, waves: float, rng: np.random.Generator) -> Floats:
    """Return a smooth random field over the city, of about unit size."""
    angle, phase = rng.uniform(0, 2 * np.pi, (2, 9))
    number = waves * rng.uniform(0.5, 1.5, 9) / radius
    along = (points - ORIGIN) @ np.stack([np.cos(angle), np.sin(angle)])
    return np.asarray(np.sin(along * number + phase).sum(axis=-1) / 2.1)


def _carve(geometry: np.ndarray, bands: list[shapely.Polygon]) -> tuple[np.ndarray, np.ndarray]:
    """Take the bands out of the lots; return what is left and which lots were spared."""
    band = shapely.union_all(bands)
    shapely.prepare(band)
    hit = shapely.intersects(band, geometry)
    rest = shapely.difference(geometry[hit], band)
    left = np.array([max(shapely.get_parts(one), key=shapely.area, default=shapely.Polygon()) for one in rest], object)
    left = shapely.transform(left, lambda xy: np.round(xy, 3))
    small = (
        (shapely.area(left) < 0.35 * shapely.area(geometry[hit])) | (shapely.area(left) < 400) | ~shapely.is_valid(left)
    )
    carved = geometry.copy()
    carved[hit] = np.where(small, shapely.Polygon(), left)
    return carved, ~hit


def settle(
    site: Site, estates: gpd.GeoDataFrame, planted: Outskirts, concentration: float, rng: np.random.Generator
) -> np.ndarray:
    """Give each lot a land-use code, so that `concentration` of the industrial land lies in parks.

    What is `planted` beside a park is industry, and nothing around it is.
    """
    uses = places.table("uses.csv").set_index("code")
    codes = np.empty(len(site), dtype="U4")
    for kind in KINDS:
        rows = np.flatnonzero(site.kind == kind)
        share = uses[kind].astype("float64").to_numpy()
        codes[rows] = rng.choice(uses.index.to_numpy().astype("U4"), len(rows), p=share / share.sum())
    spoiled = ~site.whole
    codes[spoiled] = np.where(site.kind[spoiled] == "farm", "0101", "0810")
    around = planted.around
    codes[around] = np.where(codes[around] == INDUSTRIAL, "1201", codes[around])
    codes[planted.works] = INDUSTRIAL
    return _scatter(site, codes, shapely.union_all(estates.geometry), planted, concentration, rng)


def _scatter(
    site: Site,
    codes: np.ndarray,
    inside: shapely.Geometry,
    planted: Outskirts,
    concentration: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Turn lots outside the parks into industry, or back, until the wanted share lies inside."""
    within = clip(site.lots.geometry, inside)
    touches = ~shapely.is_empty(within)
    park_industry = touches & (codes == INDUSTRIAL)
    area = shapely.area(site.lots.geometry)
    in_parks = shapely.area(within[park_industry]).sum()
    wanted = in_parks / concentration - area[park_industry].sum() - area[planted.works].sum()
    settled_already = np.isin(np.arange(len(site)), [*planted.works, *planted.around])
    open_to_all = ~touches & ~settled_already & site.whole
    spare = np.flatnonzero(open_to_all & np.isin(site.kind, ["industry", "mixed"]) & (codes != "0810"))
    middles = shapely.get_coordinates(shapely.centroid(site.lots.geometry[spare]))
    lure = 0.35 * _noise(middles, float(np.ptp(middles[:, 0])) / 2, 7.0, rng) + rng.random(len(spare))
    order = spare[np.argsort(-(lure + 2.0 * (codes[spare] == INDUSTRIAL)), kind="stable")]
    taken = order[np.cumsum(area[order]) <= wanted]
    settled = codes.copy()
    settled[order] = np.where(codes[order] == INDUSTRIAL, "1201", codes[order])
    settled[taken] = INDUSTRIAL
    return settled


def clip(geometry: np.ndarray, inside: shapely.Geometry) -> np.ndarray:
    """Return what of each geometry lies in `inside`; whole ones are told apart first, which is quicker."""
    shapely.prepare(inside)
    whole = shapely.contains(inside, geometry)
    cut = ~whole & shapely.intersects(inside, geometry)
    clipped = np.where(whole, geometry, shapely.Polygon())
    clipped[cut] = shapely.intersection(geometry[cut], inside)
    return clipped


def describe(site: Site, codes: np.ndarray, towns: gpd.GeoDataFrame, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Write the parcel table: ids, codes, recorded areas, status and dates."""
    n = len(site)
    uses = places.table("uses.csv").set_index("code").loc[codes]
    serial = pd.Series(site.district).groupby(site.district).cumcount().to_numpy() + 1
    area = shapely.area(site.lots.geometry)
    works = np.isin(codes, [INDUSTRIAL, "0508"])
    ratio = uses["planned_ratio"].astype("float64").to_numpy()
    status = _status(codes, rng)
    part = pd.DataFrame(
        {
            "parcel_id": [f"{d + 1}{k:07d}" for d, k in zip(site.district, serial, strict=True)],
            "land_use_code": codes,
            "land_use_name": uses["name"].to_numpy(),
            "planned_use_code": _planned(codes, uses["planned_code"].to_numpy(), rng),
            "recorded_area_m2": np.round(area * (1 + rng.normal(0, 4e-4, n)), 2),
            "owner_code": None,
            "industry_code": None,
            "status": status,
            "plot_ratio_planned": np.where(ratio > 0, np.round(ratio * rng.uniform(0.7, 1.3, n), 1), np.nan),
            "yard_area_m2": np.where(works, np.round(area * rng.uniform(0.02, 0.14, n), 1), np.nan),
            "green_area_m2": np.where(works, np.round(area * rng.uniform(0.03, 0.20, n), 1), np.nan),
            "admin_land_m2": np.where(works, np.round(area * rng.uniform(0.01, 0.08, n), 1), np.nan),
            "investment_cny": np.where(works, np.round(area * rng.lognormal(8.0, 0.7, n), -4), np.nan),
        }
    )
    dates = _dates(status, rng)
    place = {"ZLDWMC": towns["district_name"].to_numpy()[site.district], "SJNF": 2025}
    return gpd.GeoDataFrame(part.assign(**dates, **place), geometry=site.lots.geometry, crs=CRS)


def _planned(codes: np.ndarray, planned: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Planned use as planned, but some industry and vacant land is meant for housing or shops."""
    other = np.where(rng.random(len(codes)) < 0.6, "0701", "05H1")
    away = np.isin(codes, [INDUSTRIAL, "1201"]) & (rng.random(len(codes)) < 0.10)
    return np.where(away, other, planned)


def _status(codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    chance = rng.random(len(codes))
    works = np.select([chance < 0.86, chance < 0.91, chance < 0.95], ["在用", "闲置", "空闲"], "在建")
    vacant = np.where(chance < 0.35, "闲置", "空闲")
    farmed = np.isin(codes, ["0101", "0103", "0201", "1104"])
    return np.select([codes == INDUSTRIAL, codes == "1201", farmed], [works, vacant, np.full(len(codes), None)], "在用")


def _dates(status: np.ndarray, rng: np.random.Generator) -> dict[str, pd.Series]:
    """Agreed start, start and stop of works, each in its order."""
    n = len(status)
    idle, building = status == "闲置", status == "在建"
    first = np.select([idle, building], [2018.0, 2022.5], 1998.0)
    span = np.select([idle, building], [5.5, 2.5], 22.0)
    agreed = pd.to_datetime("1970-01-01") + pd.to_timedelta(
        np.round((first + span * rng.random(n) - 1970) * 365.25), unit="D"
    )
    told = idle | building | ((status == "在用") & (rng.random(n) < 0.3))
    begun = told & ~(idle & (rng.random(n) < 0.55))
    started = agreed + pd.to_timedelta(rng.integers(20, 400, n), unit="D")
    stopped = started + pd.to_timedelta(rng.integers(120, 500, n), unit="D")
    columns = {"agreed_start": (agreed, told), "started": (started, begun), "suspended_since": (stopped, begun & idle)}
    last = pd.Timestamp("2025-12-31")
    return {
        name: pd.Series(day).where(shown & (day <= last)).astype("datetime64[ns]")
        for name, (day, shown) in columns.items()
    }
