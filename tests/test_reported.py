"""Reported statistics against the clauses: hand table, units, places, and rows that are wrong."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import hand_city as city
import pandas as pd
import pytest
from click.testing import CliRunner

import cli
from geo.assessment import assess
from geo.reported import reported
from geo.standards import Kinds
from layers.errors import ProjectError
from layers.project import loads

END_2025 = date(2025, 12, 31)
HANGZHOU = ["hangzhou-2023"]


def table(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["statistic", "scope", "year", "value", "unit"])


def held(*rows: tuple, on: date = END_2025, policies: list[str] = HANGZHOU) -> pd.DataFrame:
    return reported(table(*rows), on=on, policies=policies, city="杭州市")


@pytest.mark.parametrize(
    ("row", "level", "met", "gap"),
    [
        # 3 万亿元 = 30,000 亿元 is asked of all zones together; 2.9 万亿 lacks 1,000 亿元.
        (("above_scale_output", "zones", 2025, 29_000, "亿元"), "zones", False, 1_000),
        (("规上企业总产值", "", 2025, 310_000_000, "万元"), "zones", True, -1_000),
        # 3.8 %: a fraction, or per cent with its sign.
        (("above_scale_rd_to_gdp", "开发区合计", 2025, 3.5, "%"), "zones", False, 0.003),
        (("above_scale_rd_to_gdp", "开发区合计", 2025, 0.04, None), "zones", True, -0.002),
        # 1 万亩 = 666.67 ha: 500 ha are 7,500 mu.
        (("renewed_low_efficiency_land", "杭州市", 2025, 500, "公顷"), "city", False, 2_500),
        (("renewed_low_efficiency_land", "全市", 2025, 7, "km2"), "city", True, -500),
        (("high_level_talents_cumulative", "", 2025, 0.35, "万人"), "zones", True, -500),
        # More than 6,000: 6,000 itself is not enough.
        (("national_high_tech_firms", "", 2025, 6000, "家"), "zones", False, 0),
        (("national_high_tech_firms", "", 2025, 6001, None), "zones", True, -1),
        # The unit may stand behind the number; full-width digits are read.
        (("above_scale_output", "zones", 2025, "２９，０００亿元", None), "zones", False, 1_000),
        (("above_scale_rd_to_gdp", "", 2025, "3.5%", None), "zones", False, 0.003),
        # About 10 %: a gap, no verdict.
        (("new_market_entities_growth_per_year", "", 2025, 0.08, None), "zones", None, 0.02),
    ],
)
def test_a_figure_is_held_in_the_unit_of_the_clause(row, level, met, gap):
    found = held(row)
    assert found["level"].tolist() == [level]
    (target,) = found["targets"][0]
    assert target["met"] is met
    assert target["gap"] == pytest.approx(gap, rel=1e-9, abs=1e-9)


def test_the_latest_year_up_to_the_day_is_held():
    rows = [
        ("technology_smes", "", year, value, None) for year, value in ((2023, 9_000), (2025, 12_500), (2024, 11_000))
    ]
    assert held(*rows)["year"].tolist() == [2025]
    assert held(*rows, on=date(2024, 12, 31))["value"].tolist() == [11_000]
    assert held(*rows, on=date(2022, 12, 31)).empty


def test_a_zone_of_its_own_is_told_apart_and_not_bound():
    found = held(("technology_smes", "东区", 2025, 900, None), ("technology_smes", "", 2025, 12_500, None))
    assert list(zip(found["level"], found["scope"], strict=True)) == [("zone", "东区"), ("zones", "")]
    assert [target["binding"] for targets in found["targets"] for target in targets] == [False, True]


def test_a_policy_not_in_force_asks_nothing():
    assert held(("technology_smes", "", 2022, 100, None), on=date(2022, 12, 31))["targets"].tolist() == [[]]
    assert held(("technology_smes", "", 2025, 100, None), policies=[])["targets"].tolist() == [[]]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (("technology_sme", "", 2025, 1, None), 'row 2: no policy on board asks for "technology_sme"; did you mean'),
        (("zone_ranking", "", 2025, 1, None), 'no policy on board asks for "zone_ranking"'),  # a topic without figure
        (("above_scale_output", "", 2025, 1, "公顷"), 'row 2: above_scale_output: "ha" cannot become "cny"'),
        (("above_scale_output", "", 2025, 1, "斤"), 'Unit "斤" is not known'),
        (("above_scale_output", "", 2025, 1, None), "needs a unit, such as CNY"),
        (("above_scale_rd_to_gdp", "", 2025, 3.8, None), "a share is a fraction; write 0.038"),
        (("technology_smes", "", None, 1, None), "row 2: year is missing"),
        (("technology_smes", "", 2025, None, None), "row 2: value is missing"),
        (("technology_smes", "", 2025, "many", None), 'row 2: value "many" is no number'),
        (("above_scale_output", "", 2025, "3亿元", "万元"), 'value "3亿元" bears another unit than "万元" beside it'),
        (("model_parks", "", 2025, 3, None), "row 1, 2: model_parks of 2025 stands 2 times"),
    ],
)
def test_a_wrong_row_is_named(row, told):
    with pytest.raises(ProjectError, match=re.escape(told)) as caught:
        held(("model_parks", "", 2025, 1, None), row)
    assert "layers.statistics" in caught.value.zh


def test_measure_and_report_show_what_was_reported(tmp_path):
    place = city.write(tmp_path / "data", 'policies = ["hangzhou-2023"]')
    (place / "statistics.csv").write_text(
        "指标,范围,年份,数值,单位,来源\n规上企业总产值,,2025,29000,亿元,统计局\n科技型中小企业数,,2025,13000,,\n",
        encoding="utf-8-sig",
    )
    with (place / "project.toml").open("a", encoding="utf-8") as file:
        file.write('[layers.statistics]\nsource = "statistics.csv"\n')
    done = CliRunner().invoke(cli.main, ["measure", str(place), "--json", "-q"])
    assert done.exit_code == 0, done.output
    told = {row["id"]: row for row in json.loads(done.stdout)["statistics"]}
    output = told["above_scale_output"]
    assert (output["value"], output["unit"], output["source"]) == (29_000, "亿元", "统计局")
    assert (output["targets"][0]["met"], output["targets"][0]["gap"]) == (False, pytest.approx(1_000))
    assert told["technology_smes"]["targets"][0]["met"] is True
    shown = CliRunner().invoke(cli.main, ["measure", str(place), "-q"]).stdout
    assert "29,000 亿元" in shown
    assert "不低于 30,000 亿元 未达标 (hangzhou-2023 （二）)" in shown
    done = CliRunner().invoke(cli.main, ["report", str(place), "-o", str(tmp_path / "report"), "-q"])
    assert done.exit_code == 0, done.output
    assert "29,000 亿元 (2025)" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")


HIGH_TECH = Kinds(frozenset(["provincial"]), frozenset(["高新技术产业开发区"]))
OTHER = Kinds(frozenset(["provincial"]), frozenset(["经济技术开发区"]))


@pytest.mark.parametrize(("of", "binding"), [(None, False), (HIGH_TECH, True), (OTHER, False)])
def test_a_document_on_high_tech_zones_binds_a_reported_figure_of_such_zones(of, binding):
    # zhejiang-2021 四（一）: at most 3 kinds of leading industries; 4 are one too many.
    kinds = {} if of is None else {("zone", "东区"): of}
    found = reported(
        table(("leading_industry_count", "东区", 2025, 4, None)),
        on=END_2025, policies=["zhejiang-2021"], kinds=kinds,
    )  # fmt: skip
    (target,) = found["targets"][0]
    assert (target["at_most"], target["binding"], target["met"]) == (3, binding, False)


@pytest.mark.parametrize(
    ("types", "bound"),
    [
        (["高新技术产业园区", "高新技术产业园区", "经济技术开发区"], {"一区", "Z1"}),
        (["高新技术产业园区", None, "高新区"], {"二区", "Z2"}),
    ],
)
def test_the_parks_say_what_kind_of_zone_a_reported_figure_is_of(types, bound):
    parks = city.parks().assign(platform_type=types)
    rows = [
        ("leading_industry_count", zone, 2025, 2, None) for zone in ("一区", "二区", "Z1", "Z2", "三区", "开发区合计")
    ]
    text = "[project]\nas_of = 2025-12-31\noverlap = 'priority'\npolicies = ['zhejiang-2021']"
    found = assess({**city.frames(), "parks": parks, "statistics": table(*rows)}, loads(text, Path("project.toml")))
    told = found.statistics.set_index("scope")["targets"]
    assert {scope for scope, targets in told.items() if any(one["binding"] for one in targets)} == bound
