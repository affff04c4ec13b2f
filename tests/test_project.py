"""The project file: what is wrong in it is told in one message, and every key does what it says."""

from pathlib import Path

import hand_city as city
import pandas as pd
import pytest

from geo.land_use import classify
from layers.errors import ProjectError, SourceError
from layers.intake import gather
from layers.project import keys, loads, with_flags
from layers.propose import propose
from layers.reading import read

HERE = Path("project.toml")


def project(text):
    return loads(text, HERE)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('columns = "x"', r"columns = .* Expected a table"),
        ('columns = ["x"]', "Expected a table"),
        ('columns = { park_name = ["a"] }', r"park_name = \['a'\]. Expected a title"),
        ('columns = { park_name = { name = "a", unti = "m2" } }', 'Did you mean "unit"'),
        ('constants = "x"', "Expected a table"),
        ('constants = { zone_name = ["a"] }', "Expected one value for every row"),
        ("layer = 3", "layer = 3. Expected the name of a layer"),
        ("crs = true", "Expected a CRS"),
        ('crs = ["EPSG:4549"]', "Expected a CRS"),
        ('encoding = "nope"', 'encoding = "nope" is not known'),
        ('encoding = "hex"', 'encoding = "hex" is not known'),
        ('datum = ["gcj02"]', r"datum = .* Expected gcj02"),
        ('datum = "gcj-02"', "Expected gcj02"),
    ],
)
def test_a_wrong_value_of_a_layer_is_told(line, told):
    with pytest.raises(ProjectError, match=told):
        project(f'[layers.parks]\nsource = "a.shp"\n{line}\n')


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[project]\nas_of = 2025-12-31T00:00:00", "as_of = 2025-12-31T00:00:00. Expected a date"),
        ("[project]\nas_of = 2025-12-31T00:00:00Z", "Expected a date"),
        ('[project]\nas_of = "2025-12-31"', "Expected a date without quotes"),
        ('[project]\npolicies = "hangzhou-2023"', "Expected a list of texts"),
        ("[project]\noverlap_tolerance_m2 = nan", "Expected a number from 0"),
        ("[project]\noverlap_tolerance_m2 = 1" + "0" * 400, "Expected a number from 0"),
        ("[buildings]\nstorey_height_m = 0", "Expected a number from 1 to 50"),
        ("[buildings]\nwhole_from = true", "Expected a number"),
        ("[industry]\nleading_count = 0", "Expected a whole number from 1"),
        ("[candidates]\nvacant = 1", "Expected true or false"),
    ],
)
def test_a_wrong_setting_is_told(text, told):
    with pytest.raises(ProjectError, match=told):
        project(text + "\n")


def test_every_default_is_a_value_its_key_takes():
    assert all(key.fits(key.default) for key in keys().values() if key.default is not None)


def test_a_raster_is_one_file_and_has_keys_of_its_own(tmp_path):
    with pytest.raises(ProjectError, match='"columns" is not a key'):
        project('[layers.height]\nsource = "a.tif"\ncolumns = { height_m = "H" }\n')
    told = project('[layers.height]\nsource = "a.tif"\ncrs = "EPSG:4549"\nband = 2\nunit = "cm"\n').sources["height"]
    assert (told.crs, told.band, told.unit) == ("EPSG:4549", 2, "cm")
    pd.DataFrame({"WKT": ["POLYGON ((0 0, 0 9, 9 9, 0 0))"], "层数": [1]}).to_csv(tmp_path / "b.csv", index=False)
    tiles = '[layers.buildings]\nsource = "b.csv"\ncrs = "EPSG:4549"\n[layers.height]\nsource = ["1.tif", "2.tif"]\n'
    with pytest.raises(ProjectError, match=r"2 rasters \(1.tif, 2.tif\). Expected one"):
        gather(loads(tiles, tmp_path / "project.toml"))


