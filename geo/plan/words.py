"""Sentences of a plan: why a target cannot be met, and what would help (`reason`).

In both languages, since they stand in `results.json`, on the terminal and in the report alike. Knows no layout.
"""

from __future__ import annotations

from collections.abc import Mapping

from geo.plan.planning import Plan
from geo.plan.reaching import Obstacle
from geo.plan.targets import Target
from layers.errors import Words
from layers.units import convert, from_tally, label

__all__ = ["ACT_WORDS", "LIMIT_WORDS", "asked_words", "bound_words", "money_words", "reason", "value_words"]

ACT_WORDS: Mapping[str, Words] = {
    "retire": Words("retire", "关停退出"),
    "relocate": Words("relocate into a park", "搬迁入园"),
    "annex": Words("annex to a park", "划入园区"),
    "intensify": Words("intensify", "提容增效"),
    "infill": Words("infill vacant park land", "园内空地利用"),
}

LIMIT_WORDS: Mapping[str, Words] = {
    "vacant_land": Words("vacant land in the parks", "园区可供用地"),
    "annex_quota": Words("the land that may be annexed", "可划入园区的用地指标"),
    "district_quota": Words("the districts' quotas", "各区县处置用地上限"),
    "budget": Words("the budget", "预算"),
    "remainder": Words("the land that has to remain", "须保留的用地"),
    "difference": Words("the difference asked of further plans", "备选方案的差异要求"),
}


def value_words(target: Target, value: float | None, more: int = 0) -> Words:
    """Return a value of a target's indicator as people write it, with so many `more` digits."""
    if value is None:
        return Words("no value", "无数值")
    if target.indicator.percent:
        told = f"{value:.{2 + more}%}"
        return Words(told, told)
    told = f"{value:,.{4 + more}g}"
    unit = target.indicator.unit
    if unit == "1":
        return Words(told, told)
    times = "× " if label(unit, "en")[:1].isdigit() else ""
    return Words(f"{told} {times}{label(unit, 'en')}", f"{told} {label(unit, 'zh')}")


def _told_apart(target: Target, value: float | None) -> tuple[Words, Words]:
    """Return the figure asked and a value that falls short of it, with as many digits as tell one from the other."""
    for more in range(8):
        asked, told = value_words(target, target.figure, more), value_words(target, value, more)
        if asked != told:
            break
    return asked, told


def asked_words(target: Target) -> Words:
    """Return what a target asks: indicator, place and figure."""
    en, zh = value_words(target, target.figure)
    where_en, where_zh = (f" of {target.scope_name}", target.scope_name) if target.level != "city" else ("", "全市")
    if target.level == "zones":
        where_en, where_zh = " of all zones", "各开发区合计"
    more_en, more_zh = ("at least", "不低于") if target.at_least else ("at most", "不高于")
    entry = target.indicator
    return Words(f"{entry.title_en}{where_en} {more_en} {en}", f"{where_zh}{entry.title_zh}{more_zh} {zh}")


def money_words(fen: float, more: int = 0) -> Words:
    """Return an amount as people write it: 亿元 or 万元; million yuan; with so many `more` digits."""
    cny, digits = fen / 100, 2 + more
    zh = f"{cny / 1e8:,.{digits}f} 亿元" if abs(cny) >= 1e8 else f"{cny / 1e4:,.{digits}f} 万元"
    return Words(f"{cny / 1e6:,.{digits}f} million CNY", zh)


def bound_words(plan: Plan) -> Words:
    """Return the bound of a plan's cost, with as many digits as tell it from the cost, if a few do."""
    for more in range(4):
        told = money_words(plan.bound_fen, more)
        if told.zh != money_words(plan.cost_fen, more).zh:
            return told
    return money_words(plan.bound_fen)


def reason(plan: Plan) -> Words | None:
    """Return why there is no plan, in a sentence that names what binds and what would help; None where there is one."""
    if plan.status == "unknown":
        return Words(
            "No plan was found in the time given, and none is excluded. Raise plan.seconds.",
            "在给定时间内没有找到方案，也不能断定不存在。请提高 plan.seconds。",
        )
    if plan.short_of is None:
        return None
    target = plan.short_of
    asked, most = _told_apart(target, plan.best)
    what_en = f"{target.indicator.title_en} cannot reach {asked.en}: "
    what_zh = f"{target.indicator.title_zh}达不到 {asked.zh}："
    edge_en, edge_zh = ("at most", "至多") if target.at_least else ("at best", "至少仍为")
    far = (
        Words(f"{edge_en} {most.en}", f"{edge_zh} {most.zh}")
        if plan.best is not None
        else Words("no plan holds", "没有可行方案")
    )
    why = _why(plan)
    return Words(f"{what_en}{far.en}, {why.en}", f"{what_zh}{far.zh}，{why.zh}")


