"""Land survey classes: indicators and potentials of a hand table, the identity of the three rates, batches."""

import csv
import math
import re
import tomllib
from importlib import resources
from pathlib import Path

import geopandas as gpd
import hand_city as city
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_batches import at_once

from geo.batches import assess_store
from geo.ideals import INTENSITIES, STRUCTURE, check_ideals
from geo.indicators import catalogue, indicator, measure, scopes, tally
from geo.labels import text as words
from geo.land import EXTENSIVE, attach
from geo.parcel_rows import parcel_rows
from geo.potentials import potentials, years_of_supply
from geo.report import formulas
from geo.results import results
from geo.survey import SURVEYED, Group, membership, survey_classes, surveyed, zone_types
from geo.survey_areas import AREAS, class_areas
from layers.converting import convert
from layers.errors import ProjectError, SchemaError
from layers.example import make
from layers.intake import gather, inspect
from layers.propose import open_project
from layers.schema import canonicalise, match
from layers.store import open_store

CASES = tomllib.loads((Path(__file__).parent / "cases" / "survey.toml").read_text("utf-8"))
RATES = ("land_development_rate", "land_supply_rate", "land_build_rate")
OURS = (*RATES, "high_tech_land_share", "idle_land_rate")
PLACES = ("city", "zones", "district", "zone", "park")


def worked_out(arithmetic):
    assert re.fullmatch(r"[\d_ .+*/()-]+", arithmetic), arithmetic
    return float(eval(arithmetic))  # noqa: S307  (digits and operators of a file of ours)


def classified():
    """The hand city with a survey: h1 and q1 (1 ha) lie in A, p1 in A, p2 half in A, p3 half in B, p4 outside.

    p4 was not surveyed but for its supply class, nobody asked whether p3 is idle or high-tech.
    """
    q1 = city.layer([(300, 0, 400, 100)], parcel_id=["q1"], land_use_code=["0601"], status=["在用"])
    parcels = gpd.GeoDataFrame(pd.concat([city.parcels(), q1], ignore_index=True), crs=city.CRS)
    return parcels.assign(  # p1, p2, p3, p4, h1, q1
        construction_class=["A2", "B21", "B21", None, "B22", "A1"],
        supply_class=["D21", "D21", "E21", "E22", "F", "D22"],
        idle=pd.array([False, True, None, None, False, False], dtype="boolean"),
        high_tech_class=["H1", "other", None, None, "other", "other"],
    )


@pytest.fixture(scope="module")
def land():
    return attach(classified(), city.parks(), None, city.districts(), area="planar", overlap="split")


@pytest.fixture(scope="module")
def figures(land):
    return measured(land, PLACES)


def measured(land, levels=("city",)):
    return measure(tally(land, None, levels), scopes(land, None, "城", levels))


def row(figures, name, level="city", scope="城"):
    found = figures[(figures["id"] == name) & (figures["level"] == level) & (figures["scope_id"] == scope)]
    assert len(found) == 1
    return found.iloc[0]


# ---------------------------------------------------------------- classes and columns


def test_the_classes_are_those_of_the_standard_with_their_source():
    classes = survey_classes()
    assert "".join(classes) == "AA1A2A31A32A4A51A52A6B11B12B21B22C1C2C3D1D21D22E1E21E22FGH1H2"
    groupings = {"A": "construction", "B": "construction", "C": "construction", "D": "supply", "E": "supply",
                 "F": "supply", "G": "special", "H": "special"}  # fmt: skip
    assert {code: one.grouping for code, one in classes.items()} == {code: groupings[code[0]] for code in classes}
    assert all(one.name_zh and one.name_en and one.source_zh and one.source_en for one in classes.values())
    assert {one.confidence for one in classes.values()} == {"weak"}


def test_the_reader_knows_the_classes_the_figures_know():
    text = resources.files("layers").joinpath("tables/codes/values.csv").read_text("utf-8")
    rows = [one for one in csv.DictReader(text.splitlines()) if one["layer"] == "parcels"]
    known = {(one["column"], one["value"]) for one in rows} - {("high_tech_class", "other")}
    told = {(one.column, one.code) for one in survey_classes().values() if one.column != "idle"}
    assert known == told
    names = {one["value"]: one["aliases"].split("|") for one in rows}
    assert all(one.name_zh in names[code] for code, one in survey_classes().items() if code != "G")


