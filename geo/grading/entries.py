"""Entries of a rule file of the grading (评价规则条目): which keys, of which types, with which words.

Every refusal names the place in the file, in English and Chinese. Knows no rule.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from layers.errors import StandardError, Words, nearest

__all__ = ["NUMBER", "Keys", "check_keys", "check_positive", "check_unique", "name_in", "near", "one_of", "wrong"]

#: key -> (types allowed, required)
Keys = Mapping[str, tuple[tuple[type, ...], bool]]
NUMBER = (int, float)

_TYPE_WORDS: Mapping[type, tuple[str, str]] = {
    str: ("text", "文字"),
    int: ("a whole number", "整数"),
    float: ("a number", "数字"),
    bool: ("true or false", "true 或 false"),
    date: ("a date without quotes and without a time", "不带引号、不带时刻的日期"),
    list: ("a list of tables", "表的列表"),
    dict: ("a table", "表"),
}


def wrong(where: str, en: str, zh: str) -> StandardError:
    """Return the error of a rule set, with the place in it."""
    return StandardError(f"Rule set {where}: {en}.", f"评价规则 {where}：{zh}。")


def near(word: str, known: Iterable[str]) -> Words:
    """Return what a message adds of the known word most like `word` (近似词提示); nothing where none comes near.

    Examples
    --------
    >>> near("tax_pr_mu", ["tax_per_mu"]).en, near("x", ["tax_per_mu"]).en
    ('; nearest: tax_per_mu', '')
    """
    like = nearest(word, known)
    return Words(f"; nearest: {like}", f"；最接近：{like}") if like else Words("", "")


def name_in(entry: object, key: str) -> str:
    """Return what an entry calls itself under `key` (条目名称), for messages; "?" where it does not say."""
    return str(entry.get(key, "?")) if isinstance(entry, Mapping) else "?"


def check_keys(entry: object, where: str, keys: Keys) -> None:
    """Refuse unknown keys, missing keys, values of the wrong type, and numbers that are none (键与类型检查).

    Raises
    ------
    StandardError
        With the nearest known key, or the type expected.
    """
    if not isinstance(entry, Mapping):
        raise wrong(where, f"is {entry!r}, expected a table", f"为 {entry!r}，应为表")
    for key in entry:
        if key not in keys:
            hint = near(key, keys)
            raise wrong(where, f'unknown key "{key}"{hint.en}', f"未知的键“{key}”{hint.zh}")
    for key, (types, required) in keys.items():
        if key not in entry and required:
            raise wrong(where, f'"{key}" is missing', f"缺少“{key}”")
        if key in entry and not _fits(entry[key], types):
            en, zh = zip(*(_TYPE_WORDS[one] for one in types), strict=True)
            raise wrong(
                where,
                f'"{key}" is {entry[key]!r}; expected {" or ".join(en)}',
                f"“{key}”为 {entry[key]!r}；应为{'或'.join(zh)}",
            )


def _fits(value: object, types: tuple[type, ...]) -> bool:
    # True is an int to Python, a time of a day is a date to it, and nan and inf are numbers to TOML.
    if isinstance(value, (bool, datetime)):
        return type(value) in types
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return isinstance(value, types) and value not in ("", [])


def one_of(value: str, known: Sequence[str], where: str) -> str:
    """Return `value`, or refuse it when it is none of the known words, naming the nearest (取值检查)."""
    if value not in known:
        listed, hint = ", ".join(known), near(value, known)
        raise wrong(
            where,
            f'"{value}"; expected one of {listed}{hint.en}',
            f"“{value}”；应为 {listed} 之一{hint.zh}",
        )
    return value


def check_positive(value: object, where: str, en: str = "a number above 0", zh: str = "大于 0 的数字") -> None:
    """Refuse what is no number above 0 (正数检查); `en`, `zh` say what is expected."""
    if not isinstance(value, (int, float)) or not value > 0:
        raise wrong(where, f"is {value!r}, expected {en}", f"为 {value!r}，应为{zh}")


def check_unique(names: Sequence[str], where: str) -> None:
    """Refuse a name that stands twice (重名检查)."""
    twice = ", ".join(sorted({name for name in names if names.count(name) > 1}))
    if twice:
        raise wrong(where, f"stands twice: {twice}", f"重复：{twice}")
