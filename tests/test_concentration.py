"""Concentration against the trap of double counting, the hand city, and an exact union."""

import geopandas as gpd
import hand_city as city
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import geo
from geo.concentrations import identities, identity_sums, industrial_by_park, outline_of
from geo.land import attach
from layers.errors import BlockedError, SchemaError

CRS = "EPSG:4549"


def test_overlapping_parks_are_counted_once():
    # The textbook trap: summing the overlay gives 600 of 800 m², 75 %; the truth is 400, 50 %.
    parks = gpd.GeoDataFrame(
        {"park_name": ["A", "B"]}, geometry=[shapely.box(0, 0, 100, 100), shapely.box(50, 0, 150, 100)], crs=CRS
    )
    parcels = gpd.GeoDataFrame(geometry=[shapely.box(40, 40, 60, 60), shapely.box(200, 0, 220, 20)], crs=CRS)
    doubled = gpd.overlay(parcels, parks).area.sum()
    answer = geo.concentration(parcels, parks, overlap="split", area="planar")
    assert (doubled, answer.inside_m2, answer.value) == (600.0, 400.0, 0.5)
    assert answer.checks["holds"].all()
    by_park = answer.table[answer.table["level"] == "park"].set_index("scope_name")["numerator"].to_dict()
    assert by_park == {"A": 300.0, "B": 100.0}


def test_error_stops_above_the_tolerance_and_says_how_to_go_on():
    with pytest.raises(BlockedError) as told:
        geo.concentration(city.parcels(), city.parks(), area="planar")
    assert "甲园 × 乙园 100,000 m²" in told.value.en
    assert "split" in told.value.en
    assert "split" in told.value.zh


def test_error_lets_touching_slivers_pass():
    parks = city.layer([(0, 0, 500.2, 1000), (500, 0, 1000, 1000)], park_id=["A", "B"])
    assert geo.concentration(city.parcels(), parks, area="planar").value == pytest.approx(0.5)


def test_parks_and_city_by_rule_add_up():
    for rule in ("priority", "split", "largest"):
        answer = geo.concentration(city.parcels(), city.parks(), overlap=rule, area="planar")
        table = answer.table
        for level in ("zone", "park"):
            assert table.loc[table["level"] == level, "numerator"].sum() == answer.inside_m2 == 30_000.0


def test_the_table_by_park_knows_all_land():
    land = attach(city.parcels(), city.parks(), area="planar", overlap="priority")
    table = industrial_by_park(land).set_index("park_id")
    assert table["industrial_m2"].to_dict() == {"A": 20_000.0, "B": 10_000.0, "C": 0.0}
    assert table["land_m2"].to_dict() == {"A": 30_000.0, "B": 10_000.0, "C": 0.0}


def test_a_broken_sum_breaks_the_identity():
    land = attach(city.parcels(), city.parks(), area="planar", overlap="split")
    industrial = land.pieces["parcel"].isin(land.parcels.index[land.parcels["parcel_id"] == "p1"])
    land.pieces.loc[industrial, "land_area_m2"] += 1.0
    sums = identity_sums(land, outline_of(land.parks))
    assert not identities(sums, with_parks=True)["holds"].all()


def test_text_and_html_say_the_same():
    answer = geo.concentration(city.parcels(), city.parks(), overlap="split", area="planar")
    assert "50.00%" in str(answer)
    assert "50.00%" in answer._repr_html_()
    assert "甲园" in answer._repr_html_()


def test_layers_in_degrees_and_broken_rings_are_measured_on_a_copy():
    bow = city.parcels()
    bow.loc[4, "geometry"] = shapely.Polygon(
        [(city.X0 + x, city.Y0 + y) for x, y in [(200, 0), (300, 100), (300, 0), (200, 100)]]
    )
    degrees = (bow.to_crs(4490), city.parks().to_crs(4490))
    answer = geo.concentration(*degrees, overlap="split")
    assert answer.value == pytest.approx(0.5, abs=1e-6)
    assert answer.total_m2 == pytest.approx(60_000, rel=1e-4)
    assert not degrees[0].is_valid.all()
    with pytest.raises(BlockedError):
        geo.concentration(*degrees)


def test_shapes_without_land_are_refused():
    flat = city.parcels()
    flat.loc[0, "geometry"] = shapely.Point(city.X0, city.Y0)
    with pytest.raises(SchemaError, match="1 of 5 shapes"):
        geo.concentration(flat, city.parks(), overlap="split")


@st.composite
def layers(draw):
    corner, side = st.integers(0, 400), st.integers(20, 200)
    box = st.tuples(corner, corner, side, side).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))
    parks = draw(st.lists(box, min_size=1, max_size=5))
    parcels = draw(st.lists(box, min_size=1, max_size=8))
    return (
        city.layer(parks, park_id=[str(i) for i in range(len(parks))]),
        city.layer(parcels, parcel_id=[str(i) for i in range(len(parcels))], land_use_code=["0601"] * len(parcels)),
    )


@settings(max_examples=15)
@given(layers(), st.sampled_from(["priority", "split", "largest"]))
def test_identities_hold_and_the_union_decides(made, rule):
    parks, parcels = made
    answer = geo.concentration(parcels, parks, overlap=rule, area="planar")
    assert answer.checks["holds"].all()
    union = shapely.union_all(parks.geometry.to_numpy())
    truth = shapely.area(shapely.intersection(parcels.geometry.to_numpy(), union)).sum()
    assert answer.inside_m2 == pytest.approx(truth, abs=0.01 * len(parcels))


@settings(max_examples=15)
@given(layers(), st.integers(-20_000, 20_000), st.integers(-20_000, 20_000), st.sampled_from([90, 180, 270]))
def test_moving_and_turning_the_city_changes_no_figure(made, east, north, angle):
    parks, parcels = made
    before = geo.concentration(parcels, parks, overlap="split", area="planar")

    def moved(layer):
        shapes = layer.geometry.rotate(angle, origin=(city.X0, city.Y0)).translate(east, north)
        return layer.set_geometry(shapes)

    after = geo.concentration(moved(parcels), moved(parks), overlap="split", area="planar")
    assert after.value == pytest.approx(before.value, abs=1e-6)
    assert after.total_m2 == pytest.approx(before.total_m2, abs=0.05)
