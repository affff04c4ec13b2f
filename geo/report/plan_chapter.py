"""Chapter 方案: what is to be reached and who asks it, what would be done, what it costs, how sure that is.

Written for people who decide, not for people who compute: first what and how much, then where, then what it all rests
on. It is a proposal, and the chapter says so first. Writes what `geo.plan` found; computes only sums by group.
"""

from __future__ import annotations

import numpy as np

from geo.charts import Bars
from geo.plan.planning import Reached
from geo.plan.words import asked_words, bound_words, money_words, reason, value_words
from geo.planned import Planned
from geo.report.cells import DASH, Desk, capital, count_text, plain_rows
from geo.report.parts import Block, Cell, Column, Figure, Headline, Paragraph, Section, Table
from geo.report.plan_basis import basis, obstacles
from geo.report.plan_choices import choices_section
from geo.report.plan_places import by_act, by_district, by_park, by_year, largest
from layers.units import convert, from_tally, label

__all__ = ["plan_chapter", "plan_headline"]

#: What a plan could still save is told from here on (fen): below 100 yuan it reads as nothing.
_NOTHING = 10_000


def plan_chapter(desk: Desk, found: Planned | None) -> Section | None:
    """Write the chapter; None where no plan was asked for."""
    if found is None:
        return None
    blocks: list[Block] = [Paragraph(desk.say("plan_caveat"), "warning")]
    if found.plan.options.placeholders:
        blocks.append(Paragraph(desk.say("plan_placeholders"), "warning"))
    blocks += [Paragraph(told) for told in (*_asked(desk, found), *_outcome(desk, found)) if told]
    blocks += [*_figure(desk, found), _targets(desk, found)]
    sections = [
        obstacles(desk, found),
        _done(desk, found),
        _where(desk, found),
        choices_section(desk, found),
        basis(desk, found),
    ]
    return Section("plan", desk.say("ch_plan"), tuple(blocks), tuple(one for one in sections if one is not None))


def plan_headline(desk: Desk, found: Planned | None) -> tuple[Headline, ...]:
    """Return the plan's card of the first page; none where there is no plan to show."""
    if found is None:
        return ()
    plan, main = found.plan, found.plan.reached[0]
    if not len(plan.chosen):
        if plan.status == "optimal":
            return ()
        best = value_words(main.target, plan.best).text(desk.language) if plan.best is not None else DASH
        return (Headline(desk.say("card_plan"), desk.say("plan_unmet"), desk.say("card_plan_unmet", best=best), "bad"),)
    detail = desk.say(
        "card_plan_detail",
        parcels=count_text(len(plan.chosen)),
        after=value_words(main.target, main.after).text(desk.language),
    )
    return (Headline(desk.say("card_plan"), money_words(plan.cost_fen).text(desk.language), detail),)


def _target_source(desk: Desk, one: Reached) -> str:
    """Name who asks a target: the clause of a document, or the project itself."""
    if one.target.source == "project":
        return desk.word("plan.own_target")
    return desk.clause({"policy": one.target.source, "clause": one.target.clause})


# ---------------------------------------------------------------- what is asked, what comes out


def _asked(desk: Desk, found: Planned) -> list[str]:
    """One sentence a target: what, by whom, where things stand."""
    return [
        desk.say(
            "plan_asked",
            asked=asked_words(one.target).text(desk.language),
            source=_target_source(desk, one),
            before=value_words(one.target, one.before).text(desk.language),
        )
        for one in found.plan.reached
    ]


def _outcome(desk: Desk, found: Planned) -> list[str]:
    plan = found.plan
    why = reason(plan)
    told = [] if why is None else [why.text(desk.language)]
    if not len(plan.chosen):
        return [*told, desk.word("plan.met_already") if plan.status == "optimal" else ""]
    acts = found.acts
    main = plan.reached[0]
    told.append(
        desk.say(
            "plan_outcome" if plan.status != "closest" else "plan_outcome_closest",
            parcels=count_text(len(acts)),
            area=desk.mu(float(acts["land_m2"].sum())),
            firms=_firms(desk, found),
            cost=money_words(plan.cost_fen).text(desk.language),
            after=value_words(main.target, main.after).text(desk.language),
        )
    )
    return [*told, _certainty(desk, found)]


def _firms(desk: Desk, found: Planned) -> str:
    """Say how many firms are known on the land acted on; nothing where no firms were given."""
    firms = desk.assessment.firms
    if firms is None or not len(firms.links):
        return ""
    count = firms.links.loc[firms.links["parcel"].isin(found.acts["parcel"]), "firm"].nunique()
    return desk.say("plan_firms", count=count_text(count))


def _certainty(desk: Desk, found: Planned) -> str:
    plan = found.plan
    if plan.gap is None or not np.isfinite(plan.bound_fen):
        return ""
    bound, options = bound_words(plan).text(desk.language), count_text(len(found.options))
    dearer = plan.cost_fen - plan.bound_fen
    if dearer < _NOTHING:
        return desk.say("plan_certainty_least", bound=bound, options=options)
    gap = desk.say("plan_gap", gap=f"{plan.gap:.2%}") if plan.gap >= 0.0001 else desk.say("plan_gap_small")
    saved = money_words(dearer).text(desk.language)
    told = desk.say("plan_certainty", bound=bound, options=options, dearer=saved, gap=gap)
    return told + (desk.say("plan_time_out") if plan.status == "feasible" else "")


