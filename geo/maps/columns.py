"""The block of a map: shapes and columns of every parcel, park, district and overlap (`fill`).

Decides what the browser gets of each parcel and in which order; the words beside it are `content`'s,
the bytes `packing`'s. Texts that repeat are sent once and pointed at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.assessment import Assessment
from geo.grading.grades import Grades
from geo.indicators import indicator
from geo.labels import evidence_title, evidence_unit, text
from geo.maps.content import overlaps_of, parks_of
from geo.maps.facts import MEASURES, land_of, use_names
from geo.maps.graded import grade_words
from geo.maps.packing import Block, inner_points, mercator, thin
from geo.maps.places import fill_places, group_numbers_of
from geo.maps.sliders import fill_limits
from geo.maps.themes import Theme
from geo.maps.zone_cards import fill_points
from geo.plan.words import ACT_WORDS, money_words
from geo.planned import Planned
from layers import units

__all__ = ["fill"]


def fill(
    assessment: Assessment,
    facts: pd.DataFrame,
    themes: Sequence[Theme],
    language: str,
    plan: Planned | None = None,
    grades: Grades | None = None,
) -> tuple[Block, dict[str, Any]]:
    """Return the block of what is shown, and what the page must know to read it.

    Parameters
    ----------
    assessment : Assessment
    facts : DataFrame
        From `facts.parcel_facts`; only rows with `shown` go in.
    themes : sequence of Theme
    language : str
    plan : Planned, optional
        What was planned.
    grades : Grades, optional
        What firms were graded.

    Returns
    -------
    block : Block
    told : dict
        `fields` of a parcel's card, `tolerance_m` of the outlines, `notes` on what is left out.
    """
    block = Block()
    rows = np.flatnonzero(facts["shown"].to_numpy())
    land = land_of(assessment)
    shapes, tolerance = thin(mercator(land.parcels.geometry.iloc[rows]))
    block.shapes("parcels", shapes)
    shown = facts.iloc[rows]
    block.texts("uid", [str(uid) for uid in shown["uid"]])
    for theme in themes:
        block.integers(f"theme.{theme.id}", theme.of_parcel[rows] + 1)
    fields = _fields(block, assessment, shown, language)
    if plan is not None and len(plan.plan.chosen):
        fields += _acts(block, plan, rows, language)
        _links(block, plan, rows)
    if (told := grade_words(assessment, grades, language)) is not None:
        fields.append(_pointed(block, "grade", text("map.field.grade", language), told.iloc[rows]))
    _firms(block, assessment, rows)
    _evidence(block, assessment, rows, language)
    fill_limits(block, assessment, facts, rows)
    fill_points(block, assessment)
    notes = fill_places(block, assessment, rows, language)
    for name, frame in (("parks", land.parks), ("districts", land.districts)):
        if frame is not None:
            _outlines(block, name, frame.geometry)
    if len(overlaps := overlaps_of(assessment)):
        _outlines(block, "overlaps", gpd.GeoSeries(overlaps["geometry"].to_numpy(), crs=land.parcels.crs))
    return block, {"fields": fields, "tolerance_m": tolerance, "notes": notes}


def _outlines(block: Block, name: str, geometry: gpd.GeoSeries) -> None:
    shapes = mercator(geometry)
    block.shapes(name, shapes)
    places = shapely.get_coordinates(inner_points(shapes))
    for axis, of in (("x", 0), ("y", 1)):
        block.numbers(f"{name}.label_{axis}", places[:, of], 1)


def _fields(block: Block, assessment: Assessment, shown: pd.DataFrame, language: str) -> list[dict[str, Any]]:
    """Columns of a parcel's card, in order: a text that is pointed at, or a number with its unit."""
    system = assessment.project.text("land_use.system") or "third-survey"
    land = land_of(assessment)
    given = land.parcels["land_use_name"].iloc[shown.index] if "land_use_name" in land.parcels else None
    uses = shown["use"].map(use_names(shown["use"], given, system, language))
    parks = parks_of(assessment)["park_name"].astype("string").to_numpy()
    districts = [] if land.districts is None else land.districts["district_name"].astype("string").to_numpy()
    fields = [_pointed(block, "use", text("map.field.use", language), uses)]
    block.numbers("area", shown["area_m2"], 2)
    factor = units.convert(1.0, "m2", "mu")
    fields.append({"column": "area", "label": text("map.field.area", language), "factor": factor, "kind": "area"})
    for name, table in (("park", parks), ("district", districts)):
        if len(table):
            away = text("evidence.outside_parks", language) if name == "park" else None
            named = pd.Series([*table, away], dtype="string").iloc[shown[name].to_numpy()]
            fields.append(_pointed(block, name, text(f"map.field.{name}", language), named))
    block.integers("park.row", shown["park"] + 1)
    if shown["status"].notna().any():
        fields.append(_pointed(block, "status", text("map.field.status", language), shown["status"]))
    for name, decimals in MEASURES.items():
        if shown[name].notna().any():
            fields.append(_measured(block, name, decimals, shown[name], language))
    if (group := group_numbers_of(assessment, shown["group"])).any():
        block.integers("group", group)
    return fields


