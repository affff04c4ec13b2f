"""In which unit the numbers of a column are, settled by what is stated or by what is possible.

In this order: what the user gave; what the title says; what stands behind the values; what the note above
the table says; what a field code is defined in; what fits (a recorded area against the drawn one, tax
against employees or land, `tables/codes/plausible.csv`); else the base unit, which is told as an assumption.
A unit is called plausible only when exactly one candidate fits. Knows no column by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import pandas as pd

from layers.errors import SchemaError
from layers.units import convert, parse_unit, unit

__all__ = ["GEOMETRY_AREA", "Verdict", "from_note", "judge", "peers", "settle", "to_base_units"]

#: Name under which the drawn area is offered as a peer.
GEOMETRY_AREA = "geometry_area_m2"

_TELL = frozenset({"m2", "cny", "tce", "kwh", "t"})  # for these bases an unstated unit is worth a word


@dataclass(frozen=True)
class Verdict:
    """A unit, how it is known (given, title, values, note, code, plausible, default) and why."""

    unit: str
    how: str
    why_en: str = ""
    why_zh: str = ""

    @property
    def assumed(self) -> bool:
        """Whether the unit is a mere assumption where a wrong one would matter."""
        return self.how == "default" and unit(self.unit).base in _TELL


def settle(
    base: str, *, given: str | None, title: str | None, behind: pd.Series, note: str | None, code: str | None
) -> Verdict | None:
    """Return the unit that is stated somewhere, None where nothing is stated.

    Parameters
    ----------
    base : str
        Base unit of the column.
    given, title, note, code : str or None
        Stated by the user, the title, the note above the table, the definition of the field.
    behind : Series of object
        Units that stood behind the values, one each or None.
    """
    if given is not None:
        return Verdict(_fitting(given, base), "given")
    if title is not None:
        return Verdict(_tolerant(title, base), "title")
    stated = behind.dropna()
    if len(stated):
        return Verdict(_tolerant(str(stated.mode().iloc[0]), base), "values")
    if note is not None:
        return Verdict(note, "note")
    if code is not None:
        return Verdict(code, "code", "the field is defined in this unit", "该字段以此单位定义")
    return None


def _fitting(name: str, base: str) -> str:
    one = unit(name)
    if one.base != base:
        raise SchemaError(
            f'Unit "{name}" does not fit: the column is counted in {base}, the unit in {one.base}.',
            f"单位“{name}”不适用：该列以 {base} 计，而此单位以 {one.base} 计。",
        )
    return one.name


def _tolerant(name: str, base: str) -> str:
    """吨 over a column of energy means tonnes of coal equivalent."""
    return {("t", "tce"): "tce"}.get((name, base), name)


def from_note(note: str, base: str) -> str | None:
    """Return the one unit of `base` that a remark above the table names (单位：万元、亩).

    Examples
    --------
    >>> from_note("某区企业情况表 单位：万元、亩", "cny"), from_note("单位：万元、亩", "m2")
    ('wcny', 'mu')
    """
    found = set()
    for part in re.findall(r"(?:计量)?单位\s*[:：]\s*([^\s。；;]+)", note):
        for word in re.split(r"[、,，/()（）]", part):
            name = parse_unit(word)
            if name and unit(name).base == base:
                found.add(name)
    return found.pop() if len(found) == 1 else None


def judge(layer: str, column: str, numbers: pd.Series, known: Mapping[str, pd.Series], base: str) -> Verdict:
    """Judge a unit by what is possible; the base unit where nothing speaks, or several units fit.

    Parameters
    ----------
    layer, column : str
        Which ranges of `plausible.csv` apply.
    numbers : Series of float
        As they stand in the source.
    known : mapping
        Columns already in base units, by name.
    base : str
        Base unit of the column.

    Examples
    --------
    >>> tax, staff = pd.Series([120.0, 80.0, 300.0]), pd.Series([60.0, 45.0, 200.0])
    >>> judge("enterprises", "tax_cny", tax, {"employees": staff}, "cny").unit
    'wcny'
    """
    for row in _ranges(layer, column).to_dict("records"):
        if row["per"] not in known:
            continue
        divisor = known[row["per"]]
        sound = (numbers > 0) & (divisor > 0)
        if sound.sum() < 1:
            continue
        middle = float(np.median(numbers[sound] / divisor[sound]))
        low, high = float(row["low"]), float(row["high"])
        fits = [name for name in str(row["units"]).split("|") if low <= convert(middle, name, base) <= high]
        if len(fits) == 1:
            value = convert(middle, fits[0], base)
            return Verdict(
                fits[0],
                "plausible",
                f"median {column} ÷ {row['per']} is {value:.4g} {base} in this unit, expected {low:g} to {high:g}",
                f"按此单位 {column} ÷ {row['per']} 的中位数为 {value:.4g} {base}，合理范围 {low:g} 至 {high:g}",
            )
    return Verdict(base, "default", "not stated anywhere", "文件中没有注明")


def peers(layer: str, column: str) -> tuple[str, ...]:
    """Return the columns against which `column` can be judged."""
    return tuple(_ranges(layer, column)["per"])


def _ranges(layer: str, column: str) -> pd.DataFrame:
    table = _plausible()
    return table[(table["layer"] == layer) & (table["column"] == column)]


@cache
def _plausible() -> pd.DataFrame:
    path = resources.files("layers").joinpath("tables/codes/plausible.csv")
    with path.open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype=str, keep_default_na=False)


def to_base_units(numbers: pd.Series, behind: pd.Series, chosen: str, base: str) -> tuple[pd.Series, pd.Series]:
    """Turn numbers into the base unit, each by the unit behind it, else by the chosen one.

    Returns
    -------
    values : Series of float64
    misfit : Series of bool
        Where the unit behind the value measures something else; missing there.
    """
    values = numbers if chosen == base else convert(numbers, chosen, base)
    misfit = pd.Series(data=False, index=numbers.index)
    for name in behind.dropna().unique():
        here = behind == name
        own = _tolerant(str(name), base)
        if own == chosen:
            continue
        if unit(own).base == base:
            values = values.mask(here, convert(numbers, own, base))
        else:
            values, misfit = values.mask(here), misfit | here
    return values, misfit
