"""The door: whatever a planner has becomes a frame one can trust, and a record of what was settled.

`read` goes from a path (file, zip, folder, list) to a canonical layer; `attrs` of the frame tells the
source, the CRS, the columns and their units, what was guessed and why, which rows were set aside. It puts
together what other rooms know (sources, vector, sheets, crs, schema) and knows none of it itself.
Reading moves no shape and mends none; a datum is shifted only when asked for.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj

from layers import crs as doctor
from layers import findings as faults
from layers import rows, schema
from layers.datum import recognise, shift_geometry
from layers.errors import SchemaError, SourceError, first
from layers.loading import load, settle_crs
from layers.raw import Raw
from layers.roles import LINE_LAYERS, POLYGON_LAYERS
from layers.sources import DATABASE, RASTERS, SHEETS, Source, asking, open_sources
from layers.titles import guess_role
from layers.vector import in_pieces

__all__ = ["read"]

#: Where a file's own name stands in when the column is not there.
NAMED_BY_FILE = {"parks": "park_name", "districts": "district_name", "constraints": "kind", "facilities": "kind"}
#: No web map is off by so much (m); a degree is taken for 100 km.
_REACH_M = 5_000
#: So many shapes are held against the reference.
_LOOK = 2_500  # more than `datum.SAMPLE`: a part of a layer has no outline worth comparing
#: At least one of these must be there.
NEEDS = {"enterprises": ("enterprise_code", "enterprise_name"), "holdings": ("enterprise_code",)}


@dataclass(frozen=True)
class _Wishes:
    """What the user says about a source; None where nothing is said."""

    layer: str | None = None
    crs: str | int | pyproj.CRS | None = None
    datum: str | None = None
    encoding: str | None = None
    columns: schema.Mapping_ | None = None
    constants: Mapping[str, object] | None = None


def read(
    source: str | Path | Sequence[str | Path],
    as_: str | None = None,
    *,
    layer: str | None = None,
    query: str | None = None,
    bbox: Sequence[float] | None = None,
    crs: str | int | pyproj.CRS | None = None,
    datum: str | None = None,
    encoding: str | None = None,
    columns: schema.Mapping_ | None = None,
    constants: Mapping[str, object] | None = None,
    to_crs: str | int | pyproj.CRS | None = None,
    reference: gpd.GeoDataFrame | gpd.GeoSeries | None = None,
    each: Callable[[pd.DataFrame, int], pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Read a layer (读取图层) from a file, a zip, a folder, a database or several of them.

    Parameters
    ----------
    source : path, address or list of them
        ``postgresql://host/database`` is the address of a database. Several files, and the files of a folder or zip,
        become one layer with a column ``source_file``.
    as_ : str, optional
        parks, parcels, buildings, enterprises, holdings, districts, constraints, statistics, evaluations, targets,
        facilities or housing; None gives the source frame with its own titles.
    layer : str, optional
        Layer or sheet inside the file, table or view (``schema.table``) of a database; else it is chosen, and told.
    query : str, optional
        SELECT that gives the layer, of a database only and instead of `layer`.
    bbox : sequence of four floats, optional
        West, south, east, north in coordinates of the table: of a database, only shapes whose box meets this one.
    crs : str, optional
        Where the file says nothing or says it wrong.
    datum : {"gcj02", "bd09"}, optional
        The layer was drawn on a shifted web map; it is moved back.
    encoding : str, optional
        Where the file says nothing and the judgement fails.
    columns, constants : mapping, optional
        See `layers.schema.canonicalise`.
    to_crs : str, optional
        CRS of the result; else the one the file is in.
    reference : GeoDataFrame or GeoSeries, optional
        A layer whose place is sure; helps to settle the CRS.
    each : callable, optional
        For layers larger than memory: is given the frame of one file after the other, and how many there are
        (GeoParquet of millions of rows comes in pieces); what it returns stands for the file in the result.

    Returns
    -------
    GeoDataFrame, or DataFrame for a table without places
        Its ``attrs`` say what was found, guessed and set aside.

    Raises
    ------
    SourceError
        Missing, damaged, empty or unreadable, with the way to mend it.
    SchemaError
        The layer lacks what its role needs.
    """
    if as_ is not None:
        schema.columns(as_)
    wishes = _Wishes(layer, crs, datum, encoding, columns, constants)
    with (
        open_sources(source) as found,
        tempfile.TemporaryDirectory(prefix="parkwise-", ignore_cleanup_errors=True) as work,
    ):
        chosen, left_out = _of_role(asking(found, query, bbox, layer=layer, encoding=encoding), as_, layer)
        parts = _in_turn(chosen, as_, wishes, Path(work), reference, each)
    frame = _join(parts, as_, left_out)
    return _finish(frame, as_, chosen, to_crs)


