"""A converted project, opened: settings, small layers, and the partitions of the large ones.

What `layers.converting` wrote comes back as it was: the frames that figures are made of, the settings with
where each came from, the findings and the ledger. Opening reads the small layers and the manifests, no parcel
and no finding; another process needs only the location to open the same. What the folder says is checked
before it is used, since others may have written it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj

from layers.checks_made import Checks, checks_named, say_checks
from layers.errors import ProjectError, SourceError
from layers.findings_file import FindingsFile, open_findings
from layers.partitions import Partitions, open_partitions
from layers.project import Project, Setting, loads, with_flags
from layers.roles import SOURCES
from layers.showing import show
from layers.storage import Storage, is_url, let_go, open_storage

__all__ = ["INTAKE", "PARTED", "PROJECT_FILE", "SCHEMA", "Store", "open_store"]

SCHEMA = "parkwise-intake/1"
INTAKE = "intake.json"
PROJECT_FILE = "project.toml"
#: Layers that are partitioned.
PARTED = ("parcels", "buildings")
#: Settings that the frames were made by: to change them is to convert again.
_SETTLED = ("project.as_of", "project.crs")
_ORIGINS = ("flag", "file", "guess", "default")


@dataclass(frozen=True)
class Store:
    """A converted project.

    Attributes
    ----------
    location : str
        Path or URL of the folder.
    project : Project
        Effective settings, each with its first origin (flag, file, guess, default).
    crs : pyproj.CRS or None
        The analysis CRS.
    small : dict
        What the manifest says of the small layers, by name.
    parted : dict of Partitions
        Parcels and buildings; parts of one number lie on the same ground.
    told : FindingsFile
        Where the findings lie.
    ledger : dict
        See `layers.intake.ledger`.
    checks : {"all", "conversion"}
        Which checks the findings come from; an older dataset does not say, so it counts as the fewer.
    """

    location: str
    project: Project
    crs: pyproj.CRS | None
    small: dict[str, dict[str, Any]]
    parted: dict[str, Partitions]
    told: FindingsFile
    ledger: dict[str, dict[str, Any]]
    checks: Checks = "conversion"

    def _repr_html_(self) -> str:
        large = [(name, one.rows, len(one.parts)) for name, one in self.parted.items()]
        small = [(name, entry.get("rows"), 1) for name, entry in self.small.items()]
        table = pd.DataFrame([*large, *small], columns=["layer", "rows", "parts"])
        return show(table, f"{self.location}  (checks: {self.checks})")._repr_html_()

    @cached_property
    def frames(self) -> dict[str, pd.DataFrame]:
        """The small layers, whole, with their ``attrs``; read when first asked for.

        The process that waits for others to measure does without: the parks of a province fill its memory too.

        Raises
        ------
        SourceError
            A file is missing, damaged, or in another CRS than the dataset.
        """
        storage = open_storage(self.location)
        try:
            frames = {name: _frame(storage, name, entry) for name, entry in self.small.items()}
        except _MALFORMED as error:
            raise _malformed(storage, error) from error
        drawn = {name: frame.crs for name, frame in frames.items() if isinstance(frame, gpd.GeoDataFrame)}
        _require_crs(storage, self.crs, drawn)
        return frames

    @cached_property
    def findings(self) -> pd.DataFrame:
        """What was found before anything was measured, see `layers.intake.inspect`; read when first asked for.

        Raises
        ------
        SourceError
            See `layers.findings_file.FindingsFile.read`.
        """
        return say_checks(self.told.read(), self.checks)

    def with_flags(self, flags: Mapping[str, str]) -> Project:
        """Return the settings with those of a command line above them.

        Raises
        ------
        ProjectError
            A key is not known, or a setting was changed that the data were made by.
        """
        for name in flags:
            if name.startswith("layers."):
                raise ProjectError(
                    f"--set {name}: {self.location} is converted, and its layers were read then. "
                    "Set it when converting the project again.",
                    f"--set {name}：{self.location} 已转换，图层在转换时读取。请在重新转换项目时设置。",
                )
        project = with_flags(self.project, flags)
        for name in _SETTLED:
            if project[name] != self.project[name]:
                raise _converted_with(self.location, name, project[name], self.project[name])
        return project


def open_store(folder: str | Path) -> Store | None:
    """Open a converted project.

    Parameters
    ----------
    folder : path or URL
        The folder, or the project file in it.

    Returns
    -------
    Store or None
        None where this is no converted project.

    Raises
    ------
    SourceError
        It is one, but a file of it is missing, damaged or of another kind.
    ProjectError
        The project file cannot be understood, or a setting was changed that the data were made by.
    """
    storage = open_storage(_folder(folder))
    if not storage.has(INTAKE):
        return None
    document = storage.document(INTAKE)
    if not str(document.get("schema")).startswith("parkwise-intake/"):
        return None  # a file of that name by somebody else
    if document["schema"] != SCHEMA:
        shown = repr(document["schema"])[:60]
        raise storage.damaged(INTAKE, f"schema {shown} is not {SCHEMA}", f"版本 {shown}，应为 {SCHEMA}")
    try:
        crs = None if document["crs"] is None else pyproj.CRS.from_json_dict(document["crs"])
        layers = {_layer(name): dict(entry) for name, entry in document["layers"].items()}
        parted = {name: open_partitions(storage.folder(name)) for name in PARTED if name in layers}
        told = open_findings(storage, document["findings"])
        small = {name: {**entry, "attrs": dict(entry["attrs"])} for name, entry in layers.items() if name not in PARTED}
        for name, entry in small.items():
            _content(storage, name, entry)  # damage is told before long work begins
        let_go()
        _agree(storage, crs, parted)
        return Store(
            # Workers on other machines look for it from folders of their own.
            location=storage.location if is_url(storage.location) else str(Path(storage.location).absolute()),
            project=_project(storage, document["settings"]),
            crs=crs,
            small=small,
            parted=parted,
            told=told,
            ledger={str(name): dict(entry) for name, entry in document["ledger"].items()},
            checks=checks_named(document.get("checks", "conversion")),
        )
    except _MALFORMED as error:
        raise _malformed(storage, error) from error


#: What a manifest that somebody wrote by hand may come to.
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, pyproj.exceptions.CRSError)


def _malformed(storage: Storage, error: Exception) -> SourceError:
    why = f"{type(error).__name__}: {str(error)[:160]}"
    return storage.damaged(INTAKE, why, why)


def _folder(folder: str | Path) -> str:
    text = str(folder)
    if PurePosixPath(text.replace("\\", "/")).name == PROJECT_FILE:
        return text[: -len(PROJECT_FILE)] or "."
    return text


def _layer(name: object) -> str:
    if name not in SOURCES:
        raise ValueError(f"{str(name)[:60]!r} is no layer")
    return str(name)


def _frame(storage: Storage, name: str, entry: Mapping[str, Any]) -> pd.DataFrame:
    """Read a small layer as it was."""
    held = pa.BufferReader(_content(storage, name, entry))
    drawn = b"geo" in (pq.read_schema(held).metadata or {})
    frame: pd.DataFrame = gpd.read_parquet(held) if drawn else pd.read_parquet(held)
    let_go()
    frame.attrs = dict(entry["attrs"])
    return frame


def _content(storage: Storage, name: str, entry: Mapping[str, Any]) -> bytes:
    """Return the file of a small layer, which must be the one that was written."""
    file = f"{name}.parquet"
    try:
        with storage.filesystem.open_input_file(storage.file(file)) as stream:
            content: bytes = stream.read()
        rows = pq.read_metadata(pa.BufferReader(content)).num_rows
    except FileNotFoundError as error:
        raise storage.damaged(file, "it is missing", "文件缺失") from error
    except (OSError, ValueError, pa.ArrowException) as error:
        raise storage.damaged(file, f"cut off or no Parquet: {str(error)[:120]}", "文件不完整或不是 Parquet") from error
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise storage.damaged(file, f"another checksum, {rows:,} rows", f"校验和不符，{rows:,} 行")
    return content


def _agree(storage: Storage, crs: pyproj.CRS | None, parted: Mapping[str, Partitions]) -> None:
    """Require that the large layers lie in the CRS of the dataset, and that buildings are cut like parcels."""
    _require_crs(storage, crs, {name: parts.crs for name, parts in parted.items()})
    if set(parted) == set(PARTED):
        one, other = (([part.first_key for part in parted[name].parts], parted[name].bounds) for name in PARTED)
        if one != other:
            raise storage.damaged("buildings", "not cut like the parcels", "与地块的分块不一致")


def _require_crs(storage: Storage, crs: pyproj.CRS | None, drawn: Mapping[str, pyproj.CRS | None]) -> None:
    others = [name for name, one in drawn.items() if one is not None and one != crs]
    if others:
        raise storage.damaged(others[0], "another CRS than the dataset", "坐标系与数据集不同")


def _project(storage: Storage, recorded: Mapping[str, Mapping[str, Any]]) -> Project:
    """Take settings from the project file; of those it did not change, the origin is known."""
    location = storage.file(PROJECT_FILE) if is_url(storage.location) else Path(storage.location) / PROJECT_FILE
    project = loads(storage.text(PROJECT_FILE), Path(location))
    settings = dict(project.settings)
    for name, setting in project.settings.items():
        known = _recorded(recorded.get(name), isinstance(setting.value, date))
        if known is None:
            continue
        if name in _SETTLED and setting.origin == "file" and setting.value != known.value:
            raise _converted_with(storage.location, name, setting.value, known.value)
        if name in _SETTLED or setting.value == known.value:
            settings[name] = known
    return replace(project, settings=settings)


def _converted_with(location: str, name: str, asked: object, known: object) -> ProjectError:
    return ProjectError(
        f"{location}: {name} = {asked}, but the data were converted with {known}. "
        "Convert the project again with the value you want.",
        f"{location}：{name} = {asked}，而数据按 {known} 转换。请用所需的值重新转换。",
    )


def _recorded(entry: Mapping[str, Any] | None, is_day: bool) -> Setting | None:
    if entry is None:
        return None
    if entry["origin"] not in _ORIGINS:
        raise ValueError(f"{str(entry['origin'])[:60]!r} is no origin")
    value = date.fromisoformat(entry["value"]) if is_day and entry["value"] is not None else entry["value"]
    return Setting(value, str(entry["origin"]), str(entry["why"]), str(entry["why_zh"]))
