"""The intensive-use survey of zones (开发区土地集约利用评价) after TD/T 1029, from what a project states.

Calls `survey_areas` for the land by class, `survey` for the type of each zone and `potentials` for what could still
be won, and reads the tables a project brings along: ideal values and land supplied by year.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from geo.assessment import Assessment
from geo.potentials import potentials
from geo.survey import CLASSES, zone_types
from geo.survey_areas import class_areas
from layers.errors import ProjectError
from layers.project import Project
from layers.user_tables import Row, each_row, read_rows

__all__ = ["Survey", "read_ideals", "read_supply", "survey_zones"]

_IDEALS = {
    "indicator": ("指标", "指标代码"),
    "ideal": ("理想值",),
    "unit": ("单位", "计量单位"),
    "source": ("来源", "依据"),
}
_SUPPLY = {
    "scope_id": ("开发区编号", "范围编号"),
    "year": ("年度", "年份"),
    "supplied_m2": ("供应面积", "供地面积"),
    "supplied_industrial_m2": ("供应工业用地面积", "工业用地供应面积"),
}


@dataclass(frozen=True)
class Survey:
    """What `survey_zones` found; zones only, or the city where there are none.

    Attributes
    ----------
    areas : DataFrame
        Land by class, see `survey_areas.class_areas`.
    types : DataFrame
        Type of each zone, see `survey.zone_types`; empty without zones.
    potentials : DataFrame
        See `potentials.potentials`.
    """

    areas: pd.DataFrame
    types: pd.DataFrame
    potentials: pd.DataFrame


def survey_zones(assessment: Assessment) -> Survey | None:
    """Survey the zones of a project (开发区土地集约利用评价); None where no parcel tells a survey class.

    Parameters
    ----------
    assessment : Assessment
        Parcels with `construction_class`, `supply_class` or `idle`. Settings: ``survey.ideals`` and ``survey.supply``
        (CSV files), ``survey.zone_types`` (id of a zone → its type).

    Raises
    ------
    ProjectError
        A setting asks for a survey and no parcel tells a class; a zone that is not there is given a type.
    SourceError, SchemaError, StandardError
        A table cannot be used; the message names the file and the line.
    """
    project, land = assessment.project, assessment.land
    if land is None or not set(CLASSES) & set(land.parcels.columns):
        _refuse_asked(project)
        return None
    level = "city" if land.parks is None else "zone"
    areas = class_areas(land, (level,), assessment.city)
    files = {name: project.file(f"survey.{name}") for name in ("ideals", "supply")}
    ideals = pd.DataFrame(columns=[*_IDEALS]) if files["ideals"] is None else read_ideals(files["ideals"])
    given = project["survey.zone_types"]
    return Survey(
        areas,
        zone_types(areas, given if isinstance(given, Mapping) else None) if level == "zone" else pd.DataFrame(),
        potentials(
            areas,
            ideals,
            figures=assessment.indicators,
            supply=None if files["supply"] is None else read_supply(files["supply"]),
        ),
    )


def _refuse_asked(project: Project) -> None:
    asked = [name for name in ("survey.ideals", "survey.supply", "survey.zone_types") if project[name]]
    if asked:
        columns = ", ".join(CLASSES)
        raise ProjectError(
            f"{project.path}: {asked[0]} is given, but no parcel tells its class after TD/T 1029. Expected one of the "
            f"columns {columns} in the parcels.",
            f"{project.path}：给出了 {asked[0]}，但地块没有 TD/T 1029 的分类。地块图层应至少有字段 {columns} 之一。",
        )


def read_ideals(path: str | Path) -> pd.DataFrame:
    """Read a table of ideal values (理想值表) as `ideals.check_ideals` takes it.

    Parameters
    ----------
    path : path
        Delimited text; columns indicator (指标), ideal (理想值), unit (单位), source (来源).
    """
    rows = read_rows(path, _IDEALS, ["indicator", "ideal", "source"])
    return pd.DataFrame(
        each_row(
            rows,
            lambda row: {
                "indicator": row.needed("indicator"),
                "ideal": row.number("ideal"),
                "unit": row.get("unit") or None,
                "source": row.needed("source"),
            },
        )
    )


def read_supply(path: str | Path) -> pd.DataFrame:
    """Read a table of land supplied by year (供地历史表) as `potentials.potentials` takes it.

    Parameters
    ----------
    path : path
        Delimited text; columns scope_id (开发区编号), year (年度), supplied_m2 (供应面积), supplied_industrial_m2
        (供应工业用地面积), land in m².
    """
    rows = read_rows(path, _SUPPLY, ["year", "supplied_m2"])
    names = [name for name in _SUPPLY if any(name in row.cells for row in rows)]
    return pd.DataFrame(each_row(rows, lambda row: {name: _supplied(row, name) for name in names}))


def _supplied(row: Row, name: str) -> object:
    if name == "scope_id":
        return row.needed(name)
    number = row.number(name)
    if name != "year":
        return number
    if number is None or number != int(number):
        raise row.wrong(name, f'"{row.get(name)}": expected a year', f"“{row.get(name)}”：应为年份")
    return int(number)
