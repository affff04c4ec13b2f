"""A table somebody typed in a spreadsheet (用户自备表): delimited text, read row by row, each cell with its place.

Knows the encodings such files come in, the mark between their cells, titles with their aliases, words for missing, and
how a number, a share or a yes is typed. A title that bears a unit gives it to its numbers. A row knows its line,
so that whoever reads it can say where a cell is wrong; what is wrong is told for many rows at once.

Knows no subject: which columns there are, which of them must be there and what a row means is the caller's.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from layers.encoding import of_text
from layers.errors import ParkwiseError, SourceError, StandardError, nearest
from layers.sniffing import sniff
from layers.titles import plain, split_title
from layers.units import MISSING_WORDS, convert, label, parse_numbers, parse_unit, unit
from layers.values import to_flags

__all__ = ["Row", "each_row", "parse_rows", "read_rows", "refuse_twice"]

_Found = TypeVar("_Found")

#: No cell of a table that people fill in is longer: a quote that was not closed swallows the rest of the file.
_LONGEST = 100_000

_BRACKETS = re.compile(r"[(\[{]([^()\[\]{}]*)[)\]}]")
#: What stands before the last unit of a quotient, or before the unit of a multiple: 万元/ of 万元/公顷, 万 of 万亩.
_LAST_UNIT = re.compile(r"^(?:.*/|[十百千万亿]+)")
_ENCODINGS = ("UTF-8", "utf-8-sig", "utf-16", "GB18030")
_MARKS = ",\t;"
_TOLD = 5  # so many rows are told one by one


@dataclass(frozen=True)
class Row:
    """One row of a table under the caller's names of columns, and how its cells are read.

    Attributes
    ----------
    file : str
        Name of the file, for messages.
    line : int
        Line of the file, counted from 1; of a row that runs over several lines, the last.
    cells : mapping
        Name of the column → text; "" where the cell is empty or holds a word for missing.
    """

    file: str
    line: int
    cells: Mapping[str, str]

    @property
    def where(self) -> str:
        """File and line, for messages."""
        return f"{self.file}, line {self.line}"

    def wrong(self, column: str, en: str, zh: str) -> StandardError:
        """Return the error that tells what is wrong with a cell, or with the row where `column` is ""."""
        place = f"{self.where}, {column}" if column else self.where
        return StandardError(f"{place}: {en}.", f"{place}：{zh}。")

    def get(self, column: str) -> str:
        """Return the text of a cell, "" where it is empty or the table has no such column."""
        return self.cells.get(column, "")

    def needed(self, column: str) -> str:
        """Return the text of a cell that must not be empty."""
        if not self.get(column):
            raise self.wrong(column, "it is empty; nothing is taken without it", "为空；缺少此项不予采用")
        return self.get(column)

    def number(self, column: str, signs: str = "") -> float | None:
        """Return a cell as a plain number, 30% as 0.3; None where it is empty.

        Parameters
        ----------
        column : str
        signs : str
            Signs that may stand before the number, such as "≥>=" in a column of minima; any other is refused.

        Raises
        ------
        StandardError
            No number, one without end, a number with a unit, or with a sign that changes its meaning.

        Examples
        --------
        >>> row = Row("limits.csv", 2, {"low": "≥０．８", "share": "７％"})
        >>> row.number("low", "≥>="), row.number("share"), row.number("high")
        (0.8, 0.07, None)
        """
        given = self.get(column)
        if not given:
            return None
        text = unicodedata.normalize("NFKC", given).strip().lstrip(signs)
        numbers, units = parse_numbers(pd.Series([text], dtype="object"))
        number, unit = float(numbers[0]), units[0]
        if not np.isfinite(number) or text[:1] in "约≥≤<>=" or unit not in (None, "1", "%"):
            raise self.wrong(
                column, f'"{given}": expected a number such as 0.8 or 30%', f"“{given}”：应为数字，如 0.8、30%"
            )
        return convert(number, unit or "1", "1")

    def measure(self, column: str, wanted: str) -> float | None:
        """Return a cell in the unit `wanted`; its title, or the cell, may bear another of the same kind.

        Raises
        ------
        StandardError
            No number, or one in a unit of another kind.

        Examples
        --------
        >>> row = Row("supply.csv", 2, {"supplied_m2": "1.5公顷"})
        >>> row.measure("supplied_m2", "m2")
        15000.0
        """
        given = self.get(column)
        if not given:
            return None
        numbers, units = parse_numbers(pd.Series([unicodedata.normalize("NFKC", given)], dtype="object"))
        number, found = float(numbers[0]), units[0] or wanted
        if not np.isfinite(number) or unit(found).base != unit(wanted).base:
            shown = label(wanted)
            raise self.wrong(column, f'"{given}": expected a number in {shown}', f"“{given}”：应为以{shown}计的数值")
        return convert(number, found, wanted)

    def flag(self, column: str) -> bool | None:
        """Return a cell as yes or no, None where it is empty.

        Raises
        ------
        StandardError
            The cell says neither.
        """
        given = self.get(column)
        if not given:
            return None
        flag = to_flags(pd.Series([given], dtype="object"))[0]
        if pd.isna(flag):
            raise self.wrong(column, f'"{given}": expected yes, no or nothing', f"“{given}”：应为 是、否 或留空")
        return bool(flag)


def read_rows(path: str | Path, titles: Mapping[str, tuple[str, ...]], required: Sequence[str]) -> list[Row]:
    """Read the rows of a table somebody typed (读取用户自备表).

    Parameters
    ----------
    path : path
        Delimited text (comma, semicolon, tab) in UTF-8, with or without mark, UTF-16 or GB18030.
    titles : mapping
        Name of each column the table may have → other titles people give it.
    required : sequence of str
        Names of the columns it must have.

    Returns
    -------
    list of Row
        Without rows that are all empty; at least one.

    Raises
    ------
    SourceError
        The file is not there, or is no delimited text.
    StandardError
        A column is unknown (the nearest is named), missing or there twice; a quote is not closed (the line where it
        opens is named); a row has more cells than there are titles; there is no row.
    """
    return parse_rows(_text(Path(path)), Path(path).name, titles, required)


def parse_rows(text: str, file: str, titles: Mapping[str, tuple[str, ...]], required: Sequence[str]) -> list[Row]:
    r"""Take the text of a table apart into rows (解析表格文本); see `read_rows`.

    Parameters
    ----------
    text : str
        The whole table.
    file : str
        What messages call it.
    titles, required
        See `read_rows`.

    Examples
    --------
    >>> titles = {"area": ("分区",), "share": ("比重",)}
    >>> rows = parse_rows("分区,比重（%）\n甲区,7\n乙区,暂无", "shares.csv", titles, ["area"])
    >>> [(row.where, row.get("area"), row.number("share")) for row in rows]
    [('shares.csv, line 2', '甲区', 0.07), ('shares.csv, line 3', '乙区', None)]
    """
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(_MARKS, key=head.count), strict=True)
    rows, begins = [], 1
    try:
        columns = _columns(_without_tail(next(reader, [])), file, titles, required)
        begins = reader.line_num + 1
        for cells in reader:
            rows.append(_row(file, reader.line_num, cells, columns))
            begins = reader.line_num + 1
    except csv.Error as error:
        raise _unreadable_row(file, begins, reader.line_num, error) from error
    # The limit of the csv module belongs to the whole process: whoever read a table before may have moved it.
    if any(len(cell) > _LONGEST for row in rows for cell in row.cells.values()):
        raise _unreadable(file)
    filled = [row for row in rows if any(row.cells.values())]
    if not filled:
        raise StandardError(f"{file}: no row below the titles.", f"{file}：标题下没有任何行。")
    return filled


def each_row(rows: Sequence[Row], read: Callable[[Row], _Found]) -> list[_Found]:
    """Read every row; tell of all that cannot be used at once (逐行读取，一次报告全部问题).

    Parameters
    ----------
    rows : sequence of Row
        Of one file, at least one.
    read : callable
        Turns a row into whatever it stands for; raises a ParkwiseError where it cannot be used.

    Raises
    ------
    StandardError
        Rows cannot be used: how many of how many, and the first of them with their reasons.
    """
    found: list[_Found] = []
    faults: list[ParkwiseError] = []
    for row in rows:
        try:
            found.append(read(row))
        except ParkwiseError as error:
            faults.append(error)
    if faults:
        file, counted = rows[0].file, f"{len(faults)} / {len(rows)}"
        en, zh = (" ".join(one.text(language) for one in faults[:_TOLD]) for language in ("en", "zh"))
        more = " …" if len(faults) > _TOLD else ""
        raise StandardError(
            f"{file}: {counted} rows cannot be used. {en}{more}", f"{file}：{counted} 行不能采用。{zh}{more}"
        )
    return found


def refuse_twice(file: str, keys: Sequence[tuple[Hashable, str]]) -> None:
    """Refuse what stands twice in a table (拒绝重复项).

    Parameters
    ----------
    file : str
        What messages call the table.
    keys : sequence of (key, str)
        Each key with the words that name it.

    Raises
    ------
    StandardError
        A key stands twice: the places of the first such are named.
    """
    named: dict[Hashable, list[str]] = {}
    for key, words in keys:
        named.setdefault(key, []).append(words)
    twice = [words for words in named.values() if len(words) > 1]
    if twice:
        seen = "; ".join(twice[0])
        raise StandardError(
            f"{file}: {len(twice)} of {len(named)} entries stand twice: {seen}. Expected each once; take one out.",
            f"{file}：{len(named)} 项中有 {len(twice)} 项重复：{seen}。每项应只出现一次，请删去重复项。",
        )


# ---------------------------------------------------------------- the file


def _text(path: Path) -> str:
    """Return the text of a delimited file; strictly, so that no damaged cell is taken for text."""
    kind = sniff(path)
    encoding = of_text(path).value if kind == "CSV" else ""
    if encoding not in _ENCODINGS:
        raise _unreadable(path.name)
    try:
        return path.read_bytes().decode("utf-8-sig" if encoding == "UTF-8" else encoding)
    except UnicodeDecodeError:
        raise _unreadable(path.name) from None


def _unreadable_row(file: str, begins: int, reached: int, error: csv.Error) -> ParkwiseError:
    """Say where a row begins that does not end: an open quote would swallow the rows below it."""
    if reached == begins and "limit" in str(error):  # one line, longer than any that people type
        return _unreadable(file)
    return StandardError(
        f"{file}, line {begins}: a quote is not closed. Close it; a quote that belongs to the text is written twice.",
        f"{file}，第 {begins} 行：引号没有成对。请补上；属于文字的引号须写两遍。",
    )


def _unreadable(file: str) -> SourceError:
    return SourceError(
        f'"{file}" is no delimited text in UTF-8 or GB18030. Save it as CSV (UTF-8).',
        f"“{file}”不是 UTF-8 或 GB18030 编码的 CSV。请另存为 CSV（UTF-8）。",
    )


# ---------------------------------------------------------------- titles and cells


def _without_tail(titles: Sequence[str]) -> list[str]:
    """Cut the blank titles a spreadsheet writes to the right of its table."""
    end = max((place for place, title in enumerate(titles, 1) if title.strip()), default=0)
    return list(titles[:end])


def _columns(
    head: Sequence[str], file: str, titles: Mapping[str, tuple[str, ...]], required: Sequence[str]
) -> list[tuple[str, str]]:
    """Return the caller's name of each column, and the unit its title gives to its numbers, "" for none."""
    known = {plain(alias): name for name, aliases in titles.items() for alias in (name, *aliases)}
    found = []
    for title in head:
        parts = split_title(title)
        if parts.name in known:
            _refuse_unit(file, title, known[parts.name], parts.unit)
        else:
            like = nearest(parts.name, known)
            hint_en, hint_zh = (f' Did you mean "{known[like]}"?', f"是否指“{known[like]}”？") if like else ("", "")
            raise StandardError(
                f'{file}: column "{title}" is not known.{hint_en} There are: {", ".join(titles)}.',
                f"{file}：不认识字段“{title}”。{hint_zh}可用字段：{'、'.join(titles)}。",
            )
        found.append((known[parts.name], label(parts.unit) if parts.unit not in (None, "1") else ""))
    names = [name for name, _ in found]
    lacking = [name for name in required if name not in names]
    if lacking:
        raise StandardError(
            f"{file}: {len(lacking)} of {len(required)} columns are missing: {', '.join(lacking)}.",
            f"{file}：缺少 {len(lacking)} 个字段：{'、'.join(lacking)}。",
        )
    refuse_twice(file, [(name, title) for name, title in zip(names, head, strict=True)])
    return found


