"""Chapter 数据质量: the ledger, the findings, how firms found their land, what is not known.

The ledger's rule is rows read = rows used + rows set aside, each with its reason; the table prints
whether it holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from geo.indicators import catalogue
from geo.labels import text
from geo.report.cells import DASH, Desk, Record, count_text, plain_rows
from geo.report.parts import Cell, Column, Paragraph, Section, Table
from geo.report.provenance import column_name, layer_name
from geo.telling.checks import checks_lines
from layers.findings import codes, summarise
from layers.units import convert, label

__all__ = ["quality"]


def quality(desk: Desk) -> Section:
    """Write the chapter."""
    ledger, firms = _ledger(desk), _match(desk)
    parts = (
        None if ledger is None else Section("ledger", desk.say("sec_ledger"), (ledger, *_unplaced(desk))),
        Section("findings", desk.say("sec_findings"), _findings(desk)),
        None if firms is None else Section("firms", desk.say("sec_match"), (firms,)),
        Section("missing", desk.say("sec_missing"), tuple(t for t in (_missing(desk), _absent(desk)) if t)),
    )
    return Section("quality", desk.say("ch_quality"), sections=tuple(part for part in parts if part is not None))


def _ledger(desk: Desk) -> Table | None:
    if not desk.assessment.ledger:
        return None
    rows = [_book(desk, name, entry) for name, entry in desk.assessment.ledger.items()]
    areas = [desk.area_columns(desk.say(f"col_area_{which}"))[0] for which in ("read", "used")]
    return Table(
        "ledger",
        desk.say("tab_ledger"),
        (
            Column(desk.say("col_layer"), wide=0.8),
            *(Column(desk.say(f"col_{title}"), "right", 0.8) for title in ("read", "used", "aside")),
            *areas,
            Column(desk.say("col_balance"), wide=0.7),
            Column(desk.say("col_reasons"), wide=2.4),
        ),
        plain_rows(rows),
        desk.line(desk.say("src_ledger"), area=False),
    )


def _book(desk: Desk, name: str, entry: Mapping[str, Any]) -> list[str | Cell]:
    read, used = int(entry.get("read", 0)), int(entry.get("used", 0))
    aside = list(entry.get("set_aside") or [])
    count = sum(int(one.get("count", 0)) for one in aside)
    holds = read == used + count
    return [
        layer_name(desk, name),
        count_text(read),
        count_text(used),
        count_text(count),
        _area(desk, entry.get("area_read_m2")),
        _area(desk, entry.get("area_used_m2")),
        Cell(desk.say("holds" if holds else "holds_not"), tone="good" if holds else "bad"),
        desk.pick("；", "; ").join(_reason(desk, one) for one in aside) or DASH,
    ]


def _area(desk: Desk, area_m2: float | None) -> str:
    return desk.area_cells(area_m2)[0].text


def _reason(desk: Desk, entry: Mapping[str, Any]) -> str:
    known = codes().get(str(entry.get("reason")))
    title = str(entry.get("reason")) if known is None else known.title[desk.language]
    area = entry.get("area_m2")
    more = [] if area is None or pd.isna(area) else [desk.mu(float(area))]
    more += [_short(str(one)) for one in list(entry.get("ids") or [])[:3]]
    told = desk.pick(f"（{desk.join(more)}）", f" ({desk.join(more)})") if more else ""
    return f"{title} × {count_text(entry.get('count', 0))}{told}"


def _unplaced(desk: Desk) -> tuple[Paragraph, ...]:
    land = desk.assessment.land
    if land is None or not land.unplaced.get("buildings"):
        return ()
    told = desk.say(
        "unplaced",
        count=count_text(land.unplaced["buildings"]),
        area=desk.amount(land.unplaced["footprint_m2"], "m2"),
    )
    return (Paragraph(told, "note"),)


def _findings(desk: Desk) -> tuple[Paragraph | Table, ...]:
    found, every = desk.assessment.findings, desk.assessment.checks == "all"
    scope = tuple(Paragraph(line, "note") for line in checks_lines(desk.assessment.checks, desk.language))
    if found.empty:
        return (*scope, Paragraph(desk.say("findings_none") if every else desk.word("checks.none")))
    told = summarise(found, desk.language)
    counts = found["severity"].value_counts()
    told_of = {name: count_text(counts.get(name, 0)) for name in ("error", "warning", "note")}
    lead = text("report.findings_lead" if every else "checks.lead", desk.language, **told_of)
    rows = [
        [
            Cell(desk.word(f"severity.{row['severity']}"), tone="bad" if row["severity"] == "error" else ""),
            layer_name(desk, row["layer"]),
            _told(desk, row),
            count_text(row["count"]),
            desk.join([_short(one) for one in row["first_ids"][:3]]) or DASH,
            row["remedy"],
        ]
        for row in told.to_dict("records")
    ]
    heads = (("severity", 0.6), ("layer", 0.7), ("finding", 2.0), ("count", 0.6), ("examples", 1.3), ("remedy", 2.2))
    table = Table(
        "findings-summary",
        desk.say("tab_findings"),
        tuple(Column(desk.say(f"col_{title}"), "right" if title == "count" else "left", wide) for title, wide in heads),
        plain_rows(rows),
        desk.line(desk.say("src_findings"), area=False),
    )
    return (*scope, Paragraph(lead), table)


def _told(desk: Desk, row: Record) -> str:
    """Title and code of a finding, and the column it is about."""
    column = "" if row["column"] in {"", "geometry"} else column_name(desk, row["layer"], row["column"])
    about = desk.pick(f"：{column}", f": {column}") if column else ""
    return f"{row['title']}{about} [{row['code']}]"


def _short(text: str, most: int = 24) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _match(desk: Desk) -> Table | None:
    firms = desk.assessment.firms
    if firms is None:
        return None
    table = firms.match_table
    total, tax = int(table["firms"].sum()), float(table["tax_cny"].sum())
    rows = [
        (desk.word(f"match.{row['way']}"), *_counted(row["firms"], total, row["tax_cny"], tax))
        for row in table.to_dict("records")
    ]
    unit = label("wcny", desk.language)
    return Table(
        "match",
        desk.say("tab_match"),
        (
            Column(desk.say("col_way"), wide=1.8),
            Column(desk.say("col_firms"), "right"),
            Column(desk.say("col_share"), "right"),
            Column(desk.pick(f"税收（{unit}）", f"tax ({unit})"), "right"),
            Column(desk.say("col_tax_share"), "right"),
        ),
        plain_rows([(desk.say("total"), *_counted(total, total, tax, tax)), *rows]),
        desk.line(desk.say("src_match")),
        strong=1,
    )


def _counted(firms: int, total: int, tax: float, taxes: float) -> tuple[str, str, str, str]:
    return (
        count_text(firms),
        f"{firms / total:.2%}" if total else DASH,
        f"{convert(float(tax), 'cny', 'wcny'):,.2f}",
        f"{tax / taxes:.2%}" if taxes else DASH,
    )


def _missing(desk: Desk) -> Table | None:
    table = desk.rows(list(catalogue()), "city")
    if table.empty:
        return None
    rows: list[list[str | Cell]] = [
        [
            Cell(catalogue()[row["id"]].title(desk.language), ref=row["id"]),
            desk.say("firms_word" if catalogue()[row["id"]].table != "land" else "parcels_word"),
            count_text(row["count"]),
            count_text(row["missing"]),
            _part(row["missing"], row["count"] + row["missing"]),
            count_text(row["estimated"]),
        ]
        for row in table.to_dict("records")
    ]
    heads = (
        ("indicator", 1.8),
        ("counted_in", 0.8),
        ("known", 0.8),
        ("lacking", 0.8),
        ("lacking_share", 0.9),
        ("estimated", 0.8),
    )
    return Table(
        "missing-counts",
        desk.say("tab_missing"),
        tuple(
            Column(desk.say(f"col_{t}"), "left" if t in {"indicator", "counted_in"} else "right", w) for t, w in heads
        ),
        plain_rows(rows),
        desk.line(desk.say("src_missing"), area=False),
    )


def _part(part: int, whole: int) -> str:
    return f"{part / whole:.2%}" if whole else DASH


def _absent(desk: Desk) -> Table | None:
    rows = [
        (catalogue()[name].title(desk.language), desk.pick(why[1], why[0]))
        for name, why in desk.assessment.not_computed.items()
    ]
    if not rows:
        return None
    return Table(
        "not-computed",
        desk.say("tab_absent"),
        (Column(desk.say("col_indicator")), Column(desk.say("col_why"), wide=2.2)),
        plain_rows(rows),
        desk.line(desk.say("src_absent"), area=False),
    )
