"""The sheet of checks: identities that recompute, findings, the ledger, overlaps, what has no figure.

An identity has two sides by different routes: one a formula over the sheets, the other the figure of the
run, or a second formula. If somebody edits a sheet, the check says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from geo.indicators import catalogue
from geo.labels import text
from geo.report.formulas import rounded, sumifs
from geo.report.workbook import address
from geo.report.xlsx_desk import Desk
from geo.report.xlsx_indicators import Figures
from geo.telling.checks import checks_lines
from layers.findings import summarise
from layers.units import convert

__all__ = ["write_checks"]

Cell = tuple[object, str, str]  # value, formula or "", kind


def write_checks(desk: Desk, figures: Figures | None) -> None:
    """Write 检查, section by section."""
    sheet = desk.sheets["checks"]
    for col, width in enumerate((44, 20, 20, 18, 14, 24, 60)):
        sheet.set_column(col, col, width)
    page = _Page(desk, sheet)
    page.section("identities", ("identity", "left", "right", "difference", "allowed", "holds", "explained"))
    for row in _identities(desk, figures):
        page.identity(*row)
    _overlaps(desk, page)
    _ledger(desk, page)
    _matches(desk, page)
    _findings(desk, page)
    if desk.assessment.not_computed:
        page.section("not_computed", ("indicator", "reason"))
        for name, reasons in desk.assessment.not_computed.items():
            reason = reasons[0] if desk.language == "en" else reasons[1]
            page.line([(catalogue()[name].title(desk.language), "", "text"), (reason, "", "text")])
    for word, look in (("fails", "bad"), ("holds", "good")):
        desk.book.mark(sheet, 5, 1, page.row, desk.word(word), look)


class _Page:
    """Tables one under the other."""

    def __init__(self, desk: Desk, sheet: Any) -> None:  # noqa: ANN401
        self.desk, self.sheet, self.row = desk, sheet, 0

    def section(self, key: str, columns: Sequence[str]) -> None:
        self.row += 1 if self.row else 0
        self.desk.book.put(self.sheet, self.row, 0, self.desk.word(f"section.{key}"), "section")
        for col, column in enumerate(columns):
            head = self.desk.word(f"column.{column}")
            self.sheet.write_string(self.row + 1, col, head, self.desk.book.format("head"))
        self.row += 2

    def line(self, cells: Iterable[Cell]) -> None:
        for col, (value, formula, kind) in enumerate(cells):
            if formula:
                self.desk.book.formula(self.sheet, self.row, col, formula, value, kind)
            else:
                self.desk.book.put(self.sheet, self.row, col, value, kind)
        self.row += 1

    def identity(self, name: str, left: Cell, right: Cell, allowed: float, told: str) -> None:
        a, b, difference, most = (address(self.row, col) for col in (1, 2, 3, 4))
        apart = round(float(left[0]) - float(right[0]), 6)  # type: ignore[arg-type]
        yes, no = self.desk.word("holds"), self.desk.word("fails")
        self.line(
            [
                (name, "", "text"), left, right,
                (apart, f"=ROUND({a}-{b},6)", "amount"),
                (allowed, "", "amount"),
                (yes if abs(apart) <= allowed + 1e-9 else no, f'=IF(ABS({difference})<={most},"{yes}","{no}")', "text"),
                (told, "", "text"),
            ]
        )  # fmt: skip


def _identities(desk: Desk, figures: Figures | None) -> list[tuple[str, Cell, Cell, float, str]]:
    rows = []
    both = _land_formulas(desk, figures)
    for one in desk.assessment.identities.to_dict("records"):
        left, right = both.get(one["name"], ("", ""))
        told = desk.word("explained.both_live" if right else "explained.one_live" if left else "written")
        rows.append(
            (
                one["name"] if desk.language == "en" else one["name_zh"],
                (one["left"], left, "amount"), (one["right"], right, "amount"), one["allowed"], f"{told} (m²)",
            )
        )  # fmt: skip
    firms = desk.assessment.firms
    for column, base in (("tax_cny", "cny"), ("land_used_m2", "m2")):
        if firms is not None and firms.firms[column].notna().any():
            total = round(float(firms.firms[column].sum()), 2)
            name = desk.word(f"identity.{column}")
            live = "=" + rounded(f"SUM({desk.name('firms', column)})", base)
            rows.append((name, (total, live, "amount"), (total, "", "amount"), 0.0, desk.word("explained.one_live")))
    if figures is not None:
        moved = f'=COUNTIF({figures.changed},">0")+COUNTIF({figures.changed},"<0")'
        told = desk.word("explained.changed")
        rows.append((desk.word("identity.changed"), (0, moved, "int"), (0, "", "int"), 0.0, told))
    return rows


def _land_formulas(desk: Desk, figures: Figures | None) -> dict[str, tuple[str, str]]:
    """Formulas of both sides of the identities of `geo.concentrations`; "" where the run's figure stands."""
    land = desk.assessment.land
    if land is None:
        return {}
    names = desk.names("parcels")

    def industrial(*where: tuple[str, str]) -> str:
        return sumifs("land_area_m2", [("industrial", "1"), *where], names)

    if land.parks is None:
        return {"inside + outside = total industrial land": (f"={rounded(industrial(), 'm2')}", "")}
    inside, outside = industrial(("park", '">0"')), industrial(("park", "0"))
    found = {
        "inside + outside = total industrial land": (f"={rounded(f'{inside}+{outside}', 'm2')}", ""),
        "inside by pieces = inside by the union of the parks": (f"={rounded(inside, 'm2')}", ""),
    }
    zones = figures.tops("industrial_concentration", "zone") if figures is not None else []
    if zones:
        added = f"SUM({zones[0]}:{zones[-1].split('!')[1]})"
        rest = rounded(f"{industrial()}-{outside}", "m2")
        found["Σ zones = inside the union"] = (f"={rounded(added, 'm2')}", f"={rest}")
    return found


