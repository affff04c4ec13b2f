"""Figures for a terminal: what `measure` and `policy show` print.

Writes what was computed elsewhere; the words come from `geo.labels`.
"""

from __future__ import annotations

from typing import Any

from geo.assessment import Assessment
from geo.indicators import catalogue
from geo.labels import area_text, text, value_text
from geo.standards import Clause, Policy, clause, statistics
from geo.telling.clauses import asked_text, bound_text, figure_text, reading_text, verdict_text
from layers.telling import table_text
from layers.units import label

__all__ = ["indicators_text", "policy_text"]


def indicators_text(assessment: Assessment) -> str:
    """List indicators by level, each with both sums, the target and the gap."""
    language = assessment.project.language
    known = catalogue()
    blocks = []
    for level, rows in assessment.indicators.groupby("level", sort=False):
        cells = []
        for row in rows.to_dict("records"):
            entry = known[row["id"]]
            withheld = bool(row.get("suppressed"))
            cells.append(
                [
                    row["scope_name"],
                    entry.title(language),
                    text("withheld", language) if withheld else value_text(entry, row["value"], language),
                    "—" if withheld else f"{row['numerator']:,.2f} {_base(entry.numerator_unit, language)}",
                    "—" if withheld else f"{row['denominator']:,.2f} {_base(entry.denominator_unit, language)}",
                    str(row["missing"]) if row["missing"] else "",
                    _target(row["targets"], entry.percent, language),
                ]
            )
        titles = [
            text(f"telling.{name}", language)
            for name in ("place", "indicator", "value", "top", "below", "missing", "target")
        ]
        blocks.append(f"— {text(f'level.{level}', language)} —\n" + table_text(titles, cells, right=[2, 3, 4, 5]))
    return "\n\n".join(
        [
            *blocks,
            *_statistics(assessment, language),
            *_matches(assessment, language),
            *_overlaps(assessment, language),
            *_identities(assessment, language),
            *_not_computed(assessment, language),
        ]
    )


def _statistics(assessment: Assessment, language: str) -> list[str]:
    """Figures the project reports, each beside what is asked of it."""
    rows = []
    for row in assessment.statistics.to_dict("records"):
        known = statistics()[row["statistic"]]
        place = row["scope"] or text(f"level.{row['level']}", language)
        figure = figure_text(row["value"], row["unit"], known, language)
        rows.append([place, known.title(language), str(row["year"]), figure, _asked(row["targets"], language)])
    titles = [text(f"telling.{name}", language) for name in ("place", "statistic", "year", "value", "target")]
    return [table_text(titles, rows, right=[3])] if rows else []


def _asked(targets: list[dict[str, Any]], language: str) -> str:
    told = []
    for one in targets:
        met = {True: "target.met", False: "target.unmet", None: "target.unknown"}[one["met"]]
        verdict = text(met if one["binding"] else "report.compared_only", language)
        asked = asked_text(clause(one["policy"], one["clause_id"]), language)
        told.append(f"{asked} {verdict} ({one['policy']} {one['clause']})")
    return "; ".join(told)


def _not_computed(assessment: Assessment, language: str) -> list[str]:
    """Figures that are not there, and what they lack."""
    known = catalogue()
    rows = [
        [known[name].title(language), why[0] if language == "en" else why[1]]
        for name, why in assessment.not_computed.items()
    ]
    titles = [text(f"telling.{word}", language) for word in ("not_computed", "why")]
    return [table_text(titles, rows)] if rows else []


def _matches(assessment: Assessment, language: str) -> list[str]:
    """Which way firms found their parcels."""
    if assessment.firms is None:
        return []
    table = assessment.firms.match_table
    total = int(table["firms"].sum())
    rows = [
        [text(f"match.{row['way']}", language), f"{row['firms']:,}", f"{row['firms'] / total:.1%}"]
        for row in table.to_dict("records")
    ]
    titles = [text(f"telling.{word}", language) for word in ("matched", "firms", "share")]
    return [table_text(titles, rows, right=[1, 2])]


