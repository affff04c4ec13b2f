"""Every indicator of the catalogue against arithmetic done on paper (`cases/indicators.toml`)."""

from __future__ import annotations

import re
import tomllib
from fractions import Fraction
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from shapely.affinity import translate

from geo.assessment import assess
from geo.indicators import catalogue
from layers.project import loads

CASES = tomllib.loads((Path(__file__).parent / "cases" / "indicators.toml").read_text("utf-8"))
X0, Y0 = 500_000, 3_350_000


def worked_out(text):
    """Work out arithmetic, digits and operators only, over fractions."""
    assert re.fullmatch(r"[\d .+*/()-]+", text), text
    exact = re.sub(r"[\d.]+", r'Fraction("\g<0>")', text)
    return float(eval(exact, {"Fraction": Fraction}))  # noqa: S307  (digits and operators of a file of ours)


def layer(rows):
    boxes = [translate(shapely.box(*row["box"]), X0, Y0) for row in rows]
    table = pd.DataFrame([{name: value for name, value in row.items() if name != "box"} for row in rows])
    return gpd.GeoDataFrame(table, geometry=boxes, crs="EPSG:4549")


@pytest.fixture(scope="module")
def figures():
    frames = {
        "parks": layer(CASES["parks"]),
        "parcels": layer(CASES["parcels"]),
        "enterprises": pd.DataFrame(CASES["enterprises"]),
    }
    project = loads(f'[project]\narea = "planar"\nas_of = {CASES["as_of"]}\n', Path("project.toml"))
    return assess(frames, project, with_candidates=False)


@pytest.mark.parametrize("case", CASES["case"], ids=lambda case: f"{case['indicator']} {case['level']}")
def test_figure_is_what_one_works_out_on_paper(figures, case):
    assert figures.value(case["indicator"], case["level"]) == pytest.approx(worked_out(case["expected"]), rel=1e-12)


def test_every_indicator_has_a_case_with_its_source():
    assert {case["indicator"] for case in CASES["case"]} == set(catalogue())
    assert all(case["source"] for case in CASES["case"])
