"""Land survey classes (开发区用地调查分类) of TD/T 1029: what is built, ready, supplied, idle, high-tech.

The same land is grouped three times over: by construction (A built, B to be built, C not to be built on), by
supply (D supplied, E still to supply, F not to supply), and by special marks (G idle, H high-tech). The classes
stand in `policy/survey_classes.csv`, a weak source that travels with them. A class counts with all below it: A
holds A2. A parcel without class, or with one that is not on the list, is unknown, never no.

Knows classes and what they add up to; no geometry, no place, no file. Land in m².
"""

from __future__ import annotations

import csv
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from layers.errors import ProjectError, nearest

__all__ = [
    "CLASSES",
    "SURVEYED",
    "ZONE_TYPES",
    "Group",
    "SurveyClass",
    "membership",
    "survey_classes",
    "surveyed",
    "zone_types",
]

#: What a parcel is marked with that was looked at and is no high-tech land; a blank says nothing.
_NOT_HIGH_TECH = "other"


@dataclass(frozen=True)
class SurveyClass:
    """One class of the survey.

    Attributes
    ----------
    code : str
        As the standard writes it, such as A2.
    grouping : str
        construction, supply or special.
    column : str
        Column of the parcels that tells it.
    name_zh, name_en : str
    source_zh, source_en : str
        Where code and name were read.
    confidence : str
        How far the source can be trusted: weak.
    """

    code: str
    grouping: str
    column: str
    name_zh: str
    name_en: str
    source_zh: str
    source_en: str
    confidence: str


@dataclass(frozen=True)
class Group:
    """Classes of one column that are summed together; each with all classes below it."""

    column: str
    classes: tuple[str, ...]


#: Land by class that indicators sum, a column each.
SURVEYED: Mapping[str, Group] = {
    "survey_built_m2": Group("construction_class", ("A",)),
    "survey_ready_m2": Group("construction_class", ("A", "B21")),
    "survey_developable_m2": Group("construction_class", ("A", "B")),
    "survey_supplied_m2": Group("supply_class", ("D",)),
    "survey_idle_m2": Group("idle", ("G",)),
    "survey_high_tech_m2": Group("high_tech_class", ("H",)),
}
#: Columns of the parcels that tell their classes.
CLASSES = tuple(dict.fromkeys(group.column for group in SURVEYED.values()))


@cache
def survey_classes() -> dict[str, SurveyClass]:
    """Return the classes of the survey (用地调查分类), keyed by code, in the order of the standard.

    Examples
    --------
    >>> one = survey_classes()["A2"]
    >>> one.name_zh, one.column, one.confidence
    ('工矿仓储用地', 'construction_class', 'weak')
    """
    text = resources.files("geo").joinpath("policy/survey_classes.csv").read_text("utf-8")
    return {row["code"]: SurveyClass(**row) for row in csv.DictReader(text.splitlines())}


def membership(parcels: pd.DataFrame, group: Group) -> npt.NDArray[np.float64]:
    """Tell which parcels are of a group of classes (用地分类归属).

    Parameters
    ----------
    parcels : DataFrame, n rows
        Canonical layer; `group.column` need not be there.
    group : Group

    Returns
    -------
    array of float, shape (n,)
        1 where the parcel is of the group, 0 where it is of another class of that column, missing where
        nobody knows: no class, a class that is not on the list, or one too coarse to tell.

    Examples
    --------
    >>> told = pd.DataFrame({"construction_class": ["A2", "B21", "A", "Z9", None]})
    >>> membership(told, Group("construction_class", ("A2",))).tolist()
    [1.0, 0.0, nan, nan, nan]
    """
    if group.column not in parcels:
        return np.full(len(parcels), np.nan)
    if group.column == "idle":
        return np.asarray(parcels["idle"].astype("Float64").to_numpy(na_value=np.nan), dtype="float64")
    known = {code: _within(code, group.classes) for code, one in survey_classes().items() if one.column == group.column}
    if group.column == "high_tech_class":
        known[_NOT_HIGH_TECH] = 0.0
    # A city shares few classes: each is looked up once; −1, the last, stands for missing.
    codes, names = pd.factorize(parcels[group.column])
    verdicts = np.array([*(known.get(str(name), np.nan) for name in names), np.nan], dtype="float64")
    return verdicts[codes]


def _within(code: str, classes: Sequence[str]) -> float:
    """Whether a class lies in one of `classes` (1, 0), missing where only a part of it does."""
    if code.startswith(tuple(classes)):
        return 1.0
    return np.nan if any(one.startswith(code) for one in classes) else 0.0


def surveyed(parcels: pd.DataFrame, land_area_m2: pd.Series) -> pd.DataFrame:
    """Land of each parcel by class (分类用地面积), as the indicators sum it.

    Parameters
    ----------
    parcels : DataFrame, n rows
        With any of `construction_class`, `supply_class`, `idle`, `high_tech_class`.
    land_area_m2 : Series, m²
        Same index.

    Returns
    -------
    DataFrame, n rows, m²
        The columns of `SURVEYED`: all the parcel's land, or 0; missing where its class or its land is.

    References
    ----------
    TD/T 1029: 土地开发率, 土地供应率, 土地建成率, 土地闲置率, 高新技术产业用地率.

    Examples
    --------
    >>> told = pd.DataFrame({"construction_class": ["A1", "B22", None]})
    >>> surveyed(told, pd.Series([10.0, 20.0, 40.0]))["survey_developable_m2"].tolist()
    [10.0, 20.0, nan]
    """
    area = land_area_m2.to_numpy("float64")
    return pd.DataFrame(
        {column: membership(parcels, group) * area for column, group in SURVEYED.items()}, index=parcels.index
    )


