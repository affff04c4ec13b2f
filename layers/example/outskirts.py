"""Old works planted beside a park: a block of industry outside every park, with nothing industrial around it.

The block lies across the street from the park, so that everybody who looks for scattered industry finds exactly its
lots as one cluster, and that park as the nearest. Knows geometry and codes only; a city without room for it has none.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from layers.example.lots import Ints, Lots

__all__ = ["Outskirts", "choose"]

#: Parks beside which a block is looked for, in this order: small ones, with nothing but their zone around.
PARKS = ("K25", "K18", "K10", "K05")
#: The block lies so far from its park, m: across a street.
NEAREST, FARTHEST = 5.0, 90.0
#: Nothing else outside the parks is industrial so near to the block, m.
AROUND = 75.0
#: The block has at least so much land, m².
LEAST_M2 = 15_000.0


@dataclass(frozen=True)
class Outskirts:
    """Lots that become works, lots around that do not, and the park beside ("" for none)."""

    works: Ints
    around: Ints
    park: str


def choose(lots: Lots, whole: np.ndarray, estates: gpd.GeoDataFrame) -> Outskirts:
    """Choose the block; `whole` tells the lots that neither river nor expressway has cut."""
    inside = shapely.union_all(estates.geometry.to_numpy())
    shapes = lots.geometry
    shapely.prepare(inside)
    touches = shapely.intersects(inside, shapes)
    shape_of = dict(zip(estates["park_id"], estates.geometry, strict=True))
    for park in PARKS:
        block = _block(lots, whole & ~touches, shape_of[park], [one for key, one in shape_of.items() if key != park])
        if block is not None:
            works = np.flatnonzero(lots.block == block)
            near = shapely.dwithin(shapes, shapely.union_all(shapes[works]), AROUND)
            # A lot that the park's line cuts counts as outside when more than half of it is.
            mostly_in = shapely.area(shapely.intersection(shapes, inside)) > 0.5 * shapely.area(shapes)
            return Outskirts(works, np.flatnonzero(near & ~mostly_in & (lots.block != block)), park)
    none = np.zeros(0, dtype="int64")
    return Outskirts(none, none, "")


def _block(lots: Lots, free: np.ndarray, park: shapely.Geometry, others: list[shapely.Geometry]) -> int | None:
    """Return the block nearest to the park of those wholly free, large enough, and nearer to no other park."""
    shapely.prepare(park)
    near = np.unique(lots.block[shapely.dwithin(lots.geometry, park, FARTHEST)])
    fits = []
    for block in near.tolist():
        mine = lots.block == block
        ground = shapely.union_all(lots.geometry[mine])
        distance = float(shapely.distance(ground, park))
        alone = float(min(shapely.distance(other, ground) for other in others)) > distance + AROUND
        if free[mine].all() and distance >= NEAREST and alone and shapely.area(ground) >= LEAST_M2:
            fits.append((distance, block))
    return min(fits)[1] if fits else None
