"""`parkwise plan` on cities one checks in the head, verified from its own options.csv by trying everything."""

import csv
import itertools
import json
from fractions import Fraction

import hand_city as city
import pytest
from click.testing import CliRunner

from cli import main

#: Outside the parks, in m² of land: so many squares.
SCATTERED = (100, 120, 150, 80, 200)


def parcels():
    """60,000 m² in the parks, and five works outside: 10,000, 14,400, 22,500, 6,400 and 40,000 m²."""
    shapes = [(0, 0, 300, 200), *((2000 + 500 * n, 0, 2000 + 500 * n + side, side) for n, side in enumerate(SCATTERED))]
    return city.layer(
        shapes, parcel_id=["in", *(f"s{n}" for n in range(len(SCATTERED)))], land_use_code=["0601"] * len(shapes),
        industry_code=["3612", "3612", "2710", "3612", None, "1311"],
    )  # fmt: skip


def parks(vacant=(15_000.0, 0.0, 9_000.0)):
    return city.parks().assign(vacant_land_m2=list(vacant))


def run(*arguments, code=0):
    done = CliRunner().invoke(main, [*map(str, arguments)])
    assert done.exit_code == code, done.output + str(done.exception)
    return done


def planned(tmp_path, text="", *flags, code=0, locks=None, **layers):
    if locks is not None:
        (tmp_path / "data").mkdir(exist_ok=True)
        head = "parcel_id,lock,author,date,reason\n"
        (tmp_path / "data" / "locks.csv").write_text(f"{head}{locks},甲,2026-01-01,理由\n", "utf-8")
    layers = {
        "buildings": None,
        "enterprises": None,
        "holdings": None,
        "parcels": parcels(),
        "parks": parks(),
        **layers,
    }
    project = city.write(tmp_path / "data", text, **layers)
    sets = [part for flag in flags for part in ("--set", flag)]
    done = run("plan", project, "-o", tmp_path / "plan", "--overwrite", "-q", *sets, code=code)
    if code:
        return done.output
    plan = json.loads((tmp_path / "plan" / "results.json").read_text("utf-8"))["plan"]
    with (tmp_path / "plan" / "options.csv").open(encoding="utf-8") as stream:
        return plan, list(csv.DictReader(stream))


def sums(rows, name):
    return sum(Fraction(row[name]) for row in rows)


def cheapest(plan, options, vacant, budget=None):
    """The least cost that reaches the target, by trying every set of acts."""
    target = plan["targets"][0]
    top, below = Fraction(str(target["numerator_before"])), Fraction(str(target["denominator_before"]))
    figure, best = Fraction(str(target["at_least"])), None
    names = sorted({row["parcel_id"] for row in options})
    for way in itertools.product(*([None, *(row for row in options if row["parcel_id"] == name)] for name in names)):
        rows = [row for row in way if row is not None]
        cost = sums(rows, "cost_cny")
        taken = {park: sums([row for row in rows if row["park_id"] == park], "uses_vacant_m2") for park in vacant}
        if any(taken[park] > room for park, room in vacant.items()) or (budget is not None and cost > budget):
            continue
        reaches = top + sums(rows, "numerator_m2") >= figure * (below + sums(rows, "denominator_m2"))
        if reaches and (best is None or cost < best):
            best = cost
    return best


COSTS = "[plan]\nat_least = {figure}\ncosts = {{ retire = 100, relocate = {relocate} }}\n"
VACANT = {"A": 15_000, "C": 9_000}


@pytest.mark.parametrize("figure", [0.45, 0.5, 0.6, 0.7, 0.9, 1.0])
@pytest.mark.parametrize("relocate", [90, 150])
def test_the_plan_is_the_cheapest_of_all(tmp_path, figure, relocate):
    plan, options = planned(tmp_path, COSTS.format(figure=figure, relocate=relocate))
    assert (plan["status"], plan["costs"]["placeholders"]) == ("optimal", False)
    assert plan["before"] == pytest.approx(60_000 / 153_300)
    assert plan["cost_cny"] == float(cheapest(plan, options, VACANT))
    assert plan["bound_cny"] <= plan["cost_cny"]
    assert plan["gap"] == pytest.approx(0, abs=1e-9)
    assert plan["after"] >= figure
    chosen = {row["option_id"]: row for row in options if row["chosen"] == "1"}
    assert {row["option_id"] for row in plan["actions"]} == set(chosen)
    assert len({row["parcel_id"] for row in plan["actions"]}) == len(plan["actions"])