# ---------------------------------------------------------------- types of zones

#: Types of zones: id → Chinese name.
ZONE_TYPES: Mapping[str, str] = {"industrial": "工业主导型", "mixed": "产城融合型", "other": "其他"}

#: The rule of a provincial monitoring system (2015), by the share of a zone's built land.
_INDUSTRIAL_ABOVE, _HOUSING_FROM = 0.30, 0.25
_BONDED = ("保税", "加工区")
_RULE_SOURCE_ZH = "某省开发区土地监测系统（2015 年）的判别规则，来源可信度低，仅供参考；可指定 zone_type 覆盖"
_RULE_SOURCE_EN = "rule of a provincial monitoring system (2015), weak source: a proposal, overridden by zone_type"


def zone_types(areas: pd.DataFrame, zone_type: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Type of each zone (开发区类型): as given, else proposed from its land.

    A name with 保税 or 加工区, or A2/A > 0.30 with A1/A < 0.25: industrial (工业主导型). A2/A ≤ 0.30 with
    A1/A ≥ 0.25: mixed (产城融合型). Anything else: other.

    Parameters
    ----------
    areas : DataFrame, one row a zone
        `scope_id`, `scope_name`, `survey_built_m2` (A), `survey_housing_m2` (A1), `survey_industrial_m2` (A2), as
        `survey_areas.class_areas` returns them; a column `zone_type`, where there is one, gives types.
    zone_type : mapping, optional
        `scope_id` → type (id or Chinese name); goes before the column.

    Returns
    -------
    DataFrame
        `scope_id`, `scope_name`, `zone_type` (missing where land by class is not known), `basis` (given,
        proposed), `industrial_share`, `housing_share` (of A), `confidence` (weak where proposed),
        `source_zh`, `source_en`.

    Raises
    ------
    ProjectError
        A type that is not on the list, or a given zone that is not there; the nearest is named.

    Notes
    -----
    The rule is a weak source and was seen to contradict the types of its own system.

    Examples
    --------
    >>> areas = pd.DataFrame(
    ...     {"scope_id": ["a"], "scope_name": ["甲区"], "survey_built_m2": [100.0], "survey_housing_m2": [20.0],
    ...      "survey_industrial_m2": [60.0]})
    >>> zone_types(areas)[["zone_type", "basis"]].values.tolist()
    [['industrial', 'proposed']]
    >>> zone_types(areas, {"a": "产城融合型"})[["zone_type", "basis"]].values.tolist()
    [['mixed', 'given']]
    """
    given = _given_types(areas, zone_type or {})
    return pd.DataFrame([_zone_type(zone, given.get(str(zone["scope_id"]))) for zone in areas.to_dict("records")])


def _given_types(areas: pd.DataFrame, zone_type: Mapping[str, str]) -> dict[str, str]:
    ids = areas["scope_id"].astype("str")
    strangers = [zone for zone in zone_type if zone not in set(ids)]
    if strangers:
        like = nearest(strangers[0], ids)
        raise ProjectError(
            f'zone_type: {len(strangers)} of {len(zone_type)} zones are not there, such as "{strangers[0]}" '
            f"(nearest: {like}). Expected ids of zones; correct them.",
            f"zone_type：{len(zone_type)} 个开发区中有 {len(strangers)} 个不存在，如“{strangers[0]}”"
            f"（最接近：{like}）。应为开发区编号，请更正。",
        )
    told = areas["zone_type"] if "zone_type" in areas else pd.Series(pd.NA, index=areas.index, dtype="object")
    column = dict(zip(ids, told, strict=True))
    return {zone: _type_id(zone, str(word)) for zone, word in (column | dict(zone_type)).items() if not pd.isna(word)}


def _type_id(zone: str, word: str) -> str:
    known = {key: key for key in ZONE_TYPES} | {name: key for key, name in ZONE_TYPES.items()}
    if word.strip() not in known:
        like = nearest(word, known)
        raise ProjectError(
            f'zone_type of zone {zone}: "{word}" is no type of zone (nearest: {like}). Expected one of '
            f"{', '.join(known)}.",
            f"开发区 {zone} 的 zone_type：“{word}”不是开发区类型（最接近：{like}）。应为：{'、'.join(known)}。",
        )
    return known[word.strip()]


def _zone_type(zone: Mapping[Hashable, Any], given: str | None) -> dict[str, object]:
    built, housing, industrial = (
        float(zone[name]) for name in ("survey_built_m2", "survey_housing_m2", "survey_industrial_m2")
    )
    shares = (industrial / built, housing / built) if built > 0 else (np.nan, np.nan)
    return {
        "scope_id": zone["scope_id"],
        "scope_name": zone["scope_name"],
        "zone_type": given or _proposed(str(zone["scope_name"]), *shares),
        "basis": "given" if given else "proposed",
        "industrial_share": shares[0],
        "housing_share": shares[1],
        "confidence": None if given else "weak",
        "source_zh": "用户指定" if given else _RULE_SOURCE_ZH,
        "source_en": "as given" if given else _RULE_SOURCE_EN,
    }


def _proposed(name: str, industrial_share: float, housing_share: float) -> str | None:
    if any(word in name for word in _BONDED):
        return "industrial"
    if np.isnan(industrial_share) or np.isnan(housing_share):
        return None
    if industrial_share > _INDUSTRIAL_ABOVE and housing_share < _HOUSING_FROM:
        return "industrial"
    if industrial_share <= _INDUSTRIAL_ABOVE and housing_share >= _HOUSING_FROM:
        return "mixed"
    return "other"
