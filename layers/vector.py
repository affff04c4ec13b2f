"""Layers of shapes, as they stand in the file: nothing is renamed, converted or mended here.

Knows what each format needs: the encoding of a .dbf, a lost .shx (rebuilt on a copy), closed lines of a
drawing (they are areas), second names and coded values of a geodatabase, the multipolygons of an OSM
extract, parts of a GeoParquet folder. Arrow carries the data where the driver is safe with it; a file
geodatabase is read without it. Files cut in the middle are told, also where a driver would pass over it.
"""

from __future__ import annotations

import logging
import sqlite3
import struct
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
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

from layers import encoding as enc
from layers.errors import SchemaError, SourceError, nearest
from layers.findings import finding
from layers.sources import Source, copy_beside
from layers.titles import guess_role

__all__ = ["Raw", "Sublayer", "choose", "read_vector", "sublayers"]

log = logging.getLogger(__name__)

_ARROW = frozenset({"GPKG", "FlatGeobuf"})
#: Column that holds the meaning of a coded value, beside the code.
MEANING = "（含义）"


@dataclass
class Raw:
    """What one source holds, and what had to be settled to read it."""

    frame: pd.DataFrame
    source: Source
    layer: str | None = None
    encoding: enc.Encoding | None = None
    crs: pyproj.CRS | None = None
    aliases: dict[str, str] = field(default_factory=dict)
    findings: list[pd.DataFrame] = field(default_factory=list)
    set_aside: list[tuple[str, int, list[str]]] = field(default_factory=list)
    unreadable: list[int] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    notes: str = ""
    rows: int = 0
    total: int = 0
    extent: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Sublayer:
    """One layer inside a file: its name, its kind of geometry, its titles, its rows."""

    name: str | None
    geometry: str | None
    titles: tuple[str, ...]
    rows: int


def sublayers(source: Source) -> list[Sublayer]:
    """List the layers of a file."""
    if source.format == "Parquet":
        return [_parquet_layer(source)]
    with _told(source):
        found = []
        for name, geometry in pyogrio.list_layers(source.path):
            with _config({"SHAPE_RESTORE_SHX": "NO"}):
                titles: Sequence[str] = ()
                rows = -1
                if source.format != "OSM":
                    titles, rows = _header(source.path, str(name))
            found.append(Sublayer(str(name), None if geometry is None else str(geometry), tuple(titles), rows))
    return found


def _header(path: Path, layer: str) -> tuple[list[str], int]:
    info = pyogrio.read_info(
        path, layer=layer, encoding="ISO-8859-1" if path.suffix.lower() in (".shp", ".dbf") else None
    )
    return [str(title) for title in info["fields"]], int(info["features"])


def _parquet_layer(source: Source) -> Sublayer:
    with _told(source):
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
        chosen = fitting[0] if fitting else None
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
        f'"{source.shown}" has no layer "{layer}".{hint_en} Layers in it: {", ".join(names)}.',
        f"“{source.shown}”中没有图层“{layer}”。{hint_zh}其中有：{'、'.join(names)}。",
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
    with _told(source):
        if source.format == "Parquet":
            raw = _read_parquet(source, sublayer, limit)
        elif source.format == "ESRI Shapefile":
            raw = _read_shapefile(source, role or "", encoding, work, limit)
        else:
            raw = _read_ogr(source, sublayer, role or "", encoding, work, limit)
    raw.rows, raw.total = len(raw.frame), max(sublayer.rows, len(raw.frame))
    if raw.total > raw.rows and limit is None and source.format == "ESRI Shapefile":
        raise SourceError(*_cut_text(source.shown))
    _distinct_titles(raw, role or "")
    return raw


def _read_ogr(
    source: Source, sublayer: Sublayer, role: str, encoding: str | None, work: Path, limit: int | None
) -> Raw:
    path, settled, config = source.path, None, {}
    if source.format == "GeoJSON":
        path, settled = _utf8_copy(path, encoding, work)
    if source.format == "DXF":
        _require_end(source)
        settled = enc.Encoding(encoding, "given") if encoding else enc.of_dxf(path)
        config = {"DXF_ENCODING": {"GB18030": "CP936"}.get(settled.value, settled.value)}
    with _config(config):
        raw = _pyogrio(source, path, sublayer.name, limit, use_arrow=source.format in _ARROW)
    raw.encoding = settled or enc.Encoding("UTF-8", "declared")
    if settled is not None and source.format in ("GeoJSON", "DXF"):
        _tell_encoding(raw, role)
    if source.format == "DXF":
        raw.frame = _close_lines(raw.frame)
    if source.format == "OpenFileGDB":
        raw.aliases = _gdb_meanings(path, sublayer.name, raw.frame)
    if source.format == "GPKG":
        raw.aliases = _gpkg_meanings(path, sublayer.name, raw.frame)
    return raw


