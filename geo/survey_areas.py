"""Land by survey class and place (`class_areas`): what potentials and types of zones are made of.

Sums whole steps of 0.01 m² over the pieces of parcels, under the overlap rule the land was attached with. Land
whose class is not told is summed apart, so that every reader sees how much a figure does not know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.indicators import level_keys, scopes
from geo.land import Land
from geo.survey import SURVEYED, Group, membership
from layers import units

__all__ = ["AREAS", "BOTH", "class_areas"]

#: Land by class that potentials and types of zones are made of, a column each.
AREAS: Mapping[str, Group] = {
    "survey_built_m2": SURVEYED["survey_built_m2"],
    "survey_industrial_m2": Group("construction_class", ("A2",)),
    "survey_housing_m2": Group("construction_class", ("A1",)),
    "survey_suppliable_m2": Group("supply_class", ("E",)),
    "survey_suppliable_industrial_m2": Group("supply_class", ("E21",)),
    "survey_expired_m2": Group("supply_class", ("D22",)),
    "survey_idle_m2": SURVEYED["survey_idle_m2"],
}
#: Land that is both idle and expired: the management potential holds it once.
BOTH = "survey_idle_expired_m2"


def class_areas(land: Land, levels: Sequence[str] = ("zone",), city: str = "city") -> pd.DataFrame:
    """Land by survey class and place (分类用地面积).

    Parameters
    ----------
    land : Land
        Parcels with any of `construction_class`, `supply_class`, `idle`.
    levels : sequence of str
        city, zones, district, zone, park.
    city : str
        Name of the city.

    Returns
    -------
    DataFrame, one row a place
        `level`, `scope_id`, `scope_name`; the columns of `AREAS` in m², missing where no parcel of the place
        tells; `survey_idle_expired_m2` (both idle and D22); `construction_unknown_m2`, `supply_unknown_m2`,
        `idle_unknown_m2`: land of parcels that do not tell, which no sum holds.

    Notes
    -----
    A parcel that tells less than its columns ask (A, where A1 and A2 are asked too) counts as unknown, so that A2
    and A are sums of the same parcels. Land without a known area is in no column.
    """
    parcel = land.pieces["parcel"].to_numpy()
    area = land.pieces["land_area_m2"].to_numpy("float64")
    marks = {name: membership(land.parcels, group) for name, group in AREAS.items()}
    known = {column: np.isfinite(_together(marks, column)) for column in ("construction_class", "supply_class", "idle")}
    sums: dict[str, tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]] = {
        name: (marks[name], known[group.column]) for name, group in AREAS.items()
    }
    sums[BOTH] = (marks["survey_idle_m2"] * marks["survey_expired_m2"], known["idle"] & known["supply_class"])
    sums |= {
        f"{column.removesuffix('_class')}_unknown_m2": ((~told).astype("float64"), np.ones(len(told), dtype=bool))
        for column, told in known.items()
    }
    places, keys = scopes(land, None, city, levels), level_keys(land)
    if places.empty:
        return pd.DataFrame(columns=["level", "scope_id", "scope_name", *sums])
    parts = []
    for level, rows in places.groupby("level", sort=False):
        table = rows.rename(columns={"id": "scope_id", "name": "scope_name"}).drop(columns="key")
        key = keys[str(level)]
        parts.append(
            table.assign(**{name: _by_place(mark[parcel], told[parcel], area, key, len(rows))
                            for name, (mark, told) in sums.items()})
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _together(marks: Mapping[str, npt.NDArray[np.float64]], column: str) -> npt.NDArray[np.float64]:
    """Missing where any of the groups of a column is not told."""
    told: npt.NDArray[np.float64] = np.sum(
        [marks[name] for name, group in AREAS.items() if group.column == column], axis=0
    )
    return told


def _by_place(
    mark: npt.NDArray[np.float64],
    told: npt.NDArray[np.bool_],
    area_m2: npt.NDArray[np.float64],
    key: npt.NDArray[np.intp],
    count: int,
) -> npt.NDArray[np.float64]:
    """Sum the land that is marked, by place, in whole steps; missing where no piece of a place tells."""
    rows = told & np.isfinite(area_m2) & (key >= 0)
    steps = np.zeros(count, dtype="int64")
    np.add.at(steps, key[rows], units.to_tally(area_m2[rows] * mark[rows], "m2"))
    sums = units.from_tally(steps, "m2")
    return np.where(np.bincount(key[rows], minlength=count) > 0, sums, np.nan)
