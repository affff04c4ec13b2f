"""All a project has graded (`rate`): firms, zones by scores and over the years, land against limits and ideals.

Reads the settings that ask for it (`[grade]`, `[evaluation]`, `[control]`, `[survey]`) and the tables of the
assessment, and calls the rooms that know how: `geo.grading`, `geo.evaluation`, `geo.control`, `geo.surveying`.
Computes nothing itself; what is not asked for is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from geo.assessment import Assessment
from geo.evaluation.ranks import league
from geo.evaluation.tree import Evaluation, evaluate
from geo.evaluation.tree_file import read_tree
from geo.evaluation.years import ZoneYears, judge
from geo.grading.grades import Grades, firms_to_grade, grade
from geo.grading.sets import rule_sets
from geo.grading.stated import stated_rules
from geo.holding import hold_land
from geo.surveying import Survey, survey_zones
from layers.errors import ProjectError, Words
from layers.project import Project
from layers.showing import Shown, show

__all__ = ["Ratings", "rate", "require"]


@dataclass(frozen=True)
class Ratings:
    """What was graded in one run; None where the project does not ask for it.

    Attributes
    ----------
    grades : Grades or None
        Of firms (亩均论英雄).
    evaluation : Evaluation or None
        The tree of scores for all zones together, or for the city where there are no zones.
    by_zone : mapping of str to Evaluation
        The same tree for each zone, by id; empty where the tree brings its own scores.
    years : ZoneYears or None
        Verdicts on zones over the years.
    league : DataFrame or None
        Ranks of the latest period, see `evaluation.ranks.league`.
    control : DataFrame or None
        Land against the control indicators, see `control.hold`.
    control_notes : tuple of Words
        Industrial land that was held against nothing.
    survey : Survey or None
        Land by class, types and potentials of zones, see `surveying.survey_zones`.
    """

    grades: Grades | None = None
    evaluation: Evaluation | None = None
    by_zone: Mapping[str, Evaluation] = field(default_factory=dict)
    years: ZoneYears | None = None
    league: pd.DataFrame | None = None
    control: pd.DataFrame | None = None
    control_notes: tuple[Words, ...] = ()
    survey: Survey | None = None

    def _repr_html_(self) -> str:
        tables = tuple(show(one) for one in (self.league, self.control) if one is not None)
        told = Shown(notes=self.control_notes)
        shown = (self.grades, self.evaluation, *self.by_zone.values(), self.years, *tables, told, self.survey)
        return "".join(one._repr_html_() for one in shown if one is not None)

    def __bool__(self) -> bool:
        found = (self.grades, self.evaluation, self.years, self.control, self.survey)
        return any(one is not None for one in found)


def rate(assessment: Assessment) -> Ratings:
    """Grade what the project asks to be graded (评级).

    Raises
    ------
    StandardError, ProjectError, SourceError
        A rule set, a tree or a table cannot be used; the message names the file and the place in it.
    """
    tree = _tree(assessment.project)
    control, control_notes = hold_land(assessment.project, assessment.land, assessment.firms)
    return Ratings(
        grades=_grades(assessment),
        evaluation=None if tree is None else _evaluated(tree, assessment, *_whole(assessment)),
        by_zone={} if tree is None or not _measured(tree) else _by_zone(tree, assessment),
        years=_years(assessment),
        league=_league(assessment),
        control=control,
        control_notes=control_notes,
        survey=survey_zones(assessment),
    )


def require(ratings: Ratings, project: Project) -> Ratings:
    """Return ratings, or say what a project has to state for anything to be graded."""
    if ratings:
        return ratings
    sets = ", ".join(rule_sets())
    raise ProjectError(
        f"{project.path}: nothing to grade. State grade.rules (on board: {sets}; or a file) or [grade.scores], "
        "evaluation.tree (a CSV), [layers.evaluations] (ranks of zones by year), control.edition, or survey classes of "
        "parcels (construction_class, supply_class, idle).",
        f"{project.path}：没有可评价的内容。请给出 grade.rules（已有：{sets}，或文件）或 [grade.scores]、"
        "evaluation.tree（CSV 文件）、[layers.evaluations]（开发区历年名次）、control.edition，或地块的 TD/T 1029 分类"
        "（construction_class、supply_class、idle）。",
    )


def _grades(assessment: Assessment) -> Grades | None:
    rules = stated_rules(assessment.project)
    if rules is None:
        return None
    if assessment.firms is None:
        raise ProjectError(
            "[grade] asks for grades, but the project has no enterprises. Add [layers.enterprises] with a source.",
            "[grade] 要求评价企业，但项目没有企业图层。请增加 [layers.enterprises] 并指定 source。",
        )
    table = assessment.tables.get("enterprises")
    firms = assessment.firms
    rows = firms.firms if table is None else firms_to_grade(firms, table, assessment.project.as_of)
    return grade(rows, rules, firms.year, firms.links)


def _tree(project: Project) -> pd.DataFrame | None:
    file = project.file("evaluation.tree")
    return None if file is None else read_tree(file)


def _measured(tree: pd.DataFrame) -> bool:
    return "indicator" in tree and bool(tree["indicator"].notna().any())


def _whole(assessment: Assessment) -> tuple[str, str | None]:
    """All zones together are evaluated; without zones the city is."""
    together = "zones" in set(assessment.indicators["level"])
    return ("zones" if together else "city"), None


def _evaluated(tree: pd.DataFrame, assessment: Assessment, level: str, scope: str | None) -> Evaluation:
    table = assessment.indicators
    rows = table[(table["level"] == level) & ((table["scope_id"] == scope) | (scope is None))]
    values = dict(zip(rows["id"], rows["value"], strict=True)) if _measured(tree) else None
    return evaluate(tree, values, weights=assessment.project.text("evaluation.weights") or "strict")


def _by_zone(tree: pd.DataFrame, assessment: Assessment) -> dict[str, Evaluation]:
    table = assessment.indicators
    zones = table.loc[table["level"] == "zone", "scope_id"].drop_duplicates()
    return {str(zone): _evaluated(tree, assessment, "zone", zone) for zone in zones}


def _years(assessment: Assessment) -> ZoneYears | None:
    table, project = assessment.tables.get("evaluations"), assessment.project
    if table is None:
        return None
    documents = project.texts("evaluation.policies") or project.texts("project.policies")
    return judge(table, documents, rounding=project.text("evaluation.rounding") or "floor", renames=_renames(project))


def _league(assessment: Assessment) -> pd.DataFrame | None:
    table = assessment.tables.get("evaluations")
    return None if table is None else league(table, renames=_renames(assessment.project))


def _renames(project: Project) -> pd.DataFrame | None:
    renames = project["evaluation.renames"]
    return pd.DataFrame(renames) if isinstance(renames, list) and renames else None
