"""PostGIS as a source: the same figures as from a file, and one clear message for each way a server refuses."""

import json
import os
import subprocess
import sys
import threading
import time

import geopandas as gpd
import hand_city as city
import numpy as np
import pandas as pd
import postgis_server
import pytest
import shapely
from test_cli import run

import layers
from layers.database import require_address
from layers.errors import ProjectError, SourceError
from layers.project import loads

ADDRESS = "postgresql:///postgres"
SECRET = "Tr0ub4dor-hunter2"  # noqa: S105  (of nobody)

pytestmark = pytest.mark.postgis


@pytest.fixture(scope="module")
def server():
    with postgis_server.started() as socket, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PGHOST", socket)
        patch.setenv("PGUSER", "postgres")
        patch.setenv("PGPASSWORD", SECRET)
        with query() as connection:
            connection.execute("CREATE SCHEMA land; CREATE SCHEMA odd; CREATE ROLE stranger LOGIN")
            for name, frame in city.frames().items():
                key = "parcel_id" if name == "parcels" else None
                postgis_server.put(connection, frame, f"land.{name}", key=key)
        yield socket


def query():
    import psycopg

    return psycopg.connect("dbname=postgres", autocommit=True)


@pytest.fixture
def execute(server):
    """Run statements in the schema `odd`, which is empty again afterwards."""
    with query() as connection:
        connection.execute("SET search_path TO odd, public")
        yield connection.execute
        connection.execute("DROP SCHEMA odd CASCADE; CREATE SCHEMA odd")


def refused(layer=None, **more):
    with pytest.raises(SourceError) as error:
        layers.read(ADDRESS, "parcels", layer=layer, **more)
    assert error.value.exit_code == 3
    assert SECRET not in error.value.en + error.value.zh
    return error.value.en


def codes(frame):
    return [one["code"] for one in frame.attrs["findings"]]


