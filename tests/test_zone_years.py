"""Zones over the years: hand-worked histories, refusals, leagues, properties."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import policy_files, standards
from geo.evaluation.ranks import rank_zones
from geo.evaluation.year_rules import rules_in_force
from geo.evaluation.years import judge, league
from layers.errors import ProjectError, StandardError

CASES = tomllib.loads((Path(__file__).parent / "cases" / "zone-years.toml").read_text("utf-8"))["case"]
COLUMNS = ["zone_name", "year", "level", "rank", "ranked", "grade", "ranking", "group"]
FILLED = [None] * 5 + ["", "province", ""]


def table(*rows: list) -> pd.DataFrame:
    """Rows as in the cases, filled up."""
    return pd.DataFrame([[*row, *FILLED[len(row) :]] for row in rows], columns=COLUMNS)


def told(found, language: int = 0) -> str:
    return "\n".join(one[language] for one in found.told)


def worked_out(text: str) -> float:
    """Work out arithmetic: digits and operators only."""
    assert re.fullmatch(r"[\d_ .+*/()-]+", text), text
    return float(eval(text))  # noqa: S307  (digits and operators of a file of ours)


# ---------------------------------------------------------------- worked cases


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_worked_history(case):
    found = judge(table(*case["rows"]), case["policies"], rounding=case.get("rounding", "floor"))
    shown = (
        found.table[["zone", "year", "verdict", "clause_id", "state_before", "state_after"]]
        .to_numpy(dtype=object)
        .tolist()
    )
    assert sorted(shown) == sorted(case["verdicts"])
    assert found.table["year"].is_monotonic_increasing
    for words in case.get("told", []):
        assert words in told(found)
    if "limit" in case:
        limit = f"{worked_out(case['limit']):.10g}"
        assert found.table["explanation_en"].str.contains(f"= {limit}, counted as").any()
        assert found.table["explanation_zh"].str.contains(f"= {limit}，取").any()


def test_every_rule_on_board_has_a_worked_case():
    rules = {
        clause.id for one in map(standards.policy, standards.policies()) for clause in one.clauses if clause.verdict
    }
    assert rules == {verdict[3] for case in CASES for verdict in case["verdicts"]}


def test_an_explanation_names_years_ranks_number_limit_and_state():
    rows = table(["甲", 2021, "candidate", 4, 36], ["甲", 2022, "candidate", 5, 36])
    found = judge(rows, ["zhejiang-2021"]).table.iloc[0]
    assert found["explanation_en"] == (
        "2021: rank 4 of 36 in the province, limit 15 % of 36 = 5.4, counted as 5; "
        "2022: rank 5 of 36 in the province, limit 15 % of 36 = 5.4, counted as 5; "
        "2 years running → direct recognition (zhejiang-2021 七（三）); state: candidate → provincial"
    )
    assert found["explanation_zh"] == (
        "2021 年全省 36 个中列第 4 位，界限 15% × 36 = 5.4，取 5；"
        "2022 年全省 36 个中列第 5 位，界限 15% × 36 = 5.4，取 5；"
        "连续 2 年 → 直接认定（zhejiang-2021 七（三））；状态：省级创建 → 省级"
    )


def test_an_explanation_of_a_delisting_names_both_cards():
    rows = table(["甲", 2020, "provincial", 38, 40], ["甲", 2021, "provincial", 20, 40, "failed"])
    found = judge(rows, ["zhejiang-2012", "zhejiang-2021"]).table.set_index("clause_id")
    assert found.loc["P14b", "explanation_en"] == (
        "2020: rank 38 of 40 in the province, the last 3 begin at 38 → yellow card (zhejiang-2012 十一); "
        "state stays provincial"
    )
    assert found.loc["Z20", "explanation_en"] == (
        "2020: yellow card; 2021: yellow card; 2 years running → delisting (zhejiang-2021 七（三）); "
        "state: provincial → delisted"
    )
    assert found.loc["Z18b", "explanation_zh"].startswith("2021 年评价为不合格 → 黄牌警告")


def test_an_explanation_of_a_rise_counts_the_places():
    rows = table(["甲", 2021, "provincial", 27, 40], ["甲", 2022, "provincial", 17, 40])
    found = judge(rows, ["jiaxing-2022"]).table
    assert found["explanation_en"][0].startswith(
        "2021: rank 27; 2022: rank 17 of 40 in the province: 10 places up, limit 10"
    )
    assert found["explanation_zh"][0].startswith(
        "2021 年第 27 位；2022 年全省 40 个中列第 17 位：前移 10 位，界限为 10 位"
    )


# ---------------------------------------------------------------- states


def test_states_year_by_year():
    rows = table(
        ["甲", 2021, "candidate", 3, 40], ["甲", 2022, "candidate", 3, 40], ["甲", 2024, "candidate", 30, 40],
        ["乙", 2022, "provincial", 40, 40, "failed"], ["乙", 2023, "provincial", 40, 40, "failed"],
    )  # fmt: skip
    states = judge(rows, ["zhejiang-2021"]).states
    assert states[["zone", "year", "state", "state_after", "evaluated"]].to_numpy(dtype=object).tolist() == [
        ["乙", 2022, "provincial", "provincial", True],
        ["乙", 2023, "provincial", "delisted", True],
        ["乙", 2024, "delisted", "delisted", False],
        ["甲", 2021, "candidate", "candidate", True],
        ["甲", 2022, "candidate", "provincial", True],
        ["甲", 2023, "provincial", "provincial", False],
        ["甲", 2024, "provincial", "provincial", True],
    ]


def test_a_recognised_zone_called_candidate_still_is_judged_as_provincial():
    rows = table(*(["甲", year, "candidate", 3, 40] for year in (2021, 2022, 2023, 2024)))
    found = judge(rows, ["zhejiang-2021"])
    assert found.table["clause_id"].tolist() == ["Z19", "Z21b", "Z21b"]
    assert "still called candidate after recognition; judged as provincial: 甲 2023; 甲 2024" in told(found)


def test_the_level_of_the_table_counts_otherwise_and_a_change_is_told():
    rows = table(["甲", 2021, "candidate", 30, 40], ["甲", 2022, "provincial", 5, 40])
    found = judge(rows, ["zhejiang-2021"])
    assert found.table["clause_id"].tolist() == ["Z21b"]
    assert "甲 2022 candidate → provincial" in told(found)
    assert "甲 2022 省级创建 → 省级" in told(found, 1)


def test_a_level_is_carried_on_and_a_zone_without_any_is_not_judged():
    rows = table(["甲", 2021, "provincial", 5, 40], ["甲", 2022, "", 4, 40], ["乙", 2022, "", 1, 40])
    found = judge(rows, ["zhejiang-2021"])
    assert found.table[["zone", "year"]].to_numpy(dtype=object).tolist() == [["甲", 2021], ["甲", 2022]]
    assert "no level known, so not judged: 乙 2022" in told(found)


def test_recognised_and_failed_twice_in_one_year_is_delisted_and_told():
    rows = table(*(["甲", year, "candidate", 1, 40, "failed"] for year in (2021, 2022)))
    found = judge(rows, ["zhejiang-2021"])
    assert set(found.table.loc[found.table["year"] == 2022, "verdict"]) == {"yellow_card", "recognition", "delisting"}
    assert found.states["state_after"].tolist() == ["candidate", "delisted"]
    assert "recognised and delisted in one year" in told(found)


# ---------------------------------------------------------------- which rules, of whom


def test_the_rules_are_those_of_31_december():
    both = [standards.policy(one) for one in ("zhejiang-2012", "zhejiang-2021")]
    assert {rule.policy.id for rule in rules_in_force(both, 2020)} == {"zhejiang-2012"}
    assert {rule.policy.id for rule in rules_in_force(both, 2021)} == {"zhejiang-2021"}
    assert rules_in_force(both, 2011) == ()


def test_without_a_rule_there_is_no_verdict_and_that_is_told():
    found = judge(table(["甲", 2009, "provincial", 1, 40]), ["zhejiang-2012", "hangzhou-2023"])
    assert found.table.empty
    assert "no rule in force on 31 December of 2009" in told(found)


def test_a_document_holds_in_its_region_only():
    rows = table(
        ["甲", 2022, "provincial", 5, 40], ["乙", 2022, "provincial", 4, 40], ["丙", 2022, "provincial", 3, 40]
    )
    rows["region"] = ["浙江省嘉兴市南湖区", "浙江省杭州市", "江苏省苏州市"]
    found = judge(rows, ["zhejiang-2021", "jiaxing-2022"])
    assert sorted(found.table[["zone", "clause_id"]].to_numpy(dtype=object).tolist()) == [
        ["乙", "Z21b"],
        ["甲", "J19b"],
        ["甲", "Z21b"],
    ]
    assert "lies where none of the documents holds: 丙 江苏省苏州市" in told(found)


def test_what_the_documents_leave_open_is_told_with_the_reading_in_use():
    rows = table(["甲", 2022, "candidate", 5, 40])
    floor, ceil = (told(judge(rows, ["zhejiang-2021"], rounding=one)) for one in ("floor", "ceil"))
    assert "How is 15 % rounded when it is no whole number of zones? → down" in floor
    assert "How is 15 % rounded when it is no whole number of zones? → up" in ceil
    assert "Ranked among which zones? → all zones in the ranking the province publishes" in floor
    assert "zhejiang-2021 binds zones in 浙江省, of the kind 高新" in floor
    assert "(1 name no region)" in floor
    assert "zhejiang-2021 七（三） Z18a, zhejiang-2021 七（三） Z18b: Does the province's" in floor
    assert "counted in the table" not in floor  # the table says how many zones were ranked


def test_a_document_given_as_such_or_twice():
    rows = table(["甲", 2022, "provincial", 5, 40])
    once = judge(rows, ["zhejiang-2021"]).table
    assert judge(rows, [standards.policy("zhejiang-2021"), "zhejiang-2021"]).table.equals(once)


def test_rules_of_a_document_of_ones_own(tmp_path):
    clause = """
