"""Faults planted on purpose, each with its code and the ids it hits.

Parcels that are hit are farmland, vacant land, housing, greens or stores, never industry, and firms keep
their land: no planted fault touches the concentration. Codes are those of `tables/codes/findings.csv`. A
fault may have a companion that a check finds rightly as well (a parcel stretched over its neighbour has a
vertex on its edge); only the planted one is listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.codes import credit_check_digit
from layers.example import surveys
from layers.example.firms import YEAR

__all__ = ["ADDED", "Faults", "plant"]

#: Rows that `plant` adds to the parcels: duplicates, slivers, parcels beyond the border.
ADDED = 3 + 2 + 4 + 2
#: Firms tied to nothing.
UNMATCHED = 6


@dataclass
class Faults:
    """The faulty layers and the list of what was planted."""

    frames: dict[str, gpd.GeoDataFrame]
    planted: list[dict[str, object]] = field(default_factory=list)

    def note(self, code: str, layer: str, ids: Sequence[object]) -> None:
        """Remember a fault; an id is text, or a list of ids where several records share the fault."""
        told = [list(map(str, one)) if isinstance(one, (list, tuple)) else str(one) for one in ids]
        self.planted.append({"code": code, "layer": layer, "ids": told})


def plant(
    frames: dict[str, gpd.GeoDataFrame], right: np.ndarray, corners: np.ndarray, rng: np.random.Generator
) -> Faults:
    """Plant every fault; `right` tells each parcel's neighbour, `corners` its block."""
    faults = Faults({name: frame.copy() for name, frame in frames.items()})
    parcels = faults.frames["parcels"]
    fields = _Pool(parcels, ["0101", "0103", "0201"], rng)
    homes = _Pool(parcels, ["0701", "0702"], rng)
    _overlaps(faults, fields, right)
    _broken_rings(faults, fields)
    _doubles(faults, fields, homes)
    _slivers(faults, corners, rng)
    _strays(faults, fields)
    _wrong_values(
        faults, homes, _Pool(parcels, ["0508"], rng), _Pool(parcels, ["1201"], rng), _Pool(parcels, ["0810"], rng)
    )
    _firm_faults(faults)
    return faults


class _Pool:
    """Parcels of some classes in random order; each is given out once."""

    def __init__(self, parcels: gpd.GeoDataFrame, codes: list[str], rng: np.random.Generator) -> None:
        self.rows = list(rng.permutation(np.flatnonzero(parcels["land_use_code"].isin(codes).to_numpy())))

    def take(self, count: int) -> list[int]:
        """Return the next rows."""
        return [int(self.rows.pop()) for _ in range(count)]


def _overlaps(faults: Faults, fields: _Pool, right: np.ndarray) -> None:
    """Stretch three fields by 15 m into the field next to them."""
    parcels = faults.frames["parcels"]
    free = set(fields.rows)
    pairs: list[list[str]] = []
    for row in fields.rows[::-1]:
        beside = int(right[row])
        if len(pairs) == 3 or beside < 0 or not {row, beside} <= free:
            continue
        shape = _stretched(parcels.geometry.iloc[row], parcels.geometry.iloc[beside])
        # Where river or expressway has carved a neighbour away there is nothing to stretch into.
        if shape.geom_type == "Polygon" and shape.area > parcels.geometry.iloc[row].area + 1:
            parcels.loc[row, "geometry"] = shape
            parcels.loc[row, "recorded_area_m2"] = round(shape.area, 2)
            pairs.append(list(parcels["parcel_id"].iloc[[row, beside]]))
            free -= {row, beside}
    fields.rows = [row for row in fields.rows if row in free]
    faults.note("overlap", "parcels", pairs)


def _stretched(shape: shapely.Polygon, beside: shapely.Polygon) -> shapely.Geometry:
    """Return `shape` with the strip of its neighbour that lies within 15 m of it."""
    return shapely.union(shape, shapely.intersection(shapely.buffer(shape, 15.0, join_style="mitre"), beside))


