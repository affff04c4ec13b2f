"""How the Word file looks: page, fonts by name, styles, page numbers.

Chinese reports follow the layout of GB/T 9704 (A4, margins 37/35/28/26 mm, title 方正小标宋 二号, headings
黑体 and 楷体, body 仿宋 三号 on 28 pt lines, page numbers outside); English ones are plain. Every style names
its East Asian font, and no theme font stands above it. Fonts are named, never shipped: where one is not
installed, Word takes the other name that the font table gives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.opc.oxml import serialize_part_xml
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor

__all__ = ["TEXT_WIDTH_MM", "Look", "add_styles", "boxed", "element", "field", "look", "set_up", "text_width_mm"]

_MARGINS_MM = {"top_margin": 37, "bottom_margin": 35, "left_margin": 28, "right_margin": 26}
#: Width of the text between these margins.
TEXT_WIDTH_MM = 156.0

#: Font → the name Word falls back to where it is not installed.
_OTHER_NAMES = {
    "仿宋_GB2312": "FangSong",
    "楷体_GB2312": "KaiTi",
    "方正小标宋简体": "SimSun",
    "黑体": "SimHei",
}


@dataclass(frozen=True)
class Look:
    """Fonts and sizes (pt) of one language; `line_pt` is an exact line, None a proportional one."""

    latin: str
    heading_latin: str
    body: str
    title: str
    heading1: str
    heading2: str
    size_pt: float
    title_pt: float
    heading_pt: tuple[float, float]
    line_pt: float | None
    indent_chars: int


def look(language: str) -> Look:
    """Return the look of reports in a language."""
    if language == "en":
        return Look("Times New Roman", "Arial", "仿宋_GB2312", "黑体", "黑体", "黑体", 11, 22, (16, 13), None, 0)
    return Look(
        "Times New Roman",
        "Times New Roman",
        "仿宋_GB2312",
        "方正小标宋简体",
        "黑体",
        "楷体_GB2312",
        16,
        22,
        (16, 16),
        28,
        2,
    )


def set_up(document: Document, style: Look) -> None:
    """Give an empty document its page, styles and page numbers."""
    page = document.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    for side, millimetres in _MARGINS_MM.items():
        setattr(page, side, Mm(millimetres))
    page.footer_distance = Mm(25)
    _drop_theme_fonts(document)
    normal = document.styles["Normal"]
    _font(normal, style.latin, style.body, style.size_pt)
    _paragraph(normal, style.line_pt, before=0, after=0 if style.line_pt else 4)
    for name, make in _STYLES.items():
        make(document, name, style)
    _name_fonts(document)
    _number_pages(document, style)


def add_styles(document: Document, style: Look) -> None:
    """Give a document the styles a report is written in, where it has none of that name."""
    for name, make in _STYLES.items():
        if name not in document.styles:
            make(document, name, style)


def text_width_mm(document: Document) -> float:
    """Return how wide the text of a document is, in its narrowest section."""
    wide = ((one.page_width or Mm(210)) - (one.left_margin or 0) - (one.right_margin or 0) for one in document.sections)
    return min(wide) / Mm(1)


def _drop_theme_fonts(document: Document) -> None:
    """Theme fonts stand above named ones, and the theme's East Asian font is a Japanese one: take them out."""
    for fonts in document.styles.element.iter(qn("w:rFonts")):
        for name in [name for name in fonts.attrib if "Theme" in str(name)]:
            del fonts.attrib[name]


def _font(style: Any, latin: str, asian: str, size_pt: float) -> None:  # noqa: ANN401  (python-docx has no types)
    style.font.name, style.font.size = latin, Pt(size_pt)
    style.font.color.rgb = RGBColor(0, 0, 0)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for key, name in (("w:ascii", latin), ("w:hAnsi", latin), ("w:cs", latin), ("w:eastAsia", asian)):
        fonts.set(qn(key), name)


def _paragraph(style: Any, line_pt: float | None, *, before: float, after: float) -> None:  # noqa: ANN401
    form = style.paragraph_format
    form.space_before, form.space_after = Pt(before), Pt(after)
    form.line_spacing_rule = WD_LINE_SPACING.EXACTLY if line_pt else WD_LINE_SPACING.MULTIPLE
    form.line_spacing = Pt(line_pt) if line_pt else 1.15


def _made(document: Document, name: str) -> Any:  # noqa: ANN401
    """Return a style, which is made where it is not there yet."""
    styles = document.styles
    if name in styles:
        return styles[name]
    return styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH, builtin=name in _BUILT_IN)


def _heading(document: Document, name: str, style: Look) -> None:
    made, line_pt = _made(document, name), style.line_pt
    first, second = style.heading_pt
    asian, size = {
        "Title": (style.title, style.title_pt), "Heading 1": (style.heading1, first),
    }.get(name, (style.heading2, second))  # fmt: skip
    _font(made, style.heading_latin, asian, size)
    # A Chinese heading font is heavy by itself; a bold one would be smeared.
    made.font.bold, made.font.italic = line_pt is None, False
    _paragraph(
        made, 36 if line_pt and name == "Title" else line_pt, before=0 if line_pt else 12, after=0 if line_pt else 4
    )
    made.paragraph_format.keep_with_next = True
    if name == "Title":
        made.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    else:
        _outline(made, int(name[-1]) - 1)
    for border in made.element.iter(qn("w:pBdr")):
        border.getparent().remove(border)
        break


