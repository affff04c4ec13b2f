"""Which act in which year (`by_year`): each year's acts cost at most that year's budget.

Acts that bring most for their cost go first. The order among years changes no total: the plan stays as good as it was.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from geo.plan.posing import Year
from geo.plan.problem import Problem
from layers.errors import ProjectError

__all__ = ["by_year"]

Rows = npt.NDArray[np.intp]


def by_year(problem: Problem, chosen: Rows, years: Sequence[Year]) -> Rows:
    """Return the year of each act of a plan.

    Raises
    ------
    ProjectError
        The acts do not fit: one costs more than any year's budget, or what is left over is spread too thin.
    """
    if not len(chosen):
        return np.zeros(0, dtype="intp")
    gain = problem.requirements[0].gain[chosen] if problem.requirements else np.zeros(len(chosen))
    cost = problem.cost_fen[chosen]
    early = np.argsort(-gain / np.maximum(cost, 1), kind="stable")
    large = np.argsort(-cost, kind="stable")
    for order in (early, large):
        placed = _first_fit(cost, order, years)
        if placed is not None:
            return np.array([one.year for one in years])[placed]
    most = max(one.fen for one in years)
    dear = int((cost > most).sum())
    raise ProjectError(
        f"plan.budgets: the acts of the plan do not fit into the years one by one ({dear} cost more than any year's "
        f"budget of at most {most / 100:,.0f} CNY). Raise a year's budget, or state plan.budget_cny for all years.",
        f"plan.budgets：方案的措施无法逐项排入各年预算（其中 {dear} 项超过任一年的预算，最高 {most / 100:,.0f} 元）。"
        "请提高某一年的预算，或改用 plan.budget_cny 给出总额。",
    )


def _first_fit(cost: npt.NDArray[np.int64], order: Rows, years: Sequence[Year]) -> Rows | None:
    """Put each act, in order, into the first year with room; None where one finds none."""
    left = [one.fen for one in years]
    placed = np.zeros(len(cost), dtype="intp")
    for act in order.tolist():
        fen = int(cost[act])
        year = next((place for place, room in enumerate(left) if fen <= room), None)
        if year is None:
            return None
        left[year] -= fen
        placed[act] = year
    return placed
