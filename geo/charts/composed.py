"""How zones are put together, drawn: parks, land between and scattered industry beside them (`draw_zones`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import shapely

from geo.charts.outline import Outline, Part, Ring, outline_css, outline_svg
from geo.composition.found import Composition
from geo.labels import text

__all__ = ["Outlines", "draw_zones", "outline_of"]

#: A line is drawn to this part of the drawing's breadth.
_FINEST = 600


@dataclass(frozen=True)
class Outlines:
    """The outlines of several zones; a notebook shows them side by side."""

    outlines: tuple[Outline, ...]

    def _repr_html_(self) -> str:
        drawn = "".join(
            f'<div style="flex:1 1 300px;max-width:420px">{outline_svg(one, one.name)}</div>' for one in self.outlines
        )
        return f'<style>{outline_css()}</style><div style="display:flex;flex-wrap:wrap;gap:12px">{drawn}</div>'


def draw_zones(found: Composition, language: str = "zh") -> Outlines:
    """Draw how each zone is put together (园区构成图), in order of the table.

    Parameters
    ----------
    found : Composition
        From `composition.found.compose`.
    language : str
        ``zh`` or ``en``.

    Returns
    -------
    Outlines
    """
    return Outlines(tuple(outline_of(found, str(zone), language) for zone in found.zones["zone_id"]))


def outline_of(found: Composition, zone: str, language: str = "zh") -> Outline:
    """Return the outline of one zone, by its id: its parks, the land between, and clusters beside it."""
    row = found.zones.set_index("zone_id").loc[zone]
    points = found.points[found.points["zone_id"] == zone]
    joins = found.joins[found.joins["zone_id"] == zone]
    table = found.clusters.table
    beside = table[table["beside"] & (table["zone_id"] == zone)]
    west, south, east, north = points.total_bounds
    finest = max(east - west, north - south) / _FINEST
    mains = set(row["mains"]) or {row["main_park"]}
    parts = [
        *_parts(beside, finest, lambda one: ("cluster", str(one["cluster_id"]))),
        *_parts(
            points.sort_values("area_m2", ascending=False),
            finest,
            lambda one: ("main" if one["park_id"] in mains else "other", f"{one['park_name']} {one['point_id']}"),
        ),
        *_parts(joins, 0.0, lambda one: ("join", str(one["join_id"]))),
    ]
    used = {part.look for part in parts}
    looks = [
        (look, text(f"composition.{look}", language)) for look in ("main", "other", "join", "cluster") if look in used
    ]
    return Outline(str(row["zone_name"]), tuple(parts), tuple(looks))


def _parts(table: gpd.GeoDataFrame, finest: float, told: Callable[[Any], tuple[str, str]]) -> list[Part]:
    rows = table.drop(columns="geometry").to_dict("records")
    shapes = shapely.simplify(table.geometry.to_numpy(), finest)
    looks = map(told, rows)
    return [Part(look, title, _rings(shape)) for (look, title), shape in zip(looks, shapes, strict=True)]


def _rings(shape: shapely.Geometry) -> tuple[Ring, ...]:
    rings = shapely.get_rings(shapely.get_parts(shape))
    return tuple(tuple((float(x), float(y)) for x, y in shapely.get_coordinates(ring)) for ring in rings)
