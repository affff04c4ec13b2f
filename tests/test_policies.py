"""Every figure of every document against the printed text, and every year from 2008 on."""

from __future__ import annotations

import hashlib
import math
import re
import tomllib
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

import cli
from geo import standards
from geo.comparing.runs import Options
from geo.evaluation.years import judge
from geo.policy_files import SCOPES
from layers.project import defaults

CASES = Path(__file__).parent / "cases" / "printed"
POLICIES = standards.policies()

#: Base units of the units clauses use, by hand: 1 亩 = 2000/3 m².
FACTOR = {
    "1": 1,
    "person": 1,
    "cny": 1,
    "m2": 1,
    "mu": 2000 / 3,
    "wm2": 10_000,
    "wcny": 10_000,
    "ycny": 100_000_000,
    "wcny/mu": 10_000 / (2000 / 3),
    "wcny/person": 10_000,
    "ycny/km2": 100,
}
_CLAUSE = re.compile(r"[（(]([一二三四五六七八九十]+)[）)]")
_OPENS = re.compile(r"^[（(]([一二三四五六七八九十]+)[）)]")


def clauses(policy: str) -> dict[str, standards.Clause]:
    return {clause.id: clause for clause in standards.policy(policy).clauses}


def printed(policy: str) -> dict[str, dict]:
    return {entry["id"]: entry for entry in tomllib.loads((CASES / f"{policy}.toml").read_text("utf-8"))["figure"]}


def figures(clause: standards.Clause) -> list[float]:
    """Return the figures of a clause in base units: of the clause itself, or of its verdict."""
    if clause.value is None:
        found = () if clause.verdict is None else (clause.verdict.figure, clause.verdict.years_running)
        return [float(one) for one in found if not isinstance(one, str) and one != 1]
    ends = clause.value if isinstance(clause.value, tuple) else (clause.value,)
    return [end * FACTOR[clause.unit] for end in ends]


def worked_out(entry: dict) -> list[float]:
    """Work out arithmetic such as 40 * 10_000 / (2000 / 3): digits and operators only."""
    steps = entry["arithmetic"] if isinstance(entry["arithmetic"], list) else [entry["arithmetic"]]
    assert all(re.fullmatch(r"[\d_ .+*/()-]+", step) for step in steps), steps
    return [float(eval(step)) for step in steps]  # noqa: S307  (digits and operators of a file of ours)


FIGURES = [(policy, key) for policy in POLICIES for key, clause in clauses(policy).items() if figures(clause)]


def test_the_five_documents_are_on_board():
    asked = {"hangzhou-2023", "zhejiang-2021", "zhejiang-2018", "zhejiang-2012", "jiaxing-2022"}
    assert asked <= set(POLICIES)


@pytest.mark.parametrize("policy", POLICIES)
def test_every_figure_has_its_printed_words_and_no_other(policy):
    assert set(printed(policy)) == {key for one, key in FIGURES if one == policy}


@pytest.mark.parametrize(("policy", "key"), FIGURES)
def test_figure_is_the_printed_one(policy, key):
    assert figures(clauses(policy)[key]) == pytest.approx(worked_out(printed(policy)[key]), rel=1e-12)


@pytest.fixture
def text(shared_data: Path, policy: str) -> str:
    file = shared_data.parent / "policies" / standards.policy(policy).check.against
    if not file.is_file():
        pytest.skip(f"the text of the policy is not there: {file.name}")
    return file.read_text(encoding="utf-8")


def chapter_of(line: str, policy: str) -> str | None:
    """Return the chapter a line opens; one heading of jiaxing-2022 was published without its number."""
    title = line.strip().lstrip("一二三四五六七八九十、")
    return next((one.number for one in standards.policy(policy).chapters if one.title_zh == title), None)


def passage(policy: str, text: str, chapter: str, clause: str) -> str:
    """Return the lines of a chapter's clause; without a clause number the chapter, 引言 and 文末 the whole text."""
    number = _CLAUSE.search(clause)
    inside = clause_now = None
    found = []
    for line in text.splitlines():
        if opened := chapter_of(line, policy):
            inside, clause_now = opened, None
        if opened := _OPENS.match(line):
            clause_now = opened[1]
        if inside == chapter and (number is None or clause_now == number[1]):
            found.append(line)
    return text if clause in {"引言", "文末"} else "\n".join(found)


@pytest.mark.real_data
@pytest.mark.parametrize("policy", POLICIES)
def test_text_is_the_one_the_entries_were_checked_against(policy, text):
    assert hashlib.sha256(text.encode()).hexdigest() == standards.policy(policy).check.sha256


