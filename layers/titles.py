"""What a column is called: titles people write, turned into canonical names and units.

Knows the column tables (`tables/columns/*.csv`, one a layer), how a title is put together (name, unit in
brackets or behind a stroke, a year in front), and which words in a file's name betray its role. Knows no
values: whether 面积 is in 亩 or in hectares is not asked here unless the title says so.

A title that a shapefile has cut at ten bytes is matched by its beginning, when only one alias begins so.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import pandas as pd

from layers.errors import SchemaError, nearest
from layers.roles import LAYERS, LINE_LAYERS, POLYGON_LAYERS
from layers.units import parse_unit

__all__ = [
    "Match",
    "Title",
    "alias_unit",
    "columns",
    "guess_role",
    "match",
    "matches",
    "plain",
    "split_title",
]

_CUT = (9, 10)  # bytes; what is left of a longer title in a shapefile


@dataclass(frozen=True)
class Title:
    """A title taken apart: the name in plain form, the unit it states, the year it states."""

    name: str
    unit: str | None
    year: int | None


@dataclass(frozen=True)
class Match:
    """Which source title stands for a canonical column, and what else could have."""

    title: str
    unit: str | None
    cut: bool
    rivals: tuple[str, ...]


def columns(layer: str) -> pd.DataFrame:
    """Return the column table of `layer`, one row a canonical column.

    Raises
    ------
    SchemaError
        There is no such layer.

    Examples
    --------
    >>> table = columns("parks")
    >>> table.loc[table["required"] == "yes", "column"].tolist()
    ['geometry', 'park_name']
    """
    return _table(layer).copy()


@cache
def _table(layer: str) -> pd.DataFrame:
    if layer not in LAYERS:
        like = nearest(layer, LAYERS)
        hint_en, hint_zh = (f' Did you mean "{like}"?', f"是否指“{like}”？") if like else ("", "")
        raise SchemaError(
            f'There is no layer "{layer}".{hint_en} Layers: {", ".join(LAYERS)}.',
            f"没有图层“{layer}”。{hint_zh}可用图层：{'、'.join(LAYERS)}。",
        )
    path = resources.files("layers").joinpath(f"tables/columns/{layer}.csv")
    with path.open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype=str, keep_default_na=False)


def plain(text: str) -> str:
    """Return `text` for comparing: half-width, lower case, no blanks and strokes.

    Examples
    --------
    >>> plain(" Ｌand_Use ")
    'landuse'
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\s_\-—·.\u200b\ufeff]+", "", folded)


_BRACKET = re.compile(r"[(\[（【]\s*(?:单位\s*[:：]?)?\s*([^()\[\]（）【】]*?)\s*[)\]）】]")
_YEAR = re.compile(r"^\s*((?:19|20)\d\d)\s*(?:年度|年)?|((?:19|20)\d\d)\s*(?:年度|年)?\s*$")
_TAIL = re.compile(r"^(.*?)[\s_\-/／:：,，]+([^\s_\-/／:：,，]+)\s*$")
_GLUED = ("平方米", "平方公里", "公顷", "万元", "亿元", "千元", "亩", "元", "吨标准煤", "吨", "人", "万千瓦时", "米")


def split_title(title: str) -> Title:
    """Take a title apart into name, unit and year.

    Examples
    --------
    >>> split_title("税收（万元）")
    Title(name='税收', unit='wcny', year=None)
    >>> split_title("用地面积_亩"), split_title("2023年工业增加值（单位：万元）")
    (Title(name='用地面积', unit='mu', year=None), Title(name='工业增加值', unit='wcny', year=2023))
    """
    text = unicodedata.normalize("NFKC", title).strip()
    unit = None
    for inside in _BRACKET.findall(text):
        unit = unit or parse_unit(inside)
    text = _BRACKET.sub("", text).strip() or text
    year_found = _YEAR.search(text)
    year = int(year_found[1] or year_found[2]) if year_found and year_found[0] != text else None
    if year_found and year is not None:
        text = (text[: year_found.start()] + text[year_found.end() :]).strip(" _-")
    tail = _TAIL.match(text)
    if unit is None and tail and parse_unit(tail[2]):
        text, unit = tail[1], parse_unit(tail[2])
    return Title(plain(text), unit, year)


def match(layer: str, titles: Sequence[str]) -> dict[str, str]:
    """Return which title stands for which canonical column, by the alias table alone.

    Examples
    --------
    >>> match("parcels", ["TBBH", "DLBM", "图斑面积(亩)", "备注"])
    {'parcel_id': 'TBBH', 'land_use_code': 'DLBM', 'recorded_area_m2': '图斑面积(亩)'}
    """
    return {column: found.title for column, found in matches(layer, titles).items()}


