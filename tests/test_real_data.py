"""The main job on real files of many hands: every figure is held against one made here by plain tools.

Shapes are read by geopandas or openpyxl, measured by `pyproj.Geod` or in a plane, and joined by shapely;
no function of the toolkit makes an expected figure. Nothing of the files is kept: they lie beside the project.
"""

from __future__ import annotations

import itertools
import json
import zipfile

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import rasterio
import shapely
from plain_figures import Answer, by, geodesic, on_parcels, run, valid

import layers
from layers.heights import measure_heights
from layers.rasters import Raster

pytestmark = pytest.mark.real_data


def findings(*arguments, code=0):
    done = run("check", *arguments, "--json", "-q")
    assert done.exit_code == code, done.stderr
    return pd.DataFrame(json.loads(done.stdout)["findings"], columns=["code", "layer", "id", "found", "blocks"])


def project(folder, text):
    path = folder / "project.toml"
    path.write_text(text, encoding="utf-8")
    return path


def grid(frame, columns, rows, margin=100.0):
    """Square parcels over a projected layer, with a margin all around."""
    west, south, east, north = frame.total_bounds + np.array([-margin, -margin, margin, margin])
    x, y = np.linspace(west, east, columns + 1), np.linspace(south, north, rows + 1)
    cells = [shapely.box(x[i], y[j], x[i + 1], y[j + 1]) for i, j in itertools.product(range(columns), range(rows))]
    names = [f"c{i:04d}" for i in range(len(cells))]
    return gpd.GeoDataFrame({"parcel_id": names, "land_use_code": "0601"}, geometry=cells, crs=frame.crs)


# --- Kouvola: sites and buildings of OpenStreetMap -------------------------------------------------------------------


@pytest.fixture(scope="module")
def kouvola(shared_data):
    path = shared_data / "osm_kouvola" / "kouvola.gpkg"
    sites, houses = (valid(gpd.read_file(path, layer=name).to_crs(32635)) for name in ("landuse", "buildings"))
    return sites, houses


def test_kouvola_from_a_bare_folder(shared_data, kouvola):
    sites, _ = kouvola
    done = run("measure", shared_data / "osm_kouvola", "--json", "--set", "project.area=geodesic")
    assert done.exit_code == 0
    assert "kouvola.gpkg" in done.stderr  # the layer named landuse goes before the larger one that is not
    assert "enterprises" not in done.stderr  # points with a name and an empty address are no firms
    answer = Answer(shared_data / "osm_kouvola", "--set", "project.area=geodesic")
    industrial = (sites["landuse"] == "industrial").to_numpy()
    share = answer.city("industrial_land_share")
    assert share["numerator"] == pytest.approx(geodesic(sites.geometry[industrial]).sum(), abs=0.01 * len(sites))
    assert answer.ledger("parcels")["read"] == 51
    assert answer.ledger("buildings")["read"] == 2215


@pytest.mark.parametrize("form", ["gpkg", "pbf"])
def test_kouvola_industrial_sites_and_their_density(shared_data, kouvola, tmp_path, form):
    sites, houses = kouvola
    source = shared_data / "osm_kouvola"
    file, layer = {"gpkg": ("kouvola.gpkg", "landuse"), "pbf": ("kouvola.osm.pbf", "multipolygons")}[form]
    path = project(
        tmp_path,
        f"""
        [project]
        city = "Kouvola"
        area = "geodesic"
        [land_use]
        system = "names"
        industrial = ["industrial"]
        [layers.parcels]
        source = "{(source / file).as_posix()}"
        layer = "{layer}"
        [layers.buildings]
        source = "{(source / "kouvola.gpkg").as_posix()}"
        layer = "buildings"
        """,
    )
    answer = Answer(path, *by("city", "parcel"))
    density = answer.table("building_density", "parcel")
    on_site = on_parcels(houses, sites, geodesic(houses.geometry))
    land = geodesic(sites.geometry)
    industrial = sites["landuse"] == "industrial"
    assert industrial.sum() == 9
    for row in np.flatnonzero(industrial):
        told = density.loc[sites["osm_way_id"][row]]
        assert told["denominator"] == pytest.approx(land[row], abs=0.01)
        if form == "gpkg":  # in the PBF the buildings themselves are parcels too, and share the footprints
            assert told["numerator"] == pytest.approx(on_site[row], abs=0.5)
    assert answer.city("industrial_land_share")["numerator"] == pytest.approx(land[industrial].sum(), abs=0.1)
    city = answer.city("building_density")
    assert city["value"] == pytest.approx(density["numerator"].sum() / density["denominator"].sum(), rel=1e-9)


