"""The example city: same seed same city, figures known by more than one route, faults where they were planted."""

from __future__ import annotations

import hashlib
import tomllib
from datetime import date
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely

import layers
from geo.concentrations import concentration
from layers.checking import check
from layers.codes import credit_faults
from layers.errors import OutputError, ProjectError
from layers.example import Example, files, make, write
from layers.example.firms import used_land
from layers.units import to_base

FILES = {
    "parks": "开发区范围.gpkg",
    "parcels": "地类图斑.shp",
    "buildings": "建筑物.parquet",
    "enterprises": "企业亩均数据.xlsx",
    "holdings": "企业用地关系.csv",
    "districts": "行政区.geojson",
    "constraints": "管控线.gpkg",
    "facilities": "公共服务设施.gpkg",
    "housing": "居住小区.gpkg",
    "roads": "道路.gpkg",
}


@pytest.fixture(scope="module")
def city() -> Example:
    return make(parcels=3000, seed=11)


@pytest.fixture(scope="module")
def folder(city: Example, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("示例 city"), city).parent


def digest(example: Example) -> dict[str, str]:
    """Hash every frame, shapes as WKB."""
    sums = {"height": hashlib.sha256(example.height.metres.tobytes()).hexdigest()}
    for name, frame in example.frames.items():
        plain = pd.DataFrame(frame)
        if "geometry" in plain:
            plain = plain.assign(geometry=shapely.to_wkb(frame.geometry.to_numpy(), hex=True))
        sums[name] = hashlib.sha256(plain.astype(str).to_csv().encode()).hexdigest()
    return sums


def industry(example: Example) -> np.ndarray:
    parcels = example.frames["parcels"]
    return parcels.loc[parcels["land_use_code"] == "0601"].geometry.to_numpy()


def untouched(example: Example) -> pd.DataFrame:
    """Parcels that no geometric fault was planted on."""
    geometric = {
        "overlap",
        "geometry-invalid",
        "geometry-null",
        "geometry-duplicate",
        "row-duplicate",
        "sliver-polygon",
    }
    hit = {
        i
        for fault in example.truth["faults"]
        if fault["code"] in geometric
        for ids in fault["ids"]
        for i in as_list(ids)
    }
    parcels = example.frames["parcels"]
    return parcels[~parcels["parcel_id"].isin(hit)]


def as_list(ids: object) -> list[str]:
    return list(ids) if isinstance(ids, list) else [str(ids)]


def test_the_same_seed_makes_the_same_city_and_another_seed_another() -> None:
    first, again, other = make(1000, 3), make(1000, 3), make(1000, 4)
    assert digest(first) == digest(again)
    assert first.truth == again.truth
    assert all(digest(first)[name] != digest(other)[name] for name in ("parcels", "buildings", "enterprises", "height"))


@pytest.mark.parametrize(("parcels", "seed"), [(1000, 0), (2717, 5)])
def test_the_number_of_parcels_is_what_was_asked(parcels: int, seed: int) -> None:
    example = make(parcels, seed)
    assert len(example.frames["parcels"]) == parcels
    assert example.truth["rows"] == {name: len(frame) for name, frame in example.frames.items()}
    assert 0.58 < example.truth["concentration"]["planar"] < 0.66


def test_about_as_many_buildings_as_asked() -> None:
    assert len(make(1000, 1, buildings=5000).frames["buildings"]) == pytest.approx(5000, rel=0.05)


@pytest.mark.parametrize(("parcels", "seed"), [(999, 1), (2000, -1)])
def test_a_city_too_small_or_a_negative_seed_is_refused(parcels: int, seed: int) -> None:
    with pytest.raises(ProjectError, match="1000"):
        make(parcels, seed)


def test_industrial_land_by_the_shoelace_formula(city: Example) -> None:
    def shoelace(ring: np.ndarray) -> float:
        x, y = (ring - ring[0]).T
        return abs(float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1]))) / 2

    total = sum(shoelace(shapely.get_coordinates(shape.exterior)) for shape in industry(city))
    assert total == pytest.approx(city.truth["industrial_m2"]["planar"], rel=1e-9)
    assert city.truth["industrial_m2"]["ellipsoidal"] == pytest.approx(total, rel=1e-4)


