"""What lies on what: the kernels.

Knows geometry only, in one projected plane; knows no indicator and no column. Two questions are
answered: which part of each parcel lies in which face (`intersect`), and which building stands on
which parcel (`place`). Most parcels lie wholly inside or wholly outside, so a coarse grid (`geo.glance`) or a
prepared predicate settles them, and only the boundary pairs pay for a true intersection.

`share_out` turns shares into integers: the pieces of a parcel add up to the parcel exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from geo.glance import ACROSS, INSIDE, OUTSIDE, glance
from layers.threads import spread

__all__ = ["Pairs", "intersect", "place", "share_out"]

Geometries = npt.NDArray[np.object_]
Rows = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

#: A face with more corners than this is clipped to what is near the parcel before the intersection.
_MANY_CORNERS = 64

#: The grid a face is clipped by has √corners ÷ this many squares a side: clips and corners left cost alike.
_CORNERS_OF_SQUARE = 5

#: A share of a parcel below this is what floats make of two lines that meet.
_NOISE = 1e-9

#: Long work is cut into so many runs, for all cores to share.
_RUNS = 16


@dataclass(frozen=True)
class Pairs:
    """Pairs of rows that share area: `left` row, `right` row, share of the left one (0 < share ≤ 1)."""

    left: Rows
    right: Rows
    share: Floats


def intersect(parcels: Geometries, faces: Geometries) -> Pairs:
    """Return which share of each parcel lies in each face.

    Parameters
    ----------
    parcels, faces : arrays of valid (multi)polygons in one projected plane
        Missing and empty ones share nothing. Several threads may ask of the same faces.

    Returns
    -------
    Pairs
        Sorted by parcel, then face; pairs that only touch are left out. Shares are of planar area.
    """
    # Faces are few: an index over them is made in no time, and so are its answers.
    parcel, face = shapely.STRtree(faces).query(parcels)
    by_face = np.argsort(face, kind="stable")
    parcel, face = parcel[by_face], face[by_face]
    faces = _own(faces, np.unique(face))
    told = _lie(faces, face, parcels, parcel)
    share = (told == INSIDE).astype("float64")
    rest = np.flatnonzero(told == ACROSS)
    cut = parcels[parcel[rest]]
    share[rest] = _common_area(cut, faces, face[rest]) / shapely.area(cut)
    kept = np.flatnonzero(share > _NOISE)
    kept = kept[np.lexsort((face[kept], parcel[kept]))]
    return Pairs(parcel[kept], face[kept], np.minimum(share[kept], 1.0))


def _own(shapes: Geometries, asked: Rows) -> Geometries:
    """Return shapes with copies of those that are asked: another thread may be asking the same ones."""
    own = shapes.copy()
    own[asked] = shapely.from_wkb(shapely.to_wkb(shapes[asked]))
    return own


def _lie(faces: Geometries, face: Rows, parcels: Geometries, parcel: Rows) -> npt.NDArray[np.int8]:
    """Tell of each pair whether the parcel lies inside the face, outside, or across its line, on all cores."""
    boxes = shapely.bounds(parcels)

    def ask(run: Rows) -> npt.NDArray[np.int8]:
        mine, of = face[run], parcel[run]
        with _prepared(faces[np.unique(mine)]):
            lies = np.empty(len(run), dtype="int8")
            for pairs in np.split(np.arange(len(run)), np.flatnonzero(np.diff(mine)) + 1):
                if len(pairs):
                    lies[pairs] = glance(faces[mine[pairs[0]]], boxes[of[pairs]])
            near = np.flatnonzero(lies == ACROSS)
            whole = shapely.contains_properly(faces[mine[near]], parcels[of[near]])
            lies[near[whole]] = INSIDE
            near = near[~whole]
            lies[near[~shapely.intersects(faces[mine[near]], parcels[of[near]])]] = OUTSIDE
        return lies

    return np.concatenate(spread(ask, _runs(face)))


def _tell(
    predicate: Callable[[Geometries, Geometries], npt.NDArray[np.bool_]],
    prepared: Geometries,
    one: Rows,
    others: Geometries,
    other: Rows,
) -> npt.NDArray[np.bool_]:
    """Ask a predicate of many pairs, on all cores; `prepared` are the shapes that are asked again and again."""

    def ask(run: Rows) -> npt.NDArray[np.bool_]:
        with _prepared(prepared[np.unique(one[run])]):
            return predicate(prepared[one[run]], others[other[run]])

    return np.concatenate(spread(ask, _runs(one)))


@contextmanager
def _prepared(shapes: Geometries) -> Iterator[None]:
    """Prepare shapes for a while: indexes of all of them at once would take more memory than the shapes."""
    shapely.prepare(shapes)
    try:
        yield
    finally:
        shapely.destroy_prepared(shapes)


def _runs(one: Rows) -> list[Rows]:
    """Cut ascending rows into runs where they change.

    A prepared shape builds its index when it is first asked, so no two threads may ask the same one.
    """
    changes = np.append(np.flatnonzero(np.diff(one)) + 1, len(one))
    wished = np.linspace(0, len(one), _RUNS + 1)[1:-1]
    edges = np.unique(changes[np.searchsorted(changes, wished)]) if len(one) else changes
    return np.split(np.arange(len(one)), edges)


def _common_area(small: Geometries, large: Geometries, which: Rows) -> Floats:
    """Area that each small shape has in common with the large shape of the row `which`, on all cores."""
    near = _near(small, large, which)
    runs = np.array_split(np.arange(len(small)), _RUNS)
    areas = spread(lambda run: shapely.area(shapely.intersection(small[run], near[run])), runs)
    return np.concatenate(areas).astype("float64")


def _near(small: Geometries, large: Geometries, which: Rows) -> Geometries:
    """Return the large shape of each small one, clipped to what is near: an intersection costs by the corner.

    A large shape of many corners lies under a grid of its own, the finer the more corners, and is clipped once
    to each square where small shapes have their middle, with half a square more on every side. The square does
    not depend on which other small shapes are asked: so neither does any digit of the result.
    """
    near = large[which]
    corners = shapely.get_num_coordinates(near)
    left, bottom, right, top = shapely.bounds(small).T
    low_x, low_y, high_x, high_y = shapely.bounds(near).T
    side = np.maximum(high_x - low_x, high_y - low_y)
    # A margin keeps the cut edge off the small shape.
    needed = 1.02 * np.maximum(right - left, top - bottom) + 1e-6
    many = np.flatnonzero((corners > _MANY_CORNERS) & (needed <= side))
    finest = np.log2(np.sqrt(corners[many]) / _CORNERS_OF_SQUARE)
    square = side[many] / 2 ** np.floor(np.minimum(np.log2(side[many] / needed[many]), np.maximum(finest, 0)))
    column = np.floor(((left + right)[many] / 2 - low_x[many]) / square)
    row = np.floor(((bottom + top)[many] / 2 - low_y[many]) / square)
    keys = np.column_stack([which[many], square, column, row])
    _, first, of = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    lowest = np.column_stack([low_x[many] + (column - 0.5) * square, low_y[many] + (row - 0.5) * square])[first]
    boxes = np.column_stack([lowest, lowest + 2 * square[first, None]]).tolist()
    whole = near[many[first]]
    clipped = whole.copy()
    clipped[:] = [shapely.clip_by_rect(shape, *box) for shape, box in zip(whole, boxes, strict=True)]
    # A cut may come out invalid where the shape runs along it: then the whole shape is asked.
    clipped = np.where(shapely.is_valid(clipped), clipped, whole)
    near[many] = clipped[of]
    return near


def place(buildings: Geometries, parcels: Geometries, *, whole_from: float = 0.9) -> Pairs:
    """Place footprints on parcels.

    A footprint wholly in one parcel goes there; one with at least `whole_from` of its area in one
    parcel goes there whole; any other is split by area, and what lies in no parcel stays unplaced.
    Where parcels overlap, the shares of a footprint are scaled down to add up to one.

    Parameters
    ----------
    buildings, parcels : arrays of valid (multi)polygons in one projected plane
        The parcels are prepared for a while: no other thread may do so with the same ones.
    whole_from : float
        Share from which a straddling footprint goes whole to one parcel.

    Returns
    -------
    Pairs
        `left` = building, `right` = parcel, sorted by building, then parcel.
    """
    parcel, building = shapely.STRtree(buildings).query(parcels)
    inside = _tell(shapely.contains_properly, parcels, parcel, buildings, building)
    share = inside.astype("float64")
    settled = np.zeros(len(buildings), dtype=bool)
    settled[building[inside]] = True
    rest = np.flatnonzero(~inside & ~settled[building])
    rest = rest[_tell(shapely.intersects, parcels, parcel[rest], buildings, building[rest])]
    cut = buildings[building[rest]]
    share[rest] = _common_area(cut, parcels, parcel[rest]) / shapely.area(cut)
    kept = np.flatnonzero(share > 0)
    kept = kept[np.lexsort((parcel[kept], building[kept]))]
    pairs = Pairs(building[kept], parcel[kept], share[kept])
    return _settle(pairs, len(buildings), whole_from)


def _settle(pairs: Pairs, n: int, whole_from: float) -> Pairs:
    """Give almost whole footprints to one parcel, and scale the shares of doubly covered ones."""
    best = np.zeros(n)
    np.maximum.at(best, pairs.left, pairs.share)
    first_best = np.full(n, -1)
    at_best = np.flatnonzero(pairs.share == best[pairs.left])[::-1]
    first_best[pairs.left[at_best]] = at_best  # the lowest parcel row wins a tie
    goes_whole = best >= whole_from
    kept = ~goes_whole[pairs.left]
    kept[first_best[goes_whole]] = True
    share = np.where(goes_whole[pairs.left], 1.0, pairs.share)[kept]
    left = pairs.left[kept]
    total = np.bincount(left, weights=share, minlength=n)
    return Pairs(left, pairs.right[kept], share / np.maximum(total[left], 1.0))


def share_out(totals: Integers, group: Rows, weights: Floats) -> Integers:
    """Share integers among pieces by weight, so that the pieces of a group add up exactly.

    The largest-remainder method: each piece gets the whole steps of its share, and the steps left
    over go to the largest remainders (the earlier piece wins a tie).

    Parameters
    ----------
    totals : array of int64, one a group
    group : array of int, the group of each piece
    weights : array of float, the weight of each piece; each group that has pieces needs a positive sum

    Returns
    -------
    array of int64, one a piece

    Examples
    --------
    >>> share_out(np.array([10, 7]), np.array([0, 0, 0, 1]), np.array([1.0, 1.0, 1.0, 2.0])).tolist()
    [4, 3, 3, 7]
    """
    steps: Integers = totals[group]
    # Nearly every group is one piece and gets all there is.
    several = np.flatnonzero(np.bincount(group, minlength=len(totals))[group] > 1)
    steps[several] = _shared(totals, group[several], weights[several])
    return steps


def _shared(totals: Integers, group: Rows, weights: Floats) -> Integers:
    total_weight = np.bincount(group, weights=weights, minlength=len(totals))
    quota = totals[group] * (weights / total_weight[group])
    steps = np.floor(quota).astype("int64")
    given = np.zeros(len(totals), dtype="int64")
    np.add.at(given, group, steps)
    left_over = totals - given
    order = np.lexsort((np.arange(len(group)), steps - quota, group))
    starts = np.searchsorted(group[order], np.arange(len(totals)), side="left")
    rank = np.arange(len(order)) - starts[group[order]]
    size = np.bincount(group, minlength=len(totals))
    each, extra = np.divmod(left_over, np.maximum(size, 1))
    steps[order] += each[group[order]] + (rank < extra[group[order]])
    return steps
