"""Chapter 低效用地线索: limits with their source, how many parcels they catch, the strongest ones with evidence.

A candidate is where several pieces of evidence meet. It is a lead for a field check, never a legal
finding, and the chapter says so first.
"""

from __future__ import annotations

import pandas as pd

from geo.indicators import indicator
from geo.renewal import Candidates
from geo.report.cells import DASH, Desk, Record, count_text, plain_rows, unit_text
from geo.report.parts import Block, Cell, Column, Paragraph, Section, Table

__all__ = ["renewal_chapter"]

_SHOWN = 30
_GROUPS_SHOWN = 10
_MEASURE = {
    "low_tax": "tax_per_mu",
    "low_plot_ratio": "industrial_plot_ratio",
    "low_building_density": "building_density",
}


def renewal_chapter(desk: Desk) -> Section | None:
    """Write the chapter; None where nothing was looked for."""
    found = desk.assessment.candidates
    if found is None:
        return None
    blocks: list[Block] = [Paragraph(desk.say("candidates_caveat"), "warning"), _limits(desk, found)]
    if found.table.empty:
        blocks.append(Paragraph(desk.say("candidates_none")))
    else:
        blocks += [_kinds(desk, found), _list(desk, found), _groups(desk, found)]
    return Section("candidates", desk.say("ch_candidates"), tuple(blocks))


def _limits(desk: Desk, found: Candidates) -> Table:
    project = desk.assessment.project
    rows = [
        (desk.word(f"evidence.{row['code']}"), _below(desk, row), desk.pick(row["basis_zh"], row["basis_en"]))
        for row in found.limits.to_dict("records")
    ]
    if project["candidates.vacant"]:
        rows.append((desk.word("evidence.vacant"), desk.say("limit_vacant"), desk.say("basis_vacant")))
    if project["candidates.outside_parks"]:
        rows.append((desk.word("evidence.outside_parks"), desk.say("limit_outside"), desk.say("basis_outside")))
    needed = int(project.number("candidates.evidence_needed") or 1)
    return Table(
        "candidate-limits",
        desk.say("tab_limits"),
        (
            Column(desk.say("col_evidence")),
            Column(desk.say("col_limit"), wide=1.1),
            Column(desk.say("col_basis"), wide=2.2),
            Column(desk.say("col_limit_source"), wide=0.8),
        ),
        plain_rows([(*row, desk.say("own_limit")) for row in rows]),
        desk.line(
            desk.say(
                "src_limits",
                needed=needed,
                judged=count_text(found.judged),
                area=desk.mu(found.judged_m2),
                minimum=f"{project.number('candidates.minimum_area_m2') or 0:g}",
            )
        ),
    )


def _below(desk: Desk, row: Record) -> str:
    return f"< {_number(row['code'], row['limit'], row['unit'], desk)}"


def _number(code: str, value: float, unit: str, desk: Desk) -> str:
    if code == "low_building_density":
        return f"{value:.2%}"
    shown = unit_text(unit, desk.language)
    return f"{value:,.2f}" + (f" {shown}" if shown else "")


def _kinds(desk: Desk, found: Candidates) -> Table:
    """How many candidates show each kind of evidence."""
    area = found.table.set_index("parcel")["area_m2"]
    rows = [
        (
            Cell(desk.word(f"evidence.{code}")),
            Cell(count_text(len(rows))),
            *desk.area_cells(float(area.reindex(rows["parcel"]).sum())),
        )
        for code, rows in found.evidence.groupby("code", sort=False)
    ]
    total = (Cell(desk.say("total_candidates")), Cell(count_text(len(area))), *desk.area_cells(float(area.sum())))
    return Table(
        "candidate-kinds",
        desk.say("tab_kinds"),
        (
            Column(desk.say("col_evidence"), wide=1.4),
            Column(desk.say("col_parcels"), "right"),
            *desk.area_columns(desk.say("col_area")),
        ),
        (total, *rows),
        desk.line(desk.say("src_kinds")),
        strong=1,
    )


def _list(desk: Desk, found: Candidates) -> Table:
    names = _park_names(desk)
    table = found.table.head(_SHOWN)
    evidence = dict(iter(found.evidence[found.evidence["parcel"].isin(table["parcel"])].groupby("parcel")))
    rows = [
        (
            str(number),
            Cell(str(row["parcel_id"])),
            DASH if pd.isna(row["park"]) else names.get(str(row["park"]), str(row["park"])),
            desk.area_cells(row["area_m2"])[0],
            count_text(row["group"]),
            count_text(row["strength"]),
            _evidence(desk, evidence[row["parcel"]], row["missing"]),
        )
        for number, row in enumerate(table.to_dict("records"), 1)
    ]
    heads = (("number", "right", 0.4), ("parcel", "left", 1.0), ("park", "left", 1.2), None, ("group", "right", 0.5),
             ("strength", "right", 0.5), ("evidence_told", "left", 3.0))  # fmt: skip
    return Table(
        "candidate-list",
        desk.say("tab_candidates", shown=len(table)),
        tuple(
            desk.area_columns(desk.say("col_area"))[0]
            if head is None
            else Column(desk.say(f"col_{head[0]}"), *head[1:])
            for head in heads
        ),
        plain_rows(rows),
        desk.line(desk.say("src_candidates", shown=len(table), count=count_text(len(found.table)))),
    )


def _park_names(desk: Desk) -> dict[str, str]:
    land = desk.assessment.land
    if land is None or land.parks is None:
        return {}
    return dict(zip(land.parks["park_id"].astype(str), land.parks["park_name"].astype(str), strict=True))


def _evidence(desk: Desk, rows: pd.DataFrame, missing: list[str]) -> str:
    told = [_piece(desk, row) for row in rows.to_dict("records")]
    if missing:
        names = desk.join([indicator(name).title(desk.language) for name in missing])
        told.append(desk.say("unknown_of", names=names))
    return desk.pick("；", "; ").join(told)


def _piece(desk: Desk, row: Record) -> str:
    word = desk.word(f"evidence.{row['code']}")
    if row["code"] in _MEASURE:
        value, limit = (_number(row["code"], row[key], row["unit"], desk) for key in ("value", "limit"))
        return f"{word} {value} < {limit}"
    return word


def _groups(desk: Desk, found: Candidates) -> Table:
    table = found.table.groupby("group").agg(
        parcels=("uid", "size"), area_m2=("area_m2", "sum"), first=("parcel_id", "first")
    )
    rows = [
        (Cell(str(group)), Cell(count_text(row["parcels"])), *desk.area_cells(row["area_m2"]), Cell(str(row["first"])))
        for group, row in zip(table.index[:_GROUPS_SHOWN], table.head(_GROUPS_SHOWN).to_dict("records"), strict=True)
    ]
    within = desk.assessment.project.number("candidates.group_within_m") or 0.0
    return Table(
        "candidate-groups",
        desk.say("tab_groups", shown=len(rows)),
        (
            Column(desk.say("col_group"), "right", 0.5),
            Column(desk.say("col_parcels"), "right"),
            *desk.area_columns(desk.say("col_area")),
            Column(desk.say("col_first_parcel"), wide=1.4),
        ),
        tuple(rows),
        desk.line(desk.say("src_groups", within=f"{within:g}", count=count_text(len(table)))),
    )
