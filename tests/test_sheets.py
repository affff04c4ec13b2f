"""Tables as people send them: header somewhere, titles twice, totals at the end."""

from __future__ import annotations

import datetime as dt
import zipfile

import geopandas as gpd
import openpyxl
import pytest

import layers
from layers.errors import SchemaError, SourceError
from layers.sheets import locate


def book(path, rows, sheet="Sheet1", merge=(), more=None):
    made = openpyxl.Workbook()
    made.active.title = sheet
    for row in rows:
        made.active.append(row)
    for area in merge:
        made.active.merge_cells(area)
    for name, other in (more or {}).items():
        page = made.create_sheet(name)
        for row in other:
            page.append(row)
    made.save(path)
    return path


def codes(frame):
    return [one["code"] for one in frame.attrs["findings"]]


FIRMS = [["企业名称", "税收（万元）", "用地面积（亩）"], ["甲厂", 12.5, 3], ["乙厂", "８．５", "６亩"]]


@pytest.mark.parametrize("codec", ["gb18030", "utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("mark", [",", "\t", ";"])
def test_csv_in_any_encoding_with_any_mark(tmp_path, codec, mark):
    path = tmp_path / "企业.csv"
    path.write_text("\n".join(mark.join(map(str, row)) for row in FIRMS), encoding=codec)
    frame = layers.read(path, "enterprises")
    assert frame["tax_cny"].tolist() == [125000, 85000]
    assert frame["land_registered_m2"].tolist() == pytest.approx([2000, 4000])
    assert ("encoding-guessed" in codes(frame)) == (codec in ("gb18030", "utf-8"))


def test_header_below_merged_title_rows_and_units_in_a_note(tmp_path):
    rows = [
        ["某区2023年度企业情况表", None, None],
        ["单位：万元、亩", None, None],
        [None],
        ["企业名称", "税收", "用地面积"],
        ["甲厂", 12.5, 3],
    ]
    frame = layers.read(book(tmp_path / "表.xlsx", rows, merge=["A1:C1", "A2:C2"]), "enterprises")
    assert frame["tax_cny"].tolist() == [125000]
    assert frame.attrs["columns"]["tax_cny"]["unit_how"] == "note"
    assert frame.attrs["rows_read"] == 1


def test_header_of_two_rows_with_merged_groups(tmp_path):
    rows = [
        ["企业名称", "用地", None, "税收", None],
        [None, "面积(亩)", "容积率", "2022年(万元)", "2023年(万元)"],
        ["甲厂", 3, 1.2, 10, 12],
    ]
    path = book(tmp_path / "两行.xlsx", rows, merge=["A1:A2", "B1:C1", "D1:E1"])
    raw = layers.read(path)
    assert list(raw.columns) == ["企业名称", "用地面积(亩)", "用地容积率", "税收2022年(万元)", "税收2023年(万元)"]
    frame = layers.read(path, "enterprises")
    assert frame.loc[0, "tax_cny"] == 120000
    assert frame.loc[0, "land_registered_m2"] == pytest.approx(2000)


def test_second_header_row_of_units(tmp_path):
    rows = [["企业名称", "税收", "用地面积"], [None, "（万元）", "（亩）"], ["甲厂", 1, 3], ["乙厂", 2, 6]]
    frame = layers.read(book(tmp_path / "单位行.xlsx", rows), "enterprises")
    assert frame["tax_cny"].tolist() == [10000, 20000]


def test_numbering_totals_and_remarks_are_no_records(tmp_path):
    rows = [*FIRMS[:1], ["1", "2", "3"], *FIRMS[1:], ["合计", 21, 9], ["注：数据来自税务部门", None, None]]
    frame = layers.read(book(tmp_path / "合计.xlsx", rows), "enterprises")
    assert frame["enterprise_name"].tolist() == ["甲厂", "乙厂"]
    aside = {one["reason"]: one["count"] for one in frame.attrs["set_aside"]}
    assert aside == {"row-total": 1, "row-note": 1}
    assert frame.attrs["rows_read"] == len(frame) + sum(aside.values())


def test_two_columns_of_one_name_are_told(tmp_path):
    path = book(tmp_path / "同名.xlsx", [["企业名称", "税收(万元)", "税收(万元)"], ["甲厂", 1, 2]])
    frame = layers.read(path, "enterprises")
    assert frame.loc[0, "tax_cny"] == 10000
    assert frame.loc[0, "税收(万元)_2"] == 2
    assert "column-duplicate" in codes(frame)
    assert layers.info(path)["layers"][0]["duplicate_titles"] == ["税收(万元)"]


def test_a_title_that_stands_one_column_too_far_left_is_moved_and_told(tmp_path):
    rows = [["企业名称", "行业分类", None, "税收(万元)"], *[[f"厂{n}", "50", "食品制造业", 1] for n in range(5)]]
    frame = layers.read(book(tmp_path / "错位.xlsx", rows), "enterprises")
    assert set(frame["industry_name"]) == {"食品制造业"}
    assert set(frame["未命名_2"]) == {"50"}
    assert "column-shifted" in codes(frame)
    assert any(one["what"] == "column" for one in frame.attrs["guessed"])


def test_an_unnamed_column_that_explains_nothing_stays_where_it_is(tmp_path):
    rows = [["企业名称", "税收(万元)", None], ["甲厂", 1, "好"], ["乙厂", 2, "差"]]
    frame = layers.read(book(tmp_path / "无名.xlsx", rows), "enterprises")
    assert frame["未命名_3"].tolist() == ["好", "差"]
    assert "column-shifted" not in codes(frame)


def test_coordinates_become_points_and_rows_without_stay(tmp_path):
    rows = [["企业名称", "经度", "纬度"], ["甲厂", "120.2", 30.2], ["乙厂", None, None], ["丙厂", 120.3, 30.3]]
    frame = layers.read(book(tmp_path / "点.xlsx", rows), "enterprises")
    assert isinstance(frame, gpd.GeoDataFrame)
    assert frame.geometry.isna().tolist() == [False, True, False]
    assert (frame.geometry[0].x, frame.geometry[0].y) == (120.2, 30.2)
    assert frame.crs is not None
    assert frame.crs.is_geographic
    assert len(frame) == frame.attrs["rows_read"] == 3


def test_wkt_becomes_areas(tmp_path):
    path = tmp_path / "地块.csv"
    path.write_text('地块编号,WKT\nP1,"POLYGON ((0 0, 1 0, 1 1, 0 0))"\nP2,\n', encoding="utf-8-sig")
    frame = layers.read(path, "parcels", crs="EPSG:4326")
    assert frame["parcel_id"].tolist() == ["P1"]
    assert frame.attrs["set_aside"] == [{"reason": "geometry-null", "count": 1, "area_m2": None, "ids": ["P2"]}]


def test_a_table_cannot_be_parcels_without_shapes(tmp_path):
    with pytest.raises(SchemaError, match="has no geometry") as error:
        layers.read(book(tmp_path / "地块.xlsx", [["地块编号", "面积"], ["P1", 2]]), "parcels")
    assert "0 of 1 rows" in error.value.en


def test_dates_ids_and_typed_cells(tmp_path):
    rows = [
        ["企业名称", "成立日期", "统一社会信用代码"],
        ["甲", dt.date(2020, 5, 1), 123456789012345],
        ["乙", 43952, "0012"],
    ]
    frame = layers.read(book(tmp_path / "类型.xlsx", rows), "enterprises")
    assert frame["founded"].dt.strftime("%F").tolist() == ["2020-05-01", "2020-05-01"]
    assert frame["enterprise_code"].tolist() == ["123456789012345", "0012"]


def test_one_of_several_sheets_is_chosen_and_told(tmp_path):
    path = book(tmp_path / "多表.xlsx", [["说明"], ["本表由某局填报"]], sheet="说明", more={"企业": FIRMS, "空": []})
    frame = layers.read(path, "enterprises")
    assert frame.attrs["source"]["layer"] == "企业"
    assert "layer-chosen" in codes(frame)
    assert layers.read(path, "enterprises", layer="企业").attrs["findings"] == []
    with pytest.raises(SourceError, match='"企业"'):
        layers.read(path, "enterprises", layer="企業")


def test_formulas_are_text_or_stored_values_never_run(tmp_path):
    path = book(tmp_path / "公式.xlsx", [["企业名称", "税收(元)"], ["甲", "=2*3"], ["乙", "=5"]])
    frame = layers.read(path, "enterprises")
    assert frame["tax_cny"].isna().all()
    assert "formula-unstored" in codes(frame)


def test_a_table_that_lacks_what_its_role_needs(tmp_path):
    path = book(tmp_path / "无名称.xlsx", [["税收(元)", "用电量"], [5, 6], [7, 8]])
    with pytest.raises(SchemaError, match="enterprise_name"):
        layers.read(path, "enterprises")


def test_records_in_json(tmp_path):
    path = tmp_path / "企业.json"
    path.write_text('[{"企业名称": "甲", "tax": {"v": 1}, "list": [1, 2]}, {"企业名称": "乙"}]', encoding="utf-8")
    frame = layers.read(path, "enterprises")
    assert frame["enterprise_name"].tolist() == ["甲", "乙"]
    assert frame["list"].tolist()[0] == "[1, 2]"


def test_a_damaged_workbook_and_an_empty_sheet(tmp_path):
    whole = book(tmp_path / "好.xlsx", FIRMS)
    cut = tmp_path / "坏.xlsx"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(SourceError, match="damaged") as error:
        layers.read(cut, "enterprises")
    assert error.value.exit_code == 3
    with pytest.raises(SourceError):
        layers.read(book(tmp_path / "空.xlsx", []), "enterprises")


def test_a_workbook_that_swells_is_refused(tmp_path):
    path = book(tmp_path / "弹.xlsx", FIRMS)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/zeros.bin", b"\0" * (150 * 1024**2))
    with pytest.raises(SourceError, match="refused"):
        layers.read(path, "enterprises")


def test_where_the_header_is():
    assert locate([["表"], ["a", "b"], [1, 2]]) == (1, 1)
    assert locate([["企业名称", "税收"], ["甲", 1]]) == (0, 0)


# ---------------------------------------------------------------- real files


@pytest.mark.real_data
def test_land_deals_of_2007(shared_data):
    raw = layers.read(shared_data / "landchina_2007" / "2007-01_industrial.xlsx")
    assert len(raw) == 90
    assert "column-shifted" in codes(raw)
    deals = layers.schema.canonicalise(raw, "parcels")
    assert deals["parcel_id"].is_unique
    assert set(raw["未命名_9"]) == {"50", "40", "Nah"}
    assert deals["recorded_area_m2"].min() > 100
    assert deals.attrs["columns"]["recorded_area_m2"]["unit"] == "ha"
    assert deals["started"].notna().sum() < 90
    assert "食品制造业" in set(deals["industry_name"])


@pytest.mark.real_data
def test_land_deals_with_placeholders(shared_data):
    raw = layers.read(shared_data / "landchina_2007" / "2007-02_industrial.xlsx")
    deals = layers.schema.canonicalise(raw, "parcels")
    placeholders = (raw["约定开工时间"] == "1901年01月02日").sum()
    assert placeholders > 0
    assert (codes(deals).count("date-placeholder")) >= placeholders
    assert deals["plot_ratio_planned"].max() < 10


@pytest.mark.parametrize("rows", [[["甲厂", "5", "6"], ["1", "2", "3"]], [["1", "2", "3"]]])
def test_a_record_that_counts_is_a_record(tmp_path, rows):
    path = book(tmp_path / "企业.xlsx", [["企业名称", "税收(万元)", "用地面积(亩)"], *rows])
    assert layers.read(path, "enterprises")["enterprise_name"].tolist()[-1] == "1"
