"""The reader of rule sets of the grading (亩均评价规则的读取): refuses what is not whole.

Weights of a group sum to 100, a class table has neither gap nor overlap, every benchmark has its unit, every
indicator is one of firms. Messages name file, group and entry.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from geo.grading.class_tables import read_classes
from geo.grading.classes import EXACT
from geo.grading.entries import NUMBER, Keys, check_keys, check_positive, check_unique, name_in, near, one_of, wrong
from geo.grading.rules import (
    BEST,
    DECIMALS,
    DIRECTIONS,
    KINDS,
    METHODS,
    MISSING,
    ROUNDINGS,
    SHARES_OF,
    TIES,
    Criterion,
    Exemption,
    GradeClass,
    Group,
    RuleSet,
    Veto,
    Who,
)
from geo.indicators import catalogue
from layers.errors import ParkwiseError
from layers.units import convert

__all__ = ["read_ranking", "read_rules"]

#: Weights are typed by hand: they sum to 100 within this.
_WEIGHTS_TOLERANCE = 1e-6

#: Years data can be of; 20222 is a slip of the finger.
_YEARS = (1949, 2199)
#: No firm is called young that is older.
_OLDEST_YEARS = 100

_RANKING: Mapping[str, tuple[str, ...]] = {"ties": TIES, "share_of": SHARES_OF, "rounding": ROUNDINGS}


def read_rules(found: Mapping[str, Any], where: str) -> RuleSet:
    """Turn the content of a rule file (评价规则) into a rule set, or refuse it.

    Parameters
    ----------
    found : mapping
        The file as TOML gives it.
    where : str
        Name of the file, for messages.

    Returns
    -------
    RuleSet

    Raises
    ------
    StandardError
        A key is unknown, missing or of the wrong type; weights do not sum to 100; an indicator is not one of
        firms; a benchmark has no unit or one that measures something else; a class table has a gap or an overlap.
        The message names file, group and entry.
    """
    check_keys(found, where, _SET_KEYS)
    check_keys(found["source"], f"{where}: source", _SOURCE_KEYS)
    kind = one_of(found["kind"], KINDS, f"{where}: kind")
    if kind == "official-example":
        check_keys({key: found[key] for key in _PLACE_KEYS if key in found}, where, _PLACE_KEYS)
    groups = tuple(_group(entry, f"{where}: group.{name_in(entry, 'id')}", kind) for entry in found["group"])
    check_unique([one.id for one in groups], f"{where}: group")
    begins, ends = _validity(found, where)
    text: dict[str, Any] = {key: found[key] for key in _TITLES}
    place: dict[str, Any] = {key: found.get(key) for key in _PLACE_KEYS}
    source, confidence = found["source"]["page"], found["source"]["confidence"]
    return RuleSet(
        **text,
        **place,
        groups=groups,
        where=where,
        valid_from=begins,
        valid_to=ends,
        source=source,
        confidence=confidence,
    )


def _validity(found: Mapping[str, Any], where: str) -> tuple[date | None, date | None]:
    """First and last day of the data a set is for: as stated, else of its data year."""
    year = found.get("data_year")
    if year is not None and not _YEARS[0] <= year <= _YEARS[1]:
        low, high = _YEARS
        raise wrong(
            where, f"data_year is {year}, expected {low} to {high}", f"data_year 为 {year}，应为 {low} 至 {high}"
        )
    begins, ends = (None, None) if year is None else (date(year, 1, 1), date(year, 12, 31))
    begins, ends = found.get("valid_from", begins), found.get("valid_to", ends)
    if begins is not None and ends is not None and ends < begins:
        raise wrong(
            where, f"valid_to {ends} lies before valid_from {begins}", f"valid_to {ends} 早于 valid_from {begins}"
        )
    return begins, ends


def _group(entry: Mapping[str, Any], where: str, kind: str) -> Group:
    check_keys(entry, where, _GROUP_KEYS)
    criteria = tuple(_criterion(one, f"{where}.{name_in(one, 'indicator')}", kind) for one in entry["indicator"])
    check_unique([one.indicator for one in criteria], f"{where}: indicator")
    _refuse_weights([(one.indicator, one.weight) for one in criteria], where)
    method = one_of(entry.get("method", "enterprise"), METHODS, f"{where}: method")
    follow = entry.get("tenants_follow_owner", False)
    if follow and method == "parcel":
        raise wrong(
            where,
            'tenants_follow_owner goes with method = "enterprise": by parcel, tenants and owner are one already',
            'tenants_follow_owner 只用于 method = "enterprise"：地块评价法已将承租企业与产权人合并',
        )
    factor = entry.get("factor", 1.0)
    if not isinstance(factor, str):
        check_positive(factor, f"{where}: factor")
    decimals = entry.get("decimals", DECIMALS)
    if not 0 <= decimals <= EXACT:
        raise wrong(f"{where}: decimals", f"is {decimals}, expected 0 to {EXACT}", f"为 {decimals}，应为 0 至 {EXACT}")
    classes = read_classes(entry["class"], where, decimals) if "class" in entry else ()
    return Group(
        id=entry["id"],
        title_zh=entry["title_zh"],
        title_en=entry["title_en"],
        who=_who(entry["who"], f"{where}: who"),
        criteria=criteria,
        classes=classes,
        method=method,
        tenants_follow_owner=follow,
        factor=factor,
        bonus=entry.get("bonus"),
        malus=entry.get("malus"),
        vetoes=tuple(_veto(one, f"{where}: veto", classes) for one in entry.get("veto", ())),
        exemptions=tuple(_exemption(one, f"{where}: exemption") for one in entry.get("exemption", ())),
        decimals=decimals,
        **read_ranking({key: entry[key] for key in _RANKING if key in entry}, where),
    )


def read_ranking(entry: Mapping[str, str], where: str) -> dict[str, str]:
    """Return `ties`, `share_of` and `rounding` (排名口径) as stated; a word that is none of the known ones is refused.

    Raises
    ------
    StandardError
        With the nearest known word.
    """
    check_keys(entry, where, dict.fromkeys(_RANKING, ((str,), False)))
    return {key: one_of(word, _RANKING[key], f"{where}: {key}") for key, word in entry.items()}


def _who(entry: Mapping[str, Any], where: str) -> Who:
    check_keys(entry, where, _WHO_KEYS)
    who = Who(**entry)
    if who.scale is not None:
        one_of(who.scale, ("above", "below"), f"{where}: scale")
    least, below = who.land_at_least_mu, who.land_below_mu
    if least is not None and below is not None and not least < below:
        raise wrong(
            where,
            f"land_at_least_mu {least:g} is not below land_below_mu {below:g}",
            f"land_at_least_mu {least:g} 不小于 land_below_mu {below:g}",
        )
    return who


def _criterion(entry: Mapping[str, Any], where: str, kind: str) -> Criterion:
    check_keys(entry, where, _CRITERION_KEYS)
    missing = one_of(entry.get("missing", "refuse"), MISSING, f"{where}: missing")
    direction = one_of(entry.get("direction", "more"), DIRECTIONS, f"{where}: direction")
    check_positive(entry["weight"], f"{where}: weight")
    if "cap_multiple" in entry:
        check_positive(entry["cap_multiple"], f"{where}: cap_multiple")
    one = Criterion(
        indicator=entry["indicator"],
        weight=float(entry["weight"]),
        benchmark=_benchmark(entry, where, kind),
        cap_multiple=entry.get("cap_multiple"),
        floor=entry.get("floor"),
        missing=missing,
        missing_points=entry.get("missing_points"),
        direction=direction,
    )
    if (missing == "points") != (one.missing_points is not None):
        raise wrong(
            where,
            'missing = "points" and missing_points go together',
            'missing = "points" 与 missing_points 须同时给出',
        )
    if direction == "less" and one.cap == math.inf:
        raise wrong(
            where,
            'direction = "less" needs cap_multiple: benchmark ÷ value has no limit where the value is 0',
            'direction = "less" 须给出 cap_multiple：数值为 0 时基准值 ÷ 数值没有上限',
        )
    if one.floor is not None and one.floor > one.cap:
        raise wrong(
            where, f"floor {one.floor:g} is above the cap {one.cap:g}", f"下限 {one.floor:g} 高于上限 {one.cap:g}"
        )
    return one


def _benchmark(entry: Mapping[str, Any], where: str, kind: str) -> float | str | None:
    """Return the benchmark in the display unit of its indicator."""
    known = {name: one for name, one in catalogue().items() if one.table == "firms"}
    if entry["indicator"] not in known:
        hint, all_of_them = near(entry["indicator"], known), ", ".join(known)
        raise wrong(
            where,
            f'"{entry["indicator"]}" is no indicator of firms{hint.en}. All: {all_of_them}',
            f"“{entry['indicator']}”不是企业指标{hint.zh}。全部：{all_of_them}",
        )
    benchmark, unit, shown = entry.get("benchmark"), entry.get("unit"), known[entry["indicator"]].unit
    if benchmark == BEST:
        return BEST
    if unit is None:
        raise wrong(
            where,
            f'the benchmark has no unit; expected one that becomes {shown}, such as unit = "{shown}"',
            f'基准值没有单位；应为可换算为 {shown} 的单位，如 unit = "{shown}"',
        )
    if benchmark is None and kind != "template":
        raise wrong(where, "the benchmark is missing; only a template may leave it out", "缺少基准值；仅模板可以留空")
    if benchmark is not None:
        check_positive(benchmark, f"{where}: benchmark", f'a number above 0, or "{BEST}"', f"大于 0 的数字或“{BEST}”")
    try:
        # A unit that cannot become the indicator's is told also where a template leaves the figure open.
        converted = convert(1.0 if benchmark is None else float(benchmark), unit, shown)
    except ParkwiseError as error:
        raise wrong(where, f"unit: {error.en.rstrip('.')}", f"单位：{error.zh.rstrip('。')}") from error
    return None if benchmark is None else converted


def _refuse_weights(weights: list[tuple[str, float]], where: str) -> None:
    total = math.fsum(weight for _, weight in weights)
    if abs(total - 100) > _WEIGHTS_TOLERANCE:
        sums = " + ".join(f"{name} {weight:.10g}" for name, weight in weights)
        raise wrong(
            where,
            f"weights sum to {total:.10g}, expected 100 ({sums}). Change the weights of this group",
            f"权重之和为 {total:.10g}，应为 100（{sums}）。请修改该组权重",
        )


def _veto(entry: Mapping[str, Any], where: str, classes: tuple[GradeClass, ...]) -> Veto:
    check_keys(entry, where, _VETO_KEYS)
    if classes:
        one_of(entry["grade_at_most"], tuple(one.grade for one in classes), f"{where}: grade_at_most")
    return Veto(**entry)


def _exemption(entry: Mapping[str, Any], where: str) -> Exemption:
    check_keys(entry, where, _EXEMPTION_KEYS)
    years = entry.get("less_than_years")
    if years is not None and not 1 / 24 < years <= _OLDEST_YEARS:
        raise wrong(
            f"{where}: less_than_years",
            f"is {years!r}, expected 1 month (0.083) to {_OLDEST_YEARS} years",
            f"为 {years!r}，应为 1 个月（0.083）至 {_OLDEST_YEARS} 年",
        )
    return Exemption(**entry)


# ---------------------------------------------------------------- keys

_TITLES = ("id", "title_zh", "title_en", "kind", "status_zh", "status_en")
_PLACE_KEYS: Keys = {"place": ((str,), True), "region": ((str,), True), "data_year": ((int,), True)}
_SET_KEYS: Keys = {
    **dict.fromkeys(_TITLES, ((str,), True)),
    **{key: (types, False) for key, (types, _) in _PLACE_KEYS.items()},
    "valid_from": ((date,), False),
    "valid_to": ((date,), False),
    "source": ((dict,), True),
    "group": ((list,), True),
}
_SOURCE_KEYS: Keys = {"page": ((str,), True), "confidence": ((str,), True)}
_GROUP_KEYS: Keys = {
    **dict.fromkeys(("id", "title_zh", "title_en"), ((str,), True)),
    "who": ((dict,), True),
    "indicator": ((list,), True),
    "class": ((list,), False),
    "method": ((str,), False),
    "tenants_follow_owner": ((bool,), False),
    "factor": ((str, *NUMBER), False),
    "decimals": ((int,), False),
    "bonus": ((str,), False),
    "malus": ((str,), False),
    "veto": ((list,), False),
    "exemption": ((list,), False),
    **dict.fromkeys(("ties", "share_of", "rounding"), ((str,), False)),
}
_WHO_KEYS: Keys = {
    "scale": ((str,), False),
    "land_at_least_mu": (NUMBER, False),
    "land_below_mu": (NUMBER, False),
    "own_land": ((bool,), False),
}
_CRITERION_KEYS: Keys = {
    "indicator": ((str,), True),
    "weight": (NUMBER, True),
    "benchmark": ((str, *NUMBER), False),
    "unit": ((str,), False),
    "cap_multiple": (NUMBER, False),
    "floor": (NUMBER, False),
    "missing": ((str,), False),
    "missing_points": (NUMBER, False),
    "direction": ((str,), False),
}
_VETO_KEYS: Keys = dict.fromkeys(("column", "grade_at_most", "title_zh", "title_en"), ((str,), True))
_EXEMPTION_KEYS: Keys = {
    **dict.fromkeys(("column", "title_zh", "title_en"), ((str,), True)),
    "less_than_years": (NUMBER, False),
}
