"""Bars as a Word chart: vector, in the document's font, with its numbers in a sheet one can open and edit.

The chart is a part of the package of its own (DrawingML), with a small workbook inside. A line to compare
with stands as a first bar in red, since a horizontal bar chart knows no vertical line in every office.
"""

from __future__ import annotations

import io
import math
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter
from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.shared import Mm

from geo.report.parts import Bars

__all__ = ["chart_run"]

_CHART_TYPE = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_NAMESPACES = (
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)
_BAR, _LIMIT = "3B78AD", "B3341F"
_WIDTH_MM = 156
_ROW_MM = 7.0


def chart_run(document: Document, bars: Bars, title: str, number: int) -> Any:  # noqa: ANN401  (an lxml element)
    """Add a chart to the package and return the run that shows it."""
    names, values = _rows(bars)
    series = f"{title} ({bars.unit})" if bars.unit else title
    package = document.part.package
    sheet = Part(
        PackURI(f"/word/embeddings/chart{number}.xlsx"), _SHEET_TYPE, _workbook(names, values, series), package
    )
    chart = Part(PackURI(f"/word/charts/chart{number}.xml"), _CHART_TYPE, b"", package)
    data = chart.relate_to(sheet, RELATIONSHIP_TYPE.PACKAGE)
    chart._blob = _chart(bars, names, values, series, data).encode("utf-8")
    shown = document.part.relate_to(chart, RELATIONSHIP_TYPE.CHART)
    height = Mm(14 + _ROW_MM * len(names))
    return parse_xml(
        '<w:r xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:drawing>'
        '<wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
        f'distT="0" distB="0" distL="0" distR="0"><wp:extent cx="{int(Mm(_WIDTH_MM))}" cy="{int(height)}"/>'
        f'<wp:docPr id="{1000 + number}" name="chart {number}" descr="{escape(title, {chr(34): "&quot;"})}"/>'
        '<wp:cNvGraphicFramePr/><a:graphic xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
        '<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/chart">'
        '<c:chart xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
        'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
        f'r:id="{shown}"/></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>'
    )


def _rows(bars: Bars) -> tuple[list[str], list[float]]:
    values = [value if math.isfinite(value) else 0.0 for value in bars.values]
    if bars.limit is None:
        return list(bars.names), values
    return [bars.limit_name, *bars.names], [bars.limit, *values]


def _workbook(names: list[str], values: list[float], series: str) -> bytes:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False}) as book:
        sheet = book.add_worksheet("Sheet1")
        sheet.write_string(0, 1, series)
        for row, (name, value) in enumerate(zip(names, values, strict=True), 1):
            sheet.write_string(row, 0, name)
            sheet.write_number(row, 1, value)
    return stream.getvalue()


def _chart(bars: Bars, names: list[str], values: list[float], series: str, data: str) -> str:
    last = len(names) + 1
    form = "0.00%" if bars.percent else "#,##0.00"
    limit = "" if bars.limit is None else f'<c:dPt><c:idx val="0"/><c:invertIfNegative val="0"/>{_fill(_LIMIT)}</c:dPt>'
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><c:chartSpace {_NAMESPACES}>'
        '<c:roundedCorners val="0"/>'
        '<c:chart><c:autoTitleDeleted val="1"/><c:plotArea><c:layout/><c:barChart><c:barDir val="bar"/>'
        '<c:grouping val="clustered"/><c:varyColors val="0"/><c:ser><c:idx val="0"/><c:order val="0"/>'
        f"<c:tx><c:strRef><c:f>Sheet1!$B$1</c:f><c:strCache>{_points([series])}</c:strCache></c:strRef></c:tx>"
        f'{_fill(_BAR)}<c:invertIfNegative val="0"/>{limit}<c:dLbls><c:numFmt formatCode="{form}" sourceLinked="0"/>'
        '<c:spPr><a:noFill/></c:spPr><c:dLblPos val="outEnd"/><c:showLegendKey val="0"/><c:showVal val="1"/>'
        '<c:showCatName val="0"/><c:showSerName val="0"/><c:showPercent val="0"/><c:showBubbleSize val="0"/></c:dLbls>'
        f"<c:cat><c:strRef><c:f>Sheet1!$A$2:$A${last}</c:f><c:strCache>{_points(names)}</c:strCache></c:strRef></c:cat>"
        f"<c:val><c:numRef><c:f>Sheet1!$B$2:$B${last}</c:f><c:numCache><c:formatCode>{form}</c:formatCode>"
        f"{_points([repr(float(value)) for value in values])}</c:numCache></c:numRef></c:val></c:ser>"
        '<c:gapWidth val="55"/><c:axId val="111"/><c:axId val="222"/></c:barChart>'
        '<c:catAx><c:axId val="111"/><c:scaling><c:orientation val="maxMin"/></c:scaling><c:delete val="0"/>'
        '<c:axPos val="l"/><c:numFmt formatCode="General" sourceLinked="0"/><c:majorTickMark val="none"/>'
        '<c:minorTickMark val="none"/><c:tickLblPos val="low"/><c:spPr><a:ln w="6350"><a:solidFill>'
        '<a:srgbClr val="808080"/></a:solidFill></a:ln></c:spPr><c:crossAx val="222"/><c:crosses val="autoZero"/>'
        '<c:auto val="0"/><c:lblAlgn val="ctr"/><c:lblOffset val="60"/><c:noMultiLvlLbl val="1"/></c:catAx>'
        '<c:valAx><c:axId val="222"/><c:scaling><c:orientation val="minMax"/><c:min val="0"/></c:scaling>'
        '<c:delete val="1"/><c:axPos val="t"/><c:numFmt formatCode="General" sourceLinked="0"/>'
        '<c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="none"/>'
        '<c:crossAx val="111"/><c:crosses val="autoZero"/></c:valAx><c:spPr><a:noFill/></c:spPr></c:plotArea>'
        '<c:plotVisOnly val="1"/><c:dispBlanksAs val="gap"/></c:chart>'
        "<c:spPr><a:noFill/><a:ln><a:noFill/></a:ln></c:spPr>"
        '<c:txPr><a:bodyPr/><a:lstStyle/><a:p><a:pPr><a:defRPr sz="900"><a:latin typeface="Times New Roman"/>'
        '<a:ea typeface="宋体"/></a:defRPr></a:pPr><a:endParaRPr lang="zh-CN"/></a:p></c:txPr>'
        f'<c:externalData r:id="{data}"><c:autoUpdate val="0"/></c:externalData></c:chartSpace>'
    )


def _fill(colour: str) -> str:
    return f'<c:spPr><a:solidFill><a:srgbClr val="{colour}"/></a:solidFill></c:spPr>'


def _points(texts: list[str]) -> str:
    points = "".join(f'<c:pt idx="{i}"><c:v>{escape(text)}</c:v></c:pt>' for i, text in enumerate(texts))
    return f'<c:ptCount val="{len(texts)}"/>{points}'
