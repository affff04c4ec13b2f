"""How a tree of weighted scores is written (指标体系表): a CSV file with a row for each node.

Knows the columns of the table, their Chinese titles and how percentages are typed; knows nothing of what hangs
on what (`geo.evaluation.nodes`) and of scores (`geo.evaluation.tree`). Shares leave this room as fractions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from layers.errors import StandardError
from layers.units import parse_unit
from layers.user_tables import Row, each_row, read_rows

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
#: Of these, columns that stand in the unit of their row.
_OF_UNIT = ("ideal", "value")
_PERCENT = "%％"


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
        The file is not there, or is no delimited text.
    StandardError
        A title is unknown (the nearest is named) or stands twice, or a cell is no number; all such rows are told.
    """
    rows = read_rows(path, COLUMNS, ())
    names = [name for name in COLUMNS if name in rows[0].cells]
    table = pd.DataFrame(each_row(rows, partial(_node, names=names)), columns=names, dtype="object")
    table.index = pd.Index([row.line for row in rows], name="line")
    return table.astype({name: "float64" for name in names if name in NUMBERS})


def _node(row: Row, *, names: Sequence[str]) -> dict[str, object]:
    """Read one row; a share held against a percentage is refused: 0.85 of 93 is 1 point, not 91."""
    numbers = {name: _number(row, name) for name in names if name in NUMBERS}
    both = [numbers.get("ideal"), numbers.get("value")]
    # Nothing is 0 either way.
    if all(both) and both[0] != both[1] and _is_share(row, "ideal") != _is_share(row, "value"):
        raise row.wrong(
            "ideal",
            "of ideal and value one is a percentage, the other is not; write both alike",
            "理想值与现状值一个是百分数、一个不是，请统一写法",
        )
    return {name: numbers[name] if name in numbers else row.get(name) or None for name in names}


def _number(row: Row, name: str) -> float | None:
    """Read a number, a percentage as a fraction; where the unit of the row is per cent, it stays as it is typed."""
    given = row.get(name)
    if name == "score" and given.endswith(tuple(_PERCENT)):
        raise row.wrong(name, f'"{given}": expected points, no percentage', f"“{given}”：应为分值，不应为百分数")
    if name in _OF_UNIT and _per_cent(row):
        row = replace(row, cells={**row.cells, name: given.rstrip(_PERCENT)})
    return row.number(name)


def _is_share(row: Row, name: str) -> bool:
    return _per_cent(row) or row.get(name).endswith(tuple(_PERCENT))


def _per_cent(row: Row) -> bool:
    """Tell whether the unit of a row is per cent, however it is written."""
    return parse_unit(row.get("unit")) == "%"


def wrong(en: str, zh: str) -> StandardError:
    """Return the error for a tree that is not well made."""
    return StandardError(f"Evaluation tree: {en}.", f"评价指标体系：{zh}。")
