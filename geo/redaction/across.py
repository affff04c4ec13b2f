"""What indicators tell together (`withhold_across`): sums of one column, at every place of every indicator.

Turns rows of firms into the groups and sums that `linear` looks at: firms whose figures fall into the same places and
the same indicators are one group. Land is no secret here: only columns of money, heads and amounts are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.redaction.linear import Groups, told_by_sums

__all__ = ["Summed", "withhold_across"]

Cell = tuple[str, int]

#: Columns that are a part of another.
_PART_OF = {"high_tech_value_added_cny": "value_added_cny"}
#: Of two sums that tell a third one the smaller is withheld; of equal ones that of the smaller place.
_ORDER = ("park", "zone", "district", "zones", "city")


class Summed(NamedTuple):
    """Rows of firms that an indicator sums: `who`, `top`, `below`, one column a level; and the columns it sums."""

    rows: pd.DataFrame
    top: str
    below: str

    def of(self, column: str) -> Iterator[pd.Series]:
        """The values of a column, once for each of the two sums it is in; rows that add nothing are left out."""
        for name, values in ((self.top, self.rows["top"]), (self.below, self.rows["below"])):
            if _PART_OF.get(name, name) == column:
                yield values[values != 0]


def withhold_across(summed: Mapping[str, Summed], hidden: dict[str, set[Cell]], fewest: int) -> None:
    """Add to what is hidden, by indicator, whatever tells sums of few firms together with the rest."""
    columns = dict.fromkeys(_PART_OF.get(name, name) for one in summed.values() for name in (one.top, one.below))
    for column in columns:
        if column.endswith("_m2"):
            continue
        groups = _groups(summed, column)
        shut = {use for use in groups.sums if use.cell in hidden[use.indicator]}
        for use in told_by_sums(groups, shut, fewest, lambda use: (use.firms, _ORDER.index(use.cell[0]), -use.number)):
            hidden[use.indicator].add(use.cell)


class _Use(NamedTuple):
    """A sum of a column: at a cell of an indicator, on top or below (`number` counts them all)."""

    indicator: str
    cell: Cell
    number: int
    firms: int


def _groups(summed: Mapping[str, Summed], column: str) -> Groups[_Use]:
    uses = [(name, values.index, one.rows) for name, one in summed.items() for values in one.of(column)]
    every = pd.concat([rows.loc[index] for _, index, rows in uses])
    every = every[~every.index.duplicated()]
    levels = [level for level in _ORDER if level in every]
    marks = pd.DataFrame({f"use {n}": every.index.isin(index) for n, (_, index, _) in enumerate(uses)}, every.index)
    key = pd.concat([every[levels].fillna(-1).astype("int64"), marks], axis=1)
    number = key.groupby(list(key.columns), sort=False).ngroup()
    first = key.loc[~number.duplicated()]
    who = tuple(every["who"].groupby(number).agg(frozenset))
    sums: dict[_Use, npt.NDArray[np.bool_]] = {}
    for n, (name, _, rows) in enumerate(uses):
        here = first[f"use {n}"].to_numpy()
        for level in (one for one in levels if one in rows):
            places = first[level].to_numpy()
            for one in set(places[here]) - {-1}:
                of = here & (places == one)
                firms = len(frozenset().union(*(who[group] for group in np.flatnonzero(of))))
                sums[_Use(name, (level, int(one)), n, firms)] = of
    return Groups(who, sums)
