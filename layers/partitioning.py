"""Writing a partitioned dataset: whatever the rows come in, the same files come out.

Rows are put along a Hilbert curve and cut into parts of about so many rows; rows with one key stay in one
part, so exact copies meet there. Within a part the order is that of key, box, shape and attributes, never
that of the source. Frames that come one after another are laid down in a temporary folder on the same disk:
only a few dozen bytes a row stay in memory. All or nothing: the folder appears when every part is written.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from layers.errors import OutputError
from layers.output import new_folder
from layers.partitions import KEYS, MANIFEST, SCHEMA, Keys, Part, Partitions, open_partitions
from layers.plain import jsonable
from layers.storage import is_url
from layers.waiting import Waiting, keep, lay_down

__all__ = ["foreign_to_dataset", "replace_values", "write_partitions"]

Progress = Callable[[float, str], None]
Rows = npt.NDArray[np.int64]
Finish = Callable[[gpd.GeoDataFrame, Rows], gpd.GeoDataFrame]

#: Rows of a row group.
_GROUP = 8_192


def write_partitions(
    frames: gpd.GeoDataFrame | Callable[[], Iterable[gpd.GeoDataFrame]],
    folder: str | Path,
    *,
    rows: int = 65_536,
    like: Partitions | None = None,
    layer: str | None = None,
    record: Callable[[], Mapping[Any, Any]] | None = None,
    finish: Finish | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Partitions:
    """Write a partitioned dataset (写出分块数据集).

    Parameters
    ----------
    frames : GeoDataFrame, or callable that gives an iterable of them
        All in one CRS. Of an iterable one frame at a time is in memory.
    folder : path
        The new folder. Its files: GeoParquet 1.1 with bbox covering, and the manifest.
    rows : int
        So many rows a part at most; most parts have between half of it and all.
    like : Partitions, optional
        Take grid and cuts of this dataset: one part for each of its parts, also an empty one, so that what
        stands together is in parts of one number.
    layer : str, optional
        Else ``attrs["layer"]`` of the first frame.
    record : callable, optional
        Gives the ``attrs`` to keep when all parts are written; else those of the first frame are kept. Findings
        made while reading are not: there may be as many as rows.
    finish : callable, optional
        Is given each part in its order before it is written, with the places of its rows in the source, and
        returns what is to be written.
    overwrite : bool
        Replace a dataset that is there; never a folder that holds anything else.
    progress : callable, optional
        Called with (fraction, message).

    Raises
    ------
    OutputError
        The frames have no CRS or several, the folder is there already, or the disk is full.

    Notes
    -----
    Whole numbers of which some rows are missing become floats and columns of mixed kinds become text, as when
    frames are put under each other. A source column "bbox" is called "bbox_source": the name is taken.
    """
    if is_url(folder):
        raise OutputError(
            f"{folder}: a dataset is written to this machine. Write it to a folder, then copy that.",
            f"{folder}：数据集只能写到本机。请先写到文件夹，再复制过去。",
        )
    if rows < 1:
        raise OutputError(f"rows = {rows}: expected at least 1.", f"rows = {rows}：应至少为 1。")
    target = Path(folder)
    with (
        new_folder(target, foreign=foreign_to_dataset, overwrite=overwrite) as work,
        tempfile.TemporaryDirectory(prefix="laid-", dir=work.parent, ignore_cleanup_errors=True) as laid,
    ):
        grid = None if like is None else like.bounds
        waiting = keep(frames, grid) if isinstance(frames, gpd.GeoDataFrame) else lay_down(frames(), Path(laid), grid)
        crs = _require_crs(waiting.crs, like)
        cuts = _cuts(waiting.keys, rows) if like is None else np.array([part.first_key for part in like.parts])
        parts, known = _write_parts(work, waiting, cuts, finish, progress)
        document = {
            "schema": SCHEMA,
            "layer": layer or str(waiting.attrs.get("layer") or ""),
            "crs": crs.to_json_dict(),
            "rows": sum(part.rows for part in parts),
            "bounds": list(waiting.bounds),
            "columns": {name: {"type": kind, "known": known[name]} for name, kind in _types(work, parts).items()},
            "parts": [_entry(part) for part in parts],
            "record": _lasting(waiting.attrs if record is None else record()),
        }
        (work / MANIFEST).write_text(jsonable(document), encoding="utf-8")
    return open_partitions(target)


def replace_values(dataset: Partitions, column: str, values: Mapping[int, npt.NDArray[Any]]) -> Partitions:
    """Write some parts of a dataset anew with other values of one column (替换某一字段的值).

    Parameters
    ----------
    dataset : Partitions
        On this machine, and nobody else reads it yet: parts and manifest are not exchanged at one stroke.
    column : str
        Has no missing values, and none among the new ones.
    values : mapping of int to array
        By number of the part, a value a row.

    Returns
    -------
    Partitions
        The dataset as it is then.
    """
    folder = Path(dataset.location)
    document = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    for number, new in values.items():
        part, frame = dataset.parts[number], dataset.read(number)
        frame[column] = new.astype(dataset.columns[column])
        document["parts"][number] = _entry(_write_part(frame, folder / part.file, part.first_key))
    (folder / MANIFEST).write_text(jsonable(document), encoding="utf-8")
    return open_partitions(folder)


def foreign_to_dataset(folder: Path) -> list[str]:
    """Name what in a folder is no file of a partitioned dataset."""
    names = sorted(path.name for path in folder.iterdir())
    if MANIFEST not in names:
        return names
    return [name for name in names if name != MANIFEST and not (name.startswith("part-") and name.endswith(".parquet"))]


def _lasting(record: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return ``attrs`` without what was found while reading: that is told of the source, one by one."""
    return {name: value for name, value in record.items() if name != "findings"}


