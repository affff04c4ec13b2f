"""The chapter of maps: printed maps where they can be drawn, on lying pages; where not, words that help."""

from __future__ import annotations

import builtins
import io
import re
import zipfile

import docx
import hand_report
import pytest
from docx.oxml.ns import qn
from PIL import Image

from geo.maps.paper import fonts
from geo.report.content import Figure, compose_report
from geo.report.docx import write_docx
from geo.report.html import render_html
from geo.report.map_chapter import printed_maps
from geo.report.parts import Picture
from layers.errors import Words

chinese = pytest.mark.skipif(not fonts.find_font().has_chinese, reason="needs a font with Chinese characters")


@pytest.fixture(scope="module")
def city():
    return hand_report.city()


@pytest.fixture(scope="module")
def maps(city):
    found = printed_maps(city)
    assert not isinstance(found, Words), found
    return found


@chinese
def test_there_is_a_map_for_each_theme_the_data_have(city, maps):
    assert [one.theme for one in maps] == ["zones", "land_use", "candidates"]
    for one in maps:
        drawn = Image.open(io.BytesIO(one.picture.png))
        assert drawn.width / drawn.height == pytest.approx(297 / 210, abs=0.002)
        assert drawn.width == pytest.approx(297 / 25.4 * 150, abs=2)
        assert len(drawn.convert("RGB").getcolors(1 << 22)) > 20
    chapter = compose_report(city, maps=maps).sections[-1]
    assert (chapter.key, chapter.title) == ("maps", "附图")
    assert [one.caption for one in chapter.blocks] == ["示例市一区多园图", "示例市土地用途图", "示例市低效用地候选图"]
    assert all(isinstance(one, Figure) and isinstance(one.chart, Picture) and one.source for one in chapter.blocks)


@chinese
def test_word_shows_them_on_lying_pages_with_caption_and_source(city, maps, tmp_path):
    report = compose_report(city, maps=maps)
    write_docx(report, tmp_path / "a.docx")
    made = docx.Document(str(tmp_path / "a.docx"))
    sizes = [(one.page_width.mm, one.page_height.mm) for one in made.sections]
    assert [(round(wide), round(high)) for wide, high in sizes] == [(210, 297), (297, 210)]
    assert all(one.footer.is_linked_to_previous or "PAGE" in one.footer._element.xml for one in made.sections)
    body = list(made.element.body)
    shown = [at for at, one in enumerate(body) if one.findall(f".//{qn('a:blip')}")]
    assert len(shown) == 3
    for at, figure in zip(shown, report.sections[-1].blocks, strict=True):
        caption, source = (docx.text.paragraph.Paragraph(body[at + step], made) for step in (1, 2))
        assert caption.text == f"图 {figure.number}  {figure.caption}"
        assert (caption.style.name, source.style.name, source.text) == ("Caption", "Source", figure.source)
        wide, high = (int(body[at].find(f".//{qn('wp:extent')}").get(side)) / 36_000 for side in ("cx", "cy"))
        page = made.sections[-1]
        assert wide <= page.page_width.mm - page.left_margin.mm - page.right_margin.mm
        # Heading, caption and source stand on the same page.
        assert high <= page.page_height.mm - page.top_margin.mm - page.bottom_margin.mm - 30
    with zipfile.ZipFile(tmp_path / "a.docx") as package:
        pictures = [package.read(name) for name in package.namelist() if name.startswith("word/media/")]
    assert {one.picture.png for one in maps} <= set(pictures)


@chinese
def test_the_page_holds_them_itself(city, maps):
    page = render_html(compose_report(city, maps=maps))
    sources = re.findall(r'<img class="map" alt="([^"]+)" src="([^"]+)">', page)
    assert [alt for alt, _ in sources] == ["示例市一区多园图", "示例市土地用途图", "示例市低效用地候选图"]
    assert all(re.fullmatch(r"data:image/png;base64,[\w+/=]+", source) for _, source in sources)
    assert page.count("<img") == 3


@chinese
def test_the_words_of_a_picture_are_escaped(maps):
    report = compose_report(hand_report.city(called='"><script>alert(1)</script>'), maps=maps)
    assert "<script" not in render_html(report)


def test_without_matplotlib_the_chapter_says_what_to_install(city, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **options):
        if name.startswith(("matplotlib", "geo.maps.paper.pages")):
            raise ImportError(f"No module named {name!r}")
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    told = printed_maps(city)
    assert isinstance(told, Words)
    (paragraph,) = compose_report(city, maps=told).sections[-1].blocks
    assert "pip install parkwise[print]" in paragraph.text
    assert "map.html" in paragraph.text


def test_without_a_font_the_chapter_says_what_to_install(city, monkeypatch, tmp_path):
    monkeypatch.setattr(fonts, "_folders", lambda: [tmp_path])
    monkeypatch.delenv(fonts.VARIABLE, raising=False)
    told = printed_maps(city)
    assert isinstance(told, Words)
    for language, name in (("zh", "附图"), ("en", "Maps")):
        chapter = compose_report(city, language=language, maps=told).sections[-1]
        assert chapter.title == name
        assert "fonts-noto-cjk" in chapter.blocks[0].text


def test_without_parcels_there_is_no_chapter():
    firms = hand_report.city(frames={"enterprises": hand_report.hand_city.enterprises()})
    assert printed_maps(firms) == ()
    assert "maps" not in [one.key for one in compose_report(firms, maps=()).sections]
