"""The content of a report: every word, every table, once for all forms (`compose_report`).

Chapters stand in the order officials expect: 概况, 数据来源与口径, 数据质量, 用地结构, 集聚度, 强度, 效益,
目标达成, 园区构成与整合, 低效用地, 方案, 评价, 附表, 附图. A chapter without data is left out. Nothing here knows HTML
or Word.
"""

from __future__ import annotations

from collections.abc import Sequence

from geo import standards
from geo.assessment import Assessment
from geo.indicators import catalogue
from geo.planned import Planned
from geo.ratings import Ratings
from geo.report.appendix import appendix, clause_links
from geo.report.attainment_chapter import attainment_chapter
from geo.report.cells import Desk, desk
from geo.report.composition_chapter import composition_chapter
from geo.report.figures import benefit, concentration_chapter, intensity_chapter
from geo.report.map_chapter import PrintedMap, map_chapter
from geo.report.overview import headlines, overview
from geo.report.parts import (
    Block,
    Cell,
    Column,
    Figure,
    Headline,
    Paragraph,
    Report,
    Section,
    Table,
    numbered,
    walk,
)
from geo.report.plan_chapter import plan_chapter, plan_headline
from geo.report.provenance import provenance
from geo.report.quality import quality
from geo.report.rating_chapter import rating_chapter
from geo.report.renewal_chapter import renewal_chapter
from geo.report.structure import structure
from layers.errors import Words

__all__ = [
    "Block",
    "Cell",
    "Column",
    "Figure",
    "Headline",
    "Paragraph",
    "Report",
    "Section",
    "Table",
    "compose_report",
    "walk",
]

_FILES = ("map.html", "report.docx", "report.xlsx", "results.gpkg", "findings.csv", "results.json", "manifest.json")
#: Indicators the map has a theme of.
_THEMES = frozenset({"tax_per_mu", "plot_ratio", "building_density"})
_WORDS = (
    "contents",
    "table_n",
    "figure_n",
    "figure_source",
    "files",
    "definition",
    "skip",
    "hint",
    "made_with",
    "see_html",
)
_CHAPTERS = (
    overview,
    provenance,
    quality,
    structure,
    concentration_chapter,
    intensity_chapter,
    benefit,
    attainment_chapter,
    composition_chapter,
    renewal_chapter,
)


def compose_report(
    assessment: Assessment,
    *,
    language: str = "zh",
    ratings: Ratings | None = None,
    plan: Planned | None = None,
    maps: Sequence[PrintedMap] | Words = (),
) -> Report:
    """Compose the report on an assessment.

    Parameters
    ----------
    assessment : Assessment
        Its `ledger` may carry, by layer, also ``source``, ``crs``, ``columns`` and ``guessed`` as the
        frames' attrs do; what is there is printed.
    language : str
        ``zh`` or ``en``.
    ratings : Ratings, optional
        What was graded.
    plan : Planned, optional
        What was planned.
    maps : sequence of PrintedMap, or Words
        What `printed_maps` drew, or why it could not.

    Returns
    -------
    Report
    """
    at = desk(assessment, language)
    own = (plan_chapter(at, plan), rating_chapter(at, ratings), appendix(at), map_chapter(at, maps))
    written = (*(write(at) for write in _CHAPTERS), *own)
    chapters = [chapter for chapter in written if chapter is not None]
    return Report(
        title=at.say("title", city=at.city),
        language=at.language,
        facts=_facts(at),
        banner=_banner(at),
        headlines=(*headlines(at), *plan_headline(at, plan)),
        sections=numbered(tuple(chapters)),
        files=tuple((name, at.say(f"file_{name.replace('.', '_')}")) for name in _files(at)),
        words={key: at.say(key) for key in _WORDS},
        links=_links(at),
        texts=_texts(at),
        values={name: _values(at, level) for name, level in (("figures", "city"), ("zones", "zones"))},
    )


def _files(at: Desk) -> tuple[str, ...]:
    """The files beside the report; without parcels there is no map."""
    return tuple(name for name in _FILES if name != "map.html" or at.assessment.land is not None)


def _texts(at: Desk) -> dict[str, str]:
    """The single texts of the first page, by name."""
    project = at.assessment.project
    policies = [standards.policy(name) for name in project.texts("project.policies")]
    documents = [f"{one.number or one.id} {at.pick(one.title, one.title_en)}" for one in policies]
    return {
        "title": at.say("title", city=at.city),
        "project": project.text("project.name") or "",
        "city": at.city,
        "as_of": at.as_of,
        "policies": at.join(documents) or at.say("no_policy"),
        "redaction": redacted.words.text(at.language) if (redacted := at.assessment.redaction) else "",
        "banner": _banner(at),
    }


def _facts(at: Desk) -> tuple[tuple[str, str], ...]:
    texts = _texts(at)
    told = ((key, texts[key]) for key in ("project", "city", "as_of", "policies", "redaction"))
    return tuple((at.say(f"fact_{key}"), value) for key, value in told if value)


def _links(at: Desk) -> dict[str, tuple[tuple[str, str], ...]]:
    """The ways from each figure to its clauses and, where there is a map, to its parcels."""
    clauses, land = clause_links(at), at.assessment.land is not None
    shown = {
        name: ((at.say("to_parcels"), f"map.html#{name if name in _THEMES else 'zones'}"),) if land else ()
        for name in catalogue()
    }
    return {name: (*clauses.get(name, ()), *ways) for name, ways in shown.items()}


def _values(at: Desk, level: str) -> dict[str, str]:
    return {name: at.figure(entry, at.row(name, level), with_unit=True).text for name, entry in catalogue().items()}


def _banner(at: Desk) -> str:
    """The data are synthetic where the project or the city says so."""
    project = at.assessment.project
    told = f"{project.text('project.name') or ''} {project.text('project.city') or ''}".lower()
    return at.word("synthetic") if "合成" in told or "synthetic" in told else ""
