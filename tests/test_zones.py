"""Who owns which ground: hand tables for the overlap rules, properties for the identities."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo import zones
from geo.overlay import intersect
from geo.zones import OVERLAP_RULES, assign, faces, overlaps, park_table
from layers.errors import ProjectError

CRS = "EPSG:4549"


def parks(*rows, **columns):
    table = {"park_id": [row[0] for row in rows], "park_name": [f"园{row[0]}" for row in rows], **columns}
    return gpd.GeoDataFrame(table, geometry=[shapely.box(*row[1]) for row in rows], crs=CRS)


def held(table, parcels, rule):
    """Area of each park under a rule, by park id."""
    cut = faces(table)
    pairs = assign(intersect(parcels, cut.geometry), cut.owners, rule)
    area = shapely.area(parcels)[pairs.left] * pairs.share
    found = pd.Series(area).groupby(table["park_id"].to_numpy()[pairs.right]).sum()
    return {name: round(float(found.get(name, 0.0)), 6) for name in sorted(table["park_id"])}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("priority", {"A": 300.0, "B": 100.0}),  # A ranks first by its number
        ("split", {"A": 200.0, "B": 200.0}),
        ("largest", {"A": 300.0, "B": 100.0}),
        ("error", {"A": 300.0, "B": 100.0}),
    ],
)
def test_contested_ground_by_rule(rule, expected):
    # A = [0,30] and B = [10,40] share [10,30]; the parcel [0,40] × 10 is wholly inside their union.
    table = park_table(parks(("A", (0, 0, 30, 10)), ("B", (10, 0, 40, 10)), priority=[1, 2]))
    assert held(table, np.array([shapely.box(0, 0, 40, 10)], dtype=object), rule) == expected


def test_largest_asks_each_parcel():
    table = park_table(parks(("A", (0, 0, 30, 10)), ("B", (10, 0, 40, 10)), priority=[1, 2]))
    right = np.array([shapely.box(20, 0, 40, 10)], dtype=object)  # 10 in A, 20 in B
    assert held(table, right, "largest") == {"A": 0.0, "B": 200.0}
    assert held(table, right, "priority") == {"A": 100.0, "B": 100.0}


def test_rank_is_priority_then_level_then_role_then_id():
    table = park_table(
        parks(
            ("d", (0, 0, 1, 1)), ("c", (0, 0, 1, 1)), ("b", (0, 0, 1, 1)), ("a", (0, 0, 1, 1)),
            priority=[None, None, None, 9], level=["provincial", "national", "provincial", "municipal"],
            role=["main", "branch", "branch", "partner"],
        )
    )  # fmt: skip
    assert table["park_id"].tolist() == ["a", "c", "d", "b"]


def test_parts_of_one_park_are_joined_and_names_do_not_tell_apart():
    layer = parks(("A", (0, 0, 1, 1)), ("A", (5, 0, 6, 1)), ("B", (9, 0, 10, 1)))
    layer["park_name"] = ["同名", "同名", "同名"]
    table = park_table(layer)
    assert sorted(table["park_id"]) == ["A", "B"]
    assert table.set_index("park_id").geometry.area.round(6).to_dict() == {"A": 2.0, "B": 1.0}


def test_a_park_without_a_zone_is_a_zone_of_its_own():
    table = park_table(parks(("A", (0, 0, 1, 1)), ("B", (2, 0, 3, 1)), zone_name=["东区", None]))
    assert table.set_index("park_id")["zone_name"].to_dict() == {"A": "东区", "B": "园B"}


def test_overlap_pairs_leave_touching_parks_out():
    pairs = overlaps(park_table(parks(("A", (0, 0, 100, 100)), ("B", (90, 0, 200, 100)), ("C", (200, 0, 300, 100)))))
    assert pairs[["park_a", "park_b"]].to_numpy().tolist() == [["A", "B"]]
    assert pairs["area_m2"].tolist() == [1000.0]
    assert pairs["wide_m2"].round(6).tolist() == [1000.0]


def test_an_unknown_rule_names_the_nearest():
    table = park_table(parks(("A", (0, 0, 1, 1))))
    cut = faces(table)
    with pytest.raises(ProjectError, match="nearest: priority"):
        assign(intersect(np.array([shapely.box(0, 0, 1, 1)], dtype=object), cut.geometry), cut.owners, "priorty")


corner = st.integers(0, 60)
side = st.integers(1, 40)
box = st.tuples(corner, corner, side, side).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))


@given(st.lists(box, min_size=1, max_size=6), st.lists(box, min_size=1, max_size=6), st.sampled_from(OVERLAP_RULES))
def test_every_rule_conserves_the_union(park_boxes, parcel_boxes, rule):
    table = park_table(parks(*((str(i), corners) for i, corners in enumerate(park_boxes))))
    parcels = np.array([shapely.box(*corners) for corners in parcel_boxes], dtype=object)
    union = shapely.union_all(table.geometry.to_numpy())
    truth = float(shapely.area(shapely.intersection(parcels, union)).sum())
    assert sum(held(table, parcels, rule).values()) == pytest.approx(truth, abs=1e-4)


@given(st.lists(box, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_rows_decides_nothing(park_boxes, random):
    rows = [(str(i), corners) for i, corners in enumerate(park_boxes)]
    shuffled = rows.copy()
    random.shuffle(shuffled)
    parcel = np.array([shapely.box(0, 0, 100, 100)], dtype=object)
    for rule in OVERLAP_RULES:
        assert held(park_table(parks(*rows)), parcel, rule) == held(park_table(parks(*shuffled)), parcel, rule)


# ---------------------------------------------------------------- faces


def only_polygons(shape):
    parts = [part for part in getattr(shape, "geoms", [shape]) if part.geom_type == "Polygon" and part.area > 1e-6]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts) if parts else shapely.Polygon()


def cut_one_by_one(shapes):
    """Every park against every face before it: the faces and their order, written down as plainly as can be."""
    done = []
    for row, shape in enumerate(shapes):
        rest, cut = shape, []
        for face, owners in done:
            common = only_polygons(face.intersection(shape) if face.intersects(shape) else shapely.Polygon())
            if common.is_empty:
                cut.append((face, owners))
                continue
            outside = only_polygons(face.difference(shape))
            cut += [(common, (*owners, row)), *([] if outside.is_empty else [(outside, owners)])]
            rest = only_polygons(rest.difference(face))
        rest = only_polygons(rest)
        done = cut if rest.is_empty else [*cut, (rest, (row,))]
    return done


disc = st.tuples(corner, corner, st.integers(2, 30)).map(lambda c: shapely.Point(c[:2]).buffer(c[2], quad_segs=5))
ring = disc.map(lambda shape: shape.difference(shape.centroid.buffer(1)))
two = st.tuples(disc, disc).map(lambda pair: shapely.union(*pair))
several = st.lists(
    st.one_of(disc, ring, two, box.map(lambda b: shapely.box(*b)), st.just(shapely.Polygon())), max_size=9
)


@given(several)
def test_faces_are_those_of_every_park_against_every_face_to_the_last_bit(shapes):
    cut = faces(gpd.GeoDataFrame(geometry=shapes, crs=CRS))
    expected = cut_one_by_one(shapes)
    assert cut.owners == tuple(owners for _, owners in expected)
    assert shapely.to_wkb(cut.geometry).tolist() == [face.wkb for face, _ in expected]


@given(st.lists(box, max_size=9))
def test_a_face_lies_in_its_parks_and_in_no_other(corners):
    shapes = [shapely.box(*one) for one in corners]  # on whole metres, where every cut is exact
    cut = faces(gpd.GeoDataFrame(geometry=shapes, crs=CRS))
    for face, owners in zip(cut.geometry, cut.owners, strict=True):
        inside = face.point_on_surface()
        assert [row for row, shape in enumerate(shapes) if shape.contains(inside)] == list(owners)
    assert shapely.area(cut.geometry).sum() == shapely.union_all(shapes).area


def round_park(x, y, radius):
    return shapely.Point(x, y).buffer(radius, quad_segs=5)


def test_edges_that_all_but_coincide_make_no_land():
    disc = round_park(8, 56, 19)
    shapes = [disc, shapely.box(0, 4, 4, 38), shapely.union(round_park(6, 0, 4), disc), shapely.box(0, 0, 1, 40)]
    cut = faces(gpd.GeoDataFrame(geometry=shapes, crs=CRS))
    assert shapely.area(cut.geometry).sum() == pytest.approx(shapely.union_all(shapes).area, abs=1e-5)


def test_parks_that_lie_apart_are_not_looked_at_twice(monkeypatch):
    looked = []
    real = zones._cut
    monkeypatch.setattr(zones, "_cut", lambda pieces, row, *rest: looked.append(row) or real(pieces, row, *rest))
    rows = [(f"{i:03d}", (20 * i, 0, 20 * i + (25 if i % 100 == 7 else 10), 10)) for i in range(400)]
    table = park_table(parks(*rows))
    cut = faces(table)
    assert len(looked) == 4, "four of the parks reach into the next one"
    assert (len(cut.geometry), sum(len(owners) == 2 for owners in cut.owners)) == (404, 4)
    alone = [face for face, owners in zip(cut.geometry, cut.owners, strict=True) if face is table.geometry[owners[0]]]
    assert len(alone) == 392, "what nobody else claims is the park itself, not a copy of it"


def test_no_parks_have_no_faces():
    cut = faces(gpd.GeoDataFrame(geometry=[], crs=CRS))
    assert (len(cut.geometry), cut.owners) == (0, ())
    nowhere = faces(gpd.GeoDataFrame(geometry=[None, shapely.box(0, 0, 1, 1), None], crs=CRS))
    assert nowhere.owners == ((1,),)


def test_a_name_that_stands_in_two_zones_is_two_parks():
    layer = parks(("", (0, 0, 1, 1)), ("", (5, 0, 7, 1)), ("", (2, 0, 3, 1)), zone_name=["甲区", "乙区", "甲区"])
    table = park_table(layer.assign(park_name="东区"))
    assert table.set_index("park_id").geometry.area.to_dict() == {"乙区 东区": 2.0, "甲区 东区": 2.0}
    assert dict(zip(table["park_id"], table["zone_id"], strict=True)) == {"乙区 东区": "乙区", "甲区 东区": "甲区"}


def test_a_number_that_stands_in_two_zones_is_two_parks():
    table = park_table(parks(("1", (0, 0, 1, 1)), ("1", (5, 0, 7, 1)), zone_name=["甲区", "乙区"]))
    assert table.set_index("park_id").geometry.area.to_dict() == {"乙区 1": 2.0, "甲区 1": 1.0}
