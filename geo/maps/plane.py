"""The plane of the analysis, as a browser can compute it: coordinates from longitude and latitude (`plane_of`).

A browser knows no projection. Over the ground the map shows, both coordinates are smooth functions of longitude and
latitude; a polynomial says them to a few millimetres in a city, and the page is told how far it may be off. Outside
that ground the page gives degrees only. Knows the CRS of the land; draws nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyproj

from geo.assessment import Assessment
from geo.maps.facts import land_of
from layers.projections import horizontal, lonlat_bounds, short

__all__ = ["DEGREE", "plane_of"]

#: Degree of the polynomial in each direction together.
DEGREE = 7
#: Ground around the parcels that is covered too, in shares of their extent, and at least so many degrees.
_MARGIN, _LEAST_DEG = 0.25, 0.02
#: Off by more than this the plane is of no use to a reader, m.
_USELESS_M = 1.0

_Floats = npt.NDArray[np.float64]


def plane_of(assessment: Assessment) -> dict[str, Any] | None:
    """Return the plane of the analysis for the page; None where no polynomial says it within a metre.

    Returns
    -------
    dict or None
        `name` of the CRS, `west`, `south`, `east`, `north` (degrees, where it holds), `degree`, `x` and `y`
        (coefficients, m, of uᵃvᵇ with a + b up to `degree`, in order of a, then b; u and v run from −1 to 1),
        `off_m` (largest difference found).
    """
    land = land_of(assessment)
    crs = land.parcels.crs
    if crs is None or not horizontal(crs).is_projected or not len(land.parcels):
        return None
    west, south, east, north = lonlat_bounds(land.parcels.geometry)
    wide = max((east - west) * _MARGIN, _LEAST_DEG)
    high = max((north - south) * _MARGIN, _LEAST_DEG)
    west, south, east, north = west - wide, south - high, east + wide, north + high
    to_plane = pyproj.Transformer.from_crs(_degrees(crs), horizontal(crs), always_xy=True)
    fitted, checked = (_grid(west, south, east, north, count) for count in (24, 37))
    found, off = {}, 0.0
    wanted, held = to_plane.transform(*fitted[2:]), to_plane.transform(*checked[2:])
    for axis, at in (("x", 0), ("y", 1)):
        terms = _terms(*fitted[:2])
        found[axis] = np.linalg.lstsq(terms, np.asarray(wanted[at]), rcond=None)[0]
        off = max(off, float(np.abs(_terms(*checked[:2]) @ found[axis] - np.asarray(held[at])).max()))
    if not off < _USELESS_M:
        return None
    return {
        "name": short(crs), "west": west, "south": south, "east": east, "north": north, "degree": DEGREE,
        "x": found["x"].tolist(), "y": found["y"].tolist(), "off_m": off,
    }  # fmt: skip


def _degrees(crs: pyproj.CRS) -> pyproj.CRS:
    """Degrees of the same datum: between CGCS2000 and WGS 84 the map makes no difference, as its display does not."""
    return horizontal(crs).geodetic_crs or pyproj.CRS(4326)


def _grid(
    west: float, south: float, east: float, north: float, count: int
) -> tuple[_Floats, _Floats, _Floats, _Floats]:
    u, v = (one.ravel() for one in np.meshgrid(np.linspace(-1, 1, count), np.linspace(-1, 1, count)))
    return u, v, west + (u + 1) / 2 * (east - west), south + (v + 1) / 2 * (north - south)


def _terms(u: _Floats, v: _Floats) -> _Floats:
    return np.stack([u**a * v**b for a in range(DEGREE + 1) for b in range(DEGREE + 1 - a)], axis=1)
