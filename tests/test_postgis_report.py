"""Results in a PostGIS database: the layers of the GeoPackage, whole or not at all, and nothing of others' harmed."""

# ruff: noqa: S608  (names of tables are those of the tests)

import json
import sqlite3

import geopandas as gpd
import hand_city as city
import numpy as np
import pandas as pd
import postgis_server
import pyogrio
import pytest
import shapely
import test_redaction_attacks as attacks
from test_cli import run

from geo.report.postgis import publishing, require_room, target
from layers.errors import OutputError, ProjectError
from layers.project import loads

ADDRESS = "postgresql:///postgres"
SCHEMA = "parkwise_示例"

pytestmark = pytest.mark.postgis


@pytest.fixture(scope="module")
def server():
    with postgis_server.started() as socket, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGHOST", socket)
        patch.setenv("PGUSER", "postgres")
        yield socket


def rows(text, *values):
    import psycopg

    with psycopg.connect("dbname=postgres", autocommit=True) as connection:
        done = connection.execute(text, values or None)
        return done.fetchall() if done.description else []


@pytest.fixture
def clean(server):
    yield
    for (name,) in rows("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'parkwise%' OR nspname = 'theirs'"):
        rows(f'DROP SCHEMA "{name}" CASCADE')


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    names = ("parcels", "parks", "districts")
    place = city.save(tmp_path_factory.mktemp("city"), *names)
    (place / "project.toml").write_text(city.HEAD + city.named(*names), encoding="utf-8")
    return place


def report(folder, out, *more):
    return run("report", folder, "-o", out, "-q", "--lang", "en", "--postgis", ADDRESS, *more)


def tables(schema=SCHEMA):
    return {name for (name,) in rows("SELECT tablename FROM pg_tables WHERE schemaname = %s", schema)}


def test_the_schema_holds_what_the_geopackage_holds(folder, tmp_path, clean):
    assert report(folder, tmp_path / "out").exit_code == 0
    made = tmp_path / "out" / "results.gpkg"
    assert tables() == {str(name) for name, _ in pyogrio.list_layers(made)} - {"layer_styles"}
    for name in sorted(tables()):
        file = gpd.read_file(made, layer=name)
        titles = [title for title in file.columns if title != "geometry"]
        quoted = ", ".join(f'"{title}"' for title in titles)
        stored = rows(f'SELECT {quoted} FROM "{SCHEMA}"."{name}" ORDER BY fid')
        assert len(stored) == len(file) > 0 or name in {"findings", "candidate_groups"}
        for place, title in enumerate(titles):
            for ours, theirs in zip((row[place] for row in stored), file[title], strict=True):
                if pd.isna(theirs):
                    assert ours is None, (name, title)
                else:
                    assert ours == theirs, (name, title)
        if "geometry" in file:
            drawn = rows(f'SELECT ST_AsBinary(geom) FROM "{SCHEMA}"."{name}" ORDER BY fid')
            shapes = shapely.from_wkb(np.array([bytes(one) for (one,) in drawn], dtype="object"))
            assert shapely.equals_exact(shapes, file.geometry.to_numpy()).all(), name


def test_tables_have_keys_indexes_srids_and_titles_of_the_geopackage(folder, tmp_path, clean):
    report(folder, tmp_path / "out")
    keys = rows(
        "SELECT table_name FROM information_schema.table_constraints "
        "WHERE table_schema = %s AND constraint_type = 'PRIMARY KEY'",
        SCHEMA,
    )
    assert {name for (name,) in keys} == tables()
    drawn = rows("SELECT f_table_name, srid, type FROM geometry_columns WHERE f_table_schema = %s", SCHEMA)
    indexed = rows("SELECT tablename FROM pg_indexes WHERE schemaname = %s AND indexdef LIKE '%%gist%%'", SCHEMA)
    assert {name for name, _, _ in drawn} == {name for (name,) in indexed} == tables() - {"indicators"}
    assert ("parcels", 4549, "MULTIPOLYGON") in drawn
    assert ("findings", 4326, "POINT") in drawn
    told = dict(
        rows(
            "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = %s::regclass",
            f'"{SCHEMA}".parcels',
        )
    )
    with sqlite3.connect(tmp_path / "out" / "results.gpkg") as base:
        titles = dict(base.execute("SELECT column_name, title FROM gpkg_data_columns WHERE table_name = 'parcels'"))
        (title,) = base.execute("SELECT identifier FROM gpkg_contents WHERE table_name = 'parcels'").fetchone()
    assert {name: told[name] for name in titles} == titles
    assert any("(m²)" in one for one in titles.values())
    assert rows("SELECT obj_description(%s::regclass)", f'"{SCHEMA}".parcels') == [(title,)]
    ((about,),) = rows("SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = %s", SCHEMA)
    assert json.loads(about.partition("\n")[2])["overlap"] == "split"
    assert rows("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", f'"{SCHEMA}".parcels') == [(5.0,)]


def test_an_older_schema_is_replaced_only_when_asked(folder, tmp_path, clean):
    report(folder, tmp_path / "out")
    rows(f'DELETE FROM "{SCHEMA}".parcels')
    again = report(folder, tmp_path / "out2")
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr
    assert "--postgis-schema" in again.stderr
    assert not (tmp_path / "out2").exists()
    assert rows(f'SELECT count(*) FROM "{SCHEMA}".parcels') == [(0,)]
    assert report(folder, tmp_path / "out2", "--overwrite").exit_code == 0
    assert rows(f'SELECT count(*) FROM "{SCHEMA}".parcels') == [(5,)]


