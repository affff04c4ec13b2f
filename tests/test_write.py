"""What is written comes back the same, whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

import layers
from layers.errors import OutputError
from layers.output import new_files
from layers.writing import FORMATS, short_names


def parcels():
    shapes = [box(519_000 + 120 * i, 3_342_000, 519_100 + 120 * i, 3_342_100) for i in range(3)]
    frame = gpd.GeoDataFrame(
        {
            "parcel_id": ["P1", "P2", "P3"],
            "land_use_name": ["工业用地", None, "水田"],
            "recorded_area_m2": [10000.0, None, 9999.5],
            "agreed_start": pd.to_datetime(["2023-05-01", None, "2020-01-31"]).astype("datetime64[s]"),
            "规划容积率": [1.2, 2.0, None],
        },
        geometry=shapes,
        crs=4549,
    )
    frame.attrs = {"layer": "parcels", "guessed": [{"x": 1}]}
    return frame


@pytest.mark.parametrize("suffix", [".gpkg", ".parquet", ".geojson", ".fgb", ".csv", ".shp", ""])
def test_write_then_read_gives_the_same_layer(tmp_path, suffix):
    frame = parcels()
    path = layers.write(frame, tmp_path / f"地块{suffix}")
    assert path.is_file()
    crs = {"crs": "EPSG:4549"} if suffix == ".csv" else {}
    back = layers.read(path, "parcels", to_crs="EPSG:4549", **crs).sort_values("parcel_id", ignore_index=True)
    assert back["parcel_id"].tolist() == ["P1", "P2", "P3"]
    assert (
        back.geometry.geom_equals_exact(frame.geometry, 1e-3).all()
        or back.geometry.symmetric_difference(frame.geometry).area.max() < 1
    )
    if suffix != ".shp":
        assert back["land_use_name"].isna().tolist() == [False, True, False]
        assert back["recorded_area_m2"].tolist()[::2] == [10000.0, 9999.5]
        assert back["recorded_area_m2"].isna()[1]
        assert back["agreed_start"].dt.strftime("%F").tolist()[::2] == ["2023-05-01", "2020-01-31"]
    assert frame.attrs["layer"] == "parcels", "the input is untouched"


def test_nothing_is_replaced_unasked_and_nothing_half_is_left(tmp_path):
    path = layers.write(parcels(), tmp_path / "a.gpkg")
    before = path.read_bytes()
    with pytest.raises(OutputError, match="already"):
        layers.write(parcels(), path)
    assert path.read_bytes() == before
    layers.write(parcels().iloc[:1], path, overwrite=True)
    assert len(layers.read(path)) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["a.gpkg"]


def test_a_failure_leaves_the_older_file(tmp_path):
    path = layers.write(parcels(), tmp_path / "a.shp")
    long = parcels().assign(note="长" * 100)
    with pytest.raises(OutputError, match="254 bytes"):
        layers.write(long, path, overwrite=True)
    assert len(layers.read(path)) == 3
    assert "note" not in layers.read(path)


def test_a_shapefile_gets_short_names_and_the_table_of_them(tmp_path):
    path = layers.write(parcels(), tmp_path / "地块.shp")
    fields = pyogrio.read_info(path)["fields"].tolist()
    assert all(name.isascii() and len(name) <= 10 for name in fields)
    table = pd.read_csv(tmp_path / "地块.字段对照.csv", encoding="utf-8-sig")
    assert dict(zip(table["原字段名"], table["字段"], strict=True))["规划容积率"] == fields[-1]
    assert (tmp_path / "地块.cpg").read_text().upper().startswith("UTF-8")
    assert pyogrio.read_dataframe(path)[fields[1]].tolist()[0] == "工业用地"


def test_geoparquet_has_boxes_and_csv_opens_in_a_spreadsheet(tmp_path):
    import pyarrow.parquet as pq

    meta = json.loads(pq.read_schema(layers.write(parcels(), tmp_path / "a.parquet")).metadata[b"geo"])
    assert "covering" in meta["columns"]["geometry"]
    raw = layers.write(parcels(), tmp_path / "a.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert "POLYGON" in raw.decode("utf-8-sig")


def test_geojson_is_in_degrees(tmp_path):
    path = layers.write(parcels(), tmp_path / "a.geojson")
    x, y = json.loads(path.read_text(encoding="utf-8"))["features"][0]["geometry"]["coordinates"][0][0]
    assert (119 < x < 121, 29 < y < 31) == (True, True)


def test_the_crs_survives(tmp_path):
    for suffix in (".gpkg", ".parquet", ".fgb", ".shp"):
        path = layers.write(parcels(), tmp_path / f"a{suffix}")
        assert layers.read(path, "parcels").crs == pyproj.CRS.from_epsg(4549)


@pytest.mark.parametrize(("name", "words"), [("a.gpk", ".gpkg"), ("a.xlsx", ".csv")])
def test_an_unknown_suffix_names_the_known_ones(tmp_path, name, words):
    with pytest.raises(OutputError) as error:
        layers.write(parcels(), tmp_path / name)
    assert words in error.value.en


def test_a_table_without_shapes(tmp_path):
    table = pd.DataFrame({"enterprise_name": ["甲", "乙"], "tax_cny": [1.0, None]})
    table["year"] = pd.array([2023, None], dtype="Int64")
    table["high_tech"] = pd.array([True, None], dtype="boolean")
    for suffix in (".csv", ".parquet", ".gpkg"):
        back = layers.read(layers.write(table, tmp_path / f"企业{suffix}"), "enterprises")
        assert back["tax_cny"].isna().tolist() == [False, True]
        assert back["year"].tolist() == [2023, pd.NA]
        assert back["high_tech"].tolist() == [True, pd.NA]
    with pytest.raises(OutputError, match="no geometry"):
        layers.write(table, tmp_path / "a.shp")


@given(st.lists(st.text(min_size=1, max_size=14), unique=True, max_size=30))
def test_short_names_are_short_plain_and_each_once(titles):
    names = short_names(titles)
    assert list(names) == titles
    assert all(name.isascii() and 1 <= len(name) <= 10 for name in names.values())
    assert len({name.casefold() for name in names.values()}) == len(titles)


def test_every_format_named_is_written(tmp_path):
    for suffix in FORMATS:
        assert layers.write(parcels(), tmp_path / f"b{suffix}").stat().st_size > 100


def write_new(folder):
    with new_files(folder, ["a.txt", "c.txt", "b.txt"], overwrite=True) as work:
        for name in ("a.txt", "b.txt", "c.txt"):
            (work / name).write_text("new")


def test_one_file_that_refuses_leaves_all_the_older_ones(tmp_path, monkeypatch):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("old")
    replace = os.replace

    def closed(source, target):
        if Path(source).name == "b.txt" and Path(target).parent == tmp_path and Path(source).read_text() == "new":
            raise PermissionError(13, "used by another program", str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", closed)
    with pytest.raises(OutputError, match="another program"):
        write_new(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.txt": "old", "b.txt": "old"}
