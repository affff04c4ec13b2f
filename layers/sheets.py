"""Tables as people send them: CSV, XLSX and lists of JSON records, down to a frame with one title a column.

Finds the header below title rows, joins a header of two rows, tells columns of one name apart, moves a
title that stands one column too far left, takes coordinates or WKT as geometry, and sets rows of totals
and remarks aside. Text stays text: numbers and dates are read later, when it is known what a column means.
Formulas are never evaluated; cells give the values the spreadsheet stored. Sizes are bounded.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
import unicodedata
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers import encoding as enc
from layers.errors import SourceError
from layers.findings import finding
from layers.raw import Raw, Sublayer, distinct_titles, tell_encoding
from layers.roles import LAYERS
from layers.sources import Source
from layers.titles import columns, match, plain, split_title
from layers.units import MISSING_WORDS, parse_numbers, parse_unit

if TYPE_CHECKING:
    from openpyxl import Workbook

__all__ = ["locate", "read_sheet", "sheets", "to_frame"]

MAX_ROWS = 2_000_000
MAX_COLUMNS = 2_000
MAX_CELL = 100_000  # characters; WKT of a large shape is longer and comes from a proper format
_LOOK = 30  # rows among which the header is looked for

#: What openpyxl raises where a workbook is not whole.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, LookupError, OSError, SyntaxError, TypeError, ValueError)

Row = list[object]


def sheets(source: Source) -> list[Sublayer]:
    """List the tables of a file: the visible sheets of a workbook that hold something."""
    if source.format != "XLSX":
        return [Sublayer(None, None, (), -1)]
    found = []
    with _opened(source) as book:
        for sheet in book.worksheets:
            rows = [_cells(row) for row in sheet.iter_rows(max_row=_LOOK, max_col=MAX_COLUMNS, values_only=True)]
            if any(map(_filled, rows)) and sheet.sheet_state == "visible":
                first, last = locate(rows)
                titles = [title for title in _titles(rows[first : last + 1]) if title]
                found.append(Sublayer(sheet.title, None, tuple(titles), -1))
    return found


@contextmanager
def _opened(source: Source, *, formulas: bool = False) -> Iterator[Workbook]:
    from openpyxl import load_workbook  # noqa: PLC0415  (most layers are no workbooks)

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and extensions it does not know
            book = load_workbook(source.path, read_only=True, data_only=not formulas, keep_links=False)
        try:
            for sheet in book.worksheets:
                sheet.reset_dimensions()
            yield book
        finally:
            book.close()
    except _DAMAGED as error:
        raise SourceError(
            f'"{source.shown}" cannot be read as a workbook; it may be damaged ({error}). Save it again as .xlsx.',
            f"“{source.shown}”无法按工作簿读取，可能已损坏（{error}）。请重新另存为 .xlsx。",
        ) from None


def read_sheet(
    source: Source, sublayer: Sublayer, *, role: str | None, encoding: str | None, limit: int | None = None
) -> Raw:
    """Read one table; see `to_frame` for what is settled on the way."""
    settled = None
    if source.format == "XLSX":
        rows = _xlsx_rows(source, sublayer.name)
    elif source.format == "JSON":
        settled = enc.given(encoding) if encoding else enc.of_text(source.path)
        raw = Raw(_records(source, settled.value), source, encoding=settled)
        raw.rows = raw.total = len(raw.frame)
        return raw
    else:
        settled = enc.given(encoding) if encoding else enc.of_text(source.path)
        rows = _csv_rows(source, settled.value)
    raw = to_frame(rows, source, role or "", limit)
    raw.layer, raw.encoding = sublayer.name, settled
    if source.format == "XLSX" and raw.frame.isna().all().any():
        raw.findings += _unstored(source, sublayer.name, role or "")
    tell_encoding(raw, role or "")
    return raw


def _xlsx_rows(source: Source, name: str | None) -> list[Row]:
    with _opened(source) as book:
        sheet = book[name] if name else book.worksheets[0]
        return _bounded((_without_tail(_cells(row)) for row in sheet.iter_rows(values_only=True)), source)


def _unstored(source: Source, name: str | None, role: str) -> list[pd.DataFrame]:
    """Tell of cells that hold a formula whose value was never stored."""
    with _opened(source) as stored, _opened(source, formulas=True) as written:
        pairs = zip(*(_first_cells(book[name or book.sheetnames[0]]) for book in (stored, written)), strict=True)
        lost = [text for value, text in pairs if value is None and isinstance(text, str) and text.startswith("=")]
    return [finding("formula-unstored", role, found=f"{len(lost)} × {lost[0][:40]}")] if lost else []


def _first_cells(sheet: Any) -> list[object]:  # noqa: ANN401 (a sheet opened for reading has a type of its own)
    return [cell for row in sheet.iter_rows(max_row=500, max_col=200, values_only=True) for cell in row]


def _cells(row: Sequence[object]) -> Row:
    """Take the cells of a row as they stand; a blank one is None, and from here on nothing else is."""
    return [None if isinstance(cell, str) and not cell.strip() else cell for cell in row[:MAX_COLUMNS]]


def _without_tail(row: Row) -> Row:
    """Cut the blank cells a sheet carries to the right of its table."""
    end = next((place for place in range(len(row), 0, -1) if row[place - 1] is not None), 0)
    return row[:end]


def _bounded(rows: Iterable[Row], source: Source) -> list[Row]:
    kept: list[Row] = []
    blank = 0
    for row in rows:
        if _filled(row):
            kept += [[]] * min(blank, 1)
            kept.append(row)
            blank = 0
        else:
            blank += 1
            if blank > 10_000:  # a sheet formatted to its last row
                break
        if len(kept) > MAX_ROWS:
            raise SourceError(
                f'"{source.shown}" holds more than {MAX_ROWS:,} rows. Split it, or save it as GeoPackage.',
                f"“{source.shown}”超过 {MAX_ROWS:,} 行。请拆分，或另存为 GeoParquet、GeoPackage。",
            )
    return kept


def _csv_rows(source: Source, encoding: str) -> list[Row]:
    csv.field_size_limit(16 * 1024**2)
    codec = "utf-8-sig" if encoding.casefold() == "utf-8" else encoding
    with source.path.open(encoding=codec, errors="replace", newline="") as file:
        try:
            sample = file.read(64_000)
            file.seek(0)
            return _bounded((_cells(row) for row in csv.reader(_no_nul(file), delimiter=_delimiter(sample))), source)
        except (csv.Error, UnicodeError) as error:
            raise SourceError(
                f'"{source.shown}" cannot be read as a table ({error}). Save it again as CSV or .xlsx.',
                f"“{source.shown}”无法按表格读取（{error}）。请重新另存为 CSV 或 .xlsx。",
            ) from None


def _no_nul(lines: Iterable[str]) -> Iterable[str]:
    return (line.replace("\x00", "") for line in lines)


def _delimiter(sample: str) -> str:
    lines = [re.sub(r'"[^"]*"', "", line) for line in sample.splitlines()[:50]]
    counts = {mark: sum(line.count(mark) > 0 for line in lines) for mark in (",", "\t", ";", "|")}
    return max(counts, key=lambda mark: counts[mark])


def _records(source: Source, encoding: str) -> pd.DataFrame:
    """Read a JSON list of records; records inside records become columns ``outer.inner``."""
    try:
        with source.path.open(encoding=encoding) as file:
            content = json.load(file)
    except (ValueError, RecursionError) as error:
        raise SourceError(
            f'"{source.shown}" is not whole JSON ({error}). It may be cut in the middle; export it again.',
            f"“{source.shown}”不是完整的 JSON（{error}），可能被截断；请重新导出。",
        ) from None
    records = content if isinstance(content, list) else None
    if not records or not all(isinstance(record, dict) for record in records):
        raise SourceError(
            f'"{source.shown}" is JSON but neither GeoJSON nor a list of records. Export it as GeoJSON or GeoPackage.',
            f"“{source.shown}”是 JSON，但既非 GeoJSON 也非记录列表。请导出为 GeoJSON 或 GeoPackage。",
        )
    frame = pd.json_normalize(records)
    for title in frame.columns:
        listed = frame[title].map(lambda value: isinstance(value, (list, dict)))
        if listed.any():
            frame[title] = frame[title].map(lambda value: json.dumps(value, ensure_ascii=False))
    return frame


def to_frame(rows: Sequence[Row], source: Source, role: str = "", limit: int | None = None) -> Raw:
    """Turn the rows of a sheet into a frame.

    Parameters
    ----------
    rows : sequence of rows
        As they stand in the sheet; None for a blank cell.
    source : Source
        Where they come from, for messages.
    role : str
        Layer name for findings.
    limit : int, optional
        Keep so many rows only.

    Raises
    ------
    SourceError
        There is no row below a header.
    """
    if not any(_filled(row) for row in rows):
        raise SourceError(
            f'"{source.shown}" holds no row. Expected a header and records; name another sheet with layer=.',
            f"“{source.shown}”没有任何内容。应有表头和记录；可用 layer 指明其他工作表。",
        )
    first, last = locate(rows)
    width = max(len(row) for row in rows)
    titles = _titles([_pad(row, width) for row in rows[first : last + 1]])
    body = [_pad(row, width) for row in rows[last + 1 :] if _filled(row)]
    body = body[1:] if len(body) > 1 and _numbering(body[0]) else body
    notes = " ".join(str(cell) for row in rows[:first] for cell in row if cell is not None)
    aside = _not_records(body)
    frame = pd.DataFrame(body, columns=range(width), dtype="object")
    keep = [place for place in range(width) if titles[place] or frame[place].notna().any()]
    names = [titles[place] for place in keep]
    frame = frame.drop(index=list(aside)).reset_index(drop=True)[keep]
    raw = Raw(frame, source, notes=notes, rows=len(body), total=len(body))
    raw.frame.columns = pd.Index(_shifted(raw, names, role))
    distinct_titles(raw, role)
    for reason in ("row-total", "row-note"):
        ids = [_first_text(body[at]) for at, why in aside.items() if why == reason]
        if ids:
            raw.set_aside.append((reason, len(ids), ids[:5]))
            raw.findings.append(finding(reason, role, ids=ids, found=ids))
    raw.frame = _with_geometry(raw.frame.infer_objects())
    if limit:
        raw.frame = raw.frame.iloc[:limit]
    return raw


def _filled(row: Row) -> int:
    return len(row) - row.count(None)


def _pad(row: Row, width: int) -> Row:
    return row + [None] * (width - len(row))


def locate(rows: Sequence[Row]) -> tuple[int, int]:
    """Return the first and the last row of the header.

    The header is the row near the top that is filled across the table, holds words rather than numbers, each
    once, and names columns that are known; a second header row holds units, or words below merged cells.

    Examples
    --------
    >>> locate([["某市企业情况表", None, None], ["企业名称", "税收（万元）", "面积（亩）"], ["甲厂", 12.5, 3]])
    (1, 1)
    """
    top = [_cells(row) for row in rows[:_LOOK]]
    widths = sorted((_filled(row) for row in top), reverse=True)
    wide = widths[min(1, len(widths) - 1)]
    best, best_score = 0, float("-inf")
    for number, row in enumerate(top):
        filled = _filled(row)
        if not filled or (filled < 2 <= wide):
            continue
        words = [str(cell).strip() for cell in row if cell is not None]
        wordy = sum(not _numeric(word) for word in words) / filled
        known = sum(_known(word) for word in words) / filled
        score = 2 * known + wordy + min(filled / wide, 1) + len(set(words)) / filled - 0.15 * number
        if score > best_score + 1e-9 and wordy >= 0.5:
            best, best_score = number, score
    return best, best + _second(top, best)


def _numeric(text: object) -> bool:
    if isinstance(text, (int, float, dt.date)):
        return True
    return bool(
        re.fullmatch(
            r"[-+]?[\d,.]+(?:e[-+]?\d+)?[%％亩]?", unicodedata.normalize("NFKC", str(text)).strip(), re.IGNORECASE
        )
    )


def _known(word: str) -> bool:
    placed = any(plain(word) in _axis(name) for name in ("x", "y", "wkt"))
    return placed or any(match(layer, [word]) for layer in LAYERS)


def _second(top: Sequence[Row], first: int) -> int:
    """Return 1 where the row below the header belongs to it."""
    if first + 2 >= len(top) + 1 or first + 1 >= len(top):
        return 0
    width = max(len(top[first]), len(top[first + 1]))
    upper, lower = _pad(top[first], width), _pad(top[first + 1], width)
    words = [str(cell).strip() for cell in lower if cell is not None]
    if not words or any(_numeric(word) for word in words):
        return 0
    units = sum(parse_unit(word.strip("()（）")) is not None for word in words)
    if units and units >= 0.5 * len(words):
        return 1
    below_gap = any(up is None and low is not None for up, low in zip(upper, lower, strict=True))
    spanned = any(up is not None and low is None for up, low in zip(upper, lower, strict=True))
    return int(below_gap and (spanned or sum(map(_known, words)) >= 0.3 * len(words)) and len(set(words)) > 1)


def _titles(header: Sequence[Row]) -> list[str]:
    """Join the rows of a header: a word above several columns stands before each of them."""
    width = max((len(row) for row in header), default=0)
    upper = _pad(header[0], width)
    if len(header) == 1:
        return [_clean(cell) for cell in upper]
    lower = _pad(header[1], width)
    titles, above = [], None
    for up, low in zip(upper, lower, strict=True):
        above = up if up is not None else (above if low is not None else None)
        titles.append(_join(above if low is not None else up, low))
        above = above if low is not None else None
    return titles


def _join(up: object, low: object) -> str:
    if low is None:
        return _clean(up)
    text, below = _clean(up), _clean(low)
    if not text:
        return below
    unit = below.strip("()（）")
    if parse_unit(unit):
        return f"{text}（{unit}）"
    if text == below:
        return text  # one title typed into both rows of the header
    together = f"{text}{below}"
    return below if _known(below) and not _known(together) else together


def _clean(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return "" if cell is None else " ".join(str(cell).split())


def _numbering(row: Sequence[object]) -> bool:
    """A row of column numbers (1, 2, 3 or 甲, 乙, 1, 2) below the header."""
    cells = [_clean(cell).strip("()（）") for cell in row if cell is not None]
    numbers = [int(cell) for cell in cells if cell.isdigit()]
    letters = [cell for cell in cells if cell in "甲乙丙丁戊ABCDE" and cell]
    return (
        len(cells) >= 3
        and len(numbers) + len(letters) == len(cells)
        and numbers == list(range(1, len(numbers) + 1))
        and len(numbers) >= 2
    )


_TOTAL = re.compile(
    r"^(?:合\s*计|总\s*计|小\s*计|共\s*计|全市合计|全区合计|sub-?total|(?:grand )?total)\s*[:：]?$", re.IGNORECASE
)
_NOTE = re.compile(
    r"^(?:注|备注|说明|填表人|填报人|制表|审核|数据来源|资料来源|单位负责人|note|source)s?\s*\d*\s*[:：．.]",
    re.IGNORECASE,
)


def _not_records(body: Sequence[Row]) -> dict[int, str]:
    """Return the rows that are totals or remarks, not records."""
    found = {}
    for at, row in enumerate(body):
        text = _first_text(row)
        if _TOTAL.match(text):
            found[at] = "row-total"
        elif _NOTE.match(text) and _filled(row) <= max(2, len(row) // 3):
            found[at] = "row-note"
    return found


def _first_text(row: Sequence[object]) -> str:
    words = (_clean(cell) for cell in row[:4] if cell is not None)
    first = next(words, "")
    return first if not first.isdigit() else next((word for word in words if not word.isdigit()), first)


def _shifted(raw: Raw, titles: list[str], role: str) -> list[str]:
    """Name what has no title; move a title that stands one column too far left.

    A title of words over numbers, and words in the unnamed column at its right: the title belongs there.
    """
    for place in range(1, len(titles)):
        title = titles[place - 1]
        if titles[place] or not title or not _means_words(title):
            continue
        left, right = raw.frame.iloc[:, place - 1], raw.frame.iloc[:, place]
        if _number_share(left) >= 0.9 and _number_share(right) <= 0.1 and _values(right):
            titles[place], titles[place - 1] = title, f"未命名_{place}"
            raw.findings.append(
                finding("column-shifted", role, column=title, found=title, title=title, renamed=titles[place - 1])
            )
    return [title or f"未命名_{place + 1}" for place, title in enumerate(titles)]


_WORDY = ("名称", "分类", "类型", "类别", "行业", "性质", "状态", "name", "type")


def _means_words(title: str) -> bool:
    name = split_title(title).name
    if name.endswith(_WORDY):
        return True
    for layer in LAYERS:
        for column in match(layer, [title]):
            table = columns(layer).set_index("column")
            return bool(table.loc[column, "type"] == "text" and table.loc[column, "kind"] == "label")
    return False


def _values(column: pd.Series) -> list[str]:
    return [text for value in column if value is not None and (text := _clean(value)).lower() not in MISSING_WORDS]


def _number_share(column: pd.Series) -> float:
    values = _values(column)
    return sum(map(_numeric, values)) / len(values) if values else 0.0


@cache
def _axis(name: str) -> frozenset[str]:
    """Return the plain titles of an axis: x, y or wkt."""
    path = resources.files("layers").joinpath("tables/codes/coordinates.csv")
    with path.open(encoding="utf-8") as file:
        table = pd.read_csv(file, dtype=str).set_index("axis")["titles"]
    return frozenset(map(plain, str(table[name]).split("|")))


def _with_geometry(frame: pd.DataFrame) -> pd.DataFrame:
    """Take WKT, else a pair of coordinates, as geometry; the columns stay."""
    for title in map(str, frame.columns):
        if plain(title) in _axis("wkt"):
            texts = frame[title].where(frame[title].notna(), None).astype("object")
            shapes = shapely.from_wkt([text if isinstance(text, str) else None for text in texts], on_invalid="ignore")
            if any(shape is not None for shape in shapes):
                return _drawn(frame.drop(columns=title), shapes)
    x = next((title for title in map(str, frame.columns) if split_title(title).name in _axis("x")), None)
    y = next((title for title in map(str, frame.columns) if split_title(title).name in _axis("y")), None)
    if x is None or y is None:
        return frame
    east, north = parse_numbers(frame[x])[0].to_numpy(), parse_numbers(frame[y])[0].to_numpy()
    known = np.isfinite(east) & np.isfinite(north) & ~((east == 0) & (north == 0))
    if not known.any():
        return frame
    shapes = np.full(len(frame), None, dtype="object")
    shapes[known] = shapely.points(east[known], north[known])
    return _drawn(frame, shapes)


def _drawn(frame: pd.DataFrame, shapes: Any) -> pd.DataFrame:  # noqa: ANN401 (an array of shapes)
    drawn: pd.DataFrame = gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes, index=frame.index))
    return drawn
