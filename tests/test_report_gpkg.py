"""results.gpkg: layers that carry the figures, names people read, styles QGIS finds."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from xml.etree import ElementTree as ET

import hand_city
import hand_report
import pandas as pd
import pyogrio
import pytest

from geo.maps.facts import parcel_facts
from geo.maps.themes import themes
from geo.report.gpkg import write_gpkg, write_places
from geo.report.qgis_style import Look, categorised, single
from layers import findings

LAYERS = [
    "districts", "zones", "parks", "parcels", "candidates", "candidate_groups", "overlaps", "points", "clusters",
    "findings", "indicators",
    "layer_styles",
]  # fmt: skip


@pytest.fixture(scope="module")
def city():
    return hand_report.city()


@pytest.fixture(scope="module")
def path(city, tmp_path_factory):
    made = tmp_path_factory.mktemp("gpkg") / "results.gpkg"
    write_gpkg(city, made)
    return made


def query(path, sql: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as base:
        return base.execute(sql).fetchall()


def read(path, layer: str) -> pd.DataFrame:
    return pyogrio.read_dataframe(path, layer=layer)


def test_every_layer_is_there_in_the_analysis_crs(path):
    kinds = dict(pyogrio.list_layers(path))
    assert list(kinds) == LAYERS
    assert {kinds[name] for name in LAYERS[:9]} == {"MultiPolygon"}
    assert kinds["findings"] == "Point"
    assert pyogrio.read_info(path, layer="parcels")["crs"] == "EPSG:4549"
    assert pyogrio.read_info(path, layer="findings")["crs"] == "EPSG:4326"


def test_parcels_carry_their_figures(path):
    parcels = read(path, "parcels").set_index("parcel_id")
    assert parcels.loc["p1", "land_area_m2"] == 10_000.0
    assert parcels.loc["p1", "plot_ratio"] == pytest.approx(0.6)
    # F1 pays 600,000 on p1 and p2 together (20,000 m² = 30 亩).
    assert parcels.loc["p1", "tax_per_mu"] == pytest.approx(2.0)
    assert parcels.loc["p3", "inside_share"] == pytest.approx(0.5)
    assert parcels.loc["p1", ["district_name", "park_name"]].tolist() == ["东区", "甲园"]
    assert pd.isna(parcels.loc["p4", "park_name"])
    assert pd.isna(parcels.loc["p4", "tax_per_mu"])


def test_parks_and_zones_carry_indicators(path):
    parks = read(path, "parks").set_index("park_id")
    assert parks.loc["A", "industrial_m2"] == 20_000.0
    assert parks["industrial_concentration"].sum() == pytest.approx(0.5)
    zones = read(path, "zones").set_index("zone_id")
    assert zones.loc["Z1", "parks"] == 2
    assert zones.loc["Z1"].geometry.area == pytest.approx(1_000_000.0)
    assert zones.loc["Z1", "industrial_concentration"] == pytest.approx(0.5)


def test_the_table_of_indicators_recomputes(path):
    table = read(path, "indicators")
    shares = table[table["unit"] == ""]
    assert len(shares) > 10
    known = shares[shares["denominator"] > 0]
    assert (known["numerator"] / known["denominator"]).tolist() == pytest.approx(known["value"].tolist())
    assert set(table["level"]) == {"city", "zones", "district", "zone", "park"}


def test_candidates_and_overlaps_have_their_ground(path):
    candidates = read(path, "candidates")
    assert candidates["parcel_id"].tolist() == ["p4"]
    assert "闲置、空闲" in candidates["evidence"].iloc[0]
    overlaps = read(path, "overlaps")
    assert overlaps.geometry.area.tolist() == pytest.approx([100_000.0])
    assert overlaps["name_a"].tolist() == ["甲园"]


def test_findings_with_a_place_are_points(path):
    places = read(path, "findings")
    assert places["code"].tolist() == ["geometry-invalid"]
    assert (places.geometry.x[0], places.geometry.y[0]) == (120.5, 30.25)


# ---------------------------------------------------------------- names


def test_every_column_has_a_name_in_chinese(path):
    names = dict(query(path, "SELECT table_name || '.' || column_name, title FROM gpkg_data_columns"))
    for layer in LAYERS[:-1]:
        for column in pyogrio.read_info(path, layer=layer)["fields"]:
            assert any("一" <= sign <= "鿿" for sign in names[f"{layer}.{column}"]), f"{layer}.{column}"
    assert names["parcels.tax_per_mu"] == "亩均税收 (万元/亩)"


def test_gdal_reads_the_names(path):
    extensions = {row[0] for row in query(path, "SELECT extension_name FROM gpkg_extensions")}
    assert {"gpkg_schema", "gpkg_metadata"} <= extensions
    assert query(path, "SELECT count(*) FROM (SELECT DISTINCT table_name, name FROM gpkg_data_columns)") == query(
        path, "SELECT count(*) FROM gpkg_data_columns"
    )


def test_english_projects_have_english_names(tmp_path):
    write_gpkg(hand_report.latin(), tmp_path / "en.gpkg")
    titles = [row[0] for row in query(tmp_path / "en.gpkg", "SELECT title FROM gpkg_data_columns")]
    assert "Tax per mu (10⁴ CNY/mu)" in titles
    assert all(not "一" <= sign <= "鿿" for title in titles for sign in title)


def test_the_file_is_sound_and_says_what_it_rests_on(path):
    assert query(path, "PRAGMA integrity_check") == [("ok",)]
    assert query(path, "PRAGMA foreign_key_check") == []
    about = json.loads(query(path, "SELECT metadata FROM gpkg_metadata")[0][0])
    assert about["overlap"] == "priority"
    assert about["settings"]["project.area"] == {"value": "planar", "origin": "file"}


# ---------------------------------------------------------------- styles


def styles_of(path, layer: str) -> list[tuple[str, ET.Element, int]]:
    rows = query(path, "SELECT f_table_name, styleName, styleQML, useAsDefault FROM layer_styles")
    return [(name, ET.XML(qml), default) for of, name, qml, default in rows if of == layer]


def test_every_layer_has_one_default_style(path):
    for layer in LAYERS[:7]:
        made = styles_of(path, layer)
        assert sum(default for _, _, default in made) == 1, layer
        for _, style, _ in made:
            renderer = style.find("renderer-v2")
            symbols = [one.get("name") for one in renderer.iter("symbol")]
            assert symbols == [str(i) for i in range(len(symbols))]
            assert {one.get("symbol") for one in renderer.iter("category")} <= set(symbols)
            fields = set(pyogrio.read_info(path, layer=layer)["fields"])
            assert renderer.get("attr", "") in fields | {""}
            assert {one.get("field") for one in style.iter("alias")} == fields


def test_parcels_show_the_classes_of_the_map(city, path):
    made = themes(city, parcel_facts(city), "zh")
    styles = styles_of(path, "parcels")
    parcels = read(path, "parcels")
    assert [name for name, _, _ in styles] == [theme.title[:30] for theme in made]
    for theme, (_, style, _) in zip(made, styles, strict=True):
        categories = list(style.iter("category"))
        assert [one.get("label").strip("　") for one in categories] == [one.label for one in theme.classes]
        drawn = set(parcels.loc[parcels[f"class_{theme.id}"] >= 0, f"class_{theme.id}"].astype(str))
        # A class that only heads others has no parcels of its own.
        assert drawn <= {one.get("value") for one in categories}
        assert len(drawn) > 1


def test_a_symbol_says_its_colour_and_pattern():
    style = ET.XML(categorised("a", [(1, "<x>", Look("#0a0b0c", "hatch"))], {"a": "&"}))
    options = {one.get("name"): one.get("value") for one in style.iter("Option") if one.get("name")}
    assert options["color"] == "10,11,12,255"
    assert options["style"] == "b_diagonal"
    assert style.find(".//category").get("label") == "<x>"
    open_ = ET.XML(single(Look("#ffffff", fill=False), {}))
    assert {one.get("name"): one.get("value") for one in open_.iter("Option")}["style"] == "no"


# ---------------------------------------------------------------- what data bring


def test_hostile_names_are_kept_as_they_are(tmp_path):
    write_gpkg(hand_report.hostile(), tmp_path / "hostile.gpkg")
    names = read(tmp_path / "hostile.gpkg", "districts")["district_name"].tolist()
    assert any("<script>alert(1)</script>" in name for name in names)
    for _, style, _ in styles_of(tmp_path / "hostile.gpkg", "zones"):
        assert any("<script>" in one.get("label") for one in style.iter("category"))


def test_only_what_is_there_is_written(tmp_path):
    write_gpkg(hand_report.city(frames={"enterprises": hand_city.enterprises()}), tmp_path / "firms.gpkg")
    assert [name for name, _ in pyogrio.list_layers(tmp_path / "firms.gpkg")] == [
        "findings",
        "indicators",
        "layer_styles",
    ]


@pytest.mark.parametrize("table", [findings.empty(), hand_report.found()], ids=["none", "some"])
def test_places_of_a_check(table, tmp_path):
    write_places(table, tmp_path / "findings.gpkg", "en")
    made = read(tmp_path / "findings.gpkg", "findings")
    assert len(made) == table["x"].notna().sum()
    assert "remedy" in made.columns
