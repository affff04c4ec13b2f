"""Make one run public (`redact`): the assessment, what was graded and what was planned, before any face sees them.

Calls the rooms of this package in turn and writes down what they took. After it no table holds a firm, so a face has
nothing to leave out. Knows which part of a run holds what; decides no cell and moves no corner itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from geo.assessment import Assessment
from geo.composition.found import Composition
from geo.evaluation.tree import Evaluation
from geo.indicators import catalogue
from geo.land import Land
from geo.planned import Planned
from geo.ratings import Ratings
from geo.redaction.coarse import coarse, coarse_land, coarse_places
from geo.redaction.figures import Places, hidden_places, of_firms, withhold
from geo.redaction.names import Names
from geo.redaction.people import (
    names_of,
    public_candidates,
    public_findings,
    public_grades,
    public_ledger,
    public_project,
    without_firms,
    without_jobs,
)
from geo.redaction.stated import Redaction, stated
from geo.surveying import Survey
from layers.errors import ProjectError, Words
from layers.project import Project

__all__ = ["Published", "redact", "require_public"]

Hidden = Mapping[str, Places]

_NO_PLAN = Words(
    "The plan aims at a figure of firms and is left out.",
    "方案的目标为企业指标，未列入。",
)
_NO_JOBS = Words("Jobs by park are left out.", "各园区就业岗位数未列入。")
_NO_CONTROL = Words(
    "Single parcels held against control indicators are left out: a limit tells the industry.",
    "逐宗控制指标对照未列入：限值会透露行业。",
)
_NO_SCORES = Words(
    "Scores of places with a withheld figure are left out.",
    "含不公开数值的地区，其评价得分未列入。",
)


class Published(NamedTuple):
    """One run made public."""

    assessment: Assessment
    ratings: Ratings | None
    plan: Planned | None


def redact(assessment: Assessment, ratings: Ratings | None = None, plan: Planned | None = None) -> Published:
    """Return one run without firms, with coarse parcels and no figure of few firms.

    Parameters
    ----------
    assessment : Assessment
        With all its firms and parcels: grades and plan were made of it.
    ratings : Ratings, optional
        What was graded.
    plan : Planned, optional
        What was planned; None comes back where it aims at a figure of firms, whose acts would tell those of each.

    Returns
    -------
    Published
        Its `assessment.redaction` tells the rules; figures of land are what they were.

    Notes
    -----
    That a parcel is a candidate on evidence from firms stays visible, the figure does not. A cell in which one firm
    outweighs the others is shown; so are two figures of one place whose firms differ by one. Whoever hands figures on
    to people who know the firms should look at those with care.
    """
    rules = stated(assessment.project)
    hidden = hidden_places(assessment, rules.fewest_firms)
    figures = withhold(assessment.indicators, hidden)
    kept = None if plan is None or not _of_land(plan) else plan
    shown = None if ratings is None else _ratings(ratings, hidden, rules.fewest_firms, assessment.project)
    told = _told(assessment, figures, _left_out(assessment, ratings, shown, plan=plan is not kept))
    names = names_of(assessment)
    land = None if assessment.land is None else _land(assessment.land, rules, names)
    findings = public_findings(assessment.findings)
    found = assessment.candidates
    public = replace(
        assessment,
        project=public_project(assessment.project, names),
        land=land,
        firms=None,
        indicators=figures,
        candidates=None if found is None else public_candidates(found, rules.fewest_firms),
        findings=findings if land is None else coarse_places(findings, land.parcels.crs, rules.grid_m),
        ledger=public_ledger(assessment.ledger),
        tables={name: table for name, table in assessment.tables.items() if name != "enterprises"},
        composition=_composition(assessment.composition, rules, names),
        redaction=told,
    )
    # Names stand in reasons, sources, statuses, titles, settings: one walk over all of it forgets none of them.
    public, shown = names.anything(public), names.anything(shown)
    return Published(public, shown, None if kept is None or public.land is None else _plan(kept, public.land, names))


def require_public(plan: Planned) -> None:
    """Refuse to publish a plan whose acts tell figures of firms.

    Raises
    ------
    ProjectError
        A target of the plan is a figure of firms.
    """
    if not _of_land(plan):
        raise ProjectError(
            "plan.indicator: a plan that aims at a figure of firms lists what each firm pays and cannot be made "
            "public. Plan towards a figure of land, such as industrial_concentration, or leave out --public.",
            "plan.indicator：以企业指标为目标的方案会逐宗列出企业数据，不能公开。"
            "请以用地指标（如 industrial_concentration）为目标，或去掉 --public。",
        )


def _of_land(plan: Planned) -> bool:
    return not any(of_firms(change.target.indicator) for change in plan.plan.options.effects)


def _told(assessment: Assessment, figures: pd.DataFrame, left_out: Sequence[Words]) -> Redaction:
    known = catalogue()
    cells = sum(of_firms(known[name]) for name in figures.loc[figures["value"].notna() | figures["suppressed"], "id"])
    return stated(assessment.project, cells=cells, withheld=int(figures["suppressed"].sum()), left_out=left_out)


def _left_out(assessment: Assessment, before: Ratings | None, after: Ratings | None, *, plan: bool) -> list[Words]:
    composed, left_out = assessment.composition, []
    if plan:
        left_out.append(_NO_PLAN)
    if before is not None and after is not None:
        if (before.evaluation is None, len(before.by_zone)) != (after.evaluation is None, len(after.by_zone)):
            left_out.append(_NO_SCORES)
        if before.control is not after.control:
            left_out.append(_NO_CONTROL)
    if composed is not None and composed.living is not None:
        left_out.append(_NO_JOBS)
    return left_out


def _ratings(ratings: Ratings, hidden: Hidden, fewest: int, project: Project) -> Ratings:
    by_zone = {zone: one for zone, one in ratings.by_zone.items() if not _tells(one, hidden, "zone", zone)}
    whole = ratings.evaluation
    if whole is not None and any(_tells(whole, hidden, level, None) for level in ("city", "zones")):
        whole = None
    by_parcel = project.text("control.unit") == "parcel"
    return replace(
        ratings,
        grades=None if ratings.grades is None else public_grades(ratings.grades, fewest),
        evaluation=whole,
        by_zone={} if whole is None else by_zone,
        control=None if by_parcel else ratings.control,
        control_notes=() if by_parcel else ratings.control_notes,
        survey=None if ratings.survey is None else _survey(ratings.survey, hidden),
    )


def _tells(found: Evaluation, hidden: Hidden, level: str, place: str | None) -> bool:
    """Whether a tree of scores holds a figure that is withheld at a place."""
    if "indicator" not in found.table:
        return False
    shut = {cell for name in found.table["indicator"].dropna() for cell in hidden.get(str(name), ())}
    return any(one == level and place in (None, id_) for one, id_ in shut)


def _survey(found: Survey, hidden: Hidden) -> Survey:
    """Return potentials whose present figures may be shown."""
    table = found.potentials
    if table.empty:
        return found
    places = zip(table["indicator"], table["level"], table["scope_id"].astype(str), strict=True)
    shut = pd.Series([(level, id_) in hidden.get(str(name), ()) for name, level, id_ in places], table.index)
    columns = {name: table[name].mask(shut, np.nan) for name in ("value", "current")}
    reasons = {"reason_zh": "所含企业过少，不公开", "reason_en": "withheld: too few firms"}
    columns |= {name: table[name].mask(shut, words) for name, words in reasons.items()}
    return replace(found, potentials=table.assign(**columns))


def _land(land: Land, rules: Redaction, names: Names) -> Land:
    land = coarse_land(land, rules.grid_m)
    parks = land.parks
    return land if parks is None else replace(land, places=replace(land.places, parks=without_firms(parks, names)))


def _composition(found: Composition | None, rules: Redaction, names: Names) -> Composition | None:
    if found is None:
        return None
    found = without_jobs(found, names)
    table = found.clusters.table
    moved = table.set_geometry(coarse(table.geometry.to_numpy(), rules.grid_m), crs=table.crs)
    return replace(found, clusters=replace(found.clusters, table=moved))


def _plan(plan: Planned, land: Land, names: Names) -> Planned:
    options = plan.plan.options
    told = {"locks": names.anything(options.locks), "notes": names.anything(options.notes)}
    return replace(plan, plan=replace(plan.plan, options=replace(options, land=land, **told)))
