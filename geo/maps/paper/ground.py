"""What lies in the frame of a page (`draw_ground`): parcels of a theme, districts, parks, overlaps, moves, names.

Takes the classes and colours of the web map; decides only what is drawn over what, and where names stand so that none
covers another. Parcels go into one picture of the page, everything else stays lines and letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import Stroke

from geo.assessment import Assessment
from geo.maps.content import overlaps_of, parks_of
from geo.maps.facts import land_of
from geo.maps.packing import inner_points
from geo.maps.paper.extent import Extent
from geo.maps.paper.pen import MUTED, Pen
from geo.maps.paper.shapes import dashes, fill_polygons, outline
from geo.maps.themes import Theme, role_of, style, tint, zone_colours
from geo.planned import Planned

__all__ = ["GROUND", "Scene", "darker", "draw_ground"]

#: The colour of what is no parcel.
GROUND = "#f6f4ef"

_PICTURE = 2.0  # what is drawn below this goes into the picture
_HAIR_SCALE = 40_000  # parcels have edges on maps of this scale and larger
_PALE = 0.28


@dataclass(frozen=True)
class Scene:
    """One page's subject: the run, its theme, the parcels in full colour (True: all), and the parks that are named."""

    assessment: Assessment
    theme: Theme
    plan: Planned | None
    full: npt.NDArray[np.bool_]
    named: npt.NDArray[np.bool_]
    by_park: bool


def darker(colour: str) -> str:
    """The same hue, dark enough to be read on a light ground.

    Examples
    --------
    >>> darker("#ff8000")
    '#9e4f00'
    """
    return "#" + "".join(f"{int(int(colour[at : at + 2], 16) * 0.62):02x}" for at in (1, 3, 5))


def draw_ground(pen: Pen, box_mm: tuple[float, float, float, float], scene: Scene, extent: Extent) -> Axes:
    """Draw a map into a box of the page and return its axis."""
    axes = pen.axes(box_mm)
    left, bottom, right, top = extent.bounds
    axes.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[], facecolor=GROUND)
    axes.set_rasterization_zorder(_PICTURE)
    for side in axes.spines.values():
        side.set(color="#39444d", linewidth=0.8 * pen.scale, zorder=4)
    _parcels(axes, scene, extent)
    _districts(pen, axes, scene, extent)
    _parks(pen, axes, scene, extent)
    _overlaps(pen, axes, scene, extent)
    if scene.theme.id == "plan":
        _moves(pen, axes, scene)
    _names(pen, axes, scene, extent)
    return axes


def _parcels(axes: Axes, scene: Scene, extent: Extent) -> None:
    shapes = land_of(scene.assessment).parcels.geometry.to_numpy()
    boxes = shapely.bounds(shapes)
    left, bottom, right, top = extent.bounds
    with np.errstate(invalid="ignore"):
        seen = (boxes[:, 0] < right) & (boxes[:, 2] > left) & (boxes[:, 1] < top) & (boxes[:, 3] > bottom)
    edge = "#ffffff" if extent.scale <= _HAIR_SCALE else None
    for number, one in enumerate(scene.theme.classes):
        here = seen & (scene.theme.of_parcel == number)
        fill_polygons(axes, shapes[here & ~scene.full], tint(one.fill, _PALE), edge=edge)
        fill_polygons(axes, shapes[here & scene.full], one.fill, one.pattern, edge=edge, zorder=1.2)


def _districts(pen: Pen, axes: Axes, scene: Scene, extent: Extent) -> None:
    table = land_of(scene.assessment).districts
    for shape in [] if table is None else table.geometry[table.intersects(extent.box)]:
        outline(axes, shape, "#ffffff", 1.6 * pen.scale, zorder=2.4)
        outline(axes, shape, "#6f7b84", 0.7 * pen.scale, [5, 2, 1, 2], zorder=2.5)


def _parks(pen: Pen, axes: Axes, scene: Scene, extent: Extent) -> None:
    parks = parks_of(scene.assessment)
    if not len(parks):
        return
    colours, roles = zone_colours(parks["zone_id"].tolist()), role_of(parks)
    seen = np.flatnonzero(parks.geometry.intersects(extent.box))
    for row in [*seen[~scene.named[seen]], *seen[scene.named[seen]]]:
        colour = darker(colours[parks["zone_id"].iloc[row]])
        dash = dashes(style().get(("dash", str(roles.iloc[row])), ("", "4 5"))[1], 0.55 * pen.scale)
        shape, strong = parks.geometry.iloc[row], scene.named[row]
        outline(axes, shape, "#ffffff", (2.2 if strong else 1.2) * pen.scale, zorder=2.8)
        outline(axes, shape, colour if strong else "#8f9aa2", (1.1 if strong else 0.6) * pen.scale, dash, zorder=2.9)


def _overlaps(pen: Pen, axes: Axes, scene: Scene, extent: Extent) -> None:
    shapes = overlaps_of(scene.assessment)["geometry"]
    for shape in shapes:
        if shape is None or not shape.intersects(extent.box):
            continue
        for part in shapely.get_parts(shape):
            if part.geom_type == "Polygon":
                axes.add_patch(_hatched(pen, part))


