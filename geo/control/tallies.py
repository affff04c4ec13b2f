"""Whole steps summed by unit and judged once (整数汇总与判定).

Who reaches a limit exactly has met it, however the land is cut: areas are counted in 0.01 m² and limits in their own
steps, sums and products are exact integers, and each figure is divided once. Numbers stay in int64 where no sum can
leave it, and are Python's integers only where one could. Knows neither industries nor words.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from layers.units import from_tally, tally_scale, to_tally

__all__ = ["Steps", "judge", "m2", "steps", "sum_by"]

#: int64, or Python's integers as objects.
Steps = npt.NDArray[Any]

#: Half of what an int64 holds: a sum judged by floats to stay below it stays within an int64.
_MOST = 2.0**62

#: Integers up to here are floats exactly, so that a quotient of two is rounded once.
_EXACT = 2**53


def steps(values: pd.Series, times: float = 1.0) -> Steps:
    """Count areas in whole steps (以 0.01 m² 计), missing as 0.

    Parameters
    ----------
    values : Series, m², not negative
    times : float
        By how much single values are multiplied later at most, before they are summed.

    Returns
    -------
    array
        int64 where the sum of all of them, multiplied so, stays within int64.

    Examples
    --------
    >>> steps(pd.Series([1.25, None])).tolist(), steps(pd.Series([1e15]), times=1e6).dtype
    ([125, 0], dtype('O'))
    """
    counted = to_tally(values.fillna(0.0), "m2")
    return counted if float(counted.sum(dtype="float64")) * times < _MOST else counted.astype("object")


def sum_by(counted: Steps, unit: npt.NDArray[np.intp], which: npt.NDArray[np.bool_], units: int) -> Steps:
    """Sum whole steps by unit (按单元汇总) over the rows marked by `which`.

    Examples
    --------
    >>> sum_by(np.array([1, 2, 4]), np.array([0, 0, 1]), np.array([True, False, True]), 3).tolist()
    [1, 4, 0]
    """
    sums = np.zeros(units, dtype=counted.dtype)
    np.add.at(sums, unit[which], counted[which])
    return sums


def m2(counted: Steps) -> npt.NDArray[np.float64]:
    """Turn whole steps back into m² (换回平方米)."""
    return from_tally(counted.astype("int64"), "m2")


def judge(tops: Steps, belows: Steps, needs: Steps, held: npt.NDArray[np.bool_], comparison: str) -> pd.DataFrame:
    """Judge each unit by its two sums and by what its rows need together (达标判定).

    value = top ÷ below; limit = need ÷ below; gap = what is lacking ÷ below

    Parameters
    ----------
    tops, belows : arrays, shape (units,), steps of area
    needs : array, shape (units,), steps of area × steps of a limit
        Σ below × limit.
    held : array of bool, shape (units,)
        Where there is a limit; the others get a value alone.
    comparison : {"at_least", "at_most"}

    Returns
    -------
    DataFrame
        `value`, `limit`, `met` (True, False, None), `gap`: without unit, missing where there is nothing below.

    Examples
    --------
    1,500 m² of floor on 1,000 m² of land where 1.2 is asked:

    >>> scale = tally_scale("1")
    >>> found = judge(*(np.array([one]) for one in (1500, 1000, 1200 * scale, True)), "at_least")
    >>> found["limit"].tolist(), found["met"].tolist(), found["gap"].tolist()
    ([1.2], [True], [-0.3])
    """
    scale = tally_scale("1")
    lacking = needs - tops * scale if comparison == "at_least" else tops * scale - needs
    judged = held & (belows != 0)
    met = np.full(len(tops), None, dtype="object")
    met[judged] = (lacking <= 0)[judged]
    return pd.DataFrame(
        {
            "value": _quotients(tops, belows),
            "limit": np.where(judged, _quotients(needs, belows * scale), np.nan),
            "met": pd.Series(met, dtype="object"),
            "gap": np.where(judged, _quotients(lacking, belows * scale), np.nan),
        }
    )


def _quotients(top: Steps, below: Steps) -> npt.NDArray[np.float64]:
    """Divide, each quotient rounded once; missing where there is nothing below."""
    found = np.full(len(top), np.nan)
    exact, there = (np.abs(top) <= _EXACT) & (below <= _EXACT), below != 0
    for which, kind in ((there & exact, "float64"), (there & ~exact, "object")):
        found[which] = top[which].astype(kind) / below[which].astype(kind)
    return found
