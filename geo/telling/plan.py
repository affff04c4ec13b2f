"""A plan for a terminal: what `parkwise plan` prints.

Writes what `geo.plan` found; the words come from `geo.labels` and `geo.plan.words`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from geo.labels import area_text, text
from geo.plan.choices import Choices
from geo.plan.planning import Plan
from geo.plan.words import ACT_WORDS, LIMIT_WORDS, asked_words, bound_words, money_words, reason, value_words
from layers.telling import table_text
from layers.units import from_tally

__all__ = ["plan_text"]

_SHOWN = 30


def plan_text(plan: Plan, language: str = "zh", choices: Choices | None = None) -> str:
    """Write a plan: targets before and after, cost and bound, acts by kind, limits, dearest acts, what was weighed."""
    blocks = [_targets(plan, language)]
    why = reason(plan)
    if why is not None:
        blocks.append(why.text(language))
    if len(plan.chosen):
        blocks += [_cost(plan, language), _kinds(plan, language), *_years(plan, language), _acts(plan, language)]
    elif plan.status == "optimal":
        blocks.append(text("plan.met_already", language))
    blocks += _limits(plan, language)
    blocks += [] if choices is None else _weighed(plan, choices, language)
    blocks += [f"  {note.text(language)}" for note in plan.options.notes]
    if plan.options.placeholders:
        blocks.append(text("plan.placeholders", language))
    return "\n\n".join(blocks)


def _targets(plan: Plan, language: str) -> str:
    rows = [
        [
            asked_words(one.target).text(language),
            value_words(one.target, one.before).text(language),
            value_words(one.target, one.after).text(language),
            text("target.met" if one.met else "target.unmet", language),
            text("plan.own_target", language)
            if one.target.source == "project"
            else f"{one.target.source} {one.target.clause}",
        ]
        for one in plan.reached
    ]
    titles = [text(f"plan.{word}", language) for word in ("target", "before", "after", "met", "source")]
    return table_text(titles, rows, right=[1, 2])


def _cost(plan: Plan, language: str) -> str:
    if not np.isfinite(plan.bound_fen):
        return text("plan.cost_only", language, cost=money_words(plan.cost_fen).text(language))
    gap = f"{plan.gap or 0.0:.4%}"
    said = "plan.cost_least" if gap == "0.0000%" else "plan.cost"
    return text(
        said, language,
        cost=money_words(plan.cost_fen).text(language), bound=bound_words(plan).text(language), gap=gap,
        options=f"{len(plan.options.table):,}",
    )  # fmt: skip


def _kinds(plan: Plan, language: str) -> str:
    rows = []
    for act, acts in plan.acts.groupby("action", sort=False):
        land = float(from_tally(np.array([acts["land"].sum()]), "m2")[0])
        rows.append(
            [
                ACT_WORDS[str(act)].text(language),
                f"{len(acts):,}",
                area_text(land, language),
                money_words(float(acts["cost_fen"].sum())).text(language),
            ]
        )
    titles = [text(f"plan.{word}", language) for word in ("act", "parcels", "land", "cost_of")]
    return table_text(titles, rows, right=[1, 3])


def _years(plan: Plan, language: str) -> list[str]:
    if not len(plan.year):
        return []
    cost = plan.acts["cost_fen"].to_numpy("int64")
    rows = [
        [
            str(one.year),
            f"{int((plan.year == one.year).sum()):,}",
            money_words(float(cost[plan.year == one.year].sum())).text(language),
            money_words(one.fen).text(language),
        ]
        for one in plan.posed.years
    ]
    titles = [text(f"plan.{word}", language) for word in ("year", "parcels", "cost_of", "budget")]
    return [table_text(titles, rows, right=[1, 2, 3])]


def _acts(plan: Plan, language: str) -> str:
    acts = plan.acts.sort_values(["cost_fen", "parcel"], ascending=[False, True]).head(_SHOWN)
    land = plan.options.land
    parks = [] if land.parks is None else land.parks["park_name"].astype(str).tolist()
    rows = [
        [
            str(land.parcels["uid"].iloc[row["parcel"]]),
            ACT_WORDS[row["action"]].text(language),
            parks[row["park"]] if row["park"] >= 0 else "—",
            area_text(row["land"] / 100, language),
            money_words(row["cost_fen"]).text(language),
        ]
        for row in pd.DataFrame(acts).to_dict("records")
    ]
    titles = [text(f"plan.{word}", language) for word in ("parcel", "act", "park", "land", "cost_of")]
    more = len(plan.chosen) - len(rows)
    told = table_text(titles, rows, right=[4])
    return told + (f"\n\n{text('plan.more', language, count=f'{more:,}')}" if more > 0 else "")


def _weighed(plan: Plan, choices: Choices, language: str) -> list[str]:
    """What other figures cost, what other costs change, and the further plans."""
    target = plan.reached[0].target
    curve = [
        [value_words(target, one.figure).text(language), money_words(one.cost_fen).text(language)]
        for one in choices.curve
    ]
    changes = [
        [
            ACT_WORDS[one.action].text(language), f"× {one.factor:g}", money_words(one.cost_fen).text(language),
            f"{one.acts:,}", f"{one.common:.0%}",
        ]
        for one in choices.sensitivity
    ]  # fmt: skip
    plans = [
        [str(n), money_words(one.cost_fen).text(language), f"{len(one.chosen):,}", f"{one.common:.0%}"]
        for n, one in enumerate(choices.alternatives, 1)
    ]
    told = []
    for words, rows in (
        (("figure", "cost_of"), curve),
        (("act", "cost_times", "cost_of", "parcels", "common"), changes),
        (("further", "cost_of", "parcels", "common"), plans),
    ):
        titles = [text(f"plan.{word}", language) for word in words]
        told += [table_text(titles, rows, right=list(range(1, len(titles))))] if rows else []
    if plans:
        told.append(text("plan.always", language, count=f"{len(choices.always):,}"))
    if len(plans) < choices.wanted:
        told.append(text("plan.fewer", language, count=len(plans), wanted=choices.wanted))
    return told if choices.complete else [*told, text("plan.not_all_weighed", language)]


def _limits(plan: Plan, language: str) -> list[str]:
    """Limits that are used to nine tenths: what more room would help."""
    rows = []
    for limit in plan.posed.limits:
        used = limit.used(plan.taken)
        if used and used >= 0.9 * limit.capacity:
            unit = limit.kind == "budget"
            amounts = [
                money_words(one).text(language) if unit else area_text(one / 100, language)
                for one in (used, limit.capacity)
            ]
            whole = limit.kind in ("budget", "annex_quota")  # of no single place
            rows.append([LIMIT_WORDS[limit.kind].text(language), "—" if whole else limit.name, *amounts])
    titles = [text(f"plan.{word}", language) for word in ("limit", "of", "used", "capacity")]
    return [table_text(titles, rows, right=[2, 3])] if rows else []
