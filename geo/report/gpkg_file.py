"""A GeoPackage that opens in QGIS as it should look: layers, names of columns, styles, settings.

`save` writes layers and tables through GDAL, then adds by SQL what GDAL leaves out: Chinese names of columns
(`gpkg_data_columns`, the schema extension), styles (`layer_styles`) and the run's settings
(`gpkg_metadata`). Everything here is format; what the layers are is `gpkg`'s.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio

__all__ = ["Layer", "Style", "plain_columns", "save"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL,
  definition TEXT NOT NULL, scope TEXT NOT NULL, CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
CREATE TABLE IF NOT EXISTS gpkg_data_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT,
  title TEXT, description TEXT, mime_type TEXT, constraint_name TEXT,
  CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name), CONSTRAINT gdc_tn UNIQUE (table_name, name));
CREATE TABLE IF NOT EXISTS gpkg_data_column_constraints (constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL,
  value TEXT, min NUMERIC, min_is_inclusive BOOLEAN, max NUMERIC, max_is_inclusive BOOLEAN, description TEXT,
  CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value));
CREATE TABLE IF NOT EXISTS gpkg_metadata (id INTEGER CONSTRAINT m_pk PRIMARY KEY ASC NOT NULL,
  md_scope TEXT NOT NULL DEFAULT 'dataset', md_standard_uri TEXT NOT NULL, mime_type TEXT NOT NULL DEFAULT 'text/xml',
  metadata TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS gpkg_metadata_reference (reference_scope TEXT NOT NULL, table_name TEXT, column_name TEXT,
  row_id_value INTEGER, timestamp DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  md_file_id INTEGER NOT NULL, md_parent_id INTEGER,
  CONSTRAINT crmr_mfi_fk FOREIGN KEY (md_file_id) REFERENCES gpkg_metadata(id));
CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT, f_table_catalog TEXT(256), f_table_schema TEXT(256),
  f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
  useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
  update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')));
INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id)
  VALUES ('layer_styles', 'attributes', 'layer_styles', 0);
"""

_EXTENSIONS = (
    *(
        (name, None, "gpkg_schema", "http://www.geopackage.org/spec121/#extension_schema", "read-write")
        for name in ("gpkg_data_columns", "gpkg_data_column_constraints")
    ),
    *(
        (name, None, "gpkg_metadata", "http://www.geopackage.org/spec121/#extension_metadata", "read-write")
        for name in ("gpkg_metadata", "gpkg_metadata_reference")
    ),
)


@dataclass(frozen=True)
class Style:
    """A named style of a layer; the first one of a layer is its default."""

    name: str
    qml: str


@dataclass(frozen=True)
class Layer:
    """A layer or table: its name, its title, its rows, the name of each column, its styles.

    `shape` is the kind of its geometry, "" for a table.
    """

    name: str
    title: str
    frame: pd.DataFrame
    aliases: Mapping[str, str]
    styles: Sequence[Style] = field(default=())
    shape: str = ""


def save(layers: Sequence[Layer], path: str | Path, about: str = "") -> None:
    """Write layers into one new GeoPackage; `about` is a JSON text on the whole of it."""
    for layer in layers:
        pyogrio.write_dataframe(
            plain_columns(layer.frame),
            path,
            layer=layer.name,
            driver="GPKG",
            append=False,
            geometry_type=layer.shape or None,
            promote_to_multi=layer.shape.startswith("Multi") or None,
            use_arrow=len(layer.frame) > 0,
            layer_options={"IDENTIFIER": layer.title},
        )
    with closing(sqlite3.connect(path)) as base, base:
        base.executescript(_SCHEMA)
        base.executemany("INSERT OR IGNORE INTO gpkg_extensions VALUES (?, ?, ?, ?, ?)", _EXTENSIONS)
        for layer in layers:
            _describe(base, layer)
        if about:
            base.execute(
                "INSERT INTO gpkg_metadata (id, md_standard_uri, mime_type, metadata) VALUES (1, ?, ?, ?)",
                ("https://www.iso.org/standard/53798.html", "application/json", about),
            )
            base.execute("INSERT INTO gpkg_metadata_reference (reference_scope, md_file_id) VALUES ('geopackage', 1)")


def plain_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Return column kinds every reader knows: text, whole numbers, numbers; lists become text."""
    plain = frame.reset_index(drop=True)
    for column in plain.columns:
        if isinstance(plain[column].dtype, gpd.array.GeometryDtype):
            continue
        if plain[column].dtype == "object":
            plain[column] = plain[column].map(_text, na_action="ignore").astype("string")
        elif pd.api.types.is_bool_dtype(plain[column].dtype):
            plain[column] = plain[column].astype("boolean").astype("Int16")
    return plain


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _describe(base: sqlite3.Connection, layer: Layer) -> None:
    """Write the names of the columns and the styles of a layer."""
    seen: set[str] = set()
    for column, alias in layer.aliases.items():
        # The standard wants every name once in a table.
        name = alias if alias not in seen else f"{alias} [{column}]"
        seen.add(name)
        base.execute(
            "INSERT INTO gpkg_data_columns (table_name, column_name, name, title) VALUES (?, ?, ?, ?)",
            (layer.name, column, name, alias),
        )
    drawn = isinstance(layer.frame, gpd.GeoDataFrame)
    for number, style in enumerate(layer.styles):
        base.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, "
            "styleQML, useAsDefault, description, owner) VALUES ('', '', ?, ?, ?, ?, ?, ?, 'parkwise')",
            (layer.name, "geom" if drawn else None, style.name[:30], style.qml, number == 0, style.name),
        )