def test_titles_and_words_of_a_real_table_are_read():
    table = pd.DataFrame(
        {
            "地块编号": ["a", "b", "c"],
            "土地建设状况类型": ["工矿仓储用地", "ａ２", "A9"],
            "供应状况": ["D21", "尚可供应工矿仓储用地", ""],
            "是否闲置": ["是", "否", None],
            "高新技术产业用地类型": ["一类", "否", "H2"],
        }
    )
    frame = canonicalise(table, "parcels")
    assert frame["construction_class"].tolist() == ["A2", "A2", "A9"]
    assert frame["supply_class"].fillna("").tolist() == ["D21", "E21", ""]
    assert frame["idle"].fillna(value=False).tolist() == [True, False, False]
    assert frame["idle"].isna().tolist() == [False, False, True]
    assert frame["high_tech_class"].tolist() == ["H1", "other", "H2"]
    told = [(one["code"], one["column"], one["found"]) for one in frame.attrs["findings"]]
    assert told == [("value-unknown", "construction_class", "A9")]
    assert match("parcels", ["建设状况"]) == {"status": "建设状况"}, "the state of a site is no survey class"


@pytest.mark.parametrize(
    ("column", "classes", "code", "expected"),
    [
        ("construction_class", ("A",), "A31", 1.0),
        ("construction_class", ("A", "B21"), "B21", 1.0),
        ("construction_class", ("A", "B21"), "B22", 0.0),
        ("construction_class", ("A2",), "A", math.nan),  # too coarse to tell
        ("construction_class", ("A",), "D1", math.nan),  # a class of another column
        ("construction_class", ("A",), "A9", math.nan),  # not on the list, though it begins with A
        ("supply_class", ("E21",), "E1", 0.0),
        ("supply_class", ("D",), None, math.nan),
        ("high_tech_class", ("H",), "H2", 1.0),
        ("high_tech_class", ("H",), "other", 0.0),
        ("high_tech_class", ("H",), None, math.nan),
        ("construction_class", ("A",), "other", math.nan),
    ],
)
def test_a_class_counts_with_all_below_it_and_the_unknown_is_not_no(column, classes, code, expected):
    found = membership(pd.DataFrame({column: pd.Series([code], dtype="object")}), Group(column, classes))
    assert found.tolist() == pytest.approx([expected], nan_ok=True)


def test_an_absent_column_is_unknown_everywhere():
    assert np.isnan(membership(pd.DataFrame({"parcel_id": ["a", "b"]}), SURVEYED["survey_idle_m2"])).all()


def test_land_by_class():
    told = pd.DataFrame({"construction_class": ["A2", "B21", "B11", "C1"], "idle": [True, False, None, True]})
    areas = surveyed(told, pd.Series([1.0, 2.0, 4.0, np.nan])).fillna(-1)
    assert areas["survey_built_m2"].tolist() == [1, 0, 0, -1]
    assert areas["survey_ready_m2"].tolist() == [1, 2, 0, -1]
    assert areas["survey_developable_m2"].tolist() == [1, 2, 4, -1]
    assert areas["survey_idle_m2"].tolist() == [1, 0, -1, -1]
    assert areas["survey_supplied_m2"].tolist() == [-1] * 4


# ---------------------------------------------------------------- indicators


@pytest.mark.parametrize(
    ("name", "level", "scope", "top", "below", "count", "missing"),
    [
        # ready p1, p2, p3, q1; developable h1 (B22) too; p4 has no construction class
        ("land_development_rate", "city", "城", 50_000, 60_000, 5, 1),
        # supplied p1, p2, q1
        ("land_supply_rate", "city", "城", 30_000, 50_000, 5, 1),
        # built p1, q1
        ("land_build_rate", "city", "城", 20_000, 30_000, 5, 1),
        # idle p2 of p1, p2, q1; nobody knows of p3 and p4
        ("idle_land_rate", "city", "城", 10_000, 30_000, 4, 2),
        ("high_tech_land_share", "city", "城", 10_000, 20_000, 4, 2),
        # p2 lies in the strip that A and B share
        ("land_development_rate", "park", "A", 25_000, 35_000, 4, 0),
        ("land_supply_rate", "park", "A", 25_000, 25_000, 4, 0),
        ("land_build_rate", "park", "A", 20_000, 25_000, 4, 0),
        ("idle_land_rate", "park", "A", 5_000, 25_000, 4, 0),
        ("land_supply_rate", "park", "B", 5_000, 15_000, 2, 0),
        ("idle_land_rate", "park", "B", 5_000, 5_000, 1, 1),
        # half of p3 lies outside every park
        ("land_development_rate", "zone", "Z1", 40_000, 50_000, 5, 0),
        ("land_supply_rate", "zones", "zones", 30_000, 40_000, 5, 0),
        ("land_build_rate", "district", "东区", 20_000, 30_000, 5, 0),
    ],
)
def test_figures_by_hand(figures, name, level, scope, top, below, count, missing):
    found = row(figures, name, level, scope)
    assert (found["numerator"], found["denominator"]) == (top, below)
    assert (found["count"], found["missing"]) == (count, missing)
    assert found["value"] == pytest.approx(top / below, rel=1e-12)


