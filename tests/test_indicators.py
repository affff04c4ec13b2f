"""Every figure of the hand city, computed in the head; batches; the catalogue against the functions."""

import hand_city as city
import numpy as np
import pandas as pd
import pytest

import geo
from geo.firms import Firms, attach_firms
from geo.indicators import LEVELS, catalogue, indicator, measure, merge, scopes, tally
from geo.land import Land, attach
from layers.errors import StandardError

MU = 2000 / 3


@pytest.fixture(scope="module")
def land():
    return attach(city.parcels(), city.parks(), city.buildings(), city.districts(), area="planar", overlap="split")


@pytest.fixture(scope="module")
def firms(land):
    return attach_firms(city.enterprises(), land, city.holdings())


@pytest.fixture(scope="module")
def figures(land, firms):
    return measure(tally(land, firms, LEVELS), scopes(land, firms, "城", LEVELS))


def row(figures, name, level, scope):
    found = figures[(figures["id"] == name) & (figures["level"] == level) & (figures["scope_id"] == scope)]
    assert len(found) == 1
    return found.iloc[0]


@pytest.mark.parametrize(
    ("name", "level", "scope", "top", "below", "value"),
    [
        # 10,000 in A, 10,000 shared by A and B, half of 20,000 in B; 60,000 in all
        ("industrial_concentration", "city", "城", 30_000, 60_000, 0.5),
        ("industrial_concentration", "zone", "Z1", 30_000, 60_000, 0.5),
        ("industrial_concentration", "zone", "Z2", 0, 60_000, 0.0),
        ("industrial_concentration", "park", "A", 15_000, 60_000, 0.25),
        ("industrial_concentration", "park", "B", 15_000, 60_000, 0.25),
        ("industrial_concentration", "park", "C", 0, 60_000, 0.0),
        ("industrial_concentration", "district", "东区", 30_000, 60_000, 0.5),
        ("industrial_concentration", "district", "西区", 0, 60_000, 0.0),
        ("industrial_land_share", "city", "城", 60_000, 70_000, 6 / 7),
        # 6,000 + 2,000 + 3,000 on 40,000 industrial and 10,000 other; p4 is not known
        ("plot_ratio", "city", "城", 11_000, 50_000, 0.22),
        ("industrial_plot_ratio", "city", "城", 11_000, 40_000, 0.275),
        ("industrial_plot_ratio", "park", "A", 7_000, 15_000, 7 / 15),
        ("industrial_plot_ratio", "parcel", "p2", 2_000, 10_000, 0.2),
        ("building_density", "city", "城", 4_100, 70_000, 4.1 / 70),
        # (2,000 + 1,000) + (1,000 + 0) + (1,000 + 2,000); p4 has no yard on record
        ("building_coefficient", "city", "城", 7_000, 40_000, 0.175),
        # F1 600,000 on 20,000; F2 900,000 on 15,000; F3 100,000 on 5,000; F5 50,000 on 1,000; F4 has no tax
        ("tax_per_mu", "city", "城", 1_650_000, 41_000, 165 / (41_000 / MU)),
        # inside any park: all of F1, half of F2 and half of F3
        ("tax_per_mu", "zones", "zones", 1_100_000, 30_000, 110 / (30_000 / MU)),
        ("tax_per_mu", "park", "A", 450_000, 15_000, 45 / (15_000 / MU)),
        ("tax_per_mu", "enterprise", "F2", 900_000, 15_000, 90 / (15_000 / MU)),
        ("value_added_per_mu", "city", "城", 4_500_000, 36_000, 450 / (36_000 / MU)),
        ("output_per_km2", "city", "城", 10_000_000, 60_000, 0.1 / 0.06),
        # of the firms that report value added and whether they are high-tech: F1, F2, F5
        ("high_tech_share", "city", "城", 1_500_000, 4_500_000, 1 / 3),
    ],
)
def test_figures_of_the_hand_city(figures, name, level, scope, top, below, value):
    found = row(figures, name, level, scope)
    assert (found["numerator"], found["denominator"]) == (top, below)
    assert found["value"] == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "level", "scope", "count", "missing", "estimated"),
    [
        ("industrial_plot_ratio", "city", "城", 3, 1, 1),
        ("building_coefficient", "city", "城", 3, 1, 0),
        ("tax_per_mu", "city", "城", 4, 1, 0),
        ("tax_per_mu", "parcel", "p4", 0, 1, 0),
        ("industrial_concentration", "city", "城", 4, 0, 0),
    ],
)
def test_what_is_missing_is_counted(figures, name, level, scope, count, missing, estimated):
    found = row(figures, name, level, scope)
    assert (found["count"], found["missing"], found["estimated"]) == (count, missing, estimated)


