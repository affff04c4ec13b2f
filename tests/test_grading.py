"""Grading of firms: the published formula by hand, every refusal, ties, shares, caps, needs, parcels, years."""

from __future__ import annotations

import copy
import dataclasses
import math
import re
import time
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import hand_city as city
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.firms import MEASURES, attach_firms
from geo.grading.class_tables import read_classes
from geo.grading.classes import ranks
from geo.grading.grades import firms_to_grade, grade, grade_years
from geo.grading.reader import read_rules
from geo.grading.scores import score_units
from geo.grading.sets import load_rules, rule_sets, rules_for, rules_from_project, with_classes
from geo.indicators import catalogue, measure, scopes, tally
from geo.land import attach
from geo.rating_results import rating_results
from geo.ratings import Ratings
from geo.report.xlsx_ratings import rating_tables
from layers.errors import ProjectError, SourceError, StandardError

CASES = Path(__file__).parent / "cases"
ABOVE_BELOW = [{"grade": "A", "score_at_least": 90}, {"grade": "B", "score_at_least": 60}, {"grade": "C"}]
TAX = {"tax_per_mu": {"weight": 100, "benchmark": 1}}
NEW = {"column": "new", "title_zh": "新办", "title_en": "new"}


def cases(name, table):
    return tomllib.loads((CASES / f"{name}.toml").read_text("utf-8"))[table]


def worked(arithmetic):
    """Evaluate arithmetic a person wrote: digits and operators only."""
    assert re.fullmatch(r"[\d\s.+\-*/()_]+", arithmetic), arithmetic
    return eval(arithmetic, {"__builtins__": {}})  # noqa: S307 - digits and operators, held by the line above


def table(rows):
    """Firms as `Firms.firms` has them: what a row does not name is missing."""
    named = [{"firm_id": f"F{row}", "firm_name": f"{row}厂", "scale": "above"} | one for row, one in enumerate(rows)]
    frame = pd.DataFrame(named)
    for column in MEASURES:
        frame[column] = frame.get(column, pd.Series(np.nan, index=frame.index)).astype("float64")
    return frame.astype({"firm_id": "string", "firm_name": "string", "scale": "string"})


def scoring(*scores, **columns):
    """Firms on 3 mu each (2,000 m²) with as much tax as makes these scores under `TAX`: score = 万元/亩 × 100."""
    rows = [{"land_used_m2": 2000.0, "tax_cny": score / 100 * 3 * 10_000} for score in scores]
    return table(rows).assign(**columns)


def grades_of(answer):
    return answer.table["grade"].fillna("—").tolist()


def shares(*pairs):
    return [{"grade": name, "share_up_to": share} for name, share in pairs]


def ruled(classes=None, **group):
    """A rule set of one group of all firms, scored by tax per mu; `group` adds keys to the group."""
    return {
        "id": "mine", "title_zh": "规则", "title_en": "rules", "kind": "project",
        "status_zh": "试", "status_en": "trial",
        "source": {"page": "test", "confidence": "test"},
        "group": [{
            "id": "all", "title_zh": "全部", "title_en": "all", "who": {},
            "indicator": [{"indicator": "tax_per_mu", "weight": 100, "benchmark": 1, "unit": "万元/亩"}],
            **({"class": classes} if classes else {}), **group,
        }],
    }  # fmt: skip


def rules(classes=None, **group):
    return read_rules(ruled(classes, **group), "mine.toml")


# ---------------------------------------------------------------- the published examples


@pytest.mark.parametrize("case", cases("grading-huangyan", "case"), ids=lambda case: case["name"])
def test_huangyan_by_hand(case):
    answer = grade(table([case["firm"]]), load_rules(case["rules"]))
    score = answer.table["score"][0]
    assert math.isclose(score, worked(case["expected"]["score"]), rel_tol=1e-11)
    parts = answer.contributions.set_index("indicator")["score"]
    for name, arithmetic in case["expected"].items():
        if name != "score":
            assert math.isclose(parts[name], worked(arithmetic), rel_tol=1e-12), name
    assert math.isclose(parts.sum(), score, rel_tol=1e-9)


@pytest.mark.parametrize("entry", cases("grading-published", "rules"), ids=lambda entry: entry["id"])
def test_huangyan_as_printed(entry):
    found = load_rules(entry["id"])
    for group in found.groups:
        assert [[one.indicator, one.weight, one.benchmark] for one in group.criteria] == entry[group.id]
        assert [one.indicator for one in group.criteria if one.missing != "refuse"] == (
            ["value_added_per_emission"] if group.id == "above" else []
        )
        assert {(one.cap_multiple, one.floor) for one in group.criteria} == {(None, None)}
        assert group.classes == ()
    assert (found.kind, found.confidence) == ("official-example", "verified")
    assert "示例" in found.status_zh
    assert "example" in found.status_en


def huangyan_firm(**changed):
    return cases("grading-huangyan", "case")[0]["firm"] | changed


def test_a_firm_without_emissions_has_the_mean_score_of_the_others():
    # The others: 4,800 万元 ÷ 1.2 t, ÷ 0.6 t and ÷ 0.48 t, each over 4929.81 × 10 points.
    emitted = [1.2, 0.6, None, 0.48]
    firms = table([huangyan_firm(emissions_t=tonnes) for tonnes in emitted])
    answer = grade(firms, load_rules("huangyan-2022"))
    third = answer.contributions[
        (answer.contributions["firm_id"] == "F2") & (answer.contributions["indicator"] == "value_added_per_emission")
    ].iloc[0]
    assert math.isclose(third["score"], (4000 + 8000 + 10_000) / 4929.81 * 10 / 3, rel_tol=1e-12)
    assert third["missing"] == "mean"
    assert math.isnan(third["value"])
    assert any("Value added per emission is missing for 1 of 4: the mean score" in note.en for note in answer.told)


def test_huangyan_gives_scores_and_ranks_but_no_grades():
    answer = grade(table([huangyan_firm(), huangyan_firm(tax_cny=10_000_000.0)]), load_rules("huangyan-2022"), 2022)
    assert answer.table["rank"].tolist() == [2, 1]
    assert answer.table["grade"].isna().all()
    assert answer.table["reason"].tolist() == ["no_classes", "no_classes"]
    assert len(answer.needs) == 0
    assert any("规则没有等级划分" in note.zh for note in answer.told)
    classed = with_classes(load_rules("huangyan-2022"), ABOVE_BELOW)
    assert grades_of(grade(table([huangyan_firm()]), classed, 2022)) == ["A"]  # 103.9 points


def test_benchmarks_of_another_year_are_told():
    one = load_rules("huangyan-2021")
    firms = table([huangyan_firm()])
    assert not any("benchmarks change" in note.en for note in grade(firms, one, 2021).told)
    assert any("data of 2021, the firms are of 2022" in note.en for note in grade(firms, one, 2022).told)


# ---------------------------------------------------------------- one definition of every value


def test_values_are_those_of_the_catalogue_to_the_last_bit():
    land = attach(city.parcels(), city.parks(), None, city.districts(), area="planar", overlap="split")
    firms = attach_firms(city.enterprises(), land, city.holdings())
    levels = ("enterprise",)
    figures = measure(tally(land, firms, levels), scopes(land, firms, "city", levels))
    mine = {name for name, one in catalogue().items() if one.table == "firms"}
    expected = figures[figures["id"].isin(mine)].set_index(["scope_id", "id"])["value"].dropna()
    assert len(expected) > 8
    weights = {name: {"weight": 100 / len(mine), "benchmark": 1, "missing": "zero"} for name in mine}
    answer = grade(firms.firms.assign(scale="above"), rules_from_project({"above": weights}))
    values = answer.contributions.set_index(["firm_id", "indicator"])["value"]
    for key, value in expected.items():
        assert values[key] == value, key


def test_land_used_is_registered_less_leased_out_plus_leased_in():
    # 5,000 − 4,000 + 1,000 m² = 2,000 m² = 3 mu; 6 万元 ÷ 3 mu = 2 万元/亩, twice the benchmark.
    enterprises = pd.DataFrame(
        {"enterprise_code": ["F"], "scale": ["above"], "tax_cny": [60_000.0], "land_registered_m2": [5000.0],
         "land_leased_out_m2": [4000.0], "land_leased_in_m2": [1000.0]}
    )  # fmt: skip
    answer = grade(attach_firms(enterprises).firms, rules_from_project({"above": TAX}))
    assert answer.table["score"].tolist() == [200.0]


# ---------------------------------------------------------------- refusals


def mutated(change):
    found = ruled(ABOVE_BELOW)
    change(found, found["group"][0], found["group"][0]["indicator"][0])
    return found


def two_of(weight, other):
    return [
        {"indicator": "tax_per_mu", "weight": weight, "benchmark": 1, "unit": "wcny/mu"},
        {"indicator": "rd_share", "weight": other, "benchmark": 3, "unit": "%"},
    ]


