"""The survey of the zones (开发区用地调查): classes of TD/T 1029 for every parcel that a park touches.

Only zones are surveyed: other parcels carry no class. What is in use has the class of its land use. What is not,
vacant plots, works not begun and fields, is ready for supply or not, supplied already or not. Supplied land
that lies idle is marked, every other surveyed parcel says that it is not. Knows no area and no figure.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.example.land import INDUSTRIAL

__all__ = ["COLUMNS", "add"]

COLUMNS = ("construction_class", "supply_class", "idle", "high_tech_class")

#: Class by construction of land in use.
_IN_USE = {
    INDUSTRIAL: "A2", "0508": "A2", "0701": "A1", "0702": "B12", "05H1": "A4", "08H1": "A52", "08H2": "A52",
    "0809": "A52", "0810": "A51",
}  # fmt: skip
_VACANT, _WATER, _FARMED = "1201", "1104", ("0101", "0103", "0201")
#: Uses that are given land without a price.
_ALLOCATED = ("08H1", "08H2", "0809", "0810")


def add(lots: gpd.GeoDataFrame, estates: gpd.GeoDataFrame, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Write the survey on the parcels that the estates touch."""
    inside = shapely.intersects(shapely.union_all(estates.geometry), lots.geometry.to_numpy())
    told = lots.copy()
    place = lots.columns.get_loc("ZLDWMC")
    for number, (name, values) in enumerate(_classes(lots, rng).items()):
        told.insert(place + number, name, values.where(inside))
    return told


def _classes(lots: pd.DataFrame, rng: np.random.Generator) -> dict[str, pd.Series]:
    use, status = (lots[name].to_numpy(dtype=object) for name in ("land_use_code", "status"))
    ready, expired, high_tech = rng.random((3, len(lots)))
    idle = status == "闲置"
    vacant, to_build = use == _VACANT, (use == INDUSTRIAL) & (status != "在用")
    in_use = np.isin(use, list(_IN_USE)) & ~to_build
    granted = (in_use & (use != "0702")) | to_build | (vacant & idle)
    prepared = granted | (ready < np.select([vacant, np.isin(use, _FARMED)], [0.8, 0.15], 0.0))
    own = np.array([_IN_USE.get(one, "") for one in use])
    construction = np.select([in_use, use == _WATER, prepared], [own, "C1", "B21"], "B22")
    wanted = np.where(lots["planned_use_code"].to_numpy(dtype=object) == INDUSTRIAL, "E21", "E22")
    supply = np.select(
        [granted & np.isin(use, _ALLOCATED), granted & (expired < 0.03), granted, construction == "B21"],
        ["D1", "D22", "D21", wanted],
        "F",
    )
    works = construction == "A2"
    marked = np.select([works & (high_tech < 0.10), works & (high_tech < 0.24)], ["H1", "H2"], "other")
    return {
        "construction_class": pd.Series(construction, index=lots.index, dtype="str"),
        "supply_class": pd.Series(supply, index=lots.index, dtype="str"),
        "idle": pd.Series(idle & granted, index=lots.index, dtype="boolean"),
        "high_tech_class": pd.Series(marked, index=lots.index, dtype="str"),
    }
