"""A converted project gives back what figures are made of: every row, every setting, every finding."""

from __future__ import annotations

import errno
import hashlib
import json

import geopandas as gpd
import hand_city
import numpy as np
import pandas as pd
import pytest
import shapely

import layers
import layers.example
from layers import converting
from layers.converting import convert
from layers.errors import BlockedError, OutputError
from layers.intake import gather, inspect
from layers.propose import open_project
from layers.store import INTAKE, PARTED, open_store

IDS = {"parcels": "parcel_id", "buildings": "building_id"}


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("city")
    layers.example.write(folder / "data", layers.example.make(1_000))
    return folder / "data"


@pytest.fixture(scope="module")
def intake(city):
    return gather(open_project(city))


@pytest.fixture(scope="module")
def made(city, tmp_path_factory):
    return convert(open_project(city), tmp_path_factory.mktemp("made") / "dataset", rows=150)


@pytest.fixture(scope="module")
def store(made):
    return open_store(made)


FLAT = shapely.Polygon([(hand_city.X0 + i, hand_city.Y0 + i) for i in (0, 1, 2, 0)])


def all_of(parts):
    return pd.concat([parts.read(number) for number in range(len(parts.parts))], ignore_index=True)


def comparable(frame, key):
    """Rows in an order that is theirs; shapes as bits; days as days whatever their resolution."""
    table = pd.DataFrame(frame).assign(geometry=gpd.GeoSeries(frame.geometry).to_wkb(hex=True))
    table = table[sorted(table.columns)]
    for name in table.columns:
        if pd.api.types.is_datetime64_any_dtype(table[name]):
            table[name] = table[name].astype("datetime64[s]")
    words = [*map(str, table.astype("str").fillna("").itertuples(index=False))]
    order = np.lexsort((words, table["geometry"].tolist(), table[key].astype(str).tolist()))
    return table.iloc[order].reset_index(drop=True)


def counted(frame):
    """For each parcel how many of its id come before it: by top, right, bottom, left, then by row."""
    box = frame.bounds[["maxy", "maxx", "miny", "minx"]].to_numpy().tolist()
    before, nth = {}, [0] * len(frame)
    for row in sorted(range(len(frame)), key=lambda row: (box[row], row)):
        name = frame["parcel_id"].iloc[row]
        nth[row] = before[name] = before.get(name, -1) + 1
    return np.array(nth, dtype="int32")


def require_same_rows(parts, frame):
    key = IDS[parts.layer]
    if key not in frame:
        frame = frame.assign(**{key: None})
    if parts.layer == "parcels":  # as geo.land names them
        named = [f"#{row + 1}" if pd.isna(name) else name for row, name in enumerate(frame[key])]
        frame = frame.assign(parcel_id=pd.Series(named, index=frame.index, dtype="str"))
        frame = frame.assign(nth_of_parcel_id=counted(frame))
    pd.testing.assert_frame_equal(comparable(all_of(parts), key), comparable(frame, key))


def require_same(store, intake):
    """Everything a dataset holds equals what the project gives when it is read whole."""
    assert store.crs == intake.crs
    assert store.ledger == intake.ledger
    pd.testing.assert_frame_equal(store.findings, inspect(intake, thorough=False).astype("object"))
    assert set(store.frames) | set(store.parted) == set(intake.frames)
    for name, parts in store.parted.items():
        require_same_rows(parts, intake.frames[name])
    assert dict(store.project.settings) == dict(intake.project.settings)


# ---------------------------------------------------------------- the example city


def test_rows_settings_ledger_and_findings_are_those_of_the_project(store, intake):
    require_same(store, intake)
    assert [len(store.parted[name].parts) for name in PARTED] == [11, 11]
    assert "geometry-mended" in set(store.findings["code"])
    assert store.parted["buildings"].known["height_from_raster"] == store.parted["buildings"].rows


