"""The sheet of indicators: a row for every figure of the city, its districts, zones and parks.

Both sums are formulas over 地块 and 企业, the value is their ratio, and the target, the verdict and the gap
refer to 参数. Sums stand in base units, values in display units. Shares of the largest industries are
written as figures: they are no sum over rows. What the run itself found stands beside, for comparison.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from geo.indicators import Indicator, catalogue
from geo.labels import text
from geo.redaction.figures import of_firms
from geo.report import formulas
from geo.report.workbook import address
from geo.report.xlsx_desk import LEVELS, Desk
from geo.report.xlsx_parameters import Target, Targets, compared, source_line, unit_of
from geo.report.xlsx_rows import Column
from layers.units import convert, label, tally_scale, unit

__all__ = ["Figures", "write_indicators"]

_KEY, _TOP, _BELOW, _VALUE = 2, 5, 7, 9
_TARGETS_FROM, _TARGET_COLUMNS = 11, 7


@dataclass(frozen=True)
class Figures:
    """Where the figures of the sheet of indicators stand: (id, level, key from 1) → row from 0.

    `shown` holds the first target, its verdict and its clause of every row, as columns → values.
    """

    rows: Mapping[tuple[str, str, int], int]
    value_col: int
    top_col: int
    sheet: str
    changed: str
    shown: Mapping[str, list[Any]]

    @property
    def below_col(self) -> int:
        """Column of the sum below."""
        return self.top_col + _BELOW - _TOP

    def value(self, name: str, level: str, key: int) -> str:
        """Return the address of a figure, "" where there is none."""
        row = self.rows.get((name, level, key))
        return "" if row is None else address(row, self.value_col, self.sheet)

    def tops(self, name: str, level: str) -> list[str]:
        """Return the addresses of the sums on top of every place of a level."""
        found = [row for (one, at, _), row in self.rows.items() if (one, at) == (name, level)]
        return [address(row, self.top_col, self.sheet) for row in found]


def write_indicators(desk: Desk, targets: Targets) -> Figures:
    """Write 指标: one row a figure."""
    table = desk.assessment.indicators
    table = table[table["level"].isin(LEVELS)].reset_index(drop=True)
    table = table.assign(key=table.groupby(["id", "level"]).cumcount() + 1)
    entries = [catalogue()[name] for name in table["id"]]
    columns = _figure_columns(desk, table, entries)
    most = max((len(asked) for asked in table["targets"]), default=0)
    for nth in range(most):
        columns += _target_columns(desk, targets, table, entries, nth)
    columns += _run_columns(desk, table, entries, len(columns))
    sheet = desk.sheets["indicators"]
    desk.book.table(sheet, columns, strong=(table["level"] == "city").tolist(), frozen=5)
    for col, column in enumerate(columns):
        if column.key == "met":
            desk.book.mark(sheet, col, 1, len(table), _word(desk, "unmet"), "bad")
            desk.book.mark(sheet, col, 1, len(table), _word(desk, "met"), "good")
    rows = {key: i + 1 for i, key in enumerate(zip(table["id"], table["level"], table["key"], strict=True))}
    return Figures(rows, _VALUE, _TOP, sheet.get_name(), desk.name("indicators", "change"), _shown(columns))


def _shown(columns: list[Column]) -> dict[str, list[Any]]:
    first = columns[_TARGETS_FROM : _TARGETS_FROM + _TARGET_COLUMNS]
    return {column.key: list(column.values) for column in first if column.key in {"target", "met", "clause"}}


def _figure_columns(desk: Desk, table: pd.DataFrame, entries: list[Indicator]) -> list[Column]:
    """Columns A to K: which figure, of which place, both sums and their ratio."""
    levels = table["level"].tolist()
    written = [
        _sum_formulas(desk, entry, level, i) for i, (entry, level) in enumerate(zip(entries, levels, strict=True))
    ]
    tops, belows = [one[0] for one in written], [one[1] for one in written]
    units = [(label(e.numerator_unit, desk.language), label(e.denominator_unit, desk.language)) for e in entries]
    kinds = [(_kind(entry.numerator_unit), _kind(entry.denominator_unit)) for entry in entries]
    return [
        desk.column("indicators", "indicator", [entry.title(desk.language) for entry in entries]),
        desk.column("indicators", "level", [text(f"level.{level}", desk.language) for level in levels]),
        desk.column("indicators", "key", table["key"], "key", note=desk.word("note.key")),
        desk.column("indicators", "scope_id", table["scope_id"].astype("string").tolist()),
        desk.column("indicators", "scope_name", table["scope_name"].astype("string").tolist()),
        desk.column(
            "indicators", "numerator", table["numerator"], [k[0] for k in kinds], formula=lambda r: tops[r - 2]
        ),
        desk.column("indicators", "numerator_unit", [u[0] for u in units]),
        desk.column(
            "indicators", "denominator", table["denominator"], [k[1] for k in kinds], formula=lambda r: belows[r - 2]
        ),
        desk.column("indicators", "denominator_unit", [u[1] for u in units]),
        desk.column(
            "indicators", "value", table["value"], ["percent" if e.percent else "ratio" for e in entries],
            formula=lambda r: formulas.value(
                entries[r - 2], address(r - 1, _TOP), address(r - 1, _BELOW), desk.factors
            ),
        ),
        desk.column("indicators", "unit", [unit_of(desk, entry) for entry in entries]),
    ]  # fmt: skip


def _kind(base: str) -> str:
    return "amount" if tally_scale(base) == 100 else "exact"


def _sum_formulas(desk: Desk, entry: Indicator, level: str, i: int) -> tuple[str, str]:
    if not _is_live(desk, entry):
        return "", ""
    table = "parcels" if entry.table == "land" else "firms"
    return formulas.sums(entry, level, address(i + 1, _KEY), desk.names(table))


def _is_live(desk: Desk, entry: Indicator) -> bool:
    """Whether the book holds the rows of a figure: not those of leading industries, nor of firms made public."""
    public = desk.assessment.redaction is not None
    return entry.table != "industries" and not (public and of_firms(entry))


def _how(desk: Desk, entry: Indicator, *, withheld: bool) -> str:
    if withheld:
        return text("withheld", desk.language)
    return desk.word("live" if _is_live(desk, entry) else "written")


def _target_columns(
    desk: Desk, targets: Targets, table: pd.DataFrame, entries: list[Indicator], nth: int
) -> list[Column]:
    """Target, verdict, gap, what is lacking as a sum, and the source: for the nth target of each row."""
    asked: list[Target | None] = [one[nth] if len(one) > nth else None for one in table["targets"]]
    names = [
        targets.names[targets.key(entry.id, one)] if one else () for entry, one in zip(entries, asked, strict=True)
    ]
    first = _TARGETS_FROM + nth * _TARGET_COLUMNS
    words = (_word(desk, "met"), _word(desk, "unmet"), _word(desk, "unknown"))
    kinds = ["percent" if entry.percent else "ratio" for entry in entries]

    def each(make: Any, empty: object = None) -> list[Any]:  # noqa: ANN401
        return [make(i, one) if one else empty for i, one in enumerate(asked)]

    met = {True: words[0], False: words[1], None: words[2]}
    cell = [address(i + 1, _VALUE) for i in range(len(table))]
    verdicts = each(lambda i, one: formulas.verdict(compared(one), cell[i], names[i], words), "")
    gaps = each(lambda i, one: formulas.gap(compared(one), cell[i], names[i]), "")
    lacking = each(
        lambda i, _: _lacking(desk, entries[i], address(i + 1, first + 3), address(i + 1, _BELOW)), ("", "", 0)
    )
    amounts = each(lambda i, one: _lacking_value(entries[i], one["gap"], table["denominator"].iloc[i]))
    columns = [
        desk.column("indicators", "comparison", each(lambda _, one: _comparison(desk, one))),
        desk.column(
            "indicators", "target", each(lambda _, one: _first(one[compared(one)])), kinds,
            formula=lambda r: f"={names[r - 2][0]}" if names[r - 2] else "",
        ),
        desk.column("indicators", "met", each(lambda _, one: met[one["met"]]), formula=lambda r: verdicts[r - 2]),
        desk.column("indicators", "gap", each(lambda _, one: one["gap"]), kinds, formula=lambda r: gaps[r - 2]),
        desk.column("indicators", "lacking", amounts, "amount", formula=lambda r: lacking[r - 2][0]),
        desk.column("indicators", "lacking_unit", [one[1] for one in lacking]),
        desk.column("indicators", "clause", each(lambda _, one: source_line(desk, one))),
    ]  # fmt: skip
    return columns if nth == 0 else [_again(column, nth) for column in columns]


def _word(desk: Desk, verdict: str) -> str:
    return text(f"target.{verdict}", desk.language)


def _comparison(desk: Desk, target: Target) -> str:
    return text(f"comparison.{compared(target)}", desk.language)


def _first(asked: object) -> object:
    return asked[0] if isinstance(asked, (list, tuple)) else asked


def _again(column: Column, nth: int) -> Column:
    return replace(column, title=f"{column.title} {nth + 1}")


def _lacking(desk: Desk, entry: Indicator, gap: str, below: str) -> tuple[str, str, float]:
    """Formula of what the sum on top lacks, and its unit: 尚缺 1,240 亩."""
    over, under = _shown_units(entry)
    divisor = desk.factors.get((unit(under).base, under), "")
    amount = f"{below}/{divisor}" if divisor else below
    return f'=IF({gap}="","",MAX({gap},0)*{amount})', label(over, desk.language), 0.0


def _shown_units(entry: Indicator) -> tuple[str, str]:
    """Display units of what is lacking and of the sum below it."""
    if entry.unit != "1":
        over, under = entry.unit.split("/")
        return over, under
    shown = {"m2": "mu", "cny": "wcny"}.get(entry.numerator_unit, entry.numerator_unit)
    return shown, {"m2": "mu", "cny": "wcny"}.get(entry.denominator_unit, entry.denominator_unit)


def _lacking_value(entry: Indicator, gap: float | None, below: float) -> float | None:
    if gap is None:
        return None
    return max(gap, 0.0) * convert(float(below), entry.denominator_unit, _shown_units(entry)[1])


def _run_columns(desk: Desk, table: pd.DataFrame, entries: list[Indicator], first: int) -> list[Column]:
    """What the run counted, its own figure, and how far the workbook has been moved from it."""
    run = first + 3

    def change(row: int) -> str:
        now, then = address(row - 1, _VALUE), address(row - 1, run)
        return f'=IF(OR({now}="",{then}=""),"",ROUND({now}-{then},8))'

    values = table["value"]
    shown = ["percent" if entry.percent else "ratio" for entry in entries]
    unmoved = np.where(values.isna(), np.nan, 0.0)
    shut = table.get("suppressed", pd.Series(data=False, index=table.index))
    how = [_how(desk, entry, withheld=bool(one)) for entry, one in zip(entries, shut, strict=True)]
    return [
        desk.column("indicators", "count", table["count"], "int", role="faint"),
        desk.column("indicators", "missing", table["missing"], "int", role="faint", note=desk.word("note.missing")),
        desk.column("indicators", "guessed", table["estimated"], "int", role="faint", note=desk.word("note.estimated")),
        desk.column(
            "indicators", "run_value", values, shown, role="faint", note=desk.word("note.run_value")
        ),
        desk.column("indicators", "change", unmoved, "fine", role="faint", formula=change),
        desk.column("indicators", "how", how, role="faint"),
        desk.column("indicators", "id", table["id"].tolist(), role="faint"),
    ]  # fmt: skip
