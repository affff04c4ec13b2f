"""Control indicators for industrial projects (工业项目建设用地控制指标): limits by industry, held against land.

Limits stand in `policy/control`: the edition of 2008 is on board; later editions and the plot ratios of
sub-regions are tables the user loads, and nothing in them is believed without a source. A limit is found
by edition of the indicators, edition of the industry codes, and division: the two-digit codes of
GB/T 4754 moved between 2002 and 2011, so a code of one edition is never looked up in a table of another
without `translate`, which does not guess.

Knows no geometry. Areas are in m², summed as integers and divided once; shares are fractions (0.30, not 30).
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from layers import units as unit_table
from layers.codes import industry_editions, plain
from layers.encoding import of_text
from layers.errors import ParkwiseError, ProjectError, SchemaError, SourceError, StandardError, first, nearest
from layers.sniffing import sniff
from layers.titles import plain as plain_title
from layers.titles import split_title
from layers.units import MISSING_WORDS, from_tally, parse_numbers, tally_scale, to_tally
from layers.values import to_codes, to_flags

__all__ = [
    "CODE_EDITIONS",
    "INDICATORS",
    "SEVERAL",
    "Limit",
    "SubRegion",
    "find_limit",
    "find_sub_regional",
    "hold",
    "load_limits",
    "load_sub_regions",
    "standard_limits",
    "translate",
]

#: Editions of GB/T 4754 (国民经济行业分类) whose divisions are compared in `policy/control/codes.csv`.
CODE_EDITIONS = ("2002", "2011", "2017")

#: indicator → (what is summed on top, what below, on which side of the limit it should lie).
#: The share of floor area takes floor area as built: no storey counted double, on top or below.
INDICATORS: Mapping[str, tuple[str, str, str]] = {
    "plot_ratio": ("floor_area_m2", "land_area_m2", "at_least"),
    "building_coefficient": ("covered_area_m2", "land_area_m2", "at_least"),
    "admin_land_share": ("admin_land_m2", "land_area_m2", "at_most"),
    "admin_floor_share": ("admin_floor_area_m2", "total_floor_area_m2", "at_most"),
    "green_ratio": ("green_area_m2", "land_area_m2", "at_most"),
}

#: What to do where a code stands for several divisions of the table that have different limits.
SEVERAL = ("refuse", "strictest", "mildest")

#: No plot ratio asked of industrial land comes near this; 80 is 0.8 typed in percent.
_HIGHEST_PLOT_RATIO = 20.0

_LIMIT_TITLES: Mapping[str, tuple[str, ...]] = {
    "edition": ("版本", "标准版本", "指标版本"),
    "code_edition": ("行业分类版本", "行业代码版本", "行业分类标准版本"),
    "code": ("行业代码", "代码", "industry_code"),
    "name_zh": ("name", "名称", "行业名称", "行业分类", "行业"),
    "name_en": (),
    "plot_ratio_min": ("far_min", "容积率下限", "容积率"),
    "building_coefficient_min": ("coeff_min", "建筑系数下限", "建筑系数"),
    "admin_land_share_max": (
        "admin_land_max",
        "行政办公及生活服务设施用地比重上限",
        "行政办公及生活服务设施用地所占比重",
        "行政办公用地比重上限",
    ),
    "admin_floor_share_max": (
        "admin_gfa_max",
        "行政办公及生活服务设施建筑面积比重上限",
        "行政办公及生活服务设施建筑面积所占比重",
        "行政办公建筑面积比重上限",
    ),
    "green_ratio_max": ("green_max", "绿地率上限", "绿地率"),
    "document": ("文件", "文号"),
    "clause": ("条款",),
    "source": ("来源", "出处", "数据来源"),
    "status_zh": ("状态",),
    "status_en": ("status",),
}

_SUB_REGION_TITLES: Mapping[str, tuple[str, ...]] = {
    "sub_region": ("分区", "区域", "分区名称", "所属区域"),
    "inside_parks": ("园区内", "是否园区内", "是否在园区内"),
    "code_edition": _LIMIT_TITLES["code_edition"],
    "code": _LIMIT_TITLES["code"],
    "name": ("名称", "行业名称", "行业分类", "行业"),
    "plot_ratio_min": _LIMIT_TITLES["plot_ratio_min"],
    "plot_ratio_max": ("far_max", "容积率上限"),
    "source": _LIMIT_TITLES["source"],
}


@dataclass(frozen=True)
class Limit:
    """One limit (控制值): of which indicator, for which division, by which edition, on whose word."""

    indicator: str
    comparison: str  # at_least or at_most
    value: float
    edition: str
    code_edition: str
    code: str  # the division in the table, after any translation
    name_zh: str
    name_en: str
    document: str
    clause: str
    source: str
    status_zh: str
    status_en: str
    where: str  # file and line
    unit: str = "1"
    note_zh: str = ""  # what was settled on the way to it
    note_en: str = ""

    def __str__(self) -> str:
        """Name the limit in one line, for messages."""
        sign = "≥" if self.comparison == "at_least" else "≤"
        return f"{self.code} {self.name_zh} {sign} {self.value:g} ({self.where})"


@dataclass(frozen=True)
class SubRegion:
    """One row of a sub-regional standard (分区域容积率准入标准); None: holds for both sides, or for every industry."""

    sub_region: str
    inside_parks: bool | None
    code_edition: str | None
    code: str | None
    plot_ratio_min: float | None
    plot_ratio_max: float | None
    source: str
    where: str
    name: str = ""  # of the industry

    @property
    def specific(self) -> int:
        """How much the row asks of a case: its industry, its side of the park boundary."""
        return (self.code is not None) + (self.inside_parks is not None)

    def __str__(self) -> str:
        """Name the row in one line, for messages."""
        side = {True: "inside parks", False: "outside parks", None: "inside and outside"}[self.inside_parks]
        industry = "all industries" if self.code is None else f"{self.code} {self.name} (GB/T 4754-{self.code_edition})"
        return f"{self.where}: {self.sub_region}, {side}, {industry}"


class _Words(NamedTuple):
    """One sentence in two languages."""

    en: str
    zh: str


# ---------------------------------------------------------------- industry codes


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
    came, goes, division = _code_edition(source), _code_edition(target), _division(code)
    if came == goes:
        return (division,)
    found = {row[f"code_{goes}"] for row in _crosswalk() if row[f"code_{came}"] == division}
    return tuple(sorted(found - {""}))


@cache
def _crosswalk() -> tuple[Mapping[str, str], ...]:
    text = resources.files("geo").joinpath("policy/control/codes.csv").read_text("utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def _code_edition(text: str) -> str:
    match = re.fullmatch(r"(?:GB/?T?\s*4754\s*[-—–]?\s*)?(\d{4})版?", plain(text))
    if match and match[1] in CODE_EDITIONS:
        return match[1]
    raise StandardError(
        f'"{text}" is no edition of GB/T 4754 that is compared. Expected one of {", ".join(CODE_EDITIONS)}.',
        f"“{text}”不是可对照的 GB/T 4754 版本。应为 {'、'.join(CODE_EDITIONS)} 之一。",
    )


def _division(code: str) -> str:
    match = re.fullmatch(r"[A-T]?(\d{2})\d{0,2}", plain(code))
    if match:
        return match[1]
    raise StandardError(
        f'"{code}" is no industry code. Expected two to four digits of GB/T 4754, such as 39 or C3911.',
        f"“{code}”不是行业代码。应为 GB/T 4754 的两至四位代码，如 39、C3911。",
    )


# ---------------------------------------------------------------- limits by industry


@cache
def standard_limits() -> tuple[Limit, ...]:
    """Return the limits on board: the edition of 2008 (国土资发〔2008〕24号), superseded.

    Examples
    --------
    >>> len({limit.code for limit in standard_limits()})
    30
    """
    text = resources.files("geo").joinpath("policy/control/2008.csv").read_text("utf-8")
    return _limits(text, "2008.csv")


def load_limits(path: str | Path) -> tuple[Limit, ...]:
    """Read a table of control indicators (控制指标表), one row a division, and refuse what is not sourced.

    Parameters
    ----------
    path : path
        CSV in UTF-8 or GB18030. Columns `edition`, `code_edition`, `code` (a division), `source` and at least one of
        `plot_ratio_min`, `building_coefficient_min`, `admin_land_share_max`, `admin_floor_share_max`,
        `green_ratio_max`; also `name_zh`, `name_en`, `document`, `clause`, `status_zh`, `status_en`. Titles such as
        容积率下限 and far_min are understood. Shares as 0.30 or 30%; an empty cell gives no limit.

    Returns
    -------
    tuple of Limit
        One a figure. To look in them beside the edition on board: ``(*standard_limits(), *load_limits(path))``.

    Raises
    ------
    SourceError
        The file cannot be read as delimited text.
    StandardError
        A column is unknown or missing, a division stands twice in an edition, or rows cannot be used: no source,
        no figure, a share above 1, text where a number is due, an unknown edition of the codes.
    """
    return _limits(_text(Path(path)), Path(path).name)


def _limits(text: str, file: str) -> tuple[Limit, ...]:
    rows = _rows(text, file, _LIMIT_TITLES, ("edition", "code_edition", "code", "source"))
    found = _each(file, rows, _limits_of)
    _once(file, [((one.edition, one.code_edition, one.code), str(one)) for one, *_ in found])
    return tuple(limit for row in found for limit in row)


def _limits_of(row: _Row) -> list[Limit]:
    shared = {name: row.get(name) for name in ("name_zh", "name_en", "document", "clause", "status_zh", "status_en")}
    shared |= {"edition": row.needed("edition"), "source": row.needed("source"), "where": row.where}
    shared |= {"code": row.division(), "code_edition": row.code_edition()}
    found = [
        Limit(indicator=indicator, comparison=comparison, value=value, **shared)
        for indicator, (_, _, comparison) in INDICATORS.items()
        if (value := row.figure(_column(indicator, comparison), comparison)) is not None
    ]
    if not found:
        raise row.wrong("", "it gives no limit. Add one, or leave the row out", "没有任何控制值。请补充，或删去此行")
    return found


def _column(indicator: str, comparison: str) -> str:
    return f"{indicator}_{'min' if comparison == 'at_least' else 'max'}"


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
    _one_of("several", several, SEVERAL)
    _asked_indicator(indicator)
    every = _of_edition(tables, edition)
    rows = [row for row in every if row.indicator == indicator]
    if not rows:
        there = ", ".join(dict.fromkeys(row.indicator for row in every))
        raise StandardError(
            f"Edition {edition} sets no {indicator}; it sets {there}. Give the limit in a table of your own.",
            f"{edition} 版没有 {indicator} 的控制值；有：{there}。请在自备的表中给出。",
        )
    limit, why = _choose(rows, code, code_edition, several)
    if limit is None:
        about = f"{indicator}, {edition}"
        raise StandardError(f"{about}: {why.en}.", f"{about}：{why.zh}。")
    return limit


def _asked_indicator(indicator: str) -> None:
    if indicator not in INDICATORS:
        like = nearest(indicator, INDICATORS)
        hint = _Words(f' Did you mean "{like}"?', f"是否指“{like}”？") if like else _Words("", "")
        raise StandardError(
            f'"{indicator}" is no control indicator.{hint.en} There are: {", ".join(INDICATORS)}.',
            f"没有控制指标“{indicator}”。{hint.zh}可用：{'、'.join(INDICATORS)}。",
        )


def _of_edition(tables: Iterable[Limit] | None, edition: str) -> list[Limit]:
    limits = standard_limits() if tables is None else tuple(tables)
    found = [one for one in limits if one.edition == edition]
    if not found:
        known = sorted({one.edition for one in limits})
        raise StandardError(
            f'Control indicators of edition "{edition}" are not on board. There are: {", ".join(known) or "none"}. '
            "Load their table with load_limits.",
            f"没有“{edition}”版控制指标。现有：{'、'.join(known) or '无'}。请用 load_limits 读入。",
        )
    return found


def _choose(rows: Sequence[Limit], code: str, code_edition: str, several: str) -> tuple[Limit | None, _Words]:
    """Return the limit of an industry, or none and why."""
    own, division = _code_edition(code_edition), _division(code)
    editions = {row.code_edition for row in rows}
    editions = {own} if own in editions else editions
    keys = {(edition, one) for edition in editions for one in translate(code, own, edition)}
    asked = f"{division} (GB/T 4754-{own})"
    if not keys:
        return None, _no_counterpart(asked, own, division, editions)
    found = [row for row in rows if (row.code_edition, row.code) in keys]
    seen = "; ".join(map(str, found)) or "–"
    if len(found) != len(keys):
        listed = ", ".join(f"{one} ({edition})" for edition, one in sorted(keys))
        doubt = _doubt(code, own)
        return None, _Words(
            f"{asked} stands for {listed}; expected one limit each, found {len(found)}: {seen}{doubt.en}",
            f"{asked} 对应 {listed}；每项应有一个控制值，实有 {len(found)} 个：{seen}{doubt.zh}",
        )
    if several == "refuse" and len({row.value for row in found}) > 1:
        return None, _Words(
            f"{asked} can be any of {seen}. Name the division, or choose several = strictest or mildest",
            f"{asked} 可对应：{seen}。请指明大类，或设 several = strictest、mildest",
        )
    return _noted(found, code, own, several), _Words("", "")


def _no_counterpart(asked: str, own: str, division: str, editions: Iterable[str]) -> _Words:
    row = next((row for row in _crosswalk() if row[f"code_{own}"] == division), None)
    told = _Words("it is no division compared in that edition", "该版本中没有可对照的这一大类")
    if row is not None:
        told = _Words(row["note_en"], row["note_zh"])
    listed = ", ".join(sorted(editions))
    return _Words(
        f"{asked} has no certain counterpart in {listed}: {told.en}",
        f"{asked} 在 {listed} 版中没有确定的对应大类：{told.zh}",
    )


def _doubt(code: str, own: str) -> _Words:
    """Say so where a code does not seem to be of the edition it is said to be of (by a weak list of codes)."""
    fits = industry_editions(code)
    if own in fits:
        return _Words("", "")
    listed = ", ".join(fits) or "–"
    return _Words(
        f"; {plain(code)} is not known in edition {own}, but in: {listed} (weak source)",
        f"；{own} 版中未见代码 {plain(code)}，见于：{listed}（来源较弱）",
    )


def _noted(found: Sequence[Limit], code: str, own: str, several: str) -> Limit:
    """Pick among limits that fit, and say how the code was read."""
    highest = (several == "strictest") == (found[0].comparison == "at_least")
    limit = min(found, key=lambda row: -row.value if highest else row.value)
    read, division = " / ".join(f"{row.code} ({row.code_edition})" for row in found), _division(code)
    en, zh = "", ""
    if (own, division) != (limit.code_edition, limit.code):
        en = f"; code {division} (GB/T 4754-{own}) read as {read}, by division and from memory"
        zh = f"；代码 {division}（GB/T 4754-{own}）按大类对应为 {read}，对应关系凭记忆"
    if len({row.value for row in found}) > 1:
        en += f"; the {several} of {len(found)} limits taken"
        zh += f"；{len(found)} 个控制值中{'从严' if several == 'strictest' else '从宽'}取值"
    doubt = _doubt(code, own)
    return replace(limit, note_en=(en + doubt.en).removeprefix("; "), note_zh=(zh + doubt.zh).removeprefix("；"))


# ---------------------------------------------------------------- limits by sub-region


def load_sub_regions(path: str | Path) -> tuple[SubRegion, ...]:
    """Read plot ratios by sub-region (分区域容积率准入标准) and refuse what is not sourced.

    Parameters
    ----------
    path : path
        CSV in UTF-8 or GB18030: `sub_region`, `inside_parks` (yes, no, empty for both), `code` with its `code_edition`
        (both empty for all industries), `plot_ratio_min`, `plot_ratio_max` (one of them may be left out), `source`.

    Raises
    ------
    SourceError, StandardError
        As in `load_limits`; also a code without its edition, a minimum above the maximum, a case that stands twice.
    """
    file = Path(path).name
    rows = _rows(_text(Path(path)), file, _SUB_REGION_TITLES, ("sub_region", "source"))
    found = _each(file, rows, _sub_region_of)
    _once(file, [((one.sub_region, one.inside_parks, one.code_edition, one.code), str(one)) for one in found])
    return tuple(found)


def _sub_region_of(row: _Row) -> SubRegion:
    side = row.get("inside_parks")
    inside = to_flags(pd.Series([side], dtype="object"))[0] if side else pd.NA
    if side and pd.isna(inside):
        raise row.wrong("inside_parks", f'"{side}": expected yes, no or nothing', f"“{side}”：应为 是、否 或留空")
    low, high = row.figure("plot_ratio_min", "at_least"), row.figure("plot_ratio_max", "at_most")
    if low is None and high is None:
        raise row.wrong("plot_ratio_min", "neither minimum nor maximum is given", "容积率下限、上限均未给出")
    if low is not None and high is not None and low > high:
        raise row.wrong("plot_ratio_min", f"{low:g} is above the maximum {high:g}", f"{low:g} 大于上限 {high:g}")
    return SubRegion(
        sub_region=row.needed("sub_region"),
        inside_parks=None if pd.isna(inside) else bool(inside),
        code_edition=row.code_edition() if row.get("code") else None,
        code=row.division() if row.get("code") else None,
        plot_ratio_min=low,
        plot_ratio_max=high,
        source=row.needed("source"),
        where=row.where,
        name=row.get("name"),
    )


def find_sub_regional(
    sub_region: str,
    tables: Iterable[SubRegion],
    *,
    code: str | None = None,
    code_edition: str | None = None,
    inside_parks: bool | None = None,
) -> SubRegion:
    """Row of a sub-regional standard (分区域容积率准入标准) that holds for a case: the most specific one.

    A row for an industry goes before one for all, a row for inside or outside parks before one for both. What is not
    known of the case fits no row that asks for it: where such a row could win, there is no answer.

    Parameters
    ----------
    sub_region : str
        As the table calls it.
    tables : iterable of SubRegion
        From `load_sub_regions`.
    code, code_edition : str, optional
        Industry code and its edition of GB/T 4754; None where not known.
    inside_parks : bool, optional
        None where not known.

    Raises
    ------
    StandardError
        No row fits, rows are equally specific, or it hangs on what is not known. The rows are named.

    Examples
    --------
    >>> both = SubRegion("甲区", None, None, None, 1.2, None, "example", "a.csv, line 2")
    >>> inside = replace(both, inside_parks=True, plot_ratio_min=1.5)
    >>> find_sub_regional("甲区", [both, inside], inside_parks=True).plot_ratio_min
    1.5
    """
    rows = list(tables)
    own = [row for row in rows if row.sub_region == sub_region]
    if not own:
        raise _unknown_sub_region(sub_region, rows)
    verdicts = [(row, _fits(row, code, code_edition, inside_parks)) for row in own]
    possible = [(row, sure) for row, sure in verdicts if sure is not False]
    top = max((row.specific for row, _ in possible), default=0)
    best = [(row, sure) for row, sure in possible if row.specific == top]
    if len(best) == 1 and best[0][1]:
        return best[0][0]
    seen = "; ".join(f"{row} ({'fits' if sure else 'may fit'})" for row, sure in best)
    if not best:
        seen = "; ".join(f"{row} (does not fit)" for row in own)
    case = f"{sub_region}, code {code} ({code_edition}), inside parks {inside_parks}"
    raise StandardError(
        f"{case}: expected exactly one most specific row. Seen: {seen}. "
        "Give the code with its edition and the side of the park boundary, or a row that settles it.",
        f"{case}：最具体的行应恰有一行。已查看：{seen}。请给出行业代码及其版本、是否在园区内，或在表中增加能区分的行。",
    )


def _unknown_sub_region(name: str, rows: Iterable[SubRegion]) -> StandardError:
    known = list(dict.fromkeys(row.sub_region for row in rows))
    like = nearest(name, known)
    hint = _Words(f' Did you mean "{like}"?', f"是否指“{like}”？") if like else _Words("", "")
    return StandardError(
        f'Sub-region "{name}" is not in the table.{hint.en} It has: {first(known) or "none"}.',
        f"表中没有分区“{name}”。{hint.zh}表中有：{first(known) or '无'}。",
    )


def _fits(row: SubRegion, code: str | None, code_edition: str | None, inside_parks: bool | None) -> bool | None:
    """Tell whether a row fits a case; None where that is not known."""
    side = None if inside_parks is None else inside_parks == row.inside_parks
    parts = [True if row.inside_parks is None else side, _fits_industry(row, code, code_edition)]
    return False if False in parts else None if None in parts else True


def _fits_industry(row: SubRegion, code: str | None, code_edition: str | None) -> bool | None:
    if row.code is None or row.code_edition is None:
        return True
    if code is None or code_edition is None:
        return None
    can_be = translate(code, code_edition, row.code_edition)
    return row.code == can_be[0] if len(can_be) == 1 else None if not can_be or row.code in can_be else False


# ---------------------------------------------------------------- land against limits


@dataclass(frozen=True)
class _Demand:
    """What one standard asks on one side of one indicator, row by row of the table that is held."""

    standard: str  # edition, or "sub_region"
    indicator: str
    comparison: str
    limits: npt.NDArray[np.float64]  # missing where a row has no limit
    sources: list[str]
    notes: list[tuple[_Words, ...]]  # how the limit was found, or why there is none


def hold(
    units: pd.DataFrame,
    by: str,
    *,
    limits: Iterable[Limit] | None = None,
    edition: str = "2008",
    sub_regions: Iterable[SubRegion] | None = None,
    several: str = "refuse",
) -> pd.DataFrame:
    """Hold accounting units against control indicators (核算单元与控制指标对照): parcels, parks or platforms.

    limit of a unit = Σ denominator × limit of its industry / Σ denominator

    That weighting is this project's convention: no text says what a park of several industries must reach. Value and
    limit run over the same rows, those whose areas and limit are known, so a unit has to have the floor area that
    its industries need together. The other rows are counted, and their land is told.

    Parameters
    ----------
    units : DataFrame
        One row a unit × industry: the column `by`, `code`, `code_edition` (of GB/T 4754), `land_area_m2`, and of
        `floor_area_m2`, `covered_area_m2` (buildings, structures and open yards), `admin_land_m2`,
        `admin_floor_area_m2` with `total_floor_area_m2`, `green_area_m2` what is known, all in m². Missing is missing.
        Administrative land that cannot be told apart is land × its share of floor area; that is the caller's to do.
        `storeys_unknown_m2`: how much of `floor_area_m2` has no known storey height. `sub_region`, `inside_parks`: for
        `sub_regions`.
    by : str
        Column with the unit's id.
    limits, edition, several
        See `find_limit` (`limits` are its `tables`). A row whose industry has no limit is told, not refused.
    sub_regions : iterable of SubRegion, optional
        Also hold the plot ratio against these.

    Returns
    -------
    DataFrame
        One row a unit × standard × indicator, units in order of appearance: `unit`, `standard` (edition, or
        "sub_region"), `indicator`, `comparison`, `value`, `limit` (both without unit), `met` (True, False, None), `gap`
        (what is lacking; negative where there is something to spare), `numerator_m2`, `denominator_m2`, `rows`,
        `missing_rows` (not held), `land_without_limit_m2`, `as_recorded` (plot ratio: whether floor area without known
        storey height is in it, so that the rule for storeys above 8 m was not applied; None where not stated),
        `source`, `note_zh`, `note_en`. Where no row of a unit has a limit, `value` is that of all
        rows with known areas.

    Raises
    ------
    SchemaError
        A column is missing.
    ProjectError
        A row without unit id, a negative or infinite area, an unknown `several`.
    StandardError
        The edition is not in the tables.

    References
    ----------
    国土资发〔2008〕24号, definitions of 容积率, 建筑系数, 行政办公及生活服务设施用地所占比重, 绿地率.

    Examples
    --------
    Electronics need 1.0 and non-metallic minerals 0.7; together (1,000 × 1.0 + 3,000 × 0.7) / 4,000 = 0.775:

    >>> park = pd.DataFrame({"park": "甲园", "code": ["3912", "3091"], "code_edition": "2017",
    ...                      "land_area_m2": [1000.0, 3000.0], "floor_area_m2": [1500.0, 1800.0]})
    >>> found = hold(park, "park").iloc[0]
    >>> found["indicator"], float(found["value"]), float(found["limit"]), found["met"]
    ('plot_ratio', 0.825, 0.775, True)
    """
    _one_of("several", several, SEVERAL)
    rows, names = _checked(units, by, with_sub_regions=sub_regions is not None)
    demands = list(_by_industry(rows, _of_edition(limits, edition), several))
    if sub_regions is not None:
        demands += _by_sub_region(rows, list(sub_regions))
    table = pd.concat([_held(rows, demand, len(names)) for demand in demands]).sort_index(kind="stable")
    table.insert(0, "unit", [names[place] for place in table.index])
    return table.reset_index(drop=True)


def _one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise ProjectError(
            f'{name} = "{value}": expected one of {", ".join(known)}.',
            f"{name} = “{value}”：应为 {'、'.join(known)} 之一。",
        )


def _checked(units: pd.DataFrame, by: str, *, with_sub_regions: bool) -> tuple[pd.DataFrame, list[object]]:
    """Return the rows with the place of their unit, codes as text and every area there is; and the units' ids."""
    needed = [by, "code", "code_edition", "land_area_m2"]
    needed += ["sub_region", "inside_parks"] if with_sub_regions else []
    lacking = [name for name in needed if name not in units]
    if lacking:
        raise SchemaError(
            f"units: {len(lacking)} of {len(needed)} columns are missing: {', '.join(lacking)}. "
            f"Found: {first(units.columns, 20)}.",
            f"units：{len(needed)} 个必需字段中缺少 {len(lacking)} 个：{'、'.join(lacking)}。"
            f"现有：{first(units.columns, 20)}。",
        )
    given = units.reset_index(drop=True)
    place, names = pd.factorize(given[by])
    _none_of(place < 0, by, _Words("are empty; expected the id of a unit", "为空；应为核算单元编号"))
    rows = pd.DataFrame({"unit": place}).assign(
        code=to_codes(given["code"]), code_edition=to_codes(given["code_edition"])
    )
    areas = {name for top, below, _ in INDICATORS.values() for name in (top, below)}
    for name in sorted(areas | ({"storeys_unknown_m2"} & set(given))):
        rows[name] = given[name].astype("float64") if name in given else np.nan
        wrong = ((rows[name] < 0) | np.isinf(rows[name])).to_numpy()
        _none_of(wrong, name, _Words("are negative or infinite; expected m²", "为负或无穷大；应为平方米数"))
    if with_sub_regions:
        rows = rows.assign(sub_region=given["sub_region"], inside_parks=to_flags(given["inside_parks"]))
    return rows, list(names)


