"""A table of yearly evaluations, settled (评价结果表): codes known, numbers whole, each row given to its zone.

Knows which rows are of one zone though it changed its name: by its id, by a table of changes of name, never by
likeness. What looks like a change of name is asked, not merged. Knows no rank's meaning: see `geo.evaluation.ranks`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Hashable, Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.evaluation.year_rules import word
from geo.policy_files import LEVELS
from layers.errors import ProjectError, Words, first, nearest, table_error

__all__ = ["GRADES", "RANKINGS", "Told", "cell_label", "gathered", "settle", "wrong"]

RANKINGS = ("province", "nation", "city")
GRADES = ("excellent", "good", "qualified", "failed")

Told = tuple[str, str]  # in English, in Chinese

_NAMED = 8  # so many of one kind are named

_TEXTS = ("zone_id", "zone_name", "period", "level", "group", "ranking", "grade", "region")
_COLUMNS_ZH = {
    "zone_name": "开发区", "year": "年度", "level": "级别", "ranking": "排名范围", "rank": "名次", "ranked": "参评数",
    "grade": "评价等次",
}  # fmt: skip
_CODES: Mapping[str, tuple[str, ...]] = {"level": LEVELS, "ranking": RANKINGS, "grade": GRADES}


def settle(evaluations: pd.DataFrame, renames: pd.DataFrame | None = None) -> tuple[pd.DataFrame, list[Told]]:
    """Settle a table of evaluations (评价结果表整理); parameters and errors as for `evaluation.ranks.rank_zones`.

    Returns
    -------
    rows : DataFrame
        The columns of `evaluation.ranks.Ranked.rows`, ranks as the table states them, no ties.
    told : list of (str, str)

    Examples
    --------
    >>> table = pd.DataFrame({"zone_name": ["A", "B"], "year": [2020, 2021]})
    >>> renames = pd.DataFrame({"old_name": ["A"], "new_name": ["B"], "since_year": [2021]})
    >>> settle(table, renames)[0]["zone"].tolist()
    ['B', 'B']
    """
    told: list[Told] = []
    rows = _identified(_settled(evaluations, told), renames, told)
    _once(rows)
    return rows, told


def _settled(table: pd.DataFrame, told: list[Told]) -> pd.DataFrame:
    """Return the columns there may be, all of them: texts trimmed, codes known, numbers whole."""
    for name in ("zone_name", "year"):
        _all_there(table, name)
    rows = pd.DataFrame({"row": range(1, len(table) + 1)})
    for name in _TEXTS:
        rows[name] = [_text(cell) for cell in table[name]] if name in table else ""
    rows["year"] = [_whole(cell, "year", row) for row, cell in enumerate(table["year"], 1)]
    for name in ("rank", "ranked"):
        cells = table[name] if name in table else [None] * len(table)
        numbers = [None if pd.isna(cell) else _whole(cell, name, row) for row, cell in enumerate(cells, 1)]
        rows[name] = pd.array(numbers, dtype="Int64")
    rows["score"] = _scores(table["score"]) if "score" in table else float("nan")
    rows["period"] = [_period(text, row) for row, text in enumerate(rows["period"], 1)]
    for name, known in _CODES.items():
        _in_code(rows, name, known)
    assumed = rows["ranking"] == ""
    if assumed.any():
        told.append(
            (
                f"{assumed.sum()} of {len(rows)} rows name no ranking: taken as that of the province",
                f"{len(rows)} 行中有 {assumed.sum()} 行未注明排名范围，按全省计",
            )
        )
    return rows.assign(ranking=rows["ranking"].where(~assumed, "province"))


def _all_there(table: pd.DataFrame, name: str) -> None:
    if name not in table:
        raise wrong(f'column "{name}" is missing', f"缺少列“{_COLUMNS_ZH[name]}”（{name}）")
    empty = [row for row, cell in enumerate(table[name], 1) if not _text(cell)]
    if empty:
        raise wrong(
            f"{name} is missing in {len(empty)} of {len(table)} rows (row {first(empty)})",
            f"{len(table)} 行中有 {len(empty)} 行缺少{_COLUMNS_ZH[name]}（第 {first(empty)} 行）",
        )


def _text(cell: object) -> str:
    return "" if pd.isna(cell) else str(cell).strip()  # type: ignore[call-overload]


def _whole(cell: object, name: str, row: int) -> int:
    try:
        number = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = 0.0
    if number < 1 or not number.is_integer():
        raise wrong(
            f"row {row}: {name} is {cell}. Expected a whole number from 1",
            f"第 {row} 行：{_COLUMNS_ZH[name]}为 {cell}，应为正整数",
        )
    return int(number)


def _scores(cells: pd.Series) -> npt.NDArray[np.float64]:
    numbers = pd.to_numeric(cells, errors="coerce").to_numpy("float64", na_value=np.nan)
    wrong_rows = np.flatnonzero(cells.notna().to_numpy() & ~np.isfinite(numbers))
    if len(wrong_rows):
        row, cell = int(wrong_rows[0]) + 1, cells.iloc[int(wrong_rows[0])]
        raise wrong(f"row {row}: score is {cell}. Expected a number", f"第 {row} 行：得分为 {cell}，应为数值")
    return numbers


_QUARTER = re.compile(r"q([1-4])|([1-4])q|第?([1-4一二三四])季度?")
_MONTH = re.compile(r"0?([1-9])月?份?|(1[0-2])月?份?")


def _period(text: str, row: int) -> str:
    """Return "" for a whole year, Q1 … Q4, or a month 01 … 12."""
    plain = re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)).casefold().removesuffix(".0")
    if plain in ("", "年", "年度", "全年", "year", "annual"):
        return ""
    quarter, month = _QUARTER.fullmatch(plain), _MONTH.fullmatch(plain)
    if quarter:
        which = next(one for one in quarter.groups() if one)
        return f"Q{'一二三四'.find(which) + 1 or which}"
    if month:
        return f"{int(month[1] or month[2]):02}"
    raise wrong(
        f'row {row}: period is "{text}". Expected Q1 … Q4, a month 1 … 12, or nothing for the whole year',
        f"第 {row} 行：期次为“{text}”，应为 Q1…Q4、月份 1…12，全年则留空",
    )


def _in_code(rows: pd.DataFrame, name: str, known: tuple[str, ...]) -> None:
    strange = rows[(rows[name] != "") & ~rows[name].isin(known)]
    if len(strange):
        found, listed = strange[name].iloc[0], first(strange["row"])
        like = nearest(found, known)
        raise wrong(
            f'{name} is "{found}" (row {listed}). Expected one of {", ".join(known)}'
            + (f'; did you mean "{like}"?' if like else ""),
            f"{_COLUMNS_ZH[name]}为“{found}”（第 {listed} 行），"
            f"应为 {'、'.join(word(one, 'zh') for one in known)} 之一（或 {'、'.join(known)}）",
        )


# ---------------------------------------------------------------- who is who


def _identified(rows: pd.DataFrame, renames: pd.DataFrame | None, told: list[Told]) -> pd.DataFrame:
    """Give every row its zone: the id, else the name of today."""
    names = pd.Series(_renamed(rows, renames, told), index=rows.index)
    given = rows["zone_id"] != ""
    bears = {str(name): sorted(set(ids)) for name, ids in rows.loc[given, "zone_id"].groupby(names[given])}
    zone = []
    for row, own, name in zip(rows["row"], rows["zone_id"], names, strict=True):
        ids = bears.get(name, [])
        if not own and len(ids) > 1:
            raise wrong(
                f'row {row}: "{name}" has no zone_id, and {len(ids)} zones bear that name ({first(ids)})',
                f"第 {row} 行：“{name}”没有 zone_id，而有 {len(ids)} 个开发区同名（{first(ids)}）",
            )
        zone.append(own or (ids[0] if ids else name))
    rows = rows.assign(zone=zone, called=rows["zone_name"], zone_name=names)
    latest = rows.sort_values(["year", "row"]).drop_duplicates("zone", keep="last").set_index("zone")["zone_name"]
    _tell_names(rows, told)
    _tell_coming_and_going(rows, told)
    return rows.assign(zone_name=rows["zone"].map(latest)).drop(columns="called")


def _renamed(rows: pd.DataFrame, renames: pd.DataFrame | None, told: list[Told]) -> list[str]:
    """Return the name of today of each row; a change of name says from which year it holds."""
    names = list(rows["zone_name"])
    for since, old, new in [] if renames is None else _changes(renames):
        years = [year for year, name in zip(rows["year"], names, strict=True) if name == old]
        late = first(sorted({year for year in years if year >= since}))
        if not years:
            like = nearest(old, names)
            told.append(
                (
                    f'renames: no row is of "{old}"' + (f'; did you mean "{like}"?' if like else ""),
                    f"更名表：没有“{old}”的行" + (f"；是否指“{like}”？" if like else ""),
                )
            )
        if late:
            told.append(
                (
                    f'"{old}" is "{new}" since {since}, but has rows in {late}: kept apart',
                    f"“{old}”自 {since} 年起更名为“{new}”，但 {late} 年仍有其行：未合并",
                )
            )
        pairs = zip(rows["year"], names, strict=True)
        names = [new if name == old and year < since else name for year, name in pairs]
    return names


def _changes(renames: pd.DataFrame) -> list[tuple[int, str, str]]:
    """Return the changes of name, the earliest first: since which year, old name, new name."""
    if renames.empty:
        return []
    columns = ("since_year", "old_name", "new_name")
    for column in columns:
        empty = [row for row, cell in enumerate(renames.get(column, [None] * len(renames)), 1) if not _text(cell)]
        if empty:
            keys = [str(key) for key in renames.columns if key not in columns]
            hint = (
                Words(f" (not known: {', '.join(keys)})", f"（有未知的键 {'、'.join(keys)}）")
                if keys
                else Words("", "")
            )
            raise ProjectError(
                f"evaluation.renames, entry {first(empty)}: {column} is missing{hint.en}. "
                f"Expected {', '.join(columns)} in each of {len(renames)} entries.",
                f"evaluation.renames 第 {first(empty)} 项：缺少 {column}{hint.zh}。"
                f"{len(renames)} 项中每项都应有 {'、'.join(columns)}。",
            )
    found = []
    for row, cells in enumerate(zip(*(renames[column] for column in columns), strict=True), 1):
        since, old, new = (_text(cell) for cell in cells)
        if not (old and new and re.fullmatch(r"\d{4}(?:\.0)?", since)):
            raise ProjectError(
                f'renames, row {row}: "{old}" → "{new}" since "{since}". Expected two names and a year.',
                f"更名表第 {row} 行：“{old}”→“{new}”，自“{since}”。应为两个名称和一个年份。",
            )
        found.append((int(float(since)), old, new))
    return sorted(found)


def _tell_names(rows: pd.DataFrame, told: list[Told]) -> None:
    """Tell which names were taken as one zone, and which name stands for several zones."""
    pairs = rows.sort_values(["zone", "year", "row"]).drop_duplicates(["zone", "called"])
    for zone, own in pairs[pairs["zone"].duplicated(keep=False)].groupby("zone"):
        names = " → ".join(own["called"])
        told.append((f"{names}: one zone ({zone})", f"{names}：视为同一开发区（{zone}）"))
    for name, own in pairs[pairs["called"].duplicated(keep=False)].groupby("called"):
        if (own["zone_id"] != "").all():
            ids = first(own["zone"])
            told.append((f'"{name}" stands for several zones ({ids})', f"“{name}”对应多个开发区代码（{ids}）"))


def _tell_coming_and_going(rows: pd.DataFrame, told: list[Told]) -> None:
    """Ask about names that end where others begin, unless all have ids: a zone may have changed its name."""
    seen = (
        rows.sort_values(["year", "row"])
        .groupby("zone")
        .agg(name=("zone_name", "last"), id=("zone_id", "max"), since=("year", "min"), until=("year", "max"))
    )
    years = sorted(set(rows["year"]))
    for before, after in pairwise(years):
        ends, begins = seen[seen["until"] == before], seen[seen["since"] == after]
        if ends.empty or begins.empty or ((ends["id"] != "").all() and (begins["id"] != "").all()):
            continue
        gone, new = first(sorted(ends["name"])), first(sorted(begins["name"]))
        told.append(
            (
                f"last seen in {before}: {gone}; first seen in {after}: {new}. "
                "Did a zone change its name? If so, name it in renames or give zone_id; nothing was merged",
                f"{before} 年后不再出现：{gone}；{after} 年首次出现：{new}。"
                "是否更名？如是，请列入更名表或填写 zone_id；未作合并",
            )
        )


def _once(rows: pd.DataFrame) -> None:
    keys = ["zone", "year", "period", "ranking"]
    twice = rows[rows.duplicated(keys, keep=False)].sort_values([*keys, "row"])
    if len(twice):
        one = twice[(twice[keys] == twice[keys].iloc[0]).all(axis=1)]
        listed, where = ", ".join(map(str, one["row"])), cell_label(one.iloc[0])
        raise wrong(
            f'"{one["zone_name"].iloc[0]}" stands {len(one)} times in {where[0]} (rows {listed}); '
            f"{len(twice)} such rows in all",
            f"“{one['zone_name'].iloc[0]}”在{where[1]}中出现 {len(one)} 次（第 {listed} 行）；此类共 {len(twice)} 行",
        )
    _one_level(rows[(rows["level"] != "") & (rows["period"] == "")])


def _one_level(rows: pd.DataFrame) -> None:
    several = rows.drop_duplicates(["zone", "year", "level"])
    several = several[several.duplicated(["zone", "year"], keep=False)].sort_values(["zone", "year", "row"])
    if len(several):
        zone, year = several["zone"].iloc[0], several["year"].iloc[0]
        own = rows[(rows["zone"] == zone) & (rows["year"] == year)]
        levels, listed = " / ".join(dict.fromkeys(own["level"])), ", ".join(map(str, own["row"]))
        raise wrong(
            f'"{own["zone_name"].iloc[0]}" has several levels in {year}: {levels} (rows {listed})',
            f"“{own['zone_name'].iloc[0]}”在 {year} 年有多个级别：{levels}（第 {listed} 行）",
        )


_RANKING_ZH = {"province": "全省", "nation": "全国", "city": "全市"}


def cell_label(row: Mapping[Hashable, object] | pd.Series) -> Told:
    """Name the ranking of a row (排名名称), such as 2021 province (mountain).

    Examples
    --------
    >>> cell_label({"year": 2021, "period": "Q2", "ranking": "province", "group": ""})
    ('2021-Q2 province', '2021 年Q2全省排名')
    """
    year, part, ranking, group = (str(row[name]) for name in ("year", "period", "ranking", "group"))
    en = f"{year}-{part} {ranking}" if part else f"{year} {ranking}"
    zh = f"{year} 年{part}{_RANKING_ZH[ranking]}排名"
    return (f"{en} ({group})", f"{zh}（{group}）") if group else (en, zh)


def gathered(notes: Mapping[str, list[Told]], heads: Mapping[str, Told]) -> list[Told]:
    """Put notes of one kind under one head (同类说明合并), the first few of each named.

    Examples
    --------
    >>> gathered({"tied": [("A, B", "A、B")]}, {"tied": ("zones that tie", "并列")})
    [('zones that tie: A, B', '并列：A、B')]
    """
    return [
        (
            f"{heads[kind][0]}: {_few([en for en, _ in found], '; ')}",
            f"{heads[kind][1]}：{_few([zh for _, zh in found], '；')}",
        )
        for kind, found in notes.items()
    ]


def _few(words: list[str], between: str) -> str:
    more = ["…"] if len(words) > _NAMED else []
    return between.join([*words[:_NAMED], *more])


def wrong(en: str, zh: str) -> ProjectError:
    """Return the error for a table of evaluations that cannot be used."""
    return table_error(Words("layers.evaluations", "layers.evaluations"), Words(en, zh))
