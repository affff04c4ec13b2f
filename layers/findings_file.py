"""Findings as a file of their own (检查结果文件): Parquet, a row a finding, that comes back as it was written.

A city may have a million findings: some twenty megabytes here, three hundred as JSON. They are written and read a
run of rows at a time, and words that many findings share are held once, as they were before. The file is not
trusted: its place in the manifest tells rows, bytes and checksum, and what is in it is looked at before it is used.
Knows how findings lie in the file, not what any of them means.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from layers import findings as faults
from layers.errors import SourceError, first
from layers.storage import Storage, open_storage

__all__ = ["FINDINGS", "FindingsFile", "open_findings", "write_findings"]

Objects = npt.NDArray[np.object_]

FINDINGS = "findings.parquet"
#: Rows written, and read, in one go.
_RUN = 65_536

_WORDS = ("code", "severity", "layer", "id", "column", "found", "params")
_PLACES = ("x", "y")


@dataclass(frozen=True)
class FindingsFile:
    """The findings of a dataset, as they lie in it.

    Attributes
    ----------
    location : str
        Path or URL of the folder.
    rows, size : int
        Of the file; size in bytes.
    digest : str
        SHA-256 of the file.
    """

    location: str
    rows: int
    size: int
    digest: str

    def read(self) -> pd.DataFrame:
        """Read the findings, see `layers.findings`.

        Raises
        ------
        SourceError
            The file is missing, damaged, or not the one that was written.
        """
        storage = open_storage(self.location)
        try:
            with storage.filesystem.open_input_file(storage.file(FINDINGS)) as stream:
                content = stream.read()
        except FileNotFoundError as error:
            raise storage.damaged(FINDINGS, "it is missing", "文件缺失") from error
        except OSError as error:
            raise storage.closed(error) from error
        if hashlib.sha256(content).hexdigest() != self.digest:
            raise _changed(storage, len(content), self.size)
        try:
            return _table(content, self.rows)
        except (OSError, ValueError, TypeError, RecursionError, pa.ArrowException) as error:
            why = str(error)[:160]
            raise storage.damaged(FINDINGS, f"not as it was written: {why}", f"与写出时不一致：{why}") from error


def write_findings(table: pd.DataFrame, path: Path) -> dict[str, Any]:
    """Write findings; return what the manifest says of the file.

    Parameters
    ----------
    table : DataFrame
        See `layers.findings`. Its index is not kept.
    path : Path
        The new file.

    Notes
    -----
    Missing words come back as None, a missing place as the None or NaN it was. `params` lie there as JSON: numbers
    of numpy come back as plain ones, tuples as lists, days as text.
    """
    with pq.ParquetWriter(path, _schema(), compression="zstd") as file:
        for start in range(0, len(table), _RUN):
            file.write_table(_as_arrow(table.iloc[start : start + _RUN]))
    with path.open("rb") as made:
        digest = hashlib.file_digest(made, "sha256").hexdigest()
    return {"file": path.name, "rows": len(table), "bytes": path.stat().st_size, "sha256": digest}


def open_findings(storage: Storage, entry: Mapping[str, Any]) -> FindingsFile:
    """Hold the findings of a dataset against what its manifest says of them; none of them is read.

    Raises
    ------
    SourceError
        The file is missing, cut off, or not the one that was written.
    ValueError, KeyError
        The manifest says something else than `write_findings`.
    """
    if entry["file"] != FINDINGS:
        raise ValueError(f"{str(entry['file'])[:60]!r} is no file of findings")
    size = storage.sizes().get(FINDINGS)
    if size is None:
        raise storage.damaged(FINDINGS, "it is missing", "文件缺失")
    if size != entry["bytes"] or storage.digest(FINDINGS) != entry["sha256"]:
        raise _changed(storage, size, entry["bytes"])
    return FindingsFile(storage.location, entry["rows"], size, entry["sha256"])


def _changed(storage: Storage, size: int, written: object) -> SourceError:
    if size != written:
        told = str(written)[:20]
        return storage.damaged(FINDINGS, f"{size} bytes, {told} written", f"{size} 字节，写出时为 {told} 字节")
    return storage.damaged(FINDINGS, "another checksum", "校验和不符")


def _schema() -> pa.Schema:
    kinds = {"blocks": pa.bool_(), "row": pa.int64(), "x": pa.float64(), "y": pa.float64()}
    blank = ("id", "column", "found", "x", "y")
    return pa.schema([pa.field(name, kinds.get(name, pa.string()), name in blank) for name in faults.COLUMNS])


def _as_arrow(table: pd.DataFrame) -> pa.Table:
    columns: dict[str, pa.Array] = {}
    for name in faults.COLUMNS:
        values = table[name].to_numpy(dtype="object")
        if name == "params":
            columns[name] = pa.array(_texts(values), pa.string())
        elif name in _WORDS:
            columns[name] = pa.array(values, pa.string(), mask=pd.isna(values))
        elif name in _PLACES:
            none = np.array([one is None or one is pd.NA for one in values], dtype="bool")
            columns[name] = pa.array(np.where(none, np.nan, values).astype("float64"), mask=none)
        else:
            columns[name] = pa.array(values.astype("bool" if name == "blocks" else "int64"))
    return pa.table(columns, schema=_schema())


def _texts(params: Objects) -> list[str]:
    """Return what fills the texts of each finding as JSON; written once where many share one dictionary."""
    each = {id(one): one for one in params}
    texts = {key: json.dumps(one, ensure_ascii=False, default=_plain) for key, one in each.items()}
    return [texts[id(one)] for one in params]


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else str(value)


def _table(content: bytes, rows: int) -> pd.DataFrame:
    """Return the findings of a file that may hold anything."""
    found = pq.read_schema(pa.BufferReader(content))
    if not found.equals(_schema()):
        raise ValueError(f"other columns: {', '.join(map(str, found.names))[:100]}")
    file = pq.ParquetFile(pa.BufferReader(content), read_dictionary=_WORDS)
    if file.metadata.num_rows != rows:
        raise ValueError(f"{file.metadata.num_rows:,} of {rows} rows")
    held: Objects = np.empty((len(faults.COLUMNS), rows), dtype="object")
    start = 0
    for group in range(file.num_row_groups):
        some = file.read_row_group(group)
        for place, name in enumerate(faults.COLUMNS):
            held[place, start : start + some.num_rows] = _values(some[name].combine_chunks(), name)
        start += some.num_rows
    unknown = set(held[0]) - set(faults.codes())
    if unknown:
        raise ValueError(f"unknown codes: {first(sorted(map(str, unknown)))}")
    return pd.DataFrame(held.T, columns=list(faults.COLUMNS), dtype="object", copy=False)


def _values(column: pa.Array, name: str) -> Objects:
    """Return the values of a column as Python knows them: of words that are the same, one object."""
    if name in _WORDS:
        words = column.dictionary.to_pylist()
        known = np.array([*([_params(one) for one in words] if name == "params" else words), None], dtype="object")
        return np.asarray(known[column.indices.fill_null(len(words)).to_numpy()])
    values = column.to_numpy(zero_copy_only=False).astype("object")
    if column.null_count:
        values[column.is_null().to_numpy(zero_copy_only=False)] = None
    return np.asarray(values)


def _params(text: str) -> dict[str, Any] | None:
    found = json.loads(text)
    if found is not None and not isinstance(found, dict):
        raise ValueError(f"params {text[:40]} are no object")
    return found
