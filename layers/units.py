"""The only place in the house with a factor between two units.

Inside Parkwise there are m², yuan, tce, kWh, tonnes, metres, persons and dates. 亩, 公顷, 万元 and
亿元 are turned here at the door, and back here on the way out. 1 亩 = 10,000/15 m² = 2000/3 m²
exactly, so factors are fractions (`tables/units.csv`), not rounded decimals.

Sums are of integers: area in 0.01 m² (dm²), money in fen. `to_tally` does that rounding, once, half
to even, so that a figure does not depend on how the work was cut.
"""

from __future__ import annotations

import csv
import math
import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from layers.errors import ProjectError, nearest

__all__ = [
    "MISSING_WORDS",
    "Unit",
    "convert",
    "from_tally",
    "in_steps",
    "label",
    "parse_number",
    "parse_numbers",
    "parse_unit",
    "tally_scale",
    "to_base",
    "to_tally",
    "unit",
]

#: What people type where a number is missing (after trimming and turning full-width to half-width).
MISSING_WORDS = frozenset(
    {"", "-", "--", "—", "——", "/", "\\", "nah", "nan", "na", "n/a", "null", "none", "无", "暂无", "不详", "空", "#n/a"}
)


@dataclass(frozen=True)
class Unit:
    """One unit: its base unit, the exact factor to it, and its names."""

    name: str
    base: str
    factor: Fraction
    tally: int | None
    label_zh: str
    label_en: str
    aliases: tuple[str, ...]


@cache
def _units() -> dict[str, Unit]:
    text = resources.files("layers").joinpath("tables/units.csv").read_text("utf-8")
    return {
        row["unit"]: Unit(
            name=row["unit"],
            base=row["base"],
            factor=Fraction(row["factor"]),
            tally=int(row["tally"]) if row["tally"] else None,
            label_zh=row["label_zh"],
            label_en=row["label_en"],
            aliases=tuple(row["aliases"].split("|")),
        )
        for row in csv.DictReader(text.splitlines())
    }


@cache
def _by_alias() -> dict[str, str]:
    table = {_plain(alias): name for name, one in _units().items() for alias in one.aliases}
    return table | {name: name for name in _units()}


