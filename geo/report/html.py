"""The report as one HTML page that opens by double click, with the network unplugged.

The template (`templates/report.html.j2`) holds no arithmetic and no words of its own; the style stands
inline, allowed by its hash, and so do maps. Jinja escapes every text; charts escape their own (`charts`). The
page asks for nothing: its content policy forbids scripts, frames, forms and every request.
"""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from pathlib import Path

import jinja2
from markupsafe import Markup

from geo.charts import Bars, Outline, Radar, bars_svg, outline_css, outline_svg, radar_css, radar_svg
from geo.report.parts import Block, Figure, Paragraph, Picture, Report

__all__ = ["heading_number", "render_html", "write_html"]

_TEN = "一二三四五六七八九十"


def write_html(report: Report, path: str | Path) -> None:
    """Write a report as one HTML file in UTF-8."""
    Path(path).write_text(render_html(report), encoding="utf-8", newline="\n")


def render_html(report: Report) -> str:
    """Return a report as HTML text."""
    folder = resources.files("geo.report").joinpath("templates")
    style = folder.joinpath("report.css").read_text("utf-8") + radar_css() + outline_css()
    page = _environment().from_string(folder.joinpath("report.html.j2").read_text("utf-8"))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return page.render(
        report=report,
        style=Markup(style),  # noqa: S704  (our own file)
        style_hash=f"sha256-{digest}",
        number=lambda index: heading_number(report.language, index),
    )


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["kind"] = _kind
    made.filters["chart"] = _chart
    made.filters["percent"] = lambda share: f"{100 * share:.2f}"
    return made


def _kind(block: Block) -> str:
    return "paragraph" if isinstance(block, Paragraph) else "figure" if isinstance(block, Figure) else "table"


def _chart(figure: Figure) -> Markup:
    if isinstance(figure.chart, Bars):
        return Markup(bars_svg(figure.chart, figure.caption))  # noqa: S704  (the chart escapes its texts)
    if isinstance(figure.chart, Picture):
        inline = base64.b64encode(figure.chart.png).decode()
        return Markup('<img class="map" alt="{}" src="data:image/png;base64,{}">').format(figure.caption, inline)
    drawn = "".join(_drawn(one, f"{figure.caption} {one.name}") for one in figure.chart)
    return Markup(f'<div class="radars">{drawn}</div>')  # noqa: S704  (likewise)


def _drawn(chart: Radar | Outline, title: str) -> str:
    return outline_svg(chart, title) if isinstance(chart, Outline) else radar_svg(chart, title)


def heading_number(language: str, index: tuple[int, ...]) -> str:
    """Return the number before a heading: 一、 and （一） in Chinese, 1 and 1.2 in English.

    Examples
    --------
    >>> heading_number("zh", (11,)), heading_number("zh", (2, 3)), heading_number("en", (2, 3))
    ('十一、', '（三）', '2.3 ')
    """
    if language == "en":
        return ".".join(map(str, index)) + " "
    tens, ones = divmod(index[-1], 10)
    # 十, 十一 … 十九: no report has twenty chapters, and a number is read in any case.
    sign = _TEN[index[-1] - 1] if index[-1] <= 10 else f"十{_TEN[ones - 1]}" if tens == 1 else str(index[-1])
    return f"{sign}、" if len(index) == 1 else f"（{sign}）"
