"""All faults of a set of layers, as one table; nothing is changed and nothing is left out.

`check` gathers what was found while reading and adds what only shows when layers are looked at as
shapes, as columns, and beside each other. It knows no indicator: no parcel is called industrial here.
The layers must lie in one projected plane (metres), as the analysis uses it. A finding blocks only
where no figure could be trusted: parks that overlap without a rule, layers that lie apart, a layer
that is empty. Rows come in a fixed order: layer, code, column, record.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj

from layers import coverage_checks as coverage
from layers import findings, records
from layers import geometry_checks as geometry
from layers import value_checks as values
from layers.area import METHODS
from layers.area_checks import area_findings
from layers.errors import CrsError, ProjectError, nearest
from layers.mending import SAFE
from layers.roles import POLYGON_LAYERS

__all__ = ["DEPTHS", "OVERLAP_RULES", "check", "found_while_reading"]

OVERLAP_RULES = ("error", "priority", "split", "largest")
DEPTHS = ("full", "blocking")
#: Layers without which nothing can be said.
NEEDED = ("parks", "parcels")
#: Layers whose records may not lie on each other.
COVERAGES = ("parcels", "districts", "buildings")

_ORDER = (
    "districts",
    "parks",
    "parcels",
    "buildings",
    "enterprises",
    "holdings",
    "constraints",
    "statistics",
    "evaluations",
    "targets",
    "facilities",
    "housing",
    "roads",
)


def check(
    frames: Mapping[str, pd.DataFrame],
    *,
    overlap: str = "error",
    overlap_tolerance_m2: float = 100.0,
    as_of: dt.date | None = None,
    area: str = "tdt1055",
    land_use_system: str | None = None,
    depth: str = "full",
) -> pd.DataFrame:
    """Check every layer by itself and beside the others.

    Parameters
    ----------
    frames : mapping of layer name to canonical frame
        All shapes in one projected CRS. Nothing is changed.
    overlap : {"error", "priority", "split", "largest"}
        The project's rule for land that lies in several parks; only under ``error`` do overlaps block.
    overlap_tolerance_m2 : float
        Parks may share this much land (m²), and any land in parts no wider than 0.5 m.
    as_of : date, optional
        Date of the data; later dates are told.
    area : {"tdt1055", "geodesic", "planar"}
        How drawn areas are measured before they are compared with recorded ones.
    land_use_system : str, optional
        System of the land-use codes (``third-survey`` …); codes it lacks are told.
    depth : {"full", "blocking"}
        ``blocking`` looks only for what could block (and tells parks that merely touch): a fraction of the
        time, for commands that want figures.

    Returns
    -------
    DataFrame
        `layers.findings.COLUMNS`, those found while reading (``attrs["findings"]``) included.

    Raises
    ------
    CrsError
        Layers differ in CRS, or lie in degrees.
    ProjectError
        `overlap`, `area` or `depth` is not one of the words above.

    Examples
    --------
    >>> from shapely.geometry import box
    >>> parks = gpd.GeoDataFrame({"park_name": ["A", "B"]}, geometry=[box(0, 0, 50, 50), box(40, 0, 90, 50)])
    >>> told = check({"parks": parks.set_crs(4549)})
    >>> told[["code", "blocks", "id"]].to_numpy().tolist()
    [['parks-overlap', True, 'A']]
    """
    _require("overlap", overlap, OVERLAP_RULES)
    _require("area", area, METHODS)
    _require("depth", depth, DEPTHS)
    read = [found_while_reading(frame) for frame in frames.values()]
    frames = {layer: _light(_without_lost_places(frame)) for layer, frame in frames.items()}
    crs = _common_crs(frames)
    ready = {
        layer: geometry.prepare(frame, layer)
        for layer, frame in frames.items()
        if layer in POLYGON_LAYERS and isinstance(frame, gpd.GeoDataFrame) and len(frame)
    }
    empty = [layer for layer, frame in frames.items() if frame.empty]
    told = [findings.finding("layer-empty", layer, found="0", blocks=layer in NEEDED) for layer in empty]
    told.append(coverage.apart_findings(ready))
    if "parks" in ready:
        told.append(coverage.park_findings(ready["parks"], overlap, overlap_tolerance_m2))
    if depth == "full":
        for layer, frame in frames.items():
            told += [_alone(layer, frame, ready.get(layer)), values.date_findings(frame, layer, as_of)]
            told += [values.land_use_findings(frame, layer, land_use_system)] if land_use_system else []
        told += [_together(ready, area), values.link_findings(frames)]
    placed = _to_lonlat(findings.concat(told), crs)
    return _in_order(findings.concat([*read, placed]))


def _require(name: str, word: str, known: tuple[str, ...]) -> None:
    if word not in known:
        like = nearest(word, known)
        raise ProjectError(
            f'{name} = "{word}" is not known. Known: {", ".join(known)}.'
            + (f' Did you mean "{like}"?' if like else ""),
            f"{name} = “{word}”不可用。可用：{'、'.join(known)}。" + (f"是否指“{like}”？" if like else ""),
        )


def _without_lost_places(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a layer whose CRS could not be settled as a table: that is told already, and its shapes lie nowhere."""
    told = findings.blocking(found_while_reading(frame))["code"]
    shapes = getattr(frame, "active_geometry_name", None)
    if shapes is None or getattr(frame, "crs", None) is not None or not told.str.startswith("crs-").any():
        return frame
    table: pd.DataFrame = pd.DataFrame(frame).drop(columns=shapes)
    table.attrs = frame.attrs
    return table


