"""Areas: the statutory formula against hand computation, pyproj's geodesics, planar area ÷ scale, and itself."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import GeometryCollection, LineString, MultiPolygon, Point, Polygon, box

import layers.area
from layers.area import area_m2
from layers.errors import CrsError, ProjectError

CGCS2000 = pyproj.Geod(a=6378137, rf=298.257222101)
PLOT = box(120.2, 30.2, 120.201, 30.201)


def lonlat(*shapes):
    return gpd.GeoSeries(list(shapes), crs="EPSG:4490")


def one(shape, method="tdt1055", crs="EPSG:4490"):
    return area_m2(gpd.GeoSeries([shape], crs=crs), method).iloc[0]


def statutory(ring, lon0):
    """The formula as the standard writes it, edge by edge, its coefficients as fractions."""
    a, f = Fraction(6378137), 1 / Fraction("298.257222101")
    b = a * (1 - f)
    e2 = (a**2 - b**2) / a**2
    series = [
        [1, Fraction(3, 6), Fraction(30, 80), Fraction(35, 112), Fraction(630, 2304)],
        [0, Fraction(1, 6), Fraction(15, 80), Fraction(21, 112), Fraction(420, 2304)],
        [0, 0, Fraction(3, 80), Fraction(7, 112), Fraction(180, 2304)],
        [0, 0, 0, Fraction(1, 112), Fraction(45, 2304)],
        [0, 0, 0, 0, Fraction(5, 2304)],
    ]
    factors = [float(sum(term * e2**power for power, term in enumerate(row))) for row in series]
    total = 0.0
    for (lon1, lat1), (lon2, lat2) in itertools.pairwise(ring):
        d_lon = math.radians((lon1 + lon2) / 2 - lon0)
        d_lat, mean = math.radians(lat2 - lat1), math.radians((lat1 + lat2) / 2)
        bracket = sum(
            (-1) ** k * factor * math.sin((2 * k + 1) / 2 * d_lat) * math.cos((2 * k + 1) * mean)
            for k, factor in enumerate(factors)
        )
        total += 2 * float(b) ** 2 * d_lon * bracket
    return abs(total)


@pytest.mark.parametrize(
    "ring",
    [
        [(120.2, 30.2), (120.201, 30.2), (120.201, 30.201), (120.2, 30.201), (120.2, 30.2)],
        [(119.1, 29.7), (119.1013, 29.7004), (119.1008, 29.7021), (119.0995, 29.7011), (119.1, 29.7)],
        [(118.5, 29.0), (121.0, 29.2), (120.7, 30.9), (118.6, 30.4), (118.5, 29.0)],
        [(87.0, 48.0), (87.3, 48.1), (87.1, 48.4), (87.0, 48.0)],
        [(-70.0, -33.0), (-69.9, -33.0), (-69.9, -33.2), (-70.0, -33.0)],
    ],
)
def test_the_formula_written_out_edge_by_edge_gives_the_same(ring):
    # The two sum in another order: 10⁻⁵ m² and 10⁻¹¹ of the whole are rounding.
    assert one(Polygon(ring)) == pytest.approx(statutory(ring, ring[0][0]), rel=1e-11, abs=1e-5)


def test_the_origin_of_longitude_does_not_matter():
    ring = list(PLOT.exterior.coords)
    assert statutory(ring, 120.0) == pytest.approx(statutory(ring, 117.0), rel=1e-7)
    assert one(PLOT) == pytest.approx(statutory(ring, 111.0), rel=1e-7)


@pytest.mark.parametrize(
    ("side_deg", "tolerance"),
    [(0.001, 1e-8), (0.01, 2e-7), (0.1, 1e-6)],  # 1 ha, 1 km², a 0.1° cell: domain notes 10.2
)
@pytest.mark.parametrize("turn", [0, 20, 45])
def test_pyproj_geodesics_agree_as_far_as_its_lines_and_geodesics_do(side_deg, tolerance, turn):
    shape = shapely.affinity.rotate(box(120.2, 30.2, 120.2 + side_deg, 30.2 + side_deg), turn)
    oracle = abs(CGCS2000.geometry_area_perimeter(shape)[0])
    assert one(shape) == pytest.approx(oracle, rel=tolerance)
    assert one(shape, "geodesic") == pytest.approx(oracle, abs=1e-4)


def test_many_small_edges_make_formula_and_geodesics_the_same():
    shape = shapely.segmentize(box(119.0, 29.5, 120.0, 30.5), 0.0005)
    assert one(shape) == pytest.approx(abs(CGCS2000.geometry_area_perimeter(shape)[0]), rel=1e-10)


@pytest.mark.parametrize("crs", [4549, 4528, 4548, 32651, 2385])
def test_planar_divided_by_the_areal_scale_agrees(crs):
    to_plane = pyproj.Transformer.from_crs(pyproj.CRS(crs).geodetic_crs, crs, always_xy=True)
    x, y = to_plane.transform(120.2, 30.2)
    plot = box(x - 30, y - 30, x + 30, y + 30)
    scale = pyproj.Proj(crs).get_factors(120.2, 30.2).areal_scale
    assert one(plot, crs=crs) == pytest.approx(one(plot, "planar", crs) / scale, abs=5e-4)


def test_web_mercator_leaks_into_no_area():
    x, y = pyproj.Transformer.from_crs(4326, 3857, always_xy=True).transform(120.2, 30.2)
    plot = box(x, y, x + 100, y + 100)
    assert plot.area / one(plot, crs=3857) == pytest.approx(1.343, abs=0.002)  # what it would have been
    back = gpd.GeoSeries([plot], crs=3857).to_crs(4326)
    assert one(plot, crs=3857) == pytest.approx(area_m2(back).iloc[0], rel=1e-9)


@pytest.mark.parametrize("crs", ["EPSG:3857", "ESRI:102100", "EPSG:3395", "+proj=merc +a=6378137 +b=6378137"])
def test_planar_is_refused_on_mercator_maps(crs):
    with pytest.raises(CrsError, match="Mercator") as caught:
        one(box(0, 0, 1, 1), "planar", crs)
    assert "墨卡托" in caught.value.zh


def test_planar_is_refused_in_degrees():
    with pytest.raises(CrsError, match="degrees") as caught:
        one(PLOT, "planar")
    assert "经纬度" in caught.value.zh


def test_planar_in_feet_becomes_square_metres():
    square = box(984_250, 200_000, 985_250, 201_000)
    assert one(square, "planar", "EPSG:2263") == pytest.approx(1e6 * (1200 / 3937) ** 2, rel=1e-12)
    assert one(square, crs="EPSG:2263") == pytest.approx(1e6 * (1200 / 3937) ** 2, rel=1e-4)


def test_without_crs_there_is_no_area():
    with pytest.raises(CrsError, match="no coordinate reference system") as caught:
        area_m2(gpd.GeoSeries([PLOT]))
    assert "坐标系" in caught.value.zh


def test_a_drawing_not_tied_to_the_earth_has_only_a_planar_area():
    local = 'LOCAL_CS["works grid",UNIT["metre",1]]'
    assert one(box(0, 0, 10, 10), "planar", local) == 100
    with pytest.raises(CrsError, match="not tied to the Earth"):
        one(box(0, 0, 10, 10), crs=local)


def test_unknown_method_names_the_nearest():
    with pytest.raises(ProjectError, match='area = "geodesic"'):
        one(PLOT, "geodetic")


@pytest.mark.parametrize("method", ["tdt1055", "geodesic"])
def test_holes_parts_direction_and_height(method):
    outer, hole = box(120.2, 30.2, 120.21, 30.21), box(120.203, 30.203, 120.206, 30.206)
    far = box(121, 30.2, 121.001, 30.201)
    ring, void = list(outer.exterior.coords), list(hole.exterior.coords)
    areas = area_m2(
        lonlat(
            outer,
            hole,
            Polygon(ring, [void]),
            Polygon(ring[::-1], [void]),
            Polygon(ring, [void[::-1]]),
            far,
            MultiPolygon([Polygon(ring, [void]), far]),
            GeometryCollection([MultiPolygon([far]), LineString([(120, 30), (121, 31)]), GeometryCollection([hole])]),
            Polygon([(x, y, 12.5) for x, y in ring]),
        ),
        method,
    )
    whole, void_m2, net, *turned, far_m2, both, collection, with_height = areas
    assert net == pytest.approx(whole - void_m2, rel=1e-12)
    assert turned == pytest.approx([net, net], rel=1e-14)
    assert both == pytest.approx(net + far_m2, rel=1e-14)
    assert collection == pytest.approx(far_m2 + void_m2, rel=1e-14)
    assert with_height == whole


@pytest.mark.parametrize("method", ["tdt1055", "geodesic", "planar"])
def test_missing_is_missing_and_empty_is_zero(method):
    shapes = gpd.GeoSeries(
        [None, Polygon(), Point(500_000, 3_340_000), box(500_000, 3_340_000, 500_100, 3_340_100), MultiPolygon()],
        index=["e", "d", "c", "b", "a"],
        crs=4549,
    )
    areas = area_m2(shapes, method)
    assert areas.name == "land_area_m2"
    assert areas.dtype == "float64"
    assert areas.index.tolist() == ["e", "d", "c", "b", "a"]
    assert math.isnan(areas["e"])
    assert areas[["d", "c", "a"]].tolist() == [0, 0, 0]
    assert areas["b"] == pytest.approx(10_000, rel=1e-3)


@pytest.mark.parametrize("method", ["tdt1055", "geodesic", "planar"])
def test_a_layer_without_rows(method):
    assert area_m2(gpd.GeoSeries([], crs=4549), method).tolist() == []


def test_places_without_inverse_have_no_area_and_spoil_no_neighbour():
    plot, nowhere = box(500_000, 0, 500_010, 10), box(1e30, 1e30, 1.1e30, 1.1e30)
    areas = area_m2(gpd.GeoSeries([plot, nowhere, plot], crs=4549))
    assert math.isnan(areas[1])
    assert areas[[0, 2]].tolist() == pytest.approx([100, 100], rel=1e-3)


def test_compound_crs_uses_its_horizontal_part():
    plot = box(519_000, 3_342_000, 519_100, 3_342_100)
    assert one(plot, crs="EPSG:4549+5737") == one(plot, crs="EPSG:4549")


def test_degrees_need_not_be_the_unit_of_a_geographic_crs():
    paris = "EPSG:4807"  # grads, counted from Paris
    plot = box(2.0, 54.0, 2.01, 54.01)
    in_degrees = shapely.transform(plot, lambda xy: xy * 0.9)
    clarke = gpd.GeoSeries([in_degrees], crs="+proj=longlat +a=6378249.2 +b=6356515")
    assert one(plot, crs=paris) == pytest.approx(area_m2(clarke).iloc[0], rel=1e-9)


def rings(n=400, seed=5):
    rng = np.random.default_rng(seed)
    middle = rng.uniform((118.5, 29.2), (120.9, 30.5), (n, 2))
    angle = np.linspace(0, 2 * np.pi, 13)[:-1]
    reach = rng.uniform(0.0003, 0.001, (n, 12, 1))
    return shapely.polygons(middle[:, None] + reach * np.stack([np.cos(angle), np.sin(angle)], -1))


def test_order_and_cutting_change_no_bit(monkeypatch):
    plots = gpd.GeoSeries(rings(), crs=4490).to_crs(4549)
    areas = area_m2(plots)
    shuffled = plots.sample(frac=1, random_state=1)
    assert area_m2(shuffled).sort_index().equals(areas)
    assert np.array_equal(np.concatenate([area_m2(plots[i : i + 37]) for i in range(0, 400, 37)]), areas)
    monkeypatch.setattr(layers.area, "CHUNK", 100)
    assert area_m2(plots).equals(areas)


@st.composite
def polygons(draw):
    """A star-shaped polygon of 3 to 9 corners, up to about 20 km across, somewhere in China."""
    lon, lat = draw(st.floats(75, 130)), draw(st.floats(18, 52))
    n = draw(st.integers(3, 9))
    reach = np.array(draw(st.lists(st.floats(0.001, 0.1), min_size=n, max_size=n)))
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return Polygon(np.c_[lon + reach * np.cos(angle), lat + reach * np.sin(angle)])


@settings(max_examples=60, deadline=None)
@given(polygons(), st.floats(-50, 40))
def test_moving_along_the_parallel_changes_no_area(shape, shift):
    moved = shapely.affinity.translate(shape, shift)
    # What remains is the rounding of longitudes: 3e-14° over the height of the shape.
    assert one(moved) == pytest.approx(one(shape), rel=1e-9, abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(polygons(), st.integers(0, 8))
def test_cutting_from_corner_to_corner_conserves(shape, corner):
    hull = shape.convex_hull  # every diagonal lies inside
    corners = list(hull.exterior.coords)[:-1]
    assume(len(corners) >= 4)
    cut = 2 + corner % (len(corners) - 3)
    halves = one(Polygon(corners[: cut + 1])), one(Polygon([*corners[cut:], corners[0]]))
    assert min(halves) > 0
    assert sum(halves) == pytest.approx(one(hull), rel=1e-10, abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(polygons())
def test_turning_the_ring_and_starting_elsewhere_change_nothing(shape):
    corners = list(shape.exterior.coords)[:-1]
    turned = Polygon((corners[2:] + corners[:2])[::-1])
    assert one(turned) == pytest.approx(one(shape), rel=1e-10, abs=1e-5)
