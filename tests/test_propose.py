"""Which file of a folder is taken for which layer, when several would do."""

import geopandas as gpd
import shapely

from layers.propose import propose


def shapes(count):
    return [shapely.box(500_000 + 100 * i, 3_350_000, 500_050 + 100 * i, 3_350_050) for i in range(count)]


def test_a_file_named_for_its_role_goes_before_a_larger_one(tmp_path):
    named = gpd.GeoDataFrame({"DLBM": ["0601"] * 2}, geometry=shapes(2), crs=4549)
    named.to_file(tmp_path / "地类图斑.gpkg", layer="地类图斑")
    everything = gpd.GeoDataFrame({"DLBM": ["0601"] * 5, "x": 1}, geometry=shapes(5), crs=4549)
    everything.to_file(tmp_path / "all.gpkg", layer="all")
    source = propose(tmp_path).sources["parcels"]
    assert [path.name for path in source.source] == ["地类图斑.gpkg"]
    (tmp_path / "地类图斑.gpkg").unlink()
    assert [path.name for path in propose(tmp_path).sources["parcels"].source] == ["all.gpkg"]


def test_of_two_that_are_not_named_the_larger_one_is_taken(tmp_path):
    for name, count in (("a", 2), ("b", 3)):
        frame = gpd.GeoDataFrame({"DLBM": ["0601"] * count, f"column_{name}": 1}, geometry=shapes(count), crs=4549)
        frame.to_file(tmp_path / f"{name}.gpkg", layer=name)
    assert [path.name for path in propose(tmp_path).sources["parcels"].source] == ["b.gpkg"]