def test_kouvola_faults_are_found(shared_data, kouvola):
    sites, _ = kouvola
    raw = gpd.read_file(shared_data / "osm_kouvola" / "kouvola.gpkg", layer="landuse")
    table = findings(shared_data / "osm_kouvola")
    parcels = table[table["layer"] == "parcels"]
    collapsed = set(raw["osm_way_id"]) - set(sites["osm_way_id"])
    assert set(parcels.loc[parcels["code"] == "geometry-collapsed", "id"]) == collapsed
    crossed = set(raw.loc[~raw.is_valid, "osm_way_id"]) - collapsed
    assert set(parcels.loc[parcels["code"] == "geometry-invalid", "id"]) == crossed


# --- New York: recorded plot ratios ----------------------------------------------------------------------------------

NEW_YORK = """
[project]
city = "New York"
area = "recorded"
[land_use]
system = "names"
industrial = ["06"]
[layers.parcels]
source = "{lots}"
[layers.parcels.columns]
parcel_id = "BBL"
land_use_name = "LandUse"
recorded_area_m2 = {{ name = "LotArea", unit = "ft2" }}
floor_area_m2 = {{ name = "BldgArea", unit = "ft2" }}
[layers.enterprises]
source = "{lots}"
[layers.enterprises.columns]
enterprise_code = "BBL"
parcel_id = "BBL"
tax_cny = "AssessTot"
land_registered_m2 = {{ name = "LotArea", unit = "ft2" }}
"""
SQUARE_FOOT = 0.3048**2


@pytest.fixture(scope="module")
def new_york(shared_data, tmp_path_factory):
    lots = shared_data / "nyc_pluto" / "lots.geojson"
    path = project(tmp_path_factory.mktemp("ny"), NEW_YORK.format(lots=lots.as_posix()))
    columns = ["BBL", "LandUse", "LotArea", "BldgArea", "BuiltFAR", "AssessTot"]
    return gpd.read_file(lots, columns=columns), Answer(path, *by("city", "parcel", "enterprise"))


def test_new_york_plot_ratios_are_the_recorded_ones(new_york):
    lots, answer = new_york
    recorded = lots.astype({"BBL": str}).set_index("BBL")
    ours = answer.table("plot_ratio", "parcel").reindex(recorded.index)["value"]
    comparable = recorded[(recorded["LotArea"] > 0) & recorded["LandUse"].notna()].index
    assert len(comparable) >= 950
    assert ours[comparable].notna().all()
    # BuiltFAR has two decimals: it may differ by half a hundredth, and by what 0.01 m² of floor makes on a small lot.
    plain = recorded["BldgArea"] / recorded["LotArea"]
    rounding = 0.005 + 1e-9 + 0.02 / (recorded["LotArea"] * SQUARE_FOOT)
    assert ((ours - plain).abs() <= 0.02 * (1 + plain) / (recorded["LotArea"] * SQUARE_FOOT))[comparable].all()
    assert ((ours - recorded["BuiltFAR"]).abs() <= rounding)[comparable].all()


def test_new_york_assessed_value_by_land(new_york):
    lots, answer = new_york
    used = lots[lots["LotArea"] > 0]
    city = answer.city("tax_per_mu")
    assert city["numerator"] == used["AssessTot"].sum()
    land = np.rint(used["LotArea"] * SQUARE_FOOT * 100).sum() / 100  # every lot in whole steps of 0.01 m²
    assert city["denominator"] == pytest.approx(land, abs=0.001)
    assert city["value"] == pytest.approx(used["AssessTot"].sum() / 1e4 / (land / (2000 / 3)), rel=1e-9)
    assert city["missing"]["count"] == (lots["LotArea"] == 0).sum()
    own = used["AssessTot"] / 1e4 / (np.rint(used["LotArea"] * SQUARE_FOOT * 100) / 100 / (2000 / 3))
    told = answer.table("tax_per_mu", "enterprise").reindex(used["BBL"].astype(str))["value"]
    assert told.to_numpy() == pytest.approx(own.to_numpy(), rel=1e-9)


# --- Hangzhou: districts in two datums -------------------------------------------------------------------------------

SHIFTED = ("330106", "330110", "330111")


