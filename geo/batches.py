"""A city too large for memory, or for one core: batches of parcels with everything that touches them.

A batch is one part of a converted project (`layers.converting`). A building at home in it may stand on a
parcel of another part, and the other way round: both come along, so every figure of the batch is what the
whole city would give, to the last bit. How batches are spread over cores or machines is `geo.engine`'s.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from importlib import metadata
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.assessment import DEFAULT_LEVELS, Assessment, Attaching, Progress, asked_levels, attaching, conclude, layer_of
from geo.concentrations import outline_of
from geo.contributions import Contribution, Keep, add, contribute
from geo.engine import KeptFiles, fold
from geo.firms import MEASURES, named_parcels
from geo.footprints import measure_buildings
from geo.indicators import merge, tally
from geo.keeping import dump, load
from geo.land import EXTENSIVE, Beside, Land, Places, attach_to, join, places
from geo.land_use import classify
from geo.parcel_rows import parcel_rows, write_rows
from geo.renewal import tax_by_parcel
from geo.renewal.sources import DECIDING
from geo.survey import CLASSES
from layers.errors import SourceError
from layers.ground import is_ground
from layers.numbering import NTH
from layers.project import Project
from layers.store import Store, open_store

__all__ = ["Batch", "assess_store", "batches", "fingerprint", "industrial_parcels", "write_parcels"]

#: What figures are made of; other columns are read only where a report shows them.
_NEEDED = (
    "parcel_id", NTH, "land_use_code", "land_use_name", "recorded_area_m2", "owner_code", "status", *EXTENSIVE,
    *CLASSES, "floors", "height_m", "storey_height_m", "use", "height_from_raster",
)  # fmt: skip
#: What rules of the evidence ask of parcels and buildings beside it, by what is kept of the parcels.
_ASKED = {"all": None, "industrial": (*_NEEDED, *DECIDING, "built_year"), "named": _NEEDED}
#: Where a parcel of a joined land came from: number of the batch, row in it.
_HOME = ("batch", "row_in_batch")
#: Columns any of which gives a building its floor area.
_FLOORS = ("floors", "height_m", "floor_area_m2")


@dataclass(frozen=True)
class Batch:
    """A part of a converted project."""

    number: int
    rows: int


def batches(store: Store) -> list[Batch]:
    """Return the batches of a converted project: one a part of its parcels."""
    return [Batch(number, part.rows) for number, part in enumerate(store.parted["parcels"].parts)]


def assess_store(
    store: Store,
    project: Project | None = None,
    *,
    levels: Sequence[str] = DEFAULT_LEVELS,
    whole: bool = False,
    with_candidates: bool = False,
    scheduler: str = "processes",
    workers: int | None = None,
    work: Path | None = None,
    progress: Progress | None = None,
    rows: Callable[[int, int], None] | None = None,
) -> Assessment:
    """Run the chain on a converted project, batch by batch.

    Parameters
    ----------
    store : Store
    project : Project, optional
        Settings other than the store's own.
    levels : sequence of str
        See `indicators.LEVELS`. Figures by parcel keep every parcel in memory.
    whole : bool
        Keep every parcel, with all its columns, as reports and maps show them.
    with_candidates : bool
        Keep the industrial parcels, and look for candidates among them.
    scheduler, workers
        See `engine.fold`.
    work : path, optional
        Folder that keeps finished batches; the same run goes on from there.
    progress : callable, optional
        Called with (fraction, message).
    rows : callable, optional
        Called with (parcels done, parcels in all) after every batch.

    Returns
    -------
    Assessment
        Its figures equal those of `assessment.assess` to the last bit. Without `whole` its land holds the
        parcels that firms name and, for candidates, the industrial ones.
    """
    project = project or store.project
    tell = progress or (lambda *_: None)
    tell(0.05, "attach")
    every = whole or "parcel" in levels or ("enterprises" not in store.small and _taxed(store))
    stamp = fingerprint(store)
    by = tuple(level for level in asked_levels(levels) if level != "parcel")
    keep = "all" if every else "industrial" if with_candidates else "named"
    attached = attaching(project)
    total = fold(
        batches(store),
        partial(_contribution, location=store.location, stamp=stamp, attached=attached, levels=by, keep=keep),
        add,
        scheduler=scheduler,
        workers=workers,
        progress=rows,
        weight=lambda batch: batch.rows,
        kept=None if work is None else _kept(work, (stamp, _version(), attached, by, keep)),
    )
    if total is None:
        raise SourceError(
            f"{store.location}: the dataset holds no parcel. Convert the project again.",
            f"{store.location}：数据集中没有地块。请重新转换。",
        )
    land = replace(join(total.kept, _opened(store.location, stamp).where), unplaced=total.unplaced)
    if whole:
        land = replace(land, parcels=land.parcels.drop(columns=[*_HOME]))
    if "parcel" in levels:
        total = replace(total, sums=merge([total.sums, tally(land, None, ["parcel"])]))
    return conclude(
        project,
        land,
        total,
        store.frames,
        levels=levels,
        findings=store.findings,
        ledger=store.ledger,
        with_candidates=with_candidates or whole,
        progress=tell,
    )


def industrial_parcels(store: Store, project: Project | None = None) -> int:
    """Count the parcels of a converted project that are industrial (工业用地), by their class alone.

    Parameters
    ----------
    store : Store
        With parcels.
    project : Project, optional
        Settings other than the store's own.

    Raises
    ------
    SchemaError
        The parcels lack the column that the land-use system reads.
    """
    rules, ground = attaching(project or store.project), store.parted["parcels"]
    looks = (ground.values(number, ("land_use_code", "land_use_name")) for number in range(len(ground.parts)))
    return sum(int(classify(look, rules["system"], rules["industrial"])["industrial"].sum()) for look in looks)


def fingerprint(store: Store) -> str:
    """Return a name for what lies in a store: another one where any part or any small layer differs."""
    small = {name: entry["sha256"] for name, entry in sorted(store.small.items())}
    return _digest(({name: layer.parts for name, layer in store.parted.items()}, small))


def _digest(told: object) -> str:
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def _version() -> str:
    try:
        return metadata.version("parkwise")
    except metadata.PackageNotFoundError:  # run from a bare tree
        return ""


def _kept(work: Path, told: object) -> KeptFiles[Batch, Contribution]:
    """Keep contributions under a name for all they depend on."""
    return KeptFiles(work, _digest(told), dump, load, lambda batch: f"part-{batch.number:05}.zip")


def _taxed(store: Store) -> bool:
    """Whether parcels carry taxes of their own; then each is a firm, and none can be left out."""
    known = store.parted["parcels"].known
    return any(known.get(column) for column in MEASURES)


@dataclass(frozen=True)
class _Opened:
    """What all batches of a store share."""

    store: Store
    where: Places
    outline: npt.NDArray[np.object_] | None
    blank: bool


@lru_cache(maxsize=1)
def _opened(location: str, stamp: str) -> _Opened:  # noqa: ARG001  (a store that was written anew is opened anew)
    store = open_store(location)
    if store is None:
        raise SourceError(
            f"{location}: no converted project. Every worker must see the folder under this name.",
            f"{location}：不是已转换的项目。所有工作进程须能以此路径访问该文件夹。",
        )
    where = places(layer_of(store.frames, "parks"), layer_of(store.frames, "districts"))
    return _Opened(store, where, outline_of(where.parks), _blank(store))


def _blank(store: Store) -> bool:
    """Whether no building has a known floor area: looked up until one has."""
    standing = store.parted.get("buildings")
    if standing is None or not any(standing.known.get(column) for column in _FLOORS):
        return True
    looks = (standing.values(number, _FLOORS) for number in range(len(standing.parts)))
    return all(
        measure_buildings(look, pd.Series(1.0, index=look.index))["floor_area_m2"].isna().all() for look in looks
    )


def _contribution(
    batch: Batch, *, location: str, stamp: str, attached: Attaching, levels: Sequence[str], keep: str
) -> Contribution:
    """Compute what one batch adds; runs wherever the engine sends it.

    It is given no other settings than those that finished batches are kept under.
    """
    opened = _opened(location, stamp)
    columns = _ASKED[keep]
    if columns is not None and keep == "industrial":
        columns = (*columns, *filter(is_ground, opened.store.parted["parcels"].columns))
    parcels, buildings, beside = _touching(opened, batch.number, columns=columns)
    land = _at_home(_attached(opened, parcels, buildings, beside, attached), batch)
    kept: Keep | None = None if keep == "all" else partial(_needed, frames=opened.store.frames, keep=keep)
    return contribute(land, opened.outline, levels, keep=kept)


def _attached(
    opened: _Opened,
    parcels: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame | None,
    beside: Beside | None,
    attached: Attaching,
) -> Land:
    """Attach a batch; of a dataset written before parcels of one id were counted, each batch counts its own."""
    return attach_to(opened.where, parcels, buildings, beside=beside, numbered=NTH in parcels, **attached)


def _at_home(land: Land, batch: Batch) -> Land:
    """Write down where each parcel came from, for what is done batch by batch later."""
    rows = dict(zip(_HOME, (batch.number, np.arange(len(land.parcels))), strict=True))
    return replace(land, parcels=land.parcels.assign(**rows))


def write_parcels(
    store: Store,
    assessment: Assessment,
    folder: Path,
    *,
    scheduler: str = "processes",
    workers: int | None = None,
    rows: Callable[[int, int], None] | None = None,
) -> int:
    """Write the figures of every parcel as GeoParquet, a file a batch.

    Parameters
    ----------
    store : Store
    assessment : Assessment
        What `assess_store` found, not `whole`: firms are on parcels already.
    folder : Path
        Is there, and every worker can write in it.
    scheduler, workers, rows
        See `assess_store`.

    Returns
    -------
    int
        Parcels written.
    """
    taxes = tax_by_parcel(assessment.firms)
    if assessment.land is not None:
        taxes = taxes.join(assessment.land.parcels[[*_HOME]])
    step = partial(
        _write_batch,
        location=store.location,
        stamp=fingerprint(store),
        project=assessment.project,
        taxes=taxes,
        folder=folder.absolute(),
    )
    done = fold(
        batches(store),
        step,
        operator.add,
        scheduler=scheduler,
        workers=workers,
        progress=rows,
        weight=lambda batch: batch.rows,
    )
    return done or 0


def _write_batch(
    batch: Batch, *, location: str, stamp: str, project: Project, taxes: pd.DataFrame, folder: Path
) -> int:
    opened = _opened(location, stamp)
    parcels, buildings, beside = _touching(opened, batch.number, columns=_NEEDED)
    land = _attached(opened, parcels, buildings, beside, attaching(project))
    part, row = _HOME
    here = taxes[taxes[part] == batch.number].set_index(row)
    write_rows(parcel_rows(land, here), folder / f"part-{batch.number:05}.parquet")
    return len(land.parcels)


def _needed(land: Land, *, frames: Mapping[str, pd.DataFrame], keep: str) -> npt.NDArray[np.bool_]:
    needed = np.zeros(len(land.parcels), dtype=bool)
    if "enterprises" in frames:
        needed |= named_parcels(land, frames["enterprises"], frames.get("holdings"))
    if keep == "industrial":
        needed |= land.parcels["industrial"].fillna(value=False).to_numpy(dtype=bool)
    return needed


def _touching(
    opened: _Opened, number: int, columns: Sequence[str] | None
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame | None, Beside | None]:
    """Read the parcels of a batch, the buildings at home there, and what touches both from outside."""
    ground, standing = opened.store.parted["parcels"], opened.store.parted.get("buildings")
    parcels = ground.read(number, columns)
    if standing is None:
        return parcels, None, None
    buildings = standing.read(number, columns)
    visiting = standing.near(
        ground.parts[number].box, others=shapely.bounds(parcels.geometry.to_numpy()), besides=number, columns=columns
    )
    boxes = shapely.bounds(np.concatenate([buildings.geometry.to_numpy(), visiting.geometry.to_numpy()]))
    near = parcels.iloc[:0]
    if np.isfinite(boxes).any():
        around = (*np.nanmin(boxes[:, :2], axis=0), *np.nanmax(boxes[:, 2:], axis=0))
        near = ground.near(around, others=boxes, besides=number, columns=("parcel_id", NTH))
    return parcels, buildings, Beside(near, visiting, opened.blank)
