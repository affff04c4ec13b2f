"""Public versions: the rule of three on hand tables, coarse parcels, and no firm's name in any file of any form."""

import json
import re
from dataclasses import replace
from itertools import product

import geopandas as gpd
import hand_city
import hand_report
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from reading_outputs import texts

import cli
from geo.indicators import catalogue
from geo.planned import planned
from geo.ratings import rate
from geo.redaction.coarse import coarse
from geo.redaction.figures import of_firms
from geo.redaction.names import STRUCK, Names
from geo.redaction.redact import redact, require_public
from geo.redaction.suppression import Sum, suppress
from geo.report.content import compose_report
from geo.report.html import render_html
from geo.results import results
from layers.errors import ProjectError
from layers.example import make, write
from layers.project import with_flags

# ---------------------------------------------------------------- which cells


def firms(**counts):
    return {name: frozenset(f"{name}{n}" for n in range(count)) for name, count in counts.items()}


def zone(rest=0, **parks):
    """A zone of parks, whose firms are those of its parks and of a rest that no table shows."""
    who, beyond = firms(**parks), frozenset(f"rest{n}" for n in range(rest))
    return {**who, "Z": beyond.union(*who.values())}, [Sum("Z", tuple(parks), beyond)]


@pytest.mark.parametrize(
    ("parks", "rest", "withheld"),
    [
        ({"a": 5, "b": 5, "c": 5}, 0, ""),
        ({"a": 0, "b": 5, "c": 5}, 0, ""),  # nothing is there: nothing to withhold
        ({"a": 1, "b": 5, "c": 4}, 0, "ac"),  # the last open cell would tell a: the smallest goes with it
        ({"a": 1, "b": 1, "c": 4}, 0, "abc"),  # together a and b are two firms; with c nothing is left but the total
        ({"a": 2, "b": 2, "c": 4}, 0, "ab"),  # two cells, four firms
        ({"a": 1}, 0, "aZ"),  # a zone of one park is that park
        ({"a": 1, "b": 9}, 0, "ab"),
        ({"a": 1, "b": 9}, 4, "a"),  # four firms elsewhere in the zone already hide it
        ({"a": 1, "b": 9}, 1, "ab"),  # one more does not: the zone less b would be two firms
        ({"a": 9, "b": 5}, 2, "b"),  # both parks are large; what is left of the zone is two firms
        ({"a": 2}, 0, "aZ"),
    ],
)
def test_the_rule_of_three_on_hand_tables(parks, rest, withheld):
    who, sums = zone(rest, **parks)
    assert suppress(who, sums) == frozenset(withheld)


def test_rows_and_columns_of_a_table_hide_one_another():
    counts = [[1, 8, 9], [7, 5, 6], [9, 6, 4]]
    cells = list(product(range(3), range(3)))
    who = {(i, j): frozenset((i, j, n) for n in range(counts[i][j])) for i, j in cells}
    rows = [Sum(f"row {i}", tuple((i, j) for j in range(3))) for i in range(3)]
    columns = [Sum(f"column {j}", tuple((i, j) for i in range(3))) for j in range(3)]
    hidden = suppress(who, [*rows, *columns])
    assert (0, 0) in hidden
    for line in range(3):
        assert sum((line, j) in hidden for j in range(3)) != 1
        assert sum((i, line) in hidden for i in range(3)) != 1


def test_a_city_hides_what_its_zones_and_parks_would_tell():
    who = firms(a=1, b=6, c=5, d=7)
    who |= {"Z1": who["a"], "Z2": who["b"] | who["c"] | who["d"]}
    who["city"] = who["Z1"] | who["Z2"]
    sums = [Sum("city", ("Z1", "Z2")), Sum("Z1", ("a",)), Sum("Z2", ("b", "c", "d"))]
    # Z1 is one firm; so Z2 must go too; so one of its parks must go, or they would add up to it.
    assert suppress(who, sums) == {"a", "Z1", "Z2", "c"}


