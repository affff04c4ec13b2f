"""A layer larger than memory (分块数据集): GeoParquet files, each a part of the land, and a manifest.

The rows lie along a Hilbert curve over a fixed grid: each row is in exactly one part, the one in whose range
of keys the centre of its box falls, so rows beside each other on the ground are mostly in one part. Any other
program reads the folder as plain GeoParquet with bbox covering. `Partitions` reads it by part and by box and
never needs all of it; coordinates are those of its CRS. The manifest is not trusted: names, numbers and files
are held against each other before a row is read. How a dataset is written, `layers.partitioning` knows.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyproj
import shapely

from layers.boxes import Boxes, meeting
from layers.errors import SourceError, first
from layers.storage import Storage, let_go, open_storage

__all__ = ["MANIFEST", "SCHEMA", "Part", "Partitions", "hilbert_keys", "is_partitioned", "open_partitions"]

Box = tuple[float, float, float, float]
Keys = npt.NDArray[np.uint32]

SCHEMA = "parkwise-dataset/1"
MANIFEST = "_parkwise.json"
#: Keys of the curve: 16 bits along each side of the grid.
KEYS = 1 << 32
#: So many points are made at once: a point is larger than its key.
_AT_ONCE = 1 << 16
#: The column of bounding boxes that geopandas writes beside the shapes, and its fields.
_COVERING = "bbox"
_SIDES = ("xmin", "ymin", "xmax", "ymax")
#: What reading a file may come to that is not what was written.
_DAMAGE = (
    OSError, ValueError, KeyError, TypeError,
    pa.ArrowException, shapely.errors.ShapelyError, pyproj.exceptions.CRSError,
)  # fmt: skip
_NOWHERE: Box = (math.nan, math.nan, math.nan, math.nan)
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.parquet", re.ASCII)


@dataclass(frozen=True)
class Part:
    """One file of a dataset.

    Attributes
    ----------
    file : str
        Its plain name.
    rows, size : int
        Of the file; size in bytes.
    digest : str
        SHA-256 of the file.
    box : tuple
        Of its shapes, in the CRS of the dataset; NaN where it has none.
    first_key : int
        The Hilbert keys of its rows are not below this, and below that of the next part.
    """

    file: str
    rows: int
    size: int
    digest: str
    box: Box
    first_key: int


@dataclass(frozen=True)
class Partitions:
    """A partitioned layer, opened.

    Attributes
    ----------
    location : str
        Path or URL of the folder.
    layer : str
    crs : pyproj.CRS
    rows : int
    bounds : tuple
        The grid of the Hilbert keys.
    parts : tuple of Part
        In order of their keys.
    columns : mapping of str to str
        Columns in order, with their pandas dtype.
    known : mapping of str to int
        How many values of each column are not missing.
    record : mapping
        ``attrs`` of the layer: source, columns, set_aside, rows_read …
    """

    location: str
    layer: str
    crs: pyproj.CRS
    rows: int
    bounds: Box
    parts: tuple[Part, ...]
    columns: Mapping[str, str]
    known: Mapping[str, int]
    record: Mapping[str, Any]

    def read(self, number: int, columns: Sequence[str] | None = None) -> gpd.GeoDataFrame:
        """Read one part.

        Parameters
        ----------
        number : int
            Its place in `parts`.
        columns : sequence of str, optional
            Only these, and the shapes; those that the layer does not have are left out.

        Raises
        ------
        SourceError
            The file is missing, damaged, or not the one that was written.
        """
        frame = self._read(self.parts[number], columns, gpd.read_parquet)
        if len(frame) != self.parts[number].rows:
            raise _wrong(self, self.parts[number], *_rows(len(frame), self.parts[number].rows))
        return self._told(frame)

    def near(
        self, box: Box, *, others: Boxes | None = None, besides: int | None = None, columns: Sequence[str] | None = None
    ) -> gpd.GeoDataFrame:
        """Read the rows, of all parts or of all but one, whose bounding box meets `box`.

        Only parts and row groups that come near are read.

        Parameters
        ----------
        box : tuple
            Left, bottom, right, top in the CRS of the dataset; its edge belongs to it.
        others : array of shape (n, 4), optional
            Only rows whose bounding box meets one of these too: parts are no rectangles, and what lies in the corner
            of a box is most of what lies in it.
        besides : int, optional
            The part to leave out.
        columns : sequence of str, optional
            See `read`.
        """
        found = [
            self._read(part, columns, partial(_meeting, box=box, others=others))
            for number, part in enumerate(self.parts)
            if number != besides and _meet(part.box, box)
        ]
        if not found:
            found = [self._read(self.parts[0], columns, partial(_meeting, box=_NOWHERE))]
        together = found[0] if len(found) == 1 else pd.concat(found, ignore_index=True)
        return self._told(gpd.GeoDataFrame(together))

    def values(self, number: int, columns: Sequence[str]) -> pd.DataFrame:
        """Read columns of one part without its shapes; see `read`."""
        wanted = [name for name in self.columns if name in columns and name != "geometry"]
        return self._checked(self.parts[number], wanted, pd.read_parquet)

    def _read(
        self, part: Part, columns: Sequence[str] | None, read: Callable[..., gpd.GeoDataFrame]
    ) -> gpd.GeoDataFrame:
        wanted = [name for name in self.columns if columns is None or name in columns or name == "geometry"]
        return gpd.GeoDataFrame(self._checked(part, wanted, read))

    def _checked(self, part: Part, wanted: list[str], read: Callable[..., pd.DataFrame]) -> pd.DataFrame:
        """Read the wanted columns of a part, and refuse what is not the file that was written."""
        storage = open_storage(self.location)
        try:
            frame = read(storage.file(part.file), columns=wanted, filesystem=storage.filesystem)
        except FileNotFoundError as error:
            raise _missing(self.location, [part.file], len(self.parts)) from error
        except _DAMAGE as error:
            raise _wrong(self, part, *_diagnosis(storage, self, part, error)) from error
        types = {str(name): str(kind) for name, kind in frame.dtypes.items()}
        if types != {name: self.columns[name] for name in wanted} or getattr(frame, "crs", self.crs) != self.crs:
            raise _wrong(self, part, *_diagnosis(storage, self, part, None))
        let_go()
        return frame.reset_index(drop=True)

    def _told(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Say which layer this is, and whether its shapes have been made measurable."""
        frame.attrs = {"layer": self.layer, **{name: True for name in ("measurable",) if self.record.get(name)}}
        return frame


