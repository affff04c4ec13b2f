"""Two runs of one city: what changed, what caused it, and what is new outside the parks."""

import json
import re
import shutil
import tomllib
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import geopandas as gpd
import hand_city as city
import hand_report
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import cli
from geo.assessment import assess
from geo.comparing.candidates import OUTCOMES, revitalised
from geo.comparing.figures import EFFECTS, decompose, differing, match_places
from geo.comparing.land import CityLand, new_industrial
from geo.comparing.parks import boundary_changes, inside_parks
from geo.comparing.runs import Options, Run, compare, comparison_document
from geo.comparing.shapes import opened, without
from geo.labels import labels
from geo.report.comparison_files import open_run, read_exceptions, write_comparison
from geo.report.comparison_text import comparison_text
from geo.report.gpkg import write_gpkg
from geo.results import dumps, results
from layers.errors import OutputError, ProjectError, SchemaError, SourceError
from layers.project import loads

CASES = tomllib.loads((Path(__file__).parent / "cases" / "comparing.toml").read_text("utf-8"))["case"]

PROJECT = """
[project]
city = "示例市"
as_of = {day}
area = "{area}"
overlap = "priority"
{more}
[land_use]
system = "third-survey"
"""


def worked(text):
    """Evaluate arithmetic of digits and operators only."""
    assert re.fullmatch(r"[\d\s.+\-*/()]+", text), text
    return eval(text)  # noqa: S307


# ---------------------------------------------------------------- two states of the hand city


def first_parcels():
    more = city.layer(
        [(2200, 0, 2300, 40), (2500, 0, 2560, 50)],
        parcel_id=["f1", "u1"], land_use_code=["0101", None], status=["在用", "在用"],
    )  # fmt: skip
    return gpd.GeoDataFrame(pd.concat([city.parcels(), more], ignore_index=True), crs=city.CRS)


def changed(case):
    """Return the parcels and parks of B."""
    parcels, parks = first_parcels(), city.parks()
    for name, corners in case.get("redrawn", {}).items():
        parcels.loc[parcels["parcel_id"] == name, "geometry"] = city.box(*corners)
    for column, told in (("land_use_code", case.get("uses", {})), ("status", case.get("statuses", {}))):
        parcels[column] = [told.get(name, was) for name, was in zip(parcels["parcel_id"], parcels[column], strict=True)]
    added = case.get("added", {})
    if added:
        more = city.layer(list(added.values()), parcel_id=list(added), land_use_code="0601", status="在用")
        parcels = gpd.GeoDataFrame(pd.concat([parcels, more], ignore_index=True), crs=city.CRS)
    for name, corners in case.get("parks", {}).items():
        parks.loc[parks["park_id"] == name, "geometry"] = city.box(*corners)
    return {"parcels": parcels, "parks": parks}


def write_run(folder, day="2025-12-31", area="planar", more="", **frames):
    """Write what a report leaves of a run that a comparison reads."""
    folder.mkdir(parents=True, exist_ok=True)
    project = loads(PROJECT.format(day=day, area=area, more=more), folder / "project.toml")
    found = assess({**city.frames(), "parcels": first_parcels(), **frames}, project)
    (folder / "results.json").write_text(dumps(results(found)), encoding="utf-8")
    write_gpkg(found, folder / "results.gpkg")
    return folder


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("runs") / "a", day="2024-12-31")


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """Return the run of a worked case, written once."""
    base = tmp_path_factory.mktemp("states")
    return cache(lambda number: write_run(base / str(number), **changed(CASES[number])))


@pytest.fixture(scope="module")
def second(state):
    return state(1)


def of_city(found, name="industrial_concentration"):
    table = found.indicators
    return table[(table["id"] == name) & (table["level"] == "city")].iloc[0]


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case["name"] for case in CASES])
def test_worked_cases(number, first, state):
    case = CASES[number]
    found = compare(open_run(first), open_run(state(number)), Options(exceptions=case.get("exceptions", {})))
    row = of_city(found)
    told = {
        **found.new_industrial.sums_m2,
        "revitalised": found.revitalised.area_m2,
        **{name: row[name] for name in ("change", *EFFECTS)},
    }
    asked = {name: worked(text) for name, text in case["expected"].items()}
    assert told == pytest.approx(asked, abs=1e-12)
    assert comparison_document(found)["new_industrial_outside_m2"] == asked["new"]


def test_a_run_compared_with_itself_changes_nothing(second):
    found = compare(open_run(second), open_run(second))
    table = found.indicators
    known = table["before"].notna()
    assert known.sum() > 50
    assert (table.loc[known, "change"] == 0).all()
    assert (table.loc[known, list(EFFECTS[:2])] == 0).all(axis=None)
    # Measured anew in its own parks, the land gives the very figures of the run: at every place, to the last step.
    moved = table.loc[known & (table["id"] == "industrial_concentration"), "boundary_effect"]
    assert len(moved) == 1 + 2 + 2 + 3
    assert (moved == 0).all()
    assert len(found.new_industrial.table) == len(found.boundaries) == 0
    assert found.revitalised.area_m2 == 0.0
    assert found.notes == ()
    assert (found.places["state"] == "same").all()


