"""Recorded area against drawn area: what differs, what went stale in a cut, what is in another unit.

A record is judged once, by the first that applies: its ratio to the drawn area is that of two units
(`unit-suspect`); the record stands on several pieces that together make it up (`area-stale`); it simply
differs (`area-differs`). Ground or base areas larger than their parcel are named too. All areas in m².
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from layers import findings, records
from layers.geometry_checks import Prepared
from layers.units import label, unit

__all__ = ["area_findings"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: A recorded area may differ by this share of the drawn one, and always by this many m².
RELATIVE, ABSOLUTE_M2 = 0.01, 10.0
#: A ratio this near to that of two units is taken for it.
UNIT_RELATIVE = 0.05
#: Units a recorded area is met in.
AREA_UNITS = ("m2", "mu", "ha", "km2", "ft2")
#: From this share of records on, a unit is one of the whole column and told once.
WHOLE_SHARE = 0.5
ALIKE = "recorded ≈ drawn"
#: More floor than this for each m² of land is beyond reason (容积率 40).
MOST_FLOORS = 40.0


def area_findings(parcels: Prepared, drawn_m2: Floats) -> pd.DataFrame:
    """Judge the areas on record of parcels.

    Parameters
    ----------
    parcels : Prepared
    drawn_m2 : array
        Land of each measurable parcel (`parcels.rows`), m².
    """
    return findings.concat([_recorded(parcels, drawn_m2), _built(parcels, drawn_m2)])


def _recorded(parcels: Prepared, drawn: Floats) -> pd.DataFrame:
    if not records.given(parcels.frame, "recorded_area_m2"):
        return findings.empty()
    recorded = _values(parcels, "recorded_area_m2")
    usable = (recorded > 0) & (drawn > 0)
    told = []
    unit_of = _unit_of(parcels, recorded, drawn, _differs(recorded, drawn, usable))
    for name in sorted(set(unit_of) - {""}):
        if (unit_of == name).sum() >= WHOLE_SHARE * usable.sum():
            told.append(_column_unit(recorded, drawn, unit_of == name, name, int(usable.sum())))
            # The rest is judged as if the unit had been put right.
            recorded = recorded / _ratio(parcels, name)
            unit_of = np.full(len(drawn), "", dtype="object")
            break
    differs = _differs(recorded, drawn, usable)
    stale = differs & (unit_of == "") & _stale(parcels, recorded, drawn, differs)
    told += [_row_unit(parcels, recorded, drawn, unit_of == name, name) for name in sorted(set(unit_of) - {""})]
    for code, which in (("area-stale", stale), ("area-differs", differs & (unit_of == "") & ~stale)):
        found = [
            f"{a:,.2f} / {b:,.2f} m² ({a / b - 1:+.1%})" for a, b in zip(recorded[which], drawn[which], strict=True)
        ]
        told.append(_tell(code, parcels, "recorded_area_m2", which, found))
    return findings.concat(told)


def _differs(recorded: Floats, drawn: Floats, usable: Mask) -> Mask:
    """Return where recorded and drawn area differ beyond the tolerance."""
    different: Mask = usable & (np.abs(recorded - drawn) > np.maximum(RELATIVE * drawn, ABSOLUTE_M2))
    return different


def _values(parcels: Prepared, column: str) -> Floats:
    values = pd.to_numeric(parcels.frame[column], errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    chosen: Floats = values[parcels.rows]
    return chosen


def _ratio(parcels: Prepared, name: str) -> float:
    """Return recorded ÷ drawn area of a column in unit `name` that was read as the unit the reader settled on."""
    read_as = parcels.frame.attrs.get("columns", {}).get("recorded_area_m2", {}).get("unit") or "m2"
    return float(unit(str(read_as)).factor / unit(name).factor)


def _unit_of(parcels: Prepared, recorded: Floats, drawn: Floats, differs: Mask) -> npt.NDArray[np.object_]:
    """Return the unit in which each recorded area would be the drawn one, "" where there is none."""
    ratio = np.divide(recorded, drawn, out=np.ones(len(drawn)), where=differs)
    out = np.full(len(drawn), "", dtype="object")
    for name in AREA_UNITS:
        expected = _ratio(parcels, name)
        out[differs & (expected != 1) & (np.abs(ratio / expected - 1) <= UNIT_RELATIVE)] = name
    return out


def _column_unit(recorded: Floats, drawn: Floats, which: Mask, name: str, usable: int) -> pd.DataFrame:
    """Tell once that a column is in unit `name`."""
    found = f"median recorded / drawn = {np.median(recorded[which] / drawn[which]):,.6g} ({which.sum()} / {usable})"
    return findings.finding(
        "unit-suspect", "parcels", column="recorded_area_m2", found=found, suggested=label(name), expected=ALIKE
    )


def _row_unit(parcels: Prepared, recorded: Floats, drawn: Floats, which: Mask, name: str) -> pd.DataFrame:
    """Tell of single records that are in unit `name`."""
    found = [f"{a:,.6g} / {b:,.2f} m²" for a, b in zip(recorded[which], drawn[which], strict=True)]
    return _tell("unit-suspect", parcels, "recorded_area_m2", which, found, suggested=label(name))


def _stale(parcels: Prepared, recorded: Floats, drawn: Floats, differs: Mask) -> Mask:
    """Return the pieces of parcels cut after their area was recorded.

    Pieces bear one recorded area (and one parcel id, where they have any), each is smaller than it, and
    together they are no larger. Pieces that bear different ids count too, unless an id holds them together.
    """
    table = pd.DataFrame(
        {"id": parcels.names[parcels.rows], "recorded": np.round(recorded, 2), "drawn": drawn},
    )
    table = table[differs & (drawn < recorded)]
    stale = pd.Series(False, index=range(len(drawn)))
    for keys in (["id", "recorded"], ["recorded"]):
        left = table[~stale[table.index]]
        left = left[left["id"] != ""] if "id" in keys else left
        group = left.groupby(keys)["drawn"]
        pieces = (group.transform("size") > 1) & (group.transform("sum") <= left["recorded"] * (1 + RELATIVE))
        stale[left.index[pieces]] = True
    return stale.to_numpy()


def _built(parcels: Prepared, drawn: Floats) -> pd.DataFrame:
    """Name parcels with more covered ground than land, or more floor than any tower has."""
    told = []
    for column, most, code in (
        ("building_base_m2", 1 + RELATIVE, "base-exceeds-land"),
        ("floor_area_m2", MOST_FLOORS, "value-implausible"),
    ):
        if records.given(parcels.frame, column):
            values = _values(parcels, column)
            which = (drawn > 0) & (values > most * drawn + ABSOLUTE_M2)
            found = [f"{a:,.2f} / {b:,.2f} m² = {a / b:,.3g}" for a, b in zip(values[which], drawn[which], strict=True)]
            told.append(_tell(code, parcels, column, which, found, expected=f"≤ {most:g} m²/m²"))
    return findings.concat(told)


def _tell(
    code: str,
    parcels: Prepared,
    column: str,
    which: Mask,
    found: list[str],
    *,
    suggested: str = "",
    expected: str = ALIKE,
) -> pd.DataFrame:
    rows = parcels.rows[which]
    if len(rows) == 0:
        return findings.empty()
    box = np.array([shape.bounds for shape in parcels.mended.shapes[rows]])
    return findings.finding(
        code,
        "parcels",
        ids=list(parcels.names[rows]),
        rows=rows,
        column=column,
        found=found,
        places=(box[:, :2] + box[:, 2:]) / 2,
        relative=f"{RELATIVE:.0%}",
        absolute_m2=f"{ABSOLUTE_M2:g}",
        suggested=suggested,
        expected=expected,
    )
