"""One policy document as data: its shape, and the reader that refuses what is not fully sourced.

A file of `geo/policy` says who issued the document, from when to when it holds, with which text its
entries were compared and when; then, clause by clause, the figure as printed, its unit, year and scope,
a description in our own words, and what the text leaves open with the reading we assume. A rule on the
yearly ranking of zones says in `verdict` what it makes of which rank.
Shares are fractions (unit "1"); other figures stand in the unit printed (万元/亩 is ``wcny/mu``). What cannot
be computed from layers is a statistic; all of them are named in `policy/statistics.csv`.
Knows no date of today, no indicator's value: the questions are answered by `geo.standards`.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import pandas as pd

from layers import units
from layers.errors import ParkwiseError, StandardError, nearest
from layers.showing import show

__all__ = [
    "COMPARISONS",
    "LEVELS",
    "SCOPES",
    "VERDICTS",
    "Chapter",
    "Check",
    "Clause",
    "Open",
    "Policy",
    "Statistic",
    "Verdict",
    "load",
    "statistics",
]

#: How a value is held against a figure; a rule has no figure.
COMPARISONS = ("at_least", "more_than", "at_most", "equals", "about", "between", "rule")

#: Whom a clause binds, and at which levels of the results it is shown: True where it binds that level
#: itself, False where it is shown for comparison (40 万元/亩 binds all zones together, not one of them).
SCOPES: Mapping[str, Mapping[str, bool]] = {
    "city": {"city": True},
    "city_zones": {"zones": True, "city": False, "zone": False, "park": False},
    "district": {"district": True},
    "localities": {"city": True, "district": True},  # cities and counties, each by itself
    "zone": {"zone": True},
    "platform": {"park": True},
    "sub_region": {},
    "province": {},
    "province_zones": {"zones": False, "zone": False, "park": False},
}

#: Levels of zones, as the column `level` of the parks has them.
LEVELS = ("national", "provincial", "candidate", "municipal")

#: What the yearly ranking of zones can lead to.
VERDICTS = ("commendation", "yellow_card", "recognition", "delisting", "funding")

#: Conditions of a verdict and the type of their figure; a verdict has exactly one.
_CONDITIONS: Mapping[str, type] = {
    "best": int,  # among the first so many of the ranking
    "best_share": float,  # among the first so large a share of the ranking
    "worst": int,  # among the last so many of the ranking
    "risen_by": int,  # so many places up on the year before
    "grade": str,  # the evaluation's own verdict, such as excellent or failed
    "after": str,  # another verdict of the same document, such as yellow_card
}


@dataclass(frozen=True)
class Check:
    """When a document's entries were compared with its text, and with which file."""

    on: date
    against: str
    sha256: str


@dataclass(frozen=True)
class Open:
    """A question the text leaves open, the readings there are, and the one we assume.

    A reading is stated, not chosen: figures are held as it says. `set_by` names the key of the project file, or the
    option of a command, that decides instead; None where nothing does.
    """

    question_zh: str
    question_en: str
    assumed: str
    options: Mapping[str, Mapping[str, str]]
    set_by: str | None = None

    def reading(self, language: str = "zh") -> str:
        """Return the assumed reading as text."""
        return self.options[self.assumed]["en" if language == "en" else "zh"]


@dataclass(frozen=True)
class Verdict:
    """What a rule makes of a zone's yearly rank: the kind, of whom, on which condition, for how many years."""

    kind: str
    levels: tuple[str, ...]
    ranking: str
    condition: str
    figure: int | float | str
    years_running: int = 1
    first_time: bool = False


@dataclass(frozen=True)
class Chapter:
    """A chapter of a document: its number and its heading."""

    number: str
    title_zh: str
    title_en: str


@dataclass(frozen=True)
class Statistic:
    """What a clause is about: an indicator, a figure that cannot be computed from layers, or (no unit) a topic."""

    id: str
    unit: str
    percent: bool
    title_zh: str
    title_en: str

    def title(self, language: str = "zh") -> str:
        """Return the name in `language`."""
        return self.title_en if language == "en" else self.title_zh


