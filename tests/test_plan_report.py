"""The plan on paper and map: figures one checks in the head, told alike by every form, and nothing from data runs.

Works outside the parks: s1 with 14,400 m² and s3 with 6,400 m² move, for 90 万元/亩, into A (15,000 m² vacant) and C
(9,000 m²): 21.6 and 9.6 mu, 1,944 and 864 万元. 60,000 of 153,300 m² become 80,800: 39.14 % become 52.71 %.
"""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import hand_city
import openpyxl
import pandas as pd
import pytest
import test_plan
from click.testing import CliRunner
from test_maps import COLOURS, HOSTILE, browser, opened, page_of, unpacked  # noqa: F401  (fixtures)
from test_report_xlsx import office, recalculate

from cli import main
from geo.assessment import assess
from geo.maps import map_html
from geo.plan.document import plan_document
from geo.plan.words import bound_words
from geo.planned import planned
from geo.report import xlsx_plan
from geo.report.content import compose_report, walk
from geo.report.docx import write_docx
from geo.report.gpkg import write_gpkg
from geo.report.html import render_html
from geo.report.parts import Paragraph, Table
from geo.report.xlsx import write_xlsx
from layers.project import loads

PLAN = "[plan]\nat_least = 0.5\ncosts = { retire = 100, relocate = 90 }\n"


def city(plan=PLAN, *, language="zh", folder=Path(), **changed):
    """Assess the small city of the tests of the plan."""
    frames = {
        "parcels": test_plan.parcels(),
        "parks": test_plan.parks(),
        "districts": hand_city.districts(),
        **changed,
    }
    said = (
        f'[project]\ncity = "小城"\nas_of = 2025-12-31\nlanguage = "{language}"\n'
        'area = "planar"\noverlap = "priority"\npolicies = ["hangzhou-2023"]\n'
    )
    return assess(frames, loads(f"{said}{plan}", folder / "project.toml"))


@pytest.fixture(scope="module")
def given():
    return city()


@pytest.fixture(scope="module")
def found(given):
    return planned(given)


def chapter(assessment, language="zh"):
    report = compose_report(assessment, language=language, plan=planned(assessment))
    section = next(one for one in report.sections if one.key == "plan")
    blocks = list(walk((section,)))
    told = " ".join(one.text for one in blocks if isinstance(one, Paragraph))
    tables = {one.key: [[cell.text for cell in row] for row in one.rows] for one in blocks if isinstance(one, Table)}
    return told, tables, report


# ---------------------------------------------------------------- who gets one


def test_a_project_that_asks_for_no_plan_gets_none(tmp_path):
    given = city("")
    assert planned(given) is None
    report = compose_report(given, plan=planned(given))
    assert "plan" not in [one.key for one in report.sections]
    assert "plan" not in [one["id"] for one in page_of(map_html(given))["themes"]]
    assert "方案" not in openpyxl.load_workbook(write_xlsx(given, tmp_path / "a.xlsx")).sheetnames
    write_gpkg(given, tmp_path / "a.gpkg")
    assert "plan" not in gpd.list_layers(tmp_path / "a.gpkg")["name"].tolist()


def test_without_land_there_is_none():
    firms = {"enterprises": hand_city.enterprises()}
    assert planned(assess(firms, loads(f"[project]\n{PLAN}", Path("project.toml")))) is None


