"""Chapters 集聚度, 强度, 效益: the figures, by city, district, zone and park.

Every table names both sums. The tables of concentration print them side by side, in 亩 and m², with the
land outside every zone as a row of its own, so that the rows add up to the city.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from geo.charts import Bars
from geo.indicators import Indicator, catalogue, indicator
from geo.report.cells import DASH, Desk, Record, count_text, plain_rows
from geo.report.parts import Block, Cell, Column, Figure, Paragraph, Section, Table
from layers.units import convert, label

__all__ = ["benefit", "concentration_chapter", "intensity_chapter"]

_LEVELS = ("district", "zone", "park")
_BARS_SHOWN = 20

_INTENSITY = (
    "plot_ratio",
    "industrial_plot_ratio",
    "building_density",
    "building_coefficient",
    "green_ratio",
    "admin_land_share",
)
_PER_LAND = ("tax_per_mu", "value_added_per_mu", "revenue_per_mu", "investment_per_mu", "rd_per_mu", "output_per_km2")
_EFFICIENCY = (
    "rd_share", "labour_productivity", "value_added_per_tce", "value_added_per_emission", "tax_per_electricity",
)  # fmt: skip
_INDUSTRY = ("leading_industry_share", "top3_industry_share", "high_tech_share")


# ---------------------------------------------------------------- concentration


def concentration_chapter(desk: Desk) -> Section | None:
    """Write the chapter on industrial land inside and outside the zones."""
    if desk.row("industrial_concentration") is None:
        return None
    tables = [_inside(desk, level) for level in _LEVELS]
    chart = _bars(desk, "industrial_concentration", "zone", "concentration-chart", desk.say("fig_concentration"))
    overlaps, checks = _overlaps(desk), _identities(desk)
    parts = (
        Section(
            "concentration-tables",
            desk.say("sec_concentration"),
            (Paragraph(_rule(desk)), *([chart] if chart else []), *(table for table in tables if table)),
        ),
        Section("overlaps", desk.say("sec_overlaps"), overlaps),
        Section("identities", desk.say("sec_identities"), (Paragraph(desk.say("identities_lead")), checks)),
    )
    return Section("concentration", desk.say("ch_concentration"), sections=parts)


def _rule(desk: Desk) -> str:
    rule = desk.assessment.project.text("project.overlap") or "error"
    return desk.say("concentration_rule", rule=desk.word(f"overlap.{rule}"))


def _inside(desk: Desk, level: str) -> Table | None:
    entry = indicator("industrial_concentration")
    rows, city = desk.rows([entry.id], level).to_dict("records"), desk.row(entry.id)
    if not rows or city is None:
        return None
    of_park = _zones_of_parks(desk) if level == "park" else {}
    body = [
        _inside_row(desk, str(row["scope_name"]), row["numerator"], row["denominator"], row["count"],
                    desk.figure(entry, row), of_park.get(row["scope_id"]))
        for row in rows
    ]  # fmt: skip
    top = _inside_row(desk, desk.city, city["numerator"], city["denominator"], city["count"], desk.figure(entry, city),
                      DASH if of_park else None)  # fmt: skip
    outside = city["denominator"] - city["numerator"]
    rest = Cell(f"{outside / city['denominator']:.2%}" if city["denominator"] else DASH)
    last = _inside_row(desk, desk.say("outside"), outside, city["denominator"], None, rest, DASH if of_park else None)
    ordered = [body[i] for i in np.argsort([-row["numerator"] for row in rows], kind="stable")]
    return Table(
        f"concentration-{level}",
        desk.say(f"tab_concentration_{level}"),
        _inside_columns(desk, level),
        (top, *ordered, last),
        desk.source([entry.id], desk.say("src_concentration")),
        strong=1,
    )


def _inside_columns(desk: Desk, level: str) -> tuple[Column, ...]:
    zone = (Column(desk.word("level.zone"), wide=1.2),) if level == "park" else ()
    return (
        *zone,
        Column(desk.word(f"level.{level}"), wide=1.4),
        *desk.area_columns(desk.say("col_industrial_inside")),
        *desk.area_columns(desk.say("col_industrial_city")),
        Column(desk.say("col_share_of_city"), "right", 0.8),
        Column(desk.say("col_parcels"), "right", 0.6),
    )


def _inside_row(
    desk: Desk, name: str, inside: float, total: float, count: int | None, share: Cell, zone: str | None
) -> tuple[Cell, ...]:
    return (
        *(() if zone is None else (Cell(zone),)),
        Cell(name),
        *desk.area_cells(inside),
        *desk.area_cells(total),
        share,
        Cell(DASH if count is None else count_text(count)),
    )


def _zones_of_parks(desk: Desk) -> dict[str, str]:
    land = desk.assessment.land
    if land is None or land.parks is None:
        return {}
    return dict(zip(land.parks["park_id"].astype(str), land.parks["zone_name"].astype(str), strict=True))


def _overlaps(desk: Desk) -> tuple[Block, ...]:
    pairs = desk.assessment.overlaps
    if pairs.empty:
        return (Paragraph(desk.say("overlaps_none")),)
    tolerance = desk.assessment.project.number("project.overlap_tolerance_m2") or 0.0
    shown = pairs.sort_values("area_m2", ascending=False, kind="stable")
    rows = [
        (
            Cell(str(row["name_a"])),
            Cell(str(row["name_b"])),
            *desk.area_cells(row["area_m2"]),
            Cell(f"{convert(row['wide_m2'], 'm2', 'mu'):,.2f}"),
            Cell(desk.say("overlap_counts" if row["wide_m2"] > tolerance else "overlap_touches")),
        )
        for row in shown.to_dict("records")
    ]
    return (
        Paragraph(
            desk.say(
                "overlaps_lead",
                count=count_text(int((pairs["wide_m2"] > tolerance).sum())),
                pairs=count_text(len(pairs)),
                tolerance=f"{tolerance:g}",
            )
        ),
        Table(
            "overlap-matrix",
            desk.say("tab_overlaps"),
            (
                Column(desk.say("col_park_a"), wide=1.4),
                Column(desk.say("col_park_b"), wide=1.4),
                *desk.area_columns(desk.say("col_common")),
                Column(desk.say("col_width"), "right"),
                Column(desk.say("col_counts")),
            ),
            tuple(rows),
            desk.line(desk.say("src_overlaps")),
        ),
    )


def _identities(desk: Desk) -> Table:
    rows: list[tuple[str | Cell, ...]] = [
        (
            str(desk.pick(row["name_zh"], row["name"])),
            *(f"{row[side]:,.2f}" for side in ("left", "right", "difference")),
            Cell(desk.say("holds" if row["holds"] else "holds_not"), tone="good" if row["holds"] else "bad"),
        )
        for row in desk.assessment.identities.to_dict("records")
    ]
    unit = label("m2", desk.language)
    heads = [Column(desk.pick(f"{desk.say(f'col_{side}')}（{unit}）", f"{desk.say(f'col_{side}')} ({unit})"), "right")
             for side in ("left", "right", "difference")]  # fmt: skip
    return Table(
        "identity-table",
        desk.say("tab_identities"),
        (Column(desk.say("col_identity"), wide=2.2), *heads, Column(desk.say("col_holds"), wide=0.6)),
        plain_rows(rows),
        desk.line(desk.say("src_identities")),
    )


# ---------------------------------------------------------------- intensity, benefit


def intensity_chapter(desk: Desk) -> Section | None:
    """Write the chapter on how densely the land is built."""
    chart = _bars(desk, "industrial_plot_ratio", "zone", "plot-ratio-chart", desk.say("fig_plot_ratio"))
    return _chapter(desk, "intensity", (("intensity", _INTENSITY),), [chart], desk.say("intensity_lead"))


def benefit(desk: Desk) -> Section | None:
    """Write the chapter on what the land yields."""
    groups = (("per_land", _PER_LAND), ("efficiency", _EFFICIENCY), ("industry", _INDUSTRY))
    chart = _bars(desk, "tax_per_mu", "zone", "tax-chart", desk.say("fig_tax"))
    return _chapter(desk, "benefit", groups, [chart], desk.say("benefit_lead"))


def _chapter(
    desk: Desk, key: str, groups: Sequence[tuple[str, Sequence[str]]], charts: Sequence[Figure | None], lead: str
) -> Section | None:
    sections: list[Section] = []
    for group, ids in groups:
        tables = [
            _city(desk, ids, group),
            *(
                desk.by_place(
                    ids, level, f"{group}-{level}", desk.say(f"tab_{group}", level=desk.word(f"level.{level}"))
                )
                for level in _LEVELS
            ),
        ]
        blocks: list[Block] = [table for table in tables if table is not None]
        if blocks and not sections:
            blocks[1:1] = [chart for chart in charts if chart is not None]
        if blocks:
            sections.append(Section(f"{key}-{group}", desk.say(f"sec_{group}"), tuple(blocks)))
    if not sections:
        return None
    told = (Paragraph(lead),)
    if len(sections) == 1:
        return Section(key, desk.say(f"ch_{key}"), (*told, *sections[0].blocks))
    return Section(key, desk.say(f"ch_{key}"), told, tuple(sections))


def _city(desk: Desk, ids: Sequence[str], group: str) -> Table | None:
    """The city's figures, one a row, with both sums spelled out; also of all zones where a clause binds those."""
    table = desk.rows(ids, "city")
    have = table.loc[table["value"].notna(), "id"].tolist()
    if not have:
        return None
    rows = []
    for entry, row in _wholes(desk, have):
        rows.append(
            (
                Cell(desk.whole_title(entry, row)),
                desk.figure(entry, row, with_unit=True),
                Cell(desk.amount(row["numerator"], entry.numerator_unit)),
                Cell(desk.amount(row["denominator"], entry.denominator_unit)),
                Cell(count_text(row["count"])),
                Cell(count_text(row["missing"])),
                Cell(desk.join([desk.target(entry, one) for one in row["targets"] if one["binding"]]) or DASH),
            )
        )
    heads = (("indicator", "left", 1.2), ("value", "right", 0.9), ("top", "right", 1.5), ("below", "right", 1.5),
             ("known", "right", 0.6), ("lacking", "right", 0.6), ("target", "left", 0.9))  # fmt: skip
    return Table(
        f"{group}-city",
        desk.say(f"tab_{group}_city", city=desk.city),
        tuple(Column(desk.say(f"col_{title}"), align, wide) for title, align, wide in heads),
        tuple(rows),
        desk.source(have),
    )


