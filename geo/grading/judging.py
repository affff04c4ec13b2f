"""One group of firms, judged (亩均评价): scores, ranks and classes of what is judged as one.

Puts the steps together: exemptions and owners (`geo.grading.groups`), scores (`geo.grading.scores`), classes
(`geo.grading.classes`). A unit is a firm, or by the parcel method the firms that share parcels; it has one
score, one rank and one class. Writes no sentence: that is done by `geo.grading.tables`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.grading.cells import flags
from geo.grading.classes import EXACT, Standing, ranks, stand
from geo.grading.groups import Following, exempted, owners_of, units_of
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
    exemption : array, shape (n,)
        Exemption that applies, by its place in the group's list; −1 for none.
    following : Following
        Tenants and the owners they follow.
    vetoes : tuple of arrays of bool, shape (n,)
        Where each veto applies; empty without classes.
    blank : mapping
        Column of a veto or an exemption → firms that leave it blank: it applies to none of them.
    scored, points
        Of each unit.
    total, score : array, shape (units,)
        Before and after rounding to `EXACT` decimals.
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
    following: Following
    vetoes: tuple[npt.NDArray[np.bool_], ...]
    blank: Mapping[str, int]
    scored: Scored
    points: Points
    total: npt.NDArray[np.float64]
    score: npt.NDArray[np.float64]
    rank: npt.NDArray[np.float64]
    standing: Standing

    @property
    def follows(self) -> npt.NDArray[np.bool_]:
        """Firms that have the grade of their owner; an exempt one has none."""
        return (self.following.owner >= 0) & (self.exemption < 0)

    @cached_property
    def veto(self) -> npt.NDArray[np.intp]:
        """The strictest veto that applies to each firm, by its place in the group's list; −1 for none."""
        found, best = np.full(len(self.rows), -1), np.full(len(self.rows), -1)
        for row, hit in enumerate(self.vetoes):
            stricter = hit & (best < self._allowed[row])
            found, best = np.where(stricter, row, found), np.where(stricter, self._allowed[row], best)
        return np.asarray(found, dtype=np.intp)

    @cached_property
    def best_allowed(self) -> npt.NDArray[np.int64]:
        """The best class the vetoes leave each firm, by its place; 0 without veto."""
        return np.asarray(np.array([*self._allowed, 0])[self.veto], dtype=np.int64)

    @property
    def _allowed(self) -> list[int]:
        """The best class each veto leaves."""
        grades = [one.grade for one in self.group.classes]
        return [grades.index(one.grade_at_most) for one in self.group.vetoes] if grades else []


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
    exemption, blank = exempted(group, members, year, where)
    following = owners_of(rows, links, group) if group.tenants_follow_owner else _nobody(len(rows))
    apart = (exemption >= 0) | (following.owner >= 0)
    unit = units_of(rows, apart, links, group)
    takes_part = np.zeros(int(unit.max(initial=-1)) + 1, dtype=bool)
    takes_part[unit[~apart]] = True
    scored = score_units(group, members, unit, takes_part)
    points = points_of(group, members, unit, len(takes_part), where)
    total = np.asarray(scored.score.sum(axis=1) * points.factor + points.bonus - points.malus, dtype=np.float64)
    compared = np.round(total, group.decimals)
    size = _sizes(group, members, unit, len(takes_part))
    ranked = takes_part & np.isfinite(total) & (size > 0)
    rank = np.full(len(total), np.nan)
    rank[ranked] = ranks(compared[ranked])
    told = [flags(members, one.column, where) for one in group.vetoes if group.classes]
    return Judged(
        group=group,
        rows=rows,
        unit=unit,
        exemption=exemption,
        following=following,
        vetoes=tuple(one.fillna(value=False).to_numpy(dtype=bool) for one in told),
        blank=blank | {veto.column: int(one.isna().sum()) for veto, one in zip(group.vetoes, told, strict=False)},
        scored=scored,
        points=points,
        total=total,
        score=np.round(total, EXACT),
        rank=rank,
        standing=_standing(group, compared, size, ranked),
    )


def _nobody(count: int) -> Following:
    return Following(np.full(count, -1), np.zeros(count, dtype=bool))


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
