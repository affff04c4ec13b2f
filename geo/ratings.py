"""All a project has graded (`rate`): firms, zones by scores and over the years, land against limits and ideals.

Reads the settings that ask for it (`[grade]`, `[evaluation]`, `[control]`, `[survey]`) and the tables of the
assessment, and calls the rooms that know how: `geo.grading`, `geo.evaluation`, `geo.control`, `geo.surveying`.
Computes nothing itself; what is not asked for is None.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from geo.assessment import Assessment
from geo.control import Limit, hold, load_limits, load_sub_regions, standard_limits
from geo.evaluation.ranks import league
from geo.evaluation.tree import Evaluation, evaluate
from geo.evaluation.tree_file import read_tree
from geo.evaluation.years import ZoneYears, judge
from geo.firms import Firms
from geo.grading.grades import Grades, firms_to_grade, grade
from geo.grading.rules import RuleSet
from geo.grading.sets import load_rules, rule_sets, rules_from_project, with_classes
from geo.land import Land
from geo.surveying import Survey, survey_zones
from layers.errors import ProjectError, Words
from layers.project import Project
from layers.units import from_tally, to_tally

__all__ = ["Ratings", "rate", "require"]

_log = logging.getLogger(__name__)


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
    control, control_notes = _control(assessment)
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
    rules = _rules(assessment.project)
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


def _rules(project: Project) -> RuleSet | None:
    """Return the rule set the project states, or names by id or file; its own classes go before those of the set."""
    scores, named = project["grade.scores"], project.text("grade.rules")
    classes = project["grade.classes"]
    if isinstance(scores, dict) and scores:
        if named is not None:
            raise ProjectError(
                f'{project.path}: both grade.rules = "{named}" and [grade.scores] are given. Keep one of them.',
                f"{project.path}：同时给出了 grade.rules = “{named}”和 [grade.scores]。请只保留其一。",
            )
        return rules_from_project(scores, classes if isinstance(classes, list) else None)
    if named is None:
        if classes:
            raise ProjectError(
                f"{project.path}: grade.classes is given, but nothing to score by. Add grade.rules or [grade.scores].",
                f"{project.path}：给出了 grade.classes，但没有评分规则。请增加 grade.rules 或 [grade.scores]。",
            )
        return None
    rules = load_rules(project.folder / named if named.endswith(".toml") else named)
    return with_classes(rules, classes) if isinstance(classes, list) and classes else rules


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


def _control(assessment: Assessment) -> tuple[pd.DataFrame | None, tuple[Words, ...]]:
    """Hold the industrial land against what the project asks for, and say what was left out."""
    project, land = assessment.project, assessment.land
    table, sub_regions = project.file("control.table"), project.file("control.sub_regions")
    if project.text("control.edition") is None and table is None and sub_regions is None:
        return None, ()
    if land is None:
        raise ProjectError(
            f"{project.path}: [control] asks for land to be held against limits, but the project has no parcels. "
            "Add [layers.parcels] with a source.",
            f"{project.path}：[control] 要求对照控制指标，但项目没有地块图层。请增加 [layers.parcels] 并指定 source。",
        )
    loaded = () if table is None else load_limits(table)
    units, notes = _units(land, assessment.firms, project)
    held = hold(
        units,
        "unit",
        limits=(*standard_limits(), *loaded),
        edition=_edition(project, loaded),
        sub_regions=None if sub_regions is None else load_sub_regions(sub_regions),
        several=project.text("control.several") or "refuse",
    )
    return held, notes


def _edition(project: Project, loaded: Sequence[Limit]) -> str | None:
    """Which edition applies: the one stated, else that of the project's own table; None for sub-regions alone."""
    stated, own = project.text("control.edition"), list(dict.fromkeys(one.edition for one in loaded))
    if stated is None and len(own) > 1:
        raise ProjectError(
            f"{project.path}: control.table holds {len(own)} editions: {', '.join(own)}. "
            "State which one applies: control.edition.",
            f"{project.path}：control.table 含 {len(own)} 个版本：{'、'.join(own)}。"
            "请用 control.edition 指明适用的版本。",
        )
    return stated or next(iter(own), None)


