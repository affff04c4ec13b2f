"""Linked things against a graph library, and chains that are long."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.grouping import linked


def by_scipy(one, other, count):
    links = coo_array((np.ones(len(one)), (one, other)), shape=(count, count))
    return connected_components(links, directed=False)[1]


def same_groups(one, other):
    pairs = set(zip(one.tolist(), other.tolist(), strict=True))
    return len(pairs) == len(set(one.tolist())) == len(set(other.tolist()))


@given(data=st.data(), count=st.integers(1, 60))
def test_groups_are_those_of_a_graph_library(data, count):
    ends = data.draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)), max_size=80))
    one, other = (np.array([pair[side] for pair in ends], dtype="intp") for side in (0, 1))
    found = linked(one, other, count)
    assert same_groups(found, by_scipy(one, other, count))
    firsts = [found.tolist().index(group) for group in range(found.max() + 1)]
    assert firsts == sorted(firsts), "numbered in order of the first of each"


def test_a_long_chain_in_any_order_is_one_group():
    order = np.random.default_rng(3).permutation(200_000)
    assert linked(order[:-1], order[1:], len(order)).max() == 0


def test_nothing_and_nobody():
    none = np.zeros(0, dtype="intp")
    assert linked(none, none, 0).tolist() == []
    assert linked(none, none, 3).tolist() == [0, 1, 2]
