"""Tools of the map: full screen, coordinates, lengths and areas, with mouse and keys; against pyproj."""

import json

import geopandas as gpd
import hand_city
import numpy as np
import pyproj
import pytest
import shapely
from test_maps import browser, opened, page_of, project  # noqa: F401  (fixtures)

from geo.assessment import assess
from geo.maps import map_html
from geo.maps.plane import plane_of

GEOD = pyproj.Geod(ellps="GRS80")
TO_LONLAT = pyproj.Transformer.from_crs(hand_city.CRS, "EPSG:4490", always_xy=True)


@pytest.fixture(scope="module")
def city():
    return assess(hand_city.frames(), project())


def places(*points):
    """Places of the hand city's plane as Leaflet has them."""
    found = [TO_LONLAT.transform(hand_city.X0 + x, hand_city.Y0 + y) for x, y in points]
    return [{"lat": lat, "lng": lng} for lng, lat in found]


def test_the_plane_is_right_to_a_centimetre_and_says_where_it_ends(city):
    told = page_of(map_html(city))["plane"]
    assert told["name"] == "EPSG:4549"
    assert told["off_m"] < 0.01
    west, *_ = city.land.parcels.geometry.to_crs(4490).total_bounds
    assert told["west"] < west < told["east"]


def test_a_province_has_a_plane_or_none_but_no_wrong_one():
    shapes = [shapely.box(x, 3_300_000, x + 100, 3_300_100) for x in (100_000, 900_000)]
    wide = gpd.GeoDataFrame(
        {"parcel_id": ["a", "b"], "land_use_code": ["0601"] * 2}, geometry=shapes, crs=hand_city.CRS
    )
    told = plane_of(assess({"parcels": wide}, project(), with_candidates=False))
    assert told is None or told["off_m"] < 1


@pytest.mark.browser
def test_the_browser_knows_the_plane(city, opened):  # noqa: F811
    page = opened(city)
    random = np.random.default_rng(3)
    for x, y in random.uniform((0, 0), (3200, 100), (20, 2)):
        (place,) = places((x, y))
        found = page.run(f"Parkwise.inPlane(Parkwise.city.page.plane, {json.dumps(place)})")
        assert (found["x"], found["y"]) == pytest.approx((hand_city.X0 + x, hand_city.Y0 + y), abs=0.01)
    assert page.run("Parkwise.inPlane(Parkwise.city.page.plane, {lat: 0, lng: 0})") is None
    page.page.mouse.move(800, 400)
    page.page.wait_for_function("document.querySelector('.pw-where').textContent.includes('EPSG:4549  N 33')")
    page.run("Parkwise.city.tellWhere(L.latLng(10, 20))")
    assert page.page.inner_text(".pw-where") == "10.000000°, 20.000000°"


@pytest.mark.browser
def test_lengths_and_areas_agree_with_pyproj(city, opened):  # noqa: F811
    page = opened(city)
    random = np.random.default_rng(4)
    for size in (1e-4, 0.01, 0.5):
        lng, lat = random.uniform(118, 121, 2), random.uniform(28, 31, 2)
        lng[1], lat[1] = lng[0] + size, lat[0] + size / 2
        ends = [json.dumps({"lat": lat[at], "lng": lng[at]}) for at in (0, 1)]
        wanted = GEOD.inv(lng[0], lat[0], lng[1], lat[1])[2]
        assert page.run(f"Parkwise.geodesic({ends[0]}, {ends[1]})") == pytest.approx(wanted, abs=1e-3)
    assert page.run("Parkwise.geodesic({lat: 30, lng: 120}, {lat: 30, lng: 120})") == 0
    corners = places((0, 0), (3000, 500), (2000, 4000), (-500, 2500))
    wanted = abs(GEOD.polygon_area_perimeter([p["lng"] for p in corners], [p["lat"] for p in corners])[0])
    assert page.run(f"Parkwise.ringArea({json.dumps(corners)})") == pytest.approx(wanted, rel=1e-5)
    assert page.run(f"Parkwise.ringArea({json.dumps(corners[::-1])})") == pytest.approx(wanted, rel=1e-5)