@dataclass(frozen=True)
class Clause:
    """One thing a policy asks, with the clause that asks it."""

    policy: str
    id: str
    chapter: str
    clause: str
    indicator: str
    about: Statistic
    measured: bool  # True: an indicator of ours. False: a figure that comes from elsewhere
    comparison: str
    value: float | tuple[float, float] | None
    unit: str | None
    year: int | None
    scope: str
    wording: str | None
    description_zh: str
    description_en: str
    open: tuple[Open, ...]
    check: Check
    zone_levels: tuple[str, ...] = ()  # binds zones of these levels only; empty: of every level
    verdict: Verdict | None = None

    def __str__(self) -> str:
        """Name the clause in one line, for messages."""
        return f"{self.policy} {self.clause} {self.id} {self.comparison} {self.value}"

    def _repr_html_(self) -> str:
        asked = pd.DataFrame([_asked(self)], dtype="object")
        told = [
            (f"{one.question_en} → {one.reading('en')}", f"{one.question_zh} → {one.reading('zh')}")
            for one in self.open
        ]
        return show(asked, notes=told)._repr_html_()


@dataclass(frozen=True)
class Policy:
    """One document: who issued it, from when to when it holds, what its clauses ask."""

    id: str
    title: str
    title_en: str
    issuer: str
    number: str | None
    region: str
    dated: date | None  # None where the day of issue is not known
    in_force_from: date
    repealed_on: date | None
    status_zh: str
    status_en: str
    binds_zh: str
    binds_en: str
    zone_kind: str | None  # binds zones whose platform type holds this word only
    lapsed_from: date | None  # its figures were for earlier days
    source: str
    check: Check
    chapters: tuple[Chapter, ...]
    clauses: tuple[Clause, ...]

    def in_force(self, on: date) -> bool:
        """Tell whether the document's figures hold on that day; on the day of repeal they no longer do."""
        ends = [day for day in (self.repealed_on, self.lapsed_from) if day is not None]
        return self.in_force_from <= on and all(on < day for day in ends)

    def covers(self, region: str) -> bool:
        """Tell whether `region` lies in the document's region.

        Names are full, from the province down: 浙江省杭州市 covers 浙江省杭州市西湖区, and 杭州市 alone is understood.
        """
        return region.startswith(self.region) or self.region.endswith(region)

    def _repr_html_(self) -> str:
        asked = pd.DataFrame(map(_asked, self.clauses), dtype="object")  # a year stays whole
        ends = f"{self.in_force_from} – {self.repealed_on or self.lapsed_from or ''}"
        told = [(self.status_en, self.status_zh), (self.binds_en, self.binds_zh)]
        return show(asked, f"{self.id}  {self.title} {self.number or ''}  {ends}", notes=told)._repr_html_()


def _asked(one: Clause) -> dict[str, Any]:
    """Return what a notebook shows of a clause."""
    names = ("id", "clause", "indicator", "comparison", "value", "unit", "year", "scope")
    told = {name: getattr(one, name) for name in (*names, "description_zh", "description_en")}
    return told | {"unit": one.unit if one.unit in (None, "1") else units.label(one.unit)}


def load(file: Traversable) -> Policy:
    """Read one policy file and refuse what is not fully sourced.

    Raises
    ------
    StandardError
        A key is missing, unknown or of the wrong type, a figure has no unit, a reading is not among the options …
        The message names the file, the entry and the key.
    """
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise _wrong(file.name, f"no valid TOML: {error}") from error
    _require(found, file.name, _POLICY_KEYS)
    checked = _check(found["check"], f"{file.name}.check")
    chapters = tuple(_chapter(entry, file.name) for entry in found["chapter"])
    clauses = tuple(_clause(entry, found["id"], checked, file.name) for entry in found["clause"])
    for what, names in (("clause ids", [one.id for one in clauses]), ("chapters", [one.number for one in chapters])):
        if len(set(names)) < len(names):
            twice = sorted({one for one in names if names.count(one) > 1})
            raise _wrong(file.name, f"{what} are not unique: {twice}")
    for clause in clauses:
        if clause.chapter not in {one.number for one in chapters}:
            raise _wrong(f"{file.name}, clause {clause.id}", f'there is no chapter "{clause.chapter}"')
    head: dict[str, Any] = {key: found.get(key) for key in _POLICY_KEYS if key not in ("check", "chapter", "clause")}
    return Policy(**head, check=checked, chapters=chapters, clauses=clauses)


