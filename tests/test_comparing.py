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
from geo.comparing.figures import EFFECTS, decompose, differing, figures, match_places, resting_on
from geo.comparing.land import CityLand, new_industrial
from geo.comparing.parks import boundary_changes, in_parks_of, moved_places
from geo.comparing.runs import Options, Run, compare, comparison_document
from geo.comparing.shapes import opened, without
from geo.labels import labels
from geo.report.comparison_files import read_exceptions, write_comparison
from geo.report.comparison_runs import open_run
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
    moved = table.loc[known & table["boundary_effect"].notna(), ["id", "boundary_effect"]]
    assert (moved["id"] == "industrial_concentration").sum() == 1 + 2 + 2 + 3
    assert {"industrial_land_share", "plot_ratio", "industrial_plot_ratio", "building_density"} <= set(moved["id"])
    assert (moved["boundary_effect"] == 0).all()
    assert table["comparable"].all()
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


moves = st.integers(min_value=-(10**12), max_value=10**12)


@given(sums, below, sums, below, moves, moves)
def test_the_parts_of_a_change_add_up_exactly(n1, d1, n2, d2, moved, under):
    one, two, three, four, five, six = (
        pd.Series([Fraction(x)], dtype="object") for x in (n1, d1, n2, d2, moved, under)
    )
    parts = decompose(one, two, three, four, five, six)
    assert sum(parts.iloc[0]) == Fraction(n2, d2) - Fraction(n1, d1)
    back = decompose(three, four, one, two, -five, -six)
    assert (parts.iloc[0] == -back.iloc[0]).all()  # swapping the times turns every sign
    still = decompose(one, two, one, two, five * 0, six * 0)
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


def concentration(table):
    rows = table[table["id"] == "industrial_concentration"]
    return dict(zip(rows["level"], rows["numerator"], strict=True))


def test_land_in_the_parks_of_another_run():
    one = land([("p", (0, 0, 100, 100), True), ("q", (200, 0, 300, 100), True)], [(0, 0, 100, 100)])
    two = land([("p", (0, 0, 100, 100), True)], [(50, 0, 225, 100)])
    told = concentration(in_parks_of(one, two))
    assert told == {"city": 7500.0, "zone": 7500.0, "park": 7500.0}
    assert concentration(in_parks_of(one, one))["city"] == 10_000.0
    assert len(in_parks_of(one, replace(two, parks=None))) == 0


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
    boxes = {name: (200 * i, 0, 200 * i + 100, 100) for i, name in enumerate("abcdefgh")}
    one = land([(name, box, True) for name, box in boxes.items()], candidate=True, plot_ratio=0.2,
               idle=[name in "bh" for name in boxes])  # fmt: skip
    later = {"a": False, "b": True, "c": True, "d": True, "e": True, "f": None, "h": True}  # g is no parcel any more
    two = land(
        [(name, boxes[name], use) for name, use in later.items()],
        plot_ratio=[0.2, 0.2, 0.9, 0.9, 0.2, 0.2, 0.2], candidate=[False, True, False, True, False, False, False],
        idle=pd.array([False] * 6 + [None], dtype="boolean"),
    )  # fmt: skip
    found = revitalised(one, two)
    told = found.table.set_index("parcel_id")["outcome"].to_dict()
    assert told == {"a": "use_changed", "b": "in_use", "c": "denser", "d": "still", "e": "other", "f": "unknown",
                    "g": "no_parcel", "h": "status_unknown"}  # fmt: skip
    assert found.area_m2 == 30_000.0
    assert found.sums["outcome"].tolist() == list(OUTCOMES)
    assert found.sums["area_m2"].tolist() == [10_000.0] * 8


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
    assert [note.code for note in found.notes] == ["cities_differ", "swapped", "unknown_outside"]
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
    assert table.index[table["candidate"]].tolist() == ["p4"]
    assert table.index[table["idle"].fillna(value=False)].tolist() == ["p4"]
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


# ---------------------------------------------------------------- boundaries: both sums, every figure of land


def of_place(found, name, level, place):
    table = found.indicators
    return table[(table["id"] == name) & (table["level"] == level) & (table["scope_id"] == place)].iloc[0]


