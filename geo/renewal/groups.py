"""Contiguous groups of candidates (连片候选): parcels whose gap is no wider than a road of a given width.

Knows shapes and sums; not why a parcel is a candidate. A group's strength is Σ strength × area ÷ Σ area, one division;
areas are sums of whole steps of 0.01 m². Groups are numbered by their land, the largest first.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.grouping import linked
from geo.renewal.sources import Sources
from layers.units import from_tally, to_tally

__all__ = ["CONFLICTS", "group_numbers", "group_shapes", "group_table"]

#: Kinds of constraints that stand against industry.
CONFLICTS = ("redline", "farmland")

_COLUMNS = ("group", "parcels", "area_m2", "owners", "firms", "strength", "constrained_m2", "planned_other_m2",
            "planned_unknown_m2", "park", "district", "first_parcel")  # fmt: skip


def group_numbers(
    shapes: npt.NDArray[np.object_], area_m2: npt.NDArray[np.float64], within_m: float
) -> npt.NDArray[np.int64]:
    """Number contiguous groups of shapes (连片编号), the group with most land first, from 1.

    Parameters
    ----------
    shapes : array of polygons in one projected plane
    area_m2 : array
        Land of each.
    within_m : float
        Shapes whose gap is no wider belong together.

    Examples
    --------
    >>> squares = np.array([shapely.box(x, 0, x + 10, 10) for x in (0, 22, 100)])
    >>> group_numbers(squares, np.array([100.0, 100.0, 100.0]), 12.0).tolist()
    [1, 1, 2]
    """
    if not len(shapes):
        return np.zeros(0, dtype="int64")
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=within_m)
    label = linked(one, other, len(shapes))
    land = np.zeros(int(label.max()) + 1, dtype="int64")
    np.add.at(land, label, to_tally(np.nan_to_num(area_m2), "m2"))
    rank = np.empty(len(land), dtype="int64")
    rank[np.lexsort((np.arange(len(land)), -land))] = np.arange(1, len(land) + 1)
    return np.asarray(rank[label], dtype=np.int64)


def group_table(candidates: pd.DataFrame, sources: Sources, minimum_m2: float = 0.0) -> pd.DataFrame:
    """Sum the candidates of each contiguous group (连片候选汇总).

    Parameters
    ----------
    candidates : DataFrame
        `parcel`, `parcel_id`, `area_m2`, `strength`, `group`, the strongest first.
    sources : Sources
    minimum_m2 : float
        Smaller groups are left out.

    Returns
    -------
    DataFrame
        One row a group, in order of its number: `group`, `parcels`, `area_m2`, `owners` and `firms` (distinct ones
        that are known; missing where no owner, or no firm, is), `strength` (mean weighted by area), `constrained_m2`
        (under redlines and farmland; missing without that layer), `planned_other_m2` (planned use not industrial) and
        `planned_unknown_m2` (no use is planned; both missing where no parcel tells), `park` (id) and `district`
        (name) that most of its land lies in, missing for none, `first_parcel` (id of its
        strongest parcel).
    """
    if candidates.empty:
        return pd.DataFrame(columns=list(_COLUMNS))
    rows = candidates["parcel"].to_numpy()
    steps = to_tally(candidates["area_m2"].fillna(0.0), "m2")
    group = candidates["group"].to_numpy()
    planned = sources.planned_industrial.iloc[rows]
    areas = {
        "area_m2": steps,
        "planned_other_m2": np.where((~planned).fillna(value=False), steps, 0),
        "planned_unknown_m2": np.where(planned.isna(), steps, 0),
        "constrained_m2": to_tally(sources.constrained_m2(CONFLICTS).to_numpy()[rows], "m2")
        if sources.constraints is not None
        else np.zeros(len(rows), dtype="int64"),
        "weighted": candidates["strength"].to_numpy("int64") * steps,
    }
    added = pd.DataFrame(areas).groupby(group).sum()
    table = pd.DataFrame({name: from_tally(added[name].to_numpy("int64"), "m2") for name in areas}, index=added.index)
    table["strength"] = (added["weighted"] / added["area_m2"]).where(added["area_m2"] > 0)
    table["parcels"] = candidates.groupby("group").size()
    table["first_parcel"] = candidates.drop_duplicates("group").set_index("group")["parcel_id"]
    if sources.constraints is None:
        table["constrained_m2"] = np.nan
    if not sources.column("planned_use_code", "string").notna().any():
        table[["planned_other_m2", "planned_unknown_m2"]] = np.nan
    table = table.join(_holders(rows, group, sources)).join(_places(rows, group, steps, sources))
    table = table.rename_axis("group").reset_index()
    return table.loc[table["area_m2"] >= minimum_m2, list(_COLUMNS)].reset_index(drop=True)


def _holders(rows: npt.NDArray[np.int64], group: npt.NDArray[np.int64], sources: Sources) -> pd.DataFrame:
    """How many owners and firms are known in each group."""
    owner = sources.column("owner_code", "string").str.strip().iloc[rows]
    owners = owner.mask(owner == "").groupby(group).nunique()
    counts = pd.DataFrame({"owners": owners.mask(owners == 0).astype("Int64"), "firms": pd.NA})
    if sources.firms is not None and len(sources.firms.links):
        of = pd.Series(group, index=rows)
        links = sources.firms.links[["firm", "parcel"]]
        links = links[links["parcel"].isin(of.index)]
        counts["firms"] = links["firm"].groupby(links["parcel"].map(of)).nunique()
    return counts.astype({"firms": "Int64"})


def _places(
    rows: npt.NDArray[np.int64], group: npt.NDArray[np.int64], steps: npt.NDArray[np.int64], sources: Sources
) -> pd.DataFrame:
    """Park and district that most of each group's land lies in."""
    land = sources.land
    inside = sources.inside_share.to_numpy()[rows] >= 0.5
    park = np.where(inside, sources.park_row[rows], -1)
    parks = [] if land.parks is None else land.parks["park_id"].tolist()
    districts = [] if land.districts is None else land.districts["district_name"].tolist()
    return pd.DataFrame(
        {
            "park": _most(park, group, steps, parks),
            "district": _most(land.parcels["district"].to_numpy()[rows], group, steps, districts),
        }
    )


