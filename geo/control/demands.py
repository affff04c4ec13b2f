"""What each standard asks of each row of land (逐行适用的控制值): case by case, rows of one industry being one case.

A standard is looked up once a case, not once a row. A case without a limit says why; it is told, never refused.
Knows no areas and sums nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.control.finding import choose
from geo.control.limits import INDICATORS, Limit
from geo.control.sub_regions import SubRegion, find_sub_regional
from geo.control.words import sentence
from layers.errors import StandardError, Words

__all__ = ["Demand", "by_industry", "by_sub_region"]


@dataclass(frozen=True)
class Demand:
    """What one standard asks on one side of one indicator (一项标准的要求).

    Attributes
    ----------
    standard : str
        Edition of the control indicators, or "sub_region".
    indicator, comparison : str
    case : array, shape (rows,)
        Which case each row is, a place in the three that follow.
    limits : array, shape (cases,)
        Missing where a case has no limit.
    sources : tuple of str, one a case
        Whose word the limit is; "" where there is none.
    notes : tuple of tuple of Words, one a case
        How the limit was found, or why there is none.
    """

    standard: str
    indicator: str
    comparison: str
    case: npt.NDArray[np.intp]
    limits: npt.NDArray[np.float64]
    sources: tuple[str, ...]
    notes: tuple[tuple[Words, ...], ...]


def by_industry(rows: pd.DataFrame, limits: Sequence[Limit], several: str) -> Iterator[Demand]:
    """Ask each row for what its industry needs (按行业), one demand an indicator that has limits.

    Parameters
    ----------
    rows : DataFrame
        `code`, `code_edition` as text, missing where not known.
    limits : sequence of Limit
        Of one edition.
    several : str
        See `find_limit`.
    """
    case, keys = _cases(rows, ("code", "code_edition"))
    for indicator, (_, _, comparison) in INDICATORS.items():
        own = [one for one in limits if one.indicator == indicator]
        if own:
            found = [_settled(own, code, code_edition, several) for code, code_edition in keys]
            yield Demand(
                standard=own[0].edition,
                indicator=indicator,
                comparison=comparison,
                case=case,
                limits=_figures(None if one is None else one.value for one, _ in found),
                sources=tuple("" if one is None else _cited(one) for one, _ in found),
                notes=tuple(told for _, told in found),
            )


def _cases(rows: pd.DataFrame, names: Sequence[str]) -> tuple[npt.NDArray[np.intp], list[tuple[Any, ...]]]:
    """Return which case each row is, in order of appearance, and what stands in the columns of each; None: missing."""
    case = np.zeros(len(rows), dtype="intp")
    for name in names:
        each, known = pd.factorize(rows[name])  # −1 where missing
        case, _ = pd.factorize(case * (len(known) + 1) + each)
    cells = rows[list(names)].take(np.unique(case, return_index=True)[1]).astype("object")
    return case, list(cells.where(cells.notna(), None).itertuples(index=False, name=None))


def _settled(
    own: Sequence[Limit], code: str | None, code_edition: str | None, several: str
) -> tuple[Limit | None, tuple[Words, ...]]:
    """Return the limit of an industry with what there is to say of it, or none and why."""
    if code is None:
        return None, (Words("rows without industry code", "有的行没有行业代码"),)
    if code_edition is None:
        return None, (Words("industry codes without their edition", "有的行业代码没有注明版本"),)
    try:
        limit, why = choose(own, code, code_edition, several)
    except StandardError as error:
        return None, (sentence(error),)
    if limit is None:
        return None, (why,)
    return limit, (Words(limit.status_en, limit.status_zh), Words(limit.note_en, limit.note_zh))


def _figures(values: Iterable[float | None]) -> npt.NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values], dtype="float64")


def _cited(limit: Limit) -> str:
    return " | ".join(filter(None, (limit.document, limit.clause, limit.source)))


def by_sub_region(rows: pd.DataFrame, sub_regions: Sequence[SubRegion]) -> Iterator[Demand]:
    """Ask each row for the plot ratio of its sub-region (按分区), one demand a side that any row of the standard sets.

    Parameters
    ----------
    rows : DataFrame
        `sub_region`, `code`, `code_edition`, `inside_parks`, missing where not known.
    sub_regions : sequence of SubRegion
    """
    case, keys = _cases(rows, ("sub_region", "code", "code_edition", "inside_parks"))
    settled = [_settled_sub_region(sub_regions, *key) for key in keys]
    for comparison, column in (("at_least", "plot_ratio_min"), ("at_most", "plot_ratio_max")):
        if any(getattr(one, column) is not None for one in sub_regions):
            unset = (Words(f"sub-regions that set no {column}", f"有的分区未设 {column}"),)
            found = [(one, getattr(one, column, None), why) for one, why in settled]
            yield Demand(
                standard="sub_region",
                indicator="plot_ratio",
                comparison=comparison,
                case=case,
                limits=_figures(value for _, value, _ in found),
                sources=tuple("" if one is None else f"{one.source} | {one.where}" for one, _, _ in found),
                notes=tuple(unset if one is not None and value is None else why for one, value, why in found),
            )


def _settled_sub_region(
    sub_regions: Sequence[SubRegion], name: object, code: str | None, code_edition: str | None, inside: bool | None
) -> tuple[SubRegion | None, tuple[Words, ...]]:
    if name is None:
        return None, (Words("rows without sub-region", "有的行没有分区"),)
    side = None if inside is None else bool(inside)
    try:
        found = find_sub_regional(str(name), sub_regions, code=code, code_edition=code_edition, inside_parks=side)
    except StandardError as error:
        return None, (sentence(error),)
    return found, ()
