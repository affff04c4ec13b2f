"""Every figure of every document against the printed text, and every year from 2008 on."""

from __future__ import annotations

import hashlib
import math
import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

from geo import standards

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
        assert clause.wording is None or clause.wording in lines, key
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
