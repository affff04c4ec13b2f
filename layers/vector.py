"""Layers of shapes, as they stand in the file: nothing is renamed, converted or mended here.

Knows what each format needs: the encoding of a .dbf, a lost .shx (rebuilt on a copy), closed lines of a
drawing (they are areas), second names and coded values of a geodatabase, the multipolygons of an OSM
extract, parts of a GeoParquet folder. Arrow carries the data where the driver is safe with it; a file
geodatabase is read without it. Files cut in the middle are told, also where a driver would pass over it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj
import shapely
from pyarrow import feather

from layers import encoding as enc
from layers.errors import SourceError, first, nearest
from layers.meanings import gdb_meanings, gpkg_meanings
from layers.raw import Raw, Sublayer, cut_text, distinct_titles, driver_options, pull, tell_encoding, told
from layers.shapefile import read_shapefile, record_count
from layers.sources import Source
from layers.storage import let_go
from layers.titles import guess_role

__all__ = ["choose", "in_pieces", "read_vector", "sublayers"]

_ARROW = frozenset({"GPKG", "FlatGeobuf"})
#: GeoParquet with more rows than this is read in pieces, where pieces are asked for; of about so many rows.
_WHOLE, _PIECE = 2_000_000, 200_000


def sublayers(source: Source) -> list[Sublayer]:
    """List the layers of a file."""
    if source.format == "Parquet":
        return [_parquet_layer(source)]
    if source.format == "ESRI Shapefile":  # not asked of the driver: it wants an index, which may be lost
        kind = "Unknown" if source.path.suffix.lower() == ".shp" else None
        return [Sublayer(source.path.stem, kind, (), record_count(source.path))]
    with told(source):
        found = []
        for name, geometry in pyogrio.list_layers(source.path):
            titles: Sequence[str] = ()
            rows = -1
            if source.format != "OSM":
                titles, rows = _header(source.path, str(name))
            found.append(Sublayer(str(name), None if geometry is None else str(geometry), tuple(titles), rows))
    return found


def _header(path: Path, layer: str) -> tuple[list[str], int]:
    info = pyogrio.read_info(path, layer=layer)
    return [str(title) for title in info["fields"]], int(info["features"])


def _parquet_layer(source: Source) -> Sublayer:
    with told(source):
        files = _parts(source.path)
        schema = pq.read_schema(files[0])
        rows = sum(pq.read_metadata(file).num_rows for file in files)
    has_geo = b"geo" in (schema.metadata or {}) or bool(_geometry_column(schema.names))
    titles = [name for name in schema.names if name not in ("geometry", "bbox")]
    return Sublayer(None, "Unknown" if has_geo else None, tuple(titles), rows)


def _parts(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(one for one in path.rglob("*") if one.suffix.lower() in (".parquet", ".geoparquet"))


def choose(
    found: Sequence[Sublayer], source: Source, layer: str | None, role: str | None
) -> tuple[Sublayer, list[str]]:
    """Choose one layer of a file.

    The one named; else the only one; else the only one whose name and columns look like `role`; else the
    first with areas. OSM extracts: the multipolygons.

    Returns
    -------
    (chosen, others)
        Names of the layers not taken.

    Raises
    ------
    SourceError
        The file holds no layer, or none of that name (the nearest is told).
    """
    if not found:
        raise SourceError(
            f'"{source.shown}" holds no layer. Expected at least one; export it again.',
            f"“{source.shown}”中没有图层。请重新导出。",
        )
    names = [str(one.name) for one in found]
    if layer is not None:
        return _named(found, source, layer), [name for name in names if name != layer]
    if len(found) == 1:
        return found[0], []
    chosen = None
    if source.format == "OSM":
        chosen = next((one for one in found if one.name == "multipolygons"), None)
    if chosen is None and role:
        fitting = [one for one in found if guess_role(str(one.name), one.titles, one.geometry)[0] == role]
        named = [one for one in fitting if guess_role(str(one.name), (), one.geometry)[0] == role]
        chosen = next(iter(named or fitting), None)
    chosen = chosen or next((one for one in found if one.geometry and "Polygon" in one.geometry), None)
    chosen = chosen or next((one for one in found if one.geometry), found[0])
    return chosen, [name for name in names if name != chosen.name]


def _named(found: Sequence[Sublayer], source: Source, layer: str) -> Sublayer:
    for same in (lambda name: name == layer, lambda name: str(name).casefold() == layer.casefold()):
        for one in found:
            if same(one.name):
                return one
    names = [str(one.name) for one in found if one.name is not None]
    if not names:
        return found[0]
    like = nearest(layer, names)
    hint_en, hint_zh = (f' Did you mean "{like}"?', f"是否指“{like}”？") if like else ("", "")
    raise SourceError(
        f'"{source.shown}" has no layer "{layer}".{hint_en} Layers in it: {first(names, 20)}.',
        f"“{source.shown}”中没有图层“{layer}”。{hint_zh}其中有：{first(names, 20)}。",
    )


def read_vector(
    source: Source,
    sublayer: Sublayer,
    *,
    role: str | None,
    encoding: str | None,
    work: Path,
    limit: int | None = None,
) -> Raw:
    """Read one layer as it stands; columns that bear one title twice are told apart by a number.

    Parameters
    ----------
    source, sublayer : Source, Sublayer
        What to read.
    role : str or None
        Name of the layer for findings.
    encoding : str or None
        Given by the user; else declared or judged.
    work : Path
        A folder to write copies in.
    limit : int, optional
        Read so many rows only.
    """
    with told(source):
        if source.format == "Parquet":
            raw = _read_parquet(source, sublayer, limit)
        elif source.format == "ESRI Shapefile":
            raw = read_shapefile(source, role or "", encoding, work, limit)
        else:
            raw = _read_ogr(source, sublayer, role or "", encoding, work, limit)
    raw.rows, raw.total = len(raw.frame), max(sublayer.rows, len(raw.frame))
    distinct_titles(raw, role or "")
    return raw


def _read_ogr(
    source: Source, sublayer: Sublayer, role: str, encoding: str | None, work: Path, limit: int | None
) -> Raw:
    path, settled, config = source.path, None, {}
    if source.format == "GeoJSON":
        path, settled = _utf8_copy(path, encoding, work)
    if source.format == "DXF":
        _require_end(source)
        settled = enc.given(encoding) if encoding else enc.of_dxf(path)
        config = {"DXF_ENCODING": {"GB18030": "CP936"}.get(settled.value, settled.value)}
    with driver_options(config):
        raw = pull(source, path, sublayer.name, limit, use_arrow=source.format in _ARROW)
    raw.encoding = settled or enc.Encoding("UTF-8", "declared")
    if settled is not None and source.format in ("GeoJSON", "DXF"):
        tell_encoding(raw, role)
    if source.format == "DXF":
        raw.frame = _close_lines(raw.frame)
    if source.format == "OpenFileGDB":
        raw.aliases = gdb_meanings(path, sublayer.name, raw.frame)
    if source.format == "GPKG":
        raw.aliases = gpkg_meanings(path, sublayer.name, raw.frame)
    return raw


def _utf8_copy(path: Path, encoding: str | None, work: Path) -> tuple[Path, enc.Encoding]:
    settled = enc.given(encoding) if encoding else enc.of_text(path)
    if settled.value.casefold() in ("utf-8", "utf-8-sig") or settled.how == "ascii":
        return path, enc.Encoding("UTF-8", "declared")
    work.mkdir(parents=True, exist_ok=True)
    copy = work / f"{path.stem}.geojson"
    with path.open(encoding=settled.value, errors="replace") as old, copy.open("w", encoding="utf-8") as new:
        while block := old.read(1 << 20):
            new.write(block)
    return copy, settled


def _require_end(source: Source) -> None:
    """A DXF ends with EOF; one without was cut."""
    with source.path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(file.tell() - 200, 0))
        if b"EOF" not in file.read():
            raise SourceError(*cut_text(source.shown))


def _close_lines(frame: pd.DataFrame) -> pd.DataFrame:
    """Closed lines of a drawing are areas: parcels are drawn as polylines."""
    drawn = gpd.GeoDataFrame(frame)
    shapes = np.array(drawn.geometry.values, dtype="object")
    closed = (shapely.get_type_id(shapes) == shapely.GeometryType.LINESTRING) & shapely.is_closed(shapes)
    closed &= shapely.get_num_coordinates(shapes) >= 4
    for place in np.flatnonzero(closed):
        shapes[place] = shapely.Polygon(shapes[place].coords)
    closed_lines: pd.DataFrame = drawn.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=drawn.crs))
    return closed_lines


def _read_parquet(source: Source, sublayer: Sublayer, limit: int | None) -> Raw:
    if source.groups is not None:
        return _read_groups(source)
    files = _parts(source.path)
    schema = pq.read_schema(files[0])
    if b"geo" in (schema.metadata or {}):
        keep = [name for name in schema.names if name != "bbox" or not _is_box(schema)]
        parts = [gpd.read_parquet(file, columns=None if keep == schema.names else keep) for file in files]
        crs = parts[0].crs
    else:
        parts = [pd.read_parquet(file) for file in files]
        crs = None
    let_go()
    frame = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
    frame = frame.reset_index(drop=True) if not isinstance(frame.index, pd.RangeIndex) else frame
    name = _geometry_column(list(map(str, frame.columns)))
    if not isinstance(frame, gpd.GeoDataFrame) and name:
        frame = _from_bytes(frame, name)
    return Raw(frame.iloc[:limit] if limit else frame, source, sublayer.name, crs=crs)


def in_pieces(source: Source) -> list[Source]:
    """Return the pieces of a Parquet source of millions of rows, each of whole row groups; else the source."""
    if source.format != "Parquet":
        return [source]
    pieces: list[Source] = []
    total = 0
    with told(source):
        for file in _parts(source.path):
            metadata = pq.read_metadata(file)
            first, rows = 0, 0
            for group in range(metadata.num_row_groups):
                rows += metadata.row_group(group).num_rows
                if rows >= _PIECE or group == metadata.num_row_groups - 1:
                    pieces.append(replace(source, path=file, groups=range(first, group + 1), start=total))
                    total += rows
                    first, rows = group + 1, 0
    return pieces if total > _WHOLE else [source]


def _read_groups(source: Source) -> Raw:
    """Read some row groups of one file; rows keep the numbers they have in the whole."""
    with pq.ParquetFile(source.path) as file:
        names = [name for name in file.schema_arrow.names if name != "bbox" or not _is_box(file.schema_arrow)]
        table = file.read_row_groups(list(source.groups or ()), columns=names)
    frame: pd.DataFrame
    crs: pyproj.CRS | None = None
    if b"geo" in (table.schema.metadata or {}):
        held = pa.BufferOutputStream()
        feather.write_feather(table, held, compression="uncompressed")  # geopandas reads files, not tables
        drawn = gpd.read_feather(pa.BufferReader(held.getvalue()))
        frame, crs = drawn, drawn.crs
    else:
        frame = table.to_pandas()
        name = _geometry_column(list(map(str, frame.columns)))
        frame = _from_bytes(frame, name) if name else frame
    frame.index = pd.RangeIndex(source.start, source.start + len(frame))
    return Raw(frame, source, None, crs=crs)


def _is_box(schema: pa.Schema) -> bool:
    """Whether the column "bbox" is the covering of GeoParquet, not one of the data."""
    return bool(pa.types.is_struct(schema.field("bbox").type))


def _geometry_column(titles: Sequence[str]) -> str | None:
    return next(
        (
            title
            for title in titles
            if title.casefold() in ("geometry", "geom", "wkb_geometry", "wkb", "the_geom", "shape")
        ),
        None,
    )


def _from_bytes(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    sample = frame[name].dropna()
    if sample.empty or not isinstance(sample.iloc[0], (bytes, str)):
        return frame
    read: Callable[..., Any] = shapely.from_wkb if isinstance(sample.iloc[0], bytes) else shapely.from_wkt
    values = frame[name].astype("object")
    shapes = read(values.where(values.notna(), None).to_numpy(dtype="object"), on_invalid="ignore")
    drawn: pd.DataFrame = gpd.GeoDataFrame(frame.drop(columns=name), geometry=gpd.GeoSeries(shapes, index=frame.index))
    return drawn
