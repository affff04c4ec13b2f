"""Where a dataset lies: a folder of this machine, or one behind a URL (s3://, memory://, …).

Knows folders, their files and sizes; knows no format. Folders of this machine need nothing more; a URL is
opened by fsspec, which is loaded only then. A place can be made again from its location alone, on any machine
that sees the same storage. Small documents that others may have written are bounded before they are read.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import fs

from layers.errors import ParkwiseError, ProjectError, SourceError

__all__ = ["Storage", "is_url", "let_go", "open_storage"]

#: No document of ours is larger (bytes).
_LARGEST = 256 << 20
#: So much of a file is looked at in one go (bytes).
_PIECE = 4 << 20


@dataclass(frozen=True)
class Storage:
    """A folder.

    Attributes
    ----------
    location : str
        Path or URL, as people know it.
    filesystem : pyarrow.fs.FileSystem
    path : str
        Of the folder, inside the file system.
    """

    location: str
    filesystem: fs.FileSystem
    path: str

    def file(self, name: str) -> str:
        """Path of a file of the folder, inside the file system."""
        return f"{self.path}/{name}"

    def folder(self, name: str) -> str:
        """Location of a folder of the folder."""
        return f"{self.location.rstrip('/')}/{name}" if is_url(self.location) else str(Path(self.location) / name)

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        try:
            return bool(self.filesystem.get_file_info(self.file(name)).type == fs.FileType.File)
        except OSError as error:
            raise self.closed(error) from error

    def sizes(self) -> dict[str, int]:
        """Return the files of the folder and how large they are (bytes)."""
        try:
            listed = self.filesystem.get_file_info(fs.FileSelector(self.path, allow_not_found=True))
        except OSError as error:
            raise self.closed(error) from error
        return {one.base_name: int(one.size) for one in listed if one.type == fs.FileType.File}

    def digest(self, name: str) -> str:
        """Return the SHA-256 of a file, of which little is in memory at a time."""
        sha256 = hashlib.sha256()
        try:
            with self.filesystem.open_input_stream(self.file(name), compression=None) as stream:
                while piece := stream.read(_PIECE):
                    sha256.update(piece)
        except OSError as error:
            raise self.closed(error) from error
        return sha256.hexdigest()

    def text(self, name: str) -> str:
        """Return a text of the folder.

        Raises
        ------
        SourceError
            It cannot be read, is no UTF-8, or is larger than any of ours.
        """
        try:
            with self.filesystem.open_input_file(self.file(name)) as stream:
                if stream.size() > _LARGEST:
                    raise self.damaged(name, f"{stream.size():,} bytes", f"{stream.size():,} 字节")
                return bytes(stream.read()).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self.damaged(name, "no UTF-8 text", "不是 UTF-8 文本") from error
        except OSError as error:
            raise self.closed(error) from error

    def document(self, name: str) -> dict[str, Any]:
        """Return a JSON document of the folder; see `text`."""
        try:
            found = json.loads(self.text(name), parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            raise self.damaged(name, f"no JSON: {error}", f"不是 JSON：{error}") from error
        if not isinstance(found, dict):
            raise self.damaged(name, "no JSON object", "不是 JSON 对象")
        return found

    def damaged(self, name: str, en: str, zh: str) -> SourceError:
        """Return the error that says a file of the dataset cannot be trusted, and why."""
        return SourceError(
            f"{self.location}: {name} is damaged or was changed ({en}). Expected it as parkwise wrote it; "
            "convert the data again (parkwise convert PROJECT -o DIR --overwrite).",
            f"{self.location}：{name} 已损坏或被改动（{zh}）。应与 parkwise 写出时一致；"
            "请重新转换（parkwise convert 项目 -o 文件夹 --overwrite）。",
        )

    def closed(self, error: OSError) -> SourceError:
        """Return the error that says the folder cannot be opened, and why."""
        why = error.strerror or str(error)
        return SourceError(
            f"{self.location}: cannot be read ({why}). Check that the folder or the URL can be reached from here.",
            f"{self.location}：无法读取（{why}）。请确认本机可以访问该文件夹或 URL。",
        )


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def is_url(location: str | Path) -> bool:
    r"""Whether a location is a URL.

    Examples
    --------
    >>> is_url("s3://bucket/city"), is_url("C:\\data\\city")
    (True, False)
    """
    return "://" in str(location)


def open_storage(location: str | Path) -> Storage:
    """Open a folder; it need not exist.

    Raises
    ------
    ProjectError
        A URL of a kind that cannot be opened here, with the package that is missing.
    SourceError
        The storage refuses.
    """
    if not is_url(location):
        return Storage(str(location), fs.LocalFileSystem(), Path(location).absolute().as_posix())
    url = str(location).rstrip("/")
    try:
        # Only those who work with URLs need it.
        from fsspec.core import url_to_fs  # noqa: PLC0415

        opened, path = url_to_fs(url)
    except ImportError as error:
        raise ProjectError(*_lacking(url, error)) from error
    except (ValueError, OSError) as error:
        raise _unreachable(url, error) from error
    return Storage(url, fs.PyFileSystem(fs.FSSpecHandler(opened)), str(path).rstrip("/"))


def _lacking(url: str, error: ImportError) -> tuple[str, str]:
    return (
        f"{url}: URLs need packages that are not installed here ({error}). Install parkwise[large] and, for an "
        "object store, its own package (s3fs, gcsfs, adlfs); or copy the dataset to this machine.",
        f"{url}：读取 URL 所需的软件包未安装（{error}）。请安装 parkwise[large]，对象存储还需相应的软件包"
        "（s3fs、gcsfs、adlfs）；或将数据集复制到本机。",
    )


def _unreachable(url: str, error: Exception) -> ParkwiseError:
    return SourceError(
        f"{url}: cannot be opened ({error}). Expected a URL such as s3://bucket/folder, or a path.",
        f"{url}：无法打开（{error}）。应为 s3://bucket/folder 之类的 URL，或本机路径。",
    )


def let_go() -> None:
    """Give memory that Arrow keeps for later reads back to the system: it is as large as what was read."""
    pa.default_memory_pool().release_unused()