def test_small_layers_are_whole_with_their_record(store, intake):
    for name, frame in store.frames.items():
        wanted = intake.frames[name]
        assert type(frame) is type(wanted)
        assert json.dumps(frame.attrs["set_aside"]) == json.dumps(wanted.attrs["set_aside"])
        assert frame.attrs["columns"] == wanted.attrs["columns"]
        days = [column for column in wanted if pd.api.types.is_datetime64_any_dtype(wanted[column])]
        pd.testing.assert_frame_equal(
            pd.DataFrame(frame).astype(dict.fromkeys(days, "datetime64[s]")),
            pd.DataFrame(wanted).astype(dict.fromkeys(days, "datetime64[s]")),
        )
        assert getattr(frame, "crs", None) == getattr(wanted, "crs", None)


def test_findings_are_in_their_own_file_alone(made, store, intake):
    assert any(frame.attrs["findings"] for frame in intake.frames.values()), "made while reading"
    document = json.loads((made / INTAKE).read_text(encoding="utf-8"))
    assert document["findings"] == {
        "file": "findings.parquet",
        "rows": len(store.findings),
        "bytes": (made / "findings.parquet").stat().st_size,
        "sha256": hashlib.sha256((made / "findings.parquet").read_bytes()).hexdigest(),
    }
    records = [store.parted[name].record for name in PARTED] + [frame.attrs for frame in store.frames.values()]
    assert not any("findings" in record for record in records)
    as_others_read_it = pd.read_parquet(made / "findings.parquet")
    assert as_others_read_it["code"].tolist() == store.findings["code"].tolist()
    assert [json.loads(one) for one in as_others_read_it["params"]] == store.findings["params"].tolist()


def test_buildings_are_at_home_where_their_centre_falls(store):
    parcels, buildings = (store.parted[name] for name in PARTED)
    assert [part.first_key for part in parcels.parts] == [part.first_key for part in buildings.parts]
    assert parcels.bounds == buildings.bounds
    assert parcels.record["measurable"] is True
    assert parcels.read(0, ["status"]).attrs == {"layer": "parcels", "measurable": True}


def test_the_folder_is_a_project_like_any_other(made, store, intake):
    plain = gather(open_project(made))
    assert plain.crs == intake.crs
    for name, frame in intake.frames.items():
        assert len(plain.frames[name]) == len(frame)
    assert plain.project["project.as_of"] == intake.project["project.as_of"]
    areas = [round(float(one.frames["parcels"].geometry.area.sum()), 2) for one in (plain, intake)]
    assert areas[0] == areas[1]


# ---------------------------------------------------------------- the hand city


def test_the_hand_city(tmp_path):
    folder = hand_city.write(tmp_path / "data")
    store = open_store(convert(open_project(folder), tmp_path / "made", rows=2))
    require_same(store, gather(open_project(folder)))
    assert sorted(all_of(store.parted["parcels"])["parcel_id"]) == ["h1", "p1", "p2", "p3", "p4"]
    assert store.ledger["parcels"]["area_used_m2"] == 70_000.0
    holdings = store.frames["holdings"]
    assert not isinstance(holdings, gpd.GeoDataFrame)
    assert holdings["land_area_m2"].tolist() == [10_000.0, 10_000.0, 20_000.0, 5_000.0]


def test_parcels_without_an_id_are_called_after_their_row(tmp_path):
    parcels = hand_city.parcels()
    folder = hand_city.write(tmp_path / "data", parcels=parcels.assign(parcel_id=["p1", None, None, "p4", None]))
    store = open_store(convert(open_project(folder), tmp_path / "made", rows=1))
    got = all_of(store.parted["parcels"])
    corner = {name: shape.bounds[0] - hand_city.X0 for name, shape in zip(got["parcel_id"], got.geometry, strict=True)}
    assert corner == {"p1": 0, "#2": 500, "#3": 900, "p4": 3000, "#5": 200}
    none = hand_city.write(tmp_path / "none", parcels=parcels.drop(columns="parcel_id"), holdings=None)
    got = all_of(open_store(convert(open_project(none), tmp_path / "of_none")).parted["parcels"])
    assert sorted(got["parcel_id"]) == ["#1", "#2", "#3", "#4", "#5"]