def test_what_others_have_made_is_not_replaced(folder, tmp_path, clean):
    rows("CREATE SCHEMA theirs")
    told = report(folder, tmp_path / "a", "--overwrite", "--postgis-schema", "theirs")
    assert (told.exit_code, "not made by a report" in told.stderr) == (2, True)
    report(folder, tmp_path / "b")
    rows(f'CREATE TABLE "{SCHEMA}".notes (id int)')
    told = report(folder, tmp_path / "b", "--overwrite")
    assert (told.exit_code, "notes" in told.stderr) == (2, True)
    rows(f'DROP TABLE "{SCHEMA}".notes')
    rows(f'CREATE VIEW theirs.seen AS SELECT * FROM "{SCHEMA}".parcels')
    told = report(folder, tmp_path / "b", "--overwrite")
    assert (told.exit_code, "depend" in told.stderr) == (2, True)
    assert rows("SELECT count(*) FROM theirs.seen") == [(5,)]


def test_a_connection_that_drops_leaves_nothing(folder, tmp_path, clean, monkeypatch):
    import geo.report.postgis as room

    whole = room._table

    def dropping(connection, schema, home, layer):
        whole(connection, schema, home, layer)
        if layer.name == "parcels":
            rows("SELECT pg_terminate_backend(%s)", connection.info.backend_pid)

    monkeypatch.setattr(room, "_table", dropping)
    told = report(folder, tmp_path / "out")
    assert (told.exit_code, "broke off" in told.stderr) == (2, True)
    assert not (tmp_path / "out").exists()
    assert rows("SELECT count(*) FROM pg_namespace WHERE nspname = %s", SCHEMA) == [(0,)]


def test_files_that_cannot_be_written_leave_no_schema(folder, tmp_path, clean, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("layers.output._move", full)
    assert report(folder, tmp_path / "out").exit_code == 2
    assert rows("SELECT count(*) FROM pg_namespace WHERE nspname = %s", SCHEMA) == [(0,)]


@pytest.mark.parametrize(
    ("grants", "told"),
    [("", "GRANT CREATE ON DATABASE"), ("GRANT CREATE ON DATABASE postgres TO writer", "")],
)
def test_a_role_needs_the_right_to_make_a_schema(server, clean, grants, told):
    rows("DROP ROLE IF EXISTS writer; CREATE ROLE writer LOGIN")
    place = target("postgresql://writer@/postgres", "parkwise_w", loads("", city_path()))
    try:
        if told:
            with pytest.raises(OutputError, match=told):
                require_room(place, overwrite=False)
        else:
            rows(grants)
            with publishing(place, overwrite=False) as publish:
                publish([], "{}")
            assert rows("SELECT count(*) FROM pg_namespace WHERE nspname = 'parkwise_w'") == [(1,)]
    finally:
        rows("DROP OWNED BY writer; DROP ROLE writer")


def city_path():
    from pathlib import Path

    return Path("project.toml")


def test_a_database_without_postgis(server):
    rows("DROP DATABASE IF EXISTS bare")
    rows("CREATE DATABASE bare")
    place = target("postgresql:///bare", None, loads("", city_path()))
    with pytest.raises(OutputError, match="CREATE EXTENSION postgis"):
        require_room(place, overwrite=False)


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("2025 年度（合成）", "parkwise_2025_年度_合成"),
        ("A-B'; DROP", "parkwise_a_b_drop"),
        ("长" * 40, "parkwise_" + "长" * 18),
    ],
)
def test_a_schema_bears_the_name_of_the_project(name, schema):
    project = loads(f"[project]\nname = {json.dumps(name, ensure_ascii=False)}\n", city_path())
    assert target(ADDRESS, None, project).schema == schema
    assert len(schema.encode()) <= 63


@pytest.mark.parametrize("schema", ["", "pg_mine", "x" * 64])
def test_a_schema_has_a_name_the_server_takes(schema):
    with pytest.raises(ProjectError, match="--postgis-schema"):
        target(ADDRESS, schema, loads("", city_path()))


def test_a_server_that_is_down_is_told_before_the_work(folder, tmp_path):
    told = run("report", folder, "-o", tmp_path / "out", "--lang", "en", "--postgis", "postgresql://localhost:1/x")
    assert (told.exit_code, "no server answers" in told.stderr) == (2, True)
    assert not (tmp_path / "out").exists()
    told = run("report", folder, "-o", tmp_path / "out", "--lang", "en", "--postgis-schema", "x")
    assert (told.exit_code, "without --postgis" in told.stderr) == (2, True)


def test_a_public_version_names_no_firm_in_the_database(server, clean, tmp_path):
    run("report", attacks.write(tmp_path), "-o", tmp_path / "out", "-q", "--public", "--postgis", ADDRESS)
    names = rows("SELECT schemaname, tablename FROM pg_tables WHERE schemaname LIKE 'parkwise%'")
    assert {schema for schema, _ in names} == {"parkwise_public_示例市"}
    told = str([rows(f'SELECT * FROM "{schema}"."{name}"') for schema, name in names])
    told += str(rows("SELECT description FROM pg_description WHERE description LIKE '%公开版%'"))
    assert "▇▇" in told
    assert [name for name in attacks.NAMED if name in told] == []
