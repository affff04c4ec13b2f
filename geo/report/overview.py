"""Chapter 概况: the city's figures against what is asked of them, and what is lacking.

The gap stands as a planner uses it: so many 亩 more must lie inside the zones if the total stays.
"""

from __future__ import annotations

from typing import Any

from geo import labels, standards
from geo.indicators import catalogue, indicator
from geo.report.cells import DASH, Desk, Record, count_text, lacking, plain_rows
from geo.report.parts import Cell, Column, Headline, Paragraph, Section, Table
from geo.telling.clauses import asked_text, figure_text

__all__ = ["headlines", "overview"]

_CARDS = ("industrial_concentration", "tax_per_mu", "industrial_plot_ratio", "building_density")


def headlines(desk: Desk) -> tuple[Headline, ...]:
    """Return the figures of the first page."""
    cards = [_card(desk, name) for name in _CARDS]
    return tuple(card for card in (*cards, _candidates_card(desk)) if card is not None)


def _card(desk: Desk, name: str) -> Headline | None:
    row = desk.judged(name)
    entry = indicator(name)
    if row is None or desk.value(entry, row["value"]) == DASH:
        return None
    target = next((one for one in row["targets"] if one["met"] is not None and "at_least" in one), None)
    value = desk.value(entry, row["value"], with_unit=True)
    if target is None:
        return Headline(desk.whole_title(entry, row), value, desk.say("card_no_target"), ref=entry.id)
    asked = float(target["at_least"])
    whole = 1.0 if entry.percent else max(asked / 0.7, float(row["value"]))
    return Headline(
        label=desk.whole_title(entry, row),
        value=value,
        detail=desk.say(
            "card_target", target=desk.target(entry, target), year=target["year"], gap=desk.gap(entry, row, target)
        ),
        tone=_tone(target),
        ref=entry.id,
        share=min(float(row["value"]) / whole, 1.0),
        mark=min(asked / whole, 1.0),
    )


def _candidates_card(desk: Desk) -> Headline | None:
    found = desk.assessment.candidates
    if found is None:
        return None
    area = float(found.table["area_m2"].sum())
    return Headline(
        desk.say("card_candidates"),
        desk.say("parcels", count=count_text(len(found.table))),
        desk.say("card_candidates_detail", area=desk.mu(area), share=_share(area, found.judged_m2)),
        share=area / found.judged_m2 if found.judged_m2 else None,
    )


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.2%}" if whole else DASH


def overview(desk: Desk) -> Section:
    """Write the chapter."""
    told = [_land(desk), *_verdicts(desk), _candidates(desk), _quality(desk)]
    blocks = tuple(Paragraph(text) for text in told if text)
    tables = tuple(table for table in (_targets(desk), _statistics(desk)) if table is not None)
    return Section("overview", desk.say("ch_overview"), (*blocks, *tables))


def _land(desk: Desk) -> str:
    row = desk.row("industrial_concentration")
    land = desk.assessment.land
    if row is None or land is None or land.parks is None:
        return desk.say("overview_no_land", city=desk.city, as_of=desk.as_of)
    return desk.say(
        "overview_land",
        as_of=desk.as_of,
        city=desk.city,
        count=count_text(row["count"]),
        total=desk.mu(row["denominator"]),
        parks=count_text(len(land.parks)),
        zones=count_text(land.parks["zone_id"].nunique()),
        inside=desk.mu(row["numerator"]),
        value=desk.value(catalogue()["industrial_concentration"], row["value"]),
    )


def _verdicts(desk: Desk) -> list[str]:
    """One sentence for each of the two figures the city is judged by."""
    told = []
    for name in ("industrial_concentration", "tax_per_mu"):
        row = desk.judged(name)
        targets = [] if row is None else [one for one in row["targets"] if one["met"] is not None]
        told += [_verdict(desk, name, row, target) for target in targets if row is not None]
    return told


def _verdict(desk: Desk, name: str, row: Record, target: dict[str, Any]) -> str:
    entry = indicator(name)
    told = desk.say(
        "verdict",
        document=_document(desk, target["policy"]),
        clause=target["clause"],
        year=target["year"],
        scope=desk.say(f"scope_{target['scope']}"),
        title=entry.title(desk.language),
        asked=desk.target(entry, target),
        value=desk.value(entry, row["value"], with_unit=True),
        verdict=desk.word("target.met" if target["met"] else "target.unmet"),
        gap=desk.gap(entry, row, target),
    )
    if target["met"]:
        return told
    amount = lacking(entry, row, float(target["gap"]))
    shown = desk.mu(amount) if entry.numerator_unit == "m2" else desk.amount(amount, entry.numerator_unit)
    return told + desk.say(f"verdict_{name}", amount=shown)


