"""Check, shapes: a small city with planted faults, and overlaps against brute force."""

import itertools
import re

import geopandas as gpd
import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from shapely import from_wkt
from shapely.geometry import box

from layers import findings
from layers.checking import check
from layers.coverage_checks import common_land
from layers.errors import CrsError, ProjectError

X, Y = 519_000.0, 3_342_000.0  # near Hangzhou in EPSG:4549


def frame(shapes, crs=4549, **columns):
    moved = [None if shape is None else shapely.transform(shape, lambda xy: np.add(xy, (X, Y))) for shape in shapes]
    return gpd.GeoDataFrame(columns, geometry=moved, crs=crs)


def parcels(*shapes, **columns):
    columns.setdefault("parcel_id", [f"P{i}" for i in range(len(shapes))])
    return frame(shapes, **columns)


def told(frames, **options):
    table = check(frames, **options)
    for language in ("zh", "en"):
        read = findings.describe(table, language)[["title", "expected", "remedy"]].to_numpy().ravel()
        assert all(text and not re.search(r"\{\w*\}", text) for text in read), language
    return table


def codes(table):
    return list(zip(table["code"], table["id"], strict=True))


GRID = [box(x, y, x + 100, y + 100) for y in (0, 100) for x in (0, 100, 200)]


def test_a_clean_coverage_has_no_findings():
    assert told({"parcels": parcels(*GRID)}).empty


def test_overlap_stack_sliver_and_touch_are_told_apart():
    shapes = [*GRID, box(250, 150, 350, 250), box(310, 160, 340, 240), box(-50, 0, 0.02, 100), box(-50, 100, 0, 200)]
    table = told({"parcels": parcels(*shapes)})
    assert codes(table) == [("overlap", "P5"), ("sliver-overlap", "P0"), ("stacked", "P6")]
    assert table["found"].tolist() == [
        "P5 × P6: 2,499.98 m², 25.00 m",
        "P0 × P8: 2.00 m², 0.02 m",
        "P6 × P7: 2,399.98 m², 21.82 m",
    ]
    assert not table["blocks"].any()
    # The place is inside the common land, in longitude and latitude.
    place = gpd.GeoSeries.from_xy(table["x"], table["y"], crs=4490).to_crs(4549)
    assert box(X + 250, Y + 150, X + 300, Y + 200).contains(place[0])


def test_many_copies_of_one_shape_are_told_once_each():
    table = told({"parcels": parcels(*[GRID[0]] * 40, parcel_id=[f"P{i}" for i in range(40)])})
    assert table["code"].tolist() == ["geometry-duplicate"] * 39
    assert table["found"][0] == "= #1 P0, 10,000.00 m²"


def test_exact_copies_and_shared_ids():
    table = told({"parcels": parcels(GRID[0], GRID[0], GRID[1], GRID[2], parcel_id=["A", "A", "B", "B"])})
    assert codes(table) == [("row-duplicate", "A"), ("id-duplicate", "B"), ("id-duplicate", "B")]


def test_missing_ids_are_counted():
    table = told({"parcels": parcels(*GRID[:3], parcel_id=["A", None, " "])})
    assert table[["code", "found"]].to_numpy().tolist() == [["id-missing", "2 / 3"]]


def test_broken_shapes_are_named_with_their_place():
    bow = from_wkt("POLYGON ((0 0, 10 10, 10 0, 0 10, 0 0))")
    lap = from_wkt("POLYGON ((100 0, 109 0, 109 9, 105 9, 105 -5, 107 -5, 107 11, 100 11, 100 0))")
    line, nothing = from_wkt("LINESTRING (0 50, 10 50)"), from_wkt("POLYGON EMPTY")
    twice = from_wkt("POLYGON ((300 0, 400 0, 400 0, 400 90, 300 0))")
    table = told({"parcels": parcels(bow, lap, line, nothing, None, twice)})
    assert codes(table) == [
        ("geometry-null", "P4"),
        ("geometry-empty", "P3"),
        ("geometry-dimension", "P2"),
        ("geometry-invalid", "P0"),
        ("geometry-ambiguous", "P1"),
        ("repeated-points", "P5"),
    ]
    bow_row = table[table["code"] == "geometry-invalid"].iloc[0]
    place = gpd.GeoSeries.from_xy([bow_row["x"]], [bow_row["y"]], crs=4490).to_crs(4549)[0]
    assert place.distance(shapely.Point(X + 5, Y + 5)) < 0.001
    assert bow_row["found"].startswith("Self-intersection[")


