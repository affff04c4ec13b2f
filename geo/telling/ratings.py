"""Grades, scores and verdicts for a terminal: what `parkwise grade` prints.

Writes what `geo.ratings` found; the words come from `geo.labels`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd

from geo.evaluation.tree import Evaluation
from geo.evaluation.years import ZoneYears
from geo.grading.grades import Grades
from geo.indicators import catalogue
from geo.labels import text
from geo.ratings import Ratings
from geo.surveying import Survey
from layers.telling import table_text
from layers.units import convert

__all__ = ["amount_and_unit", "potentials_lacking", "ratings_text"]

_SHOWN = 30


def ratings_text(ratings: Ratings, language: str = "zh") -> str:
    """Write everything that was graded, each with what was assumed."""
    blocks: list[str] = []
    if ratings.grades is not None:
        blocks += _grades(ratings.grades, language)
    if ratings.evaluation is not None:
        blocks += _evaluation(ratings.evaluation, ratings, language)
    if ratings.years is not None:
        blocks += _years(ratings.years, language)
    if ratings.league is not None:
        blocks.append(_league(ratings.league, language))
    if ratings.control is not None:
        blocks += _control(ratings.control, language) + _notes(ratings.control_notes, language)
    if ratings.survey is not None:
        blocks += _survey(ratings.survey, language)
    return "\n\n".join(blocks)


def _grades(grades: Grades, language: str) -> list[str]:
    english = language == "en"
    rules = grades.rules
    head = f"— {rules.title_en if english else rules.title_zh} —\n  {rules.status_en if english else rules.status_zh}"
    groups = {one.id: one.title_en if english else one.title_zh for one in rules.groups}
    counts = [
        [groups.get(str(row["group"]), str(row["group"])), str(row["grade"]),
         text("withheld", language) if pd.isna(row["firms"]) else f"{row['firms']:,}"]
        for row in grades.counts.to_dict("records")
    ]  # fmt: skip
    told = [head, table_text(_titles(("group", "grade", "firms"), language), counts, right=[2])]
    if grades.published is not None:
        return told
    rows = [
        [str(row["firm_name"]), groups.get(row["group"], ""), _points(row["score"]), _whole(row["rank"]),
         _cell(row["grade"]), _cell(row["reason_en" if english else "reason_zh"])]
        for row in grades.table.sort_values(["group", "rank"]).head(_SHOWN).to_dict("records")
    ]  # fmt: skip
    titles = _titles(("firm", "group", "score", "rank", "grade", "note"), language)
    told.append(table_text(titles, rows, right=[2, 3]) + _more(len(grades.table), language))
    return [*told, *_notes(((note.en, note.zh) for note in grades.told), language)]


def _evaluation(found: Evaluation, ratings: Ratings, language: str) -> list[str]:
    rows = [
        ["  " * row["level"] + str(row["node"]), _points(row["weight"], 3), _points(row["effective_weight"], 4),
         _indicator(row["indicator"], language), _points(row["value"]),
         _points(row["ideal"]), _points(row["score"])]
        for row in found.table.to_dict("records")
    ]  # fmt: skip
    names = ("node", "weight", "effective_weight", "indicator", "value", "ideal", "score")
    told = [table_text(_titles(names, language), rows, right=[1, 2, 4, 5, 6])]
    if ratings.by_zone:
        zones = [[zone, _points(one.score)] for zone, one in ratings.by_zone.items()]
        told.append(table_text(_titles(("zone", "score"), language), zones, right=[1]))
    return [*told, *_notes(found.told, language)]


def _years(years: ZoneYears, language: str) -> list[str]:
    rows = [
        [str(row["year"]), str(row["zone_name"]), text(f"verdict.{row['verdict']}", language),
         f"{row['policy']} {row['clause']}", row["explanation_en" if language == "en" else "explanation_zh"]]
        for row in years.table.to_dict("records")
    ]  # fmt: skip
    titles = _titles(("year", "zone", "verdict", "clause", "why"), language)
    judged = table_text(titles, rows) if rows else text("rating.no_verdict", language)
    return [judged, *_notes(years.told, language)]


def _league(table: pd.DataFrame, language: str) -> str:
    head = text("rating.league", language).format(period=table.attrs["period"])
    rows = [
        [text(f"ranking.{row['ranking']}", language), _cell(row["group"]), _whole(row["rank"]), str(row["zone_name"]),
         _points(row["score"]), _change(row["rank_change"])]
        for row in table.to_dict("records")
    ]  # fmt: skip
    titles = _titles(("ranking", "group", "rank", "zone", "score", "rank_change"), language)
    return f"— {head} —\n" + table_text(titles, rows, right=[2, 4, 5])


def _change(places: object) -> str:
    """Places up or down on the period before; nothing where that is not known."""
    return "" if pd.isna(places) else f"{int(places):+d}" if places else "0"  # type: ignore[call-overload]


def _control(table: pd.DataFrame, language: str) -> list[str]:
    shown = table[table["met"].eq(other=False)]
    counts = [
        [_indicator(name, language), f"{int(rows['met'].eq(other=True).sum()):,}",
         f"{int(rows['met'].eq(other=False).sum()):,}", f"{int(rows['met'].isna().sum()):,}"]
        for name, rows in table.groupby("indicator", sort=False)
    ]  # fmt: skip
    rows = [
        [str(row["unit"]), _indicator(row["indicator"], language), _points(row["value"]),
         text("comparison." + row["comparison"], language) + " " + _points(row["limit"]),
         str(row["source"]).split(" | ")[0]]
        for row in shown.head(_SHOWN).to_dict("records")
    ]  # fmt: skip
    told = [table_text(_titles(("indicator", "met", "unmet", "unknown"), language), counts, right=[1, 2, 3])]
    if rows:
        titles = _titles(("unit", "indicator", "value", "limit", "source"), language)
        told.append(table_text(titles, rows, right=[2]) + _more(len(shown), language))
    return told


def _survey(found: Survey, language: str) -> list[str]:
    told = []
    if len(found.types):
        types = [
            [str(row["scope_name"]), _word("zone_type", row["zone_type"], language),
             _word("basis", row["basis"], language), _percent(row["industrial_share"]), _percent(row["housing_share"])]
            for row in found.types.to_dict("records")
        ]  # fmt: skip
        names = ["zone", "zone_type", "basis", "industrial_share", "housing_share"]
        told.append(table_text(_titles(names, language), types, right=[3, 4]))
    known = found.potentials[found.potentials["value"].notna()]
    rows = [
        [str(row["scope_name"]), _word("potential", row["potential"], language),
         _indicator(row["indicator"], language), *amount_and_unit(row["value"], row["unit"], language),
         amount_and_unit(row["unknown_m2"], "m2", language)[0]]
        for row in known.to_dict("records")
    ]  # fmt: skip
    heads = ["zone", "potential", "indicator", "amount", "amount_unit", "unknown_land"]
    if rows:
        told.append(table_text(_titles(heads, language), rows, right=[3, 5]))
    notes = [*potentials_lacking(found, language), text("report.src_potentials", language)]
    return [*told, "\n".join(f"  · {one}" for one in notes)]


def potentials_lacking(found: Survey, language: str) -> list[str]:
    """Say which potentials were not computed, of how many zones, and why: a sentence for each reason."""
    lacking = found.potentials[found.potentials["value"].isna()]
    sentences = []
    for reason, rows in lacking.groupby(f"reason_{language}", sort=False, dropna=False):
        names = dict.fromkeys(
            " ".join(
                filter(None, (_word("potential", row["potential"], language), _bracket(row["indicator"], language)))
            )
            for row in rows.to_dict("records")
        )
        told = text("potential.lacking", language).format(
            potentials=text("list.separator", language).join(names), zones=rows["scope_id"].nunique(),
            all=found.potentials["scope_id"].nunique(), reason=_cell(reason),
        )  # fmt: skip
        sentences.append(told)
    return sentences


def _bracket(indicator: object, language: str) -> str:
    return f"({_indicator(indicator, language)})" if pd.notna(indicator) and indicator else ""  # type: ignore[call-overload]


def amount_and_unit(value: float, unit: str, language: str) -> tuple[str, str]:
    """Write a potential: land in mu, years as such, a missing one as a dash.

    Examples
    --------
    >>> amount_and_unit(2_000_000.0, "m2", "zh")
    ('3,000.00', '亩')
    """
    shown = text("potential.years" if unit == "years" else "unit.mu", language)
    if math.isnan(value):
        return "—", shown
    return (f"{value:,.1f}" if unit == "years" else f"{convert(float(value), unit, 'mu'):,.2f}"), shown


def _word(key: str, value: object, language: str) -> str:
    return "" if pd.isna(value) else text(f"{key}.{value}", language)  # type: ignore[call-overload]


def _percent(value: object) -> str:
    return "" if pd.isna(value) else f"{value:.1%}"  # type: ignore[call-overload]


def _indicator(name: object, language: str) -> str:
    entry = catalogue().get(str(name))
    return _cell(name) if entry is None else entry.title(language)


def _titles(names: Iterable[str], language: str) -> list[str]:
    return [text(f"rating.{name}", language) for name in names]


def _notes(told: Iterable[tuple[str, str]], language: str) -> list[str]:
    lines = [f"  · {en if language == 'en' else zh}" for en, zh in told]
    return ["\n".join(lines)] if lines else []


def _more(total: int, language: str) -> str:
    return "" if total <= _SHOWN else "\n" + text("rating.more", language).format(more=f"{total - _SHOWN:,}")


def _cell(value: object) -> str:
    return "" if pd.isna(value) else str(value)  # type: ignore[call-overload]


def _points(value: object, digits: int = 2) -> str:
    return "" if pd.isna(value) else f"{value:,.{digits}f}"  # type: ignore[call-overload]


def _whole(value: object) -> str:
    return "" if pd.isna(value) else f"{int(value):,}"  # type: ignore[call-overload]