def project(folder, source):
    entries = [f"[layers.{name}]\nsource = {json.dumps(address)}\nlayer = {json.dumps(layer)}\n"
               for name, (address, layer) in source.items()]  # fmt: skip
    folder.mkdir(exist_ok=True)
    (folder / "project.toml").write_text(city.HEAD + "".join(entries), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def from_tables(server, tmp_path_factory):
    return project(tmp_path_factory.mktemp("tables"), {name: (ADDRESS, f"land.{name}") for name in city.frames()})


# ---------------------------------------------------------------- the same as a file


def test_a_project_of_tables_has_the_figures_of_a_project_of_files(from_tables, tmp_path):
    base = tmp_path / "city.gpkg"
    for name, frame in city.frames().items():
        gpd.GeoDataFrame(frame).to_file(base, layer=name) if "geometry" in frame else frame.to_csv(
            tmp_path / f"{name}.csv", index=False, encoding="utf-8-sig"
        )
    files = {name: (str(base), name) if "geometry" in frame else (str(tmp_path / f"{name}.csv"), name)
             for name, frame in city.frames().items()}  # fmt: skip
    known = json.loads(run("measure", project(tmp_path / "files", files), "--json", "-q").stdout)
    found = json.loads(run("measure", from_tables, "--json", "-q").stdout)
    assert len(known["indicators"]) > 50
    assert found["indicators"] == known["indicators"]
    assert {name: entry["used"] for name, entry in found["ledger"].items()} == {
        name: entry["used"] for name, entry in known["ledger"].items()
    }


def test_tables_are_checked_and_converted(from_tables, tmp_path):
    assert run("check", from_tables, "-o", tmp_path / "checked", "-q").exit_code in (0, 1)
    assert (tmp_path / "checked" / "findings.csv").is_file()
    whole = json.loads(run("measure", from_tables, "--json", "-q").stdout)
    assert run("convert", from_tables, "-o", tmp_path / "dataset", "-q").exit_code == 0
    parts = json.loads(run("measure", tmp_path / "dataset", "--json", "-q", "--scheduler", "threads").stdout)
    assert parts["indicators"] == whole["indicators"]


def test_a_layer_is_read_with_its_crs_key_and_types(server):
    found = layers.read(ADDRESS, "parcels", layer="land.parcels")
    assert found.crs.to_epsg() == 4549
    assert found["parcel_id"].tolist() == ["h1", "p1", "p2", "p3", "p4"]  # in the order of the key
    hand = city.parcels().set_index("parcel_id").loc[found["parcel_id"]]
    assert shapely.equals_exact(found.geometry.to_numpy(), hand.geometry.to_numpy()).all()
    assert found["yard_area_m2"].isna().tolist() == hand["yard_area_m2"].isna().tolist()
    assert found.attrs["source"] == {
        "paths": [ADDRESS], "layer": "land.parcels", "format": "PostGIS", "encoding": "UTF-8", "rows": 5,
    }  # fmt: skip
    assert "key-missing" not in codes(found)
    assert layers.read(ADDRESS, "parcels", layer="parcels")["parcel_id"].tolist() == found["parcel_id"].tolist()


def test_a_table_is_chosen_by_its_role_and_told(server):
    found = layers.read(ADDRESS, "parks")
    assert found.attrs["source"]["layer"] == "land.parks"
    assert {"layer-chosen", "key-missing"} <= set(codes(found))


def test_types_become_what_they_mean(execute):
    execute("""CREATE TABLE kinds (id int PRIMARY KEY, big bigint, exact numeric(10, 2), long numeric(20), yes bool,
               day date, moment timestamptz, words text[], one uuid, note varchar, geom geometry(Polygon, 4549))""")
    execute("""INSERT INTO kinds VALUES (2, 9007199254740993, 12.5, 12345678901234567890, true, '2024-02-29',
               '2024-02-29 08:00:00+00', '{a,b}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '甲', NULL),
               (1, 7, NULL, NULL, NULL, 'infinity', NULL, NULL, NULL, NULL, 'SRID=4549;POLYGON((0 0,1 0,1 1,0 0))')""")
    found = layers.read(ADDRESS, layer="odd.kinds")
    second = found.iloc[1]
    assert found["id"].tolist() == [1, 2]
    assert second["big"] == 9007199254740993
    assert (second["exact"], second["long"], second["yes"]) == (12.5, "12345678901234567890", True)
    assert second["day"] == pd.Timestamp("2024-02-29")
    assert (second["words"], second["note"]) == ("{a,b}", "甲")
    assert found.iloc[0][["exact", "long", "yes", "day", "moment", "words", "one", "note"]].isna().all()
    assert found.geometry.isna().tolist() == [False, True]


def test_titles_units_and_comments_are_found_as_in_a_file(execute):
    execute('CREATE TABLE "地类 ""图斑""" (f1 text, "图斑面积(亩)" float8, dlbm text, geom geometry(Polygon, 4549))')
    execute('COMMENT ON COLUMN "地类 ""图斑""".f1 IS \'图斑编号\'')
    execute("""INSERT INTO "地类 ""图斑\""" VALUES ('7', 3, '0601', ST_MakeEnvelope(0, 0, 50, 40, 4549))""")
    found = layers.read(ADDRESS, "parcels", layer='odd.地类 "图斑"')
    assert found["parcel_id"].tolist() == ["7"]
    assert found["recorded_area_m2"].tolist() == [2000.0]  # 3 mu


def test_a_query_and_a_box_limit_what_is_read(server):
    text = "SELECT parcel_id, land_use_code, geom AS shape FROM land.parcels WHERE status = '在用' -- 100 %s\n;"
    found = layers.read(ADDRESS, "parcels", query=text)
    assert sorted(found["parcel_id"]) == ["h1", "p1", "p2", "p3"]
    assert found.attrs["source"]["query"] == text
    x, y = city.X0, city.Y0
    box = [x + 450, y - 10, x + 950, y + 10]
    assert sorted(layers.read(ADDRESS, "parcels", query=text, bbox=box)["parcel_id"]) == ["p2", "p3"]
    assert sorted(layers.read(ADDRESS, "parcels", layer="land.parcels", bbox=box)["parcel_id"]) == ["p2", "p3"]


def test_columns_of_one_name_are_told_apart(server):
    frame = layers.read(ADDRESS, query="SELECT 1 AS a, 2 AS a, 'x' AS geometry, ST_Point(1, 2, 4326) AS g")
    assert frame["a"].tolist() + frame["a_2"].tolist() == [1, 2]
    assert frame.geometry.iloc[0].equals(shapely.Point(1, 2))
    assert frame["geometry_"].tolist() == ["x"]


def test_a_large_table_comes_in_pieces_and_in_order(execute):
    execute("""CREATE TABLE many AS SELECT n AS id, CASE WHEN n % 3 = 0 THEN n END AS third,
               ST_Point(n, -n, 4549) AS geom FROM generate_series(1, 45000) n""")
    frame = layers.read(ADDRESS, query="SELECT * FROM odd.many ORDER BY id DESC")
    assert frame["id"].tolist() == list(range(45000, 0, -1))
    assert np.nansum(frame["third"]) == 3 * 15000 * 15001 // 2
    assert (frame.geometry.x == frame["id"]).all()
    told = layers.info(ADDRESS, "odd.many")["layers"][0]
    assert (told["rows"], told["extent"]) == (45000, [1.0, -45000.0, 45000.0, -1.0])


def test_postgis_may_live_in_a_schema_of_its_own(server):
    with query() as connection:
        connection.execute("CREATE DATABASE elsewhere")
    import psycopg

    with psycopg.connect("dbname=elsewhere", autocommit=True) as connection:
        connection.execute("CREATE SCHEMA gis; CREATE EXTENSION postgis SCHEMA gis")
        connection.execute("CREATE TABLE plots AS SELECT 1 AS id, gis.ST_MakeEnvelope(0, 0, 9, 9, 4549) AS geom")
    found = layers.read("postgresql:///elsewhere", "parcels", bbox=[0, 0, 1, 1])
    assert (found.crs.to_epsg(), found.geometry.area.sum()) == (4549, 81.0)


def test_info_says_what_a_table_is(server):
    told = json.loads(run("info", ADDRESS, "--layer", "land.parcels", "--json").stdout)
    (layer,) = told["layers"]
    assert (layer["format"], layer["rows"], layer["crs"]["declared"]) == ("PostGIS", 5, layer["crs"]["used"])
    assert layer["role"]["guess"] == "parcels"
    assert [one["name"] for one in json.loads(run("info", ADDRESS, "--json").stdout)["layers"]] == sorted(
        f"land.{name}" for name in city.frames()
    )


def test_the_project_file_keeps_the_address(tmp_path):
    text = f'[layers.parcels]\nsource = "{ADDRESS}?host=/tmp"\nquery = "SELECT 1"\nbbox = [0, 0, 1, 1.5]\n'
    source = loads(text, tmp_path / "project.toml").sources["parcels"]
    assert source.source == (f"{ADDRESS}?host=/tmp",)
    assert (source.query, source.bbox, source.databases, source.files) == (
        "SELECT 1", [0, 0, 1, 1.5], (f"{ADDRESS}?host=/tmp",), (),
    )  # fmt: skip
    flags = {"layers.parcels.source": f"{ADDRESS}x", "layers.parcels.bbox": "[1, 2, 3, 4]"}
    flagged = loads(text, tmp_path / "project.toml", flags).sources["parcels"]
    assert (flagged.source, flagged.bbox) == ((f"{ADDRESS}x",), [1, 2, 3, 4])


@pytest.mark.parametrize("box", ["[1, 2, 3]", "[3, 0, 1, 1]", '"1,2,3,4"', "[0, 0, nan, 1]", "[0, 0, 1, true]"])
def test_a_box_is_four_numbers(tmp_path, box):
    with pytest.raises(ProjectError, match="west, south, east, north"):
        loads(f'[layers.parcels]\nsource = "{ADDRESS}"\nbbox = {box}\n', tmp_path / "project.toml")


@pytest.mark.parametrize(
    ("source", "more", "told"),
    [
        ("a.gpkg", {"query": "SELECT 1"}, "query is given"),
        ("a.gpkg", {"bbox": [0, 0, 1, 1]}, "bbox is given"),
        (ADDRESS, {"query": "SELECT 1", "layer": "t"}, "one of them"),
        (ADDRESS, {"encoding": "GBK"}, "Leave encoding out"),
    ],
)
def test_no_key_is_taken_in_vain(tmp_path, source, more, told):
    if source == "a.gpkg":
        source = tmp_path / source
        city.parcels().to_file(source)
    with pytest.raises(ProjectError, match=told):
        layers.read(source, "parcels", **more)


# ---------------------------------------------------------------- passwords


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://planner:{SECRET}@localhost/land",
        f"postgres://planner:{SECRET}@/land",
        f"postgresql://planner:{SECRET}/1@localhost/land",
        f"postgresql://localhost/land?password={SECRET}",
        f"postgresql://localhost/land?sslmode=require&pass%77ord={SECRET}",
        f"POSTGRESQL://planner%3A{SECRET}@localhost/land",
        f" postgresql://planner:{SECRET}@localhost/land",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(address, tmp_path):
    (tmp_path / "project.toml").write_text(f'[layers.parcels]\nsource = "{address}"\n', encoding="utf-8")
    calls = [
        ("info", address),
        ("check", address),
        ("measure", address),
        ("convert", address, "-o", tmp_path / "d"),
        ("check", tmp_path),
        ("report", tmp_path, "-o", tmp_path / "r"),
        ("measure", tmp_path, "--set", f"layers.parks.source={address}"),
    ]
    for call in calls:
        done = run(*call, "--lang", "en")
        assert done.exit_code == 2, call
        assert "PGPASSFILE" in done.stderr, call
        assert SECRET not in done.output
    with pytest.raises(ProjectError) as error:
        layers.read(address, "parcels")
    assert SECRET not in repr(error.value) + error.value.zh


@pytest.mark.parametrize("settings", [f"PG:dbname=land password={SECRET}", f"host=localhost Password = {SECRET}"])
def test_settings_in_place_of_an_address_are_refused_and_not_repeated(settings, tmp_path):
    (tmp_path / "project.toml").write_text(f'[layers.parcels]\nsource = "{settings}"\n', encoding="utf-8")
    for call in (("info", settings), ("check", tmp_path)):
        done = run(*call, "--lang", "en")
        assert (done.exit_code, "PGPASSFILE" in done.stderr) == (2, True)
        assert SECRET not in done.output


def test_an_address_without_a_password_will_do():
    require_address("postgresql://planner@gis.example:5432/land?sslmode=require&options=-c%20statement_timeout%3D5s")
    require_address("postgresql://[::1]:5432/land")


def test_no_output_holds_the_password(from_tables, tmp_path, monkeypatch):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "pass").write_text(f"*:*:*:*:{SECRET}file\n", encoding="utf-8")
    (secret / "pass").chmod(0o600)
    (secret / "services").write_text(f"[city]\npassword={SECRET}service\n", encoding="utf-8")
    monkeypatch.setenv("PGPASSFILE", str(secret / "pass"))
    monkeypatch.setenv("PGSERVICEFILE", str(secret / "services"))
    monkeypatch.setenv("PGSERVICE", "city")
    out = tmp_path / "out"
    done = run("report", from_tables, "-o", out, "-v", "--postgis", ADDRESS, "--postgis-schema", "parkwise_secret")
    assert done.exit_code == 0
    written = [path for path in out.rglob("*") if path.is_file()]
    assert len(written) == 8
    assert not [path.name for path in written if SECRET.encode() in path.read_bytes()]
    for packed in ("report.docx", "report.xlsx"):
        import zipfile

        with zipfile.ZipFile(out / packed) as archive:
            assert not [name for name in archive.namelist() if SECRET.encode() in archive.read(name)]
    assert SECRET not in done.output
    inputs = json.loads((out / "manifest.json").read_text("utf-8"))["inputs"]
    assert {"href": ADDRESS, "layer": "parcels", "rows": 5, "table": "land.parcels"} in inputs
    with query() as connection:
        connection.execute("DROP SCHEMA parkwise_secret CASCADE")