def _none_of(wrong: npt.NDArray[np.bool_], column: str, told: _Words) -> None:
    if wrong.any():
        at = first(np.flatnonzero(wrong) + 1)
        raise ProjectError(
            f"units.{column}: {int(wrong.sum())} of {len(wrong)} values {told.en} (rows {at}). Correct the table.",
            f"units.{column}：{len(wrong)} 个值中有 {int(wrong.sum())} 个{told.zh}（第 {at} 行）。请更正该表。",
        )


def _by_industry(rows: pd.DataFrame, limits: Sequence[Limit], several: str) -> Iterator[_Demand]:
    keys = list(zip(map(_or_none, rows["code"]), map(_or_none, rows["code_edition"]), strict=True))
    for indicator, (_, _, comparison) in INDICATORS.items():
        own = [one for one in limits if one.indicator == indicator]
        if own:
            settled = {key: _settled(own, *key, several) for key in dict.fromkeys(keys)}
            found = [settled[key] for key in keys]
            yield _Demand(
                standard=own[0].edition,
                indicator=indicator,
                comparison=comparison,
                limits=np.array([np.nan if one is None else one.value for one, _ in found], dtype="float64"),
                sources=["" if one is None else _cited(one) for one, _ in found],
                notes=[told for _, told in found],
            )