def test_every_form_of_a_report_tells_the_same_plan(tmp_path):
    layers = dict.fromkeys(("buildings", "enterprises", "holdings"))
    data = hand_city.write(tmp_path / "data", PLAN, **layers, parcels=test_plan.parcels(), parks=test_plan.parks())
    out = tmp_path / "out"
    done = CliRunner().invoke(main, ["report", str(data), "-o", str(out), "-q"])
    assert done.exit_code == 0, done.output
    alone = CliRunner().invoke(main, ["plan", str(data), "--json", "-q"])
    plan = json.loads((out / "results.json").read_text("utf-8"))["plan"]
    alone = json.loads(alone.stdout)["plan"]
    # Other plans, figures and costs are weighed by `parkwise plan` alone (docs/plan.md).
    weighed = {"alternatives", "alternatives_wanted", "in_every_plan", "curve", "sensitivity", "weighed_completely"}
    assert plan == {name: value for name, value in alone.items() if name not in weighed}
    layer = gpd.read_file(out / "results.gpkg", layer="plan")
    assert sorted(layer["uid"]) == sorted(row["parcel_id"] for row in plan["actions"])
    assert layer["cost_cny"].sum() == pytest.approx(plan["cost_cny"])
    page = page_of((out / "map.html").read_text("utf-8"))
    theme = next(one for one in page["themes"] if one["id"] == "plan")
    assert theme["classes"][0]["label"] == "搬迁入园"
    assert theme["classes"][0]["parcels"] == str(len(plan["actions"]))
    assert "方案" in openpyxl.load_workbook(out / "report.xlsx").sheetnames
    done = CliRunner().invoke(main, ["map", str(data), "-o", str(tmp_path / "map.html"), "-q"])
    assert done.exit_code == 0, done.output
    assert page_of((tmp_path / "map.html").read_text("utf-8"))["themes"] == page["themes"]


def test_a_plan_that_cannot_be_used_stops_the_report_before_a_file_is_written(tmp_path):
    layers = dict.fromkeys(("buildings", "enterprises", "holdings"))
    data = hand_city.write(tmp_path / "data", "[plan]\nat_least = 70\n", **layers)
    done = CliRunner().invoke(main, ["report", str(data), "-o", str(tmp_path / "out"), "-q"])
    assert done.exit_code == 2
    assert "0.7" in done.output
    assert not (tmp_path / "out").exists()


# ---------------------------------------------------------------- the chapter


def test_the_chapter_tells_figures_one_checks_in_the_head(given):
    told, tables, report = chapter(given)
    for said in ("39.14%", "2 宗", "31.20 亩", "2,808.00 万元", "52.71%", "不是对任何地块或企业的决定", "项目自定"):
        assert said in told, said
    assert "占位" not in told
    asked, top, below = tables["plan-targets"]
    assert asked[1:] == ["39.14%", "52.71%", "达标"]
    assert top[1:] == ["90.00", "121.20", "+31.20"]
    assert below[1:] == ["229.95", "229.95", "0.00"]
    assert tables["plan-by-act"] == [
        ["合计", "2", "31.20", "2,808.00 万元", "100.0%"],
        ["搬迁入园", "2", "31.20", "2,808.00 万元", "100.0%"],
    ]
    assert tables["plan-by-district"] == [
        ["合计", "2", "31.20", "2,808.00", "2"],
        ["西区", "2", "31.20", "2,808.00", "2"],
    ]
    assert tables["plan-by-park"] == [
        ["甲园", "1", "21.60", "22.50", "96%", "0", "0.00"],
        ["丙园", "1", "9.60", "13.50", "71%", "0", "0.00"],
    ]
    assert [row[1:7] for row in tables["plan-list"]] == [
        ["s1", "搬迁入园", "西区", "甲园", "21.60", "1,944.00"],
        ["s3", "搬迁入园", "西区", "丙园", "9.60", "864.00"],
    ]
    assert [row[2:] for row in tables["plan-costs"]] == [["100.00", "—", "项目自定"], ["90.00", "—", "项目自定"]]
    assert report.headlines[-1].value == "2,808.00 万元"


def test_the_clause_is_named_where_a_policy_asks():
    told, tables, _ = chapter(city(PLAN.replace("at_least = 0.5\n", "")))
    assert "（杭政函〔2023〕13号 （十））" in told
    assert tables["plan-targets"][0][-1] == "达标"
    english, _, _ = chapter(city(PLAN.replace("at_least = 0.5\n", ""), language="en"), "en")
    assert "hangzhou-2023" in english
    assert "proposal for decision" in english


def test_placeholders_are_warned_of_first_and_in_every_row():
    told, tables, _ = chapter(city("[plan]\nat_least = 0.5\n"))
    assert told.index("占位") < told.index("要求：")
    assert {row[-1] for row in tables["plan-costs"]} == {"占位数，不是价格"}


