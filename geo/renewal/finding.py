"""Low-efficiency candidates (低效工业用地候选): evidence by the rules, exemptions, groups, put together.

Judges every industrial parcel of a city by every rule; a parcel with enough evidence is a candidate unless it is exempt
or a decision by hand says otherwise. Never a legal finding. Computes no measure itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.firms import Firms
from geo.land import Land
from geo.renewal.exemptions import by_hand, exempt, of_parcels
from geo.renewal.facts import parcel_facts, tax_by_parcel
from geo.renewal.groups import group_numbers, group_table
from geo.renewal.judgement import EVIDENCE, LIMITS, Judgement, combined, nothing_told
from geo.renewal.limits import compare
from geo.renewal.rules import STATES, Rule, Rules
from geo.renewal.sources import Sources
from geo.renewal.states import judge_state
from layers.errors import Words
from layers.showing import Shown
from layers.units import from_tally, to_tally

__all__ = ["Candidates", "find_candidates"]

#: What is named as missing whatever the rules ask.
_ALWAYS = ("tax_per_mu", "plot_ratio", "building_density")


@dataclass(frozen=True)
class Candidates:
    """Candidates and their evidence.

    Attributes
    ----------
    table : DataFrame
        One row a candidate, strongest and largest first: `parcel` (row of `Land.parcels`), `uid`,
        `parcel_id`, `area_m2`, `park` (id, missing outside every park), `group`, `strength` (kinds of
        evidence that count), `missing` (what is not known), `tax_per_mu` (万元/亩), `plot_ratio`,
        `building_density`.
    evidence : DataFrame
        One row a piece: `parcel`, `code`, `measure`, `comparison` (below, above, "" for a state), `value`, `limit`,
        `unit`, `source`, `basis_zh`, `basis_en`. A rule of several tests tells one piece a test.
    limits : DataFrame
        The limits that were applied: `code`, `column` (the measure), `comparison`, `scope` (zone or industry, ""
        for the city), `limit`, `unit`, `source`, `basis_zh`, `basis_en`.
    facts : DataFrame
        One row a parcel that was looked at, index = row of `Land.parcels`: the measures of `table`, the
        sums behind them (`area_m2`, `floor_area_m2`, `building_base_m2`, `tax_wcny`, `land_used_mu`), `status`,
        `inside_share`, `decision` (``exempt``, ``drop``, ``add``, or ""), and for every kind of evidence that was
        sought a column of its code, True where found.
    judged, judged_m2
        Industrial parcels that were looked at, and their land.
    rules : tuple of Rule
        All that were asked, in order; those without a column in `facts` had nothing to judge by.
    exempt : DataFrame
        Parcels whose evidence would make candidates of them, and that are none: `parcel`, `uid`, `parcel_id`,
        `area_m2`, `strength`, `code`, `reason_zh`, `reason_en`.
    groups : DataFrame
        Contiguous groups, see `groups.group_table`.
    notes : tuple of Words
        What could not be looked for, and why.
    """

    table: pd.DataFrame
    evidence: pd.DataFrame
    limits: pd.DataFrame
    facts: pd.DataFrame
    judged: int
    judged_m2: float
    rules: tuple[Rule, ...] = ()
    exempt: pd.DataFrame = field(default_factory=pd.DataFrame)
    groups: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: tuple[Words, ...] = ()

    @property
    def titles(self) -> dict[str, Words]:
        """Titles that rules bear of their own, by code."""
        return {rule.code: rule.title for rule in self.rules if rule.title is not None}

    def __str__(self) -> str:
        found = from_tally(int(to_tally(self.table["area_m2"].dropna(), "m2").sum()), "m2")
        return (
            f"Low-efficiency candidates 低效用地线索: {len(self.table):,} of {self.judged:,} parcels, "
            f"{found:,.2f} of {self.judged_m2:,.2f} m²"
        )

    def _repr_html_(self) -> str:
        return Shown(str(self), (self.table, self.limits))._repr_html_()


def find_candidates(
    land: Land, firms: Firms | None = None, rules: Rules | None = None, sources: Sources | None = None
) -> Candidates:
    """Find industrial parcels on which enough evidence of low efficiency meets.

    Parameters
    ----------
    land : Land
    firms : Firms, optional
        Without firms nothing is said of tax.
    rules : Rules, optional
    sources : Sources, optional
        What rules may ask beside land and firms: the day, earlier years, constraints, control indicators, grades.

    Returns
    -------
    Candidates

    Raises
    ------
    StandardError
        A decision by hand is on no industrial parcel.
    """
    rules = rules or Rules()
    sources = sources or Sources(land, firms)
    facts = parcel_facts(land, tax_by_parcel(firms).reindex(land.parcels.index))
    industrial = facts[facts["industrial"]]
    judged = industrial[industrial["area_m2"] >= rules.minimum_area_m2]
    found = {rule.code: _judge(rule, judged, sources) for rule in rules.sought}
    evidence = _evidence(found)
    decided = of_parcels(rules.overrides, industrial)
    place = decided.loc[judged.index]
    added = by_hand(rules.overrides, place, "add")
    evidence = _with_added(evidence, added)
    counted = [rule.code for rule in rules.sought if rule.counts] + ["added"]
    pieces = evidence[evidence["code"].isin(counted)].drop_duplicates(["parcel", "code"])
    strength = pieces.groupby("parcel").size().reindex(judged.index, fill_value=0)
    out = _out(judged, rules, sources, place)
    enough = (strength >= max(rules.evidence_needed, 1)) | judged.index.isin(added.index)
    judged = judged.assign(missing=_missing(judged, found.values()), strength=strength)
    chosen = judged[enough & ~judged.index.isin(out.index)]
    table = _table(chosen, land, rules)
    listed = judged.index[enough & judged.index.isin(out.index)]
    return Candidates(
        table=table,
        evidence=evidence[evidence["parcel"].isin(chosen.index)].reset_index(drop=True),
        limits=_limits(found),
        facts=_with_flags(judged.drop(columns="strength"), found, evidence, out, added),
        judged=len(judged),
        judged_m2=float(judged["area_m2"].sum()),
        rules=rules.sought,
        exempt=_exempt(judged.loc[listed], out),
        groups=group_table(table, sources, rules.group_minimum_m2),
        notes=tuple(
            dict.fromkeys([*(note for one in found.values() for note in one.notes), *_too_small(decided, judged)])
        ),
    )


def _too_small(decided: pd.Series, judged: pd.DataFrame) -> list[Words]:
    """Tell of decisions by hand on parcels that are too small to be judged."""
    count = int((decided.drop(judged.index) >= 0).sum())
    if not count:
        return []
    return [
        Words(
            f"candidates.overrides: {count} decisions are on parcels below candidates.minimum_area_m2: no effect.",
            f"candidates.overrides：{count} 项核定的地块小于 candidates.minimum_area_m2，不起作用。",
        )
    ]


def _judge(rule: Rule, judged: pd.DataFrame, sources: Sources) -> Judgement:
    parts = [
        judge_state(test, judged, sources, rule.source)
        if test.about in STATES
        else compare(test, judged.index, sources, rule.source)
        for test in rule.tests
    ]
    return combined(parts, rule.combine)


def _evidence(found: Mapping[str, Judgement]) -> pd.DataFrame:
    rows = [one.told.assign(code=code) for code, one in found.items() if len(one.told)]
    table = pd.concat(rows or [nothing_told().assign(code=pd.Series(dtype="object"))], ignore_index=True)
    return table[["parcel", "code", *EVIDENCE]]


def _with_added(evidence: pd.DataFrame, added: pd.DataFrame) -> pd.DataFrame:
    """Tell parcels that were added by hand as evidence of its own kind."""
    if added.empty:
        return evidence
    rows = nothing_told().reindex(range(len(added))).assign(
        parcel=added.index.to_numpy("int64"), code="added", measure="added", comparison="", unit="1", source="project",
        basis_zh=added["reason_zh"].to_numpy(), basis_en=added["reason_en"].to_numpy(),
    )  # fmt: skip
    return pd.concat([evidence, rows[evidence.columns]], ignore_index=True)


def _out(judged: pd.DataFrame, rules: Rules, sources: Sources, place: pd.Series) -> pd.DataFrame:
    """Return the parcels that are exempt or dropped by hand, with the reason; what is kept by hand is not exempt."""
    dropped = by_hand(rules.overrides, place, "drop")
    settled = judged.index[(place >= 0).to_numpy()]
    automatic = exempt(judged, rules, sources)
    return pd.concat([dropped, automatic[~automatic.index.isin(settled)]])


def _missing(judged: pd.DataFrame, found: Iterable[Judgement]) -> pd.Series:
    """Names of what is not known of each parcel; parcels share few combinations."""
    gone = {name: judged[name].isna().to_numpy() for name in _ALWAYS}
    for one in found:
        for name, rows in one.missing.items() if one.sought else ():
            lost = rows.reindex(judged.index, fill_value=False).to_numpy(dtype=bool)
            gone[name] = gone[name] | lost if name in gone else lost
    patterns = pd.DataFrame(gone, index=judged.index)
    number = patterns.groupby(list(gone), sort=False).ngroup().to_numpy()
    _, at = np.unique(number, return_index=True)
    names = [[name for name, lost in zip(gone, patterns.iloc[row], strict=True) if lost] for row in at]
    return pd.Series([names[one] for one in number], index=judged.index, dtype="object")


def _table(chosen: pd.DataFrame, land: Land, rules: Rules) -> pd.DataFrame:
    chosen = chosen.sort_values(["strength", "area_m2", "uid"], ascending=[False, False, True])
    shapes: npt.NDArray[np.object_] = land.parcels.geometry.to_numpy()[chosen.index.to_numpy()]
    chosen = chosen.assign(group=group_numbers(shapes, chosen["area_m2"].to_numpy("float64"), rules.group_within_m))
    return chosen.rename_axis("parcel").reset_index().drop(columns=["industrial", "tax_wcny", "land_used_mu"])


def _limits(found: Mapping[str, Judgement]) -> pd.DataFrame:
    rows = [one.limits.assign(code=code) for code, one in found.items() if len(one.limits)]
    columns = ["code", *LIMITS]
    if not rows:
        return pd.DataFrame(columns=columns).astype({"limit": "float64"})
    return pd.concat(rows, ignore_index=True)[columns]


def _with_flags(
    judged: pd.DataFrame, found: Mapping[str, Judgement], evidence: pd.DataFrame, out: pd.DataFrame, added: pd.DataFrame
) -> pd.DataFrame:
    flags = {
        code: judged.index.isin(evidence.loc[evidence["code"] == code, "parcel"])
        for code, one in found.items()
        if one.sought
    }
    if len(added):
        flags["added"] = judged.index.isin(added.index)
    decision = pd.Series("", index=judged.index, dtype="object")
    decision[judged.index.isin(added.index)] = "add"
    decision[judged.index.isin(out.index)] = "exempt"
    decision[judged.index.isin(out.index[out["code"] == "drop_by_hand"])] = "drop"
    return judged.drop(columns="industrial").assign(decision=decision, **flags)


def _exempt(rows: pd.DataFrame, out: pd.DataFrame) -> pd.DataFrame:
    told = rows[["uid", "parcel_id", "area_m2", "strength"]].join(out)
    told = told.sort_values(["strength", "area_m2", "uid"], ascending=[False, False, True])
    return told.rename_axis("parcel").reset_index()