def _meeting(
    path: str,
    columns: Sequence[str],
    filesystem: Any,  # noqa: ANN401  (Arrow's own, which has no types)
    *,
    box: Box,
    others: Boxes | None = None,
) -> gpd.GeoDataFrame:
    """Read the rows of a file whose box meets `box` and one of the others; shapes are made of no other rows."""
    sides = [pc.field(_COVERING, side) for side in _SIDES]
    within = (sides[0] <= box[2]) & (sides[1] <= box[3]) & (sides[2] >= box[0]) & (sides[3] >= box[1])
    table = pq.read_table(path, columns=[*columns, _COVERING], filters=within, filesystem=filesystem)
    covering = table[_COVERING].combine_chunks()
    if others is not None:
        boxes = np.column_stack([covering.field(side).to_numpy() for side in _SIDES])
        table = table.filter(pa.array(meeting(boxes, others)))
    crs = json.loads(table.schema.metadata[b"geo"])["columns"]["geometry"]["crs"]
    frame = table.drop_columns([_COVERING, "geometry"]).to_pandas()
    shapes = gpd.GeoSeries.from_wkb(table["geometry"].to_pandas(), index=frame.index, crs=crs)
    return gpd.GeoDataFrame(frame.assign(geometry=shapes)[[*columns]], geometry="geometry")


