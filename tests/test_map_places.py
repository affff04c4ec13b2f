"""Places to switch on: groups, clusters outside, land between points, findings; what they say and where they stand."""

import hand_city
import pandas as pd
import pytest
import shapely
from test_maps import HOSTILE, browser, opened, page_of, project  # noqa: F401  (fixtures)

from geo.assessment import assess
from geo.maps import map_html
from geo.maps.places import FINDINGS_BUDGET
from layers.findings import concat, finding

#: Opaque pixels of the outlines at a place of the map.
INK = """([lat, lng, pane]) => { const map = Parkwise.city.map, at = map.latLngToContainerPoint([lat, lng]);
const around = map.getContainer().getBoundingClientRect();
for (const tile of document.querySelectorAll('.parkwise-outlines canvas')) {
  const box = tile.getBoundingClientRect(), ratio = tile.width / box.width;
  const x = around.left + at.x - box.left, y = around.top + at.y - box.top;
  if (x < 0 || y < 0 || x >= box.width || y >= box.height) continue;
  return tile.getContext('2d').getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data[3];
} return null; }"""


def frames():
    """The hand city; zone 2 has a branch 60 m from its main park, and one more parcel lies beside p4."""
    found = hand_city.frames()
    more = hand_city.layer(
        [(6060, 0, 6300, 1000)], park_id=["E"], park_name=["己园"], zone_id=["Z2"], zone_name=["二区"],
        role=["branch"], priority=[4],
    )  # fmt: skip
    beside = hand_city.layer([(3200, 0, 3300, 100)], parcel_id=["p5"], land_use_code=["0601"], status=["闲置"])
    found["parks"] = pd.concat([found["parks"], more], ignore_index=True)
    found["parcels"] = pd.concat([found["parcels"], beside], ignore_index=True)
    return found


def findings(n=1, text="甲"):
    """Findings in the middle of p1, and one without a place."""
    place = hand_city.parcels().geometry.to_crs(4326)[0].centroid
    placed = finding("overlap", "parcels", ids=[text] * n, places=[(place.x, place.y)] * n, found=text)
    return concat([placed, finding("overlap", "parcels", ids=["q"], found="0")])


@pytest.fixture(scope="module")
def city():
    return assess(frames(), project(), findings=findings())


def lonlat(x, y):
    point = hand_city.layer([(x, y, x + 1, y + 1)]).to_crs(4326).geometry[0].centroid
    return [point.y, point.x]


def test_the_page_tells_what_lies_between_and_outside(city):
    page = page_of(map_html(city))
    told = {row["label"]: row["value"] for row in page["joins"][0]["figures"]}
    # 60 m × 1,000 m are six hectares, 90 mu.
    assert told["间隔"] == "60.0 m"
    assert told["用地面积"].startswith("90.0")
    assert page["joins"][0]["names"] == "丙园 – 己园"
    # p4 and p5 are three hectares, 45 mu, 2 km from B (x = 1,000) and 1.7 km from C (x = 5,000).
    cluster = page["clusters"][0]
    assert (cluster["parcels"], cluster["far"], cluster["park"]) == ("2", "1.70 km", "丙园")
    assert cluster["area"].startswith("45.0")


def test_more_findings_than_fit_are_told(city):
    many = assess(hand_city.frames(), project(), findings=findings(FINDINGS_BUDGET + 3))
    assert any("另有 3 条" in note for note in page_of(map_html(many))["notes"])


@pytest.mark.browser
def test_places_are_switched_on_and_open_cards(city, opened):  # noqa: F811
    page = opened(city)
    for name in ("候选片区", "园区外工业片区", "点块间用地", "数据问题"):
        box = page.page.locator(f".pw-layers label:has-text('{name}') input")
        assert not box.is_checked()
        box.check()
    page.run(f"Parkwise.city.map.setView({lonlat(30, 60)}, 17, {{animate: false}})")
    page.run(f"Parkwise.city.clicked(L.latLng({lonlat(50, 50)}))")
    assert "数据问题" in page.card()
    assert "甲" in page.card()
    page.run(f"Parkwise.city.clicked(L.latLng({lonlat(6030, 500)}))")
    assert "丙园 – 己园" in page.card()
    page.run(f"Parkwise.city.clicked(L.latLng({lonlat(3100, 50)}))")
    assert "第 1 片：2 宗，45.0" in page.card()
    assert "C1：2 宗" in page.card()
    assert page.told == []


@pytest.mark.browser
def test_a_group_is_outlined_as_one(city, opened):  # noqa: F811
    """The edge p4 and p5 share has no line, the edges around them have one."""
    page = opened(city)
    page.run("document.querySelector('.pw-themes input[value=candidates]').click()")
    page.page.check(".pw-layers label:has-text('候选片区') input")
    page.run(f"Parkwise.city.map.setView({lonlat(3150, 50)}, 16, {{animate: false}})")
    page.page.wait_for_function("document.querySelectorAll('.parkwise-outlines canvas').length > 0")
    seen = {
        place: page.page.evaluate(INK, lonlat(*place))
        for place in [(3200, 50), (3100, 50), (3250, 50), (3100, 102), (3302, 50), (3050, 200)]
    }
    assert seen[3200, 50] < 60 > seen[3100, 50], seen
    assert seen[3050, 200] == seen[3250, 50] == 0, seen
    assert seen[3100, 102] > 150 < seen[3302, 50], seen
    assert page.told == []


@pytest.mark.browser
def test_hostile_words_of_places_stay_words(opened):  # noqa: F811
    for bad in HOSTILE[:3]:
        found = frames()
        found["parks"]["park_name"] = [f"{bad}{row}" for row in range(len(found["parks"]))]
        page = opened(assess(found, project(), findings=findings(1, bad)), "en")
        page.run("""() => { const c = Parkwise.city;
            c.openFinding(0, c.map.getCenter()); c.openJoin(0, c.map.getCenter());
            for (let s = 0; s < c.data.parcels.count; s++) c.openParcel(s);
            c.page.zones.forEach(z => c.openZone(z)); }""")
        assert page.run("typeof window.pwned") == "undefined"
        assert page.told == []


def test_no_shape_of_the_land_between_is_a_park(city):
    joins, parks = city.composition.joins.geometry, city.land.parks.geometry
    assert shapely.area(shapely.intersection(joins.union_all(), parks.union_all())) < 1
