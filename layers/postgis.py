"""Tables and views of a PostGIS database, and what a query of the user's own gives, as they stand.

A table becomes the frame a file would: numbers as numbers, days as days, shapes in the CRS their SRID names. Rows
come by a cursor of the server, piece by piece. Curves become chords, since nothing here can measure an arc. Knows
how rows become a frame; which tables there are and how they are asked for is `layers.postgis_tables`'s, who may
come in and what a refusal means `layers.database`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely

from layers import encoding as enc
from layers.database import connect
from layers.errors import SourceError
from layers.findings import finding
from layers.postgis_tables import Asked, described, of_postgis, select, whole, within
from layers.raw import Raw, Sublayer, distinct_titles
from layers.sources import Source

if TYPE_CHECKING:
    from psycopg import sql

__all__ = ["read_table"]

_PIECE = 20_000  # rows fetched at a time


def read_table(source: Source, sublayer: Sublayer, *, role: str | None, limit: int | None = None) -> Raw:
    """Read a table, a view or a query as it stands.

    Parameters
    ----------
    source : Source
        An address; with `query` or `bbox` where they were given.
    sublayer : Sublayer
        One of `tables`.
    role : str or None
        Name of the layer for findings.
    limit : int, optional
        Read so many rows only; number of rows and extent are then asked of the server.

    Returns
    -------
    Raw
        Rows in the order of the primary key, where there is one.

    Raises
    ------
    SourceError
        The server refuses or goes away; the shapes bear several SRIDs; there is no column of shapes to hold against
        `bbox`.
    """
    name = str(sublayer.name)
    with connect(source.shown, name) as connection:
        asked = described(connection, source, name)
        where = within(asked, source)
        raw = _fetched(asked, source, name, where, limit, role or "")
        raw.total = raw.rows
        if limit is not None and raw.rows == limit:
            raw.total, raw.extent = whole(asked, where)
    if not asked.key and source.query is None:
        raw.findings.append(finding("key-missing", role or "", found=name))
    raw.encoding, raw.aliases, raw.notes = enc.Encoding("UTF-8", "declared"), asked.aliases, asked.notes
    distinct_titles(raw, role or "")
    return raw


def _fetched(asked: Asked, source: Source, name: str, where: sql.Composable, limit: int | None, role: str) -> Raw:
    """Fetch the rows piece by piece; of one piece at a time there are objects of Python."""
    kept = [(title, kind) for title, kind, _ in asked.columns if kind != "shape"]
    drawn = bool(asked.drawn)
    values: list[list[pd.Series]] = [[] for _ in kept]
    shapes, curves, unreadable, rows = [np.empty(0, dtype="object")], 0, [], 0
    with asked.connection.cursor(name="parkwise", binary=True) as cursor:
        cursor.execute(select(asked, where, limit))
        while piece := cursor.fetchmany(_PIECE):
            fields = list(zip(*piece, strict=True))
            if drawn:
                wkb = np.array(fields[0], dtype="object")
                built = shapely.from_wkb(wkb, on_invalid="ignore")
                unreadable += [rows + int(n) for n in np.flatnonzero(shapely.is_missing(built)) if wkb[n] is not None]
                shapes.append(built)
                curves += sum(map(bool, fields[1]))
                fields = fields[2:]
            for column, (_, kind), cells in zip(values, kept, fields[: len(kept)], strict=True):
                column.append(_series(kind, cells))
            rows += len(piece)
    joined = {number: _joined(kind, values[number]) for number, (_, kind) in enumerate(kept)}
    frame = pd.DataFrame(joined, index=pd.RangeIndex(rows))
    frame.columns = pd.Index([title for title, _ in kept], dtype="object")
    raw = Raw(frame, replace(source, table=name), name, unreadable=unreadable, rows=rows)
    if drawn:
        _draw(raw, asked, np.concatenate(shapes), curves, role)
    return raw


def _series(kind: str, cells: Sequence[object]) -> pd.Series:
    """Cells of one piece; a whole number that is missing makes its column one of floating numbers, as in a file."""
    if kind == "number":
        return pd.Series(cells, dtype="float64")
    if kind == "integer":
        return pd.Series(cells, dtype="float64" if None in cells else "int64")
    if kind == "boolean":
        return pd.Series(cells, dtype="object" if None in cells else "bool")
    if kind == "date":  # without a zone: the calendar day as the server tells it; "infinity" is no day
        days = pd.Series(cast("Any", cells), dtype="object")
        return pd.to_datetime(days, format="ISO8601", errors="coerce").astype("datetime64[us]")
    return pd.Series(cast("Any", cells), dtype="str")


def _joined(kind: str, pieces: Sequence[pd.Series]) -> pd.Series:
    return pd.concat(pieces, ignore_index=True) if pieces else _series(kind, [])


def _draw(raw: Raw, asked: Asked, shapes: Any, curves: int, role: str) -> None:  # noqa: ANN401  (an array of shapes)
    """Add the shapes, the CRS of their SRID, and what was settled about them."""
    raw.crs = _crs(asked, raw.source, shapes)
    bare = gpd.GeoSeries(shapely.set_srid(shapes, 0), index=raw.frame.index, crs=raw.crs)
    titles = list(raw.frame.columns)
    if "geometry" in titles:  # a column of another kind that bears the name of ours
        raw.frame.columns = pd.Index([f"{title}_" if title == "geometry" else title for title in titles])
    raw.frame = gpd.GeoDataFrame(raw.frame, geometry=bare)
    chosen, *others = (title for title, _, _ in asked.drawn)
    if others:
        raw.findings.append(
            finding("geometry-column-chosen", role, column=chosen, found=chosen, others=", ".join(others))
        )
    if curves:
        raw.findings.append(finding("geometry-curved", role, column=chosen, found=f"{curves} / {raw.rows}"))


def _crs(asked: Asked, source: Source, shapes: Any) -> pyproj.CRS | None:  # noqa: ANN401
    """The CRS of the SRID that all shapes bear; none where it is 0 or not known, and the doctor decides."""
    srids, counts = np.unique(shapely.get_srid(shapes[~shapely.is_missing(shapes)]), return_counts=True)
    if len(srids) > 1:
        told = ", ".join(f"{srid} × {count}" for srid, count in zip(srids.tolist(), counts.tolist(), strict=True))
        raise SourceError(
            f"{source.shown}: {len(shapes)} shapes bear {len(srids)} SRIDs ({told}). Expected one; bring them together "
            "with ST_Transform in the table or in query =.",
            f"{source.shown}：{len(shapes)} 个图形有 {len(srids)} 种 SRID（{told}）。应为一种；"
            "请在表中或 query = 中用 ST_Transform 统一。",
        )
    if not len(srids) or srids[0] == 0:
        return None
    from psycopg import sql  # noqa: PLC0415

    known = sql.SQL("SELECT auth_name, auth_srid, srtext FROM {} WHERE srid = %s").format(
        of_postgis(asked, "spatial_ref_sys")
    )
    name, number, text = asked.connection.execute(known, (int(srids[0]),)).fetchone() or ("EPSG", int(srids[0]), "")
    for stated in (f"{name}:{number}", text):
        try:
            return pyproj.CRS.from_user_input(stated)
        except pyproj.exceptions.CRSError:
            continue
    return None
