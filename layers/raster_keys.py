"""Keys that rasters have in a project file (栅格图层的设置), and what their values have to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from layers.errors import ProjectError
from layers.roles import HEIGHT_RASTERS
from layers.units import parse_unit, unit

__all__ = ["MOST_CLASSES", "RASTER_KEYS", "RASTER_KINDS", "fits_raster", "require_classes"]

_COMMON = ("source", "crs", "band")
#: Keys by raster.
RASTER_KEYS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(HEIGHT_RASTERS, (*_COMMON, "unit")),
    "land_cover": (*_COMMON, "classes"),
    "night_lights": _COMMON,
}
#: What they want, in English and Chinese.
RASTER_KINDS = {
    "band": ("the number of a band, from 1", "波段序号，从 1 起"),
    "unit": ('a unit of length: "m", "dm", "cm" or "ft"', '长度单位："m"、"dm"、"cm" 或 "ft"'),
    "classes": (
        "a table of names and the cell values they stand for, such as { built = [50], bare = [60], water = [80] }",
        "名称与像元值的对应表，如 { built = [50], bare = [60], water = [80] }",
    ),
}
#: A land cover has a few classes; each becomes a column of the parcels.
MOST_CLASSES = 50
_LONGEST_NAME = 30


def fits_raster(key: str, value: object) -> bool:
    """Whether the value of a key of a raster is of the kind it wants."""
    if key == "band":
        return type(value) is int and value >= 1
    if key == "unit":
        return isinstance(value, str) and _is_length(value)
    if not isinstance(value, dict) or not 0 < len(value) <= MOST_CLASSES:
        return False
    named = all(name.isidentifier() and len(name) <= _LONGEST_NAME for name in value)
    return named and all(
        isinstance(cells, list) and cells and all(type(cell) is int for cell in cells) for cells in value.values()
    )


def _is_length(name: str) -> bool:
    known = parse_unit(name)
    return known is not None and unit(known).base == "m"


def require_classes(where: str, classes: Mapping[str, Sequence[int]]) -> None:
    """Refuse a land cover that names no class, or gives one value to two.

    Raises
    ------
    ProjectError
    """
    if not classes:
        raise ProjectError(
            f"{where}: which values are what? Expected classes, {RASTER_KINDS['classes'][0]}.",
            f"{where}：请写明各像元值的含义：classes = {RASTER_KINDS['classes'][1]}。",
        )
    seen: dict[int, str] = {}
    for name, cells in classes.items():
        for cell in cells:
            if seen.setdefault(cell, name) != name:
                raise ProjectError(
                    f"{where} classes: the value {cell} stands under {seen[cell]} and {name}. "
                    "Expected one class a value.",
                    f"{where} classes：像元值 {cell} 同时列在 {seen[cell]} 和 {name} 下。每个值只能属于一类。",
                )