def test_inside_land_by_parks_less_what_they_share(city: Example) -> None:
    parks = city.frames["parks"].set_index("park_id").geometry
    shared = sum(
        shapely.area(shapely.intersection(industry(city), parks[one].intersection(parks[other]))).sum()
        for one, other in (pair["parks"] for pair in city.truth["park_overlaps"])
    )
    inside = sum(city.truth["park_industrial_m2"].values()) - shared
    assert inside == pytest.approx(city.truth["inside_m2"]["planar"], rel=1e-9)


def test_concentration_by_throwing_points(city: Example) -> None:
    rng = np.random.default_rng(1)
    west, south, east, north = city.frames["districts"].total_bounds
    points = shapely.points(rng.uniform(west, east, 150_000), rng.uniform(south, north, 150_000))
    on_industry = points[np.unique(shapely.STRtree(points).query(industry(city), predicate="contains")[1])]
    in_parks = np.unique(shapely.STRtree(on_industry).query(city.frames["parks"].geometry, predicate="contains")[1])
    assert len(in_parks) / len(on_industry) == pytest.approx(city.truth["concentration"]["planar"], abs=0.02)


def test_the_toolkit_finds_the_concentration_that_was_built(city: Example) -> None:
    parcels = city.frames["parcels"][city.frames["parcels"]["land_use_code"] == "0601"].reset_index(drop=True)
    parks = city.frames["parks"]
    for area, way, near in (("planar", "planar", 3e-8), ("tdt1055", "ellipsoidal", 1e-6)):
        found = concentration(parcels, parks, overlap="priority", area=area, system="third-survey")
        assert found.value == pytest.approx(city.truth["concentration"][way], rel=near)
        assert found.total_m2 == pytest.approx(city.truth["industrial_m2"][way], rel=near)


def test_unharmed_parcels_leave_neither_gap_nor_overlap(city: Example) -> None:
    shapes = untouched(city).geometry.to_numpy()
    assert len(shapes) > 2900
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    shares = shapely.get_num_coordinates(shapes) == 5
    assert 0.3 < shares.mean() < 0.95, "some lots must be other than four-cornered"


def test_districts_share_out_the_city(city: Example) -> None:
    towns = city.frames["districts"]
    assert len(towns) == 6
    assert towns.union_all().area == pytest.approx(towns.area.sum(), rel=1e-9)
    strays = next(f["ids"] for f in city.truth["faults"] if f["code"] == "outside-city")
    rest = untouched(city)[~untouched(city)["parcel_id"].isin(strays)]
    assert towns.union_all().buffer(0.01).contains(rest.geometry).all()


def test_parks_have_every_role_and_overlap_where_they_should(city: Example) -> None:
    parks = city.frames["parks"]
    assert parks["zone_id"].nunique() == 12
    assert set(parks["role"]) == {"main", "branch", "entrusted", "cooperation", "enclave", "partner"}
    assert set(parks["level"]) == {"national", "provincial", "municipal", "candidate"}
    assert parks.loc[parks.geometry.geom_type == "MultiPolygon", "park_id"].tolist() == ["K14", "K17"]
    assert parks.is_valid.all()
    assert {tuple(pair["parks"]) for pair in city.truth["park_overlaps"]} == {("K01", "K08"), ("K12", "K06")}
    guest = parks[parks["role"] == "cooperation"].iloc[0]
    assert guest["host_district"][:2] not in guest["operator"]
    straddles = shapely.intersects(parks.union_all().boundary, industry(city))
    assert straddles.sum() > 10