def _in_turn(
    chosen: Sequence[Source],
    as_: str | None,
    wishes: _Wishes,
    work: Path,
    reference: gpd.GeoDataFrame | gpd.GeoSeries | None,
    each: Callable[[pd.DataFrame, int], pd.DataFrame] | None,
) -> list[pd.DataFrame]:
    """Read file after file; where somebody takes them one by one, large ones in pieces."""
    pieces = [in_pieces(one) if each is not None else [one] for one in chosen]
    total = sum(map(len, pieces))
    kept: list[pd.DataFrame] = []
    for of_one in pieces:
        settled = wishes
        for piece in of_one:
            frame = _one(piece, as_, settled, work / str(len(kept)), reference, several=len(chosen) > 1)
            settled = _as_settled(settled, frame) if len(of_one) > 1 else settled
            kept.append(frame if each is None else each(frame, total))
            shutil.rmtree(work / str(len(kept) - 1), ignore_errors=True)  # copies of what has been read
    return kept


def _as_settled(wishes: _Wishes, frame: pd.DataFrame) -> _Wishes:
    """What the first piece of a file has settled holds for the others: one file has one unit a column, one CRS."""
    settled = {
        column: {"name": entry["title"]} | ({"unit": entry["unit"]} if entry["unit"] not in (None, "1") else {})
        for column, entry in frame.attrs["columns"].items()
        if entry["title"] is not None and column in frame and frame[column].notna().any()
    }
    found = frame.attrs["crs"]
    crs = frame.crs if isinstance(frame, gpd.GeoDataFrame) and found["how"] == "proposed" else wishes.crs
    return replace(wishes, columns={**settled, **(wishes.columns or {})}, crs=crs)


def _of_role(found: Sequence[Source], as_: str | None, layer: str | None) -> tuple[list[Source], list[Source]]:
    """Leave out, of several files, those that are named like another layer; or keep the one named."""
    raster = [one for one in found if one.format in RASTERS]
    if raster and len(raster) == len(found):
        raise SourceError(
            f'"{found[0].shown}" is a raster, not a layer of shapes. Name it under [layers.height].',
            f"“{found[0].shown}”是栅格，不是矢量图层。请写在 [layers.height] 下。",
        )
    usable = [one for one in found if one not in raster]
    named = [one for one in usable if layer is not None and one.stem.casefold() == layer.casefold()]
    if named and len(usable) > 1:
        return named, []
    if as_ is None or len(usable) == 1:
        return usable, []
    roles = {one.shown: guess_role(one.stem, (), None if one.format in SHEETS else "Unknown")[0] for one in usable}
    if as_ in roles.values():
        kept = [one for one in usable if roles[one.shown] in (as_, None)]
        return kept, [one for one in usable if one not in kept]
    return usable, []


def _one(
    source: Source,
    as_: str | None,
    wishes: _Wishes,
    work: Path,
    reference: gpd.GeoDataFrame | gpd.GeoSeries | None,
    *,
    several: bool,
) -> pd.DataFrame:
    """Read one source up to its canonical form; its attrs carry the record."""
    raw = load(source, as_, wishes.layer if not several else _inner(wishes.layer, source), wishes.encoding, work)
    if as_ in POLYGON_LAYERS and raw.rows and not isinstance(raw.frame, gpd.GeoDataFrame):
        raise SchemaError(*_no_geometry(source, str(as_), raw))
    told: list[pd.DataFrame] = []
    if isinstance(raw.frame, gpd.GeoDataFrame):
        raw.frame, told = rows.flatten(raw.frame, as_ or "")
    verdict = settle_crs(raw, as_, wishes.crs, reference)
    raw.frame.attrs = {"aliases": raw.aliases, "notes": raw.notes, "cut_titles": raw.source.format == "ESRI Shapefile"}
    frame = raw.frame
    ledger = [{"reason": why, "count": count, "area_m2": None, "ids": ids} for why, count, ids in raw.set_aside]
    guessed = _guesses(raw, verdict)
    if as_ is not None:
        frame = schema.canonicalise(frame, as_, columns=wishes.columns, constants=wishes.constants)
        frame, named = _name_by_file(frame, as_, raw.source)
        guessed += frame.attrs["guessed"] + named
        told.append(pd.DataFrame(frame.attrs["findings"], columns=list(faults.COLUMNS)))
        if isinstance(frame, gpd.GeoDataFrame):
            attrs = frame.attrs
            frame, aside, why = rows.set_aside(frame, as_, _ids(frame, as_), raw.unreadable)
            frame.attrs = attrs
            ledger, told = ledger + aside, told + why
    if reference is not None and not wishes.datum:
        told += _look_for_shift(frame, reference, as_ or "", guessed)
    if wishes.datum and isinstance(frame, gpd.GeoDataFrame):
        frame = _from_datum(frame, wishes.datum, guessed)
    if several:
        frame = frame.assign(source_file=source.shown)
    frame.attrs = {
        "layer": as_,
        "source": {
            "paths": [source.shown],
            "layer": raw.layer,
            "format": source.format,
            "encoding": raw.encoding.value if raw.encoding else None,
            "rows": raw.rows,
            **_limits(source),
        },
        "crs": _crs_record(raw, verdict),
        "columns": frame.attrs.get("columns", {}),
        "guessed": guessed,
        "set_aside": ledger,
        "rows_read": raw.rows,
        "findings": faults.concat([*raw.findings, *told]).to_dict("records"),
    }
    return frame


