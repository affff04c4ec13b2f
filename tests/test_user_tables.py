"""Tables somebody typed: encodings, marks, titles, cells with their places, and what is refused."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.errors import ProjectError, SourceError, StandardError
from layers.user_tables import Row, each_row, parse_rows, read_rows, refuse_twice

# The columns of a tree of weights: a second subject, so that nothing of limits is leaned on.
TITLES = {"node": ("指标", "节点"), "weight": ("权重",), "less": ("逆向",), "note": ()}
REQUIRED = ("node", "weight")


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "tree.csv"
    path.write_bytes(text.encode(encoding))
    return path


def rows_of(text: str) -> list[Row]:
    return parse_rows(text, "tree.csv", TITLES, REQUIRED)


# ---------------------------------------------------------------- what is read


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_marks_and_line_ends_give_one_table(tmp_path, encoding, mark, end):
    lines = ["指标,权重（％）,note,", "土地利用状况,40,开发区,", "用地效益,６０％,开发区,"]
    path = written(tmp_path, end.join(line.replace(",", mark) for line in lines), encoding)
    rows = read_rows(path, TITLES, REQUIRED)
    assert [row.get("node") for row in rows] == ["土地利用状况", "用地效益"]
    assert [row.number("weight") for row in rows] == [40 / 100, 60 / 100]
    assert [row.where for row in rows] == ["tree.csv, line 2", "tree.csv, line 3"]


def test_a_row_knows_its_line_past_empty_rows_and_cells_of_several_lines():
    rows = rows_of('node,weight,note\na,1,"one\ntwo"\n,,\n\nb,2,\n')
    assert [(row.line, row.get("node"), row.get("note")) for row in rows] == [(3, "a", "one\ntwo"), (6, "b", "")]


def test_a_short_row_has_every_column_and_a_column_the_table_lacks_is_empty():
    (row,) = rows_of("node,weight,less\na,1")
    assert dict(row.cells) == {"node": "a", "weight": "1", "less": ""}
    assert row.get("note") == ""
    assert row.number("note") is None
    assert row.flag("note") is None


@pytest.mark.parametrize("word", ["", " ", "-", "——", "暂无", "N/A", "ｎａ"])
def test_a_word_for_missing_is_missing_also_under_percent(word):
    (row,) = rows_of(f"node,weight,权重（%）\na,1,{word}".replace("权重（%）", "note(%)"))
    assert row.get("note") == ""
    with pytest.raises(StandardError, match=r"tree.csv, line 2, note: it is empty"):
        row.needed("note")


@pytest.mark.parametrize(
    ("text", "signs", "number"),
    [
        ("0.8", "", 0.8),
        ("０．８", "", 0.8),
        ("1,200", "", 1200.0),
        ("30%", "", 30 / 100),
        ("30％", "", 30 / 100),
        ("≥0.8", "≥>=", 0.8),
        (">=0.8", "≥>=", 0.8),
        ("", "", None),
    ],
)
def test_numbers_as_they_are_typed(text, signs, number):
    assert Row("t.csv", 2, {"weight": text}).number("weight", signs) == number


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("much", ""),
        ("约0.8", ""),
        ("≤0.8", "≥>="),
        ("≥0.8", "≤<="),
        ("≥0.8", ""),
        ("3亩", ""),
        ("0.8-1", ""),
        ("%", ""),
    ],
)
def test_what_is_no_plain_number_is_refused_with_its_place(text, signs):
    with pytest.raises(StandardError, match=re.escape(f't.csv, line 2, weight: "{text}": expected a number')) as caught:
        Row("t.csv", 2, {"weight": text}).number("weight", signs)
    assert "应为数字" in caught.value.zh


@pytest.mark.parametrize(("text", "flag"), [("是", True), ("Yes", True), ("否", False), ("0", False), ("", None)])
def test_flags(text, flag):
    assert Row("t.csv", 2, {"less": text}).flag("less") is flag


def test_a_cell_that_says_neither_yes_nor_no_is_refused():
    with pytest.raises(StandardError, match=r't.csv, line 2, less: "maybe": expected yes, no or nothing'):
        Row("t.csv", 2, {"less": "maybe"}).flag("less")


PLAIN = st.text("abcxyz园区甲乙 ,;\"'\n", min_size=1, max_size=8).filter(
    lambda text: text.strip() == text and text != "na"
)


@given(st.lists(st.tuples(PLAIN, PLAIN, st.integers(0, 10**6)), min_size=1, max_size=6))
def test_what_was_written_is_read(table):
    file = io.StringIO(newline="")
    csv.writer(file).writerows([("node", "note", "weight"), *table])
    rows = rows_of(file.getvalue())
    assert [(row.get("node"), row.get("note"), row.number("weight")) for row in rows] == table


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "node,weigth\na,1",
            'column "weigth" is not known. Did you mean "weight"? There are: node, weight, less, note.',
        ),
        ("node,权重（亩）\na,1", "is not read"),
        ("node,note\na,1", "1 of 2 columns are missing: weight"),
        ("", "2 of 2 columns are missing: node, weight"),
        ("node,weight,权重\na,1,2", "1 of 2 entries stand twice: weight; 权重"),
        ("node,weight\na,1,left over", "line 2: 3 cells under 2 titles"),
        ("node,weight", "no row below the titles"),
        ("node,weight\n,\n , ", "no row below the titles"),
    ],
)
def test_tables_that_are_refused(text, words):
    with pytest.raises(StandardError, match=re.escape(words)) as caught:
        rows_of(text)
    assert caught.value.en.startswith("tree.csv")
    assert re.search(r"[\u4e00-\u9fff]", caught.value.zh)


@pytest.mark.parametrize(
    "damaged",
    [
        b"PAR1" + bytes(range(256)),
        "node,weight\n指标甲,1\n".encode() + b"\xe9\xff\xfe\x80,1\n",
        b"node,weight\na," + b"1" * 200_000,
    ],
    ids=["another format", "a damaged cell", "a cell without end"],
)
def test_files_that_cannot_be_read_as_text_are_refused(tmp_path, damaged):
    path = tmp_path / "tree.csv"
    path.write_bytes(damaged)
    with pytest.raises(SourceError, match="Save it as CSV"):
        read_rows(path, TITLES, REQUIRED)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SourceError, match="absent"):
        read_rows(tmp_path / "absent.csv", TITLES, REQUIRED)


def weight(row: Row) -> float:
    value = row.number("weight")
    if value is None:
        raise ProjectError("no weight.", "没有权重。")
    return value


def test_rows_that_cannot_be_used_are_told_at_once_the_first_five_with_reasons():
    assert each_row(rows_of("node,weight\na,1\nb,2"), weight) == [1.0, 2.0]
    rows = rows_of("node,weight\n" + "\n".join(f"n{place},{'x' if place else ''}" for place in range(7)) + "\nlast,1")
    with pytest.raises(StandardError, match=r"^tree.csv: 7 / 8 rows cannot be used. no weight. ") as caught:
        each_row(rows, weight)
    assert [f"line {line}," in caught.value.en for line in range(2, 9)] == [False, True, True, True, True, False, False]
    assert caught.value.en.endswith(" …")
    assert caught.value.zh.startswith("tree.csv：7 / 8 行不能采用。没有权重。")


def test_what_stands_twice_is_named_with_its_places():
    refuse_twice("tree.csv", [("a", "a in line 2"), ("b", "b in line 3")])
    with pytest.raises(StandardError, match="1 of 2 entries stand twice: a in line 2; a in line 4"):
        refuse_twice("tree.csv", [("a", "a in line 2"), ("b", "b in line 3"), ("a", "a in line 4")])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('node,weight\na,1\n"b,2\nc,3\nd,4\n', 3),
        ('node,weight\na,1\nb,"2', 3),
        ('node,weight\n"a,1\nb,2\n"c",3\n', 2),
        ('node,"weight\na,1\n', 1),
    ],
    ids=["to the end", "in the last row", "until the next quote", "in the titles"],
)
def test_a_quote_that_is_not_closed_swallows_no_rows(text, line):
    with pytest.raises(StandardError, match=f"^tree.csv, line {line}: a quote is not closed") as caught:
        rows_of(text)
    assert f"第 {line} 行：引号没有成对" in caught.value.zh


def test_a_number_beyond_all_numbers_is_none():
    with pytest.raises(StandardError, match=r't.csv, line 2, weight: "1e999": expected a number'):
        Row("t.csv", 2, {"weight": "1e999"}).number("weight")
