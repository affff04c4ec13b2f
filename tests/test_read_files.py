"""Every format, every way it comes broken: files are made here, read, and must tell what was found."""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import stat
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from shapely.geometry import GeometryCollection, LineString, MultiPolygon, Point, Polygon, box

import layers
from layers import archives, meanings
from layers.errors import ParkwiseError, SchemaError, SourceError

X, Y = 519_000.0, 3_342_000.0  # a place in Hangzhou in EPSG:4549


def plots(count=4, crs="EPSG:4549", x=X, **columns):
    shapes = [box(x + 120 * i, Y, x + 120 * i + 100, Y + 100) for i in range(count)]
    data = {"DKBH": [f"P{i}" for i in range(count)], "DLMC": ["工业用地", "物流仓储用地"] * (count // 2)} | columns
    return gpd.GeoDataFrame(data, geometry=shapes, crs=crs)


def shapefile(path, frame=None, encoding="UTF-8", without=(), titles=None):
    pyogrio.write_dataframe(plots() if frame is None else frame, path, driver="ESRI Shapefile", encoding=encoding)
    for ending in without:
        path.with_suffix(ending).unlink(missing_ok=True)
    if ".cpg" in without:  # then nothing but the bytes tells
        raw = bytearray(path.with_suffix(".dbf").read_bytes())
        raw[29] = 0
        path.with_suffix(".dbf").write_bytes(raw)
    if titles:  # field names as other programs cut them: eleven bytes in the header
        raw = path.with_suffix(".dbf").read_bytes()
        for old, new in titles.items():
            raw = raw.replace(old.encode().ljust(11, b"\0"), new.encode(encoding)[:10].ljust(11, b"\0"), 1)
        path.with_suffix(".dbf").write_bytes(raw)
    return path


def codes(frame):
    return [one["code"] for one in frame.attrs["findings"]]


def same_shapes(frame, other):
    difference = shapely.symmetric_difference(frame.geometry.values, other.to_crs(frame.crs).geometry.values)
    return bool((shapely.area(difference) < 1e-4).all())


def listing(folder):
    return sorted((path.name, path.stat().st_mtime_ns) for path in Path(folder).rglob("*"))


# ---------------------------------------------------------------- formats


WRITERS = {
    "a.shp": {"driver": "ESRI Shapefile", "encoding": "UTF-8"},
    "a.gpkg": {"driver": "GPKG"},
    "a.gdb": {"driver": "OpenFileGDB"},
    "a.fgb": {"driver": "FlatGeobuf"},
    "a.geojson": {"driver": "GeoJSON"},
    "a.json": {"driver": "GeoJSON"},
    "a.txt": {"driver": "GeoJSON"},
    "a.kml": {"driver": "KML"},
    "a.gml": {"driver": "GML"},
    "a.tab": {"driver": "MapInfo File", "encoding": "UTF-8"},
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_vector_format_gives_the_same_layer(tmp_path, name):
    path = tmp_path / name
    frame = plots()
    degrees = name.endswith(("json", "txt", "kml"))
    pyogrio.write_dataframe(frame.to_crs(4326) if degrees else frame, path, **WRITERS[name])
    before = listing(tmp_path)
    read = layers.read(path, "parcels")
    by_id = read.sort_values("parcel_id")  # FlatGeobuf orders rows by place
    assert by_id["parcel_id"].tolist() == ["P0", "P1", "P2", "P3"]
    assert by_id["land_use_name"].tolist()[:2] == ["工业用地", "物流仓储用地"]
    assert read.to_crs(4549).geometry.area.tolist() == pytest.approx([10000] * 4, rel=1e-3)
    assert (read.attrs["rows_read"], read.attrs["set_aside"]) == (4, [])
    assert isinstance(read.index, pd.RangeIndex)
    assert read.attrs["layer"] == "parcels"
    if not name.endswith((".gml", ".tab")):
        assert listing(tmp_path) == before, "reading wrote beside the source"


@pytest.mark.parametrize("name", ["a.parquet", "folder"])
def test_geoparquet_in_one_file_or_a_folder(tmp_path, name):
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
        plots(2).to_parquet(path / "part-0.parquet")
        plots(4).iloc[2:].to_parquet(path / "part-1.parquet", write_covering_bbox=True)
    else:
        plots().to_parquet(path)
    read = layers.read(path, "parcels")
    assert read["parcel_id"].tolist() == ["P0", "P1", "P2", "P3"]
    assert "source_file" not in read
    assert same_shapes(read, plots())


def test_plain_parquet_with_wkb(tmp_path):
    frame = plots()
    pd.DataFrame({"地块编号": frame["DKBH"], "geometry": frame.geometry.to_wkb()}).to_parquet(tmp_path / "a.parquet")
    read = layers.read(tmp_path / "a.parquet", "parcels", crs="EPSG:4549")
    assert same_shapes(read, frame)


def test_dxf_closed_lines_are_areas_and_chinese_layers_are_read(tmp_path):
    path = tmp_path / "地块.dxf"
    lines = gpd.GeoDataFrame(
        {"Layer": ["GYYD"] * 3},
        geometry=[box(X, Y, X + 50, Y + 50).exterior] * 2 + [LineString([(X, Y), (X + 9, Y)])],
        crs=4549,
    )
    pyogrio.write_dataframe(lines, path, driver="DXF")
    raw = path.read_bytes().replace(b"GYYD", "工业".encode("gbk")).replace(b"ANSI_1252", b"ANSI_936")
    path.write_bytes(raw)
    read = layers.read(path, "parcels", crs="EPSG:4549")
    assert read.geometry.area.tolist() == [2500, 2500]
    assert read["Layer"].tolist() == ["工业", "工业"]
    assert [(one["reason"], one["count"]) for one in read.attrs["set_aside"]] == [("geometry-dimension", 1)]


def test_kml_with_folders_is_one_layer(tmp_path):
    def place(name, x):
        ring = f"{x},30 {x + 0.01},30 {x + 0.01},30.01 {x},30"
        return (
            f"<Placemark><name>{name}</name><Polygon><outerBoundaryIs><LinearRing><coordinates>{ring}"
            "</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>"
        )

    text = "".join(f"<Folder><name>F{i}</name>{place(f'园{i}', 120 + i / 10)}</Folder>" for i in range(3))
    (tmp_path / "园区.kml").write_text(
        f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{text}</Document></kml>', encoding="utf-8"
    )
    read = layers.read(tmp_path / "园区.kml", "parks")
    assert read["park_name"].tolist() == ["园0", "园1", "园2"]


def test_geopackage_with_several_layers_chooses_and_says(tmp_path):
    path = tmp_path / "all.gpkg"
    pyogrio.write_dataframe(plots(2), path, layer="注记")
    pyogrio.write_dataframe(plots(4), path, layer="地块")
    pyogrio.write_dataframe(plots(2).rename(columns={"DKBH": "园区名称"}), path, layer="园区")
    assert len(layers.read(path, "parcels")) == 4
    read = layers.read(path, "parks")
    assert read.attrs["source"]["layer"] == "园区"
    told = next(one for one in read.attrs["findings"] if one["code"] == "layer-chosen")
    assert "地块" in told["params"]["others"]
    assert {"what": "layer", "value": "园区"}.items() <= read.attrs["guessed"][0].items()
    assert layers.read(path, "parks", layer="园区").attrs["findings"] == []
    with pytest.raises(SourceError, match='"地块"'):
        layers.read(path, "parcels", layer="地快")
    assert [one["name"] for one in layers.info(path)["layers"]] == ["注记", "地块", "园区"]


def test_second_names_and_coded_values_of_a_geopackage(tmp_path):
    path = tmp_path / "a.gpkg"
    pyogrio.write_dataframe(plots(2, F1=["1", "2"], F2=["0601", "0508"]).drop(columns=["DLMC"]), path, layer="a")
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE gpkg_data_columns (table_name, column_name, name, title, constraint_name)")
        base.execute("CREATE TABLE gpkg_data_column_constraints (constraint_name, constraint_type, value, description)")
        titles = [("F1", "建设状况", "c"), ("F2", "地类编码", None)]
        base.executemany("INSERT INTO gpkg_data_columns VALUES ('a', ?, null, ?, ?)", titles)
        coded = [("1", "已建成"), ("2", "闲置")]
        base.executemany("INSERT INTO gpkg_data_column_constraints VALUES ('c', 'enum', ?, ?)", coded)
    base.close()
    read = layers.read(path, "parcels")
    assert read["status"].tolist() == ["已建成", "闲置"]
    assert read["land_use_code"].tolist() == ["0601", "0508"]


def test_definitions_of_a_geodatabase():
    named = "<Name>KFQJB</Name><AliasName>级别</AliasName><DomainName>jb</DomainName>"
    layer = f"<D><F><GPFieldInfoEx>{named}</GPFieldInfoEx></F></D>"
    coded = "<CodedValue><Name>国家级</Name><Code>1</Code></CodedValue>"
    domain = f"<D><DomainName>jb</DomainName><CodedValues>{coded}</CodedValues></D>"
    assert meanings.field_definitions(layer) == {"KFQJB": ("级别", "jb")}
    assert meanings.coded_domain(domain) == ("jb", {"1": "国家级"})
    assert meanings.coded_domain('<!DOCTYPE x [<!ENTITY a "b">]>' + domain) is None
    assert meanings.coded_domain("<D/>") is None


# ---------------------------------------------------------------- shapefiles


def test_gbk_without_cpg_is_recognised_and_told(tmp_path):
    read = layers.read(shapefile(tmp_path / "a.shp", encoding="GBK", without=[".cpg"]), "parcels")
    assert read["land_use_name"].tolist()[:2] == ["工业用地", "物流仓储用地"]
    assert read.attrs["source"]["encoding"] == "GB18030"
    assert codes(read) == ["encoding-guessed"]
    assert read.attrs["guessed"][0]["what"] == "encoding"


def test_a_wrong_cpg_is_overruled_and_told(tmp_path):
    path = shapefile(tmp_path / "a.shp", encoding="GBK")
    path.with_suffix(".cpg").write_text("UTF-8")
    read = layers.read(path, "parcels")
    assert read["land_use_name"].tolist()[0] == "工业用地"
    assert codes(read) == ["encoding-guessed", "encoding-declared-wrong"]


def test_a_right_cpg_needs_no_word_and_a_given_encoding_wins(tmp_path):
    path = shapefile(tmp_path / "a.shp", encoding="GBK")
    assert codes(layers.read(path, "parcels")) == []
    assert "工业用地" not in layers.read(path, "parcels", encoding="ISO-8859-1")["land_use_name"].tolist()


@pytest.mark.parametrize("encoding", ["UTF-8", "GBK"])
def test_names_cut_in_the_middle_of_a_character(tmp_path, encoding):
    frame = plots(2, GDZC=["1万元", "2万元"])
    cut = {"DKBH": "地块编号", "GDZC": "a固定资产投资总额"[encoding != "GBK" :]}
    path = shapefile(tmp_path / "a.shp", frame, encoding=encoding, without=[".cpg"], titles=cut)
    read = layers.read(path, "parcels")
    assert read["parcel_id"].tolist() == ["P0", "P1"]
    if encoding == "UTF-8":  # 固定资 and a third of the fourth character are left
        assert read["investment_cny"].tolist() == [10000, 20000]
    else:
        assert read["a固定资产"].tolist() == ["1万元", "2万元"]
        return
    assert "column-name-damaged" in codes(read)


def test_a_lost_index_is_rebuilt_on_a_copy(tmp_path):
    path = shapefile(tmp_path / "a.shp", without=[".shx"])
    before = listing(tmp_path)
    read = layers.read(path, "parcels")
    assert same_shapes(read, plots())
    assert "sidecar-missing" in codes(read)
    assert listing(tmp_path) == before
    assert layers.info(path)["layers"][0]["rows"] == 4


def test_without_prj_the_crs_is_settled_by_the_doctor_or_the_user(tmp_path):
    path = shapefile(tmp_path / "a.shp", plots(x=40_000_000 + X, crs="EPSG:4528"), without=[".prj"])
    read = layers.read(path, "parcels")
    assert (read.crs.to_epsg(), read.attrs["crs"]["how"]) == (4528, "proposed")
    assert any(one["what"] == "crs" for one in read.attrs["guessed"])
    given = layers.read(shapefile(tmp_path / "b.shp", plots(), without=[".prj"]), "parcels", crs="EPSG:4549")
    assert (given.crs.to_epsg(), given.attrs["crs"]["how"]) == (4549, "given")


def test_without_dbf_the_shapes_are_read_and_it_is_told(tmp_path):
    read = layers.read(shapefile(tmp_path / "a.shp", without=[".dbf"]), "parcels")
    assert len(read) == 4
    assert "sidecar-missing" in codes(read)


def test_two_columns_of_one_name(tmp_path):
    path = shapefile(tmp_path / "a.shp", plots(2, DKBX=["x", "y"]))
    raw = path.with_suffix(".dbf").read_bytes()
    path.with_suffix(".dbf").write_bytes(raw.replace(b"DKBX", b"DKBH"))
    read = layers.read(path, "parcels")
    assert read["parcel_id"].tolist() == ["P0", "P1"]
    assert read["DKBH_2"].tolist() == ["x", "y"]
    assert "column-duplicate" in codes(read)
    assert layers.info(path)["layers"][0]["duplicate_titles"] == ["DKBH"]


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("gb18030", ["工业用地", "仓储 用地", "䶮㑇𠮷", "€uro"]),
        ("utf-8", ["工业用地", "Pyörämatka", "😀"]),
        ("cp932", ["工業用地", "∵≒", "ｶﾅ"]),
        ("cp1252", ["São Miguel", "Œuvre", "plain"]),
        ("big5", ["工業用地", "功能"]),
    ],
)
def test_text_in_any_encoding_is_what_the_bytes_say(tmp_path, encoding, words):
    columns = {
        "once": [f"{word}{row}" for row, word in enumerate(words * 4)],
        "often": words * 4,
        "some": [None, *words * 3][: len(words)] * 4,
        "none": [None] * 4 * len(words),
        "plain": [f"x {row}" for row in range(4 * len(words))],
        "number": [1.5, None] * 2 * len(words),
    }
    shapes = [box(X + row, Y, X + row + 1, Y + 1) for row in range(4 * len(words))]
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4549")
    path = shapefile(tmp_path / "a.shp", frame, encoding=encoding, titles={"often": words[0][:2]})
    read = pd.DataFrame(layers.read(path, encoding=encoding)).drop(columns="geometry")
    asked = pyogrio.read_dataframe(path, encoding=encoding, read_geometry=False)
    pd.testing.assert_frame_equal(read, asked)
    assert read[words[0][:2]].tolist() == words * 4
    assert read["some"].isna().sum() == 4


def test_damaged_text_is_kept_as_far_as_it_goes_and_told(tmp_path):
    path = shapefile(tmp_path / "a.shp", plots(40, DLMC=["工业用地"] * 40))
    raw = path.with_suffix(".dbf").read_bytes()
    whole = "工业用地".encode()
    path.with_suffix(".dbf").write_bytes(raw.replace(whole, b"\xff" + whole[1:], 1))
    read = layers.read(path, "parcels")
    assert "�" in read["land_use_name"][0]
    assert read["land_use_name"][1] == "工业用地"
    assert codes(read).count("text-damaged") == 1


# ---------------------------------------------------------------- zips, folders, lists


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def parts(tmp_path, name="a", **kwargs):
    folder = tmp_path / f"made-{name}"
    folder.mkdir()
    shapefile(folder / f"{name}.shp", **kwargs)
    return {one.name: one.read_bytes() for one in folder.iterdir()}


def test_a_zip_with_folders_and_the_litter_of_other_systems(tmp_path):
    inside = parts(tmp_path)
    files = {f"交付/2025/{name}": raw for name, raw in inside.items()}
    files |= {f"__MACOSX/交付/2025/._{name}": b"litter" for name in inside} | {
        "交付/.DS_Store": b"x",
        "README.txt": b"read me",
    }
    read = layers.read(zipped(tmp_path / "a.zip", files), "parcels")
    assert same_shapes(read, plots())
    assert read.attrs["source"]["paths"] == [f"{tmp_path}/a.zip/交付/2025/a.shp"]


def test_a_zip_with_names_in_gbk(tmp_path):
    name = "地块"
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for inner, content in parts(tmp_path, "zz").items():
            archive.writestr(inner.replace("zz", "ABCD"), content)
    coded = raw.getvalue().replace(b"ABCD", name.encode("gbk"))
    (tmp_path / "b.zip").write_bytes(coded)
    read = layers.read(tmp_path / "b.zip", "parcels")
    assert read.attrs["source"]["paths"][0].endswith("地块.shp")


@pytest.mark.parametrize("inner", ["kfq.gdb/", ""])
def test_a_zipped_geodatabase(tmp_path, inner):
    pyogrio.write_dataframe(plots(), tmp_path / "kfq.gdb", driver="OpenFileGDB", layer="DLTB")
    files = {f"{inner}{one.name}": one.read_bytes() for one in (tmp_path / "kfq.gdb").iterdir()}
    read = layers.read(zipped(tmp_path / "kfq.gdb.zip", files), "parcels")
    assert len(read) == 4
    assert read.attrs["source"]["format"] == "OpenFileGDB"


@pytest.mark.parametrize("name", ["../evil.geojson", "/abs/evil.geojson", "a/../../evil.geojson", "..\\evil.geojson"])
def test_members_that_climb_out_are_refused(tmp_path, name):
    path = zipped(tmp_path / "x.zip", {name: plots().to_crs(4326).to_json()})
    with pytest.raises(SourceError, match="points out of the archive"):
        layers.read(path, "parcels")
    assert not (tmp_path.parent / "evil.geojson").exists()


def test_links_in_a_zip_are_refused(tmp_path):
    link = zipfile.ZipInfo("a.geojson")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr(link, "/etc/hostname")
    with pytest.raises(SourceError, match="refused"):
        layers.read(tmp_path / "x.zip", "parcels")


def test_a_zip_that_swells_is_refused(tmp_path, monkeypatch):
    path = zipped(tmp_path / "x.zip", {"a.geojson": b"0" * 5_000_000})
    monkeypatch.setattr(archives, "RATIO_FROM", 1_000_000)
    with pytest.raises(SourceError, match="refused"):
        layers.read(path, "parcels")


def test_several_files_are_one_layer_with_their_origin(tmp_path):
    pyogrio.write_dataframe(plots(2).rename(columns={"DKBH": "园区名称"}), tmp_path / "东.gpkg")
    pyogrio.write_dataframe(plots(2, x=X + 5000)[["geometry"]], tmp_path / "西.gpkg")
    pyogrio.write_dataframe(plots(2, x=X + 9000)[["geometry"]].iloc[:1].to_crs(4528), tmp_path / "南.gpkg")
    read = layers.read([tmp_path / "东.gpkg", tmp_path / "西.gpkg", tmp_path / "南.gpkg"], "parks")
    assert read["park_name"].tolist() == ["P0", "P1", "西-1", "西-2", "南"]
    assert read["source_file"].map(lambda text: Path(text).stem).tolist() == ["东", "东", "西", "西", "南"]
    assert read.crs.to_epsg() == 4549
    assert read.geometry.area.tolist() == pytest.approx([10000] * 5, rel=1e-5)
    assert {"source-columns-differ"} <= set(codes(read))
    assert any(one["what"] == "park_name" for one in read.attrs["guessed"])
    assert read.attrs["rows_read"] == 5


def test_a_folder_is_one_layer_and_other_layers_in_it_are_left_out_and_told(tmp_path):
    pyogrio.write_dataframe(plots(2), tmp_path / "地块北.gpkg")
    pyogrio.write_dataframe(plots(4, x=X + 5000), tmp_path / "地块南.gpkg")
    pyogrio.write_dataframe(plots(2), tmp_path / "园区.gpkg")
    read = layers.read(tmp_path, "parcels")
    assert len(read) == 6
    left = [one["id"] for one in read.attrs["findings"] if one["code"] == "source-left-out"]
    assert [Path(one).name for one in left] == ["园区.gpkg"]
    assert layers.read(tmp_path, layer="园区")["DKBH"].tolist() == ["P0", "P1"]


def test_a_district_without_attributes_takes_name_and_code_from_its_file(tmp_path):
    pyogrio.write_dataframe(plots(2)[["geometry"]].iloc[:1], tmp_path / "gcj02_330106.gpkg")
    read = layers.read(tmp_path / "gcj02_330106.gpkg", "districts")
    assert read[["district_name", "district_code"]].iloc[0].tolist() == ["gcj02_330106", "330106"]


# ---------------------------------------------------------------- shapes


def test_rows_without_a_usable_shape_are_set_aside_with_their_reason(tmp_path):
    polygon = box(X, Y, X + 10, Y + 10)
    bowtie = Polygon([(X, Y), (X + 10, Y + 10), (X + 10, Y), (X, Y + 10)])
    point, line = Point(X, Y), LineString([(X, Y), (X + 1, Y)])
    mixed, pointless = GeometryCollection([polygon, point]), GeometryCollection([point])
    shapes = [polygon, None, Polygon(), point, line, mixed, pointless, bowtie, MultiPolygon([polygon])]
    frame = gpd.GeoDataFrame({"地块编号": [f"P{i}" for i in range(len(shapes))]}, geometry=shapes, crs=4549)
    frame.to_parquet(tmp_path / "a.parquet")
    read = layers.read(tmp_path / "a.parquet", "parcels")
    assert read["parcel_id"].tolist() == ["P0", "P5", "P7", "P8"]
    aside = {one["reason"]: (one["count"], one["ids"]) for one in read.attrs["set_aside"]}
    assert aside == {
        "geometry-null": (1, ["P1"]),
        "geometry-empty": (1, ["P2"]),
        "geometry-dimension": (3, ["P3", "P4", "P6"]),
    }
    assert read.attrs["rows_read"] == len(read) + sum(count for count, _ in aside.values())
    assert read.geometry[1].equals_exact(polygon, 0)
    assert read.geometry[2].equals_exact(bowtie, 0), "reading mends nothing"
    rows = {one["id"]: one["row"] for one in read.attrs["findings"] if one["code"].startswith("geometry")}
    assert rows == {"P1": 1, "P2": 2, "P3": 3, "P4": 4, "P5": 5, "P6": 6}


def test_heights_are_left_out_and_told(tmp_path):
    frame = plots(2).set_geometry(shapely.force_3d(plots(2).geometry.values, 5.0), crs=4549)
    pyogrio.write_dataframe(frame, tmp_path / "a.gpkg")
    read = layers.read(tmp_path / "a.gpkg", "parcels")
    assert not read.has_z.any()
    assert codes(read) == ["geometry-3d"]


def test_lines_cannot_be_parcels(tmp_path):
    pyogrio.write_dataframe(plots(2).set_geometry(plots(2).boundary), tmp_path / "a.gpkg")
    with pytest.raises(SchemaError, match="none of 2 rows"):
        layers.read(tmp_path / "a.gpkg", "parcels")


def test_swapped_axes_are_put_right_and_told(tmp_path):
    frame = plots(2).to_crs(4326)
    swapped = frame.set_geometry(shapely.transform(frame.geometry.values, lambda xy: xy[:, ::-1]), crs=4326)
    pyogrio.write_dataframe(swapped, tmp_path / "a.gpkg")
    read = layers.read(tmp_path / "a.gpkg", "parcels", to_crs="EPSG:4549")
    assert same_shapes(read, plots(2))
    assert any("axes" in code or "swap" in code for code in codes(read))


def test_a_datum_is_moved_only_on_demand(tmp_path):
    frame = plots(2).to_crs(4326)
    from layers.datum import shift_geometry

    shifted = frame.set_geometry(shift_geometry(frame.geometry, "gcj02", "wgs84"))
    pyogrio.write_dataframe(shifted, tmp_path / "a.gpkg")
    as_is = layers.read(tmp_path / "a.gpkg", "parcels")
    back = layers.read(tmp_path / "a.gpkg", "parcels", datum="gcj02")
    assert as_is.geometry[0].equals_exact(shifted.geometry[0], 1e-9)
    assert back.geometry[0].equals_exact(frame.geometry[0], 1e-7)
    assert any(one["what"] == "datum" for one in back.attrs["guessed"])


# ---------------------------------------------------------------- bad files


def test_a_missing_file_names_the_nearest(tmp_path):
    pyogrio.write_dataframe(plots(2), tmp_path / "parcels.gpkg")
    with pytest.raises(SourceError, match=r'"parcels\.gpkg"') as error:
        layers.read(tmp_path / "parcel.gpkg", "parcels")
    assert error.value.exit_code == 3
    with pytest.raises(SourceError, match="does not exist either"):
        layers.read(tmp_path / "nowhere" / "parcel.gpkg", "parcels")


UNREADABLE = {
    "a.mdb": (b"\x00\x01\x00\x00Standard Jet DB\x00", "GeoPackage"),
    "a.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "xlsx"),
    "a.dwg": (b"AC1032" + b"\0" * 100, "DXF"),
    "a.vct": (b"HeadBegin\nDatamark:CNSDTF-VCT\n", "GeoPackage"),
    "b.xls": (b"<html><table><tr><td>1</td></tr></table></html>", "xlsx"),
    "a.rar": (b"Rar!\x1a\x07\x00", "zip"),
    "a.bin": (bytes(range(256)) * 4, "GeoPackage"),
    "a.shp": (b"", "0 bytes"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_says_how_to_convert_it(tmp_path, name):
    content, hint = UNREADABLE[name]
    (tmp_path / name).write_bytes(content)
    for act in (lambda path: layers.read(path, "parcels"), layers.info):
        with pytest.raises(SourceError) as error:
            act(tmp_path / name)
        assert hint.casefold() in error.value.en.casefold()
        assert name in error.value.zh


@pytest.mark.parametrize("name", [*WRITERS, "a.parquet", "a.dxf", "a.zip"])
def test_a_file_cut_in_the_middle_is_one_clear_message(tmp_path, name):
    path = tmp_path / name
    frame = plots(200)
    if name == "a.parquet":
        frame.to_parquet(path)
    elif name == "a.dxf":
        pyogrio.write_dataframe(frame.set_geometry(frame.boundary)[["geometry"]], path, driver="DXF")
    elif name == "a.zip":
        zipped(path, parts(tmp_path, "q", frame=frame))
    else:
        pyogrio.write_dataframe(
            frame.to_crs(4326) if name.endswith(("json", "txt", "kml")) else frame, path, **WRITERS[name]
        )
    if name == "a.gdb":
        victim = max(path.glob("*.gdbtable"), key=lambda one: one.stat().st_size)
    elif name == "a.tab":
        victim = path.with_suffix(".map")
    else:
        victim = path
    victim.write_bytes(victim.read_bytes()[: int(victim.stat().st_size * 0.6)])
    with pytest.raises(ParkwiseError) as error:
        layers.read(path, "parcels")
    assert error.value.exit_code == 3
    assert name in error.value.en


def test_a_corrupt_geopackage(tmp_path):
    path = tmp_path / "a.gpkg"
    pyogrio.write_dataframe(plots(50), path)
    raw = bytearray(path.read_bytes())
    raw[5000:20000] = os.urandom(15000)
    path.write_bytes(raw)
    with pytest.raises(SourceError, match=r"a\.gpkg"):
        layers.read(path, "parcels")


def test_an_empty_layer(tmp_path):
    pyogrio.write_dataframe(plots(2).iloc[:0], tmp_path / "a.gpkg")
    with pytest.raises(SourceError, match="0 rows"):
        layers.read(tmp_path / "a.gpkg", "parcels")
    assert layers.info(tmp_path / "a.gpkg")["layers"][0]["rows"] == 0


def test_everything_in_a_folder_is_told_also_what_cannot_be_read(tmp_path):
    pyogrio.write_dataframe(plots(2), tmp_path / "地块.gpkg")
    (tmp_path / "企业.csv").write_text("企业名称,税收（万元）\n甲,1\n", encoding="gb18030")
    (tmp_path / "旧.mdb").write_bytes(UNREADABLE["a.mdb"][0])
    told = {one["name"]: one for one in layers.info(tmp_path)["layers"]}
    assert set(told) == {"地块", "企业", "旧"}
    assert told["企业"]["role"]["guess"] == "enterprises"
    assert "GeoPackage" in told["旧"]["problem"]
    assert len(layers.read(tmp_path, "parcels")) == 2


def test_no_permission(tmp_path, monkeypatch):
    path = tmp_path / "a.gpkg"
    pyogrio.write_dataframe(plots(2), path)
    real = Path.open

    def closed(self, *args, **kwargs):
        if self == path:
            raise PermissionError(13, "Permission denied", str(self))
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(SourceError, match="Permission denied"):
        layers.read(path, "parcels")


def test_json_that_is_no_layer_and_an_empty_folder(tmp_path):
    (tmp_path / "a.json").write_text('{"a": 1}')
    with pytest.raises(SourceError, match="neither GeoJSON"):
        layers.read(tmp_path / "a.json", "parcels")
    (tmp_path / "leer").mkdir()
    with pytest.raises(SourceError, match="no file that can be read"):
        layers.read(tmp_path / "leer", "parcels")


def test_paths_with_blanks_and_chinese(tmp_path):
    folder = tmp_path / "杭州 市 数据"
    folder.mkdir()
    shapefile(folder / "地 块.shp", encoding="GBK", without=[".cpg", ".shx"])
    assert len(layers.read(folder / "地 块.shp", "parcels")) == 4


def test_a_ring_that_cannot_be_built_is_set_aside(tmp_path):
    path = tmp_path / "a.parquet"
    path = tmp_path / "a.geojson"
    good, bad = "[[[120,30],[120.1,30],[120.1,30.1],[120,30]]]", "[[[120,30],[120.1,30]]]"
    rows = ",".join(
        f'{{"type":"Feature","properties":{{"地块编号":"{i}"}},"geometry":{{"type":"Polygon","coordinates":{c}}}}}'
        for i, c in enumerate([good, bad])
    )
    path.write_text(f'{{"type":"FeatureCollection","features":[{rows}]}}', encoding="utf-8")
    read = layers.read(path, "parcels")
    assert read["parcel_id"].tolist() == ["0"]
    assert read.attrs["rows_read"] == 2
    assert sum(one["count"] for one in read.attrs["set_aside"]) == 1


# ---------------------------------------------------------------- order and speed


def test_order_of_files_changes_no_row(tmp_path):
    for i in range(3):
        pyogrio.write_dataframe(plots(2, x=X + 1000 * i), tmp_path / f"{i}.gpkg")
    paths = sorted(tmp_path.iterdir())
    one, other = layers.read(paths, "parcels"), layers.read(paths[::-1], "parcels")
    key = ["source_file", "parcel_id"]
    pd.testing.assert_frame_equal(
        pd.DataFrame(one.sort_values(key, ignore_index=True)), pd.DataFrame(other.sort_values(key, ignore_index=True))
    )


def test_import_is_cheap_and_names_are_explicit():
    assert {"info", "read", "write"} <= set(layers.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = layers.nonsense
    assert np.all([callable(getattr(layers, name)) for name in ("info", "read", "write")])


def test_reading_moves_no_file(tmp_path):
    path = shapefile(tmp_path / "a.shp", without=[".prj", ".cpg"])
    shutil.copytree(tmp_path, tmp_path / "copy")
    before = listing(tmp_path)
    layers.info(path)
    layers.read(path, "parcels", crs="EPSG:4549")
    assert listing(tmp_path) == before
