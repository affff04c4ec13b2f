"""What a plan is to reach (规划目标): indicators of the catalogue, each with a figure and the place it is asked of.

Reads `[plan] indicator, at_least, at_most, level, place` and `[[plan.targets]]`; where the project states no figure, it
is that of its policies, or of its own table of targets, with the clause. Knows no act and no solver.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pandas as pd

from geo import standards
from geo.assessment import Assessment
from geo.indicators import Indicator, catalogue, indicator
from layers import units
from layers.errors import ProjectError, nearest
from layers.project import Project

__all__ = [
    "Target",
    "read_targets",
    "require_figure",
    "require_planned",
    "shown_value",
    "stated_figure",
    "stated_targets",
]

_LEVELS = ("city", "zones", "zone", "park", "district")
_COMPARED = ("at_least", "more_than", "at_most")
_KEYS = ("indicator", "at_least", "at_most", "level", "place")


@dataclass(frozen=True)
class Target:
    """One figure to be reached.

    Attributes
    ----------
    indicator : Indicator
    level : {"city", "zones", "zone", "park", "district"}
    key : int
        Row of the place within its level.
    scope_id, scope_name : str
    at_least : bool
        False: at most.
    figure : float
        In the display unit of the indicator.
    source : str
        ``project``, or the id of a policy.
    clause : str
        Of the policy; "" for the project's own.
    """

    indicator: Indicator
    level: str
    key: int
    scope_id: str
    scope_name: str
    at_least: bool
    figure: float
    source: str
    clause: str = ""

    @property
    def ratio(self) -> Fraction:
        """The figure in steps of the sum on top a step of the sum below, exactly."""
        return Fraction(repr(self.figure)) * _steps(self.indicator)


def _steps(entry: Indicator) -> Fraction:
    """Steps of the sum on top a step of the sum below where the indicator is 1 in its display unit."""
    scale = Fraction(units.tally_scale(entry.numerator_unit), units.tally_scale(entry.denominator_unit))
    if entry.unit == "1":
        return scale
    over, under = entry.unit.split("/")
    return scale * units.unit(over).factor / units.unit(under).factor


def shown_value(entry: Indicator, top: int, below: int) -> float | None:
    """Return an indicator in its display unit from its two sums in steps; None where the sum below is 0."""
    return float(Fraction(top, below) / _steps(entry)) if below > 0 else None


def read_targets(assessment: Assessment) -> tuple[Target, ...]:
    """Return what the project's plan is to reach, the main target first.

    Raises
    ------
    ProjectError
        An indicator that no act changes, a share above 100 %, a place that is not there, no figure where neither
        the project nor its policies state one, one figure asked twice.
    """
    project = assessment.project
    found = [_target(assessment, one, where) for where, one in stated_targets(project)]
    seen: set[tuple[str, str, str, bool]] = set()
    for one in found:
        key = (one.indicator.id, one.level, one.scope_id, one.at_least)
        if key in seen:
            raise ProjectError(
                f"plan.targets: {one.indicator.id} of {one.scope_name} is asked twice. Leave one.",
                f"plan.targets：{one.scope_name}的{one.indicator.title_zh}出现两次，请保留一个。",
            )
        seen.add(key)
    return tuple(found)


def stated_targets(project: Project) -> list[tuple[str, Mapping[str, Any]]]:
    """Return what `[plan]` and `[[plan.targets]]` state, each with its place in the project file.

    Raises
    ------
    ProjectError
        A key that is not known.
    """
    more = project["plan.targets"]
    stated: list[Mapping[str, Any]] = [{key: project[f"plan.{key}"] for key in _KEYS}]
    stated += more if isinstance(more, list) else []
    told = [("plan" if not n else f"plan.targets[{n}]", one) for n, one in enumerate(stated)]
    for where, one in told:
        _require_keys(one, where)
    return told


def _require_keys(stated: Mapping[str, Any], where: str) -> None:
    for key in stated:
        if key not in _KEYS:
            like = nearest(key, _KEYS)
            raise ProjectError(
                f'{where}: "{key}" is not known. Did you mean "{like}"? Known: {", ".join(_KEYS)}.',
                f"{where}：没有“{key}”这一项。是否指“{like}”？可用：{'、'.join(_KEYS)}。",
            )


def _target(assessment: Assessment, stated: Mapping[str, Any], where: str) -> Target:
    entry = indicator(str(stated.get("indicator") or "industrial_concentration"))
    require_planned(entry, where)
    rows = _rows(assessment, entry, where)
    figure, at_least = stated_figure(stated, where)
    named = stated.get("level") or stated.get("place")
    place = _place(rows, stated, entry, where) if named or figure is not None else None
    # A figure holds for the place it is asked of: what a policy asks of the city is asked of no single zone.
    whole = rows[rows["level"].isin(("city", "zones"))].sort_values("level", kind="stable")
    asked = _asked(whole if place is None else pd.DataFrame([place]), entry) if figure is None else None
    if figure is None and asked is None:
        of_en, of_zh = ("", "") if place is None else (f" in {place['scope_name']}", f"{place['scope_name']}的")
        raise ProjectError(
            f"{where}: neither the project nor its policies say which figure {entry.id}{of_en} is to reach. "
            f"State {where}.at_least (in {entry.unit_label}).",
            f"{where}：项目和所适用的政策都没有给出{of_zh}{entry.title_zh}的目标值。请给出 {where}.at_least"
            f"（单位 {entry.unit_label}）。",
        )
    if place is None:
        place = _place(rows, {"level": "city" if asked is None else asked.level}, entry, where)
    if asked is not None and figure is None:
        figure, at_least = asked.figure, asked.at_least
    require_figure(entry, figure, where)
    return Target(
        entry, str(place["level"]), int(place["key"]), str(place["scope_id"]), str(place["scope_name"]), at_least,
        float(figure or 0.0), "project" if asked is None else asked.source, "" if asked is None else asked.clause,
    )  # fmt: skip


def require_figure(entry: Indicator, figure: float | None, where: str) -> None:
    """Refuse a share above 100 %."""
    if entry.percent and figure is not None and not 0 <= figure <= 1:
        raise ProjectError(
            f"{where}: {entry.id} is a share; {figure:g} is above 1 (100 %). Write 70 % as 0.7.",
            f"{where}：{entry.title_zh}为比例，{figure:g} 超过 1（100 %）。70 % 请写作 0.7。",
        )


def require_planned(entry: Indicator, where: str) -> None:
    """Refuse an indicator that no act is known to change: acts change industrial land and its firms."""
    if entry.table == "firms" or (entry.table == "land" and entry.where == "industrial"):
        return
    can = [one.id for one in catalogue().values() if one.table == "firms" or one.where == "industrial"]
    raise ProjectError(
        f"{where}: no act changes {entry.id} in a way that is known. Expected one of {', '.join(can)}.",
        f"{where}：现有措施对{entry.title_zh}（{entry.id}）的影响无法计算。可用：{'、'.join(can)}。",
    )


def _rows(assessment: Assessment, entry: Indicator, where: str) -> pd.DataFrame:
    """Figures of one indicator at the levels a plan can be for, with the row of each place within its level."""
    table = assessment.indicators[assessment.indicators["id"] == entry.id]
    table = table[table["level"].isin(_LEVELS)]
    if table.empty:
        why = assessment.not_computed.get(entry.id, ("it was not measured", "未计算"))
        raise ProjectError(
            f"{where}: {entry.id} cannot be planned: {why[0]}. Add what it needs, or name another indicator.",
            f"{where}：无法对{entry.title_zh}作规划：{why[1]}。请补充所需数据，或改用其他指标。",
        )
    return table.assign(key=table.groupby("level", sort=False).cumcount())


def stated_figure(stated: Mapping[str, Any], where: str) -> tuple[float | None, bool]:
    """Return the figure a target states, None where it states none, and whether it is a least one."""
    least, most = stated.get("at_least"), stated.get("at_most")
    if least is not None and most is not None:
        raise ProjectError(
            f"{where}: both at_least and at_most are given. Expected one; a second target goes to [[plan.targets]].",
            f"{where}：同时给出了 at_least 和 at_most，应只给其一；第二个目标请写入 [[plan.targets]]。",
        )
    value = least if least is not None else most
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise ProjectError(f"{where}: {value!r} is no number.", f"{where}：{value!r} 不是数字。")
    return (None if value is None else float(value)), most is None


@dataclass(frozen=True)
class _Asked:
    level: str
    figure: float
    at_least: bool
    source: str
    clause: str


def _asked(rows: pd.DataFrame, entry: Indicator) -> _Asked | None:
    """Return what the policies, or the project's own table, ask of the first of some places of which they ask it."""
    for row in rows.to_dict("records"):
        for one in row["targets"]:
            name = next((name for name in _COMPARED if name in one), None)
            if one["binding"] and name is not None:
                figure = _in_unit_of(entry, one, float(one[name]))
                return _Asked(str(row["level"]), figure, name != "at_most", one["policy"], one["clause"])
    return None


