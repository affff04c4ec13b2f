"""Zips: judged by their directory before anything is unpacked, then unpacked where they can do no harm.

Members that climb out of the folder, links, and zips that swell beyond bounds are refused; bytes are counted
as they come, because a directory may lie. Names written in GBK are put right, `__MACOSX` is ignored.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from layers.errors import SourceError

__all__ = ["IGNORED", "MAX_MEMBERS", "member_name", "members", "unpack"]

MAX_MEMBERS = 20_000
MAX_UNPACKED = 20 * 1024**3  # bytes
MAX_RATIO = 300  # unpacked ÷ packed, asked above 100 MiB only
RATIO_FROM = 100 * 1024**2

#: Beginnings of names that are litter of other systems, or the manifest of a dataset of ours: no data.
IGNORED = ("__macosx", ".ds_store", "thumbs.db", "desktop.ini", "~$", "._", "_parkwise.json")


def members(path: Path) -> list[zipfile.ZipInfo]:
    """Return the members of a zip after judging its directory: sizes, ratio, climbing names."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise SourceError(*_damaged(path, error)) from None
    total, packed = sum(one.file_size for one in found), max(path.stat().st_size, 1)
    if len(found) > MAX_MEMBERS or total > MAX_UNPACKED or (total > RATIO_FROM and total / packed > MAX_RATIO):
        size = f"{len(found):,} files, {total / 1e9:,.1f} GB, {total / packed:,.0f} ×"
        bounds = f"{MAX_MEMBERS:,} files, {MAX_UNPACKED / 1e9:,.0f} GB, {MAX_RATIO} ×"
        raise SourceError(
            f'"{path.name}" swells too much when unpacked and is refused ({size}; bounds: {bounds}). '
            "Unpack it yourself if you trust it.",
            f"“{path.name}”解压后过大，已拒绝（{size}；上限 {bounds}）。如确认可信，请自行解压。",
        )
    return found


def unpack(path: Path, work: Path) -> Path:
    """Unpack the wanted members of a zip under `work`, counting bytes as they come.

    Raises
    ------
    SourceError
        Damaged, locked with a password, beyond bounds, or a member points out of the folder.
    """
    work.mkdir(parents=True, exist_ok=True)
    left = MAX_UNPACKED
    wanted = members(path)
    try:
        with zipfile.ZipFile(path) as archive:
            for member in wanted:
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
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise SourceError(*_damaged(path, error)) from None
    return work


def _target(path: Path, member: zipfile.ZipInfo, work: Path) -> Path | None:
    name = member_name(member).replace("\\", "/")
    parts = PurePosixPath(name).parts
    if member.is_dir() or not parts or any(part.lower().startswith(IGNORED) for part in parts):
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


def _damaged(path: Path, error: BaseException) -> tuple[str, str]:
    return (
        f'"{path.name}" is damaged or locked and cannot be opened ({error}). Ask for the file again.',
        f"“{path.name}”已损坏或加密，无法打开（{error}）。请重新索取或重新导出。",
    )
