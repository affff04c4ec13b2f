"""What every printed map bears beside its subject: scale bar, north arrow, and the line at the foot.

Knows how they are drawn; the scale, the coordinate system and the sources are told by whoever lays out the page.
"""

from __future__ import annotations

from datetime import date

from geo.assessment import Assessment
from geo.charts.texts import shorten
from geo.labels import text
from geo.maps.facts import land_of
from geo.maps.paper.extent import Extent, bar_m
from geo.maps.paper.pen import INK, MUTED, Pen
from layers.projections import describe

__all__ = ["foot", "north_arrow", "scale_bar"]


def scale_bar(pen: Pen, place: tuple[float, float], scale: float, language: str) -> None:
    """Draw a bar of four parts, on white, at a place of the page (mm)."""
    unit = pen.scale
    length = bar_m(scale, 45 * unit)
    wide = length * 1000 / scale
    x, y = place[0] + 3 * unit, place[1] + 2.4 * unit
    pen.box(*place, wide + 13 * unit, 9.2 * unit, facecolor="#ffffff", edgecolor="none", alpha=0.86)
    for part in range(4):
        pen.box(x + wide * part / 4, y, wide / 4, 1.3 * unit, facecolor=INK if part % 2 == 0 else "#ffffff",
                edgecolor=INK, linewidth=0.45 * unit)  # fmt: skip
    kilometres = length >= 1000
    shown = length / 1000 if kilometres else length
    name = text("print.km" if kilometres else "print.m", language)
    for share in (0.0, 0.5, 1.0):
        ends = f" {name}" if share == 1 else ""
        pen.text(x + wide * share, y + 2.5 * unit, f"{shown * share:g}", 6.2, ha="center")
        if ends:
            pen.text(x + wide + pen.width_of(f"{shown:g}", 6.2) / 2, y + 2.5 * unit, ends, 6.2)


def north_arrow(pen: Pen, place: tuple[float, float]) -> None:
    """Draw an arrow to grid north."""
    x, y, unit = *place, pen.scale
    tip, half, notch = y + 9 * unit, 2.4 * unit, y + 2 * unit
    pen.polygon([(x, tip), (x - half, y), (x, notch)], facecolor=INK, edgecolor=INK)
    pen.polygon([(x, tip), (x + half, y), (x, notch)], facecolor="#ffffff", edgecolor=INK)
    pen.text(x, tip + 1.0 * unit, "N", 8.0, bold=True, ha="center")


def foot(pen: Pen, assessment: Assessment, extent: Extent, paper: str, drawn_on: date, number: tuple[int, int]) -> None:
    """Write scale, coordinate system, area method, dates and page number along the lower edge."""
    language, project = assessment.project.language, assessment.project
    method = text(f"area.{project.text('project.area') or 'tdt1055'}", language)
    crs = land_of(assessment).parcels.crs
    told = [
        text("print.scale", language, scale=f"{extent.scale:,.0f}", paper=paper),
        text("print.crs", language, crs=describe(crs)) if crs is not None else "",
        text("print.area", language, method=method),
        text("print.drawn", language, day=drawn_on.isoformat()),
        text("print.source", language, project=project.text("project.name") or assessment.city),
    ]
    unit, y, edge = pen.scale, 10.0, 10.0
    room = pen.width - 2 * edge - 18 * unit
    first, second = "　".join(one for one in told[:2] if one), "　".join(told[2:])
    pen.text(edge, y + 3.4 * unit, shorten(first, room / pen.em(6.4)), 6.4)
    pen.text(edge, y, shorten(second, room / pen.em(6.4)), 6.4, color=MUTED)
    pen.text(pen.width - edge, y, f"{number[0]} / {number[1]}", 7.2, ha="right", color=MUTED)
