"""Options into bins, each whole: quick tries (`first_fit`, `fill`), and the choice posed anew (`spread`).

Bins are what a limit's capacity comes in: budgets of years, above all. Knows no land and no solver.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from geo.plan.problem import Limit, Problem

__all__ = ["fill", "first_fit", "fits", "spread"]

Integers = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]

#: A bin is filled to so fine a part of it.
_PARTS = 1_000_000
#: So many amounts, the smallest, fill bins by their sums.
_MANY = 500


def first_fit(amount: Integers, order: Rows, bins: Sequence[int]) -> Rows | None:
    """Put each amount, in order, into the first bin with room; None where one finds none.

    Examples
    --------
    >>> first_fit(np.array([6, 5, 4]), np.array([0, 1, 2]), [10, 5])
    array([0, 1, 0])
    >>> first_fit(np.array([6, 5, 4]), np.array([2, 1, 0]), [10, 5]) is None
    True
    """
    left = list(bins)
    placed = np.zeros(len(amount), dtype="intp")
    for one in order.tolist():
        takes = int(amount[one])
        place = next((place for place, room in enumerate(left) if takes <= room), None)
        if place is None:
            return None
        left[place] -= takes
        placed[one] = place
    return placed


def fill(amount: Integers, bins: Sequence[int]) -> Rows | None:
    """Fill one bin after the other as full as any choice of what is left can, and put the rest into the last.

    Of many amounts the largest are put where there is room first. None where the rest does not fit, which proves
    nothing.

    Examples
    --------
    >>> fill(np.array([5, 4, 3, 3, 3]), [9, 9])
    array([0, 0, 1, 1, 1])
    """
    order = np.argsort(-amount, kind="stable")
    large, small = order[:-_MANY], order[-_MANY:]
    placed = np.full(len(amount), -1, dtype="intp")
    there = first_fit(amount[large], np.arange(len(large)), bins)
    if there is None:
        return None
    placed[large] = there
    room = [one - int(amount[placed == place].sum()) for place, one in enumerate(bins)]
    *before, last = sorted(range(len(bins)), key=lambda place: -room[place])
    for place in before:
        left = small[placed[small] < 0]
        placed[left[_fullest(amount[left], room[place])]] = place
    placed[placed < 0] = last
    return placed if fits(amount, placed, bins) else None


def _fullest(amount: Integers, room: int) -> Rows:
    """Return which amounts add up to nearly as much as there is room; the largest of them where there is a choice."""
    part = -(-room // _PARTS) or 1
    order = np.argsort(amount, kind="stable")
    takes = [-(-int(amount[one]) // part) for one in order]
    within = (1 << (room // part + 1)) - 1
    sums = [1]  # after each amount: bit n is set where some of them add up to n
    for one in takes:
        sums.append((sums[-1] | (sums[-1] << one if one <= room // part else 0)) & within)
    total, chosen = sums[-1].bit_length() - 1, []
    for nth in range(len(takes) - 1, -1, -1):
        if total >= takes[nth] and sums[nth] >> (total - takes[nth]) & 1:
            total -= takes[nth]
            chosen.append(order[nth])
    return np.array(chosen, dtype="intp")


def fits(amount: Integers, placed: Rows, bins: Sequence[int]) -> bool:
    """Tell, by adding integers, whether no bin holds more than it can."""
    return all(int(amount[placed == place].sum()) <= room for place, room in enumerate(bins))


def spread(problem: Problem, limit: Limit) -> tuple[Problem, Rows, Rows]:
    """Pose the choice with one copy of an option for each bin that has room for it.

    Parameters
    ----------
    problem : Problem
    limit : Limit
        The one of its limits that has bins.

    Returns
    -------
    (Problem, array of int, array of int)
        The problem, in which each bin is a limit of its own; of each of its options, the option it is a copy of, and
        the bin it lies in.
    """
    amount = limit.each(problem.size)
    of, place = np.nonzero(amount[:, None] <= np.array(limit.bins)[None, :])
    others = tuple(_of_copies(one, of, problem.size) for one in problem.limits if one is not limit)
    rooms = tuple(
        Limit(f"{limit.name} {nth}", limit.kind, room, mine, amount[of[mine]])
        for nth, room in enumerate(limit.bins)
        for mine in [np.flatnonzero(place == nth)]
    )
    copies = Problem(
        problem.cost_fen[of],
        problem.site[of],
        tuple(replace(one, top=one.top[of], below=one.below[of]) for one in problem.requirements),
        (*others, *rooms),
        problem.must,
    )
    return copies, of, place


def _of_copies(limit: Limit, of: Rows, size: int) -> Limit:
    amount = limit.each(size)[of]
    mine = np.flatnonzero(amount)
    return replace(limit, options=mine, amount=amount[mine])
