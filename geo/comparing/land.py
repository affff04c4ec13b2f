"""New industrial land outside the parks: two states of one city, laid over each other.

Knows parcels and parks of two runs in one projected plane (`CityLand`), and no figure of either. Land that merely
changed its drawing is no new land: what is no wider than a tolerance is a sliver, and is counted as one, not
hidden. Areas are the run's own (m², rounded to 0.01), shared among the pieces of a parcel by their planar area.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.comparing.shapes import LEAST_M2, Floats, Mask, Rows, Shapes, drawn, in_one_of, opened, without
from geo.concentrations import outline_of
from geo.overlay import intersect
from layers.units import from_tally, to_tally

__all__ = ["STATUSES", "CityLand", "NewIndustrial", "in_steps_m2", "new_industrial", "total_m2"]

#: What a piece of new industrial land counts as.
STATUSES = ("new", "excepted", "unknown")


@dataclass(frozen=True)
class CityLand:
    """The land of one run.

    Attributes
    ----------
    parcels : GeoDataFrame
        `parcel_id`, `uid`, `industrial` (nullable boolean, missing where the use is), `land_area_m2`, `land_use`,
        `plot_ratio` (missing where not known), `candidate`, `idle` (boolean); valid polygons.
    parks, districts : GeoDataFrame or None
        As `Land.parks` and `Land.districts` have them, in the plane of the parcels.
    area, overlap : str
        How the run measured areas, and its rule for ground that several parks claim.
    judged : bool
        Whether candidates were looked for.
    """

    parcels: gpd.GeoDataFrame
    parks: gpd.GeoDataFrame | None
    districts: gpd.GeoDataFrame | None
    area: str = "tdt1055"
    overlap: str = "priority"
    judged: bool = True

    @property
    def shapes(self) -> Shapes:
        """Geometries of the parcels as an array."""
        return np.asarray(self.parcels.geometry.array, dtype="object")

    @property
    def industrial(self) -> Mask:
        """Which parcels are known to be industrial."""
        return np.asarray(self.parcels["industrial"].fillna(value=False), dtype=bool)

    def to_crs(self, crs: object) -> CityLand:
        """Return the same land in another plane."""
        parks, districts = (None if one is None else one.to_crs(crs) for one in (self.parks, self.districts))
        return replace(self, parcels=self.parcels.to_crs(crs), parks=parks, districts=districts)


@dataclass(frozen=True)
class NewIndustrial:
    """Industrial land that was none before and lies outside the parks.

    Attributes
    ----------
    table : GeoDataFrame
        One row a parcel, largest first: `parcel_id`, `uid`, `status` (one of `STATUSES`), `area_m2`, `before`
        (other_use, no_parcel or unknown), `land_use_before`, `land_use`, `reason` (of an exception), geometry: the
        new part of the parcel.
    sums_m2 : dict
        Area by status, and of what does not count: ``sliver``, ``below_minimum``. All of them add up to the
        industrial land of the later run outside its parks that was not industrial in the earlier one.
    counts : dict
        Parcels by the same keys.
    unmeasured : int
        Parcels of `table` whose area is missing, and enters no sum.
    unmatched, unneeded : tuple of str
        Exceptions whose parcel does not exist, or has no new land outside the parks.
    """

    table: gpd.GeoDataFrame
    sums_m2: dict[str, float]
    counts: dict[str, int]
    unmeasured: int = 0
    unmatched: tuple[str, ...] = ()
    unneeded: tuple[str, ...] = ()


def new_industrial(
    before: CityLand,
    after: CityLand,
    *,
    tolerance_m: float = 1.0,
    minimum_m2: float = 100.0,
    exceptions: Mapping[str, str] | None = None,
) -> NewIndustrial:
    """New industrial land outside the parks (开发区外新增工业用地): later − industrial before − later parks.

    Parameters
    ----------
    before, after : CityLand
        In one projected plane.
    tolerance_m : float
        Land no wider than this is a sliver of a boundary drawn anew: the difference is eroded and dilated by half
        of it.
    minimum_m2 : float
        A parcel with less new land than this (in the plane, slivers left out) does not count.
    exceptions : mapping of str, optional
        parcel_id → reason; such land is listed as excepted.

    Returns
    -------
    NewIndustrial
        Ground whose use before is not known is ``unknown``, not new: missing is not none. Ground counts as of other
        use, or unknown, before where half of the new part was so.

    Notes
    -----
    In principle no scattered industrial land is added outside zones: hangzhou-2023, clause （十）. The clause gives
    no tolerance and no minimum; both are the user's, and printed.

    Examples
    --------
    A factory of a hectare on what was a field, and one that stood there before:

    >>> from shapely import box
    >>> def city(uses):
    ...     return CityLand(gpd.GeoDataFrame(
    ...         {"parcel_id": ["a", "b"], "uid": ["a", "b"], "industrial": pd.array(uses, dtype="boolean"),
    ...          "land_area_m2": 10_000.0, "land_use": pd.array([None, None], dtype="string")},
    ...         geometry=[box(0, 0, 100, 100), box(200, 0, 300, 100)], crs=4549), None, None)
    >>> new_industrial(city([True, False]), city([True, True])).sums_m2["new"]
    10000.0
    """
    shapes, known = after.shapes, before.shapes[before.industrial]
    rows = np.flatnonzero(after.industrial)
    rows = rows[~drawn(shapes[rows]).isin(drawn(known))]
    outline = outline_of(after.parks)
    if outline is not None:
        rows = rows[~in_one_of(shapes[rows], outline)]
    rest = without(shapes[rows], known)
    if outline is not None:
        rest = without(rest, outline)
    land = shapely.area(rest) > LEAST_M2
    rows, rest = rows[land], rest[land]
    return _sorted_out(before, after, rows, rest, tolerance_m, minimum_m2, exceptions or {})


def _sorted_out(
    before: CityLand,
    after: CityLand,
    rows: Rows,
    rest: Shapes,
    tolerance_m: float,
    minimum_m2: float,
    exceptions: Mapping[str, str],
) -> NewIndustrial:
    """Tell slivers and small pieces from new land, and say what every piece counts as."""
    wide = opened(rest, tolerance_m)
    untouched = shapely.area(rest) >= shapely.area(after.shapes[rows]) * (1 - 1e-9)
    # A parcel that is new as a whole keeps the sharp corners that opening would blunt.
    wide = np.where(untouched & ~shapely.is_empty(wide), rest, wide)
    area, of_rest = (_share_of_land(after, rows, part) for part in (wide, rest))
    large = (shapely.area(wide) >= minimum_m2) & (shapely.area(wide) > LEAST_M2)
    small = ~large & (shapely.area(wide) > LEAST_M2)
    table = _described(before, after, rows[large], wide[large], area[large], exceptions)
    told = {status: (table["status"] == status).to_numpy() for status in STATUSES}
    sums = {status: total_m2(table.loc[mask, "area_m2"].to_numpy("float64")) for status, mask in told.items()}
    counts = {status: int(mask.sum()) for status, mask in told.items()}
    sliver = np.where(np.isnan(of_rest), 0.0, of_rest - np.where(large | small, area, 0.0))
    sums |= {"sliver": total_m2(np.maximum(sliver, 0.0)), "below_minimum": total_m2(area[small])}
    counts |= {"sliver": int((~large & ~small).sum()), "below_minimum": int(small.sum())}
    asked, there = list(exceptions), set(after.parcels["parcel_id"].dropna())
    used = set(table.loc[table["status"] == "excepted", "parcel_id"])
    return NewIndustrial(
        table=table,
        sums_m2=sums,
        counts=counts,
        unmeasured=int(table["area_m2"].isna().sum()),
        unmatched=tuple(name for name in asked if name not in there),
        unneeded=tuple(name for name in asked if name in there and name not in used),
    )


def _described(
    before: CityLand, after: CityLand, rows: Rows, shapes: Shapes, area: Floats, exceptions: Mapping[str, str]
) -> gpd.GeoDataFrame:
    """One row a piece of new land: what was there before, and whether it is excepted."""
    own = after.parcels.iloc[rows].reset_index(drop=True)
    was, use = _use_before(before, shapes)
    reason = own["parcel_id"].map(dict(exceptions)).astype("string")
    status = np.where(reason.notna(), "excepted", np.where(was == "unknown", "unknown", "new"))
    table = gpd.GeoDataFrame(
        {
            "parcel_id": own["parcel_id"].astype("string"),
            "uid": own["uid"].astype("string"),
            "status": pd.array(status, dtype="string"),
            "area_m2": area,
            "before": pd.array(was, dtype="string"),
            "land_use_before": use,
            "land_use": own["land_use"].astype("string"),
            "reason": reason,
        },
        geometry=list(shapes),
        crs=after.parcels.crs,
    )
    return table.sort_values(["area_m2", "uid"], ascending=[False, True], ignore_index=True)


def _use_before(before: CityLand, shapes: Shapes) -> tuple[npt.NDArray[np.str_], pd.Series]:
    """What most of each piece was before: other_use, unknown or no_parcel; and the class of the largest part."""
    pairs = intersect(shapes, before.shapes)
    blank = before.parcels["industrial"].isna().to_numpy()[pairs.right]
    shares = [
        np.bincount(pairs.left, weights=np.where(mask, pairs.share, 0.0), minlength=len(shapes))
        for mask in (blank, ~blank)
    ]
    was = np.where(shares[0] >= 0.5, "unknown", np.where(shares[1] >= 0.5, "other_use", "no_parcel"))
    most = pd.DataFrame({"left": pairs.left, "right": pairs.right, "share": pairs.share})
    most = most.sort_values(["left", "share"], ascending=[True, False]).drop_duplicates("left")
    use = pd.Series(pd.NA, index=range(len(shapes)), dtype="string")
    use.iloc[most["left"].to_numpy()] = before.parcels["land_use"].astype("string").to_numpy()[most["right"].to_numpy()]
    return was, use


def _share_of_land(land: CityLand, rows: Rows, parts: Shapes) -> Floats:
    """Area of a part of each parcel, as the run measured it, in whole steps of 0.01 m²."""
    whole = shapely.area(land.shapes[rows])
    area = land.parcels["land_area_m2"].to_numpy("float64")[rows] * np.minimum(shapely.area(parts) / whole, 1.0)
    return in_steps_m2(area)


def in_steps_m2(area: Floats) -> Floats:
    """Round areas to whole steps of 0.01 m²; missing stays missing."""
    known = np.isfinite(area)
    steps = from_tally(to_tally(np.where(known, area, 0.0), "m2"), "m2")
    return np.where(known, steps, np.nan)


def total_m2(area: Floats) -> float:
    """Sum areas in whole steps; missing ones enter no sum."""
    return from_tally(int(to_tally(area[np.isfinite(area)], "m2").sum()), "m2")
