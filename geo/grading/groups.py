"""Who is judged with whom (亩均论英雄 分组): groups of firms, exemptions, tenants and owners, firms of one parcel.

Reads the firms' own columns and their links to parcels; computes no score. What a condition asks of a firm
and nobody knows is not guessed: such a firm is in no group, and the reason is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.grading.cells import dates, flags, numbers
from geo.grading.rules import Group, RuleSet, Who
from geo.grouping import linked
from layers.errors import ProjectError, StandardError, first
from layers.units import convert, to_tally

__all__ = ["Following", "exempted", "owners_of", "sort_into_groups", "units_of", "why_in_no_group"]

_FACTS = {
    "scale": ("规模（规上/规下）", "scale (above or below the threshold)"),
    "land": ("用地面积", "land used"),
    "own_land": ("登记用地面积", "registered land"),
}


def sort_into_groups(firms: pd.DataFrame, rules: RuleSet) -> npt.NDArray[np.intp]:
    """Return the group of each firm (企业分组), by its place in `rules.groups`; −1 where it fits none.

    Raises
    ------
    ProjectError
        A firm fits two groups; firms and groups are named.
    """
    fits = _fits(firms, rules)
    sure = np.column_stack([one.fillna(value=False).to_numpy(dtype=bool) for one in fits])
    twice = sure.sum(axis=1) > 1
    if twice.any():
        rows = np.flatnonzero(twice)
        names = first(firms["firm_id"].iloc[rows])
        groups = ", ".join(rules.groups[i].id for i in np.flatnonzero(sure[rows[0]]))
        raise ProjectError(
            f"Rule set {rules.where}: {len(rows)} of {len(firms)} firms fit more than one group: {names} "
            f"(the first: {groups}). Expected one group a firm; make the conditions in `who` exclude each other.",
            f"评价规则 {rules.where}：{len(firms)} 家企业中有 {len(rows)} 家同时属于多个组：{names}（首家：{groups}）。"
            "每家企业只能属于一个组；请修改 who 中的条件，使其互斥。",
        )
    return np.where(sure.any(axis=1), sure.argmax(axis=1), -1)


def why_in_no_group(firms: pd.DataFrame, rules: RuleSet) -> pd.DataFrame:
    """Say of firms that fit no group why: `reason_zh`, `reason_en`."""
    facts = _facts(firms, rules.where)
    undecided = np.column_stack([one.isna().to_numpy(dtype=bool) for one in _fits(firms, rules)]).any(axis=1)
    asked = {name for group in rules.groups for name in _asked(group.who)}
    # Few facts make few kinds of gaps: one sentence a kind.
    gaps = np.column_stack([facts[name].isna().to_numpy() & undecided & (name in asked) for name in _FACTS])
    kinds, kind = np.unique(gaps, axis=0, return_inverse=True)
    sentences = [_gap([name for name, gap in zip(_FACTS, row, strict=True) if gap]) for row in kinds]
    return pd.DataFrame([sentences[i] for i in kind.ravel()], columns=["reason_zh", "reason_en"], index=firms.index)


def _gap(names: Sequence[str]) -> tuple[str, str]:
    if not names:
        return "不符合任何一组的条件", "fits the conditions of no group"
    zh, en = zip(*(_FACTS[name] for name in names), strict=True)
    return f"无法分组，缺少：{'、'.join(zh)}", f"in no group, not known: {', '.join(en)}"


def _fits(firms: pd.DataFrame, rules: RuleSet) -> list[pd.Series]:
    facts = _facts(firms, rules.where)
    return [_belongs(group.who, facts) for group in rules.groups]


def _facts(firms: pd.DataFrame, where: str) -> pd.DataFrame:
    """What conditions ask of each firm; land in whole steps of 0.01 m², as it is counted everywhere."""
    blank = pd.Series(np.nan, index=firms.index)
    registered = numbers(firms, "land_registered_m2", where) if "land_registered_m2" in firms else blank
    leased = numbers(firms, "land_leased_in_m2", where) if "land_leased_in_m2" in firms else blank
    # As for the land used: a part that is blank counts 0 once another part is reported.
    own = (registered.fillna(0.0) > 0).astype("boolean").mask(registered.isna() & leased.isna())
    scale = firms["scale"].astype("string") if "scale" in firms else blank.astype("string")
    used = firms["land_used_m2"].astype("float64")
    steps = pd.Series(to_tally(used.fillna(0.0), "m2"), index=firms.index, dtype="Int64")
    return pd.DataFrame({"scale": scale, "land": steps.mask(used.isna()), "own_land": own})


def _asked(who: Who) -> set[str]:
    land = who.land_at_least_mu is not None or who.land_below_mu is not None
    asked = {"scale": who.scale is not None, "land": land, "own_land": who.own_land is not None}
    return {name for name, yes in asked.items() if yes}


def _belongs(who: Who, facts: pd.DataFrame) -> pd.Series:
    """Whether each firm meets all conditions; missing where that hangs on something nobody knows."""
    met = pd.Series(True, index=facts.index, dtype="boolean")
    if who.scale is not None:
        met &= (facts["scale"] == who.scale).astype("boolean")
    if who.land_at_least_mu is not None:
        met &= facts["land"] >= _steps_of(who.land_at_least_mu)
    if who.land_below_mu is not None:
        met &= facts["land"] < _steps_of(who.land_below_mu)
    if who.own_land is not None:
        met &= facts["own_land"] == who.own_land
    return met


def _steps_of(mu: float) -> int:
    """Round a limit as land is rounded: 5 mu are 3333.33 m², and a firm that has them has 5 mu."""
    return int(to_tally([convert(float(mu), "mu", "m2")], "m2")[0])


def exempted(
    group: Group, members: pd.DataFrame, year: int | None, where: str
) -> tuple[npt.NDArray[np.intp], dict[str, int]]:
    """Return which exemption (不参评) applies to each firm first, and how many cells are blank.

    A date counts when it lies less than so many years before 31 December of the data year.

    Returns
    -------
    exemption : array of int, shape (n,)
        A place in the group's list; −1 for none.
    blank : dict
        Column → firms that leave it blank; it exempts none of them.

    Raises
    ------
    ProjectError
        A column is not there or holds something else, or ages are asked and the year is not known.
    """
    found = np.full(len(members), -1)
    blank: dict[str, int] = {}
    for row, one in enumerate(group.exemptions):
        if one.less_than_years is None:
            told = flags(members, one.column, where)
            applies = told.fillna(value=False).to_numpy(dtype=bool)
        else:
            begins = _born_after(one.less_than_years, year, group, where)
            told = dates(members, one.column, where)
            applies = (told > begins).to_numpy(dtype=bool)
        blank[one.column] = int(told.isna().sum())
        found = np.where((found < 0) & applies, row, found)
    return found, blank


def _born_after(years: float, year: int | None, group: Group, where: str) -> pd.Timestamp:
    if year is None:
        raise ProjectError(
            f"Rule set {where}: group {group.id} exempts by the age of firms, and the data have no year. "
            "Give the year of the data.",
            f"评价规则 {where}：{group.id} 组按年限豁免，但数据没有年份。请给出数据年份。",
        )
    return pd.Timestamp(date(year, 12, 31)) - pd.DateOffset(months=round(years * 12))


class Following(NamedTuple):
    """Who follows whom among n firms."""

    #: The owner each pure tenant follows, as a row of all firms; −1 for whoever follows nobody.
    owner: npt.NDArray[np.intp]
    #: Pure tenants whose owner is not among the firms, or not known.
    alone: npt.NDArray[np.bool_]


def owners_of(rows: npt.NDArray[np.intp], links: pd.DataFrame | None, group: Group) -> Following:
    """Return the owner (产权人) each pure tenant follows.

    A pure tenant rents and owns no parcel. On several parcels it follows the owner of the one where it rents most.
    """
    own = _links(links, group)
    relation = own["relation"].astype("string")
    holds = own[(relation == "owner").fillna(value=False).to_numpy(dtype=bool)]
    rents = own[(relation == "tenant").fillna(value=False).to_numpy(dtype=bool)]
    rents = rents[rents["firm"].isin(rows) & ~rents["firm"].isin(holds["firm"])]
    pairs = rents.merge(holds[["firm", "parcel", "land_area_m2"]], on="parcel", suffixes=("", "_owner"))
    pairs = pairs.sort_values(
        ["firm", "land_area_m2", "land_area_m2_owner", "parcel", "firm_owner"],
        ascending=[True, False, False, True, True],
    ).drop_duplicates("firm")
    found = pd.Series(pairs["firm_owner"].to_numpy("int64"), index=pairs["firm"].to_numpy("int64"), dtype="int64")
    owner = found.reindex(rows, fill_value=-1).to_numpy("intp")
    return Following(owner, np.isin(rows, rents["firm"].to_numpy("int64")) & (owner < 0))


def units_of(
    rows: npt.NDArray[np.intp], apart: npt.NDArray[np.bool_], links: pd.DataFrame | None, group: Group
) -> npt.NDArray[np.intp]:
    """Number what is judged as one: each firm, or by the parcel method (地块评价法) all firms that share parcels.

    Firms that share a parcel with the same third firm belong together too, where all are of one group; conditions of
    a group are asked of each firm by itself. Firms `apart` stand alone.
    """
    alone = np.arange(len(rows))
    if group.method == "enterprise":
        return alone
    pairs = _links(links, group)
    place = pd.Series(alone, index=rows)
    pairs = pairs[pairs["firm"].isin(rows[~apart])]
    parcel, parcels = pd.factorize(pairs["parcel"])
    if not len(parcels):
        return alone
    label = linked(place[pairs["firm"]].to_numpy(), parcel + len(rows), len(rows) + len(parcels))
    return np.asarray(np.unique(label[: len(rows)], return_inverse=True)[1], dtype=np.intp)


def _links(links: pd.DataFrame | None, group: Group) -> pd.DataFrame:
    if links is None:
        raise StandardError(
            f'Group {group.id}: method = "parcel" and tenants_follow_owner need to know which firm is on which parcel. '
            "Give the links of attach_firms, from holdings or parcel ids.",
            f"{group.id} 组：地块评价法和 tenants_follow_owner 需要企业与地块的对应关系。"
            "请提供 attach_firms 的 links（来自 holdings 或地块编号）。",
        )
    return links