@pytest.mark.parametrize("boundary", ["a", "b"])
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_parts_add_up_at_every_place(number, boundary, first, state):
    table = compare(open_run(first), open_run(state(number)), Options(boundary=boundary)).indicators
    known = table[table["change"].notna()]
    assert len(known) > 50
    assert known[list(EFFECTS)].sum(axis=1).to_numpy() == pytest.approx(known["change"].to_numpy(), abs=1e-12)


def test_parts_of_money_per_mu_are_in_its_unit(first, tmp_path):
    firms = city.enterprises()
    firms.loc[1, "tax_cny"] = 1_500_000.0  # F2 pays 600,000 more
    after = write_run(tmp_path / "b", enterprises=firms)
    row = of_city(compare(open_run(first), open_run(after)), "tax_per_mu")
    land_mu = row["denominator_before"] / (2000 / 3)
    assert row["unit"] == "万元/亩"
    assert row["numerator_effect"] == pytest.approx(60 / land_mu)
    assert row["denominator_effect"] == 0.0
    assert row["change"] == pytest.approx(60 / land_mu)
    assert pd.isna(row["boundary_effect"])


def test_each_run_in_its_own_boundaries_leaves_them_in_the_numerator(first, state):
    row = of_city(compare(open_run(first), open_run(state(2)), Options(boundary="each")))
    assert row["numerator_effect"] == pytest.approx(10_000 / 60_000)
    assert pd.isna(row["boundary_effect"])


def test_whose_boundaries_stand_still_matters_where_land_moved_too(first, state):
    # In A's parks B's land has 30,000 + half of q1 2,000 inside, in B's own 44,000: the boundary brought 12,000 of it.
    weight = (1 / 60_000 + 1 / 69_000) / 2
    for boundary, moved in (("a", 12_000), ("b", 10_000)):
        row = of_city(compare(open_run(first), open_run(state(3)), Options(boundary=boundary)))
        assert row["boundary_effect"] == pytest.approx(moved * weight)
        assert row["numerator_effect"] == pytest.approx((14_000 - moved) * weight)


sums = st.integers(min_value=0, max_value=10**12)
below = st.integers(min_value=1, max_value=10**12)


@given(sums, below, sums, below, st.integers(min_value=-(10**12), max_value=10**12))
def test_the_parts_of_a_change_add_up_exactly(n1, d1, n2, d2, moved):
    one, two, three, four, five = (pd.Series([Fraction(x)], dtype="object") for x in (n1, d1, n2, d2, moved))
    parts = decompose(one, two, three, four, five)
    assert sum(parts.iloc[0]) == Fraction(n2, d2) - Fraction(n1, d1)
    back = decompose(three, four, one, two, -five)
    assert (parts.iloc[0] == -back.iloc[0]).all()  # swapping the times turns every sign
    still = decompose(one, two, one, two, five * 0)
    assert not any(still.iloc[0])


# ---------------------------------------------------------------- new industrial land


def land(rows, parks=None, **columns):
    """A city of boxes: (id, corners, industrial)."""
    n = len(rows)
    shapes = [row[1] if isinstance(row[1], shapely.Geometry) else city.box(*row[1]) for row in rows]
    base = {
        "parcel_id": pd.array([row[0] for row in rows], dtype="string"),
        "uid": pd.array([row[0] for row in rows], dtype="string"),
        "industrial": pd.array([row[2] for row in rows], dtype="boolean"),
        "land_area_m2": shapely.area(shapes),
        "land_use": pd.array(["0601" if row[2] else "0101" for row in rows], dtype="string"),
        "plot_ratio": np.full(n, np.nan),
        "candidate": np.zeros(n, dtype=bool),
        "idle": np.zeros(n, dtype=bool),
    }
    frame = gpd.GeoDataFrame({**base, **columns}, geometry=shapes, crs=city.CRS)
    places = None if parks is None else city.layer(parks, park_id=[f"P{i}" for i in range(len(parks))],
                                                   park_name=[f"园{i}" for i in range(len(parks))])  # fmt: skip
    return CityLand(frame, places, None, area="planar")


cells = st.lists(st.integers(min_value=0, max_value=3), min_size=25, max_size=25)


@given(cells, st.tuples(*[st.integers(min_value=0, max_value=5)] * 4))
def test_new_land_is_what_counting_cells_says(states, corners):
    # Bit 1: industrial before; bit 2: industrial after. Parcels are drawn by rows before and by columns after.
    before = [[states[5 * y + x] & 1 for x in range(5)] for y in range(5)]
    after = [[states[5 * y + x] & 2 for x in range(5)] for y in range(5)]
    x0, x1 = sorted(corners[:2])
    y0, y1 = sorted(corners[2:])
    cell = [[city.box(20 * x, 20 * y, 20 * x + 20, 20 * y + 20) for x in range(5)] for y in range(5)]
    rows = [shapely.union_all([cell[y][x] for x in range(5) if before[y][x]]) for y in range(5)]
    columns = [shapely.union_all([cell[y][x] for y in range(5) if after[y][x]]) for x in range(5)]
    park = [(20 * x0, 20 * y0, 20 * x1, 20 * y1)] if x0 < x1 and y0 < y1 else None
    one = land([(f"r{y}", shape, True) for y, shape in enumerate(rows) if not shape.is_empty])
    two = land([(f"c{x}", shape, True) for x, shape in enumerate(columns) if not shape.is_empty], park)
    found = new_industrial(one, two, tolerance_m=1.0, minimum_m2=0.0)
    inside = {(x, y) for x in range(x0, x1) for y in range(y0, y1)}
    wanted = [(x, y) for x in range(5) for y in range(5) if after[y][x] and not before[y][x] and (x, y) not in inside]
    assert found.sums_m2 == {"new": 400.0 * len(wanted), "excepted": 0, "unknown": 0, "sliver": 0, "below_minimum": 0}
    assert found.table.geometry.area.sum() == pytest.approx(400.0 * len(wanted))
    assert set(found.table["parcel_id"]) == {f"c{x}" for x, _ in wanted}


