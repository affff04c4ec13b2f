"""Which layers a project may have: the roles a source can play."""

from __future__ import annotations

__all__ = ["HEIGHT_RASTERS", "LAYERS", "LINE_LAYERS", "PLACED_LAYERS", "POLYGON_LAYERS", "RASTERS", "SOURCES"]

#: The layers there are that have rows, in the order in which they are read.
LAYERS = (
    "parks",
    "parcels",
    "buildings",
    "enterprises",
    "holdings",
    "districts",
    "constraints",
    "statistics",
    "evaluations",
    "targets",
    "facilities",
    "housing",
    "roads",
)
#: Layers whose rows are areas on the ground.
POLYGON_LAYERS = frozenset({"parks", "parcels", "buildings", "districts", "constraints"})
#: Layers whose rows are lines along the ground.
LINE_LAYERS = frozenset({"roads"})
#: Layers whose rows have a place, points, lines or areas: where they lie is asked, never how much land they cover.
PLACED_LAYERS = frozenset({"enterprises", "facilities", "housing"}) | LINE_LAYERS
#: Rasters that tell how high buildings are.
HEIGHT_RASTERS = ("height", "dsm", "dtm")
#: Layers that are rasters: one file each.
RASTERS = (*HEIGHT_RASTERS, "land_cover", "night_lights")
#: Everything a project file may name under [layers].
SOURCES = (*LAYERS, *RASTERS)
