"""Chapter 低效用地线索: limits with their source, how many parcels they catch, the strongest ones with evidence.

A candidate is where several pieces of evidence meet. It is a lead for a field check, never a legal
finding, and the chapter says so first.
"""

from __future__ import annotations

import pandas as pd

from geo.labels import evidence_title, fact_title
from geo.renewal import Candidates, Rule
from geo.renewal.rules import STATES
from geo.report.cells import DASH, Desk, Record, count_text, plain_rows
from geo.report.parts import Block, Cell, Column, Paragraph, Section, Table
from geo.telling.candidates import limit_rows, piece_text

__all__ = ["renewal_chapter"]

_SHOWN = 30
_GROUPS_SHOWN = 10


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
    if len(found.exempt):
        blocks.append(_exempt(desk, found))
    blocks += [Paragraph(note.text(desk.language), "note") for note in found.notes]
    return Section("candidates", desk.say("ch_candidates"), tuple(blocks))


def _limits(desk: Desk, found: Candidates) -> Table:
    """Limits of the measures, and the states that were looked for, each with where it comes from."""
    project = desk.assessment.project
    sources = {rule.code: rule.source for rule in found.rules}
    measured = dict.fromkeys(found.limits["code"])
    rows = [
        (title, limit, basis, _source(desk, sources[code]))
        for code, (title, limit, basis) in limit_rows(found, desk.language)
    ]
    rows += [
        (_title(desk, found, rule.code), *_state(desk, rule), _source(desk, rule.source))
        for rule in found.rules
        if rule.code in found.facts and rule.code not in measured
    ]
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
        plain_rows(rows),
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


def _title(desk: Desk, found: Candidates, code: str) -> str:
    return evidence_title(code, found.titles, desk.language)


def _source(desk: Desk, source: str) -> str:
    return desk.say("own_limit") if source == "project" else source


def _state(desk: Desk, rule: Rule) -> tuple[str, str]:
    """What a rule of states asks, and of which columns."""
    states = [test.about for test in rule.tests if test.about in STATES]
    limits, bases = ([desk.say(f"{kind}_{state}") for state in states] for kind in ("limit", "basis"))
    return desk.join(limits), desk.join(bases)


def _kinds(desk: Desk, found: Candidates) -> Table:
    """How many candidates show each kind of evidence."""
    area = found.table.set_index("parcel")["area_m2"]
    rows = [
        (
            Cell(_title(desk, found, str(code))),
            Cell(count_text(rows["parcel"].nunique())),
            *desk.area_cells(float(area.reindex(rows["parcel"].unique()).sum())),
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
            _evidence(desk, found, evidence[row["parcel"]], row["missing"]),
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


def _evidence(desk: Desk, found: Candidates, rows: pd.DataFrame, missing: list[str]) -> str:
    told = [piece_text(found, row, desk.language) for row in rows.to_dict("records")]
    if missing:
        names = desk.join([fact_title(name, desk.language) for name in missing])
        told.append(desk.say("unknown_of", names=names))
    return desk.pick("；", "; ").join(dict.fromkeys(told))


def _groups(desk: Desk, found: Candidates) -> Table:
    """The largest contiguous groups, with who holds them and what stands against industry there."""
    names = _park_names(desk)
    rows = [
        (
            Cell(str(row["group"])),
            Cell(count_text(row["parcels"])),
            desk.area_cells(row["area_m2"])[0],
            *(Cell(DASH if pd.isna(row[name]) else count_text(row[name])) for name in ("owners", "firms")),
            Cell(f"{row['strength']:.2f}"),
            *(desk.area_cells(row[name])[0] for name in ("constrained_m2", "planned_other_m2")),
            Cell(_place(row, names)),
            Cell(str(row["first_parcel"])),
        )
        for row in found.groups.head(_GROUPS_SHOWN).to_dict("records")
    ]
    project = desk.assessment.project
    heads = [
        Column(desk.say("col_group"), "right", 0.5), Column(desk.say("col_parcels"), "right", 0.6),
        desk.area_columns(desk.say("col_area"))[0], Column(desk.say("col_owners"), "right", 0.6),
        Column(desk.say("col_firms"), "right", 0.6), Column(desk.say("col_mean_strength"), "right", 0.7),
        desk.area_columns(desk.say("col_constrained"))[0], desk.area_columns(desk.say("col_planned_other"))[0],
        Column(desk.say("col_park_or_district"), wide=1.2), Column(desk.say("col_first_parcel"), wide=1.2),
    ]  # fmt: skip
    return Table(
        "candidate-groups",
        desk.say("tab_groups", shown=len(rows)),
        tuple(heads),
        tuple(rows),
        desk.line(
            desk.say(
                "src_groups",
                within=f"{project.number('candidates.group_within_m') or 0:g}",
                minimum=f"{project.number('candidates.group_minimum_m2') or 0:g}",
                count=count_text(len(found.groups)),
            )
        ),
    )


def _place(row: Record, names: dict[str, str]) -> str:
    """Name of the park most of a group lies in, else of the district."""
    if isinstance(row["park"], str):
        return names.get(row["park"], row["park"])
    return row["district"] if isinstance(row["district"], str) else DASH


def _exempt(desk: Desk, found: Candidates) -> Table:
    """Parcels with enough evidence that are exempt, each with the reason."""
    shown = found.exempt.head(_SHOWN)
    rows = [
        (str(row["parcel_id"]), desk.area_cells(row["area_m2"])[0], count_text(row["strength"]),
         desk.pick(row["reason_zh"], row["reason_en"]))
        for row in shown.to_dict("records")
    ]  # fmt: skip
    return Table(
        "candidate-exemptions",
        desk.say("tab_exempt", count=count_text(len(found.exempt))),
        (
            Column(desk.say("col_parcel")),
            desk.area_columns(desk.say("col_area"))[0],
            Column(desk.say("col_strength"), "right", 0.5),
            Column(desk.say("col_reason"), wide=3.0),
        ),
        plain_rows(rows),
        desk.line(desk.say("src_exempt", shown=len(rows), count=count_text(len(found.exempt)))),
    )
