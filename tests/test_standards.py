"""The law as data: hand tables, worked cases, and every figure against the printed text."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from datetime import date, timedelta
from importlib import resources

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
    assert one.dated is None or one.dated <= one.in_force_from
    assert one.dated is None or one.check.on >= one.dated
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


def hangzhou() -> dict[str, standards.Clause]:
    return {clause.id: clause for clause in standards.policy("hangzhou-2023").clauses}


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
        "clause_id": "H30",
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


def kinds(levels, types) -> standards.Kinds:
    return standards.Kinds(frozenset(levels), frozenset(types))


@pytest.mark.parametrize(
    ("of", "binding"),
    [
        (None, False),  # nobody knows what kind of zone it is
        (kinds(["national"], ["高新技术产业开发区"]), True),
        (kinds(["provincial"], ["省级高新技术产业园区"]), True),
        (kinds(["national"], ["经济技术开发区"]), False),
        (kinds(["national"], ["高新技术产业开发区", None]), False),  # one of the zone's parks is of no known kind
    ],
)
def test_a_document_on_high_tech_zones_binds_those_only(of, binding):
    found = standards.targets("leading_industry_count", "zone", END_2025, ["zhejiang-2021"], 2, of)
    assert [(one["at_most"], one["binding"], one["met"]) for one in found] == [(3, binding, True)]


def test_a_clause_on_national_zones_is_not_shown_beside_provincial_ones():
    day = date(2015, 12, 31)

    def asked(of):
        return [
            one["at_least"] for one in standards.targets("output_per_km2", "zone", day, ["zhejiang-2012"], 60.0, of)
        ]

    high_tech = ["高新技术产业园区"]
    assert asked(kinds(["national"], high_tech)) == [100]
    assert asked(kinds(["provincial"], high_tech)) == [50]
    assert asked(kinds([None], high_tech)) == [100, 50]  # unknown: both, for comparison
    shown = standards.targets("output_per_km2", "zone", day, ["zhejiang-2012"], 60.0, kinds([None], high_tech))
    assert [one["binding"] for one in shown] == [False, False]


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
binds_zh = "各区"
binds_en = "all"
source = "made for the test"
check = { on = 2026-01-01, against = "t.txt", sha256 = "00" }

[[chapter]]
number = "一"
title_zh = "总则"
title_en = "General"

[[clause]]
id = "T1"
chapter = "一"
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

VERDICT = """
[clause.verdict]
kind = "funding"
levels = ["provincial"]
ranking = "province"
best = 5

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
        ('\nclause = "一"\n', "\n", '"clause" is missing'),
        ('\nclause = "一"', '\nclause = ""', "\"clause\" is ''"),
        ("on = 2026-01-01, ", "", '"on" is missing'),
        ("check = { on", 'check = "2026" #', "\"check\" is '2026'"),
        ("value = 10", 'value = "10"', "expected int or float or list"),
        ("value = 10", "value = [2, 1]", "does not go with"),
        ('comparison = "at_least"', 'comparison = "rule"', "does not go with"),
        ('comparison = "at_least"', 'comparison = "minimum"', "expected one of at_least"),
        ('scope = "city"', 'scope = "moon"', "expected one of city"),
        ('indicator = "tax_per_mu"', "", 'either "indicator" or "statistic"'),
        (
            'indicator = "tax_per_mu"',
            'indicator = "tax_per_muu"',
            'unknown indicator "tax_per_muu"; nearest: tax_per_mu',
        ),
        ('indicator = "tax_per_mu"', 'statistic = "technology_sme"', "nearest: technology_smes"),
        ('unit = "wcny/mu"', 'unit = "wcny"', '"unit": "wcny" cannot become "wcny/mu"'),
        ('chapter = "一"', 'chapter = "九"', 'there is no chapter "九"'),
        ('scope = "city"', 'scope = "zone"\nzone_levels = ["county"]', "expected one of national"),
        (
            "[[clause.open]]",
            VERDICT.replace("best = 5", "best = 5\nworst = 3") + "[[clause.open]]",
            "found best, worst",
        ),
        ("[[clause.open]]", VERDICT.replace("best = 5", "") + "[[clause.open]]", "found none"),
        ("[[clause.open]]", VERDICT.replace("funding", "gift") + "[[clause.open]]", "expected one of commendation"),
        ("[[clause.open]]", VERDICT.replace("best = 5", 'best = "5"') + "[[clause.open]]", "expected int"),
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
