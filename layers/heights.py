"""Building heights from rasters (建筑高度): a height model, or surface minus terrain, each with a quality flag.

Knows rasters; knows no floor and no storey. The height of a building is the median of the cells that lie wholly
under its footprint: cells on its edge are part roof, part ground and are left out, and a tree over less than half
of the roof does not count. Of surface and terrain, which may have grids of their own, the median of the surface is
taken less the mean of the terrain under the same footprint. Heights are in metres; missing where the rasters say
nothing. How far that agrees with recorded heights is measured in `docs/rasters.md`.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from layers.errors import ProjectError
from layers.rasters import LARGEST_READ_CELLS, Raster, statistics
from layers.units import convert

__all__ = ["QUALITIES", "heights_of", "measure_heights"]

#: What a height may be marked as, the first that holds: see `measure_heights`.
QUALITIES = ("not_positive", "too_large", "partly_covered", "few_cells", "uneven", "good")

#: So many cells have to lie wholly under a footprint, else those on its edge are taken too.
_ENOUGH_CELLS = 4
#: Below this share of a footprint with data the rest might be anything.
_COVERED = 0.9
#: The middle half of the cells spreads over more than this share of the height: wings, trees, or another roof.
_UNEVEN = 0.3
#: A city whose middle building were higher than this (m) is one whose raster is not in metres.
_NO_CITY_M = 100.0

Floats = npt.NDArray[np.float64]


def heights_of(
    footprints: gpd.GeoSeries,
    *,
    height: Raster | str | Path | None = None,
    dsm: Raster | str | Path | None = None,
    dtm: Raster | str | Path | None = None,
) -> pd.Series:
    """Height of each footprint above ground (建筑高度): the column `height_m` of `measure_heights`."""
    return measure_heights(footprints, height=height, dsm=dsm, dtm=dtm)["height_m"]


def measure_heights(
    footprints: gpd.GeoSeries,
    *,
    height: Raster | str | Path | None = None,
    dsm: Raster | str | Path | None = None,
    dtm: Raster | str | Path | None = None,
    statistic: str = "median",
) -> pd.DataFrame:
    """Height of each footprint above ground, and how far it can be relied on (建筑高度及其质量).

    Parameters
    ----------
    footprints : GeoSeries of polygons
        In any CRS.
    height : Raster or path, optional
        Heights above ground (nDSM, CHM).
    dsm, dtm : Raster or path, optional
        Surface and terrain; used together where `height` is not given. Grid and CRS may differ.
    statistic : {"median", "mean"}
        ``median`` of the cells that lie wholly under the footprint; or the plain ``mean`` of all cells, each by its
        covered share, edges and trees included.

    Returns
    -------
    DataFrame, index of `footprints`
        `height_m` (m; missing outside the raster, where it has no data, and where it is not above 0),
        `height_quality` (missing where the rasters say nothing), `whole_cells` (cells wholly under the footprint),
        `covered` (share of the footprint with data, of surface and terrain the lesser), `spread_m` (interquartile
        range of the cells that were used, m).

    Raises
    ------
    ProjectError
        Neither `height` nor both `dsm` and `dtm` are given; the values cannot be metres and no unit is stated; see
        also `layers.rasters.opened`.
    SourceError
        A raster cannot be read.

    Notes
    -----
    `height_quality` is the first of these that holds. ``not_positive``: the height is 0 or below, so it is missing.
    ``too_large``: the footprint has more cells than are read at a time, so it is missing. ``partly_covered``: less
    than 0.9 of the footprint has data. ``few_cells``: fewer than 4 cells lie wholly under it, so those on its edge
    were taken too, each by its covered share. ``uneven``: the spread is more than 0.3 × the height. ``good``: none.

    A median is the least value that at least half of the cells do not exceed.
    """
    if height is not None:
        table = _roofs(footprints, _as_raster(height, "height"), statistic)
    elif dsm is not None and dtm is not None:
        table = _roofs(footprints, _as_raster(dsm, "dsm"), statistic)
        ground = _grounds(footprints, _as_raster(dtm, "dtm"))
        table["height_m"] -= ground["ground_m"]
        table["covered"] = np.minimum(table["covered"], ground["covered"].fillna(0.0))
    else:
        raise ProjectError(
            "Heights need [layers.height], or both [layers.dsm] and [layers.dtm].",
            "建筑高度需要 [layers.height]，或同时提供 [layers.dsm] 与 [layers.dtm]。",
        )
    told = [one for one in (height, dsm, dtm) if isinstance(one, Raster) and one.unit is not None]
    if not told:
        _refuse_other_units(table["height_m"], "height" if height is not None else "dsm")
    table["height_quality"] = _quality(table)
    table["height_m"] = table["height_m"].where(table["height_m"] > 0)
    columns = ["height_m", "height_quality", "whole_cells", "covered", "spread_m"]
    return table[columns].set_axis(footprints.index)


def _as_raster(given: Raster | str | Path, name: str) -> Raster:
    return given if isinstance(given, Raster) else Raster(given, name)


def _in_metres(values: pd.Series, raster: Raster) -> pd.Series:
    return values if raster.unit is None else convert(values, raster.unit, "m")


def _roofs(footprints: gpd.GeoSeries, raster: Raster, statistic: str) -> pd.DataFrame:
    """Height and spread under each footprint: `height_m`, `spread_m`, `whole_cells`, `covered`, `too_large`."""
    columns = ["height_m", "spread_m", "whole_cells", "covered", "too_large"]
    rows = [pd.DataFrame(columns=columns, dtype="float64")]
    kept = {"values": "values", "shares": "coverage", "mean": "mean"}
    for part in statistics(footprints, raster, kept, at_most=LARGEST_READ_CELLS):
        if part["cells"].isna().all():
            rows.append(pd.DataFrame({"too_large": 1.0}, index=part.index))
            continue
        low, middle, high, whole = _quartiles(part["values"].tolist(), part["shares"].tolist())
        made = {
            "height_m": middle if statistic == "median" else part["mean"],
            "spread_m": high - low,
            "whole_cells": whole,
            "covered": part["covered"],
        }
        rows.append(pd.DataFrame(made, index=part.index))
    table = pd.concat([one for one in rows if len(one)] or rows).reindex(range(len(footprints)), columns=columns)
    table = table.fillna({"whole_cells": 0.0, "covered": 0.0, "too_large": 0.0}).astype({"too_large": bool})
    for column in ("height_m", "spread_m"):
        table[column] = _in_metres(table[column], raster)
    return table


def _quartiles(values: list[Floats], shares: list[Floats]) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the quartiles of each list of cells, and how many of them are whole.

    Where enough cells are whole the others weigh nothing.
    """
    sizes = np.array([len(one) for one in values])
    owner = np.repeat(np.arange(len(sizes)), sizes)
    cells, weight = np.concatenate(values).astype("float64"), np.concatenate(shares).astype("float64")
    whole = np.bincount(owner, weights=weight >= 1, minlength=len(sizes))
    weight = np.where((whole >= _ENOUGH_CELLS)[owner], weight >= 1, weight)
    order = np.lexsort((cells, owner))
    cells, weight, owner = cells[order], weight[order], owner[order]
    # Sums begin anew with each owner; a running sum over all of them would lose the last digits.
    starts = np.cumsum(sizes) - sizes
    total = np.bincount(owner, weights=weight, minlength=len(sizes))
    running = np.concatenate(
        [np.cumsum(weight[start : start + size]) for start, size in zip(starts, sizes, strict=True)]
    )
    found = []
    for share in (0.25, 0.5, 0.75):
        # Noise in the last digit must not push the middle of an even number of cells to the next one.
        short = running < share * total[owner] * (1 - 1e-12)
        place = starts + np.bincount(owner, weights=short, minlength=len(sizes)).astype("int64")
        found.append(cells[np.minimum(place, starts + sizes - 1)])
    return found[0], found[1], found[2], whole.astype("float64")


