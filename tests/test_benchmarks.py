"""The benchmarks at tiny sizes: they run to their end, the engines at hand agree, and a wrong figure is noticed."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest


@pytest.fixture(scope="module")
def benchmarks(root):
    """The scripts import one another by name, as they do when one of them is run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(root / "benchmarks"))
        yield root / "benchmarks"


def run(script, *options):
    command = [sys.executable, str(script), *map(str, options)]
    env = os.environ | {"PYTHONPATH": str(script.parents[1])}
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300, env=env)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def kernels(benchmarks, tmp_path_factory):
    """Every engine that is installed, asked once; PostGIS only where a server is named."""
    file = tmp_path_factory.mktemp("kernels") / "kernels.json"
    sizes = ("--parcels", 600, "--parks", 3, "--buildings", 1500, "--repeat", 1)
    asked = ("--kernels", "parks", "buildings", "parcel-areas")
    printed = run(benchmarks / "kernels.py", *sizes, *asked, "--json", file)
    return json.loads(file.read_text(encoding="utf-8")), printed


@pytest.mark.parametrize(
    ("engine", "needs"),
    [
        ("parkwise", ["shapely"]),
        ("geopandas", ["geopandas"]),
        ("pyproj", ["pyproj"]),
        ("duckdb", ["duckdb", "duckdb_extension_spatial"]),
        ("sedonadb", ["sedonadb", "geoarrow"]),
    ],
)
def test_every_engine_at_hand_agrees(kernels, engine, needs):
    absent = [name for name in needs if find_spec(name) is None]
    if absent:
        pytest.skip(f"not installed: {', '.join(absent)}")
    rows = [row for row in kernels[0]["rows"] if row["engine"] == engine]
    answered = [row for row in rows if row.get("agrees") is not None]
    assert len(answered) == sum(row["form"] != "planar" for row in rows) > 0
    assert all(row["agrees"] and row["seconds"] > 0 and row["peak_mib"] > 0 for row in answered)


def test_an_engine_that_is_not_there_is_told(kernels):
    told, printed = kernels
    asked = {row["engine"] for row in told["rows"]}
    assert asked == {"parkwise", "geopandas", "duckdb", "sedonadb", "postgis", "pyproj"}
    assert all("runs" in row and bool(row["runs"]) != ("left_out" in row) for row in told["rows"])
    assert all(title in printed for title in ("600 parcels × 3 parks", "1,500 footprints onto 600 parcels"))


def test_ours_is_the_measure_and_the_plain_answer_is_right(kernels, benchmarks, tmp_path):
    """An oracle of its own: shapely, pair by pair."""
    import city

    city.write(tmp_path, parcels=60, parks=3, buildings=90)
    parcels, parks = (gpd.read_parquet(tmp_path / f"{name}.parquet").geometry for name in ("parcels", "parks"))
    run(benchmarks / "engines.py", "parks", "parkwise", "intersect", tmp_path, tmp_path / "found.npy")
    expected = [sum(parcel.intersection(park).area for parcel in parcels) for park in parks]
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), expected, rtol=1e-9, atol=1e-6)
    assert kernels[0]["rows"][0]["ratio"] == 1.0


def test_another_result_is_noticed(benchmarks, tmp_path):
    import kernels

    ours, theirs = np.array([100.0, 0.0, 5000.0]), np.array([100.0, 0.0, 5000.01])
    np.save(tmp_path / "ours.npy", ours)
    np.save(tmp_path / "theirs.npy", theirs)
    runs = [{"seconds": 2.0, "peak_mib": 10.0}, {"seconds": 4.0, "peak_mib": 30.0}, {"seconds": 3.0, "peak_mib": 20.0}]
    row = {"kernel": "parks", "engine": "x", "form": "plain", "runs": runs}
    judged = kernels._judge([{"seconds": 1.0}] * 3, row, tmp_path / "ours.npy", tmp_path / "theirs.npy")
    assert judged["agrees"] is False
    assert (judged["seconds"], judged["ratio"], judged["peak_mib"]) == (3.0, 3.0, 30.0)
    assert "DIFFERS" in kernels._line(row | judged)
    judged = kernels._judge([{"seconds": 1.0}] * 3, row, tmp_path / "ours.npy", tmp_path / "ours.npy")
    assert judged["agrees"] is True


