"""Chapter 园区构成与整合: how each zone is put together, what could be consolidated, and on what evidence.

Knows the tables of `geo.composition` and writes them; computes nothing but sums of a list. Every limit it prints is
the project's own and says so.
"""

from __future__ import annotations

import pandas as pd

from geo.charts.composed import outline_of
from geo.composition.found import Composition
from geo.composition.proposals import KINDS, proposals
from geo.report.cells import DASH, Desk, Record, count_text, plain_rows, unknown
from geo.report.composition_points import known_role, points_table
from geo.report.living_section import living_section
from geo.report.parts import Block, Cell, Column, Figure, Paragraph, Section, Table
from layers.units import from_tally, label, to_tally

__all__ = ["composition_chapter"]

#: So many zones are drawn, the most divided ones, and so many proposals of a kind are listed.
_DRAWN, _LISTED = 12, 20
_ROLES = ("main", "branch", "entrusted", "enclave", "cooperation", "partner")


def composition_chapter(desk: Desk) -> Section | None:
    """Write the chapter; None where nobody looked, or there are no parks."""
    found = desk.assessment.composition
    if found is None:
        return None
    zones: list[Record] = found.zones.drop(columns="geometry").to_dict("records")
    blocks: list[Block] = [
        Paragraph(_lead(desk, zones)),
        *_warnings(desk, zones),
        _land(desk, zones, _park_names(found)),
        _form(desk, zones, found),
        _people(desk, zones),
    ]
    points, figure = points_table(desk, found), _drawing(desk, found)
    blocks += [one for one in (points, figure) if one is not None]
    sections = [Section("consolidation", desk.say("sec_consolidation"), _consolidation(desk, found))]
    if found.living is not None:
        sections.append(living_section(desk, found.living, found.parks))
    return Section("composition", desk.say("ch_composition"), tuple(blocks), tuple(sections))


def _lead(desk: Desk, zones: list[Record]) -> str:
    sums = {name: count_text(sum(zone[name] for zone in zones)) for name in ("parks", "points", "blocks")}
    return desk.say("composition_lead", zones=count_text(len(zones)), **sums)


def _warnings(desk: Desk, zones: list[Record]) -> list[Block]:
    """Tell zones without a main park, and those with several."""
    told: list[Block] = []
    for known_by in ("none", "several"):
        names = [str(zone["zone_name"]) for zone in zones if zone["main_known_by"] == known_by]
        if names:
            shown = desk.join(names[:10]) + ("…" if len(names) > 10 else "")
            words = desk.say(f"main_{known_by}", count=count_text(len(names)), all=count_text(len(zones)), names=shown)
            told.append(Paragraph(words, "warning"))
    return told


def _share(value: float) -> str:
    return DASH if unknown(value) else f"{value:.2%}"


def _table(
    desk: Desk, key: str, heads: list[Column], rows: list[list[str | Cell]], source: str, *, area: bool = True
) -> Table:
    caption = desk.say(f"tab_{key.replace('-', '_')}")
    return Table(key, caption, tuple(heads), plain_rows(rows), desk.line(source, area=area))


def _main(desk: Desk, zone: Record, names: dict[str, str]) -> str:
    """The main park, or why there is none."""
    if unknown(zone["main_park"]):
        return desk.say(f"main_is_{zone['main_known_by']}")
    return names[str(zone["main_park"])]


def _land(desk: Desk, zones: list[Record], names: dict[str, str]) -> Table:
    """Counts, land and the weight of the main park."""
    rows: list[list[str | Cell]] = [
        [
            str(zone["zone_name"]),
            *(count_text(zone[name]) for name in ("parks", "points", "blocks")),
            _main(desk, zone, names),
            desk.area_cells(zone["area_m2"])[0],
            Cell(_share(zone["main_area_share"]), _of(desk, zone["main_area_m2"], zone["area_m2"])),
            desk.area_cells(zone["industrial_m2"])[0],
            Cell(_share(zone["main_industrial_share"]), _of(desk, zone["main_industrial_m2"], zone["industrial_m2"])),
        ]
        for zone in zones
    ]
    heads = [
        Column(desk.say("col_zone"), wide=1.6),
        *(Column(desk.say(f"col_{name}"), "right", 0.6) for name in ("parks", "points", "blocks")),
        Column(desk.say("col_main_park"), wide=1.5),
        desk.area_columns(desk.say("col_area"))[0],
        Column(desk.say("col_main_share"), "right", 0.9),
        desk.area_columns(desk.say("col_industrial_inside"))[0],
        Column(desk.say("col_main_industrial_share"), "right", 0.9),
    ]
    return _table(desk, "zone-composition", heads, rows, desk.say("src_zone_composition"))


