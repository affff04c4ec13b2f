"""When a rule on ranks holds (排名规则判定): best, last, risen, graded, after another verdict; years running.

Knows the conditions a clause can set (`policy_files.Verdict`), how a share of the ranking becomes a number of zones,
and how to say with years and figures why a condition holds. Knows no state machine: that is in `geo.evaluation.years`.
Which rules count in a year is asked of 31 December of that year. A year without evaluation breaks a run; so does
a year in which the zone had a level the rule is not for. Zones that tie have the better rank, which spares both
the last places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from geo.policy_files import Clause, Policy, Verdict

__all__ = ["ROUNDINGS", "Finding", "History", "Rule", "counted", "found", "rules_in_force", "word"]

#: How a share of the ranking becomes a number of zones, and the name of that reading in the policy files.
ROUNDINGS: Mapping[str, tuple[str, str]] = {
    "floor": (ROUND_FLOOR, "down"),
    "ceil": (ROUND_CEILING, "up"),
    "round": (ROUND_HALF_UP, "nearest"),
}

_WORDS: Mapping[str, tuple[str, str]] = {
    "province": ("the province", "全省"),
    "nation": ("the nation", "全国"),
    "city": ("the city", "全市"),
    "excellent": ("excellent", "优秀"),
    "good": ("good", "良好"),
    "qualified": ("qualified", "合格"),
    "failed": ("failed", "不合格"),
    "commendation": ("commendation", "通报表扬"),
    "yellow_card": ("yellow card", "黄牌警告"),
    "recognition": ("direct recognition", "直接认定"),
    "delisting": ("delisting", "摘牌或取消资格"),
    "funding": ("funding", "专项支持"),
    "national": ("national", "国家级"),
    "provincial": ("provincial", "省级"),
    "candidate": ("candidate", "省级创建"),
    "municipal": ("municipal", "市级"),
    "delisted": ("delisted", "已摘牌或取消资格"),
    "unknown": ("unknown", "级别不明"),
}


def word(name: object, language: str) -> str:
    """Return the word for a ranking, grade, verdict or state (用语).

    Examples
    --------
    >>> word("yellow_card", "zh")
    '黄牌警告'
    """
    en, zh = _WORDS.get(str(name), (str(name), str(name)))
    return en if language == "en" else zh


@dataclass(frozen=True)
class Rule:
    """A clause with a verdict, and the document it stands in."""

    policy: Policy
    clause: Clause
    verdict: Verdict

    def __str__(self) -> str:
        return f"{self.policy.id} {self.clause.clause} {self.clause.id}"


@dataclass
class History:
    """What is known of one zone: its rows by year and ranking, and, as years are judged, its states and verdicts."""

    zone: str
    name: str
    region: str
    rows: Mapping[tuple[int, str], Mapping[str, Any]]
    states: dict[int, str] = field(default_factory=dict)
    verdicts: dict[int, set[str]] = field(default_factory=dict)

    @property
    def years(self) -> list[int]:
        """Years with an evaluation."""
        return sorted({year for year, _ in self.rows})


class Finding(NamedTuple):
    """Whether a condition holds, and why, in English and in Chinese."""

    met: bool
    en: str
    zh: str


def rules_in_force(policies: Iterable[Policy], year: int) -> tuple[Rule, ...]:
    """Return the rules on ranks in force on 31 December of a year (年末有效的规则).

    Those that follow on another verdict stand last, so that the other is found first.

    Examples
    --------
    >>> from geo.standards import policy
    >>> [str(rule) for rule in rules_in_force([policy("zhejiang-2012"), policy("jiaxing-2022")], 2022)]
    ['jiaxing-2022 七（三） J19a', 'jiaxing-2022 七（三） J19b', 'jiaxing-2022 七（三） J19c']
    """
    rules = [
        Rule(one, clause, clause.verdict)
        for one in policies
        if one.in_force(date(year, 12, 31))
        for clause in one.clauses
        if clause.verdict is not None
    ]
    return tuple(sorted(rules, key=lambda rule: rule.verdict.condition == "after"))


def found(verdict: Verdict, history: History, year: int, rounding: str) -> Finding:
    """Say whether a zone fulfils a rule in a year (规则是否满足), with all years it runs over."""
    years = range(year - verdict.years_running + 1, year + 1)
    findings = [_holds(verdict, history, one, rounding) for one in years]
    right_level = all(history.states.get(one) in verdict.levels for one in years)
    earlier = [one for one in history.years if one < year] if verdict.first_time else []
    before = [one for one in earlier if _holds(verdict, history, one, rounding).met]
    met = right_level and all(one.met for one in findings) and not before
    en, zh = "; ".join(one.en for one in findings), "；".join(one.zh for one in findings)
    if verdict.years_running > 1:
        en, zh = f"{en}; {verdict.years_running} years running", f"{zh}；连续 {verdict.years_running} 年"
    if verdict.first_time:
        en, zh = f"{en}; for the first time", f"{zh}；首次"
    return Finding(met, en, zh)


def counted(share: float, zones: int, rounding: str) -> tuple[Decimal, int]:
    """Return a share of a number of zones (按比例的名次数), in full and as counted.

    Examples
    --------
    >>> counted(0.15, 36, "floor"), counted(0.15, 36, "ceil"), counted(0.15, 40, "ceil")
    ((Decimal('5.40'), 5), (Decimal('5.40'), 6), (Decimal('6.00'), 6))
    """
    full = Decimal(repr(share)) * zones  # as printed: 0.15 × 40 is 6, not a hair more
    return full, int(full.to_integral_value(rounding=ROUNDINGS[rounding][0]))


# ---------------------------------------------------------------- conditions


def _holds(verdict: Verdict, history: History, year: int, rounding: str) -> Finding:
    """Say whether the condition holds in one year."""
    if verdict.condition == "after":
        return _after(verdict, history, year)
    row = history.rows.get((year, verdict.ranking))
    if row is None:
        return Finding(False, f"{year}: not evaluated", f"{year} 年未参评")
    if verdict.condition == "grade":
        return _graded(verdict, row, year)
    if row["rank"] is None:
        return Finding(False, f"{year}: no rank", f"{year} 年没有名次")
    return _RANK_CONDITIONS[verdict.condition](verdict, history, row, rounding)


def _after(verdict: Verdict, history: History, year: int) -> Finding:
    met = verdict.figure in history.verdicts.get(year, ())
    en, zh = word(verdict.figure, "en"), word(verdict.figure, "zh")
    return Finding(met, f"{year}: {'' if met else 'no '}{en}", f"{year} 年{'' if met else '没有'}{zh}")


def _graded(verdict: Verdict, row: Mapping[str, Any], year: int) -> Finding:
    grade = row["grade"]
    if not grade:
        return Finding(False, f"{year}: no grade", f"{year} 年没有评价等次")
    return Finding(
        grade == verdict.figure, f"{year}: graded {word(grade, 'en')}", f"{year} 年评价为{word(grade, 'zh')}"
    )


def _best(verdict: Verdict, _history: History, row: Mapping[str, Any], _rounding: str) -> Finding:
    en, zh = _place(row)
    return Finding(
        row["rank"] <= verdict.figure, f"{en}, limit {verdict.figure}", f"{zh}，界限为第 {verdict.figure} 位"
    )


def _best_share(verdict: Verdict, _history: History, row: Mapping[str, Any], rounding: str) -> Finding:
    full, limit = counted(float(verdict.figure), row["ranked"], rounding)
    percent = f"{Decimal(repr(verdict.figure)) * 100:f}".rstrip("0").rstrip(".")
    told, (en, zh) = f"{full.normalize():f}", _place(row)
    return Finding(
        row["rank"] <= limit,
        f"{en}, limit {percent} % of {row['ranked']} = {told}, counted as {limit}",
        f"{zh}，界限 {percent}% × {row['ranked']} = {told}，取 {limit}",
    )


def _worst(verdict: Verdict, _history: History, row: Mapping[str, Any], _rounding: str) -> Finding:
    above, (en, zh) = row["ranked"] - int(verdict.figure), _place(row)
    last = f"{verdict.figure}"
    return Finding(
        row["rank"] > above,
        f"{en}, the last {last} begin at {max(above, 0) + 1}",
        f"{zh}，末 {last} 位自第 {max(above, 0) + 1} 位起",
    )


def _risen(verdict: Verdict, history: History, row: Mapping[str, Any], _rounding: str) -> Finding:
    """Hold the rank against that of the year before, among the same peers."""
    year, (en, zh) = row["year"], _place(row)
    before = history.rows.get((year - 1, verdict.ranking))
    if before is None or before["rank"] is None or before["group"] != row["group"]:
        return Finding(False, f"{en}; no rank among the same peers in {year - 1}", f"{zh}；{year - 1} 年没有同组名次")
    up = before["rank"] - row["rank"]
    return Finding(
        up >= verdict.figure,
        f"{year - 1}: rank {before['rank']}; {en}: {up} places up, limit {verdict.figure}",
        f"{year - 1} 年第 {before['rank']} 位；{zh}：前移 {up} 位，界限为 {verdict.figure} 位",
    )


_RANK_CONDITIONS: Mapping[str, Callable[[Verdict, History, Mapping[str, Any], str], Finding]] = {
    "best": _best,
    "best_share": _best_share,
    "worst": _worst,
    "risen_by": _risen,
}


def _place(row: Mapping[str, Any]) -> tuple[str, str]:
    group_en, group_zh = (f" ({row['group']})", f"（{row['group']}）") if row["group"] else ("", " ")
    tied_en, tied_zh = (", tied", "（并列）") if row["tied"] else ("", "")
    where_en, where_zh = word(row["ranking"], "en"), word(row["ranking"], "zh")
    return (
        f"{row['year']}: rank {row['rank']} of {row['ranked']} in {where_en}{group_en}{tied_en}",
        f"{row['year']} 年{where_zh}{group_zh}{row['ranked']} 个中列第 {row['rank']} 位{tied_zh}",
    )
