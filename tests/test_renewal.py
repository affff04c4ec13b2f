"""Candidates of the hand city, with their evidence."""

import hand_city as city
import numpy as np
import pytest

from geo.firms import attach_firms
from geo.land import attach
from geo.renewal import Rules, find_candidates


@pytest.fixture
def land():
    return attach(city.parcels(), city.parks(), city.buildings(), area="planar", overlap="split")


@pytest.fixture
def firms(land):
    return attach_firms(city.enterprises(), land, city.holdings())


def evidence(found, land):
    ids = land.parcels["parcel_id"]
    return {(ids[row.parcel], row.code): (row.value, row.limit, row.unit) for row in found.evidence.itertuples()}


def test_limits_against_the_citys_own_sums(land, firms):
    found = find_candidates(land, firms, Rules(evidence_needed=1, plot_ratio_of_mean=1.0))
    limits = found.limits.set_index("code")["limit"].to_dict()
    assert limits["low_plot_ratio"] == pytest.approx(11_000 / 40_000)
    # tax of firms on parcels: 600,000 + 900,000 + 100,000 on 40,000 m² = 60 mu
    assert limits["low_tax"] == pytest.approx(0.3 * 160 / 60)
    assert (found.judged, found.judged_m2) == (4, 60_000.0)


def test_each_piece_of_evidence_has_value_and_limit(land, firms):
    found = find_candidates(land, firms, Rules(evidence_needed=1, plot_ratio_below=0.25, tax_per_mu_below=25.0))
    told = evidence(found, land)
    assert told["p2", "low_plot_ratio"] == (0.2, 0.25, "1")
    assert told["p3", "low_plot_ratio"] == (0.15, 0.25, "1")
    assert told["p1", "low_tax"][:2] == (pytest.approx(2.0), 25.0)  # half of 600,000 on 15 mu
    assert ("p4", "vacant") in told
    assert told["p4", "outside_parks"][:2] == (0.0, 0.5)
    assert ("p4", "low_plot_ratio") not in told  # its floor area is not known


def test_candidates_need_enough_evidence_and_name_what_is_missing(land, firms):
    found = find_candidates(land, firms, Rules(evidence_needed=2))
    assert found.table["parcel_id"].tolist() == ["p4"]  # vacant and low density; outside does not count
    assert found.table["missing"].iloc[0] == ["tax_per_mu", "plot_ratio"]
    assert np.isnan(found.table["plot_ratio"].iloc[0])


def test_rules_can_be_switched_off(land, firms):
    no_shares = {"tax_per_mu_of_mean": None, "plot_ratio_of_mean": None, "building_density_of_mean": None}
    off = Rules(**no_shares, vacant=False, outside_parks=False)
    found = find_candidates(land, firms, off)
    assert found.table.empty
    assert found.evidence.empty
    assert found.limits.empty


def test_small_parcels_are_not_judged(land, firms):
    assert find_candidates(land, firms, Rules(minimum_area_m2=15_000)).judged == 2


def test_near_candidates_form_one_group():
    rows = [(0, 0, 100, 100), (100.5, 0, 200, 100), (500, 0, 700, 100), (5000, 0, 5010, 10)]
    parcels = city.layer(rows, parcel_id=list("abcd"), land_use_code=["0601"] * 4, status=["闲置"] * 4)
    found = find_candidates(attach(parcels, area="planar"), None, Rules(evidence_needed=1))
    groups = dict(zip(found.table["parcel_id"], found.table["group"], strict=True))
    # c is 20,000 m², a and b together 19,950, d 100
    assert groups == {"c": 1, "a": 2, "b": 2, "d": 3}


def test_housing_is_never_a_candidate(land, firms):
    found = find_candidates(land, firms, Rules(evidence_needed=1))
    assert "h1" not in set(found.table["parcel_id"])


@pytest.mark.parametrize(
    ("status", "idle"),
    [
        ("闲置", True),
        ("已停产", True),
        ("Vacant lot", True),
        ("非闲置", False),
        ("not idle", False),
        ("enclosed yard", False),
    ],
)
def test_words_for_idle(status, idle):
    parcels = city.layer([(0, 0, 100, 100)], parcel_id=["a"], land_use_code=["0601"], status=[status])
    found = find_candidates(attach(parcels, area="planar"))
    assert (len(found.table) == 1) == idle