def test_buildings_stand_in_their_parcel_save_those_that_straddle(city: Example) -> None:
    parcels, buildings = untouched(city), city.frames["buildings"]
    over = {row["building_id"]: row for row in city.truth["straddling"]}
    assert {row["share"] >= 0.9 for row in over.values()} == {True, False}
    inside = shapely.STRtree(parcels.geometry.to_numpy()).query(buildings.geometry.to_numpy(), predicate="within")[0]
    outside = buildings[~buildings.index.isin(inside)]
    assert set(outside["building_id"]) == set(over)
    assert buildings.is_valid.all()
    pairs = shapely.STRtree(buildings.geometry.to_numpy()).query(buildings.geometry.to_numpy(), predicate="overlaps")
    assert pairs.size == 0
    for row in over.values():
        shape = buildings.set_index("building_id").geometry[row["building_id"]]
        own = parcels.set_index("parcel_id").geometry[row["parcel_id"]]
        assert shape.intersection(own).area / shape.area == pytest.approx(row["share"], abs=1e-9)


def test_storeys_are_missing_as_often_as_told(city: Example) -> None:
    buildings = city.frames["buildings"]
    no_floors = buildings["floors"].isna()
    neither = no_floors & buildings["height_m"].isna()
    assert 0.02 < no_floors.mean() - neither.mean() < 0.045
    assert 0.003 < neither.mean() < 0.02
    assert (buildings["storey_height_m"] > 8).sum() > 20


def test_industry_is_built_as_densely_as_industry_is(city: Example) -> None:
    works = city.frames["buildings"].query("use == '工业'")
    floor_area = (works.area * works["floors"]).sum()
    assert 0.5 < floor_area / city.truth["industrial_m2"]["planar"] < 2.0


def test_credit_codes_are_sound_but_for_the_spoilt_ones(city: Example) -> None:
    firms = city.frames["enterprises"]
    spoilt = next(f["ids"] for f in city.truth["faults"] if f["code"] == "credit-code-invalid")
    bad = firms.loc[credit_faults(firms["enterprise_code"]).fillna("").ne(""), "enterprise_code"]
    assert set(bad) == set(spoilt)
    assert len(spoilt) == 3
    assert not firms.duplicated(["enterprise_code", "year"]).any()
    assert firms["enterprise_code"].str[2:6].eq("9901").all(), "division 99 does not exist"


def test_taxes_are_skewed_and_better_in_parks(city: Example) -> None:
    firms = city.frames["enterprises"].query("year == 2025")
    assert set(city.frames["enterprises"]["year"]) == {2024, 2025}
    per_mu = firms["tax_cny"] / (used_land(firms) / (2000 / 3)) / 1e4
    sums = city.truth["firms"]
    assert 25 < sums["tax_cny"] / 1e4 / (sums["land_m2"] / (2000 / 3)) < 35
    assert per_mu.mean() > 1.1 * per_mu.median()
    assert sums["without_tax"] == firms["tax_cny"].isna().sum() > 0
    placed = firms[firms.geometry.notna()]
    inside = placed.within(city.frames["parks"].union_all())
    assert per_mu[placed.index][inside].median() > 1.3 * per_mu[placed.index][~inside].median()


def test_firms_and_parcels_are_many_to_many(city: Example) -> None:
    firms, held = city.frames["enterprises"].query("year == 2025"), city.frames["holdings"]
    parcels = city.frames["parcels"]
    assert held.groupby("enterprise_code")["parcel_id"].nunique().max() >= 2
    assert held.groupby("parcel_id")["enterprise_code"].nunique().max() >= 3
    by_holdings = firms["enterprise_code"].isin(held["enterprise_code"].dropna())
    by_id = ~by_holdings & firms["parcel_id"].isin(parcels["parcel_id"].dropna())
    by_owner = ~by_holdings & ~by_id & firms["enterprise_code"].isin(parcels["owner_code"].dropna())
    by_point = ~by_holdings & ~by_id & ~by_owner & firms.geometry.notna()
    assert min(by_holdings.sum(), by_id.sum(), by_owner.sum(), by_point.sum()) > 3
    nowhere = firms[~(by_holdings | by_id | by_owner | by_point)]
    told = next(f["ids"] for f in city.truth["faults"] if f["code"] == "enterprise-unmatched")
    assert set(nowhere["enterprise_code"]) == set(told)