def _why(plan: Plan) -> Words:
    if plan.obstacles:
        told = [_obstacle(plan, one) for one in plan.obstacles]
        return Words(
            "because of " + "; or of ".join(one.en for one in told) + ".",
            "受限于" + "；或".join(one.zh for one in told) + "。",
        )
    acts = list(dict.fromkeys(plan.options.table["action"]))
    if not acts:
        why = _nothing_open(plan)
        return Words(f"because {why.en}.{_locked(plan).en}", f"因为{why.zh}。{_locked(plan).zh}")
    kinds = list(dict.fromkeys(limit.kind for limit in plan.problem.limits))
    if kinds:
        en = " and ".join(LIMIT_WORDS[kind].en for kind in kinds)
        zh = "、".join(LIMIT_WORDS[kind].zh for kind in kinds)
        return Words(
            f"because of {en} together and of the acts there are.{_locked(plan).en}",
            f"受限于{zh}以及可用的措施。{_locked(plan).zh}",
        )
    en, zh = ", ".join(ACT_WORDS[act].en for act in acts), "、".join(ACT_WORDS[act].zh for act in acts)
    parcels = plan.options.table["parcel"].nunique()
    return Words(
        f"even if all that is allowed ({en}) is done on all {parcels:,} parcels it is open to.{_locked(plan).en}",
        f"即使对全部 {parcels:,} 个可处置地块采取允许的措施（{zh}）。{_locked(plan).zh}",
    )


def _nothing_open(plan: Plan) -> Words:
    """Tell why no act is open to any parcel, and which setting opens some."""
    site = plan.options.site
    open_to, outside, candidates = (int(one.sum()) for one in (site.may_go, site.scattered, site.candidate))
    if open_to:
        return Words(
            f"none of the acts allowed is open to the {open_to:,} parcels that may be acted on, or brings the target "
            "nearer; plan.actions may allow others",
            f"{open_to:,} 个可处置地块都没有可采取的措施，或措施无助于目标；可在 plan.actions 中增加措施",
        )
    return Words(
        f"no parcel may be acted on: {outside:,} industrial parcels lie mostly outside every park, {candidates:,} are "
        "low-efficiency candidates. Look at plan.parcels, plan.minimum_group_m2, plan.locks and the limits of "
        "[candidates]",
        f"没有可处置的地块：园区外工业地块 {outside:,} 个，低效用地候选 {candidates:,} 个。"
        "请检查 plan.parcels、plan.minimum_group_m2、plan.locks 和 [candidates] 的界限",
    )


def _land_words(area_m2: float) -> Words:
    """Return land in mu and m²: quotas are stated in m², and read in mu."""
    mu = convert(area_m2, "m2", "mu")
    return Words(f"{mu:,.2f} mu ({area_m2:,.0f} m²)", f"{mu:,.2f} 亩（{area_m2:,.0f} 平方米）")


def _locked(plan: Plan) -> Words:
    """Tell of parcels that are locked out."""
    out = [lock.parcel for lock in plan.options.locks if not lock.must]
    if not out:
        return Words("", "")
    names = plan.options.land.parcels["uid"].iloc[out[:5]].astype(str).tolist()
    more = ", …" if len(out) > 5 else ""
    return Words(
        f" Locked out: {len(out)} parcels ({', '.join(names)}{more}).",
        f"锁定为不处置的地块 {len(out)} 个（{'、'.join(names)}{more}）。",
    )


def _obstacle(plan: Plan, one: Obstacle) -> Words:
    """Name one limit, how much of it there is, and what would be enough."""
    name = LIMIT_WORDS[one.kind]
    mine = [limit for limit in plan.posed.limits if limit.kind == one.kind]
    there = sum(limit.capacity for limit in mine)
    needs = 0 if one.chosen is None else sum(limit.used(one.chosen) for limit in mine)
    if one.kind == "budget" and needs <= there:
        return _years_obstacle(plan, needs)
    if one.kind == "budget":
        has, enough, lacks = money_words(there), money_words(needs), money_words(needs - there)
        return Words(
            f"{name.en} of {has.en} (enough would be {enough.en}, which is {lacks.en} more)",
            f"{name.zh} {has.zh}（{enough.zh}即可，尚缺 {lacks.zh}）",
        )
    has, needed = (_land_words(float(from_tally(steps, "m2"))) for steps in (there, needs))
    cost = money_words(one.cost_fen or 0)
    return Words(
        f"{name.en}: {has.en} in all; without this limit a plan would use {needed.en} and cost {cost.en}",
        f"{name.zh}：合计 {has.zh}；若不受此限，所需为 {needed.zh}，成本 {cost.zh}",
    )


def _years_obstacle(plan: Plan, needs: int) -> Words:
    """Tell that the years together could pay, but no way of putting the acts into years fits."""
    whole, most = money_words(sum(one.fen for one in plan.posed.years)), max(one.fen for one in plan.posed.years)
    largest, enough = money_words(most), money_words(needs)
    return Words(
        f"the budgets by year: {whole.en} in all would pay for a plan of {enough.en}, but every act, or group that "
        f"acts together, lies in one year, of which the largest has {largest.en}; raise one year's budget, or state "
        "plan.budget_cny for all years",
        f"分年预算：总额 {whole.zh}足以支付 {enough.zh}的方案，但每项措施（以连片为单元时为每个连片）须在同一年内完成，"
        f"最大的年度预算为 {largest.zh}；请提高某一年的预算，或改用 plan.budget_cny 给出总额",
    )
