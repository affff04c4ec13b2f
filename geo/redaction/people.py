"""What an assessment says of people and firms beside its figures, made public: evidence, grades, findings, ledger.

Figures of single firms go, the verdicts drawn from them stay as evidence that is not told; counts of firms follow the
rule of `suppression`. Knows where names stand; draws no shape.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.assessment import Assessment
from geo.composition.found import Composition
from geo.grading.grades import Grades
from geo.indicators import catalogue, scopes
from geo.redaction.names import STRUCK, Names
from geo.redaction.suppression import Sum, suppress
from geo.renewal.finding import Candidates
from geo.renewal.measures import MEASURES
from geo.renewal.rules import Rule
from layers.errors import Words
from layers.project import Project

__all__ = [
    "names_of",
    "public_candidates",
    "public_findings",
    "public_grades",
    "public_ledger",
    "public_project",
    "without_firms",
    "without_jobs",
]

_FIRM_LAYERS = ("enterprises", "holdings")
_NAMING = ("owner_code", "enterprise_code", "enterprise_name")
_FIRM_STATES = ("grade", "not_leading")
_FIRM_FACTS = ("tax_wcny", "land_used_mu", "tax_per_mu")
#: What a ledger says of where a source is.
_ADDRESS = ("address", "query", "bbox")
_TOLD = Words("from figures of firms, not public", "来自企业数据，不公开")


def names_of(assessment: Assessment) -> Names:
    """Collect what firms and owners are called, in every year there is.

    Parcels that carry their own tax stand for firms in figures; their ids are no names of firms. Names of places
    stay as they are, also where a firm is called like one.
    """
    found: list[object] = []
    table = assessment.tables.get("enterprises")
    for name in ("enterprise_code", "enterprise_name"):
        if table is not None and name in table:
            found += table[name].dropna().astype(str).tolist()
    if table is not None and assessment.firms is not None:
        firms = assessment.firms.firms
        found += [*firms["firm_id"], *firms["firm_name"]]
    if assessment.land is None:
        return Names(found, [assessment.city])
    own = assessment.land.parcels
    for name in ("owner_code", "owner_name"):
        found += own[name].dropna().astype(str).tolist() if name in own else []
    ids = pd.concat([own[name].dropna().astype(str) for name in ("uid", "parcel_id") if name in own])
    return Names(found, [*_places(assessment), *catalogue()], ids.unique())


def _places(assessment: Assessment) -> list[str]:
    places = scopes(assessment.land, None, assessment.city, ("city", "zones", "district", "zone", "park"))
    return [*places["id"].astype(str), *places["name"].astype(str)]


def public_candidates(found: Candidates, fewest: int) -> Candidates:
    """Return candidates whose evidence from firms is kept as such and not told.

    Parameters
    ----------
    found : Candidates
    fewest : int
        Counts of fewer owners or firms are missing.
    """
    firm = {rule.code for rule in found.rules if any(_of_firms(test.about) for test in rule.tests)}
    counting = [rule.code for rule in found.rules if rule.code in firm and rule.counts and rule.code in found.facts]
    facts = found.facts.drop(columns=[code for code in firm if code in found.facts])
    facts = facts.assign(**dict.fromkeys((name for name in _FIRM_FACTS if name in facts), np.nan))
    if counting:
        facts = facts.assign(withheld=found.facts[counting].sum(axis=1).astype("int64"))
    rules = [rule for rule in found.rules if rule.code not in firm]
    withheld = found.evidence["code"].isin(firm)
    # What a parcel is held against under the control indicators tells the industry of the firm on it.
    telling = (found.evidence["code"] == "below_control") & (found.evidence["measure"] == "plot_ratio")
    evidence = found.evidence.assign(
        limit=found.evidence["limit"].mask(telling, np.nan),
        value=found.evidence["value"].mask(found.evidence["measure"] == "invested_share", np.nan),
    )
    table = found.table.assign(**dict.fromkeys((one for one in _FIRM_FACTS if one in found.table), np.nan))
    counts = {name: found.groups[name].mask(found.groups[name] < fewest) for name in ("owners", "firms")
              if name in found.groups}  # fmt: skip
    told = found.exempt["code"] == "new_firm" if len(found.exempt) else None
    exempt = found.exempt
    if told is not None:
        exempt = exempt.assign(reason_zh=exempt["reason_zh"].mask(told, _TOLD.zh),
                               reason_en=exempt["reason_en"].mask(told, _TOLD.en))  # fmt: skip
    return replace(
        found,
        table=_known_only(table),
        facts=_known_only(facts),
        evidence=_untold(evidence, withheld),
        limits=found.limits[~found.limits["code"].isin(firm)].reset_index(drop=True),
        rules=(*rules, *((Rule("withheld", ()),) if counting else ())),
        exempt=exempt,
        groups=found.groups.assign(**counts),
    )


def _of_firms(about: str) -> bool:
    measure = MEASURES.get(about)
    return about in _FIRM_STATES if measure is None else measure.of_firms or measure.top_base == "cny"


def _untold(evidence: pd.DataFrame, withheld: pd.Series) -> pd.DataFrame:
    """Evidence of firms keeps its row and loses what it says."""
    told = {"code": "withheld", "measure": "withheld", "comparison": "", "unit": "1", "source": "project",
            "value": np.nan, "limit": np.nan, "basis_zh": _TOLD.zh, "basis_en": _TOLD.en}  # fmt: skip
    return evidence.assign(**{name: evidence[name].mask(withheld, one) for name, one in told.items()})


def _known_only(table: pd.DataFrame) -> pd.DataFrame:
    """Whether a firm tells its figures is not told either."""
    if "missing" not in table:
        return table
    return table.assign(missing=table["missing"].map(lambda names: [one for one in names if not _of_firms(one)]))


def public_grades(grades: Grades, fewest: int) -> Grades:
    """Return how many firms have which grade, and nothing of any firm; counts of few are missing."""
    counts = grades.counts
    groups, classes = counts["group"].astype(str), counts["grade"].astype(str)
    cells: list[Hashable] = list(zip(groups, classes, strict=True))
    who = {cell: frozenset((cell, n) for n in range(firms)) for cell, firms in zip(cells, counts["firms"], strict=True)}
    rows = [Sum(("group", one), tuple(cell for cell in cells if cell[0] == one)) for one in set(groups)]  # type: ignore[index]
    columns = [Sum(("grade", one), tuple(cell for cell in cells if cell[1] == one)) for one in set(classes)]  # type: ignore[index]
    hidden = suppress(who, [*rows, *columns], fewest)
    shown = counts["firms"].astype("Int64").mask(pd.Series([cell in hidden for cell in cells], counts.index))
    return replace(
        grades,
        table=grades.table.iloc[:0],
        contributions=grades.contributions.iloc[:0],
        needs=grades.needs.iloc[:0],
        told=(),
        published=counts.assign(firms=shown),
    )


def public_findings(findings: pd.DataFrame) -> pd.DataFrame:
    """Return findings that name no firm: those on firms lose record, value and place."""
    if findings.empty:
        return findings
    firm = findings["layer"].isin(_FIRM_LAYERS)
    naming = findings["column"].isin(_NAMING) | findings["column"].isin(list(_money(findings)))
    return findings.assign(
        id=findings["id"].mask(firm, ""),
        found=findings["found"].mask(firm | naming, ""),
        x=findings["x"].mask(firm, np.nan),
        y=findings["y"].mask(firm, np.nan),
    )


def _money(findings: pd.DataFrame) -> set[str]:
    return {one for one in findings["column"].unique() if str(one).endswith(("_cny", "_tce", "_kwh", "employees"))}


def public_ledger(ledger: Mapping[str, dict[str, object]]) -> dict[str, dict[str, Any]]:
    """Return the ledger without ids of firms that were set aside, and without where files and databases are."""
    told: dict[str, dict[str, Any]] = {layer: dict(entry) for layer, entry in ledger.items()}
    for layer, entry in told.items():
        if layer in _FIRM_LAYERS:
            entry["set_aside"] = [{key: one for key, one in aside.items() if key != "ids"}
                                  for aside in entry.get("set_aside", [])]  # fmt: skip
        if isinstance(entry.get("source"), dict):
            entry["source"] = _unplaced(entry["source"])
    return told


def _unplaced(source: dict[str, Any]) -> dict[str, Any]:
    paths = [Path(str(path)).name for path in source.get("paths") or [] if "://" not in str(path)]
    return {key: one for key, one in source.items() if key not in _ADDRESS} | {"paths": paths}


def public_project(project: Project, names: Names) -> Project:
    """Return a project without a name in what it states, and without where its files and databases are.

    The file of a font is read after this, so its place stays.
    """
    settings = {key: one if key == "report.font" else names.anything(one) for key, one in project.settings.items()}
    sources = {
        layer: replace(
            names.anything(replace(one, query=None)),
            source=tuple(Path(names.strike(path.name)) for path in one.files),
        )
        for layer, one in project.sources.items()
    }
    return replace(project, settings=settings, sources=sources, left_out=names.anything(project.left_out))


def without_firms(parks: pd.DataFrame, names: Names) -> pd.DataFrame:
    """Return parks whose operator is missing where it is one of the firms."""
    if "operator" not in parks:
        return parks
    operator = parks["operator"].astype("object")
    return parks.assign(operator=operator.mask(operator.map(lambda one: _is_firm(one, names)).astype(bool), None))


def _is_firm(name: object, names: Names) -> bool:
    return isinstance(name, str) and names.strike(name.strip()) == STRUCK


def without_jobs(found: Composition, names: Names) -> Composition:
    """Return a composition in which no park tells its jobs, and no park an operator that is one of the firms."""
    parks = without_firms(found.parks, names)
    found = replace(found, parks=parks, zones=_without_operators(found.zones, parks, names))
    if found.living is None:
        return found
    jobs = ("jobs", "reached_jobs", "jobs_share", "firms_untold", "jobs_per_home")
    services, homes = (
        table.assign(**dict.fromkeys((one for one in jobs if one in table), np.nan))
        for table in (found.living.services, found.living.homes)
    )
    return replace(found, living=replace(found.living, services=services, homes=homes))


def _without_operators(zones: gpd.GeoDataFrame, parks: pd.DataFrame, names: Names) -> gpd.GeoDataFrame:
    """Return zones whose operators are told only where they are none of the firms."""
    kept = [{name: where for name, where in one.items() if not _is_firm(name, names)} for one in zones["operators"]]
    abroad = [[name for name in one if not _is_firm(name, names)] for one in zones["operators_abroad"]]
    untold = parks["operator"].isna().groupby(parks["zone_id"]).sum()
    made: gpd.GeoDataFrame = zones.assign(
        operators=kept, operators_abroad=abroad, parks_without_operator=untold.reindex(zones["zone_id"]).to_numpy()
    )
    return made
