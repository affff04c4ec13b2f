"""Which firm uses which ground, against the hand city."""

from datetime import date

import geopandas as gpd
import hand_city as city
import numpy as np
import pandas as pd
import pytest

from geo.firms import MEASURES, attach_firms, from_parcels
from geo.land import attach


@pytest.fixture
def land():
    return attach(city.parcels(), city.parks(), None, city.districts(), area="planar", overlap="split")


@pytest.fixture
def firms(land):
    return attach_firms(city.enterprises(), land, city.holdings())


def by_code(firms, column):
    return dict(zip(firms.firms["firm_id"], firms.firms[column], strict=True))


def test_each_firm_by_the_first_way_that_finds_it(firms):
    ways = {name: None if pd.isna(way) else way for name, way in by_code(firms, "matched_by").items()}
    assert ways == {"F1": "holdings", "F2": "holdings", "F3": "holdings", "F4": "parcel_id", "F5": None}
    assert firms.match_table.set_index("way")["firms"].to_dict() == {"holdings": 3, "parcel_id": 1, "unmatched": 1}


def test_land_used_is_registered_less_let_plus_rented(firms):
    # F1 reports none and uses its two parcels; F2: 20,000 − 5,000; F3 rents 5,000.
    used = {"F1": 20_000.0, "F2": 15_000.0, "F3": 5_000.0, "F4": 20_000.0, "F5": 1_000.0}
    assert by_code(firms, "land_used_m2") == used
    assert by_code(firms, "land_from")["F1"] == "parcels"


def test_an_owner_uses_what_tenants_leave(firms, land):
    p3 = land.parcels.index[land.parcels["parcel_id"] == "p3"][0]
    links = firms.links[firms.links["parcel"] == p3]
    assert dict(zip(firms.firms["firm_id"].to_numpy()[links["firm"]], links["land_area_m2"], strict=True)) == {
        "F2": 15_000.0,
        "F3": 5_000.0,
    }


def test_sums_are_shared_by_place_and_add_up(firms, land):
    parks = np.append(land.parks["park_id"].to_numpy(), "outside")
    codes = firms.firms["firm_id"].to_numpy()[firms.fragments["firm"]]
    rows = firms.fragments.assign(code=codes, at=parks[firms.fragments["park"]])
    tax = rows.groupby(["code", "at"])["tax_cny"].sum().to_dict()
    # F1: p1 in A, p2 half in A and half in B (split); F2: p3 half in B, half outside.
    assert tax["F1", "A"] == 450_000.0
    assert tax["F1", "B"] == 150_000.0
    assert tax["F2", "B"] == tax["F2", "outside"] == 450_000.0
    for column in MEASURES:
        sums = rows.groupby("firm")[column].sum(min_count=1)
        whole = firms.firms[column].reindex(sums.index)
        np.testing.assert_array_equal(sums.round(6).to_numpy(), whole.round(6).to_numpy())


def test_missing_tax_stays_missing(firms):
    assert np.isnan(by_code(firms, "tax_cny")["F4"])
    assert firms.fragments.loc[firms.fragments["firm"] == 3, "tax_cny"].isna().all()


def test_high_tech_value_added_needs_to_know_both(firms):
    told = by_code(firms, "high_tech_value_added_cny")
    assert (told["F1"], told["F2"]) == (1_000_000.0, 0.0)
    assert np.isnan(told["F3"])


def test_a_firm_nobody_can_place_counts_for_the_city_only(firms):
    f5 = firms.fragments[firms.fragments["firm"] == 4]
    assert f5[["parcel", "park", "district"]].to_numpy().tolist() == [[-1, -1, -1]]
    assert not f5["located"].any()


def test_owner_code_and_point_find_parcels(land):
    made = gpd.GeoDataFrame(
        {"enterprise_code": ["F2", "X", "Y"], "tax_cny": [1.0, 2.0, 3.0]},
        geometry=gpd.points_from_xy([np.nan, city.X0 + 50, city.X0 + 400], [np.nan, city.Y0 + 50, city.Y0 + 900]),
        crs=city.CRS,
    )
    made.loc[0, "geometry"] = None
    firms = attach_firms(made, land)
    assert by_code(firms, "matched_by") == {"F2": "owner_code", "X": "point", "Y": "place"}
    y = firms.fragments[firms.fragments["firm"] == 2].iloc[0]
    assert (land.parks["park_id"][y["park"]], y["district"], y["parcel"]) == ("A", 0, -1)