def test_what_each_act_changes(tmp_path):
    _, options = planned(tmp_path, COSTS.format(figure=0.7, relocate=150))
    told = {(row["parcel_id"], row["action"], row["park_id"]): row for row in options}
    leaves, moves = told["s0", "retire", ""], told["s0", "relocate", "A"]
    area = [round(float(row["land_m2"])) for row in (leaves, moves)]
    assert area == [10_000, 10_000]
    assert float(leaves["numerator_m2"]) == 0
    assert float(leaves["denominator_m2"]) == -float(leaves["land_m2"])
    assert float(moves["numerator_m2"]) == float(moves["uses_vacant_m2"]) == float(moves["land_m2"])
    assert float(moves["denominator_m2"]) == 0
    # 100 万元/亩 is 1,500 yuan a m².
    assert float(leaves["cost_cny"]) == pytest.approx(1_500 * float(leaves["land_m2"]), abs=0.01)
    assert ("s4", "relocate", "A") not in told  # 40,000 m² find no room in 15,000
    assert not [key for key in told if key[2] == "B"]  # no vacant land there


def test_less_land_in_the_park_than_was_left(tmp_path):
    text = COSTS.format(figure=0.6, relocate=90)
    plan, options = planned(tmp_path, text, "plan.relocation_land_ratio=0.5")
    moves = next(row for row in options if row["parcel_id"] == "s1" and row["action"] == "relocate")
    assert float(moves["numerator_m2"]) == pytest.approx(7_200, abs=0.5)
    assert float(moves["denominator_m2"]) == pytest.approx(-7_200, abs=0.5)
    assert plan["cost_cny"] == float(cheapest(plan, options, VACANT))


def test_annexing_moves_the_boundary_and_not_the_land(tmp_path):
    text = "[plan]\nat_least = 0.8\ncosts = { annex = 10 }\nannex_within_m = 1200\n"
    plan, options = planned(tmp_path, text)
    # 1,000 m from park B, 800 m from park C; the others lie further away.
    assert {(row["parcel_id"], row["park_id"]) for row in options} == {("s0", "B"), ("s4", "C")}
    assert plan["status"] == "infeasible"
    assert plan["best"] == pytest.approx(110_000 / 153_300, rel=1e-6)
    plan, options = planned(tmp_path, text, "plan.annex_within_m=5000", "plan.at_least=0.6")
    assert plan["status"] == "optimal"
    assert all(float(row["denominator_m2"]) == 0 for row in options)
    assert plan["cost_cny"] == float(cheapest(plan, options, {}))
    plan, _ = planned(tmp_path, text, "plan.annex_within_m=5000", "plan.at_least=0.6", "plan.annex_quota_m2=20000")
    assert plan["status"] == "infeasible"
    assert [one["kind"] for one in plan["obstacles"]] == ["annex_quota"]
    assert "划入园区的用地指标" in plan["reason"]


def test_a_budget_that_is_too_small_is_named_with_what_would_do(tmp_path):
    text = COSTS.format(figure=0.7, relocate=150)
    plan, options = planned(tmp_path, text)
    enough = plan["cost_cny"]
    short, _ = planned(tmp_path, text, f"plan.budget_cny={enough - 1}")
    assert short["status"] == "infeasible"
    assert short["actions"] == []
    assert "预算" in short["reason"]
    assert [(one["kind"], one["cost_cny"]) for one in short["obstacles"]] == [("budget", enough)]
    assert short["before"] < short["best"] < 0.7
    just, _ = planned(tmp_path, text, f"plan.budget_cny={enough}")
    assert (just["status"], just["cost_cny"]) == ("optimal", enough)
    near, _ = planned(tmp_path, text, f"plan.budget_cny={enough - 1}", "plan.objective=closest")
    assert (near["status"], near["after"]) == ("closest", short["best"])
    assert near["cost_cny"] <= enough - 1
    assert cheapest(plan, options, VACANT, enough - 1) is None


