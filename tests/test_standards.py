"""The law as data: hand tables, worked cases, and every figure against the printed text."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
from datetime import date, timedelta
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo import policy_files, standards
from layers.errors import StandardError

END_2025 = date(2025, 12, 31)
FILES = sorted(
    (one for one in resources.files("geo").joinpath("policy").iterdir() if one.name.endswith(".toml")),
    key=lambda one: one.name,
)
POLICY_FILES = [one for one in FILES if one.name != "indicators.toml"]

# ---------------------------------------------------------------- every file on board


@pytest.mark.parametrize("file", POLICY_FILES, ids=lambda one: one.name)
def test_every_file_loads_and_every_figure_is_sourced(file):
    one = policy_files.load(file)
    assert file.name == f"{one.id}.toml"
    assert one.dated <= one.in_force_from
    assert one.check.on >= one.dated
    assert re.fullmatch("[0-9a-f]{64}", one.check.sha256)
    for clause in one.clauses:
        assert clause.clause
        assert (clause.value is None) == (clause.unit is None) == (clause.comparison == "rule"), clause
        assert clause.value is None or clause.check.on, clause


def test_indicators_of_clauses_are_in_the_catalogue():
    catalogue = resources.files("geo").joinpath("policy/indicators.toml")
    if not catalogue.is_file():
        pytest.skip("the catalogue of indicators is not there")
    text = catalogue.read_text(encoding="utf-8")
    asked = {
        clause.indicator
        for one in map(standards.policy, standards.policies())
        for clause in one.clauses
        if clause.measured
    }
    assert asked
    assert not {indicator for indicator in asked if not re.search(rf"\b{indicator}\b", text)}


# ---------------------------------------------------------------- hangzhou-2023, read by hand

# id -> (the words that stand in the clause, the figure worked out from them by hand in base units)
PRINTED = {
    "H1": ("规上企业总产值达到3万亿元", 3 * 10_000 * 100_000_000),
    "H2": ("主导产业占比提高到60%以上", 60 / 100),
    "H3": ("占生产总值比重3.8%以上", 3.8 / 100),
    "H4": ("平均税收达到40万元/亩以上", 40 * 10_000 / (2000 / 3)),
    "H5": ("固定资产投资年均增长10%以上", 10 / 100),
    "H6a": ("形成3个千亿级", 3),
    "H6b": ("2个万亿级产业集群", 2),
    "H10": ("打造6个省高能级战略平台", 6),
    "H12": ("聚焦1—2个主导产业", (1, 2)),
    "H14": ("新增市场主体数量年均增长10%左右", 10 / 100),
    "H15": ("规上工业企业5500家以上", 5500),
    "H16": ("各特色产业平台主导产业占比增长20%以上", 20 / 100),
    "H19": ("实现省级以上科创平台全覆盖", 1),
    "H20": ("累计引进培育高层次人才3000名", 3000),
    "H21a": ("培育国家高新技术企业超6000家", 6000),
    "H21b": ("科技型中小企业1.2万家", 1.2 * 10_000),
    "H22": ("实现双创孵化载体全覆盖", 1),
    "H28b": ("不再新增零星工业用地", 0),
    "H30": ("集聚度达到70%以上", 70 / 100),
    "H31": ("每年新增标准厂房400万平方米以上", 400 * 10_000),
    "H32": ("整治低效工业用地1万亩以上", 10_000 * 2000 / 3),
    "H39": ("全部获得省绿色低碳工业园区认定", 1),
    "H40a": ("高等级样板园区10个", 10),
    "H40b": ("高能级“赋能工场”10个", 10),
    "H40c": ("高标准“智造工场”30个", 30),
    "H41a": ("全部完成市场化改革", 1),
    "H41b": ("信用评级全部达到AA级", 1),
    "H41d": ("企业债发行量累计新增100亿元以上", 100 * 100_000_000),
}
FACTOR = {
    "1": 1,
    "person": 1,
    "m2": 1,
    "mu": 2000 / 3,
    "wm2": 10_000,
    "ycny": 100_000_000,
    "wcny/mu": 10_000 / (2000 / 3),
}


def hangzhou() -> dict[str, standards.Clause]:
    return {clause.id: clause for clause in standards.policy("hangzhou-2023").clauses}


def test_every_figure_has_its_printed_words_and_no_other():
    assert {key for key, clause in hangzhou().items() if clause.value is not None} == set(PRINTED)


@pytest.mark.parametrize("key", PRINTED)
def test_figure_is_the_printed_one(key):
    clause = hangzhou()[key]
    expected = PRINTED[key][1]
    ends = clause.value if isinstance(clause.value, tuple) else (clause.value,)
    wanted = expected if isinstance(expected, tuple) else (expected,)
    assert [value * FACTOR[clause.unit] for value in ends] == pytest.approx(wanted, rel=1e-12)


@pytest.fixture
def printed(shared_data: Path) -> str:
    return _text(shared_data)


def _text(shared_data: Path) -> str:
    file = shared_data.parent / "policies" / standards.policy("hangzhou-2023").check.against
    if not file.is_file():
        pytest.skip(f"the text of the policy is not there: {file.name}")
    return file.read_text(encoding="utf-8")


def paragraph(text: str, clause: str) -> str:
    """Return the paragraph that opens with the clause number, brackets as printed."""
    found = [line for line in text.splitlines() if line.startswith(clause)]
    assert len(found) == 1, f"{clause}: {len(found)} paragraphs open with it"
    return found[0]


@pytest.mark.real_data
def test_text_is_the_one_the_entries_were_checked_against(printed):
    assert hashlib.sha256(printed.encode()).hexdigest() == standards.policy("hangzhou-2023").check.sha256


@pytest.mark.real_data
def test_words_of_every_figure_stand_in_the_clause_cited(printed):
    for key, clause in hangzhou().items():
        line = paragraph(printed, clause.clause)
        if key in PRINTED:
            assert PRINTED[key][0] in line, key
        assert clause.wording is None or clause.wording in line, key
        if clause.year is not None:
            assert f"到{clause.year}年" in line, key


@pytest.mark.real_data
def test_every_number_with_a_unit_in_the_clause_on_land_has_an_entry(printed):
    numbers = re.findall(r"\d+%|\d+万平方米|\d+万亩", paragraph(printed, "（十）"))
    assert numbers == ["70%", "400万平方米", "1万亩"]
    entries = [PRINTED[clause.id][0] for clause in hangzhou().values() if clause.clause == "（十）" and clause.value]
    assert all(any(number in words for words in entries) for number in numbers)


@pytest.mark.real_data
def test_descriptions_are_our_own_words(printed):
    for key, clause in hangzhou().items():
        for start in range(len(clause.description_zh) - 11):
            assert clause.description_zh[start : start + 12] not in printed, key


@pytest.mark.real_data
def test_head_is_printed_in_the_text(printed):
    one = standards.policy("hangzhou-2023")
    begin, dated = one.in_force_from, one.dated
    assert one.title in printed
    assert one.number in printed
    assert f"自{begin.year}年{begin.month}月{begin.day}日起施行" in printed
    assert f"{dated.year}年{dated.month}月{dated.day}日" in printed.splitlines()


# ---------------------------------------------------------------- questions


@pytest.mark.parametrize(
    ("indicator", "value", "unit", "clause", "scope"),
    [
        ("industrial_concentration", 0.7, "1", "（十）", "city"),
        ("tax_per_mu", 40, "wcny/mu", "（二）", "city_zones"),
        ("leading_industry_share", 0.6, "1", "（二）", "city_zones"),
        ("renewed_low_efficiency_land", 10_000, "mu", "（十）", "city"),
        ("zones_with_incubator_share", 1.0, "1", "(八)", "city_zones"),
    ],
)
def test_find_gives_the_one_clause(indicator, value, unit, clause, scope):
    found = standards.find(indicator, on=END_2025, region="浙江省杭州市", policies=["hangzhou-2023"])
    assert (found.value, found.unit, found.clause, found.scope) == (value, unit, clause, scope)


def test_a_policy_holds_from_its_first_day_to_the_day_before_its_repeal():
    first, last = date(2023, 3, 3), date(2026, 6, 30)
    one = dataclasses.replace(standards.policy("hangzhou-2023"), repealed_on=last + timedelta(days=1))
    days = [first - timedelta(days=1), first, last, last + timedelta(days=1)]
    assert [one.in_force(day) for day in days] == [False, True, True, False]
    assert standards.policy("hangzhou-2023").in_force(date(2100, 1, 1))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            {"indicator": "industrial_concentration", "on": date(2023, 3, 2)},
            "H30 at_least 0.7 (not in force on 2023-03-02)",
        ),
        (
            {"indicator": "industrial_concentration", "on": END_2025, "region": "江苏省苏州市"},
            "holds in 浙江省杭州市 only",
        ),
        ({"indicator": "tax_per_mu", "on": END_2025, "level": "zone"}, "binds city_zones, not zone"),
        ({"indicator": "plot_ratio", "on": END_2025}, "H25a rule None (gives no figure)"),
        ({"indicator": "tax_per_muu", "on": END_2025}, 'did you mean "tax_per_mu"'),
        ({"indicator": "tax_per_mu", "on": END_2025, "policies": ["hangzhou-2032"]}, 'Did you mean "hangzhou-2023"?'),
        ({"indicator": "tax_per_mu", "on": END_2025, "policies": []}, "0 clauses fit"),
        ({"indicator": "tax_per_mu", "on": END_2025, "policies": ["hangzhou-2023"] * 2}, "2 clauses fit"),
    ],
)
def test_find_tells_what_it_saw(asked, told):
    with pytest.raises(StandardError, match=re.escape(told)):
        standards.find(**asked)


def test_unknown_policy_names_the_nearest_and_all():
    with pytest.raises(StandardError) as caught:
        standards.policy("hangzou-2023")
    for text in (caught.value.en, caught.value.zh):
        assert text.count("hangzhou-2023") == 2
    assert caught.value.exit_code == 2


def test_regions_are_full_names_from_the_province_down():
    one = standards.policy("hangzhou-2023")
    assert [one.covers(name) for name in ("浙江省杭州市", "杭州市", "浙江省杭州市西湖区", "浙江省", "嘉兴市")] == [
        True,
        True,
        True,
        False,
        False,
    ]


# ---------------------------------------------------------------- targets and gaps


def test_targets_have_the_shape_of_results_json():
    found = standards.targets("industrial_concentration", "city", END_2025, ["hangzhou-2023"], 0.5)
    assert len(found) == 1
    gap = found[0].pop("gap")
    assert gap == pytest.approx(0.2)
    assert found[0] == {
        "policy": "hangzhou-2023",
        "clause": "（十）",
        "at_least": 0.7,
        "year": 2025,
        "unit": "1",
        "scope": "city",
        "binding": True,
        "wording": "以上",
        "met": False,
    }
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("indicator", "level", "expected"),
    [
        ("industrial_concentration", "city", [True]),
        ("industrial_concentration", "zone", []),  # a zone's share of the city's land is not held against 70 %
        ("tax_per_mu", "zones", [True]),
        ("tax_per_mu", "city", [False]),  # the clause binds the zones together, not the firms outside them
        ("tax_per_mu", "zone", [False]),  # shown for comparison: the clause binds the zones together
        ("tax_per_mu", "park", [False]),
        ("tax_per_mu", "district", []),
        ("tax_per_mu", "enterprise", []),
        ("plot_ratio", "park", []),  # a rule without a figure is no target
        ("green_ratio", "city", []),
    ],
)
def test_targets_by_level(indicator, level, expected):
    found = standards.targets(indicator, level, END_2025, ["hangzhou-2023"])
    assert [one["binding"] for one in found] == expected
    assert all(one["met"] is None and one["gap"] is None for one in found)


def test_a_policy_not_in_force_sets_no_target():
    assert standards.targets("tax_per_mu", "city", date(2023, 3, 2), ["hangzhou-2023"], 50.0) == []
    assert standards.targets("tax_per_mu", "city", date(2023, 3, 3), ["hangzhou-2023"], 50.0)[0]["unit"] == "万元/亩"
    assert standards.targets("tax_per_mu", "city", END_2025, [], 50.0) == []


def test_an_unknown_policy_is_not_passed_over():
    with pytest.raises(StandardError):
        standards.targets("tax_per_mu", "city", END_2025, ["zhejiang-1999"])


@pytest.mark.parametrize(
    ("comparison", "figure", "value", "met", "gap"),
    [
        ("at_least", 40.0, 40.0, True, 0.0),
        ("at_least", 40.0, 39.999999, False, 0.000001),  # full values: what would round to 40 has not reached it
        ("at_least", 40.0, 52.0, True, -12.0),
        ("more_than", 6000, 6000, False, 0),
        ("more_than", 6000, 6001, True, -1),
        ("at_most", 0.0, 0.0, True, 0.0),
        ("at_most", 0.0, 15.0, False, 15.0),
        ("equals", 1.0, 1.0, True, 0.0),
        ("equals", 1.0, 0.9, False, 0.1),
        ("about", 0.10, 0.08, None, 0.02),
        ("between", (1, 2), 1, True, 0),
        ("between", (1, 2), 3, False, 1),
        ("between", (1, 2), 0, False, 1),
        ("rule", None, 3.0, None, None),
        ("at_least", 40.0, None, None, None),
        ("at_least", 40.0, math.nan, None, None),
    ],
)
def test_against(comparison, figure, value, met, gap):
    clause = dataclasses.replace(hangzhou()["H4"], comparison=comparison, value=figure)
    held = standards.against(value, clause)
    assert held["met"] is met
    assert held["gap"] == (None if gap is None else pytest.approx(gap, abs=1e-12))


@given(
    value=st.floats(-1e9, 1e9),
    figure=st.floats(-1e9, 1e9),
    comparison=st.sampled_from(["at_least", "at_most", "equals"]),
)
def test_met_means_no_gap(value, figure, comparison):
    clause = dataclasses.replace(hangzhou()["H4"], comparison=comparison, value=figure)
    held = standards.against(value, clause)
    nothing_lacks = held["gap"] == 0 if comparison == "equals" else held["gap"] <= 0
    assert held["met"] == nothing_lacks


# ---------------------------------------------------------------- the document people print


def test_to_json_is_the_document_of_the_contract():
    shown = standards.to_json(standards.policy("hangzhou-2023"))
    assert json.loads(json.dumps(shown, ensure_ascii=False, allow_nan=False)) == shown
    assert (shown["number"], shown["in_force_from"], shown["repealed_on"]) == ("杭政函〔2023〕13号", "2023-03-03", None)
    asked = {
        "clause",
        "indicator",
        "comparison",
        "value",
        "unit",
        "year",
        "scope",
        "description_zh",
        "description_en",
        "open",
    }
    assert all(asked <= set(clause) for clause in shown["clauses"])
    by_indicator = {clause["indicator"]: clause for clause in shown["clauses"] if clause["measured"]}
    assert by_indicator["tax_per_mu"]["unit"] == "万元/亩"
    assert by_indicator["tax_per_mu"]["unit_id"] == "wcny/mu"
    assert len(by_indicator["tax_per_mu"]["open"]) == 2
    assert by_indicator["industrial_concentration"]["value"] == 0.7


def test_what_the_text_leaves_open_is_told_with_its_reading():
    opened = {key: [one.assumed for one in clause.open] for key, clause in hangzhou().items() if clause.open}
    assert {"H2", "H4", "H16", "H30", "H32"} <= set(opened)
    assert opened["H32"] == ["annual"]
    assert hangzhou()["H16"].open[0].reading("zh").startswith("相对")
    assert hangzhou()["H16"].open[0].reading("en").startswith("relative")


# ---------------------------------------------------------------- a file that is not fully sourced is refused

GOOD = """
id = "test-1"
title = "试"
title_en = "Test"
issuer = "市"
region = "省市"
dated = 2020-01-01
in_force_from = 2020-02-01
status_zh = "有效"
status_en = "in force"
source = "made for the test"
check = { on = 2026-01-01, against = "t.txt", sha256 = "00" }

