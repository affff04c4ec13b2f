"""The column beside a printed map (`draw_legend`): classes with counts and 亩, lines, figures of a zone, notes.

Knows how the column is laid out; the classes, their words and their numbers come from the theme. Where there are more
classes than the paper holds, rows move closer, and what is still too much is told as so many more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from geo.assessment import Assessment
from geo.charts.texts import shorten
from geo.labels import text
from geo.maps.content import overlaps_of, roles_of
from geo.maps.facts import land_of
from geo.maps.paper.ground import darker
from geo.maps.paper.pen import MUTED, Pen, wrap
from geo.maps.paper.shapes import HATCHES, dashes, ink
from geo.maps.themes import Class, Theme
from layers import units

__all__ = ["Column", "draw_legend"]

_SIZE = 7.2
_ROW = 4.7
_SWATCH = (6.0, 3.1)
_AREA = 13.0  # the column of areas


@dataclass
class Column:
    """Where in the column the next thing goes: left and right edge, the lower end, and the height reached (mm)."""

    left: float
    right: float
    bottom: float
    y: float


def draw_legend(
    pen: Pen, column: Column, assessment: Assessment, theme: Theme, classes: Sequence[Class], language: str,
    figures: Sequence[tuple[str, str]] = (),
    note: str = "",
) -> None:  # fmt: skip
    """Draw the column.

    Parameters
    ----------
    pen : Pen
    column : Column
    assessment : Assessment
    theme : Theme
    classes : sequence of Class
        With the counts of the page.
    language : str
    figures : sequence of (words, value)
        Figures of a zone, above the classes.
    note : str
        What is to be said of the classes, below them.
    """
    for label, value in figures:
        _pair(pen, column, label, value)
    if figures:
        column.y -= 2 * pen.scale
    _title(pen, column, theme.title, text("print.parcels", language), text("print.mu", language))
    notes = [one for one in (note, *_marks(classes, language)) if one]
    told = [line for note in notes for line in wrap(note, (column.right - column.left) / pen.em(6.2))]
    lines = [(str(one["label"]), str(one["dash"])) for one in roles_of(assessment, language)]
    room = column.y - column.bottom - (len(told) * 3.0 + (len(lines) + 2) * 4.2 + 4) * pen.scale
    step = min(_ROW * pen.scale, max(room / max(len(classes), 1), 3.1 * pen.scale))
    fits = max(int(room / step), 1)
    for one in classes[:fits]:
        _class(pen, column, one, step)
    if len(classes) > fits:
        _line(pen, column, text("print.more", language, count=len(classes) - fits), 6.2)
    column.y -= 1.5 * pen.scale
    for word, dash in lines:
        _sample(pen, column, word, dash)
    if land_of(assessment).districts is not None:
        _sample(pen, column, text("print.districts", language), "5 2 1 2", colour="#6f7b84", width=0.8)
    if len(overlaps_of(assessment)):
        _overlap(pen, column, text("print.overlaps", language))
    column.y -= 1.5 * pen.scale
    for line in told:
        _line(pen, column, line, 6.2)


def _title(pen: Pen, column: Column, title: str, parcels: str, area: str) -> None:
    most = (column.right - column.left - 24 * pen.scale) / pen.em(8.4)
    pen.text(column.left, column.y, shorten(title, most), 8.4, bold=True)
    pen.text(column.right - _AREA * pen.scale, column.y, parcels, 6.2, ha="right", color=MUTED)
    pen.text(column.right, column.y, area, 6.2, ha="right", color=MUTED)
    column.y -= 1.8 * pen.scale
    pen.line([column.left, column.right], [column.y, column.y], linewidth=0.5)
    column.y -= 4.2 * pen.scale


def _class(pen: Pen, column: Column, one: Class, step: float) -> None:
    indent = 3.0 * pen.scale if one.inset else 0.0
    wide, high = (side * pen.scale for side in _SWATCH)
    high = min(high, step * 0.78)
    pen.box(column.left + indent, column.y - 0.5 * pen.scale, wide, high, facecolor=one.fill, edgecolor="#7a858d",
            linewidth=0.35 * pen.scale, hatch=HATCHES.get(one.pattern, "-----") or None,
            hatchcolor=ink(one.fill))  # fmt: skip
    left = column.left + indent + wide + 1.8 * pen.scale
    room = column.right - _AREA * pen.scale - pen.width_of(f"{one.parcels:,}", _SIZE) - 1.5 * pen.scale - left
    pen.text(left, column.y, shorten(one.label, room / pen.em(_SIZE)), _SIZE)
    pen.text(column.right - _AREA * pen.scale, column.y, f"{one.parcels:,}", _SIZE, ha="right")
    pen.text(column.right, column.y, f"{units.convert(one.area_m2, 'm2', 'mu'):,.0f}", _SIZE, ha="right")
    column.y -= step


def _marks(classes: Sequence[Class], language: str) -> list[str]:
    return [text("map.limit_from", language, source=one.mark) for one in classes if one.mark]


def _sample(pen: Pen, column: Column, word: str, dash: str, colour: str = "#39444d", width: float = 1.1) -> None:
    wide, y = _SWATCH[0] * pen.scale, column.y + 1.0 * pen.scale
    style = (0, tuple(dashes(dash, 0.4))) if dash else "solid"
    pen.line([column.left, column.left + wide], [y, y], color=darker(colour), linewidth=width, linestyle=style)
    pen.text(column.left + wide + 1.8 * pen.scale, column.y, word, _SIZE)
    column.y -= 4.2 * pen.scale


def _overlap(pen: Pen, column: Column, word: str) -> None:
    pen.box(column.left, column.y - 0.5 * pen.scale, _SWATCH[0] * pen.scale, _SWATCH[1] * pen.scale, facecolor="none",
            edgecolor="#111111", hatch="////////", hatchcolor="#111111")  # fmt: skip
    pen.text(column.left + (_SWATCH[0] + 1.8) * pen.scale, column.y, word, _SIZE)
    column.y -= 4.2 * pen.scale


def _pair(pen: Pen, column: Column, label: str, value: str) -> None:
    most = (column.right - column.left - pen.width_of(value, 8.0)) / pen.em(_SIZE) - 1
    pen.text(column.left, column.y, shorten(label, most), _SIZE, color=MUTED)
    pen.text(column.right, column.y, value, 8.0, bold=True, ha="right")
    column.y -= 4.8 * pen.scale


def _line(pen: Pen, column: Column, words: str, size: float) -> None:
    pen.text(column.left, column.y, words, size, color=MUTED)
    column.y -= 3.0 * pen.scale