def _broken_rings(faults: Faults, fields: _Pool) -> None:
    """Give three fields a spike, take the geometry of two, write two codes that no system has."""
    parcels = faults.frames["parcels"]
    spiked, lost, coded, nameless = fields.take(3), fields.take(2), fields.take(2), fields.take(2)
    for row in spiked:
        ring = shapely.get_coordinates(parcels.geometry.iloc[row])
        tip = ring[0] + 0.15 * (ring[0] - ring[1])
        parcels.loc[row, "geometry"] = shapely.Polygon(np.vstack([ring[:1], tip, ring]))
    parcels.loc[lost, "geometry"] = None
    parcels.loc[coded, ["land_use_code", "land_use_name"]] = ["0899", "其他公共设施用地"]
    faults.note("geometry-invalid", "parcels", parcels["parcel_id"][spiked])
    faults.note("geometry-null", "parcels", parcels["parcel_id"][lost])
    faults.note("land-use-code-unknown", "parcels", parcels["parcel_id"][coded])
    parcels.loc[nameless, "parcel_id"] = None
    faults.note("id-missing", "parcels", ["", ""])


def _doubles(faults: Faults, fields: _Pool, homes: _Pool) -> None:
    """Copy fields under a new id, copy whole rows, give two homes one id."""
    parcels = faults.frames["parcels"]
    copied, repeated, pairs = fields.take(3), fields.take(2), [homes.take(2) for _ in range(3)]
    copies = parcels.loc[copied].assign(parcel_id=[f"900000{k}1" for k in range(3)])
    faults.note("geometry-duplicate", "parcels", [*zip(parcels["parcel_id"][copied], copies["parcel_id"], strict=True)])
    faults.note("row-duplicate", "parcels", parcels["parcel_id"][repeated])
    for one, other in pairs:
        parcels.loc[other, "parcel_id"] = parcels.loc[one, "parcel_id"]
    faults.note("id-duplicate", "parcels", [parcels.loc[one, "parcel_id"] for one, _ in pairs])
    _append(faults, copies, parcels.loc[repeated])


def _append(faults: Faults, *more: gpd.GeoDataFrame) -> None:
    faults.frames["parcels"] = pd.concat([faults.frames["parcels"], *more], ignore_index=True)


def _slivers(faults: Faults, corners: np.ndarray, rng: np.random.Generator) -> None:
    """Lay four strips of 0.3 m by 60 m along a kerb."""
    strips = []
    for block in corners[rng.choice(len(corners), 4, replace=False)]:
        along = (block[1] - block[0]) / np.linalg.norm(block[1] - block[0])
        out = np.array([along[1], -along[0]])
        out = out if out @ (block[0] - block.mean(axis=0)) > 0 else -out
        start = block[0] + 3.0 * out + 5.0 * along
        strips.append(shapely.Polygon([start, start + 60 * along, start + 60 * along + 0.3 * out, start + 0.3 * out]))
    rows = faults.frames["parcels"].iloc[[0] * 4].assign(**dict.fromkeys(_ATTRIBUTES, None))
    rows = rows.assign(
        parcel_id=[f"900000{k}2" for k in range(4)],
        land_use_code="1201",
        land_use_name="空闲地",
        recorded_area_m2=18.0,
        status="空闲",
        geometry=strips,
    )
    faults.note("sliver-polygon", "parcels", rows["parcel_id"])
    _append(faults, rows.astype(faults.frames["parcels"].dtypes[_ATTRIBUTES].to_dict()))


#: What a sliver has no value for.
_ATTRIBUTES = [
    *("planned_use_code", "owner_code", "owner_name", "industry_code", "plot_ratio_planned", "yard_area_m2"),
    *("green_area_m2", "admin_land_m2", "investment_cny", "agreed_start", "started", "suspended_since"),
    *surveys.COLUMNS,
]


