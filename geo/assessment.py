"""The whole chain on one set of layers: attach, tally, measure, judge (`assess`).

Frames come in that were read, put into one CRS and checked by `layers`; an `Assessment` goes out, a
frozen bundle of tables that the command prints, and that maps and reports turn into something to hand
in. Nothing here computes a figure: it calls the rooms in the order of the flow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypedDict

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.composition.found import Composition, Limits, compose
from geo.composition.living import living_circle
from geo.composition.reach import Walk
from geo.concentrations import identities, outline_of, overlap_matrix, refuse_overlap
from geo.contributions import Contribution, contribute
from geo.figures_shown import figures_shown
from geo.firms import Firms, attach_firms, from_parcels
from geo.indicators import catalogue, measure, merge, scopes, tally_firms, zone_rows
from geo.industry import industry_shares, output_column, tally_industries
from geo.land import Land, attach_to, places
from geo.land_use import system
from geo.own_targets import OwnTarget, asked_by_project, own_targets, require_places
from geo.redaction.stated import Redaction
from geo.renewal import Candidates, find_candidates
from geo.renewal.stated import project_rules, project_sources
from geo.reported import reported
from geo.standards import Kinds, targets
from geo.storeys import checked_heights
from geo.survey import SURVEYED
from layers.checks_made import Checks, checks_made
from layers.errors import BlockedError, ProjectError, Words
from layers.findings import empty, summarise
from layers.project import Project
from layers.showing import Shown

__all__ = [
    "DEFAULT_LEVELS",
    "Assessment",
    "Attaching",
    "asked_levels",
    "assess",
    "attaching",
    "city_name",
    "conclude",
    "layer_of",
]

DEFAULT_LEVELS = ("city", "zones", "district", "zone", "park")

Progress = Callable[[float, str], None]


class Attaching(TypedDict):
    """Settings of `land.attach_to`."""

    system: str
    industrial: Sequence[str] | None
    area: str
    overlap: str
    storey_height_m: float | None
    storey_heights: Mapping[str, float]
    tall_storey_m: float
    whole_from: float


@dataclass(frozen=True)
class Assessment:
    """Everything one run found out.

    Attributes
    ----------
    project : Project
        Settings with their origins.
    land : Land or None
    firms : Firms or None
    indicators : DataFrame
        As `indicators.measure` returns it, and `targets`: a list of dicts as in `results.json`.
    overlaps : DataFrame
        The overlap matrix, see `concentration.overlap_matrix`.
    identities : DataFrame
        See `concentration.identities`.
    candidates : Candidates or None
    findings : DataFrame
        See `layers.findings`.
    ledger : dict
        By layer: read, used, set_aside; see `layers.intake`.
    not_computed : dict
        Indicator id → (reason in English, reason in Chinese).
    statistics : DataFrame
        Figures the project reports, held against the policies; see `reported.reported`.
    tables : mapping of str to DataFrame
        The layers that grading needs as they were read: `enterprises`, `evaluations`.
    checks : {"all", "conversion"}
        Which checks the findings come from, see `layers.checks_made`.
    composition : Composition or None
        How each zone is put together; None where nobody looked, or there are no parks.
    redaction : Redaction or None
        The rules it was made public by, see `geo.redaction`; None for the whole of it.
    """

    project: Project
    land: Land | None
    firms: Firms | None
    indicators: pd.DataFrame
    overlaps: pd.DataFrame
    identities: pd.DataFrame
    candidates: Candidates | None
    findings: pd.DataFrame
    ledger: Mapping[str, dict[str, object]]
    not_computed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    statistics: pd.DataFrame = field(default_factory=pd.DataFrame)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    checks: Checks = "conversion"
    composition: Composition | None = None
    redaction: Redaction | None = None

    @property
    def city(self) -> str:
        """Name of the city."""
        return city_name(self.project)

    def _repr_html_(self) -> str:
        language, policies = self.project.language, ", ".join(self.project.texts("project.policies"))
        tables = [figures_shown(self.indicators)]
        if len(self.findings):
            tables.append(summarise(self.findings, language)[["severity", "layer", "title", "count", "remedy"]])
        notes = tuple(Words(f"{name}: {en}", f"{name}：{zh}") for name, (en, zh) in self.not_computed.items())
        head = " · ".join(filter(None, (self.city, str(self.project.as_of or ""), policies)))
        return Shown(head, tuple(tables), notes, language=language)._repr_html_()

    def value(self, indicator: str, level: str = "city", scope_id: str | None = None) -> float | None:
        """Return one figure in its display unit, or None where it could not be computed."""
        rows = self.indicators[(self.indicators["id"] == indicator) & (self.indicators["level"] == level)]
        if scope_id is not None:
            rows = rows[rows["scope_id"] == scope_id]
        return None if rows.empty or pd.isna(rows["value"].iloc[0]) else float(rows["value"].iloc[0])


def city_name(project: Project) -> str:
    """Return the city's name, or a word for it."""
    return project.text("project.city") or ("全市" if project.language == "zh" else "city")


