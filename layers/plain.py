"""Values made plain: columns of one kind each, documents that are JSON. What is written must come back.

Frames from many sources hold mixed columns, lists and days of any resolution; a file knows one kind a column.
Whatever the order or the number of the frames, the kind of a column is the same. Nothing is converted beyond
its kind: no unit, no meaning is known here, and missing stays missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from layers.errors import OutputError, first

__all__ = ["Kind", "bare", "common_kind", "jsonable", "plain"]

Kind = np.dtype[Any] | pd.api.extensions.ExtensionDtype

_TEXT = pd.StringDtype(na_value=np.nan)


def bare(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with the columns of another and no ``attrs``.

    pandas copies all of them at almost every step, and a million findings may be among them.

    Examples
    --------
    >>> frame = gpd.GeoDataFrame({"a": [1]}, geometry=gpd.points_from_xy([0], [0]), crs=4549)
    >>> frame.attrs = {"findings": ["many"]}
    >>> bare(frame).attrs, bare(frame).crs == frame.crs, frame.attrs
    ({}, True, {'findings': ['many']})
    """
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        return pd.DataFrame(frame)
    table: pd.DataFrame = gpd.GeoDataFrame(pd.DataFrame(frame), geometry=frame.active_geometry_name)
    return table


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose columns are of one kind each: what is mixed becomes text, days go to milliseconds.

    A column "bbox" becomes "bbox_source", since GeoParquet keeps the name for itself. Without ``attrs``.

    Examples
    --------
    >>> plain(pd.DataFrame({"a": pd.Series([True, None], dtype="object"), "b": [1, "x"]})).dtypes.astype(str).tolist()
    ['boolean', 'str']
    """
    table = bare(frame).rename(columns={"bbox": "bbox_source"})
    table.columns = [str(name) for name in table.columns]
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise OutputError(
            f"{len(twice)} columns stand twice ({first(twice)}). Rename one of each.",
            f"有 {len(twice)} 个字段重名（{first(twice)}）。请改名。",
        )
    for name in table.columns:
        table[name] = _one_kind(table[name])
    return table


def _one_kind(values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype("object")
    if pd.api.types.is_datetime64_dtype(values.dtype):
        return values.astype("datetime64[ms]")
    if values.dtype != "object":
        return values
    if pd.api.types.infer_dtype(values, skipna=True) == "boolean":
        return values.astype("boolean")
    return values.map(_as_text, na_action="ignore").astype(_TEXT)


def _as_text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (list, dict)) else str(value)


def common_kind(kinds: Iterable[Kind | None]) -> Kind:
    """Return the kind that holds columns of several frames put under each other; None: a frame lacks the column.

    Examples
    --------
    >>> common_kind([np.dtype("int64"), None]), common_kind([np.dtype("int64"), pd.StringDtype(na_value=np.nan)])
    (dtype('float64'), <StringDtype(na_value=nan)>)
    """
    listed = list(kinds)
    there = [kind for kind in listed if kind is not None]
    together: Any = pd.concat([pd.Series(dtype=kind) for kind in there]).dtype
    if len(there) < len(listed) and isinstance(together, np.dtype):
        together = {"b": pd.BooleanDtype(), "i": np.dtype("float64"), "u": np.dtype("float64")}.get(
            together.kind, together
        )
    kind: Kind = _TEXT if together == "object" else together
    return kind


def jsonable(document: Mapping[str, Any]) -> str:
    """Write plain JSON: numbers of numpy become numbers, days text, and what is no number null.

    Examples
    --------
    >>> jsonable({"rows": np.int64(2), "x": float("nan")}).split()
    ['{', '"rows":', '2,', '"x":', 'null', '}']
    """
    return json.dumps(_plain_value(document), ensure_ascii=False, allow_nan=False, indent=1)


def _plain_value(value: Any) -> Any:  # noqa: ANN401  (JSON holds anything)
    if isinstance(value, Mapping):
        return {str(name): _plain_value(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, set, np.ndarray)):
        return [_plain_value(one) for one in value]
    if isinstance(value, np.generic):
        return _plain_value(value.item())
    if value is pd.NA or value is pd.NaT or (isinstance(value, float) and not np.isfinite(value)):
        return None
    return value if value is None or isinstance(value, (str, bool, int, float)) else str(value)
