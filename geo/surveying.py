"""The intensive-use survey of zones (开发区土地集约利用评价) after TD/T 1029, from what a project states.

Calls `survey_areas` for the land by class, `survey` for the type of each zone and `potentials` for what could still
be won, and reads the tables a project brings along: ideal values and land supplied by year.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from geo.assessment import Assessment
from geo.potentials import potentials
from geo.survey import zone_types
from geo.survey_areas import class_areas
from layers.errors import ProjectError
from layers.project import Project
from layers.showing import Shown
from layers.units import parse_unit
from layers.user_tables import Row, each_row, read_rows

__all__ = ["Survey", "read_ideals", "read_supply", "survey_zones"]

#: Columns of parcels any of which makes a survey.
_ASKED = ("construction_class", "supply_class", "idle")
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

    def _repr_html_(self) -> str:
        return Shown(tables=(self.types, self.potentials, self.areas))._repr_html_()


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
    if land is None or not any(name in land.parcels and land.parcels[name].notna().any() for name in _ASKED):
        _refuse_asked(project)
        return None
    level = "city" if land.parks is None else "zone"
    areas = class_areas(land, (level,), assessment.city)
    files = {name: project.file(f"survey.{name}") for name in ("ideals", "supply")}
    ideals = pd.DataFrame(columns=[*_IDEALS]) if files["ideals"] is None else read_ideals(files["ideals"])
    supply = None if files["supply"] is None else _ended(read_supply(files["supply"]), project)
    types = _types(areas, level, project)
    return Survey(areas, types, potentials(areas, ideals, figures=assessment.indicators, supply=supply))


def _types(areas: pd.DataFrame, level: str, project: Project) -> pd.DataFrame:
    given = project["survey.zone_types"]
    stated = {str(zone): str(word) for zone, word in given.items()} if isinstance(given, Mapping) else {}
    if level == "zone":
        return zone_types(areas, stated)
    if stated:
        raise ProjectError(
            f"{project.path}: survey.zone_types names {len(stated)} zones, but the project has no parks. "
            "Add [layers.parks] with a source.",
            f"{project.path}：survey.zone_types 给出了 {len(stated)} 个开发区，但项目没有园区图层。"
            "请增加 [layers.parks] 并指定 source。",
        )
    return pd.DataFrame()


def _ended(supply: pd.DataFrame, project: Project) -> pd.DataFrame:
    """Leave out years that had not ended on the day of the data: half a year is no year's supply."""
    day = project.as_of
    if day is None:
        return supply
    last = day.year if (day.month, day.day) == (12, 31) else day.year - 1
    return supply[supply["year"] <= last].reset_index(drop=True)


def _refuse_asked(project: Project) -> None:
    asked = [name for name in ("survey.ideals", "survey.supply", "survey.zone_types") if project[name]]
    if asked:
        columns = ", ".join(_ASKED)
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
                "ideal": _ideal(row),
                "unit": row.get("unit") or None,
                "source": row.needed("source"),
            },
        )
    )


def _ideal(row: Row) -> float | None:
    """Read a number in the unit of its row: 80% beside the unit % is 80."""
    if parse_unit(row.get("unit")) == "%":
        row = replace(row, cells={**row.cells, "ideal": row.get("ideal").rstrip("%％")})
    return row.number("ideal")


def read_supply(path: str | Path) -> pd.DataFrame:
    """Read a table of land supplied by year (供地历史表) as `potentials.potentials` takes it.

    Parameters
    ----------
    path : path
        Delimited text; columns scope_id (开发区编号), year (年度), supplied_m2 (供应面积), supplied_industrial_m2
        (供应工业用地面积); land in m², or in the unit its title bears: 供应面积（公顷）.
    """
    rows = read_rows(path, _SUPPLY, ["year", "supplied_m2"])
    names = [name for name in _SUPPLY if any(name in row.cells for row in rows)]
    return pd.DataFrame(each_row(rows, lambda row: {name: _supplied(row, name) for name in names}))


def _supplied(row: Row, name: str) -> object:
    if name == "scope_id":
        return row.needed(name)
    if name != "year":
        return row.measure(name, "m2")
    number = row.number(name)
    if number is None or number != int(number):
        raise row.wrong(name, f'"{row.get(name)}": expected a year', f"“{row.get(name)}”：应为年份")
    return int(number)
