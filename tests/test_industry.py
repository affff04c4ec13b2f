"""Industry shares and location quotients against hand tables."""

import hand_city as city
import pandas as pd
import pytest

from geo.firms import attach_firms
from geo.indicators import scopes
from geo.industry import industry_shares, location_quotient, output_column, tally_industries

KEYS = pd.DataFrame({"city": [0] * 5})


@pytest.fixture
def shares():
    firms = attach_firms(city.enterprises())
    sums = tally_industries(firms, KEYS, "output_cny")
    return lambda **asked: industry_shares(sums, scopes(None, firms, "城", ["city"]), **asked).set_index("id")


def test_the_largest_division_leads_when_none_is_named(shares):
    # 36: 4,000,000 + 2,000,000; 34: 3,000,000 (its letter is dropped); 27: 1,000,000
    table = shares()
    assert table.loc["leading_industry_share", "value"] == 0.6
    assert shares(leading_count=2).loc["leading_industry_share", "value"] == 0.9
    assert table.loc["top3_industry_share", "value"] == 1.0
    assert table.loc["top3_industry_share", "denominator"] == 10_000_000.0


def test_named_industries_hold_all_below_them(shares):
    assert shares(leading=["3612", "27"]).loc["leading_industry_share", "numerator"] == 5_000_000.0


def test_firms_without_a_code_are_missing():
    firms = attach_firms(city.enterprises().assign(industry_code=["3612", None, None, "2710", "13"]))
    table = industry_shares(tally_industries(firms, KEYS, "output_cny"), scopes(None, firms, "城", ["city"]))
    assert table["missing"].tolist() == [3, 3]  # two without a code, one without output
    assert table["denominator"].tolist() == [5_000_000.0] * 2


def test_output_falls_back_to_revenue_and_says_so():
    firms = attach_firms(city.enterprises().drop(columns="output_cny").assign(revenue_cny=1.0))
    assert output_column(firms) == "revenue_cny"


def test_location_quotient_of_two_places():
    value = pd.Series([30.0, 10.0, 20.0, 40.0])
    lq = location_quotient(value, pd.Series(["甲", "甲", "乙", "乙"]), pd.Series(["a", "b", "a", "b"]))
    # a is 50 of 100; in 甲 it is 30 of 40
    assert lq["甲", "a"] == pytest.approx(0.75 / 0.5)
    assert lq["乙", "b"] == pytest.approx((40 / 60) / 0.5)


def test_firms_without_output_are_missing():
    firms = attach_firms(city.enterprises().assign(output_cny=[4e6, None, 0.0, 1e6, None]))
    table = industry_shares(tally_industries(firms, KEYS, "output_cny"), scopes(None, firms, "城", ["city"]))
    assert (table["missing"].tolist(), table["denominator"].tolist()) == ([2, 2], [5e6, 5e6])
