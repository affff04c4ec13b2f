"""What could be looked at to consolidate the zones (整合线索): one list of everything the limits caught.

Each row names the limit it was held against and its own value. A row is a lead from geometry and land use alone:
whether two points should join, or a point be given up, is for planners to say. Knows no word of a report.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd

from geo.composition.found import Composition

__all__ = ["KINDS", "proposals"]

#: Kinds of proposals, in the order of the list.
KINDS = ("join", "too_small", "too_far", "cluster")
_COLUMNS = {
    "kind": "object", "zone_id": "object", "zone_name": "object", "id": "object", "name": "object",
    "area_m2": "float64", "industrial_m2": "float64", "parcels": "float64", "value": "float64", "limit": "float64",
    "unit": "object", "constrained_m2": "float64",
}  # fmt: skip


def proposals(found: Composition) -> pd.DataFrame:
    """Return every proposal: kind by kind, and of a kind what stands out most first.

    That is the narrowest gap, the least land of a point, the farthest point, the largest cluster.

    Parameters
    ----------
    found : Composition

    Returns
    -------
    DataFrame
        `kind` (``join``: land between points that nearly touch; ``too_small``, ``too_far``: a point; ``cluster``:
        scattered industry next to a park), `zone_id`, `zone_name`, `id` (of the join, point or cluster), `name` (of
        the parks), `area_m2`, `industrial_m2`, `parcels` (industrial ones; missing for points), `value` held against
        `limit` in `unit` (m or m²), `constrained_m2` (of a join; missing else, and where there is no such layer).
    """
    parts = [part for part in (_joins(found), *_points(found), _clusters(found)) if len(part)]
    empty = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _COLUMNS.items()})
    if not parts:
        return empty
    table = pd.concat(parts, ignore_index=True)
    return table.reindex(columns=[*_COLUMNS]).astype(_COLUMNS)


def _joins(found: Composition) -> pd.DataFrame:
    table = pd.DataFrame(found.joins.drop(columns="geometry")).sort_values("gap_m", kind="stable")
    return table.assign(
        kind="join",
        id=table["join_id"],
        name=[_both(row) for row in table.to_dict("records")],
        value=table["gap_m"],
        limit=found.limits.gap_m,
        unit="m",
    )


def _both(row: dict[Hashable, Any]) -> str:
    """Name both ends; points of one park by their ids too, unless those say its name."""
    if row["name_a"] != row["name_b"]:
        return f"{row['name_a']} – {row['name_b']}"
    ends = f"{row['point_a']} – {row['point_b']}"
    return ends if row["point_a"].startswith(f"{row['name_a']}#") else f"{row['name_a']} {ends}"


def _points(found: Composition) -> list[pd.DataFrame]:
    points = pd.DataFrame(found.points.drop(columns="geometry"))
    table = points.assign(id=points["point_id"], name=points["park_name"]).sort_values(["zone_id", "id"])
    small = table[table["too_small"]].sort_values("area_m2", kind="stable")
    far = table[table["too_far"].fillna(value=False).astype(bool)]
    far = far.sort_values("to_main_km", ascending=False, kind="stable")
    return [
        small.assign(kind="too_small", value=small["area_m2"], limit=found.limits.minimum_point_m2, unit="m2"),
        far.assign(kind="too_far", value=far["to_main_km"] * 1000, limit=found.limits.far_m, unit="m"),
    ]


def _clusters(found: Composition) -> pd.DataFrame:
    table = pd.DataFrame(found.clusters.table.drop(columns="geometry"))
    table = table[table["beside"]]
    return table.assign(
        kind="cluster",
        id=table["cluster_id"],
        name=table["park_name"],
        industrial_m2=table["area_m2"],
        value=table["distance_m"],
        limit=found.limits.gap_m,
        unit="m",
    )
