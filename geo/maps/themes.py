"""Themes: into which classes parcels fall, in which colours (`themes`).

Takes finished facts by parcel and the style table (`styles.csv`); computes no figure but counts and
areas of classes. Limits of classes are quantiles rounded to readable numbers, and the policy's own
figure where one exists: below it warm colours, above it blue ones. Palettes are told apart by people
with the common kinds of colour blindness; what has no figure is hatched, never coloured as a low value.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.assessment import Assessment
from geo.concentrations import industrial_by_park
from geo.indicators import indicator
from geo.labels import labels, text
from geo.maps.facts import MEASURES, land_of, use_groups
from geo.plan.words import ACT_WORDS, money_words
from geo.planned import Planned
from layers import units

__all__ = [
    "Class", "Theme", "breaks", "candidate_classes", "role_of", "role_word", "special_class", "style", "theme_of",
    "themes", "tint", "zone_colours",
]  # fmt: skip

#: Classes of a measure need at least this many parcels to be cut at all.
_ENOUGH = 8


@dataclass(frozen=True)
class Class:
    """One class of a theme: its words, its fill, what lies in it.

    `mark` is told below its name; `inset` hangs it under the one before.
    """

    label: str
    fill: str
    pattern: str = ""
    parcels: int = 0
    area_m2: float = 0.0
    mark: str = ""
    inset: bool = False


@dataclass(frozen=True)
class Theme:
    """A way to colour parcels: classes, and the class of every parcel (−1: not drawn)."""

    id: str
    title: str
    note: str
    classes: tuple[Class, ...]
    of_parcel: npt.NDArray[np.int64]


@cache
def style() -> Mapping[tuple[str, str], tuple[str, str]]:
    """Return the style table: (kind, key) → (colour, pattern)."""
    table = resources.files("geo.maps").joinpath("styles.csv").read_text("utf-8")
    return {(row["kind"], row["key"]): (row["colour"], row["pattern"]) for row in csv.DictReader(table.splitlines())}


def tint(colour: str, strength: float) -> str:
    """Mix a colour with white.

    Examples
    --------
    >>> tint("#0072b2", 1), tint("#000000", 0.5)
    ('#0072b2', '#808080')
    """
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return "#" + "".join(f"{math.floor(255 - (255 - part) * strength + 0.5):02x}" for part in parts)


def zone_colours(zone_ids: Sequence[str]) -> dict[str, str]:
    """Give each zone a hue, in the order of the ids; after the last hue they come round again."""
    hues = [colour for (kind, _), (colour, _) in style().items() if kind == "zone"]
    return {zone: hues[place % len(hues)] for place, zone in enumerate(dict.fromkeys(zone_ids))}


def themes(assessment: Assessment, facts: pd.DataFrame, language: str, plan: Planned | None = None) -> list[Theme]:
    """Return the themes this assessment, and what was planned on it, has anything to show for."""
    made = [_zones(assessment, facts, language), _land_use(assessment, facts, language)]
    made += [_measure(name, assessment, facts, language) for name in MEASURES]
    made += [_candidates(assessment, facts, language), _plan(plan, facts, language)]
    return [theme for theme in made if theme is not None]


def theme_of(
    id: str,  # noqa: A002
    facts: pd.DataFrame,
    title: str,
    note: str,
    of_parcel: npt.NDArray[np.int64],
    classes: Sequence[Class],
    kept: int = 0,
) -> Theme:
    """Count what lies in each class, and drop the classes in which nothing lies, but not the first `kept`."""
    drawn = of_parcel >= 0
    counts = np.bincount(of_parcel[drawn], minlength=len(classes))
    area = np.bincount(of_parcel[drawn], weights=facts["area_m2"].fillna(0.0)[drawn], minlength=len(classes))
    shown = (counts > 0) | (np.arange(len(classes)) < kept)
    place = np.cumsum(shown) - 1
    left = tuple(
        Class(one.label, one.fill, one.pattern, int(counts[at]), float(area[at]), one.mark, one.inset)
        for at, one in enumerate(classes)
        if shown[at]
    )
    renumbered = np.where(drawn, place[np.where(drawn, of_parcel, 0)], -1)
    return Theme(id, title, note, left, renumbered)


def special_class(key: str, language: str) -> Class:
    """Return a class that many themes share: other land, land without a figure."""
    colour, pattern = style()["class", key]
    return Class(text(f"map.class.{key}", language), colour, pattern)


def _zones(assessment: Assessment, facts: pd.DataFrame, language: str) -> Theme | None:
    """Industrial land by zone and role, and industrial land outside every park."""
    parks = land_of(assessment).parks
    if parks is None:
        return None
    keys = pd.DataFrame({"zone": parks["zone_id"], "role": role_of(parks)})
    order = _zone_order(keys)
    colours = zone_colours(parks["zone_id"].tolist())
    names = parks.drop_duplicates("zone_id").set_index("zone_id")["zone_name"]
    classes = []
    for row in order.itertuples():
        strength, pattern = style().get(("role", str(row.role)), ("0.5", "lines"))
        fill = tint(colours[str(row.zone)], float(strength))
        word = role_word(str(row.role), language)
        classes.append(
            Class(word if row.inset else f"{names[row.zone]} · {word}", fill, pattern, inset=bool(row.inset))
        )
    class_of_park = keys.merge(order.assign(at=order.index), on=["zone", "role"], how="left")["at"].to_numpy()
    home = facts["park"].to_numpy()
    industrial = facts["industrial"].to_numpy()
    n = len(classes)
    of_parcel = np.where(industrial, np.where(home >= 0, class_of_park[home], n), np.where(home >= 0, n + 1, n + 2))
    classes += [special_class(key, language) for key in ("outside", "inside_other", "other")]
    inside = float(industrial_by_park(land_of(assessment))["industrial_m2"].sum())
    note = text("map.note.zones", language, area=f"{units.convert(inside, 'm2', 'mu'):,.0f}")
    return theme_of("zones", facts, text("map.theme.zones", language), note, of_parcel, classes)


def _zone_order(keys: pd.DataFrame) -> pd.DataFrame:
    """Zones in their order, the roles in each in theirs; `inset` where the zone was named before."""
    roles = [key for kind, key in style() if kind == "role"]
    order = keys.drop_duplicates().assign(
        place=lambda rows: pd.factorize(rows["zone"])[0],
        rank=lambda rows: rows["role"].map({role: at for at, role in enumerate(roles)}).fillna(len(roles)),
    )
    order = order.sort_values(["place", "rank", "role"], kind="stable").reset_index(drop=True)
    return order.assign(inset=order["zone"].duplicated())


def role_of(parks: pd.DataFrame) -> pd.Series:
    """Return the role of each park; a park without one is the main park of its zone."""
    if "role" not in parks:
        return pd.Series("main", index=parks.index, dtype="string")
    return parks["role"].astype("string").fillna("main")


def role_word(role: str, language: str) -> str:
    """Return the word for a role; one that nobody foresaw is shown as it is written."""
    key = f"role.{role}"
    return text(key, language) if key in labels() else role


def _land_use(assessment: Assessment, facts: pd.DataFrame, language: str) -> Theme:
    system = assessment.project.text("land_use.system") or "third-survey"
    groups = use_groups(facts["use"], system, facts["industrial"].to_numpy())
    order = [key for kind, key in style() if kind == "land_use"]
    of_parcel = pd.Index(order).get_indexer(pd.Index(groups)).astype("int64")
    classes = [Class(text(f"map.use.{key}", language), *style()["land_use", key]) for key in order]
    return theme_of("land_use", facts, text("map.theme.land_use", language), "", of_parcel, classes)


def _measure(name: str, assessment: Assessment, facts: pd.DataFrame, language: str) -> Theme | None:
    """Classes of a measure of industrial land."""
    values = facts[name].to_numpy("float64")
    industrial = facts["industrial"].to_numpy()
    known = industrial & np.isfinite(values)
    if not known.any():
        return None
    limit, source = _limit(name, assessment)
    edges = breaks(values[known], limit)
    entry = indicator(name)
    factor = 100 if entry.percent else 1
    shown = [f"{edge * factor:,.10g}" for edge in edges]
    unit = "%" if entry.percent else ("" if entry.unit == "1" else units.label(entry.unit, language))
    classes = [
        Class(label, colour, mark=source if limit is not None and at == edges.index(limit) + 1 else "")
        for at, (label, colour) in enumerate(zip(_range_labels(shown, language), _ramp(edges, limit), strict=True))
    ]
    n = len(classes)
    of_parcel = np.where(industrial, np.where(known, np.searchsorted(edges, values, side="right"), n), n + 1)
    classes += [special_class("no_data", language), special_class("other", language)]
    title = entry.title(language) + (f" ({unit})" if unit else "")
    return theme_of(name, facts, title, text("map.note.measure", language), of_parcel.astype("int64"), classes, n)


def _limit(name: str, assessment: Assessment) -> tuple[float | None, str]:
    """The policy's least figure for the city, where there is one, and where it stands."""
    rows = assessment.indicators
    rows = rows[(rows["id"] == name) & (rows["level"] == "city")]
    for target in rows["targets"].iloc[0] if len(rows) else []:
        if isinstance(target.get("at_least"), (int, float)):
            return float(target["at_least"]), f"{target['policy']} {target['clause']}"
    return None, ""


