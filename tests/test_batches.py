"""A city batch by batch: the same figures as at once, to the last bit, wherever the batches run."""

from __future__ import annotations

import hashlib
import json
import shutil

import geopandas as gpd
import hand_city
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import geo.batches
from geo.assessment import DEFAULT_LEVELS, assess
from geo.batches import assess_store, batches, fingerprint, write_parcels
from geo.maps import map_html
from geo.parcel_rows import parcel_rows
from geo.renewal import tax_by_parcel
from geo.results import results
from layers.converting import convert
from layers.errors import BlockedError
from layers.example import make, write
from layers.intake import gather, inspect
from layers.project import with_flags
from layers.propose import open_project
from layers.store import open_store

SIZE = 1000


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("city")
    write(folder, make(parcels=SIZE, seed=4))
    return open_project(folder / "project.toml")


@pytest.fixture(scope="module")
def whole(source):
    """The city at once."""
    intake = gather(source)
    return intake, inspect(intake, thorough=False)


@pytest.fixture(scope="module")
def store(source, tmp_path_factory):
    """The city in some parts."""
    return open_store(convert(source, tmp_path_factory.mktemp("made") / "dataset", rows=150))


def at_once(whole, **options):
    intake, findings = whole
    return assess(intake.frames, intake.project, findings=findings, ledger=intake.ledger, **options)


def test_the_city_is_cut_into_some_batches(store):
    parts = batches(store)
    assert len(parts) > 5
    assert sum(part.rows for part in parts) == store.parted["parcels"].rows


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_batches_give_what_the_city_gives_at_once(store, whole, scheduler):
    levels = (*DEFAULT_LEVELS, "enterprise")
    one, many = (
        at_once(whole, levels=levels, with_candidates=False),
        assess_store(store, levels=levels, scheduler=scheduler),
    )
    assert results(many) == results(one)
    assert many.land is not None
    assert len(many.land.parcels) < len(one.land.parcels)


def test_a_dask_cluster_gives_the_same(store, whole):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0", protocol="tcp://"
    ) as cluster:
        many = assess_store(store, scheduler=cluster.scheduler_address)
    assert results(many) == results(at_once(whole, with_candidates=False))


def test_candidates_are_the_same(store, whole):
    one = at_once(whole).candidates
    many = assess_store(store, with_candidates=True, scheduler="threads").candidates
    columns = ["uid", "area_m2", "group", "strength", "missing", "plot_ratio", "tax_per_mu", "park"]
    pd.testing.assert_frame_equal(many.table[columns], one.table[columns], check_exact=True)
    rows = ["code", "value", "limit", "basis_zh"]
    pd.testing.assert_frame_equal(many.evidence[rows], one.evidence[rows], check_exact=True)


EVERY_RULE = {
    "candidates.also": "idle_land,unbuilt,unused,low_value_added,low_energy_yield,grade_d,below_control,"
    "planned_use_differs,under_constraint,not_leading",
    "candidates.rules": """[
        { code = "z", title_zh = "区", title_en = "zone", measure = "tax_per_mu", of_mean = 0.5, within = "zone" },
        { code = "q", title_zh = "业", title_en = "kin", measure = "plot_ratio", quantile = 0.2, within = "industry" },
        { code = "y", title_zh = "年", title_en = "years", measure = "tax_per_mu", of_mean = 0.6, years = 2 },
        { code = "b", title_zh = "旧", title_en = "old", all_of = [
            { measure = "building_age", above = 20 }, { measure = "building_height", below = 9 } ] } ]""",
    "control.edition": "2008",
    "control.several": "mildest",
    "grade.scores": "{ above = { tax_per_mu = { weight = 100, benchmark = 30 } }, "
    "below = { tax_per_mu = { weight = 100, benchmark = 30 } } }",
    "grade.classes": """[{ grade = "A", score_at_least = 60 }, { grade = "D" }]""",
    "candidates.new_firm_years": "4",
    "candidates.new_land_years": "2",
    "candidates.exempt_industries": "39",
    "candidates.group_within_m": "30",
}


def test_every_kind_of_rule_finds_the_same_by_batches(store, whole):
    project = store.with_flags(EVERY_RULE)
    intake, findings = whole
    one = assess(intake.frames, with_flags(intake.project, EVERY_RULE), findings=findings, ledger=intake.ledger)
    many = assess_store(store, project, with_candidates=True, scheduler="threads")
    told = results(one)
    codes = {piece["code"] for row in told["candidates"] for piece in row["evidence"]}
    expected = {"z", "q", "y", "b", "grade_d", "below_control", "idle_land", "unbuilt", "not_leading"}
    assert expected <= codes
    assert told["candidate_exemptions"]
    assert told["candidate_groups"]
    for key in ("candidates", "candidate_groups", "candidate_exemptions"):
        assert results(many)[key] == told[key]
    flags = ["uid", "decision", *(rule.code for rule in one.candidates.rules if rule.code in one.candidates.facts)]
    facts = (found.candidates.facts[flags].sort_values("uid", ignore_index=True) for found in (one, many))
    pd.testing.assert_frame_equal(*facts)


