"""What was judged, written out by firm (亩均评价结果): grades with reasons, contributions, and what is lacking.

Turns judged groups (`geo.grading.judging`) into tables. Values stand in the display unit of their indicator.
Every firm has its row, also one that is exempt, in no group or without score, and then a reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.grading.groups import why_in_no_group
from geo.grading.judging import Judged
from geo.grading.rules import EXEMPT, MISSING, Criterion, RuleSet, Veto
from geo.indicators import catalogue
from layers.errors import Words

__all__ = ["contributions_of", "needs_of", "table_of"]

_WORDS = ("grade", "reason", "reason_zh", "reason_en")
_Texts = dict[str, npt.NDArray[np.object_]]


def table_of(
    firms: pd.DataFrame, number: npt.NDArray[np.intp], rules: RuleSet, judged: Sequence[Judged]
) -> pd.DataFrame:
    """Return one row a firm (评价结果表), see `Grades.table`; `number` is the group of each firm, −1 for none."""
    score, rank = np.full(len(firms), np.nan), np.full(len(firms), np.nan)
    words: _Texts = {name: np.full(len(firms), None, dtype=object) for name in _WORDS}
    for one in judged:
        score[one.rows], rank[one.rows] = one.score[one.unit], one.rank[one.unit]
        for name, values in _words(one).items():
            words[name][one.rows] = values
    names = firms["firm_name"].to_numpy(dtype=object)
    for one in judged:
        _follow(one, names, words)
    _say_no_group(firms, np.flatnonzero(number < 0), rules, words)
    ids = np.array([*(group.id for group in rules.groups), None], dtype=object)
    return pd.DataFrame(
        {
            "firm_id": firms["firm_id"],
            "firm_name": firms["firm_name"],
            "group": pd.array(ids[number], dtype="string"),
            "score": score,
            "rank": pd.array(rank, dtype="Int64"),
            **{name: pd.array(values, dtype="string") for name, values in words.items()},
        }
    )


def _words(one: Judged) -> _Texts:
    """Grade and reason of each firm of a group; of several reasons the weightiest is written last."""
    place = one.standing.place[one.unit]
    final = np.where(place >= 0, np.maximum(place, one.best_allowed), -1)
    words: _Texts = {name: np.full(len(place), None, dtype=object) for name in _WORDS}
    words["grade"] = np.array([*(entry.grade for entry in one.group.classes), None], dtype=object)[final]
    if not one.group.classes:
        everyone = np.ones(len(place), dtype=bool)
        told = Words("the rule has no classes: score and rank only", "规则没有等级划分，只有得分和排名")
        _say(words, everyone, "no_classes", told)
    for row in range(len(one.vetoes)):
        _say(words, (final > place) & (one.veto == row), "veto", _vetoed(one.group.vetoes[row]))
    _say_unscored(one, words)
    for row, exemption in enumerate(one.group.exemptions):
        _say(words, one.exemption == row, "exempt", Words(exemption.title_en, exemption.title_zh))
    words["grade"][one.exemption >= 0] = EXEMPT
    return words


def _vetoed(veto: Veto) -> Words:
    most = veto.grade_at_most
    return Words(f"{veto.title_en}: {most} at best", f"{veto.title_zh}：最高为 {most}")


def _say(words: _Texts, hit: npt.NDArray[np.bool_], reason: str, told: Words) -> None:
    for name, text in (("reason", reason), ("reason_zh", told.zh), ("reason_en", told.en)):
        words[name][hit] = text


def _say_unscored(one: Judged, words: _Texts) -> None:
    unscored = np.isnan(one.score[one.unit])
    unranked = ~unscored & np.isnan(one.rank[one.unit])
    differ = unscored & one.points.differ[one.unit]
    unknown, several = "the correction factor is not known", "firms judged as one have different correction factors"
    _say(
        words, unranked, "no_land", Words("not ranked by land: land used is not known", "用地面积不详，无法按用地排名")
    )
    _say(words, unscored, "no_factor", Words(f"no score: {unknown}", "没有得分：缺少修正系数"))
    _say(words, differ, "no_factor", Words(f"no score: {several}", "没有得分：合并评价的企业修正系数不一致"))
    rows = np.flatnonzero(unscored)
    kinds, kind = np.unique(np.isnan(one.scored.score)[one.unit[rows]], axis=0, return_inverse=True)
    for number, gaps in enumerate(kinds):
        lost = [catalogue()[entry.indicator] for entry, gap in zip(one.group.criteria, gaps, strict=True) if gap]
        if lost:
            hit = np.zeros(len(unscored), dtype=bool)
            hit[rows[kind.ravel() == number]] = True
            zh, en = "、".join(entry.title_zh for entry in lost), ", ".join(entry.title_en for entry in lost)
            _say(words, hit, "missing", Words(f"no score, not known: {en}", f"没有得分，缺少：{zh}"))


def _follow(one: Judged, names: npt.NDArray[np.object_], words: _Texts) -> None:
    """Give pure tenants the grade of the owner; a veto on the tenant itself lowers it."""
    own = [entry.grade for entry in one.group.classes]
    followers = np.flatnonzero(one.follows)
    owners = one.following.owner[followers]
    grades = words["grade"][owners]
    for firm, owner, grade in zip(followers, owners, grades, strict=True):
        row, best = one.rows[firm], int(one.best_allowed[firm])
        has_one = grade is not None and grade != EXEMPT
        told = Words(f"follows the owner {names[owner]}", f"随产权人{names[owner]}")
        if not has_one:
            told = Words(f"{told.en}, who has no grade", f"{told.zh}，其没有等级")
        words["grade"][row], words["reason"][row] = (grade if has_one else None), "follows_owner"
        # A grade of an owner in a group with other classes is none that the veto knows: then the veto decides.
        if has_one and best > (own.index(grade) if grade in own else 0):
            veto = _vetoed(one.group.vetoes[one.veto[firm]])
            told = Words(f"{told.en}; {veto.en}", f"{told.zh}；{veto.zh}")
            words["grade"][row], words["reason"][row] = own[best], "veto"
        words["reason_zh"][row], words["reason_en"][row] = told.zh, told.en


def _say_no_group(firms: pd.DataFrame, rows: npt.NDArray[np.intp], rules: RuleSet, words: _Texts) -> None:
    if len(rows):
        why = why_in_no_group(firms.iloc[rows], rules)
        words["reason"][rows] = "no_group"
        for name in ("reason_zh", "reason_en"):
            words[name][rows] = why[name].to_numpy(dtype=object)


def contributions_of(firms: pd.DataFrame, judged: Sequence[Judged]) -> pd.DataFrame:
    """Return one row a firm × indicator (各指标得分), see `Grades.contributions`."""
    everyone = [np.arange(len(one.rows)) for one in judged]
    table = _long(firms, judged, everyone)
    table["value"] = _flat([one.scored.value[one.unit] for one in judged])
    table["benchmark"] = _flat([_spread(one, one.scored.benchmark) for one in judged])
    table["unit"] = _units(judged, everyone)
    table["weight"] = _flat([_spread(one, np.array([entry.weight for entry in one.group.criteria])) for one in judged])
    table["score"] = _flat([one.scored.score[one.unit] for one in judged])
    table["capped"] = _flat([one.scored.capped[one.unit] for one in judged])
    table["floored"] = _flat([one.scored.floored[one.unit] for one in judged])
    table["missing"] = _words_of(_flat([one.scored.policy[one.unit] for one in judged]), MISSING)
    return table


def needs_of(firms: pd.DataFrame, judged: Sequence[Judged]) -> pd.DataFrame:
    """Return what each firm lacks for a better grade (晋级差距), see `Grades.needs`."""
    lacking = [np.flatnonzero(one.standing.reached[one.unit] >= 0) for one in judged]
    table = _long(firms, judged, lacking)
    classes = list(dict.fromkeys(entry.grade for one in judged for entry in one.group.classes))
    wanted = [_Wanted(one, rows) for one, rows in zip(judged, lacking, strict=True)]
    table["grade"] = _words_of(_flat([one.classes(one.place, classes) for one in wanted]), classes)
    table["next_grade"] = _words_of(_flat([one.classes(one.reached, classes) for one in wanted]), classes)
    table["score"] = _flat([one.wide(one.score) for one in wanted])
    table["score_needed"] = _flat([one.wide(one.needed) for one in wanted])
    table["lacking"] = table["score_needed"] - table["score"]
    table["value"] = _flat([one.value for one in wanted])
    table["value_needed"] = _flat([one.value_needed() for one in wanted])
    table["unit"] = _units(judged, lacking)
    table["barred"] = _flat([one.wide(one.barred) for one in wanted])
    return table


class _Wanted:
    """The firms of a group that a better grade lies open to, one row each."""

    def __init__(self, judged: Judged, rows: npt.NDArray[np.intp]) -> None:
        unit = judged.unit[rows]
        self.group = judged.group
        self.reached, self.needed = judged.standing.reached[unit], judged.standing.needed[unit]
        self.place = np.maximum(judged.standing.place[unit], judged.best_allowed[rows])
        self.barred = judged.best_allowed[rows] > self.reached
        self.score, self.total, self.factor = judged.score[unit], judged.total[unit], judged.points.factor[unit]
        self.scores, self.value = judged.scored.score[unit], judged.scored.value[unit]
        self.benchmark = judged.scored.benchmark

    def wide(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Repeat a column for every criterion."""
        return np.repeat(values[:, None], len(self.group.criteria), axis=1)

    def classes(self, places: npt.NDArray[np.int64], known: list[str]) -> npt.NDArray[Any]:
        """Turn places in the group's classes into places among all classes, for every criterion."""
        codes = np.array([known.index(one.grade) for one in self.group.classes], dtype="int64")
        return self.wide(codes[places] if len(codes) else places)

    def value_needed(self) -> npt.NDArray[np.float64]:
        """The value of each indicator that alone brings the score needed."""
        # The rounded score may lie half a step off, and the value must not.
        target = self.scores + ((self.needed - self.total) / self.factor)[:, None]
        columns = [
            _value_for(entry, target[:, row], self.benchmark[row]) for row, entry in enumerate(self.group.criteria)
        ]
        return np.where(self.barred[:, None], np.nan, np.column_stack(columns))


