"""The layers of `results.gpkg` as tables of a PostGIS database, in a schema of their own.

One transaction makes the schema, or nothing has happened. Tables have a primary key, a spatial index and
statistics; their titles, and those of their columns with units, stand as comments, in the language of the report.
A schema that is there is replaced only when asked for, only if a report made it, and only while nobody has put
anything of their own into it. What the layers are is `gpkg`'s; who may write is `layers.database`'s.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.report.gpkg_file import Layer
from layers.crs import describe
from layers.database import connect, is_database
from layers.errors import OutputError, ProjectError, first
from layers.project import Project

if TYPE_CHECKING:
    import psycopg

__all__ = ["Publish", "Target", "publishing", "require_room", "target"]

#: First word of the comment on a schema of ours.
_MARK = "Parkwise"
_BYTES = 63  # of a name in PostgreSQL
_TABLES = (
    "parcels", "parks", "zones", "districts", "candidates", "candidate_groups", "plan", "overlaps", "points",
    "joins", "clusters", "findings", "indicators",
)  # fmt: skip

Publish = Callable[[Sequence[Layer], str], None]


@dataclass(frozen=True)
class Target:
    """A schema of a database."""

    address: str
    schema: str

    @property
    def shown(self) -> str:
        """How people know it."""
        return f"{self.address} {self.schema}"


def target(address: str, schema: str | None, project: Project, *, public: bool = False) -> Target:
    """Return where results go: the schema that was named, else one named after the project.

    Parameters
    ----------
    address : str
        ``postgresql://…``, without a password.
    schema : str or None
    project : Project
    public : bool
        The name of a project may be a firm's: a public version is named after the city, beside the whole one.

    Raises
    ------
    ProjectError
        It is no address of a database, or no name a schema may have.
    """
    if not is_database(address):
        raise ProjectError(
            "--postgis: this is no address of a database. Expected postgresql://host/database.",
            "--postgis：这不是数据库地址。应为 postgresql://主机/数据库。",
        )
    name = schema if schema is not None else _named(project, public=public)
    if not name or len(name.encode()) > _BYTES or name.startswith("pg_") or "\x00" in name:
        raise ProjectError(
            f'--postgis-schema "{name}": expected a name of 1 to {_BYTES} bytes that does not begin with pg_.',
            f"--postgis-schema “{name}”：应为 1 至 {_BYTES} 字节的名称，且不以 pg_ 开头。",
        )
    return Target(address, name)


def _named(project: Project, *, public: bool) -> str:
    city = project.text("project.city") or "results"
    said = f"public {city}" if public else project.text("project.name") or city
    words = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", said).casefold()).strip("_")
    return _cut(f"parkwise_{words or 'results'}").rstrip("_")


def _cut(name: str) -> str:
    return name.encode()[:_BYTES].decode(errors="ignore")


def require_room(place: Target, *, overwrite: bool) -> None:
    """Ask the server before the work begins whether it would take the results.

    Raises
    ------
    OutputError
        The schema is there, PostGIS is not, the role may not make schemas, or no server answers.
    """
    with connect(place.address, place.schema, kind=OutputError) as connection:
        _require_free(connection, place, overwrite=overwrite)


@contextmanager
def publishing(place: Target, *, overwrite: bool) -> Iterator[Publish]:
    """Give a function that puts layers, and a text on the whole of them, into the schema.

    All of it is there when the block ends well, else everything is as before.

    Raises
    ------
    OutputError
        See `require_room`; others depend on the tables that would be replaced; the connection broke off.
    """
    with connect(place.address, place.schema, kind=OutputError, write=True) as connection:
        home = _require_free(connection, place, overwrite=overwrite)
        yield partial(_put, connection, place, home)


def _require_free(connection: psycopg.Connection, place: Target, *, overwrite: bool) -> str:
    """Refuse what cannot be written; return the schema PostGIS lives in."""
    row = connection.execute(
        "SELECT n.nspname, has_database_privilege(current_database(), 'CREATE') FROM pg_catalog.pg_extension e "
        "JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'postgis'"
    ).fetchone()
    if row is None:
        raise OutputError(
            f"{place.address}: PostGIS is not switched on in this database. Have its owner run "
            "CREATE EXTENSION postgis, or choose another database.",
            f"{place.address}：该数据库未启用 PostGIS。请由所有者执行 CREATE EXTENSION postgis，或另选数据库。",
        )
    home, may_create = row
    if not may_create:
        raise OutputError(
            f"{place.shown}: the role may not make a schema. Ask the owner for GRANT CREATE ON DATABASE … TO the role.",
            f"{place.shown}：当前角色无权新建模式。请向所有者申请 GRANT CREATE ON DATABASE … TO 该角色。",
        )
    found = connection.execute(
        "SELECT coalesce(obj_description(oid, 'pg_namespace'), '') FROM pg_catalog.pg_namespace WHERE nspname = %s",
        (place.schema,),
    ).fetchone()
    if found is not None and not overwrite:
        raise OutputError(
            f"{place.shown}: the schema is there already. Nothing was written; pass --overwrite to replace it, "
            "or name another one with --postgis-schema.",
            f"{place.shown}：该模式已存在。未写入任何内容；请加 --overwrite 覆盖，或用 --postgis-schema 另行命名。",
        )
    if found is not None and not str(found[0]).startswith(_MARK):
        raise OutputError(
            f"{place.shown}: the schema was not made by a report, so it is not replaced. Nothing was written; "
            "name another one with --postgis-schema.",
            f"{place.shown}：该模式不是由报告生成的，不予覆盖。未写入任何内容；请用 --postgis-schema 另行命名。",
        )
    return str(home)


# ---------------------------------------------------------------- tables


def _put(connection: psycopg.Connection, place: Target, home: str, layers: Sequence[Layer], about: str) -> None:
    """Write layers into a schema that is made anew."""
    from psycopg import sql  # noqa: PLC0415  (loaded with the driver)

    schema = sql.Identifier(place.schema)
    _clear(connection, place)
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
    connection.execute(sql.SQL("COMMENT ON SCHEMA {} IS {}").format(schema, sql.Literal(f"{_MARK}\n{about}")))
    for layer in layers:
        _table(connection, place.schema, home, layer)


def _clear(connection: psycopg.Connection, place: Target) -> None:
    """Take away the tables of an older report, but nothing that others have made of them or beside them."""
    from psycopg import sql  # noqa: PLC0415

    rows = connection.execute(
        "SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 1",
        (place.schema,),
    ).fetchall()
    others = [name for (name,) in rows if name not in _TABLES]
    if others:
        raise OutputError(
            f"{place.shown}: of {len(rows)} tables in the schema, {len(others)} are not of an earlier report "
            f"({first(others)}). Nothing was written; move them to another schema, or name one with --postgis-schema.",
            f"{place.shown}：模式中 {len(rows)} 个表有 {len(others)} 个不是以前的报告（{first(others)}）。"
            "未写入任何内容；请将其移到其他模式，或用 --postgis-schema 另行命名。",
        )
    for (name,) in rows:
        connection.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(place.schema, name)))
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {}").format(sql.Identifier(place.schema)))


def _table(connection: psycopg.Connection, schema: str, home: str, layer: Layer) -> None:
    """Make one table, fill it, and say what it and its columns are."""
    from psycopg import sql  # noqa: PLC0415

    where, frame = sql.Identifier(schema, layer.name), layer.frame.reset_index(drop=True)
    drawn, crs = isinstance(frame, gpd.GeoDataFrame), getattr(frame, "crs", None)
    titles = [str(title) for title in frame.columns if not drawn or title != frame.geometry.name]
    names = _names(titles)
    kinds, cells = zip(*(_cells(frame[title]) for title in titles), strict=True)
    parts: list[sql.Composable] = [sql.SQL("fid bigint PRIMARY KEY")]
    parts += [sql.SQL("{} " + kind).format(sql.Identifier(names[t])) for t, kind in zip(titles, kinds, strict=True)]
    columns = [range(1, len(frame) + 1), *cells]
    if drawn:
        kind, srid, shapes = _shapes(connection, home, frame, layer.shape)
        made = sql.SQL("geom {}({}, {})").format(sql.Identifier(home, "geometry"), sql.SQL(kind), sql.Literal(srid))
        parts.append(made)
        columns.append(shapes)
    connection.execute(sql.SQL("CREATE TABLE {} ({})").format(where, sql.SQL(", ").join(parts)))
    with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(where)) as copy:
        for row in zip(*columns, strict=True):
            copy.write_row(row)
    if drawn:
        connection.execute(sql.SQL("CREATE INDEX ON {} USING gist (geom)").format(where))
    connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(where, sql.Literal(layer.title)))
    if drawn:
        told = sql.Literal("" if crs is None else describe(crs))
        connection.execute(sql.SQL("COMMENT ON COLUMN {}.geom IS {}").format(where, told))
    for title in titles:
        column = sql.Identifier(schema, layer.name, names[title])
        told = sql.Literal(layer.aliases.get(title, title))
        connection.execute(sql.SQL("COMMENT ON COLUMN {} IS {}").format(column, told))
    connection.execute(sql.SQL("ANALYZE {}").format(where))


def _names(titles: Sequence[str]) -> dict[str, str]:
    """Names the columns bear in the database: short enough, each once, none of them one of ours."""
    taken, names = {"fid", "geom"}, {}
    for title in titles:
        name, count = _cut(title), 1
        while name in taken:
            count += 1
            name = f"{_cut(title)[: _BYTES // 4]}_{count}"
        taken.add(name)
        names[title] = name
    return names


def _cells(column: pd.Series) -> tuple[str, list[Any]]:
    """The type of a column in the database, and its cells; what is missing is NULL."""
    missing = column.isna()
    if pd.api.types.is_bool_dtype(column.dtype):
        return "boolean", column.astype("object").where(~missing, None).tolist()
    if pd.api.types.is_integer_dtype(column.dtype):
        return "bigint", column.astype("object").where(~missing, None).tolist()
    if pd.api.types.is_float_dtype(column.dtype):
        return "double precision", column.astype("object").where(~missing, None).tolist()
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        told = column.dt.strftime("%Y-%m-%d %H:%M:%S").astype("object")
        return "timestamp", told.where(~missing, None).tolist()
    return "text", [None if gone else _text(value) for value, gone in zip(column, missing, strict=True)]


def _text(value: object) -> str:
    """A text; lists become one, and a NUL, which no text of the database may hold, goes."""
    told = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return told.replace("\x00", "")


def _shapes(
    connection: psycopg.Connection, home: str, frame: gpd.GeoDataFrame, wanted: str
) -> tuple[str, int, list[str | None]]:
    """Kind and SRID of the shapes, and the shapes; single areas become multiple ones where those are wanted."""
    from psycopg import sql  # noqa: PLC0415

    epsg = None if frame.crs is None else frame.crs.to_epsg()
    known = connection.execute(
        sql.SQL("SELECT srid FROM {} WHERE srid = %s").format(sql.Identifier(home, "spatial_ref_sys")), (epsg,)
    ).fetchone()
    srid = int(known[0]) if known else 0
    shapes = np.array(frame.geometry.array, dtype="object")
    single = shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON
    if wanted == "MultiPolygon" and single.any():
        shapes[single] = shapely.multipolygons(shapes[single][:, np.newaxis])
    there = {str(kind) for kind in gpd.GeoSeries(shapes).dropna().geom_type.unique()}
    hexed = shapely.to_wkb(shapely.set_srid(shapes, srid), hex=True, include_srid=True)
    return (wanted if wanted and there <= {wanted} else "Geometry"), srid, list(hexed)
