"""Check, columns: limits, dates, codes, units, areas on record, and what ties firms to land."""

import datetime as dt
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely.geometry import Point, box

from layers import findings
from layers.checking import check

MU = 2000 / 3
LOTS = [box(519_000 + 200 * i, 3_342_000, 519_100 + 200 * i, 3_342_100) for i in range(8)]  # a hectare each
GOOD, BAD = "91330109MA28XDDW8D", "91330109MA28XDDW8E"


def parcels(n=4, **columns):
    columns.setdefault("parcel_id", [f"P{i}" for i in range(n)])
    return gpd.GeoDataFrame(columns, geometry=LOTS[:n], crs=4549)


def firms(n=6, **columns):
    columns.setdefault("enterprise_code", [f"E{i}" for i in range(n)])
    return pd.DataFrame(columns)


def assert_told_in_full(table):
    """Every text people read is there in both languages, with nothing left to fill in."""
    for language in ("zh", "en"):
        read = findings.describe(table, language)[["title", "expected", "remedy"]].to_numpy().ravel()
        assert all(text and not re.search(r"\{\w*\}", text) for text in read)


def told(**frames):
    options = {name: frames.pop(name) for name in ("as_of", "land_use_system", "area") if name in frames}
    table = check(frames, **options)
    assert_told_in_full(table)
    return list(zip(table["code"], table["id"], table["column"], strict=True))


def test_negative_zero_and_impossible_values():
    layer = parcels(
        recorded_area_m2=[1e4, 0, -5, np.nan],
        plot_ratio_planned=[1.5, 40, 41, np.nan],
        tax_cny=[-1, 2, 3, 4],
        green_area_m2=[np.nan] * 4,
    )
    assert told(parcels=layer) == [
        ("value-negative", "P2", "recorded_area_m2"),
        ("money-negative", "P0", "tax_cny"),
        ("land-zero", "P1", "recorded_area_m2"),
        ("value-implausible", "P2", "plot_ratio_planned"),
        ("column-empty", "", "green_area_m2"),
    ]


def test_storeys_heights_and_heads():
    houses = gpd.GeoDataFrame(
        {
            "building_id": list("abcd"),
            "floors": [120, 121, 0, 6.5],
            "storey_height_m": [3, 61, 1.9, np.nan],
            "built_year": [1990, 2031, 1990, 1990],
        },
        geometry=LOTS[:4],
        crs=4549,
    )
    assert told(buildings=houses, as_of=dt.date(2025, 12, 31)) == [
        ("value-implausible", "b", "floors"),
        ("value-implausible", "c", "floors"),
        ("value-implausible", "b", "storey_height_m"),
        ("value-implausible", "c", "storey_height_m"),
        ("date-future", "b", "built_year"),
    ]
    assert told(enterprises=firms(3, employees=pd.array([12, 3.5, 600_000], dtype="Float64"))) == [
        ("value-implausible", "E2", "employees"),
        ("value-not-whole", "E1", "employees"),
    ]


def test_nullable_numbers_stay_missing():
    layer = parcels(recorded_area_m2=pd.array([10_000, None, 10_000, 10_000], dtype="Int64"))
    assert told(parcels=layer) == []


def dates(*days):
    return pd.Series(pd.to_datetime(list(days)))


def test_dates_after_the_data_and_out_of_order():
    layer = parcels(
        agreed_start=dates("2020-01-01", "2030-01-01", None, "2020-01-01"),
        started=dates("2020-01-01", None, "2026-01-01", "2019-12-31"),
        suspended_since=dates("2019-12-31", None, None, None),
    )
    assert told(parcels=layer, as_of=dt.date(2025, 12, 31)) == [
        ("date-future", "P2", "started"),
        ("dates-out-of-order", "P3", "started"),
        ("dates-out-of-order", "P0", "suspended_since"),
    ]
    assert ("date-future", "P2", "started") not in told(parcels=layer)


def test_credit_codes_are_checked_where_they_are_credit_codes():
    assert told(enterprises=firms(3, enterprise_code=[GOOD, BAD, "9133"])) == [
        ("credit-code-invalid", BAD, "enterprise_code"),
        ("credit-code-invalid", "9133", "enterprise_code"),
    ]
    # Ids of another kind: only what has the length of a credit code is looked at.
    assert told(parcels=parcels(owner_code=["A1", "A2", BAD, None])) == [("credit-code-invalid", "P2", "owner_code")]
    assert told(parcels=parcels(owner_code=["A1", "A2", GOOD, None])) == []


