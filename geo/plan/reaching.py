"""How far a target can be brought, and what is in the way (`reach`, `obstacles`).

The most a ratio of two sums can reach is found by asking again and again for the largest surplus over what is reached
so far (Dinkelbach's method): it ends after a few rounds, at a figure no plan can exceed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from geo.plan.posing import without
from geo.plan.problem import Problem, Requirement
from geo.plan.solving import least_cost, most

__all__ = ["Obstacle", "Reach", "obstacles", "reach", "reachable"]

Rows = npt.NDArray[np.intp]

_ROUNDS = 12
#: So long is one round looked at (s): how far a target can be brought is told to a tenth of a per mille.
_PATIENCE = 5.0
#: How near to the most one looks: roughly first, for most targets are reached, or out of reach, by far.
_CLOSE = (1e-2, 1e-4, 1e-6)


@dataclass(frozen=True)
class Reach:
    """The plan that brings a ratio furthest: `chosen` options, `top` and `below` then, the bins the options lie in."""

    chosen: Rows
    top: int
    below: int
    bins: Rows | None = None


@dataclass(frozen=True)
class Obstacle:
    """A kind of limit without which the target could be reached, at `cost_fen` where that is known."""

    kind: str
    cost_fen: int | None
    chosen: Rows | None


def reachable(problem: Problem, requirement: Requirement, seconds: float) -> tuple[Rows | None, bool]:
    """Return a plan that meets a requirement beside those of the problem, and whether there can be one at all.

    (None, True) where none was found and yet none is excluded.
    """
    gain = np.inf
    for gap in _CLOSE:
        best, gain = most(problem, requirement, gap=gap, seconds=min(seconds, _PATIENCE))
        if best.chosen is not None and requirement.surplus(best.chosen) >= 0:
            return best.chosen, True
        if gain < requirement.need:
            return None, False
    return None, True


def reach(problem: Problem, requirement: Requirement, seconds: float) -> Reach | None:
    """Return the plan that brings a requirement furthest, within the limits and beside the problem's requirements."""
    best = None
    figure = Fraction(requirement.top_now, max(requirement.below_now, 1))
    for _ in range(_ROUNDS):
        found, _ = most(problem, requirement.at(figure), gap=1e-3, seconds=min(seconds, _PATIENCE))
        if found.chosen is None:
            return best
        top, below = requirement.sums(found.chosen)
        if below <= 0:
            return best
        ratio = Fraction(top, below)
        if best is not None and requirement.sign * (ratio - figure) <= 0:
            return best
        best, figure = Reach(found.chosen, top, below, found.bins), ratio
    return best


def obstacles(problem: Problem, requirement: Requirement, seconds: float) -> list[Obstacle]:
    """Return the kinds of limits each of which alone keeps a requirement from being met, with what it would take."""
    found = []
    for kind in dict.fromkeys(limit.kind for limit in problem.limits):
        freed = without(problem, kind)
        chosen, _ = reachable(freed, requirement, seconds)
        if chosen is None:
            continue
        asked = replace(freed, requirements=(*freed.requirements, requirement))
        cheapest = least_cost(asked, seconds=seconds, known=chosen)
        best = chosen if cheapest.chosen is None else cheapest.chosen
        found.append(Obstacle(kind, asked.cost(best), best))
    return found
