"""Horizontal bars with a line to compare with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

from geo.charts.texts import shorten, text_width

__all__ = ["Bars", "bars_svg"]

_ROW = 28.0
_WIDTH = 760.0
_EM = 13.0
_LABEL_MOST = 230.0


@dataclass(frozen=True)
class Bars:
    """Horizontal bars, the first on top: a name, a number and its text each, and a line to compare with.

    `limit_text` names the line with its figure, `limit_name` without it.
    """

    names: tuple[str, ...]
    values: tuple[float, ...]
    texts: tuple[str, ...]
    unit: str
    limit: float | None = None
    limit_text: str = ""
    limit_name: str = ""
    percent: bool = False


def bars_svg(bars: Bars, title: str) -> str:
    """Draw horizontal bars as an SVG element; `title` is what a screen reader says."""
    names = [shorten(name, _LABEL_MOST / _EM) for name in bars.names]
    left = min(max((text_width(name) for name in names), default=0.0) * _EM + 12, _LABEL_MOST + 12)
    right = max((text_width(text) for text in bars.texts), default=0.0) * _EM + 14
    room = _WIDTH - left - right
    top = 24.0 if bars.limit is not None else 4.0
    height = top + _ROW * len(names) + 6
    longest = max([value for value in (*bars.values, bars.limit or 0.0) if math.isfinite(value)], default=0.0) or 1.0
    rows = [
        _row(top + _ROW * i, left, room * min(max(_finite(value), 0.0) / longest, 1.0), name, full, text)
        for i, (name, full, value, text) in enumerate(zip(names, bars.names, bars.values, bars.texts, strict=True))
    ]
    if bars.limit is not None:
        rows.append(_limit(left + room * max(bars.limit, 0.0) / longest, top, height, bars.limit_text))
    return (
        f'<svg class="bars" viewBox="0 0 {_WIDTH:g} {height:g}" role="img" aria-label="{escape(title)}" '
        f'preserveAspectRatio="xMinYMin meet">{"".join(rows)}</svg>'
    )


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _row(y: float, left: float, length: float, name: str, full: str, text: str) -> str:
    middle = y + _ROW / 2
    return (
        f"<g><title>{escape(full)}: {escape(text)}</title>"
        f'<text class="name" x="{left - 8:.1f}" y="{middle + 4.5:.1f}" text-anchor="end">{escape(name)}</text>'
        f'<rect class="bar" x="{left:.1f}" y="{y + 5:.1f}" rx="2" '
        f'width="{max(length, 1.0):.1f}" height="{_ROW - 10:.1f}"/>'
        f'<text class="number" x="{left + length + 6:.1f}" y="{middle + 4.5:.1f}">{escape(text)}</text></g>'
    )


def _limit(x: float, top: float, height: float, text: str) -> str:
    anchor = "end" if x > _WIDTH * 0.7 else "middle" if x > _WIDTH * 0.3 else "start"
    return (
        f'<line class="limit" x1="{x:.1f}" x2="{x:.1f}" y1="{top - 4:.1f}" y2="{height - 4:.1f}"/>'
        f'<text class="limit-text" x="{x:.1f}" y="14" text-anchor="{anchor}">{escape(text)}</text>'
    )
