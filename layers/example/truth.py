"""What is known of the example city without measuring it with Parkwise.

Industrial land and the part of it inside the union of the parks are summed by plain shapely (planar, in
EPSG:4549) and by `pyproj.Geod` (ellipsoidal): two routes, neither of them the toolkit's own. Areas in m².
Parkwise counts in 0.01 m² a piece, and the statutory formula joins corners otherwise than `Geod`: expect
agreement to about 1e-8 planar and 1e-7 ellipsoidal, not to the last bit.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import Geod

from layers.example.buildings import Plan
from layers.example.firms import YEAR, used_land
from layers.example.land import INDUSTRIAL, clip
from layers.example.outskirts import Outskirts
from layers.example.works import known_idle

__all__ = ["know", "know_composition"]


def know(frames: dict[str, gpd.GeoDataFrame], plan: Plan, faults: list[dict[str, object]]) -> dict[str, object]:
    """Return the figures of the city: land, overlaps, firms, straddling buildings, planted faults."""
    parcels, parks = frames["parcels"], frames["parks"]
    industry = parcels.loc[parcels["land_use_code"] == INDUSTRIAL].geometry
    within = gpd.GeoSeries(clip(industry.to_numpy(), shapely.union_all(parks.geometry)), crs=parcels.crs)
    total, inside = _areas(industry), _areas(within[~within.is_empty])
    return {
        "synthetic": True,
        "rows": {name: len(frame) for name, frame in frames.items()},
        "industrial_m2": total,
        "inside_m2": inside,
        "concentration": {way: inside[way] / total[way] for way in total},
        "park_industrial_m2": _per_park(industry.to_numpy(), parks),
        "park_overlaps": _overlaps(parks),
        "firms": _firm_sums(frames["enterprises"]),
        "straddling": _straddling(frames["buildings"], frames["parcels"], plan),
        "idle_land": _idle(parcels, frames["buildings"]),
        "faults": faults,
    }


def know_composition(
    estates: gpd.GeoDataFrame, lots: gpd.GeoDataFrame, planted: Outskirts, roads: dict[str, shapely.Polygon]
) -> dict[str, object]:
    """Return what is planted to be consolidated: parks that a road cuts, and works beside a park; m, planar m²."""
    shape_of = dict(zip(estates["park_id"], estates.geometry, strict=True))
    works = lots.iloc[planted.works]
    cut = [
        {
            "park_id": park,
            "gap_m": float(road.length / 2 - _longest(road)),
            "road_m2": float(shapely.intersection(road, shapely.convex_hull(shape_of[park])).area),
        }
        for park, road in roads.items()
        if shapely.get_num_geometries(shape_of[park]) > 1
    ]
    beside = {
        "park_id": planted.park,
        "parcel_ids": sorted(works["parcel_id"]),
        "area_m2": float(shapely.area(works.geometry.to_numpy()).sum()),
    }
    return {"composition": {"cut_parks": cut, "works_beside": [beside] if planted.park else []}}


def _longest(road: shapely.Polygon) -> float:
    """Return the longer side of a straight road."""
    corners = shapely.get_coordinates(road)
    return float(np.linalg.norm(np.diff(corners, axis=0), axis=1).max())


def _idle(parcels: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame) -> list[str]:
    """Industrial parcels that meet a condition of idle land; a tenth of a building makes land built on."""
    industry = parcels[parcels["land_use_code"] == INDUSTRIAL]
    ground, stock = industry.geometry.to_numpy(), buildings.geometry.to_numpy()
    lot, building = shapely.STRtree(stock).query(ground, predicate="intersects")
    common = shapely.area(shapely.intersection(ground[lot], stock[building]))
    built = np.zeros(len(industry), dtype=bool)
    built[lot[common > 0.1 * shapely.area(stock[building])]] = True
    return known_idle(industry, built)


def _areas(shapes: gpd.GeoSeries) -> dict[str, float]:
    """Sum of areas, planar and on the ellipsoid of CGCS2000."""
    geod = Geod(a=6378137.0, rf=298.257222101)
    round_earth = sum(abs(geod.geometry_area_perimeter(shape)[0]) for shape in shapes.to_crs("EPSG:4490"))
    return {"planar": float(shapes.area.sum()), "ellipsoidal": float(round_earth)}


def _per_park(industry: np.ndarray, parks: gpd.GeoDataFrame) -> dict[str, float]:
    """Industrial land in each park, common land counted in each, planar."""
    return {
        park: float(shapely.area(clip(industry, shape)).sum())
        for park, shape in zip(parks["park_id"], parks.geometry, strict=True)
    }


def _overlaps(parks: gpd.GeoDataFrame) -> list[dict[str, object]]:
    """Pairs of parks with common land, planar."""
    shapes = parks.geometry.to_numpy()
    found = []
    for i in range(len(shapes)):
        for j in range(i + 1, len(shapes)):
            common = float(shapely.intersection(shapes[i], shapes[j]).area) if shapes[i].intersects(shapes[j]) else 0.0
            if common > 1.0:
                found.append({"parks": [parks["park_id"].iloc[i], parks["park_id"].iloc[j]], "area_m2": common})
    return found


def _firm_sums(enterprises: pd.DataFrame) -> dict[str, object]:
    """Tax and land of the firms of the year that tell both, in yuan and m²."""
    now = enterprises[enterprises["year"] == YEAR]
    told = now["tax_cny"].notna()
    return {
        "year": YEAR,
        "count": len(now),
        "without_tax": int((~told).sum()),
        "tax_cny": float(now.loc[told, "tax_cny"].sum()),
        "land_m2": float(used_land(now[told]).sum()),
        "land_of_all_m2": float(used_land(now).sum()),
    }


def _straddling(buildings: gpd.GeoDataFrame, parcels: gpd.GeoDataFrame, plan: Plan) -> list[dict[str, object]]:
    """Buildings that reach into a second parcel, with the share that lies in their own."""
    rows = np.flatnonzero(plan.share < 1)
    own = parcels.geometry.to_numpy()[plan.lot[rows]]
    shapes = buildings.geometry.to_numpy()[rows]
    share = shapely.area(shapely.intersection(shapes, own)) / shapely.area(shapes)
    ids = zip(buildings["building_id"].iloc[rows], parcels["parcel_id"].iloc[plan.lot[rows]], share, strict=True)
    return [{"building_id": building, "parcel_id": parcel, "share": float(part)} for building, parcel, part in ids]
