"""The sheet of contiguous groups (连片候选): one row a group, its land and number of parcels as formulas over 低效清单.

Which parcels lie together is written as the run found it; where a limit is changed and parcels drop out, counts and
land follow. Areas in 亩; owners and firms are those that are known.
"""

from __future__ import annotations

import pandas as pd

from geo.land import Land
from geo.renewal import Candidates
from geo.report.xlsx_data import MOST_LOOKUPS
from geo.report.xlsx_desk import Desk
from geo.report.xlsx_rows import Column
from layers.units import convert

__all__ = ["group_columns"]


def group_columns(desk: Desk, found: Candidates, land: Land) -> list[Column]:
    """Return the columns of 连片候选: one row a group that is listed."""
    groups = found.groups
    names, yes = desk.names("candidates"), desk.word("yes")
    # Beyond this many row × row look-ups a spreadsheet would take minutes.
    live = len(groups) * len(found.facts) <= MOST_LOOKUPS
    on = f'{names["group"]},[group],{names["candidate"]},"{yes}"'
    parks = {} if land.parks is None else dict(zip(land.parks["park_id"], land.parks["park_name"], strict=True))
    return [
        desk.column("groups", "group", groups["group"], "key"),
        desk.column("groups", "group_parcels", groups["parcels"], "int", formula=f"=COUNTIFS({on})" if live else None),
        desk.column(
            "groups", "land_mu", convert(groups["area_m2"], "m2", "mu"), "amount", unit="mu",
            formula=f"=SUMIFS({names['land_mu']},{on})" if live else None,
        ),
        desk.column("groups", "owners", groups["owners"].astype("float64"), "int"),
        desk.column("groups", "group_firms", groups["firms"].astype("float64"), "int"),
        desk.column("groups", "mean_strength", groups["strength"], "ratio"),
        *(
            desk.column("groups", name, convert(groups[f"{name}_m2"].astype(float), "m2", "mu"), "amount", unit="mu")
            for name in ("constrained", "planned_other")
        ),
        desk.column("groups", "group_park", _names(groups["park"].map(parks))),
        desk.column("groups", "group_district", _names(groups["district"])),
        desk.column("groups", "first_parcel", _names(groups["first_parcel"])),
    ]  # fmt: skip


def _names(values: pd.Series) -> list[object]:
    named: list[object] = values.astype("object").where(values.notna(), None).tolist()
    return named
