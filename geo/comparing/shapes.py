"""Shapes drawn at two times: which are drawn alike, what is left without others, what is wider than a sliver.

Knows geometry only, in one plane of metres: arrays of valid polygons in, arrays out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers.mending import polygonal
from layers.threads import spread

__all__ = ["LEAST_M2", "Floats", "Mask", "Rows", "Shapes", "drawn", "in_one_of", "opened", "polygons", "without"]

Shapes = npt.NDArray[np.object_]
Rows = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: Less land than one step of the tallies is none.
LEAST_M2 = 0.01

#: Two shapes whose corners are the same to the millimetre are one shape: a reprojection moves them by less.
_DECIMALS = 3

#: Long work is cut into so many runs, for all cores to share.
_RUNS = 16


def drawn(shapes: Shapes) -> pd.Index:
    """Return a key a shape; shapes with the same corners, to the millimetre, have the same one.

    Examples
    --------
    >>> one, moved, other = shapely.box(0, 0, 1, 1), shapely.box(1e-6, 0, 1, 1), shapely.box(0, 0, 1, 2)
    >>> drawn(np.array([one, moved])).isin(drawn(np.array([one, other]))).tolist()
    [True, True]
    """
    rounded = shapely.transform(shapes, lambda corners: np.round(corners, _DECIMALS) + 0.0)
    keys: pd.Index = pd.Index(shapely.to_wkb(rounded), dtype="object")
    return keys


def in_one_of(shapes: Shapes, faces: Shapes) -> Mask:
    """Tell which shapes lie wholly in one of the faces."""
    _, row = shapely.STRtree(shapes).query(faces, predicate="covers")
    inside = np.zeros(len(shapes), dtype=bool)
    inside[row] = True
    return inside


def without(shapes: Shapes, others: Shapes) -> Shapes:
    """Return what of each shape lies in none of the others.

    The others of a shape are taken away in turns, the one whose box has most in common first: after it hardly any
    shape has land left, and none of those is asked again. What is left may be up to `LEAST_M2` where it is nothing.

    Examples
    --------
    >>> shapely.area(without(np.array([shapely.box(0, 0, 4, 1)]), np.array([shapely.box(1, 0, 2, 1)]))).tolist()
    [3.0]
    """
    one, other = shapely.STRtree(others).query(shapes)
    order = np.lexsort((-_common_box(shapes[one], others[other]), one))
    one, other = one[order], other[order]
    turn = np.arange(len(one)) - np.searchsorted(one, one)
    rest = shapes.copy()
    for number in range(int(turn.max(initial=-1)) + 1):
        now = np.flatnonzero(turn == number)
        now = now[shapely.area(rest[one[now]]) > LEAST_M2]
        runs = np.array_split(now, _RUNS)
        parts = spread(lambda run: shapely.difference(rest[one[run]], others[other[run]]), runs)
        rest[one[now]] = np.concatenate(parts)
    return rest


def _common_box(some: Shapes, others: Shapes) -> Floats:
    one, other = shapely.bounds(some), shapely.bounds(others)
    sides = np.minimum(one[:, 2:], other[:, 2:]) - np.maximum(one[:, :2], other[:, :2])
    return np.asarray(np.clip(sides, 0.0, None).prod(axis=1), dtype="float64")


def opened(shapes: Shapes, width_m: float) -> Shapes:
    """Return what of each shape is wider than `width_m`: eroded by half of it, and dilated again.

    Examples
    --------
    A strip of half a metre along a plot is a sliver, the plot is not:

    >>> plot = shapely.union_all([shapely.box(0, 0, 20, 20), shapely.box(20, 0, 90, 0.5)])
    >>> shapely.area(opened(np.array([plot]), 1.0)).round(6).tolist()
    [400.0]
    """

    def wide(some: Shapes) -> Shapes:
        core = shapely.buffer(some, -width_m / 2, join_style="mitre")
        return np.asarray(shapely.intersection(shapely.buffer(core, width_m / 2, join_style="mitre"), some))

    if not len(shapes) or width_m == 0:
        return shapes.copy()
    return polygons(np.concatenate(spread(wide, np.array_split(shapes, min(_RUNS, len(shapes))))))


def polygons(shapes: Shapes) -> Shapes:
    """Return the polygons of shapes, without the lines and points a cut leaves."""
    made = shapes.copy()
    for row in np.flatnonzero(~np.isin(shapely.get_type_id(shapes), (3, 6))):
        made[row] = polygonal(shapes[row])
    return made
