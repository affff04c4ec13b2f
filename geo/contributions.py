"""What a part of a city adds to every figure (`contribute`), and how parts add up (`add`).

A contribution holds integer sums, and the parcels that are still needed when all sums are in: those that
firms name, or those that may become candidates. Nothing in it depends on how the city was cut, so one
part, many parts and parts from many machines add up to the same bits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.concentrations import IdentitySums, identity_sums
from geo.indicators import merge, tally
from geo.land import Land, Places, select

__all__ = ["Contribution", "Keep", "add", "contribute"]

#: Which rows of the parcels are still needed.
Keep = Callable[[Land], npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class Contribution:
    """Sums of a part of a city.

    Attributes
    ----------
    sums : DataFrame
        As `indicators.tally` returns it, of land.
    identities : IdentitySums
    unplaced : dict
        See `Land.unplaced`.
    uses : dict of Counter
        Parcels by land-use class, by the column that names it.
    industrial, parcels : int
        Parcels that are industrial, and all.
    kept : tuple of Land
        Parcels that are still needed, without the places they were attached to.
    """

    sums: pd.DataFrame
    identities: IdentitySums
    unplaced: dict[str, float]
    uses: dict[str, Counter[str]]
    industrial: int
    parcels: int
    kept: tuple[Land, ...] = field(repr=False)


def contribute(
    land: Land, outline: npt.NDArray[np.object_] | None, levels: Sequence[str], *, keep: Keep | None = None
) -> Contribution:
    """Sum a part of a city.

    Parameters
    ----------
    land : Land
    outline : array of polygons or None
        See `concentrations.outline_of`.
    levels : sequence of str
        See `indicators.LEVELS`.
    keep : callable, optional
        Tells which parcels are still needed; by default all.
    """
    few = land if keep is None else select(land, np.flatnonzero(keep(land)))
    return Contribution(
        sums=tally(land, None, levels),
        identities=identity_sums(land, outline),
        unplaced=land.unplaced,
        uses={
            column: Counter(land.parcels[column].astype("string").value_counts().to_dict())
            for column in ("land_use_code", "land_use_name")
            if column in land.parcels
        },
        industrial=int(land.parcels["industrial"].fillna(value=False).sum()),
        parcels=len(land.parcels),
        kept=(replace(few, places=Places()),),
    )


def add(one: Contribution, other: Contribution) -> Contribution:
    """Add the contributions of two parts that share no parcel."""
    return Contribution(
        sums=merge([one.sums, other.sums]),
        identities=one.identities + other.identities,
        unplaced={key: value + other.unplaced[key] for key, value in one.unplaced.items()},
        uses={column: count + other.uses[column] for column, count in one.uses.items()},
        industrial=one.industrial + other.industrial,
        parcels=one.parcels + other.parcels,
        kept=one.kept + other.kept,
    )