def test_places_that_nobody_surveyed_have_a_row_and_no_figure(figures):
    for level, scope in (("district", "西区"), ("zone", "Z2"), ("park", "C")):
        found = row(figures, "land_development_rate", level, scope)
        assert (found["numerator"], found["denominator"], found["count"]) == (0, 0, 0)
        assert np.isnan(found["value"])
    assert row(figures, "land_development_rate", "district", "西区")["missing"] == 1


def test_without_a_survey_nothing_of_it_is_summed():
    sums = tally(attach(city.parcels(), city.parks(), area="planar", overlap="split"), None, PLACES)
    assert not set(OURS) & set(sums["indicator"])
    assert "industrial_concentration" in set(sums["indicator"])


def test_without_a_survey_there_are_no_such_figures_and_the_others_stay(land, figures):
    bare = measured(attach(classified()[[*city.parcels().columns]], city.parks(), None, city.districts(),
                           area="planar", overlap="split"), PLACES)  # fmt: skip
    assert set(figures["id"]) - set(bare["id"]) == set(OURS)
    pd.testing.assert_frame_equal(bare, figures[~figures["id"].isin(OURS)].reset_index(drop=True))


def test_one_class_alone_gives_the_figure_it_can():
    some = classified().drop(columns=["supply_class", "idle", "high_tech_class"])
    land = attach(some, city.parks(), area="planar", overlap="split")
    assert set(measured(land)["id"]) & set(OURS) == {"land_development_rate"}


def test_the_industrial_share_of_land_goes_by_land_use(figures):
    # 70,000 m² of 0601 of 80,000; by survey class it would be A2 / A = 10,000 / 20,000.
    found = row(figures, "industrial_land_share")
    assert (found["numerator"], found["denominator"]) == (70_000, 80_000)
    assert "不按开发区用地调查分类" in catalogue()["industrial_land_share"].definition_zh


def test_the_idle_rate_names_its_denominator():
    assert "（D）" in catalogue()["idle_land_rate"].definition_zh
    assert "(D)" in catalogue()["idle_land_rate"].definition_en


def test_the_workbook_sums_the_rows_that_know_both():
    names = {one: one for one in SURVEYED} | {"zone": "Z"}
    assert formulas.sums(indicator("land_supply_rate"), "zone", "C2", names) == (
        '=ROUND(SUMIFS(survey_supplied_m2,Z,C2,survey_ready_m2,"<>"),2)',
        '=ROUND(SUMIFS(survey_ready_m2,Z,C2,survey_supplied_m2,"<>"),2)',
    )
    assert all(words(f"{place}{one}", "en") for one in SURVEYED for place in ("xlsx.column.", "report.field_"))


def test_pieces_of_every_class_add_up_to_the_parcel(land):
    for column in SURVEYED:
        steps = (land.pieces[column] * 100).round().groupby(land.pieces["parcel"]).sum(min_count=1)
        pd.testing.assert_series_equal(steps, (land.parcels[column] * 100).round(), check_names=False)


def test_a_column_of_that_name_in_the_source_is_not_taken_for_ours():
    land = attach(city.parcels().assign(survey_built_m2=7.0), area="planar")
    assert land.parcels["survey_built_m2"].isna().all()


def test_rows_of_parcels_tell_the_class_once(land):
    rows = parcel_rows(land)
    assert rows["construction_class"].tolist() == land.parcels["construction_class"].tolist()
    assert not set(SURVEYED) & set(rows.columns)
    assert set(EXTENSIVE) - set(SURVEYED) <= set(rows.columns)


