"""Low-efficiency candidates (低效工业用地候选), each with its evidence.

No national definition exists and local thresholds are mostly unpublished, so every limit here is the
project's own: an absolute figure from the project file, or a stated fraction of the city's own mean.
A candidate is where several pieces of evidence meet; it is never a legal finding. What is not known of
a parcel is named, not taken for zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.firms import Firms
from geo.grouping import linked
from geo.intensity import building_density, plot_ratio
from geo.land import Land
from layers.units import convert, from_tally, to_tally

__all__ = ["Candidates", "Rules", "find_candidates", "parcel_facts", "says_idle", "tax_by_parcel"]

#: A state that says vacant or idle, and does not say so of its opposite (非闲置, not idle).
_IDLE = (
    r"(?<![非未不无])(?:闲置|空闲|空置|停产|停工|关停|批而未供|供而未用|建而未用|待建|未建|荒地)"
    r"|(?<!not )(?<!non-)\b(?:idle|vacant|unused|suspended|closed)\b"
)


@dataclass(frozen=True)
class Rules:
    """Limits of the evidence; None switches a limit off. Units: 万元/亩, ratios, m², m."""

    tax_per_mu_below: float | None = None
    tax_per_mu_of_mean: float | None = 0.3
    plot_ratio_below: float | None = None
    plot_ratio_of_mean: float | None = 0.5
    building_density_below: float | None = None
    building_density_of_mean: float | None = 0.5
    vacant: bool = True
    outside_parks: bool = True
    evidence_needed: int = 1
    minimum_area_m2: float = 100.0
    group_within_m: float = 1.0


@dataclass(frozen=True)
class Candidates:
    """Candidates and their evidence.

    Attributes
    ----------
    table : DataFrame
        One row a candidate, strongest and largest first: `parcel` (row of `Land.parcels`), `uid`,
        `parcel_id`, `area_m2`, `park` (id, missing outside every park), `group`, `strength` (pieces of
        evidence, lying outside every park not counted), `missing` (what is not known), `tax_per_mu`
        (万元/亩), `plot_ratio`, `building_density`.
    evidence : DataFrame
        One row a piece: `parcel`, `code`, `value`, `limit`, `unit`, `source`, `basis_zh`, `basis_en`.
    limits : DataFrame
        The limits that were applied: `code`, `limit`, `unit`, `source`, `basis_zh`, `basis_en`.
    facts : DataFrame
        One row a parcel that was looked at, index = row of `Land.parcels`: the measures of `table`, the
        sums behind them (`area_m2`, `floor_area_m2`, `building_base_m2`, `tax_wcny`, `land_used_mu`), `status`,
        `inside_share`, and for every kind of evidence that was sought a column of that name, True where found.
    judged, judged_m2
        Industrial parcels that were looked at, and their land.
    """

    table: pd.DataFrame
    evidence: pd.DataFrame
    limits: pd.DataFrame
    facts: pd.DataFrame
    judged: int
    judged_m2: float


def find_candidates(land: Land, firms: Firms | None = None, rules: Rules | None = None) -> Candidates:
    """Find industrial parcels on which enough evidence of low efficiency meets.

    Parameters
    ----------
    land : Land
    firms : Firms, optional
        Without firms nothing is said of tax.
    rules : Rules, optional

    Returns
    -------
    Candidates
    """
    rules = rules or Rules()
    facts = parcel_facts(land, tax_by_parcel(firms).reindex(land.parcels.index))
    judged = facts[facts["industrial"] & (facts["area_m2"] >= rules.minimum_area_m2)]
    gone = judged[[column for _, column, *_ in _MEASURED]].isna()
    kinds = {flags: [name for name, lost in zip(gone, flags, strict=True) if lost] for flags in set(_rows(gone))}
    unknown = [kinds[flags] for flags in _rows(gone)]
    judged = judged.assign(missing=pd.Series(unknown, index=judged.index, dtype="object"))
    limits = _limits(judged, rules)
    evidence = pd.concat([_low(judged, limits), _states(judged, land, rules)], ignore_index=True)
    # Lying outside every park says where a parcel is, not how it does: it stands beside other evidence only.
    strength = evidence[evidence["code"] != "outside_parks"].groupby("parcel").size()
    chosen = judged[strength.reindex(judged.index, fill_value=0) >= max(rules.evidence_needed, 1)].copy()
    chosen["strength"] = strength.reindex(chosen.index).to_numpy()
    chosen = chosen.sort_values(["strength", "area_m2", "uid"], ascending=[False, False, True])
    shapes = land.parcels.geometry.to_numpy()[chosen.index.to_numpy()]
    chosen["group"] = _groups(shapes, chosen["area_m2"].to_numpy("float64"), rules.group_within_m)
    table = chosen.rename_axis("parcel").reset_index().drop(columns=["industrial", "tax_wcny", "land_used_mu"])
    return Candidates(
        table=table,
        evidence=evidence[evidence["parcel"].isin(chosen.index)].reset_index(drop=True),
        limits=limits,
        facts=_with_flags(judged, evidence, _sought(limits, rules, land)),
        judged=len(judged),
        judged_m2=float(judged["area_m2"].sum()),
    )


def _rows(table: pd.DataFrame) -> list[tuple[bool, ...]]:
    return list(zip(*(table[column].tolist() for column in table), strict=True))


def _sought(limits: pd.DataFrame, rules: Rules, land: Land) -> list[str]:
    """Kinds of evidence that were looked for."""
    states = {"vacant": rules.vacant, "outside_parks": rules.outside_parks and land.parks is not None}
    return [*limits["code"], *(code for code, asked in states.items() if asked)]


def _with_flags(judged: pd.DataFrame, evidence: pd.DataFrame, codes: list[str]) -> pd.DataFrame:
    found = {code: judged.index.isin(evidence.loc[evidence["code"] == code, "parcel"]) for code in codes}
    return judged.drop(columns="industrial").assign(**found)


def says_idle(status: pd.Series) -> pd.Series:
    """Tell whether the status of a parcel says vacant or idle (闲置); missing where there is none.

    Examples
    --------
    >>> says_idle(pd.Series(["闲置", "非闲置", "Vacant", None])).tolist()
    [True, False, True, <NA>]
    """
    text = status.astype("string").str.strip().str.lower()
    return text.mask(text == "").str.contains(_IDLE, regex=True).astype("boolean")


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
    columns = {"tax_cny": "cny", "land_used_m2": "m2"}
    if firms is None:
        return pd.DataFrame({column: pd.Series(dtype="float64") for column in columns})
    rows = firms.fragments[["parcel", *columns]].dropna()
    rows = rows[(rows["parcel"] >= 0) & (rows["land_used_m2"] > 0)]
    # Whole steps add up to the same sum in any order of firms.
    steps = rows.assign(**{column: to_tally(rows[column], base) for column, base in columns.items()})
    sums = steps.groupby("parcel").sum()
    return pd.DataFrame(
        {column: from_tally(sums[column].to_numpy("int64"), base) for column, base in columns.items()},
        index=sums.index,
    )


def _park_of(land: Land) -> tuple[pd.Series, npt.NDArray[np.float64]]:
    """The park that holds most of each parcel, and the share inside any park."""
    pieces = land.pieces[land.pieces["park"] >= 0]
    inside = np.bincount(pieces["parcel"], weights=pieces["share"], minlength=len(land.parcels))
    most = pieces.sort_values(["parcel", "share", "park"], ascending=[True, False, True]).drop_duplicates("parcel")
    park = pd.Series(pd.NA, index=land.parcels.index, dtype="string")
    if land.parks is not None:
        park.iloc[most["parcel"].to_numpy()] = land.parks["park_id"].to_numpy()[most["park"].to_numpy()]
    return park, np.asarray(inside, dtype=np.float64)


#: Evidence, the column it judges, its display unit, and the two sums whose ratio is the city's mean.
_MEASURED = (
    ("low_tax", "tax_per_mu", "万元/亩", "tax_wcny", "land_used_mu"),
    ("low_plot_ratio", "plot_ratio", "1", "floor_area_m2", "area_m2"),
    ("low_building_density", "building_density", "1", "building_base_m2", "area_m2"),
)


def _limits(judged: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """One limit a measure: the absolute one where the project states it, else the fraction of the mean."""
    rows = []
    for code, column, unit, top, below in _MEASURED:
        absolute = getattr(rules, f"{column}_below")
        fraction = getattr(rules, f"{column}_of_mean")
        known = judged[judged[column].notna()]
        if absolute is not None:
            zh, en = "项目设定", "set in the project"
            rows.append((code, column, float(absolute), unit, "project", zh, en))
        elif fraction is not None and len(known):
            mean = float(known[top].sum() / known[below].sum())
            zh = f"项目设定：全市工业地块平均 {mean:.4g} 的 {fraction:g} 倍"
            en = f"the project's own: {fraction:g} × the mean {mean:.4g} of the city's industrial parcels"
            rows.append((code, column, fraction * mean, unit, "project", zh, en))
    return pd.DataFrame(rows, columns=["code", "column", "limit", "unit", "source", "basis_zh", "basis_en"])


def _low(judged: pd.DataFrame, limits: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for limit in limits.itertuples():
        low = judged[judged[limit.column] < limit.limit]
        parts.append(
            pd.DataFrame(
                {
                    "parcel": low.index,
                    "code": limit.code,
                    "value": low[limit.column].to_numpy(),
                    "limit": limit.limit,
                    "unit": limit.unit,
                    "source": limit.source,
                    "basis_zh": limit.basis_zh,
                    "basis_en": limit.basis_en,
                }
            )
        )
    return pd.concat([_no_evidence(), *(part for part in parts if len(part))], ignore_index=True)


def _no_evidence() -> pd.DataFrame:
    kinds = {"parcel": "int64", "value": "float64", "limit": "float64"}
    columns = ["parcel", "code", "value", "limit", "unit", "source", "basis_zh", "basis_en"]
    return pd.DataFrame({column: pd.Series(dtype=kinds.get(column, "object")) for column in columns})


def _states(judged: pd.DataFrame, land: Land, rules: Rules) -> pd.DataFrame:
    """Evidence that is a state, not a number: vacant or idle, outside every park."""
    parts = [_no_evidence()]
    if rules.vacant:
        idle = judged[says_idle(judged["status"]).fillna(value=False)]
        built = {"basis_zh": "地块状态", "basis_en": "status of the parcel"}
        parts.append(_state(idle, "vacant", idle["status"].to_numpy(), built))
    if rules.outside_parks and land.parks is not None:
        outside = judged[judged["inside_share"] < 0.5]
        told = {"basis_zh": "半数以上面积在全部园区之外", "basis_en": "more than half lies outside every park"}
        part = _state(outside, "outside_parks", None, told)
        parts.append(part.assign(value=outside["inside_share"].to_numpy(), limit=0.5))
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _state(
    rows: pd.DataFrame, code: str, states: npt.NDArray[np.object_] | None, basis: dict[str, str]
) -> pd.DataFrame:
    told = {
        name: [f"{text}：{state}" for state in states] if states is not None else text for name, text in basis.items()
    }
    return pd.DataFrame(
        {
            "parcel": rows.index.to_numpy(),
            "code": code,
            "value": np.full(len(rows), np.nan),
            "limit": np.full(len(rows), np.nan),
            "unit": "1",
            "source": "project",
            **told,
        }
    )


def _groups(
    shapes: npt.NDArray[np.object_], area_m2: npt.NDArray[np.float64], within_m: float
) -> npt.NDArray[np.int64]:
    """Number contiguous groups of shapes, the group with most land first, from 1."""
    if not len(shapes):
        return np.zeros(0, dtype="int64")
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=within_m)
    label = linked(one, other, len(shapes))
    land = np.bincount(label, weights=area_m2)
    rank = np.empty(len(land), dtype="int64")
    rank[np.lexsort((np.arange(len(land)), -land))] = np.arange(1, len(land) + 1)
    return np.asarray(rank[label], dtype=np.int64)