def _meet(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and one[2] >= other[0] and one[1] <= other[3] and one[3] >= other[1]


def hilbert_keys(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], bounds: Box) -> Keys:
    """Return the Hilbert key of each point; points beyond the grid are taken to its edge.

    Examples
    --------
    >>> hilbert_keys(np.array([0.0, -9.0, 1.0]), np.array([0.0, -9.0, 0.0]), (0, 0, 1, 1)).tolist()
    [0, 0, 4294967295]
    """
    left, bottom, right, top = bounds
    keys = np.zeros(len(x), dtype="uint32")
    for start in range(0, len(x), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        known = np.isfinite(x[some]) & np.isfinite(y[some])
        points = shapely.points(
            np.clip(np.where(known, x[some], left), left, right), np.clip(np.where(known, y[some], bottom), bottom, top)
        )
        keys[some] = gpd.GeoSeries(points).hilbert_distance(total_bounds=bounds).to_numpy()
    return keys


def is_partitioned(location: str | Path) -> bool:
    """Whether a folder is a partitioned dataset."""
    return open_storage(location).has(MANIFEST)


def open_partitions(location: str | Path) -> Partitions:
    """Open a partitioned dataset and hold its manifest against its files.

    Parameters
    ----------
    location : path or URL
        Of the folder.

    Raises
    ------
    SourceError
        There is no manifest, it cannot be trusted, or files are missing, cut off, or of another kind than it
        says. Rows are not read here: `Partitions.read` tells what only shows in them.
    """
    storage = open_storage(location)
    if not storage.has(MANIFEST):
        raise SourceError(
            f"{location}: no partitioned dataset, there is no {MANIFEST} in it. "
            "Expected a folder written by parkwise convert.",
            f"{location}：不是分块数据集，其中没有 {MANIFEST}。应为 parkwise convert 写出的文件夹。",
        )
    found = _parsed(storage, storage.document(MANIFEST))
    sizes = storage.sizes()
    missing = [part.file for part in found.parts if part.file not in sizes]
    if missing:
        raise _missing(found.location, missing, len(found.parts))
    changed = [part for part in found.parts if sizes[part.file] != part.size]
    if changed:
        told = _diagnosis(storage, found, changed[0], None)
        raise _wrong(found, changed[0], *told, others=len(changed) - 1)
    return found


def _parsed(storage: Storage, document: Mapping[str, Any]) -> Partitions:
    """Take a manifest that may say anything."""
    if document.get("schema") != SCHEMA:
        shown = repr(document.get("schema"))[:60]
        raise storage.damaged(MANIFEST, f"schema {shown} is not {SCHEMA}", f"版本 {shown}，应为 {SCHEMA}")
    try:
        parts = tuple(_part(one) for one in document["parts"])
        columns = {
            str(name): (str(entry["type"]), _count(entry["known"])) for name, entry in document["columns"].items()
        }
        found = Partitions(
            location=storage.location,
            layer=_text(document["layer"]),
            crs=pyproj.CRS.from_json_dict(document["crs"]),
            rows=_count(document["rows"]),
            bounds=_box(document["bounds"]),
            parts=parts,
            columns={name: kind for name, (kind, _) in columns.items()},
            known={name: known for name, (_, known) in columns.items()},
            record=dict(document["record"]),
        )
        _agree(found)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, pyproj.exceptions.CRSError) as error:
        why = f"{type(error).__name__}: {str(error)[:160]}"
        raise storage.damaged(MANIFEST, why, why) from error
    return found


