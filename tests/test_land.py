"""Parcels with what touches them, against the hand city."""

import hand_city as city
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.land import EXTENSIVE, attach
from layers.errors import CrsError, SchemaError
from layers.units import in_steps


@pytest.fixture
def land():
    return attach(
        city.parcels(), city.parks(), city.buildings(), city.districts(), area="planar", overlap="split"
    )  # fmt: skip


def by_id(land, column):
    return dict(zip(land.parcels["parcel_id"], land.parcels[column], strict=True))


def test_areas_and_districts(land):
    assert by_id(land, "land_area_m2") == {"p1": 1e4, "p2": 1e4, "p3": 2e4, "p4": 2e4, "h1": 1e4}
    assert by_id(land, "district") == {"p1": 0, "p2": 0, "p3": 0, "p4": 1, "h1": 0}


def test_floor_areas_by_record_floors_height_and_the_tall_storey(land):
    floor = by_id(land, "floor_area_m2")
    assert floor["p1"] == 6000.0  # 2,000 m² × 3 floors
    assert floor["p2"] == 2000.0  # 1,000 m², one storey of 9 m counts twice
    assert floor["p3"] == 3000.0  # 1,000 m² × 12 m ÷ 4 m
    assert np.isnan(floor["p4"])  # nothing known of its building: missing, not one storey
    assert floor["h1"] == 0.0  # nothing built
    assert by_id(land, "floor_area_estimated") == {"p1": False, "p2": False, "p3": True, "p4": False, "h1": False}
    assert by_id(land, "building_base_m2")["p4"] == 100.0


def test_a_parcels_own_record_stands():
    recorded = city.parcels().assign(floor_area_m2=[None, 1234.5, None, 777.0, None])
    floor = by_id(attach(recorded, None, city.buildings(), area="planar"), "floor_area_m2")
    assert (floor["p1"], floor["p2"], floor["p4"]) == (6000.0, 1234.5, 777.0)


def test_without_buildings_floor_area_is_missing_not_zero():
    land = attach(city.parcels(), city.parks(), area="planar")
    assert land.parcels["floor_area_m2"].isna().all()


def test_pieces_of_the_shared_strip_are_split(land):
    pieces = land.pieces.assign(
        parcel_id=land.parcels["parcel_id"].to_numpy()[land.pieces["parcel"]],
        park_id=np.append(land.parks["park_id"].to_numpy(), "outside")[land.pieces["park"]],
    )
    table = {(row.parcel_id, row.park_id): row.land_area_m2 for row in pieces.itertuples()}
    assert table == {
        ("p1", "A"): 1e4, ("p2", "A"): 5e3, ("p2", "B"): 5e3, ("p3", "B"): 1e4, ("p3", "outside"): 1e4,
        ("p4", "outside"): 2e4, ("h1", "A"): 1e4,
    }  # fmt: skip


def test_pieces_add_up_to_the_parcel_to_the_last_step(land):
    for column in EXTENSIVE:
        steps = (land.pieces[column] * 100).round().groupby(land.pieces["parcel"]).sum(min_count=1)
        whole = (land.parcels[column] * 100).round()
        pd.testing.assert_series_equal(steps, whole.reindex(steps.index), check_names=False)


def test_buildings_on_no_parcel_are_counted_apart():
    stray = pd.concat([city.buildings(), city.layer([(9000, 0, 9010, 10)], floors=[2])], ignore_index=True)
    land = attach(city.parcels(), None, stray, area="planar")
    assert land.unplaced == {"buildings": 1.0, "footprint_m2": 100.0}


def test_rows_in_any_order_give_the_same_pieces(land):
    turned = attach(
        city.parcels().iloc[::-1], city.parks().iloc[::-1], city.buildings().iloc[::-1],
        city.districts(), area="planar", overlap="split",
    )  # fmt: skip
    columns = ["share", *EXTENSIVE]
    pd.testing.assert_frame_equal(turned.pieces[columns], land.pieces[columns])


def test_recorded_area_is_shared_by_the_geometry():
    recorded = city.parcels().assign(recorded_area_m2=[10_100.0, 9_900.0, 30_000.0, None, 0.0])
    land = attach(recorded, city.parks(), area="recorded", overlap="priority")
    p3 = land.pieces[land.pieces["parcel"] == land.parcels.index[land.parcels["parcel_id"] == "p3"][0]]
    assert p3["land_area_m2"].tolist() == [15_000.0, 15_000.0]
    assert np.isnan(by_id(land, "land_area_m2")["p4"])
    assert np.isnan(by_id(land, "land_area_m2")["h1"])  # a recorded area of 0 is no area


def test_missing_shapes_and_duplicate_ids_keep_their_rows():
    twice = city.parcels()
    twice.loc[1, "parcel_id"] = "p1"
    twice.loc[3, "parcel_id"] = None
    land = attach(twice, area="planar")
    assert sorted(land.parcels["uid"]) == ["#4", "h1", "p1", "p1 (2)", "p3"]


def test_layers_in_different_crs_are_refused():
    with pytest.raises(CrsError, match="parks in EPSG:4528"):
        attach(city.parcels(), city.parks().to_crs(4528))


def test_land_use_needs_its_column():
    with pytest.raises(SchemaError, match="land_use_name is missing"):
        attach(city.parcels(), system="names")


def test_steps_round_half_to_even_and_keep_missing():
    assert in_steps(pd.Series([0.125, 0.135, np.nan]), "m2").fillna(-1).tolist() == [0.12, 0.14, -1]


def test_statutory_area_differs_from_the_plane_by_little_here():
    land = attach(city.parcels())
    assert by_id(land, "land_area_m2")["p1"] == pytest.approx(1e4, rel=2e-6)
    assert shapely.area(land.parcels.geometry.iloc[0]) == pytest.approx(1e4)


def test_rows_of_one_district_are_one_district():
    parts = pd.concat([city.districts(), city.districts().iloc[:1]], ignore_index=True)
    parts = parts.assign(geometry=[city.box(-500, -500, 400, 1500), *parts.geometry[1:]])
    parts.loc[2, "geometry"] = city.box(400, -500, 1050, 1500)
    land = attach(city.parcels(), None, None, parts, area="planar")
    assert land.districts["district_id"].tolist() == ["东区", "西区"]
    assert by_id(land, "district") == {"p1": 0, "p2": 0, "p3": 0, "p4": 1, "h1": 0}
