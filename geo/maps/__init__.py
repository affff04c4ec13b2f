"""One map of a whole city in one file that opens with the network unplugged (`draw_map`).

Takes a finished assessment; computes no figure. folium makes the page and the map; Leaflet and jQuery
come from installed packages (`assets`); parcels travel as one compact block (`packing`, `columns`) and
are drawn on canvas tiles by scripts of ours (`*.js`). Nothing is loaded from anywhere but the tiles of a base map
the project asks for (`basemap`), every text from the data is set as text, and a saved page carries a content
security policy that holds it to that.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import folium
import numpy as np
import numpy.typing as npt
import pandas as pd
from branca.element import Element, Figure, MacroElement

from geo.assessment import Assessment
from geo.charts.radar import radar_css
from geo.labels import area_text, text
from geo.maps.assets import Verbatim, disown, inline, lock, our_file
from geo.maps.basemap import Basemap, asked
from geo.maps.columns import fill
from geo.maps.content import as_json, page
from geo.maps.facts import parcel_facts
from geo.maps.graded import grade_themes
from geo.maps.themes import themes
from geo.planned import Planned
from geo.ratings import Ratings

__all__ = ["PARCEL_BUDGET", "draw_map", "map_html", "save_map"]

#: Above this many parcels those that are not industrial are left out, with a note on the map.
PARCEL_BUDGET = 1_000_000

_SCRIPTS = (
    "data.js",
    "canvas.js",
    "cards.js",
    "names.js",
    "panel.js",
    "places.js",
    "raster.js",
    "search.js",
    "sliders.js",
    "tools.js",
    "basemap.js",
    "zones.js",
)


def draw_map(
    assessment: Assessment,
    *,
    language: str | None = None,
    m: folium.Map | None = None,
    budget: int = PARCEL_BUDGET,
    facts: pd.DataFrame | None = None,
    plan: Planned | None = None,
    ratings: Ratings | None = None,
) -> folium.Map:
    """Draw districts, zones, parks and parcels with their figures.

    Parameters
    ----------
    assessment : Assessment
        With land; parks, districts, firms and candidates are shown where there are any.
    language : str, optional
        zh or en; the project's own by default.
    m : folium.Map, optional
        A map to draw on. What it loads by itself (tiles, plugins) stays its own affair; a map made here
        loads nothing.
    budget : int
        Above this many parcels those that are not industrial are left out, and the map says so.
    facts : DataFrame, optional
        From `facts.parcel_facts`, where they are at hand.
    plan : Planned, optional
        What was planned: a theme of its own.
    ratings : Ratings, optional
        What was graded: parcels by the grade of their main firm.

    Returns
    -------
    folium.Map

    Raises
    ------
    ProjectError
        There are no parcels to draw, or the base map that is asked for cannot be used.
    """
    chosen = language or assessment.project.language
    facts = parcel_facts(assessment) if facts is None else facts
    base = asked(assessment.project)
    parts = _parts(assessment, facts, chosen, budget, plan, ratings, base)
    workbench = _Workbench(*parts, language=chosen, alone=m is None, origins=() if base is None else base.origins)
    if m is None:
        m = folium.Map(
            location=[0, 0], zoom_start=2, tiles=None, zoom_control=False, attribution_control=False,
            zoom_snap=0.25, max_zoom=20, fade_animation=False, world_copy_jump=False,
        )  # fmt: skip
        # folium draws lots for names; the same city should give the same file.
        m._id = "parkwise"
        cast("Figure", m.get_root()).title = html.escape(text("map.title", chosen, city=assessment.city))
    disown(m, only=workbench.alone)
    workbench.add_to(m, name="parkwise")
    return m


def map_html(
    assessment: Assessment,
    language: str | None = None,
    *,
    facts: pd.DataFrame | None = None,
    plan: Planned | None = None,
    ratings: Ratings | None = None,
) -> str:
    """Return the map as the text of one self-contained, locked page; see `draw_map`."""
    return _page(draw_map(assessment, language=language, facts=facts, plan=plan, ratings=ratings))


def save_map(folium_map: folium.Map, path: str | Path) -> Path:
    """Write a map to one HTML file and return its path."""
    target = Path(path)
    target.write_text(_page(folium_map), encoding="utf-8")
    return target


def _page(folium_map: folium.Map) -> str:
    drawn = folium_map.get_root().render()
    # A map that somebody brought along may have to load things of its own.
    ours = [child for child in folium_map._children.values() if isinstance(child, _Workbench)]
    if not all(child.alone for child in ours):
        return str(drawn)
    return lock(drawn, [origin for child in ours for origin in child.origins])


def _parts(
    assessment: Assessment,
    facts: pd.DataFrame,
    language: str,
    budget: int,
    plan: Planned | None,
    ratings: Ratings | None,
    base: Basemap | None,
) -> tuple[str, str]:
    """The words of the page as JSON, and the block as base64."""
    grades = None if ratings is None else ratings.grades
    made = themes(assessment, facts, language, plan) + grade_themes(assessment, grades, facts, language)
    hidden, notes = _left_out(facts, budget, language)
    facts = facts.assign(shown=facts["shown"] & ~hidden)
    block, told = fill(assessment, facts, made, language, plan, grades)
    if told["tolerance_m"]:
        notes.append(text("map.note.thinned", language, metres=f"{told['tolerance_m']:g}"))
    notes += told["notes"]
    content = page(assessment, made, facts, language, plan) | {"fields": told["fields"], "notes": notes}
    if base is not None:
        content["basemap"] = base.document()
    return as_json(content), block.encode()


def _left_out(facts: pd.DataFrame, budget: int, language: str) -> tuple[npt.NDArray[np.bool_], list[str]]:
    """Which parcels are not drawn though they have a shape, and what the map says of all it does not draw."""
    notes = []
    hidden = np.zeros(len(facts), dtype=bool)
    if no_shape := int((~facts["shown"]).sum()):
        notes.append(text("map.note.no_shape", language, count=f"{no_shape:,}"))
    if facts["shown"].sum() > budget:
        hidden = (facts["shown"] & ~facts["industrial"]).to_numpy(dtype=bool)
        area = area_text(float(facts.loc[hidden, "area_m2"].sum()), language)
        notes.append(text("map.note.left_out", language, count=f"{int(hidden.sum()):,}", area=area))
    return hidden, notes


class _Workbench(MacroElement):
    """Everything of ours on the page: style, words, block, scripts, and the call that starts them."""

    def __init__(self, content: str, block: str, *, language: str, alone: bool, origins: Sequence[str] = ()) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # branca's own
        self._name = "Parkwise"
        self.content, self.block, self.language, self.alone = content, block, language, alone
        self.origins = tuple(origins)

    def render(self, **_: object) -> str:
        """Put the parts where they belong; a second rendering replaces them."""
        figure, folium_map = cast("Figure", self.get_root()), cast("folium.Map", self._parent)
        inline(figure)
        parts: dict[str, tuple[Element, str]] = {
            "style": (figure.header, f"<style>{our_file('map.css')}{radar_css()}</style>"),
            "content": (figure.html, f'<script type="application/json" id="parkwise-page">{self.content}</script>'),
            "block": (figure.html, f'<script type="text/plain" id="parkwise-data">{self.block}</script>'),
            **{name: (figure.header, f"<script>{our_file(name)}</script>") for name in _SCRIPTS},
            "start": (figure.script, f"Parkwise.start({folium_map.get_name()}, document);"),
        }
        for name, (place, written) in parts.items():
            place.add_child(Verbatim(written), name=f"parkwise_{name}")
        return ""
