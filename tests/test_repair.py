"""Repair: hand-made faults, properties of every mend, an independent point-in-ring oracle, real broken files."""

import geopandas as gpd
import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from shapely import from_wkt

from layers import findings
from layers.mending import SAFE, mend
from layers.repairing import duplicate_of, for_measuring, repair

SQUARE = "((0 0, 10 0, 10 10, 0 10, 0 0))"
CASES = {
    "bow-tie": ("POLYGON ((0 0, 10 10, 10 0, 0 10, 0 0))", "geometry-invalid", 50.0),
    "small lobe": ("POLYGON ((0 0, 5 0, 10 0, 10 10, 5 5.5, 0 -1, 0 0))", "geometry-invalid", 660 / 13),
    "spike": ("POLYGON ((0 0, 10 0, 10 5, 20 5, 10 5, 10 10, 0 10, 0 0))", "geometry-invalid", 100.0),
    "ring drawn twice": (
        "POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0, 10 0, 10 10, 0 10, 0 0))",
        "geometry-invalid",
        100.0,
    ),
    "hole on the edge": (
        "POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0), (8 4, 10 4, 10 6, 8 6, 8 4))",
        "geometry-invalid",
        96.0,
    ),
    "parts share an edge": (f"MULTIPOLYGON ({SQUARE}, ((10 0, 20 0, 20 10, 10 10, 10 0)))", "geometry-invalid", 200.0),
    "stray line": (f"GEOMETRYCOLLECTION (POLYGON {SQUARE}, LINESTRING (0 0, 30 30))", "geometry-collection", 100.0),
    "laps over itself": (
        "POLYGON ((0 0, 10 0, 10 10, 5 10, 5 -5, 7 -5, 7 12, 0 12, 0 0))",
        "geometry-ambiguous",
        124.0,
    ),
    "hole outside": (f"POLYGON ({SQUARE[1:-1]}, (20 20, 22 20, 22 22, 20 22, 20 20))", "geometry-ambiguous", 100.0),
    "part in part": (f"MULTIPOLYGON ({SQUARE}, ((2 2, 4 2, 4 4, 2 4, 2 2)))", "geometry-ambiguous", 100.0),
    "collapsed": ("POLYGON ((0 0, 10 0, 5 0, 0 0))", "geometry-collapsed", 0.0),
    "line": ("LINESTRING (0 0, 10 0)", "geometry-dimension", 0.0),
    "empty": ("POLYGON EMPTY", "geometry-empty", 0.0),
    "sound": (f"POLYGON {SQUARE}", "", 100.0),
}


def parcels(shapes, **columns):
    frame = gpd.GeoDataFrame({"parcel_id": [f"P{i}" for i in range(len(shapes))], **columns}, geometry=list(shapes))
    frame.attrs = {"layer": "parcels", "rows_read": len(frame), "set_aside": []}
    return frame


@pytest.mark.parametrize("name", CASES)
def test_each_fault_is_named_and_read(name):
    wkt, code, area = CASES[name]
    done = mend(np.array([from_wkt(wkt)]))
    assert done.codes.tolist() == [code]
    assert shapely.area(done.shapes[0]) == pytest.approx(area)


def test_coordinates_that_are_no_numbers_are_told():
    shape = shapely.set_coordinates(from_wkt(f"POLYGON {SQUARE}"), [[0, 0], [1, 0], [np.nan, 1], [0, 1], [0, 0]])
    assert mend(np.array([shape, None])).codes.tolist() == ["geometry-not-finite", "geometry-null"]


def test_repair_mends_what_is_safe_and_leaves_the_rest():
    frame = parcels([from_wkt(wkt) for wkt, _, _ in CASES.values()])
    done = repair({"parcels": frame})
    after = done.frames["parcels"]
    mended = [i for i, (_, code, _) in enumerate(CASES.values()) if code in SAFE]
    # "sound" equals the mended copies in shape but not in id, so no row may go.
    assert len(after) == len(frame)
    assert done.ledger["row"].tolist() == mended
    untouched = after.index.difference(mended)
    assert (after.geometry[untouched].to_wkb() == frame.geometry[untouched].to_wkb()).all()
    bow = done.ledger.iloc[0]
    assert (bow["area_before_m2"], bow["area_after_m2"], bow["change_m2"]) == (0.0, 50.0, 50.0)
    assert after["parcel_id"].tolist() == frame["parcel_id"].tolist()