def _limits(source: Source) -> dict[str, Any]:
    """What was asked of a database beyond a table."""
    asked = {"query": source.query, "bbox": None if source.bbox is None else list(source.bbox)}
    return {name: value for name, value in asked.items() if value is not None}


def _inner(layer: str | None, source: Source) -> str | None:
    return None if layer is not None and layer.casefold() == source.stem.casefold() else layer


def _no_geometry(source: Source, as_: str, raw: Raw) -> tuple[str, str]:
    return (
        f'"{source.shown}" has no geometry, but {as_} needs areas: 0 of {raw.rows:,} rows have one. '
        f"Expected polygons, or a column with WKT. Its columns: {first(raw.frame.columns, 8)}. "
        "Join the table to its shapes first.",
        f"“{source.shown}”没有图形，而 {as_} 需要面：{raw.rows:,} 行中 0 行有图形。应为面图层，或含 WKT 列。"
        f"其字段：{first(raw.frame.columns, 8)}。请先与图形关联。",
    )


def _guesses(raw: Raw, verdict: doctor.CrsVerdict | None) -> list[dict[str, Any]]:
    found = []
    if raw.encoding is not None and raw.encoding.how == "content":
        found.append(_guess("encoding", raw.encoding.value, raw.encoding.why_en, raw.encoding.why_zh))
    if verdict is not None and verdict.how == "proposed" and verdict.crs is not None:
        found.append(_guess("crs", doctor.describe(verdict.crs), verdict.reason_en, verdict.reason_zh))
    for told in raw.findings:
        for code, found_value in zip(told["code"], told["found"], strict=True):
            if code == "layer-chosen":
                found.append(_guess("layer", found_value, "one of several layers", "多个图层中选取其一"))
            if code == "column-shifted":
                found.append(_guess("column", found_value, "the header was shifted", "表头错位"))
    return found


def _guess(what: str, value: object, why_en: str, why_zh: str) -> dict[str, Any]:
    return {"what": what, "value": value, "why_en": why_en, "why_zh": why_zh}


def _crs_record(raw: Raw, verdict: doctor.CrsVerdict | None) -> dict[str, Any]:
    declared = doctor.describe(raw.crs) if raw.crs is not None else None
    if verdict is None:
        return {"declared": declared, "used": None, "how": None, "reason": "no geometry"}
    used = doctor.describe(verdict.crs) if verdict.crs is not None else None
    reason = {"reason": verdict.reason_en, "reason_zh": verdict.reason_zh}
    return {"declared": declared, "used": used, "how": verdict.how, **reason}