# ---------------------------------------------------------------- the identity of the three rates


def by_area(**areas_m2):
    """Parcels of recorded area, one a pair of classes such as A2_D21."""
    n = len(areas_m2)
    pairs = [pair.split("_") for pair in areas_m2]
    parcels = city.layer(
        [(200 * i, 0, 200 * i + 100, 100) for i in range(n)],
        parcel_id=[f"p{i}" for i in range(n)],
        land_use_code="0601",
        recorded_area_m2=[float(area) for area in areas_m2.values()],
        construction_class=[pair[0] for pair in pairs],
        supply_class=[pair[1] for pair in pairs],
    )
    return attach(parcels, area="recorded")


@pytest.mark.parametrize("case", CASES["bulletin"], ids=lambda case: case["name"])
def test_the_three_rates_of_the_national_bulletins_multiply_to_the_built_share(case):
    development, supply, build = case["rates"]
    ready = 1_000_000 * development
    supplied = ready * supply
    built = supplied * build
    land = by_area(A2_D21=built, B21_D1=supplied - built, B21_E21=ready - supplied, B22_F=1_000_000 - ready)
    figures = measured(land)
    rates = [row(figures, name)["value"] for name in RATES]
    assert rates == pytest.approx(case["rates"], rel=1e-7)
    share = row(figures, "land_build_rate")["numerator"] / row(figures, "land_development_rate")["denominator"]
    assert share == pytest.approx(worked_out(case["arithmetic"]), rel=1e-7)
    assert math.prod(rates) == pytest.approx(share, rel=1e-12)


areas = st.integers(1, 10**8).map(lambda steps: steps / 100)


@given(areas, areas, areas, areas, areas)
def test_the_three_rates_multiply_to_the_built_share(built, idle, ready, raw, rural):
    figures = measured(by_area(A4_D22=built, B21_D21=idle, B21_E1=ready, B22_F=raw, B12_F=rural))
    product = math.prod(row(figures, name)["value"] for name in RATES)
    assert product == pytest.approx(built / (built + idle + ready + raw + rural), rel=1e-9)


# ---------------------------------------------------------------- batches


@pytest.mark.parametrize(("rows", "whole"), [(1, True), (1, False), (4, False)])
def test_a_surveyed_city_in_batches_is_the_city_at_once(tmp_path, rows, whole):
    folder = city.write(tmp_path / "hand", 'area = "planar"', parcels=classified(), enterprises=None, holdings=None)
    project = open_project(folder / "project.toml")
    intake = gather(project)
    one = at_once((intake, inspect(intake, thorough=False)), with_candidates=whole)
    made = open_store(convert(project, folder / "dataset", rows=rows))
    many = assess_store(made, scheduler="threads", whole=whole)
    assert set(OURS) <= set(one.indicators["id"])
    assert results(many) == results(one)


# ---------------------------------------------------------------- the example city


def test_the_example_city_is_surveyed_where_its_parks_are():
    frames = make(parcels=1000, seed=5).frames
    parcels = frames["parcels"][frames["parcels"].geometry.is_valid & ~frames["parcels"].geometry.isna()]
    surveyed_ = parcels["construction_class"].notna()
    touched = parcels.intersects(frames["parks"].union_all())
    assert 0.1 < surveyed_.mean() < 0.5
    assert surveyed_[touched].mean() > 0.99, "but for a fault or two"
    assert parcels.loc[parcels["idle"].fillna(value=False), "supply_class"].str.startswith("D").all()
    land = attach(parcels, area="recorded")
    figures = measured(land)

    def land_of(column, *classes):
        return parcels.loc[parcels[column].str.startswith(classes).fillna(value=False), "recorded_area_m2"].sum()

    built, ready = land_of("construction_class", "A"), land_of("construction_class", "A", "B21")
    supplied, idle = land_of("supply_class", "D"), parcels.loc[parcels["idle"].fillna(value=False), "recorded_area_m2"]
    expected = {
        "land_development_rate": ready / land_of("construction_class", "A", "B"),
        "land_supply_rate": supplied / ready,
        "land_build_rate": built / supplied,
        "high_tech_land_share": land_of("high_tech_class", "H") / built,
        "idle_land_rate": idle.sum() / supplied,
    }
    assert {name: row(figures, name)["value"] for name in OURS} == pytest.approx(expected, rel=1e-12)
    assert all(0 < value < 1 for value in expected.values())


