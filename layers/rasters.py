"""Rasters (栅格): one band of a file, looked at before anything is read, and read under shapes window by window.

A raster may be larger than memory: cells are read where shapes lie, a bounded number at a time, and shapes are
taken along a Hilbert curve so that a block of the file is decoded once. Shapes may be in any CRS; they are taken
to the raster's, so cells are never resampled. A cell counts by the share of it that a shape covers. Cells without
data, and ground outside the raster, are missing. Knows no height and no land cover.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import rasterio
import shapely
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from layers.errors import ProjectError, SourceError
from layers.projections import parse

if TYPE_CHECKING:
    from exactextract.feature import FeatureSource
    from exactextract.raster import RasterSource

__all__ = ["LARGEST_READ_CELLS", "Band", "Raster", "opened", "reach_lonlat", "statistics"]

#: So many cells are read at a time, at most.
LARGEST_READ_CELLS = 4_000_000
#: A block of the file is decoded whole; larger ones are refused.
_LARGEST_BLOCK_BYTES = 512 * 2**20
#: Shapes lie close together where their ground has at most so many times their cells.
_CLOSE = 20
#: So many shapes are taken at a time, at most: what is worked out for each stays until all of them are done.
_MOST_SHAPES = 10_000
#: Blocks kept in case the next shape needs them, MB.
_CACHE_MB = 128
#: What a file may be, by how it begins; GDAL's other formats could reach for the network or run programs.
_DRIVERS = {
    b"II*\x00": "GTiff", b"MM\x00*": "GTiff", b"II+\x00": "GTiff", b"MM\x00+": "GTiff",
    b"EHFA": "HFA", b"ncols": "AAIGrid", b"<vrtdataset": "VRT",
}  # fmt: skip
_LONGEST_VRT = 8_000_000
#: Words of a VRT that names something else than files beside it.
_ELSEWHERE = (b"://", b"/vsi", b"<gdal_w", b"wms:", b"wmts:", b"wcs:", b"python")


@dataclass(frozen=True)
class Raster:
    """One band of a file (栅格波段).

    Attributes
    ----------
    path : path
    name : str
        What messages call it: the role it has in the project.
    crs : str or int, optional
        Where the file says nothing, or says it wrong.
    band : int, optional
        From 1; may be left out where there is one.
    unit : str, optional
        Unit of its values, see `layers.units`.
    """

    path: str | Path
    name: str = "height"
    crs: str | int | None = None
    band: int | None = None
    unit: str | None = None

    @property
    def shown(self) -> str:
        """What messages begin with."""
        return f"[layers.{self.name}] {self.file.name}"

    @property
    def file(self) -> Path:
        """The path as a path."""
        return Path(self.path)


@dataclass(frozen=True)
class Band:
    """A band that is open and has been looked at."""

    file: rasterio.DatasetReader
    number: int
    crs: pyproj.CRS

    @property
    def cell_area(self) -> float:
        """Area of a cell in square units of the CRS."""
        return abs(float(self.file.transform.a * self.file.transform.e))


@contextmanager
def opened(raster: Raster) -> Iterator[Band]:
    """Open a band after looking at the file (打开栅格).

    Raises
    ------
    SourceError
        The file cannot be read, lies askew or nowhere, or decodes only in enormous blocks.
    ProjectError
        It has no CRS and none is given, or several bands and none is chosen.
    """
    driver = _driver(raster)
    # Nothing is asked of the network, whatever a file refers to.
    closed = {"CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none", "GDAL_HTTP_PROXY": "127.0.0.1:9"}
    try:
        with rasterio.Env(GDAL_CACHEMAX=_CACHE_MB, **closed), warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # told below, with how to mend it
            with rasterio.open(raster.file, driver=driver) as file:
                yield Band(file, _band(raster, file), _placed(raster, file))
    except RasterioError as error:
        raise SourceError(
            f"{raster.shown}: not a raster that can be read ({error}). Expected a whole GeoTIFF; export it again.",
            f"{raster.shown}：无法作为栅格读取（{error}）。应为完整的 GeoTIFF，请重新导出。",
        ) from error


def _driver(raster: Raster) -> str:
    """Tell the format by how the file begins; refuse what refers to addresses or runs code."""
    try:
        with raster.file.open("rb") as file:
            head = file.read(_LONGEST_VRT)
    except OSError as error:
        raise SourceError(
            f"{raster.shown}: cannot be read ({error.strerror}). Expected the path of a raster file.",
            f"{raster.shown}：无法读取（{error.strerror}）。应为栅格文件的路径。",
        ) from error
    small = head.lower()
    found = next((name for magic, name in _DRIVERS.items() if head.startswith(magic)), None)
    found = found or next((name for magic, name in _DRIVERS.items() if small.lstrip().startswith(magic)), None)
    if found is None:
        raise SourceError(
            f"{raster.shown}: not a raster that can be read. Expected a GeoTIFF (.img, .asc, .vrt); export it again.",
            f"{raster.shown}：不是可读取的栅格。应为 GeoTIFF（或 .img、.asc、.vrt），请重新导出。",
        )
    if found == "VRT" and (len(head) == _LONGEST_VRT or any(word in small for word in _ELSEWHERE)):
        raise SourceError(
            f"{raster.shown}: a virtual raster that is huge, or refers to more than files of this machine. "
            "Save it as a GeoTIFF first (gdal_translate).",
            f"{raster.shown}：虚拟栅格过大，或引用了本机文件以外的内容。请先另存为 GeoTIFF（gdal_translate）。",
        )
    return found


def _band(raster: Raster, file: rasterio.DatasetReader) -> int:
    if raster.band is None and file.count > 1:
        raise ProjectError(
            f"{raster.shown}: {file.count} bands. Expected one; state which, as band = 1.",
            f"{raster.shown}：有 {file.count} 个波段。应为一个，请写明，如 band = 1。",
        )
    number = raster.band or 1
    if number > file.count:
        raise ProjectError(
            f"{raster.shown}: band = {number}, but the file has {file.count}. Expected 1 to {file.count}.",
            f"{raster.shown}：band = {number}，但文件只有 {file.count} 个波段。应为 1 至 {file.count}。",
        )
    if np.dtype(file.dtypes[number - 1]).kind not in "iuf":
        raise SourceError(
            f"{raster.shown}: values are of type {file.dtypes[number - 1]}. Expected whole or real numbers.",
            f"{raster.shown}：数值类型为 {file.dtypes[number - 1]}。应为整数或实数。",
        )
    rows, columns = file.block_shapes[number - 1]
    size = rows * columns * np.dtype(file.dtypes[number - 1]).itemsize
    if size > _LARGEST_BLOCK_BYTES:
        raise SourceError(
            f"{raster.shown}: stored in blocks of {rows:,} × {columns:,} cells, each to be decoded whole "
            f"({size / 2**20:,.0f} MB). "
            "Store it in tiles: gdal_translate -co TILED=YES -co COMPRESS=DEFLATE.",
            f"{raster.shown}：以 {rows:,} × {columns:,} 像元的大块存储，须整块解码（{size / 2**20:,.0f} MB）。"
            "请改为分块存储：gdal_translate -co TILED=YES -co COMPRESS=DEFLATE。",
        )
    return number


def _placed(raster: Raster, file: rasterio.DatasetReader) -> pyproj.CRS:
    """Return the CRS after making sure that rows run from north to south along it."""
    grid = file.transform
    if grid.is_identity or not np.isfinite(tuple(grid)[:6]).all():
        raise SourceError(
            f"{raster.shown}: the file does not say where its cells lie. Expected a georeferenced raster; "
            "the world file (.tfw) may be missing, else georeference it in QGIS.",
            f"{raster.shown}：文件没有说明像元位置。应为带地理定位的栅格；"
            "可能缺少坐标文件（.tfw），否则请在 QGIS 中配准。",
        )
    if grid.b != 0 or grid.d != 0 or grid.a <= 0 or grid.e >= 0:
        raise SourceError(
            f"{raster.shown}: its rows and columns are turned against the axes of its CRS. Expected north up; "
            "straighten it with gdalwarp.",
            f"{raster.shown}：栅格相对坐标轴有旋转或翻转。应为上北；请先用 gdalwarp 校正。",
        )
    if raster.crs is not None:
        return parse(raster.crs)
    if file.crs is None:
        raise ProjectError(
            f'{raster.shown}: the raster has no CRS. Expected one; state it, as crs = "EPSG:4549".',
            f'{raster.shown}：栅格没有坐标系。请写明，如 crs = "EPSG:4549"。',
        )
    return pyproj.CRS.from_wkt(file.crs.to_wkt())


def reach_lonlat(raster: Raster) -> tuple[float, float, float, float]:
    """Return west, south, east and north of a raster in degrees (栅格经纬度范围)."""
    with opened(raster) as band:
        box = gpd.GeoSeries([shapely.box(*band.file.bounds).segmentize(max(band.file.res) * 100)], crs=band.crs)
        west, south, east, north = box.to_crs(4326).total_bounds.tolist()
    return west, south, east, north


def statistics(
    shapes: gpd.GeoSeries, raster: Raster, stats: Mapping[str, str], *, at_most: int | None = None
) -> Iterator[pd.DataFrame]:
    """Yield statistics of the cells under each shape, many shapes at a time (分区统计).

    Parameters
    ----------
    shapes : GeoSeries of polygons
        In any CRS. Those that are empty, missing or without area are left out, and so are those that lie nowhere
        in the CRS of the raster.
    raster : Raster
    stats : mapping of str to str
        Name → operation of exactextract, such as ``"mean"``.
    at_most : int, optional
        Shapes of more cells are not read, where an operation keeps every cell.

    Yields
    ------
    DataFrame
        Index = row of `shapes`; the named statistics, `cells` (those with data, each by its covered share) and
        `covered` (share of the shape on which there is data). Shapes that touch no cell are left out; those of more
        than `at_most` cells come last, with everything missing.

    Raises
    ------
    ProjectError, SourceError
        See `opened`; exactextract is not installed.
    """
    exact_extract = _exactextract()
    if shapes.crs is None:
        return
    with opened(raster) as band:
        placed = _in_order(shapes.reset_index(drop=True).to_crs(band.crs), band)
        area = shapely.area(placed.to_numpy()) / band.cell_area
        large = area > (np.inf if at_most is None else at_most)
        unread, placed, area = placed[large], placed[~large], area[~large]
        operations = [f"{name}={operation}" for name, operation in ({"cells": "count"} | dict(stats)).items()]
        for start, end in _groups(area):
            part = placed.iloc[start:end]
            table = exact_extract(
                _source(band),
                _features(part),
                operations,
                output="pandas",
                include_cols=["row"],
                strategy=_strategy(part, float(area[start:end].sum()), band),
                max_cells_in_memory=LARGEST_READ_CELLS,
            ).set_index("row")
            covered = table["cells"].to_numpy("float64") / area[start:end]
            yield table.assign(covered=np.minimum(covered, 1.0))[table["cells"].to_numpy() > 0]
        if len(unread):
            yield pd.DataFrame(np.nan, index=unread.index, columns=["cells", *stats, "covered"])


def _exactextract() -> Any:  # noqa: ANN401  (a function of a package that is not everywhere)
    try:
        from exactextract import exact_extract  # noqa: PLC0415  (there is no wheel for every machine)
    except ImportError as error:
        raise ProjectError(
            "Rasters need the package exactextract, which is not installed on this machine. "
            'Install it with pip install "parkwise[rasters]", or leave the rasters out of [layers].',
            "使用栅格需要 exactextract 软件包，本机未安装。"
            '请运行 pip install "parkwise[rasters]" 安装，或去掉 [layers] 中的栅格。',
        ) from error
    return exact_extract


def _in_order(shapes: gpd.GeoSeries, band: Band) -> gpd.GeoSeries:
    """Return what touches the raster, neighbours after one another."""
    boxes = shapes.bounds.to_numpy()
    west, south, east, north = band.file.bounds
    # What is nowhere (no shape, an empty one, one beyond the projection) has no finite bounds.
    there = np.isfinite(boxes).all(axis=1) & (shapely.area(shapes.to_numpy()) > 0)
    there &= (boxes[:, 0] < east) & (boxes[:, 2] > west) & (boxes[:, 1] < north) & (boxes[:, 3] > south)
    near = _mended(shapes[there])
    if near.empty:
        return near
    return near.iloc[np.argsort(near.hilbert_distance().to_numpy(), kind="stable")]


def _mended(shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    """Return shapes whose rings cross nowhere: exactextract may take all memory over one that does."""
    crossed = ~shapely.is_valid(shapes.to_numpy())
    if not crossed.any():
        return shapes
    whole = shapes.to_numpy().copy()
    mended = shapely.make_valid(whole[crossed], method="structure")
    # Lines and points that are left over cover no cell.
    whole[crossed] = [
        shapely.union_all([part for part in shapely.get_parts(one) if part.geom_type.endswith("Polygon")])
        for one in mended
    ]
    there = shapely.area(whole) > 0
    return gpd.GeoSeries(whole[there], index=shapes.index[there], crs=shapes.crs)


def _groups(cells: np.ndarray) -> Iterator[tuple[int, int]]:
    """Cut a row of shapes so that each group covers a bounded number of cells, or is one shape."""
    start, filled = 0, 0.0
    for place, size in enumerate(cells):
        if place > start and (filled + size > LARGEST_READ_CELLS or place - start == _MOST_SHAPES):
            yield start, place
            start, filled = place, 0.0
        filled += size
    if len(cells):
        yield start, len(cells)


def _strategy(shapes: gpd.GeoSeries, cells: float, band: Band) -> str:
    """Read their ground at one go where shapes lie close together, else each by itself; the result is the same."""
    west, south, east, north = shapes.total_bounds
    ground = (east - west) * (north - south) / band.cell_area
    return "raster-sequential" if ground <= _CLOSE * cells else "feature-sequential"


def _source(band: Band) -> RasterSource:
    """Give a band to exactextract: what is no number is missing, as is what the file calls so."""
    from exactextract.raster import RasterioRasterSource  # noqa: PLC0415

    class Cells(RasterioRasterSource):  # type: ignore[misc]
        def srs_wkt(self) -> None:
            """The shapes are in the CRS of the raster already, be it the file's or a given one."""

        def nodata_value(self) -> None:
            """What the file calls no data comes as no number, whether it names a value or bears a mask."""

        def read_window(self, x0: int, y0: int, nx: int, ny: int) -> npt.NDArray[np.float64]:
            cells: Any = np.ma.masked_invalid(super().read_window(x0, y0, nx, ny)).astype("float64")
            return np.asarray(cells.filled(np.nan), dtype="float64")

    return Cells(band.file, band.number)


def _features(shapes: gpd.GeoSeries) -> FeatureSource:
    """Give shapes to exactextract as WKB; of a frame it would make a GeoJSON text for each of them."""
    from exactextract.feature import Feature, FeatureSource  # noqa: PLC0415

    class Shape(Feature):  # type: ignore[misc]
        def __init__(self, row: int, wkb: bytes) -> None:
            super().__init__()
            self._row, self._wkb = row, wkb

        def fields(self) -> list[str]:
            return ["row"]

        def get(self, _field: str) -> int:
            return self._row

        def geometry(self) -> bytes:
            return self._wkb

    class Shapes(FeatureSource):  # type: ignore[misc]
        def count(self) -> int:
            return len(shapes)

        def __iter__(self) -> Iterator[Shape]:
            return map(Shape, shapes.index.tolist(), shapes.to_wkb())

        def srs_wkt(self) -> None:
            """See `_source`."""

    return Shapes()
