"""Maps to print: round scales, no box for a Chinese character, pages that hold what they say."""

import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import hand_city
import hand_report
import numpy as np
import pytest
import shapely
from click.testing import CliRunner
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

import cli
from geo.maps.facts import parcel_facts
from geo.maps.paper import fonts, write_sheet
from geo.maps.paper.extent import bar_m, city_bounds, fit, round_up
from geo.maps.paper.fonts import find_font
from geo.maps.paper.pen import Pen, wrap
from geo.maps.paper.shapes import fill_polygons
from geo.maps.themes import themes
from geo.redaction.redact import redact
from layers.errors import ParkwiseError, ProjectError

DAY = date(2026, 1, 5)
A4 = (297.0, 210.0)

poppler = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext")
chinese = pytest.mark.skipif(not find_font().has_chinese, reason="needs a font with Chinese characters")


def read(path, *options):
    return subprocess.run(["pdftotext", *options, str(path), "-"], capture_output=True, text=True, check=True).stdout


# ---------------------------------------------------------------- scale


@pytest.mark.parametrize("bounds", [(0, 0, 10_000, 400), (500_000, 3e6, 500_300, 3.002e6), (-5, -5, 5, 5)])
def test_a_frame_holds_its_subject_and_has_the_scale_it_says(bounds):
    extent = fit(bounds, (200.0, 120.0))
    left, bottom, right, top = extent.bounds
    assert left <= bounds[0] and right >= bounds[2] and bottom <= bounds[1] and top >= bounds[3]  # noqa: PT018
    assert (right - left) / extent.scale == pytest.approx(0.2)
    assert (top - bottom) / extent.scale == pytest.approx(0.12)
    assert extent.scale == round_up(extent.scale)


@pytest.mark.parametrize("scale", [1_000, 12_000, 80_000, 2_500_000])
def test_a_scale_bar_is_round_and_fits(scale):
    length = bar_m(scale, 45.0)
    assert 45 / 2.6 < length * 1000 / scale <= 45
    assert re.fullmatch(r"[125]0*", f"{length:.0f}")


def test_a_stray_parcel_does_not_shrink_the_city():
    parcels = hand_city.layer([(x, 0, x + 50, 80) for x in range(0, 20_000, 100)] + [(900_000, 0, 900_050, 80)],
                              parcel_id=[f"p{n}" for n in range(201)], land_use_code="0601")  # fmt: skip
    land = hand_report.city(frames={"parcels": parcels}).land
    assert city_bounds(land)[2] < hand_city.X0 + 21_000


# ---------------------------------------------------------------- words


def test_without_a_chinese_font_the_map_says_what_to_install(tmp_path):
    font = find_font(folders=[tmp_path])
    pen = Pen(A4, font)
    assert pen.words("Land use 2025") == "Land use 2025"
    with pytest.raises(ParkwiseError) as caught:
        pen.words("工业用地")
    assert "fonts-noto-cjk" in caught.value.en
    assert "Noto Sans CJK, " in caught.value.en
    assert "SimSun" in caught.value.zh
    assert fonts.VARIABLE in caught.value.zh


def test_the_first_font_of_the_list_is_taken_wherever_it_lies(tmp_path):
    latin = Path(str(find_font(folders=[tmp_path]).regular.get_file()))
    (tmp_path / "deep" / "er").mkdir(parents=True)
    shutil.copy(latin, tmp_path / "deep" / "SIMHEI.TTF")
    shutil.copy(latin, tmp_path / "deep" / "er" / "wqy-microhei.ttc")
    chosen = find_font(folders=[tmp_path])
    assert Path(str(chosen.regular.get_file())).name == "wqy-microhei.ttc"


