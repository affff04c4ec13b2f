"""Shifted web maps: GCJ-02 and BD-09, there and back, and how to recognise a layer drawn on one.

Chinese web maps move every place some hundred metres: Amap and Tencent show GCJ-02, Baidu BD-09, Tianditu
nothing. The shift is a published formula of longitude and latitude; its inverse is found by iteration to
10⁻¹⁰ degrees. Outside a box round China (72.004–137.8347° E, 0.8293–55.8271° N) nothing is moved. The box is
not the border: near it, in Korea or in Mongolia, web maps use another rule, so nothing there should be trusted.
All longitudes and latitudes are degrees, x first. Nothing is ever moved unless asked: `recognise` only compares.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from layers import findings
from layers.errors import CrsError, ProjectError, nearest
from layers.projections import map_xy

__all__ = ["DATUMS", "NAMES", "DatumVerdict", "from_wgs84", "recognise", "shift_geometry", "to_wgs84"]

DATUMS = ("wgs84", "gcj02", "bd09")
NAMES = {"wgs84": "WGS 84 / CGCS2000", "gcj02": "GCJ-02", "bd09": "BD-09"}

Floats = npt.NDArray[np.float64]
Shapes = npt.NDArray[np.object_]
Rows = npt.NDArray[np.intp]
Shift = Callable[[Floats, Floats], tuple[Floats, Floats]]

#: West, south, east, north of the box in which web maps are shifted.
SHIFTED = (72.004, 0.8293, 137.8347, 55.8271)
#: The formula's ellipsoid is Krasovsky's.
KRASOVSKY_A, KRASOVSKY_E2 = 6378245.0, 0.00669342162296594323
BAIDU_TURN = np.pi * 3000 / 180


def from_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike, datum: str) -> tuple[Floats, Floats]:
    """Shift true longitude and latitude onto a web map (加偏).

    Parameters
    ----------
    lon, lat : array-like
        Degrees in WGS 84 or CGCS2000.
    datum : {"gcj02", "bd09", "wgs84"}

    Raises
    ------
    ProjectError
        No such datum.

    Examples
    --------
    >>> lon, lat = from_wgs84([120.2], [30.2], "gcj02")
    >>> lon.round(6).tolist(), lat.round(6).tolist()
    ([120.204558], [30.197585])
    """
    return _moved(lon, lat, _forward(datum))


def to_wgs84(lon: npt.ArrayLike, lat: npt.ArrayLike, datum: str) -> tuple[Floats, Floats]:
    """Take the shift of a web map away again (去偏): inverse of `from_wgs84` to 10⁻⁹ degrees.

    Examples
    --------
    >>> lon, lat = to_wgs84(*from_wgs84([120.2], [30.2], "bd09"), "bd09")
    >>> lon.round(9).tolist(), lat.round(9).tolist()
    ([120.2], [30.2])
    """
    forward = _forward(datum)

    def back(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        lon, lat = x.copy(), y.copy()
        for _ in range(30):  # each round leaves less than a twentieth of the error
            east, north = forward(lon, lat)
            lon, lat, off = lon - (east - x), lat - (north - y), np.hypot(east - x, north - y)
            if off.max(initial=0) < 1e-10:
                break
        return lon, lat

    return _moved(lon, lat, back)


def _moved(lon: npt.ArrayLike, lat: npt.ArrayLike, shift: Shift) -> tuple[Floats, Floats]:
    """Shift what lies in the box round China; leave the rest, and what is missing, as it is."""
    x, y = np.array(lon, dtype="float64"), np.array(lat, dtype="float64")
    west, south, east, north = SHIFTED
    inside = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    x[inside], y[inside] = shift(x[inside], y[inside])
    return x, y


def _forward(datum: str) -> Shift:
    if datum not in DATUMS:
        like = nearest(datum, DATUMS) or "gcj02"
        raise ProjectError(
            f'Datum "{datum}" is not known. Expected one of {", ".join(DATUMS)}, for example datum = "{like}".',
            f'不认识坐标偏移“{datum}”。应为 {"、".join(DATUMS)} 之一，例如 datum = "{like}"。',
        )
    return {"wgs84": lambda x, y: (x, y), "gcj02": _gcj02, "bd09": lambda x, y: _bd09(*_gcj02(x, y))}[datum]


def _gcj02(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Return the place on a GCJ-02 map: offsets in metres as waves of the distance from 105° E, 35° N."""
    x, y = lon - 105, lat - 35
    pi_x, pi_y = np.pi * x, np.pi * y
    ripple = 20 * np.sin(6 * pi_x) + 20 * np.sin(2 * pi_x)
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x))
    north += 2 / 3 * (ripple + 20 * np.sin(pi_y) + 40 * np.sin(pi_y / 3))
    north += 2 / 3 * (160 * np.sin(pi_y / 12) + 320 * np.sin(pi_y / 30))
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x))
    east += 2 / 3 * (ripple + 20 * np.sin(pi_x) + 40 * np.sin(pi_x / 3))
    east += 2 / 3 * (150 * np.sin(pi_x / 12) + 300 * np.sin(pi_x / 30))
    w2 = 1 - KRASOVSKY_E2 * np.sin(np.radians(lat)) ** 2
    radius_north = KRASOVSKY_A * (1 - KRASOVSKY_E2) / w2**1.5
    radius_east = KRASOVSKY_A / np.sqrt(w2) * np.cos(np.radians(lat))
    return lon + np.degrees(east / radius_east), lat + np.degrees(north / radius_north)


