"""The sheets of how zones are put together: a row a zone, a point, and a lead for consolidation; the living circle.

Shares are formulas over the sums in their row; every limit is the project's own, and its head says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from geo.composition.found import Composition
from geo.composition.proposals import proposals
from geo.labels import text
from geo.report.xlsx_desk import Desk
from geo.report.xlsx_living import living_tables, plain, quotient, to_mu
from geo.report.xlsx_rows import Column
from layers.units import label

__all__ = ["composition_tables"]


def composition_tables(desk: Desk) -> dict[str, list[Column]]:
    """Return the columns of each sheet; those without rows are left out."""
    found = desk.assessment.composition
    if found is None:
        return {}
    tables = {"composition": _zones(desk, found), "points": _points(desk, found)}
    leads = proposals(found)
    if len(leads):
        tables["proposals"] = _proposals(desk, leads)
    return tables | ({} if found.living is None else living_tables(desk, found.living, found.parks))


def _zones(desk: Desk, found: Composition) -> list[Column]:
    zones = found.zones
    names = found.parks.set_index("park_id")["park_name"]

    def mu(key: str, column: str) -> Column:
        return desk.column("composition", key, to_mu(zones[column]), "amount", unit="mu")

    def share(key: str, part: str, whole: str) -> Column:
        return desk.column("composition", key, plain(zones[key]), "percent", formula=quotient(part, whole))

    return [
        desk.column("composition", "zone_id", zones["zone_id"].tolist()),
        desk.column("composition", "zone_name", zones["zone_name"].tolist()),
        desk.column("composition", "zone_parks", zones["parks"].tolist(), "int"),
        *(desk.column("composition", key, zones[key].tolist(), "int") for key in ("points", "blocks")),
        desk.column("composition", "main_park", [_main(desk, zone, names) for zone in zones.to_dict("records")]),
        mu("zone_area_mu", "area_m2"),
        mu("main_area_mu", "main_area_m2"),
        share("main_area_share", "main_area_mu", "zone_area_mu"),
        mu("zone_industrial_mu", "industrial_m2"),
        mu("main_industrial_mu", "main_industrial_m2"),
        share("main_industrial_share", "main_industrial_mu", "zone_industrial_mu"),
        desk.column("composition", "farthest_km", plain(zones["farthest_km"]), "ratio"),
        *(desk.column("composition", key, plain(zones[key]), "fine") for key in ("compactness", "division")),
        mu("mesh_mu", "effective_mesh_m2"),
        mu("zone_overlap_mu", "overlap_m2"),
    ]


def _points(desk: Desk, found: Composition) -> list[Column]:
    points = pd.DataFrame(found.points.drop(columns="geometry"))
    parks = found.parks.loc[points["park"]]

    def column(key: str, values: Sequence[object], kind: str = "text", **more: Any) -> Column:  # noqa: ANN401
        return desk.column("points", key, values, kind, **more)

    return [
        column("zone_name", points["zone_name"].tolist()),
        column("park_name", points["park_name"].tolist()),
        column("point_id", points["point_id"].tolist()),
        column("park_role", [desk.known("role", role) for role in parks["role"]]),
        column("host_district", parks["host_district"].tolist()),
        column("operator", parks["operator"].tolist()),
        column("point_area_mu", to_mu(points["area_m2"]), "amount", unit="mu"),
        column("point_industrial_mu", to_mu(points["industrial_m2"]), "amount", unit="mu"),
        *(column(key, plain(points[key]), "ratio") for key in ("to_main_km", "centroids_km")),
        *(column(key, _yes(desk, points[key])) for key in ("too_small", "too_far")),
    ]


def _yes(desk: Desk, marks: pd.Series) -> list[str | None]:
    return [None if pd.isna(mark) else desk.word("yes" if mark else "no") for mark in marks]


def _main(desk: Desk, zone: dict[Any, Any], names: pd.Series) -> str:
    if pd.isna(zone["main_park"]):
        return text(f"report.main_is_{zone['main_known_by']}", desk.language)
    return str(names[zone["main_park"]])


def _proposals(desk: Desk, leads: pd.DataFrame) -> list[Column]:
    def column(key: str, values: Sequence[object], kind: str = "text", **more: Any) -> Column:  # noqa: ANN401
        return desk.column("proposals", key, values, kind, **more)

    return [
        column("proposal_id", leads["id"].tolist()),
        column("proposal", [text(f"report.proposal_{kind}", desk.language) for kind in leads["kind"]]),
        column("zone_name", leads["zone_name"].tolist()),
        column("park_name", leads["name"].tolist()),
        column("proposal_value", plain(leads["value"]), "ratio"),
        column("proposal_limit", plain(leads["limit"]), "ratio"),
        column("proposal_unit", [label(unit, desk.language) for unit in leads["unit"]]),
        column("proposal_mu", to_mu(leads["area_m2"]), "amount", unit="mu"),
        column("proposal_industrial_mu", to_mu(leads["industrial_m2"]), "amount", unit="mu"),
        column("proposal_parcels", plain(leads["parcels"]), "int"),
        column("constrained_mu", to_mu(leads["constrained_m2"]), "amount", unit="mu"),
    ]
