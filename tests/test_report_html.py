"""The HTML report: asks for nothing, runs nothing, links to what is there, and looks right in a browser."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import hand_report
import pytest

from geo.charts import Bars, bars_svg
from geo.charts.texts import shorten, text_width
from geo.maps import map_html
from geo.report.content import Table, compose_report, walk
from geo.report.html import heading_number, render_html, write_html

CHROMIUM = next((path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists()), None)
browser_tests = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


class Elements(HTMLParser):
    """Every element with its attributes, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def city():
    return hand_report.city(name="演练（合成数据）")


@pytest.fixture(scope="module")
def report(city):
    return compose_report(city)


@pytest.fixture(scope="module")
def page(report):
    return render_html(report)


@pytest.fixture(scope="module")
def hostile():
    return render_html(compose_report(hand_report.hostile()))


# ---------------------------------------------------------------- the page as text


def test_the_page_asks_for_nothing(page):
    elements = Elements(page)
    assert {tag for tag, _ in elements.found} & {"script", "link", "img", "iframe", "object", "form", "base"} == set()
    for _, attributes in elements.found:
        assert not {"src", "srcset", "action", "style", "onclick"} & set(attributes)
    for link in elements.all("a"):
        assert re.fullmatch(r"#[\w-]+|[\w.]+\.(?:html|docx|xlsx|gpkg|csv|json)|map\.html#\w+", str(link["href"]))
    assert "url(" not in page
    assert "@import" not in page


def test_the_policy_of_the_page_lets_in_its_own_style_only(page):
    policy = next(one["content"] for one in Elements(page).all("meta") if one.get("http-equiv"))
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    inline = f"style-src 'sha256-{digest}'; img-src data:"
    assert policy == f"default-src 'none'; {inline}; base-uri 'none'; form-action 'none'"


def test_every_jump_lands(page):
    elements = Elements(page)
    ids = [str(attributes["id"]) for _, attributes in elements.found if attributes.get("id")]
    assert len(ids) == len(set(ids))
    jumps = {str(link["href"])[1:] for link in elements.all("a") if str(link["href"]).startswith("#")}
    assert jumps <= set(ids)
    assert "def-industrial_concentration" in jumps


def test_every_text_of_the_content_is_on_the_page(report, page):
    told = "".join(Elements(page).words)
    for block in walk(report.sections):
        if isinstance(block, Table):
            assert block.caption in told
            assert block.source in told
            assert all(cell.text in told and cell.note in told for row in block.rows for cell in row)
    assert report.banner in told


def test_figures_show_their_sums(page):
    assert '2.68<span class="tip" role="note">165.00 万元 ÷ 61.50 亩（41,000.00 平方米），计入 4，缺失 1' in page


def test_the_language_is_declared(page):
    assert '<html lang="zh-CN">' in page
    assert '<html lang="en">' in render_html(compose_report(hand_report.latin(), language="en"))


