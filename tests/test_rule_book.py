"""The rule book as a whole: no file without a schema, no figure without source, and what wrong input is told.

Clause by clause against the printed text: test_policies.py. Broken policy files: test_standards.py.
"""

from __future__ import annotations

import re
from importlib import resources

import hand_city as city
import pytest
from click.testing import CliRunner

import cli
from geo import policy_files, standards
from geo.control import standard_limits
from geo.grading.sets import load_rules, rule_sets, rules_for
from layers.errors import StandardError

FOLDER = resources.files("geo").joinpath("policy")


def names(folder: str = "") -> set[str]:
    place = FOLDER.joinpath(folder) if folder else FOLDER
    return {one.name for one in place.iterdir() if one.is_file()}


def test_every_file_of_the_rule_book_has_a_reader_that_can_refuse_it():
    read = {f"{one}.toml" for one in standards.policies()} | {"indicators.toml", "statistics.csv", "survey_classes.csv"}
    assert names() == read
    assert names("grading") == {f"{one}.toml" for one in rule_sets()}
    assert names("control") == {"2008.csv", "codes.csv"}


@pytest.mark.parametrize("year", range(2008, 2027))
def test_a_rule_set_answers_for_its_own_year_only_and_is_sourced(year):
    if year not in (2021, 2022):
        with pytest.raises(StandardError, match=f"and the data of {year}, expected one.*There are"):
            rules_for("黄岩区", year)
        return
    rules = rules_for("黄岩区", year)
    assert rules.data_year == year
    assert rules.source
    assert rules.confidence
    for group in rules.groups:
        assert sum(one.weight for one in group.criteria) == pytest.approx(100)
        assert all(one.benchmark for one in group.criteria)


def test_every_limit_of_the_control_indicators_is_sourced():
    limits = standard_limits()
    assert limits
    for limit in limits:
        assert limit.source, limit
        assert re.search(r"\d", limit.document), limit
        assert limit.clause, limit


def test_a_policy_without_source_is_refused(tmp_path):
    file = tmp_path / "hangzhou-2023.toml"
    text = FOLDER.joinpath("hangzhou-2023.toml").read_text("utf-8")
    file.write_text(re.sub(r"(?m)^source = .*\n", "", text, count=1), encoding="utf-8")
    with pytest.raises(StandardError, match=r'hangzhou-2023\.toml: "source" is missing'):
        policy_files.load(file)


# ---------------------------------------------------------------- wrong input, from the command line

PROJECT = city.HEAD + 'industrial = ["0601"]\n' + city.named("parcels", "parks", "enterprises")

FIRMS = """enterprise_code,scale,parcel_id,tax_cny,land_registered_m2,year
F1,规上,p1,1200000,4000,2025
F2,规下,p3,600000,2000,2025
"""

RULES = """
id = "mine"
title_zh = "某县"
title_en = "A county"
kind = "project"
status_zh = "项目规则"
status_en = "rules of the project"
source = { page = "县文件", confidence = "project" }
[[group]]
id = "above"
title_zh = "规上"
title_en = "above"
who = { scale = "above" }
[[group.indicator]]
indicator = "tax_per_mu"
weight = 100
benchmark = 20
unit = "wcny/mu"
[[group.class]]
grade = "A"
score_at_least = 90
[[group.class]]
grade = "B"
[[group]]
id = "small"
title_zh = "小"
title_en = "small"
who = { scale = "below" }
[[group.indicator]]
indicator = "tax_per_mu"
weight = 100
benchmark = 4
unit = "wcny/mu"
"""


@pytest.fixture
def place(tmp_path):
    city.save(tmp_path, "parcels", "parks")
    (tmp_path / "enterprises.csv").write_text(FIRMS, encoding="utf-8-sig")
    return tmp_path


def told(place, command, text, language):
    (place / "project.toml").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(cli.main, [command, str(place / "project.toml"), "-q", "--lang", language])
    assert "Traceback" not in done.stderr
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, [line for line in done.stderr.splitlines() if line.startswith("parkwise: ")]


@pytest.mark.parametrize(
    ("old", "new", "en", "zh"),
    [
        ('"tax_per_mu"', '"tax_pr_mu"', 'group.above.tax_pr_mu: "tax_pr_mu" is no indicator', "最接近：tax_per_mu"),
        ('unit = "wcny/mu"\n', "", "group.above.tax_per_mu: the benchmark has no unit", "基准值没有单位"),
        ('"wcny/mu"', '"wcny/person"', "tax_per_mu: unit: ", "不能换算"),
        ("weight = 100", "weight = 110", "group.above: weights sum to 110, expected 100", "权重之和为 110，应为 100"),
        ('grade = "B"', 'grade = "B"\nscore_below = 80', "A ends at 90, B begins at 80", "A 止于 90，B 始于 80"),
        (
            '{ scale = "below" }',
            "{ land_below_mu = 7 }",
            "1 of 2 firms fit more than one group: F1",
            "2 家企业中有 1 家",
        ),
        ("source =", "valid_from = 2025-01-01\nvalid_to = 2024-12-31\nsource =", "lies before valid_from", "早于"),
    ],
)
def test_a_wrong_rule_file_is_told_in_one_message_with_its_place(place, old, new, en, zh):
    assert old in RULES
    (place / "mine.toml").write_text(RULES.replace(old, new, 1), encoding="utf-8")
    for language, words in (("en", en), ("zh", zh)):
        code, lines = told(place, "grade", PROJECT + '[grade]\nrules = "mine.toml"\n', language)
        assert (code, len(lines)) == (2, 1), lines
        assert "mine.toml" in lines[0]
        assert words in lines[0]


