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
    raise _no_room(cost, max(one.fen for one in years))


def _no_room(cost: npt.NDArray[np.int64], most: int) -> ProjectError:
    """Say why the acts of a plan that the whole budget could pay find no years."""
    dear = int((cost > most).sum())
    why_en = (
        f"{dear} of {len(cost)} cost more than the largest year's budget of {most / 100:,.0f} CNY, the dearest "
        f"{int(cost.max()) / 100:,.0f} CNY"
        if dear
        else f"what is left over of each year is too little for the next of {len(cost)}"
    )
    why_zh = (
        f"{len(cost)} 项中有 {dear} 项超过最大的年度预算 {most / 100:,.0f} 元，"
        f"最贵的一项为 {int(cost.max()) / 100:,.0f} 元"
        if dear
        else f"共 {len(cost)} 项，各年余额均不足以容纳下一项"
    )
    return ProjectError(
        "plan.budgets: the least costly plan can be paid in all, but not year by year, since each act, or group that "
        f'acts together (plan.unit = "group"), lies in one year: {why_en}. Raise the budget of a year, or state '
        "plan.budget_cny for all years.",
        f"plan.budgets：最低成本方案的总额在预算之内，但每项措施（plan.unit = “group” 时为每个连片）须在同一年内完成，"
        f"无法排入各年：{why_zh}。请提高某一年的预算，或改用 plan.budget_cny 给出总额。",
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
