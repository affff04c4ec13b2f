"""Potentials of development zones (开发区用地潜力) after TD/T 1029: land that could still be won, and for how long.

Expansion (扩展), structure (结构), intensity (强度), management (管理), and the years the land will last
(尚可供地年数), each from the sums of `survey_areas` and the ideal values of `ideals`. A potential is never
negative; where something is not known it is missing, with the reason. Land in m², intensities in the unit of
their indicator. The intensity potentials are different looks at the same land: they are never added up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.ideals import INTENSITIES, STRUCTURE, check_ideals
from geo.survey_areas import AREAS, BOTH
from layers.errors import ProjectError, SchemaError, nearest

__all__ = ["potentials", "years_of_supply"]

_Record = Mapping[Hashable, Any]
#: Rows of `check_ideals` by indicator.
_Ideals = Mapping[Hashable, _Record]

#: Years back that the mean and the maximum of the yearly supply look.
_MEAN_YEARS, _MAXIMUM_YEARS = 3, 5

_SHIJIAZHUANG = ("TD/T 1029，据石家庄各开发区评价文本", "TD/T 1029 as a text on the zones of Shijiazhuang tells it")
_WEAK = ("TD/T 1029；公式据公开程序代码（来源可信度低）", "TD/T 1029; formula of public program code (weak source)")
_SUPPLY = ("TD/T 1029 尚可供地年数（来源可信度低）", "TD/T 1029, years of supply (weak source)")


@dataclass(frozen=True)
class _Figure:
    """One potential of one place, of land in the columns `needs`; either a value or the reason why there is none."""

    potential: str
    value: float
    needs: tuple[str, ...]
    source: tuple[str, str]
    unit: str = "m2"
    indicator: str | None = None
    current: float = math.nan
    ideal: float = math.nan
    ideal_unit: str | None = None
    ideal_source: str | None = None
    reason: tuple[str | None, str | None] = (None, None)


def potentials(
    areas: pd.DataFrame,
    ideals: pd.DataFrame,
    *,
    figures: pd.DataFrame | None = None,
    supply: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Potentials of each place (扩展、结构、强度、管理潜力与尚可供地年数).

    * expansion = E; expansion_industrial = E21
    * structure = A × (ideal industrial share − A2 / A), if > 0
    * intensity, by indicator = A2 × (I − C) / I, if > 0, I the ideal, C the present value
    * management = idle land + D22, land that is both once
    * years of supply I = E ÷ mean yearly supply of the last 3 years; II = E ÷ largest of the last 5 years; the
      same for industrial land

    Parameters
    ----------
    areas : DataFrame, one row a place
        As `survey_areas.class_areas` returns it (m²). A column `take_back_m2` tells how much idle land, D22 left
        out, is to be taken back; else all of it is counted.
    ideals : DataFrame
        See `ideals.check_ideals`.
    figures : DataFrame, optional
        Present values, as `indicators.measure` returns them: `id`, `level`, `scope_id`, `value`.
    supply : DataFrame, optional
        Land supplied: `scope_id` (may be left out where there is one place), `year`, `supplied_m2`,
        `supplied_industrial_m2` (may be left out). The latest year is the last that counts.

    Returns
    -------
    DataFrame, one row a place × potential
        `level`, `scope_id`, `scope_name`, `potential`, `indicator` (of structure and intensity), `value` (never
        below 0, missing with a reason), `unit` (m2, years), `current`, `ideal`, `ideal_unit`, `ideal_source`,
        `alternative` (True for intensities, which are never added), `unknown_m2` (land of the place that does not
        tell its class, so that the potential cannot hold it; of two columns the larger), `source_zh`, `source_en`,
        `reason_zh`, `reason_en`.

    Raises
    ------
    SchemaError, ProjectError
        See `ideals.check_ideals`; the table of supply lacks a column, or tells a year twice.

    Notes
    -----
    The present intensities are of industrial land by land use or of firms, A2 is by survey class. A present value
    below 0 (taxes paid back) counts as 0, so that no potential exceeds the land it is of.

    References
    ----------
    TD/T 1029, 用地潜力测算; the formulas come from a verified text on Shijiazhuang and from weak sources, each row
    says which.

    Examples
    --------
    Ten hectares of industry at a plot ratio of 0.8, where 1.0 is wanted, are worth two hectares:

    >>> areas = pd.DataFrame({"level": ["zone"], "scope_id": ["a"], "scope_name": ["甲区"],
    ...                       "survey_built_m2": [200_000.0], "survey_industrial_m2": [100_000.0]})
    >>> ideals = pd.DataFrame({"indicator": ["industrial_plot_ratio"], "ideal": [1.0], "unit": ["1"], "source": ["县"]})
    >>> figures = pd.DataFrame({"id": ["industrial_plot_ratio"], "level": ["zone"], "scope_id": ["a"], "value": [0.8]})
    >>> table = potentials(areas, ideals, figures=figures).set_index("indicator")
    >>> table["value"].round(6)["industrial_plot_ratio"].item(), table["reason_en"]["industrial_land_share"]
    (20000.0, 'no ideal value is given')
    """
    wanted = check_ideals(ideals).to_dict("index")
    now = {} if figures is None else figures.set_index(["id", "level", "scope_id"])["value"].to_dict()
    history = _history(supply, areas)
    rows = []
    for place in areas.to_dict("records"):
        scope = {name: place[name] for name in ("level", "scope_id", "scope_name")}
        present = {name: now.get((name, place["level"], place["scope_id"]), math.nan) for name in INTENSITIES}
        told = [
            *_expansion(place),
            _structure(place, wanted),
            *(_intensity(place, name, present[name], wanted) for name in INTENSITIES),
            _management(place),
            *_years(place, history),
        ]
        rows += [scope | _row(figure, place) for figure in told]
    return pd.DataFrame(rows)


