"""Other plans, and how the plan hangs on what was assumed (`weigh`): further plans, the price of a target, of a cost.

A plan is a proposal: whoever decides wants to see what else would do (plans that differ by a stated share of their
acts), which parcels every one of them needs, what a higher or lower target would cost, and whether the plan stands if a
cost turns out otherwise. Each is the same problem with something changed, solved by the same rooms.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.plan.planning import Plan, Reached, reached
from geo.plan.posing import with_costs
from geo.plan.problem import Limit, Problem
from geo.plan.reaching import reach
from geo.plan.solving import least_cost
from geo.plan.targets import shown_value
from layers.project import Project
from layers.showing import Shown

__all__ = ["Alternative", "Choices", "CostChange", "Point", "weigh"]

Rows = npt.NDArray[np.intp]

#: Points of the curve of cost against target, and by how much each cost is tried lower and higher.
_POINTS, _CHANGES = 8, (0.8, 1.2)
#: What is weighed is told to a tenth of a per cent, and each question is given so long (s).
_GAP, _LOOK = 1e-3, 6.0


@dataclass(frozen=True)
class Alternative:
    """A further plan that meets the targets: acts, cost, targets, and which share of the plan's acts it has too."""

    chosen: Rows
    cost_fen: int
    reached: tuple[Reached, ...]
    common: float


@dataclass(frozen=True)
class Point:
    """What a figure of the main target costs: `figure` in its display unit, cost and bound in fen."""

    figure: float
    cost_fen: int
    bound_fen: float


@dataclass(frozen=True)
class CostChange:
    """The best plan if an act costs `factor` times as much: cost, how often it acts so, share of acts in common."""

    action: str
    factor: float
    cost_fen: int
    acts: int
    common: float


@dataclass(frozen=True)
class Choices:
    """What was weighed.

    Attributes
    ----------
    alternatives : tuple of Alternative
    wanted : int
        How many further plans were asked for; fewer may exist.
    always : array of int
        Parcels that the plan and every further plan act on; empty without further plans.
    curve : tuple of Point
    sensitivity : tuple of CostChange
    complete : bool
        False where time ran out before all was weighed.
    """

    alternatives: tuple[Alternative, ...] = ()
    wanted: int = 0
    always: Rows = field(default_factory=lambda: np.zeros(0, dtype="intp"))
    curve: tuple[Point, ...] = ()
    sensitivity: tuple[CostChange, ...] = ()
    complete: bool = True

    def _repr_html_(self) -> str:
        curve = pd.DataFrame([(one.figure, one.cost_fen / 100) for one in self.curve], columns=["figure", "cost_cny"])
        changes = pd.DataFrame(
            [(one.action, one.factor, one.cost_fen / 100, one.acts, one.common) for one in self.sensitivity],
            columns=["action", "cost_factor", "cost_cny", "acts", "common"],
        )
        plans = pd.DataFrame(
            [(one.cost_fen / 100, len(one.chosen), one.common) for one in self.alternatives],
            columns=["cost_cny", "acts", "common"],
        )
        tables = tuple(one for one in (curve, changes, plans) if len(one))
        return Shown("Choices 比选", tables)._repr_html_()


def weigh(plan: Plan, project: Project) -> Choices:
    """Weigh a plan that meets its targets; of any other there is nothing to weigh.

    Parameters
    ----------
    plan : Plan
    project : Project
        `plan.alternatives`, `plan.difference`; `plan.seconds` bounds the time.
    """
    wanted = int(project.number("plan.alternatives") or 0)
    if plan.status not in ("optimal", "feasible") or not len(plan.taken):
        return Choices(wanted=wanted)
    until = time.monotonic() + (project.number("plan.seconds") or 60.0) / 2
    alternatives = _alternatives(plan, wanted, project.number("plan.difference") or 0.0, until)
    curve = _curve(plan, until)
    sensitivity = _sensitivity(plan, until)
    return Choices(
        alternatives, wanted, _always(plan, alternatives), curve, sensitivity, complete=time.monotonic() < until
    )


