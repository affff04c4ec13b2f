"""Buildings on the lots, and the height raster.

Footprints stand inside the lot's core, set back from its edge, in rows; a few on purpose reach over
the east edge into the next lot. Single-storey works halls are 9–12 m high. Some buildings lack floors,
some lack floors and height; the raster has them all. Metres and m²; floor areas are not doubled for
high storeys. Knows lots and their codes, nothing of parks and firms.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from rasterio.transform import Affine

from layers.example import places
from layers.example.land import INDUSTRIAL, Site
from layers.example.streets import CRS, Floats, bilinear

__all__ = ["Height", "Plan", "describe", "draw", "raster"]

Ints = npt.NDArray[np.int64]
#: No raster is larger than this many cells a side.
CELLS = 1500


@dataclass(frozen=True)
class Plan:
    """Where buildings stand: lot, box in the block's unit square, whether L-shaped, share in its own lot."""

    lot: Ints
    corners: Floats
    box: Floats
    notched: npt.NDArray[np.bool_]
    share: Floats

    def footprints(self) -> np.ndarray:
        """Return the footprints as polygons, to the millimetre."""
        unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 1], [0, 1]], dtype="float64")
        bent = np.array([[0, 0], [1, 0], [1, 0.45], [0.4, 0.45], [0.4, 1], [0, 1]])
        shape = np.where(self.notched[:, None, None], bent, unit)
        rings = np.round(self.at(shape), 3)
        square = shapely.polygons(rings[:, :4])
        square[self.notched] = shapely.polygons(rings[self.notched])
        return np.asarray(square, dtype=object)

    def at(self, shape: Floats) -> Floats:
        """Lay points of the box's own unit square onto the ground; shape (n, k, 2)."""
        low, size = self.box[:, None, :2], self.box[:, None, 2:] - self.box[:, None, :2]
        points = low + shape * size
        return bilinear(self.corners[:, None], points[..., 0], points[..., 1])


def draw(site: Site, codes: np.ndarray, vacant: np.ndarray, buildings: int | None, rng: np.random.Generator) -> Plan:
    """Place buildings on every lot that is in use; about `buildings` of them where a number is given."""
    uses = places.table("uses.csv").set_index("code").loc[codes]
    number = uses[["buildings", "coverage", "unbuilt"]].astype("float64").to_numpy()
    open_land = vacant | ~site.whole | (rng.random(len(site)) < number[:, 2])
    over, share = _overhang(site, codes, open_land, rng)
    open_land[site.lots.right[over[share < 0.9]]] = True
    mean = np.where(open_land, 0.0, number[:, 0])
    scale = 1.0 if buildings is None else buildings / mean.sum()
    count = np.where(open_land, 0, rng.poisson(np.maximum(mean * scale - 1, 0.0)) + 1)
    count[over] = 1
    lot = np.repeat(np.arange(len(site)), count)
    coverage = np.clip(number[:, 1] * rng.lognormal(-0.06, 0.35, len(site)), 0.03, 0.62)
    box = _boxes(site, count, coverage, rng)
    own = np.ones(len(lot))
    first = np.cumsum(count)[over] - 1
    box[first], own[first] = _push_over(box[first], site.lots.core[over, 2], share), share
    notched = (rng.random(len(lot)) < 0.14) & np.isin(codes[lot], [INDUSTRIAL, "05H1", "08H2"]) & (own == 1)
    return Plan(lot, site.lots.corners[lot], box, notched, own)