def _or_none(value: object) -> Any:  # noqa: ANN401  (whatever a cell holds)
    return None if pd.isna(value) else value  # type: ignore[call-overload]


def _settled(
    own: Sequence[Limit], code: str | None, code_edition: str | None, several: str
) -> tuple[Limit | None, tuple[_Words, ...]]:
    """Return the limit of an industry with what there is to say of it, or none and why."""
    if code is None:
        return None, (_Words("rows without industry code", "有的行没有行业代码"),)
    if code_edition is None:
        return None, (_Words("industry codes without their edition", "有的行业代码没有注明版本"),)
    try:
        limit, why = _choose(own, code, code_edition, several)
    except StandardError as error:
        return None, (_sentence(error),)
    if limit is None:
        return None, (why,)
    return limit, (_Words(limit.status_en, limit.status_zh), _Words(limit.note_en, limit.note_zh))


def _sentence(error: ParkwiseError) -> _Words:
    """Return a message without its full stop, to be joined with others."""
    return _Words(error.en.rstrip("."), error.zh.rstrip("。"))


def _cited(limit: Limit) -> str:
    return " | ".join(filter(None, (limit.document, limit.clause, limit.source)))


def _by_sub_region(rows: pd.DataFrame, sub_regions: Sequence[SubRegion]) -> Iterator[_Demand]:
    names = ("sub_region", "code", "code_edition", "inside_parks")
    keys = list(zip(*(map(_or_none, rows[name]) for name in names), strict=True))
    settled = {key: _settled_sub_region(sub_regions, *key) for key in dict.fromkeys(keys)}
    for comparison, column in (("at_least", "plot_ratio_min"), ("at_most", "plot_ratio_max")):
        if any(getattr(one, column) is not None for one in sub_regions):
            unset = (_Words(f"sub-regions that set no {column}", f"有的分区未设 {column}"),)
            found = [(one, getattr(one, column, None), why) for one, why in (settled[key] for key in keys)]
            yield _Demand(
                standard="sub_region",
                indicator="plot_ratio",
                comparison=comparison,
                limits=np.array([np.nan if value is None else value for _, value, _ in found], dtype="float64"),
                sources=["" if one is None else f"{one.source} | {one.where}" for one, _, _ in found],
                notes=[unset if one is not None and value is None else why for one, value, why in found],
            )


