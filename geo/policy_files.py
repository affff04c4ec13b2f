"""One policy document as data: its shape, and the reader that refuses what is not fully sourced.

A file of `geo/policy` says who issued the document, from when to when it holds, with which text its
entries were compared and when; then, clause by clause, the figure as printed, its unit, year and scope,
a description in our own words, and what the text leaves open with the reading we assume.
Shares are fractions (unit "1"); other figures stand in the unit printed (万元/亩 is ``wcny/mu``).
Knows no date of today, no indicator's value: the questions are answered by `geo.standards`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources.abc import Traversable
from typing import Any

from layers import units
from layers.errors import ParkwiseError, StandardError, nearest

__all__ = ["COMPARISONS", "SCOPES", "Check", "Clause", "Open", "Policy", "load"]

#: How a value is held against a figure; a rule has no figure.
COMPARISONS = ("at_least", "more_than", "at_most", "equals", "about", "between", "rule")

#: Whom a clause binds, and at which levels of the results it is shown: True where it binds that level
#: itself, False where it is shown for comparison (40 万元/亩 binds all zones together, not one of them).
SCOPES: Mapping[str, Mapping[str, bool]] = {
    "city": {"city": True},
    "city_zones": {"zones": True, "city": False, "zone": False, "park": False},
    "district": {"district": True},
    "zone": {"zone": True},
    "platform": {"park": True},
    "sub_region": {},
}


@dataclass(frozen=True)
class Check:
    """When a document's entries were compared with its text, and with which file."""

    on: date
    against: str
    sha256: str


@dataclass(frozen=True)
class Open:
    """A question the text leaves open, the readings there are, and the one we assume."""

    question_zh: str
    question_en: str
    assumed: str
    options: Mapping[str, Mapping[str, str]]

    def reading(self, language: str = "zh") -> str:
        """Return the assumed reading as text."""
        return self.options[self.assumed]["en" if language == "en" else "zh"]


@dataclass(frozen=True)
class Clause:
    """One thing a policy asks, with the clause that asks it."""

    policy: str
    id: str
    clause: str
    indicator: str
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

    def __str__(self) -> str:
        """Name the clause in one line, for messages."""
        return f"{self.policy} {self.clause} {self.id} {self.comparison} {self.value}"


@dataclass(frozen=True)
class Policy:
    """One document: who issued it, from when to when it holds, what its clauses ask."""

    id: str
    title: str
    title_en: str
    issuer: str
    number: str | None
    region: str
    dated: date
    in_force_from: date
    repealed_on: date | None
    status_zh: str
    status_en: str
    source: str
    check: Check
    clauses: tuple[Clause, ...]

    def in_force(self, on: date) -> bool:
        """Tell whether the document holds on that day; on the day of repeal it no longer does."""
        return self.in_force_from <= on and (self.repealed_on is None or on < self.repealed_on)

    def covers(self, region: str) -> bool:
        """Tell whether `region` lies in the document's region.

        Names are full, from the province down: 浙江省杭州市 covers 浙江省杭州市西湖区, and 杭州市 alone is understood.
        """
        return region.startswith(self.region) or self.region.endswith(region)


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
    clauses = tuple(_clause(entry, found["id"], checked, file.name) for entry in found["clause"])
    ids = [clause.id for clause in clauses]
    if len(set(ids)) < len(ids):
        raise _wrong(file.name, f"clause ids are not unique: {sorted({one for one in ids if ids.count(one) > 1})}")
    head: dict[str, Any] = {key: found.get(key) for key in _POLICY_KEYS if key not in ("check", "clause")}
    return Policy(**head, check=checked, clauses=clauses)


# key -> (types allowed, required)
_Keys = Mapping[str, tuple[tuple[type, ...], bool]]
_POLICY_KEYS: _Keys = {
    **dict.fromkeys(
        ("id", "title", "title_en", "issuer", "region", "status_zh", "status_en", "source"), ((str,), True)
    ),
    "number": ((str,), False),
    "dated": ((date,), True),
    "in_force_from": ((date,), True),
    "repealed_on": ((date,), False),
    "check": ((dict,), True),
    "clause": ((list,), True),
}
_CHECK_KEYS: _Keys = {"on": ((date,), True), "against": ((str,), True), "sha256": ((str,), True)}
_CLAUSE_KEYS: _Keys = {
    **dict.fromkeys(("id", "clause", "comparison", "scope", "description_zh", "description_en"), ((str,), True)),
    **dict.fromkeys(("indicator", "statistic", "unit", "wording"), ((str,), False)),
    "value": ((int, float, list), False),
    "year": ((int,), False),
    "open": ((list,), False),
}
_OPEN_KEYS: _Keys = {
    **dict.fromkeys(("question_zh", "question_en", "assumed"), ((str,), True)),
    "options": ((dict,), True),
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
        if entry[key] not in known:
            raise _wrong(where, f'"{key}" is "{entry[key]}"; expected one of {", ".join(known)}')
    plain: dict[str, Any] = {
        key: entry.get(key)
        for key in ("id", "clause", "comparison", "scope", "description_zh", "description_en", "year", "wording")
    }
    return Clause(
        policy=policy_id,
        indicator=entry.get("indicator") or entry["statistic"],
        measured="indicator" in entry,
        value=_figure(entry, where),
        unit=_unit(entry, where),
        open=tuple(_open(one, where) for one in entry.get("open", ())),
        check=checked,
        **plain,
    )


def _figure(entry: Mapping[str, Any], where: str) -> float | tuple[float, float] | None:
    """Return the figure: a pair for between, none for a rule, else one number."""
    value, comparison = entry.get("value"), entry["comparison"]
    shape = {"rule": value is None, "between": isinstance(value, list) and len(value) == 2 and value[0] <= value[1]}
    if not shape.get(comparison, isinstance(value, (int, float))):
        raise _wrong(where, f'"value" is {value!r}, which does not go with comparison "{comparison}"')
    return (value[0], value[1]) if isinstance(value, list) else value


def _unit(entry: Mapping[str, Any], where: str) -> str | None:
    unit: str | None = entry.get("unit")
    if (unit is None) != ("value" not in entry):
        raise _wrong(where, "a figure and its unit go together")
    try:
        if unit is not None:
            units.label(unit)
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
