# ruff: noqa: S608  (the queries are made of our own words)
"""Figures by other hands: SQL over the files, geodesics of PROJ, overlays of geopandas and of QGIS.

The files of the example city are read here by pyogrio, openpyxl and DuckDB, never by the toolkit, and its sums
are asked of SQL. What the toolkit counts in whole steps (0.01 m², fen) is rounded to such steps in the SQL
too, so that sums of tables must agree exactly, but for the order in which SQL adds floats.
"""

from __future__ import annotations

from collections import Counter

import duckdb
import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely
from plain_figures import Answer, by, geodesic, shares_on, valid

from geo.overlay import intersect
from geo.zones import faces, park_table
from layers.area import area_m2
from layers.example import make, write

EXACT = 1e-13  # the order in which SQL adds floats
CGCS2000 = "GRS80 as CGCS2000 has it"


@pytest.fixture(scope="module")
def example():
    return make(parcels=2000, seed=7)


@pytest.fixture(scope="module")
def folder(example, tmp_path_factory):
    return write(tmp_path_factory.mktemp("city"), example).parent


@pytest.fixture(scope="module")
def answer(folder):
    """The project as it is, without the raster: SQL has no rasters."""
    text = (folder / "project.toml").read_text("utf-8")
    (folder / "plain.toml").write_text(text[: text.index("[layers.height]")], encoding="utf-8")
    return Answer(folder / "plain.toml", *by("city", "district", "zone", "park", "enterprise"))


@pytest.fixture(scope="module")
def recorded(folder, answer):
    """The same with registered areas."""
    return Answer(folder / "plain.toml", "--set", "project.area=recorded")


REPORT = """
CREATE VIEW report AS
SELECT 统一社会信用代码 AS code, CAST(年度 AS DOUBLE)::INT AS year, 行业代码 AS industry, 是否高新技术企业 AS high,
    round("实缴税金（万元）"::DOUBLE * 10000, 2) AS tax,
    round("工业增加值（万元）"::DOUBLE * 10000, 2) AS added,
    round("主营业务收入（万元）"::DOUBLE * 10000, 2) AS revenue,
    round("工业总产值（万元）"::DOUBLE * 10000, 2) AS output,
    round("研发费用（万元）"::DOUBLE * 10000, 2) AS rd,
    "年平均职工人数（人）"::DOUBLE AS heads, "综合能耗（吨标准煤）"::DOUBLE AS energy,
    "用电量（万千瓦时）"::DOUBLE * 10000 AS power, "排放量（吨）"::DOUBLE AS emissions,
    CASE WHEN "登记用地面积（亩）" IS NOT NULL OR "租入土地面积（亩）" IS NOT NULL THEN
        round((coalesce("登记用地面积（亩）"::DOUBLE, 0) - coalesce("租出土地面积（亩）"::DOUBLE, 0)
            + coalesce("租入土地面积（亩）"::DOUBLE, 0)) * 2000 / 3, 2) END AS used
FROM firm
"""


@pytest.fixture(scope="module")
def sql(folder):
    """The tables of the city as DuckDB has them, under the titles of the files."""
    parcels = pyogrio.read_dataframe(folder / "地类图斑.shp", encoding="GBK")
    rows = list(openpyxl.load_workbook(folder / "企业亩均数据.xlsx").active.iter_rows(values_only=True))
    firms = pd.DataFrame(rows[3:], columns=rows[2]).dropna(subset="企业名称").replace("暂无", None)
    database = duckdb.connect()
    database.register("shape_parcel", pd.DataFrame(parcels.drop(columns="geometry"))[parcels.geometry.notna()])
    database.register("firm_text", firms.astype("str").where(firms.notna(), None))
    database.execute("CREATE TABLE parcel AS SELECT * FROM shape_parcel")
    database.execute("CREATE TABLE firm AS SELECT * FROM firm_text")
    database.execute(REPORT)
    yield database
    database.close()


def test_every_firm_reports_land(sql):
    assert sql.execute("SELECT count(*) FROM report WHERE used IS NULL OR used <= 0").fetchone() == (0,)