def _settled_sub_region(
    sub_regions: Sequence[SubRegion], name: object, code: str | None, code_edition: str | None, inside: bool | None
) -> tuple[SubRegion | None, tuple[_Words, ...]]:
    if name is None:
        return None, (_Words("rows without sub-region", "有的行没有分区"),)
    side = None if inside is None else bool(inside)
    try:
        found = find_sub_regional(str(name), sub_regions, code=code, code_edition=code_edition, inside_parks=side)
    except StandardError as error:
        return None, (_sentence(error),)
    return found, ()


def _held(rows: pd.DataFrame, demand: _Demand, units: int) -> pd.DataFrame:
    """Sum by unit what one demand needs, and judge once; the index is the place of the unit."""
    top_name, below_name, _ = INDICATORS[demand.indicator]
    unit, limited = rows["unit"].to_numpy(), ~np.isnan(demand.limits)
    known = (rows[top_name].notna() & rows[below_name].notna()).to_numpy()
    judged = known & limited
    each, held = np.bincount(unit, minlength=units), np.bincount(unit[judged], minlength=units)
    counted = np.where((held > 0)[unit], judged, known)
    some = np.bincount(unit[counted], minlength=units) > 0
    below = _steps(rows[below_name])
    tops, belows = _sum(_steps(rows[top_name]), unit, counted, units), _sum(below, unit, counted, units)
    needs = _sum(below * _steps(pd.Series(demand.limits), "1"), unit, judged, units)
    table = _verdicts(
        tops, belows, [need if number else None for need, number in zip(needs, held, strict=True)], demand
    )
    open_storeys = _open_storeys(rows, demand, counted, units)
    notes = _notes(rows, demand, known, open_storeys)
    land = _sum(_steps(rows["land_area_m2"]), unit, ~limited, units)
    return table.assign(
        numerator_m2=np.where(some, _m2(tops), np.nan),
        denominator_m2=np.where(some, _m2(belows), np.nan),
        rows=each,
        missing_rows=each - held,
        land_without_limit_m2=_m2(land),
        as_recorded=open_storeys,
        source=_joined(_sources(unit, demand, judged), units, "; "),
        note_zh=_joined([(place, told.zh) for place, told in notes], units, "；"),
        note_en=_joined([(place, told.en) for place, told in notes], units, "; "),
    )


