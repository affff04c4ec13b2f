"""Web-map shifts against published coordinates, hand figures and their inverse; layers recognised or left alone."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.affinity import translate

from layers import findings
from layers.datum import DATUMS, SHIFTED, from_wgs84, recognise, shift_geometry, to_wgs84
from layers.errors import CrsError, ProjectError

SHIFTS = ("gcj02", "bd09")


def shift_m(lon, lat, datum):
    """East and north in metres, by pyproj."""
    x, y = from_wgs84([lon], [lat], datum)
    azimuth, _, distance = pyproj.Geod(ellps="WGS84").inv(lon, lat, x[0], y[0])
    return distance * np.sin(np.radians(azimuth)), distance * np.cos(np.radians(azimuth))


@pytest.mark.parametrize(("lon", "lat"), [(120.0, 30.3), (120.15, 30.25), (120.3, 30.2)])
def test_near_hangzhou(lon, lat):
    east, north = shift_m(lon, lat, "gcj02")
    assert 410 < east < 480
    assert -310 < north < -240
    east, north = shift_m(lon, lat, "bd09")
    assert 1020 < east < 1110
    assert 330 < north < 450


def test_at_the_origin_of_the_formula_by_hand():
    # At 105° E, 35° N all waves and products vanish: 300 m east and 100 m south on Krasovsky's ellipsoid.
    a, e2, sine = 6378245.0, 0.00669342162296594323, np.sin(np.radians(35))
    w2 = 1 - e2 * sine**2
    lon, lat = from_wgs84([105.0], [35.0], "gcj02")
    assert lon[0] == pytest.approx(105 + np.degrees(300 / (a / w2**0.5 * np.cos(np.radians(35)))), abs=1e-12)
    assert lat[0] == pytest.approx(35 - np.degrees(100 / (a * (1 - e2) / w2**1.5)), abs=1e-12)


def test_a_place_all_public_implementations_agree_on():
    lon, lat = from_wgs84([121.5272106], [31.1774276], "gcj02")
    assert (lon[0], lat[0]) == pytest.approx((121.531541859215, 31.17530398364597), abs=1e-11)


@pytest.mark.real_data
def test_published_coordinates_of_cities(shared_data):
    cities = json.loads((shared_data / "gcoord" / "cities.json").read_text("utf-8"))
    wgs84, gcj02, bd09 = (np.array([c["coords"][k] for c in cities]).T for k in ("WGS84", "GCJ02", "BD09"))
    assert len(cities) > 300
    assert np.abs(np.array(from_wgs84(*wgs84, "gcj02")) - gcj02).max() < 1e-5
    assert np.abs(np.array(to_wgs84(*gcj02, "gcj02")) - wgs84).max() < 1e-5
    assert np.abs(np.array(from_wgs84(*wgs84, "bd09")) - bd09).max() < 1e-4
    assert np.abs(np.array(to_wgs84(*bd09, "bd09")) - wgs84).max() < 1e-4
    between = from_wgs84(*to_wgs84(*gcj02, "gcj02"), "bd09")
    assert np.abs(np.array(between) - bd09).max() < 1e-5


@given(st.floats(73, 136.5), st.floats(3, 54.5), st.sampled_from(SHIFTS))
def test_there_and_back(lon, lat, datum):
    x, y = to_wgs84(*from_wgs84([lon], [lat], datum), datum)
    assert abs(x[0] - lon) < 1e-9
    assert abs(y[0] - lat) < 1e-9
    x, y = from_wgs84(*to_wgs84([lon], [lat], datum), datum)
    assert abs(x[0] - lon) < 1e-9
    assert abs(y[0] - lat) < 1e-9


@pytest.mark.parametrize("datum", SHIFTS)
def test_outside_the_box_nothing_moves_and_missing_stays_missing(datum):
    west, south, east, north = SHIFTED
    lon = np.array([-74.0, west - 1e-6, 110, 110, east + 1e-6, np.nan, 120.2])
    lat = np.array([40.7, 30, south - 1e-6, north + 1e-6, 30, np.nan, 30.2])
    for x, y in (from_wgs84(lon, lat, datum), to_wgs84(lon, lat, datum)):
        assert np.array_equal(x[:6], lon[:6], equal_nan=True)
        assert np.array_equal(y[:6], lat[:6], equal_nan=True)
        assert abs(x[6] - lon[6]) > 0.004
    assert lon[6] == 120.2  # the input is untouched


def test_unknown_datum_names_the_nearest():
    with pytest.raises(ProjectError, match='datum = "gcj02"') as caught:
        from_wgs84([120], [30], "gcj-02")
    assert "坐标偏移" in caught.value.zh
    with pytest.raises(ProjectError, match="bd09"):
        shift_geometry(gpd.GeoSeries([]), datum="bd9")


def test_geometry_keeps_index_crs_heights_and_missing():
    shapes = gpd.GeoSeries(
        [shapely.Point(120.2, 30.2, 8), None, shapely.box(120, 30, 120.1, 30.1), shapely.Polygon()],
        index=[4, 3, 2, 1],
        crs=4490,
        name="place",
    )
    shifted = shift_geometry(shapes, to="gcj02", datum="wgs84")
    assert (shifted.index.tolist(), shifted.crs.to_epsg(), shifted.name) == ([4, 3, 2, 1], 4490, "place")
    assert shifted[4].z == 8
    assert not shifted[2].has_z
    assert shifted[3] is None
    assert shifted[1].is_empty
    back = shift_geometry(shifted)
    assert back[[4, 2]].geom_equals_exact(shapes[[4, 2]], 1e-9).all()
    assert shift_geometry(shapes, datum="wgs84")[[4, 2]].geom_equals_exact(shapes[[4, 2]], 0).all()
    baidu = shift_geometry(shifted, to="bd09", datum="gcj02")
    assert baidu[4].x == pytest.approx(from_wgs84([120.2], [30.2], "bd09")[0][0], abs=1e-9)


def test_shifting_metres_is_refused():
    plane = gpd.GeoSeries([shapely.Point(5e5, 3e6)], crs=4549)
    for attempt in (lambda: shift_geometry(plane), lambda: recognise(plane, plane)):
        with pytest.raises(CrsError, match="to_crs") as caught:
            attempt()
        assert "经纬度" in caught.value.zh


# recognising


def districts():
    """Six made-up districts of some 15 km, with ragged common borders."""
    rng = np.random.default_rng(3)
    x, y = np.meshgrid(119.9 + 0.16 * np.arange(4), 30.0 + 0.15 * np.arange(3), indexing="ij")
    corners = np.stack([x, y], -1) + rng.uniform(-0.02, 0.02, (4, 3, 2))
    return gpd.GeoSeries(
        [
            shapely.Polygon([corners[i, j], corners[i + 1, j], corners[i + 1, j + 1], corners[i, j + 1]])
            for i in range(3)
            for j in range(2)
        ],
        crs=4326,
    )


def redrawn(shapes, seed=0):
    """Draw the same again with another hand: corners off by some 30 m."""
    rng = np.random.default_rng(seed)
    rings = [np.array(shape.exterior.coords)[:-1] for shape in shapes.segmentize(0.01)]
    drawn = [shapely.Polygon(ring + rng.normal(0, 0.0003, ring.shape)) for ring in rings]
    return gpd.GeoSeries(drawn, crs=4326)


def parcels(inside, *, clipped=True):
    """Plots of 100 m that stay clear of the districts' borders, or not."""
    west, south, east, north = inside.total_bounds
    x, y = np.meshgrid(np.arange(west, east, 0.0035), np.arange(south, north, 0.0035))
    plots = shapely.box(x.ravel(), y.ravel(), x.ravel() + 0.001, y.ravel() + 0.001)
    keep = np.zeros(len(plots), dtype=bool)
    for area in inside:
        shapely.prepare(area)
        keep |= shapely.contains(area, plots) if clipped else shapely.intersects(area, plots)
    return gpd.GeoSeries(plots[keep], crs=4326)