# ---------------------------------------------------------------- land by class and place


def test_land_by_class_and_place(land):
    table = class_areas(land, ("city", "zone", "park"), "城").set_index("scope_id")
    expected = {
        "built": {"城": 20_000, "Z1": 20_000, "Z2": -1, "A": 20_000, "B": 0, "C": -1},
        "industrial": {"城": 10_000, "Z1": 10_000, "Z2": -1, "A": 10_000, "B": 0, "C": -1},
        "housing": {"城": 10_000, "Z1": 10_000, "Z2": -1, "A": 10_000, "B": 0, "C": -1},
        "suppliable": {"城": 40_000, "Z1": 10_000, "Z2": -1, "A": 0, "B": 10_000, "C": -1},
        "suppliable_industrial": {"城": 20_000, "Z1": 10_000, "Z2": -1, "A": 0, "B": 10_000, "C": -1},
        "expired": {"城": 10_000, "Z1": 10_000, "Z2": -1, "A": 10_000, "B": 0, "C": -1},
        "idle": {"城": 10_000, "Z1": 10_000, "Z2": -1, "A": 5_000, "B": 5_000, "C": -1},
        "idle_expired": {"城": 0, "Z1": 0, "Z2": -1, "A": 0, "B": 0, "C": -1},
    }
    assert {name: table[f"survey_{name}_m2"].fillna(-1).to_dict() for name in expected} == expected
    unknown = table["construction_unknown_m2"].fillna(-1).to_dict()
    assert unknown == {"城": 20_000, "Z1": 0, "Z2": -1, "A": 0, "B": 0, "C": -1}
    assert table.loc["城", ["supply_unknown_m2", "idle_unknown_m2"]].tolist() == [0, 40_000]


def test_a_class_too_coarse_for_one_sum_stays_out_of_all():
    land = by_area(A2_D21=100, A_D21=50, A1_D21=25)
    found = class_areas(land, ["city"]).iloc[0]
    assert found[["survey_built_m2", "survey_industrial_m2", "survey_housing_m2"]].tolist() == [125, 100, 25]
    assert found["construction_unknown_m2"] == 50
    assert row(measured(land), "land_build_rate")["numerator"] == 175, "whether it is built is known"


def test_land_that_is_idle_and_expired_is_known_as_both():
    parcels = classified().assign(idle=True, supply_class="D22")
    found = class_areas(attach(parcels, area="planar"), ["city"]).iloc[0]
    assert found[["survey_idle_m2", "survey_expired_m2", "survey_idle_expired_m2"]].tolist() == [80_000] * 3


def test_no_place_no_row(land):
    bare = attach(classified(), area="planar")
    assert class_areas(bare, ["zone"]).empty
    assert {*AREAS, "scope_id"} <= set(class_areas(bare, ["zone"]).columns)


# ---------------------------------------------------------------- ideals


def ideals(**changed):
    told = {"indicator": "industrial_plot_ratio", "ideal": 1.2, "unit": "1", "source": "made up"} | changed
    return pd.DataFrame([told])


@pytest.mark.parametrize(
    ("name", "ideal", "unit", "expected"),
    [
        ("industrial_plot_ratio", 1.2, None, 1.2),
        ("工业用地综合容积率", "1.2", "", 1.2),
        ("industrial_land_share", 61, "%", 0.61),
        ("investment_per_mu", 4500, "万元/公顷", 300.0),
        ("output_per_km2", 0.5, "亿元/公顷", 50.0),
    ],
)
def test_ideals_in_any_unit(name, ideal, unit, expected):
    found = check_ideals(ideals(indicator=name, ideal=ideal, unit=unit))
    assert found["ideal"].tolist() == pytest.approx([expected], rel=1e-12)
    assert found["source"].tolist() == ["made up"]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"indicator": "plot_ratoi"}, r'row 1: no potential asks for "plot_ratoi" \(nearest: industrial_plot_ratio\)'),
        ({"indicator": "rd_share"}, "no potential asks for"),
        ({"ideal": 0}, "expected a number above 0"),
        ({"ideal": -1.0}, "expected a number above 0"),
        ({"ideal": "高"}, "expected a number above 0"),
        ({"ideal": math.inf}, "expected a number above 0"),
        ({"source": " "}, "has no source"),
        ({"source": None}, "has no source"),
        ({"unit": "亩"}, "cannot become"),
        ({"unit": "furlong"}, "not known"),
        ({"indicator": "tax_per_mu", "unit": None}, "no unit is given"),
        ({"indicator": "industrial_land_share", "ideal": 61}, "per cents need the unit %"),
    ],
)
def test_ideals_that_cannot_be_used_are_told_with_their_row(changed, says):
    with pytest.raises(ProjectError, match=says) as caught:
        check_ideals(ideals(**changed))
    assert "理想值表第 1 行" in caught.value.zh