def _pyogrio(
    source: Source, path: Path, layer: str | None, limit: int | None, use_arrow: bool, encoding: str | None = None
) -> Raw:
    def read(on_invalid: str) -> pd.DataFrame:
        frame: pd.DataFrame = pyogrio.read_dataframe(
            path, layer=layer, encoding=encoding, max_features=limit, use_arrow=use_arrow, on_invalid=on_invalid
        )
        return frame

    unreadable: list[int] = []
    try:
        frame = read("raise")
    except (shapely.errors.ShapelyError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise
        frame = read("ignore")
        wkb = pyogrio.raw.read(path, layer=layer, columns=[], max_features=limit)[2]
        unreadable = [row for row, gone in enumerate(frame.geometry.isna()) if gone and wkb[row] is not None]
    crs = frame.crs if isinstance(frame, gpd.GeoDataFrame) and frame._geometry_column_name else None  # noqa: SLF001
    return Raw(frame, source, layer, crs=crs, unreadable=unreadable)


def _utf8_copy(path: Path, encoding: str | None, work: Path) -> tuple[Path, enc.Encoding]:
    settled = enc.Encoding(encoding, "given") if encoding else enc.of_text(path)
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
            raise SourceError(*_cut_text(source.shown))


def _close_lines(frame: pd.DataFrame) -> pd.DataFrame:
    """Closed lines of a drawing are areas: parcels are drawn as polylines."""
    shapes = np.asarray(frame.geometry.values)
    closed = (shapely.get_type_id(shapes) == shapely.GeometryType.LINESTRING) & shapely.is_closed(shapes)
    closed &= shapely.get_num_coordinates(shapes) >= 4
    shapes[closed] = shapely.polygons(shapely.linearrings(shapes[closed])) if closed.any() else shapes[closed]
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))


def _read_shapefile(source: Source, role: str, encoding: str | None, work: Path, limit: int | None) -> Raw:
    parts = _companions(source.path)
    told = []
    if ".shp" in parts:
        _require_whole(source, parts)
    settled = enc.Encoding("UTF-8", "ascii")
    if ".dbf" in parts:
        settled = enc.of_dbf(parts[".dbf"], parts.get(".cpg"))
    else:
        told.append(
            _sidecar(
                role,
                ".dbf",
                "The .dbf is missing: shapes without attributes; ask for it",
                "缺少 .dbf：只有图形而无属性；请索取",
            )
        )
    if encoding:
        settled = enc.Encoding(encoding, "given", declared=settled.declared)
    path, config = parts.get(".shp", source.path), {}
    if ".shp" in parts and ".shx" not in parts:
        path, config = copy_beside(parts[".shp"], work), {"SHAPE_RESTORE_SHX": "YES"}
        told.append(
            _sidecar(
                role, ".shx", "The index (.shx) is missing; it was rebuilt on a copy", "缺少索引 .shx；已在副本上重建"
            )
        )
    with _config(config):
        raw = _decoded(source, path, settled, limit, role)
    raw.encoding, raw.findings = settled, told + raw.findings
    _tell_encoding(raw, role)
    return raw


def _companions(path: Path) -> dict[str, Path]:
    found = {one.suffix.lower(): one for one in path.parent.glob("*") if one.stem == path.stem}
    extra = [one for one in path.parent.glob("*") if one.name.lower() == f"{path.name}.cpg".lower()]
    return found | ({".cpg": extra[0]} if extra and ".cpg" not in found else {})


def _sidecar(role: str, name: str, en: str, zh: str) -> pd.DataFrame:
    return finding("sidecar-missing", role, found=name, remedy_en=en, remedy_zh=zh)


def _require_whole(source: Source, parts: Mapping[str, Path]) -> None:
    """Compare sizes with what the headers state: a driver passes over a missing end."""
    with parts[".shp"].open("rb") as file:
        head = file.read(100)
    whole = len(head) == 100 and parts[".shp"].stat().st_size >= 2 * struct.unpack(">i", head[24:28])[0]
    if whole and ".dbf" in parts:
        with parts[".dbf"].open("rb") as file:
            head = file.read(32)
        if len(head) == 32:
            records, header, size = struct.unpack("<IHH", head[4:12])
            whole = parts[".dbf"].stat().st_size >= header + records * size
    if not whole:
        raise SourceError(*_cut_text(source.shown))