LAYERS = {
    "districts": lambda: redrawn(districts()),
    "one district": lambda: redrawn(districts()).iloc[[2]],
    "outline": lambda: redrawn(gpd.GeoSeries([districts().union_all()], crs=4326)),
    "parcels": lambda: parcels(districts()),
    "points": lambda: gpd.GeoSeries(shapely.centroid(np.asarray(parcels(districts()).array)), crs=4326),
}
METHODS = {
    "districts": "shapes",
    "one district": "shapes",
    "outline": "outline",
    "parcels": "pieces",
    "points": "pieces",
}


@pytest.mark.parametrize("what", LAYERS)
@pytest.mark.parametrize("datum", SHIFTS)
def test_a_shifted_layer_is_recognised(what, datum):
    layer = shift_geometry(LAYERS[what](), to=datum, datum="wgs84")
    verdict = recognise(layer, districts(), layer="parks")
    assert verdict is not None
    assert (verdict.datum, verdict.method) == (datum, METHODS[what])
    assert set(verdict.agreement) == set(DATUMS)
    assert verdict.agreement[datum] > max(v for k, v in verdict.agreement.items() if k != datum)
    assert (verdict.east_m, verdict.north_m) == pytest.approx(shift_m(120.14, 30.15, datum), abs=80)
    assert verdict.findings["code"].tolist() == ["datum-shifted"]
    for language in ("zh", "en"):
        told = findings.describe(verdict.findings, language).iloc[0]
        assert f'datum = "{datum}"' in told["remedy"]
        assert "{" not in told["title"] + told["expected"]
        assert not told["blocks"]