def test_the_part_of_boundaries_is_told_for_every_figure_of_land(first, state):
    # Park B gains the other half of p3. Floor area inside zone 1: p1 6,000, p2 1,000 doubled, half of p3's 3,000, then
    # all of it; land 30,000, then 40,000. Nothing was built, so the whole change is the boundary's.
    before, after = (6000 + 2000 + 1500) / 30_000, (6000 + 2000 + 3000) / 40_000
    for boundary in ("a", "b"):
        row = of_place(compare(open_run(first), open_run(state(2)), Options(boundary=boundary)),
                       "industrial_plot_ratio", "zone", "Z1")  # fmt: skip
        assert [row["before"], row["after"]] == pytest.approx([before, after])
        assert row["boundary_effect"] == pytest.approx(after - before)
        assert (row["numerator_effect"], row["denominator_effect"]) == (0, 0)
        assert row["comparable"]


def test_boundaries_and_land_are_told_apart_in_both_sums(first, state):
    # Also q1, 4,000 m² without buildings, is new in zone 1: only the land below grew, by 4,000 of 14,000.
    row = of_place(compare(open_run(first), open_run(state(3))), "industrial_plot_ratio", "zone", "Z1")
    below = (9500 + 11_000) / 2 / (30_000 * 44_000)
    assert row["change"] == pytest.approx(11_000 / 44_000 - 9500 / 30_000)
    assert row["numerator_effect"] == 0
    assert row["denominator_effect"] == pytest.approx(-4000 * below)
    assert row["boundary_effect"] == pytest.approx(1500 * (1 / 30_000 + 1 / 44_000) / 2 - 10_000 * below)


def test_figures_of_firms_are_marked_where_boundaries_moved(first, state):
    found = compare(open_run(first), open_run(state(2)))
    row = of_place(found, "tax_per_mu", "zone", "Z1")
    assert "boundary" in row["because"]
    assert not row["comparable"]
    assert of_place(found, "tax_per_mu", "zone", "Z2")["comparable"]  # its boundary stands still
    assert of_city(found, "tax_per_mu")["comparable"]
    assert "边界调整未分解" in comparison_text(found)
    each = compare(open_run(first), open_run(state(2)), Options(boundary="each"))
    assert of_city(each)["because"] == ("boundary",)
    assert of_place(each, "plot_ratio", "park", "B")["because"] == ("boundary",)
    assert of_place(each, "plot_ratio", "park", "A")["because"] == ()


def test_a_boundary_drawn_anew_did_not_move():
    plot = [("p", (0, 0, 100, 100), True)]
    one, near, far = (land(plot, [(0, 0, x, 100)]) for x in (100, 100.4, 103))
    places = pd.DataFrame({"level": ["city", "park"], "id_before": ["甲", "P0"], "id_after": ["乙", "P0"]})
    for frame in (one, near, far):
        frame.parks["zone_id"] = "Z"
    assert moved_places(one, near, places).tolist() == [False, False]
    assert moved_places(one, far, places).tolist() == [True, True]


def test_another_number_of_blanks_is_a_cause(first, second):
    # u1 was of no known use and is a factory now.
    assert of_city(compare(open_run(first), open_run(second)))["because"] == ("missing",)
    one, two = ({**row(), "missing": {"count": count}} for count in (3, 4))
    found = compare(Run({"indicators": [one]}), Run({"indicators": [two]}))
    assert found.indicators.iloc[0]["because"] == ("missing",)
    assert found.indicators.iloc[0]["change"] == 0.0


def test_footprints_do_not_depend_on_the_height_of_a_storey(first, tmp_path):
    after = write_run(tmp_path / "b", more="[buildings]\nstorey_height_m = 5.0\ntall_storey_m = 9.5")
    found = compare(open_run(first), open_run(after))
    assert of_city(found, "building_density")["comparable"]
    assert not of_city(found, "plot_ratio")["comparable"]


def test_ground_with_a_parcel_without_area_has_no_sum():
    one = land([("p", (0, 0, 100, 100), True), ("q", (0, 200, 100, 300), True)], [(0, 0, 100, 100), (0, 200, 100, 300)],
               land_area_m2=[np.nan, 10_000.0])  # fmt: skip
    two = land([("p", (0, 0, 100, 100), True)], [(50, 0, 100, 100), (50, 200, 100, 300)])
    table = boundary_changes(one, two, [("P0", "P0"), ("P1", "P1")])
    assert table["area_m2"].tolist() == [5000.0, 5000.0]
    assert table["industrial_m2"].fillna(-1).tolist() == [-1, 5000.0]


# ---------------------------------------------------------------- status and floors: what counts as revitalised


