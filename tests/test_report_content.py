"""The content of the report: figures checked in the head, every table with its source, both languages whole."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from importlib import resources

import hand_city
import hand_report
import pandas as pd
import pytest

from geo.assessment import assess
from geo.charts import Bars, Outline, Radar
from geo.indicators import catalogue
from geo.labels import labels
from geo.planned import planned
from geo.ratings import rate
from geo.report.cells import lacking
from geo.report.content import Cell, Figure, Paragraph, Table, compose_report, walk
from geo.report.parts import numbered
from layers.errors import Words
from layers.project import loads

CJK = re.compile("[　-〿一-鿿＀-￯]")
# Clauses and document numbers stand as they are printed.
AS_PRINTED = re.compile(r"[一二]?[（(][一二三四五六七八九十]+[）)]|\w{2,4}〔\d{4}〕\d+号")


@pytest.fixture(scope="module")
def city():
    return hand_report.city()


@pytest.fixture(scope="module")
def zh(city):
    return compose_report(city)


@pytest.fixture(scope="module")
def en():
    return compose_report(hand_report.latin(), language="en")


def tables(report) -> dict[str, Table]:
    return {block.key: block for block in walk(report.sections) if isinstance(block, Table)}


def texts(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


def all_text(report) -> list[str]:
    """Every text a reader sees."""
    told = [report.title, report.banner, *report.words.values()]
    told += [text for pair in (*report.facts, *report.files) for text in pair]
    told += [text for card in report.headlines for text in (card.label, card.value, card.detail)]

    def titles(sections):
        for section in sections:
            told.append(section.title)
            titles(section.sections)

    titles(report.sections)
    for block in walk(report.sections):
        if isinstance(block, Paragraph):
            told.append(block.text)
            continue
        told += [block.caption, block.source]
        if isinstance(block, Figure):
            told += _words_of(block.chart)
        else:
            told += [column.title for column in block.columns]
            told += [text for row in block.rows for cell in row for text in (cell.text, cell.note)]
    return told


def _words_of(chart):
    if isinstance(chart, Bars):
        return [*chart.names, *chart.texts, chart.unit, chart.limit_text]
    outlines = [word for one in chart if isinstance(one, Outline) for word in _words_of_outline(one)]
    radars = [one for one in chart if isinstance(one, Radar)]
    return outlines + [
        word for one in radars for word in (one.name, one.peers_name, one.target_name, *one.axes, *one.texts)
    ]


def _words_of_outline(one):
    return [one.name, *(part.title for part in one.parts), *(text for _, text in one.looks)]


def _drawn(chart):
    if isinstance(chart, Bars):
        return [(chart.names, chart.values, chart.texts)]  # noqa: PD011  (no frame)
    if isinstance(chart[0], Outline):
        return [(one.parts, one.parts, one.parts) for one in chart]
    return [(one.axes, one.reached, one.texts) for one in chart] + [(one.axes, one.peers, one.texts) for one in chart]


# ---------------------------------------------------------------- chapters

#: As officials expect them; what stands between comes in where the project has it.
CHAPTERS = {
    "zh": ["概况", "数据来源与口径", "数据质量", "用地结构", "集聚度", "强度", "效益", "低效用地", "方案",
           "附表", "附图"],
    "en": ["Overview", "Sources and readings", "Data quality", "Land-use structure", "Concentration", "Intensity",
           "Yield", "Low-efficiency land", "Plan", "Annexes", "Maps"],
}  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
def test_chapters_stand_as_officials_expect(language):
    given = hand_report.city(language=language, more="[plan]\nat_least = 0.6\n")
    report = compose_report(given, language=language, plan=planned(given), ratings=rate(given), maps=Words("x", "x"))
    titles = [section.title for section in report.sections]
    assert [title for title in titles if title in CHAPTERS[language]] == CHAPTERS[language]


def test_settings_stand_in_the_annex(zh):
    annex = next(section for section in zh.sections if section.key == "appendix")
    assert "settings" in [section.key for section in annex.sections]


# ---------------------------------------------------------------- figures by hand


def test_headline_of_concentration(zh):
    # Inside: 10,000 + 10,000 + 10,000 (half of p3), of 60,000 m². 0.7 × 60,000 − 30,000 = 12,000 m² = 18 亩.
    card = zh.headlines[0]
    assert card.value == "50.00%"
    assert "尚缺 18.00 亩（12,000.00 平方米）" in card.detail
    assert (card.share, card.mark, card.tone) == (pytest.approx(0.5), 0.7, "bad")
    told = " ".join(block.text for block in zh.sections[0].blocks if isinstance(block, Paragraph))
    assert "若工业用地总量不变，还须有 18.00 亩工业用地位于开发区范围内。" in told


def test_headline_of_tax(zh):
    # In the zones: F1 with 60 万元 on 20,000 m², half of F2 (90 on 15,000) and of F3 (10 on 5,000): 110 万元 on 45 亩;
    # 40 × 45 − 110 = 1,690 万元.
    card = next(card for card in zh.headlines if card.ref == "tax_per_mu")
    assert card.label == "亩均税收（开发区合计）"
    assert card.value == "2.44 万元/亩"
    assert "尚缺 1,690.00 万元" in card.detail
    assert card.tone == "bad"


def test_a_clause_on_all_zones_judges_no_city_without_zones():
    report = compose_report(hand_report.city(frames={"enterprises": hand_city.enterprises()}))
    card = next(card for card in report.headlines if card.ref == "tax_per_mu")
    assert (card.label, card.tone) == ("亩均税收", "")
    row = next(row for row in texts(tables(report)["targets"]) if row[0] == "亩均税收")
    assert row[5] == "仅供比较"


def test_a_target_that_is_met_says_what_is_to_spare(city):
    rows = city.indicators.copy()
    at = rows.index[(rows["id"] == "industrial_concentration") & (rows["level"] == "city")][0]
    rows.loc[at, ["numerator", "value"]] = [54_000.0, 0.9]
    rows["targets"] = [
        [told[0] | {"met": True, "gap": 0.7 - 0.9}] if row == at else told for row, told in rows["targets"].items()
    ]
    card = compose_report(replace(city, indicators=rows)).headlines[0]
    assert card.tone == "good"
    assert "已达标，富余 20.00 个百分点（18.00 亩（12,000.00 平方米））" in card.detail


@pytest.mark.parametrize(
    ("name", "ratio", "numerator", "denominator", "expected"),
    [
        ("industrial_concentration", 0.2, 30_000.0, 60_000.0, 12_000.0),
        ("tax_per_mu", 40.0, 0.0, 2000.0 / 3, 400_000.0),
        ("output_per_km2", 1.0, 0.0, 1_000_000.0, 100_000_000.0),
    ],
)
def test_what_is_lacking_is_in_base_units(name, ratio, numerator, denominator, expected):
    row = {"numerator": numerator, "denominator": denominator}
    assert lacking(catalogue()[name], row, ratio) == pytest.approx(expected)


def test_rows_of_concentration_add_up_to_the_city(zh):
    for level, count in (("district", 2), ("zone", 2), ("park", 3)):
        rows = texts(tables(zh)[f"concentration-{level}"])
        first = 3 if level == "park" else 2
        inside = [float(row[first].replace(",", "")) for row in rows]
        assert len(rows) == count + 2
        assert inside[0] == 30_000.0
        assert rows[-1][first - 2] == "全部园区之外"
        assert inside[-1] == 30_000.0
        assert sum(inside[1:-1]) == pytest.approx(inside[0])


def test_areas_stand_in_mu_and_m2(zh):
    row = texts(tables(zh)["concentration-zone"])[0]
    assert row == ["示例市", "45.00", "30,000.00", "90.00", "60,000.00", "50.00%", "4"]


def test_ledger_says_whether_it_balances(city):
    good = texts(tables(compose_report(city))["ledger"])
    assert good[0][:7] == ["地块", "6", "5", "1", "108.00", "105.00", "成立"]
    assert "3.00 亩" in good[0][7]
    assert good[1][4:6] == ["—", "—"]
    book = {"parcels": {"read": 7, "used": 5, "set_aside": []}}
    bad = tables(compose_report(replace(city, ledger=book)))["ledger"]
    assert (bad.rows[0][6].text, bad.rows[0][6].tone) == ("不成立", "bad")


def test_land_by_class_adds_up(zh):
    rows = texts(tables(zh)["land-classes"])
    assert [row[:3] for row in rows] == [
        ["合计", "5", "105.00"],
        ["0601 工业用地", "4", "90.00"],
        ["0701 城镇住宅用地", "1", "15.00"],
    ]
    assert [row[5] for row in rows] == ["60.00", "45.00", "15.00"]


def test_many_classes_are_gathered_and_still_add_up(city):
    frames = {"parcels": city.land.parcels.copy()}
    own = pd.concat([frames["parcels"]] * 5, ignore_index=True)
    own["land_use_code"] = [f"{i:04d}" for i in range(len(own))]
    land = replace(city.land, parcels=own)
    table = tables(compose_report(replace(city, land=land)))["land-classes"]
    areas = [float(row[3].text.replace(",", "")) for row in table.rows]
    assert len(areas) == 1 + 14 + 1
    assert sum(areas[1:]) == pytest.approx(areas[0])
    assert table.rows[-1][0].text == "其余 11 类"


def test_overlaps_and_identities_are_printed(zh):
    assert texts(tables(zh)["overlap-matrix"]) == [["甲园", "乙园", "150.00", "100,000.00", "150.00", "重叠"]]
    checks = texts(tables(zh)["identity-table"])
    assert len(checks) == 3
    assert {row[4] for row in checks} == {"成立"}


def test_firms_are_counted_by_the_way_they_were_matched(zh):
    rows = texts(tables(zh)["match"])
    assert rows[0][:2] == ["合计", "5"]
    assert rows[0][3] == "165.00"
    assert sum(int(row[1]) for row in rows[1:]) == 5


def test_candidates_carry_evidence_and_their_limits_are_the_projects_own(zh):
    limits = tables(zh)["candidate-limits"]
    assert {row[3].text for row in limits.rows} == {"项目设定"}
    first = texts(tables(zh)["candidate-list"])[0]
    assert first[1] == "p4"
    assert "闲置、空闲" in first[-1]
    assert "园区外" in first[-1]
    chapter = next(section for section in zh.sections if section.key == "candidates")
    assert chapter.blocks[0].tone == "warning"
    assert "线索不等于低效用地认定" in chapter.blocks[0].text


def test_what_is_partly_estimated_is_marked(zh):
    # p3 has a building with a height and no floors, so its floor area is estimated.
    cell = tables(zh)["intensity-city"].rows[0][1]
    assert cell.text.endswith("†")
    assert "推算 1" in cell.note


def test_a_missing_figure_is_a_dash_never_zero(zh):
    rows = {row[0]: row[1:] for row in texts(tables(zh)["per_land-zone"])}
    assert set(rows["二区"]) == {"—"}


# ---------------------------------------------------------------- what every table must have


@pytest.mark.parametrize("name", ["zh", "en"])
def test_every_table_is_whole(name, request):
    report = request.getfixturevalue(name)
    blocks = [block for block in walk(report.sections) if not isinstance(block, Paragraph)]
    assert len(blocks) > 25
    for block in blocks:
        assert block.caption
        assert "2025-12-31" in block.source, block.key
        if isinstance(block, Table):
            assert {len(row) for row in block.rows} == {len(block.columns)}, block.key
        else:
            for names, values, texts in _drawn(block.chart):
                assert len(names) == len(values) == len(texts) > 0
    assert len({block.key for block in blocks}) == len(blocks)


def test_numbers_run_through_the_report(zh):
    for kind in (Table, Figure):
        numbers = [block.number for block in walk(zh.sections) if isinstance(block, kind)]
        assert numbers == list(range(1, len(numbers) + 1))
    assert numbered(zh.sections) == zh.sections


def test_source_lines_name_definition_clause_and_area(zh):
    source = tables(zh)["per_land-zone"].source
    assert "亩均税收 = 企业税收 ÷ 同一批企业的用地" in source
    assert "杭政函〔2023〕13号 （二）" in source
    assert "投影平面面积" in source


def test_every_figure_finds_its_definition(zh):
    anchors = {cell.anchor for table in tables(zh).values() for row in table.rows for cell in row if cell.anchor}
    used = {cell.ref for table in tables(zh).values() for row in table.rows for cell in row if cell.ref}
    entries = tomllib.loads((resources.files("geo.policy") / "hangzhou-2023.toml").read_text("utf-8"))["clause"]
    clauses = {f"clause-hangzhou-2023-{n + 1}" for n in range(len(entries))}
    assert anchors == {f"def-{name}" for name in catalogue()} | clauses
    assert used
    assert {f"def-{name}" for name in used} <= anchors


def test_figures_carry_both_sums(zh):
    cell = tables(zh)["per_land-zone"].rows[0][1]
    assert cell.ref == "tax_per_mu"
    assert cell.note == "165.00 万元 ÷ 61.50 亩（41,000.00 平方米），计入 4，缺失 1"


def test_a_target_for_all_zones_together_judges_no_single_zone(zh):
    rows = tables(zh)["per_land-zone"].rows
    assert [row[0].text for row in rows] == ["示例市", "开发区合计", "一区", "二区"]
    assert [row[1].tone for row in rows] == ["", "bad", "", ""]


# ---------------------------------------------------------------- settings and what the law leaves open


def test_every_setting_is_printed_with_its_origin(city, zh):
    rows = {row[1]: row for row in texts(tables(zh)["settings"])}
    assert set(rows) == set(city.project.settings)
    assert rows["project.overlap"][2:4] == ["priority · 按优先次序归属", "项目文件"]
    assert rows["candidates.vacant"][2:4] == ["是", "默认"]


def test_what_reading_had_to_judge_is_told(zh):
    assert texts(tables(zh)["guesses"]) == [["地块", "编码", "GB18030", "字节如此"]]
    assert texts(tables(zh)["column-table"]) == [["地块", "地块编号（parcel_id）", "TBBH", "—", "按别名"]]


def test_open_questions_stand_in_the_readings(zh):
    rows = texts(tables(zh)["open"])
    assert any(row[2] == "开发区以哪条边界为准？" and row[3].startswith("用户给出的") for row in rows)


def test_clauses_say_what_is_measured_here(zh):
    rows = tables(zh)["clauses-hangzhou-2023"].rows
    concentration = next(row for row in rows if row[4].ref == "industrial_concentration")
    assert [cell.text for cell in concentration][2:] == ["不低于 70%", "2025", "50.00%"]
    output = next(row for row in rows if "3 万亿元" in row[1].text)
    assert [cell.text for cell in output][2:] == ["不低于 30,000 亿元", "2025", "来自其他统计"]


# ---------------------------------------------------------------- languages, banner, gaps


def test_the_english_report_is_english(en):
    left = {text: CJK.findall(AS_PRINTED.sub("", text)) for text in all_text(en)}
    assert not {text: signs for text, signs in left.items() if signs}


def test_the_english_report_writes_units_in_english(en):
    card = next(card for card in en.headlines if card.ref == "tax_per_mu")
    assert card.label == "Tax per mu (all zones)"
    assert card.value == "2.44 × 10⁴ CNY/mu"
    assert "1,690.00 × 10⁴ CNY lacking" in card.detail


def test_both_languages_say_the_same(city, zh):
    other = compose_report(city, language="en")
    shape = [(block.key, len(block.rows)) for block in walk(zh.sections) if isinstance(block, Table)]
    assert shape == [(block.key, len(block.rows)) for block in walk(other.sections) if isinstance(block, Table)]
    assert [section.key for section in zh.sections] == [section.key for section in other.sections]


def test_every_word_is_there_in_both_languages():
    ours = {key: words for key, words in labels().items() if key.startswith("report.")}
    assert len(ours) > 250
    for key, words in ours.items():
        assert all(words.values()), key
        assert sorted(re.findall(r"{(\w+)}", words["zh"])) == sorted(re.findall(r"{(\w+)}", words["en"])), key
        assert not CJK.search(words["en"]), key


@pytest.mark.parametrize(("name", "told"), [("演练（合成数据）", True), ("Synthetic run", True), ("2025", False)])
def test_synthetic_data_say_so(city, name, told):
    project = loads(f'[project]\nname = "{name}"', hand_report.hand_city_path())
    assert bool(compose_report(replace(city, project=project)).banner) is told


def test_without_firms_and_parks_the_rest_stands():
    report = compose_report(hand_report.city(frames={"parcels": hand_city.parcels()}))
    keys = [section.key for section in report.sections]
    assert "concentration" not in keys
    assert {"overview", "structure", "quality", "appendix"} <= set(keys)
    why = dict(texts(tables(report)["not-computed"]))
    assert why["工业用地集聚度"] == "没有园区图层"
    assert why["亩均税收"] == "没有企业图层"


def test_firms_alone_make_a_report():
    report = compose_report(hand_report.city(frames={"enterprises": hand_city.enterprises()}))
    assert [section.key for section in report.sections] == ["overview", "provenance", "quality", "benefit", "appendix"]


def test_without_a_policy_nothing_is_judged():
    project = loads('[project]\noverlap = "split"\nas_of = 2025-12-31', hand_report.hand_city_path())
    report = compose_report(assess(hand_city.frames(), project))
    assert {card.tone for card in report.headlines} == {""}
    assert "targets" not in tables(report)


def test_cells_of_text_are_cells(zh):
    assert all(isinstance(cell, Cell) for table in tables(zh).values() for row in table.rows for cell in row)