shifts = st.floats(min_value=-0.45, max_value=0.45)


@given(shifts, shifts, st.floats(min_value=0.0, max_value=0.45))
def test_a_drawing_that_moved_less_than_the_tolerance_is_no_new_land(dx, dy, grown):
    plots = [(0, 0, 100, 60), (100, 0, 180, 60), (500, 20, 640, 90)]
    moved = [(x0 + dx - grown, y0 + dy, x1 + dx, y1 + dy) for x0, y0, x1, y1 in plots]
    one, two = (land([(f"p{i}", box, True) for i, box in enumerate(boxes)]) for boxes in (plots, moved))
    found = new_industrial(one, two)
    assert found.sums_m2["new"] == found.sums_m2["below_minimum"] == 0.0
    gone = shapely.union_all(two.shapes).difference(shapely.union_all(one.shapes)).area
    # What is left out is counted; neighbours that grew overlap each other, and a sliver below 0.01 m² is none.
    assert found.sums_m2["sliver"] == pytest.approx(gone, abs=1.0)


def test_the_sums_hold_all_that_was_not_industrial_before_and_is_outside():
    one = land([("p", (0, 0, 100, 100), True), ("u", (300, 0, 400, 100), None)])
    two = land(
        [("p", (0, 0, 100.5, 100), True), ("q", (200, 0, 209, 10), True), ("u", (300, 0, 400, 100), True),
         ("n", (500, 0, 600, 100), True), ("e", (700, 0, 800, 100), True)],
        [(550, 0, 600, 100)],
    )  # fmt: skip
    found = new_industrial(one, two, exceptions={"e": "港口", "zzz": "?", "p": "?"})
    assert found.sums_m2 == {
        "new": 5000.0, "excepted": 10_000.0, "unknown": 10_000.0, "sliver": 50.0, "below_minimum": 90.0,
    }  # fmt: skip
    assert found.counts == {"new": 1, "excepted": 1, "unknown": 1, "sliver": 1, "below_minimum": 1}
    assert sum(found.sums_m2.values()) == pytest.approx(0.5 * 100 + 90 + 10_000 + 5000 + 10_000)
    assert (found.unmatched, found.unneeded) == (("zzz",), ("p",))
    assert found.table.set_index("parcel_id").loc["e", ["status", "reason"]].tolist() == ["excepted", "港口"]


def test_tolerance_and_minimum_are_the_users():
    one, two = land([("p", (0, 0, 100, 100), True)]), land([("p", (0, 0, 103, 100), True)])
    assert new_industrial(one, two, tolerance_m=2.9).sums_m2["new"] == pytest.approx(300.0)
    assert new_industrial(one, two, tolerance_m=3.1).sums_m2["sliver"] == pytest.approx(300.0)
    assert new_industrial(one, two, minimum_m2=301.0).sums_m2["below_minimum"] == pytest.approx(300.0)
    assert new_industrial(one, two, tolerance_m=0.0, minimum_m2=0.0).sums_m2["new"] == pytest.approx(300.0)


def test_a_new_parcel_keeps_its_sharp_corners_and_its_recorded_area():
    wedge = shapely.Polygon([(0, 0), (400, 0), (400, 20)])
    one, two = land([("p", (-900, 0, -800, 9), True)]), land([("w", wedge, True)], land_area_m2=[3900.0])
    found = new_industrial(one, two)
    assert found.sums_m2["new"] == 3900.0
    assert found.table.geometry.iloc[0].equals(wedge)


def test_a_missing_area_is_told_and_is_not_zero():
    one = land([("p", (0, 0, 100, 100), True)])
    two = land([("n", (200, 0, 300, 100), True)], land_area_m2=[np.nan])
    found = new_industrial(one, two)
    assert found.unmeasured == 1
    assert found.sums_m2["new"] == 0.0
    assert found.table["area_m2"].isna().all()


def test_what_was_there_before_is_told():
    one = land([("f", (0, 0, 100, 100), False), ("p", (500, 0, 600, 100), True)])
    two = land([("n", (0, 0, 160, 100), True), ("m", (300, 0, 400, 100), True)])
    table = new_industrial(one, two).table.set_index("parcel_id")
    assert table["before"].to_dict() == {"n": "other_use", "m": "no_parcel"}
    assert table.loc["n", "land_use_before"] == "0101"
    assert pd.isna(table.loc["m", "land_use_before"])


