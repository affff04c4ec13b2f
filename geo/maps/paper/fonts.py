"""Which font prints Chinese (`find_font`): the one the project or the environment names, else the first of a list.

Knows where systems keep fonts and the files of common Chinese ones (`fonts.csv`); looks at files, asks no font
service and keeps no cache. A file of several faces gives the one for simplified Chinese.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import matplotlib as mpl
from matplotlib.font_manager import FontPath, FontProperties
from matplotlib.ft2font import FT2Font

from layers.errors import ParkwiseError, ProjectError

__all__ = ["VARIABLE", "Font", "find_font", "no_font"]

#: The environment variable that names a font file.
VARIABLE = "PARKWISE_FONT"

_SIMPLIFIED = (" SC", " CN", "Simplified", "YaHei", "SimHei", "SimSun")
_SAMPLE = "工业用地亩"
_DEEP = 4  # folders below those of the system


@dataclass(frozen=True)
class Font:
    """A font as matplotlib takes it: two weights, and the characters it has."""

    name: str
    regular: FontProperties
    bold: FontProperties
    signs: frozenset[int]

    @property
    def has_chinese(self) -> bool:
        """Whether it prints Chinese."""
        return all(ord(sign) in self.signs for sign in _SAMPLE)


def find_font(stated: Path | None = None, folders: list[Path] | None = None) -> Font:
    """Return the font to print with.

    Parameters
    ----------
    stated : Path, optional
        The file of the setting ``report.font``; else that of the environment variable ``PARKWISE_FONT``.
    folders : list of Path, optional
        Where to look; by default where this system keeps fonts.

    Returns
    -------
    Font
        The first of the list that is there; where none is, the Latin font that comes with matplotlib: whoever then
        meets a Chinese character raises `no_font`.

    Raises
    ------
    ProjectError
        The font that was named is not there or is none.
    """
    named = stated or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if named is not None:
        return _open(named, None)
    places = _folders() if folders is None else folders
    there = {path.name.lower(): path for folder in places for path in _files(folder)}
    for row in _rows():
        regular = there.get(row["regular"].lower())
        if regular is not None:
            return _open(regular, there.get(row["bold"].lower()))
    own = Path(mpl.get_data_path()) / "fonts" / "ttf"
    return _open(own / "DejaVuSans.ttf", own / "DejaVuSans-Bold.ttf")


def no_font() -> ParkwiseError:
    """Return the error of a map that needs Chinese where no font has it (未找到中文字体)."""
    tried = ", ".join(dict.fromkeys(row["name"] for row in _rows()))
    return ParkwiseError(
        f"No font with Chinese characters was found. Looked for: {tried}. Install one (Debian, Ubuntu: "
        "apt install fonts-noto-cjk), or name a font file: --set report.font=FILE, or the environment variable "
        f"{VARIABLE}.",
        f"未找到含汉字的字体。已查找：{tried}。请安装其中一种（Debian、Ubuntu：apt install fonts-noto-cjk），"
        f"或指定字体文件：--set report.font=文件，或环境变量 {VARIABLE}。",
    )


def _rows() -> list[dict[str, str]]:
    text = resources.files("geo.maps").joinpath("fonts.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def _folders() -> list[Path]:
    """Where Linux, macOS and Windows keep fonts; those that are not there are passed over."""
    own, windows = Path("~").expanduser(), os.environ.get("WINDIR", "")
    local = os.environ.get("LOCALAPPDATA", "")
    found = [own / ".local/share/fonts", own / ".fonts", own / "Library/Fonts"]
    found += [Path(one) for one in ("/usr/local/share/fonts", "/usr/share/fonts", "/Library/Fonts",
                                    "/System/Library/Fonts")]  # fmt: skip
    found += [Path(windows) / "Fonts"] if windows else []
    return found + ([Path(local) / "Microsoft/Windows/Fonts"] if local else [])


def _files(folder: Path, depth: int = 0) -> Iterator[Path]:
    try:
        inside = sorted(folder.iterdir())
    except OSError:
        return
    for path in inside:
        if path.suffix.lower() in {".ttf", ".otf", ".ttc", ".otc"}:
            yield path
        elif depth < _DEEP and path.is_dir() and not path.is_symlink():
            yield from _files(path, depth + 1)


def _open(regular: Path, bold: Path | None) -> Font:
    try:
        face = _face(regular)
        heavy = face if bold is None else _face(bold)
        font = FT2Font(face.path, face_index=face.face_index)
    except (OSError, RuntimeError) as error:
        raise ProjectError(
            f"report.font: {regular} cannot be read as a font ({error}). Expected a TTF, OTF or TTC file.",
            f"report.font：{regular} 无法作为字体读取（{error}）。应为 TTF、OTF 或 TTC 文件。",
        ) from error
    return Font(
        font.family_name, FontProperties(fname=face), FontProperties(fname=heavy), frozenset(font.get_charmap())
    )


def _face(path: Path) -> FontPath:
    """The face for simplified Chinese, else the first."""
    count = FT2Font(str(path)).num_faces
    names = [FT2Font(str(path), face_index=number).family_name for number in range(count)]
    fits = [number for number, name in enumerate(names) if any(word in name for word in _SIMPLIFIED)]
    return FontPath(str(path), fits[0] if fits else 0)