def _steps(values: pd.Series, base: str = "m2") -> npt.NDArray[np.object_]:
    """Whole steps as Python's integers, which a product of land and limit does not overflow; missing as 0."""
    return to_tally(values.fillna(0.0), base).astype("object")


def _sum(
    steps: npt.NDArray[np.object_], unit: npt.NDArray[np.intp], mask: npt.NDArray[np.bool_], units: int
) -> list[int]:
    sums = np.zeros(units, dtype="object")
    np.add.at(sums, unit[mask], steps[mask])
    return list(sums)


def _m2(steps: list[int]) -> npt.NDArray[np.float64]:
    return from_tally(np.array(steps, dtype="int64"), "m2")


def _verdicts(tops: list[int], belows: list[int], needs: list[int | None], demand: _Demand) -> pd.DataFrame:
    """Judge each unit by its two sums and by what its rows need together (Σ below × limit; None: nothing is held)."""
    scale = tally_scale("1")
    judged = [
        _verdict(top * scale, below * scale, need, demand.comparison)
        for top, below, need in zip(tops, belows, needs, strict=True)
    ]
    table = pd.DataFrame(judged, columns=["value", "limit", "met", "gap"]).astype({"met": "object"})
    told = {"standard": demand.standard, "indicator": demand.indicator, "comparison": demand.comparison}
    return table.assign(**told)[[*told, *table.columns]]