def _outline(style: Any, level: int) -> None:  # noqa: ANN401
    """Headings stand in Word's navigation pane."""
    properties = style.element.get_or_add_pPr()
    if properties.find(qn("w:outlineLvl")) is None:
        properties.append(element("w:outlineLvl", {"w:val": str(level)}))


def _small(document: Document, name: str, style: Look) -> None:
    made = _made(document, name)
    made.base_style = document.styles["Normal"]
    _font(made, style.latin, style.body, _SMALL_PT[name])
    made.font.bold, made.font.italic = False, False
    _paragraph(made, None, before=0, after=0)
    made.paragraph_format.line_spacing = 1.0
    made.paragraph_format.first_line_indent = Pt(0)


def _caption(document: Document, name: str, style: Look) -> None:
    _small(document, name, style)
    made = document.styles[name]
    made.paragraph_format.keep_with_next = True
    made.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _font(made, style.heading_latin, "黑体", _SMALL_PT[name])


def _source(document: Document, name: str, style: Look) -> None:
    _small(document, name, style)
    _paragraph(document.styles[name], None, before=3, after=10)


def _contents(document: Document, name: str, style: Look) -> None:
    made = _made(document, name)
    made.base_style = document.styles["Normal"]
    size = 12.0 if style.line_pt else 11.0
    _font(made, style.latin, style.body, size)
    _paragraph(made, 20 if style.line_pt else None, before=0, after=0)
    made.paragraph_format.left_indent = Pt(0 if name == "toc 1" else 2 * size)
    tabs = element("w:tabs")
    place = str(int(Mm(text_width_mm(document)).twips))
    tabs.append(element("w:tab", {"w:val": "right", "w:leader": "dot", "w:pos": place}))
    made.element.get_or_add_pPr().insert_element_before(tabs, "w:spacing", "w:ind", "w:jc", "w:outlineLvl")


_BUILT_IN = frozenset({"Title", "Heading 1", "Heading 2", "Caption", "toc 1", "toc 2"})
_SMALL_PT = {"Caption": 12.0, "Table Text": 10.5, "Table Small": 9.0, "Source": 9.0, "Fact": 12.0}

#: The styles a report is written in, and what gives each its look.
_STYLES: dict[str, Callable[[Document, str, Look], None]] = {
    "Title": _heading,
    "Heading 1": _heading,
    "Heading 2": _heading,
    "Caption": _caption,
    "Table Text": _small,
    "Table Small": _small,
    "Source": _source,
    "Fact": _small,
    "toc 1": _contents,
    "toc 2": _contents,
}


def _name_fonts(document: Document) -> None:
    """Give each Chinese font its second name in the font table."""
    table = next(part for part in document.part.package.iter_parts() if str(part.partname) == "/word/fontTable.xml")
    root = parse_xml(table.blob)
    for name, other in _OTHER_NAMES.items():
        font = element("w:font", {"w:name": name})
        font.append(element("w:altName", {"w:val": other}))
        font.append(element("w:charset", {"w:val": "86"}))
        root.append(font)
    table._blob = serialize_part_xml(root)


def _number_pages(document: Document, style: Look) -> None:
    """Page numbers between dashes, on the outer side: right on odd pages, left on even ones."""
    document.settings.odd_and_even_pages_header_footer = True
    page = document.sections[0]
    sides = ((page.footer, WD_ALIGN_PARAGRAPH.RIGHT), (page.even_page_footer, WD_ALIGN_PARAGRAPH.LEFT))
    for footer, side in sides:
        line = footer.paragraphs[0]
        line.alignment = side
        line.paragraph_format.first_line_indent = Pt(0)
        line.add_run("— ")
        field(line._p, "PAGE", "1")
        line.add_run(" —")
    footer_style = document.styles["Footer"]
    _font(footer_style, style.latin, "宋体", 14 if style.line_pt else 10)


def boxed(line: Any) -> None:  # noqa: ANN401  (a python-docx paragraph)
    """Put a paragraph on a tint, with a bar at its left."""
    properties = line._p.get_or_add_pPr()
    borders = element("w:pBdr")
    borders.append(element("w:left", {"w:val": "single", "w:sz": "24", "w:space": "6", "w:color": "E0A800"}))
    shade = element("w:shd", {"w:val": "clear", "w:color": "auto", "w:fill": "FFF6E0"})
    properties.insert_element_before(borders, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")
    properties.insert_element_before(shade, "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")


def element(tag: str, attributes: dict[str, str] | None = None) -> Any:  # noqa: ANN401  (an lxml element)
    """Return a new element of the document's XML."""
    made = OxmlElement(tag)
    for name, value in (attributes or {}).items():
        made.set(qn(name), value)
    return made


def field(parent: Any, instruction: str, shown: str, *, dirty: bool = False) -> None:  # noqa: ANN401
    """Append a field, such as a page number, with the text it shows until it is computed."""
    marks: dict[str, dict[str, str]] = {
        "begin": {"w:dirty": "true"} if dirty else {},
        "separate": {},
        "end": {},
    }
    for kind, extra in marks.items():
        run = element("w:r")
        run.append(element("w:fldChar", {"w:fldCharType": kind, **extra}))
        parent.append(run)
        if kind != "end":
            inner = element("w:r")
            text = element("w:instrText" if kind == "begin" else "w:t", {"xml:space": "preserve"})
            text.text = f" {instruction} " if kind == "begin" else shown
            inner.append(text)
            parent.append(inner)
