"""Coordinate reference systems as facts: their kind, their name, their relatives, and which one to work in.

Knows the Chinese Gauss–Krüger families (3° and 6° belts, with and without the zone in the easting), Web
Mercator and its kin, and how to choose a plane for a city. Does not look at a layer's numbers to doubt
its CRS: that is the doctor's work in `layers.crs`. Everything is thought as x = east, y = north
(`always_xy`), although the EPSG register declares the Chinese systems north-first. Bounds are
(west, south, east, north) in degrees.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from pyproj.exceptions import CRSError, ProjError

from layers.errors import CrsError

__all__ = [
    "CHINA",
    "Bounds",
    "Meridian",
    "analysis_crs",
    "describe",
    "gauss_kruger",
    "gauss_kruger_zone",
    "horizontal",
    "inside",
    "is_mercator",
    "lonlat_bounds",
    "map_xy",
    "meridian",
    "normalise",
    "parse",
    "short",
    "utm",
]

Bounds = tuple[float, float, float, float]

#: Area of use of CGCS2000 in the EPSG register. A box, not the border.
CHINA: Bounds = (73.62, 16.7, 134.77, 53.56)

#: Geodetic EPSG code -> first EPSG code of its 6° zones 13…, 3° zones 25…, 3° central meridians 75° E…
FAMILIES = {4490: (4491, 4513, 4534), 4610: (2327, 2349, 2370), 4214: (21413, 2401, 2422)}

#: Methods that keep angles, so that shapes near the middle keep their form and nearly their size.
CONFORMAL = ("Transverse Mercator", "Conformal", "Oblique Mercator", "Stereographic")


def parse(text: object) -> pyproj.CRS:
    """Return the CRS that `text` names (``EPSG:4549``, a code, WKT, a pyproj CRS).

    Raises
    ------
    CrsError
        Nothing on board bears that name.

    Examples
    --------
    >>> describe(parse("EPSG:4549"))
    'CGCS2000 / 3-degree Gauss-Kruger CM 120E (EPSG:4549)'
    """
    try:
        return pyproj.CRS.from_user_input(text)
    except CRSError as error:
        shown = str(text) if len(str(text)) <= 80 else str(text)[:80] + "…"
        raise CrsError(
            f'crs: "{shown}" is no coordinate reference system. Expected an EPSG code or WKT. '
            'Write for example: crs = "EPSG:4549" (CGCS2000, central meridian 120° E).',
            f'crs：“{shown}”不是坐标系。应为 EPSG 代码或 WKT，例如：crs = "EPSG:4549"（CGCS2000，中央经线 120°E）。',
        ) from error


def describe(crs: pyproj.CRS) -> str:
    """Return the name of a CRS people recognise, with its EPSG code where it has one.

    Examples
    --------
    >>> describe(pyproj.CRS.from_epsg(4490))
    'China Geodetic Coordinate System 2000 (EPSG:4490)'
    """
    code = short(crs)
    return crs.name if code == crs.name else f"{crs.name} ({code})"


@lru_cache(maxsize=64)
def short(crs: pyproj.CRS) -> str:
    """Return ``EPSG:…`` (or another authority's code), else the name."""
    authority = crs.to_authority(min_confidence=100)
    return ":".join(authority) if authority else str(crs.name)


def horizontal(crs: pyproj.CRS) -> pyproj.CRS:
    """Return the horizontal part of a CRS that also carries a height or a bound datum shift."""
    if crs.is_compound:
        return horizontal(crs.sub_crs_list[0])
    if crs.is_bound and crs.source_crs is not None:
        return horizontal(crs.source_crs)
    return crs


def is_mercator(crs: pyproj.CRS) -> bool:
    """Tell whether a CRS is Web Mercator or another normal Mercator map, on which no area can be measured.

    Examples
    --------
    >>> [is_mercator(pyproj.CRS.from_epsg(code)) for code in (3857, 3395, 4549)]
    [True, True, False]
    """
    method = _method(crs)
    return "Mercator" in method and "Transverse" not in method and "Oblique" not in method


def _method(crs: pyproj.CRS) -> str:
    operation = horizontal(crs).coordinate_operation
    return str(operation.method_name) if operation else ""


@lru_cache(maxsize=64)  # the register is searched, which takes tenths of a second for a local CRS
def normalise(crs: pyproj.CRS) -> tuple[pyproj.CRS, str | None]:
    """Return the CRS of the EPSG register that is the same as `crs`, and the foreign name it bore.

    ESRI's .prj files bear no code (``CGCS2000_3_Degree_GK_CM_120E``, ``Gauss_Kruger``). A CRS that has
    a code already, or that equals none of the register, comes back as it is, with None.
    """
    if crs.to_json_dict().get("id"):
        return crs, None
    code = crs.to_epsg()
    if code is None:
        return crs, None
    known = pyproj.CRS.from_epsg(code)
    if not _same_projection(crs, known):
        return crs, None
    written = re.match(r'^\s*[A-Za-z_]+\["([^"]+)"', crs.srs)
    return known, written[1] if written else str(crs.name)


def _same_projection(one: pyproj.CRS, other: pyproj.CRS) -> bool:
    """Compare what moves a coordinate: method, parameters, ellipsoid. Names and axis order do not."""

    def essence(crs: pyproj.CRS) -> list[float]:
        geod, operation = crs.get_geod(), crs.coordinate_operation
        params = operation.params if operation else []
        return [*([geod.a, geod.f] if geod else []), *sorted(float(p.value) * p.unit_conversion_factor for p in params)]

    a, b = essence(horizontal(one)), essence(horizontal(other))
    return len(a) == len(b) and all(math.isclose(x, y, rel_tol=1e-9, abs_tol=1e-9) for x, y in zip(a, b, strict=True))


class Meridian(NamedTuple):
    """Central meridian and false easting of a transverse Mercator projection."""

    lon: float
    false_easting: float

    @property
    def prefixed(self) -> bool:
        """Whether eastings begin with the number of the zone."""
        return self.false_easting > 1e6


def meridian(crs: pyproj.CRS) -> Meridian | None:
    """Return the central meridian of a transverse Mercator CRS (Gauss–Krüger, UTM), else None.

    Examples
    --------
    >>> meridian(pyproj.CRS.from_epsg(4528))
    Meridian(lon=120.0, false_easting=40500000.0)
    """
    operation = horizontal(crs).coordinate_operation
    if operation is None or not operation.method_name.startswith("Transverse Mercator"):
        return None
    values = {p.name: float(p.value) for p in operation.params}
    return Meridian(values["Longitude of natural origin"], values["False easting"])


def gauss_kruger(lon: float, datum: int = 4490) -> pyproj.CRS | None:
    """Return the Gauss–Krüger CRS without zone in the easting whose central meridian is `lon`, if one is registered.

    Examples
    --------
    >>> gauss_kruger(120).to_epsg(), gauss_kruger(120, datum=4610).to_epsg(), gauss_kruger(121)
    (4549, 2385, None)
    """
    steps = (lon - 75) / 3
    if steps != int(steps) or not 0 <= steps <= 20:
        return None
    return pyproj.CRS.from_epsg(FAMILIES[datum][2] + int(steps))


def gauss_kruger_zone(zone: int, datum: int = 4490) -> pyproj.CRS | None:
    """Return the Gauss–Krüger CRS whose eastings begin with `zone`: 13–23 are belts of 6°, 25–45 belts of 3°.

    Examples
    --------
    >>> gauss_kruger_zone(40).to_epsg(), gauss_kruger_zone(21).to_epsg(), gauss_kruger_zone(50)
    (4528, 4499, None)
    """
    six, three, _ = FAMILIES[datum]
    if 13 <= zone <= 23:
        return pyproj.CRS.from_epsg(six + zone - 13)
    return pyproj.CRS.from_epsg(three + zone - 25) if 25 <= zone <= 45 else None


def lonlat_bounds(geometry: gpd.GeoSeries) -> Bounds:
    """Return west, south, east, north of a layer in WGS 84 degrees.

    Raises
    ------
    CrsError
        The layer has no CRS, no shape, or lies where its CRS has no inverse.
    """
    left, bottom, right, top = box = tuple(float(edge) for edge in geometry.total_bounds)
    try:
        if geometry.crs is None or not all(map(math.isfinite, box)):
            raise ProjError("no CRS or no finite shape")
        to_lonlat = pyproj.Transformer.from_crs(horizontal(geometry.crs), 4326, always_xy=True)
        # Of several ways from a CRS to degrees one may fail where another holds: what counts is the result.
        west, south, east, north = found = to_lonlat.transform_bounds(left, bottom, right, top)
        if not all(map(math.isfinite, found)):
            raise ProjError("outside of the domain of its CRS")
    except ProjError as error:
        name = "none" if geometry.crs is None else describe(geometry.crs)
        raise CrsError(
            f"geometry: {len(geometry)} shapes with bounds {box} in CRS {name} have no place on the Earth. "
            "Run `parkwise info FILE` to see what the numbers look like.",
            f"geometry：{len(geometry)} 个图形（范围 {box}，坐标系 {name}）在地球上没有位置。"
            "请运行 `parkwise info 文件` 查看坐标值。",
        ) from error
    return west, south, east, north


def analysis_crs(lonlat_bounds: Bounds, preferred: pyproj.CRS | None = None) -> pyproj.CRS:
    """Return the plane to work in: the data's own if it is fit, else CGCS2000 3° in China, else UTM.

    Parameters
    ----------
    lonlat_bounds : tuple
        West, south, east, north of the data in degrees.
    preferred : CRS, optional
        The data's own CRS. Kept when it is conformal, in metres, no Mercator map, and near: central
        meridian within 2° of the middle of the data, or the middle inside its area of use.

    Examples
    --------
    >>> hangzhou = (118.3, 29.2, 120.9, 30.6)
    >>> analysis_crs(hangzhou).to_epsg(), analysis_crs(hangzhou, pyproj.CRS.from_epsg(3857)).to_epsg()
    (4549, 4549)
    >>> analysis_crs(hangzhou, pyproj.CRS.from_epsg(4528)).to_epsg()
    4528
    """
    west, south, east, north = lonlat_bounds
    lon, lat = (west + east) / 2, (south + north) / 2
    if preferred is not None and _fit(horizontal(preferred), lon, lat):
        return preferred
    if inside(CHINA, lon, lat):
        nearest = gauss_kruger(min(max(3 * round(lon / 3), 75), 135))
        if nearest is not None:
            return nearest
    return utm(lon, lat)


def _fit(crs: pyproj.CRS, lon: float, lat: float) -> bool:
    if not crs.is_projected or is_mercator(crs) or not any(word in _method(crs) for word in CONFORMAL):
        return False
    if any(axis.unit_conversion_factor != 1 for axis in crs.axis_info[:2]):
        return False
    middle = meridian(crs)
    if middle is not None:
        return abs(lon - middle.lon) <= 2
    return crs.area_of_use is not None and inside(crs.area_of_use.bounds, lon, lat)


def utm(lon: float, lat: float) -> pyproj.CRS:
    """Return the UTM zone (WGS 84) of a place.

    Examples
    --------
    >>> utm(26.9, 60.5).to_epsg(), utm(151.2, -33.9).to_epsg()
    (32635, 32756)
    """
    zone = min(int((lon + 180) // 6) + 1, 60)
    return pyproj.CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)


def inside(bounds: Bounds, lon: float, lat: float) -> bool:
    """Tell whether a place lies within west, south, east, north."""
    west, south, east, north = bounds
    return west <= lon <= east and south <= lat <= north


def map_xy(
    shapes: npt.NDArray[np.object_], move: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
) -> npt.NDArray[np.object_]:
    """Return shapes with x, y of all corners moved and heights kept, which shapely's own way would drop."""
    moved = np.array(shapes, dtype="object")
    for with_z in (False, True):
        some = shapely.has_z(shapes) == with_z
        moved[some] = shapely.transform(
            shapes[some], lambda corners: np.column_stack([move(corners[:, :2]), corners[:, 2:]]), include_z=with_z
        )
    return moved
