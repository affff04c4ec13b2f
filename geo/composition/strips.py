"""The ground beside roads: strips along straight pieces and sectors round their ends.

A place beside a road is reached from the point of the road nearest to it: straight across from a piece, or from a
bend or an end out of its own angle. A strip is therefore as broad as the way that is left when people come to each
point of it, and no broader than the way they leave the road for. Knows no shortest way.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from geo.composition.networks import Network

__all__ = ["sectors", "strips"]

Shapes = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
#: Sectors no wider are drawn with few points, others with many: areas are true to 0.1 % of the sector.
_NARROW = 0.3
_FEW, _MANY = 5, 65


def strips(origin: Floats, direction: Floats, left_m: Floats, run_m: Floats, leg_m: float) -> Shapes:
    """Return the strips on both sides of straight ways.

    Parameters
    ----------
    origin, direction : array of shape (n, 2)
        Where each begins, and its direction, of length 1.
    left_m : array
        How much of the walk is left at the origin, m.
    run_m : array
        How long the piece of road is from there, m.
    leg_m : float
        How far people leave a road at most, m.

    Examples
    --------
    100 m along a road of which 60 m are walked: 40 m full breadth, and a triangle.

    >>> one = strips(np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]]), np.array([60.0]), np.array([100.0]), 20.0)
    >>> shapely.area(one).tolist()
    [2000.0]
    """
    at = np.stack([np.zeros(len(run_m)), np.clip(left_m - leg_m, 0.0, run_m), np.minimum(run_m, left_m)], axis=1)
    broad = np.clip(left_m[:, None] - at, 0.0, leg_m)
    normal = np.stack([-direction[:, 1], direction[:, 0]], axis=1)
    along = origin[:, None] + at[..., None] * direction[:, None]
    across = broad[..., None] * normal[:, None]
    made = np.asarray(shapely.polygons(np.concatenate([along + across, (along - across)[:, ::-1]], axis=1)))
    return np.asarray(made[shapely.area(made) > 0])


def sectors(network: Network, nodes: Rows, radius_m: Floats) -> Shapes:
    """Return the sectors round some nodes whose ground is nearer to the node than to the pieces that end there.

    Examples
    --------
    The end of a road has half a circle, the middle of a straight one nothing:

    >>> from geo.composition.networks import join_lines
    >>> road = join_lines(shapely.linestrings([[(0, 0), (50, 0), (100, 0)]]))
    >>> made = sectors(road, np.array([0, 1, 2]), np.array([10.0, 10.0, 10.0]))
    >>> shapely.area(made).round().tolist()
    [157.0, 157.0]
    """
    begin, angle = _free_angles(network)
    begin, angle = begin[nodes], angle[nodes]
    made = []
    for points, rows in ((_FEW, angle <= _NARROW), (_MANY, angle > _NARROW)):
        chosen = np.flatnonzero(rows & (angle > 1e-9) & (radius_m > 0))
        turn = begin[chosen, None] + angle[chosen, None] * np.linspace(0, 1, points)
        centre = network.xy[nodes[chosen]][:, None]
        arc = centre + radius_m[chosen, None, None] * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
        made.append(shapely.polygons(np.concatenate([centre, arc], axis=1)))
    return np.concatenate(made)


def _free_angles(network: Network) -> tuple[Floats, Floats]:
    """Return for each node where its own sector begins, and how wide it is (radians; 0 where it has none)."""
    one, other = network.ends.T
    node = np.concatenate([one, other])
    away = network.xy[np.concatenate([other, one])] - network.xy[node]
    angle = np.arctan2(away[:, 1], away[:, 0])
    order = np.lexsort([angle, node])
    node, angle = node[order], angle[order]
    first = np.flatnonzero(np.r_[True, node[1:] != node[:-1]])
    last = np.r_[first[1:], len(node)] - 1
    following = np.r_[angle[1:], 0.0]
    following[last] = angle[first] + 2 * np.pi
    # Between two pieces each takes a right angle; what is left between them is nearest to the node.
    free = following - angle - np.pi
    begin, wide = np.zeros(len(network.xy)), np.zeros(len(network.xy))
    own = free > 0  # of one node at most one gap is wider than half a turn
    begin[node[own]], wide[node[own]] = angle[own] + np.pi / 2, free[own]
    return begin, wide
