"""Idle land (闲置土地) by the two conditions of 闲置土地处置办法 (国土资源部令第53号, 2012): a lead, never a finding.

(a) works not started more than one year after the agreed day; (b) started, but less than 1/3 of the land to be built on
is, or less than 25 % of the investment is made (both without land price), and suspended for at least one year. Delay
that the government caused is excluded where it is marked. A blank day proves nothing: that works have not started is
taken from the status or the survey class, and what is lacking is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["CONDITIONS", "idle_land", "years_since"]

#: Conditions of the document: code, what is asked, the limit.
CONDITIONS: Mapping[str, float] = {"not_started_years": 1.0, "developed_share": 1 / 3, "invested_share": 0.25}
_SUSPENDED_YEARS = 1.0

Days = npt.NDArray[np.datetime64]


def years_since(days: pd.Series, as_of: date) -> pd.Series:
    """Count the years from each day to `as_of` (年数), whole years by the calendar; missing where the day is.

    Examples
    --------
    A year is over on the same day of the next one, leap year or not:

    >>> days = pd.to_datetime(pd.Series(["2024-12-31", "2024-06-30", None]))
    >>> years_since(days, date(2025, 12, 31)).round(2).tolist()
    [1.0, 1.5, nan]
    """
    known = days.notna().to_numpy()
    start = days.to_numpy().astype("datetime64[D]")[known]
    end = np.datetime64(as_of, "D")
    whole = end.astype("datetime64[Y]").astype(int) - start.astype("datetime64[Y]").astype(int)
    whole = whole - (_after(start, whole) > end)
    last, following = _after(start, whole), _after(start, whole + 1)
    part = (end - last).astype("float64") / (following - last).astype("float64")
    years = np.full(len(days), np.nan)
    years[known] = whole + part
    return pd.Series(years, index=days.index)


def _after(start: Days, years: npt.NDArray[np.int64]) -> Days:
    """The same day some years later; 29 February becomes 1 March where there is none."""
    months = start.astype("datetime64[M]")
    later: Days = (months + 12 * years).astype("datetime64[D]") + (start - months.astype("datetime64[D]"))
    return later


def idle_land(
    land: pd.DataFrame, begun: pd.Series, stopped: pd.Series, as_of: date | None
) -> tuple[pd.Series, pd.DataFrame, dict[str, pd.Series]]:
    """Judge parcels by the two conditions of idle land (闲置土地线索).

    Parameters
    ----------
    land : DataFrame
        `agreed_start`, `started`, `suspended_since` (days), `developed_m2`, `to_develop_m2` (m²), `invested_cny`,
        `investment_planned_cny` (yuan, without land price), `government_delay`; missing where not known.
    begun, stopped : Series of boolean
        Whether status or survey say that works have begun, and that they stand still; missing where they do not say.
    as_of : date or None

    Returns
    -------
    found : Series of boolean
        Missing where something that would decide is not known.
    told : DataFrame
        `measure` (a key of `CONDITIONS`), `value`, `limit` of the condition that holds, missing where none does.
    missing : dict of Series of bool
        Name of what is lacking → the rows whose answer hangs on it.

    References
    ----------
    闲置土地处置办法 (国土资源部令第53号, 2012).

    Examples
    --------
    >>> land = pd.DataFrame({"agreed_start": pd.to_datetime(["2023-05-01", "2025-05-01"]), "started": pd.NaT,
    ...                      "suspended_since": pd.NaT, "developed_m2": np.nan, "to_develop_m2": np.nan,
    ...                      "invested_cny": np.nan, "investment_planned_cny": np.nan, "government_delay": pd.NA})
    >>> no = pd.Series([False, False], dtype="boolean")
    >>> found, told, missing = idle_land(land, no, no, date(2025, 12, 31))
    >>> found.tolist(), told["value"].round(2).tolist()
    ([True, False], [2.67, nan])
    """
    if as_of is None:
        every = pd.Series(True, index=land.index)
        blank = pd.Series(pd.NA, index=land.index, dtype="boolean")
        return blank, _told(land.index), {"as_of": every}
    day = pd.Timestamp(as_of)
    # Works that are to start after the day have not started on it.
    on_site = land["started"].notna() & (land["started"] <= day)
    started = begun.mask(on_site, other=True).mask(land["started"].notna() & ~on_site, other=False)
    never, waited, lacks_start = _not_started(land, started, as_of)
    halted, shares, lacks_stop = _suspended(land, started, stopped, as_of)
    delayed = land["government_delay"].astype("boolean").fillna(value=False)
    found = (never | halted) & ~delayed
    told = _told(land.index)
    late = never.fillna(value=False).to_numpy(dtype=bool)
    told.loc[late, "measure"] = "not_started_years"
    told.loc[late, "value"] = waited[late]
    for name, share in shares.items():
        low = halted.fillna(value=False).to_numpy(dtype=bool) & (share < CONDITIONS[name]).to_numpy()
        low &= told["measure"].isna().to_numpy()
        told.loc[low, "measure"], told.loc[low, "value"] = name, share[low]
    told["limit"] = told["measure"].map(CONDITIONS).astype("float64")
    unknown = found.isna()
    return found, told, {name: rows & unknown for name, rows in {**lacks_start, **lacks_stop}.items()}


def _told(index: pd.Index) -> pd.DataFrame:
    return pd.DataFrame({"measure": pd.Series(pd.NA, index=index, dtype="object"), "value": np.nan, "limit": np.nan})


def _not_started(
    land: pd.DataFrame, started: pd.Series, as_of: date
) -> tuple[pd.Series, pd.Series, dict[str, pd.Series]]:
    """Condition (a): not started, and more than a year since the agreed day."""
    waited = years_since(land["agreed_start"], as_of)
    late = (waited > CONDITIONS["not_started_years"]).astype("boolean").mask(waited.isna())
    # Land that nobody was to build on by any day, and of which nothing else is told, is not in question.
    never = ~started & late
    asked = land[["agreed_start", "started", "suspended_since"]].notna().any(axis=1) | (~started).fillna(value=False)
    never = never.mask(~asked, other=False)
    return never, waited, {
        "agreed_start": waited.isna() & never.isna(),
        "started": land["started"].isna() & started.isna() & never.isna(),
    }  # fmt: skip


def _suspended(
    land: pd.DataFrame, started: pd.Series, stopped: pd.Series, as_of: date
) -> tuple[pd.Series, dict[str, pd.Series], dict[str, pd.Series]]:
    """Condition (b): started, little built or invested, suspended for a year."""
    still = years_since(land["suspended_since"], as_of)
    # A blank day is a stop that is not dated where the status says so, and no stop otherwise.
    halted = (still >= _SUSPENDED_YEARS).astype("boolean").mask(still.isna())
    halted = halted.mask(still.isna() & ~stopped.fillna(value=False), other=False)
    shares = {
        "developed_share": _share(land["developed_m2"], land["to_develop_m2"]),
        "invested_share": _share(land["invested_cny"], land["investment_planned_cny"]),
    }
    little = pd.Series(False, index=land.index, dtype="boolean")
    for name, share in shares.items():
        little = little | (share < CONDITIONS[name]).astype("boolean").mask(share.isna())
    found = started & halted & little
    open_ = found.isna()
    return found, shares, {
        "suspended_since": open_ & still.isna(),
        **{name: open_ & share.isna() & still.notna() for name, share in shares.items()},
    }  # fmt: skip


def _share(part: pd.Series, whole: pd.Series) -> pd.Series:
    return (part / whole).where(whole > 0)