def _solve(problem: Problem, until: float) -> tuple[Rows, float] | None:
    """Return a plan and its bound, None where there is none or time has run out."""
    left = until - time.monotonic()
    if left <= 0:
        return None
    best = least_cost(problem, gap=_GAP, seconds=min(left, _LOOK))
    return None if best.chosen is None else (best.chosen, best.bound_fen)


def _alternatives(plan: Plan, wanted: int, difference: float, until: float) -> tuple[Alternative, ...]:
    """Find plans of which each has at most so many acts in common with the plan and with those before it."""
    known = [plan.taken]
    found: list[Alternative] = []
    while len(found) < wanted:
        apart = tuple(
            Limit(f"plan {n}", "difference", _shared(difference, len(one)), one, np.ones(len(one), dtype="int64"))
            for n, one in enumerate(known)
        )
        solved = _solve(replace(plan.problem, limits=(*plan.problem.limits, *apart)), until)
        if solved is None:
            break
        chosen, _ = solved
        known.append(chosen)
        found.append(
            Alternative(
                chosen,
                plan.problem.cost(chosen),
                reached(plan.options, plan.posed.rows(chosen)),
                _common(plan.taken, chosen),
            )
        )
    return tuple(found)


def _shared(difference: float, acts: int) -> int:
    """Return how many acts a further plan may share; 1 of 10 where nine tenths differ, not a hair less."""
    return int((1 - Fraction(repr(difference))) * acts)


def _common(one: Rows, other: Rows) -> float:
    """Return the share of the acts of one plan that stand in another too."""
    return float(np.isin(one, other).mean()) if len(one) else 0.0


def _always(plan: Plan, alternatives: tuple[Alternative, ...]) -> Rows:
    if not alternatives:
        return np.zeros(0, dtype="intp")
    parcel = plan.options.table["parcel"].to_numpy("int64")
    always = np.unique(parcel[plan.chosen])
    for one in alternatives:
        always = np.intersect1d(always, parcel[plan.posed.rows(one.chosen)])
    return always


def _curve(plan: Plan, until: float) -> tuple[Point, ...]:
    """What lower and higher figures of the main target cost, from today's to the most that can be reached."""
    problem, target = plan.problem, plan.reached[0].target
    asked = problem.requirements[0]
    today = Fraction(asked.top_now, max(asked.below_now, 1))
    furthest = reach(replace(problem, requirements=problem.requirements[1:]), asked, max(until - time.monotonic(), 1.0))
    end = asked.figure if furthest is None else Fraction(furthest.top, furthest.below)
    # The most is reached by one plan only, at a price that says little: the curve ends a little before.
    figures = [today + (end - today) * Fraction(n, _POINTS) for n in range(1, _POINTS)]
    figures = sorted({*figures, today + (end - today) * Fraction(99, 100), asked.figure})
    points = []
    for figure in figures:
        if figure == asked.figure:
            points.append(Point(target.figure, plan.cost_fen, plan.bound_fen))
            continue
        # Figures are rounded to what can be said in eight digits, so that anybody can ask the same again.
        rounded = figure.limit_denominator(10**8)
        solved = _solve(replace(problem, requirements=(asked.at(rounded), *problem.requirements[1:])), until)
        value = shown_value(target.indicator, rounded.numerator, rounded.denominator)
        if solved is not None and value is not None:
            points.append(Point(value, problem.cost(solved[0]), solved[1]))
    return tuple(points)


def _sensitivity(plan: Plan, until: float) -> tuple[CostChange, ...]:
    """How the best plan changes when one act costs less, or more."""
    actions = np.full(plan.problem.size, "", dtype=object)
    held = plan.posed.option >= 0
    actions[plan.posed.option[held]] = plan.options.table["action"].to_numpy()[held]
    found = []
    for action in dict.fromkeys(actions.tolist()):
        mine = actions == action
        for factor in _CHANGES:
            cost = plan.problem.cost_fen.copy()
            cost[mine] = np.rint(cost[mine] * factor).astype("int64")
            changed = with_costs(plan.problem, cost)
            solved = _solve(changed, until)
            if solved is not None:
                chosen = solved[0]
                acts = int(mine[chosen].sum())
                found.append(CostChange(action, factor, changed.cost(chosen), acts, _common(plan.taken, chosen)))
    return tuple(found)
