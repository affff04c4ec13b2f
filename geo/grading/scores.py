"""From the sums of firms to scores (亩均评价得分): value, benchmark, weight, cap, floor, missing values, points.

score = value ÷ benchmark × weight, or benchmark ÷ value × weight where less is better, held between floor and
cap. Values are ratios of two sums as the catalogue (`policy/indicators.toml`) defines them, in its display unit;
what is judged as one is added up first, in whole steps, over the firms that know both sums.
Knows no grade and no rank.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.grading.cells import numbers, refuse
from geo.grading.rules import MISSING, Criterion, Group
from geo.indicators import Indicator, indicator
from layers.errors import Words
from layers.units import convert, from_tally, to_tally

__all__ = ["Points", "Scored", "points_of", "score_units", "value_of"]

_Floats = npt.NDArray[np.float64]


class Scored(NamedTuple):
    """Scores of a group, one row a unit, one column a criterion; `policy` is a place in `MISSING`, −1 for a value."""

    value: _Floats
    benchmark: _Floats  # one a criterion
    score: _Floats
    capped: npt.NDArray[np.bool_]
    floored: npt.NDArray[np.bool_]
    policy: npt.NDArray[np.int8]
    left_out: tuple[int, ...]  # firms a criterion, that know one of its sums only or none, in units that have a value


class Points(NamedTuple):
    """What the weighted sum is multiplied by, and what is added and taken off, one a unit; and blank cells."""

    factor: _Floats  # missing where a firm has none, or firms of a unit have different ones
    differ: npt.NDArray[np.bool_]  # where they have different ones
    bonus: _Floats
    malus: _Floats
    blank: dict[str, int]


def value_of(entry: Indicator, numerator: pd.Series, denominator: pd.Series) -> _Floats:
    """Return the value of an indicator (指标值) in its display unit; missing where the sum below is not above 0.

    Examples
    --------
    >>> value_of(indicator("tax_per_mu"), pd.Series([3_000_000.0]), pd.Series([20_000.0])).tolist()
    [10.0]
    """
    top, below = numerator.astype("float64"), denominator.astype("float64")
    if entry.unit != "1":
        over, under = entry.unit.split("/")
        top, below = convert(top, entry.numerator_unit, over), convert(below, entry.denominator_unit, under)
    return np.asarray(top / below.where(below > 0), dtype=np.float64)


def score_units(
    group: Group, members: pd.DataFrame, unit: npt.NDArray[np.intp], takes_part: npt.NDArray[np.bool_]
) -> Scored:
    """Score every unit of a group by every criterion.

    Parameters
    ----------
    group : Group
    members : DataFrame, n rows
        The firms of the group, with the measures of `Firms.firms`.
    unit : array, shape (n,)
        What is judged as one.
    takes_part : array of bool, shape (units,)
        Units that are evaluated: they alone are the best firm, and give the mean that stands in for a missing value.

    Returns
    -------
    Scored
        A score is missing where the value is and the criterion refuses to do without.
    """
    columns = [_score(one, members, unit, takes_part) for one in group.criteria]
    return Scored(
        value=np.column_stack([one.value for one in columns]),
        benchmark=np.array([one.benchmark for one in columns], dtype="float64"),
        score=np.column_stack([one.score for one in columns]),
        capped=np.column_stack([one.capped for one in columns]),
        floored=np.column_stack([one.floored for one in columns]),
        policy=np.column_stack([one.policy for one in columns]),
        left_out=tuple(one.left_out for one in columns),
    )


class _Column(NamedTuple):
    """What `Scored` holds, of one criterion."""

    value: _Floats
    benchmark: float
    score: _Floats
    capped: npt.NDArray[np.bool_]
    floored: npt.NDArray[np.bool_]
    policy: npt.NDArray[np.int8]
    left_out: int


def _score(
    one: Criterion, members: pd.DataFrame, unit: npt.NDArray[np.intp], takes_part: npt.NDArray[np.bool_]
) -> _Column:
    value, left_out = _values(indicator(one.indicator), members, unit, len(takes_part))
    benchmark = _best(one, value[takes_part]) if isinstance(one.benchmark, str) else _number(one.benchmark)
    raw = _raw(one, value, benchmark)
    least = -np.inf if one.floor is None else one.floor
    score = np.clip(raw, least, one.cap)
    gone = np.isnan(score)
    policy = np.where(gone, MISSING.index(one.missing), -1).astype("int8")
    score[gone] = _stand_in(one, score[takes_part & ~gone])
    return _Column(value, benchmark, score, raw > one.cap, raw < least, policy, left_out)


def _values(entry: Indicator, members: pd.DataFrame, unit: npt.NDArray[np.intp], size: int) -> tuple[_Floats, int]:
    """The value of each unit, and how many firms are left out of the sums of units that have one."""
    top, below = members[entry.numerator].astype("float64"), members[entry.denominator].astype("float64")
    if size == len(members):
        return value_of(entry, top, below)[np.argsort(unit)], 0
    known = (top.notna() & below.notna()).to_numpy()
    sums = [
        _added(np.asarray(column, dtype=np.float64)[known], unit[known], size, base)
        for column, base in ((top, entry.numerator_unit), (below, entry.denominator_unit))
    ]
    value = value_of(entry, *sums)
    return value, int((~known & np.isfinite(value)[unit]).sum())


def _added(values: _Floats, unit: npt.NDArray[np.intp], size: int, base: str) -> pd.Series:
    """Add whole steps: the sum does not hang on the order of the firms."""
    sums = np.zeros(size, dtype="int64")
    np.add.at(sums, unit, to_tally(values, base))
    return pd.Series(from_tally(sums, base))


def _number(benchmark: float | None) -> float:
    if benchmark is None:
        raise ValueError("a benchmark is not set: a template grades nobody")
    return float(benchmark)


def _best(one: Criterion, values: _Floats) -> float:
    """The best value; missing where nobody is above 0."""
    usable = values[values > 0]
    if not len(usable):
        return float("nan")
    return float(usable.max() if one.direction == "more" else usable.min())


def _raw(one: Criterion, value: _Floats, benchmark: float) -> _Floats:
    """Score before floor and cap; missing where the value is."""
    some = np.where(value > 0, value, 1.0)
    if one.direction == "more":
        # Where nobody evaluated is above 0, known values of 0 or less are no points; more is above any best.
        scored = np.where(value > 0, np.inf, 0.0) if np.isnan(benchmark) else value / benchmark * one.weight
    else:
        # Nothing at all, or less, is as good as it gets: the cap holds it.
        scored = np.where(value > 0, (0.0 if np.isnan(benchmark) else benchmark) / some * one.weight, np.inf)
    return np.where(np.isnan(value), np.nan, scored)


def _stand_in(one: Criterion, scores: _Floats) -> float:
    """The score of a firm without a value."""
    if one.missing == "zero":
        return 0.0
    if one.missing == "points" and one.missing_points is not None:
        return float(one.missing_points)
    if one.missing == "mean" and len(scores):
        # A mean of ratios, because such rules ask for it; sorted, so that the order of the firms decides nothing.
        return float(np.sort(scores).mean())
    return float("nan")


def points_of(group: Group, members: pd.DataFrame, unit: npt.NDArray[np.intp], size: int, where: str) -> Points:
    """Read correction factor, bonus and malus (修正系数、加分、扣分): score = Σ × factor + bonus − malus.

    A blank bonus or malus is no points, and is counted. A unit without a factor, or whose firms have different
    ones, has no score. Points of firms that are judged as one are added up.

    Raises
    ------
    ProjectError
        A column is missing or holds no numbers, points are negative, a factor is not above 0.
    """
    blank: dict[str, int] = {}
    sums: dict[str, _Floats] = {}
    for name, column in (("bonus", group.bonus), ("malus", group.malus)):
        sums[name] = np.zeros(size)
        if column is not None:
            points = numbers(members, column, where)
            refuse(points < 0, members, column, where, Words("points of 0 or more", "不小于 0 的分数"))
            blank[column] = int(points.isna().sum())
            sums[name] += np.bincount(unit, weights=points.fillna(0.0), minlength=size)
    factor, differ = _factor(group, members, unit, size, where)
    return Points(factor, differ, sums["bonus"], sums["malus"], blank)


def _factor(
    group: Group, members: pd.DataFrame, unit: npt.NDArray[np.intp], size: int, where: str
) -> tuple[_Floats, npt.NDArray[np.bool_]]:
    """The factor of each unit, and where its firms have different ones."""
    if not isinstance(group.factor, str):
        return np.full(size, float(group.factor)), np.zeros(size, dtype=bool)
    stated = numbers(members, group.factor, where)
    refuse(stated <= 0, members, group.factor, where, Words("factors above 0", "大于 0 的系数"))
    by_unit = stated.groupby(unit)
    lowest, highest = by_unit.min(), by_unit.max()
    whole = by_unit.count() == by_unit.size()
    one = lowest.where((lowest == highest) & whole)
    differ = (lowest < highest).reindex(range(size), fill_value=False)
    return one.reindex(range(size)).to_numpy("float64"), differ.to_numpy(dtype=bool)
