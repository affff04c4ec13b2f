"""Shapes and columns as one compact block that a browser decodes quickly (`Block`).

Knows integers and bytes; knows neither land nor colours. A block is gzip over a JSON header and byte
planes: every column becomes whole numbers of at least 0, written as planes (all lowest bytes, then all
second bytes, …), which squeeze far better than text. Coordinates are Web Mercator, the browser's own
plane, on a grid of 0.1 m, each the difference to the one before; the data themselves stay untouched.
A fraction is kept as a whole number of its last shown decimal, and missing is a value of its own.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

__all__ = ["GRID_M", "Block", "inner_points", "mercator", "thin"]

#: Cell of the display grid, in metres of Web Mercator.
GRID_M = 0.1
#: Outlines with more vertices than this are simplified for display.
VERTEX_BUDGET = 20_000_000
_LARGEST = 2.0**48

_Ints = npt.NDArray[np.int64]


class Block:
    """Columns on their way to the browser; `encode` gives the text that goes into the page."""

    def __init__(self) -> None:
        self._header: dict[str, dict[str, object]] = {}
        self._planes: list[bytes] = []
        self._size = 0

    def integers(self, name: str, values: npt.ArrayLike, *, delta: bool = False) -> None:
        """Add whole numbers; with `delta` each as the difference to the one before."""
        whole = np.asarray(values, dtype="int64")
        if delta:
            whole = _zigzag(np.diff(whole, prepend=0))
        self._add(name, whole, {"delta": delta})

    def numbers(self, name: str, values: npt.ArrayLike, decimals: int) -> None:
        """Add fractions, rounded to `decimals`; what is missing, infinite or absurdly large is missing."""
        scaled = np.asarray(values, dtype="float64") * 10**decimals
        known = np.isfinite(scaled) & (np.abs(np.where(np.isfinite(scaled), scaled, 0.0)) < _LARGEST)
        steps = np.zeros(len(scaled), dtype="int64")
        steps[known] = _zigzag(np.rint(scaled[known]).astype("int64")) + 1
        self._add(name, steps, {"scale": 10**decimals})

    def texts(self, name: str, values: Sequence[str]) -> None:
        """Add texts as they are."""
        self._header[name] = {"texts": list(values)}

    def shapes(self, name: str, shapes: npt.NDArray[np.object_]) -> None:
        """Add polygons in metres of Web Mercator, see `mercator`; a null or empty one has no ring."""
        x, y, ring_sizes, rings = _rings(shapes)
        self.integers(f"{name}.x", x, delta=True)
        self.integers(f"{name}.y", y, delta=True)
        self.integers(f"{name}.ring", ring_sizes)
        self.integers(f"{name}.rings", rings)

    def _add(self, name: str, whole: _Ints, told: dict[str, object]) -> None:
        count = max(1, -(-int(whole.max(initial=0)).bit_length() // 8))
        planes = whole.astype("<u8").view("u1").reshape(-1, 8)[:, :count].T.tobytes()
        self._header[name] = {"n": len(whole), "planes": count, "at": self._size, **told}
        self._planes.append(planes)
        self._size += len(planes)

    def encode(self) -> str:
        """Return the block as base64 of gzip; the same columns give the same text."""
        header = json.dumps(self._header, separators=(",", ":")).encode()
        raw = len(header).to_bytes(4, "little") + header + b"".join(self._planes)
        return base64.b64encode(gzip.compress(raw, 6, mtime=0)).decode("ascii")


def _zigzag(values: _Ints) -> _Ints:
    """Turn signed numbers into numbers of at least 0: 0, −1, 1, −2 … become 0, 1, 2, 3 …."""
    return (values << 1) ^ (values >> 63)


def mercator(geometry: gpd.GeoSeries) -> npt.NDArray[np.object_]:
    """Return shapes in Web Mercator metres, for display only: nothing is ever measured there."""
    return np.asarray(geometry.to_crs(3857).to_numpy(), dtype="object")


def thin(shapes: npt.NDArray[np.object_], budget: int = VERTEX_BUDGET) -> tuple[npt.NDArray[np.object_], float]:
    """Simplify neighbours together until they keep to a budget of vertices.

    Returns
    -------
    shapes : array
        Without gaps between neighbours that had none; untouched where the budget holds.
    tolerance_m : float
        What was allowed, 0 where nothing was done.
    """
    tolerance = 0.0
    there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    while shapely.get_num_coordinates(shapes).sum() > budget and tolerance < 64:
        tolerance = 2 * tolerance or 1.0
        shapes = shapes.copy()
        shapes[there] = shapely.coverage_simplify(shapes[there], tolerance)
    return shapes, tolerance


def inner_points(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Return a point well inside each shape, where its name may stand; an empty point where there is no shape."""
    points = np.full(len(shapes), shapely.Point(np.nan, np.nan), dtype="object")
    there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    points[there] = shapely.get_point(shapely.maximum_inscribed_circle(shapes[there], 100.0), 0)
    return points


def _rings(shapes: npt.NDArray[np.object_]) -> tuple[_Ints, _Ints, _Ints, _Ints]:
    """Grid coordinates of all rings without their closing vertex, vertices a ring, rings a shape."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    areal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings, part = shapely.get_rings(parts[areal], return_index=True)
    places, ring = shapely.get_coordinates(rings, return_index=True)
    grid = np.rint(places / GRID_M).astype("int64")
    last = np.append(ring[1:] != ring[:-1], True)[: len(ring)]
    same = np.zeros(len(ring), dtype=bool)
    same[1:] = (ring[1:] == ring[:-1]) & (grid[1:] == grid[:-1]).all(axis=1)
    kept = ~(last | same)
    sizes = np.bincount(ring[kept], minlength=len(rings))
    counts = np.bincount(owner[areal][part], minlength=len(shapes))
    return grid[kept, 0], grid[kept, 1], sizes.astype("int64"), counts.astype("int64")