def test_a_target_out_of_reach_says_why_how_far_and_what_would_do():
    told, tables, report = chapter(city(PLAN + "budget_cny = 28079999\n"))
    assert "预算" in told
    assert tables["plan-obstacles"][0][2:] == ["2,808.00 万元", "2,808.00 万元"]
    assert tables["plan-targets"][0][1:] == ["39.14%", "—", "未达标"]
    assert "plan-by-act" not in tables
    assert (report.headlines[-1].value, report.headlines[-1].tone) == ("达不到", "bad")
    nearest, tables, _ = chapter(city(PLAN + 'budget_cny = 28079999\nobjective = "closest"\n'))
    assert "最接近目标" in nearest
    assert "plan-by-act" in tables


def test_a_target_that_is_met_needs_no_act():
    told, tables, _ = chapter(city(PLAN.replace("0.5", "0.3")))
    assert "目标已经达到" in told
    assert "plan-by-act" not in tables
    assert tables["plan-targets"][0][1:] == ["39.14%", "39.14%", "达标"]


def test_years_and_locks_are_told(tmp_path):
    (tmp_path / "locks.csv").write_text(
        "parcel_id,lock,author,date,reason\ns1,out,张三,2026-01-05,<b>重点</b>企业\n", "utf-8"
    )
    more = 'locks = "locks.csv"\nbudgets = [{ year = 2026, cny = 1.4e7 }, { year = 2027, cny = 1.4e7 }]\n'
    given = city(PLAN.replace("0.5", "0.48") + more, folder=tmp_path)
    _, tables, report = chapter(given)
    assert tables["plan-locks"] == [["s1", "不处置", "张三", "2026-01-05", "<b>重点</b>企业"]]
    assert "<b>重点" not in render_html(report)
    # s0 and s3, 15 and 9.6 mu, bring 76,400 of 153,300 m² in: 49.8 %; no year can pay for both.
    whole, *years = tables["plan-by-year"]
    assert whole == ["合计", "2", "24.60", "2,214.00 万元", "2,800.00 万元"]
    assert sorted(row[3] for row in years) == ["1,350.00 万元", "864.00 万元"]
    assert sorted(row[-1] for row in tables["plan-list"]) == ["2026", "2027"]


def test_further_plans_stand_beside_the_plan_where_they_are_asked_for(given):
    assert "plan-scenarios" not in chapter(given)[1]
    _, tables, report = chapter(city(PLAN + "alternatives = 2\ndifference = 0.5\n"))
    today, plan, *further = tables["plan-scenarios"]
    assert today == ["现状", "39.14%", "—", "—", "—"]
    assert plan == ["本方案", "52.71%", "2", "2,808.00 万元", "—"]
    # At most one of the two acts again: every further plan is another way in, and costs no less.
    assert [row[0] for row in further] == ["备选方案 1", "备选方案 2"]
    assert all(float(row[1].rstrip("%")) >= 50 for row in further)
    assert all(row[-1] in {"0%", "50%"} for row in further)
    assert all(float(row[3].split()[0].replace(",", "")) >= 2808 for row in further)
    assert ["50.00%", "2,808.00 万元"] in tables["plan-curve"]
    assert {(row[0], row[1]) for row in tables["plan-sensitivity"]} == {
        (act, times) for act in ("关停退出", "搬迁入园") for times in ("× 0.8", "× 1.2")
    }
    assert "比选" in render_html(report)
    _, tables, _ = chapter(city(PLAN + "alternatives = 2\n", language="en"), "en")
    assert [row[0] for row in tables["plan-scenarios"]] == ["Today", "The plan", "Further plan 1", "Further plan 2"]


# ---------------------------------------------------------------- the workbook


def written(assessment, path):
    return write_xlsx(assessment, path, plan=planned(assessment))


def test_the_sheet_lists_what_is_taken_and_what_else_there_was(given, found, tmp_path, monkeypatch):
    sheet = openpyxl.load_workbook(written(given, tmp_path / "a.xlsx"))["方案"]
    heads = [cell.value for cell in sheet[6]]
    rows = [dict(zip(heads, (cell.value for cell in row), strict=True)) for row in sheet.iter_rows(min_row=7)]
    assert len(rows) == len(found.options)
    assert {(row["地块编号"], row["接收园区"]) for row in rows if row["采用"] == 1} == {("s1", "甲园"), ("s3", "丙园")}
    hidden = [sheet.row_dimensions[at + 7].hidden for at in range(len(rows))]
    assert hidden == [row["采用"] == 0 for row in rows]
    monkeypatch.setattr(xlsx_plan, "ALL_OPTIONS", 1)
    few = openpyxl.load_workbook(written(given, tmp_path / "b.xlsx"))["方案"]
    assert few.max_row - 6 == 2


