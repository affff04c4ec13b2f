"""The area of land, under its name.

Four numbers are called "area" in practice, and they differ: the ellipsoidal area by the statutory
formula of the national land surveys (`tdt1055`, the default), the area between geodesics on the
ellipsoid (`geodesic`), the area in a projected plane (`planar`), and the area on record. This room
measures the first three, in m², as floats; rounding to 0.01 m² happens once, in `layers.units.to_tally`.
It knows nothing of parcels, records or rules. Longitude and latitude are those of the layer's own
geodetic CRS: a projection is undone, a datum is never shifted. No ring may cross the 180° meridian.
Why this formula and what it does to rounding: docs/adr/0003-areas.md.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from layers.areal_scale import area_by_scale
from layers.errors import CrsError, ProjectError, nearest
from layers.projections import horizontal, is_mercator
from layers.threads import spread

__all__ = ["METHODS", "area_m2"]

METHODS = ("tdt1055", "geodesic", "planar")

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
#: From longitude, latitude (radians) and the start of each ring to the unsigned area of each ring.
RingArea = Callable[[Floats, Floats, Ints], Floats]

#: Vertices worked on at a time: bounds the memory and stays in the processor's cache.
CHUNK = 1 << 16


def area_m2(geometry: gpd.GeoSeries, method: str = "tdt1055") -> pd.Series:
    """Land area (面积, 椭球面积) of each shape.

    Parameters
    ----------
    geometry : GeoSeries
        Polygons and multipolygons in any CRS. Holes are subtracted; the direction in which a ring is drawn
        does not matter. Points and lines have no area. Parts that overlap each other are counted twice:
        invalid shapes are the business of `layers.check`.
    method : {"tdt1055", "geodesic", "planar"}
        ``tdt1055``: ellipsoidal area by the formula of the land surveys, corners joined by lines that
        are straight on the cylindrical equal-area map. ``geodesic``: corners joined by geodesics (slower).
        ``planar``: area in the plane of a projected CRS that is not a Mercator map.

    Returns
    -------
    Series of float64, m², same index, named "land_area_m2"
        0 for an empty shape; missing where the geometry is missing or lies where the CRS has no inverse.

    Raises
    ------
    CrsError
        The layer has no CRS; or ``planar`` was asked in degrees or on a Mercator map.
    ProjectError
        No such method.

    Examples
    --------
    A hectare near Hangzhou, in the plane and on the ellipsoid:

    >>> from shapely.geometry import box
    >>> plot = gpd.GeoSeries([box(519_000, 3_342_000, 519_100, 3_342_100)], crs="EPSG:4549")
    >>> area_m2(plot, "planar").round(2).tolist(), area_m2(plot).round(2).tolist()
    ([10000.0], [9999.91])
    """
    if method not in METHODS:
        like = nearest(method, METHODS) or METHODS[0]
        raise ProjectError(
            f'Area method "{method}" is not known. Expected one of {", ".join(METHODS)}, for example area = "{like}".',
            f'不认识面积算法“{method}”。应为 {"、".join(METHODS)} 之一，例如 area = "{like}"。',
        )
    crs = _known(geometry)
    shapes = np.asarray(geometry.array)
    values = _planar(shapes, crs) if method == "planar" else _ellipsoidal(shapes, crs, method)
    values[shapely.is_missing(shapes)] = np.nan
    return pd.Series(values, index=geometry.index, name="land_area_m2")


def _known(geometry: gpd.GeoSeries) -> pyproj.CRS:
    if geometry.crs is None:
        raise CrsError(
            f"geometry: {len(geometry)} shapes have no coordinate reference system, so they have no area. "
            'Name it in the project file, for example: crs = "EPSG:4549".',
            f'geometry：{len(geometry)} 个图形没有坐标系，无法计算面积。请在项目文件中写明，例如：crs = "EPSG:4549"。',
        )
    return horizontal(geometry.crs)


def _planar(shapes: npt.NDArray[np.object_], crs: pyproj.CRS) -> Floats:
    if crs.is_geographic or crs.is_geocentric:
        raise CrsError(
            f"Planar area asked in degrees ({crs.name}). Expected a projected CRS in metres or feet. "
            'Use area = "tdt1055", or name a projected analysis CRS such as crs = "EPSG:4549".',
            f"在经纬度坐标系（{crs.name}）中不能计算平面面积，应为以米或英尺为单位的投影坐标系。"
            '请用 area = "tdt1055"，或指定投影坐标系，例如 crs = "EPSG:4549"。',
        )
    if is_mercator(crs):
        raise CrsError(
            f"Planar area asked on a Mercator map ({crs.name}), which inflates land by a third at 30° N. "
            'Use area = "tdt1055", or name a conformal local CRS such as crs = "EPSG:4549".',
            f"在墨卡托投影（{crs.name}）中不能计算平面面积：北纬 30° 处面积夸大约三分之一。"
            '请用 area = "tdt1055"，或指定本地投影坐标系，例如 crs = "EPSG:4549"。',
        )
    x_unit, y_unit = (axis.unit_conversion_factor for axis in crs.axis_info[:2])
    return np.asarray(shapely.area(shapes) * (x_unit * y_unit), dtype="float64")


def _ellipsoidal(shapes: npt.NDArray[np.object_], crs: pyproj.CRS, method: str) -> Floats:
    """Planar area ÷ scale where that is as good as the formula; the formula for all other shapes."""
    geodetic, geod = _earth(crs)
    values = area_by_scale(shapes, crs, geodesic=method == "geodesic")
    rest = np.flatnonzero(np.isnan(values))
    values[rest] = _by_formula(shapes[rest], crs, geodetic, geod, method)
    return values


def _by_formula(
    shapes: npt.NDArray[np.object_], crs: pyproj.CRS, geodetic: pyproj.CRS, geod: pyproj.Geod, method: str
) -> Floats:
    """Sum the rings of each shape, chunk by chunk: outer rings add, holes take away."""
    to_lonlat = _to_lonlat(crs, geodetic)
    ring_area = _tdt1055(geod) if method == "tdt1055" else _geodesic(geod)
    polygons, owner = _polygons(shapes)

    def areas(part: slice) -> Floats:
        _, xy, (ring_start, polygon_start) = shapely.to_ragged_array(polygons[part], include_z=False)
        lon, lat = to_lonlat(np.ascontiguousarray(xy[:, 0]), np.ascontiguousarray(xy[:, 1]))
        with np.errstate(invalid="ignore"):  # where the projection has no inverse, the area is missing
            rings = -ring_area(lon, lat, ring_start[:-1])
        rings[polygon_start[:-1]] *= -1
        return np.asarray(np.add.reduceat(rings, polygon_start[:-1]))

    values = np.concatenate([np.zeros(0), *spread(areas, _chunks(polygons))])
    return np.bincount(owner, weights=values, minlength=len(shapes)).astype("float64")


def _earth(crs: pyproj.CRS) -> tuple[pyproj.CRS, pyproj.Geod]:
    """Return the geodetic CRS under `crs`, and its ellipsoid."""
    geodetic, geod = crs.geodetic_crs, crs.get_geod()
    if geodetic is None or geod is None or not (crs.is_projected or crs.is_geographic):
        raise CrsError(
            f'"{crs.name}" is not tied to the Earth, so land has no ellipsoidal area in it. '
            'Use area = "planar", or name the CRS the layer was drawn in, for example crs = "EPSG:4549".',
            f"“{crs.name}”与地球没有联系，无法计算椭球面积。"
            '请用 area = "planar"，或写明图层所用的坐标系，例如 crs = "EPSG:4549"。',
        )
    return geodetic, geod


def _polygons(shapes: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.object_], Ints]:
    """Return the simple polygons that are not empty, and for each the position of the shape it belongs to."""
    owner = np.arange(len(shapes))
    while (shapely.get_type_id(shapes) > shapely.GeometryType.POLYGON.value).any():
        shapes, parent = shapely.get_parts(shapes, return_index=True)
        owner = owner[parent]
    keep = (shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON.value) & ~shapely.is_empty(shapes)
    return shapes[keep], owner[keep]


def _chunks(polygons: npt.NDArray[np.object_]) -> Iterator[slice]:
    """Cut the polygons into runs of about `CHUNK` vertices; a polygon is never cut."""
    if not len(polygons):
        return
    run = np.cumsum(shapely.get_num_coordinates(polygons)) // CHUNK
    edges = [0, *(np.flatnonzero(np.diff(run)) + 1).tolist(), len(polygons)]
    yield from (slice(start, stop) for start, stop in itertools.pairwise(edges))


def _to_lonlat(crs: pyproj.CRS, geodetic: pyproj.CRS) -> Callable[[Floats, Floats], tuple[Floats, Floats]]:
    """Return the way from x, y to longitude, latitude in radians on the CRS's own datum."""
    radians = geodetic.axis_info[0].unit_conversion_factor
    if crs.is_geographic:
        return lambda x, y: (x * radians, y * radians)
    transformer = pyproj.Transformer.from_crs(crs, geodetic, always_xy=True)

    def undo(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        lon, lat = transformer.transform(x, y, inplace=True)
        return lon * radians, lat * radians

    return undo


def _tdt1055(geod: pyproj.Geod) -> RingArea:
    """Return the statutory formula on an ellipsoid.

    The standard sums over edges 2 b² ΔL [A sin ½ΔB cos Bm − B sin 3/2 ΔB cos 3Bm + …]. As
    2 sin ½(v−u) cos ½(v+u) = sin v − sin u, an edge is b² ΔL (g(B₂) − g(B₁)) with
    g = A sin B − B sin 3B + C sin 5B − D sin 7B + E sin 9B: the same sum, one sine a corner.
    """
    odd = _odd_powers(_coefficients(geod.es))

    def ring_area(lon: Floats, lat: Floats, starts: Ints) -> Floats:
        sine = np.sin(lat)
        square = sine * sine
        g = np.full_like(sine, odd[-1])
        for factor in odd[-2::-1]:
            g *= square
            g += factor
        g *= sine
        # The result does not depend on L0; one at the ring itself keeps all digits.
        east = lon - np.repeat(lon[starts], np.diff(starts, append=len(lon)))
        edge = np.zeros_like(g)
        edge[:-1] = (east[:-1] + east[1:]) * np.diff(g)
        edge[starts[1:] - 1] = 0.0  # no edge leads from ring to ring, not even from a ring without a place
        return np.asarray(np.abs(np.add.reduceat(edge, starts)) * (geod.b**2 / 2))

    return ring_area


def _coefficients(e2: float) -> tuple[float, float, float, float, float]:
    """Return A to E of the standard for the first eccentricity squared."""
    e4, e6, e8 = e2**2, e2**3, e2**4
    return (
        1 + 3 / 6 * e2 + 30 / 80 * e4 + 35 / 112 * e6 + 630 / 2304 * e8,
        1 / 6 * e2 + 15 / 80 * e4 + 21 / 112 * e6 + 420 / 2304 * e8,
        3 / 80 * e4 + 7 / 112 * e6 + 180 / 2304 * e8,
        1 / 112 * e6 + 45 / 2304 * e8,
        5 / 2304 * e8,
    )


def _odd_powers(coefficients: tuple[float, ...]) -> Floats:
    """Write A sin B − B sin 3B + C sin 5B − … as odd powers of sin B: (−1)ᵏ sin((2k+1)B) = T₂ₖ₊₁(sin B)."""
    series = np.zeros(2 * len(coefficients))
    series[1::2] = coefficients
    return np.asarray(np.polynomial.chebyshev.cheb2poly(series)[1::2])


def _geodesic(geod: pyproj.Geod) -> RingArea:
    def ring_area(lon: Floats, lat: Floats, starts: Ints) -> Floats:
        stops = np.append(starts[1:], len(lon))
        pairs = zip(starts.tolist(), stops.tolist(), strict=True)
        return np.array([abs(geod.polygon_area_perimeter(lon[i:j], lat[i:j], radians=True)[0]) for i, j in pairs])

    return ring_area
