"""The doctor for coordinates: one layer near Hangzhou, written wrongly in every way, is read rightly or blocked."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from layers import findings
from layers.crs import analysis_crs, describe, diagnose, lonlat_bounds, parse, settle
from layers.errors import CrsError
from layers.projections import FAMILIES, gauss_kruger, gauss_kruger_zone, is_mercator, meridian, normalise

HANGZHOU = (118.34, 29.19, 120.73, 30.57)
ESRI_WKT = (
    'PROJCS["CGCS2000_3_Degree_GK_CM_120E",GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",'
    'DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],'
    'UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",500000.0],'
    'PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",120.0],PARAMETER["Scale_Factor",1.0],'
    'PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
)
LOCAL_WKT = ESRI_WKT.replace("CGCS2000_3_Degree_GK_CM_120E", "Hangzhou_Local").replace("120.0]", "120.25]")


def crs(code):
    return pyproj.CRS.from_user_input(code)


def plots(code=4326, lon=120.2, lat=30.2, *, swap=False):
    """Thirty squares of 100 m round a place, in the numbers of a CRS, without CRS."""
    rng = np.random.default_rng(1)
    middle = np.array([lon, lat]) + rng.uniform(-0.1, 0.1, (30, 2))
    shapes = gpd.GeoSeries(shapely.box(*(middle - 0.0005).T, *(middle + 0.0005).T), crs=4326).to_crs(code)
    array = np.asarray(shapes.array)
    return gpd.GeoSeries(shapely.transform(array, lambda xy: xy[:, ::-1]) if swap else array)


def codes(verdict):
    return verdict.findings["code"].tolist()


@pytest.mark.parametrize("code", [4490, 4326, 4528, 4549, 4548, 2385, 32651, LOCAL_WKT])
def test_a_plausible_declaration_is_believed_without_a_word(code):
    verdict = diagnose(plots(code), crs(code))
    assert verdict.crs == crs(code)
    assert (verdict.how, verdict.swap_axes, verdict.blocks, codes(verdict)) == ("declared", False, False, [])
    assert verdict.reason_en == "declared by the file, and the numbers agree"
    assert verdict.reason_zh == "文件自带坐标系，与坐标值相符"


def test_esri_dialect_is_normalised_and_both_names_are_told():
    verdict = diagnose(plots(4549), crs(ESRI_WKT))
    assert verdict.crs.to_epsg() == 4549
    assert (verdict.how, codes(verdict), verdict.blocks) == ("declared", ["crs-normalised"], False)
    assert verdict.findings["found"].tolist() == ["CGCS2000_3_Degree_GK_CM_120E"]
    told = findings.describe(verdict.findings, "en")
    assert "EPSG:4549" in told["remedy"].iloc[0]


def test_a_local_meridian_is_normalised_to_nothing():
    local, foreign = normalise(crs(LOCAL_WKT))
    assert foreign is None
    assert meridian(local).lon == 120.25
    assert local.to_epsg() is None


# numbers in, declared, swapped -> CRS to use, codes
WRONG = [
    (4326, None, False, 4490, ["crs-proposed"]),
    (4326, None, True, 4490, ["crs-proposed", "crs-axes-swapped"]),
    (4528, None, False, 4528, ["crs-proposed"]),
    (4528, None, True, 4528, ["crs-proposed", "crs-axes-swapped"]),
    (4499, None, False, 4499, ["crs-proposed"]),
    (3857, None, False, 3857, ["crs-proposed", "crs-web-mercator"]),
    (4326, 4326, True, 4326, ["crs-axes-swapped"]),
    (4490, 4490, True, 4490, ["crs-axes-swapped"]),
    (4549, 4549, True, 4549, ["crs-axes-swapped"]),
    (4528, 4528, True, 4528, ["crs-axes-swapped"]),
    (LOCAL_WKT, LOCAL_WKT, True, LOCAL_WKT, ["crs-axes-swapped"]),
    (32651, 32651, True, 32651, ["crs-axes-swapped"]),
    (4326, 4549, False, 4490, ["crs-degrees-in-metric"]),
    (4326, 4549, True, 4490, ["crs-degrees-in-metric", "crs-axes-swapped"]),
    (4326, 32651, False, 4326, ["crs-degrees-in-metric"]),
    (4326, 3857, False, 4326, ["crs-degrees-in-metric"]),
    (4528, 4490, False, 4528, ["crs-metres-in-degrees"]),
    (4528, 4326, True, 4528, ["crs-metres-in-degrees", "crs-axes-swapped"]),
    (3857, 4326, False, 3857, ["crs-metres-in-degrees", "crs-web-mercator"]),
    (4528, 4549, False, 4528, ["crs-zone-prefix"]),
    (4528, 4549, True, 4528, ["crs-zone-prefix", "crs-axes-swapped"]),
    (4549, 4528, False, 4549, ["crs-zone-prefix"]),
    (4499, 4549, False, 4499, ["crs-zone-prefix"]),
    (2364, 2385, False, 2364, ["crs-zone-prefix"]),
    (2422 - 21 + 15, 2437, False, 2416, ["crs-zone-prefix"]),
    (4527, 4528, False, 4527, ["crs-wrong-meridian"]),
    (3857, 4549, False, 3857, ["crs-other-projection", "crs-web-mercator"]),
    (3857, 3857, False, 3857, ["crs-web-mercator"]),
]


@pytest.mark.parametrize(("numbers", "declared", "swap", "used", "expected"), WRONG)
def test_numbers_that_can_be_read_one_way_are_read_so_and_told(numbers, declared, swap, used, expected):
    shapes = plots(numbers, swap=swap)
    verdict = diagnose(shapes, None if declared is None else crs(declared), layer="parcels")
    assert verdict.crs == crs(used)
    assert codes(verdict) == expected
    assert not verdict.blocks
    assert verdict.how == ("declared" if declared is not None and crs(declared) == crs(used) else "proposed")
    west, south, east, north = lonlat_bounds(settle(shapes, verdict))
    assert 120.05 < west < east < 120.35
    assert 30.05 < south < north < 30.35


@pytest.mark.parametrize(("numbers", "declared", "swap", "used", "expected"), [case for case in WRONG if case[1]])
def test_what_the_user_gave_is_never_overruled(numbers, declared, swap, used, expected):
    verdict = diagnose(plots(numbers, swap=swap), declared=None, given=crs(declared))
    assert verdict.how == "given"
    assert verdict.crs == crs(declared)
    assert verdict.blocks == (crs(declared) != crs(used))


def test_given_stands_above_declared():
    verdict = diagnose(plots(4528), declared=crs(4549), given=crs(4528))
    assert (verdict.crs.to_epsg(), verdict.how, codes(verdict)) == (4528, "given", [])


@pytest.mark.parametrize("swap", [False, True])
def test_six_digit_eastings_without_crs_block_until_a_reference_tells_the_meridian(swap):
    shapes = plots(4549, swap=swap)
    blind = diagnose(shapes, layer="parcels")
    assert (blind.crs, blind.how, blind.blocks) == (None, None, True)
    assert codes(blind) == ["crs-missing"]
    told = findings.describe(blind.findings, "zh")
    assert "EPSG:4549 (120° E)" in told["expected"].iloc[0]
    assert 'crs = "EPSG:4549"' in told["remedy"].iloc[0]
    seeing = diagnose(shapes, reference_lonlat_bounds=HANGZHOU)
    assert (seeing.crs.to_epsg(), seeing.how, seeing.blocks, seeing.swap_axes) == (4549, "proposed", False, swap)


def test_six_digit_eastings_under_degrees_block_until_a_reference_tells_the_meridian():
    assert codes(diagnose(plots(4549), crs(4326))) == ["crs-unsettled"]
    assert diagnose(plots(4549), crs(4326)).blocks
    seeing = diagnose(plots(4549), crs(4326), reference_lonlat_bounds=HANGZHOU)
    assert (seeing.crs.to_epsg(), codes(seeing)) == (4549, ["crs-metres-in-degrees"])


def test_a_wrong_meridian_shows_only_against_a_reference():
    assert codes(diagnose(plots(4549), crs(4548))) == []
    verdict = diagnose(plots(4549), crs(4548), reference_lonlat_bounds=HANGZHOU)
    assert (verdict.crs.to_epsg(), verdict.how, codes(verdict)) == (4549, "proposed", ["crs-wrong-meridian"])
    utm = diagnose(plots(32651), crs(32650), reference_lonlat_bounds=(120.1, 29.9, 121, 30.6))
    assert (utm.crs.to_epsg(), codes(utm)) == (32651, ["crs-wrong-meridian"])


def test_a_layer_in_another_city_keeps_its_crs():
    verdict = diagnose(plots(4549, lon=120.6, lat=31.3), crs(4549), reference_lonlat_bounds=HANGZHOU)
    assert (verdict.crs.to_epsg(), verdict.how, codes(verdict)) == (4549, "declared", [])


def test_web_mercator_and_zone_13_look_alike_where_both_are_in_china():
    verdict = diagnose(plots(3857, lon=119.2, lat=35.2))
    assert verdict.blocks
    assert codes(verdict) == ["crs-missing"]
    expected = findings.describe(verdict.findings, "en")["expected"].iloc[0]
    assert "EPSG:3857" in expected
    assert "EPSG:4491" in expected
    seeing = diagnose(plots(3857, lon=119.2, lat=35.2), reference_lonlat_bounds=(118.5, 34.5, 119.9, 35.9))
    assert seeing.crs.to_epsg() == 3857


@pytest.mark.parametrize(("lon", "lat", "zone"), [(26.9, 60.5, 32635), (-74, 40.7, 32618)])
def test_outside_china(lon, lat, zone):
    here = (lon - 1, lat - 1, lon + 1, lat + 1)
    assert diagnose(plots(4326, lon, lat)).crs.to_epsg() == 4326
    assert not diagnose(plots(4326, lon, lat)).swap_axes
    assert diagnose(plots(4326, lon, lat, swap=True), crs(4326), reference_lonlat_bounds=here).swap_axes
    assert diagnose(plots(zone, lon, lat)).blocks
    assert diagnose(plots(zone, lon, lat), reference_lonlat_bounds=here).crs.to_epsg() == zone


def test_coordinates_far_from_the_area_of_use_are_told():
    verdict = diagnose(plots(32651, lon=100), crs(32651), layer="parks")
    assert (codes(verdict), verdict.how, verdict.blocks) == (["crs-outside-area-of-use"], "declared", False)
    assert "UTM zone 51N" in findings.describe(verdict.findings, "zh")["expected"].iloc[0]


def test_numbers_beyond_the_projection_block():
    shapes = gpd.GeoSeries([shapely.box(7e8, 7e8, 7.1e8, 7.1e8)])
    verdict = diagnose(shapes, crs(4549))
    assert verdict.blocks
    assert codes(verdict) == ["crs-unsettled"]


def test_single_strays_are_told_by_row_and_do_not_sway_the_verdict():
    shapes = plots(4549)
    shapes.iloc[3] = shapely.box(0, 0, 10, 10)
    shapes.iloc[5] = shapely.box(1e12, 1e12, 2e12, 2e12)
    shapes.iloc[7] = shapely.Polygon([(5e5, 3.3e6), (np.inf, 3.3e6), (5e5, 3.4e6)])
    shapes.iloc[9] = None
    shapes.iloc[11] = shapely.Polygon()
    verdict = diagnose(shapes, crs(4549), layer="parcels")
    assert (verdict.crs.to_epsg(), verdict.how, verdict.blocks) == (4549, "declared", False)
    rows = verdict.findings.groupby("code")["row"].apply(list).to_dict()
    assert rows == {"crs-absurd-coordinates": [5, 7], "crs-outside-area-of-use": [3]}
    assert set(verdict.findings["found"]) == {"2 / 30", "1 / 30"}


@pytest.mark.parametrize("shapes", [[], [None, shapely.Polygon()]])
def test_nothing_to_judge_by(shapes):
    empty = gpd.GeoSeries(shapes, dtype="geometry")
    assert diagnose(empty).crs is None
    assert diagnose(empty, crs(4549)).crs.to_epsg() == 4549
    assert not diagnose(empty).blocks


def test_a_drawing_grid_counts_as_no_crs():
    verdict = diagnose(plots(4528), crs('LOCAL_CS["works grid",UNIT["metre",1]]'))
    assert (verdict.crs.to_epsg(), codes(verdict)) == (4528, ["crs-proposed"])


def test_every_case_speaks_both_languages():
    for numbers, declared, swap, _, expected in WRONG:
        verdict = diagnose(plots(numbers, swap=swap), None if declared is None else crs(declared))
        for language, reason in (("en", verdict.reason_en), ("zh", verdict.reason_zh)):
            told = findings.describe(verdict.findings, language)
            assert all(title in reason for title in told["title"])
            assert "{" not in reason + "".join(told["remedy"]) + "".join(told["expected"])
        if expected[0] in {"crs-proposed", "crs-zone-prefix", "crs-degrees-in-metric"}:
            assert f'crs = "EPSG:{verdict.crs.to_epsg()}"' in told["remedy"].iloc[0]


@given(st.integers(25, 45), st.floats(0, 1), st.floats(-1.4, 1.4))
def test_a_zone_in_the_easting_is_always_understood(zone, share, aside):
    _, south, _, north = gauss_kruger_zone(zone).area_of_use.bounds
    shapes = plots(gauss_kruger_zone(zone), 3 * zone + aside, south + share * (north - south))
    assert diagnose(shapes, gauss_kruger(3 * zone)).crs == gauss_kruger_zone(zone)
    assert diagnose(shapes).crs == gauss_kruger_zone(zone)


def test_settle_moves_nothing_and_keeps_index_and_name():
    shapes = plots(4549).rename("geometry")
    shapes.index = shapes.index + 100
    done = settle(shapes, diagnose(shapes, crs(4549)))
    assert done.crs.to_epsg() == 4549
    assert done.name == "geometry"
    assert shapely.equals_exact(np.asarray(done.array), np.asarray(shapes.array)).all()
    assert done.index.equals(shapes.index)


# the register


@pytest.mark.parametrize("datum", sorted(FAMILIES))
def test_the_families_are_what_the_register_says(datum):
    for zone in (*range(13, 24), *range(25, 46)):
        lon = 6 * zone - 3 if zone < 24 else 3 * zone
        known = gauss_kruger_zone(zone, datum)
        assert meridian(known) == (lon, zone * 1e6 + 500_000)
        assert known.geodetic_crs.to_epsg() == datum
    for lon in range(75, 136, 3):
        assert meridian(gauss_kruger(lon, datum)) == (lon, 500_000)
        assert gauss_kruger(lon, datum).geodetic_crs.to_epsg() == datum


@pytest.mark.parametrize(
    ("bounds", "preferred", "expected"),
    [
        (HANGZHOU, None, 4549),
        (HANGZHOU, 4549, 4549),
        (HANGZHOU, 4528, 4528),
        (HANGZHOU, 2385, 2385),
        (HANGZHOU, 4490, 4549),
        (HANGZHOU, 3857, 4549),
        (HANGZHOU, 4548, 4549),  # its central meridian is 2.5° away
        (HANGZHOU, 32651, 4549),
        (HANGZHOU, 2263, 4549),
        (HANGZHOU, "ESRI:102025", 4549),  # Albers keeps area, not angles
        ((117.9, 29.5, 118.3, 29.7), None, 4548),
        ((121.6, 29.8, 121.9, 30.0), None, 4550),
        ((73.7, 39, 74.2, 40), None, 4534),
        ((26.9, 60.5, 27.0, 60.6), None, 32635),
        ((26.9, 60.5, 27.0, 60.6), 3067, 3067),
        ((-74.2, 40.5, -73.7, 40.9), 2263, 32618),  # feet
        ((151, -34, 151.4, -33.6), None, 32756),
        ((179.9, 0, 180, 1), None, 32660),
    ],
)
def test_the_plane_to_work_in(bounds, preferred, expected):
    chosen = analysis_crs(bounds, None if preferred is None else crs(preferred))
    assert chosen.to_epsg() == expected


def test_lonlat_bounds_of_a_projected_layer():
    shapes = gpd.GeoSeries([shapely.box(*HANGZHOU)], crs=4326)
    assert lonlat_bounds(shapes) == pytest.approx(HANGZHOU)
    projected = lonlat_bounds(shapes.segmentize(0.05).to_crs(4549))
    assert projected == pytest.approx(HANGZHOU, abs=0.03)


@pytest.mark.parametrize("shapes", [gpd.GeoSeries([], crs=4326), gpd.GeoSeries([shapely.box(0, 0, 1, 1)])])
def test_no_place_has_no_bounds(shapes):
    with pytest.raises(CrsError, match="no place on the Earth") as caught:
        lonlat_bounds(shapes)
    assert "没有位置" in caught.value.zh


def test_parse_says_what_is_wrong():
    assert parse(4549) == parse("EPSG:4549") == parse(" epsg:4549 ")
    with pytest.raises(CrsError, match="EPSG:99999") as caught:
        parse("EPSG:99999")
    assert caught.value.exit_code == 2
    assert "坐标系" in caught.value.zh


def test_describe_and_mercator():
    assert describe(crs(4549)) == "CGCS2000 / 3-degree Gauss-Kruger CM 120E (EPSG:4549)"
    assert describe(crs(LOCAL_WKT)) == "Hangzhou_Local"
    assert [is_mercator(crs(c)) for c in (3857, "ESRI:102100", 3785, 4326, 4549, 32651)] == [True] * 3 + [False] * 3


# real files


@pytest.mark.real_data
def test_real_layers_are_believed(shared_data):
    districts = gpd.read_file(shared_data / "zhejiang_districts" / "districts_wgs84.gpkg")
    verdict = diagnose(gpd.GeoSeries(districts.geometry.array), districts.crs)
    assert (verdict.crs.to_epsg(), verdict.how, codes(verdict)) == (4326, "declared", [])


@pytest.mark.real_data
def test_real_metres_under_degrees_block(shared_data):
    polygons = gpd.read_file(shared_data / "rasterstats" / "multipolygons.shp")
    verdict = diagnose(gpd.GeoSeries(polygons.geometry.array), polygons.crs)
    assert (codes(verdict), verdict.blocks) == (["crs-unsettled"], True)


def test_feet_of_new_york_have_a_place():
    """New York lies at 74° W, 40.7° N; its plane counts US feet from 300,000 m west of it."""
    lots = gpd.GeoSeries([shapely.box(941_399.15, 159_810.8, 1_041_399.15, 229_810.8)], crs=2263)
    west, south, east, north = lonlat_bounds(lots)
    assert -74.2 < west < east < -73.7
    assert 40.5 < south < north < 40.9