def overlap(one, other):
    return one.intersection(other).area / one.union(other).area


def test_hangzhou_districts_move_back(shared_data):
    folder = shared_data / "hangzhou_districts"
    true = gpd.read_file(folder / "districts_wgs84.geojson").to_crs(4549)
    for code in SHIFTED:
        drawn = folder / f"gcj02_{code}.geojson"
        beside = layers.read(drawn, "districts", reference=layers.read(folder / "districts_wgs84.geojson", "districts"))
        assert [found["code"] for found in beside.attrs["findings"]] == ["datum-shifted"]
        moved = layers.read(drawn, "districts", datum="gcj02")
        assert moved["district_code"].tolist() == [code]
        home = true.geometry[true["district_adcode"].astype(str) == code].iloc[0]
        before, after = (overlap(home, frame.to_crs(4549).geometry.iloc[0]) for frame in (beside, moved))
        assert before < 0.96 < after
        # Two drawings never agree to the metre: what is left is how the two maps were drawn.
        assert (1 - after) < 0.5 * (1 - before)


def test_hangzhou_parks_on_a_shifted_map(shared_data, tmp_path):
    folder = shared_data / "hangzhou_districts"
    files = ", ".join(f'"{(folder / f"gcj02_{code}.geojson").as_posix()}"' for code in SHIFTED)
    path = project(
        tmp_path,
        f"""
        [project]
        city = "杭州市"
        overlap = "priority"
        area = "geodesic"
        [land_use]
        system = "names"
        industrial = ["余杭区", "西湖区", "富阳区"]
        [layers.parcels]
        source = "{(folder / "districts_wgs84.geojson").as_posix()}"
        columns = {{ parcel_id = "district_adcode", land_use_name = "district_name" }}
        [layers.districts]
        source = "{(folder / "districts_wgs84.geojson").as_posix()}"
        [layers.parks]
        source = [{files}]
        """,
    )
    assert set(findings(path)["code"]) >= {"datum-shifted"}
    assert "datum-shifted" not in set(findings(path, "--set", "layers.parks.datum=gcj02")["code"])
    shifted, moved = (Answer(path, *flags) for flags in ((), ("--set", "layers.parks.datum=gcj02")))
    true = gpd.read_file(folder / "districts_wgs84.geojson")
    three = true[true["district_adcode"].astype(str).isin(SHIFTED)]
    for answer in (shifted, moved):
        city = answer.city("industrial_concentration")
        assert city["denominator"] == pytest.approx(geodesic(three.geometry).sum(), rel=1e-8)
    drawn = pd.concat([gpd.read_file(folder / f"gcj02_{code}.geojson") for code in SHIFTED])
    plane = three.to_crs(4549)
    inside = plane.intersection(drawn.to_crs(4549).union_all()).area.sum() / plane.area.sum()
    assert shifted.city("industrial_concentration")["value"] == pytest.approx(inside, abs=1e-4)
    assert moved.city("industrial_concentration")["value"] > 0.99 > shifted.city("industrial_concentration")["value"]


# --- Zhejiang and São Miguel: areas of administrative outlines -------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "ids", "classes", "industrial"),
    [
        ("zhejiang_districts/districts_wgs84.gpkg", "district_adcode", "city_name", "杭州市"),
        ("sao_miguel/concelhos.gpkg", "name", "name", "Ponta Delgada"),
    ],
)
def test_areas_of_outlines(shared_data, tmp_path, file, ids, classes, industrial):
    source = (shared_data / file).as_posix()
    path = project(
        tmp_path,
        f"""
        [project]
        city = "all"
        area = "geodesic"
        [land_use]
        system = "names"
        industrial = ["{industrial}"]
        [layers.parcels]
        source = "{source}"
        columns = {{ parcel_id = "{ids}", land_use_name = "{classes}" }}
        [layers.districts]
        source = "{source}"
        """,
    )
    raw = gpd.read_file(shared_data / file)
    areas = geodesic(raw.geometry)
    mine = (raw[classes] == industrial).to_numpy()
    answer = Answer(path, *by("city", "district"))
    share = answer.city("industrial_land_share")
    assert share["denominator"] == pytest.approx(areas.sum(), rel=1e-8)
    assert share["numerator"] == pytest.approx(areas[mine].sum(), rel=1e-8)
    districts = answer.table("industrial_land_share", "district")
    assert sorted(districts["denominator"]) == pytest.approx(sorted(areas), rel=1e-8)
    assert districts["numerator"].sum() == pytest.approx(share["numerator"], abs=0.005)
    statutory = Answer(path, "--set", "project.area=tdt1055").city("industrial_land_share")
    # Corners joined straight in degrees, not by geodesics: on outlines of whole districts that is all the difference.
    assert statutory["denominator"] == pytest.approx(areas.sum(), rel=1e-6)


