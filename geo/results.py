"""The results document (`results.json`, schema ``parkwise/1``): what other people's scripts read.

Turns an `Assessment` into plain JSON-able data and nothing else. Values stand in the indicator's display
unit, sums in base units, missing figures as null. The shape is a promise: it changes by addition only.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from geo import standards
from geo.assessment import Assessment
from geo.attainments import attainment
from geo.composition.document import living_document, zone_documents
from geo.indicators import catalogue
from geo.land_use import system
from geo.rating_results import rating_results
from geo.ratings import Ratings
from layers.projections import describe
from layers.units import label

__all__ = ["SCHEMA", "definitions", "dumps", "plain", "results"]

SCHEMA = "parkwise/1"

#: Objects are written out over lines down to this depth.
_DEPTH = 4


def results(
    assessment: Assessment, ratings: Ratings | None = None, plan: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the results document of an assessment, with what was graded and planned (see `geo.plan.document`)."""
    document = {
        "schema": SCHEMA,
        "project": {
            name.removeprefix("project."): setting.value
            for name, setting in assessment.project.settings.items()
            if name.startswith("project.")
        },
        "definitions": definitions(assessment),
        "checks": assessment.checks,
        "ledger": assessment.ledger,
        "identities": [
            {key: row[key] for key in ("name", "left", "right", "difference", "holds")}
            for row in assessment.identities.to_dict("records")
        ],
        "overlaps": [
            {key: row[key] for key in ("park_a", "park_b", "area_m2")} for row in assessment.overlaps.to_dict("records")
        ],
        "indicators": _indicators(assessment),
        "attainment": _attainment(assessment),
        "statistics": _statistics(assessment),
        "not_computed": _not_computed(assessment),
    }
    graded = {} if ratings is None else rating_results(ratings)
    graded |= {} if plan is None else {"plan": dict(plan)}
    if assessment.composition is not None:
        graded["zones"] = zone_documents(assessment.composition)
        if assessment.composition.living is not None:
            graded["living_circle"] = living_document(assessment.composition.living)
    if assessment.candidates is None:  # nobody looked: an empty list would say that there are none
        return plain(document | graded)  # type: ignore[no-any-return]
    found = assessment.candidates
    return {
        **plain(document | graded),
        "candidates": _candidates(assessment),
        "candidate_groups": _records(found.groups, [str(name) for name in found.groups]),
        "candidate_exemptions": _records(found.exempt, _EXEMPT),
    }


def _attainment(assessment: Assessment) -> list[dict[str, Any]]:
    """How much of each target the zones have reached."""
    table = attainment(assessment).table
    figures = table.drop(columns=["scope_id", "scope_name"]).to_dict("records")
    return [
        {"scope": {"level": "zone", "id": place, "name": name}, **{str(key): value for key, value in figure.items()}}
        for place, name, figure in zip(table["scope_id"], table["scope_name"], figures, strict=True)
    ]


def definitions(assessment: Assessment) -> dict[str, Any]:
    """Return what every figure of a run rests on."""
    project = assessment.project
    land_use = system(project.text("land_use.system") or "third-survey")
    told: dict[str, Any] = {
        "area": project["project.area"],
        "overlap": project["project.overlap"],
        "as_of": project.as_of,
        "land_use": {
            "system": land_use.name,
            "industrial": list(project.texts("land_use.industrial") or land_use.industrial),
            "unbuilt": list(land_use.unbuilt),
        },
        "settings": {
            name: {"value": setting.value, "origin": setting.origin, **({"why": setting.why} if setting.why else {})}
            for name, setting in project.settings.items()
        },
        "policies": list(project.texts("project.policies")),
        "open_questions": _open_questions(assessment),
    }
    if assessment.redaction is not None:
        told["redaction"] = assessment.redaction.document()
    if assessment.land is not None:
        told["crs"] = describe(assessment.land.parcels.crs)
        told["unplaced_buildings"] = assessment.land.unplaced
    if assessment.firms is not None:
        told["firms"] = {
            "year": assessment.firms.year,
            "rows_of_other_years": assessment.firms.other_years,
            "matched": assessment.firms.match_table.to_dict("records"),
        }
    return told


def _open_questions(assessment: Assessment) -> list[dict[str, Any]]:
    """What the documents leave open, and the reading that was assumed."""
    have = set(assessment.indicators["id"])
    return [
        {
            "policy": clause.policy,
            "clause": clause.clause,
            "indicator": clause.indicator,
            "question": question.question_en,
            "assumed": question.assumed,
        }
        for name in assessment.project.texts("project.policies")
        for clause in standards.policy(name).clauses
        if clause.indicator in have
        for question in clause.open
    ]


