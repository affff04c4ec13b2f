"""The kernels against plain shapely, hand tables and properties."""

import subprocess
import sys

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.glance import ACROSS, INSIDE, OUTSIDE, glance
from geo.overlay import intersect, place, share_out


def boxes(*corners):
    return np.array([shapely.box(*corner) for corner in corners], dtype=object)


def test_a_parcel_inside_on_the_edge_and_outside():
    pairs = intersect(boxes((1, 1, 2, 2), (9, 0, 11, 1), (20, 20, 21, 21)), boxes((0, 0, 10, 10)))
    assert pairs.left.tolist() == [0, 1]
    assert pairs.right.tolist() == [0, 0]
    assert pairs.share.tolist() == [1.0, 0.5]


SEVERAL_ASK = """
import threading
import numpy as np, shapely
from geo.overlay import intersect
draw = np.random.default_rng(1)
faces = np.array([shapely.Point(*draw.uniform(0, 100, 2)).buffer(15, quad_segs=300) for _ in range(20)])
x, y = draw.uniform(0, 100, (2, 3000))
parcels = shapely.box(x, y, x + 1, y + 1)
expected, wrong = intersect(parcels, faces).share.sum(), []
def ask():
    wrong.extend(1 for _ in range(25) if intersect(parcels, faces).share.sum() != expected)
threads = [threading.Thread(target=ask) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert not wrong
"""