def assess(
    frames: Mapping[str, pd.DataFrame],
    project: Project,
    *,
    levels: Sequence[str] = DEFAULT_LEVELS,
    findings: pd.DataFrame | None = None,
    ledger: Mapping[str, dict[str, object]] | None = None,
    with_candidates: bool = True,
    progress: Progress | None = None,
) -> Assessment:
    """Run the chain on layers in memory.

    Parameters
    ----------
    frames : mapping of str to frame
        Canonical layers of valid polygons in one projected CRS, as `layers.gather` makes them.
    project : Project
    levels : sequence of str
        Levels the indicators are given for, see `indicators.LEVELS`.
    findings, ledger
        What `layers` found, passed through.
    with_candidates : bool
        Look for candidates, and at how each zone is put together, too.
    progress : callable, optional
        Called with (fraction, message).

    Returns
    -------
    Assessment

    Raises
    ------
    BlockedError
        Parks overlap under ``overlap = "error"``; no parcel is industrial.
    ProjectError
        Neither parcels nor enterprises are given.
    """
    tell = progress or (lambda *_: None)
    _require_something(frames)
    tell(0.05, "attach")
    parcels = layer_of(frames, "parcels")
    land = contribution = None
    if parcels is not None:
        where = places(layer_of(frames, "parks"), layer_of(frames, "districts"))
        land = attach_to(where, parcels, layer_of(frames, "buildings"), **attaching(project))
        contribution = contribute(land, outline_of(where.parks), asked_levels(levels))
    return conclude(
        project,
        land,
        contribution,
        frames,
        levels=levels,
        findings=findings,
        ledger=ledger,
        with_candidates=with_candidates,
        progress=tell,
    )


def _require_something(frames: Mapping[str, pd.DataFrame]) -> None:
    if "parcels" not in frames and "enterprises" not in frames:
        raise ProjectError(
            "The project has neither a parcels nor an enterprises layer, so there is nothing to measure. "
            f"Layers there are: {', '.join(frames) or 'none'}. Add [layers.parcels] with a source.",
            "项目既无 parcels（地块）也无 enterprises（企业）图层，无可计算的内容。"
            f"现有图层：{'、'.join(frames) or '无'}。请增加 [layers.parcels] 并指定 source。",
        )


def asked_levels(levels: Sequence[str]) -> tuple[str, ...]:
    """Return the levels to sum by: the city always, as others are measured against it."""
    return tuple(dict.fromkeys(("city", *levels)))


