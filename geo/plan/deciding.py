"""The best plan known, and how far from the best it can be (`decide`), where every limit is one heap.

Prices first: where one requirement is all that binds, from the hulls of all sites (`geo.plan.hull`); else from the
solver, options taken in part. Prices tell nearly every site what to do. What is left is a small core of sites that are
nearly indifferent: the solver decides those, whole, around what the others do. The bound is made of the prices and
the plan is added up in integers, so neither rests on the solver's word.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from geo.plan.highs import Answer, solve
from geo.plan.hull import climb, steps
from geo.plan.problem import Limit, Prices, Problem, price_options

__all__ = ["Best", "decide", "part"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

#: A problem of so few options is solved whole by the solver, to the end.
_SMALL = 600
#: Who asks for no more than this part of the cost wants to know roughly, of a small problem too.
_ROUGH = 1e-4
#: Sites in the first core, and how it grows while the gap is too wide.
_CORE, _GROWS = 120, 4
#: A share of an option below this, or above 1 less this, counts as none, or as all.
_IN_PART = 1e-6
#: So many branches, and seconds, is one core looked at; the branches end first, so that a plan does not hang on how
#: busy the machine is.
_BRANCHES, _LOOK = 500, 20.0
#: More is asked, in parts of an average amount, where a plan of the solver missed by a hair.
_MARGINS = (0.0, 1e-5, 1e-3)


@dataclass(frozen=True)
class Best:
    """The best plan known.

    Attributes
    ----------
    chosen : array of int or None
        Options taken, ascending; None where no plan was found.
    bound_fen : float
        No plan costs less; +∞ where none can hold.
    prices : Prices
        What the bound is made of; of a small problem the solver's own bound may be closer.
    by_solver : bool
        Whether the bound is the solver's own.
    guide : array of int or None
        Options that are taken whole where options may be taken in part.
    torn : array of int
        Sites that take options in part there.
    bins : array of int or None
        Bin of each chosen option, where a limit has bins.
    """

    chosen: Rows | None
    bound_fen: float
    prices: Prices
    by_solver: bool = False
    guide: Rows | None = None
    torn: Rows = field(default_factory=lambda: np.zeros(0, dtype="intp"))
    bins: Rows | None = None

    def gap(self, problem: Problem) -> float | None:
        """Return the distance from the bound as a part of the cost; None without a plan."""
        if self.chosen is None:
            return None
        cost = problem.cost(self.chosen)
        return max(cost - self.bound_fen, 0.0) / abs(cost) if cost else 0.0


def decide(problem: Problem, *, gap: float, seconds: float, known: Rows | None = None) -> Best:
    """Find the least cost that meets all requirements within all limits, whatever bins they have.

    See `geo.plan.solving.least_cost`, which looks after the bins.
    """
    until = time.monotonic() + seconds
    nothing = np.zeros(0, dtype="intp")
    if problem.holds(nothing) and (problem.cost_fen >= 0).all():
        return Best(nothing, 0.0, _no_prices(problem))
    if not problem.size:
        return Best(None, np.inf, _no_prices(problem))
    best = _each_its_cheapest(problem) or _by_hulls(problem) or _by_parts(problem, until)
    if known is not None and (best.chosen is None or problem.cost(known) < problem.cost(best.chosen)):
        best = replace(best, chosen=known)
    best = _closer(problem, best, gap, until)
    if best.chosen is None and any(
        _is_budget(limit, problem) and best.bound_fen > limit.capacity for limit in problem.limits
    ):
        return replace(best, bound_fen=np.inf)  # every plan costs more than there is
    return best


def _is_budget(limit: Limit, problem: Problem) -> bool:
    return len(limit.options) == problem.size and bool((limit.amount == problem.cost_fen[limit.options]).all())


def _no_prices(problem: Problem) -> Prices:
    return Prices(np.zeros(len(problem.requirements)), np.zeros(len(problem.limits)))


def _each_its_cheapest(problem: Problem) -> Best | None:
    """Let each site do what is cheapest for it, where nothing is required; None where a limit is in the way."""
    if problem.requirements:
        return None
    order = np.lexsort((problem.cost_fen, problem.site))
    sites, first = np.unique(problem.site[order], return_index=True)
    cheapest = order[first]
    chosen = np.sort(cheapest[(problem.cost_fen[cheapest] < 0) | np.isin(sites, problem.must)])
    return Best(chosen, float(problem.cost(chosen)), _no_prices(problem)) if problem.holds(chosen) else None


def _by_hulls(problem: Problem) -> Best | None:
    """Climb towards the one requirement; None where there are more, or a limit is in the way."""
    if len(problem.requirements) != 1 or (problem.cost_fen < 0).any():
        return None
    one = problem.requirements[0]
    way = steps(one.gain, problem.cost_fen.astype("float64"), problem.site, problem.must)
    done = climb(way, one.need - float(one.gain[way.start].sum()))
    prices = Prices(np.array([done.price]), np.zeros(len(problem.limits)))
    if not done.reached:
        return Best(None, np.inf, prices)
    chosen = done.chosen
    if any(limit.used(chosen) > limit.capacity for limit in problem.limits):
        return None
    torn = np.unique(problem.site[np.setxor1d(chosen, done.short)])
    kept = chosen if problem.holds(chosen) else None
    return Best(kept, problem.bound(prices), prices, guide=done.short, torn=torn)


def _by_parts(problem: Problem, until: float) -> Best:
    """Ask the solver what would be done if options could be taken in part, for its prices."""
    answer = solve(problem, whole=False, seconds=until - time.monotonic())
    if answer.prices is None or answer.share is None:
        return Best(None, np.inf if answer.status == "infeasible" else -np.inf, _no_prices(problem))
    bound = problem.bound(answer.prices)
    guide = np.flatnonzero(answer.share > 1 - _IN_PART)
    torn = np.unique(problem.site[(answer.share > _IN_PART) & (answer.share < 1 - _IN_PART)])
    return Best(None, bound, answer.prices, guide=guide, torn=torn)


def _closer(problem: Problem, best: Best, gap: float, until: float) -> Best:
    """Let the solver decide a core of sites, a larger one while the gap is too wide and time is left."""
    sites = np.unique(problem.site)
    if problem.size <= _SMALL:
        return _whole(problem, best, until, gap / 2 if gap > _ROUGH else 0.0)
    size = _CORE
    while _wide(problem, best, gap) and time.monotonic() < until and np.isfinite(best.bound_fen):
        if size >= len(sites):
            return _whole(problem, best, until, gap / 2)
        found = _around(problem, best, size, gap, until)
        if found is not None and (best.chosen is None or problem.cost(found) < problem.cost(best.chosen)):
            best = replace(best, chosen=found)
        size *= _GROWS
    return best


def _wide(problem: Problem, best: Best, gap: float) -> bool:
    reached = best.gap(problem)
    return reached is None or reached > gap


def _whole(problem: Problem, best: Best, until: float, gap: float) -> Best:
    """Let the solver decide every site; where that proves more than the prices do, the bound is its own."""
    chosen, answer = best.chosen, Answer("unknown")
    for margin in _MARGINS:
        answer = solve(problem, whole=True, seconds=until - time.monotonic(), gap=gap, start=chosen, margin=margin)
        if margin == 0.0 and answer.status == "infeasible" and chosen is None:
            return replace(best, bound_fen=np.inf)
        if margin == 0.0 and answer.bound_fen > best.bound_fen:
            best = replace(best, bound_fen=_whole_fen(answer.bound_fen), by_solver=True)
        found = _held(problem, answer, chosen)
        if found is not chosen or answer.share is None:
            chosen = found
            break
    if chosen is None:
        return best
    # A bound above the cost of a plan would be what the solver's tolerance leaves.
    return replace(best, chosen=chosen, bound_fen=min(best.bound_fen, float(problem.cost(chosen))))


def _whole_fen(bound: float) -> float:
    """Return the least whole fen at or above a bound, what floats may have added left out."""
    return float(np.ceil(bound - 1e-9 * max(1.0, abs(bound))))


def _held(problem: Problem, answer: Answer, known: Rows | None) -> Rows | None:
    """Return the solver's plan where it holds in integers and costs no more than the one known; else that one."""
    if answer.share is None:
        return known
    chosen = np.flatnonzero(answer.share > 0.5)
    if not problem.holds(chosen) or (known is not None and problem.cost(chosen) > problem.cost(known)):
        return known
    return chosen