def test_several_threads_may_ask_of_the_same_faces(root):
    # In a process of its own: where they disturb each other, it crashes.
    done = subprocess.run([sys.executable, "-c", SEVERAL_ASK], cwd=root, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def test_parcels_that_only_touch_share_nothing():
    pairs = intersect(boxes((10, 0, 12, 10), (10, 10, 12, 12)), boxes((0, 0, 10, 10)))
    assert len(pairs.left) == 0


def test_empty_and_missing_shapes_share_nothing():
    parcels = np.array([shapely.Polygon(), None, shapely.box(0, 0, 1, 1)], dtype=object)
    pairs = intersect(parcels, boxes((0, 0, 5, 5)))
    assert pairs.left.tolist() == [2]


def test_clipping_large_faces_changes_no_area():
    angle = np.linspace(0, 2 * np.pi, 500)[:-1]
    reach = 100 + 9 * np.sin(17 * angle)
    star = shapely.Polygon(np.c_[reach * np.cos(angle), reach * np.sin(angle)])
    holed = star.difference(shapely.box(-30, -30, 30, 30))
    x, y = np.meshgrid(np.arange(-120, 120, 7.0), np.arange(-120, 120, 7.0))
    parcels = shapely.box(x.ravel(), y.ravel(), x.ravel() + 6, y.ravel() + 6)
    pairs = intersect(parcels, np.array([holed], dtype=object))
    plain = shapely.area(shapely.intersection(parcels, holed)) / shapely.area(parcels)
    found = np.zeros(len(parcels))
    found[pairs.left] = pairs.share
    np.testing.assert_allclose(found, plain, atol=1e-12)


def test_no_digit_depends_on_which_other_parcels_are_asked():
    draw = np.random.default_rng(7)
    rings = [(*draw.uniform(0, 100, 2), draw.uniform(3, 40), n) for n in (30, 500, 5000)]
    faces = np.array([shapely.Point(x, y).buffer(reach, quad_segs=n) for x, y, reach, n in rings], dtype=object)
    x, y = draw.uniform(-20, 120, (2, 400))
    width = 10 ** draw.uniform(-2, 2.3, 400)  # from a splinter to more than a face
    parcels = shapely.box(x, y, x + width, y + width * draw.uniform(0.2, 1, 400))
    pairs = intersect(parcels, faces)
    together = list(zip(pairs.left.tolist(), pairs.right.tolist(), pairs.share.tolist(), strict=True))
    alone = [intersect(parcels[i : i + 1], faces) for i in range(400)]
    assert together == [
        (i, face, share)
        for i, own in enumerate(alone)
        for face, share in zip(own.right.tolist(), own.share.tolist(), strict=True)
    ]
    plain = (
        shapely.area(shapely.intersection(parcels[pairs.left], faces[pairs.right])) / shapely.area(parcels)[pairs.left]
    )
    np.testing.assert_allclose(pairs.share, plain, rtol=1e-9, atol=1e-12)


def test_where_buildings_go():
    parcels = boxes((0, 0, 100, 100), (100, 0, 200, 100))
    buildings = boxes(
        (10, 10, 20, 20),  # wholly in the first
        (91, 0, 101, 10),  # 90 % in the first: goes there whole
        (94, 0, 104, 10),  # 60 / 40: split
        (150, 95, 160, 105),  # half beside every parcel
        (500, 0, 510, 10),  # on no parcel
    )
    pairs = place(buildings, parcels)
    rows = zip(pairs.left.tolist(), pairs.right.tolist(), pairs.share.tolist(), strict=True)
    table = {(building, parcel): round(share, 9) for building, parcel, share in rows}
    assert table == {(0, 0): 1.0, (1, 0): 1.0, (2, 0): 0.6, (2, 1): 0.4, (3, 1): 0.5}


def test_a_building_on_two_stacked_parcels_counts_once():
    pairs = place(boxes((40, 0, 60, 10)), boxes((0, 0, 50, 10), (30, 0, 100, 10)))
    assert round(pairs.share.sum(), 9) == 1.0
    same = place(boxes((1, 1, 2, 2)), boxes((0, 0, 9, 9), (0, 0, 9, 9)))
    assert same.share.tolist() == [1.0]


@given(
    st.lists(st.integers(-(10**12), 10**15), min_size=1, max_size=6),
    st.data(),
)
def test_shares_add_up_exactly(totals, data):
    group = data.draw(st.lists(st.integers(0, len(totals) - 1), max_size=20)) + list(range(len(totals)))
    weights = data.draw(st.lists(st.floats(1e-6, 1e6), min_size=len(group), max_size=len(group)))
    pieces = share_out(np.array(totals), np.array(group), np.array(weights))
    assert [int(pieces[np.array(group) == i].sum()) for i in range(len(totals))] == totals


def test_shares_follow_the_largest_remainder():
    assert share_out(np.array([100]), np.array([0, 0, 0]), np.array([0.5, 0.3, 0.2])).tolist() == [50, 30, 20]
    assert share_out(np.array([5]), np.array([0, 0, 0]), np.array([0.5, 0.3, 0.2])).tolist() == [3, 1, 1]


@given(
    st.integers(3, 400),
    st.floats(0.3, 3.0),
    st.floats(0, 6.28),
    st.integers(64, 900),
    st.floats(0.001, 0.5),
)
def test_what_a_grid_tells_of_a_shape_is_what_the_shape_tells(corners, waves, turn, count, width):
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False) + turn
    reach = 5 + waves * np.sin(3 * angle) + np.where(np.arange(corners) % 7 == 0, 1.5, 0)
    shape = shapely.Polygon(np.c_[reach * np.cos(angle), reach * np.sin(angle)]).buffer(0)
    large = shape.difference(shapely.box(-1, -1, 0.5, 2)).union(shapely.box(9, 9, 10, 10))  # a hole, and a part apart
    draw = np.random.default_rng(count)
    low = draw.uniform(-11, 11, (count, 2))
    boxes = np.hstack([low, low + width])
    told = glance(large, boxes)
    small = shapely.box(*boxes.T)
    assert shapely.contains_properly(large, small[told == INSIDE]).all()
    assert not shapely.intersects(large, small[told == OUTSIDE]).any()


def test_a_grid_settles_all_but_what_is_near_the_line():
    large = shapely.Point(0, 0).buffer(100)
    x, y = np.meshgrid(np.arange(-120, 120, 3.0), np.arange(-120, 120, 3.0))
    told = glance(large, np.column_stack([x.ravel(), y.ravel(), x.ravel() + 2, y.ravel() + 2]))
    assert (told == ACROSS).mean() < 0.2
    assert (told == INSIDE).any()
    assert (told == OUTSIDE).any()
