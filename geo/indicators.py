"""From land and firms to indicators: tally (integer sums by scope), then measure (divide once).

An indicator is a ratio of two sums. The catalogue (`policy/indicators.toml`) says which columns are
summed, over which rows, and in which unit the ratio is shown; this room does nothing but sum and
divide. Both sums run over the same rows, those that know both columns; the others are counted as
missing, by parcel or firm.

Sums are integers (0.01 m², fen), so tallies of batches may be added in any order and give the same
figure to the last bit: `tally` works on any part of the data, `measure` on the sum of tallies.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.firms import MEASURES, Firms
from geo.land import Land
from geo.survey import SURVEYED
from layers import units
from layers.errors import StandardError, nearest

__all__ = [
    "LEVELS",
    "Indicator",
    "asked_rows",
    "catalogue",
    "firm_rows",
    "indicator",
    "land_rows",
    "level_keys",
    "measure",
    "merge",
    "scopes",
    "tally",
    "tally_firms",
    "zone_rows",
]

LEVELS = ("city", "zones", "district", "zone", "park", "parcel", "enterprise")

_DERIVED_UNITS = {"inside_area_m2": "m2", "industrial_area_m2": "m2", "covered_area_m2": "m2"}


@dataclass(frozen=True)
class Indicator:
    """One entry of the catalogue; fields as explained at the head of `policy/indicators.toml`."""

    id: str
    table: str
    numerator: str
    denominator: str
    unit: str
    group: str
    title_zh: str
    title_en: str
    definition_zh: str
    definition_en: str
    source_zh: str
    source_en: str
    where: str = "all"
    denominator_of: str = "scope"
    percent: bool = False
    levels: tuple[str, ...] = LEVELS

    @property
    def numerator_unit(self) -> str:
        """Base unit of the sum on top."""
        return _base_unit(self.numerator)

    @property
    def denominator_unit(self) -> str:
        """Base unit of the sum below."""
        return _base_unit(self.denominator)

    @property
    def unit_label(self) -> str:
        """Display unit as people print it, e.g. 万元/亩; "1" for a share or a ratio."""
        return "1" if self.unit == "1" else units.label(self.unit)

    def title(self, language: str = "zh") -> str:
        """Return the name in `language`."""
        return self.title_en if language == "en" else self.title_zh

    def definition(self, language: str = "zh") -> str:
        """Return what is divided by what, in words."""
        return self.definition_en if language == "en" else self.definition_zh

    def source(self, language: str = "zh") -> str:
        """Return where the definition comes from."""
        return self.source_en if language == "en" else self.source_zh


def _base_unit(column: str) -> str:
    return MEASURES.get(column) or _DERIVED_UNITS.get(column) or column.rsplit("_", 1)[-1]


@cache
def catalogue() -> dict[str, Indicator]:
    """Return every indicator on board, keyed by id, in the order of reports."""
    text = resources.files("geo").joinpath("policy/indicators.toml").read_text("utf-8")
    entries = tomllib.loads(text)["indicator"]
    return {entry["id"]: Indicator(**(entry | {"levels": tuple(entry.get("levels", LEVELS))})) for entry in entries}


def indicator(name: str) -> Indicator:
    """Return one indicator; an unknown id is a StandardError that names the nearest."""
    known = catalogue()
    if name not in known:
        like = nearest(name, known)
        raise StandardError(
            f'Indicator "{name}" is not in the catalogue. Nearest: {like}. All: {", ".join(known)}.',
            f"指标“{name}”不在目录中。最接近：{like}。全部：{'、'.join(known)}。",
        )
    return known[name]


def scopes(land: Land | None, firms: Firms | None, city: str, levels: Sequence[str]) -> pd.DataFrame:
    """Return the places figures are made for: `level`, `key` (row), `id`, `name`, in order.

    Every district, zone and park has its row, also one without land. Things are told apart by id.
    """
    parts: list[pd.DataFrame] = []
    for level in LEVELS:
        if level in levels:
            ids, names = _scope_names(level, land, firms, city)
            parts.append(pd.DataFrame({"level": level, "key": np.arange(len(ids)), "id": ids, "name": names}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["level", "key", "id", "name"])


#: Where the places of a level keep their id and their name.
_NAMED = {
    "district": ("district_id", "district_name"),
    "zone": ("zone_id", "zone_name"),
    "park": ("park_id", "park_name"),
    "parcel": ("uid", "parcel_id"),
    "enterprise": ("firm_id", "firm_name"),
}


def _scope_names(level: str, land: Land | None, firms: Firms | None, city: str) -> tuple[list[str], list[str]]:
    if level == "city":
        return [city], [city]
    if level == "zones":
        return (["zones"], [city]) if land is not None and land.parks is not None else ([], [])
    table = _scope_table(level, land, firms)
    if table is None:
        return [], []
    ids, names = _NAMED[level]
    return table[ids].tolist(), table[names].tolist()


def _scope_table(level: str, land: Land | None, firms: Firms | None) -> pd.DataFrame | None:
    if level == "enterprise":
        return None if firms is None else firms.firms
    if land is None:
        return None
    zones = None if land.parks is None else land.parks.drop_duplicates("zone_id")
    tables: dict[str, pd.DataFrame | None] = {
        "district": land.districts,
        "zone": zones,
        "park": land.parks,
        "parcel": land.parcels,
    }
    return tables[level]


def tally(land: Land | None, firms: Firms | None, levels: Sequence[str]) -> pd.DataFrame:
    """Sum every indicator of the catalogue by scope.

    Returns
    -------
    DataFrame
        `indicator`, `level`, `key`, `numerator`, `denominator` (int64 steps), `count`, `missing`,
        `estimated` (numbers of parcels or firms). Scopes without rows are left out.
    """
    parts = [] if land is None else [_tally("land", land_rows(land), levels)]
    if firms is not None:
        parts.append(tally_firms(firms, None if land is None else land.parks, levels))
    return pd.concat(parts, ignore_index=True) if parts else _no_sums()


def tally_firms(firms: Firms, parks: pd.DataFrame | None, levels: Sequence[str]) -> pd.DataFrame:
    """Sum the indicators that are of firms; see `tally`."""
    return _tally("firms", firm_rows(firms, parks), levels)


def _tally(table: str, rows: pd.DataFrame, levels: Sequence[str]) -> pd.DataFrame:
    parts = [
        _sums(entry, level, rows)
        for entry in catalogue().values()
        if entry.table == table and {entry.numerator, entry.denominator} <= set(rows.columns)
        for level in levels
        if level in entry.levels and level in rows.columns
    ]
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else _no_sums()


def _no_sums() -> pd.DataFrame:
    columns = ["indicator", "level", "key", "numerator", "denominator", "count", "missing", "estimated"]
    return pd.DataFrame({column: pd.Series(dtype="object" if column in columns[:2] else "int64") for column in columns})


def land_rows(land: Land) -> pd.DataFrame:
    """Pieces with what the catalogue sums, and one column a level."""
    rows, own = land.pieces, land.parcels
    parcel = rows["parcel"].to_numpy()
    industrial = own["industrial"].array[parcel]
    built = own["built"].array[parcel]
    is_industrial = np.asarray(industrial.fillna(value=False), dtype=bool)
    known_use = ~np.asarray(industrial.isna())
    area = rows["land_area_m2"].to_numpy("float64")
    inside = rows["park"].to_numpy() >= 0
    # Where parcels carry no survey at all, nothing of it is summed: no figure would come of it, only work.
    unasked = [column for column, group in SURVEYED.items() if group.column not in own]
    table = rows.drop(columns=["park", *unasked]).assign(
        unit=parcel,
        industrial=industrial,
        built=built,
        estimated=own["floor_area_estimated"].to_numpy(dtype=bool)[parcel],
        covered_area_m2=rows["building_base_m2"] + rows["yard_area_m2"],
        industrial_area_m2=np.where(known_use, np.where(is_industrial, area, 0.0), np.nan),
        **level_keys(land),
    )
    if land.parks is not None:
        table["inside_area_m2"] = np.where(known_use, np.where(is_industrial & inside, area, 0.0), np.nan)
    return table


def level_keys(land: Land) -> dict[str, npt.NDArray[np.intp]]:
    """Return the place each piece lies in, by level: the row of the place, −1 for none.

    Levels are city and district and, where there are parks, zones, zone and park.
    """
    parcel, park = (land.pieces[name].to_numpy() for name in ("parcel", "park"))
    keys = {"city": np.zeros(len(parcel), dtype="intp"), "district": land.parcels["district"].to_numpy()[parcel]}
    if land.parks is not None:
        keys |= {"zones": np.where(park >= 0, 0, -1), "zone": zone_rows(land.parks)[park], "park": park}
    return keys


def zone_rows(parks: pd.DataFrame) -> npt.NDArray[np.intp]:
    """Return the zone row of each park row; the last entry (park −1) is no zone."""
    zone_ids = parks["zone_id"]
    first_seen = pd.Index(zone_ids.drop_duplicates())
    return np.append(first_seen.get_indexer(pd.Index(zone_ids)), -1)


def firm_rows(firms: Firms, parks: pd.DataFrame | None) -> pd.DataFrame:
    """Fragments of firms with what the catalogue sums, and one column a level."""
    rows = firms.fragments
    table = rows.assign(unit=rows["firm"], estimated=False, city=0, enterprise=rows["firm"])
    if parks is None:
        return table.drop(columns=["park"])
    park = rows["park"].to_numpy()
    return table.assign(zone=zone_rows(parks)[park], zones=np.where(park >= 0, 0, -1))


def _sums(entry: Indicator, level: str, table: pd.DataFrame) -> pd.DataFrame:
    """Sum one indicator by one level; rows whose key is −1 belong to no scope of that level."""
    top, below = table[entry.numerator].to_numpy("float64"), table[entry.denominator].to_numpy("float64")
    asked, unknown = asked_rows(entry, table)
    key, unit = table[level].to_numpy("int64"), table["unit"].to_numpy("int64")
    known = asked & np.isfinite(top) & np.isfinite(below)
    missing = (asked & ~known) | unknown
    guessed = known & table["estimated"].to_numpy(dtype=bool) & (entry.numerator == "floor_area_m2")
    size, placed = int(key.max(initial=-1)) + 1, key >= 0
    here = known & placed
    sums = pd.DataFrame(
        {
            "key": np.arange(size),
            "numerator": _added(units.to_tally(top[here], entry.numerator_unit), key[here], size),
            "denominator": _added(units.to_tally(below[here], entry.denominator_unit), key[here], size),
            "count": _distinct(key[here], unit[here], size),
            "missing": _distinct(key[missing & placed], unit[missing & placed], size),
            "estimated": _distinct(key[guessed & placed], unit[guessed & placed], size),
        }
    )
    present = (sums["count"] + sums["missing"]) > 0
    return sums[present].reset_index(drop=True).assign(indicator=entry.id, level=level)


def asked_rows(entry: Indicator, table: pd.DataFrame) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Rows the indicator is about, and rows of which nobody knows whether it is about them."""
    if entry.where == "all":
        return np.ones(len(table), dtype=bool), np.zeros(len(table), dtype=bool)
    flag = table[entry.where].array
    return np.asarray(flag.fillna(value=False), dtype=bool), np.asarray(flag.isna())