def _indicators(assessment: Assessment) -> list[dict[str, Any]]:
    known = catalogue()
    return [
        {
            "id": row["id"],
            "scope": {"level": row["level"], "id": row["scope_id"], "name": row["scope_name"]},
            "numerator": row["numerator"],
            "numerator_unit": known[row["id"]].numerator_unit,
            "denominator": row["denominator"],
            "denominator_unit": known[row["id"]].denominator_unit,
            "value": row["value"],
            "unit": known[row["id"]].unit_label,
            "count": row["count"],
            "missing": {"count": row["missing"]},
            "estimated": row["estimated"] > 0,
            **({} if assessment.redaction is None else {"suppressed": row["suppressed"]}),
            "targets": row["targets"],
        }
        for row in assessment.indicators.to_dict("records")
    ]


def _not_computed(assessment: Assessment) -> list[dict[str, str]]:
    """What is not there, and why."""
    told = [{"id": name, "reason": why[0]} for name, why in assessment.not_computed.items()]
    if assessment.composition is not None and assessment.composition.living is None:
        told.append({"id": "living_circle", "reason": "there are no facilities and no housing"})
    if assessment.candidates is None and assessment.land is not None:
        told.append({"id": "candidates", "reason": "not looked for; run parkwise candidates"})
        if assessment.land.parks is not None:
            told.append({"id": "zones", "reason": "not looked at; run parkwise report"})
    elif assessment.land is None or assessment.land.parks is None:
        told.append({"id": "zones", "reason": "there are no parks, or no parcels"})
    return told


def _statistics(assessment: Assessment) -> list[dict[str, Any]]:
    """Figures the project reports, in the unit they were reported in."""
    known = standards.statistics()
    return [
        {
            "id": row["statistic"],
            "title": known[row["statistic"]].title(assessment.project.language),
            "scope": {"level": row["level"], "name": row["scope"] or assessment.city},
            "year": row["year"],
            "value": row["value"],
            "unit": row["unit"] if row["unit"] == "1" else label(row["unit"]),
            "source": row["source"],
            "targets": row["targets"],
        }
        for row in assessment.statistics.to_dict("records")
    ]


#: A piece of evidence, and a parcel that is exempt, as they are told.
_PIECE = ("code", "measure", "comparison", "value", "limit", "unit", "source", "basis_zh", "basis_en")
_EXEMPT = ("parcel_id", "area_m2", "strength", "code", "reason_zh", "reason_en")


def _candidates(assessment: Assessment) -> list[dict[str, Any]]:
    """Candidates with their evidence, plain already: a city has tens of thousands."""
    found = assessment.candidates
    if found is None:
        return []
    evidence: dict[int, list[dict[str, Any]]] = {}
    pieces = _records(found.evidence, _PIECE)
    for parcel, piece in zip(found.evidence["parcel"].tolist(), pieces, strict=True):
        evidence.setdefault(parcel, []).append(piece)
    told = _records(found.table, ["parcel_id", "area_m2", "park", "group", "strength", "missing"])
    return [
        {**candidate, "evidence": evidence.get(parcel, [])}
        for parcel, candidate in zip(found.table["parcel"].tolist(), told, strict=True)
    ]


def _records(table: pd.DataFrame, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return rows as dicts of plain values, missing ones as None."""
    values = [table[name].astype("object").where(table[name].notna(), None).tolist() for name in columns]
    return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]


def plain(value: Any) -> Any:  # noqa: ANN401  (JSON is a union of types)
    """Return a document with numbers of numpy, dates, paths and missing values as JSON knows them."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    return _plain_scalar(value.item() if isinstance(value, np.generic) else value)


def _plain_scalar(value: Any) -> Any:  # noqa: ANN401  (JSON is a union of types)
    if value is pd.NA or value is pd.NaT:  # before the dates: NaT passes for one
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value


def dumps(document: Any) -> str:  # noqa: ANN401  (any JSON-able data)
    """Write a document of plain values as JSON text people can read: a line for each entry of a list.

    Examples
    --------
    >>> print(dumps({"schema": "parkwise/1", "indicators": [{"id": "a"}, {"id": "b"}]}))
    {
     "schema": "parkwise/1",
     "indicators": [
      {"id": "a"},
      {"id": "b"}
     ]
    }
    """
    return _text(document, "\n", json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode)


def _text(value: Any, margin: str, encode: Callable[[Any], str]) -> str:  # noqa: ANN401  (JSON is a union of types)
    inner = margin + " "
    if isinstance(value, Mapping) and value and len(margin) < _DEPTH:
        entries = (f"{encode(key)}: {_text(item, inner, encode)}" for key, item in value.items())
        return f"{{{inner}{f',{inner}'.join(entries)}{margin}}}"
    if isinstance(value, list) and value and isinstance(value[0], (Mapping, list)):
        return f"[{inner}{f',{inner}'.join(map(encode, value))}{margin}]"
    return encode(value)