def _write_parts(
    work: Path,
    waiting: Waiting,
    cuts: Rows,
    finish: Finish | None,
    progress: Progress | None,
) -> tuple[list[Part], Counter[str]]:
    """Write the parts one after the other; return them, and how many values of each column are known."""
    parts: list[Part] = []
    known: Counter[str] = Counter()
    for number, first_key in enumerate(cuts.tolist()):
        # Looked up for each part: an order of all rows would be the largest thing in memory.
        end = cuts[number + 1] if number + 1 < len(cuts) else np.iinfo("int64").max
        rows = np.flatnonzero((waiting.keys >= first_key) & (waiting.keys < end))
        frame = waiting.take(rows)
        along = _along(frame, waiting.keys[rows])
        frame = gpd.GeoDataFrame(frame.iloc[along].reset_index(drop=True))
        if finish is not None:
            frame = finish(frame, waiting.places(rows[along])).reset_index(drop=True)
        parts.append(_write_part(frame, work / f"part-{number:05d}.parquet", first_key))
        known.update(frame.notna().sum().to_dict())
        if progress is not None:
            progress((number + 1) / len(cuts), f"{number + 1} / {len(cuts)}")
    return parts, known


def _require_crs(crs: pyproj.CRS | None, like: Partitions | None) -> pyproj.CRS:
    if crs is None:
        raise OutputError(
            "The layer has no CRS. A partitioned dataset needs one; set it with set_crs.",
            "图层没有坐标系。分块数据集需要坐标系，请用 set_crs 指定。",
        )
    if like is not None and like.crs != crs:
        raise OutputError(
            f"The layer is in {crs.name}, {like.layer} in {like.crs.name}. Expected one CRS; reproject with to_crs.",
            f"图层的坐标系为 {crs.name}，{like.layer} 为 {like.crs.name}。应为同一坐标系，请用 to_crs 转换。",
        )
    return crs


def _cuts(keys: Keys, rows: int) -> npt.NDArray[np.int64]:
    """Return the first key of each part, the first from 0.

    The curve is halved until no stretch holds more than `rows` rows. Such a stretch fills a rectangle, so that parts
    meet along straight lines and little of a neighbour is read with a part. Neighbours of few rows become one part.
    """
    starts: list[int] = []
    counts: list[int] = []
    for start, count in _stretches(np.sort(keys), rows, 0, KEYS):
        if starts and (not counts[-1] or not count or counts[-1] + count <= rows // 2):
            counts[-1] += count
        else:
            starts.append(start)
            counts.append(count)
    return np.array(starts, dtype="int64")


def _stretches(keys: Keys, rows: int, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield first key and number of rows of each stretch of the curve; rows of one key stay together."""
    if len(keys) <= rows or end - start == 1:
        yield start, len(keys)
        return
    middle = (start + end) // 2
    at = int(np.searchsorted(keys, middle))
    yield from _stretches(keys[:at], rows, start, middle)
    yield from _stretches(keys[at:], rows, middle, end)


def _along(frame: gpd.GeoDataFrame, keys: Keys) -> Rows:
    """Return the order by key, box, and where those are equal by shape and attributes; copies keep theirs."""
    boxes = shapely.bounds(frame.geometry.to_numpy())
    table = pd.DataFrame(boxes).assign(key=keys)
    twice = np.flatnonzero(table.duplicated(keep=False))
    rank = np.zeros(len(frame), dtype="int64")
    if len(twice):
        some = frame.iloc[twice]
        words = some.drop(columns="geometry").astype("str").fillna("")
        words.insert(0, "shape", some.geometry.to_wkb(hex=True).fillna(""))
        rank[twice] = words.agg("\x1f".join, axis=1).rank(method="dense").astype("int64")
    return np.lexsort((rank, *boxes.T[::-1], keys))


def _write_part(frame: gpd.GeoDataFrame, path: Path, first_key: int) -> Part:
    frame.attrs = {}
    frame.to_parquet(
        path,
        index=False,
        compression="zstd",
        write_covering_bbox=True,
        schema_version="1.1.0",
        row_group_size=_GROUP,
    )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    left, bottom, right, top = frame.total_bounds.tolist()
    return Part(path.name, len(frame), path.stat().st_size, digest, (left, bottom, right, top), first_key)


def _entry(part: Part) -> dict[str, Any]:
    box = None if np.isnan(part.box).any() else list(part.box)
    return {
        "file": part.file,
        "rows": part.rows,
        "bytes": part.size,
        "sha256": part.digest,
        "box": box,
        "first_key": part.first_key,
    }


def _types(work: Path, parts: Sequence[Part]) -> dict[str, str]:
    """Return columns and dtypes as they come back from the files."""
    nowhere = (np.inf, np.inf, -np.inf, -np.inf)
    found = gpd.read_parquet(work / parts[0].file, bbox=nowhere).dtypes
    return {str(name): str(kind) for name, kind in found.items()}
