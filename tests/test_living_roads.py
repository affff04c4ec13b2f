"""Ways along roads: a grid whose distances one adds in the head, another library's shortest paths, and what is told."""

import logging
import sys
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import hand_city
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import layers
from geo.assessment import assess
from geo.composition.living import living_circle
from geo.composition.networks import join_lines
from geo.composition.reach import StraightLines, Walk
from geo.composition.routing import RoadWays
from geo.composition.ways import choose_ways
from geo.land import attach
from geo.report.content import Table, compose_report, walk
from geo.results import results
from layers import findings
from layers.errors import ProjectError
from layers.project import loads

nx = pytest.importorskip("networkx")
HAND = Path(__file__).parent / "hand.toml"
X, Y = hand_city.X0, hand_city.Y0


def lines(*ends):
    return shapely.linestrings(np.array(ends, dtype=float))


def grid(count=11, step=100):
    """Streets every 100 m, east and north, each drawn from one end of the town to the other."""
    far = (count - 1) * step
    at = np.arange(count) * step
    return lines(*[[(0, y), (far, y)] for y in at], *[[(x, 0), (x, far)] for x in at])


def reached(ways, start, *points):
    return ways.reach(shapely.points([start])).meets(shapely.points(points)).tolist()


# --- the network ---------------------------------------------------------------------------------------------------


def test_streets_are_joined_where_they_cross():
    network = join_lines(grid())
    assert len(network.xy) == 121
    assert len(network.ends) == 2 * 11 * 10
    assert network.lengths_m.sum() == pytest.approx(22 * 1000)


@pytest.mark.parametrize("gap", [0.0, 1e-9, 0.3, 0.5])
def test_an_end_that_misses_a_street_by_drawing_noise_is_joined(gap):
    # 20 m up the side street, whose end misses the main one, and 20 m along that.
    ways = RoadWays(Walk(1, 41, access_m=1), join_lines(lines([(0, 0), (100, 0)], [(50, gap), (50, 60)])), nx)
    assert reached(ways, (50, 20), (69, 0), (31, 0), (75, 0), (50, 60)) == [True, True, False, True]


def test_a_gap_is_not_bridged():
    two = join_lines(lines([(0, 0), (100, 0)], [(50, 2), (50, 60)]))
    assert reached(RoadWays(Walk(1, 80, access_m=1), two, nx), (50, 20), (50, 2), (60, 0)) == [True, False]


def test_two_ends_that_nearly_meet_are_joined():
    one = join_lines(lines([(0, 0), (50, 0)], [(50.3, 0), (100, 0)]))
    assert reached(RoadWays(Walk(1, 90, access_m=1), one, nx), (0, 0), (85, 0), (95, 0)) == [True, False]


def test_duplicates_loops_and_lines_without_length_do_no_harm():
    plain = join_lines(grid(3))
    with np.errstate(invalid="ignore"):
        nowhere = shapely.from_wkt("LINESTRING (NaN 0, 1 1)")
    odd = [*grid(3), *grid(3), shapely.LineString([(5, 5), (5, 5)]), shapely.reverse(grid(3)[0]),
           nowhere, shapely.LineString()]  # fmt: skip
    messy = join_lines(np.array(odd, dtype=object))
    assert messy.lengths_m.sum() == plain.lengths_m.sum()
    assert len(messy.xy) == len(plain.xy)
    assert len(join_lines(np.array([shapely.LineString([(5, 5), (5, 5)])])).ends) == 0
    layer = gpd.GeoDataFrame(geometry=odd, crs=hand_city.CRS)
    told_ = choose_ways(layer, Walk(), np.array([shapely.box(0, 0, 9, 9)])).roads
    assert {name: told_[name] for name in ("lines", "without_length", "far", "length_m")} == {
        "lines": 16, "without_length": 3, "far": 0, "length_m": 6 * 200
    }  # fmt: skip


# --- what is within a walk -----------------------------------------------------------------------------------------


