"""The least cost that meets all requirements (`least_cost`), and the most that can be had of one (`most`).

Where a limit's capacity comes in bins, an act lies in one of them, whole. The problem is first decided as if it were
one heap: that bounds every plan, and mostly the acts fit. Where they do not, each option is copied for each bin and
the choice decided anew; where that would be too large, a little of the heap is left over until what is chosen fits.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from geo.plan.deciding import Best, decide, part
from geo.plan.packing import fill, first_fit, fits, spread
from geo.plan.problem import Limit, Problem, Requirement

__all__ = ["Best", "least_cost", "most"]

Rows = npt.NDArray[np.intp]

#: No more copies of options than this are decided at once.
_COPIES = 60_000
#: So often is more of the heap left over.
_ROUNDS = 12


def least_cost(problem: Problem, *, gap: float = 1e-4, seconds: float = 60.0, known: Rows | None = None) -> Best:
    """Find the least cost that meets all requirements within all limits.

    Parameters
    ----------
    problem : Problem
    gap : float
        Distance from the bound, as a part of the cost, that is close enough.
    seconds : float
        When to stop looking; the best so far is returned.
    known : array of int, optional
        A plan that holds.

    Returns
    -------
    Best
        With `bins`, where a limit has bins.
    """
    limit = next((one for one in problem.limits if one.bins), None)
    if limit is None:
        return decide(problem, gap=gap, seconds=seconds, known=known)
    until = time.monotonic() + seconds
    heap = replace(limit, bins=())
    whole = replace(problem, limits=tuple(heap if one is limit else one for one in problem.limits))
    best = decide(whole, gap=gap, seconds=seconds, known=known)
    if best.chosen is None:
        return best
    chosen = np.sort(best.chosen)
    placed = _place(limit.each(problem.size)[chosen], limit.bins)
    if placed is not None:
        return replace(best, chosen=chosen, bins=placed)
    best = replace(best, chosen=None)
    if problem.size * len(limit.bins) <= _COPIES:
        best = _over_bins(problem, limit, best, gap, until)
    if best.chosen is None and best.bound_fen < np.inf:
        best = _less_of_the_heap(whole, heap, limit, best, gap, until)
    return best


def most(problem: Problem, requirement: Requirement, *, gap: float = 1e-5, seconds: float = 30.0) -> tuple[Best, float]:
    """Find the plan that brings a requirement as near as it can be, cost aside but for the limits.

    Returns
    -------
    (Best, float)
        The plan, and a gain (see `Requirement.gain`) above which no plan can be.
    """
    gain = requirement.gain
    # Costs are whole steps: a gain is counted in the finest steps that still add up safely.
    scale = 2.0 ** np.floor(40 - np.log2(max(float(np.abs(gain).max(initial=0.0)), 1e-9)))
    turned = replace(problem, cost_fen=-np.rint(gain * scale).astype("int64"))
    best = least_cost(turned, gap=gap, seconds=seconds)
    # Rounding each gain to a step may have lost half a step an option taken.
    return best, -best.bound_fen / scale + 0.5 * len(np.unique(problem.site)) / scale


def _place(amount: npt.NDArray[np.int64], bins: tuple[int, ...]) -> Rows | None:
    """Put the largest first, or fill the bins by sums; None where neither fits."""
    placed = first_fit(amount, np.argsort(-amount, kind="stable"), bins)
    return fill(amount, bins) if placed is None else placed


def _over_bins(problem: Problem, limit: Limit, best: Best, gap: float, until: float) -> Best:
    """Decide over copies of the options, one a bin; what bounded the heap bounds this too."""
    copies, of, place = spread(problem, limit)
    if not np.isin(problem.must, copies.site).all():
        return replace(best, bound_fen=np.inf)  # what has to be done is larger than any bin
    found = decide(copies, gap=gap, seconds=_share(until))
    nearer = found.bound_fen > best.bound_fen and (found.by_solver or found.chosen is None)
    if nearer:
        best = replace(best, bound_fen=found.bound_fen, by_solver=True)
    if found.chosen is None or not fits(limit.each(problem.size)[of[found.chosen]], place[found.chosen], limit.bins):
        return best
    return replace(best, chosen=of[found.chosen], bins=place[found.chosen])


def _less_of_the_heap(whole: Problem, heap: Limit, limit: Limit, best: Best, gap: float, until: float) -> Best:
    """Decide with a little less of the heap, twice as little each time, until what is chosen fits into the bins."""
    amount = limit.each(whole.size)
    open_to = np.flatnonzero(amount <= max(limit.bins))
    rest = part(whole, open_to, np.zeros(0, dtype="intp"), whole.must)
    if not np.isin(whole.must, rest.site).all():
        return replace(best, bound_fen=np.inf)
    nth = next(n for n, one in enumerate(whole.limits) if one is heap)
    less = max(heap.capacity // 2**_ROUNDS, 1)
    for _ in range(_ROUNDS):
        tight = replace(rest.limits[nth], capacity=heap.capacity - less)
        limits = (*rest.limits[:nth], tight, *rest.limits[nth + 1 :])
        found = decide(replace(rest, limits=limits), gap=gap, seconds=_share(until))
        if found.chosen is None or time.monotonic() > until:
            return best
        placed = _place(amount[open_to[found.chosen]], limit.bins)
        if placed is not None:
            return replace(best, chosen=open_to[found.chosen], bins=placed)
        less *= 2
    return best


def _share(until: float) -> float:
    """Return half of the time that is left (s): who comes after wants some too."""
    return max((until - time.monotonic()) / 2, 1.0)
