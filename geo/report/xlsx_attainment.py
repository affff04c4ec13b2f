"""The sheet of targets reached: zones by indicators, each beside its peers, and a radar for every zone.

What is reached follows the figures of 指标 and the targets of 参数; the mean of the peers follows what they reach.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from geo.attainments import SPARED, Attainment
from geo.charts.attained import CORNERS
from geo.charts.radar import rim_for
from geo.indicators import catalogue
from geo.labels import text
from geo.report.workbook import address
from geo.report.xlsx_desk import Desk
from geo.report.xlsx_indicators import Figures
from geo.report.xlsx_parameters import Targets
from geo.report.xlsx_rows import Column

__all__ = ["write_attainment"]

_FIRST = 2  # columns before those of the indicators: zone, peers
_A_LINE, _WIDTH, _HEIGHT, _ROWS = 3, 460, 360, 18


def write_attainment(desk: Desk, found: Attainment, targets: Targets, figures: Figures) -> None:
    """Write 目标达成: one row a zone, and below a radar of each."""
    table, sheet = found.table, desk.sheets["attainment"]
    zones = table.drop_duplicates("scope_id")
    names = sorted(table["indicator"].drop_duplicates(), key=list(catalogue()).index)
    columns = [
        desk.column("attainment", "zone_name", zones["scope_name"].tolist()),
        desk.column("attainment", "peers", [_group(desk, group) for group in zones["peer_group"]]),
        *(_own(desk, table[table["indicator"] == name], zones, targets, figures) for name in names),
        *(_peers(desk, table[table["indicator"] == name], zones, _FIRST + at) for at, name in enumerate(names)),
    ]
    desk.book.table(sheet, columns, frozen=_FIRST)
    _verdicts(desk, sheet, table, zones["scope_id"].tolist(), names)
    known = table.groupby("scope_id", sort=False)["attainment"].count()
    highest = table.groupby("scope_id", sort=False)[["attainment", "peer_mean"]].max().max(axis=1)
    _radars(desk, sheet, known.set_axis(zones["scope_name"]), len(names), [rim_for([one]) for one in highest])


def _verdicts(desk: Desk, sheet: Any, table: pd.DataFrame, zones: list[str], names: list[str]) -> None:  # noqa: ANN401
    """Colour what a clause that binds zones judges; a target for comparison passes no verdict."""
    for row in table[table["binding"].astype(bool) & table["met"].notna()].to_dict("records"):
        at = zones.index(row["scope_id"]) + 1
        desk.book.compare(sheet, _FIRST + names.index(row["indicator"]), at, at, 1.0)


def _group(desk: Desk, group: str) -> str:
    return text("attainment.group_all" if group == "all" else f"park_level.{group}", desk.language)


def _own(desk: Desk, rows: pd.DataFrame, zones: pd.DataFrame, targets: Targets, figures: Figures) -> Column:
    """What each zone reaches of its target on one indicator."""
    name = rows["indicator"].iloc[0]
    asked = {row["scope_id"]: _reached(desk, row, targets, figures) for row in rows.to_dict("records")}
    formulas = [asked.get(zone, "") for zone in zones["scope_id"]]
    title, note = catalogue()[name].title(desk.language), desk.word("note.attainment")
    values = _values(rows, "attainment", zones)
    return Column(name, title, values, "percent", formula=lambda row: formulas[row - 2], note=note)


def _peers(desk: Desk, rows: pd.DataFrame, zones: pd.DataFrame, col: int) -> Column:
    """What the peers of each zone reach on average, from the column `col`."""
    name, last, groups = rows["indicator"].iloc[0], len(zones), zones["peer_group"].tolist()
    title, note = desk.word("peers_of", title=catalogue()[name].title(desk.language)), desk.word("note.peers")
    return Column(
        f"{name}_peers", title, _values(rows, "peer_mean", zones), "percent", role="faint", note=note,
        formula=lambda row: _mean(row, col, last, everybody=groups[row - 2] == "all"),
    )  # fmt: skip


def _values(rows: pd.DataFrame, column: str, zones: pd.DataFrame) -> list[float | None]:
    found = rows.set_index("scope_id")[column].reindex(zones["scope_id"])
    return [None if pd.isna(value) else float(value) for value in found]


def _reached(desk: Desk, row: Mapping[Hashable, Any], targets: Targets, figures: Figures) -> str:
    """Return the formula of what is reached of a target."""
    asked = {"policy": row["policy"], "clause": row["clause"], row["comparison"]: row["target"]}
    ends = targets.names[targets.key(row["indicator"], asked)]
    at = figures.value(row["indicator"], "zone", _place(desk, row))
    low, high = ends[0], ends[-1]
    over, under = f"IF({low}>0,MAX({at},0)/{low},1)", f"IF({at}>0,{high}/{at},1)"
    spared = f"IF({low}>0,IF({at}>0,MIN({low}/{at},{SPARED:g}),{SPARED:g}),{under})"
    within = f"IF({at}<{low},{over},IF({at}>{high},{under},1))"
    shares = {"at_most": spared, "between": within, "equals": within}
    return f'=IF({at}="","",{shares.get(row["comparison"], over)})'


def _place(desk: Desk, row: Mapping[Hashable, Any]) -> int:
    """Return the number of a zone among those of its indicator, from 1."""
    table = desk.assessment.indicators
    ids = table.loc[(table["id"] == row["indicator"]) & (table["level"] == "zone"), "scope_id"].tolist()
    return int(ids.index(row["scope_id"])) + 1


def _mean(row: int, col: int, last: int, everybody: bool) -> str:
    """Return the formula of the mean of the peers: those of the same word in the second column, without the zone."""
    cells, own = f"{_fixed(1, col)}:{_fixed(last, col)}", address(row - 1, col)
    words, word = f"{_fixed(1, 1)}:{_fixed(last, 1)}", address(row - 1, 1)
    total = f"SUM({cells})" if everybody else f"SUMIFS({cells},{words},{word})"
    count = f"COUNT({cells})" if everybody else f'COUNTIFS({cells},">=0",{words},{word})'
    return f'=IFERROR(({total}-N({own}))/({count}-ISNUMBER({own})),"")'


def _fixed(row: int, col: int) -> str:
    letters = address(row, col)
    head = letters.rstrip("0123456789")
    return f"${head}${letters[len(head) :]}"


def _radars(desk: Desk, sheet: Any, zones: pd.Series, count: int, rims: Sequence[float]) -> None:  # noqa: ANN401
    """Draw each zone with figures enough (name → how many) below the table, from its row and that of its peers."""
    heads = (0, _FIRST, 0, _FIRST + count - 1)
    drawn = [(row, zone) for row, (zone, known) in enumerate(zones.items(), 1) if known >= CORNERS]
    for at, (row, zone) in enumerate(drawn):
        desk.book.radar(
            sheet,
            (len(zones) + 2 + at // _A_LINE * _ROWS, at % _A_LINE * (_WIDTH + 10)),
            (_WIDTH, _HEIGHT),
            str(zone),
            heads,
            [
                (str(zone), (row, _FIRST, row, _FIRST + count - 1), "own"),
                (desk.word("peers_mean"), (row, _FIRST + count, row, _FIRST + 2 * count - 1), "peers"),
            ],
            rims[row - 1],
        )
