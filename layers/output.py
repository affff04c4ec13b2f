"""Writing without harm: all or nothing, and never over something older unasked.

Files are made in a temporary folder beside their place and moved there when all of them are done, so a
run that fails leaves no half report and an older one as it was.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from layers.errors import OutputError, first

__all__ = ["new_file", "new_files", "new_folder", "scratch"]


#: With less room than this (bytes) a failed write is a full disk.
_FULL = 1 << 20


@contextmanager
def new_files(folder: str | Path, names: Sequence[str], *, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary folder; move `names` from it into `folder` when the block ends well.

    Parameters
    ----------
    folder : path
        Made where it does not exist. Other files in it are left alone.
    names : sequence of str
        The files that will be there; of an older run, one that is not made again goes.
    overwrite : bool
        Replace files of these names.

    Raises
    ------
    OutputError
        A file is there already and `overwrite` is False; the folder cannot be written; the disk is full.
    """
    folder = Path(folder)
    there = [name for name in names if (folder / name).exists()]
    if there and not overwrite:
        raise OutputError(
            f"{folder}: of {len(names)} files to write, {len(there)} are there already ({first(there)}). "
            "Nothing was written; pass --overwrite to replace them, or choose another folder.",
            f"{folder}：{len(names)} 个文件中已有 {len(there)} 个存在（{first(there)}）。"
            "未写入任何内容；请加 --overwrite 覆盖，或另选文件夹。",
        )
    made: list[Path] = []
    try:
        made = _make(folder)
        with tempfile.TemporaryDirectory(prefix=".parkwise-", dir=folder, ignore_cleanup_errors=True) as work:
            try:
                yield Path(work)
            except Exception as error:
                # Libraries that write files have their own words for a full disk.
                if shutil.disk_usage(work).free < _FULL:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
                raise
            _move(names, Path(work), folder)
    except OSError as error:
        raise _refused(folder, error) from error
    finally:
        _remove_if_empty(folder, made)


def _move(names: Sequence[str], work: Path, folder: Path) -> None:
    """Put new files in place of old ones, all or none: one may be open in another program and refuse."""
    kept = Path(tempfile.mkdtemp(prefix="old-", dir=work))
    for name in names:
        if (folder / name).exists():
            try:
                _second_name(folder / name, kept / name)
            except PermissionError as error:
                raise _locked(folder / name, error) from error
    done: list[str] = []
    try:
        for name in names:
            if (work / name).exists():
                os.replace(work / name, folder / name)  # noqa: PTH105  (atomic on one file system)
            else:
                (folder / name).unlink(missing_ok=True)  # of an older run, and not of this one
            done.append(name)
    except OSError as error:
        for earlier in done:
            if (kept / earlier).exists():
                os.replace(kept / earlier, folder / earlier)  # noqa: PTH105
            else:
                (folder / earlier).unlink(missing_ok=True)
        if isinstance(error, PermissionError):
            raise _locked(folder / name, error) from error
        raise


def _locked(file: Path, error: OSError) -> OutputError:
    """A file that cannot be replaced is open in another program, most of the time."""
    why = error.strerror or str(error)
    return OutputError(
        f"{file}: cannot be replaced ({why}); it is probably open in Word, Excel, WPS, QGIS or a browser. "
        "Close it there and run again, or choose another folder. Nothing was replaced: the earlier files are as they "
        "were.",
        f"{file}：无法替换（{why}），很可能正在 Word、Excel、WPS、QGIS 或浏览器中打开。请关闭后重新运行，或另选文件夹。"
        "未替换任何文件，原有文件保持不变。",
    )


def _second_name(file: Path, other: Path) -> None:
    """Give a file another name beside its own; a copy where the file system knows no links."""
    try:
        other.hardlink_to(file)
    except OSError:
        shutil.copy2(file, other)


