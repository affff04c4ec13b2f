"""What a plan rests on: costs, rules of the choice, decisions already made, limits; and what is in the way of a target.

Every figure a planner set is shown with where it comes from. Placeholders of costs are called so in every row.
"""

from __future__ import annotations

from geo.labels import area_text, text
from geo.plan.planning import Plan
from geo.plan.words import ACT_WORDS, LIMIT_WORDS, money_words, value_words
from geo.planned import Planned
from geo.report.cells import DASH, Desk, capital, count_text, plain_rows
from geo.report.parts import Block, Cell, Column, Paragraph, Section, Table
from layers.project import keys
from layers.units import convert

__all__ = ["basis", "obstacles"]

#: Settings of the choice that are told beside the costs, where they matter to an act that is allowed.
_RULES = {
    "plan.parcels": (),
    "plan.relocation_land_ratio": ("relocate",),
    "plan.relocation_parks": ("relocate",),
    "plan.industry_fit": ("relocate",),
    "plan.annex_within_m": ("annex",),
    "plan.annex_quota_m2": ("annex",),
    "plan.intensify_plot_ratio": ("intensify",),
    "plan.district_quotas": (),
    "plan.budget_cny": (),
    "plan.gap": (),
}
_LOCKS_SHOWN = 50


def basis(desk: Desk, found: Planned) -> Section:
    """Write the section of what is assumed."""
    plan = found.plan
    blocks: list[Block] = [Paragraph(desk.say("plan_assumed")), _costs(desk, plan), _rules(desk, plan)]
    blocks += [table for table in (_limits(desk, plan), _locks(desk, plan)) if table is not None]
    if plan.options.notes:
        notes = desk.pick("；", "; ").join(note.text(desk.language) for note in plan.options.notes)
        blocks.append(Paragraph(desk.say("plan_left_out", notes=notes)))
    return Section("plan-basis", desk.say("sec_plan_basis"), tuple(blocks))


def _costs(desk: Desk, plan: Plan) -> Table:
    origin = desk.say("cost_placeholder" if plan.options.placeholders else "cost_own")
    rows = []
    for act, cost in plan.options.costs.items():
        per_mu = convert(convert(1.0, "mu", "m2") * cost.cny_per_m2, "cny", "wcny")
        floor = f"{cost.cny_per_floor_m2:,.2f}" if cost.cny_per_floor_m2 else DASH
        tone = "bad" if plan.options.placeholders else ""
        told = (capital(ACT_WORDS[act].text(desk.language)), desk.say(f"act_is_{act}"), f"{per_mu:,.2f}", floor)
        rows.append((*told, Cell(origin, tone=tone)))
    return Table(
        "plan-costs",
        desk.say("tab_plan_costs"),
        (
            Column(capital(desk.word("plan.act"))),
            Column(desk.say("col_act_is"), wide=2.4),
            Column(desk.say("col_cost_land"), "right", 0.9),
            Column(desk.say("col_cost_floor"), "right", 0.9),
            Column(desk.say("col_origin"), wide=0.9),
        ),
        plain_rows(rows),
        desk.line(desk.say("src_plan_costs"), area=False),
    )


def _rules(desk: Desk, plan: Plan) -> Table:
    """The settings that shape the choice, with their origin."""
    project, allowed = desk.assessment.project, tuple(plan.options.costs)
    rows = []
    for name, acts in _RULES.items():
        setting = project.settings[name]
        if setting.value in (None, {}, "") or (acts and not set(acts) & set(allowed)):
            continue
        known = keys()[name]
        label = desk.pick(known.label_zh, known.label_en)
        rows.append(
            (
                label.removesuffix(desk.pick("（平方米）", " (m²)")),  # land is shown in mu too, with its units
                _value(desk, name, setting.value),
                f"{desk.word(f'origin.{setting.origin}')} {setting.reason(desk.language)}".strip(),
            )
        )
    return Table(
        "plan-rules",
        desk.say("tab_plan_rules"),
        (
            Column(desk.say("col_setting"), wide=2.4),
            Column(desk.say("col_value"), "right"),
            Column(desk.say("col_origin")),
        ),
        plain_rows(rows),
        desk.line(desk.say("src_plan_rules"), area=False),
    )


