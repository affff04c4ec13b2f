"""Scattered industry: clusters of industrial parcels outside every park, and the park each lies next to.

A parcel is outside when more than half of its land lies in no park; parcels near to each other form a cluster.
Land of a cluster is what of its parcels lies outside, in whole steps. Knows no plan: that a cluster lies beside a
park says where it could belong, not that it should.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.grouping import linked
from geo.land import Land
from layers.units import from_tally, to_tally

__all__ = ["Scattered", "find_clusters"]

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Scattered:
    """Industry outside every park.

    Attributes
    ----------
    table : GeoDataFrame
        One row a cluster, the largest first: `cluster_id`, `parcels`, `area_m2`, `park_id`, `park_name`, `zone_id`,
        `zone_name` (of the nearest park), `distance_m` (from it), `beside` (no farther than the limit), `parcel_ids`
        (as they are named in `Land`).
    all_parcels, all_m2
        Industrial parcels outside, and their land there; those in clusters too small to list included.
    all_clusters : int
        Clusters of any size.
    """

    table: gpd.GeoDataFrame
    all_parcels: int
    all_m2: float
    all_clusters: int


def find_clusters(land: Land, *, within_m: float, minimum_m2: float, beside_m: float) -> Scattered:
    """Find clusters of industrial parcels outside every park.

    Parameters
    ----------
    land : Land
        With parks; of its parcels the industrial ones are needed.
    within_m : float
        Parcels no farther apart than this form one cluster, m.
    minimum_m2 : float
        Smaller clusters are not listed.
    beside_m : float
        A cluster no farther from a park than this lies next to it, m.

    Returns
    -------
    Scattered
    """
    if land.parks is None:
        raise ValueError("the land was attached without parks")
    rows, steps = _outside(land)
    shapes = land.parcels.geometry.to_numpy()[rows]
    group = _linked(shapes, within_m)
    sums = np.zeros(int(group.max(initial=-1)) + 1, dtype="int64")
    np.add.at(sums, group, steps)
    area = np.asarray(from_tally(sums, "m2"), dtype="float64")
    listed = np.flatnonzero(area >= minimum_m2)
    listed = listed[np.lexsort((listed, -sums[listed]))]
    park, distance = _nearest(shapes, group, land.parks, len(sums))
    members = _members(group)
    parks = land.parks.iloc[park[listed]]
    uid = land.parcels["uid"].astype(str).to_numpy()
    table = gpd.GeoDataFrame(
        {
            "cluster_id": [f"C{number}" for number in range(1, len(listed) + 1)],
            "parcels": np.array([len(members[one]) for one in listed], dtype="int64"),
            "area_m2": area[listed],
            **{name: parks[name].astype(str).to_numpy() for name in ("park_id", "park_name", "zone_id", "zone_name")},
            "distance_m": distance[listed],
            "beside": distance[listed] <= beside_m,
            "parcel_ids": pd.Series([sorted(uid[rows[members[one]]]) for one in listed], dtype="object"),
        },
        geometry=gpd.GeoSeries([shapely.union_all(shapes[members[one]]) for one in listed], crs=land.parcels.crs),
    )
    return Scattered(table, len(rows), float(from_tally(int(steps.sum()), "m2")), len(sums))


def _outside(land: Land) -> tuple[Rows, npt.NDArray[np.int64]]:
    """Return the industrial parcels of which more than half lies outside, and the land that does."""
    own = land.parcels
    industrial = own["industrial"].fillna(value=False).to_numpy(dtype=bool) & own["land_area_m2"].notna().to_numpy()
    pieces = land.pieces[(land.pieces["park"] < 0).to_numpy() & (land.pieces["share"] > 0.5).to_numpy()]
    pieces = pieces[industrial[pieces["parcel"].to_numpy()]]
    return pieces["parcel"].to_numpy("intp"), to_tally(pieces["land_area_m2"], "m2")


def _linked(shapes: npt.NDArray[np.object_], within_m: float) -> Rows:
    if not len(shapes):
        return np.zeros(0, dtype="intp")
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=within_m)
    return linked(one, other, len(shapes))


def _members(group: Rows) -> list[Rows]:
    """Return the parcels of each cluster."""
    return np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1]) if len(group) else []


def _nearest(
    shapes: npt.NDArray[np.object_], group: Rows, parks: gpd.GeoDataFrame, count: int
) -> tuple[Rows, npt.NDArray[np.float64]]:
    """Return the park nearest to each cluster and how far it is; of two as near, the one that ranks first.

    What lies mostly outside is as far from a park as from its boundary; a boundary of many corners is asked edge by
    edge.
    """
    parts, of_part = shapely.get_parts(parks.geometry.to_numpy(), return_index=True)
    rings, of_ring = shapely.get_rings(parts, return_index=True)
    edges, of_edge = _edges(rings)
    tree = shapely.STRtree(edges)
    pairs, distance = tree.query_nearest(shapes, return_distance=True, all_matches=True)
    table = pd.DataFrame(
        {"cluster": group[pairs[0]], "park": of_part[of_ring[of_edge[pairs[1]]]], "distance": distance}
    )
    first = table.sort_values(["cluster", "distance", "park"], kind="stable").drop_duplicates("cluster")
    first = first.set_index("cluster").reindex(range(count))
    return first["park"].to_numpy("intp") if count else np.zeros(0, dtype="intp"), first["distance"].to_numpy("float64")


def _edges(rings: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.object_], Rows]:
    """Take rings apart into their edges, and tell which ring each is of."""
    points, ring = shapely.get_coordinates(rings, return_index=True)
    inner = ring[:-1] == ring[1:]
    return shapely.linestrings(np.stack([points[:-1], points[1:]], axis=1)[inner]), ring[:-1][inner]
