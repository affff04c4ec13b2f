"""The living circle (15 分钟生活圈): services and homes within a walk of each park and zone.

A walk of some minutes at a stated speed reaches so far along the roads, where a layer tells them; else the straight
line it is measured by is that length divided by a stated detour factor. All three are the project's own assumptions
and printed; their defaults together make 1 km, the radius that 15 minutes are taken for in a review of TD/T
1062-2021. Which classes of services there are is for the user to say: no catalogue is verified. Sums are the same
along either way; how a way is found is known by `reach` and `routing`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.composition.points import drawn_area
from geo.composition.reach import Walk, Ways, near_to
from geo.composition.ways import choose_ways
from geo.firms import Firms
from geo.land import Land
from layers.units import from_tally, to_tally

__all__ = ["LivingCircle", "living_circle"]


@dataclass(frozen=True)
class LivingCircle:
    """Services and homes within a walk.

    Attributes
    ----------
    walk : Walk
    way : {"roads", "straight"}
        What every figure is measured along.
    straight_because : str
        Why that is straight lines although there is a layer of roads: `routing-missing`, `no-walkable-roads` or
        `roads-far`; "" otherwise.
    roads : dict of str to number, or None
        What became of the layer of roads, see `ways.choose_ways`; None along straight lines.
    off_roads : dict of str to int
        Facilities and housing within a walk of the parks, and parcels of the parks, that lie farther than
        `Walk.leg_m` from every road; empty along straight lines.
    kinds : dict of str to int
        Facilities of each class.
    services : DataFrame
        One row a park or zone × class: `level`, `scope_id`, `scope_name`, `way`, `kind`, `area_m2`,
        `reached_m2`, `area_share`; `jobs` (persons of firms whose parcel in it is known), `reached_jobs`,
        `jobs_share`, missing where no firm tells.
    homes : DataFrame
        One row a park or zone: `level`, `scope_id`, `scope_name`, `way`, `jobs`, `firms_untold` (firms there that
        tell no employees), `homes` and `persons` of the housing within the walk of its boundary (missing where none
        of it tells), `estates` (how many there are), `untold` (of them without homes), `jobs_per_home`; empty without
        a layer of housing.
    without_place : dict of str to int
        Rows of each layer that lie nowhere.
    """

    walk: Walk
    way: str
    straight_because: str
    roads: dict[str, float] | None
    off_roads: dict[str, int]
    kinds: dict[str, int]
    services: pd.DataFrame
    homes: pd.DataFrame
    without_place: dict[str, int]


def living_circle(
    land: Land,
    firms: Firms | None,
    facilities: gpd.GeoDataFrame | None,
    housing: gpd.GeoDataFrame | None,
    walk: Walk | None = None,
    *,
    roads: gpd.GeoDataFrame | None = None,
    area: str = "tdt1055",
) -> LivingCircle | None:
    """Say which services and homes lie within a walk of each park and zone.

    Parameters
    ----------
    land : Land
        With parks.
    firms : Firms or None
        Tells the jobs, where firms tell `employees`.
    facilities, housing : GeoDataFrame or None
        Points or polygons in the CRS of the land: `kind`; `homes`, `persons`. Of housing the inner point counts.
    walk : Walk, optional
    roads : GeoDataFrame, optional
        Lines in the CRS of the land: `walkable`, `road_class`, see `ways.choose_ways`. Straight lines without.
    area : str
        Area method, see `layers.area`.

    Returns
    -------
    LivingCircle or None
        None without parks, or where there is neither layer.
    """
    if land.parks is None or (facilities is None and housing is None):
        return None
    walk = walk or Walk()
    places = _places(land.parks)
    jobs = _jobs(land, firms)
    ways = choose_ways(roads, walk, land.parks.geometry.to_numpy())
    given = {"facilities": facilities, "housing": housing}
    placed = {name: _placed(frame) for name, frame in given.items() if frame is not None}
    services: list[dict[str, Any]] = []
    homes: list[dict[str, Any]] = []
    counted: Counter[str] = Counter()
    if facilities is not None:
        services = list(_services(places, jobs, placed["facilities"], ways, land.parks.geometry, area))
        counted = Counter(placed["facilities"]["kind"].astype(str))
    if housing is not None:
        homes = list(_homes(places, jobs, placed["housing"], ways, land.parks.geometry, walk.length_m))
    return LivingCircle(
        walk=walk,
        way=ways.way,
        straight_because=ways.because,
        roads=ways.roads,
        off_roads=_off_roads(land, placed, walk, ways),
        kinds=dict(sorted(counted.items())),
        services=pd.DataFrame(services),
        homes=pd.DataFrame(homes),
        without_place={name: len(frame) - len(placed[name]) for name, frame in given.items() if frame is not None},
    )


def _off_roads(land: Land, placed: dict[str, gpd.GeoDataFrame], walk: Walk, ways: Ways) -> dict[str, int]:
    """Count what no way along roads begins at."""
    if ways.way == "straight":
        return {}
    parks = land.parks.geometry.to_numpy() if land.parks is not None else np.empty(0, dtype=object)
    shapes = {name: frame.geometry.to_numpy() for name, frame in placed.items()}
    told = {name: ways.off(some[near_to(some, parks, walk.length_m)]) for name, some in shapes.items()}
    pieces = land.pieces
    rows = np.unique(pieces.loc[pieces["park"] >= 0, "parcel"].to_numpy("intp"))
    points = shapely.point_on_surface(land.parcels.geometry.to_numpy()[rows])
    return told | {"park_parcels": ways.off(points)}


@dataclass(frozen=True)
class _Place:
    level: str
    id: str
    name: str
    shape: shapely.Geometry
    parks: npt.NDArray[np.intp]


def _places(parks: gpd.GeoDataFrame) -> list[_Place]:
    """Zones and their parks, in order of their ids."""
    shapes = parks.geometry.to_numpy()
    zones = [
        _Place("zone", str(zone), str(parks["zone_name"].iloc[rows[0]]), shapely.union_all(shapes[rows]), rows)
        for zone, rows in sorted(parks.groupby("zone_id").indices.items())
    ]
    rows = np.argsort(parks["park_id"].astype(str).to_numpy(), kind="stable")
    told = zip(parks["park_id"].astype(str), parks["park_name"].astype(str), shapes, strict=True)
    singles = [_Place("park", name, title, shape, np.array([row])) for row, (name, title, shape) in enumerate(told)]
    return [*zones, *(singles[row] for row in rows)]


def _placed(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Take the rows that lie somewhere; a class that is not told is a class of its own, no count is below 0."""
    shapes = frame.geometry.to_numpy()
    there = frame[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))].reset_index(drop=True)
    kinds = there["kind"] if "kind" in there else pd.Series(None, index=there.index, dtype="object")
    made: gpd.GeoDataFrame = there.assign(kind=kinds.astype("string").str.strip().fillna(""))
    for name in {"homes", "persons"} & set(made):
        counts = pd.to_numeric(made[name], errors="coerce").astype("float64")
        made[name] = counts.where(np.isfinite(counts) & (counts >= 0))
    return made


