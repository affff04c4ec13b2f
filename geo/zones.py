"""One zone, multiple parks (一区多园): who owns which ground.

Knows the hierarchy zone → park → parts, and the rule for ground that several parks claim. One
territory may bear several titles, and a cooperation park may lie inside another zone, so city figures
count ground once (the union) and tables by park follow a stated rule:

``error``     stop when parks overlap above the tolerance; below it, as ``priority``
``priority``  contested ground goes to the park that ranks first (lowest `priority` number, then
              higher level, then main before other roles, then the smaller id: never the order of rows)
``split``     contested ground is shared equally among the parks that claim it
``largest``   contested ground of a parcel goes to the claiming park that holds most of that parcel

`faces` cuts the parks into disjoint faces, each with the list of parks that claim it; everything else
follows from the faces, so the pieces always add up to the union.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.overlay import Pairs
from layers.common_land import BOUNDARY_WIDTH_M, common_land
from layers.errors import ProjectError, nearest
from layers.mending import polygonal

__all__ = ["OVERLAP_RULES", "Faces", "assign", "faces", "overlaps", "park_table"]

#: A face, and the parks that claim it.
Piece = tuple[shapely.Geometry, tuple[int, ...]]

#: A part of a cut with less area than this is what floats leave, no land (tallies count in 0.01 m²).
_HAIR_M2 = 1e-6
OVERLAP_RULES = ("error", "priority", "split", "largest")

_LEVELS = ("national", "provincial", "candidate", "municipal")
_ROLES = ("main", "branch", "entrusted", "enclave", "cooperation", "partner")
_KEPT = (
    "role", "level", "platform_type", "host_district", "operator", "priority", "vacant_land_m2",
)  # fmt: skip


@dataclass(frozen=True)
class Faces:
    """Disjoint faces of the parks.

    Attributes
    ----------
    geometry : array of polygons
    owners : tuple of tuples of int
        For each face, the rows of `park_table` that claim it, best rank first.
    """

    geometry: npt.NDArray[np.object_]
    owners: tuple[tuple[int, ...], ...]


def park_table(parks: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return one row a park: `park_id`, `park_name`, `zone_id`, `zone_name`, role, level, …, geometry.

    Rows of one park (the same `park_id`, or without ids the same `park_name`, in the same zone) are its
    parts and are joined. A park without a zone is a zone of its own. Rows are in rank order of the
    ``priority`` rule.
    """
    n = len(parks)
    named = _text(parks, "park_name").fillna(pd.Series([f"park {i + 1}" for i in range(n)], index=parks.index))
    zone_names, zone_ids = _text(parks, "zone_name"), _text(parks, "zone_id")
    ids = _by_zone(_text(parks, "park_id").fillna(named), zone_names.fillna(zone_ids))
    zone_ids = zone_ids.fillna(zone_names).fillna(ids)
    table = gpd.GeoDataFrame(
        {
            "park_id": ids,
            "park_name": named,
            "zone_id": zone_ids,
            "zone_name": zone_names.fillna(named),
            **{column: parks[column] for column in _KEPT if column in parks},
        },
        geometry=parks.geometry,
        crs=parks.crs,
    )
    joined = table.drop(columns="geometry").groupby("park_id", sort=False).first()
    shapes = table.geometry.groupby(table["park_id"], sort=False).agg(_joined)
    whole = gpd.GeoDataFrame(joined, geometry=gpd.GeoSeries(shapes, crs=parks.crs).reindex(joined.index))
    return whole.reset_index().iloc[_rank(whole)].reset_index(drop=True)


def _joined(parts: gpd.GeoSeries) -> shapely.Geometry:
    """Return the parts of a park as one shape; the only one there is needs no copy."""
    return parts.iloc[0] if len(parts) == 1 else shapely.union_all(parts.array)


def _by_zone(ids: pd.Series, zones: pd.Series) -> pd.Series:
    """An id or name that stands in several zones (东区, or park 1, of two zones) gets its zone before it."""
    shared = zones.groupby(ids).transform("nunique") > 1
    return ids.mask(shared & zones.notna(), zones + " " + ids)


def _text(frame: pd.DataFrame, column: str) -> pd.Series:
    if column not in frame:
        return pd.Series(pd.NA, index=frame.index, dtype="string")
    text = frame[column].astype("string").str.strip()
    return text.mask(text == "")


def _rank(parks: pd.DataFrame) -> npt.NDArray[np.intp]:
    """Order of the ``priority`` rule: priority number, level, role, id."""
    keys: list[npt.NDArray[np.floating]] = [pd.Series(parks.index).rank().to_numpy("float64")]
    for column, order in (("role", _ROLES), ("level", _LEVELS)):
        if column in parks:
            place = {word: float(i) for i, word in enumerate(order)}
            keys.append(parks[column].map(place).fillna(len(order)).to_numpy("float64"))
    if "priority" in parks:
        keys.append(pd.to_numeric(parks["priority"], errors="coerce").fillna(np.inf).to_numpy("float64"))
    return np.lexsort(keys)


