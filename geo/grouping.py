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

    Examples
    --------
    >>> import numpy as np
    >>> linked(np.array([0, 3]), np.array([3, 4]), 5).tolist()
    [0, 1, 2, 0, 0]
    """
    from scipy.sparse import coo_array  # noqa: PLC0415  (a third of a second that most commands do not need)
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    links = coo_array((np.ones(len(one), dtype=bool), (one, other)), shape=(count, count))
    _, group = connected_components(links, directed=False)
    _, first, of = np.unique(group, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[of].astype("intp", copy=False)
