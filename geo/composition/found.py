"""Everything there is to say of how the zones of a city are put together (`compose`).

Calls the rooms of this package in turn and holds what they found beside the limits they were given. The limits are
the project's own, since no document states any; they are settings of the project file with printed defaults.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from geo.composition.clusters import Scattered, find_clusters
from geo.composition.joins import find_joins
from geo.composition.living import LivingCircle
from geo.composition.points import points_of
from geo.composition.zone_table import park_rows, shared_with_others, zone_rows
from geo.land import Land

__all__ = ["Composition", "Limits", "compose"]


@dataclass(frozen=True)
class Limits:
    """Limits of the project's own: m², m.

    Attributes
    ----------
    minimum_point_m2 : float
        A point with less land is too small.
    far_m : float
        A point farther from the main park is too far.
    gap_m : float
        Points with a gap no broader nearly touch; a cluster no farther from a park lies next to it.
    cluster_within_m : float
        Industrial parcels outside every park no farther apart form one cluster.
    cluster_minimum_m2 : float
        Smaller clusters are not listed.
    """

    minimum_point_m2: float = 100_000.0
    far_m: float = 5_000.0
    gap_m: float = 100.0
    cluster_within_m: float = 50.0
    cluster_minimum_m2: float = 10_000.0


@dataclass(frozen=True)
class Composition:
    """How the zones of a city are put together.

    Attributes
    ----------
    limits : Limits
    zones : GeoDataFrame
        One row a zone, see `zone_table.zone_rows`.
    parks : DataFrame
        One row a park, see `zone_table.park_rows`.
    points : GeoDataFrame
        One row a point, see `points.points_of`, and whether it is `too_small` or `too_far` (missing where it is not
        known how far it lies).
    joins : GeoDataFrame
        See `joins.find_joins`.
    clusters : Scattered
    with_constraints : bool
        Whether a layer of constraints was there to ask.
    living : LivingCircle or None
        See `living.living_circle`; None where neither services nor housing are known.
    """

    limits: Limits
    zones: gpd.GeoDataFrame
    parks: pd.DataFrame
    points: gpd.GeoDataFrame
    joins: gpd.GeoDataFrame
    clusters: Scattered
    with_constraints: bool
    living: LivingCircle | None = None


def compose(
    land: Land,
    overlaps: pd.DataFrame,
    limits: Limits | None = None,
    *,
    area: str = "tdt1055",
    constraints: gpd.GeoDataFrame | None = None,
    living: LivingCircle | None = None,
) -> Composition:
    """Say how each zone is put together and how it could be consolidated (一区多园).

    Parameters
    ----------
    land : Land
        With parks; of its parcels the industrial ones are needed.
    overlaps : DataFrame
        The overlap matrix, as `concentrations.overlap_matrix` returns it.
    limits : Limits, optional
    area : str
        Area method, see `layers.area`.
    constraints : GeoDataFrame, optional
        `kind`; in the CRS of the land.
    living : LivingCircle, optional
        Kept with the rest.

    Returns
    -------
    Composition

    Raises
    ------
    ValueError
        The land was attached without parks.

    Examples
    --------
    A main park and a branch 60 m from it, both of one hectare:

    >>> import shapely
    >>> from geo.concentrations import overlap_matrix
    >>> from geo.land import attach
    >>> parks = gpd.GeoDataFrame(
    ...     {"park_name": ["A", "B"], "zone_name": "Z", "role": ["main", "branch"]},
    ...     geometry=[shapely.box(0, 0, 100, 100), shapely.box(160, 0, 260, 100)], crs=32651)
    >>> parcels = gpd.GeoDataFrame({"land_use_code": ["0601"]}, geometry=[shapely.box(10, 10, 20, 20)], crs=32651)
    >>> land = attach(parcels, parks, area="planar")
    >>> found = compose(land, overlap_matrix(land.parks, "planar"), area="planar")
    >>> found.zones[["parks", "blocks", "main_area_share", "division"]].iloc[0].tolist()
    [2.0, 2.0, 0.5, 0.5]
    >>> found.joins[["gap_m", "area_m2"]].iloc[0].tolist()
    [60.0, 6000.0]
    """
    if land.parks is None:
        raise ValueError("the land was attached without parks")
    limits = limits or Limits()
    points = _judged(points_of(land, area), limits)
    rows = park_rows(land.parks, points, land.districts)
    common = shared_with_others(land.parks, overlaps, area)
    return Composition(
        limits=limits,
        zones=zone_rows(land.parks, rows, points, common, area),
        parks=rows,
        points=points,
        joins=find_joins(land, points, gap_m=limits.gap_m, area=area, constraints=constraints),
        clusters=find_clusters(
            land,
            within_m=limits.cluster_within_m,
            minimum_m2=limits.cluster_minimum_m2,
            beside_m=limits.gap_m,
        ),
        with_constraints=constraints is not None,
        living=living,
    )


def _judged(points: gpd.GeoDataFrame, limits: Limits) -> gpd.GeoDataFrame:
    far = (points["to_main_km"] * 1000 > limits.far_m).astype("boolean").mask(points["to_main_km"].isna())
    made: gpd.GeoDataFrame = points.assign(too_small=points["area_m2"] < limits.minimum_point_m2, too_far=far)
    return made