REFUSED = {
    "an unknown key": (lambda f, g, i: f.update(titel="x"), ['unknown key "titel"', "title_zh"]),
    "no source": (lambda f, g, i: f.pop("source"), ['"source" is missing']),
    "an unknown kind": (lambda f, g, i: f.update(kind="official"), ["official-example"]),
    "an example without place": (lambda f, g, i: f.update(kind="official-example"), ['"place" is missing']),
    "an unknown indicator": (
        lambda f, g, i: i.update(indicator="tax_pr_mu"), ["nearest: tax_per_mu", "group.all.tax_pr_mu"]),
    "an indicator of land": (lambda f, g, i: i.update(indicator="plot_ratio"), ["no indicator of firms"]),
    "no unit": (lambda f, g, i: i.pop("unit"), ["no unit", "wcny/mu"]),
    "another unit": (lambda f, g, i: i.update(unit="tce"), ["cannot become", "group.all.tax_per_mu"]),
    "an unknown unit": (lambda f, g, i: i.update(unit="wcny/my"), ["is not known"]),
    "no benchmark": (lambda f, g, i: i.pop("benchmark"), ["benchmark is missing"]),
    "a benchmark of 0": (lambda f, g, i: i.update(benchmark=0), ['a number above 0, or "best"']),
    "a benchmark in words": (lambda f, g, i: i.update(benchmark="bets"), ['a number above 0, or "best"']),
    "a weight that is none": (lambda f, g, i: i.update(weight=math.nan), ['"weight" is nan']),
    "a weight below 0": (lambda f, g, i: i.update(weight=-100), ["above 0"]),
    "true for a number": (lambda f, g, i: i.update(weight=True), ['"weight" is True']),
    "weights below 100": (
        lambda f, g, i: g.update(indicator=two_of(60, 30)), ["sum to 90", "tax_per_mu 60 + rd_share 30"]),
    "weights above 100": (lambda f, g, i: g.update(indicator=two_of(60, 50)), ["sum to 110", "group.all"]),
    "an indicator twice": (lambda f, g, i: g.update(indicator=[i | {"weight": 50}] * 2), ["stands twice: tax_per_mu"]),
    "a group twice": (lambda f, g, i: f.update(group=[g, g]), ["stands twice: all"]),
    "groups that are no tables": (lambda f, g, i: f.update(group=["above"]), ["expected a table"]),
    "points without points": (lambda f, g, i: i.update(missing="points"), ["go together"]),
    "points for nothing": (lambda f, g, i: i.update(missing_points=3), ["go together"]),
    "an unknown policy": (lambda f, g, i: i.update(missing="meen"), ["nearest: mean"]),
    "less without a cap": (lambda f, g, i: i.update(direction="less"), ["needs cap_multiple"]),
    "a floor above the cap": (lambda f, g, i: i.update(cap_multiple=1, floor=120), ["floor 120 is above the cap 100"]),
    "an unknown method": (lambda f, g, i: g.update(method="parcels"), ["nearest: parcel"]),
    "tenants by parcel": (
        lambda f, g, i: g.update(method="parcel", tenants_follow_owner=True), ['method = "enterprise"']),
    "a scale of its own": (lambda f, g, i: g.update(who={"scale": "big"}), ["above, below"]),
    "land that ends before it begins": (
        lambda f, g, i: g.update(who={"land_at_least_mu": 3, "land_below_mu": 3}), ["is not below"]),
    "a veto on no grade": (
        lambda f, g, i: g.update(veto=[{"column": "v", "grade_at_most": "D", "title_zh": "否", "title_en": "veto"}]),
        ["grade_at_most"]),
    "a factor of 0": (lambda f, g, i: g.update(factor=0), ["above 0"]),
    "an unknown rule for ties": (lambda f, g, i: g.update(ties="best"), ["better, worse"]),
    "a year nobody has": (lambda f, g, i: f.update(data_year=20222), ["data_year is 20222", "1949 to 2199"]),
    "a time where a day is meant": (
        lambda f, g, i: f.update(valid_from=datetime(2022, 1, 1, 8, tzinfo=UTC)), ["valid_from", "without a time"]),
    "an age of thousands of years": (
        lambda f, g, i: g.update(exemption=[NEW | {"less_than_years": 5000}]),
        ["less_than_years", "is 5000", "100 years"]),
    "an age of less than a month": (
        lambda f, g, i: g.update(exemption=[NEW | {"less_than_years": 0.01}]),
        ["less_than_years", "is 0.01"]),
    "decimals that no score has": (lambda f, g, i: g.update(decimals=10), ["decimals", "is 10", "0 to 9"]),
    "a class finer than scores": (
        lambda f, g, i: g.update({"class": [{"grade": "A", "score_at_least": 89.995}, {"grade": "B"}]}),
        ["class A", "89.995", "more than 2 decimals"]),
    "weights a little above 100": (
        lambda f, g, i: g.update(indicator=two_of(60, 40.0002)), ["sum to 100.0002", "rd_share 40.0002"]),
    "valid backwards": (
        lambda f, g, i: f.update(valid_from=date(2023, 1, 1), valid_to=date(2022, 1, 1)), ["before valid_from"]),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_rule_file_is_refused_for(what):
    change, words = REFUSED[what]
    with pytest.raises(StandardError) as caught:
        read_rules(mutated(change), "mine.toml")
    assert "mine.toml" in caught.value.en
    for word in words:
        assert word in caught.value.en
    assert re.search(r"[一-鿿]{2}", caught.value.zh)
    assert caught.value.exit_code == 2


def test_the_file_that_is_changed_above_is_whole():
    assert read_rules(mutated(lambda f, g, i: None), "mine.toml").groups[0].classes[0].grade == "A"


CLASS_TABLES = {
    "a gap between neighbours": (
        [{"grade": "A", "share_up_to": 0.25}, {"grade": "B", "share_over": 0.26}],
        ["classes A and B leave a gap", "0.25", "0.26"]),
    "an overlap of neighbours": (
        [{"grade": "A", "share_up_to": 0.25}, {"grade": "B", "share_over": 0.2}],
        ["classes A and B overlap", "0.25", "0.2"]),
    "a gap of scores": (
        [{"grade": "A", "score_at_least": 90}, {"grade": "B", "score_below": 89, "score_at_least": 60}, {"grade": "C"}],
        ["classes A and B leave a gap", "90", "89"]),
    "an overlap of scores": (
        [{"grade": "A", "score_at_least": 90}, {"grade": "B", "score_below": 95}], ["classes A and B overlap"]),
    "the worse class first": (
        [{"grade": "B", "score_at_least": 60}, {"grade": "A", "score_at_least": 90}, {"grade": "C"}],
        ["classes B and A overlap", "60", "90"]),
    "shares that fall": (shares(("A", 0.5), ("B", 0.25), ("C", 1)), ["classes A and B overlap"]),
    "shares in per cent": (shares(("A", 25), ("B", 100)), ["a share is at most 1"]),
    "the last share below 1": (shares(("A", 0.25), ("B", 0.95)), ["below class B there is a gap", "0.95"]),
    "the last score not open": (
        [{"grade": "A", "score_at_least": 90}, {"grade": "B", "score_at_least": 0}], ["below class B there is a gap"]),
    "a class without lower end": ([{"grade": "A"}, {"grade": "B"}], ["class A has no lower end"]),
    "scores and shares": (
        [{"grade": "A", "score_at_least": 90}, {"grade": "B", "share_up_to": 1}], ["by score and by share"]),
    "a grade twice": ([{"grade": "A", "score_at_least": 90}, {"grade": "A"}], ["stands twice: A"]),
    "a class called exempt": ([{"grade": "exempt"}], ["may not be called"]),
}  # fmt: skip


@pytest.mark.parametrize("what", CLASS_TABLES)
def test_a_class_table_is_refused_for(what):
    entries, words = CLASS_TABLES[what]
    with pytest.raises(StandardError) as caught:
        read_classes(entries, "mine.toml: group.all")
    for word in words:
        assert word in caught.value.en
    assert "mine.toml" in caught.value.zh


def test_seams_may_be_written_on_both_sides():
    entries = [{"grade": "A", "share_up_to": 0.25}, {"grade": "B", "share_over": 0.25, "share_up_to": 1.0}]
    assert [one.share_up_to for one in read_classes(entries, "mine")] == [0.25, 1.0]
    entries = [{"grade": "A", "score_at_least": -5}, {"grade": "B", "score_below": -5}]
    assert [one.score_at_least for one in read_classes(entries, "mine")] == [-5, None]


def test_a_unit_of_another_size_is_turned():
    found = mutated(lambda f, g, i: i.update(benchmark=15, unit="元/平方米"))
    # 15 yuan a m² are 15 × 2000/3 yuan a mu = 10,000 yuan = 1 万元/亩.
    assert math.isclose(read_rules(found, "mine").groups[0].criteria[0].benchmark, 15 * (2000 / 3) / 10_000)
    found = mutated(lambda f, g, i: g.update(indicator=two_of(60, 40)))
    assert math.isclose(read_rules(found, "mine").groups[0].criteria[1].benchmark, 0.03)


# ---------------------------------------------------------------- which rule sets there are


def test_the_set_of_a_place_and_a_year():
    assert rules_for("浙江省台州市黄岩区", 2022).id == "huangyan-2022"
    assert rules_for("台州市黄岩区", 2021).id == "huangyan-2021"
    with pytest.raises(StandardError, match='0 rule sets are of "黄岩区" and the data of 2023'):
        rules_for("黄岩区", 2023)
    with pytest.raises(StandardError, match="黄岩区 2021"):
        rules_for("杭州市", 2022)
    with pytest.raises(StandardError):
        rules_for("", 2022)


def written(tmp_path, name, **changed):
    """A copy of the set of Huangyan for 2022 with other words."""
    text = (Path(__file__).parents[1] / "geo/policy/grading/huangyan-2022.toml").read_text("utf-8")
    for word, other in changed.items():
        assert re.search(rf"(?m)^{word} = .*$", text)
        text = re.sub(rf"(?m)^{word} = .*$", f"{word} = {other}", text, count=1)
    file = tmp_path / name
    file.write_text(text, "utf-8")
    return file


def test_two_sets_of_one_place_for_the_same_days_are_refused(tmp_path):
    same_year = written(tmp_path, "mine.toml", id='"mine"')
    with pytest.raises(StandardError, match=r"mine\.toml.*validity overlaps: 2022-01-01 – 2022-12-31"):
        rule_sets([same_year])
    with pytest.raises(StandardError, match="both bear the id"):
        rule_sets([written(tmp_path, "same.toml", data_year="2023")])
    next_year = written(tmp_path, "next.toml", id='"next"', data_year="2023")
    assert rules_for("黄岩区", 2023, [next_year]).id == "next"
    elsewhere = written(tmp_path, "there.toml", id='"there"', place='"台州市路桥区"', region='"浙江省台州市路桥区"')
    assert rules_for("路桥区", 2022, [elsewhere]).id == "there"


def test_sets_by_id_and_by_file(tmp_path):
    with pytest.raises(StandardError, match="nearest: huangyan-2022"):
        load_rules("huangyan-202")
    with pytest.raises(SourceError, match=r"absent\.toml"):
        load_rules(tmp_path / "absent.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("id = ", "utf-8")
    with pytest.raises(StandardError, match=r"broken\.toml: no valid TOML"):
        load_rules(str(broken))
    assert load_rules(written(tmp_path, "mine.toml", id='"mine"')).id == "mine"


def test_the_template_loads_and_grades_nothing_until_it_is_filled_in():
    template = load_rules("template")
    assert template.kind == "template"
    with pytest.raises(StandardError, match=r"benchmark missing: above\.tax_per_mu, .*below\.tax_per_mu"):
        grade(scoring(90), template)
    filled = tuple(
        dataclasses.replace(group, criteria=tuple(dataclasses.replace(one, benchmark=1.0) for one in group.criteria))
        for group in template.groups
    )
    firms = scoring(90, scale="below")
    assert grade(firms, dataclasses.replace(template, groups=filled)).table["score"].tolist() == [90.0]


def test_the_tables_of_a_project():
    scores = {
        "above": {"tax_per_mu": {"weight": 60, "benchmark": 20}, "rd_share": {"weight": 40, "benchmark": 0.03}},
        "below": TAX,
    }
    firms = table(
        [
            # 60 万元 ÷ 3 mu = 20: all of 60 points; 1.5 % of revenue: half of 40 points.
            {"land_used_m2": 2000.0, "tax_cny": 600_000.0, "rd_cny": 15_000.0, "revenue_cny": 1_000_000.0},
            {"land_used_m2": 2000.0, "tax_cny": 15_000.0, "scale": "below"},
        ]
    )
    answer = grade(firms, rules_from_project(scores, ABOVE_BELOW))
    assert answer.table["score"].tolist() == [60 + 20, 50.0]
    assert answer.table["group"].tolist() == ["above", "below"]
    assert grades_of(answer) == ["B", "C"]
    only_below = [{"grade": "合格", "score_at_least": 40, "group": "below"}, {"grade": "不合格", "group": "below"}]
    assert grades_of(grade(firms, rules_from_project(scores, only_below))) == ["—", "合格"]


@pytest.mark.parametrize(
    ("scores", "classes", "words"),
    [
        ({"above": {"tax_per_mu": {"weight": 90, "benchmark": 20}}}, None, "weights sum to 90"),
        ({"above": {"tax_per_mu": {"weight": 110, "benchmark": 20}}}, None, "weights sum to 110"),
        ({"above": {"tax_per_m": {"weight": 100, "benchmark": 20}}}, None, "nearest: tax_per_mu"),
        ({"abov": TAX}, None, 'unknown group "abov"; nearest: above'),
        ({"above": {"tax_per_mu": 30}}, None, '"tax_per_mu" is 30'),
        ({"above": 30}, None, "expected a table"),
        ({"above": {"tax_per_mu": {"weight": 100}}}, None, "benchmark is missing"),
        ({}, None, '"group" is'),
        ({"above": TAX}, [{"grade": "A", "score_at_least": 9, "group": "below"}], 'unknown group "below"'),
        ({"above": TAX}, shares(("A", 0.5)), "below class A there is a gap"),
    ],
)
def test_tables_of_a_project_are_refused(scores, classes, words):
    with pytest.raises(StandardError, match=re.escape(words)) as caught:
        rules_from_project(scores, classes)
    assert caught.value.exit_code == 2
    assert "project" in caught.value.en


def test_with_classes_checks_vetoes_and_words():
    vetoed = rules(ABOVE_BELOW, veto=[{"column": "v", "grade_at_most": "C", "title_zh": "否", "title_en": "veto"}])
    with pytest.raises(StandardError, match="none of the classes 甲, 乙"):
        with_classes(vetoed, [{"grade": "甲", "score_at_least": 60}, {"grade": "乙"}])
    with pytest.raises(StandardError, match="nearest: worse"):
        with_classes(vetoed, ABOVE_BELOW, ties="wors")
    assert with_classes(vetoed, ABOVE_BELOW, ties="worse").groups[0].ties == "worse"


# ---------------------------------------------------------------- groups


def four_groups():
    """Four rankings of their own, as in Cixi: above; below from 3 mu; below under 3 mu; tenants without land."""
    found = ruled()
    one = found["group"][0]
    who = {
        "above": {"scale": "above", "own_land": True},
        "below": {"scale": "below", "own_land": True, "land_at_least_mu": 3},
        "small": {"scale": "below", "own_land": True, "land_below_mu": 3},
        "tenant": {"own_land": False},
    }
    found["group"] = [one | {"id": name, "who": conditions} for name, conditions in who.items()]
    return read_rules(found, "mine.toml")


def test_every_firm_is_in_its_group_or_told_why_not():
    own, rents = {"land_registered_m2": 1.0}, {"land_leased_in_m2": 1.0}
    firms = table(
        [
            {"land_used_m2": 9e9, **own},
            {"scale": "below", "land_used_m2": 2000.0, **own},  # 2,000 m² are 3 mu, which is not below 3
            {"scale": "below", "land_used_m2": 1999.99, **own},
            {"scale": None, "land_used_m2": 1.0, **rents},
            {"scale": "below", **own},
            {"scale": None, "land_used_m2": 1.0, **own},
            {"land_used_m2": 1.0},
        ]
    )
    answer = grade(firms, four_groups()).table
    assert answer["group"].fillna("—").tolist() == ["above", "below", "small", "tenant", "—", "—", "—"]
    assert answer["reason"].tolist()[4:] == ["no_group"] * 3
    assert answer["reason_en"].tolist()[4:] == [
        "in no group, not known: land used",
        "in no group, not known: scale (above or below the threshold)",
        "in no group, not known: registered land",
    ]
    assert answer["reason_zh"][4] == "无法分组，缺少：用地面积"


def test_a_firm_that_fits_nothing_is_told_so():
    answer = grade(scoring(90, scale="below"), rules_from_project({"above": TAX}))
    assert answer.table["reason_en"].tolist() == ["fits the conditions of no group"]
    assert any(note.en == "firms in no group: 1" for note in answer.told)
    assert len(answer.contributions) == 0


def test_a_firm_in_two_groups_is_refused():
    found = ruled()
    one = found["group"][0]
    found["group"] = [
        one | {"id": "large", "who": {"land_at_least_mu": 3}},
        one | {"id": "above", "who": {"scale": "above"}},
    ]
    firms = table([{"land_used_m2": 1000.0}, {"land_used_m2": 3000.0}])
    with pytest.raises(ProjectError) as caught:
        grade(firms, read_rules(found, "mine.toml"))
    assert "1 of 2 firms" in caught.value.en
    assert "F1" in caught.value.en
    assert "large, above" in caught.value.en
    assert caught.value.exit_code == 2


# ---------------------------------------------------------------- caps, floors, missing values, points


def one_indicator(**changed):
    return [{"indicator": "tax_per_mu", "weight": 100, "benchmark": 1, "unit": "wcny/mu"} | changed]


def test_cap_and_floor_hold_the_score_of_an_indicator():
    firms = scoring(180, 150, 120, -20)
    answer = grade(firms, rules(indicator=one_indicator(cap_multiple=1.5, floor=0)))
    assert answer.table["score"].tolist() == [150.0, 150.0, 120.0, 0.0]
    assert answer.contributions["capped"].tolist() == [True, False, False, False]
    assert answer.contributions["floored"].tolist() == [False, False, False, True]
    free = grade(firms, rules())
    assert free.table["score"].round(9).tolist() == [180.0, 150.0, 120.0, -20.0]
    assert not free.contributions["capped"].any()


@pytest.mark.parametrize(
    ("entry", "score", "reason"),
    [
        ({"missing": "refuse"}, None, "missing"),
        ({"missing": "zero"}, 0.0, "no_classes"),
        ({"missing": "mean"}, (80 + 120) / 2, "no_classes"),
        ({"missing": "points", "missing_points": -3}, -3.0, "no_classes"),
    ],
)
def test_what_is_done_about_a_missing_value(entry, score, reason):
    firms = scoring(80, 120, math.nan)
    answer = grade(firms, rules(indicator=one_indicator(**entry)))
    found = answer.table["score"][2]
    assert (found == score) or (score is None and math.isnan(found))
    assert answer.table["reason"][2] == reason
    assert answer.contributions["missing"].astype("object").fillna("—").tolist() == ["—", "—", entry["missing"]]
    assert any("Tax per mu is missing for 1 of 3" in note.en for note in answer.told)
    if score is None:
        assert answer.table["reason_zh"][2] == "没有得分，缺少：亩均税收"
        assert answer.table["rank"].isna().tolist() == [False, False, True]


def test_land_of_nothing_gives_no_value_and_a_tax_of_nothing_gives_zero():
    firms = table([{"land_used_m2": 0.0, "tax_cny": 1.0}, {"land_used_m2": 2000.0, "tax_cny": 0.0}])
    answer = grade(firms, rules())
    assert math.isnan(answer.table["score"][0])
    assert answer.table["score"][1] == 0.0


def test_the_mean_is_of_the_firms_that_are_evaluated():
    firms = scoring(80, 120, 700, math.nan, new=[False, False, True, False])
    exemption = [{"column": "new", "title_zh": "新办", "title_en": "new"}]
    answer = grade(firms, rules(indicator=one_indicator(missing="mean"), exemption=exemption))
    assert answer.table["score"].tolist() == [80.0, 120.0, 700.0, (80 + 120) / 2]


def test_values_stand_by_unit_in_whatever_order_units_are_numbered():
    found = score_units(rules().groups[0], scoring(10, 20, 30), np.array([2, 0, 1]), np.ones(3, dtype=bool))
    assert found.score.round(9).ravel().tolist() == [20.0, 30.0, 10.0]


def test_a_mean_of_nobody_is_no_score():
    answer = grade(scoring(math.nan), rules(indicator=one_indicator(missing="mean")))
    assert answer.table["reason"].tolist() == ["missing"]


def test_less_is_better_where_the_rule_says_so():
    # benchmark ÷ value × weight: 1 ÷ 0.5, 1 ÷ 1, 1 ÷ 4; nothing at all is held by the cap.
    firms = scoring(50, 100, 400, 0, math.nan)
    answer = grade(firms, rules(indicator=one_indicator(direction="less", cap_multiple=3)))
    assert answer.table["score"].round(9).tolist()[:4] == [200.0, 100.0, 25.0, 300.0]
    assert math.isnan(answer.table["score"][4])
    assert answer.contributions["capped"].tolist() == [False, False, False, True, False]


def test_the_best_firm_as_benchmark():
    firms = scoring(50, 200, 400, 900, young=[False, False, False, True])
    exemption = [{"column": "young", "title_zh": "新办", "title_en": "new"}]
    answer = grade(firms, rules(indicator=one_indicator(benchmark="best"), exemption=exemption))
    # The exempt firm does not take part: 4 万元/亩 is the best, and nobody has more than the weight.
    assert answer.contributions["benchmark"].tolist() == [4.0] * 4
    assert answer.table["score"].tolist() == [12.5, 50.0, 100.0, 100.0]
    less = grade(firms, rules(indicator=one_indicator(benchmark="best", direction="less"), exemption=exemption))
    assert less.contributions["benchmark"].tolist() == [0.5] * 4
    assert less.table["score"].tolist()[:3] == [100.0, 25.0, 12.5]


def test_factor_bonus_and_malus():
    firms = scoring(80, 80, 80, 80, k=[1.1, 1.0, None, 0.5], plus=[5.0, None, 1.0, 0.0], minus=[2.0, 0.0, None, None])
    answer = grade(firms, rules(factor="k", bonus="plus", malus="minus"))
    assert answer.table["score"].round(9).fillna(-1).tolist() == [80 * 1.1 + 5 - 2, 80.0, -1, 40.0]
    assert answer.table["reason"].tolist()[2] == "no_factor"
    assert any("minus is blank for 2: 0 points" in note.en for note in answer.told)
    assert grade(firms, rules(factor=1.25)).table["score"].tolist() == [100.0] * 4


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ({"bonus": "plux"}, 'no column "plux". Did you mean "plus"?'),
        ({"malus": "plus"}, "1 of 2 firms have something else than points of 0 or more (F1: -2.0)"),
        ({"factor": "plus"}, "factors above 0"),
        ({"bonus": "note"}, "2 of 2 firms have something else than numbers without a unit (F0: 好, F1: 差)"),
        ({"exemption": [{"column": "note", "title_zh": "免", "title_en": "free"}]}, "Expected yes or no"),
        (
            {"exemption": [{"column": "note", "title_zh": "免", "title_en": "free", "less_than_years": 2}]},
            "Give the year of the data",
        ),
    ],
)
def test_columns_that_do_not_serve_are_refused(group, words):
    firms = scoring(80, 90, plus=[1.0, -2.0], note=["好", "差"])
    with pytest.raises(ProjectError, match=re.escape(words)) as caught:
        grade(firms, rules(**group))
    assert "mine.toml" in caught.value.en