def test_a_rule_file_that_is_not_there_is_a_source_that_cannot_be_read(place):
    code, (line,) = told(place, "grade", PROJECT + '[grade]\nrules = "mine.toml"\n', "zh")
    assert code == 3
    assert line.endswith("mine.toml：评价规则文件不存在。应为 TOML 文件，路径相对于项目文件。")


def test_a_file_for_the_place_and_days_of_a_set_on_board_is_applied_and_told(tmp_path, caplog):
    head = 'place = "黄岩区"\nregion = "浙江省台州市黄岩区"\ndata_year = 2022\n'
    file = tmp_path / "mine.toml"
    file.write_text(RULES.replace("source =", f"{head}source =", 1), encoding="utf-8")
    assert load_rules(file).id == "mine"
    (record,) = caplog.records
    assert "huangyan-2022 on board is of 浙江省台州市黄岩区 too" in record.getMessage()
    with pytest.raises(StandardError, match="validity overlaps"):
        rule_sets([file])


@pytest.mark.parametrize(
    ("row", "en", "zh"),
    [
        ("规上企业总产值,开发区合计,2025,31000,亩", "that becomes CNY. Correct", "应为可换算为 元 的单位。请更正"),
        ("规上企业总产值,开发区合计,2025,31000,", "needs a unit, such as CNY.", "须注明单位，如 元。"),
        (
            "规上企业总产直,开发区合计,2025,1,亿元",
            'did you mean "规上企业总产值"? Correct',
            "是否指“规上企业总产值”？请",
        ),
        ("规上企业总产值,开发区合计,,1,亿元", "year is missing", "缺少年份"),
    ],
)
def test_a_wrong_statistic_is_told_with_its_row(place, row, en, zh):
    (place / "statistics.csv").write_text(f"指标,范围,年份,数值,单位\n{row}\n", encoding="utf-8-sig")
    text = PROJECT + '[layers.statistics]\nsource = "statistics.csv"\n'
    for language, words in (("en", en), ("zh", zh)):
        code, lines = told(place, "measure", text, language)
        assert (code, len(lines)) == (2, 1), lines
        assert "layers.statistics" in lines[0]
        assert words in lines[0]
        assert not re.search(r"[.。?？][.。]", lines[0])


def test_a_statistic_of_a_zone_that_is_not_there_is_told(place, caplog):
    rows = "指标,范围,年份,数值,单位\n主导产业个数,一取,2025,2,个\n主导产业个数,二区,2025,2,个\n"
    (place / "statistics.csv").write_text(rows, encoding="utf-8-sig")
    assert told(place, "measure", PROJECT + '[layers.statistics]\nsource = "statistics.csv"\n', "en")[0] == 0
    (line,) = [one.getMessage() for one in caplog.records if one.name == "geo.reported"]
    assert '"一取"' in line
    assert "一区" in line


@pytest.mark.parametrize(
    ("row", "renames", "en", "zh"),
    [
        ("甲区,2021,省际,3", "", 'level is "省际" (row 1)', "级别为“省际”（第 1 行），应为 国家级、省级"),
        ("甲区,2021,省级,43", "", "beyond the 40 zones", "甲区 第 43 位（第 1 行）"),
        (
            "甲区,2021,省级,3",
            '{ old_nam = "旧", new_name = "甲区" }',
            "entry 1: since_year is missing",
            "缺少 since_year",
        ),
        ("甲区,2021,省级,3", '{ since_year = 2020, old_nam = "旧" }', "(not known: old_nam)", "有未知的键 old_nam"),
    ],
)
def test_a_wrong_table_of_evaluations_is_told_with_its_row(place, row, renames, en, zh):
    (place / "ranks.csv").write_text(f"开发区,年度,级别,名次,排名范围,参评数\n{row},全省,40\n", encoding="utf-8-sig")
    text = PROJECT + '[layers.evaluations]\nsource = "ranks.csv"\n[evaluation]\npolicies = ["zhejiang-2021"]\n'
    text += f"renames = [{renames}]\n"
    for language, words in (("en", en), ("zh", zh)):
        code, lines = told(place, "grade", text, language)
        assert (code, len(lines)) == (2, 1), lines
        assert "evaluation" in lines[0]
        assert words in lines[0]
