"""A workbook with the manners of the house: plain tables, live formulas, text that stays text.

Knows xlsxwriter, cell formats, print set-up and defined names; knows no figure and no word of the field.
Rows are streamed to disk (`constant_memory`), so cells of a sheet are written from top to bottom. Every
formula carries the value it had when it was written, for readers that do not recalculate.
"""

from __future__ import annotations

import math
import re
import shutil
import unicodedata
from collections.abc import Iterable, Sequence
from io import BytesIO
from itertools import compress, count, islice
from pathlib import Path
from types import TracebackType
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import xlsxwriter
from xlsxwriter.utility import quote_sheetname, xl_col_to_name, xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from geo.charts.texts import clean as xml_text
from geo.charts.texts import shorten
from geo.report.xlsx_rows import Column, clean, missing, risky, rows_xml
from layers.errors import OutputError

__all__ = ["MAX_ROWS", "Book", "address", "plain_name", "refuse_long"]

#: Rows of a sheet, the header included: a limit of the file format.
MAX_ROWS = 1_048_576
_MAX_NAME = 200
_HEADER_LIMIT = 100
#: Width of a text in a chart, in em.
_CHART_LIMIT = 40
_CHUNK = 1 << 20
#: How hard a sheet is squeezed: a third quicker than the usual 6, and hardly larger.
_LEVEL = 5
#: A table wider than so many characters is printed on two pages side by side, to stay readable.
_PAGE_CHARS = 330

_NUMBERS = {
    "key": "0",
    "int": "#,##0",
    "amount": "#,##0.00",
    "ratio": "#,##0.00",
    "fine": "0.0000",
    "exact": "#,##0.######",
    "percent": "0.00%",
}
_ROLES: dict[str, dict[str, object]] = {
    "plain": {},
    "strong": {"bold": True, "bg_color": "#EEF3F4"},
    "input": {"font_color": "#1F4E9E", "bg_color": "#FFF9E3"},
    "faint": {"font_color": "#8A8F93"},
}
_WORDS: dict[str, dict[str, object]] = {
    "title": {"bold": True, "font_size": 18, "font_color": "#17414B", "valign": "vcenter"},
    "section": {"bold": True, "font_size": 12, "font_color": "#17414B", "bottom": 2, "bottom_color": "#17414B"},
    "head": {
        "bold": True, "font_color": "#FFFFFF", "bg_color": "#2B5F6B", "text_wrap": True, "valign": "vcenter",
        "align": "center", "border": 1, "border_color": "#FFFFFF",
    },
    "words": {"text_wrap": True, "valign": "top"},
    "subtitle": {"font_color": "#5B6469", "font_size": 11},
    "link": {"font_color": "#1F4E9E", "underline": 1, "valign": "top"},
}  # fmt: skip
_VERDICTS = {
    "bad": {"font_color": "#A3261C", "bg_color": "#FBE7E4"},
    "good": {"font_color": "#23693B", "bg_color": "#E6F2E9"},
}
#: Colour and width of the lines of a radar.
_LINES = {"own": ("#3B78AD", 2.25), "peers": ("#7B8794", 1.25)}
_ALIGN: dict[str, dict[str, object]] = {"key": {"align": "center"}, "text": {"indent": 1}}
_WIDTHS = {"key": 7, "int": 9, "percent": 10, "ratio": 10, "fine": 10, "amount": 15, "exact": 14}


#: First row and column, last row and column, from 0.
Cells = tuple[int, int, int, int]


class _Sheet(Worksheet):  # type: ignore[misc]
    """A sheet that takes formulas as they are, text as text, and whole rows as XML."""

    def _prepare_formula(self, formula: str, expand_future_functions: bool = False) -> str:  # noqa: ARG002
        """No formula here needs the prefix of newer functions looked for."""
        return formula.removeprefix("=")

    def _xml_rich_inline_string(self, string: str, attributes: Any) -> None:  # noqa: ANN401
        """Text from data that looks like marked-up text is not: it is written as it reads."""
        self._xml_inline_string(string, preserve=False, attributes=attributes)

    def add_rows(self, blocks: Iterable[str], rows: int, cols: int, top: int = 0) -> None:
        """Add rows below the header in row `top` as they are, see `xlsx_rows`; cells may be written below them."""
        self._write_single_row(top + 1)
        for block in blocks:
            self.row_data_fh.write(block)
        self._check_dimensions(top + rows, cols - 1)
        self.previous_row = top + rows + 1

    def _write_optimized_sheet_data(self) -> None:
        """Leave the rows aside; they are packed as the bytes they are."""
        self.row_data_fh.close()
        self._xml_start_tag("sheetData")
        self._xml_end_tag("sheetData")