def named(sheet, title):
    return 1 + next(i for i, cell in enumerate(sheet[6]) if str(cell.value).startswith(title))


def values(sheet):
    """What the rows above the table say."""
    cost, top, below = (named(sheet, title) for title in ("测算成本", "工业用地集聚度：分子", "工业用地集聚度：分母"))
    return {
        "acts": sheet.cell(2, 1).value, "cost": sheet.cell(2, cost).value,
        "land": sheet.cell(2, named(sheet, "面积")).value,
        "top": sheet.cell(3, top).value, "below": sheet.cell(3, below).value,
        "before": sheet.cell(4, top).value, "after": sheet.cell(4, below).value, "met": sheet.cell(5, below).value,
    }  # fmt: skip


@office[0]
@office[1]
def test_the_sheet_recomputes_to_the_plan_and_follows_what_people_change(given, found, tmp_path):
    path = written(given, tmp_path / "a.xlsx")
    document = plan_document(found.plan)
    cached = values(openpyxl.load_workbook(path, data_only=True)["方案"])
    again = values(recalculate(path, tmp_path)["方案"])
    assert again.pop("met") == cached.pop("met") == "达标"
    assert again == pytest.approx(cached, rel=1e-12)
    target = document["targets"][0]
    assert again["cost"] * 1e4 == pytest.approx(document["cost_cny"])
    assert (again["top"], again["below"]) == (target["numerator_after"], target["denominator_after"])
    assert (again["before"], again["after"]) == pytest.approx((target["before"], target["after"]), rel=1e-14)
    # Without s3: 74,400 of 153,300 m²; relocation at 100 万元/亩: 2,160 万元.
    book = openpyxl.load_workbook(path)
    sheet, costs = book["方案"], book["参数"]
    for row in range(7, sheet.max_row + 1):
        if sheet.cell(row, 2).value == "s3":
            sheet.cell(row, 1).value = 0
    where = next(row for row in range(1, costs.max_row + 1) if costs.cell(row, 4).value == "单位成本_搬迁入园")
    costs.cell(where, 2).value = 100
    book.save(tmp_path / "changed.xlsx")
    (tmp_path / "second").mkdir()
    after = values(recalculate(tmp_path / "changed.xlsx", tmp_path / "second")["方案"])
    assert after["acts"] == 1
    assert after["cost"] == pytest.approx(2_160)
    assert after["after"] == pytest.approx(74_400 / 153_300)
    assert after["met"] == "未达标"


@office[0]
@office[1]
def test_two_acts_on_one_parcel_are_told(given, tmp_path):
    book = openpyxl.load_workbook(written(given, tmp_path / "a.xlsx"))
    sheet = book["方案"]
    mine = [row for row in range(7, sheet.max_row + 1) if sheet.cell(row, 2).value == "s1"]
    for row in mine:
        sheet.cell(row, 1).value = 1
    book.save(tmp_path / "b.xlsx")
    sheet = recalculate(tmp_path / "b.xlsx", tmp_path)["方案"]
    twice = [sheet.cell(row, named(sheet, "同一地块")).value for row in range(7, sheet.max_row + 1)]
    assert [row + 7 for row, said in enumerate(twice) if said == "重复"] == mine


