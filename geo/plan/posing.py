"""From acts and settings to a problem of whole numbers (`pose`): requirements, limits, sites that have to act.

Limits that cannot bind, because all acts together use less, are left out of the problem: they would cost time and
change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.land import Land
from geo.plan.bundling import bundle, bundled
from geo.plan.options import Options
from geo.plan.problem import Limit, Problem, Requirement
from layers.errors import ProjectError, nearest
from layers.project import Project
from layers.units import to_tally

__all__ = ["Posed", "Year", "budgets_by_year", "pose", "with_costs", "without"]

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Year:
    """What may be spent in one year (fen)."""

    year: int
    fen: int


@dataclass(frozen=True)
class Posed:
    """A problem, and every limit there is, also those that cannot bind.

    Attributes
    ----------
    problem : Problem
        Its options are acts, or bundles of them.
    limits : tuple of Limit
    years : tuple of Year
        Empty where the budget is not by year.
    option : array of int
        Option that each row of `Options.table` belongs to, −1 for none.
    grouped : bool
        Whether options are bundles: whole groups act.
    """

    problem: Problem
    limits: tuple[Limit, ...]
    years: tuple[Year, ...]
    option: Rows
    grouped: bool = False

    def rows(self, taken: Rows) -> Rows:
        """Return the rows of `Options.table` that a choice of options takes."""
        return np.flatnonzero(np.isin(self.option, taken))


def pose(options: Options, project: Project) -> Posed:
    """Put the choice among acts as a problem.

    Raises
    ------
    ProjectError
        A budget, a quota or a year that cannot be used; a parcel locked in that no act is open to.
    """
    table, land = options.table, options.land
    requirements = tuple(
        Requirement(
            name=change.target.indicator.id,
            top=table[f"top_{place}"].to_numpy("int64"),
            below=table[f"below_{place}"].to_numpy("int64"),
            top_now=change.top.now,
            below_now=change.below.now,
            figure=change.target.ratio,
            at_least=change.target.at_least,
        )
        for place, change in enumerate(options.effects)
    )
    years = budgets_by_year(project)
    limits = (
        *_vacant_land(table, land),
        *_annexed(table, project),
        *_quotas(table, land, project),
        *_budget(table, project, years),
        *_remaining(requirements),
    )
    site = table["parcel"].to_numpy("int64")
    must = np.array([lock.parcel for lock in options.locks if lock.must], dtype="intp")
    _require_acts(must, site, land)
    problem = Problem(table["cost_fen"].to_numpy("int64"), site, requirements, limits, must)
    option, grouped = np.arange(problem.size), project.text("plan.unit") == "group"
    if grouped:
        option, groups = bundle(table, options.site.group)
        _require_bundles(must, site[option >= 0], land)
        problem = bundled(problem, option, groups)
    binding = tuple(limit for limit in problem.limits if _can_bind(limit))
    return Posed(replace(problem, limits=binding), problem.limits, years, option, grouped)


def _can_bind(limit: Limit) -> bool:
    return bool(limit.bins) or int(np.maximum(limit.amount, 0).sum()) > limit.capacity


def without(problem: Problem, kind: str) -> Problem:
    """Return a problem without the limits of one kind."""
    return replace(problem, limits=tuple(limit for limit in problem.limits if limit.kind != kind))


def with_costs(problem: Problem, cost_fen: npt.NDArray[np.int64]) -> Problem:
    """Return a problem in which acts cost otherwise; what a budget counts follows."""
    limits = tuple(
        replace(limit, amount=cost_fen[limit.options]) if limit.kind == "budget" else limit for limit in problem.limits
    )
    return replace(problem, cost_fen=cost_fen, limits=limits)


def _require_acts(must: Rows, site: Rows, land: Land) -> None:
    lacking = must[~np.isin(must, site)]
    if len(lacking):
        names = ", ".join(land.parcels["uid"].iloc[lacking[:5]].astype(str))
        raise ProjectError(
            f"plan.locks: {len(lacking)} parcels are locked in, but no act is open to them: {names}. "
            "They are not industrial, or plan.actions allows nothing there. Take them out of the file.",
            f"plan.locks：有 {len(lacking)} 个地块锁定为必须处置，但没有可用的措施：{names}。"
            "它们不是工业用地，或 plan.actions 不允许。请从文件中去掉。",
        )


def _require_bundles(must: Rows, site: Rows, land: Land) -> None:
    """Refuse groups that have to act and can do nothing together: such a lock must not be lost."""
    lacking = must[~np.isin(must, site)]
    if len(lacking):
        names = ", ".join(land.parcels["uid"].iloc[lacking[:5]].astype(str))
        raise ProjectError(
            f'plan.locks: {len(lacking)} parcels are locked in, but with plan.unit = "group" no act is open to all '
            f"parcels of their groups: {names}. Take them out of the file, allow more under plan.actions, or plan by "
            "parcel.",
            f"plan.locks：有 {len(lacking)} 个地块锁定为必须处置，但以连片为单元（plan.unit = “group”）时，"
            f"没有所在连片全部地块都可用的措施：{names}。请从文件中去掉，或放宽 plan.actions，或以地块为单元。",
        )


def _vacant_land(table: pd.DataFrame, land: Land) -> list[Limit]:
    """Land taken in a park is at most its vacant land."""
    if land.parks is None or "vacant_land_m2" not in land.parks:
        return []
    takes = table.index[table["vacant"] > 0].to_numpy()
    park = table["park"].to_numpy("int64")[takes]
    capacity = to_tally(land.parks["vacant_land_m2"].astype("float64").fillna(0.0).to_numpy(), "m2")
    amount = table["vacant"].to_numpy("int64")
    return [
        Limit(str(land.parks["park_id"].iloc[row]), "vacant_land", int(capacity[row]), mine, amount[mine])
        for row in np.unique(park)
        for mine in [takes[park == row]]
    ]


def _annexed(table: pd.DataFrame, project: Project) -> list[Limit]:
    quota = project.number("plan.annex_quota_m2")
    if quota is None:
        return []
    rows = table.index[table["action"] == "annex"].to_numpy()
    return [Limit("annex", "annex_quota", int(to_tally([quota], "m2")[0]), rows, table["land"].to_numpy("int64")[rows])]


def _quotas(table: pd.DataFrame, land: Land, project: Project) -> list[Limit]:
    """Land acted on in a district is at most its quota."""
    stated = project["plan.district_quotas"]
    if not isinstance(stated, Mapping):
        return []
    found = []
    for name, quota in stated.items():
        row = _district(str(name), land)
        if isinstance(quota, bool) or not isinstance(quota, (int, float)) or quota < 0:
            raise ProjectError(
                f"plan.district_quotas.{name} = {quota!r}: expected m² of land, 0 or more.",
                f"plan.district_quotas.{name} = {quota!r}：应为不小于 0 的面积（平方米）。",
            )
        rows = table.index[table["district"] == row].to_numpy()
        amount = table["land"].to_numpy("int64")[rows]
        found.append(Limit(str(name), "district_quota", int(to_tally([float(quota)], "m2")[0]), rows, amount))
    return found


def _district(name: str, land: Land) -> int:
    known = land.districts
    ids = [] if known is None else known["district_id"].astype(str).tolist()
    names = [] if known is None else known["district_name"].astype(str).tolist()
    if name in ids:
        return ids.index(name)
    if names.count(name) == 1:
        return names.index(name)
    like = nearest(name, [*ids, *names])
    raise ProjectError(
        f'plan.district_quotas: there is no district "{name}".' + (f' Did you mean "{like}"?' if like else "")
        + f" Known: {', '.join(names[:12])}.",
        f"plan.district_quotas：没有区县“{name}”。" + (f"是否指“{like}”？" if like else "")
        + f"现有：{'、'.join(names[:12])}。",
    )  # fmt: skip


def budgets_by_year(project: Project) -> tuple[Year, ...]:
    """Return the budgets by year, the earliest first.

    Raises
    ------
    ProjectError
        A year or an amount is missing or wrong, a year stands twice, or plan.budget_cny is given too.
    """
    stated = project["plan.budgets"]
    if not isinstance(stated, Sequence) or not stated:
        return ()
    if project["plan.budget_cny"] is not None:
        raise ProjectError(
            "plan.budget_cny and plan.budgets are both given. Leave one: the sum of the years is the whole.",
            "同时给出了 plan.budget_cny 和 plan.budgets，请保留其一：各年之和即总额。",
        )
    found: dict[int, Year] = {}
    for row in stated:
        year, cny = row.get("year"), row.get("cny")
        fits = isinstance(year, int) and 1990 <= year <= 2100 and isinstance(cny, (int, float)) and 0 <= cny < 1e15
        if set(row) != {"year", "cny"} or isinstance(cny, bool) or not fits or year in found:
            raise ProjectError(
                f"plan.budgets: {row!r}. Expected {{ year = 2026, cny = 1e9 }}, each year once.",
                f"plan.budgets：{row!r}。应为 {{ year = 2026, cny = 1e9 }}，每年一项。",
            )
        found[year] = Year(year, int(to_tally([float(cny)], "cny")[0]))
    return tuple(found[year] for year in sorted(found))


def _remaining(requirements: Sequence[Requirement]) -> list[Limit]:
    """What a target counts cannot go altogether: of nothing there is no ratio."""
    return [
        Limit(f"{one.name} {nth}", "remainder", one.below_now - 1, np.arange(len(one.below)), -one.below)
        for nth, one in enumerate(requirements, 1)
        if int(np.minimum(one.below, 0).sum()) + one.below_now <= 0
    ]


def _budget(table: pd.DataFrame, project: Project, years: Sequence[Year]) -> list[Limit]:
    whole = project.number("plan.budget_cny")
    if whole is None and not years:
        return []
    fen = sum(one.fen for one in years) if years else int(to_tally([whole or 0.0], "cny")[0])
    every, cost = table.index.to_numpy(), table["cost_fen"].to_numpy("int64")
    return [Limit("budget", "budget", fen, every, cost, tuple(one.fen for one in years))]