# ---------------------------------------------------------------- classes


@pytest.mark.parametrize(("score", "expected"), [(90, "A"), (89.99, "B"), (60, "B"), (59, "C"), (-40, "C")])
def test_classes_by_score_hold_their_lower_end(score, expected):
    assert grades_of(grade(scoring(score), rules(ABOVE_BELOW))) == [expected]


def test_a_score_that_is_a_limit_but_for_the_last_bit_reaches_it():
    # 0.3 万元/亩 against 0.1 is three times the benchmark; to a machine it is a bit less.
    assert 0.3 / 0.1 < 3
    triple = [{"grade": "A", "score_at_least": 300}, {"grade": "B"}]
    answer = grade(scoring(30), rules(triple, indicator=one_indicator(benchmark=0.1)))
    assert grades_of(answer) == ["A"]


def test_shares_become_numbers_of_firms_by_the_stated_rule():
    firms = scoring(*range(100, 90, -1))
    table_ = shares(("A", 0.25), ("B", 0.7), ("C", 0.95), ("D", 1.0))
    # Of 10 firms: 2.5, 7 and 9.5 — down 2, 7, 9; up 3, 7, 10; half up 3, 7, 10.
    for rounding, expected in (("floor", "AABBBBBCCD"), ("ceil", "AAABBBBCCC"), ("round", "AAABBBBCCC")):
        assert "".join(grades_of(grade(firms, rules(table_, rounding=rounding)))) == expected, rounding
    # Of 10 firms 2.4: half up is 2, up is 3.
    other = shares(("A", 0.24), ("B", 1))
    assert grades_of(grade(firms, rules(other, rounding="round"))).count("A") == 2
    assert grades_of(grade(firms, rules(other, rounding="ceil"))).count("A") == 3