def _overhang(site: Site, codes: np.ndarray, open_land: np.ndarray, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Choose lots whose building reaches into the next one, and the share that stays in its own."""
    right = site.lots.right
    busy = np.isin(codes, [INDUSTRIAL, "0508", "05H1"])
    fit = (right >= 0) & busy & ~open_land & site.whole[right] & ~open_land[right] & (site.lots.core[:, 0] == 0)
    lots = np.flatnonzero(fit)
    lots = lots[~np.isin(right[lots], lots)]
    many = min(len(lots), max(8, len(site) // 500))
    chosen = np.sort(rng.choice(lots, many, replace=False))
    chosen = chosen[np.unique(right[chosen], return_index=True)[1]]
    lean = rng.random(len(chosen)) < 0.6
    return chosen, np.where(lean, rng.uniform(0.92, 0.97, len(chosen)), rng.uniform(0.55, 0.66, len(chosen)))


def _boxes(site: Site, count: Ints, coverage: Floats, rng: np.random.Generator) -> Floats:
    """Return a box for each building: the core less its setback, cut into cells, each partly filled."""
    wide, deep = _measure(site)
    core, sides = site.lots.core, np.stack([wide, deep], axis=1)
    smaller = ((core[:, 2:] - core[:, :2]) * sides).min(axis=1)
    inset = np.clip(0.09 * smaller, 1.0, 8.0)[:, None] / sides
    core = core + np.concatenate([inset, -inset], axis=1)
    wide, deep = ((core[:, 2:] - core[:, :2]) * sides).T
    columns = np.maximum(1, np.round(np.sqrt(count * wide / deep))).astype("int64")
    rows = np.maximum(1, -(-count // columns))
    fill = np.clip(coverage * shapely.area(site.lots.geometry) / (wide * deep), 0.05, 0.80)
    fill = np.clip(fill * columns * rows / np.maximum(count, 1), 0.04, 0.80)
    lot = np.repeat(np.arange(len(count)), count)
    order = np.arange(len(lot)) - np.repeat(np.cumsum(count) - count, count)
    shape = np.clip(rng.uniform(0.85, 1.35, len(lot)), fill[lot] / 0.86, 0.86 / fill[lot])
    size = np.stack([np.sqrt(fill[lot] * shape), np.sqrt(fill[lot] / shape)], axis=1).clip(max=0.93)
    corner = rng.uniform(0.15, 0.85, (len(lot), 2)) * (1 - size)
    cell = np.stack([order % columns[lot], order // columns[lot]], axis=1) + corner
    grid = np.stack([columns, rows], axis=1)[lot]
    low, span = core[lot, :2], core[lot, 2:] - core[lot, :2]
    return np.concatenate([low + span * cell / grid, low + span * (cell + size) / grid], axis=1)


def _measure(site: Site) -> tuple[Floats, Floats]:
    """Width and depth in metres of the block each lot lies in, as its unit square sees them."""
    c = site.lots.corners
    wide = np.linalg.norm(c[:, 1] - c[:, 0] + c[:, 2] - c[:, 3], axis=1) / 2
    deep = np.linalg.norm(c[:, 3] - c[:, 0] + c[:, 2] - c[:, 1], axis=1) / 2
    return wide, deep


def _push_over(box: Floats, east: Floats, share: Floats) -> Floats:
    """Move boxes eastward until only `share` of each lies west of the lot's east edge."""
    wide = box[:, 2] - box[:, 0]
    west = east - share * wide
    return np.stack([west, box[:, 1], west + wide, box[:, 3]], axis=1)


def describe(plan: Plan, codes: np.ndarray, rng: np.random.Generator) -> tuple[gpd.GeoDataFrame, Floats]:
    """Write the building table; return it and the true height of each building, m."""
    n = len(plan.lot)
    uses = places.table("uses.csv").set_index("code").loc[codes[plan.lot]]
    low, high = (uses[name].astype("int64").to_numpy() for name in ("floors_low", "floors_high"))
    floors = low + np.floor((high - low + 1) * rng.beta(0.9, 1.9, n)).astype("int64")
    hall = np.isin(codes[plan.lot], [INDUSTRIAL, "0508"]) & (floors == 1)
    storey = np.where(hall, rng.uniform(7.2, 12.0, n), np.where(uses["building_use"] == "工业", 4.8, 3.2))
    storey = np.round(storey * rng.uniform(0.97, 1.03, n), 2)
    height = np.round(floors * storey + rng.uniform(0.0, 0.4, n), 1)
    footprint = plan.footprints()
    chance = rng.random((4, n))
    no_floors, nothing = chance[0] < 0.04, chance[0] < 0.01
    recorded = (chance[1] < 0.55) & (storey <= 8.0) & ~no_floors
    cellar = (chance[2] < 0.12) & np.isin(uses["building_use"], ["住宅", "商业", "办公"])
    area = shapely.area(footprint)
    frame = gpd.GeoDataFrame(
        {
            "building_id": [f"B{number:07d}" for number in range(1, n + 1)],
            "floors": np.where(no_floors, np.nan, floors),
            "height_m": np.where(nothing | ((chance[3] < 0.15) & ~no_floors), np.nan, height),
            "storey_height_m": np.where(hall & (chance[3] < 0.75) & ~no_floors, storey, np.nan),
            "floor_area_m2": np.where(recorded, np.round(area * floors, 1), np.nan),
            "underground_floor_area_m2": np.where(cellar, np.round(area * 0.9, 1), np.nan),
            "use": uses["building_use"].to_numpy(),
            "built_year": rng.integers(1988, 2026, n),
        },
        geometry=footprint,
        crs=CRS,
    )
    return frame, height


@dataclass(frozen=True)
class Height:
    """A raster of heights above ground, m; `transform` leads from cells to EPSG:4549."""

    metres: npt.NDArray[np.float32]
    transform: Affine
    nodata: float = -9999.0


def raster(plan: Plan, height: Floats, border: shapely.Polygon, rng: np.random.Generator) -> Height:
    """Draw every building's height on a coarse grid; ground is 0, beyond the border is no data."""
    west, south, east, north = border.bounds
    cell = max(10.0, float(np.ceil(max(east - west, north - south) / CELLS)))
    shape = (int(np.ceil((north - south) / cell)), int(np.ceil((east - west) / cell)))
    values = np.zeros(shape, dtype="float32")
    steps = (np.arange(7) + 0.5) / 7
    probes = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(1, -1, 2)
    for start in range(0, len(height), 100_000):
        part = slice(start, start + 100_000)
        some = Plan(plan.lot[part], plan.corners[part], plan.box[part], plan.notched[part], plan.share[part])
        points = some.at(np.broadcast_to(probes, (len(some.lot), *probes.shape[1:])))
        solid = ~(some.notched[:, None] & (probes[..., 0] > 0.4) & (probes[..., 1] > 0.45))
        column, row = ((points[..., 0] - west) // cell).astype(int), ((north - points[..., 1]) // cell).astype(int)
        tops = np.broadcast_to(height[part, None], solid.shape)[solid].astype("float32")
        np.maximum.at(values, (row[solid], column[solid]), tops)
    built = values > 0
    values[built] += rng.normal(0, 0.2, int(built.sum())).astype("float32")
    middles = np.meshgrid(west + (np.arange(shape[1]) + 0.5) * cell, north - (np.arange(shape[0]) + 0.5) * cell)
    shapely.prepare(border)
    values[~shapely.contains_xy(border, *middles)] = Height.nodata
    return Height(np.round(values, 1).astype("float32"), Affine(cell, 0.0, west, 0.0, -cell, north))
