"""Control indicators for industrial projects: the table of 2008, codes that moved, tables refused, land held."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import hand_city as city
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo import control
from geo.control import (
    CODE_EDITIONS,
    SubRegion,
    find_limit,
    find_sub_regional,
    hold,
    load_limits,
    load_sub_regions,
    standard_limits,
    translate,
)
from geo.control.codes import crosswalk
from geo.land import attach
from layers.errors import ParkwiseError, ProjectError, SchemaError, SourceError, StandardError

CASES = tomllib.loads((Path(__file__).parent / "cases" / "control-indicators.toml").read_text("utf-8"))


def worked_out(arithmetic: str) -> float:
    """Work out arithmetic such as (1_000 + 500) / 2_000: digits and operators only."""
    assert re.fullmatch(r"[\d_ .+*/()-]+", arithmetic), arithmetic
    return float(eval(arithmetic))  # noqa: S307  (digits and operators of a file of ours)


# ---------------------------------------------------------------- the table of 2008


@pytest.mark.parametrize("printed", CASES["division"], ids=lambda one: one["code"])
def test_every_division_has_the_printed_plot_ratio(printed):
    limit = find_limit("plot_ratio", printed["code"], "2002")
    assert limit.value == worked_out(printed["plot_ratio"])
    assert (limit.code, limit.code_edition, limit.edition) == (printed["code"], "2002", "2008")
    assert limit.name_zh.startswith(printed["name"])
    assert (limit.comparison, limit.unit, limit.note_en) == ("at_least", "1", "")


@pytest.mark.parametrize("printed", CASES["division"], ids=lambda one: one["code"])
@pytest.mark.parametrize(("indicator", "side"), [("building_coefficient", "at_least"), ("admin_land_share", "at_most")])
def test_every_division_has_the_two_limits_of_the_trial_text(printed, indicator, side):
    limit = find_limit(indicator, printed["code"], "2002")
    assert (limit.value, limit.comparison) == (worked_out(CASES["every_division"][indicator]), side)
    assert "试行文本" in limit.source


def test_the_table_has_thirty_divisions_and_no_other():
    printed = [one["code"] for one in CASES["division"]]
    assert len(printed) == len(set(printed)) == 30
    assert sorted({limit.code for limit in standard_limits()}) == sorted(printed)
    assert len(standard_limits()) == 30 * 3  # green ratio and share of floor area are the user's


def test_the_edition_on_board_says_that_it_is_superseded():
    for limit in standard_limits():
        assert (limit.document, limit.status_en) == (
            "国土资发〔2008〕24号",
            "superseded by the 2023 edition, unverified",
        )
        assert limit.clause
        assert limit.source
        assert "未核实" in limit.status_zh


# ---------------------------------------------------------------- codes that moved

# 2017 → (2002, lowest plot ratio), by hand from the names of the divisions
MOVED = {
    "30": ("31", 0.7),
    "31": ("32", 0.6),
    "32": ("33", 0.6),
    "33": ("34", 0.7),
    "34": ("35", 0.7),
    "35": ("36", 0.7),
    "36": ("37", 0.7),
    "37": ("37", 0.7),
    "38": ("39", 0.7),
    "39": ("40", 1.0),
    "40": ("41", 1.0),
    "42": ("43", 0.7),
}


@pytest.mark.parametrize("edition", ["2011", "2017"])
@pytest.mark.parametrize("code", MOVED)
def test_a_later_code_gets_the_limit_of_its_own_industry(code, edition):
    limit = find_limit("plot_ratio", f"C{code}10", edition)
    assert (limit.code, limit.value) == MOVED[code]
    assert f"{code} (GB/T 4754-{edition})" in limit.note_en
    assert MOVED[code][0] in limit.note_zh


def test_a_2017_code_30_does_not_get_the_limit_of_plastics():
    assert find_limit("plot_ratio", "30", "2002").value == 1.0
    assert find_limit("plot_ratio", "30", "2017").value == 0.7


@pytest.mark.parametrize("division", range(13, 29))
def test_divisions_before_the_shift_stay(division):
    assert translate(str(division), "2017", "2002") == (str(division),)
    assert find_limit("plot_ratio", str(division), "2017").code == str(division)


@pytest.mark.parametrize(
    ("code", "source", "target", "expected"),
    [
        ("29", "2017", "2002", ("29", "30")),
        ("C2915", "2011", "2002", ("29", "30")),
        ("43", "2017", "2002", ()),
        ("41", "2017", "2002", ()),
        ("42", "2002", "2017", ()),
        ("37", "2002", "2017", ("36", "37")),
        ("30", "2002", "2011", ("29",)),
        ("4310", "2002", "GB/T 4754-2017", ("42",)),
        ("43", "2011", "2017", ("43",)),
        ("0610", "2017", "2002", ()),
        ("0610", "2017", "2017", ("06",)),
    ],
)
def test_translate(code, source, target, expected):
    assert translate(code, source, target) == expected


@given(st.sampled_from(CODE_EDITIONS), st.sampled_from(CODE_EDITIONS), st.integers(13, 43))
def test_translating_is_mutual(source, target, division):
    if source != target:
        for other in translate(str(division), source, target):
            assert str(division) in translate(other, target, source)


def test_the_shift_is_sourced_and_covers_every_division_of_the_table():
    rows = crosswalk()
    assert all(row["source"] and row["confidence"] for row in rows)
    assert {row["code_2002"] for row in rows} - {""} == {one["code"] for one in CASES["division"]}
    later = {str(division) for division in range(13, 44)}
    assert {row["code_2017"] for row in rows} - {""} == later
    assert all(row["note_en"] and row["note_zh"] for row in rows if "" in (row["code_2002"], row["code_2017"]))


def test_several_divisions_are_refused_and_named():
    with pytest.raises(StandardError) as caught:
        find_limit("plot_ratio", "2911", "2017")
    for words in ("29 橡胶制品业 ≥ 0.8", "30 塑料制品业 ≥ 1", "2008.csv, line"):
        assert words in caught.value.en
        assert words in caught.value.zh


@pytest.mark.parametrize(("several", "code", "value"), [("strictest", "30", 1.0), ("mildest", "29", 0.8)])
def test_a_choice_among_several_is_told(several, code, value):
    limit = find_limit("plot_ratio", "29", "2017", several=several)
    assert (limit.code, limit.value) == (code, value)
    assert f"the {several} of 2 limits" in limit.note_en
    assert "29 (2002) / 30 (2002)" in limit.note_en
    assert {"strictest": "从严", "mildest": "从宽"}[several] in limit.note_zh


def test_the_strictest_of_upper_limits_is_the_lowest():
    two = [
        replace(find_limit("admin_land_share", "29", "2002"), value=0.07),
        replace(find_limit("admin_land_share", "30", "2002"), value=0.05),
    ]
    assert find_limit("admin_land_share", "29", "2017", tables=two, several="strictest").value == 0.05
    assert find_limit("admin_land_share", "29", "2017", tables=two, several="mildest").value == 0.07


def test_several_divisions_of_one_limit_need_no_choice():
    limit = find_limit("building_coefficient", "29", "2017")
    assert limit.value == 0.30
    assert "29 (2002) / 30 (2002)" in limit.note_en


def test_one_of_several_divisions_without_a_limit_is_refused():
    rubber = [one for one in standard_limits() if one.code == "29"]
    for several in control.SEVERAL:
        with pytest.raises(StandardError, match=r"expected one limit each, found 1: 29 橡胶制品业"):
            find_limit("plot_ratio", "29", "2017", tables=rubber, several=several)


@pytest.mark.parametrize("several", control.SEVERAL)
@pytest.mark.parametrize("code", ["41", "43"])
def test_no_certain_counterpart_is_refused(code, several):
    with pytest.raises(StandardError, match=f"{code} .*no certain counterpart in 2002"):
        find_limit("plot_ratio", code, "2017", several=several)


def test_a_division_the_edition_does_not_have_hints_at_another_edition():
    with pytest.raises(StandardError, match=r"found 0.*not known in edition 2002, but in: 2011, 2017"):
        find_limit("plot_ratio", "38", "2002")


def test_a_group_the_edition_does_not_have_is_noted():
    assert "not known in edition 2017, but in: 2002" in find_limit("plot_ratio", "4062", "2017").note_en


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"indicator": "plot_rati"}, StandardError, '"plot_ratio"'),
        ({"code": "electronics"}, StandardError, "no industry code"),
        ({"code": "C"}, StandardError, "no industry code"),
        ({"code_edition": "1994"}, StandardError, "2002, 2011, 2017"),
        ({"edition": "2023"}, StandardError, 'control.table = "FILE.csv"'),
        ({"indicator": "green_ratio"}, StandardError, "sets plot_ratio, building_coefficient, admin_land_share"),
        ({"several": "highest"}, ProjectError, "refuse, strictest, mildest"),
    ],
)
def test_wrong_questions_are_refused(asked, error, words):
    question = {"indicator": "plot_ratio", "code": "39", "code_edition": "2017"} | asked
    with pytest.raises(error, match=re.escape(words)) as caught:
        find_limit(**question)
    assert re.search(r"[\u4e00-\u9fff]", caught.value.zh)


# ---------------------------------------------------------------- tables of the user

TITLES = "edition,code_edition,code,name,far_min,coeff_min,admin_land_max,admin_gfa_max,green_max,source"
ROW = "2023,2017,36,汽车制造业,0.8,0.40,7%,15%,,示例文件"


def table(folder: Path, *rows: str, titles: str = TITLES, encoding: str = "utf-8") -> Path:
    path = folder / "limits.csv"
    path.write_bytes("\r\n".join([titles, *rows]).encode(encoding))
    return path


CHINESE = "版本,行业分类版本,行业代码,行业名称,容积率下限,建筑系数下限（%）,行政办公用地比重上限,来源"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_encodings_and_titles_give_one_table(tmp_path, encoding):
    row = "2023,GB/T 4754-2017,C36,汽车制造业,≥０．８,40,７％,示例文件第三条"
    limits = load_limits(table(tmp_path, row, titles=CHINESE, encoding=encoding))
    assert {one.indicator: one.value for one in limits} == {
        "plot_ratio": 0.8,
        "building_coefficient": 0.4,
        "admin_land_share": 0.07,
    }
    for one in limits:
        assert (one.edition, one.code_edition, one.code, one.name_zh) == ("2023", "2017", "36", "汽车制造业")
        assert (one.source, one.where) == ("示例文件第三条", "limits.csv, line 2")


@pytest.mark.parametrize("mark", ["\t", ";"])
def test_other_marks_between_cells(tmp_path, mark):
    limits = load_limits(table(tmp_path, ROW.replace(",", mark), titles=TITLES.replace(",", mark)))
    assert [one.value for one in limits] == [0.8, 0.4, 0.07, 0.15]


def test_an_empty_cell_and_a_word_for_missing_give_no_limit(tmp_path):
    limits = load_limits(table(tmp_path, "2023,2017,36,汽车,0.8,暂无,,—,,示例"))
    assert [one.indicator for one in limits] == ["plot_ratio"]


def test_a_loaded_edition_stands_beside_the_one_on_board(tmp_path):
    both = (*standard_limits(), *load_limits(table(tmp_path, ROW)))
    assert find_limit("plot_ratio", "3610", "2017", "2023", both).value == 0.8
    assert find_limit("plot_ratio", "3610", "2017", "2008", both).value == 0.7
    assert find_limit("admin_floor_share", "3610", "2017", "2023", both).value == 0.15
    with pytest.raises(StandardError, match="There are: 2008, 2023"):
        find_limit("plot_ratio", "3610", "2017", "2024", both)


def test_a_table_in_both_code_editions_is_read_by_the_codes_own(tmp_path):
    rows = ["本地,2017,30,非金属,1.2,,,,,示例", "本地,2002,31,非金属,0.9,,,,,示例", "本地,2002,30,塑料,1.1,,,,,示例"]
    limits = load_limits(table(tmp_path, *rows))
    assert find_limit("plot_ratio", "30", "2017", "本地", limits).value == 1.2
    assert find_limit("plot_ratio", "30", "2002", "本地", limits).value == 1.1
    with pytest.raises(StandardError, match="can be any of"):  # 2011 has no row of its own: 30 (2017) or 31 (2002)
        find_limit("plot_ratio", "30", "2011", "本地", limits)


@pytest.mark.parametrize(
    ("place", "text", "words"),
    [
        (9, "", "source: it is empty"),
        (9, "无", "source: it is empty"),
        (0, "", "edition: it is empty"),
        (1, "", "code_edition: it is empty"),
        (1, "1994", "2002, 2011, 2017"),
        (2, "", "code: it is empty"),
        (2, "3610", "expected a division"),
        (2, "汽车", "expected a division"),
        (4, "high", 'plot_ratio_min: "high": expected a number'),
        (4, "约0.8", "expected a number"),
        (4, "≤0.8", "expected a number"),
        (4, "0.8亩", "expected a number"),
        (4, "0.8-1.0", "expected a number"),
        (4, "80", "0 to 20"),
        (4, "-0.8", "0 to 20"),
        (4, "0", "every figure reaches a minimum of 0"),
        (4, "1e999", "expected a number"),
        (5, "30", 'building_coefficient_min: "30": expected 0 to 1. Write a share of 30 in a hundred as 0.30 or 30%'),
        (5, "≤40%", "expected a number"),
        (5, "0%", "every figure reaches a minimum of 0"),
        (6, "7", "admin_land_share_max"),
        (6, "≥7%", "expected a number"),
        (7, "15", "admin_floor_share_max"),
        (8, "20", "green_ratio_max"),
    ],
)
def test_rows_that_cannot_be_used_are_refused(tmp_path, place, text, words):
    cells = ROW.split(",")
    cells[place] = text
    with pytest.raises(StandardError, match=re.escape(words)) as caught:
        load_limits(table(tmp_path, ROW.replace(",36,", ",37,"), ",".join(cells)))
    assert "limits.csv: 1 / 2 rows cannot be used. limits.csv, line 3" in caught.value.en
    assert "第" in caught.value.zh or "行不能采用" in caught.value.zh


def test_a_maximum_of_0_is_a_limit(tmp_path):
    limits = load_limits(table(tmp_path, "2023,2017,36,汽车,0.8,,,,0,示例"))
    assert {one.indicator: one.value for one in limits} == {"plot_ratio": 0.8, "green_ratio": 0.0}


def test_all_rows_that_cannot_be_used_are_told_at_once(tmp_path):
    rows = [ROW.replace(",36,", f",{code},").replace("示例文件", "") for code in range(13, 20)]
    with pytest.raises(StandardError, match=r"7 / 7 rows cannot be used.* line 2, .* line 6, .*…$"):
        load_limits(table(tmp_path, *rows))


def test_a_row_without_any_limit_is_refused(tmp_path):
    with pytest.raises(StandardError, match="gives no limit"):
        load_limits(table(tmp_path, "2023,2017,36,汽车,,,,,,示例"))


def test_a_division_that_stands_twice_is_refused_with_both_lines(tmp_path):
    with pytest.raises(StandardError, match=r"1 of 2 entries stand twice: 36 .*line 2\); 36 .*line 4\)"):
        load_limits(table(tmp_path, ROW, ROW.replace(",36,", ",37,"), ROW.replace("0.8", "0.9")))


@pytest.mark.parametrize(
    ("titles", "words"),
    [
        (TITLES.replace("coeff_min", "coef_min"), 'Did you mean "building_coefficient_min"?'),
        (TITLES.replace("far_min", "容积率下限（亩）"), "is not read"),
        (TITLES.replace(",source", ",name_en"), "1 of 4 columns are missing: source"),
        (TITLES.replace("green_max", "容积率"), "entries stand twice: far_min; 容积率"),
    ],
)
def test_columns_that_are_unknown_missing_or_twice_are_refused(tmp_path, titles, words):
    with pytest.raises(StandardError, match=re.escape(words)):
        load_limits(table(tmp_path, ROW, titles=titles))


def test_blank_columns_of_a_spreadsheet_do_no_harm_but_cells_without_title_do(tmp_path):
    assert len(load_limits(table(tmp_path, ROW + ",,", ",,,,,,,,,,,", titles=TITLES + ",,"))) == 4
    with pytest.raises(StandardError, match="11 cells under 10 titles"):
        load_limits(table(tmp_path, ROW + ",第三条"))


def test_a_table_without_rows_is_refused(tmp_path):
    with pytest.raises(StandardError, match="no row below the titles"):
        load_limits(table(tmp_path))


def test_files_that_are_no_table_are_refused(tmp_path):
    with pytest.raises(SourceError):
        load_limits(tmp_path / "absent.csv")
    book = tmp_path / "limits.csv"
    book.write_bytes(b"PAR1" + bytes(range(256)))
    with pytest.raises(SourceError, match="Save it as CSV"):
        load_limits(book)
    book.write_bytes(f"{TITLES}\n{ROW}".encode().replace("示例".encode(), b"\xe9\xff\xfe\x80"))
    with pytest.raises(SourceError, match="Save it as CSV"):
        load_limits(book)


def test_one_damaged_cell_among_many_is_refused_not_replaced(tmp_path):
    rows = [ROW.replace(",36,", f",{code},").replace("示例文件", f"示例文件第{code}页") for code in range(13, 43)]
    path = table(tmp_path, *rows)
    path.write_bytes(path.read_bytes().replace("第20页".encode(), b"\xff\xfe20"))
    with pytest.raises(SourceError, match="Save it as CSV"):
        load_limits(path)


# ---------------------------------------------------------------- sub-regions

SUB_TITLES = "sub_region,inside_parks,code_edition,code,plot_ratio_min,plot_ratio_max,source"
SUB_ROWS = [
    "甲区,,,,1.2,2.5,示例",
    "甲区,是,,,1.5,,示例",
    "甲区,否,,,1.5,2.0,示例",
    "甲区,,2017,39,1.8,,示例",
    "甲区,是,2017,39,2.0,3.0,示例",
    "乙区,,,,1.0,,示例",
]


def sub_regions(folder: Path, *rows: str, titles: str = SUB_TITLES) -> tuple[SubRegion, ...]:
    return load_sub_regions(table(folder, *rows, titles=titles, encoding="gb18030"))


def test_the_most_specific_row_wins(tmp_path):
    rows = sub_regions(tmp_path, *SUB_ROWS)
    found = find_sub_regional("甲区", rows, code="3912", code_edition="2017", inside_parks=True)
    assert (found.plot_ratio_min, found.plot_ratio_max, found.where) == (2.0, 3.0, "limits.csv, line 6")
    assert find_sub_regional("甲区", rows, code="3612", code_edition="2017", inside_parks=True).plot_ratio_min == 1.5
    assert find_sub_regional("甲区", rows, code="36", code_edition="2017", inside_parks=False).plot_ratio_max == 2.0
    assert find_sub_regional("乙区", rows).plot_ratio_min == 1.0
    # the same industry by its code of 2002
    assert find_sub_regional("甲区", rows, code="4061", code_edition="2002", inside_parks=True).plot_ratio_min == 2.0


def test_rows_that_are_equally_specific_are_refused_and_named(tmp_path):
    rows = sub_regions(tmp_path, *SUB_ROWS)
    with pytest.raises(StandardError) as caught:  # outside: a row for the industry and a row for the side
        find_sub_regional("甲区", rows, code="39", code_edition="2017", inside_parks=False)
    for text in (caught.value.en, caught.value.zh):
        assert "limits.csv, line 4" in text
        assert "limits.csv, line 5" in text
        assert "limits.csv, line 2" not in text


@pytest.mark.parametrize(
    "case",
    [
        {"inside_parks": True},  # a row for electronics could win
        {"code": "36", "code_edition": "2017"},  # inside or outside could win
        {"code": "39", "inside_parks": True},  # a code without its edition
    ],
)
def test_what_is_not_known_of_a_case_is_not_guessed(tmp_path, case):
    with pytest.raises(StandardError, match="may fit"):
        find_sub_regional("甲区", sub_regions(tmp_path, *SUB_ROWS), **case)


def test_a_code_that_may_be_the_rows_is_not_guessed(tmp_path):
    rows = sub_regions(tmp_path, "甲区,,,,1.2,,示例", "甲区,,2002,30,1.5,,示例")
    with pytest.raises(StandardError, match="may fit"):  # 29 of 2017 is rubber or plastics
        find_sub_regional("甲区", rows, code="29", code_edition="2017")
    with pytest.raises(StandardError, match="may fit"):  # 43 of 2017 is none for certain
        find_sub_regional("甲区", rows, code="43", code_edition="2017")
    assert find_sub_regional("甲区", rows, code="30", code_edition="2017").plot_ratio_min == 1.2
    assert find_sub_regional("甲区", rows, code="30", code_edition="2002").plot_ratio_min == 1.5


def test_a_sub_region_nobody_knows_or_no_row_fits(tmp_path):
    rows = sub_regions(tmp_path, "甲区北片,是,,,1.2,,示例", "乙区,,,,1.0,,示例")
    with pytest.raises(StandardError, match='Did you mean "甲区北片"'):
        find_sub_regional("甲区北", rows)
    with pytest.raises(StandardError, match="does not fit"):
        find_sub_regional("甲区北片", rows, inside_parks=False)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("甲区,,,,1.2,,", "source: it is empty"),
        (",,,,1.2,,示例", "sub_region: it is empty"),
        ("甲区,maybe,,,1.2,,示例", "expected yes, no or nothing"),
        ("甲区,,,39,1.2,,示例", "code_edition: it is empty"),
        ("甲区,,2017,3912,1.2,,示例", "expected a division"),
        ("甲区,,,,,,示例", "neither minimum nor maximum"),
        ("甲区,,,,2.0,1.5,示例", "2 is above the maximum 1.5"),
        ("甲区,,,,120,,示例", "0 to 20"),
        ("乙区,,,,1.1,,示例", "entries stand twice"),
    ],
)
def test_sub_regional_rows_that_cannot_be_used_are_refused(tmp_path, row, words):
    with pytest.raises(StandardError, match=re.escape(words)):
        sub_regions(tmp_path, "乙区,,,,1.0,,示例", row)


# ---------------------------------------------------------------- land held against limits


def units_of(rows: list[dict], unit: str = "甲") -> pd.DataFrame:
    blank = {"floor": np.nan, "covered": np.nan, "admin": np.nan}
    table = pd.DataFrame([blank | row for row in rows])
    names = {
        "land": "land_area_m2",
        "floor": "floor_area_m2",
        "covered": "covered_area_m2",
        "admin": "admin_land_m2",
    }
    return table.rename(columns=names).assign(unit=unit)


def held(units: pd.DataFrame, indicator: str = "plot_ratio", **options) -> pd.Series:
    found = hold(units, "unit", **options)
    return found[found["indicator"] == indicator].iloc[0]


@pytest.mark.parametrize("case", CASES["held"], ids=lambda one: one["name"])
@pytest.mark.parametrize("indicator", ["plot_ratio", "building_coefficient", "admin_land_share"])
def test_held_by_hand(case, indicator):
    expected, found = case[indicator], held(units_of(case["rows"]), indicator)
    for column in ("value", "limit", "gap"):
        assert found[column] == pytest.approx(worked_out(expected[column]), rel=1e-12, abs=1e-12), column
    assert found["met"] is expected["met"]
    assert found["missing_rows"] == expected["missing_rows"]
    assert found["rows"] == len(case["rows"])
    assert found["land_without_limit_m2"] == worked_out(expected["land_without_limit"])


def test_every_unit_has_every_indicator_in_order_of_appearance():
    rows = [{"code": "39", "code_edition": "2017", "land": 100, "floor": 100, "covered": 40, "admin": 1}]
    found = hold(pd.concat([units_of(rows, "乙"), units_of(rows, "甲"), units_of(rows, "乙")]), "unit")
    assert found["unit"].tolist() == ["乙"] * 3 + ["甲"] * 3
    assert found["indicator"].tolist() == ["plot_ratio", "building_coefficient", "admin_land_share"] * 2
    assert found["rows"].tolist() == [2] * 3 + [1] * 3
    assert found["numerator_m2"].tolist() == [200.0, 80.0, 2.0, 100.0, 40.0, 1.0]
    assert (found["standard"] == "2008").all()


def test_sources_status_and_weighting_are_told():
    rows = [
        {"code": "39", "code_edition": "2017", "land": 100, "floor": 100},
        {"code": "30", "code_edition": "2017", "land": 100, "floor": 100},
    ]
    mixed, alone = held(units_of(rows)), held(units_of(rows[:1]))
    for found in (mixed, alone):
        assert "国土资发〔2008〕24号" in found["source"]
        assert "superseded by the 2023 edition, unverified" in found["note_en"]
        assert "未核实" in found["note_zh"]
    assert "project convention" in mixed["source"]
    assert "project convention" not in alone["source"]
    # one limit for all needs no weighting
    assert "project convention" not in held(units_of(rows), "building_coefficient")["source"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"code": None, "code_edition": "2017"}, "without industry code"),
        ({"code": "39", "code_edition": None}, "without their edition"),
        ({"code": "39", "code_edition": "1994"}, "2002, 2011, 2017"),
        ({"code": "制造业", "code_edition": "2017"}, "no industry code"),
        ({"code": "43", "code_edition": "2017"}, "no certain counterpart"),
        ({"code": "29", "code_edition": "2017"}, "30 塑料制品业"),
        ({"code": "5110", "code_edition": "2002"}, "found 0"),
    ],
)
def test_land_without_limit_is_shown_and_not_judged(row, words):
    found = held(units_of([row | {"land": 1000, "floor": 700}]))
    assert (found["value"], found["met"]) == (0.7, None)
    assert np.isnan(found["limit"])
    assert np.isnan(found["gap"])
    assert (found["missing_rows"], found["land_without_limit_m2"]) == (1, 1000.0)
    assert words in found["note_en"]
    assert re.search(r"[\u4e00-\u9fff]", found["note_zh"])
    assert found["source"] == ""


def test_a_choice_among_several_is_carried_and_told():
    rows = units_of([{"code": "29", "code_edition": "2017", "land": 1000, "floor": 900}])
    assert [held(rows, several=one)["met"] for one in control.SEVERAL] == [None, False, True]
    assert "the strictest of 2 limits" in held(rows, several="strictest")["note_en"]


@pytest.mark.parametrize(("land", "floor"), [(0, 500), (np.nan, 500), (1000, np.nan)])
def test_missing_is_missing_and_no_land_gives_no_ratio(land, floor):
    found = held(units_of([{"code": "39", "code_edition": "2017", "land": land, "floor": floor}]))
    assert np.isnan(found["value"])
    assert np.isnan(found["limit"])
    assert found["met"] is None
    if land != 0:
        assert "rows without floor_area_m2 or land_area_m2" in found["note_en"]
        assert found["missing_rows"] == 1


def test_an_indicator_whose_column_is_not_there_is_missing_not_left_out():
    rows = units_of([{"code": "39", "code_edition": "2017", "land": 1000}])
    found = held(rows.drop(columns="admin_land_m2"), "admin_land_share")
    assert np.isnan(found["value"])
    assert (found["met"], found["missing_rows"]) == (None, 1)
    assert np.isnan(found["numerator_m2"])  # not 0 m² of administrative land
    assert np.isnan(found["denominator_m2"])


@pytest.mark.parametrize(("unknown", "expected"), [(None, None), ([0, 0], False), ([0, 10], True), ([0, np.nan], True)])
def test_floor_area_without_storey_heights_is_as_recorded(unknown, expected):
    row = {"code": "39", "code_edition": "2017", "land": 1000, "floor": 900, "covered": 400}
    rows = units_of([row, row])
    rows = rows if unknown is None else rows.assign(storeys_unknown_m2=unknown)
    found = held(rows)
    assert found["as_recorded"] is expected
    assert ("above 8 m" in found["note_en"]) == ("8 米" in found["note_zh"]) == bool(expected)
    assert held(rows, "building_coefficient")["as_recorded"] is None


def test_share_of_floor_area_takes_floor_area_as_built(tmp_path):
    limits = load_limits(table(tmp_path, ROW))
    rows = units_of([{"code": "36", "code_edition": "2017", "land": 1000, "floor": 2000}])
    rows = rows.assign(admin_floor_area_m2=180.0, total_floor_area_m2=1000.0)
    found = held(rows, "admin_floor_share", limits=limits, edition="2023")
    assert (found["value"], found["limit"], found["met"]) == (180 / 1000, 0.15, False)  # not 180 / 2000


def test_sub_regional_plot_ratios_are_held_beside_the_national_ones(tmp_path):
    rows = sub_regions(tmp_path, *SUB_ROWS)
    parcel = {"code": "36", "code_edition": "2017", "land": 1000}
    units = pd.concat(
        [
            units_of([parcel | {"floor": 2100}], "outside").assign(sub_region="甲区", inside_parks="否"),
            units_of([parcel | {"floor": 1400}], "inside").assign(sub_region="甲区", inside_parks="是"),
            units_of([parcel | {"floor": 1400}], "unknown").assign(sub_region="甲区", inside_parks=None),
            units_of([parcel | {"floor": 1400}], "nowhere").assign(sub_region=None, inside_parks=True),
        ]
    )
    found = hold(units, "unit", sub_regions=rows)
    found = found[found["standard"] == "sub_region"].set_index(["unit", "comparison"])
    assert (found["indicator"] == "plot_ratio").all()
    assert found.loc["outside", "limit"].to_dict() == {"at_least": 1.5, "at_most": 2.0}
    assert found.loc["outside", "met"].to_dict() == {"at_least": True, "at_most": False}
    assert found.loc[("outside", "at_most"), "gap"] == pytest.approx(2.1 - 2.0)
    assert found.loc[("inside", "at_least"), "met"] is False
    assert found.loc[("inside", "at_most"), "met"] is None  # the row for inside sets no maximum
    assert "set no plot_ratio_max" in found.loc[("inside", "at_most"), "note_en"]
    assert "may fit" in found.loc[("unknown", "at_least"), "note_en"]
    assert "without sub-region" in found.loc[("nowhere", "at_least"), "note_en"]
    assert found.loc[("outside", "at_least"), "source"] == "示例 | limits.csv, line 4"


def test_land_may_be_held_against_sub_regions_alone(tmp_path):
    rows = sub_regions(tmp_path, "1,,,,1.2,,示例")
    parcel = {"code": "36", "code_edition": "2017", "land": 1000, "floor": 1100}
    units = units_of([parcel]).assign(sub_region=1.0, inside_parks=None)  # a spreadsheet makes a number of 1
    found = hold(units, "unit", sub_regions=rows, edition=None)
    assert found[["standard", "limit", "met"]].to_numpy().tolist() == [["sub_region", 1.2, False]]
    with pytest.raises(ProjectError, match="Nothing to hold land against"):
        hold(units, "unit", edition=None)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (
            lambda one: one.drop(columns=["code_edition", "code"]),
            SchemaError,
            "2 of 4 columns are missing: code, code_",
        ),
        (lambda one: one.assign(unit=[None, "甲"]), ProjectError, "units.unit: 1 of 2 values are empty"),
        (lambda one: one.assign(land_area_m2=[5.0, -1.0]), ProjectError, "units.land_area_m2: 1 of 2"),
        (lambda one: one.assign(floor_area_m2=[np.inf, 1.0]), ProjectError, "(rows 1)"),
    ],
)
def test_wrong_units_are_refused(change, error, words):
    row = {"code": "39", "code_edition": "2017", "land": 1000, "floor": 900}
    with pytest.raises(error, match=re.escape(words)) as caught:
        hold(change(units_of([row, row])), "unit")
    assert re.search(r"[\u4e00-\u9fff]", caught.value.zh)


def test_wrong_calls_are_refused():
    units = units_of([{"code": "39", "code_edition": "2017", "land": 1000, "floor": 900}])
    with pytest.raises(StandardError, match=r"control\.table"):
        hold(units, "unit", edition="2023")
    with pytest.raises(ProjectError, match="refuse, strictest, mildest"):
        hold(units, "unit", several="all")
    with pytest.raises(SchemaError, match="sub_region, inside_parks"):
        hold(units, "unit", sub_regions=[])
    assert issubclass(SchemaError, ParkwiseError)


def test_no_units_give_an_empty_table_with_its_columns():
    units = units_of([{"code": "39", "code_edition": "2017", "land": 1000, "floor": 900}])
    assert hold(units.iloc[:0], "unit").columns.tolist() == hold(units, "unit").columns.tolist()


# ---------------------------------------------------------------- what always holds

CODES = st.sampled_from(["13", "17", "25", "26", "27", "30", "36", "39", "43", None])
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "unit": st.sampled_from("甲乙丙"),
            "code": CODES,
            "code_edition": st.sampled_from(["2002", "2017"]),
            "land_area_m2": st.integers(1, 10**7),
            "floor_area_m2": st.one_of(st.none(), st.integers(0, 10**7)),
            "covered_area_m2": st.integers(0, 10**7),
            "admin_land_m2": st.integers(0, 10**6),
        }
    ),
    min_size=1,
    max_size=12,
)
AREAS = ["land_area_m2", "floor_area_m2", "covered_area_m2", "admin_land_m2"]


def frame(rows: list[dict]) -> pd.DataFrame:
    return pd.DataFrame(rows).astype(dict.fromkeys(AREAS, "float64"))


@given(ROWS, st.integers(2, 1000))
def test_scaling_all_areas_changes_no_ratio_and_no_verdict(rows, factor):
    units = frame(rows)
    once, scaled = hold(units, "unit"), hold(units.assign(**{one: units[one] * factor for one in AREAS}), "unit")
    same = ["unit", "indicator", "value", "limit", "met", "gap", "missing_rows", "note_en"]
    pd.testing.assert_frame_equal(once[same], scaled[same], check_exact=True)


@given(ROWS, st.randoms(use_true_random=False))
def test_order_of_rows_changes_no_figure(rows, random):
    units = frame(rows)
    order = list(range(len(units)))
    random.shuffle(order)
    columns = ["unit", "indicator", "value", "limit", "met", "gap", "rows", "missing_rows", "land_without_limit_m2"]
    key = ["unit", "indicator"]
    first, second = (
        hold(one, "unit")[columns].sort_values(key, ignore_index=True) for one in (units, units.iloc[order])
    )
    pd.testing.assert_frame_equal(first, second, check_exact=True)


@given(ROWS)
def test_merging_parcels_of_one_industry_is_the_ratio_of_sums(rows):
    units = frame([row | {"floor_area_m2": row["floor_area_m2"] or 0} for row in rows])
    merged = units.groupby(["unit", "code", "code_edition"], dropna=False, sort=False)[AREAS].sum().reset_index()
    columns = ["unit", "indicator", "value", "limit", "met", "gap", "land_without_limit_m2"]
    pd.testing.assert_frame_equal(hold(units, "unit")[columns], hold(merged, "unit")[columns], check_exact=True)


@given(
    st.lists(st.tuples(st.sampled_from(["25", "26", "27", "28", "13"]), st.integers(1, 10**6)), min_size=1, max_size=8)
)
def test_who_reaches_a_limit_exactly_has_met_it_and_a_hundredth_less_has_not(industries):
    tenths = {"25": 5, "26": 6, "27": 7, "28": 8, "13": 10}  # the table, times ten
    land = [10 * area for _, area in industries]
    need = sum(tenths[code] * area for code, area in industries)
    units = pd.DataFrame({"unit": "甲", "code": [code for code, _ in industries], "code_edition": "2002"})
    units = units.assign(land_area_m2=land, floor_area_m2=[float(need)] + [0.0] * (len(land) - 1))
    assert held(units)["met"] is True
    units.loc[0, "floor_area_m2"] = need - 0.01
    assert held(units)["met"] is False
    assert held(units)["gap"] > 0


# ---------------------------------------------------------------- storeys nobody knows the height of


def test_floor_area_of_unknown_storeys_is_summed_by_parcel():
    land = attach(city.parcels(), city.parks(), city.buildings(), area="planar", overlap="split").parcels
    # b1: 2,000 m² × 3 floors, no height; b2: one storey of 9 m; b3: 1,000 m² × (12 ÷ 4) floors by its height alone.
    found = land.set_index("parcel_id")["storeys_unknown_m2"]
    assert found.to_dict() == {"p1": 6000.0, "p2": 0.0, "p3": 3000.0, "p4": 0.0, "h1": 0.0}


def test_a_recorded_floor_area_is_of_unknown_storeys_whole():
    recorded = city.parcels().assign(floor_area_m2=[500.0, None, None, None, None])
    with_buildings = attach(recorded, None, city.buildings(), area="planar").parcels.set_index("parcel_id")
    assert with_buildings["storeys_unknown_m2"][["p1", "p3"]].tolist() == [500.0, 3000.0]
    alone = attach(recorded, area="planar").parcels.set_index("parcel_id")["storeys_unknown_m2"]
    assert (alone["p1"], np.isnan(alone["p3"])) == (500.0, True)
