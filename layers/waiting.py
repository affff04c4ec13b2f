"""Rows that wait until their place is known: in memory, or laid down on disk frame by frame.

A dataset can only be cut when the Hilbert key of every row is known. One frame waits as it is; of frames that
come one after another the keys stay in memory, and where each row stood (8 bytes a row; the centres of the boxes
too while the extent of all is not known yet). The rows go to temporary GeoParquet files in small row groups,
each file in an order that keeps neighbours together, so that taking the rows of one part reads little else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
import pyproj
import shapely

from layers.errors import CrsError, OutputError
from layers.partitions import Box, Keys, hilbert_keys
from layers.plain import Kind, bare, common_kind, plain
from layers.storage import let_go

__all__ = ["Waiting", "keep", "lay_down"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

_GROUP = 2_048


@dataclass(frozen=True)
class Waiting:
    """Rows whose place is not known yet.

    Attributes
    ----------
    crs : pyproj.CRS or None
    attrs : dict
        Of the first frame.
    bounds : tuple
        The grid of the keys.
    keys : array of uint32
        Hilbert key of the centre of each row's box.
    places : callable
        Tells where rows stood in the source.
    take : callable
        Gives the rows of these numbers, in that order.
    """

    crs: pyproj.CRS | None
    attrs: Mapping[Any, Any]
    bounds: Box
    keys: Keys
    places: Callable[[Rows], Rows]
    take: Callable[[Rows], gpd.GeoDataFrame]


def keep(frame: gpd.GeoDataFrame, bounds: Box | None = None) -> Waiting:
    """Let one frame wait in memory; without `bounds` the grid is the extent of the centres."""
    ready = _ready(frame)
    centres = _centres(ready)
    grid = _extent([centres]) if bounds is None else bounds
    keys = hilbert_keys(*centres, grid)
    return Waiting(
        ready.crs, frame.attrs, grid, keys, lambda rows: rows, lambda rows: gpd.GeoDataFrame(ready.take(rows))
    )


def _ready(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a frame as it is written: plain columns, the shapes in "geometry" at the end."""
    light = gpd.GeoDataFrame(bare(frame))
    table = plain(light if light.active_geometry_name == "geometry" else light.rename_geometry("geometry"))
    return gpd.GeoDataFrame(table[[name for name in table.columns if name != "geometry"] + ["geometry"]])


def _centres(frame: gpd.GeoDataFrame) -> tuple[Floats, Floats]:
    left, bottom, right, top = shapely.bounds(frame.geometry.to_numpy()).T
    return (left + right) / 2, (bottom + top) / 2


def _extent(centres: Sequence[tuple[Floats, Floats]]) -> Box:
    """Return the box around all centres that are somewhere."""
    boxes = []
    for x, y in centres:
        known = np.isfinite(x) & np.isfinite(y)
        if known.any():
            boxes.append((x[known].min(), y[known].min(), x[known].max(), y[known].max()))
    if not boxes:
        return 0.0, 0.0, 0.0, 0.0
    left, bottom, right, top = np.transpose(boxes)
    return float(left.min()), float(bottom.min()), float(right.max()), float(top.max())


@dataclass
class _Laid:
    """Frames on disk: where each begins, in which order its rows lie, and of what kind its columns are."""

    files: list[Path] = field(default_factory=list)
    starts: list[int] = field(default_factory=lambda: [0])
    orders: list[npt.NDArray[np.uint32]] = field(default_factory=list)
    kinds: list[dict[str, Kind]] = field(default_factory=list)

    def places(self, rows: Rows) -> Rows:
        """Tell where rows stood before each frame was put in order."""
        number = np.searchsorted(self.starts, rows, side="right") - 1
        places = np.empty(len(rows), dtype="int64")
        for one in np.unique(number).tolist():
            here = number == one
            places[here] = self.starts[one] + self.orders[one][rows[here] - self.starts[one]]
        return places

    def columns(self) -> dict[str, Kind]:
        names = [name for name in dict.fromkeys(name for kinds in self.kinds for name in kinds) if name != "geometry"]
        return {name: common_kind(kinds.get(name) for kinds in self.kinds) for name in names}