def test_ways_on_a_grid_are_east_plus_north():
    ways = RoadWays(Walk(10, 61, access_m=10), join_lines(grid()), nx)
    # 610 m: 600 m along streets when the last 10 m are straight; on the street itself the whole 610 m.
    told = {(300, 300): True, (600, 0): True, (605, 0): True, (615, 0): False, (300, 305): True, (300, 315): False,
            (400, 300): False, (50, 50): False, (304, 295): True, (500, 105): True}  # fmt: skip
    assert reached(ways, (0, 0), *told) == list(told.values())


def test_the_way_to_the_road_counts_on_both_sides():
    ways = RoadWays(Walk(10, 60, access_m=60), join_lines(lines([(0, 0), (1000, 0)])), nx)
    # 40 m to the road, along it, and 50 m off it: 510 m are left.
    assert reached(ways, (0, 40), (509, 50), (511, 50), (100, 61), (0, 40)) == [True, False, False, True]


def test_of_a_short_walk_at_most_half_leads_to_the_road():
    ways = RoadWays(Walk(1, 50, access_m=100), join_lines(lines([(0, 0), (1000, 0)])), nx)
    assert reached(ways, (500, 26), (500, 0)) == [False]
    assert reached(ways, (500, 20), (529, 0), (531, 0), (510, -19), (512, -19)) == [True, False, True, False]


def test_ground_along_a_road_is_as_broad_as_the_way_that_is_left():
    everywhere = np.array([shapely.box(-9000, -9000, 9000, 9000)])
    long = RoadWays(Walk(10, 60, access_m=100), join_lines(lines([(-5000, 0), (5000, 0)])), nx)
    # 500 m each way with 100 m to both sides, then a triangle of another 100 m.
    assert long.reach(shapely.points([[0, 0]])).ground(everywhere).area == pytest.approx(2 * (500 * 200 + 100 * 100))
    # At the end of a road there is half a disc; cutting the road into pieces changes nothing.
    ends = [(-400, 0), (-250, 0), (0, 0), (170, 0), (171, 0), (400, 0)]
    short = RoadWays(Walk(10, 60, access_m=100), join_lines(lines(*pairwise(ends))), nx)
    ground = short.reach(shapely.points([[0, 0]])).ground(everywhere)
    assert ground.area == pytest.approx(800 * 200 + np.pi * 100**2, rel=1e-4)


def test_ground_and_points_agree():
    """A point is within exactly where the ground is: two routes to the same answer."""
    rng = np.random.default_rng(3)
    roads = join_lines(shapely.linestrings(rng.uniform(-800, 800, (14, 2, 2))))
    ways = RoadWays(Walk(10, 60, access_m=90), roads, nx)
    places = np.array([shapely.Point(100, 50), shapely.box(-500, -420, -300, -200)])
    reach = ways.reach(places)
    xy = rng.uniform(-1000, 1000, (4000, 2))
    ground = reach.ground(np.array([shapely.box(-2000, -2000, 2000, 2000)]))
    met, within = reach.meets(shapely.points(xy)), shapely.contains_xy(ground, *xy.T)
    rim = shapely.distance(shapely.boundary(ground), shapely.points(xy)) < 1.0  # arcs are drawn with corners
    assert 200 < met.sum() < 3800
    assert (met == within)[~rim].all()


def test_an_area_is_left_wherever_a_road_crosses_its_edge():
    road = join_lines(lines([(-5000, 0), (5000, 0)]))
    ways = RoadWays(Walk(10, 60, access_m=10), road, nx)
    reach = ways.reach(np.array([shapely.box(-2000, -300, 2000, 300)]))
    at = [(2595, 0), (2605, 0), (-2595, 0), (-2605, 0), (1000, 5), (0, 250), (0, 320)]
    assert reach.meets(shapely.points(at)).tolist() == [True, False, True, False, True, True, False]


