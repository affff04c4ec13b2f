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
#: Why roads are no part of the network.
_LEFT_OUT = ("not_walkable", "without_length", "far")


def living_section(desk: Desk, found: LivingCircle) -> Section:
    """Write the section."""
    blocks: list[Block] = [Paragraph(_how(desk, found), "note"), *_roads(desk, found)]
    lost = {name: count for name, count in found.without_place.items() if count}
    if lost:
        named = desk.join([f"{desk.say(f'layer_{name}')} {count_text(count)}" for name, count in lost.items()])
        blocks.append(Paragraph(desk.say("living_lost", layers=named), "warning"))
    if len(found.services):
        blocks += [_services(desk, found, level) for level in ("zone", "park")]
    if len(found.homes):
        blocks += [_homes(desk, found, level) for level in ("zone", "park")]
    return Section("living-circle", desk.say("sec_living", minutes=f"{found.walk.minutes:g}"), tuple(blocks))


def _how(desk: Desk, found: LivingCircle) -> str:
    """Say what was walked, and that all of it is assumed."""
    walk = found.walk
    return desk.say(
        "living_how" if found.way == "straight" else "living_how_roads",
        minutes=f"{walk.minutes:g}", speed=f"{walk.speed_m_per_min:g}", detour=f"{walk.detour:g}",
        straight=f"{walk.straight_m:,.0f}", length=f"{walk.length_m:,.0f}", access=f"{walk.leg_m:g}",
    )  # fmt: skip


def _roads(desk: Desk, found: LivingCircle) -> list[Block]:
    """Say what became of the layer of roads."""
    if found.straight_because:
        return [Paragraph(desk.say(f"living_{found.straight_because}"), "warning")]
    if found.roads is None:
        return []
    told = found.roads
    counts = {name: count_text(int(told[name])) for name in (*_LEFT_OUT, "lines", "walkable_untold", "parts")}
    share = f"{told['largest_part_m'] / told['length_m']:.1%}"
    blocks: list[Block] = [
        Paragraph(desk.say("living_network", length=f"{told['length_m'] / 1000:,.1f}", share=share, **counts), "note")
    ]
    off = {name: count for name, count in found.off_roads.items() if count}
    if off:
        named = desk.join([f"{desk.say(f'layer_{name}')} {count_text(count)}" for name, count in off.items()])
        words = desk.say("living_off_roads", layers=named, access=f"{found.walk.leg_m:g}")
        blocks.append(Paragraph(words, "warning"))
    return blocks


def _way(desk: Desk, found: LivingCircle) -> str:
    return desk.say(f"way_{found.way}")


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
    source = _way(desk, found) + desk.say(
        "src_services", kinds=count_text(len(found.kinds)), shown=count_text(len(kinds))
    )
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
    source = desk.line(_way(desk, found) + desk.say("src_homes"), area=False)
    return Table(f"living-homes-{level}", caption, tuple(heads), plain_rows(body), source)


def _count(number: float) -> str:
    return DASH if unknown(number) else f"{number:,.0f}"