def _cut_text(shown: str) -> tuple[str, str]:
    return (
        f'"{shown}" is cut: it ends before its own header says. Copy it again in full, or export it again.',
        f"“{shown}”不完整：文件在其文件头所述长度之前结束。请重新完整复制或重新导出。",
    )


def _decoded(source: Source, path: Path, settled: enc.Encoding, limit: int | None, role: str) -> Raw:
    """Read a shapefile in an encoding; where some text does not fit, decode piece by piece."""
    codec = "utf-8" if settled.how == "ascii" else settled.value
    try:
        return _pyogrio(source, path, None, limit, use_arrow=False, encoding=codec)
    except UnicodeDecodeError:
        raw = _pyogrio(source, path, None, limit, use_arrow=False, encoding="ISO-8859-1")
    cut: list[str] = []
    titles = []
    for title in raw.frame.columns:
        text, whole = _piece(str(title), codec)
        titles.append(text)
        cut += [] if whole else [text]
    raw.frame.columns = pd.Index(titles)
    if cut:
        raw.findings.append(finding("column-name-damaged", role, ids=cut, found=cut))
    for place in range(raw.frame.shape[1]):
        column = raw.frame.iloc[:, place]
        if column.dtype == "object" or isinstance(column.dtype, pd.StringDtype):
            raw.frame.isetitem(place, _redecode(raw, column, codec, role))
    return raw


def _piece(text: str, codec: str) -> tuple[str, bool]:
    raw = text.encode("ISO-8859-1")
    decoded, sound = enc.decode(raw, codec)
    return decoded, sound and decoded.encode(codec, "replace") == raw


def _redecode(raw: Raw, column: pd.Series, codec: str, role: str) -> pd.Series:
    codes, uniques = pd.factorize(column, use_na_sentinel=True)
    pieces = [enc.decode(str(value).encode("ISO-8859-1"), codec) for value in uniques]
    bad = np.array([not sound for _, sound in pieces] + [False])[codes]
    if bad.any():
        rows = np.flatnonzero(bad)
        raw.findings.append(finding("text-damaged", role, ids=[""] * len(rows), rows=rows, column=str(column.name)))
    return pd.Series(np.array([text for text, _ in pieces] + [None], dtype="object")[codes], index=column.index).astype(
        "str"
    )


def _tell_encoding(raw: Raw, role: str) -> None:
    settled = raw.encoding
    if settled is None or settled.how != "content":
        return
    raw.findings.append(
        finding(
            "encoding-guessed",
            role,
            found=settled.value,
            encoding=settled.value,
            why_en=settled.why_en,
            why_zh=settled.why_zh,
        )
    )
    if settled.contradicts:
        raw.findings.append(
            finding(
                "encoding-declared-wrong",
                role,
                found=settled.declared,
                declared=settled.declared,
                encoding=settled.value,
            )
        )


def _read_parquet(source: Source, sublayer: Sublayer, limit: int | None) -> Raw:
    files = _parts(source.path)
    schema = pq.read_schema(files[0])
    if b"geo" in (schema.metadata or {}):
        keep = [name for name in schema.names if name != "bbox" or not pa.types.is_struct(schema.field(name).type)]
        parts = [gpd.read_parquet(file, columns=None if keep == schema.names else keep) for file in files]
        crs = parts[0].crs
    else:
        parts = [pd.read_parquet(file) for file in files]
        crs = None
    frame = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
    frame = frame.reset_index(drop=True) if not isinstance(frame.index, pd.RangeIndex) else frame
    name = _geometry_column(list(map(str, frame.columns)))
    if not isinstance(frame, gpd.GeoDataFrame) and name:
        frame = _from_bytes(frame, name)
    return Raw(frame.iloc[:limit] if limit else frame, source, sublayer.name, crs=crs)


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
    return gpd.GeoDataFrame(frame.drop(columns=name), geometry=gpd.GeoSeries(shapes, index=frame.index))


def _gdb_meanings(path: Path, layer: str | None, frame: pd.DataFrame) -> dict[str, str]:
    """Second names of the fields; the meaning of coded values goes into a column beside the code."""
    try:
        definition = str(pyogrio.read_dataframe(path, sql=f"GetLayerDefinition {layer}").iloc[0, 0])
        items = pyogrio.read_dataframe(
            path, layer="GDB_Items", columns=["Definition"], LIST_ALL_TABLES="YES", read_geometry=False
        )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, IndexError, ValueError) as error:
        log.info("no definitions in %s: %s", path, error)
        return {}
    fields = field_definitions(definition)
    domains = dict(one for text in items["Definition"].dropna() if (one := coded_domain(str(text))))
    for name, (_, domain) in fields.items():
        _add_meaning(frame, name, domains.get(domain or "", {}))
    return {name: alias for name, (alias, _) in fields.items() if alias}


