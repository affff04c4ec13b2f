"""How zones are put together: a hand city, plain geometry as the second opinion, and properties."""

import math
import re
import zipfile
from pathlib import Path

import geopandas as gpd
import hand_city
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

import layers
from geo.assessment import assess
from geo.charts import draw_zones
from geo.charts.texts import text_width
from geo.composition.found import Limits, compose
from geo.composition.points import groups_of, mains_of, points_of
from geo.composition.proposals import proposals
from geo.composition.shapes import compactness, division, effective_mesh
from geo.concentrations import overlap_matrix
from geo.labels import labels, text
from geo.land import attach
from geo.report.content import Figure, Table, compose_report, walk
from geo.report.docx import write_docx
from geo.report.gpkg import write_gpkg
from geo.report.html import render_html
from geo.report.xlsx import write_xlsx
from geo.results import results
from layers import findings
from layers.example import make
from layers.project import loads

HAND = Path(__file__).parent / "hand.toml"


def parks():
    """Zone 1: a main square of 1 km² and, 60 m east of it, a branch in two parts; an enclave 8 km off. Zones 2, 3.

    The branch has 0.5 km² across the gap and a small part of 1 ha 1 km north of it. Zone 2 has two main parks, the
    second of which lies over 200 m of the main park of zone 1. Zone 3 is one park without role.
    """
    return hand_city.layer(
        [
            (0, 0, 1000, 1000), (1060, 0, 1560, 1000), (1060, 2000, 1160, 2100), (9000, 0, 9500, 1000),
            (0, -2000, 500, -1500), (0, 800, 1000, 1200), (20_000, 0, 20_300, 100),
        ],
        park_id=["A", "B", "B", "E", "M", "N", "S"], park_name=["主园", "分园", "分园", "飞地", "北园", "南园", "独园"],
        zone_id=["Z1", "Z1", "Z1", "Z1", "Z2", "Z2", "Z3"], zone_name=["一区"] * 4 + ["二区"] * 2 + ["三区"],
        role=["main", "branch", "branch", "enclave", "main", "main", None], priority=[1, 1, 1, 1, 2, 2, 3],
        operator=["甲管委会"] * 4 + ["乙管委会"] * 2 + [None],
        host_district=["东区", "东区", "东区", "西区", "东区", None, None],
    )  # fmt: skip


def parcels():
    """Industry: 2 ha in A, 1 ha in each part of B, 1 ha on the gap of 60 m; clusters C (near) and D (far) outside."""
    boxes = [
        (0, 0, 100, 200), (1100, 0, 1200, 100), (1060, 2000, 1160, 2100), (1000, 300, 1060, 400),
        (400, -100, 500, -30), (530, -100, 630, -30), (4000, 4000, 4200, 4100), (7000, 7000, 7010, 7010),
        (600, 600, 700, 700),
    ]  # fmt: skip
    return hand_city.layer(
        boxes, parcel_id=[f"p{number}" for number in range(9)], land_use_code=["0601"] * 8 + ["0701"]
    )


def constraints():
    """A redline over 200 m of the gap, farmland over the upper 100 m of it and 100 m more: together 300 m of 1,000."""
    return hand_city.layer([(900, 0, 1100, 200), (900, 100, 1100, 300)], kind=["redline", "farmland"])


def found(parks_=None, parcels_=None, limits=None, constraints_=None, overlap="priority"):
    drawn = parks() if parks_ is None else parks_
    land = attach(parcels() if parcels_ is None else parcels_, drawn, area="planar", overlap=overlap)
    matrix = overlap_matrix(land.parks, "planar")
    return compose(land, matrix, limits, area="planar", constraints=constraints_)


@pytest.fixture(scope="module")
def city():
    return found(constraints_=constraints())


def test_parks_points_and_blocks_of_each_zone(city):
    told = city.zones.set_index("zone_id")[["parks", "points", "blocks"]]
    assert told.to_numpy().tolist() == [[3, 4, 4], [2, 2, 2], [1, 1, 1]]
    assert city.points["point_id"].tolist() == ["A", "B#1", "B#2", "E", "M", "N", "S"]


