"""Rule sets of the grading of firms (亩均论英雄): their shape.

A rule set is of one place and one data year. It sorts firms into groups; a group has indicators with weight
and benchmark, what is done about a missing value, points added and taken off, exemptions, and classes.
Benchmarks are kept in the display unit of the indicator, land in mu (亩). What a file may say is checked by
`geo.grading.reader`, which rule sets there are is known to `geo.grading.sets`, grading is done by `geo.grading.grades`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

__all__ = [
    "BEST",
    "DECIMALS",
    "DIRECTIONS",
    "EXEMPT",
    "KINDS",
    "METHODS",
    "MISSING",
    "ROUNDINGS",
    "SHARES_OF",
    "TIES",
    "Criterion",
    "Exemption",
    "GradeClass",
    "Group",
    "RuleSet",
    "Veto",
    "Who",
]

#: What a rule set is: the published rule of one place (an example), a form to fill in, or the project's own.
KINDS = ("official-example", "template", "project")
#: A firm is judged by itself (企业评价法), or together with the firms it shares parcels with (地块评价法).
METHODS = ("enterprise", "parcel")
#: A firm without a value: has no score, 0, the mean score of the group's firms that have one, or stated points.
MISSING = ("refuse", "zero", "mean", "points")
#: Score = value ÷ benchmark × weight where more is better, benchmark ÷ value × weight where less is.
DIRECTIONS = ("more", "less")
#: Firms of equal score at the border of two classes all get the better or all get the worse one.
TIES = ("better", "worse")
#: How a share of the ranked firms becomes a number of firms; ``round`` is half up.
ROUNDINGS = ("floor", "ceil", "round")
#: Shares are of the number of ranked firms, or of the land they use.
SHARES_OF = ("firms", "land")
#: Scores are compared, with limits and with each other, rounded to so many decimals: land is known to 0.01 m², so that
#: the tax a mu of a firm on 10 mu (6666.67 m²) is a little less than it should be.
DECIMALS = 2
#: Benchmark of an indicator: the best firm of the group.
BEST = "best"
#: Grade of a firm that is not graded, with the reason beside it.
EXEMPT = "exempt"


@dataclass(frozen=True)
class Who:
    """Which firms belong to a group; None asks nothing. `own_land`: the firm has land registered to it."""

    scale: str | None = None
    land_at_least_mu: float | None = None
    land_below_mu: float | None = None
    own_land: bool | None = None


@dataclass(frozen=True)
class Criterion:
    """One indicator of a group; `benchmark` in the display unit, ``best``, or None (a template, still to be set).

    The score is at most `cap_multiple` × `weight` and at least `floor` points, where these are set.
    """

    indicator: str
    weight: float
    benchmark: float | str | None
    cap_multiple: float | None = None
    floor: float | None = None
    missing: str = "refuse"
    missing_points: float | None = None
    direction: str = "more"

    @property
    def cap(self) -> float:
        """Highest score."""
        multiple = math.inf if self.cap_multiple is None else self.cap_multiple
        # Nobody is better than the best: it has the full weight, and becomes the benchmark when it rises.
        return self.weight * (min(multiple, 1.0) if self.benchmark == BEST else multiple)


@dataclass(frozen=True)
class Exemption:
    """Firms that are not graded: `column` is true, or is a date less than so many years before the data year's end."""

    column: str
    title_zh: str
    title_en: str
    less_than_years: float | None = None


@dataclass(frozen=True)
class Veto:
    """Where `column` is true the firm gets `grade_at_most` at best (一票否决)."""

    column: str
    grade_at_most: str
    title_zh: str
    title_en: str


@dataclass(frozen=True)
class GradeClass:
    """One class, by its lower end: a score (None: open), or the share of the ranking it ends at."""

    grade: str
    score_at_least: float | None = None
    share_up_to: float | None = None


@dataclass(frozen=True)
class Group:
    """Firms judged by the same rule; the better class stands first. See the head of this room for the words."""

    id: str
    title_zh: str
    title_en: str
    who: Who
    criteria: tuple[Criterion, ...]
    classes: tuple[GradeClass, ...] = ()
    method: str = "enterprise"
    tenants_follow_owner: bool = False
    factor: float | str = 1.0
    bonus: str | None = None
    malus: str | None = None
    vetoes: tuple[Veto, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    ties: str = "better"
    share_of: str = "firms"
    rounding: str = "floor"
    decimals: int = DECIMALS

    @property
    def by_share(self) -> bool:
        """Tell whether the classes are shares of the ranking."""
        return any(one.share_up_to is not None for one in self.classes)


@dataclass(frozen=True)
class RuleSet:
    """The rule of one place for one data year.

    `valid_from` and `valid_to` are the first and the last day of the data it is for; left out, those of the data year,
    and without a data year open, as long as one of the two is stated.
    """

    id: str
    title_zh: str
    title_en: str
    kind: str
    status_zh: str
    status_en: str
    source: str
    confidence: str
    groups: tuple[Group, ...]
    where: str
    place: str | None = None
    region: str | None = None
    data_year: int | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    @property
    def days(self) -> tuple[date, date] | None:
        """First and last day of the data it is for, an open end as far as dates go; None where neither is stated."""
        if self.valid_from is None and self.valid_to is None:
            return None
        return self.valid_from or date.min, self.valid_to or date.max

    def covers(self, year: int) -> bool:
        """Tell whether the set is for the data of `year`, by the year's last day."""
        return self.days is not None and self.days[0] <= date(year, 12, 31) <= self.days[1]
