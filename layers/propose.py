"""Looking at a folder of data and proposing a project: which file is which layer.

Every file is opened by `layers.info`; its name, columns and geometry speak for a role. Of several files
that speak for one role, those with the same columns are one layer; of different ones a file named for
the role goes first, then the one with most rows, and the others are told. Proposals are guesses and say
so: in a project made in memory each layer carries its reason, in a written project file the reasons
stand in comments.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layers.errors import ParkwiseError, SourceError
from layers.project import LayerSource, Project, defaults, keys, load, with_flags
from layers.roles import SOURCES
from layers.telling import in_chinese
from layers.titles import guess_role

__all__ = ["Proposal", "open_project", "project_text", "propose", "survey", "toml_value"]

_DEPTH, _MOST_FILES = 3, 500
_OURS = {"findings.gpkg", "results.gpkg", "findings.csv", "report.xlsx"}
_SIDECARS = {
    ".dbf", ".shx", ".prj", ".cpg", ".sbn", ".sbx", ".qpj", ".qmd", ".qix", ".xml", ".aux", ".ovr", ".txt", ".md",
    ".docx", ".doc", ".pdf", ".html", ".toml", ".lock", ".wld", ".tfw", ".qgz", ".qgs", ".png", ".jpg",
}  # fmt: skip


@dataclass(frozen=True)
class Proposal:
    """One layer of one file, and what it seems to be."""

    path: Path
    layer: str | None
    role: str | None
    why: str
    rows: int
    titles: tuple[str, ...]
    document: Mapping[str, Any]

    @property
    def named(self) -> bool:
        """Whether its name says what it is, not its columns alone."""
        return self.why.startswith("name ")


def survey(folder: Path) -> tuple[list[Proposal], list[tuple[Path, ParkwiseError]]]:
    """Open every file under `folder`; return what each layer seems to be, and the files that cannot be read."""
    if not folder.is_dir():
        raise SourceError(
            f"{folder}: there is no such folder. Name the folder that holds the layers.",
            f"{folder}：没有这个文件夹。请指明存放图层的文件夹。",
        )
    from layers.inspecting import info  # noqa: PLC0415  (a project file needs no look at the files)

    found: list[Proposal] = []
    unread: list[tuple[Path, ParkwiseError]] = []
    for path in _files(folder):
        try:
            document = info(path)
        except ParkwiseError as error:
            unread.append((path, error))
            continue
        several = len(document["layers"]) > 1
        for layer in document["layers"]:
            role = layer.get("role") or {}
            found.append(
                Proposal(
                    path=path,
                    layer=layer["name"] if several else None,
                    role=role.get("guess"),
                    why=str(role.get("why", "")),
                    rows=int(layer["rows"] or 0),
                    titles=tuple(column["title"] for column in layer["columns"]),
                    document=layer,
                )
            )
    return found, unread


def _files(folder: Path) -> Iterator[Path]:
    """Data files and geodatabases, sorted, a few folders deep, bounded in number."""
    seen = 0
    for root, folders, names in os.walk(folder):
        here = Path(root)
        geodatabases = sorted(name for name in folders if name.lower().endswith(".gdb"))
        folders[:] = sorted(
            name for name in folders
            if name not in geodatabases and not name.startswith((".", "__"))
            and len(here.relative_to(folder).parts) < _DEPTH
        )  # fmt: skip
        for name in [*geodatabases, *sorted(names)]:
            if name in _OURS or name.startswith((".", "~$")) or Path(name).suffix.lower() in _SIDECARS:
                continue
            seen += 1
            if seen > _MOST_FILES:
                raise SourceError(
                    f"{folder}: more than {_MOST_FILES} files. "
                    "Point at the folder of one city, or write a project file.",
                    f"{folder}：文件超过 {_MOST_FILES} 个。请指向单个城市的数据文件夹，或编写项目文件。",
                )
            yield here / name


def propose(folder: Path) -> Project:
    """Return a project made of guesses.

    Raises
    ------
    SourceError
        No file in the folder can be read as a layer, or one that is a layer by its name cannot be read.
    """
    found, unread = survey(folder)
    chosen = _choose(found)
    for path, error in unread:
        if _would_be(path) not in {None, *chosen}:
            raise error  # by its name the file is a layer that nothing else gives: to go on would leave it out
    if unread and not {"parcels", "enterprises"} & set(chosen):
        raise unread[0][1]
    if not chosen:
        told = _left_out(found, unread, {}) or (("It holds none", "其中没有文件"),)
        more_en, more_zh = (f"; {len(told)} in all", f"；共 {len(told)} 个") if len(told) > 5 else ("", "")
        raise SourceError(
            f"{folder}: no file could be recognised as a layer. {'; '.join(en for en, _ in told[:5])}{more_en}. "
            "Name the layers in a project file (parkwise init shows the shape of one).",
            f"{folder}：没有可识别为图层的文件。{'；'.join(zh for _, zh in told[:5])}{more_zh}。"
            "请在项目文件中写明各图层（parkwise init 可生成样例）。",
        )
    sources = {
        role: LayerSource(
            name=role,
            source=tuple(one.path for one in group),
            layer=group[0].layer,
            origin="guess",
            why=group[0].why,
            why_zh=in_chinese(group[0].why),
        )
        for role, group in chosen.items()
    }
    return Project(folder, defaults(), sources, _left_out(found, unread, chosen))


def _would_be(path: Path) -> str | None:
    """The layer a file is by its name alone, drawn or a table."""
    return guess_role(path.stem, [], "Polygon")[0] or guess_role(path.stem, [], None)[0]


def _left_out(
    found: list[Proposal], unread: list[tuple[Path, ParkwiseError]], chosen: Mapping[str, list[Proposal]]
) -> tuple[tuple[str, str], ...]:
    """Say of every file and layer that was not taken why not: nothing is left out silently."""
    taken = {(one.path, one.layer) for group in chosen.values() for one in group}
    told = [(f"{path.name}: {error.en}", f"{path.name}：{error.zh}") for path, error in unread]
    for one in found:
        if (one.path, one.layer) in taken:
            continue
        name = one.path.name if one.layer is None else f"{one.path.name} [{one.layer}]"
        if one.role is not None and one.role in chosen:
            other = chosen[one.role][0].path.name
            en, zh = f"not used, {other} is the {one.role} layer", f"未采用，{one.role} 图层取自 {other}"
            told.append((f"{name}: {en}", f"{name}：{zh}"))
        else:
            told.append((f"{name}: not used, {one.why}", f"{name}：未采用，{in_chinese(one.why)}"))
    return tuple(told)


def open_project(path: str | Path, flags: Mapping[str, str] | None = None) -> Project:
    """Open a project file, a folder with one, or a folder of data that is looked at.

    Raises
    ------
    ProjectError, SourceError
        See `layers.project.load` and `propose`.
    """
    path = Path(path)
    if path.is_dir() and not (path / "project.toml").is_file():
        return with_flags(propose(path), flags)
    return load(path, flags)


def _choose(found: list[Proposal]) -> dict[str, list[Proposal]]:
    """For each role the files of one shape; of different shapes one named for the role, then the one with most rows."""
    chosen: dict[str, list[Proposal]] = {}
    for role in SOURCES:
        groups: dict[tuple[tuple[str, ...], str | None], list[Proposal]] = {}
        for one in found:
            if one.role == role:
                groups.setdefault((one.titles, one.layer), []).append(one)
        if groups:
            chosen[role] = max(groups.values(), key=lambda group: (group[0].named, sum(one.rows for one in group)))
    return chosen


def project_text(folder: Path, start: Path, language: str = "zh") -> str:
    """Return a project file (TOML) with every guess in a comment.

    Parameters
    ----------
    folder : Path
        The data.
    start : Path
        The folder the project file will lie in: sources are written relative to it.
    language : str
        Language of the comments.
    """
    found, unread = survey(folder)
    chosen = _choose(found)
    lines = [
        "[project]",
        f'name = ""{_label("project.name", language)}',
        f'city = ""{_label("project.city", language)}',
    ]
    for name, setting in defaults().items():
        if name.startswith("project.") and name not in {"project.name", "project.city"}:
            lines.append(_line(name, setting.value, language))
    lines += ["", "[land_use]"]
    lines += [_line(name, None, language) for name in keys() if name.startswith("land_use.")]
    for role, group in chosen.items():
        lines += ["", f"[layers.{role}]", *_layer_lines(group, start, language)]
    taken = {(one.path, one.layer) for group in chosen.values() for one in group}
    others = [one for one in found if (one.path, one.layer) not in taken]
    if others or unread:
        lines += ["", "# 未采用的文件：" if language == "zh" else "# Files that were not taken:"]
        lines += [
            f"#   {_comment(_relative(one.path, start))} {_comment(one.layer or '')}"
            f"  {_comment(one.role or '?')}: {_comment(_reason(one.why, language))}"
            for one in others
        ]
        lines += [f"#   {_comment(_relative(path, start))}  {_comment(error.text(language))}" for path, error in unread]
    return "\n".join(lines) + "\n"


def _line(name: str, value: object, language: str) -> str:
    """A setting; one without a value is written as a comment to uncomment."""
    key = keys()[name]
    short = name.split(".", 1)[1]
    choices = f" ({' | '.join(key.choices)})" if key.choices else ""
    if value in (None, []):
        return f"# {short} = {_EMPTY[key.type]}{_label(name, language)}{choices}"
    return f"{short} = {toml_value(value)}{_label(name, language)}{choices}"


_EMPTY = {
    "texts": "[]",
    "text": '""',
    "choice": '""',
    "number": "0",
    "integer": "0",
    "boolean": "true",
    "date": "2025-12-31",
    "file": '""',
    "table": "{}",
    "tables": "[]",
    "rules": "[]",
}


def _label(name: str, language: str) -> str:
    key = keys()[name]
    return f"   # {key.label_zh if language == 'zh' else key.label_en}"


def _layer_lines(group: list[Proposal], start: Path, language: str) -> list[str]:
    paths = [_relative(one.path, start) for one in group]
    source = toml_value(paths[0]) if len(paths) == 1 else "[" + ", ".join(toml_value(path) for path in paths) + "]"
    lines = [f"source = {source}   # {_comment(_reason(group[0].why, language))}"]
    if group[0].layer is not None:
        lines.append(f"layer = {toml_value(group[0].layer)}")
    document = group[0].document
    crs = document.get("crs") or {}
    if crs.get("used") and crs.get("how") == "proposed":
        reason = crs.get("reason" if language == "en" else "reason_zh") or crs.get("reason") or ""
        lines.append(f"# crs = {toml_value(_code(str(crs['used'])))}   # {_comment(str(reason))}")
    encoding = document.get("encoding") or {}
    if encoding.get("how") == "guess":
        lines.append(f"# encoding = {toml_value(str(encoding['value']))}")
    mapped = [column for column in document.get("columns", []) if column.get("canonical")]
    if mapped:
        pairs = ", ".join(f"{column['canonical']} = {_column(column)}" for column in mapped)
        lines.append(f"# columns = {{ {_comment(pairs)} }}")
    return lines


def _code(described: str) -> str:
    """The code at the end of a described CRS, e.g. ``… CM 120E (EPSG:4549)``."""
    code = re.search(r"\((\w+:\d+)\)$", described)
    return code[1] if code else described


def _reason(why: str, language: str) -> str:
    return why if language == "en" else in_chinese(why)


def _column(column: Mapping[str, Any]) -> str:
    title = toml_value(str(column["title"]))
    return title if not column.get("unit") else f"{{ name = {title}, unit = {toml_value(str(column['unit']))} }}"


def toml_value(value: object) -> str:
    """Write a value as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # A TOML string is a JSON string, but for the delete character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{toml_value(str(key))} = {toml_value(item)}" for key, item in value.items()) + " }"
    return str(value)


def _comment(text: str) -> str:
    """Text for a comment: one line, whatever the file is called."""
    return " ".join(text.split())


def _relative(path: Path, start: Path) -> str:
    """A path as the project file writes it: with forward slashes, relative where that is possible."""
    try:
        return Path(os.path.relpath(path, start)).as_posix()
    except ValueError:  # another drive on Windows
        return path.as_posix()
