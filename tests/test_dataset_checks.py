"""A dataset says which checks its findings come from, and `convert` tells what `measure` tells."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace

import docx
import geopandas as gpd
import hand_city
import hand_report
import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner

import cli
from geo.assessment import assess
from geo.batches import industrial_parcels
from geo.report.content import Paragraph, compose_report, walk
from layers.checks_made import checks_made
from layers.converting import convert
from layers.errors import SourceError
from layers.intake import gather, inspect
from layers.propose import open_project
from layers.store import INTAKE, open_store

#: What must stand wherever findings of few checks are told.
ONLY = "只做了转换（读入）数据时的检查"
ONLY_EN = "Only the checks made while converting"
HOW = "convert 项目 -o 数据集 --thorough"


def run(*arguments):
    done = CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def faulty():
    """The hand city with one parcel more, that lies on half of p1: an error no conversion looks for."""
    more = hand_city.layer([(50, 0, 150, 100)], parcel_id=["twice"], land_use_code=["0601"], status=["在用"])
    return gpd.GeoDataFrame(pd.concat([hand_city.parcels(), more], ignore_index=True))


def write(folder, text="", **changed):
    """Write the hand city, with a table whose encoding must be guessed."""
    hand_city.write(folder, text, **changed)
    firms = hand_city.enterprises()
    firms.to_csv(folder / "enterprises.csv", index=False, encoding="gb18030")
    (folder / "enterprises.parquet").unlink()
    file = folder / "project.toml"
    file.write_text(file.read_text("utf-8").replace("enterprises.parquet", "enterprises.csv"), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return write(tmp_path_factory.mktemp("project") / "data", parcels=faulty())


@pytest.fixture(scope="module")
def datasets(project, tmp_path_factory):
    """The same project, converted with the checks of a conversion and with all."""
    folder = tmp_path_factory.mktemp("made")
    source = open_project(project)
    return {
        "conversion": convert(source, folder / "few"),
        "all": convert(source, folder / "every", thorough=True),
    }


@pytest.fixture(scope="module")
def reports(project, datasets, tmp_path_factory):
    """Reports on both datasets and on the project itself: folder and what stood on stderr."""
    folder = tmp_path_factory.mktemp("reports")
    made = {}
    for name, place in {**datasets, "project": project}.items():
        more = ["--workers", 1, "--scheduler", "threads"] if name in datasets else []
        done = run("report", place, "-o", folder / name, *more)
        assert done.exit_code == 0, done.output
        made[name] = (folder / name, done.stderr)
    return made


# ---------------------------------------------------------------- what is recorded


@pytest.mark.parametrize("checks", ["conversion", "all"])
def test_a_dataset_records_its_checks(datasets, checks):
    assert json.loads((datasets[checks] / INTAKE).read_text("utf-8"))["checks"] == checks
    store = open_store(datasets[checks])
    assert store.checks == checks
    assert checks_made(store.findings) == checks
    assert ("overlap" in set(store.findings["code"])) == (checks == "all")


def test_a_dataset_without_the_record_counts_as_the_fewer(datasets, tmp_path):
    made = shutil.copytree(datasets["all"], tmp_path / "older")
    document = json.loads((made / INTAKE).read_text("utf-8"))
    del document["checks"]
    (made / INTAKE).write_text(json.dumps(document), encoding="utf-8")
    assert open_store(made).checks == "conversion"
    (made / INTAKE).write_text(json.dumps({**document, "checks": "most"}), encoding="utf-8")
    with pytest.raises(SourceError, match="'most' is none of all, conversion"):
        open_store(made)


@pytest.mark.parametrize(("thorough", "checks"), [(True, "all"), (False, "conversion")])
def test_an_assessment_knows_the_checks_of_its_findings(project, thorough, checks):
    intake = gather(open_project(project))
    assert assess(intake.frames, intake.project, findings=inspect(intake, thorough=thorough)).checks == checks


def test_an_assessment_nobody_checked_for_claims_nothing():
    assert hand_report.city(found_in=pd.DataFrame()).checks == "conversion"


# ---------------------------------------------------------------- reports


def html_of(folder):
    return (folder / "report.html").read_text("utf-8")


def docx_of(folder):
    return "\n".join(one.text for one in docx.Document(str(folder / "report.docx")).paragraphs)


def xlsx_of(folder):
    sheet = openpyxl.load_workbook(folder / "report.xlsx")["检查"]
    return "\n".join(str(cell.value) for line in sheet.iter_rows() for cell in line if cell.value is not None)


FORMS = [html_of, docx_of, xlsx_of]


@pytest.mark.parametrize("form", FORMS)
def test_a_report_on_few_checks_says_so_and_how_to_get_all(reports, form):
    told = form(reports["conversion"][0])
    assert ONLY in told
    assert HOW in told
    assert "未做" in told


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["all", "project"])
def test_a_report_on_all_checks_says_nothing_of_the_kind(reports, form, name):
    told = form(reports[name][0])
    assert ONLY not in told
    assert HOW not in told


def test_no_errors_is_never_said_of_few_checks(reports):
    for form in (html_of, docx_of):
        few, every = (form(reports[name][0]) for name in ("conversion", "all"))
        assert "转换（读入）时的检查发现错误 0 项" in few
        assert "。检查发现错误" not in few
        assert ">检查发现错误" not in few
        assert "搁置 0 条；检查发现" not in few
        assert "检查发现错误 1 项" in every, "twice lies on p1"


def test_stderr_and_results_say_it_too(reports):
    said = {name: stderr for name, (_, stderr) in reports.items()}
    assert ONLY in said["conversion"]
    assert HOW in said["conversion"]
    assert ONLY not in said["all"] + said["project"]
    kept = {name: json.loads((folder / "results.json").read_text("utf-8")) for name, (folder, _) in reports.items()}
    assert {name: one["checks"] for name, one in kept.items()} == {
        "conversion": "conversion", "all": "all", "project": "all",
    }  # fmt: skip


@pytest.mark.parametrize(("language", "only"), [("zh", ONLY), ("en", ONLY_EN)])
def test_where_nothing_was_found_the_sentence_says_by_which_checks(language, only):
    few = hand_report.city(language=language, found_in=pd.DataFrame())
    sections = {checks: quality(replace(few, checks=checks), language) for checks in ("conversion", "all")}
    assert sections["conversion"][0].startswith(only)
    assert sections["conversion"][2].endswith({"zh": "其余检查未做。", "en": "the others were not run."}[language])
    assert sections["all"] == [{"zh": "检查未发现问题。", "en": "Checking found nothing."}[language]]


def quality(assessment, language):
    """The paragraphs under Findings."""
    chapter = next(one for one in compose_report(assessment, language=language).sections if one.key == "quality")
    part = next(one for one in chapter.sections if one.key == "findings")
    return [block.text for block in walk((part,)) if isinstance(block, Paragraph)]


# ---------------------------------------------------------------- what convert tells


def lines(stderr):
    """What is said, without how far it is."""
    return [line for line in stderr.splitlines() if line.startswith("  ") and not re.match(r" *\d+%  ", line)]


def test_convert_tells_what_measure_tells(project, tmp_path):
    measured = lines(run("measure", project).stderr)
    converted = lines(run("convert", project, "-o", tmp_path / "made").stderr)
    assert any("land_use.system = third-survey" in line for line in measured), "a guessed setting"
    assert any(line.startswith("  enterprises: encoding = ") for line in measured), "a guess of a layer"
    assert any("[parks-overlap] × 1 (A)" in line for line in measured), "a finding"
    assert converted[: len(measured)] == measured
    assert [line.strip()[:6] for line in converted[len(measured) :]] == [
        "只做了转换（",
        "需要全部检查",
        str(tmp_path)[:6],
    ]


def test_convert_thorough_tells_every_finding_and_asks_for_no_more(project, tmp_path):
    done = run("convert", project, "-o", tmp_path / "made", "--thorough")
    assert "[overlap] × 1" in done.stderr
    assert ONLY not in done.stderr
    assert HOW not in done.stderr


def test_guesses_are_told_before_findings_stop_a_conversion(project, tmp_path):
    done = run("convert", project, "-o", tmp_path / "made", "--set", "project.overlap=error")
    assert done.exit_code == 1
    assert 0 <= done.stderr.find("land_use.system = third-survey") < done.stderr.find("parkwise: ")


def in_files(folder):
    """The hand city with its parcels in two files; what stands for the guess is in the second one alone."""
    named = faulty().assign(land_use_name=["工业用地"] * 4 + ["城镇住宅用地", "工业用地"])
    write(folder, parcels=named.iloc[:2].drop(columns="land_use_name"))
    named.iloc[2:].to_parquet(folder / "more.parquet")
    file = folder / "project.toml"
    text = file.read_text("utf-8").replace('"parcels.parquet"', '["parcels.parquet", "more.parquet"]')
    file.write_text(text, encoding="utf-8")
    return folder


def test_layers_in_several_files_are_converted_with_few_checks_whatever_was_asked(tmp_path):
    place = in_files(tmp_path / "data")
    done = run("convert", place, "-o", tmp_path / "made", "--thorough")
    assert done.exit_code == 0, done.output
    assert open_store(tmp_path / "made").checks == "conversion"
    assert ONLY in done.stderr
    assert HOW not in done.stderr, "it would not help"
    assert "--thorough 未能生效" in done.stderr
    assert "parkwise check 项目" in done.stderr
    assert done.stderr.count("land_use.system = ") == 1
    assert "land_use.system = third-survey   (暂按" not in done.stderr, "proved by names and codes"
    guess = next(line for line in lines(run("measure", place).stderr) if "land_use.system" in line)
    assert guess in done.stderr.splitlines()


def test_a_project_measured_in_batches_tells_its_guesses(project):
    done = run("measure", project, "--scheduler", "threads")
    assert "land_use.system = third-survey" in done.stderr
    assert ONLY not in done.stderr, "figures claim nothing of checks"


# ---------------------------------------------------------------- no industrial land


def test_convert_says_that_no_parcel_is_industrial(tmp_path):
    homes = hand_city.parcels().assign(land_use_code="0701")
    place = write(tmp_path / "data", parcels=homes)
    done = run("convert", place, "-o", tmp_path / "made")
    assert done.exit_code == 0
    assert "5 个地块中没有工业用地" in done.stderr
    assert "third-survey" in done.stderr
    assert run("measure", tmp_path / "made", "-q").exit_code == 1, "as foretold"
    store = open_store(tmp_path / "made")
    assert industrial_parcels(store) == 0
    assert industrial_parcels(store, store.with_flags({"land_use.industrial": "07"})) == 5


def test_convert_says_nothing_of_industry_where_there_is_some(project, datasets, tmp_path):
    assert "没有工业用地" not in run("convert", project, "-o", tmp_path / "made").stderr
    assert industrial_parcels(open_store(datasets["all"])) == 5, "p1 to p4 and twice"


def test_a_land_use_without_its_column_is_told_and_the_dataset_stays(tmp_path):
    place = write(tmp_path / "data", parcels=hand_city.parcels().drop(columns="land_use_code"))
    done = run("convert", place, "-o", tmp_path / "made")
    assert done.exit_code == 0
    assert "land_use_code" in done.stderr
    assert open_store(tmp_path / "made") is not None
