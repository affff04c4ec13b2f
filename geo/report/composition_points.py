"""The table of points: every part of the parks of a zone that lies apart, who runs it, and how far it lies.

Writes `Composition.points` beside `Composition.parks`; computes nothing.
"""

from __future__ import annotations

from typing import Any

from geo.composition.found import Composition
from geo.report.cells import DASH, Desk, Record, count_text, plain_rows, unknown
from geo.report.parts import Cell, Column, Table

__all__ = ["known_role", "points_table"]

#: So many points are told; all stand in the workbook.
_LISTED = 100


def points_table(desk: Desk, found: Composition) -> Table | None:
    """Write the points of zones that have several, those of a zone by their distance; None where no zone has."""
    several = found.zones.loc[found.zones["points"] > 1, "zone_id"]
    points = found.points[found.points["zone_id"].isin(several)].drop(columns="geometry")
    if points.empty:
        return None
    order = points.assign(other=points["role"].ne("main").fillna(value=True)).sort_values(
        ["zone_id", "other", "to_main_km", "point_id"], na_position="last"
    )
    shown = order.head(_LISTED)
    told = found.parks.to_dict("index")
    rows: list[list[str | Cell]] = [_row(desk, point, told[point["park"]]) for point in shown.to_dict("records")]
    heads = [
        Column(desk.say("col_zone"), wide=1.3),
        Column(desk.say("col_point"), wide=1.4),
        *(Column(desk.say(f"col_{name}"), wide=0.9) for name in ("role", "host")),
        Column(desk.say("col_operator"), wide=1.3),
        desk.area_columns(desk.say("col_area"))[0],
        desk.area_columns(desk.say("col_industrial_of"))[0],
        Column(desk.say("col_to_main"), "right", 0.8),
    ]
    source = desk.say("src_points", shown=count_text(len(shown)), all=count_text(len(order)))
    return Table("zone-points", desk.say("tab_zone_points"), tuple(heads), plain_rows(rows), desk.line(source))


def _row(desk: Desk, point: Record, park: dict[Any, Any]) -> list[str | Cell]:
    number = f" #{point['number']}" if point["of"] > 1 else ""
    here = point["role"] == "main" and point["number"] == 1  # others are measured from it
    return [
        str(point["zone_name"]),
        f"{point['park_name']}{number}",
        DASH if unknown(park["role"]) else known_role(desk, str(park["role"])),
        *(DASH if unknown(park[name]) else str(park[name]) for name in ("host_district", "operator")),
        *(desk.area_cells(point[name])[0] for name in ("area_m2", "industrial_m2")),
        DASH if here or unknown(point["to_main_km"]) else f"{point['to_main_km']:.2f}",
    ]


def known_role(desk: Desk, role: str) -> str:
    """Return the word for a role; the role itself where it is one of the data's own."""
    try:
        return desk.word(f"role.{role}")
    except KeyError:
        return role
