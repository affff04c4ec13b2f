"""The report as a Word file that needs no retouching (Word 报告).

Content comes ready from `content`; a template says what goes where (`docx_template`), the looks stand in
`docx_style`, tables in `docx_table`, charts in `docx_chart`. Parts are written at the end of the rendered
template and moved to their places. Page numbers of the contents are fields. Text from data is cleaned of
signs that XML cannot hold.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Mm

from geo.charts import Outline
from geo.charts.texts import clean
from geo.report.docx_chart import EACH, FIRST_SHAPE, chart_runs
from geo.report.docx_outline import add_outlines
from geo.report.docx_style import Look, boxed, element, field, look
from geo.report.docx_table import add_rows
from geo.report.docx_template import places, render
from geo.report.html import heading_number
from geo.report.parts import Block, Cell, Column, Figure, Paragraph, Picture, Report, Section, Table, numbered, walk

__all__ = ["write_docx"]

_log = logging.getLogger(__name__)

#: A property of a Word file holds so many characters.
_PROPERTY = 255
#: Names of bookmarks begin their numbers here, beyond those of a template.
_FIRST_MARK = 10_000
#: Maps lie: margins of their pages, and what caption, heading and source need of their height (mm).
_MAP_MARGIN_MM, _MAP_REST_MM = 15.0, 34.0


def write_docx(report: Report, path: str | Path, template: Path | None = None) -> None:
    """Write a report as a Word file.

    Parameters
    ----------
    report : Report
    path : path
    template : Path, optional
        A Word file with fields, see `docx_template`; the one on board by default.

    Raises
    ------
    ProjectError
        The template is no Word file, or holds something it may not; the message names the paragraph.
    """
    document = render(report, template)
    if template is None:
        document.core_properties.title = clean(report.title)[:_PROPERTY]
        document.core_properties.comments = clean(report.banner)[:_PROPERTY]
    placed = places(document)
    chapters = numbered(_in_order(report, list(placed)))
    written = _Written(document, replace(report, sections=chapters), look(report.language))
    for name, place in placed.items():
        _fill(written, name, place, alone=[one.key for one in chapters if one.key in placed])
    _end(document)
    document.save(str(path))


@dataclass(frozen=True)
class _Written:
    """A document that is being written, its report with the chapters in the order of the template, the look."""

    document: Document
    report: Report
    style: Look


def _in_order(report: Report, placed: Sequence[str]) -> tuple[Section, ...]:
    """The chapters in the order of their places; those without a place of their own stand where all others go."""
    own = {section.key: section for section in report.sections if section.key in placed}
    others = [section for section in report.sections if section.key not in own]
    if others and "chapters" not in placed:
        _log.warning("template: no place for %s", ", ".join(one.title for one in others))
    found: list[Section] = []
    for name in placed:
        found += others if name == "chapters" else [own[name]] if name in own else []
    return tuple(found)


def _fill(written: _Written, name: str, place: Any, alone: Sequence[str]) -> None:  # noqa: ANN401  (an lxml element)
    """Write a part at the end of the body, then move it to its place."""
    body = written.document.element.body
    before = body.sectPr.getprevious()
    _part(written, name, alone)
    for one in list(before.itersiblings())[:-1]:
        place.addprevious(one)
    body.remove(place)


def _part(written: _Written, name: str, alone: Sequence[str]) -> None:
    if name == "headlines":
        _headlines(written)
    elif name == "contents":
        for index, section in _headings(written.report.sections):
            title = f"{heading_number(written.report.language, index)}{section.title}"
            _contents_line(written.document, title, section.key, len(index))
    else:
        for number, chapter in enumerate(written.report.sections, 1):
            if chapter.key == name or (name == "chapters" and chapter.key not in alone):
                _chapter(written, chapter, (number,))


def _headlines(written: _Written) -> None:
    if written.report.headlines:
        written.document.add_paragraph(style="Fact")
        shown = written.report.headlines
        rows = tuple((Cell(one.label), Cell(one.value, tone=one.tone), Cell(one.detail)) for one in shown)
        add_rows(written.document, (Column("", wide=1.0), Column("", wide=1.0), Column("", wide=2.0)), rows)


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


def _chapter(written: _Written, section: Section, index: tuple[int, ...]) -> None:
    report, document = written.report, written.document
    lying = len(index) == 1 and any(
        isinstance(one, Figure) and isinstance(one.chart, Picture) for one in walk((section,))
    )
    if lying:
        _break_section(document)
    title = f"{heading_number(report.language, index)}{section.title}"
    heading = document.add_paragraph(clean(title), style=f"Heading {len(index)}")
    heading.paragraph_format.page_break_before = index == (1,) and not lying
    _mark(heading._p, _bookmark(section.key), _FIRST_MARK + index[0] * 100 + (index[1] if len(index) > 1 else 0))
    for block in section.blocks:
        _block(written, block)
    for number, inner in enumerate(section.sections, 1):
        _chapter(written, inner, (*index, number))
    if lying:
        _break_section(document, lying=True)


def _break_section(document: Document, *, lying: bool = False) -> None:
    """End a section here: pages up to here are as those of the document, or lie."""
    page = deepcopy(document.element.body.sectPr)
    if lying:
        size, margins = page.find(qn("w:pgSz")), page.find(qn("w:pgMar"))
        size.set(qn("w:w"), str(Mm(297).twips))
        size.set(qn("w:h"), str(Mm(210).twips))
        size.set(qn("w:orient"), "landscape")
        for side in ("top", "right", "bottom", "left"):
            margins.set(qn(f"w:{side}"), str(Mm(_MAP_MARGIN_MM).twips))
        margins.set(qn("w:footer"), str(Mm(_MAP_MARGIN_MM / 2).twips))
    line = document.add_paragraph(style="Source")
    line._p.get_or_add_pPr().append(page)


def _end(document: Document) -> None:
    """Where the last section has ended, no empty page follows."""
    body = document.element.body
    inner = body.sectPr.getprevious().find(f"{qn('w:pPr')}/{qn('w:sectPr')}")
    if inner is not None:
        body.remove(inner.getparent().getparent())
        body.replace(body.sectPr, inner)


def _mark(paragraph: Any, name: str, number: int) -> None:  # noqa: ANN401  (an lxml element)
    paragraph.append(element("w:bookmarkStart", {"w:id": str(number), "w:name": name}))
    paragraph.append(element("w:bookmarkEnd", {"w:id": str(number)}))


def _block(written: _Written, block: Block) -> None:
    document = written.document
    if isinstance(block, Paragraph):
        _text(document, written.style, block)
        return
    if isinstance(block, Figure):
        _figure(document, written.report, block)
    else:
        _caption(document, written.report, block)
        add_rows(document, block.columns, block.rows, head=True, strong=block.strong)
    document.add_paragraph(clean(block.source), style="Source")


def _text(document: Document, style: Look, block: Paragraph) -> None:
    line = document.add_paragraph(clean(block.text))
    if style.indent_chars:
        twips = round(style.indent_chars * style.size_pt * 20)
        indent = element("w:ind", {"w:firstLineChars": str(style.indent_chars * 100), "w:firstLine": str(twips)})
        line._p.get_or_add_pPr().append(indent)
    if block.tone == "warning":
        boxed(line)


def _figure(document: Document, report: Report, figure: Figure) -> None:
    drawn = [one for one in figure.chart if isinstance(one, Outline)] if isinstance(figure.chart, tuple) else []
    if drawn:
        add_outlines(document, drawn, FIRST_SHAPE + figure.number * EACH, report.words["see_html"])
    else:
        _one_picture(document, figure)
    unit = f" ({figure.unit})" if figure.unit else ""
    caption = f"{report.words['figure_n'].format(n=figure.number)}  {figure.caption}{unit}"
    document.add_paragraph(clean(caption), style="Caption")


def _one_picture(document: Document, figure: Figure) -> None:
    line = document.add_paragraph(style="Table Text")
    line.paragraph_format.keep_with_next = True
    caption = clean(figure.caption)
    if isinstance(figure.chart, Picture):
        room = (297 - 2 * _MAP_MARGIN_MM, 210 - 2 * _MAP_MARGIN_MM - _MAP_REST_MM)
        share = min(room[0] / figure.chart.width_mm, room[1] / figure.chart.height_mm, 1.0)
        shown = line.add_run().add_picture(io.BytesIO(figure.chart.png), width=Mm(share * figure.chart.width_mm))
        shown._inline.docPr.set("descr", caption)
        line.alignment = WD_ALIGN_PARAGRAPH.CENTER
    else:
        for run in chart_runs(document, figure.chart, caption, figure.number):
            line._p.append(run)


def _caption(document: Document, report: Report, table: Table) -> None:
    caption = document.add_paragraph(
        clean(f"{report.words['table_n'].format(n=table.number)}  {table.caption}"), style="Caption"
    )
    caption.paragraph_format.space_before = Mm(2.5)
    caption.paragraph_format.space_after = Mm(1)