def test_industry_codes_of_other_editions():
    layer = parcels(5, industry_code=["3612", "4071", "99", None, "C13"])
    table = check({"parcels": layer})
    assert table[["code", "id", "found"]].to_numpy().tolist() == [
        ["industry-code-edition", "P1", "4071: GB/T 4754-2002"],
        ["industry-code-unknown", "P2", "99"],
    ]
    whole = check({"parcels": parcels(3, industry_code=["4071", "2930", "38"])})
    assert whole[["code", "id", "found"]].to_numpy().tolist() == [
        ["industry-code-edition", "", "2 / 3; 4071: GB/T 4754-2002"]
    ]


def test_land_use_codes_of_the_declared_system():
    layer = parcels(land_use_code=["0601", "06", "9999", None])
    assert told(parcels=layer, land_use_system="third-survey") == [("land-use-code-unknown", "P2", "land_use_code")]
    assert told(parcels=layer, land_use_system="names") == []


@pytest.mark.parametrize("method", ["tdt1055", "planar"])
def test_recorded_area_has_a_tolerance(method):
    # The drawn lots measure 10,000 m² in the plane and 9,999.91 m² on the ellipsoid.
    layer = parcels(recorded_area_m2=[10_000, 10_099, 10_102, 9_800])
    assert told(parcels=layer, area=method) == [
        ("area-differs", "P2", "recorded_area_m2"),
        ("area-differs", "P3", "recorded_area_m2"),
    ]


@pytest.mark.parametrize(
    ("factor", "suggested"), [(1 / MU, "亩"), (1e-4, "公顷"), (1e-6, "km²"), (10.7639, "平方英尺")]
)
def test_a_recorded_area_in_another_unit(factor, suggested):
    one = parcels(recorded_area_m2=[10_000, 10_000, 10_000, 10_000 * factor])
    table = check({"parcels": one})
    assert_told_in_full(table)
    assert table[["code", "id"]].to_numpy().tolist() == [["unit-suspect", "P3"]]
    assert table["params"][0]["suggested"] == suggested
    whole = check({"parcels": parcels(recorded_area_m2=[10_000 * factor] * 4)})
    assert whole[["code", "id"]].to_numpy().tolist() == [["unit-suspect", ""]]
    assert "(4 / 4)" in whole["found"][0]


def test_the_rest_of_a_column_in_another_unit_is_judged_in_that_unit():
    layer = parcels(recorded_area_m2=[15.0, 15.0, 15.0, 18.0])  # 亩; the last one is wrong by a fifth
    assert told(parcels=layer) == [
        ("area-differs", "P3", "recorded_area_m2"),
        ("unit-suspect", "", "recorded_area_m2"),
    ]


def test_square_metres_read_as_mu():
    layer = parcels(recorded_area_m2=[10_000 * MU] * 4)
    layer.attrs["columns"] = {"recorded_area_m2": {"title": "面积", "unit": "mu", "how": "alias"}}
    assert check({"parcels": layer})["params"][0]["suggested"] == "平方米"


def test_a_cut_parcel_keeps_its_old_area():
    pieces = parcels(parcel_id=["A", "A", "B", "C"], recorded_area_m2=[20_000, 20_000, 30_000, 25_000])
    assert [row for row in told(parcels=pieces) if row[0] != "id-duplicate"] == [
        ("area-differs", "B", "recorded_area_m2"),
        ("area-differs", "C", "recorded_area_m2"),
        ("area-stale", "A", "recorded_area_m2"),
        ("area-stale", "A", "recorded_area_m2"),
    ]
    renamed = parcels(parcel_id=["A1", "A2", "B", "C"], recorded_area_m2=[20_000, 20_000, 30_000, 25_000])
    assert ("area-stale", "A2", "recorded_area_m2") in told(parcels=renamed)
    # Three lots that together exceed the record are no pieces of one parcel.
    many = parcels(recorded_area_m2=[20_000, 20_000, 20_000, 10_000])
    assert {row[0] for row in told(parcels=many)} == {"area-differs"}


