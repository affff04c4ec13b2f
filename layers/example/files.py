"""The example city on disk, as planners have it.

Parks and constraints in GeoPackages, parcels in a GBK shapefile without .cpg and with zone-prefixed
eastings, buildings in GeoParquet, firms in a workbook with title rows, 万元, 亩 and a row of totals,
holdings in a CSV with a byte-order mark, districts in GeoJSON, heights in a GeoTIFF. Titles and words
stand in `titles.csv` and `words.csv`. Dates that drivers would write are fixed: same city, same bytes.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import rasterio
import xlsxwriter

from layers.errors import OutputError, first
from layers.example import places
from layers.example.buildings import Height
from layers.example.city import Example
from layers.units import unit

__all__ = ["write"]

_STAMP = datetime(2025, 12, 31, tzinfo=UTC)
#: The city that the figures of the project file are made for has so many parcels.
_PARCELS = 20_000


def write(folder: str | Path, example: Example, *, overwrite: bool = False) -> Path:
    """Write the example city and its project file into `folder`; return the path of the project file.

    Everything is written beside the folder first and moved in at the end.

    Raises
    ------
    OutputError
        A file is there already and `overwrite` is false, or the folder cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as work:
            _write_all(Path(work), example)
            _move(Path(work), folder, overwrite)
    except OSError as error:
        raise OutputError(
            f"The example city cannot be written to {folder}: {error.strerror or error}. Choose another folder.",
            f"示例城市无法写入 {folder}：{error.strerror or error}。请另选文件夹。",
        ) from error
    return folder / "project.toml"


def _move(work: Path, folder: Path, overwrite: bool) -> None:
    files = sorted(work.iterdir())
    there = [file.name for file in files if (folder / file.name).exists()]
    if there and not overwrite:
        raise OutputError(
            f"{folder}: of {len(files)} files to write, {len(there)} are there already ({first(there)}). "
            "Use --overwrite to replace them.",
            f"{folder} 中已有 {len(files)} 个文件中的 {len(there)} 个：{first(there)}。加 --overwrite 可覆盖。",
        )
    for file in files:
        file.replace(folder / file.name)


def _write_all(work: Path, example: Example) -> None:
    told = {layer: _retitle(frame, layer) for layer, frame in example.frames.items()}
    with _fixed_date():
        _write_vector(told["parks"], work / "开发区范围.gpkg", "kfq")
        _write_vector(told["constraints"], work / "管控线.gpkg", "gkx")
        _write_shapefile(told["parcels"], work / "地类图斑.shp")
        lonlat = told["districts"].to_crs("EPSG:4490").set_crs("EPSG:4326", allow_override=True)
        _write_vector(told["facilities"], work / "公共服务设施.gpkg", "sspt")
        _write_vector(told["housing"], work / "居住小区.gpkg", "xq")
        _write_vector(told["roads"], work / "道路.gpkg", "dl")
        _write_vector(lonlat, work / "行政区.geojson", "xzq", COORDINATE_PRECISION=9)
    told["buildings"].to_parquet(work / "建筑物.parquet", index=False)
    _write_workbook(told["enterprises"], work / "企业亩均数据.xlsx")
    _days(pd.DataFrame(told["holdings"])).to_csv(
        work / "企业用地关系.csv", index=False, encoding="utf-8-sig", lineterminator="\r\n"
    )
    _write_height(example.height, work / "建筑高度.tif")
    here = resources.files("layers.example")
    (work / "project.toml").write_bytes(_project(here.joinpath("project.toml").read_bytes(), len(told["parcels"])))
    for name, given in (("历年评价.csv", "evaluations.csv"), ("年度目标.csv", "targets.csv")):
        (work / name).write_bytes(b"\xef\xbb\xbf" + here.joinpath(given).read_bytes())
    (work / "说明.txt").write_bytes(here.joinpath("readme.txt").read_bytes())


def _project(text: bytes, parcels: int) -> bytes:
    """Return the project file with the quota and budgets of the plan as many times as the city is the usual size."""
    times = round(parcels / _PARCELS, 1)

    def scaled(found: re.Match[bytes]) -> bytes:
        return found[1] + f"{float(found[2]) * times:.3g}".encode()

    return re.sub(rb"(annex_quota_m2 = |\bcny = )([0-9.e]+)", scaled, text) if times > 1 else text


