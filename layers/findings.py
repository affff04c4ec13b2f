"""Faults in the data, as one table.

A finding is a row, not an exception: the check goes on and tells all of them at once. What a code
means (severity, whether it blocks, title, what was expected, how to mend it, whether the mend is
safe) stands in `tables/codes/findings.csv`, in Chinese and English, with one page a code in
`docs/checks/`. A row carries only what differs: layer, record, column, what was found, where.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["COLUMNS", "Code", "blocking", "codes", "concat", "describe", "empty", "finding", "summarise"]

Objects = npt.NDArray[np.object_]

#: Columns of a findings table. `row` is the position in the source (0-based, −1 = the whole layer),
#: `x`, `y` a place in longitude and latitude (missing where there is none), `params` fills the texts.
COLUMNS = ("code", "severity", "blocks", "layer", "id", "row", "column", "found", "x", "y", "params")


@dataclass(frozen=True)
class Code:
    """What one finding code means, in two languages."""

    code: str
    severity: str  # error | warning | note
    blocks: bool
    remedy_is: str  # safe | unsafe | none: whether `repair` mends it
    title: Mapping[str, str]
    expected: Mapping[str, str]
    remedy: Mapping[str, str]


@cache
def codes() -> dict[str, Code]:
    """Return every code on board, keyed by code."""
    text = resources.files("layers").joinpath("tables/codes/findings.csv").read_text("utf-8")
    return {
        row["code"]: Code(
            code=row["code"],
            severity=row["severity"],
            blocks=row["blocks"] == "yes",
            remedy_is=row["remedy_is"],
            title={"zh": row["title_zh"], "en": row["title_en"]},
            expected={"zh": row["expected_zh"], "en": row["expected_en"]},
            remedy={"zh": row["remedy_zh"], "en": row["remedy_en"]},
        )
        for row in csv.DictReader(text.splitlines())
    }


def empty() -> pd.DataFrame:
    """Return a findings table without rows."""
    return pd.DataFrame(columns=list(COLUMNS), index=pd.RangeIndex(0), dtype="object")


def finding(
    code: str,
    layer: str,
    *,
    ids: Sequence[object] | pd.Series = ("",),
    rows: Sequence[int] | np.ndarray | None = None,
    column: str = "",
    found: object = "",
    places: Sequence[tuple[float, float]] | np.ndarray | None = None,
    blocks: bool | None = None,
    **params: object,
) -> pd.DataFrame:
    """Return findings of one code, a row for each of `ids`.

    Parameters
    ----------
    code : str
        A code of `tables/codes/findings.csv`.
    layer : str
        Name of the layer (parks, parcels, …).
    ids : sequence
        Ids of the records; ``("",)`` when the finding is about the whole layer.
    rows : sequence of int, optional
        Positions of the records in the source, 0-based.
    column : str
        Canonical column, "" where the finding is about geometry or the layer.
    found : object or sequence
        What was found: one for all, or one each.
    places : array of shape (n, 2), optional
        Longitude and latitude.
    blocks : bool, optional
        Overrides the code's default, for codes that block only above a tolerance.
    **params
        Fill ``{name}`` in the texts of the code; a list gives one each.

    Raises
    ------
    KeyError
        The code is not on board.
    """
    meaning = codes()[code]
    n = len(ids)
    xy = np.full((n, 2), np.nan) if places is None else np.asarray(places, dtype="float64")
    return pd.DataFrame(
        {
            "code": code,
            "severity": meaning.severity,
            "blocks": meaning.blocks if blocks is None else blocks,
            "layer": layer,
            "id": ["" if item is None or item is pd.NA else str(item) for item in ids],
            "row": [-1] * n if rows is None else np.asarray(rows, dtype="int64"),
            "column": column,
            "found": [str(item) for item in _spread(found, n)],
            "x": xy[:, 0],
            "y": xy[:, 1],
            "params": _each(params, n),
        },
        index=pd.RangeIndex(n),
        columns=list(COLUMNS),
        dtype="object",
    )


def _spread(value: object, n: int) -> list[object]:
    if isinstance(value, (list, tuple, np.ndarray, pd.Series)):
        if len(value) != n:
            raise ValueError(f"{len(value)} values for {n} findings")
        return list(value)
    return [value] * n


def _each(params: Mapping[str, object], n: int) -> list[dict[str, object]]:
    """What fills the texts of each finding: one dictionary for all of them, where it is the same for all."""
    if not any(isinstance(value, (list, tuple, np.ndarray, pd.Series)) for value in params.values()):
        return [dict(params)] * n
    spread = {name: _spread(value, n) for name, value in params.items()}
    return [{name: values[i] for name, values in spread.items()} for i in range(n)]


def concat(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Join findings tables, empty ones too."""
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else empty()


def blocking(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that make figures untrustworthy."""
    return table[table["blocks"].astype(bool)]


def describe(table: pd.DataFrame, language: str = "zh") -> pd.DataFrame:
    """Return the table people read: code, severity, layer, id, column, title, found, expected, remedy.

    Also ``blocks``, ``remedy_is`` (safe, unsafe, none), ``x`` and ``y``.
    """
    known = codes()
    # A million findings have few texts: those of one code mostly share what fills them.
    key = pd.DataFrame({"code": table["code"].to_numpy(), "params": [id(params) for params in table["params"]]})
    of = key.groupby(["code", "params"], sort=False).ngroup().to_numpy()
    first = table[~pd.Series(of).duplicated().to_numpy()]
    kinds = [known[code] for code in first["code"]]

    def text(field: str) -> Objects:
        told = [
            _fill(getattr(kind, field)[language], params) for kind, params in zip(kinds, first["params"], strict=True)
        ]
        return np.array(told, dtype="object")[of]

    return pd.DataFrame(
        {
            "code": table["code"],
            "severity": table["severity"],
            "layer": table["layer"],
            "id": table["id"],
            "column": table["column"],
            "title": text("title"),
            "found": table["found"],
            "expected": text("expected"),
            "remedy": text("remedy"),
            "blocks": table["blocks"],
            "remedy_is": np.array([kind.remedy_is for kind in kinds], dtype="object")[of],
            "x": table["x"],
            "y": table["y"],
        }
    )


class _Known(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def _fill(template: str, params: Mapping[str, object]) -> str:
    return template.format_map(_Known(params)) if params else template


def summarise(table: pd.DataFrame, language: str = "zh") -> pd.DataFrame:
    """Return one row a layer and code: how many, the first ids, what to do. Worst first."""
    rank = {"error": 0, "warning": 1, "note": 2}
    key = ["severity", "layer", "code", "column"]
    group = table.groupby(key, sort=False, dropna=False).ngroup()
    first = table[~group.duplicated()]
    named = table["id"] != ""
    ids = {place: known.head(5).tolist() for place, known in table["id"][named].groupby(group[named])}
    rows = (
        describe(first, language)[[*key, "title", "found", "expected", "remedy"]]
        .reset_index(drop=True)
        .assign(
            count=group.value_counts(sort=False).sort_index().to_numpy(),
            blocks=table["blocks"].astype(bool).groupby(group).any().to_numpy(),
            first_ids=pd.Series([ids.get(place, []) for place in range(len(first))], dtype="object"),
        )
    )
    order = rows["severity"].map(rank)
    told = rows.assign(_rank=order).sort_values(["_rank", "layer", "code"], kind="stable")
    return told[[*key, "title", "count", "blocks", "first_ids", "found", "expected", "remedy"]]
