"""The sheet of parameters: whatever a formula refers to and a planner may want to change.

Factors between units, targets of the documents, limits of the evidence, unit costs of a plan, each with a
defined name; below them the settings of the run, which are told and cannot be changed here. Limits that are
a fraction of a mean follow the judged parcels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from geo.indicators import Indicator, catalogue
from geo.labels import evidence_title, evidence_unit, text
from geo.plan.planning import Plan
from geo.plan.words import ACT_WORDS, asked_words
from geo.planned import Planned
from geo.report import formulas
from geo.report.xlsx_desk import Desk
from geo.standards import short_name
from layers.project import keys
from layers.units import convert, label, unit

__all__ = ["Target", "Targets", "compared", "source_line", "unit_of", "write_parameters"]

_COMPARISONS = ("at_least", "more_than", "at_most", "equals", "about", "between")
#: Sums of the limits' means: column on top, column below, of the sheet of candidates.
_MEANS = {
    "low_tax": ("tax_cny", "land_used_m2"),
    "low_plot_ratio": ("floor_area_m2", "land_area_m2"),
    "low_building_density": ("building_base_m2", "land_area_m2"),
}

Target = dict[str, Any]


class Targets:
    """Names of the cells that hold the targets, one set for each clause on an indicator."""

    def __init__(self, desk: Desk) -> None:
        self.rows: dict[tuple[object, ...], tuple[str, Target]] = {}
        self.names: dict[tuple[object, ...], tuple[str, ...]] = {}
        table = desk.assessment.indicators
        for name, asked in zip(table["id"], table["targets"], strict=True):
            for one in asked:
                self.rows.setdefault(self.key(name, one), (name, one))

    @staticmethod
    def key(name: str, target: Target) -> tuple[object, ...]:
        """What makes a target one and the same in many rows."""
        comparison = compared(target)
        asked = target[comparison]
        ends = tuple(map(float, asked)) if isinstance(asked, (list, tuple)) else (float(asked),)
        return (name, target["policy"], target["clause"], comparison, ends)


def compared(target: Target) -> str:
    """Return the word of a target's comparison."""
    return next(word for word in _COMPARISONS if word in target)


def write_parameters(desk: Desk, targets: Targets, plan: Planned | None = None) -> None:
    """Write 参数: factors, targets, limits of the evidence, costs of the plan, settings of the run."""
    sheet = desk.sheets["parameters"]
    for col, width in enumerate((34, 16, 14, 30, 70)):
        sheet.set_column(col, col, width)
    for col, key in enumerate(("parameter", "setting", "unit", "name", "explained")):
        sheet.write_string(0, col, desk.word(f"column.{key}"), desk.book.format("head"))
    sheet.freeze_panes(1, 1)
    row = _Lines(desk, sheet, 1)
    row.section("units")
    for (base, name), called in desk.factors.items():
        shown = label(base, desk.language)
        told = desk.word("explained.factor", one=label(name, desk.language), base=shown)
        row.add(told, formulas.factor(name), float(unit(name).factor), "exact", shown, called, "")
    if targets.rows:
        row.section("targets")
    for which, (asked, target) in targets.rows.items():
        targets.names[which] = _target_lines(desk, row, catalogue()[asked], target)
    _limit_lines(desk, row)
    if plan is not None:
        _plan_lines(desk, row, plan.plan)
    row.section("settings")
    project = desk.assessment.project
    for name, setting in project.settings.items():
        if setting.value not in (None, "", []):
            known = keys()[name]
            told = known.label_en if desk.language == "en" else known.label_zh
            origin = text(f"origin.{setting.origin}", desk.language)
            row.add(
                told,
                "",
                _plain(setting.value, desk.language),
                "text",
                "",
                "",
                f"{name} · {origin} {setting.reason(desk.language)}".strip(),
            )


class _Lines:
    """Rows of the sheet of parameters, from the top down."""

    def __init__(self, desk: Desk, sheet: Any, row: int) -> None:  # noqa: ANN401
        self.desk, self.sheet, self.row = desk, sheet, row

    def section(self, key: str) -> None:
        self.row += self.row > 1
        for col in range(5):
            words = self.desk.word(f"section.{key}") if col == 0 else ""
            self.desk.book.put(self.sheet, self.row, col, words, "section")
        self.row += 1

    def add(
        self, what: str, formula: str, value: object, kind: str, shown_unit: str, name: str, told: str
    ) -> str:  # fmt: skip
        """One parameter; returns the name its cell got."""
        book, sheet, row = self.desk.book, self.sheet, self.row
        book.put(sheet, row, 0, what)
        if formula:
            book.formula(sheet, row, 1, formula, value, kind)
        else:
            book.put(sheet, row, 1, value, kind, "input" if name else "plain")
        book.put(sheet, row, 2, shown_unit)
        called = book.define(name, sheet, row, 1) if name else ""
        book.put(sheet, row, 3, called, role="faint")
        book.put(sheet, row, 4, told)
        self.row += 1
        return called


def _plain(value: object, language: str) -> object:
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    if isinstance(value, bool):
        return text(f"xlsx.{'yes' if value else 'no'}", language)
    return value if isinstance(value, (int, float)) else str(value)