def _hatched(pen: Pen, shape: shapely.Polygon) -> PathPatch:
    ring = Path(shapely.get_coordinates(shape.exterior), closed=True)
    look = {"facecolor": "none", "edgecolor": "#111111", "linewidth": 0.5 * pen.scale, "hatch": "////////"}
    drawn = PathPatch(ring, zorder=2.95, **look)
    drawn.set_hatch_linewidth(0.5 * pen.scale)
    return drawn


def _moves(pen: Pen, axes: Axes, scene: Scene) -> None:
    """Lines from parcels to the parks their works would move into."""
    if scene.plan is None:
        return
    acts = scene.plan.acts
    acts = acts[acts["action"] == "relocate"]
    land = land_of(scene.assessment)
    origin = shapely.get_coordinates(shapely.centroid(land.parcels.geometry.to_numpy()[acts["parcel"].to_numpy()]))
    parks = shapely.get_coordinates(inner_points(parks_of(scene.assessment).geometry.to_numpy()))
    arrow = {"arrowstyle": "-|>,head_width=0.12,head_length=0.25", "color": style()["act", "relocate"][0],
             "linewidth": 0.45 * pen.scale, "alpha": 0.7, "shrinkA": 0, "shrinkB": 0}  # fmt: skip
    for start, stop in zip(origin, parks[acts["park"].to_numpy()], strict=True):
        ends = {"xy": tuple(stop), "xytext": tuple(start)}
        axes.annotate("", **ends, zorder=2.97, annotation_clip=True, arrowprops=arrow)


# ---------------------------------------------------------------- names


def _names(pen: Pen, axes: Axes, scene: Scene, extent: Extent) -> None:
    """Names of zones (overview) or parks (a zone's page), then of districts; none covers another."""
    taken = _furniture(pen, extent)
    for text, place, size, bold, colour in [*_park_names(scene), *_district_names(scene, extent)]:
        spot = _free(pen, text, place, size, extent, taken)
        if spot is not None:
            # The halo is drawn as shapes and the name as letters over it, so that it can be searched.
            halo = [Stroke(linewidth=2.0 * pen.scale, foreground="#ffffff")]
            look: dict[str, Any] = {"bold": bold, "on": axes, "ha": "center", "va": "center", "clip_on": True}
            pen.text(*spot, text, size, color="#ffffff", zorder=3.4, path_effects=halo, **look)
            pen.text(*spot, text, size, color=colour, zorder=3.5, **look)


def _furniture(pen: Pen, extent: Extent) -> list[tuple[float, float, float, float]]:
    """Where the scale bar and the north arrow stand: lower left and upper right."""
    left, bottom, right, top = extent.bounds
    metres = extent.scale / 1000 * pen.scale
    return [
        (left, bottom, left + 62 * metres, bottom + 14 * metres),
        (right - 14 * metres, top - 20 * metres, right, top),
    ]


_Name = tuple[str, tuple[float, float], float, bool, str]


def _park_names(scene: Scene) -> list[_Name]:
    parks = parks_of(scene.assessment)
    if not len(parks):
        return []
    colours = zone_colours(parks["zone_id"].tolist())
    rows = np.flatnonzero(scene.named)
    largest = sorted(rows, key=lambda row: (role_of(parks).iloc[row] != "main", -parks.geometry.iloc[row].area))
    if not scene.by_park:
        first = pd.Series(parks["zone_id"].to_numpy()[largest]).drop_duplicates().index
        largest = [largest[at] for at in first]
    points = shapely.get_coordinates(inner_points(parks.geometry.to_numpy()))
    title = "park_name" if scene.by_park else "zone_name"
    return [
        (str(parks[title].iloc[row]), (points[row][0], points[row][1]), 7.0, True,
         darker(colours[parks["zone_id"].iloc[row]]))
        for row in largest
    ]  # fmt: skip


def _district_names(scene: Scene, extent: Extent) -> list[_Name]:
    table = land_of(scene.assessment).districts
    if table is None:
        return []
    shown = shapely.intersection(table.geometry.to_numpy(), extent.box)
    there = ~shapely.is_empty(shown) & table["district_name"].notna().to_numpy()
    points = shapely.get_coordinates(inner_points(shown[there]))
    names = table["district_name"].astype(str).to_numpy()[there]
    return [(name, (x, y), 8.0, False, MUTED) for name, (x, y) in zip(names, points, strict=True)]


def _free(
    pen: Pen, text: str, place: tuple[float, float], size: float, extent: Extent,
    taken: list[tuple[float, float, float, float]],
) -> tuple[float, float] | None:  # fmt: skip
    """A spot at or next to a place where a text covers no other and stays in the frame; it is taken then."""
    metres = extent.scale / 1000
    wide, high = pen.width_of(text, size) * metres / 2, pen.em(size) * metres * 0.65
    left, bottom, right, top = extent.bounds
    steps: Sequence[tuple[float, float]] = ((0, 0), (0, 1.6), (0, -1.6), (0, 3.2), (0, -3.2), (0.7, 1.6), (-0.7, 1.6),
                                            (0.7, -1.6), (-0.7, -1.6))  # fmt: skip
    for across, up in steps:
        x = min(max(place[0] + across * wide, left + wide), right - wide)
        y = min(max(place[1] + up * high, bottom + high), top - high)
        box = (x - wide, y - high, x + wide, y + high)
        inside = left <= place[0] <= right and bottom <= place[1] <= top
        if inside and not any(_meet(box, other) for other in taken):
            taken.append(box)
            return x, y
    return None


def _meet(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
