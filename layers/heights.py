"""Building heights from rasters (建筑高度): a height model, or surface minus terrain.

Knows rasters; knows no floor and no storey. The height of a building is the mean of the cells under its
footprint, each weighted by the share of it that the footprint covers. Footprints may be in any CRS:
they are taken to the raster's. Heights are in metres; missing where the raster says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import rasterio

from layers.errors import ProjectError, SourceError

if TYPE_CHECKING:
    from exactextract.feature import FeatureSource

__all__ = ["heights_of"]


def heights_of(
    footprints: gpd.GeoSeries,
    *,
    height: Path | None = None,
    dsm: Path | None = None,
    dtm: Path | None = None,
) -> pd.Series:
    """Height of each footprint above ground.

    Parameters
    ----------
    footprints : GeoSeries of polygons
    height : path, optional
        Raster of heights above ground (nDSM, CHM).
    dsm, dtm : path, optional
        Surface and terrain; used together where `height` is not given.

    Returns
    -------
    Series, m, named "height_m"
        Missing outside the raster, where it has no data, and where the height is not above 0.

    Raises
    ------
    ProjectError
        Neither `height` nor both `dsm` and `dtm` are given, or a raster has no CRS.
    SourceError
        A raster cannot be read.
    """
    if height is not None:
        mean = _mean(footprints, height)
    elif dsm is not None and dtm is not None:
        mean = _mean(footprints, dsm) - _mean(footprints, dtm)
    else:
        raise ProjectError(
            "Heights need [layers.height], or both [layers.dsm] and [layers.dtm].",
            "建筑高度需要 [layers.height]，或同时提供 [layers.dsm] 与 [layers.dtm]。",
        )
    usable = np.where(mean > 0, mean, np.nan)
    return pd.Series(usable, index=footprints.index, name="height_m")


def _mean(footprints: gpd.GeoSeries, path: Path) -> npt.NDArray[np.float64]:
    try:
        from exactextract import exact_extract  # noqa: PLC0415  (there is no wheel for every machine)
    except ImportError as error:
        raise ProjectError(
            "Heights from rasters need the package exactextract, which is not installed on this machine. "
            "Install it, or leave out [layers.height], [layers.dsm] and [layers.dtm].",
            "从栅格取建筑高度需要 exactextract 软件包，本机未安装。"
            "请安装，或去掉 [layers.height]、[layers.dsm]、[layers.dtm]。",
        ) from error
    try:
        with rasterio.open(path) as raster:
            if raster.crs is None:
                raise ProjectError(
                    f"{path}: the raster has no CRS. Expected one; assign it in QGIS or with gdal_edit -a_srs.",
                    f"{path}：栅格没有坐标系。请在 QGIS 中指定，或使用 gdal_edit -a_srs。",
                )
            placed = footprints.reset_index(drop=True).to_crs(raster.crs)
            # What is nowhere (no shape, an empty one, one beyond the projection) has no finite bounds.
            placed = placed[np.isfinite(placed.bounds).all(axis=1)]
            table = exact_extract(
                raster, _source(placed), ["mean"], output="pandas", include_cols=["row"], strategy="raster-sequential"
            )
    except rasterio.errors.RasterioIOError as error:
        raise SourceError(
            f"{path}: not a raster that can be read ({error}).", f"{path}：无法作为栅格读取（{error}）。"
        ) from error
    means = table.set_index("row")["mean"].reindex(range(len(footprints)))
    return np.asarray(means, dtype="float64")


def _source(shapes: gpd.GeoSeries) -> FeatureSource:
    """Give shapes to exactextract as WKB; of a frame it would make a GeoJSON text for each of them."""
    from exactextract.feature import Feature, FeatureSource  # noqa: PLC0415

    class Footprint(Feature):  # type: ignore[misc]
        def __init__(self, row: int, wkb: bytes) -> None:
            super().__init__()
            self._row, self._wkb = row, wkb

        def fields(self) -> list[str]:
            return ["row"]

        def get(self, _field: str) -> int:
            return self._row

        def geometry(self) -> bytes:
            return self._wkb

    class Footprints(FeatureSource):  # type: ignore[misc]
        def count(self) -> int:
            return len(shapes)

        def __iter__(self) -> Iterator[Footprint]:
            return map(Footprint, shapes.index.tolist(), shapes.to_wkb())

        def srs_wkt(self) -> str:
            return str(shapes.crs.to_wkt())

    return Footprints()