def test_shapes_without_and_opened_by_hand():
    plots = np.array([shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 10)])
    others = np.array([shapely.box(0, 0, 4, 10), shapely.box(3, 0, 6, 10), shapely.box(100, 0, 101, 1)])
    assert shapely.area(without(plots, others)).tolist() == [40.0, 100.0]
    assert shapely.area(without(plots, others[2:])).tolist() == [100.0, 100.0]
    comb = shapely.union_all([shapely.box(0, 0, 10, 10), shapely.box(2, 10, 2.8, 20)])
    assert shapely.area(opened(np.array([comb]), 1.0)).tolist() == pytest.approx([100.0])
    assert shapely.area(opened(np.array([comb]), 0.0)).tolist() == [108.0]


# ---------------------------------------------------------------- the same land, other boundaries


def test_land_in_the_parks_of_another_run():
    one = land([("p", (0, 0, 100, 100), True), ("q", (200, 0, 300, 100), True)], [(0, 0, 100, 100)])
    two = land([("p", (0, 0, 100, 100), True)], [(50, 0, 225, 100)])
    told = inside_parks(one, two).set_index("level")["inside_m2"]
    assert told.to_dict() == {"city": 7500.0, "zone": 7500.0, "park": 7500.0}
    assert inside_parks(one, one).set_index("level").loc["city", "inside_m2"] == 10_000.0
    assert len(inside_parks(one, replace(two, parks=None))) == 0


def test_parks_gain_and_lose_ground():
    one = land([("p", (0, 0, 100, 100), True)], [(0, 0, 100, 100), (500, 0, 600, 100)])
    two = land([("p", (0, 0, 100, 100), True)], [(50, 0, 150, 100), (500, 0, 600.4, 100)])
    table = boundary_changes(one, two, [("P0", "P0"), ("P1", "P1")])
    rows = table[["park_id", "change", "area_m2", "industrial_m2"]].to_numpy().tolist()
    assert rows == [["P0", "gained", 5000.0, 0.0], ["P0", "lost", 5000.0, 5000.0]]  # P1 grew by a hairline
    ends = boundary_changes(one, two, [("P0", None), (None, "P1")])
    assert ends[["change", "area_m2"]].to_numpy().tolist() == [["gone", 10_000.0], ["new", 10_040.0]]


# ---------------------------------------------------------------- revitalised land


def test_what_became_of_candidates():
    boxes = {name: (200 * i, 0, 200 * i + 100, 100) for i, name in enumerate("abcdefg")}
    one = land([(name, box, True) for name, box in boxes.items()], candidate=True, plot_ratio=0.2,
               idle=[name == "b" for name in boxes])  # fmt: skip
    later = {"a": False, "b": True, "c": True, "d": True, "e": True, "f": None}  # g is no parcel any more
    two = land(
        [(name, boxes[name], use) for name, use in later.items()],
        plot_ratio=[0.2, 0.2, 0.9, 0.9, 0.2, 0.2], candidate=[False, True, False, True, False, False],
    )  # fmt: skip
    found = revitalised(one, two)
    told = found.table.set_index("parcel_id")["outcome"].to_dict()
    assert told == {"a": "use_changed", "b": "in_use", "c": "denser", "d": "still", "e": "other", "f": "unknown",
                    "g": "no_parcel"}  # fmt: skip
    assert found.area_m2 == 30_000.0
    assert found.sums["outcome"].tolist() == list(OUTCOMES)
    assert found.sums["area_m2"].tolist() == [10_000.0] * 7


def test_a_candidate_that_was_divided_is_followed_piece_by_piece():
    one = land([("p", (0, 0, 100, 100), True)], candidate=True, plot_ratio=0.1, land_area_m2=[9000.0])
    two = land([("p1", (0, 0, 60, 100), True), ("p2", (60, 0, 90, 100), False), ("n", (100.5, 0, 200, 100), True),
                ("h", (99.6, 0, 100.5, 100), True)], plot_ratio=[0.8, 0, 0, 0])  # fmt: skip
    found = revitalised(one, two)
    rows = found.table[["parcel_id_after", "outcome", "area_m2"]].astype("object")
    told = {(None if pd.isna(after) else after, outcome): area for after, outcome, area in rows.to_numpy().tolist()}
    # The hairline of h goes with the rest: 60 + 30 + 9.6 m share the 9,000 m² on record.
    assert told == pytest.approx(
        {
            ("p1", "denser"): 9000 * 60 / 99.6,
            ("p2", "use_changed"): 9000 * 30 / 99.6,
            (None, "no_parcel"): 9000 * 9.6 / 99.6,
        },
        abs=0.01,
    )
    assert found.sums["area_m2"].sum() == pytest.approx(9000.0, abs=1e-9)


def test_a_missing_plot_ratio_is_no_rise():
    one = land([("p", (0, 0, 100, 100), True)], candidate=True)
    two = land([("p", (0, 0, 100, 100), True)], plot_ratio=[0.9])
    assert revitalised(one, two).table["outcome"].tolist() == ["other"]


# ---------------------------------------------------------------- places and definitions


