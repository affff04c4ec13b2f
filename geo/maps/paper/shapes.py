"""Many polygons as few paths (`fill_polygons`, `outline`): a city of 200,000 parcels is drawn in seconds.

Knows shapely and matplotlib's paths; knows no land. Holes stay open because rings turn the way they should. Shapes of
one class go together, some hundreds a path: few enough for the rasteriser, many enough to be quick.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import shapely
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.path import Path

__all__ = ["HATCHES", "dashes", "fill_polygons", "ink", "outline"]

#: Patterns of the style table as matplotlib writes them.
HATCHES = {"": "", "hatch": "/////", "dots": "....", "cross": "xxxxx", "lines": "-----"}

_TOGETHER = 400
_HATCH_PT = 0.35

Shapes = npt.NDArray[np.object_]


def ink(colour: str) -> str:
    """The colour of a pattern on a ground: grey on light, dark on the rest.

    Examples
    --------
    >>> ink("#ffffff"), ink("#b34700")
    ('#8b949b', '#33383c')
    """
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return "#8b949b" if (red * 299 + green * 587 + blue * 114) / 1000 > 215 else "#33383c"


def fill_polygons(
    axes: Axes, shapes: Shapes, colour: str, pattern: str = "", *, edge: str | None = None, zorder: float = 1.0
) -> None:
    """Fill polygons of one class; `edge` draws a hair line around each."""
    paths = list(_paths(shapes))
    if not paths:
        return
    drawn = PathCollection(
        paths,
        facecolors=colour,
        edgecolors=edge or "none",
        linewidths=0.18 if edge else 0.0,
        hatch=HATCHES.get(pattern, "-----") or None,
        hatchcolors=ink(colour),
        zorder=zorder,
    )
    drawn.set_hatch_linewidth(_HATCH_PT)
    axes.add_collection(drawn, autolim=False)


def outline(
    axes: Axes, shape: shapely.Geometry, colour: str, width_pt: float, dash: Sequence[float] = (), zorder: float = 3.0
) -> None:
    """Draw the outline of one shape as lines."""
    for ring in shapely.get_rings(shapely.get_parts(shape)):
        x, y = shapely.get_coordinates(ring).T
        style = (0, tuple(dash)) if dash else "solid"
        axes.plot(x, y, color=colour, linewidth=width_pt, linestyle=style, zorder=zorder, solid_joinstyle="round",
                  dash_capstyle="butt", scalex=False, scaley=False)  # fmt: skip


def dashes(pattern: str, factor: float) -> list[float]:
    """Read a dash of the style table (pixels) as lengths in points.

    Examples
    --------
    >>> dashes("7 3", 0.5), dashes("", 1.0)
    ([3.5, 1.5], [])
    """
    return [float(part) * factor for part in pattern.split()]


def _paths(shapes: Shapes) -> Iterator[Path]:
    parts = shapely.get_parts(shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))])
    parts = shapely.orient_polygons(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON])
    for start in range(0, len(parts), _TOGETHER):
        rings = shapely.get_rings(parts[start : start + _TOGETHER])
        places, ring = shapely.get_coordinates(rings, return_index=True)
        codes = np.full(len(places), Path.LINETO, dtype=Path.code_type)
        turns = np.flatnonzero(np.diff(ring)) + 1
        codes[np.append(0, turns)] = Path.MOVETO
        codes[np.append(turns - 1, len(codes) - 1)] = Path.CLOSEPOLY
        yield Path(places, codes)
