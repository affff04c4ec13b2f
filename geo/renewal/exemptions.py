"""Parcels that evidence does not make candidates (豁免), and decisions by hand (人工核定): none is dropped silently.

New firms, new land and exempt industries are settings of the project; decisions by hand are a table with author, date
and reason. A decision by hand goes before the settings: ``keep`` lifts them, ``drop`` takes a parcel out, ``add`` takes
one in without evidence. A founding day or a start that is not known exempts nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from geo.renewal.idle import years_since
from geo.renewal.rules import Override, Rules
from geo.renewal.sources import Sources
from layers.errors import StandardError, first, nearest
from layers.user_tables import Row, each_row, read_rows, refuse_twice

__all__ = ["DECISIONS", "by_hand", "exempt", "of_parcels", "read_overrides"]

#: Decisions, each with what people write.
DECISIONS: Mapping[str, tuple[str, ...]] = {
    "keep": ("keep", "保留", "维持"),
    "drop": ("drop", "剔除", "排除", "移出"),
    "add": ("add", "增列", "增补", "新增"),
}
#: A slip of the finger is looked for among so many ids at most.
_MOST_LIKENED = 20_000
_TITLES: Mapping[str, tuple[str, ...]] = {
    "parcel_id": ("地块编号", "宗地编号", "宗地代码", "图斑编号"),
    "decision": ("决定", "处理", "核定结果", "核定意见"),
    "author": ("核定人", "经办人", "作者", "by"),
    "date": ("日期", "核定日期", "day"),
    "reason": ("理由", "原因", "核定理由", "依据"),
}


def read_overrides(path: str | Path) -> tuple[Override, ...]:
    """Read decisions by hand (读取人工核定表).

    Parameters
    ----------
    path : path
        Delimited text; columns parcel_id (地块编号), decision (keep 保留, drop 剔除, add 增列), author (核定人), date
        (日期, such as 2025-11-30) and reason (理由). None of them may be empty.

    Raises
    ------
    SourceError, StandardError
        The file, a column or a row cannot be used; rows are named.
    """
    rows = read_rows(path, _TITLES, list(_TITLES))
    found = each_row(rows, _override)
    refuse_twice(rows[0].file, [(one.parcel_id, f"{one.where}: {one.parcel_id}") for one in found])
    return tuple(found)


def _override(row: Row) -> Override:
    given = row.needed("decision").lower()
    decision = next((name for name, words in DECISIONS.items() if given in words), None)
    if decision is None:
        known = [word for words in DECISIONS.values() for word in words[:2]]
        like = nearest(given, known)
        raise row.wrong(
            "decision",
            f'"{given}": expected one of {", ".join(known)}'
            + (f'. Did you mean "{like}"?' if like else "").rstrip("."),
            f"“{given}”：应为 {'、'.join(known)} 之一" + (f"。是否指“{like}”？" if like else ""),
        )
    author, day, reason = (row.needed(name) for name in ("author", "date", "reason"))
    try:
        day = date.fromisoformat(day.replace("/", "-")).isoformat()
    except ValueError:
        raise row.wrong(
            "date", f'"{day}": expected a day such as 2025-11-30', f"“{day}”：应为日期，如 2025-11-30"
        ) from None
    return Override(row.needed("parcel_id"), decision, author, day, reason, row.where)


def of_parcels(overrides: Sequence[Override], facts: pd.DataFrame) -> pd.Series:
    """Return the place in `overrides` of the decision on each parcel (地块对应的核定), −1 for none.

    Parameters
    ----------
    overrides : sequence of Override
    facts : DataFrame
        Of all industrial parcels: `uid`, `parcel_id`. An id that stands twice names both, a `uid` one.

    Raises
    ------
    StandardError
        A parcel is not among the industrial ones; its row is named.

    Examples
    --------
    >>> facts = pd.DataFrame({"uid": ["p", "p (2)", "q"], "parcel_id": ["p", "p", "q"]})
    >>> of_parcels([Override("p (2)", "drop", "张", "2025-11-30", "已签约")], facts).tolist()
    [-1, 0, -1]
    """
    if not overrides:
        return pd.Series(-1, index=facts.index)
    place: dict[str, int] = {one.parcel_id: number for number, one in enumerate(overrides)}
    ids, uids = facts["parcel_id"].astype("str"), facts["uid"].astype("str")
    known = set(ids) | set(uids)
    strangers = [one for one in overrides if one.parcel_id not in known]
    if strangers:
        told = "; ".join(f"{one.where}: {one.parcel_id}" for one in strangers[:5])
        told += "; …" if len(strangers) > 5 else ""
        like = nearest(strangers[0].parcel_id, sorted(known)) if len(known) < _MOST_LIKENED else None
        raise StandardError(
            f"candidates.overrides: {len(strangers)} of {len(overrides)} decisions are on no industrial parcel of the "
            f"project ({told})."
            + (f' Did you mean "{like}"?' if like else "") + " Correct parcel_id, or take the rows out.",
            f"candidates.overrides：{len(overrides)} 项核定中有 {len(strangers)} 项没有对应的工业地块（{told}）。"
            + (f"是否指“{like}”？" if like else "") + "请更正 parcel_id 或删去这些行。",
        )  # fmt: skip
    by_id, by_uid = ids.map(place), uids.map(place)
    return by_uid.fillna(by_id).fillna(-1).astype("int64")


def exempt(facts: pd.DataFrame, rules: Rules, sources: Sources) -> pd.DataFrame:
    """Return the reason why each parcel is exempt by a setting (豁免理由).

    Parameters
    ----------
    facts : DataFrame
        Of the judged parcels.
    rules : Rules
    sources : Sources

    Returns
    -------
    DataFrame
        Index = parcels that are exempt: `code` (``new_firm``, ``new_land``, ``exempt_industry``; the first that
        holds), `reason_zh`, `reason_en`.
    """
    found = [
        _new_firm(facts, rules.new_firm_years, sources),
        _new_land(facts, rules.new_land_years, sources),
        _industry(facts, rules.exempt_industries, sources),
    ]
    table = pd.concat(found)
    return table[~table.index.duplicated()]


def _reasons(rows: pd.Index, code: str, zh: pd.Series | str, en: pd.Series | str) -> pd.DataFrame:
    return pd.DataFrame({"code": code, "reason_zh": zh, "reason_en": en}, index=rows).astype("object")


def _younger(days: pd.Series, years: float | None, sources: Sources) -> pd.Index:
    """Rows whose day lies less than so many years before the day of the data."""
    if years is None or sources.as_of is None:
        return days.index[:0]
    age = years_since(days, sources.as_of)
    return days.index[(age < years).to_numpy()]


def _new_firm(facts: pd.DataFrame, years: float | None, sources: Sources) -> pd.DataFrame:
    firms = sources.firms
    founded = pd.Series(pd.NaT, index=facts.index, dtype="datetime64[ns]")
    if years is not None and firms is not None and "founded" in firms.firms:
        main = sources.main_firm.reindex(facts.index).dropna().astype("int64")
        told = pd.to_datetime(firms.firms["founded"]).reindex(main)
        founded = pd.Series(told.to_numpy(), index=main.index).reindex(facts.index).astype("datetime64[ns]")
    rows = _younger(founded, years, sources)
    day = founded.loc[rows].dt.strftime("%Y-%m-%d")
    return _reasons(
        rows,
        "new_firm",
        "用地最多的企业成立于 " + day + f"，未满 {years or 0:g} 年",
        "the firm with most land on it was founded on " + day + f", less than {years or 0:g} years ago",
    )


def _new_land(facts: pd.DataFrame, years: float | None, sources: Sources) -> pd.DataFrame:
    started = sources.column("started", "datetime64[ns]").loc[facts.index]
    day = started.fillna(sources.column("agreed_start", "datetime64[ns]").loc[facts.index])
    rows = _younger(day, years, sources)
    told = day.loc[rows].dt.strftime("%Y-%m-%d")
    return _reasons(
        rows,
        "new_land",
        "开工（或约定开工）日期 " + told + f"，未满 {years or 0:g} 年",
        "started, or due to start, on " + told + f", less than {years or 0:g} years ago",
    )


def _industry(facts: pd.DataFrame, codes: Sequence[str], sources: Sources) -> pd.DataFrame:
    asked = tuple(code.strip().lstrip("ABCDEFGHIJKLMNOPQRSTabcdefghijklmnopqrst") for code in codes)
    if not asked:
        return _reasons(facts.index[:0], "exempt_industry", "", "")
    own = sources.codes.loc[facts.index]
    rows = facts.index[own.str.startswith(asked).fillna(value=False).to_numpy(dtype=bool)]
    told = own.loc[rows].astype("str")
    listed = first(codes, 8)
    return _reasons(
        rows,
        "exempt_industry",
        "行业 " + told + f" 属豁免行业（{listed}）",
        "industry " + told + f" is exempt ({listed})",
    )


def by_hand(overrides: Sequence[Override], place: pd.Series, decision: str) -> pd.DataFrame:
    """Return the parcels on which a decision was made (人工核定的地块): `code`, `reason_zh`, `reason_en`.

    Parameters
    ----------
    overrides : sequence of Override
    place : Series
        See `of_parcels`.
    decision : {"keep", "drop", "add"}

    Examples
    --------
    >>> made = [Override("p", "drop", "张", "2025-11-30", "已签约")]
    >>> by_hand(made, pd.Series([0, -1], index=[4, 7]), "drop")["reason_en"].to_dict()
    {4: '已签约 (张, 2025-11-30)'}
    """
    hit = np.array([one.decision == decision for one in overrides] + [False])
    rows = place.index[hit[place.to_numpy()]]
    chosen = [overrides[number] for number in place.loc[rows]]
    return _reasons(
        rows,
        f"{decision}_by_hand",
        pd.Series([f"{one.reason}（{one.author}，{one.date}）" for one in chosen], index=rows, dtype="object"),
        pd.Series([f"{one.reason} ({one.author}, {one.date})" for one in chosen], index=rows, dtype="object"),
    )
