"""Sentences in two languages, as control indicators tell what was found, assumed or refused.

Knows no limit and no code; knows how a message names the nearest known word, and how an option is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from layers.errors import ParkwiseError, ProjectError, nearest

__all__ = ["Words", "one_of", "sentence", "suggestion"]


class Words(NamedTuple):
    """One sentence in two languages."""

    en: str
    zh: str


def sentence(error: ParkwiseError) -> Words:
    """Return a message without its full stop, to be joined with others (去句号).

    Examples
    --------
    >>> sentence(ParkwiseError("No such code.", "没有此代码。"))
    Words(en='No such code', zh='没有此代码')
    """
    return Words(error.en.rstrip("."), error.zh.rstrip("。"))


def suggestion(word: str, known: Iterable[str]) -> Words:
    """Ask whether the nearest known word was meant (近似词提示); nothing where none is near.

    Examples
    --------
    >>> suggestion("plot_rati", ["plot_ratio"]).en
    ' Did you mean "plot_ratio"?'
    """
    like = nearest(word, known)
    return Words(f' Did you mean "{like}"?', f"是否指“{like}”？") if like else Words("", "")


def one_of(option: str, value: str, known: Sequence[str]) -> None:
    """Refuse a value of an option that is none of the known (选项取值检查).

    Raises
    ------
    ProjectError
        The option, its value and the known ones are named.
    """
    if value not in known:
        raise ProjectError(
            f'{option} = "{value}": expected one of {", ".join(known)}.',
            f"{option} = “{value}”：应为 {'、'.join(known)} 之一。",
        )
