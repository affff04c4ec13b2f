"""Layers on their way out: one file, whole or not at all, that other programs open without harm.

GeoPackage is the default. GeoParquet carries boxes for spatial filters, and a folder of its parts is for
layers larger than memory; GeoJSON is in longitude and latitude; CSV has a mark so that a spreadsheet reads
Chinese; a shapefile gets short ASCII field names, its table of names beside it (`.字段对照.csv`), and is read
back before it counts as written. What a format cannot hold (text of a shapefile beyond 254 bytes) is an
error, not a silent cut.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio

from layers.errors import OutputError, first, nearest
from layers.output import new_files
from layers.partitioning import write_partitions
from layers.raw import driver_options

__all__ = ["FORMATS", "short_names", "write"]

#: Suffix → format.
FORMATS: Mapping[str, str] = {
    ".gpkg": "GPKG",
    ".parquet": "Parquet",
    ".geoparquet": "Parquet",
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".fgb": "FlatGeobuf",
    ".csv": "CSV",
    ".shp": "ESRI Shapefile",
}

_TEXT_BYTES = 254


def write(
    frame: pd.DataFrame,
    path: str | Path,
    *,
    layer: str | None = None,
    partition: int | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a layer (写出图层); the suffix names the format.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        Unchanged.
    path : path
        ``.gpkg`` (also without suffix), ``.parquet``, ``.geojson``, ``.fgb``, ``.csv`` or ``.shp``.
    layer : str, optional
        Name of the layer inside; else ``attrs["layer"]`` or the name of the file.
    partition : int, optional
        Write a folder of GeoParquet files instead, each with about so many rows that lie beside each other; the
        path has no suffix then. `open_partitions` reads it by part and by box, `read` as a whole.
    overwrite : bool
        Replace a file that is there.

    Returns
    -------
    Path
        The file or folder written.

    Raises
    ------
    OutputError
        The file is there already, the suffix is not known, the layer has no geometry where the format needs
        one, or the place cannot be written.
    """
    target = Path(path)
    if partition is not None:
        return _partitioned(frame, target, layer, partition, overwrite=overwrite)
    target = target.with_name(f"{target.name}.gpkg") if not target.suffix else target
    form = FORMATS.get(target.suffix.lower())
    if form is None:
        like = nearest(target.suffix.lower(), FORMATS) or ".gpkg"
        raise OutputError(
            f'"{target.name}": no format has the suffix "{target.suffix}". Use one of {", ".join(FORMATS)} ({like}).',
            f"“{target.name}”：不认识后缀“{target.suffix}”。可用 {'、'.join(FORMATS)}，例如“{like}”。",
        )
    drawn = isinstance(frame, gpd.GeoDataFrame) and frame._geometry_column_name is not None
    if not drawn and form not in ("CSV", "Parquet", "GPKG"):
        raise OutputError(
            f'"{target.name}": the frame has no geometry, which {form} needs. Write it as .csv or .parquet.',
            f"“{target.name}”：数据没有图形，而 {form} 需要图形。请写为 .csv 或 .parquet。",
        )
    name = layer or str(frame.attrs.get("layer") or target.stem)
    plain = frame.copy(deep=False)
    plain.attrs = {}
    with new_files(target.parent, _names(target, form), overwrite=overwrite) as work:
        try:
            _WRITERS[form](plain, work / target.name, name)
        except (
            pyogrio.errors.DataSourceError,
            pyogrio.errors.FeatureError,
            pyogrio.errors.FieldError,
            pyogrio.errors.GeometryError,
        ) as error:
            raise OutputError(
                f'"{target.name}" cannot be written as {form}: {error}.',
                f"“{target.name}”无法写为 {form}：{error}。",
            ) from error
    return target


def _partitioned(frame: pd.DataFrame, target: Path, layer: str | None, rows: int, *, overwrite: bool) -> Path:
    if target.suffix.lower() in FORMATS:
        raise OutputError(
            f'"{target.name}": with partition= a folder is written. Leave out "{target.suffix}".',
            f"“{target.name}”：指定 partition 时写出的是文件夹。请去掉“{target.suffix}”。",
        )
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        raise OutputError(
            f'"{target.name}": the frame has no geometry, by which it could be partitioned. Write it as .parquet.',
            f"“{target.name}”：数据没有图形，无法按空间分块。请写为 .parquet。",
        )
    name = layer or str(frame.attrs.get("layer") or target.name)
    return Path(write_partitions(frame, target, rows=rows, layer=name, overwrite=overwrite).location)


def _names(target: Path, form: str) -> list[str]:
    if form == "ESRI Shapefile":
        return [f"{target.stem}{ending}" for ending in (".shp", ".shx", ".dbf", ".prj", ".cpg", ".字段对照.csv")]
    return [target.name]


def _gpkg(frame: pd.DataFrame, path: Path, layer: str) -> None:
    pyogrio.write_dataframe(_simple(frame), path, layer=layer, driver="GPKG", promote_to_multi=False)


def _parquet(frame: pd.DataFrame, path: Path, layer: str) -> None:  # noqa: ARG001 (a parquet file has no layers)
    if isinstance(frame, gpd.GeoDataFrame):
        frame.to_parquet(path, index=False, write_covering_bbox=True, schema_version="1.1.0")
    else:
        frame.to_parquet(path, index=False)


def _geojson(frame: pd.DataFrame, path: Path, layer: str) -> None:
    shapes = gpd.GeoDataFrame(frame)
    degrees = shapes if shapes.crs is None else shapes.to_crs(4326)
    pyogrio.write_dataframe(
        _simple(degrees),
        path,
        layer=layer,
        driver="GeoJSON",
        layer_options={"RFC7946": "YES", "COORDINATE_PRECISION": "9"},
    )


