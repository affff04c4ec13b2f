"""Blocks cut into lots.

A few dozen patterns a kind of block: the unit square is split again and again, some neighbours are
joined into L-shapes, some corners are pushed out of line. A pattern is laid onto each block through its
four corners. Every corner of a lot that stands on a neighbour's edge is a vertex of the neighbour too,
so that the lots of a block are a valid coverage: no gap and no overlap, not even of a hair.

Knows geometry only. A lot's `core` is the rectangle (in the unit square) that surely lies inside it:
there it can be built on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from layers.example.streets import Floats, bilinear

__all__ = ["KINDS", "Lots", "join", "subdivide"]

Ints = npt.NDArray[np.int64]

#: Kind of block -> fewest and most lots, share of L-shapes tried, share of crooked patterns.
KINDS = {
    "industry": (2, 7, 0.35, 0.4),
    "housing": (5, 11, 0.20, 0.5),
    "centre": (9, 18, 0.15, 0.3),
    "mixed": (10, 20, 0.25, 0.9),
    "farm": (2, 6, 0.10, 1.0),
}
PATTERNS = 28


@dataclass(frozen=True)
class Lots:
    """Lots of many blocks, one entry a lot.

    Attributes
    ----------
    geometry : array of polygons
    block : array of int
        Position of the block in the corners given.
    corners : array of shape (n, 4, 2)
        The block's corners in the order of the lot's pattern.
    core : array of shape (n, 4)
        West, south, east, north of the buildable rectangle in the unit square.
    right : array of int
        Position of the lot that lies all along the east side, -1 where there is none.
    """

    geometry: npt.NDArray[np.object_]
    block: Ints
    corners: Floats
    core: Floats
    right: Ints

    def take(self, rows: Ints) -> Lots:
        """Return the lots at `rows`, in that order."""
        back = np.full(len(self.block) + 1, -1)
        back[rows] = np.arange(len(rows))
        return Lots(self.geometry[rows], self.block[rows], self.corners[rows], self.core[rows], back[self.right[rows]])


def join(parts: Sequence[Lots]) -> Lots:
    """Put several sets of lots one behind the other."""
    starts = np.cumsum([0, *(len(part.block) for part in parts)])
    right = [np.where(part.right < 0, -1, part.right + start) for part, start in zip(parts, starts, strict=False)]
    return Lots(
        np.concatenate([part.geometry for part in parts]),
        np.concatenate([part.block for part in parts]),
        np.concatenate([part.corners for part in parts]),
        np.concatenate([part.core for part in parts]),
        np.concatenate(right),
    )


def subdivide(corners: Floats, blocks: Ints, kind: str, rng: np.random.Generator) -> Lots:
    """Cut the blocks numbered `blocks` into lots of one kind."""
    form, rng = rng.spawn(2)
    patterns = [_pattern(*KINDS[kind], form) for _ in range(PATTERNS)]
    chosen = rng.integers(PATTERNS, size=len(blocks))
    turned = _turn(corners[blocks], rng)
    parts = []
    for number, pattern in enumerate(patterns):
        rows = np.flatnonzero(chosen == number)
        if len(rows):
            parts.append(_lay(pattern, turned[rows], blocks[rows]))
    return join(parts)


def _turn(corners: Floats, rng: np.random.Generator) -> Floats:
    """Turn and mirror the corners of each block, so that few patterns look like many."""
    shift = rng.integers(4, size=len(corners))
    order = (np.arange(4) + shift[:, None]) % 4
    mirrored = rng.random(len(corners)) < 0.5
    order = np.where(mirrored[:, None], order[:, [1, 0, 3, 2]], order)
    return np.take_along_axis(corners, order[:, :, None], axis=1)


@dataclass(frozen=True)
class _Pattern:
    points: Floats
    rings: list[Ints]
    core: Floats
    right: Ints


def _lay(pattern: _Pattern, corners: Floats, blocks: Ints) -> Lots:
    """Lay one pattern onto many blocks."""
    n, k = len(corners), len(pattern.rings)
    a, b = np.broadcast_to(pattern.points.T[:, None, :], (2, n, len(pattern.points)))
    points = np.round(bilinear(corners[:, None], a, b), 3)
    geometry = np.stack([shapely.polygons(points[:, ring]) for ring in pattern.rings], axis=1)
    first = np.arange(n)[:, None] * k
    return Lots(
        geometry=geometry.ravel(),
        block=np.repeat(blocks, k),
        corners=np.repeat(corners, k, axis=0),
        core=np.tile(pattern.core, (n, 1)),
        right=np.where(pattern.right < 0, -1, first + pattern.right).ravel(),
    )


def _pattern(fewest: int, most: int, l_share: float, crooked_share: float, rng: np.random.Generator) -> _Pattern:
    boxes = _split(int(rng.integers(fewest, most + 1)), rng)
    groups = _merge(boxes, l_share, rng)
    points = np.unique(boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]].reshape(-1, 2), axis=0)
    rings = [_ring(boxes[group], points) for group in groups]
    mains = np.array([max(group, key=lambda i: _size(boxes[i])) for group in groups])
    slack = _slack(points) if rng.random() < crooked_share else 0.0
    core = boxes[mains] + slack * np.array([1, 1, -1, -1])
    return _Pattern(_push(points, slack, rng), rings, core, _right(boxes, groups, mains))


def _split(count: int, rng: np.random.Generator) -> Floats:
    """Split the unit square into `count` boxes (west, south, east, north)."""
    boxes = [(0.0, 0.0, 1.0, 1.0)]
    while len(boxes) < count:
        largest = max(range(len(boxes)), key=lambda i: _size(boxes[i]) * rng.uniform(0.7, 1.3))
        west, south, east, north = boxes.pop(largest)
        at = rng.uniform(0.36, 0.64)
        if (east - west) * rng.uniform(0.8, 1.25) > north - south:
            middle = west + at * (east - west)
            boxes += [(west, south, middle, north), (middle, south, east, north)]
        else:
            middle = south + at * (north - south)
            boxes += [(west, south, east, middle), (west, middle, east, north)]
    return np.array(boxes)


def _size(box: Sequence[float] | Floats) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))


def _merge(boxes: Floats, share: float, rng: np.random.Generator) -> list[list[int]]:
    """Join some pairs of neighbours into one L-shaped lot."""
    free = set(range(len(boxes)))
    groups: list[list[int]] = []
    for i in range(len(boxes)):
        for j in range(len(boxes)):
            if {i, j} <= free and len(free) > 3 and _is_l(boxes[i], boxes[j]) and rng.random() < share:
                free -= {i, j}
                groups.append([i, j])
    return groups + [[i] for i in sorted(free)]


def _is_l(one: Floats, other: Floats) -> bool:
    """Whether `other` touches the east side of `one`, flush at the bottom and shorter."""
    return bool(other[0] == one[2] and other[1] == one[1] and other[3] < one[3])


def _ring(boxes: Floats, points: Floats) -> Ints:
    """Return the outline of the boxes as positions in `points`, all points on it told."""
    outer = shapely.union_all(shapely.box(*boxes.T)).exterior
    on = np.flatnonzero(shapely.distance(outer, shapely.points(points)) < 1e-9)
    along = shapely.line_locate_point(outer, shapely.points(points[on]))
    return on[np.argsort(along)]


def _slack(points: Floats) -> float:
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    return float(min(0.03, 0.3 * np.min(apart[apart > 0])))


def _push(points: Floats, slack: float, rng: np.random.Generator) -> Floats:
    """Push points out of line, those on the rim of the block along the rim only."""
    free = (points > 0) & (points < 1)
    return points + np.where(free, rng.uniform(-slack, slack, points.shape), 0.0)


def _right(boxes: Floats, groups: list[list[int]], mains: Ints) -> Ints:
    """For each lot the single lot along the east side of its main box, or -1."""
    owner = {box: number for number, group in enumerate(groups) for box in group}
    found = np.full(len(groups), -1)
    for number, main in enumerate(mains):
        _, south, east, north = boxes[main]
        for i, box in enumerate(boxes):
            if box[0] == east and box[1] <= south and box[3] >= north and owner[i] != number:
                found[number] = owner[i]
    return found
