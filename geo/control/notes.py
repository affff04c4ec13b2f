"""What is told beside each figure (来源与说明): whose word the limits of a unit are, what is to be said of it.

Units are many and what is said of them is little, so texts are written once for all units of which the same is said.
Knows no area but the column that counts floor area of unknown storey height.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.control.demands import Demand
from geo.control.limits import INDICATORS
from layers.errors import Words

__all__ = ["notes", "open_storeys", "sources"]

_Said = TypeVar("_Said", bound=Hashable)

_Places = npt.NDArray[np.intp]
_Marks = npt.NDArray[np.bool_]

_RECORDED = Words(
    "floor area as recorded: where a storey of unknown height is above 8 m, the plot ratio is higher",
    "建筑面积按登记值：层高未知的楼层如超过 8 米，容积率会更高",
)
_WEIGHTED = "限值按用地面积加权为本工具约定 / limits weighted by area: project convention"


def open_storeys(rows: pd.DataFrame, demand: Demand, counted: _Marks, units: int) -> npt.NDArray[np.object_]:
    """Tell by unit whether floor area of unknown storey height is in a plot ratio (层高未知); None where not stated.

    Parameters
    ----------
    rows : DataFrame
        `unit` (the place of a unit) and, where known, `storeys_unknown_m2`.
    demand : Demand
    counted : array of bool, shape (rows,)
        Rows that are in the figure.
    units : int
        How many units there are.
    """
    if demand.indicator != "plot_ratio" or "storeys_unknown_m2" not in rows:
        return np.full(units, None, dtype="object")
    unknown = counted & ~(rows["storeys_unknown_m2"] == 0).to_numpy()
    return (np.bincount(rows["unit"].to_numpy()[unknown], minlength=units) > 0).astype("object")


def notes(
    unit: _Places, demand: Demand, known: _Marks, storeys: npt.NDArray[np.object_]
) -> tuple[pd.Categorical, pd.Categorical]:
    """Return what is to be said of each unit (逐单元说明), in English and in Chinese.

    Parameters
    ----------
    unit : array, shape (rows,)
        Place of the unit of each row.
    demand : Demand
    known : array of bool, shape (rows,)
        Rows whose two areas are known.
    storeys : array, shape (units,)
        See `open_storeys`.
    """
    top, below, _ = INDICATORS[demand.indicator]
    blank = Words(f"rows without {top} or {below}", f"有的行缺少 {top} 或 {below}")
    said = (*demand.notes, (blank,), (_RECORDED,))
    without, recorded = unit[~known], np.flatnonzero(storeys.astype(bool))
    place = np.concatenate([unit, without, recorded])
    extra = np.repeat([len(said) - 2, len(said) - 1], [len(without), len(recorded)])
    each, lists = _lists(place, np.concatenate([demand.case, extra]), said, len(storeys))
    spoken = [[words for told in some for words in told] for some in lists]
    return (
        _texts(each, [[words.en for words in some] for some in spoken], "; "),
        _texts(each, [[words.zh for words in some] for some in spoken], "；"),
    )


def sources(unit: _Places, demand: Demand, judged: _Marks, units: int) -> pd.Categorical:
    """Return whose word the limits of each unit are (限值来源); weighting is ours, and told.

    Parameters
    ----------
    unit : array, shape (rows,)
        Place of the unit of each row.
    demand : Demand
    judged : array of bool, shape (rows,)
        Rows that are held against a limit.
    units : int
        How many units there are.
    """
    place, case = unit[judged], demand.case[judged]
    lowest, highest = np.full(units, np.inf), np.full(units, -np.inf)
    np.minimum.at(lowest, place, demand.limits[case])
    np.maximum.at(highest, place, demand.limits[case])
    weighted = np.flatnonzero(highest > lowest)
    said = (*demand.sources, _WEIGHTED)
    what = np.concatenate([case, np.full(len(weighted), len(said) - 1)])
    return _texts(*_lists(np.concatenate([place, weighted]), what, said, units), "; ")


def _lists(place: _Places, what: _Places, said: Sequence[_Said], units: int) -> tuple[_Places, list[list[_Said]]]:
    """Return which list of things is said of each unit, each thing once in order of appearance; and those lists.

    `what` is a place in `said`; the lists are few even where the units are many.
    """
    known: dict[_Said, int] = {}
    same = np.array([known.setdefault(one, len(known)) for one in said], dtype="intp")
    pairs = pd.unique(place * len(known) + same[what])
    pairs = pairs[np.argsort(pairs // len(known), kind="stable")]
    things, ends = pairs % len(known), np.cumsum(np.bincount(pairs // len(known), minlength=units))
    raw, cuts = things.tobytes(), [0, *(ends * things.itemsize).tolist()]  # bytes are cheap to cut and to look up
    lists: dict[bytes, int] = {}
    each = [lists.setdefault(raw[start:end], len(lists)) for start, end in pairwise(cuts)]
    distinct = list(known)
    spelled = [[distinct[one] for one in np.frombuffer(some, dtype=things.dtype)] for some in lists]
    return np.array(each, dtype="intp"), spelled


def _texts(each: _Places, lists: Sequence[Sequence[str]], mark: str) -> pd.Categorical:
    """Write each list out once, no sentence twice and no empty one."""
    written = [mark.join(text for text in dict.fromkeys(some) if text) for some in lists]
    codes, known = pd.factorize(np.array(written, dtype="object"))
    return pd.Categorical.from_codes(codes[each], categories=pd.Index(known, dtype="str"))
