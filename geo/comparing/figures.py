"""Figures of two runs side by side: what changed, and what caused it.

Knows the results document (`results.json`) and the catalogue, no file and no shape. Places are matched by id
first, by name second. A change of a ratio is split into parts that add up to it, in the indicator's display unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geo.indicators import LEVELS, Indicator, catalogue
from layers import units
from layers.errors import ParkwiseError
from layers.project import keys

__all__ = [
    "EFFECTS",
    "compare_figures",
    "decompose",
    "differing",
    "figures",
    "floors_alike",
    "match_places",
    "resting_on",
]

#: What a change is made of.
EFFECTS = ("numerator_effect", "denominator_effect", "boundary_effect")

#: Levels at which a place is what it is, whatever its name.
ONLY_ONE = ("city", "zones")

_SUMS = ("numerator", "denominator", "value", "missing", "estimated")
_UNITS = ("unit", "numerator_unit", "denominator_unit")


def decompose(
    top_before: pd.Series,
    below_before: pd.Series,
    top_after: pd.Series,
    below_after: pd.Series,
    top_moved: pd.Series | None = None,
    below_moved: pd.Series | None = None,
) -> pd.DataFrame:
    """Split the change of a ratio (比值变化分解) into parts that add up to it exactly.

    With N, D before, N′, D′ after, and M and L the parts of N′ − N and of D′ − D that moved boundaries alone made:

    - numerator_effect = (N′ − N − M) · ½ (1/D + 1/D′)
    - denominator_effect = −(D′ − D − L) · ½ (N + N′) / (D · D′)
    - boundary_effect = M · ½ (1/D + 1/D′) − L · ½ (N + N′) / (D · D′)

    Parameters
    ----------
    top_before, below_before, top_after, below_after : Series, shape (n,)
        The two sums at the two times, in base units; sums below are not 0 (missing where the ratio is).
    top_moved, below_moved : Series, shape (n,), optional
        M and L, in the units of their sums; missing where boundaries have no part in the change, or an unknown one.

    Returns
    -------
    DataFrame
        `EFFECTS`, in the unit of the sums on top over the unit of those below; `boundary_effect` is missing where
        `top_moved` is.

    Notes
    -----
    The midpoint (Shapley) split of N · (1/D): it does not matter which of the two is thought to change first, and
    swapping the two times turns every sign. Since the parts of a sum share one weight, N′ − N and D′ − D may be split
    further without a remainder.

    Examples
    --------
    30 of 60 become 45 of 75 (0.5 → 0.6): the numerator alone raises it by 15 · ½ (1/60 + 1/75) = 0.225, the
    denominator lowers it by 15 · 37.5 / (60 · 75) = 0.125.

    >>> parts = decompose(pd.Series([30.0]), pd.Series([60.0]), pd.Series([45.0]), pd.Series([75.0]))
    >>> parts[["numerator_effect", "denominator_effect"]].round(6).iloc[0].tolist()
    [0.225, -0.125]
    """
    top_weight = (1 / below_before + 1 / below_after) / 2
    below_weight = (top_before + top_after) / 2 / (below_before * below_after)
    if top_moved is None:
        top_moved = pd.Series(np.nan, index=top_before.index)
    known = top_moved.notna()
    top_share = top_moved.where(known, 0)
    below_share = top_share * 0 if below_moved is None else below_moved.where(known, 0)
    return pd.DataFrame(
        {
            "numerator_effect": (top_after - top_before - top_share) * top_weight,
            "denominator_effect": -(below_after - below_before - below_share) * below_weight,
            "boundary_effect": (top_share * top_weight - below_share * below_weight).where(known),
        }
    )


def figures(document: Mapping[str, Any]) -> pd.DataFrame:
    """Return the indicators of a results document as a table.

    Returns
    -------
    DataFrame
        `id`, `level`, `scope_id`, `scope_name`, `numerator`, `denominator`, `value`, `missing` (count), `estimated`,
        `unit`, `numerator_unit`, `denominator_unit`.
    """
    rows = [
        {
            "id": row["id"],
            "level": row["scope"]["level"],
            "scope_id": str(row["scope"]["id"]),
            "scope_name": str(row["scope"]["name"]),
            "numerator": row["numerator"],
            "denominator": row["denominator"],
            "value": row["value"],
            "missing": row.get("missing", {}).get("count"),
            "estimated": bool(row.get("estimated")),
            **{name: row[name] for name in _UNITS},
        }
        for row in document["indicators"]
    ]
    table = pd.DataFrame(rows, columns=["id", "level", "scope_id", "scope_name", *_SUMS, *_UNITS])
    numbers = ["numerator", "denominator", "value", "missing"]
    table[numbers] = table[numbers].astype("float64")
    return table


# ---------------------------------------------------------------- places


def match_places(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Match the places of two runs: by level and id, then, where both names stand once, by name.

    Parameters
    ----------
    before, after : DataFrame
        With `level`, `scope_id`, `scope_name`; rows may repeat.

    Returns
    -------
    DataFrame
        `level`, `id_before`, `name_before`, `id_after`, `name_after`, `state`: same, renamed (the id stays), new_id
        (the name stays), appeared, gone. The city is the city under any name.

    Examples
    --------
    >>> columns = ["level", "scope_id", "scope_name"]
    >>> one = pd.DataFrame([("zone", "Z1", "East"), ("zone", "Z2", "West"), ("zone", "Z3", "Old")], columns=columns)
    >>> two = pd.DataFrame([("zone", "Z1", "East bay"), ("zone", "Z9", "West")], columns=columns)
    >>> match_places(one, two)["state"].tolist()
    ['renamed', 'new_id', 'gone']
    """
    old, new = _places(before), _places(after)
    by_id = old.merge(new, on=["level", "key"], suffixes=("_before", "_after"))
    old, new = (_not_among(side, by_id, "key") for side in (old, new))
    once = [side[~side.duplicated(["level", "name"], keep=False)] for side in (old, new)]
    by_name = once[0].merge(once[1], on=["level", "name"], suffixes=("_before", "_after"))
    by_name = by_name.assign(name_before=by_name["name"], name_after=by_name["name"])
    gone = _not_among(old, by_name, "name").rename(columns={"id": "id_before", "name": "name_before"})
    came = _not_among(new, by_name, "name").rename(columns={"id": "id_after", "name": "name_after"})
    kept = by_id["name_before"] == by_id["name_after"]
    parts = [
        by_id.assign(state=np.where(kept, "same", "renamed")),
        by_name.assign(state="new_id"),
        came.assign(state="appeared"),
        gone.assign(state="gone"),
    ]
    columns = ["level", "id_before", "name_before", "id_after", "name_after", "state"]
    table = pd.concat([part.reindex(columns=columns).astype("string") for part in parts], ignore_index=True)
    order = table["level"].map({level: place for place, level in enumerate(LEVELS)}).fillna(len(LEVELS))
    return table.loc[order.sort_values(kind="stable").index].reset_index(drop=True)


