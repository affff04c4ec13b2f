"""Firms on the industrial parcels, and what ties them to land.

A firm owns one to three neighbouring parcels; some owners let part of their land to several tenants.
Taxes are skewed (lognormal), better in parks than outside, scaled so that all firms together pay
`TAX_PER_MU`. Most firms are tied to parcels by `holdings`, some only by the parcel's owner code, by
their own parcel id, or by a point. Credit codes carry valid check digits of a division (99) and an
organisation prefix (XX) that do not exist. Money in yuan (whole 100), land in m² (whole 0.001 亩).
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers.codes import credit_check_digit
from layers.example import places
from layers.example.land import INDUSTRIAL
from layers.example.streets import CRS, Floats

__all__ = ["MU", "YEAR", "Firms", "credit_codes", "settle_firms", "used_land"]

Ints = npt.NDArray[np.int64]
MU = 2000 / 3
#: Tax of all firms over land of all firms, yuan a mu.
TAX_PER_MU = 300_000.0
YEAR = 2025
#: How firms are tied to land, and the share of the owners tied so.
TIES = {"holdings": 0.83, "owner_code": 0.07, "parcel_id": 0.06, "point": 0.04}
#: Firms that hang on nothing but a point, at least; planted faults are theirs.
ALONE = 8


@dataclass(frozen=True)
class Firms:
    """Enterprises (a row a firm and year), holdings, and the owner of each parcel (row of a firm, −1 none)."""

    enterprises: gpd.GeoDataFrame
    holdings: pd.DataFrame
    owner: Ints
    industry: npt.NDArray[np.object_]


def settle_firms(
    parcels: gpd.GeoDataFrame,
    estates: gpd.GeoDataFrame,
    towns: gpd.GeoDataFrame,
    unmatched: int,
    rng: np.random.Generator,
) -> Firms:
    """Give every industrial parcel in use its owner and tenants; add `unmatched` firms tied to nothing."""
    stays = _stays(parcels, rng)
    count = int(stays["firm"].max()) + 1
    home = stays.drop_duplicates("firm").set_index("firm")["parcel"].reindex(range(count)).to_numpy()
    owners = np.unique(stays.loc[stays["relation"] == "owner", "firm"])
    tie = np.full(count, "holdings", dtype="U10")
    tie[owners] = rng.choice(list(TIES), len(owners), p=list(TIES.values()))
    hosts = stays.loc[stays["relation"] == "tenant", "host"].unique()
    tie[np.setdiff1d(owners, hosts)[-ALONE:]] = "point"
    tie[hosts] = "holdings"
    home, tie = np.append(home, np.full(unmatched, -1)), np.append(tie, ["nothing"] * unmatched)
    park = _park_of(parcels, estates)[home]
    park[home < 0] = -1
    industry = _industries(park, len(estates), rng)
    land = _land(stays, unmatched, rng)
    codes = credit_codes(parcels["parcel_id"].str[0].to_numpy()[home], rng)
    facts = _facts(land, park >= 0, industry, rng)
    names = _names(towns["district_name"].str.removesuffix("区").to_numpy(), parcels, home, industry)
    now = pd.DataFrame({"enterprise_code": codes, "enterprise_name": names, "year": YEAR, **facts, **land})
    middles = shapely.point_on_surface(parcels.geometry.to_numpy())
    has_point = (tie == "point") | ((tie == "holdings") & (rng.random(len(tie)) < 0.35))
    points = middles[home]
    points[~has_point] = None
    now["parcel_id"] = pd.Series(parcels["parcel_id"].to_numpy()[home], dtype="str").where(tie == "parcel_id")
    enterprises = gpd.GeoDataFrame(_two_years(now, rng), crs=CRS, geometry=_repeat_points(points, now, rng))
    return Firms(
        enterprises, _holdings(stays, tie, codes, parcels, rng), _owner(stays, tie, len(parcels), rng), industry
    )


def _stays(parcels: gpd.GeoDataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return who uses which parcel: firm, parcel (rows), relation, land in m², and the tenant's host."""
    used = np.flatnonzero(((parcels["land_use_code"] == INDUSTRIAL) & (parcels["status"] == "在用")).to_numpy())
    area = parcels["recorded_area_m2"].to_numpy()[used]
    near = np.diff(used, prepend=-9) <= 2
    owner = np.cumsum(~near | (rng.random(len(used)) > 0.24)) - 1
    tenants = np.where((rng.random(len(used)) < 0.13) & (area > 2000), 1 + rng.poisson(2.0, len(used)), 0)
    let = np.where(tenants > 0, rng.uniform(0.3, 0.8, len(used)), 0.0)
    guest = np.repeat(np.arange(len(used)), tenants)
    weight = rng.uniform(0.5, 1.5, len(guest))
    part = weight / np.bincount(guest, weight, len(used))[guest]
    owned = pd.DataFrame({"firm": owner, "parcel": used, "relation": "owner", "land": area * (1 - let), "host": -1})
    newcomers = owner[-1] + 1 + np.arange(len(guest))
    rented = pd.DataFrame(
        {
            "firm": newcomers,
            "parcel": used[guest],
            "relation": "tenant",
            "land": area[guest] * let[guest] * part,
            "host": owner[guest],
        }
    )
    return pd.concat([owned, rented], ignore_index=True).assign(land=lambda frame: _whole(frame["land"]))