def _park_names(found: Composition) -> dict[str, str]:
    return dict(zip(found.parks["park_id"].astype(str), found.parks["park_name"].astype(str), strict=True))


def _of(desk: Desk, part: float, whole: float) -> str:
    return "" if unknown(part) else f"{desk.amount(part, 'm2')} ÷ {desk.amount(whole, 'm2')}"


def _form(desk: Desk, zones: list[Record], found: Composition) -> Table:
    """Distances, compactness, division and overlaps."""
    names = dict(zip(found.points["point_id"].astype(str), found.points["park_name"].astype(str), strict=True))
    middles = dict(zip(found.points["point_id"].astype(str), found.points["centroids_km"], strict=True))
    called = {str(zone["zone_id"]): str(zone["zone_name"]) for zone in zones}
    rows: list[list[str | Cell]] = []
    for zone in zones:
        far = "" if unknown(zone["farthest_point"]) or zone["points"] < 2 else str(zone["farthest_point"])
        rows.append(
            [
                str(zone["zone_name"]),
                names[far] if far else DASH,
                f"{zone['farthest_km']:.2f}" if far else DASH,
                f"{middles[far]:.2f}" if far else DASH,
                DASH if unknown(zone["compactness"]) else f"{zone['compactness']:.3f}",
                DASH if unknown(zone["division"]) else f"{zone['division']:.3f}",
                desk.area_cells(zone["effective_mesh_m2"])[0],
                Cell(
                    f"{desk.area_cells(zone['overlap_m2'])[0].text}",
                    desk.join([called.get(one["zone_id"], one["zone_id"]) for one in zone["overlaps"]]),
                ),
            ]
        )
    heads = [
        Column(desk.say("col_zone"), wide=1.6),
        Column(desk.say("col_farthest"), wide=1.6),
        *(Column(desk.say(f"col_{name}"), "right", 0.8) for name in ("edges_km", "centroids_km")),
        *(Column(desk.say(f"col_{name}"), "right", 0.7) for name in ("compactness", "division")),
        desk.area_columns(desk.say("col_mesh"))[0],
        desk.area_columns(desk.say("col_zone_overlap"))[0],
    ]
    return _table(desk, "zone-form", heads, rows, desk.say("src_zone_form"))


def _people(desk: Desk, zones: list[Record]) -> Table:
    """Roles, host districts and operators."""
    rows: list[list[str | Cell]] = [
        [
            str(zone["zone_name"]),
            desk.join([_role(desk, role, zone["roles"][role]) for role in sorted(zone["roles"], key=_rank)]),
            DASH if unknown(zone["district"]) else str(zone["district"]),
            desk.join(zone["other_districts"]) or DASH,
            desk.join(list(zone["operators"])) or DASH,
            desk.join([_abroad(desk, name, zone["operators"][name]) for name in zone["operators_abroad"]]) or DASH,
        ]
        for zone in zones
    ]
    heads = [("zone", 1.4), ("roles", 1.6), ("main_district", 0.8), ("other_districts", 1.1), ("operators", 1.4),
             ("operators_abroad", 1.7)]  # fmt: skip
    columns = [Column(desk.say(f"col_{name}"), wide=wide) for name, wide in heads]
    return _table(desk, "zone-people", columns, rows, desk.say("src_zone_people"), area=False)


def _abroad(desk: Desk, operator: str, districts: list[str]) -> str:
    return desk.pick(f"{operator}（{desk.join(districts)}）", f"{operator} ({desk.join(districts)})")


def _rank(role: str) -> tuple[int, str]:
    """Rank the main park first, roles of the data's own behind the known ones."""
    return (_ROLES.index(role) if role in _ROLES else len(_ROLES), role)


def _role(desk: Desk, role: str, count: int) -> str:
    known = desk.say("role_unknown") if role == "unknown" else known_role(desk, role)
    return f"{known} {count}"


def _drawing(desk: Desk, found: Composition) -> Figure | None:
    """Draw the zones that are not in one piece, the most divided ones first."""
    several = found.zones[found.zones["points"] > 1].sort_values(["division", "zone_id"], ascending=[False, True])
    if several.empty:
        return None
    drawn = tuple(outline_of(found, str(zone), desk.language) for zone in several["zone_id"].head(_DRAWN))
    source = desk.say("src_zone_drawing", shown=len(drawn), all=count_text(len(several)))
    return Figure("zone-outlines", desk.say("fig_zone_outlines"), drawn, desk.line(source, area=False))


# ---------------------------------------------------------------- what could be consolidated


