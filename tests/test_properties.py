"""What must hold for any city, along the whole chain: order, batches, place, conservation, proportion.

A city is drawn by a seed: a street grid of crooked parcels with gaps, parks that overlap each other and cut
parcels, buildings that straddle, firms on several parcels and parcels of several firms, blanks everywhere.
"""

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity

from geo.assessment import assess
from geo.firms import attach_firms
from geo.indicators import measure, merge, scopes, tally
from geo.land import attach
from layers.example import make
from layers.project import loads
from layers.repairing import repair

CRS = "EPSG:4549"
ORIGIN = np.array([500_000.0, 3_350_000.0])
PLACES = ("city", "zones", "district", "zone", "park")
ALL = (*PLACES, "parcel", "enterprise")

seeds = st.integers(0, 10_000)
rules = st.sampled_from(["priority", "split", "largest"])


def blank(values, rng, share=0.2):
    """Return values of which some are not known."""
    return pd.Series(values, dtype="object").where(rng.random(len(values)) > share, None)


def numbers(values, rng, share=0.2):
    return blank(values, rng, share).astype("float64")


def frame(shapes, **columns):
    moved = [affinity.translate(shape, *ORIGIN) for shape in shapes]
    return gpd.GeoDataFrame(columns, geometry=moved, crs=CRS)


