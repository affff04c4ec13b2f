"""Styles as QGIS reads them from a GeoPackage (QML): one symbol, or one symbol a class.

Knows how QGIS writes symbols; knows no layer and no colour of its own. A class is a value, a label, a
colour and a pattern of the style table of the maps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from geo.charts.texts import clean

__all__ = ["Look", "categorised", "single"]

_PATTERNS = {"": "solid", "hatch": "b_diagonal", "dots": "dense6", "cross": "diagonal_x", "lines": "horizontal"}
_Node = ET.Element


@dataclass(frozen=True)
class Look:
    """How one class is drawn: ``#rrggbb``, a pattern of the style table, outline, 0–1; `fill` False leaves it open."""

    colour: str
    pattern: str = ""
    outline: str = "#6b6b6b"
    width_mm: float = 0.1
    opacity: float = 1.0
    fill: bool = True


def single(look: Look, aliases: Mapping[str, str], *, points: bool = False) -> str:
    """Return the QML of one symbol for a whole layer."""
    renderer = ET.Element("renderer-v2", {"type": "singleSymbol", "symbollevels": "0", "forceraster": "0"})
    _symbols(renderer, [look], points=points)
    return _document(renderer, aliases)


def categorised(
    column: str,
    classes: Sequence[tuple[object, str, Look]],
    aliases: Mapping[str, str],
    *,
    points: bool = False,
) -> str:
    """Return the QML of one symbol a value of `column`; `classes` are (value, label, look)."""
    renderer = ET.Element(
        "renderer-v2", {"type": "categorizedSymbol", "attr": column, "symbollevels": "0", "forceraster": "0"}
    )
    categories = ET.SubElement(renderer, "categories")
    for number, (value, label, _) in enumerate(classes):
        kind = "long" if isinstance(value, int) else "string"
        ET.SubElement(
            categories,
            "category",
            {"value": clean(str(value)), "type": kind, "label": clean(label), "symbol": str(number), "render": "true"},
        )
    _symbols(renderer, [look for _, _, look in classes], points=points)
    return _document(renderer, aliases)


def _document(renderer: _Node, aliases: Mapping[str, str]) -> str:
    root = ET.Element("qgis", {"version": "3.34.0", "styleCategories": "Symbology|Fields"})
    root.append(renderer)
    names = ET.SubElement(root, "aliases")
    for number, (column, alias) in enumerate(aliases.items()):
        ET.SubElement(names, "alias", {"index": str(number), "field": column, "name": clean(alias)})
    body: str = ET.tostring(root, encoding="unicode")
    return f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{body}"


def _symbols(renderer: _Node, looks: Sequence[Look], *, points: bool) -> None:
    symbols = ET.SubElement(renderer, "symbols")
    for number, look in enumerate(looks):
        symbol = ET.SubElement(
            symbols,
            "symbol",
            {"type": "marker" if points else "fill", "name": str(number), "alpha": f"{look.opacity:g}"},
        )
        layer = ET.SubElement(
            symbol, "layer", {"class": "SimpleMarker" if points else "SimpleFill", "enabled": "1", "pass": "0"}
        )
        options = ET.SubElement(layer, "Option", {"type": "Map"})
        for name, value in (_marker(look) if points else _fill(look)).items():
            ET.SubElement(options, "Option", {"name": name, "type": "QString", "value": value})


def _fill(look: Look) -> dict[str, str]:
    return {
        "color": _rgba(look.colour),
        "style": _PATTERNS.get(look.pattern, "solid") if look.fill else "no",
        "outline_color": _rgba(look.outline),
        "outline_style": "solid",
        "outline_width": f"{look.width_mm:g}",
        "outline_width_unit": "MM",
        "joinstyle": "round",
    }


def _marker(look: Look) -> dict[str, str]:
    return {
        "name": "circle",
        "color": _rgba(look.colour),
        "outline_color": _rgba("#ffffff"),
        "outline_width": "0.2",
        "size": "2.4",
        "size_unit": "MM",
    }


def _rgba(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"{red},{green},{blue},255"