def test_a_font_that_is_named_is_used_or_refused(tmp_path, monkeypatch):
    latin = str(find_font(folders=[tmp_path]).regular.get_file())
    monkeypatch.setenv(fonts.VARIABLE, latin)
    assert not find_font().has_chinese
    (tmp_path / "no.ttf").write_text("no font", encoding="utf-8")
    for name in ("no.ttf", "gone.ttf"):
        with pytest.raises(ProjectError, match=name):
            find_font(tmp_path / name)


@chinese
def test_the_face_is_that_of_simplified_chinese():
    assert not re.search(r" (JP|KR|TC|HK)\b", find_font().name)


@chinese
def test_texts_of_the_data_are_set_as_they_are(tmp_path):
    pen = Pen(A4, find_font())
    pen.text(20, 20, "甲 $x^2$ \\frac \x00\u202e")
    FigureCanvasAgg(pen.figure).draw()
    assert pen.page.texts[0].get_text() == "甲 $x^2$ \\frac "


@chinese
def test_what_the_font_lacks_is_written_otherwise():
    pen = Pen(A4, find_font())
    assert pen.words("10⁴ km²") in {"10⁴ km²", "10^4 km²"}
    assert all(ord(sign) in pen.font.signs for sign in pen.words("58.23 10⁸ CNY/km² \U0001f3ed"))
    assert re.fullmatch(r"10(⁸|\^8)", pen.words("10⁸"))


def test_lines_break_where_both_languages_allow():
    assert wrap("", 5) == []
    for told in ("跨界地块按所占较大的一侧着色；按地块切分后共 2,454 亩", "limits are rounded quantiles, see the card"):
        lines = wrap(told, 8)
        assert "".join(lines).replace(" ", "") == told.replace(" ", "")
        assert not any(line.startswith(("，", "；", "。", ",")) for line in lines)


# ---------------------------------------------------------------- what is drawn


def test_holes_stay_open_and_colours_are_those_of_the_style():
    pen = Pen((50.8, 50.8), find_font())
    axes = pen.axes((0, 0, 50.8, 50.8))
    axes.set(xlim=(0, 100), ylim=(0, 100))
    ring = shapely.box(10, 10, 90, 90).difference(shapely.box(40, 40, 60, 60))
    clockwise = shapely.reverse(shapely.box(0, 92, 8, 100))
    fill_polygons(axes, np.array([ring, clockwise, None, shapely.Point(5, 5)], dtype=object), "#0072b2")
    canvas = FigureCanvasAgg(pen.figure)
    canvas.draw()
    seen = np.asarray(canvas.buffer_rgba())[::-1]
    side = seen.shape[0]
    at = lambda x, y: tuple(int(one) for one in seen[int(y / 100 * side), int(x / 100 * side), :3])  # noqa: E731
    assert at(20, 20) == (0, 0x72, 0xB2)
    assert at(4, 96) == (0, 0x72, 0xB2)
    assert at(50, 50) == at(95, 5) == (255, 255, 255)


@chinese
@poppler
def test_an_atlas_has_a_page_for_the_city_and_one_for_each_zone(tmp_path):
    assessment = hand_report.city(name="合成 2025")
    made = write_sheet(assessment, tmp_path / "a.pdf", atlas=True, drawn_on=DAY)
    told = [re.sub(r"\s+", " ", page) for page in read(tmp_path / "a.pdf", "-layout").split("\f")[:-1]]
    assert made == len(told) == 3
    assert "示例市 · 一区多园" in told[0]
    for page, number in zip(told, (1, 2, 3), strict=True):
        assert re.search(rf"\b{number} ?/ ?3\b", page)
        assert "比例尺 1:" in page
        assert "EPSG:4549" in page
        assert "2026-01-05" in page
        assert "2025-12-31" in page
        assert "合成数据" in page
        assert "公里" in page or "米" in page
    assert "一区" in told[1]
    assert "甲园" in told[1]
    assert "二区" in told[2]


