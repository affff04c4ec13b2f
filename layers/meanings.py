"""Second names of fields and the meaning of coded values, where a geodatabase or GeoPackage keeps them.

The meaning of a coded value goes into a column beside the code (`…（含义）`): the code itself stays.
"""

from __future__ import annotations

import logging
import sqlite3
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyogrio

from layers.raw import MEANING

__all__ = ["coded_domain", "field_definitions", "gdb_meanings", "gpkg_meanings"]

log = logging.getLogger(__name__)


def gdb_meanings(path: Path, layer: str | None, frame: pd.DataFrame) -> dict[str, str]:
    """Return field → second name from the definitions of a geodatabase; add the meaning of coded values."""
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


def gpkg_meanings(path: Path, layer: str | None, frame: pd.DataFrame) -> dict[str, str]:
    """Return field → second name from the schema extension of a GeoPackage; add the meaning of coded values."""
    query = "SELECT column_name, coalesce(title, name), constraint_name FROM gpkg_data_columns WHERE table_name = ?"
    values = (
        "SELECT value, description FROM gpkg_data_column_constraints "
        "WHERE constraint_name = ? AND constraint_type = 'enum'"
    )
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
        frame.insert(list(frame.columns).index(name) + 1, f"{name}{MEANING}", keys.map(meanings))