def test_exact_copies_go_and_near_copies_stay():
    square, turned = from_wkt([f"POLYGON {SQUARE}", "POLYGON ((10 10, 0 10, 0 0, 10 0, 10 10))"])
    frame = parcels([square, turned, square, square], tags=[["a"], ["a"], ["a"], ["b"]], note=[None, np.nan, "x", None])
    frame["parcel_id"] = "P0"
    assert duplicate_of(frame).tolist() == [-1, 0, -1, -1]
    done = repair({"parcels": frame})
    assert done.ledger[["row", "action", "area_before_m2", "area_after_m2"]].to_numpy().tolist() == [
        [1, "removed", 100.0, 0.0]
    ]
    after = done.frames["parcels"]
    assert after["note"].tolist()[1:2] == ["x"]
    assert after.attrs["set_aside"] == [{"reason": "row-duplicate", "count": 1, "area_m2": 100.0, "ids": ["P0"]}]
    assert after.attrs["rows_read"] == len(after) + 1
    assert frame.attrs["set_aside"] == []


def test_repeated_vertices_go_and_the_shape_stays():
    frame = parcels([from_wkt("POLYGON ((0 0, 10 0, 10 0, 10 0, 10 10, 0 0))"), from_wkt(f"POLYGON {SQUARE}")])
    done = repair({"parcels": frame})
    assert done.ledger[["row", "code", "change_m2", "note_en"]].to_numpy().tolist() == [
        [0, "repeated-points", 0.0, "2 repeated vertices dropped"]
    ]
    assert shapely.get_num_coordinates(done.frames["parcels"].geometry[0]) == 4


def test_a_hole_that_begins_at_its_shell_is_no_repeated_vertex():
    touching = from_wkt("POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0), (0 0, 4 2, 2 4, 0 0))")
    assert repair({"parcels": parcels([touching])}).ledger.empty


def test_tables_and_points_pass_unharmed():
    points = gpd.GeoDataFrame({"enterprise_code": ["A", "A", "B"]}, geometry=from_wkt(["POINT (1 1)"] * 2 + [None]))
    table = pd.DataFrame({"enterprise_code": ["A", "A"], "parcel_id": ["P", "P"]})
    done = repair({"enterprises": points, "holdings": table})
    assert len(done.frames["holdings"]) == 2
    assert done.frames["enterprises"]["enterprise_code"].tolist() == ["A", "B"]


def test_areas_in_degrees_are_told_in_square_metres():
    bow = from_wkt("POLYGON ((120 30, 120.001 30.001, 120.001 30, 120 30.001, 120 30))")
    frame = parcels([bow]).set_crs(4490)
    frame.attrs = {"layer": "parcels"}
    after = repair({"parcels": frame}).ledger["area_after_m2"][0]
    assert after == pytest.approx(0.5 * 96_490 * 110_850 * 1e-6, rel=0.01)


def test_for_measuring_keeps_a_ledger():
    frame = parcels([from_wkt(wkt) for wkt, _, _ in CASES.values()] + [None])
    fit, told = for_measuring(frame)
    assert shapely.is_valid(fit.geometry).all()
    assert shapely.area(fit.geometry).tolist() == pytest.approx(
        [area for _, code, area in CASES.values() if area > 0 or code == ""]
    )
    aside = fit.attrs["set_aside"]
    assert {entry["reason"]: entry["count"] for entry in aside} == {
        "geometry-collapsed": 1,
        "geometry-dimension": 1,
        "geometry-empty": 1,
        "geometry-null": 1,
    }
    assert len(frame) == len(fit) + sum(entry["count"] for entry in aside)
    assert (told["code"] == "geometry-mended").sum() == sum(code != "" and area > 0 for _, code, area in CASES.values())
    assert not findings.blocking(told).any(axis=None)
    assert frame.attrs["set_aside"] == []


