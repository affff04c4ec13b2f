"""Places a planner looks for on the map: groups of candidates, land between points, clusters outside, findings.

Takes them from the candidates, the composition and the findings of an assessment and measures nothing. Groups and
clusters are numbers of parcels (the browser outlines them on its tiles), land between points are shapes, findings are
points. Words go along in one language; what the data say is kept as it is and set as text by the page.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.assessment import Assessment
from geo.labels import area_text, text
from geo.maps.packing import Block, mercator
from layers.findings import describe

__all__ = ["FINDINGS_BUDGET", "fill_places", "group_numbers_of", "places_of"]

#: So many findings with a place are drawn; the map says where there are more.
FINDINGS_BUDGET = 5_000
_SEVERITIES = ("error", "warning", "note")


def places_of(assessment: Assessment, language: str) -> dict[str, list[dict[str, Any]]]:
    """Return the cards of `joins` and `clusters`: what people read, in order of the shapes and numbers of the block."""
    found = assessment.composition
    if found is None:
        return {"joins": [], "clusters": []}
    joins = found.joins.drop(columns="geometry").to_dict("records")
    clusters = found.clusters.table.drop(columns="geometry").to_dict("records")
    return {
        "joins": [_join(row, language) for row in joins],
        "clusters": [_cluster(row, language) for row in clusters],
    }


def fill_places(block: Block, assessment: Assessment, rows: npt.NDArray[np.intp], language: str) -> list[str]:
    """Add clusters by parcel, land between points, and findings with a place; return notes on what is left out."""
    found = assessment.composition
    if found is not None and len(found.clusters.table):
        block.integers("cluster", _cluster_of(assessment)[rows])
    if found is not None and len(found.joins):
        block.shapes("joins", mercator(gpd.GeoSeries(found.joins.geometry)))
    return _findings(block, assessment, language)


def group_numbers_of(assessment: Assessment, groups: pd.Series) -> pd.Series:
    """Return the number of each parcel's group, 0 where its group is none or too small to be listed.

    Parameters
    ----------
    assessment : Assessment
    groups : Series of int
        `group` of `facts.parcel_facts`.
    """
    listed = assessment.candidates.groups if assessment.candidates is not None else pd.DataFrame()
    return groups.where(groups.isin(listed["group"]), 0) if "group" in listed else groups * 0


def _join(row: dict[Any, Any], language: str) -> dict[str, Any]:
    lines = [
        {"label": text("map.join.gap", language), "value": f"{row['gap_m']:,.1f} m"},
        {"label": text("map.join.area", language), "value": area_text(row["area_m2"], language)},
        {"label": text("map.join.industrial", language), "value": area_text(row["industrial_m2"], language)},
    ]
    if not pd.isna(row["constrained_m2"]):
        value = area_text(row["constrained_m2"], language)
        lines.append({"label": text("map.join.constrained", language), "value": value})
    return {"names": f"{row['name_a']} – {row['name_b']}", "figures": lines}


def _cluster(row: dict[Any, Any], language: str) -> dict[str, Any]:
    area = area_text(row["area_m2"], language)
    far = f"{row['distance_m'] / 1000:,.2f} km"
    words = text("map.cluster", language)
    return {"text": words, "id": str(row["cluster_id"]), "parcels": f"{row['parcels']:,}", "area": area, "far": far,
            "park": str(row["park_name"])}  # fmt: skip


def _cluster_of(assessment: Assessment) -> npt.NDArray[np.int64]:
    """Number of the cluster each parcel of `Land.parcels` belongs to, 0 for none."""
    if assessment.composition is None or assessment.land is None:
        return np.zeros(0, dtype="int64")
    listed = assessment.composition.clusters.table["parcel_ids"].reset_index(drop=True).explode()
    number = pd.Series(listed.index.to_numpy("int64") + 1, index=pd.Index(listed.astype(str)))
    number = number[~number.index.duplicated()]
    uid = assessment.land.parcels["uid"].astype(str)
    return np.asarray(uid.map(number).fillna(0), dtype="int64")


def _findings(block: Block, assessment: Assessment, language: str) -> list[str]:
    """Findings in longitude and latitude; the gravest first, so that a budget leaves out the least."""
    table = assessment.findings
    table = table[table["x"].notna() & table["y"].notna()] if len(table) else table
    if not len(table):
        return []
    table = table.assign(at=table["severity"].map({name: at for at, name in enumerate(_SEVERITIES)}))
    shown = table.sort_values("at", kind="stable").head(FINDINGS_BUDGET)
    told = describe(shown.drop(columns="at"), language)
    for axis in ("x", "y"):
        block.numbers(f"findings.{axis}", told[axis].astype("float64"), 7)
    block.integers("findings.severity", shown["at"].fillna(len(_SEVERITIES) - 1).to_numpy("int64"))
    for name in ("title", "expected", "remedy", "layer", "id", "found"):
        codes, words = pd.factorize(told[name].fillna("").astype(str))
        block.integers(f"findings.{name}", codes + 1)
        block.texts(f"findings.{name}.words", list(words))
    left = len(table) - len(shown)
    return [text("map.note.findings", language, count=f"{left:,}")] if left else []