@pytest.mark.parametrize(
    ("name", "top", "below", "factor"),
    [
        ("tax_per_mu", "tax", "used", 10_000 / (2000 / 3)),
        ("value_added_per_mu", "added", "used", 10_000 / (2000 / 3)),
        ("revenue_per_mu", "revenue", "used", 10_000 / (2000 / 3)),
        ("rd_per_mu", "rd", "used", 10_000 / (2000 / 3)),
        ("output_per_km2", "output", "used", 1e8 / 1e6),
        ("rd_share", "rd", "revenue", 1.0),
        ("labour_productivity", "added", "heads", 10_000.0),
        ("value_added_per_tce", "added", "energy", 10_000.0),
        ("value_added_per_emission", "added", "emissions", 10_000.0),
        ("tax_per_electricity", "tax", "power", 1.0),
        ("high_tech_share", "CASE high WHEN '是' THEN added ELSE 0 END", "added", 1.0),
    ],
)
def test_sums_of_firms(sql, answer, name, top, below, factor):
    known = f"year = 2025 AND {top} IS NOT NULL AND {below} IS NOT NULL"
    query = f"SELECT sum({top}), sum({below}), count(*) FROM report WHERE {known}"
    numerator, denominator, count = sql.execute(query).fetchone()
    row = answer.city(name)
    assert row["numerator"] == pytest.approx(numerator, rel=EXACT)
    assert row["denominator"] == pytest.approx(denominator, rel=EXACT)
    assert row["count"] == count > 100
    assert row["value"] == pytest.approx(numerator / denominator / factor, rel=1e-12)


def test_only_the_latest_year_counts(sql, folder, answer):
    query = "SELECT sum(tax), count(*) - count(tax) FROM report WHERE year = ?"
    (now, unknown), (before, _) = (sql.execute(query, [year]).fetchone() for year in (2025, 2024))
    row = answer.city("tax_per_mu")
    assert row["numerator"] == pytest.approx(now, rel=EXACT)
    assert row["missing"]["count"] == unknown
    earlier = Answer(folder / "plain.toml", "--set", "project.as_of=2024-12-31").city("tax_per_mu")
    assert earlier["numerator"] == pytest.approx(before, rel=EXACT) != now


def test_industries(sql, answer):
    rows = sql.execute(
        "SELECT sum(output) FROM report WHERE year = 2025 AND output > 0 AND industry IS NOT NULL "
        "GROUP BY substr(regexp_replace(industry, '^[A-Z]', ''), 1, 2) ORDER BY 1 DESC"
    ).fetchall()
    totals = [total for (total,) in rows]
    assert answer.city("leading_industry_share")["value"] == pytest.approx(totals[0] / sum(totals), rel=1e-12)
    assert answer.city("top3_industry_share")["value"] == pytest.approx(sum(totals[:3]) / sum(totals), rel=1e-12)


def test_every_firm_has_what_it_reports(sql, answer):
    query = "SELECT code, sum(tax) FROM report WHERE year = 2025 AND tax IS NOT NULL GROUP BY code"
    known = dict(sql.execute(query).fetchall())
    told = answer.table("tax_per_mu", "enterprise").query("count > 0")["numerator"]
    assert told.to_dict() == pytest.approx(known, rel=EXACT)
    for level in ("district", "zone", "park"):
        # Firms without a place, or outside every zone, stand in no row of the table.
        assert 0 < answer.table("tax_per_mu", level)["numerator"].sum() <= sum(known.values()) * (1 + EXACT)


@pytest.mark.parametrize(
    ("name", "top", "classes"),
    [
        ("industrial_concentration", None, "industrial"),
        ("industrial_land_share", None, "built"),
        ("green_ratio", "LD * 10000", "built"),  # the field code is defined in hectares
        ("admin_land_share", "XZBG * 10000", "industrial"),
        ("investment_per_mu", "GDZCTZZE * 10000", "industrial"),  # 万元
    ],
)
def test_sums_of_parcels(sql, recorded, name, top, classes):
    asked = {"industrial": "DLBM LIKE '0601%'", "built": "NOT regexp_matches(DLBM, '^(0[0-4]|1006|11|120[2-7])')"}
    query = f"SELECT sum({top or 0}), sum(TBMJ), count(*) FROM parcel WHERE {asked[classes]} AND {top or 0} IS NOT NULL"
    numerator, denominator, count = sql.execute(query).fetchone()
    row = recorded.city(name)
    assert row["denominator"] == pytest.approx(denominator, rel=EXACT)
    assert row["count"] == count
    assert top is None or row["numerator"] == pytest.approx(numerator, rel=EXACT)


# --- land, by the ellipsoid and by geopandas -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parcels(folder):
    return valid(gpd.read_file(folder / "地类图斑.shp", encoding="GBK").to_crs(4549))


@pytest.fixture(scope="module")
def industrial(parcels):
    return parcels[parcels["DLBM"].str.startswith("0601")].reset_index(drop=True)


@pytest.fixture(scope="module")
def parks(folder):
    return gpd.read_file(folder / "开发区范围.gpkg")