@pytest.mark.browser
def test_a_distance_is_measured_by_mouse(city, opened):  # noqa: F811
    page = opened(city, "en")
    page.page.click(".pw-tool-length")
    assert "Enter sets a point" in page.page.inner_text(".pw-measured")
    box = page.page.locator(".folium-map").bounding_box()
    clicks = [(box["x"] + 200, box["y"] + 300), (box["x"] + 400, box["y"] + 450)]
    for x, y in clicks:
        page.page.mouse.click(x, y)
    assert page.page.locator(".leaflet-popup").count() == 0
    ends = [page.run(f"Parkwise.city.map.containerPointToLatLng([{x - box['x']}, {y - box['y']}])") for x, y in clicks]
    wanted = GEOD.inv(ends[0]["lng"], ends[0]["lat"], ends[1]["lng"], ends[1]["lat"])[2]
    said = page.page.inner_text(".pw-measured")
    assert said == f"Distance {wanted:,.1f} m (geodesic on the ellipsoid)"
    page.page.click(".pw-tool-length")
    assert page.page.locator(".pw-measured:visible").count() == 0
    page.page.mouse.click(*clicks[0])
    assert page.told == []


@pytest.mark.browser
def test_an_area_is_measured_by_keys_alone(city, opened):  # noqa: F811
    page = opened(city)
    for _ in range(60):
        page.page.keyboard.press("Tab")
        if page.run("document.activeElement.classList.contains('pw-tool-area')"):
            break
    outline = page.run(
        "getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).outlineWidth"
    )
    assert outline == "solid3px"
    page.page.keyboard.press("Enter")
    assert page.page.locator(".pw-cross:visible").count() == 1
    for corner in places((0, 0), (1000, 0), (1000, 1000), (0, 1000), (500, 500)):
        page.run(f"Parkwise.city.map.setView({json.dumps(corner)}, 20, {{animate: false}})")
        page.page.keyboard.press("Enter")
    page.page.keyboard.press("Backspace")
    # A square kilometre of the plane, on the central meridian; the middle of the map is a whole pixel.
    said = page.page.inner_text(".pw-measured")
    found = float(said.split()[1].replace(",", ""))
    assert found == pytest.approx(1e6, rel=5e-4)
    assert "椭球面" in said
    page.page.keyboard.press("ArrowRight")
    page.page.keyboard.press("Escape")
    assert page.page.locator(".pw-measured:visible").count() == 0
    assert page.told == []


@pytest.mark.browser
def test_full_screen_there_and_back(city, opened):  # noqa: F811
    page = opened(city)
    page.page.click(".pw-tool-full")
    page.page.wait_for_function("document.fullscreenElement !== null")
    assert page.page.get_attribute(".pw-tool-full", "aria-pressed") == "true"
    page.page.click(".pw-tool-full")
    page.page.wait_for_function("document.fullscreenElement === null")
    assert page.told == []


@pytest.mark.browser
@pytest.mark.parametrize("size", [(1366, 768), (1920, 1080), (390, 844)])
def test_nothing_hangs_over_at_any_size(city, opened, size):  # noqa: F811
    page = opened(city, "en")
    page.page.set_viewport_size({"width": size[0], "height": size[1]})
    page.run("document.querySelector('.pw-themes input[value=candidates]').click()")
    page.run("Parkwise.city.openZone(Parkwise.city.page.zones[0])")
    assert page.run("document.documentElement.scrollWidth") <= size[0]
    for part in (".pw-tools", ".pw-dock", ".pw-where", ".pw-panel", ".pw-limits"):
        box = page.page.locator(part).bounding_box()
        assert box["x"] >= 0, part
        assert box["x"] + box["width"] <= size[0] + 1, part
    body = page.run("[document.querySelector('.pw-body').scrollWidth, document.querySelector('.pw-body').clientWidth]")
    assert body[0] <= body[1]
    assert page.told == []