def lay_down(frames: Iterable[gpd.GeoDataFrame], folder: Path, bounds: Box | None = None) -> Waiting:
    """Let frames wait on disk, one at a time in memory; see `keep` for `bounds`.

    Raises
    ------
    OutputError
        No frame was given.
    CrsError
        The frames are not in one CRS.
    """
    laid = _Laid()
    centres: list[tuple[Floats, Floats]] = []
    keys: list[Keys] = []
    crs, attrs = None, None
    for frame in frames:
        ready = _ready(frame)
        crs = ready.crs if attrs is None else crs
        attrs = frame.attrs if attrs is None else attrs
        _require_same(crs, ready.crs)
        x, y = _centres(ready)
        near = _neighbours_together(x, y)
        if bounds is None:
            centres.append((x[near], y[near]))
        else:
            keys.append(hilbert_keys(x[near], y[near], bounds))
        path = folder / f"{len(laid.files)}.parquet"
        gpd.GeoDataFrame(ready.take(near)).to_parquet(path, index=False, compression="zstd", row_group_size=_GROUP)
        let_go()
        laid.files.append(path)
        laid.starts.append(laid.starts[-1] + len(ready))
        laid.orders.append(near.astype("uint32"))
        laid.kinds.append({str(name): kind for name, kind in ready.dtypes.items()})
    if attrs is None:
        raise OutputError("There is no frame to write.", "没有可写出的数据。")
    columns = laid.columns()
    grid = _extent(centres) if bounds is None else bounds
    keys += [hilbert_keys(x, y, grid) for x, y in centres]
    return Waiting(crs, attrs, grid, np.concatenate(keys), laid.places, lambda rows: _take(laid, columns, crs, rows))


def _require_same(one: pyproj.CRS | None, other: pyproj.CRS | None) -> None:
    if one != other:
        raise CrsError(
            f"The frames are in {one} and {other}. Expected one CRS; reproject with to_crs.",
            f"各部分数据的坐标系为 {one} 和 {other}。应为同一坐标系，请用 to_crs 转换。",
        )


def _neighbours_together(x: Floats, y: Floats) -> Rows:
    """Return an order along the frame's own Hilbert curve; copies keep their order."""
    points = gpd.GeoSeries(shapely.points(np.nan_to_num(x), np.nan_to_num(y)))
    return np.argsort(points.hilbert_distance().to_numpy(), kind="stable") if len(points) else np.zeros(0, "int64")


def _take(laid: _Laid, columns: Mapping[str, Kind], crs: pyproj.CRS | None, rows: Rows) -> gpd.GeoDataFrame:
    wanted = np.sort(rows)
    edges = np.searchsorted(wanted, laid.starts)
    found = [
        _rows_of(laid.files[number], wanted[edges[number] : edges[number + 1]] - laid.starts[number], columns)
        for number in range(len(laid.files))
        if edges[number] < edges[number + 1] or (number == 0 and not len(rows))
    ]
    table = found[0] if len(found) == 1 else pd.concat(found, ignore_index=True)
    order = np.searchsorted(wanted, rows)
    shapes = shapely.from_wkb(table["geometry"].to_numpy()[order])
    let_go()
    return gpd.GeoDataFrame(table.drop(columns="geometry").take(order), geometry=shapes, crs=crs)


def _rows_of(path: Path, rows: Rows, columns: Mapping[str, Kind]) -> pd.DataFrame:
    """Read some rows of one file, by row group, with the columns of all."""
    groups = np.unique(rows // _GROUP)
    with pq.ParquetFile(path) as file:
        table = file.read_row_groups(groups.tolist()).to_pandas()
    place = np.searchsorted(groups, rows // _GROUP) * _GROUP + rows % _GROUP
    frame: pd.DataFrame = table.iloc[place].reset_index(drop=True).reindex(columns=[*columns, "geometry"])
    return frame.astype(dict(columns))