def _most(
    place: npt.NDArray[np.intp], group: npt.NDArray[np.int64], steps: npt.NDArray[np.int64], names: list[object]
) -> pd.Series:
    sums = (
        pd.DataFrame({"group": group, "place": place, "area": steps}).groupby(["group", "place"], as_index=False).sum()
    )
    most = sums.sort_values(["group", "area", "place"], ascending=[True, False, True]).drop_duplicates("group")
    named = pd.Series([*names, pd.NA], dtype="string").iloc[most["place"].to_numpy()]
    return named.set_axis(most["group"].to_numpy())


def group_shapes(candidates: pd.DataFrame, shapes: gpd.GeoSeries, groups: pd.Series) -> gpd.GeoSeries:
    """Dissolve the parcels of each group (连片范围): one shape a group; roads between its parcels stay open.

    Parameters
    ----------
    candidates : DataFrame
        `parcel`, `group`.
    shapes : GeoSeries
        Of all parcels.
    groups : Series
        Numbers of the groups that are asked.

    Returns
    -------
    GeoSeries
        In the order of `groups`.

    Examples
    --------
    >>> squares = gpd.GeoSeries([shapely.box(x, 0, x + 10, 10) for x in (0, 10, 50)])
    >>> listed = pd.DataFrame({"parcel": [0, 1, 2], "group": [1, 1, 2]})
    >>> group_shapes(listed, squares, pd.Series([1, 2])).area.tolist()
    [200.0, 100.0]
    """
    order = np.argsort(candidates["group"].to_numpy(), kind="stable")
    number = candidates["group"].to_numpy()[order]
    own = shapes.to_numpy()[candidates["parcel"].to_numpy()[order]]
    first, last = (np.searchsorted(number, groups.to_numpy(), side) for side in ("left", "right"))
    # Parcels of a group mostly lie apart, across a road.
    dissolved = [
        own[start] if end - start == 1 else shapely.disjoint_subset_union_all(own[start:end])
        for start, end in zip(first, last, strict=True)
    ]
    return gpd.GeoSeries(dissolved, crs=shapes.crs)