def _added(steps: npt.NDArray[np.int64], key: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    """Add integers by key (`bincount` would add them as floats)."""
    sums = np.zeros(size, dtype="int64")
    np.add.at(sums, key, steps)
    return sums


def _distinct(key: npt.NDArray[np.int64], unit: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    """Count the parcels or firms of each key, each once."""
    # Nearly every parcel is one piece and needs no look for a second one of the same key.
    several = np.bincount(unit)[unit] > 1
    width = int(unit.max(initial=0)) + 1
    once = np.unique(key[several] * width + unit[several]) // width
    return np.bincount(key[~several], minlength=size) + np.bincount(once, minlength=size)


def merge(tallies: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Add tallies of disjoint parts of the data."""
    joined = pd.concat([_no_sums(), *tallies], ignore_index=True)
    return joined.groupby(["indicator", "level", "key"], sort=False, as_index=False).sum()


def measure(sums: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """Divide once: turn a tally into indicators.

    Parameters
    ----------
    sums : DataFrame
        From `tally` or `merge`.
    places : DataFrame
        From `scopes`.

    Returns
    -------
    DataFrame
        One row an indicator × place: `id`, `level`, `scope_id`, `scope_name`, `numerator`, `denominator`
        (base units), `value` (display unit; missing where the sum below is 0), `count`, `missing`,
        `estimated`. An indicator that has no row at any place is left out altogether.
    """
    measured = set(sums.loc[sums["count"] > 0, "indicator"].unique())
    parts = [
        _divide(entry, sums[sums["indicator"] == entry.id], places[places["level"].isin(entry.levels)])
        for entry in catalogue().values()
        if entry.id in measured
    ]
    filled = [part for part in parts if len(part)]
    columns = [
        "id",
        "level",
        "scope_id",
        "scope_name",
        "numerator",
        "denominator",
        "value",
        "count",
        "missing",
        "estimated",
    ]
    return pd.concat(filled, ignore_index=True)[columns] if filled else pd.DataFrame(columns=columns)


def _divide(entry: Indicator, sums: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    if entry.table == "land":
        places = places[places["level"] != "enterprise"]
    filled = ["numerator", "denominator", "count", "missing", "estimated"]
    table = places.merge(sums[["level", "key", *filled]], on=["level", "key"], how="left")
    table[filled] = table[filled].fillna(0).astype("int64")
    if entry.denominator_of == "city":
        city = sums.loc[sums["level"] == "city", "denominator"]
        table["denominator"] = int(city.iloc[0]) if len(city) else 0
    top = units.from_tally(table["numerator"].to_numpy("int64"), entry.numerator_unit)
    below = units.from_tally(table["denominator"].to_numpy("int64"), entry.denominator_unit)
    return table.assign(
        id=entry.id,
        scope_id=table["id"],
        scope_name=table["name"],
        numerator=top,
        denominator=below,
        value=_ratio(entry, top, below),
    )


def _ratio(entry: Indicator, top: npt.NDArray[np.float64], below: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    usable = below > 0
    ratio = np.full(len(top), np.nan)
    if entry.unit == "1":
        np.divide(top, below, out=ratio, where=usable)
        return ratio
    over, under = entry.unit.split("/")
    shown_top = units.convert(pd.Series(top), entry.numerator_unit, over).to_numpy("float64")
    shown_below = units.convert(pd.Series(below), entry.denominator_unit, under).to_numpy("float64")
    np.divide(shown_top, shown_below, out=ratio, where=usable)
    return ratio
