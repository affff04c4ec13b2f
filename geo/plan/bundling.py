"""Contiguous groups as the unit of a plan (连片处置): all parcels of a group do the same, or none does anything.

A choice among acts on parcels becomes one among bundles of them: the acts of one kind, into one park, on all parcels of
a group. What cannot be done on every parcel of the group is no choice. Everything adds up, so a bundle is an option
like any other.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.plan.problem import Limit, Problem

__all__ = ["bundle", "bundled", "bundled_limit"]

Rows = npt.NDArray[np.intp]
Integers = npt.NDArray[np.int64]


def bundle(table: pd.DataFrame, group: Rows) -> tuple[Rows, Rows]:
    """Return the bundle of each act (−1: it is in none), and the group of each bundle.

    Parameters
    ----------
    table : DataFrame
        Acts: `parcel`, `action`, `park`.
    group : array of int
        Group of each parcel, −1 for none: such a parcel is a group of its own.
    """
    parcel = table["parcel"].to_numpy("int64")
    own = int(group.max(initial=-1)) + 1
    of = np.where(group[parcel] >= 0, group[parcel], own + parcel)
    size = pd.Series(parcel).groupby(of).transform("nunique").to_numpy()
    keys = pd.DataFrame({"of": of, "action": table["action"].to_numpy(), "park": table["park"].to_numpy()})
    whole = keys.groupby(["of", "action", "park"], sort=True)["of"].transform("size").to_numpy() == size
    number = np.full(len(table), -1)
    number[whole] = keys[whole].groupby(["of", "action", "park"], sort=True).ngroup().to_numpy()
    site = np.zeros(int(number.max(initial=-1)) + 1, dtype="intp")
    site[number[whole]] = of[whole]
    return number, site


def bundled(problem: Problem, number: Rows, site: Rows) -> Problem:
    """Return the problem in which bundles are taken instead of acts; `number` and `site` as `bundle` gives them."""
    groups, of = np.unique(site, return_inverse=True)
    obliged = np.unique(site[number[np.isin(problem.site, problem.must) & (number >= 0)]])
    return Problem(
        cost_fen=_added(problem.cost_fen, number, len(site)),
        site=of.astype("intp"),
        requirements=tuple(
            replace(one, top=_added(one.top, number, len(site)), below=_added(one.below, number, len(site)))
            for one in problem.requirements
        ),
        limits=tuple(bundled_limit(limit, number) for limit in problem.limits),
        must=np.searchsorted(groups, obliged),
    )


def bundled_limit(limit: Limit, number: Rows) -> Limit:
    """Return a limit on bundles instead of single acts."""
    of = number[limit.options]
    options, place = np.unique(of[of >= 0], return_inverse=True)
    amount = np.zeros(len(options), dtype="int64")
    np.add.at(amount, place, limit.amount[of >= 0])
    return replace(limit, options=options, amount=amount)


def _added(steps: Integers, number: Rows, size: int) -> Integers:
    sums = np.zeros(size, dtype="int64")
    np.add.at(sums, number[number >= 0], steps[number >= 0])
    return sums