def test_land_of_a_parcel_is_shared_out_among_those_who_hold_it(city: Example) -> None:
    held = city.frames["holdings"].merge(city.frames["parcels"][["parcel_id", "recorded_area_m2"]], on="parcel_id")
    sums = held.groupby("parcel_id").agg(held=("land_area_m2", "sum"), recorded=("recorded_area_m2", "first"))
    assert (sums["held"] - sums["recorded"]).abs().median() < 1.0


def test_every_planted_fault_is_found_and_no_other(city: Example) -> None:
    found = check(city.frames, overlap="priority", as_of=date(2025, 12, 31), land_use_system="third-survey")
    keys = found.assign(key=list(zip(found["code"], found["layer"], strict=True)))
    known = {(fault["code"], fault["layer"]) for fault in city.truth["faults"]} | {("parks-overlap", "parks")}
    assert set(keys["key"]) - known <= {("sharp-angle", "parcels")}
    for fault in city.truth["faults"]:
        rows = keys[keys["key"] == (fault["code"], fault["layer"])]
        told = [f"{row.id} {row.found}" for row in rows.itertuples()]
        for ids in fault["ids"]:
            assert any(all(one in text for one in as_list(ids)) for text in told), (fault["code"], ids)
        if fault["layer"] == "parcels" and fault["code"] != "id-missing":
            assert rows["id"].nunique() == len(fault["ids"]), fault["code"]


def test_no_fault_touches_industry(city: Example) -> None:
    hit = {one for f in city.truth["faults"] if f["layer"] == "parcels" for ids in f["ids"] for one in as_list(ids)}
    parcels = city.frames["parcels"]
    assert not parcels.loc[parcels["parcel_id"].isin(hit - {""}), "land_use_code"].eq("0601").any()


def test_the_height_raster_knows_the_tall_buildings(city: Example) -> None:
    tall = city.frames["buildings"].query("height_m > 60").copy()
    assert len(tall) > 20
    column, row = ~city.height.transform @ (tall.centroid.x.to_numpy(), tall.centroid.y.to_numpy())
    there = city.height.metres[row.astype(int), column.astype(int)]
    assert (np.abs(there - tall["height_m"].to_numpy()) < 1.5).mean() > 0.9


def test_files_read_back_as_the_city(city: Example, folder: Path) -> None:
    for layer, name in FILES.items():
        frame, told = layers.read(folder / name, as_=layer), city.frames[layer]
        if layer == "parcels":
            told = told[told.geometry.notna()].reset_index(drop=True)
        assert len(frame) == len(told), layer
        for column in told.columns.drop("geometry", errors="ignore"):
            if pd.api.types.is_float_dtype(told[column]):
                np.testing.assert_allclose(frame[column].astype("float64"), told[column], rtol=1e-9, atol=1e-6)
            else:
                pd.testing.assert_series_equal(text(frame[column]), text(told[column]), check_names=False)


def text(values: pd.Series) -> pd.Series:
    return values.astype("object").where(values.notna(), None).map(lambda one: "" if one is None else str(one))


def test_shapes_read_back_where_they_were(city: Example, folder: Path) -> None:
    for layer, within in {"parks": 0, "parcels": 1e-6, "buildings": 0, "districts": 1e-3}.items():
        told = city.frames[layer][city.frames[layer].geometry.notna()].reset_index(drop=True)
        read = layers.read(folder / FILES[layer], as_=layer).to_crs(told.crs)
        assert np.abs(read.area - told.area).max() <= max(within * 1e5, 1e-6), layer
        assert read.centroid.distance(told.centroid).max() < 0.01


def test_the_shapefile_is_mojibake_to_those_who_trust_it(folder: Path) -> None:
    assert not (folder / "地类图斑.cpg").exists()
    naive = pyogrio.read_dataframe(folder / "地类图斑.shp", max_features=50)
    assert not naive["DLMC"].str.contains("用地").any()
    right = pyogrio.read_dataframe(folder / "地类图斑.shp", encoding="GB18030", max_features=50)
    assert right["DLMC"].str.contains("用地").any()
    assert all(len(title.encode("gb18030")) <= 10 for title in right.columns.drop("geometry"))
    assert naive.total_bounds[0] > 40_000_000


