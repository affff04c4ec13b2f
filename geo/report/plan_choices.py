"""Section 比选 of the chapter on the plan: plans side by side; what targets and costs are worth.

Written where `plan.alternatives` asks for further plans. Writes what `geo.plan.choices` weighed; computes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from geo.plan.choices import Choices
from geo.plan.planning import Reached
from geo.plan.words import ACT_WORDS, asked_words, money_words, value_words
from geo.planned import Planned
from geo.report.cells import DASH, Desk, capital, count_text, plain_rows
from geo.report.parts import Block, Column, Paragraph, Section, Table

__all__ = ["choices_section"]

#: So many parcels that every plan acts on are named.
_NAMED = 20


def choices_section(desk: Desk, found: Planned) -> Section | None:
    """Write the section; None where nothing was weighed."""
    weighed = found.choices
    if weighed is None:
        return None
    blocks: list[Block] = [_scenarios(desk, found, weighed), *_always(desk, found, weighed)]
    blocks += [_curve(desk, found, weighed)] if weighed.curve else []
    blocks += [_sensitivity(desk, weighed)] if weighed.sensitivity else []
    if not weighed.complete:
        blocks.append(Paragraph(desk.word("plan.not_all_weighed")))
    return Section("plan-choices", desk.say("sec_plan_choices"), tuple(blocks))


def _scenarios(desk: Desk, found: Planned, weighed: Choices) -> Table:
    """One row a plan, today first: every target, what is acted on, what it costs, what it shares with the plan."""
    plan, language = found.plan, desk.language
    rows = [
        _scenario(desk, capital(desk.word("plan.before")), [one.before for one in plan.reached], plan.reached, None),
        _scenario(
            desk, desk.say("plan_the_plan"), [one.after for one in plan.reached], plan.reached,
            (len(found.acts), money_words(plan.cost_fen).text(language), DASH),
        ),
    ]  # fmt: skip
    for number, one in enumerate(weighed.alternatives, 1):
        acts = len(plan.posed.rows(one.chosen))
        told = (acts, money_words(one.cost_fen).text(language), f"{one.common:.0%}")
        name = desk.say("plan_further", number=number)
        rows.append(_scenario(desk, name, [each.after for each in one.reached], one.reached, told))
    return Table(
        "plan-scenarios",
        desk.say("tab_plan_scenarios"),
        (
            Column(desk.say("col_plan_scenario"), wide=1.2),
            *(Column(asked_words(one.target).text(language), "right", 1.2) for one in plan.reached),
            Column(desk.say("col_parcels"), "right", 0.7),
            Column(desk.say("col_plan_cost"), "right"),
            Column(capital(desk.word("plan.common")), "right", 0.9),
        ),
        plain_rows(rows),
        desk.line(desk.say("src_plan_scenarios", wanted=weighed.wanted, there=len(weighed.alternatives))),
    )


def _scenario(
    desk: Desk,
    name: str,
    values: Sequence[float | None],
    targets: Sequence[Reached],
    acts: tuple[int, str, str] | None,
) -> tuple[str, ...]:
    told = [value_words(one.target, value).text(desk.language) for one, value in zip(targets, values, strict=True)]
    count, cost, common = (DASH, DASH, DASH) if acts is None else (count_text(acts[0]), acts[1], acts[2])
    return (name, *told, count, cost, common)


def _always(desk: Desk, found: Planned, weighed: Choices) -> list[Block]:
    """Parcels that nothing stands in for."""
    if not weighed.alternatives:
        return []
    if not len(weighed.always):
        return [Paragraph(desk.say("plan_always_none"))]
    uids = found.plan.options.land.parcels["uid"].astype(str)
    names = desk.join(uids.iloc[weighed.always[:_NAMED]].tolist())
    more = desk.say("plan_and_more") if len(weighed.always) > _NAMED else ""
    return [Paragraph(desk.say("plan_always", count=count_text(len(weighed.always)), names=f"{names}{more}"))]


def _curve(desk: Desk, found: Planned, weighed: Choices) -> Table:
    target = found.plan.reached[0].target
    rows = [
        (value_words(target, one.figure).text(desk.language), money_words(one.cost_fen).text(desk.language))
        for one in weighed.curve
    ]
    return Table(
        "plan-curve",
        desk.say("tab_plan_curve"),
        (Column(capital(desk.word("plan.figure")), "right"), Column(desk.say("col_plan_cost"), "right")),
        plain_rows(rows),
        desk.line(desk.say("src_plan_curve")),
    )


def _sensitivity(desk: Desk, weighed: Choices) -> Table:
    rows = [
        (
            capital(ACT_WORDS[one.action].text(desk.language)),
            f"× {one.factor:g}",
            money_words(one.cost_fen).text(desk.language),
            count_text(one.acts),
            f"{one.common:.0%}",
        )
        for one in weighed.sensitivity
    ]
    return Table(
        "plan-sensitivity",
        desk.say("tab_plan_sensitivity"),
        (
            Column(capital(desk.word("plan.act"))),
            Column(capital(desk.word("plan.cost_times")), "right", 0.8),
            Column(desk.say("col_plan_cost"), "right"),
            Column(desk.say("col_plan_times"), "right"),
            Column(capital(desk.word("plan.common")), "right"),
        ),
        plain_rows(rows),
        desk.line(desk.say("src_plan_sensitivity")),
    )
