"""Charts of a report as Word charts: vector, in the document's font, with numbers in a sheet one can open and edit.

Each is a part of the package of its own (DrawingML), with a small workbook inside. A line to compare bars
with stands as a first bar in red, since a horizontal bar chart knows no vertical line in every office.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter
from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.shared import Mm

from geo.charts import Bars, Outline, Radar
from geo.charts.radar import rim_for
from geo.charts.texts import clean

__all__ = ["EACH", "FIRST_SHAPE", "chart_runs"]

_CHART_TYPE = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_NAMESPACES = (
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)
_BAR, _LIMIT, _PEERS = "3B78AD", "B3341F", "7B8794"
_WIDTH_MM = 156
_ROW_MM = 7.0
#: Two radars stand side by side.
_RADAR_MM = (77, 74)
#: Charts of one figure are numbered within so many.
EACH = 1000
#: Shapes begin their numbers here, beyond those of a template.
FIRST_SHAPE = 100_000


#: Where the plot of a radar stands within its chart, and the size of the words around it.
_ROOM = (
    '<c:layout><c:manualLayout><c:layoutTarget val="inner"/><c:xMode val="edge"/><c:yMode val="edge"/>'
    '<c:x val="0.2"/><c:y val="0.1"/><c:w val="0.6"/><c:h val="0.64"/></c:manualLayout></c:layout>'
)
_SMALL = (
    '<c:txPr><a:bodyPr/><a:lstStyle/><a:p><a:pPr><a:defRPr sz="750"/></a:pPr>'
    '<a:endParaRPr lang="zh-CN"/></a:p></c:txPr>'
)


@dataclass(frozen=True)
class _Series:
    """A line or a row of bars; a missing value is left out."""

    name: str
    values: Sequence[float]
    look: str
    colour: str


def chart_runs(document: Document, chart: Bars | tuple[Radar | Outline, ...], title: str, number: int) -> Iterator[Any]:
    """Add the charts of a figure to the package; yield the runs that show them.

    Outlines are left out: `docx_outline` draws them as shapes.
    """
    if isinstance(chart, Bars):
        yield _bars_run(document, chart, title, number)
        return
    for place, radar in enumerate((one for one in chart if isinstance(one, Radar)), 1):
        yield _radar_run(document, radar, f"{title} {clean(radar.name)}", number * EACH + place)


def _bars_run(document: Document, bars: Bars, title: str, number: int) -> Any:  # noqa: ANN401  (an lxml element)
    values = [value if math.isfinite(value) else 0.0 for value in bars.values]
    names = [clean(name) for name in bars.names]
    if bars.limit is not None:
        names, values = [clean(bars.limit_name), *names], [bars.limit, *values]
    series = _Series(f"{title} ({bars.unit})" if bars.unit else title, values, _fill(_BAR), _BAR)
    size = (_WIDTH_MM, 14 + _ROW_MM * len(names))
    return _run(document, number, title, size, names, [series], _bar_chart(bars, names, series))


def _radar_run(document: Document, radar: Radar, title: str, number: int) -> Any:  # noqa: ANN401
    names = [clean(name) for name in radar.axes]  # the figures stand in the table: here they would squeeze the plot
    series = [
        _Series(clean(radar.target_name), [1.0] * len(names), _stroke(_LIMIT, 1.25, "dash"), _LIMIT),
        _Series(clean(radar.peers_name), _at_rim(radar.peers), _stroke(_PEERS, 1.25), _PEERS),
        _Series(clean(radar.name), _at_rim(radar.reached), _stroke(_BAR, 2.25), _BAR),
    ]
    return _run(document, number, title, _RADAR_MM, names, series, _radar_chart(names, series))


def _at_rim(values: Sequence[float]) -> list[float]:
    """What lies beyond the furthest rim is drawn at it; the true figure stands in the table."""
    rim = rim_for(values)
    return [min(value, rim) if math.isfinite(value) else value for value in values]


def _run(
    document: Document,
    number: int,
    title: str,
    size_mm: tuple[float, float],
    names: Sequence[str],
    series: Sequence[_Series],
    plot: str,
) -> Any:  # noqa: ANN401  (an lxml element)
    """Add a chart to the package and return the run that shows it."""
    package = document.part.package
    own = _own_name(document, number)
    sheet = Part(PackURI(f"/word/embeddings/{own}.xlsx"), _SHEET_TYPE, _workbook(names, series), package)
    chart = Part(PackURI(f"/word/charts/{own}.xml"), _CHART_TYPE, b"", package)
    data = chart.relate_to(sheet, RELATIONSHIP_TYPE.PACKAGE)
    chart._blob = _space(plot, data).encode("utf-8")
    shown = document.part.relate_to(chart, RELATIONSHIP_TYPE.CHART)
    width, height = (int(Mm(side)) for side in size_mm)
    return parse_xml(
        '<w:r xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:drawing>'
        '<wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
        f'distT="0" distB="0" distL="0" distR="0"><wp:extent cx="{width}" cy="{height}"/>'
        f'<wp:docPr id="{FIRST_SHAPE + number}" name="chart {number}" descr="{escape(title, {chr(34): "&quot;"})}"/>'
        '<wp:cNvGraphicFramePr/><a:graphic xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
        '<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/chart">'
        '<c:chart xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
        'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
        f'r:id="{shown}"/></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>'
    )


def _own_name(document: Document, number: int) -> str:
    """A name for the parts of a chart that no chart of the template bears."""
    there = {str(part.partname) for part in document.part.package.iter_parts()}
    name = f"chart{number}"
    while there & {f"/word/charts/{name}.xml", f"/word/embeddings/{name}.xlsx"}:
        name += "_"
    return name


def _workbook(names: Sequence[str], series: Sequence[_Series]) -> bytes:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("Sheet1")
        for row, name in enumerate(names, 1):
            sheet.write_string(row, 0, name)
        for col, one in enumerate(series, 1):
            sheet.write_string(0, col, one.name)
            for row, value in enumerate(one.values, 1):
                if math.isfinite(value):
                    sheet.write_number(row, col, value)
    return stream.getvalue()


def _space(plot: str, data: str) -> str:
    """Return the whole part: what is plotted, in the fonts of the document, and where its numbers are."""
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><c:chartSpace {_NAMESPACES}>'
        f'<c:roundedCorners val="0"/><c:chart>{plot}'
        '<c:plotVisOnly val="1"/><c:dispBlanksAs val="gap"/></c:chart>'
        "<c:spPr><a:noFill/><a:ln><a:noFill/></a:ln></c:spPr>"
        '<c:txPr><a:bodyPr/><a:lstStyle/><a:p><a:pPr><a:defRPr sz="900"><a:latin typeface="Times New Roman"/>'
        '<a:ea typeface="宋体"/></a:defRPr></a:pPr><a:endParaRPr lang="zh-CN"/></a:p></c:txPr>'
        f'<c:externalData r:id="{data}"><c:autoUpdate val="0"/></c:externalData></c:chartSpace>'
    )


def _bar_chart(bars: Bars, names: Sequence[str], series: _Series) -> str:
    form = "0.00%" if bars.percent else "#,##0.00"
    limit = "" if bars.limit is None else f'<c:dPt><c:idx val="0"/><c:invertIfNegative val="0"/>{_fill(_LIMIT)}</c:dPt>'
    labels = (
        f'<c:invertIfNegative val="0"/>{limit}<c:dLbls><c:numFmt formatCode="{form}" sourceLinked="0"/>'
        '<c:spPr><a:noFill/></c:spPr><c:dLblPos val="outEnd"/><c:showLegendKey val="0"/><c:showVal val="1"/>'
        '<c:showCatName val="0"/><c:showSerName val="0"/><c:showPercent val="0"/><c:showBubbleSize val="0"/></c:dLbls>'
    )
    return (
        '<c:autoTitleDeleted val="1"/><c:plotArea><c:layout/><c:barChart><c:barDir val="bar"/>'
        '<c:grouping val="clustered"/><c:varyColors val="0"/>'
        f"{_ser(0, names, series, form, labels)}"
        '<c:gapWidth val="55"/><c:axId val="111"/><c:axId val="222"/></c:barChart>'
        '<c:catAx><c:axId val="111"/><c:scaling><c:orientation val="maxMin"/></c:scaling><c:delete val="0"/>'
        '<c:axPos val="l"/><c:numFmt formatCode="General" sourceLinked="0"/><c:majorTickMark val="none"/>'
        '<c:minorTickMark val="none"/><c:tickLblPos val="low"/><c:spPr><a:ln w="6350"><a:solidFill>'
        '<a:srgbClr val="808080"/></a:solidFill></a:ln></c:spPr><c:crossAx val="222"/><c:crosses val="autoZero"/>'
        '<c:auto val="0"/><c:lblAlgn val="ctr"/><c:lblOffset val="60"/><c:noMultiLvlLbl val="1"/></c:catAx>'
        '<c:valAx><c:axId val="222"/><c:scaling><c:orientation val="minMax"/>'
        f'{_room(series)}<c:min val="0"/></c:scaling>'
        '<c:delete val="1"/><c:axPos val="t"/><c:numFmt formatCode="General" sourceLinked="0"/>'
        '<c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="none"/>'
        '<c:crossAx val="111"/><c:crosses val="autoZero"/></c:valAx><c:spPr><a:noFill/></c:spPr></c:plotArea>'
    )


def _room(series: _Series) -> str:
    """Leave the figure at the end of the longest bar room in one line."""
    longest = max((value for value in series.values if math.isfinite(value)), default=0.0)
    return f'<c:max val="{1.2 * longest:g}"/>' if longest > 0 else ""


def _radar_chart(names: Sequence[str], series: Sequence[_Series]) -> str:
    rim = rim_for(value for one in series for value in one.values)
    # Marks show a figure that stands alone between two missing ones; the target needs none.
    lines = "".join(
        _ser(place, names, one, "0%", _marker("circle" if place else "none", one.colour))
        for place, one in enumerate(series)
    )
    return (
        f'<c:autoTitleDeleted val="1"/><c:plotArea>{_ROOM}<c:radarChart><c:radarStyle val="marker"/>'
        f'<c:varyColors val="0"/>{lines}<c:axId val="111"/><c:axId val="222"/></c:radarChart>'
        '<c:catAx><c:axId val="111"/><c:scaling><c:orientation val="minMax"/></c:scaling><c:delete val="0"/>'
        f'<c:axPos val="b"/><c:majorGridlines>{_stroke("D9DEE6", 0.5)}</c:majorGridlines>'
        '<c:numFmt formatCode="General" sourceLinked="0"/><c:majorTickMark val="none"/><c:minorTickMark val="none"/>'
        f'<c:tickLblPos val="nextTo"/>{_SMALL}<c:crossAx val="222"/><c:crosses val="autoZero"/><c:auto val="0"/>'
        '<c:lblAlgn val="ctr"/><c:lblOffset val="100"/><c:noMultiLvlLbl val="1"/></c:catAx>'
        '<c:valAx><c:axId val="222"/><c:scaling><c:orientation val="minMax"/>'
        f'<c:max val="{rim:g}"/><c:min val="0"/></c:scaling><c:delete val="0"/><c:axPos val="l"/>'
        f"<c:majorGridlines>{_stroke('D9DEE6', 0.5)}</c:majorGridlines>"
        '<c:numFmt formatCode="0%" sourceLinked="0"/><c:majorTickMark val="none"/><c:minorTickMark val="none"/>'
        '<c:tickLblPos val="none"/><c:spPr><a:ln><a:noFill/></a:ln></c:spPr><c:crossAx val="111"/>'
        '<c:crosses val="autoZero"/><c:crossBetween val="between"/><c:majorUnit val="0.5"/></c:valAx>'
        "<c:spPr><a:noFill/></c:spPr></c:plotArea>"
        f'<c:legend><c:legendPos val="b"/><c:overlay val="0"/>{_SMALL}</c:legend>'
    )


def _ser(place: int, names: Sequence[str], one: _Series, form: str, more: str) -> str:
    """Return one series with the numbers it has now."""
    last, letter = len(names) + 1, "BCD"[place]
    return (
        f'<c:ser><c:idx val="{place}"/><c:order val="{place}"/>'
        f"<c:tx><c:strRef><c:f>Sheet1!${letter}$1</c:f><c:strCache>{_points([one.name])}</c:strCache></c:strRef></c:tx>"
        f"{one.look}{more}"
        f"<c:cat><c:strRef><c:f>Sheet1!$A$2:$A${last}</c:f><c:strCache>{_points(names)}</c:strCache></c:strRef></c:cat>"
        f"<c:val><c:numRef><c:f>Sheet1!${letter}$2:${letter}${last}</c:f>"
        f"<c:numCache><c:formatCode>{form}</c:formatCode>{_points(one.values)}</c:numCache></c:numRef></c:val></c:ser>"
    )


def _marker(symbol: str, colour: str) -> str:
    size = "" if symbol == "none" else f'<c:size val="4"/>{_fill(colour)}'
    return f'<c:marker><c:symbol val="{symbol}"/>{size}</c:marker>'


def _fill(colour: str) -> str:
    return f'<c:spPr><a:solidFill><a:srgbClr val="{colour}"/></a:solidFill></c:spPr>'


def _stroke(colour: str, points: float, dash: str = "solid") -> str:
    return (
        f'<c:spPr><a:ln w="{round(points * 12700)}"><a:solidFill><a:srgbClr val="{colour}"/></a:solidFill>'
        f'<a:prstDash val="{dash}"/></a:ln></c:spPr>'
    )


def _points(values: Sequence[str | float]) -> str:
    """Return texts or numbers as the cache of a chart; a missing number has no point."""
    shown = [
        (place, escape(value) if isinstance(value, str) else repr(float(value)))
        for place, value in enumerate(values)
        if isinstance(value, str) or math.isfinite(value)
    ]
    points = "".join(f'<c:pt idx="{place}"><c:v>{text}</c:v></c:pt>' for place, text in shown)
    return f'<c:ptCount val="{len(values)}"/>{points}'
