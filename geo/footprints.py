"""Buildings on land: which footprint and floor area count for which parcel (`build_on`).

A footprint goes to parcels by `overlay.place`; its sums are shared in whole steps of 0.01 m², so parcels and
what stands on no parcel add up to the buildings exactly. A parcel with a building of unknown floor area
has an unknown floor area: missing is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.intensity import floor_areas
from geo.overlay import Pairs, share_out
from layers.units import from_tally, in_steps, to_tally

__all__ = ["TOLD_BY_BUILDINGS", "Standing", "build_on", "measure_buildings"]

#: What buildings tell of themselves; summed onto parcels as footprint × value, over the footprint of those that tell.
_TOLD = ("built_year", "height_m")
_TOLD_SUMS = (("dated_base_m2", "dated_base_years"), ("tall_base_m2", "tall_base_m3"))
_TOLD_SCALE = 10
#: Those sums, as columns of `Standing.table`.
TOLD_BY_BUILDINGS = tuple(name for pair in _TOLD_SUMS for name in pair)

#: A sliver of a building on a parcel says nothing about the parcel.
_SLIVER = 0.01


class Standing(NamedTuple):
    """What stands on each of n parcels, and what stands on none."""

    #: One row a parcel: `floor_area_m2` (missing where a building's is), `building_base_m2`,
    #: `storeys_unknown_m2` (floor area of buildings whose storey height is not known), `floor_area_estimated`,
    #: `buildings` (count); and of the buildings that tell their year of completion or their height the footprint,
    #: and the sum of footprint × year or height: `dated_base_m2`, `dated_base_years` (year·m²), `tall_base_m2`,
    #: `tall_base_m3`.
    table: pd.DataFrame
    #: Buildings (count) and footprint (m²) on no parcel.
    unplaced: dict[str, float]


def measure_buildings(
    buildings: pd.DataFrame,
    footprint_m2: pd.Series,
    *,
    storey_height_m: float | None = None,
    storey_heights: Mapping[str, float] | None = None,
    tall_storey_m: float = 8.0,
) -> pd.DataFrame:
    """Footprint and floor area of every building in whole steps: `footprint_m2`, and as `intensity.floor_areas`.

    `built_year` and `height_m` (m) come along, missing where they are not told or not above 0.
    """
    stock = floor_areas(
        buildings.reset_index(drop=True),
        footprint_m2,
        storey_height_m=storey_height_m,
        storey_heights=storey_heights,
        tall_storey_m=tall_storey_m,
    )
    stock.insert(0, "footprint_m2", in_steps(footprint_m2, "m2"))
    stock["floor_area_m2"] = in_steps(stock["floor_area_m2"], "m2")
    for column in _TOLD:
        told = buildings[column].reset_index(drop=True) if column in buildings else pd.Series(np.nan, index=stock.index)
        stock[column] = told.astype("float64").mask(told.astype("float64") <= 0)
    return stock


def build_on(
    stock: pd.DataFrame, pairs: Pairs, n: int, *, home: npt.NDArray[np.bool_] | None = None, blank: bool | None = None
) -> Standing:
    """Sum footprints and floor areas onto n parcels.

    Parameters
    ----------
    stock : DataFrame
        As `measure_buildings` returns it.
    pairs : Pairs
        As `overlay.place` returns it: every parcel each building stands on.
    n : int
        Number of parcels.
    home : array of bool, optional
        Buildings to be counted where they stand on no parcel; by default all.
    blank : bool, optional
        Whether no building of the whole layer has a known floor area; by default that is looked up in `stock`.
        Of such a layer an empty parcel proves no plot ratio of 0.
    """
    home = np.ones(len(stock), dtype=bool) if home is None else home
    unknown = stock["floor_area_m2"].isna().to_numpy()
    on_parcels = np.bincount(pairs.left, weights=pairs.share, minlength=len(stock))
    beside = np.flatnonzero(on_parcels < 1 - 1e-9)
    building = np.concatenate([pairs.left, beside])
    parcel = np.concatenate([pairs.right, np.full(len(beside), n)])
    share = np.concatenate([pairs.share, 1 - on_parcels[beside]])
    counted = (parcel < n) | home[building]
    shared = {
        column: share_out(to_tally(stock[column].fillna(0.0), "m2"), building, share)
        for column in ("footprint_m2", "floor_area_m2")
    }
    sums = {column: _added(steps, parcel, counted, n) for column, steps in shared.items()}
    # Of a building whose storey height is not known, all floor area may have to be doubled.
    untold = counted & stock["tall"].isna().to_numpy()[building]
    sums["storeys_unknown_m2"] = _added(shared["floor_area_m2"], parcel, untold, n)
    on = (parcel < n) & (share > _SLIVER)
    floor = from_tally(sums["floor_area_m2"][:-1], "m2")
    floor[np.unique(parcel[on & unknown[building]])] = np.nan
    if unknown.all() if blank is None else blank:
        floor[:] = np.nan
    estimated = np.zeros(n, dtype=bool)
    estimated[np.unique(parcel[on & stock["estimated"].to_numpy()[building]])] = True
    table = pd.DataFrame(
        {
            "floor_area_m2": floor,
            "building_base_m2": from_tally(sums["footprint_m2"][:-1], "m2"),
            "storeys_unknown_m2": from_tally(sums["storeys_unknown_m2"][:-1], "m2"),
            "floor_area_estimated": estimated,
            "buildings": np.bincount(parcel[on], minlength=n),
            **_weighted(stock, shared["footprint_m2"], building, np.where(on, parcel, n), n),
        }
    )
    away = {
        "buildings": float(((on_parcels == 0) & home).sum()),
        "footprint_m2": float(from_tally(sums["footprint_m2"][-1:], "m2")[0]),
    }
    return Standing(table, away)


def _weighted(
    stock: pd.DataFrame,
    footprint: npt.NDArray[np.int64],
    building: npt.NDArray[np.intp],
    parcel: npt.NDArray[np.intp],
    n: int,
) -> dict[str, npt.NDArray[np.float64]]:
    """Sum footprint, and footprint × what buildings tell, onto parcels: whole steps, in any order."""
    sums = {}
    for column, (base, product) in zip(_TOLD, _TOLD_SUMS, strict=True):
        told = stock[column].to_numpy("float64")[building]
        known = np.isfinite(told)
        # Heights in whole decimetres, years as they are: products stay far within 64 bits.
        steps = np.round(np.where(known, told, 0.0) * _TOLD_SCALE).astype("int64")
        sums[base] = from_tally(_added(footprint, parcel, known, n)[:-1], "m2")
        sums[product] = from_tally(_added(footprint * steps, parcel, known, n)[:-1], "m2") / _TOLD_SCALE
    return sums


def _added(
    steps: npt.NDArray[np.int64], parcel: npt.NDArray[np.intp], counted: npt.NDArray[np.bool_], n: int
) -> npt.NDArray[np.int64]:
    """Add integers by parcel; the last sum is of what stands on none."""
    total = np.zeros(n + 1, dtype="int64")
    np.add.at(total, parcel[counted], steps[counted])
    return total
