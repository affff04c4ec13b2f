"""The Word report: fonts by name, A4, heads that repeat, native charts, and nothing that breaks the file."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from io import BytesIO
from xml.etree import ElementTree as ET

import docx
import hand_report
import openpyxl
import pytest
from docx.oxml.ns import qn
from docx.shared import Mm

from geo.charts import Bars
from geo.charts.texts import clean
from geo.report.content import Cell, Column, Figure, Paragraph, Table, compose_report, walk
from geo.report.docx import write_docx
from geo.report.docx_table import column_widths

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
office = [pytest.mark.office, pytest.mark.skipif(SOFFICE is None, reason="LibreOffice (soffice) is not installed")]


@pytest.fixture(scope="module")
def report():
    return compose_report(hand_report.city(name="演练（合成数据）"))


@pytest.fixture(scope="module")
def path(report, tmp_path_factory):
    made = tmp_path_factory.mktemp("word") / "report.docx"
    write_docx(report, made)
    return made


@pytest.fixture(scope="module")
def document(path):
    return docx.Document(str(path))


def fonts_of(style) -> dict[str, str]:
    fonts = style.element.rPr.find(qn("w:rFonts"))
    return {name.split("}")[1]: value for name, value in fonts.attrib.items()}


# ---------------------------------------------------------------- page and fonts


def test_the_page_is_a4_with_the_margins_of_official_documents(document):
    page = document.sections[0]
    assert (round(page.page_width.mm), round(page.page_height.mm)) == (210, 297)
    margins = (page.top_margin, page.bottom_margin, page.left_margin, page.right_margin)
    assert [round(side.mm) for side in margins] == [37, 35, 28, 26]


@pytest.mark.parametrize(
    ("style", "font"),
    [
        ("Normal", "仿宋_GB2312"),
        ("Title", "方正小标宋简体"),
        ("Heading 1", "黑体"),
        ("Heading 2", "楷体_GB2312"),
        ("Table Text", "仿宋_GB2312"),
        ("Caption", "黑体"),
    ],
)
def test_styles_name_their_east_asian_font(document, style, font):
    assert fonts_of(document.styles[style])["eastAsia"] == font


def test_no_theme_font_stands_above_a_named_one(document):
    for fonts in document.styles.element.iter(qn("w:rFonts")):
        assert not [name for name in fonts.attrib if "Theme" in name]


def test_missing_fonts_have_a_second_name(path):
    with zipfile.ZipFile(path) as package:
        table = package.read("word/fontTable.xml").decode("utf-8")
    assert re.search(r'w:name="仿宋_GB2312"[^>]*><w:altName w:val="FangSong"', table)


def test_body_lines_are_28_pt_with_an_indent_of_two(document):
    normal = document.styles["Normal"].paragraph_format
    assert normal.line_spacing.pt == 28
    lead = next(line for line in document.paragraphs if line.text.startswith("截至 2025-12-31"))
    assert lead._p.pPr.find(qn("w:ind")).get(qn("w:firstLineChars")) == "200"


def test_pages_are_numbered_on_the_outer_side(document):
    page = document.sections[0]
    assert document.settings.odd_and_even_pages_header_footer
    for footer, side in ((page.footer, 2), (page.even_page_footer, 0)):
        assert "PAGE" in footer._element.xml
        assert footer.paragraphs[0].alignment == side


def test_english_reports_are_plain(tmp_path):
    write_docx(compose_report(hand_report.latin(), language="en"), tmp_path / "en.docx")
    made = docx.Document(str(tmp_path / "en.docx"))
    assert made.styles["Normal"].font.name == "Times New Roman"
    assert fonts_of(made.styles["Normal"])["eastAsia"] == "仿宋_GB2312"
    assert made.paragraphs[0].text == "Industrial land report: Sample"


# ---------------------------------------------------------------- text, tables, contents


def test_everything_said_is_in_the_file(report, document):
    told = "\n".join(line.text for line in document.paragraphs)
    cells = {text.text or "" for text in document.element.body.iter(qn("w:t"))}
    for block in walk(report.sections):
        if isinstance(block, Paragraph):
            assert block.text in told
            continue
        assert block.source in told
        assert block.caption in told
        if isinstance(block, Table):
            assert {cell.text for row in block.rows for cell in row if cell.text} <= cells
    assert report.banner in told


def test_heads_repeat_and_rows_stay_whole(report, document):
    wanted = [block for block in walk(report.sections) if isinstance(block, Table)]
    made = document.element.body.findall(qn("w:tbl"))[1:]
    assert len(made) == len(wanted)
    for element, table in zip(made, wanted, strict=True):
        rows = element.findall(qn("w:tr"))
        assert len(rows) == len(table.rows) + 1
        heads = [row.find(qn("w:trPr")).find(qn("w:tblHeader")) is not None for row in rows]
        assert heads == [True] + [False] * len(table.rows)
        assert all(row.find(qn("w:trPr")).find(qn("w:cantSplit")) is not None for row in rows)


def test_captions_stand_above_tables_and_source_lines_below(document):
    body = list(document.element.body)
    for table in document.element.body.findall(qn("w:tbl"))[1:]:
        at = body.index(table)
        above, below = (docx.text.paragraph.Paragraph(body[at + step], document) for step in (-1, 1))
        assert re.match(r"表 \d+  ", above.text)
        assert above.style.name == "Caption"
        assert below.style.name == "Source"


def test_contents_point_at_headings(document):
    body = document.element.body
    names = {mark.get(qn("w:name")) for mark in body.iter(qn("w:bookmarkStart"))}
    links = [link.get(qn("w:anchor")) for link in body.iter(qn("w:hyperlink"))]
    headings = [line for line in document.paragraphs if line.style.name.startswith("Heading")]
    assert len(links) == len(headings)
    assert set(links) <= names
    ids = [mark.get(qn("w:id")) for mark in body.iter(qn("w:bookmarkStart"))]
    assert len(ids) == len(set(ids))


def test_widths_fill_the_page_and_break_no_number():
    columns = [Column("指标"), Column("数值", "right"), Column("说明", wide=2)]
    rows = [[Cell("亩均税收"), Cell("1,234,567.89"), Cell("很长的说明" * 40)]]
    name, number, told = column_widths(columns, rows)
    assert name + number + told <= Mm(156).twips
    assert number >= 12 * 0.56 * 10.5 * 20
    assert told > name + number


def test_many_columns_still_fit():
    columns = [Column(f"列{i}", "right") for i in range(30)]
    assert sum(column_widths(columns, [[Cell("1,234,567.89")] * 30])) <= Mm(156).twips


# ---------------------------------------------------------------- charts


def test_charts_are_native_and_bear_their_numbers(report, path):
    figures = [block for block in walk(report.sections) if isinstance(block, Figure) and isinstance(block.chart, Bars)]
    assert figures
    with zipfile.ZipFile(path) as package:
        for figure in figures:
            chart = ET.XML(package.read(f"word/charts/chart{figure.number}.xml"))
            space = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
            numbers = [float(one.text) for one in chart.find(f".//{space}val").iter(f"{space}v")]
            names = [one.text for one in chart.find(f".//{space}cat").iter(f"{space}v")]
            first = [] if figure.chart.limit is None else [figure.chart.limit]
            assert numbers == [*first, *figure.chart.values]
            assert names[len(first) :] == list(figure.chart.names)
            book = openpyxl.load_workbook(BytesIO(package.read(f"word/embeddings/chart{figure.number}.xlsx")))
            assert [row[1].value for row in book.active.iter_rows(min_row=2)] == pytest.approx(numbers)


def test_every_part_of_the_package_is_linked_and_well_formed(path):
    with zipfile.ZipFile(path) as package:
        names = set(package.namelist())
        types = package.read("[Content_Types].xml").decode()
        for name in names:
            if name.endswith((".xml", ".rels")):
                ET.XML(package.read(name))
    assert {f"/{name}" for name in names if "charts/chart" in name and name.endswith(".xml")} <= set(
        re.findall(r'PartName="([^"]+)"', types)
    )


# ---------------------------------------------------------------- what data bring


def test_hostile_names_stay_text(tmp_path):
    report = compose_report(hand_report.hostile())
    write_docx(report, tmp_path / "hostile.docx")
    made = docx.Document(str(tmp_path / "hostile.docx"))
    told = {text.text or "" for text in made.element.body.iter(qn("w:t"))}
    assert f"甲园{clean(hand_report.HOSTILE)}" in told
    assert not list(made.element.body.iter(qn("w:object")))


def test_signs_xml_cannot_hold_are_taken_out():
    assert clean("a\x00\x08\x1f\ud800b\tc\nd") == "ab\tc\nd"


def test_a_report_without_tables_is_a_file(report, tmp_path):
    bare = replace(report, headlines=(), sections=(), banner="")
    write_docx(bare, tmp_path / "bare.docx")
    assert docx.Document(str(tmp_path / "bare.docx")).paragraphs[0].text == report.title


class TestInLibreOffice:
    pytestmark = office

    def test_it_becomes_a_pdf_with_page_numbers_and_chinese(self, path, tmp_path):
        home = (tmp_path / "home").as_uri()
        command = [
            SOFFICE,
            "--headless",
            f"-env:UserInstallation={home}",
            "--convert-to",
            "pdf",
            "--outdir",
            tmp_path,
            path,
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        pdf = tmp_path / "report.pdf"
        if shutil.which("pdftotext") is None:
            pytest.skip("pdftotext is not installed")
        told = subprocess.run(["pdftotext", "-layout", pdf, "-"], check=True, capture_output=True, timeout=60).stdout
        text = told.decode("utf-8")
        assert "示例市工业用地报告" in text
        assert "尚缺 18.00 亩" in re.sub(r"\s+", " ", text)
        assert "�" not in text
        # The contents know their pages, and each page its number.
        assert re.search(r"一、概况\.+ *3\b", text)
        assert re.search(r"— *1 *—", text)