def test_the_main_park_and_its_weight(city):
    one, two, three = city.zones.to_dict("records")
    assert (one["main_park"], one["main_known_by"]) == ("A", "role")
    assert one["area_m2"] == 1_000_000 + 500_000 + 10_000 + 500_000
    assert one["main_area_share"] == 1_000_000 / 2_010_000
    assert (one["main_industrial_m2"], one["industrial_m2"], one["main_industrial_share"]) == (20_000, 40_000, 0.5)
    # Two main parks are told, and none of them is taken for the main one.
    assert (pd.isna(two["main_park"]), two["main_known_by"], two["mains"]) == (True, "several", ["M", "N"])
    assert math.isnan(two["main_area_share"])
    assert math.isnan(two["farthest_km"])
    assert (three["main_park"], three["main_known_by"], three["main_area_share"]) == ("S", "sole", 1.0)
    assert math.isnan(three["main_industrial_share"])  # there is no industrial land to share


def test_distances_run_from_the_main_park(city):
    told = city.points.set_index("point_id")
    assert told["to_main_km"].round(6).dropna().to_dict() == {
        "A": 0, "B#1": 0.06, "B#2": round(math.hypot(60, 1000) / 1000, 6), "E": 8.0, "S": 0
    }  # fmt: skip
    assert told.loc["B#1", "centroids_km"] == pytest.approx(0.81)
    assert told.loc["B#2", "centroids_km"] == pytest.approx(math.hypot(610, 1550) / 1000)
    assert city.zones["farthest_point"].fillna("").tolist() == ["E", "", "S"]


def test_points_of_the_main_park_lie_from_its_largest():
    drawn = hand_city.layer([(0, 0, 100, 100), (300, 0, 350, 100)], park_id=["A", "A"], park_name="园", role="main")
    points = points_of(attach(parcels(), drawn, area="planar"), "planar")
    assert points[["point_id", "to_main_km"]].to_numpy().tolist() == [["A#1", 0.0], ["A#2", 0.2]]


def test_shares_and_division_by_hand(city):
    one = city.zones.iloc[0]
    areas = [1_000_000, 500_000, 10_000, 500_000]
    whole = sum(areas)
    assert one["division"] == pytest.approx(1 - sum((area / whole) ** 2 for area in areas), abs=1e-12)
    assert one["effective_mesh_m2"] == pytest.approx(sum(area**2 for area in areas) / whole)
    # A square has π/4; a rectangle of 1:3 has 3π/16.
    told = city.parks.set_index("park_id")["compactness"]
    assert told["A"] == pytest.approx(math.pi / 4)
    assert told["S"] == pytest.approx(3 * math.pi / 16)


def test_zones_that_lie_on_each_other(city):
    one, two, three = city.zones.to_dict("records")
    assert one["overlaps"] == [{"zone_id": "Z2", "area_m2": 200_000.0}]
    assert (one["overlap_m2"], two["overlap_m2"], three["overlap_m2"]) == (200_000, 200_000, 0)


def test_ground_that_three_zones_claim_counts_once():
    corners = {"X": (50, 50, 250, 250), "Y": (100, 100, 300, 300), "Z": (0, 0, 200, 200)}
    drawn = hand_city.layer(
        list(corners.values()), park_id=list(corners), park_name=list(corners), zone_id=list(corners)
    )
    told = found(drawn).zones.set_index("zone_id")
    boxes = {name: shapely.box(*corner) for name, corner in corners.items()}
    for name, mine in boxes.items():
        others = [shape for other, shape in boxes.items() if other != name]
        assert told.loc[name, "overlap_m2"] == mine.intersection(shapely.union_all(others)).area
        assert sum(one["area_m2"] for one in told.loc[name, "overlaps"]) == sum(
            mine.intersection(o).area for o in others
        )
    assert told.loc["X", "overlap_m2"] == 150**2 + 150**2 - 100**2


def test_hosts_and_operators(city):
    one, two, three = city.zones.to_dict("records")
    assert (one["district"], one["other_districts"]) == ("东区", ["西区"])
    assert one["operators_abroad"] == ["甲管委会"]
    assert one["roles"] == {"branch": 1, "enclave": 1, "main": 1}
    assert (two["districts"], two["operators_abroad"]) == (["东区"], [])
    assert (three["roles"], three["districts"], three["parks_without_operator"]) == ({"unknown": 1}, [], 1)


def test_a_park_without_a_host_has_the_district_it_lies_in():
    land = attach(parcels(), parks(), districts=hand_city.districts(), area="planar", overlap="priority")
    told = compose(land, overlap_matrix(land.parks, "planar"), area="planar").parks.set_index("park_id")
    assert told.loc[["E", "N"], "host_district"].tolist() == ["西区", "东区"]
    assert pd.isna(told.loc["S", "host_district"])  # beyond every district


