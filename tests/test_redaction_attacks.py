"""Public versions under attack: names where nobody looks, sums that tell what is withheld, columns nobody knows."""

import re
import sqlite3
import zipfile

import geopandas as gpd
import hand_city
import pandas as pd
import pytest
from click.testing import CliRunner
from reading_outputs import texts

import cli
from geo.land import attach
from geo.redaction.coarse import coarse_land

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


@pytest.fixture(scope="module")
def public(tmp_path_factory):
    """A report on a city in which people wrote names into everything they can write into."""
    folder = hand_city.write(tmp_path_factory.mktemp("base") / f"{FIRM}资料", PROJECT, **layers())
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
    out = tmp_path_factory.mktemp("public") / "out"
    done = CliRunner().invoke(cli.main, ["report", str(folder / "project.toml"), "-o", str(out), "--public", "-q"])
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
