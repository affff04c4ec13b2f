"""Chapter 评价: grades of firms, scores of zones, verdicts over the years, the latest league, land against limits.

Writes what `geo.ratings` found and nothing else; what the project does not ask for has no table, and a chapter
without a table is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from geo.evaluation.tree import Evaluation
from geo.evaluation.years import ZoneYears
from geo.grading.grades import Grades
from geo.indicators import catalogue
from geo.ratings import Ratings
from geo.report.cells import DASH, Desk, capital, count_text, plain_rows
from geo.report.parts import Block, Column, Paragraph, Section, Table
from geo.standards import short_name
from geo.surveying import Survey
from geo.telling.ratings import amount_and_unit, potentials_lacking

__all__ = ["rating_chapter"]

#: So many firms of a group are listed; all of them stand in results.json.
_SHOWN = 15


def rating_chapter(desk: Desk, ratings: Ratings | None) -> Section | None:
    """Write the chapter; None where nothing was graded."""
    if not ratings:
        return None
    blocks: list[Block] = []
    if ratings.grades is not None:
        blocks += [_grade_counts(desk, ratings.grades)]
        blocks += [_best_firms(desk, ratings.grades)] if len(ratings.grades.table) else []
        blocks += _notes(desk, ((note.en, note.zh) for note in ratings.grades.told))
    if ratings.evaluation is not None:
        blocks += [_nodes(desk, ratings.evaluation), *_zones(desk, ratings), *_notes(desk, ratings.evaluation.told)]
    if ratings.years is not None:
        blocks += [_verdicts(desk, ratings.years), *_notes(desk, ratings.years.told)]
    if ratings.league is not None:
        blocks.append(_league(desk, ratings.league))
    if ratings.control is not None:
        blocks += [_control(desk, ratings.control), *_notes(desk, ratings.control_notes)]
    if ratings.survey is not None:
        blocks += _survey(desk, ratings.survey)
    return Section("ratings", desk.say("ch_ratings"), tuple(blocks))


def _notes(desk: Desk, told: Iterable[tuple[str, str]]) -> list[Block]:
    """What was assumed, as one paragraph below its table."""
    words = [desk.pick(zh, en) for en, zh in told]
    return [Paragraph(desk.say("rating_notes", notes=desk.pick("；", "; ").join(words)))] if words else []


def _grade_counts(desk: Desk, grades: Grades) -> Table:
    groups = {one.id: desk.pick(one.title_zh, one.title_en) for one in grades.rules.groups}
    rows = [
        (
            groups.get(row["group"], row["group"]),
            row["grade"],
            desk.word("withheld") if pd.isna(row["firms"]) else count_text(row["firms"]),
        )
        for row in grades.counts.to_dict("records")
    ]
    return _table(desk, "grade-counts", ("group", "grade", "firms"), rows, _rules_source(desk, grades), right=(2,))


def _best_firms(desk: Desk, grades: Grades) -> Table:
    groups = {one.id: desk.pick(one.title_zh, one.title_en) for one in grades.rules.groups}
    ranked = grades.table[grades.table["rank"].notna()].astype({"group": "str"}).sort_values(["group", "rank"])
    ranked = ranked.groupby("group", sort=False).head(_SHOWN)
    rows = [
        (str(row["firm_name"]), groups.get(row["group"], DASH), _number(row["score"]), _whole(row["rank"]),
         _text(row["grade"]))
        for row in ranked.to_dict("records")
    ]  # fmt: skip
    titles = ("firm", "group", "score", "rank", "grade")
    return _table(
        desk, "grade-firms", titles, rows, _rules_source(desk, grades), right=(2, 3), wide=(2.0, 1, 1, 0.8, 0.8)
    )


def _rules_source(desk: Desk, grades: Grades) -> str:
    rules = grades.rules
    parts = (desk.pick(rules.title_zh, rules.title_en), desk.pick(rules.status_zh, rules.status_en))
    return desk.pick("；", "; ").join(parts)


def _nodes(desk: Desk, found: Evaluation) -> Table:
    known = catalogue()
    rows = [
        ("　" * row["level"] + str(row["node"]), _number(row["effective_weight"], 4),
         known[row["indicator"]].title(desk.language) if row["indicator"] in known else DASH,
         _number(row["value"]), _number(row["ideal"]), _number(row["score"]))
        for row in found.table.to_dict("records")
    ]  # fmt: skip
    titles = ("node", "effective_weight", "indicator", "value", "ideal", "score")
    return _table(desk, "evaluation-tree", titles, rows, desk.say("src_tree"), right=(1, 3, 4, 5), wide=(2.0,))


def _zones(desk: Desk, ratings: Ratings) -> list[Block]:
    if not ratings.by_zone:
        return []
    table = desk.assessment.indicators
    zones = table[table["level"] == "zone"].drop_duplicates("scope_id")
    names = dict(zip(zones["scope_id"], zones["scope_name"], strict=True))
    scored = sorted(ratings.by_zone.items(), key=lambda pair: -pair[1].score if pd.notna(pair[1].score) else 1e9)
    rows = [(str(names.get(zone, zone)), _number(one.score)) for zone, one in scored]
    return [_table(desk, "evaluation-zones", ("zone", "score"), rows, desk.say("src_tree"), right=(1,))]


def _verdicts(desk: Desk, years: ZoneYears) -> Table:
    rows = [
        (str(row["year"]), str(row["zone_name"]), desk.word(f"verdict.{row['verdict']}"),
         f"{short_name(row['policy'], desk.language)} {row['clause']}",
         row[desk.pick("explanation_zh", "explanation_en")])
        for row in years.table.to_dict("records")
    ]  # fmt: skip
    titles = ("year", "zone", "verdict", "clause", "why")
    return _table(desk, "zone-verdicts", titles, rows, desk.say("src_verdicts"), wide=(0.6, 1.3, 1.0, 1.1, 2.4))


def _league(desk: Desk, table: pd.DataFrame) -> Table:
    rows = [
        (desk.word(f"ranking.{row['ranking']}"), _text(row["group"]), _whole(row["rank"]), str(row["zone_name"]),
         _number(row["score"]), _change(row["rank_change"]))
        for row in table.to_dict("records")
    ]  # fmt: skip
    titles = ("ranking", "group", "rank", "zone", "score", "rank_change")
    caption = desk.word("rating.league").format(period=table.attrs["period"])
    return _table(desk, "league", titles, rows, desk.say("src_league"), right=(2, 4, 5), caption=caption)


def _control(desk: Desk, table: pd.DataFrame) -> Table:
    known = catalogue()
    rows = []
    for (standard, name), held in table.groupby(["standard", "indicator"], sort=False):
        title = known[name].title(desk.language) if name in known else str(name)
        counts = (held["met"].eq(other=True), held["met"].eq(other=False), held["met"].isna())
        rows.append((str(standard), title, *(count_text(int(one.sum())) for one in counts)))
    titles = ("standard", "indicator", "met", "unmet", "unknown")
    return _table(desk, "control", titles, rows, desk.say("src_control"), right=(2, 3, 4))


def _survey(desk: Desk, found: Survey) -> list[Block]:
    types = [
        (str(row["scope_name"]), _word(desk, "zone_type", row["zone_type"]), _word(desk, "basis", row["basis"]),
         _percent(row["industrial_share"]), _percent(row["housing_share"]))
        for row in found.types.to_dict("records")
    ]  # fmt: skip
    known = catalogue()
    rows = [
        (str(row["scope_name"]), desk.word(f"potential.{row['potential']}"),
         known[row["indicator"]].title(desk.language) if row["indicator"] in known else DASH,
         *amount_and_unit(row["value"], row["unit"], desk.language),
         amount_and_unit(row["unknown_m2"], "m2", desk.language)[0])
        for row in found.potentials[found.potentials["value"].notna()].to_dict("records")
    ]  # fmt: skip
    names = ("zone", "zone_type", "basis", "industrial_share", "housing_share")
    heads = ("zone", "potential", "indicator", "amount", "amount_unit", "unknown_land")
    told: list[Block] = []
    if types:
        told.append(_table(desk, "zone-types", names, types, desk.say("src_zone_types"), right=(3, 4)))
    if rows:
        wide = (1.4, 1.2, 1.4, 0.8, 0.6, 1)
        told.append(_table(desk, "potentials", heads, rows, desk.say("src_potentials"), right=(3, 5), wide=wide))
    told += [Paragraph(capital(one) + desk.pick("。", ".")) for one in potentials_lacking(found, desk.language)]
    return told


def _word(desk: Desk, key: str, value: object) -> str:
    return DASH if pd.isna(value) else desk.word(f"{key}.{value}")  # type: ignore[call-overload]


def _percent(value: object) -> str:
    return DASH if pd.isna(value) else f"{value:.1%}"  # type: ignore[call-overload]


def _table(
    desk: Desk,
    key: str,
    titles: tuple[str, ...],
    rows: Sequence[Sequence[str]],
    source: str,
    *,
    right: tuple[int, ...] = (),
    wide: tuple[float, ...] = (),
    caption: str | None = None,
) -> Table:
    widths = dict(enumerate(wide))
    columns = tuple(
        Column(capital(desk.word(f"rating.{title}")), "right" if place in right else "left", widths.get(place, 1.0))
        for place, title in enumerate(titles)
    )
    told = caption or desk.say(f"tab_{key.replace('-', '_')}")
    return Table(key, told, columns, plain_rows(rows), desk.line(source, area=False))


def _text(value: object) -> str:
    return DASH if pd.isna(value) else str(value)  # type: ignore[call-overload]


def _number(value: object, digits: int = 2) -> str:
    return DASH if pd.isna(value) else f"{value:,.{digits}f}"  # type: ignore[call-overload]


def _whole(value: object) -> str:
    return DASH if pd.isna(value) else f"{int(value):,}"  # type: ignore[call-overload]


def _change(places: object) -> str:
    return DASH if pd.isna(places) else f"{int(places):+d}" if places else "0"  # type: ignore[call-overload]
