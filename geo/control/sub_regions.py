"""Plot ratios by sub-region (分区域容积率准入标准): rows of a local standard, and which of them a case gets.

There is none on board: the tables are the user's, and nothing in them is believed without a source. The most specific
row wins (its industry, its side of the park boundary); what is not known of a case is not guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from geo.control.codes import translate
from geo.control.rows import TITLES, division_of, edition_of, limit_of
from layers.errors import StandardError, first, suggestion
from layers.user_tables import Row, each_row, read_rows, refuse_twice

__all__ = ["SubRegion", "find_sub_regional", "load_sub_regions"]

_TITLES: Mapping[str, tuple[str, ...]] = {
    "sub_region": ("分区", "区域", "分区名称", "所属区域"),
    "inside_parks": ("园区内", "是否园区内", "是否在园区内"),
    "code_edition": TITLES["code_edition"],
    "code": TITLES["code"],
    "name": ("名称", "行业名称", "行业分类", "行业"),
    "plot_ratio_min": TITLES["plot_ratio_min"],
    "plot_ratio_max": ("far_max", "容积率上限"),
    "source": TITLES["source"],
}


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
    found = each_row(read_rows(path, _TITLES, ("sub_region", "source")), _sub_region_of)
    refuse_twice(
        Path(path).name, [((one.sub_region, one.inside_parks, one.code_edition, one.code), str(one)) for one in found]
    )
    return tuple(found)


def _sub_region_of(row: Row) -> SubRegion:
    inside = row.flag("inside_parks")
    low, high = limit_of(row, "plot_ratio_min", "at_least"), limit_of(row, "plot_ratio_max", "at_most")
    if low is None and high is None:
        raise row.wrong("plot_ratio_min", "neither minimum nor maximum is given", "容积率下限、上限均未给出")
    if low is not None and high is not None and low > high:
        raise row.wrong("plot_ratio_min", f"{low:g} is above the maximum {high:g}", f"{low:g} 大于上限 {high:g}")
    return SubRegion(
        sub_region=row.needed("sub_region"),
        inside_parks=inside,
        code_edition=edition_of(row) if row.get("code") else None,
        code=division_of(row) if row.get("code") else None,
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
    >>> inside = SubRegion("甲区", True, None, None, 1.5, None, "example", "a.csv, line 3")
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
    hint = suggestion(name, known)
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
