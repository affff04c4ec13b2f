"""Names that must not leave the house (`Names`): of firms and owners, found in any text and struck out.

Knows how to look for tens of thousands of names in many texts at once; knows neither firms nor where texts stand. A
name counts where no letter or digit of ours stands on either side of it; plain numbers of fewer than six digits, and
single characters, are looked for as whole texts only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

__all__ = ["STRUCK", "Names"]

#: Stands where a name stood.
STRUCK = "▇▇"

_SHORT = 2
_DIGITS = 6


class Names:
    """Names to be struck out of texts.

    Examples
    --------
    >>> names = Names(["甲厂", "91330100A"])
    >>> names.strike("已与甲厂（91330100A）核对，见 91330100AB")
    '已与▇▇（▇▇）核对，见 91330100AB'
    """

    def __init__(self, names: Iterable[object]) -> None:
        known = {str(name).strip() for name in names if not pd.isna(name)}  # type: ignore[call-overload]
        self.every = frozenset(name for name in known if name)
        sought = [name for name in self.every if len(name) >= _SHORT and not (name.isdigit() and len(name) < _DIGITS)]
        lengths: dict[str, set[int]] = {}
        for name in sought:
            lengths.setdefault(name[:_SHORT], set()).add(len(name))
        self._lengths = {start: sorted(found, reverse=True) for start, found in lengths.items()}
        self._sought = frozenset(sought)

    def strike(self, text: str) -> str:
        """Return a text in which no name stands."""
        if text.strip() in self.every:
            return STRUCK
        parts, at, kept = [], 0, 0
        while at < len(text) - 1:
            length = self._found_at(text, at)
            if length:
                parts += [text[kept:at], STRUCK]
                at = kept = at + length
            else:
                at += 1
        return "".join([*parts, text[kept:]]) if parts else text

    def _found_at(self, text: str, at: int) -> int:
        """Length of the longest name that begins here, 0 for none."""
        for length in self._lengths.get(text[at : at + _SHORT], ()):
            if text[at : at + length] in self._sought and _stands_alone(text, at, at + length):
                return length
        return 0

    def series(self, texts: pd.Series) -> pd.Series:
        """Strike names out of a column; what is no text stays."""
        different = {one: self.strike(one) for one in texts.dropna().unique() if isinstance(one, str)}
        changed = {one: other for one, other in different.items() if one != other}
        return texts.map(lambda one: changed.get(one, one) if isinstance(one, str) else one) if changed else texts

    def frame(self, table: pd.DataFrame) -> pd.DataFrame:
        """Strike names out of every column of texts."""
        columns = [name for name in table if pd.api.types.is_string_dtype(table[name]) or table[name].dtype == "object"]
        return table.assign(**{str(name): self.series(table[name]) for name in columns}) if len(table) else table

    def anything(self, value: Any) -> Any:  # noqa: ANN401  (a ledger holds what JSON holds)
        """Strike names out of texts, however deep they stand in lists and mappings."""
        if isinstance(value, str):
            return self.strike(value)
        if isinstance(value, dict):
            return {name: self.anything(one) for name, one in value.items()}
        return [self.anything(one) for one in value] if isinstance(value, (list, tuple)) else value


def _stands_alone(text: str, start: int, stop: int) -> bool:
    """Whether a name is no part of a longer code."""
    before = start > 0 and _is_code(text[start - 1]) and _is_code(text[start])
    after = stop < len(text) and _is_code(text[stop]) and _is_code(text[stop - 1])
    return not (before or after)


def _is_code(sign: str) -> bool:
    return sign.isascii() and sign.isalnum()