def test_figures_by_parcel_and_what_is_shown_are_the_same(store, whole):
    one, many = (
        at_once(whole, levels=("city", "parcel")),
        assess_store(store, levels=("city", "parcel"), scheduler="threads", whole=True),
    )
    assert results(many) == results(one)
    assert map_html(many) == map_html(one)
    pd.testing.assert_frame_equal(
        pd.DataFrame(many.land.pieces), pd.DataFrame(one.land.pieces), check_exact=True, check_dtype=False
    )


@settings(max_examples=3, deadline=None)
@given(rows=st.integers(1, 30), rule=st.sampled_from(["priority", "split", "largest"]))
def test_the_hand_city_however_it_is_cut(tmp_path_factory, rows, rule):
    folder = tmp_path_factory.mktemp("hand")
    for name in ("parcels", "parks", "buildings", "districts"):
        getattr(hand_city, name)().to_parquet(folder / f"{name}.parquet")
    (folder / "project.toml").write_text(
        f'[project]\narea = "planar"\noverlap = "{rule}"\n'
        + "".join(
            f'[layers.{name}]\nsource = "{name}.parquet"\n' for name in ("parcels", "parks", "buildings", "districts")
        ),
        encoding="utf-8",
    )
    project = open_project(folder / "project.toml")
    intake = gather(project)
    one = assess(intake.frames, intake.project, ledger=intake.ledger, findings=inspect(intake, thorough=False))
    made = open_store(convert(project, folder / "dataset", rows=rows))
    assert results(assess_store(made, scheduler="threads", whole=True)) == results(one)


def test_no_industrial_land_is_told_for_all_batches_together(store):
    project = store.with_flags({"land_use.industrial": "['9999']"})
    with pytest.raises(BlockedError, match=rf"none of {store.parted['parcels'].rows} parcels is industrial"):
        assess_store(store, project, scheduler="threads")


def test_another_dataset_bears_another_fingerprint(store, source, tmp_path):
    again = open_store(convert(source, tmp_path / "dataset", rows=200))
    assert fingerprint(store) != fingerprint(again)
    assert fingerprint(store) == fingerprint(open_store(store.location))


def test_finished_batches_are_kept_and_not_computed_again(store, whole, tmp_path, monkeypatch):
    first = assess_store(store, scheduler="threads", with_candidates=True, work=tmp_path)
    done = sorted(tmp_path.rglob("*.zip"))
    assert len(done) == len(batches(store))
    done[0].unlink()
    done[1].write_bytes(done[1].read_bytes()[:-9])
    computed = []
    contribute = geo.batches.contribute
    monkeypatch.setattr(
        geo.batches, "contribute", lambda *some, **more: computed.append(1) or contribute(*some, **more)
    )
    again = assess_store(store, scheduler="threads", with_candidates=True, work=tmp_path)
    assert len(computed) == 2
    assert results(again) == results(first) == results(at_once(whole))
    assess_store(store, store.with_flags({"project.overlap": "split"}), scheduler="threads", work=tmp_path)
    assert len(computed) == 2 + len(batches(store))


@pytest.mark.parametrize(
    ("flags", "anew"),
    [
        ({"project.language": "en", "project.name": "'Spring'", "candidates.plot_ratio_below": "0.4"}, False),
        ({"project.area": "planar"}, True),
        ({"land_use.industrial": "['0601', '0602']"}, True),
        ({"buildings.storey_height_m": "3.6"}, True),
    ],
)
def test_only_what_a_batch_depends_on_makes_it_anew(store, tmp_path, flags, anew):
    assess_store(store, scheduler="threads", work=tmp_path)
    done = set(tmp_path.rglob("*.zip"))
    assess_store(store, store.with_flags(flags), scheduler="threads", work=tmp_path)
    assert len(set(tmp_path.rglob("*.zip")) - done) == anew * len(batches(store))


