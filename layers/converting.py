"""A project converted once (转换数据集), so that figures of a province come from one small machine.

Every layer is read, mended for measuring and placed as `layers.intake` does it, and written as what figures
are made of: parcels and buildings in parts on the same ground, the small layers whole, the settings, the
findings and the ledger. Heights of rasters are in the buildings. The figures of the converted project are
those of the project itself, to the last bit. The folder appears when all of it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyproj

from layers.intake import Intake, gather, inspect, refuse
from layers.output import new_folder
from layers.partitioning import foreign_to_dataset, write_partitions
from layers.partitions import Partitions
from layers.plain import jsonable, plain
from layers.project import LAYERS, Project, Setting
from layers.propose import toml_value
from layers.store import INTAKE, PARTED, PROJECT_FILE, SCHEMA, Store, open_store
from layers.writing import write

__all__ = ["Store", "convert", "open_store"]

Progress = Callable[[float, str], None]


def convert(
    project: Project,
    folder: str | Path,
    *,
    rows: int = 65_536,
    thorough: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Convert a project into a folder that is measured part by part.

    Parameters
    ----------
    project : Project
    folder : path
        Gets ``project.toml``, ``intake.json``, ``parcels/`` and ``buildings/`` (partitioned GeoParquet) and one
        ``.parquet`` file for each other layer.
    rows : int
        About so many parcels a part.
    thorough : bool
        Keep the findings of every check; else only what was found on the way and what would block any figure.
    overwrite : bool
        Replace a converted project that is there.
    progress : callable, optional
        Called with (fraction, message).

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    BlockedError
        Findings make figures untrustworthy, as for `measure`.
    SourceError, SchemaError, ProjectError
        A layer cannot be read.
    OutputError
        The folder is there already, or the disk is full.
    """
    target = Path(folder)
    with new_folder(target, foreign=_foreign, overwrite=overwrite) as work:
        intake = gather(project, progress=_share(progress, 0.0, 0.5))
        told = inspect(intake, thorough=thorough)
        refuse(told)
        frames = dict(intake.frames)
        if "parcels" in frames:
            frames["parcels"] = _named(frames["parcels"])
        parcels: Partitions | None = None
        for number, name in enumerate([one for one in PARTED if one in frames]):
            parts = write_partitions(
                gpd.GeoDataFrame(frames[name]),
                work / name,
                rows=rows,
                like=parcels,
                layer=name,
                progress=_share(progress, 0.5 + number / 4, 0.75 + number / 4),
            )
            parcels = parts if name == "parcels" else parcels
        _write_small(work, {name: frame for name, frame in frames.items() if name not in PARTED})
        layers = {name: {"rows": len(frame), "attrs": frame.attrs} for name, frame in frames.items()}
        _write_documents(work, intake, layers, told)
    return target


def _share(progress: Progress | None, start: float, end: float) -> Progress | None:
    """Let a part of the work tell its fraction of the whole."""
    if progress is None:
        return None
    return lambda fraction, message: progress(start + fraction * (end - start), message)


def _foreign(folder: Path) -> list[str]:
    """Name what in a folder is not of an earlier conversion."""
    names = sorted(path.name for path in folder.iterdir())
    if INTAKE not in names:
        return names
    ours = {INTAKE, PROJECT_FILE, *(f"{name}.parquet" for name in LAYERS)}
    inner = [
        f"{name}/{one}" for name in PARTED if (folder / name).is_dir() for one in foreign_to_dataset(folder / name)
    ]
    return [name for name in names if name not in ours and name not in PARTED] + inner


def _named(parcels: pd.DataFrame) -> pd.DataFrame:
    """Name parcels without an id after their row, as `geo.land` does: rows will not stay in this order."""
    unnamed = pd.Series([f"#{row + 1}" for row in range(len(parcels))], index=parcels.index, dtype="str")
    ids = parcels["parcel_id"].astype("str").fillna(unnamed) if "parcel_id" in parcels else unnamed
    named = parcels.assign(parcel_id=ids)
    named.attrs = parcels.attrs
    return named


def _write_small(work: Path, frames: Mapping[str, pd.DataFrame]) -> None:
    for name, frame in frames.items():
        write(plain(frame), work / f"{name}.parquet")


def _write_documents(
    work: Path, intake: Intake, layers: Mapping[str, Mapping[str, Any]], findings: pd.DataFrame
) -> None:
    settings = intake.project.settings
    document = {
        "schema": SCHEMA,
        "crs": None if intake.crs is None else intake.crs.to_json_dict(),
        "settings": {
            name: {"value": one.value, "origin": one.origin, "why": one.why, "why_zh": one.why_zh}
            for name, one in settings.items()
        },
        "layers": layers,
        "findings": findings.to_dict("records"),
        "ledger": intake.ledger,
    }
    (work / INTAKE).write_text(jsonable(document), encoding="utf-8")
    text = _project_text(settings, layers, intake.crs, intake.project.language)
    (work / PROJECT_FILE).write_text(text, encoding="utf-8")


def _project_text(
    settings: Mapping[str, Setting], layers: Mapping[str, object], crs: pyproj.CRS | None, language: str
) -> str:
    """The settings that are no defaults, guesses with their reason, and the layers of this folder."""
    sections: dict[str, list[str]] = {}
    for name, setting in settings.items():
        if setting.origin == "default" and name != "project.as_of":
            continue
        section, key = name.split(".", 1)
        why = "" if setting.origin in {"file", "flag"} else f"   # {' '.join(setting.reason(language).split())}"
        sections.setdefault(section, []).append(f"{key} = {toml_value(setting.value)}{why}")
    if crs is not None and settings["project.crs"].origin == "default":
        chosen = "chosen from the data" if language == "en" else "由数据选定"
        sections.setdefault("project", []).append(f"# crs: {crs.name}   # {chosen}")
    lines = [line for section, entries in sections.items() for line in (f"[{section}]", *entries, "")]
    for name in layers:
        lines += [f"[layers.{name}]", f"source = {toml_value(name if name in PARTED else f'{name}.parquet')}", ""]
    return "\n".join(lines)
