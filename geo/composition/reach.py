"""How far people walk, and the ground and the points that lie within it.

Whoever sums asks a reach two things, whichever ways people go: what ground is within, and which points are. Here is
the reach along straight lines, circles round services; that along roads is in `routing`. Knows no service and no sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import shapely

__all__ = ["Circles", "Reach", "StraightLines", "Walk", "Ways", "near_to"]

Shapes = npt.NDArray[np.object_]
#: A quarter of a circle is drawn with so many edges: its area is then true to 0.03 %.
_EDGES = 32


@dataclass(frozen=True)
class Walk:
    """How far people walk, by assumptions of the project's own.

    Attributes
    ----------
    minutes, speed_m_per_min : float
        Together the length of a walk.
    detour : float
        Way on foot ÷ straight line, where no roads are known.
    access_m : float
        A place is reached from roads no farther from it (m, straight).
    not_walked : sequence of str
        Classes of roads that nobody walks on.
    """

    minutes: float = 15.0
    speed_m_per_min: float = 80.0
    detour: float = 1.2
    access_m: float = 200.0
    not_walked: tuple[str, ...] | list[str] = ()

    @property
    def length_m(self) -> float:
        """The way on foot that is within the walk, m.

        Examples
        --------
        >>> Walk().length_m
        1200.0
        """
        return self.minutes * self.speed_m_per_min

    @property
    def leg_m(self) -> float:
        """The straight way between a place and a road that is within the walk, m: at most half of it.

        Examples
        --------
        >>> Walk().leg_m, Walk(minutes=2).leg_m
        (200.0, 80.0)
        """
        return min(self.access_m, self.length_m / 2)

    @property
    def straight_m(self) -> float:
        """The straight line that is within the walk, m.

        Examples
        --------
        >>> Walk().straight_m
        1000.0
        """
        return self.length_m / self.detour


class Reach(Protocol):
    """What lies within a walk of some places."""

    def meets(self, points: Shapes) -> npt.NDArray[np.bool_]:
        """Say of each point whether it lies within."""

    def ground(self, near: Shapes) -> shapely.Geometry:
        """Return the ground within, as far as it could touch the shapes `near`."""


@dataclass(frozen=True)
class Circles:
    """What lies within a straight line of some shapes, m.

    Examples
    --------
    >>> reach = Circles(shapely.points([[0.0, 0.0]]), 100.0)
    >>> reach.meets(shapely.points([[0, 100], [0, 101]])).tolist()
    [True, False]
    >>> round(shapely.area(reach.ground(shapely.box([0], [0], [500], [500]))))
    31403
    """

    shapes: Shapes
    radius_m: float

    def meets(self, points: Shapes) -> npt.NDArray[np.bool_]:
        """Say of each point whether it lies within."""
        met = np.zeros(len(points), dtype=bool)
        met[near_to(points, self.shapes, self.radius_m)] = True
        return met

    def ground(self, near: Shapes) -> shapely.Geometry:
        """Return the ground within, as far as it could touch the shapes `near`."""
        rows = near_to(self.shapes, near, self.radius_m)
        return shapely.union_all(shapely.buffer(self.shapes[rows], self.radius_m, quad_segs=_EDGES))


class Ways(Protocol):
    """Ways people walk.

    Attributes
    ----------
    way : {"roads", "straight"}
    because : str
        Why straight lines are taken although there is a layer of roads: a code; "" otherwise.
    roads : dict of str to number, or None
        What the network was made of, see `ways.choose_ways`.
    """

    @property
    def way(self) -> str:
        """Which ways these are."""

    @property
    def because(self) -> str:
        """Why not along roads."""

    @property
    def roads(self) -> dict[str, float] | None:
        """What the network was made of."""

    def reach(self, shapes: Shapes) -> Reach:
        """Return what lies within a walk of any of `shapes`."""

    def off(self, shapes: Shapes) -> int:
        """Count the shapes that no way begins at: farther than `Walk.leg_m` from every road."""


@dataclass(frozen=True)
class StraightLines:
    """Straight lines, made shorter by the detour factor."""

    walk: Walk
    because: str = ""
    way: str = "straight"
    roads: dict[str, float] | None = None

    def reach(self, shapes: Shapes) -> Circles:
        """Return what lies within the straight line of the walk.

        Examples
        --------
        >>> StraightLines(Walk()).reach(shapely.points([[0.0, 0.0]])).radius_m
        1000.0
        """
        return Circles(shapes, self.walk.straight_m)

    def off(self, shapes: Shapes) -> int:  # noqa: ARG002  (asked of roads in the same words)
        """Count nothing: a straight line begins anywhere."""
        return 0


def near_to(shapes: Shapes, places: Shapes, within_m: float) -> npt.NDArray[np.intp]:
    """Return the rows of the shapes that lie within a distance (m) of any place.

    Examples
    --------
    >>> near_to(shapely.points([[0, 0], [9, 0]]), shapely.points([[3, 0]]), 5.0).tolist()
    [0]
    """
    if len(shapes) == 0:
        return np.empty(0, dtype="intp")
    return np.unique(shapely.STRtree(shapes).query(places, predicate="dwithin", distance=within_m)[1])
