"""The map: what is in the file, what it says, and what a real browser makes of it with the network unplugged."""

import base64
import gzip
import hashlib
import json
import re
import shutil
from pathlib import Path

import folium
import geopandas as gpd
import hand_city
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.assessment import assess
from geo.maps import assets, draw_map, map_html, save_map
from geo.maps.content import as_json
from geo.maps.facts import parcel_facts, use_groups
from geo.maps.packing import GRID_M, Block, mercator, thin
from geo.maps.themes import breaks, style, themes, zone_colours
from layers.errors import ProjectError
from layers.project import loads

HOSTILE = [
    "</script><script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    "${window.pwned=1}`${window.pwned=1}`",
    "{{ 7*7 }}{% for x in y %}{# c #}",
    "\"'&amp;&lt;\\u003c\\",
    "\u202egro.live\u202c 😀",
    "=cmd|'/C calc'!A0",
    "长" * 10_000,
    "line\nbreak\u2028and\u0000null",
]


def project():
    said = """[project]
name = "示例 2025（合成数据）"
city = "手算市"
overlap = "priority"
policies = ["hangzhou-2023"]
as_of = 2025-12-31
"""
    return loads(said, Path("project.toml"))


@pytest.fixture(scope="module")
def city():
    return assess(hand_city.frames(), project())


@pytest.fixture(scope="module")
def hostile():
    """The same city in which every word that comes from data is an attack."""
    frames = hand_city.frames()
    bad = iter(HOSTILE * 20)

    def poison(frame, *columns):
        return frame.assign(**{column: [next(bad) for _ in range(len(frame))] for column in columns})

    frames["parks"] = poison(frames["parks"], "park_name", "zone_name", "role", "level", "operator")
    frames["districts"] = poison(frames["districts"], "district_name")
    frames["parcels"] = poison(frames["parcels"], "status", "land_use_name")
    frames["parcels"]["parcel_id"] = HOSTILE[:5]
    frames["enterprises"] = poison(frames["enterprises"], "enterprise_name")
    frames["enterprises"]["parcel_id"] = HOSTILE[:5]
    del frames["holdings"]
    name = json.dumps(HOSTILE[0])
    said = loads(f'[project]\nname={name}\ncity={json.dumps(HOSTILE[1])}\noverlap="split"\n', Path("project.toml"))
    return assess(frames, said)


def page_of(written):
    """The JSON of the page."""
    return json.loads(re.search(r'id="parkwise-page">(.*?)</script>', written, re.DOTALL)[1])


