"""An outline: the parts of one place in their true shape and position, north up, with a bar of scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources

from geo.charts.texts import shorten, text_width

__all__ = ["Outline", "Part", "outline_css", "outline_svg", "round_length"]

Ring = tuple[tuple[float, float], ...]

_SIDE, _TOP, _MARGIN, _EM = 300.0, 26.0, 10.0, 11.0
_BELOW, _LINE = 44.0, 16.0
_LABEL_MOST = 20.0


@dataclass(frozen=True)
class Part:
    """One part: how it looks (main, other, join, cluster), what it is called, and its rings in metres."""

    look: str
    title: str
    rings: tuple[Ring, ...]


@dataclass(frozen=True)
class Outline:
    """One place.

    Attributes
    ----------
    name : str
    parts : tuple of Part
        The first is drawn lowest.
    looks : tuple of (look, text)
        What the looks in use mean.
    """

    name: str
    parts: tuple[Part, ...]
    looks: tuple[tuple[str, str], ...]


def outline_css() -> str:
    """Return the style of outlines, for the page they stand on."""
    return resources.files("geo.charts").joinpath("outline.css").read_text("utf-8")


def outline_svg(outline: Outline, title: str) -> str:
    """Draw an outline as an SVG element; `title` is what a screen reader says."""
    points = [point for part in outline.parts for ring in part.rings for point in ring]
    west, south = (min((one[axis] for one in points), default=0.0) for axis in (0, 1))
    east, north = (max((one[axis] for one in points), default=1.0) for axis in (0, 1))
    extent = max(east - west, north - south, 1.0)
    scale = _SIDE / extent
    height = max((north - south) * scale, 40.0)
    left = _MARGIN + (_SIDE - (east - west) * scale) / 2
    drawn = "".join(_part(part, left, _TOP + _MARGIN, scale, west, north) for part in outline.parts)
    below = _TOP + height + 2 * _MARGIN
    width = _SIDE + 2 * _MARGIN
    legend = _lines(outline.looks, width)
    whole = below + _BELOW + _LINE * max(len(legend) - 1, 0)
    return (
        f'<svg class="outline" viewBox="0 0 {width:g} {whole:.1f}" role="img" aria-label="{escape(title)}" '
        f'preserveAspectRatio="xMidYMid meet"><title>{escape(title)}</title>'
        f'<text class="name" x="{width / 2:g}" y="17" text-anchor="middle">'
        f"{escape(shorten(outline.name, _LABEL_MOST))}</text>"
        f"{drawn}{_scale_bar(extent, scale, below)}{_legend(legend, width, below + 32)}</svg>"
    )


def _part(part: Part, left: float, top: float, scale: float, west: float, north: float) -> str:
    path = "".join(
        "M" + "L".join(f"{left + (x - west) * scale:.1f},{top + (north - y) * scale:.1f}" for x, y in ring) + "Z"
        for ring in part.rings
    )
    return f'<path class="{escape(part.look)}" d="{path}"><title>{escape(part.title)}</title></path>'


def _scale_bar(extent: float, scale: float, y: float) -> str:
    """Draw a round length of about a quarter of the place."""
    length, text = round_length(extent)
    x, end = _MARGIN, _MARGIN + length * scale
    return (
        f'<path class="scale" d="M{x:.1f},{y:.1f}v6h{end - x:.1f}v-6"/>'
        f'<text class="key" x="{end + 5:.1f}" y="{y + 7:.1f}">{text}</text>'
    )


def round_length(extent: float) -> tuple[float, str]:
    """Return a round length of at most a quarter of an extent (m), and how it is written.

    Examples
    --------
    >>> round_length(9000.0), round_length(1500.0)
    ((2000.0, '2 km'), (200.0, '200 m'))
    """
    length = _round(extent / 4)
    return length, f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"


def _round(length: float) -> float:
    """Return 1, 2 or 5 times a power of ten, no longer than `length`.

    Examples
    --------
    >>> [_round(one) for one in (1, 37, 740)]
    [1.0, 20.0, 500.0]
    """
    power = 10.0 ** math.floor(math.log10(length))
    return next(step * power for step in (5.0, 2.0, 1.0) if step * power <= length)


def _key_width(text: str) -> float:
    return 18 + text_width(text) * _EM + 10


def _lines(looks: Sequence[tuple[str, str]], width: float) -> list[list[tuple[str, str]]]:
    """Share the looks among lines no wider than the drawing.

    Examples
    --------
    >>> looks = [("main", "main park"), ("other", "other parks"), ("join", "land between"), ("cluster", "industry")]
    >>> [len(line) for line in _lines(looks, 320.0)]
    [3, 1]
    """
    lines: list[list[tuple[str, str]]] = []
    for look, text in looks:
        if not lines or sum(_key_width(one) for _, one in lines[-1]) + _key_width(text) > width:
            lines.append([])
        lines[-1].append((look, text))
    return lines


def _legend(lines: Sequence[Sequence[tuple[str, str]]], width: float, y: float) -> str:
    """Name the looks below the drawing."""
    parts = []
    for number, line in enumerate(lines):
        left, base = (width - sum(_key_width(text) for _, text in line)) / 2, y + number * _LINE
        for look, text in line:
            parts.append(
                f'<path class="{escape(look)}" d="M{left:.1f},{base - 8:.1f}h12v9h-12Z"/>'
                f'<text class="key" x="{left + 17:.1f}" y="{base:.1f}">{escape(text)}</text>'
            )
            left += _key_width(text)
    return "".join(parts)
