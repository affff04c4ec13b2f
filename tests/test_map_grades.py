"""Parcels by the grade of their main firm: by hand, in a browser, and from the command."""

import dataclasses
from pathlib import Path

import hand_city
import pandas as pd
import pytest
from test_maps import COLOURS, HOSTILE, Watched, browser, page_of, project  # noqa: F401  (fixtures)

from geo.assessment import assess
from geo.maps import draw_map, map_html, save_map
from geo.maps.facts import parcel_facts
from geo.maps.graded import grade_themes
from geo.ratings import Ratings, rate
from layers.project import loads

SCORES = """
[project]
city = "手算市"
overlap = "priority"
[grade]
classes = [{ grade = "A", score_at_least = 100 }, { grade = "B", score_at_least = 60 }, { grade = "C" }]
[grade.scores.above]
tax_per_mu = { weight = 100, benchmark = 3.0 }
[grade.scores.below]
tax_per_mu = { weight = 100, benchmark = 3.0 }
"""


@pytest.fixture(scope="module")
def city():
    return assess(hand_city.frames(), project())


@pytest.fixture(scope="module")
def graded():
    frames = hand_city.frames()
    frames["enterprises"] = frames["enterprises"].assign(scale="above")
    found = assess(frames, loads(SCORES, Path("project.toml")))
    return found, rate(found)


def stated(graded, grades):
    """The ratings with the grades somebody states, firm by firm."""
    table = graded[1].grades.table.assign(grade=grades)
    return Ratings(grades=dataclasses.replace(graded[1].grades, table=table))


def test_the_firm_with_most_land_lends_its_grade(graded):
    """F1 is on p1 and p2, F2 (20,000 m²) and F3 (5,000 m²) on p3, F4 on p4; h1 is no industrial land."""
    ratings = stated(graded, ["A", "D", "B", "exempt", "C"])
    facts = parcel_facts(graded[0])
    theme = grade_themes(graded[0], ratings.grades, facts, "zh")[0]
    words = [theme.classes[at].label for at in theme.of_parcel]
    assert dict(zip(facts["uid"], words, strict=True)) == {
        "p1": "A 类", "p2": "A 类", "p3": "D 类", "p4": "不参评", "h1": "其他用地",
    }  # fmt: skip
    assert [one.label for one in theme.classes] == ["A 类", "D 类", "不参评", "其他用地"]
    assert sum(one.parcels for one in theme.classes) == len(facts)


def test_a_firm_without_a_grade_is_hatched_and_no_d(graded):
    ratings = stated(graded, ["A", pd.NA, "D", pd.NA, pd.NA])
    theme = grade_themes(graded[0], ratings.grades, parcel_facts(graded[0]), "en")[0]
    told = {one.label: (one.parcels, one.pattern) for one in theme.classes}
    assert told["Industrial land, no firm or no grade"] == (2, "hatch")
    assert "Grade D" not in told


def test_nothing_graded_is_no_theme(city, graded):
    facts = parcel_facts(city)
    assert grade_themes(city, None, facts, "zh") == []
    assert grade_themes(graded[0], stated(graded, [pd.NA] * 5).grades, facts, "zh") == []
    assert "grades" not in [theme["id"] for theme in page_of(map_html(city))["themes"]]


@pytest.mark.browser
def test_grades_of_the_rules_are_drawn(graded, browser, tmp_path):  # noqa: F811
    found, ratings = graded
    page = Watched(browser, save_map(draw_map(found, ratings=ratings), tmp_path / "map.html"))
    page.page.check(".pw-themes input[value=grades]", force=True)
    fills = page.run(
        "Parkwise.city.theme.classes.filter(one => !one.pattern && one.parcels !== '0').map(one => one.fill)"
    )
    wanted = {",".join(str(int(fill[at : at + 2], 16)) for at in (1, 3, 5)) for fill in fills}
    assert wanted <= set(page.run(COLOURS))
    page.run("Parkwise.city.openParcel(1, true)")
    assert "B 类" in page.card()  # 60 万元 ÷ 30 亩 = 2, of 3: 67 points
    page.run("Parkwise.city.openParcel(3, true)")
    assert "A 类" in page.card()  # 90 ÷ 22.5 = 4, of 3
    assert page.told == []
    page.page.close()


@pytest.mark.browser
def test_a_hostile_grade_stays_a_word(graded, browser, tmp_path):  # noqa: F811
    drawn = draw_map(graded[0], ratings=stated(graded, HOSTILE[:5]), language="en")
    page = Watched(browser, save_map(drawn, tmp_path / "map.html"))
    page.page.check(".pw-themes input[value=grades]", force=True)
    page.run("for (let s = 0; s < Parkwise.city.data.parcels.count; s++) Parkwise.city.openParcel(s)")
    assert page.run("typeof window.pwned") == "undefined"
    assert HOSTILE[0] in page.page.inner_text(".pw-legend")
    assert page.told == []
    page.page.close()
