"""Comparisons on their way out, and the exceptions they ask for: `compare.csv`, `compare.json`, `compare.gpkg`.

Computes nothing; runs are read by `comparison_runs`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import pandas as pd

from geo.comparing.candidates import REVITALISED
from geo.comparing.land import STATUSES
from geo.comparing.runs import Comparison, comparison_document
from geo.labels import text
from geo.report.gpkg_file import Layer, Style, save
from geo.report.qgis_style import Look, categorised
from geo.results import dumps
from layers import read
from layers.errors import SchemaError, first
from layers.output import new_files
from layers.titles import match

__all__ = ["FILES", "read_exceptions", "write_comparison"]

FILES = ("compare.csv", "compare.json", "compare.gpkg")

_REASONS = ("reason", "理由", "原因", "说明", "依据", "备注")

#: Colours of the table of styles of the reports: what needs a look is red, what is explained is not.
_LOOKS = {
    "new": "#b3341f", "excepted": "#3b78ad", "unknown": "#8c8c8c",
    "use_changed": "#7b5aa6", "in_use": "#2e8b57", "denser": "#3b78ad",
    "gained": "#2e8b57", "lost": "#b3341f", "gone": "#7a1f12",
}  # fmt: skip
_NEW_PARK = "#1b6e3c"


# ---------------------------------------------------------------- in


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
