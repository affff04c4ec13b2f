"""Rules of the evidence as people write them (线索规则表): tables of a project file or of a TOML file of its own.

Refuses what is not whole: an unknown key names the nearest, a test compares one measure in one way or asks for one
state, a code of one's own bears a title in both languages. Ready-made rules (`ready.toml`) are read the same way.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from geo.grading.entries import NUMBER, Keys, check_keys, check_unique, name_in, one_of
from geo.renewal.measures import MEASURES
from geo.renewal.rules import COMPARISONS, STATES, WITHIN, Rule, Rules, Test, standard_rules
from layers.errors import ProjectError, SourceError, StandardError, Words, nearest

__all__ = ["pick_ready", "read_rule_file", "read_rules", "ready_rules"]

_TEST_KEYS: Keys = {
    "measure": ((str,), False),
    "state": ((str,), False),
    "below": (NUMBER, False),
    "above": (NUMBER, False),
    "of_mean": (NUMBER, False),
    "quantile": (NUMBER, False),
    "side": ((str,), False),
    "within": ((str,), False),
    "years": ((int,), False),
    "kinds": ((list,), False),
    "grades": ((list,), False),
    "indicators": ((list,), False),
}
_RULE_KEYS: Keys = {
    "code": ((str,), True),
    "title_zh": ((str,), False),
    "title_en": ((str,), False),
    "source": ((str,), False),
    "counts": ((bool,), False),
    "all_of": ((list,), False),
    "any_of": ((list,), False),
    **_TEST_KEYS,
}
#: Ways to set a limit, one a test.
_LIMITS = ("below", "above", "of_mean", "quantile")
_LISTS = ("kinds", "grades", "indicators")
#: Indicators that a parcel can be held to by the control table.
_HELD = ("plot_ratio", "building_coefficient", "admin_land_share", "green_ratio")
_MOST_YEARS = 20
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")


def read_rules(tables: Sequence[Mapping[str, Any]], where: str) -> tuple[Rule, ...]:
    """Turn tables into rules, or refuse them (读取线索规则).

    Parameters
    ----------
    tables : sequence of mapping
        As TOML gives them.
    where : str
        What messages call them.

    Raises
    ------
    StandardError
        A key is unknown, missing or of the wrong kind; a measure, a state or a limit is none; a code stands twice.

    Examples
    --------
    >>> rule, = read_rules([{"code": "low_tax", "measure": "tax_per_mu", "quantile": 0.1, "within": "industry"}], "x")
    >>> rule.tests[0].quantile, rule.tests[0].within, rule.tests[0].comparison
    (0.1, 'industry', 'below')
    """
    rules = tuple(_rule(table, f"{where}: {name_in(table, 'code')}") for table in tables)
    check_unique([rule.code for rule in rules], where)
    return rules


def read_rule_file(path: str | Path) -> tuple[Rule, ...]:
    """Read rules from a TOML file that holds ``[[rules]]`` (读取线索规则文件).

    Raises
    ------
    SourceError
        There is no such file, or it is not UTF-8.
    StandardError
        It is no TOML, holds anything else, or a rule cannot be used, see `read_rules`.
    """
    path = Path(path)
    try:
        found = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f'candidates.rules: "{path}" cannot be read ({error}). Expected a TOML file, saved as UTF-8.',
            f"candidates.rules：无法读取“{path}”（{error}）。应为以 UTF-8 保存的 TOML 文件。",
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise StandardError(
            f"{path.name}: not valid TOML: {error}.", f"{path.name}：TOML 语法错误：{error}。"
        ) from error
    check_keys(found, path.name, {"rules": ((list,), True)})
    return read_rules(found["rules"], path.name)


@cache
def ready_rules() -> Mapping[str, Rule]:
    """Return the ready-made rules (现成线索规则), by code: `ready.toml`.

    Examples
    --------
    >>> ready_rules()["idle_land"].tests[0].about
    'idle'
    """
    text = resources.files("geo.renewal").joinpath("ready.toml").read_text("utf-8")
    return {rule.code: rule for rule in _read_ready(tomllib.loads(text)["rules"])}


def pick_ready(codes: Sequence[str]) -> tuple[Rule, ...]:
    """Return ready-made rules by their codes (按编号选用现成规则).

    Raises
    ------
    ProjectError
        A code is on no rule; the nearest is named.

    Examples
    --------
    >>> [rule.code for rule in pick_ready(["unbuilt", "idle_land"])]
    ['unbuilt', 'idle_land']
    """
    known = ready_rules()
    for code in codes:
        if code not in known:
            like = nearest(code, known)
            raise ProjectError(
                f'candidates.also: "{code}" is no ready-made rule.' + (f' Did you mean "{like}"?' if like else "")
                + f" There are: {', '.join(known)}. Others are written as [[candidates.rules]].",
                f"candidates.also：没有现成规则“{code}”。" + (f"是否指“{like}”？" if like else "")
                + f"可用：{'、'.join(known)}。其他规则请写作 [[candidates.rules]]。",
            )  # fmt: skip
    return tuple(known[code] for code in dict.fromkeys(codes))


def _read_ready(tables: Sequence[Mapping[str, Any]]) -> list[Rule]:
    return [_made(table, f"ready.toml: {table['code']}") for table in tables]


def _rule(table: Mapping[str, Any], where: str) -> Rule:
    rule = _made(table, where)
    known = {one.code for one in standard_rules(Rules())} | set(ready_rules())
    if rule.title is None and rule.code not in known:
        raise _wrong(
            where,
            "a code of one's own needs title_zh and title_en, which people read",
            "自定义的编号须有 title_zh 和 title_en 作为名称",
        )
    return rule


def _made(table: Mapping[str, Any], where: str) -> Rule:
    check_keys(table, where, _RULE_KEYS)
    if _CODE.fullmatch(table["code"]) is None:
        raise _wrong(
            where,
            "code: expected small letters, digits and _, such as low_output",
            "code 应为小写字母、数字和下划线，如 low_output",
        )
    titles = [table.get("title_en"), table.get("title_zh")]
    if (titles[0] is None) != (titles[1] is None):
        raise _wrong(where, "give title_zh and title_en, or neither", "title_zh 与 title_en 应同时给出")
    tests, combine = _tests(table, where)
    return Rule(
        code=table["code"],
        tests=tests,
        combine=combine,
        title=None if titles[0] is None else Words(str(titles[0]), str(titles[1])),
        source=table.get("source", "project"),
        counts=table.get("counts", True),
    )


def _tests(table: Mapping[str, Any], where: str) -> tuple[tuple[Test, ...], str]:
    """One test in the rule itself, or several under all_of or any_of."""
    several = [key for key in ("all_of", "any_of") if key in table]
    own = [key for key in _TEST_KEYS if key in table]
    if len(several) + bool(own) != 1:
        raise _wrong(
            where,
            "expected one test (measure or state), or all_of, or any_of; found " + (", ".join(own + several) or "none"),
            f"应为一项判断（measure 或 state），或 all_of，或 any_of；实有：{'、'.join(own + several) or '无'}",
        )
    if not several:
        return (_test({key: table[key] for key in own}, where),), "all"
    entries = [(entry, f"{where}: {several[0]}[{place}]") for place, entry in enumerate(table[several[0]], 1)]
    for entry, at in entries:
        check_keys(entry, at, _TEST_KEYS)
    return tuple(_test(entry, at) for entry, at in entries), several[0].removesuffix("_of")


def _test(entry: Mapping[str, Any], where: str) -> Test:
    if ("measure" in entry) == ("state" in entry):
        raise _wrong(where, "expected measure or state, one of them", "应有 measure 或 state 其中之一")
    lists = {key: _texts(entry[key], f"{where}: {key}") for key in _LISTS if key in entry}
    years = entry.get("years", 1)
    if not 1 <= years <= _MOST_YEARS:
        raise _wrong(
            where, f"years is {years}; expected 1 to {_MOST_YEARS}", f"years 为 {years}；应为 1 至 {_MOST_YEARS}"
        )
    if "state" in entry:
        return _state(entry, years, lists, where)
    measure = MEASURES[one_of(entry["measure"], tuple(MEASURES), f"{where}: measure")]
    takes = ["measure", *_LIMITS, "side", "within"]
    takes += ["years"] if measure.of_firms else []
    takes += ["kinds"] if measure.id in ("constraint_share", "cover_share") else []
    _refuse_others(entry, takes, where)
    if measure.id == "cover_share" and "kinds" not in entry:
        raise _wrong(
            where,
            'cover_share needs kinds, classes of [layers.land_cover] such as ["bare"]',
            'cover_share 须写明 kinds，即 [layers.land_cover] 中的类别，如 ["bare"]',
        )
    limits = [key for key in _LIMITS if key in entry]
    if len(limits) != 1:
        found = ", ".join(limits) or "none"
        raise _wrong(
            where,
            f"expected one of {', '.join(_LIMITS)}; found {found}",
            f"应有 {'、'.join(_LIMITS)} 其中之一；实有：{found}",
        )
    return _comparison(entry, limits[0], years, lists, where)


def _comparison(
    entry: Mapping[str, Any], way: str, years: int, lists: Mapping[str, tuple[str, ...]], where: str
) -> Test:
    """A measure against its limit: absolute, or relative to others."""
    number = float(entry[way])
    absolute = way in COMPARISONS
    if absolute:
        _refuse_others(entry, [key for key in entry if key not in {"side", "within"}], where)
    if number < 0 or (way == "quantile" and not 0 < number < 1):
        wanted = ("a share between 0 and 1", "0 与 1 之间的数") if way == "quantile" else ("0 or more", "不小于 0 的数")
        raise _wrong(where, f"{way} is {number:g}; expected {wanted[0]}", f"{way} 为 {number:g}；应为{wanted[1]}")
    return Test(
        entry["measure"],
        comparison=way if absolute else one_of(entry.get("side", "below"), COMPARISONS, f"{where}: side"),
        limit=number if absolute else None,
        of_mean=number if way == "of_mean" else None,
        quantile=number if way == "quantile" else None,
        within=one_of(entry.get("within", "city"), WITHIN, f"{where}: within"),
        years=years,
        **lists,
    )


def _state(entry: Mapping[str, Any], years: int, lists: Mapping[str, tuple[str, ...]], where: str) -> Test:
    state = one_of(entry["state"], tuple(STATES), f"{where}: state")
    _refuse_others(entry, ["state", *STATES[state]], where)
    for name in lists.get("indicators", ()):
        one_of(name, _HELD, f"{where}: indicators")
    given: dict[str, Any] = dict(lists)
    return Test(state, years=years, **given)


def _refuse_others(entry: Mapping[str, Any], takes: Sequence[str], where: str) -> None:
    """Refuse keys that would do nothing here."""
    idle = [key for key in entry if key not in takes]
    if idle:
        about = entry.get("measure", entry.get("state"))
        raise _wrong(
            where,
            f'"{about}" does not take {", ".join(idle)}; it takes {", ".join(takes)}',
            f"“{about}”不用 {'、'.join(idle)}；可用：{'、'.join(takes)}",
        )


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) and one.strip() for one in value):
        raise _wrong(where, f'is {value!r}; expected texts such as ["D"]', f'为 {value!r}；应为文字列表，如 ["D"]')
    return tuple(one.strip() for one in value)


def _wrong(where: str, en: str, zh: str) -> StandardError:
    return StandardError(f"{where}: {en}.", f"{where}：{zh}。")