@cache
def statistics() -> Mapping[str, Statistic]:
    """Return every statistic a policy on board names, by id."""
    text = resources.files("geo").joinpath("policy/statistics.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return {row["id"]: Statistic(**(row | {"percent": row["percent"] == "yes"})) for row in rows}


@cache
def _indicators() -> Mapping[str, Statistic]:
    """Return what clauses need to know of the indicators of the catalogue, by id."""
    text = resources.files("geo").joinpath("policy/indicators.toml").read_text("utf-8")
    return {
        entry["id"]: Statistic(
            entry["id"], entry["unit"], entry.get("percent", False), entry["title_zh"], entry["title_en"]
        )
        for entry in tomllib.loads(text)["indicator"]
    }


# key -> (types allowed, required)
_Keys = Mapping[str, tuple[tuple[type, ...], bool]]
_POLICY_KEYS: _Keys = {
    **dict.fromkeys(
        ("id", "title", "title_en", "issuer", "region", "status_zh", "status_en", "binds_zh", "binds_en", "source"),
        ((str,), True),
    ),
    "number": ((str,), False),
    "zone_kind": ((str,), False),
    "dated": ((date,), False),
    "in_force_from": ((date,), True),
    "repealed_on": ((date,), False),
    "lapsed_from": ((date,), False),
    "check": ((dict,), True),
    "chapter": ((list,), True),
    "clause": ((list,), True),
}
_CHECK_KEYS: _Keys = {"on": ((date,), True), "against": ((str,), True), "sha256": ((str,), True)}
_CHAPTER_KEYS: _Keys = dict.fromkeys(("number", "title_zh", "title_en"), ((str,), True))
_CLAUSE_KEYS: _Keys = {
    **dict.fromkeys(
        ("id", "chapter", "clause", "comparison", "scope", "description_zh", "description_en"), ((str,), True)
    ),
    **dict.fromkeys(("indicator", "statistic", "unit", "wording"), ((str,), False)),
    "value": ((int, float, list), False),
    "year": ((int,), False),
    "zone_levels": ((list,), False),
    "verdict": ((dict,), False),
    "open": ((list,), False),
}
_VERDICT_KEYS: _Keys = {
    "kind": ((str,), True),
    "levels": ((list,), True),
    "ranking": ((str,), True),
    "years_running": ((int,), False),
    "first_time": ((bool,), False),
    **{name: ((type_,), False) for name, type_ in _CONDITIONS.items()},
}
_OPEN_KEYS: _Keys = {
    **dict.fromkeys(("question_zh", "question_en", "assumed"), ((str,), True)),
    "options": ((dict,), True),
    "set_by": ((str,), False),
}


def _require(entry: Mapping[str, Any], where: str, keys: _Keys) -> None:
    for key in entry:
        if key not in keys:
            raise _wrong(where, f'unknown key "{key}"; nearest: {nearest(key, keys)}')
    for key, (types, required) in keys.items():
        if key not in entry and required:
            raise _wrong(where, f'"{key}" is missing')
        if key in entry and (not isinstance(entry[key], types) or entry[key] in ("", [], {})):
            raise _wrong(where, f'"{key}" is {entry[key]!r}; expected {" or ".join(one.__name__ for one in types)}')


def _check(entry: Mapping[str, Any], where: str) -> Check:
    _require(entry, where, _CHECK_KEYS)
    return Check(**entry)


def _clause(entry: Mapping[str, Any], policy_id: str, checked: Check, file: str) -> Clause:
    where = f"{file}, clause {entry.get('id', '?')}"
    _require(entry, where, _CLAUSE_KEYS)
    if ("indicator" in entry) == ("statistic" in entry):
        raise _wrong(where, 'expected either "indicator" or "statistic"')
    for key, known in (("comparison", COMPARISONS), ("scope", tuple(SCOPES))):
        _one_of(entry[key], known, key, where)
    for level in entry.get("zone_levels", ()):
        _one_of(level, LEVELS, "zone_levels", where)
    words = ("id", "chapter", "clause", "comparison", "scope", "description_zh", "description_en", "year", "wording")
    plain: dict[str, Any] = {key: entry.get(key) for key in words}
    about = _about(entry, where)
    return Clause(
        policy=policy_id,
        indicator=about.id,
        about=about,
        measured="indicator" in entry,
        value=_figure(entry, where),
        unit=_unit(entry, about, where),
        open=tuple(_open(one, where) for one in entry.get("open", ())),
        check=checked,
        zone_levels=tuple(entry.get("zone_levels", ())),
        verdict=_verdict(entry["verdict"], f"{where}, verdict") if "verdict" in entry else None,
        **plain,
    )


def _one_of(value: object, known: tuple[str, ...], key: str, where: str) -> None:
    if value not in known:
        raise _wrong(where, f'"{key}" is "{value}"; expected one of {", ".join(known)}')


def _chapter(entry: Mapping[str, Any], file: str) -> Chapter:
    _require(entry, f"{file}, chapter {entry.get('number', '?')}", _CHAPTER_KEYS)
    return Chapter(**entry)


def _verdict(entry: Mapping[str, Any], where: str) -> Verdict:
    _require(entry, where, _VERDICT_KEYS)
    _one_of(entry["kind"], VERDICTS, "kind", where)
    for level in entry["levels"]:
        _one_of(level, LEVELS, "levels", where)
    conditions = [name for name in _CONDITIONS if name in entry]
    if len(conditions) != 1:
        found = ", ".join(conditions) or "none"
        raise _wrong(where, f"expected exactly one of {', '.join(_CONDITIONS)}; found {found}")
    return Verdict(
        kind=entry["kind"],
        levels=tuple(entry["levels"]),
        ranking=entry["ranking"],
        condition=conditions[0],
        figure=entry[conditions[0]],
        years_running=entry.get("years_running", 1),
        first_time=entry.get("first_time", False),
    )


def _figure(entry: Mapping[str, Any], where: str) -> float | tuple[float, float] | None:
    """Return the figure: a pair for between, none for a rule, else one number."""
    value, comparison = entry.get("value"), entry["comparison"]
    shape = {"rule": value is None, "between": isinstance(value, list) and len(value) == 2 and value[0] <= value[1]}
    if not shape.get(comparison, isinstance(value, (int, float))):
        raise _wrong(where, f'"value" is {value!r}, which does not go with comparison "{comparison}"')
    return (value[0], value[1]) if isinstance(value, list) else value


def _about(entry: Mapping[str, Any], where: str) -> Statistic:
    kind = "indicator" if "indicator" in entry else "statistic"
    known = _indicators() if kind == "indicator" else statistics()
    if entry[kind] not in known:
        raise _wrong(where, f'unknown {kind} "{entry[kind]}"; nearest: {nearest(entry[kind], known)}')
    return known[entry[kind]]


def _unit(entry: Mapping[str, Any], about: Statistic, where: str) -> str | None:
    unit: str | None = entry.get("unit")
    if (unit is None) != ("value" not in entry):
        raise _wrong(where, "a figure and its unit go together")
    try:
        if unit is not None:
            units.convert(1.0, unit, about.unit or "1")
    except ParkwiseError as error:
        raise _wrong(where, f'"unit": {error}') from error
    return unit


def _open(entry: Mapping[str, Any], where: str) -> Open:
    _require(entry, f"{where}, open", _OPEN_KEYS)
    for name, words in entry["options"].items():
        _require(words, f"{where}, open, option {name}", {"zh": ((str,), True), "en": ((str,), True)})
    if entry["assumed"] not in entry["options"]:
        raise _wrong(where, f'"assumed" is "{entry["assumed"]}"; expected one of {", ".join(entry["options"])}')
    return Open(**entry)


def _wrong(where: str, what: str) -> StandardError:
    return StandardError(f"Policy file {where}: {what}.", f"政策文件 {where}：{what}。")