def _in_unit_of(entry: Indicator, one: Mapping[str, Any], figure: float) -> float:
    """Return the figure of a clause in the display unit of its indicator."""
    if one["policy"] == standards.PROJECT:
        return figure
    unit = standards.clause(one["policy"], one["clause_id"]).unit
    return figure if unit is None else float(units.convert(figure, unit, entry.unit))


def _place(rows: pd.DataFrame, stated: Mapping[str, Any], entry: Indicator, where: str) -> Mapping[Any, Any]:
    """Return the row of the place a target is for."""
    place = stated.get("place")
    level = stated.get("level") or (None if place else "city")
    there = rows if level is None else rows[rows["level"] == level]
    if place is not None:
        there = there[(there["scope_id"] == str(place)) | (there["scope_name"] == str(place))]
        if level is None and not there.empty:
            there = there[there["level"] == there["level"].iloc[0]]
    if level in ("zone", "park", "district") and place is None:
        raise ProjectError(
            f"{where}: level = {level} needs a place. Name one: {_names(there)}.",
            f"{where}：level = {level} 时须给出 place。可用：{_names(there)}。",
        )
    if len(there) != 1:
        of_level = rows[rows["level"] == level]
        known = _names(rows if of_level.empty else of_level)
        key, wanted = ("place", place) if place else ("level", level)
        raise ProjectError(
            f'{where}: {len(there)} places fit {key} = "{wanted}"; expected one. {entry.id} is known of: {known}.',
            f"{where}：与 {key} = “{wanted}”相符的有 {len(there)} 处，应为一处。{entry.title_zh}已有：{known}。",
        )
    return dict(there.to_dict("records")[0])


def _names(rows: pd.DataFrame) -> str:
    named = [f"{name} ({id_})" for id_, name in zip(rows["scope_id"], rows["scope_name"], strict=True)]
    return ", ".join(named[:8]) + (", …" if len(named) > 8 else "")
