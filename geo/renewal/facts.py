"""What is known of each parcel: sums, ratios, park, status (地块事实), and what its status says.

Sums stay beside every ratio, so that a mean is one sum over another. What is not known is missing, not 0. Knows
no limit and no rule. Areas in m², tax in 万元 over land in 亩, as the tables people read have them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.firms import Firms
from geo.intensity import building_density, plot_ratio
from geo.land import Land
from layers.units import convert, from_tally, to_tally

__all__ = [
    "firm_sums",
    "main_park",
    "parcel_facts",
    "says_idle",
    "says_not_begun",
    "says_stopped",
    "says_under_way",
    "tax_by_parcel",
]

#: A state that says vacant or idle, and does not say so of its opposite (非闲置, not idle).
_IDLE = (
    r"(?<![非未不无])(?:闲置|空闲|空置|停产|停工|关停|批而未供|供而未用|建而未用|待建|未建|荒地)"
    r"|(?<!not )(?<!non-)\b(?:idle|vacant|unused|suspended|closed)\b"
)
#: A state that says that nothing was begun; a works that was closed (停产) was begun once.
_NOT_BEGUN = (
    r"(?<![非未不无])(?:闲置|空闲|批而未供|供而未用|待建|荒地)|未建|未开工|未动工"
    r"|(?<!not )(?<!non-)\b(?:idle|vacant|unused|not started)\b"
)
#: A state that says that works stand still.
_STOPPED = r"(?<![非未不无])(?:停工|停建|中止|闲置)|(?<!not )(?<!non-)\b(?:suspended|idle)\b"
#: A state that says that works are under way.
_UNDER_WAY = r"(?<![未停非不])(?:在建|施工|建设中)|\bunder construction\b"


def says_idle(status: pd.Series) -> pd.Series:
    """Tell whether the status of a parcel says vacant or idle (闲置); missing where there is none.

    Examples
    --------
    >>> says_idle(pd.Series(["闲置", "非闲置", "Vacant", None])).tolist()
    [True, False, True, <NA>]
    """
    return _says(status, _IDLE)


def says_under_way(status: pd.Series) -> pd.Series:
    """Tell whether the status of a parcel says that it is being built (在建); missing where there is none.

    Examples
    --------
    >>> says_under_way(pd.Series(["在建", "停工", None])).tolist()
    [True, False, <NA>]
    """
    return _says(status, _UNDER_WAY)


def says_not_begun(status: pd.Series) -> pd.Series:
    """Tell whether the status of a parcel says that nothing was begun on it (未动工); missing where there is none.

    Examples
    --------
    >>> says_not_begun(pd.Series(["闲置", "待建", "停产", None])).tolist()
    [True, True, False, <NA>]
    """
    return _says(status, _NOT_BEGUN)


def says_stopped(status: pd.Series) -> pd.Series:
    """Tell whether the status of a parcel says that works stand still (停工); missing where there is none.

    Examples
    --------
    >>> says_stopped(pd.Series(["停工", "在建", None])).tolist()
    [True, False, <NA>]
    """
    return _says(status, _STOPPED)


def _says(status: pd.Series, pattern: str) -> pd.Series:
    # A city shares few states: each is read once; the last, −1, stands for missing.
    codes, words = pd.factorize(status)
    text = pd.Series([*words, pd.NA], dtype="string").str.strip().str.lower()
    told = text.mask(text == "").str.contains(pattern, regex=True).astype("boolean")
    return told.take(codes).set_axis(status.index)


def parcel_facts(land: Land, taxes: pd.DataFrame) -> pd.DataFrame:
    """Return what is known of each parcel, one row a row of `Land.parcels`; `taxes` as `tax_by_parcel` gives it."""
    own = land.parcels
    area = own["land_area_m2"]
    facts = pd.DataFrame(
        {
            "uid": own["uid"],
            "parcel_id": own["parcel_id"],
            "area_m2": area,
            "floor_area_m2": own["floor_area_m2"],
            "building_base_m2": own["building_base_m2"],
            "industrial": own["industrial"].fillna(value=False).astype(bool),
            "plot_ratio": plot_ratio(own["floor_area_m2"].clip(lower=0), area.clip(lower=0)),
            "building_density": building_density(own["building_base_m2"].clip(lower=0), area.clip(lower=0)),
            "status": own["status"].astype("string")
            if "status" in own
            else pd.Series(pd.NA, index=own.index, dtype="string"),
        }
    )
    facts["tax_wcny"] = convert(taxes["tax_cny"], "cny", "wcny")
    facts["land_used_mu"] = convert(taxes["land_used_m2"], "m2", "mu")
    facts["tax_per_mu"] = facts["tax_wcny"] / facts["land_used_mu"]
    facts["park"], facts["inside_share"] = _park_of(land)
    return facts


def tax_by_parcel(firms: Firms | None) -> pd.DataFrame:
    """Return `tax_cny` and `land_used_m2` of the firms that report both, by row of `Land.parcels`."""
    return firm_sums(firms, {"tax_cny": "cny", "land_used_m2": "m2"})


def firm_sums(firms: Firms | None, columns: Mapping[str, str]) -> pd.DataFrame:
    """Sum columns of the firms on each parcel that report all of them (地块上企业合计).

    Parameters
    ----------
    firms : Firms or None
    columns : mapping
        Column of `Firms.fragments` → base unit. The last one stands below: firms where it is not above 0 are left
        out.

    Returns
    -------
    DataFrame
        The columns in their base units, index = row of `Land.parcels`; parcels without such a firm are left out.
    """
    if firms is None:
        return pd.DataFrame({column: pd.Series(dtype="float64") for column in columns})
    rows = firms.fragments[["parcel", *columns]].dropna()
    rows = rows[(rows["parcel"] >= 0) & (rows[list(columns)[-1]] > 0)]
    # Whole steps add up to the same sum in any order of firms.
    steps = rows.assign(**{column: to_tally(rows[column], base) for column, base in columns.items()})
    sums = steps.groupby("parcel").sum()
    return pd.DataFrame(
        {column: from_tally(sums[column].to_numpy("int64"), base) for column, base in columns.items()},
        index=sums.index,
    )


def _park_of(land: Land) -> tuple[pd.Series, npt.NDArray[np.float64]]:
    """The park that holds most of each parcel, and the share inside any park."""
    inside, row = main_park(land)
    park = pd.Series(pd.NA, index=land.parcels.index, dtype="string")
    if land.parks is not None:
        park.iloc[np.flatnonzero(row >= 0)] = land.parks["park_id"].to_numpy()[row[row >= 0]]
    return park, inside


def main_park(land: Land) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return which share of each parcel lies in parks, and the row of the park that holds most of it, −1 for none."""
    pieces = land.pieces[land.pieces["park"] >= 0]
    inside = np.bincount(pieces["parcel"], weights=pieces["share"], minlength=len(land.parcels))
    most = pieces.sort_values(["parcel", "share", "park"], ascending=[True, False, True]).drop_duplicates("parcel")
    park = np.full(len(land.parcels), -1, dtype="int64")
    park[most["parcel"].to_numpy()] = most["park"].to_numpy()
    return np.asarray(inside, dtype=np.float64), park