@chinese
@poppler
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_legend_counts_what_the_map_counts(language, tmp_path):
    assessment = hand_report.city(language=language)
    write_sheet(assessment, tmp_path / "a.pdf", theme="land_use", drawn_on=DAY)
    told = re.sub(r"\s+", " ", read(tmp_path / "a.pdf", "-layout"))
    # Four industrial parcels of 6 hectares in all are 90 mu; one residential of one hectare is 15.
    assert ("工业 4 90" if language == "zh" else "Industrial 4 90") in told
    assert " 1 15 " in told


@chinese
def test_the_same_city_gives_the_same_file(tmp_path):
    for name in ("a.pdf", "b.pdf"):
        write_sheet(hand_report.city(), tmp_path / name, drawn_on=DAY)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


@chinese
@pytest.mark.parametrize(("paper", "mm"), [("A4", (297, 210)), ("A3", (420, 297))])
def test_a_picture_has_the_size_of_its_paper(paper, mm, tmp_path):
    write_sheet(hand_report.latin(), tmp_path / "a.png", form="png", paper=paper, drawn_on=DAY)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == tuple(int(side / 25.4 * 300) for side in mm)


@chinese
@poppler
def test_hostile_names_are_letters_and_a_public_map_says_so(tmp_path):
    assessment = redact(hand_report.hostile()).assessment
    write_sheet(assessment, tmp_path / "a.pdf", atlas=True, drawn_on=DAY)
    told = read(tmp_path / "a.pdf")
    assert "<script>" in told
    assert "公开版" in told


@chinese
def test_every_theme_can_be_printed(tmp_path):
    assessment = hand_report.city()
    for theme in themes(assessment, parcel_facts(assessment), "zh"):
        write_sheet(assessment, tmp_path / f"{theme.id}.png", form="png", theme=theme.id, drawn_on=DAY)
        with Image.open(tmp_path / f"{theme.id}.png") as picture:
            colours = {one for _, one in picture.convert("RGB").getcolors(1 << 20)}
        plain = [one for one in theme.classes if not one.pattern and one.parcels]
        drawn = {tuple(int(one.fill[at : at + 2], 16) for at in (1, 3, 5)) for one in plain}
        assert drawn <= colours


# ---------------------------------------------------------------- the command


def run(*arguments):
    return CliRunner().invoke(cli.main, [str(one) for one in arguments])


@chinese
def test_the_suffix_decides(tmp_path):
    data = hand_city.write(tmp_path / "data")
    for name, starts in (("a.pdf", b"%PDF"), ("a.png", b"\x89PNG"), ("a.html", b"<!DOCTYPE html>")):
        done = run("map", data, "-o", tmp_path / name, "-q")
        assert done.exit_code == 0, done.stderr
        assert (tmp_path / name).read_bytes().startswith(starts)
    assert run("map", data, "-o", tmp_path / "a.pdf", "-q").exit_code == 2  # never overwrites


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("a.html", ["--atlas"], "a.html"),
        ("a.html", ["--paper", "A3"], "a.html"),
        ("a.png", ["--atlas"], "PNG"),
        ("a.pdf", ["--theme", "land"], "land_use"),
    ],
)
def test_what_cannot_be_printed_is_told(name, options, told, tmp_path):
    data = hand_city.write(tmp_path / "data")
    done = run("map", data, "-o", tmp_path / name, *options, "-q", "--lang", "en")
    assert done.exit_code == 2
    assert told in done.stderr
    assert not (tmp_path / name).exists()


def test_without_matplotlib_the_message_names_the_extra(tmp_path):
    code = (
        "import sys; sys.modules['matplotlib'] = None; sys.path.insert(0, 'tests')\n"
        "import hand_report\nfrom geo.maps.paper import write_sheet\n"
        f"write_sheet(hand_report.city(), {str(tmp_path / 'a.pdf')!r})"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert "pip install parkwise[print]" in done.stderr
    assert not (tmp_path / "a.pdf").exists()


def test_printing_leaves_pyplot_alone():
    code = "import sys, geo.maps.paper.pages; print('matplotlib.pyplot' in sys.modules)"
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
