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

from geo.comparing.shapes import LEAST_M2, Floats, Mask, Rows, Shapes, drawn, in_one_of, opened, polygons, without
from geo.concentrations import outline_of
from geo.grouping import linked
from geo.overlay import intersect
from layers.units import from_tally, to_tally

__all__ = ["STATUSES", "CityLand", "NewIndustrial", "in_steps_m2", "new_industrial", "total_m2", "unknown_outside"]

#: What a piece of new industrial land counts as.
STATUSES = ("new", "excepted", "unknown")


@dataclass(frozen=True)
class CityLand:
    """The land of one run.

    Attributes
    ----------
    parcels : GeoDataFrame
        `parcel_id`, `uid`, `industrial` (nullable boolean, missing where the use is), `land_area_m2`, `land_use`,
        `plot_ratio` (missing where not known), `candidate` (boolean), `idle` (nullable boolean, missing where the
        status is); valid polygons. What else the run summed, `built` and the columns of `land.EXTENSIVE`, is measured
        in other boundaries where it is there.
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

    @property
    def of_unknown_use(self) -> Mask:
        """Which parcels are of no known use."""
        return np.asarray(self.parcels["industrial"].isna(), dtype=bool)

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
        One row a parcel × status, largest first: `parcel_id`, `uid`, `status` (one of `STATUSES`), `area_m2`, `before`
        (other_use, no_parcel or unknown), `land_use_before`, `land_use`, `reason` (of an exception), geometry: that
        part of the parcel.
    sums_m2 : dict
        Area by status, and of what does not count: ``sliver``, ``below_minimum``. All of them add up to the
        industrial land of the later run outside its parks that was not industrial in the earlier one.
    counts : dict
        Parcels by the same keys.
    unmeasured : int
        Rows of `table` whose area is missing, and enters no sum.
    unmatched, ambiguous, small, unneeded : tuple of str
        Exceptions whose parcel does not exist; that several parcels go by, so that none is excepted; whose new land is
        below the minimum; that have no new land outside the parks.
    """

    table: gpd.GeoDataFrame
    sums_m2: dict[str, float]
    counts: dict[str, int]
    unmeasured: int = 0
    unmatched: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    small: tuple[str, ...] = ()
    unneeded: tuple[str, ...] = ()

    @property
    def total_m2(self) -> float | None:
        """New land; None where there is none but land of unknown use before, or without an area, may be."""
        doubtful = self.sums_m2["unknown"] > 0 or self.unmeasured > 0
        return None if doubtful and self.sums_m2["new"] == 0 else self.sums_m2["new"]


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
        of it. Parcels no further apart than this lie together.
    minimum_m2 : float
        A contiguous patch with less new land than this (in the plane, slivers left out) does not count.
    exceptions : mapping of str, optional
        Parcel → reason: the `uid` of a parcel, or a `parcel_id` that only one bears (of several the first is "ID (1)").
        Such land is listed as excepted.

    Returns
    -------
    NewIndustrial
        Ground whose use before is not known is ``unknown``, not new: missing is not none. A parcel that lies partly on
        such ground has a row of each. Ground counts as of other use before where half of the part was.

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
    """Tell slivers and small patches from new land, and say what every piece counts as."""
    wide = opened(rest, tolerance_m)
    untouched = shapely.area(rest) >= shapely.area(after.shapes[rows]) * (1 - 1e-9)
    # A parcel that is new as a whole keeps the sharp corners that opening would blunt.
    wide = np.where(untouched & ~shapely.is_empty(wide), rest, wide)
    area, of_rest = (_share_of_land(after, rows, part) for part in (wide, rest))
    there = shapely.area(wide) > LEAST_M2
    large = there & (_patch_m2(wide, tolerance_m) >= minimum_m2)
    small = there & ~large
    found = _matched(exceptions, after.parcels)
    parts = _by_certainty(before, rows[large], wide[large], area[large], tolerance_m)
    table = _described(before, after, parts, found.reasons)
    told = {status: (table["status"] == status).to_numpy() for status in STATUSES}
    sums = {status: total_m2(table.loc[mask, "area_m2"].to_numpy("float64")) for status, mask in told.items()}
    counts = {status: table.loc[mask, "uid"].nunique() for status, mask in told.items()}
    sliver = np.where(np.isnan(of_rest), 0.0, of_rest - np.where(there, area, 0.0))
    sums |= {"sliver": total_m2(np.maximum(sliver, 0.0)), "below_minimum": total_m2(area[small])}
    counts |= {"sliver": int((~there).sum()), "below_minimum": int(small.sum())}
    used, too_small = set(table["uid"]), set(after.parcels["uid"].iloc[rows[small]])
    return NewIndustrial(
        table=table,
        sums_m2=sums,
        counts=counts,
        unmeasured=int(table["area_m2"].isna().sum()),
        unmatched=found.unmatched,
        ambiguous=found.ambiguous,
        small=tuple(name for name, uid in found.uids.items() if uid in too_small),
        unneeded=tuple(name for name, uid in found.uids.items() if uid not in used | too_small),
    )