LIMITS = "[candidates]\nplot_ratio_below = 0.1\nbuilding_density_below = 0.001"


def test_a_missing_status_is_not_in_use(tmp_path):
    one, parcels = write_run(tmp_path / "a", more=LIMITS), first_parcels()
    parcels.loc[parcels["parcel_id"] == "p4", "status"] = None
    found = compare(open_run(one), open_run(write_run(tmp_path / "b", parcels=parcels, more=LIMITS)))
    assert found.revitalised.table["outcome"].tolist() == ["status_unknown"]
    assert found.revitalised.table["idle_after"].isna().all()
    assert found.revitalised.area_m2 == 0.0
    assert "B 中状态不明" in comparison_text(found)


def test_idle_is_what_the_status_says_whether_or_not_it_was_looked_for(first, tmp_path):
    # The later run does not look for idle land; p4 is a candidate for its few buildings, and still called idle.
    after = write_run(tmp_path / "b", more="[candidates]\nvacant = false")
    found = compare(open_run(first), open_run(after))
    assert found.revitalised.table[["outcome", "idle_after"]].to_numpy().tolist() == [["still", True]]
    assert found.revitalised.area_m2 == 0.0
    assert found.definitions[["definition", "before", "after"]].to_numpy().tolist() == [
        ["candidates.vacant", True, False]
    ]
    document = comparison_document(found)
    assert (document["revitalised"]["comparable"], document["revitalised"]["because"]) == (False, ["candidates.vacant"])
    assert document["new_industrial"]["comparable"]
    assert of_city(found)["comparable"]


def one_candidate(floor):
    return land([("p", (0, 0, 100, 100), True)], candidate=True, floor_area_m2=[floor], plot_ratio=floor / 10_000)


@pytest.mark.parametrize(("floor", "outcome"), [(2000.0, "other"), (2000.1, "other"), (2100.0, "denser")])
def test_the_same_buildings_on_a_smaller_parcel_are_no_new_ones(floor, outcome):
    # 2,000 m² of floor on a hectare; divided, all of it stands on 2,000 m²: 0.2 became 1.0 without a building.
    two = land([("p1", (0, 0, 20, 100), True), ("p2", (20, 0, 100, 100), True)],
               floor_area_m2=[floor, 0.0], plot_ratio=[floor / 2000, 0.0])  # fmt: skip
    table = revitalised(one_candidate(2000.0), two).table.set_index("parcel_id_after")["outcome"]
    assert table.to_dict() == {"p1": outcome, "p2": "other"}


@pytest.mark.parametrize(("floor", "alike", "outcome"), [
    (20_000.0, True, "other"), (23_000.0, True, "denser"), (23_000.0, False, "other"),
])  # fmt: skip
def test_a_parcel_joined_to_a_built_one_was_not_built_on(floor, alike, outcome):
    one = land([("a", (0, 0, 100, 100), True), ("b", (100, 0, 200, 100), True)], candidate=[True, False],
               floor_area_m2=[0.0, 20_000.0], plot_ratio=[0.0, 2.0])  # fmt: skip
    two = land([("ab", (0, 0, 200, 100), True)], floor_area_m2=[floor], plot_ratio=floor / 20_000)
    assert revitalised(one, two, floors_alike=alike).table["outcome"].tolist() == [outcome]


def test_floor_on_ground_that_reaches_further_says_nothing():
    # b's 20,000 m² may stand on the part that the later parcel left out.
    one = land([("a", (0, 0, 100, 100), True), ("b", (100, 0, 300, 100), True)], candidate=[True, False],
               floor_area_m2=[0.0, 20_000.0], plot_ratio=[0.0, 1.0])  # fmt: skip
    two = land([("ab", (0, 0, 200, 100), True)], floor_area_m2=[30_000.0], plot_ratio=1.5)
    assert revitalised(one, two).table["outcome"].tolist() == ["other"]


def test_floors_measured_by_another_rule_are_not_held_against_each_other(tmp_path):
    # On p4, 100 m² of one floor became 100 m² of 40; but with another storey height nobody compares floors.
    low, high = (city.buildings().assign(floors=[3, 1, None, floors]) for floors in (1, 40))
    parcels = first_parcels().assign(status="在用")
    one = write_run(tmp_path / "a", parcels=parcels, buildings=low, more=LIMITS)
    for more, outcome in (("", "denser"), ("\n[buildings]\nstorey_height_m = 5.0", "other")):
        two = write_run(tmp_path / f"b{len(more)}", parcels=parcels, buildings=high, more=LIMITS + more)
        found = compare(open_run(one), open_run(two)).revitalised
        assert found.table.set_index("parcel_id")["outcome"].to_dict() == {"p4": outcome}


