"""Chapter 目标达成: how much of its targets each zone has reached, beside its peers, as a table and as radars."""

from __future__ import annotations

import math

import pandas as pd

from geo.attainments import Attainment, attainment
from geo.charts import radar_of
from geo.indicators import catalogue
from geo.labels import text
from geo.report.cells import DASH, Desk, Record, count_text, plain_rows
from geo.report.parts import Block, Cell, Column, Figure, Paragraph, Section, Table

__all__ = ["attainment_chapter"]

#: So many zones are drawn, those furthest behind; the table holds all.
_DRAWN = 12


def attainment_chapter(desk: Desk) -> Section | None:
    """Write the chapter; None where nothing is asked of any zone."""
    found = attainment(desk.assessment)
    if found.table.empty:
        return None
    blocks: list[Block] = [Paragraph(desk.say("attainment_how")), _table(desk, found.table)]
    figure = _radars(desk, found)
    return Section("attainment", desk.say("ch_attainment"), tuple([*blocks, figure] if figure else blocks))


def _table(desk: Desk, table: pd.DataFrame) -> Table:
    """Zones by indicators: how much of each target is reached."""
    known, names = catalogue(), list(table["indicator"].drop_duplicates())
    names.sort(key=list(known).index)
    cells = {(row["scope_id"], row["indicator"]): _cell(desk, row) for row in table.to_dict("records")}
    rows: list[list[str | Cell]] = [
        [Cell(str(zone["scope_name"])), _group(desk, zone["peer_group"]),
         *(cells.get((zone["scope_id"], name), Cell(DASH)) for name in names)]
        for zone in table.drop_duplicates("scope_id").to_dict("records")
    ]  # fmt: skip
    heads = [Column(desk.say("col_zone"), wide=1.4), Column(desk.say("col_peers"), wide=0.9)]
    heads += [Column(known[name].title(desk.language), "right") for name in names]
    line = desk.line(desk.say("src_attainment"), area=False)
    return Table("attainment", desk.say("tab_attainment"), tuple(heads), plain_rows(rows), line)


def _group(desk: Desk, group: str) -> str:
    return text("attainment.group_all" if group == "all" else f"park_level.{group}", desk.language)


def _cell(desk: Desk, row: Record) -> Cell:
    entry = catalogue()[row["indicator"]]
    target = {name: row[name] for name in ("policy", "clause", "clause_id", "binding", "met", "unit", "year")}
    target[row["comparison"]] = row["target"]
    note = desk.say(
        "attainment_note",
        value=desk.value(entry, row["value"], with_unit=True),
        target=desk.target(entry, target),
        clause=desk.clause(target),
        peers=DASH if math.isnan(row["peer_mean"]) else f"{row['peer_mean']:.1%}",
        rank=DASH if pd.isna(row["rank"]) else f"{row['rank']} / {row['peers'] + 1}",
    )
    tone = "" if row["met"] is None or not row["binding"] else "good" if row["met"] else "bad"
    return Cell(DASH if math.isnan(row["attainment"]) else f"{row['attainment']:.1%}", note, row["indicator"], tone)


def _radars(desk: Desk, found: Attainment) -> Figure | None:
    """Draw the zones, those furthest behind first where there are many."""
    means = found.table.groupby("scope_id")["attainment"].mean()
    zones = found.zones
    if len(zones) > _DRAWN:
        zones = list(means.sort_values(kind="stable").index[:_DRAWN])
    drawn = tuple(radar for zone in zones if (radar := radar_of(found, zone, desk.language)) is not None)
    if not drawn:
        return None
    more = desk.say("attainment_some", shown=_DRAWN, all=count_text(len(means))) if len(means) > _DRAWN else ""
    line = desk.line(desk.say("src_attainment") + more, area=False)
    return Figure("attainment-radars", desk.say("fig_attainment"), drawn, line)