def test_a_large_city_is_the_same_in_any_number_of_files(benchmarks, tmp_path):
    import city

    city.write_large(tmp_path, parcels=700, buildings_each=2, parcels_a_park=200, chunk=300)
    truth = json.loads((tmp_path / "truth.json").read_text())
    parcels, buildings = (gpd.read_parquet(tmp_path / layer) for layer in ("parcels", "buildings"))
    assert len(list((tmp_path / "parcels").iterdir())) == 3
    assert (truth["parcels"], truth["buildings"], truth["parks"]) == (700, 1400, 4)
    assert sorted(parcels["parcel_id"]) == [f"P{i:07d}" for i in range(700)]
    assert sorted(buildings["building_id"]) == list(range(1400))
    industrial = parcels.area[parcels["land_use_code"] == "0601"].sum()
    assert truth["industrial_m2"] == pytest.approx(industrial, rel=1e-12)
    # A file holds the buildings of its own parcels: most lie wholly in one.
    first = gpd.read_parquet(tmp_path / "buildings" / "00000.parquet")
    own = gpd.read_parquet(tmp_path / "parcels" / "00000.parquet")
    assert first.centroid.sindex.query(own.geometry, predicate="contains").shape[1] > 0.9 * len(first)


@pytest.fixture(scope="module")
def scale(benchmarks, tmp_path_factory):
    """One city, in several files and several parts."""
    file = tmp_path_factory.mktemp("scale") / "scale.json"
    options = ("--sizes", 2100, "--rows", 1000, "--chunk", 800, "--parcels-a-park", 700, "--buildings-each", 1)
    return run(benchmarks / "scale.py", *options, "--json", file), file


def test_cities_are_measured_in_every_way_alike(scale):
    printed, file = scale
    told = json.loads(file.read_text(encoding="utf-8"))
    ways = ["convert", "measure", "measure", "measure at once", "geopandas"]
    assert [row["work"] for row in told["rows"]] == ways
    assert not any("failed" in row for row in told["rows"])
    assert all(row["seconds"] > 0 and row["peak_mib"] > 30 for row in told["rows"])
    assert "two workers against one at 2,100" in printed


def test_growth_and_speed_up_are_ratios(benchmarks):
    import scale

    rows = [
        {
            "parcels": size,
            "work": "measure",
            "workers": workers,
            "seconds": seconds,
            "us_per_parcel": seconds / size * 1e6,
        }
        for size, workers, seconds in ((100, 1, 4.0), (100, 2, 2.0), (1000, 1, 50.0), (1000, 2, 26.0))
    ]
    assert scale.summary(rows) == [
        "time a parcel, 1,000 against 100, workers 1: 1.25 ×",
        "time a parcel, 1,000 against 100, workers 2: 1.30 ×",
        "two workers against one at 100: 2.00 ×",
        "two workers against one at 1,000: 1.92 ×",
    ]
    assert scale.summary([{"parcels": 1000, "work": "measure", "workers": 2, "failed": "no"}]) == []


def test_a_wrong_figure_fails_the_run(benchmarks):
    import scale

    truth = {"parcels": 10, "buildings": 20, "parks": 1, "industrial_m2": 5000.0}
    city = {"id": "industrial_concentration", "scope": {"level": "city"}, "denominator": 5000.01}
    right = {
        "ledger": {name: {"read": truth[name]} for name in ("parcels", "buildings", "parks")},
        "identities": [{"name": "inside + outside", "holds": True}],
        "indicators": [city],
    }
    assert list(scale._faults(right, truth)) == []
    lost = right | {"ledger": right["ledger"] | {"parcels": {"read": 9}}}
    assert list(scale._faults(lost, truth)) == ["9 of 10 parcels read"]
    broken = right | {"identities": [{"name": "inside + outside", "holds": False}]}
    assert list(scale._faults(broken, truth)) == ["identity does not hold: inside + outside"]
    small = right | {"indicators": [city | {"denominator": 4000.0}]}
    assert len(list(scale._faults(small, truth))) == 1


def test_the_plot_is_drawn(benchmarks, scale, tmp_path):
    pytest.importorskip("matplotlib")
    run(benchmarks / "plot.py", scale[1], "-o", tmp_path / "one.svg")
    run(benchmarks / "plot.py", scale[1], "-o", tmp_path / "two.svg")
    drawn = (tmp_path / "one.svg").read_bytes()
    assert drawn == (tmp_path / "two.svg").read_bytes()
    assert drawn.count(b"<!--") > 10
    assert b"measure, 2 workers" in drawn


def test_measuring_against_reading_runs(benchmarks):
    sizes = ("--parcels", 400, "--parks", 2, "--buildings", 800, "--enterprises", 40, "--repeat", 1)
    printed = run(benchmarks / "measure.py", *sizes)
    assert "enterprises 40" in printed
    assert "dataset: measuring ÷ reading" in printed


