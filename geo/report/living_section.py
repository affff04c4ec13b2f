"""Section 15 分钟生活圈: services within a walk of each zone and park, and jobs beside homes.

Writes what `geo.composition.living` found, with the assumptions it rests on in the first line.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from geo.composition.living import LivingCircle
from geo.report.cells import DASH, Desk, Record, count_text, plain_rows, unknown
from geo.report.parts import Block, Cell, Column, Paragraph, Section, Table

__all__ = ["living_section"]

#: So many classes of services are told beside each other, those with most facilities.
_KINDS = 6
#: What is told of jobs and homes, in the order of the columns.
_HOMES = ("jobs", "firms_untold", "homes", "persons", "jobs_per_home", "estates", "untold")
#: Why roads are no part of the network.
_LEFT_OUT = ("not_walkable", "without_length", "far")


def living_section(desk: Desk, found: LivingCircle, parks: pd.DataFrame) -> Section:
    """Write the section; `parks` are those of `Composition.parks`."""
    blocks: list[Block] = [Paragraph(_how(desk, found), "note"), *_roads(desk, found)]
    lost = {name: count for name, count in found.without_place.items() if count}
    if lost:
        named = desk.join([f"{desk.say(f'layer_{name}')} {count_text(count)}" for name, count in lost.items()])
        blocks.append(Paragraph(desk.say("living_lost", layers=named), "warning"))
    if len(found.services):
        blocks += _services(desk, found, parks)
    if len(found.homes):
        blocks.append(_homes(desk, found, parks))
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


def _scopes(desk: Desk, parks: pd.DataFrame) -> list[tuple[tuple[str, str], list[str | Cell]]]:
    """Return every place with how it is named: the zone as a whole, where it has several parks, then each of them."""
    told: list[tuple[tuple[str, str], list[str | Cell]]] = []
    for zone, mine in parks.groupby("zone_id", sort=True):
        name = str(mine["zone_name"].iloc[0])
        if len(mine) > 1:
            told.append((("zone", str(zone)), [name, desk.say("all_parks")]))
        ordered = mine.assign(park_id=mine["park_id"].astype(str)).sort_values("park_id")
        told += [
            (("park", park), [name, title])
            for park, title in zip(ordered["park_id"], ordered["park_name"].astype(str), strict=True)
        ]
    return told


def _heads(desk: Desk) -> list[Column]:
    return [Column(desk.word("level.zone"), wide=1.3), Column(desk.word("level.park"), wide=1.5)]


def _services(desk: Desk, found: LivingCircle, parks: pd.DataFrame) -> list[Block]:
    """Shares of the land, and of the jobs where any are known, within a walk of each class."""
    kinds = sorted(found.kinds, key=lambda kind: (-found.kinds[kind], kind))[:_KINDS]
    by_place = {(row["level"], row["scope_id"], row["kind"]): row for row in found.services.to_dict("records")}
    measures: dict[str, Callable[[Desk, Record], Cell]] = {"land": _land}
    if found.services["jobs_share"].notna().any():
        measures["jobs"] = _jobs
    more = desk.say("src_classes", kinds=count_text(len(found.kinds)), shown=count_text(len(kinds)))
    more = more if len(found.kinds) > len(kinds) else ""
    made: list[Block] = []
    for what, cell in measures.items():
        body = [
            [*names, *(cell(desk, by_place[(*place, kind)]) for kind in kinds)] for place, names in _scopes(desk, parks)
        ]
        heads = [*_heads(desk), *(Column(_kind(desk, kind), "right") for kind in kinds)]
        source = _way(desk, found) + desk.say(f"src_services_{what}") + more
        made.append(
            Table(
                f"living-{what}", desk.say(f"tab_services_{what}"), tuple(heads), plain_rows(body),
                desk.line(source, area=what == "land"),
            )
        )  # fmt: skip
    return made


def _kind(desk: Desk, kind: str) -> str:
    return kind or desk.say("kind_unknown")


def _land(desk: Desk, row: Record) -> Cell:
    return _share(row["area_share"], f"{desk.amount(row['reached_m2'], 'm2')} ÷ {desk.amount(row['area_m2'], 'm2')}")


def _jobs(desk: Desk, row: Record) -> Cell:
    return _share(row["jobs_share"], desk.say("jobs_of", part=_count(row["reached_jobs"]), whole=_count(row["jobs"])))


def _share(value: float, note: str) -> Cell:
    return Cell(DASH) if unknown(value) else Cell(f"{value:.2%}", note)


def _homes(desk: Desk, found: LivingCircle, parks: pd.DataFrame) -> Table:
    by_place = {(row["level"], row["scope_id"]): row for row in found.homes.to_dict("records")}
    body = [[*names, *_home_cells(by_place[place])] for place, names in _scopes(desk, parks)]
    heads = [*_heads(desk), *(Column(desk.say(f"col_{one}"), "right") for one in _HOMES)]
    source = desk.line(_way(desk, found) + desk.say("src_homes"), area=False)
    return Table("living-homes", desk.say("tab_homes"), tuple(heads), plain_rows(body), source)


def _home_cells(row: Record) -> list[str | Cell]:
    told = {name: _count(row[name]) for name in _HOMES}
    return [
        *(told | {"jobs_per_home": DASH if unknown(row["jobs_per_home"]) else f"{row['jobs_per_home']:.2f}"}).values()
    ]


def _count(number: float) -> str:
    return DASH if unknown(number) else f"{number:,.0f}"
