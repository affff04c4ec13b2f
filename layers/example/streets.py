"""The ground of the example city: streets, blocks, river, outline and districts.

A grid of street lines with growing spacing is turned, bent and shaken into a town plan; a block is
what the streets leave of a mesh. The city ends on an irregular outline, a river and an expressway cross
it, districts are made of whole meshes, so that their borders run on street axes.

The place is open sea (Bohai, 120°E 38.6°N): coordinates are valid in EPSG:4549, and nobody can take
the city for a real one. Units: metres, easting and northing. Knows nothing of land use.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

__all__ = ["CRS", "ORIGIN", "Ground", "bilinear", "lay", "outline", "rank", "wave"]

CRS = "EPSG:4549"
#: Centre of the city: easting, northing.
ORIGIN = np.array([500_000.0, 4_274_000.0])
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ground:
    """Streets and what lies between them.

    Attributes
    ----------
    meshes : array of polygons
        Everything between street axes.
    corners : array of shape (n, 4, 2)
        Corners of the block inside each mesh, streets taken off.
    rho : array
        How far out the farthest corner of each block lies, 1 on the nominal city border.
    radius : float
        Nominal radius of the city, m.
    bends : array of shape (5, 2)
        Amplitude and phase of the outline's harmonics.
    river, expressway : polygon
        What cuts through the blocks.
    expressway_axis : line
        The middle of the expressway.
    """

    meshes: npt.NDArray[np.object_]
    corners: Floats
    rho: Floats
    radius: float
    bends: Floats
    river: shapely.Polygon
    expressway: shapely.Polygon
    expressway_axis: shapely.LineString

    def place(self, rho: float, degrees: float) -> Floats:
        """Return the point at `rho` of the way to the border in a direction (0 = east, 90 = north)."""
        angle = np.radians(degrees)
        reach = rho * self.radius * _stretch(np.array(angle), self.bends)
        return np.asarray(ORIGIN + reach * np.array([np.cos(angle), np.sin(angle)]))


def lay(n: int, rng: np.random.Generator) -> Ground:
    """Lay streets for a city of n × n meshes, some of which lie beyond the border."""
    form, rng = rng.spawn(2)
    u, v = _lines(n, 250.0, rng), _lines(n, 215.0, rng)
    width = float(u[-1] - u[0])
    bends = np.column_stack([form.uniform(0.07, 0.12, 5) / np.arange(1, 6) ** 0.7, form.uniform(0, 2 * np.pi, 5)])
    nodes = _bend(u, v, width, form)
    cells = np.stack([nodes[:-1, :-1], nodes[1:, :-1], nodes[1:, 1:], nodes[:-1, 1:]], axis=2).reshape(-1, 4, 2)
    halves = np.stack(np.meshgrid(_halves(u), _halves(v), indexing="ij"), axis=-1)
    corners = _inset(cells, halves, n)
    away = corners - ORIGIN
    radius = width * 0.37
    stretch = _stretch(np.arctan2(away[..., 1], away[..., 0]), bends)
    river, _ = _band(width, 0.105, -0.08, 140.0, 0.055, form)
    expressway, axis = _band(width, 1.40, 0.16, 32.0, 0.02, form)
    return Ground(
        meshes=shapely.polygons(cells),
        corners=corners,
        rho=(np.hypot(away[..., 0], away[..., 1]) / (radius * stretch)).max(axis=1),
        radius=radius,
        bends=bends,
        river=river,
        expressway=expressway,
        expressway_axis=axis,
    )


def _lines(n: int, spacing: float, rng: np.random.Generator) -> Floats:
    """Positions of n + 1 street lines, narrow in the middle, wide at the rim."""
    middle = np.abs(np.linspace(-1, 1, n))
    steps = spacing * (0.72 + 0.75 * middle**1.4) * rng.uniform(0.72, 1.28, n)
    lines = np.concatenate([[0.0], np.cumsum(steps)])
    return np.asarray(lines - lines[-1] / 2)


def _bend(u: Floats, v: Floats, width: float, rng: np.random.Generator) -> Floats:
    """Turn, bend and shake the crossings of the street lines."""
    x, y = np.meshgrid(u, v, indexing="ij")
    phase = rng.uniform(0, 2 * np.pi, 4)
    k = 2 * np.pi / width
    dx = width * (0.020 * np.sin(1.1 * k * y + phase[0]) + 0.004 * np.sin(3.7 * k * y + phase[1]))
    dy = width * (0.022 * np.sin(1.0 * k * x + phase[2]) + 0.004 * np.sin(3.1 * k * x + phase[3]))
    turn = np.radians(rng.uniform(8, 17))
    points = np.stack([x + dx, y + dy], axis=-1) + rng.normal(0, 3.0, (*x.shape, 2))
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return np.asarray(points @ rotation + ORIGIN)


def _halves(lines: Floats) -> Floats:
    """Half the width of each street: avenues, collectors, lanes."""
    return np.array([21.0, 12.5, 7.5])[rank(len(lines))]


def rank(count: int) -> npt.NDArray[np.int64]:
    """Return for each of `count` street lines whether it is an avenue (0), a collector (1) or a lane (2)."""
    index = np.arange(count)
    return np.where(index % 6 == 0, 0, np.where(index % 3 == 0, 1, 2))


def _inset(cells: Floats, halves: Floats, n: int) -> Floats:
    """Corners of the blocks: each mesh less half of the four streets round it."""
    west, east = halves[:-1, :-1, 0].reshape(n * n), halves[1:, :-1, 0].reshape(n * n)
    south, north = halves[:-1, :-1, 1].reshape(n * n), halves[:-1, 1:, 1].reshape(n * n)
    across = np.linalg.norm(cells[:, 1] - cells[:, 0] + cells[:, 2] - cells[:, 3], axis=1) / 2
    along = np.linalg.norm(cells[:, 3] - cells[:, 0] + cells[:, 2] - cells[:, 1], axis=1) / 2
    a0, a1 = west / across, 1 - east / across
    b0, b1 = south / along, 1 - north / along
    return np.stack([bilinear(cells, a, b) for a, b in ((a0, b0), (a1, b0), (a1, b1), (a0, b1))], axis=1)


def bilinear(corners: Floats, a: Floats, b: Floats) -> Floats:
    """Return the point at (a, b) of the unit square laid onto each four-cornered block."""
    a, b = a[..., None], b[..., None]
    return (
        corners[..., 0, :] * (1 - a) * (1 - b)
        + corners[..., 1, :] * a * (1 - b)
        + corners[..., 2, :] * a * b
        + corners[..., 3, :] * (1 - a) * b
    )


def _band(
    width: float, angle: float, shift: float, breadth: float, sway: float, rng: np.random.Generator
) -> tuple[shapely.Polygon, shapely.LineString]:
    """Return a winding band right across the plan, and its axis."""
    t = np.linspace(-0.75, 0.75, 241)
    phase = rng.uniform(0, 2 * np.pi, 2)
    off = shift + sway * np.sin(2 * np.pi * 1.1 * t + phase[0]) + 0.3 * sway * np.sin(2 * np.pi * 3.3 * t + phase[1])
    axis, normal = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    points = ORIGIN + width * (t[:, None] * axis + off[:, None] * normal)
    line = shapely.linestrings(points)
    return shapely.buffer(line, breadth / 2, cap_style="flat"), line


def wave(angle: Floats, bends: Floats) -> Floats:
    """Sum of harmonics 2, 3, … round a circle; `bends` holds amplitude and phase of each."""
    order = np.arange(2, 2 + len(bends))
    return np.asarray(np.sum(bends[:, 0] * np.cos(order * angle[..., None] + bends[:, 1]), axis=-1))


def _stretch(angle: Floats, bends: Floats) -> Floats:
    return 1 + wave(angle, bends)


def outline(ground: Ground, reach: float) -> shapely.Polygon:
    """Return the city border at `reach` times the nominal one."""
    angle = np.linspace(0, 2 * np.pi, 721)[:-1]
    fine = 0.006 * wave(7 * angle, np.column_stack([np.ones(5), ground.bends[:, 1]])) / 2
    radius = ground.radius * reach * _stretch(angle, ground.bends) * (1 + fine)
    return shapely.Polygon(ORIGIN + radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]))