def city(seed, side=5):
    """Draw a city of side × side parcels of about a hectare; districts follow the streets."""
    rng = np.random.default_rng(seed)
    cells = [(i, j) for i in range(side) for j in range(side)]
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * 100
    lots = [shapely.Polygon(corners + 110 * np.array(at) + rng.uniform(-4.9, 4.9, (4, 2))) for at in cells]
    n = len(lots)
    ids = [f"p{i:02d}" for i in rng.permutation(n)]
    parcels = frame(
        lots,
        parcel_id=ids,
        land_use_code=blank(rng.choice(["0601", "0601", "0602", "0701"], n), rng, 0.1).where(np.arange(n) > 0, "0601"),
        status=rng.choice(["在用", "闲置"], n),
        owner_code=blank([f"F{i}" for i in rng.integers(0, 12, n)], rng, 0.5),
        yard_area_m2=numbers(rng.uniform(0, 2000, n).round(3), rng),
        investment_cny=numbers(rng.uniform(0, 1e8, n).round(2), rng),
    )
    middle = rng.uniform(0, 110 * side, (6, 2))
    size = rng.uniform(40, 250, (6, 2))
    parks = frame(
        [
            affinity.rotate(shapely.box(*(m - s / 2), *(m + s / 2)), angle)
            for m, s, angle in zip(middle, size, rng.uniform(0, 90, 6), strict=True)
        ],
        park_id=list("ABCDEE"), park_name=list("甲乙丙丁戊戊"), zone_id=["Z1", "Z1", "Z2", "Z3", "Z3", "Z3"],
        role=["main", "branch", "main", None, "main", "main"],
    )  # fmt: skip
    halls = [
        shapely.box(*at, *(at + extent))
        for at, extent in zip(rng.uniform(0, 110 * side, (2 * n, 2)), rng.uniform(5, 60, (2 * n, 2)), strict=True)
    ]
    buildings = frame(
        halls,
        floors=numbers(rng.integers(1, 9, 2 * n), rng, 0.4),
        height_m=numbers(rng.uniform(3, 30, 2 * n).round(1), rng),
    )
    edge = 110 * (side // 2) - 5
    districts = frame(
        [shapely.box(-50, -50, edge, 110 * side), shapely.box(edge, -50, 110 * (side - 1) - 5, 110 * side)],
        district_name=["东区", "西区"],
    )
    firms = [f"F{i}" for i in range(12)]
    money = {
        column: numbers(rng.lognormal(14, 1, 12).round(2), rng)
        for column in ("tax_cny", "value_added_cny", "revenue_cny", "output_cny", "rd_cny")
    }
    enterprises = gpd.GeoDataFrame(
        {
            "enterprise_code": firms,
            "year": 2025,
            "industry_code": blank(rng.choice(["3612", "3411", "2710", "1311"], 12), rng),
            "land_registered_m2": numbers(rng.uniform(1000, 30_000, 12).round(2), rng, 0.5),
            "land_leased_out_m2": numbers(rng.uniform(0, 900, 12).round(2), rng, 0.5),
            "energy_tce": numbers(rng.uniform(1, 900, 12).round(3), rng),
            "high_tech": blank(rng.random(12) > 0.5, rng),
            **money,
        },
        geometry=[shapely.Point(ORIGIN + rng.uniform(0, 110 * side, 2)) for _ in firms],
        crs=CRS,
    )
    holdings = pd.DataFrame(
        {
            "enterprise_code": rng.choice(firms[:8], 16),
            "parcel_id": rng.choice(ids, 16),
            "relation": blank(rng.choice(["owner", "tenant"], 16), rng),
            "land_area_m2": numbers(rng.uniform(100, 9000, 16).round(2), rng, 0.4),
        }
    ).drop_duplicates(["enterprise_code", "parcel_id"], ignore_index=True)
    return {
        "parcels": parcels, "parks": parks, "buildings": buildings, "districts": districts,
        "enterprises": enterprises, "holdings": holdings,
    }  # fmt: skip


PROJECT = """
[project]
city = "C"
as_of = 2025-12-31
area = "planar"
overlap = "{rule}"
[land_use]
system = "third-survey"
"""


def project(rule="priority"):
    return loads(PROJECT.format(rule=rule), Path("project.toml"))


def figures(frames, rule="priority", levels=PLACES, candidates=False):
    """Everything `assess` says, keyed, with each number as it is."""
    done = assess(frames, project(rule), levels=levels, with_candidates=candidates)
    rows = done.indicators[["numerator", "denominator", "value", "count", "missing", "estimated"]]
    keys = done.indicators[["id", "level", "scope_id"]].itertuples(index=False, name=None)
    told = {key: tuple(row) for key, row in zip(keys, rows.fillna(-1.0).to_numpy().tolist(), strict=True)}
    assert len(told) == len(rows)
    return done, told


def evidence(done):
    rows = done.candidates.evidence
    names = done.land.parcels["uid"].to_numpy()[rows["parcel"].to_numpy()]
    return sorted(zip(names, rows["code"], rows["value"].fillna(-1.0), strict=True))


@settings(max_examples=5)
@given(seeds, rules, st.integers(0, 99))
def test_the_order_of_rows_changes_nothing_to_the_last_bit(seed, rule, shuffle):
    frames = city(seed)
    mixed = {
        name: table.sample(frac=1, random_state=shuffle + i).reset_index(drop=True)
        for i, (name, table) in enumerate(frames.items())
    }
    (one, told), (other, again) = (figures(some, rule, ALL, candidates=True) for some in (frames, mixed))
    assert again == told
    assert evidence(other) == evidence(one)


@settings(max_examples=3)
@given(seeds, rules, st.integers(1, 7), st.randoms(use_true_random=False))
def test_batches_of_parcels_and_firms_change_nothing_to_the_last_bit(seed, rule, batches, random):
    frames = city(seed)
    recorded = frames["parcels"].assign(floor_area_m2=np.random.default_rng(seed).uniform(0, 9000, 25).round(2))
    options = {"districts": frames["districts"], "area": "planar", "overlap": rule}
    land = attach(recorded, frames["parks"], **options)
    firms = attach_firms(frames["enterprises"], land, frames["holdings"])
    nothing = replace(land, pieces=land.pieces.iloc[:0])
    parts = []
    for batch in range(batches):
        mine = recorded[np.arange(len(recorded)) % batches == batch]
        parts.append(tally(attach(mine, frames["parks"], **options), None, PLACES))
        some = firms.fragments[firms.fragments["firm"] % batches == batch]
        parts.append(tally(nothing, replace(firms, fragments=some), PLACES))
    random.shuffle(parts)
    places = scopes(land, firms, "C", PLACES)
    whole, merged = (measure(sums, places) for sums in (tally(land, firms, PLACES), merge(parts)))
    pd.testing.assert_frame_equal(whole, merged, check_exact=True)
    assert {"industrial_concentration", "tax_per_mu", "high_tech_share"} <= set(whole["id"])


@settings(max_examples=3)
@given(seeds, rules, st.floats(0, 360), st.tuples(st.floats(-30_000, 30_000), st.floats(-30_000, 30_000)))
def test_moving_and_turning_changes_no_planar_figure(seed, rule, angle, step):
    frames = city(seed)
    moved = {
        name: table
        if name == "holdings"
        else table.set_geometry(
            gpd.GeoSeries(
                [
                    affinity.translate(affinity.rotate(shape, angle, origin=tuple(ORIGIN)), *step)
                    for shape in table.geometry
                ],
                crs=CRS,
            )
        )
        for name, table in frames.items()
    }
    (_, told), (_, again) = figures(frames, rule), figures(moved, rule)
    assert again.keys() == told.keys()
    for key, (top, below, _, *counts) in told.items():
        other = again[key]
        # Every piece is counted in whole steps, so each may differ by one step.
        assert other[0] == pytest.approx(top, rel=1e-6, abs=0.5), key
        assert other[1] == pytest.approx(below, rel=1e-6, abs=0.5), key
        assert list(other[3:]) == counts, key


@settings(max_examples=5)
@given(seeds, rules)
def test_nothing_is_lost_or_counted_twice(seed, rule):
    frames = city(seed)
    done, told = figures(frames, rule, ALL)
    assert done.identities["holds"].all()
    land = done.land

    def sums(name, level, place=0):
        return [round(row[place] * 100) for (which, where, _), row in told.items() if (which, where) == (name, level)]

    (inside,), (total,) = sums("industrial_concentration", "city"), sums("industrial_concentration", "city", 1)
    assert sum(sums("industrial_concentration", "zone")) == sum(sums("industrial_concentration", "park")) == inside
    industrial = land.parcels["industrial"].fillna(value=False).to_numpy(dtype=bool)
    pieces = land.pieces[industrial[land.pieces["parcel"]]]
    steps = np.rint(pieces["land_area_m2"].to_numpy() * 100).astype("int64")
    assert inside + steps[pieces["park"].to_numpy() < 0].sum() == total
    homeless = (land.parcels["district"].to_numpy()[pieces["parcel"]] < 0) & (pieces["park"].to_numpy() >= 0)
    assert sum(sums("industrial_concentration", "district")) + steps[homeless].sum() == inside
    plane = frames["parcels"]
    known = plane[plane["land_use_code"] == "0601"]
    assert total / 100 == pytest.approx(known.area.sum(), abs=0.005 * len(known))
    union = known.intersection(frames["parks"].union_all()).area.sum()
    assert inside / 100 == pytest.approx(union, abs=0.01 * len(pieces))
    for column in ("tax_cny", "value_added_cny", "land_used_m2", "energy_tce"):
        shared = done.firms.fragments.groupby("firm")[column].sum(min_count=1)
        pd.testing.assert_series_equal(
            shared, done.firms.firms[column].reindex(shared.index), check_names=False, rtol=1e-12
        )
        assert set(shared.index) == set(done.firms.firms.index)
    (tax,) = sums("tax_per_mu", "city")
    usable = done.firms.firms.dropna(subset=["tax_cny", "land_used_m2"])
    assert tax == round(usable["tax_cny"].sum() * 100)
    assert sum(sums("tax_per_mu", "enterprise")) == tax
    elsewhere = done.firms.fragments.query("park < 0 and tax_cny == tax_cny and land_used_m2 == land_used_m2")
    assert sum(sums("tax_per_mu", "zone")) + round(elsewhere["tax_cny"].sum() * 100) == tax


@settings(max_examples=3)
@given(seeds, rules)
def test_twice_the_tax_is_twice_the_tax_per_mu(seed, rule):
    frames = city(seed)
    rich = frames | {"enterprises": frames["enterprises"].assign(tax_cny=2 * frames["enterprises"]["tax_cny"])}
    (_, told), (_, again) = (figures(some, rule, ("city", "zone", "enterprise")) for some in (frames, rich))
    for key, (top, below, value, *counts) in told.items():
        other = again[key]
        assert (other[1], list(other[3:])) == (below, counts)
        if key[0] not in {"tax_per_mu", "tax_per_electricity"}:
            assert other == told[key]
        elif key[1] in {"city", "enterprise"}:
            assert other[0] == pytest.approx(2 * top, rel=1e-15)
            assert value < 0 or other[2] == pytest.approx(2 * value, rel=1e-14)
        else:
            assert other[0] == pytest.approx(2 * top, abs=0.02 * len(frames["enterprises"]))


@settings(max_examples=4)
@given(seeds, rules, st.tuples(*[st.floats(0, 550)] * 2), st.tuples(*[st.floats(1, 300)] * 2))
def test_another_park_never_lowers_the_concentration(seed, rule, at, size):
    frames = city(seed)
    park = frame(
        [shapely.box(*at, at[0] + size[0], at[1] + size[1])], park_id=["new"], park_name=["新"], zone_id=["Z9"]
    )
    more = frames | {"parks": pd.concat([frames["parks"], park], ignore_index=True)}
    key = ("industrial_concentration", "city", "C")
    before, after = (figures(one, rule, ("city",))[1][key] for one in (frames, more))
    assert after[1] == before[1]
    # The same land cut into other pieces: a step for each cut parcel at most.
    assert after[0] >= before[0] - 0.005 * len(frames["parcels"])


@settings(max_examples=3)
@given(seeds, rules, st.floats(5, 95))
def test_dividing_a_parcel_changes_no_sum_of_a_place(seed, rule, where):
    frames = {name: table for name, table in city(seed).items() if name in {"parcels", "parks", "districts"}}
    parcels = frames["parcels"].drop(columns=["yard_area_m2", "investment_cny"])
    west, south, east, north = parcels.geometry.iloc[0].bounds
    line = west + (east - west) * where / 100
    halves = [
        parcels.iloc[[0]].assign(parcel_id=f"half{i}").clip(shapely.box(*sides, north))
        for i, sides in enumerate([(west, south, line), (line, south, east)])
    ]
    divided = pd.concat([parcels.iloc[1:], *halves], ignore_index=True)
    # Under "largest" a parcel's contested ground goes whole to one park, so there the parcel itself matters.
    levels = ("city", "zones", "district") if rule == "largest" else PLACES
    (_, told), (_, again) = (figures(frames | {"parcels": one}, rule, levels) for one in (parcels, divided))
    for key, row in told.items():
        assert again[key][:2] == pytest.approx(row[:2], abs=0.03), key


def test_repairing_the_example_twice_is_repairing_it_once():
    once = repair(make(parcels=1000, seed=3).frames)
    assert len(once.ledger) > 0
    twice = repair(once.frames)
    assert twice.ledger.empty
    for name, table in once.frames.items():
        again = twice.frames[name]
        pd.testing.assert_frame_equal(
            pd.DataFrame(table).drop(columns="geometry", errors="ignore"),
            pd.DataFrame(again).drop(columns="geometry", errors="ignore"),
        )
        if isinstance(table, gpd.GeoDataFrame):
            assert (
                shapely.to_wkb(table.geometry.to_numpy()).tolist() == shapely.to_wkb(again.geometry.to_numpy()).tolist()
            )