def places(*rows):
    return pd.DataFrame(rows, columns=["level", "scope_id", "scope_name"])


def test_places_match_by_id_first_by_name_second():
    told = match_places(
        places(("city", "甲市", "甲市"), ("zone", "1", "东区"), ("zone", "2", "西区"), ("park", "1", "东区"),
               ("zone", "5", "双"), ("zone", "6", "双")),
        places(("city", "乙市", "乙市"), ("zone", "1", "东湾区"), ("zone", "9", "西区"), ("zone", "7", "双"),
               ("park", "2", "新园")),
    )  # fmt: skip
    rows = [tuple(None if pd.isna(cell) else cell for cell in row) for row in told.to_numpy().tolist()]
    assert set(rows) == {
        ("city", "甲市", "甲市", "乙市", "乙市", "renamed"),
        ("zone", "1", "东区", "1", "东湾区", "renamed"),
        ("zone", "2", "西区", "9", "西区", "new_id"),
        ("zone", "5", "双", None, None, "gone"),
        ("zone", "6", "双", None, None, "gone"),
        ("zone", None, None, "7", "双", "appeared"),
        ("park", "1", "东区", None, None, "gone"),
        ("park", None, None, "2", "新园", "appeared"),
    }
    assert told["level"].tolist() == ["city"] + ["zone"] * 5 + ["park"] * 2


def test_parks_that_came_went_or_changed_their_name(first, tmp_path):
    parks = city.parks()
    parks.loc[parks["park_id"] == "A", "park_name"] = "甲甲园"
    parks.loc[parks["park_id"] == "C", ["park_id", "park_name", "zone_id", "zone_name"]] = ["D", "丁园", "Z4", "四区"]
    found = compare(open_run(first), open_run(write_run(tmp_path / "b", parks=parks)))
    told = found.places[found.places["state"] != "same"]
    assert told[["level", "state"]].to_numpy().tolist() == [
        ["zone", "appeared"], ["zone", "gone"], ["park", "renamed"], ["park", "appeared"], ["park", "gone"],
    ]  # fmt: skip
    table = found.indicators[found.indicators["id"] == "industrial_concentration"].set_index("scope_id")
    assert pd.isna(table.loc["D", "change"])
    assert pd.isna(table.loc["C", "change"])
    assert table.loc["A", "change"] == 0
    assert found.boundaries[["park_id", "change"]].to_numpy().tolist() == [["D", "new"], ["C", "gone"]]


def test_other_definitions_are_told_and_their_figures_marked(first, tmp_path):
    after = write_run(tmp_path / "b", area="tdt1055", more="[buildings]\nstorey_height_m = 5.0")
    found = compare(open_run(first), open_run(after))
    assert found.definitions["definition"].tolist() == ["area", "buildings.storey_height_m"]
    assert of_city(found, "industrial_plot_ratio")["because"] == ("area", "buildings.storey_height_m")
    assert of_city(found)["because"] == ("area",)
    assert of_city(found, "high_tech_share")["comparable"]
    assert not of_city(found, "tax_per_mu")["comparable"]
    assert of_city(found)["change"] == pytest.approx(0.0, abs=1e-5)  # compared all the same
    told = comparison_text(found)
    assert told.index("口径不同") < told.index("— 全市 —")
    assert "不可比：area, buildings.storey_height_m" in told


def test_a_rule_for_overlaps_touches_zones_and_parks_only():
    document = {"definitions": {"overlap": "priority", "area": "tdt1055", "crs": "X"}}
    other = {"definitions": {"overlap": "error", "area": "tdt1055", "crs": "Y"}}
    told = differing(document, other)
    assert told[["definition", "touches"]].to_numpy().tolist() == [["crs", False]]  # error acts as priority
    split = {"definitions": {"overlap": "split", "area": "planar", "crs": "Y"}}
    told = differing(document, split).set_index("definition")["touches"]
    assert told.to_dict() == {"area": True, "overlap": True, "crs": True}


def row(value=0.5, unit="万元/亩", below="m2", level="city"):
    return {
        "id": "tax_per_mu", "scope": {"level": level, "id": "X", "name": "X"}, "unit": unit, "numerator_unit": "cny",
        "denominator_unit": below, "numerator": 20_000.0, "denominator": 2000.0, "value": value,
    }  # fmt: skip


def test_figures_of_zones_rest_on_the_rule_for_overlaps_and_those_of_the_city_do_not():
    one, two = (
        Run({"definitions": {"overlap": rule}, "indicators": [row(level=level) for level in ("city", "zones", "zone")]})
        for rule in ("priority", "split")
    )
    table = compare(one, two).indicators.set_index("level")
    assert table["comparable"].to_dict() == {"city": True, "zones": True, "zone": False}
    assert table.loc["zone", "because"] == ("overlap",)
    assert table.loc["zone", "change"] == 0.0