def test_shares_are_decimals_as_written():
    # 0.07 × 100 is a bit more than 7 to a machine; seven firms of a hundred are 7 %, also rounded up.
    assert 0.07 * 100 > 7
    answer = grade(scoring(*range(200, 100, -1)), rules(shares(("A", 0.07), ("B", 1)), rounding="ceil"))
    assert grades_of(answer).count("A") == 7


def test_ties_get_the_better_or_the_worse_class_all_of_them():
    firms = scoring(100, 90, 90, 80)
    half = shares(("A", 0.5), ("B", 1.0))
    assert grades_of(grade(firms, rules(half, ties="better"))) == ["A", "A", "A", "B"]
    assert grades_of(grade(firms, rules(half, ties="worse"))) == ["A", "B", "B", "B"]
    assert grade(firms, rules(half)).table["rank"].tolist() == [1, 2, 2, 4]
    all_equal = scoring(70, 70, 70)
    assert grades_of(grade(all_equal, rules(half, ties="better"))) == ["A"] * 3
    assert grades_of(grade(all_equal, rules(half, ties="worse"))) == ["B"] * 3


def test_shares_of_land():
    # 10, 20, 30 and 40 of 100; a share of 0.25 ends inside the second firm.
    firms = table([{"land_used_m2": land, "tax_cny": land * mu} for land, mu in ((10, 9), (20, 8), (30, 7), (40, 6))])
    quarter = shares(("A", 0.25), ("B", 1))
    for rounding, expected in (("floor", "ABBB"), ("ceil", "AABB"), ("round", "AABB")):
        assert "".join(grades_of(grade(firms, rules(quarter, rounding=rounding, share_of="land")))) == expected
    # At 0.19 less than half of the second firm lies within.
    assert (
        "".join(grades_of(grade(firms, rules(shares(("A", 0.19), ("B", 1)), rounding="round", share_of="land"))))
        == "ABBB"
    )
    blank = pd.concat([firms, table([{"tax_cny": 1.0}])], ignore_index=True)
    answer = grade(blank, rules(quarter, share_of="land", indicator=one_indicator(missing="zero")))
    assert answer.table["reason"].tolist()[-1] == "no_land"
    assert grades_of(answer)[-1] == "—"


def test_the_shares_are_of_the_ranked_firms_only():
    firms = scoring(100, 95, 90, 85, 80, math.nan, free=[True, False, False, False, False, False])
    free = [{"column": "free", "title_zh": "公用事业", "title_en": "utility"}]
    answer = grade(firms, rules(shares(("A", 0.5), ("B", 1)), exemption=free))
    assert grades_of(answer) == ["exempt", "A", "A", "B", "B", "—"]
    assert answer.table["rank"].fillna(0).tolist() == [0, 1, 2, 3, 4, 0]


def test_a_veto_lowers_the_grade_and_gives_its_place_to_nobody():
    veto = [{"column": "polluter", "grade_at_most": "C", "title_zh": "环保一票否决", "title_en": "environment"}]
    table_ = shares(("A", 0.25), ("B", 0.5), ("C", 0.75), ("D", 1))
    answer = grade(scoring(100, 90, 80, 70, polluter=[True, False, None, True]), rules(table_, veto=veto))
    assert grades_of(answer) == ["C", "B", "C", "D"]
    assert answer.table["reason"].fillna("—").tolist() == ["veto", "—", "—", "—"]
    assert answer.table["reason_zh"][0] == "环保一票否决：最高为 C"
    assert answer.needs.loc[answer.needs["firm_id"] == "F1", "barred"].tolist() == [False]