def breaks(values: npt.NDArray[np.float64], limit: float | None = None) -> list[float]:
    """Return limits of classes: quantiles rounded to readable numbers, and `limit` among them.

    Without a limit five classes; with one up to three on either side of it. Ties and few values give fewer.

    Examples
    --------
    >>> breaks(np.arange(1000.0))
    [200.0, 400.0, 600.0, 800.0]
    >>> breaks(np.arange(100.0), 40.0)
    [12.0, 25.0, 40.0, 60.0, 80.0]
    """
    if limit is None:
        return _quantiles(values, 5)
    below, above = values[values < limit], values[values >= limit]
    return [
        *(edge for edge in _quantiles(below, 3) if edge < limit),
        limit,
        *(edge for edge in _quantiles(above, 3) if edge > limit),
    ]


def _quantiles(values: npt.NDArray[np.float64], parts: int) -> list[float]:
    if len(values) < _ENOUGH:
        return []
    edges = sorted({_readable(edge) for edge in np.quantile(values, np.arange(1, parts) / parts)})
    return [edge for edge in edges if values.min() < edge <= values.max()]


def _readable(value: float) -> float:
    """The nearest number people like to read: 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten."""
    if abs(value) < 1e-300:  # as good as nothing, and no power of ten is left to divide by
        return 0.0
    power = math.floor(math.log10(abs(value)))
    nearest = min((1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10), key=lambda step: abs(step - abs(value) / 10**power))
    return float(f"{math.copysign(nearest, value) * 10**power:.6g}")