def _overlaps(assessment: Assessment, language: str) -> list[str]:
    """The overlap matrix, as pairs."""
    rows = [
        [str(row["name_a"]), str(row["name_b"]), f"{row['area_m2']:,.2f}", area_text(float(row["area_m2"]), language)]
        for row in assessment.overlaps.to_dict("records")
    ]
    titles = [text("telling.overlap", language), "", label("m2", language), text("unit.mu", language)]
    return [table_text(titles, rows, right=[2, 3])] if rows else []


def _base(unit: str, language: str) -> str:
    return label(unit, language)


def _target(targets: list[dict[str, Any]], percent: bool, language: str) -> str:
    told = []
    for one in targets:
        comparison = next(
            (name for name in ("at_least", "more_than", "at_most", "equals", "about") if name in one), None
        )
        if comparison is None:
            continue
        shown = f"{one[comparison]:.0%}" if percent else f"{one[comparison]:g}"
        met = {True: "target.met", False: "target.unmet", None: "target.unknown"}[one["met"]]
        wanted = f"{text(f'comparison.{comparison}', language)} {shown}"
        # A clause on all zones together is shown beside the city and each zone, but judges neither.
        verdict = text(met if one["binding"] else "report.compared_only", language)
        told.append(f"{wanted} {verdict} ({one['policy']} {one['clause']})")
    return "; ".join(told)


def _identities(assessment: Assessment, language: str) -> list[str]:
    if assessment.identities.empty:
        return []
    name = "name_zh" if language == "zh" else "name"
    rows = [
        [
            row[name],
            f"{row['left']:,.2f}",
            f"{row['right']:,.2f}",
            f"{row['difference']:,.2f}",
            "✓" if row["holds"] else "✗",
        ]
        for row in assessment.identities.to_dict("records")
    ]
    titles = [text(f"telling.{word}", language) for word in ("identity", "left", "right", "difference", "holds")]
    return [table_text(titles, rows, right=[1, 2, 3])]


def policy_text(one: Policy, language: str = "zh") -> str:
    """Write a policy as it reads: chapter by chapter, clause by clause, with what it leaves open."""
    english = language == "en"
    lines = [f"{one.title_en if english else one.title}  {one.number or ''}".rstrip(), *_standing(one, language)]
    told = one.binds_en if english else one.binds_zh
    lines.append("  " + text("telling.binds", language).format(whom=told))
    for chapter in one.chapters:
        title = f" {chapter.title_en}" if english else f"、{chapter.title_zh}"
        lines += ["", chapter.number + title]
        for asked in one.clauses:
            if asked.chapter == chapter.number:
                lines += _clause_lines(asked, language)
    return "\n".join(lines)


def _standing(one: Policy, language: str) -> list[str]:
    """From when to when a document holds, and how sure that is."""
    days = [text("telling.in_force", language).format(start=one.in_force_from.isoformat())]
    for name, day in (("repealed", one.repealed_on), ("lapsed", one.lapsed_from)):
        if day is not None:
            days.append(text(f"telling.{name}", language).format(end=day.isoformat()))
    return ["  " + "; ".join(days), "  " + (one.status_en if language == "en" else one.status_zh)]


def _clause_lines(one: Clause, language: str) -> list[str]:
    asked = asked_text(one, language)
    head = f"{one.clause}  {one.about.title(language)}" + (f"  {asked}" if asked else "")
    lines = [
        f"  {head}  [{'; '.join([one.id, bound_text(one, language), *_wording(one, language)])}]",
        f"      {one.description_en if language == 'en' else one.description_zh}",
    ]
    if one.verdict is not None:
        lines.append(f"      {verdict_text(one.verdict, language)}")
    for question in one.open:
        asked = question.question_en if language == "en" else question.question_zh
        lines.append(f"      ? {asked} → {reading_text(question, language)}")
    return lines


def _wording(one: Clause, language: str) -> list[str]:
    """The words of the text that soften or sharpen a clause, as printed."""
    return [text("telling.wording", language).format(words=one.wording)] if one.wording else []
