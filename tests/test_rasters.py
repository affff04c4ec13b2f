"""Rasters that are not as one would wish: one message each; large ones, window by window."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from click.testing import CliRunner
from rasterio.windows import Window

import cli
from layers.errors import ProjectError, SourceError
from layers.heights import heights_of
from layers.rasters import Raster, statistics

pytest.importorskip("exactextract")

WEST, NORTH, HOME = 500_000.0, 3_000_200.0, "EPSG:4549"
STRAIGHT = rasterio.Affine(10, 0, WEST, 0, -10, NORTH)
HOUSE = gpd.GeoSeries([shapely.box(WEST + 40, NORTH - 110, WEST + 110, NORTH - 40)], crs=HOME)


def write(path, values=None, **profile):
    values = np.full((1, 20, 20), 12, dtype="int16") if values is None else values
    bands, rows, columns = values.shape
    size = {"width": columns, "height": rows, "count": bands, "dtype": values.dtype.name, "driver": "GTiff"}
    with rasterio.open(path, "w", **size, **({"crs": HOME, "transform": STRAIGHT} | profile)) as file:
        file.write(values)
    return path


BANDS = np.stack([np.full((20, 20), value, dtype="int16") for value in (3, 12)])


@pytest.mark.parametrize(
    ("profile", "given", "error", "told"),
    [
        ({"crs": None}, {}, ProjectError, 'no CRS. Expected one; state it, as crs = "EPSG:4549"'),
        ({"transform": STRAIGHT @ rasterio.Affine.rotation(20)}, {}, SourceError, "straighten it with gdalwarp"),
        ({"transform": rasterio.Affine(10, 0, WEST, 0, 10, NORTH)}, {}, SourceError, "straighten it with gdalwarp"),
        ({"values": BANDS}, {}, ProjectError, "2 bands. Expected one; state which, as band = 1"),
        ({"values": BANDS}, {"band": 3}, ProjectError, "Expected 1 to 2"),
        ({"values": np.ones((1, 20, 20), dtype="complex64")}, {}, SourceError, "Expected whole or real numbers"),
    ],
)
def test_a_raster_that_cannot_be_used_as_it_is(tmp_path, profile, given, error, told):
    raster = Raster(write(tmp_path / "h.tif", **profile), **given)
    with pytest.raises(error) as raised:
        heights_of(HOUSE, height=raster)
    assert told in raised.value.en
    assert "[layers.height] h.tif" in raised.value.en
    assert "[layers.height] h.tif" in raised.value.zh


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_raster_that_lies_nowhere(tmp_path):
    path = write(tmp_path / "h.tif", transform=rasterio.Affine.identity())
    with pytest.raises(SourceError, match="does not say where its cells lie"):
        heights_of(HOUSE, height=path)


def test_what_is_stated_mends_it(tmp_path):
    assert heights_of(HOUSE, height=Raster(write(tmp_path / "a.tif", crs=None), crs=HOME)).item() == 12
    assert heights_of(HOUSE, height=Raster(write(tmp_path / "b.tif", values=BANDS), band=2)).item() == 12
    wrong = write(tmp_path / "c.tif", crs="EPSG:4545")
    assert np.isnan(heights_of(HOUSE, height=wrong).item())
    assert heights_of(HOUSE, height=Raster(wrong, crs=4549)).item() == 12


def test_values_that_are_no_number_are_missing(tmp_path):
    values = np.full((1, 20, 20), 12, dtype="float32")
    values[0, 4:8], values[0, 8] = np.nan, np.inf
    assert heights_of(HOUSE, height=write(tmp_path / "h.tif", values=values)).item() == 12


def test_stored_whole_numbers_with_a_scale_are_read_as_they_are_meant(tmp_path):
    path = write(tmp_path / "h.tif", nodata=0)
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.5,), (1.0,)
    assert heights_of(HOUSE, height=path).item() == 7


@pytest.mark.parametrize("kind", ["cut", "text", "empty", "folder", "missing", "blocks"])
def test_a_file_that_cannot_be_read_is_one_message(tmp_path, kind):
    path = write(tmp_path / "h.tif", values=np.random.default_rng(1).integers(1, 9, (1, 300, 300)).astype("int16"))
    whole = path.read_bytes()
    if kind == "folder":
        path = tmp_path
    elif kind == "missing":
        path.unlink()
    elif kind == "blocks":
        path.unlink()
        place = {"crs": HOME, "transform": STRAIGHT, "sparse_ok": True, "bigtiff": "yes"}
        size = {"width": 20_000, "height": 20_000, "count": 1, "dtype": "float32"}
        tile = {"tiled": True, "blockxsize": 16_384, "blockysize": 16_384}
        rasterio.open(path, "w", driver="GTiff", **tile, **size, **place).close()
    else:
        path.write_bytes({"cut": whole[: len(whole) // 2], "text": b"not a raster", "empty": b""}[kind])
    with pytest.raises(SourceError) as raised:
        heights_of(HOUSE.translate(0, -2800), height=path) if kind == "cut" else heights_of(HOUSE, height=path)
    told = {"folder": "cannot be read", "missing": "cannot be read", "blocks": "TILED=YES"}
    assert told.get(kind, "not a raster that can be read") in raised.value.en


@pytest.mark.parametrize(
    "source", ["/vsicurl/http://192.0.2.1/h.tif", "http://192.0.2.1/h.tif", "WMS:http://192.0.2.1"]
)
def test_a_virtual_raster_reaches_for_nothing_but_files(tmp_path, source):
    """Sockets are closed in the tests; here nothing may even try."""
    path = tmp_path / "h.tif"
    path.write_text(
        f"""<VRTDataset rasterXSize="20" rasterYSize="20"><SRS>{HOME}</SRS>
        <GeoTransform>500000, 10, 0, 3000200, 0, -10</GeoTransform><VRTRasterBand dataType="Int16" band="1">
        <SimpleSource><SourceFilename>{source}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"""
    )
    with pytest.raises(SourceError, match="more than files of this machine"):
        heights_of(HOUSE, height=path)


def test_tiles_joined_as_a_virtual_raster_are_one(tmp_path):
    write(tmp_path / "tile.tif")
    path = tmp_path / "h.vrt"
    path.write_text(
        f"""<VRTDataset rasterXSize="20" rasterYSize="20"><SRS>{HOME}</SRS>
        <GeoTransform>500000, 10, 0, 3000200, 0, -10</GeoTransform><VRTRasterBand dataType="Int16" band="1">
        <SimpleSource><SourceFilename relativeToVRT="1">tile.tif</SourceFilename><SourceBand>1</SourceBand>
        </SimpleSource></VRTRasterBand></VRTDataset>"""
    )
    assert heights_of(HOUSE, height=path).item() == 12


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "exactextract", None)
    with pytest.raises(ProjectError) as raised:
        heights_of(HOUSE, height=write(tmp_path / "h.tif"))
    assert 'pip install "parkwise[rasters]"' in raised.value.en
    assert 'pip install "parkwise[rasters]"' in raised.value.zh


def test_a_ring_that_touches_itself_takes_no_more_memory_than_others(tmp_path):
    """A spike along its own edge, in one cell: exactextract 0.3 takes all memory there is over it."""
    ring = [(601, 1778), (730, 1790), (759, 1704), (783, 1647), (648, 1634), (601, 1778), (594, 1800), (601, 1778)]
    shape = shapely.Polygon([(WEST + x, NORTH - 3500 + y) for x, y in ring])
    assert not shape.is_valid
    light = write(tmp_path / "l.tif", values=np.full((1, 8, 8), 3, dtype="float32"),
                  transform=rasterio.Affine(500, 0, WEST, 0, -500, NORTH))  # fmt: skip
    (table,) = statistics(gpd.GeoSeries([shape, shapely.box(0, 0, 1, 1)], crs=HOME), Raster(light), {"mean": "mean"})
    assert table["mean"].tolist() == [3]
    assert table["cells"].item() == pytest.approx(shape.area / 500**2, rel=1e-6)


# ---------------------------------------------------------------- in a project


def city(folder, told, *, raster="h.tif"):
    """A house without a height on a parcel in a park, and a project that names the raster."""
    HOUSE.to_frame("geometry").assign(building_id="B1").to_file(folder / "buildings.gpkg")
    lot = gpd.GeoDataFrame(
        {"parcel_id": ["P1"], "land_use_code": ["0601"]}, geometry=HOUSE.buffer(20, join_style="mitre"), crs=HOME
    )
    lot.to_file(folder / "parcels.gpkg")
    lot.assign(park_name="P").drop(columns=["parcel_id", "land_use_code"]).to_file(folder / "parks.gpkg")
    layers = "".join(f'[layers.{name}]\nsource = "{name}.gpkg"\n' for name in ("parks", "parcels", "buildings"))
    path = folder / "project.toml"
    path.write_text(
        f'[land_use]\nsystem = "third-survey"\n{layers}[layers.height]\nsource = "{raster}"\n{told}', "utf-8"
    )
    return path


def ask(*words):
    return CliRunner().invoke(cli.main, [str(word) for word in words])


def test_a_raster_of_another_country_is_told_and_gives_nothing(tmp_path):
    write(tmp_path / "h.tif", crs="EPSG:26918", transform=rasterio.Affine(10, 0, 321_498, 0, -10, 4_298_018))
    done = ask("measure", city(tmp_path, ""), "--lang", "en")
    assert done.exit_code == 0
    assert "raster" in done.stderr.lower()
    assert "lies elsewhere" in done.stderr
    findings = ask("check", tmp_path / "project.toml", "--json", "-o", tmp_path / "out").stdout
    assert "raster-elsewhere" in findings
    assert "h.tif: -77.0" in findings


@pytest.mark.parametrize(
    ("told", "code", "words"),
    [
        ("unti = 'cm'", 2, 'Did you mean "unit"'),
        ("unit = 'parsec'", 2, "a unit of length"),
        ("unit = 'mu'", 2, "a unit of length"),
        ("band = 0", 2, "the number of a band, from 1"),
        ("classes = { built = [1] }", 2, "is not a key"),
        ("crs = 'EPSG:1'", 2, "no coordinate reference system"),
    ],
)
def test_keys_of_a_raster_are_checked(tmp_path, told, code, words):
    write(tmp_path / "h.tif")
    done = ask("measure", city(tmp_path, told), "--lang", "en")
    assert (done.exit_code, words in done.stderr) == (code, True), done.stderr


def test_centimetres_stop_the_run_until_they_are_stated(tmp_path):
    write(tmp_path / "h.tif", values=np.full((1, 20, 20), 1200, dtype="int16"))
    path = city(tmp_path, "")
    done = ask("measure", path, "--lang", "zh")
    assert done.exit_code == 2
    assert 'unit = "cm"' in done.stderr
    told = ask("measure", path, "--set", "layers.height.unit=cm", "--json")
    assert told.exit_code == 0
    floor = next(one for one in json.loads(told.stdout)["indicators"] if one["id"] == "plot_ratio")
    assert floor["numerator"] == pytest.approx(HOUSE.area.item() * 12 / 4, rel=2e-3)
    assert floor["estimated"] is True


# ---------------------------------------------------------------- larger than memory

LARGE = 40_960

MEASURE = """
    import resource, sys
    from pathlib import Path
    import geopandas as gpd, numpy as np, shapely
    from layers.rasters import Raster, statistics

    path, side = Path(sys.argv[1]), int(sys.argv[2])
    rng = np.random.default_rng(3)
    x, y = 500_000 + rng.uniform(0, side - 70, 3_000), 3_000_000 + rng.uniform(0, side - 70, 3_000)
    shapes = gpd.GeoSeries(shapely.box(x, y, x + rng.uniform(8, 60, 3_000), y + rng.uniform(8, 60, 3_000)), crs=4549)
    wide = 512 * 20
    quarter = gpd.GeoSeries([shapely.box(500_000, 3_000_000 + side - wide, 500_000 + wide, 3_000_000 + side)], crs=4549)
    next(statistics(shapes.iloc[:1], Raster(path), {"mean": "mean"}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cells = sum(part["cells"].sum() for part in statistics(shapes, Raster(path), {"v": "values", "mean": "mean"}))
    assert abs(cells - shapes.area.sum()) < 1, cells
    large = next(statistics(quarter, Raster(path), {"mean": "mean"}))
    assert large["cells"].item() == wide**2
    assert abs(large["mean"].item() * wide**2 - 7 * 512 * wide) < 1, large
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is asked of Linux")
def test_a_raster_larger_than_memory_is_read_window_by_window(tmp_path):
    """1,678 million cells (6.7 GB as float32), 5 MB on disk: shapes all over it, and one of 105 million cells."""
    path = tmp_path / "large.tif"
    place = {"crs": HOME, "transform": rasterio.Affine(1, 0, 500_000, 0, -1, 3_000_000 + LARGE)}
    tiles = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate", "sparse_ok": True}
    with rasterio.open(
        path, "w", driver="GTiff", width=LARGE, height=LARGE, count=1, dtype="float32", **place, **tiles
    ) as file:  # a tile that is not written reads as 0
        for start in range(0, LARGE, 512):
            file.write(np.full((512, 512), 7, dtype="float32"), 1, window=Window(start, start, 512, 512))
    assert path.stat().st_size < 10_000_000
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(MEASURE), str(path), str(LARGE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 500


def test_a_shape_of_many_windows_is_as_one(tmp_path, monkeypatch):
    values = np.random.default_rng(5).uniform(1, 9, (1, 20, 20)).astype("float32")
    path = write(tmp_path / "h.tif", values=values)
    ring = gpd.GeoSeries([shapely.Point(WEST + 101, NORTH - 93).buffer(88)], crs=HOME)
    once = next(statistics(ring, Raster(path), {"mean": "mean"}))
    monkeypatch.setattr("layers.rasters.LARGEST_READ_CELLS", 9)
    parted = next(statistics(ring, Raster(path), {"mean": "mean"}))
    assert parted["mean"].item() == pytest.approx(once["mean"].item(), rel=1e-12)
    assert parted["cells"].item() == pytest.approx(once["cells"].item(), rel=1e-12)