def overlaps(parks: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the overlap matrix as pairs: `park_a`, `park_b`, `area_m2`, `wide_m2`, `geometry`.

    Parameters
    ----------
    parks : GeoDataFrame
        As `park_table` returns it. Areas are planar; `wide_m2` leaves out parts no wider than 0.5 m, which
        are boundary noise.
    """
    pairs = common_land(parks.geometry.to_numpy())
    ids = parks["park_id"].to_numpy()
    return pd.DataFrame(
        {
            "park_a": ids[pairs.one],
            "park_b": ids[pairs.other],
            "area_m2": pairs.area,
            "wide_m2": pairs.wide(BOUNDARY_WIDTH_M),
            "geometry": pairs.shapes,
        }
    )


def faces(parks: gpd.GeoDataFrame) -> Faces:
    """Cut the parks into disjoint faces, each with the parks that claim it.

    Parameters
    ----------
    parks : GeoDataFrame
        As `park_table` returns it, in rank order.

    Notes
    -----
    Faces come by the first park that claims them. The cost is that of the parks whose boxes meet, not of all pairs:
    where parks lie apart next to nothing, where they overlap three overlays for each piece that is cut.
    """
    shapes = parks.geometry.to_numpy()
    beside = _beside(shapes)
    # A face stays with the first park that claims it, so a park looks only at what those beside it hold.
    held: list[list[Piece]] = []
    for row, shape in enumerate(shapes):
        rest = shape
        for first in beside[row]:
            held[first], rest = _cut(held[first], row, shape, rest)
        if rest is not shape or not isinstance(shape, shapely.Polygon):  # else nothing was taken, and it needs no copy
            rest = _land(rest)
        held.append([] if rest.is_empty else [(rest, (row,))])
    done = [piece for pieces in held for piece in pieces]
    geometry = np.array([face for face, _ in done], dtype="object")
    return Faces(geometry, tuple(owners for _, owners in done))


def _beside(shapes: npt.NDArray[np.object_]) -> list[list[int]]:
    """Return for each park those before it whose boxes meet its own, in order."""
    beside: list[list[int]] = [[] for _ in shapes]
    pairs = np.transpose(shapely.STRtree(shapes).query(shapes))
    for row, first in sorted(pairs[pairs[:, 1] < pairs[:, 0]].tolist()):
        beside[row].append(first)
    return beside


def _cut(
    pieces: list[Piece], row: int, shape: shapely.Geometry, rest: shapely.Geometry
) -> tuple[list[Piece], shapely.Geometry]:
    """Cut pieces of earlier parks where `shape`, the park `row`, claims them too, and take them from its `rest`."""
    cut: list[Piece] = []
    for face, owners in pieces:
        common = _land(face.intersection(shape)) if face.intersects(shape) else None
        if common is None or common.is_empty:
            cut.append((face, owners))
            continue
        cut.append((common, (*owners, row)))
        outside = _land(face.difference(shape))
        if not outside.is_empty:
            cut.append((outside, owners))
        rest = _land(rest.difference(face))
    return cut, rest


def _land(shape: shapely.Geometry) -> shapely.Geometry:
    """Return the polygons of a shape without what floats leave where two edges all but coincide.

    Not only is a part of 1e-16 m² no land: the next overlay of such a shape may find land where none is.
    """
    land = polygonal(shape)
    parts = shapely.get_parts(land)
    sound = shapely.area(parts) > _HAIR_M2
    return land if sound.all() else polygonal(shapely.multipolygons(parts[sound]))


def assign(pairs: Pairs, owners: tuple[tuple[int, ...], ...], rule: str) -> Pairs:
    """Turn parcel × face shares into parcel × park shares under an overlap rule.

    Parameters
    ----------
    pairs : Pairs
        `left` = parcel, `right` = face.
    owners : tuple
        `Faces.owners`.
    rule : str
        One of `OVERLAP_RULES`; ``error`` acts as ``priority`` here (whether to stop is judged before).

    Returns
    -------
    Pairs
        `left` = parcel, `right` = park, one row a pair, sorted. Σ share over parks = Σ share over faces.
    """
    if rule not in OVERLAP_RULES:
        like = nearest(rule, OVERLAP_RULES)
        raise ProjectError(
            f'overlap = "{rule}" is not a rule. Expected one of {", ".join(OVERLAP_RULES)}; nearest: {like}.',
            f"overlap = “{rule}” 不是可用的规则。可用：{'、'.join(OVERLAP_RULES)}；最接近：{like}。",
        )
    claims = pd.DataFrame({"parcel": pairs.left, "face": pairs.right, "share": pairs.share})
    owner = pd.DataFrame(
        [(face, park, len(parks), rank) for face, parks in enumerate(owners) for rank, park in enumerate(parks)],
        columns=["face", "park", "claimants", "rank"],
    )
    claims = claims.merge(owner, on="face")
    if rule == "split":
        claims["share"] = claims["share"] / claims["claimants"]
    elif rule == "largest":
        held = claims.groupby(["parcel", "park"])["share"].transform("sum")
        order = claims.assign(held=held).sort_values(
            ["parcel", "face", "held", "rank"], ascending=[True, True, False, True], kind="stable"
        )
        claims = order.drop_duplicates(["parcel", "face"])
    else:
        claims = claims[claims["rank"] == 0]
    shares = claims.groupby(["parcel", "park"], sort=True)["share"].sum().reset_index()
    return Pairs(
        shares["parcel"].to_numpy("intp"),
        shares["park"].to_numpy("intp"),
        shares["share"].to_numpy("float64"),
    )
