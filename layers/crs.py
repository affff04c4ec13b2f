"""The doctor for coordinates: whether the CRS a file declares agrees with its numbers, and if not, what would.

Works from the middles of the shapes alone (x, y as the file gives them). A claimed CRS is believed when
nine of ten middles fall near its area of use (and on the reference, where there is one). Otherwise every
other reading of the same numbers is tried: axes swapped, degrees, zone in the easting, another central
meridian, Web Mercator. If exactly one reading agrees it is proposed, and told; else the layer is blocked.
What the user gave is never overruled. Nothing is changed here: `settle` applies a verdict.
CGCS2000, Xian 1980 and Beijing 1954 cannot be told apart by numbers (they lie up to some 100 m apart).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from layers import findings
from layers.projections import (
    CHINA,
    FAMILIES,
    Bounds,
    analysis_crs,
    describe,
    gauss_kruger,
    gauss_kruger_zone,
    horizontal,
    inside,
    is_mercator,
    lonlat_bounds,
    map_xy,
    meridian,
    normalise,
    parse,
    short,
    utm,
)

__all__ = ["CrsVerdict", "analysis_crs", "describe", "diagnose", "lonlat_bounds", "parse", "settle"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

WORLD: Bounds = (-180, -90, 180, 90)
#: Share of the shapes that must fall where a reading says they are.
MOST, HALF = 0.9, 0.5
#: (how, whether anything was found) -> what to say first, in English and Chinese.
WORDS = {
    ("declared", False): ("declared by the file, and the numbers agree", "文件自带坐标系，与坐标值相符"),
    ("declared", True): ("declared by the file", "文件自带坐标系"),
    ("given", False): ("given by the user, and the numbers agree", "由用户指定，与坐标值相符"),
    ("given", True): ("given by the user", "由用户指定"),
    ("proposed", True): ("proposed from the numbers", "按坐标值推定"),
    (None, True): ("not settled", "未能确定"),
    (None, False): ("no shape to judge by", "没有可供判断的图形"),
}
#: Readings are tried on so many shapes, spread over the layer; strays are looked for in all of them.
SAMPLE = 2000


@dataclass(frozen=True)
class CrsVerdict:
    """What the doctor settled about one layer.

    ``crs`` is the CRS to use (None: nothing settled), ``how`` where it comes from (declared, given, proposed),
    ``swap_axes`` whether x and y must change places first, ``blocks`` whether no figure can be trusted yet.
    """

    crs: pyproj.CRS | None
    how: str | None
    reason_en: str
    reason_zh: str
    findings: pd.DataFrame
    swap_axes: bool = False
    blocks: bool = False


class _Reading(NamedTuple):
    """One way to read the numbers, and where on the Earth it is credible."""

    crs: pyproj.CRS
    swap: bool
    home: Bounds


def diagnose(
    geometry: gpd.GeoSeries,
    declared: pyproj.CRS | None = None,
    given: pyproj.CRS | None = None,
    *,
    layer: str = "",
    reference_lonlat_bounds: Bounds | None = None,
) -> CrsVerdict:
    """Settle the coordinate reference system of a layer (坐标系诊断), and say why.

    Parameters
    ----------
    geometry : GeoSeries
        Shapes as read; their own ``.crs`` is not looked at.
    declared : CRS, optional
        What the file says.
    given : CRS, optional
        What the user says; stands above the file and is never overruled.
    layer : str
        Name for the findings.
    reference_lonlat_bounds : tuple, optional
        West, south, east, north in degrees of a layer whose place is sure (districts): decides where
        numbers alone cannot, such as the central meridian of six-digit eastings.

    Examples
    --------
    >>> from shapely.geometry import box
    >>> parcels = gpd.GeoSeries([box(40_519_000, 3_342_000, 40_519_100, 3_342_100)])
    >>> verdict = diagnose(parcels, declared=pyproj.CRS.from_epsg(4549))
    >>> describe(verdict.crs), verdict.how, verdict.findings["code"].tolist()
    ('CGCS2000 / 3-degree Gauss-Kruger zone 40 (EPSG:4528)', 'proposed', ['crs-zone-prefix'])
    """
    middles = _middles(geometry)
    told = [_absurd(middles, layer)]
    points = middles[np.isfinite(middles).all(axis=1)]
    points = points[:: max(1, len(points) // SAMPLE)]
    claim, how = (given, "given") if given is not None else (declared, "declared")
    foreign = None
    if claim is not None and not (horizontal(claim).is_projected or horizontal(claim).is_geographic):
        claim = None  # a drawing's own grid says nothing about the Earth
    if claim is not None:
        claim, foreign = normalise(claim)
    if foreign is not None and claim is not None:
        told.append(findings.finding("crs-normalised", layer, found=foreign, proposed=short(claim)))
    if not len(points):
        return _verdict(claim, how if claim else None, told)
    home = _padded(reference_lonlat_bounds)
    chosen = _choose(points, claim, home)
    if chosen is None:
        told.append(_unsettled(points, claim, home, layer))
        return _verdict(claim, how if claim else None, told)
    told += _differences(points, claim, chosen, layer, given is not None)
    overruled = chosen.crs != claim
    if overruled and given is not None and claim is not None:
        return _verdict(claim, how, told)
    if is_mercator(chosen.crs):
        told.append(findings.finding("crs-web-mercator", layer, found=describe(chosen.crs)))
    told.append(_strays(middles, chosen, layer))
    return _verdict(chosen.crs, "proposed" if overruled else how, told, chosen.swap)


def _verdict(crs: pyproj.CRS | None, how: str | None, told: list[pd.DataFrame], swap: bool = False) -> CrsVerdict:
    """Gather findings, and say the reason in a line for people."""
    table = findings.concat(told)
    whole = table[table["row"] == -1]

    def reason(language: str) -> str:
        faults = findings.describe(whole, language)
        lines = [f"{title} ({found})" for title, found in zip(faults["title"], faults["found"], strict=True)]
        return "; ".join([WORDS[how, len(whole) > 0][language == "zh"], *lines])

    return CrsVerdict(crs, how, reason("en"), reason("zh"), table, swap, bool(len(findings.blocking(table))))


def settle(geometry: gpd.GeoSeries, verdict: CrsVerdict) -> gpd.GeoSeries:
    """Return the layer with the verdict applied: axes swapped where it says so, CRS set. No place is moved.

    Examples
    --------
    >>> swapped = gpd.GeoSeries.from_xy([30.2], [120.2])
    >>> settle(swapped, diagnose(swapped, pyproj.CRS.from_epsg(4490))).to_wkt().tolist()
    ['POINT (120.2 30.2)']
    """
    shapes = np.asarray(geometry.array)
    if verdict.swap_axes:
        shapes = map_xy(shapes, lambda xy: xy[:, ::-1])
    return gpd.GeoSeries(shapes, index=geometry.index, crs=verdict.crs, name=geometry.name)


def _middles(geometry: gpd.GeoSeries) -> Floats:
    """Return the middle of each shape's box: NaN for missing and empty shapes, inf for absurd numbers."""
    box = shapely.bounds(np.asarray(geometry.array))
    with np.errstate(invalid="ignore", over="ignore"):
        middles = np.asarray((box[:, :2] + box[:, 2:]) / 2)
    middles[(np.abs(box) > 1e9).any(axis=1)] = np.inf
    return middles


