"""Land cover and night lights of parcels, cell by cell by hand, and the rules that ask for them."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from click.testing import CliRunner

import cli
from geo.assessment import assess
from geo.batches import assess_store
from geo.results import results
from layers import example
from layers.converting import convert
from layers.errors import OutputError, ProjectError
from layers.ground import land_cover, night_lights
from layers.intake import gather
from layers.project import loads
from layers.propose import open_project
from layers.rasters import Raster
from layers.store import open_store

pytest.importorskip("exactextract")

WEST, NORTH, HOME = 500_000.0, 3_000_200.0, "EPSG:4549"
#: 50 built, 60 bare, 80 water, 7 unknown to the classes, 255 no data; cells of 10 m.
COVER = np.array(
    [[50, 50, 60, 60, 80, 255],
     [50, 50, 60, 60, 80, 255],
     [60, 60, 60, 60, 7, 255],
     [60, 60, 60, 60, 7, 255]], dtype="uint8",
)  # fmt: skip
CLASSES = {"built": [50], "bare": [60], "water": [80]}


def write(path, values, cell=10.0, nodata=255):
    size = {"width": values.shape[1], "height": values.shape[0], "count": 1, "dtype": values.dtype.name}
    place = {"crs": HOME, "transform": rasterio.Affine(cell, 0, WEST, 0, -cell, NORTH), "nodata": nodata}
    with rasterio.open(path, "w", driver="GTiff", **size, **place) as file:
        file.write(values, 1)
    return Raster(path, path.stem)


def box(left, top, right, bottom):
    return shapely.box(WEST + left, NORTH - bottom, WEST + right, NORTH - top)


def test_shares_by_class(tmp_path):
    cover = write(tmp_path / "land_cover.tif", COVER)
    shapes = [box(0, 0, 40, 20), box(5, 5, 25, 25), box(30, 0, 50, 40), box(35, 0, 60, 40), box(900, 0, 950, 50), None]
    table, strange = land_cover(gpd.GeoSeries(shapes, index=list("fedcba"), crs=HOME), cover, CLASSES)
    assert table.index.tolist() == list("fedcba")
    # e: 15 × 15 m of 20 × 20 are built. c: 15 of 25 m have data, too little; b lies outside.
    expected = {
        "cover_known_share": [1, 1, 1, 0.6, 0, 0],
        "cover_built_share": [0.5, 225 / 400, 0, np.nan, np.nan, np.nan],
        "cover_bare_share": [0.5, 175 / 400, 0.5, np.nan, np.nan, np.nan],
        "cover_water_share": [0, 0, 0.25, np.nan, np.nan, np.nan],
        "cover_other_share": [0, 0, 0.25, np.nan, np.nan, np.nan],
    }
    for column, values in expected.items():
        assert table[column].tolist() == pytest.approx(values, nan_ok=True), column
    assert strange.fillna("").tolist() == ["", "", "7", "7", "", ""]
    less, _ = land_cover(gpd.GeoSeries([shapes[3]], crs=HOME), cover, CLASSES, coverage_at_least=0.6)
    assert less[["cover_bare_share", "cover_water_share", "cover_other_share"]].to_numpy()[0] == pytest.approx(
        [1 / 3, 1 / 3, 1 / 3]
    )


def test_classes_agree_with_exactextract_and_numpy_on_corine(shared_data):
    """Share of the CORINE class of industry (value 3) on six municipalities of the Azores."""
    exact_extract = pytest.importorskip("exactextract").exact_extract
    folder = shared_data / "sao_miguel"
    towns = gpd.read_file(folder / "concelhos.gpkg")
    path = folder / "clc2018_v2020_20u1.tif"
    table, _ = land_cover(towns.geometry, Raster(path), {"works": [3], "town": [1, 2]})
    direct = exact_extract(path, towns.to_crs(4326), ["values", "coverage"], output="pandas")
    for name, cells in (("works", [3]), ("town", [1, 2])):
        shares = [one["coverage"][np.isin(one["values"], cells)].sum() / one["coverage"].sum()
                  for _, one in direct.iterrows()]  # fmt: skip
        assert table[f"cover_{name}_share"].to_numpy() == pytest.approx(np.array(shares), rel=1e-6)
    assert table["cover_known_share"].min() > 0.999
    assert 0 < table["cover_works_share"].max() < 0.02


def test_light_of_a_parcel_smaller_than_a_cell_is_that_of_its_surroundings(tmp_path):
    lights = write(tmp_path / "night_lights.tif", np.array([[4.0, 12.0], [-0.5, np.nan]], dtype="float32"), 50.0, None)
    shapes = [box(40, 10, 60, 20), box(0, 0, 10, 10), box(0, 60, 40, 90), box(60, 60, 90, 90), box(900, 0, 950, 50)]
    table = night_lights(gpd.GeoSeries(shapes, crs=HOME), lights)
    assert table["night_light"].tolist() == pytest.approx([8, 4, -0.5, np.nan, np.nan], nan_ok=True, rel=1e-6)
    assert table["night_light_cells"].tolist()[:2] == pytest.approx([0.08, 0.04])
    assert table["night_light_known_share"].tolist() == pytest.approx([1, 1, 1, 0, 0])


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("", "which values are what"),
        ("classes = { built = [50], bare = [50] }", "the value 50 stands under built and bare"),
        ('classes = { built = ["a"] }', "a table of names and the cell values"),
        ("classes = { }", "a table of names and the cell values"),
        ('classes = { "a b" = [1] }', "a table of names and the cell values"),
        ('unit = "m"', "is not a key"),
    ],
)
def test_classes_have_to_be_stated(tmp_path, told, message):
    with pytest.raises(ProjectError, match=message):
        loads(f'[layers.land_cover]\nsource = "c.tif"\n{told}\n', tmp_path / "project.toml")


# ---------------------------------------------------------------- as evidence

#: Four lots, 20 m wide and 40 m deep: half built, bare, water and unnamed, outside the raster by half.
LOTS = {"A": box(0, 0, 20, 40), "B": box(20, 0, 40, 40), "C": box(40, 0, 50, 40), "D": box(45, 0, 65, 40)}


@pytest.fixture
def project(tmp_path):
    write(tmp_path / "cover.tif", COVER)
    light = np.full((4, 6), 10.0, dtype="float32")
    light[:, 2:4] = 1.0
    write(tmp_path / "light.tif", light, nodata=None)
    status = ["在用", "在用", "在用", "闲置"]
    rows = {"parcel_id": list(LOTS), "land_use_code": "0601", "供应日期": "2020-01-01", "status": status}
    gpd.GeoDataFrame(rows, geometry=list(LOTS.values()), crs=HOME).to_file(tmp_path / "parcels.gpkg")
    path = tmp_path / "project.toml"
    path.write_text(
        """[project]
        as_of = 2025-12-31
        area = "planar"
        [land_use]
        system = "third-survey"
        [layers.parcels]
        source = "parcels.gpkg"
        columns = { supplied = "供应日期" }
        [layers.land_cover]
        source = "cover.tif"
        classes = { built = [50], bare = [60], water = [80] }
        [layers.night_lights]
        source = "light.tif"
        [candidates]
        standard_rules = false
        also = ["unbuilt_by_cover", "dark_at_night"]
        minimum_area_m2 = 0
        [[candidates.rules]]
        code = "wet"
        title_zh = "水面"
        title_en = "under water"
        measure = "cover_share"
        kinds = ["water", "other"]
        above = 0.9
        [[candidates.rules]]
        code = "idle"
        title_zh = "闲置"
        title_en = "idle"
        state = "vacant"
        """,
        "utf-8",
    )
    return path


def candidates(path, *words):
    done = CliRunner().invoke(cli.main, ["candidates", str(path), "--json", *words])
    assert done.exit_code == 0, done.stderr
    rows = json.loads(done.stdout)["candidates"]
    told = {row["parcel_id"]: {one["code"]: one for one in row["evidence"]} for row in rows}
    return told, {row["parcel_id"]: row["missing"] for row in rows}


def test_what_is_unbuilt_dark_or_wet_by_raster(project):
    told, missing = candidates(project)
    assert {name: set(found) for name, found in told.items()} == {
        "B": {"unbuilt_by_cover", "dark_at_night"},
        "C": {"unbuilt_by_cover", "wet"},
        "D": {"idle"},
    }
    assert [told[name]["wet"]["value"] for name in "C"] == [pytest.approx(1.0)]
    dark = told["B"]["dark_at_night"]
    # The mean is one sum over another: 10 × (800 + 400) and 1 × 800 on 2,000 m²; of D too little is known.
    assert (dark["value"], dark["limit"]) == (pytest.approx(1.0), pytest.approx(0.3 * (10 * 1200 + 800) / 2000))
    assert dark["source"] == "project"
    assert {"built_cover_share", "cover_share", "night_light"} <= set(missing["D"])
    assert not {"built_cover_share", "cover_share", "night_light"} & set(missing["C"])


def test_how_much_of_a_parcel_has_to_be_known_is_stated(project):
    told, missing = candidates(project, "--set", "rasters.coverage_at_least=0.2")
    assert set(told["D"]) == {"idle", "unbuilt_by_cover", "wet"}  # a quarter of D has data, and no roof on it
    assert "built_cover_share" not in missing["D"]


def test_values_of_parcels_are_in_the_layers_of_the_report(project, tmp_path):
    done = CliRunner().invoke(cli.main, ["report", str(project), "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.stderr
    rows = gpd.read_file(tmp_path / "out" / "results.gpkg", layer="parcels").set_index("parcel_id")
    assert rows["cover_built_share"].tolist()[:3] == [0.5, 0.0, 0.0]
    assert rows.loc["D", ["cover_built_share", "night_light"]].isna().tolist() == [True, True]
    assert rows.loc["D", ["cover_known_share", "night_light_known_share"]].tolist() == pytest.approx([0.25, 0.75])


def test_by_batches_the_same_to_the_last_bit(project, tmp_path):
    """A thousand lots askew on cells of random classes and light."""
    rng = np.random.default_rng(11)
    write(tmp_path / "cover.tif", rng.choice([50, 60, 80, 7], (400, 400)).astype("uint8"))
    write(tmp_path / "light.tif", rng.lognormal(0, 1.5, (40, 40)).astype("float32"), cell=100.0, nodata=None)
    x, y = (grid.ravel() * 110.0 for grid in np.meshgrid(np.arange(33), np.arange(33)))
    lots = gpd.GeoSeries(
        shapely.box(x, y, x + rng.uniform(20, 100, x.size), y + rng.uniform(20, 100, x.size)), crs=HOME
    )
    lots = lots.translate(WEST + 30, NORTH - 3900).rotate(12, origin=(WEST + 2000, NORTH - 2000))
    rows = {"parcel_id": [f"P{i}" for i in range(x.size)], "land_use_code": "0601", "供应日期": "2020-01-01"}
    gpd.GeoDataFrame(rows, geometry=lots, crs=HOME).to_file(tmp_path / "parcels.gpkg")
    source = open_project(project)
    intake = gather(source)
    one = assess(intake.frames, intake.project)
    store = open_store(convert(source, tmp_path / "dataset", rows=150))
    many = assess_store(store, with_candidates=True, scheduler="threads")
    assert len(store.parted["parcels"].parts) > 5
    codes = {piece["code"] for row in results(one)["candidates"] for piece in row["evidence"]}
    assert {"unbuilt_by_cover", "dark_at_night"} <= codes
    assert results(many)["candidates"] == results(one)["candidates"]


def test_cover_needs_its_classes(project):
    rule = '[{ code = "x", title_zh = "x", title_en = "x", measure = "cover_share", above = 0.5 }]'
    done = CliRunner().invoke(
        cli.main, ["candidates", str(project), "--lang", "en", "--set", f"candidates.rules={rule}"]
    )
    assert done.exit_code == 2
    assert "cover_share needs kinds" in done.stderr


def test_the_ground_of_the_example_city_is_what_stands_on_it(tmp_path):
    made = example.make(parcels=1000, seed=3)
    cover, lights = example.write_ground(tmp_path, made)
    with rasterio.open(cover) as file:
        values, nodata = file.read(1), file.nodata
    np.testing.assert_array_equal(values == 50, made.height.metres > 0)
    np.testing.assert_array_equal(values == nodata, made.height.metres == made.height.nodata)
    assert set(np.unique(values)) <= {0, 40, 50, 60, 80}
    with rasterio.open(lights) as file:
        assert file.res == (500, 500)
        light = file.read(1, masked=True)
    assert light.min() >= 0.5
    whole = (values[:50, :50] == 50).sum() / max((values[:50, :50] != 0).sum(), 1)
    assert light[0, 0] is np.ma.masked or light[0, 0] == pytest.approx(0.5 + 60 * whole, abs=0.01)
    with pytest.raises(OutputError, match="there already"):
        example.write_ground(tmp_path, made)
    assert example.write_ground(tmp_path, made, overwrite=True) == (cover, lights)
