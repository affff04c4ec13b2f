"""Tables and views of a PostGIS database, as they stand in it; and what a query of the user's own gives.

A table becomes the frame a file would: numbers as numbers, days as days, shapes by a cursor of the server, piece
by piece, in the CRS their SRID names. Names of tables are quoted by the driver and never put together as text; a
query stands inside a SELECT of ours. Curves become chords, since nothing here can measure an arc. Knows how
tables are found and read; who may come in and what a refusal means is `layers.database`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
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
from layers.raw import Raw, Sublayer, distinct_titles
from layers.sources import Source

if TYPE_CHECKING:
    import psycopg
    from psycopg import sql

__all__ = ["QUERY", "full_name", "read_table", "tables"]

#: Name of what a query gives.
QUERY = "query"

_PIECE = 20_000  # rows fetched at a time
#: Type of a column → how it is asked for; every other type comes as text.
_KINDS = {
    "bool": "boolean",
    "int2": "integer",
    "int4": "integer",
    "int8": "integer",
    "float4": "number",
    "float8": "number",
    "numeric": "number",
    "date": "date",
    "timestamp": "date",
    "timestamptz": "date",
    "geometry": "shape",
    "geography": "shape",
}
_DIGITS = 15  # a longer whole number would lose its end as a floating one
_CURVED = ("CIRCULARSTRING", "COMPOUNDCURVE", "CURVEPOLYGON", "MULTICURVE", "MULTISURFACE")

_TABLES = """
SELECT n.nspname || '.' || c.relname, bool_or(t.typname IN ('geometry', 'geography')),
       array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
