"""The layer of roads: lines that are found, read and checked; what is no line is set aside and told."""

from pathlib import Path

import geopandas as gpd
import hand_city
import pandas as pd
import pyogrio
import pytest
import shapely

import layers
from layers.checking import check
from layers.errors import SchemaError
from layers.intake import ready
from layers.project import loads
from layers.titles import guess_role

X, Y = hand_city.X0, hand_city.Y0
HAND = Path(__file__).parent / "hand.toml"


def test_roads_are_found_by_what_they_say():
    assert guess_role("道路中心线", ["道路名称", "道路等级"], "LineString")[0] == "roads"
    assert guess_role("roads", ["fclass", "name"], "MultiLineString")[0] == "roads"
    assert guess_role("道路用地", ["TBBH", "DLBM"], "MultiPolygon")[0] == "parcels"
    assert guess_role("roads", ["name"], "Point")[0] is None
    assert guess_role("contours", ["elev"], "LineString")[0] is None


def test_roads_are_read_in_their_own_crs_and_what_is_no_line_is_set_aside(tmp_path):
    shapes = [
        shapely.LineString([(X, Y), (X + 500, Y)]),
        shapely.MultiLineString([[(X, Y), (X, Y + 100)], [(X, Y + 200), (X, Y + 300)]]),
        shapely.Point(X, Y),
        shapely.box(X, Y, X + 10, Y + 10),
        None,
    ]
    columns = {"道路名称": list("abcde"), "是否可步行": ["是", "否", None, None, None]}
    drawn = gpd.GeoDataFrame(columns, geometry=shapes, crs=hand_city.CRS)
    pyogrio.write_dataframe(drawn.to_crs("EPSG:4490"), tmp_path / "路.gpkg", geometry_type="Unknown")
    read = layers.read(tmp_path / "路.gpkg", "roads")
    assert read["walkable"].tolist() == [True, False]
    told = [(one["reason"], one["count"]) for one in read.attrs["set_aside"]]
    assert told == [("geometry-null", 1), ("geometry-dimension", 2)]
    placed, _ = ready("roads", read, gpd.GeoSeries(crs=hand_city.CRS).crs, loads("", HAND))
    assert placed.crs == hand_city.CRS
    assert [round(length, 3) for length in placed.length] == [500.0, 200.0]
    twice = pd.concat([placed, placed.iloc[:1]], ignore_index=True)
    twice.attrs = placed.attrs
    assert set(check({"roads": twice})["code"]) >= {"row-duplicate", "geometry-dimension", "geometry-null"}
    once, found = ready("roads", twice, placed.crs, loads("", HAND))
    assert len(once) == 2
    assert found["code"].tolist() == ["row-duplicate"]


def test_surfaces_of_streets_are_refused_and_lines_asked_for(tmp_path):
    drawn = gpd.GeoDataFrame({"道路名称": ["a"]}, geometry=[shapely.box(X, Y, X + 500, Y + 20)], crs=hand_city.CRS)
    pyogrio.write_dataframe(drawn, tmp_path / "路.gpkg")
    with pytest.raises(SchemaError, match="Expected lines; choose the layer of centre lines") as error:
        layers.read(tmp_path / "路.gpkg", "roads")
    assert "应为线" in error.value.text("zh")
    assert "polygons" not in error.value.text("en")
