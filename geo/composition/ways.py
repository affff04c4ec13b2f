"""Which ways the living circle is measured along: roads where a layer of them can be walked on, else straight lines.

Says of each road whether people walk on it, keeps those near the parks, and tells what became of the layer. Shortest
ways are found by networkx, the extra `routing`, which is loaded here alone and only when there are roads. Without it,
and without roads near the parks, straight lines are taken and that is told.
"""

from __future__ import annotations

import logging
from importlib import import_module

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.composition.networks import Network, join_lines
from geo.composition.reach import StraightLines, Walk, Ways, near_to
from geo.composition.routing import RoadWays
from geo.grouping import linked
from layers.errors import ProjectError, first, suggestion

__all__ = ["choose_ways"]

Shapes = npt.NDArray[np.object_]
_log = logging.getLogger(__name__)
#: Why there are straight lines although there is a layer of roads.
_BECAUSE = {
    "routing-missing": (
        "ways along roads need the package networkx, which is not installed; straight lines are taken. Install the "
        'extra with pip install "parkwise[routing]"',
        '沿道路计算步行距离需要 networkx 软件包，当前未安装，已改用直线距离。请运行 pip install "parkwise[routing]"',
    ),
    "no-walkable-roads": (
        "0 of {count} roads can be walked on (columns walkable and road_class, living_circle.not_walked) and have a "
        "length; straight lines are taken",
        "{count} 条道路中没有可步行且长度大于 0 的道路（见 walkable、road_class 字段和 living_circle.not_walked），"
        "已改用直线距离",
    ),
    "roads-far": (
        "none of {count} roads comes within a walk of any park; straight lines are taken. Compare the CRS and the "
        "place of both layers (parkwise info)",
        "{count} 条道路均不在任何园区的步行距离之内，已改用直线距离。请核对两个图层的坐标系和位置（parkwise info）",
    ),
}


def choose_ways(roads: gpd.GeoDataFrame | None, walk: Walk, near: Shapes) -> Ways:
    """Choose ways along roads where they are there, else straight lines.

    Parameters
    ----------
    roads : GeoDataFrame or None
        Lines in the CRS of `near`; `walkable` and `road_class` where they are told: what is not told is walkable.
    walk : Walk
    near : array of geometries
        The places that are asked for; roads farther than a walk from all of them cannot matter.

    Returns
    -------
    Ways
        `roads` tells what became of the layer: `lines`, `not_walkable`, `walkable_untold`, `without_length`, `far`
        (rows, beyond a walk and the way to a road of every place); of the network `length_m`, `parts` (not connected
        with each other) and `largest_part_m`. `because` tells why there are straight lines.

    Raises
    ------
    ProjectError
        `living_circle.not_walked` names a class that no road has.

    Examples
    --------
    >>> road = gpd.GeoDataFrame(geometry=shapely.linestrings([[(0, 0), (9, 0)]]), crs=4549)
    >>> choose_ways(road, Walk(), np.array([shapely.box(0, 0, 9, 9)])).way
    'roads'
    >>> choose_ways(road, Walk(), np.array([shapely.box(0, 9000, 9, 9009)])).because
    'roads-far'
    """
    if roads is None:
        return StraightLines(walk)
    shapes = roads.geometry.to_numpy()
    open_, untold = _walked(roads, walk)
    long = shapely.length(shapes) > 0
    usable = np.flatnonzero(open_ & long)
    close = near_to(shapes[usable], near, walk.length_m + walk.leg_m)
    counts: dict[str, float] = {
        "lines": len(roads),
        "not_walkable": int((~open_).sum()),
        "walkable_untold": int(untold.sum()),
        "without_length": int((open_ & ~long).sum()),
        "far": len(usable) - len(close),
    }
    if len(close) == 0:
        return _straight(walk, "roads-far" if len(usable) else "no-walkable-roads", len(roads))
    try:
        library = import_module("networkx")
    except ImportError:
        return _straight(walk, "routing-missing", len(roads))
    network = join_lines(shapes[usable[close]])
    return RoadWays(walk, network, library, counts | _told(network))


def _straight(walk: Walk, because: str, count: int) -> StraightLines:
    en, zh = (words.format(count=f"{count:,}") for words in _BECAUSE[because])
    _log.warning("layers.roads: %s", en, extra={"zh": f"layers.roads：{zh}"})
    return StraightLines(walk, because)


def _walked(roads: pd.DataFrame, walk: Walk) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Say which roads are walked on, and of which nothing tells that."""
    nothing = pd.Series(pd.NA, index=roads.index)
    flag = roads.get("walkable", nothing).astype("boolean")
    classes = roads.get("road_class", nothing).astype("string").str.strip()
    there = sorted(classes.dropna().unique())
    for name in walk.not_walked:
        if name not in there:
            like = suggestion(name, there)
            raise ProjectError(
                f'living_circle.not_walked: 0 of {len(roads):,} roads have the class "{name}". Classes of roads: '
                f"{first(there, 12) or 'none (column road_class)'}.{like.en}",
                f"living_circle.not_walked：{len(roads):,} 条道路中没有等级“{name}”。现有等级："
                f"{first(there, 12) or '无（road_class 字段）'}。{like.zh}",
            )
    shut = classes.isin(list(walk.not_walked)).to_numpy(dtype=bool)
    untold = flag.isna().to_numpy() & ~shut
    return flag.fillna(True).to_numpy(dtype=bool) & ~shut, untold


def _told(network: Network) -> dict[str, float]:
    part = linked(network.ends[:, 0], network.ends[:, 1], len(network.xy))
    lengths = np.bincount(part[network.ends[:, 0]], weights=network.lengths_m)
    return {
        "length_m": float(network.lengths_m.sum()),
        "parts": len(lengths),
        "largest_part_m": float(lengths.max()),
    }
