"""Land area at nearly the speed of planar area: planar area ÷ areal scale, for shapes small enough.

On a conformal map the two differ by how the scale changes across the shape, and by how the lines bend that
join its corners on the Earth. Both are bounded for each shape by itself, from its box, its length and its
place; a shape whose bound exceeds the tolerance is left to the formula (`layers.area`).

The scale comes from a table on a grid that is fixed to the CRS, so the area of a shape depends on nothing
but the shape: not on its neighbours, nor on how the work was cut.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from layers.threads import spread

__all__ = ["TOLERANCE_M2", "area_by_scale"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Shapes = npt.NDArray[np.object_]

#: One step of the tally.
TOLERANCE_M2 = 0.01

#: Conformal maps, by the numbers of their methods in the EPSG register: transverse Mercator, both Lamberts.
_METHODS = ("9807", "9801", "9802")

#: Metres between the nodes of the table; a parabola through three nodes misses the scale by less than 1e-10.
_STEP_M = 8192.0

#: No ellipsoid in use bends more anywhere.
_LEAST_RADIUS_M = 6.33e6

#: The formula joins corners by lines that are straight on the cylindrical equal-area map. Against a geodesic such a
#: line bends by tan B / R · s (3 − 2 s²), s the sine of its azimuth. What goes east must come back west and bends the
#: other way, so of a ring's length at most the greatest s (3 − 2 s²) / (1 + s) counts.
_WORST_RING = 0.856

#: Shapes worked on at a time.
_RUN = 1 << 16


class _Scale(NamedTuple):
    """The map at the middle of each shape."""

    areal: Floats
    #: Change of the areal scale a metre.
    slope: Floats
    #: Tangent of the latitude, absolute.
    tangent: Floats


def area_by_scale(shapes: Shapes, crs: pyproj.CRS, *, geodesic: bool = False) -> Floats:
    """Return the land area of the shapes small enough for it.

    Parameters
    ----------
    shapes : array of shapely geometries of any kind, None where missing
    crs : CRS
        Where the shapes are drawn.
    geodesic : bool
        Corners are joined by geodesics, else by the lines of the statutory formula.

    Returns
    -------
    array of float64, m²
        NaN where the bound of the error exceeds `TOLERANCE_M2`, for missing and empty shapes, and
        everywhere on a map that is not conformal or not drawn in metres.
    """
    operation = crs.coordinate_operation
    conformal = operation is not None and operation.method_code in _METHODS
    if not conformal or any(axis.unit_conversion_factor != 1 for axis in crs.axis_info[:2]):
        return np.full(len(shapes), np.nan)
    runs = [shapes[start : start + _RUN] for start in range(0, len(shapes), _RUN)]
    areas = spread(lambda run: _areas(run, crs, geodesic=geodesic), runs)
    return np.concatenate([np.zeros(0), *areas])


def _areas(shapes: Shapes, crs: pyproj.CRS, *, geodesic: bool) -> Floats:
    box = shapely.bounds(shapes)
    with np.errstate(invalid="ignore", over="ignore"):
        middle = (box[:, :2] + box[:, 2:]) / 2
        ok = np.isfinite(middle).all(axis=1) & (np.abs(middle) < 1e9).all(axis=1)
        scale = _scale(np.where(ok[:, None], middle, 0.0), crs)
        planar, length = shapely.area(shapes), shapely.length(shapes)
        width, height = box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]
        across = np.hypot(width, height)
        # The middle of the box may lie half its diagonal off the centroid; the scale itself curves by 2/R².
        error = planar * (scale.slope * across / 2 + (across / _LEAST_RADIUS_M) ** 2 + 1e-10)
        # A chord of length L under a curvature k misses k L³/12; a geodesic bends with the slope of the scale.
        error += scale.slope / 2 * across**2 * length / 12
        if not geodesic:
            error += _WORST_RING * scale.tangent / _LEAST_RADIUS_M * across**2 * length / 12
        return np.where(ok & (error <= TOLERANCE_M2), planar / scale.areal, np.nan)


def _scale(points: Floats, crs: pyproj.CRS) -> _Scale:
    """Look the map up at points, in cells of two steps whose three by three nodes lie on a fixed grid."""
    size = 2 * _STEP_M
    cells, cell = _distinct(np.floor(points / size).astype("int64"))
    step = np.arange(3) * _STEP_M
    x = (cells[:, 0, None, None] * size + step[:, None]) + np.zeros(3)
    y = (cells[:, 1, None, None] * size + step) + np.zeros((3, 1))
    geodetic = crs.geodetic_crs
    lon, lat = pyproj.Transformer.from_crs(crs, geodetic, always_xy=True).transform(x.ravel(), y.ravel())
    degrees = geodetic.axis_info[0].unit_conversion_factor * 180 / np.pi if geodetic is not None else 1.0
    factors = pyproj.Proj(crs).get_factors(lon * degrees, lat * degrees)
    areal = np.asarray(factors.areal_scale).reshape(x.shape)
    slope = np.hypot(*(np.abs(np.diff(areal, axis=axis)).max(axis=(1, 2)) for axis in (1, 2))) / _STEP_M
    tangent = np.abs(np.tan(np.radians(lat * degrees))).reshape(x.shape).max(axis=(1, 2))
    along = _parabola((points - cells[cell] * size) / _STEP_M)
    return _Scale(np.einsum("nij,ni,nj->n", areal[cell], *along), slope[cell], tangent[cell])


def _distinct(cells: Ints) -> tuple[Ints, Ints]:
    """Return the distinct cells, and for each point the row of its cell."""
    key = cells[:, 0] * (1 << 32) + cells[:, 1]
    _, first, back = np.unique(key, return_index=True, return_inverse=True)
    return cells[first], back


def _parabola(t: Floats) -> tuple[Floats, Floats]:
    """Weights of the nodes 0, 1 and 2 at each t between them, by axis."""
    weights = np.stack([(t - 1) * (t - 2) / 2, t * (2 - t), t * (t - 1) / 2], axis=-1)
    return weights[:, 0], weights[:, 1]
