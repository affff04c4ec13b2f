"""What can be told of a plan's settings before anything is computed (`require_settings`), for `parkwise check`.

Costs, acts, budgets and locks are read as the plan reads them; vacant land is held against the parks themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.indicators import indicator
from geo.plan.costs import read_costs
from geo.plan.locks import read_locks
from geo.plan.options import allowed_acts, infill_yield, intensified_ratio
from geo.plan.posing import budgets_by_year
from geo.plan.targets import require_figure, require_planned, stated_figure, stated_targets
from layers.errors import ProjectError, suggestion
from layers.project import Project

__all__ = ["require_settings", "require_vacant_land"]


def require_settings(
    project: Project,
    parcels: pd.DataFrame | None,
    parks: pd.DataFrame | None,
    districts: pd.DataFrame | None = None,
) -> None:
    """Refuse settings of `[plan]` that no plan could be made with.

    Raises
    ------
    ProjectError, StandardError, SourceError
        The message names the setting or the line.
    """
    acts = allowed_acts(project)
    read_costs(project, acts)
    budgets_by_year(project)
    for where, stated in stated_targets(project):
        entry = indicator(str(stated.get("indicator") or "industrial_concentration"))
        require_planned(entry, where)
        require_figure(entry, stated_figure(stated, where)[0], where)
        if "infill" in acts:
            infill_yield(project, entry)
    if "intensify" in acts:
        intensified_ratio(project)
    quotas = project["plan.district_quotas"]
    if isinstance(quotas, dict) and districts is not None and "district_name" in districts:
        _require_districts(quotas, districts)
    path = project.file("plan.locks")
    if path is not None and parcels is not None:
        read_locks(path, _named(parcels))
    if isinstance(parks, gpd.GeoDataFrame):
        require_vacant_land(parks)


def _require_districts(quotas: Mapping[str, object], districts: pd.DataFrame) -> None:
    names = districts["district_name"].dropna().astype(str).tolist()
    codes = districts["district_code"].dropna().astype(str).tolist() if "district_code" in districts else []
    for name in quotas:
        if name not in names and name not in codes:
            like = suggestion(name, [*codes, *names])
            raise ProjectError(
                f'plan.district_quotas: there is no district "{name}".{like.en} Known: {", ".join(names[:12])}.',
                f"plan.district_quotas：没有区县“{name}”。{like.zh}现有：{'、'.join(names[:12])}。",
            )


def _named(parcels: pd.DataFrame) -> pd.DataFrame:
    """Parcels by the names they bear in a plan: of one id the second is ``ID (2)``."""
    ids = parcels["parcel_id"].astype("string") if "parcel_id" in parcels else pd.Series(dtype="string")
    ids = ids.fillna("").reset_index(drop=True)
    nth = ids.groupby(ids).cumcount()
    return pd.DataFrame({"uid": ids.where(nth == 0, ids + " (" + (nth + 1).astype("string") + ")")})


def require_vacant_land(parks: gpd.GeoDataFrame) -> None:
    """Refuse vacant land of parks that is larger than the parks: a unit is wrong."""
    if "vacant_land_m2" not in parks or parks.crs is None or not parks.crs.is_projected:
        return
    vacant, area = parks["vacant_land_m2"].astype("float64").to_numpy(), parks.geometry.area.to_numpy()
    wrong = np.flatnonzero(vacant > 1.01 * area)
    if len(wrong):
        name, first = str(parks["park_name"].iloc[wrong[0]]), wrong[0]
        raise ProjectError(
            f"parks.vacant_land_m2: {len(wrong)} of {len(parks)} parks tell more vacant land than they have land "
            f"({name}: {vacant[first]:,.0f} m² of {area[first]:,.0f} m²). State its unit under [layers.parks] columns, "
            'for example vacant_land_m2 = { name = "…", unit = "mu" }, or correct the table.',
            f"parks.vacant_land_m2：{len(parks)} 个园区中有 {len(wrong)} 个的可供用地大于园区面积"
            f"（{name}：{vacant[first]:,.0f} 平方米，园区 {area[first]:,.0f} 平方米）。请在 [layers.parks] 的 columns "
            '中写明单位，如 vacant_land_m2 = { name = "…", unit = "mu" }，或更正该表。',
        )
