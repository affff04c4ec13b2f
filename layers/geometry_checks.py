"""Faults one layer shows by itself: broken shapes, records that stand twice, slivers, spikes.

`prepare` mends a layer once, for looking only, and every check of this room and of
`layers.coverage_checks` works on that. Lengths are metres of the common plane. Places are in the
frame's own coordinates: `layers.check` turns them into longitude and latitude.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers import findings, records
from layers.mending import MEASURABLE, Mended, mend, without_repeats
from layers.repairing import duplicate_of, same_shape
from layers.roles import POLYGON_LAYERS

__all__ = ["Prepared", "angle_findings", "copy_findings", "id_findings", "mean_width", "prepare", "shape_findings"]

Shapes = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

#: 狭长面: a parcel no wider than this on average (m); 碎面: a parcel smaller than this (m²).
SLIVER_WIDTH_M = 1.0
#: Mean width over the root of the area: 0.5 for a square, 0.37 for a strip one to five, less when longer.
SLIVER_SHARE = 0.35
TINY_M2 = 10.0
#: 尖锐角: a corner sharper than this (degrees).
SHARP_DEG = 10.0


@dataclass(frozen=True)
class Prepared:
    """One layer, ready to be looked at.

    Attributes
    ----------
    layer : str
    frame : canonical layer
    names : array of str
        Id of every record of the frame.
    mended : Mended
        Shape and fault of every record.
    rows : array of int
        Positions of the records with a measurable shape.
    """

    layer: str
    frame: gpd.GeoDataFrame
    names: Shapes
    mended: Mended
    rows: Rows

    @property
    def shapes(self) -> Shapes:
        """Valid polygons, in the order of `rows`."""
        return self.mended.shapes[self.rows]

    @property
    def called(self) -> Shapes:
        """What every record is called in a finding: its id, else its place in the source, counted from 1."""
        if (self.names != "").all():
            return self.names
        places = np.array([f"#{place}" for place in range(1, len(self.names) + 1)], dtype="object")
        return np.where(self.names == "", places, self.names)


def prepare(frame: gpd.GeoDataFrame, layer: str) -> Prepared:
    """Mend the shapes of one layer of areas, for looking only."""
    shapes = records.shapes(frame)
    if frame.attrs.get("measurable"):
        blank = np.full(len(shapes), "", dtype="object")
        mended = Mended(shapes, blank, blank)
    else:
        mended = mend(shapes, records.m2_per_unit(frame))
    rows = np.flatnonzero(np.isin(mended.codes, MEASURABLE))
    return Prepared(layer, frame, records.ids(frame, layer).to_numpy(), mended, rows)


def mean_width(shapes: Shapes) -> Floats:
    """Return the mean width 2A/P of each polygon: that of a long strip, half the side of a square.

    Examples
    --------
    >>> mean_width(np.array([shapely.box(0, 0, 1000, 1)])).round(2).tolist()
    [1.0]
    """
    around = shapely.length(shapes)
    width: Floats = np.divide(2 * shapely.area(shapes), around, out=np.zeros(len(around)), where=around > 0)
    return width


def shape_findings(layer: Prepared) -> pd.DataFrame:
    """Name broken, empty and collapsed shapes, repeated vertices, and slivers among parcels."""
    told = [_fault_findings(layer, code) for code in sorted(set(layer.mended.codes) - {""})]
    told.append(_repeat_findings(layer))
    if layer.layer == "parcels":
        told.append(_sliver_findings(layer))
    return findings.concat(told)


def _fault_findings(layer: Prepared, code: str) -> pd.DataFrame:
    rows = np.flatnonzero(layer.mended.codes == code)
    return findings.finding(
        code,
        layer.layer,
        ids=list(layer.names[rows]),
        rows=rows,
        column="geometry",
        found=list(layer.mended.reasons[rows]),
        places=_fault_places(records.shapes(layer.frame)[rows], layer.mended.reasons[rows]),
        expected_zh="面",
        expected_en="polygons",
    )


_PLACE = re.compile(r"\[(\S+) (\S+)\]$")


def _fault_places(shapes: Shapes, reasons: Shapes) -> Floats:
    """Return the place GEOS names in its reason, else the middle of the shape's box."""
    box = shapely.bounds(shapes)
    places = np.column_stack([(box[:, 0] + box[:, 2]) / 2, (box[:, 1] + box[:, 3]) / 2])
    for position, reason in enumerate(reasons):
        match = _PLACE.search(reason)
        if match:
            places[position] = float(match[1]), float(match[2])
    return places


def _repeat_findings(layer: Prepared) -> pd.DataFrame:
    _, copies = without_repeats(records.shapes(layer.frame))
    rows = np.flatnonzero((copies > 0) & (layer.mended.codes == ""))
    return _tell("repeated-points", layer, rows, [f"{n} ×" for n in copies[rows]])


def _sliver_findings(layer: Prepared) -> pd.DataFrame:
    area, width = shapely.area(layer.shapes), mean_width(layer.shapes)
    thin = (width <= SLIVER_WIDTH_M) & (width < SLIVER_SHARE * np.sqrt(area))
    tiny = ~thin & (area < TINY_M2)
    told = [
        _tell(
            code,
            layer,
            layer.rows[which],
            _measures(area[which], width[which]),
            width_m=f"{SLIVER_WIDTH_M:g}",
            least_m2=f"{TINY_M2:g}",
        )
        for code, which in (("sliver-polygon", thin), ("tiny-polygon", tiny))
    ]
    return findings.concat(told)


def _measures(area: Floats, width: Floats) -> list[str]:
    return [f"{a:,.2f} m², {w:.3f} m" for a, w in zip(area, width, strict=True)]