GROUP BY n.nspname, c.relname ORDER BY 1
"""
_TABLE = """
SELECT c.oid, n.nspname, c.relname, coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), '')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname || '.' || c.relname = %s
"""
_KEY = """
SELECT a.attname FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indrelid = %s AND i.indisprimary ORDER BY array_position(i.indkey::int2[], a.attnum)
"""
_COMMENTS = """
SELECT a.attname, pg_catalog.col_description(a.attrelid, a.attnum) FROM pg_catalog.pg_attribute a
WHERE a.attrelid = %s AND a.attnum > 0 AND pg_catalog.col_description(a.attrelid, a.attnum) IS NOT NULL
"""


@dataclass
class _Asked:
    """What is read: where it stands, its columns (title, kind, name inside our SELECT), its key."""

    connection: psycopg.Connection
    origin: sql.Composable
    home: str | None
    columns: list[tuple[str, str, sql.Identifier]] = field(default_factory=list)
    key: list[str] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    notes: str = ""

    @property
    def drawn(self) -> list[tuple[str, str, sql.Identifier]]:
        """Columns of shapes; the first is read."""
        return [one for one in self.columns if one[1] == "shape"]


def tables(source: Source) -> list[Sublayer]:
    """List the tables and views of a database, without those of its extensions; of a query, the query.

    Raises
    ------
    SourceError
        The server cannot be reached, or refuses.
    """
    if source.query is not None:
        return [Sublayer(QUERY, "Unknown", (), -1)]
    with connect(source.shown) as connection:
        rows = connection.execute(_TABLES).fetchall()
    return [Sublayer(name, "Unknown" if drawn else None, tuple(titles), -1) for name, drawn, titles in rows]


def full_name(found: Sequence[Sublayer], layer: str | None) -> str | None:
    """Return the name of a table with its schema, where only one schema has such a table.

    Examples
    --------
    >>> full_name([Sublayer("land.dltb", None, (), 0)], "dltb")
    'land.dltb'
    """
    if layer is None or any(one.name == layer for one in found):
        return layer
    fitting = [one.name for one in found if str(one.name).partition(".")[2] == layer]
    return fitting[0] if len(fitting) == 1 else layer


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
        asked = _described(connection, source, name)
        where = _within(asked, source)
        raw = _fetched(asked, source, name, where, limit, role or "")
        raw.total = raw.rows
        if limit is not None and raw.rows == limit:
            raw.total, raw.extent = _whole(asked, where)
    if not asked.key and source.query is None:
        raw.findings.append(finding("key-missing", role or "", found=name))
    raw.encoding, raw.aliases, raw.notes = enc.Encoding("UTF-8", "declared"), asked.aliases, asked.notes
    distinct_titles(raw, role or "")
    return raw


# ---------------------------------------------------------------- what there is


def _described(connection: psycopg.Connection, source: Source, name: str) -> _Asked:
    from psycopg import sql  # noqa: PLC0415  (loaded with the driver)

    home = connection.execute(
        "SELECT n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace "
        "WHERE e.extname = 'postgis'"
    ).fetchone()
    asked = _Asked(connection, sql.SQL(""), home[0] if home else None)
    if source.query is not None:
        written = source.query.strip().rstrip(";")
        asked.origin = sql.SQL("({}\n)").format(sql.SQL(cast("Any", written)))
    else:
        found = connection.execute(_TABLE, (name,)).fetchone()
        if found is None:
            raise SourceError(
                f'{source.shown}: the table "{name}" has just gone. Run again.',
                f"{source.shown}：表“{name}”刚刚被删除。请重试。",
            )
        oid, schema, table, asked.notes = found
        asked.origin = sql.Identifier(schema, table)
        asked.key = [title for (title,) in connection.execute(_KEY, (oid,)).fetchall()]
        asked.aliases = dict(connection.execute(_COMMENTS, (oid,)).fetchall())
    # In binary form a statement is one statement: nothing can stand behind the query.
    looked = connection.cursor(binary=True)
    looked.execute(sql.SQL("SELECT * FROM {} AS asked LIMIT 0").format(asked.origin))
    for number, column in enumerate(looked.description or ()):
        long = (column.precision or 0) > _DIGITS and not column.scale
        kind = "text" if long else _KINDS.get(_type(connection, column.type_code), "text")
        asked.columns.append((column.name, kind, sql.Identifier(f"c{number}")))
    return asked


def _type(connection: psycopg.Connection, oid: int) -> str:
    row = connection.execute("SELECT typname FROM pg_catalog.pg_type WHERE oid = %s", (oid,)).fetchone()
    return str(row[0]) if row else ""


def _of_postgis(asked: _Asked, name: str) -> sql.Identifier:
    """A function of PostGIS, wherever it was installed."""
    from psycopg import sql  # noqa: PLC0415

    return sql.Identifier(asked.home or "public", name)


def _shape(asked: _Asked, column: sql.Identifier) -> sql.Composable:
    from psycopg import sql  # noqa: PLC0415

    return sql.SQL("{}::{}").format(column, _of_postgis(asked, "geometry"))


def _from(asked: _Asked) -> sql.Composable:
    """FROM, with names of ours for the columns: titles may stand twice, and be anything."""
    from psycopg import sql  # noqa: PLC0415

    return sql.SQL(" FROM {} AS asked ({})").format(
        asked.origin, sql.SQL(", ").join(column for _, _, column in asked.columns)
    )


def _within(asked: _Asked, source: Source) -> sql.Composable:
    """WHERE the box of a shape meets the box asked for, in the coordinates of the table."""
    from psycopg import sql  # noqa: PLC0415

    if source.bbox is None:
        return sql.SQL("")
    if not asked.drawn:
        raise SourceError(
            f"{source.shown}: bbox is given, but there is no column of shapes (0 of {len(asked.columns)} columns). "
            "Leave bbox out, or choose another table.",
            f"{source.shown}：给出了 bbox，但 {len(asked.columns)} 个字段中没有图形字段。请去掉 bbox 或换一个表。",
        )
    shape = _shape(asked, asked.drawn[0][2])
    srid = sql.SQL("SELECT {}({}){} WHERE {} IS NOT NULL LIMIT 1").format(
        _of_postgis(asked, "st_srid"), shape, _from(asked), shape
    )
    row = asked.connection.execute(srid).fetchone()
    box = sql.SQL(", ").join(sql.Literal(float(number)) for number in source.bbox)
    return sql.SQL(" WHERE {} OPERATOR({}.&&) {}({}, {})").format(
        shape,
        sql.Identifier(asked.home or "public"),
        _of_postgis(asked, "st_makeenvelope"),
        box,
        sql.Literal(int(row[0]) if row else 0),
    )


def _whole(asked: _Asked, where: sql.Composable) -> tuple[int, tuple[float, float, float, float] | None]:
    """How many rows there are, and how far their shapes reach."""
    from psycopg import sql  # noqa: PLC0415

    if not asked.drawn:
        row = asked.connection.execute(sql.SQL("SELECT count(*){}{}").format(_from(asked), where)).fetchone()
        return int(row[0]) if row else 0, None
    ends = sql.SQL(", ").join(
        sql.SQL("{}(e)").format(_of_postgis(asked, name)) for name in ("st_xmin", "st_ymin", "st_xmax", "st_ymax")
    )
    told = sql.SQL("SELECT n, {} FROM (SELECT count(*) AS n, {}({}) AS e{}{}) AS whole").format(
        ends, _of_postgis(asked, "st_extent"), _shape(asked, asked.drawn[0][2]), _from(asked), where
    )
    count, *bounds = asked.connection.execute(told).fetchone() or (0, None)
    if None in bounds:
        return int(count), None
    west, south, east, north = map(float, bounds)
    return int(count), (west, south, east, north)


# ---------------------------------------------------------------- what it holds


def _select(asked: _Asked, where: sql.Composable, limit: int | None) -> sql.Composed:
    """The statement of the cursor: first what is drawn and whether it is curved, then the other columns."""
    from psycopg import sql  # noqa: PLC0415

    wanted: list[sql.Composable] = []
    if asked.drawn:
        shape = _shape(asked, asked.drawn[0][2])
        curved = sql.SQL("({}({}) = ANY ({}) OR {}({}))").format(
            _of_postgis(asked, "geometrytype"),
            shape,
            sql.Literal(list(_CURVED)),
            _of_postgis(asked, "st_hasarc"),
            shape,
        )
        straight = sql.SQL("CASE WHEN {} THEN {}({}) ELSE {} END").format(
            curved, _of_postgis(asked, "st_curvetoline"), shape, shape
        )
        wanted += [sql.SQL("{}({})").format(_of_postgis(asked, "st_asewkb"), straight), curved]
    casts = {"boolean": "{}", "integer": "{}::int8", "number": "{}::float8"}
    wanted += [sql.SQL(casts.get(kind, "{}::text")).format(name) for _, kind, name in asked.columns if kind != "shape"]
    key = [name for title, _, name in asked.columns if title in asked.key]
    order = sql.SQL(" ORDER BY {}").format(sql.SQL(", ").join(key)) if key else sql.SQL("")
    some = sql.SQL("") if limit is None else sql.SQL(" LIMIT {}").format(sql.Literal(limit))
    return sql.SQL("SELECT {}{}{}{}{}").format(
        sql.SQL(", ").join(wanted or [sql.SQL("1")]), _from(asked), where, order, some
    )


def _fetched(asked: _Asked, source: Source, name: str, where: sql.Composable, limit: int | None, role: str) -> Raw:
    """Fetch the rows piece by piece; of one piece at a time there are objects of Python."""
    kept = [(title, kind) for title, kind, _ in asked.columns if kind != "shape"]
    drawn = bool(asked.drawn)
    values: list[list[pd.Series]] = [[] for _ in kept]
    shapes, curves, unreadable, rows = [np.empty(0, dtype="object")], 0, [], 0
    with asked.connection.cursor(name="parkwise", binary=True) as cursor:
        cursor.execute(_select(asked, where, limit))
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
    frame = pd.DataFrame({number: _joined(kind, values[number]) for number, (_, kind) in enumerate(kept)})
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
        days = pd.Series(cast("Any", cells), dtype="object").str.replace(
            r"[+-]\d\d(:\d\d)*$|(?<=\d)\s+BC$", "", regex=True
        )
        return pd.to_datetime(days, format="ISO8601", errors="coerce").astype("datetime64[us]")
    return pd.Series(cast("Any", cells), dtype="str")


def _joined(kind: str, pieces: Sequence[pd.Series]) -> pd.Series:
    return pd.concat(pieces, ignore_index=True) if pieces else _series(kind, [])


def _draw(raw: Raw, asked: _Asked, shapes: Any, curves: int, role: str) -> None:  # noqa: ANN401  (an array of shapes)
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


def _crs(asked: _Asked, source: Source, shapes: Any) -> pyproj.CRS | None:  # noqa: ANN401
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
        _of_postgis(asked, "spatial_ref_sys")
    )
    name, number, text = asked.connection.execute(known, (int(srids[0]),)).fetchone() or ("EPSG", int(srids[0]), "")
    for stated in (f"{name}:{number}", text):
        try:
            return pyproj.CRS.from_user_input(stated)
        except pyproj.exceptions.CRSError:
            continue
    return None
