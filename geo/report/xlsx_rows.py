"""The rows of a table as the XML of a sheet, written a column at a time (`rows_xml`).

What xlsxwriter asks of every cell anew (its place, its format, the kind of its value) is settled here once
a column, so that a table of millions of cells takes seconds. Cells are those xlsxwriter writes where rows
are streamed: numbers, texts in line, blanks that keep their format, formulas with the value they have now.
Knows a cell format by its number in the book; knows no figure and no word of the field.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pandas as pd
from xlsxwriter.utility import xl_col_to_name

__all__ = ["Column", "Formula", "Look", "clean", "missing", "risky", "rows_xml"]

#: Rows made at a time: some megabytes of text.
BLOCK = 4096
#: Texts a column remembers as they are written; names and codes repeat, ids do not.
_REMEMBERED = 4096
#: UTF-16 units a cell holds: a limit of the file format.
_MAX_TEXT = 32_767
_ROW = "{row}"
_SHOWN, _HIDDEN = '"><c r="A', '" hidden="1"><c r="A'

Formula = str | Callable[[int], str]
#: (kind, role, risky) → number of the cell format in the book.
Look = Callable[[str, str, bool], int]


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    key : str
        What formulas call it by.
    title : str
    values : sequence
        Text, numbers, missing values; for a formula the values it has now.
    kind : str or sequence of str
        ``text`` or a number format: key, int, amount, ratio, fine, exact, percent; one a row where they differ.
    formula : str or callable, optional
        One formula for all rows, in which ``[key]`` is the cell of another column in the same row; or, where rows
        differ, row of the sheet as people count it (from 1) → formula, "" for rows that bear the plain value.
    name : str
        The defined name of the cells of this column, "" for none.
    role : str
        plain, input, faint.
    note : str
        Comment on the header.
    """

    key: str
    title: str
    values: Sequence[Any]
    kind: str | Sequence[str] = "text"
    formula: Formula | None = None
    name: str = ""
    role: str = "plain"
    note: str = ""


def rows_xml(
    columns: Sequence[Column],
    look: Look,
    *,
    strong: Sequence[bool] = (),
    hidden: Sequence[bool] = (),
    first: int = 2,
) -> Iterator[str]:
    r"""Yield the rows of a table, from the second row of a sheet on or from another one, some thousand at a time.

    Parameters
    ----------
    columns : sequence of Column
        All of one length, the first one in column A.
    look : callable
    strong, hidden : sequence of bool
        Rows to stand out, rows that are filtered away; none where empty.
    first : int
        Number of the first row, as people count them.

    Examples
    --------
    >>> columns = [Column("a", "A", [1, None], "int"), Column("b", "B", [2.0, 4.0], "int", "=2*[a]")]
    >>> for rows in rows_xml(columns, lambda *_: 7):
    ...     print(rows.replace("<row", "\n<row").strip())
    <row r="2"><c r="A2" s="7"><v>1</v></c><c r="B2" s="7"><f>2*A2</f><v>2.0</v></c></row>
    <row r="3"><c r="A3" s="7"/><c r="B3" s="7"><f>2*A3</f><v>4.0</v></c></row>
    """
    letters = [xl_col_to_name(place) for place in range(len(columns))]
    places = {column.key: letter for column, letter in zip(columns, letters, strict=True)}
    # A cell goes on to the row in the address of the next one: a row is then its number, joined by its cells.
    ends = [*(f'<c r="{letter}' for letter in letters[1:]), "</row>"]
    cells = [_Cells(column, look, places, end) for column, end in zip(columns, ends, strict=True)]
    for start in range(0, len(columns[0].values), BLOCK):
        here = slice(start, min(start + BLOCK, len(columns[0].values)))
        rows = [str(row) for row in range(here.start + first, here.stop + first)]
        begins = [_HIDDEN if one else _SHOWN for one in hidden[here]] if len(hidden) else repeat(_SHOWN)
        parts = [one.written(here, rows, strong) for one in cells]
        yield "".join(map(str.join, rows, zip(repeat('<row r="'), begins, *parts, strict=False)))