def _strays(faults: Faults, fields: _Pool) -> None:
    """Copy two fields to a place beyond the border."""
    parcels, towns = faults.frames["parcels"], faults.frames["districts"]
    west, _, east, _ = towns.total_bounds
    rows = parcels.loc[fields.take(2)].assign(parcel_id=[f"900000{k}3" for k in range(2)])
    rows = rows.set_geometry(rows.geometry.translate(1.1 * (east - west), 0))
    faults.note("outside-city", "parcels", rows["parcel_id"])
    _append(faults, rows)


def _wrong_values(faults: Faults, homes: _Pool, stores: _Pool, vacant: _Pool, greens: _Pool) -> None:
    """Write areas that differ, negative areas and dates out of order."""
    parcels, buildings = faults.frames["parcels"], faults.frames["buildings"]
    differ, minus, dated = homes.take(4) + greens.take(2), stores.take(2), vacant.take(3)
    parcels.loc[differ, "recorded_area_m2"] = (parcels.loc[differ, "recorded_area_m2"] * 1.3).round(2)
    parcels.loc[minus, "green_area_m2"] = -parcels.loc[minus, "green_area_m2"].abs()
    parcels.loc[dated, "status"] = "闲置"
    for name, day in (("agreed_start", "2020-05-01"), ("started", "2021-03-15"), ("suspended_since", "2020-09-30")):
        parcels.loc[dated, name] = pd.Timestamp(day)
    faults.note("area-differs", "parcels", parcels["parcel_id"][differ])
    faults.note("value-negative", "parcels", parcels["parcel_id"][minus])
    faults.note("dates-out-of-order", "parcels", parcels["parcel_id"][dated])
    low = buildings.index[(buildings["use"] == "住宅") & (buildings["floors"] == 4)][:2]
    buildings.loc[low, "floor_area_m2"] = -1.0
    faults.note("value-negative", "buildings", buildings["building_id"][low])


def _firm_faults(faults: Faults) -> None:
    """Spoil check digits, industry codes and taxes of firms that hang on nothing but a point; add loose holdings."""
    firms, holdings = faults.frames["enterprises"], faults.frames["holdings"]
    now = firms["year"] == YEAR
    known = firms["enterprise_code"].isin(
        set(holdings["enterprise_code"]) | set(faults.frames["parcels"]["owner_code"])
    )
    nowhere = now & ~known & firms["parcel_id"].isna() & firms.geometry.isna()
    faults.note("enterprise-unmatched", "enterprises", firms["enterprise_code"][nowhere])
    loose = firms.index[now & ~known & firms.geometry.notna()]
    codes = firms["enterprise_code"][loose]
    spoilt, edition, refund = (firms["enterprise_code"].isin(codes[at]) for at in (slice(3), slice(3, 5), slice(5, 7)))
    last = firms["enterprise_code"].str[-1]
    other = pd.Series(np.where(last == "1", "2", "1"), index=firms.index)
    firms["enterprise_code"] = firms["enterprise_code"].where(~spoilt, firms["enterprise_code"].str[:-1] + other)
    firms["industry_code"] = firms["industry_code"].mask(edition, "4062")
    firms["tax_cny"] = firms["tax_cny"].mask(refund, -firms["tax_cny"].abs().fillna(10_000.0))
    faults.note("credit-code-invalid", "enterprises", firms["enterprise_code"][spoilt & now])
    faults.note("industry-code-edition", "enterprises", firms["enterprise_code"][edition & now])
    faults.note("money-negative", "enterprises", firms["enterprise_code"][refund & now])
    extra = holdings.iloc[[0, 1, 2, 3]].reset_index(drop=True)
    extra.loc[[0, 1], "parcel_id"] = ["99999991", "99999992"]
    extra.loc[[2, 3], "enterprise_code"] = [
        first + credit_check_digit(first) for first in ("91990199XX9999993", "91990199XX9999985")
    ]
    faults.note("holding-unknown-parcel", "holdings", extra["parcel_id"][[0, 1]])
    faults.note("holding-unknown-enterprise", "holdings", extra["enterprise_code"][[2, 3]])
    faults.frames["holdings"] = pd.concat([holdings, extra], ignore_index=True)