def field_definitions(definition: str) -> dict[str, tuple[str | None, str | None]]:
    """Return field → (second name, domain) from the definition of a geodatabase layer."""
    root = _xml(definition)
    found = {}
    for one in root.iter("GPFieldInfoEx") if root is not None else ():
        domain = one.findtext("DomainName") or one.findtext("Domain/DomainName")
        found[one.findtext("Name") or ""] = (one.findtext("AliasName"), domain)
    return found


def coded_domain(definition: str) -> tuple[str, dict[str, str]] | None:
    """Return (name, code → meaning) of a geodatabase domain of coded values, None for other items."""
    root = _xml(definition) if "CodedValue" in definition else None
    if root is None:
        return None
    pairs = {one.findtext("Code") or "": one.findtext("Name") or "" for one in root.iter("CodedValue")}
    return (root.findtext("DomainName") or "", pairs) if pairs else None


def _xml(text: str) -> ET.Element | None:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:  # entities are how a small text swells
        return None
    try:
        return ET.fromstring(text)  # noqa: S314 (entities are refused above)
    except ET.ParseError:
        return None


def _gpkg_meanings(path: Path, layer: str | None, frame: pd.DataFrame) -> dict[str, str]:
    query = "SELECT column_name, coalesce(title, name), constraint_name FROM gpkg_data_columns WHERE table_name = ?"
    values = "SELECT value, description FROM gpkg_data_column_constraints WHERE constraint_name = ? AND constraint_type = 'enum'"
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        rows = connection.execute(query, (layer,)).fetchall()
        for name, _, constraint in rows:
            if constraint:
                pairs = connection.execute(values, (constraint,)).fetchall()
                _add_meaning(frame, name, {str(code): meaning for code, meaning in pairs if meaning})
    except sqlite3.Error:  # the extension is not there in most files
        return {}
    finally:
        connection.close()
    return {name: alias for name, alias, _ in rows if alias}


def _add_meaning(frame: pd.DataFrame, name: str, meanings: Mapping[str, str]) -> None:
    if meanings and name in frame:
        keys = frame[name].map(
            lambda value: str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
        )
        frame.insert(frame.columns.get_loc(name) + 1, f"{name}{MEANING}", keys.map(meanings))


def _distinct_titles(raw: Raw, role: str) -> None:
    """Tell columns of one name apart by a number, and say so."""
    seen: dict[str, int] = {}
    titles = []
    for title in map(str, raw.frame.columns):
        seen[title] = seen.get(title, 0) + 1
        titles.append(title if seen[title] == 1 else f"{title}_{seen[title]}")
        if seen[title] > 1:
            raw.duplicates.append(title)
            raw.findings.append(finding("column-duplicate", role, column=title, found=title, renamed=titles[-1]))
    if raw.duplicates:
        raw.frame.columns = pd.Index(titles)


@contextmanager
def _config(options: Mapping[str, str]) -> Iterator[None]:
    """Set options of the driver library for a moment."""
    old = {name: pyogrio.get_gdal_config_option(name) for name in options}
    pyogrio.set_gdal_config_options(dict(options))
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(old)


@contextmanager
def _told(source: Source) -> Iterator[None]:
    """Turn what the drivers raise into one clear message; keep their warnings in the log."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    except (SourceError, SchemaError):
        raise
    except PermissionError as error:
        raise SourceError(
            f'"{source.shown}" cannot be opened: {error.strerror}. Ask for the right to read it, or copy it.',
            f"无法打开“{source.shown}”：{error.strerror}。请申请读取权限或复制一份再用。",
        ) from None
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError,
            pyogrio.errors.GeometryError, pyogrio.errors.FieldError, pa.ArrowException, OSError, ValueError, RuntimeError) as error:  # fmt: skip
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        reason = reason.replace(str(source.path), source.path.name)
        if len(reason) > 200:
            reason = f"{reason[:200]}…"
        raise SourceError(
            f'"{source.shown}" cannot be read as {source.format}; it may be damaged or cut in the middle ({reason}). '
            "Ask for the file again, or export it again as GeoPackage.",
            f"“{source.shown}”不能按 {source.format} 读取，可能已损坏或不完整（{reason}）。请重新索取，或重新导出为 GeoPackage。",
        ) from error
    for one in caught:
        log.info("%s: %s", source.shown, one.message)