def _whole(land: pd.Series) -> pd.Series:
    """Round m² to whole 0.001 mu."""
    return (land / MU).round(3) * MU


def _park_of(parcels: gpd.GeoDataFrame, estates: gpd.GeoDataFrame) -> Ints:
    """Return the row of the park each parcel's middle lies in, -1 for none; the first of several."""
    middles = shapely.point_on_surface(parcels.geometry.to_numpy())
    found = np.full(len(parcels), -1)
    for row in range(len(estates) - 1, -1, -1):
        shape = estates.geometry.iloc[row]
        shapely.prepare(shape)
        found[shapely.contains(shape, middles)] = row
    return found


def _industries(park: Ints, parks: int, rng: np.random.Generator) -> npt.NDArray[np.object_]:
    """Choose an industry for each firm; a park has two leading ones."""
    table = places.table("industries.csv")
    codes, weight = table["industry_code"].to_numpy().astype(object), table["weight"].astype("float64").to_numpy()
    leading = np.stack([rng.choice(codes, 2, replace=False) for _ in range(parks + 1)])
    any_code = rng.choice(codes, len(park), p=weight / weight.sum())
    led = (park >= 0) & (rng.random(len(park)) < 0.55)
    return np.where(led, leading[park, rng.integers(2, size=len(park))], any_code)


def _land(stays: pd.DataFrame, unmatched: int, rng: np.random.Generator) -> dict[str, pd.Series]:
    """Registered land, land let out and rented, by firm; missing where a firm has none of a kind."""
    count = int(stays["firm"].max()) + 1
    owned = stays[stays["relation"] == "owner"].groupby("firm")["land"].sum().reindex(range(count))
    rented = stays[stays["relation"] == "tenant"].groupby("firm")["land"].sum().reindex(range(count))
    let = stays[stays["relation"] == "tenant"].groupby("host")["land"].sum().reindex(range(count))
    strangers = _whole(pd.Series(rng.uniform(2000, 20_000, unmatched)))
    return {
        "land_registered_m2": pd.concat([owned + let.fillna(0), strangers], ignore_index=True),
        "land_leased_in_m2": pd.concat([rented, strangers * np.nan], ignore_index=True),
        "land_leased_out_m2": pd.concat([let, strangers * np.nan], ignore_index=True),
    }


def credit_codes(district: npt.NDArray[np.object_], rng: np.random.Generator) -> list[str]:
    """Return distinct unified social credit codes of the fictitious division 99010x."""
    serials = rng.permutation(np.arange(100_000, 100_000 + len(district)))
    firsts = [f"919901{int(d):02d}{_organisation(f'XX{serial}')}" for d, serial in zip(district, serials, strict=True)]
    return [first + credit_check_digit(first) for first in firsts]


def _organisation(body: str) -> str:
    """Close an organisation code with its own check digit (GB 11714)."""
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(weight * int(sign, 36) for weight, sign in zip(weights, body, strict=True))
    return body + "0123456789X0"[11 - total % 11]


def _facts(
    land: dict[str, pd.Series], in_park: np.ndarray, industry: np.ndarray, rng: np.random.Generator
) -> dict[str, object]:
    """Return what a firm reports in a year, all in proportion to its land and its luck."""
    n = len(industry)
    used = used_land(pd.DataFrame(land)).to_numpy()
    luck = rng.lognormal(0.0, 0.75, n) * np.where(in_park, 1.25, 0.70)
    tax = used * luck
    tax = _hundreds(tax * (TAX_PER_MU / MU) * used.sum() / tax.sum())
    added = _hundreds(tax * rng.lognormal(1.40, 0.25, n))
    revenue = _hundreds(added * rng.lognormal(1.45, 0.30, n))
    energy = np.round(added / 1e4 * rng.lognormal(-0.7, 0.6, n), 2)
    high_tech = rng.random(n) < np.where(np.char.startswith(industry.astype("U4"), ("39")), 0.6, 0.22)
    return {
        "industry_code": pd.Series(industry, dtype="str"),
        "scale": np.where(revenue >= 2e7, "above", "below"),
        "tax_cny": np.where(rng.random(n) < 0.02, np.nan, tax),
        "value_added_cny": added,
        "revenue_cny": revenue,
        "output_cny": _hundreds(revenue * rng.uniform(0.96, 1.08, n)),
        "rd_cny": _hundreds(revenue * np.where(high_tech, 0.042, 0.014) * rng.lognormal(0, 0.5, n)),
        "employees": np.ceil(used / rng.lognormal(4.2, 0.45, n)) + 2,
        "energy_tce": energy,
        "electricity_kwh": np.round(energy * rng.uniform(5000, 8000, n), -2),
        "emissions_t": np.round(energy * rng.lognormal(-7.4, 0.8, n), 3),
        "high_tech": high_tech,
        "founded": _after("1992-01-01", rng.integers(0, 11_500, n)),
    }