def _units(land: Land, firms: Firms | None, project: Project) -> tuple[pd.DataFrame, tuple[Words, ...]]:
    """One row a piece of industrial land, with the unit it is accounted in, its industry and its areas."""
    pieces = land.pieces.reset_index(drop=True)
    parcel, park = pieces["parcel"].to_numpy(), pieces["park"].to_numpy()
    own = land.parcels.iloc[parcel].reset_index(drop=True)
    by = project.text("control.unit") or "parcel"
    if by != "parcel" and land.parks is None:
        raise ProjectError(
            f'{project.path}: control.unit = "{by}", but the project has no parks. '
            'Add [layers.parks] with a source, or set control.unit = "parcel".',
            f"{project.path}：control.unit = “{by}”，但项目没有园区图层。请增加 [layers.parks] 并指定 source，"
            "或设 control.unit = “parcel”。",
        )
    unit = own["uid"] if by == "parcel" else _park_column(land, park, "park_id" if by == "park" else "zone_id")
    areas = ["land_area_m2", "floor_area_m2", "admin_land_m2", "green_area_m2"]
    units = pieces[areas].assign(
        unit=unit.to_numpy(),
        code=_codes(land, firms).array[parcel],
        code_edition=project.text("control.code_edition"),
        covered_area_m2=pieces["building_base_m2"] + pieces["yard_area_m2"],
        storeys_unknown_m2=own["storeys_unknown_m2"] * pieces["share"],
        # Without parks nobody knows on which side of a boundary land lies.
        inside_parks=pd.array(park >= 0, dtype="boolean") if land.parks is not None else None,
    )
    if project.file("control.sub_regions") is not None:
        units["sub_region"] = _sub_regions(own, project)
    industrial = own["industrial"].fillna(value=False).to_numpy(dtype=bool)
    placed = units["unit"].notna().to_numpy()
    return pd.DataFrame(units[industrial & placed]).reset_index(drop=True), _left_out(pieces[industrial & ~placed])


def _sub_regions(own: pd.DataFrame, project: Project) -> pd.Series:
    if "sub_region" not in own:
        raise ProjectError(
            f"{project.path}: control.sub_regions is given, but the parcels have no column parcels.sub_region (分区). "
            'Add the column, or name it: [layers.parcels] columns = { sub_region = "…" }.',
            f"{project.path}：给出了 control.sub_regions，但地块没有分区字段 parcels.sub_region（分区）。"
            "请补充该字段，或在 [layers.parcels] 的 columns 中指明：sub_region = “…”。",
        )
    return own["sub_region"]


def _left_out(pieces: pd.DataFrame) -> tuple[Words, ...]:
    """Tell of industrial land that is in no unit, to whoever reads the notes and to whoever watches the run."""
    if not len(pieces):
        return ()
    count, known = pieces["parcel"].nunique(), pieces["land_area_m2"].dropna()
    area = f"{from_tally(int(to_tally(known, 'm2').sum()), 'm2'):,.2f}"
    told = Words(
        f"control indicators: industrial land outside all parks is held against nothing: {count} parcels, {area} m²",
        f"控制指标对照：园区外的工业用地未对照，涉及 {count} 宗、{area} 平方米",
    )
    _log.warning("%s", told.en, extra={"zh": told.zh})
    return (told,)


def _park_column(land: Land, park: np.ndarray, column: str) -> pd.Series:
    """What a piece's park says in a column; missing outside every park."""
    named = pd.Series(None, index=range(len(park)), dtype="object")
    if land.parks is not None:
        inside = np.flatnonzero(park >= 0)
        named.iloc[inside] = land.parks[column].to_numpy("object")[park[inside]]
    return named


def _codes(land: Land, firms: Firms | None) -> pd.Series:
    """Industry of each parcel: its own code, else that of the firm with most land on it."""
    told = land.parcels.get("industry_code")
    codes = pd.Series(None, index=range(len(land.parcels)), dtype="object") if told is None else told.astype("object")
    codes = codes.reset_index(drop=True)
    if firms is None or not len(firms.links):
        return codes
    links = firms.links.sort_values(["land_area_m2", "firm"], ascending=[False, True]).drop_duplicates("parcel")
    of_firm = firms.firms["industry_code"].astype("object").iloc[links["firm"]].to_numpy()
    return codes.fillna(pd.Series(of_firm, index=links["parcel"].to_numpy()).reindex(codes.index))
