"""Readings that a setting decides: the figure or the verdict moves with it, by hand; all others say they are fixed.

What the options of `compare` decide stands in test_comparing.py.
"""

import json
from pathlib import Path

import geopandas as gpd
import hand_city as city
import pandas as pd
import pytest
from click.testing import CliRunner

import cli
from geo import standards
from geo.telling.clauses import reading_text

PROJECT = city.HEAD + 'industrial = ["0601"]\n' + city.named("parcels", "parks")


@pytest.fixture
def place(tmp_path):
    return city.save(tmp_path, "parcels", "parks")


def run(place: Path, command: str, text: str):
    (place / "project.toml").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(cli.main, [command, str(place / "project.toml"), "-q", "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def figure(place: Path, text: str = PROJECT, level: str = "city", name: str = "industrial_concentration"):
    rows = run(place, "measure", text)["indicators"]
    return next(row for row in rows if row["id"] == name and row["scope"]["level"] == level)


def test_what_counts_as_industrial_moves_the_concentration(place):
    # 30,000 of 60,000 m² lie inside; with the 10,000 m² of housing, all inside, 40,000 of 70,000.
    assert figure(place)["value"] == pytest.approx(30_000 / 60_000)
    both = PROJECT.replace('["0601"]', '["0601", "0701"]')
    assert figure(place, both)["value"] == pytest.approx(40_000 / 70_000)


def test_which_area_moves_the_sums(place):
    # As registered p1 has 12,000 m² and not 10,000: two thousand more inside and in all.
    recorded = [12_000.0, 10_000.0, 20_000.0, 20_000.0, 10_000.0]
    parcels = gpd.GeoDataFrame(city.frames()["parcels"]).assign(recorded_area_m2=recorded)
    parcels.to_file(place / "parcels.gpkg", layer="parcels")
    assert figure(place)["value"] == pytest.approx(30_000 / 60_000)
    assert figure(place, PROJECT.replace("planar", "recorded"))["value"] == pytest.approx(32_000 / 62_000)


def test_which_boundary_moves_the_concentration(place):
    gpd.GeoDataFrame(city.frames()["parks"].iloc[:1]).to_file(place / "one.gpkg", layer="parks")
    # Park A alone holds p1 and the shared strip.
    assert figure(place, PROJECT.replace("parks.gpkg", "one.gpkg"))["value"] == pytest.approx(20_000 / 60_000)


def test_targets_of_the_years_are_the_projects(place):
    assert figure(place, level="zone", name="industrial_land_share")["targets"] == []
    rows = "指标,范围,年份,要求,目标值,单位\n工业用地率,每个开发区,2025,不低于,60,%\n"
    (place / "targets.csv").write_text(rows, encoding="utf-8-sig")
    text = PROJECT + '[layers.targets]\nsource = "targets.csv"\n'
    (target,) = figure(place, text, "zone", "industrial_land_share")["targets"]
    assert (target["policy"], target["at_least"], target["year"]) == ("project", 0.6, 2025)


@pytest.mark.parametrize(("rounding", "recognised"), [("floor", False), ("ceil", True)])
def test_rounding_decides_a_recognition(place, rounding, recognised):
    # 15 % of 30 are 4.5: rank 5 is beyond 4 and within 5.
    rows = [("甲区", year, "省级创建", "全省", 30, 5) for year in (2023, 2024)]
    table = pd.DataFrame(rows, columns=["开发区", "年度", "级别", "排名范围", "参评数", "名次"])
    table.to_csv(place / "ranks.csv", index=False, encoding="utf-8-sig")
    text = f"""{PROJECT}
[layers.evaluations]
source = "ranks.csv"
[evaluation]
policies = ["zhejiang-2021"]
rounding = "{rounding}"
"""
    found = {row["verdict"] for row in run(place, "grade", text)["zone_years"]["verdicts"]}
    assert ("recognition" in found) is recognised


def test_plot_ratios_of_sub_regions_are_the_users(place):
    parcels = gpd.GeoDataFrame(city.frames()["parcels"]).assign(
        sub_region="甲片区", floor_area_m2=9_000.0, industry_code="3912"
    )
    parcels.to_file(place / "parcels.gpkg", layer="parcels")
    (place / "sub.csv").write_text(
        "sub_region,inside_parks,code_edition,code,plot_ratio_min,plot_ratio_max,source\n甲片区,,,,1.7,,计划\n",
        encoding="utf-8",
    )
    text = PROJECT + '[control]\nedition = "2008"\n'
    limits = [
        {row["limit"] for row in run(place, "grade", one)["control"] if row["indicator"] == "plot_ratio"}
        for one in (text, text + 'sub_regions = "sub.csv"\n')
    ]
    assert 1.7 not in limits[0]
    assert 1.7 in limits[1]


def test_every_reading_says_whether_a_setting_decides():
    endings = {
        "en": ("fixed assumption", "may be set", "nothing is computed"),
        "zh": ("固定假设", "改定", "不据此计算"),
    }
    for policy in standards.policies():
        for clause in standards.policy(policy).clauses:
            for question in clause.open:
                for language, words in endings.items():
                    told = reading_text(question, language)
                    assert sum(word in told.removeprefix(question.reading(language)) for word in words) == 1, clause
                    assert question.set_by is None or question.set_by in told


def test_a_document_as_printed_carries_its_softening_words_and_what_is_fixed():
    shown = CliRunner().invoke(cli.main, ["policy", "show", "hangzhou-2023", "--lang", "zh"]).stdout
    assert "原文用词“原则上”" in shown
    assert "（可由 land_use.industrial 改定）" in shown
    assert "（固定假设，任何设置都不改变）" in shown
