"""The points of each park (一园多点): its parts that lie apart, and how far each lies from the main park.

A park drawn in parts no farther apart than boundary noise (0.5 m) is one point. Distances are of the analysis
plane. Industrial land is that of the pieces of `Land`, so the points of a park add up to the park to the last step,
under the overlap rule of the run. Knows no limit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.grouping import linked
from geo.land import Land
from geo.overlay import intersect, share_out
from layers.area import area_m2
from layers.common_land import BOUNDARY_WIDTH_M
from layers.units import from_tally, in_steps, to_tally

__all__ = ["Mains", "drawn_area", "groups_of", "mains_of", "points_of"]

Rows = npt.NDArray[np.intp]
Shapes = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Mains:
    """Which park is a zone's main one.

    Attributes
    ----------
    park : int or None
        Row of the park; None where the zone has none, or several.
    parks : tuple of int
        Rows of all that are marked main.
    known_by : {"role", "sole", "none", "several"}
        By its role; as the only park of its zone, which has no role; or why there is none.
    """

    park: int | None
    parks: tuple[int, ...]
    known_by: str


def mains_of(parks: pd.DataFrame) -> dict[str, Mains]:
    """Return the main park of each zone, by zone id.

    Parameters
    ----------
    parks : DataFrame
        As `zones.park_table` returns it.

    Examples
    --------
    >>> parks = pd.DataFrame({"zone_id": ["Z", "Z", "Y"], "role": ["branch", "main", None]})
    >>> {zone: (one.park, one.known_by) for zone, one in mains_of(parks).items()}
    {'Y': (2, 'sole'), 'Z': (1, 'role')}
    """
    role = parks["role"].astype("object") if "role" in parks else pd.Series(None, index=parks.index, dtype="object")
    found = {}
    for zone, rows in role.groupby(parks["zone_id"].to_numpy()):
        marked = tuple(int(row) for row in rows.index[(rows == "main").to_numpy()])
        if len(marked) == 1:
            found[str(zone)] = Mains(marked[0], marked, "role")
        elif not marked and len(rows) == 1 and pd.isna(rows.iloc[0]):
            found[str(zone)] = Mains(int(rows.index[0]), (), "sole")
        else:
            found[str(zone)] = Mains(None, marked, "several" if marked else "none")
    return found


def points_of(land: Land, area: str = "tdt1055") -> gpd.GeoDataFrame:
    """Return one row a point, park by park, the largest first.

    Parameters
    ----------
    land : Land
        With parks; of its parcels the industrial ones are needed.
    area : str
        Area method, see `layers.area`; ``recorded`` measures boundaries by ``tdt1055``.

    Returns
    -------
    GeoDataFrame
        `point_id` (the park's id, with its number where the park has several), `park` (row), `park_id`,
        `park_name`, `zone_id`, `zone_name`, `role`, `number`, `of` (points of the park), `area_m2`, `industrial_m2`,
        `to_main_km` and `centroids_km` (from the main park, between boundaries and between centroids; of the main
        park's own points, from its largest; missing where the zone has no main park or several).
    """
    if land.parks is None:
        raise ValueError("the land was attached without parks")
    parks = land.parks
    rows, shapes = _apart(parks.geometry.to_numpy())
    areas = drawn_area(shapes, parks.crs, area)
    left, bottom, *_ = shapely.bounds(shapes).T
    order = np.lexsort((bottom, left, -areas, rows))
    rows, shapes, areas = rows[order], shapes[order], areas[order]
    many = np.bincount(rows, minlength=len(parks))[rows]
    number = np.arange(len(rows)) - np.searchsorted(rows, rows) + 1
    park = parks.iloc[rows].reset_index(drop=True)
    told = {name: park[name] for name in ("park_id", "park_name", "zone_id", "zone_name")}
    role = park["role"].astype("object") if "role" in park else pd.Series(None, index=park.index, dtype="object")
    mark = _mark(parks["park_id"].astype("string"))
    suffix = pd.Series(np.where(many > 1, [f"{mark}{one}" for one in number], ""))
    table = gpd.GeoDataFrame(
        {
            "point_id": park["park_id"].astype("string") + suffix,
            "park": rows,
            **told,
            "role": role,
            "number": number,
            "of": many,
            "area_m2": areas,
            "industrial_m2": _industrial(land, rows, shapes),
        },
        geometry=shapes,
        crs=parks.crs,
    )
    return table.assign(**_distances(table, mains_of(parks), parks.geometry.to_numpy()))


def _mark(ids: pd.Series) -> str:
    """Return the sign before the number of a point: longer than any that ids of parks have, so no two points share one.

    Examples
    --------
    >>> _mark(pd.Series(["A", "B"])), _mark(pd.Series(["A", "A#1"]))
    ('#', '##')
    """
    return "#" * (1 + max((len(run) for one in ids for run in re.findall("#+", one)), default=0))


def drawn_area(shapes: Shapes, crs: object, area: str) -> npt.NDArray[np.float64]:
    """Return the area of shapes that no register knows, in m² of whole steps.

    Examples
    --------
    >>> drawn_area(np.array([shapely.box(0, 0, 10, 10.00001)]), "EPSG:4549", "planar").tolist()
    [100.0]
    """
    measured = area_m2(gpd.GeoSeries(shapes, crs=crs), "tdt1055" if area == "recorded" else area)
    return np.asarray(in_steps(measured, "m2"), dtype="float64")


def groups_of(shapes: Shapes) -> Rows:
    """Number what lies together: shapes no farther apart than boundary noise (0.5 m) are one block.

    Examples
    --------
    >>> groups_of(np.array([shapely.box(0, 0, 9, 9), shapely.box(50, 0, 60, 9), shapely.box(9.3, 0, 20, 9)])).tolist()
    [0, 1, 0]
    """
    if not len(shapes):
        return np.zeros(0, dtype="intp")
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=BOUNDARY_WIDTH_M)
    return linked(one, other, len(shapes))


def _apart(parks: Shapes) -> tuple[Rows, Shapes]:
    """Take parks apart: the row of the park of each point, and its shape."""
    rows: list[int] = []
    shapes: list[shapely.Geometry] = []
    for row, shape in enumerate(parks):
        parts = shapely.get_parts(shape)
        parts = parts[~shapely.is_empty(parts)]
        group = groups_of(parts)
        for number in range(int(group.max(initial=-1)) + 1):
            mine = parts[group == number]
            rows.append(row)
            shapes.append(mine[0] if len(mine) == 1 else shapely.multipolygons(mine))
    made = np.empty(len(shapes), dtype="object")
    made[:] = shapes
    return np.array(rows, dtype="intp"), made


def _industrial(land: Land, rows: Rows, shapes: Shapes) -> npt.NDArray[np.float64]:
    """Share the industrial land of each park among its points, in whole steps."""
    own = land.parcels
    industrial = own["industrial"].fillna(value=False).to_numpy(dtype=bool) & own["land_area_m2"].notna().to_numpy()
    pieces = land.pieces[(land.pieces["park"] >= 0).to_numpy() & industrial[land.pieces["parcel"].to_numpy()]]
    parcel, park = pieces["parcel"].to_numpy(), pieces["park"].to_numpy()
    steps = to_tally(pieces["land_area_m2"], "m2")
    sums = np.zeros(len(rows), dtype="int64")
    first, many = np.searchsorted(rows, park), np.bincount(rows, minlength=len(land.parks))[park]  # type: ignore[arg-type]
    np.add.at(sums, first[many == 1], steps[many == 1])
    spread = np.flatnonzero(many > 1)
    asked, place = np.unique(parcel[spread], return_inverse=True)
    pairs = intersect(own.geometry.to_numpy()[asked], shapes)
    found = pd.DataFrame({"of": pairs.left, "point": pairs.right, "weight": pairs.share, "park": rows[pairs.right]})
    joined = pd.DataFrame({"of": place, "park": park[spread], "piece": np.arange(len(spread))}).merge(
        found, on=["of", "park"], how="left"
    )
    # A piece that floats leave on no point of its park goes to the largest.
    joined["point"] = joined["point"].fillna(pd.Series(np.searchsorted(rows, joined["park"]), index=joined.index))
    joined["weight"] = joined["weight"].fillna(1.0)
    shared = share_out(steps[spread], joined["piece"].to_numpy("intp"), joined["weight"].to_numpy("float64"))
    np.add.at(sums, joined["point"].to_numpy("intp"), shared)
    return np.asarray(from_tally(sums, "m2"), dtype="float64")


def _distances(table: gpd.GeoDataFrame, mains: dict[str, Mains], parks: Shapes) -> dict[str, npt.NDArray[np.float64]]:
    """Measure from the main park of each point's zone, km."""
    shapes = table.geometry.to_numpy()
    main = np.array([-1 if (row := mains[str(zone)].park) is None else row for zone in table["zone_id"]])
    first = np.searchsorted(table["park"].to_numpy(), main)
    own = main == table["park"].to_numpy()
    start = np.where(own, shapes[np.minimum(first, len(shapes) - 1)], parks[main])
    known = main >= 0
    edges = np.where(known, shapely.distance(shapes, start), np.nan)
    middles = np.where(known, shapely.distance(shapely.centroid(shapes), shapely.centroid(start)), np.nan)
    return {"to_main_km": edges / 1000, "centroids_km": middles / 1000}
