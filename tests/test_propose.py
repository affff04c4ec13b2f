"""Which file of a folder is taken for which layer, when several would do."""

import geopandas as gpd
import pytest
import shapely

from layers.errors import SourceError
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


def test_parcels_in_a_spreadsheet_are_told_to_have_no_areas(tmp_path):
    (tmp_path / "地块.csv").write_text("地块编号,地类编码,面积\nA1,0601,1000\n", encoding="utf-8")
    with pytest.raises(SourceError, match=r"地块\.csv: not used, looks like parcels, but has no areas") as caught:
        propose(tmp_path)
    assert "像是 parcels，但没有面图形。" in caught.value.zh
    (tmp_path / "企业.csv").write_text("企业名称,税收\n甲,10\n", encoding="utf-8")
    assert propose(tmp_path).left_out[0][0] == "地块.csv: not used, looks like parcels, but has no areas"
