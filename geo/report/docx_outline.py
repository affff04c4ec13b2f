"""Outlines of a report as shapes Word draws itself: each place in its true form, with its name and a bar of scale.

A picture is a group of freeform shapes (DrawingML) in a line of text; programs that know none show the words that are
handed in instead. Names and lengths stand in lines of text above and below, since not every office places words that
lie within a group. What the colours mean stands in a line of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.oxml import parse_xml
from docx.shared import Emu, Pt

from geo.charts import Outline
from geo.charts.outline import Part, round_length
from geo.charts.texts import clean, shorten

__all__ = ["add_outlines"]

_NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wpg="http://schemas.microsoft.com/office/word/2010/wordprocessingGroup" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
)
_GROUP = "http://schemas.microsoft.com/office/word/2010/wordprocessingGroup"
_MM = 36_000  # EMU
#: So many pictures stand side by side.
_BESIDE = 3
_WIDE, _PLOT, _MARGIN, _BELOW = 50 * _MM, 46 * _MM, 1 * _MM, 3 * _MM
_LEAST = 5 * _MM
_NAME_MOST_EM = 16.0
#: Fill, line and its breadth in EMU of each look; the colours are those of `outline.css`.
_LOOKS = {
    "main": ("3B78AD", "23527C", 6350),
    "other": ("A9C6DE", "3B78AD", 6350),
    "join": ("E69F00", "B3341F", 9525),
    "cluster": ("", "7B8794", 6350),
}


def add_outlines(document: Document, outlines: Sequence[Outline], number: int, otherwise: str) -> None:
    """Add the paragraphs of a figure of outlines: names, pictures and lengths by threes, then what the colours mean.

    Parameters
    ----------
    document : Document
    outlines : sequence of Outline
    number : int
        Pictures are numbered from here on.
    otherwise : str
        What programs show that cannot draw the shapes.
    """
    for first in range(0, len(outlines), _BESIDE):
        some = outlines[first : first + _BESIDE]
        _line(document, [shorten(clean(one.name), _NAME_MOST_EM) for one in some], "CENTER", bold=True)
        pictures = _paragraph(document)
        for place, one in enumerate(some, first):
            pictures._p.append(parse_xml(_run(one, number + place, "" if place else otherwise)))
        _line(document, [round_length(_frame(one)[2])[1] for one in some], "LEFT", bold=False)
    key = _paragraph(document)
    for run in _keys(outlines):
        key._p.append(run)


def _paragraph(document: Document) -> Any:  # noqa: ANN401  (a python-docx paragraph)
    made = document.add_paragraph(style="Table Text")
    made.paragraph_format.keep_with_next = True
    made.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.LEFT
    return made


def _line(document: Document, words: Sequence[str], align: str, *, bold: bool) -> None:
    """Write words above or below pictures that stand side by side."""
    line = _paragraph(document)
    for place in range(len(words)):
        at = place * _WIDE + (_WIDE // 2 if align == "CENTER" else 2 * _MM)
        line.paragraph_format.tab_stops.add_tab_stop(Emu(at), WD_TAB_ALIGNMENT[align])
    run = line.add_run("".join(f"\t{one}" for one in words))
    run.bold, run.font.size = bold, Pt(8 if bold else 7)


def _keys(outlines: Sequence[Outline]) -> Iterator[Any]:
    """Yield runs that say what the colours mean: each look in use once."""
    words = {look: text for outline in outlines for look, text in outline.looks}
    for look in (one for one in _LOOKS if one in words):
        fill, line, _ = _LOOKS[look]
        square, text = "■" if fill else "□", escape(clean(words[look]))
        yield parse_xml(f'<w:r {_NAMESPACES}><w:rPr><w:color w:val="{fill or line}"/></w:rPr><w:t>{square}</w:t></w:r>')
        yield parse_xml(f'<w:r {_NAMESPACES}><w:t xml:space="preserve"> {text}　</w:t></w:r>')


def _frame(outline: Outline) -> tuple[float, float, float, float]:
    """Return the west and north of a place, its larger extent and how far it reaches from west to east, m."""
    points = [point for part in outline.parts for ring in part.rings for point in ring]
    west, south = (min((one[axis] for one in points), default=0.0) for axis in (0, 1))
    east, north = (max((one[axis] for one in points), default=1.0) for axis in (0, 1))
    return west, north, max(east - west, north - south, 1.0), east - west


def _run(outline: Outline, number: int, otherwise: str) -> str:
    west, north, extent, wide = _frame(outline)
    scale = _PLOT / extent
    left = (_WIDE - wide * scale) / 2
    lowest = min((y for part in outline.parts for ring in part.rings for _, y in ring), default=north)
    height = int(_MARGIN + max((north - lowest) * scale, _LEAST) + _BELOW)

    def place(x: float, y: float) -> tuple[float, float]:
        return left + (x - west) * scale, _MARGIN + (north - y) * scale

    shapes = "".join(_shape(part, place) for part in outline.parts if part.rings)
    name = quoteattr(clean(outline.name))
    return (
        f'<w:r {_NAMESPACES}><mc:AlternateContent><mc:Choice Requires="wpg"><w:drawing>'
        f'<wp:inline distT="0" distB="0" distL="0" distR="0"><wp:extent cx="{_WIDE}" cy="{height}"/>'
        f'<wp:docPr id="{number}" name={name} descr={name}/><wp:cNvGraphicFramePr/>'
        f'<a:graphic><a:graphicData uri="{_GROUP}"><wpg:wgp><wpg:cNvGrpSpPr/><wpg:grpSpPr><a:xfrm>'
        f'<a:off x="0" y="0"/><a:ext cx="{_WIDE}" cy="{height}"/>'
        f'<a:chOff x="0" y="0"/><a:chExt cx="{_WIDE}" cy="{height}"/></a:xfrm></wpg:grpSpPr>'
        f"{shapes}{_scale_bar(round_length(extent)[0] * scale, height - 2 * _MM)}"
        f"</wpg:wgp></a:graphicData></a:graphic></wp:inline></w:drawing></mc:Choice>"
        f"<mc:Fallback><w:t>{escape(clean(otherwise))}</w:t></mc:Fallback></mc:AlternateContent></w:r>"
    )


def _shape(part: Part, place: Callable[[float, float], tuple[float, float]]) -> str:
    """Draw one part as a freeform; its rings leave holes where they lie in each other."""
    rings = [[place(x, y) for x, y in ring] for ring in part.rings]
    fill, line, breadth = _LOOKS[part.look]
    inside = f'<a:solidFill><a:srgbClr val="{fill}"/></a:solidFill>' if fill else "<a:noFill/>"
    dash = "" if fill else '<a:prstDash val="sysDash"/>'
    stroke = f'<a:ln w="{breadth}"><a:solidFill><a:srgbClr val="{line}"/></a:solidFill>{dash}</a:ln>'
    return _freeform(rings, inside + stroke, closed=True)


def _freeform(rings: Sequence[Sequence[tuple[float, float]]], looks: str, *, closed: bool) -> str:
    corners = [corner for ring in rings for corner in ring]
    x0, y0 = (int(min(corner[axis] for corner in corners)) for axis in (0, 1))
    wide, high = (max(int(max(corner[axis] for corner in corners)) - low, 1) for axis, low in ((0, x0), (1, y0)))
    end = "<a:close/>" if closed else ""
    path = "".join(_ring([(int(x) - x0, int(y) - y0) for x, y in ring]) + end for ring in rings)
    return (
        f'<wps:wsp><wps:cNvSpPr/><wps:spPr><a:xfrm><a:off x="{x0}" y="{y0}"/><a:ext cx="{wide}" cy="{high}"/></a:xfrm>'
        f'<a:custGeom><a:avLst/><a:gdLst/><a:ahLst/><a:cxnLst/><a:rect l="0" t="0" r="r" b="b"/>'
        f'<a:pathLst><a:path w="{wide}" h="{high}">{path}</a:path></a:pathLst></a:custGeom>{looks}</wps:spPr>'
        f"<wps:bodyPr/></wps:wsp>"
    )


def _ring(corners: Sequence[tuple[int, int]]) -> str:
    steps = ["moveTo", *["lnTo"] * (len(corners) - 1)]
    return "".join(f'<a:{step}><a:pt x="{x}" y="{y}"/></a:{step}>' for step, (x, y) in zip(steps, corners, strict=True))


def _scale_bar(length: float, y: float) -> str:
    left, tip = 2 * _MM, y + _MM
    looks = '<a:noFill/><a:ln w="9525"><a:solidFill><a:srgbClr val="1C2430"/></a:solidFill></a:ln>'
    return _freeform([[(left, y), (left, tip), (left + length, tip), (left + length, y)]], looks, closed=False)