def test_points_too_small_or_too_far(city):
    told = city.points.set_index("point_id")
    assert told.index[told["too_small"]].tolist() == ["B#2", "S"]
    assert told.index[told["too_far"].fillna(value=False)].tolist() == ["E"]
    assert told["too_far"].isna().to_dict()["M"]  # without a main park nobody knows
    other = found(limits=Limits(minimum_point_m2=10_000, far_m=8000)).points
    assert not other["too_small"].any()
    assert not other["too_far"].fillna(value=False).any()


def test_the_land_between_points_that_nearly_touch(city):
    assert len(city.joins) == 1
    join = city.joins.iloc[0]
    assert (join["zone_id"], join["point_a"], join["point_b"]) == ("Z1", "A", "B#1")
    assert (join["gap_m"], join["area_m2"]) == (60.0, 60_000.0)  # 60 m × 1,000 m
    assert (join["parcels"], join["industrial_m2"]) == (1, 6_000.0)


def test_what_lies_on_the_land_between(city):
    join = city.joins.iloc[0]
    assert join["constraints"] == [{"kind": "farmland", "area_m2": 12_000.0}, {"kind": "redline", "area_m2": 12_000.0}]
    assert join["constrained_m2"] == 18_000.0  # what lies under both counts once
    unknown = found().joins.iloc[0]
    assert math.isnan(unknown["constrained_m2"])
    assert unknown["constraints"] is None


def test_no_join_where_the_gap_is_broader_or_ground_of_others():
    assert found(limits=Limits(gap_m=59)).joins.empty
    drawn = hand_city.layer(
        [(0, 0, 100, 100), (160, 0, 260, 100), (100, -50, 160, 150)],
        park_id=["A", "B", "X"], park_name=["A", "B", "X"], zone_id=["Z", "Z", "Y"],
    )  # fmt: skip
    assert found(drawn, overlap="error").joins.empty
    assert len(found(drawn.iloc[:2], overlap="error").joins) == 1


def test_corners_that_face_each_other_join_across():
    drawn = hand_city.layer(
        [(0, 0, 100, 100), (150, 150, 300, 300)], park_id=["A", "B"], park_name=["A", "B"], zone_id="Z"
    )
    join = found(drawn, overlap="error").joins.iloc[0]
    # 50 × 50 m between the corners; of each lies what is within 70.7 + 50 m of the other.
    assert join["gap_m"] == pytest.approx(50 * math.sqrt(2))
    one, other = drawn.geometry
    reach = one.distance(other) + 50
    hull = shapely.union(one & other.buffer(reach), other & one.buffer(reach)).convex_hull
    assert join["area_m2"] == pytest.approx((hull - one - other).area, rel=0.01)
    assert 2_500 < join["area_m2"] < 10_000
    between = hand_city.layer([(101, 101, 149, 149), (100, 40, 149, 99), (40, 101, 99, 149)], park_id=list("XYW"),
                              park_name=list("XYW"), zone_id=["X", "Y", "W"])  # fmt: skip
    taken = gpd.GeoDataFrame(pd.concat([drawn, between], ignore_index=True), crs=drawn.crs)
    assert "A – B" in proposals(found(taken, overlap="error"))["name"].tolist()  # a strip of 1 m is left


angles = st.lists(st.floats(0.3, 1.0), min_size=5, max_size=9)


@settings(max_examples=40, deadline=None)
@given(angles, angles, st.floats(0, 2 * math.pi), st.floats(1, 99))
def test_whatever_their_form_two_points_that_near_join_in_one_block(one, other, turn, gap):
    def star(radii, begin):
        at = begin + np.linspace(0, 2 * math.pi, len(radii), endpoint=False)
        return shapely.Polygon(300 * np.array(radii)[:, None] * np.column_stack([np.cos(at), np.sin(at)]))

    first, second = star(one, 0.0), star(other, turn)
    way = np.array([math.cos(turn), math.sin(turn)])
    near, far = 0.0, 1000.0
    for _ in range(40):  # how far the second is moved until the gap is the one that was drawn
        middle = (near + far) / 2
        moved = shapely.transform(second, lambda xy, m=middle: xy + m * way)
        near, far = (middle, far) if moved.distance(first) < gap else (near, middle)
    corner = np.array([hand_city.X0, hand_city.Y0])
    shapes = [shapely.transform(shape, lambda xy: xy + corner) for shape in (first, moved)]
    drawn = gpd.GeoDataFrame(
        {"park_id": ["A", "B"], "park_name": ["A", "B"], "zone_id": "Z"}, geometry=shapes, crs=hand_city.CRS
    )
    made = found(drawn, overlap="priority").joins
    assert len(made) == 1
    ground = made.geometry.iloc[0]
    assert max(ground.intersection(shape).area for shape in shapes) < 0.01
    whole = shapely.union_all(shapely.buffer([*shapes, ground], 0.01))
    assert whole.geom_type == "Polygon"


