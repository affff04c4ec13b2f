"""Storey heights by use (分用途层高): what a height is divided by where nobody tells the storeys.

The table on board (`tables/storey_heights.csv`) says of each row where its figure comes from, or that it is an
assumption of ours. What a project states goes before it. Heights in metres; knows no building.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import pandas as pd

from layers.errors import ProjectError

__all__ = ["DEFAULT_STOREY_HEIGHT_M", "StoreyHeight", "checked_heights", "storey_height_by_use", "storey_heights"]

#: Of a use that no row names, and where none is told: an assumption of ours.
DEFAULT_STOREY_HEIGHT_M = 4.0
#: Nobody builds storeys outside these (m); values outside are slips.
_LOWEST_M, _HIGHEST_M = 1.0, 50.0


@dataclass(frozen=True)
class StoreyHeight:
    """One row of the table: a use, the words that tell it, its storey height, and where the figure comes from."""

    use: str
    words: tuple[str, ...]
    storey_height_m: float
    source_zh: str
    source_en: str


@cache
def storey_heights() -> tuple[StoreyHeight, ...]:
    """Return the table on board (自带层高表), in the order in which uses are looked for.

    Examples
    --------
    >>> [(row.use, row.storey_height_m) for row in storey_heights()]
    [('industrial', 4.0), ('residential', 3.1), ('office', 3.9)]
    """
    text = resources.files("geo").joinpath("tables/storey_heights.csv").read_text("utf-8")
    return tuple(
        StoreyHeight(
            row["use"],
            tuple(row["words"].split("|")),
            float(row["storey_height_m"]),
            row["source_zh"],
            row["source_en"],
        )
        for row in csv.DictReader(text.splitlines())
    )


def checked_heights(stated: Mapping[str, object]) -> dict[str, float]:
    """Return storey heights a project states, by a word of the use (项目自定层高).

    Raises
    ------
    ProjectError
        One is no number from 1 to 50 m, or its word is blank.

    Examples
    --------
    >>> checked_heights({"厂房": 6})
    {'厂房': 6.0}
    """
    for word, value in stated.items():
        fits = isinstance(value, (int, float)) and not isinstance(value, bool) and _LOWEST_M <= value <= _HIGHEST_M
        if not fits or not word.strip():
            shape, ends = '{ "厂房" = 6.0 }', f"{_LOWEST_M:g}"
            raise ProjectError(
                f'buildings.storey_heights: "{word}" = {value!r}. Expected a word of the use and metres from '
                f"{ends} to {_HIGHEST_M:g}, such as {shape}.",
                f"buildings.storey_heights：“{word}” = {value!r}。应为用途中的词和层高（{ends} 至 {_HIGHEST_M:g} 米），"
                f"如 {shape}。",
            )
    return {word.strip(): float(value) for word, value in stated.items()}  # type: ignore[arg-type]


def storey_height_by_use(
    use: pd.Series | None,
    index: pd.Index,
    stated: Mapping[str, float] | None = None,
    otherwise_m: float | None = None,
) -> pd.DataFrame:
    """Storey height to take for each building by its use (按用途取层高).

    Parameters
    ----------
    use : Series of str, optional
        As written, such as ``工业厂房`` or ``dormitory``; the first word found in it decides.
    index : Index
        Of the buildings.
    stated : mapping of str to float, optional
        Word of a use → metres; goes before all else.
    otherwise_m : float, optional
        Stated for all other uses; then the table on board is not asked. Without it the table decides, and 4.0 where
        it names no such use.

    Returns
    -------
    DataFrame
        `storey_height_m`, and `storey_height_from`: ``project``, the use of the table on board, or ``default``.

    Examples
    --------
    >>> uses = pd.Series(["工业厂房", "职工宿舍", "office", None])
    >>> storey_height_by_use(uses, uses.index)["storey_height_m"].tolist()
    [4.0, 3.1, 3.9, 4.0]
    >>> storey_height_by_use(uses, uses.index, {"厂房": 6.0}, 3.5)["storey_height_m"].tolist()
    [6.0, 3.5, 3.5, 3.5]
    """
    rules = [(word, metres, "project") for word, metres in (stated or {}).items()]
    if otherwise_m is None:
        rules += [(word, row.storey_height_m, row.use) for row in storey_heights() for word in row.words]
    last = (DEFAULT_STOREY_HEIGHT_M, "default") if otherwise_m is None else (otherwise_m, "project")
    given = pd.Series(pd.NA, index=index, dtype="string") if use is None else use.astype("string")
    # A city knows few uses: each is looked up once; the last, −1, stands for none.
    codes, words = pd.factorize(given)
    found = [_look_up(str(word).casefold(), rules, last) for word in words]
    table = pd.DataFrame([*found, last], columns=["storey_height_m", "storey_height_from"])
    return table.take(codes).set_axis(index)


def _look_up(use: str, rules: list[tuple[str, float, str]], last: tuple[float, str]) -> tuple[float, str]:
    return next(((metres, source) for word, metres, source in rules if word.casefold() in use), last)
