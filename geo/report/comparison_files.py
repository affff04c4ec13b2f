"""Runs on their way in, comparisons on their way out: `results.json`, `results.gpkg`; `compare.*`.

Knows what `report` writes and how it is read again; computes nothing. Whatever is not a whole run is an error that
says so, and a run without layers is compared by its figures alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from geo.comparing.candidates import REVITALISED
from geo.comparing.figures import figures
from geo.comparing.land import STATUSES, CityLand
from geo.comparing.runs import Comparison, Run, comparison_document
from geo.labels import text
from geo.report.gpkg_file import Layer, Style, save
from geo.report.qgis_style import Look, categorised
from geo.results import SCHEMA, dumps
from layers import read
from layers.errors import SchemaError, SourceError, first
from layers.output import new_files
from layers.raw import told
from layers.sources import Source
from layers.titles import match

__all__ = ["FILES", "open_run", "read_exceptions", "write_comparison"]

FILES = ("compare.csv", "compare.json", "compare.gpkg")

_PARCELS = (
    "parcel_id", "uid", "industrial", "land_area_m2", "land_use_code", "land_use_name", "plot_ratio", "strength",
)  # fmt: skip

_NEEDED = {"parcel_id", "uid", "industrial", "land_area_m2", "strength"}

#: This column of `results.gpkg` is there where candidates were looked for.
_JUDGED = "class_candidates"

_REASONS = ("reason", "理由", "原因", "说明", "依据", "备注")

#: Colours of the table of styles of the reports: what needs a look is red, what is explained is not.
_LOOKS = {
    "new": "#b3341f", "excepted": "#3b78ad", "unknown": "#8c8c8c",
    "use_changed": "#7b5aa6", "in_use": "#2e8b57", "denser": "#3b78ad",
    "gained": "#2e8b57", "lost": "#b3341f", "gone": "#7a1f12",
}  # fmt: skip
_NEW_PARK = "#1b6e3c"


# ---------------------------------------------------------------- in


def open_run(path: str | Path) -> Run:
    """Read a run (读取一次结果): the folder `report` wrote, or its `results.json` alone.

    Returns
    -------
    Run
        With land only where a folder with `results.gpkg` is given; `lacks` tells why there is none.

    Raises
    ------
    SourceError
        Nothing is there, it is no run, or a file is damaged or of another schema.
    """
    path = Path(path)
    file = path / "results.json" if path.is_dir() else path
    document = _document(file)
    if not path.is_dir():
        return Run(document, lacks="only_json", source=str(path))
    base = path / "results.gpkg"
    if not base.is_file():
        return Run(document, lacks="no_gpkg", source=str(path))
    land, shapeless = _land(base, document)
    return Run(document, land, "no_parcels" if land is None else "", str(path), shapeless)


def _document(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise SourceError(
            f"{file}: is not there. Expected a folder written by parkwise report, or its results.json.",
            f"{file}：不存在。应为 parkwise report 写出的文件夹，或其中的 results.json。",
        )
    try:
        document: Any = json.loads(file.read_text(encoding="utf-8-sig"))
    except (ValueError, OSError) as error:
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
    try:
        figures(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceError(
            f"{file}: its indicators are not whole ({error!r}). Write the report again.",
            f"{file}：其中的 indicators 不完整（{error!r}）。请重新生成报告。",
        ) from error
    return dict(document)


def _land(base: Path, document: Mapping[str, Any]) -> tuple[CityLand | None, int]:
    """Read the land of a run; the number is that of parcels without a shape."""
    with told(Source(base, str(base), "GPKG")):
        names = {str(name) for name, _ in pyogrio.list_layers(base)}
        if "parcels" not in names:
            return None, 0
        have = {"geometry", *pyogrio.read_info(base, layer="parcels")["fields"]}
        wanted = [name for name in _PARCELS if name in have]
        parcels = pyogrio.read_dataframe(base, layer="parcels", columns=wanted, use_arrow=True)
        places = {
            name: pyogrio.read_dataframe(base, layer=name) if name in names else None for name in ("parks", "districts")
        }
    missing = sorted(_NEEDED - have if isinstance(parcels, gpd.GeoDataFrame) else {"geometry"})
    if missing:
        raise SourceError(
            f"{base}: layer parcels lacks {first(missing)}. Write the report again, or give results.json alone.",
            f"{base}：parcels 图层缺少 {first(missing)}。请重新生成报告，或只给出 results.json。",
        )
    drawn = ~(parcels.geometry.isna() | parcels.geometry.is_empty)
    definitions = document.get("definitions", {})
    land = CityLand(
        _parcels(parcels[drawn].reset_index(drop=True), _idle(document)),
        places["parks"],
        places["districts"],
        area=str(definitions.get("area", "tdt1055")),
        overlap=str(definitions.get("overlap", "priority")),
        judged=_JUDGED in have,
    )
    return land, int((~drawn).sum())


def _idle(document: Mapping[str, Any]) -> set[str]:
    """Return the ids of candidates that are vacant or idle."""
    return {
        str(candidate.get("parcel_id"))
        for candidate in document.get("candidates", [])
        if any(piece.get("code") == "vacant" for piece in candidate.get("evidence", []))
    }


def _parcels(table: gpd.GeoDataFrame, idle: set[str]) -> gpd.GeoDataFrame:
    """Give the columns of `CityLand` to parcels as the file has them."""
    blank = pd.Series(pd.NA, index=table.index, dtype="string")
    use = table.get("land_use_code", blank).astype("string").fillna(table.get("land_use_name", blank).astype("string"))
    ids = table["parcel_id"].astype("string")
    candidate = table["strength"].fillna(0).to_numpy("float64") > 0
    return gpd.GeoDataFrame(
        {
            "parcel_id": ids,
            "uid": table["uid"].astype("string"),
            "industrial": table["industrial"].astype("Float64").astype("boolean"),
            "land_area_m2": table["land_area_m2"].astype("float64"),
            "land_use": use,
            "plot_ratio": table.get("plot_ratio", pd.Series(np.nan, index=table.index)).astype("float64"),
            "candidate": candidate,
            "idle": candidate & ids.isin(idle).to_numpy(dtype=bool),
        },
        geometry=table.geometry.to_numpy(),
        crs=table.crs,
    )


def read_exceptions(path: str | Path) -> dict[str, str]:
    """Read the list of excepted parcels (例外清单): parcel id → reason, each with a reason.

    Raises
    ------
    SourceError
        The table cannot be read.
    SchemaError
        A column is missing, an id or a reason is blank, or an id stands twice with different reasons.
    """
    table = read(path)
    titles = [str(title) for title in table.columns]
    id_title = match("parcels", titles).get("parcel_id")
    reason_title = next((title for title in titles if title.strip().casefold() in _REASONS), None)
    if id_title is None or reason_title is None:
        lost = "parcel_id" if id_title is None else "reason"
        raise SchemaError(
            f"{path}: no column {lost}. Its columns: {first(titles, 8)}. Expected parcel_id and reason.",
            f"{path}：没有 {lost} 列。现有列：{first(titles, 8)}。应为 parcel_id（地块编号）和 reason（理由）。",
        )
    rows = table[[id_title, reason_title]].set_axis(["parcel_id", "reason"], axis=1).astype("string")
    rows = rows.apply(lambda column: column.str.strip()).replace("", pd.NA)
    _refuse(path, rows, rows.isna().any(axis=1), "parcel_id or reason is blank", "缺少 parcel_id 或 reason")
    rows = rows.drop_duplicates()
    twice = rows.duplicated("parcel_id", keep=False)
    _refuse(path, rows, twice, "one parcel with different reasons", "同一地块有不同理由")
    return dict(zip(rows["parcel_id"], rows["reason"], strict=True))


def _refuse(path: str | Path, rows: pd.DataFrame, bad: pd.Series, en: str, zh: str) -> None:
    if bad.any():
        places = first(rows.index[bad] + 1)
        raise SchemaError(
            f"{path}: {int(bad.sum())} of {len(rows)} rows: {en} (rows {places}). An exception needs a parcel and a "
            "reason; correct the table.",
            f"{path}：{len(rows)} 行中有 {int(bad.sum())} 行{zh}（第 {places} 行）。例外须写明地块和理由，请更正。",
        )


# ---------------------------------------------------------------- out


def write_comparison(
    found: Comparison, folder: str | Path, *, language: str = "zh", overwrite: bool = False
) -> list[Path]:
    """Write `compare.csv`, `compare.json` and, where land was compared, `compare.gpkg`; all or none.

    Raises
    ------
    OutputError
        A file is there already, the folder cannot be written, or the disk is full.
    """
    layers = _layers(found, language)
    names = [name for name in FILES if layers or name != "compare.gpkg"]
    with new_files(folder, FILES, overwrite=overwrite) as work:
        document = comparison_document(found)
        _spreadsheet(found.indicators).to_csv(
            work / "compare.csv", index=False, encoding="utf-8-sig", lineterminator="\r\n"
        )
        (work / "compare.json").write_text(dumps(document), encoding="utf-8")
        if layers:
            about = {key: document[key] for key in ("schema", "before", "after", "options", "notes", "definitions")}
            save(layers, work / "compare.gpkg", dumps(about))
    return [Path(folder) / name for name in names]


def _spreadsheet(table: pd.DataFrame) -> pd.DataFrame:
    """Turn lists into text, and defuse cells a spreadsheet would run."""
    safe = table.assign(because=table["because"].map(", ".join))
    runs = r"^\s*(?:[=+@\t\r]|-(?![\d.,]+\s*$))"  # a negative number is a number
    for column in safe.select_dtypes(exclude=["number", "bool"]):
        words = safe[column].astype("string")
        safe[column] = words.mask(words.str.match(runs).fillna(value=False), "'" + words)
    return safe


def _layers(found: Comparison, language: str) -> list[Layer]:
    """Layers of what was compared on the ground; revitalised land only where both runs looked for candidates."""
    made = []
    if found.new_industrial is not None:
        made.append(_layer("new_industrial", found.new_industrial.table, "status", STATUSES, language))
    if found.revitalised is not None:
        table = found.revitalised.table
        counted = table[table["outcome"].isin(REVITALISED)].reset_index(drop=True)
        made.append(_layer("revitalised", counted, "outcome", REVITALISED, language))
    if found.boundaries is not None:
        made.append(_layer("boundary_changes", found.boundaries, "change", ("gained", "lost", "new", "gone"), language))
    return made


def _layer(name: str, frame: gpd.GeoDataFrame, column: str, classes: Sequence[str], language: str) -> Layer:
    aliases = {title: text(f"compare.field_{title}", language) for title in frame.columns if title != "geometry"}
    title = text(f"compare.layer_{name}", language)
    looks: list[tuple[object, str, Look]] = [
        (one, text(f"compare.{column}_{one}", language), Look(_colour(column, one), opacity=0.8)) for one in classes
    ]
    style = Style(title, categorised(column, looks, aliases))
    return Layer(name, title, frame, aliases, (style,), "MultiPolygon")


def _colour(column: str, value: str) -> str:
    """A park that is new is good news, a factory outside the parks that is new is none."""
    return _NEW_PARK if (column, value) == ("change", "new") else _LOOKS[value]
