"""Public versions under attack: names where nobody looks, sums that tell what is withheld, columns nobody knows."""

import re
import sqlite3
import zipfile
from itertools import combinations

import geopandas as gpd
import hand_city
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hand_report import hand_city_path
from reading_outputs import texts
from test_maps import Watched, browser  # noqa: F401  (a fixture)

import cli
from geo.assessment import assess
from geo.land import attach
from geo.redaction.coarse import coarse_land
from geo.redaction.figures import hidden_places
from geo.redaction.redact import redact
from layers import findings
from layers.project import loads

FIRM, COMPANY, PERSON, STREET = "甲某机械厂", "乙某电子（集团）有限公司", "丁某", "戊某某"
CODES = ("9133000000000001XX", "9133000000000002XX", "F3xx3333", "OWN-778899")
NAMED = (FIRM, "乙某电子", PERSON, STREET, *CODES, *map(str.lower, CODES), "联系人", "13800000000")

PROJECT = f"""
city = "示例市"
name = "{FIRM}专题"
area = "planar"
[candidates]
overrides = "decisions.csv"
tax_per_mu_below = 30
also = ["idle_land"]
[plan]
actions = ["retire", "relocate"]
at_least = 0.4
locks = "{FIRM}.csv"
[plan.costs]
retire = {{ wcny_per_mu = 40, cny_per_floor_m2 = 1100 }}
relocate = {{ wcny_per_mu = 90, cny_per_floor_m2 = 500 }}
[control]
edition = "2008"
[grade]
rules = "huangyan-2022"
[evaluation]
tree = "tree.csv"
"""


def parcels():
    return hand_city.parcels().assign(
        parcel_id=["p1", f"{FIRM}二号地", CODES[1], "p4", "h1"],
        owner_code=[CODES[0], CODES[0], CODES[1], CODES[3], None],
        # Half-width brackets, where the list of firms has the wide ones.
        owner_name=[FIRM, FIRM, "乙某电子(集团)有限公司", PERSON, STREET],
        status=["在用", f"{FIRM}停产", "闲置(乙某电子(集团)有限公司)", "闲置", f"归{STREET}"],
        investment_cny=[1.25e6, 2.5e6, 3.75e6, 4e6, None],
        memo=[f"联系人 {PERSON} 13800000000", "", "", "", ""],
    )


def layers():
    firms = hand_city.enterprises().assign(
        enterprise_code=[*CODES[:3], "F4", "F5"], enterprise_name=[FIRM, COMPANY, "丙某纺织厂", "四某厂", "五某厂"]
    )
    holdings = hand_city.holdings().assign(
        enterprise_code=[CODES[0], CODES[0], CODES[1], CODES[2]], parcel_id=["p1", f"{FIRM}二号地", CODES[1], CODES[1]]
    )
    parks = hand_city.parks().assign(operator=[f"{FIRM}（运营）", FIRM, "管委会"], 联系人="13800000000")
    at = {"geometry": [hand_city.box(10, 10, 60, 60)], "crs": hand_city.CRS}
    return {
        "parcels": parcels(),
        "enterprises": firms,
        "holdings": holdings,
        "parks": parks,
        "facilities": gpd.GeoDataFrame({"kind": [f"{FIRM}食堂"], "facility_name": [FIRM]}, **at),
        "housing": gpd.GeoDataFrame({"housing_name": [f"{FIRM}宿舍"], "homes": [100]}, **at),
        "constraints": gpd.GeoDataFrame({"kind": [f"{FIRM}红线"]}, **at),
        "targets": pd.DataFrame(
            {"indicator": ["tax_per_mu"], "scope": ["每个开发区"], "year": [2025], "value": [40.0], "source": [FIRM]}
        ),
    }


