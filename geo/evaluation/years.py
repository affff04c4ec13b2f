"""Zones over the years (开发区年度评价的奖惩与进退): what each year's rank leads to, and which state a zone is in.

A zone is a candidate, provincial, national or municipal as the table says, until a verdict changes it: recognition
makes a candidate provincial from the next year, delisting ends it. Each year is judged by the documents in force on
31 December of that year; what a zone did in the years before counts, also where other rules held then. Every verdict
tells its rule and the figures it rests on; nothing is judged that the table does not say. A verdict here says what the
text leads to: the decision is that of the authority.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from geo.evaluation.ranks import league, rank_zones
from geo.evaluation.year_rules import ROUNDINGS, Finding, History, Rule, found, rules_in_force, word
from geo.evaluation.year_table import Told, gathered
from geo.policy_files import Policy
from geo.standards import policy
from layers.errors import ProjectError, first, nearest
from layers.showing import show

__all__ = ["ZoneYears", "judge", "league"]

_VERDICT_COLUMNS = (
    "zone", "zone_name", "year", "verdict", "policy", "clause_id", "clause", "ranking", "rank", "ranked",
    "state_before", "state_after", "explanation_zh", "explanation_en",
)  # fmt: skip
_STATE_COLUMNS = ("zone", "zone_name", "year", "state", "state_after", "evaluated")

_NOTES: Mapping[str, Told] = {
    "absent": ("not evaluated in some years, which breaks a run", "有年份未参评，连续年数中断"),
    "no_level": ("no level known, so not judged", "级别不明，未作判定"),
    "level": ("the table gives another level than the year before", "表中级别与上年不同，按表中级别"),
    "recognised": (
        "still called candidate after recognition; judged as provincial",
        "认定后表中仍列为创建，按省级判定",
    ),
    "delisted": ("in the table after delisting; judged no more", "摘牌后仍在表中，不再判定"),
    "crossing": ("years before the document was in force count in the run", "连续年数计入文件施行以前的年份"),
    "both": ("recognised and delisted in one year; delisting prevails", "同年既认定又摘牌，按摘牌"),
    "elsewhere": ("lies where none of the documents holds", "所在地区不在任何文件的适用范围内"),
}


@dataclass(frozen=True)
class ZoneYears:
    """The answer of `judge`.

    Attributes
    ----------
    table : DataFrame
        One row a zone, year and rule fulfilled: `zone`, `zone_name`, `year`, `verdict` (commendation, yellow_card,
        recognition, delisting, funding), `policy`, `clause_id`, `clause`, `ranking`, `rank`, `ranked`, `state_before`,
        `state_after`, `explanation_zh`, `explanation_en`.
    states : DataFrame
        One row a zone and year, from its first evaluation to the last year of the table: `zone`, `zone_name`, `year`,
        `state` (national, provincial, candidate, municipal, delisted, unknown), `state_after` (from the next year on),
        `evaluated`.
    told : tuple of (str, str)
        What was assumed or looks odd, in English and in Chinese.
    rounding : str
        How a share of the ranking became a number of zones.
    """

    table: pd.DataFrame
    states: pd.DataFrame
    told: tuple[Told, ...]
    rounding: str

    @property
    def _head(self) -> str:
        zones, years = self.states["zone"].nunique(), self.states["year"].nunique()
        return f"{zones} zones, {years} years: {len(self.table)} verdicts (rounding = {self.rounding})"

    def __str__(self) -> str:
        return self._head + "".join(f"\n  {en}" for en, _ in self.told)

    def _repr_html_(self) -> str:
        return show(self.table, self._head, notes=self.told)._repr_html_()


def judge(
    evaluations: pd.DataFrame,
    policies: Iterable[str | Policy],
    *,
    rounding: str = "floor",
    renames: pd.DataFrame | None = None,
) -> ZoneYears:
    """Judge zones by their yearly ranks (年度评价结果运用：表扬、黄牌、认定、摘牌、支持).

    Parameters
    ----------
    evaluations, renames : DataFrame
        As for `evaluation.ranks.rank_zones`. Rows of a quarter or month are for the `league` only.
    policies : iterable of str or Policy
        The documents that apply, by id or as such; of each year those in force on its 31 December.
    rounding : {"floor", "ceil", "round"}
        How a share of the ranking (15 % of 36 = 5.4 zones) becomes a number of zones; halves are rounded up.

    Returns
    -------
    ZoneYears

    Raises
    ------
    ProjectError
        The table cannot be used as it stands, or `rounding` is unknown.
    StandardError
        A policy is not on board.

    References
    ----------
    zhejiang-2012 十一; zhejiang-2018 二（二）6; zhejiang-2021 七（三）; jiaxing-2022 七（三）

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "zone_name": ["A", "A"], "year": [2021, 2022], "level": "candidate",
    ...     "ranking": "province", "rank": [3, 6], "ranked": 40,
    ... })
    >>> found = judge(table, ["zhejiang-2021"])
    >>> found.table[["year", "verdict", "state_before", "state_after"]].values.tolist()
    [[2022, 'recognition', 'candidate', 'provincial']]
    """
    if rounding not in ROUNDINGS:
        like = nearest(rounding, ROUNDINGS) or "floor"
        raise ProjectError(
            f'rounding = "{rounding}" is unknown. Did you mean "{like}"? Expected one of {", ".join(ROUNDINGS)}.',
            f"rounding = “{rounding}”不可用。是否指“{like}”？应为 {'、'.join(ROUNDINGS)} 之一。",
        )
    documents = list(
        {one.id: one for one in (policy(one) if isinstance(one, str) else one for one in policies)}.values()
    )
    ranked = rank_zones(evaluations, renames)
    yearly = ranked.rows[ranked.rows["period"] == ""]
    years = range(int(yearly["year"].min()), int(yearly["year"].max()) + 1) if len(yearly) else range(0)
    rules = {year: rules_in_force(documents, year) for year in years}
    notes: dict[str, list[Told]] = {}
    verdicts: list[dict[str, Any]] = []
    states: list[dict[str, Any]] = []
    for history in _histories(yearly):
        _tell_gaps(history, documents, notes)
        for year in range(history.years[0], years.stop):
            verdicts += _judge_year(history, year, rules[year], rounding, notes)
            states.append(_state(history, year))
    table = pd.DataFrame(verdicts, columns=list(_VERDICT_COLUMNS)).astype({"rank": "Int64", "ranked": "Int64"})
    told = [
        *ranked.told,
        *gathered(notes, _NOTES),
        *_assumptions(yearly, rules, rounding),
        *_interim(len(ranked.rows) - len(yearly), len(ranked.rows)),
    ]
    return ZoneYears(
        table.sort_values(["year", "zone"], kind="stable", ignore_index=True),
        pd.DataFrame(states, columns=list(_STATE_COLUMNS)),
        tuple(told),
        rounding,
    )


# ---------------------------------------------------------------- one zone


def _histories(yearly: pd.DataFrame) -> list[History]:
    """Return the history of each zone, in the order of their names, nothing judged yet."""
    plain = yearly.astype("object").where(yearly.notna(), None).sort_values(["zone", "year"])
    by_zone: dict[str, list[dict[str, Any]]] = {}
    for row in plain.to_dict("records"):
        by_zone.setdefault(str(row["zone"]), []).append({str(name): cell for name, cell in row.items()})
    histories = []
    for zone, rows in by_zone.items():
        regions = [str(row["region"]) for row in rows if row["region"]]
        by_year = {(int(row["year"]), str(row["ranking"])): row for row in rows}
        histories.append(History(zone, str(rows[-1]["zone_name"]), regions[-1] if regions else "", by_year))
    return histories


def _judge_year(
    history: History, year: int, rules: Sequence[Rule], rounding: str, notes: dict[str, list[Told]]
) -> list[dict[str, Any]]:
    """Judge a zone in one year; its state and verdicts of the year are added to its history."""
    before = history.states[year] = _entered(history, year, notes)
    history.verdicts[year] = set()
    reached: list[tuple[Rule, Finding]] = []
    for rule in rules:  # none is for a zone that is delisted: that is no level
        if _applies(rule, history):
            finding = found(rule.verdict, history, year, rounding)
            if finding.met:
                history.verdicts[year].add(rule.verdict.kind)
                reached.append((rule, finding))
                _tell_crossing(rule, history, year, notes)
    if {"delisting", "recognition"} <= history.verdicts[year]:
        _note(notes, "both", history, year)
    after = _next(before, history.verdicts[year])
    return [_verdict(rule, finding, history, year, after) for rule, finding in reached]


def _entered(history: History, year: int, notes: dict[str, list[Told]]) -> str:
    """Return the state a zone is in during a year: as the table says, unless a verdict changed it before."""
    last = year - 1
    state = _next(history.states[last], history.verdicts[last]) if last in history.states else "unknown"
    rows = [row for (when, _), row in history.rows.items() if when == year]
    stated = next((str(row["level"]) for row in rows if row["level"]), "")
    if state == "delisted":
        if rows:
            _note(notes, "delisted", history, year)
        return state
    if not stated:
        if rows and state == "unknown":
            _note(notes, "no_level", history, year)
        return state
    if stated == "candidate" and any("recognition" in kinds for kinds in history.verdicts.values()):
        _note(notes, "recognised", history, year)
        return state
    if state not in (stated, "unknown"):
        words = [f"{word(state, language)} → {word(stated, language)}" for language in ("en", "zh")]
        _note(notes, "level", history, year, (words[0], words[1]))
    return stated


def _next(state: str, kinds: Iterable[str]) -> str:
    """Return the state of the next year."""
    if "delisting" in kinds:
        return "delisted"
    return "provincial" if "recognition" in kinds and state == "candidate" else state


def _applies(rule: Rule, history: History) -> bool:
    """Tell whether a document holds where the zone lies; where that is not known, it is taken to."""
    return not history.region or rule.policy.covers(history.region)


def _verdict(rule: Rule, finding: Finding, history: History, year: int, after: str) -> dict[str, Any]:
    before, kind = history.states[year], rule.verdict.kind
    row = history.rows.get((year, rule.verdict.ranking), {})
    where = f"{rule.policy.id} {rule.clause.clause}"
    stays = before == after
    zh = f"状态保持{word(before, 'zh')}" if stays else f"状态：{word(before, 'zh')} → {word(after, 'zh')}"
    en = f"state stays {word(before, 'en')}" if stays else f"state: {word(before, 'en')} → {word(after, 'en')}"
    return {
        "zone": history.zone,
        "zone_name": history.name,
        "year": year,
        "verdict": kind,
        "policy": rule.policy.id,
        "clause_id": rule.clause.id,
        "clause": rule.clause.clause,
        "ranking": rule.verdict.ranking,
        "rank": row.get("rank"),
        "ranked": row.get("ranked"),
        "state_before": before,
        "state_after": after,
        "explanation_zh": f"{finding.zh} → {word(kind, 'zh')}（{where}）；{zh}",
        "explanation_en": f"{finding.en} → {word(kind, 'en')} ({where}); {en}",
    }


def _state(history: History, year: int) -> dict[str, Any]:
    return {
        "zone": history.zone,
        "zone_name": history.name,
        "year": year,
        "state": history.states[year],
        "state_after": _next(history.states[year], history.verdicts[year]),
        "evaluated": year in history.years,
    }


# ---------------------------------------------------------------- what is told


def _note(notes: dict[str, list[Told]], kind: str, history: History, years: object, what: Told = ("", "")) -> None:
    en, zh = (f" {one}" if one else "" for one in what)
    notes.setdefault(kind, []).append((f"{history.name} {years}{en}", f"{history.name} {years}{zh}"))


def _tell_gaps(history: History, documents: Sequence[Policy], notes: dict[str, list[Told]]) -> None:
    years = history.years
    absent = sorted(set(range(years[0], years[-1])) - set(years))
    if absent:
        _note(notes, "absent", history, first(absent))
    if history.region and documents and not any(one.covers(history.region) for one in documents):
        _note(notes, "elsewhere", history, history.region)


def _tell_crossing(rule: Rule, history: History, year: int, notes: dict[str, list[Told]]) -> None:
    """Tell of a run that began when other rules held: whether it counts is our assumption."""
    years = range(year - rule.verdict.years_running + 1, year)
    before = [one for one in years if not rule.policy.in_force(date(one, 12, 31))]
    if before:
        _note(notes, "crossing", history, first(before), (f"({rule})", f"（{rule}）"))


def _assumptions(yearly: pd.DataFrame, rules: Mapping[int, Sequence[Rule]], rounding: str) -> list[Told]:
    """Say what the rules leave open and how it was read, and whom the documents were held to bind."""
    bare = [year for year, there in rules.items() if not there]
    used = list({str(rule): rule for year in rules for rule in rules[year]}.values())
    told: list[Told] = []
    if bare:
        told.append(
            (
                f"no rule in force on 31 December of {first(bare)}: no verdict",
                f"{first(bare)} 年年末没有有效规则，未作判定",
            )
        )
    nowhere = yearly.loc[yearly["region"] == "", "zone"].nunique()
    for one in {rule.policy.id: rule.policy for rule in used}.values():
        kind_en = f", of the kind {one.zone_kind}" if one.zone_kind else ""
        kind_zh = f"、属{one.zone_kind}类" if one.zone_kind else ""
        if nowhere or one.zone_kind:
            told.append(
                (
                    f"{one.id} binds zones in {one.region}{kind_en}: those of the table are taken as such "
                    f"({nowhere} name no region)",
                    f"{one.id} 适用于{one.region}{kind_zh}的开发区：表中各区按此处理（{nowhere} 个未注明地区）",
                )
            )
    if any(rule.verdict.first_time for rule in used):
        begin = min(rules)
        told.append((f"the first time: since {begin}, where the table begins", f"“首次”自表中最早的 {begin} 年起算"))
    return told + _readings(used, rounding)


def _readings(used: Sequence[Rule], rounding: str) -> list[Told]:
    """Name each question the rules leave open once, with the reading in use and the clauses it concerns."""
    asked: dict[Told, list[str]] = {}
    for rule in used:
        for question in rule.clause.open:
            chosen = ROUNDINGS[rounding][1] if rule.verdict.condition == "best_share" else ""
            reading = question.options[chosen if chosen in question.options else question.assumed]
            key = (f"{question.question_en} → {reading['en']}", f"{question.question_zh} → {reading['zh']}")
            asked.setdefault(key, []).append(str(rule))
    return [(f"{', '.join(rules)}: {en}", f"{'、'.join(rules)}：{zh}") for (en, zh), rules in asked.items()]


def _interim(count: int, total: int) -> list[Told]:
    if not count:
        return []
    return [
        (
            f"{count} of {total} rows are of a quarter or month: for the league, not for verdicts",
            f"{total} 行中有 {count} 行为季度或月度：只用于晾晒，不作判定",
        )
    ]
