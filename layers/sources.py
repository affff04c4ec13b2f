"""From what a user points at to the files that are really opened.

A path, a zip, a folder or a list becomes concrete sources: one file (or geodatabase folder) each, with its
format told by its first bytes, not by its suffix. A zip is unpacked into a temporary folder that lives as
long as the reading: names in GBK are put right, `__MACOSX` is ignored, members that climb out of the folder
and zips that swell beyond bounds are refused. Nothing is ever written beside the user's file.

What cannot be read (.mdb, .dwg, .vct, old .xls, rar) is named, with the way to convert it.
"""

from __future__ import annotations

import shutil
import stat
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from layers.errors import SourceError, nearest

__all__ = ["SHEETS", "Source", "open_sources", "sniff"]

#: Formats read as tables; all others are read as layers of shapes.
SHEETS = frozenset({"CSV", "XLSX", "JSON"})
RASTERS = frozenset({"GeoTIFF"})

MAX_MEMBERS = 20_000
MAX_UNPACKED = 20 * 1024**3  # bytes
MAX_RATIO = 300  # unpacked ÷ packed, asked above 100 MiB only
_RATIO_FROM = 100 * 1024**2


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
        CSV, XLSX, JSON or GeoTIFF.
    problem : SourceError, optional
        Why it cannot be read, where everything of a folder is asked for.
    """

    path: Path
    shown: str
    format: str
    problem: SourceError | None = None

    @property
    def stem(self) -> str:
        """Name of the file without suffixes, for parks that have no other name."""
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
        Files, zips or folders.
    everything : bool
        Of a folder, give tables and rasters beside layers too, and what cannot be read with its problem;
        else what makes up one layer.

    Raises
    ------
    SourceError
        Missing (the nearest existing name is told), not permitted, damaged, empty, or of a kind that
        cannot be read.
    """
    given = [source] if isinstance(source, (str, Path)) else list(source)
    if not given:
        raise SourceError("The list of sources is empty. Name at least one file.", "来源列表为空，请至少写明一个文件。")
    with tempfile.TemporaryDirectory(prefix="parkwise-", ignore_cleanup_errors=True) as work:
        found = []
        for number, one in enumerate(given):
            path = Path(one).expanduser()
            found += _expand(path, str(one), Path(work) / str(number), everything=everything)
        yield found


def _expand(path: Path, shown: str, work: Path, *, everything: bool) -> list[Source]:
    _require(path)
    kind = sniff(path)
    if kind == "folder":
        return _folder(path, shown, work, everything=everything)
    if kind == "zip":
        unpacked = _unpack(path, work)
        if any(unpacked.glob("*.gdbtable")):  # the tables of a geodatabase were packed without their folder
            return [Source(unpacked.rename(unpacked.with_suffix(".gdb")), shown, "OpenFileGDB")]
        inner = _folder(unpacked, shown, work / "_nested", everything=everything)
        if len(inner) == 1 and inner[0].path.parent == unpacked:
            return [replace(inner[0], shown=f"{shown}/{inner[0].path.name}")]
        return inner
    return [Source(path, shown, kind)]


def _require(path: Path) -> None:
    try:
        path.stat()
    except FileNotFoundError:
        raise SourceError(*_missing(path)) from None
    except (OSError, ValueError) as error:
        raise SourceError(*_closed(path, error)) from None


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


def _closed(path: Path, error: BaseException) -> tuple[str, str]:
    reason = getattr(error, "strerror", None) or str(error)
    return (
        f'"{path}" cannot be opened: {reason}. Expected a file you may read; ask for the right to read it, or copy it.',
        f"无法打开“{path}”：{reason}。需要有读取权限；请申请权限或复制一份再用。",
    )


def sniff(path: Path) -> str:
    """Return the format of a file by its first bytes; "folder" and "zip" for containers.

    Raises
    ------
    SourceError
        Not permitted, empty, or a kind that cannot be read (with the way to convert it).
    """
    if path.is_dir():
        is_gdb = any(path.glob("*.gdbtable")) or (path.suffix.lower() == ".gdb" and any(path.glob("gdb")))
        return "OpenFileGDB" if is_gdb else "folder"
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise SourceError(*_closed(path, error)) from None
    if not head:
        raise SourceError(
            f'"{path.name}" is empty (0 bytes). Ask for the file again, or export it again.',
            f"“{path.name}”是空文件（0 字节）。请重新索取或重新导出。",
        )
    kind = _by_magic(head, path) or _by_text(head, path)
    if kind is None:
        raise SourceError(
            f'"{path.name}" is of no kind that can be read. Expected Shapefile, GeoPackage, FileGDB, GeoJSON, '
            "FlatGeobuf, KML, DXF, GeoParquet, OSM PBF, CSV or XLSX; export it to GeoPackage.",
            f"无法识别“{path.name}”的格式。可读取 Shapefile、GeoPackage、FileGDB、GeoJSON、FlatGeobuf、KML、DXF、"
            "GeoParquet、OSM PBF、CSV、XLSX；请另存为 GeoPackage。",
        )
    return kind


