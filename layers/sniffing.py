"""Which format a file is in, by its first bytes and not by its suffix.

What cannot be read (.mdb, .dwg, .vct, an old .xls, rar) is named, with the way to convert it.
"""

from __future__ import annotations

from pathlib import Path

from layers.archives import members
from layers.errors import SourceError

__all__ = ["closed", "sniff"]

#: (where, bytes, format)
_MAGIC = (
    (0, b"SQLite format 3\x00", "GPKG"),
    (0, b"PAR1", "Parquet"),
    (0, b"fgb", "FlatGeobuf"),
    (0, b"II*\x00", "GeoTIFF"),
    (0, b"MM\x00*", "GeoTIFF"),
    (0, b"II+\x00", "GeoTIFF"),
    (0, b"\x00\x00\x27\x0a", "ESRI Shapefile"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
)
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
_VIA_VCT = (
    "convert it to Shapefile, File Geodatabase or GeoPackage with the tool of the survey bureau",
    "请用国土数据交换工具转换为 Shapefile、File Geodatabase 或 GeoPackage",
)
_ACCESS = ("an Access database (.mdb, personal geodatabase)", "Access 数据库（.mdb，个人地理数据库）", _VIA_GIS)
_OLD_OFFICE = ("an old Office file (.xls, .doc)", "旧版 Office 文件（.xls、.doc）", _VIA_OFFICE)
_ARCHIVE = ("a RAR or 7z archive", "RAR 或 7z 压缩包", _VIA_ZIP)
#: (where, bytes, what it is in English and Chinese, how to convert it)
_FOREIGN = (
    (4, b"Standard Jet DB", *_ACCESS),
    (4, b"Standard ACE DB", *_ACCESS),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", *_OLD_OFFICE),
    (0, b"AC1", "a DWG drawing", "DWG 图形", _VIA_CAD),
    (0, b"Rar!", *_ARCHIVE),
    (0, b"7z\xbc\xaf\x27\x1c", *_ARCHIVE),
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
        raise SourceError(*closed(path, error)) from None
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


def closed(path: Path, error: BaseException) -> tuple[str, str]:
    """Return the message about a file that may not be opened, in English and Chinese."""
    if isinstance(error, FileNotFoundError):
        return (
            f'"{path}" does not exist. Correct the path; it is relative to the project file.',
            f"“{path}”不存在。请更正路径（相对于项目文件）。",
        )
    reason = getattr(error, "strerror", None) or str(error)
    return (
        f'"{path}" cannot be opened: {reason}. Expected a file you may read; ask for the right to read it, or copy it.',
        f"无法打开“{path}”：{reason}。需要有读取权限；请申请权限或复制一份再用。",
    )


def _by_magic(head: bytes, path: Path) -> str | None:
    for at, mark, what_en, what_zh, mend in _FOREIGN:
        if head[at : at + len(mark)] == mark:
            raise _unreadable(path, what_en, what_zh, mend)
    found = next((form for at, mark, form in _MAGIC if head[at : at + len(mark)] == mark), None)
    if found == "zip":
        return _zip_kind(path)
    if found is None and b"OSMHeader" in head[:64]:
        return "OSM"
    if found is None and path.suffix.lower() == ".dbf" and len(head) >= 32 and head[0] & 7 == 3:
        return "ESRI Shapefile"
    return found


def _unreadable(path: Path, what_en: str, what_zh: str, mend: tuple[str, str]) -> SourceError:
    return SourceError(
        f'"{path.name}" is {what_en}, which cannot be read here. To use it, {mend[0]}.',
        f"“{path.name}”是{what_zh}，此处无法读取。{mend[1]}。",
    )


def _zip_kind(path: Path) -> str:
    names = [info.filename for info in members(path)]
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
    text = _head_text(head)
    start = text.lstrip("\ufeff \t\r\n")
    if "\x00" in text or sum(sign < " " and sign not in "\t\r\n\x0c\x1a" for sign in text) > 8 or not start:
        return None
    if start[0] in "{[":
        marked = any(f'"{word}"' in text for word in ("features", "FeatureCollection", "Feature", "coordinates"))
        return "GeoJSON" if marked and start[0] == "{" else "JSON"
    if start[0] == "<":
        return _markup(start.lower(), path)
    return _plain(start, path)


def _markup(start: str, path: Path) -> str | None:
    if "<html" in start or "<table" in start:
        raise _unreadable(path, "a web page under another suffix", "改了后缀的网页文件", _VIA_OFFICE)
    return next((form for mark, form in (("<kml", "KML"), ("gml", "GML"), ("<osm", "OSM")) if mark in start), None)


def _plain(start: str, path: Path) -> str | None:
    suffix = path.suffix.lower()
    if suffix == ".dxf" or (start.startswith("0") and "SECTION" in start[:200]):
        return "DXF"
    if suffix in (".mif", ".mid", ".tab") and start.startswith(("!table", "Version", "VERSION")):
        return "MapInfo File"
    if suffix == ".vct" or "HeadBegin" in start[:400]:
        raise _unreadable(path, "a VCT exchange file", "VCT 交换格式文件", _VIA_VCT)
    table = suffix in (".csv", ".tsv", ".txt", ".tab", "") or any(mark in start.splitlines()[0] for mark in ",;\t|")
    return "CSV" if table else None


def _head_text(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) // 2 * 2].decode("utf-16", "replace")
    return head.decode("utf-8", "replace")
