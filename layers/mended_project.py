"""A repaired project on disk: mended layers, the ledger of changes, a project file that reads them.

The layers keep their own CRS and every attribute (mapped columns under their canonical names, the others
under their own titles). The ledger names every record that was changed, removed, or set aside on reading.
The sources are never touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd

from layers.findings import codes
from layers.output import new_files
from layers.project import Project
from layers.propose import toml_value
from layers.raster_keys import RASTER_KEYS
from layers.repairing import LEDGER_COLUMNS, repair
from layers.writing import write

__all__ = ["Written", "write_repaired"]


@dataclass(frozen=True)
class Written:
    """What was written: files, and the ledger."""

    files: list[Path]
    ledger: pd.DataFrame

    def summary(self, language: str = "zh") -> str:
        """One line a kind of change: how many records, by how much their area changed."""
        if self.ledger.empty:
            return "无需修复" if language == "zh" else "nothing to mend"
        table = self.ledger.groupby(["layer", "code", "action"], sort=False)
        lines = [
            f"  {layer}: {codes()[str(code)].title[language]} [{code}] {action} × {len(rows)}, "
            f"Δ {rows['change_m2'].sum():+,.2f} m²"
            for (layer, code, action), rows in table
        ]
        return "\n".join(lines)


def write_repaired(
    project: Project, frames: Mapping[str, pd.DataFrame], folder: Path, *, overwrite: bool = False
) -> Written:
    """Mend what is safe and write layers, ``ledger.csv`` and ``project.toml`` into `folder`.

    Parameters
    ----------
    project : Project
    frames : mapping of str to frame
        As `layers.intake.read_layers` gives them, each in its own CRS.
    folder : Path
    overwrite : bool
        Replace files of an earlier run.

    Raises
    ------
    OutputError
        A file is there already, or the folder cannot be written.
    """
    mended = repair(frames)
    names = {name: f"{name}.gpkg" if _drawn(frame) else f"{name}.csv" for name, frame in mended.frames.items()}
    ledger = pd.concat([table for table in (mended.ledger, _set_aside(frames)) if len(table)] or [mended.ledger])
    with new_files(folder, [*names.values(), "ledger.csv", "project.toml"], overwrite=overwrite) as work:
        for name, frame in mended.frames.items():
            write(frame, work / names[name], layer=name)
        ledger.to_csv(work / "ledger.csv", index=False, encoding="utf-8-sig")
        (work / "project.toml").write_text(_project_text(project, names), encoding="utf-8")
    return Written([folder / name for name in (*names.values(), "ledger.csv", "project.toml")], ledger)


def _drawn(frame: pd.DataFrame) -> bool:
    return isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None


def _set_aside(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Rows that were set aside on reading are not in the mended files, so the ledger names them."""
    rows = [
        {
            "layer": name,
            "id": identity,
            "row": -1,
            "code": entry["reason"],
            "action": "set aside",
            "change_m2": -float(entry.get("area_m2") or 0.0) / max(int(entry["count"]), 1),
            "note_zh": codes()[entry["reason"]].title["zh"],
            "note_en": codes()[entry["reason"]].title["en"],
        }
        for name, frame in frames.items()
        for entry in frame.attrs.get("set_aside", [])
        for identity in _as_many(entry)
    ]
    return pd.DataFrame(rows, columns=list(LEDGER_COLUMNS))


def _as_many(entry: Mapping[str, object]) -> list[str]:
    """The ids that are known, blank for the others."""
    known = [str(item) for item in entry.get("ids") or []]  # type: ignore[attr-defined]
    count = int(entry["count"])  # type: ignore[call-overload]
    return (known + [""] * count)[:count]


def _project_text(project: Project, names: Mapping[str, str]) -> str:
    """The same settings, the mended files."""
    sections: dict[str, list[str]] = {}
    for name, setting in project.settings.items():
        if setting.origin in {"file", "flag"}:
            section, key = name.split(".", 1)
            sections.setdefault(section, []).append(f"{key} = {_value(setting.value)}")
    lines = [line for section, entries in sections.items() for line in (f"[{section}]", *entries, "")]
    for name, file in names.items():
        lines += [f"[layers.{name}]", f"source = {toml_value(file)}", ""]
    for name, source in project.sources.items():
        if name not in names:
            told = [(key, getattr(source, key)) for key in RASTER_KEYS.get(name, ()) if key != "source"]
            lines += [f"[layers.{name}]", f"source = {toml_value(str(source.files[0].resolve()))}"]
            lines += [*(f"{key} = {toml_value(value)}" for key, value in told if value not in (None, {})), ""]
    return "\n".join(lines)


def _value(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else toml_value(value)
