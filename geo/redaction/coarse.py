"""Where things lie, told coarsely (`coarse`, `coarse_land`): parcels on a grid, without what tells of owners.

Corners of parcels move onto the nearest point of a grid in the analysis CRS; a parcel too narrow for it becomes the
squares of the grid it runs through, so that none vanishes. Parks and districts keep their shapes, and every
figure stays as it was computed: areas are columns here, never measured on the coarse shapes. Columns of parcels that
nobody here knows may hold anything and are left out.
"""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.firms import MEASURES
from geo.land import EXTENSIVE, Land
from layers.schema import columns

__all__ = ["coarse", "coarse_land", "coarse_places"]

#: Columns of a parcel that tell of who is on it; so does every column of money.
_PERSONAL = frozenset({"owner_code", "owner_name", "industry_code", "industry_name", *MEASURES})
#: Columns that `geo.land.attach` adds.
_MADE = frozenset(
    {"uid", "industrial", "built", "district", "storeys_unknown_m2", "floor_area_estimated", "buildings",
     "dated_base_m2", "dated_base_years", "tall_base_m2", "tall_base_m3", *EXTENSIVE}
)  # fmt: skip


def coarse(shapes: npt.NDArray[np.object_], grid_m: float) -> npt.NDArray[np.object_]:
    """Move the corners of polygons onto a grid (m).

    Examples
    --------
    A lot takes the lines of the grid next to its edges, a kiosk the square it stands in:

    >>> lots = np.array([shapely.box(4, 4, 33, 37), shapely.box(101, 101, 103, 103)])
    >>> [one.bounds for one in coarse(lots, 20.0)]
    [(0.0, 0.0, 40.0, 40.0), (100.0, 100.0, 120.0, 120.0)]
    """
    moved = np.array(shapely.set_precision(shapes, grid_m), dtype=object)
    gone = shapely.is_empty(moved) & ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    moved[gone] = [_squares(shape, grid_m) for shape in shapes[gone]]
    return moved


def _squares(shape: shapely.Geometry, grid_m: float) -> shapely.Geometry:
    """The squares of the grid that the outline of a narrow shape runs through."""
    outline = shapely.get_coordinates(shapely.segmentize(shape, grid_m / 2))
    corners = np.unique(np.floor(outline / grid_m), axis=0) * grid_m
    return shapely.union_all(shapely.box(*corners.T, *(corners + grid_m).T))


def coarse_land(land: Land, grid_m: float) -> Land:
    """Return land whose parcels lie on a grid and bear no owner, no industry, no money and no unknown column."""
    own, known = land.parcels, _MADE.union(columns("parcels")["column"]) - _PERSONAL
    shapes = gpd.GeoSeries(coarse(own.geometry.to_numpy(), grid_m), own.index, crs=own.crs)
    kept = own[[name for name in own if name in known and not name.endswith("_cny")]]
    return replace(
        land,
        parcels=kept.assign(investment_cny=np.nan).set_geometry(shapes),
        pieces=land.pieces.assign(investment_cny=np.nan),
    )


def coarse_places(findings: pd.DataFrame, crs: object, grid_m: float) -> pd.DataFrame:
    """Move the places of findings (longitude, latitude) onto the grid of a CRS."""
    x, y = (pd.to_numeric(findings[axis], errors="coerce").to_numpy("float64", copy=True) for axis in ("x", "y"))
    known = np.isfinite(x) & np.isfinite(y)
    if not known.any():
        return findings
    points = gpd.GeoSeries(gpd.points_from_xy(x[known], y[known]), crs="EPSG:4326").to_crs(crs)
    snapped = np.round(shapely.get_coordinates(points.to_numpy()) / grid_m) * grid_m
    back = shapely.get_coordinates(gpd.GeoSeries(shapely.points(snapped), crs=crs).to_crs("EPSG:4326").to_numpy())
    x[known], y[known] = np.round(back, 6).T
    moved = {name: pd.Series(values, findings.index, dtype="object") for name, values in (("x", x), ("y", y))}
    return findings.assign(**moved)
