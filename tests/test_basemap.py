"""Base maps: none unless asked for, of the named host only, and GCJ-02 tiles shown where their ground is."""

import contextlib
import io
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import hand_city
import numpy as np
import pyproj
import pytest
from click.testing import CliRunner
from PIL import Image, ImageDraw
from test_maps import browser, page_of  # noqa: F401  (fixtures)

import cli
from geo.assessment import assess
from geo.maps import map_html
from geo.maps.basemap import KEY_VARIABLE, asked
from layers.datum import from_wgs84
from layers.errors import ProjectError
from layers.project import loads

GEOD = pyproj.Geod(ellps="WGS84")
PLACE = (120.02, 30.28)  # in the hand city
HOSTILE = "<img src=x onerror=alert(1)>"


def project(basemap=None, **more):
    settings = {**more, **({} if basemap is None else {"basemap": basemap})}
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    return loads(
        f'[project]\ncity = "手算市"\noverlap = "priority"\nas_of = 2025-12-31\n[map]\n{lines}', Path("p.toml")
    )


def city(basemap=None, **more):
    return assess(hand_city.frames(), project(basemap, **more))


# ---------------------------------------------------------------- what is asked for


def test_none_is_asked_for_by_default():
    assert asked(project()) is None
    assert "basemap" not in page_of(map_html(city()))
    assert "img-src data: blob:;" in map_html(city())


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("javascript:alert(1)//{z}/{x}/{y}", "http"),
        ("data:image/png;base64,{z}{x}{y}", "http"),
        ("file:///etc/{z}/{x}/{y}", "http"),
        ("//tiles.example.org/{z}/{x}/{y}", "http"),
        ("https://tiles.example.org/{z}/{x}.png", "needed"),
        ("https://tiles.example.org/{z}/{x}/{y}/{quadkey}", "braces"),
        ("https://tiles.example.org/{z}/{x}/{y}/{", "braces"),
        ("https://user:word@tiles.example.org/{z}/{x}/{y}", "host"),
        ("https://a.org;script-src * /{z}/{x}/{y}", "signs"),
        ("https://a.org;script-src/{z}/{x}/{y}", "host"),
        ("https://*.org/{z}/{x}/{y}", "host"),
        ("https:///{z}/{x}/{y}", "host"),
        ("https://{z}.example.org/{x}/{y}", "host"),
        ('https://a.org/{z}/{x}/{y}"><script>', "signs"),
        ("https://a.org/{z}/{x}/{y}\n", "signs"),
        ("https://a.org/{z}/{x}/{y}" + "a" * 500, "500"),
        ("https://t0.tianditu.gov.cn/vec_w/wmts?X={x}&Y={y}&Z={z}&tk=0123456789abcdef", KEY_VARIABLE),
    ],
)
def test_hostile_and_half_addresses_are_refused_and_not_repeated(address, why):
    with pytest.raises(ProjectError, match=why) as refused:
        asked(project([address]))
    assert "0123456789abcdef" not in str(refused.value)
    assert "map.basemap" in refused.value.text("zh")


@pytest.mark.parametrize("address", ["https://a.example.org:8080/{z}/{x}/{-y}.png?v=1", "http://{s}.lan/t/{z}/{y}/{x}"])
def test_plain_addresses_are_taken(address):
    assert asked(project([address])).tiles == (address,)


def test_subdomains_are_parts_of_a_host():
    with pytest.raises(ProjectError, match="subdomains"):
        asked(project(["https://{s}.org/{z}/{x}/{y}"], subdomains=["a; script-src *"]))


def test_the_policy_of_the_page_lets_just_the_named_hosts_through():
    drawn = map_html(city(["https://t{s}.example.org/{z}/{x}/{y}"], subdomains=["0", "1"]))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', drawn)[1]
    assert "img-src data: blob: https://t0.example.org https://t1.example.org;" in policy
    assert policy.startswith("default-src 'none'")
    assert policy.count("example.org") == 2


def test_the_key_is_in_the_map_and_nowhere_else(tmp_path, monkeypatch):
    folder = hand_city.write(tmp_path / "city", '[map]\nbasemap = ["https://t.example.org/{z}/{x}/{y}?tk={key}"]\n')
    said = CliRunner().invoke(cli.main, ["report", str(folder / "project.toml"), "-o", str(tmp_path / "none"), "-q"])
    assert said.exit_code == 2
    assert KEY_VARIABLE in said.stderr
    assert not (tmp_path / "none").exists()
    monkeypatch.setenv(KEY_VARIABLE, "0123secret")
    done = CliRunner().invoke(
        cli.main, ["report", str(folder / "project.toml"), "-o", str(tmp_path / "out"), "--public", "-q"]
    )
    assert done.exit_code == 0, done.stderr
    holding = {path.name for path in (tmp_path / "out").iterdir() if b"0123secret" in path.read_bytes()}
    assert holding == {"map.html"}
    assert "{key}" in (tmp_path / "out" / "manifest.json").read_text("utf-8")