# ---------------------------------------------------------------- new land: patches, unknown ground, exceptions, clause


def test_a_parcel_partly_on_unknown_ground_is_divided():
    one = land([("u", (0, 0, 100, 100), None)])
    two = land([("n", (0, 0, 160, 100), True)], land_area_m2=[8000.0])
    found = new_industrial(one, two)
    rows = found.table[["parcel_id", "status", "before", "area_m2"]].to_numpy().tolist()
    # 8,000 m² on record over 160 m: 100 m of them on unknown ground.
    assert rows == [["n", "unknown", "unknown", 8000 * 100 / 160], ["n", "new", "no_parcel", 8000 * 60 / 160]]
    assert found.counts["new"] == found.counts["unknown"] == 1
    assert found.sums_m2["new"] + found.sums_m2["unknown"] == 8000.0
    assert found.table.geometry.area.tolist() == pytest.approx([10_000, 6000])


def test_a_hairline_beside_unknown_ground_goes_with_it():
    one = land([("u", (0, 0, 100, 100), None)])
    assert new_industrial(one, land([("n", (0, 0, 100.4, 100), True)])).sums_m2["unknown"] == pytest.approx(10_040)
    beside = land([("u", (0, 0, 0.4, 100), None)])
    assert new_industrial(beside, land([("n", (0, 0, 100, 100), True)])).sums_m2["new"] == pytest.approx(10_000)


@pytest.mark.parametrize(("gap", "new"), [(0.0, 111 * 90), (0.9, 111 * 90), (2.0, 0)])
def test_the_minimum_is_one_of_patches(gap, new):
    # A hectare cut into 111 plots of 9 × 10 m: each is below 100 m², together they are not.
    plots = [(f"n{i}", (i * (9 + gap), 0, i * (9 + gap) + 9, 10), True) for i in range(111)]
    found = new_industrial(land([("p", (0, -500, 9, -490), True)]), land(plots))
    assert found.sums_m2["new"] == pytest.approx(new)
    assert found.sums_m2["below_minimum"] == pytest.approx(111 * 90 - new)


def test_an_exception_names_one_parcel():
    one = land([("p", (0, -500, 9, -490), True)])
    boxes = [(0, 0, 100, 100), (200, 0, 300, 100), (400, 0, 500, 100), (600, 0, 609, 10)]
    two = land([(name, box, True) for name, box in zip("xxyz", boxes, strict=True)],
               uid=pd.array(["x", "x (2)", "y", "z"], dtype="string"))  # fmt: skip
    both = new_industrial(one, two, exceptions={"x": "port", "y": "rail", "z": "small", "v": "?"})
    assert both.table.set_index("uid")["status"].to_dict() == {"x": "new", "x (2)": "new", "y": "excepted"}
    assert (both.ambiguous, both.small, both.unmatched, both.unneeded) == (("x",), ("z",), ("v",), ())
    each = new_industrial(one, two, exceptions={"x (1)": "port", "x (2)": "rail"})
    assert each.table.set_index("uid")["reason"].dropna().to_dict() == {"x": "port", "x (2)": "rail"}
    found = compare(Run({"indicators": [row()]}, one), Run({"indicators": [row()]}, two),
                    Options(exceptions={"x": "port", "z": "small"}))  # fmt: skip
    assert {"exceptions_ambiguous", "exceptions_small"} <= {note.code for note in found.notes}
    assert "exceptions_unneeded" not in {note.code for note in found.notes}
    assert "x" in comparison_text(found, "en")


def test_new_land_is_held_against_the_clause(first, tmp_path):
    after = write_run(tmp_path / "b", more='policies = ["hangzhou-2023"]', **changed(CASES[1]))
    found = compare(open_run(first), open_run(after), Options(exceptions={"x1": "重大项目"}))
    (target,) = comparison_document(found)["new_industrial"]["targets"]
    assert (target["clause"], target["clause_id"], target["wording"]) == ("（十）", "H28b", "原则上")
    assert (target["at_most"], target["binding"], target["met"], target["gap"]) == (0, True, False, 11_000.0)
    assert "杭政函〔2023〕13号（十）：原则上 不高于 0 平方米，未达标" in comparison_text(found)
    none = compare(open_run(first), open_run(write_run(tmp_path / "c", more='policies = ["hangzhou-2023"]')))
    assert comparison_document(none)["new_industrial"]["targets"][0]["met"] is True


