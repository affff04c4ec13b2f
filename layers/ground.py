"""What lies on the ground of parcels by rasters (地表覆盖、夜间灯光): land cover by class, and light at night.

Cells count by the share of them that a parcel covers; cells without data say nothing. A parcel of which the raster
tells less than a stated share is missing, never 0. Which value is which class is the project's to say: products
number their classes differently. Knows no limit and no rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from layers.rasters import Raster, statistics

__all__ = ["OTHER", "cover_column", "is_ground", "land_cover", "night_lights"]

#: The class of what no class names.
OTHER = "other"


def cover_column(name: str) -> str:
    """Return the column of a class.

    Examples
    --------
    >>> cover_column("built")
    'cover_built_share'
    """
    return f"cover_{name}_share"


def is_ground(column: str) -> bool:
    """Whether a column of parcels is one of this room.

    Examples
    --------
    >>> is_ground(cover_column("built")), is_ground("night_light"), is_ground("cover_letter")
    (True, True, False)
    """
    return (column.startswith("cover_") and column.endswith("_share")) or column.startswith("night_light")


def land_cover(
    parcels: gpd.GeoSeries, raster: Raster, classes: Mapping[str, Sequence[int]], *, coverage_at_least: float = 0.8
) -> tuple[pd.DataFrame, pd.Series]:
    """Share of each class on each parcel (分类地表覆盖占比).

    Parameters
    ----------
    parcels : GeoSeries of polygons
    raster : Raster
        Whole numbers, each a class.
    classes : mapping of str to sequence of int
        Name → the values it stands for.
    coverage_at_least : float
        Parcels of which the raster tells less are missing.

    Returns
    -------
    DataFrame, index of `parcels`
        ``cover_known_share`` (share of the parcel with data; 0 outside the raster), and for each class, and ``other``
        for values no class names, ``cover_CLASS_share``: area of its cells ÷ area of all cells with data.
    Series of str
        Of parcels with cells that no class names: which values, else missing.
    """
    names = [*classes, OTHER]
    place = {cell: number for number, cells in enumerate(classes.values()) for cell in cells}
    columns = ["cover_known_share", *map(cover_column, names)]
    rows = [pd.DataFrame(columns=columns, dtype="float64")]
    strange: dict[int, list[str]] = {}
    for part in statistics(parcels, raster, {"classes": "unique", "shares": "frac"}):
        sizes = np.array([len(one) for one in part["classes"]])
        owner = np.repeat(np.arange(len(part)), sizes)
        cells = np.concatenate(part["classes"].tolist())
        column = np.array([place.get(cell, len(classes)) for cell in cells.tolist()], dtype="int64")
        sums = np.zeros((len(part), len(names)))
        np.add.at(sums, (owner, column), np.concatenate(part["shares"].tolist()))
        rows.append(pd.DataFrame(np.column_stack([part["covered"], sums]), index=part.index, columns=columns))
        unnamed = column == len(classes)
        for row, cell in zip(part.index.to_numpy()[owner[unnamed]], cells[unnamed].tolist(), strict=True):
            strange.setdefault(int(row), []).append(f"{cell:g}")
    table = _told(rows, len(parcels), coverage_at_least)
    values = {row: ", ".join(sorted(found, key=float)) for row, found in strange.items()}
    words = pd.Series(values, dtype="string").reindex(range(len(parcels)))
    return table.set_axis(parcels.index), words.set_axis(parcels.index)


def night_lights(parcels: gpd.GeoSeries, raster: Raster, *, coverage_at_least: float = 0.8) -> pd.DataFrame:
    """Mean light of each parcel at night (夜间灯光均值), in the unit of the raster.

    Parameters
    ----------
    parcels : GeoSeries of polygons
    raster : Raster
        Radiance, as of a yearly composite; values below 0 (noise of dark ground) count as they are.
    coverage_at_least : float
        Parcels of which the raster tells less are missing.

    Returns
    -------
    DataFrame, index of `parcels`
        ``night_light_known_share`` (share with data; 0 outside the raster), ``night_light``, and ``night_light_cells``
        (cells on the parcel: below 1 its light is that of its surroundings too).
    """
    columns = ["night_light_known_share", "night_light", "night_light_cells"]
    rows = [pd.DataFrame(columns=columns, dtype="float64")]
    parts = statistics(parcels, raster, {"mean": "mean"})
    rows += [part[["covered", "mean", "cells"]].set_axis(columns, axis=1) for part in parts]
    return _told(rows, len(parcels), coverage_at_least).set_axis(parcels.index)


def _told(rows: list[pd.DataFrame], count: int, coverage_at_least: float) -> pd.DataFrame:
    """Put the rows in order; the first column is what share is known, and too little of it makes the rest missing."""
    table = pd.concat([one for one in rows if len(one)] or rows).reindex(range(count)).astype("float64")
    known = table.iloc[:, 0].fillna(0.0)
    table = table.where(known >= coverage_at_least)
    table[table.columns[0]] = known
    return table
