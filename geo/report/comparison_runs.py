"""Runs on their way in: the folder that `report` wrote, read for a comparison.

Knows what `report` writes: `results.json`, and of `results.gpkg` the parcels, parks and districts. Whatever is not as
it was written is one error that names the file and the key or column; computes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from geo.comparing.land import CityLand
from geo.comparing.runs import Run
from geo.land import EXTENSIVE
from geo.renewal import says_idle
from geo.results import SCHEMA
from geo.zones import OVERLAP_RULES
from layers.area import METHODS
from layers.errors import SourceError, first
from layers.raw import told
from layers.sources import Source

__all__ = ["open_run"]

_PLAIN = ("parcel_id", "uid", "land_use_code", "land_use_name", "status")
_NUMBERS = ("industrial", "built", "plot_ratio", "strength", *EXTENSIVE)

#: Columns without which a layer is none of ours; the other layers may be missing as a whole.
_NEEDED = {
    "parcels": {"parcel_id", "uid", "industrial", "land_area_m2", "strength"},
    "parks": {"park_id", "park_name", "zone_id"},
    "districts": {"district_id", "district_name"},
}

#: This column of `results.gpkg` is there where candidates were looked for.
_JUDGED = "class_candidates"


def open_run(path: str | Path) -> Run:
    """Read a run (读取一次结果): the folder `report` wrote, or its `results.json` alone.

    Returns
    -------
    Run
        With land only where a folder with `results.gpkg` is given; `lacks` tells why there is none.

    Raises
    ------
    SourceError
        Nothing is there, it is no run, or a file is damaged or of another schema; the message names file and key.
    """
    path = Path(path)
    file = path / "results.json" if path.is_dir() else path
    document = _document(file)
    if not path.is_dir():
        return Run(document, lacks="only_json", source=str(path))
    base = path / "results.gpkg"
    if not base.is_file():
        return Run(document, lacks="no_gpkg", source=str(path))
    layers = _layers(base)
    if layers["parcels"] is None:
        return Run(document, lacks="no_parcels", source=str(path))
    parcels = layers["parcels"]
    drawn = ~(parcels.geometry.isna() | parcels.geometry.is_empty)
    definitions = document.get("definitions", {})
    land = CityLand(
        _parcels(parcels[drawn].reset_index(drop=True)),
        layers["parks"],
        layers["districts"],
        area=definitions.get("area", "tdt1055"),
        overlap=definitions.get("overlap", "priority"),
        judged=_JUDGED in parcels,
    )
    undrawn = frozenset(parcels.loc[~drawn, "parcel_id"].astype("str"))
    return Run(document, land, "", str(path), int((~drawn).sum()), undrawn)


# ---------------------------------------------------------------- the document


def _document(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise SourceError(
            f"{file}: is not there. Expected a folder written by parkwise report, or its results.json.",
            f"{file}：不存在。应为 parkwise report 写出的文件夹，或其中的 results.json。",
        )
    try:
        document: Any = json.loads(file.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError, RecursionError) as error:
        raise SourceError(
            f"{file}: cannot be read as JSON ({error}). Write the report again.",
            f"{file}：无法按 JSON 读取（{error}）。请重新生成报告。",
        ) from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        found = "none" if schema is None else f'"{schema}"'
        raise SourceError(
            f'{file}: schema {found}, expected "{SCHEMA}". Give the results.json that parkwise report wrote.',
            f"{file}：schema 为 {found}，应为“{SCHEMA}”。请给出 parkwise report 写出的 results.json。",
        )
    _check_document(file, document)
    return dict(document)


#: What a value may be: how to tell, and its name in English and Chinese.
_Kind = tuple[Callable[[Any], bool], str, str]

_OBJECT: _Kind = (lambda one: isinstance(one, dict), "an object", "对象")
_LIST: _Kind = (lambda one: isinstance(one, list), "a list", "列表")
_TEXT: _Kind = (lambda one: isinstance(one, str), "text", "文本")
_MAYBE_TEXT: _Kind = (lambda one: one is None or isinstance(one, str), "text or null", "文本或 null")
_NAME: _Kind = (lambda one: isinstance(one, (str, int)) and not isinstance(one, bool), "text", "文本")
_NUMBER: _Kind = (
    lambda one: one is None or (isinstance(one, (int, float)) and not isinstance(one, bool)),
    "a number or null",
    "数值或 null",
)
_FLAG: _Kind = (lambda one: one is None or isinstance(one, bool), "true or false", "true 或 false")
_DAY: _Kind = (lambda one: one is None or _is_day(one), "a day such as 2025-12-31", "日期，如 2025-12-31")
_AREA: _Kind = (lambda one: one in (*METHODS, "recorded"), f"one of {', '.join(METHODS)}, recorded", "面积算法之一")
_OVERLAP: _Kind = (lambda one: one in OVERLAP_RULES, f"one of {', '.join(OVERLAP_RULES)}", "重叠处理规则之一")

#: Parts a comparison reads where they are there; each only after what holds it.
_PARTS: Mapping[str, _Kind] = {
    "project": _OBJECT,
    "project.city": _MAYBE_TEXT,
    "project.name": _MAYBE_TEXT,
    "project.language": _MAYBE_TEXT,
    "project.as_of": _DAY,
    "definitions": _OBJECT,
    "definitions.as_of": _DAY,
    "definitions.area": _AREA,
    "definitions.overlap": _OVERLAP,
    "definitions.crs": _MAYBE_TEXT,
    "definitions.land_use": _OBJECT,
    "definitions.settings": _OBJECT,
    "definitions.settings.*": _OBJECT,
    "definitions.policies": _LIST,
    "definitions.policies.*": _TEXT,
    "ledger": _OBJECT,
    "ledger.parcels": _OBJECT,
    "ledger.parcels.set_aside": _LIST,
    "ledger.parcels.set_aside.*": _OBJECT,
    "ledger.parcels.set_aside.*.reason": _TEXT,
    "ledger.parcels.set_aside.*.count": _NUMBER,
    "ledger.parcels.set_aside.*.ids": _LIST,
    "indicators.*.missing": _OBJECT,
    "indicators.*.missing.count": _NUMBER,
    "indicators.*.estimated": _FLAG,
}

#: Parts that have to be there.
_WHOLE: Mapping[str, _Kind] = {
    "indicators": _LIST,
    "indicators.*": _OBJECT,
    "indicators.*.id": _TEXT,
    "indicators.*.scope": _OBJECT,
    "indicators.*.scope.level": _TEXT,
    "indicators.*.scope.id": _NAME,
    "indicators.*.scope.name": _NAME,
    **{f"indicators.*.{name}": _NUMBER for name in ("numerator", "denominator", "value")},
    **{f"indicators.*.{name}": _TEXT for name in ("unit", "numerator_unit", "denominator_unit")},
}


def _is_day(value: object) -> bool:
    try:
        date.fromisoformat(str(value))
    except ValueError:
        return False
    return isinstance(value, str)


def _check_document(file: Path, document: Mapping[str, Any]) -> None:
    """Refuse a document whose parts are of another kind than `report` writes."""
    for parts, needed in ((_WHOLE, True), (_PARTS, False)):
        for path, (fits, en, zh) in parts.items():
            for key, there, value in _at(document, path.split(".")):
                if (needed and not there) or (there and not fits(value)):
                    shown = json.dumps(value, ensure_ascii=False)[:60] if there else "nothing"
                    raise SourceError(
                        f"{file}: {key} is {shown}; expected {en}: the document is not whole. Write the report again.",
                        f"{file}：{key} 为 {shown}，应为{zh}：文件不完整。请重新生成报告。",
                    )


def _at(holder: Any, path: Sequence[str], before: str = "") -> list[tuple[str, bool, Any]]:  # noqa: ANN401  (any JSON)
    """Return what stands at a path, each with its key and whether it is there; * is every entry."""
    step, rest = path[0], path[1:]
    if step == "*":
        entries = holder.items() if isinstance(holder, dict) else enumerate(holder) if isinstance(holder, list) else ()
        found = [
            (f"{before}.{name}" if isinstance(holder, dict) else f"{before}[{name}]", True, one)
            for name, one in entries
        ]
    else:
        key = f"{before}.{step}" if before else step
        there = isinstance(holder, dict) and step in holder
        found = [(key, there, holder[step] if there else None)]
    if not rest:
        return found
    return [one for key, there, value in found if there for one in _at(value, rest, key)]


# ---------------------------------------------------------------- the layers


def _layers(base: Path) -> dict[str, gpd.GeoDataFrame | None]:
    """Read the layers a comparison needs, None where one is not there; all in the plane of the parcels."""
    with told(Source(base, str(base), "GPKG")):
        names = {str(name) for name, _ in pyogrio.list_layers(base)}
        frames = {name: _read(base, name) if name in names else None for name in _NEEDED}
    layers = {name: None if frame is None else _checked(base, name, frame) for name, frame in frames.items()}
    if layers["parcels"] is not None:
        crs = layers["parcels"].crs
        for name, frame in layers.items():
            if frame is not None and frame.crs != crs:
                raise _spoiled(
                    base,
                    name,
                    f"is in another plane than parcels ({frame.crs})",
                    f"与 parcels 的坐标系不同（{frame.crs}）",
                )
    return layers


def _read(base: Path, name: str) -> pd.DataFrame:
    frame: pd.DataFrame
    if name != "parcels":
        frame = pyogrio.read_dataframe(base, layer=name)
        return frame
    have = {str(field) for field in pyogrio.read_info(base, layer=name)["fields"]}
    wanted = [column for column in (*_PLAIN, *_NUMBERS, _JUDGED) if column in have]
    frame = pyogrio.read_dataframe(base, layer=name, columns=wanted, use_arrow=True)
    return frame


def _checked(base: Path, name: str, frame: pd.DataFrame) -> gpd.GeoDataFrame:
    """Refuse a layer that is not as `report` writes it: columns, kinds, plane, shapes."""
    lost = sorted(_NEEDED[name] - set(frame.columns))
    if not isinstance(frame, gpd.GeoDataFrame):
        lost = [*lost, "geometry"]
    if lost:
        raise _spoiled(base, name, f"lacks {first(lost)}", f"缺少 {first(lost)}")
    if frame.crs is None or not frame.crs.is_projected:
        raise _spoiled(base, name, "is in no projected plane (crs)", "没有投影坐标系（crs）")
    for column in _NUMBERS:
        if column in frame and not _is_number(frame[column]):
            raise _spoiled(base, name, f"{column} holds {frame[column].dtype}, no numbers", f"{column} 不是数值")
    if "industrial" in frame and not frame["industrial"].astype("Float64").dropna().isin([0, 1]).all():
        raise _spoiled(base, name, "industrial holds other values than 0 and 1", "industrial 应为 0 或 1")
    if name == "parcels" and (frame["uid"].isna().any() or frame["uid"].duplicated().any()):
        raise _spoiled(base, name, "uid is blank or stands twice", "uid 为空或重复")
    shapes = frame.geometry.to_numpy()
    kinds = np.isin(shapely.get_type_id(shapes), (-1, 3, 6))
    bad = ~kinds | ~(shapely.is_missing(shapes) | shapely.is_valid(shapes))
    if bad.any():
        many = f"{int(bad.sum())} of {len(bad)}"
        raise _spoiled(
            base,
            name,
            f"{many} shapes are no valid polygons",
            f"{len(bad)} 个图形中有 {int(bad.sum())} 个不是有效多边形",
        )
    return frame


def _is_number(values: pd.Series) -> bool:
    """Tell whether a column holds numbers or flags, some of them missing."""
    try:
        values.astype("Float64")
    except (TypeError, ValueError):
        return False
    return True


def _spoiled(base: Path, layer: str, en: str, zh: str) -> SourceError:
    return SourceError(
        f"{base}: layer {layer} {en}. Write the report again, or give results.json alone.",
        f"{base}：{layer} 图层{zh}。请重新生成报告，或只给出 results.json。",
    )


def _parcels(table: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Give the columns of `CityLand` to parcels as the file has them."""
    blank = pd.Series(pd.NA, index=table.index, dtype="string")
    none = pd.Series(np.nan, index=table.index)
    flags = {name: table.get(name, none).astype("Float64").astype("boolean") for name in ("industrial", "built")}
    return gpd.GeoDataFrame(
        {
            "parcel_id": table["parcel_id"].astype("string"),
            "uid": table["uid"].astype("string"),
            **flags,
            "land_use": table.get("land_use_code", blank)
            .astype("string")
            .fillna(table.get("land_use_name", blank).astype("string")),
            "plot_ratio": table.get("plot_ratio", none).astype("float64"),
            "candidate": table["strength"].fillna(0).to_numpy("float64") > 0,
            "idle": says_idle(table.get("status", blank)),
            **{column: table[column].astype("float64") for column in EXTENSIVE if column in table},
        },
        geometry=table.geometry.to_numpy(),
        crs=table.crs,
    )