def test_what_the_server_says_is_searched_for_the_password(server):
    told = refused(query=f"SELECT '{SECRET}'::int")
    assert "***" in told


# ---------------------------------------------------------------- ways a server refuses


def test_a_server_that_is_down(server):
    with pytest.raises(SourceError, match=r"no server answers.*PostgreSQL runs"):
        layers.read("postgresql://localhost:1/land?connect_timeout=2", "parcels")


def test_no_such_database(server):
    with pytest.raises(SourceError, match=r"no such database.*psql -l"):
        layers.read("postgresql:///nowhere", "parcels")


def test_no_such_role(server):
    with pytest.raises(SourceError, match=r"lets nobody in.*PGUSER"):
        layers.read("postgresql://ghost@/postgres?host=" + server, "parcels")


def test_no_such_table_names_the_nearest(server):
    assert 'Did you mean "land.parcels"?' in refused("land.parcel")
    assert run("info", ADDRESS, "--layer", "land.parcel").exit_code == 3


def test_a_role_without_rights(server):
    with pytest.raises(SourceError, match="GRANT SELECT"):
        layers.read("postgresql://stranger@/postgres", "parcels", layer="land.parcels")


def test_a_table_without_srid_is_settled_by_the_doctor(execute):
    shape = city.parcels().geometry.iloc[0].wkt
    execute("CREATE TABLE bare (id int PRIMARY KEY, geom geometry)")
    execute("INSERT INTO bare SELECT 1, ST_GeomFromText(%s)", (shape,))
    found = layers.read(ADDRESS, "parcels", layer="odd.bare", reference=city.parks())
    assert found.attrs["crs"]["declared"] is None
    assert found.attrs["crs"]["how"] == "proposed"
    given = layers.read(ADDRESS, "parcels", layer="odd.bare", crs="EPSG:4549")
    assert given.crs.to_epsg() == 4549


