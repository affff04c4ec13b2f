"""What sums that are shown tell together (`told_by_sums`): the last look at a public version (推算复核).

Whoever reads a report may add and subtract its sums: across levels that cut each other (districts and zones), and
across indicators that sum one column over firms that differ by one (taxes of all firms, taxes of those that tell their
electricity). The firms of a city fall into groups that no sum tells apart; every shown sum is a row of a matrix over
these groups, and what a sum of few firms is can be worked out if and only if it lies in the row space. Knows groups
and sums; knows no money and no indicator.

Looked for are single groups, pairs of them, and all that the firms of such have. Ratios and bounds (no tax is below 0)
are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["Groups", "told_by_sums"]

Floats = npt.NDArray[np.float64]
Who = frozenset[Hashable]

Cell = TypeVar("Cell", bound=Hashable)

_ZERO = 1e-7


@dataclass(frozen=True)
class Groups(Generic[Cell]):
    """Groups of firms, and the sums of one column over them.

    Attributes
    ----------
    who : tuple of frozenset
        The firms of each group that have something in the column.
    sums : dict
        Cell → array of bool: which groups it sums.
    """

    who: tuple[Who, ...]
    sums: dict[Cell, npt.NDArray[np.bool_]]


def told_by_sums(groups: Groups[Cell], hidden: set[Cell], fewest: int, rank: Callable[[Cell], Any]) -> set[Cell]:
    """Return the cells to withhold besides, so that no sum of fewer than `fewest` firms can be worked out.

    Parameters
    ----------
    groups : Groups
    hidden : set
        Cells that are withheld already.
    fewest : int
    rank : callable
        Of the cells a sum is worked out from, the one of the lowest rank is withheld.

    Examples
    --------
    Zone 1 is one firm and withheld, and so is zone 2. District 2 holds the firms of zone 2 and no other: the city less
    zone 3 less district 2 is zone 1.

    >>> who = (frozenset("a"), frozenset("bcde"), frozenset("fghij"))
    >>> cells = {"city": [1, 1, 1], "zone 1": [1, 0, 0], "zone 2": [0, 1, 0], "zone 3": [0, 0, 1],
    ...          "district 1": [1, 0, 1], "district 2": [0, 1, 0]}
    >>> groups = Groups(who, {name: np.array(of, dtype=bool) for name, of in cells.items()})
    >>> sorted(told_by_sums(groups, {"zone 1", "zone 2"}, 3, lambda cell: (cell == "city", cell)))
    ['district 1', 'district 2']
    """
    few = _Few(groups.who, fewest)
    more: set[Cell] = set()
    while few.single:
        shown = [cell for cell in groups.sums if cell not in hidden and cell not in more]
        found = _told(groups, shown, few, rank)
        if not found:
            break
        more |= found
    return more


class _Few:
    """Unions of groups that are of few firms: single ones, pairs, and all groups of the firms of such."""

    def __init__(self, who: Sequence[Who], fewest: int) -> None:
        self.single = [place for place, firms in enumerate(who) if 0 < len(firms) < fewest]
        count = range(len(self.single))
        firms = [who[place] for place in self.single]
        pairs = [(a, b) for a, b in combinations(count, 2) if len(firms[a] | firms[b]) < fewest]
        self.first, self.second = np.array(pairs, dtype="intp").reshape(-1, 2).T
        wholes = {*firms, *(firms[a] | firms[b] for a, b in pairs if not firms[a].isdisjoint(firms[b]))}
        every = ([place for place in self.single if who[place] <= one] for one in wholes)
        self.whole = [one for one in every if len(one) > 2]  # else it is a pair or a single one

    def told(self, right: Floats) -> Iterator[list[int]]:
        """Those that lie in the row space that an orthonormal basis spans."""
        part = right[:, self.single]
        inner = part.T @ part
        own = np.diag(inner)
        yield from ([self.single[one]] for one in np.flatnonzero(1 - own < _ZERO))
        a, b = self.first, self.second
        pair = np.flatnonzero(2 - own[a] - own[b] - 2 * inner[a, b] < _ZERO)
        yield from ([self.single[a[one]], self.single[b[one]]] for one in pair)
        for union in self.whole:
            if len(union) - np.square(right[:, union].sum(axis=1)).sum() < _ZERO:
                yield union


def _told(groups: Groups[Cell], shown: list[Cell], few: _Few, rank: Callable[[Cell], Any]) -> set[Cell]:
    """For each union that is told, the cell of lowest rank among those it is worked out from."""
    if not shown:
        return set()
    rows = np.array([groups.sums[cell] for cell in shown], dtype="float64")
    left, size, right = np.linalg.svd(rows, full_matrices=False)
    kept = size > _ZERO * size[0]
    left, size, right = left[:, kept], size[kept], right[kept]
    found: set[Cell] = set()
    for union in few.told(right):
        weights = np.abs(left @ (right[:, union].sum(axis=1) / size))
        used = [cell for cell, weight in zip(shown, weights, strict=True) if weight > _ZERO]
        if not found.intersection(used):
            found.add(min(used, key=rank))
    return found