def test_more_ground_or_floor_than_land():
    layer = parcels(building_base_m2=[9_000, 10_100, 10_200, np.nan], floor_area_m2=[5e3, 4e5, 4.1e5, np.nan])
    assert told(parcels=layer) == [
        ("value-implausible", "P2", "floor_area_m2"),
        ("base-exceeds-land", "P2", "building_base_m2"),
    ]


MONEY = {"tax_cny": 300_000.0, "employees": 100.0, "land_registered_m2": 10 * MU}


@pytest.mark.parametrize(
    ("factor", "suggested"),
    [(1.0, None), (1e-4, "万元"), (1e4, None)],
)
def test_money_in_another_unit_is_told_with_evidence(factor, suggested):
    table = check(
        {
            "enterprises": firms(
                **{name: [value] * 6 for name, value in MONEY.items()} | {"tax_cny": [MONEY["tax_cny"] * factor] * 6}
            )
        }
    )
    suspects = table[table["code"] == "unit-suspect"]
    assert [params["suggested"] for params in suspects["params"]] == ([suggested] if suggested else [])
    if suggested:
        assert suspects["found"].iloc[0] == "median tax_cny / employees = 0.3 元 (n = 6)"


def test_yuan_read_as_ten_thousand_yuan():
    layer = firms(tax_cny=[3e9] * 6, employees=[100.0] * 6)
    layer.attrs["columns"] = {"tax_cny": {"unit": "wcny"}}
    table = check({"enterprises": layer})
    assert [params["suggested"] for params in table["params"]] == ["元"]


def test_too_few_firms_are_no_evidence():
    assert told(enterprises=firms(4, tax_cny=[30.0] * 4, employees=[100.0] * 4)) == []


def test_firms_are_matched_by_any_of_four_ways():
    land = parcels(owner_code=["x", "e2", None, None])
    people = gpd.GeoDataFrame(
        {
            "enterprise_code": ["E0", "E1", "E2", "E3", "E4", "E4", "E5", "E5"],
            "year": [2025, 2025, 2025, 2025, 2024, 2025, 2024, 2025],
            "enterprise_name": [f"厂{i}" for i in (0, 1, 2, 3, 4, 4, 5, 5)],
            "parcel_id": [None, "P1", None, None, None, "P3", "P9", None],
        },
        geometry=[None, None, None, Point(519_450, 3_342_050), None, None, Point(0, 0), None],
        crs=4549,
    )
    holdings = pd.DataFrame({"enterprise_code": ["E0", "E5", "E8", "E1"], "parcel_id": ["P0", "P9", "P1", None]})
    table = check({"parcels": land, "enterprises": people, "holdings": holdings})
    assert table[["code", "layer", "id", "found"]].to_numpy().tolist() == [
        ["enterprise-unmatched", "enterprises", "E5", "厂5"],
        ["holding-unknown-enterprise", "holdings", "E8", "E8"],
        ["holding-unknown-parcel", "holdings", "P9", "P9"],
    ]


def test_ids_of_firms_may_return_every_year():
    layer = firms(4, enterprise_code=["E0", "E0", "E1", "E1"], year=[2024, 2025, 2025, 2025])
    assert [row[:2] for row in told(enterprises=layer)] == [("id-duplicate", "E1")] * 2


def test_order_of_rows_changes_nothing_but_positions():
    layer = parcels(recorded_area_m2=[1e4, 0, -5, 2e4], industry_code=["99", "4071", "13", None])
    turned = layer.iloc[::-1].reset_index(drop=True)
    one, other = check({"parcels": layer}), check({"parcels": turned})
    keys = ["code", "id", "column", "found"]
    assert sorted(map(tuple, one[keys].to_numpy())) == sorted(map(tuple, other[keys].to_numpy()))
    assert sorted(one["row"]) == sorted(3 - other["row"])


def test_a_zone_is_ranked_once_a_year_and_ranking():
    ranks = pd.DataFrame({"zone_name": ["甲", "甲", "甲", "乙"], "year": [2023, 2024, 2024, 2024]})
    ranks["ranking"] = ["全省", "全省", "全国", "全省"]
    assert told(evaluations=ranks) == []
    twice = pd.concat([ranks, ranks.tail(2).assign(rank=[1, 2])], ignore_index=True)
    assert [row[:2] for row in told(evaluations=twice)] == [("id-duplicate", name) for name in ("甲", "乙", "甲", "乙")]