def _jobs(land: Land, firms: Firms | None) -> pd.DataFrame:
    """Jobs by park and parcel: whole steps of a person, whether they are told, and where (missing without a parcel)."""
    columns = {"park": "int64", "firm": "int64", "steps": "int64", "told": "bool", "point": "object"}
    if firms is None or "employees" not in firms.fragments:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
    rows = firms.fragments
    rows = rows[rows["park"] >= 0]
    told = rows["employees"].notna().to_numpy()
    parcel = rows["parcel"].to_numpy("intp")
    known, place = np.unique(parcel[parcel >= 0], return_inverse=True)
    points = np.full(len(rows), None, dtype="object")
    points[parcel >= 0] = shapely.point_on_surface(land.parcels.geometry.to_numpy()[known])[place]
    return pd.DataFrame(
        {
            "park": rows["park"].to_numpy(),
            "firm": rows["firm"].to_numpy(),
            "steps": to_tally(rows["employees"].fillna(0.0), "person"),
            "told": told,
            "point": points,
        }
    )


def _array(shapes: list[shapely.Geometry]) -> npt.NDArray[np.object_]:
    made = np.empty(len(shapes), dtype="object")
    made[:] = shapes
    return made


def _services(
    places: list[_Place],
    jobs: pd.DataFrame,
    facilities: gpd.GeoDataFrame,
    ways: Ways,
    parks: gpd.GeoSeries,
    area: str,
) -> Iterator[dict[str, Any]]:
    known = jobs[jobs["told"] & jobs["point"].notna()]
    whole = drawn_area(_array([place.shape for place in places]), parks.crs, area)
    for kind, rows in facilities.groupby("kind", sort=True):
        reach = ways.reach(rows.geometry.to_numpy())
        near = reach.meets(known["point"].to_numpy(dtype=object))
        # What is reached of a zone is what is reached of its parks.
        own = _array([shapely.intersection(park, reach.ground(_array([park]))) for park in parks])
        ground = _array([shapely.union_all(own[place.parks]) for place in places])
        reached = np.minimum(drawn_area(ground, parks.crs, area), whole)
        for place, land_m2, those_m2 in zip(places, whole.tolist(), reached.tolist(), strict=True):
            yield {
                "level": place.level, "scope_id": place.id, "scope_name": place.name, "way": ways.way,
                "kind": str(kind), "area_m2": land_m2, "reached_m2": those_m2,
                "area_share": those_m2 / land_m2 if land_m2 else np.nan,
                **_reached_jobs(known, known["park"].isin(place.parks).to_numpy(), near),
            }  # fmt: skip


