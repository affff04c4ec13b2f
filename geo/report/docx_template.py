"""Templates of the Word report (Word 报告模板): the one on board, written out to be edited, and those of users.

A template is a file from anywhere: it is weighed before it is unpacked, loads nothing from outside, and its
fields are checked one by one (`docx_fields`) before docxtpl renders them in a sandbox. What does not fit is
named with its paragraph and the nearest field there is.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import docx
from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml.ns import qn
from docx.shared import Mm
from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, Template, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from lxml import etree
from markupsafe import Markup

from geo.charts.texts import clean, shorten
from geo.indicators import catalogue
from geo.labels import text
from geo.report.docx_fields import CHAPTERS, FACTS, PLACES, TEXTS, VALUES, Fault, faults, known
from geo.report.docx_style import add_styles, boxed, look, set_up
from geo.report.parts import Report
from layers.errors import ProjectError, Words, suggestion
from layers.output import new_file

__all__ = ["places", "render", "require_template", "write_template"]

_MAX_UNPACKED = 64 * 1024**2  # bytes
_MAX_TEXT = 8 * 1024**2  # bytes of one XML part
_MARK = "_parkwise_"
_STYLES_FROM = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate"
_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_HOW = Words(
    'The fields stand in docs/word-template.md; "parkwise template -o FILE.docx" writes a template that works.',
    "可用字段见 docs/word-template.md；用 parkwise template -o 文件.docx 可写出一份可用的模板。",
)
_UNREADABLE = (zipfile.BadZipFile, etree.XMLSyntaxError, KeyError, ValueError, OSError, EOFError, NotImplementedError)


def write_template(path: str | Path, language: str = "zh", *, overwrite: bool = False) -> None:
    """Write the template on board as a Word file to edit (写出默认模板).

    Parameters
    ----------
    path : path
    language : str
        ``zh`` or ``en``.
    overwrite : bool

    Raises
    ------
    OutputError
        The file is there already, or cannot be written.
    """
    with new_file(path, overwrite=overwrite) as place:
        place.write_bytes(_on_board(language))


def require_template(path: Path) -> None:
    """Refuse a template that cannot be used.

    Raises
    ------
    ProjectError
        It is not there, is no Word file, swells, loads something from outside, holds code or an unknown field.
    """
    values = {name: dict.fromkeys(catalogue(), "x") for name in VALUES}
    parts = {one: _mark(one) for one in PLACES}
    _rendered(_weighed(path), path.name, {**dict.fromkeys(TEXTS, "x"), **values, **parts, FACTS: []})


def render(report: Report, template: Path | None) -> Document:
    """Return the document with every text in its place; `places` tells where the parts go.

    Raises
    ------
    ProjectError
        As in `require_template`.
    """
    name = template.name if template else f"template-{report.language}"
    file = _on_board(report.language) if template is None else _weighed(template)
    there = {section.key for section in report.sections}
    shown = {one for one in PLACES if one not in CHAPTERS or one in there}
    context = {
        **{key: clean(value) for key, value in report.texts.items()},
        **{key: {one: clean(value) for one, value in report.values[key].items()} for key in VALUES},
        FACTS: [{"label": clean(label), "value": clean(value)} for label, value in report.facts],
        **{one: _mark(one) if one in shown else Markup() for one in PLACES},
    }
    made = _rendered(file, name, context)
    made.element.body.get_or_add_sectPr()
    add_styles(made, look(report.language))
    return made


def places(document: Document) -> dict[str, Any]:
    """Return the paragraph in which each part goes, by name, in the order of the document."""
    marks = (one for one in document.element.body.iter(qn("w:bookmarkStart")))
    named = ((str(one.get(qn("w:name"))), one) for one in marks)
    return {name.removeprefix(_MARK): one.getparent() for name, one in named if name.startswith(_MARK)}


# ---------------------------------------------------------------- the template on board


def _on_board(language: str) -> bytes:
    """The template on board: title, warning, facts, figures; contents and all chapters on pages of their own."""
    document = docx.Document()
    set_up(document, look(language))
    document.core_properties.author = "Parkwise"
    document.core_properties.language = "zh-CN" if language == "zh" else "en"
    document.add_paragraph("{{ title }}", style="Title")
    document.add_paragraph("{%p if banner %}")
    boxed(document.add_paragraph("{{ banner }}", style="Fact"))
    document.add_paragraph("{%p endif %}")
    document.add_paragraph("{%p for fact in facts %}")
    colon = "：" if language == "zh" else ": "
    document.add_paragraph("{{ fact.label }}" + colon + "{{ fact.value }}", style="Fact")
    document.add_paragraph("{%p endfor %}")
    document.add_paragraph("{{p headlines }}")
    heading = document.add_paragraph(text("report.contents", language), style="Caption")
    heading.paragraph_format.page_break_before = True
    heading.paragraph_format.space_after = Mm(4)
    document.add_paragraph("{{p contents }}")
    document.add_paragraph("{{p chapters }}")
    return _bytes(document)


def _bytes(document: Document | DocxTemplate) -> bytes:
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


# ---------------------------------------------------------------- a template from anywhere


def _weighed(path: Path) -> bytes:
    """The bytes of a template, weighed before anything is unpacked."""
    try:
        with zipfile.ZipFile(path) as package:
            sizes = {one.filename: one.file_size for one in package.infolist()}
        file = path.read_bytes()
    except _UNREADABLE as error:
        _no_document(path.name, error)
    largest = max((size for name, size in sizes.items() if name.endswith((".xml", ".rels"))), default=0)
    if sum(sizes.values()) > _MAX_UNPACKED or largest > _MAX_TEXT:
        told, most = f"{sum(sizes.values()) / 2**20:,.0f} MiB", f"{_MAX_UNPACKED >> 20} MiB"
        raise ProjectError(
            f"{path.name}: swells too much when unpacked and is refused as a template ({told}, of it {largest:,} bytes "
            f"of one text; bounds: {most}, {_MAX_TEXT:,} bytes). Take pictures or pages out of it.",
            f"{path.name}：解压后过大，不能作为模板（共 {told}，其中单个文本 {largest:,} 字节；上限 {most}、"
            f"{_MAX_TEXT:,} 字节）。请删减其中的图片或页面。",
        )
    return file


def _no_document(name: str, error: Exception) -> NoReturn:
    raise ProjectError(
        f"{name}: is no Word file that can serve as a template ({error}). Expected a .docx without macros or password. "
        + _HOW.en,
        f"{name}：不是可用作模板的 Word 文件（{error}）。应为不含宏、未加密的 .docx。{_HOW.zh}",
    ) from error


def _rendered(file: bytes, name: str, context: dict[str, Any]) -> Document:
    """Open, check and render a template; what comes back is a document of python-docx again."""
    try:
        template = DocxTemplate(io.BytesIO(file))
        template.init_docx()
        _keep_inside(template.docx, name)
    except _UNREADABLE as error:
        _no_document(name, error)
    try:
        template.render(context, _Fields(autoescape=True, undefined=StrictUndefined))
    except _FaultError as error:
        _refuse(template.docx, name, error.fault, error.tags)
    except TemplateSyntaxError as error:
        _refuse(template.docx, name, Fault("", error.lineno), _tags_at(error.source or "", error.lineno))
    except ValueError as error:  # a property of the file holds 255 characters
        _no_document(name, error)
    made = docx.Document(io.BytesIO(_bytes(template)))
    _require_places(made, name)
    return made


def _keep_inside(document: Document, name: str) -> None:
    """Refuse what a reader's Word would fetch from outside; where the styles once came from is forgotten."""
    for part in document.part.package.iter_parts():
        for key, link in list(part.rels.items()):
            if not link.is_external or link.reltype == RELATIONSHIP_TYPE.HYPERLINK:
                continue
            if link.reltype != _STYLES_FROM:
                raise ProjectError(
                    f"{name}: loads something from outside ({link.target_ref}) and is refused as a template. "
                    "Embed the picture or object in the file instead of linking it.",
                    f"{name}：引用了外部内容（{link.target_ref}），不能作为模板。请把图片或对象嵌入文件，不要用链接。",
                )
            del part.rels[key]
            for one in [*part.element.iter(qn("w:attachedTemplate"))]:
                one.getparent().remove(one)