def test_parts_that_are_not_connected_are_not_crossed_and_are_told():
    islands = gpd.GeoDataFrame(geometry=lines([(0, 0), (300, 0)], [(0, 100), (200, 100)]), crs=hand_city.CRS)
    ways = choose_ways(islands, Walk(access_m=20), np.array([shapely.box(0, 0, 9, 9)]))
    assert reached(ways, (0, 0), (100, 0), (100, 100)) == [True, False]
    assert (ways.roads["parts"], ways.roads["length_m"], ways.roads["largest_part_m"]) == (2, 500, 300)


def test_shortest_ways_are_those_of_another_library():
    sparse, spatial = pytest.importorskip("scipy.sparse"), pytest.importorskip("scipy.spatial")
    from scipy.sparse.csgraph import dijkstra

    rng = np.random.default_rng(7)
    xy = rng.uniform(0, 5000, (400, 2))
    sides = spatial.Delaunay(xy).simplices[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    ends = np.unique(np.sort(sides, axis=1), axis=0)
    ends = ends[rng.random(len(ends)) < 0.45]  # some of the city falls apart
    length = np.hypot(*(xy[ends[:, 0]] - xy[ends[:, 1]]).T)
    graph = sparse.coo_matrix((length, ends.T), shape=(400, 400)).tocsr()
    sources = rng.choice(np.unique(ends), 5, replace=False)
    expected = dijkstra(graph, directed=False, indices=sources, min_only=True)
    ways = RoadWays(Walk(20, 80, access_m=1e-6), join_lines(shapely.linestrings(xy[ends])), nx)
    starts = ways.feet(shapely.points(xy[sources]))
    node = spatial.cKDTree(ways.network.xy).query(xy[np.unique(ends)])[1]
    for cutoff in (1600.0, 1e9):
        found = ways.distances_m(starts, cutoff)[node]
        wanted = expected[np.unique(ends)]
        wanted = np.where(wanted <= cutoff, wanted, np.inf)
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-5)
        assert np.isinf(found).any()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(-900, 900)] * 4), min_size=1, max_size=12),
    st.integers(1, 15),
    st.integers(1, 300),
)
def test_roads_never_reach_more_than_straight_lines(ends, minutes, access):
    walked = Walk(float(minutes), 80.0, 1.0, float(access))
    network = join_lines(shapely.linestrings(np.array(ends, dtype=float).reshape(-1, 2, 2)))
    if len(network.ends) == 0:
        return
    points = shapely.points(np.stack(np.meshgrid(*[np.arange(-1000, 1001, 87)] * 2), -1).reshape(-1, 2).astype(float))
    services = points[[40, 222]]
    by_road = RoadWays(walked, network, nx).reach(services)
    straight = StraightLines(walked).reach(services)
    assert not (by_road.meets(points) & ~straight.meets(points)).any()
    everywhere = np.array([shapely.box(-3000, -3000, 3000, 3000)])
    wider = shapely.buffer(straight.ground(everywhere), 1.0)  # circles are drawn with corners
    assert by_road.ground(everywhere).difference(wider).is_empty


# --- the living circle ---------------------------------------------------------------------------------------------


def parks():
    return hand_city.layer(
        [(0, 0, 1000, 1000), (9000, 0, 10_000, 500)], park_id=["A", "B"], park_name=["甲", "乙"],
        zone_id=["Z", "Z"], zone_name=["一区", "一区"], role=["main", "branch"],
    )  # fmt: skip


def parcels():
    boxes = [(100, 100, 200, 200), (800, 100, 900, 200), (400, 800, 500, 900), (9000, 0, 9100, 100)]
    return hand_city.layer(boxes, parcel_id=["p1", "p2", "p3", "p4"], land_use_code=["0601"] * 4)


