"""Cells of a user's table of control indicators (控制指标表的单元格): divisions, editions of codes, limits.

Knows the titles that tables of limits share, and what a cell under them must hold: a division of two digits, an edition
of GB/T 4754, a limit as a plain number (shares as fractions: 0.30, not 30). The file itself is read by
`layers.user_tables`; what a whole row means is known to `limits` and `sub_regions`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from geo.control.codes import code_edition
from layers.codes import plain
from layers.errors import StandardError
from layers.user_tables import Row

__all__ = ["TITLES", "division_of", "edition_of", "limit_of"]

#: Titles that stand in tables by industry and by sub-region alike, each with what people write instead.
TITLES: Mapping[str, tuple[str, ...]] = {
    "code_edition": ("行业分类版本", "行业代码版本", "行业分类标准版本"),
    "code": ("行业代码", "代码", "industry_code"),
    "plot_ratio_min": ("far_min", "容积率下限", "容积率"),
    "source": ("来源", "出处", "数据来源"),
}

#: No plot ratio asked of industrial land comes near this; 80 is 0.8 typed in percent.
_HIGHEST_PLOT_RATIO = 20.0

_SIGNS = {"at_least": "≥>=", "at_most": "≤<="}


def edition_of(row: Row) -> str:
    """Return the edition of GB/T 4754 a row is written in (行业分类版本).

    Raises
    ------
    StandardError
        The cell is empty, or no edition that is compared.

    Examples
    --------
    >>> edition_of(Row("limits.csv", 2, {"code_edition": "GB/T 4754-2017"}))
    '2017'
    """
    given = row.needed("code_edition")
    try:
        return code_edition(given)
    except StandardError as error:
        raise row.wrong("code_edition", error.en.rstrip("."), error.zh.rstrip("。")) from None


def division_of(row: Row) -> str:
    """Return the division of a row (行业大类): limits are set by division, so longer codes are refused.

    Raises
    ------
    StandardError
        The cell is empty, or no code of two digits.

    Examples
    --------
    >>> division_of(Row("limits.csv", 2, {"code": "C36"}))
    '36'
    """
    match = re.fullmatch(r"[A-T]?(\d{2})", plain(row.needed("code")))
    if match is None:
        given = row.get("code")
        raise row.wrong(
            "code", f'"{given}": expected a division, two digits such as 39', f"“{given}”：应为两位大类代码，如 39"
        )
    return match[1]


def limit_of(row: Row, column: str, comparison: str) -> float | None:
    """Return a limit as a plain number (控制值), None where the cell is empty.

    Parameters
    ----------
    row : Row
    column : str
        Columns that begin with ``plot_ratio`` hold up to 20, shares up to 1.
    comparison : {"at_least", "at_most"}
        A sign before the number must say the same.

    Raises
    ------
    StandardError
        No number, one out of range, or a minimum of 0: every figure reaches that.

    Examples
    --------
    >>> limit_of(Row("limits.csv", 2, {"green_ratio_max": "≤20%"}), "green_ratio_max", "at_most")
    0.2
    """
    value = row.number(column, _SIGNS[comparison])
    given, highest = row.get(column), _HIGHEST_PLOT_RATIO if column.startswith("plot_ratio") else 1.0
    if value is not None and not 0 <= value <= highest:
        raise row.wrong(
            column,
            f'"{given}": expected 0 to {highest:g}. Write a share of 30 in a hundred as 0.30 or 30%',
            f"“{given}”：应在 0 至 {highest:g} 之间。百分之三十请写作 0.30 或 30%",
        )
    if value == 0 and comparison == "at_least":
        raise row.wrong(
            column,
            f'"{given}": every figure reaches a minimum of 0. Leave the cell empty where none is set',
            f"“{given}”：下限为 0 等于没有要求。未设下限请留空",
        )
    return value
