"""The documentation as a site: built strictly, no link leads nowhere, nothing is fetched, Chinese is found."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from test_maps import browser  # noqa: F401  (a fixture)

import geo
import layers

ROOT = Path(__file__).parents[1]
#: What a browser loads by itself; a link that people follow may lead out.
LOADED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("object", "data")}
LOADING_RELS = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "prefetch", "modulepreload", "manifest"}


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    for name in ("mkdocs", "material", "mkdocstrings"):
        pytest.importorskip(name, reason="the extra parkwise[docs] is not installed")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--strict", "-d", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONUTF8": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    return folder


class Html(HTMLParser):
    """What a page points to: what is loaded, what is linked, and the places in it one may link to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loaded, self.links, self.places = [], [], {""}
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.places |= {value for key, value in attrs if key in ("id", "name") and value}
        self.loaded += [given[key] for of, key in LOADED if of == tag and given.get(key)]
        if tag == "link" and set((given.get("rel") or "").split()) & LOADING_RELS:
            self.loaded.append(given["href"])
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])


@pytest.fixture(scope="module")
def pages(site) -> dict[Path, Html]:
    # 404.html is for servers; its addresses start at the root of one.
    return {path: Html(path) for path in site.rglob("*.html") if path.name != "404.html" and "files" not in path.parts}


def test_every_page_of_the_tree_is_in_the_site(site):
    sources = [path for path in (ROOT / "docs").rglob("*.md") if path.name != "README.md"]
    sources += (ROOT / "notebooks").glob("*.ipynb")
    assert {path.stem for path in sources} <= {path.stem for path in site.rglob("*.html")}
    menu = Html(site / "index.html").links
    for path in [*(ROOT / "docs").glob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]:
        assert any(Path(link).stem == path.stem for link in menu), f"{path.name} is not in the menu"


def test_no_link_leads_nowhere(site, pages):
    dead = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = Path(os.path.normpath(path.parent / unquote(parts.path))) if parts.path else path
            there = target.is_file() and (not parts.fragment or target not in pages)
            if not there and unquote(parts.fragment) not in (pages[target].places if target in pages else ()):
                dead.append(f"{path.relative_to(site)}: {link}")
    assert dead == []


def test_nothing_is_loaded_from_outside(site, pages):
    for path, page in pages.items():
        for address in page.loaded:
            parts = urlsplit(address)
            assert (parts.scheme, parts.netloc) == ("", ""), f"{path.name}: {address}"
            assert (path.parent / unquote(parts.path)).is_file(), f"{path.name}: {address}"
    for sheet in site.rglob("*.css"):
        assert not re.search(r"""(?:url\(\s*|@import\s+)["']?(?:https?:)?//""", sheet.read_text("utf-8")), sheet.name


def test_every_block_became_one(site):
    for path in site.rglob("*.html"):
        assert "```" not in path.read_text("utf-8"), path.name
    assert "统计指标.csv</span>" in (site / "rule-book.html").read_text("utf-8")


def test_every_public_name_has_its_docstring(site):
    text = (site / "api.html").read_text("utf-8")
    for wing in (layers, geo):
        for name in wing.__all__:
            found = getattr(importlib.import_module(wing.__name__), name)
            assert f'id="{found.__module__}.{found.__qualname__}"' in text, name


def test_notebooks_are_pages_with_their_code(site):
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        code = next(cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code")
        words = re.sub(r"<[^>]+>", "", (site / f"notebooks/{path.stem}.html").read_text("utf-8"))
        assert code["source"][0].strip() in words


#: Words people look for, with a page that must be among those found, and one that must not.
LOOKED_FOR = {
    "集聚度": ("indicators.html", "engine.html"),
    "闲置土地": ("candidates.html", "postgis.html"),
    "plot ratio": ("indicators.html", "postgis.html"),
}


@pytest.mark.browser
@pytest.mark.parametrize("word", LOOKED_FOR)
def test_search_works_from_a_folder(site, browser, word):  # noqa: F811
    page = browser.new_page()
    asked = []
    page.on("request", lambda one: asked.append(one.url))
    page.goto((site / "index.html").as_uri())
    page.locator(".md-search__input").click()
    page.get_by_text("键入以开始搜索").wait_for(timeout=20_000)  # the index is ready
    page.keyboard.type(word)
    page.keyboard.press("Shift")  # an input method ends with a key that is let go
    page.wait_for_selector(".md-search-result__link", timeout=20_000)
    links = page.eval_on_selector_all(".md-search-result__link", "all => all.map(one => one.href)")
    found = {Path(urlsplit(link).path).name for link in links}
    wanted, unwanted = LOOKED_FOR[word]
    assert wanted in found
    assert unwanted not in found
    assert [url for url in asked if not url.startswith("file:")] == []
    page.close()
