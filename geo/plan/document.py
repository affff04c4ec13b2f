"""A plan as other programs read it: `plan` of `results.json`, and `options.csv`, every act the planner could choose.

From these two anybody can verify a plan and its bound without us: the plan's acts are rows of the options, sums are
told before and after, and the prices are those the bound is made of (see `geo.plan.problem.Problem.bound`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.indicators import Indicator
from geo.plan.choices import Choices
from geo.plan.planning import Plan, Reached
from geo.plan.words import reason
from layers.units import from_tally, tally_scale

__all__ = ["options_table", "plan_document", "write_options"]

#: Text that a spreadsheet would run starts like this.
_RUNS = r"^\s*(?:[=+@\t\r]|-(?![\d.,]+\s*$))"


def options_table(plan: Plan) -> pd.DataFrame:
    """Return every act the planner could choose.

    Returns
    -------
    DataFrame
        `option_id`, `parcel_id` (unique: of several parcels of one id the second is ``ID (2)``), `action`, `park_id`
        (missing where no park is concerned), `cost_cny`, the changes of the main target's two sums (`numerator_m2`,
        `denominator_m2`; other units where the indicator has others), `uses_vacant_m2`, `land_m2`, `district`,
        `chosen`, for each further target `numerator_2_…`, `denominator_2_…`, and where whole groups act `group`
        (missing: the parcel is one of its own).
    """
    table, land = plan.options.table, plan.options.land
    park = table["park"].to_numpy("int64")
    ids = [] if land.parks is None else land.parks["park_id"].astype(str).tolist()
    district = table["district"].to_numpy("int64")
    names = [] if land.districts is None else land.districts["district_name"].astype(str).tolist()
    told = pd.DataFrame(
        {
            "option_id": [f"O{number}" for number in range(1, len(table) + 1)],
            "parcel_id": land.parcels["uid"].astype(str).to_numpy()[table["parcel"].to_numpy("int64")],
            "action": table["action"].to_numpy(),
            "park_id": _named(park, ids),
            "cost_cny": from_tally(table["cost_fen"].to_numpy("int64"), "cny"),
        }
    )
    changes: dict[str, npt.NDArray[np.float64]] = {}
    for place, change in enumerate(plan.options.effects):
        entry, nth = change.target.indicator, "" if not place else f"_{place + 1}"
        top, below = (table[f"{side}_{place}"].to_numpy("int64") for side in ("top", "below"))
        changes[f"numerator{nth}_{entry.numerator_unit}"] = from_tally(top, entry.numerator_unit)
        changes[f"denominator{nth}_{entry.denominator_unit}"] = from_tally(below, entry.denominator_unit)
    first = list(changes)[:2]
    chosen = np.zeros(len(table), dtype=bool)
    chosen[plan.chosen] = True
    return told.assign(
        **{name: changes[name] for name in first},
        uses_vacant_m2=from_tally(table["vacant"].to_numpy("int64"), "m2"),
        land_m2=from_tally(table["land"].to_numpy("int64"), "m2"),
        district=_named(district, names),
        chosen=chosen,
        **{name: values for name, values in changes.items() if name not in first},
        **({"group": _groups(plan)} if plan.posed.grouped else {}),
    )


def _groups(plan: Plan) -> pd.Series:
    group = pd.Series(plan.options.site.group[plan.options.table["parcel"].to_numpy("int64")], dtype="Int64")
    return group.mask(group < 0)


def _named(rows: npt.NDArray[np.int64], names: list[str]) -> pd.Series:
    return pd.Series([names[row] if row >= 0 else None for row in rows.tolist()], dtype="str")


def write_options(table: pd.DataFrame, path: Path) -> None:
    """Write the options for scripts: UTF-8 without mark; still no cell that a spreadsheet would run."""
    told = table.assign(chosen=table["chosen"].astype("int64"))
    for column in ("parcel_id", "park_id", "district"):
        text = told[column].astype("string")
        told[column] = text.mask(text.str.match(_RUNS).fillna(value=False), "'" + text)
    told.to_csv(path, index=False, encoding="utf-8", lineterminator="\r\n")


def plan_document(
    plan: Plan, table: pd.DataFrame | None = None, language: str = "zh", choices: Choices | None = None
) -> dict[str, Any]:
    """Return a plan as `results.json` carries it; `table` as `options_table` gives it, `choices` what was weighed."""
    options = options_table(plan) if table is None else table
    taken = options.iloc[plan.chosen].drop(columns=["chosen", "district"])
    if len(plan.year):
        taken = taken.assign(year=plan.year)
    main, has_plan = plan.reached[0], plan.status in ("optimal", "feasible", "closest")
    why = reason(plan)
    document: dict[str, Any] = {
        "status": plan.status,
        "indicator": main.target.indicator.id,
        "scope": _scope(main),
        "at_least" if main.target.at_least else "at_most": main.target.figure,
        "unit": main.target.indicator.unit_label,
        "policy": main.target.source,
        "clause": main.target.clause,
        "cost_cny": plan.cost_fen / 100 if has_plan else None,
        "bound_cny": plan.bound_fen / 100 if np.isfinite(plan.bound_fen) else None,
        "bound_by": None if not np.isfinite(plan.bound_fen) else "solver" if plan.by_solver else "prices",
        "bound_of_prices_cny": None if plan.prices is None else plan.problem.bound(plan.prices) / 100,
        "gap": plan.gap,
        "before": main.before,
        "after": main.after if has_plan else None,
        "reason": None if why is None else why.text(language),
        "reason_zh": None if why is None else why.zh,
        "reason_en": None if why is None else why.en,
        "best": plan.best,
        "targets": [_target(plan, place) for place in range(len(plan.reached))],
        "costs": {
            "placeholders": plan.options.placeholders,
            "by_act": {
                act: {"cny_per_m2": cost.cny_per_m2, "cny_per_floor_m2": cost.cny_per_floor_m2}
                for act, cost in plan.options.costs.items()
            },
        },
        "options": len(options),
        "limits": _limits(plan),
        "prices": _prices(plan),
        "obstacles": [
            {"kind": one.kind, "cost_cny": None if one.cost_fen is None else one.cost_fen / 100}
            for one in plan.obstacles
        ],
        "locks": _locks(plan),
        "notes": [note.text(language) for note in plan.options.notes],
        "by_action": _by_action(plan),
        **({} if choices is None else _weighed(plan, choices, options)),
        "actions": taken.astype(object).where(taken.notna(), None).to_dict("records"),
    }
    return document


def _scope(one: Reached) -> dict[str, str]:
    return {"level": one.target.level, "id": one.target.scope_id, "name": one.target.scope_name}


def _target(plan: Plan, place: int) -> dict[str, Any]:
    one, change = plan.reached[place], plan.options.effects[place]
    entry: Indicator = one.target.indicator
    acts = plan.acts
    sums: dict[str, Any] = {}
    for name, side, unit in (
        ("numerator", change.top, entry.numerator_unit),
        ("denominator", change.below, entry.denominator_unit),
    ):
        moved = int(acts[f"{'top' if name == 'numerator' else 'below'}_{place}"].sum())
        before, after = from_tally(np.array([side.now, side.now + moved]), unit).tolist()
        sums |= {f"{name}_before": before, f"{name}_after": after, f"{name}_unit": unit}
    return {
        "indicator": entry.id,
        "scope": _scope(one),
        "at_least" if one.target.at_least else "at_most": one.target.figure,
        "unit": entry.unit_label,
        "policy": one.target.source,
        "clause": one.target.clause,
        **sums,
        "before": one.before,
        "after": one.after,
        "met": one.met,
    }


def _limits(plan: Plan) -> list[dict[str, Any]]:
    """Every limit, how much of it the plan uses, and what more of it would be worth (yuan a unit)."""
    below = [change.target.indicator.denominator_unit for change in plan.options.effects]
    units = {f"{one.target.indicator.id} {n}": below[n - 1] for n, one in enumerate(plan.reached, 1)}
    prices = (
        {}
        if plan.prices is None
        else dict(
            zip(((limit.kind, limit.name) for limit in plan.problem.limits), plan.prices.limits.tolist(), strict=True)
        )
    )
    told = []
    for limit in plan.posed.limits:
        unit = "cny" if limit.kind == "budget" else units[limit.name] if limit.kind == "remainder" else "m2"
        used, capacity = from_tally(np.array([limit.used(plan.taken), limit.capacity]), unit).tolist()
        price = prices.get((limit.kind, limit.name), 0.0) * tally_scale(unit) / 100  # of fen a step
        told.append(
            {"kind": limit.kind, "name": limit.name, "unit": unit, "capacity": capacity, "used": used, "price": price}
        )
    return told


def _prices(plan: Plan) -> list[dict[str, Any]]:
    """What a unit of gain (Δnumerator − figure · Δdenominator) of each target is worth at the margin (yuan)."""
    if plan.prices is None:
        return []
    return [
        {
            "indicator": one.name,
            "cny_per_unit_of_gain": worth * tally_scale(change.target.indicator.numerator_unit) / 100,
        }
        for one, change, worth in zip(
            plan.problem.requirements, plan.options.effects, plan.prices.requirements.tolist(), strict=True
        )
    ]


def _locks(plan: Plan) -> list[dict[str, Any]]:
    uids = plan.options.land.parcels["uid"].astype(str)
    return [
        {
            "parcel_id": uids.iloc[lock.parcel], "lock": "in" if lock.must else "out", "author": lock.author,
            "date": lock.date, "reason": lock.reason,
        }
        for lock in plan.options.locks
    ]  # fmt: skip


def _weighed(plan: Plan, choices: Choices, options: pd.DataFrame) -> dict[str, Any]:
    """Further plans, what every plan needs, what other figures and other costs would mean."""
    uids = plan.options.land.parcels["uid"].astype(str)
    ids = options["option_id"].to_numpy()
    return {
        "alternatives": [
            {
                "cost_cny": one.cost_fen / 100,
                "after": [each.after for each in one.reached],
                "common": one.common,
                "option_ids": ids[plan.posed.rows(one.chosen)].tolist(),
            }
            for one in choices.alternatives
        ],
        "alternatives_wanted": choices.wanted,
        "in_every_plan": uids.iloc[choices.always].tolist(),
        "curve": [
            {"figure": one.figure, "cost_cny": one.cost_fen / 100, "bound_cny": one.bound_fen / 100}
            for one in choices.curve
        ],
        "sensitivity": [
            {
                "action": one.action, "cost_factor": one.factor, "cost_cny": one.cost_fen / 100, "acts": one.acts,
                "common": one.common,
            }
            for one in choices.sensitivity
        ],
        "weighed_completely": choices.complete,
    }  # fmt: skip


def _by_action(plan: Plan) -> list[dict[str, Any]]:
    """How many acts of each kind, on how much land, at what cost."""
    told = []
    for act, rows in plan.acts.groupby("action", sort=False):
        land, cost = int(rows["land"].sum()), int(rows["cost_fen"].sum())
        told.append({"action": str(act), "parcels": len(rows), "land_m2": land / 100, "cost_cny": cost / 100})
    return told