def write(base):
    """The city with its tables of decisions; return the project file."""
    folder = hand_city.write(base / f"{FIRM}资料", PROJECT, **layers())
    (folder / "decisions.csv").write_text(
        "parcel_id,decision,author,date,reason\n"
        f"p1,keep,{FIRM} 经办,2025-01-01,{FIRM}同意\n"
        f"{FIRM}二号地,add,{PERSON},2025-01-01,乙某电子(集团)有限公司要求\n"
        f"p4,drop,{PERSON},2025-01-01,{CODES[0].lower()} 要求\n",
        "utf-8",
    )
    (folder / f"{FIRM}.csv").write_text(
        f"parcel_id,lock,author,date,reason\np4,out,{PERSON},2025-01-01,{COMPANY}不同意\n", "utf-8"
    )
    (folder / "tree.csv").write_text(
        f"node,parent,weight,indicator,ideal\ntotal,,1,,\n{FIRM}项,total,0.5,plot_ratio,1\nb,total,0.5,plot_ratio,1.2\n",
        "utf-8",
    )
    return folder / "project.toml"


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    """A report on a city in which people wrote names into everything they can write into."""
    out = tmp_path_factory.mktemp("public") / "out"
    file = write(tmp_path_factory.mktemp("base"))
    done = CliRunner().invoke(cli.main, ["report", str(file), "-o", str(out), "--public", "-q"])
    assert done.exit_code == 0, done.stderr
    return out


@pytest.mark.parametrize("name", ["report.html", "report.docx", "report.xlsx", "map.html", "results.gpkg",
                                  "results.json", "findings.csv", "manifest.json"])  # fmt: skip
def test_no_name_leaves_whoever_wrote_it_wherever(public, name):
    for part in texts(public / name):
        told = part.decode("utf-8", "replace")
        assert [one for one in (*NAMED, str(public.parents[1])) if one in told] == []


def test_parcels_named_like_firms_stay_apart(public):
    found = gpd.read_file(public / "results.gpkg", layer="parcels")
    assert found["uid"].is_unique
    assert sorted(found["uid"]) == ["h1", "p1", "p4", "▇▇1", "▇▇2"]
    # The three parcels of firms that told their plot ratio still have it.
    assert found.set_index("uid")["plot_ratio"].notna().sum() >= 3
    with sqlite3.connect(public / "results.gpkg") as base:
        assert "▇▇" in str(base.execute("select group_concat(operator) from parks").fetchone())


def test_documents_bear_no_author_and_no_folder(public):
    for name in ("report.docx", "report.xlsx"):
        with zipfile.ZipFile(public / name) as archive:
            core = archive.read("docProps/core.xml").decode()
        assert {*re.findall(r"<(?:dc:creator|cp:lastModifiedBy)>([^<]*)<", core)} <= {"", "Parkwise"}


def test_columns_nobody_knows_stay_in_the_house_and_those_of_ours_do_not():
    own = hand_city.parcels().assign(owner_name="x", memo="y", 备注="z", investment_planned_cny=3.0)
    land = attach(
        own, hand_city.parks().assign(phone="1"), hand_city.buildings(), hand_city.districts().assign(phone="2")
    )
    after = coarse_land(land, 20.0)
    gone = {"owner_code", "owner_name", "memo", "备注", "investment_planned_cny"}
    assert set(land.parcels) - set(after.parcels) == gone
    assert "phone" not in {*after.parks, *after.districts}


# ---------------------------------------------------------------- sums against sums


def cut_city(seed):
    """Parks of two zones, each cut by the line between two districts; firms here and there, some tell less."""
    rng = np.random.default_rng(seed)
    parks = hand_city.layer(
        [(0, 0, 1000, 400), (0, 500, 1000, 900), (0, 1000, 1000, 1400)],
        park_id=["A", "B", "C"], park_name=["A", "B", "C"], zone_id=["1", "1", "2"], zone_name=["1", "1", "2"],
    )  # fmt: skip
    rows = [(x, y) for y in (0, 500, 1000, 2000) for x in (0, 800)]
    lots = hand_city.layer(
        [(x, y, x + 100, y + 100) for x, y in rows], parcel_id=[f"x{x}y{y}" for x, y in rows], land_use_code="0601"
    )
    districts = hand_city.layer([(-9, -9, 500, 3000), (500, -9, 2000, 3000)], district_name=["west", "east"])
    at = [name for name in lots["parcel_id"] for _ in range(rng.integers(0, 5))] or ["x0y0"]
    firms = pd.DataFrame(
        {"enterprise_code": [f"firm{n}" for n in range(len(at))], "parcel_id": at, "land_registered_m2": 100.0,
         "tax_cny": rng.integers(1, 10**6, len(at)) * 1.0, "value_added_cny": rng.integers(1, 10**6, len(at)) * 1.0,
         "electricity_kwh": np.where(rng.random(len(at)) < 0.8, 1000.0, np.nan),
         "employees": np.where(rng.random(len(at)) < 0.8, 10.0, np.nan),
         "high_tech": rng.random(len(at)) < 0.4}
    )  # fmt: skip
    text = '[project]\nas_of = 2025-12-31\narea = "planar"\ncity = "city"\n'
    frames = {"parks": parks, "parcels": lots, "districts": districts, "enterprises": firms}
    return firms, assess(frames, loads(text, hand_city_path()), findings=findings.empty())