def attaching(project: Project) -> Attaching:
    """Return the settings of a project that decide how land is attached, see `land.attach`."""
    return {
        "system": project.text("land_use.system") or "third-survey",
        "industrial": project.texts("land_use.industrial") or None,
        "area": project.text("project.area") or "tdt1055",
        "overlap": project.text("project.overlap") or "error",
        "storey_height_m": _stated(project, "buildings.storey_height_m"),
        "storey_heights": checked_heights(project["buildings.storey_heights"] or {}),  # type: ignore[arg-type]
        "tall_storey_m": project.number("buildings.tall_storey_m") or 8.0,
        "whole_from": project.number("buildings.whole_from") or 0.9,
    }


def _stated(project: Project, key: str) -> float | None:
    """Return a number somebody stated, not its default."""
    return None if project.settings[key].origin == "default" else project.number(key)


def conclude(
    project: Project,
    land: Land | None,
    contribution: Contribution | None,
    frames: Mapping[str, pd.DataFrame],
    *,
    levels: Sequence[str],
    findings: pd.DataFrame | None = None,
    ledger: Mapping[str, dict[str, object]] | None = None,
    with_candidates: bool = True,
    progress: Progress,
) -> Assessment:
    """Finish what the sums of a city's land began: firms, figures, targets, candidates.

    Parameters
    ----------
    project : Project
    land : Land or None
        At least the parcels that firms name and, for candidates, those that may become some.
    contribution : Contribution or None
        Of the whole city.
    frames : mapping
        The tables `enterprises`, `holdings`, `statistics`, `targets` and `evaluations` are taken from here.
    levels, findings, ledger, with_candidates, progress
        See `assess`.
    """
    overlaps, checks = pd.DataFrame(), pd.DataFrame()
    if land is not None and contribution is not None:
        if not contribution.industrial:
            raise _no_industrial_land(contribution, project)
        checks = identities(contribution.identities, with_parks=land.parks is not None)
        overlaps = _overlaps(land, project)
    progress(0.55, "firms")
    firms = _firms(frames, land, project)
    progress(0.7, "measure")
    own = own_targets(frames["targets"], city_name(project)) if "targets" in frames else ()
    indicators = _indicators(land, contribution, firms, project, levels, own)
    if with_candidates:
        progress(0.85, "candidates")
    return Assessment(
        project=project,
        land=land,
        firms=firms,
        indicators=indicators,
        overlaps=overlaps,
        identities=checks,
        candidates=_candidates(project, land, firms, frames) if land is not None and with_candidates else None,
        findings=findings if findings is not None else empty(),
        ledger=ledger or {},
        not_computed=_not_computed(indicators, land, firms),
        statistics=_statistics(frames.get("statistics"), project, None if land is None else land.parks),
        tables={name: frames[name] for name in ("enterprises", "evaluations") if name in frames},
        checks=checks_made(findings),
        composition=_composition(land, firms, overlaps, frames, project) if with_candidates else None,
    )


def _composition(
    land: Land | None,
    firms: Firms | None,
    overlaps: pd.DataFrame,
    frames: Mapping[str, pd.DataFrame],
    project: Project,
) -> Composition | None:
    if land is None or land.parks is None or land.parks.empty:
        return None
    limits = Limits(**_chosen(project, "composition."))  # type: ignore[arg-type]
    area = project.text("project.area") or "tdt1055"
    walk = Walk(**_chosen(project, "living_circle."))  # type: ignore[arg-type]
    facilities, housing = layer_of(frames, "facilities"), layer_of(frames, "housing")
    roads = layer_of(frames, "roads")
    living = living_circle(land, firms, facilities, housing, walk, roads=roads, area=area)
    return compose(land, overlaps, limits, area=area, constraints=layer_of(frames, "constraints"), living=living)


def _statistics(table: pd.DataFrame | None, project: Project, parks: pd.DataFrame | None) -> pd.DataFrame:
    if table is None:
        return pd.DataFrame()
    return reported(
        table,
        on=_day(project),
        policies=project.texts("project.policies"),
        city=city_name(project),
        kinds={} if parks is None else _kinds_by_name(parks),
    )