def test_gaps_are_told_and_roads_are_not():
    road = [box(0, 210, 300, 300)]  # 10 m from the grid
    ring = shapely.difference(box(400, 0, 500, 100), box(420, 20, 460, 60))
    inner = box(420.2, 20.2, 459.8, 59.8)  # a gap of 0.2 m all round
    table = told({"parcels": parcels(*GRID, *road, ring, inner)})
    assert codes(table) == [("coverage-gap", "P7")]
    assert table["found"][0] == "31.84 m², 0.200 m; P7, P8"


def test_a_gap_between_parcels_that_meet_only_at_its_ends_is_told():
    below, above = box(0, 0, 10, 10), from_wkt("POLYGON ((0 10, 5 10.2, 10 10, 10 20, 0 20, 0 10))")
    table = told({"parcels": parcels(below, above)})
    assert (codes(table), table["found"][0]) == ([("coverage-gap", "P0")], "1.00 m², 0.100 m; P0, P1")


def test_gaps_around_nested_rings_are_told_one_by_one():
    outer, edge, inner, hole, core = (box(-side, -side, side, side) for side in (20, 10, 9.9, 6, 5.8))
    table = told({"parcels": parcels(shapely.difference(outer, edge), shapely.difference(inner, hole), core)})
    assert codes(table) == [("coverage-gap", "P0"), ("coverage-gap", "P1")]
    assert table["found"].tolist() == ["7.96 m², 0.100 m; P0, P1", "9.44 m², 0.200 m; P1, P2"]


def test_slivers_tiny_shapes_and_spikes():
    spike = shapely.Polygon([(0, 0), (100, 0), (100, 100), (50, 100), (49, 160), (48, 100), (0, 100)])
    table = told({"parcels": parcels(spike, box(200, 0, 500, 0.5), box(600, 0, 602, 2))})
    assert codes(table) == [("sliver-polygon", "P1"), ("tiny-polygon", "P2"), ("sharp-angle", "P0")]
    assert table["found"][2] == f"{2 * np.degrees(np.arctan(1 / 60)):.1f}°"


def parks(*shapes, **columns):
    columns.setdefault("park_name", [f"K{i}" for i in range(len(shapes))])
    return frame(shapes, **columns)


@pytest.mark.parametrize(("overlap", "blocks"), [("error", True), ("split", False), ("priority", False)])
def test_parks_overlap_blocks_only_without_a_rule(overlap, blocks):
    table = told({"parks": parks(box(0, 0, 100, 100), box(90, 0, 200, 100))}, overlap=overlap)
    row = table.iloc[0]
    assert (len(table), row["code"], row["blocks"]) == (1, "parks-overlap", blocks)
    assert row["severity"] == ("error" if blocks else "warning")
    assert row["found"] == "K0 × K1: 999.99 m² (1.50 亩)"
    assert row["params"]["area_m2"] == pytest.approx(1000, rel=1e-4)


@pytest.mark.parametrize(
    ("edge", "tolerance", "code"),
    [
        (99.01, 100.0, "parks-touch"),  # 99 m²
        (98.9, 100.0, "parks-overlap"),
        (99.0, 50.0, "parks-overlap"),
        (99.6, 0.0, "parks-touch"),  # 40 m², no wider than 0.5 m
        (100.0, 0.0, None),
    ],
)
def test_park_tolerance_is_of_land_and_of_width(edge, tolerance, code):
    table = told({"parks": parks(box(0, 0, 100, 100), box(edge, 0, 200, 100))}, overlap_tolerance_m2=tolerance)
    assert table["code"].tolist() == ([code] if code else [])


def test_a_long_sliver_does_not_hide_a_real_overlap():
    one = box(0, 0, 100, 10_000)
    other = shapely.union(box(99.99, 0, 200, 10_000), box(80, 0, 100, 20))
    assert told({"parks": parks(one, other)})["code"].tolist() == ["parks-overlap"]


