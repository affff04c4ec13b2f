"""Results in a notebook: cells as a browser would read them, escaped, in both languages, nothing cut off."""

from __future__ import annotations

from datetime import date
from html.parser import HTMLParser

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import geo
import layers
from geo import standards
from geo.comparing.runs import Note, Run
from geo.ratings import Ratings
from layers import example
from layers.errors import ProjectError
from layers.showing import ROWS, show

WICKED = "<script>alert(1)</script>&"


class Page(HTMLParser):
    """What a browser makes of a page: its tags, and the text of each cell, heading and note."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: dict[str, list[str]] = {"th": [], "td": [], "li": [], "pre": [], "p": []}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_data(self, data):
        if self.tags and self.tags[-1] in self.texts:
            self.texts[self.tags[-1]][-1] += data


def page(result) -> Page:
    read = Page(result._repr_html_())
    assert set(read.tags) <= {"table", "thead", "tbody", "tr", "th", "td", "ul", "li", "pre", "p"}
    return read


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "—"),
        (np.nan, "—"),
        (pd.NA, "—"),
        (pd.NaT, "—"),
        (0.0, "0"),
        (-0.00001, "-1e-05"),
        (-0.0, "0"),
        (1234567.25, "1,234,567.25"),
        (2 / 3, "0.6667"),
        (np.inf, "inf"),
        (2025, "2025"),
        (True, "True"),
        (pd.Timestamp(2025, 12, 31), "2025-12-31"),
        (pd.Timestamp(2025, 12, 31, 8), "2025-12-31 08:00:00"),
        (date(2025, 12, 31), "2025-12-31"),
        (["a", None], "a, —"),
        ({"at_least": 0.7}, "at_least = 0.7"),
        (WICKED, WICKED),
    ],
)
def test_a_cell(value, text):
    assert page(show(pd.DataFrame({"x": pd.Series([value], dtype="object")}))).texts["td"] == [text]


def test_a_long_table_says_how_many_rows_there_are():
    table = pd.DataFrame({"x": range(1234)})
    read = page(show(table))
    assert len(read.texts["td"]) == ROWS
    assert read.texts["p"] == ["共 1,234 行，显示前 50 行 / 50 of 1,234 rows"]
    assert page(show(table, rows=2000)).texts["p"] == []
    assert page(show(table, rows=3, language="en")).texts["p"] == ["3 of 1,234 rows"]


def test_a_long_sentence_is_whole_and_a_shape_is_left_out():
    sentence = "修复后重新运行。" * 40
    parcels = gpd.GeoDataFrame({"why": [sentence]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4549)
    read = page(show(parcels))
    assert (read.texts["th"], read.texts["td"]) == (["why"], [sentence])


def test_a_language_chooses_columns_and_notes():
    table = pd.DataFrame({"zone": ["甲"], "reason_zh": ["缺税收"], "reason_en": ["no tax"]})
    notes = [("assumed", "假定")]
    chosen = {one: page(show(table, notes=notes, language=one)).texts for one in (None, "zh", "en")}
    assert [chosen[one]["td"] for one in chosen] == [["甲", "缺税收", "no tax"], ["甲", "缺税收"], ["甲", "no tax"]]
    assert [chosen[one]["li"] for one in chosen] == [["假定 / assumed"], ["假定"], ["assumed"]]
    with pytest.raises(ProjectError, match=r'language = "eng": expected zh or en, such as "en"') as caught:
        show(table, language="eng")
    assert "language = “eng”：应为 zh 或 en" in caught.value.zh


# ---------------------------------------------------------------- results


@pytest.fixture(scope="module")
def assessed(tmp_path_factory):
    made = example.write(tmp_path_factory.mktemp("city") / "city", example.make(parcels=1000))
    intake = layers.gather(layers.open_project(made, {"grade.rules": "huangyan-2022", "project.city": WICKED}))
    found = layers.inspect(intake, thorough=True)
    return geo.assess(intake.frames, intake.project, findings=found, ledger=intake.ledger)


def test_an_assessment_shows_the_city_what_is_asked_and_what_was_found(assessed):
    read = page(assessed)
    assert read.texts["pre"] == [f"{WICKED} · 2025-12-31 · hangzhou-2023"]
    shown = read.texts["td"]
    city = shown[shown.index("工业用地集聚度") - 1 :]
    row = dict(zip(read.texts["th"], city, strict=False))
    ours = assessed.indicators.query("id == 'industrial_concentration' and level == 'city'").iloc[0]
    assert row["value"] == f"{ours['numerator'] / ours['denominator']:.4f}".rstrip("0")
    assert row["asked"] == "hangzhou-2023 （十）: at_least 0.7"
    assert row["met"] == str(ours["value"] >= 0.7)
    assert "title_en" not in row
    assert set(assessed.findings["layer"]) <= set(shown)


def test_candidates_add_up(assessed):
    found = assessed.candidates
    areas = sum(round(area * 100) for area in found.table["area_m2"]) / 100
    assert f"{len(found.table):,} of {found.judged:,} parcels, {areas:,.2f} of" in page(found).texts["pre"][0]


def test_ratings_show_each_of_their_parts_and_only_those(assessed):
    found = geo.rate(assessed)
    read = page(found)
    assert "直接认定" in "".join(read.texts["td"])
    assert any("huangyan" in text.lower() for text in read.texts["pre"])
    assert Ratings()._repr_html_() == ""
    assert page(found.years).texts["li"][0].startswith("zhejiang-2021 适用于浙江省、属高新类的开发区：")
    assert "zhejiang-2021 binds zones in 浙江省, of the kind 高新" in page(found.years).texts["li"][0]


def test_two_runs_show_the_change_and_what_to_know_first():
    row = {"id": "tax_per_mu", "scope": {"level": "city", "id": "X", "name": WICKED}, "unit": "万元/亩",
           "numerator_unit": "cny", "denominator_unit": "m2", "numerator": 30.0, "denominator": 60.0,
           "value": 5.0}  # fmt: skip
    found = geo.compare(Run({"indicators": [row]}), Run({"indicators": [row | {"value": 6.0, "numerator": 36.0}]}))
    read = page(found)
    assert found.notes == (
        Note("land_only_json", {"run": "A", "source": ""}),
        Note("land_only_json", {"run": "B", "source": ""}),
    )
    assert {"tax_per_mu", "5", "6", "land_only_json"} <= set(read.texts["td"])
    assert "—" in read.texts["pre"][0]


def test_a_clause_and_its_document_show_the_figure_the_reading_and_the_days():
    clause = standards.find("industrial_concentration", on=date(2025, 12, 31))
    read = page(clause)
    row = dict(zip(read.texts["th"], read.texts["td"], strict=True))
    assert (row["clause"], row["comparison"], row["value"], row["year"]) == ("（十）", "at_least", "0.7", "2025")
    assert len(read.texts["li"]) == len(clause.open)
    whole = page(standards.policy("zhejiang-2012"))
    assert whole.texts["td"].count("equals") == sum(
        one.comparison == "equals" for one in standards.policy("zhejiang-2012").clauses
    )
    assert str(standards.policy("zhejiang-2012").repealed_on) in whole.texts["pre"][0]
    assert "2025" in page(standards.policy("hangzhou-2023")).texts["td"]


def test_a_dataset_shows_its_layers_and_parts(assessed, tmp_path):
    made = example.write(tmp_path / "city", example.make(parcels=1000))
    store = layers.open_store(layers.convert(layers.open_project(made), tmp_path / "dataset", rows=400))
    read = page(store)
    cells = iter(read.texts["td"])
    table = dict(zip(cells, zip(cells, cells, strict=True), strict=True))
    assert table["parcels"] == (str(store.parted["parcels"].rows), str(len(store.parted["parcels"].parts)))
    assert int(table["parcels"][1]) > 1
    assert set(table) == {*store.parted, *store.small}


def test_an_assessment_without_findings_has_a_findings_table_all_the_same(assessed, tmp_path):
    frames = {"enterprises": assessed.tables["enterprises"]}
    bare = geo.assess(frames, assessed.project, with_candidates=False)
    assert list(bare.findings.columns) == list(assessed.findings.columns)
    assert layers.summarise(bare.findings).empty
    assert page(bare).tags.count("table") == 1
