"""The choice among acts: against brute force, against another solver's bound, and by what must hold of any plan."""

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from geo.plan import solving
from geo.plan.hull import climb, steps
from geo.plan.problem import Limit, Prices, Problem, Requirement
from geo.plan.reaching import obstacles, reach, reachable
from geo.plan.solving import least_cost, most


def choices(problem):
    """Every way to take at most one option a site, and one of each site that has to act."""
    ways = []
    for site in np.unique(problem.site):
        mine = np.flatnonzero(problem.site == site).tolist()
        ways.append(mine if site in problem.must else [None, *mine])
    for way in itertools.product(*ways):
        yield np.array([one for one in way if one is not None], dtype="intp")


def holds(problem, chosen):
    """Say whether a plan holds, with nothing but sums of Python's own integers."""
    sites = [int(problem.site[one]) for one in chosen]
    for one in problem.requirements:
        top = one.top_now + sum(int(one.top[k]) for k in chosen)
        below = one.below_now + sum(int(one.below[k]) for k in chosen)
        if (top < one.figure * below) if one.at_least else (top > one.figure * below):
            return False
    for limit in problem.limits:
        amount = dict(zip(limit.options.tolist(), limit.amount.tolist(), strict=True))
        if sum(amount.get(int(one), 0) for one in chosen) > limit.capacity:
            return False
    return len(set(sites)) == len(sites) and set(problem.must.tolist()) <= set(sites)


def cheapest(problem):
    costs = [sum(int(problem.cost_fen[one]) for one in way) for way in choices(problem) if holds(problem, way)]
    return min(costs, default=None)


def packs(amounts, bins):
    """Say whether amounts can be put into bins, each whole, by trying every way."""
    return any(
        all(sum(amount for amount, at in zip(amounts, way, strict=True) if at == one) <= bins[one] for one in set(way))
        for way in itertools.product(range(len(bins)), repeat=len(amounts))
    )


@st.composite
def problems(draw, limits=3, requirements=2):
    count = draw(st.integers(1, 12))
    sites = draw(st.integers(1, 6))
    numbers = np.random.default_rng(draw(st.integers(0, 2**32)))
    site = np.sort(numbers.integers(0, sites, count))
    asked = tuple(
        Requirement(
            f"r{n}", numbers.integers(-5, 40, count), numbers.integers(-30, 10, count), 200, 400,
            Fraction(int(numbers.integers(45, 80)), 100), at_least=bool(numbers.random() < 0.85),
        )
        for n in range(draw(st.integers(1, requirements)))
    )  # fmt: skip
    bounds = []
    for n in range(draw(st.integers(0, limits))):
        options = np.flatnonzero(numbers.random(count) < 0.6)
        bounds.append(
            Limit(f"l{n}", "limit", int(numbers.integers(0, 60)), options, numbers.integers(0, 30, len(options)))
        )
    there = np.unique(site)
    must = there[numbers.random(len(there)) < 0.1]
    return Problem(numbers.integers(0, 50, count) * 100, site, asked, tuple(bounds), must)


@settings(max_examples=150)
@given(problems())
def test_small_problems_are_solved_as_trying_everything_does(problem):
    expected, found = cheapest(problem), least_cost(problem)
    assert (None if found.chosen is None else problem.cost(found.chosen)) == expected
    if expected is None:
        assert found.bound_fen == np.inf
    else:
        assert found.bound_fen <= expected
        assert holds(problem, found.chosen.tolist())


@st.composite
def problems_by_year(draw):
    """The costs have to be paid from two or three budgets that are scarce; sites that have to act are few."""
    problem = draw(problems(limits=1))
    bins = tuple(draw(st.lists(st.integers(0, 80).map(lambda n: n * 100), min_size=2, max_size=3)))
    every = np.arange(problem.size)
    budget = Limit("budget", "budget", sum(bins), every, problem.cost_fen, bins)
    return replace(problem, limits=(*problem.limits, budget)), bins


