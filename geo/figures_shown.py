"""Figures as the table a notebook shows: an indicator a row, with its name, both sums, and what is asked of it.

Takes the table `indicators.measure` makes, with `targets` where there are any; computes nothing and judges nothing.
Values stand in the indicator's display unit, sums in base units.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from geo.indicators import catalogue
from geo.policy_files import COMPARISONS

__all__ = ["figures_shown"]

_COLUMNS = (
    "id", "title_zh", "title_en", "level", "scope_name", "value", "unit", "numerator", "numerator_unit", "denominator",
    "denominator_unit", "missing", "asked", "met",
)  # fmt: skip


def figures_shown(indicators: pd.DataFrame, levels: Sequence[str] = ("city", "zones")) -> pd.DataFrame:
    """Return the figures of some levels as people read them (指标一览).

    Parameters
    ----------
    indicators : DataFrame
        As `Assessment.indicators`: `id`, `level`, `scope_name`, `numerator`, `denominator`, `value`, `missing`, and
        `targets` where known.
    levels : sequence of str
        See `indicators.LEVELS`.

    Returns
    -------
    DataFrame
        One row a figure: what it is called in both languages, its value in `unit`, both sums in theirs, and of the
        targets that bind it how each asks (`asked`) and whether it is met (`met`; missing where nobody can say).

    Examples
    --------
    >>> table = pd.DataFrame([{"id": "tax_per_mu", "level": "city", "scope_name": "甲市", "value": 20.0, "missing": 0,
    ...     "numerator": 3e5, "denominator": 1e4, "targets": [{"policy": "p", "clause": "一", "at_least": 30.0,
    ...     "unit": "万元/亩", "binding": True, "met": False}]}])
    >>> figures_shown(table)[["title_en", "unit", "asked", "met"]].values.tolist()
    [['Tax per mu', '万元/亩', 'p 一: at_least 30.0 万元/亩', 'False']]
    """
    rows = indicators[indicators["level"].isin(levels)]
    return pd.DataFrame([_row(row) for row in rows.to_dict("records")], columns=[*_COLUMNS])


def _row(row: Mapping[Any, Any]) -> dict[str, Any]:
    entry = catalogue()[row["id"]]
    targets = [one for one in row.get("targets") or [] if one["binding"]]
    return {
        **{name: row[name] for name in ("id", "level", "scope_name", "value", "numerator", "denominator", "missing")},
        "title_zh": entry.title_zh,
        "title_en": entry.title_en,
        "unit": entry.unit_label,
        "numerator_unit": entry.numerator_unit,
        "denominator_unit": entry.denominator_unit,
        "asked": "; ".join(map(_asked, targets)) or None,
        "met": ", ".join("—" if one["met"] is None else str(one["met"]) for one in targets) or None,
    }


def _asked(target: Mapping[str, Any]) -> str:
    comparison = next(name for name in COMPARISONS if name in target)
    unit = "" if target["unit"] in (None, "1") else f" {target['unit']}"
    return f"{target['policy']} {target['clause']}: {comparison} {target[comparison]}{unit}"