def unpacked(block):
    """Decode a block by its description, without the code that wrote it."""
    raw = gzip.decompress(base64.b64decode(block.encode()))
    size = int.from_bytes(raw[:4], "little")
    header, planes = json.loads(raw[4 : 4 + size]), raw[4 + size :]
    out = {}
    for name, told in header.items():
        if "texts" in told:
            out[name] = told["texts"]
            continue
        n, at = told["n"], told["at"]
        values = [sum(planes[at + p * n + i] << (8 * p) for p in range(told["planes"])) for i in range(n)]
        signed = [-(v + 1) // 2 if v % 2 else v // 2 for v in values]
        if told.get("scale"):
            shifted = [None if v == 0 else v - 1 for v in values]
            out[name] = [None if v is None else (-(v + 1) // 2 if v % 2 else v // 2) / told["scale"] for v in shifted]
        else:
            out[name] = np.cumsum(signed).tolist() if told["delta"] else values
    return out


# ---------------------------------------------------------------- the block


@given(st.lists(st.integers(-(2**40), 2**40), max_size=40))
def test_differences_come_back(values):
    block = Block()
    block.integers("x", values, delta=True)
    assert unpacked(block)["x"] == values


@given(st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), max_size=40))
def test_numbers_come_back_and_missing_stays_missing(values):
    block = Block()
    block.numbers("x", [np.nan if v is None else v for v in values], 2)
    back = unpacked(block)["x"]
    assert [v is None for v in back] == [v is None for v in values]
    known = [(a, b) for a, b in zip(back, values, strict=True) if b is not None]
    assert all(abs(a - b) <= 0.005 + 1e-6 for a, b in known)


def test_what_is_no_number_is_missing():
    block = Block()
    block.numbers("x", [np.inf, -np.inf, np.nan, 1e300, 0.0], 2)
    assert unpacked(block)["x"] == [None, None, None, None, 0.0]


def test_shapes_come_back_to_the_grid():
    hole = shapely.Polygon(shapely.box(0, 0, 50, 50).exterior, [shapely.box(10, 10, 20, 20).exterior])
    two = shapely.MultiPolygon([hole, shapely.box(100, 0, 130.04, 30)])
    block = Block()
    block.shapes("s", np.array([two, None, shapely.Polygon(), shapely.box(-5, -5, 5, 5)], dtype="object"))
    back = unpacked(block)
    assert back["s.rings"] == [3, 0, 0, 1]
    assert back["s.ring"] == [4, 4, 4, 4]
    assert max(back["s.x"]) * GRID_M == pytest.approx(130.0)
    assert min(back["s.y"]) * GRID_M == -5.0


def test_the_same_city_gives_the_same_file(city):
    assert map_html(city) == map_html(city)


def test_facts_at_hand_are_used_and_left_as_they_are(city):
    facts = parcel_facts(city)
    given = facts.copy()
    assert draw_map(city, budget=4, facts=given).get_root().render() == draw_map(city, budget=4).get_root().render()
    pd.testing.assert_frame_equal(given, facts)
    given["area_m2"] *= 3
    assert map_html(city, facts=given) != map_html(city)


def test_shapes_land_where_they_belong():
    place = gpd.GeoSeries([shapely.Point(120, 30).buffer(0.001)], crs="EPSG:4490")
    centre = shapely.centroid(mercator(place)[0])
    radius = 6378137.0
    assert centre.x == pytest.approx(np.radians(120) * radius, abs=1)
    assert centre.y == pytest.approx(radius * np.log(np.tan(np.pi / 4 + np.radians(30) / 2)), abs=1)


def test_simplifying_leaves_no_gap_between_neighbours():
    edge = [(100 + np.sin(y) * 0.4, y) for y in np.linspace(0, 100, 400)]
    left = shapely.Polygon([(0, 0), *edge, (0, 100)])
    right = shapely.Polygon([*edge, (200, 100), (200, 0)])
    shapes, tolerance = thin(np.array([left, right, None], dtype="object"), budget=100)
    assert tolerance > 0
    assert shapely.get_num_coordinates(shapes).sum() < 100
    assert shapely.union_all(shapes[:2]).area == pytest.approx(20_000, rel=1e-9)
    assert thin(np.array([left], dtype="object"))[1] == 0


# ---------------------------------------------------------------- themes


def test_every_class_adds_up(city):
    facts = parcel_facts(city)
    for theme in themes(city, facts, "zh"):
        assert sum(one.area_m2 for one in theme.classes) == pytest.approx(facts["area_m2"].sum()), theme.id
        assert sum(one.parcels for one in theme.classes) == len(facts)
        counts = np.bincount(theme.of_parcel, minlength=len(theme.classes))
        assert counts.tolist() == [one.parcels for one in theme.classes]


def test_zones_of_the_hand_city(city):
    """p1 and p2 in A; p3 half inside B goes there; p4 outside; h1 is no industrial land, inside A."""
    facts = parcel_facts(city)
    theme = themes(city, facts, "zh")[0]
    told = {one.label: (one.parcels, round(one.area_m2, -3)) for one in theme.classes}
    assert told == {
        "一区 · 主园": (2, 20_000),
        "分园": (1, 20_000),
        "园区外工业用地": (1, 20_000),
        "园区内其他用地": (1, 10_000),
    }
    assert [one.inset for one in theme.classes][:2] == [False, True]


def test_the_policy_figure_is_a_limit_of_tax_per_mu(city):
    facts = parcel_facts(city)
    theme = next(one for one in themes(city, facts, "zh") if one.id == "tax_per_mu")
    marked = [one for one in theme.classes if one.mark]
    assert [one.label for one in theme.classes][:2] == ["< 40", "≥ 40"]
    assert [one.mark for one in marked] == ["hangzhou-2023 （二）"]
    # p1 and p2 share 600,000 yuan over 30 mu (2 万元/亩); p3: 1,000,000 over 30 mu; p4 has a firm that reports no tax.
    by_id = dict(zip(facts["uid"], facts["tax_per_mu"], strict=True))
    assert by_id["p1"] == pytest.approx(2.0)
    assert np.isnan(by_id["p4"])
    assert next(one for one in theme.classes if one.pattern == "hatch").parcels == 1


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.one_of(st.none(), st.floats(0.1, 1e5)))
def test_breaks_rise_and_hold_the_limit(values, limit):
    edges = breaks(np.array(values), limit)
    assert edges == sorted(set(edges))
    assert limit is None or limit in edges
    assert len(edges) <= 5