def _row(figure: _Figure, place: _Record) -> dict[str, Any]:
    told = asdict(figure)
    source, reason, needs = told.pop("source"), told.pop("reason"), told.pop("needs")
    columns = {AREAS[name].column.removesuffix("_class") for name in needs}
    return told | {
        "alternative": figure.potential == "intensity",
        "unknown_m2": float(np.max([_area(place, f"{column}_unknown_m2") for column in columns])),
        **dict(zip(("source_zh", "source_en"), source, strict=True)),
        **dict(zip(("reason_zh", "reason_en"), reason, strict=True)),
    }


def _area(place: _Record, name: str) -> float:
    return float(place.get(name, math.nan))


def _lacking(place: _Record, *names: str) -> tuple[str | None, str | None]:
    """Why a sum cannot be made: which land by class is not known."""
    lacking = [name for name in names if math.isnan(_area(place, name))]
    if not lacking:
        return None, None
    classes = [AREAS[name] for name in lacking]
    told = ", ".join(f"{'/'.join(one.classes)} ({one.column})" for one in classes)
    return f"缺少分类用地面积：{told}", f"land by class is not known: {told}"


def _expansion(place: _Record) -> Iterator[_Figure]:
    for potential, name in (
        ("expansion", "survey_suppliable_m2"),
        ("expansion_industrial", "survey_suppliable_industrial_m2"),
    ):
        yield _Figure(potential, _area(place, name), (name,), _SHIJIAZHUANG, reason=_lacking(place, name))


def _structure(place: _Record, wanted: _Ideals) -> _Figure:
    needs = ("survey_built_m2", "survey_industrial_m2")
    built, industrial = (_area(place, name) for name in needs)
    reason = _lacking(place, *needs)
    if reason[0] is None and built == 0:
        reason = ("没有已建成城镇建设用地（A）", "there is no built-up land (A)")
    current = industrial / built if built > 0 else math.nan
    return _against(
        _Figure("structure", math.nan, needs, _WEAK, indicator=STRUCTURE, current=current, reason=reason),
        wanted,
        lambda ideal: built * (ideal - current),
    )


def _intensity(place: _Record, name: str, current: float, wanted: _Ideals) -> _Figure:
    needs = ("survey_industrial_m2",)
    industrial = _area(place, *needs)
    reason = _lacking(place, *needs)
    if reason[0] is None and math.isnan(current):
        reason = ("没有现状值", "the present value is not known")
    return _against(
        _Figure("intensity", math.nan, needs, _WEAK, indicator=name, current=current, reason=reason),
        wanted,
        lambda ideal: industrial * (ideal - max(current, 0.0)) / ideal,
    )


def _against(figure: _Figure, wanted: _Ideals, lacking: Callable[[float], float]) -> _Figure:
    """Hold the present value against its ideal; what lies above it is no potential."""
    ideal = wanted.get(figure.indicator)
    if ideal is None:
        missing = ("未给定理想值", "no ideal value is given")
        return figure if figure.reason[0] else replace(figure, reason=missing)
    told = replace(figure, ideal=ideal["ideal"], ideal_unit=ideal["unit"], ideal_source=ideal["source"])
    return told if told.reason[0] else replace(told, value=max(lacking(told.ideal), 0.0))


def _management(place: _Record) -> _Figure:
    expired, back = _area(place, "survey_expired_m2"), _area(place, "take_back_m2")
    if not math.isnan(back):
        needs: tuple[str, ...] = ("survey_expired_m2",)
        return _Figure("management", back + expired, needs, _SHIJIAZHUANG, reason=_lacking(place, *needs))
    needs = ("survey_idle_m2", "survey_expired_m2")
    both = float(place.get(BOTH, 0.0))
    reason = _lacking(place, *needs)
    if reason[0] is None and math.isnan(both):
        reason = ("没有地块同时填报闲置与供应状况", "no parcel tells both idle and its supply class")
    return _Figure("management", _area(place, needs[0]) + expired - both, needs, _SHIJIAZHUANG, reason=reason)


