"""States that are evidence (状态类线索): vacant, idle, unbuilt, unused, outside, against the plan, by control or grade.

Each judges all parcels at once and answers found, not found or not known. What the data do not say is not guessed:
a blank day, class or code is named. Figures come from the rooms that compute them; here they are only read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from geo.control import INDICATORS
from geo.renewal.facts import says_idle, says_not_begun, says_stopped, says_under_way
from geo.renewal.idle import idle_land
from geo.renewal.judgement import Judgement, evidence_rows, nothing_told
from geo.renewal.rules import Test
from geo.renewal.sources import Sources
from geo.survey import SURVEYED, membership
from layers.errors import Words

__all__ = ["judge_state"]

#: What the conditions of idle land say, in both languages.
_IDLE_WORDS: Mapping[str, Words] = {
    "not_started_years": Words(
        "not started more than one year after the agreed day", "超过约定动工开发日期满一年未动工开发"
    ),
    "developed_share": Words(
        "started, less than 1/3 of the land to be built on is, suspended for a year or more",
        "已动工，已开发面积不足应开发面积三分之一，且中止开发满一年",
    ),
    "invested_share": Words(
        "started, less than 25 % of the investment made, suspended for a year or more",
        "已动工，已投资额不足总投资额 25%，且中止开发满一年",
    ),
}
_IDLE_UNITS = {"not_started_years": "年"}


def judge_state(test: Test, facts: pd.DataFrame, sources: Sources, source: str = "project") -> Judgement:
    """Judge the parcels by a state (状态判断).

    Parameters
    ----------
    test : Test
        About a state of `rules.STATES`.
    facts : DataFrame
        Of the judged parcels, see `facts.parcel_facts`.
    sources : Sources
    source : str
        Where the rule comes from.
    """
    return _STATES[test.about](test, facts, sources, source)


def _yes(found: pd.Series) -> pd.Index:
    return found.index[found.fillna(value=False).to_numpy(dtype=bool)]


def _plain(
    found: pd.Series, measure: str, source: str, words: Words, missing: Mapping[str, pd.Series], unit: str = "1"
) -> Judgement:
    """A state without figures: the same words for every parcel."""
    told = evidence_rows(_yes(found), measure=measure, unit=unit, source=source, basis_zh=words.zh, basis_en=words.en)
    return Judgement(found, told, missing=missing)


def _vacant(test: Test, facts: pd.DataFrame, sources: Sources, source: str) -> Judgement:  # noqa: ARG001
    found = says_idle(facts["status"])
    rows = _yes(found)
    status = facts.loc[rows, "status"].astype("str")
    words = {"basis_zh": "地块状态：" + status, "basis_en": "status of the parcel: " + status}
    told = evidence_rows(
        rows, measure="vacant", unit="1", source=source, **{name: text.to_numpy() for name, text in words.items()}
    )
    return Judgement(found, told)


def _outside_parks(test: Test, facts: pd.DataFrame, sources: Sources, source: str) -> Judgement:  # noqa: ARG001
    if sources.land.parks is None:
        return _nothing(facts)
    found = (facts["inside_share"] < 0.5).astype("boolean")
    rows = _yes(found)
    told = evidence_rows(
        rows,
        measure="outside_parks",
        comparison="below",
        value=facts.loc[rows, "inside_share"].to_numpy(),
        limit=0.5,
        unit="1",
        source=source,
        basis_zh="半数以上面积在全部园区之外",
        basis_en="more than half lies outside every park",
    )
    return Judgement(found, told)


def _nothing(facts: pd.DataFrame, note: Words | None = None) -> Judgement:
    """Nothing to judge by."""
    unknown = pd.Series(pd.NA, index=facts.index, dtype="boolean")
    return Judgement(unknown, nothing_told(), sought=False, notes=() if note is None else (note,))


def _built(facts: pd.DataFrame, sources: Sources) -> pd.Series:
    """Whether anything stands on a parcel: by its buildings, else by its survey class; missing where neither says."""
    stands = (sources.column("building_base_m2").fillna(0) > 0) | (sources.column("floor_area_m2").fillna(0) > 0)
    nothing = sources.column("building_base_m2").eq(0)
    told = membership(sources.land.parcels, SURVEYED["survey_built_m2"])
    surveyed = pd.Series(told, index=stands.index)
    built = pd.Series(pd.NA, index=stands.index, dtype="boolean")
    built = built.mask(surveyed.eq(0), other=False).mask(surveyed.eq(1), other=True)
    return built.mask(nothing, other=False).mask(stands, other=True).loc[facts.index]


def _is_supplied(facts: pd.DataFrame, sources: Sources) -> pd.Series:
    """Whether a parcel was supplied: by its survey class, or by a day that has passed; missing where neither says."""
    told = pd.Series(membership(sources.land.parcels, SURVEYED["survey_supplied_m2"]), index=sources.land.parcels.index)
    day = pd.Timestamp(sources.as_of) if sources.as_of is not None else pd.Timestamp.max
    given = pd.concat(
        [sources.column(name, "datetime64[ns]") <= day for name in ("supplied", "agreed_start", "started")], axis=1
    )
    supplied = pd.Series(pd.NA, index=told.index, dtype="boolean")
    return supplied.mask(told.eq(0), other=False).mask(told.eq(1) | given.any(axis=1), other=True).loc[facts.index]


def _supplied(test: Test, facts: pd.DataFrame, sources: Sources, source: str) -> Judgement:  # noqa: ARG001
    supplied = _is_supplied(facts, sources)
    # Land whose works are under way is not built yet, and none is amiss.
    found = supplied & ~says_under_way(facts["status"]).fillna(value=False)
    words = Words("supplied, and no works under way", "已供应，且不在建")
    return _plain(found, "supplied", source, words, {"supplied": found.isna()})


def _unbuilt(test: Test, facts: pd.DataFrame, sources: Sources, source: str) -> Judgement:  # noqa: ARG001
    supplied = _is_supplied(facts, sources)
    built = _built(facts, sources)
    working = says_under_way(facts["status"]).fillna(value=False)
    found = supplied & ~built & ~working
    words = Words("supplied, and nothing stands on it", "已供应，地块上没有建筑")
    lacking = {"supplied": found.isna() & supplied.isna(), "buildings": found.isna() & built.isna()}
    return _plain(found, "unbuilt", source, words, lacking)


def _unused(test: Test, facts: pd.DataFrame, sources: Sources, source: str) -> Judgement:  # noqa: ARG001
    idle, built = says_idle(facts["status"]), _built(facts, sources)
    found = idle & built
    words = Words("built, and its status says that it is not used", "已建成，地块状态为停产、空置等")
    lacking = {"status": found.isna() & idle.isna(), "buildings": found.isna() & built.isna()}
    return _plain(found, "unused", source, words, lacking)


def _idle(test: Test, facts: pd.DataFrame, sources: Sources, source: str) -> Judgement:  # noqa: ARG001
    days = ("agreed_start", "started", "suspended_since")
    amounts = ("developed_m2", "to_develop_m2", "invested_cny", "investment_planned_cny")
    land = pd.DataFrame(
        {
            **{name: sources.column(name, "datetime64[ns]") for name in days},
            **{name: sources.column(name) for name in amounts},
            "government_delay": sources.column("government_delay", "boolean"),
        }
    ).loc[facts.index]
    begun = pd.Series(pd.NA, index=facts.index, dtype="boolean")
    begun = begun.mask(says_not_begun(facts["status"]).fillna(value=False), other=False)
    begun = begun.mask(_built(facts, sources).fillna(value=False), other=True)
    begun = begun.mask(says_under_way(facts["status"]).fillna(value=False), other=True)
    found, told, missing = idle_land(land, begun, says_stopped(facts["status"]), sources.as_of)
    rows = _yes(found)
    kind = told.loc[rows, "measure"].astype("object")
    evidence = evidence_rows(
        rows,
        measure=kind.to_numpy(),
        comparison=np.where(kind == "not_started_years", "above", "below"),
        value=told.loc[rows, "value"].to_numpy(),
        limit=told.loc[rows, "limit"].to_numpy(),
        unit=kind.map(lambda name: _IDLE_UNITS.get(name, "1")).to_numpy(),
        source=source,
        basis_zh=kind.map(lambda name: _IDLE_WORDS[name].zh).to_numpy(),
        basis_en=kind.map(lambda name: _IDLE_WORDS[name].en).to_numpy(),
    )
    return Judgement(found, evidence, missing=missing)


def _planned_use(test: Test, facts: pd.DataFrame, sources: Sources, source: str) -> Judgement:  # noqa: ARG001
    planned = sources.planned_industrial.loc[facts.index]
    found = ~planned
    rows = _yes(found)
    code = sources.column("planned_use_code", "string").loc[rows].astype("str")
    told = evidence_rows(
        rows,
        measure="planned_use_differs",
        unit="1",
        source=source,
        basis_zh=("现状为工业用地，规划用途为 " + code).to_numpy(),
        basis_en=("industrial today, planned for " + code).to_numpy(),
    )
    return Judgement(found, told, missing={"planned_use_code": planned.isna()})


def _not_leading(test: Test, facts: pd.DataFrame, sources: Sources, source: str) -> Judgement:  # noqa: ARG001
    leading = sources.leading_of_zone
    if not leading:
        return _nothing(facts)
    zone, code = sources.zone.loc[facts.index], sources.codes.loc[facts.index]
    inside = zone.isin(list(leading)) & (facts["inside_share"] >= 0.5)
    leads = pd.Series(False, index=facts.index)
    for name, codes in leading.items():
        leads |= (zone == name).fillna(value=False) & code.str.startswith(codes).fillna(value=False)
    found = (inside & ~leads).astype("boolean").mask(inside & code.isna())
    rows = _yes(found)
    of = zone.loc[rows].map({name: "、".join(codes) for name, codes in leading.items()}).astype("str")
    own, named = code.loc[rows].astype("str"), zone.loc[rows].map(sources.zone_names).astype("str")
    told = evidence_rows(
        rows,
        measure="not_leading",
        unit="1",
        source=source,
        basis_zh=("行业 " + own + "，不属于" + named + "的主导产业（" + of + "）").to_numpy(),
        basis_en=("industry " + own + " is none of the leading ones of " + named + " (" + of + ")").to_numpy(),
    )
    return Judgement(found, told, missing={"industry_code": found.isna()})


def _control(test: Test, facts: pd.DataFrame, sources: Sources, source: str) -> Judgement:
    """Parcels that miss a limit of the control table; those without a limit are not known."""
    held = sources.held
    if held is None:
        note = Words(
            "control indicators: no edition or table is stated (control.edition, control.table), so land was held "
            "against none.",
            "控制指标：未指定版本或表格（control.edition、control.table），未作对照。",
        )
        return _nothing(facts, note)
    # A plot ratio above what a sub-region allows is a fault of another kind.
    dense = (held["indicator"] == "plot_ratio") & (held["comparison"] == "at_most")
    asked = held[held["indicator"].isin(test.indicators) & ~dense]
    row = pd.Series(facts.index, index=facts["uid"].astype("str"))
    asked = asked.assign(parcel=asked["unit"].astype("str").map(row)).dropna(subset=["parcel"])
    met = asked.assign(met=asked["met"].astype("boolean"), parcel=asked["parcel"].astype("int64"))
    missed = met[(~met["met"]).fillna(value=False).to_numpy(dtype=bool)]
    judged, failed = pd.Index(met.loc[met["met"].notna(), "parcel"].unique()), pd.Index(missed["parcel"].unique())
    found = pd.Series(pd.NA, index=facts.index, dtype="boolean")
    found = found.mask(facts.index.isin(judged), other=False).mask(facts.index.isin(failed), other=True)
    told = evidence_rows(
        pd.Index(missed["parcel"]),
        measure=missed["indicator"].astype("object").to_numpy(),
        comparison=np.where(missed["comparison"] == "at_least", "below", "above"),
        value=missed["value"].to_numpy(),
        limit=missed["limit"].to_numpy(),
        unit="1",
        source=np.where(missed["source"].astype("str") != "", missed["source"].astype("str"), source),
        basis_zh=("工业项目建设用地控制指标 " + missed["standard"].astype("str")).to_numpy(),
        basis_en=("control indicators for industrial projects, " + missed["standard"].astype("str")).to_numpy(),
    )
    lacking = {INDICATORS[name][0] if name in INDICATORS else name: found.isna() for name in test.indicators[:1]}
    return Judgement(found, told, missing=lacking)


def _grade(test: Test, facts: pd.DataFrame, sources: Sources, source: str) -> Judgement:
    """Parcels whose main firm got one of the grades so many years running."""
    years = sources.running(test.years)
    if not years or not sources.grades:
        there = ", ".join(map(str, sources.years)) or "–"
        note = Words(
            f"grade: needs grade.rules or [grade.scores], and figures of {test.years} years running; the enterprises "
            f"have {there}. It was not looked for.",
            f"评价等级：需要 grade.rules 或 [grade.scores]，以及连续 {test.years} 年的数据；"
            f"企业数据的年份为 {there}。该线索未判断。",
        )
        return _nothing(facts, note)
    firm = sources.main_firm.reindex(facts.index)
    ids = sources.firms.firms["firm_id"] if sources.firms is not None else pd.Series(dtype="string")
    own = pd.Series(ids.reindex(firm.dropna().astype("int64")).to_numpy(), index=firm.dropna().index, dtype="string")
    found = pd.Series(True, index=facts.index, dtype="boolean")
    for year in years:
        table = sources.grades[year].table.drop_duplicates("firm_id").set_index("firm_id")["grade"].astype("string")
        got = own.map(table).reindex(facts.index).astype("string")
        found = found & got.isin(test.grades).astype("boolean").mask(got.isna())
    span, named = "、".join(map(str, sorted(years))), "、".join(test.grades)
    words = Words(
        f"the firm with most land on it was graded {named} in {span.replace('、', ', ')}",
        f"用地最多的企业在 {span} 年评为 {named} 级",
    )
    return _plain(found, "grade", source, words, {"grade": found.isna()})


_STATES: Mapping[str, Callable[[Test, pd.DataFrame, Sources, str], Judgement]] = {
    "vacant": _vacant,
    "idle": _idle,
    "supplied": _supplied,
    "unbuilt": _unbuilt,
    "unused": _unused,
    "outside_parks": _outside_parks,
    "planned_use_differs": _planned_use,
    "not_leading": _not_leading,
    "grade": _grade,
    "control": _control,
}