# ---------------------------------------------------------------- in a browser


def mercator(lon, lat, zoom):
    """Pixels of the whole world at a zoom: the published formula of web maps."""
    size = 256 * 2**zoom
    sine = np.sin(np.radians(lat))
    return (lon + 180) / 360 * size, (0.5 - np.log((1 + sine) / (1 - sine)) / (4 * np.pi)) * size


#: True places at which the tile server paints a red dot, where GCJ-02 shows them.
DOTS = [(PLACE[0] + east, PLACE[1] + north) for east, north in ((0, 0), (0.0008, 0.0005), (-0.0009, -0.0004))]


class _Tiles(BaseHTTPRequestHandler):
    datum = "gcj02"

    def do_GET(self):
        self.server.asked.append(self.path)
        zoom, x, y = (int(one) for one in re.findall(r"\d+", self.path)[:3])
        picture = Image.new("RGB", (1024, 1024), "#cfe3f5")  # painted large, so that dots stand at parts of a pixel
        pen = ImageDraw.Draw(picture)
        for lon, lat in DOTS:
            shown = from_wgs84([lon], [lat], self.server.datum)
            at = [float(one[0]) for one in mercator(*shown, zoom)]
            px, py = 4 * (at[0] - 256 * x), 4 * (at[1] - 256 * y)
            pen.ellipse((px - 16.5, py - 16.5, px + 15.5, py + 15.5), fill="#ff0000")
        buffer = io.BytesIO()
        picture.reduce(4).save(buffer, "png")
        with contextlib.suppress(ConnectionError):  # the browser moved on
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            self.wfile.write(buffer.getvalue())

    def log_message(self, *said):
        pass


@pytest.fixture
def tiles():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Tiles)
    server.asked, server.datum = [], "gcj02"
    server.address = f"http://127.0.0.1:{server.server_port}/{{z}}/{{x}}/{{y}}.png"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def shown(browser, tmp_path):  # noqa: F811
    pages = []

    def open_(assessment, language="zh"):
        path = tmp_path / f"map {len(pages)}.html"
        path.write_text(map_html(assessment, language), encoding="utf-8")
        page = browser.new_page(viewport={"width": 1300, "height": 850})
        page.asked, page.errors = [], []
        page.on("request", lambda one: page.asked.append(one.url))
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(path.as_uri())
        page.wait_for_selector("body[data-parkwise=ready]")
        pages.append(page)
        return page

    yield open_
    for one in pages:
        one.close()


def go(page, zoom, place=PLACE):
    page.evaluate(f"Parkwise.city.map.setView([{place[1]}, {place[0]}], {zoom}, {{animate: false}})")
    page.wait_for_function("[...document.querySelectorAll('img.leaflet-tile')].every(one => one.complete)")
    page.wait_for_timeout(300)


def reds(page):
    """Centres of the red dots on the screen, and where the map says the places are."""
    for layer in ("parcels", "parks", "districts", "labels"):
        page.evaluate(f"Parkwise.city.layers.{layer}.remove()")
    page.wait_for_timeout(200)
    picture = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)
    # Weighted by how red a pixel is, against the ground of the tiles: good to a tenth of a pixel.
    weight = np.clip((picture[..., 0] - picture[..., 1] - 60) / 195, 0, None)
    found = []
    where = """place => { const map = Parkwise.city.map, frame = map.getContainer().getBoundingClientRect();
      const at = map.project(place, map.getZoom()).subtract(map.getPixelOrigin()).add(map._getMapPanePos());
      return [at.x + frame.left, at.y + frame.top]; }"""
    for lon, lat in DOTS:
        x, y = page.evaluate(where, [lat, lon])
        rows, columns = np.mgrid[int(y) - 12 : int(y) + 13, int(x) - 12 : int(x) + 13]
        near = weight[int(y) - 12 : int(y) + 13, int(x) - 12 : int(x) + 13]
        assert near.sum() > 20, "no dot near the place"
        found.append((((columns + 0.5) * near).sum() / near.sum() - x, ((rows + 0.5) * near).sum() / near.sum() - y))
    return np.array(found)


@pytest.mark.browser
def test_the_shift_in_the_page_is_that_of_the_layers(shown):
    page = shown(city(["http://127.0.0.1:9/{z}/{x}/{y}"], datum="gcj02"))
    random = np.random.default_rng(5)
    for lon, lat in random.uniform((80, 18), (130, 50), (40, 2)):
        told = page.evaluate(
            f"(() => {{ const p = Parkwise.toGcj({{lng: {lon}, lat: {lat}}}); return [p.lng, p.lat]; }})()"
        )
        wanted = [float(one[0]) for one in from_wgs84([lon], [lat], "gcj02")]
        assert told == pytest.approx(wanted, abs=1e-10)
        back = page.evaluate(
            f"(() => {{ const p = Parkwise.fromGcj({{lng: {told[0]}, lat: {told[1]}}}); return [p.lng, p.lat]; }})()"
        )
        assert back == pytest.approx([lon, lat], abs=1e-9)
    assert page.evaluate("(() => { const p = Parkwise.toGcj({lng: 2, lat: 48}); return [p.lng, p.lat]; })()") == [2, 48]