def _after(day: str, days: Ints) -> pd.Series:
    return pd.Series((pd.Timestamp(day) + pd.to_timedelta(days, unit="D")).astype("datetime64[ns]"))


def used_land(firms: pd.DataFrame) -> pd.Series:
    """Land a firm uses: registered less let out, with what it rents, m²."""
    parts = firms[["land_registered_m2", "land_leased_in_m2", "land_leased_out_m2"]].fillna(0.0)
    return parts["land_registered_m2"] + parts["land_leased_in_m2"] - parts["land_leased_out_m2"]


def _hundreds(money: Floats) -> Floats:
    return np.round(money, -2)


def _names(towns: np.ndarray, parcels: gpd.GeoDataFrame, home: Ints, industry: np.ndarray) -> list[str]:
    words = places.table("industries.csv").set_index("industry_code")["word"].loc[industry]
    where = towns[parcels["parcel_id"].str[0].astype("int64").to_numpy()[home] - 1]
    return [f"示例{town}{word}{k:05d}有限公司" for k, (town, word) in enumerate(zip(where, words, strict=True), 1)]


def _two_years(now: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Put the year before of some firms behind this year's rows."""
    before = now[_reported_before(now)].assign(year=YEAR - 1)
    for name in ("tax_cny", "value_added_cny", "revenue_cny", "output_cny", "rd_cny"):
        before[name] = _hundreds(before[name].to_numpy() * rng.lognormal(-0.04, 0.15, len(before)))
    return pd.concat([now, before], ignore_index=True)


def _reported_before(now: pd.DataFrame) -> pd.Series:
    return pd.Series((now["founded"].dt.year < YEAR - 1) & (now.index % 5 < 2))


def _repeat_points(points: np.ndarray, now: pd.DataFrame, rng: np.random.Generator) -> gpd.GeoSeries:
    """Points for both years, to the centimetre, as a geocoder gives them."""
    rounded = shapely.transform(points, lambda xy: np.round(xy + rng.uniform(-1, 1, xy.shape), 2))
    return gpd.GeoSeries(np.concatenate([rounded, rounded[_reported_before(now).to_numpy()]]), crs=CRS)


def _holdings(
    stays: pd.DataFrame, tie: np.ndarray, codes: list[str], parcels: gpd.GeoDataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    kept = stays[tie[stays["firm"]] == "holdings"]
    lapse = rng.integers(0, 7200, len(kept))
    tenant = (kept["relation"] == "tenant").to_numpy()
    ends = _after("2026-01-01", rng.integers(0, 3000, len(kept)))
    return pd.DataFrame(
        {
            "enterprise_code": np.array(codes, dtype=object)[kept["firm"]],
            "parcel_id": parcels["parcel_id"].to_numpy()[kept["parcel"]],
            "relation": kept["relation"].to_numpy(),
            "land_area_m2": kept["land"].to_numpy(),
            "floor_area_m2": np.where(
                rng.random(len(kept)) < 0.4, np.round(kept["land"] * rng.uniform(0.6, 1.4, len(kept)), 1), np.nan
            ),
            "valid_from": _after("2004-01-01", lapse),
            "valid_to": ends.where(tenant),
        }
    ).astype({"enterprise_code": "str", "parcel_id": "str", "relation": "str"})


def _owner(stays: pd.DataFrame, tie: np.ndarray, parcels: int, rng: np.random.Generator) -> Ints:
    """Return the firm whose code stands on each parcel, -1 for none: some are not told."""
    owned = stays[stays["relation"] == "owner"]
    told = (tie[owned["firm"]] == "owner_code") | ((tie[owned["firm"]] == "holdings") & (rng.random(len(owned)) < 0.7))
    owner = np.full(parcels, -1)
    owner[owned.loc[told, "parcel"]] = owned.loc[told, "firm"]
    return owner
