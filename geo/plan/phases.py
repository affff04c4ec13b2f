"""Which act in which year (`by_year`): each year's acts cost at most that year's budget.

Acts that bring most for their cost go first, where they fit that way; else they stay where the solver found room. The
order among years changes no total.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from geo.plan.packing import first_fit
from geo.plan.posing import Year
from geo.plan.problem import Problem

__all__ = ["by_year"]

Rows = npt.NDArray[np.intp]


def by_year(problem: Problem, chosen: Rows, years: Sequence[Year], known: Rows) -> Rows:
    """Return the year of each act of a plan; `known` numbers, for each, a year with room for it."""
    gain = problem.requirements[0].gain[chosen] if problem.requirements else np.zeros(len(chosen))
    cost = problem.cost_fen[chosen]
    early = np.argsort(-gain / np.maximum(cost, 1), kind="stable")
    placed = first_fit(cost, early, [one.fen for one in years])
    return np.array([one.year for one in years])[known if placed is None else placed]
