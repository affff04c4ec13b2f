"""A city of a dozen things whose figures one checks in the head, in a plane of metres."""

import geopandas as gpd
import pandas as pd
import shapely

CRS = "EPSG:4549"
X0, Y0 = 500_000, 3_350_000  # on the central meridian, where the plane is true to a few millionths


def box(x0, y0, x1, y1):
    return shapely.box(X0 + x0, Y0 + y0, X0 + x1, Y0 + y1)


def layer(shapes, **columns):
    return gpd.GeoDataFrame(columns, geometry=[box(*corners) for corners in shapes], crs=CRS)


def parks():
    """Two parks of zone 1 that share a strip of 100 m, one park of zone 2 without industrial land."""
    return layer(
        [(0, 0, 600, 1000), (500, 0, 1000, 1000), (5000, 0, 6000, 1000)],
        park_id=["A", "B", "C"], park_name=["甲园", "乙园", "丙园"], zone_id=["Z1", "Z1", "Z2"],
        zone_name=["一区", "一区", "二区"], role=["main", "branch", "main"], priority=[1, 2, 3],
    )  # fmt: skip


def parcels():
    """Industrial: 10,000 m² in A, 10,000 m² in the shared strip, 20,000 m² half inside B, 20,000 m² outside."""
    return layer(
        [(0, 0, 100, 100), (500, 0, 600, 100), (900, 0, 1100, 100), (3000, 0, 3200, 100), (200, 0, 300, 100)],
        parcel_id=["p1", "p2", "p3", "p4", "h1"],
        land_use_code=["0601", "0601", "0601", "0601", "0701"],
        status=["在用", "在用", "在用", "闲置", "在用"],
        owner_code=["F1", "F1", "F2", None, None],
        yard_area_m2=[1000.0, 0.0, 2000.0, None, None],
    )  # fmt: skip


def buildings():
    """p1: 2,000 m² × 3 floors; p2: one storey of 9 m, 1,000 m²; p3: 1,000 m², height 12; p4: nothing known, 100 m²."""
    return layer(
        [(10, 10, 60, 50), (510, 10, 560, 30), (910, 10, 960, 30), (3010, 10, 3020, 20)],
        building_id=["b1", "b2", "b3", "b4"], floors=[3, 1, None, None], height_m=[None, 9.0, 12.0, None],
    )  # fmt: skip


def districts():
    return layer([(-500, -500, 1050, 1500), (1050, -500, 7000, 1500)], district_name=["东区", "西区"])


def enterprises():
    """F1 on p1 and p2, F2 on p3, F3 rents on p3, F4 reports no tax, F5 is nowhere."""
    return pd.DataFrame(
        {
            "enterprise_code": ["F1", "F2", "F3", "F4", "F5"],
            "enterprise_name": ["一厂", "二厂", "三厂", "四厂", "五厂"],
            "parcel_id": [None, None, None, "p4", None],
            "tax_cny": [600_000.0, 900_000.0, 100_000.0, None, 50_000.0],
            "value_added_cny": [1_000_000.0, 3_000_000.0, None, None, 500_000.0],
            "output_cny": [4_000_000.0, 3_000_000.0, 2_000_000.0, 1_000_000.0, None],
            "industry_code": ["3612", "C3411", "3613", "2710", "1311"],
            "high_tech": [True, False, None, False, True],
            "land_registered_m2": [None, 20_000.0, None, 20_000.0, 1_000.0],
            "land_leased_out_m2": [None, 5_000.0, None, None, None],
            "land_leased_in_m2": [None, None, 5_000.0, None, None],
        }
    )


def holdings():
    return pd.DataFrame(
        {
            "enterprise_code": ["F1", "F1", "F2", "F3"],
            "parcel_id": ["p1", "p2", "p3", "p3"],
            "relation": ["owner", "owner", "owner", "tenant"],
            "land_area_m2": [10_000.0, 10_000.0, 20_000.0, 5_000.0],
        }
    )


def frames():
    return {
        "parks": parks(), "parcels": parcels(), "buildings": buildings(), "districts": districts(),
        "enterprises": enterprises(), "holdings": holdings(),
    }  # fmt: skip


#: How the project files of tests begin.
HEAD = """
[project]
city = "示例"
as_of = 2025-12-31
overlap = "split"
area = "planar"
policies = ["hangzhou-2023"]
[land_use]
system = "third-survey"
"""


def named(*layers):
    """Return the part of a project file that names layers' files, as `save` writes them."""
    return "".join(f'[layers.{name}]\nsource = "{_file(name)}"\n' for name in layers)


def save(folder, *layers):
    """Write layers as people keep them: maps as GeoPackage, tables as CSV."""
    for name in layers:
        frame = frames()[name]
        if isinstance(frame, gpd.GeoDataFrame):
            frame.to_file(folder / _file(name), layer=name)
        else:
            frame.to_csv(folder / _file(name), index=False, encoding="utf-8-sig")
    return folder


def _file(name):
    return f"{name}.csv" if name in ("enterprises", "holdings") else f"{name}.gpkg"


def write(folder, text="", **changed):
    """Write the city as GeoParquet with a project file; `changed` replaces layers, None leaves one out."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = []
    for name, frame in {**frames(), **changed}.items():
        if frame is not None:
            frame.to_parquet(folder / f"{name}.parquet")
            sources.append(f'[layers.{name}]\nsource = "{name}.parquet"\n')
    (folder / "project.toml").write_text(
        f'[project]\nas_of = 2025-12-31\noverlap = "priority"\n{text}\n' + "".join(sources), encoding="utf-8"
    )
    return folder
