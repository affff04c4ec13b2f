"""`parkwise grade` on the hand city: firms, a tree of scores, zones over the years, land against limits."""

import json

import hand_city as city
import pandas as pd
import pytest
from click.testing import CliRunner

import cli

PROJECT = city.HEAD.replace('"hangzhou-2023"', '"hangzhou-2023", "zhejiang-2021"') + city.named(
    "parcels", "parks", "buildings", "enterprises"
)

#: 4,000 m² are 6 mu.
FIRMS = """enterprise_code,enterprise_name,scale,parcel_id,tax_cny,value_added_cny,land_registered_m2,industry_code,year
F1,一厂,规上,p1,1200000,2400000,4000,3912,2025
F2,二厂,规上,p3,600000,,4000,3091,2025
F3,三厂,规下,p2,60000,100000,4000,1310,2025
F4,四厂,,p4,60000,100000,4000,1310,2025
"""


@pytest.fixture
def place(tmp_path):
    city.save(tmp_path, "parcels", "parks", "buildings")
    (tmp_path / "enterprises.csv").write_text(FIRMS, encoding="utf-8-sig")
    return tmp_path


def grade(place, more, *flags):
    (place / "project.toml").write_text(PROJECT + more, encoding="utf-8")
    return CliRunner().invoke(cli.main, ["grade", str(place / "project.toml"), "-q", *flags])


