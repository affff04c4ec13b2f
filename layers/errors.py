"""What stops a run, named by the level that failed.

Faults *in the data* are not exceptions: `layers.check` returns them as findings, all at once.
An exception means the run cannot go on. Every message says what, where, how many of how many,
what was expected and how to mend it, in English and in Chinese; the command picks one.

    ParkwiseError
    ├── SourceError      a file cannot be read at all              (command exits with 3)
    ├── BlockedError     findings that make figures untrustworthy  (command exits with 1)
    ├── SchemaError      a layer lacks what its role needs         (command exits with 2)
    ├── CrsError         coordinates of two frames do not agree    (command exits with 2)
    ├── StandardError    a policy or an indicator is not on board  (command exits with 2)
    ├── ProjectError     the project file or the call is wrong     (command exits with 2)
    ├── OutputError      a result cannot be written                (command exits with 2)
    └── EngineError      the work cannot be shared out as asked    (command exits with 2)
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NamedTuple

__all__ = [
    "BlockedError",
    "CrsError",
    "EngineError",
    "OutputError",
    "ParkwiseError",
    "ProjectError",
    "SchemaError",
    "SourceError",
    "StandardError",
    "Words",
    "first",
    "nearest",
    "suggestion",
    "table_error",
]


class ParkwiseError(Exception):
    """Root of all errors Parkwise raises on purpose.

    Parameters
    ----------
    en, zh : str
        The whole message, once in English and once in Chinese.
    """

    exit_code = 2

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en = en
        self.zh = zh

    def __reduce__(self) -> tuple[type[ParkwiseError], tuple[str, str], dict[str, object]]:
        """Keep both languages on the way from a worker process."""
        return type(self), (self.en, self.zh), self.__dict__

    def text(self, language: str = "zh") -> str:
        """Return the message in `language` (zh or en)."""
        return self.en if language == "en" else self.zh


class SourceError(ParkwiseError):
    """A file is missing, damaged, locked, or of a kind that cannot be read."""

    exit_code = 3


class BlockedError(ParkwiseError):
    """The data were read, but no figure made of them could be trusted."""

    exit_code = 1


class SchemaError(ParkwiseError):
    """A layer lacks a column or a geometry that its role needs."""


class CrsError(ParkwiseError):
    """Two frames differ in coordinate reference system, or an area was asked in degrees."""


class StandardError(ParkwiseError):
    """A policy, a clause or an indicator that is not on board was asked for."""


class ProjectError(ParkwiseError):
    """The project file or the call is wrong."""


class OutputError(ParkwiseError):
    """A result cannot be written: it exists already, the folder is closed, the disk is full."""


class EngineError(ParkwiseError):
    """The work cannot be shared out as asked: a cluster out of reach, a batch that kills its workers."""


class Words(NamedTuple):
    """A sentence, or a part of one, in two languages."""

    en: str
    zh: str

    def text(self, language: str = "zh") -> str:
        """Return the sentence in `language` (zh or en)."""
        return self.en if language == "en" else self.zh


def table_error(where: Words, told: Words) -> ProjectError:
    """Return the error of a table people type (表格填写错误): where, what, and how its rows are counted.

    Examples
    --------
    >>> table_error(Words("targets, row 1", "目标表第 1 行"), Words('no "甲"; did you mean "乙"?', "没有“甲”")).en
    'targets, row 1: no "甲"; did you mean "乙"? Correct the table (rows are counted below its titles).'
    """
    en, zh = told.en.rstrip("."), told.zh.rstrip("。")
    en, zh = en if en.endswith("?") else f"{en}.", zh if zh.endswith("？") else f"{zh}。"
    return ProjectError(
        f"{where.en}: {en} Correct the table (rows are counted below its titles).",
        f"{where.zh}：{zh}请更正该表（行号不计标题行）。",
    )


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word most like `word`, or None when nothing comes near.

    Examples
    --------
    >>> nearest("overlapp", ["overlap", "area"])
    'overlap'
    """
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return found[0] if found else None


def suggestion(word: str, known: Iterable[str]) -> Words:
    """Ask whether the nearest known word was meant; nothing where none comes near.

    Examples
    --------
    >>> suggestion("plot_rati", ["plot_ratio"]).en, suggestion("x", ["plot_ratio"]).en
    (' Did you mean "plot_ratio"?', '')
    """
    like = nearest(word, known)
    return Words(f' Did you mean "{like}"?', f"是否指“{like}”？") if like else Words("", "")


def first(ids: Iterable[object], limit: int = 5) -> str:
    """Return the first few of `ids` as text, with an ellipsis when there are more.

    Examples
    --------
    >>> first(["P1", "P2", "P3"], limit=2)
    'P1, P2, …'
    """
    shown: list[str] = []
    for item in ids:
        if len(shown) == limit:
            shown.append("…")
            break
        shown.append(str(item))
    return ", ".join(shown)