def _places(rows: pd.DataFrame) -> pd.DataFrame:
    places = rows[["level", "scope_id", "scope_name"]].set_axis(["level", "id", "name"], axis=1).astype("string")
    places = places.assign(key=places["id"].mask(places["level"].isin(ONLY_ONE), ""))
    return places.drop_duplicates(["level", "key"]).reset_index(drop=True)


def _not_among(side: pd.DataFrame, found: pd.DataFrame, column: str) -> pd.DataFrame:
    """Rows whose level and `column` are not among the pairs found."""
    keys = [pd.MultiIndex.from_frame(table[["level", column]]) for table in (side, found)]
    return side[~keys[0].isin(keys[1])]


# ---------------------------------------------------------------- definitions


@dataclass(frozen=True)
class _Definition:
    """A choice results rest on: how a document tells it, and which figures and overlays it touches."""

    name: str
    value: Callable[[Mapping[str, Any]], object]
    touches: Callable[[Indicator, str], bool]
    overlays: tuple[str, ...] = ()


def _setting(name: str) -> Callable[[Mapping[str, Any]], object]:
    return lambda told: told.get("settings", {}).get(name, {}).get("value")


def _land_use(name: str) -> Callable[[Mapping[str, Any]], object]:
    return lambda told: told.get("land_use", {}).get(name)


