"""Names that must not leave the house (`Names`): of firms and owners, found in any text and struck out.

Knows how to look for tens of thousands of names in many texts at once; knows neither firms nor where texts stand. A
name counts where no letter or digit of ours stands on either side of it, in any width and case; plain numbers of fewer
than six digits and single characters are too common to be looked for.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pandas as pd

__all__ = ["STRUCK", "Names"]

#: Stands where a name stood.
STRUCK = "▇▇"

_SHORT = 2
_DIGITS = 6


class _Folding(dict[int, str]):
    """One sign for all its widths and cases; a sign that would become several stays."""

    def __missing__(self, sign: int) -> str:
        folded = unicodedata.normalize("NFKC", chr(sign)).casefold()
        self[sign] = folded if len(folded) == 1 else chr(sign)
        return self[sign]


class Names:
    """Names to be struck out of texts.

    Parameters
    ----------
    names : iterable
        Missing ones are left out.
    kept : iterable of str
        Texts that stay as a whole whatever they hold: names of places, words of ours.
    ids : iterable of str
        Ids of things that are told apart by them. One that holds a name becomes another of its own.

    Examples
    --------
    >>> names = Names(["甲厂", "91330100A"], ids=["甲厂一", "甲厂二", "p3"])
    >>> names.strike("已与甲厂（91330100ａ）核对，见 91330100AB")
    '已与▇▇（▇▇）核对，见 91330100AB'
    >>> [names.strike(one) for one in ("甲厂二", "p3")]
    ['▇▇2', 'p3']
    """

    def __init__(self, names: Iterable[object], kept: Iterable[str] = (), ids: Iterable[str] = ()) -> None:
        self._folding = _Folding()
        known = {self._fold(str(name).strip()) for name in names if not pd.isna(name)}  # type: ignore[call-overload]
        sought = [name for name in known if len(name) >= _SHORT and not (name.isdigit() and len(name) < _DIGITS)]
        lengths: dict[str, set[int]] = {}
        for name in sought:
            lengths.setdefault(name[:_SHORT], set()).add(len(name))
        self._lengths = {start: sorted(found, reverse=True) for start, found in lengths.items()}
        self._sought = frozenset(sought)
        self._instead = {one: one for one in kept}
        held = [one for one in dict.fromkeys(ids) if self.strike(one) != one]
        self._instead |= {one: f"{STRUCK}{number}" for number, one in enumerate(held, start=1)}

    def strike(self, text: str) -> str:
        """Return a text in which no name stands."""
        if text in self._instead:
            return self._instead[text]
        folded = self._fold(text)
        parts, at, kept = [], 0, 0
        while at < len(text) - 1:
            length = self._found_at(folded, at)
            if length:
                parts += [text[kept:at], STRUCK]
                at = kept = at + length
            else:
                at += 1
        return "".join([*parts, text[kept:]]) if parts else text

    def _fold(self, text: str) -> str:
        return text.translate(self._folding)

    def _found_at(self, text: str, at: int) -> int:
        """Length of the longest name that begins here, 0 for none."""
        for length in self._lengths.get(text[at : at + _SHORT], ()):
            if text[at : at + length] in self._sought and _stands_alone(text, at, at + length):
                return length
        return 0

    def series(self, column: pd.Series) -> pd.Series:
        """Strike names out of a column of texts, of lists of them, of categories; what is none stays."""
        if isinstance(column.dtype, pd.CategoricalDtype):
            struck = self.series(pd.Series(column.cat.categories))
            return column if struck.equals(pd.Series(column.cat.categories)) else column.map(self.anything)
        texts = column[column.map(lambda one: isinstance(one, str)).astype(bool)]
        different = {one: self.strike(one) for one in texts.unique()}
        changed = {one: other for one, other in different.items() if one != other}
        if not changed and len(texts) == column.notna().sum():
            return column
        return column.map(lambda one: changed.get(one, one) if isinstance(one, str) else self.anything(one))

    def frame(self, table: pd.DataFrame) -> pd.DataFrame:
        """Strike names out of every column of texts."""
        columns = [name for name in table if _may_hold_texts(table[name])] if len(table) else []
        struck = {str(name): self.series(table[name]) for name in columns}
        return table.assign(**{name: column for name, column in struck.items() if column is not table[name]})

    def anything(self, value: Any) -> Any:  # noqa: ANN401  (a run holds what Python holds)
        """Strike names out of texts, however deep they stand in lists, mappings, tables and records."""
        if isinstance(value, str):
            return self.strike(value)
        if isinstance(value, pd.DataFrame):
            return self.frame(value)
        if isinstance(value, Mapping):
            return {self.anything(name): self.anything(one) for name, one in value.items()}
        if isinstance(value, (list, tuple)):
            struck = map(self.anything, value)
            return type(value)(*struck) if hasattr(value, "_fields") else type(value)(struck)
        return self._record(value) if is_dataclass(value) and not isinstance(value, type) else value

    def _record(self, value: Any) -> Any:  # noqa: ANN401
        held = {one.name: getattr(value, one.name) for one in fields(value) if one.init}
        struck = {name: self.anything(one) for name, one in held.items()}
        return replace(value, **{name: one for name, one in struck.items() if one is not held[name]})


def _may_hold_texts(column: pd.Series) -> bool:
    kind = column.dtype
    return pd.api.types.is_string_dtype(column) or kind == "object" or isinstance(kind, pd.CategoricalDtype)


def _stands_alone(text: str, start: int, stop: int) -> bool:
    """Whether a name is no part of a longer code."""
    before = start > 0 and _is_code(text[start - 1]) and _is_code(text[start])
    after = stop < len(text) and _is_code(text[stop]) and _is_code(text[stop - 1])
    return not (before or after)


def _is_code(sign: str) -> bool:
    return sign.isascii() and sign.isalnum()
