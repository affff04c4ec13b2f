"""The project file: what is repeated from run to run, and where each value comes from.

A flag wins over the file, the file over a guess, a guess over a default; every setting remembers its
origin, so that `parkwise info PROJECT` and the report can print it. Keys, types, choices and defaults
stand in `tables/project.csv`; an unknown key is an error that names the nearest known one. A folder
of data without a project file is not looked at here but in `layers.propose`.
"""

from __future__ import annotations

import csv
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from layers.database import is_database, require_address
from layers.encoding import given
from layers.errors import ProjectError, SourceError, nearest
from layers.raster_keys import RASTER_KEYS, RASTER_KINDS, fits_raster, require_classes
from layers.roles import RASTERS, SOURCES

__all__ = [
    "LAYER_KEYS",
    "Key",
    "LayerSource",
    "Project",
    "Setting",
    "defaults",
    "keys",
    "load",
    "loads",
    "with_flags",
]

LAYER_KEYS = ("source", "layer", "query", "bbox", "crs", "datum", "encoding", "columns", "constants")

_DATUMS = ("gcj02", "bd09", "wgs84")


_KINDS = {
    "text": ("a text", "文字"),
    "texts": ('a list of texts, such as ["a", "b"]', '文字列表，如 ["a", "b"]'),
    "number": ("a number", "数字"),
    "integer": ("a whole number", "整数"),
    "boolean": ("true or false", "true 或 false"),
    "date": ("a date without quotes, such as 2025-12-31", "不带引号的日期，如 2025-12-31"),
    "file": ("the path of a file, relative to the project file", "文件路径（相对于项目文件）"),
    "table": ("a table, such as { above = { … } }", "表，如 { above = { … } }"),
    "tables": ("a list of tables, such as [{ … }, { … }]", "表的列表，如 [{ … }, { … }]"),
    "rules": ("a list of tables, or the path of a TOML file", "表的列表，或 TOML 文件路径"),
}


@dataclass(frozen=True)
class Key:
    """One key of the project file; `at_least` and `at_most` bound a number."""

    name: str
    type: str
    choices: tuple[str, ...]
    default: object
    label_zh: str
    label_en: str
    at_least: float = -math.inf
    at_most: float = math.inf

    def fits(self, value: object) -> bool:
        """Whether a value is of the kind this key wants."""
        if isinstance(value, bool):
            return self.type == "boolean"
        fits: dict[str, bool] = {
            "text": isinstance(value, str),
            "choice": value in self.choices,
            "number": isinstance(value, (int, float)) and self.at_least <= value <= self.at_most,
            "integer": isinstance(value, int) and self.at_least <= value <= self.at_most,
            "boolean": False,
            "date": isinstance(value, date) and not isinstance(value, datetime),
            "texts": isinstance(value, list) and all(isinstance(item, str) for item in value),
            "file": isinstance(value, str),
            "table": isinstance(value, dict),
            "tables": isinstance(value, list) and all(isinstance(item, dict) for item in value),
            "rules": isinstance(value, str)
            or (isinstance(value, list) and all(isinstance(item, dict) for item in value)),
        }
        return fits[self.type]

    def expected(self) -> tuple[str, str]:
        """Return what the key wants, in words, in English and Chinese."""
        if self.choices:
            return " | ".join(self.choices), " | ".join(self.choices)
        en, zh = _KINDS[self.type]
        if self.at_least == -math.inf:
            return en, zh
        ends = (f"{self.at_least:g}", f"{self.at_most:g}")
        return f"{en} from {ends[0]} to {ends[1]}", f"{ends[0]} 至 {ends[1]} 之间的{zh}"


@dataclass(frozen=True)
class Setting:
    """An effective value and its origin: flag, file, guess or default."""

    value: object
    origin: str
    why: str = ""
    why_zh: str = ""

    def reason(self, language: str = "zh") -> str:
        """Return why, in `language`."""
        return self.why if language == "en" else self.why_zh or self.why


