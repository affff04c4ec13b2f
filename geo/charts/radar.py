"""A radar (雷达图): several figures of one place against their targets, beside those of its peers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources

from geo.charts.texts import shorten, text_width, two_lines

__all__ = ["Radar", "radar_css", "radar_svg", "rim_for"]

#: Beyond this multiple of its target a figure is drawn at the rim.
RIM = 1.5

#: Where an office program draws a radar the rim goes out to what there is, and no further than this.
_FAR = 3.0

_RADIUS, _EM, _MARGIN = 96.0, 12.0, 10.0
_LABEL_MOST = 11.5
_LINE = 15.0


@dataclass(frozen=True)
class Radar:
    """One place on several axes; on each the target is 1.

    Attributes
    ----------
    name, peers_name, target_name : str
        What the lines are called.
    axes, texts : tuple of str
        Title of each axis, and its figure in words.
    reached, peers : tuple of float
        How much of the target is reached; NaN where it is not known.
    """

    name: str
    axes: tuple[str, ...]
    texts: tuple[str, ...]
    reached: tuple[float, ...]
    peers: tuple[float, ...]
    peers_name: str
    target_name: str


def rim_for(values: Iterable[float]) -> float:
    """Return how far a chart has to reach that cuts off what lies beyond its rim: to the half above the largest value.

    Examples
    --------
    >>> rim_for([0.4, math.nan]), rim_for([2.27, 1.0]), rim_for([40.0])
    (1.5, 2.5, 3.0)
    """
    highest = max((value for value in values if math.isfinite(value)), default=0.0)
    return min(max(RIM, math.ceil(2 * highest) / 2), _FAR)


def radar_css() -> str:
    """Return the style of radars, for the page they stand on."""
    return resources.files("geo.charts").joinpath("radar.css").read_text("utf-8")


def radar_svg(radar: Radar, title: str) -> str:
    """Draw a radar as an SVG element; `title` is what a screen reader says.

    An axis without a figure leaves its line open. Figures of more than 1.5 times their target stand at the rim.
    """
    labels = [(*two_lines(name, _LABEL_MOST), shorten(text, _LABEL_MOST)) for name, text in _told(radar)]
    side = max((text_width(text) for lines in labels for text in lines), default=0.0) * _EM + _MARGIN
    above = max(map(len, labels), default=2) * _LINE + _MARGIN
    middle_x, middle_y = _RADIUS + side, _RADIUS + above
    width = 2 * middle_x
    legend = _legend_rows(radar, width)
    height = 2 * middle_y + len(legend) * _LINE
    parts = [_rings(len(radar.axes), middle_x, middle_y)]
    parts += [
        _line(radar.peers, middle_x, middle_y, "peers"),
        _line(radar.reached, middle_x, middle_y, "own"),
        *(_label(place, len(labels), lines, full, middle_x, middle_y)
          for place, (lines, full) in enumerate(zip(labels, _told(radar), strict=True))),
        _legend(legend, middle_x, 2 * middle_y),
    ]  # fmt: skip
    return (
        f'<svg class="radar" viewBox="0 0 {width:.1f} {height:.1f}" role="img" aria-label="{escape(title)}" '
        f'preserveAspectRatio="xMidYMid meet">{"".join(parts)}</svg>'
    )


def _told(radar: Radar) -> list[tuple[str, str]]:
    return list(zip(radar.axes, radar.texts, strict=True))


def _point(place: int, count: int, share: float, x: float, y: float) -> tuple[float, float]:
    """Return where a share of the rim lies on an axis; the first axis points up, the others follow the clock."""
    turn = 2 * math.pi * place / count
    length = _RADIUS * min(max(share, 0.0), RIM) / RIM
    return x + length * math.sin(turn), y - length * math.cos(turn)


def _ring(count: int, share: float, x: float, y: float, look: str) -> str:
    points = " ".join("{:.1f},{:.1f}".format(*_point(place, count, share, x, y)) for place in range(count))
    return f'<polygon class="{look}" points="{points}"/>'


def _rings(count: int, x: float, y: float) -> str:
    spokes = "".join(
        '<line class="spoke" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>'.format(
            x, y, *_point(place, count, RIM, x, y)
        )
        for place in range(count)
    )
    inner = "".join(_ring(count, share, x, y, "ring") for share in (0.5, RIM))
    return inner + spokes + _ring(count, 1.0, x, y, "target")


def _line(values: Sequence[float], x: float, y: float, look: str) -> str:
    """Draw a closed line through the known values; beside a missing one it stays open."""
    count = len(values)
    known = [math.isfinite(value) for value in values]
    at = [_point(place, count, value if known[place] else 0.0, x, y) for place, value in enumerate(values)]
    area = ""
    if all(known) and count:
        area = '<polygon class="{}" points="{}"/>'.format(look, " ".join(f"{a:.1f},{b:.1f}" for a, b in at))
    edges = "" if area else "".join(
        f'<line class="{look}" x1="{at[one][0]:.1f}" y1="{at[one][1]:.1f}" '
        f'x2="{at[other][0]:.1f}" y2="{at[other][1]:.1f}"/>'
        for one, other in ((place, (place + 1) % count) for place in range(count))
        if known[one] and known[other] and one != other
    )  # fmt: skip
    dots = "".join(
        f'<circle class="{look}" cx="{a:.1f}" cy="{b:.1f}" r="2.6"/>'
        for (a, b), there in zip(at, known, strict=True)
        if there
    )
    return f'<g class="{look}">{area}{edges}{dots}</g>'


def _label(place: int, count: int, shown: Sequence[str], full: tuple[str, str], x: float, y: float) -> str:
    """Write title and figure of an axis beyond its end; the last line is the figure."""
    turn = 2 * math.pi * place / count
    left, across = x + (_RADIUS + 9) * math.sin(turn), math.sin(turn)
    middle = y - (_RADIUS + 9) * math.cos(turn)
    anchor = "middle" if abs(across) < 0.2 else "start" if across > 0 else "end"
    # Above the circle all lines stand over the end of the axis, below it under it, beside it around it.
    top = middle - _LINE * (len(shown) - 1) * (1 + math.cos(turn)) / 2 + 4 - _LINE * 0.1
    lines = "".join(
        f'<text class="{"number" if line == len(shown) - 1 else "name"}" x="{left:.1f}" '
        f'y="{top + line * _LINE:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
        for line, text in enumerate(shown)
    )
    return f"<g><title>{escape(full[0])}: {escape(full[1])}</title>{lines}</g>"


def _legend_rows(radar: Radar, width: float) -> list[list[tuple[str, str, float]]]:
    """Share out the names of the three lines over rows that fit: look, name, width."""
    entries = [("own", radar.name), ("peers", radar.peers_name), ("target", radar.target_name)]
    rows: list[list[tuple[str, str, float]]] = []
    for look, name in entries:
        shown = shorten(name, width / _EM - 4)
        wide = 22 + text_width(shown) * _EM * 0.9 + 12
        if not rows or sum(one for *_, one in rows[-1]) + wide > width:
            rows.append([])
        rows[-1].append((look, shown, wide))
    return rows


def _legend(rows: Sequence[Sequence[tuple[str, str, float]]], x: float, top: float) -> str:
    """Name the lines below the chart."""
    parts = []
    for place, row in enumerate(rows, 1):
        left, y = x - sum(wide for *_, wide in row) / 2, top + place * _LINE - 9
        for look, text, wide in row:
            parts.append(
                f'<line class="{look} key" x1="{left:.1f}" y1="{y - 4:.1f}" x2="{left + 16:.1f}" y2="{y - 4:.1f}"/>'
                f'<text class="key" x="{left + 20:.1f}" y="{y:.1f}">{escape(text)}</text>'
            )
            left += wide
    return "".join(parts)
