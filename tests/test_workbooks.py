"""The rows of a workbook, against what openpyxl makes of the same file."""

# ruff: noqa: DTZ001  (a workbook knows no time zones)

from __future__ import annotations

import datetime as dt
import re
import zipfile
from contextlib import closing
from itertools import islice

import numpy as np
import openpyxl
import openpyxl.chart
import pytest
import xlsxwriter
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from layers.workbooks import DAMAGED, Book

WIDTH = 2_000


def ours(path, sheet=None, width=WIDTH, unstored=None):
    with closing(Book(path)) as book:
        return list(book.rows(sheet, width, unstored))


def theirs(path, sheet=None):
    """Rows by openpyxl, each as far as its last value, and without empty rows at the end."""
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    page = book[sheet] if sheet else book.worksheets[0]
    page.reset_dimensions()
    rows = [trimmed(row) for row in page.iter_rows(values_only=True)]
    book.close()
    return without_end(rows)


def trimmed(row):
    row = list(row)
    while row and row[-1] is None:
        row.pop()
    return row


def without_end(rows):
    while rows and not rows[-1]:
        rows.pop()
    return rows


def same(path, sheet=None):
    rows = without_end(ours(path, sheet))
    assert [[(type(cell), cell) for cell in row] for row in rows] == [
        [(type(cell), cell) for cell in row] for row in theirs(path, sheet)
    ]
    return rows


def test_cells_of_every_kind(tmp_path):
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    page = book.active
    page.append(["企业名称", 1, 2.5, -3e-9, 10**15, True, False, None, "", " x\ny ", "1", "_x0041_ _x005F_x0041_"])
    page.append([dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 13, 5, 9), dt.time(7, 30), dt.timedelta(hours=30.5)])
    page["C9"] = CellRichText("甲", TextBlock(InlineFont(b=True), "乙"), "丙")
    page["ZZ4"] = "far"
    page["A6"], page["B6"] = "=1+1", "#N/A"
    page["A7"] = 99_999_999_999
    page["A7"].number_format = "yyyy-mm-dd"
    page["A8"] = 43952
    page["A8"].number_format = '0"yd"'
    book.create_sheet("second").append([1])
    book.save(path)
    with pytest.warns(UserWarning, match="outside the limits for dates"):
        rows = same(path)
    assert rows[0][:3] == ["企业名称", 1, 2.5]
    assert rows[6] == ["#VALUE!"]
    assert rows[4:6] == [[], [None, "#N/A"]]
    assert rows[8] == [None, None, "甲乙丙"]
    assert len(rows[3]) == 702
    assert same(path, "second") == [[1]]


@pytest.mark.parametrize("streamed", [False, True])
def test_what_another_program_writes(tmp_path, streamed):
    path = tmp_path / "b.xlsx"
    with xlsxwriter.Workbook(path, {"constant_memory": streamed, "date_1904": True}) as book:
        page, day = book.add_worksheet(), book.add_format({"num_format": "yyyy/m/d"})
        bold = book.add_format({"bold": True})
        page.write_row(0, 0, ["名称", "  blanks kept ", "a & b < c", "\x07", "_x0041_"])
        page.write_datetime(1, 0, dt.datetime(2020, 5, 1), day)
        page.write_boolean(1, 1, True)
        page.write_rich_string(1, 2, "plain ", bold, "bold", " 尾")
        page.write_formula(3, 1, "=B1&1", value="text")
        page.write_formula(3, 2, "=1/8", value=0.125)
        page.write_formula(3, 3, "=NA()", value="#N/A")
        page.write_blank(3, 9, None, bold)
    rows = same(path)
    assert rows[1] == [dt.datetime(2020, 5, 1), True, "plain bold 尾"]
    assert rows[3] == [None, "text", 0.125, "#N/A"]


def test_a_thousand_rows_at_random(tmp_path):
    path = tmp_path / "c.xlsx"
    draw = np.random.default_rng(7)
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        for row in sorted(draw.choice(3_000, 1_000, replace=False).tolist()):
            for column in sorted(draw.choice(60, 12, replace=False).tolist()):
                number = int(draw.integers(10**6))
                values = [float(draw.random()), number, f"文 {number % 50}", "甲" * (number % 400 + 1)]
                page.write(row, column, values[number % 4])
    assert sum(cell is not None for row in same(path) for cell in row) == 12_000


