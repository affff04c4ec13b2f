"""From a project to frames one can measure: read every layer, one CRS, valid shapes, a ledger.

Order matters: outlines (districts, parks) first, so that they can settle where a parcel layer without
a CRS lies. All layers then go into one analysis CRS. Broken rings are mended on the copy that is
measured only; nothing here changes a source. What does not enter a figure stands in the ledger:
rows read = rows used + rows set aside, each with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd
import pyproj

from layers import findings as faults
from layers.crs import analysis_crs, lonlat_bounds
from layers.errors import BlockedError, ProjectError
from layers.heights import heights_of
from layers.land_use import propose_system
from layers.project import LayerSource, Project
from layers.projections import parse
from layers.reading import read
from layers.repair import for_measuring

__all__ = ["Intake", "gather", "ledger", "refuse"]

_ORDER = ("districts", "parks", "parcels", "constraints", "buildings", "enterprises", "holdings")
_RASTERS = ("height", "dsm", "dtm")

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Intake:
    """The layers of a project, read.

    Attributes
    ----------
    project : Project
        With what was guessed on the way (policies, land-use system).
    frames : dict
        Canonical layers in `crs`, valid for measuring; tables without geometry as they are.
    crs : pyproj.CRS or None
        The analysis CRS; None where no layer has a geometry.
    findings : DataFrame
        What reading and mending found.
    """

    project: Project
    frames: dict[str, pd.DataFrame]
    crs: pyproj.CRS | None
    findings: pd.DataFrame

    @property
    def ledger(self) -> dict[str, dict[str, Any]]:
        """See `ledger`."""
        return ledger(self.frames)


def gather(project: Project, *, mend: bool = True, progress: Progress | None = None) -> Intake:
    """Read every layer of a project into one CRS.

    Parameters
    ----------
    project : Project
    mend : bool
        Mend broken rings on the copies that are measured; `check` looks at the shapes as they came.
    progress : callable, optional
        Called with (fraction, message).

    Returns
    -------
    Intake

    Raises
    ------
    SourceError
        A file cannot be read.
    ProjectError
        The project has no layer, or its analysis CRS is no projected one.
    """
    if not project.sources:
        raise ProjectError(
            f"{project.path}: there is no layer. Add at least [layers.parcels] with a source.",
            f"{project.path}：没有任何图层。请至少增加 [layers.parcels] 并指定 source。",
        )
    frames: dict[str, pd.DataFrame] = {}
    wanted = [name for name in _ORDER if name in project.sources]
    for done, name in enumerate(wanted):
        if progress is not None:
            progress(done / max(len(wanted), 1), name)
        frames[name] = _read(project.sources[name], frames)
    crs = _analysis_crs(project, frames)
    told: list[pd.DataFrame] = []
    for name, frame in frames.items():
        placed = _placed(frame, crs)
        if mend and isinstance(placed, gpd.GeoDataFrame) and name != "enterprises":
            placed, mended = for_measuring(placed)
            told.append(mended)
        frames[name] = placed
        told.append(_recorded(placed))
    if "buildings" in frames:
        frames["buildings"] = _with_heights(frames["buildings"], project)
    return Intake(_guessed(project, frames), frames, crs, faults.concat(told))


def _read(source: LayerSource, known: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return read(
        list(source.source) if len(source.source) > 1 else source.source[0],
        source.name,
        layer=source.layer,
        crs=source.crs,
        datum=source.datum,
        encoding=source.encoding,
        columns=dict(source.columns),
        constants=dict(source.constants),
        reference=_reference(known),
    )


def _reference(known: Mapping[str, pd.DataFrame]) -> gpd.GeoDataFrame | None:
    """The first outline that knows where it is: districts, else parks, else parcels."""
    for name in ("districts", "parks", "parcels"):
        frame = known.get(name)
        if isinstance(frame, gpd.GeoDataFrame) and frame.crs is not None and len(frame):
            return frame
    return None


def _analysis_crs(project: Project, frames: Mapping[str, pd.DataFrame]) -> pyproj.CRS | None:
    stated = project.text("project.crs")
    if stated is not None:
        crs = parse(stated)
        if not crs.is_projected:
            raise ProjectError(
                f'project.crs = "{stated}" is in degrees. Areas and distances need a projected CRS, e.g. EPSG:4549; '
                "leave it out to have one chosen.",
                f"project.crs = “{stated}” 为经纬度坐标系。面积和距离需要投影坐标系，如 EPSG:4549；可不填，由程序选定。",
            )
        return crs
    for name in ("parcels", "parks", "districts", "buildings"):
        frame = frames.get(name)
        if isinstance(frame, gpd.GeoDataFrame) and frame.crs is not None and len(frame):
            return analysis_crs(lonlat_bounds(frame.geometry), frame.crs)
    return None


def _placed(frame: pd.DataFrame, crs: pyproj.CRS | None) -> pd.DataFrame:
    if not isinstance(frame, gpd.GeoDataFrame) or frame.crs is None or crs is None or frame.crs == crs:
        return frame
    attrs = frame.attrs
    placed = frame.to_crs(crs)
    placed.attrs = attrs
    return placed


def _recorded(frame: pd.DataFrame) -> pd.DataFrame:
    """The findings a frame carries from its reading."""
    rows = frame.attrs.get("findings", [])
    return pd.DataFrame(rows, columns=list(faults.COLUMNS)).astype("object") if rows else faults.empty()


def _with_heights(buildings: pd.DataFrame, project: Project) -> pd.DataFrame:
    rasters = {name: project.sources[name].source[0] for name in _RASTERS if name in project.sources}
    if not rasters or not isinstance(buildings, gpd.GeoDataFrame):
        return buildings
    attrs = buildings.attrs
    known = buildings["height_m"] if "height_m" in buildings else pd.Series(float("nan"), index=buildings.index)
    filled = buildings.assign(height_m=known.astype("float64").fillna(heights_of(buildings.geometry, **rasters)))
    filled.attrs = attrs
    return filled


def _guessed(project: Project, frames: Mapping[str, pd.DataFrame]) -> Project:
    """Settings nobody stated but the data tell."""
    parcels = frames.get("parcels")
    if parcels is not None:
        system, why = propose_system(parcels)
        if system is not None:
            project = project.guess("land_use.system", system, why)
    place = _reference(frames)
    if place is not None:
        west, south, east, north = lonlat_bounds(place.geometry)
        if west > 73 and east < 135.1 and south > 18 and north < 53.6:
            project = project.guess("project.policies", ["hangzhou-2023"], "the data lie in China")
    return project


def refuse(table: pd.DataFrame, language: str = "zh") -> None:
    """Raise BlockedError where findings make figures untrustworthy.

    Raises
    ------
    BlockedError
        Names every blocking code, how often it occurs, the first ids and what to do.
    """
    blocking = faults.blocking(table)
    if blocking.empty:
        return
    told = {tongue: _told(blocking, tongue) for tongue in ("en", "zh")}
    raise BlockedError(told["en"], told["zh"])


def _told(blocking: pd.DataFrame, language: str) -> str:
    lines = []
    for row in faults.summarise(blocking, language).itertuples():
        ids = f" ({', '.join(row.first_ids)})" if row.first_ids else ""
        found = f": {row.found}" if row.found else ""
        lines.append(f"{row.layer}: {row.title} [{row.code}] × {row.count}{ids}{found}. {row.expected} {row.remedy}")
    return "\n".join(lines)


def ledger(frames: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, Any]]:
    """Return, by layer, rows read = rows used + rows set aside, each with its reason.

    Returns
    -------
    dict
        layer → {"read", "used", "set_aside": [{"reason", "count", "area_m2"}], "source", "crs"}.
    """
    book: dict[str, dict[str, Any]] = {}
    for name, frame in frames.items():
        aside = [dict(entry) for entry in frame.attrs.get("set_aside", [])]
        used = len(frame)
        book[name] = {
            "read": int(frame.attrs.get("rows_read", used)),
            "used": used,
            "set_aside": aside,
            "source": frame.attrs.get("source", {}),
            "crs": frame.attrs.get("crs", {}),
        }
    return book
