"""How far zones have come towards their targets, each beside its peers (`attainment`).

Takes the figures of an `Assessment` with what is asked of them and sets no target of its own. Peers are the
other zones of the same level (national, provincial …); where a zone is the only one of its level, all others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from geo import standards
from geo.assessment import Assessment
from geo.indicators import catalogue
from geo.policy_files import LEVELS
from layers.showing import show
from layers.units import convert

__all__ = ["SPARED", "Attainment", "attainment", "reached"]

#: A figure of half its limit, or less, counts as twice what is asked: without an end a trace of idle land would
#: outweigh everything else, and none would stand behind it. The project's own convention.
SPARED = 2.0

_COMPARISONS = ("at_least", "more_than", "at_most", "equals", "about", "between")
_COLUMNS = (
    "scope_id", "scope_name", "peer_group", "indicator", "value", "comparison", "target", "unit", "year", "policy",
    "clause", "clause_id", "binding", "met", "attainment", "peers", "peer_mean", "rank",
)  # fmt: skip


@dataclass(frozen=True)
class Attainment:
    """What `attainment` found.

    Attributes
    ----------
    table : DataFrame
        One row a zone × indicator that something is asked of: `scope_id`, `scope_name`, `peer_group` (level of the
        zones it is held beside, ``all`` for every zone), `indicator`, `value` (display unit), `comparison`, `target`
        (a number, or two), `unit` of the target, `year`, `policy`, `clause`, `clause_id`, `binding`, `met`,
        `attainment` (1 = reached; NaN where the figure is missing), `peers` (how many have a figure), `peer_mean` of
        their attainment, `rank` among them and the zone itself (1 = furthest).
    """

    table: pd.DataFrame

    @property
    def zones(self) -> list[str]:
        """Ids of the zones, in order of the table."""
        return list(self.table["scope_id"].drop_duplicates())

    def _repr_html_(self) -> str:
        return show(self.table.drop(columns=["clause_id"]))._repr_html_()


def attainment(assessment: Assessment) -> Attainment:
    """Return how far each zone has come towards its targets (目标达成度).

    Parameters
    ----------
    assessment : Assessment
        Of the figures of its zones the `targets` count. Where several are asked of one figure, one that binds zones
        goes before one shown for comparison, then the project's own before a document's.

    Notes
    -----
    A figure that is to be at least its target reaches value ÷ target, one that is to be at most target ÷ value (up to
    `SPARED`), and one that is to lie between two, or on one, the nearer of both, or 1. No document defines this; it
    orders, it does not judge: `met` is the verdict.
    """
    rows = assessment.indicators[assessment.indicators["level"] == "zone"]
    groups = _levels(assessment)
    found = [
        _row(row, target, groups.get(row["scope_id"]))
        for row in rows.to_dict("records")
        if (target := _chosen(row["targets"])) is not None
    ]
    table = pd.DataFrame(found, columns=[*_COLUMNS], dtype="object")
    table = table.astype(dict.fromkeys(("value", "attainment", "peer_mean"), "float64"))
    table = table[table.groupby("indicator")["attainment"].transform("count") > 0]
    if table.empty:
        return Attainment(table)
    order = {name: place for place, name in enumerate(catalogue())}
    zones = {zone: place for place, zone in enumerate(table["scope_id"].drop_duplicates())}
    table = table.assign(at=table["indicator"].map(order), zone=table["scope_id"].map(zones))
    table = table.sort_values(["zone", "at"], ignore_index=True).drop(columns=["at", "zone"])
    return Attainment(_beside_peers(table))


def reached(value: float | None, comparison: str, target: float | Sequence[float]) -> float:
    """Return how much of a target a value reaches, both in one unit: 1 and more is all of it, NaN unknown.

    Examples
    --------
    >>> reached(35.0, "at_least", 70.0), reached(10.0, "at_most", 5.0), reached(3.0, "between", (1.0, 2.0))
    (0.5, 0.5, 0.6666666666666666)
    """
    if value is None or not math.isfinite(value):
        return math.nan
    if isinstance(target, Sequence) or comparison == "equals":
        low, high = target if isinstance(target, Sequence) else (target, target)
        return 1.0 if low <= value <= high else _ratio(value, low) if value < low else _ratio(high, value)
    return _spared(target, value) if comparison == "at_most" else _ratio(value, target)


def _ratio(over: float, under: float) -> float:
    """A ratio of two amounts; where there is nothing to divide by, all of the target is reached."""
    return max(over, 0.0) / under if under > 0 else 1.0


def _spared(limit: float, value: float) -> float:
    """How much of a limit is kept to: limit ÷ value, and no more than `SPARED`, which nothing at all reaches too."""
    if limit <= 0:
        return _ratio(limit, value)
    return min(limit / value, SPARED) if value > 0 else SPARED


def _levels(assessment: Assessment) -> Mapping[str, str]:
    """Return the level of each zone whose parks are all of one."""
    parks = None if assessment.land is None else assessment.land.parks
    if parks is None or "level" not in parks:
        return {}
    found = parks.groupby("zone_id")["level"].agg(set)
    return {str(zone): str(*levels) for zone, levels in found.items() if len(levels) == 1 and levels <= {*LEVELS}}


def _chosen(targets: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    with_figure = [one for one in targets if one[_comparison(one)] is not None]
    first = sorted(with_figure, key=lambda one: (not one["binding"], one["policy"] != standards.PROJECT))
    return first[0] if first else None


def _comparison(target: Mapping[str, Any]) -> str:
    return next(word for word in _COMPARISONS if word in target)


def _row(row: Mapping[Any, Any], target: Mapping[str, Any], group: str | None) -> tuple[object, ...]:
    entry, comparison = catalogue()[row["id"]], _comparison(target)
    own = target["policy"] == standards.PROJECT
    unit = None if own else standards.clause(target["policy"], target["clause_id"]).unit
    value = convert(float(row["value"]), entry.unit, unit or entry.unit)
    return (
        row["scope_id"], row["scope_name"], group, row["id"], row["value"], comparison, target[comparison],
        target["unit"], target["year"], target["policy"], target["clause"], target["clause_id"], target["binding"],
        target["met"], reached(value, comparison, target[comparison]), 0, math.nan, pd.NA,
    )  # fmt: skip


def _beside_peers(table: pd.DataFrame) -> pd.DataFrame:
    """Fill in who a zone is held beside, their mean, and its rank."""
    level = table["scope_id"].map(table.drop_duplicates("scope_id").set_index("scope_id")["peer_group"])
    alone = level.map(table.drop_duplicates("scope_id")["peer_group"].value_counts()).fillna(0) < 2
    group = level.mask(alone, "all")
    filled = []
    for name, own, mine, zone in zip(table["indicator"], table["attainment"], group, table["scope_id"], strict=True):
        others = table[(table["indicator"] == name) & (table["scope_id"] != zone) & table["attainment"].notna()]
        held = others.loc[(mine == "all") | (level[others.index] == mine), "attainment"].to_numpy("float64")
        rank = pd.NA if math.isnan(own) else int((held > own).sum()) + 1
        filled.append((mine, len(held), float(held.mean()) if len(held) else math.nan, rank))
    names = ["peer_group", "peers", "peer_mean", "rank"]
    told = pd.DataFrame(filled, columns=names, index=table.index).astype({"rank": "Int64"})
    return table.assign(**{name: told[name] for name in names})