def _figure(desk: Desk, found: Planned) -> list[Block]:
    """Today and with the plan, against the target."""
    main = found.plan.reached[0]
    target = main.target
    rows = [(capital(desk.word("plan.before")), main.before)]
    if len(found.plan.chosen):
        rows.append((desk.say("plan_with"), main.after))
    elif found.plan.best is not None and found.plan.short_of is target:
        rows.append((desk.say("plan_furthest"), found.plan.best))
    if any(value is None for _, value in rows):
        return []
    bars = Bars(
        tuple(name for name, _ in rows),
        tuple(float(value or 0.0) for _, value in rows),
        tuple(value_words(target, value).text(desk.language) for _, value in rows),
        "" if target.indicator.unit == "1" else label(target.indicator.unit, desk.language),
        limit=target.figure,
        limit_text=desk.say("plan_limit", figure=value_words(target, target.figure).text(desk.language)),
        limit_name=capital(desk.word("plan.target")),
        percent=target.indicator.percent,
    )
    title = target.indicator.title(desk.language)
    caption = desk.say("fig_plan", title=title, place=_place(desk, main))
    return [Figure("plan-chart", caption, bars, desk.line(_target_source(desk, main)))]


def _place(desk: Desk, one: Reached) -> str:
    if one.target.level in ("city", "zones"):
        return desk.city if one.target.level == "city" else desk.word("level.zones")
    return one.target.scope_name


def _targets(desk: Desk, found: Planned) -> Table:
    """Each target with both its sums, today and with the plan."""
    rows: list[tuple[Cell, ...]] = []
    for place, one in enumerate(found.plan.reached):
        rows += _target_rows(desk, found, place, one)
    return Table(
        "plan-targets",
        desk.say("tab_plan_targets"),
        (
            Column(desk.say("col_plan_target"), wide=2.2),
            Column(capital(desk.word("plan.before")), "right"),
            Column(desk.say("plan_with"), "right"),
            Column(desk.say("col_plan_change"), "right"),
        ),
        tuple(rows),
        desk.source([one.target.indicator.id for one in found.plan.reached], desk.say("src_plan_targets")),
    )


def _target_rows(desk: Desk, found: Planned, place: int, one: Reached) -> list[tuple[Cell, ...]]:
    """A target, below it its two sums; nothing is said of a plan where there is none."""
    plan, entry, words = found.plan, one.target.indicator, desk.language
    change, acts = plan.options.effects[place], plan.acts
    there = plan.status in ("optimal", "feasible", "closest")
    tone = "good" if one.met else "bad"
    after = value_words(one.target, one.after).text(words) if there else DASH
    verdict = desk.word("target.met" if one.met else "target.unmet")
    asked = Cell(asked_words(one.target).text(words), ref=entry.id)
    before = Cell(value_words(one.target, one.before).text(words))
    told: list[tuple[Cell, ...]] = [(asked, before, Cell(after, tone=tone if there else ""), Cell(verdict, tone=tone))]
    for name, side, unit, column in (
        ("plan_top", change.top, entry.numerator_unit, f"top_{place}"),
        ("plan_below", change.below, entry.denominator_unit, f"below_{place}"),
    ):
        moved = int(acts[column].sum())
        now, then, more = from_tally(np.array([side.now, side.now + moved, moved]), unit).tolist()
        shown = (_amount(then, unit), _amount(more, unit, signed=True)) if there else (DASH, DASH)
        told += plain_rows([(f"　{desk.say(name)}{_unit_of(desk, unit)}", _amount(now, unit), *shown)])
    return told


def _unit_of(desk: Desk, unit: str) -> str:
    shown = label(_SHOWN.get(unit, unit), desk.language)
    return desk.pick(f"（{shown}）", f" ({shown})")


_SHOWN = {"m2": "mu", "cny": "wcny"}


def _amount(value: float, unit: str, *, signed: bool = False) -> str:
    shown = float(convert(value, unit, _SHOWN.get(unit, unit)))
    shown = shown if round(shown, 2) else 0.0
    return f"{shown:+,.2f}" if signed and shown else f"{shown:,.2f}"


# ---------------------------------------------------------------- what is done, and where


def _done(desk: Desk, found: Planned) -> Section | None:
    if not len(found.plan.chosen):
        return None
    tables = [by_act(desk, found), by_year(desk, found), largest(desk, found)]
    return Section("plan-acts", desk.say("sec_plan_acts"), tuple(one for one in tables if one is not None))


def _where(desk: Desk, found: Planned) -> Section | None:
    tables = [one for one in (by_district(desk, found), by_park(desk, found)) if one is not None]
    if not len(found.plan.chosen) or not tables:
        return None
    return Section("plan-places", desk.say("sec_plan_places"), tuple(tables))
