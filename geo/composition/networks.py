"""A network of roads: straight pieces between crossings, made of lines as they were drawn.

Lines are joined where they cross or touch, also where the end of one misses another by no more than 0.5 m of drawing
noise. Bridges and tunnels are joined with what they cross, since heights are not known. Knows no walk and no service.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from layers.common_land import BOUNDARY_WIDTH_M

__all__ = ["Network", "join_lines"]

Shapes = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Network:
    """Straight pieces of roads between nodes.

    Attributes
    ----------
    xy : array of shape (n, 2)
        The nodes, m.
    ends : array of shape (m, 2)
        The two nodes of each piece.
    """

    xy: Floats
    ends: Rows

    @property
    def lengths_m(self) -> Floats:
        """Length of each piece, m."""
        start, end = self.xy[self.ends[:, 0]], self.xy[self.ends[:, 1]]
        return np.asarray(np.hypot(*(end - start).T))

    @property
    def lines(self) -> Shapes:
        """The pieces as lines, from their first node to their second."""
        return np.asarray(shapely.linestrings(self.xy[self.ends]))


def join_lines(lines: Shapes) -> Network:
    """Join lines where they cross, touch or nearly touch.

    Parameters
    ----------
    lines : array of LineString or MultiLineString
        Of a projected CRS in metres. Duplicates count once; what has no length is left out.

    Returns
    -------
    Network
        Without pieces where no line has a length.

    Examples
    --------
    Two streets that cross have four pieces and five nodes:

    >>> cross = join_lines(shapely.linestrings([[(0, 0), (10, 0)], [(5, -5), (5, 5)]]))
    >>> len(cross.ends), len(cross.xy), cross.lengths_m.tolist()
    (4, 5, [5.0, 5.0, 5.0, 5.0])
    """
    pieces = _pieces(lines)
    if len(pieces) == 0:
        return Network(np.empty((0, 2)), np.empty((0, 2), dtype="intp"))
    noded = _pieces(np.array([shapely.node(shapely.multilinestrings(shapely.linestrings(pieces)))], dtype=object))
    return _network(_with_near_ends(noded))


def _pieces(lines: Shapes) -> Floats:
    """Take lines apart into straight pieces: shape (n, 2, 2)."""
    parts = shapely.get_parts(lines)
    xy, line = shapely.get_coordinates(parts, return_index=True)
    follows = line[1:] == line[:-1]
    pieces = np.stack([xy[:-1], xy[1:]], axis=1)[follows]
    return _with_length(pieces)


def _with_length(pieces: Floats) -> Floats:
    kept = (pieces[:, 0] != pieces[:, 1]).any(axis=1) & np.isfinite(pieces).all(axis=(1, 2))
    return np.asarray(pieces[kept])


def _network(pieces: Floats) -> Network:
    flat = pieces.reshape(-1, 2)
    known, node = np.unique(flat[:, 0] + 1j * flat[:, 1], return_inverse=True)
    ends = np.unique(np.sort(node.reshape(-1, 2), axis=1), axis=0)
    return Network(np.column_stack([known.real, known.imag]), ends)


def _with_near_ends(pieces: Floats) -> Floats:
    """Lead each piece through the open ends that miss it by no more than drawing noise."""
    flat = pieces.reshape(-1, 2)
    known, first, count = np.unique(flat[:, 0] + 1j * flat[:, 1], return_index=True, return_counts=True)
    del known
    open_xy = flat[first[count == 1]]
    lines = shapely.linestrings(pieces)
    tree = shapely.STRtree(lines)
    end, piece = tree.query(shapely.points(open_xy), predicate="dwithin", distance=BOUNDARY_WIDTH_M)
    other = (pieces[piece] != open_xy[end][:, None]).any(axis=2).all(axis=1)
    end, piece = end[other], piece[other]
    if len(end) == 0:
        return pieces
    at = shapely.line_locate_point(lines[piece], shapely.points(open_xy[end]))
    return _cut(pieces, piece, at, open_xy[end])


def _cut(pieces: Floats, piece: Rows, at: Floats, through: Floats) -> Floats:
    """Cut pieces at some lengths (m) along them, and lead them through the points `through` there."""
    touched, row = np.unique(piece, return_inverse=True)
    own = np.arange(len(touched))
    whose = np.concatenate([own, row, own])
    where = np.concatenate([np.full(len(own), -1.0), at, np.full(len(own), np.inf)])
    xy = np.concatenate([pieces[touched, 0], through, pieces[touched, 1]])
    order = np.lexsort([where, whose])
    whose, xy = whose[order], xy[order]
    made = np.stack([xy[:-1], xy[1:]], axis=1)[whose[1:] == whose[:-1]]
    return _with_length(np.concatenate([np.delete(pieces, touched, axis=0), made]))
