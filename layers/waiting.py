"""Rows that wait until their place is known: in memory, or laid down on disk frame by frame.

A dataset can only be cut when every centre has been seen. One frame waits as it is; of frames that come one
after another only the centres of the boxes stay in memory (24 bytes a row), the rows go to temporary
GeoParquet files in small row groups, each file in an order that keeps neighbours together, so that taking
the rows of one part reads little else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
from layers.plain import Kind, bare, common_kind, plain

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
    x, y : array
        Centres of the boxes; NaN where there is no shape.
    places : array of int
        Where each row stood in the source.
    take : callable
        Gives the rows of these numbers, in that order.
    """

    crs: pyproj.CRS | None
    attrs: Mapping[Any, Any]
    x: Floats
    y: Floats
    places: Rows
    take: Callable[[Rows], gpd.GeoDataFrame]


def keep(frame: gpd.GeoDataFrame) -> Waiting:
    """Let one frame wait in memory."""
    ready = _ready(frame)
    x, y = _centres(ready)
    places = np.arange(len(ready))
    return Waiting(ready.crs, frame.attrs, x, y, places, lambda rows: gpd.GeoDataFrame(ready.take(rows)))


def _ready(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a frame as it is written: plain columns, the shapes in "geometry" at the end."""
    light = gpd.GeoDataFrame(bare(frame))
    table = plain(light if light.active_geometry_name == "geometry" else light.rename_geometry("geometry"))
    return gpd.GeoDataFrame(table[[name for name in table.columns if name != "geometry"] + ["geometry"]])


def _centres(frame: gpd.GeoDataFrame) -> tuple[Floats, Floats]:
    left, bottom, right, top = shapely.bounds(frame.geometry.to_numpy()).T
    return (left + right) / 2, (bottom + top) / 2


@dataclass
class _Laid:
    """Frames on disk: where each begins, and of what kind its columns are."""

    files: list[Path] = field(default_factory=list)
    starts: list[int] = field(default_factory=lambda: [0])
    kinds: list[dict[str, Kind]] = field(default_factory=list)

    def columns(self) -> dict[str, Kind]:
        names = [name for name in dict.fromkeys(name for kinds in self.kinds for name in kinds) if name != "geometry"]
        return {name: common_kind(kinds.get(name) for kinds in self.kinds) for name in names}


def lay_down(frames: Iterable[gpd.GeoDataFrame], folder: Path) -> Waiting:
    """Let frames wait on disk, one at a time in memory.

    Raises
    ------
    OutputError
        No frame was given.
    CrsError
        The frames are not in one CRS.
    """
    laid = _Laid()
    waits: list[tuple[Floats, Floats, Rows]] = []
    crs, attrs = None, None
    for frame in frames:
        ready = _ready(frame)
        crs = ready.crs if attrs is None else crs
        attrs = frame.attrs if attrs is None else attrs
        _require_same(crs, ready.crs)
        x, y = _centres(ready)
        near = _neighbours_together(x, y)
        waits.append((x[near], y[near], near + laid.starts[-1]))
        path = folder / f"{len(laid.files)}.parquet"
        gpd.GeoDataFrame(ready.take(near)).to_parquet(path, index=False, compression="zstd", row_group_size=_GROUP)
        laid.files.append(path)
        laid.starts.append(laid.starts[-1] + len(ready))
        laid.kinds.append({str(name): kind for name, kind in ready.dtypes.items()})
    if attrs is None:
        raise OutputError("There is no frame to write.", "没有可写出的数据。")
    columns = laid.columns()
    x, y, places = (np.concatenate(one) for one in zip(*waits, strict=True))
    return Waiting(crs, attrs, x, y, places, lambda rows: _take(laid, columns, crs, rows))


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
    return gpd.GeoDataFrame(table.drop(columns="geometry").take(order), geometry=shapes, crs=crs)


def _rows_of(path: Path, rows: Rows, columns: Mapping[str, Kind]) -> pd.DataFrame:
    """Read some rows of one file, by row group, with the columns of all."""
    groups = np.unique(rows // _GROUP)
    with pq.ParquetFile(path) as file:
        table = file.read_row_groups(groups.tolist()).to_pandas()
    place = np.searchsorted(groups, rows // _GROUP) * _GROUP + rows % _GROUP
    frame: pd.DataFrame = table.iloc[place].reset_index(drop=True).reindex(columns=[*columns, "geometry"])
    return frame.astype(dict(columns))