def _light(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a layer with those of its attrs the checks ask for: pandas copies all of them at every step."""
    light = frame.copy(deep=False)
    light.attrs = {name: frame.attrs[name] for name in ("columns", "measurable") if name in frame.attrs}
    return light


def _common_crs(frames: Mapping[str, pd.DataFrame]) -> pyproj.CRS | None:
    """Return the one CRS of all layers with shapes; None where none of them has one."""
    spatial = {
        layer: frame.crs
        for layer, frame in frames.items()
        if isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None
    }
    crs = next(iter(spatial.values()), None)
    for layer, other in spatial.items():
        if other != crs:
            one = next(iter(spatial))
            raise CrsError(
                f'Layers "{one}" and "{layer}" differ in CRS ({_name(crs)}, {_name(other)}). '
                "Expected one projected CRS: reproject with to_crs before checking.",
                f"图层“{one}”与“{layer}”的坐标系不同（{_name(crs)}，{_name(other)}）。"
                "应为同一投影坐标系：检查前请用 to_crs 统一。",
            )
    if crs is not None and crs.is_geographic:
        raise CrsError(
            f'Layers are in degrees ({_name(crs)}). Expected a projected CRS in metres, for example "EPSG:4549".',
            f"图层以经纬度表示（{_name(crs)}）。应为以米计的投影坐标系，例如 EPSG:4549。",
        )
    return crs


def _name(crs: pyproj.CRS | None) -> str:
    return "none" if crs is None else str(crs.name)


def _alone(layer: str, frame: pd.DataFrame, ready: geometry.Prepared | None) -> pd.DataFrame:
    """Return what one layer shows by itself."""
    if frame.empty:
        return findings.empty()
    told = [
        values.limit_findings(frame, layer),
        values.money_findings(frame, layer),
        values.code_findings(frame, layer),
    ]
    copies = findings.empty()
    if isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None:
        copies = geometry.copy_findings(frame, layer, _as_repaired(frame, ready))
    twice = copies.loc[copies["code"] == "row-duplicate", "row"].to_numpy(dtype="int64")
    told += [copies, geometry.id_findings(frame, layer, twice)]
    if ready is not None:
        told.append(geometry.shape_findings(ready))
        told += [geometry.angle_findings(ready)] if layer == "parcels" else []
    return findings.concat(told)


def _as_repaired(frame: gpd.GeoDataFrame, ready: geometry.Prepared | None) -> geometry.Shapes:
    """Return the shapes `repair` would leave, so that copies are told by the same rule by which they go."""
    shapes = records.shapes(frame)
    if ready is None:
        return shapes
    return np.where(np.isin(ready.mended.codes, SAFE), ready.mended.shapes, shapes)


def _together(ready: Mapping[str, geometry.Prepared], area: str) -> pd.DataFrame:
    """Return what shapes show beside each other, those of one layer and those of several."""
    told = [coverage.overlap_findings(ready[layer]) for layer in COVERAGES if layer in ready]
    if "parcels" in ready:
        parcels = ready["parcels"]
        told.append(coverage.gap_findings(parcels))
        told.append(area_findings(parcels, records.land_m2(parcels.shapes, parcels.frame.crs, area)))
    if "districts" in ready:
        told += [coverage.outside_findings(ready[layer], ready["districts"]) for layer in NEEDED if layer in ready]
    return findings.concat(told)


def found_while_reading(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the findings made while the layer was read."""
    made = frame.attrs.get("findings") or []
    return pd.DataFrame(made, columns=list(findings.COLUMNS)).astype("object") if made else findings.empty()


def _to_lonlat(table: pd.DataFrame, crs: pyproj.CRS | None) -> pd.DataFrame:
    """Return the table with its places in longitude and latitude; without places where the CRS is unknown."""
    if len(table) == 0:
        return table
    x, y = (table[axis].to_numpy(dtype="float64") for axis in "xy")
    if crs is None:
        return table.assign(x=np.nan, y=np.nan)
    lon, lat = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True).transform(x, y)
    known = np.isfinite(lon) & np.isfinite(lat)
    return table.assign(x=np.where(known, lon, np.nan), y=np.where(known, lat, np.nan))


def _in_order(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table by layer, code, column, record: the same whatever order the layers came in."""
    layers = {layer: place for place, layer in enumerate(_ORDER)}
    codes = {code: place for place, code in enumerate(findings.codes())}
    keys = (
        _places(table["layer"], lambda layer: layers.get(layer, len(layers))),
        _places(table["layer"], str),
        _places(table["code"], codes.__getitem__),
        _places(table["column"], str),
        table["row"].to_numpy(dtype="int64"),
    )
    order = np.lexsort(keys[::-1])
    again = np.r_[False, np.logical_and.reduce([key[order][1:] == key[order][:-1] for key in keys])]
    tied = again | np.r_[again[1:], False]
    if tied.any():
        found = np.zeros(len(table), dtype="int64")
        found[order[tied]] = pd.factorize(table["found"].to_numpy()[order[tied]].astype(str), sort=True)[0]
        order = np.lexsort((found, *keys[::-1]))
    return table.iloc[order].reset_index(drop=True)


def _places(values: pd.Series, key: Callable[[str], Any]) -> npt.NDArray[np.int64]:
    """Return for each value the place of its `key` among those of all values."""
    each, known = pd.factorize(values.to_numpy())
    keys = [key(value) for value in known]
    rank = {one: place for place, one in enumerate(sorted(set(keys)))}
    return np.array([rank[one] for one in keys], dtype="int64")[each]
