"""Districts and parks of the example city.

Names, roles and rough positions stand in `districts.csv` and `parks.csv`: direction and distance from
the centre, size as a share of the city's radius, `shape` (streets: whole meshes; drawn: a free line that
cuts through lots), number of `parts`, `inside` for a park that lies in another zone's park on purpose (a
cooperation park, a bonded zone), and `road_m`, the breadth of a straight road that cuts the park in two.
All other parks are kept apart. Invented throughout.
"""

from __future__ import annotations

import io
from collections.abc import Hashable
from importlib import resources

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers.example.streets import CRS, Floats, Ground

__all__ = ["districts", "nearest_seat", "parks", "roads", "table", "trim"]

#: Points on the line of a park.
VERTICES = 800
#: Where on its longer half-axis a road cuts a park: what lies beyond is a sixth of it.
ROAD_AT = 0.55


def districts(ground: Ground, border: shapely.Polygon) -> gpd.GeoDataFrame:
    """Share the city out among the districts: each mesh to the nearest seat, all clipped by the border."""
    seats = table("districts.csv")
    nearest = nearest_seat(ground)
    shapes = [shapely.intersection(shapely.union_all(ground.meshes[nearest == k]), border) for k in range(len(seats))]
    return gpd.GeoDataFrame(seats[["district_code", "district_name"]], geometry=shapes, crs=CRS)


def nearest_seat(ground: Ground) -> npt.NDArray[np.int64]:
    """Return for each mesh the district (0, 1, …) whose seat is nearest."""
    polar = table("districts.csv")[["rho", "degrees"]].astype("float64").to_numpy()
    seats = np.array([ground.place(*at) for at in polar])
    middles = shapely.get_coordinates(shapely.centroid(ground.meshes))
    return np.asarray(np.argmin(np.linalg.norm(middles[:, None] - seats[None], axis=2), axis=1))


def table(name: str) -> pd.DataFrame:
    """Return one of the CSV tables beside this file, all text."""
    text = resources.files("layers.example").joinpath(name).read_text("utf-8")
    return pd.read_csv(io.StringIO(text), dtype=str)


