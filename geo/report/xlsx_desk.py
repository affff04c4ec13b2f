"""What the sheets of one workbook share: the words, the names of columns and parameters, the book itself.

A name such as ``地块_用地面积`` is made from the sheet and the column alone, so a formula in one sheet can
name a column of another before that one is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from geo.assessment import Assessment
from geo.indicators import Indicator, catalogue
from geo.labels import labels, text
from geo.plan.words import ACT_WORDS
from geo.renewal.rules import Test
from geo.report.workbook import Book, plain_name
from geo.report.xlsx_rows import Column
from layers.units import label, unit

__all__ = ["LEVELS", "Desk"]

#: Levels of the sheet of indicators; the figures of a parcel or a firm stand in its own row.
LEVELS = ("city", "zones", "district", "zone", "park")

_ALWAYS = ("mu", "wcny")
_NAMED = ("parcels", "firms", "candidates", "plan")


#: Kinds of evidence that have columns and limits of their own in the workbook, and the measures they compare.
MEASURED = {"low_tax": "tax_per_mu", "low_plot_ratio": "plot_ratio", "low_building_density": "building_density"}


def _is_live(test: Test, measure: str) -> bool:
    one_limit = test.quantile is None and test.within == "city" and test.years == 1
    return test.about == measure and test.comparison == "below" and one_limit


@dataclass(frozen=True)
class Desk:
    """One assessment, one language, one book; `sheets` in the order of the book."""

    assessment: Assessment
    language: str
    book: Book
    sheets: dict[str, Any] = field(default_factory=dict)

    def word(self, key: str, **fill: object) -> str:
        """Return a word of the workbook."""
        return text(f"xlsx.{key}", self.language, **fill)

    def known(self, key: str, value: object) -> object:
        """Return the word for a coded value such as a role, or the value itself where no word is known."""
        if value is None or value is pd.NA:
            return value
        words = labels().get(f"{key}.{value}")
        return words[self.language] if words else str(value)

    def name(self, table: str, column: str) -> str:
        """Return the defined name of a column."""
        if self.language == "en":
            return plain_name(f"{table}_{column}")
        return plain_name(f"{self.word(f'sheet.{table}')}_{self.word(f'column.{column}')}")

    def names(self, table: str) -> dict[str, str]:
        """Return the defined names of the columns formulas sum and ask."""
        return _Names(self, table)

    def target(self, entry: Indicator) -> str:
        """Return the defined name of the target on an indicator."""
        return self._parameter("target", entry.title(), entry.id)

    def limit(self, code: str, part: str = "limit") -> str:
        """Return the defined name of the limit of a piece of evidence, of its ``mean`` or its ``fraction``."""
        return self._parameter(part, text(f"evidence.{code}"), code)

    @cached_property
    def live(self) -> dict[str, Test]:
        """Kinds of evidence the workbook judges anew: one limit, and a measure it has the sums of."""
        found = self.assessment.candidates
        return {
            rule.code: rule.tests[0]
            for rule in (found.rules if found is not None else ())
            if rule.code in MEASURED and len(rule.tests) == 1 and _is_live(rule.tests[0], MEASURED[rule.code])
        }

    @property
    def needed(self) -> str:
        """Name of the number of pieces of evidence a candidate needs."""
        return self._parameter("needed", "", "")

    def cost(self, act: str, *, floor: bool = False) -> str:
        """Return the defined name of the unit cost of an act, a mu of land or a m² of floor area."""
        return self._parameter("floor_cost" if floor else "cost", ACT_WORDS[act].zh, act)

    def goal(self, place: int) -> str:
        """Return the defined name of the figure the plan is to reach, by its place among the plan's targets."""
        return self._parameter("goal", str(place + 1), str(place + 1))

    def _parameter(self, kind: str, zh: str, en: str) -> str:
        english = self.language == "en"
        return plain_name(f"{kind if english else self.word(f'parameter.{kind}')}_{en if english else zh}")

    @cached_property
    def entries(self) -> list[Indicator]:
        """Indicators that have a figure, in the order of the catalogue."""
        have = set(self.assessment.indicators["id"])
        return [entry for entry in catalogue().values() if entry.id in have]

    @cached_property
    def factors(self) -> dict[tuple[str, str], str]:
        """(base unit, display unit) → name of the factor between them, for the units in use."""
        used = [*_ALWAYS, *(part for entry in self.entries for part in entry.unit.split("/"))]
        return {(unit(one).base, one): self._per(one) for one in dict.fromkeys(used) if unit(one).factor != 1}

    def _per(self, name: str) -> str:
        base = unit(name).base
        if self.language == "en":
            return f"{base}_per_{name}"
        return plain_name(f"{label(base)}每{label(name)}")

    @property
    def mu(self) -> str:
        """Name of the factor from m² to mu."""
        return self.factors["m2", "mu"]

    def column(
        self,
        table: str,
        key: str,
        values: Any,  # noqa: ANN401
        kind: str | Sequence[str] = "text",
        **more: Any,  # noqa: ANN401
    ) -> Column:
        """Return a column with its title, unit and defined name."""
        title = self.word(f"column.{key}")
        base = more.pop("unit", "")
        if base:
            shown = label(base, self.language)
            title = f"{title} ({shown})" if self.language == "en" else f"{title}（{shown}）"
        named = kind != "text" if table in _NAMED else False
        name = self.name(table, key) if named or key in {"candidate", "change"} else ""
        return Column(key, title, values, kind, name=name, **more)


class _Names(dict[str, str]):
    """Names of a table's columns, made when asked for."""

    def __init__(self, desk: Desk, table: str) -> None:
        super().__init__()
        self._desk, self._table = desk, table

    def __missing__(self, column: str) -> str:
        return self._desk.name(self._table, column)
