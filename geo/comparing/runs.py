"""Two runs of one city (`compare`): what changed, what caused it, and the new industrial land outside the parks.

Runs come in as documents and layers that were read elsewhere; a `Comparison` goes out, which the command prints and
writes. Nothing here computes a figure: it calls the rooms `comparing_figures`, `comparing_land`, `comparing_parks`
and `comparing_candidates`, and notes whatever makes two runs less comparable.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import geopandas as gpd
import pandas as pd

from geo import standards
from geo.comparing.candidates import REVITALISED, Revitalised, revitalised
from geo.comparing.figures import compare_figures, differing, figures, floors_alike, match_places, resting_on
from geo.comparing.land import CityLand, NewIndustrial, new_industrial, total_m2, unknown_outside
from geo.comparing.parks import boundary_changes, moved_places, moved_sums
from geo.results import plain
from layers.errors import ProjectError, nearest
from layers.projections import describe
from layers.showing import Shown

__all__ = [
    "BOUNDARIES",
    "REQUIREMENT",
    "SCHEMA",
    "Comparison",
    "Note",
    "Options",
    "Run",
    "compare",
    "comparison_document",
]

SCHEMA = "parkwise-comparison/1"

#: What new industrial land outside the parks is held against, where a policy of the later run asks it.
REQUIREMENT = "new_industrial_outside"

#: Whose boundaries both runs' land is measured in, to tell what boundaries alone changed.
BOUNDARIES = ("a", "b", "each")


@dataclass(frozen=True)
class Run:
    """One run, as it was written.

    Attributes
    ----------
    document : mapping
        `results.json`.
    land : CityLand or None
    lacks : str
        Why there is no land: ``only_json``, ``no_gpkg``, ``no_parcels``; "" where there is.
    source : str
        Where it was read.
    shapeless, undrawn : int, set of str
        How many parcels have no shape, and their ids; they take no part in the overlay.
    """

    document: Mapping[str, Any]
    land: CityLand | None = None
    lacks: str = "only_json"
    source: str = ""
    shapeless: int = 0
    undrawn: frozenset[str] = frozenset()

    @property
    def city(self) -> str | None:
        """Name of the city."""
        return self.document.get("project", {}).get("city") or None

    @property
    def language(self) -> str:
        """Language of the run's reports."""
        return str(self.document.get("project", {}).get("language") or "zh")

    @property
    def as_of(self) -> str | None:
        """Day the figures are of, as ISO text."""
        day = self.document.get("definitions", {}).get("as_of") or self.document.get("project", {}).get("as_of")
        return None if day is None else str(day)


