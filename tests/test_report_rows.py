"""Rows written a column at a time are the very rows xlsxwriter writes cell by cell."""

from __future__ import annotations

import re
import zipfile
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_report_xlsx import HOSTILE, SOFFICE, recalculate

from geo.report import xlsx_rows
from geo.report.workbook import Book
from geo.report.xlsx_rows import Column

TEXTS = [
    *HOSTILE, "", " ", " 两端有空格 ", "一行\n两行", "\t制表", "\r", "_x0041_", "_x000D_", "a\x00b\x1f",
    "<r><t>粗</t></r>", "<r>&</r>", "a&b<c>d\"e'f", "\ud800", "\ufffe\uffff", "🏭" * 17_000, "#N/A", "是", "-1.5", "😀",
    "\u3000全角空格",
]  # fmt: skip
NUMBERS = [0, 1, -1, 0.1, 1 / 3, 2 / 3 * 1e6, 1e-300, -1e300, 1e16, 12_345_678_901_234_567, 5e-324, -0.0, np.pi]
BLANKS = [None, pd.NA, pd.NaT, float("nan"), float("inf"), float("-inf")]


def columns() -> list[Column]:
    """Every kind of value in every kind of column, 60 rows."""
    n = 60
    texts = (TEXTS + BLANKS[:4]) * 3
    floats = np.array([*NUMBERS, *BLANKS[3:]] * 5, dtype="float64")[:n]
    verdicts = (["是", "否", "", None, "a&b"] * n)[:n]
    return [
        Column("text", "文字", texts[:n]),
        Column("mixed", "杂", ([*NUMBERS, *BLANKS, True, np.float64(2.5), np.int64(3), *TEXTS] * 2)[:n], "exact"),
        Column("whole", "整数", np.arange(n) - 5, "key"),
        Column("number", "小数", pd.Series(floats, index=range(7, n + 7)), "amount", role="input"),
        Column("nullable", "可空", pd.Series([1, None, 3] * (n // 3), dtype="Int64"), "int", role="faint"),
        Column("string", "文本列", pd.Series(texts[:n], dtype="object").where(np.arange(n) % 2 == 0).astype("string")),
        Column("kinds", "逐行格式", floats[::-1], ["percent", "ratio", "fine"] * (n // 3)),
        Column("same", "同一公式", floats, "ratio", formula='=IF([whole]<>"",[whole]/2&"<&>","")'),
        Column("word", "公式文字", verdicts, formula='=IF([whole]>0,"是","否")'),
        Column("rows", "逐行公式", floats, "ratio", formula=lambda row: f"=C{row}&C{row - 1}" if row % 3 else ""),
    ]


def cell_by_cell(book: Book, sheet, table: list[Column], strong, shown: str) -> None:
    """What `Book.table` writes below the header, through xlsxwriter's own functions for single cells."""
    letters = {column.key: chr(ord("A") + place) for place, column in enumerate(table)}
    for col, column in enumerate(table):
        sheet.write_string(0, col, column.title, book.format("head"))
    values = [one.tolist() if hasattr(one, "tolist") else one for one in (column.values for column in table)]  # noqa: PD011
    for i in range(len(values[0])):
        if shown and not (isinstance(values[0][i], str) and values[0][i] == shown):
            sheet.set_row(i + 1, None, None, {"hidden": True})
        for col, column in enumerate(table):
            kind = column.kind if isinstance(column.kind, str) else column.kind[i]
            role = "strong" if strong and strong[i] else column.role
            formula = column.formula(i + 2) if callable(column.formula) else column.formula or ""
            formula = re.sub(r"\[(\w+)\]", lambda key, row=i + 2: f"{letters[key[1]]}{row}", formula)
            if formula:
                book.formula(sheet, i + 1, col, formula, values[col][i], kind, role)
            else:
                book.put(sheet, i + 1, col, values[col][i], kind, role)


def both(path: Path, table: list[Column], strong=(), shown: str = "") -> Path:
    with Book(path, font="Calibri") as book:
        book.table(book.sheet("quick"), table, strong=strong, shown=shown)
        cell_by_cell(book, book.sheet("slow"), table, strong, shown)
    return path


def rows_of(path: Path) -> list[str]:
    """The rows of both sheets below the header, as they stand in the file."""
    with zipfile.ZipFile(path) as package:
        sheets = [package.read(f"xl/worksheets/sheet{n}.xml").decode() for n in (1, 2)]
    return [sheet[sheet.index('<row r="2"') : sheet.index("</sheetData>")] for sheet in sheets]


@pytest.mark.parametrize("block", [1, 7, 60, 4096])
@pytest.mark.parametrize("strong", [(), [True, False, False] * 20])
@pytest.mark.parametrize("shown", ["", HOSTILE[0]])
def test_same_rows_as_cell_by_cell(tmp_path, monkeypatch, block, strong, shown):
    monkeypatch.setattr(xlsx_rows, "BLOCK", block)
    quick, slow = rows_of(both(tmp_path / "book.xlsx", columns(), strong, shown))
    assert quick == slow
    assert quick.count("<row") == 60
    assert ("hidden" in quick) == bool(shown)


@settings(max_examples=40, deadline=None)
@given(
    texts=st.lists(st.text(st.characters(codec="utf-8"), max_size=12) | st.none(), min_size=1, max_size=30),
    numbers=st.lists(st.floats(), min_size=30, max_size=30),
)
def test_any_text_and_number(tmp_path_factory, texts, numbers):
    table = [Column("text", "文字", texts), Column("number", "数", np.array(numbers[: len(texts)]), "exact")]
    quick, slow = rows_of(both(tmp_path_factory.mktemp("any") / "book.xlsx", table))
    assert quick == slow


def look_of(cell) -> tuple:
    return (cell.value, cell.data_type, cell.number_format, cell.quotePrefix, cell.style_id)


def test_openpyxl_reads_the_same(tmp_path):
    path = both(tmp_path / "book.xlsx", columns(), [True, False] * 30, HOSTILE[0])
    for data_only in (False, True):
        book = openpyxl.load_workbook(path, data_only=data_only)
        for row in range(2, 62):
            for quick, slow in zip(book["quick"][row], book["slow"][row], strict=True):
                assert look_of(quick) == look_of(slow), quick.coordinate
            assert book["quick"].row_dimensions[row].hidden == book["slow"].row_dimensions[row].hidden
    ids = [cell.value for cell in book["quick"]["A"]][1:]
    assert ids[:3] == HOSTILE[:3]
    assert {"_x0041_", "<r><t>粗</t></r>", " 两端有空格 ", "一行\n两行"} <= {
        openpyxl.utils.escape.unescape(one) for one in ids if one
    }


@pytest.mark.office
@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice (soffice) is not installed")
def test_libreoffice_reads_the_same(tmp_path):
    book = recalculate(both(tmp_path / "book.xlsx", columns()), tmp_path)
    compared = 0
    for row in range(2, 62):
        for quick, slow in zip(book["quick"][row], book["slow"][row], strict=True):
            assert (quick.value, quick.data_type, quick.number_format) == (
                slow.value,
                slow.data_type,
                slow.number_format,
            )
            compared += quick.value is not None
    assert compared > 400


def test_text_that_looks_marked_up_is_written_as_it_reads(tmp_path):
    with Book(tmp_path / "book.xlsx", font="Calibri") as book:
        sheet = book.sheet("page")
        book.put(sheet, 0, 0, "<r><t>粗</t></r>")
        book.put(sheet, 1, 0, "<r>&</r>")
    sheet = openpyxl.load_workbook(tmp_path / "book.xlsx")["page"]
    assert [sheet["A1"].value, sheet["A2"].value] == ["<r><t>粗</t></r>", "<r>&</r>"]


def test_cells_can_be_written_below_a_table(tmp_path):
    with Book(tmp_path / "book.xlsx", font="Calibri") as book:
        sheet = book.sheet("page")
        book.table(sheet, [Column("a", "A", [1, 2], "int", note="说明")])
        book.put(sheet, 3, 0, 3, "int")
    sheet = openpyxl.load_workbook(tmp_path / "book.xlsx")["page"]
    assert [cell.value for cell in sheet["A"]] == ["A", 1, 2, 3]
    assert sheet.dimensions == "A1:A4"
    assert sheet["A1"].comment.text == "说明"


@pytest.mark.parametrize("fails", [False, True])
def test_rows_put_aside_do_not_stay(tmp_path, fails):
    def write():
        with Book(tmp_path / "book.xlsx", font="Calibri") as book:
            book.table(book.sheet("page"), [Column("a", "A", [1, 2], "int")])
            assert len(list(tmp_path.iterdir())) == 1
            if fails:
                raise KeyError("stop")

    with pytest.raises(KeyError, match="stop") if fails else nullcontext():
        write()
    assert [path.name for path in tmp_path.iterdir()] == ([] if fails else ["book.xlsx"])


def test_a_formula_names_columns_of_its_table():
    with pytest.raises(KeyError, match="elsewhere"):
        list(xlsx_rows.rows_xml([Column("a", "A", [1], formula="=[elsewhere]")], lambda *_: 0))