@pytest.mark.browser
@pytest.mark.parametrize("datum", ["gcj02", "wgs84"])
def test_what_a_tile_shows_stands_where_its_ground_is(tiles, shown, datum):
    tiles.datum = datum
    page = shown(city([tiles.address], datum=datum))
    go(page, 18)
    off = reds(page)
    metres = 40_075_016.686 * np.cos(np.radians(PLACE[1])) / 256 / 2**18
    assert (np.hypot(*off.T) * metres).max() < 0.5
    assert {one.split("/")[2] for one in page.asked if one.startswith("http")} == {f"127.0.0.1:{tiles.server_port}"}
    assert page.errors == []


@pytest.mark.browser
def test_the_shift_forgotten_is_seen(tiles, shown):
    page = shown(city([tiles.address], datum="wgs84"))
    go(page, 18)
    with pytest.raises(AssertionError, match="no dot"):
        reds(page)


@pytest.mark.browser
def test_every_corner_of_every_tile_is_within_a_metre_at_the_scale_of_a_city(tiles, shown):
    page = shown(city([tiles.address], datum="gcj02"))
    script = """() => { const out = []; Parkwise.city.layers.basemap.eachLayer(layer => {
      const origin = layer._level.origin;
      for (const key in layer._tiles) { const one = layer._tiles[key]; if (one.coords.z !== layer._tileZoom) continue;
        const m = new DOMMatrix(getComputedStyle(one.el).transform);
        out.push([one.coords.x, one.coords.y, one.coords.z, m.a, m.b, m.c, m.d, m.e + origin.x, m.f + origin.y]); } });
      return out; }"""
    for zoom in (14, 16, 18):
        go(page, zoom)
        placed = page.evaluate(script)
        assert len(placed) >= 12
        off = []
        for x, y, z, a, b, c, d, e, f in placed:
            for u, v in ((0, 0), (256, 0), (0, 256), (256, 256), (128, 128)):
                lon, lat = inverse(a * u + c * v + e, b * u + d * v + f, z)
                shown_at = from_wgs84([lon], [lat], "gcj02")
                wanted = inverse(256 * x + u, 256 * y + v, z)
                off.append(GEOD.inv(shown_at[0][0], shown_at[1][0], *wanted)[2])
        assert max(off) < 1


def inverse(x, y, zoom):
    """Longitude and latitude of a pixel of the world."""
    size = 256 * 2**zoom
    return x / size * 360 - 180, float(np.degrees(2 * np.arctan(np.exp((0.5 - y / size) * 2 * np.pi)) - np.pi / 2))


@pytest.mark.browser
def test_the_source_is_text_and_keys_switch_the_base_map(tiles, shown):
    page = shown(city([tiles.address], attribution=f"© {HOSTILE}"))
    go(page, 15)
    assert HOSTILE in page.inner_text(".pw-attribution")
    assert page.locator(".pw-attribution img").count() == 0
    box = page.locator(".pw-layers label", has_text="底图").locator("input")
    assert box.is_checked()
    assert page.locator("img.leaflet-tile").count() > 0
    opacity = "Parkwise.city.layers.parcels._container.style.opacity || 1"
    assert page.evaluate(opacity) == "0.72"
    assert "联网" in page.inner_text(".pw-made")
    box.focus()
    page.keyboard.press("Space")
    assert not box.is_checked()
    assert page.locator("img.leaflet-tile").count() == 0
    assert page.locator(".pw-attribution").is_hidden()
    assert float(page.evaluate(opacity)) == 1
    page.keyboard.press("Space")
    assert page.evaluate(opacity) == "0.72"
    assert page.locator(".pw-attribution").is_visible()


@pytest.mark.browser
@pytest.mark.parametrize(("language", "words"), [("zh", "底图未能加载"), ("en", "The base map could not be loaded")])
def test_without_a_way_out_one_quiet_note_is_all(tiles, shown, language, words):
    address = tiles.address
    tiles.shutdown()
    tiles.server_close()
    page = shown(city([address], datum="gcj02"), language)
    page.wait_for_function("document.querySelector('.pw-basemap-missing').textContent")
    assert words in page.inner_text(".pw-basemap-missing")
    assert page.locator("img.leaflet-tile-loaded").count() == 0
    page.evaluate("Parkwise.city.openParcel(0, true)")
    assert page.inner_text(".leaflet-popup-content")
    assert page.errors == []