def answer(place, more):
    done = grade(place, more, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


SCORES = """
[grade]
classes = [{ grade = "A", score_at_least = 70 }, { grade = "B", score_at_least = 20 }, { grade = "C" }]
[grade.scores.above]
tax_per_mu = { weight = 60, benchmark = 20 }
value_added_per_mu = { weight = 40, benchmark = 50 }
[grade.scores.below]
tax_per_mu = { weight = 100, benchmark = 4 }
"""


def test_firms_are_scored_by_the_projects_own_weights(place):
    found = {row["scope"]["id"]: row for row in answer(place, SCORES)["grades"]}
    # F1: 120 万元 ÷ 6 亩 = 20, of 20; 240 ÷ 6 = 40, of 50.
    assert found["F1"]["score"] == pytest.approx(20 / 20 * 60 + 40 / 50 * 40)
    assert (found["F1"]["grade"], found["F1"]["scope"]["name"]) == ("A", "一厂")
    # F3: 6 ÷ 6 = 1, of 4.
    assert (found["F3"]["score"], found["F3"]["grade"]) == (pytest.approx(25), "B")
    assert found["F3"]["next"]["grade"] == "A"
    # 70 points of 100 at a benchmark of 4 万元/亩.
    assert found["F3"]["next"]["by"][0]["value_needed"] == pytest.approx(2.8)
    # F2 does not know its value added, F4 not its size: scored and grouped by nobody.
    assert (found["F2"]["score"], found["F2"]["grade"]) == (None, None)
    assert (found["F4"]["group"], found["F4"]["score"]) == (None, None)
    assert found["F4"]["reason"]


def test_weights_that_do_not_sum_to_100_are_refused(place):
    done = grade(place, SCORES.replace("weight = 40", "weight = 50"))
    assert done.exit_code == 2
    assert "110" in done.stderr
    assert "above" in done.stderr


def test_a_rule_set_by_name_is_applied_and_named(place):
    told = answer(place, '[grade]\nrules = "huangyan-2022"\n')
    assert told["grading"]["rules"] == "huangyan-2022"
    found = {row["scope"]["id"]: row for row in told["grades"]}
    parts = {one["indicator"]: one for one in found["F3"]["contributions"]}
    assert parts["tax_per_mu"]["score"] == pytest.approx(1 / 11.5932 * 50)


def test_a_rule_set_and_scores_at_once_are_refused(place):
    done = grade(place, SCORES.replace("[grade]\n", '[grade]\nrules = "huangyan-2022"\n'))
    assert done.exit_code == 2
    assert "huangyan-2022" in done.stderr


TREE = "node,parent,weight,score\n园区,,,\n利用,园区,0.7,\n效益,园区,0.3,80\n容积率,利用,0.5,90\n密度,利用,0.5,70\n"


def test_a_tree_of_scores_is_summed_upward(place):
    (place / "tree.csv").write_text(TREE, encoding="utf-8")
    scores = {row["node"]: row["score"] for row in answer(place, '[evaluation]\ntree = "tree.csv"\n')["evaluation"]}
    assert scores["利用"] == pytest.approx(0.5 * 90 + 0.5 * 70)
    assert scores["园区"] == pytest.approx(0.7 * 80 + 0.3 * 80)


def test_weights_of_a_tree_are_refused_or_normalised_aloud(place):
    (place / "tree.csv").write_text(TREE.replace("0.3,80", "0.5,80"), encoding="utf-8")
    done = grade(place, '[evaluation]\ntree = "tree.csv"\n')
    assert done.exit_code == 2
    assert "园区" in done.stderr
    assert "1.2" in done.stderr
    told = answer(place, '[evaluation]\ntree = "tree.csv"\nweights = "normalise"\n')
    scores = {row["node"]: row["score"] for row in told["evaluation"]}
    assert scores["园区"] == pytest.approx((0.7 * 80 + 0.5 * 80) / 1.2)
    assert any("园区" in note["zh"] for note in told["evaluation_notes"])


def test_a_tree_of_indicators_is_evaluated_for_all_zones_and_for_each(place):
    rows = ["园区,,,,", "容积率,园区,0.5,industrial_plot_ratio,2", "税收,园区,0.5,tax_per_mu,40", ""]
    (place / "tree.csv").write_text("\n".join(["node,parent,weight,indicator,ideal", *rows]), encoding="utf-8")
    told = answer(place, '[evaluation]\ntree = "tree.csv"\n')
    values = {row["node"]: row["value"] for row in told["evaluation"]}
    measured = CliRunner().invoke(cli.main, ["measure", str(place / "project.toml"), "-q", "--json", "--by", "zones"])
    known = {row["id"]: row["value"] for row in json.loads(measured.stdout)["indicators"]}
    assert values["税收"] == known["tax_per_mu"]
    scores = {row["node"]: row["score"] for row in told["evaluation"]}
    assert scores["税收"] == pytest.approx(min(100.0, known["tax_per_mu"] / 40 * 100))
    assert [row["zone"] for row in told["evaluation_by_zone"]] == ["Z1", "Z2"]


def test_zones_are_judged_over_the_years(place):
    rows = [("甲区", 2022, "candidate", 2, "合格"), ("甲区", 2023, "candidate", 3, "合格"),
            ("乙区", 2022, "provincial", 19, "不合格"), ("乙区", 2023, "provincial", 20, "不合格")]  # fmt: skip
    table = pd.DataFrame(rows, columns=["开发区", "年度", "级别", "名次", "评价结果"]).assign(
        排名范围="全省", 参评数=20
    )
    table.to_csv(place / "ranks.csv", index=False, encoding="gb18030")
    told = answer(place, '[layers.evaluations]\nsource = "ranks.csv"\n')["zone_years"]["verdicts"]
    found = {(row["zone_name"], row["year"], row["verdict"]) for row in told}
    # 15 % of 20 are 3: ranks 2 and 3, two years running. Two failures running: two cards, then the end.
    assert ("甲区", 2023, "recognition") in found
    assert {("乙区", 2022, "yellow_card"), ("乙区", 2023, "yellow_card"), ("乙区", 2023, "delisting")} <= found


def test_land_is_held_against_the_control_indicators(place):
    told = answer(place, '[control]\nedition = "2008"\n')["control"]
    held = {(row["unit"], row["indicator"]): row for row in told}
    # p1: electronics (3912, GB/T 4754-2017) need 1.0; 2,000 m² × 3 floors on 10,000 m².
    one = held["p1", "plot_ratio"]
    assert (one["value"], one["limit"], one["met"]) == (pytest.approx(0.6), 1.0, False)


def test_nothing_asked_for_is_a_wrong_call(place):
    done = grade(place, "")
    assert done.exit_code == 2
    assert "huangyan-2022" in done.stderr


def test_the_example_city_shows_a_card_a_recognition_and_a_delisting(tmp_path):
    from layers.example import make, write

    project = write(tmp_path / "city", make(parcels=1500))
    done = CliRunner().invoke(cli.main, ["grade", str(project), "-q", "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    verdicts = told["zone_years"]["verdicts"]
    found = {(row["zone_name"], row["year"], row["verdict"], row["clause_id"]) for row in verdicts}
    # Two failures running: two cards, then the end; one failure alone: a card.
    assert {(year, verdict) for zone, year, verdict, _ in found if zone == "望舒新材料产业园"} == {
        (2023, "yellow_card"), (2024, "yellow_card"), (2024, "delisting")
    }  # fmt: skip
    assert {(year, verdict) for zone, year, verdict, _ in found if zone == "澄月临港工业园区"} == {
        (2023, "yellow_card")
    }
    # 15 % of 30 candidates are 4.5, counted as 4: ranks 4 and 3 running.
    assert ("晴岚光电高新技术产业园区", 2024, "recognition", "Z19") in found
    # The first half of 178 are 89: rank 96 in 2022 is not among them, 82 and 71 are.
    funded = {year for zone, year, verdict, _ in found if zone == "星槎高新技术产业开发区" and verdict == "funding"}
    assert funded == {2023, 2024}
    # The quarter that was told last: up from 9 to 7, down from 5 to 6, up from 25 to 21.
    assert told["league"]["period"] == "2025-Q2"
    changes = {row["zone_name"]: (row["rank"], row["rank_change"]) for row in told["league"]["rows"]}
    assert changes == {"松涛经济开发区": (7, 2), "澄月生物医药产业园": (6, -1), "澄月临港工业园区": (21, 4)}
    shown = CliRunner().invoke(cli.main, ["grade", str(project), "-q", "--lang", "en"]).stdout
    assert "League of 2025-Q2" in shown
    assert "+4" in shown


def test_a_report_has_a_chapter_on_what_was_graded(tmp_path):
    from layers.example import make, write

    project = write(tmp_path / "city", make(parcels=1500))
    text = project.read_text(encoding="utf-8")
    more = '[grade]\nrules = "huangyan-2022"\n[control]\nedition = "2008"\nunit = "park"\n[evaluation]'
    project.write_text(text.replace("[evaluation]", more), encoding="utf-8")
    words = {
        "zh": (
            "评价与排名",
            "黄牌警告",
            "直接认定",
            "摘牌或取消资格",
            "2025-Q2 晾晒榜",
            "黄岩",
            "工业用地与控制指标对照",
        ),
        "en": (
            "Evaluation and ranking",
            "yellow card",
            "direct recognition",
            "delisting",
            "League of 2025-Q2",
            "Huangyan",
        ),
    }
    for language, told in words.items():
        done = CliRunner().invoke(
            cli.main, ["report", str(project), "-o", str(tmp_path / language), "-q", "--lang", language]
        )
        assert done.exit_code == 0, done.output
        html = (tmp_path / language / "report.html").read_text(encoding="utf-8")
        assert [word for word in told if word not in html] == []
    results = json.loads((tmp_path / "zh" / "results.json").read_text(encoding="utf-8"))
    assert {"grades", "grading", "zone_years", "league", "control"} <= set(results)
    assert results["grading"]["rules"] == "huangyan-2022"


# ---------------------------------------------------------------- the survey of TD/T 1029

CLASSED = {"p1": ("A2", "D21"), "p2": ("A2", "D22"), "p3": ("B21", "E21"), "p4": ("A2", "D1"), "h1": ("A1", "D21")}


@pytest.fixture
def surveyed(place):
    """p1 (1 ha), p2 (1 ha) and the house h1 (1 ha) lie in zone Z1, and half of p3 (2 ha, still to supply)."""
    parcels = city.parcels()
    told = [CLASSED[name] for name in parcels["parcel_id"]]
    parcels = parcels.assign(construction_class=[a for a, _ in told], supply_class=[b for _, b in told])
    (place / "parcels.gpkg").unlink()
    parcels.to_file(place / "parcels.gpkg", layer="parcels")
    return place


def potential(found, name, indicator=None):
    rows = [
        row
        for row in found["survey"]["potentials"]
        if (row["scope_id"], row["potential"], row["indicator"]) == ("Z1", name, indicator)
    ]
    assert len(rows) == 1
    return rows[0]


def test_zones_are_surveyed_where_parcels_tell_their_class(surveyed):
    (surveyed / "理想值.csv").write_text("指标,理想值,单位,来源\n工业用地率,80,%,省标\n", encoding="gb18030")
    supply = "开发区编号,年度,供应面积\n" + "".join(f"Z1,{year},2000\n" for year in range(2021, 2026))
    (surveyed / "供地.csv").write_text(supply, encoding="utf-8")
    found = answer(surveyed, '[survey]\nideals = "理想值.csv"\nsupply = "供地.csv"\n')
    # A = p1 + p2 + h1 = 3 ha, A2 = p1 + p2 = 2 ha, E = E21 = half of p3 = 1 ha, D22 = p2.
    assert potential(found, "expansion")["value"] == pytest.approx(10_000)
    assert potential(found, "structure", "industrial_land_share")["value"] == pytest.approx(30_000 * 0.8 - 20_000)
    assert potential(found, "supply_years_mean")["value"] == pytest.approx(10_000 / 2_000)
    management = potential(found, "management")
    assert (management["value"], "idle" in management["reason_en"]) == (None, True)
    types = {row["scope_id"]: row for row in found["survey"]["types"]}
    # 2/3 of A is industry, 1/3 housing: neither rule holds.
    assert (types["Z1"]["zone_type"], types["Z1"]["basis"]) == ("other", "proposed")


def test_a_given_type_goes_before_the_proposal_and_the_page_says_so(surveyed):
    done = grade(surveyed, '[survey.zone_types]\nZ1 = "产城融合型"\n')
    assert done.exit_code == 0, done.output
    assert "产城融合型" in done.stdout
    assert "用户指定" in done.stdout
    assert "扩展潜力" in done.stdout


@pytest.mark.parametrize(
    ("more", "table", "said"),
    [
        ('[survey.zone_types]\nZ9 = "产城融合型"\n', None, "1 个开发区中有 1 个不存在，如“Z9”"),
        ('[survey.zone_types]\nZ1 = "工业型"\n', None, "不是开发区类型"),
        ('[survey]\nideals = "t.csv"\n', "指标,理想值,单位,来源\n工业用地率,80,%,\n", "t.csv, line 2, source"),
        ('[survey]\nideals = "t.csv"\n', "指标,理想值,单位,来源\n工业用地比,80,%,x\n", "最接近：工业用地率"),
        ('[survey]\nsupply = "t.csv"\n', "年度,供应面积\n二〇二五,1\n", "t.csv, line 2, year"),
    ],
)
def test_a_survey_that_cannot_be_made_is_told_with_the_place(surveyed, more, table, said):
    if table is not None:
        (surveyed / "t.csv").write_text(table, encoding="utf-8")
    done = grade(surveyed, more)
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.output


def test_ideals_without_classes_are_refused(place):
    (place / "t.csv").write_text("指标,理想值,单位,来源\n工业用地率,80,%,省标\n", encoding="utf-8")
    done = grade(place, '[survey]\nideals = "t.csv"\n')
    assert done.exit_code == 2
    assert "construction_class" in done.stderr


# ---------------------------------------------------------------- all land, however the work is cut


def test_batches_grade_as_memory_does(surveyed):
    # One firm names one parcel of five: what is held and surveyed is all of them.
    (surveyed / "enterprises.csv").write_text("\n".join(FIRMS.splitlines()[:2]), encoding="utf-8")
    more = SCORES + '[control]\nedition = "2008"\n'
    at_once = answer(surveyed, more)
    assert {row["unit"] for row in at_once["control"]} == {"p1", "p2", "p3", "p4"}
    # p1, p2 and the house h1, 1 ha each, are built on in Z1.
    areas = {row["scope_id"]: row["survey_built_m2"] for row in at_once["survey"]["areas"]}
    assert areas["Z1"] == pytest.approx(30_000)
    by_batches = grade(surveyed, more, "--json", "--scheduler", "threads", "--workers", "2")
    assert by_batches.exit_code == 0, by_batches.output
    assert json.loads(by_batches.stdout) == at_once


# ---------------------------------------------------------------- what land is held against


def held(found, **where):
    return [row for row in found if all(row[name] == value for name, value in where.items())]


def without(place, layer):
    """Take a layer out of the project of `grade`."""
    text = (place / "project.toml").read_text(encoding="utf-8")
    (place / "project.toml").write_text(
        text.replace(f'[layers.{layer}]\nsource = "{layer}.gpkg"\n', ""), encoding="utf-8"
    )
    return CliRunner().invoke(cli.main, ["grade", str(place / "project.toml"), "-q", "--json"])


LIMITS = "edition,code_edition,code,far_min,source\n2023,2017,39,1.2,示例\n{}"


def test_the_edition_of_the_projects_own_table_applies_and_of_several_one_is_to_be_named(place):
    (place / "limits.csv").write_text(LIMITS.format(""), encoding="utf-8")
    found = answer(place, '[control]\ntable = "limits.csv"\n')["control"]
    assert {row["standard"] for row in found} == {"2023"}
    assert held(found, unit="p1", indicator="plot_ratio")[0]["limit"] == 1.2
    (place / "limits.csv").write_text(LIMITS.format("2025,2017,39,1.4,示例\n"), encoding="utf-8")
    done = grade(place, '[control]\ntable = "limits.csv"\n')
    assert done.exit_code == 2
    assert "2 个版本：2023、2025" in done.stderr
    found = answer(place, '[control]\ntable = "limits.csv"\nedition = "2025"\n')["control"]
    assert held(found, unit="p1", indicator="plot_ratio")[0]["limit"] == 1.4


SUB_REGIONS = "分区,是否园区内,容积率下限,来源\n甲区,是,0.5,示例\n甲区,否,0.7,示例\n"


@pytest.fixture
def divided(place):
    """Every parcel is of 甲区, under the title people use; inside parks 0.5 is asked, outside 0.7."""
    parcels = city.parcels().assign(分区="甲区")
    (place / "parcels.gpkg").unlink()
    parcels.to_file(place / "parcels.gpkg", layer="parcels")
    (place / "sub.csv").write_text(SUB_REGIONS, encoding="utf-8")
    return place


def test_sub_regions_alone_bring_no_other_standard(divided):
    found = answer(divided, '[control]\nsub_regions = "sub.csv"\n')["control"]
    assert {row["standard"] for row in found} == {"sub_region"}
    limits = {row["unit"]: row["limit"] for row in found}
    # p3 lies half inside a park: (10,000 × 0.5 + 10,000 × 0.7) ÷ 20,000.
    assert limits == {"p1": 0.5, "p2": 0.5, "p3": pytest.approx((10_000 * 0.5 + 10_000 * 0.7) / 20_000), "p4": None}


def test_without_parks_nobody_knows_what_lies_inside_them(divided):
    grade(divided, '[control]\nsub_regions = "sub.csv"\n')
    done = without(divided, "parks")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["control"]
    assert {row["met"] for row in found} == {None}
    assert all("may fit" in row["note_en"] for row in found)


def test_sub_regions_without_their_column_are_refused(place):
    (place / "sub.csv").write_text(SUB_REGIONS, encoding="utf-8")
    done = grade(place, '[control]\nsub_regions = "sub.csv"\n')
    assert done.exit_code == 2
    assert "parcels.sub_region（分区）" in done.stderr


def test_industrial_land_in_no_unit_is_told(place, caplog):
    told = answer(place, '[control]\nedition = "2008"\nunit = "park"\n')
    assert {row["unit"] for row in told["control"]} == {"A", "B"}
    # All of p4 (2 ha) and half of p3 (1 ha) lie outside parks.
    (note,) = told["control_notes"]
    assert "2 parcels, 30,000.00 m²" in note["en"]
    assert "涉及 2 宗、30,000.00 平方米" in note["zh"]
    assert "2 parcels, 30,000.00 m²" in caplog.text
    assert answer(place, '[control]\nedition = "2008"\n')["control_notes"] == []


@pytest.mark.parametrize(
    ("layer", "words"), [("parks", "control.unit = “park”"), ("parcels", "[control] 要求对照控制指标，但项目没有地块")]
)
def test_what_land_is_held_by_must_be_there(place, layer, words):
    grade(place, '[control]\nedition = "2008"\nunit = "park"\n')
    done = without(place, layer)
    assert done.exit_code == 2
    assert words in done.stderr


def test_floor_area_of_unknown_storeys_is_told(place):
    found = held(answer(place, '[control]\nedition = "2008"\n')["control"], indicator="plot_ratio")
    # b1 has floors and no height, b3 a height and no floors; the one storey of b2 is 9 m.
    assert {row["unit"]: row["as_recorded"] for row in found} == {"p1": True, "p2": False, "p3": True, "p4": False}
    notes = {row["unit"]: row["note_zh"] for row in found}
    assert ("8 米" in notes["p1"], "8 米" in notes["p2"]) == (True, False)
    # p2 lies in two parks, that share it; of p3 one half lies outside.
    assert {row["unit"]: row["rows"] for row in found} == {"p1": 1, "p2": 2, "p3": 2, "p4": 1}


def test_classes_without_anything_to_score_by_are_refused(place):
    done = grade(place, '[grade]\nclasses = [{ grade = "A" }]\n[control]\nedition = "2008"\n')
    assert done.exit_code == 2
    assert "grade.classes" in done.stderr
