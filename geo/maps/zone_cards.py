"""What the card of a zone shows beside its figures: radar, roles, points and how far they lie (`zone_parts`).

Takes numbers from `assessment.composition` and `attainments` as they stand; measures nothing. Where nobody looked
at the composition the card goes without. Distances are km between boundaries, in the plane of the analysis.
"""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.assessment import Assessment
from geo.attainments import Attainment, attainment
from geo.charts.attained import radar_of
from geo.charts.radar import radar_svg
from geo.composition.found import Composition
from geo.labels import area_text, text
from geo.maps.packing import Block, inner_points, mercator
from geo.maps.themes import role_word

__all__ = ["fill_points", "zone_parts"]


def zone_parts(assessment: Assessment, language: str) -> dict[str, dict[str, Any]]:
    """Return what stands on the card of each zone, by its id.

    Returns
    -------
    dict
        `radar` (an SVG element, its texts escaped; "" where fewer than three figures are known), `roles` (how many
        parks of each) and `points`: `row` among `Composition.points`, `park` (row), `name`, `role`, `area`,
        `distance` ("" where the zone has no main park, or several), `marks` (too small, too far), `to` (row of the
        main park's largest point, None for itself and where there is no distance).
    """
    reached = attainment(assessment)
    parts: dict[str, dict[str, Any]] = {
        zone: {"radar": _radar(reached, zone, language)} for zone in map(str, reached.zones)
    }
    if assessment.composition is None:
        return parts
    found = assessment.composition
    for row in found.zones.drop(columns="geometry").to_dict("records"):
        parts.setdefault(str(row["zone_id"]), {}).update(
            roles=_roles(row["roles"], language),
            points=_points(found, str(row["zone_id"]), row["mains"], language),
        )
    return parts


def fill_points(block: Block, assessment: Assessment) -> None:
    """Add a place well inside every point, in metres of Web Mercator."""
    if assessment.composition is None or not len(assessment.composition.points):
        return
    points = assessment.composition.points
    places = shapely.get_coordinates(inner_points(mercator(gpd.GeoSeries(points.geometry))))
    for axis, of in (("x", 0), ("y", 1)):
        block.numbers(f"points.label_{axis}", places[:, of], 1)


def _radar(reached: Attainment, zone: str, language: str) -> str:
    radar = radar_of(reached, zone, language)
    return "" if radar is None else radar_svg(radar, text("map.ui.radar", language))


def _roles(roles: dict[str, int], language: str) -> str:
    words = {
        role: text("map.role_unknown", language) if role == "unknown" else role_word(role, language) for role in roles
    }
    return " · ".join(f"{words[role]} {count}" for role, count in roles.items())


def _points(found: Composition, zone: str, mains: list[str], language: str) -> list[dict[str, Any]]:
    rows = found.points[found.points["zone_id"].astype(str) == zone]
    own = rows.index[rows["park_id"].astype(str).isin(mains)]
    to = int(own[0]) if len(mains) == 1 and len(own) else None
    return [_point(row, rows.loc[row], to, language) for row in map(int, rows.index)]


def _point(row: int, point: pd.Series, to: int | None, language: str) -> dict[str, Any]:
    number = f" #{point['number']}" if point["of"] > 1 else ""
    far = float(point["to_main_km"])
    marks = [text(f"map.point.{mark}", language) for mark in ("too_small", "too_far") if _is(point[mark])]
    return {
        "row": row,
        "park": int(point["park"]),
        "name": f"{point['park_name']}{number}",
        "role": "" if pd.isna(point["role"]) else role_word(str(point["role"]), language),
        "area": area_text(float(point["area_m2"]), language),
        "distance": f"{far:,.2f} km" if np.isfinite(far) and row != to else "",
        "marks": marks,
        "to": to if np.isfinite(far) and row != to else None,
    }


def _is(mark: Any) -> bool:  # noqa: ANN401  (a scalar out of a table, or missing)
    return not pd.isna(mark) and bool(mark)