def test_parts_of_one_park_are_one_territory():
    table = told({"parks": parks(box(0, 0, 100, 100), box(50, 0, 150, 100), park_name=["K", "K"])})
    assert table["code"].tolist() == ["id-duplicate"] * 2


def test_outside_the_city_and_in_another_city():
    districts = frame([box(0, 0, 1000, 1000)], district_name=["D"])
    inside, across, noise = box(10, 10, 20, 20), box(990, 0, 1010, 10), box(900, 500, 1000.3, 600)
    table = told({"districts": districts, "parcels": parcels(inside, across, noise)})
    assert table[["code", "id", "found"]].to_numpy().tolist() == [["outside-city", "P1", "100.00 m² (50.0%)"]]
    table = told({"districts": districts, "parcels": parcels(box(5000, 0, 5010, 10))})
    assert table[["code", "layer", "blocks"]].to_numpy().tolist() == [["layers-apart", "districts", True]]


def test_layers_apart_sees_the_one_touching_record_behind_the_sample():
    land = [box(20 * i, 0, 20 * i + 10, 10) for i in range(5000)]
    far = [box(20 * i, 9000, 20 * i + 10, 9010) for i in range(5000)]
    assert "layers-apart" in set(told({"parcels": parcels(*land), "buildings": frame(far)}, depth="blocking")["code"])
    land[4321] = box(5, 9005, 8, 9008)
    assert told({"parcels": parcels(*land), "buildings": frame(far)}, depth="blocking").empty


def test_empty_layers_block_where_they_are_needed():
    table = told({"parcels": parcels(), "buildings": frame([])})
    assert table[["layer", "code", "blocks"]].to_numpy().tolist() == [
        ["parcels", "layer-empty", True],
        ["buildings", "layer-empty", False],
    ]


def test_blocking_depth_finds_what_blocks_and_nothing_else():
    frames = {
        "parks": parks(box(0, 0, 100, 100), box(50, 0, 150, 100)),
        "parcels": parcels(GRID[0], GRID[0], parcel_id=["A", "B"]),
        "buildings": frame([box(9e3, 0, 9e3 + 1, 1)]),
    }
    quick, full = told(frames, depth="blocking"), told(frames)
    assert set(full["code"]) > set(quick["code"])
    pd.testing.assert_frame_equal(
        findings.blocking(full).reset_index(drop=True), findings.blocking(quick).reset_index(drop=True)
    )
    assert set(quick["code"]) == {"parks-overlap", "layers-apart"}


def test_what_was_found_while_reading_is_kept():
    layer = parcels(*GRID)
    layer.attrs["findings"] = findings.finding("geometry-null", "parcels", ids=["P9"], rows=[9]).to_dict("records")
    table = told({"parcels": layer})
    assert codes(table) == [("geometry-null", "P9")]
    assert tuple(table.columns) == findings.COLUMNS


def test_rows_come_in_one_order_whatever_order_the_layers_have():
    frames = {
        "parcels": parcels(*GRID, box(250, 150, 350, 250), box(10, 10, 20, 20)),
        "parks": parks(box(0, 0, 100, 100), box(50, 0, 150, 100)),
    }
    backwards = dict(reversed(frames.items()))
    pd.testing.assert_frame_equal(told(frames), told(backwards))
    assert told(frames)["layer"].tolist() == sorted(told(frames)["layer"], key=["parks", "parcels"].index)


def test_the_frames_are_left_untouched():
    layer = parcels(GRID[0], GRID[0], from_wkt("POLYGON ((0 0, 10 10, 10 0, 0 10, 0 0))"))
    before = layer.copy(deep=True)
    told({"parcels": layer})
    pd.testing.assert_frame_equal(pd.DataFrame(layer), pd.DataFrame(before))
    assert (layer.geometry.to_wkb() == before.geometry.to_wkb()).all()


def test_one_plane_is_required():
    with pytest.raises(CrsError, match=r"parcels.*parks"):
        told({"parcels": parcels(*GRID), "parks": frame(GRID, crs=4548, park_name=list("abcdef"))})
    with pytest.raises(CrsError, match="degrees"):
        told({"parcels": parcels(*GRID).set_crs(4490, allow_override=True)})