# --- Suzhou and Boulder: buildings on a made grid of parcels ---------------------------------------------------------


def on_grid(tmp_path, source, parcels, more=""):
    parcels.to_file(tmp_path / "parcels.gpkg", layer="parcels")
    return project(
        tmp_path,
        f"""
        [project]
        city = "grid"
        area = "planar"
        crs = "{parcels.crs.to_string()}"
        [land_use]
        system = "third-survey"
        [layers.parcels]
        source = "parcels.gpkg"
        [layers.buildings]
        source = "{source.as_posix()}"
        {more}
        """,
    )


@pytest.fixture(scope="module")
def suzhou(shared_data):
    return gpd.read_file(shared_data / "suzhou_buildings" / "bd_demo_2.json").to_crs(32651)


def test_suzhou_floor_area_by_floors(shared_data, suzhou, tmp_path):
    parcels = grid(suzhou, 12, 12)
    path = on_grid(tmp_path, shared_data / "suzhou_buildings" / "bd_demo_2.json", parcels)
    answer = Answer(path, *by("city", "parcel"))
    floors = suzhou.area * suzhou["Floor"]
    floors = floors.where(suzhou["height"] / suzhou["Floor"] <= 8, 2 * floors)
    city = answer.city("plot_ratio")
    assert city["numerator"] == pytest.approx(floors.sum(), rel=1e-6)
    assert city["denominator"] == pytest.approx(parcels.area.sum(), abs=0.005 * len(parcels))
    assert city["estimated"] is False
    told = answer.table("plot_ratio", "parcel").reindex(parcels["parcel_id"])["numerator"].to_numpy()
    assert told == pytest.approx(on_parcels(suzhou, parcels, floors.to_numpy()), abs=1.0, rel=1e-6)


def test_suzhou_floor_area_by_height(suzhou, tmp_path):
    parcels = grid(suzhou, 5, 5)
    suzhou.drop(columns="Floor").to_file(tmp_path / "houses.gpkg", layer="houses")
    answer = Answer(on_grid(tmp_path, tmp_path / "houses.gpkg", parcels), "--set", "buildings.storey_height_m=3.5")
    storeys = (suzhou["height"] / 3.5).clip(lower=1)
    city = answer.city("plot_ratio")
    assert city["numerator"] == pytest.approx((suzhou.area * storeys).sum(), rel=1e-6)
    assert city["estimated"] is True


def test_boulder_zip_is_checked_and_measured(shared_data, tmp_path):
    source = shared_data / "boulder_buildings" / "boulder_buildings.zip"
    raw = gpd.read_file(f"/vsizip/{source}/{_member(source)}").to_crs(32613)
    path = on_grid(tmp_path, source, grid(raw, 20, 20))
    table = findings(path)
    broken = table[(table["code"] == "geometry-invalid") & (table["layer"] == "buildings")]
    assert len(broken) == (~raw.is_valid).sum() > 0
    overlaps = table[(table["code"] == "overlap") & (table["layer"] == "buildings")]
    mended = valid(raw)
    pairs = mended.sindex.query(mended.geometry, predicate="intersects")
    pairs = pairs[:, pairs[0] < pairs[1]]
    shared = shapely.area(shapely.intersection(*(mended.geometry.to_numpy()[side] for side in pairs)))
    assert 0 < len(overlaps) <= (shared > 0).sum()
    answer = Answer(path)
    assert answer.ledger("buildings")["read"] == len(raw) == 13_491
    density = answer.city("building_density")
    assert density["numerator"] == pytest.approx(mended.area.sum(), rel=1e-6)


def _member(path):
    names = zipfile.ZipFile(path).namelist()
    return next(name for name in names if name.endswith(".shp") and "__MACOSX" not in name)


# --- the land deals of 2007 ------------------------------------------------------------------------------------------

DEALS = """
[project]
city = "deals"
[layers.enterprises]
source = "{folder}"
[layers.enterprises.columns]
enterprise_code = "电子监管号"
enterprise_name = "土地使用权人"
land_registered_m2 = {{ name = "面积(公顷)", unit = "公顷" }}
revenue_cny = {{ name = "成交价格(万元)", unit = "万元" }}
"""


