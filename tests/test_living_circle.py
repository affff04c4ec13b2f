"""The living circle of a hand city: walls of facilities whose reach is a straight line, so shares are whole numbers."""

import math
from pathlib import Path

import geopandas as gpd
import hand_city
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

import layers
from geo.assessment import assess
from geo.composition.living import living_circle
from geo.composition.reach import Walk
from geo.land import attach
from geo.report.content import Table, compose_report, walk
from geo.results import results
from layers import findings
from layers.intake import ready
from layers.project import loads
from layers.titles import guess_role

HAND = Path(__file__).parent / "hand.toml"


def facilities():
    """A wall of shops 500 m west of park A reaches half of it; a stop at one corner a quarter circle of its radius."""
    x, y = hand_city.X0, hand_city.Y0
    return gpd.GeoDataFrame(
        {"kind": ["shop", "stop", "stop", None], "facility_name": ["a", "b", "c", "d"]},
        geometry=[shapely.box(x - 600, y - 9000, x - 500, y + 9000), shapely.Point(x, y), None, shapely.Point(0, 0)],
        crs=hand_city.CRS,
    )


def housing():
    """100 and 50 homes near park A, one estate there that does not tell, and 70 homes beyond the walk."""
    x, y = hand_city.X0, hand_city.Y0
    points = [(-990, 500), (500, 1900), (500, -500), (-1010, 500)]
    return gpd.GeoDataFrame(
        {"homes": [100, 50, None, 70], "persons": [260.0, None, None, 180.0]},
        geometry=[shapely.Point(x + a, y + b) for a, b in points],
        crs=hand_city.CRS,
    )


def parks():
    return hand_city.layer(
        [(0, 0, 1000, 1000), (9000, 0, 10_000, 500)], park_id=["A", "B"], park_name=["甲", "乙"],
        zone_id=["Z", "Z"], zone_name=["一区", "一区"], role=["main", "branch"],
    )  # fmt: skip


def parcels():
    boxes = [(100, 100, 200, 200), (800, 100, 900, 200), (9000, 0, 9100, 100)]
    return hand_city.layer(boxes, parcel_id=["p1", "p2", "p3"], land_use_code=["0601"] * 3)


def enterprises():
    """60 jobs within the reach of the shops, 30 beyond; in B one firm that tells nothing."""
    return pd.DataFrame(
        {"enterprise_code": ["F1", "F2", "F3"], "parcel_id": ["p1", "p2", "p3"], "employees": [60, 30, None]}
    )


def project(text=""):
    return loads(f'[project]\narea = "planar"\n[land_use]\nsystem = "third-survey"\n{text}', HAND)


def run(text="", **frames):
    given = {
        "parks": parks(), "parcels": parcels(), "enterprises": enterprises(), "facilities": facilities(),
        "housing": housing(), **frames,
    }  # fmt: skip
    there = {name: frame for name, frame in given.items() if frame is not None}
    return assess(there, project(text), findings=findings.empty())


@pytest.fixture(scope="module")
def living():
    return run().composition.living


def told(living, table, level, scope, **more):
    rows = getattr(living, table)
    rows = rows[(rows["level"] == level) & (rows["scope_id"] == scope)]
    for name, value in more.items():
        rows = rows[rows[name] == value]
    return rows.iloc[0]


def test_the_walk_of_fifteen_minutes_is_a_kilometre():
    assert Walk().straight_m == 1000.0
    assert Walk(10, 60, 1.5).straight_m == 400.0


def test_land_within_a_walk_of_each_class(living):
    shops = told(living, "services", "park", "A", kind="shop")
    assert shops["area_share"] == pytest.approx(0.5, abs=1e-6)
    zone = told(living, "services", "zone", "Z", kind="shop")
    assert (zone["area_m2"], round(zone["reached_m2"])) == (1_500_000, 500_000)
    # A quarter of a circle of 1 km in a square of 1 km is π/4 of it.
    assert told(living, "services", "park", "A", kind="stop")["area_share"] == pytest.approx(math.pi / 4, rel=1e-3)
    assert told(living, "services", "park", "B", kind="stop")["area_share"] == 0


