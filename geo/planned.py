"""The plan of one run and its acts by name, found once for every form that shows it (`planned`).

Reports, workbooks and maps read the same `Planned`. Adds names and nothing else: what is planned stands in `geo.plan`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.assessment import Assessment
from geo.plan.choices import Choices, weigh
from geo.plan.document import options_table
from geo.plan.planning import Plan, asks_for_plan, plan_renewal
from layers.units import from_tally

__all__ = ["Planned", "planned"]


@dataclass(frozen=True)
class Planned:
    """A plan, its acts as people read them, and what was weighed beside it where further plans are asked for."""

    plan: Plan
    choices: Choices | None = None

    @cached_property
    def table(self) -> pd.DataFrame:
        """Every act the planner could choose, see `geo.plan.document.options_table`."""
        return options_table(self.plan)

    @cached_property
    def options(self) -> pd.DataFrame:
        """Every act the planner could choose, with names.

        Returns
        -------
        DataFrame
            `parcel` (row of `Land.parcels`), `uid`, `action`, `park` (row, −1 for none), `park_name`, `district` (row,
            −1), `district_name` (both missing for none), `land_m2`, `vacant_m2`, `cost_cny`, `year` (missing where
            not by year, and for acts not taken), `taken`.
        """
        table, land = self.plan.options.table, self.plan.options.land
        taken, year = np.zeros(len(table), dtype=bool), np.full(len(table), np.nan)
        taken[self.plan.chosen] = True
        if len(self.plan.year):
            year[self.plan.chosen] = self.plan.year
        parcel = table["parcel"].to_numpy("int64")
        return pd.DataFrame(
            {
                "parcel": parcel,
                "uid": land.parcels["uid"].astype("string").to_numpy()[parcel],
                "action": table["action"].to_numpy(),
                "park": table["park"].to_numpy("int64"),
                "park_name": _named(table["park"], None if land.parks is None else land.parks["park_name"]),
                "district": table["district"].to_numpy("int64"),
                "district_name": _named(
                    table["district"], None if land.districts is None else land.districts["district_name"]
                ),
                "land_m2": from_tally(table["land"].to_numpy("int64"), "m2"),
                "vacant_m2": from_tally(table["vacant"].to_numpy("int64"), "m2"),
                "cost_cny": from_tally(table["cost_fen"].to_numpy("int64"), "cny"),
                "year": pd.array(year, dtype="Float64").astype("Int64"),
                "taken": taken,
            }
        )

    @cached_property
    def acts(self) -> pd.DataFrame:
        """The acts that are taken, the largest first; columns of `options`."""
        taken = self.options[self.options["taken"]]
        return taken.sort_values(["land_m2", "parcel"], ascending=[False, True], ignore_index=True)

    @cached_property
    def of_parcel(self) -> npt.NDArray[np.int64]:
        """Row of `acts` for each parcel, −1 for none: a plan acts on a parcel once."""
        found = np.full(len(self.plan.options.land.parcels), -1, dtype="int64")
        found[self.acts["parcel"].to_numpy()] = np.arange(len(self.acts))
        return found


def _named(rows: pd.Series, names: pd.Series | None) -> pd.Series:
    """Names of rows, missing for −1."""
    known = pd.Series([*([] if names is None else names.astype("string")), pd.NA], dtype="string")
    return known.iloc[rows.to_numpy("int64")].reset_index(drop=True)


def planned(assessment: Assessment) -> Planned | None:
    """Find the plan a project asks for; None where it asks for none, or where there is no land.

    Parameters
    ----------
    assessment : Assessment
        With candidates where `plan.parcels` asks for them.

    Returns
    -------
    Planned or None
        Areas in m², money in yuan.

    Raises
    ------
    ProjectError
        A setting of `[plan]` cannot be used; the message names it.
    """
    if assessment.land is None or not asks_for_plan(assessment.project):
        return None
    found = plan_renewal(assessment)
    weighs = bool(assessment.project.number("plan.alternatives")) and len(found.chosen) > 0
    return Planned(found, weigh(found, assessment.project) if weighs else None)
