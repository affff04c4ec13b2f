"""Which cells of a table may be shown (`suppress`): the rule of three firms and what it draws after it (单元隐去).

A cell of too few firms is withheld. Where it could be worked out from a total and the cells that stay open, the
smallest of these is withheld too, and so on, until no sum of the table tells anything of too few firms. Knows cells,
sums and who stands behind them; knows no land, no money.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Sum", "suppress"]

Who = frozenset[Hashable]


@dataclass(frozen=True)
class Sum:
    """A total that is the sum of its members, and of a rest that no table shows.

    Attributes
    ----------
    total : hashable
        A cell, or any other name: then everybody knows it and it cannot be withheld.
    members : tuple
        Cells.
    rest : frozenset
        Who is in the total and in no member.
    """

    total: Hashable
    members: tuple[Hashable, ...]
    rest: Who = frozenset()


def suppress(
    who: Mapping[Any, Who], sums: Iterable[Sum], fewest: int = 3, also: Collection[Hashable] = ()
) -> frozenset[Hashable]:
    """Return the cells to withhold.

    Parameters
    ----------
    who : mapping
        Cell → the firms it sums; a cell without firms is nothing and stays open.
    sums : iterable of Sum
    fewest : int
        A cell of fewer firms is withheld.
    also : collection
        Cells that are withheld for reasons of their own.

    Returns
    -------
    frozenset
        After it every sum with a withheld part has two that are not shown, and where its total is shown these are
        together of at least `fewest` firms.

    Examples
    --------
    One firm in park C: its figure is withheld, and that of B, since the zone less A would tell it:

    >>> firms = {"zone": frozenset("abcdefgh"), "A": frozenset("abcd"), "B": frozenset("efg"), "C": frozenset("h")}
    >>> sorted(suppress(firms, [Sum("zone", ("A", "B", "C"))]))
    ['B', 'C']
    """
    every = tuple(sums)
    hidden = {cell for cell, firms in who.items() if 0 < len(firms) < fewest} | {one for one in also if who.get(one)}
    while True:
        before = len(hidden)
        for one in every:
            while (more := _one_more(one, who, hidden, fewest)) is not None:
                hidden.add(more)
        if len(hidden) == before:
            return frozenset(hidden)


def _one_more(one: Sum, who: Mapping[Any, Who], hidden: set[Hashable], fewest: int) -> Hashable | None:
    """The next cell that has to be withheld for the sake of this sum, None where it is safe."""
    shut = [cell for cell in one.members if cell in hidden]
    behind = one.rest.union(*(who[cell] for cell in shut))
    parts = len(shut) + bool(one.rest)
    if one.total in hidden:
        return None if parts else _smallest(one, who, hidden)
    few_in_rest = not shut and 0 < len(behind) < fewest
    unsafe = bool(shut) and (parts < 2 or len(behind) < fewest)
    if not (few_in_rest or unsafe):
        return None
    more = _smallest(one, who, hidden)
    return one.total if more is None and who.get(one.total) else more


def _smallest(one: Sum, who: Mapping[Any, Who], hidden: set[Hashable]) -> Hashable | None:
    """The open member of fewest firms; of equal ones the first."""
    open_ = [cell for cell in one.members if cell not in hidden and who.get(cell)]
    return min(open_, key=lambda cell: len(who[cell]), default=None)
