"""What a coarse grid tells of many small shapes and one large one, before any of them is asked.

The line of the large shape is drawn into square cells. A small shape whose box meets no cell of the line lies in one
piece of the plane, wholly inside or wholly outside, and one point of that piece tells which: only shapes near the line
are left to a predicate. Knows geometry only; units are those of the plane.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

__all__ = ["ACROSS", "INSIDE", "OUTSIDE", "glance"]

#: What is told of a small shape; ACROSS: not told, its box is near the line.
OUTSIDE = np.int8(0)
INSIDE = np.int8(1)
ACROSS = np.int8(2)

#: Fewer small shapes than this are asked one by one as quickly.
_FEW = 64

#: Cells a side at most: the line of a finer grid costs more than it settles.
_FINEST = 256

#: A piece of the line is shorter than a cell, so its ends and their box tell all cells it meets; the line is drawn
#: this much wider than it is (in cells), for what floats make of it.
_PIECE, _MARGIN = 0.9, 1e-6


def glance(large: shapely.Geometry, boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.int8]:
    """Tell of each small shape, by its box alone, whether it lies in a large one.

    Parameters
    ----------
    large : valid (multi)polygon, best prepared
    boxes : array (n, 4) of left, bottom, right, top

    Returns
    -------
    array (n,) of OUTSIDE, INSIDE or ACROSS (not told)

    Examples
    --------
    >>> place = np.arange(0.0, 20.0, 2.0)
    >>> boxes = np.column_stack([place, place, place + 1, place + 1])
    >>> glance(shapely.box(-20, -20, 9.5, 20), np.tile(boxes, (100, 1)))[:10].tolist()
    [1, 1, 1, 1, 2, 0, 0, 0, 0, 0]
    """
    left, bottom, right, top = shapely.bounds(large)
    if len(boxes) < _FEW:
        return np.full(len(boxes), ACROSS)
    cells = int(np.clip(np.sqrt(len(boxes)), 8, _FINEST))
    cell = max(right - left, top - bottom) / cells
    # One cell more on every side: what sticks out of the large shape's box is outside.
    grid = _Grid(left - cell, bottom - cell, cell, cells + 2)
    line = grid.drawn(large)
    inside = grid.inside(large, line)
    met = np.zeros((grid.side + 1, grid.side + 1), dtype="int64")
    met[1:, 1:] = line.cumsum(axis=0).cumsum(axis=1)
    low_x, low_y, high_x, high_y = grid.columns_and_rows(boxes)
    near = (met[high_y + 1, high_x + 1] - met[low_y, high_x + 1] - met[high_y + 1, low_x] + met[low_y, low_x]) > 0
    return np.where(near, ACROSS, inside[low_y, low_x].astype("int8"))


class _Grid:
    """Square cells, `side` a side, counted from the lower left."""

    def __init__(self, left: float, bottom: float, cell: float, side: int) -> None:
        self.origin, self.cell, self.side = np.array([left, bottom]), cell, side

    def at(self, xy: npt.NDArray[np.float64], margin: float = 0.0) -> npt.NDArray[np.intp]:
        """Return column and row of points; points off the grid are taken to its edge."""
        cell = np.floor((xy - self.origin) / self.cell + margin)
        return np.asarray(np.clip(cell, 0, self.side - 1), dtype="intp")

    def columns_and_rows(self, boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
        """Return the lowest column and row, and the highest, of boxes."""
        return np.hstack([self.at(boxes[:, :2]), self.at(boxes[:, 2:])]).T

    def drawn(self, large: shapely.Geometry) -> npt.NDArray[np.bool_]:
        """Return the cells that the line of a shape meets, by row and column."""
        points, of = shapely.get_coordinates(
            shapely.get_parts(shapely.segmentize(shapely.boundary(large), _PIECE * self.cell)), return_index=True
        )
        pieces = of[1:] == of[:-1]
        one, other = points[:-1][pieces], points[1:][pieces]
        low = self.at(np.minimum(one, other), -_MARGIN)
        high = self.at(np.maximum(one, other), _MARGIN)
        line = np.zeros((self.side, self.side), dtype=bool)
        for column in (low[:, 0], high[:, 0]):
            for row in (low[:, 1], high[:, 1]):
                line[row, column] = True
        return line

    def inside(self, large: shapely.Geometry, line: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Tell which cells lie in a shape; cells of a row with no line between them lie alike, so one is asked."""
        run = line.cumsum().reshape(line.shape) + np.arange(self.side)[:, None]
        free = np.flatnonzero(~line)
        _, first, of = np.unique(run.ravel()[free], return_index=True, return_inverse=True)
        row, column = np.divmod(free[first], self.side)
        middle = self.origin + (np.column_stack([column, row]) + 0.5) * self.cell
        inside = np.zeros(line.size, dtype=bool)
        inside[free] = shapely.contains_xy(large, middle)[of]
        return inside.reshape(line.shape)
