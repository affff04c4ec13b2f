"""Which limit an industry gets (查找控制值): by edition of the indicators, edition of the codes, and division.

The two-digit codes of GB/T 4754 moved between 2002 and 2011, so a code of one edition is never looked up in a table of
another without `codes.translate`, which does not guess. Where a code stands for several divisions with different
limits, none is taken unless the caller says which. How a limit was found travels with it as a note.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from geo.control.codes import code_edition as edition_of_codes
from geo.control.codes import division, doubt, no_counterpart, translate
from geo.control.limits import INDICATORS, Limit, standard_limits
from geo.control.words import one_of
from layers.errors import StandardError, Words, suggestion

__all__ = ["SEVERAL", "choose", "find_limit", "of_edition"]

#: What to do where a code stands for several divisions of the table that have different limits.
SEVERAL = ("refuse", "strictest", "mildest")


def find_limit(
    indicator: str,
    code: str,
    code_edition: str,
    edition: str = "2008",
    tables: Iterable[Limit] | None = None,
    *,
    several: str = "refuse",
) -> Limit:
    """Limit that control indicators (控制指标) set an industry: exactly one, or an error that names what was seen.

    Parameters
    ----------
    indicator : str
        One of `INDICATORS`.
    code, code_edition : str
        Industry code and the edition of GB/T 4754 it belongs to. Codes of another edition than the table's are
        translated by division, see `translate`.
    edition : str
        Edition of the control indicators.
    tables : iterable of Limit, optional
        Where to look; `standard_limits` when left out.
    several : {"refuse", "strictest", "mildest"}
        Where the code stands for several divisions with different limits: refuse, or take one and say so in the note.

    Returns
    -------
    Limit
        `note_zh`, `note_en` tell how the code was read and which limit was chosen.

    Raises
    ------
    StandardError
        No limit, or several: the candidates are named. An edition or indicator that is not in the tables.
    ProjectError
        `several` is none of the three.

    Examples
    --------
    A 2017 code 30 is non-metallic minerals, which 2002 calls 31; it does not get the limit of plastics (1.0):

    >>> limit = find_limit("plot_ratio", "3091", "2017")
    >>> limit.value, limit.code, limit.status_en
    (0.7, '31', 'superseded by the 2023 edition, unverified')
    """
    one_of("several", several, SEVERAL)
    _asked_indicator(indicator)
    every = of_edition(tables, edition)
    rows = [row for row in every if row.indicator == indicator]
    if not rows:
        there = ", ".join(dict.fromkeys(row.indicator for row in every))
        raise StandardError(
            f"Edition {edition} sets no {indicator}; it sets {there}. Give the limit in a table of your own: "
            'control.table = "FILE.csv".',
            f'{edition} 版没有 {indicator} 的控制值；有：{there}。请在自备的表中给出：control.table = "文件.csv"。',
        )
    limit, why = choose(rows, code, code_edition, several)
    if limit is None:
        about = f"{indicator}, {edition}"
        raise StandardError(f"{about}: {why.en}.", f"{about}：{why.zh}。")
    return limit


def _asked_indicator(indicator: str) -> None:
    if indicator not in INDICATORS:
        hint = suggestion(indicator, INDICATORS)
        raise StandardError(
            f'"{indicator}" is no control indicator.{hint.en} There are: {", ".join(INDICATORS)}.',
            f"没有控制指标“{indicator}”。{hint.zh}可用：{'、'.join(INDICATORS)}。",
        )


def of_edition(tables: Iterable[Limit] | None, edition: str) -> list[Limit]:
    """Return the limits of one edition of the control indicators (某一版本的控制值).

    Parameters
    ----------
    tables : iterable of Limit, or None
        Where to look; `standard_limits` when None.
    edition : str

    Raises
    ------
    StandardError
        The edition is not in the tables; those that are get named.

    Examples
    --------
    >>> len(of_edition(None, "2008"))
    90
    """
    limits = standard_limits() if tables is None else tuple(tables)
    found = [one for one in limits if one.edition == edition]
    if not found:
        known = sorted({one.edition for one in limits})
        raise StandardError(
            f'Control indicators of edition "{edition}" are not on board. There are: {", ".join(known) or "none"}. '
            'Load their table: control.table = "FILE.csv".',
            f'没有“{edition}”版控制指标。现有：{"、".join(known) or "无"}。请给出其表格：control.table = "文件.csv"。',
        )
    return found


def choose(rows: Sequence[Limit], code: str, code_edition: str, several: str) -> tuple[Limit | None, Words]:
    """Return the limit of an industry (行业对应控制值), or none and why.

    Parameters
    ----------
    rows : sequence of Limit
        Of one indicator in one edition.
    code, code_edition, several
        See `find_limit`.

    Raises
    ------
    StandardError
        The code or its edition is none.

    Examples
    --------
    >>> ratios = [one for one in standard_limits() if one.indicator == "plot_ratio"]
    >>> choose(ratios, "43", "2017", "refuse")[1].en[:56]
    '43 (GB/T 4754-2017) has no certain counterpart in 2002: '
    """
    own, digits = edition_of_codes(code_edition), division(code)
    editions = {row.code_edition for row in rows}
    editions = {own} if own in editions else editions
    keys = {(edition, one) for edition in editions for one in translate(code, own, edition)}
    if not keys:
        return None, no_counterpart(code, own, editions)
    asked = f"{digits} (GB/T 4754-{own})"
    found = [row for row in rows if (row.code_edition, row.code) in keys]
    seen = "; ".join(map(str, found)) or "–"
    if len(found) != len(keys):
        listed = ", ".join(f"{one} ({edition})" for edition, one in sorted(keys))
        unsure = doubt(code, own)
        return None, Words(
            f"{asked} stands for {listed}; expected one limit each, found {len(found)}: {seen}{unsure.en}",
            f"{asked} 对应 {listed}；每项应有一个控制值，实有 {len(found)} 个：{seen}{unsure.zh}",
        )
    if several == "refuse" and len({row.value for row in found}) > 1:
        return None, Words(
            f"{asked} can be any of {seen}. Name the division, or set control.several to strictest or mildest",
            f"{asked} 可对应：{seen}。请指明大类，或将 control.several 设为 strictest、mildest",
        )
    return _noted(found, code, own, several), Words("", "")


def _noted(found: Sequence[Limit], code: str, own: str, several: str) -> Limit:
    """Pick among limits that fit, and say how the code was read."""
    highest = (several == "strictest") == (found[0].comparison == "at_least")
    limit = min(found, key=lambda row: -row.value if highest else row.value)
    read, digits = " / ".join(f"{row.code} ({row.code_edition})" for row in found), division(code)
    en, zh = "", ""
    if (own, digits) != (limit.code_edition, limit.code):
        en = f"; code {digits} (GB/T 4754-{own}) read as {read}, by division and from memory"
        zh = f"；代码 {digits}（GB/T 4754-{own}）按大类对应为 {read}，对应关系凭记忆"
    if len({row.value for row in found}) > 1:
        en += f"; the {several} of {len(found)} limits taken"
        zh += f"；{len(found)} 个控制值中{'从严' if several == 'strictest' else '从宽'}取值"
    unsure = doubt(code, own)
    return replace(limit, note_en=(en + unsure.en).removeprefix("; "), note_zh=(zh + unsure.zh).removeprefix("；"))