def test_of_a_kind_what_stands_out_most_comes_first():
    corners = [(0, 0, 1000, 1000), (1090, 0, 1290, 100), (1320, 0, 1420, 100), (9000, 0, 9300, 100)]
    drawn = hand_city.layer(
        corners, park_id=list("ABCD"), park_name=list("ABCD"), zone_id="Z", role=["main", *["branch"] * 3],
    )  # fmt: skip
    other = hand_city.layer([(0, 5000, 900, 6000), (9900, 5000, 9990, 5100)], park_id=["X", "Y"], park_name=["X", "Y"],
                            zone_id="A", role=["main", "branch"])  # fmt: skip
    told = proposals(found(pd.concat([drawn, other], ignore_index=True), overlap="error")).groupby("kind")["id"]
    assert told.get_group("too_small").tolist() == ["Y", "C", "B", "D"]  # 0.9, 1, 2 and 3 ha
    assert told.get_group("too_far").tolist() == ["Y", "D"]  # 9.0 and 8.0 km
    joins = proposals(found(drawn, overlap="error")).query("kind == 'join'")
    assert joins["name"].tolist() == ["B – C", "A – B"]  # 30 and 90 m


def test_points_of_a_park_without_an_id_are_not_named_twice():
    drawn = hand_city.layer([(0, 0, 100, 100), (160, 0, 260, 100)], park_name=["园", "园"], zone_name=["区", "区"])
    assert proposals(found(drawn)).query("kind == 'join'")["name"].tolist() == ["园#1 – 园#2"]
    named = found(drawn.assign(park_id="K1"))
    assert proposals(named).query("kind == 'join'")["name"].tolist() == ["园 K1#1 – K1#2"]


def test_no_two_points_share_an_id():
    drawn = hand_city.layer([(0, 0, 100, 100), (150, 0, 250, 100), (300, 0, 400, 100)], park_id=["A", "A", "A#1"],
                            park_name=["甲", "甲", "乙"], zone_id="Z", role=["main", "main", "branch"])  # fmt: skip
    made = found(drawn)
    assert made.points["point_id"].tolist() == ["A##1", "A##2", "A#1"]
    assert made.joins[["point_a", "point_b"]].to_numpy().tolist() == [["A##1", "A##2"], ["A##2", "A#1"]]


def test_a_park_without_ground_has_no_point():
    drawn = hand_city.layer([(0, 0, 100, 100), (0, 0, 1, 1)], park_name=["甲", "乙"], zone_name=["区", "区"])
    drawn.loc[1, "geometry"] = shapely.Polygon()
    made = found(drawn)
    assert made.points["park_name"].tolist() == ["甲"]
    assert made.zones[["parks", "points", "blocks"]].iloc[0].tolist() == [2, 1, 1]


def test_points_that_touch_are_one_block_and_need_no_land_between():
    drawn = hand_city.layer(
        [(0, 0, 100, 100), (100.4, 0, 200, 100)], park_id=["A", "B"], park_name=["A", "B"], zone_id=["Z", "Z"]
    )
    made = found(drawn)
    assert made.zones[["points", "blocks", "division"]].iloc[0].tolist() == [2, 1, 0]
    assert made.joins.empty


def test_scattered_clusters_beside_parks(city):
    told = city.clusters
    assert (told.all_parcels, told.all_m2, told.all_clusters) == (5, 6_000 + 14_000 + 20_000 + 100, 4)
    rows = told.table.drop(columns="geometry").to_dict("records")
    assert [(row["area_m2"], row["parcels"], row["beside"]) for row in rows] == [(20_000, 1, False), (14_000, 2, True)]
    near = rows[1]
    assert (near["park_id"], near["distance_m"], near["parcel_ids"]) == ("A", 30.0, ["p4", "p5"])
    assert len(found(limits=Limits(cluster_within_m=29, cluster_minimum_m2=0)).clusters.table) == 5


def test_a_limit_of_nothing_lists_every_cluster(city):
    every = found(limits=Limits(cluster_minimum_m2=0)).clusters
    assert every.table["area_m2"].sum() == every.all_m2


# ---------------------------------------------------------------- properties