def test_an_unreachable_target_says_how_far_it_goes(tmp_path):
    plan, _ = planned(tmp_path, "[plan]\nat_least = 0.9\nactions = ['relocate']\n")
    # 15,000 m² of A take s1 (14,400), 9,000 m² of C take s3 (6,400).
    assert plan["best"] == pytest.approx((60_000 + 14_400 + 6_400) / 153_300, rel=1e-6)
    assert plan["status"] == "infeasible"
    assert "园区可供用地" in plan["reason"]
    assert "vacant land" in plan["reason_en"]
    assert plan["costs"]["placeholders"] is True


def test_locks_are_kept(tmp_path):
    text = COSTS.format(figure=0.6, relocate=150) + 'locks = "locks.csv"\n'
    data = tmp_path / "data"
    data.mkdir()
    (data / "locks.csv").write_text(
        "parcel_id,lock,author,date,reason\ns4,out,张三,2026-01-05,重点企业\ns3,in,李四,2026-01-06,已签协议\n", "utf-8"
    )
    plan, options = planned(tmp_path, text)
    assert "s4" not in {row["parcel_id"] for row in options}
    assert "s3" in {row["parcel_id"] for row in plan["actions"]}
    assert plan["locks"][0] == {
        "parcel_id": "s4", "lock": "out", "author": "张三", "date": "2026-01-05", "reason": "重点企业",
    }  # fmt: skip
    assert plan["status"] == "optimal"
    plan, _ = planned(tmp_path, text, "plan.at_least=1.0")
    assert plan["status"] == "infeasible"
    assert "s4" in plan["reason"]


def test_years_get_what_they_can_pay(tmp_path):
    text = COSTS.format(figure=0.7, relocate=150)
    plan, _ = planned(tmp_path, text + "budgets = [{ year = 2026, cny = 4e7 }, { year = 2027, cny = 9e7 }]\n")
    by_year = {year: sum(row["cost_cny"] for row in plan["actions"] if row["year"] == year) for year in (2026, 2027)}
    assert plan["status"] == "optimal"
    assert 0 < by_year[2026] <= 4e7
    assert by_year[2027] <= 9e7
    assert sum(by_year.values()) == pytest.approx(plan["cost_cny"])


def test_only_parks_with_the_same_industry(tmp_path):
    text = COSTS.format(figure=0.5, relocate=50)
    _, options = planned(tmp_path, text, "plan.industry_fit=true")
    moves = {(row["parcel_id"], row["park_id"]) for row in options if row["action"] == "relocate"}
    assert moves == {("s0", "A")}  # 3612 is in A only; s2 (3612) needs 22,500 m²


def test_quotas_of_districts(tmp_path):
    text = COSTS.format(figure=0.6, relocate=150) + 'district_quotas = { "西区" = 20000 }\n'
    plan, _ = planned(tmp_path, text)
    assert plan["status"] == "infeasible"
    assert [one["kind"] for one in plan["obstacles"]] == ["district_quota"]


