"""The sheets of what was graded: firms by what each indicator adds, verdicts on zones, the league, potentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from geo.evaluation.years import ZoneYears
from geo.grading.grades import Grades
from geo.indicators import catalogue
from geo.labels import text
from geo.ratings import Ratings
from geo.report.xlsx_desk import Desk
from geo.report.xlsx_rows import Column
from geo.standards import short_name
from geo.telling.ratings import amount_and_unit
from layers.units import convert

__all__ = ["rating_tables"]


def rating_tables(desk: Desk, ratings: Ratings | None) -> dict[str, list[Column]]:
    """Return the columns of each sheet there is something for: grades, verdicts, league, potentials."""
    if ratings is None:
        return {}
    tables: dict[str, list[Column]] = {}
    if ratings.grades is not None and len(ratings.grades.table):
        tables["grades"] = (
            _counts(desk, ratings.grades) if ratings.grades.published is not None else _grades(desk, ratings.grades)
        )
    if ratings.years is not None and len(ratings.years.table):
        tables["verdicts"] = _verdicts(desk, ratings.years)
    if ratings.league is not None and len(ratings.league):
        tables["league"] = _league(desk, ratings.league)
    if ratings.survey is not None and len(ratings.survey.potentials):
        tables["potentials"] = _potentials(desk, ratings.survey.potentials)
    return tables


def _grades(desk: Desk, grades: Grades) -> list[Column]:
    """One row a firm, the best of each group first: score, grade, what each indicator adds, what it lacks."""
    titles = {one.id: one.title_en if desk.language == "en" else one.title_zh for one in grades.rules.groups}
    table = grades.table.assign(order=grades.table["group"].astype("object"))
    table = table.sort_values(["order", "rank", "firm_id"], na_position="last")
    why = "reason_en" if desk.language == "en" else "reason_zh"
    return [
        _column(desk, "firm_id", table["firm_id"].tolist()),
        _column(desk, "firm", _texts(table["firm_name"])),
        _column(desk, "group", [titles.get(str(group), "") for group in table["order"]]),
        _column(desk, "score", _numbers(table["score"]), "ratio"),
        _column(desk, "rank", _numbers(table["rank"]), "int"),
        _column(desk, "grade", [_grade(desk, grade) for grade in table["grade"]]),
        *_added(desk, grades, table.index),
        *_lacking(desk, grades, table.index),
        _column(desk, "note", _texts(table[why])),
    ]


def _counts(desk: Desk, grades: Grades) -> list[Column]:
    """One row a group and grade: how many firms, as a public version tells it."""
    titles = {one.id: one.title_en if desk.language == "en" else one.title_zh for one in grades.rules.groups}
    firms = [text("withheld", desk.language) if pd.isna(one) else int(one) for one in grades.counts["firms"]]
    return [
        _column(desk, "group", [titles.get(str(group), str(group)) for group in grades.counts["group"]]),
        _column(desk, "grade", [_grade(desk, grade) for grade in grades.counts["grade"]]),
        _column(desk, "firms", firms, "int"),
    ]


def _grade(desk: Desk, grade: object) -> object:
    if pd.isna(grade):  # type: ignore[call-overload]
        return None
    return text("rating.exempt", desk.language) if grade == "exempt" else str(grade)


def _added(desk: Desk, grades: Grades, firms: pd.Index) -> list[Column]:
    """A column an indicator: the points it adds to each of the firms, told by row: an id may stand twice."""
    rows = grades.contributions.astype({"indicator": "str"})
    known, columns = catalogue(), []
    for name in rows["indicator"].drop_duplicates():
        points = rows.loc[rows["indicator"] == name].set_index("firm")["score"]
        named = known[name].title(desk.language) if name in known else name
        title = text("rating.adds", desk.language, indicator=named)
        columns.append(Column(f"adds_{name}", title, _numbers(points.reindex(firms)), "ratio"))
    return columns


def _lacking(desk: Desk, grades: Grades, firms: pd.Index) -> list[Column]:
    """The next grade and the points that are lacking to it."""
    needs = grades.needs.drop_duplicates("firm").set_index("firm").reindex(firms)
    return [
        _column(desk, "next_grade", _texts(needs["next_grade"])),
        _column(desk, "lacking", _numbers(needs["lacking"]), "ratio"),
    ]


def _verdicts(desk: Desk, years: ZoneYears) -> list[Column]:
    table = years.table
    clauses = [
        f"{short_name(policy, desk.language)} {clause}"
        for policy, clause in zip(table["policy"], table["clause"], strict=True)
    ]
    return [
        _column(desk, "year", _numbers(table["year"]), "key"),
        _column(desk, "zone", _texts(table["zone_name"])),
        _column(desk, "verdict", [text(f"verdict.{one}", desk.language) for one in table["verdict"]]),
        _column(desk, "rank", _numbers(table["rank"]), "int"),
        _column(desk, "ranked", _numbers(table["ranked"]), "int"),
        _column(desk, "clause", clauses),
        _column(desk, "why", _texts(table["explanation_en" if desk.language == "en" else "explanation_zh"])),
    ]


def _league(desk: Desk, table: pd.DataFrame) -> list[Column]:
    return [
        _column(desk, "period", [str(table.attrs["period"])] * len(table)),
        _column(desk, "ranking", [text(f"ranking.{one}", desk.language) for one in table["ranking"]]),
        _column(desk, "group", _texts(table["group"])),
        _column(desk, "rank", _numbers(table["rank"]), "int"),
        _column(desk, "zone", _texts(table["zone_name"])),
        _column(desk, "score", _numbers(table["score"]), "ratio"),
        _column(desk, "rank_change", _numbers(table["rank_change"]), "int"),
        _column(desk, "score_change", _numbers(table["score_change"]), "ratio"),
    ]


def _potentials(desk: Desk, table: pd.DataFrame) -> list[Column]:
    known = catalogue()
    titles = [known[name].title(desk.language) if name in known else None for name in table["indicator"]]
    shown = [
        amount_and_unit(value, unit, desk.language)[1]
        for value, unit in zip(table["value"].fillna(0.0), table["unit"], strict=True)
    ]
    amounts = table["value"].where(table["unit"] == "years", convert(table["value"], "m2", "mu"))
    return [
        _column(desk, "zone", _texts(table["scope_name"])),
        _column(desk, "potential", [text(f"potential.{one}", desk.language) for one in table["potential"]]),
        _column(desk, "indicator", titles),
        _column(desk, "amount", _numbers(amounts), "amount"),
        _column(desk, "amount_unit", shown),
        _column(desk, "current", _numbers(table["current"]), "fine"),
        _column(desk, "ideal", _numbers(table["ideal"]), "fine"),
        _column(desk, "source", _texts(table[f"source_{desk.language}"])),
        _column(desk, "unknown_land", _numbers(convert(table["unknown_m2"], "m2", "mu")), "amount"),
        _column(desk, "reason", _texts(table[f"reason_{desk.language}"])),
    ]


def _column(desk: Desk, key: str, values: Sequence[Any], kind: str = "text") -> Column:
    return Column(key, text(f"rating.{key}", desk.language), values, kind)


def _texts(values: pd.Series) -> list[str | None]:
    return [None if pd.isna(value) else str(value) for value in values.astype("object")]


def _numbers(values: pd.Series | Mapping[str, float]) -> list[float | None]:
    return [None if pd.isna(value) else float(value) for value in pd.Series(values).astype("object")]