def test_words_that_are_not_known_name_the_nearest():
    with pytest.raises(ProjectError, match='mean "split"'):
        told({"parcels": parcels(*GRID)}, overlap="splitt")
    with pytest.raises(ProjectError, match="tdt1055"):
        told({"parcels": parcels(*GRID)}, area="recorded")


rectangles = st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 5), st.integers(1, 5))
triangles = st.tuples(rectangles, st.integers(0, 3))


@given(st.lists(triangles, min_size=2, max_size=9), st.sampled_from([1, 4, 20_000]))
def test_common_land_is_that_of_brute_force(given_shapes, run):
    shapes = np.array([_triangle_or_box(*one) for one in given_shapes], dtype="object")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("layers.common_land._RUN", run)  # pairs are looked at in strips
        found = common_land(shapes)
    brute = {(i, j): shapes[i].intersection(shapes[j]).area for i, j in itertools.combinations(range(len(shapes)), 2)}
    brute = {pair: area for pair, area in brute.items() if area > 0.01}
    got = dict(zip(zip(found.one.tolist(), found.other.tolist(), strict=True), found.area.tolist(), strict=True))
    assert got.keys() == brute.keys()
    assert got == pytest.approx(brute)


@given(st.lists(triangles, min_size=2, max_size=9), st.floats(0.05, 3), st.floats(0, 6))
def test_shapes_that_need_no_opening_are_judged_as_if_opened(given_shapes, width, than):
    found = common_land(np.array([_triangle_or_box(*one) for one in given_shapes], dtype="object"))
    assert found.wider(width, than).tolist() == (found.wide(width) > than).tolist()


def _triangle_or_box(rectangle, corner):
    """A rectangle on whole coordinates, or what is left of it without one corner: edges that meet halfway."""
    x, y, width, height = rectangle
    ring = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    return shapely.Polygon(ring if corner == 3 else ring[:corner] + ring[corner + 1 :])


@pytest.mark.real_data
def test_kouvola_sites_overlap(shared_data):
    sites = gpd.read_file(shared_data / "osm_kouvola/kouvola.gpkg", layer="landuse").to_crs(32635)
    table = told({"parcels": sites})
    shapes = shapely.make_valid(np.asarray(sites.geometry.array, dtype="object"))
    pairs = [
        (i, j)
        for i, j in itertools.combinations(range(len(shapes)), 2)
        if shapes[i] is not None and shapes[j] is not None and shapes[i].intersection(shapes[j]).area > 0.01
    ]
    overlapping = table[table["code"].isin(["overlap", "stacked", "sliver-overlap"])]
    assert len(overlapping) == len(pairs) > 0
    assert {"geometry-invalid", "geometry-collapsed"} <= set(table["code"])


@pytest.mark.real_data
def test_nested_circles_as_parks(shared_data):
    circles = gpd.read_file(shared_data / "geopandas_qgis_overlay/overlap/df1_overlap.geojson")
    circles = circles.set_crs(4549, allow_override=True)
    table = told({"parks": circles.assign(park_name=[f"K{i}" for i in range(len(circles))])}, overlap_tolerance_m2=0.0)
    one, other = circles.geometry.iloc[0], circles.geometry.iloc[1]
    assert table["params"][0]["area_m2"] == pytest.approx(one.intersection(other).area, rel=0.1)


def test_a_layer_without_a_settled_crs_blocks_and_the_others_are_checked():
    parks = gpd.GeoDataFrame({"park_name": ["A"]}, geometry=[shapely.box(0, 0, 50, 50)], crs=4549)
    lost = gpd.GeoDataFrame({"parcel_id": ["p"]}, geometry=[shapely.box(999, 999, 1000, 1000)])
    lost.attrs = {"layer": "parcels", "findings": findings.finding("crs-unsettled", "parcels").to_dict("records")}
    told = check({"parks": parks, "parcels": lost})
    assert told.loc[told["blocks"].astype(bool), ["layer", "code"]].to_numpy().tolist() == [
        ["parcels", "crs-unsettled"]
    ]
