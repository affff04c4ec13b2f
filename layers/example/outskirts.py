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
    shapes, tree = lots.geometry, shapely.STRtree(lots.geometry)
    in_parks = estates.geometry.to_numpy()
    touched = np.unique(tree.query(in_parks, predicate="intersects")[1])
    free = whole & ~np.isin(np.arange(len(shapes)), touched)
    for park in PARKS:
        is_it = (estates["park_id"] == park).to_numpy()
        block = _block(lots, tree, free, in_parks[is_it][0], in_parks[~is_it])
        if block is not None:
            works = np.flatnonzero(lots.block == block)
            near = np.sort(tree.query(shapely.union_all(shapes[works]), predicate="dwithin", distance=AROUND))
            # A lot that the park's line cuts counts as outside when more than half of it is.
            inside = shapely.intersection(shapes[near], shapely.union_all(in_parks))
            mostly_out = shapely.area(inside) <= 0.5 * shapely.area(shapes[near])
            return Outskirts(works, near[mostly_out & (lots.block[near] != block)], park)
    none = np.zeros(0, dtype="int64")
    return Outskirts(none, none, "")


def _block(
    lots: Lots, tree: shapely.STRtree, free: np.ndarray, park: shapely.Geometry, others: np.ndarray
) -> int | None:
    """Return the block nearest to the park of those wholly free, large enough, and nearer to no other park."""
    fits = []
    for block in np.unique(lots.block[tree.query(park, predicate="dwithin", distance=FARTHEST)]).tolist():
        mine = lots.block == block
        if not free[mine].all():
            continue
        ground = shapely.union_all(lots.geometry[mine])
        distance = float(shapely.distance(ground, park))
        alone = not shapely.dwithin(others, ground, distance + AROUND).any()
        if distance >= NEAREST and alone and shapely.area(ground) >= LEAST_M2:
            fits.append((distance, block))
    return min(fits)[1] if fits else None
