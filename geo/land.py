"""Land: parcels with everything that touches them, one row a parcel × park piece (`attach`).

Frames in one projected CRS come in, with canonical columns; out comes `Land`, whose columns are
extensive (m², yuan) and whole steps of 0.01, so that any grouping adds up exactly. A parcel cut by a
park boundary carries all its sums in proportion of its area, shared by the largest-remainder method.

Where a parcel records its own floor area or footprint, the record stands; else its buildings decide,
and a parcel with a building of unknown floor area has an unknown floor area. Missing is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.intensity import floor_areas
from geo.land_use import classify
from geo.overlay import Pairs, intersect, place, share_out
from geo.zones import Faces, assign, faces, park_table
from layers.area import area_m2
from layers.errors import CrsError
from layers.units import from_tally, to_tally

__all__ = ["EXTENSIVE", "Land", "attach", "districts_of", "in_steps"]

#: Extensive columns of a parcel, shared among its pieces. All are in m², but for the investment in yuan.
EXTENSIVE = (
    "land_area_m2",
    "floor_area_m2",
    "building_base_m2",
    "yard_area_m2",
    "green_area_m2",
    "admin_land_m2",
    "investment_cny",
)


@dataclass(frozen=True)
class Land:
    """Parcels, their pieces by park, and what was set aside on the way.

    Attributes
    ----------
    parcels : GeoDataFrame
        One row a parcel, in order of `parcel_id`: the canonical columns, `uid`, `industrial`, `built`,
        `district` (row of `districts`, −1 for none), `EXTENSIVE`, `floor_area_estimated`.
    pieces : DataFrame
        One row a parcel × park piece: `parcel` (row), `park` (row of `parks`, −1 outside), `share`, `EXTENSIVE`.
    parks, districts : GeoDataFrame or None
        As `zones.park_table` returns it; districts with `district_id`, `district_name`.
    faces : Faces or None
        The parks cut into disjoint faces.
    unplaced : dict
        Buildings (count) and footprint (m²) that stand on no parcel.
    """

    parcels: gpd.GeoDataFrame
    pieces: pd.DataFrame
    parks: gpd.GeoDataFrame | None
    districts: gpd.GeoDataFrame | None
    faces: Faces | None
    unplaced: dict[str, float] = field(default_factory=dict)
    buildings: pd.DataFrame | None = None


def attach(
    parcels: gpd.GeoDataFrame,
    parks: gpd.GeoDataFrame | None = None,
    buildings: gpd.GeoDataFrame | None = None,
    districts: gpd.GeoDataFrame | None = None,
    *,
    system: str = "third-survey",
    industrial: Sequence[str] | None = None,
    area: str = "tdt1055",
    overlap: str = "priority",
    storey_height_m: float = 4.0,
    tall_storey_m: float = 8.0,
    whole_from: float = 0.9,
) -> Land:
    """Join parks, buildings and districts to parcels.

    Parameters
    ----------
    parcels, parks, buildings, districts : GeoDataFrame
        Canonical layers with valid polygons, all in one projected CRS.
    system, industrial
        Land-use system and industrial classes, see `land_use.classify`.
    area : str
        ``tdt1055``, ``geodesic``, ``planar``, or ``recorded`` (the parcel's `recorded_area_m2`).
    overlap : str
        Rule for ground that several parks claim, see `zones`.
    storey_height_m, tall_storey_m
        See `intensity.floor_areas`.
    whole_from : float
        See `overlay.place`.

    Returns
    -------
    Land

    Raises
    ------
    CrsError
        The layers do not share one CRS.
    """
    for name, other in (("parks", parks), ("buildings", buildings), ("districts", districts)):
        _same_crs(parcels, other, name)
    table = _in_order(parcels)
    table = pd.concat([table, classify(table, system, industrial)], axis=1)
    table["land_area_m2"] = _land_area(table, area)
    unplaced: dict[str, float] = {}
    stock: pd.DataFrame | None = None
    if buildings is not None:
        footprint = area_m2(buildings.geometry, "tdt1055" if area == "recorded" else area).reset_index(drop=True)
        stock = _stock(buildings, footprint, storey_height_m, tall_storey_m)
        pairs = place(buildings.geometry.to_numpy(), table.geometry.to_numpy(), whole_from=whole_from)
        table, unplaced = _build_on(table, stock, pairs)
    table["floor_area_estimated"] = table.get("floor_area_estimated", False)
    for column in EXTENSIVE:
        table[column] = in_steps(table[column], column) if column in table else np.nan
    districts = None if districts is None else _district_table(districts)
    table["district"] = -1 if districts is None else districts_of(table.geometry, districts)
    park_rows = None if parks is None else park_table(parks)
    cut = None if park_rows is None else faces(park_rows)
    pieces = _cut(table, cut, overlap)
    return Land(table, pieces, park_rows, districts, cut, unplaced, stock)


def _same_crs(parcels: gpd.GeoDataFrame, other: gpd.GeoDataFrame | None, name: str) -> None:
    if other is not None and parcels.crs != other.crs:
        raise CrsError(
            f"parcels are in {parcels.crs}, {name} in {other.crs}. Expected one CRS; reproject with to_crs.",
            f"parcels 的坐标系为 {parcels.crs}，{name} 为 {other.crs}。应为同一坐标系，请先用 to_crs 转换。",
        )


def _in_order(parcels: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Sort by id, so that no figure depends on the order of rows, and give every row a name of its own."""
    if "parcel_id" in parcels:
        ids = parcels["parcel_id"].astype("string")
    else:
        ids = pd.Series(pd.NA, index=parcels.index, dtype="string")
    unnamed = pd.Series([f"#{i + 1}" for i in range(len(parcels))], index=parcels.index, dtype="string")
    ids = ids.fillna(unnamed)
    nth = ids.groupby(ids).cumcount()
    uid = ids.where(nth == 0, ids + " (" + (nth + 1).astype("string") + ")")
    return parcels.assign(parcel_id=ids, uid=uid).iloc[np.argsort(uid.to_numpy(), kind="stable")].reset_index(drop=True)


def _land_area(table: gpd.GeoDataFrame, method: str) -> pd.Series:
    if method != "recorded":
        return area_m2(table.geometry, method)
    recorded: pd.Series = table.get("recorded_area_m2", pd.Series(np.nan, index=table.index)).astype("float64")
    return recorded.mask(recorded <= 0)


def in_steps(values: pd.Series, column: str) -> pd.Series:
    """Round a column to whole steps of its unit (0.01 m², fen, …); missing stays missing."""
    base = _base(column)
    rounded = pd.Series(np.nan, index=values.index, dtype="float64", name=values.name)
    known = values.notna().to_numpy()
    rounded[known] = from_tally(to_tally(values[known].astype("float64"), base), base)
    return rounded


def _base(column: str) -> str:
    return "cny" if column.endswith("_cny") else "m2"


def _stock(
    buildings: pd.DataFrame, footprint_m2: pd.Series, storey_height_m: float, tall_storey_m: float
) -> pd.DataFrame:
    """Footprint and floor area of every building, in whole steps."""
    stock = floor_areas(
        buildings.reset_index(drop=True), footprint_m2, storey_height_m=storey_height_m, tall_storey_m=tall_storey_m
    )
    stock.insert(0, "footprint_m2", in_steps(footprint_m2, "footprint_m2"))
    stock["floor_area_m2"] = in_steps(stock["floor_area_m2"], "floor_area_m2")
    return stock


def _build_on(table: gpd.GeoDataFrame, stock: pd.DataFrame, pairs: Pairs) -> tuple[gpd.GeoDataFrame, dict[str, float]]:
    """Sum footprints and floor areas onto parcels; what stands on no parcel is counted apart."""
    n = len(stock)
    on_parcels = np.bincount(pairs.left, weights=pairs.share, minlength=n)
    beside = np.flatnonzero(on_parcels < 1 - 1e-9)
    building = np.concatenate([pairs.left, beside])
    parcel = np.concatenate([pairs.right, np.full(len(beside), len(table))])
    share = np.concatenate([pairs.share, 1 - on_parcels[beside]])
    sums: dict[str, npt.NDArray[np.float64]] = {}
    unknown = stock["floor_area_m2"].isna().to_numpy()
    for column in ("footprint_m2", "floor_area_m2"):
        steps = to_tally(stock[column].fillna(0.0), "m2")
        pieces = share_out(steps, building, share)
        total = np.zeros(len(table) + 1, dtype="int64")
        np.add.at(total, parcel, pieces)
        sums[column] = from_tally(total, "m2")
    on = parcel < len(table)
    # A sliver of a building on a parcel does not make the parcel's floor area unknown.
    blind = np.unique(parcel[on & unknown[building] & (share > 0.01)])
    guessed = np.unique(parcel[on & stock["estimated"].to_numpy()[building] & (share > 0.01)])
    floor = sums["floor_area_m2"][:-1].copy()
    floor[blind] = np.nan
    if unknown.all():
        floor[:] = np.nan  # of a layer without a single floor, an empty parcel proves no ratio of 0
    estimated = np.zeros(len(table), dtype=bool)
    estimated[guessed] = True
    recorded_floor = _recorded(table, "floor_area_m2")
    recorded_base = _recorded(table, "building_base_m2")
    table = table.assign(
        floor_area_m2=recorded_floor.fillna(pd.Series(floor)),
        building_base_m2=recorded_base.fillna(pd.Series(sums["footprint_m2"][:-1])),
        floor_area_estimated=estimated & recorded_floor.isna().to_numpy(),
        buildings=np.bincount(parcel[on & (share > 0.01)], minlength=len(table) + 1)[:-1],
    )
    away = {
        "buildings": float((on_parcels == 0).sum()),
        "footprint_m2": float(sums["footprint_m2"][-1]),
    }
    return table, away


def _recorded(table: pd.DataFrame, column: str) -> pd.Series:
    if column not in table:
        return pd.Series(np.nan, index=table.index)
    return table[column].astype("float64")


def _district_table(districts: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """One row a district, in order of its id: rows of one id are its parts and are joined."""
    number = pd.Series([f"district {i + 1}" for i in range(len(districts))], index=districts.index, dtype="string")
    names = districts.get("district_name", pd.Series(pd.NA, index=districts.index)).astype("string")
    ids = districts.get("district_code", pd.Series(pd.NA, index=districts.index)).astype("string")
    ids = ids.fillna(names).fillna(number)
    named = names.fillna(ids).groupby(ids).first()
    shapes = districts.geometry.groupby(ids).agg(lambda parts: shapely.union_all(parts.array))
    return gpd.GeoDataFrame(
        {"district_id": named.index.astype("string"), "district_name": named.to_numpy()},
        geometry=gpd.GeoSeries(shapes.reindex(named.index).to_list(), crs=districts.crs),
    )


def districts_of(geometry: gpd.GeoSeries, districts: gpd.GeoDataFrame) -> npt.NDArray[np.intp]:
    """Return the row of the district each shape's inner point lies in, −1 for none.

    A parcel belongs to one district whole: administrative parcels do not cross, and slivers along the
    line would only blur the table. The lower row wins on a shared line.
    """
    points = shapely.point_on_surface(geometry.to_numpy())
    shapes = districts.geometry.to_numpy()
    district, point = shapely.STRtree(points).query(shapes, predicate="intersects")
    home = np.full(len(points), len(shapes), dtype="intp")
    np.minimum.at(home, point, district)
    return np.where(home == len(shapes), -1, home)


def _cut(table: gpd.GeoDataFrame, cut: Faces | None, overlap: str) -> pd.DataFrame:
    """Cut parcels by parks; the part outside every park is a piece with park −1."""
    rows = np.arange(len(table))
    if cut is None:
        pairs = Pairs(rows[:0], rows[:0], np.zeros(0))
    else:
        pairs = assign(intersect(table.geometry.to_numpy(), cut.geometry), cut.owners, overlap)
    inside = np.bincount(pairs.left, weights=pairs.share, minlength=len(table))
    # Shares are ratios of planar areas; what is left within float noise is no piece.
    outside = np.flatnonzero(inside < 1 - 1e-9)
    pieces = pd.DataFrame(
        {
            "parcel": np.concatenate([pairs.left, outside]),
            "park": np.concatenate([pairs.right, np.full(len(outside), -1)]),
            "share": np.concatenate([pairs.share, 1 - inside[outside]]),
        }
    ).sort_values(["parcel", "park"], kind="stable", ignore_index=True)
    group = pieces["parcel"].to_numpy()
    weight = pieces["share"].to_numpy()
    for column in EXTENSIVE:
        values = table[column].to_numpy("float64")
        known = np.isfinite(values)
        base = _base(column)
        steps = to_tally(np.where(known, values, 0.0), base)
        shared = from_tally(share_out(steps, group, weight), base)
        pieces[column] = np.where(known[group], shared, np.nan)
    return pieces