@settings(max_examples=300)
@given(problems_by_year())
def test_budgets_by_year_are_kept_as_trying_everything_does(asked):
    problem, bins = asked
    costs = [
        (sum(amounts), way)
        for way in choices(problem)
        for amounts in [[int(problem.cost_fen[one]) for one in way]]
        if holds(problem, way) and packs(amounts, bins)
    ]
    expected, found = min((cost for cost, _ in costs), default=None), least_cost(problem)
    assert (None if found.chosen is None else problem.cost(found.chosen)) == expected
    if expected is None:
        assert found.bound_fen == np.inf
        return
    assert found.bound_fen <= expected
    assert holds(problem, found.chosen.tolist())
    for nth, room in enumerate(bins):
        assert sum(int(problem.cost_fen[one]) for one in found.chosen[found.bins == nth]) <= room


def by_years(problem, whole, years=5):
    """The problem with a budget that comes in equal shares."""
    share = whole // years
    budget = Limit("budget", "budget", years * share, np.arange(problem.size), problem.cost_fen, (share,) * years)
    return replace(problem, limits=(budget,))


def pays(problem, found):
    """Say whether every year can pay its acts."""
    bins = problem.limits[0].bins
    return all(problem.cost_fen[found.chosen[found.bins == nth]].sum() <= room for nth, room in enumerate(bins))