def test_a_table_of_two_srids(execute):
    execute("CREATE TABLE two AS SELECT 1 AS id, ST_Point(1, 1, 4549) AS geom UNION ALL SELECT 2, ST_Point(1, 1, 4490)")
    told = refused("odd.two")
    assert "4490 × 1, 4549 × 1" in told
    assert "ST_Transform" in told


def test_a_table_without_key_is_numbered_and_told(execute):
    execute("CREATE TABLE loose AS SELECT ST_MakeEnvelope(n, 0, n + 1, 1, 4549) AS geom FROM generate_series(1, 3) n")
    found = layers.read(ADDRESS, "parcels", layer="odd.loose")
    assert "key-missing" in codes(found)
    assert len(found) == 3


def test_mixed_geometry_is_set_aside_with_its_reason(execute):
    execute("""CREATE TABLE mixed AS SELECT 'a' AS parcel_id, ST_MakeEnvelope(0, 0, 1, 1, 4549) AS geom
               UNION ALL SELECT 'b', ST_Point(0, 0, 4549)
               UNION ALL SELECT 'c', ST_GeomFromText('LINESTRING(0 0, 1 1)', 4549) UNION ALL SELECT 'd', NULL""")
    found = layers.read(ADDRESS, "parcels", layer="odd.mixed")
    assert found["parcel_id"].tolist() == ["a"]
    assert sum(entry["count"] for entry in found.attrs["set_aside"]) == 3