def _patch_m2(shapes: Shapes, tolerance_m: float) -> Floats:
    """Area of the contiguous patch each shape is part of: shapes no further apart than the tolerance."""
    there = np.flatnonzero(~shapely.is_empty(shapes))
    area = np.zeros(len(shapes))
    if not len(there):
        return area
    one, other = shapely.STRtree(shapes[there]).query(shapes[there], predicate="dwithin", distance=tolerance_m)
    patch = linked(one, other, len(there))
    area[there] = np.bincount(patch, weights=shapely.area(shapes[there]))[patch]
    return area


@dataclass(frozen=True)
class _Excepted:
    """Exceptions and the parcels they name: reason by uid, uid by name, names of no parcel and of several."""

    reasons: dict[str, str]
    uids: dict[str, str]
    unmatched: tuple[str, ...]
    ambiguous: tuple[str, ...]


def _matched(exceptions: Mapping[str, str], parcels: pd.DataFrame) -> _Excepted:
    """Find the parcel of each exception; a name that several parcels bear names none."""
    names = parcels[["parcel_id", "uid"]].astype("string").dropna(subset=["uid"])
    bearers = names["parcel_id"].value_counts()
    several = set(bearers.index[bearers > 1])
    rows = [(str(name), str(uid)) for name, uid in names.itertuples(index=False, name=None)]
    uids = {name: uid for name, uid in rows if name not in several}
    uids |= {uid: uid for _, uid in rows if uid not in several}
    uids |= {f"{uid} (1)": uid for _, uid in rows if uid in several}
    asked = {name: uids[name] for name in exceptions if name in uids}
    return _Excepted(
        {uid: exceptions[name] for name, uid in asked.items()},
        asked,
        tuple(name for name in exceptions if name not in uids and name not in several),
        tuple(name for name in exceptions if name not in uids and name in several),
    )


@dataclass(frozen=True)
class _Parts:
    """Parts of parcels: row of the parcel, shape, area, and whether the use before is known."""

    rows: Rows
    shapes: Shapes
    area_m2: Floats
    known: Mask


