"""The sheet of parks: the figures of each park in one row, zone by zone, and their sum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from geo.concentrations import industrial_by_park
from geo.report import formulas
from geo.report.workbook import Book, address
from geo.report.xlsx_desk import Desk
from geo.report.xlsx_indicators import Figures
from geo.report.xlsx_parameters import unit_of
from geo.report.xlsx_rows import Column, Formula
from layers.units import convert

__all__ = ["write_parks"]


def write_parks(desk: Desk, figures: Figures) -> None:
    """Write 园区: one row a park, zone by zone, and their sum."""
    land, found = desk.assessment.land, desk.assessment.candidates
    if land is None or land.parks is None:
        return
    sums = industrial_by_park(land)
    zone = pd.Series(pd.factorize(land.parks["zone_id"])[0])
    order = np.lexsort((np.arange(len(zone)), zone.to_numpy()))
    parks, sums, keys_ = land.parks.iloc[order], sums.iloc[order], order + 1
    columns = [
        desk.column("parks", "key", keys_, "key"),
        desk.column("parks", "park_id", parks["park_id"].tolist()),
        desk.column("parks", "park_name", parks["park_name"].tolist()),
        desk.column("parks", "zone_name", parks["zone_name"].tolist()),
        *(
            desk.column("parks", words, [desk.known(words, value) for value in parks[name].astype("object")])
            for name, words in (("role", "role"), ("level", "park_level"))
            if name in parks and parks[name].notna().any()
        ),
        *_park_sums(desk, sums),
        *_park_figures(desk, figures, keys_),
    ]
    summed = [i for i, column in enumerate(columns) if column.key in {"pieces", "land_mu", "industrial_mu"}]
    if found is not None:
        summed += [len(columns), len(columns) + 1]
        columns += _park_candidates(desk, found.table, parks["park_id"])
    desk.book.table(desk.sheets["parks"], columns, frozen=3)
    _total(desk.book, desk.sheets["parks"], desk.word("all_parks"), columns, summed)


def _park_sums(desk: Desk, sums: pd.DataFrame) -> list[Column]:
    names = desk.names("parcels")

    def land(*conditions: tuple[str, str]) -> Formula:
        return lambda row: (
            f"=ROUND({formulas.sumifs('land_area_m2', [('park', f'A{row}'), *conditions], names)},2)/{desk.mu}"
        )

    return [
        desk.column(
            "parks", "pieces", sums["parcels"], "int", formula=lambda row: f"=COUNTIFS({names['park']},A{row})"
        ),
        desk.column("parks", "land_mu", convert(sums["land_m2"], "m2", "mu"), "amount", unit="mu", formula=land()),
        desk.column(
            "parks", "industrial_mu", convert(sums["industrial_m2"], "m2", "mu"), "amount", unit="mu",
            formula=land(("industrial", "1")),
        ),
    ]  # fmt: skip


def _park_figures(desk: Desk, figures: Figures, keys_: np.ndarray) -> list[Column]:
    """The figures of each park, taken from 指标."""
    table = desk.assessment.indicators
    columns = []
    for entry in desk.entries:
        values = table.loc[(table["id"] == entry.id) & (table["level"] == "park"), "value"].to_numpy()
        if not len(values):
            continue
        shown = unit_of(desk, entry)
        title = entry.title(desk.language) + (f"（{shown}）" if shown else "")
        cells = [figures.value(entry.id, "park", int(key)) for key in keys_]
        columns.append(
            Column(
                entry.id, title, values[keys_ - 1], "percent" if entry.percent else "ratio",
                formula=_reference(cells), note=entry.definition(desk.language),
            )
        )  # fmt: skip
    return columns


def _reference(cells: list[str]) -> Formula:
    return lambda row: f"={cells[row - 2]}"


def _park_candidates(desk: Desk, listed: pd.DataFrame, parks: pd.Series) -> list[Column]:
    names, yes = desk.names("candidates"), desk.word("yes")
    by_park = listed.groupby("park")["area_m2"]
    count, area = by_park.size().reindex(parks, fill_value=0), by_park.sum().reindex(parks, fill_value=0.0)
    on = f'{names["candidate"]},"{yes}"'
    return [
        desk.column(
            "parks", "candidates", count, "int", formula=lambda row: f"=COUNTIFS({names['park']},A{row},{on})"
        ),
        desk.column(
            "parks", "candidates_mu", convert(area, "m2", "mu"), "amount", unit="mu",
            formula=lambda row: f"=SUMIFS({names['land_mu']},{names['park']},A{row},{on})",
        ),
    ]  # fmt: skip


def _total(book: Book, sheet: Any, word: str, columns: list[Column], summed: list[int]) -> None:  # noqa: ANN401
    """A row below the table that sums what may be summed."""
    n = len(columns[0].values)
    for col, column in enumerate(columns):
        if col in summed:
            cells = f"{address(1, col)}:{address(n, col)}"
            book.formula(sheet, n + 1, col, f"=SUM({cells})", float(sum(column.values)), str(column.kind), "strong")
        else:
            book.put(sheet, n + 1, col, word if col == 2 else "", role="strong")
