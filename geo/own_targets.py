"""Targets of the project's own: yearly targets that a document asks for and does not print.

A three-year plan breaks a city's targets down by year and place; no published text has the figures. The layer
`targets` lists them: which indicator, for which place, by which year, at least or at most how much, from which
source. Here they become targets as `geo.standards` gives them, under the name ``project``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from geo.indicators import Indicator, catalogue
from geo.reported import MOST_SHARE, no_fraction, typed_figure
from geo.reported import cell_text as _text
from geo.standards import PROJECT, compared
from layers import units
from layers.errors import ParkwiseError, ProjectError, Words, nearest, table_error

__all__ = ["OwnTarget", "asked_by_project", "own_targets", "require_places"]

#: Comparisons with one figure.
_COMPARISONS = ("at_least", "more_than", "at_most", "equals", "about")
_LEVEL_WORDS = {
    "": "city", "city": "city", "全市": "city",
    "zones": "zones", "开发区合计": "zones", "各开发区合计": "zones",
    "zone": "zone", "每个开发区": "zone", "各开发区": "zone",
    "park": "park", "每个园区": "park", "各园区": "park",
    "district": "district", "各区县": "district", "每个区县": "district",
}  # fmt: skip


@dataclass(frozen=True)
class OwnTarget:
    """One row of the table, in the display unit of the indicator: for a level (each zone), or for one place."""

    indicator: str
    level: str | None
    place: str | None
    year: int
    comparison: str
    value: float
    source: str | None
    row: int = 0


def own_targets(table: pd.DataFrame, city: str = "") -> tuple[OwnTarget, ...]:
    """Read the project's own targets (自定目标、年度目标).

    Parameters
    ----------
    table : DataFrame
        Canonical layer `targets`: `indicator` (id or title), `year`, `value`, and where given `scope` (全市,
        开发区合计, 每个开发区, 每个园区, 每个区县, or the name or id of one place), `comparison` (at_least where it is
        missing), `unit` (else that of the indicator; a share is a fraction), `source`.
    city : str
        Name of the city, as it may stand under `scope`.

    Raises
    ------
    ProjectError
        An unknown indicator, a unit of another kind, a missing year or value, a target that stands twice. The
        message names the row.

    Examples
    --------
    >>> table = pd.DataFrame({"indicator": ["亩均税收"], "year": [2025], "value": [30.0], "scope": ["每个开发区"]})
    >>> own_targets(table)[0].level, own_targets(table)[0].value
    ('zone', 30.0)
    """
    rows = [_row(place, row, city) for place, row in enumerate(table.to_dict("records"), 1)]
    seen: dict[tuple[object, ...], int] = {}
    for place, one in enumerate(rows, 1):
        key = (one.indicator, one.level, one.place, one.year, one.comparison)
        if key in seen:
            rows_en = f"{seen[key]} and {place}"
            raise _wrong(
                rows_en,
                f"{one.indicator} of {one.year} stands twice",
                f"{catalogue()[one.indicator].title_zh}（{one.year} 年）出现两次",
            )
        seen[key] = place
    return tuple(rows)


def _row(place: int, row: Mapping[Hashable, Any], city: str) -> OwnTarget:
    entry = _entry(str(row["indicator"]).strip(), place)
    value, unit = typed_figure(row, place, _wrong)
    comparison = _text(row.get("comparison")) or "at_least"
    if comparison not in _COMPARISONS:
        raise _wrong(
            place,
            f'comparison "{comparison}" is unknown; expected one of {", ".join(_COMPARISONS)}',
            f"要求“{comparison}”不可用；应为 不低于、高于、不高于、等于、左右 之一",
        )
    scope = _text(row.get("scope")) or ""
    level = "city" if city and scope == city else _LEVEL_WORDS.get(scope)
    return OwnTarget(
        entry.id,
        level,
        None if level else scope,
        int(row["year"]),
        comparison,
        _value(entry, unit, value, place),
        _text(row.get("source")),
        place,
    )


def require_places(known: tuple[OwnTarget, ...], names: Iterable[str]) -> None:
    """Refuse targets of places that are not there: a slip of the pen would be held by nobody.

    Parameters
    ----------
    known : tuple of OwnTarget
    names : iterable of str
        Ids and names of every city, district, zone and park.

    Raises
    ------
    ProjectError
        A place is unknown; the nearest is named.
    """
    there = set(names)
    for one in known:
        if one.place is not None and one.place not in there:
            like = nearest(one.place, there)
            hint = (f" (nearest: {like})", f"（最接近：{like}）") if like else ("", "")
            raise _wrong(
                one.row,
                f'there is no place "{one.place}"{hint[0]}; expected a level such as zone, or id or name of a place',
                f"没有名为“{one.place}”的范围{hint[1]}；应为 每个开发区 等层级，或某处的名称、编号",
            )


def _entry(name: str, place: int) -> Indicator:
    known = {key: one for one in catalogue().values() for key in (one.id, one.title_zh, one.title_en)}
    if name in known:
        return known[name]
    like = nearest(name, list(known))
    raise _wrong(
        place,
        f'no indicator is called "{name}"' + (f'; did you mean "{like}"?' if like else ""),
        f"没有名为“{name}”的指标" + (f"，是否指“{like}”？" if like else ""),
    )


def _value(entry: Indicator, stated: str | None, value: float, place: int) -> float:
    """Return a target in the indicator's display unit."""
    if stated is None:
        if entry.percent and abs(value) > MOST_SHARE:
            raise _wrong(place, *no_fraction(entry.id, entry.title_zh, value))
        return value
    try:
        return units.convert(value, stated, entry.unit)
    except ParkwiseError as error:
        raise _wrong(place, f"{entry.id}: {error.text('en')}", f"{entry.title_zh}：{error.text('zh')}") from error


def asked_by_project(
    known: tuple[OwnTarget, ...], indicator: str, level: str, place: tuple[str, str], on: date, value: float | None
) -> list[dict[str, Any]]:
    """Return the project's targets on one figure, as `standards.targets` returns those of documents.

    A place's own target goes before that of its level. Of several years the first from that of `on` counts, else the
    last one there was.

    Parameters
    ----------
    known : tuple of OwnTarget
    indicator, level : str
    place : (id, name)
        Of the figure's place.
    on : date
    value : float, optional
        The indicator in its display unit.
    """
    fit = [one for one in known if one.indicator == indicator and one.place in place]
    fit = fit or [one for one in known if one.indicator == indicator and one.level == level]
    told = []
    for comparison in dict.fromkeys(one.comparison for one in fit):
        several = sorted((one for one in fit if one.comparison == comparison), key=lambda one: one.year)
        chosen = next((one for one in several if one.year >= on.year), several[-1])
        told.append(_told(chosen, value))
    return told


def _told(one: OwnTarget, value: float | None) -> dict[str, Any]:
    return {
        "policy": PROJECT,
        "clause": one.source or "",
        "clause_id": "",
        one.comparison: one.value,
        "year": one.year,
        "unit": catalogue()[one.indicator].unit_label,
        "scope": one.level or "place",
        "binding": True,
        "wording": None,
        **compared(value, one.comparison, one.value),
    }


def _wrong(place: object, en: str, zh: str) -> ProjectError:
    return table_error(Words(f"layers.targets, row {place}", f"layers.targets 第 {place} 行"), Words(en, zh))