def test_an_ideal_that_stands_twice_or_a_column_that_lacks():
    with pytest.raises(ProjectError, match=r"row 1, 3: industrial_plot_ratio stands 2 times"):
        check_ideals(pd.concat([ideals(), ideals(indicator="tax_per_mu", unit="万元/亩"), ideals()]))
    with pytest.raises(SchemaError, match="1 of 4 columns are missing: source"):
        check_ideals(ideals().drop(columns="source"))


def test_without_ideals_of_the_user_there_is_no_potential_to_hold_against_them():
    assert check_ideals(ideals()[:0]).empty
    none = potentials(zone(), ideals()[:0], figures=present())
    asked = none[none["potential"].isin(["structure", "intensity"])]
    assert asked["value"].isna().all()
    assert set(asked["reason_en"]) - {"the present value is not known"} == {"no ideal value is given"}


# ---------------------------------------------------------------- potentials


def zone(**changed):
    return pd.DataFrame([{"level": "zone", "scope_id": "Z", "scope_name": "某区"} | CASES["zone"] | changed])


def present(**changed):
    told = CASES["figures"] | changed
    return pd.DataFrame({"id": [*told], "level": "zone", "scope_id": "Z", "value": [*told.values()]})


def of_case(areas=None, figures=None, supply=None):
    return potentials(
        zone() if areas is None else areas,
        pd.DataFrame(CASES["ideals"]),
        figures=present() if figures is None else figures,
        supply=pd.DataFrame(CASES["supply"]) if supply is None else supply,
    )


def only(table, potential, name=None):
    found = table[(table["potential"] == potential) & (table["indicator"].fillna("") == (name or ""))]
    assert len(found) == 1
    return found.iloc[0]


@pytest.mark.parametrize(
    "case", CASES["potential"], ids=lambda case: f"{case['potential']} {case.get('indicator', '')}"
)
def test_potentials_by_hand(case):
    found = only(of_case(), case["potential"], case.get("indicator"))
    assert found["value"] == pytest.approx(worked_out(case["arithmetic"]), rel=1e-12)
    assert pd.isna(found["reason_en"])
    assert found["unit"] == ("years" if "years" in case["potential"] else "m2")
    assert found["source_zh"]


def test_each_row_carries_ideal_present_value_and_sources():
    found = only(of_case(), "intensity", "tax_per_mu")
    assert found[["current", "ideal", "ideal_unit", "ideal_source"]].tolist() == [
        20.0, pytest.approx(30.0), "wcny/mu", "made up for this case",
    ]  # fmt: skip
    assert "weak" in found["source_en"]
    assert only(of_case(), "structure", STRUCTURE)["current"] == 80_000 / 200_000


def test_intensities_are_alternatives_and_no_row_adds_them():
    table = of_case()
    assert table.loc[table["alternative"], "indicator"].tolist() == list(INTENSITIES)
    assert set(table.loc[table["alternative"], "potential"]) == {"intensity"}
    assert len(table) == 2 + 1 + len(INTENSITIES) + 1 + 4


