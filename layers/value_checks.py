"""Faults in the columns: impossible values, codes that fail, dates out of order, ends that do not meet.

Limits stand in `tables/codes/limits.csv`, ranges for money in `tables/codes/plausible.csv`; both are the
project's own and name their source. Missing values are never a fault here, and no row is judged by what
another indicator would make of it. Base units only (m², yuan, persons).
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers import codes, findings, records
from layers.units import convert, label, unit

__all__ = [
    "code_findings",
    "date_findings",
    "land_use_findings",
    "limit_findings",
    "link_findings",
    "money_findings",
]

Mask = npt.NDArray[np.bool_]

#: Columns of land that a ratio divides by: 0 there means that nothing was entered.
LAND_COLUMNS = ("recorded_area_m2", "land_registered_m2", "land_area_m2")
#: Dates that cannot lie after the date of the data.
PAST_COLUMNS = ("started", "suspended_since", "supplied", "founded", "valid_from")
#: What comes first, what comes after.
ORDERED = (("valid_from", "valid_to"), ("agreed_start", "started"), ("started", "suspended_since"))
#: Columns that hold a credit code.
CREDIT_COLUMNS = ("enterprise_code", "owner_code")
#: A column holds credit codes where this share of its values has their length.
CREDIT_SHARE = 0.5
#: From this share of records on, a fault is one of the whole column and is told once.
WHOLE_SHARE = 0.5
#: Fewer records than this give no median worth judging a unit by.
LEAST_FIRMS = 5


def limit_findings(frame: pd.DataFrame, layer: str) -> pd.DataFrame:
    """Name empty columns, negative values, land of 0, values beyond reason, parts of persons."""
    told = []
    for limit in _limits():
        column = limit["column"]
        if limit["layer"] != layer or column not in frame.columns or frame.empty:
            continue
        values = _numbers(frame[column])
        if values.isna().all():
            told.append(findings.finding("column-empty", layer, column=column, found=f"0 / {len(frame)}"))
            continue
        told += _limit(frame, layer, values, limit)
    return findings.concat(told)


def _limit(frame: pd.DataFrame, layer: str, values: pd.Series, limit: Mapping[str, str]) -> list[pd.DataFrame]:
    column = limit["column"]
    low = float(limit["at_least"] or "-inf")
    high = float(limit["at_most"] or "inf")
    odd = (values >= 0) & ((values < low) | (values > high))
    expected = f"{limit['at_least'] or 0} … {limit['at_most'] or '∞'}"
    told = [
        _rows(limit["negative"], frame, layer, column, values < 0),
        _rows("value-implausible", frame, layer, column, odd, expected=expected),
    ]
    if column in LAND_COLUMNS:
        told.append(_rows("land-zero", frame, layer, column, values == 0))
    if limit["whole"] == "yes":
        told.append(_rows("value-not-whole", frame, layer, column, np.isfinite(values) & (values % 1 != 0)))
    return told


def _numbers(values: pd.Series) -> pd.Series:
    return pd.to_numeric(values, errors="coerce").astype("float64")


def _rows(
    code: str,
    frame: pd.DataFrame,
    layer: str,
    column: str,
    where: pd.Series,
    *,
    found: pd.Series | None = None,
    **texts: str,
) -> pd.DataFrame:
    """Return one finding for each record `where`, with what stands in `column` (or `found`)."""
    rows = np.flatnonzero(where.to_numpy(dtype="bool", na_value=False))
    if len(rows) == 0:
        return findings.empty()
    shown = (frame[column] if found is None else found).iloc[rows]
    return findings.finding(
        code,
        layer,
        ids=list(records.ids(frame, layer, rows)),
        rows=rows,
        column=column,
        found=[_plain(value) for value in shown],
        places=_middles(frame, rows),
        expected=texts.get("expected", ""),
        as_of=texts.get("as_of", ""),
        system=texts.get("system", ""),
    )


def _plain(value: object) -> str:
    if isinstance(value, pd.Timestamp | dt.datetime):
        return value.date().isoformat()
    return f"{value:,.10g}" if isinstance(value, float | np.floating) else str(value)


def _middles(frame: pd.DataFrame, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the middle of each record's box, missing where there is no shape."""
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        return np.full((len(rows), 2), np.nan)
    box = shapely.bounds(records.shapes(frame)[rows])
    return np.column_stack([(box[:, 0] + box[:, 2]) / 2, (box[:, 1] + box[:, 3]) / 2])


@cache
def _limits() -> tuple[dict[str, str], ...]:
    return _table("limits.csv")


@cache
def _ranges() -> tuple[dict[str, str], ...]:
    return _table("plausible.csv")


