"""Charts as inline SVG, for pages that load nothing: bars, radars of figures against their targets, outlines of zones.

Charts are plain values; each form of the report draws them in its own way. Colours come from the page's
style, so that a chart prints well and follows the reader's theme. Every text is escaped.
"""

from geo.charts.attained import Radars, draw_radars, radar_of
from geo.charts.bars import Bars, bars_svg
from geo.charts.composed import Outlines, draw_zones, outline_of
from geo.charts.outline import Outline, outline_css, outline_svg
from geo.charts.radar import Radar, radar_css, radar_svg

__all__ = [
    "Bars",
    "Outline",
    "Outlines",
    "Radar",
    "Radars",
    "bars_svg",
    "draw_radars",
    "draw_zones",
    "outline_css",
    "outline_of",
    "outline_svg",
    "radar_css",
    "radar_of",
    "radar_svg",
]
