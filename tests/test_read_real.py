"""Real files of many hands: each is opened, and comes out right."""

from __future__ import annotations

import json
import warnings

import geopandas as gpd
import pytest

import layers
from layers.area import area_m2
from layers.errors import SourceError

pytestmark = pytest.mark.real_data

FOLDERS = {
    "alexandria": 4, "boulder_buildings": 1, "gcoord": 1, "geopandas_qgis_overlay": 12, "hangzhou_districts": 5,
    "landchina_2007": 2, "nyc_pluto": 1, "osm_kouvola": 7, "rasterstats": 7, "sao_miguel": 5, "suzhou_buildings": 1,
    "zhejiang_districts": 1,
}  # fmt: skip


@pytest.mark.parametrize("name", FOLDERS)
def test_every_folder_can_be_looked_at(shared_data, name):
    document = layers.info(shared_data / name)
    json.dumps(document, ensure_ascii=False, allow_nan=False)
    assert len(document["layers"]) == FOLDERS[name]
    for layer in document["layers"]:
        assert {"name", "rows", "geometry", "crs", "encoding", "extent", "columns", "role", "findings"} <= set(layer)


def test_rasters_are_told(shared_data):
    (layer,) = layers.info(shared_data / "alexandria" / "dsm.tif")["layers"]
    assert (layer["size"], layer["cell"], layer["nodata"]) == ([283, 259], [2.0, 2.0], -9999.0)
    assert layer["crs"]["declared"] == "EPSG:26918"
    assert layer["role"]["guess"] == "dsm"
    with pytest.raises(SourceError, match="raster"):
        layers.read(shared_data / "alexandria" / "dsm.tif", "buildings")


def test_kouvola_sites_and_buildings(shared_data):
    path = shared_data / "osm_kouvola" / "kouvola.gpkg"
    sites = layers.read(path, "parcels")
    assert sites.attrs["source"]["layer"] == "landuse"
    assert sites.attrs["rows_read"] == 51 == len(sites) + sum(one["count"] for one in sites.attrs["set_aside"])
    assert (sites["land_use_name"] == "industrial").sum() > 0
    houses = layers.read(path, "buildings")
    assert houses.attrs["rows_read"] == 2215 == len(houses) + sum(one["count"] for one in houses.attrs["set_aside"])
    assert houses["floors"].notna().sum() > 0


def test_kouvola_pbf_gives_the_multipolygons(shared_data):
    read = layers.read(shared_data / "osm_kouvola" / "kouvola.osm.pbf", "buildings")
    assert read.attrs["source"]["layer"] == "multipolygons"
    assert read.attrs["rows_read"] == len(read) + sum(one["count"] for one in read.attrs["set_aside"])
    assert "geometry-unreadable" in {one["reason"] for one in read.attrs["set_aside"]}


def test_new_york_lots_by_mapping(shared_data):
    lots = layers.read(
        shared_data / "nyc_pluto" / "lots.geojson",
        "parcels",
        columns={
            "parcel_id": "BBL",
            "land_use_code": "LandUse",
            "recorded_area_m2": {"name": "LotArea", "unit": "ft2"},
            "floor_area_m2": {"name": "BldgArea", "unit": "平方英尺"},
        },
    )
    assert lots["parcel_id"].str.fullmatch(r"\d{10}").all()
    assert "06" in set(lots["land_use_code"])
    recorded = (lots["floor_area_m2"] / lots["recorded_area_m2"]).round(2)
    sound = (lots["BuiltFAR"] > 0) & (lots["recorded_area_m2"] > 0)
    assert ((recorded - lots["BuiltFAR"]).abs()[sound] <= 0.02).mean() > 0.9
    ratio = (lots["recorded_area_m2"] / area_m2(lots.geometry))[lots["recorded_area_m2"] > 0]
    assert 0.9 < ratio.median() < 1.1


def test_new_york_lots_unit_by_plausibility(shared_data):
    lots = layers.read(shared_data / "nyc_pluto" / "lots.geojson", "parcels")
    entry = lots.attrs["columns"]["recorded_area_m2"]
    assert (entry["title"], entry["unit"], entry["how"]) == ("LotArea", "ft2", "guess")


def test_hangzhou_districts(shared_data):
    folder = shared_data / "hangzhou_districts"
    districts = layers.read(folder / "districts_wgs84.geojson", "districts")
    assert len(districts) == 13
    assert {"西湖区", "余杭区", "钱塘区"} <= set(districts["district_name"])
    assert districts["district_code"].str.fullmatch(r"3301\d\d").all()
    shifted = layers.read(
        [folder / f"gcj02_{code}.geojson" for code in (330106, 330110, 330111)], "districts", datum="gcj02"
    )
    assert shifted["district_code"].tolist() == ["330106", "330110", "330111"]
    suspect = layers.read(folder / "gcj02_330106.geojson", "districts", reference=districts)
    assert "datum-shifted" in {one["code"] for one in suspect.attrs["findings"]}
    assert {"datum"} == {one["what"] for one in suspect.attrs["guessed"] if one["value"] == "gcj02"}
    plane = districts.set_index("district_code").to_crs(4549).geometry
    back = shifted.set_index("district_code").to_crs(4549).geometry
    raw = layers.read(folder / "gcj02_330106.geojson", "districts").set_index("district_code").to_crs(4549).geometry

    def agreement(one: gpd.GeoSeries) -> float:
        code = one.index[0]
        return one.iloc[0].intersection(plane[code]).area / one.iloc[0].union(plane[code]).area

    assert agreement(back.iloc[:1]) > agreement(raw) + 0.01


def test_suzhou_and_alexandria_and_boulder_buildings(shared_data):
    suzhou = layers.read(shared_data / "suzhou_buildings" / "bd_demo_2.json", "buildings")
    assert len(suzhou) == 3076
    assert suzhou["floors"].notna().all()
    assert (suzhou["height_m"] / suzhou["floors"]).median() == pytest.approx(3)
    old_town = layers.read(shared_data / "alexandria" / "buildings.geojson", "buildings")
    assert len(old_town) == 84
    assert old_town["height_m"].between(1, 60).mean() > 0.95
    assert "SQMETERS" in old_town
    boulder = layers.read(shared_data / "boulder_buildings", "buildings")
    assert boulder.attrs["rows_read"] == 13491
    assert boulder["built_year"].dropna().between(1850, 2025).mean() > 0.5


def test_zhejiang_and_sao_miguel_districts(shared_data):
    assert len(layers.read(shared_data / "zhejiang_districts" / "districts_wgs84.gpkg", "districts")) == 90
    islands = layers.read(shared_data / "sao_miguel" / "concelhos.gpkg", "districts")
    assert "Povoação" in set(islands["district_name"])


def test_overlay_inputs_and_zonal_polygons(shared_data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        boroughs = layers.read(shared_data / "geopandas_qgis_overlay" / "nybb_qgis" / "polydf.shp")
    assert boroughs.crs.to_epsg() == 2263
    assert len(layers.read(shared_data / "rasterstats" / "polygons_no_overlap.shp")) == 9


def test_records_of_cities(shared_data):
    cities = layers.read(shared_data / "gcoord" / "cities.json")
    assert len(cities) == 332
    assert {"attrs.city", "coords.WGS84"} <= set(cities.columns)
