"""The sheets of a workbook (XLSX) as streams of rows (`Book`).

openpyxl knows the package: its sheets, which of them are hidden, which formats show a date. The rows, and the
texts they share, are read here from the parser itself, without an object for every cell, and only as far as
they are asked for. A cell gives the value the spreadsheet stored; formulas are never evaluated. No grid is
laid out, so that one cell far away costs nothing.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from functools import cache, partial
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

from openpyxl.reader.excel import ExcelReader
from openpyxl.utils import column_index_from_string
from openpyxl.utils.datetime import from_excel, from_ISO8601
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS

__all__ = ["DAMAGED", "Book"]

#: What reading raises where a workbook is not whole.
DAMAGED = (zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError, LookupError, OSError, SyntaxError, TypeError,
           ValueError)  # fmt: skip

_CHUNK = 1 << 16
_CELL, _FORMULA, _INLINE, _ITEM, _PHONETIC, _ROW, _TEXT, _VALUE = (
    f"{SHEET_MAIN_NS} {tag}" for tag in ("c", "f", "is", "si", "rPh", "row", "t", "v")
)
#: Formulas without a value are looked for in so many rows and columns.
_LOOK = (500, 200)

#: What makes a date or a duration of the number in a cell.
_Dated = Callable[[float], object]


class Book:
    """A workbook opened for reading; to be closed.

    Attributes
    ----------
    sheets : list of str
        The sheets of cells, without the hidden ones.
    """

    def __init__(self, path: Path) -> None:
        package = _Package(path, read_only=True, data_only=True, keep_links=False)
        package.read()
        self._book = package.wb
        self._texts = _Texts(package.texts())
        self.sheets = [str(one.title) for one in self._book.worksheets if one.sheet_state == "visible"]

    def close(self) -> None:
        """Close the file, which stays open as long as a part of it is."""
        self._texts.close()
        self._book.close()

    def rows(self, sheet: str | None, width: int, unstored: list[str] | None = None) -> Iterator[list[object]]:
        """Yield the rows of a sheet, each as far as its last cell that holds a value; a row left out is empty.

        Parameters
        ----------
        sheet : str, optional
            Its name; the first one when left out.
        width : int
            Cells beyond so many of a row are passed over.
        unstored : list of str, optional
            Takes the formulas whose value was never stored, from the first rows.
        """
        page = self._book[sheet] if sheet else self._book.worksheets[0]
        row = 0
        with page._get_source() as xml:
            for number, cells in _found(xml, _Cells(self._texts, self._dated(), width, unstored)):
                yield from ([] for _ in range(row + 1, number))
                if number > row:
                    yield cells
                row = max(row, number)

    def _dated(self) -> dict[str, _Dated]:
        """The formats, by their number, that show a number as a date or a duration."""
        durations = self._book._timedelta_formats
        return {
            str(style): partial(from_excel, epoch=self._book.epoch, timedelta=style in durations)
            for style in self._book._date_formats
        }


class _Package(ExcelReader):  # type: ignore[misc]
    """A workbook whose shared texts are left for later."""

    def read_strings(self) -> None:
        """Read none."""

    def texts(self) -> Generator[str, None, None]:
        """Yield the texts the cells share."""
        part = self.package.find(SHARED_STRINGS)
        if part is not None:
            with self.archive.open(part.PartName[1:]) as xml:
                yield from _found(xml, _Items())


class _Texts:
    """Texts by their number, taken from `more` as far as they are asked for."""

    def __init__(self, more: Generator[str, None, None]) -> None:
        self._known: list[str] = []
        self._more = more

    def close(self) -> None:
        """Ask for no more."""
        self._more.close()

    def __getitem__(self, place: int) -> str:
        while place >= len(self._known):
            text = next(self._more, None)
            if text is None:
                raise IndexError(f"there is no text {place}")
            self._known.append(text)
        return self._known[place]


def _found(xml: IO[bytes], listener: _Items) -> Iterator[Any]:
    """Let a listener hear what is in a part of the package, and yield what it finds."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = listener.start
    parser.EndElementHandler = listener.end
    parser.CharacterDataHandler = listener.said.append
    while chunk := xml.read(_CHUNK):
        parser.Parse(chunk)
        yield from listener.found
        listener.found.clear()
    parser.Parse(b"", True)
    yield from listener.found


