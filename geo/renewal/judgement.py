"""What a test or a rule has found out about the parcels it judged (`Judgement`), and how several are put together.

Answers are three-valued: found, not found, not known. Of several tests that must all hold, one that fails settles the
rule though others are not known; of several of which one must hold, one that holds does. What is not known and would
have decided is named. Knows neither measures nor states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import and_, or_
from typing import Any

import pandas as pd

from layers.errors import Words

__all__ = ["EVIDENCE", "LIMITS", "Judgement", "combined", "evidence_rows", "nothing_told"]

#: Columns of evidence beside `parcel` and `code`.
EVIDENCE = ("measure", "comparison", "value", "limit", "unit", "source", "basis_zh", "basis_en")
#: Columns of the limits that were applied beside `code`.
LIMITS = ("column", "comparison", "scope", "limit", "unit", "source", "basis_zh", "basis_en")

_NUMBERS = ("value", "limit")


@dataclass(frozen=True)
class Judgement:
    """An answer for every parcel that was judged.

    Attributes
    ----------
    found : Series of boolean
        Missing where it is not known.
    told : DataFrame
        One row a parcel where it was found: `parcel` and `EVIDENCE`.
    limits : DataFrame
        `LIMITS` that were applied; empty for a state.
    missing : mapping
        What is not known → the rows whose answer hangs on it.
    sought : bool
        False where there was nothing to judge by, such as a mean nobody can form.
    notes : tuple of Words
        What readers have to know of it.
    """

    found: pd.Series
    told: pd.DataFrame
    limits: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(LIMITS)))
    missing: Mapping[str, pd.Series] = field(default_factory=dict)
    sought: bool = True
    notes: tuple[Words, ...] = ()


def evidence_rows(parcels: pd.Index, **columns: Any) -> pd.DataFrame:  # noqa: ANN401
    """Return rows of evidence for some parcels (线索行); `columns` are those of `EVIDENCE`, one value or one a row.

    Examples
    --------
    >>> evidence_rows(pd.Index([4, 7]), measure="vacant", unit="1")["parcel"].tolist()
    [4, 7]
    """
    blank: dict[str, Any] = {name: float("nan") if name in _NUMBERS else "" for name in EVIDENCE}
    rows = pd.DataFrame({"parcel": parcels.to_numpy("int64")}).assign(**{**blank, **columns})
    return rows.astype({**dict.fromkeys(_NUMBERS, "float64"), **{n: "object" for n in EVIDENCE if n not in _NUMBERS}})


def nothing_told() -> pd.DataFrame:
    """Return evidence without a row (空线索表)."""
    return evidence_rows(pd.Index([], dtype="int64"))


def combined(parts: Sequence[Judgement], combine: str) -> Judgement:
    """Put the judgements of several tests together (线索组合).

    Parameters
    ----------
    parts : sequence of Judgement
        Of the same parcels, at least one.
    combine : {"all", "any"}

    Returns
    -------
    Judgement
        Told are all tests that hold where the whole does; missing is what the answer of the whole hangs on.

    Examples
    --------
    >>> one = Judgement(pd.Series([True, False, None], dtype="boolean"), nothing_told())
    >>> other = Judgement(pd.Series([None, None, True], dtype="boolean"), nothing_told())
    >>> combined([one, other], "all").found.tolist(), combined([one, other], "any").found.tolist()
    ([<NA>, False, <NA>], [True, <NA>, True])
    """
    if len(parts) == 1:
        return parts[0]
    found: pd.Series = reduce(and_ if combine == "all" else or_, [part.found for part in parts])
    held = found.index[found.fillna(value=False).to_numpy(dtype=bool)]
    told = [part.told[part.told["parcel"].isin(held)] for part in parts]
    names = dict.fromkeys(name for part in parts for name in part.missing)
    lacking = {
        name: reduce(or_, [part.missing[name] for part in parts if name in part.missing]) & found.isna()
        for name in names
    }
    limits = [part.limits for part in parts if len(part.limits)]
    return Judgement(
        found=found,
        told=pd.concat([rows for rows in told if len(rows)] or [nothing_told()], ignore_index=True),
        limits=pd.concat(limits, ignore_index=True) if limits else parts[0].limits,
        missing=lacking,
        sought=all(part.sought for part in parts) if combine == "all" else any(part.sought for part in parts),
        notes=tuple(note for part in parts for note in part.notes),
    )
