"""The whole chain on one set of layers: attach, tally, measure, judge (`assess`).

Frames come in that were read, put into one CRS and checked by `layers`; an `Assessment` goes out, a
frozen bundle of tables that the command prints, and that maps and reports turn into something to hand
in. Nothing here computes a figure: it calls the rooms in the order of the flow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.concentrations import identities, overlap_matrix, refuse_overlap
from geo.firms import Firms, attach_firms, from_parcels
from geo.indicators import catalogue, measure, scopes, tally, zone_rows
from geo.industry import industry_shares, output_column, tally_industries
from geo.land import Land, attach
from geo.land_use import system
from geo.renewal import Candidates, Rules, find_candidates
from geo.standards import targets
from layers.errors import BlockedError, ProjectError
from layers.project import Project

__all__ = ["DEFAULT_LEVELS", "Assessment", "assess", "city_name"]

DEFAULT_LEVELS = ("city", "zones", "district", "zone", "park")

Progress = Callable[[float, str], None]


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

    @property
    def city(self) -> str:
        """Name of the city."""
        return city_name(self.project)

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
    """Run the chain.

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
        Look for candidates too.
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
    if "parcels" not in frames and "enterprises" not in frames:
        raise ProjectError(
            "The project has neither a parcels nor an enterprises layer, so there is nothing to measure. "
            f"Layers there are: {', '.join(frames) or 'none'}. Add [layers.parcels] with a source.",
            "项目既无 parcels（地块）也无 enterprises（企业）图层，无可计算的内容。"
            f"现有图层：{'、'.join(frames) or '无'}。请增加 [layers.parcels] 并指定 source。",
        )
    tell(0.05, "attach")
    land = _land(frames, project)
    overlaps = pd.DataFrame()
    if land is not None and land.parks is not None:
        overlaps = overlap_matrix(land, project.text("project.area") or "tdt1055")
        if project["project.overlap"] == "error":
            refuse_overlap(overlaps, project.number("project.overlap_tolerance_m2") or 0.0)
    tell(0.55, "firms")
    firms = None
    enterprises = frames.get("enterprises")
    if enterprises is None and land is not None:
        enterprises = from_parcels(land)
    if enterprises is not None:
        firms = attach_firms(enterprises, land, frames.get("holdings"), as_of=project.as_of)
    tell(0.7, "measure")
    indicators = _indicators(land, firms, project, levels)
    tell(0.85, "candidates")
    candidates = find_candidates(land, firms, _rules(project)) if land is not None and with_candidates else None
    return Assessment(
        project=project,
        land=land,
        firms=firms,
        indicators=indicators,
        overlaps=overlaps,
        identities=identities(land) if land is not None else pd.DataFrame(),
        candidates=candidates,
        findings=findings if findings is not None else pd.DataFrame(),
        ledger=ledger or {},
        not_computed=_not_computed(indicators, land, firms),
    )


def _land(frames: Mapping[str, pd.DataFrame], project: Project) -> Land | None:
    parcels = frames.get("parcels")
    if not isinstance(parcels, gpd.GeoDataFrame):
        return None
    land = attach(
        parcels,
        _layer(frames, "parks"),
        _layer(frames, "buildings"),
        _layer(frames, "districts"),
        system=project.text("land_use.system") or "third-survey",
        industrial=project.texts("land_use.industrial") or None,
        area=project.text("project.area") or "tdt1055",
        overlap=project.text("project.overlap") or "error",
        storey_height_m=project.number("buildings.storey_height_m") or 4.0,
        tall_storey_m=project.number("buildings.tall_storey_m") or 8.0,
        whole_from=project.number("buildings.whole_from") or 0.9,
    )
    if not land.parcels["industrial"].fillna(value=False).any():
        raise _no_industrial_land(land, project)
    return land


def _layer(frames: Mapping[str, pd.DataFrame], name: str) -> gpd.GeoDataFrame | None:
    frame = frames.get(name)
    return frame if isinstance(frame, gpd.GeoDataFrame) else None


def _no_industrial_land(land: Land, project: Project) -> BlockedError:
    name = project.text("land_use.system") or "third-survey"
    column = "land_use_name" if name == "names" else "land_use_code"
    seen = land.parcels[column].astype("string").value_counts().head(8)
    told = ", ".join(f"{use} ({count})" for use, count in seen.items())
    asked = ", ".join(project.texts("land_use.industrial") or system(name).industrial)
    return BlockedError(
        f'parcels.{column}: none of {len(land.parcels)} parcels is industrial under land_use.system = "{name}", '
        f"industrial = {asked}. Classes found: {told}. "
        "Set land_use.system and land_use.industrial in the project file.",
        f"parcels.{column}：按 land_use.system = “{name}”、industrial = {asked}，"
        f"{len(land.parcels)} 个地块中没有工业用地。"
        f"现有地类：{told}。请在项目文件中设定 land_use.system 和 land_use.industrial。",
    )


def _indicators(land: Land | None, firms: Firms | None, project: Project, levels: Sequence[str]) -> pd.DataFrame:
    asked = tuple(dict.fromkeys(("city", *levels)))
    places = scopes(land, firms, city_name(project), asked)
    table = measure(tally(land, firms, asked), places)
    column = output_column(firms) if firms is not None else None
    if firms is not None and column is not None and firms.firms["industry_code"].notna().any():
        keys = _keys(firms, land)
        shares = industry_shares(
            tally_industries(firms, keys[[level for level in keys if level in asked]], column),
            places,
            leading=project.texts("industry.leading"),
            leading_count=int(project.number("industry.leading_count") or 1),
        )
        table = pd.concat([table, shares], ignore_index=True)
    table = table[table["level"].isin(levels)].reset_index(drop=True)
    return table.assign(targets=pd.Series(_targets(table, project), index=table.index, dtype="object"))


def _keys(firms: Firms, land: Land | None) -> pd.DataFrame:
    """Row of the scope of each fragment, by level."""
    rows = firms.fragments
    keys = pd.DataFrame({"city": 0, "district": rows["district"]}, index=rows.index)
    if land is not None and land.parks is not None:
        park = rows["park"].to_numpy()
        keys = keys.assign(zone=zone_rows(land.parks)[park], zones=np.where(park >= 0, 0, -1), park=park)
    return keys


def _targets(table: pd.DataFrame, project: Project) -> list[list[dict[str, object]]]:
    """What the project's policies ask of each figure; most figures are asked nothing."""
    day, ids = project.as_of or date.today(), project.texts("project.policies")  # noqa: DTZ011  (a calendar day)
    asked = {
        (name, level)
        for name, level in set(zip(table["id"], table["level"], strict=True))
        if targets(name, level, day, ids)
    }
    return [
        targets(name, level, day, ids, value) if (name, level) in asked else []
        for name, level, value in zip(table["id"], table["level"], table["value"], strict=True)
    ]


def _rules(project: Project) -> Rules:
    chosen = {
        name.removeprefix("candidates."): setting.value
        for name, setting in project.settings.items()
        if name.startswith("candidates.")
    }
    return Rules(**chosen)  # type: ignore[arg-type]


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
            needed = ", ".join(dict.fromkeys((entry.numerator, entry.denominator)))
            reasons[entry.id] = (
                f"no record knows both columns ({needed})",
                f"没有同时具备所需字段的记录（{needed}）",
            )
    return reasons