def city(**frames):
    """A street along the south side of park A, with a shop at its west end and homes beyond its east end."""
    street = gpd.GeoDataFrame(
        geometry=lines([(X - 2000, Y + 150), (X + 3000, Y + 150)], [(X, Y + 950), (X + 200, Y + 950)]),
        crs=hand_city.CRS,
    ).assign(road_class=["支路", "高速公路"], walkable=pd.array([pd.NA, pd.NA], dtype="boolean"))
    firms = {"enterprise_code": ["F1", "F2", "F3"], "parcel_id": ["p1", "p2", "p3"], "employees": [60, 30, 10]}
    shop = gpd.GeoDataFrame({"kind": ["shop"]}, geometry=shapely.points([[X - 400, Y + 150]]), crs=hand_city.CRS)
    homes = [(X + 2000, Y + 150), (X + 2300, Y + 150), (X + 500, Y + 1900)]
    housing = gpd.GeoDataFrame({"homes": [100, 7, 50]}, geometry=shapely.points(homes), crs=hand_city.CRS)
    given_ = {"parks": parks(), "parcels": parcels(), "enterprises": pd.DataFrame(firms), "facilities": shop,
              "housing": housing, "roads": street, **frames}  # fmt: skip
    return {name: frame for name, frame in given_.items() if frame is not None}


def run(text="", **frames):
    settings_ = f'[project]\narea = "planar"\n[land_use]\nsystem = "third-survey"\n{text}'
    return assess(city(**frames), loads(settings_, HAND), findings=findings.empty())


def told(living, table, scope):
    rows = getattr(living, table)
    return rows[(rows["level"] == "park") & (rows["scope_id"] == scope)].iloc[0]


def test_land_and_jobs_within_a_walk_along_the_street():
    living = run("[living_circle]\naccess_m = 100\n").composition.living
    assert living.way == "roads"
    shop = told(living, "services", "A")
    assert shop["way"] == "roads"
    # 1,100 m of street are walked with 100 m left: in the park 700 m of it, 100 m to both sides, and a triangle.
    assert shop["reached_m2"] == pytest.approx(700 * 200 + 100 * 100)
    # p1 lies 550 m from the shop, p2 1,250 m; p3 lies at no street that leads there.
    assert shop[["jobs", "reached_jobs"]].tolist() == [100, 60]
    assert told(living, "services", "B")["area_share"] == 0


def test_jobs_beside_homes_along_the_street():
    living = run("[living_circle]\naccess_m = 100\n").composition.living
    near = told(living, "homes", "A")
    # 1,000 m and 1,300 m from the edge of the park; the third estate lies off every street.
    assert near[["way", "jobs", "homes", "estates"]].tolist() == ["roads", 100, 100, 1]
    assert living.off_roads == {"facilities": 0, "housing": 1, "park_parcels": 2}  # p3, and p4 of the other park


def test_straight_lines_are_the_same_whether_roads_were_left_out_or_never_given():
    near = choose_ways(None, Walk(), np.array([shapely.box(0, 0, 9, 9)]))
    assert (near.way, near.because, near.roads) == ("straight", "", None)
    never, far = run(roads=None), run(roads=city()["roads"].translate(0, 90_000).to_frame("geometry"))
    pd.testing.assert_frame_equal(never.composition.living.services, far.composition.living.services)
    assert told(never.composition.living, "services", "A")["way"] == "straight"


def test_roads_nobody_walks_on_are_left_out_by_flag_or_class():
    streets = city()["roads"]
    shut = streets.assign(walkable=pd.array([False, pd.NA], dtype="boolean"))
    by_flag = choose_ways(shut, Walk(), parks().geometry.to_numpy())
    assert {name: by_flag.roads[name] for name in ("lines", "not_walkable", "walkable_untold")} == {
        "lines": 2, "not_walkable": 1, "walkable_untold": 1
    }  # fmt: skip
    by_class = run('[living_circle]\nnot_walked = ["高速公路"]\n').composition.living
    assert by_class.roads["not_walkable"] == 1
    assert by_class.roads["length_m"] == 5000
    with pytest.raises(ProjectError, match="高速公路") as error:
        run('[living_circle]\nnot_walked = ["高速"]\n')
    assert '"高速"' in error.value.text("en")
    assert "“高速”" in error.value.text("zh")


