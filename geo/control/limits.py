"""Limits by industry (工业项目建设用地控制指标): what a limit is, and the tables in which limits stand.

The edition of 2008 is on board (`policy/control/2008.csv`), superseded; later editions are tables the user loads, and
nothing in them is believed without a source. Which limit an industry gets is asked in `finding`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from geo.control.rows import TITLES, division_of, edition_of, limit_of
from layers.user_tables import Row, each_row, parse_rows, read_rows, refuse_twice

__all__ = ["INDICATORS", "Limit", "load_limits", "standard_limits"]

#: indicator → (what is summed on top, what below, on which side of the limit it should lie).
#: The share of floor area takes floor area as built: no storey counted double, on top or below.
INDICATORS: Mapping[str, tuple[str, str, str]] = {
    "plot_ratio": ("floor_area_m2", "land_area_m2", "at_least"),
    "building_coefficient": ("covered_area_m2", "land_area_m2", "at_least"),
    "admin_land_share": ("admin_land_m2", "land_area_m2", "at_most"),
    "admin_floor_share": ("admin_floor_area_m2", "total_floor_area_m2", "at_most"),
    "green_ratio": ("green_area_m2", "land_area_m2", "at_most"),
}

_REQUIRED = ("edition", "code_edition", "code", "source")

_TITLES: Mapping[str, tuple[str, ...]] = {
    "edition": ("版本", "标准版本", "指标版本"),
    "code_edition": TITLES["code_edition"],
    "code": TITLES["code"],
    "name_zh": ("name", "名称", "行业名称", "行业分类", "行业"),
    "name_en": (),
    "plot_ratio_min": TITLES["plot_ratio_min"],
    "building_coefficient_min": ("coeff_min", "建筑系数下限", "建筑系数"),
    "admin_land_share_max": (
        "admin_land_max",
        "行政办公及生活服务设施用地比重上限",
        "行政办公及生活服务设施用地所占比重",
        "行政办公用地比重上限",
    ),
    "admin_floor_share_max": (
        "admin_gfa_max",
        "行政办公及生活服务设施建筑面积比重上限",
        "行政办公及生活服务设施建筑面积所占比重",
        "行政办公建筑面积比重上限",
    ),
    "green_ratio_max": ("green_max", "绿地率上限", "绿地率"),
    "document": ("文件", "文号"),
    "clause": ("条款",),
    "source": TITLES["source"],
    "status_zh": ("状态",),
    "status_en": ("status",),
}


@dataclass(frozen=True)
class Limit:
    """One limit (控制值): of which indicator, for which division, by which edition, on whose word."""

    indicator: str
    comparison: str  # at_least or at_most
    value: float
    edition: str
    code_edition: str
    code: str  # the division in the table, after any translation
    name_zh: str
    name_en: str
    document: str
    clause: str
    source: str
    status_zh: str
    status_en: str
    where: str  # file and line
    unit: str = "1"
    note_zh: str = ""  # what was settled on the way to it
    note_en: str = ""

    def __str__(self) -> str:
        """Name the limit in one line, for messages."""
        sign = "≥" if self.comparison == "at_least" else "≤"
        return f"{self.code} {self.name_zh} {sign} {self.value:g} ({self.where})"


@cache
def standard_limits() -> tuple[Limit, ...]:
    """Return the limits on board (随附控制指标): the edition of 2008 (国土资发〔2008〕24号), superseded.

    Examples
    --------
    >>> len({limit.code for limit in standard_limits()})
    30
    """
    text = resources.files("geo").joinpath("policy/control/2008.csv").read_text("utf-8")
    return _limits("2008.csv", parse_rows(text, "2008.csv", _TITLES, _REQUIRED))


def load_limits(path: str | Path) -> tuple[Limit, ...]:
    """Read a table of control indicators (控制指标表), one row a division, and refuse what is not sourced.

    Parameters
    ----------
    path : path
        CSV in UTF-8 or GB18030. Columns `edition`, `code_edition`, `code` (a division), `source` and at least one of
        `plot_ratio_min`, `building_coefficient_min`, `admin_land_share_max`, `admin_floor_share_max`,
        `green_ratio_max`; also `name_zh`, `name_en`, `document`, `clause`, `status_zh`, `status_en`. Titles such as
        容积率下限 and far_min are understood. Shares as 0.30 or 30%; an empty cell gives no limit.

    Returns
    -------
    tuple of Limit
        One a figure. To look in them beside the edition on board: ``(*standard_limits(), *load_limits(path))``.

    Raises
    ------
    SourceError
        The file cannot be read as delimited text.
    StandardError
        A column is unknown or missing, a division stands twice in an edition, or rows cannot be used: no source,
        no figure, a share above 1, text where a number is due, an unknown edition of the codes.
    """
    return _limits(Path(path).name, read_rows(path, _TITLES, _REQUIRED))


def _limits(file: str, rows: Sequence[Row]) -> tuple[Limit, ...]:
    found = each_row(rows, _limits_of)
    refuse_twice(file, [((one.edition, one.code_edition, one.code), str(one)) for one, *_ in found])
    return tuple(limit for row in found for limit in row)


def _limits_of(row: Row) -> list[Limit]:
    shared = {name: row.get(name) for name in ("name_zh", "name_en", "document", "clause", "status_zh", "status_en")}
    shared |= {"edition": row.needed("edition"), "source": row.needed("source"), "where": row.where}
    shared |= {"code": division_of(row), "code_edition": edition_of(row)}
    found = [
        Limit(indicator=indicator, comparison=comparison, value=value, **shared)
        for indicator, (_, _, comparison) in INDICATORS.items()
        if (value := limit_of(row, _column(indicator, comparison), comparison)) is not None
    ]
    if not found:
        raise row.wrong("", "it gives no limit. Add one, or leave the row out", "没有任何控制值。请补充，或删去此行")
    return found


def _column(indicator: str, comparison: str) -> str:
    return f"{indicator}_{'min' if comparison == 'at_least' else 'max'}"
