"""The pages of a printed map (`draw`): an overview, in an atlas also one page a zone, and the file they go into.

Lays out title, map, column and foot; knows the order of pages and how matplotlib writes a file. Computes no figure:
what a page counts is counted from the theme's own classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.backends.backend_pdf import PdfPages

from geo.assessment import Assessment
from geo.charts.texts import shorten
from geo.labels import labels, text
from geo.maps.content import parks_of, title_of
from geo.maps.facts import land_of, parcel_facts
from geo.maps.figures import card_figures
from geo.maps.paper.extent import Bounds, city_bounds, fit
from geo.maps.paper.fonts import Font, find_font
from geo.maps.paper.furniture import foot, north_arrow, scale_bar
from geo.maps.paper.ground import Scene, draw_ground
from geo.maps.paper.legend import Column, draw_legend
from geo.maps.paper.pen import MUTED, Pen, wrap
from geo.maps.themes import Class, Theme, themes
from geo.planned import Planned
from layers.errors import ProjectError, Words, suggestion

__all__ = ["draw"]

_EDGE = 10.0
_HEAD = 17.0
_FOOT = 9.0
#: So many figures of a zone leave room for the names of its parks.
_FIGURES = 8
_COLUMN = 70.0


@dataclass(frozen=True)
class _Book:
    """What all pages of one map share."""

    assessment: Assessment
    facts: pd.DataFrame
    theme: Theme
    plan: Planned | None
    font: Font
    size_mm: tuple[float, float]
    paper: str
    drawn_on: date
    dpi: int

    @property
    def language(self) -> str:
        return self.assessment.project.language

    @property
    def scale(self) -> float:
        """Larger paper is read from farther away."""
        return float((self.size_mm[0] / 297.0) ** 0.7)


@dataclass(frozen=True)
class _Page:
    """One page: its heading, what it shows, the zone it is of (None: the whole city)."""

    heading: str
    bounds: Bounds
    zone: str | None = None


def draw(
    assessment: Assessment,
    path: Path,
    *,
    form: Literal["pdf", "png"],
    size_mm: tuple[float, float],
    paper: str,
    theme: str | None,
    atlas: bool,
    plan: Planned | None,
    drawn_on: date,
    dpi: int,
    facts: pd.DataFrame | None,
) -> int:
    """Write the pages into one file and return their number; see `geo.maps.paper.write_sheet`."""
    if atlas and form == "png":
        raise ProjectError(
            "--atlas: an atlas has several pages, and a PNG holds one. Name a .pdf file.",
            "--atlas：图集有多页，PNG 只能存一页。请输出 .pdf 文件。",
        )
    facts = parcel_facts(assessment) if facts is None else facts
    made = themes(assessment, facts, assessment.project.language, plan)
    chosen = _theme(made, theme, public=assessment.redaction is not None)
    font = find_font(assessment.project.file("report.font"))
    book = _Book(assessment, facts, chosen, plan, font, size_mm, paper, drawn_on, dpi)
    pages = [_Page(chosen.title, city_bounds(land_of(assessment))), *(_zones(book) if atlas else ())]
    drawn = (_draw(book, page, number + 1, len(pages)) for number, page in enumerate(pages))
    if form == "png":
        next(drawn).figure.savefig(path, format="png", dpi=dpi, metadata={"Software": "Parkwise"})
        return 1
    title = title_of(assessment, book.language)["page"]
    with PdfPages(path, metadata={"Title": title, "Creator": "Parkwise", "CreationDate": None}) as file:
        for pen in drawn:
            pen.figure.savefig(file, format="pdf", dpi=dpi)
    return len(pages)


def _theme(made: list[Theme], asked: str | None, *, public: bool) -> Theme:
    found = {one.id: one for one in made}
    if asked is None:
        return found.get("zones") or made[0]
    if asked not in found:
        like, there = suggestion(asked, found), ", ".join(found)
        of = Words("a public version of these data has", "公开版") if public else Words("these data have", "数据")
        raise ProjectError(
            f'--theme: {of.en} no theme "{asked}".{like.en} There are: {there}.',
            f"--theme：{of.zh}没有专题“{asked}”。{like.zh}可用：{there}。",
        )
    return found[asked]


def _zones(book: _Book) -> Iterator[_Page]:
    parks = parks_of(book.assessment)
    for zone, rows in parks.groupby("zone_id", sort=False).indices.items():
        left, bottom, right, top = (float(one) for one in parks.geometry.iloc[rows].total_bounds)
        yield _Page(str(parks["zone_name"].iloc[rows[0]]), (left, bottom, right, top), str(zone))


def _draw(book: _Book, page: _Page, number: int, of: int) -> Pen:
    """One page, complete."""
    pen = Pen(book.size_mm, book.font, book.scale)
    pen.figure.set_dpi(book.dpi)
    edge, column = _EDGE, _COLUMN * book.scale
    head, low = _head(pen, book, page), edge + _FOOT * book.scale
    frame = (edge, low, pen.width - 2 * edge - column - 5 * book.scale, head - low)
    extent = fit(page.bounds, (frame[2], frame[3]))
    scene = _scene(book, page)
    draw_ground(pen, frame, scene, extent)
    north_arrow(pen, (frame[0] + frame[2] - 9 * book.scale, frame[1] + frame[3] - 17 * book.scale))
    scale_bar(pen, (frame[0] + 4 * book.scale, frame[1] + 4 * book.scale), extent.scale, book.language)
    left = frame[0] + frame[2] + 5 * book.scale
    place = Column(left, pen.width - edge, low, head - 3.5 * book.scale)
    # On the page of a zone its figures stand above; the note on the zones theme is of the whole city.
    note = "" if page.zone is not None and book.theme.id == "zones" else _note(book.theme, book.language)
    classes, figures = _counted(book, scene.full), _figures(book, page)
    draw_legend(pen, place, book.assessment, book.theme, classes, book.language, figures, note)
    foot(pen, book.assessment, extent, book.paper, book.drawn_on, (number, of))
    return pen


def _note(theme: Theme, language: str) -> str:
    """The theme's note; one that speaks of what only a screen has, in its words for paper."""
    key = f"print.note.{theme.id}"
    return text(key, language) if key in labels() else theme.note


