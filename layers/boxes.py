"""Which boxes meet which, for so many that an index over all of them would cost more than the answer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

__all__ = ["meeting"]

#: One row a box: left, bottom, right, top.
Boxes = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: Squares along each side of the grid at most.
_FINEST = 1024


def meeting(boxes: Boxes, others: Boxes) -> Mask:
    """Tell which boxes meet any of the others; edges belong to a box.

    Parameters
    ----------
    boxes, others : arrays of shape (n, 4)
        Left, bottom, right, top. A box with NaN meets nothing.

    Notes
    -----
    A grid drops what lies apart, first of the one, then of the others; an index answers for what is left. Of the
    neighbours of a part of a city that is the seam.

    Examples
    --------
    >>> import numpy as np
    >>> here = np.array([[0.0, 0, 1, 1], [5, 5, 6, 6], [2, 0, 3, 1]])
    >>> meeting(here, np.array([[1.0, 1, 1.5, 2]])).tolist()
    [True, False, False]
    """
    rows = np.flatnonzero(np.isfinite(boxes).all(axis=1))
    others = others[_around(others, boxes[rows])]
    rows = rows[_may_meet(boxes[rows], others)]
    others = others[_may_meet(others, boxes[rows])]
    met, _ = shapely.STRtree(shapely.box(*others.T)).query(shapely.box(*boxes[rows].T))
    answer = np.zeros(len(boxes), dtype=bool)
    answer[rows[met]] = True
    return answer


def _around(boxes: Boxes, others: Boxes) -> Mask:
    """Tell which boxes meet the box around all others."""
    if not len(others):
        return np.zeros(len(boxes), dtype=bool)
    low, high = others[:, :2].min(axis=0), others[:, 2:].max(axis=0)
    return np.asarray((boxes[:, :2] <= high).all(axis=1) & (boxes[:, 2:] >= low).all(axis=1))


def _may_meet(boxes: Boxes, others: Boxes) -> Mask:
    """Tell which boxes touch a square of a grid that one of the others touches: all that meet one, and some more."""
    answer = _around(boxes, others)
    if not answer.any():
        return answer
    low, high = others[:, :2].min(axis=0), others[:, 2:].max(axis=0)
    squares = int(np.clip(np.sqrt(len(others)), 1, _FINEST))
    size = np.where(high > low, (high - low) / squares, 1.0)
    taken = _covered(_squares(others, low, size, squares), squares)
    # How many taken squares lie below and left of each corner: so many lie in any rectangle, by four of them.
    below = np.pad(taken.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    left, bottom, right, top = _squares(boxes[answer], low, size, squares)
    count = below[right + 1, top + 1] - below[left, top + 1] - below[right + 1, bottom] + below[left, bottom]
    answer[answer] = count > 0
    return answer


def _squares(boxes: Boxes, low: Boxes, size: Boxes, squares: int) -> npt.NDArray[np.intp]:
    """Return the first and last column and row of squares that each box touches: left, bottom, right, top."""
    place = (boxes - np.tile(low, 2)) / np.tile(size, 2)
    return np.clip(np.floor(place), 0, squares - 1).astype("intp").T


def _covered(ranges: npt.NDArray[np.intp], squares: int) -> Mask:
    """Tell which squares lie in a range: each adds one at its first corner and takes it back past its last."""
    left, bottom, right, top = ranges
    steps = np.zeros((squares + 1, squares + 1), dtype="int64")
    for columns, rows, step in (
        (left, bottom, 1), (right + 1, top + 1, 1), (left, top + 1, -1), (right + 1, bottom, -1),
    ):  # fmt: skip
        steps += step * np.bincount(columns * (squares + 1) + rows, minlength=steps.size).reshape(steps.shape)
    return np.asarray(steps.cumsum(axis=0).cumsum(axis=1)[:squares, :squares] > 0)