def matches(
    layer: str, titles: Sequence[str], also: Mapping[str, str] | None = None, *, cut: bool = False
) -> dict[str, Match]:
    """Return a `Match` for each canonical column that finds a title.

    Parameters
    ----------
    layer : str
        The layer the columns are for.
    titles : sequence of str
        Titles of the source, in order.
    also : mapping, optional
        A second name for some titles, such as the alias a geodatabase keeps: title → alias.
    cut : bool
        The titles come from a shapefile, which cuts them at ten bytes.
    """
    offers: dict[str, list[tuple[tuple[int, int], str, str | None, bool]]] = {}
    for place, title in enumerate(titles):
        for name in dict.fromkeys((title, (also or {}).get(title, title))):
            offer = _offer(layer, name) or (_cut_offer(name, _aliases(layer)) if cut else None)
            if offer:
                column, rank, unit, year, was_cut = offer
                latest_first = 100 * (2100 - year) if year else 0
                offers.setdefault(column, []).append(((rank + latest_first, place), title, unit, was_cut))
                break
    taken = {}
    for column in _units(layer):
        if column in offers:
            best, *others = sorted(offers[column], key=lambda offer: offer[0])
            taken[column] = Match(best[1], best[2], best[3], tuple(other[1] for other in others))
    return taken


def _offer(layer: str, title: str) -> tuple[str, int, str | None, int | None, bool] | None:
    """Return (column, rank, unit, year, cut) for the column that `title` may stand for."""
    known = _aliases(layer)
    whole = plain(title)
    if whole in known:
        column, rank = known[whole]
        own = _units(layer)[column] if whole == plain(column) else None
        return column, rank, own or None, None, False
    parts = split_title(title)
    if parts.name in known:
        column, rank = known[parts.name]
        return column, rank, parts.unit, parts.year, False
    for ending in _GLUED:
        if parts.name.endswith(ending) and parts.name[: -len(ending)] in known:
            column, rank = known[parts.name[: -len(ending)]]
            return column, rank, parse_unit(ending), parts.year, False
    return None


def _cut_offer(
    title: str, known: Mapping[str, tuple[str, int]]
) -> tuple[str, int, str | None, int | None, bool] | None:
    """Match a title cut at ten bytes: some alias, and only of one column, begins with it."""
    stem = title.rstrip("�").strip()
    sizes = {len(stem.encode("utf-8")), len(stem.encode("gb18030", "replace"))}
    if stem.isascii() or not any(size in _CUT for size in sizes):
        return None
    fits = {known[alias] for alias in known if alias.startswith(plain(stem))}
    if len({column for column, _ in fits}) != 1:
        return None
    column, rank = min(fits, key=lambda fit: fit[1])
    return column, rank, None, None, True


@cache
def _units(layer: str) -> dict[str, str]:
    """Return the base unit of each column, in the order of the table."""
    return {str(row.column): str(row.unit) for row in _table(layer).itertuples()}


@cache
def _aliases(layer: str) -> dict[str, tuple[str, int]]:
    """Return plain alias → (column, rank). The canonical name ranks first, then the order of the table."""
    known: dict[str, tuple[str, int]] = {}
    for row in _table(layer).itertuples():
        if row.type == "geometry":
            continue
        names = [str(row.column), *str(row.aliases).split("|")]
        stem = str(row.column).removesuffix("_" + str(row.unit)) if row.unit else str(row.column)
        for rank, name in enumerate([*names, stem]):
            known.setdefault(plain(name), (str(row.column), rank))
    return known


def alias_unit(layer: str, column: str, title: str) -> str | None:
    """Return the unit a field code is defined in, such as hectares for QYYDMJ; None for ordinary titles."""
    table = _table(layer)
    pairs = str(table.loc[table["column"] == column, "alias_units"].iloc[0])
    defined = dict(pair.split("=") for pair in pairs.split("|") if pair)
    return {plain(name): unit for name, unit in defined.items()}.get(plain(title))