def test_land_deals_as_a_table_of_firms(shared_data, tmp_path):
    folder = shared_data / "landchina_2007"
    path = project(tmp_path, DEALS.format(folder=folder.as_posix()))
    deals = []
    for file in sorted(folder.glob("*.xlsx")):
        rows = list(openpyxl.load_workbook(file).active.iter_rows(values_only=True))
        # The header of the first table is shifted at 行业分类 only; these two columns stand under their titles.
        land, price = rows[0].index("面积(公顷)"), rows[0].index("成交价格(万元)")
        deals += [(_number(row[land]), _number(row[price])) for row in rows[1:]]
    table = pd.DataFrame(deals, columns=["land", "price"])
    both = table.dropna().query("land > 0")
    answer = Answer(path, *by("city", "enterprise"))
    assert answer.ledger("enterprises")["read"] == len(table) == 128
    city = answer.city("revenue_per_mu")
    assert city["numerator"] == pytest.approx(both["price"].sum() * 1e4, abs=0.01 * len(both))
    assert city["denominator"] == pytest.approx(both["land"].sum() * 1e4, abs=0.005 * len(both))
    assert city["missing"]["count"] == len(table) - len(both)
    assert {"column-shifted"} <= set(findings(path)["code"])
    industries = layers.read(folder, "enterprises", columns={"enterprise_code": "电子监管号"})["industry_name"]
    assert "食品制造业" in set(industries)
    assert "50" not in set(industries)
    assert Answer(path, *by("park")).rows == {}


def _number(cell):
    return float(cell) if cell is not None and cell.strip().replace(".", "", 1).isdigit() else np.nan


def test_land_deals_without_a_project_ask_for_one(shared_data):
    done = run("measure", shared_data / "landchina_2007")
    assert done.exit_code == 3
    assert "2007-01_industrial.xlsx" in done.stderr


# --- heights from rasters --------------------------------------------------------------------------------------------


def cells_under(shape, path):
    """Values of the cells under a shape and the share of each it covers, by shapely; cells without data left out."""
    with rasterio.open(path) as raster:
        values = raster.read(1, masked=True)
        grid = raster.transform
    rows, columns = np.indices(values.shape)
    x0, y0 = grid.c + grid.a * columns.ravel(), grid.f + grid.e * rows.ravel()
    cells = shapely.box(x0, y0 + grid.e, x0 + grid.a, y0)
    cells, flat = cells[~np.ma.getmaskarray(values).ravel()], values.compressed().astype("float64")
    near = shapely.intersects(cells, shape)
    share = shapely.area(shapely.intersection(cells[near], shape)) / shapely.area(cells[near])
    return flat[near][share > 0], share[share > 0]


def median_of_whole(values, share):
    """The definition of `layers.heights`, by numpy's own weighted quantile."""
    whole = share > 1 - 1e-9
    if whole.sum() >= 4:
        values, share = values[whole], np.ones(whole.sum())
    return np.quantile(values, 0.5, weights=share, method="inverted_cdf") if len(values) else np.nan


def mean_of_all(values, share):
    return np.average(values, weights=share) if share.sum() > 0 else np.nan


def under(shapes, path, statistic):
    return np.array([statistic(*cells_under(shape, path)) for shape in shapes], dtype="float64")


ALEXANDRIA = [{"height": "hag.tif"}, {"dsm": "dsm.tif", "dtm": "dtm.tif"}]


@pytest.fixture(scope="module")
def houses(shared_data):
    return gpd.read_file(shared_data / "alexandria" / "buildings.geojson").to_crs(26918)


