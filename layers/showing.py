"""Results in a notebook: their tables as HTML, every text escaped (`show`, and `_repr_html_` of the results).

Knows how a table is laid out, that a missing value is a dash, and that of a long table the first rows are shown and
the others counted. Column names stay canonical, since they are what one types next. Knows no figure and no clause.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from numbers import Real

import pandas as pd

from layers.errors import ProjectError, Words, nearest

__all__ = ["ROWS", "Shown", "show"]

#: So many rows of a table are shown; the table itself holds all of them.
ROWS = 50

_LANGUAGES = ("zh", "en")
_NUMBER = ' style="text-align:right"'
_TEXT = ' style="text-align:left"'


@dataclass(frozen=True)
class Shown:
    """What a notebook shows: words, tables, notes; it holds them and computes nothing.

    Attributes
    ----------
    head : str
        Plain text above the tables; "" for none.
    tables : tuple of DataFrame
    notes : tuple of Words
        Below the tables, in English and Chinese.
    rows : int
        So many rows of each table are shown.
    language : {"zh", "en"} or None
        Show notes, and columns that end with ``_zh`` or ``_en``, in this language only; None: in both.
    """

    head: str = ""
    tables: tuple[pd.DataFrame, ...] = ()
    notes: tuple[Words, ...] = ()
    rows: int = ROWS
    language: str | None = None

    def _repr_html_(self) -> str:
        head = [f"<pre>{html.escape(self.head)}</pre>"] if self.head else []
        tables = [_table(one, self.rows, self.language) for one in self.tables]
        notes = [f"<li>{html.escape(_words(note, self.language))}</li>" for note in self.notes]
        return "".join([*head, *tables, *(["<ul>", *notes, "</ul>"] if notes else [])])


def show(
    table: pd.DataFrame,
    head: str = "",
    *,
    notes: Iterable[tuple[str, str]] = (),
    rows: int = ROWS,
    language: str | None = None,
) -> Shown:
    """Show a table in a notebook (展示表格) with no text cut off: remedies and explanations are sentences.

    Parameters
    ----------
    table : DataFrame
        In whatever units its columns say; a geometry is not shown, a missing value is a dash.
    head : str
        Plain text above it.
    notes : iterable of (str, str)
        In English and Chinese.
    rows : int
        So many rows at most; how many there are is told.
    language : {"zh", "en"}, optional
        Of columns in two languages (``reason_zh``, ``reason_en``) show one; both when left out.

    Returns
    -------
    Shown

    Raises
    ------
    ProjectError
        `language` is unknown.

    Notes
    -----
    Numbers are rounded to four decimals for the eye; `table` keeps them whole.

    Examples
    --------
    >>> table = pd.DataFrame({"zone": ["<甲>"], "tax": [None], "why_zh": ["缺"], "why_en": ["none"]})
    >>> shown = show(table, language="en")
    >>> shown._repr_html_().count("<td"), "&lt;甲&gt;" in shown._repr_html_(), "why_zh" in shown._repr_html_()
    (3, True, False)
    """
    if language is not None and language not in _LANGUAGES:
        like = nearest(language, _LANGUAGES) or "zh"
        raise ProjectError(
            f'language = "{language}": expected zh or en, such as "{like}", or nothing for both.',
            f"language = “{language}”：应为 zh 或 en（例如“{like}”），不给则两种都显示。",
        )
    return Shown(head, (table,), tuple(Words(*note) for note in notes), rows, language)


def _words(note: Words, language: str | None) -> str:
    return f"{note.zh} / {note.en}" if language is None else note.text(language)


def _table(table: pd.DataFrame, rows: int, language: str | None) -> str:
    other = {"zh": "_en", "en": "_zh"}.get(language or "")
    shown = [
        place
        for place, (name, kind) in enumerate(zip(table.columns, table.dtypes, strict=True))
        if str(kind) != "geometry" and not (other and str(name).endswith(other))
    ]
    part = table.iloc[:rows, shown]
    heads = "".join(f"<th{_TEXT}>{html.escape(str(name))}</th>" for name in part.columns)
    lines = "".join(f"<tr>{''.join(map(_cell, line))}</tr>" for line in part.itertuples(index=False, name=None))
    told = Words(f"{len(part):,} of {len(table):,} rows", f"共 {len(table):,} 行，显示前 {len(part):,} 行")
    more = f"<p>{_words(told, language)}</p>" if len(part) < len(table) else ""
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>{more}"


def _cell(value: object) -> str:
    number = isinstance(value, Real) and not isinstance(value, bool)
    return f"<td{_NUMBER if number else _TEXT}>{html.escape(_text(value))}</td>"


def _text(value: object) -> str:
    """Write a cell: a missing value is a dash; a whole number bears no separators, since it may be a year."""
    if isinstance(value, (list, tuple, set)):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} = {_text(one)}" for key, one in value.items())
    if value is None or pd.isna(value):  # type: ignore[call-overload]
        return "—"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, date):  # a time of day only where there is one
        return str(value).removesuffix(" 00:00:00")
    return str(value)


def _number(value: float) -> str:
    if not math.isfinite(value) or (value and abs(value) < 1e-4):
        return f"{value:.3g}"
    text = f"{value:,.4f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