def _day(project: Project) -> date:
    return project.as_of or date.today()  # noqa: DTZ011  (a calendar day)


def _overlaps(land: Land, project: Project) -> pd.DataFrame:
    if land.parks is None:
        return pd.DataFrame()
    matrix = overlap_matrix(land.parks, project.text("project.area") or "tdt1055")
    if project["project.overlap"] == "error":
        refuse_overlap(matrix, project.number("project.overlap_tolerance_m2") or 0.0)
    return matrix


def _firms(frames: Mapping[str, pd.DataFrame], land: Land | None, project: Project) -> Firms | None:
    enterprises = frames.get("enterprises")
    if enterprises is None and land is not None:
        enterprises = from_parcels(land)
    if enterprises is None:
        return None
    return attach_firms(enterprises, land, frames.get("holdings"), as_of=project.as_of)


def layer_of(frames: Mapping[str, pd.DataFrame], name: str) -> gpd.GeoDataFrame | None:
    """Return a layer that has shapes, None where there is none."""
    frame = frames.get(name)
    return frame if isinstance(frame, gpd.GeoDataFrame) else None


def _no_industrial_land(contribution: Contribution, project: Project) -> BlockedError:
    name = project.text("land_use.system") or "third-survey"
    column = "land_use_name" if name == "names" else "land_use_code"
    told = ", ".join(f"{use} ({count})" for use, count in contribution.uses[column].most_common(8))
    asked = ", ".join(project.texts("land_use.industrial") or system(name).industrial)
    n = contribution.parcels
    return BlockedError(
        f'parcels.{column}: none of {n} parcels is industrial under land_use.system = "{name}", '
        f"industrial = {asked}. Classes found: {told}. "
        "Set land_use.system and land_use.industrial in the project file.",
        f"parcels.{column}：按 land_use.system = “{name}”、industrial = {asked}，{n} 个地块中没有工业用地。"
        f"现有地类：{told}。请在项目文件中设定 land_use.system 和 land_use.industrial。",
    )


def _indicators(
    land: Land | None,
    contribution: Contribution | None,
    firms: Firms | None,
    project: Project,
    levels: Sequence[str],
    own: tuple[OwnTarget, ...],
) -> pd.DataFrame:
    asked = asked_levels(levels)
    if own:
        known = scopes(land, firms, city_name(project), ("city", "district", "zone", "park"))
        require_places(own, [*known["id"].astype("str"), *known["name"].astype("str")])
    places_of = scopes(land, firms, city_name(project), asked)
    parks = None if land is None else land.parks
    sums = [contribution.sums] if contribution is not None else []
    sums += [tally_firms(firms, parks, asked)] if firms is not None else []
    table = measure(merge(sums), places_of)
    column = output_column(firms) if firms is not None else None
    if firms is not None and column is not None and firms.firms["industry_code"].notna().any():
        keys = _keys(firms, parks)
        shares = industry_shares(
            tally_industries(firms, keys[[level for level in keys if level in asked]], column),
            places_of,
            leading=project.texts("industry.leading"),
            leading_count=int(project.number("industry.leading_count") or 1),
        )
        table = pd.concat([table, shares], ignore_index=True)
    table = table[table["level"].isin(levels)].reset_index(drop=True)
    found = _targets(table, project, own, {} if parks is None else _kinds(parks))
    return table.assign(targets=pd.Series(found, index=table.index, dtype="object"))


def _keys(firms: Firms, parks: pd.DataFrame | None) -> pd.DataFrame:
    """Row of the scope of each fragment, by level."""
    rows = firms.fragments
    keys = pd.DataFrame({"city": 0, "district": rows["district"]}, index=rows.index)
    if parks is not None:
        park = rows["park"].to_numpy()
        keys = keys.assign(zone=zone_rows(parks)[park], zones=np.where(park >= 0, 0, -1), park=park)
    return keys


