"""Heights under footprints, against cells cut out one by one."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

from layers.heights import heights_of

pytest.importorskip("exactextract")

WEST, NORTH, CELL = 500_000.0, 3_000_200.0, 10.0


@pytest.fixture
def raster(tmp_path):
    path = tmp_path / "heights.tif"
    values = np.arange(400, dtype="float32").reshape(20, 20) % 37 + 3
    values[5, 5] = -9999
    shape = {"width": 20, "height": 20, "count": 1, "dtype": "float32", "crs": "EPSG:4549", "nodata": -9999}
    with rasterio.open(
        path, "w", driver="GTiff", transform=rasterio.Affine(CELL, 0, WEST, 0, -CELL, NORTH), **shape
    ) as file:
        file.write(values, 1)
    return path, values


def mean_of_cells(shape, values):
    """Mean of the cells a shape covers, each by the area of its part inside."""
    parts = {}
    for row, column in itertools.product(range(20), range(20)):
        x, y = WEST + column * CELL, NORTH - row * CELL
        if values[row, column] != -9999:
            parts[row, column] = shape.intersection(shapely.box(x, y - CELL, x + CELL, y)).area
    whole = sum(parts.values())
    return sum(values[cell] * part for cell, part in parts.items()) / whole if whole else np.nan


def test_each_footprint_has_its_own_mean_whatever_stands_between(raster):
    path, values = raster
    whole = shapely.box(500_041, 3_000_031, 500_072, 3_000_055)
    holed = shapely.Polygon(whole.exterior, [shapely.box(500_047, 3_000_036, 500_058, 3_000_049).exterior])
    apart = shapely.MultiPolygon([shapely.box(500_003, 3_000_004, 500_009, 3_000_019), whole])
    over_gap = shapely.box(500_044, 3_000_137, 500_068, 3_000_156)
    beyond = shapely.box(500_180, 3_000_003, 500_260, 3_000_029)
    slanted = shapely.Polygon([(500_101, 3_000_101), (500_163, 3_000_117), (500_119, 3_000_171)])
    shapes = [whole, None, holed, apart, shapely.Polygon(), over_gap, beyond, slanted, shapely.force_3d(whole, 4)]
    shapes += [shapely.box(0, 0, 9, 9), shapely.Polygon([(0, 0), (1, np.inf), (1, 0)])]
    footprints = gpd.GeoSeries(shapes, index=list("kjihgfedcba"), crs="EPSG:4549")
    found = heights_of(footprints, height=path)
    expected = [np.nan if shape is None else mean_of_cells(shape, values) for shape in shapes[:-1]]
    assert found.index.tolist() == footprints.index.tolist()
    assert found.to_numpy() == pytest.approx([*expected, np.nan], rel=1e-6, nan_ok=True)
    assert found.notna().tolist() == [True, False, True, True, False, True, True, True, True, False, False]


def test_footprints_are_taken_to_the_raster(raster):
    path, values = raster
    shape = shapely.box(500_041, 3_000_031, 500_072, 3_000_055)
    placed = gpd.GeoSeries([shape], crs="EPSG:4549").to_crs("EPSG:4490")
    assert heights_of(placed, height=path).to_numpy() == pytest.approx([mean_of_cells(shape, values)], rel=1e-5)


def test_no_footprint_no_height(raster):
    nowhere = gpd.GeoSeries([None, None], crs="EPSG:4549")
    assert heights_of(nowhere, height=raster[0]).isna().tolist() == [True, True]
    assert heights_of(nowhere[:0], height=raster[0]).empty