def test_a_view_without_statistics(execute):
    execute("CREATE VIEW seen AS SELECT parcel_id, geom FROM land.parcels WHERE land_use_code = '0601'")
    found = layers.read(ADDRESS, "parcels", layer="odd.seen")
    assert sorted(found["parcel_id"]) == ["p1", "p2", "p3", "p4"]
    assert layers.info(ADDRESS, "odd.seen")["layers"][0]["rows"] == 4


def test_an_empty_table(execute):
    execute("CREATE TABLE void (id int PRIMARY KEY, geom geometry(Polygon, 4549))")
    told = refused("odd.void")
    assert "odd.void" in told
    assert "0 rows" in told
    assert layers.info(ADDRESS, "odd.void")["layers"][0]["rows"] == 0


def test_curves_become_chords_and_are_told(execute):
    execute("""CREATE TABLE round AS SELECT 1 AS id,
               ST_GeomFromText('CURVEPOLYGON(CIRCULARSTRING(-1 0, 0 1, 1 0, 0 -1, -1 0))', 4549) AS geom""")
    found = layers.read(ADDRESS, "parcels", layer="odd.round")
    assert "geometry-curved" in codes(found)
    sides = 4 * 32
    assert found.geometry.area.iloc[0] == pytest.approx(sides / 2 * np.sin(2 * np.pi / sides), rel=1e-9)


