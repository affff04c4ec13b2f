"""How control indicators tell what they were told by others, and refuse an option (用语)."""

from __future__ import annotations

from collections.abc import Sequence

from layers.errors import ParkwiseError, ProjectError, Words

__all__ = ["one_of", "sentence"]


def sentence(error: ParkwiseError) -> Words:
    """Return a message without its full stop, to be joined with others (去句号).

    Examples
    --------
    >>> sentence(ParkwiseError("No such code.", "没有此代码。"))
    Words(en='No such code', zh='没有此代码')
    """
    return Words(error.en.rstrip("."), error.zh.rstrip("。"))


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
