"""From what a user points at to the files that are really opened.

A path, a zip, a folder or a list becomes concrete sources: one file (or geodatabase folder) each; the address of a
database stays what it is. A zip is
unpacked into a temporary folder that lives as long as the reading. Nothing is ever written beside the
user's file.
"""

from __future__ import annotations

import shutil
import tempfile
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from layers.archives import IGNORED, MAX_MEMBERS, unpack
from layers.database import is_database, require_address
from layers.errors import ProjectError, SourceError, nearest
from layers.sniffing import closed, sniff

__all__ = ["DATABASE", "RASTERS", "SHEETS", "Source", "asking", "copy_beside", "open_sources"]


#: Formats read as tables; all others are read as layers of shapes.
SHEETS = frozenset({"CSV", "XLSX", "JSON"})
RASTERS = frozenset({"GeoTIFF"})
#: Format of tables of a database.
DATABASE = "PostGIS"


@dataclass(frozen=True)
class Source:
    """One file to open.

    Attributes
    ----------
    path : Path
        What is opened; inside a temporary folder when it came out of a zip.
    shown : str
        What the user knows it by: ``parks.zip/north/a.shp``.
    format : str
        ESRI Shapefile, GPKG, OpenFileGDB, GeoJSON, FlatGeobuf, KML, DXF, Parquet, OSM, MapInfo File, GML,
        CSV, XLSX, JSON, GeoTIFF or PostGIS.
    problem : SourceError, optional
        Why it cannot be read, where everything of a folder is asked for.
    groups : range, optional
        Row groups of a Parquet file, where it is read in pieces; `start` is the first row of them.
    query : str, optional
        What is asked of a database instead of a table.
    bbox : tuple of float, optional
        Of a database, only shapes whose box meets this one: west, south, east, north in its own coordinates.
    table : str
        The table of a database that was chosen.
    """

    path: Path
    shown: str
    format: str
    problem: SourceError | None = None
    groups: range | None = None
    start: int = 0
    query: str | None = None
    bbox: tuple[float, ...] | None = None
    table: str = ""

    @property
    def stem(self) -> str:
        """Name of the file without suffixes, or of the table, for parks that have no other name."""
        if self.format == DATABASE:
            return self.table.rpartition(".")[2] or "database"
        name = PurePosixPath(self.shown.replace("\\", "/")).name
        for suffix in (".gz", ".zip", ".pbf"):
            name = name[: -len(suffix)] if name.lower().endswith(suffix) else name
        return name.rsplit(".", 1)[0] if "." in name.strip(".") else name


@contextmanager
def open_sources(source: str | Path | Sequence[str | Path], *, everything: bool = False) -> Iterator[list[Source]]:
    """Give the files behind `source`; what was unpacked is removed afterwards.

    Parameters
    ----------
    source : path or list of paths
        Files, zips or folders; addresses of databases (text).
    everything : bool
        Of a folder, give tables and rasters beside layers too, and what cannot be read with its problem;
        else what makes up one layer.

    Raises
    ------
    SourceError
        Missing (the nearest existing name is told), not permitted, damaged, empty, or of a kind that
        cannot be read.
    ProjectError
        A password stands in an address.
    """
    given = [source] if isinstance(source, (str, Path)) else list(source)
    if not given:
        raise SourceError("The list of sources is empty. Name at least one file.", "来源列表为空，请至少写明一个文件。")
    with tempfile.TemporaryDirectory(prefix="parkwise-", ignore_cleanup_errors=True) as work:
        found = []
        for number, one in enumerate(given):
            require_address(str(one))
            if is_database(one):
                found.append(Source(Path(), str(one), DATABASE))
                continue
            path = Path(one).expanduser()
            found += _expand(path, str(one), Path(work) / str(number), everything=everything)
        yield found


def asking(
    found: Sequence[Source],
    query: str | None,
    bbox: Sequence[float] | None,
    *,
    layer: str | None = None,
    encoding: str | None = None,
) -> list[Source]:
    """Give databases the query and the box that were asked for; a file knows neither.

    Raises
    ------
    ProjectError
        One of them is given for a file, or a query beside a table, or an encoding for a database.
    """
    if encoding is not None and any(one.format == DATABASE for one in found):
        raise ProjectError(
            f'encoding = "{encoding}" is given for a database, which tells its own. Leave encoding out.',
            f"为数据库给出了 encoding = “{encoding}”，而数据库自带编码声明。请去掉 encoding。",
        )
    if query is not None and layer is not None:
        raise ProjectError(
            f'query and layer = "{layer}" are given for one source. Expected one of them: leave one out.',
            f"同一来源同时给出了 query 和 layer = “{layer}”。只能给出其一，请去掉一个。",
        )
    if query is None and bbox is None:
        return list(found)
    files = [one.shown for one in found if one.format != DATABASE]
    if files:
        key = "bbox" if query is None else "query"
        raise ProjectError(
            f'{key} is given, but "{files[0]}" is a file. Expected source = "postgresql://…" with it; leave {key} out.',
            f"给出了 {key}，但“{files[0]}”是文件。{key} 只用于 source = “postgresql://…”，请去掉。",
        )
    box = None if bbox is None else tuple(map(float, bbox))
    return [replace(one, query=query, bbox=box) for one in found]


