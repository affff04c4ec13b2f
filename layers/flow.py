"""A large layer that comes file by file: laid aside as it was read, made ready one frame after the other.

Where a layer lies and what it is can only be said when all of it has been seen; its rows need not stay in
memory for that. Each frame goes to a temporary file, a few rows of it stand for it meanwhile (those at the
edges among them, so that the extent is true). Later each comes back, is placed and mended as
`layers.intake` does it, and what was found adds up as if the layer had been read whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from layers import findings as faults
from layers.intake import Intake, count_uses, guessed, inspect, ready, unrecorded
from layers.partitions import Partitions
from layers.plain import bare, plain
from layers.project import Project
from layers.raster_values import FINDINGS
from layers.records import ids, land_m2, shapes
from layers.repairing import duplicate_of
from layers.storage import let_go

__all__ = ["OF_ALL", "Flow", "added_up"]

Rows = npt.NDArray[np.int64]

#: Findings that only show when every row has been seen.
OF_ALL = ("layers-apart", "layer-empty")
#: So many rows stand for a whole layer.
_STAND_IN = 20_000


@dataclass
class Flow:
    """One layer on its way; filled by `take`, `frames` and `finish`, in this order.

    Attributes
    ----------
    layer : str
    folder : Path
        For the files laid aside.
    record : dict
        ``attrs`` of the layer as read.
    crs : pyproj.CRS or None
        Of the layer as read: that of its first file.
    area_m2 : float
        Planar, of the rows that were written.
    """

    layer: str
    folder: Path
    record: Mapping[Any, Any] = field(default_factory=dict)
    crs: pyproj.CRS | None = None
    area_m2: float = 0.0
    _files: list[Path] = field(default_factory=list)
    _read: int = 0
    _told: list[pd.DataFrame] = field(default_factory=list)
    _copies: list[str] = field(default_factory=list)
    _aside: dict[str, dict[str, Any]] = field(default_factory=dict)
    _uses: list[pd.DataFrame] = field(default_factory=list)
    _by_record: bool = False
    _unrecorded: list[tuple[int, str]] = field(default_factory=list)

    def take(self, frame: pd.DataFrame, total: int) -> pd.DataFrame:
        """Lay aside one frame of `total`, and return what stands for it; the only one there is stays whole."""
        if total == 1 or not isinstance(frame, gpd.GeoDataFrame):
            return frame
        path = self.folder / f"{self.layer}-{len(self._files)}.parquet"
        gpd.GeoDataFrame(plain(frame)).to_parquet(path, index=False, compression="zstd")
        let_go()
        self._files.append(path)
        light = gpd.GeoDataFrame(bare(frame))
        few: pd.DataFrame = light.iloc[_few(light, max(20, _STAND_IN // total))]
        few.attrs = frame.attrs
        return few

    @property
    def flows(self) -> bool:
        """Whether there was more than one frame."""
        return bool(self._files)

    def frames(self, intake: Intake) -> Iterator[gpd.GeoDataFrame]:
        """Give the frames again, each placed and fit for measuring; files go as they are read."""
        self._by_record = self.layer == "parcels" and intake.project.text("project.area") == "recorded"
        for path in self._files:
            frame = gpd.read_parquet(path)
            let_go()
            path.unlink()
            frame.attrs = {"layer": self.layer}
            if self.crs is not None:
                frame = frame.set_crs(self.crs) if frame.crs is None else frame.to_crs(self.crs)
            fit, told = ready(self.layer, frame, intake.crs, intake.project)
            rows = told["row"].where(told["row"] < 0, told["row"] + self._read)
            self._told.append(told.assign(row=rows)[told["code"] != "geometry-set-aside"])
            self._read += len(frame)
            self._set_aside(fit.attrs.get("set_aside", []))
            yield gpd.GeoDataFrame(fit)

    def _set_aside(self, entries: Sequence[Mapping[str, Any]]) -> None:
        for entry in entries:
            known = self._aside.setdefault(entry["reason"], {**entry, "count": 0, "area_m2": 0.0, "ids": []})
            areas = (known["area_m2"], entry["area_m2"])
            known["area_m2"] = None if None in areas else sum(areas)
            known["count"] += entry["count"]
            known["ids"] = [*known["ids"], *entry["ids"]][:5]

    def finish(self, frame: gpd.GeoDataFrame, places: Rows) -> tuple[gpd.GeoDataFrame, Rows]:
        """Take exact copies out of a part, for they always meet in one: the first of the source stays."""
        order = np.argsort(places)
        gone = np.zeros(len(frame), dtype=bool)
        gone[order] = duplicate_of(frame.iloc[order]) >= 0
        if gone.any():
            names = ids(frame, self.layer)[gone].tolist()
            area = float(land_m2(shapes(frame)[gone], frame.crs).sum())
            self._told.append(faults.finding("row-duplicate", self.layer, ids=names, column="geometry"))
            self._copies += names
            self._set_aside([{"reason": "row-duplicate", "count": len(names), "area_m2": area, "ids": names[:5]}])
        kept = frame[~gone]
        self.area_m2 += float(kept.geometry.area.sum())
        places = places[~gone]
        if self.layer == "parcels":
            self._uses.append(count_uses(kept))
        if self._by_record:
            blank = unrecorded(kept).to_numpy()
            self._unrecorded += zip(places[blank].tolist(), ids(kept, self.layer)[blank].tolist(), strict=True)
        return gpd.GeoDataFrame(kept), places

    def attrs(self) -> dict[Any, Any]:
        """Return the record of the layer with all that was set aside."""
        aside = [self._aside[reason] for reason in self._reasons()]
        return {**self.record, "measurable": True, "set_aside": [*self.record["set_aside"], *aside]}

    def _reasons(self) -> list[str]:
        """In the order `layers.repairing.for_measuring` tells them: copies last."""
        return sorted(self._aside, key=lambda reason: (reason == "row-duplicate", reason))

    def findings(self) -> pd.DataFrame:
        """Return what was found while the layer was made fit for measuring."""
        aside = [
            faults.finding(
                "geometry-set-aside", self.layer, found=f"{reason}: {self._aside[reason]['count']} / {self._read}"
            )
            for reason in self._reasons()
            if reason != "row-duplicate"
        ]
        told = _once(faults.concat(self._told), self._copies)
        copies = told["code"] == "row-duplicate"
        return faults.concat([told[~copies], *aside, told[copies]])

    def uses(self) -> pd.DataFrame:
        """Return how often each land-use code and name stand together."""
        together = pd.concat(self._uses, ignore_index=True)
        pair = [name for name in together.columns if name != "rows"]
        return together.groupby(pair, dropna=False)["rows"].sum().reset_index() if pair else together

    def sums(self, rows: int) -> dict[str, Any]:
        """Return what the ledger says of the rows that were written, see `layers.intake.ledger`."""
        used, areas = round(self.area_m2, 2), [entry.get("area_m2") for entry in self.attrs()["set_aside"]]
        read = None if None in areas else round(used + sum(areas), 2)
        return {"used": rows, "area_used_m2": used, "area_read_m2": read}

    def without_record(self, rows: int) -> pd.DataFrame:
        """Return the finding that parcels record no area, as `layers.intake.inspect` tells it."""
        if not self._unrecorded:
            return faults.empty()
        of, column = f"{len(self._unrecorded)} / {rows}", "recorded_area_m2"
        names = [name for _, name in sorted(self._unrecorded)]
        return faults.finding("recorded-area-missing", self.layer, ids=names, column=column, found=of)


def added_up(
    project: Project, intake: Intake, flows: Mapping[str, Flow], parted: Mapping[str, Partitions]
) -> tuple[Intake, pd.DataFrame]:
    """Return what an intake with layers that came file by file is as a whole, and what was found in it.

    `project` is that without guesses: they are made again of what was counted in all files.

    The frames of these layers still stand for them: their ``attrs`` are those of the whole.
    """
    frames, mended = dict(intake.frames), []
    for name, frame in intake.frames.items():
        flow = flows.get(name)
        mended.append(intake.mended[intake.mended["layer"] == name] if flow is None else flow.findings())
        if flow is not None:
            frames[name] = frame if len(frame) and parted[name].rows else _some(parted[name])
            frames[name].attrs = flow.attrs()
    if "parcels" in flows:
        intake = replace(intake, project=guessed(project, frames, flows["parcels"].uses()))
    whole = replace(intake, frames=frames, mended=faults.concat(mended))
    told = inspect(whole, thorough=False)
    unsure = told["code"] == "layers-apart"
    wrong = unsure & ~told["layer"].map(lambda name: unsure.any() and _apart(name, frames, parted)).astype(bool)
    told = told[~wrong]
    if "parcels" in flows and intake.project.text("project.area") == "recorded":
        stands = flows["parcels"].without_record(parted["parcels"].rows)
        told = faults.concat([told[told["code"] != "recorded-area-missing"], stands])
    return whole, told.reset_index(drop=True)


def _once(told: pd.DataFrame, copies: Sequence[str]) -> pd.DataFrame:
    """Leave out what rasters told of copies: of a layer read whole these are gone before rasters are asked."""
    rasters = told[told["code"].isin(FINDINGS)]
    nth = rasters.iloc[::-1].groupby(["code", "id"]).cumcount()
    spare = rasters["id"].map(Counter(copies)).reindex(nth.index).fillna(0)
    return told.drop(index=nth.index[nth < spare])


def _some(parts: Partitions) -> gpd.GeoDataFrame:
    """Return the rows of the first part that has any."""
    return parts.read(next((number for number, part in enumerate(parts.parts) if part.rows), 0))


def _apart(name: str, frames: Mapping[str, pd.DataFrame], parted: Mapping[str, Partitions]) -> bool:
    """Whether no parcel touches any shape of a layer, looked at part by part."""
    ground = parted["parcels"]
    for number, part in enumerate(ground.parts):
        others = parted[name].near(part.box, columns=()) if name in parted else frames[name]
        shapes = ground.read(number, ()).geometry.to_numpy()
        if shapely.STRtree(shapes).query(gpd.GeoSeries(others.geometry).to_numpy(), predicate="intersects").size:
            return False
    return True


def _few(frame: gpd.GeoDataFrame, count: int) -> Rows:
    """Return rows spread over a frame, and those at its edges."""
    boxes = shapely.bounds(frame.geometry.to_numpy())
    known = np.flatnonzero(np.isfinite(boxes).all(axis=1))
    if not len(known):
        return np.arange(min(len(frame), count))
    edges = [known[pick(boxes[known, side])] for side, pick in enumerate((np.argmin, np.argmin, np.argmax, np.argmax))]
    return np.unique(np.concatenate([np.arange(0, len(frame), max(1, len(frame) // count)), edges]))