def cut(shapes, other):
    return gpd.overlay(shapes, other, how="intersection", keep_geom_type=True)


def test_areas_against_geodesics(parcels, industrial, answer):
    areas = geodesic(parcels.geometry, CGCS2000)
    assert area_m2(parcels.geometry, "geodesic").to_numpy() == pytest.approx(areas, rel=1e-9, abs=1e-4)
    statutory = area_m2(parcels.geometry)
    # Edges straight in degrees bulge by L³ tan φ / 12 R against geodesics: millimetres, but for long thin slivers.
    assert np.median(np.abs(statutory / areas - 1)) < 1e-6
    assert statutory.sum() == pytest.approx(areas.sum(), rel=1e-7)
    total = geodesic(industrial.geometry, CGCS2000).sum()
    assert answer.city("industrial_concentration")["denominator"] == pytest.approx(total, rel=1e-7)


def test_concentration_by_overlay_and_dissolve(industrial, parks, answer, example):
    inside = geodesic(cut(industrial[["geometry"]], parks[["geometry"]].dissolve()).geometry, CGCS2000).sum()
    row = answer.city("industrial_concentration")
    assert row["numerator"] == pytest.approx(inside, rel=1e-6)
    assert row["value"] == pytest.approx(inside / geodesic(industrial.geometry, CGCS2000).sum(), rel=1e-6)
    assert row["value"] == pytest.approx(example.truth["concentration"]["ellipsoidal"], rel=1e-6)


def test_concentration_by_zone(industrial, parks, answer):
    """The rule is priority: ground goes to the park that ranks first, told here by cutting one after the other."""
    levels = {"国家级": 0, "省级": 1}
    roles = {word: i for i, word in enumerate(("主园", "分园", "托管", "飞地", "合作", "伙伴"))}
    order = parks.assign(level=parks["级别"].map(levels).fillna(9), role=parks["园区类型"].map(roles).fillna(9))
    order = order.sort_values(["优先级", "level", "role", "园区编号"])
    taken, own = shapely.Point(), []
    for shape in order.geometry:
        own.append(shape.difference(taken))
        taken = taken.union(shape)
    pieces = gpd.GeoDataFrame({"zone": order["开发区代码"].to_numpy()}, geometry=own, crs=parks.crs)
    inside = cut(industrial[["geometry"]], pieces)
    known = pd.Series(geodesic(inside.geometry, CGCS2000)).groupby(inside["zone"]).sum()
    told = answer.table("industrial_concentration", "zone").query("numerator > 0")["numerator"]
    assert told.to_dict() == pytest.approx(known.to_dict(), rel=1e-6, abs=0.1)
    assert set(answer.table("industrial_concentration", "park").index) == set(parks["园区编号"])


def test_concentration_by_district(industrial, parks, folder, answer):
    """A parcel belongs whole to the district its inner point lies in."""
    districts = gpd.read_file(folder / "行政区.geojson").to_crs(4549)
    points = gpd.GeoDataFrame(geometry=industrial.representative_point(), crs=industrial.crs)
    home = gpd.sjoin(points, districts, predicate="within")["XZQDM"].reindex(industrial.index).astype(str)
    inside = cut(industrial[["geometry"]].assign(home=home), parks[["geometry"]].dissolve())
    known = pd.Series(geodesic(inside.geometry, CGCS2000)).groupby(inside["home"]).sum()
    told = answer.table("industrial_concentration", "district").query("numerator > 0")["numerator"]
    assert told.to_dict() == pytest.approx(known.to_dict(), rel=1e-6, abs=0.1)


def test_floor_areas_and_footprints(parcels, folder, answer):
    houses = gpd.read_parquet(folder / "建筑物.parquet")
    footprint = pd.Series(geodesic(houses.geometry, CGCS2000))
    by_floors = footprint * houses["层数"]
    by_height = footprint * (houses["建筑高度"] / houses["层高"].fillna(4.0)).clip(lower=1)
    floor = houses["建筑面积"].fillna(by_floors).fillna(by_height)
    storey = houses["层高"].fillna(houses["建筑高度"] / houses["层数"])
    floor = floor.where(~(storey > 8), 2 * floor)
    on = shares_on(houses, parcels)
    blind = on[(on["share"] > 0.01) & floor.isna()[on["building"]].to_numpy()]["parcel"].unique()
    sums = pd.Series(on["share"] * floor.fillna(0.0)[on["building"]].to_numpy()).groupby(on["parcel"]).sum()
    sums = sums.reindex(parcels.index).fillna(0.0).drop(blind)
    industrial = parcels["DLBM"].str.startswith("0601")
    row = answer.city("industrial_plot_ratio")
    assert row["numerator"] == pytest.approx(sums[industrial].sum(), rel=1e-6)
    assert row["missing"]["count"] == industrial[blind].sum() > 0
    assert row["denominator"] == pytest.approx(
        geodesic(parcels[industrial].drop(blind, errors="ignore").geometry, CGCS2000).sum(), rel=1e-6
    )
    base = pd.Series(on["share"] * footprint[on["building"]].to_numpy()).groupby(on["parcel"]).sum()
    built = ~parcels["DLBM"].str.match("(0[0-4]|1006|11|120[2-7])")
    assert answer.city("building_density")["numerator"] == pytest.approx(
        base.reindex(parcels.index[built]).sum(), rel=1e-6
    )


