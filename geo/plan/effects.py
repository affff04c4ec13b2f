"""What an act changes in the two sums of a target (`Effects`): everything in whole steps, parcel by parcel.

A parcel's industry can leave (its sums go), move into a park (they go here and come there), or stay while the boundary
of a park moves round it. Land that is left does not change its class by itself: it is taken to stop being industrial.
Land taken in the park is the land left times a ratio; all other sums of a firm move as they are.

Both sums run over the same rows as the indicator itself (`geo.indicators`), so nothing is planned that is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.firms import Firms
from geo.indicators import asked_rows, firm_rows, land_rows, level_keys, zone_rows
from geo.land import Land
from geo.plan.targets import Target
from layers.units import to_tally

__all__ = ["Effects", "Side", "effects"]

Integers = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]

#: Sums that are land and shrink or grow with it where industry moves.
_LAND = ("land_area_m2", "inside_area_m2", "industrial_area_m2", "land_used_m2")
#: Where a level counts a place by its parks.
_OF_PARKS = ("zones", "zone", "park")


@dataclass(frozen=True)
class Side:
    """One of the two sums, in steps, one row a parcel.

    Attributes
    ----------
    column : str
        What is summed.
    here : array of int64
        The parcel's part that counts in the target's place.
    outside : array of int64
        Its part that lies outside every park.
    whole : array of int64
        All of it, wherever it lies.
    now : int
        The sum as it is.
    """

    column: str
    here: Integers
    outside: Integers
    whole: Integers
    now: int

    @property
    def is_land(self) -> bool:
        """Whether it is land."""
        return self.column in _LAND


@dataclass(frozen=True)
class Effects:
    """What acts on parcels change in a target.

    Attributes
    ----------
    target : Target
    top, below : Side
    parks : array of bool
        Parks that lie in the target's place; all of them for the city.
    by_park : bool
        Whether the place is made of parks.
    city_below : bool
        Whether the sum below is the whole city's.
    land : array of int64
        Land of each parcel that would count in the place if it were industrial, in steps: of a parcel on a boundary
        only its part there.
    """

    target: Target
    top: Side
    below: Side
    parks: npt.NDArray[np.bool_]
    by_park: bool
    city_below: bool
    land: Integers

    def retire(self, parcel: Rows) -> tuple[Integers, Integers]:
        """Industry leaves the parcels."""
        return -self.top.here[parcel], -self.below.here[parcel]

    def relocate(self, parcel: Rows, park: Rows, ratio: float) -> tuple[Integers, Integers]:
        """Industry of the parcels moves into parks, onto `ratio` times the land it leaves."""
        comes = self.parks[park]
        return (
            _moved(self.top, parcel, comes, ratio),
            _moved(self.below, parcel, comes | self.city_below, ratio),
        )

    def annex(self, parcel: Rows, park: Rows) -> tuple[Integers, Integers]:
        """The parts of parcels outside every park come into parks."""
        # A parcel stays in its district, whichever park it joins.
        joins = self.parks[park] | (self.target.level == "district")
        if self.target.indicator.numerator == "inside_area_m2":
            return np.where(joins, self.top.outside[parcel], 0), np.zeros(len(parcel), dtype="int64")
        if not self.by_park:
            return np.zeros(len(parcel), dtype="int64"), np.zeros(len(parcel), dtype="int64")
        below = np.zeros(len(parcel), dtype="int64") if self.city_below else self.below.outside[parcel]
        return np.where(joins, self.top.outside[parcel], 0), np.where(joins, below, 0)

    def intensify(self, parcel: Rows, floor: Integers) -> tuple[Integers, Integers]:
        """`floor` steps of floor area are added on the parcels; it counts where the parcel's land does."""
        nothing = np.zeros(len(parcel), dtype="int64")
        if self.top.column != "floor_area_m2":
            return nothing, nothing
        whole = np.maximum(self.below.whole[parcel], 1)
        share = self.below.here[parcel] / whole
        return np.rint(floor * share).astype("int64"), nothing

    def infill(self, parcel: Rows, whole: Integers, taken: float) -> tuple[Integers, Integers]:
        """Industry comes onto vacant parcels of `whole` steps of land; `taken` steps on top a step that counts."""
        land = self.land[parcel]
        return np.rint(land * taken).astype("int64"), whole if self.city_below else land