def test_the_latest_year_up_to_the_day_is_used():
    rows = pd.concat([city.enterprises().assign(year=year) for year in (2024, 2025, 2026)])
    firms = attach_firms(rows, as_of=date(2025, 12, 31))
    assert (firms.year, firms.other_years, len(firms.firms)) == (2025, 10, 5)


def test_holdings_out_of_force_do_not_count(land):
    ends = pd.to_datetime([pd.NaT, "2024-06-30", pd.NaT, pd.NaT])
    ended = city.holdings().assign(valid_from=pd.Timestamp("2020-01-01"), valid_to=ends)
    firms = attach_firms(city.enterprises(), land, ended, as_of=date(2025, 12, 31))
    links = firms.links[firms.links["firm"] == 0]
    assert land.parcels["parcel_id"].to_numpy()[links["parcel"]].tolist() == ["p1"]


def test_firms_that_share_a_parcel_without_areas_share_it_equally(land):
    shared = pd.DataFrame({"enterprise_code": ["F1", "F2"], "parcel_id": ["p1", "p1"]})
    firms = attach_firms(city.enterprises().iloc[:2].assign(land_registered_m2=None), land, shared)
    assert firms.links["land_area_m2"].tolist() == [5_000.0, 5_000.0]


def test_a_parcel_of_unknown_area_spoils_no_sum():
    recorded = city.parcels().assign(recorded_area_m2=[10_000.0, None, 20_000.0, 20_000.0, 10_000.0])
    land = attach(recorded, city.parks(), area="recorded", overlap="split")
    held = city.holdings().assign(land_area_m2=None)
    firms = attach_firms(city.enterprises(), land, held)
    mine = firms.fragments[firms.fragments["firm"] == 0]  # F1 holds p1, and p2 whose area nobody knows
    assert mine["tax_cny"].sum() == 600_000.0
    assert mine.groupby("parcel")["tax_cny"].sum().tolist() == [300_000.0, 300_000.0]
    assert np.isnan(by_code(firms, "land_used_m2")["F1"])


def test_an_id_that_stands_twice_names_both_parcels():
    twice = city.parcels()
    twice.loc[1, "parcel_id"] = "p1"
    rows = {}
    for layer in (twice, twice.iloc[[1, 0, 2, 3, 4]]):
        land = attach(layer, city.parks(), area="planar", overlap="split")
        firms = attach_firms(city.enterprises().iloc[:1], land, city.holdings().iloc[:1])
        parks = np.append(land.parks["park_id"].to_numpy(), "outside")
        tax = firms.fragments.groupby(parks[firms.fragments["park"]])["tax_cny"].sum()
        rows[len(rows)] = tax.to_dict()
    assert rows[0] == rows[1] == {"A": 450_000.0, "B": 150_000.0}


def test_land_reported_as_nothing_stays_nothing(land):
    reported = city.enterprises().assign(land_registered_m2=[0.0, 20_000.0, None, -5.0, 1_000.0])
    firms = attach_firms(reported, land, city.holdings())
    told = by_code(firms, "land_used_m2")
    assert np.isnan(told["F1"])
    assert np.isnan(told["F4"])
    assert told["F3"] == 5_000.0


def test_parcels_that_carry_their_own_tax_are_firms_of_their_own():
    taxed = city.parcels().assign(tax_cny=[300_000.0, None, 600_000.0, 0.0, None])
    land = attach(taxed, city.parks(), area="planar", overlap="split")
    firms = attach_firms(from_parcels(land), land)
    told = dict(zip(firms.firms["firm_name"], firms.firms["tax_cny"] / firms.firms["land_used_m2"], strict=True))
    assert (told["p1"], told["p3"], told["p4"]) == (30.0, 30.0, 0.0)
    assert np.isnan(told["p2"])
    assert from_parcels(attach(city.parcels(), area="planar")) is None
