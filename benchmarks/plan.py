"""How long a plan takes, how near it is proved to the best, and what the solver alone does with the same problem.

    python benchmarks/plan.py [--candidates 100000] [--coupled 20000] [--json plan.json]

Two problems, made from a seed. `one target`: scattered works that may leave, or move into one of two parks, one target
and nothing else. `coupled`: works that may leave or move into one of three parks; 20 parks with capacity, ten districts
with a quota, budgets of five years. Ours proves its gap by prices that anybody can check; the solver alone (HiGHS, the
whole problem as it is, the same tolerance) is given its time. A plan that does not hold in integers fails the run.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import clock
import numpy as np

from geo.plan.highs import solve
from geo.plan.problem import Limit, Problem, Requirement
from geo.plan.solving import least_cost

PARKS, DISTRICTS, YEARS = 20, 10, 5


def main() -> None:
    """Make both problems, solve them, print and write what came of it."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--candidates", type=int, default=100_000)
    options.add_argument("--coupled", type=int, default=20_000)
    options.add_argument("--solver-seconds", type=float, default=120.0, help="time for the solver alone (120)")
    options.add_argument("--json", metavar="FILE", help="write the figures there too")
    asked = options.parse_args()
    rows = [
        measured("one target", one_target(asked.candidates), 1e-3, asked.solver_seconds),
        measured("coupled", coupled(asked.coupled), 1e-2, asked.solver_seconds),
    ]
    told = clock.machine() | {"rows": rows}
    for row in rows:
        print("  ".join(f"{key} {value}" for key, value in row.items()))
    if asked.json:
        Path(asked.json).write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
    if not all(row["holds"] for row in rows):
        sys.exit("a plan does not hold")


def measured(name: str, problem: Problem, gap: float, solver_seconds: float) -> dict[str, Any]:
    """Solve a problem by ours and by the solver alone, to the same tolerance."""
    start = time.perf_counter()
    best = least_cost(problem, gap=gap, seconds=120)
    ours = time.perf_counter() - start
    start = time.perf_counter()
    alone = solve(problem, whole=True, seconds=solver_seconds, gap=gap)
    return {
        "problem": name,
        "sites": len(np.unique(problem.site)),
        "options": problem.size,
        "limits": len(problem.limits),
        "holds": best.chosen is not None and problem.holds(best.chosen),
        "seconds": round(ours, 2),
        "gap": best.gap(problem),
        "years": 0 if best.bins is None else len(np.unique(best.bins)),
        "solver": alone.status,
        "solver_seconds": round(time.perf_counter() - start, 2),
    }


def one_target(count: int) -> Problem:
    """Works outside that leave, or move into one of two parks: three acts each."""
    draw = np.random.default_rng(1)
    area = draw.integers(50_000, 2_000_000, count)  # steps of 0.01 m²
    rates = (draw.uniform(5, 30, count), draw.uniform(10, 60, count), draw.uniform(10, 60, count))
    return _problem(area, rates, Fraction(7, 10))


def coupled(count: int) -> Problem:
    """Works that leave or move into one of three parks, with capacities, quotas and budgets that bind."""
    draw = np.random.default_rng(2)
    area = draw.integers(50_000, 2_000_000, count)
    rates = (draw.uniform(20, 60, count), *(draw.uniform(5, 40, count) for _ in range(3)))
    problem = _problem(area, rates, Fraction(66, 100))
    park = np.column_stack(
        [np.full(count, -1), *(draw.permuted(np.tile(np.arange(PARKS), (count, 1)), axis=1)[:, :3].T)]
    )
    district = np.repeat(draw.integers(0, DISTRICTS, count), 4)
    land, whole = np.repeat(area, 4), int(area.sum())
    limits = [_limit(f"park {n}", "vacant_land", park.ravel() == n, land, whole // 80) for n in range(PARKS)]
    limits += [_limit(f"district {n}", "district_quota", district == n, land, whole // 20) for n in range(DISTRICTS)]
    every = np.ones(problem.size, dtype=bool)
    budget = _limit("budget", "budget", every, problem.cost_fen, whole * 14)
    limits.append(replace(budget, bins=(budget.capacity // YEARS,) * YEARS))
    return Problem(problem.cost_fen, problem.site, problem.requirements, tuple(limits))


def _problem(area: np.ndarray, rates: tuple[np.ndarray, ...], figure: Fraction) -> Problem:
    """The first act leaves (the sum below shrinks), the others move in (the sum on top grows)."""
    count, acts = len(area), len(rates)
    cost = np.column_stack([area * rate for rate in rates]).astype("int64")
    top = np.column_stack([0 * area, *([area] * (acts - 1))])
    below = np.column_stack([-area, *([0 * area] * (acts - 1))])
    whole = 2 * int(area.sum())
    asked = Requirement("concentration", top.ravel(), below.ravel(), whole // 2, whole, figure)
    return Problem(cost.ravel(), np.repeat(np.arange(count), acts), (asked,))


def _limit(name: str, kind: str, mine: np.ndarray, amount: np.ndarray, capacity: int) -> Limit:
    return Limit(name, kind, capacity, np.flatnonzero(mine), amount[mine])


if __name__ == "__main__":
    main()
