"""Plans verified as a stranger would: from `options.csv`, the parks and `results.json`, by sums of fractions.

Nothing of `geo.plan` is asked. `verify` adds up the acts, looks at every limit, and works out the bound from the
prices that the document tells, as docs/plan.md says how.
"""

import itertools
import json
from fractions import Fraction
from operator import le

import hand_city as city
import pandas as pd
import pytest
import test_plan
from test_plan import planned


def number(value):
    return Fraction(str(value))


def columns(options, nth):
    """The two columns of the nth target."""
    ending = "" if nth == 0 else f"_{nth + 1}"
    names = [
        name
        for side in ("numerator", "denominator")
        for name in options[0]
        if name.startswith(f"{side}{ending}_") and (nth or not name.split("_")[1].isdigit())
    ]
    assert len(names) == 2, names
    return names


def verify(plan, options, vacant, factor=1):
    """Hold a plan against its options; `factor` turns the display unit of the main target into that of its sums."""
    by_id = {row["option_id"]: row for row in options}
    acts = [by_id[act["option_id"]] for act in plan["actions"]]
    for act, row in zip(plan["actions"], acts, strict=True):
        assert {name: str(act[name]) for name in ("parcel_id", "action")} == {
            name: row[name] for name in ("parcel_id", "action")
        }
        assert number(act["cost_cny"]) == number(row["cost_cny"])
    assert len({row["parcel_id"] for row in acts}) == len(acts)
    assert {row["option_id"] for row in options if row["chosen"] == "1"} == {row["option_id"] for row in acts}
    assert sum(number(row["cost_cny"]) for row in acts) == number(plan["cost_cny"])
    for park, room in vacant.items():
        assert sum(number(row["uses_vacant_m2"]) for row in acts if row["park_id"] == park) <= number(room)
    for nth, target in enumerate(plan["targets"] if options else []):
        for side, name in zip(("numerator", "denominator"), columns(options, nth), strict=True):
            moved = sum(number(row[name]) for row in acts)
            assert number(target[f"{side}_before"]) + moved == number(target[f"{side}_after"])
        top, below = number(target["numerator_after"]), number(target["denominator_after"])
        assert float(top / below) == pytest.approx(target["after"] * factor)
        if plan["status"] in ("optimal", "feasible"):
            asked = number(target.get("at_least", target.get("at_most"))) * number(factor)
            assert (top >= asked * below) if "at_least" in target else (top <= asked * below)
            assert target["met"]
    if plan["bound_cny"] is not None:
        assert plan["bound_cny"] <= plan["cost_cny"]
        proved = bound(plan, options, factor)
        assert proved == pytest.approx(plan["bound_of_prices_cny"], rel=1e-9, abs=1e-6)
        assert plan["bound_cny"] >= proved - 1e-6 * abs(proved)
        if plan["bound_by"] == "prices":
            assert plan["bound_cny"] == pytest.approx(proved, rel=1e-9, abs=1e-6)
        else:
            assert plan["bound_by"] == "solver"


def bound(plan, options, factor=1):
    """w × what is lacking − Σ p × capacity + Σ over parcels (or groups) of the cheapest, at most 0."""
    worth = [one["cny_per_unit_of_gain"] for one in plan["prices"]]
    figures = [float(one.get("at_least", one.get("at_most"))) * factor for one in plan["targets"]]
    signs = [1 if "at_least" in one else -1 for one in plan["targets"]]
    total = sum(
        w * sign * (figure * one["denominator_before"] - one["numerator_before"])
        for w, sign, figure, one in zip(worth, signs, figures, plan["targets"], strict=True)
    )
    price = {(one["kind"], one["name"]): one["price"] for one in plan["limits"]}
    total -= sum(one["price"] * one["capacity"] for one in plan["limits"])
    must = {one["parcel_id"] for one in plan["locks"] if one["lock"] == "in"}
    bundles, held = {}, {}
    for row in options:
        site = row.get("group") or row["parcel_id"]
        left = float(row["cost_cny"])
        for nth, (w, sign, figure) in enumerate(zip(worth, signs, figures, strict=True)):
            top, below = columns(options, nth)
            left -= w * sign * (float(row[top]) - figure * float(row[below]))
        left += price.get(("vacant_land", row["park_id"]), 0.0) * float(row["uses_vacant_m2"])
        left += price.get(("budget", "budget"), 0.0) * float(row["cost_cny"])
        left += price.get(("district_quota", row["district"]), 0.0) * float(row["land_m2"])
        if row["action"] == "annex":
            left += price.get(("annex_quota", "annex"), 0.0) * float(row["land_m2"])
        held.setdefault(site, set()).add(row["parcel_id"])
        bundles.setdefault((site, row["action"], row["park_id"]), []).append((row["parcel_id"], left))
    best = {}
    for (site, _, _), rows in bundles.items():
        if {parcel for parcel, _ in rows} == held[site]:
            best.setdefault(site, []).append(sum(left for _, left in rows))
    return total + sum(min(lefts) if held[site] & must else min(0.0, *lefts) for site, lefts in best.items())