def guess_role(
    name: str, titles: Sequence[str], geometry_type: str | None, sample: pd.DataFrame | None = None
) -> tuple[str | None, str]:
    """Guess which layer a file is, from its name, its titles, its geometry and its first rows.

    Parameters
    ----------
    name : str
        Name of the file or of the layer inside it.
    titles : sequence of str
        Column titles.
    geometry_type : str or None
        Polygon, Point, … or None for a table.
    sample : DataFrame, optional
        Some rows; tags such as ``building=yes`` speak for buildings.

    Returns
    -------
    (role, reason)
        Role None where nothing speaks for one layer above the others.

    Examples
    --------
    >>> guess_role("DLTB", ["BSM", "TBBH", "DLBM", "TBMJ"], "MultiPolygon")
    ('parcels', 'name contains "dltb"; columns parcel_id, land_use_code, recorded_area_m2')
    """
    areal = geometry_type is not None and "polygon" in geometry_type.casefold()
    linear = geometry_type is not None and "line" in geometry_type.casefold()
    drawn = geometry_type not in (None, "", "None")
    filled = [title for title in titles if not _is_empty(title, sample)]
    scores: dict[str, tuple[int, str]] = {}
    for role in LAYERS:
        if (role in POLYGON_LAYERS and drawn and not areal and geometry_type != "Unknown") or (
            role not in POLYGON_LAYERS and areal
        ):
            continue
        if role in POLYGON_LAYERS | LINE_LAYERS and not drawn:
            continue
        if drawn and geometry_type != "Unknown" and (role in LINE_LAYERS) != linear:
            continue
        found = matches(role, filled)
        word = _keyword(role, name)
        told = [c for c in found if not _only_vague(found[c].title)]
        telling = _telling(role, found, sample)
        score = (8 if word else 0) + 2 * len(told) + len(found) - len(told) + telling
        reasons = [f'name contains "{word}"'] if word else []
        reasons += [f"columns {', '.join(list(found)[:4])}"] if found else []
        scores[role] = (score, "; ".join(reasons) or "geometry only")
    if not titles and "districts" in scores and re.search(r"(?<!\d)[1-8]\d{5}(?!\d)", name):
        scores["districts"] = (scores["districts"][0] + 4, "name holds a division code")
    ranked = sorted(scores.items(), key=lambda item: -item[1][0])
    if not ranked or ranked[0][1][0] < 3:
        return None, _would_be(name, titles, sample) if not areal else "neither the name nor the columns tell"
    if len(ranked) > 1 and ranked[0][1][0] == ranked[1][1][0]:
        return None, f"could be {ranked[0][0]} or {ranked[1][0]}"
    return ranked[0][0], ranked[0][1][1]


def _would_be(name: str, titles: Sequence[str], sample: pd.DataFrame | None) -> str:
    """Say what a file without areas would be if it had them: parcels in a spreadsheet are a common surprise."""
    role, why = guess_role(name, titles, "Polygon", sample)
    return why if role is None else f"looks like {role}, but has no areas"


_VAGUE = frozenset({
    "name", "名称", "type", "类型", "code", "编号", "area", "面积", "title", "level", "id", "osmwayid", "osmid",
    "状态", "status", "use", "用途",
})  # fmt: skip
_TELLING = {
    "parks": ("park_name", "zone_name", "zone_id"),
    "parcels": ("land_use_code", "land_use_name"),
    "buildings": ("floors", "height_m", "built_year"),
    "enterprises": ("enterprise_code", "enterprise_name"),
    "holdings": ("relation",),
    "districts": ("district_code", "district_name"),
    "constraints": ("kind",),
    "statistics": ("statistic", "value"),
    "evaluations": ("rank", "score", "grade"),
    "targets": ("comparison", "value"),
    "facilities": ("kind",),
    "housing": ("homes", "persons"),
    "roads": ("road_class", "walkable"),
}


def _is_empty(title: str, sample: pd.DataFrame | None) -> bool:
    """Whether the sample holds nothing under a title: such a column tells nothing."""
    return sample is not None and len(sample) > 0 and title in sample and bool(sample[title].isna().to_numpy().all())


def _only_vague(title: str) -> bool:
    return plain(title) in _VAGUE


def _telling(role: str, found: Mapping[str, Match], sample: pd.DataFrame | None) -> int:
    """Weigh the columns that belong to one role above all, when they are filled in the sample."""
    points = 0
    for column in _TELLING[role]:
        if column in found and not _only_vague(found[column].title):
            points += 3
    if role == "holdings" and not {"enterprise_code", "parcel_id"} <= set(found):
        points -= 8
    if role == "buildings" and "use" in found and found["use"].title == "building":
        points += 3 if sample is None or ("building" in sample and sample["building"].notna().mean() > 0.5) else -6
    return points


def _keyword(role: str, name: str) -> str | None:
    text = unicodedata.normalize("NFKC", name).casefold()
    words = sorted((word.casefold() for word in _keywords()[role]), key=len, reverse=True)
    return next((word for word in words if word in text), None)


@cache
def _keywords() -> dict[str, tuple[str, ...]]:
    path = resources.files("layers").joinpath("tables/codes/roles.csv")
    with path.open(encoding="utf-8") as file:
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
    return {role: tuple(words.split("|")) for role, words in zip(table["role"], table["keywords"], strict=True)}