def test_truth_of_the_example(example, answer):
    truth, firms = example.truth, example.truth["firms"]
    concentration, tax = answer.city("industrial_concentration"), answer.city("tax_per_mu")
    assert concentration["denominator"] == pytest.approx(truth["industrial_m2"]["ellipsoidal"], rel=1e-7)
    assert tax["numerator"] == pytest.approx(firms["tax_cny"], rel=EXACT)
    assert tax["denominator"] == pytest.approx(firms["land_m2"], abs=0.005 * firms["count"])
    assert tax["missing"]["count"] == firms["without_tax"]
    all_land = answer.city("revenue_per_mu")["denominator"]
    assert all_land == pytest.approx(firms["land_of_all_m2"], abs=0.005 * firms["count"])
    pairs = [one for one in answer.document["overlaps"] if one["area_m2"] > 1]
    told = {frozenset((one["park_a"], one["park_b"])): one["area_m2"] for one in pairs}
    known = {frozenset(one["parks"]): one["area_m2"] for one in truth["park_overlaps"]}
    assert told == pytest.approx(known, rel=1e-3)  # planar there, ellipsoidal here


# --- overlays that QGIS made -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def boroughs(shared_data):
    here = shared_data / "geopandas_qgis_overlay" / "nybb_qgis"
    return lambda name: gpd.read_file(here / f"{name}.shp")


@pytest.mark.real_data
def test_boroughs_and_circles(boroughs):
    """Five boroughs by eleven circles, in square feet, pair by pair."""
    one, other, qgis = boroughs("polydf"), boroughs("polydf2"), boroughs("qgis-intersection")
    pairs = intersect(one.geometry.to_numpy(), other.geometry.to_numpy())
    areas = pairs.share * one.area.to_numpy()[pairs.left]
    keys = zip(one["BoroName"][pairs.left], other["value1"][pairs.right], strict=True)
    theirs = dict(zip(zip(qgis["BoroName"], qgis["value1"], strict=True), qgis.area, strict=True))
    assert dict(zip(keys, areas, strict=True)) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("result", "claims"),
    [("union", ["b", "c", "bc"]), ("symmetric_difference", ["b", "c"]), ("difference", ["b"])],
)
def test_faces_of_boroughs_and_circles(boroughs, result, claims):
    """Boroughs and circles as two parks: the ground one, the other, or both claim."""
    both = [
        boroughs(name).dissolve()[["geometry"]].assign(park_id=key) for name, key in (("polydf", "b"), ("polydf2", "c"))
    ]
    table = park_table(pd.concat(both, ignore_index=True))
    cuts = faces(table)
    claimed = ["".join(sorted(table["park_id"][row] for row in rows)) for rows in cuts.owners]
    ours = sum(shape.area for shape, claim in zip(cuts.geometry, claimed, strict=True) if claim in claims)
    theirs = boroughs(f"qgis-{result}").geometry.make_valid()
    assert ours == pytest.approx(shapely.union_all(theirs.to_numpy()).area, rel=1e-9)


@pytest.mark.real_data
def test_layers_that_overlap_themselves(shared_data):
    here = shared_data / "geopandas_qgis_overlay" / "overlap"
    one, other, qgis = (
        gpd.read_file(here / f"{name}.geojson").set_crs(32651, allow_override=True)
        for name in ("df1_overlap", "df2_overlap", "df1_df2_overlap-intersection")
    )
    pairs = intersect(one.geometry.to_numpy(), other.geometry.to_numpy())
    told, theirs = Counter(), Counter()
    for left, right, share in zip(pairs.left, pairs.right, pairs.share, strict=True):
        told[one["col1"][left], other["col2"][right]] += share * one.area[left]
    for row in qgis.itertuples():
        theirs[row.col1, row.col2] += row.geometry.area
    assert told == pytest.approx(theirs, rel=1e-9)
