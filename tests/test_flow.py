"""A layer that comes file by file, or in pieces, gives what it gives when it is read whole."""

from __future__ import annotations

import json
import shutil

import geopandas as gpd
import hand_city
import numpy as np
import pandas as pd
import pytest
import shapely
from test_converting import FLAT, all_of, require_same, require_same_rows

import layers
import layers.example
from layers import flow, numbering, vector
from layers.converting import convert
from layers.errors import BlockedError
from layers.intake import gather, inspect
from layers.propose import open_project
from layers.store import open_store


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("city")
    layers.example.write(folder / "data", layers.example.make(1_000))
    return folder / "data"


@pytest.fixture(scope="module")
def split_city(city, tmp_path_factory):
    """The example city in several files, some rows without id or area, one twice, one file in another CRS."""
    folder = tmp_path_factory.mktemp("split") / "data"
    shutil.copytree(city, folder)
    parcels = gpd.read_file(folder / "地类图斑.shp")
    for path in folder.glob("地类图斑.*"):
        path.unlink()
    parcels.loc[::50, "TBBH"] = None
    parcels.loc[::90, "TBMJ"] = None
    for number in range(3):
        part = parcels.iloc[number::3]
        if number == 0:  # a row that stands twice, and a column less
            part = pd.concat([part, part.iloc[[5]]]).drop(columns="BSM")
        (part.to_crs(4527) if number == 1 else part).to_file(folder / f"地类图斑{number}.gpkg")
    buildings = gpd.read_parquet(folder / "建筑物.parquet")
    (folder / "建筑物.parquet").unlink()
    buildings.iloc[:900].to_parquet(folder / "建筑物甲.parquet")
    buildings.iloc[900:].to_file(folder / "建筑物乙.gpkg")
    text = (folder / "project.toml").read_text(encoding="utf-8")
    several = [f"地类图斑{number}.gpkg" for number in range(3)]
    text = text.replace('"地类图斑.shp"', json.dumps(several, ensure_ascii=False))
    text = text.replace('"建筑物.parquet"', '["建筑物甲.parquet", "建筑物乙.gpkg"]')
    (folder / "project.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(("area", "crs"), [("tdt1055", {}), ("recorded", {"project.crs": "EPSG:4549"})])
def test_files_one_after_the_other_give_what_they_give_together(split_city, tmp_path, area, crs):
    project = open_project(split_city, {"project.area": area, **crs})
    store = open_store(convert(project, tmp_path / "made", rows=150))
    whole = gather(project)
    require_same(store, whole)
    assert {"source-columns-differ", "geometry-mended", "row-duplicate"} <= set(store.findings["code"])
    assert ("recorded-area-missing" in set(store.findings["code"])) == (area == "recorded")
    assert all_of(store.parted["parcels"])["source_file"].nunique() == 3
    assert store.parted["parcels"].record["set_aside"] == whole.frames["parcels"].attrs["set_aside"]
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


@pytest.fixture
def in_pieces(monkeypatch):
    monkeypatch.setattr(vector, "_WHOLE", 500)
    monkeypatch.setattr(vector, "_PIECE", 300)


def test_a_large_file_in_pieces_gives_what_it_gives_whole(city, tmp_path, in_pieces, monkeypatch):
    folder = tmp_path / "data"
    shutil.copytree(city, folder)
    buildings = gpd.read_parquet(folder / "建筑物.parquet")
    twice = pd.concat([buildings, buildings.iloc[:40]], ignore_index=True)  # copies, a long way behind
    gpd.GeoDataFrame(twice).to_parquet(folder / "建筑物.parquet", row_group_size=100, write_covering_bbox=True)
    taken = []
    real = flow.Flow.take
    monkeypatch.setattr(flow.Flow, "take", lambda self, frame, n: taken.append((len(frame), n)) or real(self, frame, n))
    project = open_project(folder)
    store = open_store(convert(project, tmp_path / "made", rows=150))
    pieces = -(-len(twice) // 300)
    assert taken[1:] == [(300, pieces)] * (pieces - 1) + [(len(twice) - 300 * (pieces - 1), pieces)]
    whole = gather(project)
    require_same_rows(store.parted["buildings"], whole.frames["buildings"])
    aside = {one["reason"]: one["count"] for one in store.ledger["buildings"]["set_aside"]}
    assert aside == {one["reason"]: one["count"] for one in whole.ledger["buildings"]["set_aside"]}
    assert aside["row-duplicate"] >= 40
    assert store.ledger["buildings"]["area_used_m2"] == whole.ledger["buildings"]["area_used_m2"]
    counts = [one["code"].value_counts().to_dict() for one in (store.findings, inspect(whole, thorough=False))]
    assert counts[1]["height-uncertain"] > 0
    assert counts[0] == counts[1]


def test_what_the_first_piece_says_of_a_column_holds_for_all(tmp_path, in_pieces):
    """Areas in 亩, which only the first piece shows: those of the others fit no unit."""
    n = 900
    side, strange = 50.0, np.where(np.arange(n) < 300, 1.0, 9.0)
    x = hand_city.X0 + 60.0 * (np.arange(n) % 30)
    y = hand_city.Y0 + 60.0 * (np.arange(n) // 30)
    frame = gpd.GeoDataFrame(
        {"图斑编号": [f"P{i}" for i in range(n)], "地类编码": "0601", "面积": strange * side * side / (2000 / 3)},
        geometry=shapely.box(x, y, x + side, y + side),
        crs=hand_city.CRS,
    )
    frame.to_parquet(tmp_path / "parcels.parquet", row_group_size=100)
    got = []
    whole = layers.read(tmp_path / "parcels.parquet", "parcels", each=lambda one, total: got.append(one) or one)
    assert [len(one) for one in got] == [300, 300, 300]
    assert {one.attrs["columns"]["recorded_area_m2"]["unit"] for one in got} == {"mu"}
    assert np.allclose(whole["recorded_area_m2"], strange * side * side)
    assert whole.attrs["source"]["paths"] == [str(tmp_path / "parcels.parquet")]
    assert whole.attrs["rows_read"] == n


def test_what_stands_for_a_frame_reaches_as_far(tmp_path):
    frame = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*np.random.default_rng(3).uniform(0, 9, (2, 5_000))), crs=4549)
    frame.loc[7, "geometry"] = None
    frame.attrs = {"findings": [{"code": "id-missing"}]}
    few = flow.Flow("parcels", tmp_path).take(frame, 200)
    assert few.attrs["findings"] is frame.attrs["findings"], "not a copy: there may be a million"
    assert few.crs == frame.crs
    assert len(few) < 200
    assert few.total_bounds.tolist() == frame.total_bounds.tolist()


def test_layers_that_lie_apart_are_told_only_when_all_of_them_do(tmp_path, monkeypatch):
    monkeypatch.setattr(flow, "_STAND_IN", 1)
    far = hand_city.layer(
        [(50_000 + 10 * i, 0, 50_005 + 10 * i, 5) for i in range(100)], parcel_id=[f"f{i}" for i in range(100)]
    )
    near = hand_city.layer([(10, 10, 20, 20)], parcel_id=["n"])
    left = hand_city.layer([(-90_000, 0, -89_990, 5)], parcel_id=["l"])
    mixed = gpd.GeoDataFrame(pd.concat([left, far.iloc[:70], near, far.iloc[70:]], ignore_index=True))

    def files(name, rest):
        folder = hand_city.write(tmp_path / name, parcels=None, districts=None, buildings=None, holdings=None)
        far.to_parquet(folder / "a.parquet")
        rest.to_parquet(folder / "b.parquet")
        text = (folder / "project.toml").read_text(encoding="utf-8")
        (folder / "project.toml").write_text(text + '[layers.parcels]\nsource = ["a.parquet", "b.parquet"]\n')
        return open_project(folder)

    monkeypatch.setattr(flow, "_few", lambda frame, count: np.array([0, len(frame) - 1]))
    store = open_store(convert(files("touching", mixed), tmp_path / "made", rows=40))
    assert "layers-apart" not in set(store.findings["code"])
    with pytest.raises(BlockedError, match="layers-apart"):
        convert(files("apart", left), tmp_path / "never")
    assert not (tmp_path / "never").exists()


def test_no_parcel_that_can_be_measured_blocks(tmp_path):
    flat = hand_city.parcels().assign(geometry=FLAT)
    folder = hand_city.write(tmp_path / "data", parcels=flat)
    with pytest.raises(BlockedError, match="layer-empty"):
        convert(open_project(folder), tmp_path / "made")
    flat.to_parquet(folder / "more.parquet")
    several = open_project(folder, {"layers.parcels.source": '["parcels.parquet", "more.parquet"]'})
    with pytest.raises(BlockedError, match="layer-empty"):
        convert(several, tmp_path / "made")
    hand_city.parcels().to_parquet(folder / "more.parquet")
    store = open_store(convert(several, tmp_path / "made"))
    require_same(store, gather(several))
    assert (store.parted["parcels"].rows, store.ledger["parcels"]["read"]) == (5, 10)


def test_what_stands_for_a_layer_may_be_what_is_set_aside(tmp_path, monkeypatch):
    monkeypatch.setattr(flow, "_few", lambda frame, count: np.array([0]))
    parcels = hand_city.parcels()
    parcels.loc[0, "geometry"] = FLAT
    folder = hand_city.write(tmp_path / "data", parcels=parcels)
    parcels.to_parquet(folder / "more.parquet")
    several = open_project(folder, {"layers.parcels.source": '["parcels.parquet", "more.parquet"]'})
    require_same(open_store(convert(several, tmp_path / "made")), gather(several))


@pytest.mark.parametrize("rows", [1, 2, 3, 9])
@pytest.mark.parametrize("alike", [False, True])
def test_parcels_of_one_id_are_counted_over_files_and_parts(tmp_path, monkeypatch, rows, alike):
    """By top, right, bottom, left; the two halves of one square by their row in the source.

    An id at a time, and though all ids look alike in the short form they are searched by.
    """
    monkeypatch.setattr(numbering, "_AT_ONCE", 1)
    if alike:
        monkeypatch.setattr(numbering, "_prints", lambda ids: np.zeros(len(ids), dtype="uint32"))
    x, y = hand_city.X0, hand_city.Y0
    upper, lower = ([(x, y), (x + 10, y + 10), corner] for corner in ((x, y + 10), (x + 10, y)))
    one = hand_city.layer([(900, 40, 950, 90), (0, 40, 9, 90), (500, 0, 510, 10)], parcel_id=["a", "a", "b"])
    two = hand_city.layer([(0, 0, 1, 1)] * 4, parcel_id=["a", "a", "a", "b"])
    others = [shapely.box(x + left, y, x + left + 10, y + 9) for left in (300, 700)]
    two = two.set_geometry([shapely.Polygon(upper), shapely.Polygon(lower), *others])
    folder = hand_city.write(tmp_path / "data", parcels=None, districts=None, buildings=None, holdings=None)
    for name, frame in (("one", one), ("two", two)):
        frame.assign(land_use_code="0601", row=range(len(frame)), file=name).to_parquet(folder / f"{name}.parquet")
    text = (folder / "project.toml").read_text(encoding="utf-8")
    text += '[layers.parcels]\nsource = ["one.parquet", "two.parquet"]\n'
    (folder / "project.toml").write_text(text, encoding="utf-8")
    project = open_project(folder)
    store = open_store(convert(project, tmp_path / "made", rows=rows))
    require_same(store, gather(project))
    got = all_of(store.parted["parcels"]).set_index(["file", "row"])["nth_of_parcel_id"].to_dict()
    assert got == {
        ("two", 2): 0,
        ("two", 0): 1,
        ("two", 1): 2,
        ("one", 1): 3,
        ("one", 0): 4,
        ("two", 3): 0,
        ("one", 2): 1,
    }
    again = open_store(convert(open_project(tmp_path / "made"), tmp_path / "again", rows=9))
    assert all_of(again.parted["parcels"]).set_index(["file", "row"])["nth_of_parcel_id"].to_dict() == got


def test_the_system_of_land_use_is_told_by_all_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(flow, "_few", lambda frame, count: np.array([0]))
    parcels = hand_city.parcels()
    parcels["land_use_name"] = ["农村道路", "工业用地", "工业用地", "工业用地", "城镇住宅用地"]
    folder = hand_city.write(tmp_path / "data", parcels=parcels)
    parcels.to_parquet(folder / "more.parquet")
    several = open_project(folder, {"layers.parcels.source": '["parcels.parquet", "more.parquet"]'})
    store = open_store(convert(several, tmp_path / "made"))
    require_same(store, gather(several))
    assert store.project.settings["land_use.system"].why.startswith("80% of 10 rows have the name")