@dataclass(frozen=True)
class LayerSource:
    """Where a layer comes from (paths, or addresses of databases) and how to read it; `origin` as in `Setting`."""

    name: str
    source: tuple[Path | str, ...]
    layer: str | None = None
    query: str | None = None
    bbox: Sequence[float] | None = None
    crs: str | None = None
    datum: str | None = None
    encoding: str | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    constants: Mapping[str, object] = field(default_factory=dict)
    band: int | None = None
    unit: str | None = None
    classes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    origin: str = "file"
    why: str = ""
    why_zh: str = ""

    @property
    def files(self) -> tuple[Path, ...]:
        """The sources that are files or folders."""
        return tuple(one for one in self.source if isinstance(one, Path))

    @property
    def databases(self) -> tuple[str, ...]:
        """The sources that are addresses of databases."""
        return tuple(one for one in self.source if isinstance(one, str))

    def reason(self, language: str = "zh") -> str:
        """Return why, in `language`."""
        return self.why if language == "en" else self.why_zh or self.why


@dataclass(frozen=True)
class Project:
    """Settings and layers of one run.

    Attributes
    ----------
    path : Path
        The project file, or the folder of data.
    settings : mapping of str to Setting
        Every key of `keys`.
    sources : mapping of str to LayerSource
        Only the layers there are.
    left_out : tuple of (English, Chinese)
        Files of a folder that became no layer, each with the reason.
    """

    path: Path
    settings: Mapping[str, Setting]
    sources: Mapping[str, LayerSource]
    left_out: tuple[tuple[str, str], ...] = ()

    def __getitem__(self, key: str) -> object:
        return self.settings[key].value

    def text(self, key: str) -> str | None:
        """Return a text setting, or None where it is not set."""
        value = self[key]
        return None if value in (None, "") else str(value)

    def number(self, key: str) -> float | None:
        """Return a number setting, or None where it is not set."""
        value = self[key]
        return None if value is None else float(value)  # type: ignore[arg-type]

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list setting."""
        value = self[key]
        return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else ()

    def file(self, key: str) -> Path | None:
        """Return the path of a file setting, or None where it is not set."""
        value = self.text(key)
        return None if value is None else self.folder / value

    @property
    def folder(self) -> Path:
        """The folder relative paths start from."""
        return self.path if self.path.is_dir() else self.path.parent

    @property
    def language(self) -> str:
        """Language of reports, zh or en."""
        return self.text("project.language") or "zh"

    @property
    def as_of(self) -> date | None:
        """Day the figures are of."""
        value = self["project.as_of"]
        return value if isinstance(value, date) else None

    def guess(self, key: str, value: object, why: str, why_zh: str) -> Project:
        """Return a copy in which a setting nobody stated is guessed; a stated one stays."""
        if self.settings[key].origin != "default":
            return self
        return replace(self, settings={**self.settings, key: Setting(value, "guess", why, why_zh)})


@cache
def keys() -> dict[str, Key]:
    """Return every key of the project file outside `[layers]`, in order."""
    text = resources.files("layers").joinpath("tables/project.csv").read_text("utf-8")
    return {
        row["key"]: Key(
            row["key"],
            row["type"],
            tuple(filter(None, row["choices"].split("|"))),
            _default(row["type"], row["default"]),
            row["label_zh"],
            row["label_en"],
            float(row["at_least"] or -math.inf),
            float(row["at_most"] or math.inf),
        )
        for row in csv.DictReader(text.splitlines())
    }


def _default(kind: str, text: str) -> object:
    if kind == "texts":
        return text.split("|") if text else []
    if not text:
        return None
    if kind in {"number", "integer", "boolean"}:
        return tomllib.loads(f"v = {text}")["v"]
    return text


def defaults() -> dict[str, Setting]:
    """Return every setting at its default; `project.as_of` is today."""
    settings = {name: Setting(key.default, "default") for name, key in keys().items()}
    return settings | {"project.as_of": Setting(date.today(), "default", "today", "当天")}  # noqa: DTZ011  (a calendar day)


def load(path: str | Path, flags: Mapping[str, str] | None = None) -> Project:
    """Read a project file.

    Parameters
    ----------
    path : path
        A `.toml` file, or a folder that holds a `project.toml`.
    flags : mapping, optional
        ``KEY=VALUE`` pairs of ``--set``; they win over the file.

    Raises
    ------
    ProjectError
        The file is no TOML, a key is unknown, a value is of the wrong kind, a layer is unknown.
    SourceError
        There is no such file or folder.
    """
    path = Path(path)
    if not path.exists():
        siblings = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        like = nearest(path.name, siblings)
        raise SourceError(
            f"{path}: no such file or folder." + (f" Did you mean {like}?" if like else ""),
            f"{path}：文件或文件夹不存在。" + (f"是否指 {like}？" if like else ""),
        )
    if path.is_dir():
        path = path / "project.toml"
    try:
        return loads(path.read_text("utf-8-sig"), path, flags)
    except UnicodeDecodeError as error:
        raise ProjectError(
            f"{path}: not a UTF-8 text ({error.reason}). A project file is TOML, saved as UTF-8.",
            f"{path}：不是 UTF-8 文本。项目文件应为以 UTF-8 保存的 TOML 文件。",
        ) from error


def loads(text: str, path: Path, flags: Mapping[str, str] | None = None) -> Project:
    """Read a project from TOML text; `path` is where relative sources start from."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(f"{path}: not valid TOML: {error}.", f"{path}：TOML 语法错误：{error}。") from error
    stated = dict(document)
    layer_tables = stated.pop("layers", {})
    settings = defaults()
    for name, value in _flat(stated).items():
        settings[name] = Setting(_checked(name, value, str(path)), "file")
    if not isinstance(layer_tables, dict):
        raise ProjectError(f"{path}: [layers] must hold one table a layer.", f"{path}：[layers] 下应为各图层的表。")
    sources = {name: _layer(name, table, path) for name, table in layer_tables.items()}
    return with_flags(Project(path, settings, sources), flags)