def _refuse_unit(file: str, title: str, name: str, found: str | None) -> None:
    """Refuse a title in a unit that is not read; a column named in one, such as supplied_m2, takes all of its kind."""
    inside = [text.strip() for text in _BRACKETS.findall(unicodedata.normalize("NFKC", title))]
    # 万元/公顷 and 万亩 are units too, though no single ones.
    unread = [text for text in inside if parse_unit(text) is None and parse_unit(_LAST_UNIT.sub("", text)) is not None]
    if not unread and (found in (None, "1", "%") or name.endswith(f"_{unit(str(found)).base}")):
        return
    raise StandardError(
        f'{file}: the unit in the title "{title}" is not read. Write plain numbers under "{name}", and the unit in a '
        "column of its own where the table has one.",
        f"{file}：不读取标题“{title}”中的单位。请在“{name}”下填写纯数值；表中有单位列的，单位写入该列。",
    )


def _row(file: str, line: int, cells: Sequence[str], columns: Sequence[tuple[str, str]]) -> Row:
    if any(cell.strip() for cell in cells[len(columns) :]):
        where = f"{file}, line {line}"
        raise StandardError(
            f"{where}: {len(cells)} cells under {len(columns)} titles. Put text with a comma into quotes.",
            f"{where}：{len(columns)} 个标题下有 {len(cells)} 个单元格。含逗号的文字请加引号。",
        )
    whole = [*cells, *[""] * (len(columns) - len(cells))]
    return Row(file, line, {name: _cell(cell, sign) for (name, sign), cell in zip(columns, whole, strict=False)})


def _cell(text: str, sign: str) -> str:
    """Return a cell, empty where a word for missing stands; the unit of the title goes to its numbers."""
    told = "" if unicodedata.normalize("NFKC", text).strip().lower() in MISSING_WORDS else text.strip()
    return f"{told}{sign}" if sign and told[-1:].isdigit() else told