def _flatgeobuf(frame: pd.DataFrame, path: Path, layer: str) -> None:
    pyogrio.write_dataframe(_simple(frame), path, layer=layer, driver="FlatGeobuf")


def _csv(frame: pd.DataFrame, path: Path, layer: str) -> None:  # noqa: ARG001 (a table has no layers)
    table = pd.DataFrame(frame)
    if isinstance(frame, gpd.GeoDataFrame):
        table = table.assign(geometry=frame.geometry.to_wkt()).rename(columns={"geometry": "WKT"})
    table.to_csv(path, index=False, encoding="utf-8-sig", date_format="%Y-%m-%d")


def _shapefile(frame: pd.DataFrame, path: Path, layer: str) -> None:
    """Write with short names, then read back and compare rows, names and shapes."""
    shapes = gpd.GeoDataFrame(_simple(frame))
    days = [title for title in shapes.columns if pd.api.types.is_datetime64_any_dtype(shapes[title])]
    shapes = shapes.assign(**{str(day): shapes[day].dt.strftime("%Y-%m-%d") for day in days})  # a .dbf has no time
    titles = [str(title) for title in shapes.columns if title != shapes.geometry.name]
    names = short_names(titles)
    _require_short_text(shapes, titles, path)
    short = shapes.rename(columns=names)
    pyogrio.write_dataframe(
        short, path, layer=layer if not layer.isascii() else None, driver="ESRI Shapefile", encoding="UTF-8"
    )
    with driver_options({"SHAPE_RESTORE_SHX": "NO"}):
        back = pyogrio.read_dataframe(path)
    read_names = [str(title) for title in back.columns if title != "geometry"]
    same = len(back) == len(short) and read_names == [names[title] for title in titles]
    if not same or not back.geometry.is_empty.equals(short.geometry.reset_index(drop=True).is_empty):
        raise OutputError(
            f'"{path.name}" does not read back the same ({len(back)} of {len(short)} rows). Write it as .gpkg.',
            f"“{path.name}”写出后读回不一致（{len(back)} / {len(short)} 行）。请改写为 .gpkg。",
        )
    table = pd.DataFrame({"字段": [names[title] for title in titles], "原字段名": titles})
    table.to_csv(path.with_name(f"{path.stem}.字段对照.csv"), index=False, encoding="utf-8-sig")


def short_names(titles: Sequence[str]) -> dict[str, str]:
    """Return title → a field name of at most 10 ASCII characters, each once.

    Examples
    --------
    >>> short_names(["parcel_id", "recorded_area_m2", "recorded_area_mu", "规划容积率"])
    {'parcel_id': 'parcel_id', 'recorded_area_m2': 'recorded_a', 'recorded_area_mu': 'recorded_1', '规划容积率': 'F4'}
    """
    taken: set[str] = set()
    names: dict[str, str] = {}
    for number, title in enumerate(titles, start=1):
        base = "".join(sign for sign in title if sign.isascii() and (sign.isalnum() or sign == "_"))
        base = base[:10] if base and base[0].isalpha() else f"F{number}"
        name, count = base, 0
        while name.casefold() in taken:
            count += 1
            name = f"{base[: 10 - len(str(count))]}{count}"
        taken.add(name.casefold())
        names[title] = name
    return names


def _require_short_text(frame: pd.DataFrame, titles: Sequence[str], path: Path) -> None:
    for title in titles:
        if not isinstance(frame[title].dtype, pd.StringDtype) and frame[title].dtype != "object":
            continue
        long = frame[title].dropna().map(lambda value: len(str(value).encode("utf-8")) > _TEXT_BYTES)
        if long.any():
            rows, count = first([str(row) for row in long.index[long]]), f"{int(long.sum())} / {len(frame)}"
            raise OutputError(
                f'"{path.name}": {count} texts of {title} are beyond {_TEXT_BYTES} bytes (rows {rows}), '
                "which a shapefile would cut. Write it as .gpkg.",
                f"“{path.name}”：{title} 有 {count} 条文字超过 {_TEXT_BYTES} 字节（第 {rows} 行），"
                "shapefile 会截断。请改写为 .gpkg。",
            )


def _simple(frame: pd.DataFrame) -> pd.DataFrame:
    """Give the drivers types they know: nullable numbers as floats where values are missing, days as dates."""
    changed: dict[Hashable, Any] = {}
    for title in frame.columns:
        column = frame[title]
        if pd.api.types.is_datetime64_any_dtype(column):
            changed[title] = column.astype("datetime64[ms]")
        elif pd.api.types.is_extension_array_dtype(column) and pd.api.types.is_bool_dtype(column):
            changed[title] = (
                column.astype("boolean").astype("object").where(column.notna(), None)
                if column.isna().any()
                else column.astype(bool)
            )
        elif isinstance(column.dtype, pd.Int64Dtype):
            changed[title] = column.astype("float64") if column.isna().any() else column.astype("int64")
        elif column.dtype == "object" and column.map(lambda value: isinstance(value, (list, dict))).any():
            changed[title] = column.map(lambda value: json.dumps(value, ensure_ascii=False))
    return frame.assign(**{str(title): column for title, column in changed.items()}) if changed else frame


_WRITERS: Mapping[str, Callable[[pd.DataFrame, Path, str], None]] = {
    "GPKG": _gpkg,
    "Parquet": _parquet,
    "GeoJSON": _geojson,
    "FlatGeobuf": _flatgeobuf,
    "CSV": _csv,
    "ESRI Shapefile": _shapefile,
}