def _range_labels(shown: Sequence[str], language: str) -> list[str]:
    if not shown:
        return [text("map.class.known", language)]
    middle = [f"{low} – {high}" for low, high in pairwise(shown)]
    return [f"< {shown[0]}", *middle, f"≥ {shown[-1]}"]


def _ramp(edges: Sequence[float], limit: float | None) -> list[str]:
    colours = style()
    if limit is None:
        steps = np.rint(np.linspace(1, 5, len(edges) + 1)).astype(int) if edges else [3]
        return [colours["rising", str(step)][0] for step in steps]
    below = edges.index(limit) + 1
    above = len(edges) + 1 - below
    low = [colours["below", str(step)][0] for step in range(below, 0, -1)]
    return low + [colours["above", str(step)][0] for step in range(1, above + 1)]


def _candidates(assessment: Assessment, facts: pd.DataFrame, language: str) -> Theme | None:
    if assessment.candidates is None:
        return None
    strength = facts["strength"].to_numpy()
    most = max(int(strength.max(initial=0)), 1)
    classes = [special_class("other", language), *candidate_classes(facts, most, language)]
    # Strongest first, as people read the list; the two classes that are no candidates last.
    order = [*range(most + 1, 1, -1), 1, 0]
    place = np.argsort(order)
    of_parcel = place[strength + 1]
    note = text("map.note.candidates", language)
    title = text("map.theme.candidates", language)
    return theme_of("candidates", facts, title, note, of_parcel, [classes[at] for at in order])


def candidate_classes(facts: pd.DataFrame, most: int, language: str) -> list[Class]:
    """Return the classes of judged land: no candidate, then candidates of 1, 2, … `most` pieces of evidence."""
    strength = facts["strength"].to_numpy()
    least = int(min((step for step in strength if step > 0), default=1))
    classes = [special_class("judged", language)]
    for step in range(1, most + 1):
        colour, _ = style()["strength", str(min(step - least + 2, 5) if step >= least else 1)]
        classes.append(Class(text("map.class.strength", language, count=step), colour))
    return classes


def _plan(plan: Planned | None, facts: pd.DataFrame, language: str) -> Theme | None:
    """Parcels by the act that is planned on them; industrial land that is left alone, other land."""
    if plan is None or not len(plan.plan.chosen):
        return None
    colours, acts = style(), list(ACT_WORDS)
    act = plan.acts["action"].map({name: at for at, name in enumerate(acts)}).to_numpy("int64")
    row, n = plan.of_parcel, len(acts)
    of_parcel = np.where(row >= 0, act[row], np.where(facts["industrial"], n, n + 1))
    words = [ACT_WORDS[name].text(language) for name in acts]
    classes = [
        Class(word[:1].upper() + word[1:], *colours["act", name]) for name, word in zip(acts, words, strict=True)
    ]
    classes += [special_class("kept", language), special_class("other", language)]
    # Of a parcel that is annexed only what lies outside is counted, as the report does.
    acted, area = row >= 0, facts["area_m2"].to_numpy("float64").copy()
    area[acted] = plan.acts["land_m2"].to_numpy("float64")[row[acted]]
    facts = facts.assign(area_m2=area)
    note = text("map.note.plan", language, cost=money_words(plan.plan.cost_fen).text(language))
    return theme_of("plan", facts, text("map.theme.plan", language), note, of_parcel, classes)