def _value(desk: Desk, name: str, value: object) -> str:
    """Write a setting as people read it."""
    if isinstance(value, bool):
        return text(f"xlsx.{'yes' if value else 'no'}", desk.language)
    if isinstance(value, dict):
        return desk.pick("；", "; ").join(f"{key} {_value(desk, '_m2', one)}" for key, one in value.items())
    if not isinstance(value, (int, float)):
        return desk.say(f"plan_parcels_{value}") if name == "plan.parcels" else str(value)
    if name.endswith("_m2"):
        return desk.amount(float(value), "m2")
    if name.endswith("_cny"):
        return money_words(float(value) * 100).text(desk.language)
    return f"{value:.2%}" if name == "plan.gap" else f"{value:,g}"


def _limits(desk: Desk, plan: Plan) -> Table | None:
    """Every limit but vacant land, which stands by park: how much there is, how much the plan uses."""
    rows = []
    for limit in plan.posed.limits:
        if limit.kind in ("vacant_land", "remainder", "difference"):
            continue
        used = limit.used(plan.taken)
        name = "" if limit.kind in ("budget", "annex_quota") else desk.pick(f"：{limit.name}", f": {limit.name}")
        rows.append(
            (
                capital(LIMIT_WORDS[limit.kind].text(desk.language)) + name,
                _of(desk, limit.kind, limit.capacity),
                _of(desk, limit.kind, used),
                f"{used / limit.capacity:.1%}" if limit.capacity else DASH,
            )
        )
    if not rows:
        return None
    heads = (desk.word("plan.limit"), desk.word("plan.capacity"), desk.word("plan.used"), desk.say("col_used_share"))
    columns = [Column(capital(head), "right" if at else "left", 1.0 if at else 1.6) for at, head in enumerate(heads)]
    line = desk.line(desk.say("src_plan_limits"), area=False)
    return Table("plan-limits", desk.say("tab_plan_limits"), tuple(columns), plain_rows(rows), line)


def _of(desk: Desk, kind: str, steps: int) -> str:
    return money_words(steps).text(desk.language) if kind == "budget" else area_text(steps / 100, desk.language)


def _locks(desk: Desk, plan: Plan) -> Table | None:
    """Decisions on single parcels that people made before: who, when, why."""
    locks = plan.options.locks
    if not locks:
        return None
    uids = plan.options.land.parcels["uid"].astype(str)
    rows = [
        (
            str(uids.iloc[lock.parcel]),
            desk.say("lock_in" if lock.must else "lock_out"),
            lock.author,
            lock.date,
            lock.reason,
        )
        for lock in locks[:_LOCKS_SHOWN]
    ]
    heads = (("parcel", 1.0), ("lock", 0.9), ("lock_author", 0.8), ("lock_date", 0.8), ("lock_reason", 2.0))
    return Table(
        "plan-locks",
        desk.say("tab_plan_locks"),
        tuple(Column(desk.say(f"col_{head}"), wide=wide) for head, wide in heads),
        plain_rows(rows),
        desk.line(desk.say("src_plan_locks", shown=len(rows), count=count_text(len(locks))), area=False),
    )


def obstacles(desk: Desk, found: Planned) -> Section | None:
    """Where a target cannot be met: how far it goes, and what would help; None where it can."""
    plan = found.plan
    if plan.short_of is None:
        return None
    best = DASH if plan.best is None else value_words(plan.short_of, plan.best).text(desk.language)
    told: list[Block] = [Paragraph(desk.say("plan_how_far", best=best))]
    rows = []
    for one in plan.obstacles:
        mine = [limit for limit in plan.posed.limits if limit.kind == one.kind]
        needs = DASH if one.chosen is None else _of(desk, one.kind, sum(limit.used(one.chosen) for limit in mine))
        cost = DASH if one.cost_fen is None else money_words(one.cost_fen).text(desk.language)
        there = _of(desk, one.kind, sum(limit.capacity for limit in mine))
        rows.append((capital(LIMIT_WORDS[one.kind].text(desk.language)), there, needs, cost))
    if not rows:
        told.append(Paragraph(desk.say("plan_nothing_alone")))
    else:
        heads = (desk.word("plan.limit"), desk.word("plan.capacity"), desk.say("col_needed"), desk.say("col_cost_then"))
        columns = [Column(capital(head), "right" if at else "left") for at, head in enumerate(heads)]
        line = desk.line(desk.say("src_plan_obstacles"))
        told.append(Table("plan-obstacles", desk.say("tab_plan_obstacles"), tuple(columns), plain_rows(rows), line))
    return Section("plan-obstacles-why", desk.say("sec_plan_obstacles"), tuple(told))