def _targets(
    table: pd.DataFrame, project: Project, own: tuple[OwnTarget, ...], kinds: Mapping[tuple[str, str], Kinds]
) -> list[list[dict[str, object]]]:
    """What the project's policies, and the project itself, ask of each figure; most figures are asked nothing."""
    day, ids = _day(project), project.texts("project.policies")
    asked = {
        (name, level)
        for name, level in set(zip(table["id"], table["level"], strict=True))
        if targets(name, level, day, ids) or any(one.indicator == name for one in own)
    }
    columns = (table[name] for name in ("id", "level", "scope_id", "scope_name", "value"))
    return [
        [
            *targets(name, level, day, ids, value, kinds.get((level, place))),
            *asked_by_project(own, name, level, (place, named), day, value),
        ]
        if (name, level) in asked
        else []
        for name, level, place, named, value in zip(*columns, strict=True)
    ]


def _kinds(parks: pd.DataFrame) -> dict[tuple[str, str], Kinds]:
    """Which levels and platform types the zones of each place are of, by level and id of the place."""
    told = pd.DataFrame({name: parks.get(name) for name in ("park_id", "zone_id", "level", "platform_type")}).astype(
        "object"
    )
    told = told.where(told.notna(), None)
    places = [("park", told["park_id"]), ("zone", told["zone_id"]), ("zones", pd.Series("zones", index=told.index))]
    return {
        (level, str(place)): Kinds(frozenset(rows["level"]), frozenset(rows["platform_type"]))
        for level, of in places
        for place, rows in told.groupby(of.to_numpy())
    }


def _kinds_by_name(parks: pd.DataFrame) -> dict[tuple[str, str], Kinds]:
    """As `_kinds`, by what a table of statistics calls a place: all zones nothing, one zone its name or its id."""
    told = _kinds(parks)
    named = parks[["zone_id", "zone_name"]].drop_duplicates("zone_id").drop_duplicates("zone_name", keep=False)
    by_id = {place: kinds for place, kinds in told.items() if place[0] == "zone"}
    by_name = {("zone", str(name)): told["zone", str(id_)] for id_, name in named.itertuples(index=False, name=None)}
    return {**by_name, **by_id, ("zones", ""): told["zones", "zones"]}


def _chosen(project: Project, group: str) -> dict[str, object]:
    """Return the settings of a group, by their names in it."""
    return {
        name.removeprefix(group): setting.value for name, setting in project.settings.items() if name.startswith(group)
    }


def _candidates(project: Project, land: Land, firms: Firms | None, frames: Mapping[str, pd.DataFrame]) -> Candidates:
    sources = project_sources(project, land, firms, frames, attaching(project)["system"])
    return find_candidates(land, firms, project_rules(project), sources)


def _not_computed(indicators: pd.DataFrame, land: Land | None, firms: Firms | None) -> dict[str, tuple[str, str]]:
    """Say of every indicator without a figure what it lacks."""
    reasons: dict[str, tuple[str, str]] = {}
    have = set(indicators["id"])
    for entry in catalogue().values():
        if entry.id in have:
            continue
        if entry.table == "land" and land is None:
            reasons[entry.id] = ("there is no parcels layer", "没有地块图层")
        elif entry.table == "land" and entry.numerator == "inside_area_m2" and land is not None and land.parks is None:
            reasons[entry.id] = ("there is no parks layer", "没有园区图层")
        elif entry.table != "land" and firms is None:
            reasons[entry.id] = ("there is no enterprises layer", "没有企业图层")
        else:
            needed = ", ".join(
                dict.fromkeys(
                    SURVEYED[one].column if one in SURVEYED else one for one in (entry.numerator, entry.denominator)
                )
            )
            reasons[entry.id] = (
                f"no record knows both columns ({needed})",
                f"没有同时具备所需字段的记录（{needed}）",
            )
    return reasons