def _part(entry: Mapping[str, Any]) -> Part:
    name, box = _text(entry["file"]), entry["box"]
    if not _FILE.fullmatch(name):
        raise ValueError(f"{name[:60]!r} is no plain name of a file")
    return Part(
        name,
        _count(entry["rows"]),
        _count(entry["bytes"]),
        _digest(entry["sha256"]),
        _NOWHERE if box is None else _box(box),
        _count(entry["first_key"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{str(value)[:60]!r} is no text")
    return value


def _digest(value: object) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", _text(value)):
        raise ValueError(f"{str(value)[:70]!r} is no SHA-256")
    return str(value)


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 62:
        raise ValueError(f"{str(value)[:60]} is no count")
    return value


def _box(value: Sequence[Any]) -> Box:
    left, bottom, right, top = (float(one) for one in value)
    if not all(map(math.isfinite, (left, bottom, right, top))) or left > right or bottom > top:
        raise ValueError(f"{str(value)[:100]} is no box")
    return left, bottom, right, top


def _agree(found: Partitions) -> None:
    """Require that what the manifest says of the parts fits together."""
    keys = [part.first_key for part in found.parts]
    if not keys or keys[0] != 0 or any(a >= b for a, b in pairwise(keys)) or keys[-1] >= KEYS:
        raise ValueError("the keys of the parts do not rise from 0")
    if len({part.file.casefold() for part in found.parts}) < len(found.parts):
        raise ValueError("two parts are one file")
    if sum(part.rows for part in found.parts) != found.rows:
        raise ValueError(f"the parts have {sum(part.rows for part in found.parts)} rows of {found.rows}")
    if "geometry" not in found.columns or max(found.known.values()) > found.rows:
        raise ValueError("the columns do not fit the rows")


def _diagnosis(storage: Storage, dataset: Partitions, part: Part, error: Exception | None) -> tuple[str, str]:
    """Say what is wrong with the file of a part: cut off, other columns, another CRS, other rows."""
    size = storage.sizes().get(part.file, 0)
    try:
        with storage.filesystem.open_input_file(storage.file(part.file)) as stream:
            metadata = pq.read_metadata(stream)
            stream.seek(0)
            head = gpd.read_parquet(stream, bbox=(math.inf, math.inf, -math.inf, -math.inf))
    except _DAMAGE:
        sizes = f"{size:,} / {part.size:,}"
        return f"cut off or no GeoParquet, {sizes} bytes", f"文件不完整或不是 GeoParquet，{sizes} 字节"
    types = {str(name): str(kind) for name, kind in head.dtypes.items()}
    differing = [name for name in {**dataset.columns, **types} if dataset.columns.get(name) != types.get(name)]
    if differing:
        return f"other columns: {first(differing)}", f"字段不同：{first(differing)}"
    if head.crs != dataset.crs:
        names = f"{getattr(head.crs, 'name', None)} ≠ {dataset.crs.name}"
        return f"another CRS: {names}", f"坐标系不同：{names}"
    if metadata.num_rows != part.rows:
        return _rows(metadata.num_rows, part.rows)
    if error is not None:
        return str(error)[:200], str(error)[:200]
    return f"{size:,} bytes, {part.size:,} written", f"{size:,} 字节，写出时为 {part.size:,} 字节"


def _rows(found: int, written: int) -> tuple[str, str]:
    return f"{found:,} of {written:,} rows", f"{written:,} 行中只有 {found:,} 行"


def _missing(location: str, names: Sequence[str], total: int) -> SourceError:
    return SourceError(
        f"{location}: {len(names)} of {total} parts are missing ({first(names)}). Expected every file the manifest "
        "names; copy the whole folder, or convert the data again (parkwise convert PROJECT -o DIR --overwrite).",
        f"{location}：{total} 个分块中缺少 {len(names)} 个（{first(names)}）。清单所列文件应齐全；"
        "请完整复制文件夹，或重新转换（parkwise convert 项目 -o 文件夹 --overwrite）。",
    )


def _wrong(dataset: Partitions, part: Part, en: str, zh: str, *, others: int = 0) -> SourceError:
    number, total = dataset.parts.index(part) + 1, len(dataset.parts)
    more_en, more_zh = (f"; {others} more differ too", f"；另有 {others} 个也不一致") if others else ("", "")
    return SourceError(
        f"{dataset.location}: part {number} of {total}, {part.file}, is not as it was written ({en}){more_en}. "
        "Copy the whole folder again, or convert the data again (parkwise convert PROJECT -o DIR --overwrite).",
        f"{dataset.location}：第 {number} / {total} 个分块 {part.file} 与写出时不一致（{zh}）{more_zh}。"
        "请重新完整复制文件夹，或重新转换（parkwise convert 项目 -o 文件夹 --overwrite）。",
    )
