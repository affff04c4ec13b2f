"""Rules of the evidence, exemptions and groups of candidates, against hand tables and other arithmetic."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import tomllib
from datetime import date
from fractions import Fraction
from pathlib import Path

import geopandas as gpd
import hand_city as city
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from cli import main
from geo.firms import attach_firms
from geo.grading.sets import rules_from_project
from geo.land import attach
from geo.renewal import Rule, Rules, Sources, Test, find_candidates
from geo.renewal.exemptions import read_overrides
from geo.renewal.groups import group_numbers, group_shapes
from geo.renewal.rule_tables import pick_ready, read_rule_file, read_rules, ready_rules
from geo.renewal.rules import Override
from layers.errors import ProjectError, SourceError, StandardError
from layers.example import make

CASES = tomllib.loads((Path(__file__).parent / "cases" / "candidates.toml").read_text("utf-8"))
DAYS = ("agreed_start", "started", "suspended_since")
AS_OF = date(2025, 12, 31)


def blocks(n, **columns):
    """n industrial squares of 10,000 m² in a row, 10 m apart."""
    shapes = [(110 * i, 0, 110 * i + 100, 100) for i in range(n)]
    return city.layer(shapes, parcel_id=[f"p{i}" for i in range(n)], land_use_code=["0601"] * n, **columns)


def only(*rules, **more):
    return Rules(standard_rules=False, rules=rules, **more)


def search(parcels, *rules, firms=None, parks=None, **more):
    """Look for candidates by some rules alone; returns them and the ids found by code."""
    land = attach(parcels, parks, area="planar", overlap="split")
    attached = None if firms is None else attach_firms(firms, land, as_of=AS_OF)
    if firms is not None and "year" in firms:
        more = {"enterprises": firms, **more}
    found = find_candidates(land, attached, only(*rules), Sources(land, attached, AS_OF, **more))
    ids = land.parcels["parcel_id"]
    told = {}
    for row in found.evidence.itertuples():
        told.setdefault(row.code, set()).add(ids[row.parcel])
    return found, told


# ---------------------------------------------------------------- idle land


@pytest.mark.parametrize("case", CASES["idle"], ids=lambda case: case["name"])
def test_idle_land_by_hand(case):
    columns = {name: pd.to_datetime([case.get(name)]) for name in DAYS}
    amounts = ("developed_m2", "to_develop_m2", "invested_cny", "investment_planned_cny")
    columns |= {name: [case[name]] for name in amounts if name in case}
    columns |= {name: [case[name]] for name in ("status", "government_delay") if name in case}
    land = attach(blocks(1, **columns), area="planar")
    rule = ready_rules()["idle_land"]
    # Added by hand it is listed whatever was found, so that what is missing is told.
    listed = (Override("p0", "add", "张", "2025-12-31", "核查"),)
    found = find_candidates(land, None, only(rule, overrides=listed), Sources(land, as_of=case["as_of"]))
    idle = found.evidence[found.evidence["code"] == "idle_land"]
    assert len(idle) == (case["idle"] is True)
    if case["idle"] is True:
        assert idle["measure"].item() == case["why"]
        whole, _, part = case["value"].rpartition(" + ")
        expected = Fraction(whole or 0) + Fraction(part.replace(" ", ""))
        assert idle["value"].item() == pytest.approx(float(expected))
        assert "第53号" in idle["source"].item()
    lacking = set(found.table["missing"].item()) - {"tax_per_mu", "plot_ratio", "building_density"}
    assert lacking == set(case.get("lacking", ()))


def test_the_example_city_lies_idle_where_plain_python_says_so(tmp_path):
    runner = CliRunner()
    done = runner.invoke(main, ["demo", "-o", str(tmp_path / "demo"), "--parcels", "1500", "--seed", "7", "-q"])
    assert done.exit_code == 0, done.output
    document = json.loads((tmp_path / "demo" / "results.json").read_text("utf-8"))
    idle = {
        row["parcel_id"] for row in document["candidates"] if any(one["code"] == "idle_land" for one in row["evidence"])
    }
    known = make(parcels=1500, seed=7).truth["idle_land"]
    assert known
    assert idle == set(known)
    groups = document["candidate_groups"]
    sizes = pd.Series([row["group"] for row in document["candidates"]]).value_counts()
    assert {row["group"]: row["parcels"] for row in groups} == {row["group"]: sizes[row["group"]] for row in groups}
    assert all(row["area_m2"] >= 10_000 for row in groups)
    assert document["candidate_exemptions"] == []


# ---------------------------------------------------------------- measures and their limits


def test_a_mean_is_the_ratio_of_sums_of_the_zone_and_of_the_industry():
    parks = city.layer(
        [(0, -50, 210, 150), (215, -50, 430, 150)], park_id=["A", "B"], park_name=["甲", "乙"],
        zone_id=["Z1", "Z2"], zone_name=["一区", "二区"],
    )  # fmt: skip
    # Zone 1: p0 1.0 on 10,000, p1 0.2; zone 2: p2 0.5, p3 0.1. Outside: p4.
    parcels = blocks(
        5, floor_area_m2=[10_000.0, 2000.0, 5000.0, 1000.0, 500.0], industry_code=["C34", "39", "3411", "3912", None]
    )
    zone = Rule("zone", (Test("plot_ratio", of_mean=0.5, within="zone"),))
    industry = Rule("industry", (Test("plot_ratio", of_mean=0.5, within="industry"),))
    found, told = search(parcels, zone, industry, parks=parks)
    limits = found.limits.set_index(["code", "scope"])["limit"]
    assert limits["zone", "一区"] == pytest.approx(0.5 * 12_000 / 20_000)
    assert limits["zone", "二区"] == pytest.approx(0.5 * 6000 / 20_000)
    assert limits["industry", "34"] == pytest.approx(0.5 * 15_000 / 20_000)
    assert limits["industry", "39"] == pytest.approx(0.5 * 3000 / 20_000)
    assert told == {"zone": {"p1", "p3"}}  # 0.2 < 0.3, 0.1 < 0.15; no machinery below 0.375, no electronics below 0.075
    assert found.table["missing"].tolist() == [["tax_per_mu", "building_density"]] * 2


def test_no_ratios_are_averaged():
    # 1.0 on 10,000 m² and 0.2 on 30,000 m²: 16,000 / 40,000, not (1.0 + 0.2) / 2.
    parcels = city.layer(
        [(0, 0, 100, 100), (200, 0, 500, 100)], parcel_id=["p0", "p1"], land_use_code=["0601"] * 2,
        industry_code=["34", "34"], floor_area_m2=[10_000.0, 6000.0],
    )  # fmt: skip
    for within in ("city", "industry"):
        found, told = search(parcels, Rule("low", (Test("plot_ratio", of_mean=0.51, within=within),)))
        assert found.limits["limit"].item() == pytest.approx(0.51 * 0.4)
        assert told == {"low": {"p1"}}


def test_what_lies_in_no_zone_has_no_limit_and_says_so():
    zone = Rule("zone", (Test("plot_ratio", of_mean=0.5, within="zone"),))
    low = Rule("low", (Test("plot_ratio", limit=9.0),))
    parks = city.layer([(0, -50, 50, 150)], park_id=["A"], park_name=["甲"])
    found, told = search(blocks(2, floor_area_m2=[100.0, 100.0]), zone, low, parks=parks)
    assert told == {"low": {"p0", "p1"}}
    missing = dict(zip(found.table["parcel_id"], found.table["missing"], strict=True))
    assert "zone" in missing["p1"]
    assert "zone" not in missing["p0"]


@settings(max_examples=25, deadline=None)
@given(
    floors=st.lists(st.integers(0, 40_000), min_size=4, max_size=12),
    share=st.sampled_from([0.1, 0.25, 0.5, 0.9]),
    side=st.sampled_from(["below", "above"]),
)
def test_a_quantile_is_that_of_the_values(floors, share, side):
    test = Test("plot_ratio", side, quantile=share)
    found, told = search(blocks(len(floors), floor_area_m2=[float(one) for one in floors]), Rule("q", (test,)))
    ratios = [one / 10_000 for one in floors]
    cuts = statistics.quantiles(ratios, n=20, method="inclusive")
    limit = cuts[round(share * 20) - 1]
    assert found.limits["limit"].item() == pytest.approx(limit)
    clear = [i for i, one in enumerate(ratios) if abs(one - limit) > 1e-9]
    expected = {f"p{i}" for i in clear if (ratios[i] < limit if side == "below" else ratios[i] > limit)}
    assert told.get("q", set()) & {f"p{i}" for i in clear} == expected


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_no_order_of_parcels_moves_a_limit(data):
    floors = data.draw(st.lists(st.floats(0, 1e5), min_size=3, max_size=9))
    order = data.draw(st.permutations(range(len(floors))))
    parcels = blocks(len(floors), floor_area_m2=floors)
    rule = Rule("low", (Test("plot_ratio", of_mean=0.7),))
    (one, first), (two, second) = (search(frame, rule) for frame in (parcels, parcels.iloc[list(order)]))
    assert one.limits["limit"].tolist() == two.limits["limit"].tolist()
    assert first == second


def test_tests_are_combined_in_three_values():
    parcels = blocks(4, floor_area_m2=[1000.0, 1000.0, None, 9000.0], status=["闲置", "在用", "闲置", None])
    low, vacant = Test("plot_ratio", limit=0.5), Test("vacant")
    found, told = search(parcels, Rule("both", (low, vacant)), Rule("either", (low, vacant), combine="any"))
    assert told == {"both": {"p0"}, "either": {"p0", "p1", "p2"}}
    assert found.table.set_index("parcel_id")["strength"].to_dict() == {"p0": 2, "p1": 1, "p2": 1}
    pieces = found.evidence[(found.evidence["code"] == "both")]
    assert pieces["measure"].tolist() == ["plot_ratio", "vacant"]  # one piece a test, one kind of evidence


def firms_of_years(taxes):
    """One firm a parcel and year, 10,000 m² each; a missing tax is missing."""
    rows = [
        {"enterprise_code": f"F{i}", "parcel_id": f"p{i}", "year": year, "tax_cny": tax, "land_registered_m2": 10_000.0,
         "scale": "above", "industry_code": "3411", "output_cny": 1e6}
        for year, taxed in taxes.items()
        for i, tax in enumerate(taxed)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_years_running_must_all_be_low():
    # 15 mu each: 150,000 yuan is 1 万元/亩.
    firms = firms_of_years({2023: [1e5, 1e5, 1e5], 2024: [1e5, 9e5, None], 2025: [1e5, 1e5, 1e5]})
    for years, expected in ((1, {"p0", "p1", "p2"}), (2, {"p0"}), (3, {"p0"})):
        found, told = search(blocks(3), Rule("low", (Test("tax_per_mu", limit=1.0, years=years),)), firms=firms)
        assert told["low"] == expected
        assert found.evidence["value"].tolist() == [pytest.approx(10 / 15)] * len(expected)
    found, told = search(blocks(3), Rule("low", (Test("tax_per_mu", limit=1.0, years=4),)), firms=firms)
    assert not told
    assert "low" not in found.facts
    assert "2023" in found.notes[0].zh


def test_a_gap_between_the_years_is_no_run():
    firms = firms_of_years({2023: [1e5], 2025: [1e5]})
    found, told = search(blocks(1), Rule("low", (Test("tax_per_mu", limit=1.0, years=2),)), firms=firms)
    assert not told
    assert len(found.notes) == 1


def test_land_under_constraints_is_counted_once():
    constraints = gpd.GeoDataFrame(
        {"kind": ["redline", "farmland", "water"]},
        geometry=[city.box(0, 0, 30, 100), city.box(20, 0, 50, 100), city.box(0, 0, 100, 100)],
        crs=city.CRS,
    )
    found, _ = search(blocks(2), ready_rules()["under_constraint"], constraints=constraints)
    assert found.table["parcel_id"].tolist() == ["p0"]
    assert found.evidence["value"].item() == pytest.approx(0.5)  # 0–30 and 20–50 cover 50 of 100 m
    assert found.groups["constrained_m2"].tolist() == [5000.0]
    none, _ = search(blocks(1, status=["闲置"]), ready_rules()["under_constraint"], Rule("vacant", (Test("vacant"),)))
    assert none.table["missing"].item().count("constraint_share") == 1
    assert none.groups["constrained_m2"].isna().all()


def test_buildings_tell_their_age_and_height_by_footprint():
    # p0: 100 m² of 1990 and 300 m² of 2010: mean 2005, 20 years; heights 10 and 30: 25 m.
    stock = city.layer(
        [(0, 0, 10, 10), (20, 0, 40, 15), (110, 0, 130, 10)],
        building_id=["a", "b", "c"], floors=[1, 1, 1], built_year=[1990, 2010, None], height_m=[10.0, 30.0, 5.0],
    )  # fmt: skip
    land = attach(blocks(2), None, stock, area="planar")
    rules = only(
        Rule("old", (Test("building_age", "above", limit=19.0),)), Rule("high", (Test("building_height", limit=26.0),))
    )
    found = find_candidates(land, None, rules, Sources(land, as_of=AS_OF))
    told = found.evidence.assign(id=land.parcels["parcel_id"].iloc[found.evidence["parcel"]].to_numpy())
    assert list(zip(told["id"], told["code"], strict=True)) == [("p0", "old"), ("p0", "high"), ("p1", "high")]
    assert told["value"].tolist() == [pytest.approx(20.0), pytest.approx(25.0), pytest.approx(5.0)]


# ---------------------------------------------------------------- states


def test_supplied_and_built_by_class_by_day_and_by_building():
    stock = city.layer([(330, 0, 340, 10), (440, 0, 450, 10)], building_id=["a", "b"], floors=[1, 1])
    parcels = blocks(
        6,
        supply_class=["D21", "E21", None, "D21", None, None],
        agreed_start=pd.to_datetime([None, None, "2020-01-01", None, None, "2027-01-01"]),
        status=["在用", "在用", "在用", "停产", "闲置", "在用"],
    )
    land = attach(parcels, None, stock, area="planar")
    rules = only(ready_rules()["unbuilt"], ready_rules()["unused"])
    found = find_candidates(land, None, rules, Sources(land, as_of=AS_OF))
    ids = found.table.set_index("parcel")["parcel_id"]
    told = {(ids[row.parcel], row.code) for row in found.evidence.itertuples()}
    # p1 is still to be supplied, p5 will be: nobody tells that it is.
    assert told == {("p0", "unbuilt"), ("p2", "unbuilt"), ("p3", "unused"), ("p4", "unused")}


def test_planned_for_another_use():
    found, told = search(
        blocks(3, planned_use_code=["0601", "0701", None], status=["闲置"] * 3),
        ready_rules()["planned_use_differs"], Rule("vacant", (Test("vacant"),)),
    )  # fmt: skip
    assert told["planned_use_differs"] == {"p1"}
    sums = found.groups[["planned_other_m2", "planned_unknown_m2"]].sum()
    assert sums.tolist() == [10_000.0, 10_000.0]
    missing = dict(zip(found.table["parcel_id"], found.table["missing"], strict=True))
    assert "planned_use_code" in missing["p2"]


def test_industry_that_leads_no_output_of_its_zone():
    parks = city.layer([(0, -50, 330, 150)], park_id=["A"], park_name=["甲"], zone_id=["Z"], zone_name=["一区"])
    firms = pd.DataFrame(
        {"enterprise_code": ["a", "b", "c"], "parcel_id": ["p0", "p1", "p2"],
         "industry_code": ["3411", "C3482", "2710"], "output_cny": [60.0, 60.0, 100.0], "land_registered_m2": [1e4] * 3}
    )  # fmt: skip
    rule = Rule("other", (Test("not_leading"),))
    _, told = search(blocks(4), rule, firms=firms, parks=parks)
    assert told == {"other": {"p2"}}  # machinery has 120 of 220; p3 lies outside
    _, told = search(blocks(4), rule, firms=firms, parks=parks, leading=["271", "3482"])
    assert told == {"other": {"p0"}}


def test_graded_d_two_years_running():
    scores = {"above": {"tax_per_mu": {"weight": 100, "benchmark": 10}}}
    grading = rules_from_project(scores, [{"grade": "A", "score_at_least": 50}, {"grade": "D"}])
    firms = firms_of_years({2024: [1e5, 9e5, 1e5], 2025: [1e5, 1e5, None]})
    found, told = search(blocks(3), ready_rules()["grade_d"], firms=firms, grading=grading)
    assert told == {"grade_d": {"p0"}}  # p1 was an A in 2024, p2 has no tax in 2025
    assert "2024、2025" in found.evidence["basis_zh"].item()
    found, told = search(blocks(3), ready_rules()["grade_d"], firms=firms)
    assert not told
    assert "grade.rules" in found.notes[0].en


CONTROL = '[control]\nedition = "2008"\ncode_edition = "2002"\n'


def test_land_below_the_control_indicators(tmp_path):
    # Division 13 asks for 1.0, a coefficient of 30 %; p2 has no code.
    parcels = blocks(
        3, industry_code=["13", "1310", None], floor_area_m2=[9000.0, 11_000.0, 100.0],
        building_base_m2=[2000.0, 4000.0, 100.0], yard_area_m2=[500.0, 0.0, 0.0],
    )  # fmt: skip
    empty = dict.fromkeys(("parks", "buildings", "districts", "enterprises", "holdings"))
    folder = city.write(tmp_path / "city", CONTROL, **empty, parcels=parcels)
    rules = ["--set", "candidates.plot_ratio_of_mean=0", "--set", "candidates.building_density_of_mean=0"]
    done = CliRunner().invoke(main, ["candidates", str(folder), "--json", "-q", *rules])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["candidates"]
    assert [row["parcel_id"] for row in rows] == ["p0"]
    pieces = [(one["measure"], one["value"], one["limit"]) for one in rows[0]["evidence"]]
    assert pieces == [("plot_ratio", 0.9, 1.0), ("building_coefficient", 0.25, 0.3)]
    assert all("24号" in one["source"] for one in rows[0]["evidence"])
    assert rows[0]["strength"] == 1


# ---------------------------------------------------------------- exemptions and decisions by hand

VACANT = Rule("vacant", (Test("vacant"),))


def exempted(parcels, firms=None, **rules):
    land = attach(parcels, area="planar")
    attached = None if firms is None else attach_firms(firms, land)
    found = find_candidates(land, attached, only(VACANT, **rules), Sources(land, attached, AS_OF))
    return found, dict(zip(found.exempt["parcel_id"], found.exempt["code"], strict=True))


def test_new_firms_new_land_and_utilities_are_exempt_and_told():
    firms = pd.DataFrame(
        {"enterprise_code": ["old", "new", "big"], "parcel_id": ["p0", "p0", "p1"],
         "founded": pd.to_datetime(["1999-01-01", "2024-06-01", "2023-01-01"]),
         "land_registered_m2": [100.0, 9000.0, 1e4], "industry_code": ["3411"] * 3}
    )  # fmt: skip
    holdings = pd.DataFrame(
        {
            "enterprise_code": ["old", "new", "big"],
            "parcel_id": ["p0", "p0", "p1"],
            "land_area_m2": [6000.0, 4000.0, 1e4],
        }
    )
    parcels = blocks(
        5, status=["闲置"] * 5, started=pd.to_datetime([None, None, "2025-01-01", None, None]),
        industry_code=["3411", "3411", "3411", "D4411", None],
    )  # fmt: skip
    land = attach(parcels, area="planar")
    attached = attach_firms(firms, land, holdings)
    rules = only(VACANT, new_firm_years=3, new_land_years=2, exempt_industries=("44", "D45"))
    found = find_candidates(land, attached, rules, Sources(land, attached, AS_OF))
    told = dict(zip(found.exempt["parcel_id"], found.exempt["code"], strict=True))
    # The old firm has most land on p0; nobody knows a day or a code of p4.
    assert told == {"p1": "new_firm", "p2": "new_land", "p3": "exempt_industry"}
    assert set(found.table["parcel_id"]) == {"p0", "p4"}
    assert "2023-01-01" in found.exempt.set_index("parcel_id").loc["p1", "reason_en"]
    assert found.facts["decision"].value_counts().to_dict() == {"": 2, "exempt": 3}
    assert found.judged == 5


def test_three_years_to_the_day_is_no_new_firm():
    firms = pd.DataFrame({"enterprise_code": ["a", "b"], "parcel_id": ["p0", "p1"],
                          "founded": pd.to_datetime(["2022-12-31", "2023-01-01"])})  # fmt: skip
    _, told = exempted(blocks(2, status=["闲置"] * 2), firms, new_firm_years=3)
    assert told == {"p1": "new_firm"}


def test_decisions_by_hand_go_before_the_settings():
    parcels = blocks(4, status=["闲置", "闲置", "在用", "闲置"], started=pd.to_datetime(["2025-06-01"] * 3 + [None]))
    made = [Override("p0", "keep", "张", "2025-11-01", "已核实"), Override("p2", "add", "李", "2025-11-02", "群众举报"),
            Override("p3", "drop", "王", "2025-11-03", "已签约")]  # fmt: skip
    found, told = exempted(parcels, new_land_years=3, overrides=tuple(made))
    assert told == {"p1": "new_land", "p3": "drop_by_hand"}
    assert set(found.table["parcel_id"]) == {"p0", "p2"}
    added = found.evidence[found.evidence["code"] == "added"]
    assert added["basis_zh"].item() == "群众举报（李，2025-11-02）"
    assert found.exempt.set_index("parcel_id").loc["p3", "reason_zh"] == "已签约（王，2025-11-03）"


def test_a_decision_on_no_parcel_is_refused():
    made = (Override("p9", "drop", "王", "2025-11-03", "已签约", "核定.csv, line 2"),)
    with pytest.raises(StandardError, match=r"1 of 1 decisions .*核定.csv, line 2: p9.*Did you mean"):
        exempted(blocks(2, status=["闲置"] * 2), overrides=made)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("p0,drop,,2025-11-01,x", "author"),
        ("p0,drop,王,,x", "date"),
        ("p0,drop,王,2025-11-01,", "reason"),
        ("p0,dorp,王,2025-11-01,x", 'Did you mean "drop"'),
        ("p0,drop,王,2025-13-01,x", "expected a day"),
        (",drop,王,2025-11-01,x", "parcel_id"),
    ],
)
def test_a_decision_needs_author_date_and_reason(tmp_path, row, told):
    file = tmp_path / "核定.csv"
    file.write_text(f"地块编号,决定,核定人,日期,理由\np1,保留,李,2025/11/01,y\n{row}\n", encoding="utf-8")
    with pytest.raises(StandardError, match=told) as caught:
        read_overrides(file)
    assert "line 3" in str(caught.value)


def test_decisions_are_read_in_both_languages(tmp_path):
    file = tmp_path / "核定.csv"
    file.write_text(
        "地块编号,决定,核定人,日期,理由\np1,保留,李,2025/11/01,y\np2,add,Li,2025-11-02,z\n", encoding="gb18030"
    )
    assert [(one.decision, one.date) for one in read_overrides(file)] == [("keep", "2025-11-01"), ("add", "2025-11-02")]
    file.write_text(
        "地块编号,决定,核定人,日期,理由\np1,保留,李,2025-11-01,y\np1,剔除,李,2025-11-02,z\n", encoding="utf-8"
    )
    with pytest.raises(StandardError, match="stand twice"):
        read_overrides(file)


# ---------------------------------------------------------------- rules as people write them


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"code": "low_tax", "mesure": "tax_per_mu", "below": 1}, "nearest: measure"),
        ({"code": "low_tax", "measure": "tax_pr_mu", "below": 1}, "nearest: tax_per_mu"),
        ({"code": "low_tax", "measure": "tax_per_mu"}, "expected one of below"),
        ({"code": "low_tax", "measure": "tax_per_mu", "below": 1, "of_mean": 0.3}, "found below, of_mean"),
        ({"code": "low_tax", "measure": "tax_per_mu", "below": "1"}, "a number"),
        ({"code": "low_tax", "measure": "tax_per_mu", "below": -1}, "0 or more"),
        ({"code": "low_tax", "measure": "tax_per_mu", "quantile": 10}, "between 0 and 1"),
        ({"code": "low_tax", "measure": "tax_per_mu", "of_mean": 1, "within": "park"}, "expected one of city"),
        ({"code": "low_tax", "measure": "tax_per_mu", "below": 1, "within": "zone"}, "does not take within"),
        ({"code": "low_tax", "measure": "plot_ratio", "below": 1, "years": 2}, "does not take years"),
        ({"code": "low_tax", "measure": "tax_per_mu", "below": 1, "years": 0}, "expected 1 to 20"),
        ({"code": "low_tax", "state": "idel"}, "nearest: idle"),
        ({"code": "low_tax", "state": "idle", "below": 1}, "does not take below"),
        ({"code": "low_tax", "state": "grade", "grades": [1]}, "expected texts"),
        ({"code": "low_tax", "state": "vacant", "any_of": [{"state": "idle"}]}, "found state, any_of"),
        ({"code": "low_tax", "all_of": [{"state": "idle", "code": "x"}]}, r'all_of\[1\]: unknown key "code"'),
        ({"code": "low_tax"}, "found none"),
        ({"measure": "tax_per_mu", "below": 1}, '"code" is missing'),
        ({"code": "Low tax", "measure": "tax_per_mu", "below": 1}, "small letters"),
        ({"code": "mine", "measure": "tax_per_mu", "below": 1}, "needs title_zh and title_en"),
        ({"code": "mine", "title_zh": "差", "measure": "tax_per_mu", "below": 1}, "or neither"),
    ],
)
def test_a_rule_that_is_not_whole_is_refused(table, told):
    with pytest.raises(StandardError, match=told) as caught:
        read_rules([table], "candidates.rules")
    assert caught.value.zh
    assert caught.value.text("zh") != caught.value.text("en")


def test_a_code_stands_once_and_a_file_holds_rules(tmp_path):
    rule = {"code": "low_tax", "measure": "tax_per_mu", "below": 1}
    with pytest.raises(StandardError, match="stands twice"):
        read_rules([rule, rule], "x")
    file = tmp_path / "rules.toml"
    file.write_text('[[rules]]\ncode = "idle_land"\nstate = "idle"\nsource = "地方规定"\n', encoding="utf-8")
    assert read_rule_file(file)[0].source == "地方规定"
    file.write_text("rules = 1\n[more]\n", encoding="utf-8")
    with pytest.raises(StandardError, match="more"):
        read_rule_file(file)
    file.write_text("rules = [", encoding="utf-8")
    with pytest.raises(StandardError, match="TOML"):
        read_rule_file(file)
    with pytest.raises(SourceError, match="cannot be read"):
        read_rule_file(tmp_path / "none.toml")


def test_no_ready_made_rule_pretends_to_be_official():
    sourced = {rule.code for rule in ready_rules().values() if rule.source != "project"}
    assert sourced == {"idle_land"}


RULES = """[candidates]
standard_rules = false
also = ["unbuilt"]
group_within_m = 20
overrides = "核定.csv"

