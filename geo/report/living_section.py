"""Section 15 分钟生活圈: services within a walk of each zone and park, and jobs beside homes.

Writes what `geo.composition.living` found, with the assumptions it rests on in the first line.
"""

from __future__ import annotations

from geo.composition.living import LivingCircle
from geo.report.cells import DASH, Desk, Record, count_text, plain_rows, unknown
from geo.report.parts import Block, Cell, Column, Paragraph, Section, Table

__all__ = ["living_section"]

#: So many classes of services are told beside each other, those with most facilities.
_KINDS = 8


def living_section(desk: Desk, found: LivingCircle) -> Section:
    """Write the section."""
    walk = found.walk
    words = desk.say(
        "living_how",
        minutes=f"{walk.minutes:g}", speed=f"{walk.speed_m_per_min:g}", detour=f"{walk.detour:g}",
        straight=f"{walk.straight_m:,.0f}",
    )  # fmt: skip
    blocks: list[Block] = [Paragraph(words, "note")]
    lost = {name: count for name, count in found.without_place.items() if count}
    if lost:
        named = desk.join([f"{desk.say(f'layer_{name}')} {count_text(count)}" for name, count in lost.items()])
        blocks.append(Paragraph(desk.say("living_lost", layers=named), "warning"))
    if len(found.services):
        blocks += [_services(desk, found, level) for level in ("zone", "park")]
    if len(found.homes):
        blocks += [_homes(desk, found, level) for level in ("zone", "park")]
    return Section("living-circle", desk.say("sec_living", minutes=f"{walk.minutes:g}"), tuple(blocks))


def _services(desk: Desk, found: LivingCircle, level: str) -> Table:
    """Share of the land of each place within a walk of each class; the jobs stand in the note."""
    kinds = sorted(found.kinds, key=lambda kind: (-found.kinds[kind], kind))[:_KINDS]
    rows = found.services[found.services["level"] == level]
    cells = {(row["scope_id"], row["kind"]): _share(desk, row) for row in rows.to_dict("records")}
    body: list[list[str | Cell]] = [
        [str(name), *(cells[scope, kind] for kind in kinds)]
        for scope, name in rows.drop_duplicates("scope_id")[["scope_id", "scope_name"]].itertuples(index=False)
    ]
    heads = [Column(desk.word(f"level.{level}"), wide=1.5)]
    heads += [Column(_kind(desk, kind), "right") for kind in kinds]
    source = desk.say("src_services", kinds=count_text(len(found.kinds)), shown=count_text(len(kinds)))
    caption = desk.say("tab_services", level=desk.word(f"level.{level}").lower())
    return Table(f"living-services-{level}", caption, tuple(heads), plain_rows(body), desk.line(source))


def _kind(desk: Desk, kind: str) -> str:
    return kind or desk.say("kind_unknown")


def _share(desk: Desk, row: Record) -> Cell:
    note = f"{desk.amount(row['reached_m2'], 'm2')} ÷ {desk.amount(row['area_m2'], 'm2')}"
    if not unknown(row["jobs_share"]):
        note += desk.say("jobs_reached", share=f"{row['jobs_share']:.2%}", jobs=f"{row['jobs']:,.0f}")
    return Cell(DASH if unknown(row["area_share"]) else f"{row['area_share']:.2%}", note)


def _homes(desk: Desk, found: LivingCircle, level: str) -> Table:
    rows = found.homes[found.homes["level"] == level].to_dict("records")
    body: list[list[str | Cell]] = [
        [
            str(row["scope_name"]),
            *(_count(row[name]) for name in ("jobs", "firms_untold", "homes", "persons")),
            DASH if unknown(row["jobs_per_home"]) else f"{row['jobs_per_home']:.2f}",
            count_text(row["estates"]),
            count_text(row["untold"]),
        ]
        for row in rows
    ]
    names = ("jobs", "firms_untold", "homes", "persons", "jobs_per_home", "estates", "untold")
    heads = [Column(desk.word(f"level.{level}"), wide=1.5), *(Column(desk.say(f"col_{one}"), "right") for one in names)]
    caption = desk.say("tab_homes", level=desk.word(f"level.{level}").lower())
    source = desk.line(desk.say("src_homes"), area=False)
    return Table(f"living-homes-{level}", caption, tuple(heads), plain_rows(body), source)


def _count(number: float) -> str:
    return DASH if unknown(number) else f"{number:,.0f}"