def _by_certainty(before: CityLand, rows: Rows, shapes: Shapes, area_m2: Floats, tolerance_m: float) -> _Parts:
    """Divide each piece into what was surely not industrial before and what lies on ground of unknown use.

    A strip no wider than the tolerance beside the other part goes with it.
    """
    blank = before.shapes[before.of_unknown_use]
    on_blank = np.zeros(len(shapes), dtype=bool)
    on_blank[np.unique(intersect(shapes, blank).left)] = True
    sure = shapes.copy()
    sure[on_blank] = opened(without(shapes[on_blank], blank), tolerance_m)
    sure[shapely.area(sure) <= LEAST_M2] = shapely.Polygon()
    doubtful = np.full(len(shapes), shapely.Polygon(), dtype="object")
    doubtful[on_blank] = polygons(shapely.difference(shapes[on_blank], sure[on_blank]))
    thin = on_blank & (shapely.area(opened(doubtful, tolerance_m)) <= LEAST_M2)
    sure[thin], doubtful[thin] = shapes[thin], shapely.Polygon()
    share = np.minimum(shapely.area(sure) / shapely.area(shapes), 1.0)
    of_sure = np.where(shapely.is_empty(doubtful), area_m2, in_steps_m2(area_m2 * share))
    kept = [np.flatnonzero(~shapely.is_empty(part)) for part in (sure, doubtful)]
    return _Parts(
        np.concatenate([rows[kept[0]], rows[kept[1]]]),
        np.concatenate([sure[kept[0]], doubtful[kept[1]]]),
        in_steps_m2(np.concatenate([of_sure[kept[0]], (area_m2 - of_sure)[kept[1]]])),
        np.repeat([True, False], [len(kept[0]), len(kept[1])]),
    )


def _described(before: CityLand, after: CityLand, parts: _Parts, reasons: Mapping[str, str]) -> gpd.GeoDataFrame:
    """One row a part of new land: what was there before, and whether it is excepted."""
    own = after.parcels.iloc[parts.rows].reset_index(drop=True)
    was, use = _use_before(before, parts)
    reason = own["uid"].astype("string").map(dict(reasons)).astype("string")
    status = np.where(reason.notna(), "excepted", np.where(parts.known, "new", "unknown"))
    table = gpd.GeoDataFrame(
        {
            "parcel_id": own["parcel_id"].astype("string"),
            "uid": own["uid"].astype("string"),
            "status": pd.array(status, dtype="string"),
            "area_m2": parts.area_m2,
            "before": pd.array(was, dtype="string"),
            "land_use_before": use,
            "land_use": own["land_use"].astype("string"),
            "reason": reason,
        },
        geometry=list(parts.shapes),
        crs=after.parcels.crs,
    )
    return table.sort_values(["area_m2", "uid", "status"], ascending=[False, True, True], ignore_index=True)


def _use_before(before: CityLand, parts: _Parts) -> tuple[npt.NDArray[np.str_], pd.Series]:
    """What most of each part was before: other_use, unknown or no_parcel; and the class of the largest piece."""
    pairs = intersect(parts.shapes, before.shapes)
    told = np.bincount(
        pairs.left, weights=np.where(before.of_unknown_use[pairs.right], 0.0, pairs.share), minlength=len(parts.shapes)
    )
    was = np.where(~parts.known, "unknown", np.where(told >= 0.5, "other_use", "no_parcel"))
    most = pd.DataFrame({"left": pairs.left, "right": pairs.right, "share": pairs.share})
    most = most.sort_values(["left", "share"], ascending=[True, False]).drop_duplicates("left")
    use = pd.Series(pd.NA, index=range(len(parts.shapes)), dtype="string")
    use.iloc[most["left"].to_numpy()] = before.parcels["land_use"].astype("string").to_numpy()[most["right"].to_numpy()]
    return was, use


def unknown_outside(land: CityLand) -> tuple[int, float]:
    """Count the parcels of unknown use that reach out of the parks, and sum their land there (m²).

    Examples
    --------
    >>> from shapely import box
    >>> parcels = gpd.GeoDataFrame(
    ...     {"industrial": pd.array([None, None], dtype="boolean"), "land_area_m2": [100.0, 100.0]},
    ...     geometry=[box(0, 0, 10, 10), box(20, 0, 30, 10)], crs=4549)
    >>> park = gpd.GeoDataFrame(geometry=[box(0, 0, 24, 10)], crs=4549)
    >>> unknown_outside(CityLand(parcels, park, None))
    (1, 60.0)
    """
    rows = np.flatnonzero(land.of_unknown_use)
    outline = outline_of(land.parks)
    rest = land.shapes[rows] if outline is None else without(land.shapes[rows], outline)
    out = shapely.area(rest) > LEAST_M2
    return int(out.sum()), total_m2(_share_of_land(land, rows[out], rest[out]))


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