def test_what_the_overlay_lacks_is_told():
    one = replace(land([("p", (0, 0, 100, 100), True)], [(0, 0, 100, 100)]), judged=False)
    two = land([("p", (0, 0, 100, 100), True), ("n", (200, 0, 300, 100), True)], land_area_m2=[10_000.0, np.nan])
    found = compare(Run({"indicators": [row()]}, one), Run({"indicators": [row()]}, two, shapeless=3))
    told = [(note.code, *note.fill.values()) for note in found.notes]
    assert told == [("shapeless", "B", 3), ("no_parks", "B"), ("all_outside",), ("not_judged", "A"), ("unmeasured", 1)]
    assert found.revitalised is None
    assert found.indicators["boundary_effect"].isna().all()
    assert found.boundaries["change"].tolist() == []
    assert "全部按区外计" in comparison_text(found)


def test_other_units_have_no_change():
    found = compare(Run({"indicators": [row()]}), Run({"indicators": [row(unit="万元/公顷")]}))
    told = found.indicators.iloc[0]
    assert told["because"] == ("unit",)
    assert pd.isna(told["change"])
    assert pd.isna(told["numerator_effect"])


def test_a_figure_of_one_run_only_is_listed_without_change():
    found = compare(Run({"indicators": [row()]}), Run({"indicators": [row(), row(level="zone")]}))
    table = found.indicators.set_index("level")
    assert table.loc["zone", "state"] == "appeared"
    assert pd.isna(table.loc["zone", "change"])
    assert table.loc["zone", "after"] == 0.5


def test_cities_of_two_names_and_runs_in_the_wrong_order_are_told(first, tmp_path):
    after = write_run(tmp_path / "b", day="2023-12-31")
    document = json.loads((after / "results.json").read_text("utf-8"))
    document["project"]["city"] = "别市"
    (after / "results.json").write_text(json.dumps(document), encoding="utf-8")
    found = compare(open_run(first), open_run(after))
    assert [note.code for note in found.notes] == ["cities_differ", "swapped"]
    assert of_city(found)["change"] == 0  # the city is the city under any name
    assert "别市" in comparison_text(found)
    assert "swapped" in comparison_text(found, "en")


def test_another_plane_is_projected_and_told(first, tmp_path):
    frames = {**city.frames(), "parcels": first_parcels(), **changed(CASES[1])}
    moved = {k: f.to_crs("EPSG:4528") if isinstance(f, gpd.GeoDataFrame) else f for k, f in frames.items()}
    found = compare(open_run(first), open_run(write_run(tmp_path / "b", area="tdt1055", **moved)))
    assert "crs_differs" in [note.code for note in found.notes]
    # Areas are B's own, on the ellipsoid; the plane at the central meridian is true to a few millionths.
    assert found.new_industrial.sums_m2["new"] == pytest.approx(5000 + 4000 + 2000 + 3000, rel=1e-4)
    assert found.new_industrial.table.crs == city.CRS


# ---------------------------------------------------------------- files in


def test_a_results_file_alone_is_compared_by_its_figures(first, second):
    found = compare(open_run(first / "results.json"), open_run(second))
    assert [note.code for note in found.notes] == ["land_only_json"]
    assert found.new_industrial_outside_m2 is None
    assert of_city(found)["change"] == pytest.approx(42_000 / 89_190 - 0.5)
    assert pd.isna(of_city(found)["boundary_effect"])
    assert comparison_document(found)["new_industrial"] is None


def copied(run, target, drop=()):
    shutil.copytree(run, target)
    for name in drop:
        (target / name).unlink()
    return target


def test_a_folder_without_layers_says_so(first, tmp_path):
    bare = open_run(copied(first, tmp_path / "a", ["results.gpkg"]))
    assert (bare.land, bare.lacks) == (None, "no_gpkg")
    firms = assess({"enterprises": city.enterprises()}, loads(PROJECT.format(day="2025-01-01", area="planar", more=""),
                                                              Path("project.toml")))  # fmt: skip
    folder = copied(first, tmp_path / "b", ["results.gpkg"])
    write_gpkg(firms, folder / "results.gpkg")
    assert open_run(folder).lacks == "no_parcels"


def spoiled(first, folder, text):
    run = copied(first, folder)
    (run / "results.json").write_text(text, encoding="utf-8")
    return run


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"schema": "parkwise/9"}', "parkwise/9"),
        ('{"features": []}', "schema none"),
        ("[1, 2]", "schema none"),
        ('{"schema": "parkwise/1", "indicators": [{"id": "x"}]}', "not whole"),
        ('{"schema": "parkwise/1"', "cannot be read as JSON"),
    ],
)
def test_what_is_no_run_is_refused(first, tmp_path, text, said):
    with pytest.raises(SourceError, match=re.escape(said)):
        open_run(spoiled(first, tmp_path / "run", text))


def test_what_is_not_there_is_refused(first, tmp_path):
    with pytest.raises(SourceError, match="is not there"):
        open_run(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"results\.json"):
        open_run(tmp_path / "empty")


def test_a_damaged_geopackage_is_refused(first, tmp_path):
    run = copied(first, tmp_path / "a")
    (run / "results.gpkg").write_bytes(b"SQLite format 3\x00" + bytes(range(256)) * 16)
    with pytest.raises(SourceError, match="damaged"):
        open_run(run)


def test_a_geopackage_of_something_else_is_refused(first, tmp_path):
    run = copied(first, tmp_path / "a", ["results.gpkg"])
    city.parcels()[["parcel_id", "geometry"]].to_file(run / "results.gpkg", layer="parcels")
    with pytest.raises(SourceError, match="industrial"):
        open_run(run)


