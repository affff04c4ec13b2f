"""Titles, units and types: a source frame becomes a canonical layer."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from layers import land_use, schema, titles, values
from layers.errors import ParkwiseError, SchemaError
from layers.roles import LAYERS
from layers.units import convert


def firms(**columns):
    return schema.canonicalise(pd.DataFrame(columns), "enterprises")


def codes(frame):
    return [one["code"] for one in frame.attrs["findings"]]


@pytest.mark.parametrize("layer", LAYERS)
def test_column_tables_are_sound(layer):
    table = schema.columns(layer)
    assert table["column"].is_unique
    assert set(table["type"]) <= {"text", "code", "number", "integer", "date", "boolean", "geometry"}
    assert set(table["kind"]) <= {"extensive", "intensive", "id", "label", "date", "flag"}
    assert set(table["required"]) <= {"yes", "no"}
    assert (table[["label_zh", "label_en"]] != "").all(axis=None)
    owners: dict[str, str] = {}
    for row in table.itertuples():
        for alias in {titles.plain(name) for name in [row.column, *row.aliases.split("|")]} - {""}:
            assert owners.setdefault(alias, row.column) == row.column, f"{alias} stands for two columns"


@pytest.mark.parametrize(
    ("layer", "title", "column", "unit"),
    [
        ("parcels", "面积(公顷)", "recorded_area_m2", "ha"),
        ("parcels", "用地面积_亩", "recorded_area_m2", "mu"),
        ("parcels", "tbmj", "recorded_area_m2", None),
        ("parcels", "税收总额万元", "tax_cny", "wcny"),
        ("parcels", "recorded_area_m2", "recorded_area_m2", "m2"),
        ("parcels", "ＤＬＢＭ", "land_use_code", None),
        ("enterprises", "税收（万元）", "tax_cny", "wcny"),
        ("enterprises", "2023年工业增加值（单位：万元）", "value_added_cny", "wcny"),
        ("enterprises", "R&D经费(千元)", "rd_cny", "kcny"),
        ("enterprises", "tax_wcny", "tax_cny", "wcny"),
        ("buildings", "building:levels", "floors", None),
        ("parks", "KFQMC", "zone_name", None),
    ],
)
def test_titles_find_their_column_and_unit(layer, title, column, unit):
    found = titles.matches(layer, [title])
    assert list(found) == [column]
    assert found[column].unit == unit


def test_titles_cut_by_a_shapefile_match_by_their_beginning_only_there():
    assert titles.matches("parcels", ["固定资产投"], cut=True)["investment_cny"].cut
    assert titles.matches("parcels", ["固定资产投"]) == {}
    assert titles.matches("parcels", ["所在地"]) == {}
    assert titles.matches("parcels", ["固定"], cut=True) == {}, "too short to have been cut"
    assert titles.matches("parcels", ["用地面"], cut=True)["recorded_area_m2"].title == "用地面"


def test_the_latest_of_several_years_is_taken_and_the_plain_title_before_it():
    many = ["2021年税收(万元)", "2023年税收(万元)", "2022年税收(万元)"]
    assert schema.match("enterprises", many)["tax_cny"] == "2023年税收(万元)"
    assert schema.match("enterprises", [*many, "税收(万元)"])["tax_cny"] == "税收(万元)"


def test_numbers_as_text_with_units_behind_them():
    frame = firms(企业名称=list("甲乙丙丁戊己"), 用地面积=["３０亩", "2公顷", "1,500", "暂无", "不知道", "6亩"])
    area = frame["land_registered_m2"]
    assert area[:2].tolist() == pytest.approx([20000, 20000])
    assert area[2] == pytest.approx(convert(1500, "mu", "m2"))  # the unit most values state
    assert area[3:5].isna().all()
    unread = [one for one in frame.attrs["findings"] if one["code"] == "value-unreadable"]
    assert [(one["id"], one["row"], one["found"]) for one in unread] == [("戊", 4, "不知道")]


@pytest.mark.parametrize(("factor", "unit"), [("m2", "m2"), ("mu", "mu"), ("ha", "ha")])
def test_recorded_area_is_held_against_the_drawn_one(factor, unit):
    shapes = gpd.GeoSeries(
        [box(500000 + i * 200, 3340000, 500000 + i * 200 + 100, 3340000 + 50 + i) for i in range(20)], crs=4549
    )
    recorded = [convert(shape.area, "m2", factor) for shape in shapes]
    frame = schema.canonicalise(gpd.GeoDataFrame({"登记面积": recorded}, geometry=shapes), "parcels")
    assert frame["recorded_area_m2"].tolist() == pytest.approx(shapes.area.tolist())
    entry = frame.attrs["columns"]["recorded_area_m2"]
    assert (entry["unit"], entry["unit_how"]) == (unit, "plausible")
    assert ("unit-guessed" in codes(frame)) == (unit != "m2")
    assert bool(frame.attrs["guessed"]) == (unit != "m2")


@pytest.mark.parametrize(("scale", "unit"), [(1, "cny"), (1e4, "wcny"), (1e8, "ycny")])
def test_money_is_judged_by_employees(scale, unit):
    staff = np.array([50, 120, 300])
    frame = firms(企业名称=list("甲乙丙"), 职工人数=staff, 税收=staff * 30000 / scale)
    assert frame["tax_cny"].tolist() == pytest.approx((staff * 30000).tolist())
    assert frame.attrs["columns"]["tax_cny"]["unit"] == unit


def test_a_unit_is_plausible_only_when_no_other_one_is():
    shapes = gpd.GeoSeries([box(500000, 3340000, 500100, 3340100)] * 3, crs=4549)
    table = gpd.GeoDataFrame({"建筑基底面积": [1.0, 1.0, 1.0]}, geometry=shapes)  # 1 mu and 1 ha would both fit
    frame = schema.canonicalise(table, "parcels")
    assert frame["building_base_m2"].tolist() == [1.0, 1.0, 1.0]
    assert codes(frame) == ["unit-assumed"]


def test_money_without_evidence_is_taken_as_yuan_and_said():
    frame = firms(企业名称=["甲"], 税收=[152.3])
    assert frame["tax_cny"].tolist() == [152.3]
    assert "unit-assumed" in codes(frame)
    assert frame.attrs["guessed"][0]["what"] == "unit of tax_cny"


def test_a_unit_that_measures_something_else_is_told_and_not_used():
    frame = firms(**{"企业名称": ["甲"], "税收（亩）": [3]})
    assert "tax_cny" not in frame
    assert "税收（亩）" in frame
    assert codes(frame) == ["unit-mismatch"]


def test_field_codes_have_the_unit_they_are_defined_in():
    frame = firms(QYMC=["甲"], QYYDMJ=[1.5], SSZE=[20.0], ZJZMJ=[0.8])
    assert frame.loc[0, ["land_registered_m2", "tax_cny", "floor_area_m2"]].tolist() == [15000, 200000, 8000]


def test_the_note_above_a_table_names_the_units():
    table = pd.DataFrame({"企业名称": ["甲"], "税收": [2.0], "用地面积": [3.0]})
    table.attrs = {"notes": "某区企业情况表 单位：万元、亩"}
    frame = schema.canonicalise(table, "enterprises")
    assert frame.loc[0, ["tax_cny", "land_registered_m2"]].tolist() == [20000, 2000]


def test_a_mapping_stands_above_the_aliases():
    table = pd.DataFrame({"税收（万元）": [1.0], "别的": [7.0], "企业名称": ["甲"]})
    frame = schema.canonicalise(table, "enterprises", columns={"tax_cny": {"name": "别的", "unit": "亿元"}})
    assert frame.loc[0, "tax_cny"] == 7e8
    assert frame.loc[0, "税收（万元）"] == 1.0
    assert frame.attrs["columns"]["tax_cny"] == {"title": "别的", "unit": "ycny", "how": "given", "unit_how": "given"}
    assert "tax_cny" not in schema.canonicalise(table, "enterprises", columns={"tax_cny": ""})


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ({"parcel_id": "TBBHH"}, "TBBH"),
        ({"parcel_idd": "TBBH"}, "parcel_id"),
        ({"recorded_area_m2": {"name": "TBMJ", "unit": "亩亩"}}, "亩"),
        ({"recorded_area_m2": {"name": "TBMJ", "unit": "万元"}}, "m2"),
    ],
)
def test_wrong_mappings_name_what_is_nearest(columns, named):
    with pytest.raises(ParkwiseError) as error:
        schema.canonicalise(pd.DataFrame({"TBBH": ["1"], "TBMJ": [1.0]}), "parcels", columns=columns)
    assert named in error.value.en
    assert named in error.value.zh
    assert error.value.exit_code == 2


def test_an_unknown_layer_names_the_nearest():
    with pytest.raises(SchemaError, match='"parcels"'):
        schema.columns("parcel")


def test_constants_fill_every_row_in_the_type_of_the_column():
    table = pd.DataFrame({"名称": ["东区", "西区"]})
    frame = schema.canonicalise(
        table, "parks", constants={"zone_name": "高新区", "valid_from": "2020-01-01", "priority": 2}
    )
    assert frame["zone_name"].tolist() == ["高新区", "高新区"]
    assert frame["valid_from"].dt.year.tolist() == [2020, 2020]
    assert frame["priority"].dtype == "Int64"
    with pytest.raises(SchemaError, match="zone_name"):
        schema.canonicalise(table, "parks", constants={"zone_nam": "x"})


def test_ids_are_text_and_codes_keep_their_zeros():
    frame = firms(
        统一社会信用代码=[91330109.0, 12.0],
        行业代码=["0610", "３９１１"],
        企业名称=["甲", " 乙 "],
        年份=["2023年", 2022.0],
    )
    assert frame["enterprise_code"].tolist() == ["91330109", "12"]
    assert frame["industry_code"].tolist() == ["0610", "3911"]
    assert frame["enterprise_name"].tolist() == ["甲", "乙"]
    assert frame["year"].tolist() == [2023, 2022]


def test_an_id_that_lost_its_digits_is_told():
    frame = schema.canonicalise(pd.DataFrame({"宗地代码": ["3.30109E+18", "330109001001GB00001"]}), "parcels")
    assert codes(frame) == ["id-precision-lost"]


def test_flags_and_short_lists():
    frame = firms(
        企业名称=list("甲乙丙丁"), 是否高新技术企业=["是", "N", "", "也许"], 是否规上=["规上", "否", "是", "特大"]
    )
    assert frame["high_tech"].tolist() == [True, False, pd.NA, pd.NA]
    assert frame["scale"].tolist() == ["above", "below", "above", "特大"]
    assert sorted(codes(frame)) == ["value-unknown", "value-unreadable"]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2023-05-01", "2023-05-01"),
        ("2023/5/1", "2023-05-01"),
        ("20230501", "2023-05-01"),
        (20230501, "2023-05-01"),
        ("2023年5月1日", "2023-05-01"),
        ("2023年5月", "2023-05-01"),
        ("2023.5.1", "2023-05-01"),
        ("2007/9/7 0:00:00", "2007-09-07"),
        ("2023-05-01T08:00:00Z", "2023-05-01"),
        (45047, "2023-05-01"),
        (45047.0, "2023-05-01"),
        (1682899200000, "2023-05-01"),
        ("Nah", None),
        ("soon", None),
        ("2023-02-30", None),
    ],
)
def test_dates_as_people_write_them(text, day):
    dates, placeholder = values.to_dates(pd.Series([text]))
    assert (None if dates.isna()[0] else str(dates[0].date())) == day
    assert not placeholder[0]


@pytest.mark.parametrize("text", ["1900-01-01", "1901年01月02日", 0, 1, "9999-12-31", "1899-12-30"])
def test_placeholders_of_dates_are_missing_and_told(text):
    frame = schema.canonicalise(pd.DataFrame({"地块编号": ["P1"], "约定开工时间": [text]}), "parcels")
    assert frame["agreed_start"].isna().all()
    assert codes(frame) == ["date-placeholder"]


def test_missing_stays_missing_and_is_never_zero():
    frame = firms(企业名称=["甲", "乙"], **{"税收(元)": [None, "0"]})
    assert frame["tax_cny"].isna().tolist() == [True, False]


def test_nothing_is_dropped_and_the_input_is_untouched():
    table = pd.DataFrame({"企业名称": ["甲"], "备注": ["x"], "tax_cny": [1.0], "税(实)": [2.0]})
    before = table.copy()
    frame = schema.canonicalise(table, "enterprises", columns={"tax_cny": {"name": "税(实)", "unit": "元"}})
    assert list(frame.columns) == ["enterprise_name", "tax_cny", "备注", "tax_cny（原）"]
    pd.testing.assert_frame_equal(table, before)


def test_tags_kept_as_one_text_are_opened_where_a_column_asks():
    tags = ['"building:levels"=>"3","height"=>"12 m"', None]
    frame = gpd.GeoDataFrame({"building": ["yes", "yes"], "other_tags": tags}, geometry=[box(0, 0, 1, 1)] * 2)
    result = schema.canonicalise(frame, "buildings")
    assert result["floors"].tolist()[0] == 3
    assert result["height_m"].tolist()[0] == 12
    assert result["other_tags"].notna().tolist() == [True, False]


@given(st.permutations(["企业名称", "税收（万元）", "用地面积(亩)", "职工人数", "备注"]))
def test_the_order_of_columns_does_not_matter(order):
    table = pd.DataFrame({"企业名称": ["甲"], "税收（万元）": [1], "用地面积(亩)": [3], "职工人数": [5], "备注": ["x"]})
    pd.testing.assert_frame_equal(
        schema.canonicalise(table[order], "enterprises"), schema.canonicalise(table, "enterprises"), check_like=True
    )


@pytest.mark.parametrize(
    ("name", "columns", "kind", "role"),
    [
        ("DLTB", ["TBBH", "DLBM", "TBMJ"], "MultiPolygon", "parcels"),
        ("园区边界", ["名称"], "Polygon", "parks"),
        ("kfq", ["KFQDM", "KFQMC"], "Polygon", "parks"),
        ("建筑物", ["层数"], "Polygon", "buildings"),
        ("2023企业表", ["企业名称", "税收（万元）"], None, "enterprises"),
        ("企业", ["企业名称"], "Point", "enterprises"),
        ("行政区", ["XZQMC"], "Polygon", "districts"),
        ("生态保护红线", ["名称"], "Polygon", "constraints"),
        ("企业地块关系", ["统一社会信用代码", "地块编号", "使用方式"], None, "holdings"),
        ("layer1", ["a", "b"], "Polygon", None),
        ("园区边界", ["名称"], "LineString", None),
    ],
)
def test_roles_are_guessed_by_name_and_columns(name, columns, kind, role):
    assert schema.guess_role(name, columns, kind)[0] == role


def test_an_empty_column_tells_nothing():
    points = pd.DataFrame({"name": ["Kiosk", None], "address": [None, None]})
    assert schema.guess_role("points", list(points), "Point", points)[0] is None
    assert schema.guess_role("points", list(points), "Point", points.assign(address="1 Street"))[0] == "enterprises"


# ---------------------------------------------------------------- land-use codes


@pytest.mark.parametrize(
    ("pairs", "system"),
    [
        ([("0601", "工业用地"), ("0508", "物流仓储用地")], "third-survey"),
        ([("0601", "工业用地"), ("0604", "仓储用地")], "gbt21010-2017"),
        ([("1001", "工业用地"), ("0601", "农村道路")], "mnr-2023"),
        ([("100102", "二类工业用地"), ("1101", "物流仓储用地")], "mnr-2023"),
        ([("M1", "一类工业用地"), ("W1", "一类物流仓储用地")], "gb50137-2011"),
        ([("061", "工业用地")], "gbt21010-2007"),
        ([("0601", "水田"), ("9999", "旱地")], None),
    ],
)
def test_code_systems_are_proposed_from_names(pairs, system):
    frame = pd.DataFrame(pairs, columns=["land_use_code", "land_use_name"])
    assert land_use.propose_system(frame)[0] == system


def test_codes_alone_prove_nothing():
    system, why = land_use.propose_system(pd.DataFrame({"land_use_code": ["0601", "1001", "1101"]}))
    assert system is None
    assert "declare" in why
    assert land_use.propose_system(pd.DataFrame({"land_use_name": ["工业用地"]}))[0] == "names"
    assert land_use.propose_system(pd.DataFrame({"x": [1]}))[0] is None


def test_two_systems_that_fit_alike_are_both_named():
    found = land_use.propose(pd.Series(["0601"]), pd.Series(["工业用地"]))
    assert (found.system, found.also) == ("third-survey", ("gbt21010-2017",))
    assert "gbt21010-2017" in found.why_en


def test_the_code_list_holds_the_traps():
    table = land_use.code_table().set_index(["system", "code"])
    assert table.index.is_unique
    assert table.loc[("third-survey", "0601"), "industrial"] == "yes"
    assert table.loc[("mnr-2023", "0601"), "name_zh"] == "农村道路"
    assert table.loc[("third-survey", "1001"), "name_zh"] == "铁路用地"
    assert table.loc[("gbt21010-2017", "0603"), "name_zh"] == "盐田"
    assert (table["source"] != "").all()


def test_a_number_no_sum_could_hold_is_told_and_missing():
    table = pd.DataFrame({"企业名称": ["甲", "乙", "丙"], "税收（万元）": ["12", "1e400", "99999999999999"]})
    firms = schema.canonicalise(table, "enterprises")
    assert firms["tax_cny"].tolist()[0] == 120_000.0
    assert firms["tax_cny"].isna().tolist() == [False, True, True]
    told = pd.DataFrame(firms.attrs["findings"])
    assert told.loc[told["code"] == "value-unreadable", "found"].tolist() == ["1e400", "99999999999999"]
