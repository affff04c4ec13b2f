"""One row a zone: how many parks, points and blocks, the weight of the main park, who runs and who hosts it.

Land of a zone is that of its boundary, ground that several of its parks claim counted once; a block is what lies
together of it. Knows shapes and records; judges nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.composition.points import Mains, drawn_area, groups_of, mains_of
from geo.composition.shapes import compactness, division, effective_mesh
from geo.land import districts_of
from layers.units import from_tally, to_tally

__all__ = ["park_rows", "shared_with_others", "zone_rows"]


def park_rows(parks: gpd.GeoDataFrame, points: gpd.GeoDataFrame, districts: gpd.GeoDataFrame | None) -> pd.DataFrame:
    """Return one row a park: ids, names, `role`, `points`, `area_m2`, `industrial_m2`, `compactness`, who and where.

    Parameters
    ----------
    parks : GeoDataFrame
        As `zones.park_table` returns it.
    points : GeoDataFrame
        As `points.points_of` returns it.
    districts : GeoDataFrame or None
        Tells the host district of parks that record none: the district that the inner point of the park lies in.

    Returns
    -------
    DataFrame
        `host_district` and `operator` are missing where nobody tells them.
    """
    steps = points.assign(
        area=to_tally(points["area_m2"], "m2"), works=to_tally(points["industrial_m2"], "m2"), points=1
    )
    sums = steps.groupby("park")[["area", "works", "points"]].sum().reindex(range(len(parks)), fill_value=0)
    return pd.DataFrame(
        {
            **{name: parks[name].to_numpy() for name in ("park_id", "park_name", "zone_id", "zone_name")},
            "role": _told(parks, "role"),
            "points": sums["points"].to_numpy("int64"),
            "area_m2": from_tally(sums["area"].to_numpy("int64"), "m2"),
            "industrial_m2": from_tally(sums["works"].to_numpy("int64"), "m2"),
            "compactness": compactness(parks.geometry.to_numpy()),
            "host_district": _hosts(parks, districts),
            "operator": _told(parks, "operator"),
        }
    )


def _told(parks: pd.DataFrame, column: str) -> pd.Series:
    known = parks[column].astype("object") if column in parks else pd.Series(None, index=parks.index, dtype="object")
    text = known.where(known.notna(), None).reset_index(drop=True)
    return text.map(lambda one: (one.strip() or None) if isinstance(one, str) else one)


def _hosts(parks: gpd.GeoDataFrame, districts: gpd.GeoDataFrame | None) -> pd.Series:
    recorded = _told(parks, "host_district")
    if districts is None:
        return recorded
    row = districts_of(parks.geometry, districts)
    names = pd.Series([*districts["district_name"], None], dtype="object").iloc[row].reset_index(drop=True)
    return recorded.where(recorded.notna(), names)


def zone_rows(
    parks: gpd.GeoDataFrame, rows: pd.DataFrame, points: gpd.GeoDataFrame, common: gpd.GeoDataFrame, area: str
) -> gpd.GeoDataFrame:
    """Return one row a zone, in order of its id.

    Parameters
    ----------
    parks : GeoDataFrame
        As `zones.park_table` returns it.
    rows : DataFrame
        As `park_rows` returns it.
    points : GeoDataFrame
        As `points.points_of` returns it.
    common : DataFrame
        As `shared_with_others` returns it.
    area : str
        Area method, see `layers.area`.

    Returns
    -------
    GeoDataFrame
        `zone_id`, `zone_name`, `parks`, `points`, `blocks`; `main_park` (id), `main_known_by` (role, sole, none,
        several), `mains` (ids of all that are marked main); `area_m2`, `industrial_m2`, `main_area_m2`,
        `main_industrial_m2` and the two shares, missing where there is no one main park (or no industrial land);
        `compactness`, `division`, `effective_mesh_m2`; `farthest_km` and `farthest_point`; `overlap_m2` (land that
        other zones claim too, counted once however many they are) and `overlaps` (with each of them); `roles`
        (role → parks), `districts`, `district` (of the main park), `other_districts`, `operators` (operator →
        districts), `operators_abroad` (those in several districts).
    """
    mains = mains_of(parks)
    made = list(_each(parks, rows, points, common, mains, area))
    geometry = [shape for _, shape in made]
    return gpd.GeoDataFrame([row for row, _ in made], geometry=geometry, crs=parks.crs)


def _each(
    parks: gpd.GeoDataFrame,
    rows: pd.DataFrame,
    points: gpd.GeoDataFrame,
    common: gpd.GeoDataFrame,
    mains: dict[str, Mains],
    area: str,
) -> Iterator[tuple[dict[str, Any], shapely.Geometry]]:
    places = points.groupby("zone_id").indices
    for zone, mine in rows.groupby("zone_id", sort=True):
        here = points.iloc[places[zone]]
        shape = shapely.union_all(parks.geometry.to_numpy()[mine.index.to_numpy()])
        main = mains[str(zone)]
        told = {
            "zone_id": zone,
            "zone_name": str(mine["zone_name"].iloc[0]),
            "parks": len(mine),
            "points": len(here),
            **_land(parks, rows, mine, main, shape, area),
            **_farthest(here),
            **_overlap(common, str(zone), area),
            **_people(mine, main, rows),
        }
        yield told, shape


def _land(
    parks: gpd.GeoDataFrame, rows: pd.DataFrame, mine: pd.DataFrame, main: Mains, shape: shapely.Geometry, area: str
) -> dict[str, Any]:
    """Land of the zone, of its blocks and of its main park."""
    parts = shapely.get_parts(shape)
    pieces = to_tally(drawn_area(parts, parks.crs, area), "m2")
    block = groups_of(parts)
    sums = np.zeros(int(block.max(initial=-1)) + 1, dtype="int64")
    np.add.at(sums, block, pieces)
    whole, works = int(pieces.sum()), int(to_tally(mine["industrial_m2"], "m2").sum())
    own = None if main.park is None else rows.to_dict("index")[main.park]
    return {
        "blocks": len(sums),
        "main_park": None if own is None else str(own["park_id"]),
        "main_known_by": main.known_by,
        "mains": [str(rows.loc[row, "park_id"]) for row in main.parks],
        "area_m2": from_tally(whole, "m2"),
        "industrial_m2": from_tally(works, "m2"),
        "main_area_m2": np.nan if own is None else float(own["area_m2"]),
        "main_industrial_m2": np.nan if own is None else float(own["industrial_m2"]),
        "main_area_share": _share(own, "area_m2", from_tally(whole, "m2")),
        "main_industrial_share": _share(own, "industrial_m2", from_tally(works, "m2")),
        "compactness": float(compactness(np.array([shape], dtype="object"))[0]),
        "division": division(sums.tolist()),
        "effective_mesh_m2": effective_mesh(sums.tolist()) / 100,
    }


def _share(own: Mapping[Hashable, Any] | None, column: str, whole: float) -> float:
    return float("nan") if own is None or not whole else float(own[column]) / whole


def _farthest(here: pd.DataFrame) -> dict[str, Any]:
    """Return the point that lies farthest from the main park, boundary from boundary."""
    known = here[here["to_main_km"].notna()]
    if known.empty:
        return {"farthest_km": np.nan, "farthest_point": None}
    row = known.sort_values(["to_main_km", "point_id"], ascending=[False, True]).iloc[0]
    return {"farthest_km": float(row["to_main_km"]), "farthest_point": str(row["point_id"])}


def _overlap(common: gpd.GeoDataFrame, zone: str, area: str) -> dict[str, Any]:
    mine = common[(common["zone_a"] == zone) | (common["zone_b"] == zone)]
    others = np.where(mine["zone_a"] == zone, mine["zone_b"], mine["zone_a"])
    told = [{"zone_id": str(other), "area_m2": float(m2)} for other, m2 in zip(others, mine["area_m2"], strict=True)]
    ground = np.array([shapely.union_all(mine.geometry.to_numpy())], dtype="object")
    return {"overlap_m2": float(drawn_area(ground, common.crs, area)[0]), "overlaps": told}


def _people(mine: pd.DataFrame, main: Mains, rows: pd.DataFrame) -> dict[str, Any]:
    """Roles counted, host districts, and operators with the districts they work in."""
    hosts = rows["host_district"].dropna().astype(str).to_dict()
    home = None if main.park is None else hosts.get(main.park)
    districts = sorted({str(one) for one in mine["host_district"].dropna()})
    run = mine[mine["operator"].notna()]
    operators = {
        str(name): sorted({str(one) for one in its["host_district"].dropna()})
        for name, its in run.groupby("operator", sort=True)
    }
    roles = mine["role"].astype("object").where(mine["role"].notna(), "unknown").astype(str)
    return {
        "roles": {str(role): int(count) for role, count in roles.value_counts().sort_index().items()},
        "districts": districts,
        "district": home,
        "other_districts": [] if home is None else [one for one in districts if one != home],
        "operators": operators,
        "operators_abroad": [name for name, where in operators.items() if len(where) > 1],
        "parks_without_operator": len(mine) - len(run),
    }


def shared_with_others(parks: gpd.GeoDataFrame, pairs: pd.DataFrame, area: str) -> gpd.GeoDataFrame:
    """Return the ground each two zones share: `zone_a`, `zone_b`, `area_m2`; counted once for several parks.

    Parameters
    ----------
    parks : GeoDataFrame
        As `zones.park_table` returns it.
    pairs : DataFrame
        The overlap matrix, as `concentrations.overlap_matrix` returns it.
    area : str
        Area method, see `layers.area`.
    """
    columns = {"zone_a": "object", "zone_b": "object", "area_m2": "float64"}
    if pairs.empty:
        empty = {name: pd.Series(dtype=kind) for name, kind in columns.items()}
        return gpd.GeoDataFrame(empty, geometry=gpd.GeoSeries([], crs=parks.crs))
    zone = parks.set_index("park_id")["zone_id"].astype(str)
    ends = pd.DataFrame({"one": pairs["park_a"].map(zone), "other": pairs["park_b"].map(zone)})
    apart = (ends["one"] != ends["other"]).to_numpy() & (pairs["wide_m2"] > 0).to_numpy()
    zones = np.sort(ends[apart].to_numpy(dtype=str), axis=1).reshape(-1, 2)
    shapes = gpd.GeoSeries(pairs["geometry"].to_numpy()[apart], crs=parks.crs)
    found = shapes.groupby([zones[:, 0], zones[:, 1]]).agg(lambda some: shapely.union_all(some.array))
    grounds = found.to_numpy(dtype="object")
    made = pd.DataFrame([(one, other) for one, other in found.index], columns=["zone_a", "zone_b"])
    return gpd.GeoDataFrame(made.assign(area_m2=drawn_area(grounds, parks.crs, area)), geometry=grounds, crs=parks.crs)