def _pointed(block: Block, name: str, label: str, values: pd.Series) -> dict[str, Any]:
    codes, words = pd.factorize(values.astype("object"))
    block.integers(name, codes + 1)
    block.texts(f"{name}.words", [str(word) for word in words])
    return {"column": name, "label": label, "kind": "word"}


def _measured(block: Block, name: str, decimals: int, values: pd.Series, language: str) -> dict[str, Any]:
    entry = indicator(name)
    block.numbers(name, values, decimals)
    unit = "%" if entry.percent else ("" if entry.unit == "1" else units.label(entry.unit, language))
    factor = 100 if entry.percent else 1
    told = {"column": name, "label": entry.title(language), "kind": "number", "unit": unit, "factor": factor}
    return told | {"decimals": 2}


def _acts(block: Block, plan: Planned, rows: npt.NDArray[np.intp], language: str) -> list[dict[str, Any]]:
    """What is planned on a parcel: the act, the park that receives it, its cost, its year."""
    acts = plan.acts
    told = {
        "act": acts["action"].map({act: words.text(language) for act, words in ACT_WORDS.items()}),
        "act_park": acts["park_name"],
        "act_cost": (acts["cost_cny"] * 100).map(lambda fen: money_words(fen).text(language)),
        "act_year": acts["year"].astype("string"),
    }
    at = plan.of_parcel[rows]
    fields = []
    for name, values in told.items():
        if values.notna().any():
            mine = pd.Series([*values.astype("object"), None], dtype="object").iloc[at]
            fields.append(_pointed(block, name, text(f"map.field.{name}", language), mine))
    return fields


def _links(block: Block, plan: Planned, rows: npt.NDArray[np.intp]) -> None:
    """Which shown parcel moves into which park."""
    moves = plan.acts[plan.acts["action"] == "relocate"]
    place = np.full(len(plan.of_parcel), -1)
    place[rows] = np.arange(len(rows))
    shown = place[moves["parcel"].to_numpy()]
    block.integers("links.parcel", shown[shown >= 0])
    block.integers("links.park", moves["park"].to_numpy()[shown >= 0])


def _firms(block: Block, assessment: Assessment, rows: npt.NDArray[np.intp]) -> None:
    """Firms of each parcel as counts and rows, the one with most land first."""
    if assessment.firms is None or not len(assessment.firms.links):
        return
    links = assessment.firms.links.sort_values(["parcel", "land_area_m2"], ascending=[True, False], kind="stable")
    links = links[links["parcel"].isin(rows)]
    counts = np.bincount(links["parcel"], minlength=int(rows.max(initial=0)) + 1)[rows]
    used, firm = np.unique(links["firm"], return_inverse=True)
    block.integers("firms.count", counts)
    block.integers("firms.row", firm)
    block.texts("firms.words", [str(name) for name in assessment.firms.firms["firm_name"].iloc[used]])


def _evidence(block: Block, assessment: Assessment, rows: npt.NDArray[np.intp], language: str) -> None:
    """Evidence of each candidate: what it says, its value and limit, and where the limit comes from."""
    if assessment.candidates is None or not len(assessment.candidates.evidence):
        return
    table = assessment.candidates.evidence
    table = table[table["parcel"].isin(rows)].sort_values("parcel", kind="stable")
    counts = np.bincount(table["parcel"].astype("int64"), minlength=int(rows.max(initial=0)) + 1)[rows]
    block.integers("evidence.count", counts)
    titles = assessment.candidates.titles
    named = table["code"].map(lambda code: evidence_title(code, titles, language))
    for name, words in (("says", named), ("unit", table["unit"].map(lambda unit: evidence_unit(unit, language)))):
        _pointed(block, f"evidence.{name}", "", words)
    _pointed(block, "evidence.basis", "", table["basis_en" if language == "en" else "basis_zh"])
    block.integers("evidence.above", (table["comparison"] == "above").to_numpy("int64"))
    block.numbers("evidence.value", table["value"].astype("float64"), 4)
    block.numbers("evidence.limit", table["limit"].astype("float64"), 4)