@contextmanager
def _fixed_date() -> Iterator[None]:
    """Make GDAL write a fixed date into GeoPackages."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _STAMP.strftime("%Y-%m-%dT%H:%M:%S.000Z")})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _retitle(frame: gpd.GeoDataFrame, layer: str) -> gpd.GeoDataFrame:
    """Give columns their titles, units and words of the file."""
    titles, words = places.table("titles.csv"), places.table("words.csv")
    titles, words = titles[titles["layer"] == layer], words[words["layer"] == layer]
    told = frame.copy()
    for row in titles.dropna(subset="unit").itertuples():
        told[row.column] = (told[row.column] / float(unit(str(row.unit)).factor)).round(6)
    for column, rows in words.groupby("column"):
        told[column] = told[column].astype(str).map(dict(zip(rows["value"], rows["word"], strict=True)))
    return told.rename(columns=dict(zip(titles["column"], titles["title"], strict=True)))


def _write_vector(frame: gpd.GeoDataFrame, path: Path, layer: str, **options: object) -> None:
    pyogrio.write_dataframe(_days(frame), path, layer=layer, layer_options=options or None)


def _days(frame: pd.DataFrame) -> pd.DataFrame:
    """Write dates as text, the way they come out of office tables."""
    days = frame.select_dtypes("datetime").columns
    return frame.assign(**{name: frame[name].dt.strftime("%Y-%m-%d") for name in days})


def _write_shapefile(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Write GBK, with eastings of zone 40 in front, then take the .cpg and the code page mark away."""
    numbered = _days(frame.to_crs("EPSG:4528")).assign(BSM=np.arange(1, len(frame) + 1))
    options = {"RESIZE": "YES", "DBF_DATE_LAST_UPDATE": _STAMP.strftime("%Y-%m-%d")}
    pyogrio.write_dataframe(
        numbered, path, driver="ESRI Shapefile", encoding="GBK", geometry_type="Polygon", layer_options=options
    )
    path.with_suffix(".cpg").unlink(missing_ok=True)
    with path.with_suffix(".dbf").open("r+b") as table:
        table.seek(29)
        table.write(b"\0")


def _write_workbook(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Write two title rows, the header, the firms and a row of totals."""
    places_of = frame.geometry.to_crs("EPSG:4490")
    sheet = _days(pd.DataFrame(frame.drop(columns="geometry"))).assign(
        经度=places_of.x.round(7), 纬度=places_of.y.round(7)
    )
    tax = "实缴税金（万元）"
    total = sheet[tax].sum()
    cells = sheet.astype(object).where(sheet.notna(), None)
    cells[tax] = cells[tax].where(cells[tax].notna(), "暂无")
    book = xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": _STAMP.replace(tzinfo=None), "comments": "合成数据 synthetic"})
    page = book.add_worksheet("企业数据")
    page.merge_range(
        0,
        0,
        0,
        len(sheet.columns) - 1,
        "示例市工业企业亩均效益评价数据（合成数据）",
        book.add_format({"bold": True, "align": "center"}),
    )
    page.write_string(1, 0, "填报单位：示例市（虚构）  金额单位：万元  面积单位：亩")
    for row, values in enumerate([list(sheet.columns), *cells.to_numpy().tolist()], 2):
        page.write_row(row, 0, values)
    page.write_row(len(sheet) + 3, 0, ["合计", *(total if name == tax else None for name in sheet.columns[1:])])
    book.close()


def _write_height(height: Height, path: Path) -> None:
    rows, columns = height.metres.shape
    profile = {
        "driver": "GTiff",
        "width": columns,
        "height": rows,
        "count": 1,
        "dtype": "float32",
        "nodata": height.nodata,
    }
    packing = {"compress": "deflate", "predictor": 3, "tiled": True, "blockxsize": 256, "blockysize": 256}
    with rasterio.open(path, "w", crs="EPSG:4549", transform=height.transform, **profile, **packing) as raster:
        raster.write(height.metres, 1)