def test_memory_of_a_process_and_its_children_is_seen(benchmarks):
    import clock

    child = "import time; kept = bytearray(120 << 20); time.sleep(0.5)"
    parent = f"import subprocess, sys; kept = bytearray(60 << 20); subprocess.run([sys.executable, '-c', {child!r}])"
    seen = clock.run([sys.executable, "-c", parent])
    assert 180 < seen.peak_mib < 300
    assert seen.seconds > 0.5
    with pytest.raises(RuntimeError, match="exit 3: told why"):
        clock.run([sys.executable, "-c", "import sys; print('told why', file=sys.stderr); sys.exit(3)"])


def test_enterprises_do_not_change_the_rest_of_the_city(benchmarks, tmp_path):
    import city

    city.write(tmp_path / "one", parcels=50, parks=2, buildings=60)
    city.write(tmp_path / "two", parcels=50, parks=2, buildings=60, enterprises=9)
    for layer in ("parcels", "parks", "buildings"):
        one, two = (gpd.read_parquet(tmp_path / name / f"{layer}.parquet") for name in ("one", "two"))
        assert one.equals(two)
    firms = pd.read_parquet(tmp_path / "two" / "enterprises.parquet")
    assert firms["parcel_id"].isin(gpd.read_parquet(tmp_path / "two" / "parcels.parquet")["parcel_id"]).all()


def test_a_command_is_clocked_against_its_target(benchmarks):
    import commands

    row = commands._clocked("nothing", [sys.executable, "-c", "import time; time.sleep(0.1)"], 0.05, 2)
    assert len(row["runs"]) == 2
    assert 0.1 < row["seconds"] < 5
    assert "missed" in commands._line(row)
    assert "reached" in commands._line(row | {"target": 60})


def test_candidates_are_timed_by_rule_sets(benchmarks, tmp_path):
    file = tmp_path / "candidates.json"
    sizes = ("--parcels", 400, "--parks", 3, "--buildings", 800, "--enterprises", 50, "--repeat", 1)
    run(benchmarks / "candidates.py", *sizes, "--json", file)
    rows = json.loads(file.read_text(encoding="utf-8"))["rows"]
    assert {(row["rules"], row["what"]) for row in rows} == {
        (rules, what) for rules in ("default", "every rule") for what in ("candidates", "groups")
    }
    assert all(row["seconds"] > 0 for row in rows)


@pytest.mark.browser
def test_a_map_is_written_opened_and_moved(benchmarks, tmp_path):
    pytest.importorskip("playwright.sync_api")
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        pytest.skip("Chromium is not installed")
    file = tmp_path / "maps.json"
    printed = run(benchmarks / "maps.py", "--parcels", 900, "--repeat", 1, "--json", file)
    row = json.loads(file.read_text(encoding="utf-8"))["rows"][0]
    assert (row["parcels"], row["attributes"]) == (900, 8)
    assert len(row["moves"]) == 15
    assert len(row["themes"]) == 6
    assert all(row[key] > 0 for key in ("write_s", "draw_s", "file_mb", "first_ms", "redraw_ms", "theme_ms"))
    assert row["unpacked_ms"] < row["first_ms"]
    assert "900 parcels, all drawn" in printed


def test_figures_of_a_map_stand_beside_their_targets(benchmarks):
    import maps

    row = {"parcels": 200_000, "attributes": 8} | dict.fromkeys(maps.WORDS, 60.0)
    verdicts = {line.rsplit(": ", 1)[-1] for line in maps._lines(row)}
    lines = "\n".join(maps._lines(row))
    assert {"reached", "missed"} <= verdicts
    assert lines.count("reached") == 3
    assert lines.count("missed") == 3
    assert "reached" not in "".join(maps._lines(row | {"parcels": 900}))


def test_heights_off_a_raster_are_timed_beside_other_engines(benchmarks, tmp_path):
    pytest.importorskip("exactextract")
    file = tmp_path / "rasters.json"
    printed = run(benchmarks / "rasters.py", "--side", 1500, "--buildings", 200, "--repeat", 1, "--json", file)
    rows = {row["engine"]: row for row in json.loads(file.read_text(encoding="utf-8"))["rows"]}
    assert {"parkwise", "parkwise mean", "exactextract"} <= set(rows)
    assert all(row["seconds"] > 0 and row["peak_mib"] > 0 for row in rows.values())
    assert "rasterstats" in rows or "rasterstats: not installed" in printed