@pytest.mark.parametrize("count", [100, 300, 3_000])
def test_acts_find_years_where_next_to_nothing_is_left_of_each(count):
    problem = large(count)
    cost = problem.cost(least_cost(problem, gap=1e-3).chosen)
    yearly = by_years(problem, cost + cost // 5_000)
    found = least_cost(yearly, gap=1e-3)
    assert found.gap(yearly) <= 1e-3
    assert holds(yearly, found.chosen.tolist())
    assert pays(yearly, found)


def test_of_a_large_problem_a_little_of_the_budget_is_left_over(monkeypatch):
    """Cost aside, all of the budget is spent, and the acts of 300 sites do not fit into 40 years of it."""
    monkeypatch.setattr(solving, "_COPIES", 0)
    problem = large(300)
    beside = replace(problem, requirements=())
    yearly = by_years(beside, problem.cost(least_cost(problem).chosen), years=40)
    found, gain = most(yearly, problem.requirements[0])
    assert holds(yearly, found.chosen.tolist())
    assert pays(yearly, found)
    assert problem.requirements[0].gain[found.chosen].sum() >= 0.95 * gain


@given(problems(), st.lists(st.floats(0, 50), min_size=5, max_size=5))
def test_no_prices_prove_too_much(problem, some):
    prices = Prices(np.array(some[: len(problem.requirements)]), np.array(some[2 : 2 + len(problem.limits)]))
    expected = cheapest(problem)
    assert problem.bound(prices) <= (np.inf if expected is None else expected)


@given(problems(requirements=1), st.integers(1, 40))
def test_more_room_never_costs_more(problem, more):
    wider = replace(problem, limits=tuple(replace(one, capacity=one.capacity + more) for one in problem.limits))
    before, after = least_cost(problem), least_cost(wider)
    if before.chosen is not None:
        assert wider.cost(after.chosen) <= problem.cost(before.chosen)


@given(problems(), st.integers(0, 2**32))
def test_more_options_never_cost_more(problem, seed):
    draw = np.random.default_rng(seed)
    last = int(problem.site[-1])
    wider = replace(
        problem,
        cost_fen=np.append(problem.cost_fen, 100 * draw.integers(0, 50)),
        site=np.append(problem.site, last + 1),
        requirements=tuple(
            replace(
                one, top=np.append(one.top, draw.integers(-5, 40)), below=np.append(one.below, draw.integers(-30, 10))
            )
            for one in problem.requirements
        ),
    )
    before, after = least_cost(problem), least_cost(wider)
    if before.chosen is not None:
        assert wider.cost(after.chosen) <= problem.cost(before.chosen)


@given(problems(requirements=1))
def test_how_far_a_ratio_can_be_brought(problem):
    asked, beside = problem.requirements[0], replace(problem, requirements=())
    ways = [way for way in choices(beside) if holds(beside, way)]
    ratios = [Fraction(*asked.sums(way)) for way in ways if asked.sums(way)[1] > 0]
    found = reach(beside, asked, seconds=10)
    if not ways:
        assert found is None
        return
    best = max(ratios) if asked.at_least else min(ratios)
    assert float(Fraction(found.top, found.below)) == pytest.approx(float(best), rel=1e-9)
    _, possible = reachable(beside, asked, seconds=10)
    assert possible or not any(asked.surplus(way) >= 0 for way in ways)


def large(count, seed=3, figure=Fraction(7, 10)):
    """Sites outside with two ways in: leave, or move into a park at another cost."""
    draw = np.random.default_rng(seed)
    area = draw.integers(50_000, 2_000_000, count)
    cost = np.column_stack([area * draw.uniform(5, 30, count), area * draw.uniform(10, 60, count)])
    whole = 2 * int(area.sum())
    asked = Requirement(
        "concentration", np.column_stack([0 * area, area]).ravel(), np.column_stack([-area, 0 * area]).ravel(),
        whole // 2, whole, figure,
    )  # fmt: skip
    return Problem(cost.astype("int64").ravel(), np.repeat(np.arange(count), 2), (asked,))


def test_the_bound_is_that_of_another_solver():
    problem = large(400)
    asked, found = problem.requirements[0], least_cost(problem)
    one_each = np.zeros((400, 800))
    one_each[np.arange(800) // 2, np.arange(800)] = 1
    other = linprog(
        problem.cost_fen / 1e6, A_ub=np.vstack([-asked.gain / 1e6, one_each]),
        b_ub=np.append(-asked.need / 1e6, np.ones(400)), bounds=(0, 1), method="highs",
    )  # fmt: skip
    assert found.bound_fen == pytest.approx(other.fun * 1e6, rel=1e-9)
    assert found.gap(problem) < 1e-3


def test_a_city_is_planned_close_to_the_bound():
    problem = large(20_000)
    found = least_cost(problem)
    assert holds(replace(problem, limits=()), found.chosen.tolist())
    assert 0 <= problem.cost(found.chosen) - found.bound_fen <= 1e-4 * problem.cost(found.chosen)


def test_coupled_limits_are_kept_and_the_gap_is_small():
    draw = np.random.default_rng(4)
    problem = large(3_000, figure=Fraction(85, 100))
    park = draw.integers(0, 20, 3_000)
    moves = np.arange(1, 6_000, 2)
    area = problem.requirements[0].top[moves]
    parks = tuple(
        Limit(f"park {k}", "vacant_land", int(area[park == k].sum() * 0.15), moves[park == k], area[park == k])
        for k in range(20)
    )
    bounded = replace(problem, limits=parks)
    found = least_cost(bounded, gap=1e-3)
    assert holds(bounded, found.chosen.tolist())
    assert found.gap(bounded) <= 1e-3
    assert any(limit.used(found.chosen) > 0.95 * limit.capacity for limit in parks)


def test_hulls_by_hand():
    # Site 0: (10 for 10), (20 for 40); (15 for 30) lies above the line between them. Site 1: (10 for 20).
    way = steps(
        np.array([10.0, 15.0, 20.0, 10.0]),
        np.array([10.0, 30.0, 40.0, 20.0]),
        np.array([0, 0, 0, 1]),
        np.array([], dtype="intp"),
    )
    assert way.after.tolist() == [0, 3, 2]
    assert way.before.tolist() == [-1, -1, 0]
    assert way.slope.tolist() == [1.0, 2.0, 3.0]
    done = climb(way, 15.0)
    assert (done.chosen.tolist(), done.short.tolist(), done.price, done.reached) == ([0, 3], [0], 2.0, True)
    assert not climb(way, 31.0).reached


def test_an_obstacle_is_named_with_what_would_be_enough():
    problem = large(50, figure=Fraction(9, 10))
    whole = least_cost(problem)
    poor = Limit("budget", "budget", problem.cost(whole.chosen) // 2, np.arange(problem.size), problem.cost_fen)
    beside = replace(problem, requirements=(), limits=(poor,))
    told = obstacles(beside, problem.requirements[0], seconds=10)
    assert [one.kind for one in told] == ["budget"]
    assert told[0].cost_fen == pytest.approx(problem.cost(whole.chosen), rel=1e-4)


def test_most_is_what_taking_the_best_of_each_site_gives():
    problem = large(100)
    found, gain = most(replace(problem, requirements=()), problem.requirements[0])
    best = problem.requirements[0].gain.reshape(-1, 2).max(axis=1).sum()
    assert gain == pytest.approx(best, rel=1e-6)
    assert problem.requirements[0].gain[found.chosen].sum() == pytest.approx(best, rel=1e-9)
