"""The least costly set of acts that reaches the target (`plan_renewal`), certified, or why there is none.

Calls the rooms in their order: targets, options, problem, solver; then adds the plan up once more. Gives back a `Plan`,
which knows everything that outputs tell. Units: m², yuan; steps and fen where a name says so.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.assessment import Assessment
from geo.plan.asking import require_vacant_land
from geo.plan.options import Options, draw_up
from geo.plan.phases import by_year
from geo.plan.posing import Posed, pose
from geo.plan.problem import Prices, Problem
from geo.plan.reaching import Obstacle, obstacles, reach, reachable
from geo.plan.solving import Best, least_cost
from geo.plan.targets import Target, read_targets, shown_value
from layers.project import Project
from layers.showing import Shown
from layers.units import from_tally

__all__ = ["Plan", "Reached", "asks_for_plan", "plan_renewal", "reached"]

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Reached:
    """One target under a plan: value before and after (display unit, None where there is none), and whether met."""

    target: Target
    before: float | None
    after: float | None
    met: bool


@dataclass(frozen=True)
class Plan:
    """A plan, how good it is, and what it was made of.

    Attributes
    ----------
    status : {"optimal", "feasible", "closest", "infeasible", "unknown"}
        "optimal": within `plan.gap` of the bound; "feasible": a plan, but time ran out before it was that near;
        "closest": the target cannot be met, and this plan comes nearest; "unknown": no plan was found, none excluded.
    options : Options
    posed : Posed
    taken : array of int
        Options of the problem that are taken: acts, or bundles of them.
    bound_fen : float
        No plan that meets the targets costs less; +∞ where none can.
    prices : Prices or None
        What the bound is made of.
    by_solver : bool
        Whether the bound is the solver's own, which proves more than the prices do.
    reached : tuple of Reached
        One a target.
    best : float or None
        Where a target cannot be met: the most its indicator can reach (display unit).
    short_of : Target or None
        The target that cannot be met.
    obstacles : tuple of Obstacle
        Limits each of which alone stands in the way.
    years : array of int
        Year of each option taken; empty where the budget is not by year.
    """

    status: str
    options: Options
    posed: Posed
    taken: Rows
    bound_fen: float
    prices: Prices | None
    reached: tuple[Reached, ...]
    best: float | None = None
    short_of: Target | None = None
    obstacles: tuple[Obstacle, ...] = ()
    years: Rows = field(default_factory=lambda: np.zeros(0, dtype="intp"))
    by_solver: bool = False

    @property
    def problem(self) -> Problem:
        """The problem that was solved."""
        return self.posed.problem

    @property
    def chosen(self) -> Rows:
        """Acts taken: rows of `options.table`."""
        return self.posed.rows(self.taken)

    @property
    def year(self) -> Rows:
        """Year of each act taken; empty where the budget is not by year."""
        if not len(self.years):
            return self.years
        return self.years[np.searchsorted(self.taken, self.posed.option[self.chosen])]

    @property
    def cost_fen(self) -> int:
        """What the plan costs (fen)."""
        return self.problem.cost(self.taken)

    @property
    def gap(self) -> float | None:
        """Distance from the bound as a part of the cost; None where there is no plan to the targets."""
        if self.status not in ("optimal", "feasible"):
            return None
        return Best(self.taken, self.bound_fen, self.prices or _NO_PRICES).gap(self.problem)

    def __str__(self) -> str:
        told = [f"Plan 方案: {self.status}"]
        for one in self.reached:
            entry = one.target.indicator
            values = (f"{value:.4g}" if value is not None else "—" for value in (one.before, one.after))
            told.append(f"{entry.title_en} {entry.title_zh}, {one.target.scope_name}: {' → '.join(values)}")
        if self.gap is not None:
            told.append(
                f"cost {self.cost_fen / 100:,.0f} CNY, bound {self.bound_fen / 100:,.0f} CNY, gap {self.gap:.4%}"
            )
        return "; ".join(told)

    def _repr_html_(self) -> str:
        sums = self.acts.groupby("action", sort=False).agg(
            acts=("parcel", "size"), land=("land", "sum"), cost=("cost_fen", "sum")
        )
        kinds = pd.DataFrame(
            {
                "action": sums.index.astype("str"),
                "acts": sums["acts"].to_numpy(),
                "land_m2": from_tally(sums["land"].to_numpy("int64"), "m2"),
                "cost_cny": from_tally(sums["cost"].to_numpy("int64"), "cny"),
            }
        )
        return Shown(str(self), (kinds,), self.options.notes)._repr_html_()

    @property
    def acts(self) -> pd.DataFrame:
        """Rows of `options.table` that are taken."""
        return self.options.table.iloc[self.chosen]


_NO_PRICES = Prices(np.zeros(0), np.zeros(0))


def asks_for_plan(project: Project) -> bool:
    """Tell whether a project states anything of a plan, so that a report has a chapter on it."""
    return any(
        setting.origin in ("file", "flag") for name, setting in project.settings.items() if name.startswith("plan.")
    )


def plan_renewal(assessment: Assessment) -> Plan:
    """Find the least costly set of acts that reaches the project's targets (最低成本方案).

    Parameters
    ----------
    assessment : Assessment
        With land, and candidates where `plan.parcels` asks for them.

    Returns
    -------
    Plan

    Raises
    ------
    ProjectError
        A setting of `[plan]` cannot be used; the message names it.
    """
    project = assessment.project
    targets = read_targets(assessment)
    if assessment.land is not None and assessment.land.parks is not None:
        require_vacant_land(assessment.land.parks)
    options = draw_up(assessment, targets)
    posed = pose(options, project)
    problem, seconds = posed.problem, project.number("plan.seconds") or 60.0
    until = time.monotonic() + seconds
    wished = project.number("plan.gap") or 0.0
    best = least_cost(problem, gap=wished, seconds=seconds)
    if best.chosen is None:
        return _without_plan(options, posed, best, project, until)
    status = "optimal" if (best.gap(problem) or 0.0) <= wished else "feasible"
    met = reached(options, posed.rows(best.chosen))
    return Plan(
        status, options, posed, best.chosen, best.bound_fen, best.prices, met,
        years=_years(posed, best.chosen, best.bins), by_solver=best.by_solver,
    )  # fmt: skip


def _years(posed: Posed, chosen: Rows, bins: Rows | None) -> Rows:
    """Return the year of each option taken; nothing where the budget is not by year."""
    if not posed.years:
        return np.zeros(0, dtype="intp")
    return by_year(posed.problem, chosen, posed.years, np.zeros(len(chosen), dtype="intp") if bins is None else bins)


def _without_plan(options: Options, posed: Posed, best: Best, project: Project, until: float) -> Plan:
    """Look which target cannot be met beside those before it, and how far it can be brought."""
    problem = posed.problem
    for place, one in enumerate(problem.requirements):
        beside = replace(problem, requirements=problem.requirements[:place])
        known, possible = reachable(beside, one, _left(until))
        if known is None and (not possible or best.bound_fen == np.inf):
            return _cannot(options, posed, place, project, until)
    nothing = np.zeros(0, dtype="intp")
    status = "infeasible" if best.bound_fen == np.inf else "unknown"
    return Plan(status, options, posed, nothing, best.bound_fen, best.prices, reached(options, nothing))


def _left(until: float) -> float:
    return max(until - time.monotonic(), 1.0)


def _cannot(options: Options, posed: Posed, short: int, project: Project, until: float) -> Plan:
    """Tell how far the target can be brought, and what is in the way."""
    problem = posed.problem
    wanted = problem.requirements[short]
    beside = replace(problem, requirements=problem.requirements[:short])
    furthest = reach(beside, wanted, _left(until))
    target = options.effects[short].target
    nothing = np.zeros(0, dtype="intp")
    value = None if furthest is None else shown_value(target.indicator, furthest.top, furthest.below)
    closest = project.text("plan.objective") == "closest" and furthest is not None
    chosen, bins = (np.sort(furthest.chosen), furthest.bins) if closest and furthest is not None else (nothing, None)
    return Plan(
        status="closest" if closest else "infeasible",
        options=options,
        posed=posed,
        taken=chosen,
        bound_fen=np.inf,
        prices=None,
        reached=reached(options, posed.rows(chosen)),
        best=value,
        short_of=target,
        obstacles=tuple(obstacles(beside, wanted, _left(until))),
        years=_years(posed, chosen, bins),
    )


def reached(options: Options, chosen: Rows) -> tuple[Reached, ...]:
    """Return each target before and after some acts, from the sums in steps."""
    return tuple(_reached(options, place, chosen) for place in range(len(options.effects)))


def _reached(options: Options, place: int, chosen: Rows) -> Reached:
    change = options.effects[place]
    target, entry = change.target, change.target.indicator
    acts = options.table.iloc[chosen]
    top = change.top.now + int(acts[f"top_{place}"].sum())
    below = change.below.now + int(acts[f"below_{place}"].sum())
    sign = 1 if target.at_least else -1
    return Reached(
        target,
        shown_value(entry, change.top.now, change.below.now),
        shown_value(entry, top, below),
        sign * (top - target.ratio * below) >= 0,
    )
