"""`map -o city.pmtiles`: the areas of `results.gpkg` as vector tiles for a GIS or a map server (`write_tiles`).

GDAL cuts each layer into tiles, `tile_archive` puts them together. Tiles are Web Mercator on a grid, so nothing is to
be measured on them. No parcel is left out to make a tile smaller. What a public run must not tell is not in its layers.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import geopandas as gpd
import pyogrio

from geo.assessment import Assessment
from geo.maps.content import title_of
from geo.planned import Planned
from geo.report.gpkg import result_layers
from geo.report.gpkg_file import Layer, plain_columns
from layers.errors import ParkwiseError, ProjectError

__all__ = ["is_tiles", "write_tiles"]

#: Layers of the tiles, and the zoom level each begins with.
LAYERS = {"districts": 5, "zones": 5, "parks": 5, "candidate_groups": 9, "parcels": 11, "candidates": 11, "plan": 11}
MOST_ZOOM = 14
#: GDAL drops shapes of tiles that are larger; these are beyond any.
_NO_LIMIT = {"MAX_SIZE": "2000000000", "MAX_FEATURES": "2000000000"}


def is_tiles(path: Path) -> bool:
    """Tell whether a file is to be an archive of tiles.

    Examples
    --------
    >>> is_tiles(Path("city.PMTiles")), is_tiles(Path("map.html"))
    (True, False)
    """
    return path.suffix.lower() == ".pmtiles"


def write_tiles(assessment: Assessment, path: str | Path, plan: Planned | None = None) -> dict[str, int]:
    """Write the layers of an assessment as PMTiles (矢量瓦片).

    Parameters
    ----------
    assessment : Assessment
        With land.
    path : path
        The file to make.
    plan : Planned, optional
        What was planned.

    Returns
    -------
    dict
        How many shapes of each layer went in; rows without a shape have no place in tiles.

    Raises
    ------
    ParkwiseError
        The package pmtiles is not installed.
    ProjectError
        There are no parcels.
    """
    try:
        from geo.report.tile_archive import join  # noqa: PLC0415  (an optional extra)
    except ImportError as error:
        raise ParkwiseError(
            f"Tiles need the package pmtiles, which is not there ({error}). "
            'Run "pip install parkwise[tiles]", or write the map as .html.',
            f"生成瓦片需要软件包 pmtiles，但未找到（{error}）。请执行 pip install parkwise[tiles]，或输出 .html 地图。",
        ) from error
    if assessment.land is None:
        raise ProjectError(
            "Tiles need parcels, but the project has no parcels layer. Add [layers.parcels] with a source.",
            "生成瓦片需要地块，但项目没有 parcels（地块）图层。请增加 [layers.parcels] 并指定 source。",
        )
    shown = {layer.name: _shapes(layer) for layer in result_layers(assessment, None, plan) if layer.name in LAYERS}
    shown = {name: frame for name, frame in shown.items() if len(frame)}
    with tempfile.TemporaryDirectory(prefix=".tiles-", dir=Path(path).parent) as work:
        files = [_cut(frame, Path(work) / f"{name}.pmtiles", name) for name, frame in shown.items()]
        join(files, Path(path), _told(assessment), LAYERS["parcels"])
    return {name: len(frame) for name, frame in shown.items()}


def _shapes(layer: Layer) -> gpd.GeoDataFrame:
    """The rows that have a shape, in plain columns and in the plane of the tiles."""
    frame = layer.frame
    there = ~(frame.geometry.isna() | frame.geometry.is_empty)
    return gpd.GeoDataFrame(plain_columns(frame[there]), crs=frame.crs).to_crs(3857)


def _cut(frame: gpd.GeoDataFrame, file: Path, name: str) -> Path:
    pyogrio.write_dataframe(
        frame, file, layer=name, driver="PMTiles", geometry_type="MultiPolygon", promote_to_multi=True,
        dataset_options={"NAME": name, "MINZOOM": str(LAYERS[name]), "MAXZOOM": str(MOST_ZOOM), **_NO_LIMIT},
    )  # fmt: skip
    return file


def _told(assessment: Assessment) -> dict[str, str]:
    title = title_of(assessment, assessment.project.language)
    return {
        "name": title["page"],
        "description": " ".join(filter(None, (title["as_of"], title["synthetic"], title["public"]))),
    }