@given(st.lists(st.lists(st.integers(0, 6), min_size=1, max_size=4), min_size=1, max_size=4), st.integers(0, 4))
def test_no_withheld_cell_follows_from_what_is_shown(zones, outside):
    """The oracle is linear algebra: what is shown determines a cell iff it lies in the row space of the sums."""
    who, sums = {}, []
    for z, parks in enumerate(zones):
        names = tuple((z, p) for p in range(len(parks)))
        who |= {(z, p): frozenset((z, p, n) for n in range(count)) for p, count in enumerate(parks)}
        who[f"Z{z}"] = frozenset().union(*(who[name] for name in names))
        sums.append(Sum(f"Z{z}", names))
    rest = frozenset(("out", n) for n in range(outside))
    tops = tuple(f"Z{z}" for z in range(len(zones)))
    who["city"] = rest.union(*(who[name] for name in tops))
    sums.append(Sum("city", tops, rest))
    hidden = suppress(who, sums)
    unknown = sorted((cell for cell in hidden), key=str) + (["rest"] if rest else [])
    rows = np.array(
        [
            [1.0 if cell == one.total else -1.0 if cell in one.members or (cell == "rest" and one.rest) else 0.0
             for cell in unknown]
            for one in sums
        ]
    ).reshape(len(sums), len(unknown))  # fmt: skip
    rank = np.linalg.matrix_rank(rows) if rows.size else 0
    for place, cell in enumerate(unknown):
        if cell != "rest":
            alone = np.zeros((1, len(unknown)))
            alone[0, place] = 1.0
            assert np.linalg.matrix_rank(np.vstack([rows, alone])) > rank, f"{cell} can be worked out"
    assert all(len(firms) >= 3 or not firms for cell, firms in who.items() if cell not in hidden)


# ---------------------------------------------------------------- names, places


def test_names_are_struck_out_of_texts_and_not_out_of_longer_codes():
    names = Names(["甲厂", "91330100A", "12", "7", None])
    told = pd.Series(["与甲厂核对", "91330100A", "91330100AB", "12 宗", "12", "7", None, 3.5], dtype="object")
    assert names.series(told).tolist()[:6] == [f"与{STRUCK}核对", STRUCK, "91330100AB", "12 宗", "12", "7"]
    assert names.anything({"why": ["甲厂", 5]}) == {"why": [STRUCK, 5]}


def test_corners_lie_on_the_grid_and_no_parcel_vanishes():
    rng = np.random.default_rng(7)
    corners = rng.uniform(0, 5_000, (300, 2))
    shapes = shapely.box(*corners.T, *(corners + rng.uniform(1, 90, (300, 2))).T)
    moved = coarse(shapes, 20.0)
    assert not shapely.is_empty(moved).any()
    assert (shapely.get_coordinates(moved) % 20 == 0).all()
    # A corner goes to the nearest point of the grid, half a diagonal away at most; a square holds its parcel's point.
    assert (shapely.hausdorff_distance(shapes, moved) < 20 * 2**0.5 + 1e-9).all()


# ---------------------------------------------------------------- one run


def hand(**changed):
    assessment = hand_report.city(frames=hand_city.frames() | changed)
    return assessment, redact(assessment, rate(assessment), planned(assessment)).assessment


def test_figures_of_land_stay_exact_and_those_of_few_firms_are_missing():
    before, after = hand()
    land = ~before.indicators["id"].map(lambda name: of_firms(catalogue()[name])).to_numpy(dtype=bool)
    kept = ~after.indicators["id"].map(lambda name: of_firms(catalogue()[name])).to_numpy(dtype=bool)
    columns = ["id", "level", "scope_id", "numerator", "denominator", "value", "count"]
    pd.testing.assert_frame_equal(
        before.indicators.loc[land, columns].reset_index(drop=True),
        after.indicators.loc[kept, columns].reset_index(drop=True),
    )
    assert not after.indicators.loc[kept, "suppressed"].any()
    tax = after.indicators[after.indicators["id"] == "tax_per_mu"].set_index(["level", "scope_id"])
    # F1 on A and B, F2 and F3 on B, F5 nowhere: four firms in the city, three in B, which is in all of the zones.
    assert not tax.loc[("park", "A"), "value"] > 0
    assert tax.loc[("park", "A"), "suppressed"]
    assert tax.loc[tax["suppressed"], ["numerator", "denominator", "value"]].isna().all(axis=None)
    assert after.firms is None
    assert "owner_code" not in after.land.parcels
    assert after.land.parcels["land_area_m2"].tolist() == before.land.parcels["land_area_m2"].tolist()
    assert (before.land.parks.geometry.to_wkb() == after.land.parks.geometry.to_wkb()).all()


