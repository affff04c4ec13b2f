"""The formulas of the workbook: an entry of the catalogue, written as a planner can read it.

Both sums of an indicator run over the rows that know both columns, as in `geo.indicators`; in a sheet
this is a SUMIFS with one condition for each column that must not be blank. Columns are called by their
defined names, factors between units too. Knows the catalogue and the units; writes no cell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from geo.indicators import Indicator
from layers.units import tally_scale, unit

__all__ = ["factor", "gap", "rounded", "sumifs", "sums", "value", "verdict"]

_INDUSTRIAL = (("industrial", "1"),)
#: What the derived columns of the catalogue are made of: summed columns, and conditions on the rows.
_DERIVED: Mapping[str, tuple[tuple[str, ...], tuple[tuple[str, str], ...]]] = {
    "covered_area_m2": (("building_base_m2", "yard_area_m2"), ()),
    "industrial_area_m2": (("land_area_m2",), _INDUSTRIAL),
    "inside_area_m2": (("land_area_m2",), (*_INDUSTRIAL, ("park", '">0"'))),
}


def sums(entry: Indicator, level: str, key: str, names: Mapping[str, str]) -> tuple[str, str]:
    """Return the formulas of numerator and denominator.

    Parameters
    ----------
    entry : Indicator
    level : str
        city, zones, district, zone or park.
    key : str
        Cell that holds the number of the place; not used for the city and for all zones together.
    names : mapping
        Column of the table → its defined name.

    Examples
    --------
    >>> from geo.indicators import indicator
    >>> names = {"floor_area_m2": "floor", "land_area_m2": "land", "built": "built", "park": "park"}
    >>> sums(indicator("plot_ratio"), "park", "C2", names)[0]
    '=ROUND(SUMIFS(floor,park,C2,built,1,land,"<>"),2)'
    """
    everywhere: Mapping[str, tuple[tuple[str, str], ...]] = {"city": (), "zones": (("park", '">0"'),)}
    place = everywhere.get(level, ((level, key),))
    below = () if entry.denominator_of == "city" else place
    return (
        _sum(entry, entry.numerator, place, names),
        _sum(entry, entry.denominator, below, names),
    )


def _sum(entry: Indicator, column: str, place: tuple[tuple[str, str], ...], names: Mapping[str, str]) -> str:
    summed, own = _DERIVED.get(column, ((column,), ()))
    asked = {*place, *own} | ({(entry.where, "1")} if entry.where != "all" else set())
    held = {name for name, _ in asked}
    needed = [name for name in _needed(entry) if name not in held]
    ordered = [pair for pair in (*place, (entry.where, "1"), *own) if pair in asked]
    terms = [
        sumifs(one, [*dict.fromkeys(ordered), *((name, '"<>"') for name in needed if name != one)], names)
        for one in summed
    ]
    return f"={rounded('+'.join(terms), entry.numerator_unit if column == entry.numerator else entry.denominator_unit)}"


def _needed(entry: Indicator) -> list[str]:
    """Columns a row must know to count at all."""
    found: list[str] = []
    for column in (entry.numerator, entry.denominator):
        summed, own = _DERIVED.get(column, ((column,), ()))
        found += [*summed, *(name for name, _ in own if name != "park")]
    return list(dict.fromkeys(found))


def sumifs(column: str, conditions: list[tuple[str, str]], names: Mapping[str, str]) -> str:
    """Return the sum of a column over the rows that meet every condition."""
    if not conditions:
        return f"SUM({names[column]})"
    return f"SUMIFS({names[column]},{','.join(f'{names[name]},{wanted}' for name, wanted in conditions)})"


def rounded(sum_: str, base: str) -> str:
    """Return a sum in the steps its base unit is counted in, 0.01 m² or fen, free of floating dust."""
    return f"ROUND({sum_},{round(math.log10(tally_scale(base)))})"


def value(entry: Indicator, top: str, below: str, factors: Mapping[tuple[str, str], str]) -> str:
    """Return the formula of the figure in its display unit; empty where the sum below is 0.

    Parameters
    ----------
    entry : Indicator
    top, below : str
        Cells of the two sums, in base units.
    factors : mapping
        (base unit, display unit) → defined name of the factor between them.

    Examples
    --------
    >>> from geo.indicators import indicator
    >>> value(indicator("tax_per_mu"), "F2", "H2", {("m2", "mu"): "平方米每亩", ("cny", "wcny"): "元每万元"})
    '=IF(H2>0,(F2/元每万元)/(H2/平方米每亩),"")'
    """
    if entry.unit == "1":
        return f'=IF({below}>0,{top}/{below},"")'
    over, under = (_shown(cell, name, factors) for cell, name in zip((top, below), entry.unit.split("/"), strict=True))
    return f'=IF({below}>0,{over}/{under},"")'


def _shown(cell: str, name: str, factors: Mapping[tuple[str, str], str]) -> str:
    known = factors.get((unit(name).base, name))
    return f"({cell}/{known})" if known else cell


def factor(name: str) -> str:
    """Return how many base units a display unit holds, as a formula.

    Examples
    --------
    >>> factor("mu"), factor("wcny")
    ('=2000/3', '=10000')
    """
    return f"={unit(name).factor}"


def verdict(comparison: str, cell: str, target: tuple[str, ...], words: tuple[str, str, str]) -> str:
    """Return the formula that says whether a figure meets its target.

    Parameters
    ----------
    comparison : str
        As in `geo.standards`; ``about`` gives no verdict.
    cell : str
        The figure; empty where it is missing.
    target : tuple of str
        Names of the target's cells, two for ``between``.
    words : tuple of str
        Met, not met, unknown.
    """
    met, unmet, unknown = words
    tests = {
        "at_least": f"{cell}>={target[0]}",
        "more_than": f"{cell}>{target[0]}",
        "at_most": f"{cell}<={target[0]}",
        "equals": f"{cell}={target[0]}",
        "between": f"AND({cell}>={target[0]},{cell}<={target[-1]})",
    }
    if comparison not in tests:
        return f'="{unknown}"'
    return f'=IF({cell}="","{unknown}",IF({tests[comparison]},"{met}","{unmet}"))'


def gap(comparison: str, cell: str, target: tuple[str, ...]) -> str:
    """Return the formula of what is still lacking; negative where there is something to spare."""
    lacking = {
        "at_most": f"{cell}-{target[0]}",
        "between": f"MAX({target[0]}-{cell},{cell}-{target[-1]})",
    }.get(comparison, f"{target[0]}-{cell}")
    return f'=IF({cell}="","",{lacking})'
