"""What a source holds as the drivers give it, and how drivers are called: options, errors, duplicates.

A `Raw` carries a frame with its own titles and what had to be settled to read it. What drivers raise becomes
one clear message; what they warn of goes to the log. Knows no format.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyogrio
import pyproj
import shapely

from layers import encoding as enc
from layers.errors import ParkwiseError, SourceError
from layers.findings import finding
from layers.sources import Source

__all__ = [
    "MEANING",
    "Raw",
    "Sublayer",
    "cut_text",
    "distinct_titles",
    "driver_options",
    "pull",
    "tell_encoding",
    "told",
]

log = logging.getLogger(__name__)

#: Held while options of the driver library are set: they are those of the whole process.
_OPTIONS = threading.RLock()

_DRIVER_ERRORS = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pyogrio.errors.FeatureError,
    pyogrio.errors.GeometryError,
    pyogrio.errors.FieldError,
    pa.ArrowException,
    OSError,
    ValueError,
    RuntimeError,
)

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


def pull(
    source: Source,
    path: Path,
    layer: str | None,
    limit: int | None,
    *,
    use_arrow: bool = False,
    encoding: str | None = None,
) -> Raw:
    """Read one layer through the driver library; shapes it cannot build become missing and are listed."""

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
    if frame.columns.duplicated().any():
        frame = _untangled(frame, path, layer, limit, encoding)
    crs = frame.crs if isinstance(frame, gpd.GeoDataFrame) and frame._geometry_column_name else None
    return Raw(frame, source, layer, crs=crs, unreadable=unreadable)


def _untangled(
    frame: pd.DataFrame, path: Path, layer: str | None, limit: int | None, encoding: str | None
) -> pd.DataFrame:
    """Give columns of one name their own values each: a frame made by name repeats the last of them."""
    fields = pyogrio.raw.read(path, layer=layer, encoding=encoding, read_geometry=False, max_features=limit)[3]
    for place in np.flatnonzero(frame.columns.duplicated(keep=False)):
        frame.isetitem(int(place), pd.Series(fields[int(place)], index=frame.index).infer_objects().array)
    return frame


def tell_encoding(raw: Raw, role: str) -> None:
    """Add a finding where the encoding was judged by content, and where the file declared another."""
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


def distinct_titles(raw: Raw, role: str) -> None:
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


def cut_text(shown: str) -> tuple[str, str]:
    """Return the message about a file that was cut in the middle, in English and Chinese."""
    return (
        f'"{shown}" is cut: it ends before its own header says. Copy it again in full, or export it again.',
        f"“{shown}”不完整：文件在其文件头所述长度之前结束。请重新完整复制或重新导出。",
    )


@contextmanager
def driver_options(options: Mapping[str, str]) -> Iterator[None]:
    """Set options of the driver library for a moment; they hold for all threads, so one sets them at a time."""
    with _OPTIONS:
        old = {name: pyogrio.get_gdal_config_option(name) for name in options}
        pyogrio.set_gdal_config_options(dict(options))
        try:
            yield
        finally:
            pyogrio.set_gdal_config_options(old)


@contextmanager
def told(source: Source) -> Iterator[None]:
    """Turn what the drivers raise into one clear message; keep their warnings in the log."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    except ParkwiseError:
        raise
    except PermissionError as error:
        raise SourceError(
            f'"{source.shown}" cannot be opened: {error.strerror}. Ask for the right to read it, or copy it.',
            f"无法打开“{source.shown}”：{error.strerror}。请申请读取权限或复制一份再用。",
        ) from None
    except _DRIVER_ERRORS as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        reason = reason.replace(str(source.path), source.path.name)
        if len(reason) > 200:
            reason = f"{reason[:200]}…"
        raise SourceError(
            f'"{source.shown}" cannot be read as {source.format}; it may be damaged or cut in the middle ({reason}). '
            "Ask for the file again, or export it again as GeoPackage.",
            f"“{source.shown}”不能按 {source.format} 读取，可能已损坏或不完整（{reason}）。"
            "请重新索取，或重新导出为 GeoPackage。",
        ) from error
    for one in caught:
        log.info("%s: %s", source.shown, one.message)