def test_the_raster_file_is_small_and_in_place(city: Example, folder: Path) -> None:
    path = folder / "建筑高度.tif"
    assert path.stat().st_size < 10_000_000
    with rasterio.open(path) as raster:
        assert raster.crs.to_epsg() == 4549
        np.testing.assert_array_equal(raster.read(1), city.height.metres)


def test_the_same_city_gives_the_same_bytes(city: Example, folder: Path, tmp_path: Path) -> None:
    again = write(tmp_path / "again", make(parcels=3000, seed=11)).parent
    names = {path.name for path in folder.iterdir()}
    assert names == {path.name for path in again.iterdir()}
    differing = [name for name in sorted(names) if (folder / name).read_bytes() != (again / name).read_bytes()]
    assert differing == []


def test_nothing_is_overwritten_unasked(city: Example, tmp_path: Path) -> None:
    (tmp_path / "project.toml").write_text("mine", "utf-8")
    with pytest.raises(OutputError, match=r"project\.toml"):
        write(tmp_path, city)
    assert [path.name for path in tmp_path.iterdir()] == ["project.toml"]
    assert (tmp_path / "project.toml").read_text("utf-8") == "mine"
    write(tmp_path, city, overwrite=True)
    assert "示例市" in (tmp_path / "project.toml").read_text("utf-8")


def test_a_folder_that_cannot_be_made_is_one_message(city: Example, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(OutputError, match="Choose another folder"):
        write(tmp_path / "file" / "below", city)


def test_units_in_the_files_are_those_of_the_titles(city: Example, folder: Path) -> None:
    sheet = pd.read_excel(folder / "企业亩均数据.xlsx", header=2)
    assert "合成数据" in str(pd.read_excel(folder / "企业亩均数据.xlsx", header=None).iloc[0, 0])
    firms = city.frames["enterprises"]
    taxes = pd.to_numeric(sheet["实缴税金（万元）"], errors="coerce")[: len(firms)]
    np.testing.assert_allclose(to_base(taxes, "wcny"), firms["tax_cny"], rtol=1e-12)
    land = to_base(sheet["登记用地面积（亩）"][: len(firms)], "mu")
    np.testing.assert_allclose(land, firms["land_registered_m2"], rtol=1e-9)
    assert (folder / "企业用地关系.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_streets_cross_where_they_were_laid(city: Example) -> None:
    """Crossings counted from the plan are what an intersection of every pair of streets finds."""
    roads = city.frames["roads"]
    walked = roads[roads["walkable"].fillna(True)].geometry.to_numpy()
    one, other = shapely.STRtree(walked).query(walked, predicate="intersects")
    crossings = shapely.intersection(walked[one[one < other]], walked[other[one < other]])
    assert shapely.get_num_coordinates(crossings).sum() == city.truth["streets"]["crossings"] > 100
    river = city.frames["constraints"].geometry.iloc[0]
    wet = shapely.length(shapely.intersection(roads.geometry.to_numpy(), river)) > 0.001
    assert roads.loc[wet, "road_class"].isin(["主干路", "次干路", "高速公路"]).all()
    assert (wet & (roads["road_class"] != "高速公路")).sum() == city.truth["streets"]["bridges"] > 0
    assert roads.loc[roads["walkable"].isna(), "road_class"].unique().tolist() == ["支路"]


def test_the_plan_of_a_larger_city_has_quota_and_budgets_of_its_size() -> None:
    given = resources.files("layers.example").joinpath("project.toml").read_bytes()
    usual, larger = (tomllib.loads(files._project(given, count).decode())["plan"] for count in (20_013, 60_040))
    assert usual == tomllib.loads(given.decode())["plan"]
    assert larger.pop("annex_quota_m2") == 3 * usual.pop("annex_quota_m2")
    assert [row["cny"] for row in larger.pop("budgets")] == [3 * row["cny"] for row in usual.pop("budgets")]
    assert larger == usual