REACH = "annex_within_m = 5000\n"
VACANT = {"A": 15_000, "B": 0, "C": 9_000}
TWO = """
[[plan.targets]]
indicator = "industrial_concentration"
level = "zone"
place = "Z2"
at_least = 0.05
[[plan.targets]]
indicator = "industrial_concentration"
level = "zone"
place = "Z1"
at_least = 0.5
"""


@pytest.mark.parametrize(
    ("text", "locks"),
    [
        ("at_least = 0.3914\n", None),  # a hair above today's 39.139 %
        ("at_least = 0.9\n", None),
        ("at_least = 1\n", None),
        ("at_least = 0.6\ncosts = { retire = 150, relocate = 60 }\n", None),
        ("at_least = 0.6\ncosts = { retire = 150, relocate = 60 }\nbudget_cny = 9e7\n", None),
        ("at_least = 0.6\ncosts = { retire = 0, relocate = 0 }\n", None),
        ("at_least = 0.55\nlocks = 'locks.csv'\n", "s3,in"),
        (f"at_least = 0.6\nactions = ['retire', 'relocate', 'annex']\n{REACH}annex_quota_m2 = 20000\n", None),
        ("at_least = 0.7\nrelocation_land_ratio = 0.5\nrelocation_parks = 1\n", None),
        ("at_least = 0.7\nrelocation_land_ratio = 2\n", None),
        (f"at_least = 0.7\n{TWO}", None),
    ],
)  # fmt: skip
def test_the_hand_city_adds_up(tmp_path, text, locks):
    plan, options = planned(tmp_path, f"[plan]\n{text}", locks=locks)
    assert plan["status"] == "optimal"
    verify(plan, options, VACANT)


def test_groups_add_up(tmp_path):
    text = '[plan]\nat_least = 0.7\nunit = "group"\ncosts = { retire = 100, relocate = 150 }\n'
    plan, options = planned(tmp_path, text, parcels=test_plan.neighbours())
    group = {row["parcel_id"]: row["group"] for row in options}
    assert group["a"] == group["b"]  # side by side; `c` lies 8 m off
    assert len(set(group.values())) == len(group) - 1
    verify(plan, options, VACANT)


def test_a_lock_that_its_group_cannot_keep_is_refused(tmp_path):
    """Side by side `a`, of no known floor area, may only move, and `b`, for which no park has room, only go."""
    land = city.layer(
        [(0, 0, 300, 200), (2000, 0, 2100, 100), (2100, 0, 2300, 100)],
        parcel_id=["in", "a", "b"], land_use_code=["0601"] * 3, floor_area_m2=[1.0, None, 5_000.0],
    )  # fmt: skip
    text = '[plan]\nat_least = 0.6\nunit = "group"\nlocks = "locks.csv"\n'
    text += "costs = { retire = { cny_per_floor_m2 = 900 }, relocate = 10 }\n"
    told = planned(tmp_path, text, parcels=land, locks="b,in", code=2)
    assert "plan.locks" in told
    assert "plan.unit" in told
    _, options = planned(tmp_path, text, "plan.unit=parcel", parcels=land, locks="b,in")
    assert {(row["parcel_id"], row["action"]) for row in options} == {("a", "relocate"), ("b", "retire")}


