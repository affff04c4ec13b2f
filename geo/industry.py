"""Which industries a place lives on: leading-industry share, top-3 share, location quotient.

Industries are told apart by division (the first two digits of a GB/T 4754 code). Shares are of gross
output, or of the first of output, revenue, value added that the firms report; the result says which.
Not sums over rows but over industries: sums by scope and division are merged first, and only the last
step picks the largest ones, so a place may be cut in any way.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.firms import Firms
from geo.indicators import indicator
from layers.units import from_tally, to_tally

__all__ = ["industry_shares", "leading_divisions", "location_quotient", "output_column", "tally_industries"]

_CANDIDATES = ("output_cny", "revenue_cny", "value_added_cny")


def output_column(firms: Firms) -> str | None:
    """Return the column output is measured by: the first of output, revenue, value added that is there."""
    for column in _CANDIDATES:
        if firms.firms[column].notna().any():
            return column
    return None


def tally_industries(firms: Firms, keys: pd.DataFrame, column: str) -> pd.DataFrame:
    """Sum output by scope and division.

    Parameters
    ----------
    firms : Firms
    keys : DataFrame
        One row a fragment, one column a level, the row of the scope (−1 for none).
    column : str
        Column of `firms.fragments` to sum.

    Returns
    -------
    DataFrame
        `level`, `key`, `division` (missing where the firm has no code or no output), `code` (full code),
        `output` (steps), `firms`.
    """
    rows = firms.fragments
    code = firms.firms["industry_code"].array[rows["firm"].to_numpy()]
    values = rows[column].to_numpy("float64")
    known = np.isfinite(values) & (values >= 0)
    base = pd.DataFrame(
        {
            # A firm without a code, or without output, is counted as missing and adds nothing.
            "code": pd.Series(code).str.replace(r"^[A-Za-z]", "", regex=True).where(known),
            "output": to_tally(np.where(known, values, 0.0), "cny"),
            "firm": rows["firm"].to_numpy(),
        }
    )
    parts: list[pd.DataFrame] = []
    for level in keys.columns:
        frame = base.assign(key=keys[level].to_numpy())[keys[level].to_numpy() >= 0]
        sums = frame.groupby(["key", "code"], dropna=False).agg(output=("output", "sum"), firms=("firm", "nunique"))
        parts.append(sums.reset_index().assign(level=level))
    table = pd.concat(parts, ignore_index=True)
    return table.assign(division=table["code"].str.slice(0, 2))


def industry_shares(
    sums: pd.DataFrame, places: pd.DataFrame, *, leading: Sequence[str] = (), leading_count: int = 1
) -> pd.DataFrame:
    """Leading-industry share and top-3 share of every place.

    Parameters
    ----------
    sums : DataFrame
        From `tally_industries`.
    places : DataFrame
        From `indicators.scopes`.
    leading : sequence of str
        Codes of the leading industries, of two to four digits; a code holds all below it. Empty: the
        `leading_count` divisions with the largest output of each place.
    leading_count : int
        How many divisions count as leading when none is named.

    Returns
    -------
    DataFrame
        Columns as `indicators.measure` returns them.
    """
    place = ["level", "key"]
    where = pd.MultiIndex.from_frame(places[place])
    coded = sums["code"].notna()
    named = sums[coded]
    below = _sum_by(named, "output", where)
    parts = []
    for entry in (indicator("leading_industry_share"), indicator("top3_industry_share")):
        if entry.id == "leading_industry_share" and leading:
            top = _sum_by(named[named["code"].str.startswith(tuple(leading))], "output", where)
        else:
            divisions = named.groupby([*place, "division"], as_index=False)["output"].sum()
            rank = divisions.groupby(place)["output"].rank(method="first", ascending=False)
            largest = leading_count if entry.id == "leading_industry_share" else 3
            top = _sum_by(divisions[rank <= largest], "output", where)
        table = pd.DataFrame(
            {
                "id": entry.id,
                "level": places["level"].to_numpy(),
                "scope_id": places["id"].to_numpy(),
                "scope_name": places["name"].to_numpy(),
                "numerator": from_tally(top, "cny"),
                "denominator": from_tally(below, "cny"),
                "value": np.divide(top, below, out=np.full(len(top), np.nan), where=below > 0),
                "count": _sum_by(named, "firms", where),
                "missing": _sum_by(sums[~coded], "firms", where),
                "estimated": 0,
            }
        )
        parts.append(table[table["level"].isin(entry.levels)])
    return pd.concat(parts, ignore_index=True)


def leading_divisions(sums: pd.DataFrame, count: int = 1) -> pd.DataFrame:
    """Return the divisions with most output of every place (主导产业).

    Parameters
    ----------
    sums : DataFrame
        From `tally_industries`.
    count : int
        How many divisions lead.

    Returns
    -------
    DataFrame
        `level`, `key`, `division`, the largest first; places without coded output are left out.

    Examples
    --------
    >>> sums = pd.DataFrame({"level": "zone", "key": 0, "code": ["3411", "3482", "2710"],
    ...                      "division": ["34", "34", "27"], "output": [60, 50, 100]})
    >>> leading_divisions(sums)["division"].tolist()
    ['34']
    """
    place = ["level", "key"]
    named = sums[sums["division"].notna()]
    divisions = pd.DataFrame(named.groupby([*place, "division"])["output"].sum()).reset_index()
    divisions = divisions.sort_values([*place, "output"], ascending=[True, True, False], kind="stable")
    first: pd.DataFrame = divisions.groupby(place).head(count)
    return first[[*place, "division"]].reset_index(drop=True)


def _sum_by(sums: pd.DataFrame, column: str, where: pd.MultiIndex) -> npt.NDArray[np.int64]:
    """Sum a column of whole numbers by place; 0 where nothing is."""
    return sums.groupby(["level", "key"])[column].sum().reindex(where, fill_value=0).to_numpy("int64")


def location_quotient(value: pd.Series, place: pd.Series, industry: pd.Series) -> pd.Series:
    """Location quotient (区位商): share of an industry in a place ÷ its share in all places.

    LQ(p, i) = (x_pi / x_p) / (x_i / x), with x the sum of `value`.

    Parameters
    ----------
    value : Series, shape (n,)
        Output, tax, heads or land of n firms; missing values are left out.
    place, industry : Series, shape (n,)
        Where the firm is and what it does; rows missing either are left out.

    Returns
    -------
    Series
        Indexed by (place, industry), named "location_quotient"; pairs without firms are not listed,
        pairs whose place or industry sums to 0 are missing.

    Examples
    --------
    Half of park A is machinery, against three quarters of both parks together:

    >>> lq = location_quotient(
    ...     pd.Series([1.0, 1.0, 2.0]), pd.Series(["A", "A", "B"]), pd.Series(["machinery", "food", "machinery"])
    ... )
    >>> lq["A"].round(4).to_dict()
    {'food': 2.0, 'machinery': 0.6667}
    """
    table = pd.DataFrame({"value": value, "place": place, "industry": industry}).dropna()
    both = table.groupby(["place", "industry"])["value"].sum()
    by_place = table.groupby("place")["value"].sum().reindex(both.index.get_level_values("place")).to_numpy()
    by_industry = table.groupby("industry")["value"].sum().reindex(both.index.get_level_values("industry")).to_numpy()
    total = table["value"].sum()
    quotient: pd.Series = (both / by_place) / (by_industry / total)
    return quotient.replace([np.inf, -np.inf], np.nan).rename("location_quotient")
