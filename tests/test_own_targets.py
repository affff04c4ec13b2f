"""The project's own targets: which year, which place, in which unit, and rows that are wrong."""

from __future__ import annotations

import json
import re
from datetime import date

import hand_city as city
import pandas as pd
import pytest
from click.testing import CliRunner

import cli
from geo.own_targets import asked_by_project, own_targets
from layers.errors import ProjectError

COLUMNS = ["indicator", "scope", "year", "comparison", "value", "unit", "source"]
DAY = date(2025, 12, 31)


def known(*rows):
    return own_targets(pd.DataFrame(rows, columns=COLUMNS), city="杭州市")


def asked(targets, indicator="tax_per_mu", level="zone", place=("Z1", "东区"), value=20.0, on=DAY):
    return asked_by_project(targets, indicator, level, place, on, value)


def test_a_level_and_a_place_of_its_own():
    targets = known(
        ("亩均税收", "每个开发区", 2025, None, 25, None, "三年行动计划"),
        ("tax_per_mu", "西区", 2025, None, 18, None, None),
    )
    (east,) = asked(targets)
    assert (east["at_least"], east["met"], east["gap"], east["clause"]) == (25, False, 5.0, "三年行动计划")
    (west,) = asked(targets, place=("Z2", "西区"))
    assert (west["at_least"], west["met"]) == (18, True)
    assert asked(targets, level="city", place=("杭州市", "杭州市")) == []
    assert asked(targets, indicator="plot_ratio") == []


@pytest.mark.parametrize(
    ("day", "figure"), [(2023, 20), (2024, 24), (2025, 30), (2026, 30)]
)  # the first year from the day on; after the last year, that one
def test_of_several_years_the_next_one_counts(day, figure):
    rows = [
        ("tax_per_mu", "全市", year, "at_least", value, None, None)
        for year, value in ((2025, 30), (2023, 20), (2024, 24))
    ]
    (one,) = asked(known(*rows), level="city", place=("x", "x"), on=date(day, 6, 30))
    assert one["at_least"] == figure


@pytest.mark.parametrize(
    ("row", "level", "figure"),
    [
        # 6 亿元/km² are 40 万元/亩: 6e8 ÷ 1e6 = 600 元/m²; × 2000/3 m² ÷ 1e4.
        (("tax_per_mu", "开发区合计", 2025, None, 6, "亿元/平方公里", None), "zones", 40.0),
        (("industrial_concentration", "杭州市", 2025, None, 70, "%", None), "city", 0.7),
        (("industrial_concentration", "全市", 2025, None, 0.7, None, None), "city", 0.7),
    ],
)
def test_units_are_turned_into_the_indicators_own(row, level, figure):
    (one,) = known(row)
    assert (one.level, one.value) == (level, pytest.approx(figure))


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (
            ("亩均税", "全市", 2025, None, 1, None, None),
            'row 2: no indicator is called "亩均税"; did you mean "亩均税收"?',
        ),
        (("tax_per_mu", "全市", 2025, None, 1, "公顷", None), 'row 2: tax_per_mu: "公顷" cannot become "wcny/mu"'),
        (("industrial_concentration", "全市", 2025, None, 70, None, None), "a share is a fraction; write 0.7"),
        (("tax_per_mu", "全市", None, None, 1, None, None), "row 2: year is missing"),
        (("tax_per_mu", "全市", 2025, None, None, None, None), "row 2: value is missing"),
        (("亩均税收", "每个开发区", 2025, None, 26, None, None), "row 1 and 2: tax_per_mu of 2025 stands twice"),
    ],
)
def test_a_wrong_row_is_named(row, told):
    with pytest.raises(ProjectError, match=re.escape(told)):
        known(("tax_per_mu", "每个开发区", 2025, None, 25, None, None), row)


def test_measure_and_report_show_them(tmp_path):
    place = city.write(tmp_path / "data")
    (place / "targets.csv").write_text(
        "指标,范围,年份,目标值,来源\n亩均税收,每个开发区,2025,30,三年行动计划\n工业用地集聚度,全市,2025,60%,三年行动计划\n",
        encoding="utf-8-sig",
    )
    with (place / "project.toml").open("a", encoding="utf-8") as file:
        file.write('[layers.targets]\nsource = "targets.csv"\n')
    done = CliRunner().invoke(cli.main, ["measure", str(place), "--json", "-q"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["indicators"]
    found = {(row["id"], row["scope"]["level"], row["scope"]["id"]): row for row in rows}
    share = found["industrial_concentration", "city", next(key[2] for key in found if key[1] == "city")]
    told = [(one["policy"], one["at_least"], one["met"]) for one in share["targets"]]
    assert told == [("hangzhou-2023", 0.7, False), ("project", 0.6, False)]
    own = [one["at_least"] for one in found["tax_per_mu", "zone", "Z1"]["targets"] if one["policy"] == "project"]
    assert own == [30.0]
    for folder, language in (("zh", "zh"), ("en", "en")):
        done = CliRunner().invoke(
            cli.main, ["report", str(place), "-o", str(tmp_path / folder), "-q", "--lang", language]
        )
        assert done.exit_code == 0, done.output
        text = (tmp_path / folder / "report.html").read_text(encoding="utf-8")
        assert "三年行动计划" in text
        assert ("project target" if language == "en" else "项目目标") in text