def test_an_operator_that_is_a_firm_is_named_nowhere():
    drawn, firms = hand_city.parks(), hand_city.enterprises().assign(enterprise_name="独一无二公司")
    drawn["operator"] = ["独一无二公司"] + ["甲管委会"] * (len(drawn) - 1)
    before, after = hand(parks=drawn, enterprises=firms)

    def told(assessment):
        document = json.dumps(results(assessment)["zones"], ensure_ascii=False)
        return document + render_html(compose_report(assessment, language="zh"))

    assert "独一无二公司" in told(before)
    assert "独一无二公司" not in told(after)
    assert "甲管委会" in told(after)
    counted = {zone["zone_id"]: zone["parks_without_operator"] for zone in results(after)["zones"]}
    assert sum(counted.values()) == 1


def test_targets_judge_no_figure_that_is_withheld():
    _, after = hand(targets=hand_report.targets())
    shut = after.indicators[after.indicators["suppressed"]]
    assert any(shut["targets"].map(len))
    assert all(one["met"] is None and one["gap"] is None for asked in shut["targets"] for one in asked)


def test_evidence_from_firms_is_told_as_such_and_without_figures():
    before, after = hand(enterprises=hand_city.enterprises().assign(tax_cny=[1_000.0, 900_000.0, 100_000.0, None, 1.0]))
    assert "low_tax" in set(before.candidates.evidence["code"])
    found = after.candidates
    assert len(found.table) == len(before.candidates.table)
    assert not {"low_tax"} & {*found.evidence["code"], *found.limits["code"], *found.facts}
    withheld = found.evidence[found.evidence["code"] == "withheld"]
    assert len(withheld) == (before.candidates.evidence["code"] == "low_tax").sum()
    assert withheld[["value", "limit"]].isna().all(axis=None)
    assert found.facts["tax_per_mu"].isna().all()
    assert found.table["tax_per_mu"].isna().all()


def test_a_plan_towards_a_figure_of_firms_is_not_published():
    assessment = hand_report.city()
    aimed = with_flags(assessment.project, {"plan.indicator": "tax_per_mu", "plan.at_least": "50"})
    plan = planned(replace(assessment, project=aimed))
    with pytest.raises(ProjectError, match="cannot be made public"):
        require_public(plan)
    assert redact(assessment, plan=plan).plan is None