def test_another_source_by_flag_keeps_what_the_file_says_of_the_layer():
    stated = project('[layers.parcels]\nsource = "a.shp"\ncrs = "EPSG:4549"\ncolumns = { parcel_id = "TBBH" }\n')
    layer = with_flags(stated, {"layers.parcels.source": "b.shp"}).sources["parcels"]
    assert [path.name for path in layer.source] == ["b.shp"]
    assert (layer.crs, dict(layer.columns), layer.origin) == ("EPSG:4549", {"parcel_id": "TBBH"}, "flag")
    several = with_flags(stated, {"layers.parcels.source": '["b.shp", "c.shp"]'}).sources["parcels"]
    assert [path.name for path in several.source] == ["b.shp", "c.shp"]


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("layers.parcels.datum", "gcj-02"),
        ("layers.parcels.encoding", "nope"),
        ("layers.parcels.columns", "TBBH"),
        ("layers.parcels.crs.name", "EPSG:4549"),
        ("layers.parcels.columns.parcel_id.name", "TBBH"),
    ],
)
def test_a_wrong_flag_of_a_layer_is_told(flag, value):
    with pytest.raises(ProjectError):
        with_flags(project('[layers.parcels]\nsource = "a.shp"\n'), {flag: value})


def test_text_that_is_not_in_the_encoding_named_is_told(tmp_path):
    (tmp_path / "firms.csv").write_text("企业名称,税收\n甲,1\n", encoding="utf-8")
    with pytest.raises(SourceError, match="cannot be read as a table"):
        read(tmp_path / "firms.csv", "enterprises", encoding="utf-16")
    with pytest.raises(ProjectError, match="is not known"):
        read(tmp_path / "firms.csv", "enterprises", encoding="nope")


def test_a_blank_class_is_no_class():
    codes = pd.DataFrame({"land_use_code": ["0601", "0701"]})
    assert classify(codes, "third-survey", ["", " 0601 "])["industrial"].tolist() == [True, False]


def test_a_whole_number_beyond_reason_is_told(tmp_path):
    (tmp_path / "b.csv").write_text('WKT,floors\n"POLYGON ((0 0, 0 9, 9 9, 0 0))",1e20\n', encoding="utf-8")
    buildings = read(tmp_path / "b.csv", "buildings", crs="EPSG:4549")
    assert buildings["floors"].isna().all()
    assert "value-unreadable" in [one["code"] for one in buildings.attrs["findings"]]


def test_a_broken_file_that_is_a_layer_by_its_name_stops_a_folder(tmp_path):
    city.parcels().to_file(tmp_path / "地块.gpkg")
    assert set(propose(tmp_path).sources) == {"parcels"}
    (tmp_path / "企业.xlsx").write_bytes(b"PK\x03\x04 cut in the middle")
    with pytest.raises(SourceError) as told:
        propose(tmp_path)
    assert "企业.xlsx" in told.value.zh


def test_files_that_become_no_layer_are_told(tmp_path):
    city.parcels().to_file(tmp_path / "地块.gpkg")
    city.parcels().iloc[:2].drop(columns="status").to_file(tmp_path / "地块旧.gpkg")
    (tmp_path / "电话表.csv").write_text("姓名,电话\n甲,1\n", encoding="utf-8")
    told = [zh for _, zh in propose(tmp_path).left_out]
    assert any("地块旧.gpkg" in line and "地块.gpkg" in line for line in told)
    assert any("电话表.csv" in line for line in told)


def test_a_flag_sets_one_value_of_a_table_and_leaves_the_others():
    stated = project("[plan.costs]\nretire = 40\nrelocate = { wcny_per_mu = 90, cny_per_floor_m2 = 500 }\n")
    costs = with_flags(stated, {"plan.costs.retire": "50", "plan.costs.relocate.wcny_per_mu": "60"})["plan.costs"]
    assert costs == {"retire": 50, "relocate": {"wcny_per_mu": 60, "cny_per_floor_m2": 500}}
    assert stated["plan.costs"]["retire"] == 40
    assert with_flags(project(""), {"plan.costs.retire": "50"})["plan.costs"] == {"retire": 50}


@pytest.mark.parametrize(("flag", "told"), [("plan.at_leest", "plan.at_least"), ("plann.gap", "plan.gap")])
def test_an_unknown_key_is_told_with_those_beside_it(flag, told):
    with pytest.raises(ProjectError, match=f'Did you mean "{told}"') as raised:
        with_flags(project(""), {flag: "1"})
    assert "composition." not in str(raised.value)
    assert len(str(raised.value)) < 800
