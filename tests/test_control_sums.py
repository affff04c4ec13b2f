"""Land held against limits, beside the same sums in fractions: large areas, many units, what is told of them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.control import find_limit, hold
from layers.errors import StandardError

INDICATORS = {
    "plot_ratio": ("floor_area_m2", "at_least"),
    "building_coefficient": ("covered_area_m2", "at_least"),
    "admin_land_share": ("admin_land_m2", "at_most"),
}
# Whole m² up to a country, so that a product of land and limit does not always fit 64 bits.
AREAS = st.one_of(st.none(), st.integers(0, 10**4), st.integers(0, 10**9), st.integers(10**12, 10**13))
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "unit": st.sampled_from("甲乙丙"),
            "code": st.sampled_from(["13", "2911", "30", "36", "39", "43", "99", None]),
            "code_edition": st.sampled_from(["2002", "2017", "1994", None]),
            "land_area_m2": AREAS,
            "floor_area_m2": AREAS,
            "covered_area_m2": AREAS,
            "admin_land_m2": AREAS,
        }
    ),
    min_size=1,
    max_size=10,
)


def limit_of(row: dict, indicator: str) -> Fraction | None:
    if row["code"] is None or row["code_edition"] is None:
        return None
    try:
        return Fraction(str(find_limit(indicator, row["code"], row["code_edition"]).value))
    except StandardError:
        return None


def by_hand(rows: list[dict], indicator: str) -> dict[str, object]:
    """Sum one unit in fractions, with none of the arrays."""
    name, comparison = INDICATORS[indicator]
    known = [(row, limit_of(row, indicator)) for row in rows if None not in (row[name], row["land_area_m2"])]
    judged = [(row, limit) for row, limit in known if limit is not None]
    top = sum(Fraction(row[name]) for row, _ in judged or known)
    land = sum(Fraction(row["land_area_m2"]) for row, _ in judged or known)
    need = sum(Fraction(row["land_area_m2"]) * limit for row, limit in judged)
    lacking = need - top if comparison == "at_least" else top - need
    there = bool(judged) and land > 0
    return {
        "value": float(top / land) if land else None,
        "limit": float(need / land) if there else None,
        "met": lacking <= 0 if there else None,
        "gap": float(lacking / land) if there else None,
        "rows": len(rows),
        "missing_rows": len(rows) - len(judged),
        "land_without_limit_m2": float(sum(row["land_area_m2"] or 0 for row in rows if not limit_of(row, indicator))),
    }


def frame(rows: list[dict]) -> pd.DataFrame:
    areas = ["land_area_m2", *(name for name, _ in INDICATORS.values())]
    return pd.DataFrame(rows).astype(dict.fromkeys(areas, "float64"))


@given(ROWS)
def test_every_figure_is_that_of_fractions_to_the_last_bit(rows):
    found = hold(frame(rows), "unit").set_index(["unit", "indicator"])
    for unit in dict.fromkeys(row["unit"] for row in rows):
        for indicator in INDICATORS:
            expected = by_hand([row for row in rows if row["unit"] == unit], indicator)
            got = found.loc[(unit, indicator), list(expected)].to_dict()
            assert {key: None if pd.isna(value) else value for key, value in got.items()} == expected


@pytest.mark.parametrize("land", [10**3, 10**7, 10**11, 4 * 10**12])
def test_a_hundredth_of_a_square_metre_decides_whatever_the_size(land):
    # electronics of 2017 need 1.0: as much floor as land
    units = pd.DataFrame({"unit": "甲", "code": "39", "code_edition": "2017", "land_area_m2": [float(land)] * 3})
    enough = hold(units.assign(floor_area_m2=float(land)), "unit").iloc[0]
    short = hold(units.assign(floor_area_m2=[float(land), float(land), land - 0.01]), "unit").iloc[0]
    assert (enough["met"], enough["gap"], enough["numerator_m2"]) == (True, 0.0, 3.0 * land)
    assert (short["met"], short["gap"]) == (False, 1 / (3 * land * 100))


def test_what_is_said_of_a_unit_is_of_its_own_rows_once_and_in_their_order():
    rows = [
        ("甲", "39"),
        ("乙", "36"),
        ("甲", "30"),
        ("乙", "39"),
        ("甲", "39"),
        ("丙", "13"),
        ("乙", "36"),
        ("甲", None),
    ]
    units = pd.DataFrame(rows, columns=["unit", "code"]).assign(
        code_edition="2017", land_area_m2=1.0, floor_area_m2=1.0
    )
    status = "superseded by the 2023 edition, unverified"
    read = "code {} (GB/T 4754-2017) read as {} (2002), by division and from memory"
    found = hold(units, "unit")
    told = found[found["indicator"] == "plot_ratio"].set_index("unit")["note_en"].to_dict()
    assert told == {
        "甲": "; ".join([status, read.format(39, 40), read.format(30, 31), "rows without industry code"]),
        "乙": "; ".join([status, read.format(36, 37), read.format(39, 40)]),
        "丙": "; ".join([status, read.format(13, 13)]),
    }


def test_a_code_without_edition_is_no_case_of_another():
    cells = [("39", "2017"), ("39", None), ("30", "2017"), (None, "2017"), (None, None), ("30", None), ("39", "2002")]
    units = pd.DataFrame(cells, columns=["code", "code_edition"]).assign(land_area_m2=1.0, floor_area_m2=1.0)
    found = hold(units.assign(unit=range(len(cells))), "unit")
    limits = found[found["indicator"] == "plot_ratio"]["limit"].tolist()
    # 39 of 2017 is electronics (1.0), 30 of 2017 minerals (0.7), 39 of 2002 electrical machinery (0.7)
    assert [None if np.isnan(limit) else limit for limit in limits] == [1.0, None, 0.7, None, None, None, 0.7]
