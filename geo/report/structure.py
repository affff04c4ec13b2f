"""Chapter 用地结构: what the parcels are used for, by class, and how much of it lies inside the zones.

Sums are of whole steps of 0.01 m², so the rows add up to the total. Classes are written as on the map.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from geo.charts import Bars
from geo.land import Land
from geo.maps.facts import use_names
from geo.report.cells import DASH, Desk, count_text
from geo.report.parts import Block, Cell, Column, Figure, Section, Table
from layers.units import convert, from_tally, label, to_tally

__all__ = ["structure"]

_CLASSES_SHOWN = 14


def structure(desk: Desk) -> Section | None:
    """Write the chapter on what the land is used for."""
    land = desk.assessment.land
    if land is None:
        return None
    classes = _classes(land, desk)
    by_zone = desk.by_place(["industrial_land_share"], "zone", "land-share-zone", desk.say("tab_land_share"))
    blocks: list[Block] = [_class_table(desk, classes), _class_bars(desk, classes)]
    return Section("structure", desk.say("ch_structure"), (*blocks, *([by_zone] if by_zone else [])))


def _classes(land: Land, desk: Desk) -> pd.DataFrame:
    """Land by class, largest first: name, parcels, industrial, area_m2, inside_m2, over integers."""
    own = land.parcels
    known = own["land_area_m2"].notna()
    inside = land.pieces[(land.pieces["park"] >= 0) & land.pieces["land_area_m2"].notna()]
    steps = np.zeros(len(own), dtype="int64")
    np.add.at(steps, inside["parcel"].to_numpy(), to_tally(inside["land_area_m2"], "m2"))
    table = pd.DataFrame(
        {
            "name": _class_names(own, desk),
            "industrial": own["industrial"].fillna(value=False).astype(bool),
            "area": to_tally(own["land_area_m2"].fillna(0.0), "m2"),
            "inside": steps,
            "parcels": 1,
        }
    )[known]
    sums = table.groupby(["name", "industrial"], as_index=False).sum()
    sums = sums.sort_values(["area", "name"], ascending=[False, True], kind="stable", ignore_index=True)
    rest = sums.iloc[_CLASSES_SHOWN:]
    if len(rest) > 1:
        other = {"name": desk.say("other_classes", count=len(rest)), "industrial": False}
        other |= {column: rest[column].sum() for column in ("area", "inside", "parcels")}
        sums = pd.concat([sums.iloc[:_CLASSES_SHOWN], pd.DataFrame([other])], ignore_index=True)
    made: pd.DataFrame = sums.assign(
        area_m2=from_tally(sums["area"].to_numpy("int64"), "m2"),
        inside_m2=from_tally(sums["inside"].to_numpy("int64"), "m2"),
    )
    return made


def _class_names(own: pd.DataFrame, desk: Desk) -> pd.Series:
    """The class of each parcel as it is written on the map too: code and name."""
    system = desk.assessment.project.text("land_use.system") or "third-survey"
    named = own["land_use_name"].astype("string") if "land_use_name" in own else None
    uses = named if system == "names" else own["land_use_code"].astype("string").str.strip()
    if uses is None:
        return pd.Series(desk.say("no_class"), index=own.index)
    words = use_names(uses, named, system, desk.language)
    return uses.map(words).astype("string").fillna(desk.say("no_class"))


def _class_table(desk: Desk, classes: pd.DataFrame) -> Table:
    total, inside = classes["area_m2"].sum(), classes["inside_m2"].sum()
    rows = [
        _class_row(desk, row["name"], row["parcels"], row["area_m2"], row["inside_m2"], total)
        for row in classes.to_dict("records")
    ]
    first = _class_row(desk, desk.say("total"), classes["parcels"].sum(), total, inside, total)
    return Table(
        "land-classes",
        desk.say("tab_classes"),
        (
            Column(desk.say("col_class"), wide=1.8),
            Column(desk.say("col_parcels"), "right", 0.7),
            *desk.area_columns(desk.say("col_area")),
            Column(desk.say("col_share"), "right", 0.8),
            desk.area_columns(desk.say("col_inside"))[0],
            Column(desk.say("col_inside_share"), "right", 0.8),
        ),
        (first, *rows),
        desk.line(desk.say("src_classes")),
        strong=1,
    )


def _class_row(
    desk: Desk, name: str, parcels: float, area_m2: float, inside_m2: float, total_m2: float
) -> tuple[Cell, ...]:
    return (
        Cell(name),
        Cell(count_text(parcels)),
        *desk.area_cells(area_m2),
        Cell(f"{area_m2 / total_m2:.2%}" if total_m2 else DASH),
        desk.area_cells(inside_m2)[0],
        Cell(f"{inside_m2 / area_m2:.2%}" if area_m2 else DASH),
    )


def _class_bars(desk: Desk, classes: pd.DataFrame) -> Figure:
    mu = [float(value) for value in convert(classes["area_m2"], "m2", "mu")]
    bars = Bars(tuple(classes["name"]), tuple(mu), tuple(f"{value:,.2f}" for value in mu), label("mu", desk.language))
    return Figure("land-classes-chart", desk.say("fig_classes"), bars, desk.line(desk.say("src_classes_short")))