@pytest.mark.parametrize(
    ("change", "because"),
    [
        (lambda roads: roads.assign(walkable=False), "no-walkable-roads"),
        (lambda roads: roads.set_geometry(shapely.linestrings([[(X, Y)] * 2] * 2)), "no-walkable-roads"),
        (lambda roads: roads.translate(0, 90_000).to_frame("geometry"), "roads-far"),
        (lambda roads: roads.iloc[:0], "no-walkable-roads"),
    ],
)
def test_without_roads_to_walk_on_straight_lines_are_taken_and_told(change, because, caplog):
    with caplog.at_level(logging.WARNING):
        done = run(roads=change(city()["roads"]))
    assert (done.composition.living.way, done.composition.living.straight_because) == ("straight", because)
    assert "straight lines are taken" in caplog.text
    assert "直线距离" in caplog.records[0].zh
    report = compose_report(done, language="en")
    assert "figures are along straight lines" in " ".join(
        str(getattr(block, "text", "")) for block in walk(report.sections)
    )


def test_without_the_library_the_extra_is_named(monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "networkx", None)
    done = run()
    assert done.composition.living.straight_because == "routing-missing"
    assert 'pip install "parkwise[routing]"' in caplog.text
    assert "parkwise[routing]" in caplog.records[0].zh


def test_results_tell_the_way_and_the_network():
    circle = results(run())["living_circle"]
    assert (circle["way"], circle["straight_because"], circle["length_m"], circle["access_m"]) == (
        "roads", "", 1200, 200
    )  # fmt: skip
    assert circle["roads"]["length_m"] == 5200
    assert {row["way"] for row in [*circle["services"], *circle["homes"]]} == {"roads"}
    assert results(run(roads=None))["living_circle"]["way"] == "straight"


@pytest.mark.parametrize(("language", "words"), [("en", "1,200 m along roads"), ("zh", "沿道路 1,200 米以内")])
def test_the_report_says_how_it_was_measured(language, words):
    report = compose_report(run("[living_circle]\naccess_m = 100\n"), language=language)
    blocks = list(walk(report.sections))
    text = " ".join(str(getattr(block, "text", "")) for block in blocks)
    assert words in text
    tables = {block.key: block for block in blocks if isinstance(block, Table)}
    along = {"en": "along roads", "zh": "沿道路计算"}[language]
    assert all(along in tables[f"living-{name}"].source.lower() for name in ("land", "jobs", "homes"))
    assert {"en": "of every road and taken", "zh": "按不可达计"}[language].split()[0] in text


def test_real_roads_of_a_town(shared_data):
    """Streets of a real town: every node is reached no sooner than in a straight line, most no later than twice it."""
    source = shared_data / "osm_kouvola" / "kouvola.osm.pbf"
    roads = layers.read(source, "roads", layer="lines").to_crs(32635)
    middle = shapely.box(*roads.total_bounds).centroid
    walked = Walk(minutes=10, not_walked=("motorway", "motorway_link"))
    ways = choose_ways(roads, walked, np.array([middle.buffer(1500)]))
    assert (ways.way, ways.roads["lines"], ways.roads["not_walkable"]) == ("roads", 339, 12)
    way_m = ways.distances_m(ways.feet(np.array([middle])), 800.0)
    straight_m = shapely.distance(shapely.points(ways.network.xy), middle)
    near = np.isfinite(way_m)
    assert near.sum() > 100
    assert (way_m[near] >= straight_m[near] - 1e-6).all()
    assert np.median(way_m[near] / straight_m[near]) < 2