def by_years(options, years, room):
    """Every plan that the years can pay and the parks can hold, by trying every act of every parcel in every year."""
    names = sorted({row["parcel_id"] for row in options})
    ways = [
        [None, *((row, nth) for row in options if row["parcel_id"] == name for nth in range(len(years)))]
        for name in names
    ]
    for way in itertools.product(*ways):
        taken = [one for one in way if one is not None]
        spent = [sum(number(row["cost_cny"]) for row, at in taken if at == nth) for nth in range(len(years))]
        used = {park: sum(number(row["uses_vacant_m2"]) for row, _ in taken if row["park_id"] == park) for park in room}
        if all(map(le, spent, years)) and all(used[park] <= room[park] for park in room):
            yield [row for row, _ in taken]


def after(plan, rows):
    target = plan["targets"][0]
    top = number(target["numerator_before"]) + sum(number(row["numerator_m2"]) for row in rows)
    return top / (number(target["denominator_before"]) + sum(number(row["denominator_m2"]) for row in rows))


@pytest.mark.parametrize(
    ("years", "figure", "reached"),
    [
        ((40_000_000, 30_000_000), 0.55, True),
        # 1,500 + 1,512 + 672 万元 would be the cheapest, but no two of them fit into a year.
        ((21_700_000, 17_300_000), 0.55, True),
        ((17_300_000, 17_300_000), 0.55, False),
        ((50_000_000, 55_000_000), 0.7, False),
        ((10_000_000, 10_000_000, 10_000_000), 0.55, False),
    ],
)
def test_years_pay_for_the_cheapest_plan_there_is(tmp_path, years, figure, reached):
    stated = ", ".join(f"{{ year = {2026 + nth}, cny = {cny} }}" for nth, cny in enumerate(years))
    text = f"[plan]\nat_least = {figure}\ncosts = {{ retire = 100, relocate = 70 }}\nbudgets = [{stated}]\n"
    plan, options = planned(tmp_path, text)
    ways = list(by_years(options, years, VACANT))
    if not reached:
        assert plan["status"] == "infeasible"
        assert plan["best"] == pytest.approx(float(max(after(plan, rows) for rows in ways)))
        assert not any(after(plan, rows) >= number(figure) for rows in ways)
        assert "预算" in plan["reason_zh"]
        assert "budget" in plan["reason_en"]
        return
    verify(plan, options, VACANT)
    costs = [sum(number(row["cost_cny"]) for row in rows) for rows in ways if after(plan, rows) >= number(figure)]
    assert number(plan["cost_cny"]) == min(costs)
    for nth, cny in enumerate(years):
        assert sum(row["cost_cny"] for row in plan["actions"] if row["year"] == 2026 + nth) <= cny


def test_years_that_pay_in_all_but_not_one_by_one_are_told(tmp_path):
    """The works that leave cost 6,000, 3,375 and 960 万元: 10,335 of the 10,500 there are, in two years."""
    years = "budgets = [{ year = 2026, cny = 5e7 }, { year = 2027, cny = 5.5e7 }]\n"
    text = "[plan]\nat_least = 0.7\ncosts = { retire = 100 }\nactions = ['retire']\n"
    plan, _ = planned(tmp_path, text + years)
    assert "分年预算：总额 1.05 亿元足以支付 1.03 亿元的方案" in plan["reason_zh"]
    assert "最大的年度预算为 5,500.00 万元" in plan["reason_zh"]
    assert "the budgets by year: 105.00 million CNY in all would pay for a plan of 103.35" in plan["reason_en"]


def test_figures_of_firms_add_up(tmp_path):
    names = ["in", "s0", "s1", "s2", "s3", "s4"]
    firms = pd.DataFrame({"enterprise_code": names, "parcel_id": names, "tax_cny": [9e7, 1e5, 3e5, 1e5, 1e5, 7e5]})
    text = '[plan]\nindicator = "tax_per_mu"\nlevel = "city"\nat_least = 500\ncosts = { retire = 100 }\n'
    plan, options = planned(tmp_path, text, "plan.at_least=60", enterprises=firms)
    assert plan["status"] == "optimal"
    verify(plan, options, VACANT, factor=Fraction(15))  # 万元/亩 in yuan a m²: 10,000 ÷ (2000/3)