def _verdict(top: int, below: int, need: int | None, comparison: str) -> tuple[float, float, bool | None, float]:
    """Return value, limit, met and gap.

    In integers, divided once: who reaches a limit exactly has met it, however the land is cut.
    """
    unknown = float("nan")
    if below == 0:
        return unknown, unknown, None, unknown
    if need is None:
        return top / below, unknown, None, unknown
    lacking = need - top if comparison == "at_least" else top - need
    return top / below, need / below, lacking <= 0, lacking / below


def _open_storeys(
    rows: pd.DataFrame, demand: _Demand, counted: npt.NDArray[np.bool_], units: int
) -> npt.NDArray[np.object_]:
    """Tell by unit whether floor area of unknown storey height is in a plot ratio; None where that is not stated."""
    if demand.indicator != "plot_ratio" or "storeys_unknown_m2" not in rows:
        return np.full(units, None, dtype="object")
    unknown = counted & ~(rows["storeys_unknown_m2"] == 0).to_numpy()
    return (np.bincount(rows["unit"].to_numpy()[unknown], minlength=units) > 0).astype("object")


def _notes(
    rows: pd.DataFrame, demand: _Demand, known: npt.NDArray[np.bool_], open_storeys: npt.NDArray[np.object_]
) -> list[tuple[int, _Words]]:
    """Return what is to be said, each with the place of its unit."""
    top, below, _ = INDICATORS[demand.indicator]
    blank = _Words(f"rows without {top} or {below}", f"有的行缺少 {top} 或 {below}")
    recorded = _Words(
        "floor area as recorded: where a storey of unknown height is above 8 m, the plot ratio is higher",
        "建筑面积按登记值：层高未知的楼层如超过 8 米，容积率会更高",
    )
    unit = rows["unit"].to_numpy()
    return [
        *((place, told) for place, said in zip(unit, demand.notes, strict=True) for told in said),
        *((place, blank) for place in unit[~known]),
        *((place, recorded) for place, open_ in enumerate(open_storeys) if open_),
    ]


