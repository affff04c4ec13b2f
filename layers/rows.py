"""Which rows of a layer can be used: rows without a usable shape are set aside, each with its reason.

A shape is never changed beyond what its kind asks: heights are left out, and of a mixed collection in a
layer of areas the areas are kept. Broken rings stay as they are: judging them is the work of `layers.check`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers.findings import concat, finding
from layers.roles import LINE_LAYERS, POLYGON_LAYERS

__all__ = ["MOST_TOLD", "each_row", "flatten", "set_aside"]

#: So many rows are told one by one for each fault.
MOST_TOLD = 1_000

_AREAL = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
_LINEAR = (
    shapely.GeometryType.LINESTRING, shapely.GeometryType.LINEARRING, shapely.GeometryType.MULTILINESTRING,
)  # fmt: skip


def flatten(frame: gpd.GeoDataFrame, layer: str) -> tuple[gpd.GeoDataFrame, list[pd.DataFrame]]:
    """Leave out heights, and say how many shapes had them."""
    high = shapely.has_z(frame.geometry.values)
    if not high.any():
        return frame, []
    told = finding("geometry-3d", layer, found=f"{int(high.sum())} / {len(frame)}")
    return frame.set_geometry(
        gpd.GeoSeries(shapely.force_2d(frame.geometry.values), index=frame.index, crs=frame.crs)
    ), [told]


def set_aside(
    frame: gpd.GeoDataFrame, layer: str, ids: pd.Series, unreadable: Sequence[int] = ()
) -> tuple[gpd.GeoDataFrame, list[dict[str, Any]], list[pd.DataFrame]]:
    """Take out rows whose shape cannot serve a layer of areas, or one of lines.

    Parameters
    ----------
    frame : GeoDataFrame
        Its index numbers the rows of the source.
    layer : str
        Layers whose rows may have any shape or none (enterprises) lose no row.
    ids : Series of str
        Ids of the rows, for the ledger.
    unreadable : sequence of int
        Rows whose shape the driver could not build.

    Returns
    -------
    (frame, set_aside, findings)
    """
    if layer not in POLYGON_LAYERS | LINE_LAYERS:
        return frame, [], []
    areal = layer in POLYGON_LAYERS
    shapes = np.array(frame.geometry.values, dtype="object")
    kinds = shapely.get_type_id(shapes)
    gone = kinds == -1
    broken = gone & np.isin(np.asarray(frame.index), list(unreadable))
    empty = ~gone & shapely.is_empty(shapes)
    mixed = ~gone & ~empty & (kinds == shapely.GeometryType.GEOMETRYCOLLECTION) & areal
    shapes[mixed] = _areas_of(shapes[mixed])
    lost = mixed & shapely.is_empty(shapes)
    flat = lost | (~gone & ~empty & ~mixed & ~np.isin(kinds, _AREAL if areal else _LINEAR))
    expected = (
        {"expected_en": "polygons", "expected_zh": "面"} if areal else {"expected_en": "lines", "expected_zh": "线"}
    )
    told: list[pd.DataFrame] = []
    ledger: list[dict[str, Any]] = []
    for code, where, params in (
        ("geometry-null", gone & ~broken, {}),
        ("geometry-unreadable", broken, {}),
        ("geometry-empty", empty, {}),
        ("geometry-dimension", flat, expected),
    ):
        if where.any():
            ledger.append({"reason": code, "count": int(where.sum()), "area_m2": None, "ids": list(ids[where][:5])})
            told.append(_tell(code, layer, frame, ids, where, kinds, **params))
    if (mixed & ~lost).any():
        told.append(_tell("geometry-dimension", layer, frame, ids, mixed & ~lost, kinds, **expected))
        frame = frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))
    kept = ~(gone | empty | flat)
    return (frame if kept.all() else frame[kept]), ledger, told


def _areas_of(shapes: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Return the polygons inside each collection as one shape, untouched."""
    found = np.empty(len(shapes), dtype="object")
    for place, shape in enumerate(shapes):
        parts = shapely.get_parts(shapely.get_parts([shape]))
        while (shapely.get_type_id(parts) == shapely.GeometryType.GEOMETRYCOLLECTION).any():
            parts = shapely.get_parts(parts)
        areas = [
            polygon
            for part in parts
            for polygon in shapely.get_parts([part])
            if part.geom_type in ("Polygon", "MultiPolygon")
        ]
        found[place] = areas[0] if len(areas) == 1 else shapely.MultiPolygon(areas)
    return found


def _tell(
    code: str,
    layer: str,
    frame: gpd.GeoDataFrame,
    ids: pd.Series,
    where: npt.NDArray[np.bool_],
    kinds: npt.NDArray[Any],
    **params: Any,  # noqa: ANN401 (values of any kind fill the texts)
) -> pd.DataFrame:
    names = [shapely.GeometryType(kind).name.title() if kind >= 0 else "" for kind in kinds[where]]
    return each_row(code, layer, list(ids[where]), np.asarray(frame.index)[where], names, **params)


def each_row(
    code: str,
    layer: str,
    ids: Sequence[object],
    rows: Sequence[int] | npt.NDArray[Any],
    found: Sequence[object],
    **params: Any,  # noqa: ANN401 (values of any kind fill the texts)
) -> pd.DataFrame:
    """Return a finding for each row, and one for all the rest beyond a thousand: attrs must stay light."""
    total = len(ids)
    told = finding(
        code,
        layer,
        ids=ids[:MOST_TOLD],
        rows=[int(row) for row in rows[:MOST_TOLD]],
        found=list(found[:MOST_TOLD]),
        **params,
    )
    if total <= MOST_TOLD:
        return told
    return concat([told, finding(code, layer, found=f"… +{total - MOST_TOLD:,} / {total:,}", **params)])
