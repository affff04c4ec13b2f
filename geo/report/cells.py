"""How a report writes figures: cells, both sums, targets and gaps in a figure a planner uses.

Knows the tables of an `Assessment` and the words of `geo.labels`; decides no layout. Areas are shown in
亩 and m² (two decimals), money in 万元, shares in per cent. What is missing is a dash, never 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import pandas as pd

from geo import labels, standards
from geo.assessment import Assessment
from geo.indicators import Indicator, catalogue
from geo.report.parts import Cell, Column, Table
from layers.units import convert, label

__all__ = ["DASH", "Desk", "Record", "capital", "count_text", "desk", "lacking", "plain_rows", "unit_text", "unknown"]

DASH = "—"

#: A row of a table of figures, as `DataFrame.to_dict("records")` gives it.
Record: TypeAlias = dict[Any, Any]

_LEVELS = ("city", "zones", "district", "zone", "park")
_WHOLE = ("city", "zones")
_SHOWN = {"m2": "mu", "cny": "wcny"}


@dataclass(frozen=True)
class Desk:
    """One assessment and one language: everything the chapters write with.

    `figures` are the assessment's indicators without those of single parcels and firms.
    """

    assessment: Assessment
    language: str
    figures: pd.DataFrame

    def say(self, key: str, **fill: object) -> str:
        """Return the words for ``report.key``."""
        return labels.text(f"report.{key}", self.language, **fill)

    def word(self, key: str) -> str:
        """Return the words for a key of any group, such as ``level.zone``."""
        return labels.text(key, self.language)

    def pick(self, zh: str, en: str) -> str:
        """Return the text in the language of the report."""
        return en if self.language == "en" else zh

    def join(self, items: Sequence[str]) -> str:
        """Join words as the language does."""
        return self.pick("、", ", ").join(items)

    @property
    def city(self) -> str:
        """Name of the city, or a word for it in the language of the report."""
        return self.assessment.project.text("project.city") or self.say("the_city")

    @property
    def as_of(self) -> str:
        """Day of the data."""
        day = self.assessment.project.as_of
        return DASH if day is None else day.isoformat()

    def rows(self, ids: Sequence[str], level: str) -> pd.DataFrame:
        """Return the indicator rows of some ids at one level."""
        table = self.figures
        return table[table["id"].isin(ids) & (table["level"] == level)]

    def row(self, name: str, level: str = "city") -> Record | None:
        """Return the first row of an indicator, or None."""
        return self._first.get((name, level))

    @cached_property
    def _first(self) -> dict[tuple[str, str], Record]:
        rows = self.figures.drop_duplicates(["id", "level"]).to_dict("records")
        return {(row["id"], row["level"]): row for row in rows}

    def judged(self, name: str) -> Record | None:
        """Return the figure a clause binds: of the city, or of all zones together; else the city's own."""
        known = [row for row in (self.row(name, level) for level in _WHOLE) if row is not None]
        bound = [row for row in known if any(target["binding"] for target in row["targets"])]
        return next(iter(bound or known), None)

    def whole_title(self, entry: Indicator, row: Record) -> str:
        """Title of an indicator; where the figure is of all zones together, that is added."""
        title = entry.title(self.language)
        if row["level"] == "city":
            return title
        scope = self.word(f"level.{row['level']}")
        return self.pick(f"{title}（{scope}）", f"{title} ({scope.lower()})")

    # ------------------------------------------------------------ amounts

    def mu(self, area_m2: float) -> str:
        """Write an area in mu, with its unit."""
        return labels.area_text(area_m2, self.language)

    def amount(self, amount: float, base: str) -> str:
        """Write a sum in the unit people use, with that unit; areas also in m²."""
        if base == "m2":
            m2 = f"{amount:,.2f} {label('m2', self.language)}"
            return self.pick(f"{self.mu(amount)}（{m2}）", f"{self.mu(amount)} ({m2})")
        shown = _SHOWN.get(base, base)
        return labels.with_unit(f"{convert(float(amount), base, shown):,.2f}", label(shown, self.language))

    def area_cells(self, area_m2: float | None, note: str = "") -> tuple[Cell, Cell]:
        """Return an area as two cells, in mu and in m²."""
        if area_m2 is None or pd.isna(area_m2):
            return Cell(DASH), Cell(DASH)
        return Cell(f"{convert(float(area_m2), 'm2', 'mu'):,.2f}", note), Cell(f"{area_m2:,.2f}", note)

    def area_columns(self, title: str) -> tuple[Column, Column]:
        """Return the heads of `area_cells`."""
        units = (label("mu", self.language), label("m2", self.language))
        first, second = (Column(self.pick(f"{title}（{unit}）", f"{title} ({unit})"), "right", 1.1) for unit in units)
        return first, second

    # ------------------------------------------------------------ figures

    def sums(self, entry: Indicator, row: Record) -> str:
        """Write both sums of a figure, and how many records they are of."""
        told = self.say(
            "sums",
            top=self.amount(row["numerator"], entry.numerator_unit),
            below=self.amount(row["denominator"], entry.denominator_unit),
            count=count_text(row["count"]),
        )
        if row["missing"]:
            told += self.say("sums_missing", count=count_text(row["missing"]))
        if row["estimated"]:
            told += self.say("sums_estimated", count=count_text(row["estimated"]))
        return told

    def value(self, entry: Indicator, value: float | None, *, with_unit: bool = False) -> str:
        """Write a figure in the display unit."""
        text = labels.value_text(entry, value, self.language, with_unit=False)
        unit = "" if not with_unit or entry.unit == "1" or text == DASH else label(entry.unit, self.language)
        return labels.with_unit(text, unit)

    def figure(self, entry: Indicator, row: Record | None, *, with_unit: bool = False) -> Cell:
        """Return the cell of a figure, with both sums and its definition; † marks one partly estimated."""
        if row is None:
            return Cell(DASH)
        if row.get("suppressed"):
            return Cell(self.word("withheld"))
        text = self.value(entry, row["value"], with_unit=with_unit)
        tone = _tone(row["targets"])
        if text == DASH:
            return Cell(DASH)
        return Cell(text + ("†" if row["estimated"] else ""), self.sums(entry, row), entry.id, tone)

    def head(self, entry: Indicator) -> Column:
        """Return the head of an indicator's column, with its unit."""
        title = entry.title(self.language)
        if entry.unit == "1":
            return Column(title, "right")
        unit = label(entry.unit, self.language)
        return Column(self.pick(f"{title}（{unit}）", f"{title} ({unit})"), "right")

    def source(self, ids: Sequence[str], *more: str, brief: bool = False) -> str:
        """Return the source line of a table of indicators: definition (both sums), document, area, day.

        A `brief` one names the clause of a target only; the catalogue in the annex has the documents.
        """
        told = [self._source_of(catalogue()[name], brief=brief) for name in ids]
        return self.line(*told, self.say("source_annex") if brief else "", *more)

    def _source_of(self, entry: Indicator, *, brief: bool) -> str:
        row = self.judged(entry.id)
        asked = self.join([self.clause(one) for one in (row or {}).get("targets", [])])
        return self.say(
            "source_of" if asked or not brief else "source_defined",
            title=entry.title(self.language),
            definition=_first_clause(entry.definition(self.language)) if brief else entry.definition(self.language),
            source=asked if brief else entry.source(self.language),
        )

    def line(self, *parts: str, area: bool = True) -> str:
        """Return a source line that ends with the area method (where `area` matters) and the day of the data."""
        method = self.word(f"area.{self.assessment.project.text('project.area') or 'tdt1055'}")
        ends = (self.say("source_area", area=method) if area else "", self.say("source_as_of", day=self.as_of))
        mark = self.pick("；", "; ")
        told = mark.join([part.rstrip("。；.;") for part in (*parts, *ends) if part]) + self.pick("。", ".")
        return capital(told)

    # ------------------------------------------------------------ targets

    def target(self, entry: Indicator, target: dict[str, Any]) -> str:
        """Write what a clause asks, e.g. 不低于 70.00%."""
        comparison, value = _asked(target)
        text = _range(value, lambda one: self.value(entry, one, with_unit=True))
        return f"{self.word(f'comparison.{comparison}')} {text}"

    def clause(self, target: dict[str, Any]) -> str:
        """Name the clause of a target: document number and clause as printed."""
        return f"{self.document(target['policy'])} {target['clause']}"

    def document(self, policy: str) -> str:
        """Return the short name of a document: its number, in English its id."""
        return standards.short_name(policy, self.language)

    def gap(self, entry: Indicator, row: Record, target: dict[str, Any]) -> str:
        """Say how far a figure is from its target, in its unit and in the sum that is lacking.

        With the sum below unchanged, (target · below − top) must come on top.
        """
        comparison, _ = _asked(target)
        if target["gap"] is None or comparison not in {"at_least", "more_than", "at_most", "equals"}:
            return DASH
        ratio = target["gap"] if comparison != "at_most" else -target["gap"]
        amount = self.amount(abs(lacking(entry, row, ratio)), entry.numerator_unit)
        distance = self._distance(entry, abs(ratio))
        if target["met"]:
            return self.say("gap_met", distance=distance, amount=amount)
        return self.say("gap_short" if ratio > 0 else "gap_over", distance=distance, amount=amount)

    def _distance(self, entry: Indicator, ratio: float) -> str:
        if entry.percent:
            return self.say("points", number=f"{ratio * 100:.2f}")
        return self.value(entry, ratio, with_unit=True)

    # ------------------------------------------------------------ tables of indicators

    def by_place(self, ids: Sequence[str], level: str, key: str, caption: str) -> Table | None:
        """Return the table place × indicator at one level, the city's and all zones' rows on top.

        None where there is no figure.
        """
        table = self.rows(ids, level)
        have = [name for name in ids if name in set(table.loc[table["value"].notna(), "id"])]
        if not have:
            return None
        entries = [catalogue()[name] for name in have]
        cells = {(row["id"], row["scope_id"]): row for row in table.to_dict("records")}
        places = table.drop_duplicates("scope_id")
        body = [
            (Cell(str(name)), *(self.figure(entry, cells.get((entry.id, scope))) for entry in entries))
            for scope, name in zip(places["scope_id"], places["scope_name"], strict=True)
        ]
        totals = [
            (Cell(name), *(self.figure(entry, self.row(entry.id, whole)) for entry in entries))
            for whole, name in zip(_WHOLE, (self.city, self.word("level.zones")), strict=True)
            if not self.rows(have, whole).empty
        ]
        return Table(
            key,
            caption,
            (Column(self.word(f"level.{level}"), wide=1.3), *(self.head(entry) for entry in entries)),
            (*totals, *body),
            self.source(have, self.say("source_estimated") if self._any_estimated(have, level) else "", brief=True),
            strong=len(totals),
        )

    def _any_estimated(self, ids: Sequence[str], level: str) -> bool:
        return bool((self.rows(ids, level)["estimated"] > 0).any() or (self.rows(ids, "city")["estimated"] > 0).any())