def test_exemptions_by_age_end_on_the_day():
    dates = pd.to_datetime(["2020-12-31", "2021-01-01", "2023-06-01", None])
    young = [
        {
            "column": "founded",
            "less_than_years": 2,
            "title_zh": "成立不满两年",
            "title_en": "founded under two years ago",
        }
    ]
    answer = grade(scoring(80, 80, 80, 80, founded=dates), rules(ABOVE_BELOW, exemption=young), 2022)
    # On 31 December 2022 the first firm is two years old to the day.
    assert grades_of(answer) == ["B", "exempt", "exempt", "B"]
    assert answer.table["reason_zh"].fillna("—").tolist() == ["—", "成立不满两年", "成立不满两年", "—"]
    assert any("firms exempt: 2" in note.en for note in answer.told)
    assert set(answer.needs["firm_id"]) == {"F0", "F3"}


def test_ranks():
    assert ranks(np.array([])).tolist() == []
    assert ranks(np.array([5.0, 7.0, 5.0, 1.0])).tolist() == [2, 1, 2, 4]


# ---------------------------------------------------------------- firms of one parcel, tenants


def links(*rows):
    """Rows of firm, parcel, relation, land."""
    frame = pd.DataFrame(rows, columns=["firm", "parcel", "relation", "land_area_m2"])
    return frame.astype({"relation": "string"})


def test_firms_of_one_parcel_are_added_up_and_graded_as_one():
    # Firms 0 and 1 share parcel 7, firms 1 and 2 parcel 8; firm 3 is alone on 9, firm 4 has no parcel.
    firms = table(
        [
            {"land_used_m2": 2000.0, "tax_cny": 60_000.0},
            {"land_used_m2": 4000.0, "tax_cny": 30_000.0},
            {"land_used_m2": 2000.0, "tax_cny": 30_000.0},
            {"land_used_m2": 2000.0, "tax_cny": 21_000.0},
            {"land_used_m2": 2000.0, "tax_cny": 15_000.0},
        ]
    )
    on = links((0, 7, None, 1.0), (1, 7, None, 1.0), (1, 8, None, 1.0), (2, 8, None, 1.0), (3, 9, None, 1.0))
    halves = shares(("A", 0.34), ("B", 1))
    answer = grade(firms, rules(halves, method="parcel"), links=on)
    # (6 + 3 + 3) 万元 ÷ (3 + 6 + 3) mu = 1 万元/亩 = 100 points; alone 0.7 and 0.5. A: 0.34 × 3 units = 1.
    assert answer.table["score"].tolist() == [100.0, 100.0, 100.0, 70.0, 50.0]
    assert grades_of(answer) == ["A", "A", "A", "B", "B"]
    assert answer.table["rank"].tolist() == [1, 1, 1, 2, 3]
    assert answer.contributions["value"].round(9).tolist() == [1.0, 1.0, 1.0, 0.7, 0.5]
    alone = grade(firms, rules(halves), links=on)
    assert alone.table["score"].tolist() == [200.0, 50.0, 100.0, 70.0, 50.0]
    assert any("by parcel" in note.en for note in answer.told)
    assert any("by enterprise" in note.en for note in alone.told)


def test_a_firm_that_lacks_a_sum_is_left_out_of_both_sums_and_told():
    firms = table([{"land_used_m2": 2000.0, "tax_cny": 60_000.0}, {"land_used_m2": 4000.0}])
    answer = grade(firms, rules(method="parcel"), links=links((0, 7, None, 1.0), (1, 7, None, 1.0)))
    assert answer.table["score"].tolist() == [200.0, 200.0]
    assert any("firms left out of the sums of Tax per mu for want of data: 1" in note.en for note in answer.told)


def test_an_exempt_firm_stands_alone_on_its_parcel():
    firms = table([{"land_used_m2": 2000.0, "tax_cny": 60_000.0}, {"land_used_m2": 4000.0, "tax_cny": 0.0}])
    firms["new"] = [False, True]
    exemption = [{"column": "new", "title_zh": "新办", "title_en": "new"}]
    on = links((0, 7, None, 1.0), (1, 7, None, 1.0))
    answer = grade(firms, rules(ABOVE_BELOW, method="parcel", exemption=exemption), links=on)
    assert answer.table["score"].tolist() == [200.0, 0.0]
    assert grades_of(answer) == ["A", "exempt"]


def test_points_of_one_parcel_are_added_and_factors_must_agree():
    firms = table([{"land_used_m2": 2000.0, "tax_cny": 30_000.0}] * 4).assign(
        plus=[1.0, 2.0, 0.0, 0.0], k=[1.0, 1.0, 0.9, 1.0]
    )
    on = links((0, 7, None, 1.0), (1, 7, None, 1.0), (2, 8, None, 1.0), (3, 8, None, 1.0))
    answer = grade(firms, rules(method="parcel", bonus="plus", factor="k"), links=on)
    assert answer.table["score"].fillna(-1).tolist() == [103.0, 103.0, -1, -1]
    assert answer.table["reason"].tolist()[2:] == ["no_factor"] * 2


def test_tenants_take_the_grade_of_the_owner():
    firms = scoring(95, 40, 70, 20, 50)
    on = links(
        (0, 7, "owner", 9.0), (1, 7, "tenant", 5.0),  # firm 1 rents of firm 0
        (2, 8, "owner", 9.0), (1, 8, "tenant", 2.0),  # and less of firm 2
        (3, 9, "tenant", 2.0),  # the owner of 9 is not in the table: graded by itself
        (4, 8, "tenant", 2.0), (4, 5, "owner", 1.0),  # owns land elsewhere: graded by itself
    )  # fmt: skip
    answer = grade(firms, rules(ABOVE_BELOW, tenants_follow_owner=True), links=on)
    assert grades_of(answer) == ["A", "A", "B", "C", "C"]
    assert answer.table["rank"].fillna(0).tolist() == [1, 0, 2, 4, 3]
    assert answer.table["reason_en"][1] == "follows the owner 0厂"
    assert grades_of(grade(firms, rules(ABOVE_BELOW), links=on)) == ["A", "C", "B", "C", "C"]
    gone = grade(firms.assign(tax_cny=firms["tax_cny"].mask([True, False, False, False, False])),
                 rules(ABOVE_BELOW, tenants_follow_owner=True), links=on)  # fmt: skip
    assert grades_of(gone)[:2] == ["—", "—"]
    assert gone.table["reason_zh"][1] == "随产权人0厂，其没有等级"


@pytest.mark.parametrize("group", [{"method": "parcel"}, {"tenants_follow_owner": True}])
def test_links_that_are_asked_for_must_be_there(group):
    with pytest.raises(StandardError, match="links of attach_firms"):
        grade(scoring(80), rules(**group))


def test_the_hand_city_by_parcel():
    land = attach(city.parcels(), city.parks(), None, city.districts(), area="planar", overlap="split")
    attached = attach_firms(city.enterprises(), land, city.holdings())
    firms = firms_to_grade(attached, city.enterprises())
    assert {"founded", "geometry"}.isdisjoint(firms)
    assert "land_leased_in_m2" in firms
    answer = grade(firms, rules(method="parcel"), links=attached.links).table.set_index("firm_id")
    # F2 and F3 share p3: (90 + 10) 万元 ÷ 20,000 m² = 30 mu.
    assert math.isclose(answer["score"]["F2"], 100 / 30 * 100)
    assert answer["score"]["F3"] == answer["score"]["F2"]
    followed = grade(firms, rules(ABOVE_BELOW, tenants_follow_owner=True), links=attached.links).table
    assert followed.set_index("firm_id")["reason"]["F3"] == "follows_owner"


# ---------------------------------------------------------------- what is lacking


def test_the_value_the_next_grade_needs():
    scores = {
        "above": {
            "tax_per_mu": {"weight": 60, "benchmark": 20, "cap_multiple": 1.5},
            "value_added_per_mu": {"weight": 40, "benchmark": 100, "cap_multiple": 1.5},
        }
    }
    # 10/20 × 60 + 50/100 × 40 = 50 points; B asks 60, that is 10 more: by tax alone (30 + 10)/60 × 20 万元/亩,
    # by value added alone (20 + 10)/40 × 100 万元/亩.
    row = {"land_used_m2": 2000.0, "tax_cny": 300_000.0, "value_added_cny": 1_500_000.0}
    answer = grade(table([row]), rules_from_project(scores, ABOVE_BELOW))
    needs = answer.needs.set_index("indicator")
    assert needs["next_grade"].tolist() == ["B", "B"]
    assert needs["lacking"].tolist() == [10.0, 10.0]
    assert math.isclose(needs["value_needed"]["tax_per_mu"], (30 + 10) / 60 * 20)
    assert math.isclose(needs["value_needed"]["value_added_per_mu"], (20 + 10) / 40 * 100)
    assert needs["unit"].tolist() == ["万元/亩", "万元/亩"]
    # From 30 + 20 to 95 tax alone would need 75 points, allowed are 90; value added 65, allowed are 60.
    steep = [{"grade": "A", "score_at_least": 95}, {"grade": "B"}]
    needs = grade(table([row]), rules_from_project(scores, steep)).needs.set_index("indicator")
    assert math.isclose(needs["value_needed"]["tax_per_mu"], 75 / 60 * 20)
    assert math.isnan(needs["value_needed"]["value_added_per_mu"])


def test_a_veto_bars_the_next_grade():
    veto = [{"column": "v", "grade_at_most": "C", "title_zh": "否", "title_en": "veto"}]
    needs = grade(scoring(70, v=[True]), rules(ABOVE_BELOW, veto=veto)).needs
    assert needs["barred"].tolist() == [True]
    assert needs["value_needed"].isna().all()
    assert needs[["grade", "next_grade"]].astype(str).to_numpy().tolist() == [["C", "A"]]


