"""What the rasters of a project tell of its layers (栅格取值): heights of buildings, ground of parcels.

Knows which raster speaks of which layer and in which columns, and what is told where it says nothing; calls the
rooms that know how (`layers.heights`, `layers.ground`). Recorded values stand: a raster fills what is blank.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from layers import findings as faults
from layers.crs import lonlat_bounds
from layers.errors import ProjectError
from layers.project import LayerSource, Project
from layers.records import ids
from layers.roles import HEIGHT_RASTERS

if TYPE_CHECKING:
    from layers.rasters import Raster

__all__ = ["FINDINGS", "elsewhere", "with_rasters"]

#: Codes of what `with_rasters` finds in single records.
FINDINGS = ("height-not-positive", "height-uncertain", "land-cover-unnamed")

#: Which layer a raster speaks of, and the column it gives.
_SPEAKS_OF = {
    **dict.fromkeys(HEIGHT_RASTERS, ("buildings", "height_m")),
    "land_cover": ("parcels", "cover_known_share"),
    "night_lights": ("parcels", "night_light"),
}


def with_rasters(frame: pd.DataFrame, name: str, project: Project) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a layer with what rasters tell of it, and findings on the way (附加栅格取值).

    Buildings without a height get `height_m`, and all of them `height_from_raster` and `height_quality`; parcels get
    the columns of `layers.ground`.

    Raises
    ------
    ProjectError, SourceError
        A raster cannot be used; see `layers.rasters.opened`.
    """
    rasters = {one: project.sources[one] for one in _SPEAKS_OF if _SPEAKS_OF[one][0] == name and one in project.sources}
    if not rasters or not isinstance(frame, gpd.GeoDataFrame):
        return frame, faults.empty()
    for raster in rasters.values():
        _require_one(raster)
    filled, told = (_heights if name == "buildings" else _ground)(frame, rasters, project)
    filled.attrs = frame.attrs
    return filled, told


def _heights(
    buildings: gpd.GeoDataFrame, rasters: Mapping[str, LayerSource], project: Project
) -> tuple[pd.DataFrame, pd.DataFrame]:
    from layers.heights import measure_heights  # noqa: PLC0415  (few projects have rasters)

    known = pd.Series(float("nan"), index=buildings.index)
    known = buildings["height_m"].astype("float64") if "height_m" in buildings else known
    given = {name: _raster(source) for name, source in rasters.items()}
    statistic = project.text("buildings.height_statistic") or "median"
    measured = measure_heights(buildings.geometry[known.isna()], **given, statistic=statistic).reindex(known.index)
    found, quality = measured["height_m"], measured["height_quality"]
    names = ids(buildings, "buildings")
    told = []
    for code, there in (
        ("height-not-positive", quality.eq("not_positive")),
        ("height-uncertain", ~quality.isin(["good", "not_positive"]) & quality.notna()),
    ):
        rows = there.fillna(value=False).to_numpy(dtype=bool)
        if rows.any():
            words = quality[rows].tolist()
            told.append(faults.finding(code, "buildings", ids=names[rows].tolist(), column="height_m", found=words))
    filled = buildings.assign(
        height_m=known.fillna(found), height_from_raster=found.notna(), height_quality=quality.astype("string")
    )
    return filled, faults.concat(told)


def _ground(
    parcels: gpd.GeoDataFrame, rasters: Mapping[str, LayerSource], project: Project
) -> tuple[pd.DataFrame, pd.DataFrame]:
    from layers.ground import land_cover, night_lights  # noqa: PLC0415  (few projects have rasters)
    from layers.raster_keys import require_classes  # noqa: PLC0415

    least, told, filled = project.number("rasters.coverage_at_least") or 0.0, faults.empty(), parcels
    cover, lights = rasters.get("land_cover"), rasters.get("night_lights")
    if cover is not None:
        require_classes("[layers.land_cover]", cover.classes)
        table, strange = land_cover(parcels.geometry, _raster(cover), cover.classes, coverage_at_least=least)
        filled = filled.assign(**{str(column): values for column, values in table.items()})
        rows = strange.notna().to_numpy()
        if rows.any():
            names = ids(parcels, "parcels")[rows].tolist()
            told = faults.finding("land-cover-unnamed", "parcels", ids=names, found=strange[rows].tolist())
    if lights is not None:
        table = night_lights(parcels.geometry, _raster(lights), coverage_at_least=least)
        filled = filled.assign(**{str(column): values for column, values in table.items()})
    return filled, told


def _raster(source: LayerSource) -> Raster:
    from layers.rasters import Raster  # noqa: PLC0415  (few projects have rasters)

    return Raster(source.files[0], source.name, source.crs, source.band, source.unit)


def _require_one(raster: LayerSource) -> None:
    """A building may lie on the seam of two tiles, so tiles are joined before, not here."""
    if len(raster.source) > 1:
        told = ", ".join(path.name for path in raster.files[:5])
        raise ProjectError(
            f"[layers.{raster.name}]: {len(raster.source)} rasters ({told}). Expected one; "
            "join the tiles first, in QGIS or with gdalbuildvrt.",
            f"[layers.{raster.name}]：有 {len(raster.source)} 个栅格（{told}）。应为一个；"
            "请先在 QGIS 中或用 gdalbuildvrt 拼接。",
        )


def elsewhere(frames: Mapping[str, pd.DataFrame], project: Project) -> pd.DataFrame:
    """Return a finding for each raster that lies nowhere near the layer it speaks of (栅格与图层不相交)."""
    told = []
    for name, (layer, column) in _SPEAKS_OF.items():
        frame, source = frames.get(layer), project.sources.get(name)
        if source is None or not isinstance(frame, gpd.GeoDataFrame) or frame.crs is None or not len(frame):
            continue
        from layers.rasters import reach_lonlat  # noqa: PLC0415  (few projects have rasters)

        here, there = lonlat_bounds(frame.geometry), reach_lonlat(_raster(source))
        if not np.isfinite([*here, *there]).all():
            continue
        if here[0] > there[2] or here[2] < there[0] or here[1] > there[3] or here[3] < there[1]:
            shown = ", ".join(f"{edge:.3f}" for edge in there)
            told.append(
                faults.finding("raster-elsewhere", layer, column=column, found=f"{source.files[0].name}: {shown}")
            )
    return faults.concat(told)
