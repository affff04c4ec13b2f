"""Limits of candidates to move on the map: what a browser needs to judge parcels anew (`limits_of`, `fill_limits`).

Knows which rules of the run compare one figure of a parcel with one limit for the whole city; only those have a
slider. Everything else that was found of a parcel (other evidence, exemptions, decisions by hand) goes along as it
stands. At the limits of the run the run's own verdicts count, so that nothing changes before a slider moves.
Judges nothing itself. Areas are whole steps of 0.01 m².
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.assessment import Assessment
from geo.indicators import indicator
from geo.maps.facts import MEASURES, land_of
from geo.maps.packing import Block
from geo.maps.themes import candidate_classes
from geo.renewal import Candidates
from geo.renewal.rules import Rule
from layers import units
from layers.units import to_tally

__all__ = ["fill_limits", "limits_of"]

#: Bits of `judged.flags` after those of the measures.
_OUT, _ADDED, _OUTSIDE = 8, 16, 32


def limits_of(assessment: Assessment, facts: pd.DataFrame, language: str) -> dict[str, Any] | None:
    """Return the sliders of the page, None where no limit can be moved.

    Parameters
    ----------
    assessment : Assessment
    facts : DataFrame
        From `facts.parcel_facts`.
    language : str

    Returns
    -------
    dict or None
        `measures` (column, label, unit, factor and decimals for reading, `limit` of the run in the column's unit,
        missing where the run has none, `most`), `needed` pieces of evidence, `classes` by strength from 0, `inside`
        and `total` (industrial land of the concentration, 0.01 m²; missing without parks).
    """
    if assessment.candidates is None:
        return None
    rules = _movable(assessment.candidates, facts)
    if not rules:
        return None
    strongest = int(_other(assessment.candidates, rules).max()) + len(rules)
    return {
        "measures": [_slider(name, rule, assessment.candidates, facts, language) for name, rule in rules.items()],
        "needed": max(int(assessment.project.number("candidates.evidence_needed") or 1), 1),
        "classes": candidate_classes(facts, strongest, language),
        **_concentration(assessment),
    }


def fill_limits(block: Block, assessment: Assessment, facts: pd.DataFrame, rows: npt.NDArray[np.intp]) -> None:
    """Add what else was found of each shown parcel.

    `judged.other` is 0 for parcels that were not judged, else 1 + pieces of evidence without a slider;
    `judged.flags` has a bit for each measure whose limit of the run found something, then 8 (exempt, or dropped by
    hand), 16 (added by hand) and 32 (outside every park); `partly.row`, `partly.inside` name the land inside parks
    (0.01 m²) of those outside that reach into one.
    """
    if assessment.candidates is None or not (rules := _movable(assessment.candidates, facts)):
        return
    found = assessment.candidates
    other, flags = np.zeros(len(facts), dtype="int64"), np.zeros(len(facts), dtype="int64")
    judged = found.facts.index.to_numpy()
    other[judged] = _other(found, rules) + 1
    for at, name in enumerate(MEASURES):
        if (rule := rules.get(name)) is not None:
            flags[judged] |= found.facts[rule.code].to_numpy(dtype=bool).astype("int64") << at
    decision = found.facts["decision"]
    flags[judged] |= decision.isin(["exempt", "drop"]).to_numpy() * _OUT | (decision == "add").to_numpy() * _ADDED
    with_parks = land_of(assessment).parks is not None
    flags |= (facts["park"].to_numpy() < 0) * (_OUTSIDE if with_parks else 0)
    block.integers("judged.other", other[rows])
    block.integers("judged.flags", flags[rows])
    inside = _inside(assessment)[rows]
    partly = np.flatnonzero((flags[rows] & _OUTSIDE > 0) & (other[rows] > 0) & (inside > 0))
    block.integers("partly.row", partly)
    block.integers("partly.inside", inside[partly])


def _movable(found: Candidates, facts: pd.DataFrame) -> dict[str, Rule]:
    """Rules of the run that hold one figure against one limit of the whole city and count, by measure."""
    limits = found.limits
    rules: dict[str, Rule] = {}
    for rule in found.rules:
        if not rule.tests:  # a public version tells no tests
            continue
        name = rule.tests[0].about
        rows = limits[limits["code"] == rule.code]
        alone = len(rule.tests) == 1 and rule.tests[0].years == 1 and rule.tests[0].comparison == "below"
        whole = len(rows) == 1 and rows["scope"].iloc[0] == "" and np.isfinite(float(rows["limit"].iloc[0]))
        sought = rule.code in found.facts and name in MEASURES and facts[name].notna().any()
        if alone and whole and sought and rule.counts and name not in rules:
            rules[name] = rule
    return {name: rules[name] for name in MEASURES if name in rules}


def _other(found: Candidates, rules: dict[str, Rule]) -> npt.NDArray[np.int64]:
    """Pieces of evidence of each judged parcel that no slider moves."""
    moved = {rule.code for rule in rules.values()}
    codes = [rule.code for rule in found.rules if rule.counts and rule.code not in moved] + ["added"]
    there = [code for code in codes if code in found.facts]
    return np.asarray(found.facts[there].to_numpy(dtype=bool).sum(axis=1), dtype="int64")


def _slider(name: str, rule: Rule, found: Candidates, facts: pd.DataFrame, language: str) -> dict[str, Any]:
    entry = indicator(name)
    limit = float(found.limits.loc[found.limits["code"] == rule.code, "limit"].iloc[0])
    judged = facts[name].iloc[found.facts.index].dropna()
    usual = float(judged.quantile(0.9)) if len(judged) else 0.0
    return {
        "column": name,
        "bit": 1 << list(MEASURES).index(name),
        "label": entry.title(language),
        "unit": "%" if entry.percent else ("" if entry.unit == "1" else units.label(entry.unit, language)),
        "factor": 100 if entry.percent else 1,
        "decimals": 2,
        "limit": limit,
        "most": max(2 * limit, usual, 10.0 ** -MEASURES[name]),
    }


def _concentration(assessment: Assessment) -> dict[str, int | None]:
    """Both sums of the city's concentration."""
    table = assessment.indicators
    row = table[(table["id"] == "industrial_concentration") & (table["level"] == "city")]
    if row.empty or land_of(assessment).parks is None:
        return {"inside": None, "total": None}
    sums = row[["numerator", "denominator"]].to_numpy("float64")[0]
    inside, total = to_tally(sums, "m2").tolist()
    return {"inside": inside, "total": total}


def _inside(assessment: Assessment) -> npt.NDArray[np.int64]:
    """Land of each parcel inside any park, 0.01 m²."""
    land = land_of(assessment)
    pieces = land.pieces[land.pieces["park"] >= 0]
    inside = np.zeros(len(land.parcels), dtype="int64")
    np.add.at(inside, pieces["parcel"].to_numpy(), to_tally(pieces["land_area_m2"].fillna(0.0), "m2"))
    return inside
