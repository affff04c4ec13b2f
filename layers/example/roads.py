"""The streets of the example city as lines, invented like all of it: one line a street, as surveyors keep axes.

Streets run on the edges of the meshes, so where they cross is known by construction. Avenues and collectors have
bridges, lanes end at the river; the expressway bears no people on foot, and of lanes nobody tells whether they do.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers.example.streets import CRS, Ground, rank

__all__ = ["know_streets", "street_lines"]

_CLASSES = ("主干路", "次干路", "支路")
_LANE = 2


def street_lines(ground: Ground, border: shapely.Polygon) -> gpd.GeoDataFrame:
    """Draw the streets inside the border, and the expressway.

    Columns: `road_name`, `road_class`, `walkable` (missing for lanes).
    """
    nodes = _nodes(ground)
    axes = shapely.linestrings(np.concatenate([nodes, nodes.swapaxes(0, 1)]))
    ranks = np.tile(rank(len(nodes)), 2)
    land = shapely.difference(border, ground.river)
    inside = shapely.intersection(axes, np.where(ranks == _LANE, land, border))
    names = [f"示例{way}{number + 1}路" for way in ("纵", "横") for number in range(len(nodes))]
    streets = pd.DataFrame(
        {
            "road_name": names,
            "road_class": np.array(_CLASSES, dtype=object)[ranks],
            "walkable": pd.Series(True, index=range(len(ranks)), dtype="boolean").mask(ranks == _LANE),
        }
    )
    through = shapely.intersection(ground.expressway_axis, border)
    fast = pd.DataFrame(
        {"road_name": ["示例高速"], "road_class": ["高速公路"], "walkable": pd.Series([False], dtype="boolean")}
    )
    table = pd.concat([streets, fast], ignore_index=True)
    shapes = np.append(inside, through)
    drawn = shapely.length(shapes) > 0
    return gpd.GeoDataFrame(table[drawn].reset_index(drop=True), geometry=shapes[drawn], crs=CRS)


def know_streets(ground: Ground, border: shapely.Polygon) -> dict[str, object]:
    """Return what is known of the streets without measuring the layer: sums over the sides of blocks, m.

    `crossings` counts where two streets cross inside the border, lanes under the river aside; `bridges` the avenues
    and collectors whose axis meets the river.
    """
    nodes = _nodes(ground)
    ranks = rank(len(nodes))
    lane = (ranks[:, None] == _LANE) | (ranks[None, :] == _LANE)
    within = shapely.contains_xy(border, nodes[..., 0], nodes[..., 1])
    wet = shapely.contains_xy(ground.river, nodes[..., 0], nodes[..., 1])
    wide = np.concatenate([nodes[ranks != _LANE], nodes.swapaxes(0, 1)[ranks != _LANE]])
    over = shapely.intersection(shapely.linestrings(wide), border)
    return {
        "streets": {
            "crossings": int((within & ~(wet & lane)).sum()),
            "bridges": int(shapely.intersects(over, ground.river).sum()),
        }
    }


def _nodes(ground: Ground) -> npt.NDArray[np.float64]:
    """Return the crossings of the axes, shape (n + 1, n + 1, 2): the corners of the meshes, each once."""
    n = round(np.sqrt(len(ground.meshes)))
    corners = shapely.get_coordinates(ground.meshes).reshape(n, n, 5, 2)
    nodes = np.empty((n + 1, n + 1, 2))
    nodes[:-1, :-1] = corners[:, :, 0]
    nodes[-1, :-1], nodes[:-1, -1], nodes[-1, -1] = corners[-1, :, 1], corners[:, -1, 3], corners[-1, -1, 2]
    return nodes