def _value_for(entry: Criterion, target: npt.NDArray[np.float64], benchmark: float) -> npt.NDArray[np.float64]:
    """Turn the formula round: the value that has the score `target`; missing where the cap forbids it."""
    allowed = np.round(target, 9) <= entry.cap
    if entry.direction == "more":
        return np.where(allowed, target / entry.weight * benchmark, np.nan)
    some = np.where(target > 0, target, np.nan)
    return np.where(allowed, benchmark * entry.weight / some, np.nan)


# ---------------------------------------------------------------- long tables


def _long(firms: pd.DataFrame, judged: Sequence[Judged], chosen: Sequence[npt.NDArray[np.intp]]) -> pd.DataFrame:
    """Begin a table of one row a chosen firm × criterion, by group: `firm`, `firm_id`, `group`, `indicator`."""
    names, ids = list(catalogue()), [one.group.id for one in judged]
    rows = _flat([np.repeat(one.rows[own], len(one.group.criteria)) for one, own in zip(judged, chosen, strict=True)])
    group = _flat(
        [
            np.full(len(own) * len(one.group.criteria), number)
            for number, (one, own) in enumerate(zip(judged, chosen, strict=True))
        ]
    )
    entries = _flat(
        [
            np.tile([names.index(entry.indicator) for entry in one.group.criteria], len(own))
            for one, own in zip(judged, chosen, strict=True)
        ]
    )
    return pd.DataFrame(
        {
            "firm": rows.astype("int64"),
            "firm_id": firms["firm_id"].array.take(rows.astype("intp")),
            "group": _words_of(group, ids),
            "indicator": _words_of(entries, names),
        }
    )


def _units(judged: Sequence[Judged], chosen: Sequence[npt.NDArray[np.intp]]) -> pd.Series:
    """The display unit of each row of a long table."""
    labels = {name: entry.unit_label for name, entry in catalogue().items()}
    known = list(dict.fromkeys(labels.values()))
    codes = [
        np.tile([known.index(labels[entry.indicator]) for entry in one.group.criteria], len(own))
        for one, own in zip(judged, chosen, strict=True)
    ]
    return _words_of(_flat(codes), known)


def _words_of(codes: npt.NDArray[Any], known: Sequence[str]) -> pd.Series:
    """Turn places in a list of words into words, −1 into missing; as categories: few words, many rows."""
    return pd.Series(pd.Categorical.from_codes(codes.astype("int64"), pd.Index(list(known), dtype="str")))


def _spread(one: Judged, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.tile(values, len(one.rows))


def _flat(parts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return np.concatenate([part.ravel() for part in parts])