class Book:
    """An xlsx file that is being written: a context, finished when it ends well.

    Parameters
    ----------
    path : Path
        Its folder also holds the rows until the file is finished.
    font : str
        Font of every cell.
    left, right : str
        What stands above every printed page.
    """

    def __init__(self, path: Path, *, font: str, left: str = "", right: str = "") -> None:
        options = {
            "tmpdir": str(path.parent),
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        }
        self._font = font
        self._margins = (_header_text(left), _header_text(right))
        self._path, self._frame = path, BytesIO()
        self._book = xlsxwriter.Workbook(self._frame, options)
        self._formats: dict[tuple[str, str, bool], Any] = {}
        self._looks: dict[str, Any] = {}
        self._names: set[str] = set()

    def sheet(self, title: str, *, wide: bool = False, repeat: bool = True) -> Any:  # noqa: ANN401  (xlsxwriter is untyped)
        """Add a sheet, set up for print: landscape, one page wide, header row on every page."""
        sheet = self._book.add_worksheet(title, worksheet_class=_Sheet)
        sheet.set_landscape()
        sheet.set_paper(8 if wide else 9)  # A3, A4
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.8, bottom=0.6)
        left, right = self._margins
        sheet.set_header(f"&L{left}&C&A&R{right}")
        sheet.set_footer("&C&P / &N")
        sheet.hide_gridlines(2)
        if repeat:
            sheet.repeat_rows(0)
        return sheet

    def __enter__(self) -> Book:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file, or after an error let go of the rows that were put aside for it."""
        try:
            if error is None:
                self._book.close()
                self._pack()
        except xlsxwriter.exceptions.FileCreateError as refused:
            raise refused.args[0] from refused
        finally:
            for sheet in self._book.worksheets():
                sheet.row_data_fh.close()
                Path(sheet.row_data_filename).unlink(missing_ok=True)

    def _pack(self) -> None:
        """Make the file: of each part what xlsxwriter made, in each sheet its rows."""
        rows = {
            f"xl/worksheets/sheet{number}.xml": Path(sheet.row_data_filename)
            for number, sheet in enumerate(self._book.worksheets(), 1)
        }
        with ZipFile(self._frame) as parts, ZipFile(self._path, "w", ZIP_DEFLATED, compresslevel=_LEVEL) as file:
            for name in parts.namelist():
                before, end, after = parts.read(name).partition(b"</sheetData>")
                with file.open(name, "w") as part:
                    part.write(before)
                    if name in rows:
                        with rows[name].open("rb") as aside:
                            shutil.copyfileobj(aside, part, _CHUNK)
                    part.write(end + after)

    def format(self, kind: str, role: str = "plain", *, risky: bool = False) -> Any:  # noqa: ANN401
        """Return a cell format: a kind of number, ``text``, or title, section, head, words, subtitle, link."""
        key = (kind, role, risky)
        if key not in self._formats:
            look: dict[str, object] = {"font_name": self._font, "font_size": 10, "valign": "vcenter"}
            if kind in _WORDS:
                look |= _WORDS[kind]
            else:
                look |= {"bottom": 1, "bottom_color": "#C9D1D3", "num_format": _NUMBERS.get(kind, "@")}
            look |= _ALIGN.get(kind, {})
            self._formats[key] = self._book.add_format(look | _ROLES[role] | {"quote_prefix": risky})
        return self._formats[key]

    def put(self, sheet: Any, row: int, col: int, value: object, kind: str = "text", role: str = "plain") -> None:  # noqa: ANN401
        """Write one value, rows and columns from 0. Text is written as text, whatever it looks like."""
        if missing(value):
            sheet.write_blank(row, col, None, self.format(kind, role))
        elif isinstance(value, str):
            sheet.write_string(row, col, clean(value), self.format(kind, role, risky=risky(value)))
        else:
            sheet.write_number(row, col, value, self.format(kind, role))

    def formula(
        self, sheet: Any, row: int, col: int, formula: str, value: object, kind: str, role: str = "plain"  # noqa: ANN401
    ) -> None:  # fmt: skip
        """Write a formula with the value it has now; a missing value reads as an empty text."""
        sheet.write_formula(row, col, formula, self.format(kind, role), "" if missing(value) else value)

    def define(self, name: str, sheet: Any, row: int, col: int, last: int | None = None) -> str:  # noqa: ANN401
        """Give the cells of a column from `row` to `last` a name formulas can use."""
        name = self._free(name)
        start, end = (xl_rowcol_to_cell(r, col, row_abs=True, col_abs=True) for r in (row, last or row))
        cells = start if start == end else f"{start}:{end}"
        self._book.define_name(name, f"={quote_sheetname(sheet.get_name())}!{cells}")
        return name

    def _free(self, name: str) -> str:
        n, tried = 1, name
        while tried.casefold() in self._names:
            n += 1
            tried = f"{name}_{n}"
        self._names.add(tried.casefold())
        return tried

    def table(
        self,
        sheet: Any,  # noqa: ANN401
        columns: Sequence[Column],
        *,
        strong: Sequence[bool] = (),
        frozen: int = 2,
        shown: str = "",
        top: int = 0,
    ) -> None:
        """Write a table with its header in the first row: frozen, with filters, columns as wide as they need.

        Parameters
        ----------
        sheet
        columns : sequence of Column
            All of one length, at least one row.
        strong : sequence of bool
            Rows to stand out.
        frozen : int
            Columns that stay in sight.
        shown : str
            Show only the rows whose first column reads so; the others are filtered away, not left out.
        top : int
            Rows above the header that are written already; they stay in sight with it.
        """
        n = len(columns[0].values)
        self._heads(sheet, columns, top)
        sheet.freeze_panes(top + 1, frozen)
        if sum(map(_width, columns)) > _PAGE_CHARS:
            sheet.fit_to_pages(2, 0)
            sheet.repeat_columns(0, frozen - 1)
        sheet.autofilter(top, 0, top + max(n, 1), len(columns) - 1)
        for col, column in enumerate(columns):
            if column.name:
                self.define(column.name, sheet, top + 1, col, top + max(n, 1))
        if shown:
            sheet.filter_column_list(0, [shown])
        hidden = [missing(value) or str(value) != shown for value in columns[0].values] if shown else []
        for row in compress(count(top + 1), hidden):
            sheet.set_row(row, None, None, {"hidden": True})
        rows = rows_xml(columns, self._xf, strong=strong, hidden=hidden, first=top + 2)
        sheet.add_rows(rows, n, len(columns), top)

    def _xf(self, kind: str, role: str, risky: bool) -> int:
        """Number of a cell format in the book."""
        return int(self.format(kind, role, risky=risky)._get_xf_index())

    def _heads(self, sheet: Any, columns: Sequence[Column], top: int) -> None:  # noqa: ANN401
        sheet.set_row(top, 44)
        head = self.format("head")
        for col, column in enumerate(columns):
            sheet.set_column(col, col, _width(column))
            sheet.write_string(top, col, column.title, head)
            if column.note:
                sheet.write_comment(top, col, column.note, {"x_scale": 2.2, "y_scale": 1.4})

    def across(self, sheet: Any, row: int, col: int, last: int, words: str, chars: int) -> None:  # noqa: ANN401
        """Write a paragraph over several columns that together hold `chars` characters; no table stands there."""
        lines = sum(max(1, math.ceil(_shown(line) / chars)) for line in words.split("\n"))
        sheet.set_row(row, 15.5 * lines + 3)
        sheet.merge_range(row, col, row, last, "", self.format("words"))
        sheet.write_string(row, col, clean(words), self.format("words"))

    def mark(self, sheet: Any, col: int, first: int, last: int, word: str, look: str) -> None:  # noqa: ANN401
        """Colour the cells of a column, rows from 0, that read `word`: ``bad`` red, ``good`` green."""
        rule = {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": self._look(look)}
        sheet.conditional_format(first, col, max(first, last), col, rule)

    def compare(self, sheet: Any, col: int, first: int, last: int, limit: float) -> None:  # noqa: ANN401
        """Colour the numbers of a column, rows from 0: green from `limit` on, red below it."""
        cell = address(first, col)
        for criteria, look in ((f"=AND(ISNUMBER({cell}),{cell}>={limit!r})", "good"),
                               (f"=AND(ISNUMBER({cell}),{cell}<{limit!r})", "bad")):  # fmt: skip
            rule = {"type": "formula", "criteria": criteria, "format": self._look(look)}
            sheet.conditional_format(first, col, max(first, last), col, rule)

    def radar(
        self,
        sheet: Any,  # noqa: ANN401
        place: tuple[int, int],
        size: tuple[int, int],
        title: str,
        heads: Cells,
        lines: Sequence[tuple[str, Cells, str]],
        rim: float,
    ) -> None:
        """Draw a radar over cells of the sheet.

        Parameters
        ----------
        sheet
        place : (row from 0, pixels from the left)
        size : (width, height) in pixels
        title : str
        heads : Cells
            The row of cells with the names of the axes: first row and column, last row and column.
        lines : sequence of (name, cells, look)
            ``own`` or ``peers``.
        rim : float
            The outermost value.
        """
        chart, name = self._book.add_chart({"type": "radar", "subtype": "with_markers"}), sheet.get_name()
        for told, cells, look in lines:
            colour, width = _LINES[look]
            chart.add_series({
                "name": _chart_text(told), "categories": [name, *heads], "values": [name, *cells],
                "line": {"color": colour, "width": width}, "marker": {"type": "circle", "size": 4,
                "fill": {"color": colour}, "border": {"color": colour}},
            })  # fmt: skip
        chart.set_title({"name": _chart_text(title), "name_font": {"name": self._font, "size": 11, "bold": True}})
        chart.set_y_axis({
            "min": 0, "max": rim, "major_unit": 0.5, "num_format": "0%", "num_font": {"color": "#8A8F93", "size": 8},
            "major_gridlines": {"visible": True, "line": {"color": "#D9DEE6", "width": 0.5}},
        })  # fmt: skip
        chart.set_x_axis({"num_font": {"name": self._font, "size": 9}})
        chart.set_legend({"position": "bottom", "font": {"name": self._font, "size": 9}})
        chart.set_size({"width": size[0], "height": size[1]})
        sheet.insert_chart(
            place[0], 0, chart, {"x_offset": place[1], "object_position": 3, "description": _chart_text(title)}
        )

    def _look(self, look: str) -> Any:  # noqa: ANN401
        if look not in self._looks:
            self._looks[look] = self._book.add_format(_VERDICTS[look])
        return self._looks[look]


def address(row: int, col: int, sheet: str = "") -> str:
    """Return a cell as formulas write it, row and column from 0, in another sheet if one is named.

    Examples
    --------
    >>> address(1, 9), address(1, 9, "指标")
    ('J2', '指标!$J$2')
    """
    if not sheet:
        return f"{xl_col_to_name(col)}{row + 1}"
    return f"{quote_sheetname(sheet)}!{xl_rowcol_to_cell(row, col, row_abs=True, col_abs=True)}"


def plain_name(text: str) -> str:
    """Return text as a defined name may be written: letters, digits and underscores.

    Examples
    --------
    >>> plain_name("R&D per mu（亩均）")
    'R_D_per_mu_亩均'
    """
    return re.sub(r"_+", "_", re.sub(r"\W", "_", text)).strip("_")[:_MAX_NAME]


def refuse_long(path: Path, sheet: str, rows: int) -> None:
    """Raise OutputError where a table has more rows than a sheet can hold."""
    if rows + 1 > MAX_ROWS:
        raise OutputError(
            f"{path}, sheet {sheet}: {rows:,} rows, but a sheet of a workbook holds {MAX_ROWS:,} with its header. "
            "Nothing was cut off and nothing written; results.gpkg holds tables of any length. "
            "Make a workbook for a part of the city.",
            f"{path}，工作表“{sheet}”：共 {rows:,} 行，而 Excel 工作表连表头最多 {MAX_ROWS:,} 行。"
            "未作截断，也未写入；results.gpkg 可容纳任意行数，或分区域生成工作簿。",
        )


def _chart_text(words: str) -> str:
    """Return text of a chart: no sign XML cannot hold, and nothing that is read as the address of a cell."""
    return shorten(xml_text(words).replace("!", "！").lstrip("="), _CHART_LIMIT)


def _header_text(text: str) -> str:
    """In a page header an ampersand begins a code, and 255 characters are all there is."""
    return re.sub(r"\s+", " ", clean(text))[:_HEADER_LIMIT].replace("&", "&&")


def _width(column: Column) -> float:
    """Width in characters: of the numbers' kind, or of the longest of the first texts; three lines of title."""
    title = _shown(column.title) / 3 + 4
    if column.kind == "text":
        longest = max((_shown(value) for value in islice(column.values, 300) if isinstance(value, str)), default=0)
        return float(min(max(longest + 2, title, 8), 42))
    kinds = {column.kind} if isinstance(column.kind, str) else set(column.kind)
    return float(max(title, *(_WIDTHS[kind] for kind in kinds)))


def _shown(text: str) -> int:
    """Columns a text takes: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text[:200])
