"""A project converted once (转换数据集), so that figures of a province come from one small machine.

Every layer is read, mended for measuring and placed as `layers.intake` does it, and written as what figures
are made of: parcels and buildings in parts on the same ground, the small layers whole, the settings, the
findings and the ledger. Heights of rasters are in the buildings. The figures of the converted project are
those of the project itself, to the last bit. The folder appears when all of it is written.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj

from layers.checks_made import checks_made
from layers.findings_file import FINDINGS, write_findings
from layers.flow import OF_ALL, Flow, added_up
from layers.intake import Intake, gather, inspect, read_source, refuse
from layers.numbering import NTH, nth_of_id, number_over_parts
from layers.output import new_folder
from layers.partitioning import foreign_to_dataset, write_partitions
from layers.partitions import Partitions
from layers.plain import bare, jsonable, plain
from layers.project import LayerSource, Project, Setting, keys
from layers.propose import toml_value
from layers.roles import SOURCES
from layers.store import INTAKE, PARTED, PROJECT_FILE, SCHEMA
from layers.writing import write

__all__ = ["convert"]

Progress = Callable[[float, str], None]
Gathered = Callable[[Intake], object]
Rows = npt.NDArray[np.int64]


def convert(
    project: Project,
    folder: str | Path,
    *,
    rows: int = 65_536,
    thorough: bool = False,
    overwrite: bool = False,
    gathered: Gathered | None = None,
    progress: Progress | None = None,
) -> Path:
    """Convert a project into a folder that is measured part by part.

    Parameters
    ----------
    project : Project
    folder : path
        Gets ``project.toml``, ``intake.json``, ``findings.parquet``, ``parcels/`` and ``buildings/`` (partitioned
        GeoParquet) and one ``.parquet`` file for each other layer.
    rows : int
        So many parcels a part at most.
    thorough : bool
        Keep the findings of every check; else only what was found on the way and what would block any figure.
        Of a project with layers that come file by file, only the latter are looked for: `layers.check` needs
        a layer whole. Which checks were run stands in ``intake.json`` (``checks``).
    overwrite : bool
        Replace a converted project that is there.
    gathered : callable, optional
        Called once with the `Intake`, when every guess stands and before findings stop the conversion: here the
        guesses freeze. Of layers that come file by file that is after their last file.
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
    with (
        new_folder(target, foreign=_foreign, overwrite=overwrite) as work,
        tempfile.TemporaryDirectory(prefix="read-", dir=work.parent, ignore_cleanup_errors=True) as aside,
    ):
        flows = {name: Flow(name, Path(aside)) for name in PARTED}
        intake = gather(project, progress=_share(progress, 0.0, 0.5), reader=partial(_read, flows))
        flows = {name: flow for name, flow in flows.items() if flow.flows}
        told = inspect(intake, thorough=thorough and not flows)
        if gathered is not None and not flows:
            gathered(intake)
        refuse(told[~told["code"].isin(OF_ALL)] if flows else told)
        parted = _write_parted(work, intake, flows, rows, progress)
        if flows:
            intake, told = added_up(project, intake, flows, parted)
            if gathered is not None:
                gathered(intake)
            refuse(told)
        _write_small(work, intake)
        _write_documents(work, intake, told, flows, parted)
    return target


def _read(flows: Mapping[str, Flow], source: LayerSource, reference: gpd.GeoDataFrame | None) -> pd.DataFrame:
    """Read a layer; of one that comes file by file, what stands for it."""
    flow = flows.get(source.name)
    if flow is None:
        return read_source(source, reference)
    frame = read_source(source, reference, each=flow.take)
    flow.record, flow.crs = frame.attrs, getattr(frame, "crs", None)
    return frame


def _write_parted(
    work: Path, intake: Intake, flows: Mapping[str, Flow], rows: int, progress: Progress | None
) -> dict[str, Partitions]:
    """Write parcels and buildings, buildings cut like parcels."""
    parted: dict[str, Partitions] = {}
    names = [name for name in PARTED if name in intake.frames]
    for number, name in enumerate(names):
        flow = flows.get(name)
        whole = gpd.GeoDataFrame(bare(intake.frames[name]))
        whole.attrs = intake.frames[name].attrs
        parted[name] = write_partitions(
            whole if flow is None else partial(flow.frames, intake),
            work / name,
            rows=rows,
            like=parted.get("parcels"),
            layer=name,
            record=None if flow is None else flow.attrs,
            finish=partial(_finished, name, flow),
            progress=_share(progress, 0.5 + number / (2 * len(names)), 0.5 + (number + 1) / (2 * len(names)), name),
        )
        if name == "parcels":
            parted[name] = number_over_parts(parted[name])
    return parted


