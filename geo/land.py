"""Land: parcels with everything that touches them, one row a parcel × park piece (`attach`).

Frames in one projected CRS come in, with canonical columns; out comes `Land`, whose columns are
extensive (m², yuan) and whole steps of 0.01, so that any grouping adds up exactly. A parcel cut by a
park boundary carries all its sums in proportion of its area, shared by the largest-remainder method.

Where a parcel records its own floor area or footprint, the record stands; else its buildings decide.

A part of a city may be attached by itself: given what touches it from outside (`Beside`), every row comes
out as it would from the whole, to the last bit, and `join` puts the parts together again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.footprints import TOLD_BY_BUILDINGS, build_on, measure_buildings
from geo.intensity import Storeys
from geo.land_use import classify
from geo.overlay import Pairs, intersect, place, share_out
from geo.survey import SURVEYED, surveyed
from geo.zones import Faces, assign, faces, park_table
from layers.area import area_m2
from layers.errors import CrsError
from layers.numbering import NTH, nth_of_id
from layers.units import from_tally, in_steps, to_tally

__all__ = ["EXTENSIVE", "Beside", "Land", "Places", "attach", "attach_to", "districts_of", "join", "places", "select"]

#: Extensive columns of a parcel, shared among its pieces; those of `SURVEYED` are made of its land and its classes.
#: All are in m², but for the investment in yuan.
EXTENSIVE = (
    "land_area_m2",
    "floor_area_m2",
    "building_base_m2",
    "yard_area_m2",
    "green_area_m2",
    "admin_land_m2",
    "investment_cny",
    *SURVEYED,
)


@dataclass(frozen=True)
class Places:
    """What land is cut and counted by.

    Attributes
    ----------
    parks : GeoDataFrame or None
        As `zones.park_table` returns it.
    faces : Faces or None
        The parks cut into disjoint faces.
    districts : GeoDataFrame or None
        With `district_id`, `district_name`.
    """

    parks: gpd.GeoDataFrame | None = None
    faces: Faces | None = None
    districts: gpd.GeoDataFrame | None = None


@dataclass(frozen=True)
class Beside:
    """What touches a part of a city from outside.

    Attributes
    ----------
    parcels : GeoDataFrame
        Other parcels on which buildings of this part stand too.
    buildings : GeoDataFrame
        Other buildings that stand on parcels of this part; they are at home elsewhere.
    blank : bool
        Whether no building of the whole city has a known floor area.
    """

    parcels: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    blank: bool


@dataclass(frozen=True)
class Land:
    """Parcels, their pieces by park, and what was set aside on the way.

    Attributes
    ----------
    parcels : GeoDataFrame
        One row a parcel, in order of `parcel_id`: the canonical columns, `uid`, `industrial`, `built`,
        `district` (row of `districts`, −1 for none), `EXTENSIVE`, `floor_area_estimated`, `storeys_unknown_m2` (how
        much of the floor area has no known storey height: where the parcel records its own, all of it).
    pieces : DataFrame
        One row a parcel × park piece: `parcel` (row), `park` (row of `parks`, −1 outside), `share`, `EXTENSIVE`.
    places : Places
        What the rows of `park` and `district` are.
    unplaced : dict
        Buildings (count) and footprint (m²) that stand on no parcel.
    """

    parcels: gpd.GeoDataFrame
    pieces: pd.DataFrame
    places: Places = field(default_factory=Places)
    unplaced: dict[str, float] = field(default_factory=dict)

    @property
    def parks(self) -> gpd.GeoDataFrame | None:
        """See `Places`."""
        return self.places.parks

    @property
    def faces(self) -> Faces | None:
        """See `Places`."""
        return self.places.faces

    @property
    def districts(self) -> gpd.GeoDataFrame | None:
        """See `Places`."""
        return self.places.districts


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
    storey_height_m: float | None = None,
    storey_heights: Mapping[str, float] | None = None,
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
    storey_height_m, storey_heights, tall_storey_m
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
    _same_crs(parcels, parks, "parks")
    _same_crs(parcels, districts, "districts")
    return attach_to(
        places(parks, districts),
        parcels,
        buildings,
        system=system,
        industrial=industrial,
        area=area,
        overlap=overlap,
        storey_height_m=storey_height_m,
        storey_heights=storey_heights or {},
        tall_storey_m=tall_storey_m,
        whole_from=whole_from,
    )


def places(parks: gpd.GeoDataFrame | None = None, districts: gpd.GeoDataFrame | None = None) -> Places:
    """Put parks and districts in order, and cut the parks into disjoint faces."""
    rows = None if parks is None else park_table(parks)
    return Places(
        rows, None if rows is None else faces(rows), None if districts is None else _district_table(districts)
    )


def attach_to(
    where: Places,
    parcels: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame | None = None,
    *,
    beside: Beside | None = None,
    numbered: bool = False,
    system: str,
    industrial: Sequence[str] | None,
    area: str,
    overlap: str,
    storey_height_m: float | None,
    storey_heights: Mapping[str, float],
    tall_storey_m: float,
    whole_from: float,
) -> Land:
    """Join buildings, and places that stand in order, to parcels; see `attach`.

    With `numbered` a part of a city tells by the column `NTH` which of the city's parcels of one id each is;
    the column stays, for `join`.
    """
    _same_crs(parcels, buildings, "buildings")
    table = _in_order(parcels, numbered=numbered)
    table = pd.concat([table, classify(table, system, industrial)], axis=1)
    table["land_area_m2"] = _land_area(table, area)
    table[[*SURVEYED]] = surveyed(table, table["land_area_m2"])
    unplaced: dict[str, float] = {}
    if buildings is not None:
        drawn = "tdt1055" if area == "recorded" else area
        stock_of: Storeys = {
            "storey_height_m": storey_height_m,
            "storey_heights": storey_heights,
            "tall_storey_m": tall_storey_m,
        }
        table, unplaced = _with_buildings(table, buildings, beside, drawn, whole_from, stock_of, numbered=numbered)
    table["floor_area_estimated"] = table.get("floor_area_estimated", False)
    if buildings is None:
        table["storeys_unknown_m2"] = _recorded(table, "floor_area_m2")
    for column in EXTENSIVE:
        table[column] = in_steps(table[column], _base(column)) if column in table else np.nan
    table["district"] = -1 if where.districts is None else districts_of(table.geometry, where.districts)
    return Land(table, _cut(table, where.faces, overlap), where, unplaced)


def _same_crs(parcels: gpd.GeoDataFrame, other: gpd.GeoDataFrame | None, name: str) -> None:
    if other is not None and parcels.crs != other.crs:
        raise CrsError(
            f"parcels are in {parcels.crs}, {name} in {other.crs}. Expected one CRS; reproject with to_crs.",
            f"parcels 的坐标系为 {parcels.crs}，{name} 为 {other.crs}。应为同一坐标系，请先用 to_crs 转换。",
        )


def _in_order(parcels: gpd.GeoDataFrame, *, numbered: bool) -> gpd.GeoDataFrame:
    """Sort by id, parcels of one id by their place, and give every row a name of its own.

    So no figure depends on the order of rows in a file. Of a part of a city that is `numbered`, the names are
    those of the whole.
    """
    ids = _ids(parcels)
    codes, _ = pd.factorize(ids, sort=True)
    given = parcels[NTH].to_numpy() if numbered else nth_of_id(ids, parcels.geometry.to_numpy(), np.arange(len(ids)))
    order = np.lexsort((given, codes)) if given.any() else np.argsort(codes, kind="stable")
    table = parcels.assign(parcel_id=ids).iloc[order].reset_index(drop=True)
    nth = pd.Series(given[order])
    uid = table["parcel_id"].where(nth == 0, table["parcel_id"] + " (" + (nth + 1).astype("string") + ")")
    return table.assign(uid=uid)


def _ids(parcels: pd.DataFrame) -> pd.Series:
    """Ids as text; a parcel without one is called after its row."""
    if "parcel_id" in parcels and parcels["parcel_id"].notna().all():
        return parcels["parcel_id"].astype("string")
    unnamed = pd.Series([f"#{i + 1}" for i in range(len(parcels))], index=parcels.index, dtype="string")
    return parcels["parcel_id"].astype("string").fillna(unnamed) if "parcel_id" in parcels else unnamed


def _land_area(table: gpd.GeoDataFrame, method: str) -> pd.Series:
    if method != "recorded":
        return area_m2(table.geometry, method)
    recorded: pd.Series = table.get("recorded_area_m2", pd.Series(np.nan, index=table.index)).astype("float64")
    return recorded.mask(recorded <= 0)


def _base(column: str) -> str:
    return "cny" if column.endswith("_cny") else "m2"


def _with_buildings(
    table: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    beside: Beside | None,
    area: str,
    whole_from: float,
    storeys: Storeys,
    *,
    numbered: bool,
) -> tuple[gpd.GeoDataFrame, dict[str, float]]:
    """Sum what stands on each parcel; a record of the parcel itself goes before."""
    ground, mine = table.geometry.to_numpy(), np.arange(len(table))
    home = np.ones(len(buildings), dtype=bool)
    if beside is not None:
        ground, mine = _among(table, beside.parcels, numbered=numbered)
        home = np.append(home, np.zeros(len(beside.buildings), dtype=bool))
        buildings = gpd.GeoDataFrame(pd.concat([buildings, beside.buildings], ignore_index=True), crs=table.crs)
    footprint = area_m2(buildings.geometry, area).reset_index(drop=True)
    stock = measure_buildings(buildings, footprint, **storeys)
    pairs = place(buildings.geometry.to_numpy(), ground, whole_from=whole_from)
    blank = None if beside is None else beside.blank
    stands, unplaced = build_on(stock, pairs, len(ground), home=home, blank=blank)
    stands = stands.iloc[mine].reset_index(drop=True)
    floor, base = _recorded(table, "floor_area_m2"), _recorded(table, "building_base_m2")
    table = table.assign(
        floor_area_m2=floor.fillna(stands["floor_area_m2"]),
        building_base_m2=base.fillna(stands["building_base_m2"]),
        storeys_unknown_m2=floor.fillna(stands["storeys_unknown_m2"]),
        floor_area_estimated=stands["floor_area_estimated"] & floor.isna(),
        buildings=stands["buildings"],
        **{name: stands[name] for name in TOLD_BY_BUILDINGS},
    )
    return table, unplaced


def _among(
    table: gpd.GeoDataFrame, others: gpd.GeoDataFrame, *, numbered: bool
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.intp]]:
    """Return the shapes of both in the order they have in the whole city, and where those of `table` stand."""
    both = gpd.GeoDataFrame(
        {
            "parcel_id": pd.concat([table["parcel_id"], _ids(others)], ignore_index=True),
            **({NTH: pd.concat([table[NTH], others[NTH]], ignore_index=True)} if numbered else {}),
        },
        geometry=np.concatenate([table.geometry.to_numpy(), others.geometry.to_numpy()]),
        crs=table.crs,
    )
    own = np.arange(len(both)) < len(table)
    ordered = _in_order(both.assign(own=own), numbered=numbered)
    return ordered.geometry.to_numpy(), np.flatnonzero(ordered["own"].to_numpy())


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
        if not known.any():
            pieces[column] = np.nan
            continue
        base = _base(column)
        steps = to_tally(np.where(known, values, 0.0), base)
        shared = from_tally(share_out(steps, group, weight), base)
        pieces[column] = np.where(known[group], shared, np.nan)
    return pieces


def join(parts: Sequence[Land], where: Places) -> Land:
    """Put parts of a city together again, in the order the whole would have.

    Parameters
    ----------
    parts : sequence of Land
        Each parcel in one of them. Where they tell `NTH`, parcels keep the names of the whole city though not
        all of its parcels are here.
    where : Places
        What all of them were attached to.
    """
    first = np.cumsum([0, *(len(part.parcels) for part in parts)])
    parcels = pd.concat([part.parcels for part in parts], ignore_index=True)
    numbered = NTH in parcels
    pieces = pd.concat(
        [part.pieces.assign(parcel=part.pieces["parcel"] + start) for part, start in zip(parts, first, strict=False)],
        ignore_index=True,
    )
    whole = gpd.GeoDataFrame(parcels.assign(row=np.arange(len(parcels))), crs=parts[0].parcels.crs)
    ordered = _in_order(whole, numbered=numbered).drop(columns=NTH, errors="ignore")
    row = np.empty(len(ordered), dtype="intp")
    row[ordered.pop("row").to_numpy()] = np.arange(len(ordered))
    pieces["parcel"] = row[pieces["parcel"].to_numpy()]
    pieces = pieces.sort_values(["parcel", "park"], kind="stable", ignore_index=True)
    unplaced = {key: sum(part.unplaced[key] for part in parts) for key in parts[0].unplaced}
    return Land(ordered, pieces, where, unplaced)


def select(land: Land, rows: npt.NDArray[np.intp]) -> Land:
    """Return the land with some of its parcels, in their order."""
    new = np.full(len(land.parcels), -1, dtype="intp")
    new[rows] = np.arange(len(rows))
    pieces = land.pieces[new[land.pieces["parcel"].to_numpy()] >= 0].reset_index(drop=True)
    pieces["parcel"] = new[pieces["parcel"].to_numpy()]
    return replace(land, parcels=land.parcels.iloc[rows].reset_index(drop=True), pieces=pieces)