def _expand(path: Path, shown: str, work: Path, *, everything: bool) -> list[Source]:
    _require(path)
    kind = sniff(path)
    if kind == "folder":
        return _folder(path, shown, work, everything=everything)
    if kind == "zip":
        unpacked = unpack(path, work)
        if any(unpacked.glob("*.gdbtable")):  # the tables of a geodatabase were packed without their folder
            return [Source(unpacked.rename(unpacked.with_suffix(".gdb")), shown, "OpenFileGDB")]
        inner = _folder(unpacked, shown, work / "_nested", everything=everything)
        if len(inner) == 1 and inner[0].path.parent == unpacked:
            return [replace(inner[0], shown=f"{shown}/{inner[0].path.name}")]
        return inner
    return [Source(path, shown, kind)]


def _require(path: Path) -> None:
    if path.parts[:1] in (("postgresql:",), ("postgres:",)):
        raise ProjectError(
            "The address of a database is given as a path, which loses a slash of it. Give it as text.",
            "数据库地址作为路径给出，会丢失其中的斜杠。请以文本给出。",
        )
    try:
        path.stat()
    except FileNotFoundError:
        raise SourceError(*_missing(path)) from None
    except (OSError, ValueError) as error:
        raise SourceError(*closed(path, error)) from None


def _missing(path: Path) -> tuple[str, str]:
    folder = path.parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    names = {unicodedata.normalize("NFC", one.name): one.name for one in _listing(folder)}
    exact = names.get(unicodedata.normalize("NFC", path.name))
    like = exact or nearest(path.name, names.values())
    hint_en = f' The nearest name there is "{like}".' if like else ""
    hint_zh = f"该处名称最接近的是“{like}”。" if like else ""
    where_en = "" if folder == path.parent else f' The folder "{path.parent}" does not exist either.'
    where_zh = "" if folder == path.parent else f"文件夹“{path.parent}”也不存在。"
    return (
        f'There is no file "{path}".{where_en}{hint_en} Mend the path and run again.',
        f"没有文件“{path}”。{where_zh}{hint_zh}请改正路径后重试。",
    )


def _listing(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())[:5000]
    except OSError:
        return []


_DATA = {
    ".shp", ".gpkg", ".geojson", ".json", ".fgb", ".kml", ".kmz", ".dxf", ".parquet", ".geoparquet", ".pbf", ".csv",
    ".tsv", ".xlsx", ".xlsm", ".mif", ".tab", ".gml", ".zip", ".mdb", ".dwg", ".vct", ".xls", ".txt",
    ".tif", ".tiff",
}  # fmt: skip
_TABLES = {".csv", ".tsv", ".xlsx", ".xlsm", ".txt", ".xls", ".json"}
_RASTERS = {".tif", ".tiff"}
_FOREIGN = {".mdb", ".dwg", ".vct", ".xls", ".txt"}


def _folder(folder: Path, shown: str, work: Path, *, everything: bool) -> list[Source]:
    """Give the data files of a folder and its subfolders; a folder of parquet parts is one source."""
    files = _data_files(folder)
    if files and all(file.suffix.lower() in (".parquet", ".geoparquet") for file in files) and len(files) > 1:
        return [Source(folder, shown, "Parquet")]
    drawn = [file for file in files if file.suffix.lower() not in _TABLES | _FOREIGN | _RASTERS]
    tables = [file for file in files if file.suffix.lower() in _TABLES - _FOREIGN]
    chosen = drawn + [file for file in tables if file.suffix.lower() == ".json"] or tables
    rest = [file for file in files if file.suffix.lower() in _FOREIGN | _RASTERS]
    chosen = files if everything else chosen or rest
    if not chosen:
        raise SourceError(
            f'"{shown}" holds no file that can be read. Expected at least one layer or table in it.',
            f"“{shown}”中没有可读取的文件。其中应至少有一个图层或表格。",
        )
    found: list[Source] = []
    for number, file in enumerate(sorted(chosen)):
        relative = file.relative_to(folder).as_posix()
        try:
            found += _expand(file, f"{shown}/{relative}", work / str(number), everything=everything)
        except SourceError as problem:
            if not everything:
                raise
            found.append(Source(file, f"{shown}/{relative}", "", problem))
    return found


def _data_files(folder: Path) -> list[Path]:
    found: list[Path] = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        parts = [part.lower() for part in relative.parts]
        if any(part.startswith(IGNORED) for part in parts):
            continue
        if any(parent.suffix.lower() == ".gdb" for parent in relative.parents):
            continue
        if path.is_dir():
            found += [path] if path.suffix.lower() == ".gdb" else []
        elif path.suffix.lower() in _DATA and not _is_side_text(path):
            found.append(path)
        if len(found) > MAX_MEMBERS:
            raise SourceError(
                f'"{folder.name}" holds more than {MAX_MEMBERS:,} files. Name the ones to read.',
                f"“{folder.name}”中的文件超过 {MAX_MEMBERS:,} 个，请指明要读取的文件。",
            )
    tab = {path.with_suffix("") for path in found if path.suffix.lower() in (".shp", ".mif")}
    return [path for path in found if path.suffix.lower() != ".tab" or path.with_suffix("") not in tab]


def _is_side_text(path: Path) -> bool:
    """Tell a readme or a licence from data; the house's own table of field names is no data either."""
    name = path.stem.lower()
    return name.startswith(("readme", "licen", "copying", "说明")) or path.name.endswith(".字段对照.csv")


def copy_beside(path: Path, work: Path) -> Path:
    """Copy a shapefile with its companions into `work`, where the driver may write an index."""
    work.mkdir(parents=True, exist_ok=True)
    for one in path.parent.glob("*"):
        if one.stem == path.stem and one.suffix.lower() in (".shp", ".dbf", ".prj", ".cpg"):
            shutil.copyfile(one, work / one.name)
    return work / path.name
