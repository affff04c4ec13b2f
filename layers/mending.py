"""What a broken polygon can mean, and the one mend that changes no land.

A ring that crosses itself can be read in two ways: land is what an odd number of turns enclose
(even-odd), or what any turn encloses (nonzero); with several rings, shells add and holes take away.
Where both readings give the same land, the mend is safe: the shape is written anew with vertices
where its edges cross, no vertex of the boundary moves, and its area is that of the reading. A bow-tie
is such a shape: both its lobes count, though the shoelace formula lets one cancel the other. Where the
readings differ (a ring that laps over itself, a hole outside its shell, parts on top of each other) no
program can know the boundary: the shape is only told, and measured as nonzero, holes taken away.

Knows shapes only: arrays of shapely geometries in, arrays out, any unit of length. No frames, no CRS.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt
import shapely

from layers.threads import spread

__all__ = ["MEASURABLE", "SAFE", "Mended", "mend", "polygonal", "without_repeats"]

Shapes = npt.NDArray[np.object_]

#: Codes whose mend is safe, and codes that `for_measuring` may still compute with.
SAFE = ("geometry-invalid", "geometry-collection")
MEASURABLE = ("", *SAFE, "geometry-ambiguous")

#: Two readings agree when they differ by no more than this (m², and relative to the area).
AGREE_M2 = 0.01
AGREE_RELATIVE = 1e-6

_COLLECTION = 7
_RUNS = 16
_POLYGON, _MULTIPOLYGON = 3, 6


@dataclass(frozen=True)
class Mended:
    """Shapes after mending, with what was wrong with each.

    Attributes
    ----------
    shapes : array of geometries
        Valid polygons where `codes` is measurable, else the shape as it came.
    codes : array of str
        "" or the finding code of the fault.
    reasons : array of str
        What was found, with its place where there is one: ``Self-intersection[5 5]``.
    """

    shapes: Shapes
    codes: npt.NDArray[np.object_]
    reasons: npt.NDArray[np.object_]


def mend(shapes: Shapes, m2_per_unit: float = 1.0) -> Mended:
    """Mend polygons as far as their land is beyond doubt; name the fault of each.

    Parameters
    ----------
    shapes : array of shapely geometries, None where missing
    m2_per_unit : float
        Square metres in one square unit of the coordinates, for the tolerance only.

    Returns
    -------
    Mended
        In the order of `shapes`, which is left untouched.

    Examples
    --------
    A bow-tie keeps both lobes; a ring that laps over itself is ambiguous:

    >>> bow = shapely.from_wkt("POLYGON ((0 0, 10 10, 10 0, 0 10, 0 0))")
    >>> lap = shapely.from_wkt("POLYGON ((0 0, 9 0, 9 9, 5 9, 5 -5, 7 -5, 7 11, 0 11, 0 0))")
    >>> done = mend(np.array([bow, lap]))
    >>> done.codes.tolist(), shapely.area(done.shapes).tolist()
    (['geometry-invalid', 'geometry-ambiguous'], [50.0, 105.0])
    """
    out = shapes.copy()
    codes = np.full(len(shapes), "", dtype="object")
    reasons = codes.copy()
    doubtful = np.flatnonzero(~_sound(shapes))
    if len(doubtful):
        done = _mend(shapes[doubtful], m2_per_unit)
        out[doubtful], codes[doubtful], reasons[doubtful] = done.shapes, done.codes, done.reasons
    return Mended(out, codes, reasons)


def _sound(shapes: Shapes) -> npt.NDArray[np.bool_]:
    """Whether each shape is a valid polygon with land, as nearly all are: asked on all cores."""
    kind = shapely.get_type_id(shapes)
    areal = ((kind == _POLYGON) | (kind == _MULTIPOLYGON)) & ~shapely.is_empty(shapes)
    runs = np.array_split(shapes, _RUNS)
    valid = np.concatenate([np.zeros(0, dtype=bool), *spread(shapely.is_valid, runs)])
    return np.asarray(areal & valid, dtype=bool)


def _mend(shapes: Shapes, m2_per_unit: float) -> Mended:
    """Look at each doubtful shape by itself."""
    out = shapes.copy()
    codes = np.full(len(shapes), "", dtype="object")
    reasons = codes.copy()
    _name_unusable(shapes, codes, reasons)
    mixed = np.flatnonzero((codes == "") & (shapely.get_type_id(shapes) == _COLLECTION))
    out[mixed] = [polygonal(shape) for shape in shapes[mixed]]
    codes[mixed] = "geometry-collection"
    reasons[mixed] = "GeometryCollection"
    usable = np.isin(codes, ("", "geometry-collection"))
    for place in np.flatnonzero(usable & ~shapely.is_valid(out)):
        reasons[place] = shapely.is_valid_reason(out[place])
        out[place], codes[place] = _read(out[place], m2_per_unit)
    return Mended(out, codes, reasons)


def _name_unusable(shapes: Shapes, codes: npt.NDArray[np.object_], reasons: npt.NDArray[np.object_]) -> None:
    """Write code and reason of shapes that hold no polygon at all."""
    codes[shapely.get_dimensions(shapes) < 2] = "geometry-dimension"
    codes[shapely.is_empty(shapes)] = "geometry-empty"
    codes[shapely.is_missing(shapes)] = "geometry-null"
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    broken = np.unique(owner[~np.isfinite(xy).all(axis=1)])
    codes[broken] = "geometry-not-finite"
    reasons[broken] = "NaN, Inf"
    flat = codes == "geometry-dimension"
    reasons[flat] = [shape.geom_type for shape in shapes[flat]]


def _read(shape: shapely.Geometry, m2_per_unit: float) -> tuple[shapely.Geometry, str]:
    """Return the mended shape and its code: both readings, compared as areas of land."""
    structured = _structured(shape)
    by_role, even_odd = _readings(shape)
    if not by_role.area > 0 or not shapely.is_valid([structured, by_role]).all():
        return shape, "geometry-collapsed"
    limit = max(AGREE_M2 / m2_per_unit, AGREE_RELATIVE * by_role.area)
    differ = max(_apart(by_role, even_odd), _apart(by_role, structured))
    return (structured, "geometry-invalid") if differ <= limit else (by_role, "geometry-ambiguous")


def _structured(shape: shapely.Geometry) -> shapely.Geometry:
    """Return the shape with valid rings; a ring that turns back on itself can need a second pass."""
    once = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    return once if once.is_valid else shapely.make_valid(once, method="structure", keep_collapsed=False)


def _apart(one: shapely.Geometry, other: shapely.Geometry) -> float:
    """Land that only one of two readings holds."""
    return float(shapely.area(shapely.symmetric_difference(one, other)))


def _readings(shape: shapely.Geometry) -> tuple[shapely.Geometry, shapely.Geometry]:
    """Return the land by nonzero turns, holes taken away, and the land by even-odd turns of all rings."""
    land, turns = [], []
    parts = shapely.get_parts(shape)
    for part in parts[~shapely.is_empty(parts)]:
        rings = shapely.polygons(shapely.get_rings(part))
        solid = np.array([_structured(ring) for ring in rings])
        land.append(shapely.difference(solid[0], shapely.union_all(solid[1:])))
        turns += [polygonal(ring) for ring in shapely.make_valid(rings)]
    return polygonal(shapely.union_all(land)), polygonal(reduce(shapely.symmetric_difference, turns))


def polygonal(shape: shapely.Geometry) -> shapely.Geometry:
    """Return the polygons of a shape, lines and points left out; an empty polygon where there are none."""
    parts = shapely.get_parts(shape)
    while (shapely.get_type_id(parts) > _POLYGON).any():
        parts = shapely.get_parts(parts)
    parts = parts[(shapely.get_type_id(parts) == _POLYGON) & ~shapely.is_empty(parts)]
    if len(parts) == 1:
        return parts[0]
    return shapely.multipolygons(parts) if len(parts) else shapely.Polygon()


def without_repeats(shapes: Shapes) -> tuple[Shapes, npt.NDArray[np.int64]]:
    """Return polygons without a vertex twice in a row, and how many copies each one had.

    Examples
    --------
    >>> shape = shapely.from_wkt("POLYGON ((0 0, 1 0, 1 0, 1 1, 0 0))")
    >>> lean, copies = without_repeats(np.array([shape]))
    >>> shapely.get_num_coordinates(lean).tolist(), copies.tolist()
    ([4], [1])
    """
    out = shapes.copy()
    copies = np.zeros(len(shapes), dtype="int64")
    xy, owner = shapely.get_coordinates(shapes, return_index=True)
    same = (owner[1:] == owner[:-1]) & (xy[1:] == xy[:-1]).all(axis=1)
    # A ring may begin where the one before it ends, so these are only suspects.
    suspects = np.unique(owner[1:][same])
    suspects = suspects[np.isin(shapely.get_type_id(shapes[suspects]), (_POLYGON, _MULTIPOLYGON))]
    suspects = suspects[shapely.is_valid(shapes[suspects])]
    lean = shapely.remove_repeated_points(shapes[suspects])
    copies[suspects] = shapely.get_num_coordinates(shapes[suspects]) - shapely.get_num_coordinates(lean)
    changed = suspects[copies[suspects] > 0]
    out[changed] = lean[copies[suspects] > 0]
    return out, copies
