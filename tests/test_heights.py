"""Heights under footprints: against cells cut out one by one, and marks that say how far they can be relied on."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from layers.errors import ProjectError
from layers.heights import heights_of, measure_heights
from layers.rasters import Raster

pytest.importorskip("exactextract")

WEST, NORTH, CELL = 500_000.0, 3_000_200.0, 10.0
HOME = "EPSG:4549"


def write(path, values, *, cell=CELL, crs=HOME, nodata=-9999, west=WEST, north=NORTH):
    values = np.asarray(values)
    shape = {"width": values.shape[1], "height": values.shape[0], "count": 1, "dtype": values.dtype.name}
    place = rasterio.Affine(cell, 0, west, 0, -cell, north)
    with rasterio.open(path, "w", driver="GTiff", transform=place, crs=crs, nodata=nodata, **shape) as file:
        file.write(values, 1)
    return path


@pytest.fixture
def raster(tmp_path):
    values = np.arange(400, dtype="float32").reshape(20, 20) % 37 + 3
    values[5, 5] = -9999
    return write(tmp_path / "heights.tif", values), values


def parts(shape, values, cell=CELL, west=WEST, north=NORTH):
    """Cells with data under a shape and the share of each that it covers, by shapely."""
    found = []
    for row, column in itertools.product(*map(range, values.shape)):
        x, y = west + column * cell, north - row * cell
        share = shape.intersection(shapely.box(x, y - cell, x + cell, y)).area / cell**2
        if values[row, column] != -9999 and share > 0:
            found.append((float(values[row, column]), share))
    return found


def by_hand(shape, values):
    """Median of the whole cells, else of all of them by their share: the definition, with numpy's own quantile."""
    cells = parts(shape, values)
    whole = [(value, share) for value, share in cells if share > 1 - 1e-9]
    used = np.array(whole if len(whole) >= 4 else cells)
    if not len(used):
        return np.nan
    return float(np.quantile(used[:, 0], 0.5, weights=used[:, 1], method="inverted_cdf"))


WHOLE = shapely.box(500_041, 3_000_031, 500_092, 3_000_075)


def test_each_footprint_has_its_own_height_whatever_stands_between(raster):
    path, values = raster
    holed = shapely.Polygon(WHOLE.exterior, [shapely.box(500_057, 3_000_036, 500_068, 3_000_049).exterior])
    apart = shapely.MultiPolygon([shapely.box(500_003, 3_000_004, 500_009, 3_000_019), WHOLE])
    over_gap = shapely.box(500_044, 3_000_137, 500_068, 3_000_156)
    beyond = shapely.box(500_151, 3_000_003, 500_260, 3_000_053)
    slanted = shapely.Polygon([(500_101, 3_000_101), (500_193, 3_000_117), (500_119, 3_000_191)])
    small = shapely.box(500_044, 3_000_034, 500_061, 3_000_047)
    shapes = [WHOLE, None, holed, apart, shapely.Polygon(), over_gap, beyond, slanted, small]
    shapes += [shapely.force_3d(WHOLE, 4), shapely.box(0, 0, 9, 9), shapely.Polygon([(0, 0), (1, np.inf), (1, 0)])]
    footprints = gpd.GeoSeries(shapes, index=list("lkjihgfedcba"), crs=HOME)
    found = heights_of(footprints, height=path)
    expected = [np.nan if shape is None else by_hand(shape, values) for shape in shapes[:-1]]
    assert found.index.tolist() == footprints.index.tolist()
    assert found.to_numpy() == pytest.approx([*expected, np.nan], nan_ok=True)
    assert found.notna().tolist() == [True, False, True, True, False, True, True, True, True, True, False, False]


def test_the_mean_is_that_of_all_cells_by_their_share(raster):
    path, values = raster
    cells = np.array(parts(WHOLE, values))
    found = measure_heights(gpd.GeoSeries([WHOLE], crs=HOME), height=path, statistic="mean")
    assert found["height_m"].item() == pytest.approx(np.average(cells[:, 0], weights=cells[:, 1]), rel=1e-6)
    assert found["height_m"].item() != pytest.approx(by_hand(WHOLE, values), rel=1e-3)