def test_tax_per_mu_rises_when_poor_firms_leave(tmp_path):
    """Works s0 … s4 pay 1, 2, 3, 4 and 5 万元/亩, the firm inside 10: city mean by hand."""
    import pandas as pd

    names = ["in", "s0", "s1", "s2", "s3", "s4"]
    mu = [90.0, 15.0, 21.6, 33.75, 9.6, 60.0]
    rate = [10.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    firms = pd.DataFrame(
        {
            "enterprise_code": [f"F{n}" for n in names],
            "parcel_id": names,
            "tax_cny": [a * b * 1e4 for a, b in zip(mu, rate, strict=True)],
        }
    )
    text = '[plan]\nindicator = "tax_per_mu"\nat_least = 8\nlevel = "city"\ncosts = { retire = 100 }\n'
    plan, options = planned(tmp_path, text, enterprises=firms)
    assert plan["before"] == pytest.approx(sum(a * b for a, b in zip(mu, rate, strict=True)) / sum(mu), rel=1e-4)
    leaves = next(row for row in options if row["parcel_id"] == "s1")
    assert float(leaves["numerator_cny"]) == pytest.approx(-21.6 * 2 * 1e4, rel=1e-4)
    assert float(leaves["denominator_m2"]) == pytest.approx(-14_400, rel=1e-4)
    best = None
    for way in itertools.product([0, 1], repeat=5):
        kept = [0, *(n + 1 for n, gone in enumerate(way) if not gone)]
        value = sum(mu[n] * rate[n] for n in kept) / sum(mu[n] for n in kept)
        cost = sum(mu[n + 1] for n, gone in enumerate(way) if gone) * 1e6
        best = cost if value >= 8 and (best is None or cost < best) else best
    assert plan["cost_cny"] == pytest.approx(best, rel=1e-4)


def test_two_targets_at_once(tmp_path):
    text = COSTS.format(figure=0.5, relocate=150)
    more = '[[plan.targets]]\nindicator = "industrial_concentration"\nlevel = "park"\nplace = "C"\nat_least = 0.04\n'
    plan, _ = planned(tmp_path, text + more)
    assert [one["met"] for one in plan["targets"]] == [True, True]
    assert ("s3", "C") in {(row["parcel_id"], row["park_id"]) for row in plan["actions"]}  # the only works that fit


def test_a_target_that_is_met_needs_nothing(tmp_path):
    plan, _ = planned(tmp_path, COSTS.format(figure=0.3, relocate=150))
    assert (plan["status"], plan["cost_cny"], plan["actions"], plan["gap"]) == ("optimal", 0, [], 0)


def test_the_figure_of_the_policy_is_the_default(tmp_path):
    project = 'policies = ["hangzhou-2023"]\n[plan]\ncosts = { retire = 100, relocate = 150 }\n'
    plan, _ = planned(tmp_path, project)
    assert (plan["at_least"], plan["policy"], plan["clause"]) == (0.7, "hangzhou-2023", "（十）")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("at_least = 70", "0.7"),
        ('at_least = 0.7\nindicator = "industrial_concentrtion"', "industrial_concentration"),
        ('at_least = 0.7\nindicator = "green_ratio"', "industrial_concentration"),
        ("at_least = 0.7\ncosts = { retire = -5 }", "plan.costs"),
        ("at_least = 0.7\ncosts = { retir = 5 }", "retire"),
        ("at_least = 0.7\ncosts = { retire = 5 }\nactions = ['retire', 'relocate']", "relocate"),
        ("at_least = 0.7\nactions = ['move']", "relocate"),
        ("at_least = 0.7\nactions = ['intensify']", "plan.intensify_plot_ratio"),
        ("at_least = 0.7\nbudgets = [{ year = 2026 }]", "plan.budgets"),
        ("at_least = 0.7\nbudget_cny = -1", "plan.budget_cny"),
        ("at_least = 0.7\ndistrict_quotas = { '西曲' = 5 }", "西区"),
        ("at_least = 0.7\nlevel = 'zone'", "place"),
        ("at_least = 0.7\nat_most = 0.8", "at_most"),
        ("at_least = 0.7\nlocks = 'none.csv'", "none.csv"),
    ],
)
def test_wrong_settings_are_told_in_one_message(tmp_path, text, told):
    output = planned(tmp_path, f"[plan]\n{text}\n", code=3 if "none.csv" in text else 2)
    assert told in output
    assert "Traceback" not in output
    assert not (tmp_path / "plan").exists()


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("s9,out,甲,2026-01-01,理由", "s9"),
        ("s1,out,甲,2026-01-01,理由\ns1,in,甲,2026-01-01,理由", "s1"),
        ("s1,maybe,甲,2026-01-01,理由", "maybe"),
        ("s1,out,,2026-01-01,理由", "author"),
    ],
)
def test_wrong_locks_are_told_with_their_line(tmp_path, rows, told):
    data = tmp_path / "data"
    data.mkdir()
    (data / "locks.csv").write_text(f"parcel_id,lock,author,date,reason\n{rows}\n", "utf-8")
    output = planned(tmp_path, "[plan]\nat_least = 0.7\nlocks = 'locks.csv'\n", code=2)
    assert told in output