@pytest.mark.real_data
@pytest.mark.parametrize("policy", POLICIES)
def test_words_of_every_figure_stand_in_the_clause_cited(policy, text):
    words = printed(policy)
    for key, clause in clauses(policy).items():
        lines = passage(policy, text, clause.chapter, clause.clause)
        assert lines, f"{key}: no {clause.clause} in chapter {clause.chapter}"
        if key in words:
            assert words[key]["words"] in lines, key
        assert all(word in lines for word in (clause.wording or "").split("、")), key
        assert clause.year is None or str(clause.year) in lines, key


@pytest.mark.real_data
@pytest.mark.parametrize("policy", POLICIES)
def test_chapters_are_those_of_the_text(policy, text):
    for chapter in standards.policy(policy).chapters:
        assert any(chapter_of(line, policy) == chapter.number for line in text.splitlines()), chapter


@pytest.mark.real_data
@pytest.mark.parametrize("policy", POLICIES)
def test_descriptions_are_our_own_words(policy, text):
    for key, clause in clauses(policy).items():
        for start in range(len(clause.description_zh) - 11):
            assert clause.description_zh[start : start + 12] not in text, key


@pytest.mark.real_data
@pytest.mark.parametrize("policy", ["hangzhou-2023"])
def test_every_number_with_a_unit_in_the_clause_on_land_has_an_entry(policy, text):
    numbers = re.findall(r"\d+%|\d+万平方米|\d+万亩", passage(policy, text, "四", "（十）"))
    assert numbers == ["70%", "400万平方米", "1万亩"]
    words = [printed(policy)[key]["words"] for key, clause in clauses(policy).items() if clause.clause == "（十）"
             and clause.value is not None]  # fmt: skip
    assert all(any(number in told for told in words) for number in numbers)


@pytest.mark.parametrize("year", range(2008, 2027))
def test_every_target_of_every_year_has_clause_unit_and_source(year):
    day = date(year, 12, 31)
    for policy in POLICIES:
        one = standards.policy(policy)
        for clause in one.clauses:
            for level in ("city", "zones", "district", "zone", "park"):
                for target in standards.targets(clause.indicator, level, day, [policy]):
                    assert one.in_force(day)
                    assert target["clause"]
                    assert target["unit"]
                    assert one.source
                    figure = next(target[name] for name in ("at_least", "more_than", "at_most", "equals", "about",
                                                            "between") if name in target)  # fmt: skip
                    assert all(math.isfinite(end) for end in (figure if isinstance(figure, list) else [figure]))


@pytest.mark.parametrize(
    ("policy", "days"),
    [
        ("zhejiang-2012", {2011: False, 2013: True, 2020: True, 2021: False, 2026: False}),
        ("zhejiang-2018", {2017: False, 2018: True, 2022: True, 2023: False}),
        ("zhejiang-2021", {2020: False, 2021: True, 2026: True}),
        ("jiaxing-2022", {2021: False, 2022: True, 2026: True}),
        ("hangzhou-2023", {2022: False, 2023: True, 2026: True}),
    ],
)
def test_when_each_document_answers(policy, days):
    assert {year: standards.policy(policy).in_force(date(year, 12, 31)) for year in days} == days


def test_the_repealed_document_answers_until_the_day_before():
    one = standards.policy("zhejiang-2012")
    assert one.in_force(date(2021, 7, 14))
    assert not one.in_force(date(2021, 7, 15))


# ---------------------------------------------------------------- what is stated, softened, unknown


def test_a_statement_of_what_there_was_is_no_limit():
    for key, count in (("P1a", "3"), ("P1b", "16")):
        clause = clauses("zhejiang-2012")[key]
        assert (clause.comparison, clause.value, clause.unit, clause.about.unit) == ("rule", None, None, "")
        assert f" {count} " in clause.description_zh
        assert f" {count} " in clause.description_en


def test_what_is_from_memory_stands_in_no_official_field():
    one = standards.policy("zhejiang-2012")
    assert (one.number, one.dated) == (None, None)
    assert "66号" in one.status_zh
    assert standards.short_name("zhejiang-2012") == one.title
    told = standards.to_json(one)
    assert (told["number"], told["dated"], told["in_force_from"]) == (None, None, "2012-12-31")


def test_a_verdict_does_what_its_reading_says():
    # The third year ends the rank in the verdict; a reading that only warns would deny it.
    last_three = clauses("zhejiang-2012")["P14d"]
    readings = {question.question_en: question for question in last_three.open}
    question = readings["Is the rank lost in the third year, or is there a warning first?"]
    rows = pd.DataFrame(
        {"zone_name": "甲", "year": [2013, 2014, 2015], "level": "provincial", "ranking": "province", "rank": 19,
         "ranked": 19}
    )  # fmt: skip
    states = judge(rows, ["zhejiang-2012"]).states.set_index("year")["state_after"].to_dict()
    assert states == {2013: "provincial", 2014: "provincial", 2015: "delisted"}
    assert question.assumed == "at_once"
    assert "不" not in question.reading("zh").split("。")[0]
    assert "does not say when" in question.reading("en")