class _FaultError(Exception):
    def __init__(self, fault: Fault, tags: str) -> None:
        super().__init__(fault.name)
        self.fault, self.tags = fault, tags


class _Fields(ImmutableSandboxedEnvironment):
    """A sandbox that renders nothing it has not checked: every part of a template passes here."""

    def from_string(self, source: Any, *args: Any, **options: Any) -> Template:  # noqa: ANN401  (as jinja has it)
        for fault in faults(self.parse(source)):
            raise _FaultError(fault, _tags_at(str(source), fault.line))
        return super().from_string(source, *args, **options)


def _tags_at(source: str, line: int) -> str:
    lines = source.split("\n")
    return " ".join(_TAG.findall(re.sub(r"<[^>]+>", "", lines[min(line, len(lines)) - 1])))


def _refuse(document: Document, name: str, fault: Fault, tags: str) -> NoReturn:
    """Say what a template may not hold, and where it stands."""
    where = _paragraph(document, fault.name, tags)
    if fault.name:
        like = suggestion(fault.name, known())
        raise ProjectError(
            f'{name}, {where.en}: there is no field "{fault.name}".{like.en} {_HOW.en}',
            f"{name}，{where.zh}：没有字段“{fault.name}”。{like.zh}{_HOW.zh}",
        )
    raise ProjectError(
        f"{name}, {where.en}: a template may hold fields, if, and for over facts; nothing else is run. {_HOW.en}",
        f"{name}，{where.zh}：模板只能含字段、if 以及对 facts 的 for，其他代码一律不执行。{_HOW.zh}",
    )


