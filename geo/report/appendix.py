"""附表: the catalogue of indicators, the documents clause by clause, the settings, the columns that were read.

The catalogue holds the anchors (``def-…``) that every figure of the report links to.
"""

from __future__ import annotations

from typing import Any

from geo import standards
from geo.indicators import catalogue
from geo.report.cells import DASH, Desk, plain_rows
from geo.report.parts import Cell, Column, Paragraph, Section, Table
from geo.report.provenance import column_name, layer_name, settings
from geo.telling.clauses import asked_text
from layers.units import label

__all__ = ["appendix", "clause_links"]


def appendix(desk: Desk) -> Section:
    """Write the chapter."""
    columns = _columns(desk)
    parts = (
        Section("catalogue", desk.say("sec_catalogue"), (_catalogue(desk),)),
        *(_policy(desk, standards.policy(name)) for name in desk.assessment.project.texts("project.policies")),
        settings(desk),
        *([Section("columns", desk.say("sec_columns"), (columns,))] if columns else []),
    )
    return Section("appendix", desk.say("ch_appendix"), sections=parts)


def _catalogue(desk: Desk) -> Table:
    rows = [
        (
            Cell(entry.title(desk.language), anchor=f"def-{entry.id}"),
            entry.id,
            DASH if entry.unit == "1" else label(entry.unit, desk.language),
            entry.definition(desk.language),
            entry.source(desk.language),
            desk.figure(entry, desk.row(entry.id)),
        )
        for entry in catalogue().values()
    ]
    heads = (("indicator", "left", 1.0), ("id", "left", 1.3), ("unit", "left", 0.7), ("definition", "left", 2.4),
             ("document", "left", 1.6), ("city_value", "right", 0.8))  # fmt: skip
    return Table(
        "catalogue-table",
        desk.say("tab_catalogue"),
        tuple(Column(desk.say(f"col_{title}"), align, wide) for title, align, wide in heads),
        plain_rows(rows),
        desk.line(desk.say("src_catalogue")),
    )


def _policy(desk: Desk, policy: standards.Policy) -> Section:
    day = desk.assessment.project.as_of
    lead = desk.say(
        "policy_lead",
        title=desk.pick(f"《{policy.title}》", policy.title_en),
        number=policy.number or policy.id,
        start=policy.in_force_from.isoformat(),
        end=DASH if policy.repealed_on is None else policy.repealed_on.isoformat(),
        status=desk.pick(policy.status_zh, policy.status_en),
        checked=policy.check.on.isoformat(),
    )
    if day is not None and not policy.in_force(day):
        lead += desk.say("policy_not_in_force", day=day.isoformat())
    rows = [
        (
            Cell(clause.clause, anchor=_anchor(policy.id, place)),
            desk.pick(clause.description_zh, clause.description_en),
            asked_text(clause, desk.language) or desk.word("comparison.rule"),
            str(clause.year or DASH),
            _now(desk, policy.id, clause),
        )
        for place, clause in enumerate(policy.clauses, 1)
    ]
    heads = (("clause", 0.5), ("asks", 3.0), ("figure", 1.1), ("year", 0.5), ("now", 1.1))
    table = Table(
        f"clauses-{policy.id}",
        desk.say("tab_clauses", number=desk.document(policy.id)),
        tuple(Column(desk.say(f"col_{title}"), wide=wide) for title, wide in heads),
        plain_rows(rows),
        desk.line(desk.say("src_clauses"), area=False),
    )
    return Section(
        f"policy-{policy.id}", desk.say("sec_clauses", number=desk.document(policy.id)), (Paragraph(lead), table)
    )


def _anchor(policy: str, place: int) -> str:
    return f"clause-{policy}-{place}"


def clause_links(desk: Desk) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return where the clauses stand that ask for each indicator: its id → (document and clause, address)."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for name in desk.assessment.project.texts("project.policies"):
        for place, clause in enumerate(standards.policy(name).clauses, 1):
            if clause.measured:
                link = (f"{desk.document(name)} {clause.clause}", f"#{_anchor(name, place)}")
                found[clause.indicator] = (*found.get(clause.indicator, ()), link)
    return found


def _now(desk: Desk, policy: str, clause: standards.Clause) -> Cell:
    """The city's value where Parkwise measures it, else that it does not."""
    row = desk.judged(clause.indicator) if clause.measured else None
    if row is None:
        return Cell(desk.say("elsewhere" if not clause.measured else "not_computed"))
    targets: list[dict[str, Any]] = [
        one for one in row["targets"] if (one["policy"], one["clause"]) == (policy, clause.clause)
    ]
    cell = desk.figure(catalogue()[clause.indicator], row, with_unit=True)
    return Cell(cell.text, cell.note, cell.ref, cell.tone if targets else "")


def _columns(desk: Desk) -> Table | None:
    rows = [
        (
            layer_name(desk, layer),
            desk.pick(
                f"{column_name(desk, layer, column)}（{column}）", f"{column_name(desk, layer, column)} ({column})"
            ),
            str(told.get("title") or DASH),
            str(told.get("unit") or DASH),
            desk.say(f"how_{told['how']}") if told.get("how") in {"given", "alias", "guess", "constant"} else DASH,
        )
        for layer, entry in desk.assessment.ledger.items()
        for column, told in _mapping(entry.get("columns")).items()
    ]
    if not rows:
        return None
    heads = (("layer", 0.8), ("column", 1.5), ("title", 1.8), ("unit", 0.8), ("how", 1.0))
    return Table(
        "column-table",
        desk.say("tab_columns"),
        tuple(Column(desk.say(f"col_{title}"), wide=wide) for title, wide in heads),
        plain_rows(rows),
        desk.line(desk.say("src_columns"), area=False),
    )


def _mapping(value: object) -> dict[str, dict[str, Any]]:
    return {str(key): item for key, item in value.items() if isinstance(item, dict)} if isinstance(value, dict) else {}