def _grounds(footprints: gpd.GeoSeries, raster: Raster) -> pd.DataFrame:
    """Mean of the terrain under each footprint: `ground_m`, `covered`."""
    parts = list(statistics(footprints, raster, {"ground_m": "mean"}))
    found = pd.concat(parts) if parts else pd.DataFrame({"ground_m": [], "covered": []}, dtype="float64")
    table = found[["ground_m", "covered"]].reindex(range(len(footprints)))
    return table.assign(ground_m=_in_metres(table["ground_m"], raster))


def _refuse_other_units(height_m: pd.Series, name: str) -> None:
    """Refuse values that cannot be metres; what they seem to be is proposed, never applied."""
    middle = float(height_m.abs().median())
    if not middle > _NO_CITY_M:
        return
    unit = "cm" if middle >= 10 * _NO_CITY_M / 2 else "dm"
    told = f"[layers.{name}]"
    raise ProjectError(
        f"{told}: half of {int(height_m.notna().sum()):,} buildings would be higher than {middle:,.0f} m. "
        f"Expected metres; the values look like {unit}: "
        f'state unit = "{unit}" there, or unit = "m" if they really are metres.',
        f"{told}：{int(height_m.notna().sum()):,} 栋建筑中有一半高于 {middle:,.0f} 米。应以米为单位；"
        f'数值看似 {unit}：请在该处写明 unit = "{unit}"；若确为米，请写 unit = "m"。',
    )


def _quality(table: pd.DataFrame) -> pd.Series:
    """Say how far each height can be relied on, see `measure_heights`."""
    height = table["height_m"]
    marks = {
        "good": height.notna(),
        "uneven": table["spread_m"] > _UNEVEN * height,
        "few_cells": table["whole_cells"] < _ENOUGH_CELLS,
        "partly_covered": table["covered"] < _COVERED,
        "not_positive": height <= 0,
    }
    quality = pd.Series(pd.NA, index=table.index, dtype="string")
    for word, holds in marks.items():
        quality = quality.mask(holds & height.notna(), word)
    return quality.mask(table["too_large"], "too_large")