def _by_magic(head: bytes, path: Path) -> str | None:
    suffix = path.suffix.lower()
    if head[4:19] in (b"Standard Jet DB", b"Standard ACE DB"):
        raise _unreadable(
            path, "an Access database (.mdb, personal geodatabase)", "Access 数据库（.mdb，个人地理数据库）", _VIA_GIS
        )
    if head[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        if suffix == ".mdb":
            raise _unreadable(path, "an Access database (.mdb)", "Access 数据库（.mdb）", _VIA_GIS)
        raise _unreadable(path, "an old Office file (.xls, .doc)", "旧版 Office 文件（.xls、.doc）", _VIA_OFFICE)
    if head[:4] in (b"AC10", b"AC1.") or head[:3] == b"AC1":
        raise _unreadable(path, "a DWG drawing", "DWG 图形", _VIA_CAD)
    if head[:4] == b"Rar!" or head[:6] == b"7z\xbc\xaf\x27\x1c":
        raise _unreadable(path, "a RAR or 7z archive", "RAR 或 7z 压缩包", _VIA_ZIP)
    if head[:4] == b"PK\x03\x04" or head[:4] == b"PK\x05\x06":
        return _zip_kind(path)
    if head[:16] == b"SQLite format 3\x00":
        return "GPKG"
    if head[:4] == b"PAR1":
        return "Parquet"
    if head[:3] == b"fgb":
        return "FlatGeobuf"
    if head[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00"):
        return "GeoTIFF"
    if head[:4] == b"\x00\x00\x27\x0a":
        return "ESRI Shapefile"
    if b"OSMHeader" in head[:64]:
        return "OSM"
    if suffix == ".dbf" and len(head) >= 32 and head[0] & 7 == 3:
        return "ESRI Shapefile"
    return None


_VIA_GIS = (
    "export it to a File Geodatabase or GeoPackage in ArcGIS or QGIS",
    "请在 ArcGIS 或 QGIS 中导出为 File Geodatabase 或 GeoPackage",
)
_VIA_CAD = (
    "save it as DXF (AutoCAD: SAVEAS, DXF 2018) or as GeoPackage",
    "请另存为 DXF（AutoCAD 中 SAVEAS 选 DXF 2018）或导出为 GeoPackage",
)
_VIA_OFFICE = ("open it and save it as .xlsx or CSV", "请打开后另存为 .xlsx 或 CSV")
_VIA_ZIP = ("unpack it, then name the folder, or pack it as .zip", "请解压后指明文件夹，或改用 .zip 压缩")
_VIA_VCT = ("convert it to Shapefile, File Geodatabase or GeoPackage with the tool of the survey bureau", "请用国土数据交换工具转换为 Shapefile、File Geodatabase 或 GeoPackage")  # fmt: skip


def _unreadable(path: Path, what_en: str, what_zh: str, mend: tuple[str, str]) -> SourceError:
    return SourceError(
        f'"{path.name}" is {what_en}, which cannot be read here. To use it, {mend[0]}.',
        f"“{path.name}”是{what_zh}，此处无法读取。{mend[1]}。",
    )


def _zip_kind(path: Path) -> str:
    names = [info.filename for info in _members(path)]
    if "xl/workbook.xml" in names:
        return "XLSX"
    if "word/document.xml" in names:
        raise _unreadable(
            path,
            "a Word document",
            "Word 文档",
            ("copy its table into a spreadsheet (.xlsx)", "请把表格复制到 .xlsx 中"),
        )
    return "zip"


def _by_text(head: bytes, path: Path) -> str | None:
    suffix = path.suffix.lower()
    text = _head_text(head)
    start = text.lstrip("\ufeff \t\r\n")
    if "\x00" in text or sum(character < " " and character not in "\t\r\n\x0c\x1a" for character in text) > 8:
        return None
    if start[:1] in "{[" and start:
        geo = '"features"' in text or '"FeatureCollection"' in text or '"coordinates"' in text or '"Feature"' in text
        listed = start.startswith("[") and "{" in start[:200]
        return "GeoJSON" if geo and not listed else "JSON" if suffix in (".json", ".txt") or not geo else "GeoJSON"
    if start.startswith("<"):
        lower = start.lower()
        if "<html" in lower or "<table" in lower:
            raise _unreadable(path, "a web page under another suffix", "改了后缀的网页文件", _VIA_OFFICE)
        return "KML" if "<kml" in lower else "GML" if "gml" in lower else "OSM" if "<osm" in lower else None
    if suffix == ".dxf" or (start.startswith("0") and "SECTION" in start[:200]):
        return "DXF"
    if suffix in (".mif", ".mid", ".tab") or (start[:7].lower() == "version" and "columns" in start.lower()):
        return "MapInfo File"
    if suffix == ".vct" or start.startswith(("HeadBegin", "VCT")) or "HeadBegin" in start[:400]:
        raise _unreadable(path, "a VCT exchange file", "VCT 交换格式文件", _VIA_VCT)
    if suffix in (".csv", ".tsv", ".txt", ".tab", "") or any(mark in start.splitlines()[0] for mark in ",;\t|"):
        return "CSV"
    return None


def _head_text(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) // 2 * 2].decode("utf-16", "replace")
    return head.decode("utf-8", "replace")


_IGNORED = ("__macosx", ".ds_store", "thumbs.db", "desktop.ini", "~$", "._")
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
        if any(part.startswith(_IGNORED) for part in parts):
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


def _members(path: Path) -> list[zipfile.ZipInfo]:
    """Return the members of a zip after judging its directory: sizes, ratio, climbing names."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise SourceError(*_damaged(path, error)) from None
    total, packed = sum(one.file_size for one in members), max(path.stat().st_size, 1)
    if len(members) > MAX_MEMBERS or total > MAX_UNPACKED or (total > _RATIO_FROM and total / packed > MAX_RATIO):
        raise SourceError(
            f'"{path.name}" would unpack to {len(members):,} files of {total / 1e9:,.1f} GB from {packed / 1e6:,.1f} MB: refused '
            f"(bounds: {MAX_MEMBERS:,} files, {MAX_UNPACKED / 1e9:,.0f} GB, {MAX_RATIO} ×). Unpack it yourself if you trust it.",
            f"“{path.name}”解压后有 {len(members):,} 个文件、{total / 1e9:,.1f} GB（压缩包 {packed / 1e6:,.1f} MB），已拒绝"
            f"（上限 {MAX_MEMBERS:,} 个文件、{MAX_UNPACKED / 1e9:,.0f} GB、{MAX_RATIO} 倍）。如确认可信，请自行解压。",
        )
    return members


def _damaged(path: Path, error: BaseException) -> tuple[str, str]:
    return (
        f'"{path.name}" is damaged and cannot be opened ({error}). Ask for the file again, or export it again.',
        f"“{path.name}”已损坏，无法打开（{error}）。请重新索取或重新导出。",
    )


def _unpack(path: Path, work: Path) -> Path:
    """Unpack the wanted members of a zip under `work`, counting bytes as they come."""
    work.mkdir(parents=True, exist_ok=True)
    left = MAX_UNPACKED
    members = _members(path)
    try:
        with zipfile.ZipFile(path) as archive:
            for member in members:
                target = _target(path, member, work)
                if target is None:
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as packed, target.open("wb") as file:
                    while block := packed.read(1 << 20):
                        left -= len(block)
                        if left < 0:
                            raise zipfile.BadZipFile("larger than its directory says")
                        file.write(block)
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError, NotImplementedError) as error:
        if isinstance(error, RuntimeError) and "password" in str(error):
            raise _unreadable(path, "locked with a password", "加密压缩包", _VIA_ZIP) from None
        raise SourceError(*_damaged(path, error)) from None
    except Exception as error:  # zlib.error has no public base below Exception
        if type(error).__module__ in ("zlib", "lzma", "_lzma"):
            raise SourceError(*_damaged(path, error)) from None
        raise
    return work


def _target(path: Path, member: zipfile.ZipInfo, work: Path) -> Path | None:
    name = member_name(member).replace("\\", "/")
    parts = PurePosixPath(name).parts
    if member.is_dir() or not parts or any(part.lower().startswith(_IGNORED) for part in parts):
        return None
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    if name.startswith("/") or ".." in parts or ":" in parts[0] or "\x00" in name or is_link:
        raise SourceError(
            f'"{path.name}" holds the member "{name}", which points out of the archive: refused. Pack the files again.',
            f"“{path.name}”中的“{name}”指向压缩包之外，已拒绝。请重新打包。",
        )
    return work.joinpath(*parts)


def member_name(member: zipfile.ZipInfo) -> str:
    """Return the name of a zip member; without the UTF-8 mark, Chinese programs write GBK."""
    if member.flag_bits & 0x800:
        return member.filename
    try:
        raw = member.filename.encode("cp437")
    except UnicodeEncodeError:
        return member.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return member.filename


def copy_beside(path: Path, work: Path) -> Path:
    """Copy a shapefile with its companions into `work`, where the driver may write an index."""
    work.mkdir(parents=True, exist_ok=True)
    for one in path.parent.glob("*"):
        if one.stem == path.stem and one.suffix.lower() in (".shp", ".dbf", ".prj", ".cpg"):
            shutil.copyfile(one, work / one.name)
    return work / path.name