# ---------------------------------------------------------------- years of supply


def years_of_supply(suppliable_m2: float, supplied_m2: pd.Series, last_year: int) -> tuple[float, float]:
    """Years the land will last (尚可供地年数 I、II): by the mean of the last 3 years, by the largest of the last 5.

    Parameters
    ----------
    suppliable_m2 : float, m²
        Land that can still be supplied (E, or E21 for industrial land).
    supplied_m2 : Series, m², index = year
        Land supplied in each year. A year that is not told is missing, not 0.
    last_year : int
        The last full year.

    Returns
    -------
    (float, float)
        Years; missing where a year of the span is missing, or nothing was supplied in it.

    References
    ----------
    TD/T 1029, 尚可供地年数 (weak source).

    Examples
    --------
    300 m² are left, 10, 20 and 30 m² were supplied in the last three years, 60 m² in one of the two before:

    >>> years_of_supply(300.0, pd.Series([60.0, 5.0, 10.0, 20.0, 30.0], index=range(2021, 2026)), 2025)
    (15.0, 5.0)
    """

    def span(years: int) -> npt.NDArray[np.float64]:
        return supplied_m2.reindex(range(last_year - years + 1, last_year + 1)).to_numpy("float64")

    mean, most = float(span(_MEAN_YEARS).mean()), float(span(_MAXIMUM_YEARS).max())
    return suppliable_m2 / mean if mean > 0 else math.nan, suppliable_m2 / most if most > 0 else math.nan


@dataclass(frozen=True)
class _History:
    """Land supplied by place and year, and the last year that counts."""

    table: pd.DataFrame
    last_year: int


def _history(supply: pd.DataFrame | None, areas: pd.DataFrame) -> _History | None:
    if supply is None or supply.empty:
        return None
    lacking = [column for column in ("year", "supplied_m2") if column not in supply]
    if "scope_id" not in supply and len(areas) > 1:
        lacking.append("scope_id")
    if lacking:
        raise SchemaError(
            f"supply: columns are missing: {', '.join(lacking)}. Expected year, supplied_m2 and, of several places, "
            "scope_id; add them.",
            f"供地历史表缺少字段：{'、'.join(lacking)}。应有 year、supplied_m2，多个范围时还应有 scope_id，请补充。",
        )
    table = supply if "scope_id" in supply else supply.assign(scope_id=areas["scope_id"].iloc[0])
    twice = table[table.duplicated(["scope_id", "year"], keep=False)]
    if len(twice):
        place, year = twice[["scope_id", "year"]].iloc[0]
        raise ProjectError(
            f"supply: {len(twice)} of {len(table)} rows tell a year twice, such as {year} of {place}. Keep one each.",
            f"供地历史表：{len(table)} 行中有 {len(twice)} 行年份重复，如 {place} 的 {year} 年。请各保留一行。",
        )
    ids = set(areas["scope_id"].astype("str"))
    strangers = list(dict.fromkeys(str(place) for place in table["scope_id"] if str(place) not in ids))
    if strangers:
        like = nearest(strangers[0], ids)
        raise ProjectError(
            f"supply: {len(strangers)} places are not there, such as {strangers[0]} (nearest: {like}). "
            "Expected ids of zones; correct them.",
            f"供地历史表：有 {len(strangers)} 个范围不存在，如 {strangers[0]}（最接近：{like}）。"
            "应为开发区编号，请更正。",
        )
    return _History(table.set_index("year"), int(table["year"].max()))


def _years(place: _Record, history: _History | None) -> Iterator[_Figure]:
    for suffix, name, column in (
        ("", "survey_suppliable_m2", "supplied_m2"),
        ("_industrial", "survey_suppliable_industrial_m2", "supplied_industrial_m2"),
    ):
        land, lacking = _area(place, name), _lacking(place, name)
        years = math.nan, math.nan
        if history is not None and column in history.table:
            own = history.table[history.table["scope_id"] == place["scope_id"]]
            years = years_of_supply(land, own[column], history.last_year)
        for potential, span, value in zip(
            ("supply_years_mean", "supply_years_maximum"), (_MEAN_YEARS, _MAXIMUM_YEARS), years, strict=True
        ):
            unknown = (
                f"近 {span} 年供地不全，或没有供地",
                f"supply of the last {span} years is not told for every year, or there was none",
            )
            reason = lacking if lacking[0] or not math.isnan(value) else unknown
            yield _Figure(potential + suffix, value, (name,), _SUPPLY, unit="years", reason=reason)