def test_where_equal_scores_leave_no_room_for_a_grade_the_one_above_it_is_next():
    # Of 8 firms 2 are A and 4 are B or better; five share the lead, so that nobody can be B.
    firms = scoring(90, 90, 90, 90, 90, 80, 70, 60)
    table_ = shares(("A", 0.25), ("B", 0.5), ("C", 1))
    better = grade(firms, rules(table_, ties="better"))
    assert grades_of(better) == ["A"] * 5 + ["C"] * 3
    assert better.needs["next_grade"].tolist() == ["A"] * 3
    assert better.needs["score_needed"].tolist() == [90.0] * 3
    worse = grade(firms, rules(table_, ties="worse"))
    assert grades_of(worse) == ["C"] * 8
    assert worse.needs["next_grade"].tolist() == ["A"] * 8
    assert worse.needs["score_needed"].tolist() == [90.01] * 8


def test_a_firm_with_much_land_reaches_a_share_of_land_beside_a_smaller_one_only():
    # Of 100 the best quarter: 10 fit, 60 never do; but equal scores all get the better class.
    firms = table(
        [
            {"land_used_m2": land * 2000.0, "tax_cny": land * 3 * 10_000.0 * rate}
            for land, rate in ((10, 9), (60, 8), (30, 7))
        ]
    )
    quarter = shares(("A", 0.25), ("B", 1))
    answer = grade(firms, rules(quarter, share_of="land", ties="better"))
    assert grades_of(answer) == ["A", "B", "B"]
    assert answer.needs[["firm_id", "score_needed"]].to_numpy().tolist() == [["F1", 900.0], ["F2", 900.0]]
    firms.loc[1, "tax_cny"] = 60 * 3 * 10_000.0 * answer.needs["value_needed"][0]
    assert grades_of(grade(firms, rules(quarter, share_of="land", ties="better"))) == ["A", "A", "B"]
    # Now equal: where equal scores get the worse class, the small one is to rise above the large one.
    worse = grade(firms, rules(quarter, share_of="land", ties="worse"))
    assert grades_of(worse) == ["B", "B", "B"]
    assert worse.needs[["firm_id", "lacking"]].round(9).to_numpy().tolist() == [["F0", 0.01]]


def test_nobody_needs_more_than_the_best_grade():
    assert len(grade(scoring(95), rules(ABOVE_BELOW)).needs) == 0


TWO = {
    "tax_per_mu": {"weight": 60, "benchmark": 1, "cap_multiple": 1.5},
    "value_added_per_mu": {"weight": 40, "benchmark": 1, "cap_multiple": 1.5},
}
FIRMS = st.lists(st.tuples(st.integers(-5, 40), st.integers(0, 40)), min_size=1, max_size=8)
TABLES = st.sampled_from(
    [
        ABOVE_BELOW,
        shares(("A", 0.25), ("B", 0.7), ("C", 0.95), ("D", 1.0)),
        shares(("A", 0.1), ("B", 0.2), ("C", 1.0)),
        shares(("A", 0.5), ("B", 1.0)),
    ]
)
TIES = st.sampled_from(["better", "worse"])
ROUNDINGS = st.sampled_from(["floor", "ceil", "round"])
COLUMN = {"tax_per_mu": "tax_cny", "value_added_per_mu": "value_added_cny"}


def drawn(pairs):
    """Firms on 3 mu: tax and value added in tenths of a 万元/亩."""
    return table(
        [{"land_used_m2": 2000.0, "tax_cny": tax * 3000.0, "value_added_cny": added * 3000.0} for tax, added in pairs]
    )


def with_value(firms, row, indicator, value):
    changed = firms.copy()
    changed.loc[row, COLUMN[indicator]] = value * 3 * 10_000
    return changed


@given(pairs=FIRMS, classes=TABLES, ties=TIES, rounding=ROUNDINGS)
@settings(max_examples=20)  # each grades many times
def test_the_value_needed_reaches_exactly_the_next_grade(pairs, classes, ties, rounding):
    rule = with_classes(rules_from_project({"above": TWO}), classes, ties=ties, rounding=rounding)
    firms = drawn(pairs)
    answer = grade(firms, rule)
    names = [one["grade"] for one in classes]
    for need in answer.needs.to_dict("records"):
        row = int(need["firm_id"][1:])
        if math.isnan(need["value_needed"]):
            # Even at its cap the indicator does not bring the score that is needed.
            part = answer.contributions[
                (answer.contributions["firm_id"] == need["firm_id"])
                & (answer.contributions["indicator"] == need["indicator"])
            ]["score"].iloc[0]
            assert part + need["lacking"] > TWO[need["indicator"]]["weight"] * 1.5 - 1e-6
            continue
        raised = grade(with_value(firms, row, need["indicator"], need["value_needed"]), rule).table
        assert raised["grade"][row] == need["next_grade"]
        # One hundredth of a point less, as scores are compared, does not reach it.
        less = need["value_needed"] - 0.011 / TWO[need["indicator"]]["weight"]
        below = grade(with_value(firms, row, need["indicator"], less), rule).table
        assert names.index(below["grade"][row]) > names.index(need["next_grade"])


@given(pairs=FIRMS, classes=TABLES, ties=TIES, rounding=ROUNDINGS)
@settings(max_examples=20)  # each grades many times
def test_whoever_has_no_next_grade_cannot_reach_one(pairs, classes, ties, rounding):
    rule = with_classes(
        rules_from_project({"above": {"tax_per_mu": TAX["tax_per_mu"]}}), classes, ties=ties, rounding=rounding
    )
    firms = drawn(pairs)
    answer = grade(firms, rule)
    for row in set(range(len(firms))) - {int(name[1:]) for name in answer.needs["firm_id"]}:
        best = grade(with_value(firms, row, "tax_per_mu", 10_000.0), rule).table["grade"][row]
        assert best == answer.table["grade"][row]


@given(
    lands=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 6)), min_size=1, max_size=9),
    ties=TIES,
    rounding=ROUNDINGS,
    share=st.sampled_from([0.1, 0.25, 0.5, 0.8]),
)
@settings(max_examples=20)
def test_the_value_needed_reaches_the_next_grade_by_shares_of_land(lands, ties, rounding, share):
    firms = table([{"land_used_m2": mu * 2000.0, "tax_cny": mu * 3 * 10_000.0 * rate} for mu, rate in lands])
    rule = rules(shares(("A", share), ("B", 1)), share_of="land", ties=ties, rounding=rounding)
    answer = grade(firms, rule)
    for need in answer.needs.to_dict("records"):
        row = int(need["firm_id"][1:])
        raised = firms.copy()
        raised.loc[row, "tax_cny"] = need["value_needed"] * lands[row][0] * 3 * 10_000
        assert grade(raised, rule).table["grade"][row] == need["next_grade"]


@given(pairs=FIRMS, classes=TABLES, ties=TIES, rounding=ROUNDINGS, more=st.integers(1, 30), data=st.data())
def test_more_tax_never_lowers_a_grade(pairs, classes, ties, rounding, more, data):
    rule = with_classes(rules_from_project({"above": TWO}), classes, ties=ties, rounding=rounding)
    row = data.draw(st.integers(0, len(pairs) - 1))
    firms, names = drawn(pairs), [one["grade"] for one in classes]
    richer = firms.copy()
    richer.loc[row, "tax_cny"] += more * 3000.0
    before, after = grade(firms, rule).table["grade"], grade(richer, rule).table["grade"]
    assert names.index(after[row]) <= names.index(before[row])


@given(pairs=FIRMS, classes=TABLES, ties=TIES, order=st.randoms(use_true_random=False))
def test_the_order_of_the_firms_decides_nothing(pairs, classes, ties, order):
    scores = copy.deepcopy(TWO)
    scores["value_added_per_mu"]["missing"] = "mean"
    rule = with_classes(rules_from_project({"above": scores}), classes, ties=ties)
    firms = drawn(pairs)
    firms.loc[firms.index % 3 == 1, "value_added_cny"] = np.nan
    rows = list(range(len(firms)))
    order.shuffle(rows)
    columns = ["firm_id", "score", "rank", "grade", "reason"]
    one = grade(firms, rule).table[columns]
    other = grade(firms.iloc[rows], rule).table[columns].sort_values("firm_id", key=lambda ids: ids.str[1:].astype(int))
    pd.testing.assert_frame_equal(one, other.reset_index(drop=True), check_exact=True)


@given(pairs=FIRMS, classes=TABLES, ties=TIES, rounding=ROUNDINGS)
def test_a_better_score_never_has_a_worse_grade(pairs, classes, ties, rounding):
    rule = with_classes(rules_from_project({"above": TWO}), classes, ties=ties, rounding=rounding)
    found = grade(drawn(pairs), rule).table.sort_values("score", ascending=False)
    names = [one["grade"] for one in classes]
    places = [names.index(one) for one in found["grade"]]
    assert places == sorted(places)
    assert found.groupby("score")["grade"].nunique().max() == 1
    if "share_up_to" in classes[0] and found["score"].is_unique:
        # Counted by hand: as many firms as the share of all, rounded as stated.
        exact = {"floor": math.floor, "ceil": math.ceil, "round": lambda x: math.floor(x + 0.5)}[rounding]
        best = exact(round(classes[0]["share_up_to"] * len(pairs), 9))
        assert (found["grade"] == classes[0]["grade"]).sum() == best


# ---------------------------------------------------------------- years, size, looks


