"""Parks whose boundaries moved: the same land under other boundaries, and the ground that changed sides.

Knows the land of two runs in one projected plane. Areas in m², rounded to 0.01.
"""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.comparing.land import CityLand, in_steps_m2
from geo.comparing.shapes import LEAST_M2, Floats, Shapes, opened
from geo.indicators import measure, scopes, tally
from geo.land import attach
from geo.overlay import intersect
from layers.area import area_m2
from layers.units import from_tally, to_tally

__all__ = ["BOUNDARY_LEVELS", "boundary_changes", "inside_parks"]

#: Levels at which concentration is given, and boundaries matter.
BOUNDARY_LEVELS = ("city", "district", "zone", "park")


def inside_parks(land: CityLand, parks: CityLand) -> pd.DataFrame:
    """Measure the industrial land of one run inside the parks of another (同边界口径).

    Parameters
    ----------
    land : CityLand
        Whose industrial parcels are measured.
    parks : CityLand
        Whose parks, districts and overlap rule are applied.

    Returns
    -------
    DataFrame
        `level` (one of `BOUNDARY_LEVELS`), `scope_id`, `inside_m2`; no row without parks.

    Notes
    -----
    The same route as concentration itself takes: a run measured in its own parks gives its own figures.

    Examples
    --------
    >>> from shapely import box
    >>> parcels = gpd.GeoDataFrame(
    ...     {"uid": ["a"], "industrial": pd.array([True], dtype="boolean"), "land_area_m2": [200.0]},
    ...     geometry=[box(0, 0, 20, 10)], crs=4549)
    >>> park = gpd.GeoDataFrame({"park_name": ["P"]}, geometry=[box(0, 0, 5, 10)], crs=4549)
    >>> inside_parks(CityLand(parcels, None, None), CityLand(parcels, park, None))["inside_m2"].tolist()
    [50.0, 50.0, 50.0]
    """
    if parks.parks is None or not land.industrial.any():
        return pd.DataFrame({"level": pd.Series(dtype="str"), "scope_id": [], "inside_m2": pd.Series(dtype="float64")})
    own = land.parcels[land.industrial]
    # The areas are those of the run, so they come as records; the class says only that the land is industrial.
    parcels = gpd.GeoDataFrame(
        {"parcel_id": own["uid"], "land_use_name": "industrial", "recorded_area_m2": own["land_area_m2"]},
        geometry=own.geometry.to_numpy(),
        crs=own.crs,
    )
    districts = parks.districts
    held = attach(
        parcels,
        parks.parks,
        districts=None if districts is None else districts.rename(columns={"district_id": "district_code"}),
        system="names",
        industrial=["industrial"],
        area="recorded",
        overlap=parks.overlap,
    )
    figures = measure(tally(held, None, BOUNDARY_LEVELS), scopes(held, None, "city", BOUNDARY_LEVELS))
    figures = figures[figures["id"] == "industrial_concentration"]
    return figures[["level", "scope_id", "numerator"]].rename(columns={"numerator": "inside_m2"}).reset_index(drop=True)


def boundary_changes(
    before: CityLand, after: CityLand, pairs: Sequence[tuple[str | None, str | None]], *, tolerance_m: float = 1.0
) -> gpd.GeoDataFrame:
    """Ground that parks gained and lost (园区边界变化).

    Parameters
    ----------
    before, after : CityLand
        In one projected plane.
    pairs : sequence
        (park_id before, park_id after), None for a park that is new or gone.
    tolerance_m : float
        Strips no wider than this are left out.

    Returns
    -------
    GeoDataFrame
        One row a park and change: `park_id` (after, else before), `park_name`, `change` (gained, lost, new, gone),
        `area_m2` (the later run's kind of area; statutory where that is `recorded`), `industrial_m2` (industrial
        land of the earlier run on it), geometry. Parks may overlap, so rows do not add up to the city.

    Examples
    --------
    >>> from shapely import box
    >>> plot = gpd.GeoDataFrame(
    ...     {"industrial": pd.array([True], dtype="boolean"), "land_area_m2": [100.0]},
    ...     geometry=[box(0, 0, 10, 10)], crs=4549)
    >>> def city(shape):
    ...     park = gpd.GeoDataFrame({"park_id": ["P"], "park_name": ["P"]}, geometry=[shape], crs=4549)
    ...     return CityLand(plot, park, None, area="planar")
    >>> table = boundary_changes(city(box(0, 0, 10, 10)), city(box(4, 0, 20, 10)), [("P", "P")])
    >>> table[["change", "area_m2", "industrial_m2"]].to_numpy().tolist()
    [['gained', 100.0, 0.0], ['lost', 40.0, 40.0]]
    """
    old, new = _park_shapes(before), _park_shapes(after)
    rows: list[tuple[str, str, str, shapely.Geometry]] = []
    for one, other in pairs:
        was = None if one is None else old.get(one)
        now = None if other is None else new.get(other)
        if was is not None and now is not None:
            rows.append((str(other), now[0], "gained", now[1].difference(was[1])))
            rows.append((str(other), now[0], "lost", was[1].difference(now[1])))
        elif now is not None:
            rows.append((str(other), now[0], "new", now[1]))
        elif was is not None:
            rows.append((str(one), was[0], "gone", was[1]))
    shapes = np.empty(len(rows), dtype="object")
    shapes[:] = [shape for *_, shape in rows]
    wide = opened(shapes, tolerance_m)
    kept = np.flatnonzero(shapely.area(wide) > LEAST_M2)
    table = pd.DataFrame([rows[row][:3] for row in kept], columns=["park_id", "park_name", "change"], dtype="string")
    ground = gpd.GeoSeries(list(wide[kept]), crs=before.parcels.crs)
    table["area_m2"] = in_steps_m2(area_m2(ground, "tdt1055" if after.area == "recorded" else after.area).to_numpy())
    table["industrial_m2"] = _industrial_on(before, wide[kept])
    return gpd.GeoDataFrame(table, geometry=ground)


def _park_shapes(land: CityLand) -> dict[str, tuple[str, shapely.Geometry]]:
    if land.parks is None:
        return {}
    return {
        str(row.park_id): (str(row.park_name), shape)
        for row, shape in zip(land.parks.itertuples(), land.parks.geometry.array, strict=True)
    }


def _industrial_on(land: CityLand, faces: Shapes) -> Floats:
    """Industrial land of a run on each face."""
    rows = np.flatnonzero(land.industrial)
    pairs = intersect(land.shapes[rows], faces)
    area = land.parcels["land_area_m2"].fillna(0.0).to_numpy("float64")[rows[pairs.left]] * pairs.share
    steps = np.zeros(len(faces), dtype="int64")
    np.add.at(steps, pairs.right, to_tally(area, "m2"))
    return from_tally(steps, "m2")
