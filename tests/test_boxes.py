"""`layers.boxes` against every pair looked at by itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.boxes import meeting

NUMBER = st.integers(0, 30).map(float) | st.floats(-1e7, 1e7)
BOX = st.tuples(NUMBER, NUMBER, st.floats(0, 9) | st.just(0.0), st.floats(0, 9) | st.just(0.0)).map(
    lambda one: (one[0], one[1], one[0] + one[2], one[1] + one[3])
)
NOWHERE = st.just((np.nan,) * 4)
BOXES = st.lists(BOX | NOWHERE, max_size=25).map(lambda some: np.array(some, dtype=float).reshape(-1, 4))


def one_by_one(boxes, others):
    return [
        any(a[0] <= b[2] and a[2] >= b[0] and a[1] <= b[3] and a[3] >= b[1] for b in others.tolist())
        for a in boxes.tolist()
    ]


@given(boxes=BOXES, others=BOXES)
def test_the_answer_is_that_of_every_pair(boxes, others):
    assert meeting(boxes, others).tolist() == one_by_one(boxes, others)


@given(boxes=BOXES)
def test_a_box_meets_itself(boxes):
    assert meeting(boxes, boxes).tolist() == np.isfinite(boxes).all(axis=1).tolist()


@pytest.mark.parametrize("spread", [1.0, 1e6])
def test_many_small_boxes(spread):
    rng = np.random.default_rng(7)
    corners = rng.random((2, 800, 2)) * spread
    boxes, others = (np.column_stack([low, low + spread / 60]) for low in corners)
    found = meeting(boxes, others)
    assert found.tolist() == one_by_one(boxes, others)
    assert 0 < found.sum() < len(found)