def test_jobs_within_a_walk(living):
    shops = told(living, "services", "park", "A", kind="shop")
    assert shops[["jobs", "reached_jobs", "jobs_share"]].tolist() == [90, 60, 60 / 90]
    nobody = told(living, "services", "park", "B", kind="shop")
    assert np.isnan(nobody["jobs"])
    assert np.isnan(nobody["jobs_share"])


def test_jobs_beside_homes(living):
    near = told(living, "homes", "park", "A")
    assert near[["jobs", "homes", "persons", "estates", "untold"]].tolist() == [90, 150, 260, 3, 1]
    assert near["jobs_per_home"] == 90 / 150
    far = told(living, "homes", "park", "B")
    assert (far["homes"], far["estates"], far["firms_untold"]) == (0, 0, 1)
    assert np.isnan(far["jobs"])
    assert np.isnan(far["jobs_per_home"])


def test_what_lies_nowhere_and_has_no_class_is_told(living):
    assert living.without_place == {"facilities": 1, "housing": 0}
    assert living.kinds == {"": 1, "shop": 1, "stop": 1}


def test_settings_move_the_circle():
    wider = run("[living_circle]\nminutes = 20\ndetour = 1.6\nspeed_m_per_min = 100\n").composition.living
    assert wider.walk.straight_m == 1250
    assert told(wider, "services", "park", "A", kind="shop")["area_share"] == pytest.approx(0.75, abs=1e-6)
    assert told(wider, "homes", "park", "A")["homes"] == 220


def test_either_layer_alone_is_enough_and_neither_is_told():
    assert run(housing=None).composition.living.homes.empty
    assert run(facilities=None).composition.living.services.empty
    bare = results(run(facilities=None, housing=None))
    assert "living_circle" not in bare
    assert "living_circle" in {one["id"] for one in bare["not_computed"]}
    assert living_circle(attach(parcels(), area="planar"), None, facilities(), None) is None


def test_without_firms_nobody_knows_the_jobs():
    alone = run(enterprises=None).composition.living
    assert np.isnan(told(alone, "homes", "park", "A")["jobs"])
    assert told(alone, "homes", "park", "A")["homes"] == 150


def test_the_report_prints_the_assumptions_and_the_shares():
    report = compose_report(run(), language="en")
    tables = {block.key: block for block in walk(report.sections) if isinstance(block, Table)}
    assert [cell.text for cell in tables["living-homes-park"].rows[0]] == [
        "甲", "90", "0", "150", "260", "0.60", "3", "1"
    ]  # fmt: skip
    row = dict(zip([one.title for one in tables["living-services-park"].columns],
                   [cell.text for cell in tables["living-services-park"].rows[0]], strict=True))  # fmt: skip
    assert row["shop"] == "50.00%"
    words = " ".join(str(getattr(block, "text", "")) for block in walk(report.sections))
    assert "15 minutes at 80 m a minute" in words
    assert "assumptions of the project" in words


def test_layers_are_found_by_what_they_say(tmp_path):
    assert guess_role("公共服务设施", ["设施类别", "设施名称"], "Point")[0] == "facilities"
    assert guess_role("小区", ["小区名称", "总户数", "居住人口"], "Point")[0] == "housing"
    given = facilities().iloc[:2].rename(columns={"kind": "设施类别"})
    pyogrio.write_dataframe(given.to_crs("EPSG:4490"), tmp_path / "a.gpkg", geometry_type="Unknown")
    read = layers.read(tmp_path / "a.gpkg", "facilities")
    assert read["kind"].tolist() == ["shop", "stop"]
    placed, _ = ready("facilities", read, read.crs, project())
    assert len(placed) == 2  # a point is no broken polygon


def test_of_housing_the_inner_point_counts():
    x, y = hand_city.X0, hand_city.Y0
    wide = gpd.GeoDataFrame({"homes": [10]}, geometry=[shapely.box(x - 3000, y, x, y + 100)], crs=hand_city.CRS)
    assert told(run(housing=wide).composition.living, "homes", "park", "A")["homes"] == 0