# ---------------------------------------------------------------- every file


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A small example city, graded, in which people have written names of firms into free texts."""
    folder = tmp_path_factory.mktemp("city")
    made = make(parcels=1000, seed=11)
    write(folder, made)
    return folder


def run(*arguments):
    done = CliRunner().invoke(cli.main, [str(one) for one in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def named(data):
    """Every name and code of a firm or owner, as the files of the city hold them, read without our rooms."""
    found = set()
    for path in data.rglob("*"):
        if path.suffix in {".csv", ".xlsx"}:
            found |= _cells(path)
    return {one for one in found if re.fullmatch(r"9199\w{14}|示例.*公司", one)}


def _cells(path):
    if path.suffix == ".xlsx":
        sheets = openpyxl.load_workbook(path)
        return {str(cell) for sheet in sheets for row in sheet.iter_rows(values_only=True) for cell in row}
    text = path.read_bytes().decode("gb18030" if path.read_bytes()[:3] != b"\xef\xbb\xbf" else "utf-8", "replace")
    return {cell.strip('"') for line in text.splitlines() for cell in line.split(",")}


@pytest.fixture(scope="module")
def report(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("public") / "out"
    run("report", data, "-o", folder, "--public", "-q", "--set", "grade.rules=huangyan-2022")
    return folder


def test_no_file_names_a_firm(report, named):
    assert len(named) > 150
    assert len(list(report.iterdir())) == 8
    for path in report.iterdir():
        for part in texts(path):
            told = part.decode("utf-8", "replace")
            assert [name for name in named if name in told] == [], path.name


def test_the_search_for_names_finds_them_where_they_are(data, named, tmp_path):
    run("map", data, "-o", tmp_path / "map.html", "-q")
    told = "".join(part.decode("utf-8", "replace") for part in texts(tmp_path / "map.html"))
    assert sum(name in told for name in named) > 50


@pytest.mark.parametrize(
    "command", [["measure", "--by", "enterprise"], ["grade"], ["grade", "--json"], ["candidates", "--json"], ["plan"]]
)
def test_no_command_prints_a_firm_and_each_tells_the_rules(command, data, named):
    told = run(command[0], data, *command[1:], "--public", "-q", "--lang", "en", "--set", "grade.rules=huangyan-2022")
    assert [name for name in named if name in told] == []
    assert "Public version" in told


def test_every_output_tells_the_rules(report):
    words = json.loads((report / "manifest.json").read_text("utf-8"))["redaction"]["zh"]
    assert words.startswith("公开版")
    assert "20 米格网" in words
    for path in report.iterdir():
        assert any(words in part.decode("utf-8", "replace") for part in texts(path)), path.name


def test_withheld_figures_are_null_and_never_nought(report):
    document = json.loads((report / "results.json").read_text("utf-8"))
    shut = [one for one in document["indicators"] if one["suppressed"]]
    assert shut
    assert len(shut) == document["definitions"]["redaction"]["withheld"]
    assert {one[key] for one in shut for key in ("numerator", "denominator", "value")} == {None}
    book = openpyxl.load_workbook(report / "report.xlsx", read_only=True, data_only=True)
    rows = list(book["指标"].iter_rows(values_only=True))
    head, how = rows[0], [row for row in rows[1:] if "不公开" in row]
    assert len(how) == len(shut)
    assert {row[list(head).index("指标值")] for row in how} <= {None, ""}
    assert "企业" not in book.sheetnames
    assert "不公开" in (report / "report.html").read_text("utf-8")
    counts = document["grading"]["counts"]
    assert counts
    assert all(one["firms"] is None or one["firms"] >= 3 for one in counts)
    assert document["grades"] == []


def test_parcels_of_every_form_lie_on_the_grid(report):
    parcels = gpd.read_file(report / "results.gpkg", layer="parcels")
    assert (shapely.get_coordinates(parcels.geometry.to_numpy()) % 20 == 0).all()
    assert not {"owner_code", "industry_code", "investment_cny"} & set(parcels)
    assert parcels["land_area_m2"].notna().all()
    for layer in ("candidates", "candidate_groups", "clusters"):
        shapes = gpd.read_file(report / "results.gpkg", layer=layer).geometry.to_numpy()
        assert (np.abs(shapely.get_coordinates(shapes) % 20) < 1e-6).all(), layer


def test_figures_of_every_parcel_have_no_public_version(data, tmp_path):
    done = CliRunner().invoke(cli.main, ["measure", str(data), "--public", "--parcels", str(tmp_path / "rows")])
    assert done.exit_code == 2
    assert "公开版" in done.stderr


def test_a_printed_map_of_a_public_version_has_no_theme_of_firms(data, tmp_path):
    asked = ["map", str(data), "-o", str(tmp_path / "a.png"), "--theme", "tax_per_mu", "--lang", "en"]
    done = CliRunner().invoke(cli.main, [*asked, "--public"])
    assert done.exit_code == 2
    assert 'a public version of these data has no theme "tax_per_mu"' in done.stderr
    assert "None" not in done.stderr
