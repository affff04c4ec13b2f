"""The map of many parcels: pixels against shapely's own answer, and what is done so that a large city stays quick."""

import hand_city
import numpy as np
import pytest
import shapely
from test_maps import COLOURS, browser, opened, project  # noqa: F401  (fixtures)

from geo.assessment import assess
from geo.maps import PARCEL_BUDGET
from geo.maps.packing import GRID_M, Block

SIDE = 64


@pytest.fixture(scope="module")
def city():
    return assess(hand_city.frames(), project())


def random_shapes(random, n):
    """Stars, rings and pairs on a ground of 640 × 640 grid steps, some reaching over its edge."""
    made = []
    for _ in range(n):
        x, y, reach = random.uniform(-40, 680), random.uniform(-40, 680), random.uniform(20, 150)
        angle = np.sort(random.uniform(0, 2 * np.pi, random.integers(3, 12)))
        far = reach * random.uniform(0.4, 1, len(angle))
        star = shapely.Polygon(np.c_[x + far * np.cos(angle), y + far * np.sin(angle)])
        if star.is_valid and star.area > 0:
            made.append(star)
    ring = shapely.box(100, 100, 400, 300) - shapely.box(150, 150, 300, 250)
    return [*made, ring, shapely.MultiPolygon([shapely.box(500, 10, 560, 90), shapely.box(520, 120, 620, 200)])]


PAINT = """async ([block, samples, side]) => {
  const data = await Parkwise.unpack(block), n = data.parcels.count, raster = new Parkwise.Raster(side, samples);
  const classOf = Int32Array.from({length: n}, (_, s) => s), idOf = Uint16Array.from({length: n}, (_, s) => s + 1);
  raster.paint(data.index, {left: 0, top: side, scale: side / 640}, classOf, idOf);
  return Array.from(raster.ids); }"""


@pytest.mark.browser
@pytest.mark.parametrize("samples", [1, 2])
def test_every_place_belongs_to_the_shape_that_covers_it(city, opened, samples):  # noqa: F811
    """A place is painted where its middle lies in a shape, says shapely, and in the colour of one it lies in."""
    page = opened(city)
    places = (np.arange(SIDE * samples) + 0.5) * 640 / (SIDE * samples)
    x, y = np.meshgrid(places, 640 - places)
    for seed in range(4):
        shapes = [shapely.set_precision(one, 1) for one in random_shapes(np.random.default_rng(seed), 25)]
        shapes = [one for one in shapes if one.area > 2000]
        block = Block()
        block.shapes("parcels", shapely.transform(np.array(shapes, dtype="object"), lambda xy: xy * GRID_M))
        found = np.array(page.page.evaluate(PAINT, [block.encode(), samples, SIDE])).reshape(x.shape)
        within = np.array([np.zeros(x.shape, dtype=bool), *(shapely.contains_xy(one, x, y) for one in shapes)])
        within[0] = ~within.any(axis=0)
        points = shapely.points(x, y)
        edge = np.any([shapely.distance(points, one.boundary) < 1e-6 for one in shapes], axis=0)
        right = np.take_along_axis(within, found[None], axis=0)[0]
        assert right[~edge].all(), seed
        assert edge.mean() < 0.2
        assert len(np.unique(found)) > 12


@pytest.mark.browser
def test_what_is_smaller_than_a_place_is_still_seen(city, opened):  # noqa: F811
    page = opened(city)
    block = Block()
    specks = [shapely.box(x, 300, x + 1, 301) for x in (5, 105, 335, 633)] + [shapely.box(100, 500.0, 500, 501)]
    block.shapes("parcels", shapely.transform(np.array(specks, dtype="object"), lambda xy: xy * GRID_M))
    found = page.page.evaluate(PAINT, [block.encode(), 1, SIDE])
    assert set(found) == {0, 1, 2, 3, 4, 5}
    for number, speck in enumerate(specks[:4]):
        at = found.index(number + 1)
        assert (at % SIDE, at // SIDE) == (int(speck.bounds[0] / 10), int((640 - 300.5) / 10))


@pytest.mark.browser
def test_from_afar_classes_keep_colour_pattern_and_can_be_hidden(city, opened):  # noqa: F811
    page = opened(city)
    page.run("Parkwise.city.map.setView(Parkwise.city.whole.getCenter(), 14, {animate: false})")
    assert page.run("Object.values(Parkwise.city.layers.parcels._tiles).every(t => t.coords.z === 14)")
    for name in page.run("Parkwise.city.page.themes.map(one => one.id)"):
        page.page.check(f".pw-themes input[value={name}]", force=True)
        seen = set(page.run(COLOURS))
        fills = page.run("Parkwise.city.theme.classes.filter(one => one.parcels !== '0').map(one => one.fill)")
        wanted = {",".join(str(int(fill[at : at + 2], 16)) for at in (1, 3, 5)) for fill in fills}
        assert wanted <= seen, name
    page.page.check(".pw-themes input[value=zones]", force=True)
    fill = page.run("Parkwise.city.theme.classes[0].fill")
    page.page.click(".pw-swatch >> nth=0")
    assert ",".join(str(int(fill[at : at + 2], 16)) for at in (1, 3, 5)) not in set(page.run(COLOURS))
    assert page.told == []


@pytest.mark.browser
def test_a_theme_switch_paints_only_what_is_in_sight(city, opened):  # noqa: F811
    page = opened(city)
    page.run("""() => { const layer = Parkwise.city.layers.parcels, paint = layer.paint; window.painted = [];
        layer.paint = function (tile, coords) {
            window.painted.push(coords.x + '/' + coords.y); paint.call(this, tile, coords); }; }""")
    page.run("Parkwise.city.map.setView(Parkwise.city.whole.getCenter(), 17, {animate: false})")
    for _ in range(2):
        page.run("Parkwise.city.map.panBy([500, 0], {animate: false})")
    kept = page.run("Object.keys(Parkwise.city.layers.parcels._tiles).length")
    page.run("() => { window.painted = []; Parkwise.city.show(1); }")
    painted = page.run("window.painted")
    assert 0 < len(painted) <= 12
    assert len(painted) == len(set(painted)) == page.run("Object.keys(Parkwise.city.layers.parcels._tiles).length")
    # What was dropped is drawn in the new colours when it comes back.
    page.run("Parkwise.city.map.panBy([-1000, 0], {animate: false})")
    back = set(page.run("window.painted"))
    assert len(back) > len(painted) or kept == len(painted)


@pytest.mark.browser
def test_an_outline_keeps_its_place_and_drops_corners_within_a_pixel(city, opened):  # noqa: F811
    page = opened(city)
    drawn = """zoom => { const c = Parkwise.city; c.map.setView(c.whole.getCenter(), zoom, {animate: false});
        const outline = c.layers.parks.getLayers()[0], box = outline._path.getBBox(), b = outline.getBounds();
        const nw = c.map.latLngToLayerPoint(b.getNorthWest()), se = c.map.latLngToLayerPoint(b.getSouthEast());
        const right = box.x + box.width, bottom = box.y + box.height;
        return [outline._rings[0].length, box.x - nw.x, box.y - nw.y, right - se.x, bottom - se.y]; }"""
    near, far = page.page.evaluate(drawn, 13), page.page.evaluate(drawn, 5)
    assert near[0] == 4
    assert max(map(abs, near[1:])) <= 1.5
    assert far[0] < near[0]


def test_two_hundred_thousand_parcels_are_all_drawn():
    assert PARCEL_BUDGET >= 1_000_000
