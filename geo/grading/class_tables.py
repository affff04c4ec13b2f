"""Class tables of the grading (等级划分表): every score, or every place in the ranking, has one class.

Classes are by score (`score_at_least`) or by share of the ranking (`share_up_to`), the better class first. A
table may repeat where a class begins (`score_below`, `share_over`); then its seams must meet.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from geo.grading.entries import NUMBER, Keys, check_keys, check_unique, name_in, wrong
from geo.grading.rules import DECIMALS, EXEMPT, GradeClass
from layers.errors import StandardError

__all__ = ["read_classes"]

_CLASS_KEYS: Keys = {
    "grade": ((str,), True),
    **dict.fromkeys(("score_at_least", "score_below", "share_over", "share_up_to"), (NUMBER, False)),
}


def read_classes(entries: Sequence[Mapping[str, Any]], where: str, decimals: int = DECIMALS) -> tuple[GradeClass, ...]:
    """Read a class table (等级划分表), the better class first.

    Every score, or every place in the ranking, has one class.

    Raises
    ------
    StandardError
        Two neighbours leave a gap or overlap, the ends are not covered, scores and shares are mixed, or a score has
        more than `decimals`: no score would be compared with it as it is written.

    Examples
    --------
    >>> [one.grade for one in read_classes([{"grade": "A", "score_at_least": 90}, {"grade": "B"}], "project")]
    ['A', 'B']
    >>> read_classes([{"grade": "A", "share_up_to": 0.25}, {"grade": "B", "share_over": 0.26}], "project")
    Traceback (most recent call last):
    ...
    layers.errors.StandardError: Rule set project: classes A and B leave a gap: A ends at 0.25, B begins at 0.26.
    """
    for entry in entries:
        check_keys(entry, f"{where}: class {name_in(entry, 'grade')}", _CLASS_KEYS)
        _refuse_finer(entry, where, decimals)
    grades = [str(entry["grade"]) for entry in entries]
    check_unique(grades, f"{where}: class")
    if EXEMPT in grades:
        raise wrong(where, f'a class may not be called "{EXEMPT}"', f"等级不能命名为“{EXEMPT}”")
    by_share = {"share_up_to", "share_over"} & {key for entry in entries for key in entry}
    by_score = {"score_at_least", "score_below"} & {key for entry in entries for key in entry}
    if by_share and by_score:
        raise wrong(
            where, "classes are by score and by share at once; choose one", "等级不能同时按得分和按比例划分，请选其一"
        )
    if by_share:
        bounds = [(entry.get("share_over"), entry.get("share_up_to")) for entry in entries]
        ends = _ends(_Scale(0.0, 1.0, 1), bounds, grades, where)
        return tuple(GradeClass(grade, share_up_to=end) for grade, end in zip(grades, ends, strict=True))
    bounds = [(entry.get("score_below"), entry.get("score_at_least")) for entry in entries]
    ends = _ends(_Scale(math.inf, -math.inf, -1), bounds, grades, where)
    least = [None if end == -math.inf else end for end in ends]
    return tuple(GradeClass(grade, score_at_least=end) for grade, end in zip(grades, least, strict=True))


def _refuse_finer(entry: Mapping[str, Any], where: str, decimals: int) -> None:
    for key in ("score_at_least", "score_below"):
        if key in entry and round(entry[key], decimals) != entry[key]:
            raise wrong(
                f"{where}: class {entry['grade']}",
                f"{key} {entry[key]} has more than {decimals} decimals, and scores are compared with so many; "
                "round it, or set decimals in the group of the rule file",
                f"{key} {entry[key]} 的小数位超过 {decimals} 位，而得分按 {decimals} 位小数比较；"
                "请取整，或在规则文件的该组中设 decimals",
            )


class _Scale(NamedTuple):
    """What classes divide, from the best end to the worst: scores fall, places in a ranking rise."""

    best: float
    worst: float
    sign: int

    def further(self, one: float, other: float) -> bool:
        """Tell whether `one` is nearer to the worst end than `other`."""
        return self.sign * one > self.sign * other


def _ends(scale: _Scale, bounds: list[tuple[float | None, float | None]], grades: list[str], where: str) -> list[float]:
    """Where each class ends, walking down from the best; `bounds` may repeat where a class begins."""
    ends: list[float] = []
    reached = scale.best
    for row, ((begins, ends_at), grade) in enumerate(zip(bounds, grades, strict=True)):
        before = grades[row - 1] if row else "—"
        if begins is not None and begins != reached:
            raise _no_seam(before, grade, reached, begins, where, gap=scale.further(begins, reached))
        if ends_at is None and row < len(grades) - 1:
            raise wrong(where, f"class {grade} has no lower end", f"等级 {grade} 没有下限")
        end = scale.worst if ends_at is None else float(ends_at)
        if not scale.further(end, reached) or scale.further(end, scale.worst):
            raise wrong(
                where,
                f"classes {before} and {grade} overlap: {before} ends at {reached:g}, {grade} at {end:g}; "
                "the better class stands first, and a share is at most 1",
                f"等级 {before} 与 {grade} 重叠：{before} 止于 {reached:g}，{grade} 止于 {end:g}；"
                "较好的等级排在前，比例不超过 1",
            )
        ends.append(end)
        reached = end
    if reached != scale.worst:
        raise _open_end(grades[-1], reached, scale, where)
    return ends


def _no_seam(before: str, grade: str, ended: float, begins: float, where: str, *, gap: bool) -> StandardError:
    en, zh = ("leave a gap", "之间有空档") if gap else ("overlap", "重叠")
    return wrong(
        where,
        f"classes {before} and {grade} {en}: {before} ends at {ended:g}, {grade} begins at {begins:g}",
        f"等级 {before} 与 {grade} {zh}：{before} 止于 {ended:g}，{grade} 始于 {begins:g}",
    )


def _open_end(grade: str, end: float, scale: _Scale, where: str) -> StandardError:
    if scale.sign < 0:
        return wrong(
            where,
            f"below class {grade} there is a gap: scores under {end:g} have no class; "
            "leave score_at_least out of the last class",
            f"等级 {grade} 之下有空档：低于 {end:g} 分没有等级；最后一个等级不写 score_at_least",
        )
    return wrong(
        where,
        f"below class {grade} there is a gap: it ends at {end:g} of the ranking; the last class ends at 1",
        f"等级 {grade} 之下有空档：止于排名的 {end:g}；最后一个等级应止于 1",
    )
