"""Mends that are beyond doubt, with a ledger; and shapes fit for measuring.

`repair` makes new frames: broken rings whose land is the same however they are read, areas with stray
lines, vertices that stand twice in a row, records that stand twice. It never snaps, never closes a gap,
never moves a boundary, and changes no attribute. Every record it touches stands in the ledger with its
area before and after (m²; before as the shoelace formula gives it, in which the lobes of a ring that
crosses itself cancel), and rows before = rows after + rows removed. What it cannot mend stays as it came
and is told by `layers.check`. The rule is that of `layers.mending`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeGuard

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers import findings, records
from layers.mending import MEASURABLE, SAFE, Mended, mend, without_repeats
from layers.roles import POLYGON_LAYERS

__all__ = ["LEDGER_COLUMNS", "Repaired", "duplicate_of", "for_measuring", "repair", "same_shape"]

Shapes = npt.NDArray[np.object_]
Rows = npt.NDArray[np.int64]

LEDGER_COLUMNS = (
    "layer",
    "id",
    "row",
    "code",
    "action",
    "area_before_m2",
    "area_after_m2",
    "change_m2",
    "note_zh",
    "note_en",
)


#: Faults of shapes that have no area; of the others set aside the area is not known.
FLAT = ("geometry-collapsed", "geometry-dimension", "geometry-empty")


@dataclass(frozen=True)
class Repaired:
    """Mended layers and the ledger of what was done to them.

    Attributes
    ----------
    frames : dict of frames
        Every layer given, mended or as it came; the frames given are left untouched.
    ledger : DataFrame
        `LEDGER_COLUMNS`, one row a mend: ``action`` is ``geometry`` or ``removed``, ``row`` the position
        in the frame given (0-based).
    """

    frames: dict[str, pd.DataFrame]
    ledger: pd.DataFrame


def repair(frames: Mapping[str, pd.DataFrame]) -> Repaired:
    """Make the safe mends of every layer.

    Parameters
    ----------
    frames : mapping of layer name to frame
        Canonical layers in any CRS, each in its own.

    Returns
    -------
    Repaired
        Running it again changes nothing.

    Examples
    --------
    >>> from shapely import from_wkt
    >>> bow = from_wkt("POLYGON ((0 0, 10 10, 10 0, 0 10, 0 0))")
    >>> done = repair({"parcels": gpd.GeoDataFrame({"parcel_id": ["P1", "P1"]}, geometry=[bow, bow])})
    >>> len(done.frames["parcels"]), done.ledger[["row", "code", "action", "change_m2"]].to_numpy().tolist()
    (1, [[0, 'geometry-invalid', 'geometry', 50.0], [1, 'row-duplicate', 'removed', 0.0]])
    """
    out: dict[str, pd.DataFrame] = {}
    ledgers = []
    for layer, frame in frames.items():
        out[layer], ledger = _repair_layer(frame, layer) if _has_shapes(frame) else (frame.copy(), _ledger(layer))
        ledgers.append(ledger)
    filled = [ledger for ledger in ledgers if len(ledger)]
    return Repaired(out, pd.concat(filled, ignore_index=True) if filled else _ledger(""))


def _has_shapes(frame: pd.DataFrame) -> TypeGuard[gpd.GeoDataFrame]:
    return isinstance(frame, gpd.GeoDataFrame) and frame.active_geometry_name is not None


def _repair_layer(frame: gpd.GeoDataFrame, layer: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    mended = _mend_layer(frame, layer)
    safe = np.isin(mended.codes, SAFE)
    shapes, copies = without_repeats(np.where(safe, mended.shapes, records.shapes(frame)))
    fresh = frame.set_geometry(gpd.GeoSeries(list(shapes), index=frame.index, crs=frame.crs))
    original = duplicate_of(fresh)
    gone = original >= 0
    # A copy that is removed needs no mend of its own.
    changed = (safe | (copies > 0)) & ~gone
    ledger = pd.concat(
        [
            _changed_entries(frame, layer, np.flatnonzero(changed), mended, fresh),
            _removed_entries(frame, layer, np.flatnonzero(gone), original),
        ],
        ignore_index=True,
    )
    kept = fresh[~gone].reset_index(drop=True)
    kept.attrs = dict(frame.attrs)
    removed = ledger[ledger["action"] == "removed"]
    if len(removed):
        _set_aside(kept, "row-duplicate", removed["id"].to_numpy(), float(removed["area_before_m2"].sum()))
    return kept, ledger.sort_values("row", kind="stable", ignore_index=True)


def _mend_layer(frame: gpd.GeoDataFrame, layer: str) -> Mended:
    shapes = records.shapes(frame)
    if layer in POLYGON_LAYERS:
        return mend(shapes, records.m2_per_unit(frame))
    nothing = np.full(len(shapes), "", dtype="object")
    return Mended(shapes, nothing, nothing)


def _changed_entries(
    frame: gpd.GeoDataFrame, layer: str, rows: Rows, mended: Mended, fresh: gpd.GeoDataFrame
) -> pd.DataFrame:
    broken = np.isin(mended.codes[rows], SAFE)
    before, after = records.shapes(frame)[rows], records.shapes(fresh)[rows]
    copies = shapely.get_num_coordinates(before) - shapely.get_num_coordinates(after)
    told = list(zip(mended.reasons[rows], copies, broken, strict=True))
    return _ledger(
        layer,
        id=records.ids(frame, layer).to_numpy()[rows],
        row=rows,
        code=np.where(broken, mended.codes[rows], "repeated-points"),
        action="geometry",
        area_before_m2=records.land_m2(before, frame.crs),
        area_after_m2=records.land_m2(after, frame.crs),
        note_zh=[f"{why}：各种读法的范围一致，界址点未移动" if bad else f"去掉 {n} 个重复顶点" for why, n, bad in told],
        note_en=[
            f"{why}: every reading gives the same land, no vertex moved" if bad else f"{n} repeated vertices dropped"
            for why, n, bad in told
        ],
    )


def _removed_entries(frame: gpd.GeoDataFrame, layer: str, rows: Rows, original: Rows) -> pd.DataFrame:
    return _ledger(
        layer,
        id=records.ids(frame, layer).to_numpy()[rows],
        row=rows,
        code="row-duplicate",
        action="removed",
        area_before_m2=records.land_m2(records.shapes(frame)[rows], frame.crs),
        area_after_m2=0.0,
        note_zh=[f"与第 {original[row] + 1} 条记录完全相同" for row in rows],
        note_en=[f"the same as record {original[row] + 1}" for row in rows],
    )


def _ledger(layer: str, **entries: object) -> pd.DataFrame:
    """Return ledger rows of one layer; without entries, an empty ledger."""
    if not entries:
        return pd.DataFrame({column: pd.Series(dtype="object") for column in LEDGER_COLUMNS})
    rows = pd.DataFrame(entries).assign(layer=layer)
    rows["change_m2"] = rows["area_after_m2"] - rows["area_before_m2"]
    return rows[list(LEDGER_COLUMNS)]


def duplicate_of(frame: pd.DataFrame) -> Rows:
    """Return for each record the position of an earlier one that is its exact copy, else −1.

    A copy has the same shape (whatever vertex its rings begin at) and the same attributes, missing equal
    to missing. Records without a shape are never copies.
    """
    group = same_shape(records.shapes(frame))
    original = np.full(len(frame), -1, dtype="int64")
    suspects = np.flatnonzero(group >= 0)
    if len(suspects) == 0:
        return original
    table = frame.iloc[suspects].drop(columns=frame.active_geometry_name).reset_index(drop=True)
    for position in range(table.shape[1]):
        table.isetitem(position, pd.factorize(_hashable(table.iloc[:, position]))[0])
    table.columns = pd.RangeIndex(table.shape[1])
    alike = table.assign(shape=group[suspects]).groupby([*table.columns, "shape"], sort=False).ngroup().to_numpy()
    first = pd.Series(suspects).groupby(alike).transform("min").to_numpy()
    original[suspects] = np.where(first < suspects, first, -1)
    return original


def _hashable(values: pd.Series) -> pd.Series:
    """Return values that can be compared; lists and dicts, as GeoJSON may hold, become text."""
    if values.dtype != "object":
        return values
    return values.map(lambda value: repr(value) if isinstance(value, (list, dict, set, np.ndarray)) else value)


def same_shape(shapes: Shapes) -> Rows:
    """Return a group number for shapes that stand more than once, −1 for all others.

    Examples
    --------
    >>> one, turned = shapely.from_wkt(["POLYGON ((0 0, 1 0, 1 1, 0 0))", "POLYGON ((1 1, 0 0, 1 0, 1 1))"])
    >>> same_shape(np.array([one, shapely.Point(0, 0), turned, None])).tolist()
    [0, -1, 0, -1]
    """
    group = np.full(len(shapes), -1, dtype="int64")
    present = np.flatnonzero(~shapely.is_missing(shapes) & ~shapely.is_empty(shapes))
    suspects = present[pd.Series(_mixed(shapely.bounds(shapes[present]))).duplicated(keep=False).to_numpy()]
    if len(suspects):
        codes, _ = pd.factorize(shapely.to_wkb(shapely.normalize(shapes[suspects])))
        twice = np.bincount(codes)[codes] > 1
        group[suspects[twice]] = pd.factorize(codes[twice])[0]
    return group


def _mixed(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.uint64]:
    """Mix the bits of each row into one number: equal rows get equal numbers, others nearly always another."""
    bits = np.ascontiguousarray(boxes + 0.0).view("uint64")  # + 0.0: minus nought is nought
    mixed = np.zeros(len(bits), dtype="uint64")
    for column in range(bits.shape[1]):
        mixed = (mixed ^ bits[:, column]) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed


def for_measuring(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a copy of a layer whose shapes can all be measured, and what was done to it.

    Broken rings are mended for computing only; ambiguous ones are read as nonzero, holes taken away.
    Records without a measurable polygon, and exact copies of earlier records, are set aside, with their
    finding code as the reason, in ``attrs["set_aside"]``. The copy is never written to a file. A layer of
    points or without shapes is returned as it is.

    Parameters
    ----------
    frame : canonical layer; ``attrs["layer"]`` tells which

    Returns
    -------
    frame : valid polygons only, RangeIndex
    findings : DataFrame
        ``geometry-mended`` for each record mended here, ``geometry-set-aside`` for each reason.
    """
    layer = str(frame.attrs.get("layer", ""))
    if layer not in POLYGON_LAYERS or not _has_shapes(frame):
        return frame, findings.empty()
    mended = _mend_layer(frame, layer)
    usable = np.isin(mended.codes, MEASURABLE)
    touched = np.flatnonzero(usable & (mended.codes != ""))
    names = records.ids(frame, layer).to_numpy()
    told = [_mended_finding(layer, names, touched, mended, frame)] if len(touched) else []
    fit = frame.set_geometry(gpd.GeoSeries(list(mended.shapes), index=frame.index, crs=frame.crs))
    fit = fit[usable].reset_index(drop=True)
    fit.attrs = {**frame.attrs, "measurable": True}  # spares later rooms to ask every shape again
    for code in sorted(set(mended.codes[~usable])):
        out = names[mended.codes == code]
        _set_aside(fit, code, out, 0.0 if code in FLAT else None)
        told.append(findings.finding("geometry-set-aside", layer, found=f"{code}: {len(out)} / {len(frame)}"))
    copies = duplicate_of(fit) >= 0
    if copies.any():
        fit, twice = _without(fit, layer, copies)
        told.append(twice)
    return fit, findings.concat(told)


