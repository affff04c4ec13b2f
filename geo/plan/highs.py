"""How the solver is called: HiGHS, on a `Problem`, with a deadline of our own (`solve`).

Knows the solver and nothing of land. Amounts are scaled to the size of one before they go in, for its tolerances are
absolute. Its word is no proof: whoever calls adds up the integers of a plan and makes a bound of the prices
(`geo.plan.problem`). Large problems are solved in a process of their own that can be ended, since a presolve may not
look at the clock.
"""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import numpy.typing as npt

from geo.plan.problem import Prices, Problem

__all__ = ["Answer", "solve"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

_NO_LIMIT = 2**31 - 1
#: A problem with more options than this is solved in a process of its own.
_LARGE = 20_000
#: So much longer than its own limit may the solver take (s), for starting and telling.
_GRACE = 5.0


@dataclass(frozen=True)
class Answer:
    """What the solver said.

    Attributes
    ----------
    status : {"optimal", "infeasible", "unknown"}
        "unknown" where time ran out, or the solver failed.
    share : array of float or None
        How much of each option is taken, 0 to 1.
    prices : Prices or None
        Of a problem whose options may be taken in part.
    bound_fen : float
        What the solver holds for the least cost; −∞ where it does not say.
    """

    status: str
    share: Floats | None = None
    prices: Prices | None = None
    bound_fen: float = -np.inf


def solve(
    problem: Problem,
    *,
    whole: bool,
    seconds: float,
    gap: float = 0.0,
    start: Rows | None = None,
    margin: float = 0.0,
    nodes: int = _NO_LIMIT,
) -> Answer:
    """Ask HiGHS for the least cost.

    Parameters
    ----------
    problem : Problem
    whole : bool
        Options are taken whole or not at all; else in part, and there are prices.
    seconds : float
        Deadline.
    gap : float
        Relative distance from the bound at which to stop.
    start : array of int, optional
        A plan to begin with.
    margin : float
        So much more is asked of each requirement, and so much less is left of each limit, in parts of an average
        amount: for a plan that missed by a hair.
    nodes : int
        So many branches at most: unlike the clock, this gives the same plan on a busy machine.
    """
    if not problem.size:
        return Answer("unknown")
    asked = (problem, whole, max(seconds, 0.1), gap, start, margin, nodes)
    return _solve(*asked) if problem.size <= _LARGE else _elsewhere(seconds + _GRACE, *asked)


def _elsewhere(deadline: float, *asked: Any) -> Answer:  # noqa: ANN401  (passed on)
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_tell, args=(there, *asked), daemon=True)
    process.start()
    there.close()
    try:
        return here.recv() if here.poll(deadline) else Answer("unknown")
    except EOFError:  # it died, of memory for example
        return Answer("unknown")
    finally:
        process.kill()
        process.join()
        here.close()


def _tell(there: Connection, *asked: Any) -> None:  # noqa: ANN401  (passed on)
    there.send(_solve(*asked))


def _solve(
    problem: Problem, whole: bool, seconds: float, gap: float, start: Rows | None, margin: float, nodes: int
) -> Answer:
    import highspy  # noqa: PLC0415  (only a plan needs it)

    rows = _rows(problem, margin)
    unit = float(np.abs(problem.cost_fen).mean()) or 1.0
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = problem.size, len(rows.low)
    model.col_cost_ = problem.cost_fen / unit
    model.col_lower_, model.col_upper_ = np.zeros(problem.size), np.ones(problem.size)
    model.row_lower_, model.row_upper_ = rows.low, rows.high
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = rows.start, rows.column, rows.value
    if whole:
        model.integrality_ = [highspy.HighsVarType.kInteger] * problem.size
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    options = {
        "output_flag": False, "time_limit": seconds, "mip_rel_gap": gap, "mip_abs_gap": 0.0, "random_seed": 0,
        "threads": 1, "mip_max_nodes": nodes,
    }  # fmt: skip
    for name, value in options.items():
        solver.setOptionValue(name, value)
    solver.passModel(model)
    if start is not None and whole:
        solution = highspy.HighsSolution()
        share = np.zeros(problem.size)
        share[start] = 1.0
        solution.col_value = share.tolist()
        solver.setSolution(solution)
    solver.run()
    return _answer(highspy, solver, problem, rows, unit, whole=whole)


def _answer(highspy: Any, solver: Any, problem: Problem, rows: _Rows, unit: float, *, whole: bool) -> Answer:  # noqa: ANN401
    known = {
        highspy.HighsModelStatus.kOptimal: "optimal",
        highspy.HighsModelStatus.kInfeasible: "infeasible",
        highspy.HighsModelStatus.kUnboundedOrInfeasible: "infeasible",
    }
    status = known.get(solver.getModelStatus(), "unknown")
    solution = solver.getSolution()
    share = np.asarray(solution.col_value) if solution.value_valid else None
    if whole:
        bound = float(solver.getInfo().mip_dual_bound) * unit
        return Answer(status, share, None, bound if np.isfinite(bound) else -np.inf)
    prices = None
    if solution.dual_valid:
        # A price is told in fen a step: the solver saw costs and rows scaled.
        duals = np.asarray(solution.row_dual)[: len(rows.scale)] * unit / rows.scale
        n = len(problem.requirements)
        prices = Prices(np.maximum(duals[:n], 0.0), np.maximum(-duals[n:], 0.0))
    return Answer(status, share, prices)


@dataclass(frozen=True)
class _Rows:
    """Rows of the model, one after the other: requirements, limits (both divided by `scale`), sites."""

    start: Rows
    column: Rows
    value: Floats
    low: Floats
    high: Floats
    scale: Floats


def _rows(problem: Problem, margin: float) -> _Rows:
    columns: list[Rows] = []
    values: list[Floats] = []
    low: list[float] = []
    high: list[float] = []
    scale: list[float] = []
    for one in problem.requirements:
        gain = one.gain
        unit = float(np.abs(gain).mean()) or 1.0
        columns.append(np.flatnonzero(gain))
        values.append(gain[columns[-1]] / unit)
        low, high, scale = [*low, one.need / unit + margin], [*high, np.inf], [*scale, unit]
    for limit in problem.limits:
        unit = float(np.abs(limit.amount).mean()) if len(limit.amount) else 1.0
        unit = unit or 1.0
        columns.append(limit.options)
        values.append(limit.amount / unit)
        low, high, scale = [*low, -np.inf], [*high, limit.capacity / unit - margin], [*scale, unit]
    sites, first = np.unique(problem.site, return_index=True)
    columns += np.split(np.arange(problem.size), first[1:])
    counts = [*(len(one) for one in columns)]
    column = np.concatenate(columns) if columns else np.zeros(0, dtype="intp")
    value = np.concatenate([*values, np.ones(problem.size)])
    return _Rows(
        start=np.concatenate([[0], np.cumsum(counts)]).astype("int32"),
        column=column.astype("int32"),
        value=value,
        low=np.concatenate([low, np.isin(sites, problem.must).astype("float64")]),
        high=np.concatenate([high, np.ones(len(sites))]),
        scale=np.array(scale),
    )
