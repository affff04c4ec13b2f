"""Works on land that lies idle: money spent so far of what was agreed, and delays the government caused.

Only parcels whose works were begun and stopped tell money; some of those that lie idle are marked as delayed by the
government. `known_idle` judges them again in plain Python, day by day, without the toolkit. Money in yuan, without
land price.
"""

from __future__ import annotations

from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd

from layers.example.land import INDUSTRIAL

__all__ = ["add", "known_idle"]

_AS_OF = date(2025, 12, 31)
#: Share of the parcels that lie idle which the government delayed.
_DELAYED = 0.15


def add(lots: gpd.GeoDataFrame, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Write money agreed and spent, and delays, on the parcels that lie idle."""
    n = len(lots)
    stopped = lots["suspended_since"].notna().to_numpy()
    area = lots["recorded_area_m2"].to_numpy("float64")
    agreed = np.round(area * rng.lognormal(8.0, 0.4, n), -4)
    spent = np.round(agreed * rng.uniform(0.02, 0.6, n), -4)
    delayed = (lots["status"] == "闲置").to_numpy(dtype=bool) & (rng.random(n) < _DELAYED)
    place = lots.columns.get_loc("suspended_since") + 1
    told = lots.copy()
    told.insert(place, "invested_cny", np.where(stopped, spent, np.nan))
    told.insert(place + 1, "investment_planned_cny", np.where(stopped, agreed, np.nan))
    told.insert(place + 2, "government_delay", pd.array(delayed, dtype="boolean"))
    return told


def known_idle(lots: pd.DataFrame, built: np.ndarray) -> list[str]:
    """Return the ids of industrial parcels that meet a condition of idle land on the last day of 2025.

    Parameters
    ----------
    lots : DataFrame
    built : array of bool
        Whether a building stands on each.
    """
    return [
        str(lot.parcel_id)
        for lot, stands in zip(lots.itertuples(), built, strict=True)
        if lot.land_use_code == INDUSTRIAL and not bool(lot.government_delay) and _is_idle(lot, bool(stands))
    ]


def _is_idle(lot: object, stands: bool) -> bool:
    agreed, started, stopped = (
        getattr(lot, name).date() if pd.notna(getattr(lot, name)) else None
        for name in ("agreed_start", "started", "suspended_since")
    )
    if started is None:
        waiting = lot.status in ("闲置", "空闲") and not stands  # type: ignore[attr-defined]
        return waiting and agreed is not None and _a_year_after(agreed) < _AS_OF
    if stopped is None or _a_year_after(stopped) > _AS_OF:
        return False
    return bool(4 * lot.invested_cny < lot.investment_planned_cny)  # type: ignore[attr-defined]


def _a_year_after(day: date) -> date:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:  # 29 February
        return date(day.year + 1, 3, 1)