def parks(
    ground: Ground, border: shapely.Polygon, towns: gpd.GeoDataFrame, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """Draw every park of `parks.csv`."""
    sheet = table("parks.csv")
    drawn: dict[str, shapely.Geometry] = {}
    for row in sheet.fillna("").to_dict("records"):
        within = drawn.get(row["inside"])
        shape = _draw(ground, row, within, rng)
        if within is None:
            shape = shapely.difference(shape, shapely.union_all(list(drawn.values())))
        drawn[row["park_id"]] = _clean(shapely.intersection(shape, border), int(row["parts"]))
    for park, road in roads(ground).items():
        drawn[park] = _clean(shapely.difference(drawn[park], road), 2)
    shapes = np.array(list(drawn.values()), dtype=object)
    middles = gpd.GeoSeries(shapely.point_on_surface(shapes), crs=CRS)
    host = gpd.sjoin(middles.to_frame("geometry"), towns, how="left")["district_name"]
    return gpd.GeoDataFrame(
        {
            **{name: sheet[name] for name in ("park_id", "park_name", "zone_id", "zone_name", "role", "level")},
            "platform_type": sheet["platform_type"],
            "host_district": host.to_numpy(),
            "operator": sheet["operator"],
            "priority": sheet["priority"].astype("int64"),
            "valid_from": pd.to_datetime(sheet["valid_from"]).astype("datetime64[ns]"),
            "valid_to": pd.Series(pd.NaT, index=sheet.index, dtype="datetime64[ns]"),
        },
        geometry=shapes,
        crs=CRS,
    )


def roads(ground: Ground) -> dict[str, shapely.Polygon]:
    """Return the straight road that cuts a park in two, by the park's id; its breadth is the gap that it leaves."""
    found = {}
    for row in table("parks.csv").dropna(subset="road_m").to_dict("records"):
        rho, degrees, size, stretch, turn, broad = (
            float(row[name]) for name in ("rho", "degrees", "size", "stretch", "turn", "road_m")
        )
        radius, angle = size * ground.radius, np.radians(turn)
        along = np.array([np.cos(angle), np.sin(angle)])
        middle = ground.place(rho, degrees) + ROAD_AT * radius * np.sqrt(stretch) * along
        across = 3 * radius * np.array([-along[1], along[0]])
        line = shapely.linestrings([middle - across, middle + across])
        found[str(row["park_id"])] = shapely.buffer(line, broad / 2, cap_style="flat")
    return found


def trim(estates: gpd.GeoDataFrame, border: shapely.Polygon) -> gpd.GeoDataFrame:
    """Cut the parks off at the border the city has in the end."""
    parts = shapely.get_num_geometries(estates.geometry.to_numpy())
    cut = shapely.intersection(estates.geometry.to_numpy(), border)
    return estates.set_geometry([_clean(shape, int(many)) for shape, many in zip(cut, parts, strict=True)], crs=CRS)


def _draw(
    ground: Ground, row: dict[Hashable, str], within: shapely.Geometry | None, rng: np.random.Generator
) -> shapely.Geometry:
    """Draw one park as its row says."""
    rho, degrees, size, stretch, turn = (float(row[name]) for name in ("rho", "degrees", "size", "stretch", "turn"))
    centre = _centre(ground, within, rho, degrees)
    shape = _shape(centre, size * ground.radius, stretch, np.radians(turn), int(row["parts"]), rng)
    return _snap(ground, shape) if row["shape"] == "streets" else shape


def _centre(ground: Ground, within: shapely.Geometry | None, rho: float, degrees: float) -> Floats:
    """Place a park in the city, or off the middle of the park it lies in."""
    if within is None:
        return ground.place(rho, degrees)
    angle = np.radians(degrees)
    middle = shapely.get_coordinates(within.centroid)[0]
    return np.asarray(middle + rho * ground.radius * np.array([np.cos(angle), np.sin(angle)]))


def _shape(
    centre: Floats, radius: float, stretch: float, turn: float, parts: int, rng: np.random.Generator
) -> shapely.Geometry:
    """Return a free shape of one or more lobes."""
    lobes = [_lobe(centre, radius, stretch, turn, rng)]
    for _ in range(1, parts):
        aside = centre + 2.5 * radius * np.array([np.cos(turn + 1.9), np.sin(turn + 1.9)])
        lobes.append(_lobe(aside, 0.62 * radius, 1.2, turn + 0.7, rng))
    return shapely.union_all(lobes)


def _lobe(centre: Floats, radius: float, stretch: float, turn: float, rng: np.random.Generator) -> shapely.Polygon:
    """Return a many-cornered field with a rough edge, as surveyed on the ground."""
    corners = 11
    angle = 2 * np.pi * (np.arange(corners) + rng.uniform(-0.3, 0.3, corners)) / corners
    reach = radius * rng.uniform(0.78, 1.18, corners)
    fine = np.linspace(0, 2 * np.pi, VERTICES, endpoint=False)
    x = np.interp(fine, angle, reach * np.cos(angle), period=2 * np.pi)
    y = np.interp(fine, angle, reach * np.sin(angle), period=2 * np.pi)
    rough = 1 + 0.005 * np.sin(13 * fine + 9 * np.sin(2 * fine + angle[0])) + 0.002 * np.sin(83 * fine)
    x, y = x * rough * np.sqrt(stretch), y * rough / np.sqrt(stretch)
    points = np.column_stack([x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)])
    return shapely.Polygon(centre + points)


def _snap(ground: Ground, shape: shapely.Geometry) -> shapely.Geometry:
    """Return the meshes whose middle lies in `shape`, as one outline with many points."""
    inside = shapely.contains(shape, shapely.centroid(ground.meshes))
    if not inside.any():
        return shape
    whole = shapely.union_all(ground.meshes[inside])
    return shapely.segmentize(whole, whole.length / VERTICES)


def _clean(shape: shapely.Geometry, parts: int) -> shapely.Geometry:
    """Keep the `parts` largest parts, without holes, to the millimetre."""
    pieces = shapely.get_parts(shape)
    pieces = pieces[np.argsort(-shapely.area(pieces), kind="stable")][:parts]
    filled = shapely.polygons(shapely.get_exterior_ring(pieces))
    rounded = shapely.transform(filled, lambda xy: np.round(xy, 3))
    valid = shapely.make_valid(rounded)
    return valid[0] if parts == 1 else shapely.MultiPolygon(list(valid))
