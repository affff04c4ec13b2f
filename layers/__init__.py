"""Wing 1: files become trustworthy frames. Knows formats, encodings, CRS, units, columns; knows no indicator.

The names below are what other people's scripts may rely on; each is loaded when it is first used, so that
``import layers`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from layers.checking import check
    from layers.converting import convert
    from layers.findings import summarise
    from layers.ground import land_cover, night_lights
    from layers.heights import measure_heights
    from layers.inspecting import info
    from layers.intake import gather, inspect
    from layers.land_use import propose_system
    from layers.partitions import open_partitions
    from layers.propose import open_project
    from layers.rasters import Raster
    from layers.reading import read
    from layers.repairing import for_measuring, repair
    from layers.showing import show
    from layers.store import open_store
    from layers.writing import write

__all__ = [
    "Raster",
    "check",
    "convert",
    "for_measuring",
    "gather",
    "info",
    "inspect",
    "land_cover",
    "measure_heights",
    "night_lights",
    "open_partitions",
    "open_project",
    "open_store",
    "propose_system",
    "read",
    "repair",
    "show",
    "summarise",
    "write",
]

_HOME = {
    "Raster": "layers.rasters",
    "check": "layers.checking",
    "convert": "layers.converting",
    "for_measuring": "layers.repairing",
    "gather": "layers.intake",
    "info": "layers.inspecting",
    "inspect": "layers.intake",
    "land_cover": "layers.ground",
    "measure_heights": "layers.heights",
    "night_lights": "layers.ground",
    "open_partitions": "layers.partitions",
    "open_project": "layers.propose",
    "open_store": "layers.store",
    "propose_system": "layers.land_use",
    "read": "layers.reading",
    "repair": "layers.repairing",
    "show": "layers.showing",
    "summarise": "layers.findings",
    "write": "layers.writing",
}


def __getattr__(name: str) -> object:
    """Load a public name from the room it lives in."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'layers' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
