"""Faults between shapes: common land, gaps, land outside the city, layers that lie apart.

Two shapes share land only where they have area in common: neighbours that touch share nothing. Common
land counts as an overlap where what is wider than a limit adds up to more than a tolerance; the rest is
a sliver, as rounding of coordinates leaves it. A gap is ground enclosed by parcels that is too
narrow to be a road. Lengths are metres of the common plane; land in a finding is ellipsoidal.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import shapely

from layers import findings, records
from layers.common_land import BOUNDARY_WIDTH_M, LEAST_M2, CommonLand, common_land
from layers.geometry_checks import Prepared, Rows, Shapes, mean_width
from layers.mending import polygonal
from layers.repairing import same_shape
from layers.threads import cores, spread
from layers.units import convert

__all__ = [
    "apart_findings",
    "gap_findings",
    "outside_findings",
    "overlap_findings",
    "park_findings",
]

#: Parcels, districts, buildings: an overlap has more land than this (m²) in parts wider than this (m).
OVERLAP_M2, OVERLAP_WIDTH_M = 1.0, 0.1
OUTSIDE_M2 = 1.0
#: A record that shares this much of its own land with another lies inside it.
INSIDE_SHARE = 0.98
#: A gap is no larger (m²) and no wider (m) than this.
GAP_M2, GAP_WIDTH_M = 1000.0, 1.0
#: Layers are first compared by this many records: enough to see that they do not lie apart.
SAMPLE = 2000


def overlap_findings(layer: Prepared) -> pd.DataFrame:
    """Name records of one layer on the same land: overlaps, records inside others, hairline overlaps.

    Records with exactly the same shape are told elsewhere (`geometry-duplicate`) and stand for one here.
    """
    shapes, rows = layer.shapes, layer.rows
    group = same_shape(shapes)
    single = np.flatnonzero((group < 0) | ~pd.Series(group).duplicated().to_numpy())
    shapes, rows = shapes[single], rows[single]
    pairs = common_land(shapes)
    smaller = np.minimum(shapely.area(shapes[pairs.one]), shapely.area(shapes[pairs.other]))
    real = pairs.wider(OVERLAP_WIDTH_M, OVERLAP_M2)
    inside = real & (pairs.area >= INSIDE_SHARE * smaller)
    if layer.layer == "buildings":
        # A tower drawn inside its podium is no stacked right to land, but its ground counts twice.
        inside = np.zeros_like(inside)
    kinds = (("stacked", inside), ("overlap", real & ~inside), ("sliver-overlap", ~real))
    return findings.concat(_pair_findings(code, layer, rows, pairs, np.flatnonzero(which)) for code, which in kinds)


def _pair_findings(code: str, layer: Prepared, rows: Rows, pairs: CommonLand, which: Rows) -> pd.DataFrame:
    if len(which) == 0:
        return findings.empty()
    one, other = rows[pairs.one[which]], rows[pairs.other[which]]
    shapes = pairs.shapes[which]
    land, width = records.land_m2(shapes, layer.frame.crs), mean_width(shapes)
    called = layer.called
    return findings.finding(
        code,
        layer.layer,
        ids=list(layer.names[one]),
        rows=one,
        column="geometry",
        found=[
            f"{a} × {b}: {m2:,.2f} m², {wide:.2f} m"
            for a, b, m2, wide in zip(called[one], called[other], land.tolist(), width.tolist(), strict=True)
        ],
        places=shapely.get_coordinates(shapely.point_on_surface(shapes)),
        tolerance_m2=f"{OVERLAP_M2:g}",
        width_m=f"{OVERLAP_WIDTH_M:g}",
    )


def park_findings(parks: Prepared, overlap: str, tolerance_m2: float) -> pd.DataFrame:
    """Name every pair of parks on the same land, with the land in m² and 亩.

    Records of one park (the same id) are one territory here. A pair blocks under ``overlap="error"``
    where its parts wider than 0.5 m add up to more than `tolerance_m2`.
    """
    owner, keys = pd.factorize(parks.called[parks.rows])
    first = np.unique(owner, return_index=True)[1]
    land = np.array([shapely.union_all(parks.shapes[owner == park]) for park in range(len(keys))], dtype="object")
    pairs = common_land(land)
    real = pairs.wider(BOUNDARY_WIDTH_M, tolerance_m2)
    area = records.land_m2(pairs.shapes, parks.frame.crs)
    told = []
    for code, which in (("parks-overlap", np.flatnonzero(real)), ("parks-touch", np.flatnonzero(~real))):
        if len(which) == 0:
            continue
        one, other = keys[pairs.one[which]], keys[pairs.other[which]]
        table = findings.finding(
            code,
            "parks",
            ids=list(one),
            rows=parks.rows[first[pairs.one[which]]],
            column="geometry",
            found=[
                f"{a} × {b}: {m2:,.2f} m² ({convert(m2, 'm2', 'mu'):,.2f} 亩)"
                for a, b, m2 in zip(one, other, area[which].tolist(), strict=True)
            ],
            places=shapely.get_coordinates(shapely.point_on_surface(pairs.shapes[which])),
            blocks=code == "parks-overlap" and overlap == "error",
            one=list(one),
            other=list(other),
            area_m2=area[which].tolist(),
            tolerance_m2=f"{tolerance_m2:g}",
            width_m=f"{BOUNDARY_WIDTH_M:g}",
        )
        table["severity"] = table["severity"].where(~table["blocks"].astype(bool), "error")
        told.append(table)
    return findings.concat(told)


def gap_findings(layer: Prepared) -> pd.DataFrame:
    """Name small gaps between parcels: enclosed ground up to `GAP_M2` with a mean width up to `GAP_WIDTH_M`."""
    if len(layer.rows) == 0:
        return findings.empty()
    void = _uncovered(layer.shapes)
    area, width = shapely.area(void), mean_width(void)
    gap = np.flatnonzero((area > LEAST_M2) & (area <= GAP_M2) & (width <= GAP_WIDTH_M))
    if len(gap) == 0:
        return findings.empty()
    places = shapely.get_coordinates(shapely.point_on_surface(void[gap]))
    order = np.lexsort((places[:, 1], places[:, 0]))
    gap, places = gap[order], places[order]
    beside = _neighbours(layer, void[gap])
    return findings.finding(
        "coverage-gap",
        layer.layer,
        ids=[layer.names[rows[0]] if len(rows) else "" for rows in beside],
        rows=[int(rows[0]) if len(rows) else -1 for rows in beside],
        column="geometry",
        found=[
            f"{area[at]:,.2f} m², {width[at]:.3f} m; " + ", ".join(layer.called[rows[:4]])
            for at, rows in zip(gap, beside, strict=True)
        ],
        places=places,
        max_m2=f"{GAP_M2:g}",
        width_m=f"{GAP_WIDTH_M:g}",
    )


def _uncovered(shapes: Shapes) -> Shapes:
    """Return the ground between shapes, a polygon each; the largest of them surrounds all shapes."""
    across = np.argsort(shapely.bounds(shapes)[:, 0], kind="stable")
    # Blocks between roads are joined one by one: four times as fast as a union of all at once.
    strips = spread(shapely.disjoint_subset_union_all, np.array_split(shapes[across], cores()))
    covered = shapely.disjoint_subset_union_all(shapely.get_parts(strips))
    around = shapely.box(*shapely.bounds(covered)).buffer(10.0)
    ground: Shapes = shapely.get_parts(shapely.difference(around, covered))
    return ground


def _neighbours(layer: Prepared, gaps: Shapes) -> list[Rows]:
    """Return the positions of the records around each gap, in order."""
    gap, near = shapely.STRtree(layer.shapes).query(shapely.buffer(gaps, LEAST_M2), predicate="intersects")
    rows = layer.rows[near]
    order = np.lexsort((rows, gap))
    return np.split(rows[order], np.searchsorted(gap[order], np.arange(1, len(gaps))))


def outside_findings(layer: Prepared, districts: Prepared) -> pd.DataFrame:
    """Name records with land outside the union of the districts; nothing where the layers lie apart."""
    city = shapely.union_all(districts.shapes)
    shapely.prepare(city)
    shapes = layer.shapes
    near = shapely.intersects(city, shapes)
    crossing = np.flatnonzero(near & ~shapely.covers(city, shapes))
    if not near.any():
        return findings.empty()
    out = np.where(near, shapely.Polygon(), shapes)
    out[crossing] = [_less_city(shape, city) for shape in shapes[crossing]]
    parts, owner = shapely.get_parts(out, return_index=True)
    wide = np.where(mean_width(parts) > BOUNDARY_WIDTH_M, shapely.area(parts), 0.0)
    which = np.flatnonzero(np.bincount(owner, weights=wide, minlength=len(out)) > OUTSIDE_M2)
    if len(which) == 0:
        return findings.empty()
    land = records.land_m2(out[which], layer.frame.crs)
    share = shapely.area(out[which]) / shapely.area(shapes[which])
    return findings.finding(
        "outside-city",
        layer.layer,
        ids=list(layer.names[layer.rows[which]]),
        rows=layer.rows[which],
        column="geometry",
        found=[f"{m2:,.2f} m² ({part:.1%})" for m2, part in zip(land, share, strict=True)],
        places=shapely.get_coordinates(shapely.point_on_surface(out[which])),
    )


def _less_city(shape: shapely.Geometry, city: shapely.Geometry) -> shapely.Geometry:
    """Return what of `shape` lies outside `city`; only the city within its box is looked at."""
    left, bottom, right, top = shape.bounds
    near = shapely.clip_by_rect(city, left - 1, bottom - 1, right + 1, top + 1)
    return polygonal(shapely.difference(shape, near if near.is_valid else shapely.make_valid(near)))


def apart_findings(layers: Mapping[str, Prepared]) -> pd.DataFrame:
    """Name layers that touch the parcels nowhere: they are of another place, or their CRS is wrong."""
    parcels = layers.get("parcels")
    told = []
    for name in ("districts", "parks", "buildings"):
        other = layers.get(name)
        if parcels is None or other is None or len(parcels.rows) == 0 or len(other.rows) == 0:
            continue
        if not _touch(parcels.shapes, other.shapes):
            found = f"{_extent(parcels)} ≠ {_extent(other)}"
            told.append(findings.finding("layers-apart", name, found=found, layer_a="parcels", layer_b=name))
    return findings.concat(told)


def _touch(one: Shapes, other: Shapes) -> bool:
    """Return whether any two shapes touch, looking at a sample first."""
    few, many = sorted((one, other), key=len)
    tree = shapely.STRtree(few)
    step = max(1, len(many) // SAMPLE)
    return any(tree.query(part, predicate="intersects").size > 0 for part in (many[::step], many))


def _extent(layer: Prepared) -> str:
    left, bottom, right, top = shapely.total_bounds(layer.shapes)
    return f"{layer.layer} [{left:.0f} {bottom:.0f} – {right:.0f} {top:.0f}]"
