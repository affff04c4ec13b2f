"""Candidates of an earlier run, followed on the ground: revitalised land.

Knows the parcels of two runs in one projected plane, and which of them were candidates or idle. Areas are those of
the earlier run (m², in whole steps of 0.01), shared among the pieces a candidate was cut into.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.comparing.land import CityLand, total_m2
from geo.comparing.shapes import LEAST_M2, Mask, Rows, Shapes, drawn, opened, polygons, without
from geo.grouping import linked
from geo.overlay import intersect, share_out
from layers.units import from_tally, to_tally

__all__ = ["OUTCOMES", "REVITALISED", "Revitalised", "revitalised"]

#: What became of the ground of a candidate, in the order in which it is asked.
OUTCOMES = ("no_parcel", "unknown", "use_changed", "in_use", "denser", "still", "status_unknown", "other")

#: The outcomes that are revitalised land.
REVITALISED = ("use_changed", "in_use", "denser")

#: More was built where the floor area rose by more than this share: drawings taken twice differ by less.
_RISE = 1e-4


@dataclass(frozen=True)
class Revitalised:
    """What became of the candidates of the earlier run.

    Attributes
    ----------
    table : GeoDataFrame
        One row a candidate × parcel of the later run: `parcel_id`, `uid`, `parcel_id_after`, `outcome` (one of
        `OUTCOMES`), `area_m2`, `idle_before`, `idle_after` (missing where the status is), `plot_ratio_before`,
        `plot_ratio_after`, `land_use_before`, `land_use_after`, geometry.
    sums : DataFrame
        One row an outcome: `outcome`, `pieces`, `area_m2`, `counts` (True where it is revitalised land). Areas add
        up to those of all candidates.
    """

    table: gpd.GeoDataFrame
    sums: pd.DataFrame

    @property
    def area_m2(self) -> float:
        """Area of the revitalised land."""
        return total_m2(self.sums.loc[self.sums["counts"], "area_m2"].to_numpy("float64"))


def revitalised(
    before: CityLand, after: CityLand, *, tolerance_m: float = 1.0, floors_alike: bool = True
) -> Revitalised:
    """Revitalised land (盘活的低效、闲置用地): candidates of the earlier run, followed on the ground.

    Each candidate is cut by the later parcels, and each piece is, by the first of these that holds: ``no_parcel``
    none lies there any more; ``unknown`` the use is missing; ``use_changed`` no longer industrial; ``in_use`` was
    idle and its status now says that it is not; ``denser`` no candidate any more, the plot ratio is higher and more
    floor area stands on the ground; ``still`` a candidate still; ``status_unknown`` was idle, and has no status now;
    ``other`` no candidate any more, but nothing on the ground says why: limits that follow the city's mean may
    have moved, or parcels were drawn anew. `REVITALISED` names the ones that count.

    Parameters
    ----------
    before, after : CityLand
        In one projected plane, both with candidates looked for.
    tolerance_m : float
        A piece no wider than this goes with the rest of its parcel.
    floors_alike : bool
        Whether both runs measured areas and floors alike; otherwise no piece is ``denser``.

    Returns
    -------
    Revitalised

    Notes
    -----
    Floor area is compared on the ground of all parcels that a redrawing joined or divided together, so that the same
    buildings on smaller parcels are no new ones; where such ground reaches beyond the later parcels, or a floor area
    is missing, nothing is said.

    No clause says what counts as revitalised (hangzhou-2023 clause （十） asks for low-efficiency land to be
    treated, zhejiang-2021 六（二） rewards revitalised land); the rule above is ours, and printed.

    Examples
    --------
    A hectare that lay idle is in use again:

    >>> from shapely import box
    >>> def city(idle):
    ...     return CityLand(gpd.GeoDataFrame(
    ...         {"parcel_id": ["a"], "uid": ["a"], "industrial": pd.array([True], dtype="boolean"),
    ...          "land_area_m2": [10_000.0], "land_use": pd.array(["0601"], dtype="string"), "plot_ratio": [0.5],
    ...          "candidate": [idle], "idle": pd.array([idle], dtype="boolean")},
    ...         geometry=[box(0, 0, 100, 100)], crs=4549), None, None)
    >>> revitalised(city(True), city(False)).area_m2
    10000.0
    """
    rows = np.flatnonzero(before.parcels["candidate"].to_numpy(dtype=bool))
    pieces = _followed(before.shapes[rows], after.shapes, tolerance_m)
    own = before.parcels.iloc[rows].reset_index(drop=True)
    steps = to_tally(own["land_area_m2"].fillna(0.0), "m2")
    group = pieces["parcel"].to_numpy("intp")
    area = from_tally(share_out(steps, group, pieces["share"].to_numpy("float64")), "m2")
    was, now = own.iloc[group].reset_index(drop=True), _rows_or_missing(after.parcels, pieces["after"].to_numpy())
    built = np.zeros(len(pieces), dtype=bool)
    if floors_alike:
        built = _built_on(before, after, pieces.assign(before=rows[group]), tolerance_m)
    table = gpd.GeoDataFrame(
        {
            "parcel_id": was["parcel_id"].astype("string"),
            "uid": was["uid"].astype("string"),
            "parcel_id_after": now["parcel_id"].astype("string"),
            "outcome": pd.array(_outcomes(was, now, pieces["after"].to_numpy() < 0, built), dtype="string"),
            "area_m2": np.where(was["land_area_m2"].isna(), np.nan, area),
            "idle_before": was["idle"].astype("boolean"),
            "idle_after": now["idle"].astype("boolean"),
            "plot_ratio_before": was["plot_ratio"].astype("float64"),
            "plot_ratio_after": now["plot_ratio"].astype("float64"),
            "land_use_before": was["land_use"].astype("string"),
            "land_use_after": now["land_use"].astype("string"),
        },
        geometry=pieces["geometry"].to_list(),
        crs=before.parcels.crs,
    )
    return Revitalised(table, _by_outcome(table))


def _rows_or_missing(parcels: gpd.GeoDataFrame, rows: Rows) -> pd.DataFrame:
    """Rows of a table in order; a row of missing values for −1."""
    return pd.DataFrame(parcels.drop(columns="geometry")).reset_index(drop=True).reindex(rows).reset_index(drop=True)


def _outcomes(was: pd.DataFrame, now: pd.DataFrame, nothing: Mask, built: Mask) -> npt.NDArray[np.str_]:
    industrial = now["industrial"].astype("boolean")
    idle_before = was["idle"].astype("boolean").fillna(value=False).to_numpy(dtype=bool)
    idle = now["idle"].astype("boolean")
    candidate = now["candidate"].astype("boolean").fillna(value=False).to_numpy(dtype=bool)
    higher = now["plot_ratio"].to_numpy("float64") > was["plot_ratio"].to_numpy("float64") * (1 + _RISE)
    asked = {
        "no_parcel": nothing,
        "unknown": industrial.isna().to_numpy(),
        "use_changed": ~industrial.fillna(value=True).to_numpy(dtype=bool),
        "in_use": idle_before & ~idle.fillna(value=True).to_numpy(dtype=bool),
        "denser": ~candidate & higher & built,
        "still": candidate,
        "status_unknown": idle_before & idle.isna().to_numpy(),
    }
    return np.select(list(asked.values()), list(asked), default="other")


def _built_on(before: CityLand, after: CityLand, pieces: pd.DataFrame, tolerance_m: float) -> Mask:
    """Tell on the ground of which pieces more floor area stands than before.

    The ground is that of all parcels of both runs that lie on each other, from a candidate on: first the later
    parcels on it, then the earlier ones below those.
    """
    later = np.unique(pieces.loc[pieces["after"] >= 0, "after"].to_numpy("intp"))
    if not len(later):
        return np.zeros(len(pieces), dtype=bool)
    below = _followed(after.shapes[later], before.shapes, tolerance_m)
    below = below[below["after"] >= 0]
    links = pd.concat(
        [
            pieces.loc[pieces["after"] >= 0, ["before", "after"]],
            pd.DataFrame({"before": below["after"].to_numpy("intp"), "after": later[below["parcel"].to_numpy("intp")]}),
        ]
    ).to_numpy("intp")
    count = len(before.parcels)
    ground = linked(links[:, 0], count + links[:, 1], count + len(after.parcels))
    earlier = np.unique(links[:, 0])
    beyond = without(before.shapes[earlier], after.shapes[later])
    reaches_out = earlier[shapely.area(opened(beyond, tolerance_m)) > LEAST_M2]
    old, new = (_floors(land, rows, ground[first + rows], len(ground)) for land, rows, first in (
        (before, earlier, 0), (after, later, count)))  # fmt: skip
    more = new > old * (1 + _RISE)
    # A candidate on which nothing lies any more is whole in its ground; another parcel that reaches out is not.
    candidate = before.parcels["candidate"].to_numpy(dtype=bool)
    more[ground[reaches_out[~candidate[reaches_out]]]] = False
    return np.asarray(more[ground[pieces["before"].to_numpy("intp")]], dtype=bool)


def _floors(land: CityLand, rows: Rows, ground: Rows, size: int) -> npt.NDArray[np.float64]:
    """Sum floor area by ground; missing where that of a parcel is."""
    own = land.parcels.iloc[rows]
    floor = own["floor_area_m2"] if "floor_area_m2" in own else own["plot_ratio"] * own["land_area_m2"]
    return np.asarray(np.bincount(ground, weights=floor.to_numpy("float64"), minlength=size), dtype="float64")


def _by_outcome(table: gpd.GeoDataFrame) -> pd.DataFrame:
    told = [(table["outcome"] == outcome).to_numpy() for outcome in OUTCOMES]
    area = table["area_m2"].to_numpy("float64")
    return pd.DataFrame(
        {
            "outcome": list(OUTCOMES),
            "pieces": [int(mask.sum()) for mask in told],
            "area_m2": [total_m2(area[mask]) for mask in told],
            "counts": [outcome in REVITALISED for outcome in OUTCOMES],
        }
    )


def _followed(shapes: Shapes, later: Shapes, tolerance_m: float) -> pd.DataFrame:
    """Cut shapes by later parcels: `parcel`, `after` (row, −1 for none), `share`, `geometry`; hairlines left out."""
    first = pd.Series(np.arange(len(later)), index=drawn(later))
    home = first[~first.index.duplicated()].reindex(drawn(shapes)).fillna(-1).to_numpy("intp")
    alike = np.flatnonzero(home >= 0)
    found = pd.DataFrame({"parcel": alike, "after": home[alike], "share": 1.0, "geometry": shapes[alike]})
    rest = np.flatnonzero(home < 0)
    pairs = intersect(shapes[rest], later)
    covered = np.bincount(pairs.left, weights=pairs.share, minlength=len(rest))
    bare = np.flatnonzero(covered < 1 - 1e-9)
    near = without(shapes[rest[bare]], later[np.unique(pairs.right)])
    cut = pd.DataFrame(
        {
            "parcel": rest[np.concatenate([pairs.left, bare])],
            "after": np.concatenate([pairs.right, np.full(len(bare), -1)]),
            "share": np.concatenate([pairs.share, 1 - covered[bare]]),
            "geometry": np.concatenate(
                [polygons(shapely.intersection(shapes[rest[pairs.left]], later[pairs.right])), near]
            ),
        }
    )
    wide = ~shapely.is_empty(opened(cut["geometry"].to_numpy(), tolerance_m))
    largest = cut["share"] == cut.groupby("parcel")["share"].transform("max")
    every: pd.DataFrame = pd.concat([found, cut[wide | largest]], ignore_index=True)
    return every.sort_values(["parcel", "after"], kind="stable", ignore_index=True)
