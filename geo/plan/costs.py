"""What acts cost (单位成本): `[plan.costs]`, by act, a mu of land, a m² of land or a m² of floor area.

No text fixes such costs, so they are the user's. Where the project states none at all, placeholders stand in so that a
plan can be looked at, and every output says that they are placeholders and no prices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from layers.errors import ProjectError, nearest
from layers.project import Project
from layers.units import convert

__all__ = ["ACTS", "PLACEHOLDERS", "Cost", "read_costs"]

#: Acts a planner can choose: the industry of a parcel is retired, relocated into a park, annexed with its land to a
#: park, intensified on its land; vacant land of a park is infilled.
ACTS = ("retire", "relocate", "annex", "intensify", "infill")

#: Placeholders (万元/亩): round figures of nobody, only so that acts can be compared before costs are known.
PLACEHOLDERS: Mapping[str, float] = {
    "retire": 100.0,
    "relocate": 150.0,
    "annex": 20.0,
    "intensify": 60.0,
    "infill": 40.0,
}

_KEYS = ("wcny_per_mu", "cny_per_m2", "cny_per_floor_m2")


@dataclass(frozen=True)
class Cost:
    """Cost of one act: per m² of land it concerns and per m² of floor area that stands on it (yuan)."""

    cny_per_m2: float = 0.0
    cny_per_floor_m2: float = 0.0

    def of(self, land_m2: npt.NDArray[np.float64], floor_m2: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return what the act costs on parcels (yuan); NaN where the floor area counts and is not known."""
        if not self.cny_per_floor_m2:
            return self.cny_per_m2 * land_m2
        return self.cny_per_m2 * land_m2 + self.cny_per_floor_m2 * floor_m2


def read_costs(project: Project, acts: tuple[str, ...]) -> tuple[dict[str, Cost], bool]:
    """Return the cost of each act, and whether they are placeholders.

    Raises
    ------
    ProjectError
        An unknown act or key, a negative cost, an allowed act without a cost where others have one.
    """
    stated = project["plan.costs"]
    if not isinstance(stated, Mapping) or not stated:
        return {act: Cost(_per_m2(PLACEHOLDERS[act])) for act in acts}, True
    for act in stated:
        if act not in ACTS:
            like = nearest(str(act), ACTS)
            raise _wrong(
                f'"{act}" is no act. Did you mean "{like}"? Known: {", ".join(ACTS)}',
                f"没有措施“{act}”。是否指“{like}”？可用：{'、'.join(ACTS)}",
            )
    lacking = [act for act in acts if act not in stated]
    if lacking:
        raise _wrong(
            f"no cost of {', '.join(lacking)}, which plan.actions allows. State it, such as {lacking[0]} = 100 "
            "(10⁴ CNY a mu) or { wcny_per_mu = …, cny_per_floor_m2 = … }, or take it out of plan.actions",
            f"plan.actions 允许 {'、'.join(lacking)}，但没有给出成本。请补充，如 {lacking[0]} = 100（万元/亩）"
            "或 { wcny_per_mu = …, cny_per_floor_m2 = … }，或从 plan.actions 中去掉",
        )
    return {act: _cost(act, stated[act]) for act in acts}, False


def _cost(act: str, stated: object) -> Cost:
    table = stated if isinstance(stated, Mapping) else {"wcny_per_mu": stated}
    if not table:
        raise _wrong(f"{act} is empty: expected a number, or at least one of {', '.join(_KEYS)}",
                     f"{act} 为空：应为数字，或至少给出 {'、'.join(_KEYS)} 之一")  # fmt: skip
    for key, value in table.items():
        name = f"{act}.{key}" if table is stated else act
        if key not in _KEYS:
            like = nearest(str(key), _KEYS)
            raise _wrong(
                f'{act}: "{key}" is not known. Did you mean "{like}"? Known: {", ".join(_KEYS)}',
                f"{act}：没有“{key}”。是否指“{like}”？可用：{'、'.join(_KEYS)}",
            )
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e9:
            raise _wrong(
                f"{name} = {value!r}: expected a number from 0 up, as costs are",
                f"{name} = {value!r}：成本应为不小于 0 的数",
            )
    wcny_per_mu, cny_per_m2, cny_per_floor_m2 = (float(str(table.get(key, 0.0))) for key in _KEYS)
    return Cost(_per_m2(wcny_per_mu) + cny_per_m2, cny_per_floor_m2)


def _per_m2(wcny_per_mu: float) -> float:
    return float(convert(wcny_per_mu, "wcny/mu", "cny/m2"))


def _wrong(en: str, zh: str) -> ProjectError:
    return ProjectError(f"plan.costs: {en}.", f"plan.costs：{zh}。")
