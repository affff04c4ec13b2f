"""Points of one zone that nearly touch, and the land between them that would join them.

The land between is what morphological closing adds to the two: ground that a disc as broad as the greatest gap
cannot enter (square corners are kept square). Where that joins nothing, since corners face each other, it is the way
across: the convex hull of what of each lies near the other. Ground of any park is no land between. Whether it may be
annexed is for others to say; what is known of it is told: industrial parcels on it, and what the constraints layer
lays on it.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.composition.points import drawn_area, groups_of
from geo.land import Land
from geo.overlay import intersect
from layers.common_land import LEAST_M2
from layers.mending import polygonal
from layers.units import from_tally, to_tally

__all__ = ["find_joins"]

Shapes = npt.NDArray[np.object_]

#: Closing moves corners by less than this, m: land between that comes this near to a point touches it.
_NEAR_M = 0.001
_COLUMNS = {
    "join_id": "object", "zone_id": "object", "zone_name": "object", "point_a": "object", "point_b": "object",
    "name_a": "object", "name_b": "object", "gap_m": "float64", "area_m2": "float64", "parcels": "int64",
    "industrial_m2": "float64", "constrained_m2": "float64", "constraints": "object",
}  # fmt: skip


def find_joins(
    land: Land,
    points: gpd.GeoDataFrame,
    *,
    gap_m: float,
    area: str = "tdt1055",
    constraints: gpd.GeoDataFrame | None = None,
) -> gpd.GeoDataFrame:
    """Find points of one zone with a gap between them, and the land that would join them.

    Parameters
    ----------
    land : Land
        With parks; of its parcels the industrial ones are needed.
    points : GeoDataFrame
        As `points.points_of` returns it.
    gap_m : float
        Greatest gap between two boundaries, m.
    area : str
        Area method, see `layers.area`.
    constraints : GeoDataFrame, optional
        `kind` (redline, farmland, …); in the CRS of the points.

    Returns
    -------
    GeoDataFrame
        Zone by zone: `join_id`, `zone_id`, `zone_name`, `point_a`, `point_b`, `name_a`, `name_b` (parks), `gap_m`,
        `area_m2` (of the land between), `parcels` and `industrial_m2` (industrial parcels on it), `constrained_m2`
        (under any constraint, counted once) and `constraints` (kind and m² of each; kinds may lie on each other),
        both missing where there is no such layer; the land between.
    """
    if land.parks is None:
        raise ValueError("the land was attached without parks")
    pairs = _near(points, gap_m)
    taken = land.parks.geometry.to_numpy()
    tree = shapely.STRtree(taken)
    shapes = points.geometry.to_numpy()
    rows: list[dict[str, Any]] = []
    between: list[shapely.Geometry] = []
    for one, other in pairs:
        ground = _between(shapes[one], shapes[other], gap_m / 2, taken, tree)
        if ground is not None:
            rows.append(_names(points, one, other, len(rows) + 1))
            between.append(ground)
    if not rows:
        empty = {name: pd.Series(dtype=kind) for name, kind in _COLUMNS.items()}
        return gpd.GeoDataFrame(empty, geometry=gpd.GeoSeries([], crs=points.crs))
    grounds = np.empty(len(between), dtype="object")
    grounds[:] = between
    table = pd.DataFrame(rows).assign(area_m2=drawn_area(grounds, points.crs, area), **_industrial(land, grounds))
    table = table.assign(**_constrained(grounds, constraints, points.crs, area))
    return gpd.GeoDataFrame(table[[*_COLUMNS]], geometry=grounds, crs=points.crs)


def _near(points: gpd.GeoDataFrame, gap_m: float) -> list[tuple[int, int]]:
    """Return pairs of one zone that no ground of theirs joins yet, in order of their names."""
    found: list[tuple[int, int]] = []
    for rows in points.groupby("zone_id", sort=True).indices.values():
        shapes = points.geometry.to_numpy()[rows]
        block = groups_of(shapes)
        one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=gap_m)
        apart = (block[one] != block[other]) & (one != other)
        named = points["point_id"].astype(str).to_numpy()[rows]
        mine = {
            (rows[a], rows[b])
            for a, b in zip(one[apart].tolist(), other[apart].tolist(), strict=True)
            if named[a] < named[b]
        }
        found += sorted(mine, key=lambda pair: tuple(points["point_id"].iloc[list(pair)]))
    return found


def _between(
    one: shapely.Geometry, other: shapely.Geometry, radius: float, taken: Shapes, tree: shapely.STRtree
) -> shapely.Geometry | None:
    """Return the land between two shapes that no park holds; None where none of it touches both."""
    # Only what lies near the other shape is closed: a park of many corners is not.
    near_one, near_other = (
        shapely.intersection(shape, shapely.box(*shapely.bounds(shapely.buffer(beside, 4 * radius))))
        for shape, beside in ((one, other), (other, one))
    )
    both = shapely.union(near_one, near_other)
    corners = {"join_style": "mitre", "mitre_limit": 2.0}
    closed = shapely.buffer(shapely.buffer(both, radius, **corners), -radius, **corners)
    joined = _joining(closed, one, other, taken, tree)
    return _joining(_across(near_one, near_other, radius), one, other, taken, tree) if joined is None else joined


def _across(one: shapely.Geometry, other: shapely.Geometry, radius: float) -> shapely.Geometry:
    """Return the hull of what of each shape faces the other, as far as it is near to both."""
    reach = shapely.distance(one, other) + radius
    around = [shapely.buffer(shape, reach) for shape in (one, other)]
    facing = [shapely.intersection(one, around[1]), shapely.intersection(other, around[0])]
    return shapely.intersection_all([shapely.convex_hull(shapely.union_all(facing)), *around])


def _joining(
    ground: shapely.Geometry, one: shapely.Geometry, other: shapely.Geometry, taken: Shapes, tree: shapely.STRtree
) -> shapely.Geometry | None:
    """Return what of the ground no park holds and touches both shapes; None where nothing does."""
    added = shapely.difference(ground, shapely.union_all(taken[tree.query(ground)]))
    parts = shapely.get_parts(polygonal(added))
    touches = (shapely.distance(parts, one) < _NEAR_M) & (shapely.distance(parts, other) < _NEAR_M)
    kept = parts[touches & (shapely.area(parts) > LEAST_M2)]
    return shapely.multipolygons(kept) if len(kept) else None


def _names(points: gpd.GeoDataFrame, one: int, other: int, number: int) -> dict[str, Any]:
    a, b = points.iloc[one], points.iloc[other]
    return {
        "join_id": f"J{number}",
        "zone_id": str(a["zone_id"]),
        "zone_name": str(a["zone_name"]),
        "point_a": str(a["point_id"]),
        "point_b": str(b["point_id"]),
        "name_a": str(a["park_name"]),
        "name_b": str(b["park_name"]),
        "gap_m": float(shapely.distance(a.geometry, b.geometry)),
    }


def _industrial(land: Land, grounds: Shapes) -> dict[str, npt.NDArray[Any]]:
    """Count the industrial parcels on each ground, and sum what of them lies on it."""
    own = land.parcels
    works = own[own["industrial"].fillna(value=False).to_numpy(dtype=bool) & own["land_area_m2"].notna().to_numpy()]
    pairs = intersect(works.geometry.to_numpy(), grounds)
    steps = to_tally(works["land_area_m2"].to_numpy("float64")[pairs.left] * pairs.share, "m2")
    there = steps > 0  # a hair of a parcel is none
    sums = np.zeros(len(grounds), dtype="int64")
    np.add.at(sums, pairs.right, steps)
    return {
        "parcels": np.bincount(pairs.right[there], minlength=len(grounds)),
        "industrial_m2": np.asarray(from_tally(sums, "m2"), dtype="float64"),
    }


def _constrained(grounds: Shapes, constraints: gpd.GeoDataFrame | None, crs: object, area: str) -> dict[str, Any]:
    """Measure what of each ground lies under which constraint."""
    if constraints is None:
        return {"constrained_m2": np.nan, "constraints": pd.Series([None] * len(grounds), dtype="object")}
    shapes = constraints.geometry.to_numpy()
    kinds = constraints["kind"].astype("string").fillna("").to_numpy(dtype=object)
    tree = shapely.STRtree(shapes)
    told, whole = [], []
    for ground in grounds:
        rows = np.sort(tree.query(ground, predicate="intersects"))
        by_kind = {kind: _common(ground, shapes[rows[kinds[rows] == kind]]) for kind in sorted(set(kinds[rows]))}
        areas = [float(drawn_area(np.array([shape]), crs, area)[0]) for shape in by_kind.values()]
        told.append([{"kind": kind, "area_m2": m2} for kind, m2 in zip(by_kind, areas, strict=True) if m2 > 0])
        whole.append(float(drawn_area(np.array([_common(ground, shapes[rows])]), crs, area)[0]))
    return {"constrained_m2": np.array(whole), "constraints": pd.Series(told, dtype="object")}


def _common(ground: shapely.Geometry, shapes: Shapes) -> shapely.Geometry:
    return polygonal(shapely.intersection(ground, shapely.union_all(shapes)))