def _sources(unit: npt.NDArray[np.intp], demand: _Demand, judged: npt.NDArray[np.bool_]) -> list[tuple[int, str]]:
    """Return whose word each limit is, each with the place of its unit; weighting is ours."""
    weighted = "限值按用地面积加权为本工具约定 / limits weighted by area: project convention"
    different = pd.Series(demand.limits[judged]).groupby(unit[judged]).nunique()
    return [
        *((unit[row], demand.sources[row]) for row in np.flatnonzero(judged)),
        *((place, weighted) for place in different.index[different > 1]),
    ]


def _joined(pairs: Iterable[tuple[int, str]], units: int, mark: str) -> list[str]:
    """Join by unit what is said there, each once."""
    texts: list[dict[str, None]] = [{} for _ in range(units)]
    for place, text in pairs:
        if text:
            texts[place][text] = None
    return [mark.join(one) for one in texts]


# ---------------------------------------------------------------- tables as files

_Found = TypeVar("_Found")


@dataclass(frozen=True)
class _Row:
    """One row of a table under our names, and how its cells are read."""

    where: str
    cells: Mapping[str, str]

    def wrong(self, column: str, en: str, zh: str) -> StandardError:
        place = f"{self.where}, {column}" if column else self.where
        return StandardError(f"{place}: {en}.", f"{place}：{zh}。")

    def get(self, column: str) -> str:
        return self.cells.get(column, "")

    def needed(self, column: str) -> str:
        if not self.get(column):
            raise self.wrong(column, "it is empty; nothing is taken without it", "为空；缺少此项不予采用")
        return self.get(column)

    def code_edition(self) -> str:
        given = self.needed("code_edition")
        try:
            return _code_edition(given)
        except StandardError as error:
            raise self.wrong("code_edition", error.en.rstrip("."), error.zh.rstrip("。")) from None

    def division(self) -> str:
        match = re.fullmatch(r"[A-T]?(\d{2})", plain(self.needed("code")))
        if match is None:
            given = self.get("code")
            raise self.wrong(
                "code", f'"{given}": expected a division, two digits such as 39', f"“{given}”：应为两位大类代码，如 39"
            )
        return match[1]

    def figure(self, column: str, comparison: str) -> float | None:
        """Return a limit as a plain number, None where the cell is empty."""
        given = self.get(column)
        if not given:
            return None
        text = unicodedata.normalize("NFKC", given).strip().lstrip("≥>=" if comparison == "at_least" else "≤<=")
        numbers, found = parse_numbers(pd.Series([text], dtype="object"))
        number, unit = float(numbers[0]), found[0]
        if np.isnan(number) or text[:1] in "约≥≤<>=" or unit not in (None, "1", "%"):
            raise self.wrong(
                column, f'"{given}": expected a number such as 0.8 or 30%', f"“{given}”：应为数字，如 0.8、30%"
            )
        value = unit_table.convert(number, unit or "1", "1")
        highest = _HIGHEST_PLOT_RATIO if column.startswith("plot_ratio") else 1.0
        if not 0 <= value <= highest:
            raise self.wrong(
                column,
                f'"{given}": expected 0 to {highest:g}. Write a share of 30 in a hundred as 0.30 or 30%',
                f"“{given}”：应在 0 至 {highest:g} 之间。百分之三十请写作 0.30 或 30%",
            )
        return value