def _paragraph(document: Document, field: str, tags: str) -> Words:
    """Name the paragraph a tag stands in, by its number and its first words."""
    wanted = re.compile(rf"\b{re.escape(field)}\b") if field else None
    for number, said in enumerate(_texts(document), 1):
        there = _TAG.findall(said)
        if any(wanted.search(one) for one in there) if wanted else there and there[0] in tags:
            begin = shorten(said.strip(), 40)
            return Words(f'paragraph {number} ("{begin}")', f"第 {number} 段（“{begin}”）")
    shown = shorten(tags, 40)
    outside = Words("header, footer, note or property of the file", "页眉、页脚、脚注或文件属性")
    return Words(f"{outside.en} ({shown})", f"{outside.zh}（{shown}）") if shown else outside


def _texts(document: Document) -> Iterator[str]:
    for line in document.element.body.iter(qn("w:p")):
        yield "".join(one.text or "" for one in line.iter(qn("w:t")))


def _require_places(document: Document, name: str) -> None:
    """Parts of the report stand in the body, in paragraphs of their own, each once."""
    body, seen = document.element.body, set()
    for mark in body.iter(qn("w:bookmarkStart")):
        part = str(mark.get(qn("w:name")))
        if not part.startswith(_MARK):
            continue
        part = part.removeprefix(_MARK)
        if mark.getparent().getparent() is not body or part in seen:
            raise ProjectError(
                f'{name}: "{part}" is a whole part of the report: write {{{{p {part} }}}}, alone in a paragraph of the '
                f"body (not in a table, a header or a line of text), and once. {_HOW.en}",
                f"{name}：“{part}”是报告的整个部分：请写成 {{{{p {part} }}}}，在正文中独占一段"
                f"（不在表格、页眉或文字行内），且只写一次。{_HOW.zh}",
            )
        seen.add(part)
    for part_of_file in document.part.package.iter_parts():
        if part_of_file is not document.part and _MARK.encode() in part_of_file.blob:
            raise ProjectError(
                f"{name}: a header, footer or note holds a whole part of the report; those stand in the body. "
                + _HOW.en,
                f"{name}：页眉、页脚或脚注中写了报告的整个部分；这些只能放在正文。{_HOW.zh}",
            )


def _mark(name: str) -> Markup:
    return Markup(f'<w:p><w:bookmarkStart w:id="0" w:name="{_MARK}{name}"/><w:bookmarkEnd w:id="0"/></w:p>')  # noqa: S704  (our own words)