@pytest.mark.parametrize(
    ("areas", "figures", "potential", "indicator", "reason"),
    [
        ({}, {}, "intensity", "investment_per_mu", "no ideal value is given"),
        ({}, {}, "intensity", "output_per_km2", "the present value is not known"),
        ({}, {"tax_per_mu": math.nan}, "intensity", "tax_per_mu", "the present value is not known"),
        ({"survey_built_m2": math.nan}, {}, "structure", STRUCTURE, "land by class is not known: A "),
        ({"survey_built_m2": 0.0}, {}, "structure", STRUCTURE, "there is no built-up land"),
        ({"survey_industrial_m2": math.nan}, {}, "intensity", "industrial_plot_ratio", "A2 (construction_class)"),
        ({"survey_suppliable_m2": math.nan}, {}, "expansion", None, "E (supply_class)"),
        ({"survey_suppliable_m2": math.nan}, {}, "supply_years_mean", None, "E (supply_class)"),
        ({"survey_idle_m2": math.nan}, {}, "management", None, "G (idle)"),
        ({"survey_idle_expired_m2": math.nan}, {}, "management", None, "both idle and its supply class"),
    ],
)
def test_what_is_not_known_is_missing_with_the_reason(areas, figures, potential, indicator, reason):
    found = only(of_case(zone(**areas), present(**figures)), potential, indicator)
    assert np.isnan(found["value"])
    assert reason in found["reason_en"]
    assert found["reason_zh"]


def test_land_to_be_taken_back_may_be_less_than_all_idle_land():
    assert only(of_case(zone(take_back_m2=2_500.0)), "management")["value"] == 2_500 + 4_000


def test_taxes_paid_back_win_no_more_than_the_land():
    assert only(of_case(figures=present(tax_per_mu=-5.0)), "intensity", "tax_per_mu")["value"] == 80_000


amounts = st.floats(0, 1e9)
values = st.floats(-1e3, 1e3)


@given(st.lists(amounts, min_size=8, max_size=8), st.lists(values, min_size=5, max_size=5),
       st.lists(st.floats(1e-3, 1e3), min_size=6, max_size=6))  # fmt: skip
def test_no_potential_is_negative_nor_larger_than_its_land(land_m2, now, wanted):
    built, industrial, *rest, idle, expired, both = land_m2
    industrial, both = min(industrial, built), min(both, idle, expired)
    table = potentials(
        zone(
            survey_built_m2=built, survey_industrial_m2=industrial, survey_suppliable_m2=rest[0], survey_idle_m2=idle,
            survey_suppliable_industrial_m2=rest[1], survey_expired_m2=expired, survey_idle_expired_m2=both,
        ),
        pd.DataFrame(
            {
                "indicator": [STRUCTURE, *INTENSITIES],
                "ideal": [min(one, 1.0) if name in {STRUCTURE, "building_coefficient"} else one
                          for name, one in zip([STRUCTURE, *INTENSITIES], wanted, strict=True)],
                "unit": ["1", "1", "1", "万元/亩", "万元/亩", "亿元/km²"],
                "source": "drawn",
            }
        ),
        figures=pd.DataFrame({"id": INTENSITIES, "level": "zone", "scope_id": "Z", "value": now}),
        supply=pd.DataFrame(CASES["supply"]),
    )  # fmt: skip
    assert (table["value"].dropna() >= 0).all()
    assert (table.loc[table["potential"] == "intensity", "value"] <= industrial * (1 + 1e-12)).all()
    assert built == 0 or only(table, "structure", STRUCTURE)["value"] <= built - industrial + 1e-3
    assert table["value"].isna().tolist() == table["reason_en"].notna().tolist()


def test_potentials_of_the_hand_city(land, figures):
    table = potentials(class_areas(land), ideals(indicator=STRUCTURE, ideal=0.8), figures=figures)
    assert table["scope_id"].unique().tolist() == ["Z1", "Z2"]
    here = table[table["scope_id"] == "Z1"]
    assert only(here, "structure", STRUCTURE)["value"] == pytest.approx(20_000 * (0.8 - 0.5))
    assert only(here, "management")["value"] == 10_000 + 10_000
    assert table.loc[table["scope_id"] == "Z2", "value"].isna().all()


def test_land_that_no_potential_can_hold_is_told_beside_it(land):
    # Of the city p4 (2 ha) has no construction class, of p3 and p4 (4 ha) nobody knows whether they are idle.
    table = potentials(class_areas(land, ["city"]), ideals())
    told = table.drop_duplicates("potential").set_index("potential")["unknown_m2"]
    assert told.to_dict() == {
        "expansion": 0, "expansion_industrial": 0, "structure": 20_000, "intensity": 20_000, "management": 40_000,
        "supply_years_mean": 0, "supply_years_maximum": 0, "supply_years_mean_industrial": 0,
        "supply_years_maximum_industrial": 0,
    }  # fmt: skip
    assert of_case()["unknown_m2"].isna().all(), "a table made by hand does not tell"


