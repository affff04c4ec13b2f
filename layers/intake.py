"""From a project to frames one can measure: read every layer, one CRS, valid shapes, a ledger.

Order matters: outlines (districts, parks) first, so that they can settle where a parcel layer without
a CRS lies. All layers then go into one analysis CRS. Broken rings are mended on the copy that is
measured only; nothing here changes a source. What does not enter a figure stands in the ledger:
rows read = rows used + rows set aside, each with its reason.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj

from layers import findings as faults
from layers.checking import check
from layers.checks_made import say_checks
from layers.crs import analysis_crs, lonlat_bounds
from layers.errors import BlockedError, ProjectError
from layers.land_use import propose
from layers.project import LayerSource, Project
from layers.projections import parse
from layers.raster_values import elsewhere, with_rasters
from layers.reading import read
from layers.records import ids
from layers.repairing import for_measuring
from layers.roles import PLACED_LAYERS
from layers.threads import spread

__all__ = [
    "Intake",
    "count_uses",
    "gather",
    "guessed",
    "inspect",
    "ledger",
    "read_layers",
    "read_source",
    "ready",
    "refuse",
    "unrecorded",
]

_ORDER = (
    "districts",
    "parks",
    "parcels",
    "constraints",
    "buildings",
    "enterprises",
    "holdings",
    "statistics",
    "evaluations",
    "targets",
    "facilities",
    "housing",
    "roads",
)

Progress = Callable[[float, str], None]
Reader = Callable[[LayerSource, gpd.GeoDataFrame | None], pd.DataFrame]


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
    mended : DataFrame
        Findings about shapes that were mended for measuring.
    """

    project: Project
    frames: dict[str, pd.DataFrame]
    crs: pyproj.CRS | None
    mended: pd.DataFrame

    @property
    def ledger(self) -> dict[str, dict[str, Any]]:
        """See `ledger`."""
        return ledger(self.frames)


def gather(
    project: Project, *, mend: bool = True, progress: Progress | None = None, reader: Reader | None = None
) -> Intake:
    """Read every layer of a project into one CRS.

    Parameters
    ----------
    project : Project
    mend : bool
        Mend broken rings on the copies that are measured; `check` looks at the shapes as they came.
    progress : callable, optional
        Called with (fraction, message).
    reader : callable, optional
        Reads one layer instead of `read_source`; is given its source and a layer whose place is sure.

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
    frames = {name: _without_lost_places(frame) for name, frame in read_layers(project, progress, reader).items()}
    crs = _analysis_crs(project, frames)
    told: list[pd.DataFrame] = []
    for name, frame in frames.items():
        frames[name], found = ready(name, frame, crs, project, mend=mend)
        told.append(found)
    parcels = frames.get("parcels")
    uses = None if parcels is None else count_uses(parcels)
    return Intake(guessed(project, frames, uses), frames, crs, faults.concat(told))


def ready(
    name: str, frame: pd.DataFrame, crs: pyproj.CRS | None, project: Project, *, mend: bool = True
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Place one layer in `crs` and make it fit for measuring; return it, and the findings made on the way."""
    told: list[pd.DataFrame] = []
    placed = _placed(frame, crs)
    if mend and name == "parks" and project.as_of is not None:
        placed, ended = _in_force(placed, project.as_of)
        told.append(ended)
    if mend and isinstance(placed, gpd.GeoDataFrame) and name not in PLACED_LAYERS and placed.crs is not None:
        placed, mended = for_measuring(placed)
        told.append(mended)
    elif mend:
        placed, twice = _once(placed, name)
        told.append(twice)
    placed, found = with_rasters(placed, name, project)
    return placed, faults.concat([*told, found])


def _without_lost_places(frame: pd.DataFrame) -> pd.DataFrame:
    """A layer whose CRS contradicts its numbers lies nowhere; the finding that says so blocks the run."""
    told = [row["code"] for row in frame.attrs.get("findings", []) if row["blocks"]]
    if not any(str(code).startswith("crs-") for code in told) or getattr(frame, "crs", None) is None:
        return frame
    nowhere: pd.DataFrame = gpd.GeoDataFrame(frame).set_crs(None, allow_override=True)
    nowhere.attrs = frame.attrs
    return nowhere