@office[0]
@office[1]
def test_costs_of_floor_area_and_two_targets_recompute(tmp_path):
    floors = test_plan.parcels().assign(floor_area_m2=[50_000.0, 4_321.0, 9_876.5, 30_000.0, None, 12_000.0])
    more = '[[plan.targets]]\nindicator = "industrial_concentration"\nlevel = "park"\nplace = "C"\nat_least = 0.04\n'
    costs = "retire = { wcny_per_mu = 33.3, cny_per_floor_m2 = 777.77 }, relocate = 90"
    given = city(
        f"[plan]\nat_least = 0.55\ncosts = {{ {costs} }}\nrelocation_land_ratio = 0.83\n{more}", parcels=floors
    )
    document = plan_document(planned(given).plan)
    path = written(given, tmp_path / "a.xlsx")
    sheet = recalculate(path, tmp_path)["方案"]
    assert document["status"] == "optimal"
    assert sheet.cell(2, named(sheet, "测算成本")).value * 1e4 == pytest.approx(document["cost_cny"], abs=0.005)
    first, second = (named(sheet, "工业用地集聚度：分母") + shift for shift in (0, 2))
    after = [one["after"] for one in document["targets"]]
    assert [sheet.cell(4, col).value for col in (first, second)] == pytest.approx(after, rel=1e-14)
    assert [sheet.cell(5, col).value for col in (first, second)] == ["达标", "达标"]


@pytest.mark.parametrize(
    ("text", "acts", "met"),
    [
        (PLAN + "budget_cny = 28079999\n", 0, "未达标"),
        (PLAN + 'budget_cny = 28079999\nobjective = "closest"\n', 2, "未达标"),
        (PLAN.replace("0.5", "0.3"), 0, "达标"),
        ("[plan]\nat_least = 0.5\nactions = ['retire', 'intensify']\nintensify_plot_ratio = 1.5\n", 2, "达标"),
    ],
)
def test_every_outcome_has_its_sheet(text, acts, met, tmp_path):
    given = city(text)
    sheet = openpyxl.load_workbook(written(given, tmp_path / "a.xlsx"), data_only=True)["方案"]
    told = values(sheet)
    assert (told["acts"], told["met"]) == (acts, met)
    shown = [row for row in range(7, sheet.max_row + 1) if not sheet.row_dimensions[row].hidden]
    assert len(shown) == (acts or sheet.max_row - 6)  # where nothing is taken, all there is to choose from
    write_docx(compose_report(given, plan=planned(given)), tmp_path / "a.docx")
    write_gpkg(given, tmp_path / "a.gpkg", plan=planned(given))
    assert ("plan" in gpd.list_layers(tmp_path / "a.gpkg")["name"].tolist()) == bool(acts)
    assert ("plan" in [one["id"] for one in page_of(map_html(given, plan=planned(given)))["themes"]]) == bool(acts)


def test_where_there_is_nothing_to_choose_from_there_is_no_sheet(tmp_path):
    given = city(PLAN, parcels=test_plan.parcels().iloc[:1])
    assert "方案" not in openpyxl.load_workbook(written(given, tmp_path / "a.xlsx")).sheetnames
    assert "目标已经达到" in chapter(given)[0]


@office[0]
@office[1]
def test_a_yield_recomputes_too(tmp_path):
    """The firm inside pays 10 万元/亩 on 90 mu; 1, 2, 3, 4, 5 outside: four works go, and 1,200 万元 on 150 mu stay."""
    names, mu = ["in", "s0", "s1", "s2", "s3", "s4"], [90.0, 15.0, 21.6, 33.75, 9.6, 60.0]
    firms = pd.DataFrame(
        {
            "enterprise_code": names,
            "parcel_id": names,
            "tax_cny": [land * rate * 1e4 for land, rate in zip(mu, [10, 1, 2, 3, 4, 5], strict=True)],
        }
    )
    more = '[plan]\nindicator = "tax_per_mu"\nat_least = 8\nlevel = "city"\ncosts = { retire = 100 }\n'
    given = city(more, enterprises=firms)
    _, tables, _ = chapter(given)
    assert [row[2] for row in tables["plan-targets"][1:]] == ["1,200.00", "150.00"]
    sheet = recalculate(written(given, tmp_path / "a.xlsx"), tmp_path)["方案"]
    below = named(sheet, "亩均税收：分母")
    assert sheet.cell(4, below).value == pytest.approx(8.0, rel=1e-9)
    assert sheet.cell(5, below).value == "达标"


