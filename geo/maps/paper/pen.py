"""Words and simple shapes on a page measured in millimetres (`Pen`).

Knows the page and its font; knows no map. Texts are set as they are, never read as formulas, and a character the font
lacks is never printed as a box: a Chinese one stops the map with what to install, any other becomes a question mark.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle
from matplotlib.text import Text

from geo.charts.texts import clean, text_width
from geo.maps.paper.fonts import Font, no_font

__all__ = ["INK", "MUTED", "PT_MM", "Pen", "wrap"]

#: Millimetres in a point.
PT_MM = 25.4 / 72
INK = "#1f2a33"
MUTED = "#5b6770"


class Pen:
    """A blank page: a figure of its size, and an axis in millimetres from the lower left corner.

    Parameters
    ----------
    size_mm : (float, float)
        Width and height.
    font : Font
    scale : float
        Factor on every size of type and line; larger paper is read from farther away.
    """

    def __init__(self, size_mm: tuple[float, float], font: Font, scale: float = 1.0) -> None:
        self.width, self.height, self.font, self.scale = *size_mm, font, scale
        self.figure = Figure(figsize=(size_mm[0] / 25.4, size_mm[1] / 25.4), facecolor="white")
        self.page = self.axes((0, 0, *size_mm), zorder=5)
        self.page.set(xlim=(0, size_mm[0]), ylim=(0, size_mm[1]))
        self.page.set_axis_off()
        self.page.patch.set_visible(False)

    def axes(self, box_mm: tuple[float, float, float, float], zorder: float = 1) -> Axes:
        """Return an axis in a box of left, bottom, width, height (mm)."""
        left, bottom, width, height = box_mm
        place = (left / self.width, bottom / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(place, zorder=zorder)

    def words(self, text: str) -> str:
        """Return a text the font can print.

        Raises
        ------
        ParkwiseError
            It holds Chinese and the font does not.
        """
        kept = []
        for sign in clean(text).replace("\n", " "):
            if ord(sign) in self.font.signs:
                kept.append(sign)
            elif unicodedata.east_asian_width(sign) in "WF" and not self.font.has_chinese:
                raise no_font()
            else:
                kept.append(_instead(sign))
        return "".join(kept)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 7.0,
        *,
        bold: bool = False,
        on: Axes | None = None,
        **how: Any,  # noqa: ANN401
    ) -> Text:
        """Write a text at a place of the page (mm), or in data of the axis `on`."""
        font = (self.font.bold if bold else self.font.regular).copy()
        font.set_size(size * self.scale)
        how = {"color": INK, "va": "baseline"} | how
        return (on or self.page).text(x, y, self.words(text), fontproperties=font, parse_math=False, **how)

    def em(self, size: float) -> float:
        """Return the width of a Chinese character of a size of type, mm."""
        return size * self.scale * PT_MM

    def width_of(self, text: str, size: float) -> float:
        """Return about how wide a text is, mm."""
        return text_width(text) * self.em(size)

    def box(self, x: float, y: float, width: float, height: float, **how: Any) -> None:  # noqa: ANN401
        """Draw a rectangle (mm)."""
        hatch = how.pop("hatchcolor", None)
        shape = Rectangle((x, y), width, height, **({"linewidth": 0.5 * self.scale} | how))
        if hatch is not None:
            shape.set_hatchcolor(hatch)
            shape.set_hatch_linewidth(0.4 * self.scale)
        self.page.add_patch(shape)

    def line(self, xs: Sequence[float], ys: Sequence[float], **how: Any) -> None:  # noqa: ANN401
        """Draw a line (mm)."""
        look: dict[str, Any] = {"color": INK, "linewidth": 0.6} | how
        look["linewidth"] *= self.scale
        self.page.add_line(Line2D(xs, ys, **look))

    def polygon(self, corners: Sequence[tuple[float, float]], **how: Any) -> None:  # noqa: ANN401
        """Draw a closed shape (mm)."""
        self.page.add_patch(Polygon(corners, closed=True, **({"linewidth": 0.5 * self.scale} | how)))


def _instead(sign: str) -> str:
    """What stands for a character the font lacks: ^8 for a raised 8, nothing for a control character, else "?"."""
    kind, _, code = unicodedata.decomposition(sign).partition(" ")
    if kind == "<super>" and " " not in code:
        return f"^{chr(int(code, 16))}"
    return "" if unicodedata.category(sign).startswith("C") else "?"


def wrap(text: str, most: float) -> list[str]:
    """Break a text into lines of at most `most` em; Latin words stay whole, Chinese breaks anywhere but before a mark.

    Examples
    --------
    >>> wrap("工业用地集聚度，按地块切分", 6)
    ['工业用地集聚', '度，按地块切', '分']
    >>> wrap("industrial land by zone", 7)
    ['industrial', 'land by zone']
    """
    lines, line = [], ""
    for piece in _pieces(text):
        if line and text_width((line + piece).rstrip()) > most and piece not in "，。；：、）”,.;:) ":
            lines.append(line.rstrip())
            line = ""
        line += piece if line or piece != " " else ""
    return [*lines, line.rstrip()] if line.strip() else lines


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    for sign in text:
        wide = unicodedata.east_asian_width(sign) in "WF"
        if pieces and not wide and sign != " " and pieces[-1] != " " and len(pieces[-1].encode()) == len(pieces[-1]):
            pieces[-1] += sign
        else:
            pieces.append(sign)
    return pieces
