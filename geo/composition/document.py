"""`zones` and `living_circle` of `results.json`: what was found of each zone, as plain data.

One entry a zone; parks, points, land between and scattered clusters stand in the zone they belong to, a cluster in
that of its nearest park. Knows no figure of its own. Units stand in the names; what is missing is null.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from geo.composition.found import Composition
from geo.composition.living import LivingCircle

__all__ = ["living_document", "zone_documents"]

_PARK = ("park_id", "park_name", "role", "host_district", "operator", "area_m2", "industrial_m2", "compactness")
_POINT = (
    "point_id", "number", "area_m2", "industrial_m2", "to_main_km", "centroids_km", "too_small", "too_far",
)  # fmt: skip
_JOIN = (
    "join_id", "point_a", "point_b", "gap_m", "area_m2", "parcels", "industrial_m2", "constrained_m2", "constraints",
)  # fmt: skip
_CLUSTER = ("cluster_id", "parcels", "area_m2", "park_id", "distance_m", "parcel_ids")


def zone_documents(found: Composition) -> list[dict[str, Any]]:
    """Return one entry a zone: its row of `Composition.zones`, with `park_list`, `joins` and `clusters_beside`."""
    beside = found.clusters.table[found.clusters.table["beside"]]
    return [
        {
            **zone,
            "park_list": _parks(found, str(zone["zone_id"])),
            "joins": _of(found.joins, zone["zone_id"], _JOIN),
            "clusters_beside": _of(beside, zone["zone_id"], _CLUSTER),
        }
        for zone in found.zones.drop(columns="geometry").to_dict("records")
    ]


def living_document(found: LivingCircle) -> dict[str, Any]:
    """Return what was found of services and homes: the walk, the classes, and one entry a place and class."""
    walk = found.walk
    return {
        "minutes": walk.minutes,
        "speed_m_per_min": walk.speed_m_per_min,
        "detour": walk.detour,
        "straight_m": walk.straight_m,
        "length_m": walk.length_m,
        "access_m": walk.access_m,
        "not_walked": list(walk.not_walked),
        "way": found.way,
        "straight_because": found.straight_because,
        "roads": found.roads,
        "off_roads": found.off_roads,
        "kinds": found.kinds,
        "without_place": found.without_place,
        "services": found.services.to_dict("records"),
        "homes": found.homes.to_dict("records"),
    }


def _parks(found: Composition, zone: str) -> list[dict[str, Any]]:
    points = found.points.drop(columns="geometry")
    mine = found.parks[found.parks["zone_id"] == zone]
    return [
        {
            **{name: park[name] for name in _PARK},
            "points": points.loc[points["park"] == row, [*_POINT]].to_dict("records"),
        }
        for row, park in zip(mine.index, mine.to_dict("records"), strict=True)
    ]


def _of(table: pd.DataFrame, zone: object, columns: tuple[str, ...]) -> list[dict[Any, Any]]:
    return table.loc[table["zone_id"] == zone, [*columns]].to_dict("records")
