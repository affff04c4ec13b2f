"""What of the city a page shows, at which scale (`fit`): round scales, whole frames.

Knows metres of the analysis CRS and millimetres of paper; knows no colour. A stray parcel far away does not shrink the
city: the frame is that of the districts, else of the parks, else of the parcels without the outermost hundredth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely

from geo.land import Land

__all__ = ["Extent", "bar_m", "city_bounds", "fit", "round_up"]

_SCALES = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
_BARS = (1, 2, 5, 10)

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True)
class Extent:
    """A frame in metres of the CRS and the scale it is drawn at (1 : `scale`)."""

    bounds: Bounds
    scale: float

    @property
    def box(self) -> shapely.Geometry:
        """The frame as a polygon."""
        return shapely.box(*self.bounds)


def round_up(value: float) -> float:
    """The next number a scale may have.

    Examples
    --------
    >>> round_up(10_400.0), round_up(100_000.0), round_up(61.0)
    (12000.0, 100000.0, 80.0)
    """
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in _SCALES if step * power >= value * (1 - 1e-9))


def fit(bounds: Bounds, frame_mm: tuple[float, float], margin: float = 0.03) -> Extent:
    """Return the frame around some bounds (m) at a round scale.

    Examples
    --------
    A square of 10 km on 200 × 100 mm, with some room around it:

    >>> fit((0, 0, 10_000, 10_000), (200, 100))
    Extent(bounds=(-7000.0, -1000.0, 17000.0, 11000.0), scale=120000.0)
    """
    left, bottom, right, top = bounds
    need = max((right - left) / frame_mm[0], (top - bottom) / frame_mm[1], 0.05) * (1 + 2 * margin)
    scale = round_up(need * 1000)
    x, y = (left + right) / 2, (bottom + top) / 2
    half = [side * scale / 2000 for side in frame_mm]
    return Extent((x - half[0], y - half[1], x + half[0], y + half[1]), scale)


def bar_m(scale: float, most_mm: float) -> float:
    """Return the length of a scale bar: the longest round one that fits.

    Examples
    --------
    >>> bar_m(50_000, 45), bar_m(12_000, 45)
    (2000.0, 500.0)
    """
    most = most_mm * scale / 1000
    power = 10.0 ** math.floor(math.log10(most))
    return max(step * power for step in _BARS if step * power <= most)


def city_bounds(land: Land) -> Bounds:
    """Return the bounds of a city, m."""
    for frame in (land.districts, land.parks):
        if frame is not None and len(frame):
            left, bottom, right, top = (float(one) for one in frame.total_bounds)
            return left, bottom, right, top
    boxes = shapely.bounds(land.parcels.geometry.to_numpy())
    boxes = boxes[np.isfinite(boxes).all(axis=1)]
    low, high = np.quantile(boxes[:, :2], 0.01, axis=0), np.quantile(boxes[:, 2:], 0.99, axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])