def many(count=700):
    """More works than the solver decides whole: the bound is that of the prices."""
    side = [60 + (37 * n) % 90 for n in range(count)]
    boxes = [(7000 + 200 * (n % 30), 200 * (n // 30), 7000 + 200 * (n % 30) + side[n], 200 * (n // 30) + 100)
             for n in range(count)]  # fmt: skip
    shapes = [(0, 0, 900, 900), *boxes]
    return city.layer(shapes, parcel_id=["in", *(f"w{n}" for n in range(count))], land_use_code=["0601"] * len(shapes))


@pytest.mark.parametrize("limit", ["", "budget_cny = 1e10\n", "annex_within_m = 3000\nannex_quota_m2 = 300000\n"])
def test_what_prices_prove_can_be_worked_out_from_the_files(tmp_path, limit):
    text = "[plan]\nat_least = 0.5\ncosts = { retire = 100, relocate = 60, annex = 40 }\ngap = 0.01\n"
    there = test_plan.parks((200_000.0, 0.0, 300_000.0))
    plan, options = planned(tmp_path, text + limit, parcels=many(), parks=there)
    assert plan["bound_by"] == "prices"
    assert any(one["price"] > 0 for one in plan["limits"])
    verify(plan, options, {"A": 200_000, "B": 0, "C": 300_000})


def test_amounts_that_round_alike_are_told_apart(tmp_path):
    """60,000 of 153,300 m²: a figure a hair above what all acts reach, a budget a hair below what is needed."""
    text = "[plan]\nat_least = 0.6\nactions = ['annex']\nannex_within_m = 1200\ncosts = { annex = 100 }\n"
    furthest = 110_000 / 153_300  # s0 and s4 lie within reach
    plan, _ = planned(tmp_path, text, f"plan.at_least={furthest + 1e-5}")
    figures = [part.split("%")[0] for part in plan["reason_en"].replace("at most ", "reach ").split("reach ")[1:3]]
    assert len(set(figures)) == 2
    assert all(abs(float(one) - 100 * furthest) < 0.01 for one in figures)
    plan, _ = planned(tmp_path, text, "plan.at_least=0.65", "plan.budget_cny=59999000")  # s4: 60 mu, 6,000 万元
    assert "尚缺 0.1" in plan["reason_zh"] or "尚缺 0.09" in plan["reason_zh"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_machine_output_is_nothing_but_json(tmp_path, language):
    names = ["in", "s'0", 's"1', "=cmd|'/Ccalc'!A0", "@x", "+s4"]
    layers = {"buildings": None, "enterprises": None, "holdings": None}
    data = city.write(
        tmp_path, "[plan]\nat_least = 0.7\n", parcels=test_plan.parcels().assign(parcel_id=names),
        parks=test_plan.parks().assign(park_name=["<b>", '=1+1"', "丙'园"]), **layers,
    )  # fmt: skip
    done = test_plan.run("plan", data, "--json", "--lang", language)
    acts = json.loads(done.stdout)["plan"]["actions"]
    assert acts
    assert {row["parcel_id"] for row in acts} <= set(names)
    assert "{" not in done.stderr


def test_a_dataset_gets_the_plan_of_its_project(tmp_path):
    text = "[plan]\nat_least = 0.8\nactions = ['retire', 'relocate', 'annex']\nannex_within_m = 1200\n"
    plan, _ = planned(tmp_path, text)
    test_plan.run("convert", tmp_path / "data", "-o", tmp_path / "set", "-q")
    test_plan.run("plan", tmp_path / "set", "-o", tmp_path / "again", "-q")
    again = json.loads((tmp_path / "again" / "results.json").read_text("utf-8"))["plan"]
    assert again == plan
    assert (tmp_path / "again" / "options.csv").read_bytes() == (tmp_path / "plan" / "options.csv").read_bytes()
