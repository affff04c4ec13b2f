"""What was graded, as plain data: parts of `results.json` (grades, evaluation, zone_years, control, survey).

Turns `Ratings` into lists of records and nothing else. Scores are points; values and benchmarks stand in the
unit beside them; what is missing is null.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from geo.evaluation.years import ZoneYears
from geo.grading.grades import Grades
from geo.ratings import Ratings

__all__ = ["rating_results"]

_CONTRIBUTION = ["indicator", "value", "benchmark", "unit", "weight", "score", "capped", "floored", "missing"]
_NEED = ["indicator", "value", "value_needed", "unit"]
_NODE = ["node", "parent", "level", "weight", "effective_weight", "score", "indicator", "value", "ideal"]
_VERDICT = ["zone", "zone_name", "year", "verdict", "policy", "clause_id", "clause", "ranking", "rank", "ranked",
            "state_before", "state_after", "explanation_zh", "explanation_en"]  # fmt: skip
_HELD = ["unit", "standard", "indicator", "comparison", "value", "limit", "met", "gap", "numerator_m2",
         "denominator_m2", "rows", "missing_rows", "land_without_limit_m2", "as_recorded", "source", "note_zh",
         "note_en"]  # fmt: skip


def rating_results(ratings: Ratings) -> dict[str, Any]:
    """Return the parts of the results document that ratings fill; only those the project asks for."""
    told: dict[str, Any] = {}
    if ratings.grades is not None:
        told |= {"grades": _grades(ratings.grades), "grading": _grading(ratings.grades)}
    if ratings.evaluation is not None:
        told["evaluation"] = _records(ratings.evaluation.table, _NODE)
        told["evaluation_notes"] = _told(ratings.evaluation.told)
        told["evaluation_by_zone"] = [
            {"zone": zone, "score": one.score, "nodes": _records(one.table, _NODE)}
            for zone, one in ratings.by_zone.items()
        ]
    if ratings.years is not None:
        told["zone_years"] = _years(ratings.years)
    if ratings.league is not None:
        rows = _records(ratings.league, list(ratings.league.columns))
        told["league"] = {"period": ratings.league.attrs["period"], "rows": rows}
    if ratings.control is not None:
        told["control"] = _records(ratings.control, _HELD)
        told["control_notes"] = _told(ratings.control_notes)
    if ratings.survey is not None:
        parts = {name: getattr(ratings.survey, name) for name in ("areas", "types", "potentials")}
        told["survey"] = {name: _records(table, list(table.columns)) for name, table in parts.items()}
    return told


def _grades(grades: Grades) -> list[dict[str, Any]]:
    """One record a firm, with what each indicator adds and what the next grade asks."""
    added = _by_firm(grades.contributions, _CONTRIBUTION)
    needs = _by_firm(grades.needs, ["next_grade", "lacking", *_NEED])
    return [
        {
            "scope": {"level": "enterprise", "id": row["firm_id"], "name": row["firm_name"]},
            "group": row["group"],
            "score": row["score"],
            "rank": row["rank"],
            "grade": row["grade"],
            "reason": row["reason"],
            "contributions": added.get(firm, []),
            "next": _next(needs.get(firm, [])),
        }
        for firm, row in enumerate(grades.table.to_dict("records"))
    ]


def _next(needs: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    if not needs:
        return None
    by = [{name: need[name] for name in _NEED} for need in needs]
    return {"grade": needs[0]["next_grade"], "lacking": needs[0]["lacking"], "by": by}


def _grading(grades: Grades) -> dict[str, Any]:
    """Which rule set was applied, on whose word, and what was assumed."""
    rules = grades.rules
    return {
        "rules": rules.id,
        "title": rules.title_zh,
        "status": rules.status_zh,
        "source": rules.source,
        "year": grades.year,
        **({} if grades.published is None else {"counts": _records(grades.published, ["group", "grade", "firms"])}),
        "notes": _told(grades.told),
    }


def _years(years: ZoneYears) -> dict[str, Any]:
    return {
        "verdicts": _records(years.table, _VERDICT),
        "states": _records(years.states, list(years.states.columns)),
        "rounding": years.rounding,
        "notes": _told(years.told),
    }


def _told(sentences: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Sentences in English and Chinese."""
    return [{"zh": zh, "en": en} for en, zh in sentences]


def _by_firm(table: pd.DataFrame, columns: Iterable[str]) -> dict[int, list[dict[str, Any]]]:
    """Records by the row of their firm; an id may stand twice."""
    found: dict[int, list[dict[str, Any]]] = {}
    for firm, record in zip(table["firm"].tolist(), _records(table, list(columns)), strict=True):
        found.setdefault(firm, []).append(record)
    return found


def _records(table: pd.DataFrame, columns: Sequence[str]) -> list[dict[str, Any]]:
    plain = table[list(columns)].astype("object")
    rows = plain.where(plain.notna(), None).itertuples(index=False, name=None)
    return [dict(zip(columns, row, strict=True)) for row in rows]
