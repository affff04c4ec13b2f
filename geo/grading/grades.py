"""Grading of firms (亩均论英雄): scores, ranks and grades by a rule set, and what a firm lacks for the next grade.

A firm belongs to one group, is scored against the group's benchmarks, ranked and classed; firms that are exempt,
that fit no group or lack a value stand in the table all the same, with the reason. Land used is registered −
leased out + leased in, as `geo.firms` has it. One group is judged by `geo.grading.judging`: who with whom
(`geo.grading.groups`), scores (`geo.grading.scores`), classes (`geo.grading.classes`). Opens no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from geo.firms import Firms, attach_firms, pick_year
from geo.grading.groups import sort_into_groups
from geo.grading.judging import judge
from geo.grading.notes import notes_of, notes_of_rules
from geo.grading.rules import RuleSet
from geo.grading.tables import contributions_of, needs_of, table_of
from geo.land import Land
from layers.errors import ProjectError, StandardError, Words, first
from layers.showing import show

__all__ = ["Grades", "firms_to_grade", "grade", "grade_years"]


@dataclass(frozen=True)
class Grades:
    """The answer of `grade`.

    Attributes
    ----------
    rules : RuleSet
    year : int or None
        Year of the data.
    table : DataFrame
        One row a firm, in the order of the firms: `firm_id`, `firm_name`, `group` (missing for none), `score`,
        `rank` (among the ranked of its group), `grade` (``exempt`` for exempt firms), `reason` (a code, missing
        where there is nothing to say), `reason_zh`, `reason_en`.
    contributions : DataFrame
        One row a firm × indicator, by group: `firm` (row of `table`: an id may stand twice), `firm_id`, `group`,
        `indicator`, `value`, `benchmark`, `unit` (of both), `weight`, `score`, `capped`, `floored`, `missing` (the
        policy applied, missing where there is a value).
    needs : DataFrame
        One row a firm × indicator, for firms that a better grade lies open to: `firm`, `firm_id`, `group`, `grade`,
        `next_grade`, `score`, `score_needed` (as scores are compared), `lacking`, `indicator`, `value`,
        `value_needed` (with this value alone the next grade is reached, others unchanged; missing where the cap, or a
        veto, forbids), `unit`, `barred` (a veto stands in the way).
    told : tuple of Words
        What was assumed and what was left out, in English and Chinese.
    published : DataFrame or None
        `counts` of a public version, whose `table` is empty; `firms` is missing where it is withheld.

    In the two long tables words (group, indicator, unit, grade, policy) are categories.
    """

    rules: RuleSet
    year: int | None
    table: pd.DataFrame
    contributions: pd.DataFrame
    needs: pd.DataFrame
    told: tuple[Words, ...]
    published: pd.DataFrame | None = None

    @property
    def counts(self) -> pd.DataFrame:
        """How many firms have which grade, by group: `group`, `grade`, `firms`; "—" for none."""
        if self.published is not None:
            return self.published
        named = self.table[["group", "grade"]].fillna("—")
        return named.groupby(["group", "grade"], sort=True).size().rename("firms").reset_index()

    def __str__(self) -> str:
        lines = [f"{self.rules.title_zh} / {self.rules.title_en}"]
        lines += [f"  {row.group}  {row.grade}  {row.firms}" for row in self.counts.itertuples()]
        return "\n".join([*lines, *(f"  · {note.zh}\n    {note.en}" for note in self.told)])

    def _repr_html_(self) -> str:
        return show(self.table, str(self))._repr_html_()


def grade(firms: pd.DataFrame, rules: RuleSet, year: int | None = None, links: pd.DataFrame | None = None) -> Grades:
    """Grade firms by their yield a mu (亩均论英雄评价): score, rank, grade, and what the next grade asks.

    score = Σ (value ÷ benchmark × weight) × factor + bonus − malus

    Parameters
    ----------
    firms : DataFrame
        `Firms.firms` (m², yuan, tce, kWh, t) and the columns the rule set names, see `firms_to_grade`.
    rules : RuleSet
        From `geo.grading.sets`.
    year : int, optional
        Year of the data; ages of firms are reckoned from its last day.
    links : DataFrame, optional
        `Firms.links`: `firm` and `parcel` (rows), `relation`, `land_area_m2`. Needed by the parcel method and where
        tenants follow the owner.

    Returns
    -------
    Grades
        Score missing where a value is and the rule refuses to do without, and for firms in no group. Grade missing
        where the rule has no classes. With the parcel method every firm has the score of its parcels' firms together.

    Raises
    ------
    StandardError
        A benchmark of a template is not set, or links are asked for and not there.
    ProjectError
        A firm fits two groups, or a column the rules name is missing or holds something else.

    Notes
    -----
    An exempt firm is scored, but neither ranked nor classed, and stands alone by the parcel method. A veto lowers
    the grade of the firm itself; the place it leaves is given to nobody.

    References
    ----------
    浙政发〔2018〕5号 leaves weights, benchmarks and classes to the counties; formula: Huangyan, data of 2021 and 2022.

    Examples
    --------
    30 万元 of tax on 3 mu against a benchmark of 20 万元/亩, and a firm that reports no tax:

    >>> from geo.grading.sets import rules_from_project
    >>> rules = rules_from_project({"above": {"tax_per_mu": {"weight": 100, "benchmark": 20}}},
    ...                            [{"grade": "A", "score_at_least": 90}, {"grade": "B"}])
    >>> firms = pd.DataFrame({"firm_id": ["F1", "F2"], "firm_name": ["一厂", "二厂"], "scale": "above",
    ...                       "tax_cny": [300_000.0, None], "land_used_m2": [2000.0, 2000.0]})
    >>> answer = grade(firms, rules)
    >>> answer.table[["firm_id", "score", "grade", "reason"]].values.tolist()[0][:3]
    ['F1', 50.0, 'B']
    >>> answer.needs["value_needed"].tolist()
    [18.0]
    >>> answer.table["reason_en"][1]
    'no score, not known: Tax per mu'
    """
    _refuse_unfinished(rules)
    firms = firms.reset_index(drop=True)
    number = sort_into_groups(firms, rules)
    judged = [
        judge(group, firms, np.flatnonzero(number == place), year, links, rules.where)
        for place, group in enumerate(rules.groups)
    ]
    return Grades(
        rules=rules,
        year=year,
        table=table_of(firms, number, rules, judged),
        contributions=contributions_of(firms, judged),
        needs=needs_of(firms, judged),
        told=(
            *notes_of_rules(rules, year, int((number < 0).sum())),
            *(note for one in judged for note in notes_of(one)),
        ),
    )


def _refuse_unfinished(rules: RuleSet) -> None:
    unset = [f"{group.id}.{one.indicator}" for group in rules.groups for one in group.criteria if one.benchmark is None]
    if unset:
        raise StandardError(
            f"Rule set {rules.where}: benchmark missing: {first(unset, 20)}. It is a template; expected a benchmark "
            "for every indicator. Copy the file, set the benchmarks of your place and year, and name the copy in "
            "grade.rules.",
            f"评价规则 {rules.where}：缺少基准值：{first(unset, 20)}。这是模板，每个指标都应有基准值。"
            "请复制该文件，填入本地当年的基准值，并在 grade.rules 中指明。",
        )


def firms_to_grade(attached: Firms, enterprises: pd.DataFrame, as_of: date | None = None) -> pd.DataFrame:
    """Return the firms (企业) with the columns of the enterprises layer beside them, as rule sets may name any.

    Parameters
    ----------
    attached : Firms
        From `attach_firms(enterprises, …, as_of=as_of)`.
    enterprises : DataFrame
        The layer itself.
    as_of : date, optional
        The day `attached` was made for.

    Returns
    -------
    DataFrame
        `Firms.firms`, then the columns it has not; without geometry.

    Raises
    ------
    ValueError
        `attached` was made of other rows.
    """
    chosen, _, _ = pick_year(enterprises, as_of)
    if len(chosen) != len(attached.firms):
        raise ValueError(f"firms_to_grade: {len(attached.firms)} firms, but {len(chosen)} rows of enterprises")
    own = [name for name in chosen.columns if name not in attached.firms and name != "geometry"]
    return pd.concat([attached.firms, pd.DataFrame(chosen[own])], axis=1)


def grade_years(
    enterprises: pd.DataFrame,
    rules: RuleSet | Mapping[int, RuleSet],
    land: Land | None = None,
    holdings: pd.DataFrame | None = None,
) -> dict[int, Grades]:
    """Grade every year of the enterprises by itself (分年度评价).

    Parameters
    ----------
    enterprises : DataFrame
        Canonical layer with `year`; a row without year is of every year, as for `attach_firms`.
    rules : RuleSet or mapping
        One rule set for all years, or one a year: benchmarks change from year to year.
    land, holdings
        As for `attach_firms`.

    Returns
    -------
    dict
        Year → Grades, the oldest year first.

    Raises
    ------
    ProjectError
        The enterprises have no year.
    StandardError
        A year has no rule set.
    """
    stated = enterprises["year"] if "year" in enterprises else pd.Series(dtype="float64")
    years = sorted({int(year) for year in pd.to_numeric(stated, errors="coerce").dropna()})
    if not years:
        raise ProjectError(
            "enterprises.year: no row has a year. Expected the year of the data, to grade year by year.",
            "enterprises.year：没有任何年份。分年度评价需要数据年份。",
        )
    of_year = dict.fromkeys(years, rules) if isinstance(rules, RuleSet) else rules
    without = [year for year in years if year not in of_year]
    if without:
        raise StandardError(
            f"{len(without)} of {len(years)} years of the enterprises have no rule set: {first(without)}. "
            "Give one for each, or leave the rows out.",
            f"企业数据的 {len(years)} 个年份中有 {len(without)} 个没有评价规则：{first(without)}。"
            "请逐年给出，或剔除这些行。",
        )
    graded = {}
    for year in years:
        last = date(year, 12, 31)
        attached = attach_firms(enterprises, land, holdings, as_of=last)
        graded[year] = grade(firms_to_grade(attached, enterprises, last), of_year[year], year, attached.links)
    return graded
