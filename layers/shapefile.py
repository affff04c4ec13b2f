"""Shapefiles: their parts, their encoding, and what is left of names cut at ten bytes.

A missing .shx is rebuilt on a copy, never beside the user's file. Sizes are held against what the headers
state, because drivers pass over a missing end. Text is decoded here, each value by itself, and what does not
fit the encoding is told.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from layers import encoding as enc
from layers.errors import SourceError
from layers.findings import finding
from layers.raw import Raw, cut_text, driver_options, pull, tell_encoding
from layers.sources import Source, copy_beside

__all__ = ["read_shapefile", "record_count"]


def read_shapefile(source: Source, role: str, encoding: str | None, work: Path, limit: int | None) -> Raw:
    """Read a shapefile with whatever parts it has; see `layers.vector.read_vector`."""
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
        settled = replace(enc.given(encoding), declared=settled.declared)
    path, config = parts.get(".shp", source.path), {}
    if ".shp" in parts and ".shx" not in parts:
        path, config = copy_beside(parts[".shp"], work), {"SHAPE_RESTORE_SHX": "YES"}
        told.append(
            _sidecar(
                role, ".shx", "The index (.shx) is missing; it was rebuilt on a copy", "缺少索引 .shx；已在副本上重建"
            )
        )
    with driver_options(config):
        raw = _decoded(source, path, settled, limit, role)
    raw.encoding, raw.findings = settled, told + raw.findings
    tell_encoding(raw, role)
    return raw


def record_count(path: Path) -> int:
    """Return how many records a shapefile has by its index, else by its table; −1 where both are lost."""
    parts = _companions(path)
    if ".shx" in parts:
        return max((parts[".shx"].stat().st_size - 100) // 8, 0)
    if ".dbf" in parts:
        with parts[".dbf"].open("rb") as file:
            head = file.read(8)
        return int(struct.unpack("<I", head[4:])[0]) if len(head) == 8 else -1
    return -1


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
        raise SourceError(*cut_text(source.shown))


def _decoded(source: Source, path: Path, settled: enc.Encoding, limit: int | None, role: str) -> Raw:
    """Read a shapefile byte by byte, then decode each text once, however often it stands there."""
    codec = "utf-8" if settled.how == "ascii" else settled.value
    raw = pull(source, path, None, limit, use_arrow=False, encoding="ISO-8859-1")
    titles = [_piece(str(title), codec) for title in raw.frame.columns]
    raw.frame.columns = pd.Index([title for title, _ in titles])
    cut = [title for title, whole in titles if not whole]
    if cut:
        raw.findings.append(finding("column-name-damaged", role, ids=cut, found=cut))
    for place in range(raw.frame.shape[1]):
        column = raw.frame.iloc[:, place]
        if isinstance(column.dtype, pd.StringDtype) and not column.dropna().str.isascii().all():
            raw.frame.isetitem(place, _redecode(raw, column, codec, role).array)
    return raw


def _piece(text: str, codec: str) -> tuple[str, bool]:
    raw = text.encode("ISO-8859-1")
    try:
        return raw.decode(codec), True
    except UnicodeDecodeError:
        return enc.decode(raw, codec)[0], False


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
