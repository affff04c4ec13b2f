"""Figures that come from elsewhere: the table of statistics held against the clauses that ask for them.

Patents, talents, incubators and the like cannot be computed from layers. An office lists them in the
layer `statistics`, one row a figure: which statistic (its id or its title), of which place, of which year,
the value and its unit. This room knows the clauses' statistics and the units; it computes no indicator.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import date
from functools import cache
from typing import Any

import pandas as pd

from geo.policy_files import Statistic, statistics
from geo.standards import Kinds, policy, targets
from geo.standards import policies as standards_on_board
from layers import units
from layers.errors import ParkwiseError, ProjectError, Words, nearest, suggestion, table_error

__all__ = ["MOST_SHARE", "cell_text", "no_fraction", "reported", "typed_figure"]

_log = logging.getLogger(__name__)

#: A share or a growth above this, without a unit, was typed in per cent.
MOST_SHARE = 1.5

_COLUMNS_ZH = {"year": "年份", "value": "数值"}
#: What counts are given in.
_COUNTED = frozenset("个家户件项座条次")
#: Words for the two places that are no zone.
_CITY = frozenset({"", "city", "全市", "市", "本市"})
_ZONES = frozenset({"zones", "all zones", "开发区合计", "各开发区", "各开发区合计", "开发区", "合计"})


def reported(
    table: pd.DataFrame,
    *,
    on: date,
    policies: Iterable[str],
    city: str = "",
    kinds: Mapping[tuple[str, str], Kinds] | None = None,
) -> pd.DataFrame:
    """Hold reported statistics (统计指标) against the policies in force.

    Parameters
    ----------
    table : DataFrame
        Canonical layer `statistics`: `statistic` (id or title), `value`, and where given `scope`, `year`, `unit`,
        `source`. A share without a unit is a fraction; any other figure needs its unit, a count none.
    on : date
        Of several years the latest up to this day is held; policies not in force on it ask nothing.
    policies : iterable of str
        Ids of the policies that apply.
    city : str
        Name of the city, as it may stand under `scope`.
    kinds : mapping, optional
        Which zones a place is made of: ("zones", "") for all of them, ("zone", name or id) for one. A document on zones
        of a kind binds only places whose kinds are known.

    Returns
    -------
    DataFrame
        One row a statistic and place: `statistic`, `level` (city, zones, zone), `scope`, `year`, `value` (in the
        unit of the row), `unit`, `source`, `targets` (as in `results.json`).

    Raises
    ------
    ProjectError
        A statistic nobody asks for, a unit of another kind, a value, year or unit that is missing, a figure that
        stands twice. The message names the rows.

    Examples
    --------
    >>> table = pd.DataFrame({"statistic": ["规上企业总产值"], "year": [2025], "value": [31_000], "unit": ["亿元"]})
    >>> found = reported(table, on=date(2025, 12, 31), policies=["hangzhou-2023"])
    >>> found["statistic"][0], found["level"][0], found["targets"][0][0]["met"]
    ('above_scale_output', 'zones', True)
    """
    asked, rows = list(policies), [_row(place, row, city) for place, row in enumerate(table.to_dict("records"), 1)]
    told = pd.DataFrame(rows, columns=["statistic", "level", "scope", "year", "value", "unit", "source", "row"])
    _once(told)
    told = told[told["year"] <= on.year].sort_values(["year", "row"])
    told = told.drop_duplicates(["statistic", "level", "scope"], keep="last").sort_values("row", ignore_index=True)
    _tell_strangers(told, kinds or {})
    held = [_held(row, on, asked, kinds or {}) for row in told.to_dict("records")]
    return told.drop(columns="row").assign(targets=pd.Series(held, index=told.index, dtype="object"))


def _row(place: int, row: Mapping[Hashable, Any], city: str) -> dict[str, Any]:
    """Settle one row: which statistic, which place, in which unit."""
    known = _statistic(str(row["statistic"]), place)
    value, unit = typed_figure(row, place, _wrong)
    scope = cell_text(row.get("scope")) or ""
    level = "city" if scope in _CITY | {city} else "zones" if scope in _ZONES else "zone"
    return {
        "statistic": known.id,
        "level": _where_asked(known.id) if scope == "" else level,
        "scope": scope if level == "zone" else "",
        "year": int(row["year"]),
        "value": value,
        "unit": _unit(known, unit, value, place),
        "source": cell_text(row.get("source")),
        "row": place,
    }


def typed_figure(
    row: Mapping[Hashable, Any], place: int, wrong: Callable[[object, str, str], ProjectError]
) -> tuple[float, str | None]:
    """Return the value of a row, each in a unit of its own, and the unit: behind the number, or in its column."""
    for column in ("year", "value"):
        if pd.isna(row.get(column)):
            raise wrong(place, f"{column} is missing", f"缺少{_COLUMNS_ZH[column]}")
    value, behind = units.parse_number(row["value"])
    if math.isnan(value):
        raise wrong(place, f'value "{row["value"]}" is no number', f"数值“{row['value']}”不是数")
    beside = cell_text(row.get("unit"))
    if behind is not None and beside is not None and units.parse_unit(beside) != behind:
        raise wrong(
            place,
            f'value "{row["value"]}" bears another unit than "{beside}" beside it',
            f"数值“{row['value']}”自带的单位与“{beside}”不同",
        )
    return value, beside or behind


def no_fraction(name: str, title_zh: str, value: float) -> tuple[str, str]:
    """Return what is said of a share typed as 70 without a unit, in English and Chinese."""
    return (
        f'{name} = {value:g} without a unit: a share is a fraction; write {value / 100:g}, or the unit "%"',
        f"{title_zh} = {value:g} 未注明单位：比例应写小数 {value / 100:g}，或注明单位“%”",
    )


def cell_text(cell: object) -> str | None:
    """Return what stands in a cell, None where it is empty."""
    return None if pd.isna(cell) or not str(cell).strip() else str(cell).strip()  # type: ignore[call-overload]


def _statistic(name: str, place: int) -> Statistic:
    """Find a statistic by its id or a title; a topic without figure is none."""
    asked = {key: one for one in statistics().values() if one.unit for key in (one.id, one.title_zh, one.title_en)}
    if name.strip() in asked:
        return asked[name.strip()]
    like = nearest(name, list(asked))
    raise _wrong(
        place,
        f'no policy on board asks for "{name}"' + (f'; did you mean "{like}"?' if like else ""),
        f"没有政策文件要求“{name}”" + (f"，是否指“{like}”？" if like else ""),
    )


def _unit(known: Statistic, stated: str | None, value: float, place: int) -> str:
    """Return the unit of a row, or say why it cannot be the statistic's."""
    if stated is None:
        if known.unit != "1":
            wanted = (units.label(known.unit, "en"), units.label(known.unit))
            raise _wrong(
                place, f"{known.id} needs a unit, such as {wanted[0]}", f"{known.title_zh} 须注明单位，如 {wanted[1]}"
            )
        if known.percent and abs(value) > MOST_SHARE:
            raise _wrong(place, *no_fraction(known.id, known.title_zh, value))
        return "1"
    try:
        name = "1" if stated in _COUNTED else "/".join(units.unit(part).name for part in stated.split("/"))
        units.convert(1.0, name, known.unit)
    except ParkwiseError as error:
        en, zh = error.text("en").rstrip("."), error.text("zh").rstrip("。")
        becomes = [units.label(known.unit, language) or ("%" if known.percent else "1") for language in ("en", "zh")]
        raise _wrong(
            place,
            f"{known.id}: {en}; expected a unit that becomes {becomes[0]}",
            f"{known.title_zh}：{zh}；应为可换算为 {becomes[1]} 的单位",
        ) from error
    return name


