"""The living circle of a hand city: walls of facilities whose reach is a straight line, so shares are whole numbers."""

import math
from pathlib import Path

import geopandas as gpd
import hand_city
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely

import layers
from geo.assessment import assess
from geo.composition.living import living_circle
from geo.composition.reach import Walk
from geo.labels import text
from geo.land import attach
from geo.report.content import Table, compose_report, walk
from geo.report.xlsx import write_xlsx
from geo.results import results
from layers import example, findings
from layers.checking import check
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


def test_a_count_of_homes_that_is_none_is_not_told():
    odd = housing().assign(homes=[100, -50, None, 70], persons=[math.inf, 20, None, 180])
    near = told(run(housing=odd).composition.living, "homes", "park", "A")
    assert near[["homes", "persons", "estates", "untold"]].tolist() == [100, 20, 3, 2]
    found = check({"housing": odd})
    assert found.loc[found["code"] == "value-negative", "column"].tolist() == ["homes"]


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
    homes = [[cell.text for cell in row] for row in tables["living-homes"].rows]
    assert [row[:2] for row in homes] == [["一区", "all parks"], ["一区", "甲"], ["一区", "乙"]]
    assert homes[1][2:] == ["90", "0", "150", "260", "0.60", "3", "1"]

    def column(key, title):
        place = [one.title for one in tables[key].columns].index(title)
        return [row[place].text for row in tables[key].rows]

    assert column("living-land", "shop") == ["33.33%", "50.00%", "0.00%"]
    assert column("living-jobs", "shop") == ["66.67%", "66.67%", "—"]
    words = " ".join(str(getattr(block, "text", "")) for block in walk(report.sections))
    assert "15 minutes at 80 m a minute" in words
    assert "assumptions of the project" in words


def test_classes_beyond_the_first_are_in_the_workbook_and_that_is_said(tmp_path):
    x, y = hand_city.X0, hand_city.Y0
    many = gpd.GeoDataFrame(
        {"kind": [f"k{i}" for i in range(8)] + ["k7"]}, geometry=[shapely.Point(x, y)] * 9, crs=hand_city.CRS
    )
    for frames, wanted in ((many, True), (facilities(), False)):
        assessment = run(facilities=frames)
        tables = {
            one.key: one for one in walk(compose_report(assessment, language="en").sections) if isinstance(one, Table)
        }
        assert ("of 8 classes the 6 with most" in tables["living-land"].source) == wanted
        assert ("with most" in tables["living-jobs"].source) == wanted
        sheet = openpyxl.load_workbook(write_xlsx(assessment, tmp_path / f"{wanted}.xlsx", language="en"))["Services"]
        kinds = {row[3].value for row in sheet.iter_rows(min_row=2)}
        assert len(kinds) == len(set(frames["kind"].fillna("")))


def test_a_zone_of_one_park_is_told_once_and_zones_keep_parks_of_one_name_apart():
    drawn = parks().assign(zone_id=["Y", "Z"], zone_name=["一区", "二区"], park_name="园", role="main")
    report = compose_report(run(parks=drawn), language="zh")
    tables = {block.key: block for block in walk(report.sections) if isinstance(block, Table)}
    for key in ("living-land", "living-jobs", "living-homes"):
        assert [[cell.text for cell in row[:2]] for row in tables[key].rows] == [["一区", "园"], ["二区", "园"]]


def test_where_no_jobs_are_known_no_table_of_them_is_made():
    report = compose_report(run(enterprises=None), language="zh")
    keys = {block.key for block in walk(report.sections) if isinstance(block, Table)}
    assert "living-land" in keys
    assert "living-jobs" not in keys


@pytest.mark.parametrize(("language", "names"), [("zh", ("生活圈", "职住")), ("en", ("Services", "Jobs and homes"))])
def test_the_workbook_has_every_class_and_divides_what_it_shows(tmp_path, language, names):
    assessment = run()
    book = openpyxl.load_workbook(write_xlsx(assessment, tmp_path / "book.xlsx", language=language))
    services, homes = ([[cell.value for cell in row] for row in book[name].iter_rows(min_row=2)] for name in names)
    found = assessment.composition.living
    assert len(services) == len(found.services)
    shop = next(row for row in services if row[2:4] == ["甲", "shop"])
    assert shop[:2] == [text("level.park", language), "一区"]
    assert shop[4:6] == pytest.approx([1500, 750])  # 1 km² is 1,500 mu
    assert shop[6].startswith("=IF(N(E")
    assert shop[7:9] == [90, 60]
    park = next(row for row in homes if row[2] == "甲")
    assert park[3:7] == [90, 0, 150, 260]
    assert park[7].startswith("=IF(N(F")


def test_facilities_that_tell_no_class_are_one_class_untold():
    bare = facilities().drop(columns="kind")
    assert run(facilities=bare).composition.living.kinds == {"": 3}


def test_figures_of_the_example_city_by_plain_geometry():
    """Circles, an overlay and nearest distances of other libraries, over the frames as they were made."""
    frames = example.make(parcels=1500, seed=4).frames
    sound = frames["parcels"][shapely.is_valid(frames["parcels"].geometry.to_numpy())]
    land = attach(sound, frames["parks"], area="planar", overlap="priority")
    living = living_circle(land, None, frames["facilities"], frames["housing"], area="planar")
    circles = frames["facilities"][["kind", "geometry"]]
    circles = circles.set_geometry(circles.buffer(1000, quad_segs=128)).dissolve("kind").reset_index()
    for level in ("park", "zone"):
        drawn = frames["parks"][[f"{level}_id", "geometry"]].dissolve(f"{level}_id").reset_index()
        met = gpd.overlay(circles, drawn, how="intersection")
        plain = met.set_geometry(met.geometry).assign(m2=met.area).groupby([f"{level}_id", "kind"])["m2"].sum()
        ours = living.services[living.services["level"] == level].set_index(["scope_id", "kind"])["reached_m2"]
        assert ours.to_numpy() == pytest.approx(plain.reindex(ours.index).fillna(0).to_numpy(), rel=1e-3, abs=300)
        assert (ours > 0).mean() > 0.5
        inner = gpd.GeoDataFrame(
            frames["housing"][["homes"]], geometry=frames["housing"].representative_point(), crs=drawn.crs
        )
        near = gpd.sjoin(inner, drawn, predicate="dwithin", distance=1000)
        homes = living.homes[living.homes["level"] == level].set_index("scope_id")
        assert homes["homes"].to_dict() == near.groupby(f"{level}_id")["homes"].sum().reindex(homes.index).to_dict()
        assert homes["estates"].to_dict() == near.groupby(f"{level}_id").size().reindex(homes.index).to_dict()


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