def _overlap(told: Mapping[str, Any]) -> object:
    """Below its tolerance ``error`` acts as ``priority``, and above it there are no figures."""
    return "priority" if told.get("overlap") == "error" else told.get("overlap")


def _of_land(entry: Indicator, _: str) -> bool:
    return "m2" in (entry.numerator_unit, entry.denominator_unit)


def _of_storeys(entry: Indicator, _: str) -> bool:
    return entry.numerator == "floor_area_m2"


def _of_buildings(entry: Indicator, _: str) -> bool:
    return entry.numerator in ("floor_area_m2", "building_base_m2", "covered_area_m2")


def _of_industrial_land(entry: Indicator, _: str) -> bool:
    return entry.where == "industrial" or "industrial" in entry.numerator


def _of_leading(entry: Indicator, _: str) -> bool:
    return entry.id == "leading_industry_share"


def _of_no_figure(_: Indicator, __: str) -> bool:
    return False


_BOTH, _FOLLOWED = ("new_industrial", "revitalised"), ("revitalised",)

_DEFINITIONS = (
    _Definition("area", lambda told: told.get("area"), _of_land, _FOLLOWED),
    _Definition("overlap", _overlap, lambda _, level: level in ("zone", "park")),
    _Definition("land_use.system", _land_use("system"), lambda entry, _: entry.table == "land", _BOTH),
    _Definition("land_use.industrial", _land_use("industrial"), _of_industrial_land, _BOTH),
    _Definition("land_use.unbuilt", _land_use("unbuilt"), lambda entry, _: entry.where == "built"),
    _Definition("buildings.storey_height_m", _setting("buildings.storey_height_m"), _of_storeys, _FOLLOWED),
    _Definition("buildings.storey_heights", _setting("buildings.storey_heights"), _of_storeys, _FOLLOWED),
    _Definition("buildings.height_statistic", _setting("buildings.height_statistic"), _of_storeys, _FOLLOWED),
    _Definition("buildings.tall_storey_m", _setting("buildings.tall_storey_m"), _of_storeys, _FOLLOWED),
    _Definition("buildings.whole_from", _setting("buildings.whole_from"), _of_buildings, _FOLLOWED),
    _Definition("industry.leading", _setting("industry.leading"), _of_leading),
    _Definition("industry.leading_count", _setting("industry.leading_count"), _of_leading),
)

#: A plane decides over areas only where areas are measured in it.
_PLANE = _Definition("crs", lambda told: told.get("crs"), _of_land, _FOLLOWED)

#: Say which candidates lie together and which groups are listed, and of none whether it is one.
_GROUPING = ("candidates.group_within_m", "candidates.group_minimum_m2")


def _candidate_rules(*told: Mapping[str, Any]) -> list[_Definition]:
    """Return the rules by which runs looked for candidates."""
    names = {name for one in told for name in one.get("settings", {}) if name.startswith("candidates.")}
    return [_Definition(name, _rule(name), _of_no_figure, _FOLLOWED) for name in sorted(names)]


def _rule(name: str) -> Callable[[Mapping[str, Any]], object]:
    """Read a rule of a run: one made before there was such a key followed its default."""

    def value(told: Mapping[str, Any]) -> object:
        rules = {key: one for key, one in told.get("settings", {}).items() if key.startswith("candidates.")}
        if name in rules or not rules or name not in keys():
            return rules.get(name, {}).get("value")
        return keys()[name].default

    return value


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> pd.DataFrame:
    """Return the definitions two documents do not share: `definition`, `before`, `after`, `touches`, `overlays`.

    `touches` tells whether results rest on it: another plane changes no area on the ellipsoid. `overlays` lists
    those of the ground that do (new_industrial, revitalised).
    """
    old, new = before.get("definitions", {}), after.get("definitions", {})
    idle = set() if "planar" in (old.get("area"), new.get("area")) else {_PLANE.name}
    idle.update(_GROUPING)
    rows = [
        (one.name, one.value(old), one.value(new), one.name not in idle, () if one.name in idle else one.overlays)
        for one in (*_DEFINITIONS, _PLANE, *_candidate_rules(old, new))
        if one.value(old) != one.value(new)
    ]
    return pd.DataFrame(rows, columns=["definition", "before", "after", "touches", "overlays"]).astype(
        {"before": "object", "after": "object", "touches": "bool", "overlays": "object"}
    )


