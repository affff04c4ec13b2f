"""The command as people and scripts call it: what it prints, and how each bad input ends."""

import json
import os
import stat
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import geopandas as gpd
import hand_city as city
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import cli


def run(*arguments):
    done = CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def sets(*flags):
    return [part for flag in flags for part in ("--set", flag)]


BARE = sets("project.overlap=split", "project.area=planar", "project.city=示例")


@pytest.fixture
def folder(tmp_path):
    """The hand city as files, in a folder with a blank and Chinese in its name."""
    place = tmp_path / "数据 2025"
    place.mkdir()
    city.save(place, *city.frames())
    (place / "project.toml").write_text(city.HEAD + city.named(*city.frames()), encoding="utf-8")
    return place


def figures(done):
    rows = json.loads(done.stdout)["indicators"]
    return {(row["id"], row["scope"]["level"], row["scope"]["id"]): row for row in rows}


def test_measure_prints_the_results_document(folder):
    done = run("measure", folder / "project.toml", "--json", "-q")
    assert done.exit_code == 0
    assert done.stderr == ""
    row = figures(done)["industrial_concentration", "city", "示例"]
    assert (row["numerator"], row["denominator"], row["value"], row["unit"]) == (30_000.0, 60_000.0, 0.5, "1")
    target = row["targets"][0]
    assert (target["policy"], target["clause"]) == ("hangzhou-2023", "（十）")
    assert (target["at_least"], target["met"]) == (0.7, False)
    assert target["gap"] == pytest.approx(0.2)
    tax = figures(done)["tax_per_mu", "city", "示例"]
    assert (tax["unit"], tax["numerator_unit"], tax["missing"]) == ("万元/亩", "cny", {"count": 1})


def test_the_document_keeps_its_shape(folder):
    document = json.loads(run("measure", folder, "--json", "-q").stdout)
    assert document["schema"] == "parkwise/1"
    assert {"project", "definitions", "ledger", "identities", "indicators", "candidates"} <= set(document)
    assert document["ledger"]["parcels"] == document["ledger"]["parcels"] | {"read": 5, "used": 5, "set_aside": []}
    assert all(identity["holds"] for identity in document["identities"])
    assert document["definitions"]["area"] == "planar"


def test_by_chooses_the_levels(folder):
    done = run("measure", folder, "--json", "-q", "--by", "park", "--by", "parcel")
    assert {level for _, level, _ in figures(done)} == {"park", "parcel"}
    assert figures(done)["industrial_concentration", "park", "C"]["value"] == 0.0


def test_a_policy_not_in_force_asks_nothing(folder):
    done = run("measure", folder, "--json", "-q", "--set", "project.as_of=2022-01-01")
    assert all(row["targets"] == [] for row in figures(done).values())


def test_a_folder_without_a_project_file_will_do(folder):
    (folder / "project.toml").unlink()
    done = run("measure", folder, "--json", *BARE)
    assert done.exit_code == 0
    assert figures(done)["industrial_concentration", "city", "示例"]["value"] == 0.5
    assert "parcels.gpkg" in done.stderr  # what was guessed is printed


def test_init_writes_a_project_that_measures_the_same(folder, tmp_path):
    (folder / "project.toml").unlink()
    target = tmp_path / "别处" / "city.toml"
    assert run("init", folder, "-o", target).exit_code == 0
    done = run("measure", target, "--json", "-q", *BARE)
    assert figures(done)["industrial_concentration", "city", "示例"]["value"] == 0.5
    again = run("init", folder, "-o", target)
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr


def test_info_prints_settings_with_their_origin(folder):
    done = run("info", folder / "project.toml", "--json", "--set", "project.overlap=largest")
    settings = json.loads(done.stdout)["settings"]
    assert settings["project.overlap"]["origin"] == "flag"
    assert settings["project.area"] == {"value": "planar", "origin": "file", "why": ""}
    assert settings["project.language"]["origin"] == "default"
    assert "largest" in run("info", folder / "project.toml", "--set", "project.overlap=largest").stdout