def _make(folder: Path) -> list[Path]:
    """Make the folder and return what was made, deepest first."""
    missing = [part for part in (folder, *folder.parents) if not part.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _remove_if_empty(folder: Path, made: Sequence[Path]) -> None:
    """Take back folders that were made for nothing."""
    if folder.is_dir() and not any(folder.iterdir()):
        for part in made:
            part.rmdir()


def _refused(folder: Path, error: OSError) -> OutputError:
    if error.errno == errno.ENOSPC:
        free = shutil.disk_usage(folder if folder.exists() else folder.parent).free // 2**20
        return OutputError(
            f"{folder}: the disk is full ({free} MiB free). Nothing was left half written; make room and run again.",
            f"{folder}：磁盘空间不足（剩余 {free} MiB）。未留下不完整的文件；请清理空间后重试。",
        )
    why = error.strerror or str(error)
    return OutputError(
        f"{folder}: cannot be written ({why}). Choose a folder you may write to, and close the file in other programs.",
        f"{folder}：无法写入（{why}）。请指定有写权限的文件夹，并关闭占用该文件的其他程序。",
    )


@contextmanager
def new_file(path: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary path for one file; see `new_files`."""
    path = Path(path)
    with new_files(path.parent, [path.name], overwrite=overwrite) as work:
        yield work / path.name


@contextmanager
def scratch(folder: Path | None = None) -> Iterator[Path]:
    """Give a folder for the time of a run, in `folder` or where the system keeps such things.

    Raises
    ------
    OutputError
        It cannot be made.
    """
    try:
        made = [] if folder is None else _make(folder)
        work = tempfile.TemporaryDirectory(prefix=".parkwise-", dir=folder, ignore_cleanup_errors=True)
    except OSError as error:
        raise _refused(folder or Path(tempfile.gettempdir()), error) from error
    try:
        with work as path:
            yield Path(path)
    finally:
        if folder is not None:
            _remove_if_empty(folder, made)


@contextmanager
def new_folder(
    folder: str | Path, *, foreign: Callable[[Path], Sequence[str]], overwrite: bool = False
) -> Iterator[Path]:
    """Give a temporary folder; it becomes `folder` when the block ends well.

    Parameters
    ----------
    folder : path
        The folders above it are made where they do not exist.
    foreign : callable
        Names what in a folder is not of an older run of ours; where it names anything, nothing is replaced.
    overwrite : bool
        Replace the folder of an older run, with everything in it.

    Raises
    ------
    OutputError
        The folder is there already and is not empty; it cannot be written; the disk is full.
    """
    folder = Path(folder).absolute()
    _require_free(folder, foreign, overwrite=overwrite)
    made: list[Path] = []
    try:
        made = _make(folder.parent)
        with tempfile.TemporaryDirectory(prefix=".parkwise-", dir=folder.parent, ignore_cleanup_errors=True) as work:
            fresh, old = Path(work) / "new", Path(work) / "old"
            fresh.mkdir()
            try:
                yield fresh
            except Exception as error:
                if shutil.disk_usage(work).free < _FULL:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
                raise
            if folder.exists():
                folder.rename(old)
            try:
                fresh.rename(folder)
            except OSError:
                if old.exists():
                    old.rename(folder)
                raise
    except OSError as error:
        raise _refused(folder, error) from error
    finally:
        _remove_if_empty(folder.parent, made)


def _require_free(folder: Path, foreign: Callable[[Path], Sequence[str]], *, overwrite: bool) -> None:
    """Refuse to replace what is there unasked, and whatever others have put there."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not overwrite:
        raise OutputError(
            f"{folder}: is there already. Nothing was written; pass --overwrite to replace it, "
            "or choose another folder.",
            f"{folder}：已存在。未写入任何内容；请加 --overwrite 覆盖，或另选文件夹。",
        )
    others = foreign(folder) if folder.is_dir() else [folder.name]
    if others:
        raise OutputError(
            f"{folder}: of what is in it, this is not of an earlier run: {first(others)} ({len(others)} in all). "
            "Replacing the folder would remove them. Nothing was written; move them away, or choose another folder.",
            f"{folder}：其中有 {len(others)} 项不是以前运行的结果（{first(others)}），替换文件夹会将其删除。"
            "未写入任何内容；请移走，或另选文件夹。",
        )
