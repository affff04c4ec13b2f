"""Tables of the Word report: heads repeat over pages, rows stay whole, widths follow what is in the columns."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from docx.document import Document
from docx.oxml.ns import qn
from docx.shared import Mm

from geo.charts.texts import clean, text_width
from geo.report.docx_style import TEXT_WIDTH_MM, element, text_width_mm
from geo.report.parts import Cell, Column

__all__ = ["add_rows", "column_widths"]

_TONES = {"good": "1B7340", "bad": "B3341F"}
_FEW = 5
_PADDING = 160
_LONGEST_WORD_EM = 13.0
_WIDER = 1.15
_WORD = re.compile(r"[^\s（(·；;、，]+")


def add_rows(
    document: Document,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    *,
    head: bool = False,
    strong: int = 0,
) -> None:
    """Add a table at the end of a document; the first `strong` rows are totals.

    Its XML is built in one go: python-docx takes a second for every few hundred cells.
    """
    widths = column_widths(columns, rows, text_width_mm(document))
    style = document.styles["Table Small" if len(columns) > _FEW else "Table Text"].style_id
    body = element("w:tbl")
    body.append(_properties())
    grid = element("w:tblGrid")
    for width in widths:
        grid.append(element("w:gridCol", {"w:w": str(width)}))
    body.append(grid)
    if head:
        titles = [Cell(column.title) for column in columns]
        body.append(_row(titles, ["center"] * len(titles), widths, style, head=True))
    aligns = [column.align for column in columns]
    for number, row in enumerate(rows):
        body.append(_row(row, aligns, widths, style, strong=number < strong))
    document.element.body.insert_element_before(body, "w:sectPr")


def _properties() -> Any:  # noqa: ANN401  (an lxml element)
    made = element("w:tblPr")
    made.append(element("w:tblW", {"w:w": "5000", "w:type": "pct"}))
    made.append(element("w:jc", {"w:val": "center"}))
    borders = element("w:tblBorders")
    for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
        borders.append(element(f"w:{side}", {"w:val": "single", "w:sz": "4", "w:space": "0", "w:color": "7F7F7F"}))
    made.append(borders)
    made.append(element("w:tblLayout", {"w:type": "fixed"}))
    margins = element("w:tblCellMar")
    for side, width in (("top", "24"), ("left", "60"), ("bottom", "24"), ("right", "60")):
        margins.append(element(f"w:{side}", {"w:w": width, "w:type": "dxa"}))
    made.append(margins)
    return made


def _row(
    cells: Sequence[Cell],
    aligns: Sequence[str],
    widths: Sequence[int],
    style: str,
    *,
    head: bool = False,
    strong: bool = False,
) -> Any:  # noqa: ANN401  (an lxml element)
    row = element("w:tr")
    properties = element("w:trPr")
    properties.append(element("w:cantSplit"))
    if head:
        properties.append(element("w:tblHeader"))
    row.append(properties)
    for cell, align, width in zip(cells, aligns, widths, strict=True):
        row.append(_cell(cell, align, width, style, fill="E8EDF3" if head else "", bold=head or strong))
    return row


def _cell(cell: Cell, align: str, width: int, style: str, *, fill: str, bold: bool) -> Any:  # noqa: ANN401
    made = element("w:tc")
    properties = element("w:tcPr")
    properties.append(element("w:tcW", {"w:w": str(width), "w:type": "dxa"}))
    if fill:
        properties.append(element("w:shd", {"w:val": "clear", "w:color": "auto", "w:fill": fill}))
    properties.append(element("w:vAlign", {"w:val": "center"}))
    made.append(properties)
    line, form = element("w:p"), element("w:pPr")
    form.append(element("w:pStyle", {"w:val": style}))
    form.append(element("w:jc", {"w:val": align}))
    line.append(form)
    run, look_of_run = element("w:r"), element("w:rPr")
    if bold:
        look_of_run.append(element("w:b"))
    if cell.tone in _TONES:
        look_of_run.append(element("w:color", {"w:val": _TONES[cell.tone]}))
    run.append(look_of_run)
    text = element("w:t")
    text.text = clean(cell.text)
    text.set(qn("xml:space"), "preserve")
    run.append(text)
    line.append(run)
    made.append(line)
    return made


def column_widths(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], total_mm: float = TEXT_WIDTH_MM
) -> list[int]:
    """Share the width of the page (twips): no number is broken, and long texts share what is left.

    Examples
    --------
    >>> wide = column_widths([Column("a"), Column("b")], [[Cell("x"), Cell("长" * 80)]])
    >>> wide[0] < wide[1], sum(wide) <= 8845
    (True, True)
    """
    total = Mm(total_mm).twips
    em = (9.0 if len(columns) > _FEW else 10.5) * 20
    least, ideal = [], []
    for i, column in enumerate(columns):
        texts = [row[i].text for row in rows]
        words = [word for text in (*texts, column.title) for word in _WORD.findall(text)]
        least.append(min(max((_unbroken(word) for word in words), default=1.0), _LONGEST_WORD_EM) * em + _PADDING)
        # A head may take two lines.
        ideal.append(max([text_width(column.title) / 1.8, *map(text_width, texts)]) * em + _PADDING)
    room = total - sum(least)
    if room <= 0:
        return [int(width * total / sum(least)) for width in least]
    wanted = [max(most - width, 0.0) for most, width in zip(ideal, least, strict=True)]
    if sum(wanted) <= room:
        even = (room - sum(wanted)) / len(columns)
        return [int(max(most, width) + even) for most, width in zip(ideal, least, strict=True)]
    weights = [math.sqrt(more) * column.wide for more, column in zip(wanted, columns, strict=True)]
    return [int(width + room * weight / sum(weights)) for width, weight in zip(least, weights, strict=True)]


def _unbroken(word: str) -> float:
    """Width of a word that should stay in one line: any Latin one, a Chinese one of up to four signs.

    Where Times New Roman is not installed, another font sets digits wider.
    """
    return _WIDER * text_width(word) if word.isascii() else min(text_width(word), 4.5)
