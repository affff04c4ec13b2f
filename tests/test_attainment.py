"""How far zones have come: ratios by hand, who is whose peer, and the drawings made of them."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
import zipfile
from types import SimpleNamespace

import geopandas as gpd
import hand_city
import hand_report
import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_report_xlsx import SOFFICE, recalculate

from geo.attainments import attainment, reached
from geo.charts import Radar, draw_radars, radar_svg
from geo.charts.radar import RIM, rim_for
from geo.indicators import catalogue
from geo.report.content import compose_report, walk
from geo.report.docx import write_docx
from geo.report.html import render_html
from geo.report.xlsx import write_xlsx


def target(comparison, figure, **more):
    told = {"policy": "project", "clause": "计划", "clause_id": "", "year": 2025, "unit": "", "binding": True}
    return {comparison: figure, **told, "met": None, **more}


def city(rows, levels):
    """An assessment of nothing but figures of zones: (zone, indicator, value, targets)."""
    table = pd.DataFrame(
        [
            {"id": name, "level": "zone", "scope_id": zone, "scope_name": f"{zone}区", "value": value, "targets": asked}
            for zone, name, value, asked in rows
        ]
    )
    parks = gpd.GeoDataFrame({"zone_id": list(levels), "level": list(levels.values())})
    return SimpleNamespace(indicators=table, land=SimpleNamespace(parks=parks))


# ---------------------------------------------------------------- ratios


@pytest.mark.parametrize(
    ("value", "comparison", "asked", "expected"),
    [
        (35.0, "at_least", 70.0, 0.5),
        (80.0, "more_than", 40.0, 2.0),
        (10.0, "at_most", 5.0, 0.5),
        (4.0, "at_most", 5.0, 1.25),
        (2.0, "at_most", 5.0, 2.0),  # half of the limit or less: twice what is asked, and no more
        (0.0, "at_most", 5.0, 2.0),
        (0.0, "at_most", 0.0, 1.0),
        (3.0, "at_most", 0.0, 0.0),
        (-4.0, "at_least", 40.0, 0.0),
        (1.5, "between", (1.0, 2.0), 1.0),
        (0.5, "between", (1.0, 2.0), 0.5),
        (4.0, "between", (1.0, 2.0), 0.5),
        (30.0, "about", 60.0, 0.5),
    ],
)
def test_ratio_by_hand(value, comparison, asked, expected):
    assert reached(value, comparison, asked) == expected


@given(value=st.floats(0, 1e9), asked=st.floats(1e-6, 1e9))
def test_all_of_a_target_is_reached_exactly_where_it_is_met(value, asked):
    assert (reached(value, "at_least", asked) >= 1) == (value >= asked)
    assert (reached(value, "at_most", asked) >= 1) == (value <= asked)


def test_what_is_not_known_is_not_reached_and_not_0():
    assert math.isnan(reached(math.nan, "at_least", 1.0))
    assert math.isnan(reached(None, "at_most", 1.0))


# ---------------------------------------------------------------- which target, which peers


def of(found, zone, name):
    table = found.table
    return table[(table["scope_id"] == zone) & (table["indicator"] == name)].squeeze()


ASKED = [target("at_least", 40.0)]


def test_peers_are_the_other_zones_of_the_same_level():
    rows = [("甲", 40.0), ("乙", 20.0), ("丙", 10.0), ("丁", 80.0)]
    levels = {"甲": "national", "乙": "provincial", "丙": "provincial", "丁": "provincial"}
    found = attainment(city([(zone, "tax_per_mu", value, ASKED) for zone, value in rows], levels))
    one, other = of(found, "乙", "tax_per_mu"), of(found, "甲", "tax_per_mu")
    assert (one["peer_group"], one["peers"], one["peer_mean"], one["rank"]) == ("provincial", 2, (0.25 + 2.0) / 2, 2)
    # The only national zone is held beside all others.
    assert (other["peer_group"], other["peers"], other["rank"]) == ("all", 3, 2)
    assert other["peer_mean"] == pytest.approx((0.5 + 0.25 + 2.0) / 3)


def test_the_target_that_binds_goes_before_one_for_comparison_and_the_own_before_a_documents():
    shown = target("at_least", 50.0, policy="hangzhou-2023", clause_id="H4", binding=False)
    binding = target("at_least", 10.0, policy="hangzhou-2023", clause_id="H4")
    own = target("at_least", 20.0)
    levels = {"甲": "national"}
    for asked, expected in (([shown, binding], 10.0), ([shown, binding, own], 20.0), ([shown], 50.0)):
        found = attainment(city([("甲", "tax_per_mu", 5.0, asked)], levels))
        assert of(found, "甲", "tax_per_mu")["target"] == expected


def test_a_missing_figure_is_missing_and_counts_for_nobody():
    rows = [("甲", "tax_per_mu", np.nan, ASKED), ("乙", "tax_per_mu", 20.0, ASKED), ("丙", "tax_per_mu", 60.0, ASKED)]
    found = attainment(city(rows, {"甲": "national", "乙": "national", "丙": "national"}))
    one, other = of(found, "甲", "tax_per_mu"), of(found, "乙", "tax_per_mu")
    assert math.isnan(one["attainment"])
    assert pd.isna(one["rank"])
    assert (one["peers"], one["peer_mean"]) == (2, 1.0)
    assert (other["peers"], other["peer_mean"], other["rank"]) == (1, 1.5, 2)


def test_what_nobody_knows_is_no_axis_and_what_nobody_asks_no_row():
    rows = [("甲", "tax_per_mu", np.nan, ASKED), ("甲", "plot_ratio", 1.0, []), ("甲", "rd_share", 0.1, ASKED)]
    assert attainment(city(rows, {"甲": "national"})).table["indicator"].tolist() == ["rd_share"]
    assert attainment(city(rows[:2], {"甲": "national"})).table.empty


# ---------------------------------------------------------------- drawings

AXES = ("集聚度", "亩均税收<b>", "容积率", "研发")


def radar(values, peers=(0.5, 1.0, 1.5, 0.2)):
    texts = tuple(f"{value:.0%}" for value in values)
    return Radar("甲&乙区", AXES, texts, tuple(values), tuple(peers), "同级平均", "目标")


def points(svg, look):
    start = svg.index(f'<polygon class="{look}" points="') + len(f'<polygon class="{look}" points="')
    return [tuple(map(float, pair.split(","))) for pair in svg[start : svg.index('"', start)].split()]


def test_a_point_lies_as_far_out_as_its_share_of_the_rim():
    svg = radar_svg(radar([1.0, 0.75, 9.0, 0.0]), "t")
    own, rings = points(svg, "own"), points(svg, "target")
    middle = (rings[1][0] + rings[3][0]) / 2, (rings[0][1] + rings[2][1]) / 2
    one = math.dist(middle, rings[0])
    out = [math.dist(middle, at) / one for at in own]
    assert out == pytest.approx([1.0, 0.75, RIM, 0.0], abs=0.01)  # beyond the rim stands at the rim


def test_a_missing_figure_leaves_the_line_open():
    svg = radar_svg(radar([1.0, math.nan, 0.5, 0.5]), "t")
    assert '<polygon class="own"' not in svg
    assert svg.count('<line class="own" x1') == 2  # four sides less the two beside the gap
    assert svg.count('<circle class="own"') == 3


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_title_of_an_indicator_and_no_name_in_the_legend_is_cut(language):
    titles = [one.title(language) for one in catalogue().values()]
    for place in range(0, len(titles), 4):
        axes = tuple(titles[place : place + 4])
        even = (1.0,) * len(axes)
        names = ("晴岚光电高新技术产业园区", "other provincial zones, mean", "target")
        svg = radar_svg(Radar(names[0], axes, ("12.34（100.0%）",) * len(axes), even, even, *names[1:]), "t")
        assert "…" not in svg
        assert all(f">{name}</text>" in svg for name in names)


def test_a_chart_of_an_office_reaches_as_far_as_its_figures():
    assert [rim_for(values) for values in ([0.2], [1.6], [2.4, math.nan], [9.0])] == [RIM, 2.0, 2.5, 3.0]


def test_nothing_idle_stands_before_a_little_idle():
    asked = [target("at_most", 0.06)]
    rows = [("甲", "idle_land_rate", 0.0, asked), ("乙", "idle_land_rate", 1e-9, asked),
            ("丙", "idle_land_rate", 0.05, asked), ("丁", "idle_land_rate", 0.12, asked)]  # fmt: skip
    found = attainment(city(rows, dict.fromkeys("甲乙丙丁", "provincial")))
    assert [of(found, zone, "idle_land_rate")["rank"] for zone in "甲乙丙丁"] == [1, 1, 3, 4]
    assert [of(found, zone, "idle_land_rate")["attainment"] for zone in "甲乙丙丁"] == [
        2.0,
        2.0,
        pytest.approx(1.2),
        0.5,
    ]


def test_texts_are_escaped():
    svg = radar_svg(radar([1.0, 1.0, 1.0, 1.0]), '"><script>')
    assert "<script" not in svg
    assert "<b>" not in svg
    assert "甲&amp;乙区" in svg


def test_the_page_of_a_notebook_shows_every_zone_and_the_table():
    rows = [
        (zone, name, value, ASKED)
        for zone in ("甲", "乙")
        for name, value in (("tax_per_mu", 20.0), ("rd_per_mu", 50.0), ("revenue_per_mu", 10.0))
    ]
    found = attainment(city(rows, {"甲": "national", "乙": "national"}))
    drawn = draw_radars(found)
    assert drawn._repr_html_().count("<svg") == 2
    assert found._repr_html_().count("<tr") == 7
    assert dict(zip(drawn.radars[0].axes, drawn.radars[0].reached, strict=True)) == {
        "亩均税收": 0.5, "亩均研发经费": 1.25, "亩均营业收入": 0.25,
    }  # fmt: skip


# ---------------------------------------------------------------- in the report


@pytest.fixture(scope="module", params=["plain", "hostile"])
def assessment(request):
    if request.param == "hostile":
        return hand_report.hostile()
    return hand_report.city(frames=hand_city.frames() | {"targets": hand_report.targets()})


def test_zones_reach_what_one_works_out(assessment):
    found = attainment(assessment).table.set_index(["scope_id", "indicator"])["attainment"]
    # Of industrial land zone 1 holds p1 and p2, 1 ha each, and half of p3, 1 ha; their floors are 6,000 m²
    # (2,000 × 3), 2,000 m² (a storey of 9 m counts twice) and half of 3,000 m² (12 m of 4 m each).
    assert found["Z1", "industrial_plot_ratio"] == pytest.approx((6000 + 2000 + 3000 / 2) / 30_000 / 1.2)
    # Of built land the house h1, 1 ha, too; footprints 2,000, 1,000 and half of 1,000 m².
    assert found["Z1", "building_density"] == pytest.approx((2000 + 1000 + 1000 / 2) / 40_000 / 0.3)


def test_the_page_draws_a_radar_for_each_zone(assessment):
    page = render_html(compose_report(assessment))
    known = attainment(assessment).table.groupby("scope_id")["attainment"].count()
    assert page.count('<svg class="radar"') == (known >= 3).sum() > 0
    assert "<script" not in page


def test_word_holds_a_chart_for_each_zone_with_its_numbers(assessment, tmp_path):
    report = compose_report(assessment)
    write_docx(report, tmp_path / "report.docx")
    figure = next(block for block in walk(report.sections) if getattr(block, "key", "") == "attainment-radars")
    space = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
    with zipfile.ZipFile(tmp_path / "report.docx") as package:
        for place, one in enumerate(figure.chart, 1):
            chart = ET.XML(package.read(f"word/charts/chart{figure.number * 1000 + place}.xml"))
            lines = [series.find(f"{space}val") for series in chart.iter(f"{space}ser")]
            shown = [[float(point.find(f"{space}v").text) for point in line.iter(f"{space}pt")] for line in lines]
            known = [[value for value in values if not math.isnan(value)] for values in (one.peers, one.reached)]
            assert shown == [[1.0] * len(one.axes), *known]


def test_the_sheet_follows_figures_and_targets(assessment, tmp_path):
    path = write_xlsx(assessment, tmp_path / "book.xlsx")
    formulas, values = (openpyxl.load_workbook(path, data_only=only)["目标达成"] for only in (False, True))
    found = attainment(assessment).table
    titles = [cell.value for cell in values[1]]
    for place, (_, rows) in enumerate(found.groupby("scope_id", sort=False), 2):
        for row in rows.to_dict("records"):
            col = titles.index(catalogue()[row["indicator"]].title()) + 1
            assert str(formulas.cell(place, col).value).startswith("=IF(")
            shown = values.cell(place, col).value
            assert shown in ("", None) if math.isnan(row["attainment"]) else shown == pytest.approx(row["attainment"])
    with zipfile.ZipFile(path) as package:
        charts = [name for name in package.namelist() if name.startswith("xl/charts/chart")]
        assert len(charts) == (found.groupby("scope_id")["attainment"].count() >= 3).sum()
        for name in charts:
            chart = ET.XML(package.read(name))
            # Names of lines are words, cells are those of the sheet itself.
            assert all("目标达成" in one.text for one in chart.iter("{*}f"))


@pytest.mark.office
@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice (soffice) is not installed")
def test_an_office_computes_the_same(assessment, tmp_path):
    path = write_xlsx(assessment, tmp_path / "book.xlsx")
    before, after = openpyxl.load_workbook(path, data_only=True), recalculate(path, tmp_path)
    for row, again in zip(
        before["目标达成"].iter_rows(min_row=2), after["目标达成"].iter_rows(min_row=2), strict=False
    ):
        for one, other in zip(row, again, strict=False):
            if isinstance(one.value, (int, float)):
                assert other.value == pytest.approx(one.value), one.coordinate
            elif one.value is None:
                assert not other.value, one.coordinate