def resting_on(differences: pd.DataFrame, overlay: str) -> tuple[str, ...]:
    """Return the definitions that differ and that an overlay rests on; see `differing`."""
    return tuple(
        name
        for name, overlays in zip(differences["definition"], differences["overlays"], strict=True)
        if overlay in overlays
    )


def floors_alike(differences: pd.DataFrame) -> bool:
    """Tell whether floor areas of two runs may be held against each other: areas and floors are measured alike."""
    told = differences.loc[differences["touches"], "definition"]
    return not any(name in ("area", "crs") or name.startswith("buildings.") for name in told)


def _because(table: pd.DataFrame, differences: pd.DataFrame) -> list[tuple[str, ...]]:
    """The definitions that differ and that each figure rests on."""
    asked = set(differences.loc[differences["touches"], "definition"])
    chosen = [one for one in (*_DEFINITIONS, _PLANE) if one.name in asked]
    known = catalogue()
    told: dict[tuple[str, str], tuple[str, ...]] = {}
    for name, level in set(zip(table["id"], table["level"], strict=True)):
        entry = known.get(name)
        # Of an indicator that is not on board nobody knows what it rests on.
        told[name, level] = tuple(one.name for one in chosen if entry is None or one.touches(entry, level))
    return [told[name, level] for name, level in zip(table["id"], table["level"], strict=True)]


def _other_units(table: pd.DataFrame) -> pd.Series:
    both = table["unit_before"].notna() & table["unit_after"].notna()
    same = pd.concat([table[f"{name}_before"] == table[f"{name}_after"] for name in _UNITS], axis=1)
    return both & ~same.all(axis=1)


def _other_coverage(table: pd.DataFrame) -> pd.Series:
    """Tell where more or fewer parcels or firms than before lack what a figure needs."""
    both = table["missing_before"].notna() & table["missing_after"].notna()
    return both & (table["missing_before"] != table["missing_after"])


def _in_moved_boundaries(table: pd.DataFrame, shifted: pd.Series | None, effects: pd.DataFrame) -> pd.Series:
    """Tell where boundaries moved and nobody knows what that did to a figure: of firms, or each run in its own."""
    if shifted is None:
        return pd.Series(data=False, index=table.index)
    rests = (table["level"] != "city") | (table["id"] == "industrial_concentration")
    moved = table["place"].map(shifted).eq(True)
    return moved & rests & effects["boundary_effect"].isna()


# ---------------------------------------------------------------- side by side