def test_where_only_unknown_ground_was_built_on_nobody_says_that_none_is_new():
    head = {"indicators": [row()], "definitions": {"as_of": "2025-12-31", "policies": ["hangzhou-2023", "made-up"]}}
    one = land([("u", (0, 0, 100, 100), None)])
    found = compare(Run(head, one), Run(head, land([("u", (0, 0, 100, 100), True)])))
    (target,) = found.targets
    assert (target["met"], target["gap"]) == (None, None)


def test_other_classes_of_land_use_mark_what_rests_on_them():
    one, two = ({"land_use": {"system": "third-survey", "industrial": ["0601", *more]}} for more in ([], ["0602"]))
    plot = land([("p", (0, 0, 100, 100), True)])
    found = compare(
        Run({"indicators": [row()], "definitions": one}, plot), Run({"indicators": [row()], "definitions": two}, plot)
    )
    document = comparison_document(found)
    for overlay in ("new_industrial", "revitalised"):
        assert (document[overlay]["comparable"], document[overlay]["because"]) == (False, ["land_use.industrial"])
        assert resting_on(found.definitions, overlay) == ("land_use.industrial",)
    assert comparison_text(found).count("面积不可直接比较：land_use.industrial") == 1  # A has no candidates
    told = differing({"definitions": {"settings": {"candidates.group_within_m": {"value": 1.0}}}}, {"definitions": {}})
    assert told[["definition", "touches"]].to_numpy().tolist() == [["candidates.group_within_m", False]]


def test_a_run_older_than_a_rule_of_candidates_followed_its_default():
    def told(**rules):
        return {"definitions": {"settings": {f"candidates.{name}": {"value": value} for name, value in rules.items()}}}

    old, new = told(vacant=True), told(vacant=True, also=[], standard_rules=True, overrides=None)
    assert differing(old, new).empty
    assert differing(old, told(vacant=True, also=["idle_land"]))["definition"].tolist() == ["candidates.also"]


def test_what_could_not_be_looked_at_is_told(first):
    # u1 and the half of v outside the park are of unknown use: 3,000 + 100 × 50.
    two = land([("p", (0, 0, 100, 100), True), ("u1", (200, 0, 260, 50), None), ("v", (400, 0, 500, 100), None),
                ("n", (600, 0, 700, 100), True)], [(450, 0, 500, 100)])  # fmt: skip
    aside = [{"reason": "geometry-invalid", "count": 3, "ids": ["n", "o"]}, {"reason": "row-duplicate", "count": 9}]
    ledger = {"parcels": {"set_aside": aside}}
    one = land([("p", (0, 0, 100, 100), True)])
    found = compare(Run({"indicators": [row()], "ledger": ledger}, one), Run({"indicators": [row()]}, two))
    told = {note.code: dict(note.fill) for note in found.notes}
    assert told["unknown_outside"] == {"count": 2, "area_m2": 8000.0}
    assert told["set_aside"] == {"count": 3}
    assert told["returned"] == {"count": 1, "area_m2": 10_000.0}
    words = comparison_text(found)
    assert "共 8,000.00 平方米" in words
    assert "共 10,000.00 平方米" in words
    shapeless = Run({"indicators": [row()]}, one, "", "a", 1, frozenset({"n"}))
    told = {note.code: dict(note.fill) for note in compare(shapeless, Run({"indicators": [row()]}, two)).notes}
    assert told["returned"] == {"count": 1, "area_m2": 10_000.0}
    assert "set_aside" not in told


# ---------------------------------------------------------------- files that are not as report wrote them