def test_land_use_falls_into_groups_by_the_longest_class():
    uses = pd.Series(["0508", "05H1", "1201", "1107", "99", None], dtype="string")
    groups = use_groups(uses, "third-survey", np.zeros(6, dtype=bool))
    assert groups.tolist() == ["storage", "commercial", "vacant", "water", "other", "unknown"]
    names = pd.Series(["Industrial", "farmland", "工业用地"], dtype="string")
    assert use_groups(names, "names", np.zeros(3, dtype=bool)).tolist() == ["industrial", "farmland", "industrial"]
    assert use_groups(uses, "third-survey", np.ones(6, dtype=bool)).unique().tolist() == ["industrial"]


def test_zones_have_hues_of_their_own():
    colours = zone_colours([f"z{i}" for i in range(12)])
    assert len(set(colours.values())) == 12
    assert {kind for kind, _ in style()} >= {"zone", "role", "land_use", "below", "above", "rising", "strength"}


# ---------------------------------------------------------------- the page


def test_the_page_says_what_planners_ask(city):
    page = page_of(map_html(city))
    assert page["title"]["city"] == "手算市"
    assert page["title"]["synthetic"].startswith("合成数据")
    first = page["headline"][0]
    # 10,000 + 10,000 + 10,000 of 60,000 m² lie inside: half; 20 % of 90 mu are lacking.
    assert first["value"] == "50.00%"
    assert "70%" in first["target"]
    assert "18.00 亩" in first["gap"]
    assert page["headline"][1]["value"] == "90.00 亩"
    assert page["overlaps"][0]["area"].startswith("150.0")
    english = page_of(map_html(city, "en"))
    assert english["headline"][0]["label"] == "Industrial land concentration"
    assert "short of the target" in english["headline"][0]["gap"]


def test_a_target_that_binds_the_city_only_is_no_verdict_on_a_park(city):
    zones = page_of(map_html(city))["zones"]
    rows = [row for zone in zones for park in zone["parks"] for row in park["figures"] if "target" in row]
    assert rows
    assert all(row["met"] is None and row["target"].startswith("对照") for row in rows)


def test_no_synthetic_note_on_real_data():
    said = loads('[project]\ncity="甲市"\noverlap="priority"\n', Path("project.toml"))
    assert page_of(map_html(assess(hand_city.frames(), said)))["title"]["synthetic"] == ""


def test_json_ends_no_script_and_opens_no_template():
    for text in [*HOSTILE, "\ud800 half a pair"]:
        written = as_json({"name": text, "list": [{}, [text]]})
        assert not re.search(r"[<>&`$']|\{\{|\{%|\{#", written)
        assert json.loads(written)["name"] == text.encode("utf-8", "replace").decode("utf-8")


