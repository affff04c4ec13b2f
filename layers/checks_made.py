"""Which checks a table of findings comes from (检查范围), so that "none found" is never said of what nobody looked for.

Commands that want figures look only for what could make them untrustworthy; a report that is handed in looks for
everything. The table says which it was, in its ``attrs``, and `layers.converting` writes it beside the dataset.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, cast, get_args

import pandas as pd

__all__ = ["Checks", "checks_made", "checks_named", "say_checks"]

#: ``all``: every check was run; ``conversion``: only those made while data are read and converted.
Checks: TypeAlias = Literal["all", "conversion"]

_KEY = "checks"


def say_checks(findings: pd.DataFrame, checks: Checks) -> pd.DataFrame:
    """Write into a table of findings which checks it comes from (记录检查范围); the same table is returned."""
    findings.attrs[_KEY] = checks
    return findings


def checks_made(findings: pd.DataFrame | None) -> Checks:
    """Return which checks a table of findings comes from (检查范围); of one that does not say, the fewer.

    Examples
    --------
    >>> checks_made(say_checks(pd.DataFrame(), "all")), checks_made(pd.DataFrame())
    ('all', 'conversion')
    """
    return "conversion" if findings is None else checks_named(findings.attrs.get(_KEY, "conversion"))


def checks_named(word: object) -> Checks:
    """Return a word that names checks (检查范围), as it stands in a file.

    Raises
    ------
    ValueError
        It is none of `Checks`.
    """
    if word not in get_args(Checks):
        raise ValueError(f"checks: {str(word)[:60]!r} is none of {', '.join(get_args(Checks))}")
    return cast("Checks", word)