def test_every_year_by_itself():
    enterprises = pd.DataFrame(
        {
            "enterprise_code": ["F1", "F1", "F2"],
            "scale": "below",
            "year": [2021, 2022, 2022],
            "tax_cny": [300_000.0, 300_000.0, 600_000.0],
            "electricity_kwh": [1_500_000.0] * 3,
            "land_registered_m2": [2000.0] * 3,
        }
    )
    sets = {2021: rules_for("黄岩区", 2021), 2022: rules_for("黄岩区", 2022)}
    graded = grade_years(enterprises, sets)
    assert list(graded) == [2021, 2022]
    assert math.isclose(graded[2021].table["score"][0], 10 / 16.601058 * 50 + 0.2 / 0.236565 * 50, rel_tol=1e-11)
    assert math.isclose(graded[2022].table["score"][0], 10 / 11.5932 * 50 + 0.2 / 0.2352 * 50, rel_tol=1e-11)
    assert graded[2022].table["firm_id"].tolist() == ["F1", "F2"]
    assert graded[2022].year == 2022
    with pytest.raises(StandardError, match="1 of 2 years of the enterprises have no rule set: 2021"):
        grade_years(enterprises, {2022: sets[2022]})
    with pytest.raises(ProjectError, match="no row has a year"):
        grade_years(enterprises.drop(columns="year"), sets)
    assert list(grade_years(enterprises, sets[2022])) == [2021, 2022]


def test_firms_to_grade_refuses_other_rows():
    enterprises = city.enterprises()
    with pytest.raises(ValueError, match="5 firms, but 4 rows"):
        firms_to_grade(attach_firms(enterprises), enterprises.iloc[:4])


def test_the_firms_are_not_changed_and_nobody_is_lost():
    firms = scoring(95, math.nan, 70, scale=pd.array(["above", "above", "below"], dtype="string"))
    before = firms.copy(deep=True)
    answer = grade(firms, rules_from_project({"above": TAX}, ABOVE_BELOW))
    pd.testing.assert_frame_equal(firms, before)
    assert answer.table["firm_id"].tolist() == ["F0", "F1", "F2"]
    assert answer.counts.to_numpy().tolist() == [["above", "A", 1], ["above", "—", 1], ["—", "—", 1]]


def test_no_firms_at_all():
    answer = grade(scoring(1).iloc[:0], rules(ABOVE_BELOW))
    assert (len(answer.table), len(answer.contributions), len(answer.needs)) == (0, 0, 0)


def test_what_people_see_is_escaped_and_in_two_languages():
    firms = scoring(95).assign(firm_name=pd.array(["<b>厂</b>"], dtype="string"))
    titled = ruled(ABOVE_BELOW) | {"title_zh": "<i>规则</i>"}
    answer = grade(firms, read_rules(titled, "mine.toml"))
    shown = answer._repr_html_()
    assert "&lt;b&gt;" in shown
    assert "&lt;i&gt;" in shown
    assert "<b>" not in shown
    assert "<i>" not in shown
    assert "all: classes by score: A ≥ 90, B ≥ 60, C" in shown
    assert all(note.text("zh") != note.text("en") for note in answer.told)


@pytest.mark.parametrize("method", ["enterprise", "parcel"])
def test_a_hundred_thousand_firms_are_graded_at_once(method):
    count = 100_000
    dice = np.random.default_rng(1)
    firms = pd.DataFrame({column: dice.lognormal(10, 1, count) for column in MEASURES})
    firms["firm_id"] = pd.array([f"F{row}" for row in range(count)], dtype="string")
    firms["firm_name"] = firms["firm_id"]
    firms["scale"] = pd.array(np.where(dice.random(count) < 0.3, "above", "below"), dtype="string")
    found = load_rules("huangyan-2022")
    groups = tuple(dataclasses.replace(group, method=method) for group in found.groups)
    rule = with_classes(
        dataclasses.replace(found, groups=groups), shares(("A", 0.2), ("B", 0.7), ("C", 0.95), ("D", 1))
    )
    on = pd.DataFrame({"firm": np.arange(count), "parcel": dice.integers(0, 60_000, count), "relation": "owner"})
    begun = time.perf_counter()
    answer = grade(firms, rule, 2022, on)
    taken = time.perf_counter() - begun
    assert answer.table["grade"].notna().all()
    assert len(answer.contributions) == 6 * (firms["scale"] == "above").sum() + 2 * (firms["scale"] == "below").sum()
    assert taken < 5.0  # well under a second on an idle machine


# ---------------------------------------------------------------- what stands in tables people typed


VETO = [{"column": "v", "grade_at_most": "C", "title_zh": "环保", "title_en": "environment"}]


@pytest.mark.parametrize(
    "cells",
    [["是", "否", None], ["Yes", "no", "暂无"], [1, 0, None], ["True", "False", ""], [1.0, 0.0, math.nan]],
    ids=["Chinese", "English", "numbers", "text of flags", "a spreadsheet with a blank"],
)
def test_vetoes_are_read_as_people_write_yes_and_no(cells):
    answer = grade(scoring(95, 95, 95, v=cells), rules(ABOVE_BELOW, veto=VETO))
    assert grades_of(answer) == ["C", "A", "A"]
    assert any(note.en == "all: v is blank for 1: not applied" for note in answer.told)
    assert any(note.zh == "全部：v 有 1 家空白，视为不适用" for note in answer.told)


def test_a_veto_that_says_neither_yes_nor_no_is_refused_with_firms_and_cells():
    with pytest.raises(ProjectError) as caught:
        grade(scoring(95, 95, 95, v=["是", "待定", "核查中"]), rules(ABOVE_BELOW, veto=VETO))
    assert "enterprises.v: 2 of 3 firms have something else than yes or no (F1: 待定, F2: 核查中)" in caught.value.en
    assert "3 家企业中有 2 家不是是或否（F1: 待定, F2: 核查中）" in caught.value.zh


YOUNG = [{"column": "founded", "less_than_years": 2, "title_zh": "新办", "title_en": "new"}]


@pytest.mark.parametrize(
    "cells",
    [
        # Exempt on 31 December 2022 is who was founded after 31 December 2020; 44,197 is 1 January 2021 in a sheet.
        [2021, 2020, None],
        [44_197, 44_196, None],
        ["2021年1月1日", "2020/12/31", "不详"],
        [pd.Timestamp("2021-01-01", tz="Asia/Shanghai"), pd.Timestamp("2020-12-31", tz="Asia/Shanghai"), None],
    ],
    ids=["years", "day numbers", "text", "with a time zone"],
)
def test_exemptions_by_age_read_dates_as_people_write_them(cells):
    answer = grade(scoring(80, 80, 80, founded=cells), rules(ABOVE_BELOW, exemption=YOUNG), 2022)
    assert grades_of(answer) == ["exempt", "B", "B"]
    assert any(note.en == "all: founded is blank for 1: not applied" for note in answer.told)


def test_dates_that_are_none_are_refused():
    with pytest.raises(ProjectError, match=re.escape("1 of 2 firms have something else than dates (F1: 去年)")):
        grade(scoring(80, 80, founded=["2021-05-01", "去年"]), rules(exemption=YOUNG), 2022)


def test_points_are_read_as_people_write_numbers():
    answer = grade(scoring(80, 80, 80, plus=["５", "暂无", 1]), rules(bonus="plus"))
    assert answer.table["score"].tolist() == [80 + 5, 80.0, 80 + 1]
    assert any("plus is blank for 1: 0 points" in note.en for note in answer.told)


@pytest.mark.parametrize("cell", ["inf", math.inf, "1e999", "5分", "5亩", "五", True])
def test_points_that_are_no_plain_number_are_refused(cell):
    with pytest.raises(ProjectError, match=re.escape(f"numbers without a unit (F1: {cell})")):
        grade(scoring(80, 80, plus=pd.Series([7, cell], dtype="object")), rules(bonus="plus"))


# ---------------------------------------------------------------- borders


@pytest.mark.parametrize(("mu", "m2"), [(5, 3333.33), (10, 6666.67), (0.1, 66.67)])
def test_a_firm_of_exactly_so_many_mu_has_them(mu, m2):
    # 5 mu are 3333.333… m²; a firm's land is counted in 0.01 m².
    found = ruled()
    one = found["group"][0]
    found["group"] = [one | {"id": "large", "who": {"land_at_least_mu": mu}},
                      one | {"id": "small", "who": {"land_below_mu": mu}}]  # fmt: skip
    firms = table([{"land_used_m2": m2}, {"land_used_m2": m2 - 0.01}, {"land_used_m2": m2 + 0.01}])
    answer = grade(firms, read_rules(found, "mine.toml"))
    assert answer.table["group"].tolist() == ["large", "small", "large"]


@pytest.mark.parametrize(("mu", "tax"), [(10, 2_000_000), (5, 1_000_000), (0.7, 140_000)])
def test_a_firm_exactly_at_a_limit_reaches_it(mu, tax):
    # 200 万元 on 10 mu are 20 万元/亩, the benchmark: 100 points. In 0.01 m² the land is 6666.67 m² = 10.000005 mu.
    enterprises = pd.DataFrame(
        {"enterprise_code": ["F", "G"], "tax_cny": [float(tax), tax * 0.9999], "land_registered_m2": mu * 2000 / 3}
    )
    at_100 = [{"grade": "A", "score_at_least": 100}, {"grade": "B"}]
    answer = grade(attach_firms(enterprises).firms, rules(at_100, indicator=one_indicator(benchmark=20)))
    assert grades_of(answer) == ["A", "B"]  # the other has 99.99 points
    assert any("scores are compared rounded to 2 decimals" in note.en for note in answer.told)
    assert any("得分按 2 位小数比较" in note.zh for note in answer.told)


