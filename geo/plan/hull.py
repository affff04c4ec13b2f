"""One requirement and nothing else: the least cost by steps of falling worth (`climb`).

The options of a site, by gain and cost, have a lower hull; walking along all hulls in the order of cost per gain is the
best plan that may take the last step in part. Taking that step whole gives a plan, and the price of the last step
proves how far from the best it can be: hundreds of thousands of options in a fraction of a second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Climb", "Steps", "climb", "steps"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Steps:
    """Steps along the hulls of all sites, the cheapest gain first.

    Attributes
    ----------
    before, after : arrays of int
        The option left and the option taken; −1 before the first option of a site that need not act.
    gain, cost : arrays of float
        Of each step.
    start : array of int
        Options where sites that have to act begin.
    """

    before: Rows
    after: Rows
    gain: Floats
    cost: Floats
    start: Rows

    @property
    def slope(self) -> Floats:
        """Cost of a unit of gain, ascending."""
        return self.cost / self.gain


@dataclass(frozen=True)
class Climb:
    """How far the steps go: `chosen` options with the last step whole, `short` without it, and its `price`."""

    chosen: Rows
    short: Rows
    price: float
    reached: bool


def steps(gain: Floats, cost: Floats, site: Rows, must: Rows) -> Steps:
    """Return the steps along the lower hulls of gain and cost of all sites.

    Parameters
    ----------
    gain, cost : arrays of float, one an option
    site : array of int, ascending
    must : array of int
        Sites that have to take an option; all others may take none, at no gain and no cost.
    """
    obliged = np.isin(site, must)
    free = np.unique(site[~obliged])
    option = np.concatenate([np.full(len(free), -1), np.arange(len(site))])
    at = np.concatenate([free, site])
    x = np.concatenate([np.zeros(len(free)), gain])
    y = np.concatenate([np.zeros(len(free)), cost])
    order = np.lexsort((option, -x, y, at))
    option, at, x, y = option[order], at[order], x[order], y[order]
    # What costs more and gains no more is never taken.
    best_before = _running_max(x, at)
    kept = x > best_before
    option, at, x, y = option[kept], at[kept], x[kept], y[kept]
    while len(at) > 2:
        flat = _above_the_line(at, x, y)
        if not flat.any():
            break
        option, at, x, y = option[~flat], at[~flat], x[~flat], y[~flat]
    same = np.flatnonzero(at[1:] == at[:-1]) + 1
    first = np.flatnonzero(np.append(True, at[1:] != at[:-1])) if len(at) else np.zeros(0, dtype="intp")
    gains, costs = x[same] - x[same - 1], y[same] - y[same - 1]
    # Steps of one slope are taken in the order of their sites, and of one site in the order of its hull.
    by_slope = np.lexsort((same, costs / gains))
    same = same[by_slope]
    return Steps(option[same - 1], option[same], gains[by_slope], costs[by_slope], option[first][option[first] >= 0])


def _running_max(x: Floats, at: Rows) -> Floats:
    """Return the largest `x` before each row within its site, −∞ at the first."""
    if not len(x):
        return x
    # Ranks are ordered like values and can be lifted by site, so one accumulation does for all sites.
    ranks = np.unique(x, return_inverse=True)[1] + 1
    lifted = ranks + at.astype("int64") * (int(ranks.max()) + 1)
    before = np.append(-1, np.maximum.accumulate(lifted)[:-1])
    values = np.append(-np.inf, np.unique(x))
    rank = np.clip(before - at.astype("int64") * (int(ranks.max()) + 1), 0, None)
    return np.asarray(values[rank])


def _above_the_line(at: Rows, x: Floats, y: Floats) -> npt.NDArray[np.bool_]:
    """Tell which points lie on or above the line between their neighbours of the site, no two neighbours at once."""
    inner = (at[2:] == at[:-2]) & ((y[1:-1] - y[:-2]) * (x[2:] - x[1:-1]) >= (y[2:] - y[1:-1]) * (x[1:-1] - x[:-2]))
    above = np.concatenate([[False], inner, [False]])
    # Taking out two neighbours at once could take one too many: of a row of them every other goes.
    place = np.arange(len(above))
    nth = place - np.maximum.accumulate(np.where(above, -1, place))
    return np.asarray(above & (nth % 2 == 1))


def climb(way: Steps, need: float) -> Climb:
    """Take steps until what is needed has been gained; `need` counts from where sites that have to act begin."""
    gained = np.cumsum(way.gain)
    # What adding so many floats may have lost is let pass here: integers decide in the end.
    last = int(np.searchsorted(gained, need - 1e-12 * abs(need))) if need > 0 else -1
    reached = last < len(way.gain)
    price = 0.0 if last < 0 or not len(way.gain) else float(way.slope[min(last, len(way.gain) - 1)])
    return Climb(_taken(way, last + 1), _taken(way, max(last, 0)), price, reached)


def _taken(way: Steps, count: int) -> Rows:
    """Return the options taken after the first `count` steps."""
    left = way.before[:count]
    return np.setdiff1d(np.concatenate([way.start, way.after[:count]]), left[left >= 0])