def rewritten(path, change, part="xl/worksheets/sheet1.xml"):
    """Change a part of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = change(parts[part].decode("utf-8")).encode("utf-8")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def plain(path, rows):
    """Write rows, with texts that cells share."""
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        for number, row in enumerate(rows):
            page.write_row(number, 0, row)
    return path


def test_xml_as_few_programs_write_it(tmp_path):
    rows = [["a", 1, "b"], [], [2.5, None, "&<>"], [3]]
    path = plain(tmp_path / "d.xlsx", rows)
    assert same(path) == [["a", 1, "b"], [], [2.5, None, "&<>"], [3]]

    rewritten(path, lambda xml: re.sub(r"><", ">\n  <", xml))
    assert same(path)[2] == [2.5, None, "&<>"]

    def prefixed(xml):
        xml = re.sub(r"<(/?)(?=[a-zA-Z])", r"<\1x:", xml)
        return xml.replace("xmlns=", "xmlns:x=")

    rewritten(path, prefixed)
    assert same(path)[2] == [2.5, None, "&<>"]

    rewritten(path, lambda xml: re.sub(r'(<x:(?:row|c)\b[^>]*?) r="\w+"', r"\1", xml))
    assert same(path) == [["a", 1, "b"], [2.5, "&<>"], [3]]


def test_cells_with_dates_as_texts_and_pronunciation(tmp_path):
    path = plain(tmp_path / "e.xlsx", [["名", 0, 0, 0]])

    def change(xml):
        cells = (
            '<c r="B1" t="d"><v>2024-03-05T10:00:00</v></c><c r="C1" t="inlineStr"><is><r><t>一</t></r>'
            '<rPh sb="0" eb="1"><t>いち</t></rPh><r><t xml:space="preserve"> 二</t></r></is></c>'
            '<c r="D1" t="n"><v></v></c><c r="E1" t="str"/><c r="F1" t="b"><f>TRUE()</f><v>1</v></c>'
            '<c r="H1" t="e"><v>#REF!</v></c></row><row r="1"><c r="A1"><v>9</v></c>'
        )
        return re.sub(r'<c r="B1".*(?=</row>)', cells, xml)

    rewritten(path, change)
    assert same(path) == [["名", dt.datetime(2024, 3, 5, 10), "一 二", None, None, True, None, "#REF!"]]

    def pronounced(xml):
        return re.sub(r"<si>.*?</si>", '<si><t>名</t><rPh sb="0" eb="1"><t>めい</t></rPh></si>', xml, count=1)

    rewritten(path, pronounced, "xl/sharedStrings.xml")
    assert same(path)[0][0] == "名"


def test_days_from_1904(tmp_path):
    path = tmp_path / "f.xlsx"
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.active.append([dt.datetime(2011, 11, 11), dt.timedelta(days=2, hours=1)])
    book.save(path)
    assert same(path) == [[dt.datetime(2011, 11, 11), dt.timedelta(days=2, hours=1)]]


def test_cells_without_a_format_have_the_first_one(tmp_path):
    path = plain(tmp_path / "k.xlsx", [[43952]])
    rewritten(path, lambda xml: re.sub(r'(<cellXfs count="1"><xf numFmtId=)"0"', r'\1"14"', xml), "xl/styles.xml")
    assert same(path) == [[dt.datetime(2020, 5, 1)]]


def test_hidden_sheets_and_charts_are_not_listed(tmp_path):
    path = tmp_path / "g.xlsx"
    book = openpyxl.Workbook()
    book.active.title = "一"
    book.create_sheet("二").sheet_state = "hidden"
    book.create_sheet("三").sheet_state = "veryHidden"
    chart = openpyxl.chart.BarChart()
    book.create_chartsheet("图").add_chart(chart)
    book.create_sheet("四")
    book.save(path)
    with closing(Book(path)) as opened:
        assert opened.sheets == ["一", "四"]
        assert list(opened.rows("四", WIDTH)) == []


def test_formulas_without_a_value_are_told(tmp_path):
    path = plain(tmp_path / "h.xlsx", [["a", "b"], [2, 3], [4, 5]])
    cells = {
        "A2": "<f>2*3</f>",
        "B2": "<f>SUM(A1:A2)</f><v>6</v>",
        "A3": '<f t="shared" si="0" ref="A3:A4">B3&amp;"x"</f><v></v>',
        "B3": '<f t="array" ref="B3">A1:A2</f>',
        "GR3": "<f>1</f>",
        "GS3": "<f>beyond</f>",
        "A501": "<f>beyond</f>",
    }
    rows = "".join(f'<row r="{place.strip("ABGRS")}"><c r="{place}">{cell}</c></row>' for place, cell in cells.items())
    rewritten(path, lambda xml: re.sub(r'<row r="2".*(?=</sheetData>)', rows, xml))
    unstored = []
    ours(path, None, WIDTH, unstored)
    assert unstored == ["=2*3", '=B3&"x"', "=1"]


def test_far_cells_cost_nothing_and_only_what_is_asked_for_is_read(tmp_path):
    path = tmp_path / "i.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet()
        for row in range(20_000):
            page.write_row(row, 0, [f"甲{row}", row])
    rewritten(
        path, lambda xml: xml.replace("</sheetData>", '<row r="1048576"><c r="XFD9"><v>0</v></c></row></sheetData>')
    )
    with closing(Book(path)) as book:
        first = list(islice(book.rows(None, 2), 3))
        assert first == [["甲0", 0], ["甲1", 1], ["甲2", 2]]
        assert len(book._texts._known) < 5_000
        count = sum(1 for row in book.rows(None, 2) if row)
    assert count == 20_000


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("xl/worksheets/sheet1.xml", lambda xml: xml[: len(xml) // 2]),
        ("xl/worksheets/sheet1.xml", lambda xml: xml.replace("<v>0</v>", "<v>77</v>")),
        ("xl/worksheets/sheet1.xml", lambda xml: xml.replace("<v>5</v>", "<v>five</v>")),
        ("xl/sharedStrings.xml", lambda xml: xml[: len(xml) // 2]),
        ("xl/styles.xml", lambda xml: xml[: len(xml) // 2]),
        ("xl/workbook.xml", lambda xml: xml[: len(xml) // 2]),
    ],
)
def test_what_is_damaged_is_not_passed_over(tmp_path, part, change):
    path = plain(tmp_path / "j.xlsx", [["a", "b"], [5, "c"]])
    rewritten(path, change, part)
    with pytest.raises(DAMAGED):
        ours(path)
