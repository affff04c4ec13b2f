"""Ways along roads: what lies within a walk of some places over a network.

A place that is a point joins each road near it at the point of that road nearest to it; an area is left for any road
near it, along its whole edge. From there people go along roads, and leave a road where it is nearest to what they go
to. The straight ways at both ends are at most `Walk.leg_m` each and count. Roads are walked in both directions.
Shortest ways are found by networkx, which is handed in. Knows no service and no sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.composition.networks import Network
from geo.composition.reach import Walk
from geo.composition.strips import sectors, strips

__all__ = ["Feet", "RoadReach", "RoadWays"]

Shapes = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
#: The node all ways begin at; the network numbers its own from 0.
_START = -1


class Feet(NamedTuple):
    """Where places join roads: which place, on which piece, how far along it, and how far it is to there, m."""

    place: Rows
    piece: Rows
    at_m: Floats
    leg_m: Floats


class RoadWays:
    """Ways along a network of roads (see `reach.Ways`).

    Parameters
    ----------
    walk : Walk
    network : Network
    library : module
        networkx.
    roads : dict of str to number, optional
        What the network was made of, to be told.

    Examples
    --------
    From a place 100 m off a road of 1 km people come 200 m along it in a walk of 400 m, and 100 m off it there:

    >>> import networkx
    >>> from geo.composition.networks import join_lines
    >>> from geo.composition.reach import Walk
    >>> road = join_lines(shapely.linestrings([[(0, 0), (1000, 0)]]))
    >>> ways = RoadWays(Walk(minutes=5, access_m=100), road, networkx)
    >>> reach = ways.reach(shapely.points([[0.0, 100.0]]))
    >>> reach.meets(shapely.points([[200, 100], [250, 100], [290, 0]])).tolist()
    [True, False, True]
    """

    way = "roads"
    because = ""

    def __init__(
        self, walk: Walk, network: Network, library: ModuleType, roads: dict[str, float] | None = None
    ) -> None:
        self.walk = walk
        self.network = network
        self.roads = roads
        self.lengths_m = network.lengths_m
        one, other = network.ends.T
        self.directions = (network.xy[other] - network.xy[one]) / self.lengths_m[:, None]
        self._degree = np.bincount(network.ends.ravel(), minlength=len(network.xy))
        self._lines = network.lines
        self._tree = shapely.STRtree(self._lines)
        self._shortest: Any = library.single_source_dijkstra_path_length
        self._graph: Any = library.Graph()
        self._graph.add_weighted_edges_from(zip(one.tolist(), other.tolist(), self.lengths_m.tolist(), strict=True))

    def reach(self, shapes: Shapes) -> RoadReach:
        """Return what lies within a walk of any of `shapes`, points or areas; an area is within itself."""
        parts = shapely.get_parts(shapely.make_valid(shapes))
        points = shapely.get_type_id(parts) == shapely.GeometryType.POINT
        left, along = self._left(parts[~points])
        starts = Feet(*(np.concatenate(both) for both in zip(self.feet(parts[points]), left, strict=True)))
        return RoadReach(self, starts, self.distances_m(starts, self.walk.length_m), along, parts[~points])

    def off(self, shapes: Shapes) -> int:
        """Count the shapes that lie farther than `Walk.leg_m` from every road of the network."""
        near = self._tree.query(shapes, predicate="dwithin", distance=self.walk.leg_m)[0]
        return len(shapes) - len(np.unique(near))

    def feet(self, points: Shapes) -> Feet:
        """Return where points join the roads no farther than `Walk.leg_m` from them.

        An end of a piece is nearest only where no other piece that ends there comes nearer.
        """
        place, piece = self._tree.query(points, predicate="dwithin", distance=self.walk.leg_m)
        at_m, leg_m = self._project(shapely.get_coordinates(points)[place], piece)
        ends = self.network.ends[piece]
        node = np.where(at_m <= 0, ends[:, 0], np.where(at_m >= self.lengths_m[piece], ends[:, 1], -1))
        at_end = np.flatnonzero(node >= 0)
        _, which, count = np.unique(
            place[at_end] * len(self.network.xy) + node[at_end], return_inverse=True, return_counts=True
        )
        kept = np.ones(len(piece), dtype=bool)
        kept[at_end] = count[which] == self._degree[node[at_end]]
        return Feet(place[kept], piece[kept], at_m[kept], leg_m[kept])

    def distances_m(self, starts: Feet, cutoff_m: float) -> Floats:
        """Return the way from the nearest start to each node, m; infinite beyond the cutoff."""
        count = len(self.network.xy)
        first_m = np.full(count, np.inf)
        for end, along in ((0, starts.at_m), (1, self.lengths_m[starts.piece] - starts.at_m)):
            np.minimum.at(first_m, self.network.ends[starts.piece, end], starts.leg_m + along)
        begun = np.flatnonzero(first_m <= cutoff_m)
        found = np.full(count, np.inf)
        if len(begun) == 0:
            return found
        begins = zip(begun.tolist(), first_m[begun].tolist(), strict=True)
        self._graph.add_weighted_edges_from((_START, node, way) for node, way in begins)
        ways = self._shortest(self._graph, _START, cutoff=cutoff_m)
        self._graph.remove_node(_START)
        del ways[_START]
        found[np.fromiter(ways, "intp", len(ways))] = np.fromiter(ways.values(), "float64", len(ways))
        return found

    def _project(self, xy: Floats, piece: Rows) -> tuple[Floats, Floats]:
        """Return how far along its piece each point lies nearest, and how far it is to there, m."""
        start = self.network.xy[self.network.ends[piece, 0]]
        along = ((xy - start) * self.directions[piece]).sum(axis=1)
        at_m = np.clip(along, 0.0, self.lengths_m[piece])
        foot = start + at_m[:, None] * self.directions[piece]
        return at_m, np.hypot(*(xy - foot).T)

    def _left(self, areas: Shapes) -> tuple[Feet, pd.DataFrame]:
        """Return the ends of the stretches of road near areas, and the stretches: `piece`, `low_m`, `high_m`."""
        place, piece = self._tree.query(areas, predicate="dwithin", distance=self.walk.leg_m)
        around = shapely.buffer(areas, self.walk.leg_m)
        common = shapely.intersection(self._lines[piece], around[place])
        parts, row = shapely.get_parts(common, return_index=True)
        xy, part = shapely.get_coordinates(parts, return_index=True)
        place, piece = place[row][part], piece[row][part]
        at_m, _ = self._project(xy, piece)
        leg_m = np.minimum(shapely.distance(shapely.points(xy), areas[place]), self.walk.leg_m)
        stretches = pd.DataFrame({"part": part, "piece": piece, "at_m": at_m}).groupby("part")
        along = stretches.agg(piece=("piece", "first"), low_m=("at_m", "min"), high_m=("at_m", "max"))
        return Feet(place, piece, at_m, leg_m), along


@dataclass(frozen=True)
class RoadReach:
    """What lies within a walk along roads (see `reach.Reach`).

    Attributes
    ----------
    ways : RoadWays
    starts : Feet
        Where ways begin.
    node_m : array
        The way to each node, m.
    along : DataFrame
        Stretches of road near areas: people come to any point of them straight. `piece`, `low_m`, `high_m`.
    areas : array of geometries
        What is within itself.
    """

    ways: RoadWays
    starts: Feet
    node_m: Floats
    along: pd.DataFrame
    areas: Shapes

    def meets(self, points: Shapes) -> npt.NDArray[np.bool_]:
        """Say of each point whether it lies within."""
        met = np.zeros(len(points), dtype=bool)
        if len(points) == 0:
            return met
        met[shapely.STRtree(points).query(self.areas, predicate="intersects")[1]] = True
        feet = self.ways.feet(points)
        ends, length = self.ways.network.ends[feet.piece], self.ways.lengths_m[feet.piece]
        by_node = np.minimum(self.node_m[ends[:, 0]] + feet.at_m, self.node_m[ends[:, 1]] + length - feet.at_m)
        met[feet.place[feet.leg_m + by_node <= self.ways.walk.length_m]] = True
        there = pd.DataFrame(feet._asdict())
        same = there.merge(pd.DataFrame(self.starts._asdict()), on="piece", suffixes=("", "_start"))
        way = same["leg_m"] + same["leg_m_start"] + (same["at_m"] - same["at_m_start"]).abs()
        met[same.loc[way <= self.ways.walk.length_m, "place"]] = True
        beside = there.merge(self.along, on="piece")
        met[beside.loc[beside["at_m"].between(beside["low_m"], beside["high_m"]), "place"]] = True
        return met

    def ground(self, near: Shapes) -> shapely.Geometry:
        """Return the ground within, as far as it could touch the shapes `near`."""
        rows = self._pieces.query(near, predicate="intersects")[1]
        return shapely.union_all(self._pieces.geometries[np.unique(rows)])

    @cached_property
    def _pieces(self) -> shapely.STRtree:
        """What the ground is made of, laid one over another."""
        left = self.ways.walk.length_m - self.node_m
        nodes = np.flatnonzero(left > 0)
        radius = np.minimum(left[nodes], self.ways.walk.leg_m)
        return shapely.STRtree(
            np.concatenate([*self._strips(left), sectors(self.ways.network, nodes, radius), self.areas])
        )

    def _strips(self, left: Floats) -> list[Shapes]:
        """Return strips from the ends of pieces, from where ways begin, and along stretches near areas."""
        network, leg_m, length = self.ways.network, self.ways.walk.leg_m, self.ways.lengths_m
        directions = self.ways.directions
        one, other = left[network.ends[:, 0]], left[network.ends[:, 1]]
        # Whoever comes from both ends with the leg to spare all along needs one strip.
        whole = (one > leg_m) & (one - leg_m + np.maximum(other - leg_m, 0.0) >= length)
        first, second = np.flatnonzero((one > 0) | whole), np.flatnonzero((other > 0) & ~whole)
        origin, own = network.xy[network.ends[:, 0]], ~whole[self.starts.piece]
        piece, at_m = self.starts.piece[own], self.starts.at_m[own]
        begun = origin[piece] + at_m[:, None] * directions[piece]
        spare = self.ways.walk.length_m - self.starts.leg_m[own]
        beside, low = self.along["piece"].to_numpy(), self.along["low_m"].to_numpy()
        run = self.along["high_m"].to_numpy() - low
        ever = np.where(whole, length + leg_m, one)
        return [
            strips(origin[first], directions[first], ever[first], length[first], leg_m),
            strips(network.xy[network.ends[second, 1]], -directions[second], other[second], length[second], leg_m),
            strips(begun, directions[piece], spare, length[piece] - at_m, leg_m),
            strips(begun, -directions[piece], spare, at_m, leg_m),
            strips(origin[beside] + low[:, None] * directions[beside], directions[beside], run + leg_m, run, leg_m),
        ]