def places_of(parcel_id):
    """Where a firm is counted, read off the drawing."""
    x, y = map(int, parcel_id[1:].split("y"))
    found = {("city", "city"), ("district", "west" if x == 0 else "east")}
    park = {0: "A", 500: "B", 1000: "C"}.get(y)
    if park is None:
        return found
    return found | {("park", park), ("zone", "2" if park == "C" else "1"), ("zones", "zones")}


def shown_sums(firms, hidden, uses):
    """One row a sum that is shown, one column a firm: which firms it sums."""
    where = [places_of(id_) for id_ in firms["parcel_id"]]
    rows = [
        [place in own and tells for own, tells in zip(where, known, strict=True)]
        for name, known in uses
        for place in set().union(*where)
        if place not in hidden.get(name, ())
    ]
    return np.array(rows, dtype=float).reshape(-1, len(firms))


@pytest.mark.parametrize("seed", range(12))
def test_no_sum_of_one_or_two_firms_can_be_worked_out_from_all_that_is_shown(seed):
    firms, assessment = cut_city(seed)
    hidden = hidden_places(assessment, 3)
    every = np.ones(len(firms), dtype=bool)
    taxes = [("tax_per_mu", every), ("tax_per_electricity", firms["electricity_kwh"].notna())]
    added = [("value_added_per_mu", every), ("labour_productivity", firms["employees"].notna()),
             ("high_tech_share", every), ("high_tech_share", firms["high_tech"])]  # fmt: skip
    for column, uses in (("tax_cny", taxes), ("value_added_cny", added)):
        rows = shown_sums(firms, hidden, uses)
        rank = np.linalg.matrix_rank(rows) if len(rows) else 0
        for few in (*combinations(range(len(firms)), 1), *combinations(range(len(firms)), 2)):
            alone = np.zeros((1, len(firms)))
            alone[0, list(few)] = 1
            assert np.linalg.matrix_rank(np.vstack([rows, alone])) > rank, (column, firms.iloc[list(few)])


def test_what_may_be_shown_is_shown():
    shown = 0
    for seed in range(12):
        _, assessment = cut_city(seed)
        hidden = hidden_places(assessment, 3)
        shown += ("city", "city") not in hidden["tax_per_mu"]
    assert shown >= 11


@pytest.mark.browser
def test_a_public_map_opens_with_its_rules_and_offers_nothing_of_firms(public, browser):  # noqa: F811
    page = Watched(browser, public / "map.html")
    assert page.page.inner_text(".pw-public").startswith("公开版")
    assert page.page.locator(".pw-public").is_visible()
    assert page.page.get_attribute(".pw-search input", "placeholder") == "搜索地块、园区"
    values = page.page.locator(".pw-themes input").evaluate_all("all => all.map(one => one.value)")
    assert not {"tax_per_mu", "grade"} & set(values)
    for parcel in range(5):
        page.run(f"Parkwise.city.openParcel({parcel}, true)")
        assert [one for one in NAMED if one in page.card()] == []
    assert page.told == []
    page.page.close()


def test_idle_land_does_not_tell_the_money_spent_on_it():
    spent = hand_city.parcels().assign(
        started=pd.Timestamp("2015-01-01"), suspended_since=pd.Timestamp("2020-01-01"), agreed_start=pd.NaT,
        developed_m2=5000.0, to_develop_m2=10_000.0, invested_cny=123_457.0, investment_planned_cny=1_000_000.0,
    )  # fmt: skip
    text = '[project]\nas_of = 2025-12-31\narea = "planar"\noverlap = "priority"\n[candidates]\nalso = ["idle_land"]\n'
    whole = assess(hand_city.frames() | {"parcels": spent}, loads(text, hand_city_path()), findings=findings.empty())
    told = whole.candidates.evidence.set_index("measure")["value"]
    assert np.isclose(told["invested_share"], 0.123457).all()
    after = redact(whole).assessment.candidates
    kept = after.evidence[after.evidence["measure"] == "invested_share"]
    assert len(kept) == len(told[["invested_share"]])
    assert kept["value"].isna().all()
    assert (kept["limit"] == 0.25).all()
    assert "0.123457" not in str(after)
