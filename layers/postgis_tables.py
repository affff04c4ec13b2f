"""What a PostGIS database holds, and the statements that ask for it.

Names of tables are quoted by the driver and never put together as text; a query of the user's own stands inside a
SELECT of ours; columns bear names of ours there, since titles may stand twice and be anything. PostGIS is called
where it was installed, whatever the search path. Knows tables, columns, keys and comments; knows no row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from layers.database import connect
from layers.errors import SourceError
from layers.raw import Sublayer
from layers.sources import Source

if TYPE_CHECKING:
    import psycopg
    from psycopg import sql

__all__ = ["QUERY", "Asked", "described", "full_name", "of_postgis", "select", "tables", "whole", "within"]

#: Name of what a query gives.
QUERY = "query"
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
class Asked:
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


# ---------------------------------------------------------------- what is asked


def described(connection: psycopg.Connection, source: Source, name: str) -> Asked:
    """Look at the table, view or query of a source: its columns, its key, what its owner says of it."""
    from psycopg import sql  # noqa: PLC0415  (loaded with the driver)

    home = connection.execute(
        "SELECT n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace "
        "WHERE e.extname = 'postgis'"
    ).fetchone()
    asked = Asked(connection, sql.SQL(""), home[0] if home else None)
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


def of_postgis(asked: Asked, name: str) -> sql.Identifier:
    """Return the name of a function or table of PostGIS, wherever it was installed."""
    from psycopg import sql  # noqa: PLC0415

    return sql.Identifier(asked.home or "public", name)


def _shape(asked: Asked, column: sql.Identifier) -> sql.Composable:
    from psycopg import sql  # noqa: PLC0415

    return sql.SQL("{}::{}").format(column, of_postgis(asked, "geometry"))


def _from(asked: Asked) -> sql.Composable:
    """FROM, with names of ours for the columns: titles may stand twice, and be anything."""
    from psycopg import sql  # noqa: PLC0415

    return sql.SQL(" FROM {} AS asked ({})").format(
        asked.origin, sql.SQL(", ").join(column for _, _, column in asked.columns)
    )


def within(asked: Asked, source: Source) -> sql.Composable:
    """Return the WHERE by which the box of a shape meets the box asked for, in the coordinates of the table."""
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
        of_postgis(asked, "st_srid"), shape, _from(asked), shape
    )
    row = asked.connection.execute(srid).fetchone()
    box = sql.SQL(", ").join(sql.Literal(float(number)) for number in source.bbox)
    return sql.SQL(" WHERE {} OPERATOR({}.&&) {}({}, {})").format(
        shape,
        sql.Identifier(asked.home or "public"),
        of_postgis(asked, "st_makeenvelope"),
        box,
        sql.Literal(int(row[0]) if row else 0),
    )


def whole(asked: Asked, where: sql.Composable) -> tuple[int, tuple[float, float, float, float] | None]:
    """Return how many rows there are, and how far their shapes reach."""
    from psycopg import sql  # noqa: PLC0415

    if not asked.drawn:
        row = asked.connection.execute(sql.SQL("SELECT count(*){}{}").format(_from(asked), where)).fetchone()
        return int(row[0]) if row else 0, None
    ends = sql.SQL(", ").join(
        sql.SQL("{}(e)").format(of_postgis(asked, name)) for name in ("st_xmin", "st_ymin", "st_xmax", "st_ymax")
    )
    told = sql.SQL("SELECT n, {} FROM (SELECT count(*) AS n, {}({}) AS e{}{}) AS whole").format(
        ends, of_postgis(asked, "st_extent"), _shape(asked, asked.drawn[0][2]), _from(asked), where
    )
    count, *bounds = asked.connection.execute(told).fetchone() or (0, None)
    if None in bounds:
        return int(count), None
    west, south, east, north = map(float, bounds)
    return int(count), (west, south, east, north)


def select(asked: Asked, where: sql.Composable, limit: int | None) -> sql.Composed:
    """Return the statement of the cursor: first what is drawn and whether it is curved, then the other columns."""
    from psycopg import sql  # noqa: PLC0415

    wanted: list[sql.Composable] = []
    if asked.drawn:
        shape = _shape(asked, asked.drawn[0][2])
        curved = sql.SQL("({}({}) = ANY ({}) OR {}({}))").format(
            of_postgis(asked, "geometrytype"),
            shape,
            sql.Literal(list(_CURVED)),
            of_postgis(asked, "st_hasarc"),
            shape,
        )
        straight = sql.SQL("CASE WHEN {} THEN {}({}) ELSE {} END").format(
            curved, of_postgis(asked, "st_curvetoline"), shape, shape
        )
        wanted += [sql.SQL("{}({})").format(of_postgis(asked, "st_asewkb"), straight), curved]
    casts = {"boolean": "{}", "integer": "{}::int8", "number": "{}::float8", "date": "{}::timestamp::text"}
    wanted += [sql.SQL(casts.get(kind, "{}::text")).format(name) for _, kind, name in asked.columns if kind != "shape"]
    key = [name for title, _, name in asked.columns if title in asked.key]
    order = sql.SQL(" ORDER BY {}").format(sql.SQL(", ").join(key)) if key else sql.SQL("")
    some = sql.SQL("") if limit is None else sql.SQL(" LIMIT {}").format(sql.Literal(limit))
    return sql.SQL("SELECT {}{}{}{}{}").format(
        sql.SQL(", ").join(wanted or [sql.SQL("1")]), _from(asked), where, order, some
    )
