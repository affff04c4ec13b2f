"""What was converted is opened as it was, or told to be damaged; settings may change where the data allow it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import hand_city
import pandas as pd
import pyproj
import pytest

import layers
from layers.converting import convert
from layers.errors import ProjectError, SourceError
from layers.findings_file import FINDINGS
from layers.propose import open_project
from layers.store import INTAKE, open_store


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return hand_city.write(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def made(data, tmp_path_factory):
    return convert(open_project(data), tmp_path_factory.mktemp("made") / "dataset", rows=2)


@pytest.fixture(scope="module")
def store(made):
    return open_store(made)


def all_of(parts):
    return pd.concat([parts.read(number) for number in range(len(parts.parts))], ignore_index=True)


def test_a_store_is_found_by_folder_or_project_file_and_nothing_else(made, data, tmp_path, monkeypatch):
    assert open_store(made / "project.toml").location.rstrip("/") == str(made)
    assert open_store(str(made)).ledger == open_store(made).ledger
    assert open_store(data) is None
    assert open_store(data / "project.toml") is None
    assert open_store(tmp_path / "nowhere") is None
    (tmp_path / INTAKE).write_text('{"schema": "somebody-else/1"}')
    assert open_store(tmp_path) is None
    monkeypatch.chdir(made)
    assert open_store("project.toml").parted["parcels"].rows == open_store(".").parted["parcels"].rows == 5


def test_a_store_is_found_behind_a_url(made, store):
    fsspec = pytest.importorskip("fsspec")
    there = fsspec.filesystem("memory")
    there.put(str(made), "/bucket/dataset", recursive=True)
    opened = open_store("memory://bucket/dataset")
    assert opened.location == "memory://bucket/dataset"
    assert opened.parted["parcels"].location == "memory://bucket/dataset/parcels"
    assert opened.parted["buildings"].parts == store.parted["buildings"].parts
    assert opened.project.settings == store.project.settings
    assert opened.ledger == store.ledger
    pd.testing.assert_frame_equal(opened.frames["parks"], store.frames["parks"])
    pd.testing.assert_frame_equal(opened.findings, store.findings)
    assert len(opened.parted["parcels"].read(0)) == store.parted["parcels"].parts[0].rows
    assert open_store("memory://bucket/dataset/project.toml").ledger == store.ledger
    assert open_store("memory://bucket/nothing") is None
    there.rm("/bucket", recursive=True)


# ---------------------------------------------------------------- settings


def test_the_project_file_tells_settings_and_guesses(tmp_path):
    folder = hand_city.write(tmp_path / "data", 'name = "甲 \\"乙\\""\n[buildings]\nstorey_height_m = 4.5')
    project = open_project(folder, {"project.language": "en", "land_use.industrial": "0601,0602"})
    made = convert(project, tmp_path / "made")
    text = (made / "project.toml").read_text(encoding="utf-8")
    assert 'name = "甲 \\"乙\\""' in text
    assert 'industrial = ["0601", "0602"]' in text
    assert 'system = "third-survey"   # assumed, not proved' in text
    assert "as_of = 2025-12-31" in text
    assert "storey_height_m = 4.5" in text
    assert "tall_storey_m" not in text, "a default"
    assert "# crs: CGCS2000 / 3-degree Gauss-Kruger CM 120E   # chosen from the data" in text
    settings = open_store(made).project.settings
    origins = {
        "project.name": "file",
        "project.language": "flag",
        "land_use.system": "guess",
        "project.area": "default",
    }
    assert {key: settings[key].origin for key in origins} == origins
    assert settings["land_use.system"].why_zh.startswith("暂按此分类")
    assert open_store(made).project.texts("land_use.industrial") == ("0601", "0602")


def test_settings_may_be_changed_afterwards_but_not_those_the_data_were_made_by(tmp_path):
    made = convert(open_project(hand_city.write(tmp_path / "data")), tmp_path / "made")
    path = made / "project.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('overlap = "priority"', 'overlap = "split"\narea = "planar"'), encoding="utf-8")
    project = open_store(made).project
    assert (project["project.overlap"], project["project.area"]) == ("split", "planar")
    assert project.settings["project.area"].origin == "file"
    path.write_text(text.replace("2025-12-31", "2024-12-31"), encoding="utf-8")
    with pytest.raises(ProjectError, match=r"as_of = 2024-12-31, but the data were converted with 2025-12-31"):
        open_store(made)
    path.write_text(text.replace("[project]", '[project]\ncrs = "EPSG:4528"'), encoding="utf-8")
    with pytest.raises(ProjectError, match=r"project\.crs"):
        open_store(made)
    path.write_text(text.replace("as_of = 2025-12-31", ""), encoding="utf-8")
    assert open_store(made).project.as_of == date(2025, 12, 31), "not the day it is opened"


def test_the_day_of_the_figures_is_kept_where_nobody_stated_it(tmp_path):
    folder = hand_city.write(tmp_path / "data")
    path = folder / "project.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("as_of = 2025-12-31", ""), encoding="utf-8")
    project = open_project(folder)
    made = convert(project, tmp_path / "made")
    assert f"as_of = {project.as_of}   # 当天" in (made / "project.toml").read_text(encoding="utf-8")
    assert open_store(made).project.settings["project.as_of"] == project.settings["project.as_of"]


def test_a_crs_that_was_stated_stays_stated(tmp_path):
    made = convert(open_project(hand_city.write(tmp_path / "data"), {"project.crs": "EPSG:4528"}), tmp_path / "made")
    store = open_store(made)
    assert store.crs == pyproj.CRS(4528)
    assert store.project.settings["project.crs"].value == "EPSG:4528"
    assert 'crs = "EPSG:4528"' in (made / "project.toml").read_text(encoding="utf-8")


# ---------------------------------------------------------------- damage


@pytest.fixture
def damaged(made, tmp_path):
    shutil.copytree(made, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda at: (at / "parks.parquet").unlink(), r"parks\.parquet is damaged .*missing"),
        (lambda at: (at / "parks.parquet").write_bytes(b"PAR1"), r"parks\.parquet is damaged .*cut off"),
        (lambda at: (at / "parks.parquet").write_bytes((at / "districts.parquet").read_bytes()), "another checksum"),
        (lambda at: (at / FINDINGS).unlink(), r"findings\.parquet is damaged .*missing"),
        (lambda at: (at / FINDINGS).write_bytes(b"PAR1"), r"findings\.parquet is damaged .*4 bytes, \d+ written"),
        (lambda at: (at / FINDINGS).write_bytes(bytes((at / FINDINGS).stat().st_size)), "another checksum"),
        (lambda at: shutil.rmtree(at / "buildings"), "no partitioned dataset"),
        (lambda at: (at / "parcels" / "part-00002.parquet").unlink(), "1 of 4 parts are missing"),
        (lambda at: (at / "project.toml").unlink(), "cannot be read"),
        (lambda at: (at / "project.toml").write_bytes(b"\xff\xfe\x00"), "no UTF-8"),
        (lambda at: (at / INTAKE).write_text("{"), "no JSON"),
        (lambda at: shutil.copytree(at / "parcels", at / "buildings", dirs_exist_ok=True), "."),
    ],
)
def test_damage_is_told(damaged, harm, told):
    harm(damaged)
    if told == ".":
        assert open_store(damaged).parted["buildings"].rows > 0  # a manifest of other land that fits; not ours to know
        return
    with pytest.raises(SourceError, match=told) as error:
        open_store(damaged)
    assert error.value.zh != error.value.en


CHANGES = {
    "version": lambda d: d.update(schema="parkwise-intake/9"),
    "layer climbs": lambda d: d["layers"].update({"../x": {"rows": 1}}),
    "layer of no kind": lambda d: d["layers"].update({"rivers": {"rows": 1}}),
    "layers no object": lambda d: d.update(layers=[1]),
    "entry no object": lambda d: d["layers"].update(parks=3),
    "no attrs": lambda d: d["layers"]["parks"].pop("attrs"),
    "crs": lambda d: d.update(crs={"a": 1}),
    "another crs": lambda d: d.update(crs=pyproj.CRS(4528).to_json_dict()),
    "no crs": lambda d: d.update(crs=None),
    "findings": lambda d: d.update(findings=7),
    "findings a list": lambda d: d.update(findings=[["x"]]),
    "findings elsewhere": lambda d: d["findings"].update(file="../findings.parquet"),
    "findings of no size": lambda d: d["findings"].update(bytes=None),
    "findings of no checksum": lambda d: d["findings"].pop("sha256"),
    "findings without rows": lambda d: d["findings"].pop("rows"),
    "settings": lambda d: d.update(settings=None),
    "origin": lambda d: d["settings"]["project.area"].update(origin="heaven"),
    "no origin": lambda d: d["settings"]["project.area"].pop("origin"),
    "day": lambda d: d["settings"]["project.as_of"].update(value="yesterday"),
    "ledger": lambda d: d.update(ledger=[1]),
    "lacks a key": lambda d: d.pop("ledger"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_the_folder_says_is_not_trusted(damaged, change):
    path = damaged / INTAKE
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(SourceError, match="is damaged or was changed"):
        open_store(damaged)


def test_findings_are_read_when_they_are_asked_for(damaged, store):
    opened = open_store(damaged)
    with pytest.raises(AttributeError):
        opened.told = None
    (damaged / FINDINGS).rename(damaged / "aside.parquet")
    with pytest.raises(SourceError, match="missing"):
        _ = opened.findings
    (damaged / "aside.parquet").rename(damaged / FINDINGS)
    pd.testing.assert_frame_equal(opened.findings, store.findings)
    assert len(opened.findings) == opened.told.rows > 0
    assert opened.findings is opened.findings


def test_buildings_that_are_cut_otherwise_are_told(damaged, store, tmp_path):
    shutil.rmtree(damaged / "buildings")
    layers.write(all_of(store.parted["buildings"]), damaged / "buildings", partition=1)
    with pytest.raises(SourceError, match="not cut like the parcels"):
        open_store(damaged)


def test_importing_a_store_loads_no_reader():
    code = "import sys, layers.store; print({'layers.reading', 'layers.intake', 'rasterio'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1]
    )
    assert done.stdout.strip() == "set()"


def test_layers_of_a_dataset_are_settled(made):
    for flag in ("layers.parcels.crs", "layers.parcels.encoding", "layers.statistics.source"):
        with pytest.raises(ProjectError, match=r"layers were read then") as caught:
            open_store(made).with_flags({flag: "EPSG:4326"})
        assert flag in caught.value.zh


def test_a_dataset_knows_where_it_lies_for_workers_elsewhere(made, monkeypatch):
    monkeypatch.chdir(made.parent)
    assert open_store(made.name).location == str(made.absolute())