@pytest.mark.parametrize("rasters", ALEXANDRIA)
def test_alexandria_heights_fill_what_is_blank(shared_data, tmp_path, houses, rasters):
    folder = shared_data / "alexandria"
    some = houses.assign(HEIGHT=houses["HEIGHT"].where(np.arange(len(houses)) % 2 == 0))
    some[["HEIGHT", "geometry"]].to_crs(4326).to_file(tmp_path / "houses.gpkg", layer="houses")
    told = "".join(f'[layers.{name}]\nsource = "{(folder / file).as_posix()}"\n' for name, file in rasters.items())
    path = on_grid(tmp_path, tmp_path / "houses.gpkg", grid(some.to_crs(32618), 1, 1), told)
    shapes = some.geometry.to_numpy()
    if "height" in rasters:
        filled = under(shapes, folder / "hag.tif", median_of_whole)
    else:
        filled = under(shapes, folder / "dsm.tif", median_of_whole) - under(shapes, folder / "dtm.tif", mean_of_all)
    height = some["HEIGHT"].astype("float64").fillna(pd.Series(filled).where(filled > 0))
    area = some.to_crs(32618).area * (height / 4.0).clip(lower=1)
    answer = Answer(path, "--set", "land_use.industrial=0601")
    city = answer.city("plot_ratio")
    assert city["numerator"] == pytest.approx(area.sum(), rel=1e-5)
    assert city["estimated"] is True


@pytest.mark.parametrize("rasters", ALEXANDRIA)
def test_alexandria_heights_are_those_of_exactextract(shared_data, houses, rasters):
    """The mean is its mean; the median is that of the cells it gives, the whole ones where there are four."""
    exact_extract = pytest.importorskip("exactextract").exact_extract
    folder = shared_data / "alexandria"
    paths = {name: folder / file for name, file in rasters.items()}
    direct = {name: exact_extract(path, houses, ["mean", "values", "coverage"], output="pandas")
              for name, path in paths.items()}  # fmt: skip
    top = direct.get("height", direct.get("dsm"))
    ground = direct["dtm"]["mean"] if "dtm" in direct else 0.0
    ours = measure_heights(houses.geometry, **paths, statistic="mean")["height_m"]
    assert ours.to_numpy() == pytest.approx((top["mean"] - ground).to_numpy(), rel=1e-9)
    median = [median_of_whole(*one) for one in zip(top["values"], top["coverage"], strict=True)]
    found = measure_heights(houses.geometry, **paths)["height_m"]
    assert found.to_numpy() == pytest.approx(np.array(median) - np.asarray(ground), rel=1e-9)


def test_alexandria_heights_agree_with_the_recorded_ones_as_far_as_the_page_says(shared_data, houses, root):
    """Bias, mean absolute error and root mean square error of `docs/rasters.md`, in metres, row by row."""
    page = (root / "docs" / "rasters.md").read_text("utf-8")
    folder, area = shared_data / "alexandria", houses.area
    uncut = area / houses["SQMETERS"] > 0.98
    sizes = {"all": houses["HEIGHT"].notna(), "cut by the tile": ~uncut, "under 100 m²": uncut & (area < 100),
             "100 to 300 m²": uncut & area.between(100, 300), "over 300 m²": uncut & (area > 300)}  # fmt: skip
    for rasters in ALEXANDRIA:
        paths = {role: folder / file for role, file in rasters.items()}
        name = " − ".join(file.removesuffix(".tif") for file in rasters.values())
        for statistic in ("median", "mean"):
            found = measure_heights(houses.geometry, **paths, statistic=statistic)
            off = found["height_m"] - houses["HEIGHT"]
            marks = {mark: found["height_quality"].eq(mark).fillna(value=False) for mark in ("good", "uneven")}
            for group, rows in (sizes | (marks if statistic == "median" else {})).items():
                some = off[rows].dropna()
                figures = (some.mean(), some.abs().mean(), (some**2).mean() ** 0.5)
                told = [name, statistic, group, f"{len(some)}", f"{figures[0]:+.2f}"]
                told += [f"{one:.2f}" for one in figures[1:]]
                assert f"| {' | '.join(told)} |" in page


def test_heights_outside_the_raster_are_missing(shared_data):
    folder = shared_data / "rasterstats"
    for name, outside in (("polygons", 0), ("polygons_partial_overlap", 0), ("polygons_no_overlap", 2)):
        shapes = gpd.read_file(folder / f"{name}.shp")
        with rasterio.open(folder / "slope.tif") as raster:
            placed = shapes.geometry.set_crs(raster.crs, allow_override=True)
        means = under(placed.to_numpy(), folder / "slope.tif", mean_of_all)
        slope = Raster(folder / "slope.tif", unit="m")  # slopes, not heights: most are above 100
        ours = measure_heights(placed, height=slope, statistic="mean")["height_m"].to_numpy()
        assert ours == pytest.approx(np.where(means > 0, means, np.nan), rel=1e-6, nan_ok=True)
        assert np.isnan(ours).sum() >= np.isnan(means).sum() >= outside