@dataclass(frozen=True)
class Options:
    """What the user decides; hangzhou-2023 （十） names neither a tolerance nor a minimum.

    Attributes
    ----------
    boundary : str
        ``b`` measures the earlier land in the later parks and districts, ``a`` the later land in the earlier ones: so
        moved boundaries are told apart in every indicator of land. ``each`` leaves the effect of boundaries inside
        those of the two sums. Of firms it is not told apart: such figures are marked.
    tolerance_m, minimum_m2 : float
        See `comparing_land.new_industrial`.
    exceptions : mapping
        Parcel → reason, see `comparing_land.new_industrial`.
    """

    boundary: str = "b"
    tolerance_m: float = 1.0
    minimum_m2: float = 100.0
    exceptions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if self.boundary not in BOUNDARIES:
            like = nearest(self.boundary, BOUNDARIES) or "b"
            raise ProjectError(
                f'boundary "{self.boundary}" is not known. Expected one of {", ".join(BOUNDARIES)}, such as "{like}".',
                f"不认识边界口径“{self.boundary}”。应为 {'、'.join(BOUNDARIES)} 之一，例如“{like}”。",
            )
        for name in ("tolerance_m", "minimum_m2"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ProjectError(
                    f"{name} = {value:g}: expected a number of at least 0.", f"{name} = {value:g}：应为不小于 0 的数。"
                )


@dataclass(frozen=True)
class Note:
    """Something to know before the figures are read: a code, and what fills its words."""

    code: str
    fill: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """What two runs of one city have to say together.

    Attributes
    ----------
    before, after : Run
    options : Options
    notes : tuple of Note
        What makes the runs less comparable; to be read first.
    definitions : DataFrame
        See `comparing_figures.differing`.
    places : DataFrame
        See `comparing_figures.match_places`.
    indicators : DataFrame
        See `comparing_figures.compare_figures`.
    new_industrial : NewIndustrial or None
    revitalised : Revitalised or None
    targets : list of dict
        What the policies of the later run ask of new industrial land outside the parks, as in `results.json`; no
        verdict where only land of unknown use before, or without an area, was found.
    boundaries : GeoDataFrame or None
        See `comparing_parks.boundary_changes`.
    """

    before: Run
    after: Run
    options: Options
    notes: tuple[Note, ...]
    definitions: pd.DataFrame
    places: pd.DataFrame
    indicators: pd.DataFrame
    new_industrial: NewIndustrial | None = None
    revitalised: Revitalised | None = None
    boundaries: gpd.GeoDataFrame | None = None
    targets: tuple[dict[str, Any], ...] = ()

    def __str__(self) -> str:
        area = self.new_industrial_outside_m2
        new = "—" if area is None else f"{area:,.2f} m²"
        return (
            f"{self.before.city or ''} {self.before.as_of or '—'} → {self.after.as_of or '—'}\n"
            f"New industrial land outside the parks 开发区外新增工业用地: {new}"
        )

    def _repr_html_(self) -> str:
        city = self.indicators[self.indicators["level"] == "city"] if len(self.indicators) else self.indicators
        notes = pd.DataFrame([{"note": one.code, **one.fill} for one in self.notes])
        tables = (city, *(one for one in (self.definitions, notes) if len(one)))
        return Shown(str(self), tables)._repr_html_()

    @property
    def new_industrial_outside_m2(self) -> float | None:
        """Industrial land that was none before and lies outside the later parks; None where nobody could look."""
        return None if self.new_industrial is None else self.new_industrial.sums_m2["new"]


def compare(before: Run, after: Run, options: Options | None = None) -> Comparison:
    """Compare two runs of one city (两期结果对比).

    Parameters
    ----------
    before, after : Run
        The earlier and the later one. Land in another plane than the earlier one's is projected into it.
    options : Options, optional

    Returns
    -------
    Comparison
        Without land in both runs, figures only; the notes say why.

    Raises
    ------
    ProjectError
        An option makes no sense.

    Examples
    --------
    >>> row = {"id": "industrial_concentration", "scope": {"level": "city", "id": "X", "name": "X"}, "unit": "1",
    ...        "numerator_unit": "m2", "denominator_unit": "m2", "numerator": 30.0, "denominator": 60.0, "value": 0.5}
    >>> later = row | {"numerator": 45.0, "denominator": 75.0, "value": 0.6}
    >>> found = compare(Run({"indicators": [row]}), Run({"indicators": [later]}))
    >>> found.indicators[["before", "after", "numerator_effect", "denominator_effect"]].round(6).values.tolist()
    [[0.5, 0.6, 0.225, -0.125]]
    """
    asked = options or Options()
    old, new = figures(before.document), figures(after.document)
    places, differences = match_places(old, new), differing(before.document, after.document)
    notes = _notes(before, after)
    bare = Comparison(before, after, asked, (), differences, places, pd.DataFrame())
    one, other = before.land, after.land
    if one is None or other is None:
        table = compare_figures(old, new, places, differences)
        return replace(bare, notes=tuple(notes), indicators=table)
    if one.parcels.crs != other.parcels.crs:
        told = {"before": describe(one.parcels.crs), "after": describe(other.parcels.crs)}
        notes.append(Note("crs_differs", told))
        other = other.to_crs(one.parcels.crs)
    moved, shifted = _moved(one, other, places, old, new, asked)
    fresh = new_industrial(
        one, other, tolerance_m=asked.tolerance_m, minimum_m2=asked.minimum_m2, exceptions=asked.exceptions
    )
    followed = None
    if one.judged and other.judged:
        followed = revitalised(one, other, tolerance_m=asked.tolerance_m, floors_alike=floors_alike(differences))
    pairs = places.loc[places["level"] == "park", ["id_before", "id_after"]].astype("object")
    parks = list(pairs.where(pairs.notna(), None).itertuples(index=False, name=None))
    return replace(
        bare,
        notes=(*notes, *_land_notes(one, other, fresh), *_aside_notes(before, fresh)),
        indicators=compare_figures(old, new, places, differences, moved, shifted),
        new_industrial=fresh,
        revitalised=followed,
        boundaries=boundary_changes(one, other, parks, tolerance_m=asked.tolerance_m),
        targets=tuple(_targets(after, fresh)),
    )


def _notes(before: Run, after: Run) -> list[Note]:
    """What makes the two documents less comparable."""
    notes = []
    if before.city and after.city and before.city != after.city:
        notes.append(Note("cities_differ", {"before": before.city, "after": after.city}))
    if before.as_of and after.as_of and before.as_of > after.as_of:
        notes.append(Note("swapped", {"before": before.as_of, "after": after.as_of}))
    for run, name in ((before, "A"), (after, "B")):
        if run.land is None:
            notes.append(Note(f"land_{run.lacks}", {"run": name, "source": run.source}))
        elif run.shapeless:
            notes.append(Note("shapeless", {"run": name, "count": run.shapeless}))
    return notes


def _land_notes(before: CityLand, after: CityLand, fresh: NewIndustrial) -> list[Note]:
    """What makes the two overlays less comparable."""
    notes = [Note("no_parks", {"run": name}) for land, name in ((before, "A"), (after, "B")) if land.parks is None]
    if after.parks is None:
        notes.append(Note("all_outside"))
    notes += [
        Note("not_judged", {"run": name}) for land, name in ((before, "A"), (after, "B")) if not land.judged
    ]  # fmt: skip
    count, area = unknown_outside(after)
    if count:
        notes.append(Note("unknown_outside", {"count": count, "area_m2": area}))
    if fresh.unmeasured:
        notes.append(Note("unmeasured", {"count": fresh.unmeasured}))
    for code in ("unmatched", "ambiguous", "small", "unneeded"):
        names = getattr(fresh, code)
        if names:
            notes.append(Note(f"exceptions_{code}", {"count": len(names), "ids": list(names)}))
    return notes


def _aside_notes(before: Run, fresh: NewIndustrial) -> list[Note]:
    """Tell of parcels the earlier run could not use: their ground counts as none, and may come back as new land."""
    told = before.document.get("ledger", {}).get("parcels", {}).get("set_aside", [])
    told = [one for one in told if one.get("reason") != "row-duplicate"]  # a copy leaves its parcel behind
    aside = sum(int(one.get("count") or 0) for one in told)
    # The ledger names the first of each reason only.
    ids = before.undrawn | {str(name) for one in told for name in one.get("ids", ())}
    back = fresh.table[fresh.table["parcel_id"].isin(ids) & (fresh.table["status"] == "new")]
    notes = [Note("set_aside", {"count": aside})] if aside else []
    if len(back):
        area = total_m2(back["area_m2"].to_numpy("float64"))
        notes.append(Note("returned", {"count": back["uid"].nunique(), "area_m2": area}))
    return notes


def _targets(after: Run, fresh: NewIndustrial) -> list[dict[str, Any]]:
    """Hold new industrial land against the policies of the later run that are on board."""
    day = after.as_of
    ids = [one for one in after.document.get("definitions", {}).get("policies", []) if one in standards.policies()]
    if day is None:
        return []
    return standards.targets(REQUIREMENT, "city", date.fromisoformat(day), ids, fresh.total_m2)


def _moved(
    before: CityLand, after: CityLand, places: pd.DataFrame, old: pd.DataFrame, new: pd.DataFrame, asked: Options
) -> tuple[pd.DataFrame | None, pd.Series | None]:
    """What moved boundaries alone brought into the sums, and which places have other boundaries."""
    if before.parks is None or after.parks is None:
        return None, None
    shifted = moved_places(before, after, places, tolerance_m=asked.tolerance_m)
    if asked.boundary == "each":
        return None, shifted
    if asked.boundary == "b":
        moved = moved_sums(before, after, old, places, ("before", "after"))
    else:
        moved = -moved_sums(after, before, new, places, ("after", "before"))
    # Where the rule for overlaps hands ground on, a neighbour's boundary moves a park's land too.
    touched = moved[(moved != 0).any(axis=1)].index.get_level_values("place")
    return moved, shifted | shifted.index.isin(touched)


# ---------------------------------------------------------------- the document


def comparison_document(found: Comparison) -> dict[str, Any]:
    """Return a comparison as plain JSON-able data; values in display units, areas in m², missing ones as null.

    `new_industrial_outside_m2` is industrial land of the later run that was none in the earlier one and lies
    outside the later parks; what is excepted, of unknown use before, a sliver or below the minimum stands beside it.
    """
    document = {
        "schema": SCHEMA,
        "before": _head(found.before),
        "after": _head(found.after),
        "options": {
            "boundary": found.options.boundary,
            "tolerance_m": found.options.tolerance_m,
            "minimum_m2": found.options.minimum_m2,
            "exceptions": len(found.options.exceptions),
        },
        "notes": [{"code": note.code, **note.fill} for note in found.notes],
        "definitions": found.definitions.to_dict("records"),
        "places": found.places[found.places["state"] != "same"].to_dict("records"),
        "new_industrial_outside_m2": found.new_industrial_outside_m2,
        "new_industrial": _new_industrial(found),
        "revitalised": _revitalised(found),
        "boundary_changes": None if found.boundaries is None else _rows(found.boundaries),
        "indicators": found.indicators.to_dict("records"),
    }
    made: dict[str, Any] = plain(document)
    return made


def _head(run: Run) -> dict[str, Any]:
    return {
        "source": run.source,
        "city": run.city,
        "name": run.document.get("project", {}).get("name"),
        "as_of": run.as_of,
        "land": run.land is not None,
    }


def _rows(frame: gpd.GeoDataFrame) -> list[dict[Any, Any]]:
    return pd.DataFrame(frame.drop(columns="geometry")).to_dict("records")


def _comparable(found: Comparison, overlay: str) -> dict[str, Any]:
    """Whether both runs define alike what an overlay rests on, and what differs."""
    because = resting_on(found.definitions, overlay)
    return {"comparable": not because, "because": list(because)}


def _new_industrial(found: Comparison) -> dict[str, Any] | None:
    fresh = found.new_industrial
    if fresh is None:
        return None
    return {
        **_comparable(found, "new_industrial"),
        "targets": list(found.targets),
        "sums_m2": fresh.sums_m2,
        "counts": fresh.counts,
        "unmeasured": fresh.unmeasured,
        "exceptions_unmatched": list(fresh.unmatched),
        "exceptions_ambiguous": list(fresh.ambiguous),
        "exceptions_small": list(fresh.small),
        "exceptions_unneeded": list(fresh.unneeded),
        "parcels": _rows(fresh.table),
    }


def _revitalised(found: Comparison) -> dict[str, Any] | None:
    followed = found.revitalised
    if followed is None:
        return None
    counted = followed.table[followed.table["outcome"].isin(REVITALISED)]
    return {
        **_comparable(found, "revitalised"),
        "area_m2": followed.area_m2,
        "outcomes": followed.sums.to_dict("records"),
        "parcels": _rows(counted),
    }
