"""The sheets of the living circle: services within a walk of each zone and park, and jobs beside homes.

Shares are formulas over the sums in their row. A row of a whole zone has no park.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from geo.composition.living import LivingCircle
from geo.labels import text
from geo.report.xlsx_desk import Desk
from geo.report.xlsx_rows import Column
from layers.units import convert

__all__ = ["living_tables", "plain", "quotient", "to_mu"]


def living_tables(desk: Desk, found: LivingCircle, parks: pd.DataFrame) -> dict[str, list[Column]]:
    """Return the columns of both sheets; those without rows are left out.

    Parameters
    ----------
    desk : Desk
    found : LivingCircle
    parks : DataFrame
        As `Composition.parks`: tells the zone of each park.
    """
    tables = {}
    if len(found.services):
        tables["services"] = _services(desk, found.services, parks)
    if len(found.homes):
        tables["homes"] = _homes(desk, found.homes, parks)
    return tables


def _place(desk: Desk, table: str, rows: pd.DataFrame, parks: pd.DataFrame) -> list[Column]:
    zones = dict(zip(parks["park_id"].astype(str), parks["zone_name"].astype(str), strict=True))
    whole = rows["level"].eq("zone")
    names = [
        name if zone else zones[scope]
        for zone, scope, name in zip(whole, rows["scope_id"], rows["scope_name"], strict=True)
    ]
    return [
        desk.column(table, "level", [text(f"level.{level}", desk.language) for level in rows["level"]]),
        desk.column(table, "zone_name", names),
        desk.column(table, "place", rows["scope_name"].where(~whole, None).tolist()),
    ]


def quotient(part: str, whole: str) -> str:
    """Return the formula of a column ÷ another one of its row; empty where there is nothing to divide by."""
    return f'=IF(N([{whole}])>0,IF(ISNUMBER([{part}]),[{part}]/[{whole}],""),"")'


def _services(desk: Desk, rows: pd.DataFrame, parks: pd.DataFrame) -> list[Column]:
    def column(key: str, values: Sequence[object], kind: str = "text", **more: Any) -> Column:  # noqa: ANN401
        return desk.column("services", key, values, kind, **more)

    unknown = text("report.kind_unknown", desk.language)
    ways = [text(f"report.way_is_{way}", desk.language) for way in rows["way"]]
    return [
        *_place(desk, "services", rows, parks),
        column("service", [kind or unknown for kind in rows["kind"]]),
        column("service_area_mu", to_mu(rows["area_m2"]), "amount", unit="mu"),
        column("reached_mu", to_mu(rows["reached_m2"]), "amount", unit="mu"),
        column("area_share", plain(rows["area_share"]), "percent", formula=quotient("reached_mu", "service_area_mu")),
        column("jobs", plain(rows["jobs"]), "int"),
        column("reached_jobs", plain(rows["reached_jobs"]), "int"),
        column("jobs_share", plain(rows["jobs_share"]), "percent", formula=quotient("reached_jobs", "jobs")),
        column("way", ways),
    ]


def _homes(desk: Desk, rows: pd.DataFrame, parks: pd.DataFrame) -> list[Column]:
    def column(key: str, values: Sequence[object], kind: str = "int", **more: Any) -> Column:  # noqa: ANN401
        return desk.column("homes", key, values, kind, **more)

    ways = [text(f"report.way_is_{way}", desk.language) for way in rows["way"]]
    return [
        *_place(desk, "homes", rows, parks),
        *(column(key, plain(rows[key])) for key in ("jobs", "firms_untold", "homes", "persons")),
        column("jobs_per_home", plain(rows["jobs_per_home"]), "ratio", formula=quotient("jobs", "homes")),
        *(column(key, plain(rows[key])) for key in ("estates", "untold")),
        column("way", ways, "text"),
    ]


def plain(values: pd.Series) -> list[float | None]:
    """Return numbers as cells take them."""
    return [None if pd.isna(value) else float(value) for value in values]


def to_mu(values: pd.Series) -> list[float | None]:
    """Return m² in mu, as cells take them."""
    return plain(pd.Series(convert(values.astype("float64"), "m2", "mu")))
