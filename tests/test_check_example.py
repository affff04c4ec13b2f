"""Check on the example city: every planted fault is found, nothing else is wrong, and moving it changes nothing."""

import datetime as dt

import geopandas as gpd
import pytest

from layers import findings
from layers.checking import check
from layers.example import make
from layers.repairing import for_measuring, repair

OPTIONS = {"as_of": dt.date(2025, 12, 31), "land_use_system": "third-survey"}


@pytest.fixture(scope="module")
def city():
    return make(parcels=2500, seed=3)


@pytest.fixture(scope="module")
def table(city):
    return check(city.frames, **OPTIONS)


def test_every_planted_fault_is_found(city, table):
    found = set(zip(table["code"], table["layer"], table["id"], strict=True))
    planted = city.truth["faults"]
    assert len(planted) >= 15
    for fault in planted:
        missed = [
            one
            for one in fault["ids"]
            if not any(
                (fault["code"], fault["layer"], name) in found for name in (one if isinstance(one, list) else [one])
            )
        ]
        assert not missed, (fault["code"], missed)


def test_nothing_that_was_not_planted_is_called_an_error_or_a_warning(city, table):
    planted = {(fault["code"], fault["layer"]) for fault in city.truth["faults"]} | {("parks-overlap", "parks")}
    serious = table[table["severity"] != "note"]
    assert set(zip(serious["code"], serious["layer"], strict=True)) <= planted


def test_only_parks_without_a_rule_block(city, table):
    assert set(findings.blocking(table)["code"]) == {"parks-overlap"}
    assert findings.blocking(check(city.frames, overlap="split", depth="blocking")).empty


def test_moving_the_city_changes_no_finding(city, table):
    moved = {
        layer: frame.set_geometry(frame.geometry.translate(1000.0, -500.0))
        if isinstance(frame, gpd.GeoDataFrame)
        else frame
        for layer, frame in city.frames.items()
    }
    keys = ["code", "layer", "id", "row", "column"]
    assert check(moved, **OPTIONS)[keys].equals(table[keys])


def test_repair_leaves_nothing_safe_and_loses_no_row(city):
    done = repair(city.frames)
    safe = {code for code, meaning in findings.codes().items() if meaning.remedy_is == "safe"}
    assert safe & set(done.ledger["code"])
    assert not safe & set(check(done.frames, **OPTIONS)["code"])
    for layer, frame in city.frames.items():
        removed = ((done.ledger["layer"] == layer) & (done.ledger["action"] == "removed")).sum()
        assert len(frame) == len(done.frames[layer]) + removed
        fit, _ = for_measuring(frame.copy())
        aside = sum(entry["count"] for entry in fit.attrs.get("set_aside", []))
        before = sum(entry["count"] for entry in frame.attrs.get("set_aside", []))
        assert len(frame) == len(fit) + aside - before