def _target_lines(desk: Desk, row: _Lines, entry: Indicator, target: Target) -> tuple[str, ...]:
    """Write the figures of one target: one row, or two for a range."""
    comparison = compared(target)
    asked = target[comparison]
    ends = list(asked) if isinstance(asked, (list, tuple)) else [asked]
    what = f"{entry.title(desk.language)} {text(f'comparison.{comparison}', desk.language)}"
    kind = "percent" if entry.percent else "exact"
    told = f"{source_line(desk, target)} {target['wording'] or ''}".strip()
    return tuple(row.add(what, "", float(end), kind, unit_of(desk, entry), desk.target(entry), told) for end in ends)


def source_line(desk: Desk, target: Target) -> str:
    """Return document, clause and year of a target, and whether it binds."""
    parts = [short_name(target["policy"]), target["clause"]]
    if target["year"]:
        parts.append(desk.word("by_year", year=target["year"]))
    if not target["binding"]:
        parts.append(desk.word("for_comparison"))
    return " ".join(parts)


def unit_of(desk: Desk, entry: Indicator) -> str:
    """Return the display unit of an indicator in words, "" for a share or a plain ratio."""
    return "" if entry.unit == "1" else label(entry.unit, desk.language)


def _limit_lines(desk: Desk, row: _Lines) -> None:
    """Limits of the evidence: a plain figure, or a fraction of a mean that follows the judged parcels."""
    found, project = desk.assessment.candidates, desk.assessment.project
    if found is None:
        return
    row.section("limits")
    names = desk.names("candidates")
    for limit in found.limits.to_dict("records"):
        _limit(desk, row, {str(key): value for key, value in limit.items()}, names)
    if "outside_parks" in found.facts:
        told = desk.word("explained.outside")
        row.add(desk.word("explained.inside_share"), "", 0.5, "percent", "", desk.limit("outside_parks"), told)
    needed = max(int(project.number("candidates.evidence_needed") or 1), 1)
    row.add(desk.word("explained.needed"), "", needed, "key", "", desk.needed, "")


def _limit(desk: Desk, row: _Lines, limit: Mapping[str, Any], names: Mapping[str, str]) -> None:
    code, found = limit["code"], desk.assessment.candidates
    told = evidence_title(code, {} if found is None else found.titles, desk.language)
    shown = evidence_unit(limit["unit"], desk.language)
    basis = limit[f"basis_{desk.language}"]
    sign = text(f"telling.comparison_{limit['comparison']}", desk.language)
    if code not in desk.live:  # a figure of the run: no cell hangs on it
        row.add(f"{told} {limit['scope']} {sign}", "", limit["limit"], "fine", shown, "", basis)
        return
    fraction = desk.live[code].of_mean
    if not fraction:
        row.add(f"{told} <", "", limit["limit"], "fine", shown, desk.limit(code), basis)
        return
    what = desk.word("explained.fraction", what=told)
    part = row.add(what, "", fraction, "fine", "", desk.limit(code, "fraction"), "")
    what, mean_of = desk.word("explained.mean", what=told), desk.word("explained.mean_of")
    formula = _mean(desk, code, names)
    mean = row.add(what, formula, limit["limit"] / fraction, "fine", shown, desk.limit(code, "mean"), mean_of)
    row.add(f"{told} <", f"={part}*{mean}", limit["limit"], "fine", shown, desk.limit(code), basis)


def _mean(desk: Desk, code: str, names: Mapping[str, str]) -> str:
    """Ratio of two sums over the judged parcels that know both."""
    over, under = _MEANS[code]
    below = f"SUM({names[under]})" if code == "low_tax" else formulas.sumifs(under, [(over, '"<>"')], names)
    top = f"SUM({names[over]})"
    if code == "low_tax":
        return f"=({top}/{desk.factors['cny', 'wcny']})/({below}/{desk.mu})"
    return f"={top}/{below}"


def _plan_lines(desk: Desk, row: _Lines, plan: Plan) -> None:
    """Write what the plan is to reach, and the unit costs of its acts."""
    row.section("plan")
    for place, one in enumerate(plan.reached):
        entry = one.target.indicator
        kind, shown = "percent" if entry.percent else "exact", unit_of(desk, entry)
        what = asked_words(one.target).text(desk.language)
        source = (
            text("plan.own_target", desk.language)
            if one.target.source == "project"
            else f"{short_name(one.target.source, desk.language)} {one.target.clause}"
        )
        row.add(what, "", one.target.figure, kind, shown, desk.goal(place), source)
    told = desk.word("explained.cost_placeholder" if plan.options.placeholders else "explained.cost_own")
    by_floor = any(cost.cny_per_floor_m2 for cost in plan.options.costs.values())
    for act, cost in plan.options.costs.items():
        name = ACT_WORDS[act].text(desk.language)
        per_mu = float(convert(cost.cny_per_m2, "cny/m2", "wcny/mu"))
        what = desk.word("explained.cost", what=name)
        row.add(what, "", per_mu, "exact", label("wcny/mu", desk.language), desk.cost(act), told)
        if by_floor:
            what = desk.word("explained.floor_cost", what=name)
            shown = label("cny/m2", desk.language)
            row.add(what, "", cost.cny_per_floor_m2, "exact", shown, desk.cost(act, floor=True), told)
