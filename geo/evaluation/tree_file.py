"""How a tree of weighted scores is written (指标体系表): a CSV file with a row for each node.

Knows the columns of the table, their Chinese titles and how percentages are typed; knows nothing of what hangs
on what (`geo.evaluation.nodes`) and of scores (`geo.evaluation.tree`). Shares leave this room as fractions.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from layers.encoding import of_text
from layers.errors import SourceError, StandardError, nearest
from layers.titles import plain, split_title
from layers.units import MISSING_WORDS, parse_numbers

__all__ = ["COLUMNS", "NUMBERS", "read_tree", "wrong"]

#: Columns a tree may have, each with the titles people write. Three are required: node, parent, weight.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "node": ("指标", "指标名称", "节点", "名称"),
    "parent": ("上级", "上级指标", "上级节点", "父节点"),
    "weight": ("权重", "权重值"),
    "score": ("得分", "分值", "评分"),
    "indicator": ("指标代码", "指标编号"),
    "ideal": ("理想值",),
    "value": ("现状值", "实际值", "指标值"),
    "unit": ("单位", "计量单位"),
    "direction": ("方向", "指标方向"),
    "rule": ("规则", "计分规则"),
    "source": ("来源", "数据来源"),
    "note": ("备注", "说明"),
}

#: Columns that hold numbers; the others hold words.
NUMBERS = ("weight", "score", "ideal", "value")


def read_tree(path: str | Path) -> pd.DataFrame:
    """Read a tree of weighted scores (评价指标体系) from a CSV file.

    Parameters
    ----------
    path : path
        UTF-8 (with or without mark), GB18030 or UTF-16; comma, semicolon or tab. Titles as in `COLUMNS`, in English or
        Chinese. A number may be a percentage: ``25%``, or a title such as 权重（%）.

    Returns
    -------
    DataFrame
        The columns the file has, under their English names; numbers as float64 (shares as fractions), empty cells
        missing. The index is the line of the file.

    Raises
    ------
    SourceError
        The file cannot be read as text.
    StandardError
        A title is unknown (the nearest is named) or stands twice, a required one is missing, or a cell is no number.
    """
    file = Path(path)
    titles, lines, cells = _cells(file)
    names, percent = _columns(titles, file.name)
    table = pd.DataFrame(cells, columns=names, index=pd.Index(lines, name="line"), dtype="object")
    units = {name: _numbers(table, name, percent[name], file.name) for name in names if name in NUMBERS}
    if {"ideal", "value"} <= units.keys():
        _same_way(table, units["ideal"], units["value"], file.name)
    return table


def _cells(file: Path) -> tuple[list[str], list[int], list[list[str | None]]]:
    """Return the titles of a CSV file, and its rows with the numbers of their lines."""
    try:
        text = file.read_bytes().decode(of_text(file).value)
        mark = max(",;\t", key=text.partition("\n")[0].count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark)
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except (OSError, UnicodeError, csv.Error) as error:
        raise SourceError(
            f'The evaluation tree "{file}" cannot be read ({error}). Expected a CSV file in UTF-8 or GB18030.',
            f"评价指标体系“{file}”无法读取（{error}）。应为 UTF-8 或 GB18030 编码的 CSV 文件。",
        ) from error
    if len(rows) < 2:
        raise wrong(f'"{file.name}" has no row below its titles', f"“{file.name}”表头之下没有内容")
    titles = [cell.strip() for cell in rows[0][1]]
    while titles and not titles[-1]:
        titles.pop()
    for line, row in rows[1:]:
        if any(cell.strip() for cell in row[len(titles) :]):
            raise wrong(
                f'"{file.name}", line {line} has {len(row)} cells, the header {len(titles)}',
                f"“{file.name}”第 {line} 行有 {len(row)} 格，表头为 {len(titles)} 格",
            )
    cells = [[_word(cell) for cell in (row + [""] * len(titles))[: len(titles)]] for _, row in rows[1:]]
    return titles, [line for line, _ in rows[1:]], cells


def _word(cell: str) -> str | None:
    text = cell.strip()
    return None if text.casefold() in MISSING_WORDS else text


@cache
def _aliases() -> Mapping[str, str]:
    return {plain(title): name for name, titles in COLUMNS.items() for title in (name, *titles)}


def _columns(titles: Sequence[str], file: str) -> tuple[list[str], dict[str, bool]]:
    """Return the canonical name of each title, and which titles say per cent."""
    split = [split_title(title) for title in titles]
    names = [_aliases().get(plain(one.name)) for one in split]
    for title, name in zip(titles, names, strict=True):
        if name is None:
            like = nearest(plain(title), _aliases())
            raise wrong(
                f'"{file}": unknown column "{title}"' + (f', nearest: "{like}"' if like else ""),
                f"“{file}”：不认识列“{title}”" + (f"，最接近的是“{like}”" if like else ""),
            )
    known = [name for name in names if name is not None]
    for name in known:
        if known.count(name) > 1:
            raise wrong(f'"{file}": column "{name}" stands twice', f"“{file}”：列“{name}”出现两次")
    return known, {name: one.unit == "%" for name, one in zip(known, split, strict=True)}


def _numbers(table: pd.DataFrame, name: str, percent: bool, file: str) -> pd.Series:
    """Turn a column into numbers in place; return which cells were percentages."""
    numbers, units = parse_numbers(table[name])
    shares = (units == "%") | (percent & numbers.notna())
    odd = table[name].notna() & (numbers.isna() | (units.notna() & (units != "%")))
    if name == "score":
        odd |= shares
    if odd.any():
        line, cell, count = table.index[odd][0], table.loc[odd, name].iloc[0], int(odd.sum())
        raise wrong(
            f'"{file}", line {line}: {name} is "{cell}" ({count} such cells). Expected a number',
            f"“{file}”第 {line} 行：{name} 为“{cell}”（共 {count} 处），应为数值",
        )
    # Where the unit of the row is per cent, numbers stay as they are typed, with or without the sign.
    typed = (table["unit"] == "%") & (name in ("ideal", "value")) if "unit" in table else pd.Series(False, table.index)
    table[name] = np.where(shares & ~typed, numbers / 100, numbers)
    return shares | typed


def _same_way(table: pd.DataFrame, ideal: pd.Series, value: pd.Series, file: str) -> None:
    """Refuse a share held against a percentage: 0.85 of 93 is 1 point, not 91. Nothing is 0 either way."""
    mixed = (ideal != value) & table[["ideal", "value"]].astype("float64").abs().gt(0).all(axis=1)
    if mixed.any():
        line = table.index[mixed][0]
        raise wrong(
            f'"{file}", line {line}: of ideal and value one is a percentage, the other is not. Write both alike',
            f"“{file}”第 {line} 行：理想值与现状值一个是百分数、一个不是，请统一写法",
        )


def wrong(en: str, zh: str) -> StandardError:
    """Return the error for a tree that is not well made."""
    return StandardError(f"Evaluation tree: {en}.", f"评价指标体系：{zh}。")
