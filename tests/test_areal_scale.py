"""Planar area ÷ areal scale: never further from the formula than it says, and blind to neighbours."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

import layers.areal_scale
from layers.area import _by_formula, _earth, area_m2
from layers.areal_scale import TOLERANCE_M2, area_by_scale

#: Conformal maps, each with the box of degrees it is tried in, wider than where it is used.
MAPS = {
    4549: (117.0, 16.0, 123.0, 54.0),
    4528: (117.0, 16.0, 123.0, 54.0),
    2385: (114.0, 18.0, 120.0, 50.0),
    32651: (119.0, 1.0, 127.0, 60.0),
    32756: (149.0, -60.0, 157.0, -1.0),
    2154: (-6.0, 41.0, 10.0, 51.5),
    3067: (19.0, 59.0, 32.0, 70.0),
}


def formula(shapes, code, method="tdt1055"):
    crs = pyproj.CRS(code)
    return _by_formula(np.asarray(shapes), crs, *_earth(crs), method)


@st.composite
def drawn(draw):
    """Some shapes on one of the maps: long or round, straight or jagged, from a shed to a district."""
    code = draw(st.sampled_from(sorted(MAPS)))
    west, south, east, north = MAPS[code]
    lon, lat = draw(st.floats(west, east)), draw(st.floats(south, north))
    x, y = pyproj.Transformer.from_crs(pyproj.CRS(code).geodetic_crs, code, always_xy=True).transform(lon, lat)
    n = draw(st.integers(3, 12))
    reach = np.array(draw(st.lists(st.floats(0.1, 1.0), min_size=n, max_size=n))) * draw(st.floats(2, 800))
    stretch, turn = draw(st.floats(0.02, 1)), draw(st.floats(0, np.pi))
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    ring = np.c_[reach * np.cos(angle), reach * np.sin(angle) * stretch]
    ring = ring @ [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
    return code, shapely.Polygon(ring + np.array([x, y]))


@pytest.mark.parametrize("method", ["tdt1055", "geodesic"])
@settings(max_examples=300, deadline=None)
@given(case=drawn())
def test_an_area_by_scale_is_within_the_tolerance_of_the_formula(method, case):
    code, shape = case
    found = area_by_scale(np.array([shape]), pyproj.CRS(code), geodesic=method == "geodesic")[0]
    if np.isfinite(found):
        assert found == pytest.approx(formula([shape], code, method)[0], abs=TOLERANCE_M2)


def squares(side, n=50, crs=4549):
    """Squares all over the belt of a map."""
    rng = np.random.default_rng(3)
    west, south, east, north = MAPS[crs]
    to_plane = pyproj.Transformer.from_crs(pyproj.CRS(crs).geodetic_crs, crs, always_xy=True)
    x, y = to_plane.transform(rng.uniform(west + 1.5, east - 1.5, n), rng.uniform(south, north, n))
    return shapely.box(x, y, x + side, y + side)


@pytest.mark.parametrize(("side", "by_scale"), [(10, 1.0), (40, 1.0), (2_000, 0.0)])
def test_sheds_go_by_scale_and_districts_by_the_formula(side, by_scale):
    areas = area_by_scale(squares(side), pyproj.CRS(4549))
    assert np.isfinite(areas).mean() == by_scale


def test_the_bound_is_not_far_from_the_truth():
    """A flat triangle with its base along the parallel: nothing makes up for the bend of its base."""
    x, y = 500_000.0, 5_500_000.0
    triangles = shapely.polygons([[(x, y), (x + base, y), (x + base / 2, y + base / 20)] for base in (60.0, 80.0)])
    planar = shapely.area(triangles) / pyproj.Proj(4549).get_factors(120, 49.6).areal_scale
    missed = np.abs(planar - formula(triangles, 4549))
    assert missed[0] < TOLERANCE_M2 / 2 < missed[1]
    assert np.isfinite(area_by_scale(triangles, pyproj.CRS(4549))).tolist() == [True, False]


@pytest.mark.parametrize("crs", [4490, 3857, 3035, 2263])
def test_other_maps_are_left_to_the_formula(crs):
    shape = shapely.box(10, 10, 11, 11)
    assert np.isnan(area_by_scale(np.array([shape]), pyproj.CRS(crs))).all()


def test_neighbours_order_and_runs_change_no_bit(monkeypatch):
    plots = gpd.GeoSeries(squares(40, 3_000), crs=4549)
    areas = area_m2(plots)
    assert area_m2(plots.sample(frac=1, random_state=1)).sort_index().equals(areas)
    assert np.array_equal(np.concatenate([area_m2(plots[i : i + 1]) for i in range(40)]), areas[:40])
    monkeypatch.setattr(layers.areal_scale, "_RUN", 70)
    assert area_m2(plots).equals(areas)


def test_no_shape_and_no_place_are_left_alone():
    shapes = np.array(
        [None, shapely.Polygon(), shapely.box(1e30, 1e30, 2e30, 2e30), shapely.box(5e5, 3e6, 5e5 + 9, 3e6 + 9)]
    )
    areas = area_by_scale(shapes, pyproj.CRS(4549))
    assert np.isnan(areas[:3]).all()
    assert areas[3] == pytest.approx(81, rel=1e-3)
    assert len(area_by_scale(shapes[:0], pyproj.CRS(4549))) == 0