def desk(assessment: Assessment, language: str) -> Desk:
    """Return the desk of one assessment and language."""
    table = assessment.indicators
    figures = table[table["level"].isin(_LEVELS)].reset_index(drop=True)
    return Desk(assessment, "en" if language == "en" else "zh", figures)


def lacking(entry: Indicator, row: Record, ratio: float) -> float:
    """Return the sum on top (base unit) that `ratio` (display unit) of the sum below amounts to."""
    if entry.unit == "1":
        return ratio * float(row["denominator"])
    over, under = entry.unit.split("/")
    below = convert(float(row["denominator"]), entry.denominator_unit, under)
    return convert(ratio * below, over, entry.numerator_unit)


def _first_clause(text: str) -> str:
    """Return a definition up to its first semicolon, unless that stands in brackets.

    Examples
    --------
    >>> _first_clause("甲 ÷ 乙；层高加倍"), _first_clause("甲（子；丑）÷ 乙")
    ('甲 ÷ 乙', '甲（子；丑）÷ 乙')
    """
    first = re.split("[；;]", text)[0].strip()
    whole = first.count("（") == first.count("）") and first.count("(") == first.count(")")
    return first if whole else text


def _asked(target: dict[str, Any]) -> tuple[str, Any]:
    comparison = next(
        key for key in ("at_least", "more_than", "at_most", "equals", "about", "between") if key in target
    )
    return comparison, target[comparison]