def test_nothing_in_the_page_points_outside(hostile):
    written = map_html(hostile)
    without_data = re.sub(r'<script type="(?:application/json|text/plain)".*?</script>', "", written, flags=re.DOTALL)
    loads_from = re.findall(r"""(?:src|href|srcset|poster|action)\s*=\s*["']?(?!["'#\s>])([^"'\s>]+)""", without_data)
    # Leaflet's own name may be clicked, which loads nothing by itself.
    assert {one for one in loads_from if "//" in one} <= {"https://leafletjs.com"}
    within = {"data:image/png;base6", "#pw-overlap", "#default#VML"}
    assert set(re.findall(r"url\(([^)]{1,20})", without_data)) <= within
    assert not re.search(r"@import|importScripts|<(?:iframe|object|embed|link|img)\b", without_scripts(without_data))


def without_scripts(written):
    return re.sub(r"<script>.*?</script>", "", written, flags=re.DOTALL)


def test_the_policy_lets_run_what_is_in_the_page_and_loads_nothing(city):
    written = map_html(city)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', written)[1]
    assert policy.startswith("default-src 'none'")
    assert "unsafe-inline" not in policy.split("style-src")[0]
    scripts = re.findall(r"<script>(.*?)</script>", written, re.DOTALL)
    assert len(scripts) > 5
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert digest in policy


def test_the_inlined_libraries_are_those_folium_names():
    named = {name: re.search(r"(\d+\.\d+\.\d+)", url)[1] for name, url in folium.Map.default_js if name in assets.OWNED}
    assert assets.versions() == named
    assert {name for name, _ in folium.Map.default_css} >= {"leaflet_css"}


def test_pictures_of_the_style_sheet_are_data():
    sheet = assets.asset("leaflet_css")
    assert sheet.count("url(data:image/png;base64,") == 3
    assert "url(images" not in sheet
    assert all("</" + tag not in assets.asset(name) for name in assets.OWNED for tag in ("script", "style"))


def test_a_map_of_somebody_else_keeps_what_it_loads(city, tmp_path):
    own = folium.Map(location=[30, 120], tiles="OpenStreetMap")
    drawn = draw_map(city, m=own)
    assert drawn is own
    written = save_map(drawn, tmp_path / "own.html").read_text("utf-8")
    assert "tile.openstreetmap.org" in written
    assert "Content-Security-Policy" not in written
    assert "leaflet@1.9.3" not in written


def test_what_is_not_drawn_is_told(city):
    assert page_of(map_html(city))["notes"] == []
    written = draw_map(city, budget=4).get_root().render()
    assert any("1 宗非工业地块（15.0" in note for note in page_of(written)["notes"])
    shapeless = hand_city.frames()
    land = assess(shapeless, project())
    land.land.parcels.loc[0, "geometry"] = None
    assert any(note.startswith("1 宗地块没有图形") for note in page_of(map_html(land))["notes"])


def test_without_parcels_there_is_no_map():
    frames = {"enterprises": hand_city.enterprises()}
    with pytest.raises(ProjectError, match="needs parcels"):
        draw_map(assess(frames, project()))


# ---------------------------------------------------------------- a real browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


