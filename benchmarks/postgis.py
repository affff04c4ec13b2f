"""PostGIS to measure against: a server of its own for one run, and the layers of a city put into it.

The server lives in a temporary folder, listens on a socket there and on no network, and is gone afterwards.
It needs the Debian packages postgresql and postgresql-15-postgis-3, or what other systems call them.
Tables and indexes are ready before the clock starts: `parcels`, `parks`, `buildings`, each `id, geom`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import psycopg
import shapely

from layers.threads import cores

SCHEMA = "parkwise_benchmark"
LAYERS = {"parcels": "parcel_id", "parks": "park_id", "buildings": "building_id"}

#: As a careful owner sets it up: memory to work in, all cores for one query, no waiting for the disk.
SETTINGS = {
    "listen_addresses": "''",
    "shared_buffers": "'2GB'",
    "work_mem": "'512MB'",
    "maintenance_work_mem": "'512MB'",
    "max_parallel_workers_per_gather": str(cores() - 1),  # and the process that asks
    "jit": "off",  # compiling takes longer than it saves here
    "fsync": "off",
    "max_wal_size": "'8GB'",
}


def programs() -> Path | None:
    """Return the folder with initdb and pg_ctl, None where PostgreSQL is not installed."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    on_path = shutil.which("initdb")
    return max(found) if found else Path(on_path).parent if on_path else None


@contextmanager
def server() -> Iterator[str]:
    """Start a throw-away PostgreSQL with PostGIS; yield how to reach it; stop and remove it."""
    where = programs()
    if where is None:
        raise SystemExit("PostgreSQL is not installed: apt-get install postgresql postgresql-15-postgis-3")
    folder = Path(tempfile.mkdtemp(prefix="parkwise-postgis-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"
    _as_owner(where / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync")
    settings = [f"unix_socket_directories = '{folder}'", *(f"{key} = {value}" for key, value in SETTINGS.items())]
    with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write("\n".join(settings) + "\n")
    try:
        _as_owner(where / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "start")
        yield f"host={folder} user=postgres dbname=postgres"
    finally:
        _as_owner(where / "pg_ctl", "-D", data, "-m", "immediate", "stop", check=False)
        shutil.rmtree(folder, ignore_errors=True)


def _as_owner(*command: object, check: bool = True) -> None:
    """Run a command; PostgreSQL refuses to run as root, so root runs it as postgres."""
    user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    subprocess.run(  # noqa: S603
        [str(word) for word in command],
        check=check,
        stdout=subprocess.DEVNULL,
        cwd="/",
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
    )


def load(dsn: str, folder: Path) -> None:
    """Put the layers of a city into tables with spatial indexes, in a schema of their own."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
        connection.execute(f"SET search_path TO {SCHEMA}, public")
        for layer, key in LAYERS.items():
            frame = gpd.read_parquet(folder / f"{layer}.parquet", columns=[key, "geometry"])
            ids = frame[key].astype("str").str.lstrip("PK").astype("int64")
            shapes = shapely.to_wkb(shapely.set_srid(frame.geometry.to_numpy(), 4549), hex=True, include_srid=True)
            connection.execute(f"CREATE TABLE {layer} (id bigint, geom geometry(Polygon, 4549))")
            with connection.cursor().copy(f"COPY {layer} FROM STDIN") as copy:
                for row in zip(ids.tolist(), shapes, strict=True):
                    copy.write_row(row)
            connection.execute(f"CREATE INDEX ON {layer} USING gist (geom)")
            connection.execute(f"VACUUM ANALYZE {layer}")


def unload(dsn: str) -> None:
    """Take the tables away again."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")


def connect(dsn: str) -> tuple[psycopg.Connection, int | None]:
    """Return a connection that sees the tables, and the server's first process where it runs on this machine."""
    connection = psycopg.connect(dsn, autocommit=True)
    connection.execute(f"SET search_path TO {SCHEMA}, public")
    connection.execute("SELECT postgis_version()")  # loads the library
    if not connection.info.host.startswith("/"):
        return connection, None
    stat = Path(f"/proc/{connection.info.backend_pid}/stat").read_text(encoding="utf-8")
    return connection, int(stat.rpartition(")")[2].split()[1])


def versions(dsn: str) -> str:
    """Say which PostgreSQL and PostGIS answer; switch PostGIS on in this database if need be."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")
        row = connection.execute("SELECT current_setting('server_version'), postgis_lib_version()").fetchone()
    return "PostgreSQL {}, PostGIS {}".format(*row or ("", ""))
