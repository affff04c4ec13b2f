"""A choice among acts as a problem of whole numbers, and what can be proved of it (`Problem`).

Each option belongs to a site, and of a site's options at most one is taken. Requirements ask that a ratio of two sums
reach a figure; limits bound what options use together. Everything that decides is counted in whole steps (fen,
0.01 m²), so whether a plan holds is a matter of adding integers, whatever solver it came from (`Problem.holds`).

A bound on the cost of every plan follows from prices alone: charge each option for what it uses, credit it for what it
brings, let every site take what is cheapest for it. No plan costs less, whoever made the prices (`Problem.bound`).

Knows no land and no solver.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

__all__ = ["Limit", "Prices", "Problem", "Requirement", "price_options"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Requirement:
    """A ratio of two sums that is to be reached.

    Attributes
    ----------
    name : str
    top, below : array of int64, one an option
        What each option adds to the sums.
    top_now, below_now : int
        The sums as they are.
    figure : Fraction
        What the ratio is to be, in steps of `top` a step of `below`.
    at_least : bool
        False: at most.
    """

    name: str
    top: Integers
    below: Integers
    top_now: int
    below_now: int
    figure: Fraction
    at_least: bool = True

    @property
    def sign(self) -> int:
        """1 where more is wanted, −1 where less is."""
        return 1 if self.at_least else -1

    @property
    def gain(self) -> Floats:
        """What each option brings nearer to the figure: Δtop − figure · Δbelow, in steps of `top`."""
        return self.sign * (self.top - float(self.figure) * self.below)

    @property
    def need(self) -> float:
        """How much of it is needed; negative where there is some to spare."""
        return float(-self.surplus(np.zeros(0, dtype="intp")))

    def sums(self, chosen: Rows) -> tuple[int, int]:
        """Return both sums when options are taken."""
        return self.top_now + int(self.top[chosen].sum()), self.below_now + int(self.below[chosen].sum())

    def surplus(self, chosen: Rows) -> Fraction:
        """Return by how much the figure is reached, exactly; negative where it is not."""
        top, below = self.sums(chosen)
        return self.sign * (top - self.figure * below)

    def at(self, figure: Fraction) -> Requirement:
        """Return the same with another figure."""
        return replace(self, figure=figure)


@dataclass(frozen=True)
class Limit:
    """What some options use together is bounded: Σ `amount` over the taken ones of `options` ≤ `capacity`.

    `bins`, where there are any, share the capacity out: each option has to find room in one of them, whole.
    """

    name: str
    kind: str
    capacity: int
    options: Rows
    amount: Integers
    bins: tuple[int, ...] = ()

    def used(self, chosen: Rows) -> int:
        """Return how much of it a plan uses."""
        return int(self.amount[np.isin(self.options, chosen)].sum())

    def each(self, size: int) -> Integers:
        """Return what each of a problem's `size` options uses."""
        amount = np.zeros(size, dtype="int64")
        amount[self.options] = self.amount
        return amount


@dataclass(frozen=True)
class Prices:
    """Worth of a step of each requirement, and price of a step of each limit, in fen; none is negative."""

    requirements: Floats
    limits: Floats


@dataclass(frozen=True)
class Problem:
    """Least cost that meets all requirements within all limits, at most one option a site.

    Attributes
    ----------
    cost_fen : array of int64, one an option
    site : array of int, one an option, ascending
    requirements, limits : tuples
    must : array of int
        Sites that have to take one of their options.
    """

    cost_fen: Integers
    site: Rows
    requirements: tuple[Requirement, ...] = ()
    limits: tuple[Limit, ...] = ()
    must: Rows = field(default_factory=lambda: np.zeros(0, dtype="intp"))

    @property
    def size(self) -> int:
        """Number of options."""
        return len(self.cost_fen)

    def cost(self, chosen: Rows) -> int:
        """Return what a plan costs (fen)."""
        return int(self.cost_fen[chosen].sum())

    def holds(self, chosen: Rows) -> bool:
        """Tell, by adding integers, whether a plan meets everything, bins aside (`geo.plan.packing`)."""
        sites = self.site[chosen]
        return (
            len(np.unique(sites)) == len(sites)
            and bool(np.isin(self.must, sites).all())
            and all(one.used(chosen) <= one.capacity for one in self.limits)
            and all(one.surplus(chosen) >= 0 for one in self.requirements)
        )

    def bound(self, prices: Prices) -> float:
        """Return a cost (fen) below which no plan can be, by weak duality; prices below 0 count as 0."""
        worth, price = np.maximum(prices.requirements, 0.0), np.maximum(prices.limits, 0.0)
        least = price_options(self, Prices(worth, price))
        best = np.zeros(int(self.site.max(initial=-1)) + 1)
        best[self.must] = np.inf
        np.minimum.at(best, self.site, least)
        if not np.isfinite(best).all():
            return float("inf")  # a site that has to act has no act
        terms = [
            float(best.sum()),
            *(value * one.need for value, one in zip(worth.tolist(), self.requirements, strict=True)),
            *(-value * one.capacity for value, one in zip(price.tolist(), self.limits, strict=True)),
        ]
        # What floats may have lost in adding so many is given away.
        slack = 1e-12 * (float(np.abs(best).sum()) + sum(map(abs, terms)))
        return float(sum(terms) - slack)


def price_options(problem: Problem, prices: Prices) -> Floats:
    """Return what each option costs once its gains are credited and what it uses is charged (fen)."""
    least = problem.cost_fen.astype("float64")
    for worth, one in zip(prices.requirements.tolist(), problem.requirements, strict=True):
        if worth:
            least -= worth * one.gain
    for price, limit in zip(prices.limits.tolist(), problem.limits, strict=True):
        if price:
            np.add.at(least, limit.options, price * limit.amount)
    return least