def test_land_within_a_walk_in_a_real_town_by_another_engine(shared_data):
    """Kouvola, OpenStreetMap: shortest ways by scipy over a graph made here, and land by asking points of it."""
    sparse = pytest.importorskip("scipy.sparse")
    from scipy.sparse.csgraph import dijkstra

    roads = gpd.read_file(shared_data / "osm_kouvola" / "kouvola.osm.pbf", layer="lines").to_crs(32635)
    roads = roads[roads["highway"].notna() & (roads["highway"] != "motorway")][["geometry"]]
    middle = shapely.box(*roads.total_bounds).centroid
    corners = [(-900, -700), (300, -600), (-200, 500)]
    squares = [shapely.box(middle.x + x, middle.y + y, middle.x + x + 700, middle.y + y + 600) for x, y in corners]
    drawn = gpd.GeoDataFrame(
        {"park_id": list("ABC"), "park_name": list("ABC"), "zone_id": list("YYZ"), "zone_name": list("YYZ")},
        geometry=squares, crs=roads.crs,
    )  # fmt: skip
    rng = np.random.default_rng(5)
    xy = np.array([middle.x, middle.y]) + rng.uniform(-1100, 1100, (3, 2))
    shops = gpd.GeoDataFrame({"kind": ["shop"] * 3}, geometry=shapely.points(xy), crs=roads.crs)
    walked = Walk(minutes=8, access_m=120)
    land = attach(
        gpd.GeoDataFrame({"land_use_code": ["0601"] * 3}, geometry=squares, crs=roads.crs), drawn, area="planar"
    )
    living = living_circle(land, None, shops, None, walked, roads=roads, area="planar")

    lines = shapely.get_parts(shapely.union_all(roads.geometry.to_numpy()))
    pieces = np.concatenate([np.stack([xy[:-1], xy[1:]], axis=1) for xy in map(shapely.get_coordinates, lines)])
    nodes, ends = np.unique(pieces.reshape(-1, 2), axis=0, return_inverse=True)
    ends = ends.reshape(-1, 2)
    bars = shapely.linestrings(nodes[ends])
    lengths = shapely.length(bars)

    def feet(point):
        """Every piece within 120 m whose nearest point no neighbour undercuts: piece, place along it, the way there."""
        near = np.flatnonzero(shapely.distance(bars, point) <= walked.access_m)
        at = shapely.line_locate_point(bars[near], point)
        off = shapely.distance(bars[near], point)
        kept = []
        for piece, along, away in zip(near, at, off, strict=True):
            node = ends[piece, 0] if along <= 1e-9 else ends[piece, 1] if along >= lengths[piece] - 1e-9 else None
            others = [] if node is None else np.flatnonzero((ends == node).any(axis=1))
            if not len(others) or (shapely.distance(bars[others], point) >= away - 1e-6).all():
                kept.append((piece, along, away))
        return kept

    def ways(points):
        """From the nearest of some points to every node; each point is a node of its own."""
        rows = [(i, ends[p, side], away + (along if side == 0 else lengths[p] - along))
                for i, point in enumerate(points) for p, along, away in feet(point) for side in (0, 1)]  # fmt: skip
        count, own = len(nodes), np.array([one[0] for one in rows])
        first, second = np.r_[ends[:, 0], count + own], np.r_[ends[:, 1], [one[1] for one in rows]]
        weight = np.r_[lengths, [one[2] for one in rows]]
        whole = count + len(points)
        # Of several entries for one pair only the shortest counts: coo would add them up.
        table = pd.DataFrame({"a": first, "b": second, "w": weight}).groupby(["a", "b"], as_index=False)["w"].min()
        graph = sparse.coo_matrix((table["w"], (table["a"], table["b"])), shape=(whole, whole)).tocsr()
        return dijkstra(graph, directed=False, indices=range(count, whole), min_only=True)[:count]

    def within(point, node_m, starts):
        for piece, along, away in feet(point):
            left = walked.length_m - away
            if min(node_m[ends[piece, 0]] + along, node_m[ends[piece, 1]] + lengths[piece] - along) <= left:
                return True
            if any(p == piece and off + abs(at - along) <= left for p, at, off in starts):
                return True
        return False

    shop_m, starts = ways(shops.geometry), [foot for point in shops.geometry for foot in feet(point)]
    told = living.services[living.services["level"] == "park"].set_index("scope_id")["area_share"]
    for name, square in zip("ABC", squares, strict=True):
        west, south, east, north = square.bounds
        asked = shapely.points(rng.uniform((west, south), (east, north), (1500, 2)))
        share = np.mean([within(point, shop_m, starts) for point in asked])
        assert told[name] == pytest.approx(share, abs=4 * np.sqrt(0.25 / 1500))
    assert told.between(0.05, 0.95).any()