def _absurd(points: Floats, layer: str) -> pd.DataFrame:
    rows = np.flatnonzero(np.isinf(points).any(axis=1))
    return _by_row("crs-absurd-coordinates", layer, rows, len(points))


def _by_row(code: str, layer: str, rows: Rows, total: int, name: str = "") -> pd.DataFrame:
    if not len(rows):
        return findings.empty()
    return findings.finding(code, layer, ids=[""] * len(rows), rows=rows, found=f"{len(rows)} / {total}", name=name)


def _padded(bounds: Bounds | None, share: float = 0.05, least: float = 0.05) -> Bounds | None:
    """Widen the reference: a layer may stick out of the districts a little."""
    if bounds is None:
        return None
    west, south, east, north = bounds
    lon, lat = max(share * (east - west), least), max(share * (north - south), least)
    return west - lon, south - lat, east + lon, north + lat


def _choose(points: Floats, claim: pyproj.CRS | None, home: Bounds | None) -> _Reading | None:
    """Return the reading to use: the claim as it stands, else the only other that agrees."""
    if claim is not None:
        as_is = _Reading(claim, False, _area_of_use(claim))
        credible = _share(points, as_is, None) >= MOST and not _degrees_in_disguise(points, claim)
        if credible and (home is None or _share(points, as_is, home) >= HALF):
            return as_is
    good = _agreeing(points, claim, home)
    if len(good) == 1:
        return good[0]
    # A credible claim that merely lies elsewhere than the reference is no fault of the CRS.
    return as_is if claim is not None and credible else None


