"""What a grading rests on, in words (评价说明): assumptions, defaults, and what was left out, in two languages."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geo.grading.judging import Judged
from geo.grading.rules import Group, RuleSet
from geo.indicators import catalogue

__all__ = ["Note", "notes_of", "notes_of_rules"]


class Note(NamedTuple):
    """One sentence in Chinese and in English."""

    zh: str
    en: str

    def text(self, language: str = "zh") -> str:
        """Return the sentence in `language` (zh or en)."""
        return self.en if language == "en" else self.zh


def notes_of_rules(rules: RuleSet, year: int | None, nowhere: int) -> list[Note]:
    """Say which rule was used, where it comes from, and how many firms fit none of its groups."""
    notes = [
        Note(
            f"评价规则：{rules.title_zh}（{rules.id}）；{rules.status_zh}；来源：{rules.source}",
            f"rule set: {rules.title_en} ({rules.id}); {rules.status_en}; source: {rules.source}",
        ),
        Note("用地 = 登记 − 出租 + 承租", "land used = registered − leased out + leased in"),
    ]
    if rules.data_year is not None and (year is None or not rules.covers(year)):
        named = "未注明年份" if year is None else f" {year} 年"
        notes.append(
            Note(
                f"规则用于 {rules.data_year} 年数据，企业数据为{named}；基准值逐年变化",
                f"the rule is for the data of {rules.data_year}, the firms are of {year or 'no stated year'}; "
                "benchmarks change from year to year",
            )
        )
    if nowhere:
        notes.append(Note(f"{nowhere} 家企业不属于任何一组", f"firms in no group: {nowhere}"))
    return notes


def notes_of(one: Judged) -> list[Note]:
    """Say how a group was judged and what was left out."""
    ranked, method = int(np.isfinite(one.rank).sum()), _METHODS[one.group.method]
    notes = [
        Note(
            f"{len(one.rows)} 家企业，{ranked} 个参加排名；{method.zh}",
            f"firms {len(one.rows)}, ranked {ranked}; {method.en}",
        ),
        _classes(one.group),
    ]
    for words, count in (
        (Note("家不参评", "firms exempt"), int((one.exemption >= 0).sum())),
        (Note("家承租企业随产权人定级", "tenants with the grade of the owner"), int((one.owner >= 0).sum())),
        (Note("家没有得分", "firms without score"), int(np.isnan(one.score[one.unit]).sum())),
    ):
        if count:
            notes.append(Note(f"{count} {words.zh}", f"{words.en}: {count}"))
    named = one.group.title_zh, one.group.title_en
    every = [*notes, *_missing(one), *_points(one)]
    return [Note(f"{named[0]}：{note.zh}", f"{named[1]}: {note.en}") for note in every]


_METHODS = {
    "enterprise": Note("企业评价法：逐企业评价", "by enterprise: every firm by itself"),
    "parcel": Note(
        "地块评价法：共用地块的企业合并各项数据，同一得分与等级，排名按合并后的单元计",
        "by parcel: firms that share parcels are added up and have one score and grade; ranks count them as one",
    ),
}
_TIES = {
    "better": Note("同分取较好等级", "equal scores all get the better class"),
    "worse": Note("同分取较差等级", "equal scores all get the worse class"),
}
_ROUNDINGS = {
    "floor": Note("向下取整", "rounded down"),
    "ceil": Note("向上取整", "rounded up"),
    "round": Note("四舍五入", "rounded half up"),
}
_SHARES = {"firms": Note("企业数", "the ranked firms"), "land": Note("用地面积", "the land of the ranked firms")}


def _classes(group: Group) -> Note:
    if not group.classes:
        return Note("规则没有等级划分，只有得分和排名", "the rule has no classes; scores and ranks only")
    if not group.by_share:
        table = ", ".join(
            entry.grade if entry.score_at_least is None else f"{entry.grade} ≥ {entry.score_at_least:g}"
            for entry in group.classes
        )
        return Note(f"按得分分级：{table}", f"classes by score: {table}")
    table = ", ".join(f"{entry.grade} ≤ {entry.share_up_to:.4%}".replace(".0000", "") for entry in group.classes)
    share, rounding, ties = _SHARES[group.share_of], _ROUNDINGS[group.rounding], _TIES[group.ties]
    return Note(
        f"按{share.zh}占比分级：{table}；{rounding.zh}；{ties.zh}",
        f"classes by share of {share.en}: {table}; {rounding.en}; {ties.en}",
    )


_POLICIES = {
    "refuse": Note("不计总分", "no score"),
    "zero": Note("计 0 分", "0 points"),
    "mean": Note("计本组有数据企业该项得分的平均值", "the mean score of the group's firms that have it"),
    "points": Note("计规定分数", "the stated points"),
}


def _missing(one: Judged) -> list[Note]:
    """One sentence an indicator that some firms lack."""
    notes = []
    for row, criterion in enumerate(one.group.criteria):
        entry, policy = catalogue()[criterion.indicator], _POLICIES[criterion.missing]
        count, left_out = int((one.scored.policy[one.unit, row] >= 0).sum()), one.scored.left_out[row]
        if count:
            zh = f"{len(one.rows)} 家中 {count} 家缺少{entry.title_zh}：{policy.zh}"
            notes.append(Note(zh, f"{entry.title_en} is missing for {count} of {len(one.rows)}: {policy.en}"))
        if left_out:
            zh = f"{entry.title_zh}合并计算时 {left_out} 家企业因数据不全未计入"
            notes.append(Note(zh, f"firms left out of the sums of {entry.title_en} for want of data: {left_out}"))
    return notes


def _points(one: Judged) -> list[Note]:
    return [
        Note(f"{column} 有 {count} 家空白，计 0 分", f"{column} is blank for {count}: 0 points")
        for column, count in one.points.blank.items()
        if count
    ]
