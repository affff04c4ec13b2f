"""What belongs together: groups of things linked in pairs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["linked"]


def linked(one: npt.NDArray[np.intp], other: npt.NDArray[np.intp], count: int) -> npt.NDArray[np.intp]:
    """Number the groups of things that are linked, directly or through others.

    Parameters
    ----------
    one, other : arrays of int
        The ends of each link, 0 … `count` − 1.
    count : int
        How many things there are; one without links is a group of its own.

    Returns
    -------
    array of int
        The group of each thing, from 0 without gaps, in order of the first thing of each.

    Notes
    -----
    Each thing points to the first one it knows of its group; pointers are followed until both ends of every link
    point to the same. (Loading scipy for this takes every worker a third of a second.)

    Examples
    --------
    >>> import numpy as np
    >>> linked(np.array([0, 3]), np.array([3, 4]), 5).tolist()
    [0, 1, 2, 0, 0]
    """
    first = np.arange(count)
    while (first[one] != first[other]).any():
        least = np.minimum(first[one], first[other])
        for end in (one, other):
            np.minimum.at(first, first[end], least)
            np.minimum.at(first, end, least)
        first = first[first]
    while (first != first[first]).any():
        first = first[first]
    return np.unique(first, return_inverse=True)[1].astype("intp", copy=False)