def _overlaps(desk: Desk, page: _Page) -> None:
    pairs = desk.assessment.overlaps
    if not len(pairs):
        return
    page.section("overlaps", ("park_a", "park_b", "overlap_mu", "wide_mu", "counts"))
    tolerance = desk.assessment.project.number("project.overlap_tolerance_m2") or 0.0
    for row in pairs.to_dict("records"):
        shared, wide = (convert(float(row[area]), "m2", "mu") for area in ("area_m2", "wide_m2"))
        counts = desk.word("yes" if row["wide_m2"] > tolerance else "no")
        page.line(
            [
                (row["name_a"], "", "text"), (row["name_b"], "", "text"),
                (shared, "", "amount"), (wide, "", "amount"), (counts, "", "text"),
            ]
        )  # fmt: skip


def _ledger(desk: Desk, page: _Page) -> None:
    if not desk.assessment.ledger:
        return
    page.section("ledger", ("layer", "read", "used", "set_aside", "remainder", "balanced", "reasons"))
    for layer, entry in desk.assessment.ledger.items():
        aside: Any = entry["set_aside"]
        count = sum(int(one["count"]) for one in aside)
        read, used = int(entry["read"]), int(entry["used"])  # type: ignore[call-overload]
        b, c, d, e = (address(page.row, col) for col in (1, 2, 3, 4))
        yes, no = desk.word("holds"), desk.word("fails")
        told = "；".join(f"{one['reason']} × {one['count']}" for one in aside)
        page.line(
            [
                (desk.known("xlsx.layer", layer), "", "text"),
                (read, "", "int"), (used, "", "int"), (count, "", "int"),
                (read - used - count, f"={b}-{c}-{d}", "int"),
                (yes if read == used + count else no, f'=IF({e}=0,"{yes}","{no}")', "text"),
                (told, "", "text"),
            ]
        )  # fmt: skip


def _matches(desk: Desk, page: _Page) -> None:
    firms = desk.assessment.firms
    if firms is None:
        return
    page.section("matches", ("matched_by", "firms", "tax_wcny"))
    for row in firms.match_table.to_dict("records"):
        tax, way = convert(float(row["tax_cny"]), "cny", "wcny"), text(f"match.{row['way']}", desk.language)
        page.line([(way, "", "text"), (row["firms"], "", "int"), (tax, "", "amount")])


def _findings(desk: Desk, page: _Page) -> None:
    found, scope = desk.assessment.findings, checks_lines(desk.assessment.checks, desk.language)
    if not len(found) and not scope:
        return
    page.section("findings", ("finding", "layer", "severity", "code", "findings", "first_ids", "remedy"))
    for line in scope:
        page.line([(line, "", "text")])
    if not len(found):
        page.line([(text("checks.none", desk.language), "", "text")])
        return
    for row in summarise(found, desk.language).to_dict("records"):
        page.line(
            [
                (row["title"], "", "text"), (desk.known("xlsx.layer", row["layer"]), "", "text"),
                (text(f"severity.{row['severity']}", desk.language), "", "text"), (row["code"], "", "text"),
                (int(row["count"]), "", "int"), (", ".join(row["first_ids"]), "", "text"), (row["remedy"], "", "text"),
            ]
        )  # fmt: skip