def _table(name: str) -> tuple[dict[str, str], ...]:
    text = resources.files("layers").joinpath("tables/codes", name).read_text("utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def date_findings(frame: pd.DataFrame, layer: str, as_of: dt.date | None) -> pd.DataFrame:
    """Name dates after `as_of` (where it is given) and dates out of order."""
    told = []
    if as_of is not None:
        told = [
            _rows("date-future", frame, layer, column, frame[column] > pd.Timestamp(as_of), as_of=as_of.isoformat())
            for column in PAST_COLUMNS
            if _is_date(frame, column)
        ]
        told += [
            _rows("date-future", frame, layer, column, _numbers(frame[column]) > as_of.year, as_of=as_of.isoformat())
            for column in ("built_year", "year")
            if column in frame.columns
        ]
    for before, after in ORDERED:
        if _is_date(frame, before) and _is_date(frame, after):
            pair = _days(frame[before]) + " > " + _days(frame[after])
            wrong = frame[before] > frame[after]
            told.append(
                _rows("dates-out-of-order", frame, layer, after, wrong, found=pair, expected=f"{before} ≤ {after}")
            )
    return findings.concat(told)


def _is_date(frame: pd.DataFrame, column: str) -> bool:
    return column in frame.columns and pd.api.types.is_datetime64_any_dtype(frame[column])


def _days(values: pd.Series) -> pd.Series:
    days: pd.Series = values.dt.strftime("%Y-%m-%d")
    return days


def code_findings(frame: pd.DataFrame, layer: str) -> pd.DataFrame:
    """Name credit codes that fail their check, and industry codes of another edition or of none.

    A column whose values mostly are not 18 characters long holds ids of another kind: then only values of
    that length are checked.
    """
    told = [_credit_findings(frame, layer, column) for column in CREDIT_COLUMNS if records.given(frame, column)]
    if records.given(frame, "industry_code"):
        told.append(_industry_findings(frame, layer))
    return findings.concat(told)


def _credit_findings(frame: pd.DataFrame, layer: str, column: str) -> pd.DataFrame:
    text = codes.plain_codes(frame[column])
    long = text.str.len() == codes.CREDIT_LENGTH
    credit = long.sum() >= CREDIT_SHARE * text.notna().sum()
    fault = codes.credit_faults(text.where(text.notna() if credit else long, None))
    return _rows(
        "credit-code-invalid", frame, layer, column, fault != "", found=text.fillna("").astype(str) + ": " + fault
    )


def _industry_findings(frame: pd.DataFrame, layer: str) -> pd.DataFrame:
    text = codes.plain_codes(frame["industry_code"])
    editions = {code: codes.industry_editions(code) for code in text.dropna().unique()}
    told = text.map(lambda code: "2017" if code is None else " ".join(editions[code]))
    unknown = told == ""
    older = ~unknown & ~told.str.contains("2017")
    found = text.fillna("").astype(str) + ": GB/T 4754-" + told.str.replace(" ", "/")
    column = "industry_code"
    if older.sum() >= WHOLE_SHARE * text.notna().sum() and older.any():
        most = f"{int(older.sum())} / {int(text.notna().sum())}; {found[older].iloc[0]}"
        rows = findings.finding("industry-code-edition", layer, column=column, found=most)
    else:
        rows = _rows("industry-code-edition", frame, layer, column, older, found=found)
    return findings.concat([rows, _rows("industry-code-unknown", frame, layer, column, unknown, found=text)])


def land_use_findings(frame: pd.DataFrame, layer: str, system: str) -> pd.DataFrame:
    """Name land-use codes that the declared system lacks; nothing where the system has no codes on board.

    A code holds when the system lists it, a class above it or a class below it.
    """
    known = tuple(row["code"] for row in _table("land_use.csv") if row["system"] == system)
    told = []
    for column in ("land_use_code",):
        if not known or not records.given(frame, column):
            continue
        text = codes.plain_codes(frame[column])
        bad = {code for code in text.dropna().unique() if not _listed(code, known)}
        told.append(_rows("land-use-code-unknown", frame, layer, column, text.isin(bad), system=system))
    return findings.concat(told)


def _listed(code: str, known: tuple[str, ...]) -> bool:
    return any(code.startswith(one) or one.startswith(code) for one in known)


def money_findings(frame: pd.DataFrame, layer: str) -> pd.DataFrame:
    """Name columns whose unit looks wrong: their median per person or per m² fits only another unit.

    Told once a column with the evidence. Nothing is told where the unit fits, where no other unit would fit
    either, or where fewer than five records have both values.
    """
    told = {}
    for row in _ranges():
        column, per = row["column"], row["per"]
        if row["layer"] != layer or not records.given(frame, column) or not records.given(frame, per):
            continue
        both = pd.DataFrame({"value": _numbers(frame[column]), "per": _numbers(frame[per])})
        both = both[(both["value"] > 0) & (both["per"] > 0)]
        if len(both) < LEAST_FIRMS or column in told:
            continue
        median = float((both["value"] / both["per"]).median())
        other = _fitting_unit(median, row, _read_as(frame, column))
        if other is not None:
            told[column] = _unit_finding(layer, row, median, len(both), other)
    return findings.concat(told.values())


def _read_as(frame: pd.DataFrame, column: str) -> str | None:
    """Return the unit the column was read in, where the reader said so."""
    found = frame.attrs.get("columns", {}).get(column, {}).get("unit")
    return str(found) if found else None


def _fitting_unit(median: float, row: Mapping[str, str], read_as: str | None) -> str | None:
    """Return the only unit in which the median would be plausible, None where it is or none would be."""
    low, high = float(row["low"]), float(row["high"])
    if low <= median <= high:
        return None
    candidates = row["units"].split("|")
    current = unit(read_as or unit(candidates[0]).base)
    fits = [
        name
        for name in candidates
        if name != current.name and low <= median * float(unit(name).factor / current.factor) <= high
    ]
    return fits[0] if len(fits) == 1 else None


def _unit_finding(layer: str, row: Mapping[str, str], median: float, n: int, other: str) -> pd.DataFrame:
    column, per = row["column"], row["per"]
    base = unit(other).base
    found = f"median {column} / {per} = {median:,.4g} {label(base)} (n = {n})"
    if per == "land_registered_m2":
        found += f" = {median / convert(1.0, 'm2', 'mu'):,.4g} {label(base)}/亩"
    expected = f"{float(row['low']):,.6g} … {float(row['high']):,.6g}"
    return findings.finding(
        "unit-suspect", layer, column=column, found=found, expected=expected, suggested=label(other)
    )


def link_findings(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Name firms without a parcel, and holdings of firms or parcels that are not there."""
    told = []
    firms, parcels, holdings = (frames.get(layer) for layer in ("enterprises", "parcels", "holdings"))
    if holdings is not None and firms is not None and records.given(firms, "enterprise_code"):
        told.append(_unknown("holding-unknown-enterprise", holdings, "enterprise_code", firms, codes.plain_codes))
    if holdings is not None and parcels is not None and records.given(parcels, "parcel_id"):
        told.append(_unknown("holding-unknown-parcel", holdings, "parcel_id", parcels, records.as_text))
    if firms is not None and parcels is not None and len(parcels):
        told.append(_unmatched(firms, parcels, holdings))
    return findings.concat(told)


def _unknown(
    code: str,
    holdings: pd.DataFrame,
    column: str,
    other: pd.DataFrame,
    plain: Callable[[pd.Series], pd.Series],
) -> pd.DataFrame:
    """Name holdings whose `column` has a value that `other` lacks."""
    value = plain(holdings[column])
    alone = value.notna() & (value != "") & ~value.isin(set(plain(other[column]).dropna()))
    rows = np.flatnonzero(alone)
    if len(rows) == 0:
        return findings.empty()
    # A holding has no id of its own: it is told by the one that leads nowhere.
    return findings.finding(
        code, "holdings", ids=list(value.iloc[rows]), rows=rows, column=column, found=list(value.iloc[rows])
    )


def _unmatched(firms: pd.DataFrame, parcels: pd.DataFrame, holdings: pd.DataFrame | None) -> pd.DataFrame:
    """Name each firm, once, that neither a holding, a parcel id, an owner code nor its point ties to a parcel."""
    column = records.id_column(firms, "enterprises")
    if column is None:
        return findings.empty()
    firm = codes.plain_codes(firms[column])
    tied = _tied(firms, firm, parcels, holdings)
    alone = firm.notna() & ~firm.isin(set(firm[tied])) & ~firm.duplicated()
    found = firms["enterprise_name"] if "enterprise_name" in firms.columns else firm
    return _rows("enterprise-unmatched", firms, "enterprises", column, alone, found=found.astype("object"))


def _tied(firms: pd.DataFrame, firm: pd.Series, parcels: pd.DataFrame, holdings: pd.DataFrame | None) -> pd.Series:
    """Return which records of firms have a parcel."""
    known = set(records.as_text(parcels["parcel_id"])) - {""} if "parcel_id" in parcels.columns else set()
    tied = pd.Series(False, index=firms.index)
    if holdings is not None and len(holdings):
        held = codes.plain_codes(holdings["enterprise_code"])[records.as_text(holdings["parcel_id"]).isin(known)]
        tied |= firm.isin(set(held.dropna()))
    if "parcel_id" in firms.columns:
        tied |= records.as_text(firms["parcel_id"]).isin(known)
    if "owner_code" in parcels.columns:
        tied |= firm.isin(set(codes.plain_codes(parcels["owner_code"]).dropna()))
    if isinstance(firms, gpd.GeoDataFrame) and isinstance(parcels, gpd.GeoDataFrame):
        points = records.shapes(firms)
        inside, _ = shapely.STRtree(records.shapes(parcels)).query(points, predicate="intersects")
        tied |= np.isin(np.arange(len(firms)), inside)
    return tied & firm.notna()
