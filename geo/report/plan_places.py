"""Tables of the acts of a plan: by act, by year, by district, by receiving park, and the largest ones.

Sums by group over `Planned.acts`, in whole steps; shares are divided once, at the end. What lies in no district, or has
no receiving park, has a row of its own or is left out as the caption says, and totals hold all.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from geo.plan.words import ACT_WORDS, money_words
from geo.planned import Planned
from geo.report.cells import DASH, Desk, capital, count_text
from geo.report.parts import Cell, Column, Table
from layers.units import convert, label, to_tally

__all__ = ["by_act", "by_district", "by_park", "by_year", "largest"]

_SHOWN = 30


def by_act(desk: Desk, found: Planned) -> Table:
    """Acts of each kind: how many, on how much land, at what cost."""
    acts, whole = found.acts, found.plan.cost_fen
    groups = [(_act(desk, name), acts[acts["action"] == name]) for name in ACT_WORDS]
    rows = [_row(desk, name, rows, whole) for name, rows in groups if len(rows)]
    return Table(
        "plan-by-act",
        desk.say("tab_plan_by_act"),
        (*_columns(desk, desk.word("plan.act")), Column(desk.say("col_cost_share"), "right", 0.8)),
        (_row(desk, desk.say("total"), acts, whole), *rows),
        desk.line(desk.say("src_plan_costs_own" if not found.plan.options.placeholders else "src_plan_costs_none")),
        strong=1,
    )


def _columns(desk: Desk, first: str, *, fine: bool = False) -> tuple[Column, ...]:
    """Heads of `_row` but for the share; `fine`: the cost in 万元 without its unit, which stands in the head."""
    area = desk.area_columns(desk.say("col_area"))[0]
    return (
        Column(capital(first), wide=1.3),
        Column(desk.say("col_parcels"), "right"),
        area,
        _cost_column(desk) if fine else Column(desk.say("col_plan_cost"), "right", 1.1),
    )


def _cost_column(desk: Desk) -> Column:
    title, unit = desk.say("col_plan_cost"), label("wcny", desk.language)
    return Column(desk.pick(f"{title}（{unit}）", f"{title} ({unit})"), "right", 1.1)


def _act(desk: Desk, name: str) -> str:
    return capital(ACT_WORDS[name].text(desk.language))


def _fen(acts: pd.DataFrame) -> int:
    return int(to_tally(acts["cost_cny"].to_numpy("float64"), "cny").sum())


def _wcny(fen: int) -> str:
    return f"{convert(fen / 100, 'cny', 'wcny'):,.2f}"


def _land(acts: pd.DataFrame) -> float:
    return float(int(to_tally(acts["land_m2"].to_numpy("float64"), "m2").sum())) / 100


def _row(desk: Desk, name: str, acts: pd.DataFrame, whole: int, *, fine: bool = False) -> tuple[Cell, ...]:
    fen = _fen(acts)
    share = f"{fen / whole:.1%}" if whole else DASH
    return (
        Cell(name),
        Cell(count_text(len(acts))),
        desk.area_cells(_land(acts))[0],
        Cell(_wcny(fen) if fine else money_words(fen).text(desk.language)),
        Cell(share),
    )


def by_year(desk: Desk, found: Planned) -> Table | None:
    """What each year does and pays, beside its budget; None where the budget is not by year."""
    years = found.plan.posed.years
    if not len(found.plan.year):
        return None
    acts = found.acts
    rows = []
    for one in years:
        mine = acts[acts["year"] == one.year]
        budget = Cell(money_words(one.fen).text(desk.language))
        rows.append((*_row(desk, str(one.year), mine, 0)[:4], budget))
    total = sum(one.fen for one in years)
    last = Cell(money_words(total).text(desk.language))
    return Table(
        "plan-by-year",
        desk.say("tab_plan_by_year"),
        (*_columns(desk, desk.word("plan.year")), Column(capital(desk.word("plan.budget")), "right", 1.1)),
        ((*_row(desk, desk.say("total"), acts, 0)[:4], last), *rows),
        desk.line(desk.say("src_plan_by_year")),
        strong=1,
    )


def by_district(desk: Desk, found: Planned) -> Table | None:
    """Acts of each kind by district; None where there are no districts."""
    land = found.plan.options.land
    if land.districts is None:
        return None
    acts = found.acts
    kinds = [name for name in ACT_WORDS if (acts["action"] == name).any()]
    places = [(row, str(name)) for row, name in enumerate(land.districts["district_name"])]
    places.append((-1, desk.say("no_district")))
    rows = [
        _district_row(desk, name, acts[acts["district"] == row], kinds)
        for row, name in places
        if (acts["district"] == row).any()
    ]
    return Table(
        "plan-by-district",
        desk.say("tab_plan_by_district"),
        (
            *_columns(desk, desk.say("col_district"), fine=True),
            *(Column(desk.say("col_of_which", what=_act(desk, name)), "right", 0.9) for name in kinds),
        ),
        (_district_row(desk, desk.say("total"), acts, kinds), *rows),
        desk.line(desk.say("src_plan_by_district")),
        strong=1,
    )


def _district_row(desk: Desk, name: str, acts: pd.DataFrame, kinds: Sequence[str]) -> tuple[Cell, ...]:
    counts = [Cell(count_text(int((acts["action"] == kind).sum()))) for kind in kinds]
    return (*_row(desk, name, acts, 0, fine=True)[:4], *counts)


def by_park(desk: Desk, found: Planned) -> Table | None:
    """What each park receives, and how much of its vacant land that takes; None where nothing comes into any."""
    land, acts = found.plan.options.land, found.acts
    acts = acts[(acts["vacant_m2"] > 0) | (acts["action"] == "annex")]
    if land.parks is None or acts.empty:
        return None
    vacant = land.parks["vacant_land_m2"].astype("float64") if "vacant_land_m2" in land.parks else None
    rows = []
    for park in sorted(acts["park"].unique(), key=lambda row: (-_taken(acts[acts["park"] == row]), row)):
        there = None if vacant is None else float(vacant.iloc[int(park)])
        rows.append(_park_row(desk, str(land.parks["park_name"].iloc[int(park)]), acts[acts["park"] == park], there))
    return Table(
        "plan-by-park",
        desk.say("tab_plan_by_park"),
        (
            Column(desk.say("col_plan_park"), wide=1.6),
            Column(desk.say("col_comes"), "right", 0.8),
            desk.area_columns(desk.say("col_taken"))[0],
            desk.area_columns(desk.say("col_vacant"))[0],
            Column(desk.say("col_vacant_share"), "right", 0.8),
            Column(desk.say("col_joins"), "right", 0.8),
            desk.area_columns(desk.say("col_joins_area"))[0],
        ),
        tuple(rows),
        desk.line(desk.say("src_plan_by_park")),
    )


def _taken(acts: pd.DataFrame) -> float:
    return float(int(to_tally(acts["vacant_m2"].to_numpy("float64"), "m2").sum())) / 100


def _park_row(desk: Desk, name: str, acts: pd.DataFrame, vacant_m2: float | None) -> tuple[Cell, ...]:
    comes, joins = acts[acts["vacant_m2"] > 0], acts[acts["action"] == "annex"]
    taken = _taken(acts)
    known = vacant_m2 is not None and vacant_m2 > 0
    return (
        Cell(name),
        Cell(count_text(len(comes))),
        desk.area_cells(taken)[0],
        desk.area_cells(vacant_m2)[0],
        Cell(f"{taken / vacant_m2:.0%}" if known and vacant_m2 else DASH),
        Cell(count_text(len(joins))),
        desk.area_cells(_land(joins))[0],
    )


def largest(desk: Desk, found: Planned) -> Table:
    """The largest acts, one row each."""
    acts, by_years = found.acts, bool(len(found.plan.year))
    rows = []
    for number, row in enumerate(acts.head(_SHOWN).to_dict("records"), 1):
        cells = [
            Cell(str(number)), Cell(str(row["uid"])), Cell(_act(desk, row["action"])),
            Cell(DASH if pd.isna(row["district_name"]) else str(row["district_name"])),
            Cell(DASH if pd.isna(row["park_name"]) else str(row["park_name"])),
            desk.area_cells(row["land_m2"])[0],
            Cell(_wcny(round(row["cost_cny"] * 100))),
        ]  # fmt: skip
        rows.append((*cells, *([Cell(str(row["year"]))] if by_years else [])))
    heads = (("number", "right", 0.4), ("parcel", "left", 1.0), ("plan_act", "left", 1.0), ("district", "left", 0.8),
             ("plan_park", "left", 1.5))  # fmt: skip
    columns = [Column(desk.say(f"col_{head}"), align, wide) for head, align, wide in heads]
    columns += [desk.area_columns(desk.say("col_area"))[0], _cost_column(desk)]
    if by_years:
        columns.append(Column(capital(desk.word("plan.year")), "right", 0.5))
    return Table(
        "plan-list",
        desk.say("tab_plan_list", shown=len(rows)),
        tuple(columns),
        tuple(rows),
        desk.line(desk.say("src_plan_list", shown=len(rows), count=count_text(len(acts)))),
    )
