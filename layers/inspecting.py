"""What a file is, before anybody relies on it: layers, rows, CRS, encoding, extent, columns and their meaning.

Looks at the first rows only where a file is large; counts and extents are the file's own. Gives plain
values that can be written as JSON. Rasters are told too: size, cell, nodata. Decides nothing.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import rasterio
import shapely
from rasterio.errors import RasterioIOError
from rasterio.warp import transform_bounds

from layers import crs as doctor
from layers import findings as faults
from layers import schema
from layers.errors import SourceError
from layers.loading import read_sublayer, settle_crs, sublayers
from layers.postgis_tables import full_name
from layers.raw import Raw, Sublayer
from layers.sources import DATABASE, RASTERS, SHEETS, Source, open_sources
from layers.vector import choose

__all__ = ["info"]

#: Rows looked at to tell columns, units and CRS.
SAMPLE = 2_000


def info(source: str | Path | Sequence[str | Path], layer: str | None = None) -> dict[str, Any]:
    """Say what a source is (文件信息).

    Parameters
    ----------
    source : path, address or list of them
        A file, a zip, a folder, a database or several of them.
    layer : str, optional
        Look at this layer or table only.

    Returns
    -------
    dict
        ``path``, ``format`` and ``layers``; each layer with ``name``, ``source``, ``rows``, ``geometry``, ``crs``,
        ``encoding``, ``extent``, ``extent_lonlat``, ``columns``, ``duplicate_titles``, ``role`` and ``findings``.

    Raises
    ------
    SourceError
        Missing, damaged, or of a kind that cannot be read.
    """
    shown = [str(source)] if isinstance(source, (str, Path)) else [str(one) for one in source]
    with (
        open_sources(source, everything=True) as found,
        tempfile.TemporaryDirectory(prefix="parkwise-", ignore_cleanup_errors=True) as work,
    ):
        told = []
        for number, one in enumerate(found):
            told += _layers(one, Path(work) / str(number), layer)
        formats = sorted({one.format for one in found})
    return {
        "path": shown[0] if len(shown) == 1 else shown,
        "format": formats[0] if len(formats) == 1 else formats,
        "layers": told,
    }


def _layers(source: Source, work: Path, layer: str | None) -> list[dict[str, Any]]:
    if source.problem is not None:
        return [
            {"name": source.stem, "source": source.shown, "problem": source.problem.en, "problem_zh": source.problem.zh}
        ]
    if source.format in RASTERS:
        return [_raster(source)]
    inside = sublayers(source)
    if source.format == DATABASE:
        layer = full_name(inside, layer)
    if layer is not None:
        inside = [choose(inside, source, layer, None)[0]]
    if source.format == DATABASE and len(inside) > 1:
        return [_table(source, one, work / str(number)) for number, one in enumerate(inside)]
    return [_layer(source, one, work / str(number), alone=len(inside) == 1) for number, one in enumerate(inside)]


def _table(source: Source, sublayer: Sublayer, work: Path) -> dict[str, Any]:
    """Say what a table is; one of many may be closed to this role."""
    try:
        return _layer(source, sublayer, work, alone=False)
    except SourceError as problem:
        shown = {"name": sublayer.name, "source": source.shown}
        return shown | {"problem": problem.en, "problem_zh": problem.zh}


def _layer(source: Source, sublayer: Sublayer, work: Path, *, alone: bool) -> dict[str, Any]:
    limit = None if source.format in SHEETS | {"OSM"} else SAMPLE
    raw = read_sublayer(source, sublayer, None, None, work, limit)
    titles = [str(title) for title in raw.frame.columns if title != "geometry"]
    kind = _kind(raw, sublayer)
    name = sublayer.name or source.stem
    # What a file holds alone is called by the file: "entities" of a drawing and "Sheet1" tell nothing.
    hint = f"{name} {source.stem}" if alone and name != source.stem else name
    role, why = schema.guess_role(hint, titles, kind, raw.frame)
    rows = raw.total if limit else raw.rows
    verdict = settle_crs(raw, role, None, None)
    declared = doctor.describe(raw.crs) if raw.crs is not None else None
    used = verdict.crs if verdict is not None else None
    columns, found = _columns(raw, role, titles)
    extent = _extent(raw, source, sublayer, swap=verdict is not None and verdict.swap_axes)
    told = faults.concat([*raw.findings, *found])
    return {
        "name": name,
        "source": source.shown,
        "format": source.format,
        "rows": rows,
        "geometry": kind,
        "crs": {
            "declared": declared,
            "used": doctor.describe(used) if used is not None else None,
            "how": verdict.how if verdict is not None else None,
            "reason": verdict.reason_en if verdict is not None else ("no geometry" if kind is None else "no shapes"),
            "reason_zh": verdict.reason_zh if verdict is not None else ("没有图形" if kind is None else "没有可用图形"),
        },
        "encoding": {"value": raw.encoding.value, "how": raw.encoding.how} if raw.encoding else None,
        "extent": extent,
        "extent_lonlat": _lonlat(extent, used),
        "columns": columns,
        "duplicate_titles": raw.duplicates,
        "role": {"guess": role, "why": why},
        "findings": _plain(faults.summarise(told, "en"), faults.summarise(told, "zh")) if len(told) else [],
    }


def _kind(raw: Raw, sublayer: Sublayer) -> str | None:
    """Name the kind of geometry by what is there, not by what a header promises."""
    if not isinstance(raw.frame, gpd.GeoDataFrame) or raw.frame._geometry_column_name is None:
        return None
    kinds = {str(kind) for kind in raw.frame.geometry.dropna().geom_type.unique()}
    if not kinds:
        return sublayer.geometry if sublayer.geometry not in (None, "Unknown") else "Unknown"
    joined = {kind.removeprefix("Multi") for kind in kinds}
    if len(joined) == 1 and len(kinds) == 2:
        return f"Multi{joined.pop()}"
    return " and ".join(sorted(kinds))


def _columns(raw: Raw, role: str | None, titles: Sequence[str]) -> tuple[list[dict[str, Any]], list[pd.DataFrame]]:
    by_title: Mapping[str, tuple[str, dict[str, Any]]] = {}
    found: list[pd.DataFrame] = []
    if role is not None:
        frame = raw.frame.copy()
        frame.attrs = {"aliases": raw.aliases, "notes": raw.notes, "cut_titles": raw.source.format == "ESRI Shapefile"}
        canonical = schema.canonicalise(frame, role)
        by_title = {str(entry["title"]): (column, entry) for column, entry in canonical.attrs["columns"].items()}
        found = [pd.DataFrame(canonical.attrs["findings"], columns=list(faults.COLUMNS))]
    told = []
    for title in titles:
        column, entry = by_title.get(title, (None, {}))
        told.append(
            {
                "title": title,
                "alias": raw.aliases.get(title),
                "type": _type(raw.frame[title]),
                "canonical": column,
                "unit": entry.get("unit"),
                "how": entry.get("how"),
                "unit_how": entry.get("unit_how"),
                "example": _example(raw.frame[title]),
            }
        )
    return told, found


def _type(column: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(column):
        return "boolean"
    if pd.api.types.is_integer_dtype(column):
        return "integer"
    if pd.api.types.is_numeric_dtype(column):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(column):
        return "date"
    return "text"


def _example(column: pd.Series) -> str | None:
    filled = column.dropna()
    if filled.empty:
        return None
    text = str(filled.iloc[0]).strip()
    return text if len(text) <= 60 else f"{text[:60]}…"


def _extent(raw: Raw, source: Source, sublayer: Sublayer, *, swap: bool) -> list[float] | None:
    """Bounds in the coordinates of the layer; of all its rows where the file knows them."""
    if not isinstance(raw.frame, gpd.GeoDataFrame) or raw.frame.geometry.isna().all():
        return None
    bounds = [float(number) for number in shapely.total_bounds(raw.frame.geometry.values)]
    if raw.extent is not None:
        west, south, east, north = raw.extent
        bounds = [south, west, north, east] if swap else [west, south, east, north]
    elif raw.total > len(raw.frame) and source.format not in SHEETS | {"OSM", "Parquet"}:  # read whole, or known above
        west, south, east, north = pyogrio.read_info(
            source.path,
            layer=sublayer.name,
            force_total_bounds=True,
            encoding="ISO-8859-1" if source.format == "ESRI Shapefile" else None,
        )["total_bounds"]
        bounds = [south, west, north, east] if swap else [west, south, east, north]
    return [float(number) for number in bounds] if np.isfinite(bounds).all() else None


def _lonlat(extent: Sequence[float] | None, crs: Any) -> list[float] | None:  # noqa: ANN401 (a CRS of pyproj or rasterio)
    if extent is None or crs is None:
        return None
    bounds = transform_bounds(crs.to_wkt(), "EPSG:4326", *extent)
    return [round(float(number), 6) for number in bounds] if all(map(math.isfinite, bounds)) else None


def _plain(en: pd.DataFrame, zh: pd.DataFrame) -> list[dict[str, Any]]:
    """Return findings in both languages, one entry a code and column."""
    chinese = zh[["title", "expected", "remedy"]].add_suffix("_zh")
    both = pd.concat([en.reset_index(drop=True), chinese.reset_index(drop=True)], axis=1)
    records = both.drop(columns="layer").to_dict("records")
    return [
        {str(key): value for key, value in record.items()}
        | {"count": int(record["count"]), "blocks": bool(record["blocks"])}
        for record in records
    ]


def _raster(source: Source) -> dict[str, Any]:
    try:
        with rasterio.open(source.path) as raster:
            extent = [float(number) for number in raster.bounds]
            nodata = raster.nodata
            return {
                "name": source.stem,
                "source": source.shown,
                "format": source.format,
                "rows": raster.width * raster.height,
                "geometry": "Raster",
                "crs": {
                    "declared": raster.crs.to_string() if raster.crs else None,
                    "used": raster.crs.to_string() if raster.crs else None,
                    "how": "declared" if raster.crs else None,
                    "reason": "declared by the file" if raster.crs else "the file declares none",
                    "reason_zh": "文件声明" if raster.crs else "文件没有声明",
                },
                "encoding": None,
                "extent": extent,
                "extent_lonlat": _lonlat(extent, raster.crs) if raster.crs else None,
                "size": [raster.width, raster.height],
                "cell": [abs(float(raster.transform.a)), abs(float(raster.transform.e))],
                "nodata": None if nodata is None or math.isnan(nodata) else float(nodata),
                "type": str(raster.dtypes[0]),
                "bands": raster.count,
                "columns": [],
                "duplicate_titles": [],
                "role": _raster_role(source.stem),
                "findings": [],
            }
    except RasterioIOError as error:
        raise SourceError(
            f'"{source.shown}" cannot be read as a raster; it may be damaged ({error}). Export it again.',
            f"“{source.shown}”无法按栅格读取，可能已损坏（{error}）。请重新导出。",
        ) from None


def _raster_role(name: str) -> dict[str, str | None]:
    words = {
        "dsm": "dsm",
        "dtm": "dtm",
        "dem": "dtm",
        "hag": "height",
        "chm": "height",
        "ndsm": "height",
        "height": "height",
        "高度": "height",
        "viirs": "night_lights",
        "ntl": "night_lights",
        "nightlight": "night_lights",
        "night_light": "night_lights",
        "夜光": "night_lights",
        "夜间灯光": "night_lights",
    }
    role = next((words[word] for word in sorted(words, key=len, reverse=True) if word in name.casefold()), None)
    return {"guess": role, "why": "name of the file" if role else "the name does not tell"}