def test_names_from_data_stay_text(hostile):
    elements = Elements(hostile)
    assert {tag for tag, _ in elements.found} & {"script", "img"} == set()
    assert not [name for _, attributes in elements.found for name in attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in "".join(elements.words)


def test_writing_is_the_same_every_time(report, tmp_path):
    for name in ("a.html", "b.html"):
        write_html(report, tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert b"\r" not in (tmp_path / "a.html").read_bytes()


@pytest.mark.parametrize(
    ("language", "index", "expected"),
    [("zh", (1,), "一、"), ("zh", (3, 2), "（二）"), ("zh", (11,), "十一、"), ("en", (3, 2), "3.2 ")],
)
def test_headings_are_numbered_as_the_language_does(language, index, expected):
    assert heading_number(language, index) == expected


# ---------------------------------------------------------------- charts


def bar_lengths(svg: str) -> list[float]:
    return [float(width) for width in re.findall(r'<rect class="bar"[^>]* width="([\d.]+)"', svg)]


def test_bars_are_as_long_as_their_values():
    svg = bars_svg(Bars(("a", "b", "c"), (4.0, 2.0, 0.0), ("4", "2", "0"), ""), "t")
    long, half, none = bar_lengths(svg)
    assert half == pytest.approx(long / 2, abs=0.1)
    assert none == 1.0


def test_the_line_stands_at_its_value():
    svg = bars_svg(Bars(("a", "b"), (10.0, 20.0), ("10", "20"), "", limit=10.0, limit_text="target"), "t")
    x = float(re.search(r'<line class="limit" x1="([\d.]+)"', svg)[1])
    start = float(re.search(r'<rect class="bar" x="([\d.]+)"', svg)[1])
    assert x == pytest.approx(start + bar_lengths(svg)[0], abs=0.1)


def test_bars_bear_what_data_bring():
    bars = Bars(("<b>", "x" * 10_000, ""), (float("nan"), float("inf"), -3.0), ("—", "∞", "-3"), "")
    svg = bars_svg(bars, '"<script>')
    assert "<b>" not in svg
    assert "<script>" not in svg
    assert bar_lengths(svg) == [1.0, 1.0, 1.0]
    assert "nan" not in svg


def test_bars_without_rows_are_an_empty_picture():
    assert bars_svg(Bars((), (), (), ""), "t").startswith("<svg")


def test_texts_are_measured_as_they_look():
    assert text_width("开发区") > text_width("abc")
    assert shorten("abc", 3) == "abc"
    assert shorten("一二三四五六", 4).endswith("…")
    assert text_width(shorten("一二三四五六", 4)) <= 4


# ---------------------------------------------------------------- the page in a browser


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


def opened(browser, folder: Path, page: str, width: int = 1440):
    """Open a page with the network refused; return it with what it asked for and complained of."""
    (folder / "report.html").write_text(page, encoding="utf-8")
    tab = browser.new_page(viewport={"width": width, "height": 900})
    seen: list[str] = []
    tab.on("console", lambda message: seen.append(message.text))
    tab.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))
    tab.on("request", lambda request: seen.append(request.url) if not request.url.startswith("file:") else None)
    tab.on("pageerror", lambda error: seen.append(str(error)))
    tab.goto((folder / "report.html").as_uri())
    return tab, seen


class TestInABrowser:
    pytestmark = browser_tests

    def test_it_is_quiet_and_not_blank(self, browser, tmp_path, page):
        tab, seen = opened(browser, tmp_path, page)
        assert seen == []
        assert len(set(tab.screenshot())) > 100
        assert tab.locator(".card").count() >= 4
        assert tab.evaluate("getComputedStyle(document.querySelector('nav')).position") == "fixed"
        tab.close()

    @pytest.mark.parametrize("width", [1366, 390])
    def test_nothing_runs_over_the_side(self, browser, tmp_path, page, width):
        tab, _ = opened(browser, tmp_path, page, width)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        tab.close()

    def test_hover_and_keys_show_the_sums(self, browser, tmp_path, page):
        tab, _ = opened(browser, tmp_path, page)
        figure = tab.locator("#t-per_land-zone .fig").first
        tip = figure.locator(".tip")
        assert not tip.is_visible()
        figure.hover()
        assert tip.is_visible()
        tab.mouse.move(0, 0)
        assert not tip.is_visible()
        figure.focus()
        assert tip.is_visible()
        tip.locator("a").first.click()
        assert tab.url.endswith("#def-tax_per_mu")
        tab.close()

    def test_a_figure_leads_to_its_clause_and_its_parcels(self, browser, tmp_path, city, page):
        (tmp_path / "map.html").write_text(map_html(city), encoding="utf-8")
        tab, _ = opened(browser, tmp_path, page)
        links = tab.locator("#t-per_land-zone .fig").first.locator(".tip a")
        told = links.evaluate_all("found => found.map(one => [one.textContent, one.getAttribute('href')])")
        assert [words for words, _ in told] == ["定义", "杭政函〔2023〕13号 （二）", "地块（地图）"]
        tab.locator("#t-per_land-zone .fig").first.focus()
        links.nth(1).click()
        target = tab.locator("td:target")
        assert target.inner_text() == "（二）"
        assert "亩均税收" in target.locator("xpath=..").inner_text()
        tab.locator("#t-per_land-zone .fig").first.focus()
        links.nth(2).click()
        tab.wait_for_function("window.Parkwise && Parkwise.city && Parkwise.city.theme")
        assert tab.evaluate("Parkwise.city.theme.id") == "tax_per_mu"
        tab.close()

    def test_a_hostile_city_executes_nothing(self, browser, tmp_path, hostile):
        tab, seen = opened(browser, tmp_path, hostile)
        assert seen == []
        assert tab.locator("script, img").count() == 0
        tab.close()

    def test_it_prints_without_its_menu(self, browser, tmp_path, page):
        tab, _ = opened(browser, tmp_path, page)
        tab.emulate_media(media="print")
        assert not tab.locator("nav").is_visible()
        assert tab.pdf().startswith(b"%PDF")
        tab.close()
