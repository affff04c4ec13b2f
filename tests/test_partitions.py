"""A layer in parts: every row in one of them, the same files whatever the rows came in, damage told."""

from __future__ import annotations

import contextlib
import errno
import filecmp
import json
import os
import pickle
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import layers
from layers import partitioning, storage
from layers.errors import CrsError, OutputError, ProjectError, SourceError
from layers.partitioning import write_partitions
from layers.partitions import MANIFEST, hilbert_keys, is_partitioned, open_partitions
from layers.plain import jsonable, plain


def scattered(n=2_000, seed=1, *, side=10_000.0):
    """Boxes anywhere in a square, some on one spot, with columns of every kind."""
    random = np.random.default_rng(seed)
    corner = random.uniform(0, side, (n, 2)).round(1) + np.array([500_000, 3_350_000])
    corner[random.random(n) < 0.05] = corner[0]
    size = random.uniform(1, 40, (n, 2)).round(1)
    frame = gpd.GeoDataFrame(
        {
            "building_id": [f"B{i:05d}" for i in range(n)],
            "floors": pd.array(random.integers(1, 9, n), dtype="Int64"),
            "height_m": np.where(random.random(n) < 0.3, np.nan, random.uniform(3, 60, n)),
            "built": pd.Series(pd.to_datetime("2020-01-31"), index=range(n)).astype("datetime64[s]"),
            "用途": pd.Series(["厂房", None], dtype="str").take(random.integers(0, 2, n)).to_numpy(),
            "mixed": pd.Series([1, "a", None, True] * (n // 4), dtype="object").reindex(range(n)),
            "flag": pd.Series([True, None] * (n // 2), dtype="object").reindex(range(n)),
            "nothing": pd.Series([None] * n, dtype="object"),
        },
        geometry=shapely.box(*corner.T, *(corner + size).T),
        crs=4549,
    )
    frame.loc[::7, "floors"] = pd.NA
    frame.attrs = {"layer": "buildings", "rows_read": n, "set_aside": [{"reason": "x", "count": np.int64(1)}]}
    return frame


@pytest.fixture(scope="module")
def frame():
    return scattered()


@pytest.fixture(scope="module")
def made(frame, tmp_path_factory):
    return write_partitions(frame, tmp_path_factory.mktemp("made") / "buildings", rows=300)


def all_of(dataset, columns=None):
    frames = [dataset.read(number, columns) for number in range(len(dataset.parts))]
    return pd.concat(frames, ignore_index=True)


def in_id_order(frame):
    table = pd.DataFrame(frame).assign(geometry=gpd.GeoSeries(frame.geometry).to_wkb(hex=True))
    return table.sort_values("building_id", ignore_index=True)[sorted(table.columns)]


def files_of(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def same_files(one, other):
    names = files_of(one)
    return names == files_of(other) and filecmp.cmpfiles(one, other, names, shallow=False)[0] == names


# ---------------------------------------------------------------- what is there


def test_every_row_comes_back_once_and_bit_for_bit(frame, made):
    back = all_of(made)
    assert len(back) == len(frame) == made.rows == sum(part.rows for part in made.parts)
    pd.testing.assert_frame_equal(in_id_order(back), in_id_order(plain(frame)))
    assert back["flag"].dtype == "boolean"
    assert set(back["mixed"].dropna()) == {"1", "a", "True"}
    assert frame.attrs["layer"] == "buildings", "the input is untouched"
    assert frame["mixed"].dtype == "object"


def test_the_manifest_says_what_is_there(frame, made):
    assert (made.layer, made.crs, len(made.parts)) == ("buildings", frame.crs, 9)
    assert made.known == {name: int(count) for name, count in frame.notna().sum().items()}
    assert made.known["nothing"] == 0
    assert made.record == {"layer": "buildings", "rows_read": 2000, "set_aside": [{"reason": "x", "count": 1}]}
    assert max(part.rows for part in made.parts) < 500
    assert [*made.columns] == [*frame.columns]
    for number, part in enumerate(made.parts):
        assert tuple(made.read(number).total_bounds) == part.box
        assert (Path(made.location) / part.file).stat().st_size == part.size
    assert json.loads((Path(made.location) / MANIFEST).read_text(encoding="utf-8"))["schema"] == "parkwise-dataset/1"
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301


def test_what_was_found_while_reading_is_not_kept_beside_every_part(frame, tmp_path):
    told = frame.iloc[:20].copy()
    told.attrs = {**frame.attrs, "findings": [{"code": "text-damaged", "row": row} for row in range(20)]}
    one = write_partitions(told, tmp_path / "one", rows=10)
    two = write_partitions(lambda: [told.iloc[:10], told.iloc[10:]], tmp_path / "two", rows=10)
    assert dict(one.record) == dict(two.record) == json.loads(jsonable(frame.attrs))
    assert len(told.attrs["findings"]) == 20


def test_keys_of_a_part_lie_between_its_first_and_the_next(made):
    firsts = [part.first_key for part in made.parts] + [1 << 32]
    assert firsts[0] == 0
    for number in range(len(made.parts)):
        boxes = made.read(number).bounds.to_numpy()
        keys = hilbert_keys((boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2, made.bounds)
        assert ((keys >= firsts[number]) & (keys < firsts[number + 1])).all()
        assert (np.diff(keys.astype("int64")) >= 0).all()


def test_the_files_are_plain_geoparquet(made):
    path = Path(made.location) / made.parts[0].file
    meta = json.loads(pq.read_schema(path).metadata[b"geo"])
    assert meta["version"] == "1.1.0"
    assert "covering" in meta["columns"]["geometry"]
    file = pq.ParquetFile(path)
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert len(gpd.read_parquet(path)) == made.parts[0].rows
    back = layers.read(made.location, "buildings")
    assert len(back) == made.rows
    assert back.crs == made.crs
    whole = pq.read_table(made.location)  # any reader of Parquet takes the folder, and leaves the manifest
    assert whole.num_rows == made.rows


def test_large_parts_have_row_groups_that_boxes_can_skip(tmp_path):
    one = write_partitions(scattered(20_000), tmp_path / "one", rows=100_000)
    path = tmp_path / "one" / one.parts[0].file
    assert [pq.ParquetFile(path).metadata.row_group(i).num_rows for i in range(3)] == [8192, 8192, 3616]


def test_columns_can_be_chosen(made):
    some = made.read(1, ["floors", "no_such_column"])
    assert list(some.columns) == ["floors", "geometry"]
    assert made.read(1, []).columns.tolist() == ["geometry"]
    values = made.values(1, ["floors", "geometry", "no_such_column"])
    assert not isinstance(values, gpd.GeoDataFrame)
    pd.testing.assert_frame_equal(values, pd.DataFrame(some[["floors"]]))
    assert some.attrs == {"layer": "buildings"}
    assert isinstance(some, gpd.GeoDataFrame)


# ---------------------------------------------------------------- near


def meeting(frame, box):
    left, bottom, right, top = frame.geometry.bounds.to_numpy().T
    return frame[(left <= box[2]) & (right >= box[0]) & (bottom <= box[3]) & (top >= box[1])]


@given(
    x=st.floats(499_000, 511_000), y=st.floats(3_349_000, 3_361_000), width=st.floats(0, 4_000),
    height=st.floats(0, 4_000), besides=st.none() | st.integers(0, 6),
)  # fmt: skip
def test_near_is_what_brute_force_finds(made, x, y, width, height, besides):
    box = (x, y, x + width, y + height)
    others = pd.concat([made.read(number) for number in range(len(made.parts)) if number != besides])
    assert sorted(made.near(box, besides=besides)["building_id"]) == sorted(meeting(others, box)["building_id"])


@given(data=st.data(), besides=st.none() | st.integers(0, 6))
def test_near_others_is_what_meets_one_of_them_too(made, data, besides):
    box = (499_000.0, 3_349_000.0, 508_000.0, 3_358_000.0)
    corner = st.tuples(st.floats(499_000, 511_000), st.floats(3_349_000, 3_361_000))
    corners = np.array(data.draw(st.lists(corner, min_size=1, max_size=12)))
    others = np.column_stack([corners, corners + data.draw(st.floats(0, 900))])
    rest = pd.concat([made.read(number) for number in range(len(made.parts)) if number != besides])
    wanted = meeting(rest, box)
    wanted = wanted[_any_of(wanted.reset_index(drop=True), others)]
    found = made.near(box, others=others, besides=besides)
    assert sorted(found["building_id"]) == sorted(wanted["building_id"])
    assert found.dtypes.astype(str).to_dict() == dict(made.columns)


def _any_of(frame, boxes):
    rows = [frame.index.isin(meeting(frame, box).index) for box in boxes]
    return np.any(rows, axis=0)


def test_a_box_that_ends_on_an_edge_meets_it(made):
    one = made.read(3).iloc[[5]]
    left, bottom, right, top = one.total_bounds
    for box in ((right, top, right + 1, top + 1), (left - 1, bottom - 1, left, bottom)):
        assert one["building_id"].item() in made.near(box)["building_id"].tolist()


def test_a_box_that_ends_on_the_edge_of_a_part_meets_what_lies_there(frame, made):
    for part in made.parts:
        left, bottom, right, top = part.box
        for box in ((right, bottom, right, top), (left, bottom, left, top), (left, top, right, top)):
            found = made.near(box)["building_id"]
            assert sorted(found) == sorted(meeting(frame, box)["building_id"])
            assert len(found)


def test_near_nothing_is_an_empty_frame_of_the_same_kind(made):
    for nothing in (made.near((0, 0, 1, 1)), made.near((0, 0, 1, 1), columns=["floors"])):
        assert len(nothing) == 0
        assert nothing.crs == made.crs
        assert nothing.dtypes.astype(str).to_dict() == {name: made.columns[name] for name in nothing.columns}


def test_near_reads_only_parts_that_come_near(made, monkeypatch):
    opened = []
    real = pq.read_table
    monkeypatch.setattr(pq, "read_table", lambda path, **told: opened.append(path) or real(path, **told))
    x, y = made.read(0).geometry.iloc[0].centroid.coords[0]
    opened.clear()
    made.near((x, y, x, y))
    assert 1 <= len(opened) <= 3


# ---------------------------------------------------------------- the same, however it came


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 99), size=st.integers(15, 250), rows=st.sampled_from([5, 40, 5_000]))
def test_neither_the_order_of_rows_nor_the_frames_show(tmp_path_factory, seed, size, rows):
    folder = tmp_path_factory.mktemp("same")
    one = scattered(200, seed)
    mixed = one.sample(frac=1, random_state=seed).reset_index(drop=True)
    mixed.attrs = one.attrs
    chunks = [mixed.iloc[start : start + size] for start in range(0, len(mixed), size)]
    write_partitions(one, folder / "one", rows=rows)
    write_partitions(lambda: iter(chunks), folder / "other", rows=rows)
    assert same_files(folder / "one", folder / "other")


def test_rows_on_one_spot_are_told_apart_by_all_they_hold(tmp_path):
    spot = scattered(50).assign(geometry=shapely.box(0, 0, 1, 1))
    other = spot.iloc[::-1].reset_index(drop=True)
    write_partitions(spot, tmp_path / "one", rows=10, layer="buildings")
    write_partitions(other, tmp_path / "other", rows=10, layer="buildings")
    assert same_files(tmp_path / "one", tmp_path / "other")
    only = gpd.GeoDataFrame(geometry=spot.geometry.tolist(), crs=4549)
    assert len(all_of(write_partitions(only, tmp_path / "only", rows=10, layer="x"))) == 50


@given(copies=st.integers(2, 5), rows=st.integers(3, 60))
@settings(max_examples=10, deadline=None)
def test_copies_are_in_one_part(tmp_path_factory, copies, rows):
    one = scattered(60, 5)
    many = pd.concat([one] * copies, ignore_index=True).sample(frac=1, random_state=rows).reset_index(drop=True)
    dataset = write_partitions(gpd.GeoDataFrame(many), tmp_path_factory.mktemp("x") / "x", rows=rows, layer="b")
    homes = [set(dataset.read(number)["building_id"]) for number in range(len(dataset.parts))]
    assert sum(map(len, homes)) == len(set.union(*homes)) == 60


def test_finish_is_given_every_part_with_the_places_of_its_rows(tmp_path):
    one = scattered(500)
    chunks = [one.iloc[:123], one.iloc[123:]]
    seen = []

    def finish(part, places):
        seen.extend(zip(part["building_id"], places.tolist(), strict=True))
        return part[part["floors"].fillna(0) > 3].assign(place=places[part["floors"].fillna(0) > 3])

    made = write_partitions(lambda: chunks, tmp_path / "x", rows=100, finish=finish)
    assert sorted(seen) == list(zip(one["building_id"], range(500), strict=True))
    assert made.rows == int((one["floors"] > 3).sum())
    assert made.known["place"] == made.rows


def test_frames_of_different_columns_come_under_each_other(tmp_path):
    one, two = scattered(20, 1), scattered(20, 2)
    one["n"], two["only"], one["both"], two["both"] = 5, True, 7, "八"
    made = write_partitions(lambda: [one, two], tmp_path / "x", rows=10, layer="b")
    kinds = {name: made.columns[name] for name in ("n", "only", "both", "floors")}
    assert kinds == {"n": "float64", "only": "boolean", "both": "str", "floors": "Int64"}
    assert set(all_of(made)["both"]) == {"7", "八"}
    assert made.known["n"] == made.known["only"] == 20
    back = layers.read(made.location)
    assert len(back) == 40


# ---------------------------------------------------------------- cut like another


def test_another_layer_is_cut_like_the_first(made, tmp_path):
    wide = scattered(1_000, 9, side=30_000.0)  # two thirds lie outside the grid of the first
    wide["geometry"] = wide.translate(-10_000, -10_000)
    other = write_partitions(wide, tmp_path / "wide", like=made)
    assert [part.first_key for part in other.parts] == [part.first_key for part in made.parts]
    assert (other.bounds, other.rows) == (made.bounds, 1_000)
    assert sorted(all_of(other)["building_id"]) == sorted(wide["building_id"])


@given(seed=st.integers(0, 99), size=st.integers(1, 400), rows=st.integers(1, 90), clumped=st.booleans())
def test_no_part_is_larger_than_asked_nor_needlessly_small(seed, size, rows, clumped):
    rng = np.random.default_rng(seed)
    top = 1 << (20 if clumped else 32)
    keys = rng.integers(0, top, size, dtype="uint64").astype("uint32")
    cuts = partitioning._cuts(keys, rows)
    assert cuts[0] == 0
    assert (np.diff(cuts) > 0).all()
    counts = np.diff(np.searchsorted(np.sort(keys), [*cuts, 1 << 32]))
    several = [len(np.unique(keys[(keys >= low) & (keys < high)])) > 1 for low, high in pairwise([*cuts, 1 << 32])]
    assert (counts[several] <= rows).all(), "only rows of one key may be more"
    assert (counts > 0).all()
    assert (counts[:-1] + counts[1:] > rows // 2).all()


def test_a_part_is_a_stretch_of_squares(tmp_path):
    """Where rows lie evenly, parts hardly overlap: their boxes together are little larger than the whole."""
    made = write_partitions(scattered(4_096), tmp_path / "x", rows=300, layer="buildings")
    area = sum((right - left) * (top - bottom) for left, bottom, right, top in (part.box for part in made.parts))
    left, bottom, right, top = made.bounds
    assert 16 <= len(made.parts) <= 20
    assert area < 1.15 * (right - left) * (top - bottom)


def test_a_part_may_be_empty(made, tmp_path):
    few = made.read(4).iloc[:3]
    other = write_partitions(few, tmp_path / "few", like=made, layer="buildings")
    assert [part.rows for part in other.parts] == [0, 0, 0, 0, 3, 0, 0, 0, 0]
    assert np.isnan(other.parts[0].box).all()
    empty = other.read(0)
    assert (len(empty), empty.crs) == (0, made.crs)
    assert empty.dtypes.equals(other.read(4).dtypes)
    assert len(other.near(made.parts[0].box)) <= 3
    assert len(layers.read(other.location, "buildings")) == 3
    none = write_partitions(few.iloc[:0], tmp_path / "none", like=made, layer="buildings")
    assert (none.rows, len(none.near((0, 0, 1e9, 1e9)))) == (0, 0)


def test_rows_without_a_shape_are_kept(tmp_path):
    one = scattered(20)
    one.loc[[3, 4], "geometry"] = [None, shapely.Polygon()]
    made = write_partitions(one, tmp_path / "x", rows=5)
    assert all_of(made).geometry.isna().sum() == 1
    assert made.known["geometry"] == 19
    lone = write_partitions(one.iloc[[3]], tmp_path / "y", rows=5, layer="b")
    assert (lone.rows, np.isnan(lone.parts[0].box).all()) == (1, True)


@pytest.mark.parametrize("what", ["crs", "several", "like", "none", "rows"])
def test_what_cannot_be_written_says_so(tmp_path, made, what):
    one = scattered(20)
    other = one.to_crs(4326)
    call, told, kind = {
        "crs": (lambda at: write_partitions(one.set_crs(None, allow_override=True), at), "no CRS", OutputError),
        "several": (lambda at: write_partitions(lambda: [one, other], at), "Expected one CRS", CrsError),
        "like": (lambda at: write_partitions(other, at, like=made), "Expected one CRS", OutputError),
        "none": (lambda at: write_partitions(list, at), "no frame", OutputError),
        "rows": (lambda at: write_partitions(one, at, rows=0), "at least 1", OutputError),
    }[what]
    with pytest.raises(kind, match=told):
        call(tmp_path / "x")
    assert files_of(tmp_path) == []


# ---------------------------------------------------------------- all or nothing


def test_nothing_is_replaced_unasked_nor_ever_what_others_put_there(tmp_path):
    one = scattered(50)
    target = tmp_path / "deep" / "x"
    write_partitions(one, target, rows=10)
    with pytest.raises(OutputError, match="already"):
        write_partitions(one, target)
    write_partitions(one, target, rows=50, overwrite=True)
    assert files_of(target) == [MANIFEST, "part-00000.parquet"], "parts of the older one are gone"
    (target / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"notes\.txt"):
        write_partitions(one, target, overwrite=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "part-00000.parquet").write_text("mine")
    with pytest.raises(OutputError, match="not of an earlier run"):
        write_partitions(one, tmp_path / "mine", overwrite=True)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="file"):
        write_partitions(one, tmp_path / "file", overwrite=True)
    (tmp_path / "empty").mkdir()
    assert write_partitions(one, tmp_path / "empty").rows == 50
    assert files_of(tmp_path) == ["deep", "empty", "file", "mine"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError(errno.ENOSPC, "No space left on device"), ValueError("x")])
def test_whatever_stops_it_leaves_nothing_half_written(tmp_path, monkeypatch, stop):
    target = tmp_path / "x"
    write_partitions(scattered(50), target, rows=10)
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    real = partitioning._write_part

    def fail(frame, path, first_key):
        if "00003" in path.name:
            raise stop
        return real(frame, path, first_key)

    monkeypatch.setattr(partitioning, "_write_part", fail)
    told = OutputError if isinstance(stop, OSError) else type(stop) if isinstance(stop, Exception) else stop
    with pytest.raises(told) as error:
        write_partitions(lambda: [scattered(80), scattered(80)], target, rows=10, overwrite=True)
    if told is OutputError:
        assert "disk is full" in error.value.en
        assert "磁盘空间不足" in error.value.zh
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before
    assert files_of(tmp_path) == ["x"]


def test_a_folder_that_cannot_be_put_in_place_leaves_the_older_one(tmp_path, monkeypatch):
    target = tmp_path / "x"
    write_partitions(scattered(50), target, rows=10)
    before = files_of(target)
    real = Path.rename

    def refuse(self, other):
        if self.name == "new":
            raise PermissionError(13, "used by another program")
        return real(self, other)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OutputError, match="another program"):
        write_partitions(scattered(50), target, rows=50, overwrite=True)
    assert files_of(target) == before
    assert files_of(tmp_path) == ["x"]


def test_a_source_that_fails_in_the_middle_leaves_nothing(tmp_path):
    def frames():
        yield scattered(50)
        raise SourceError("cut off", "不完整")

    with pytest.raises(SourceError, match="cut off"):
        write_partitions(frames, tmp_path / "new" / "x")
    assert files_of(tmp_path) == []


def test_frames_are_held_one_at_a_time(tmp_path):
    held, most = set(), []

    class Watched(gpd.GeoDataFrame):
        @property
        def _constructor(self):
            return gpd.GeoDataFrame

        def __init__(self, *parts, **told):
            super().__init__(*parts, **told)
            held.add(id(self))

        def __del__(self):
            held.discard(id(self))

    def frames():
        for seed in range(12):
            yield Watched(scattered(100, seed).assign(building_id=str(seed)))
            most.append(len(held))

    made = write_partitions(frames, tmp_path / "x", rows=200, layer="b")
    assert made.rows == 1_200
    assert max(most) <= 2


MEASURED = """
import resource, sys
sys.path[:0] = [{root!r}, {tests!r}]
import test_partitions as here
from layers.partitioning import write_partitions
n, size = int(sys.argv[1]), 25_000
frames = lambda: (here.scattered(size, seed).drop(columns=["mixed", "flag"]) for seed in range(n // size))
write_partitions(frames, sys.argv[2], rows=25_000, layer="b")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read as Linux gives it")
def test_memory_does_not_grow_with_the_number_of_frames(root, tmp_path):
    code = MEASURED.format(root=str(root), tests=str(root / "tests"))

    def peak(rows):
        command = [sys.executable, "-c", code, str(rows), str(tmp_path / str(rows))]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return int(done.stdout) / 1024

    small, large = peak(25_000), peak(250_000)
    assert large - small < 100, f"{small:.0f} MiB for one frame, {large:.0f} MiB for ten"


# ---------------------------------------------------------------- damage


@pytest.fixture
def damaged(frame, tmp_path):
    """A dataset to be damaged."""
    return write_partitions(frame.iloc[:400], tmp_path / "ds", rows=100, layer="buildings")


def rewrite(dataset, change, number=2):
    path = Path(dataset.location) / dataset.parts[number].file
    change(gpd.read_parquet(path)).to_parquet(path, write_covering_bbox=True, schema_version="1.1.0")
    return path


def test_a_missing_part_is_told(damaged):
    for number in (1, 3):
        (Path(damaged.location) / damaged.parts[number].file).unlink()
    with pytest.raises(SourceError, match=r"2 of 6 parts are missing \(part-00001.parquet, part-00003") as error:
        open_partitions(damaged.location)
    assert "6 个分块中缺少 2 个" in error.value.zh
    with pytest.raises(SourceError, match="1 of 6 parts are missing"):
        damaged.read(1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda frame: frame.rename(columns={"floors": "storeys"}), "other columns: floors, storeys"),
        (lambda frame: frame.assign(floors="3"), "other columns: floors"),
        (lambda frame: frame.to_crs(4326), "another CRS: WGS 84"),
        (lambda frame: frame.iloc[:-1], "59 of 60 rows"),
        (lambda frame: frame.assign(height_m=1.0), "bytes, "),
    ],
)
def test_another_part_than_the_one_written_is_told(damaged, change, told):
    rewrite(damaged, change)
    with pytest.raises(SourceError, match=told) as error:
        open_partitions(damaged.location)
    assert "part 3 of 6, part-00002.parquet" in error.value.en
    assert "第 3 / 6 个分块" in error.value.zh
    assert "parkwise convert" in error.value.en


def test_a_part_cut_off_is_told(damaged):
    path = Path(damaged.location) / damaged.parts[0].file
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(SourceError, match=r"part 1 of 6, .* \(cut off or no GeoParquet, [\d,]+ / [\d,]+ bytes\)"):
        open_partitions(damaged.location)
    path.write_bytes(b"\0" * damaged.parts[0].size)  # of the right size, and nothing in it
    opened = open_partitions(damaged.location)
    with pytest.raises(SourceError, match="cut off or no GeoParquet"):
        opened.read(0)
    with pytest.raises(SourceError, match="cut off or no GeoParquet"):
        opened.near(opened.parts[0].box)


def test_what_changes_after_opening_is_told_when_it_is_read(damaged):
    rewrite(damaged, lambda frame: frame.rename(columns={"floors": "storeys"}))
    for read in (
        lambda: damaged.read(2),
        lambda: damaged.near(damaged.parts[2].box),
        lambda: damaged.values(2, ["floors"]),
    ):
        with pytest.raises(SourceError, match="other columns: floors, storeys"):
            read()
    rewrite(damaged, lambda frame: frame.rename(columns={"storeys": "floors"}).to_crs(4326))
    with pytest.raises(SourceError, match="another CRS"):
        damaged.read(2, ["floors"])


HOSTILE = {
    "climbs": lambda d: d["parts"][0].update(file="../secret.parquet"),
    "climbs on Windows": lambda d: d["parts"][0].update(file="..\\secret.parquet"),
    "absolute": lambda d: d["parts"][0].update(file="/etc/x.parquet"),
    "hidden": lambda d: d["parts"][0].update(file=".x.parquet"),
    "twice": lambda d: d["parts"][0].update(file=d["parts"][1]["file"].upper().replace("PARQUET", "parquet")),
    "name no text": lambda d: d["parts"][0].update(file=7),
    "rows below 0": lambda d: d["parts"][0].update(rows=-1),
    "rows no number": lambda d: d["parts"][0].update(rows=True),
    "rows too many": lambda d: d["parts"][0].update(rows=1 << 80),
    "rows do not add up": lambda d: d.update(rows=399),
    "keys fall": lambda d: d["parts"][2].update(first_key=1),
    "keys begin late": lambda d: d["parts"][0].update(first_key=1),
    "keys too large": lambda d: d["parts"][3].update(first_key=1 << 32),
    "box turned": lambda d: d["parts"][0].update(box=[1, 0, 0, 1]),
    "box no box": lambda d: d["parts"][0].update(box="no"),
    "no digest": lambda d: d["parts"][0].update(sha256="x"),
    "bounds": lambda d: d.update(bounds=[0, 0, 1]),
    "no parts": lambda d: d.update(parts=[]),
    "parts no list": lambda d: d.update(parts=5),
    "crs": lambda d: d.update(crs={"type": "nonsense"}),
    "crs no object": lambda d: d.update(crs="EPSG:4549"),
    "no geometry": lambda d: d["columns"].pop("geometry"),
    "known too many": lambda d: d["columns"]["floors"].update(known=401),
    "columns no object": lambda d: d.update(columns=[1]),
    "record no object": lambda d: d.update(record=3),
    "lacks a key": lambda d: d.pop("bounds"),
    "layer no text": lambda d: d.update(layer=None),
    "of another version": lambda d: d.update(schema="parkwise-dataset/9"),
    "schema a list": lambda d: d.update(schema=["x"] * 1000),
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_manifest_is_not_trusted(damaged, change):
    path = Path(damaged.location) / MANIFEST
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(SourceError, match=r"_parkwise\.json is damaged or was changed") as error:
        open_partitions(damaged.location)
    assert len(error.value.en) < 900


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b'{"schema": NaN}', b"null"],
    ids=["empty", "cut", "list", "no utf-8", "deep", "nan", "null"],
)
def test_a_manifest_that_is_no_json_is_told(damaged, content):
    (Path(damaged.location) / MANIFEST).write_bytes(content)
    with pytest.raises(SourceError, match="is damaged or was changed"):
        open_partitions(damaged.location)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_value_anywhere_in_a_manifest_is_read_or_refused(made, tmp_path_factory, data):
    document = json.loads((Path(made.location) / MANIFEST).read_text(encoding="utf-8"))
    place = document
    while isinstance(place, (dict, list)) and place:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(list(keys)))
        if not isinstance(place[key], (dict, list)) or data.draw(st.booleans()):
            break
        place = place[key]
    any_json = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=5)
    if isinstance(place, (dict, list)) and place:
        place[key] = data.draw(any_json)
    folder = tmp_path_factory.mktemp("any")
    (folder / MANIFEST).write_text(json.dumps(document), encoding="utf-8")
    for part in made.parts:
        os.link(Path(made.location) / part.file, folder / part.file)
    with contextlib.suppress(SourceError):
        open_partitions(folder)


def test_a_document_without_bounds_is_not_read(damaged, monkeypatch):
    monkeypatch.setattr(storage, "_LARGEST", 1_000)
    with pytest.raises(SourceError, match="bytes"):
        open_partitions(damaged.location)


def test_what_is_no_dataset_is_told(tmp_path):
    assert not is_partitioned(tmp_path)
    assert not is_partitioned(tmp_path / "nowhere")
    with pytest.raises(SourceError, match=r"there is no _parkwise\.json"):
        open_partitions(tmp_path)


# ---------------------------------------------------------------- elsewhere than in a folder


@pytest.fixture
def in_memory(made):
    """A copy of the dataset in a file system that is no folder of this machine."""
    fsspec = pytest.importorskip("fsspec")
    there = fsspec.filesystem("memory")
    there.put(made.location, "/city/buildings", recursive=True)
    yield "memory://city/buildings"
    there.rm("/city", recursive=True)


def test_a_url_is_read_like_a_folder(made, in_memory):
    there = open_partitions(in_memory)
    assert is_partitioned(in_memory)
    assert there.parts == made.parts
    pd.testing.assert_frame_equal(there.read(2), made.read(2))
    box = made.parts[3].box
    pd.testing.assert_frame_equal(there.near(box, besides=3), made.near(box, besides=3))
    assert open_partitions(f"file://{made.location}").parts == made.parts


def test_damage_behind_a_url_is_told(made, in_memory):
    import fsspec

    there = fsspec.filesystem("memory")
    opened = open_partitions(in_memory)
    there.pipe(f"/city/buildings/{made.parts[1].file}", b"PAR1")
    with pytest.raises(SourceError, match=r"memory://city/buildings: part 2 of 9.*cut off"):
        open_partitions(in_memory)
    with pytest.raises(SourceError, match="cut off"):
        opened.read(1)
    there.rm(f"/city/buildings/{made.parts[1].file}")
    with pytest.raises(SourceError, match="1 of 9 parts are missing"):
        open_partitions(in_memory)
    with pytest.raises(SourceError, match="parts are missing"):
        opened.read(1)


def test_a_url_that_cannot_be_opened_says_what_is_lacking(monkeypatch):
    pytest.importorskip("fsspec")
    with pytest.raises(SourceError, match="nosuch"):
        open_partitions("nosuch://x/y")
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(ProjectError, match=r"Install parkwise\[large\]") as error:
        open_partitions("s3://bucket/city")
    assert "parkwise[large]" in error.value.zh
    with pytest.raises(OutputError, match="written to this machine"):
        write_partitions(scattered(10), "s3://bucket/x")


def test_folders_need_no_fsspec(made):
    code = f"import sys, layers; layers.open_partitions({made.location!r}).read(0); print('fsspec' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# ---------------------------------------------------------------- write(partition=)


def test_write_makes_a_dataset_of_a_frame(frame, tmp_path):
    path = layers.write(frame, tmp_path / "建筑", partition=500)
    assert path == tmp_path / "建筑"
    assert len(layers.open_partitions(path).parts) == 5
    assert len(layers.read(path, "buildings")) == len(frame)
    with pytest.raises(OutputError, match="already"):
        layers.write(frame, path, partition=500)
    layers.write(frame, path, partition=1_000, overwrite=True)
    assert len(layers.open_partitions(path).parts) == 3
    with pytest.raises(OutputError, match=r"Leave out \"\.parquet\""):
        layers.write(frame, tmp_path / "x.parquet", partition=5)
    with pytest.raises(OutputError, match="no geometry"):
        layers.write(pd.DataFrame({"a": [1]}), tmp_path / "x", partition=5)


# ---------------------------------------------------------------- plain


def test_plain_refuses_two_columns_of_one_name_and_frees_the_name_of_the_boxes():
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(OutputError, match="stand twice"):
        plain(twice)
    one = plain(pd.DataFrame({"bbox": [[1, 2]], "kind": pd.Categorical(["x"]), 3: [1.5]}))
    assert one.to_dict("list") == {"bbox_source": ["[1, 2]"], "kind": ["x"], "3": [1.5]}


def test_documents_are_plain_json():
    told = {"a": np.float64("nan"), "b": [pd.NA, pd.NaT, np.bool_(True)], "c": pd.Timestamp("2020-01-01"), 1: {1}}
    assert json.loads(jsonable(told)) == {"a": None, "b": [None, None, True], "c": "2020-01-01 00:00:00", "1": [1]}


def test_arrow_reads_the_column_kinds_that_pandas_wrote(made):
    kinds = {name: pq.read_schema(Path(made.location) / made.parts[0].file).field(name).type for name in made.columns}
    assert pa.types.is_integer(kinds["floors"])
    assert pa.types.is_boolean(kinds["flag"])
    assert pa.types.is_timestamp(kinds["built"])