def test_a_figure_nobody_states_is_asked_for(tmp_path):
    output = planned(tmp_path, "policies = []\n[plan]\ncosts = { retire = 1 }\n", code=2)
    assert "plan.at_least" in output


def test_what_the_target_counts_does_not_go_altogether(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    rows = "".join(f"{name},in,甲,2026-01-01,理由\n" for name in ("in", "s0", "s1", "s2", "s3", "s4"))
    (data / "locks.csv").write_text(f"parcel_id,lock,author,date,reason\n{rows}", "utf-8")
    plan, _ = planned(tmp_path, "[plan]\nat_least = 0.7\nactions = ['retire']\nlocks = 'locks.csv'\n")
    assert plan["status"] == "infeasible"


def test_a_city_without_parcels_to_act_on(tmp_path):
    inside = parcels().iloc[:1]
    plan, options = planned(tmp_path, "[plan]\nat_least = 0.7\n", parcels=inside)
    assert (plan["status"], plan["before"], options) == ("optimal", 1.0, [])


def test_names_that_a_spreadsheet_would_run_are_text(tmp_path):
    hostile = parcels().assign(parcel_id=["in", "=cmd|' /C calc'!A0", "+1", "@x", "-y", "s4"])
    _, options = planned(tmp_path, COSTS.format(figure=0.7, relocate=150), parcels=hostile)
    assert all(row["parcel_id"][0] not in "=+@-" for row in options)


def neighbours():
    """In the parks 60,000 m²; outside two works side by side (10,000 m² each), one 8 m away from them, one alone."""
    return city.layer(
        [(0, 0, 300, 200), (2000, 0, 2100, 100), (2100, 0, 2200, 100), (2208, 0, 2308, 100), (4000, 0, 4100, 100)],
        parcel_id=["in", "a", "b", "c", "d"], land_use_code=["0601"] * 5,
    )  # fmt: skip


def test_groups_act_together(tmp_path):
    text = COSTS.format(figure=0.66, relocate=150) + 'unit = "group"\n'
    plan, _ = planned(tmp_path, text, parcels=neighbours())
    # 60,000 of 100,000 m² today; 10,000 m² less would do, and two works stand alone: 8 m are more than 1 m.
    assert {row["parcel_id"] for row in plan["actions"]} in ({"c"}, {"d"})
    leave = ("plan.locks=locks.csv", "plan.at_least=0.7", "plan.actions=retire")
    plan, _ = planned(tmp_path, text, *leave, parcels=neighbours(), locks="d,out")
    assert {row["parcel_id"] for row in plan["actions"]} == {"a", "b"}
    plan, _ = planned(tmp_path, text, *leave, "candidates.group_within_m=10", parcels=neighbours(), locks="d,out")
    assert {row["parcel_id"] for row in plan["actions"]} == {"a", "b", "c"}
    assert plan["cost_cny"] == pytest.approx(3 * 10_000 * 1_500, rel=1e-4)


def test_small_groups_are_left_alone(tmp_path):
    text = COSTS.format(figure=0.66, relocate=150) + "minimum_group_m2 = 15000\n"
    plan, options = planned(tmp_path, text, parcels=neighbours())
    assert {row["parcel_id"] for row in options} == {"a", "b"}
    assert plan["status"] == "optimal"


def test_further_plans_differ_and_what_they_share_is_told(tmp_path):
    text = COSTS.format(figure=0.66, relocate=150) + "alternatives = 5\ndifference = 0.5\n"
    plan, options = planned(tmp_path, text, parcels=neighbours())
    acts = {row["option_id"]: row for row in options}
    first = {row["option_id"] for row in plan["actions"]}
    ways = [first, *({*one["option_ids"]} for one in plan["alternatives"])]
    # One act does: four parcels may leave, and three of them (10,000 m² each) may move into A's 15,000 m².
    assert len({frozenset(one) for one in ways}) == len(ways)
    for one, other in itertools.combinations(ways, 2):
        assert len(one & other) <= 0.5 * len(one)
    assert all(one["after"][0] >= 0.66 for one in plan["alternatives"])
    assert [one["cost_cny"] for one in plan["alternatives"]] == sorted(one["cost_cny"] for one in plan["alternatives"])
    shared = set.intersection(*({acts[k]["parcel_id"] for k in way} for way in ways))
    assert set(plan["in_every_plan"]) == shared


def test_the_price_of_a_target_and_of_a_cost(tmp_path):
    text = COSTS.format(figure=0.6, relocate=150)
    plan, options = planned(tmp_path, text)
    costs = [(one["figure"], one["cost_cny"]) for one in plan["curve"]]
    assert costs == sorted(costs)
    assert (0.6, plan["cost_cny"]) in costs
    top, below = (Fraction(str(plan["targets"][0][f"{side}_before"])) for side in ("numerator", "denominator"))
    for figure, cost in costs:
        told = {**plan, "targets": [{"at_least": figure, "numerator_before": top, "denominator_before": below}]}
        assert cost == pytest.approx(float(cheapest(told, options, VACANT)), rel=2e-3)
    for change in plan["sensitivity"]:
        factor = Fraction(str(change["cost_factor"]))
        other = [
            {**row, "cost_cny": Fraction(row["cost_cny"]) * factor} if row["action"] == change["action"] else row
            for row in options
        ]
        assert change["cost_cny"] == pytest.approx(float(cheapest(plan, other, VACANT)), rel=2e-3)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("at_least = 70", "0.7"),
        ("costs = { retire = -5 }", "retire"),
        ("costs = { retire = 5 }\nactions = ['retire', 'relocate']", "relocate"),
        ("budgets = [{ year = 2026 }]", "plan.budgets"),
        ("locks = 'locks.csv'", "s9"),
    ],
)
def test_checking_finds_what_no_plan_could_be_made_with(tmp_path, text, told):
    data = tmp_path / "data"
    data.mkdir()
    (data / "locks.csv").write_text("parcel_id,lock,author,date,reason\ns9,out,甲,2026-01-01,理由\n", "utf-8")
    layers = {"buildings": None, "enterprises": None, "holdings": None, "parcels": parcels(), "parks": parks()}
    project = city.write(data, f"[plan]\n{text}\n", **layers)
    done = run("check", project, "-o", tmp_path / "found", "-q", code=2)
    assert told in done.output