def test_edges_and_a_tree_do_not_count(tmp_path):
    """A roof of 9 m with ground around it: cells on the edge are half ground, and a tree covers a third of the roof."""
    values = np.zeros((20, 20), dtype="float32")
    values[8:15, 4:12] = 4.5
    values[9:14, 5:11] = 9
    values[9:14, 5:7] = 17
    roof = shapely.box(WEST + 45, NORTH - 145, WEST + 115, NORTH - 85)
    found = measure_heights(gpd.GeoSeries([roof], crs=HOME), height=write(tmp_path / "roof.tif", values))
    assert found["height_m"].item() == 9
    assert found["whole_cells"].item() == 30
    assert found["spread_m"].item() == 8
    assert found["height_quality"].item() == "uneven"


def test_what_a_height_is_marked_as(tmp_path):
    values = np.full((20, 20), 12, dtype="float32")
    values[:, 15:] = -9999
    values[18:, :] = 0
    values[10:14, 0:2], values[10:14, 2:4] = 6, 18
    path = write(tmp_path / "h.tif", values)
    boxes = {
        "good": (40, 40, 90, 90),
        "few_cells": (42, 42, 58, 58),
        "partly_covered": (110, 110, 170, 160),
        "uneven": (0, 100, 40, 140),
        "not_positive": (40, 180, 90, 200),
        None: (160, 20, 190, 60),
    }
    shapes = [shapely.box(WEST + a, NORTH - d, WEST + c, NORTH - b) for a, b, c, d in boxes.values()]
    found = measure_heights(gpd.GeoSeries(shapes, crs=HOME), height=path)
    assert found["height_quality"].astype("object").where(found["height_quality"].notna(), None).tolist() == list(boxes)
    assert found["height_m"].tolist() == pytest.approx([12, 12, 12, 6, np.nan, np.nan], nan_ok=True)
    assert found["covered"].tolist() == pytest.approx([1, 1, 40 / 60, 1, 1, 0])
    assert found["whole_cells"].tolist() == [25, 0, 20, 16, 10, 0]


def test_a_footprint_of_more_cells_than_are_read_is_told(raster, monkeypatch):
    monkeypatch.setattr("layers.heights.LARGEST_READ_CELLS", 20)
    small = shapely.box(500_141, 3_000_031, 500_172, 3_000_065)
    found = measure_heights(gpd.GeoSeries([WHOLE, small], crs=HOME), height=raster[0])
    assert found["height_quality"].iloc[0] == "too_large"
    assert found["height_m"].isna().tolist() == [True, False]


def test_footprints_are_taken_to_the_raster(raster):
    path, values = raster
    placed = gpd.GeoSeries([WHOLE], crs=HOME).to_crs("EPSG:4490")
    assert heights_of(placed, height=path).item() == by_hand(WHOLE, values)
    assert heights_of(gpd.GeoSeries([WHOLE]), height=path).isna().all()


def test_no_footprint_no_height(raster):
    nowhere = gpd.GeoSeries([None, None], crs=HOME)
    assert heights_of(nowhere, height=raster[0]).isna().tolist() == [True, True]
    assert heights_of(nowhere[:0], height=raster[0]).empty


def test_a_height_does_not_depend_on_the_others(raster):
    rng = np.random.default_rng(7)
    x, y = rng.uniform(WEST, WEST + 150, 60), rng.uniform(NORTH - 190, NORTH - 50, 60)
    shapes = gpd.GeoSeries(shapely.box(x, y, x + rng.uniform(5, 60, 60), y + rng.uniform(5, 60, 60)), crs=HOME)
    whole = measure_heights(shapes.rotate(31), height=raster[0])
    some = rng.permutation(60)[:17]
    pd.testing.assert_frame_equal(measure_heights(shapes.rotate(31).iloc[some], height=raster[0]), whole.iloc[some])


