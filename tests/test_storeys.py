"""Storey heights by use: the table on board, what a project states, and the mark up to the plot ratio."""

from __future__ import annotations

import json

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner

import cli
from geo.intensity import floor_areas
from geo.storeys import checked_heights, storey_height_by_use, storey_heights
from layers.errors import ProjectError

#: A building of 12 m on 100 m² by its use → floor area, by hand.
BY_USE = {"厂房": 12 / 4 * 100, "职工宿舍": 12 / 3.1 * 100, "Office": 12 / 3.9 * 100, "泵房": 300.0, None: 300.0}


def floors(**settings):
    stock = pd.DataFrame({"use": list(BY_USE), "height_m": 12.0})
    return floor_areas(stock, pd.Series(100.0, index=stock.index), **settings)


def test_a_height_is_divided_by_the_storey_of_its_use():
    found = floors()
    assert found["floor_area_m2"].tolist() == pytest.approx(list(BY_USE.values()))
    assert found["floors_estimated"].tolist() == pytest.approx([area / 100 for area in BY_USE.values()])
    assert found["estimated"].all()


def test_what_a_project_states_goes_before_the_table():
    assert floors(storey_height_m=3.0)["floor_area_m2"].tolist() == [400.0] * 5
    found = floors(storey_height_m=3.0, storey_heights={"厂房": 6.0})
    assert found["floor_area_m2"].tolist() == [200.0, 400.0, 400.0, 400.0, 400.0]
    found = floors(storey_heights={"宿舍": 2.4})
    assert found["floor_area_m2"].tolist() == pytest.approx([300.0, 500.0, 12 / 3.9 * 100, 300.0, 300.0])


def test_a_storey_of_the_building_itself_goes_before_all():
    own = {"storey_height_m": [6.0, None], "floors": [None, 2]}
    made = pd.DataFrame({"use": ["厂房", "厂房"], "height_m": 12.0, **own})
    found = floor_areas(made, pd.Series([100.0, 100.0]), storey_heights={"厂房": 4.0})
    assert found["floor_area_m2"].tolist() == [200.0, 200.0]
    assert found["estimated"].tolist() == [True, False]
    assert found["floors_estimated"].isna().tolist() == [False, True]


def test_no_building_has_less_than_one_storey():
    shed = pd.DataFrame({"height_m": [2.5]})
    assert floor_areas(shed, pd.Series([80.0]))["floor_area_m2"].tolist() == [80.0]


def test_each_row_of_the_table_says_where_its_figure_is_from():
    for row in storey_heights():
        assert 2 < row.storey_height_m < 8
        assert row.source_zh
        assert row.source_en
    own = [row for row in storey_heights() if "assumption" in row.source_en]
    assert [row.use for row in own] == ["industrial"]
    found = storey_height_by_use(pd.Series(["车间", "x", None]), pd.RangeIndex(3))
    assert found["storey_height_from"].tolist() == ["industrial", "default", "default"]


@pytest.mark.parametrize("stated", [{"厂房": "6"}, {"厂房": 0.5}, {"厂房": 60}, {"厂房": True}, {" ": 4.0}])
def test_heights_that_are_slips_are_refused(stated):
    with pytest.raises(ProjectError, match=r"buildings\.storey_heights"):
        checked_heights(stated)


def test_the_mark_of_an_estimate_reaches_the_plot_ratio(tmp_path):
    """Two lots of 1,000 m²: works of 12 m with 厂房 = 6.0, and floors that are recorded."""
    lots = [shapely.box(500_000, 3_000_000, 500_050, 3_000_020), shapely.box(500_100, 3_000_000, 500_150, 3_000_020)]
    parcels = gpd.GeoDataFrame({"parcel_id": ["A", "B"], "land_use_code": "0601"}, geometry=lots, crs=4549)
    parcels.to_file(tmp_path / "parcels.gpkg")
    houses = [shape.buffer(-5, join_style="mitre") for shape in lots]
    stock = {"use": ["厂房", "厂房"], "height_m": [12.0, None], "floors": [None, 3.0]}
    gpd.GeoDataFrame(stock, geometry=houses, crs=4549).to_file(tmp_path / "buildings.gpkg")
    project = tmp_path / "project.toml"
    layers = "".join(f'[layers.{name}]\nsource = "{name}.gpkg"\n' for name in ("parcels", "buildings"))
    uses = '[project]\narea = "planar"\n[land_use]\nsystem = "third-survey"\n'
    heights = '[buildings]\nstorey_heights = { "厂房" = 6.0 }\n'
    project.write_text(uses + heights + layers, "utf-8")
    done = CliRunner().invoke(cli.main, ["measure", str(project), "--by", "city", "--by", "parcel", "--json"])
    assert done.exit_code == 0, done.stderr
    rows = [one for one in json.loads(done.stdout)["indicators"] if one["id"] == "plot_ratio"]
    told = {row["scope"]["name"] if row["scope"]["level"] == "parcel" else "city": row for row in rows}
    assert told["city"]["estimated"] is True
    by_parcel = {key: (row["numerator"], row["estimated"]) for key, row in told.items() if key != "city"}
    assert sorted(by_parcel.values()) == [(800.0, True), (1200.0, False)]
