"""How compact a shape is, and how divided land in several pieces is.

Knows plane geometry and integers only, no park. Areas that are summed or squared are whole steps of 0.01 m².
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

__all__ = ["compactness", "division", "effective_mesh"]


def compactness(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.float64]:
    """Compactness of Polsby and Popper: 4π · area ÷ perimeter², 1 for a circle, π/4 for a square.

    Parameters
    ----------
    shapes : array of (multi)polygons in one projected plane
        The perimeter is that of every ring of every part, so a shape in pieces, or with holes, is less compact.

    Returns
    -------
    array of float, without unit; missing for a shape without land.

    Notes
    -----
    D. D. Polsby and R. D. Popper (1991), The Third Criterion, Yale Law & Policy Review 9: 301–353. The measure falls
    with every bend of the line, so shapes drawn at different scales are not to be compared.

    Examples
    --------
    >>> compactness(np.array([shapely.box(0, 0, 10, 10), shapely.box(0, 0, 40, 10)])).round(4).tolist()
    [0.7854, 0.5027]
    """
    area, perimeter = shapely.area(shapes), shapely.length(shapes)
    measured = np.full(len(area), np.nan)
    land = perimeter > 0
    measured[land] = 4 * np.pi * area[land] / perimeter[land] ** 2
    return measured


def division(areas: Sequence[int]) -> float:
    """Degree of division: 1 − Σ (area of a piece ÷ area of all)².

    Parameters
    ----------
    areas : sequence of int
        Land of each piece in whole steps.

    Returns
    -------
    float
        0 for land in one piece; the probability that two places chosen at random lie in different pieces. Missing
        where there is no land.

    Notes
    -----
    J. A. G. Jaeger (2000), Landscape division, splitting index, and effective mesh size, Landscape Ecology
    15(2): 115–130. There the whole is a landscape; here it is the land of one zone.

    Examples
    --------
    >>> division([100]), division([50, 50]), division([])
    (0.0, 0.5, nan)
    """
    whole = sum(map(int, areas))
    return (whole**2 - sum(int(one) ** 2 for one in areas)) / whole**2 if whole else float("nan")


def effective_mesh(areas: Sequence[int]) -> float:
    """Effective mesh size: Σ area² ÷ Σ area, in the unit of the areas; see `division` for the source.

    Land in one piece has the mesh of all of it; missing where there is no land.

    Examples
    --------
    >>> effective_mesh([100]), effective_mesh([50, 50])
    (100.0, 50.0)
    """
    whole = sum(map(int, areas))
    return sum(int(one) ** 2 for one in areas) / whole if whole else float("nan")