[[clause]]
id = "{id}"
chapter = "一"
clause = "一"
statistic = "zone_ranking"
comparison = "rule"
scope = "zone"
description_zh = "示例"
description_en = "an example"
[clause.verdict]
kind = "{kind}"
levels = ["municipal"]
ranking = "city"
{condition}
"""
    head = """
id = "own-2020"
title = "示例"
title_en = "example"
issuer = "示例"
region = "浙江省"
dated = 2020-01-01
in_force_from = 2020-01-01
status_zh = "示例"
status_en = "example"
binds_zh = "示例"
binds_en = "example"
source = "示例"
[check]
on = 2026-01-01
against = "none"
sha256 = "0"
[[chapter]]
number = "一"
title_zh = "示例"
title_en = "example"
"""
    text = head + clause.format(id="A1", kind="delisting", condition='after = "yellow_card"\nyears_running = 3')
    text += clause.format(id="A2", kind="yellow_card", condition="worst = 1")
    text += clause.format(id="A3", kind="funding", condition="best_share = 0.29\nyears_running = 2")
    file = tmp_path / "own-2020.toml"
    file.write_text(text, encoding="utf-8")
    rows = table(
        *(["甲", year, "municipal", 2, 2, "", "city"] for year in (2020, 2021, 2022)),
        *(["乙", year, "municipal", 1, 2, "", "city"] for year in (2020, 2021, 2022)),
        *(["丙", year, "municipal", 29, 100, "", "city", "大区"] for year in (2020, 2021)),
    )
    found = judge(rows, [policy_files.load(file)]).table
    assert found[["zone", "year", "clause_id"]].to_numpy(dtype=object).tolist() == [
        ["甲", 2020, "A2"], ["丙", 2021, "A3"], ["甲", 2021, "A2"], ["甲", 2022, "A2"], ["甲", 2022, "A1"],
    ]  # fmt: skip


# ---------------------------------------------------------------- names


CHANGED = [["旧名", 2021, "candidate", 3, 40], ["新名", 2022, "candidate", 3, 40]]


def test_a_change_of_name_is_asked_not_guessed():
    found = judge(table(*CHANGED), ["zhejiang-2021"])
    assert found.table.empty
    assert "last seen in 2021: 旧名; first seen in 2022: 新名. Did a zone change its name?" in told(found)
    assert "2021 年后不再出现：旧名；2022 年首次出现：新名。是否更名？" in told(found, 1)


def test_a_change_of_name_by_table():
    renames = pd.DataFrame({"old_name": ["旧名"], "new_name": ["新名"], "since_year": [2022]})
    found = judge(table(*CHANGED), ["zhejiang-2021"], renames=renames)
    assert found.table[["zone", "zone_name", "year", "verdict"]].to_numpy(dtype=object).tolist() == [
        ["新名", "新名", 2022, "recognition"]
    ]
    assert "旧名 → 新名: one zone (新名)" in told(found)
    assert "Did a zone change" not in told(found)


def test_a_change_of_name_by_id():
    found = judge(table(*CHANGED).assign(zone_id="G01"), ["zhejiang-2021"])
    assert found.table[["zone", "zone_name", "year", "verdict"]].to_numpy(dtype=object).tolist() == [
        ["G01", "新名", 2022, "recognition"]
    ]
    assert "旧名 → 新名: one zone (G01)" in told(found)


def test_a_name_borne_by_one_id_stands_for_it():
    rows = table(["甲", 2021, "candidate", 3, 40], ["甲", 2022, "candidate", 3, 40]).assign(zone_id=["G01", None])
    assert rank_zones(rows).rows["zone"].tolist() == ["G01", "G01"]


def test_a_name_borne_by_two_ids_needs_one():
    rows = table(["甲", 2021, "", 1, 40], ["甲", 2021, "", 2, 40], ["甲", 2022, "", 3, 40])
    with pytest.raises(ProjectError, match=r'row 3: "甲" has no zone_id, and 2 zones bear that name \(G01, G02\)'):
        rank_zones(rows.assign(zone_id=["G01", "G02", ""]))


def test_two_changes_of_name_and_a_name_still_in_use():
    renames = pd.DataFrame({"old_name": ["乙", "甲"], "new_name": ["丙", "乙"], "since_year": ["2022", "2021"]})
    rows = table(["甲", 2020, "", 1, 9], ["乙", 2021, "", 1, 9], ["丙", 2022, "", 1, 9], ["甲", 2021, "", 2, 9])
    found = rank_zones(rows, renames)
    assert found.rows["zone"].tolist() == ["丙", "丙", "甲", "丙"]
    assert '"甲" is "乙" since 2021, but has rows in 2021: kept apart' in told(found)


def test_a_change_of_name_that_concerns_nobody_is_told():
    renames = pd.DataFrame({"old_name": ["旧铭"], "new_name": ["新名"], "since_year": [2022]})
    assert 'renames: no row is of "旧铭"; did you mean "旧名"?' in told(rank_zones(table(*CHANGED), renames))
    with pytest.raises(ProjectError, match="renames, entry 1: since_year is missing"):
        rank_zones(table(*CHANGED), renames.drop(columns="since_year"))
    with pytest.raises(ProjectError, match='renames, row 1: "旧铭" → "新名" since "去年"'):
        rank_zones(table(*CHANGED), renames.assign(since_year="去年"))


# ---------------------------------------------------------------- ranks


def test_ranks_are_made_from_scores_within_ranking_and_group():
    rows = pd.DataFrame(
        {
            "zone_name": ["甲", "乙", "丙", "丁", "戊"],
            "year": 2022,
            "group": ["", "", "", "山区", "山区"],
            "score": [80.0, 90.0, 80.0, 60.0, None],
        }
    )
    found = rank_zones(rows)
    shown = found.rows.set_index("zone")
    assert shown["rank"].dropna().to_dict() == {"甲": 2, "乙": 1, "丙": 2, "丁": 1}
    assert shown.loc[["甲", "丁"], "ranked"].tolist() == [3, 1]
    assert shown["tied"].to_dict() == {"甲": True, "乙": False, "丙": True, "丁": False, "戊": False}
    assert "5 of 5 rows name no ranking: taken as that of the province" in told(found)
    assert "ranks made from scores: 2022 province; 2022 province (山区)" in told(found)
    assert "say so in the column ranked: 2022 province 3; 2022 province (山区) 1" in told(found)
    assert "zones share a rank, and the next ranks are left free: 2022 province 2 (甲, 丙)" in told(found)
    assert "zones without rank, counted in no ranking: 2022 province (山区) 戊" in told(found)


def test_a_tie_spares_both_the_last_places():
    rows = pd.DataFrame(
        {
            "zone_name": list("甲乙丙丁戊己"),
            "year": 2015,
            "level": "provincial",
            "ranking": "province",
            "score": [90.0, 80.0, 70.0, 70.0, 60.0, 50.0],
        }
    )
    found = judge(rows, ["zhejiang-2012"]).table
    # ranks 1, 2, 3, 3, 5, 6: the last three begin at 4
    assert found.loc[found["verdict"] == "yellow_card", "zone"].tolist() == ["己", "戊"]
    tied = found[(found["zone"] == "丙") & (found["verdict"] == "commendation")]["explanation_en"]
    assert tied.str.startswith("2015: rank 3 of 6 in the province, tied, limit 5").all()


def test_scores_of_a_part_make_no_rank():
    rows = pd.DataFrame({"zone_name": ["甲", "乙"], "year": 2022, "score": [80.0, 90.0], "ranked": 40})
    found = rank_zones(rows)
    assert found.rows["rank"].isna().all()
    assert "scores of a part of the zones make no rank" in told(found)


def test_gaps_and_ranks_against_the_score_are_told():
    rows = pd.DataFrame(
        {"zone_name": list("甲乙丙丁"), "year": 2022, "rank": [1, 2, 4, 4], "score": [70.0, 80.0, 60.0, 60.0]}
    )
    found = rank_zones(rows)
    assert "ranks nobody holds: 2022 province 3" in told(found)
    assert "a better rank with a lower score; the rank is used: 2022 province 甲 / 乙" in told(found)
    assert found.rows["ranked"].tolist() == [4, 4, 4, 4]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            [["甲", 2021, "", 1, None], ["乙", 2021, "", 3, None]],
            "2021 province: 1 ranks are beyond the 2 zones of the ranking: 乙 3 (row 2)",
        ),
        ([["甲", 2021, "", 41, 40]], "beyond the 40 zones of the ranking: 甲 41 (row 1)"),
        ([["甲", 2021, "", 1, 40], ["乙", 2021, "", 2, 41]], "ranked is 40 and 41"),
        ([["甲", 2021, "", 1, 1], ["乙", 2021, "", 1, 1]], "ranked says 1 zones, the table has 2"),
        (
            [["乙", 2021, "", 2, 40], ["甲", 2021, "", 1, 40], ["甲", 2021, "", 3, 40]],
            '"甲" stands 2 times in 2021 province (rows 2, 3)',
        ),
        (
            [["甲", 2021, "national", 1, 40], ["甲", 2021, "provincial", 3, 169, "", "nation"]],
            '"甲" has several levels in 2021: national / provincial (rows 1, 2)',
        ),
        ([["甲", 2021, "省级", 1, 40]], 'level is "省级" (row 1). Expected one of national, provincial'),
        ([["甲", 2021, "provincal", 1, 40]], 'did you mean "provincial"?'),
        ([["甲", 2021, "", 1, 40, "fail"]], 'grade is "fail" (row 1)'),
        ([["甲", 2021, "", 1, 40, "", "world"]], 'ranking is "world" (row 1)'),
        ([["甲", 2021, "", 0, 40]], "row 1: rank is 0. Expected a whole number from 1"),
        ([["甲", 2021, "", 1.5, 40]], "row 1: rank is 1.5"),
        ([["甲", "去年", "", 1, 40]], "row 1: year is 去年"),
        ([["甲", None, "", 1, 40]], "year is missing in 1 of 1 rows (row 1)"),
        ([[" ", 2021, "", 1, 40]], "zone_name is missing in 1 of 1 rows (row 1)"),
    ],
)
def test_tables_that_are_refused(rows, words):
    with pytest.raises(ProjectError, match=re.escape(words)) as caught:
        judge(table(*rows), ["zhejiang-2021"])
    assert caught.value.exit_code == 2
    assert caught.value.zh.startswith("layers.evaluations：")


def test_calls_that_are_refused():
    with pytest.raises(ProjectError, match="row 2: score is 良"):
        rank_zones(pd.DataFrame({"zone_name": ["甲", "乙"], "year": 2021, "score": [None, "良"]}))
    with pytest.raises(ProjectError, match='column "zone_name" is missing'):
        judge(pd.DataFrame({"year": [2021]}), ["zhejiang-2021"])
    with pytest.raises(ProjectError, match='rounding = "down" is unknown'):
        judge(table(["甲", 2021, "", 1, 40]), ["zhejiang-2021"], rounding="down")
    with pytest.raises(StandardError, match='Did you mean "zhejiang-2021"'):
        judge(table(["甲", 2021, "", 1, 40]), ["zhejiang-2012", "zhejiang2021"])


def test_an_empty_table_gives_an_empty_answer():
    found = judge(table(), ["zhejiang-2021"])
    assert (len(found.table), len(found.states)) == (0, 0)


def test_shown_as_text_and_html():
    found = judge(table(["<b>", 2022, "provincial", 5, 40]), ["zhejiang-2021"])
    assert str(found).startswith("1 zones, 1 years: 1 verdicts (rounding = floor)")
    assert "<b>" not in found._repr_html_()


# ---------------------------------------------------------------- league


def interim() -> pd.DataFrame:
    return pd.DataFrame(
        [
            ["甲", 2022, "Q4", "", 80.0], ["乙", 2022, "Q4", "", 70.0], ["丙", 2022, "Q4", "山区", 60.0],
            ["甲", 2023, "第一季度", "", 81.0], ["乙", 2023, "q1", "", 90.0], ["丙", 2023, "1季度", "", 85.0],
            ["甲", 2023, "3", "", 1.0], ["甲", 2023, "4月份", "", 2.5], ["甲", 2023, "年度", "", 82.0],
        ],
        columns=["zone_name", "year", "period", "group", "score"],
    )  # fmt: skip


def test_a_league_ranks_a_period_and_names_the_change():
    found = league(interim(), "2023-Q1")
    assert found[["rank", "zone", "score"]].to_numpy(dtype=object).tolist() == [
        [1, "乙", 90.0],
        [2, "丙", 85.0],
        [3, "甲", 81.0],
    ]
    assert found["rank_change"].tolist() == [1, pd.NA, -2]  # 丙 was in another group the quarter before
    assert found["score_change"].fillna(-1).tolist() == [20.0, -1, 1.0]


def test_a_league_of_a_month_and_of_a_year():
    assert league(interim(), "2023-04")["score_change"].tolist() == [1.5]
    assert league(interim(), "2023-4")["score_change"].tolist() == [1.5]
    assert league(interim(), "2023")["score"].tolist() == [82.0]


def test_peer_groups_stand_apart_in_a_league():
    found = league(interim(), "2022-q4")
    assert found[["group", "rank", "zone"]].to_numpy(dtype=object).tolist() == [
        ["", 1, "甲"],
        ["", 2, "乙"],
        ["山区", 1, "丙"],
    ]


def test_a_period_that_is_not_there_names_those_that_are():
    with pytest.raises(
        ProjectError, match=r'no row is of the period "2023-Q2".*Periods there are: 2022-Q4, 2023, 2023-03'
    ):
        league(interim(), "2023-Q2")
    with pytest.raises(ProjectError, match='row 1: period is "H1"'):
        league(interim().assign(period="H1"), "2023-H1")


def test_quarters_and_months_lead_to_no_verdict():
    rows = interim().assign(level="provincial", ranking="province")
    found = judge(rows, ["zhejiang-2021"])
    assert found.table["year"].tolist() == [2023]  # the yearly row alone: first of one
    assert "8 of 9 rows are of a quarter or month" in told(found)
    assert judge(rows[rows["period"] != "年度"], ["zhejiang-2021"]).states.empty


# ---------------------------------------------------------------- properties

POLICIES = ["zhejiang-2012", "zhejiang-2018", "zhejiang-2021", "jiaxing-2022"]
GOOD, BAD = {"commendation", "recognition", "funding"}, {"yellow_card", "delisting"}
LAST = st.sampled_from([2016, 2021, 2022, 2023])


@st.composite
def histories(draw):
    """Three years of 4 to 20 zones, each year one order of all, levels as drawn, some years left out."""
    last, count = draw(LAST), draw(st.integers(4, 20))
    levels = draw(st.lists(st.sampled_from(["provincial", "candidate", "national"]), min_size=count, max_size=count))
    rows = []
    for year in range(last - 2, last + 1):
        order = draw(st.permutations(range(count)))
        grades = draw(st.lists(st.sampled_from(["", "failed", "excellent"]), min_size=count, max_size=count))
        rows += [[f"z{zone}", year, levels[zone], place, count, grades[zone]] for place, zone in enumerate(order, 1)]
    left_out = draw(st.sets(st.integers(0, 2 * count - 1), max_size=3))
    return [row for place, row in enumerate(rows) if place not in left_out], last


@settings(max_examples=20)
@given(histories(), st.randoms())
def test_the_order_of_rows_does_not_matter(history, random):
    rows = history[0]
    shuffled = rows.copy()
    random.shuffle(shuffled)
    one, other = judge(table(*rows), POLICIES), judge(table(*shuffled), POLICIES)
    assert one.table.equals(other.table)
    assert one.states.equals(other.states)


@settings(max_examples=20)
@given(histories(), st.data())
def test_a_better_rank_never_leads_to_a_worse_verdict(history, data):
    rows, last = history
    now = [row for row in rows if row[1] == last]
    worse = data.draw(st.sampled_from([row for row in now if row[3] > 1]))
    place = data.draw(st.integers(1, worse[3] - 1))
    better = next(row for row in now if row[3] == place)
    swapped = {id(worse): [*worse[:3], better[3], *worse[4:]], id(better): [*better[:3], worse[3], *better[4:]]}

    def clauses(rows):
        found = judge(table(*rows), POLICIES).table
        own = found[(found["zone"] == worse[0]) & (found["year"] == last)]
        return [set(own.loc[own["verdict"].isin(kinds), "clause_id"]) for kinds in (GOOD, BAD)]

    good, bad = clauses(rows)
    better_good, better_bad = clauses([swapped.get(id(row), row) for row in rows])
    assert better_good >= good
    assert better_bad <= bad


@settings(max_examples=20)
@given(histories())
def test_a_delisted_zone_stays_so_and_gets_no_verdict(history):
    found = judge(table(*history[0]), POLICIES)
    gone = found.states[found.states["state"] == "delisted"]
    judged = set(zip(found.table["zone"], found.table["year"], strict=True))
    assert not judged & set(zip(gone["zone"], gone["year"], strict=True))
    assert (gone["state_after"] == "delisted").all()


@pytest.mark.parametrize(
    ("periods", "latest"),
    [
        ([(2023, "Q4"), (2024, "Q1"), (2024, "Q2")], "2024-Q2"),
        ([(2024, "Q4"), (2024, "")], "2024"),  # the year is told when its last quarter is over
        ([(2024, "08"), (2024, "Q2")], "2024-08"),
        ([(2024, ""), (2025, "01")], "2025-01"),
    ],
)
def test_the_league_is_of_the_latest_period_unless_asked(periods, latest):
    rows = [{"zone_name": "甲", "year": year, "period": part, "rank": 1, "ranked": 5} for year, part in periods]
    assert league(pd.DataFrame(rows)).attrs["period"] == latest