def _range(value: float | list[float], write: Callable[[float], str]) -> str:
    return "–".join(write(one) for one in value) if isinstance(value, list) else write(value)


def _tone(targets: list[dict[str, Any]]) -> str:
    """Good or bad only where a clause binds this level itself."""
    verdicts = [target["met"] for target in targets if target["binding"] and target["met"] is not None]
    return "" if not verdicts else ("good" if all(verdicts) else "bad")


def capital(words: str) -> str:
    """Return words as they open a sentence or head a column.

    Examples
    --------
    >>> capital("zone"), capital("开发区")
    ('Zone', '开发区')
    """
    return words[:1].upper() + words[1:]


def count_text(number: float) -> str:
    """Write a count with thousands separators.

    Examples
    --------
    >>> count_text(1234567)
    '1,234,567'
    """
    return f"{int(number):,}"


def plain_rows(rows: Sequence[Sequence[str | Cell]]) -> tuple[tuple[Cell, ...], ...]:
    """Turn rows of texts into rows of cells."""
    return tuple(tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows)


def unknown(value: object) -> bool:
    """Whether a value of a table is missing.

    Examples
    --------
    >>> unknown(float("nan")), unknown(None), unknown(0.0)
    (True, True, False)
    """
    return bool(pd.isna(value))  # type: ignore[call-overload]


def unit_text(unit: str, language: str) -> str:
    """Write a unit that stands as text in a table, such as 万元/亩, in the language; "" for a ratio.

    Examples
    --------
    >>> unit_text("万元/亩", "en"), unit_text("1", "zh")
    ('10⁴ CNY/mu', '')
    """
    return labels.evidence_unit(unit, language)