def _name_by_file(frame: pd.DataFrame, as_: str, source: Source) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Name what has no name column after its file; a division code in a district's file name is its code."""
    column = NAMED_BY_FILE.get(as_)
    if column is None or column in frame.columns:
        return frame, []
    attrs = frame.attrs
    names = [source.stem] if len(frame) == 1 else [f"{source.stem}-{number + 1}" for number in range(len(frame))]
    if as_ in {"constraints", "facilities"}:
        names = [source.stem] * len(frame)
    frame = frame.assign(**{column: pd.Series(names, index=frame.index, dtype="str")})
    guessed = [
        _guess(column, source.stem, "no such column; taken from the name of the file", "没有名称字段，取自文件名")
    ]
    code = re.search(r"(?<!\d)(\d{6})(?!\d)", source.stem)
    if as_ == "districts" and "district_code" not in frame.columns and code:
        frame = frame.assign(district_code=pd.Series(code[1], index=frame.index, dtype="str"))
        guessed.append(_guess("district_code", code[1], "taken from the name of the file", "取自文件名"))
    order = [name for name in schema.columns(as_)["column"] if name in frame.columns and name != "geometry"]
    others = [name for name in frame.columns if name not in order]
    frame = frame[order + others]
    frame.attrs = attrs
    return frame, guessed


def _ids(frame: pd.DataFrame, as_: str) -> pd.Series:
    table = schema.columns(as_)
    for kind in ("id", "label"):
        for column in table.loc[table["kind"] == kind, "column"]:
            if column in frame.columns and column != "geometry":
                named: pd.Series = frame[column].astype("object").where(frame[column].notna(), "").astype(str)
                return named
    return pd.Series([f"#{row}" for row in frame.index], index=frame.index)