def without_key(document, path, value):
    *way, last = path
    holder = document
    for step in way:
        holder = holder[step]
    holder[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["project"], None, "project is null; expected an object"),
        (["project", "city"], 5, "project.city is 5; expected text or null"),
        (["definitions"], [], "definitions is []"),
        (["definitions", "settings"], {"x": 1}, "definitions.settings.x is 1; expected an object"),
        (["definitions", "land_use"], 3, "definitions.land_use is 3"),
        (["definitions", "area"], "acres", 'definitions.area is "acres"; expected one of tdt1055'),
        (["definitions", "overlap"], [1], "definitions.overlap is [1]"),
        (["definitions", "as_of"], "soon", 'definitions.as_of is "soon"; expected a day'),
        (["definitions", "policies"], "x", "definitions.policies is"),
        (["definitions", "policies"], [["x"]], "definitions.policies[0] is"),
        (["ledger"], [], "ledger is []"),
        (["ledger", "parcels"], {"set_aside": [{"count": "x"}]}, "ledger.parcels.set_aside[0].count is"),
        (["indicators"], None, "indicators is null; expected a list"),
        (["indicators", 0], [], "indicators[0] is []"),
        (["indicators", 0, "id"], [1], "indicators[0].id is [1]; expected text"),
        (["indicators", 1, "scope", "level"], {}, "indicators[1].scope.level is {}"),
        (["indicators", 1, "scope", "id"], [], "indicators[1].scope.id is []"),
        (["indicators", 0, "value"], "0.5", 'indicators[0].value is "0.5"; expected a number or null'),
        (["indicators", 0, "unit"], None, "indicators[0].unit is null"),
        (["indicators", 0, "missing"], 7, "indicators[0].missing is 7"),
    ],
)
def test_a_document_of_wrong_kinds_is_refused_by_key(first, tmp_path, path, value, said):
    document = without_key(json.loads((first / "results.json").read_text("utf-8")), path, value)
    run = spoiled(first, tmp_path / "run", json.dumps(document, ensure_ascii=False))
    with pytest.raises(SourceError, match=re.escape(said)) as caught:
        open_run(run)
    assert str(run / "results.json") in str(caught.value)
    assert "results.json" in caught.value.text("zh")


def test_what_a_comparison_does_not_read_may_be_anything(first, tmp_path):
    document = json.loads((first / "results.json").read_text("utf-8")) | {"candidates": None}
    run = spoiled(first, tmp_path / "run", json.dumps(document))
    assert compare(open_run(first), open_run(run)).revitalised.table["outcome"].tolist() == ["still"]


BOWTIE = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])


def rewritten(run, layer, change):
    """Write one layer of a run's GeoPackage anew; `change` gets its frame."""
    base = run / "results.gpkg"
    frames = {name: pyogrio.read_dataframe(base, layer=name) for name in ("parcels", "parks", "districts")}
    frames[layer] = change(frames[layer])
    base.unlink()
    for name, frame in frames.items():
        pyogrio.write_dataframe(frame, base, layer=name)
    return run


def column_of(name, value):
    return lambda frame: frame.assign(**{name: value})


@pytest.mark.parametrize(
    ("layer", "change", "said"),
    [
        ("parcels", lambda one: one.drop(columns="uid"), "layer parcels lacks uid"),
        ("parks", lambda one: one.drop(columns="park_id"), "layer parks lacks park_id"),
        ("districts", lambda one: one.drop(columns="district_id"), "layer districts lacks district_id"),
        ("parcels", column_of("land_area_m2", "large"), "layer parcels land_area_m2 holds"),
        ("parcels", column_of("strength", "strong"), "layer parcels strength holds"),
        ("parcels", column_of("industrial", 7), "industrial holds other values than 0 and 1"),
        ("parcels", column_of("uid", "same"), "uid is blank or stands twice"),
        ("parcels", lambda one: one.set_crs(None, allow_override=True), "layer parcels is in no projected plane"),
        ("parcels", lambda one: one.to_crs(4490), "layer parcels is in no projected plane"),
        ("parks", lambda one: one.to_crs(4528), "layer parks is in another plane than parcels"),
        (
            "parcels",
            lambda one: one.set_geometry([BOWTIE, *one.geometry[1:]], crs=one.crs),
            "1 of 7 shapes are no valid",
        ),
        ("parks", lambda one: one.set_geometry(one.geometry.centroid), "3 of 3 shapes are no valid polygons"),
    ],
)
@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_layers_that_are_not_as_written_are_refused(first, tmp_path, layer, change, said):
    run = rewritten(copied(first, tmp_path / "run"), layer, change)
    with pytest.raises(SourceError, match=re.escape(said)) as caught:
        open_run(run)
    assert "results.gpkg" in str(caught.value)
    assert caught.value.text("zh")


def test_layers_written_anew_as_they_were_are_read(first, tmp_path):
    run = rewritten(copied(first, tmp_path / "run"), "parcels", lambda one: one)
    assert of_city(compare(open_run(first), open_run(run)))["change"] == 0
    table = figures(json.loads((run / "results.json").read_text("utf-8")))
    assert len(table) > 50