[[clause]]
id = "T1"
clause = "一"
indicator = "tax_per_mu"
comparison = "at_least"
value = 10
unit = "wcny/mu"
scope = "city"
description_zh = "下限"
description_en = "limit"

[[clause.open]]
question_zh = "何？"
question_en = "What?"
assumed = "a"
options = { a = { zh = "甲", en = "A" } }
"""


def test_the_good_file_loads(tmp_path):
    file = tmp_path / "test-1.toml"
    file.write_text(GOOD, encoding="utf-8")
    assert policy_files.load(file).clauses[0].value == 10


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('unit = "wcny/mu"\n', "", "a figure and its unit go together"),
        ("value = 10\n", "", '"value" is None'),
        ('unit = "wcny/mu"', 'unit = "wcny/furlong"', "furlong"),
        ('clause = "一"\n', "", '"clause" is missing'),
        ('clause = "一"', 'clause = ""', "\"clause\" is ''"),
        ("on = 2026-01-01, ", "", '"on" is missing'),
        ("check = { on", 'check = "2026" #', "\"check\" is '2026'"),
        ("value = 10", 'value = "10"', "expected int or float or list"),
        ("value = 10", "value = [2, 1]", "does not go with"),
        ('comparison = "at_least"', 'comparison = "rule"', "does not go with"),
        ('comparison = "at_least"', 'comparison = "minimum"', "expected one of at_least"),
        ('scope = "city"', 'scope = "moon"', "expected one of city"),
        ('indicator = "tax_per_mu"', "", 'either "indicator" or "statistic"'),
        ('scope = "city"', 'scope = "city"\nstatistic = "x"', 'either "indicator" or "statistic"'),
        ('scope = "city"', 'scope = "city"\nyeer = 2025', 'unknown key "yeer"; nearest: year'),
        ('assumed = "a"', 'assumed = "b"', "expected one of a"),
        ('en = "A"', 'fr = "A"', 'unknown key "fr"'),
        ("[[clause]]", "[[clause]", "no valid TOML"),
        ("dated = 2020-01-01", 'dated = "2020"', "expected date"),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path, old, new, told):
    assert old in GOOD
    file = tmp_path / "broken.toml"
    file.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(StandardError, match=re.escape(told)) as caught:
        policy_files.load(file)
    assert "broken.toml" in caught.value.en


def test_two_clauses_may_not_share_an_id(tmp_path):
    file = tmp_path / "twice.toml"
    file.write_text(GOOD + GOOD[GOOD.index("[[clause]]") : GOOD.index("[[clause.open]]")], encoding="utf-8")
    with pytest.raises(StandardError, match="not unique"):
        policy_files.load(file)
