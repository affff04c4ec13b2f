"""From scores to classes (等级划分), by limits of the score or by shares of the ranking, and what is lacking.

Works on the ranked units of one group: scores in, places of classes out, the better class first. A share of the
ranking counts firms, or the land they use; both are whole numbers here, and shares are decimals as written, so
that no rounding of a machine moves a border. Knows neither firms nor indicators.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.grading.rules import GradeClass, Group

__all__ = ["EXACT", "Standing", "ranks", "stand"]

#: Decimals of a score as it is told: what a machine adds to the last bits is cut off.
EXACT = 9

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


class Standing(NamedTuple):
    """Where each unit stands: its class, and the score that reaches a better one, others unchanged.

    `place` and `reached` are places in the class table; `reached` is −1, and `needed` missing, where no score
    of its own brings the unit into a better class.
    """

    place: _Ints
    needed: _Floats
    reached: _Ints


def ranks(score: _Floats) -> _Ints:
    """Rank scores (排名), the highest first; equal scores share the better rank.

    Examples
    --------
    >>> ranks(np.array([80.0, 95.0, 80.0, 60.0])).tolist()
    [2, 1, 2, 4]
    """
    return np.asarray(np.searchsorted(np.sort(-score), -score, side="left") + 1, dtype=np.int64)


def stand(group: Group, score: _Floats, size: _Ints) -> Standing:
    """Class ranked units (划分等级).

    Parameters
    ----------
    group : Group
        With classes; `ties`, `rounding`, `decimals` as in `geo.grading.rules`.
    score : array, shape (n,)
        Rounded as the group compares scores, see `Group.decimals`.
    size : array of int, shape (n,), above 0
        What a share counts: 1 a unit, or its land in whole steps.

    Returns
    -------
    Standing

    Notes
    -----
    A class that ends at a share s of the whole W holds a unit that begins at b and is w long in the ranking when
    floor: b + w ≤ s·W; ceil: b < s·W; round: b + w/2 ≤ s·W. With w = 1 these are the number s·W of firms rounded
    down, up, and half up.
    """
    if group.by_share:
        return _by_share(group, score, size)
    return _by_score(group.classes, score)


def _by_score(classes: tuple[GradeClass, ...], score: _Floats) -> Standing:
    limits = np.array([one.score_at_least for one in classes if one.score_at_least is not None], dtype="float64")
    place = np.searchsorted(-limits, -score, side="left")
    needed = np.append(np.nan, limits)[place]
    return Standing(np.asarray(place, dtype=np.int64), needed, np.asarray(place - 1, dtype=np.int64))


class _Ranking(NamedTuple):
    """Blocks of equal score, the best first: where each begins, its score, and the block of each unit."""

    begin: _Ints
    score: _Floats
    block: _Ints  # of each unit


def _by_share(group: Group, score: _Floats, size: _Ints) -> Standing:
    order = np.lexsort((size, -score))
    begin = np.cumsum(size[order]) - size[order]
    opens = np.append(True, score[order][1:] != score[order][:-1])[: len(score)]
    heads = np.flatnonzero(opens)
    block = np.empty(len(score), dtype="int64")
    block[order] = np.cumsum(opens) - 1
    ranking = _Ranking(begin[heads], score[order][heads], block)
    limits = _limits(group, int(size.sum()))
    alone = np.searchsorted(limits, _position(begin, size[order], group.rounding), side="left")
    # Of firms with equal scores the best placed, or the worst placed, decides for all.
    decide = np.minimum if group.ties == "better" else np.maximum
    of_block = decide.reduceat(alone, heads) if len(heads) else alone
    return _lacking(group, ranking, np.asarray(of_block, dtype=np.int64), limits, size)


def _limits(group: Group, whole: int) -> _Ints:
    """How far each class reaches, on the scale of `_position`."""
    reach = [Fraction(str(one.share_up_to)) * whole for one in group.classes]
    turned = {
        "floor": [math.floor(one) for one in reach],
        "ceil": [math.ceil(one) - 1 for one in reach],
        "round": [math.floor(2 * one) for one in reach],
    }
    return np.array(turned[group.rounding], dtype="int64")


def _position(begin: _Ints, size: _Ints, rounding: str) -> _Ints:
    return {"floor": begin + size, "ceil": begin, "round": 2 * begin + size}[rounding]


def _latest(limit: _Ints, size: _Ints, rounding: str) -> _Ints:
    """The latest beginning with which a unit of that size stays within the limit."""
    return {"floor": limit - size, "ceil": limit, "round": (limit - size) // 2}[rounding]


def _lacking(group: Group, ranking: _Ranking, of_block: _Ints, limits: _Ints, size: _Ints) -> Standing:
    """Find the lowest score that brings each unit into a better class: into, or just above, which block."""
    place = of_block[ranking.block]
    latest = _latest(limits[np.maximum(place - 1, 0)], size, group.rounding)
    # Blocks begin later and later: the last one that begins early enough is the one to reach or to pass.
    to_reach = np.searchsorted(ranking.begin, latest, side="right") - 1
    to_reach = np.minimum(to_reach, ranking.block)
    if group.ties == "better":
        # Beside the last block that has a better class a unit has that class too.
        to_reach = np.maximum(to_reach, np.searchsorted(of_block, place, side="left") - 1)
    possible = (place > 0) & (to_reach >= 0)
    aim = np.maximum(to_reach, 0)
    needed = ranking.score[aim] if len(ranking.score) else np.zeros(0)
    own = np.searchsorted(limits, _position(ranking.begin[aim], size, group.rounding), side="left")
    if group.ties == "better":
        reached = np.minimum(own, of_block[aim])
    else:
        needed, reached = np.round(needed + 10.0**-group.decimals, group.decimals), own
    return Standing(place, np.where(possible, needed, np.nan), np.where(possible, reached, -1).astype("int64"))