def test_a_place_without_land_has_its_row_and_no_ratio(figures):
    found = row(figures, "industrial_plot_ratio", "park", "C")
    assert (found["numerator"], found["denominator"]) == (0, 0)
    assert np.isnan(found["value"])


def test_indicators_without_a_single_record_are_left_out(figures):
    assert not {"green_ratio", "admin_land_share", "investment_per_mu", "rd_share"} & set(figures["id"])


def test_parcels_of_unknown_use_are_missing_not_other_land():
    unknown = city.parcels()
    unknown.loc[3, "land_use_code"] = None
    land = attach(unknown, city.parks(), area="planar", overlap="split")
    figures = measure(tally(land, None, ["city"]), scopes(land, None, "城", ["city"]))
    found = row(figures, "industrial_concentration", "city", "城")
    assert (found["denominator"], found["missing"]) == (40_000, 1)


def split(land, firms, keep):
    """One batch: some parcels with their pieces, some firms with their fragments."""
    pieces = land.pieces[np.isin(land.pieces["parcel"], keep)]
    fragments = firms.fragments[np.isin(firms.fragments["firm"], keep)]
    return (
        Land(land.parcels, pieces, land.places),
        Firms(firms.firms, firms.links, fragments, 0, None),
    )


def test_batches_in_any_order_give_the_same_figures_to_the_last_bit(land, firms, figures):
    batches = [split(land, firms, keep) for keep in ([3], [0, 4], [1, 2])]
    merged = merge(tally(*batch, LEVELS) for batch in batches)
    again = measure(merged, scopes(land, firms, "城", LEVELS))
    key = ["id", "level", "scope_id"]
    pd.testing.assert_frame_equal(
        again.sort_values(key, ignore_index=True), figures.sort_values(key, ignore_index=True), check_exact=True
    )


FUNCTIONS = {
    "plot_ratio": (geo.plot_ratio, 1.0),
    "building_density": (geo.building_density, 1.0),
    "green_ratio": (geo.green_ratio, 1.0),
    "admin_land_share": (geo.admin_land_share, 1.0),
    "tax_per_mu": (geo.tax_per_mu, 1e4),
    "value_added_per_mu": (geo.value_added_per_mu, 1e4),
    "revenue_per_mu": (geo.revenue_per_mu, 1e4),
    "rd_per_mu": (geo.rd_per_mu, 1e4),
    "investment_per_mu": (geo.investment_per_mu, 1e4),
    "output_per_km2": (geo.output_per_km2, 1e8),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_catalogue_divides_as_the_function_of_that_name(name):
    function, scale = FUNCTIONS[name]
    sums = pd.DataFrame(
        {
            "indicator": name, "level": "city", "key": [0], "numerator": [123_456_700], "denominator": [98_765_400],
            "count": 1, "missing": 0, "estimated": 0,
        }
    )  # fmt: skip
    places = pd.DataFrame({"level": ["city"], "key": [0], "id": ["城"], "name": ["城"]})
    by_catalogue = measure(sums, places)["value"].iloc[0]
    by_function = function(pd.Series([1_234_567.0]), pd.Series([987_654.0])).iloc[0] / scale
    assert by_catalogue == pytest.approx(by_function, rel=1e-12)


def test_every_entry_of_the_catalogue_is_whole():
    for entry in catalogue().values():
        assert entry.table in {"land", "firms", "industries"}
        assert entry.where in {"all", "built", "industrial"}
        assert set(entry.levels) <= set(LEVELS)
        assert all((entry.title_zh, entry.title_en, entry.definition_zh, entry.definition_en, entry.source_zh))
        assert entry.numerator_unit in {"m2", "cny", "tce", "kwh", "t", "person"}


def test_an_unknown_indicator_names_the_nearest():
    with pytest.raises(StandardError, match="Nearest: tax_per_mu"):
        indicator("tax_per_muu")