def test_vacant_land_in_the_wrong_unit_is_told(tmp_path):
    output = planned(tmp_path, "[plan]\nat_least = 0.7\n", parks=parks((9e9, 0.0, 0.0)), code=2)
    assert "vacant_land_m2" in output
    assert "甲园" in output
    plan, _ = planned(tmp_path, "[plan]\nat_least = 0.7\n", parks=parks((20.0, 0.0, 9.0)))  # 亩, as it seems
    assert any("亩" in note for note in plan["notes"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('indicator = "green_ratio"\n', "green_ratio"),
        ('targets = [{ indicator = "tax_per_mu", at_leest = 3 }]\n', "at_least"),
        ('actions = ["intensify"]\ncosts = { intensify = 5 }\n', "intensify_plot_ratio"),
        ('indicator = "tax_per_mu"\nat_least = 9\nactions = ["infill"]\ncosts = { infill = 5 }\n', "infill_yields"),
        ('district_quotas = { "nowhere" = 10 }\n', "nowhere"),
        ("costs = { retire = -5, relocate = 1 }\n", "retire = -5"),
        ("costs = { retire = {}, relocate = 1 }\n", "retire"),
    ],
)
def test_check_tells_what_no_plan_could_be_made_with(tmp_path, text, told):
    layers = {"buildings": None, "enterprises": None, "holdings": None, "districts": city.districts()}
    data = city.write(tmp_path, f"[plan]\n{text}", parcels=parcels(), parks=parks(), **layers)
    done = CliRunner().invoke(main, ["check", str(data), "-q", "-o", str(tmp_path / "found")])
    assert done.exit_code == 2, done.stderr
    assert told in done.stderr


def test_a_file_of_locks_that_is_not_there_is_told_as_missing(tmp_path):
    told = planned(tmp_path, '[plan]\nat_least = 0.7\nlocks = "decisions.csv"\n', code=3)
    assert "decisions.csv”不存在" in told
    assert "读取权限" not in told