def test_a_run_reads_back_what_it_measured(first):
    run = open_run(first)
    table = run.land.parcels.set_index("parcel_id")
    assert table["industrial"].dropna().to_dict() == {
        "f1": False, "h1": False, "p1": True, "p2": True, "p3": True, "p4": True,
    }  # fmt: skip
    assert table.index[table["industrial"].isna()].tolist() == ["u1"]
    assert table.index[table["candidate"]].tolist() == table.index[table["idle"]].tolist() == ["p4"]
    assert table.loc["p1", "plot_ratio"] == pytest.approx(0.6)
    assert (run.city, run.as_of, run.land.area, run.land.overlap) == ("示例市", "2024-12-31", "planar", "priority")
    assert run.land.judged


# ---------------------------------------------------------------- exceptions


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_exceptions_are_read_in_chinese_too(tmp_path, encoding):
    (tmp_path / "例外.csv").write_text("地块编号,理由\n001,重大项目\nx2,军民融合\n", encoding=encoding)
    assert read_exceptions(tmp_path / "例外.csv") == {"001": "重大项目", "x2": "军民融合"}


def test_a_single_exception_will_do(tmp_path):
    (tmp_path / "e.csv").write_text("parcel_id,reason\nx1,port\n", encoding="utf-8")
    assert read_exceptions(tmp_path / "e.csv") == {"x1": "port"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("parcel,why\nx1,port\n", "no column reason"),
        ("name,reason\nx1,port\n", "no column parcel_id"),
        ("parcel_id,reason\nx1,\nx2,port\n", "1 of 2 rows"),
        ("parcel_id,reason\nx1,port\nx1,rail\n", "different reasons"),
    ],
)
def test_an_exception_needs_a_parcel_and_a_reason(tmp_path, text, said):
    (tmp_path / "e.csv").write_text(text, encoding="utf-8")
    with pytest.raises(SchemaError, match=said):
        read_exceptions(tmp_path / "e.csv")


@pytest.mark.parametrize("wrong", [{"boundary": "c"}, {"tolerance_m": -1.0}, {"minimum_m2": float("nan")}])
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ProjectError):
        Options(**wrong)


# ---------------------------------------------------------------- files out


@pytest.fixture(scope="module")
def written(first, second, tmp_path_factory):
    folder = tmp_path_factory.mktemp("out") / "对比"
    found = compare(open_run(first), open_run(second), Options(exceptions={"x1": "=cmd()"}))
    write_comparison(found, folder)
    return found, folder


def test_layers_carry_what_was_found(written):
    _, folder = written
    names = [name for name, _ in pyogrio.list_layers(folder / "compare.gpkg")]
    assert names == ["new_industrial", "revitalised", "boundary_changes", "layer_styles"]
    table = pyogrio.read_dataframe(folder / "compare.gpkg", layer="new_industrial").set_index("parcel_id")
    assert table["status"].to_dict() == {"n1": "new", "f1": "new", "u1": "unknown", "x1": "excepted", "q1": "new"}
    assert table.geometry.area.to_dict() == pytest.approx(table["area_m2"].to_dict())
    assert table.loc["x1", "reason"] == "=cmd()"
    assert table.crs == city.CRS
    land = pyogrio.read_dataframe(folder / "compare.gpkg", layer="revitalised")
    assert land[["parcel_id", "outcome", "idle_before", "idle_after"]].to_numpy().tolist() == [["p4", "in_use", 1, 0]]


def test_the_table_and_the_document_say_the_same(written):
    _, folder = written
    table = pd.read_csv(folder / "compare.csv")
    document = json.loads((folder / "compare.json").read_text("utf-8"))
    assert document["schema"] == "parkwise-comparison/1"
    assert document["new_industrial_outside_m2"] == 11_000.0
    assert len(table) == len(document["indicators"])
    known = table["change"].notna()
    assert table.loc[known, "change"].tolist() == pytest.approx(
        [one["change"] for one in document["indicators"] if one["change"] is not None]
    )


def test_cells_do_nothing_in_a_spreadsheet(first, tmp_path):
    parks = city.parks()
    parks["park_name"] = ["=1+1", "@x", "丙园"]
    found = compare(open_run(first), open_run(write_run(tmp_path / "b", parks=parks)))
    write_comparison(found, tmp_path / "out")
    names = pd.read_csv(tmp_path / "out" / "compare.csv")["scope_name"]
    assert "'=1+1" in set(names)
    assert not names.str.startswith(("=", "@")).any()


def test_nothing_is_written_over_an_older_comparison_unasked(written, tmp_path):
    found, folder = written
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(OutputError, match="--overwrite"):
        write_comparison(found, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in write_comparison(found, folder, overwrite=True)] == [
        "compare.csv", "compare.json", "compare.gpkg",
    ]  # fmt: skip