@pytest.mark.parametrize("gone", ["buildings", "parcels", "parks", "all but firms"])
def test_a_project_may_lack_layers(tmp_path, gone):
    lacking = (
        {gone: None} if gone in hand_city.frames() else dict.fromkeys(["parks", "parcels", "buildings", "districts"])
    )
    folder = hand_city.write(tmp_path / "data", **lacking)
    store = open_store(convert(open_project(folder), tmp_path / "made"))
    require_same(store, gather(open_project(folder)))
    assert not set(lacking) & (set(store.frames) | set(store.parted))


def test_all_buildings_may_be_set_aside(tmp_path):
    flat = hand_city.buildings().assign(geometry=FLAT)
    folder = hand_city.write(tmp_path / "data", buildings=flat)
    store = open_store(convert(open_project(folder), tmp_path / "made", rows=2))
    require_same(store, gather(open_project(folder)))
    assert store.parted["buildings"].rows == 0
    assert store.ledger["buildings"]["set_aside"][0]["count"] == 4


def test_points_without_a_place_are_kept(tmp_path):
    firms = hand_city.enterprises()
    shapes = [hand_city.box(1, 1, 2, 2).centroid, None, shapely.Point(), *[hand_city.box(5, 5, 6, 6).centroid] * 2]
    placed = gpd.GeoDataFrame(firms, geometry=shapes, crs=hand_city.CRS)
    folder = hand_city.write(tmp_path / "data", enterprises=placed)
    store = open_store(convert(open_project(folder), tmp_path / "made"))
    frame = store.frames["enterprises"]
    assert (len(frame), int(frame.geometry.isna().sum())) == (5, 1)


# ---------------------------------------------------------------- what stops it


def test_findings_that_block_stop_it_as_they_stop_measure(tmp_path):
    folder = hand_city.write(tmp_path / "data")
    with pytest.raises(BlockedError, match="parks-overlap"):
        convert(open_project(folder, {"project.overlap": "error"}), tmp_path / "made")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_an_older_dataset_goes_only_when_asked_and_nothing_of_others_ever(tmp_path):
    project = open_project(hand_city.write(tmp_path / "data"))
    made = convert(project, tmp_path / "made", rows=1)
    before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}
    with pytest.raises(OutputError, match="already"):
        convert(project, made)
    convert(project, made, rows=1, overwrite=True)
    assert {path: path.read_bytes() for path in made.rglob("*") if path.is_file()} == before, "the same again"
    (made / "buildings" / "mine.txt").write_text("x")
    with pytest.raises(OutputError, match=r"buildings/mine\.txt"):
        convert(project, made, overwrite=True)
    with pytest.raises(OutputError, match="not of an earlier run"):
        convert(project, tmp_path / "data", overwrite=True)
    assert (tmp_path / "data" / "parcels.parquet").is_file()


@pytest.fixture(scope="module")
def hand_made(tmp_path_factory):
    """The hand city, converted once: its project and its dataset."""
    folder = tmp_path_factory.mktemp("hand")
    project = open_project(hand_city.write(folder / "data"))
    return project, convert(project, folder / "made", rows=2)


@pytest.mark.parametrize(
    ("at", "stop"),
    [
        ("write_partitions", KeyboardInterrupt),
        ("write", OSError(errno.ENOSPC, "full")),
        ("write_findings", KeyboardInterrupt),
        ("jsonable", KeyboardInterrupt),
    ],
)
def test_whatever_stops_it_leaves_the_older_one(hand_made, monkeypatch, at, stop):
    project, made = hand_made
    before = {path: path.read_bytes() for path in made.rglob("*") if path.is_file()}

    def fail(*_, **__):
        raise stop

    monkeypatch.setattr(converting, at, fail)
    with pytest.raises(OutputError if isinstance(stop, OSError) else KeyboardInterrupt):
        convert(project, made, overwrite=True)
    assert {path: path.read_bytes() for path in made.rglob("*") if path.is_file()} == before
    assert sorted(path.name for path in made.parent.iterdir()) == ["data", "made"]


def test_progress_runs_from_nought_to_one(tmp_path):
    told = []
    convert(
        open_project(hand_city.write(tmp_path / "data")),
        tmp_path / "made",
        rows=2,
        progress=lambda *one: told.append(one),
    )
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
