"""Chapter 附图: the printed maps, a page each; where none can be drawn, what is missing and how to get them.

Draws nothing itself: `printed_maps` asks `geo.maps.paper` for one sheet a theme.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from geo.assessment import Assessment
from geo.maps.paper import PAPERS, write_sheet
from geo.planned import Planned
from geo.report.cells import Desk
from geo.report.parts import Figure, Paragraph, Picture, Section
from layers.errors import ParkwiseError, Words
from layers.output import scratch

__all__ = ["PrintedMap", "map_chapter", "printed_maps"]

#: Themes a report shows, as far as the data have them.
_THEMES = ("zones", "land_use", "candidates", "plan")
#: Enough for a page that is printed, and little enough for a page that is sent.
_DPI = 150


@dataclass(frozen=True)
class PrintedMap:
    """A map of one theme: the theme's title and the drawing."""

    theme: str
    title: str
    picture: Picture


def printed_maps(
    assessment: Assessment, plan: Planned | None = None, *, facts: pd.DataFrame | None = None
) -> tuple[PrintedMap, ...] | Words:
    """Draw the maps of a report (附图).

    Parameters
    ----------
    assessment : Assessment
    plan : Planned, optional
    facts : DataFrame, optional
        What `geo.maps.facts.parcel_facts` found, where it is there already.

    Returns
    -------
    tuple of PrintedMap, or Words
        None without parcels; in words why nothing can be drawn and how to mend it.
    """
    if assessment.land is None:
        return ()
    try:
        with scratch() as folder:
            return tuple(_drawn(assessment, plan, facts, folder))
    except ParkwiseError as error:
        return Words(error.en, error.zh)


def _drawn(assessment: Assessment, plan: Planned | None, facts: pd.DataFrame | None, folder: Path) -> list[PrintedMap]:
    from geo.maps.facts import parcel_facts  # noqa: PLC0415  (the face of maps is loaded when one is drawn)
    from geo.maps.themes import themes  # noqa: PLC0415

    facts = parcel_facts(assessment) if facts is None else facts
    made = {one.id: one.title for one in themes(assessment, facts, assessment.project.language, plan)}
    found = []
    for theme in _THEMES:
        if theme in made:
            sheet = folder / f"{theme}.png"
            write_sheet(assessment, sheet, form="png", theme=theme, plan=plan, dpi=_DPI, facts=facts)
            found.append(PrintedMap(theme, made[theme], Picture(sheet.read_bytes(), *PAPERS["A4"])))
    return found


def map_chapter(desk: Desk, maps: Sequence[PrintedMap] | Words) -> Section | None:
    """Write the chapter; None where there is no land to draw or nobody asked."""
    if isinstance(maps, Words):
        told = desk.say("no_maps", why=maps.text(desk.language))
        return Section("maps", desk.say("ch_maps"), (Paragraph(told, "note"),))
    if not maps:
        return None
    source = desk.line(desk.say("src_map"))
    figures = (
        Figure(f"map-{one.theme}", desk.say("fig_map", city=desk.city, title=one.title), one.picture, source)
        for one in maps
    )
    return Section("maps", desk.say("ch_maps"), tuple(figures))
