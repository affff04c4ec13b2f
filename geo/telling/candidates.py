"""Candidates as people read them (候选与线索文字): a piece of evidence in words, and what `parkwise candidates` prints.

Writes what `geo.renewal` found; the words come from `geo.labels`. Says each time that a candidate is no legal finding.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from geo.assessment import Assessment
from geo.labels import area_text, evidence_title, evidence_unit, fact_title, text, with_unit
from geo.renewal import Candidates, Test
from geo.renewal.measures import MEASURES
from layers.telling import table_text

__all__ = ["candidates_text", "evidence_number", "limit_rows", "piece_text"]

_SHOWN = 40
_GROUPS_SHOWN = 10
_EXEMPT_SHOWN = 20
#: Shares that are no measures on board.
_SHARES = ("developed_share", "invested_share", "outside_parks", "admin_land_share", "green_ratio")

Row = Mapping[Hashable, Any]


def evidence_number(measure: str, value: float, unit: str, language: str = "zh") -> str:
    """Write a value, or a limit, of a piece of evidence (线索数值), a share as per cent.

    Examples
    --------
    >>> evidence_number("tax_per_mu", 3.456, "万元/亩"), evidence_number("building_density", 0.2, "1")
    ('3.46 万元/亩', '20.00%')
    """
    if measure in _SHARES or (measure in MEASURES and MEASURES[measure].percent):
        return f"{value:.2%}"
    return with_unit(f"{value:,.2f}", evidence_unit(unit, language)).rstrip()


def piece_text(found: Candidates, row: Row, language: str = "zh") -> str:
    """Write a piece of evidence in a few words (一条线索): what it is, its value, and the limit it crosses.

    Parameters
    ----------
    found : Candidates
    row : mapping
        A row of `Candidates.evidence`.
    """
    title = evidence_title(row["code"], found.titles, language)
    if math.isnan(row["value"]) or row["code"] == "outside_parks" or not row["comparison"]:
        return title
    value, limit = (evidence_number(row["measure"], row[key], row["unit"], language) for key in ("value", "limit"))
    named = f"{title}（{fact_title(row['measure'], language)}）" if language == "zh" else (
        f"{title} ({fact_title(row['measure'], language)})"
    )  # fmt: skip
    sign = text("telling.comparison_" + row["comparison"], language)
    return f"{named if _needs_measure(found, row) else title} {value} {sign} {limit}"


def _needs_measure(found: Candidates, row: Row) -> bool:
    """Whether the title leaves open what is measured: a rule of one's own, of several tests, or a state."""
    code = row["code"]
    tests: tuple[Test, ...] = next((rule.tests for rule in found.rules if rule.code == code), ())
    return code in found.titles or len(tests) > 1 or any(test.about != row["measure"] for test in tests)


def limit_rows(found: Candidates, language: str = "zh") -> list[tuple[str, tuple[str, str, str]]]:
    """Return the limits that were applied (所用限值): code → title, limit, basis; many of one rule as one span.

    Parameters
    ----------
    found : Candidates
    language : str
    """
    told = []
    for (code, measure, sign), rows in found.limits.groupby(["code", "column", "comparison"], sort=False):
        title = evidence_title(str(code), found.titles, language)
        ends = dict.fromkeys([rows["limit"].min(), rows["limit"].max()])
        unit = rows["unit"].iloc[0]
        span = " – ".join(evidence_number(str(measure), one, unit, language) for one in ends)
        basis = str(rows["basis_zh" if language == "zh" else "basis_en"].iloc[0])
        if len(rows) > 1:
            basis += " …" + text("telling.scope_count", language, count=len(rows))
        told.append((str(code), (title, f"{text(f'telling.comparison_{sign}', language)} {span}", basis)))
    return told


def candidates_text(assessment: Assessment) -> str:
    """List candidates with their evidence, the strongest first, their groups, and what is exempt."""
    language = assessment.project.language
    found = assessment.candidates
    if found is None:
        return text("telling.no_parcels", language)
    head = text(
        "telling.candidates", language, count=len(found.table), judged=found.judged,
        area=area_text(float(found.table["area_m2"].sum()), language),
    )  # fmt: skip
    limits = [list(row) for _, row in limit_rows(found, language)]
    titles = [text("telling.limit", language), "", text("telling.basis", language)]
    parts = [head, table_text(titles, limits) if limits else text("telling.no_limits", language)]
    parts += _listed(found, language)
    parts += _groups(assessment, found, language)
    parts += _exempt(found, language)
    parts += [note.text(language) for note in found.notes]
    return "\n\n".join([*parts, text("telling.no_finding", language)])


def _listed(found: Candidates, language: str) -> list[str]:
    shown = found.table.head(_SHOWN)
    if shown.empty:
        return []
    told: dict[int, list[str]] = {parcel: [] for parcel in shown["parcel"]}
    for one in found.evidence[found.evidence["parcel"].isin(shown["parcel"])].to_dict("records"):
        told[one["parcel"]].append(piece_text(found, one, language))
    cells = [
        [
            row["parcel_id"],
            area_text(row["area_m2"], language),
            "—" if pd.isna(row["park"]) else row["park"],
            row["group"],
            "; ".join(dict.fromkeys(told[row["parcel"]])),
        ]
        for row in shown.to_dict("records")
    ]
    titles = [text(f"telling.{word}", language) for word in ("parcel", "area", "park", "group", "evidence")]
    more = len(found.table) - len(cells)
    return [
        table_text(titles, cells, right=[1, 3]),
        *([text("telling.more", language, count=more)] if more > 0 else []),
    ]


def _groups(assessment: Assessment, found: Candidates, language: str) -> list[str]:
    if found.groups.empty:
        return []
    project = assessment.project
    head = text(
        "telling.candidate_groups", language, count=len(found.groups),
        within=f"{project.number('candidates.group_within_m') or 0:g}",
        minimum=f"{project.number('candidates.group_minimum_m2') or 0:g}",
    )  # fmt: skip
    cells = [
        [
            row["group"],
            row["parcels"],
            area_text(row["area_m2"], language),
            *("—" if pd.isna(row[name]) else row[name] for name in ("owners", "firms")),
            f"{row['strength']:.2f}",
            *("—" if pd.isna(row[name]) else area_text(row[name], language)
              for name in ("constrained_m2", "planned_other_m2")),
            next((str(row[name]) for name in ("park", "district") if not pd.isna(row[name])), "—"),
        ]
        for row in found.groups.head(_GROUPS_SHOWN).to_dict("records")
    ]  # fmt: skip
    words = ("group", "parcels", "area", "owners", "firms", "mean_strength", "constrained", "planned_other", "place_of")
    titles = [text(f"telling.{word}", language) for word in words]
    more = len(found.groups) - len(cells)
    table = table_text(titles, cells, right=list(range(8)))
    return [f"{head}\n{table}", *([text("telling.more_groups", language, count=more)] if more > 0 else [])]


def _exempt(found: Candidates, language: str) -> list[str]:
    if found.exempt.empty:
        return []
    reason = "reason_zh" if language == "zh" else "reason_en"
    cells = [
        [row["parcel_id"], area_text(row["area_m2"], language), row["strength"], row[reason]]
        for row in found.exempt.head(_EXEMPT_SHOWN).to_dict("records")
    ]
    titles = [text(f"telling.{word}", language) for word in ("parcel", "area", "evidence", "reason")]
    more = len(found.exempt) - len(cells)
    table = table_text(titles, cells, right=[1, 2])
    head = text("telling.exempt", language, count=len(found.exempt))
    return [f"{head}\n{table}", *([text("telling.more", language, count=more)] if more > 0 else [])]