@cache
def _where_asked(statistic: str) -> str:
    """Return the level a statistic is asked for where the row names no place."""
    every = [clause for one in standards_on_board() for clause in policy(one).clauses]
    scopes = {clause.scope for clause in every if clause.indicator == statistic}
    return "zones" if scopes & {"city_zones", "province_zones"} else "city"


def _once(told: pd.DataFrame) -> None:
    twice = told[told.duplicated(["statistic", "level", "scope", "year"], keep=False)]
    if len(twice):
        rows = ", ".join(map(str, twice["row"]))
        known, year = statistics()[twice["statistic"].iloc[0]], twice["year"].iloc[0]
        raise _wrong(
            rows,
            f"{known.id} of {year} stands {len(twice)} times",
            f"{known.title_zh}（{year} 年）出现 {len(twice)} 次",
        )


def _tell_strangers(told: pd.DataFrame, kinds: Mapping[tuple[str, str], Kinds]) -> None:
    """Tell of figures of zones that are not there: they bind nobody, perhaps by a slip of the pen."""
    there = [name for level, name in kinds if level == "zone"]
    for name in told.loc[told["level"] == "zone", "scope"].unique() if there else ():
        if name not in there:
            like = suggestion(name, there)
            en = f'layers.statistics: no zone, or several, bear the name "{name}"; its figures bind nobody.{like.en}'
            zh = f"layers.statistics：没有名为“{name}”的开发区，或有多个同名；其数值仅供对照。{like.zh}"
            _log.warning("%s", en, extra={"zh": zh})


def _held(
    row: Mapping[Hashable, Any], on: date, policies: list[str], kinds: Mapping[tuple[str, str], Kinds]
) -> list[dict[str, Any]]:
    known = statistics()[row["statistic"]]
    value = units.convert(float(row["value"]), row["unit"], known.unit)
    return targets(known.id, row["level"], on, policies, value, kinds.get((row["level"], row["scope"])))


def _wrong(place: object, en: str, zh: str) -> ProjectError:
    where = Words(f"layers.statistics, row {place}", f"layers.statistics 第 {place} 行")
    return table_error(where, Words(en, zh))
