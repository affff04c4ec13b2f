"""Words and numbers as people read them, in Chinese and English.

Knows every word the outputs print (`tables/labels.csv`) and how a figure is written; knows no figure.
Only the face (charts, maps, reports, the words of the command) imports this room.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from functools import cache
from importlib import resources

from geo.indicators import Indicator, catalogue
from layers.errors import Words, nearest
from layers.units import convert, label, parse_unit

__all__ = [
    "area_text",
    "evidence_title",
    "evidence_unit",
    "fact_title",
    "labels",
    "money_text",
    "text",
    "value_text",
    "with_unit",
]


@cache
def labels() -> dict[str, dict[str, str]]:
    """Return every word on board: key → {"zh": …, "en": …}."""
    table = resources.files("geo").joinpath("tables/labels.csv").read_text("utf-8")
    return {row["key"]: {"zh": row["zh"], "en": row["en"]} for row in csv.DictReader(table.splitlines())}


def text(key: str, language: str = "zh", **fill: object) -> str:
    """Return the words for `key`, with ``{name}`` filled in.

    Raises
    ------
    KeyError
        There is no such key; the nearest one is named.

    Examples
    --------
    >>> text("role.main"), text("role.main", "en")
    ('主园', 'main park')
    """
    words = labels().get(key)
    if words is None:
        raise KeyError(f"{key} (nearest: {nearest(key, labels())})")
    chosen = words["en" if language == "en" else "zh"]
    return chosen.format(**fill) if fill else chosen


def value_text(entry: Indicator, value: float | None, language: str = "zh", *, with_unit: bool = True) -> str:
    """Write a figure in the unit of its indicator; a share as per cent, a missing one as a dash.

    Examples
    --------
    >>> from geo.indicators import indicator
    >>> value_text(indicator("industrial_concentration"), 0.6123), value_text(indicator("tax_per_mu"), 27.456)
    ('61.23%', '27.46 万元/亩')
    """
    if value is None or math.isnan(value):
        return "—"
    if entry.percent:
        return f"{value:.2%}"
    unit = "" if entry.unit == "1" or not with_unit else f" {label(entry.unit, language)}"
    return f"{value:,.2f}{unit}"


def area_text(area_m2: float, language: str = "zh") -> str:
    """Write an area in mu with two decimals.

    Examples
    --------
    >>> area_text(1_000_000.0)
    '1,500.00 亩'
    """
    return f"{convert(float(area_m2), 'm2', 'mu'):,.2f} {text('unit.mu', language)}"


def money_text(money_cny: float, language: str = "zh") -> str:
    """Write money in 万元.

    Examples
    --------
    >>> money_text(12_345_678.0)
    '1,234.57 万元'
    """
    unit = "万元" if language == "zh" else "10⁴ CNY"
    return f"{convert(float(money_cny), 'cny', 'wcny'):,.2f} {unit}"


def with_unit(number: str, unit: str) -> str:
    """Write a number before its unit; 10⁴ CNY takes a times sign, so that nobody reads one number.

    Examples
    --------
    >>> with_unit("6.67", "万元/亩"), with_unit("6.67", "10⁴ CNY/mu")
    ('6.67 万元/亩', '6.67 × 10⁴ CNY/mu')
    """
    return f"{number} {'× ' if unit.startswith('10') else ''}{unit}".rstrip()


def evidence_title(code: str, titles: Mapping[str, Words], language: str = "zh") -> str:
    """Return the title of a kind of evidence (线索名称): its rule's own, else ours, else its code.

    Examples
    --------
    >>> evidence_title("idle_land", {}), evidence_title("x", {"x": Words("poor", "差")}, "en")
    ('疑似闲置土地', 'poor')
    """
    if code in titles:
        return titles[code].text(language)
    key = f"evidence.{code}"
    return text(key, language) if key in labels() else code


def evidence_unit(unit: str, language: str = "zh") -> str:
    """Write a unit that stands as text beside evidence, such as 万元/亩, in the language; "" for a ratio.

    Examples
    --------
    >>> evidence_unit("万元/亩", "en"), evidence_unit("年", "en"), evidence_unit("1")
    ('10⁴ CNY/mu', 'years', '')
    """
    if unit == "1":
        return ""
    key = f"evidence_unit.{unit}"
    if key in labels():
        return text(key, language)
    parts = [parse_unit(part) for part in unit.split("/")]
    return unit if None in parts else label("/".join(part or "" for part in parts), language)


def fact_title(name: str, language: str = "zh") -> str:
    """Return what a fact of a parcel is called (地块事实名称): an indicator's title, or a word of ours, or its name.

    Examples
    --------
    >>> fact_title("tax_per_mu"), fact_title("agreed_start", "en")
    ('亩均税收', 'agreed start')
    """
    if name in catalogue():
        return catalogue()[name].title(language)
    key = f"fact.{name}"
    return text(key, language) if key in labels() else name