def _tell(
    code: str, layer: Prepared, rows: Rows, found: list[str], width_m: str = "", least_m2: str = ""
) -> pd.DataFrame:
    """Return findings of whole records, placed inside their shapes."""
    if len(rows) == 0:
        return findings.empty()
    return findings.finding(
        code,
        layer.layer,
        ids=list(layer.names[rows]),
        rows=rows,
        column="geometry",
        found=found,
        places=shapely.get_coordinates(shapely.point_on_surface(layer.mended.shapes[rows])),
        width_m=width_m,
        least_m2=least_m2,
    )


def angle_findings(layer: Prepared) -> pd.DataFrame:
    """Name the sharpest corner of each parcel that has one below `SHARP_DEG` (尖锐角)."""
    parts, owner = shapely.get_parts(layer.shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    angle = _angles(xy, ring)
    sharp = pd.DataFrame({"owner": owner[part[ring]], "angle": angle, "x": xy[:, 0], "y": xy[:, 1]})
    sharp = sharp[sharp["angle"] < SHARP_DEG].sort_values(["owner", "angle"], kind="stable").drop_duplicates("owner")
    if sharp.empty:
        return findings.empty()
    rows = layer.rows[sharp["owner"].to_numpy()]
    return findings.finding(
        "sharp-angle",
        layer.layer,
        ids=list(layer.names[rows]),
        rows=rows,
        column="geometry",
        found=[f"{value:.1f}°" for value in sharp["angle"]],
        places=sharp[["x", "y"]].to_numpy(),
        least_deg=f"{SHARP_DEG:g}",
    )


def _angles(xy: Floats, ring: Rows) -> Floats:
    """Return the angle at each vertex of closed rings, in degrees; 180 at the closing copy."""
    start = np.flatnonzero(np.r_[True, ring[1:] != ring[:-1]])
    end = np.r_[start[1:], len(ring)] - 1
    before, after = np.roll(xy, 1, axis=0), np.roll(xy, -1, axis=0)
    before[start] = xy[end - 1]
    back, ahead = before - xy, after - xy
    cross = back[:, 0] * ahead[:, 1] - back[:, 1] * ahead[:, 0]
    angle: Floats = np.degrees(np.abs(np.arctan2(cross, (back * ahead).sum(axis=1))))
    angle[end] = 180.0
    # Two equal vertices enclose no angle.
    angle[(back == 0).all(axis=1) | (ahead == 0).all(axis=1)] = 180.0
    return angle


def copy_findings(frame: gpd.GeoDataFrame, layer: str, shapes: Shapes) -> pd.DataFrame:
    """Name records that are exact copies, and other records with the same shape.

    `shapes` are looked at in place of the frame's own, so that a copy is found whether mended or not.
    Points may coincide: only areas are asked for the same shape.
    """
    names = records.ids(frame, layer).to_numpy()
    original = duplicate_of(frame.set_geometry(gpd.GeoSeries(list(shapes), index=frame.index, crs=frame.crs)))
    copies = np.flatnonzero(original >= 0)
    told = [_twin_findings("row-duplicate", layer, names, np.column_stack([copies, original[copies]]), shapes)]
    if layer in POLYGON_LAYERS:
        left = np.flatnonzero(original < 0)
        group = same_shape(shapes[left])
        twin = group >= 0
        first = pd.Series(left[twin]).groupby(group[twin]).transform("min").to_numpy(dtype="int64")
        later = first < left[twin]
        twins = np.column_stack([left[twin], first])[later]
        told.append(_twin_findings("geometry-duplicate", layer, names, twins, shapes))
    return findings.concat(told)


def _twin_findings(code: str, layer: str, names: Shapes, twins: Rows, shapes: Shapes) -> pd.DataFrame:
    """Name each record (first of a pair) whose twin (second) stands earlier, and the land of one of them."""
    if len(twins) == 0:
        return findings.empty()
    rows, first = twins.T
    return findings.finding(
        code,
        layer,
        ids=list(names[rows]),
        rows=rows,
        column="geometry",
        found=[
            f"= #{one + 1} {names[one]}".rstrip() + f", {land:,.2f} m²"
            for one, land in zip(first, shapely.area(shapes[rows]), strict=True)
        ],
        places=shapely.get_coordinates(shapely.point_on_surface(shapes[rows])),
    )


#: Layers in which an id may stand once for each value of these columns.
_ONCE_A = {"enterprises": ("year",), "evaluations": ("year", "period", "ranking")}


def id_findings(frame: pd.DataFrame, layer: str, copies: Rows) -> pd.DataFrame:
    """Name ids that stand for several records, exact copies (`copies`, positions) not counted, and missing ids."""
    column = records.id_column(frame, layer)
    if column is None:
        return findings.empty()
    table = pd.DataFrame({"id": records.as_text(frame[column]).to_numpy(), "row": np.arange(len(frame))})
    beside = [name for name in _ONCE_A.get(layer, ()) if records.given(frame, name)]
    for name in beside:
        table[name] = frame[name].to_numpy()
    key = ["id", *beside]
    counted = table[~table["row"].isin(copies)]
    missing = counted[counted["id"] == ""]
    named = counted[counted["id"] != ""]
    size = named.groupby(key, dropna=False)["row"].transform("size")
    twice = named[size > 1].assign(n=size[size > 1])
    told = []
    if len(twice):
        found = [f"{name} ×{n}" for name, n in zip(twice["id"], twice["n"], strict=True)]
        told.append(
            findings.finding(
                "id-duplicate", layer, ids=list(twice["id"]), rows=twice["row"].to_numpy(), column=column, found=found
            )
        )
    if len(missing):
        told.append(findings.finding("id-missing", layer, column=column, found=f"{len(missing)} / {len(frame)}"))
    return findings.concat(told)
