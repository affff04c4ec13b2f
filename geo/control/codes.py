"""Industry codes between editions of GB/T 4754 (国民经济行业分类): divisions that moved, and no guess at them.

Knows which divisions of 2002, 2011 and 2017 stand for each other (`policy/control/codes.csv`, matched by name and from
memory, each row with its confidence), and how a code and an edition are written. Knows no limit.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources

from layers.codes import industry_editions, plain
from layers.errors import StandardError, Words

__all__ = ["CODE_EDITIONS", "code_edition", "crosswalk", "division", "doubt", "no_counterpart", "translate"]

#: Editions of GB/T 4754 whose divisions are compared in `policy/control/codes.csv`.
CODE_EDITIONS = ("2002", "2011", "2017")


def translate(code: str, source: str, target: str) -> tuple[str, ...]:
    """Divisions of another edition (行业大类代码转换) that an industry code of GB/T 4754 can stand for.

    Judged by division, the first two digits: a single group may have moved on its own.

    Parameters
    ----------
    code : str
        With or without its section letter, two to four digits.
    source, target : str
        Editions of GB/T 4754: one of `CODE_EDITIONS`, also written as ``GB/T 4754-2017``.

    Returns
    -------
    tuple of str
        Two digits each. Several where the division was split, none where no counterpart is certain.

    Raises
    ------
    StandardError
        An edition that is not compared, or text that is no industry code.

    References
    ----------
    `policy/control/codes.csv`: matched by name and from memory, each row with its confidence.

    Examples
    --------
    >>> translate("3091", "2017", "2002"), translate("C29", "2017", "2002"), translate("43", "2017", "2002")
    (('31',), ('29', '30'), ())
    """
    came, goes, own = code_edition(source), code_edition(target), division(code)
    if came == goes:
        return (own,)
    found = {row[f"code_{goes}"] for row in crosswalk() if row[f"code_{came}"] == own}
    return tuple(sorted(found - {""}))


@cache
def crosswalk() -> tuple[Mapping[str, str], ...]:
    """Return the rows of `policy/control/codes.csv` (行业大类代码对照表), each with its source and confidence.

    Examples
    --------
    >>> next((row["code_2002"], row["name_2002"]) for row in crosswalk() if row["code_2017"] == "30")
    ('31', '非金属矿物制品业')
    """
    text = resources.files("geo").joinpath("policy/control/codes.csv").read_text("utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def code_edition(text: str) -> str:
    """Return the year of an edition of GB/T 4754 (行业分类版本), however it is written.

    Raises
    ------
    StandardError
        The edition is none of `CODE_EDITIONS`.

    Examples
    --------
    >>> code_edition("GB/T 4754-2017")
    '2017'
    """
    match = re.fullmatch(r"(?:GB/?T?\s*4754\s*[-—–]?\s*)?(\d{4})版?", plain(text))
    if match and match[1] in CODE_EDITIONS:
        return match[1]
    raise StandardError(
        f'"{text}" is no edition of GB/T 4754 that is compared. Expected one of {", ".join(CODE_EDITIONS)}.',
        f"“{text}”不是可对照的 GB/T 4754 版本。应为 {'、'.join(CODE_EDITIONS)} 之一。",
    )


def division(code: str) -> str:
    """Return the division of an industry code (行业大类): its first two digits.

    Raises
    ------
    StandardError
        The text is no industry code.

    Examples
    --------
    >>> division("C3911")
    '39'
    """
    match = re.fullmatch(r"[A-T]?(\d{2})\d{0,2}", plain(code))
    if match:
        return match[1]
    raise StandardError(
        f'"{code}" is no industry code. Expected two to four digits of GB/T 4754, such as 39 or C3911.',
        f"“{code}”不是行业代码。应为 GB/T 4754 的两至四位代码，如 39、C3911。",
    )


def no_counterpart(code: str, own: str, editions: Iterable[str]) -> Words:
    """Say why a code has no certain counterpart in other editions (无确定对应大类).

    Parameters
    ----------
    code, own : str
        The code, and its edition.
    editions : iterable of str
        Those in which it was looked for.
    """
    digits = division(code)
    row = next((row for row in crosswalk() if row[f"code_{own}"] == digits), None)
    told = Words("it is no division compared in that edition", "该版本中没有可对照的这一大类")
    if row is not None:
        told = Words(row["note_en"], row["note_zh"])
    asked, listed = f"{digits} (GB/T 4754-{own})", ", ".join(sorted(editions))
    return Words(
        f"{asked} has no certain counterpart in {listed}: {told.en}",
        f"{asked} 在 {listed} 版中没有确定的对应大类：{told.zh}",
    )


def doubt(code: str, own: str) -> Words:
    """Say so where a code does not seem to be of its edition (代码与版本不符), by a weak list of codes; else nothing.

    Examples
    --------
    >>> doubt("4062", "2017").en
    '; 4062 is not known in edition 2017, but in: 2002 (weak source)'
    """
    fits = industry_editions(code)
    if own in fits:
        return Words("", "")
    listed = ", ".join(fits) or "–"
    return Words(
        f"; {plain(code)} is not known in edition {own}, but in: {listed} (weak source)",
        f"；{own} 版中未见代码 {plain(code)}，见于：{listed}（来源较弱）",
    )
