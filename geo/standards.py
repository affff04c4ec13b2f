"""What a policy asks: dated, regional, sourced data.

Answers three questions from the files of `geo/policy` (their shape is in `geo.policy_files`): which
documents are on board, what they ask of an indicator on a day, and whether a value meets it.
It computes no indicator and knows no geometry. Values stand in the unit printed in the clause (`unit`)
and are compared in full, unrounded. A repealed document keeps its figures and its last day, and
answers for days before it only.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

from geo.policy_files import SCOPES, Clause, Open, Policy, Statistic, load, statistics
from layers import units
from layers.errors import StandardError, Words, nearest

__all__ = [
    "PROJECT",
    "Clause",
    "Kinds",
    "Open",
    "Policy",
    "Statistic",
    "against",
    "clause",
    "compared",
    "find",
    "policies",
    "policy",
    "short_name",
    "statistics",
    "targets",
    "to_json",
]

#: Stands where a document's id stands: a target of the project's own.
PROJECT = "project"

_CATALOGUE = "indicators.toml"  # lies in the same folder and is no policy


def policies() -> tuple[str, ...]:
    """Return the ids of the policies on board, the newest first."""
    return tuple(_all())


def policy(id: str) -> Policy:  # noqa: A002 - it is called id in the contract
    """Return one policy.

    Raises
    ------
    StandardError
        No policy bears that id; the nearest one and all of them are named.

    Examples
    --------
    >>> policy("hangzhou-2023").number
    '杭政函〔2023〕13号'
    """
    if id in _all():
        return _all()[id]
    like = nearest(id, policies())
    known = ", ".join(policies())
    raise StandardError(
        f'Policy "{id}" is not on board.' + (f' Did you mean "{like}"?' if like else "") + f" On board: {known}.",
        f"没有政策“{id}”。" + (f"是否指“{like}”？" if like else "") + f"现有：{known}。",
    )


def short_name(policy_id: str, language: str = "zh") -> str:
    """Return the name a document is cited by: its number, in English its id; the project's own targets have no number.

    Examples
    --------
    >>> short_name("hangzhou-2023"), short_name("hangzhou-2023", "en"), short_name(PROJECT)
    ('杭政函〔2023〕13号', 'hangzhou-2023', '项目目标')
    """
    if policy_id == PROJECT:
        return "project target" if language == "en" else "项目目标"
    one = policy(policy_id)
    return policy_id if language == "en" else one.number or one.title


def clause(policy_id: str, clause_id: str) -> Clause:
    """Return one clause by the ids of its document and of itself."""
    return next(one for one in policy(policy_id).clauses if one.id == clause_id)


def find(
    indicator: str,
    *,
    on: date,
    level: str | None = None,
    region: str | None = None,
    policies: Iterable[str] | None = None,
) -> Clause:
    """Return the one clause that gives a figure for an indicator on a day.

    Parameters
    ----------
    indicator : str
        An indicator of ours, or one of the statistics a policy names.
    on : date
        The day the figure is asked for.
    level : str, optional
        city, district, zone or park: only clauses that bind this level itself.
    region : str, optional
        Full name of the place, from the province down.
    policies : iterable of str, optional
        Ids to look in; all on board when left out.

    Raises
    ------
    StandardError
        None or several fit. Every clause seen is named with what speaks against it.

    Examples
    --------
    >>> clause = find("industrial_concentration", on=date(2025, 12, 31))
    >>> clause.clause, clause.comparison, clause.value
    ('（十）', 'at_least', 0.7)
    """
    seen = [(one, clause) for one in _chosen(policies) for clause in one.clauses if clause.indicator == indicator]
    against_it = {id(clause): _objections(one, clause, on, level, region) for one, clause in seen}
    fit = [clause for _, clause in seen if not against_it[id(clause)]]
    if len(fit) == 1:
        return fit[0]
    raise _not_one(indicator, on, [(clause, against_it[id(clause)]) for _, clause in seen], len(fit))


def _chosen(ids: Iterable[str] | None) -> list[Policy]:
    return [policy(one) for one in (policies() if ids is None else ids)]


def _objections(one: Policy, clause: Clause, on: date, level: str | None, region: str | None) -> list[Words]:
    """Say what speaks against using a clause, in words for the message."""
    other_level = level is not None and not SCOPES[clause.scope].get(level, False)
    told = (
        (Words(f"not in force on {on}", f"{on} 不在有效期内"), not one.in_force(on)),
        (Words(f"holds in {one.region} only", f"只适用于{one.region}"), region is not None and not one.covers(region)),
        (Words("gives no figure", "没有给出数值"), clause.value is None),
        (Words(f"binds {clause.scope}, not {level}", f"约束 {clause.scope}，不约束 {level}"), other_level),
    )
    return [words for words, true in told if true]


def _not_one(indicator: str, on: date, seen: Sequence[tuple[Clause, list[Words]]], fit: int) -> StandardError:
    lines = "; ".join(f"{clause} ({', '.join(one.en for one in words) or 'fits'})" for clause, words in seen)
    lines_zh = "；".join(f"{clause}（{'，'.join(one.zh for one in words) or '符合'}）" for clause, words in seen)
    if not seen:
        known = sorted({clause.indicator for one in _all().values() for clause in one.clauses})
        like = nearest(indicator, known)
        lines = "none" + (f' (did you mean "{like}"?)' if like else "")
        lines_zh = "无" + (f"（是否指“{like}”？）" if like else "")
    return StandardError(
        f"{indicator} on {on}: {fit} clauses fit, expected exactly one. Candidates seen: {lines}. "
        "Name the policy, the level or the region, or give the limit in the project file.",
        f"{indicator}（{on}）：符合的条款有 {fit} 条，应恰为一条。已查看：{lines_zh}。"
        "请指明政策、层级或地区，或在项目文件中给出限值。",
    )


@dataclass(frozen=True)
class Kinds:
    """Which zones a place is made of: their levels and platform types, None where one is not known."""

    levels: frozenset[str | None]
    types: frozenset[str | None]


def targets(
    indicator: str,
    level: str,
    on: date,
    policies: Iterable[str],
    value: float | None = None,
    kinds: Kinds | None = None,
) -> list[dict[str, Any]]:
    """Return the targets on an indicator, as `results.json` carries them.

    Parameters
    ----------
    indicator, level : str
        Which indicator, and at which level of the results (city, district, zone, park …).
    on : date
        Policies not in force on this day do not appear.
    policies : iterable of str
        Ids of the policies the project follows.
    value : float, optional
        The indicator in its display unit; left out or NaN, it is missing.
    kinds : Kinds, optional
        Which zones the place is made of. A clause for zones of other levels does not appear; one for zones of a
        kind binds a place only where all its zones are known to be of that kind.

    Returns
    -------
    list of dict
        policy, clause, clause_id, the comparison with its figure, year, unit (as printed), scope, binding (False
        where the clause binds another level and is shown for comparison), wording, met, gap.

    Examples
    --------
    >>> one = targets("industrial_concentration", "city", date(2025, 12, 31), ["hangzhou-2023"], 0.5)[0]
    >>> one["at_least"], one["met"], round(one["gap"], 9)
    (0.7, False, 0.2)
    """
    return [
        _target(one, clause, level, value, kinds)
        for one in _chosen(policies)
        if one.in_force(on)
        for clause in one.clauses
        if clause.indicator == indicator
        and clause.value is not None
        and level in SCOPES[clause.scope]
        and not _of_other_levels(clause, kinds)
    ]


def _of_other_levels(clause: Clause, kinds: Kinds | None) -> bool:
    """Tell whether a clause is for zones of other levels than all those there are."""
    known = set() if kinds is None else kinds.levels - {None}
    return bool(clause.zone_levels and known) and known.isdisjoint(clause.zone_levels)


def _binds(one: Policy, clause: Clause, level: str, kinds: Kinds | None) -> bool:
    """Tell whether a clause binds a place itself: its level and, of zones, every zone it is made of."""
    if not SCOPES[clause.scope][level]:
        return False
    if level in ("city", "district"):  # zones of a kind are what it counts, not whom it binds
        return True
    right_level = not clause.zone_levels or (kinds is not None and kinds.levels <= set(clause.zone_levels))
    right_kind = one.zone_kind is None or (
        kinds is not None and all(type_ is not None and one.zone_kind in type_ for type_ in kinds.types)
    )
    return right_level and right_kind


def _target(one: Policy, clause: Clause, level: str, value: float | None, kinds: Kinds | None) -> dict[str, Any]:
    shown = clause.about.unit
    as_printed = value if value is None or clause.unit is None else units.convert(value, shown, clause.unit)
    return {
        "policy": clause.policy,
        "clause": clause.clause,
        "clause_id": clause.id,
        clause.comparison: _plain_value(clause),
        "year": clause.year,
        "unit": _display(clause.unit),
        "scope": clause.scope,
        "binding": _binds(one, clause, level, kinds),
        "wording": clause.wording,
        **against(as_printed, clause),
    }


def against(value: float | None, clause: Clause) -> dict[str, bool | float | None]:
    """Hold a value against a clause.

    `gap` is what is still lacking, in the clause's unit: target − value for ``at_least``, value − limit for
    ``at_most``, the way to the nearer end for ``between``; negative where there is something to spare.
    ``about`` has a gap but no verdict. A missing value and a rule without a figure have neither.

    Examples
    --------
    >>> against(45.0, clause("hangzhou-2023", "H4"))
    {'met': True, 'gap': -5.0}
    """
    return compared(value, clause.comparison, clause.value)


def compared(
    value: float | None, comparison: str, figure: float | tuple[float, float] | None
) -> dict[str, bool | float | None]:
    """Hold a value against a figure in the same unit; see `against`.

    Examples
    --------
    >>> compared(0.5, "at_most", 0.25)
    {'met': False, 'gap': 0.25}
    """
    if value is None or math.isnan(value) or figure is None:
        return {"met": None, "gap": None}
    met, gap = _HOLD[comparison](value, figure)
    return {"met": met, "gap": gap}


_Held = tuple[bool | None, float]
_HOLD: Mapping[str, Callable[[float, Any], _Held]] = {
    "at_least": lambda value, target: (value >= target, target - value),
    "more_than": lambda value, target: (value > target, target - value),
    "at_most": lambda value, limit: (value <= limit, value - limit),
    "equals": lambda value, target: (value == target, target - value),
    "about": lambda value, target: (None, target - value),
    "between": lambda value, ends: (ends[0] <= value <= ends[1], max(ends[0] - value, value - ends[1])),
}


def to_json(one: Policy) -> dict[str, Any]:
    """Return the document that ``policy show ID --json`` prints."""
    return {
        "id": one.id,
        "title": one.title,
        "title_en": one.title_en,
        "issuer": one.issuer,
        "number": one.number,
        "region": one.region,
        "dated": None if one.dated is None else one.dated.isoformat(),
        "in_force_from": one.in_force_from.isoformat(),
        "repealed_on": None if one.repealed_on is None else one.repealed_on.isoformat(),
        "status_zh": one.status_zh,
        "status_en": one.status_en,
        "lapsed_from": None if one.lapsed_from is None else one.lapsed_from.isoformat(),
        "binds_zh": one.binds_zh,
        "binds_en": one.binds_en,
        "zone_kind": one.zone_kind,
        "source": one.source,
        "clauses": [_clause_json(clause) for clause in one.clauses],
    }


def _clause_json(clause: Clause) -> dict[str, Any]:
    return {
        "id": clause.id,
        "chapter": clause.chapter,
        "clause": clause.clause,
        "indicator": clause.indicator,
        "title_zh": clause.about.title_zh,
        "title_en": clause.about.title_en,
        "measured": clause.measured,
        "comparison": clause.comparison,
        "value": _plain_value(clause),
        "unit": _display(clause.unit),
        "unit_id": clause.unit,
        "year": clause.year,
        "scope": clause.scope,
        "zone_levels": list(clause.zone_levels),
        "wording": clause.wording,
        "verdict": None if clause.verdict is None else dataclasses.asdict(clause.verdict),
        "description_zh": clause.description_zh,
        "description_en": clause.description_en,
        "open": [_open_json(one) for one in clause.open],
        "checked_on": clause.check.on.isoformat(),
    }


def _open_json(one: Open) -> dict[str, Any]:
    return {
        "question_zh": one.question_zh,
        "question_en": one.question_en,
        "assumed": one.assumed,
        "set_by": one.set_by,
        "options": {name: dict(words) for name, words in one.options.items()},
    }


def _plain_value(clause: Clause) -> float | list[float] | None:
    return list(clause.value) if isinstance(clause.value, tuple) else clause.value


def _display(unit: str | None) -> str | None:
    return unit if unit is None or unit == "1" else units.label(unit)


@cache
def _all() -> dict[str, Policy]:
    folder = resources.files("geo").joinpath("policy")
    files = [one for one in folder.iterdir() if one.name.endswith(".toml") and one.name != _CATALOGUE]
    loaded = sorted((load(one) for one in files), key=lambda one: (one.in_force_from, one.id), reverse=True)
    return {one.id: one for one in loaded}
