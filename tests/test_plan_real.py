"""Plans on real parcels, verified from the files alone and against another solver.

Neither city tells its parks, so two are drawn here around some of its industry; acts and costs are made up.
"""

import csv
import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy.optimize import Bounds, LinearConstraint, milp
from test_plan import run
from test_plan_verified import columns, verify

PLAN = """
[plan]
at_least = {figure}
actions = ["retire", "relocate", "annex"]
annex_within_m = 3000
annex_quota_m2 = 20000
costs = {{ retire = 60, relocate = 80, annex = 15 }}
"""
NEW_YORK = """
[project]
as_of = 2025-12-31
city = "New York"
overlap = "split"
[land_use]
system = "names"
industrial = ["06"]
[layers.parcels]
source = "{data}/nyc_pluto/lots.geojson"
columns = {{ parcel_id = "BBL", land_use_name = "LandUse", recorded_area_m2 = {{ name = "LotArea", unit = "sqft" }} }}
[layers.parks]
source = "parks.gpkg"
"""
KOUVOLA = """
[project]
as_of = 2025-12-31
city = "Kouvola"
overlap = "split"
area = "geodesic"
[land_use]
system = "names"
industrial = ["industrial"]
[layers.parcels]
source = "{data}/osm_kouvola/kouvola.gpkg"
layer = "landuse"
columns = {{ parcel_id = "osm_way_id", land_use_name = "landuse" }}
[layers.parks]
source = "parks.gpkg"
"""


def industry(data, city):
    """The industrial land of a city, in lon/lat, from west to east."""
    if city == "nyc_pluto":
        lots = gpd.read_file(data / "nyc_pluto/lots.geojson")
        lots = lots[lots["LandUse"] == "06"]
    else:
        lots = gpd.read_file(data / "osm_kouvola/kouvola.gpkg", layer="landuse")
        lots = lots[(lots["landuse"] == "industrial") & lots.geometry.notna()]
    lots["geometry"] = shapely.make_valid(lots.geometry.to_numpy())
    return lots.iloc[np.argsort(lots.geometry.representative_point().x.to_numpy(), kind="stable")]


def parks_around(lots, vacant):
    """Two parks: around every fourth of the industry from the west, and around the one after each of them."""
    shapes = [shapely.union_all(shapely.buffer(lots.geometry.to_numpy()[first::4], 2e-3)) for first in (0, 1)]
    ids = ["W", "E"]
    return gpd.GeoDataFrame(
        {"park_id": ids, "park_name": ids, "zone_name": ids, "vacant_land_m2": vacant}, geometry=shapes, crs=lots.crs
    )


def least(plan, options, vacant, quota):
    """The least cost by the solver in scipy, from the files alone; None where no plan reaches the figure."""
    target, (top, below) = plan["targets"][0], columns(options, 0)
    figure = target["at_least"]
    value = {
        name: np.array([float(row[name]) for row in options])
        for name in ("cost_cny", "land_m2", "uses_vacant_m2", top, below)
    }
    lacking = figure * target["denominator_before"] - target["numerator_before"]
    rows = [LinearConstraint(value[top] - figure * value[below], lb=lacking)]
    parcel = np.array([row["parcel_id"] for row in options])
    rows += [LinearConstraint((parcel == name).astype(float), ub=1) for name in np.unique(parcel)]
    for park, room in vacant.items():
        mine = np.array([row["park_id"] == park for row in options])
        rows.append(LinearConstraint(value["uses_vacant_m2"] * mine, ub=room))
    annexed = np.array([row["action"] == "annex" for row in options])
    rows.append(LinearConstraint(value["land_m2"] * annexed, ub=quota))
    found = milp(
        value["cost_cny"], constraints=rows, bounds=Bounds(0, 1), integrality=np.ones(len(options)),
        options={"mip_rel_gap": 0.0},
    )  # fmt: skip
    return found.fun if found.success else None


@pytest.mark.parametrize(
    ("city", "text", "figure"),
    [
        *(("nyc_pluto", NEW_YORK, figure) for figure in (0.83, 0.9, 0.97)),
        *(("osm_kouvola", KOUVOLA, figure) for figure in (0.65, 0.75, 0.9)),
    ],
)
def test_a_real_city_is_planned_at_least_cost(shared_data, tmp_path, city, text, figure):
    vacant = {"W": 30_000.0, "E": 8_000.0}
    parks_around(industry(shared_data, city), list(vacant.values())).to_file(tmp_path / "parks.gpkg")
    project = tmp_path / "project.toml"
    project.write_text(text.format(data=shared_data.as_posix()) + PLAN.format(figure=figure), encoding="utf-8")
    run("plan", project, "-o", tmp_path / "plan", "-q")
    plan = json.loads((tmp_path / "plan" / "results.json").read_text("utf-8"))["plan"]
    with (tmp_path / "plan" / "options.csv").open(encoding="utf-8") as stream:
        options = list(csv.DictReader(stream))
    assert plan["status"] == "optimal"
    assert plan["before"] < figure
    verify(plan, options, vacant)
    expected = least(plan, options, vacant, quota=20_000)
    assert plan["cost_cny"] == pytest.approx(expected, rel=2e-4)
    assert plan["cost_cny"] > 0
    assert {act["action"] for act in plan["actions"]} <= {"retire", "relocate", "annex"}