class _Items:
    """Finds texts: their runs joined, without how they are pronounced."""

    def __init__(self) -> None:
        self.found: list[Any] = []
        self.said: list[str] = []
        self._runs: list[str] = []
        self._pronounced = False

    def start(self, tag: str, _: dict[str, str]) -> None:
        """Hear an element begin."""
        if tag == _TEXT:
            self.said.clear()
        elif tag == _PHONETIC:
            self._pronounced = True

    def end(self, tag: str) -> None:
        """Hear an element end."""
        if tag == _TEXT and not self._pronounced:
            self._runs += self.said
        elif tag == _PHONETIC:
            self._pronounced = False
        elif tag == _ITEM:
            self.found.append(self._text().replace("x005F_", ""))

    def _text(self) -> str:
        text = "".join(self._runs)
        self._runs.clear()
        return text


class _Cells(_Items):
    """Finds rows: their number and the values of their cells."""

    def __init__(self, texts: _Texts, dated: dict[str, _Dated], width: int, unstored: list[str] | None) -> None:
        super().__init__()
        self._texts, self._dated, self._width = texts, dated, width
        self._unstored: list[str] = [] if unstored is None else unstored
        self._row, self._cells = 0, list[object]()
        self._place, self._kind, self._style, self._formula = -1, "n", "0", ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Hear an element begin."""
        if tag == _CELL:
            place = attributes.get("r")
            self._place = self._place + 1 if place is None else _column(place.rstrip("0123456789"))
            self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "0")
        elif tag == _VALUE:
            self.said.clear()
        elif tag == _ROW:
            number = attributes.get("r")
            self._row = self._row + 1 if number is None else int(float(number))
            self._cells, self._place = [], -1
            self.said.clear()
        elif tag == _FORMULA:
            self._formula = "" if attributes.get("t") in ("array", "dataTable") else "="
            self.said.clear()
        else:
            super().start(tag, attributes)

    def end(self, tag: str) -> None:
        """Hear an element end."""
        if tag == _VALUE:
            if self.said and self._kind != "inlineStr":
                self._put(self._value("".join(self.said)))
        elif tag == _CELL:
            if self._formula:
                self._tell_unstored()
        elif tag == _ROW:
            self.found.append((self._row, self._cells))
        elif tag == _INLINE:
            self._put(self._text())
        elif tag == _FORMULA:
            self._formula += "".join(self.said) if self._formula else ""
        else:
            super().end(tag)

    def _put(self, value: object) -> None:
        cells, place = self._cells, self._place
        self._formula = ""
        if place < self._width:
            cells += [None] * (place + 1 - len(cells))
            cells[place] = value

    def _tell_unstored(self) -> None:
        rows, columns = _LOOK
        if self._row <= rows and self._place < columns:
            self._unstored.append(self._formula)
        self._formula = ""

    def _value(self, text: str) -> object:
        kind = self._kind
        if kind == "s":
            return self._texts[int(text)]
        if kind == "n":
            number = float(text) if "." in text or "e" in text or "E" in text else int(text)
            dated = self._dated.get(self._style)
            return number if dated is None else _as_date(number, dated)
        if kind == "b":
            return bool(int(text))
        return from_ISO8601(text) if kind == "d" else text


@cache
def _column(letters: str) -> int:
    return int(column_index_from_string(letters)) - 1


def _as_date(number: float, dated: _Dated) -> object:
    try:
        return dated(number)
    except (OverflowError, ValueError):
        return "#VALUE!"  # as spreadsheets show a date before the first or after the last