def _bd09(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Return the place on a Baidu map of a place on a GCJ-02 map: a small turn, stretch and step."""
    reach = np.hypot(lon, lat) + 0.00002 * np.sin(lat * BAIDU_TURN)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * BAIDU_TURN)
    return reach * np.cos(angle) + 0.0065, reach * np.sin(angle) + 0.006


def shift_geometry(geometry: gpd.GeoSeries, to: str = "wgs84", datum: str = "gcj02") -> gpd.GeoSeries:
    """Return a layer moved from one datum to another (坐标纠偏); heights stay.

    Parameters
    ----------
    geometry : GeoSeries
        In longitude and latitude (a geographic CRS, or none).
    to, datum : {"wgs84", "gcj02", "bd09"}
        Where to, and where from. ``to="gcj02", datum="wgs84"`` makes a copy to draw over a web map.

    Raises
    ------
    CrsError
        The layer is in a projected CRS.
    ProjectError
        No such datum.
    """
    _check_degrees(geometry)
    forward = _forward(to)

    def move(xy: Floats) -> Floats:
        lon, lat = to_wgs84(xy[:, 0], xy[:, 1], datum)
        return np.column_stack([*_moved(lon, lat, forward)])

    return gpd.GeoSeries(map_xy(np.asarray(geometry.array), move), geometry.index, geometry.crs, name=geometry.name)


def _check_degrees(geometry: gpd.GeoSeries) -> None:
    if geometry.crs is None or geometry.crs.is_geographic:
        return
    raise CrsError(
        f"A web map's shift is defined in degrees, but the layer is in {geometry.crs.name}. "
        "Expected longitude and latitude: reproject with to_crs(4326) first.",
        f"网络地图偏移以经纬度定义，而图层坐标系为 {geometry.crs.name}。应为经纬度：请先 to_crs(4326)。",
    )


@dataclass(frozen=True)
class DatumVerdict:
    """Evidence that a layer was drawn on a shifted web map.

    ``agreement`` is the share of the compared land that agrees with the reference, for each datum the layer
    might be in; ``method`` what was compared (shapes with shapes, outlines, or pieces that should not
    straddle a boundary); ``compared`` how many shapes; ``east_m``, ``north_m`` the shift at their middle.
    """

    datum: str
    method: str
    compared: int
    agreement: dict[str, float]
    east_m: float
    north_m: float
    findings: pd.DataFrame


#: Shapes are of one kind when they share so much of their union; boundaries are compared within so many degrees.
ALIKE, NEAR = 0.6, 0.02
#: So many shapes at most are looked at, compared, and asked first whether comparing the rest makes sense.
LOOK, SAMPLE, GLANCE = 20_000, 2000, 100
#: So many pieces at least must straddle a boundary to be evidence.
PIECES = 20
#: What disagrees must shrink to this part when the shift is removed.
SHRINKS_TO = 0.55


def recognise(geometry: gpd.GeoSeries, reference: gpd.GeoSeries, *, layer: str = "") -> DatumVerdict | None:
    """Recognise a layer drawn on a shifted web map (坐标偏移识别) by comparing it with a reference.

    Two drawings of one district never agree to the metre, so shapes are compared by the land they share. A
    shift is reported only if removing it makes what disagrees shrink to about half, and removing half of it,
    or one and a half times, agrees less: then the layer lies off by this shift and not just by some shift.

    Parameters
    ----------
    geometry, reference : GeoSeries
        In longitude and latitude. The reference (districts) is taken as true. The layer may show the same
        things (districts), their common outline, or pieces of them (parcels, parks, points).
    layer : str
        Name for the finding.

    Returns
    -------
    DatumVerdict or None
        None where nothing speaks strongly for a shift, also where too little can be compared.

    Raises
    ------
    CrsError
        A layer is in a projected CRS.
    """
    _check_degrees(geometry)
    _check_degrees(reference)
    few = geometry.iloc[:: max(1, len(geometry) // LOOK)]
    # Copies, since they are prepared: other layers may be held against the same reference at the same time.
    areas = shapely.from_wkb(shapely.to_wkb(_polygons(reference)))
    compared = _comparable(_polygons_or_points(few), areas)
    if compared is None:
        return None
    disagrees = {datum: compared.disagreement(datum) for datum in DATUMS}
    best = min(disagrees, key=lambda datum: disagrees[datum])
    if best == "wgs84" or disagrees[best] > SHRINKS_TO * disagrees["wgs84"]:
        return None
    if min(compared.disagreement(best, 0.5), compared.disagreement(best, 1.5)) <= disagrees[best]:
        return None
    return _verdict(best, compared, disagrees, layer)


def _verdict(datum: str, compared: _Compared, disagrees: dict[str, float], layer: str) -> DatumVerdict:
    agreement = {name: 1 - value for name, value in disagrees.items()}
    west, south, east, north = shapely.total_bounds(compared.shapes)
    lon, lat = np.array([(west + east) / 2]), np.array([(south + north) / 2])
    true_lon, true_lat = to_wgs84(lon, lat, datum)
    azimuth, _, distance = pyproj.Geod(ellps="WGS84").inv(true_lon[0], true_lat[0], lon[0], lat[0])
    told = findings.finding(
        "datum-shifted",
        layer,
        found=f"{NAMES[datum]}: {agreement[datum]:.1%} / {agreement['wgs84']:.1%}",
        datum=datum,
        datum_name=NAMES[datum],
        after=f"{agreement[datum]:.1%}",
        before=f"{agreement['wgs84']:.1%}",
    )
    east_m, north_m = distance * np.sin(np.radians(azimuth)), distance * np.cos(np.radians(azimuth))
    return DatumVerdict(datum, compared.method, len(compared.shapes), agreement, float(east_m), float(north_m), told)


@dataclass(frozen=True)
class _Compared:
    """What is laid over what: ``method`` is shapes, outline (both mean: the same things) or pieces."""

    method: str
    shapes: Shapes
    areas: Shapes

    def disagreement(self, datum: str, part: float = 1.0) -> float:
        """Return the share of land that disagrees when `part` of the shift of `datum` is taken away."""
        shared, union, size = _overlaps(_unshifted(self.shapes, datum, part), self.areas)
        whole = size if self.method == "pieces" else union
        return float(1 - shared.sum() / whole.sum())


def _comparable(shapes: Shapes, areas: Shapes) -> _Compared | None:
    """Find out what the layer has in common with the reference: its shapes, its outline, or its boundaries."""
    if not len(shapes) or not len(areas):
        return None
    if shapely.get_dimensions(shapes[0]) == 2:
        few = shapes[:: max(1, len(shapes) // SAMPLE)]
        if _alike(few[:: max(1, len(few) // GLANCE)], areas).mean() > 0.25:
            alike = _alike(few, areas)
            if alike.mean() > 0.5:
                return _Compared("shapes", few[alike], areas)
        if len(shapes) <= SAMPLE:
            outlines = np.array([shapely.union_all(shapes)]), np.array([shapely.union_all(areas)])
            if _alike(*outlines).all():
                return _Compared("outline", *outlines)
    near = shapely.STRtree(shapely.boundary(areas)).query(shapes, predicate="dwithin", distance=NEAR)[0]
    pieces = shapes[np.unique(near)]
    pieces = pieces[:: max(1, len(pieces) // SAMPLE)]
    shared, _, size = _overlaps(pieces, areas)
    return _Compared("pieces", pieces, areas) if (shared < 0.99 * size).sum() >= PIECES else None


def _alike(shapes: Shapes, areas: Shapes) -> npt.NDArray[np.bool_]:
    """Tell which shapes have their like among the areas, under any datum."""
    tries = [_overlaps(_unshifted(shapes, datum, 1.0), areas) for datum in DATUMS]
    return np.asarray(np.max([shared / union for shared, union, _ in tries], axis=0) > ALIKE)


def _overlaps(shapes: Shapes, areas: Shapes) -> tuple[Floats, Floats, Floats]:
    """Return what each shape shares with the area it fits best, their union, and its own size.

    Sizes are in square degrees; a point has size 1, all of it where it lies.
    """
    size = shapely.area(shapes)
    shared, union = np.zeros(len(shapes)), size.copy()
    i, j = shapely.STRtree(areas).query(shapes, predicate="intersects")
    if (shapely.get_dimensions(shapes) == 0).all():
        shared[i] = 1.0
        return shared, np.ones(len(shapes)), np.ones(len(shapes))
    common = _common(shapes, i, areas, j)
    both = size[i] + shapely.area(areas[j]) - common
    order = np.argsort(common / both, kind="stable")  # the best comes last, and stays
    shared[i[order]], union[i[order]] = common[order], both[order]
    return shared, union, size


def _common(shapes: Shapes, i: Rows, areas: Shapes, j: Rows) -> Floats:
    """Return the land of each pair; one that lies wholly inside needs no intersection."""
    shapely.prepare(areas)
    whole = shapely.contains_properly(areas[j], shapes[i])
    common: Floats = np.asarray(shapely.area(shapes[i]), dtype="float64")
    common[~whole] = shapely.area(shapely.intersection(shapes[i[~whole]], areas[j[~whole]]))
    return common


def _unshifted(shapes: Shapes, datum: str, part: float) -> Shapes:
    def move(xy: Floats) -> Floats:
        true = np.column_stack(to_wgs84(xy[:, 0], xy[:, 1], datum))
        return np.asarray(xy + part * (true - xy))

    return np.asarray(shapely.transform(shapes, move))


def _polygons_or_points(geometry: gpd.GeoSeries) -> Shapes:
    """Return the polygons of a layer; where it has none, the middles of its lines and points."""
    polygons = _polygons(geometry)
    if len(polygons):
        return polygons
    middles = shapely.centroid(np.asarray(geometry.array))
    return np.asarray(middles[~shapely.is_missing(middles) & ~shapely.is_empty(middles)])


def _polygons(geometry: gpd.GeoSeries) -> Shapes:
    """Return the polygons of a layer, made valid: a copy to compare with, not to measure."""
    valid = np.asarray(shapely.make_valid(np.asarray(geometry.array), method="structure", keep_collapsed=False))
    return np.asarray(valid[shapely.area(valid) > 0])  # a collapsed ring becomes empty