def test_shapes_read_one_by_one_are_as_those_read_together(raster, monkeypatch):
    rng = np.random.default_rng(8)
    x, y = rng.uniform(WEST, WEST + 150, 40), rng.uniform(NORTH - 190, NORTH - 50, 40)
    shapes = gpd.GeoSeries(shapely.box(x, y, x + rng.uniform(5, 60, 40), y + rng.uniform(5, 60, 40)), crs=HOME)
    together = measure_heights(shapes.rotate(31), height=raster[0])
    monkeypatch.setattr("layers.rasters._CLOSE", 0)
    pd.testing.assert_frame_equal(measure_heights(shapes.rotate(31), height=raster[0]), together, check_exact=True)
    monkeypatch.setattr("layers.rasters._MOST_SHAPES", 7)
    pd.testing.assert_frame_equal(measure_heights(shapes.rotate(31), height=raster[0]), together, check_exact=True)


def test_surface_and_terrain_may_have_grids_of_their_own(tmp_path):
    """A plane of terrain, 5 m cells in another CRS; a surface of 10 m cells 7 m above it."""
    rows, columns = np.indices((20, 20))
    x, y = WEST + (columns + 0.5) * CELL, NORTH - (rows + 0.5) * CELL
    surface = (20 + (x - WEST) / 50 + (NORTH - y) / 80 + 7).astype("float32")
    dsm = write(tmp_path / "dsm.tif", surface)
    corner = gpd.GeoSeries([shapely.Point(WEST - 50, NORTH + 50)], crs=HOME).to_crs(32651)[0]
    rows, columns = np.indices((80, 80))
    centres = gpd.GeoSeries(
        gpd.points_from_xy(corner.x + (columns.ravel() + 0.5) * 5, corner.y - (rows.ravel() + 0.5) * 5), crs=32651
    ).to_crs(HOME)
    ground = (20 + (centres.x - WEST) / 50 + (NORTH - centres.y) / 80).to_numpy().reshape(80, 80).astype("float32")
    dtm = write(tmp_path / "dtm.tif", ground, cell=5, crs="EPSG:32651", west=corner.x, north=corner.y)
    square = gpd.GeoSeries([shapely.box(WEST + 40, NORTH - 110, WEST + 110, NORTH - 40)], crs=HOME)
    found = measure_heights(square, dsm=dsm, dtm=dtm)
    assert found["height_m"].item() == pytest.approx(7, abs=0.05)
    assert found["height_quality"].item() == "good"
    half = ground.copy()
    half[:, :22] = -9999
    less = measure_heights(square, dsm=dsm, dtm=write(tmp_path / "half.tif", half, cell=5, crs="EPSG:32651",
                                                       west=corner.x, north=corner.y))  # fmt: skip
    assert less["height_quality"].item() == "partly_covered"
    swapped = measure_heights(square, dsm=dtm, dtm=dsm)
    assert swapped["height_m"].isna().all()
    assert swapped["height_quality"].item() == "not_positive"


def test_half_a_pair_is_refused(raster):
    with pytest.raises(ProjectError, match=r"\[layers.dtm\]"):
        heights_of(gpd.GeoSeries([WHOLE], crs=HOME), dsm=raster[0])


@pytest.mark.parametrize(("factor", "unit"), [(100, "cm"), (10, "dm")])
def test_values_that_cannot_be_metres_are_told_and_never_converted_unasked(tmp_path, factor, unit):
    values = (np.full((20, 20), 12) * factor).astype("int16")
    path = write(tmp_path / "whole.tif", values)
    shapes = gpd.GeoSeries([WHOLE], crs=HOME)
    with pytest.raises(ProjectError, match=rf'unit = "{unit}"') as told:
        heights_of(shapes, height=path)
    assert f"{12 * factor:,}" in told.value.en
    assert unit in told.value.zh
    assert heights_of(shapes, height=Raster(path, unit=unit)).item() == pytest.approx(12)
    assert heights_of(shapes, height=Raster(path, unit="m")).item() == 12 * factor