def _flat(tables: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in tables.items():
        if isinstance(value, dict) and not prefix:
            flat |= _flat(value, f"{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _checked(name: str, value: object, where: str) -> object:
    """Return the value as its key wants it, or say what is wrong."""
    key = keys().get(name)
    if key is None:
        raise _unknown(name, keys(), where)
    if not key.fits(value):
        expected_en, expected_zh = key.expected()
        like = nearest(str(value), key.choices) if key.choices else None
        shown = _shown(value)
        raise ProjectError(
            f"{where}: {name} = {shown}. Expected {expected_en}." + (f' Did you mean "{like}"?' if like else ""),
            f"{where}：{name} = {shown}。应为 {expected_zh}。" + (f"是否指“{like}”？" if like else ""),
        )
    return value


def _shown(value: object) -> str:
    """A value as people wrote it, bounded; dates as dates."""
    text = value.isoformat() if isinstance(value, date) else repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _unknown(name: str, known: Mapping[str, object] | tuple[str, ...], where: str) -> ProjectError:
    """Name the nearest key, and those of the same table; of a table nobody knows, the tables there are."""
    like = nearest(name, known)
    table = name.partition(".")[0]
    beside = [key for key in known if "." in name and key.startswith(f"{table}.")]
    tables = list(dict.fromkeys(f"[{key.partition('.')[0]}]" for key in known)) if "." in "".join(known) else []
    shown = beside or tables or list(known)
    kind_en, kind_zh = ("Tables", "可用的表") if shown is tables else ("Known keys", "可用")
    return ProjectError(
        f'{where}: "{name}" is not a key of the project file.' + (f' Did you mean "{like}"?' if like else "")
        + f" {kind_en}: {', '.join(shown)}.",
        f"{where}：项目文件没有“{name}”这一项。" + (f"是否指“{like}”？" if like else "")
        + f"{kind_zh}：{'、'.join(shown)}。",
    )  # fmt: skip


def _layer(name: str, table: object, path: Path) -> LayerSource:
    where = f"{path} [layers.{name}]"
    if name not in SOURCES:
        raise _unknown(name, SOURCES, f"{path} [layers]")
    if not isinstance(table, dict) or "source" not in table:
        raise ProjectError(f'{where}: a layer needs source = "FILE".', f'{where}：图层需要 source = "文件"。')
    allowed = RASTER_KEYS.get(name, LAYER_KEYS)
    for key in table:
        if key not in allowed:
            raise _unknown(key, allowed, where)
    stated = {key: _layer_value(where, key, value) for key, value in table.items() if key != "source"}
    layer = LayerSource(name=name, source=_paths(table["source"], path, where), **stated)
    if name in RASTERS and layer.databases:
        raise ProjectError(
            f"{where}: a raster is read from a file, not from a database. Export it as GeoTIFF.",
            f"{where}：栅格应为文件，不能来自数据库。请导出为 GeoTIFF。",
        )
    if name == "land_cover":
        require_classes(where, layer.classes)
    return layer


def _paths(value: Any, path: Path, where: str) -> tuple[Path | str, ...]:  # noqa: ANN401  (as TOML has it)
    """The sources of a layer; relative ones start from the project file, an address of a database stays as it is."""
    sources = value if isinstance(value, list) else [value]
    if not sources or not all(isinstance(item, str) and item for item in sources):
        raise ProjectError(
            f"{where}: source must be a path or a list of paths.", f"{where}：source 应为路径或路径列表。"
        )
    folder = path if path.is_dir() else path.parent
    for item in sources:
        require_address(item)
    return tuple(item if is_database(item) else folder / item for item in sources)


#: Keys of a layer that are not `source`: what they want, in English and Chinese.
_LAYER_KINDS = {
    "layer": ("the name of a layer in the file, or schema.table of a database", "文件中图层的名称，或数据库的 模式.表"),
    "query": ('a text such as "SELECT * FROM land.parcels"', '文本，如 "SELECT * FROM land.parcels"'),
    "bbox": (
        "west, south, east, north in coordinates of the table, such as [500000, 3340000, 520000, 3360000]",
        "四个数：西、南、东、北，用表自身的坐标，如 [500000, 3340000, 520000, 3360000]",
    ),
    "crs": ('a CRS such as "EPSG:4549"', '坐标系，如 "EPSG:4549"'),
    "datum": (" | ".join(_DATUMS), " | ".join(_DATUMS)),
    "encoding": ('an encoding such as "GB18030"', '编码，如 "GB18030"'),
    "columns": ('a table such as { parcel_id = "TBBH" }', '表，如 { parcel_id = "TBBH" }'),
    "constants": ('a table such as { zone_name = "A" }', '表，如 { zone_name = "高新区" }'),
    **RASTER_KINDS,
}


def _layer_value(where: str, key: str, value: Any) -> Any:  # noqa: ANN401  (each key has a type of its own)
    """Return the value of a key of a layer, or say what is wrong."""
    fits = isinstance(value, dict if key in {"columns", "constants"} else str)
    if key == "crs":
        fits = isinstance(value, (str, int)) and not isinstance(value, bool)
    if key == "datum":
        fits = isinstance(value, str) and value in _DATUMS
    if key == "bbox":
        fits = _is_box(value)
    if key in RASTER_KINDS:
        fits = fits_raster(key, value)
    if not fits:
        raise _misfit(where, key, value, *_LAYER_KINDS[key])
    if key == "encoding":
        given(value)
    if key == "columns":
        for column, spec in value.items():
            _require_column_spec(f"{where} columns", column, spec)
    if key == "constants":
        for column, one in value.items():
            if isinstance(one, (list, dict)):
                raise _misfit(f"{where} constants", column, one, "one value for every row", "用于每一行的单个值")
    return value


def _is_box(value: object) -> bool:
    numbers = value if isinstance(value, list) else []
    if len(numbers) != 4 or not all(type(one) in {int, float} and math.isfinite(one) for one in numbers):
        return False
    return bool(numbers[0] < numbers[2] and numbers[1] < numbers[3])


def _require_column_spec(where: str, column: str, spec: object) -> None:
    words = list(spec.values()) if isinstance(spec, dict) else [spec]
    for key in spec if isinstance(spec, dict) else ():
        if key not in ("name", "unit"):
            raise _unknown(key, ("name", "unit"), f"{where}.{column}")
    if not all(isinstance(word, str) for word in words):
        wanted = ('a title, or { name = "…", unit = "…" }', '字段名，或 { name = "…", unit = "…" }')
        raise _misfit(where, column, spec, *wanted)


def _misfit(where: str, key: str, value: object, en: str, zh: str) -> ProjectError:
    shown = _shown(value)
    return ProjectError(f"{where}: {key} = {shown}. Expected {en}.", f"{where}：{key} = {shown}。应为{zh}。")


def with_flags(project: Project, flags: Mapping[str, str] | None) -> Project:
    """Return a copy in which ``KEY=VALUE`` pairs of ``--set`` win over the file."""
    settings, sources = dict(project.settings), dict(project.sources)
    for name, text in (flags or {}).items():
        if name.startswith("layers."):
            sources |= _layer_flag(name, text, sources, project.path)
            continue
        whole, *inside = _of_table(name)
        value = _flag_value(whole, text) if not inside else _within(settings[whole].value, inside, _plain_value(text))
        settings[whole] = Setting(_checked(whole, value, "--set"), "flag")
    return replace(project, settings=settings, sources=sources)


def _of_table(name: str) -> list[str]:
    """Split ``plan.costs.retire`` into the key that holds a table, and the way into it; other names stay whole."""
    head, *rest = name.split(".")
    whole = f"{head}.{rest[0]}" if rest else head
    key = keys().get(whole)
    return [whole, *rest[1:]] if key is not None and key.type == "table" and all(rest) else [name]


def _within(table: object, inside: Sequence[str], value: object) -> dict[str, object]:
    """Return a copy of a table with one value of it, or of a table in it, set anew; the others stay."""
    known = dict(table) if isinstance(table, dict) else {}
    first, *deeper = inside
    return known | {first: _within(known.get(first), deeper, value) if deeper else value}


def _flag_value(name: str, text: str) -> object:
    """A flag is text; its key says what it means. Lists may be given as TOML or with commas."""
    key = keys().get(name)
    if key is None:
        raise _unknown(name, keys(), "--set")
    if key.type in {"text", "choice", "file"} or (key.type == "rules" and not text.strip().startswith("[")):
        return text
    if key.type == "texts" and not text.strip().startswith("["):
        return [item.strip() for item in text.split(",") if item.strip()]
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError as error:
        en, zh = key.expected()
        raise ProjectError(
            f"--set {name}={text}: expected {en} ({error}).", f"--set {name}={text}：应为{zh}（{error}）。"
        ) from error


def _layer_flag(name: str, text: str, sources: Mapping[str, LayerSource], path: Path) -> dict[str, LayerSource]:
    """Apply one flag of a layer, such as ``layers.parcels.columns.parcel_id=TBBH``."""
    _, layer, *rest = name.split(".")
    if layer not in SOURCES:
        raise _unknown(layer, SOURCES, "--set")
    key = rest[0] if rest else ""
    allowed = RASTER_KEYS.get(layer, LAYER_KEYS)
    if key not in allowed or len(rest) > (2 if key in {"columns", "constants"} else 1):
        raise _unknown(".".join(rest), allowed, f"--set {name}")
    if key == "source":
        paths = _paths(_plain_value(text) if text.startswith("[") else text, path, f"--set {name}")
        known = sources.get(layer)
        if known is None or known.origin == "guess":  # what was guessed of another file does not hold of this one
            return {layer: LayerSource(layer, paths, origin="flag")}
        return {layer: replace(known, source=paths, origin="flag")}
    if layer not in sources:
        raise ProjectError(
            f"--set {name}: the project has no layer {layer}.", f"--set {name}：项目中没有图层 {layer}。"
        )
    value: Any = _plain_value(text) if key in {"bbox", "band", "classes"} else text
    if key in {"columns", "constants"}:
        table = {rest[1]: _plain_value(text)} if len(rest) > 1 else _plain_value(text)
        value = {**getattr(sources[layer], key), **table} if isinstance(table, dict) else table
    return {layer: replace(sources[layer], **{key: _layer_value("--set", key, value)})}


def _plain_value(text: str) -> object:
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text
