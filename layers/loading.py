"""One source, one layer, as it stands, in a CRS the doctor has settled.

Chooses among the layers of a file (told when there was a choice) and calls the room that knows the format.
Both looking (`layers.inspecting`) and reading (`layers.reading`) begin here.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd

from layers import crs as doctor
from layers import findings as faults
from layers import postgis, postgis_tables, sheets, vector
from layers.raw import Raw, Sublayer
from layers.sources import DATABASE, SHEETS, Source

__all__ = ["load", "read_sublayer", "settle_crs", "sublayers"]


def load(
    source: Source, as_: str | None, layer: str | None, encoding: str | None, work: Path, limit: int | None = None
) -> Raw:
    """Read one source as it stands, after choosing one of its layers."""
    found = sublayers(source)
    if source.format == DATABASE:
        layer = postgis_tables.full_name(found, layer)
    if source.format == "KML" and layer is None and len(found) > 1:
        raws = [vector.read_vector(source, one, role=as_, encoding=encoding, work=work, limit=limit) for one in found]
        raws[0].frame = pd.concat([raw.frame for raw in raws], ignore_index=True)
        raws[0].rows = raws[0].total = len(raws[0].frame)
        return raws[0]
    chosen, others = vector.choose(found, source, layer, as_)
    raw = read_sublayer(source, chosen, as_, encoding, work, limit)
    if others and layer is None and source.format != "OSM":
        raw.findings.append(
            faults.finding(
                "layer-chosen", as_ or "", found=chosen.name, chosen=chosen.name, others=", ".join(others[:8])
            )
        )
    return raw


def sublayers(source: Source) -> list[Sublayer]:
    """List the layers or sheets of a file."""
    if source.format == DATABASE:
        return postgis_tables.tables(source)
    return sheets.sheets(source) if source.format in SHEETS else vector.sublayers(source)


def read_sublayer(
    source: Source, chosen: Sublayer, as_: str | None, encoding: str | None, work: Path, limit: int | None
) -> Raw:
    """Read one layer or sheet of a file."""
    if source.format in SHEETS:
        return sheets.read_sheet(source, chosen, role=as_, encoding=encoding, limit=limit)
    if source.format == DATABASE:
        return postgis.read_table(source, chosen, role=as_, limit=limit)
    return vector.read_vector(source, chosen, role=as_, encoding=encoding, work=work, limit=limit)


def settle_crs(
    raw: Raw, as_: str | None, given: object, reference: gpd.GeoDataFrame | gpd.GeoSeries | None
) -> doctor.CrsVerdict | None:
    """Let the doctor settle the CRS of a source and apply the verdict; None for a table without places."""
    if not isinstance(raw.frame, gpd.GeoDataFrame) or raw.frame.geometry.isna().all():
        return None
    home = None if reference is None else doctor.lonlat_bounds(gpd.GeoSeries(reference.geometry))
    verdict = doctor.diagnose(
        gpd.GeoSeries(raw.frame.geometry),
        raw.crs,
        None if given is None else doctor.parse(given),
        layer=as_ or "",
        reference_lonlat_bounds=home,
    )
    bare = gpd.GeoSeries(raw.frame.geometry).set_crs(None, allow_override=True)
    raw.frame = raw.frame.set_geometry(doctor.settle(bare, verdict))
    raw.findings.append(verdict.findings)
    return verdict
