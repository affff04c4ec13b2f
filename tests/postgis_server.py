"""A PostgreSQL of the tests' own: the server of the benchmarks, small, with tables made of frames."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
SMALL = {
    "shared_buffers": "'32MB'",
    "work_mem": "'8MB'",
    "maintenance_work_mem": "'32MB'",
    "max_wal_size": "'256MB'",
    "max_parallel_workers_per_gather": "0",
    "max_connections": "20",
}


@contextmanager
def started() -> Iterator[str]:
    """Start a server with PostGIS and yield the folder of its socket; skip where there is none."""
    pytest.importorskip("psycopg", reason="the driver of PostgreSQL (psycopg) is not installed")
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import postgis
    finally:
        sys.path.remove(str(BENCHMARKS))
    if postgis.programs() is None:
        pytest.skip("PostgreSQL is not installed")
    if not list(Path("/usr/share/postgresql").glob("*/extension/postgis.control")):
        pytest.skip("PostGIS is not installed beside PostgreSQL")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SMALL.items():
            patch.setitem(postgis.SETTINGS, name, value)
        with postgis.server() as dsn:
            postgis.versions(dsn)
            yield dsn.split()[0].removeprefix("host=")


def put(connection, frame: pd.DataFrame, table: str, *, kind: str = "Geometry", key: str | None = None) -> None:
    """Make a table of a frame, as a careful owner would: types, SRID, key."""
    from psycopg import sql

    schema, name = table.split(".")
    where = sql.Identifier(schema, name)
    drawn = isinstance(frame, gpd.GeoDataFrame)
    titles = [title for title in frame.columns if title != "geometry"]
    columns = [sql.SQL("{} " + _type(frame[title])).format(sql.Identifier(title)) for title in titles]
    cells = [frame[title].astype("object").where(frame[title].notna(), None) for title in titles]
    if drawn:
        srid = frame.crs.to_epsg() or 0 if frame.crs is not None else 0
        columns.append(sql.SQL(f"geom geometry({kind}, {srid})"))
        cells.append(shapely.to_wkb(shapely.set_srid(frame.geometry.to_numpy(), srid), hex=True, include_srid=True))
    if key is not None:
        columns.append(sql.SQL("PRIMARY KEY ({})").format(sql.Identifier(key)))
    connection.execute(sql.SQL("CREATE TABLE {} ({})").format(where, sql.SQL(", ").join(columns)))
    with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(where)) as copy:
        for row in zip(*cells, strict=True):
            copy.write_row(row)


def _type(column: pd.Series) -> str:
    kinds = {"i": "bigint", "f": "double precision", "b": "boolean", "M": "timestamp"}
    return kinds.get(getattr(column.dtype, "kind", "O"), "text")
