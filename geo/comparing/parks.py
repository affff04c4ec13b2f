"""Parks whose boundaries moved: the same land under other boundaries, and the ground that changed sides.

Knows the land of two runs in one projected plane. Areas in m², rounded to 0.01.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.comparing.figures import ONLY_ONE
from geo.comparing.land import CityLand, in_steps_m2
from geo.comparing.shapes import LEAST_M2, Floats, Rows, Shapes, opened
from geo.indicators import measure, scopes, tally
from geo.land import EXTENSIVE, Land, attach
from geo.overlay import intersect, share_out
from geo.survey import SURVEYED
from layers.area import area_m2
from layers.units import from_tally, to_tally

__all__ = ["BOUNDARY_LEVELS", "boundary_changes", "in_parks_of", "moved_places", "moved_sums"]

#: Levels at which boundaries decide over figures of land.
BOUNDARY_LEVELS = ("city", "zones", "district", "zone", "park")

_SUMS = ["numerator", "denominator"]


def in_parks_of(land: CityLand, other: CityLand) -> pd.DataFrame:
    """Measure the land of one run in the parks of another (同边界口径).

    Parameters
    ----------
    land : CityLand
        Whose parcels are measured, with the sums they carry.
    other : CityLand
        Whose parks, districts and overlap rule are applied.

    Returns
    -------
    DataFrame
        Every indicator of land at `BOUNDARY_LEVELS`: `id`, `level`, `scope_id`, `numerator`, `denominator` (base
        units); no row without parks.

    Notes
    -----
    The same route as the figures themselves take: a run measured in its own parks gives its own figures.

    Examples
    --------
    >>> from shapely import box
    >>> parcels = gpd.GeoDataFrame(
    ...     {"uid": ["a"], "industrial": pd.array([True], dtype="boolean"), "land_area_m2": [200.0]},
    ...     geometry=[box(0, 0, 20, 10)], crs=4549)
    >>> park = gpd.GeoDataFrame({"park_name": ["P"]}, geometry=[box(0, 0, 5, 10)], crs=4549)
    >>> found = in_parks_of(CityLand(parcels, None, None), CityLand(parcels, park, None))
    >>> found.loc[found["id"] == "industrial_concentration", ["level", "numerator", "denominator"]].values.tolist()
    [['city', 50.0, 200.0], ['zone', 50.0, 200.0], ['park', 50.0, 200.0]]
    """
    columns = ["id", "level", "scope_id", *_SUMS]
    if other.parks is None or not land.industrial.any():
        return pd.DataFrame(columns=columns).astype(dict.fromkeys(_SUMS, "float64"))
    held = _held(land, other)
    return measure(tally(held, None, BOUNDARY_LEVELS), scopes(held, None, "city", BOUNDARY_LEVELS))[columns]


def _held(land: CityLand, other: CityLand) -> Land:
    """Cut the parcels of a run by the parks of another, and share the sums they carry among the pieces."""
    own, districts = land.parcels.reset_index(drop=True), other.districts
    bare = gpd.GeoDataFrame(
        {"parcel_id": [f"{row:012d}" for row in range(len(own))], "land_use_name": "any"},  # the order stays
        geometry=own.geometry.to_numpy(),
        crs=own.crs,
    )
    cut = attach(
        bare,
        other.parks,
        districts=None if districts is None else districts.rename(columns={"district_id": "district_code"}),
        system="names",
        area="planar",
        overlap=other.overlap,
    )
    known = {column: own[column] for column in EXTENSIVE if column in own}
    # A column of classes says only that there is a survey; the sums it gave are among those carried.
    classes = {SURVEYED[column].column: "" for column in known if column in SURVEYED}
    flags = {
        name: own.get(name, pd.Series(pd.NA, index=own.index)).astype("boolean") for name in ("industrial", "built")
    }
    group, weight = cut.pieces["parcel"].to_numpy("intp"), cut.pieces["share"].to_numpy("float64")
    shared = {
        column: _shared(column, known[column], group, weight) if column in known else np.nan for column in EXTENSIVE
    }
    return replace(
        cut,
        parcels=cut.parcels.assign(**flags, **classes),
        pieces=cut.pieces.assign(**shared),
    )


def _shared(column: str, values: pd.Series, group: Rows, weight: Floats) -> Floats:
    """Share a sum of each parcel among its pieces, in whole steps; missing stays missing."""
    base = "cny" if column.endswith("_cny") else "m2"
    amount = values.to_numpy("float64")
    steps = share_out(to_tally(np.nan_to_num(amount, nan=0.0), base), group, weight)
    return np.where(np.isfinite(amount[group]), from_tally(steps, base), np.nan)


def moved_sums(
    land: CityLand, other: CityLand, own: pd.DataFrame, places: pd.DataFrame, sides: tuple[str, str]
) -> pd.DataFrame:
    """Tell what other boundaries alone bring into the sums of a run's figures.

    Parameters
    ----------
    land, other : CityLand
        The land stays as it is, and goes from its own run's boundaries into those of the other.
    own : DataFrame
        Figures of the run whose land it is, from `figures`.
    places : DataFrame
        From `match_places`.
    sides : (str, str)
        Side of `places` the land is of, and the other one: before, after.

    Returns
    -------
    DataFrame
        By indicator and row of `places`: `numerator`, `denominator` in the other boundaries less those in its own.
        A figure of the whole city has none, but for concentration.
    """
    home, abroad = (
        _by_place(table, places, side) for table, side in zip((own, in_parks_of(land, other)), sides, strict=True)
    )
    rows = abroad.index.intersection(home.index)
    apart = abroad.loc[rows] - home.loc[rows]
    names, at = rows.get_level_values(0), places["level"].reindex(rows.get_level_values(1))
    return apart[(at != "city").to_numpy(dtype=bool) | (names == "industrial_concentration")]


def _by_place(table: pd.DataFrame, places: pd.DataFrame, side: str) -> pd.DataFrame:
    """Return both sums by indicator and row of `places`; the city is the city under any name."""
    there = places[places[f"id_{side}"].notna() & places["level"].isin(BOUNDARY_LEVELS)]
    key = pd.DataFrame({"level": there["level"], "scope_id": there[f"id_{side}"], "place": there.index})
    key, rows = (
        one.astype({"level": "string", "scope_id": "string"}).assign(
            scope_id=lambda frame: frame["scope_id"].mask(frame["level"].isin(ONLY_ONE), "")
        )
        for one in (key, table[["id", "level", "scope_id", *_SUMS]])
    )
    return rows.merge(key, on=["level", "scope_id"]).drop_duplicates(["id", "place"]).set_index(["id", "place"])[_SUMS]


def moved_places(before: CityLand, after: CityLand, places: pd.DataFrame, *, tolerance_m: float = 1.0) -> pd.Series:
    """Tell whose boundaries moved by more than a tolerance, by row of `places`; of a place of one run nobody asks.

    Examples
    --------
    >>> from shapely import box
    >>> def city(x):
    ...     park = gpd.GeoDataFrame({"park_id": ["P"], "zone_id": ["Z"]}, geometry=[box(0, 0, x, 10)], crs=4549)
    ...     return CityLand(gpd.GeoDataFrame(geometry=[], crs=4549), park, None)
    >>> places = pd.DataFrame({"level": ["zone", "park"], "id_before": ["Z", "P"], "id_after": ["Z", "P"]})
    >>> [moved_places(city(10), city(x), places).tolist() for x in (10.4, 15)]
    [[False, False], [True, True]]
    """
    old, new = _outlines(before), _outlines(after)
    moved = []
    told = places[["level", "id_before", "id_after"]].astype("object")
    for level, one, other in told.where(told.notna(), None).itertuples(index=False, name=None):
        alone = level in ONLY_ONE
        was, now = old.get((level, "" if alone else one)), new.get((level, "" if alone else other))
        apart = None if was is None or now is None else shapely.symmetric_difference(was, now)
        moved.append(apart is not None and float(shapely.area(opened(np.array([apart]), tolerance_m))[0]) > LEAST_M2)
    return pd.Series(moved, index=places.index, dtype="bool")


def _outlines(land: CityLand) -> Mapping[tuple[str, str], shapely.Geometry]:
    """Shapes of the places by level and id; the city and all zones are what the parks cover."""
    found: dict[tuple[str, str], shapely.Geometry] = {}
    for level, frame in (("park", land.parks), ("zone", land.parks), ("district", land.districts)):
        column = f"{level}_id"
        if frame is not None and column in frame:
            parts = frame.geometry.groupby(frame[column].astype("string")).agg(lambda one: shapely.union_all(one.array))
            found |= {(level, str(place)): shape for place, shape in parts.items()}
    if land.parks is not None:
        every = shapely.union_all(land.parks.geometry.array)
        found |= {(level, ""): every for level in ONLY_ONE}
    return found


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
        land of the earlier run on it, missing where a parcel has no area), geometry. Parks may overlap, so rows do
        not add up to the city.

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
    """Industrial land of a run on each face; missing where a parcel on it has no area."""
    rows = np.flatnonzero(land.industrial)
    pairs = intersect(land.shapes[rows], faces)
    area = land.parcels["land_area_m2"].to_numpy("float64")[rows[pairs.left]] * pairs.share
    steps = np.zeros(len(faces), dtype="int64")
    np.add.at(steps, pairs.right, to_tally(np.nan_to_num(area, nan=0.0), "m2"))
    unknown = np.bincount(pairs.right, weights=np.isnan(area), minlength=len(faces)) > 0
    return np.where(unknown, np.nan, from_tally(steps, "m2"))