def _around(problem: Problem, best: Best, size: int, gap: float, until: float) -> Rows | None:
    """Decide the `size` sites that are nearest to indifferent; all others do what they do where parts are allowed."""
    core = _core(problem, best, size)
    guide = np.zeros(0, dtype="intp") if best.guide is None else best.guide
    fixed = guide[~core[problem.site[guide]]]
    inner = np.flatnonzero(core[problem.site])
    rest = part(problem, inner, fixed, np.flatnonzero(core))
    # What is close enough of the whole plan is a larger part of what the core costs.
    left = abs(best.bound_fen - problem.cost(fixed))
    wished = gap * abs(best.bound_fen) / left / 2 if left else gap
    for margin in _MARGINS:
        seconds = min(until - time.monotonic(), _LOOK)
        answer = solve(rest, whole=True, seconds=seconds, gap=min(wished, 0.5), margin=margin, nodes=_BRANCHES)
        found = _held(rest, answer, None)
        if found is not None:
            return np.sort(np.concatenate([fixed, inner[found]]))
    return None


def _core(problem: Problem, best: Best, size: int) -> Flags:
    """Tell, by site number, the sites that take options in part, and those whose next best choice is nearly as good."""
    least = price_options(problem, best.prices)
    last = int(problem.site[-1]) + 1
    taken = np.full(last, np.inf)
    taken[np.setdiff1d(problem.site, problem.must)] = 0.0
    own = np.zeros(problem.size, dtype=bool)
    if best.guide is not None:
        own[best.guide] = True
        taken[problem.site[best.guide]] = least[best.guide]
    other = np.full(last, np.inf)
    np.minimum.at(other, problem.site[~own], least[~own])
    acts = np.zeros(last, dtype=bool)
    acts[problem.site[own]] = True
    may_rest = acts.copy()
    may_rest[problem.must] = False
    other[may_rest] = np.minimum(other[may_rest], 0.0)
    regret = np.full(last, np.inf)
    choice = np.isfinite(taken) & np.isfinite(other)
    regret[choice] = np.abs(other[choice] - taken[choice])
    regret[best.torn] = -1.0
    there = np.unique(problem.site)
    core = np.zeros(last, dtype=bool)
    core[there[np.argsort(regret[there], kind="stable")[: max(size, len(best.torn))]]] = True
    return core


def part(problem: Problem, options: Rows, fixed: Rows, core: Rows) -> Problem:
    """Return the problem that is left for some options when others are taken; of the sites in `core` some must act."""
    where = np.full(problem.size, -1, dtype="intp")
    where[options] = np.arange(len(options))
    requirements = []
    for one in problem.requirements:
        top, below = one.sums(fixed)
        requirements.append(replace(one, top=one.top[options], below=one.below[options], top_now=top, below_now=below))
    limits = []
    for limit in problem.limits:
        mine = where[limit.options] >= 0
        limits.append(
            Limit(
                limit.name, limit.kind, limit.capacity - limit.used(fixed),
                where[limit.options[mine]], limit.amount[mine],
            )
        )  # fmt: skip
    return Problem(
        problem.cost_fen[options], problem.site[options], tuple(requirements), tuple(limits),
        np.intersect1d(problem.must, core),
    )  # fmt: skip