def _wholes(desk: Desk, ids: Sequence[str]) -> list[tuple[Indicator, Record]]:
    """The city's row of each indicator, and after it the row of all zones where that one is judged."""
    found = []
    for name in ids:
        rows = [desk.row(name), desk.judged(name)]
        kept = [row for at, row in enumerate(rows) if row is not None and (at == 0 or row["level"] != "city")]
        found += [(indicator(name), row) for row in kept]
    return found


def _bars(desk: Desk, name: str, level: str, key: str, caption: str) -> Figure | None:
    """The places of one level by one indicator, largest first, with the city or the target as the line."""
    entry = catalogue()[name]
    table = desk.rows([name], level)
    table = table[table["value"].notna()].sort_values("value", ascending=False, kind="stable").head(_BARS_SHOWN)
    city = desk.judged(name)
    if table.empty or city is None:
        return None
    limit, told, named = None, "", ""
    if entry.denominator_of != "city":
        target = next((one for one in city["targets"] if "at_least" in one), None)
        limit = float(target["at_least"]) if target else float(city["value"])
        named = desk.say("target_word") if target else desk.city
        told = f"{named} {desk.value(entry, limit, with_unit=True)}"
    bars = Bars(
        names=tuple(str(one) for one in table["scope_name"]),
        values=tuple(float(one) for one in table["value"]),
        texts=tuple(desk.value(entry, float(one)) for one in table["value"]),
        unit="" if entry.unit == "1" else label(entry.unit, desk.language),
        limit=limit,
        limit_text=told,
        limit_name=named,
        percent=entry.percent,
    )
    more = desk.say("bars_first", count=_BARS_SHOWN) if len(desk.rows([name], level)) > _BARS_SHOWN else ""
    return Figure(key, caption, bars, desk.source([name], more, brief=True))