def _moved(side: Side, parcel: Rows, comes: npt.NDArray[np.bool_], ratio: float) -> Integers:
    whole = side.whole[parcel]
    whole = np.rint(whole * ratio).astype("int64") if side.is_land else whole
    return np.where(comes, whole, 0) - side.here[parcel]


def effects(target: Target, land: Land, firms: Firms | None, districts: Rows) -> Effects:
    """Return what acts on parcels change in a target.

    Parameters
    ----------
    target : Target
    land : Land
    firms : Firms or None
        Needed for indicators of firms.
    districts : array of int
        District each park lies in, −1 for none.
    """
    entry = target.indicator
    if entry.table == "firms" and firms is not None:
        rows = firm_rows(firms, land.parks)
        if land.parks is not None:  # the rows of parks are asked for by number here
            rows = rows.assign(park=firms.fragments["park"].to_numpy())
    else:
        rows = land_rows(land).assign(park=land.pieces["park"].to_numpy())
    asked, _ = asked_rows(entry, rows)
    rows = rows[asked & np.isfinite(rows[entry.numerator]) & np.isfinite(rows[entry.denominator])]
    city_below = entry.denominator_of == "city"
    count = len(land.parcels)
    top, below = entry.numerator, entry.denominator
    # Land that comes into a park counts there whether it was inside one before or not.
    moves = "industrial_area_m2" if top == "inside_area_m2" else top
    here = rows[target.level].to_numpy() == target.key if target.level in rows else np.zeros(len(rows), dtype=bool)
    everywhere = np.ones(len(rows), dtype=bool)
    return Effects(
        target=target,
        top=_side(rows, top, moves, here, entry.numerator_unit, count, in_place=_inside_of(target, rows)),
        below=_side(rows, below, below, everywhere if city_below else here, entry.denominator_unit, count),
        parks=_parks_of(target, land, districts),
        by_park=target.level in _OF_PARKS,
        city_below=city_below,
        land=_land_in(target, land),
    )


def _land_in(target: Target, land: Land) -> Integers:
    """Return how much of each parcel would count in the place if it were industrial."""
    pieces, keys = land.pieces, level_keys(land)
    area = pieces["land_area_m2"].to_numpy("float64")
    counted = np.isfinite(area) & (keys[target.level] == target.key)
    if target.indicator.numerator == "inside_area_m2":
        counted &= pieces["park"].to_numpy() >= 0
    steps = to_tally(np.where(counted, area, 0.0), "m2")
    return _by_parcel(steps, pieces["parcel"].to_numpy("int64"), counted, len(land.parcels))


def _inside_of(target: Target, rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Rows whose outside part an annexation brings into the place: of a district, those that lie in it."""
    if target.level == "district":
        return np.asarray(rows["district"].to_numpy() == target.key)
    return np.ones(len(rows), dtype=bool)


def _side(
    rows: pd.DataFrame,
    column: str,
    moves: str,
    here: npt.NDArray[np.bool_],
    unit: str,
    count: int,
    in_place: npt.NDArray[np.bool_] | None = None,
) -> Side:
    steps = to_tally(rows[column].to_numpy("float64"), unit)
    moving = to_tally(rows[moves].to_numpy("float64"), unit)
    parcel = rows["parcel"].to_numpy("int64")
    outside = rows["park"].to_numpy() < 0 if "park" in rows else np.ones(len(rows), dtype=bool)
    placed = outside if in_place is None else outside & in_place
    return Side(
        column,
        _by_parcel(steps, parcel, here, count),
        _by_parcel(moving, parcel, placed, count),
        _by_parcel(moving, parcel, np.ones(len(rows), dtype=bool), count),
        int(steps[here].sum()),
    )


def _by_parcel(steps: Integers, parcel: npt.NDArray[np.int64], counted: npt.NDArray[np.bool_], count: int) -> Integers:
    """Add steps by parcel; what lies on no known parcel (−1) belongs to none."""
    sums = np.zeros(count, dtype="int64")
    mine = counted & (parcel >= 0)
    np.add.at(sums, parcel[mine], steps[mine])
    return sums


def _parks_of(target: Target, land: Land, districts: Rows) -> npt.NDArray[np.bool_]:
    if land.parks is None:
        return np.zeros(0, dtype=bool)
    every = np.ones(len(land.parks), dtype=bool)
    if target.level in ("city", "zones"):
        return every
    if target.level == "district":
        return np.asarray(districts == target.key)
    of = zone_rows(land.parks)[:-1] if target.level == "zone" else np.arange(len(land.parks))
    return np.asarray(of == target.key)