[[candidates.rules]]
code = "poor"
title_zh = "效益<b>差</b>"
title_en = "poor yield"
source = "示例规定第3条"
any_of = [ { measure = "tax_per_mu", of_mean = 0.9 }, { state = "vacant" } ]
"""


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    folder = city.write(tmp_path_factory.mktemp("hand") / "city", RULES)
    (folder / "核定.csv").write_text(
        "地块编号,决定,核定人,日期,理由\np1,剔除,=王,2025-11-01,已签约\n", encoding="utf-8"
    )
    done = CliRunner().invoke(main, ["report", str(folder), "-o", str(folder.parent / "out"), "-q"])
    assert done.exit_code == 0, done.output
    return folder, folder.parent / "out"


def test_rules_of_a_project_reach_every_output(reported):
    folder, out = reported
    document = json.loads((out / "results.json").read_text("utf-8"))
    # Taxes: p1 300,000 of F1 on 15 mu, p2 as much, p3 1,000,000 on 30 mu: the mean is 26.7, nine tenths of it 24.
    assert {row["parcel_id"] for row in document["candidates"]} == {"p2", "p4"}
    assert document["candidates"][0]["evidence"][0]["source"] == "示例规定第3条"
    assert [row["parcel_id"] for row in document["candidate_exemptions"]] == ["p1"]
    assert document["candidate_groups"][0]["first_parcel"] == "p4"
    page = (out / "report.html").read_text("utf-8")
    assert "效益&lt;b&gt;差&lt;/b&gt;" in page
    assert "效益<b>差</b>" not in page
    assert "示例规定第3条" in page
    assert "已签约" in page
    sheet = openpyxl.load_workbook(out / "report.xlsx")["低效清单"]
    head = [cell.value for cell in sheet[1]]
    decisions = {sheet.cell(row, head.index("地块编号") + 1).value: sheet.cell(row, head.index("核定") + 1).value
                 for row in range(2, sheet.max_row + 1)}  # fmt: skip
    assert decisions["p1"] == "人工剔除"
    groups = gpd.read_file(out / "results.gpkg", layer="candidate_groups")
    assert groups["group"].tolist() == [1, 2]
    shown = CliRunner().invoke(main, ["candidates", str(folder), "-q"]).stdout
    for word in ("效益<b>差</b>（亩均税收）", "连片候选", "已签约", "不构成低效用地认定"):
        assert word in shown
    english = CliRunner().invoke(main, ["candidates", str(folder), "-q", "--lang", "en"]).stdout
    for word in ("poor yield (Tax per mu)", "contiguous groups", "not a legal finding"):
        assert word in english


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("candidates.also=idle_lnd", 'Did you mean "idle_land"'),
        ("candidates.rules=none.toml", "cannot be read"),
        ("candidates.overides=x.csv", 'Did you mean "candidates.overrides"'),
    ],
)
def test_a_slip_in_a_setting_is_told(tmp_path, setting, told):
    folder = city.write(tmp_path / "city")
    done = CliRunner().invoke(main, ["candidates", str(folder), "-q", "--lang", "en", "--set", setting])
    assert done.exit_code in (2, 3)
    assert told in done.output


def test_rules_of_a_code_go_before_the_short_form():
    own = Rule("low_plot_ratio", (Test("plot_ratio", limit=0.1),))
    codes = [rule.code for rule in Rules(rules=(own,)).sought]
    assert codes == ["low_tax", "low_building_density", "vacant", "outside_parks", "low_plot_ratio"]
    with pytest.raises(ProjectError, match="no ready-made rule"):
        pick_ready(["nothing_like_it"])


# ---------------------------------------------------------------- groups


@settings(max_examples=40, deadline=None)
@given(
    places=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=25, unique=True),
    within=st.sampled_from([0.0, 5.0, 12.0, 30.0]),
)
def test_groups_are_what_walking_from_neighbour_to_neighbour_finds(places, within):
    squares = np.array([shapely.box(20 * x, 20 * y, 20 * x + 10 + 2 * (x % 3), 20 * y + 10) for x, y in places])
    area = shapely.area(squares)
    numbers = group_numbers(squares, area, within)
    left, expected = set(range(len(squares))), []
    while left:
        edge = {left.pop()}
        group = set(edge)
        while edge:
            edge = {j for j in left if min(shapely.distance(squares[i], squares[j]) for i in edge) <= within}
            left -= edge
            group |= edge
        expected.append(group)
    found = {frozenset(np.flatnonzero(numbers == one).tolist()) for one in set(numbers.tolist())}
    assert found == {frozenset(group) for group in expected}
    land = [area[numbers == one].sum() for one in range(1, len(found) + 1)]
    assert land == sorted(land, reverse=True)


def test_a_group_sums_its_parcels_and_leaves_roads_open():
    parcels = blocks(4, status=["闲置"] * 4, owner_code=["a", "a", None, "b"], floor_area_m2=[100.0, None, 1e5, 1e5])
    parcels.geometry = [*parcels.geometry[:2], city.box(220, 0, 270, 100), city.box(5000, 0, 5100, 100)]
    districts = city.layer([(-10, -10, 150, 200), (150, -10, 9000, 200)], district_name=["东区", "西区"])
    land = attach(parcels, None, None, districts, area="planar")
    low = Rule("low", (Test("plot_ratio", limit=0.5),))
    rules = only(VACANT, low, group_within_m=10.0, group_minimum_m2=20_000.0)
    found = find_candidates(land, None, rules, Sources(land, as_of=AS_OF))
    assert len(found.groups) == 1
    group = found.groups.iloc[0]
    assert (group["parcels"], group["area_m2"], group["owners"]) == (3, 25_000.0, 1)
    # Strengths 2, 1, 1 on 10,000, 10,000 and 5,000 m².
    assert group["strength"] == pytest.approx(float(Fraction(2 * 10_000 + 10_000 + 5000, 25_000)))
    assert pd.isna(group["firms"])
    assert pd.isna(group["park"])
    assert group["district"] == "西区"  # 15,000 of 25,000 m²
    shape = group_shapes(found.table, land.parcels.geometry, found.groups["group"]).iloc[0]
    assert shape.area == pytest.approx(25_000)
    assert shapely.get_num_geometries(shape) == 3
    assert set(found.table["group"]) == {1, 2}  # the small one has its number all the same


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_the_workbook_recomputes_verdicts_and_groups(reported, tmp_path):
    _, out = reported
    bare = tmp_path / "bare.xlsx"
    openpyxl.load_workbook(out / "report.xlsx").save(bare)  # openpyxl drops every value a formula had
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    command = ["soffice", profile, "--headless", "--convert-to", "xlsx", "--outdir", str(tmp_path / "out"), str(bare)]
    subprocess.run(command, capture_output=True, timeout=120, check=False)
    again = openpyxl.load_workbook(tmp_path / "out" / "bare.xlsx", data_only=True)
    before = openpyxl.load_workbook(out / "report.xlsx", data_only=True)
    for name in ("低效清单", "连片候选"):
        rows, expected = ([[cell.value for cell in row] for row in book[name].iter_rows()] for book in (again, before))
        for row, wanted in zip(rows, expected, strict=True):
            for one, other in zip(row, wanted, strict=True):
                assert (one or None) == (pytest.approx(other) if other and isinstance(other, float) else other or None)
