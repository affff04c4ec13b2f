"""The card of a zone on the map: both sums, radar, points with distances, links and overlaps while it is open."""

import hand_city
import pandas as pd
import pytest
from test_maps import browser, hostile, opened, page_of, project  # noqa: F401  (fixtures)

from geo.assessment import assess
from geo.charts.radar import Radar, radar_svg
from geo.maps import map_html


def frames():
    """The city of hand tables; zone 1 has a third park 3 km east of its main park, in two points."""
    found = hand_city.frames()
    far = hand_city.layer(
        [(4000, 0, 4100, 100), (6000, 2000, 6100, 2300)],
        park_id=["D", "D2"], park_name=["丁园", "戊园"], zone_id=["Z1", "Z1"], zone_name=["一区", "一区"],
        role=["enclave", None], priority=[4, 5],
    )  # fmt: skip
    found["parks"] = pd.concat([found["parks"], far], ignore_index=True)
    return found


@pytest.fixture(scope="module")
def city():
    return assess(frames(), project())


def test_the_page_tells_points_roles_and_sums(city):
    zone = page_of(map_html(city))["zones"][0]
    assert "主园 1" in zone["roles"]
    assert "角色未注明 1" in zone["roles"]
    told = {point["name"]: (point["distance"], point["marks"]) for point in zone["points"]}
    # A reaches to x = 600, D begins at 4,000: 3.4 km; one hectare is less than ten.
    assert told["丁园"] == ("3.40 km", ["过小"])
    assert told["甲园"] == ("", [])
    # From (600, 1000) to (6000, 2000): √(5.4² + 1²) km.
    assert told["戊园"] == ("5.49 km", ["过小", "过远"])
    share = next(row for row in zone["figures"] if row["label"] == "占全市工业用地")
    # p1, p2 and half of p3 of 90 mu, beside 60,000 m² in all.
    assert share["sums"] == "45.00 亩 ÷ 90.00 亩"
    assert page_of(map_html(city))["overlaps"][0]["parks"] == [0, 1]


def test_a_city_nobody_composed_has_cards_without_points():
    plain = assess(frames(), project(), with_candidates=False)
    assert plain.composition is None
    zone = page_of(map_html(plain))["zones"][0]
    assert "points" not in zone
    assert zone["figures"]


@pytest.mark.browser
def test_a_click_from_afar_opens_the_zone_with_its_links(city, opened):  # noqa: F811
    page = opened(city)
    page.page.uncheck(".pw-layers label:has-text('园区重叠') input")
    page.run("Parkwise.city.map.setView(Parkwise.city.labelPlace('parks', 1), 12, {animate: false})")
    page.run("Parkwise.city.clicked(Parkwise.city.map.containerPointToLatLng([10, 10]))")
    assert page.page.locator(".pw-dock").count() == 0
    page.run("Parkwise.city.clicked(Parkwise.city.labelPlace('parks', 1))")
    card = page.page.inner_text(".pw-dock")
    assert all(word in card for word in ("一区", "3.40 km", "过小", "45.00 亩 ÷ 90.00 亩", "甲园 × 乙园"))
    assert page.page.locator(".pw-spoke").count() == 3
    assert page.run("Parkwise.city.map.hasLayer(Parkwise.city.layers.overlaps)")
    page.page.keyboard.press("Escape")
    assert page.page.locator(".pw-dock").count() == 0
    assert page.page.locator(".pw-spoke").count() == 0
    assert not page.run("Parkwise.city.map.hasLayer(Parkwise.city.layers.overlaps)")
    assert page.told == []


@pytest.mark.browser
def test_the_name_of_a_zone_opens_its_card(city, opened):  # noqa: F811
    page = opened(city, "en")
    page.run("document.querySelector('.pw-zones').open = true")
    page.page.click(".pw-zones h3 button >> nth=0")
    assert "Points and their distance" in page.page.inner_text(".pw-dock")
    page.page.click(".pw-dock .pw-points button >> nth=2")
    assert "enclave" in page.card()
    page.page.click(".pw-dock .pw-close")
    page.run("Parkwise.city.map.closePopup(), Parkwise.city.map.fitBounds(Parkwise.city.whole, {animate: false})")
    page.page.click(".pw-name-zone span >> nth=0")
    assert page.page.locator(".pw-dock").count() == 1
    assert page.told == []


@pytest.mark.browser
def test_a_radar_is_drawn_and_runs_nothing(city, opened, monkeypatch):  # noqa: F811
    bad = "</text><img src=x onerror=window.pwned=1><script>window.pwned=1</script>"
    radar = Radar(bad, ("a", bad, "c"), ("1", "2", bad), (0.5, 1.0, 1.2), (1.0, 1.0, 1.0), bad, "target")
    monkeypatch.setattr("geo.maps.zone_cards._radar", lambda *_: radar_svg(radar, bad))
    monkeypatch.setattr("geo.attainments.Attainment.zones", property(lambda _: ["Z1"]))
    page = opened(city)
    page.run("Parkwise.city.openZone(Parkwise.city.page.zones[0])")
    assert page.page.locator(".pw-dock svg.radar polygon.own").count() == 1
    assert page.page.locator(".pw-dock svg.radar img, .pw-dock svg.radar script").count() == 0
    box = page.page.locator(".pw-dock svg.radar").bounding_box()
    assert box["width"] > 200 < box["height"] + 60
    assert page.run("typeof window.pwned") == "undefined"
    assert page.told == []
