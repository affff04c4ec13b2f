"""One group of firms, judged (亩均评价): scores, ranks and classes of what is judged as one.

Puts the steps together: exemptions and owners (`geo.grading.groups`), scores (`geo.grading.scores`), classes
(`geo.grading.classes`). A unit is a firm, or by the parcel method the firms that share parcels; it has one
score, one rank and one class. Writes no sentence: that is done by `geo.grading.tables`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.grading.classes import DECIMALS, Standing, ranks, stand
from geo.grading.groups import exempted, flags, owners_of, units_of
from geo.grading.rules import Group
from geo.grading.scores import Points, Scored, points_of, score_units
from layers.units import to_tally

__all__ = ["Judged", "judge"]


@dataclass(frozen=True)
class Judged:
    """The outcome of one group.

    Attributes
    ----------
    group : Group
    rows : array, shape (n,)
        The group's firms, as rows of all firms.
    unit : array, shape (n,)
        What each firm is judged in.
    exemption, owner : array, shape (n,)
        Exemption that applies (place in the group's list), owner that is followed (row of all firms); −1 for none.
    vetoes : tuple of arrays of bool, shape (n,)
        Where each veto applies; empty without classes.
    scored, points
        Of each unit.
    total, score : array, shape (units,)
        Before and after rounding to `DECIMALS`.
    rank : array, shape (units,)
        Missing for whoever is not ranked: exempt, following an owner, without score, or without land where shares
        are of land.
    standing : Standing
        Of each unit; place −1 where not ranked, or without classes.
    """

    group: Group
    rows: npt.NDArray[np.intp]
    unit: npt.NDArray[np.intp]
    exemption: npt.NDArray[np.intp]
    owner: npt.NDArray[np.intp]
    vetoes: tuple[npt.NDArray[np.bool_], ...]
    scored: Scored
    points: Points
    total: npt.NDArray[np.float64]
    score: npt.NDArray[np.float64]
    rank: npt.NDArray[np.float64]
    standing: Standing

    @property
    def best_allowed(self) -> npt.NDArray[np.int64]:
        """The best class the vetoes leave each firm, by its place; 0 without veto."""
        best = np.zeros(len(self.rows), dtype="int64")
        grades = [one.grade for one in self.group.classes]
        for veto, hit in zip(self.group.vetoes, self.vetoes, strict=False):
            best = np.where(hit, np.maximum(best, grades.index(veto.grade_at_most)), best)
        return best


def judge(
    group: Group,
    firms: pd.DataFrame,
    rows: npt.NDArray[np.intp],
    year: int | None,
    links: pd.DataFrame | None,
    where: str,
) -> Judged:
    """Score, rank and class the firms of one group (一组企业的评价).

    Parameters
    ----------
    group : Group
    firms : DataFrame
        All firms.
    rows : array, shape (n,)
        Those of the group.
    year, links
        As for `geo.grading.grade`.
    where : str
        Name of the rule set, for messages.

    Returns
    -------
    Judged
    """
    members = firms.iloc[rows]
    exemption = exempted(group, members, year, where)
    owner = owners_of(rows, links, group) if group.tenants_follow_owner else np.full(len(rows), -1)
    apart = (exemption >= 0) | (owner >= 0)
    unit = units_of(rows, apart, links, group)
    takes_part = np.zeros(int(unit.max(initial=-1)) + 1, dtype=bool)
    takes_part[unit[~apart]] = True
    scored = score_units(group, members, unit, takes_part)
    points = points_of(group, members, unit, len(takes_part), where)
    total = np.asarray(scored.score.sum(axis=1) * points.factor + points.bonus - points.malus, dtype=np.float64)
    score = np.round(total, DECIMALS)
    size = _sizes(group, members, unit, len(takes_part))
    ranked = takes_part & np.isfinite(score) & (size > 0)
    rank = np.full(len(score), np.nan)
    rank[ranked] = ranks(score[ranked])
    return Judged(
        group=group,
        rows=rows,
        unit=unit,
        exemption=exemption,
        owner=owner,
        vetoes=tuple(_true(members, one.column, where) for one in group.vetoes if group.classes),
        scored=scored,
        points=points,
        total=total,
        score=score,
        rank=rank,
        standing=_standing(group, score, size, ranked),
    )


def _true(members: pd.DataFrame, column: str, where: str) -> npt.NDArray[np.bool_]:
    return flags(members, column, where).fillna(value=False).to_numpy(dtype=bool)


def _sizes(group: Group, members: pd.DataFrame, unit: npt.NDArray[np.intp], units: int) -> npt.NDArray[np.int64]:
    """What each unit counts in a share of the ranking: 1, or its land in whole steps; 0 where that is not known."""
    if group.share_of == "firms" or not group.by_share:
        return np.ones(units, dtype="int64")
    land = members["land_used_m2"].astype("float64")
    sizes = np.zeros(units, dtype="int64")
    np.add.at(sizes, unit, to_tally(land.fillna(0.0), "m2"))
    sizes[unit[land.isna().to_numpy()]] = 0
    return sizes


def _standing(
    group: Group, score: npt.NDArray[np.float64], size: npt.NDArray[np.int64], ranked: npt.NDArray[np.bool_]
) -> Standing:
    place, reached = np.full(len(score), -1, dtype="int64"), np.full(len(score), -1, dtype="int64")
    needed = np.full(len(score), np.nan)
    if group.classes:
        place[ranked], needed[ranked], reached[ranked] = stand(group, score[ranked], size[ranked])
    return Standing(place, needed, reached)