@pytest.fixture(scope="module")
def cut():
    """A work of 20,000 m² of which 4,000 m² lie in park B already: 16,000 m², 24 mu, can be annexed."""
    parcels = hand_city.layer(
        [(0, 0, 300, 200), (960, 200, 1160, 300), (3000, 0, 3200, 100)],
        parcel_id=["in", "cut", "far"], land_use_code=["0601"] * 3,
    )  # fmt: skip
    plan = '[plan]\nat_least = 0.7\nactions = ["annex"]\nannex_within_m = 100\ncosts = { annex = 20 }\n'
    return city(plan, parcels=parcels)


@office[0]
@office[1]
def test_of_annexed_land_only_what_lies_outside_is_counted_and_paid_for(cut, tmp_path):
    assert planned(cut).acts[["uid", "land_m2", "cost_cny"]].to_numpy().tolist() == [["cut", 16_000.0, 4_800_000.0]]
    path = written(cut, tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(path)["方案"]
    assert str(sheet.cell(7, named(sheet, "测算成本")).value).startswith("=")
    again = values(recalculate(path, tmp_path)["方案"])
    assert (again["land"], again["cost"]) == pytest.approx((24, 480))


# ---------------------------------------------------------------- the map


def test_the_map_colours_the_acts_and_says_what_they_are(given, found):
    page = page_of(map_html(given, plan=found))
    theme = page["themes"][-1]
    told = {one["label"]: (one["parcels"], one["mu"]) for one in theme["classes"]}
    assert told == {"搬迁入园": ("2", "31"), "工业用地，保持不变": ("4", "199")}
    assert "不是对任何地块或企业的决定" in theme["note"]
    block = unpacked(re.search(r'id="parkwise-data">(.*?)</script>', map_html(given, plan=found), re.DOTALL)[1])
    uid = given.land.parcels["uid"].tolist()
    parks = given.land.parks["park_id"].tolist()
    links = [(uid[s], parks[row]) for s, row in zip(block["links.parcel"], block["links.park"], strict=True)]
    assert links == [("s1", "A"), ("s3", "C")]


def test_the_legend_counts_of_annexed_land_what_lies_outside(cut):
    theme = page_of(map_html(cut, plan=planned(cut)))["themes"][-1]
    assert {one["label"]: one["mu"] for one in theme["classes"]}["划入园区"] == "24"


def test_colours_of_acts_differ_for_everybody():
    """Told apart by lightness or hue also where red and green look alike: no two closer than by a plain measure."""
    from geo.maps.themes import style

    acts = [colour for (kind, _), (colour, _) in style().items() if kind == "act"]
    okabe_ito = {"#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"}
    assert len(set(acts)) == 5
    assert set(acts) <= okabe_ito


@pytest.mark.browser
def test_the_theme_is_drawn_with_its_links_and_cards(given, found, browser, tmp_path):  # noqa: F811
    from test_maps import Watched

    path = tmp_path / "map.html"
    path.write_text(map_html(given, plan=found), encoding="utf-8")
    page = Watched(browser, path)
    assert not page.run("Parkwise.city.map.hasLayer(Parkwise.city.layers.links)")
    page.page.check(".pw-themes input[value=plan]", force=True)
    assert page.run("Parkwise.city.layers.links.getLayers().length") == 2
    assert page.run("Parkwise.city.map.hasLayer(Parkwise.city.layers.links)")
    assert "0,114,178" in page.run(COLOURS)
    line = page.run("Parkwise.city.layers.links.getLayers()[0].getLatLngs().map(p => [p.lat, p.lng])")
    shapes = given.land.parcels.set_index("uid").geometry.to_crs(4326)["s1"], given.land.parks.geometry.to_crs(4326)[0]
    for (lat, lng), shape in zip(line, shapes, strict=True):
        assert shape.contains(gpd.points_from_xy([lng], [lat])[0])
    page.run("Parkwise.city.openParcel(Parkwise.city.data.column('uid').indexOf('s1'), true)")
    card = page.card()
    assert [word for word in ("搬迁入园", "甲园", "1,944.00 万元") if word not in card] == []
    page.run("Parkwise.city.openParcel(Parkwise.city.data.column('uid').indexOf('s2'), true)")
    assert "方案措施" not in page.card()
    page.page.check(".pw-themes input[value=zones]", force=True)
    assert not page.run("Parkwise.city.map.hasLayer(Parkwise.city.layers.links)")
    assert page.told == []
    page.page.close()


# ---------------------------------------------------------------- hostile names


@pytest.fixture(scope="module")
def hostile():
    parks = test_plan.parks().assign(park_name=HOSTILE[:3], zone_name=HOSTILE[3:6])
    parcels = test_plan.parcels().assign(parcel_id=HOSTILE[:6])
    districts = hand_city.districts().assign(district_name=HOSTILE[:2])
    return city(parks=parks, parcels=parcels, districts=districts)


def test_hostile_names_stay_text(hostile, tmp_path):
    found = planned(hostile)
    page = render_html(compose_report(hostile, plan=found))
    assert not re.search(r"<script|<img", page)
    write_docx(compose_report(hostile, plan=found), tmp_path / "a.docx")
    sheet = openpyxl.load_workbook(written(hostile, tmp_path / "a.xlsx"))["方案"]
    texts = [cell for row in sheet.iter_rows(min_row=7, min_col=2, max_col=5) for cell in row]
    assert all(cell.data_type != "f" for cell in texts)
    write_gpkg(hostile, tmp_path / "a.gpkg", plan=found)
    layer = gpd.read_file(tmp_path / "a.gpkg", layer="plan")
    assert set(layer["uid"]) <= {name.replace("\x00", "") for name in HOSTILE[:6]} | set(HOSTILE[:6])


@pytest.mark.browser
def test_a_hostile_plan_executes_nothing(hostile, browser, tmp_path):  # noqa: F811
    from test_maps import Watched

    path = tmp_path / "map.html"
    path.write_text(map_html(hostile, plan=planned(hostile)), encoding="utf-8")
    page = Watched(browser, path)
    page.page.check(".pw-themes input[value=plan]", force=True)
    page.run("""() => { const c = Parkwise.city;
        for (let s = 0; s < c.data.parcels.count; s++) { c.openParcel(s, true); c.hover(c.map.getCenter()); } }""")
    page.page.wait_for_timeout(100)
    assert page.run("typeof window.pwned") == "undefined"
    assert page.told == []
    page.page.close()


# ---------------------------------------------------------------- the example city


def test_the_example_city_reaches_its_target_by_acts_of_every_kind(tmp_path):
    from layers.example import make, write

    built = make(parcels=20_000, seed=2025)  # as `parkwise demo` makes it
    write(tmp_path / "data", built)
    done = CliRunner().invoke(main, ["plan", str(tmp_path / "data" / "project.toml"), "-o", str(tmp_path / "p"), "-q"])
    assert done.exit_code == 0, done.output
    plan = json.loads((tmp_path / "p" / "results.json").read_text("utf-8"))["plan"]
    assert plan["before"] == pytest.approx(built.truth["concentration"]["ellipsoidal"], rel=1e-3)
    assert plan["before"] < 0.7 <= plan["after"]
    assert {one["action"] for one in plan["by_action"]} == {"retire", "relocate", "annex"}
    assert {row["year"] for row in plan["actions"]} == {2026, 2027, 2028}
    assert plan["costs"]["placeholders"] is False
    assert "虚构" in (tmp_path / "data" / "project.toml").read_text("utf-8")
    rows = pd.read_csv(tmp_path / "p" / "options.csv")
    chosen = rows[rows["chosen"] == 1]
    assert plan["cost_cny"] == pytest.approx(chosen["cost_cny"].sum())
    top = plan["targets"][0]["numerator_before"] + chosen["numerator_m2"].sum()
    below = plan["targets"][0]["denominator_before"] + chosen["denominator_m2"].sum()
    assert top / below >= 0.7 - 1e-9


def test_a_bound_near_the_cost_is_told_with_the_digits_that_tell_them_apart():
    plan = SimpleNamespace(cost_fen=138_905_016_600, bound_fen=138_867_030_000.4)
    assert bound_words(plan).zh == "13.887 亿元"
    assert bound_words(SimpleNamespace(cost_fen=138_905_016_600, bound_fen=1e11)).zh == "10.00 亿元"