def _once(table: pd.DataFrame, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Set aside exact copies of rows of a table: a firm that stands twice pays its tax once."""
    copies = table.astype("string").duplicated().to_numpy()
    if not copies.any():
        return table, faults.empty()
    names = ids(table, name)[copies].tolist()
    kept = table[~copies].reset_index(drop=True)
    entry = {"reason": "row-duplicate", "count": len(names), "area_m2": None, "ids": names[:5]}
    kept.attrs = {**table.attrs, "set_aside": [*table.attrs.get("set_aside", []), entry]}
    return kept, faults.finding("row-duplicate", name, ids=names)


def _in_force(parks: pd.DataFrame, day: date) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Set aside parks that were not yet, or are no longer, in force on the day of the figures."""
    early = parks["valid_from"] > pd.Timestamp(day) if "valid_from" in parks else False
    late = parks["valid_to"] < pd.Timestamp(day) if "valid_to" in parks else False
    out = pd.Series(early | late, index=parks.index).fillna(value=False).astype(bool)
    if not out.any():
        return parks, faults.empty()
    names = ids(parks, "parks")[out].tolist()
    kept = parks[~out].reset_index(drop=True)
    area = float(parks.geometry[out].area.sum()) if isinstance(parks, gpd.GeoDataFrame) else None
    entry = {"reason": "park-not-in-force", "count": len(names), "area_m2": area, "ids": names[:5]}
    kept.attrs = {**parks.attrs, "set_aside": [*parks.attrs.get("set_aside", []), entry]}
    return kept, faults.finding("park-not-in-force", "parks", ids=names, column="valid_to", as_of=day.isoformat())


def read_layers(
    project: Project, progress: Progress | None = None, reader: Reader | None = None
) -> dict[str, pd.DataFrame]:
    """Read every layer of a project as it is, each in its own CRS; tables too, rasters not."""
    wanted = [name for name in _ORDER if name in project.sources]
    if not wanted:
        raise ProjectError(
            f"{project.path}: there is no layer. Add at least [layers.parcels] with a source.",
            f"{project.path}：没有任何图层。请至少增加 [layers.parcels] 并指定 source。",
        )
    tell = progress or _silent
    frames: dict[str, pd.DataFrame] = {}
    while len(frames) < len(wanted) and (reader is not None or _reference(frames) is None):
        name = wanted[len(frames)]
        tell(len(frames) / len(wanted), name)
        frames[name] = (reader or read_source)(project.sources[name], _reference(frames))
    # The place of the others can be told from what has been read, whatever order they come in.
    rest, reference = wanted[len(frames) :], _reference(frames)
    if rest:
        tell(len(frames) / len(wanted), ", ".join(rest))
    with warnings.catch_warnings():  # each thread sets warnings aside for a moment; the last to end undoes its own
        read_rest = spread(
            lambda name: read_source(project.sources[name], reference),
            rest,
            lambda done: tell((len(frames) + done) / len(wanted), ", ".join(rest)),
        )
    return frames | dict(zip(rest, read_rest, strict=True))


def _silent(*_: object) -> None:
    pass


def read_source(
    source: LayerSource,
    reference: gpd.GeoDataFrame | None,
    each: Callable[[pd.DataFrame, int], pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Read one layer of a project as it is; see `layers.reading.read`."""
    return read(
        list(source.source) if len(source.source) > 1 else source.source[0],
        source.name,
        layer=source.layer,
        query=source.query,
        bbox=source.bbox,
        crs=source.crs,
        datum=source.datum,
        encoding=source.encoding,
        columns=dict(source.columns),
        constants=dict(source.constants),
        reference=reference,
        each=each,
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
                f"project.crs = “{stated}” 为经纬度坐标系。面积和距离需要投影坐标系，如 EPSG:4549；"
                "可不填，由程序选定。",
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
    placed: pd.DataFrame = frame.to_crs(crs)
    placed.attrs = attrs
    return placed


def count_uses(parcels: pd.DataFrame) -> pd.DataFrame:
    """Return which land-use codes stand beside which names, and how often: columns as in `parcels`, and `rows`."""
    there = [name for name in ("land_use_code", "land_use_name") if name in parcels]
    if not there:
        return pd.DataFrame({"rows": [len(parcels)]})
    return parcels[there].value_counts(dropna=False, sort=False).reset_index(name="rows")


def guessed(project: Project, frames: Mapping[str, pd.DataFrame], uses: pd.DataFrame | None) -> Project:
    """Return the project with settings nobody stated but the data tell; `uses` as `count_uses` gives it."""
    if uses is not None:
        project = project.guess("land_use.system", *_land_use_system(uses))
    place = _reference(frames)
    if place is not None:
        west, south, east, north = lonlat_bounds(place.geometry)
        there = west > 118.2 and east < 120.9 and south > 29.1 and north < 30.7
        if there or "杭州" in (project.text("project.city") or ""):
            project = project.guess("project.policies", ["hangzhou-2023"], "the city is Hangzhou", "城市为杭州")
    return project


def _land_use_system(uses: pd.DataFrame) -> tuple[str, str, str]:
    """The system the data tell, else the one assumed; either way it is a guess that is printed."""
    found = propose(uses.get("land_use_code"), uses.get("land_use_name"), uses["rows"])
    if found.system is not None:
        return found.system, found.why_en, found.why_zh
    return (
        "third-survey",
        f"assumed, not proved: {found.why_en}",
        f"暂按此分类，未经证实：{found.why_zh}",
    )


def inspect(intake: Intake, *, thorough: bool) -> pd.DataFrame:
    """Return the findings of a run.

    Parameters
    ----------
    intake : Intake
    thorough : bool
        Every check; else only what was found on the way and what would block any figure.

    Returns
    -------
    DataFrame
        See `layers.findings`; which checks it comes from is told by `layers.checks_made`.
    """
    area = intake.project.text("project.area") or "tdt1055"
    table = check(
        intake.frames,
        overlap=intake.project.text("project.overlap") or "error",
        overlap_tolerance_m2=intake.project.number("project.overlap_tolerance_m2") or 0.0,
        as_of=intake.project.as_of,
        area="tdt1055" if area == "recorded" else area,
        land_use_system=intake.project.text("land_use.system"),
        depth="full" if thorough else "blocking",
    )
    away = elsewhere(intake.frames, intake.project)
    told = faults.concat([intake.mended, table, _without_record(intake.frames, area), away])
    return say_checks(told, "all" if thorough else "conversion")


def _without_record(frames: Mapping[str, pd.DataFrame], area: str) -> pd.DataFrame:
    """Parcels that leave both sums because the figures are of recorded areas and they record none."""
    parcels = frames.get("parcels")
    if area != "recorded" or parcels is None:
        return faults.empty()
    names = ids(parcels, "parcels")[unrecorded(parcels)].tolist()
    of = f"{len(names)} / {len(parcels)}"
    if not names:
        return faults.empty()
    return faults.finding("recorded-area-missing", "parcels", ids=names, column="recorded_area_m2", found=of)


def unrecorded(parcels: pd.DataFrame) -> pd.Series:
    """Return where a parcel records no area."""
    recorded = parcels["recorded_area_m2"] if "recorded_area_m2" in parcels else pd.Series(np.nan, parcels.index)
    return ~(recorded.astype("float64") > 0)


def refuse(table: pd.DataFrame) -> None:
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
    """One line a kind: where, what, how many, which first, what was found, expected, how to mend."""
    expected, remedy = ("expected: ", "how to mend: ") if language == "en" else ("应为：", "处理：")
    lines = []
    for row in faults.summarise(blocking, language).to_dict("records"):
        ids = f" ({', '.join(row['first_ids'])})" if row["first_ids"] else ""
        found = f": {row['found']}" if row["found"] else ""
        lines.append(
            f"{row['layer']}: {row['title']} [{row['code']}] × {row['count']}{ids}{found}\n"
            f"    {expected}{row['expected']}\n    {remedy}{row['remedy']}"
        )
    return "\n".join(lines)


def ledger(frames: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, Any]]:
    """Return, by layer, rows and area read = used + set aside, each with its reason.

    Returns
    -------
    dict
        layer → {"read", "used", "set_aside": [{"reason", "count", "area_m2"}], "area_used_m2",
        "area_read_m2", "source", "crs"}. Areas are of the plane the layers are measured in; None for
        tables, and for records whose shape has no area that could be told.
    """
    book: dict[str, dict[str, Any]] = {}
    for name, frame in frames.items():
        aside = [dict(entry) for entry in frame.attrs.get("set_aside", [])]
        used = len(frame)
        area = _area(frame)
        unknown = area is None or any(entry.get("area_m2") is None for entry in aside)
        book[name] = {
            "read": int(frame.attrs.get("rows_read", used)),
            "used": used,
            "set_aside": aside,
            "area_used_m2": area,
            "area_read_m2": None if unknown else round(area + sum(entry["area_m2"] for entry in aside), 2),
            "source": frame.attrs.get("source", {}),
            "crs": frame.attrs.get("crs", {}),
            "columns": frame.attrs.get("columns", {}),
            "guessed": frame.attrs.get("guessed", []),
        }
    return book


def _area(frame: pd.DataFrame) -> float | None:
    if not isinstance(frame, gpd.GeoDataFrame) or frame.crs is None or not frame.crs.is_projected:
        return None
    return None if frame.attrs.get("layer") in PLACED_LAYERS else round(float(frame.geometry.area.sum()), 2)