def _without(frame: gpd.GeoDataFrame, layer: str, copies: npt.NDArray[np.bool_]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Set aside exact copies of records: a parcel that stands twice has no more land than one."""
    rows = np.flatnonzero(copies)
    names = records.ids(frame, layer).to_numpy()[rows]
    area = float(records.land_m2(records.shapes(frame)[rows], frame.crs).sum())
    attrs = frame.attrs
    once = frame[~copies].reset_index(drop=True)
    once.attrs = attrs
    _set_aside(once, "row-duplicate", names, area)
    return once, findings.finding("row-duplicate", layer, ids=list(names), column="geometry")


def _mended_finding(layer: str, names: Shapes, rows: Rows, mended: Mended, frame: pd.DataFrame) -> pd.DataFrame:
    before = records.land_m2(records.shapes(frame)[rows], frame.crs)
    after = records.land_m2(mended.shapes[rows], frame.crs)
    found = [
        f"{code}: {old:,.2f} → {new:,.2f} m²" for code, old, new in zip(mended.codes[rows], before, after, strict=True)
    ]
    return findings.finding("geometry-mended", layer, ids=list(names[rows]), rows=rows, column="geometry", found=found)


def _set_aside(frame: pd.DataFrame, reason: str, ids: Shapes, area_m2: float | None) -> None:
    """Write into the ledger of `frame` that records left it."""
    entry = {"reason": reason, "count": len(ids), "area_m2": area_m2, "ids": [str(name) for name in ids[:5]]}
    frame.attrs["set_aside"] = [*frame.attrs.get("set_aside", []), entry]
