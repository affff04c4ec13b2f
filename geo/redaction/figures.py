"""Figures of firms in a public version (`withhold`): which places show them, and which figures never leave.

Knows which indicators of the catalogue sum firms or their money, who stands behind each place, and which places add
up to which. Decides on every level at once, whatever a run prints, so that two runs of one city withhold the same
figures. Decides by the rule of `suppression`; computes no figure.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.assessment import Assessment
from geo.firms import Firms
from geo.indicators import Indicator, asked_rows, catalogue, firm_rows, land_rows, scopes, zone_rows
from geo.industry import output_column
from geo.land import Land
from geo.redaction.across import Summed, withhold_across
from geo.redaction.suppression import Sum, suppress

__all__ = ["hidden_places", "of_firms", "withhold"]

_LEVELS = ("city", "zones", "district", "zone", "park")

Places = frozenset[tuple[str, str]]
_Cell = tuple[str, int]
_Who = dict[_Cell, frozenset[Hashable]]


def of_firms(entry: Indicator) -> bool:
    """Tell whether an indicator sums figures of firms, or money on their land.

    Examples
    --------
    >>> known = catalogue()
    >>> [of_firms(known[name]) for name in ("tax_per_mu", "investment_per_mu", "plot_ratio")]
    [True, True, False]
    """
    return entry.table != "land" or entry.numerator_unit == "cny"


def hidden_places(assessment: Assessment, fewest: int) -> dict[str, Places]:
    """Return for each indicator of firms the places, as (level, id), that do not show it.

    Parameters
    ----------
    assessment : Assessment
        With all its firms and, where an indicator sums money of parcels, all its parcels.
    fewest : int
        See `suppression.suppress`.
    """
    land, firms = assessment.land, assessment.firms
    places = scopes(land, firms, assessment.city, _LEVELS)
    ids = {(level, int(key)): str(id_) for level, key, id_ in zip(places["level"], places["key"], places["id"],
                                                                  strict=True)}  # fmt: skip
    parks = None if land is None or land.parks is None else land.parks
    hidden: dict[str, set[_Cell]] = {}
    summed: dict[str, Summed] = {}
    for entry in catalogue().values():
        found = _summed(entry, assessment) if of_firms(entry) else None
        if found is None or not len(found.rows):
            continue
        rows = found.rows
        also = _parts_of_few(entry, rows, fewest) | (
            _industries_of_few(rows, assessment, fewest) if entry.table == "industries" else set()
        )
        summed[entry.id] = found
        hidden[entry.id] = cast("set[_Cell]", set(suppress(_behind(rows), _sums(rows, parks), fewest, also)))
    withhold_across(summed, hidden, fewest)
    return {name: frozenset((level, ids[level, key]) for level, key in cells) for name, cells in hidden.items()}


def withhold(table: pd.DataFrame, hidden: dict[str, Places]) -> pd.DataFrame:
    """Return the indicators without firms, and without the figures that are hidden.

    Parameters
    ----------
    table : DataFrame
        As `Assessment.indicators`.
    hidden : dict
        From `hidden_places`.

    Returns
    -------
    DataFrame
        `suppressed` tells which figures are withheld: their sums and value are missing, and no target judges them.
        Figures of firms have no rows of single parcels and firms.
    """
    known = catalogue()
    money = np.array([of_firms(known[name]) for name in table["id"]], dtype=bool)
    single = table["level"].isin(["parcel", "enterprise"]).to_numpy()
    table = table[~(single & money) & (table["level"] != "enterprise").to_numpy()].reset_index(drop=True)
    places = zip(table["id"], table["level"], table["scope_id"].astype(str), strict=True)
    shut = np.array([(level, place) in hidden.get(name, ()) for name, level, place in places], dtype=bool)
    columns = ["numerator", "denominator", "value"]
    blank = table[columns].astype("float64").mask(pd.Series(shut, table.index), axis=0)
    targets = [_unjudged(asked) if gone else asked for asked, gone in zip(table["targets"], shut, strict=True)]
    return table.assign(
        **{name: blank[name] for name in columns},
        targets=pd.Series(targets, table.index, dtype="object"),
        suppressed=shut,
    )


def _unjudged(targets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one | {"met": None, "gap": None} for one in targets]


def _summed(entry: Indicator, assessment: Assessment) -> Summed | None:
    """One row a firm × place that counts: `who`, `top`, `below`, one column a level; None where there are none."""
    land, firms = assessment.land, assessment.firms
    if entry.table == "land":
        return None if land is None else _land_rows(entry, land, firms)
    if firms is None:
        return None
    parks = None if land is None else land.parks
    table = firm_rows(firms, parks).reset_index(drop=True)  # rows are known by their number in every indicator
    top, below = entry.numerator, entry.denominator
    if entry.table == "industries":
        column = output_column(firms)
        if column is None:
            return None
        code = firms.firms["industry_code"].array[table["firm"].to_numpy()]
        table = table.assign(code=pd.Series(code, table.index).astype("string"))
        table, top, below = table[table["code"].notna()], column, column
    if not {top, below} <= set(table):
        return None
    return _known(entry, table.assign(who=_numbers(firms.firms["firm_id"])[table["firm"].to_numpy()]), top, below)


def _numbers(names: pd.Series) -> npt.NDArray[np.intp]:
    """One number a name, the same for every indicator: sets of a million names take their time."""
    return pd.factorize(names.astype(str))[0]


def _land_rows(entry: Indicator, land: Land, firms: Firms | None) -> Summed:
    """Pieces of land; behind each stands its firm, else its owner, else the parcel itself."""
    own = land.parcels
    holder = pd.Series("parcel " + own["uid"].astype(str), index=own.index, dtype="object")
    for name in (
        "owner_name",
        "owner_code",
    ):  # of one owner with two parcels there is one, whichever of the two is told
        if name in own:
            holder = own[name].astype("object").where(own[name].notna(), holder)
    if firms is not None and len(firms.links):
        first = firms.links.sort_values(["parcel", "firm"]).drop_duplicates("parcel").set_index("parcel")["firm"]
        holder.loc[first.index] = firms.firms["firm_id"].astype(str).to_numpy()[first.to_numpy()]
    rows = land_rows(land).reset_index(drop=True)
    rows = rows.assign(who=_numbers(holder)[rows["unit"].to_numpy()])
    return _known(entry, rows, entry.numerator, entry.denominator)


def _known(entry: Indicator, table: pd.DataFrame, top: str, below: str) -> Summed:
    asked = np.ones(len(table), dtype=bool) if entry.table == "industries" else asked_rows(entry, table)[0]
    known = asked & np.isfinite(table[top].to_numpy("float64")) & np.isfinite(table[below].to_numpy("float64"))
    levels = [level for level in _LEVELS if level in table and level in entry.levels]
    extra = [name for name in ("code",) if name in table]
    kept = pd.DataFrame(table.loc[known, ["who", *levels, *extra]])
    both = {name: table.loc[known, column].to_numpy("float64") for name, column in (("top", top), ("below", below))}
    return Summed(kept.assign(**both), top, below)


def _levels(rows: pd.DataFrame) -> list[str]:
    return [level for level in _LEVELS if level in rows]


def _by_place(rows: pd.DataFrame) -> _Who:
    found: _Who = {}
    for level in _levels(rows):
        placed = rows[rows[level] >= 0]
        found |= {(level, int(str(key))): frozenset(who) for key, who in placed.groupby(level)["who"]}
    return found


def _behind(rows: pd.DataFrame) -> _Who:
    """Who stands behind each place: firms that add something on top; where none does, all that say so."""
    return _by_place(rows) | _by_place(rows[rows["top"] != 0])


def _sums(rows: pd.DataFrame, parks: pd.DataFrame | None) -> list[Sum]:
    """Which places add up to which."""
    cells = _by_place(rows)
    of = {level: tuple(cell for cell in cells if cell[0] == level) for level in _LEVELS}
    city = ("city", 0)
    made = [Sum(city, of["district"], _nowhere(rows, "district"))] if "district" in rows else []
    if parks is None or "park" not in rows:
        return made
    zone_of = zone_rows(parks)
    made += [Sum(city, of["zones"], _nowhere(rows, "park")), Sum(("zones", 0), of["zone"])]
    made += [Sum(zone, tuple(park for park in of["park"] if zone_of[park[1]] == zone[1])) for zone in of["zone"]]
    return made


def _nowhere(rows: pd.DataFrame, level: str) -> frozenset[Hashable]:
    return frozenset(rows.loc[(rows[level] < 0) & (rows["top"] != 0), "who"])


def _parts_of_few(entry: Indicator, rows: pd.DataFrame, fewest: int) -> set[_Cell]:
    """Places where the rest of a whole, the sum below less the one on top, is of too few firms."""
    if entry.table == "industries" or entry.numerator_unit != entry.denominator_unit:
        return set()
    rest = _by_place(rows[rows["below"] != rows["top"]])
    return {cell for cell, who in rest.items() if len(who) < fewest}


def _industries_of_few(rows: pd.DataFrame, assessment: Assessment, fewest: int) -> set[_Cell]:
    """Places where an industry that may lead, or all that do not, is of too few firms."""
    project = assessment.project
    leading = tuple(project.texts("industry.leading"))
    count = max(int(project.number("industry.leading_count") or 1), 3)
    code = rows["code"].str.replace(r"^[A-Za-z]", "", regex=True)
    rows = rows.assign(division=code.str.slice(0, 2), named=code.str.startswith(leading) if leading else False)
    few = set()
    for level in _levels(rows):
        for key, here in rows[(rows[level] >= 0) & (rows["top"] != 0)].groupby(level):
            sizes = here.groupby("division")["top"].sum().sort_values(ascending=False, kind="stable")
            largest = [set(sizes.index[:place]) for place in range(1, count + 1)]
            groups = [here["division"].isin(one) for one in largest] + ([here["named"]] if leading else [])
            parts = [here.loc[one, "who"].nunique() for mask in groups for one in (mask, ~mask)]
            if any(0 < part < fewest for part in parts):
                few.add((level, int(str(key))))
    return few