def _reached_jobs(known: pd.DataFrame, mine: npt.NDArray[np.bool_], near: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Jobs of a place, and those of them within reach; missing where no firm tells."""
    steps = known["steps"].to_numpy("int64")
    total, those = int(steps[mine].sum()), int(steps[mine & near].sum())
    jobs, reached = (from_tally(one, "person") if mine.any() else np.nan for one in (total, those))
    return {"jobs": jobs, "reached_jobs": reached, "jobs_share": those / total if total else np.nan}


def _homes(
    places: list[_Place],
    jobs: pd.DataFrame,
    housing: gpd.GeoDataFrame,
    ways: Ways,
    parks: gpd.GeoSeries,
    walk_m: float,
) -> Iterator[dict[str, Any]]:
    points = shapely.point_on_surface(housing.geometry.to_numpy())
    beside = np.zeros((len(parks), len(points)), dtype=bool)  # what is near a zone is near one of its parks
    for row, park in enumerate(parks):
        around = _array([park])
        asked = near_to(points, around, walk_m)  # no way is shorter than the straight line
        beside[row, asked] = ways.reach(around).meets(points[asked])
    for place in places:
        near = housing[beside[place.parks].any(axis=0)]
        mine = jobs[jobs["park"].isin(place.parks)]
        work = from_tally(int(mine["steps"].sum()), "person") if mine["told"].any() else np.nan
        homes, persons = (_sum(near, name) for name in ("homes", "persons"))
        yield {
            "level": place.level, "scope_id": place.id, "scope_name": place.name, "way": ways.way,
            "jobs": work, "firms_untold": int(mine.loc[~mine["told"], "firm"].nunique()),
            "homes": homes, "persons": persons, "estates": len(near),
            "untold": int(near["homes"].isna().sum()) if "homes" in near else len(near),
            "jobs_per_home": work / homes if homes and not np.isnan(homes) else np.nan,
        }  # fmt: skip


def _sum(near: pd.DataFrame, column: str) -> float:
    """Sum what is told; missing where nothing is told, 0 where there is no housing at all."""
    if len(near) == 0:
        return 0.0
    if column not in near or near[column].isna().all():
        return float("nan")
    return float(from_tally(int(to_tally(near[column].dropna().astype("float64"), "person").sum()), "person"))