@pytest.mark.parametrize("what", LAYERS)
def test_a_true_layer_is_left_alone(what):
    assert recognise(LAYERS[what](), districts()) is None


@pytest.mark.parametrize("what", ["districts", "outline", "parcels"])
@pytest.mark.parametrize("move", [(0.0024, -0.0012), (-0.0047, 0.0025), (0.0047, 0.0025), (0.01, -0.005), (0, 0.004)])
def test_a_layer_off_by_some_other_shift_is_left_alone(what, move):
    assert recognise(LAYERS[what]().translate(*move), districts()) is None


def test_parcels_that_straddle_borders_anyway_prove_nothing():
    wide = gpd.GeoSeries(shapely.buffer(np.asarray(districts().array)[:1], 0.05), crs=4326)
    loose = parcels(wide, clipped=False)
    assert recognise(shift_geometry(loose, to="gcj02", datum="wgs84"), districts()) is None


@pytest.mark.parametrize(
    "layer",
    [
        gpd.GeoSeries([], crs=4326),
        gpd.GeoSeries([None, shapely.Polygon()], crs=4326),
        gpd.GeoSeries([translate(shapely.box(119.9, 30, 120, 30.1), 10)], crs=4326),
        gpd.GeoSeries([shapely.Point(120.1, 30.1)], crs=4326),
    ],
)
def test_too_little_to_compare(layer):
    assert recognise(layer, districts()) is None
    assert recognise(districts(), layer) is None


def test_broken_rings_do_not_stop_it():
    bow = shapely.Polygon([(120, 30), (120.1, 30.1), (120.1, 30), (120, 30.1)])
    layer = shift_geometry(gpd.GeoSeries([*districts(), bow], crs=4326), to="gcj02", datum="wgs84")
    assert recognise(layer, gpd.GeoSeries([*districts(), bow], crs=4326)).datum == "gcj02"
    line = shapely.Polygon([(120, 30), (120.1, 30.1), (120, 30)])  # it collapses to nothing
    assert (
        recognise(gpd.GeoSeries([*layer, line], crs=4326), gpd.GeoSeries([line, *districts()], crs=4326)).datum
        == "gcj02"
    )


@pytest.mark.real_data
@pytest.mark.parametrize("code", ["330106", "330110", "330111"])
def test_real_districts_drawn_on_a_web_map(shared_data, code):
    folder = shared_data / "hangzhou_districts"
    reference = gpd.read_file(folder / "districts_wgs84.geojson").geometry
    verdict = recognise(gpd.read_file(folder / f"gcj02_{code}.geojson").geometry, reference)
    assert verdict.datum == "gcj02"
    assert 400 < verdict.east_m < 500
    assert -320 < verdict.north_m < -230


@pytest.mark.real_data
def test_real_true_districts(shared_data):
    districts_ = gpd.read_file(shared_data / "hangzhou_districts" / "districts_wgs84.geojson").geometry
    city = gpd.read_file(shared_data / "hangzhou_districts" / "city_wgs84.geojson").geometry
    province = gpd.read_file(shared_data / "zhejiang_districts" / "districts_wgs84.gpkg").geometry
    for layer, reference in [(districts_, city), (city, districts_), (districts_, province), (province, districts_)]:
        assert recognise(layer, reference) is None