def compare_figures(
    before: pd.DataFrame,
    after: pd.DataFrame,
    places: pd.DataFrame,
    differences: pd.DataFrame,
    moved: pd.DataFrame | None = None,
    shifted: pd.Series | None = None,
) -> pd.DataFrame:
    """Put every figure of two runs side by side (指标对比), with what its change is made of.

    Parameters
    ----------
    before, after : DataFrame
        From `figures`.
    places : DataFrame
        From `match_places`.
    differences : DataFrame
        From `differing`.
    moved : DataFrame, optional
        By indicator and row of `places`: `numerator` and `denominator`, what moved boundaries alone brought into
        each sum (base units).
    shifted : Series of bool, optional
        By row of `places`: whether its boundaries moved.

    Returns
    -------
    DataFrame
        One row an indicator × place: `id`, `level`, `scope_id`, `scope_name` (later, else earlier), `state` of the
        place, `before`, `after`, `change`, `unit`; `EFFECTS` (display unit, adding up to the change);
        `numerator_before`, `numerator_after`, `denominator_before`, `denominator_after` and their units;
        `missing_before`, `missing_after`, `estimated`; `comparable`, and `because`: the definitions that differ,
        ``unit`` where units do, ``missing`` where the number of parcels or firms without the figure changed,
        ``boundary`` where boundaries moved and their part is not told apart.
        Changes are missing where a value is, or where the units differ.
    """
    sides = [_placed(table, places, side) for table, side in ((before, "before"), (after, "after"))]
    table = sides[0].merge(sides[1], on=["id", "level", "place"], how="outer", suffixes=("_before", "_after"))
    table = _ordered(table).merge(places.drop(columns="level"), left_on="place", right_index=True, how="left")
    other = _other_units(table)
    change = (table["value_after"] - table["value_before"]).mask(other)
    effects = _effects(table, moved).mask(change.isna())
    causes = {
        "unit": other,
        "missing": _other_coverage(table) & change.notna(),
        "boundary": _in_moved_boundaries(table, shifted, effects) & change.notna(),
    }
    flags = zip(*(rows.tolist() for rows in causes.values()), strict=True)
    because = [
        told + tuple(name for name, true in zip(causes, row, strict=True) if true)
        for told, row in zip(_because(table, differences), flags, strict=True)
    ]
    table["because"] = pd.Series(because, index=table.index, dtype="object")
    return pd.DataFrame(
        {
            **{name: table[name] for name in ("id", "level")},
            "scope_id": table["id_after"].fillna(table["id_before"]),
            "scope_name": table["name_after"].fillna(table["name_before"]),
            "state": table["state"],
            "before": table["value_before"],
            "after": table["value_after"],
            "change": change,
            "unit": table["unit_after"].fillna(table["unit_before"]),
            **{name: effects[name] for name in EFFECTS},
            **{f"{sum_}_{side}": table[f"{sum_}_{side}"] for sum_ in _SUMS[:2] for side in ("before", "after")},
            **{name: table[f"{name}_after"].fillna(table[f"{name}_before"]) for name in _UNITS[1:]},
            **{f"missing_{side}": table[f"missing_{side}"] for side in ("before", "after")},
            "estimated": table["estimated_before"].eq(True) | table["estimated_after"].eq(True),
            "comparable": table["because"].map(len) == 0,
            "because": table["because"],
        }
    )


def _placed(table: pd.DataFrame, places: pd.DataFrame, side: str) -> pd.DataFrame:
    """Give figures the row of their place."""
    rows = places[places[f"id_{side}"].notna()]
    key = pd.DataFrame({"level": rows["level"], "scope_id": rows[f"id_{side}"], "place": rows.index})
    found = table.astype({"level": "string", "scope_id": "string"}).merge(key, on=["level", "scope_id"], how="left")
    return found.drop(columns=["scope_id", "scope_name"])


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    """Order figures by level and place, then as the catalogue has them."""
    level = {name: place for place, name in enumerate(LEVELS)}
    rank = {name: place for place, name in enumerate(catalogue())}
    keys = table.assign(_level=table["level"].map(level), _rank=table["id"].map(rank))
    order = keys.sort_values(["_level", "place", "_rank", "id"], kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _effects(table: pd.DataFrame, moved: pd.DataFrame | None) -> pd.DataFrame:
    """Split changes in the display unit; a sum below of 0 has no ratio, and so no parts."""
    below = {side: table[f"denominator_{side}"].where(table[f"denominator_{side}"] > 0) for side in ("before", "after")}
    shares: list[pd.Series] = []
    if moved is not None:
        found = moved.reindex(pd.MultiIndex.from_frame(table[["id", "place"]]))
        shares = [found[name].set_axis(table.index) for name in ("numerator", "denominator")]
    parts = decompose(table["numerator_before"], below["before"], table["numerator_after"], below["after"], *shares)
    return parts.mul(_display_factors(table), axis=0)


def _display_factors(table: pd.DataFrame) -> pd.Series:
    """What turns base units over base units into the display unit."""
    columns = [table[f"{name}_after"].fillna(table[f"{name}_before"]) for name in _UNITS]
    rows: Sequence[tuple[str, str, str]] = list(zip(*columns, strict=True))
    factors = {row: _factor(*row) for row in set(rows)}
    return pd.Series([factors[row] for row in rows], index=table.index, dtype="float64")


def _factor(unit: str, top: str, below: str) -> float:
    if unit == "1":
        return 1.0
    try:
        return units.convert(1.0, f"{top}/{below}", unit)
    except ParkwiseError:
        return float("nan")  # a unit of another version: the change is told, what it is made of is not