def _text(path: Path) -> str:
    """Return the text of a delimited file in UTF-8 or GB18030."""
    kind = sniff(path)
    encoding = of_text(path).value if kind == "CSV" else ""
    if encoding not in ("UTF-8", "utf-8-sig", "utf-16", "GB18030"):
        raise _unreadable(path)
    try:
        return path.read_bytes().decode("utf-8-sig" if encoding == "UTF-8" else encoding)
    except UnicodeDecodeError:
        raise _unreadable(path) from None


def _unreadable(path: Path) -> SourceError:
    return SourceError(
        f'"{path.name}" is no delimited text in UTF-8 or GB18030. Save it as CSV (UTF-8).',
        f"“{path.name}”不是 UTF-8 或 GB18030 编码的 CSV。请另存为 CSV（UTF-8）。",
    )


def _rows(text: str, file: str, titles: Mapping[str, tuple[str, ...]], required: Sequence[str]) -> list[_Row]:
    """Put the rows of a table under our names."""
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",\t;", key=head.count))
    columns = _columns(_without_tail(next(reader)), file, titles, required)
    rows = []
    for cells in reader:
        where = f"{file}, line {reader.line_num}"
        if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
            raise StandardError(
                f"{where}: {len(cells)} cells under {len(columns)} titles. Put text with a comma into quotes.",
                f"{where}：{len(columns)} 个标题下有 {len(cells)} 个单元格。含逗号的文字请加引号。",
            )
        told = {name: _cell(cell, percent) for (name, percent), cell in zip(columns, cells, strict=False)}
        if any(told.values()):
            rows.append(_Row(where, told))
    if not rows:
        raise StandardError(f"{file}: no row below the titles.", f"{file}：标题下没有任何行。")
    return rows


def _without_tail(titles: Sequence[str]) -> list[str]:
    """Cut the blank titles a spreadsheet writes to the right of its table."""
    end = max((place for place, title in enumerate(titles, 1) if title.strip()), default=0)
    return list(titles[:end])


def _cell(text: str, percent: bool) -> str:
    """Return a cell, empty where a word for missing stands; a percentage in the title goes to its numbers."""
    told = "" if unicodedata.normalize("NFKC", text).strip().lower() in MISSING_WORDS else text.strip()
    return f"{told}%" if percent and told and told[-1] not in "%％" else told


def _columns(
    head: Sequence[str], file: str, titles: Mapping[str, tuple[str, ...]], required: Sequence[str]
) -> list[tuple[str, bool]]:
    """Return our name of each column, and whether its title says percent."""
    known = {plain_title(alias): name for name, aliases in titles.items() for alias in (name, *aliases)}
    found = []
    for title in head:
        parts = split_title(title)
        if parts.name not in known or parts.unit not in (None, "1", "%"):
            like = nearest(parts.name, known)
            hint = _Words(f' Did you mean "{known[like]}"?', f"是否指“{known[like]}”？") if like else _Words("", "")
            raise StandardError(
                f'{file}: column "{title}" is not known.{hint.en} There are: {", ".join(titles)}.',
                f"{file}：不认识字段“{title}”。{hint.zh}可用字段：{'、'.join(titles)}。",
            )
        found.append((known[parts.name], parts.unit == "%"))
    names = [name for name, _ in found]
    lacking = [name for name in required if name not in names]
    if lacking:
        raise StandardError(
            f"{file}: {len(lacking)} of {len(required)} columns are missing: {', '.join(lacking)}.",
            f"{file}：缺少 {len(lacking)} 个字段：{'、'.join(lacking)}。",
        )
    _once(file, [(name, title) for name, title in zip(names, head, strict=True)])
    return found


def _each(file: str, rows: Sequence[_Row], read: Callable[[_Row], _Found]) -> list[_Found]:
    """Read every row; tell of all that cannot be used at once."""
    found: list[_Found] = []
    faults: list[ParkwiseError] = []
    for row in rows:
        try:
            found.append(read(row))
        except ParkwiseError as error:
            faults.append(error)
    if faults:
        counted = f"{len(faults)} / {len(rows)}"
        en, zh = (" ".join(one.text(language) for one in faults[:5]) for language in ("en", "zh"))
        more = " …" if len(faults) > 5 else ""
        raise StandardError(
            f"{file}: {counted} rows cannot be used. {en}{more}", f"{file}：{counted} 行不能采用。{zh}{more}"
        )
    return found


def _once(file: str, keys: Sequence[tuple[Hashable, str]]) -> None:
    """Refuse what stands twice; each key comes with the words that name it."""
    named: dict[Hashable, list[str]] = {}
    for key, words in keys:
        named.setdefault(key, []).append(words)
    twice = [words for words in named.values() if len(words) > 1]
    if twice:
        seen = "; ".join(twice[0])
        raise StandardError(
            f"{file}: {len(twice)} of {len(named)} entries stand twice: {seen}. Expected each once; take one out.",
            f"{file}：{len(named)} 项中有 {len(twice)} 项重复：{seen}。每项应只出现一次，请删去重复项。",
        )
