"""The first sheet of the workbook: what it is, the figures of the city, how to use it, definitions, sources."""

from __future__ import annotations

from typing import Any

from geo.indicators import indicator
from geo.labels import text
from geo.report.workbook import address
from geo.report.xlsx_desk import Desk
from geo.report.xlsx_indicators import Figures
from geo.standards import policy
from layers.units import convert

__all__ = ["write_about"]

_COLUMNS = (34, 16, 14, 14, 62)
_USE = ("traced", "change", "places", "missing", "filter", "sizes")


def write_about(desk: Desk, figures: Figures | None) -> None:
    """Write 说明."""
    sheet = desk.sheets["about"]
    for col, width in enumerate(_COLUMNS):
        sheet.set_column(col, col, width)
    page = _Page(desk, sheet)
    project = desk.assessment.project
    sheet.set_row(0, 34)
    page.words(desk.word("about.title", city=desk.assessment.city), "title")
    name = project.text("project.name") or ""
    page.words(desk.word("about.subtitle", name=name, as_of=str(project.as_of or "—")).strip(" ·"), "subtitle")
    if (redacted := desk.assessment.redaction) is not None:
        page.section("redaction")
        page.wide(redacted.words.text(desk.language))
    if figures is not None:
        _headline(desk, page, figures)
    page.section("use")
    for key in _USE:
        page.wide(desk.word(f"use.{key}"))
    page.section("sheets")
    for key, other in desk.sheets.items():
        page.link(other.get_name(), desk.word(f"about.{key}"))
    page.section("definitions")
    for entry in desk.entries:
        page.pair(entry.title(desk.language), f"{entry.definition(desk.language)}\n{entry.source(desk.language)}")
    _sources(desk, page)


class _Page:
    """Lines one under the other."""

    def __init__(self, desk: Desk, sheet: Any) -> None:  # noqa: ANN401
        self.desk, self.sheet, self.row = desk, sheet, 0

    def words(self, words: str, kind: str) -> None:
        self.desk.book.put(self.sheet, self.row, 0, words, kind)
        self.row += 1

    def section(self, key: str) -> None:
        self.row += 1
        for col in range(len(_COLUMNS)):
            words = self.desk.word(f"section.{key}") if col == 0 else ""
            self.desk.book.put(self.sheet, self.row, col, words, "section")
        self.row += 1

    def wide(self, words: str) -> None:
        """A paragraph over the whole width."""
        self._across(0, words)

    def pair(self, left: str, words: str) -> None:
        """A word and what is to be said of it."""
        self.desk.book.put(self.sheet, self.row, 0, left, "words")
        self._across(1, words)

    def link(self, name: str, words: str) -> None:
        """The name of a sheet, leading there, and what it holds."""
        target = f"internal:'{name}'!A1"
        self.sheet.write_url(self.row, 0, target, self.desk.book.format("link"), string=name)
        self._across(1, words)

    def _across(self, col: int, words: str) -> None:
        last = len(_COLUMNS) - 1
        self.desk.book.across(self.sheet, self.row, col, last, words, sum(_COLUMNS[col:]) - 4)
        self.row += 1


def _headline(desk: Desk, page: _Page, figures: Figures) -> None:
    """The figures of the city with their first target, as formulas over 指标."""
    page.section("headline")
    for col, key in enumerate(("indicator", "value", "target", "met", "clause")):
        page.sheet.write_string(page.row, col, desk.word(f"column.{key}"), desk.book.format("head"))
    page.row += 1
    table = desk.assessment.indicators
    first = page.row
    for row in table[table["level"] == "city"].to_dict("records"):
        where = figures.rows[row["id"], "city", 1]
        entry = indicator(row["id"])
        shown = "" if entry.percent or entry.unit == "1" else f"（{entry.unit_label}）"
        kind = "percent" if entry.percent else "ratio"
        book, sheet = desk.book, page.sheet
        book.put(sheet, page.row, 0, entry.title(desk.language) + shown)
        book.formula(sheet, page.row, 1, f"={figures.value(entry.id, 'city', 1)}", row["value"], kind)
        for col in (2, 3, 4):
            book.put(sheet, page.row, col, "")
        if row["targets"]:
            for col, n, key, look in ((2, 3, "target", kind), (3, 4, "met", "text"), (4, 8, "clause", "text")):
                cell = address(where, figures.value_col + n, figures.sheet)
                book.formula(sheet, page.row, col, f"={cell}", figures.shown[key][where - 1], look)
        page.row += 1
    _candidates(desk, page)
    for word, look in (("unmet", "bad"), ("met", "good")):
        desk.book.mark(page.sheet, 3, first, page.row, text(f"target.{word}", desk.language), look)


def _candidates(desk: Desk, page: _Page) -> None:
    found = desk.assessment.candidates
    if found is None or not len(found.facts):
        return
    book, sheet, names, yes = desk.book, page.sheet, desk.names("candidates"), desk.word("yes")
    on = f'{names["candidate"]},"{yes}"'
    area = convert(float(found.table["area_m2"].sum()), "m2", "mu")
    for key, formula, value, kind in (
        ("candidates", f"=COUNTIFS({on})", len(found.table), "int"),
        ("candidates_mu", f"=SUMIFS({names['land_mu']},{on})", area, "amount"),
    ):
        unit = text("unit.parcels" if key == "candidates" else "unit.mu", desk.language)
        book.put(sheet, page.row, 0, f"{desk.word(f'column.{key}')}（{unit}）")
        book.formula(sheet, page.row, 1, formula, value, kind)
        for col in (2, 3, 4):
            book.put(sheet, page.row, col, desk.word("explained.candidates") if col == 4 else "")
        page.row += 1


def _sources(desk: Desk, page: _Page) -> None:
    """The files behind the figures, and the documents behind the targets."""
    page.section("sources")
    project = desk.assessment.project
    for name, source in project.sources.items():
        page.pair(
            str(desk.known("xlsx.layer", name)), "；".join([*(path.name for path in source.files), *source.databases])
        )
    for name in project.texts("project.policies"):
        document = policy(name)
        title = document.title_en if desk.language == "en" else document.title
        page.pair(document.number or name, title)