class Watched:
    """A page that remembers every request, message and dialog."""

    def __init__(self, browser, path, size=(1200, 800)):
        self.page = browser.new_page(viewport={"width": size[0], "height": size[1]})
        self.told = []
        self.page.on("console", lambda message: self._said(message.text))
        self.page.on("pageerror", lambda error: self.told.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: (self.told.append("dialog"), dialog.dismiss()))
        self.page.on("request", lambda one: self._asked(one.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("body[data-parkwise=ready]")

    def _said(self, text):
        # Reading the canvas back, as these tests do, makes the browser give advice.
        if "willReadFrequently" not in text:
            self.told.append(f"console: {text}")

    def _asked(self, url):
        if not url.startswith(("file:", "data:", "blob:")):
            self.told.append(f"request: {url}")

    def run(self, script):
        return self.page.evaluate(script)

    def card(self):
        return self.page.inner_text(".leaflet-popup-content")


@pytest.fixture
def opened(browser, tmp_path):
    pages = []

    def open_(assessment, language="zh"):
        path = save_map(draw_map(assessment, language=language), tmp_path / f"图 {len(pages)}.html")
        pages.append(Watched(browser, path))
        return pages[-1]

    yield open_
    for one in pages:
        one.page.close()


COLOURS = """() => { const seen = new Set();
for (const tile of document.querySelectorAll('.parkwise-parcels canvas')) {
  const d = tile.getContext('2d').getImageData(0, 0, tile.width, tile.height).data;
  for (let i = 0; i < d.length; i += 4) if (d[i + 3] === 255) seen.add(d[i] + ',' + d[i + 1] + ',' + d[i + 2]);
} return [...seen]; }"""


@pytest.mark.browser
def test_themes_are_drawn_and_switched(city, opened):
    page = opened(city)
    assert page.page.title() == "手算市 · 工业用地地图"
    assert page.run("document.documentElement.lang") == "zh-CN"
    names = page.page.locator(".pw-themes input").evaluate_all("all => all.map(one => one.value)")
    assert names == ["zones", "land_use", "tax_per_mu", "plot_ratio", "building_density", "candidates"]
    for name in names:
        page.page.check(f".pw-themes input[value={name}]", force=True)
        shown = "Parkwise.city.theme.classes.filter(one => !one.pattern && one.parcels !== '0')"
        fills = page.run(f"{shown}.map(one => one.fill)")
        wanted = {",".join(str(int(fill[at : at + 2], 16)) for at in (1, 3, 5)) for fill in fills}
        assert wanted <= set(page.run(COLOURS)), name
    assert page.told == []


@pytest.mark.browser
def test_the_browser_reads_what_python_wrote(city, opened):
    page = opened(city)
    facts = parcel_facts(city)
    assert page.run("Array.from(Parkwise.city.data.column('area'))") == pytest.approx(facts["area_m2"].tolist())
    tax = page.run("Array.from(Parkwise.city.data.column('tax_per_mu')).map(v => isNaN(v) ? null : v)")
    assert [v is None for v in tax] == facts["tax_per_mu"].isna().tolist()
    lonlat = city.land.parcels.geometry.to_crs(4326)
    corner = page.run("Parkwise.bounds(Parkwise.city.data.parcels, 2)")
    assert corner[0] == pytest.approx([lonlat.bounds.miny[2], lonlat.bounds.minx[2]], abs=2e-6)
    for row in range(len(facts)):
        point = lonlat.iloc[row].representative_point()
        there = f"Parkwise.fromLatLng({{lat: {point.y}, lng: {point.x}}})"
        assert page.run(f"(p => Parkwise.city.data.index.at(p.x, p.y))({there})") == row


@pytest.mark.browser
def test_search_by_keys_opens_the_card(city, opened):
    page = opened(city)
    page.page.locator(".pw-search input").press_sequentially("三厂")
    page.page.wait_for_selector("#pw-found li")
    page.page.keyboard.press("Enter")
    card = page.card()
    assert all(word in card for word in ("p3", "二厂", "三厂", "0601 工业用地", "亩", "综合容积率"))
    page.page.fill(".pw-search input", "乙园")
    page.page.wait_for_function("document.querySelector('#pw-found li bdi').textContent === '乙园'")
    page.page.keyboard.press("Enter")
    assert "分园" in page.card()
    page.page.click(".leaflet-popup-content button")
    assert "开发区" in page.page.inner_text(".pw-dock")
    page.page.fill(".pw-search input", "无此名称")
    page.page.wait_for_function("document.querySelector('#pw-found').textContent.includes('没有匹配')")
    assert page.told == []


@pytest.mark.browser
def test_a_click_opens_the_parcel_with_its_evidence(city, opened):
    page = opened(city, "en")
    place = city.land.parcels.set_index("uid").geometry.to_crs(4326)["p4"].representative_point()
    page.run(f"Parkwise.city.map.setView([{place.y}, {place.x}], 16, {{animate: false}})")
    box = page.page.locator(".folium-map").bounding_box()
    page.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    card = page.card()
    missing = [word for word in ("p4", "mu", "outside every park", "vacant or idle", "四厂") if word not in card]
    assert missing == [], card


@pytest.mark.browser
def test_layers_and_classes_can_be_hidden(city, opened):
    page = opened(city)
    before = set(page.run(COLOURS))
    fill = page.run("Parkwise.city.theme.classes[0].fill")
    colour = ",".join(str(int(fill[at : at + 2], 16)) for at in (1, 3, 5))
    assert colour in before
    page.page.click(".pw-swatch >> nth=0")
    assert colour not in set(page.run(COLOURS))
    page.page.uncheck(".pw-layers input >> nth=0")
    assert page.page.locator(".parkwise-parcels").count() == 0
    assert page.told == []


@pytest.mark.browser
def test_the_view_stands_in_the_address(city, browser, tmp_path):
    path = save_map(draw_map(city), tmp_path / "map.html")
    page = Watched(browser, path)
    page.page.check(".pw-themes input[value=plot_ratio]", force=True)
    address = page.page.url
    page.page.goto("about:blank")
    page.page.goto(address)
    page.page.wait_for_selector("body[data-parkwise=ready]")
    assert page.run("Parkwise.city.theme.id") == "plot_ratio"
    page.page.close()


@pytest.mark.browser
def test_a_hostile_city_executes_nothing(hostile, opened):
    for language in ("zh", "en"):
        page = opened(hostile, language)
        page.run("""() => { const c = Parkwise.city, n = c.data.parcels.count;
            for (let s = 0; s < n; s++) { c.openParcel(s, true); c.hover(c.map.getCenter()); }
            c.parkOf.forEach((one, row) => c.openPark(row));
            c.page.zones.forEach(zone => c.openZone(zone));
            document.querySelector('.pw-zones').open = true; }""")
        page.page.fill(".pw-search input", "<")
        page.page.wait_for_selector("#pw-found li")
        page.page.wait_for_timeout(100)
        assert page.run("typeof window.pwned") == "undefined"
        assert page.told == []
    shown = page.run("document.querySelector('.pw-panel h1').textContent")
    assert shown == HOSTILE[1]
    assert page.run("Parkwise.city.data.column('uid').slice().sort()") == sorted(HOSTILE[:5])


@pytest.mark.browser
def test_parcels_alone_are_a_map_too(opened):
    frames = {"parcels": hand_city.parcels().drop(columns=["status", "owner_code"])}
    page = opened(assess(frames, project(), with_candidates=False))
    assert page.page.locator(".pw-themes input").count() == 1
    page.run("Parkwise.city.openParcel(0, true)")
    assert "园区" not in page.card()
    assert len(page.run(COLOURS)) > 1
    assert page.told == []


@pytest.mark.browser
@pytest.mark.real_data
def test_kouvola_has_a_map(shared_data, opened):
    import layers

    path = shared_data / "osm_kouvola" / "kouvola.gpkg"
    sites = layers.read(path, "parcels", layer="landuse", to_crs="EPSG:32635")
    sites = sites[sites.geometry.notna()].assign(geometry=lambda rows: shapely.make_valid(rows.geometry.to_numpy()))
    said = loads('[project]\ncity="Kouvola"\nlanguage="en"\n[land_use]\nsystem="names"\n', path)
    page = opened(assess({"parcels": sites}, said), "en")
    middle = page.run("(() => { const c = Parkwise.city.map.getCenter(); return [c.lat, c.lng]; })()")
    assert middle == pytest.approx([60.87, 26.7], abs=0.4)
    assert len(page.run(COLOURS)) > 2
    assert page.told == []
