"""Measures against their limits (度量与限值): absolute, a fraction of a mean, a quantile, so many years running.

A mean is of the judged parcels of the city, of the zone that holds most of the parcel, or of its industry (division);
it is one sum over another. A quantile is of the values of the same parcels, interpolated between neighbours. A parcel
outside every zone, or of no known industry, has no such limit, and that is named.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from geo.renewal.judgement import Judgement, evidence_rows
from geo.renewal.measures import MEASURES, Measure, mean, ratio
from geo.renewal.rules import Test
from geo.renewal.sources import Sources
from layers.errors import Words

__all__ = ["compare"]

#: What a parcel lacks that has no limit of its own.
_LACKING = {"zone": "zone", "industry": "industry_code"}


class _Limits(NamedTuple):
    """Limits by group, "" for the whole city, with what they are a fraction of."""

    group: pd.Series
    limit: pd.Series
    of: pd.Series


def compare(test: Test, judged: pd.Index, sources: Sources, source: str = "project") -> Judgement:
    """Compare a measure of the judged parcels with its limit (度量判断).

    Parameters
    ----------
    test : Test
        About a measure.
    judged : Index
        Rows of `Land.parcels`.
    sources : Sources
    source : str
        Where the limit comes from.

    Returns
    -------
    Judgement
        Not sought where the limit is relative and nobody tells the measure, or figures of the years asked for are
        lacking.
    """
    measure = MEASURES[test.about]
    if test.years == 1:
        return _compare(test, measure, judged, sources, source, None)
    years = sources.running(test.years)
    if not years:
        return _without_years(test, judged, sources)
    latest, *earlier = (_compare(test, measure, judged, sources, source, year) for year in years)
    found = latest.found
    for one in earlier:
        found = found & one.found
    missing = {name: found.isna() for part in (latest, *earlier) for name in part.missing}
    held = found.index[found.fillna(value=False).to_numpy(dtype=bool)]
    span = "、".join(map(str, sorted(years)))
    run = {
        "basis_zh": f"，连续 {test.years} 年（{span}）",
        "basis_en": f", {test.years} years running ({span.replace('、', ', ')})",
    }
    told = latest.told[latest.told["parcel"].isin(held)]
    told, limits = (
        rows.assign(**{name: rows[name] + text for name, text in run.items()}) for rows in (told, latest.limits)
    )
    return Judgement(found, told.reset_index(drop=True), limits, missing, latest.sought)


def _compare(
    test: Test, measure: Measure, judged: pd.Index, sources: Sources, source: str, year: int | None
) -> Judgement:
    sums = sources.sums(measure, year, test.kinds).loc[judged]
    value = ratio(measure, sums)
    limits = _limits(test, measure, sums, value, sources)
    own = limits.group.map(limits.limit).astype("float64")
    low = value < own if test.comparison == "below" else value > own
    found = low.astype("boolean").mask(value.isna() | own.isna())
    rows = found.index[found.fillna(value=False).to_numpy(dtype=bool)]
    table = _told_limits(test, measure, limits, source, sources)
    by_group = table.set_index("scope_id")
    group = limits.group.loc[rows].astype("str").to_numpy()
    told = evidence_rows(
        rows,
        measure=measure.id,
        comparison=test.comparison,
        value=value.loc[rows].to_numpy(),
        limit=own.loc[rows].to_numpy(),
        unit=measure.unit,
        source=source,
        **{name: by_group[name].reindex(group).to_numpy() for name in ("basis_zh", "basis_en")},
    )
    missing = {measure.id: value.isna()}
    if test.within in _LACKING and test.limit is None:
        missing[_LACKING[test.within]] = limits.group.isna()
    return Judgement(found, told, table.drop(columns="scope_id"), missing, bool(len(table)))


def _limits(test: Test, measure: Measure, sums: pd.DataFrame, value: pd.Series, sources: Sources) -> _Limits:
    whole = pd.Series("", index=sums.index, dtype="string")
    if test.limit is not None:
        return _Limits(whole, pd.Series({"": test.limit}), pd.Series({"": np.nan}))
    group = whole
    if test.within != "city":
        group = (sources.zone if test.within == "zone" else sources.codes.str.slice(0, 2)).loc[sums.index]
    if test.of_mean is not None:
        means = mean(measure, sums, group)
        return _Limits(group, means * test.of_mean, means)
    known = value.notna() & group.notna()
    values = value[known].groupby(group[known].astype("str"))
    return _Limits(group, values.quantile(test.quantile or 0.0), values.size())


def _told_limits(test: Test, measure: Measure, limits: _Limits, source: str, sources: Sources) -> pd.DataFrame:
    """One row a limit, with what it is made of in words."""
    rows = []
    whose = Words("the project's own", "项目设定") if source == "project" else Words(source, source)
    for group, limit, of in zip(limits.limit.index, limits.limit, limits.of, strict=True):
        basis = _basis(test, str(group), float(of), whose, sources)
        rows.append((str(group), measure.id, test.comparison, _scope(test, str(group), sources), float(limit),
                     measure.unit, source, basis.zh, basis.en))  # fmt: skip
    columns = ["scope_id", "column", "comparison", "scope", "limit", "unit", "source", "basis_zh", "basis_en"]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({"limit": "float64", **{name: "object" for name in columns if name != "limit"}})


def _scope(test: Test, group: str, sources: Sources) -> str:
    return sources.zone_names.get(group, group) if test.within == "zone" and group else group


def _basis(test: Test, group: str, of: float, whose: Words, sources: Sources) -> Words:
    if test.limit is not None:
        return Words("set in the project" if whose.zh == "项目设定" else whose.en, whose.zh)
    name = _scope(test, group, sources)
    zh = {"city": "全市工业地块", "zone": f"{name}内工业地块", "industry": f"行业 {name} 的工业地块"}[test.within]
    en = {
        "city": "the city's industrial parcels",
        "zone": f"the industrial parcels of {name}",
        "industry": f"the industrial parcels of industry {name}",
    }[test.within]
    if test.of_mean is not None:
        return Words(
            f"{whose.en}: {test.of_mean:g} × the mean {of:.4g} of {en}",
            f"{whose.zh}：{zh}平均 {of:.4g} 的 {test.of_mean:g} 倍",
        )
    return Words(
        f"{whose.en}: quantile {test.quantile:g} of {of:.0f} of {en}",
        f"{whose.zh}：{zh}（{of:.0f} 宗有数据）的 {test.quantile:g} 分位数",
    )


def _without_years(test: Test, judged: pd.Index, sources: Sources) -> Judgement:
    there = ", ".join(map(str, sources.years)) or "–"
    note = Words(
        f"{test.about}: {test.years} years running are asked for; the enterprises have figures of {there}, so it was "
        "not looked for. Add the earlier years to the enterprises, or ask for fewer.",
        f"{test.about}：要求连续 {test.years} 年，企业数据的年份为 {there}，该线索未判断。请补充往年数据，或减少年数。",
    )
    unknown = pd.Series(pd.NA, index=judged, dtype="boolean")
    return Judgement(unknown, evidence_rows(judged[:0]), sought=False, notes=(note,))