def test_division_of_one_and_of_none():
    assert division([7]) == 0
    assert effective_mesh([3, 1]) == 10 / 4
    assert math.isnan(division([]))
    assert math.isnan(compactness(np.array([shapely.Polygon()]))[0])


def test_a_circle_is_most_compact():
    circle = shapely.Point(0, 0).buffer(100, quad_segs=512)
    assert compactness(np.array([circle]))[0] == pytest.approx(1, abs=1e-5)


@given(st.lists(st.integers(1, 10**14), min_size=1, max_size=8))
def test_division_stays_between_nothing_and_all(areas):
    assert 0 <= division(areas) <= 1 - 1 / len(areas) + 1e-12
    assert effective_mesh(areas) == pytest.approx((1 - division(areas)) * sum(areas))


corner = st.integers(0, 60)
side = st.integers(1, 25)
boxes = st.lists(st.tuples(corner, corner, side, side), min_size=1, max_size=7)


@settings(max_examples=25, deadline=None)
@given(boxes, boxes, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(drawn, fields, dice):
    made = hand_city.layer(
        [(20 * x, 20 * y, 20 * (x + w), 20 * (y + h)) for x, y, w, h in drawn],
        park_id=[f"P{i // 2}" for i in range(len(drawn))], park_name=[f"P{i // 2}" for i in range(len(drawn))],
        zone_id=[f"Z{i // 4}" for i in range(len(drawn))],
        role=["main" if i % 4 < 2 else "branch" for i in range(len(drawn))],
    )  # fmt: skip
    land = hand_city.layer(
        [(20 * x, 20 * y, 20 * (x + w), 20 * (y + h)) for x, y, w, h in fields],
        parcel_id=[f"p{i}" for i in range(len(fields))], land_use_code=["0601"] * len(fields),
    )  # fmt: skip
    orders = [list(range(len(one))) for one in (made, land)]
    for order in orders:
        dice.shuffle(order)
    limits = Limits(cluster_minimum_m2=0)
    one = found(made, land, limits)
    other = found(made.iloc[orders[0]], land.iloc[orders[1]], limits)
    for table in ("zones", "parks", "points", "joins"):
        assert_same(getattr(one, table), getattr(other, table))
    assert_same(one.clusters.table, other.clusters.table)
    # Points add up to their park and clusters to the land outside, whatever the cut.
    assert one.points.groupby("park")["industrial_m2"].sum().round(2).tolist() == one.parks["industrial_m2"].tolist()
    assert one.clusters.table["area_m2"].sum() == pytest.approx(one.clusters.all_m2)


def assert_same(one, other):
    def plain(table):
        rows = table.drop(columns="geometry", errors="ignore").to_dict("records")
        return [{key: round(v, 7) if isinstance(v, float) else v for key, v in row.items()} for row in rows]

    assert str(plain(one)) == str(plain(other))


@settings(max_examples=40, deadline=None)
@given(boxes)
def test_blocks_are_what_plain_union_leaves(drawn):
    shapes = np.array([shapely.box(x, y, x + w, y + h) for x, y, w, h in drawn])
    plain = shapely.union_all(shapely.buffer(shapes, 0.2))  # on whole metres nothing lies between 0 and 0.5 m
    assert groups_of(shapes).max() + 1 == shapely.get_num_geometries(plain)


# ---------------------------------------------------------------- what is planted in the example city


@pytest.fixture(scope="module", params=[(3000, 11), (1500, 4)], ids=["3000", "1500"])
def example(request):
    return make(parcels=request.param[0], seed=request.param[1])


def test_the_example_city_is_put_together_as_it_was_built(example):
    frames, truth = example.frames, example.truth["composition"]
    sound = frames["parcels"][shapely.is_valid(frames["parcels"].geometry.to_numpy())]
    land = attach(sound[sound["land_use_code"] == "0601"], frames["parks"], area="planar", overlap="priority")
    made = compose(land, overlap_matrix(land.parks, "planar"), area="planar", constraints=frames["constraints"])
    joins = made.joins.set_index("point_a")
    for road in truth["cut_parks"]:
        join = joins.loc[f"{road['park_id']}#1"]
        assert join["gap_m"] == pytest.approx(road["gap_m"], abs=0.01)  # the line is rounded to the millimetre
        assert join["area_m2"] == pytest.approx(road["road_m2"], rel=0.05)  # the two differ where the road runs out
    assert truth["cut_parks"]
    for works in truth["works_beside"]:
        same = [ids == works["parcel_ids"] for ids in made.clusters.table["parcel_ids"]]
        mine = made.clusters.table[same]
        assert mine["park_id"].tolist() == [works["park_id"]]
        assert mine["area_m2"].tolist() == pytest.approx([works["area_m2"]])
        assert mine["beside"].all()
    assert truth["works_beside"]


def test_clusters_of_the_example_city_by_plain_buffers(example):
    parcels, parks_ = example.frames["parcels"], example.frames["parks"]
    works = parcels[(parcels["land_use_code"] == "0601") & shapely.is_valid(parcels.geometry.to_numpy())]
    union = shapely.union_all(parks_.geometry.to_numpy())
    outside = shapely.area(shapely.difference(works.geometry.to_numpy(), union)) > 0.5 * works.geometry.area
    plain = shapely.union_all(shapely.buffer(works.geometry[outside].to_numpy(), 25, quad_segs=64))
    land = attach(works, parks_, area="planar", overlap="priority")
    told = compose(land, overlap_matrix(land.parks, "planar"), area="planar").clusters
    assert told.all_parcels == outside.sum()
    assert told.all_clusters == shapely.get_num_geometries(plain)


# ---------------------------------------------------------------- in a run


def test_a_run_tells_of_its_zones():
    project = loads('[project]\narea = "planar"\noverlap = "priority"\n[land_use]\nsystem = "third-survey"\n', HAND)
    frames = {"parks": parks(), "parcels": parcels(), "constraints": constraints()}
    document = results(assess(frames, project))
    one = document["zones"][0]
    assert [zone["zone_id"] for zone in document["zones"]] == ["Z1", "Z2", "Z3"]
    assert [park["park_id"] for park in one["park_list"]] == ["A", "B", "E"]
    assert [point["too_small"] for point in one["park_list"][1]["points"]] == [False, True]
    assert one["joins"][0]["constrained_m2"] == 18_000.0
    assert [cluster["parcel_ids"] for cluster in one["clusters_beside"]] == [["p4", "p5"]]
    assert document["zones"][1]["main_area_share"] is None
    quiet = results(assess(frames, project, with_candidates=False))
    assert "zones" not in quiet
    assert "zones" in {entry["id"] for entry in quiet["not_computed"]}


def test_without_parks_there_are_no_zones():
    project = loads('[project]\narea = "planar"\n[land_use]\nsystem = "third-survey"\n', HAND)
    assessment = assess({"parcels": parcels()}, project)
    assert assessment.composition is None
    assert "zones" not in results(assessment)
    nobody = assess({"parcels": parcels(), "parks": parks().iloc[:0]}, project)
    assert nobody.composition is None


@pytest.fixture(scope="module", params=["zh", "en"])
def assessed(request):
    text = '[project]\narea = "planar"\noverlap = "priority"\nlanguage = "{}"\n[land_use]\nsystem = "third-survey"\n'
    frames = {"parks": parks(), "parcels": parcels(), "constraints": constraints()}
    return assess(frames, loads(text.format(request.param), HAND), findings=findings.empty())


def test_the_chapter_says_what_was_found(assessed):
    report = compose_report(assessed, language=assessed.project.language)
    chapter = next(one for one in report.sections if one.key == "composition")
    tables = {block.key: block for block in walk((chapter,)) if isinstance(block, Table)}
    assert [row[6].text for row in tables["zone-composition"].rows] == ["49.75%", "—", "100.00%"]
    assert [row[2].text for row in tables["zone-form"].rows] == ["8.00", "—", "—"]
    roles = {"zh": ["主园 1、分园 1、飞地 1", "主园 2", "角色不明 1"],
             "en": ["main park 1, branch park 1, enclave 1", "main park 2", "role unknown 1"]}  # fmt: skip
    assert [row[1].text for row in tables["zone-people"].rows] == roles[assessed.project.language]
    # From near to far, the main park first; of a zone with two main parks nobody knows how far. Zone 3 is one point.
    points = [[cell.text for cell in row] for row in tables["zone-points"].rows]
    assert [row[1] for row in points] == ["主园", "分园 #1", "分园 #2", "飞地", "北园", "南园"]
    assert [row[7] for row in points] == ["—", "0.06", "1.00", "8.00", "—", "—"]
    assert points[3][3:7] == ["西区", "甲管委会", "750.00", "0.00"]
    kinds = [[cell.text for cell in row[1:4]] for row in tables["proposal-kinds"].rows]
    # 60,000 m² are 90 mu, of which 9 are industrial; B#2 and S have 40,000 m², E has 500,000, the cluster 14,000.
    assert kinds == [["1", "90.00", "9.00"], ["2", "60.00", "15.00"], ["1", "750.00", "0.00"], ["1", "21.00", "21.00"]]
    assert [row[0].text for row in tables["proposals"].rows] == ["J1", "B#2", "S", "E", "C2"]
    figure = next(block for block in walk((chapter,)) if isinstance(block, Figure))
    assert [one.name for one in figure.chart] == ["一区", "二区"]
    page = render_html(report)
    assert page.count('<svg class="outline"') == 2
    assert page.count('class="main"') >= 3


def test_the_workbook_divides_what_it_shows(assessed, tmp_path):
    language = assessed.project.language
    book = openpyxl.load_workbook(write_xlsx(assessed, tmp_path / "book.xlsx", language=language))
    names = {"zh": ("园区构成", "点块", "整合线索"), "en": ("Composition", "Points", "Consolidation")}[language]
    zones, points, leads = (book[name] for name in names)
    assert [cell.value for cell in points["C"]][1:] == ["A", "B#1", "B#2", "E", "M", "N", "S"]
    assert [cell.value for cell in points["I"]][1:5] == pytest.approx([0, 0.06, math.hypot(60, 1000) / 1000, 8])
    assert [cell.value for cell in points["L"]][4:6] == [{"zh": "是", "en": "yes"}[language], None]
    assert zones["I2"].value == '=IF(N(G2)>0,IF(ISNUMBER(H2),H2/G2,""),"")'
    assert [cell.value for cell in leads["A"]][1:] == ["J1", "B#2", "S", "E", "C2"]


def test_the_geopackage_has_the_land_between_and_the_clusters(assessed, tmp_path):
    write_gpkg(assessed, tmp_path / "results.gpkg")
    joins = pyogrio.read_dataframe(tmp_path / "results.gpkg", layer="joins")
    assert joins[["join_id", "area_m2", "constrained_m2"]].to_numpy().tolist() == [["J1", 60_000.0, 18_000.0]]
    assert joins["constraints"].tolist() == ["farmland 12000.00; redline 12000.00"]
    assert joins.geometry.area.round(3).tolist() == [60_000.0]
    points = pyogrio.read_dataframe(tmp_path / "results.gpkg", layer="points")
    assert points["point_id"].tolist() == ["A", "B#1", "B#2", "E", "M", "N", "S"]
    assert points.loc[3, ["to_main_km", "operator"]].tolist() == [8.0, "甲管委会"]
    clusters = pyogrio.read_dataframe(tmp_path / "results.gpkg", layer="clusters")
    assert clusters[["cluster_id", "beside"]].to_numpy().tolist() == [["C1", False], ["C2", True]]


def test_word_draws_the_zones_in_their_true_form(assessed, tmp_path):
    language = assessed.project.language
    path = tmp_path / "report.docx"
    write_docx(compose_report(assessed, language=language), path)
    with zipfile.ZipFile(path) as package:
        root = etree.fromstring(package.read("word/document.xml"))
    space = {"a": "http://schemas.openxmlformats.org/drawingml/2006/main",
             "wp": "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing",
             "wps": "http://schemas.microsoft.com/office/word/2010/wordprocessingShape",
             "mc": "http://schemas.openxmlformats.org/markup-compatibility/2006"}  # fmt: skip
    drawn = [one for one in root.iterfind(".//wp:inline", space) if one.find(".//wps:wsp", space) is not None]
    assert [one.find("wp:docPr", space).get("name") for one in drawn] == ["一区", "二区"]
    ids = [one.get("id") for one in root.iterfind(".//wp:docPr", space)]
    assert len(ids) == len(set(ids))
    for choice in root.iterfind(".//mc:Choice", space):
        assert choice.get("Requires") in choice.nsmap  # the prefix means something where it stands
    high = int(drawn[0].find("wp:extent", space).get("cy"))
    areas = {}
    for shape in drawn[0].iterfind(".//wps:wsp", space):
        colour = shape.find("wps:spPr/a:solidFill/a:srgbClr", space)
        off, size = shape.find(".//a:off", space), shape.find(".//a:ext", space)
        assert 0 <= int(off.get("x")) <= int(off.get("x")) + int(size.get("cx")) <= 50 * 36_000
        assert 0 <= int(off.get("y")) <= int(off.get("y")) + int(size.get("cy")) <= high
        corners = [(int(one.get("x")), int(one.get("y"))) for one in shape.iterfind(".//a:pt", space)]
        if colour is not None and len(corners) > 3:
            areas.setdefault(colour.get("val"), []).append(shapely.Polygon(corners).area)
    main, others = areas["3B78AD"][0], sorted(areas["A9C6DE"])
    assert [one / main for one in others] == pytest.approx([0.01, 0.5, 0.5], rel=0.02)  # 1, 50 and 50 ha of 100
    words = " ".join(root.itertext())
    assert all(text(f"composition.{look}", language) in words for look in ("main", "other", "join", "cluster"))


def test_drawings_escape_what_comes_from_data():
    drawn = parks()
    drawn["zone_name"] = drawn["park_name"] = '<b onload="x">&'
    pictures = draw_zones(found(drawn))._repr_html_()
    assert "<b" not in pictures
    assert "&lt;b onload=&quot;x&quot;&gt;&amp;" in pictures


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_the_colours_mean_stays_within_the_drawing(city, language):
    picture = draw_zones(city, language)._repr_html_().split("<svg")[1]
    breadth, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', picture).groups())
    keys = re.findall(r'class="key" x="([\d.-]+)" y="([\d.]+)">([^<]+)<', picture)
    assert len(keys) == 5  # the bar of scale, and four looks
    for x, y, words in keys:
        assert 0 < float(x) < float(x) + 11 * text_width(words) < breadth
        assert float(y) < height


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_words_a_report_prints_for_roles_are_read_as_those_roles(tmp_path, language):
    codes = [key.removeprefix("role.") for key in labels() if key.startswith("role.")]
    words = [*(text(f"role.{code}", language) for code in codes), " joint venture ", None]
    drawn = hand_city.layer([(i, 0, i + 1, 1) for i in range(8)], 园区名称=list("abcdefgh"), 片区类型=words)
    pyogrio.write_dataframe(drawn, tmp_path / "园区.gpkg")
    role = layers.read(tmp_path / "园区.gpkg", as_="parks")["role"]
    assert role.tolist()[:-1] == [*codes, "joint venture"]  # a word of the data's own stays as it is
    assert pd.isna(role.iloc[-1])


def test_mains_by_role_only():
    drawn = gpd.GeoDataFrame({"zone_id": ["Z", "Z"]})
    assert mains_of(drawn)["Z"].known_by == "none"


# ---------------------------------------------------------------- real boundaries


@pytest.mark.real_data
def test_districts_of_a_province_as_parks(shared_data):
    """Every city a zone, its districts the parks: many corners, islands, common boundaries, and another library."""
    drawn = gpd.read_file(shared_data / "zhejiang_districts" / "districts_wgs84.gpkg").to_crs(hand_city.CRS)
    ids = drawn["district_adcode"].astype(str)
    parks_ = gpd.GeoDataFrame(
        {"park_id": ids, "park_name": ids, "zone_id": ids.str[:4]}, geometry=drawn.geometry.make_valid(), crs=drawn.crs
    )
    first = parks_.sort_values("park_id").groupby("zone_id")["park_id"].first()
    parks_["role"] = np.where(parks_["park_id"].isin(first), "main", "branch")
    inner = parks_.geometry.representative_point()
    fields = gpd.GeoDataFrame(
        {"land_use_code": "0601", "parcel_id": ids}, geometry=inner.buffer(50, cap_style="square"), crs=drawn.crs
    )
    land = attach(fields, parks_, area="planar", overlap="priority")
    made = compose(land, overlap_matrix(land.parks, "planar"), area="planar")
    zones = made.zones.set_index("zone_id")
    plain = parks_.dissolve("zone_id")
    assert zones["area_m2"].to_numpy() == pytest.approx(plain.area.reindex(zones.index).to_numpy(), rel=1e-9)
    for zone, shape in plain.geometry.items():
        round_it = 4 * math.pi * shape.area / shape.length**2
        assert zones.loc[zone, "compactness"] == pytest.approx(round_it, rel=1e-9)
        patches = gpd.GeoSeries(shape.buffer(0.25)).explode().area  # what lies within 0.5 m grows together
        assert zones.loc[zone, "blocks"] == len(patches)
        assert zones.loc[zone, "division"] == pytest.approx(1 - (patches**2).sum() / patches.sum() ** 2, abs=1e-3)
    mains = parks_.set_index("park_id").geometry
    far = made.points[made.points["of"] == 1].sample(20, random_state=1)
    for row in far.itertuples():
        if row.park_id != (main := first[row.zone_id]):
            assert row.to_main_km == pytest.approx(mains[row.park_id].distance(mains[main]) / 1000, abs=1e-6)
    assert made.points.groupby("park_id")["industrial_m2"].sum().sum() == made.zones["industrial_m2"].sum()