def _finished(name: str, flow: Flow | None, frame: gpd.GeoDataFrame, places: Rows) -> gpd.GeoDataFrame:
    """Make a part what is written: copies gone, every parcel with a name and its number among those of that name."""
    frame, places = (frame, places) if flow is None else flow.finish(frame, places)
    return _numbered(_named(frame, places), places) if name == "parcels" else frame


def _numbered(parcels: gpd.GeoDataFrame, places: Rows) -> gpd.GeoDataFrame:
    """Count the parcels of one id within a part; a count that the source brings along was made of other rows."""
    nth = nth_of_id(parcels["parcel_id"], parcels.geometry.to_numpy(), places)
    numbered = parcels.drop(columns=NTH, errors="ignore")
    numbered.insert(0, NTH, nth.astype("int32"))
    return numbered


def _named(parcels: gpd.GeoDataFrame, places: Rows) -> gpd.GeoDataFrame:
    """Name parcels without an id after their row, as `geo.land` does: rows have not stayed in that order."""
    unnamed = pd.Series([f"#{place + 1}" for place in places.tolist()], index=parcels.index, dtype="str")
    if "parcel_id" in parcels:
        return parcels.assign(parcel_id=parcels["parcel_id"].fillna(unnamed))
    parcels = parcels.copy(deep=False)
    parcels.insert(0, "parcel_id", unnamed)
    return parcels


def _share(progress: Progress | None, start: float, end: float, name: str = "") -> Progress | None:
    """Let a part of the work tell its fraction of the whole, and its name before every message."""
    if progress is None:
        return None
    return lambda fraction, message: progress(start + fraction * (end - start), f"{name} {message}".strip())


def _foreign(folder: Path) -> list[str]:
    """Name what in a folder is not of an earlier conversion."""
    names = sorted(path.name for path in folder.iterdir())
    if INTAKE not in names:
        return names
    ours = {INTAKE, FINDINGS, PROJECT_FILE, *(f"{name}.parquet" for name in SOURCES)}
    inner = [
        f"{name}/{one}" for name in PARTED if (folder / name).is_dir() for one in foreign_to_dataset(folder / name)
    ]
    return [name for name in names if name not in ours and name not in PARTED] + inner


def _write_small(work: Path, intake: Intake) -> None:
    for name, frame in intake.frames.items():
        if name not in PARTED:
            write(plain(frame), work / f"{name}.parquet")


def _write_documents(
    work: Path, intake: Intake, findings: pd.DataFrame, flows: Mapping[str, Flow], parted: Mapping[str, Partitions]
) -> None:
    settings, book = _anywhere(intake.project), intake.ledger
    for name, flow in flows.items():
        book[name] |= flow.sums(parted[name].rows)
    document = {
        "schema": SCHEMA,
        "crs": None if intake.crs is None else intake.crs.to_json_dict(),
        "settings": {
            name: {"value": one.value, "origin": one.origin, "why": one.why, "why_zh": one.why_zh}
            for name, one in settings.items()
        },
        "layers": {
            name: _small_entry(work / f"{name}.parquet", frame) if name not in PARTED else {"rows": parted[name].rows}
            for name, frame in intake.frames.items()
        },
        "findings": write_findings(findings, work / FINDINGS),
        "checks": checks_made(findings),
        "ledger": book,
    }
    (work / INTAKE).write_text(jsonable(document), encoding="utf-8")
    text = _project_text(settings, list(intake.frames), intake.crs, intake.project.language)
    (work / PROJECT_FILE).write_text(text, encoding="utf-8")


def _anywhere(project: Project) -> Mapping[str, Setting]:
    """Return the settings with whole paths of files: the dataset lies elsewhere than the project."""
    files = [name for name, key in keys().items() if _names_file(name, key.type, project[name])]
    whole = {name: str((project.folder / str(project[name])).resolve()) for name in files}
    return {name: replace(one, value=whole[name]) if name in whole else one for name, one in project.settings.items()}


def _names_file(name: str, kind: str, value: object) -> bool:
    """Tell whether a setting is the path of a file; a rule set may be named by its id or stand in the project too."""
    if not isinstance(value, str) or not value:
        return False
    return kind in {"file", "rules"} or (name == "grade.rules" and value.endswith(".toml"))


def _small_entry(path: Path, frame: pd.DataFrame) -> dict[str, Any]:
    attrs = {name: value for name, value in frame.attrs.items() if name != "findings"}  # they have a file of their own
    return {"rows": len(frame), "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "attrs": attrs}


def _project_text(settings: Mapping[str, Setting], layers: Sequence[str], crs: pyproj.CRS | None, language: str) -> str:
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