def _plain(text: str) -> str:
    """Full-width to half-width, no blanks, lower case."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).lower()


def unit(name: str) -> Unit:
    """Return the unit called `name` (a canonical name or any alias).

    Raises
    ------
    ProjectError
        No unit bears that name; the nearest known one is named.
    """
    found = parse_unit(name)
    if found is None:
        like = nearest(_plain(name), _by_alias())
        hint_en = f' Did you mean "{like}"?' if like else ""
        hint_zh = f"是否指“{like}”？" if like else ""
        known = ", ".join(_units())
        raise ProjectError(
            f'Unit "{name}" is not known.{hint_en} Known units: {known}.',
            f"不认识单位“{name}”。{hint_zh}已知单位：{known}。",
        )
    return _units()[found]


def parse_unit(text: str) -> str | None:
    """Return the canonical unit that `text` names, or None.

    Examples
    --------
    >>> parse_unit("公顷"), parse_unit("万元"), parse_unit("ｋｍ²"), parse_unit("furlong")
    ('ha', 'wcny', 'km2', None)
    """
    return _by_alias().get(_plain(text))


@overload
def convert(values: float, source: str, target: str) -> float: ...
@overload
def convert(values: pd.Series, source: str, target: str) -> pd.Series: ...
def convert(values: float | pd.Series, source: str, target: str) -> float | pd.Series:
    """Turn `values` from unit `source` into unit `target`; quotients such as ``wcny/mu`` too.

    Raises
    ------
    ProjectError
        A unit is unknown, or the two measure different things.

    Examples
    --------
    >>> convert(1.0, "km2", "mu")
    1500.0
    >>> convert(3.0, "mu", "m2")
    2000.0
    >>> convert(6.0, "ycny/km2", "wcny/mu")
    40.0
    """
    (one, factor), (other, other_factor) = _counted_in(source), _counted_in(target)
    if one != other:
        raise ProjectError(
            f'"{source}" cannot become "{target}": one is counted in {one}, the other in {other}.',
            f"“{source}”不能换算为“{target}”：前者以 {one} 计，后者以 {other} 计。",
        )
    ratio = factor / other_factor
    return values * ratio.numerator / ratio.denominator


def _counted_in(name: str) -> tuple[str, Fraction]:
    """Return the base of a unit or a quotient of units, and the factor to it."""
    top, *below = [unit(part) for part in name.split("/")]
    return "/".join(part.base for part in (top, *below)), top.factor / math.prod(part.factor for part in below)


def to_base(values: pd.Series, source: str) -> pd.Series:
    """Turn a column in unit `source` into its base unit (m², yuan, tce, kWh, t, m, persons)."""
    return convert(values, source, unit(source).base)


def label(name: str, language: str = "zh") -> str:
    """Return the printed form of a unit, also of a quotient such as ``wcny/mu``.

    Examples
    --------
    >>> label("wcny/mu"), label("ycny/km2", "en")
    ('万元/亩', '10⁸ CNY/km²')
    """
    parts = [unit(part) for part in name.split("/")]
    return "/".join(part.label_en if language == "en" else part.label_zh for part in parts)


def tally_scale(base: str) -> int:
    """Return how many integer steps a base unit has: m² 100 (0.01 m²), yuan 100 (fen)."""
    scale = unit(base).tally
    if scale is None:
        raise ProjectError(f'"{base}" is not a base unit.', f"“{base}”不是基本单位。")
    return scale


#: An int64 holds less than this; beyond it a cast would give any number.
_MOST_STEPS = 2.0**63


def to_tally(values: pd.Series | npt.ArrayLike, base: str) -> npt.NDArray[np.int64]:
    """Round values in a base unit to its integer step, half to even.

    Missing values are refused with a ValueError: missing is not zero, so they must be taken out first. So are
    values an integer cannot hold (the door lets none in, see `layers.schema`).

    Examples
    --------
    >>> to_tally([1.004, 2.5], "m2").tolist()
    [100, 250]
    """
    floats = np.asarray(values, dtype="float64")
    if not np.isfinite(floats).all():
        raise ValueError("to_tally: values are missing or infinite; take them out and count them first")
    steps = np.rint(floats * tally_scale(base))
    if (np.abs(steps) >= _MOST_STEPS).any():
        raise ValueError(f"to_tally: values are beyond {_MOST_STEPS / tally_scale(base):g} {base}")
    return np.asarray(steps, dtype=np.int64)


@overload
def from_tally(steps: int, base: str) -> float: ...
@overload
def from_tally(steps: npt.NDArray[np.int64], base: str) -> npt.NDArray[np.float64]: ...
def from_tally(steps: int | npt.NDArray[np.int64], base: str) -> float | npt.NDArray[np.float64]:
    """Turn integer steps back into the base unit."""
    return steps / tally_scale(base)


def in_steps(values: pd.Series, base: str) -> pd.Series:
    """Round values to whole steps of their base unit (0.01 m², fen, …); missing stays missing.

    Examples
    --------
    >>> in_steps(pd.Series([0.125, float("nan")]), "m2").tolist()
    [0.12, nan]
    """
    rounded = pd.Series(np.nan, index=values.index, dtype="float64", name=values.name)
    known = values.notna().to_numpy()
    rounded[known] = from_tally(to_tally(values[known].astype("float64"), base), base)
    return rounded


_NUMBER = re.compile(
    r"^(?:约|≥|≤|>|<|=)?(?P<number>[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:e[+-]?\d+)?)(?P<unit>[^\d].*)?$"
)


def parse_numbers(texts: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Read numbers people typed as text: full-width digits, thousands commas, a unit behind.

    Parameters
    ----------
    texts : Series
        Anything: text, numbers, missing values.

    Returns
    -------
    numbers : Series of float64
        In the unit that stood behind them; missing where nothing could be read.
    units : Series of object
        The canonical unit that stood behind each number, else None.

    Examples
    --------
    >>> numbers, units = parse_numbers(pd.Series(["１２．５亩", "1,200", "3％", "暂无"]))
    >>> numbers.tolist(), units.tolist()
    ([12.5, 1200.0, 3.0, nan], ['mu', None, '%', None])
    """
    if pd.api.types.is_numeric_dtype(texts) and not pd.api.types.is_bool_dtype(texts):
        return texts.astype("float64"), pd.Series(None, index=texts.index, dtype="object")
    codes, uniques = pd.factorize(texts.astype("object"), use_na_sentinel=True)
    parsed = [parse_number(value) for value in uniques]
    numbers = np.array([number for number, _ in parsed] + [np.nan], dtype="float64")
    units = np.array([name for _, name in parsed] + [None], dtype="object")
    return pd.Series(numbers[codes], index=texts.index), pd.Series(units[codes], index=texts.index, dtype="object")


def parse_number(value: object) -> tuple[float, str | None]:
    """Read one number somebody typed, and the unit behind it; NaN where nothing can be read.

    Examples
    --------
    >>> parse_number("60%"), parse_number("１,２００ 亩"), parse_number(3)
    ((60.0, '%'), (1200.0, 'mu'), (3.0, None))
    """
    if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        return float(value), None
    text = _plain(str(value)).replace("，", ",")
    if text in MISSING_WORDS:
        return float("nan"), None
    match = _NUMBER.match(text)
    if match is None or not re.search(r"\d", match["number"]):
        return float("nan"), None
    found = parse_unit(match["unit"]) if match["unit"] else None
    if match["unit"] and found is None:
        return float("nan"), None
    return float(match["number"].replace(",", "")), found