def _head(pen: Pen, book: _Book, page: _Page) -> float:
    """Title, line below it, banner of synthetic data, rules of a public version; return where the map may begin."""
    said = title_of(book.assessment, book.language)
    top, scale = pen.height - _EDGE, pen.scale
    title = f"{said['city']} · {page.heading}"
    banner = said["synthetic"]
    room = pen.width - 2 * _EDGE - (pen.width_of(banner, 7.2) + 8 * scale if banner else 0)
    pen.text(_EDGE, top - 5.6 * scale, shorten(title, room / pen.em(17)), 17, bold=True)
    line = " · ".join(filter(None, (book.theme.title if page.zone else "", said["project"], said["as_of"])))
    pen.text(_EDGE, top - 11.4 * scale, shorten(line, room / pen.em(8.6)), 8.6, color=MUTED)
    if banner:
        wide = pen.width_of(banner, 7.2) + 4 * scale
        pen.box(pen.width - _EDGE - wide, top - 6.4 * scale, wide, 5.4 * scale, facecolor="#fff6ec",
                edgecolor="#b54708", linewidth=0.6 * scale)  # fmt: skip
        pen.text(pen.width - _EDGE - wide / 2, top - 4.6 * scale, banner, 7.2, ha="center", color="#8a3605")
    y = top - 14.6 * scale
    for words in wrap(said["public"], (pen.width - 2 * _EDGE) / pen.em(6.2)):
        pen.text(_EDGE, y - 1.2 * scale, words, 6.2, color=MUTED)
        y -= 3.0 * scale
    return y


def _scene(book: _Book, page: _Page) -> Scene:
    parks = parks_of(book.assessment)
    mine = np.ones(len(parks), dtype=bool)
    full = np.ones(len(book.facts), dtype=bool)
    if page.zone is not None:
        mine = (parks["zone_id"].astype(str) == page.zone).to_numpy()
        home = book.facts["park"].to_numpy()
        full = (home >= 0) & mine[home]
    return Scene(book.assessment, book.theme, book.plan, full, mine, by_park=page.zone is not None)


def _counted(book: _Book, full: npt.NDArray[np.bool_]) -> list[Class]:
    """The classes with what lies in the page's part of the city; on a zone's page only those it has."""
    if full.all():
        return list(book.theme.classes)
    of, area = book.theme.of_parcel, book.facts["area_m2"].fillna(0.0).to_numpy("float64")
    found = []
    for number, one in enumerate(book.theme.classes):
        here = full & (of == number)
        if here.any():
            found.append(replace(one, parcels=int(here.sum()), area_m2=float(area[here].sum()), inset=False))
    return found


def _figures(book: _Book, page: _Page) -> list[tuple[str, str]]:
    if page.zone is None:
        return []
    cards = card_figures(book.assessment, book.language).get(("zone", page.zone), [])
    return [(one["label"], one["value"]) for one in cards[:_FIGURES]]