def test_a_comparison_without_land_leaves_no_older_layers(first, tmp_path):
    found = compare(open_run(first / "results.json"), open_run(first / "results.json"))
    (tmp_path / "compare.gpkg").write_text("older")
    write_comparison(found, tmp_path, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["compare.csv", "compare.json"]


def test_every_word_is_there_in_both_languages(written):
    found, _ = written
    ours = {key: words for key, words in labels().items() if key.startswith("compare.")}
    assert len(ours) > 90
    for key, words in ours.items():
        assert all(words.values()), key
        assert sorted(re.findall(r"{(\w+)}", words["zh"])) == sorted(re.findall(r"{(\w+)}", words["en"])), key
        assert not re.search("[一-鿿]", words["en"]), key
    # Every kind of place, status, outcome and note has its words.
    codes = re.findall(
        r'Note\(f?"(\w+)"', (Path(cli.__file__).parent / "geo" / "comparing" / "runs.py").read_text("utf-8")
    )
    assert {f"compare.note_{code}" for code in codes if code != "land_"} <= set(ours)
    assert {f"compare.outcome_{name}" for name in OUTCOMES} <= set(ours)
    assert {f"compare.status_{name}" for name in found.new_industrial.sums_m2} <= set(ours)


def test_what_a_terminal_shows(written):
    found, _ = written
    told = comparison_text(found)
    assert "开发区外新增工业用地：16.50 亩（11,000.00 平方米，3 个地块）" in told  # 11,000 ÷ 2000/3
    assert "盘活的低效、闲置用地：30.00 亩" in told
    assert "个百分点" in told
    english = comparison_text(found, "en")
    assert "New industrial land outside the parks: 16.50 mu" in english


# ---------------------------------------------------------------- the command


def run(*arguments):
    done = CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Two reports, written by the command."""
    base = tmp_path_factory.mktemp("city")
    text = 'city = "示例市"\narea = "planar"\n[land_use]\nsystem = "third-survey"'
    made = []
    for name, day, frames in (
        ("a", "2024-12-31", {"parcels": first_parcels()}),
        ("b", "2025-12-31", changed(CASES[1])),
    ):
        project = city.write(base / f"data-{name}", text, **frames)
        done = run("report", project, "-o", base / name, "-q", "--set", f"project.as_of={day}")
        assert done.exit_code == 0, done.output
        made.append(base / name)
    return made


def test_the_command_compares_two_reports(reports, tmp_path):
    (tmp_path / "e.csv").write_text("parcel_id,reason\nx1,重大项目\n", encoding="utf-8")
    done = run("compare", *reports, "--json", "-q", "--exceptions", tmp_path / "e.csv", "-o", tmp_path / "out")
    assert (done.exit_code, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["new_industrial_outside_m2"] == 11_000.0
    assert document["new_industrial"]["sums_m2"]["excepted"] == 3000.0
    assert document == json.loads((tmp_path / "out" / "compare.json").read_text("utf-8"))
    assert [document[side]["as_of"] for side in ("before", "after")] == ["2024-12-31", "2025-12-31"]
    again = run("compare", *reports, "-q", "-o", tmp_path / "out")
    assert (again.exit_code, again.stdout) == (2, "")
    assert "--overwrite" in again.stderr


def test_options_reach_the_comparison(reports):
    told = json.loads(
        run("compare", *reports, "--json", "-q", "--tolerance-m", 0.2, "--minimum-m2", 50, "--boundary", "a").stdout
    )
    # The strip of p4 (100 m²), t1 (90 m²) and, without a list, x1 (3,000 m²) are new now.
    assert told["new_industrial_outside_m2"] == pytest.approx(11_000 + 100 + 90 + 3000)
    assert told["options"] == {"boundary": "a", "tolerance_m": 0.2, "minimum_m2": 50.0, "exceptions": 0}


def test_words_go_to_stdout_and_notes_of_json_to_stderr(reports):
    assert "开发区外新增工业用地" in run("compare", *reports).stdout
    done = run("compare", reports[1], reports[0], "--json", "--lang", "en")
    assert json.loads(done.stdout)["notes"][0]["code"] == "swapped"
    assert "swapped" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nothing"], 3, "nothing"),
        (["--tolerance-m", "nan"], 2, "tolerance_m"),
        (["--minimum-m2", "-1"], 2, "minimum_m2"),
        (["--boundary", "c"], 2, "boundary"),
        (["--exceptions", "nothing.csv"], 3, "nothing.csv"),
    ],
)
def test_wrong_calls_end_in_one_message(reports, tmp_path, arguments, code, said):
    places = [reports[0], tmp_path / arguments[0]] if arguments == ["nothing"] else reports
    rest = [] if arguments == ["nothing"] else arguments
    done = run("compare", *places, "-q", *rest)
    assert done.exit_code == code, done.output
    assert said in done.stderr
    assert "Traceback" not in done.output
    assert done.stdout == ""


def test_hostile_names_pass_through(first, tmp_path):
    frames = {"parcels": first_parcels(), "parks": city.parks()}
    frames["parks"]["park_name"] = [f"{name}{hand_report.HOSTILE}" for name in frames["parks"]["park_name"]]
    found = compare(open_run(first), open_run(write_run(tmp_path / "b", **frames)))
    assert (found.places.loc[found.places["level"] == "park", "state"] == "renamed").all()
    write_comparison(found, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "compare.json").read_text("utf-8"))["places"]
