"""The workbook: its formulas recompute to the figures, follow a change, and nothing from the data runs."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely
from openpyxl.utils.escape import unescape

from geo.assessment import Assessment, assess
from geo.indicators import indicator
from geo.report import formulas, workbook
from geo.report.xlsx import write_xlsx
from layers.errors import OutputError
from layers.findings import finding
from layers.project import loads

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
office = [pytest.mark.office, pytest.mark.skipif(SOFFICE is None, reason="LibreOffice (soffice) is not installed")]
CRS = "EPSG:4549"
X0, Y0 = 520_000, 3_350_000
HOSTILE = [
    '=HYPERLINK("http://example.invalid","x")', "+cmd|' /C calc'!A0", "-1+1", "@SUM(1)", "\t=1+1", "=1+1",
    "<script>alert(1)</script>", "名称🏭\u202e", "x" * 40_000, "a\x07b", "http://example.invalid/", "001", "1",
]  # fmt: skip


def box(x0, y0, x1, y1):
    return shapely.box(X0 + x0, Y0 + y0, X0 + x1, Y0 + y1)


def layer(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)


def project(more="", **settings):
    told = "\n".join(f"{name} = {value}" for name, value in settings.items())
    return loads(
        f'[project]\ncity = "小城"\narea = "planar"\npolicies = ["hangzhou-2023"]\nas_of = 2025-12-31\n{told}\n{more}',
        Path("project.toml"),
    )


# ---------------------------------------------------------------- two cities


def hand_city(more: str = "") -> Assessment:
    """Four hectares of industrial land, three of them in one park; two firms report, one does not."""
    parks = layer([box(0, 0, 300, 100)], park_id=["P"], park_name=["甲园"], zone_id=["Z"], zone_name=["甲区"])
    parcels = layer(
        [box(0, 0, 100, 100), box(200, 0, 400, 100), box(0, 200, 100, 300), box(100, 200, 200, 300)],
        parcel_id=["a", "b", "c", "d"],
        land_use_code=["0601", "0601", "0601", "0701"],
        floor_area_m2=[10_000.0, 4_000.0, None, 5_000.0],
        building_base_m2=[5_000.0, 2_000.0, 1_000.0, None],
        status=["在用", "闲置", "在用", "在用"],
    )
    firms = pd.DataFrame(
        {
            "enterprise_code": ["e1", "e2", "e3"],
            "parcel_id": ["a", "b", "c"],
            "tax_cny": [900_000.0, 200_000.0, None],
            "land_registered_m2": [10_000.0, 20_000.0, 10_000.0],
        }
    )
    return assess({"parks": parks, "parcels": parcels, "enterprises": firms}, project(more))


def random_city(seed: int = 7, more: str = "", tripled: frozenset[str] = frozenset()) -> Assessment:
    """A city in which every column has holes, parks overlap, and names are hostile; some firms pay three times more."""
    rng = np.random.default_rng(seed)

    def holes(values, share=0.25):
        return pd.Series(np.asarray(values, dtype="float64")).mask(rng.random(len(values)) < share)

    corners = [(x, y) for x in range(0, 800, 100) for y in range(0, 600, 100)]
    n, m = len(corners), 70
    parcels = layer(
        [box(x + 3, y + 3, x + 90 + rng.random() * 7, y + 97) for x, y in corners],
        parcel_id=[*HOSTILE, *(f"p{i}" for i in range(n - len(HOSTILE)))],
        land_use_code=rng.choice(["0601", "0601", "0601", "0701", "0101"], n),
        status=rng.choice(["在用", "闲置", "停产"], n),
        **{
            name: holes(rng.random(n) * 20_000).to_numpy()
            for name in ("floor_area_m2", "building_base_m2", "yard_area_m2", "green_area_m2", "admin_land_m2")
        },
        investment_cny=holes(rng.random(n) * 1e8).to_numpy(),
    )
    parcels.loc[5, "land_use_code"] = None
    parks = layer(
        [box(0, 0, 350, 250), box(250, 100, 555, 444), box(560, 333, 800, 600), box(900, 900, 950, 950)],
        park_id=["01", "1", "A*", "a*"],
        park_name=HOSTILE[:4],
        zone_id=["?", "~", "?", "<>"],
        role=["main", "branch", "=1+1", None],
    )
    districts = layer(
        [box(0, 0, 400, 600), box(400, 0, 800, 600)], district_code=["1", "01"], district_name=["东&西", "=2"]
    )
    firms = pd.DataFrame(
        {
            "enterprise_code": [f"f{i}" for i in range(m)],
            "enterprise_name": [HOSTILE[i % len(HOSTILE)] + str(i % 3) for i in range(m)],
            "parcel_id": [None if i % 9 == 0 else parcels["parcel_id"][int(i * 1.3) % n] for i in range(m)],
            "industry_code": rng.choice(["3612", "3411", "2710", "=36"], m),
            "high_tech": rng.choice([True, False], m),
            "employees": holes(rng.integers(1, 900, m)),
            "land_registered_m2": holes(rng.random(m) * 30_000),
            **{
                name: holes(rng.random(m) * 1e7 - 2e5)
                for name in ("tax_cny", "value_added_cny", "revenue_cny", "output_cny", "rd_cny", "energy_tce",
                             "electricity_kwh", "emissions_t")
            },
        }
    )  # fmt: skip
    firms["tax_cny"] *= np.where(firms["enterprise_code"].isin(tripled), 3, 1)
    found = finding("encoding-guessed", "parcels", ids=["=1+1"], found="GB18030")
    book = {
        "parcels": {"read": n + 1, "used": n, "set_aside": [{"reason": "geometry-null", "count": 1, "area_m2": 0.0}]}
    }
    return assess(
        {"parks": parks, "parcels": parcels, "districts": districts, "enterprises": firms},
        project(more, overlap='"split"'),
        findings=found,
        ledger=book,
    )


@pytest.fixture(scope="module")
def city() -> Assessment:
    return random_city()


@pytest.fixture(scope="module")
def written(city, tmp_path_factory) -> Path:
    return write_xlsx(city, tmp_path_factory.mktemp("book") / "random.xlsx")


# ---------------------------------------------------------------- reading it back


def recalculate(path: Path, folder: Path) -> openpyxl.Workbook:
    """Let LibreOffice compute a workbook that openpyxl has robbed of every cached value."""
    bare, out = folder / "bare.xlsx", folder / "out"
    book = openpyxl.load_workbook(path)
    book.save(bare)
    command = [SOFFICE, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--convert-to", "xlsx"]
    done = subprocess.run([*command, "--outdir", str(out), str(bare)], capture_output=True, timeout=120, check=False)
    assert (out / "bare.xlsx").is_file(), done.stderr.decode()
    return openpyxl.load_workbook(out / "bare.xlsx", data_only=True)


def column(sheet, title) -> int:
    titles = [cell.value or "" for cell in sheet[1]]
    return 1 + next(i for i, one in enumerate(titles) if one == title or one.startswith((f"{title}（", f"{title} (")))


def cell(sheet, title, row):
    return sheet.cell(row, column(sheet, title))


def figures(book) -> pd.DataFrame:
    """Return the sheet of indicators as a table, an empty text as missing."""
    rows = list(book["指标"].iter_rows(values_only=True))
    table = pd.DataFrame(
        rows[1:], columns=[f"{title}#{i}" if rows[0].index(title) != i else title for i, title in enumerate(rows[0])]
    )
    return table.replace("", np.nan)


def row_of(book, name, level, place) -> int:
    sheet = book["指标"]
    for row in range(2, sheet.max_row + 1):
        if (cell(sheet, "指标代号", row).value, cell(sheet, "层级", row).value) == (name, level) and cell(
            sheet, "编号", row
        ).value == place:
            return row
    raise AssertionError(f"no figure {name} {level} {place}")


def assert_same_figures(book, assessment):
    table, expected = figures(book), assessment.indicators
    assert table["指标代号"].tolist() == expected["id"].tolist()
    for title, name in (("分子", "numerator"), ("分母", "denominator")):
        assert table[title].astype("float64").tolist() == expected[name].tolist(), title  # to the last cent
    np.testing.assert_allclose(table["指标值"].astype("float64"), expected["value"], rtol=1e-12)
    met = [
        {True: "达标", False: "未达标", None: "无法判断"}[one[0]["met"]] if one else np.nan
        for one in expected["targets"]
    ]
    assert table["达标"].fillna("").tolist() == pd.Series(met, dtype="object").fillna("").tolist()
    gap = [one[0]["gap"] if one else None for one in expected["targets"]]
    np.testing.assert_allclose(table["差距"].astype("float64"), np.array(gap, dtype="float64"), rtol=1e-9, atol=1e-12)


# ---------------------------------------------------------------- the figures


def test_hand_table(tmp_path):
    book = openpyxl.load_workbook(write_xlsx(hand_city(), tmp_path / "手算.xlsx"), data_only=True)
    sheet = book["指标"]

    def figure(name, level, place):
        row = row_of(book, name, level, place)
        return [cell(sheet, title, row).value for title in ("分子", "分母", "指标值")]

    # a (1 ha) and half of b (1 ha of 2) lie in the park; the city has 4 ha.
    assert figure("industrial_concentration", "全市", "小城") == [20_000, 40_000, 0.5]
    assert figure("industrial_concentration", "园区", "P") == [20_000, 40_000, 0.5]
    # c has no floor area, so neither its floor nor its land counts; d is built up too.
    assert figure("plot_ratio", "全市", "小城") == [19_000, 40_000, 0.475]
    # 110 万元 over 45 亩; e3 reports no tax, so its land stays out.
    assert figure("tax_per_mu", "全市", "小城") == [1_100_000, 30_000, pytest.approx(110 / 45)]
    # half of e2 works in the park.
    assert figure("tax_per_mu", "园区", "P") == [1_000_000, 20_000, pytest.approx(100 / 30)]
    row = row_of(book, "industrial_concentration", "全市", "小城")
    told = [cell(sheet, title, row).value for title in ("要求", "目标", "达标", "差距", "尚缺", "尚缺单位")]
    assert told == ["不低于", 0.7, "未达标", pytest.approx(0.2), pytest.approx(12.0), "亩"]  # 0.2 × 60 mu
    park = book["园区"]
    assert [cell(park, title, 2).value for title in ("地块数", "工业用地面积", "亩均税收")] == [
        2,
        30,
        pytest.approx(100 / 30),
    ]


def test_cached_values_are_the_figures(city, written):
    assert_same_figures(openpyxl.load_workbook(written, data_only=True), city)


def test_indicator_cells_are_formulas(city, written):
    book = openpyxl.load_workbook(written)
    sheet = book["指标"]
    for row in range(2, sheet.max_row + 1):
        live = "industry_share" not in cell(sheet, "指标代号", row).value
        for title in ("分子", "分母"):
            assert (cell(sheet, title, row).data_type == "f") == live
            assert not live or "SUM" in cell(sheet, title, row).value
        assert cell(sheet, "指标值", row).data_type == "f"
        assert cell(sheet, "计算方式", row).value == ("公式" if live else "数值")
    factor = book.defined_names["平方米每亩"].attr_text
    place = factor.split("!")[1].replace("$", "")
    assert book["参数"][place].value == "=2000/3"


@pytest.mark.parametrize(
    ("name", "level", "top", "below"),
    [
        ("industrial_concentration", "zone", 'SUMIFS(A,zone,C2,industrial,1,park,">0")', "SUMIFS(A,industrial,1)"),
        ("industrial_land_share", "city", "SUMIFS(A,built,1,industrial,1)", 'SUMIFS(A,built,1,industrial,"<>")'),
        (
            "building_coefficient",
            "park",
            'SUMIFS(B,park,C2,industrial,1,Y,"<>",A,"<>")+SUMIFS(Y,park,C2,industrial,1,B,"<>",A,"<>")',
            'SUMIFS(A,park,C2,industrial,1,B,"<>",Y,"<>")',
        ),
        ("tax_per_mu", "city", 'SUMIFS(T,L,"<>")', 'SUMIFS(L,T,"<>")'),
    ],
)
def test_formulas_say_what_the_catalogue_says(name, level, top, below):
    names = {one: one for one in ("zone", "park", "industrial", "built")} | {
        "land_area_m2": "A", "building_base_m2": "B", "yard_area_m2": "Y", "tax_cny": "T", "land_used_m2": "L",
    }  # fmt: skip
    assert formulas.sums(indicator(name), level, "C2", names) == (f"=ROUND({top},2)", f"=ROUND({below},2)")


# ---------------------------------------------------------------- recomputed by LibreOffice


class TestOffice:
    pytestmark = office

    def test_everything_recomputes(self, city, written, tmp_path):
        book, cached, live = (
            recalculate(written, tmp_path),
            openpyxl.load_workbook(written, data_only=True),
            openpyxl.load_workbook(written),
        )
        assert_same_figures(book, city)
        compared = 0
        for sheet in live:
            for line in sheet.iter_rows():
                for one in line:
                    if one.data_type == "f":
                        now = book[sheet.title][one.coordinate].value
                        then = cached[sheet.title][one.coordinate].value
                        assert (now or 0) == (then or 0) or now == pytest.approx(then, rel=1e-9), one
                        compared += 1
        assert compared > 1_500
        holds = [one.value for one in book["检查"]["F"] if one.value in {"成立", "不成立"}]
        assert len(holds) == 7
        assert set(holds) == {"成立"}

    def test_figures_follow_the_tax(self, tmp_path):
        path = write_xlsx(hand_city(), tmp_path / "book.xlsx")
        book = openpyxl.load_workbook(path)
        firms = book["企业"]
        row = next(row for row in range(2, 9) if cell(firms, "企业编号", row).value == "e1")
        assert cell(firms, "税收", row).value == 900_000
        cell(firms, "税收", row).value = 2_400_000
        book.save(path)
        book = recalculate(path, tmp_path)
        table = figures(book).set_index(["指标代号", "层级"])
        assert table.loc[("tax_per_mu", "全市"), "指标值"].item() == pytest.approx(260 / 45)
        assert table.loc[("tax_per_mu", "园区"), "指标值"].item() == pytest.approx(250 / 30)
        assert table.loc[("plot_ratio", "全市"), "指标值"].item() == 0.475
        checks = {line[0].value: line for line in book["检查"].iter_rows()}
        assert checks["企业各处税收之和 = 企业税收总额（元）"][3].value == 1_500_000
        assert checks["企业各处税收之和 = 企业税收总额（元）"][5].value == "不成立"
        assert checks["与运行结果不同的指标数 = 0"][1].value == 4  # city, all zones, zone, park

    def test_candidates_follow_the_limits(self, tmp_path):
        path = write_xlsx(hand_city(), tmp_path / "book.xlsx")
        book = openpyxl.load_workbook(path)
        assert book.defined_names["倍数_容积率偏低"]
        for name, value in (("倍数_容积率偏低", 2.5), ("倍数_亩均税收偏低", 1.2), ("候选所需线索数", 1)):
            sheet, place = book.defined_names[name].attr_text.replace("$", "").split("!")
            book[sheet.strip("'")][place].value = value
        book.save(path)
        sheet = recalculate(path, tmp_path)["低效清单"]
        shown = {
            cell(sheet, "地块编号", row).value: (cell(sheet, "线索数", row).value, cell(sheet, "低效候选", row).value)
            for row in range(2, sheet.max_row + 1)
        }
        rules = "[candidates]\nplot_ratio_of_mean = 2.5\ntax_per_mu_of_mean = 1.2\nevidence_needed = 1"
        expected = hand_city(rules).candidates.table.set_index("uid")["strength"]
        assert {uid: strength for uid, (strength, word) in shown.items() if word == "是"} == expected.to_dict()
        assert set(shown) == {"a", "b", "c"}
        before = hand_city().candidates.table
        assert set(before["uid"]) != set(expected.index)

    def test_taxes_and_limits_move_figures_candidates_and_totals_as_a_new_run_does(self, tmp_path):
        tripled = frozenset(f"f{i}" for i in range(0, 70, 3))
        rules = "[candidates]\ntax_per_mu_of_mean = 0.9\nplot_ratio_of_mean = 1.1\nevidence_needed = 2"
        expected = random_city(more=rules, tripled=tripled)
        path = write_xlsx(random_city(), tmp_path / "book.xlsx")
        before, book = openpyxl.load_workbook(path, data_only=True), openpyxl.load_workbook(path)
        firms = book["企业"]
        for row in range(2, firms.max_row + 1):
            paid = cell(firms, "税收", row)
            if cell(firms, "企业编号", row).value in tripled and paid.value is not None:
                paid.value *= 3
        limits = {"倍数_亩均税收偏低": 0.9, "倍数_容积率偏低": 1.1, "候选所需线索数": 2, "目标_工业用地集聚度": 0.05}
        for name, value in limits.items():
            sheet, place = book.defined_names[name].attr_text.replace("$", "").split("!")
            book[sheet][place].value = value
        book.save(path)
        after = recalculate(path, tmp_path)
        table, wanted = figures(after), expected.indicators
        np.testing.assert_allclose(table["指标值"].astype("float64"), wanted["value"], rtol=1e-7)
        listed = {sheet: {unescape(cell(sheet, "地块编号", row).value) for row in range(2, sheet.max_row + 1)
                          if cell(sheet, "低效候选", row).value == "是"}
                  for sheet in (before["低效清单"], after["低效清单"])}  # fmt: skip
        mine = {str(one)[:32_767] for one in expected.candidates.table["parcel_id"]}
        assert listed[after["低效清单"]] == mine
        assert listed[before["低效清单"]] != listed[after["低效清单"]]
        totals = {line[0].value: line[1].value for line in after["说明"].iter_rows() if line[0].value}
        count, area = (next(value for key, value in totals.items() if key.startswith(word))
                       for word in ("低效候选（宗", "低效候选面积"))  # fmt: skip
        assert count == len(expected.candidates.table)
        assert area == pytest.approx(expected.candidates.table["area_m2"].sum() * 3 / 2000)
        concentration = table[(table["指标代号"] == "industrial_concentration") & (table["层级"] == "全市")]
        assert concentration["达标"].item() == "达标"
        assert concentration["差距"].item() == pytest.approx(0.05 - concentration["指标值"].item())


# ---------------------------------------------------------------- hostile data


def test_text_from_data_stays_text(city, written):
    book = openpyxl.load_workbook(written)
    assert cell(book["园区"], "园区", 2).value == HOSTILE[0]
    assert book["园区"]["C2"].quotePrefix
    for sheet in book:
        for line in sheet.iter_rows():
            for one in line:
                if one.data_type == "f":
                    assert "HYPERLINK" not in str(one.value)
                    assert "cmd" not in str(one.value)
                if one.hyperlink is not None:
                    assert one.hyperlink.location
                    assert not one.hyperlink.target
    ids = [cell(book["地块"], "地块编号", row) for row in range(2, book["地块"].max_row + 1)]
    assert {one.data_type for one in ids} == {"s"}
    assert {one.value for one in ids} >= {"=1+1", "-1+1", "@SUM(1)", "001", "1"}
    assert max(len(one.value) for one in ids) == 32_767
    with zipfile.ZipFile(written) as package:
        assert not [name for name in package.namelist() if "externalLink" in name]
        relations = b"".join(package.read(name) for name in package.namelist() if name.endswith(".rels"))
    assert b"External" not in relations


def test_places_with_like_codes_are_told_apart(city, written):
    # 01 and 1, A* and a* are one and the same to a SUMIFS over text.
    sheet = openpyxl.load_workbook(written, data_only=True)["园区"]
    told = {cell(sheet, "园区编号", row).value: cell(sheet, "面积", row).value for row in range(2, 6)}
    assert set(told) == {"01", "1", "A*", "a*"}
    assert told["01"] != told["1"]
    assert told["a*"] == 0


def test_missing_is_blank_not_zero(tmp_path):
    book = openpyxl.load_workbook(write_xlsx(hand_city(), tmp_path / "book.xlsx"))
    firms = book["企业"]
    taxes = {cell(firms, "企业编号", row).value: cell(firms, "税收", row).value for row in range(2, firms.max_row + 1)}
    assert taxes["e3"] is None
    assert cell(book["地块"], "建筑面积", 5).value is None  # c


# ---------------------------------------------------------------- looks and limits


def test_sheets_are_set_up(written):
    book = openpyxl.load_workbook(written)
    assert book.sheetnames == [
        "说明", "参数", "指标", "园区", "园区构成", "点块", "整合线索", "目标达成", "地块", "企业", "低效清单",
        "连片候选", "检查",
    ]  # fmt: skip
    for name in ("指标", "园区", "园区构成", "整合线索", "目标达成", "地块", "企业", "低效清单"):
        sheet = book[name]
        assert sheet.freeze_panes is not None
        assert sheet.auto_filter.ref is not None
        assert not sheet.merged_cells.ranges
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.print_title_rows == "$1:$1"
        assert len([one.value for one in sheet[1]]) == len({one.value for one in sheet[1]}), "two columns of one title"
    assert cell(book["地块"], "面积", 2).number_format == "#,##0.00"
    assert cell(book["指标"], "指标值", 2).number_format == "0.00%"
    shown = [row for row, look in book["低效清单"].row_dimensions.items() if look.hidden]
    words = {cell(book["低效清单"], "低效候选", row).value for row in shown}
    data = openpyxl.load_workbook(written, data_only=True)["低效清单"]
    assert words
    assert {cell(data, "低效候选", row).value for row in shown} == {"否"}


def test_english(city, tmp_path):
    path = write_xlsx(city, tmp_path / "book.xlsx", language="en")
    book = openpyxl.load_workbook(path, data_only=True)
    assert book.sheetnames == [
        "About", "Parameters", "Indicators", "Parks", "Composition", "Points", "Consolidation",
        "Targets reached",
        "Parcels", "Firms", "Candidates", "Groups", "Checks",
    ]  # fmt: skip
    heads = " ".join(str(one.value) for sheet in book for one in sheet[1] if one.value)
    assert not [letter for letter in heads.replace("小城", "") if "\u4e00" <= letter <= "\u9fff"]
    values = [cell(book["Indicators"], "Value", row).value for row in range(2, book["Indicators"].max_row + 1)]
    np.testing.assert_allclose(
        pd.Series(values).replace("", np.nan).astype("float64"), city.indicators["value"], rtol=1e-12
    )


@pytest.mark.parametrize("kept", ["land", "firms"])
def test_sheets_without_data_are_left_out(kept, tmp_path):
    firms = pd.DataFrame({"enterprise_code": ["e"], "tax_cny": [1e6], "land_registered_m2": [2_000.0]})
    parcels = layer([box(0, 0, 100, 100)], parcel_id=["a"], land_use_code=["0601"], floor_area_m2=[5_000.0])
    frames = {"land": {"parcels": parcels}, "firms": {"enterprises": firms}}[kept]
    book = openpyxl.load_workbook(write_xlsx(assess(frames, project()), tmp_path / "book.xlsx"), data_only=True)
    gone = {"land": {"园区", "企业"}, "firms": {"园区", "地块", "低效清单"}}[kept]
    assert {"说明", "参数", "指标", "园区", "地块", "企业", "低效清单", "检查"} - set(book.sheetnames) == gone
    told = figures(book).set_index("指标代号")["指标值"]
    assert told["plot_ratio" if kept == "land" else "tax_per_mu"] == pytest.approx(0.5 if kept == "land" else 100 / 3)


def test_too_many_rows_are_told(city, tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "MAX_ROWS", len(city.land.pieces))
    with pytest.raises(OutputError) as caught:
        write_xlsx(city, tmp_path / "book.xlsx")
    assert f"{len(city.land.pieces):,} rows" in caught.value.en
    assert "地块" in caught.value.zh
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written(city, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError) as caught:
        write_xlsx(city, tmp_path / "file" / "book.xlsx")
    assert "cannot be written" in caught.value.en


def test_a_run_that_fails_leaves_the_older_book(city, tmp_path, monkeypatch):
    path = tmp_path / "book.xlsx"
    path.write_bytes(b"older")
    monkeypatch.setattr("geo.report.xlsx.write_checks", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_xlsx(city, path)
    assert [one.name for one in tmp_path.iterdir()] == ["book.xlsx"]
    assert path.read_bytes() == b"older"