def _degrees_in_disguise(points: Floats, claim: pyproj.CRS) -> bool:
    """Tell degrees from metres beside the origin of a projection, which near the equator may be credible too."""
    if not horizontal(claim).is_projected or np.abs(points).max() > 180:
        return False
    home, base = _area_of_use(claim), _geographic(claim)
    return any(_share(points, _Reading(base, swap, home), None) >= MOST for swap in (False, True))


def _agreeing(points: Floats, claim: pyproj.CRS | None, home: Bounds | None) -> list[_Reading]:
    """Return the other readings that agree; axes are thought swapped only where nothing else explains the numbers."""
    good = [reading for reading in _readings(points, claim, home) if _share(points, reading, home) >= MOST]
    return [reading for reading in good if not reading.swap] or good


def _share(points: Floats, reading: _Reading, home: Bounds | None) -> float:
    lon, lat = _place(points, reading)
    west, south, east, north = home or reading.home
    return float(np.mean((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)))


def _place(points: Floats, reading: _Reading) -> tuple[Floats, Floats]:
    """Return longitude and latitude of points under a reading; inf where it has no inverse."""
    x, y = points.T[::-1] if reading.swap else points.T
    to_lonlat = pyproj.Transformer.from_crs(horizontal(reading.crs), _geographic(reading.crs), always_xy=True)
    lon, lat = to_lonlat.transform(x, y)
    return np.asarray(lon), np.asarray(lat)


def _geographic(crs: pyproj.CRS) -> pyproj.CRS:
    """Return the geographic CRS under `crs`, from the register where it stands there."""
    base = horizontal(crs).geodetic_crs
    return pyproj.CRS.from_epsg(4326) if base is None or not base.is_geographic else normalise(base)[0]


def _area_of_use(crs: pyproj.CRS) -> Bounds:
    """Return where a CRS is credible: its registered area with a margin, as cities reach beyond their belt."""
    middle, area = meridian(crs), crs.area_of_use
    if area is not None:
        west, south, east, north = area.bounds
        margin = 3 if middle else 1
        return west - margin, south - 1, east + margin, north + 1
    return (middle.lon - 6, -84, middle.lon + 6, 84) if middle else WORLD


def _readings(points: Floats, claim: pyproj.CRS | None, home: Bounds | None) -> Iterator[_Reading]:
    """Yield the other ways to read the numbers, each at most once."""
    if claim is not None and not _degrees_in_disguise(points, claim):
        yield _Reading(claim, True, _area_of_use(claim))
    for swap in (False, True):
        east, north = points.T[::-1] if swap else points.T
        candidates = [*_degrees(east, north, claim), *_metres(np.median(east), np.median(north), claim, home)]
        for crs in candidates:
            if crs != claim:
                yield _Reading(crs, swap, _credible(crs, claim))


def _credible(crs: pyproj.CRS, claim: pyproj.CRS | None) -> Bounds:
    """Return where a reading is credible.

    Degrees found under a projected CRS must lie where that projection is used, as small metres look alike.
    """
    return _area_of_use(claim if crs.is_geographic and claim is not None and claim.is_projected else crs)


def _degrees(lon: Floats, lat: Floats, claim: pyproj.CRS | None) -> list[pyproj.CRS]:
    """Return the geographic CRS the numbers could be in."""
    if np.mean((np.abs(lon) <= 180) & (np.abs(lat) <= 90)) < MOST:
        return []
    if claim is not None:
        return [_geographic(claim)]
    in_china = inside(CHINA, float(np.median(lon)), float(np.median(lat)))
    return [pyproj.CRS.from_epsg(4490 if in_china else 4326)]


