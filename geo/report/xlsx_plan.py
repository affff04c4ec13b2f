"""The sheet of the plan: one row an act, and above them what all of them together cost and reach, live.

采用 says which acts are taken: set a 1 to 0, or another unit cost in 参数, and costs, land, both sums, the figure and
the verdict follow. Acts that are not taken are there too, filtered away, while they are not too many. A parcel is acted
on once; where two acts on it are taken, the row says so. Whether a park has room for them is not checked here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.labels import text
from geo.plan.planning import Reached
from geo.plan.words import ACT_WORDS
from geo.planned import Planned
from geo.report import formulas
from geo.report.workbook import address, plain_name
from geo.report.xlsx_desk import Desk
from geo.report.xlsx_indicators import Figures
from geo.report.xlsx_rows import Column
from layers.units import convert, from_tally, label

__all__ = ["ALL_OPTIONS", "write_plan"]

#: Above so many acts to choose from only those that are taken are written.
ALL_OPTIONS = 10_000

#: Rows above the table: today, what is taken, then, the figure, the target.
_NOW, _TAKEN, _THEN, _FIGURE, _TARGET = range(5)
_TOP = 5


def write_plan(desk: Desk, found: Planned, figures: Figures | None) -> None:
    """Write 方案."""
    sheet, order = desk.sheets["plan"], _order(found)
    columns = _columns(desk, found, order)
    _totals(desk, sheet, found, columns, figures)
    every = len(order) == len(found.options)
    # Where nothing is taken the acts to choose from are all there is to see.
    desk.book.table(
        sheet, columns, frozen=4, top=_TOP, shown="1" if every and found.options["taken"].any() else "",
    )  # fmt: skip
    sheet.repeat_rows(0, _TOP)
    rule = {"validate": "integer", "criteria": "between", "minimum": 0, "maximum": 1}
    sheet.data_validation(_TOP + 1, 0, _TOP + len(order), 0, rule)
    desk.book.mark(sheet, len(columns) - 1, _TOP + 1, _TOP + len(order), desk.word("twice"), "bad")


def _order(found: Planned) -> npt.NDArray[np.intp]:
    """Rows of the options, the largest parcels first, acts of one parcel together; only those taken if too many."""
    rows = found.options.assign(at=np.arange(len(found.options)))
    if len(rows) > ALL_OPTIONS:
        rows = rows[rows["taken"]]
    size = rows.groupby("parcel")["land_m2"].transform("max")
    ordered = rows.assign(size=size).sort_values(["size", "parcel", "at"], ascending=[False, True, True])
    return ordered["at"].to_numpy("intp")


# ---------------------------------------------------------------- the acts


def _columns(desk: Desk, found: Planned, order: npt.NDArray[np.intp]) -> list[Column]:
    rows = found.options.iloc[order]
    no_park = desk.word("no_place")
    land, floor = _measured(desk, found, order)
    columns = [
        desk.column("plan", "taken", rows["taken"].astype("int64").tolist(), "key", role="input",
                    note=desk.word("note.taken")),
        desk.column("plan", "parcel_id", rows["uid"].tolist()),
        desk.column("plan", "act", [ACT_WORDS[act].text(desk.language) for act in rows["action"]]),
        desk.column("plan", "receiving_park", rows["park_name"].astype("object").fillna(no_park).tolist()),
        desk.column("plan", "district_name", rows["district_name"].astype("object").fillna(no_park).tolist()),
        desk.column("plan", "land_area_m2", land, "amount", unit="m2"),
        desk.column("plan", "land_mu", convert(land, "m2", "mu"), "amount", unit="mu",
                    formula=f"=[land_area_m2]/{desk.mu}"),
        *_cost_columns(desk, found, rows, land, floor),
        *(column for place in range(len(found.plan.reached)) for column in _sums(desk, found, order, place)),
        desk.column("plan", "vacant_taken", rows["vacant_m2"], "amount", unit="m2"),
    ]  # fmt: skip
    if len(found.plan.year):
        columns.append(desk.column("plan", "year", [None if pd.isna(one) else int(one) for one in rows["year"]], "key"))
    return [*columns, _twice(desk, rows)]


def _measured(desk: Desk, found: Planned, order: npt.NDArray[np.intp]) -> tuple[pd.Series, pd.Series]:
    """Land and floor area a cost is of, as they were measured: the steps land is counted in would lose half a one."""
    site, table = found.plan.options.site, found.plan.options.table.iloc[order]
    parcel = table["parcel"].to_numpy("int64")
    ratio = desk.assessment.project.number("plan.relocation_land_ratio") or 1.0
    outside = 1 - site.inside[parcel]  # only that is annexed
    share = np.select([table["action"] == "relocate", table["action"] == "annex"], [ratio, outside], 1.0)
    land = site.area_m2[parcel] * share
    return pd.Series(land), pd.Series(site.floor_m2[parcel])


def _cost_columns(desk: Desk, found: Planned, rows: pd.DataFrame, land: pd.Series, floor: pd.Series) -> list[Column]:
    """Unit costs of each act, linked to 参数, and what the act costs."""
    costs = found.plan.options.costs
    acts = rows["action"].tolist()
    per_mu = [float(convert(costs[act].cny_per_m2, "cny/m2", "wcny/mu")) for act in acts]
    wcny = desk.factors["cny", "wcny"]
    formula = f"[land_area_m2]/{desk.mu}*[unit_cost]*{wcny}"
    told = [
        desk.column("plan", "unit_cost", per_mu, "exact", unit="wcny/mu",
                    formula=lambda row: f"={desk.cost(acts[row - _TOP - 2])}"),
    ]  # fmt: skip
    if any(cost.cny_per_floor_m2 for cost in costs.values()):
        per_floor = [costs[act].cny_per_floor_m2 for act in acts]
        told += [
            desk.column("plan", "floor_area_m2", floor, "amount", unit="m2"),
            desk.column("plan", "floor_cost", per_floor, "exact", unit="cny/m2",
                        formula=lambda row: f"={desk.cost(acts[row - _TOP - 2], floor=True)}"),
        ]  # fmt: skip
        formula += "+N([floor_area_m2])*[floor_cost]"
    cny = rows["cost_cny"].reset_index(drop=True)
    per_m2 = pd.Series([costs[act].cny_per_m2 for act in acts])
    per_floor_m2 = pd.Series([costs[act].cny_per_floor_m2 for act in acts])
    # A cost of something else than the land and floor of one parcel stands as a figure.
    live = bool(((per_m2 * land + per_floor_m2 * floor.fillna(0.0) - cny).abs() < 0.006).all())
    told += [
        desk.column("plan", "cost_cny", cny, "amount", unit="cny", formula=f"=ROUND({formula},2)" if live else None),
        desk.column("plan", "cost_wcny", convert(cny, "cny", "wcny"), "amount", unit="wcny",
                    formula=f"=[cost_cny]/{wcny}"),
    ]  # fmt: skip
    return told


def _sums(desk: Desk, found: Planned, order: npt.NDArray[np.intp], place: int) -> list[Column]:
    """What each act changes in both sums of a target."""
    entry, table = found.plan.reached[place].target.indicator, found.plan.options.table.iloc[order]
    told = []
    for side, unit in (("top", entry.numerator_unit), ("below", entry.denominator_unit)):
        values = from_tally(table[f"{side}_{place}"].to_numpy("int64"), unit)
        title = desk.word(f"change_{side}", title=entry.title(desk.language), unit=label(unit, desk.language))
        key = f"{side}_{place}"
        told.append(
            Column(key, title, values.tolist(), _kind(unit), name=plain_name(f"{desk.word('sheet.plan')}_{key}"))
        )
    return told


def _kind(unit: str) -> str:
    return "amount" if unit in ("m2", "cny") else "exact"


def _twice(desk: Desk, rows: pd.DataFrame) -> Column:
    """Say where two acts on one parcel are taken: acts of a parcel stand together, so each row asks its own few."""
    parcel = rows["parcel"].to_numpy("int64")
    starts = np.flatnonzero(np.append(True, parcel[1:] != parcel[:-1]))
    ends = np.append(starts[1:], len(parcel))
    own = np.repeat(np.arange(len(starts)), ends - starts)
    word = desk.word("twice")

    def formula(row: int) -> str:
        at = own[row - _TOP - 2]
        first, last = int(starts[at]) + _TOP + 2, int(ends[at]) + _TOP + 1
        return f'=IF(AND(A{row}=1,SUM(A{first}:A{last})>1),"{word}","")'

    return Column("twice", desk.word("column.twice"), [""] * len(parcel), formula=formula)


# ---------------------------------------------------------------- what they come to


def _totals(desk: Desk, sheet: Any, found: Planned, columns: list[Column], figures: Figures | None) -> None:  # noqa: ANN401
    """The rows above the table, each cell over the column it stands in."""
    at = {column.key: col for col, column in enumerate(columns)}
    for row, key in ((_NOW, "now"), (_TAKEN, "taken"), (_THEN, "then"), (_FIGURE, "figure"), (_TARGET, "target")):
        cells = _blank(len(columns)) | _label(desk, key)
        if row == _TAKEN:
            cells |= _taken_cells(desk, found, columns)
        for place, one in enumerate(found.plan.reached):
            cells |= _target_cells(desk, found, one, place, row, (at[f"top_{place}"], at[f"below_{place}"]), figures)
        _put(desk, sheet, row, cells)
    for place in range(len(found.plan.reached)):
        for word, look in (("unmet", "bad"), ("met", "good")):
            desk.book.mark(sheet, at[f"below_{place}"], _TARGET, _TARGET, text(f"target.{word}", desk.language), look)


Cells = dict[int, tuple[object, str, str]]  # column → value, formula or "", kind


def _blank(width: int) -> Cells:
    return dict.fromkeys(range(width), (None, "", "text"))


def _label(desk: Desk, key: str) -> Cells:
    return {1: (desk.word(f"total.{key}"), "", "text")}


def _put(desk: Desk, sheet: Any, row: int, cells: Cells) -> None:  # noqa: ANN401
    for col, (value, formula, kind) in sorted(cells.items()):
        if formula:
            desk.book.formula(sheet, row, col, formula, value, kind, "strong")
        else:
            desk.book.put(sheet, row, col, value, kind, "strong")


def _taken_cells(desk: Desk, found: Planned, columns: list[Column]) -> Cells:
    """How many acts are taken, and the sums of what they take and cost."""
    name, taken = desk.names("plan"), found.options[found.options["taken"]]
    land, cost = round(float(taken["land_m2"].sum()), 2), found.plan.cost_fen / 100
    worth = {
        "land_area_m2": land,
        "land_mu": convert(land, "m2", "mu"),
        "cost_cny": cost,
        "cost_wcny": convert(cost, "cny", "wcny"),
        "vacant_taken": round(float(taken["vacant_m2"].sum()), 2),
    }
    cells: Cells = {0: (len(taken), f"=SUM({name['taken']})", "int")}
    for col, column in enumerate(columns):
        if column.key in worth:
            cells[col] = (worth[column.key], f"=SUMIFS({name[column.key]},{name['taken']},1)", str(column.kind))
    return cells


def _target_cells(
    desk: Desk, found: Planned, one: Reached, place: int, row: int, cols: tuple[int, int], figures: Figures | None
) -> Cells:
    """The two cells of a target in one of the rows above the table."""
    target, change = one.target, found.plan.options.effects[place]
    entry, top, below = target.indicator, *cols
    if row in (_NOW, _TAKEN, _THEN):
        return {
            col: _sum_cell(desk, found, (place, side, unit), row, col, figures)
            for col, side, unit in ((top, "top", entry.numerator_unit), (below, "below", entry.denominator_unit))
        }
    kind = "percent" if entry.percent else "fine"
    if row == _FIGURE:
        return {
            col: (value, formulas.value(entry, address(at, top), address(at, below), desk.factors), kind)
            for col, at, value in ((top, _NOW, one.before), (below, _THEN, one.after))
        }
    met, unmet, unknown = (text(f"target.{word}", desk.language) for word in ("met", "unmet", "unknown"))
    goal, figure = desk.goal(place), address(_FIGURE, below)
    asked = formulas.verdict("at_least" if target.at_least else "at_most", figure, (goal,), (met, unmet, unknown))
    known = change.below.now > 0
    return {
        top: (target.figure, f"={goal}", kind),
        below: (met if one.met and known else unmet if known else unknown, asked, "text"),
    }


def _sum_cell(
    desk: Desk, found: Planned, of: tuple[int, str, str], row: int, col: int, figures: Figures | None
) -> tuple[object, str, str]:
    """One sum of a target: today, what the acts change, then."""
    place, side, unit = of
    change = getattr(found.plan.options.effects[place], side)
    moved = int(found.plan.acts[f"{side}_{place}"].sum())
    now, more, then = from_tally(np.array([change.now, moved, change.now + moved]), unit).tolist()
    name = plain_name(f"{desk.word('sheet.plan')}_{side}_{place}")
    if row == _NOW:
        return now, _link(found, place, side, figures), _kind(unit)
    if row == _TAKEN:
        taken = desk.name("plan", "taken")
        return more, f"={formulas.rounded(f'SUMIFS({name},{taken},1)', unit)}", _kind(unit)
    return then, f"={formulas.rounded(f'{address(_NOW, col)}+{address(_TAKEN, col)}', unit)}", _kind(unit)


def _link(found: Planned, place: int, side: str, figures: Figures | None) -> str:
    """The sum in the sheet of indicators, "" where it is not there."""
    target = found.plan.reached[place].target
    row = None if figures is None else figures.rows.get((target.indicator.id, target.level, target.key + 1))
    if figures is None or row is None:
        return ""
    return f"={address(row, figures.top_col if side == 'top' else figures.below_col, figures.sheet)}"