def _document(desk: Desk, policy: str) -> str:
    """Name a document in full where a sentence cites it."""
    short = standards.short_name(policy, desk.language)
    if policy == standards.PROJECT:
        return short
    one = standards.policy(policy)
    return desk.pick(f"《{one.title}》（{short}）", f"{one.title_en} ({short})")


def _candidates(desk: Desk) -> str:
    found = desk.assessment.candidates
    if found is None:
        return ""
    area = float(found.table["area_m2"].sum())
    return desk.say(
        "overview_candidates",
        judged=count_text(found.judged),
        judged_area=desk.mu(found.judged_m2),
        count=count_text(len(found.table)),
        area=desk.mu(area),
        share=_share(area, found.judged_m2),
    )


def _quality(desk: Desk) -> str:
    ledger = desk.assessment.ledger
    if not ledger:
        return ""
    read = sum(int(str(entry.get("read", 0))) for entry in ledger.values())
    used = sum(int(str(entry.get("used", 0))) for entry in ledger.values())
    key = "report.overview_quality" if desk.assessment.checks == "all" else "checks.overview"
    return labels.text(
        key,
        desk.language,
        layers=count_text(len(ledger)),
        read=count_text(read),
        used=count_text(used),
        aside=count_text(read - used),
        findings=count_text(len(desk.assessment.findings)),
    )


def _targets(desk: Desk) -> Table | None:
    """Every figure, of the city or of all zones together, that a clause asks something of."""
    rows = []
    for entry in catalogue().values():
        row = desk.judged(entry.id)
        if row is None:
            continue
        rows += [
            (
                Cell(desk.whole_title(entry, row)),
                desk.figure(entry, row, with_unit=True),
                desk.target(entry, target),
                str(target["year"] or DASH),
                desk.gap(entry, row, target),
                _judged(desk, target),
                desk.clause(target),
            )
            for target in row["targets"]
        ]
    if not rows:
        return None
    titles = ("indicator", "now", "target", "year", "gap", "verdict_head", "clause")
    wide = (1.2, 1.0, 1.1, 0.6, 1.5, 0.7, 1.2)
    return Table(
        "targets",
        desk.say("tab_targets"),
        tuple(Column(desk.say(f"col_{title}"), wide=share) for title, share in zip(titles, wide, strict=True)),
        plain_rows(rows),
        desk.line(desk.say("src_targets")),
    )


def _statistics(desk: Desk) -> Table | None:
    """Every figure the project reports itself, beside what is asked of it."""
    rows = []
    for row in desk.assessment.statistics.to_dict("records"):
        known = standards.statistics()[row["statistic"]]
        first = (
            Cell(known.title(desk.language)),
            Cell(row["scope"] or desk.word(f"level.{row['level']}")),
            Cell(f"{figure_text(row['value'], row['unit'], known, desk.language)} ({row['year']})"),
        )
        rows += [
            (*first, _asked(desk, target), str(target["year"] or DASH), _judged(desk, target), desk.clause(target))
            for target in row["targets"]
        ] or [(*first, DASH, DASH, Cell(DASH), DASH)]
    if not rows:
        return None
    titles = ("indicator", "place", "now", "target", "year", "verdict_head", "clause")
    wide = (1.5, 0.9, 1.1, 1.1, 0.6, 0.7, 1.2)
    return Table(
        "statistics",
        desk.say("tab_statistics"),
        tuple(Column(desk.say(f"col_{title}"), wide=share) for title, share in zip(titles, wide, strict=True)),
        plain_rows(rows),
        desk.line(desk.say("src_statistics"), area=False),
    )


def _asked(desk: Desk, target: dict[str, Any]) -> str:
    return asked_text(standards.clause(target["policy"], target["clause_id"]), desk.language)


def _judged(desk: Desk, target: dict[str, Any]) -> Cell:
    if target["met"] is None:
        return Cell(desk.word("target.unknown"))
    if not target["binding"]:
        return Cell(desk.say("compared_only"))
    return Cell(desk.word("target.met" if target["met"] else "target.unmet"), tone=_tone(target))


def _tone(target: dict[str, Any]) -> str:
    """A clause that binds another level passes no verdict."""
    if not target["binding"]:
        return ""
    return "good" if target["met"] else "bad"