def test_how_scores_are_compared_is_the_rules_to_say():
    # 89.996 points are 90.00 with two decimals and 89.996 with three; 89.96 are 90.0 with one.
    for decimals, expected in ((1, ["A", "A"]), (2, ["A", "B"]), (3, ["B", "B"])):
        answer = grade(scoring(89.996, 89.96), rules(ABOVE_BELOW, decimals=decimals))
        assert grades_of(answer) == expected
        assert answer.table["score"].tolist() == [89.996, 89.96]
    # Equal as compared is equal in rank.
    assert grade(scoring(89.996, 90.004), rules(ABOVE_BELOW)).table["rank"].tolist() == [1, 1]
    assert grade(scoring(89.996, 90.004), rules(ABOVE_BELOW, decimals=3)).table["rank"].tolist() == [2, 1]


# ---------------------------------------------------------------- tenants, vetoes, factors


def test_a_tenant_that_follows_its_owner_does_not_escape_its_own_veto():
    on = links((0, 7, "owner", 9.0), (1, 7, "tenant", 5.0), (2, 7, "tenant", 4.0))
    firms = scoring(95, 95, 95, v=[False, True, False])
    answer = grade(firms, rules(ABOVE_BELOW, tenants_follow_owner=True, veto=VETO), links=on)
    assert grades_of(answer) == ["A", "C", "A"]
    assert answer.table["reason"].fillna("—").tolist() == ["—", "veto", "follows_owner"]
    assert answer.table["reason_en"][1] == "follows the owner 0厂; environment: C at best"
    assert answer.table["reason_zh"][1] == "随产权人0厂；环保：最高为 C"
    # An owner that is C itself is not lowered further.
    low = grade(
        scoring(10, 95, v=[False, True]), rules(ABOVE_BELOW, tenants_follow_owner=True, veto=VETO), links=on[:2]
    )
    assert low.table["reason"].fillna("—").tolist() == ["—", "follows_owner"]


def test_an_exempt_tenant_is_not_counted_among_those_that_follow():
    on = links((0, 7, "owner", 9.0), (1, 7, "tenant", 5.0), (2, 7, "tenant", 4.0))
    exemption = [{"column": "new", "title_zh": "新办", "title_en": "new"}]
    answer = grade(
        scoring(95, 40, 40, new=[False, True, False]),
        rules(ABOVE_BELOW, tenants_follow_owner=True, exemption=exemption),
        links=on,
    )
    assert grades_of(answer) == ["A", "exempt", "A"]
    told = [note.en for note in answer.told]
    assert "all: tenants with the grade of the owner: 1" in told
    assert "all: firms exempt: 1" in told


def test_tenants_whose_owner_is_not_there_are_told():
    rule = rules(ABOVE_BELOW, tenants_follow_owner=True)
    on = links((0, 7, "owner", 9.0), (1, 7, "tenant", 5.0), (2, 8, "tenant", 4.0))
    told = [note.en for note in grade(scoring(95, 40, 40), rule, links=on).told]
    assert "all: tenants whose owner is not among the firms, graded by themselves: 1" in told
    assert not any("no tenant and owner" in note for note in told)
    unknown = grade(scoring(95, 40), rule, links=links((0, 7, None, 9.0), (1, 7, None, 5.0)))
    assert any("no tenant and owner of one parcel are known" in note.en for note in unknown.told)
    assert any("没有查到同一地块的产权人" in note.zh for note in unknown.told)


def test_whoever_a_parcel_names_as_its_owner_is_the_owner():
    land = attach(city.parcels(), city.parks(), None, city.districts(), area="planar", overlap="split")
    # p3 names F2 as its owner by code; F3 rents there by a holding.
    holdings = city.holdings().query("enterprise_code == 'F3'")
    attached = attach_firms(city.enterprises().assign(scale="above"), land, holdings)
    assert attached.links.query("firm == 1")[["way", "relation"]].to_numpy().tolist() == [["owner_code", "owner"]]
    firms = firms_to_grade(attached, city.enterprises())
    answer = grade(firms, rules(ABOVE_BELOW, tenants_follow_owner=True), links=attached.links).table
    assert answer.set_index("firm_id")["reason_en"]["F3"] == "follows the owner 二厂"


def test_of_two_vetoes_the_stricter_is_told():
    vetoes = [
        {"column": "v", "grade_at_most": "C", "title_zh": "环保", "title_en": "environment"},
        {"column": "w", "grade_at_most": "B", "title_zh": "安全", "title_en": "safety"},
    ]
    firms = scoring(95, 95, 95, v=[True, False, True], w=[True, True, False])
    for order in (vetoes, vetoes[::-1]):
        answer = grade(firms, rules(ABOVE_BELOW, veto=order))
        assert grades_of(answer) == ["C", "B", "C"]
        assert answer.table["reason_en"].tolist() == [
            "environment: C at best", "safety: B at best", "environment: C at best"
        ]  # fmt: skip


def test_different_factors_on_one_parcel_are_not_called_unknown():
    firms = scoring(50, 50, 50, 50, k=[0.9, 1.0, None, 1.0])
    on = links((0, 7, None, 1.0), (1, 7, None, 1.0), (2, 8, None, 1.0), (3, 8, None, 1.0))
    answer = grade(firms, rules(method="parcel", factor="k"), links=on).table
    assert answer["reason"].tolist() == ["no_factor"] * 4
    assert "different correction factors" in answer["reason_en"][0]
    assert "修正系数不一致" in answer["reason_zh"][1]
    assert answer["reason_en"].tolist()[2:] == ["no score: the correction factor is not known"] * 2


# ---------------------------------------------------------------- benchmarks and validity


def test_where_nobody_is_above_0_a_known_0_is_no_points_and_not_unknown():
    answer = grade(scoring(0, 0, math.nan), rules(indicator=one_indicator(benchmark="best")))
    assert answer.table["score"].fillna(-1).tolist() == [0.0, 0.0, -1]
    assert answer.table["reason"].tolist() == ["no_classes", "no_classes", "missing"]
    less = grade(scoring(0, math.nan), rules(indicator=one_indicator(benchmark="best", direction="less")))
    assert less.table["score"].fillna(-1).tolist() == [100.0, -1]  # less is better, and nothing is the least


def test_a_whole_number_is_a_benchmark_like_any_other():
    rule = rules()
    (group,) = rule.groups
    whole = dataclasses.replace(group, criteria=(dataclasses.replace(group.criteria[0], benchmark=2),))
    answer = grade(scoring(100, 400), dataclasses.replace(rule, groups=(whole,)))
    # 1 and 4 万元/亩 against 2; the best of them would give 25 and 100.
    assert answer.table["score"].tolist() == [50.0, 200.0]


def test_a_rule_for_stated_days_is_told_beside_data_of_another_year():
    dated = ruled() | {"valid_from": date(2021, 1, 1), "valid_to": date(2021, 12, 31)}
    told = [note.en for note in grade(scoring(90), read_rules(dated, "mine.toml"), 2022).told]
    assert any("data of 2021-01-01 – 2021-12-31, the firms are of 2022" in note for note in told)
    assert not any("benchmarks change" in note.en for note in grade(scoring(90), read_rules(dated, "m"), 2021).told)
    still = read_rules(ruled() | {"valid_from": date(2021, 1, 1)}, "mine.toml")
    assert (still.covers(2020), still.covers(2021), still.covers(2030)) == (False, True, True)
    assert not any("benchmarks change" in note.en for note in grade(scoring(90), still, 2030).told)


def test_a_rule_file_saved_with_a_mark_in_front_is_read(tmp_path):
    plain_file = written(tmp_path, "plain.toml", id='"mine"')
    marked = tmp_path / "marked.toml"
    marked.write_text(plain_file.read_text("utf-8"), "utf-8-sig")
    assert marked.read_bytes()[:3] == b"\xef\xbb\xbf"
    assert load_rules(marked).id == "mine"


def test_a_message_names_no_word_where_none_comes_near(tmp_path):
    for wrong in (
        lambda: read_rules(ruled() | {"zzzzzz": 1}, "mine.toml"),
        lambda: load_rules("杭州"),
        lambda: rules_from_project({"qqqq": TAX}),
        lambda: grade(scoring(80), rules(bonus="奖励分")),
    ):
        with pytest.raises((StandardError, ProjectError)) as caught:
            wrong()
        assert "None" not in caught.value.en
        assert "None" not in caught.value.zh


# ---------------------------------------------------------------- firms of one id


def twins():
    """Two rows of one id: 75 points and 50 points."""
    firms = scoring(75, 50).assign(firm_id=pd.array(["F", "F"], dtype="string"))
    return grade(firms, rules(ABOVE_BELOW))


def test_two_rows_of_one_id_keep_what_is_theirs_in_the_results():
    first, second = rating_results(Ratings(grades=twins()))["grades"]
    assert [one["score"] for one in first["contributions"]] == [75.0]
    assert [one["score"] for one in second["contributions"]] == [50.0]
    assert (first["next"]["grade"], first["next"]["lacking"]) == ("A", 90 - 75.0)
    assert (second["next"]["grade"], second["next"]["lacking"]) == ("B", 60 - 50.0)


def test_two_rows_of_one_id_keep_what_is_theirs_in_the_workbook():
    columns = rating_tables(SimpleNamespace(language="en"), Ratings(grades=twins()))["grades"]
    values = {one.key: one.values for one in columns}  # noqa: PD011 (a column of a sheet)
    assert values["firm_id"] == ["F", "F"]
    assert values["score"] == values["adds_tax_per_mu"] == [75.0, 50.0]
    assert (values["next_grade"], values["lacking"]) == (["A", "B"], [15.0, 10.0])