corners = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=3, max_size=9)
layers_of_rings = st.lists(corners, min_size=1, max_size=4)


@settings(deadline=None, max_examples=150)
@given(rings=layers_of_rings, copies=st.integers(0, 2))
def test_repair_twice_is_repair_once(rings, copies):
    shapes = [shapely.Polygon(ring) for ring in rings]
    frame = parcels(shapes + shapes[:1] * copies)
    frame["parcel_id"] = "P"
    once = repair({"parcels": frame})
    twice = repair({"parcels": once.frames["parcels"]})
    assert twice.ledger.empty
    assert (twice.frames["parcels"].geometry.to_wkb() == once.frames["parcels"].geometry.to_wkb()).all()
    removed = (once.ledger["action"] == "removed").sum()
    assert len(frame) == len(once.frames["parcels"]) + removed
    land = shapely.area(frame.geometry).sum() + once.ledger["change_m2"].sum()
    assert shapely.area(once.frames["parcels"].geometry).sum() == pytest.approx(land, abs=1e-6)


@settings(deadline=None, max_examples=150)
@given(ring=corners, seed=st.integers(0, 99))
def test_a_safe_mend_holds_exactly_the_land_of_both_readings(ring, seed):
    done = mend(np.array([shapely.Polygon(ring)]), m2_per_unit=1e6)
    if done.codes[0] != "geometry-invalid":
        return
    probes = np.random.default_rng(seed).uniform(0, 8, (60, 2))
    turns, crossings = _turns(np.array([*ring, ring[0]], dtype=float), probes)
    inside = shapely.contains_xy(done.shapes[0], probes)
    assert (inside == (crossings % 2 == 1)).all() or (turns[inside != (crossings % 2 == 1)] % 2 == 0).all()
    assert (inside == (turns != 0)).all()


def _turns(ring, probes):
    """How often the ring turns round each probe, and how many edges a ray to the right crosses."""
    (x0, y0), (x1, y1) = ring[:-1].T[:, :, None], ring[1:].T[:, :, None]
    px, py = probes.T
    up, down = (y0 <= py) & (y1 > py), (y1 <= py) & (y0 > py)
    with np.errstate(divide="ignore", invalid="ignore"):
        right = x0 + (py - y0) / (y1 - y0) * (x1 - x0) > px
    return (up & right).sum(0) - (down & right).sum(0), ((up | down) & right).sum(0)


@settings(deadline=None, max_examples=150)
@given(ring=corners)
def test_no_vertex_moves(ring):
    shape = shapely.Polygon(ring)
    done = mend(np.array([shape]))
    if done.codes[0] != "geometry-invalid":
        return
    line = shapely.linestrings([*ring, ring[0]])
    new = {tuple(xy) for xy in shapely.get_coordinates(done.shapes[0]).tolist()}
    old = {tuple(map(float, xy)) for xy in ring}
    assert max((line.distance(shapely.Point(xy)) for xy in new - old), default=0.0) < 1e-9
    edge = shapely.boundary(done.shapes[0])
    on_edge = {xy for xy in old if shapely.distance(edge, shapely.Point(xy)) == 0}
    assert on_edge <= new


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("path", "layer", "crs"),
    [
        ("osm_kouvola/kouvola.gpkg", "landuse", 32635),
        ("osm_kouvola/kouvola.gpkg", "buildings", 32635),
        ("boulder_buildings/boulder_buildings.zip", None, 32613),
    ],
)
def test_real_broken_rings(shared_data, path, layer, crs):
    source = gpd.read_file(shared_data / path, **({"layer": layer} if layer else {})).to_crs(crs)
    before = mend(np.asarray(source.geometry.array, dtype="object")).codes
    assert (before == "geometry-invalid").sum() >= 7
    done = repair({"buildings": source})
    after = done.frames["buildings"]
    assert len(source) == len(after) + (done.ledger["action"] == "removed").sum()
    left = mend(np.asarray(after.geometry.array, dtype="object")).codes
    assert not set(left) & set(SAFE)
    assert after.drop(columns="geometry").columns.equals(source.drop(columns="geometry").columns)