def test_batches_of_the_same_parcels_among_other_parks_are_others(tmp_path):
    hand_city.write(tmp_path / "data")
    project = open_project(tmp_path / "data")
    one = open_store(convert(project, tmp_path / "one"))
    wider = hand_city.parks()
    wider.loc[0, "geometry"] = wider.geometry[0].buffer(7)
    wider.to_parquet(tmp_path / "data" / "parks.parquet")
    other = open_store(convert(project, tmp_path / "other"))
    assert one.parted["parcels"].parts == other.parted["parcels"].parts
    assert fingerprint(one) != fingerprint(other)


@pytest.fixture(scope="module")
def alike(tmp_path_factory):
    """A city whose every third parcel bears one id, cut in two ways."""
    folder = tmp_path_factory.mktemp("alike")
    frames = make(parcels=SIZE, seed=4)
    write(folder / "data", frames)
    parcels = gpd.read_file(folder / "data" / "地类图斑.shp", encoding="GBK")
    parcels["TBBH"] = parcels["TBBH"].where(np.arange(len(parcels)) % 3 > 0, "7")
    parcels.to_file(folder / "data" / "地类图斑.shp", encoding="GBK")
    project = open_project(folder / "data")
    intake = gather(project)
    made = [open_store(convert(project, folder / str(rows), rows=rows)) for rows in (150, 90)]
    return (intake, inspect(intake, thorough=False)), made


def test_a_parcel_has_one_name_wherever_it_is_told(alike, tmp_path):
    whole, stores = alike
    levels = ("city", "parcel")
    one = at_once(whole, levels=levels)
    names = one.land.parcels["uid"]
    assert names.is_unique
    assert (one.land.parcels["parcel_id"] == "7").sum() > 300
    assert names.isin(["7", "7 (2)", "7 (300)"]).sum() == 3
    for number, store in enumerate(stores):
        many = assess_store(store, levels=levels, with_candidates=True, scheduler="threads")
        assert results(many) == results(one)
        few = assess_store(store, with_candidates=True, scheduler="threads")
        assert results(few)["candidates"] == results(one)["candidates"]
        assert few.candidates.table["uid"].tolist() == one.candidates.table["uid"].tolist()
        (tmp_path / str(number)).mkdir()
        write_parcels(store, few, tmp_path / str(number), scheduler="threads")
        rows = pd.concat([gpd.read_parquet(path) for path in (tmp_path / str(number)).iterdir()]).set_index("uid")
        expected = parcel_rows(one.land, tax_by_parcel(one.firms)).set_index("uid")
        pd.testing.assert_frame_equal(pd.DataFrame(rows.loc[expected.index]), pd.DataFrame(expected), check_exact=True)


def test_what_is_shown_of_every_parcel_has_no_column_of_the_dataset(alike):
    whole, stores = alike
    one, many = at_once(whole), assess_store(stores[0], scheduler="threads", whole=True)
    assert results(many) == results(one)
    assert set(many.land.parcels.columns) == set(one.land.parcels.columns)
    assert many.land.parcels["uid"].tolist() == one.land.parcels["uid"].tolist()


def test_a_dataset_without_numbers_is_measured_still(alike, tmp_path):
    """Written before there were any: names are told as far as a batch knows."""
    whole, (store, _) = alike
    folder = tmp_path / "old"
    shutil.copytree(store.location, folder)
    manifest = folder / "parcels" / "_parkwise.json"
    document = json.loads(manifest.read_text(encoding="utf-8"))
    del document["columns"]["nth_of_parcel_id"]
    for entry in document["parts"]:
        path = folder / "parcels" / entry["file"]
        frame = gpd.read_parquet(path).drop(columns="nth_of_parcel_id")
        frame.to_parquet(path, index=False, write_covering_bbox=True, schema_version="1.1.0")
        entry |= {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    manifest.write_text(json.dumps(document), encoding="utf-8")
    old = assess_store(open_store(folder), scheduler="threads")
    assert results(old) == results(at_once(whole, with_candidates=False))
    assert write_parcels(open_store(folder), old, tmp_path, scheduler="threads") == len(at_once(whole).land.parcels)


def test_figures_of_every_parcel_are_written_part_by_part(store, whole, tmp_path):
    one, many = at_once(whole), assess_store(store, scheduler="threads")
    assert write_parcels(store, many, tmp_path, scheduler="threads") == len(one.land.parcels)
    parts = [gpd.read_parquet(path) for path in sorted(tmp_path.iterdir())]
    assert len(parts) == len(batches(store))
    expected = parcel_rows(one.land, tax_by_parcel(one.firms)).set_index("uid")
    rows = pd.concat(parts).set_index("uid").loc[expected.index]
    pd.testing.assert_frame_equal(pd.DataFrame(rows), pd.DataFrame(expected), check_exact=True)
    assert rows["tax_per_mu"].notna().sum() > 50
