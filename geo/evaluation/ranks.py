"""Ranks of zones by year, quarter or month (开发区排名): who stands where among its peers, and who moved.

Makes ranks where only scores are given, and says how many zones a ranking holds. Peer groups are ranked apart.
Nothing is filled silently: ties, gaps, zones without rank and ranks against the score are told. Rank 1 is the best;
a higher score is better; zones that tie share the better rank. What a rank leads to is in `geo.evaluation.years`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from geo.evaluation.year_table import Told, cell_label, gathered, settle, wrong
from layers.errors import first, nearest

__all__ = ["Ranked", "league", "rank_zones"]

_CELL = ["year", "period", "ranking", "group"]  # within one of these, zones are ranked against each other


@dataclass(frozen=True)
class Ranked:
    """A table of evaluations, settled.

    Attributes
    ----------
    rows : DataFrame
        One row a zone, year, period and ranking: `zone` (its id, else its name of today), `zone_name` (the last one
        known), `year`, `period` ("" for the whole year, Q1 … Q4, 01 … 12), `level`, `group`, `ranking`, `rank` and
        `ranked` (how many zones the ranking holds; both missing where unknown), `tied`, `score`, `grade`, `region`,
        `row` (in the table given, counted from 1). Texts are "" where missing.
    told : tuple of (str, str)
        What was assumed or looks odd, in English and in Chinese.
    """

    rows: pd.DataFrame
    told: tuple[Told, ...]


def rank_zones(evaluations: pd.DataFrame, renames: pd.DataFrame | None = None) -> Ranked:
    """Settle who is who and who stands where in a table of evaluations (年度评价排名).

    Parameters
    ----------
    evaluations : DataFrame
        One row a zone, year and ranking: `zone_name`, `year`, and where known `zone_id`, `period` (missing for the
        whole year, Q1 … Q4, a month 1 … 12), `level` (national, provincial, candidate, municipal), `group` (peer
        group), `ranking` (province, nation, city), `rank` or `score`, `ranked` (zones in the ranking, where the table
        holds a part of them), `grade` (excellent, good, qualified, failed), `region` (full name, from the province).
    renames : DataFrame, optional
        `old_name`, `new_name`, `since_year`: the first year under the new name.

    Raises
    ------
    ProjectError
        A name or year is missing, a code is unknown, a zone stands twice in one year and ranking, or has two levels in
        one; a rank is beyond the number of zones. The rows are named.

    Examples
    --------
    >>> table = pd.DataFrame({"zone_name": ["A", "B", "C"], "year": 2021, "score": [70.0, 90.0, 70.0]})
    >>> rank_zones(table).rows["rank"].tolist()
    [2, 1, 2]
    """
    rows, told = settle(evaluations, renames)
    notes: dict[str, list[Told]] = {}
    parts = [_rank_cell(cell.copy(), notes) for _, cell in rows.groupby(_CELL, sort=True)]
    ranked = (pd.concat(parts) if parts else rows.assign(tied=False)).astype({"rank": "Int64", "ranked": "Int64"})
    told += gathered(notes, _NOTES)
    return Ranked(ranked.sort_values([*_CELL, "zone"], ignore_index=True), tuple(told))


_NOTES: Mapping[str, Told] = {
    "made": ("ranks made from scores", "按得分排出名次"),
    "counted": (
        "zones of a ranking counted in the table; where it has more, say so in the column ranked",
        "参评总数按表中开发区计；如实际更多，请填写 ranked 列",
    ),
    "partial": (
        "scores of a part of the zones make no rank; give the rank",
        "只有部分开发区的得分，不能排名，请填写名次",
    ),
    "tied": ("zones share a rank, and the next ranks are left free", "名次并列（其后名次空出）"),
    "gaps": ("ranks nobody holds", "无人占有的名次"),
    "unranked": ("zones without rank, counted in no ranking", "没有名次，不计入排名"),
    "against": ("a better rank with a lower score; the rank is used", "名次在前而得分较低，以名次为准"),
}


def _rank_cell(cell: pd.DataFrame, notes: dict[str, list[Told]]) -> pd.DataFrame:
    """Rank one set of peers: by the ranks stated, else by score."""
    label = cell_label(cell.iloc[0])
    size = _stated_size(cell, label)

    def note(kind: str, what: object = "") -> None:
        notes.setdefault(kind, []).append((f"{label[0]} {what}".strip(), f"{label[1]} {what}".strip()))

    scored = cell["score"].notna()
    if cell["rank"].notna().any():
        if _against(cell):
            note("against", _against(cell))
    elif scored.any() and size is not None and size > scored.sum():
        note("partial")
    elif scored.any():
        cell["rank"] = cell["score"].rank(ascending=False, method="min").astype("Int64")
        note("made")
    known = cell[cell["rank"].notna()]
    cell["tied"] = cell["rank"].notna() & cell["rank"].duplicated(keep=False)
    if known.empty:
        return cell
    if len(known) < len(cell):
        note("unranked", first(cell.loc[cell["rank"].isna(), "zone_name"]))
    for place in sorted(set(cell.loc[cell["tied"], "rank"])):
        note("tied", f"{place} ({first(cell.loc[cell['rank'] == place, 'zone_name'])})")
    cell["ranked"] = size or max(len(known), int(known["rank"].max()))
    if size is None:
        note("counted", cell["ranked"].iloc[0])
    gaps = _gaps(known["rank"].astype(int).tolist()) if size is None else []
    if gaps:
        note("gaps", first(gaps))
    return cell


def _stated_size(cell: pd.DataFrame, label: Told) -> int | None:
    """Return how many zones the ranking holds where the table says so; refuse ranks beyond."""
    stated = sorted(set(cell["ranked"].dropna()))
    if len(stated) > 1:
        raise wrong(
            f"{label[0]}: ranked is {' and '.join(map(str, stated))}. Expected one number of zones for a ranking",
            f"{label[1]}：参评数有 {'、'.join(map(str, stated))}，同一排名应为一个数",
        )
    size = int(stated[0]) if stated else None
    held = len(cell) if size is None else size
    beyond = cell[cell["rank"] > held]
    if len(beyond):
        named = beyond.to_dict("records")[:5]
        what = ", ".join(f"{one['zone_name']} {one['rank']} (row {one['row']})" for one in named)
        what_zh = "、".join(f"{one['zone_name']} 第 {one['rank']} 位（第 {one['row']} 行）" for one in named)
        raise wrong(
            f"{label[0]}: {len(beyond)} ranks are beyond the {held} zones of the ranking: {what}. "
            "Where the table holds a part of the ranking only, say in the column ranked how many zones it has",
            f"{label[1]}：{len(beyond)} 个名次超出该排名的 {held} 个开发区：{what_zh}。"
            "如表中只列出部分开发区，请在“参评数”列填写参评总数",
        )
    if size is not None and len(cell) > size:
        raise wrong(
            f"{label[0]}: ranked says {size} zones, the table has {len(cell)}",
            f"{label[1]}：参评数为 {size} 个，表中有 {len(cell)} 个",
        )
    return size


def _against(cell: pd.DataFrame) -> str:
    """Name a pair of zones of which the better rank has the lower score; "" where there is none."""
    both = cell[cell["rank"].notna() & cell["score"].notna()].sort_values(["rank", "zone"])
    below = (both["score"].diff() > 0) & (both["rank"].diff() > 0).fillna(value=False)
    if not below.any():
        return ""
    place = int(below.to_numpy(dtype=bool).argmax())
    return " / ".join(both["zone_name"].iloc[place - 1 : place + 1])


def _gaps(ranks: Sequence[int]) -> list[int]:
    """Return the ranks nobody holds, those after a tie left out.

    Examples
    --------
    >>> _gaps([1, 2, 2, 4, 6])
    [5]
    """
    held = {place + step for place in set(ranks) for step in range(ranks.count(place))}
    return sorted(set(range(1, max(ranks) + 1)) - held)


# ---------------------------------------------------------------- league


def league(
    evaluations: pd.DataFrame, period: str | None = None, *, renames: pd.DataFrame | None = None
) -> pd.DataFrame:
    """League of a period (晾晒榜): rank by peer group, and the change on the period before.

    Parameters
    ----------
    evaluations, renames : DataFrame
        As for `rank_zones`.
    period : str, optional
        A quarter (``2023-Q2``), a month (``2023-05``) or a year (``2023``); the latest one when left out.

    Returns
    -------
    DataFrame
        One row a zone, by ranking, group and rank: `ranking`, `group`, `rank`, `ranked`, `tied`, `zone`, `zone_name`,
        `level`, `score`, `rank_change` (places up), `score_change`; changes are missing where the period right before
        has no rank or score of the zone in the same ranking and group. ``attrs["period"]`` names the period.

    Raises
    ------
    ProjectError
        The table has no row of that period; those it has are named.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "zone_name": ["A", "B", "A", "B"], "year": 2023, "period": ["Q1", "Q1", "Q2", "Q2"],
    ...     "score": [80.0, 70.0, 81.0, 90.0],
    ... })
    >>> league(table, "2023-Q2")[["rank", "zone", "score", "rank_change"]].values.tolist()
    [[1, 'B', 90.0, 1], [2, 'A', 81.0, -1]]
    """
    rows = rank_zones(evaluations, renames).rows
    period = _latest(rows) if period is None else period
    year, _, part = unicodedata.normalize("NFKC", period).strip().partition("-")
    now = rows[(rows["year"].astype(str) == year) & (rows["period"] == part.upper().zfill(2 if part.isdigit() else 0))]
    if now.empty:
        known = _periods(rows)
        like = nearest(period, known)
        raise wrong(
            f'no row is of the period "{period}"'
            + (f'; did you mean "{like}"?' if like else "")
            + f" Periods there are: {first(known, 12)}",
            f"没有期次“{period}”的行" + (f"；是否指“{like}”？" if like else "") + f"现有期次：{first(known, 12)}",
        )
    key = ["zone", "ranking", "group"]
    then_year, then_part = _before(int(now["year"].iloc[0]), str(now["period"].iloc[0]))
    then = rows[(rows["year"] == then_year) & (rows["period"] == then_part)]
    both = now.merge(then[[*key, "rank", "score"]], on=key, how="left", suffixes=("", "_before"))
    both["rank_change"] = both["rank_before"] - both["rank"]
    both["score_change"] = both["score"] - both["score_before"]
    columns = ["ranking", "group", "rank", "ranked", "tied", "zone", "zone_name", "level", "score"]
    shown = both.sort_values(["ranking", "group", "rank", "zone"], na_position="last", ignore_index=True)
    told = shown[[*columns, "rank_change", "score_change"]]
    told.attrs = {"period": period}
    return told


def _latest(rows: pd.DataFrame) -> str:
    """Return the last period of the last year; a whole year ends after its quarters and months."""
    pairs = zip(rows["year"], rows["period"], strict=True)
    year, part = max(pairs, key=lambda pair: (pair[0], _ends(str(pair[1])), pair[1]))
    return f"{year}-{part}" if part else str(year)


def _ends(part: str) -> int:
    """Return the month a period ends with; a whole year comes after them all."""
    return 13 if not part else 3 * int(part[1]) if part.startswith("Q") else int(part)


def _periods(rows: pd.DataFrame) -> list[str]:
    pairs = sorted(set(zip(rows["year"], rows["period"], strict=True)))
    return [f"{year}-{part}" if part else str(year) for year, part in pairs]


def _before(year: int, part: str) -> tuple[int, str]:
    """Return the period right before.

    Examples
    --------
    >>> _before(2023, "Q1"), _before(2023, "05"), _before(2023, "")
    ((2022, 'Q4'), (2023, '04'), (2022, ''))
    """
    if not part:
        return year - 1, ""
    if part.startswith("Q"):
        return (year - 1, "Q4") if part == "Q1" else (year, f"Q{int(part[1]) - 1}")
    return (year - 1, "12") if part == "01" else (year, f"{int(part) - 1:02}")