def test_info_says_what_a_file_is(folder):
    document = json.loads(run("info", folder / "parcels.gpkg", "--json").stdout)
    layer = document["layers"][0]
    assert (layer["rows"], layer["crs"]["declared"]) == (5, "CGCS2000 / 3-degree Gauss-Kruger CM 120E (EPSG:4549)")
    assert {"title": "parcel_id", "canonical": "parcel_id"}.items() <= layer["columns"][0].items()
    assert "EPSG:4549" in run("info", folder / "parcels.gpkg").stdout


def test_info_tells_the_extent_of_a_workbook_with_rows_set_aside(tmp_path):
    rows = [
        ["企业名称", "经度", "纬度", "税收（万元）"],
        ["甲", 120.1, 30.2, 5],
        ["乙", 120.3, 30.1, 7],
        ["合计", None, None, 12],
    ]
    pd.DataFrame(rows).to_excel(tmp_path / "企业.xlsx", header=False, index=False)
    done = run("info", tmp_path / "企业.xlsx", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["layers"][0]["extent"] == [120.1, 30.1, 120.3, 30.2]


def test_check_lists_findings_and_blocks_on_overlap(folder, tmp_path):
    done = run("check", folder, "--json", "-q", "--set", "project.overlap=error")
    assert done.exit_code == 1
    blocking = [row for row in json.loads(done.stdout)["findings"] if row["blocks"]]
    assert [row["code"] for row in blocking] == ["parks-overlap"]
    assert run("check", folder, "-q", "-o", tmp_path / "out").exit_code == 0
    table = pd.read_csv(tmp_path / "out" / "findings.csv")
    assert {"code", "severity", "layer", "id", "column", "found", "expected", "remedy"} <= set(table.columns)
    assert (tmp_path / "out" / "findings.gpkg").exists()


def test_repair_writes_a_project_that_reads_the_mended_layers(folder, tmp_path):
    bow = gpd.read_file(folder / "parcels.gpkg")
    bow.loc[4, "geometry"] = city.shapely.Polygon(
        [(city.X0 + x, city.Y0 + y) for x, y in [(200, 0), (300, 100), (300, 0), (200, 100)]]
    )
    bow.to_file(folder / "parcels.gpkg", layer="parcels")
    before = (folder / "parcels.gpkg").read_bytes()
    assert run("repair", folder, "-o", tmp_path / "mended").exit_code == 0
    assert (folder / "parcels.gpkg").read_bytes() == before
    ledger = pd.read_csv(tmp_path / "mended" / "ledger.csv")
    assert ledger["code"].tolist() == ["geometry-invalid"]
    done = run("measure", tmp_path / "mended", "--json", "-q")
    assert figures(done)["industrial_concentration", "city", "示例"]["value"] == 0.5
    assert gpd.read_file(tmp_path / "mended" / "parcels.gpkg").is_valid.all()


def test_candidates_print_evidence_with_limits(folder):
    rules = sets("candidates.evidence_needed=1", "candidates.plot_ratio_below=0.25")
    done = run("candidates", folder, "--json", "-q", *rules)
    rows = {row["parcel_id"]: row for row in json.loads(done.stdout)["candidates"]}
    low = next(piece for piece in rows["p2"]["evidence"] if piece["code"] == "low_plot_ratio")
    assert (low["value"], low["limit"], low["unit"], low["source"]) == (0.2, 0.25, "1", "project")
    assert "候选" in run("candidates", folder).stdout


def test_policy_list_and_show():
    assert "hangzhou-2023" in run("policy", "list").stdout
    document = json.loads(run("policy", "show", "hangzhou-2023", "--json").stdout)
    clause = next(one for one in document["clauses"] if one["indicator"] == "industrial_concentration")
    assert (clause["clause"], clause["value"], clause["year"]) == ("（十）", 0.7, 2025)
    assert "（十）" in run("policy", "show", "hangzhou-2023", "-v").stdout
    unknown = run("policy", "show", "hangzou-2023", "-q")
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    assert "hangzhou-2023" in unknown.stderr


def test_report_writes_every_file_and_never_over_an_older_one(folder, tmp_path):
    out = tmp_path / "报告"
    assert run("report", folder, "-o", out, "-q").exit_code == 0
    names = "report.html report.docx report.xlsx map.html results.gpkg results.json findings.csv manifest.json"
    assert {path.name for path in out.iterdir()} == set(names.split())
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert {entry["layer"] for entry in manifest["inputs"]} == set(city.frames())
    assert manifest["settings"]["project.overlap"] == {"value": "split", "origin": "file"}
    again = run("report", folder, "-o", out, "-q")
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr
    assert run("report", folder, "-o", out, "-q", "--overwrite").exit_code == 0


def test_a_report_on_firms_alone_has_no_map(folder, tmp_path):
    out = tmp_path / "out"
    assert run("report", folder, "-o", out, "-q").exit_code == 0
    (folder / "project.toml").write_text('[layers.enterprises]\nsource = "enterprises.csv"\n', encoding="utf-8")
    assert run("report", folder, "-o", out, "-q", "--overwrite").exit_code == 0
    assert not (out / "map.html").exists()  # the map of the older run would contradict the rest
    assert "map.html" not in (out / "report.html").read_text("utf-8")
    rows = {row["id"]: row for row in json.loads((out / "results.json").read_text("utf-8"))["indicators"]}
    assert rows["tax_per_mu"]["denominator"] == 21_000.0  # F2 15,000 + F3 5,000 rented + F5 1,000; F1 reports no land
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert {asset["href"] for asset in manifest["assets"]} >= {"report.html", "results.gpkg"}


def test_a_failing_report_leaves_the_older_one(folder, tmp_path, monkeypatch):
    out = tmp_path / "out"
    run("report", folder, "-o", out, "-q")
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("geo.report.run.manifest", full)
    done = run("report", folder, "-o", out, "-q", "--overwrite")
    assert done.exit_code == 2
    assert "磁盘空间不足" in done.stderr
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_failing_first_report_leaves_nothing(folder, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("geo.report.run.manifest", full)
    assert run("report", folder, "-o", tmp_path / "a" / "b", "-q").exit_code == 2
    assert not (tmp_path / "a").exists()


def test_english_on_demand(folder):
    done = run("measure", folder, "--lang", "en")
    assert "Industrial land concentration" in done.stdout
    assert run("measure", folder / "nothing.toml", "--lang", "en").stderr.startswith("parkwise: ")


# --- bad input: one message, the exit code of the contract, nothing half written ---------------------


def layer(folder, name, frame):
    frame.to_file(folder / f"{name}.gpkg", layer=name)


def missing_file(folder):
    (folder / "parcels.gpkg").unlink()


def empty_layer(folder):
    layer(folder, "parcels", city.parcels().iloc[:0])


def no_geometry(folder):
    (folder / "parcels.gpkg").unlink()
    city.parcels().drop(columns="geometry").to_csv(folder / "parcels.csv", index=False)
    edit(folder, "parcels.gpkg", "parcels.csv")


def corrupt_geopackage(folder):
    # Noise that is the same each time: one of 256 would ask SQLite for write-ahead files beside it.
    (folder / "parcels.gpkg").write_bytes(b"SQLite format 3\x00" + np.random.default_rng(1).bytes(4096))


def corrupt_zip(folder):
    (folder / "parcels.zip").write_bytes(b"PK\x03\x04" + np.random.default_rng(1).bytes(512))
    edit(folder, "parcels.gpkg", "parcels.zip")


def climbing_zip(folder):
    with zipfile.ZipFile(folder / "parcels.zip", "w") as packed:
        packed.writestr("../../escaped.geojson", "{}")
    edit(folder, "parcels.gpkg", "parcels.zip")


def cut_geojson(folder):
    text = city.parcels().to_crs(4326).to_json()
    (folder / "parcels.geojson").write_text(text[: len(text) // 2], encoding="utf-8")
    edit(folder, "parcels.gpkg", "parcels.geojson")


def unknown_key(folder):
    edit(folder, 'overlap = "split"', 'overlapp = "split"')


def unknown_policy(folder):
    edit(folder, "hangzhou-2023", "hangzhou-2032")


def unknown_layer_key(folder):
    edit(folder, 'source = "parcels.gpkg"', 'sauce = "x"\nsource = "parcels.gpkg"')


def broken_toml(folder):
    edit(folder, "[project]", "[project")


def unknown_column(folder):
    edit(folder, 'source = "parcels.gpkg"', 'source = "parcels.gpkg"\ncolumns = { parcel_id = "parcel_idd" }')


def unknown_crs(folder):
    edit(folder, 'source = "parcels.gpkg"', 'source = "parcels.gpkg"\ncrs = "EPSG:999999"')


def other_city(folder):
    moved = city.parcels()
    layer(folder, "parcels", moved.set_geometry(moved.translate(90_000, 200_000)))


def no_crs(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer(folder, "parcels", city.parcels().set_crs(None, allow_override=True))
    for name in ("parks", "districts", "buildings"):
        edit(folder, f'[layers.{name}]\nsource = "{name}.gpkg"\n', "")


def no_industrial_parcel(folder):
    layer(folder, "parcels", city.parcels().assign(land_use_code="0701"))


BAD = [
    (missing_file, 3, "parcels.gpkg"),
    (empty_layer, 3, "parcels"),
    (no_geometry, 2, "parcels"),
    (corrupt_geopackage, 3, "parcels.gpkg"),
    (corrupt_zip, 3, "parcels.zip"),
    (climbing_zip, 3, "parcels.zip"),
    (cut_geojson, 3, "parcels.geojson"),
    (unknown_key, 2, "overlap"),
    (unknown_policy, 2, "hangzhou-2023"),
    (unknown_layer_key, 2, "source"),
    (broken_toml, 2, "project.toml"),
    (unknown_column, 2, "parcel_id"),
    (unknown_crs, 2, "999999"),
    (other_city, 1, "layers-apart"),
    (no_crs, 1, "crs"),
    (no_industrial_parcel, 1, "land_use"),
]


def edit(folder, old, new):
    path = folder / "project.toml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(("spoil", "code", "words"), BAD, ids=[spoil.__name__ for spoil, _, _ in BAD])
def test_bad_input_ends_with_one_clear_message(folder, tmp_path, spoil, code, words):
    spoil(folder)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    done = run("report", folder / "project.toml", "-o", tmp_path / "out", "-q")
    assert done.exit_code == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_all_taxes_missing_leaves_the_figure_out_and_says_why(folder):
    city.enterprises().assign(tax_cny=None).to_csv(folder / "enterprises.csv", index=False)
    done = run("measure", folder, "--json", "-q")
    assert done.exit_code == 0
    assert not any(name == "tax_per_mu" for name, _, _ in figures(done))
    reasons = {entry["id"]: entry["reason"] for entry in json.loads(done.stdout)["not_computed"]}
    assert "tax_cny" in reasons["tax_per_mu"]


def test_zero_land_and_negative_values_are_told_and_do_not_count(folder):
    rows = city.enterprises()
    rows.loc[1, ["land_registered_m2", "land_leased_out_m2"]] = [0.0, None]
    rows.to_csv(folder / "enterprises.csv", index=False)
    city.holdings().iloc[:2].to_csv(folder / "holdings.csv", index=False)
    yard = city.parcels()
    yard.loc[0, "yard_area_m2"] = -5.0
    layer(folder, "parcels", yard)
    codes = {row["code"] for row in json.loads(run("check", folder, "--json", "-q").stdout)["findings"]}
    assert {"land-zero", "value-negative"} <= codes
    assert run("measure", folder, "--json", "-q").exit_code == 0


def test_no_parcels_and_no_enterprises_is_a_wrong_project(folder):
    (folder / "project.toml").write_text(
        '[project]\noverlap = "split"\n[layers.parks]\nsource = "parks.gpkg"\n', encoding="utf-8"
    )
    done = run("measure", folder)
    assert done.exit_code == 2
    assert "parcels" in done.stderr


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_no_permission_to_write(folder, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(stat.S_IRUSR | stat.S_IXUSR)
    done = run("report", folder, "-o", closed / "out", "-q")
    assert done.exit_code == 2
    assert "closed" in done.stderr


def test_a_folder_that_is_a_file_cannot_be_written(folder, tmp_path):
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    done = run("report", folder, "-o", tmp_path / "taken", "-q")
    assert done.exit_code == 2
    assert (tmp_path / "taken").read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    "flag", ["project.overlapp=split", "project.overlap=sometimes", "nonsense", "layers.parcel.crs=EPSG:4549"]
)
def test_a_wrong_flag_is_a_wrong_call(folder, flag):
    assert run("measure", folder, "--set", flag).exit_code == 2


def test_help_is_quick_and_every_command_has_an_example():
    heavy = ("geopandas", "pandas", "shapely", "folium")
    code = f"import sys, cli; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(cli.__file__).parent).returncode == 0
    for name in cli.main.commands:
        if name != "policy":
            assert f"Example: parkwise {name}" in run(name, "--help").stdout


def test_a_given_crs_that_contradicts_the_numbers_blocks(folder):
    done = run("measure", folder, "--json", "-q", "--set", "layers.parcels.crs=EPSG:4528")
    assert done.exit_code == 1
    assert "crs-" in done.stderr


def test_init_on_a_folder_that_is_not_there(tmp_path):
    done = run("init", tmp_path / "nothing")
    assert done.exit_code == 3
    assert not (tmp_path / "nothing").exists()


def test_a_full_disk_is_said_in_words_whatever_library_met_it(folder, tmp_path, monkeypatch):
    def broken(*_):
        raise RuntimeError("no such table: gpkg_contents")

    monkeypatch.setattr("geo.report.run.manifest", broken)
    monkeypatch.setattr("layers.output._FULL", 1 << 62)
    done = run("report", folder, "-o", tmp_path / "out", "-q")
    assert done.exit_code == 2
    assert "磁盘空间不足" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.fixture
def dataset(folder, tmp_path):
    """The hand city, converted."""
    done = run("convert", folder, "-o", tmp_path / "dataset", "-q")
    assert done.exit_code == 0, done.output
    return tmp_path / "dataset"


def without_candidates(document):
    """Measuring by batches looks for no candidates and at no composition of zones, and says so."""
    kinds = ("candidates", "candidate_groups", "candidate_exemptions", "zones", "living_circle")
    there = [one for one in document.get("not_computed", []) if one["id"] not in kinds]
    return {**document, **dict.fromkeys(kinds, 0), "not_computed": there}


def test_a_converted_project_prints_what_the_project_prints(folder, dataset):
    for command in (["measure", "--json", "-q"], ["measure", "-q"], ["candidates", "--json", "-q"]):
        told = [
            run(command[0], place, *command[1:], *more)
            for place, more in (
                (folder, []),
                (dataset, ["--scheduler", "threads"]),
                (dataset.as_uri(), ["--workers", 1]),
            )
        ]
        assert [one.exit_code for one in told] == [0, 0, 0], told[1].output
        documents = [one.stdout for one in told]
        if "--json" in command:
            documents = [without_candidates(json.loads(text)) for text in documents]
        assert documents[1] == documents[0]
        assert documents[2] == documents[0]


def test_a_project_is_converted_for_the_run_where_batches_are_asked_for(folder, tmp_path):
    work = tmp_path / "work"
    at_once, by_batches = (
        json.loads(run("measure", folder, "--json", "-q", *more).stdout)
        for more in ([], ["--scheduler", "threads", "--work", work])
    )
    assert without_candidates(by_batches) == without_candidates(at_once)
    assert [path.suffix for path in sorted(work.rglob("*")) if path.is_file()] == [".zip", ".sha256"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--scheduler", "spark"], "threads、processes"),
        (["--scheduler", "tcp://127.0.0.1:1"], "尚未转换"),
    ],
)
def test_a_scheduler_that_cannot_be_used_ends_in_one_message(folder, more, said):
    done = run("measure", folder, "-q", *more)
    assert done.exit_code == 2
    assert said in done.stderr
    assert "Traceback" not in done.output


def test_an_address_without_a_dataset_ends_in_one_message(tmp_path):
    done = run("measure", tmp_path.as_uri(), "-q")
    assert done.exit_code == 2
    assert "已转换的项目" in done.stderr


def test_figures_of_parcels_go_into_a_folder_of_their_own(folder, dataset, tmp_path):
    for place, out in ((folder, tmp_path / "one"), (dataset, tmp_path / "many")):
        assert run("measure", place, "--parcels", out, "-q").exit_code == 0
    one, many = (gpd.read_parquet(tmp_path / name / "part-00000.parquet") for name in ("one", "many"))
    pd.testing.assert_frame_equal(
        pd.DataFrame(one).sort_values("uid", ignore_index=True),
        pd.DataFrame(many).sort_values("uid", ignore_index=True),
    )
    assert one["plot_ratio"].notna().any()
    assert run("measure", folder, "--parcels", tmp_path / "one", "-q").exit_code == 2
    assert run("measure", folder, "--parcels", tmp_path / "one", "--overwrite", "-q").exit_code == 0
    (tmp_path / "one" / "mine.txt").write_text("mine", encoding="utf-8")
    assert run("measure", folder, "--parcels", tmp_path / "one", "--overwrite", "-q").exit_code == 2
    assert (tmp_path / "one" / "mine.txt").is_file()


def test_a_dataset_is_not_read_with_settings_it_was_not_made_by(dataset):
    done = run("measure", dataset, "--set", "project.as_of=2001-01-01", "-q")
    assert done.exit_code == 2
    assert "重新转换" in done.stderr


def test_work_and_workers_mean_batches(folder, tmp_path):
    kept = tmp_path / "kept"
    done = run("measure", folder / "project.toml", "--json", "-q", "--work", kept, "--workers", 1)
    assert done.exit_code == 0
    assert [path.suffix for path in kept.rglob("part-*.zip")] == [".zip"]
    document = json.loads(done.stdout)
    assert "candidates" not in document
    assert {"id": "candidates", "reason": "not looked for; run parkwise candidates"} in document["not_computed"]
    at_once = json.loads(run("measure", folder / "project.toml", "--json", "-q").stdout)
    assert document["indicators"] == at_once["indicators"]
    assert "candidates" in at_once


def test_a_wrong_number_of_cores_is_told_before_any_work(folder, monkeypatch):
    monkeypatch.setenv("PARKWISE_CORES", "abc")
    done = run("measure", folder / "project.toml", "--json")
    assert done.exit_code == 2
    assert done.stderr.startswith("parkwise: PARKWISE_CORES=abc")


def test_a_dataset_is_not_converted_again(dataset, tmp_path):
    before = {path: path.read_bytes() for path in dataset.rglob("*") if path.is_file()}
    for target in (dataset, tmp_path / "other"):
        done = run("convert", dataset, "-o", target, "--overwrite", "-q")
        assert done.exit_code == 2
        assert "已是转换后的数据集" in done.stderr
    assert {path: path.read_bytes() for path in dataset.rglob("*") if path.is_file()} == before
    assert not (tmp_path / "other").exists()