@pytest.mark.parametrize(
    ("policy", "key", "words"),
    [
        ("zhejiang-2018", "T1a", ["力争", "左右"]),
        ("zhejiang-2018", "T1b", ["力争", "左右"]),
        ("zhejiang-2018", "T1c", ["力争", "左右"]),
        ("hangzhou-2023", "H26", ["鼓励"]),
        ("hangzhou-2023", "H28a", ["引导"]),
        ("hangzhou-2023", "H28b", ["原则上"]),
    ],
)
def test_words_that_soften_are_kept(policy, key, words):
    assert clauses(policy)[key].wording.split("、") == words


@pytest.mark.parametrize("key", ["T8b", "T11", "T12"])
def test_what_binds_cities_and_counties_does_not_bind_the_province(key):
    clause = clauses("zhejiang-2018")[key]
    assert SCOPES[clause.scope] == {"city": True, "district": True}
    if clause.value is not None:
        (target,) = standards.targets(clause.indicator, "district", date(2022, 12, 31), ["zhejiang-2018"], 0.25)
        assert (target["binding"], target["met"], target["gap"]) == (True, False, pytest.approx(0.25 - 0.20))


def test_every_item_of_the_clauses_on_land_talents_and_meetings_is_there():
    land = clauses("hangzhou-2023")
    assert land["H25c"].about.title_zh == "开发利用强度"
    assert (land["H34a"].comparison, land["H34a"].value, land["H34a"].clause) == ("at_most", 5, "（十二）")
    assert (land["H34b"].comparison, land["H34b"].value) == ("at_most", 65)
    assert (land["H42b"].comparison, land["H42b"].value, land["H42b"].scope) == ("at_least", 1, "city")
    assert "品牌" in land["H13"].description_zh


@pytest.mark.parametrize(
    ("policy", "growing"), [("hangzhou-2023", {"H5", "H14", "H16"}), ("zhejiang-2012", {"P2b", "P5b"})]
)
def test_a_growth_asks_for_its_base_year(policy, growing):
    asked = {
        key for key, clause in clauses(policy).items() if any("base year" in one.question_en for one in clause.open)
    }
    assert growing <= asked


def test_a_rank_in_the_nation_says_which_ranking():
    for policy, key in (("zhejiang-2021", "Z9a"), ("jiaxing-2022", "J9b")):
        assert [one.question_en for one in clauses(policy)[key].open] == ["Which national ranking counts?"]


OPENS = [(policy, key, one) for policy in POLICIES for key, clause in clauses(policy).items() for one in clause.open]


def test_what_decides_over_a_reading_is_a_key_or_an_option_there_is():
    told = {one.set_by for *_, one in OPENS} - {None}
    keys = {one for one in told if one in defaults()}
    assert keys == {"land_use.industrial", "project.area", "evaluation.rounding", "control.sub_regions"}
    layers = {one.removeprefix("layers.") for one in told - keys if one.startswith("layers.")}
    assert layers <= {"parks", "targets"}
    (command,) = (one for one in told - keys if not one.startswith("layers."))
    options = {option for one in cli.main.commands["compare"].params for option in one.opts}
    assert set(command.removeprefix("compare ").split(", ")) <= options


def test_small_land_is_read_as_compare_counts_it():
    clause = clauses("hangzhou-2023")["H28b"]
    reading, asked = clause.open[0].reading("en"), Options()
    assert f"below {asked.minimum_m2:g} m²" in reading
    assert f"不足 {asked.minimum_m2:g} 平方米" in clause.open[0].reading("zh")
    assert f"不超过 {asked.tolerance_m:g} 米" in clause.open[0].reading("zh")
    assert f"up to {asked.tolerance_m:g} m wide" in reading
    assert asked.exceptions == {}
    assert "no exception but those the user lists" in reading


def test_a_reading_that_nothing_sets_is_not_called_an_option():
    page = (Path(cli.__file__).parent / "docs" / "policies.md").read_text("utf-8")
    assert "a stated assumption, which no setting changes, unless a key" in page.replace("\n", " ")
    for _, key, one in OPENS:
        assert f"| {key} | {one.question_en} | {one.reading('en')} | {one.set_by or ''} |" in page


def test_a_clause_that_counts_zones_of_a_kind_binds_the_city():
    # jiaxing-2022 一（二）: five provincial zones of the city among the first twenty; four lack one.
    name, day = "provincial_zones_in_provincial_top_20", date(2025, 12, 31)
    (target,) = standards.targets(name, "city", day, ["jiaxing-2022"], 4)
    assert (target["binding"], target["met"], target["gap"]) == (True, False, 1)