# ---------------------------------------------------------------- years of supply


def test_a_year_that_is_not_told_is_not_a_year_without_supply():
    history = pd.Series([60.0, 5.0, 10.0, 20.0, 30.0], index=range(2021, 2026))
    assert years_of_supply(300.0, history, 2025) == (300 / ((10 + 20 + 30) / 3), 300 / 60)
    assert years_of_supply(300.0, history.drop(2022), 2025) == (15.0, pytest.approx(math.nan, nan_ok=True))
    gone = years_of_supply(300.0, history.drop(2024), 2025)
    assert np.isnan(gone).all()
    assert np.isnan(years_of_supply(300.0, history * 0, 2025)).all()


def test_years_of_several_zones():
    both = pd.concat([zone(), zone(scope_id="Y", survey_suppliable_m2=700.0)], ignore_index=True)
    supply = pd.DataFrame(
        {
            "scope_id": ["Z"] * 5 + ["Y"] * 5,
            "year": [*range(2021, 2026)] * 2,
            "supplied_m2": [10_000.0] * 5 + [70.0] * 5,
        }
    )
    table = of_case(both, supply=supply)
    years = table[table["potential"] == "supply_years_mean"].set_index("scope_id")["value"]
    assert years.to_dict() == {"Z": 5.0, "Y": 10.0}
    lacking = table[table["potential"] == "supply_years_mean_industrial"]
    assert lacking["value"].isna().all()
    assert lacking["reason_en"].str.contains("last 3 years").all()


def test_a_history_that_cannot_be_used():
    both = pd.concat([zone(), zone(scope_id="Y")], ignore_index=True)
    with pytest.raises(SchemaError, match="missing: scope_id"):
        of_case(both)
    with pytest.raises(SchemaError, match="missing: supplied_m2"):
        of_case(supply=pd.DataFrame({"year": [2025]}))
    twice = pd.DataFrame({"year": [2024, 2025, 2025], "supplied_m2": 1.0})
    with pytest.raises(ProjectError, match="2 of 3 rows tell a year twice, such as 2025 of Z"):
        of_case(supply=twice)


# ---------------------------------------------------------------- types of zones


@pytest.mark.parametrize(
    ("name", "built", "housing", "industrial", "expected"),
    [
        ("甲区", 100.0, 24.0, 31.0, "industrial"),
        ("甲区", 100.0, 25.0, 30.0, "mixed"),
        ("甲区", 100.0, 25.0, 31.0, "other"),
        ("甲区", 100.0, 24.0, 30.0, "other"),
        ("甲综合保税区", 100.0, 80.0, 0.0, "industrial"),
        ("甲出口加工区", math.nan, math.nan, math.nan, "industrial"),
        ("甲区", math.nan, math.nan, math.nan, None),
        ("甲区", 0.0, 0.0, 0.0, None),
    ],
)
def test_a_type_is_proposed_by_the_rule(name, built, housing, industrial, expected):
    areas = zone(scope_name=name, survey_built_m2=built, survey_housing_m2=housing, survey_industrial_m2=industrial)
    found = zone_types(areas).iloc[0]
    assert (found["zone_type"], found["basis"], found["confidence"]) == (expected, "proposed", "weak")
    assert "weak source" in found["source_en"]


def test_a_given_type_goes_before_the_rule_and_the_argument_before_the_column():
    both = pd.concat([zone(zone_type="产城融合型"), zone(scope_id="Y"), zone(scope_id="X")], ignore_index=True)
    found = zone_types(both, {"Y": "other"}).set_index("scope_id")
    assert found["zone_type"].to_dict() == {"Z": "mixed", "Y": "other", "X": "industrial"}
    assert found["basis"].to_dict() == {"Z": "given", "Y": "given", "X": "proposed"}
    assert found["confidence"].isna().to_dict() == {"Z": True, "Y": True, "X": False}
    assert zone_types(both, {"Z": "industrial"})["zone_type"].iloc[0] == "industrial"


def test_a_type_or_a_zone_that_is_not_there():
    with pytest.raises(ProjectError, match=r'"工业主导" is no type of zone \(nearest: 工业主导型\)'):
        zone_types(zone(), {"Z": "工业主导"})
    with pytest.raises(ProjectError, match=r"1 of 1 zones are not there, such as \"ZZ\""):
        zone_types(zone(), {"ZZ": "industrial"})