def _consolidation(desk: Desk, found: Composition) -> tuple[Block, ...]:
    table = proposals(found)
    blocks: list[Block] = [Paragraph(desk.say("consolidation_caveat"), "warning"), _kinds(desk, found, table)]
    if len(found.joins) and not found.with_constraints:
        blocks.append(Paragraph(desk.say("no_constraints"), "note"))
    return (*blocks, _list(desk, found, table)) if len(table) else tuple(blocks)


def _limit(desk: Desk, found: Composition, kind: str) -> str:
    limits = found.limits
    return desk.say(
        f"limit_{kind}",
        gap=f"{limits.gap_m:g}",
        far=f"{limits.far_m / 1000:g}",
        minimum=desk.mu(limits.minimum_point_m2),
        within=f"{limits.cluster_within_m:g}",
        least=desk.mu(limits.cluster_minimum_m2),
    )


def _kinds(desk: Desk, found: Composition, table: pd.DataFrame) -> Table:
    """How many proposals there are of each kind, their land, and the limit they were held against."""
    rows: list[list[str | Cell]] = []
    for kind in KINDS:
        mine = table[table["kind"] == kind]
        rows.append(
            [
                desk.say(f"proposal_{kind}"),
                count_text(len(mine)),
                *(desk.area_cells(_sum(mine[name]))[0] for name in ("area_m2", "industrial_m2")),
                _limit(desk, found, kind),
                desk.say("own_limit"),
            ]
        )
    heads = [
        Column(desk.say("col_proposal"), wide=1.5),
        Column(desk.say("col_count"), "right", 0.6),
        desk.area_columns(desk.say("col_area"))[0],
        desk.area_columns(desk.say("col_industrial_of"))[0],
        Column(desk.say("col_limit"), wide=2.6),
        Column(desk.say("col_limit_source"), wide=0.8),
    ]
    outside = found.clusters
    source = desk.say(
        "src_proposal_kinds", clusters=count_text(outside.all_clusters), parcels=count_text(outside.all_parcels),
        area=desk.mu(outside.all_m2),
    )  # fmt: skip
    return _table(desk, "proposal-kinds", heads, rows, source)


def _sum(values: pd.Series) -> float:
    return float(from_tally(int(to_tally(values.fillna(0.0), "m2").sum()), "m2"))


def _list(desk: Desk, found: Composition, table: pd.DataFrame) -> Table:
    shown = table.groupby("kind", sort=False).head(_LISTED)
    rows: list[list[str | Cell]] = [
        [
            str(row["id"]),
            desk.say(f"proposal_{row['kind']}"),
            str(row["zone_name"]),
            str(row["name"]),
            _evidence(desk, found, row),
            *(desk.area_cells(row[name])[0] for name in ("area_m2", "industrial_m2")),
        ]
        for row in shown.to_dict("records")
    ]
    heads = [
        Column(desk.say("col_id"), wide=0.6),
        Column(desk.say("col_proposal"), wide=1.2),
        Column(desk.say("col_zone"), wide=1.3),
        Column(desk.say("col_park"), wide=1.5),
        Column(desk.say("col_evidence_told"), wide=2.2),
        desk.area_columns(desk.say("col_area"))[0],
        desk.area_columns(desk.say("col_industrial_of"))[0],
    ]
    source = desk.say("src_proposals", shown=count_text(len(shown)), count=count_text(len(table)), most=_LISTED)
    return _table(desk, "proposals", heads, rows, source)


def _evidence(desk: Desk, found: Composition, row: Record) -> str:
    """Say the value that was held against the limit, and what else is known."""
    value, limit = (_measure(desk, row[name], str(row["unit"])) for name in ("value", "limit"))
    told = [desk.say(f"evidence_{row['kind']}", value=value, limit=limit)]
    if row["kind"] in {"join", "cluster"} and not unknown(row["parcels"]):
        told.append(desk.say("evidence_parcels", count=count_text(row["parcels"])))
    if row["kind"] == "join" and not unknown(row["constrained_m2"]):
        kinds = found.joins.set_index("join_id").loc[row["id"], "constraints"]
        under = desk.join([f"{one['kind']} {desk.mu(one['area_m2'])}" for one in kinds])
        told.append(desk.say("evidence_constrained", kinds=under) if under else desk.say("evidence_unconstrained"))
    return desk.pick("；", "; ").join(told)


def _measure(desk: Desk, value: float, unit: str) -> str:
    if unit == "m2":
        return desk.mu(value)
    if value >= 1000:
        return f"{value / 1000:,.2f} {desk.say('km')}"
    return f"{value:,.1f} {label('m', desk.language)}"
