"""Columns of the firms as a rule reads them (企业表的列): yes or no, numbers, dates; what is none of it is refused.

Cells arrive as people typed them. A blank or a word for missing (暂无, a dash) is missing; what cannot be read is
refused with the firms and their cells, never taken for missing. Knows no rule and no group.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from layers.errors import ProjectError, Words, first, suggestion
from layers.values import is_missing, to_dates, to_flags, to_numbers

__all__ = ["dates", "flags", "numbers", "refuse"]


def flags(firms: pd.DataFrame, column: str, where: str) -> pd.Series:
    """Return a column as yes, no or missing (是否列).

    Parameters
    ----------
    firms : DataFrame
        With `firm_id` and the column.
    column, where : str
        Name of the column, and of the rule set for messages.

    Returns
    -------
    Series of boolean
        Missing where the cell is blank.

    Raises
    ------
    ProjectError
        There is no such column, or a cell says neither yes nor no.

    Examples
    --------
    >>> firms = pd.DataFrame({"firm_id": ["F1", "F2", "F3", "F4"], "polluter": ["是", "否", 1, None]})
    >>> flags(firms, "polluter", "mine.toml").tolist()
    [True, False, True, <NA>]
    """
    values = _column(firms, column, where)
    read = to_flags(values)
    refuse(read.isna() & ~is_missing(values), firms, column, where, Words("yes or no", "是或否"))
    return read


def numbers(firms: pd.DataFrame, column: str, where: str) -> pd.Series:
    """Return a column as numbers (数字列), missing where the cell is blank; see `flags`.

    Raises
    ------
    ProjectError
        There is no such column, or a cell is no number, infinite, or has a unit behind it.

    Examples
    --------
    >>> numbers(pd.DataFrame({"firm_id": ["F1", "F2"], "bonus": ["５", "暂无"]}), "bonus", "mine.toml").tolist()
    [5.0, nan]
    """
    values = _column(firms, column, where)
    read, units = to_numbers(values)
    lost = (read.isna() & ~is_missing(values)) | np.isinf(read) | units.notna()
    refuse(lost, firms, column, where, Words("numbers without a unit", "不带单位的数字"))
    return read


def dates(firms: pd.DataFrame, column: str, where: str) -> pd.Series:
    """Return a column as days (日期列), missing where the cell is blank or a placeholder (1900-01-01); see `flags`.

    A year stands for its first day, a spreadsheet's day number for its day.

    Raises
    ------
    ProjectError
        There is no such column, or a cell is no date.

    Examples
    --------
    >>> firms = pd.DataFrame({"firm_id": ["F1", "F2"], "founded": ["2021年5月1日", 2020]})
    >>> dates(firms, "founded", "mine.toml").dt.strftime("%F").tolist()
    ['2021-05-01', '2020-01-01']
    """
    values = _column(firms, column, where)
    read, placeholder = to_dates(values)
    refuse(read.isna() & ~placeholder & ~is_missing(values), firms, column, where, Words("dates", "日期"))
    return read


def _column(firms: pd.DataFrame, column: str, where: str) -> pd.Series:
    if column not in firms:
        hint = suggestion(column, [str(name) for name in firms.columns])
        raise ProjectError(
            f'Rule set {where}: the firms have no column "{column}".{hint.en} '
            "Add the column to the enterprises, or take the rule out of the file.",
            f"评价规则 {where}：企业表没有“{column}”列。{hint.zh}请在企业表中补充该列，或从规则中删去。",
        )
    return firms[column]


def refuse(bad: pd.Series, firms: pd.DataFrame, column: str, where: str, expected: Words) -> None:
    """Refuse cells that do not serve (拒绝无法采用的单元格): how many of how many, the first firms and their cells.

    Parameters
    ----------
    bad : Series of bool
        One a firm.
    firms, column, where
        See `flags`.
    expected : Words
        What a cell should be.

    Raises
    ------
    ProjectError
        Any is bad.
    """
    if bad.any():
        at = firms[bad.to_numpy(dtype=bool)]
        cells = first(f"{firm}: {cell}" for firm, cell in zip(at["firm_id"], at[column], strict=True))
        raise ProjectError(
            f"Rule set {where}: enterprises.{column}: {len(at)} of {len(firms)} firms have something else than "
            f"{expected.en} ({cells}). Expected {expected.en}. Correct the cells.",
            f"评价规则 {where}：enterprises.{column}：{len(firms)} 家企业中有 {len(at)} 家不是{expected.zh}"
            f"（{cells}）。应为{expected.zh}。请更正。",
        )
