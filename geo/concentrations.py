"""Concentration (集聚度): how much of the city's industrial land lies inside its zones.

The city figure counts ground once, against the union of the parks; the tables by zone and park follow
the overlap rule. That the pieces add up to the union is not assumed but printed, as identities over
integers of 0.01 m². `concentration` answers the whole question from two layers; `assess` uses the same
parts for the full report.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.grouping import linked
from geo.indicators import measure, scopes, tally, zone_rows
from geo.land import Land, attach
from geo.overlay import intersect
from geo.zones import overlaps
from layers.area import area_m2
from layers.errors import BlockedError, SchemaError, first
from layers.mending import MEASURABLE, mend
from layers.projections import analysis_crs, lonlat_bounds
from layers.showing import show
from layers.units import convert, from_tally, to_tally

__all__ = [
    "Concentration",
    "IdentitySums",
    "concentration",
    "identities",
    "identity_sums",
    "industrial_by_park",
    "outline_of",
    "overlap_matrix",
    "refuse_overlap",
]

#: Parks overlap for ``error`` when what they share, hairlines left out, exceeds this.
OVERLAP_TOLERANCE_M2 = 100.0


@dataclass(frozen=True)
class Concentration:
    """The answer of `concentration`.

    Attributes
    ----------
    value : float
        Industrial land inside the union of the parks ÷ all industrial land.
    inside_m2, total_m2 : float
        Both sums.
    table : DataFrame
        One row a city, zone and park: level, scope_id, scope_name, numerator, denominator (m²), value.
    checks : DataFrame
        The identities: name, left, right, difference, holds.
    overlaps : DataFrame
        The overlap matrix as pairs: park_a, park_b, area_m2, industrial ground included or not.
    rule : str
        The overlap rule of the table.
    """

    value: float
    inside_m2: float
    total_m2: float
    table: pd.DataFrame
    checks: pd.DataFrame
    overlaps: pd.DataFrame
    rule: str

    def __str__(self) -> str:
        return (
            f"Industrial land concentration 工业用地集聚度: {self.value:.2%}\n"
            f"  inside the union of the parks  {self.inside_m2:,.2f} m²\n"
            f"  whole city                     {self.total_m2:,.2f} m²\n"
            f"  table by zone and park: overlap = {self.rule}; {len(self.overlaps)} overlapping pairs; "
            f"identities hold: {bool(self.checks['holds'].all())}"
        )

    def _repr_html_(self) -> str:
        shown = self.table.assign(mu=convert(self.table["numerator"], "m2", "mu"))
        return show(shown, str(self))._repr_html_()


def concentration(
    parcels: gpd.GeoDataFrame,
    parks: gpd.GeoDataFrame,
    *,
    overlap: str = "error",
    area: str = "tdt1055",
    system: str | None = None,
    industrial: Sequence[str] | None = None,
) -> Concentration:
    """Industrial land concentration (工业用地集聚度), with the table by zone and park and its identities.

    Parameters
    ----------
    parcels, parks : GeoDataFrame
        Canonical layers in one CRS, as `layers.read` gives them: degrees are projected for measuring, and
        broken rings are mended on the copy that is measured. Without a land-use column every parcel
        counts as industrial.
    overlap : str
        ``error``, ``priority``, ``split`` or ``largest``, see `geo.zones`.
    area : str
        ``tdt1055`` (statutory), ``geodesic``, ``planar``, ``recorded``.
    system, industrial
        Land-use system and industrial classes. Default system: ``third-survey`` when there are
        codes, ``names`` when there are only names.

    Returns
    -------
    Concentration

    Raises
    ------
    BlockedError
        `overlap` is ``error`` and parks overlap above the tolerance.
    CrsError
        The CRSs differ.
    SchemaError
        A shape cannot be measured: no polygon, or no land.

    Examples
    --------
    Two parks share their middle; one parcel lies there, a second one lies outside both:

    >>> import geopandas, shapely
    >>> parks = geopandas.GeoDataFrame(
    ...     {"park_name": ["A", "B"]}, geometry=[shapely.box(0, 0, 100, 100), shapely.box(50, 0, 150, 100)], crs=32651)
    >>> parcels = geopandas.GeoDataFrame(
    ...     geometry=[shapely.box(40, 40, 60, 60), shapely.box(200, 0, 220, 20)], crs=32651)
    >>> answer = concentration(parcels, parks, overlap="split", area="planar")
    >>> answer.value, answer.inside_m2
    (0.5, 400.0)
    """
    if system is None:
        system = "third-survey" if "land_use_code" in parcels else "names"
    if "land_use_code" not in parcels and "land_use_name" not in parcels:
        parcels, system, industrial = parcels.assign(land_use_name="industrial"), "names", ["industrial"]
    parcels, parks = _measurable(parcels, "parcels"), _measurable(parks, "parks")
    land = attach(parcels, parks, system=system, industrial=industrial, area=area, overlap=overlap)
    matrix = overlap_matrix(_parks(land), area)
    if overlap == "error":
        refuse_overlap(matrix)
    levels = ("city", "zone", "park")
    figures = measure(tally(land, None, levels), scopes(land, None, "city", levels))
    table = (
        figures[figures["id"] == "industrial_concentration"].drop(columns=["id", "estimated"]).reset_index(drop=True)
    )
    city = table[table["level"] == "city"].iloc[0]
    return Concentration(
        value=float(city["value"]),
        inside_m2=float(city["numerator"]),
        total_m2=float(city["denominator"]),
        table=table,
        checks=identities(identity_sums(land, outline_of(land.parks)), with_parks=True),
        overlaps=matrix,
        rule=overlap,
    )


def _measurable(frame: gpd.GeoDataFrame, name: str) -> gpd.GeoDataFrame:
    """A copy in metres whose shapes are valid polygons."""
    if frame.crs is not None and frame.crs.is_geographic:
        frame = frame.to_crs(analysis_crs(lonlat_bounds(frame.geometry)))
    mended = mend(frame.geometry.to_numpy())
    flat = ~np.isin(mended.codes, MEASURABLE)
    if flat.any():
        rows = np.flatnonzero(flat)
        raise SchemaError(
            f"{name}.geometry: {len(rows)} of {len(frame)} shapes are no polygons with land (rows {first(rows)}: "
            f"{first(dict.fromkeys(mended.codes[flat]))}). "
            "Expected polygons; layers.for_measuring sets the others aside.",
            f"{name}.geometry：{len(frame)} 个图形中有 {len(rows)} 个不是有面积的多边形（第 {first(rows)} 行："
            f"{first(dict.fromkeys(mended.codes[flat]))}）。应为多边形；可先用 layers.for_measuring 剔除。",
        )
    return frame.set_geometry(gpd.GeoSeries(list(mended.shapes), index=frame.index, crs=frame.crs))


def overlap_matrix(parks: gpd.GeoDataFrame, area: str = "tdt1055") -> pd.DataFrame:
    """Return the pairs of parks that overlap: park_a, park_b, name_a, name_b, area_m2, wide_m2, geometry."""
    pairs = overlaps(parks)
    names = parks.set_index("park_id")["park_name"]
    shapes = gpd.GeoSeries(pairs["geometry"].to_numpy(), crs=parks.crs)
    if len(pairs):
        pairs["area_m2"] = area_m2(shapes, "tdt1055" if area == "recorded" else area).to_numpy()
    return pairs.assign(
        name_a=pairs["park_a"].map(names),
        name_b=pairs["park_b"].map(names),
    )


def _parks(land: Land) -> gpd.GeoDataFrame:
    if land.parks is None:
        raise ValueError("the land was attached without parks")
    return land.parks


def refuse_overlap(matrix: pd.DataFrame, tolerance_m2: float = OVERLAP_TOLERANCE_M2) -> None:
    """Raise BlockedError where parks overlap above the tolerance: the rule ``error``."""
    pairs = matrix[matrix["wide_m2"] > tolerance_m2]
    if len(pairs):
        told = [f"{row.name_a} × {row.name_b} {row.area_m2:,.0f} m²" for row in pairs.itertuples()]
        raise BlockedError(
            f"parks: {len(pairs)} pairs overlap by more than {tolerance_m2:g} m² ({first(told)}). "
            f'Ground may count for one park only. Expected no overlap under overlap = "error"; choose a rule: '
            f'overlap = "priority", "split" or "largest" in [project].',
            f"parks：{len(pairs)} 对园区相互重叠，超过 {tolerance_m2:g} m²（{first(told)}）。同一土地只能计入一个园区。"
            f'overlap = “error” 时不允许重叠；请在 [project] 中选定规则：overlap = "priority"（按次序）、'
            f'"split"（均分）或 "largest"（归占比大者）。',
        )


class IdentitySums(NamedTuple):
    """What the identities compare, in whole steps; those of parts of a city add up."""

    total: int
    inside: int
    outside: int
    by_zone: int
    by_union: int
    #: Industrial parcels that the outline of the parks cuts.
    cut: int

    def __add__(self, other: IdentitySums) -> IdentitySums:  # type: ignore[override]
        return IdentitySums(*(one + two for one, two in zip(self, other, strict=True)))


def identity_sums(land: Land, outline: npt.NDArray[np.object_] | None) -> IdentitySums:
    """Sum what `identities` compares; `outline` is the dissolved union of all parks, in parts."""
    own = land.parcels
    industrial = own["industrial"].fillna(value=False).to_numpy(dtype=bool)
    area = own["land_area_m2"].to_numpy("float64")
    usable = industrial & np.isfinite(area)
    pieces = land.pieces[usable[land.pieces["parcel"].to_numpy()]]
    steps = to_tally(pieces["land_area_m2"], "m2")
    park = pieces["park"].to_numpy()
    by_zone = by_union = cut = 0
    if land.parks is not None and outline is not None:
        zone = zone_rows(land.parks)[park]
        by_zone = int(sum(steps[zone == row].sum() for row in range(zone.max(initial=-1) + 1)))
        by_union, cut = _by_union(own.geometry.to_numpy()[usable], area[usable], outline)
    return IdentitySums(
        total=int(to_tally(area[usable], "m2").sum()),
        inside=int(steps[park >= 0].sum()),
        outside=int(steps[park < 0].sum()),
        by_zone=by_zone,
        by_union=by_union,
        cut=cut,
    )


def outline_of(parks: gpd.GeoDataFrame | None) -> npt.NDArray[np.object_] | None:
    """Return the parts of the union of all parks, None where there are none.

    Parks that touch are united group by group: at once, a province of them takes three times the memory.
    """
    if parks is None:
        return None
    shapes = parks.geometry.to_numpy()
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    group = linked(one, other, len(shapes))
    return np.concatenate([shapely.get_parts(shapely.union_all(shapes[rows])) for rows in _by_group(group)])


def _by_group(group: npt.NDArray[np.intp]) -> list[npt.NDArray[np.intp]]:
    """Return the rows of each group."""
    return np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1])


def _by_union(
    shapes: npt.NDArray[np.object_], area_m2: npt.NDArray[np.float64], outline: npt.NDArray[np.object_]
) -> tuple[int, int]:
    """The inside area by another route: each parcel against the union of all parks; and how many it cuts."""
    pairs = intersect(shapes, outline)
    share = np.bincount(pairs.left, weights=pairs.share, minlength=len(shapes))
    inside = to_tally(area_m2 * np.minimum(share, 1.0), "m2")
    return int(inside.sum()), int(((share > 0) & (share < 1)).sum())


def identities(sums: IdentitySums, *, with_parks: bool) -> pd.DataFrame:
    """Check, over integers, that the pieces add up: name, name_zh, left, right, difference, allowed, holds (m²).

    Notes
    -----
    The sides are computed by different routes: `left` from the pieces by park or by parcel, `right` from
    the parcels themselves, or from the parcels' share in the union of the parks.
    """
    rows = [
        _identity(
            "inside + outside = total industrial land",
            "区内 + 区外 = 工业用地总面积",
            sums.inside + sums.outside,
            sums.total,
        )
    ]
    if with_parks:
        within = sums.total - sums.outside
        rows.append(_identity("Σ zones = inside the union", "各开发区之和 = 并集内", sums.by_zone, within))
        rows.append(
            _identity(
                "inside by pieces = inside by the union of the parks",
                "按地块切分 = 按园区并集",
                sums.inside,
                sums.by_union,
                # Each cut parcel is rounded once on either route, so they may differ by a step for every cut parcel.
                allowed=max(sums.cut, 1),
            )
        )
    return pd.DataFrame(rows)


def _identity(name: str, name_zh: str, left: int, right: int, allowed: int = 0) -> dict[str, object]:
    return {
        "name": name,
        "name_zh": name_zh,
        "left": from_tally(left, "m2"),
        "right": from_tally(right, "m2"),
        "difference": from_tally(left - right, "m2"),
        "allowed": from_tally(allowed, "m2"),
        "holds": abs(left - right) <= allowed,
    }


def industrial_by_park(land: Land) -> pd.DataFrame:
    """Return the land of each park: park_id, park_name, zone_id, zone_name, industrial_m2, land_m2, parcels."""
    parks = _parks(land)
    industrial = land.parcels["industrial"].fillna(value=False).to_numpy(dtype=bool)[land.pieces["parcel"].to_numpy()]
    area = land.pieces["land_area_m2"].fillna(0.0).to_numpy("float64")
    pieces = pd.DataFrame(
        {
            "park": land.pieces["park"].to_numpy(),
            "industrial_m2": to_tally(np.where(industrial, area, 0.0), "m2"),
            "land_m2": to_tally(area, "m2"),
            "parcels": 1,
        }
    )
    sums = pieces[pieces["park"] >= 0].groupby("park").sum().reindex(parks.index, fill_value=0)
    table: pd.DataFrame = parks[["park_id", "park_name", "zone_id", "zone_name"]].copy()
    for column in ("industrial_m2", "land_m2"):
        table[column] = from_tally(sums[column].to_numpy("int64"), "m2")
    return table.assign(parcels=sums["parcels"].to_numpy())
