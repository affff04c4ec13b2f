"""The report as a Word file that needs no retouching.

Content comes ready from `content`; the looks stand in `docx_style`, charts in `docx_chart`. Tables repeat
their heads over pages, keep rows whole, and carry their number, caption and source line. Page numbers
of the contents are fields. Text from data is cleaned of signs that XML cannot hold.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import docx
from docx.document import Document
from docx.oxml.ns import qn
from docx.shared import Mm

from geo.charts import Bars, Outline
from geo.charts.texts import clean, text_width
from geo.report.docx_chart import EACH, chart_runs
from geo.report.docx_outline import add_outlines
from geo.report.docx_style import Look, element, field, look, set_up
from geo.report.html import heading_number
from geo.report.parts import Block, Cell, Column, Figure, Paragraph, Report, Section, Table

__all__ = ["column_widths", "write_docx"]

_TEXT_WIDTH_MM = 156.0
_TONES = {"good": "1B7340", "bad": "B3341F"}
_FEW = 5
_PADDING = 160  # margins, and some room for fonts with broad figures
_LONGEST_WORD_EM = 13.0
_WORD = re.compile(r"[^\s（(·；;、，]+")


def write_docx(report: Report, path: str | Path) -> None:
    """Write a report as a Word file."""
    document = docx.Document()
    style = look(report.language)
    set_up(document, style)
    document.core_properties.title = clean(report.title)
    document.core_properties.author = "Parkwise"
    document.core_properties.language = "zh-CN" if report.language == "zh" else "en"
    document.core_properties.comments = clean(report.banner)
    _first_page(document, report)
    for number, chapter in enumerate(report.sections, 1):
        _chapter(document, report, style, chapter, (number,))
    document.save(str(path))


def _first_page(document: Document, report: Report) -> None:
    document.add_paragraph(clean(report.title), style="Title")
    if report.banner:
        _boxed(document.add_paragraph(clean(report.banner), style="Fact"))
    for label, value in report.facts:
        line = document.add_paragraph(style="Fact")
        line.add_run(clean(f"{label}{'：' if report.language == 'zh' else ': '}"))
        line.add_run(clean(value))
    if report.headlines:
        document.add_paragraph(style="Fact")
        rows = tuple((Cell(one.label), Cell(one.value, tone=one.tone), Cell(one.detail)) for one in report.headlines)
        _rows(document, (Column("", wide=1.0), Column("", wide=1.0), Column("", wide=2.0)), rows)
    heading = document.add_paragraph(report.words["contents"], style="Caption")
    heading.paragraph_format.page_break_before = True
    heading.paragraph_format.space_after = Mm(4)
    entries = [
        (f"{heading_number(report.language, index)}{section.title}", section.key, len(index))
        for index, section in _headings(report.sections)
    ]
    for title, key, level in entries:
        _contents_line(document, title, key, level)


def _headings(sections: Sequence[Section], above: tuple[int, ...] = ()) -> list[tuple[tuple[int, ...], Section]]:
    found: list[tuple[tuple[int, ...], Section]] = []
    for number, section in enumerate(sections, 1):
        found.append(((*above, number), section))
        found += _headings(section.sections, (*above, number))
    return found


def _contents_line(document: Document, title: str, key: str, level: int) -> None:
    """One line of the contents: a link to the heading, and the page it is on."""
    line = document.add_paragraph(style=f"toc {level}")
    link = element("w:hyperlink", {"w:anchor": _bookmark(key), "w:history": "1"})
    run = element("w:r")
    text = element("w:t", {"xml:space": "preserve"})
    text.text = clean(title)
    run.append(text)
    run.append(element("w:tab"))
    link.append(run)
    line._p.append(link)
    # The page is known only to the program that lays the text out; a dirty field is computed on opening.
    field(line._p, f"PAGEREF {_bookmark(key)} \\h", "", dirty=True)


def _bookmark(key: str) -> str:
    return "_Toc_" + re.sub(r"\W", "_", key)


def _chapter(document: Document, report: Report, style: Look, section: Section, index: tuple[int, ...]) -> None:
    title = f"{heading_number(report.language, index)}{section.title}"
    heading = document.add_paragraph(clean(title), style=f"Heading {len(index)}")
    heading.paragraph_format.page_break_before = index == (1,)
    _mark(heading._p, _bookmark(section.key), index[0] * 100 + (index[1] if len(index) > 1 else 0))
    for block in section.blocks:
        _block(document, report, style, block)
    for number, inner in enumerate(section.sections, 1):
        _chapter(document, report, style, inner, (*index, number))


def _mark(paragraph: Any, name: str, number: int) -> None:  # noqa: ANN401  (an lxml element)
    paragraph.append(element("w:bookmarkStart", {"w:id": str(number), "w:name": name}))
    paragraph.append(element("w:bookmarkEnd", {"w:id": str(number)}))


def _block(document: Document, report: Report, style: Look, block: Block) -> None:
    if isinstance(block, Paragraph):
        _text(document, style, block)
        return
    if isinstance(block, Figure):
        _figure(document, report, block)
    else:
        _caption(document, report, block)
        _table(document, block)
    document.add_paragraph(clean(block.source), style="Source")


def _text(document: Document, style: Look, block: Paragraph) -> None:
    line = document.add_paragraph(clean(block.text))
    if style.indent_chars:
        twips = round(style.indent_chars * style.size_pt * 20)
        indent = element("w:ind", {"w:firstLineChars": str(style.indent_chars * 100), "w:firstLine": str(twips)})
        line._p.get_or_add_pPr().append(indent)
    if block.tone == "warning":
        _boxed(line)


def _boxed(line: Any) -> None:  # noqa: ANN401  (a python-docx paragraph)
    """Put a paragraph on a tint, with a bar at its left."""
    properties = line._p.get_or_add_pPr()
    borders = element("w:pBdr")
    borders.append(element("w:left", {"w:val": "single", "w:sz": "24", "w:space": "6", "w:color": "E0A800"}))
    shade = element("w:shd", {"w:val": "clear", "w:color": "auto", "w:fill": "FFF6E0"})
    properties.insert_element_before(borders, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")
    properties.insert_element_before(shade, "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")


def _figure(document: Document, report: Report, figure: Figure) -> None:
    drawn = () if isinstance(figure.chart, Bars) else [one for one in figure.chart if isinstance(one, Outline)]
    if drawn:
        add_outlines(document, drawn, figure.number * EACH, report.words["see_html"])
    else:
        line = document.add_paragraph(style="Table Text")
        line.paragraph_format.keep_with_next = True
        for run in chart_runs(document, figure.chart, clean(figure.caption), figure.number):
            line._p.append(run)
    unit = f" ({figure.unit})" if figure.unit else ""
    caption = f"{report.words['figure_n'].format(n=figure.number)}  {figure.caption}{unit}"
    document.add_paragraph(clean(caption), style="Caption")


def _caption(document: Document, report: Report, table: Table) -> None:
    caption = document.add_paragraph(
        clean(f"{report.words['table_n'].format(n=table.number)}  {table.caption}"), style="Caption"
    )
    caption.paragraph_format.space_before = Mm(2.5)
    caption.paragraph_format.space_after = Mm(1)


# ---------------------------------------------------------------- tables


def _table(document: Document, table: Table) -> None:
    _rows(document, table.columns, table.rows, head=True, strong=table.strong)


def _rows(
    document: Document,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    *,
    head: bool = False,
    strong: int = 0,
) -> None:
    """Build a table's XML in one go: python-docx takes a second for every few hundred cells."""
    widths = column_widths(columns, rows)
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


def column_widths(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[int]:
    """Share the width of the page (twips): no number is broken, and long texts share what is left.

    Examples
    --------
    >>> wide = column_widths([Column("a"), Column("b")], [[Cell("x"), Cell("长" * 80)]])
    >>> wide[0] < wide[1], sum(wide) <= 8845
    (True, True)
    """
    total = Mm(_TEXT_WIDTH_MM).twips
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
    """Width of a word that should stay in one line: any Latin one, a Chinese one of up to four signs."""
    return text_width(word) if word.isascii() else min(text_width(word), 4.5)