class _Cells:
    """The cells of one column, each from behind the row in its address to that of the next cell.

    Parameters
    ----------
    column : Column
    look : callable
    places : mapping
        Key of a column → its letter.
    end : str
        What follows each cell.
    """

    def __init__(self, column: Column, look: Look, places: Mapping[str, str], end: str) -> None:
        self._column, self._look, self._end = column, look, end
        self._known: dict[object, str] = {}
        formula = column.formula
        self._parts = _parts(formula, places) if isinstance(formula, str) else None
        self._formula = formula if callable(formula) else None

    def written(self, here: slice, rows: Sequence[str], strong: Sequence[bool]) -> list[str]:
        """Return the cells of some rows, whose numbers in the sheet are `rows`."""
        column = self._column
        values, numbers = _plain(column.values, here)
        if self._formula is not None or not isinstance(column.kind, str) or any(strong[here]):
            return self._each(values, here, rows, strong)
        if self._parts is not None:
            return self._formulas(values, rows, numbers=numbers)
        return self._numbers(values) if numbers else self._objects(values)

    def _each(self, values: list[Any], here: slice, rows: Sequence[str], strong: Sequence[bool]) -> list[str]:
        """Cells of rows that differ in more than their values."""
        column = self._column
        kinds = repeat(column.kind) if isinstance(column.kind, str) else column.kind[here]
        roles = ["strong" if one else column.role for one in strong[here]] if len(strong) else repeat(column.role)
        if self._formula is not None:
            formulas = [escape(self._formula(int(row)).removeprefix("=")) for row in rows]
        else:
            formulas = [row.join(self._parts or ()) for row in rows]
        return [
            self._calculated(value, formula, kind, role) if formula else self._cell(value, kind, role)
            for value, formula, kind, role in zip(values, formulas, kinds, roles, strict=False)
        ]

    def _numbers(self, values: list[float]) -> list[str]:
        style = self._look(str(self._column.kind), self._column.role, False)
        begin, end, blank = f'" s="{style}"><v>', f"</v></c>{self._end}", f'" s="{style}"/>{self._end}'
        # A number that is not finite less itself is not 0.
        return [f"{begin}{value:.16G}{end}" if value - value == 0 else blank for value in values]

    def _objects(self, values: list[object]) -> list[str]:
        known, kind, role = self._known, str(self._column.kind), self._column.role
        written = []
        for value in values:
            cell = known.get(value)
            if cell is None:
                cell = self._cell(value, kind, role)
                if len(known) < _REMEMBERED and (isinstance(value, str) or missing(value)):
                    known[value] = cell
            written.append(cell)
        return written

    def _cell(self, value: object, kind: str, role: str) -> str:
        if missing(value):
            return f'" s="{self._look(kind, role, False)}"/>{self._end}'
        if isinstance(value, str):
            style = self._look(kind, role, risky(value))
            return f'" s="{style}" t="inlineStr"><is>{_text(clean(value))}</is></c>{self._end}'
        return f'" s="{self._look(kind, role, False)}"><v>{value:.16G}</v></c>{self._end}'

    def _formulas(self, values: list[Any], rows: Sequence[str], *, numbers: bool) -> list[str]:
        """Cells with the formula of the column; it is the row's number, joined by the text between."""
        kind, role = str(self._column.kind), self._column.role
        formulas = map(str.join, rows, repeat(self._parts or []))
        if not numbers:
            return [
                self._calculated(value, formula, kind, role) for value, formula in zip(values, formulas, strict=True)
            ]
        begin, end = f'" s="{self._look(kind, role, False)}"><f>', f"</v></c>{self._end}"
        return [
            f"{begin}{formula}</f><v>{value if value - value == 0 else ''}{end}"
            for value, formula in zip(values, formulas, strict=True)
        ]

    def _calculated(self, value: object, formula: str, kind: str, role: str) -> str:
        """A formula with its value; a missing value reads as an empty text."""
        shown = "" if missing(value) else escape(_escaped(clean(value))) if isinstance(value, str) else value
        text = ' t="str"' if isinstance(value, str) and value else ""
        return f'" s="{self._look(kind, role, False)}"{text}><f>{formula}</f><v>{shown}</v></c>{self._end}'


def _parts(formula: str, places: Mapping[str, str]) -> list[str]:
    """The text of a formula between the places where the row's number stands.

    Examples
    --------
    >>> _parts("=IF([b]>0,[a]/[b],0)", {"a": "A", "b": "B"})
    ['IF(B', '&gt;0,A', '/B', ',0)']
    """
    return re.sub(r"\[(\w+)\]", lambda key: places[key[1]] + _ROW, escape(formula.removeprefix("="))).split(_ROW)


def _plain(values: Any, here: slice) -> tuple[list[Any], bool]:  # noqa: ANN401  (sequences of any library)
    """Some of the values as plain Python values, and whether they are all numbers (missing ones too)."""
    part = values.iloc[here] if isinstance(values, pd.Series) else values[here]
    if isinstance(part, np.ndarray | pd.Series):
        return part.tolist(), isinstance(part.dtype, np.dtype) and part.dtype.kind in "iuf"
    return list(part), False


def missing(value: object) -> bool:
    """Return whether a value leaves its cell blank: missing, or a number that is not finite."""
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return isinstance(value, float) and not math.isfinite(value)


def risky(text: str) -> bool:
    """Return whether a spreadsheet would take a text for a formula if somebody typed it."""
    return text[:1] in "=+-@\t\r" and bool(text)


def clean(text: str) -> str:
    """Return the text a cell can hold: valid characters, at most 32,767 units of UTF-16.

    Examples
    --------
    >>> len(clean("x" * 40_000)), clean("🏭" * 20_000)[-2:]
    (32767, '🏭…')
    """
    text = text.encode("utf-8", "replace").decode("utf-8")
    if len(text) <= _MAX_TEXT // 2:
        return text
    units = text.encode("utf-16-le")
    return text if len(units) <= 2 * _MAX_TEXT else units[: 2 * _MAX_TEXT - 2].decode("utf-16-le", "ignore") + "…"


def _text(text: str) -> str:
    """Text as an element; blanks at its ends are kept."""
    written = _escaped(text)
    kept = ' xml:space="preserve"' if written[:1].isspace() or written[-1:].isspace() else ""
    return f"<t{kept}>{escape(written)}</t>"


def _escaped(text: str) -> str:
    r"""Text with control characters written as ``_x0007_``, and what reads like one of these escaped too.

    Examples
    --------
    >>> _escaped("a\x07 _x0007_")
    'a_x0007_ _x005F_x0007_'
    """
    if text.isprintable() and "_x" not in text:
        return text
    text = re.sub(r"(_x[0-9a-fA-F]{4}_)", r"_x005F\1", text)
    return re.sub(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]", lambda sign: f"_x{ord(sign[0]):04X}_", text)
