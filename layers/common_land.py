"""Land that two shapes have in common, and how much of it is wider than a hairline.

Shapes that merely touch have no land in common. Used by the checks and by the overlap rule of the parks,
so that both judge an overlap by the same measure. Units are those of the plane.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from layers.mending import polygonal
from layers.threads import spread

__all__ = ["BOUNDARY_WIDTH_M", "LEAST_M2", "CommonLand", "common_land"]

Shapes = npt.NDArray[np.object_]
Rows = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

POLYGON = 3  # type id
#: Less common land than one step of the tallies (0.01 m²) is no land.
LEAST_M2 = 0.01
#: Parks, and land outside the city: parts no wider than this (m) are boundary noise.
BOUNDARY_WIDTH_M = 0.5
#: Pairs looked at in one go.
_RUN = 20_000


@dataclass(frozen=True)
class CommonLand:
    """Pairs of shapes with land in common.

    Attributes
    ----------
    one, other : array of int
        Positions in the shapes given, `one` < `other`, in that order.
    shapes : array of geometries
        The common land of each pair, polygons only.
    area : array of float
        Its area in square units of the plane.
    """

    one: Rows
    other: Rows
    shapes: Shapes
    area: Floats

    def wide(self, width: float) -> Floats:
        """Return the area of what is wider than `width`: what is left after taking half of it off all round.

        A hairline along a common boundary goes, the corner it is attached to stays.
        """
        runs = np.array_split(np.arange(len(self.area)), max(len(self.area) // _RUN, 1))
        return np.concatenate(spread(lambda run: _opened(self.shapes[run], self.area[run], width), runs))

    def wider(self, width: float, than: float) -> Mask:
        """Return where `wide` is more than `than`; shapes are opened only where area and outline leave it open.

        Taking half the width off takes away at most a strip along the outline and, at each vertex, a mitre that
        reaches twice as far.
        """
        half = width / 2
        lost = 1.1 * half * shapely.length(self.shapes) + np.pi * width**2 * shapely.get_num_coordinates(self.shapes)
        wider: Mask = self.area - lost > than
        unsure = np.flatnonzero(~wider & (self.area > than))
        some = CommonLand(self.one[unsure], self.other[unsure], self.shapes[unsure], self.area[unsure])
        wider[unsure] = some.wide(width) > than
        return wider


def _opened(shapes: Shapes, area: Floats, width: float) -> Floats:
    corners = {"join_style": "mitre", "mitre_limit": 2.0}
    core = shapely.buffer(shapes, -width / 2, **corners)
    opened: Floats = np.minimum(shapely.area(shapely.buffer(core, width / 2, **corners)), area)
    return opened


def common_land(shapes: Shapes) -> CommonLand:
    """Return every pair of valid polygons that shares more than 0.01 m² of land.

    Boxes give the suspects; the coverage validator of GEOS clears, in one pass, those that merely touch
    along a common edge; only what is left is intersected. Done in strips from left to right, on all cores.
    """
    one, other = shapely.STRtree(shapes).query(shapes)
    forward = one < other
    one, other = one[forward], other[forward]
    touching = _box_area(shapes, one, other) > LEAST_M2
    one, other = one[touching], other[touching]
    across = np.argsort(shapely.bounds(shapes)[one, 0], kind="stable")
    runs = np.array_split(across, max(len(across) // _RUN, 1))
    found = spread(lambda run: _shared(shapes, one[run], other[run]), runs)
    one, other, shared, area = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((other, one))
    return CommonLand(one[order], other[order], shared[order], area[order])


def _shared(shapes: Shapes, one: Rows, other: Rows) -> tuple[Rows, Rows, Shapes, Floats]:
    """Return the pairs, among some, that share land, with it and its area."""
    involved = np.unique(np.r_[one, other])
    dirty = np.zeros(len(shapes), dtype=bool)
    if len(involved):
        dirty[involved] = ~shapely.is_empty(shapely.coverage_invalid_edges(shapes[involved]))
    suspect = dirty[one] | dirty[other]
    one, other = one[suspect], other[suspect]
    shared = shapely.intersection(shapes[one], shapes[other])
    area = np.asarray(shapely.area(shared), dtype="float64")
    real = area > LEAST_M2
    land = shared[real]
    mixed = np.flatnonzero(shapely.get_type_id(land) > POLYGON)
    land[mixed] = [polygonal(shape) for shape in land[mixed]]
    return one[real], other[real], land, area[real]


def _box_area(shapes: Shapes, one: Rows, other: Rows) -> Floats:
    """Return the area of the common box of each pair."""
    box = shapely.bounds(shapes)
    low = np.maximum(box[one, :2], box[other, :2])
    high = np.minimum(box[one, 2:], box[other, 2:])
    return np.asarray(np.clip(high - low, 0.0, None).prod(axis=1))
