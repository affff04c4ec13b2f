"""What a grading rests on, in words (评价说明): assumptions, defaults, and what was left out, in two languages."""

from __future__ import annotations

import numpy as np

from geo.grading.judging import Judged
from geo.grading.rules import Group, RuleSet
from geo.indicators import catalogue
from layers.errors import Words

__all__ = ["notes_of", "notes_of_rules"]


def notes_of_rules(rules: RuleSet, year: int | None, nowhere: int) -> list[Words]:
    """Say which rule was used, where it comes from, and how many firms fit none of its groups."""
    notes = [
        Words(
            f"rule set: {rules.title_en} ({rules.id}); {rules.status_en}; source: {rules.source}",
            f"评价规则：{rules.title_zh}（{rules.id}）；{rules.status_zh}；来源：{rules.source}",
        ),
        Words("land used = registered − leased out + leased in", "用地 = 登记 − 出租 + 承租"),
    ]
    if rules.days is not None and (year is None or not rules.covers(year)):
        of = _data_of(rules)
        named = "未注明年份" if year is None else f" {year} 年"
        notes.append(
            Words(
                f"the rule is for the data of {of.en}, the firms are of {year or 'no stated year'}; "
                "benchmarks change from year to year",
                f"规则用于 {of.zh}数据，企业数据为{named}；基准值逐年变化",
            )
        )
    if nowhere:
        notes.append(Words(f"firms in no group: {nowhere}", f"{nowhere} 家企业不属于任何一组"))
    return notes


def _data_of(rules: RuleSet) -> Words:
    """Name the data a set is for: by its year, else by its days."""
    if rules.data_year is not None:
        return Words(f"{rules.data_year}", f"{rules.data_year} 年")
    days = f"{rules.valid_from or '…'} – {rules.valid_to or '…'}"
    return Words(days, f"{days} 的")


def notes_of(one: Judged) -> list[Words]:
    """Say how a group was judged and what was left out."""
    ranked, method, decimals = int(np.isfinite(one.rank).sum()), _METHODS[one.group.method], one.group.decimals
    notes = [
        Words(
            f"firms {len(one.rows)}, ranked {ranked}; {method.en}",
            f"{len(one.rows)} 家企业，{ranked} 个参加排名；{method.zh}",
        ),
        _classes(one.group),
        Words(f"scores are compared rounded to {decimals} decimals", f"得分按 {decimals} 位小数比较"),
    ]
    for words, count in (
        (Words("firms exempt", "家不参评"), int((one.exemption >= 0).sum())),
        (Words("tenants with the grade of the owner", "家承租企业随产权人定级"), int(one.follows.sum())),
        (
            Words(
                "tenants whose owner is not among the firms, graded by themselves", "家承租企业未找到产权人，单独定级"
            ),
            int((one.following.alone & (one.exemption < 0)).sum()),
        ),
        (Words("firms without score", "家没有得分"), int(np.isnan(one.score[one.unit]).sum())),
    ):
        if count:
            notes.append(Words(f"{words.en}: {count}", f"{count} {words.zh}"))
    every = [*notes, *_nobody_follows(one), *_missing(one), *_blank(one)]
    return [Words(f"{one.group.title_en}: {note.en}", f"{one.group.title_zh}：{note.zh}") for note in every]


_METHODS = {
    "enterprise": Words("by enterprise: every firm by itself", "企业评价法：逐企业评价"),
    "parcel": Words(
        "by parcel: firms that share parcels are added up and have one score and grade; ranks count them as one",
        "地块评价法：共用地块的企业合并各项数据，同一得分与等级，排名按合并后的单元计",
    ),
}
_TIES = {
    "better": Words("equal scores all get the better class", "同分取较好等级"),
    "worse": Words("equal scores all get the worse class", "同分取较差等级"),
}
_ROUNDINGS = {
    "floor": Words("rounded down", "向下取整"),
    "ceil": Words("rounded up", "向上取整"),
    "round": Words("rounded half up", "四舍五入"),
}
_SHARES = {"firms": Words("the ranked firms", "企业数"), "land": Words("the land of the ranked firms", "用地面积")}


def _classes(group: Group) -> Words:
    if not group.classes:
        return Words("the rule has no classes; scores and ranks only", "规则没有等级划分，只有得分和排名")
    if not group.by_share:
        table = ", ".join(
            entry.grade if entry.score_at_least is None else f"{entry.grade} ≥ {entry.score_at_least:g}"
            for entry in group.classes
        )
        return Words(f"classes by score: {table}", f"按得分分级：{table}")
    table = ", ".join(f"{entry.grade} ≤ {entry.share_up_to:.4%}".replace(".0000", "") for entry in group.classes)
    share, rounding, ties = _SHARES[group.share_of], _ROUNDINGS[group.rounding], _TIES[group.ties]
    return Words(
        f"classes by share of {share.en}: {table}; {rounding.en}; {ties.en}",
        f"按{share.zh}占比分级：{table}；{rounding.zh}；{ties.zh}",
    )


def _nobody_follows(one: Judged) -> list[Words]:
    """Say it where tenants should follow their owners and not one does: holdings may not tell who rents."""
    if not one.group.tenants_follow_owner or (one.following.owner >= 0).any():
        return []
    return [
        Words(
            "tenants follow their owners by the rule, but no tenant and owner of one parcel are known; "
            "holdings tell them by relation = owner or tenant",
            "规则规定承租企业随产权人定级，但没有查到同一地块的产权人与承租企业；"
            "请在 holdings 的 relation 中注明自有或承租",
        )
    ]


_POLICIES = {
    "refuse": Words("no score", "不计总分"),
    "zero": Words("0 points", "计 0 分"),
    "mean": Words("the mean score of the group's firms that have it", "计本组有数据企业该项得分的平均值"),
    "points": Words("the stated points", "计规定分数"),
}


def _missing(one: Judged) -> list[Words]:
    """One sentence an indicator that some firms lack."""
    notes = []
    for row, criterion in enumerate(one.group.criteria):
        entry, policy = catalogue()[criterion.indicator], _POLICIES[criterion.missing]
        count, left_out = int((one.scored.policy[one.unit, row] >= 0).sum()), one.scored.left_out[row]
        if count:
            zh = f"{len(one.rows)} 家中 {count} 家缺少{entry.title_zh}：{policy.zh}"
            notes.append(Words(f"{entry.title_en} is missing for {count} of {len(one.rows)}: {policy.en}", zh))
        if left_out:
            zh = f"{entry.title_zh}合并计算时 {left_out} 家企业因数据不全未计入"
            notes.append(Words(f"firms left out of the sums of {entry.title_en} for want of data: {left_out}", zh))
    return notes


def _blank(one: Judged) -> list[Words]:
    """One sentence a column of the rule that some firms leave blank."""
    points = [
        Words(f"{column} is blank for {count}: 0 points", f"{column} 有 {count} 家空白，计 0 分")
        for column, count in one.points.blank.items()
        if count
    ]
    conditions = [
        Words(f"{column} is blank for {count}: not applied", f"{column} 有 {count} 家空白，视为不适用")
        for column, count in one.blank.items()
        if count
    ]
    return [*points, *conditions]