def test_the_first_of_several_columns_of_shapes(execute):
    execute("""CREATE TABLE drawn AS SELECT 1 AS id, ST_MakeEnvelope(0, 0, 1, 1, 4549) AS outline,
               ST_Point(0, 0, 4549) AS centre""")
    found = layers.read(ADDRESS, "parcels", layer="odd.drawn")
    assert found.geometry.area.tolist() == [1.0]
    (told,) = [one for one in found.attrs["findings"] if one["code"] == "geometry-column-chosen"]
    assert told["column"] == "outline"


def test_a_box_needs_shapes(server):
    assert "bbox" in refused("land.enterprises", bbox=[0, 0, 1, 1])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SELECT nothing FROM land.parcels", "Mend the query"),
        ("DELETE FROM land.parcels RETURNING *", "Mend the query"),
        ("SELECT 1) AS q; DROP TABLE land.parcels; SELECT * FROM (SELECT 1", "Mend the query"),
        ("SELECT 1) AS q; COMMIT; DROP TABLE land.parcels; --", "Mend the query"),
        ("WITH gone AS (DELETE FROM land.parcels RETURNING *) SELECT * FROM gone", "Mend the query"),
        ("SELECT nextval('odd.counter')", "only read"),
    ],
)
def test_a_query_can_only_read(execute, text, told):
    execute("CREATE SEQUENCE counter")
    assert told in refused(query=text)
    with query() as connection:
        assert connection.execute("SELECT count(*) FROM land.parcels").fetchone() == (5,)


def test_a_statement_that_takes_too_long(server, monkeypatch):
    monkeypatch.setenv("PGOPTIONS", "-c statement_timeout=300ms")
    assert "PGOPTIONS" in refused(query="SELECT pg_sleep(20)::text AS a")


def test_a_connection_that_drops_in_the_middle(server):
    def kill():
        with query() as connection:
            for _ in range(100):
                rows = connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'parkwise' "
                    "AND query LIKE 'FETCH%'"
                ).fetchall()
                if rows:
                    return
                time.sleep(0.05)

    killer = threading.Thread(target=kill)
    killer.start()
    slow = "SELECT n AS id, pg_sleep(0.0005)::text AS nap, ST_Point(n, n, 4549) AS g FROM generate_series(1, 40000) n"
    told = refused(query=slow)
    killer.join()
    assert "broke off" in told
    assert "run again" in told


def test_without_the_driver_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ProjectError, match=r"parkwise\[postgis\]"):
        layers.read(ADDRESS, "parcels")


def test_the_driver_is_not_loaded_at_start(root):
    code = "import sys, layers.reading, geo.report.run; print('psycopg' in sys.modules)"
    call = [sys.executable, "-c", code]
    done = subprocess.run(call, cwd=root, capture_output=True, text=True, env=os.environ, check=False)
    assert done.stdout.strip() == "False", done.stderr