def _look_for_shift(
    frame: pd.DataFrame, reference: gpd.GeoDataFrame | gpd.GeoSeries, layer: str, guessed: list[dict[str, Any]]
) -> list[pd.DataFrame]:
    """Hold a layer against one whose place is sure; a shift of web maps is told, never undone unasked."""
    if not isinstance(frame, gpd.GeoDataFrame) or frame.crs is None or reference.crs is None or not len(frame):
        return []
    few = gpd.GeoSeries(frame.geometry).dropna()
    few = few.iloc[:: max(1, len(few) // _LOOK)]
    placed = few.to_crs(4326)
    placed = placed[np.isfinite(placed.bounds).all(axis=1)]  # a CRS that does not fit the numbers is told elsewhere
    found = recognise(placed, _within_reach(gpd.GeoSeries(reference.geometry), placed).to_crs(4326), layer=layer)
    if found is None:
        return []
    why = (f"agrees best with the reference as {found.datum}", f"按 {found.datum} 与参考图层最为吻合")
    guessed.append(_guess("datum", found.datum, f"{why[0]}; not moved unless asked", f"{why[1]}；未经要求不作移动"))
    return [found.findings]


def _within_reach(reference: gpd.GeoSeries, placed: gpd.GeoSeries) -> gpd.GeoSeries:
    """Return the shapes of a reference that no shift takes out of reach: a province has a thousand times as many."""
    left, bottom, right, top = placed.to_crs(reference.crs).total_bounds
    reach = _REACH_M if reference.crs.is_projected else _REACH_M / 100_000
    low_x, low_y, high_x, high_y = reference.bounds.to_numpy().T
    meet = (low_x <= right + reach) & (high_x >= left - reach) & (low_y <= top + reach) & (high_y >= bottom - reach)
    return gpd.GeoSeries(reference[meet])


def _from_datum(frame: gpd.GeoDataFrame, datum: str, guessed: list[dict[str, Any]]) -> gpd.GeoDataFrame:
    attrs = frame.attrs
    shapes = gpd.GeoSeries(frame.geometry)
    degrees = shapes if shapes.crs is None or shapes.crs.is_geographic else shapes.to_crs(4326)
    moved = frame.set_geometry(shift_geometry(degrees, "wgs84", datum))
    moved.attrs = attrs
    guessed.append(_guess("datum", datum, "moved back to WGS 84, as asked", "按要求改正到 WGS 84"))
    return moved


def _join(parts: Sequence[pd.DataFrame], as_: str | None, left_out: Sequence[Source]) -> pd.DataFrame:
    """Put the sources of a layer under each other, in the CRS of the first."""
    attrs = [part.attrs for part in parts]
    if len(parts) == 1:
        frame = parts[0].reset_index(drop=True)
    else:
        drawn = [part for part in parts if isinstance(part, gpd.GeoDataFrame) and part.crs is not None]
        target = drawn[0].crs if drawn else None
        aligned = [
            part.to_crs(target)
            if isinstance(part, gpd.GeoDataFrame) and part.crs is not None and part.crs != target
            else part
            for part in parts
        ]
        frame = pd.concat([_bare(part) for part in aligned], ignore_index=True)
        if target is not None or any(isinstance(part, gpd.GeoDataFrame) for part in parts):
            frame = gpd.GeoDataFrame(frame, geometry="geometry", crs=target)
            frame = frame[[name for name in frame.columns if name != "geometry"] + ["geometry"]]
    record: dict[Any, Any] = dict(attrs[0])
    told = [pd.DataFrame(one["findings"], columns=list(faults.COLUMNS)) for one in attrs]
    titles = [frozenset(part.columns) - {"source_file"} for part in parts]
    if len(set(titles)) > 1:
        differing = sorted(frozenset.union(*titles) - frozenset.intersection(*titles))
        told.append(faults.finding("source-columns-differ", as_ or "", found=first(differing, 8)))
    if left_out:
        names = [one.shown for one in left_out]
        told.append(faults.finding("source-left-out", as_ or "", ids=names, found=names))
    record["source"] = attrs[0]["source"] | {
        "paths": list(dict.fromkeys(path for one in attrs for path in one["source"]["paths"])),
        "rows": sum(one["source"]["rows"] for one in attrs),
    }
    record["rows_read"] = record["source"]["rows"]
    record["guessed"] = [one for part in attrs for one in part["guessed"]]
    record["set_aside"] = _sum_ledgers([one for part in attrs for one in part["set_aside"]])
    record["columns"] = {column: entry for part in reversed(attrs) for column, entry in part["columns"].items()}
    record["findings"] = faults.concat(told).to_dict("records")
    frame.attrs = record
    return frame


def _bare(part: pd.DataFrame) -> pd.DataFrame:
    """A plain frame: attrs of several parts do not go through a concatenation."""
    plain = pd.DataFrame(part)
    plain.attrs = {}
    return plain


def _sum_ledgers(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    summed: dict[str, dict[str, Any]] = {}
    for one in entries:
        into = summed.setdefault(one["reason"], one | {"count": 0, "ids": []})
        into["count"] += one["count"]
        into["ids"] = [*into["ids"], *one["ids"]][:5]
    return list(summed.values())


def _finish(
    frame: pd.DataFrame,
    as_: str | None,
    chosen: Sequence[Source],
    to_crs: str | int | pyproj.CRS | None,
) -> pd.DataFrame:
    if as_ is not None:
        _require(frame, as_, chosen)
    attrs = frame.attrs
    if to_crs is not None and isinstance(frame, gpd.GeoDataFrame) and frame.crs is not None:
        frame = frame.to_crs(doctor.parse(to_crs))
    frame.attrs = attrs
    return frame


def _require(frame: pd.DataFrame, as_: str, chosen: Sequence[Source]) -> None:
    shown = first([one.shown for one in chosen], 3)
    if chosen[0].format == DATABASE:
        shown = f"{shown} {frame.attrs['source']['layer']}"
    if not frame.attrs["rows_read"]:
        raise SourceError(
            f'"{shown}" is empty: {as_} has 0 rows. Export the layer again, or leave it out of the project file.',
            f"“{shown}”为空：{as_} 有 0 行。请重新导出该图层，或从项目文件中去掉。",
        )
    if not len(frame):
        why = ", ".join(f"{one['reason']}: {one['count']}" for one in frame.attrs["set_aside"])
        en, zh = (
            ("lines; choose the layer of centre lines of the streets", "线；请换用道路中心线图层")
            if as_ in LINE_LAYERS
            else ("polygons; choose another layer, or close the lines", "面；请换图层，或将线闭合")
        )
        raise SchemaError(
            f'"{shown}": none of {frame.attrs["rows_read"]:,} rows can serve as {as_} ({why}). Expected {en}.',
            f"“{shown}”：{frame.attrs['rows_read']:,} 行中没有一行可作为 {as_}（{why}）。应为{zh}。",
        )
    needs = NEEDS.get(as_, ())
    if needs and not any(column in frame.columns and frame[column].notna().any() for column in needs):
        raise SchemaError(
            f'"{shown}" lacks {" and ".join(needs)}, which {as_} needs one of. Its columns: '
            f"{first(frame.columns, 10)}. Name the column under [layers.{as_}] columns.",
            f"“{shown}”缺少 {' 或 '.join(needs)}，{as_} 至少需要其一。其字段：{first(frame.columns, 10)}。"
            f"请在 [layers.{as_}] 的 columns 中指明。",
        )
    if as_ == "holdings" and "parcel_id" not in frame.columns:
        raise SchemaError(
            f'"{shown}" lacks parcel_id, which holdings needs. Its columns: {first(frame.columns, 10)}.',
            f"“{shown}”缺少 parcel_id（地块编号），holdings 必须有。其字段：{first(frame.columns, 10)}。",
        )