def _metres(east: float, north: float, claim: pyproj.CRS | None, home: Bounds | None) -> list[pyproj.CRS]:
    """Return the projected CRSs the numbers could be in: zone in the easting, Web Mercator, six digits."""
    base = _geographic(claim).to_epsg() if claim is not None else None
    datum = base if base in FAMILIES else 4490
    found: list[pyproj.CRS | None] = []
    if 1e5 < east % 1e6 < 9e5 and 1.8e6 < north < 6.2e6:
        found.append(gauss_kruger_zone(int(east // 1e6), datum))
    if 8.1e6 < east < 1.51e7 and 1.8e6 < north < 7.1e6:
        found.append(pyproj.CRS.from_epsg(3857))
    if home is not None and (not inside(CHINA, *_middle(home)) or (claim is not None and claim.utm_zone)):
        found.append(utm(*_middle(home)))
    elif 1e5 < east < 9e5 and 1.8e6 < north < 6.2e6:
        found += [gauss_kruger(lon, datum) for lon in _longitudes(claim, home)]
    return [crs for crs in found if crs is not None]


def _longitudes(claim: pyproj.CRS | None, home: Bounds | None) -> Sequence[float]:
    """Return the central meridians to try: the claimed one, unless a reference can tell or nothing is claimed."""
    middle = meridian(claim) if claim is not None else None
    if middle is None or home is not None:
        return range(75, 136, 3)
    return [middle.lon] if middle.prefixed else []


def _middle(bounds: Bounds) -> tuple[float, float]:
    return (bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2


def _differences(
    points: Floats, claim: pyproj.CRS | None, chosen: _Reading, layer: str, was_given: bool
) -> list[pd.DataFrame]:
    """Return what must be told where the chosen reading is not the claim."""
    found, proposed, name = _numbers(points, claim), short(chosen.crs), chosen.crs.name
    told = []
    if claim is None or chosen.crs != claim:
        code, blocks = _code(claim, chosen.crs), True if was_given else None
        told.append(findings.finding(code, layer, found=found, blocks=blocks, proposed=proposed, name=name))
    if chosen.swap:
        told.append(findings.finding("crs-axes-swapped", layer, found=found))
    return told


def _code(claim: pyproj.CRS | None, chosen: pyproj.CRS) -> str:
    """Name the difference between what was claimed and what agrees."""
    if claim is None:
        return "crs-proposed"
    if claim.is_geographic:
        return "crs-metres-in-degrees"
    if chosen.is_geographic:
        return "crs-degrees-in-metric"
    was, now = meridian(claim), meridian(chosen)
    if was is None or now is None:
        return "crs-other-projection"
    return "crs-zone-prefix" if was.prefixed != now.prefixed else "crs-wrong-meridian"


def _numbers(points: Floats, claim: pyproj.CRS | None) -> str:
    """Say in no language what stands in the file."""
    (left, bottom), (right, top) = points.min(axis=0), points.max(axis=0)
    x1, x2, y1, y2 = (f"{v:,.0f}" if abs(v) > 360 else f"{v:.5f}" for v in (left, right, bottom, top))
    return f"x {x1} … {x2}, y {y1} … {y2}; CRS {describe(claim) if claim else '—'}"


def _unsettled(points: Floats, claim: pyproj.CRS | None, home: Bounds | None, layer: str) -> pd.DataFrame:
    """Return the finding for numbers that no reading, or more than one, explains."""
    found = _numbers(points, claim)
    candidates = ", ".join(_with_meridian(reading.crs) for reading in _agreeing(points, claim, home)) or "—"
    if claim is None:
        return findings.finding("crs-missing", layer, found=found, candidates=candidates)
    if np.isfinite(_place(points, _Reading(claim, False, WORLD))[0]).mean() < HALF or claim.is_geographic:
        return findings.finding("crs-unsettled", layer, found=found, candidates=candidates)
    return findings.finding("crs-outside-area-of-use", layer, found=found, name=describe(claim))


def _with_meridian(crs: pyproj.CRS) -> str:
    middle = meridian(crs)
    return f"{short(crs)} ({middle.lon:g}° E)" if middle else short(crs)


def _strays(middles: Floats, chosen: _Reading, layer: str) -> pd.DataFrame:
    """Return the single shapes that lie far from where the CRS is used, while the layer as a whole does not."""
    rows = np.flatnonzero(np.isfinite(middles).all(axis=1))
    if _all_at_home(middles[rows], chosen):
        return findings.empty()
    lon, lat = _place(middles[rows], chosen)
    west, south, east, north = chosen.home
    away = ~((lon >= west) & (lon <= east) & (lat >= south) & (lat <= north))
    return _by_row("crs-outside-area-of-use", layer, rows[away], len(middles), name=describe(chosen.crs))


def _all_at_home(points: Floats, chosen: _Reading) -> bool:
    """Tell whether the box around all points lies where the CRS is used, as nearly always: a look at few points."""
    (left, bottom), (right, top) = points.min(axis=0), points.max(axis=0)
    edge = np.linspace(0, 1, 9)
    x, y = np.meshgrid(left + edge * (right - left), bottom + edge * (top - bottom))
    return _share(np.column_stack([x.ravel(), y.ravel()]), chosen, chosen.home) == 1
