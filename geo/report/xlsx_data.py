"""The data sheets of the workbook: parcels, firms, and the parcels judged for low efficiency.

Every row of 地块 is a piece of a parcel in one park, every row of 企业 a firm in one place, with all that
is summed. Places are told apart by their number (序号, 0 for none), since a number means the same to
every spreadsheet, and a name or a code such as ``01`` or ``A*`` does not. 低效清单 holds every parcel that
was judged, candidates first, so that it follows when a limit is changed. Amounts in m² and yuan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from geo.firms import MEASURES, Firms
from geo.labels import evidence_title, fact_title, labels
from geo.land import EXTENSIVE, Land
from geo.renewal import Candidates, Test
from geo.report.formulas import sumifs
from geo.report.xlsx_desk import MEASURED, Desk
from geo.report.xlsx_rows import Column
from layers.units import convert

__all__ = ["candidate_columns", "firm_columns", "parcel_columns"]

#: Beyond this many row × row look-ups the taxes by parcel are written as figures: a spreadsheet would take minutes.
MOST_LOOKUPS = 100_000_000


def parcel_columns(desk: Desk, land: Land) -> list[Column]:
    """Return the columns of 地块: one row a piece."""
    pieces, own = land.pieces, land.parcels
    rows = pieces["parcel"].to_numpy()
    columns = [
        desk.column("parcels", "parcel", rows + 1, "key"),
        desk.column("parcels", "parcel_id", _texts(own["uid"], rows)),
        *(
            desk.column("parcels", name, _texts(own[name], rows))
            for name in ("land_use_code", "land_use_name", "status")
            if name in own and own[name].notna().any()
        ),
        *_place_columns(desk, "parcels", land, own["district"].to_numpy()[rows], pieces["park"].to_numpy()),
        *(
            desk.column("parcels", name, own[name].astype("float64").to_numpy()[rows], "key")
            for name in ("industrial", "built")
        ),
        desk.column("parcels", "share", pieces["share"], "fine"),
        *(
            desk.column("parcels", name, pieces[name], "amount", unit=_unit(name))
            for name in EXTENSIVE
            if name == "land_area_m2" or pieces[name].notna().any()
        ),
    ]  # fmt: skip
    area = pieces["land_area_m2"]
    columns.append(
        desk.column(
            "parcels", "land_mu", convert(area, "m2", "mu"), "amount", unit="mu",
            formula=f"=[land_area_m2]/{desk.mu}",
        )
    )  # fmt: skip
    if pieces["floor_area_m2"].notna().any():
        columns.append(_ratio(desk, "parcels", "plot_ratio", pieces["floor_area_m2"], area, "ratio"))
        guessed = own["floor_area_estimated"].to_numpy(dtype=bool)[rows]
        columns.append(desk.column("parcels", "estimated", np.where(guessed, desk.word("estimated"), "").tolist()))
    return columns


def _texts(column: pd.Series, rows: np.ndarray) -> list[object]:
    texts: list[object] = column.astype("string").to_numpy(dtype="object")[rows].tolist()
    return texts


def _unit(column: str) -> str:
    return MEASURES.get(column) or ("cny" if column.endswith("_cny") else "m2")


def _place_columns(desk: Desk, table: str, land: Land, district: np.ndarray, park: np.ndarray) -> list[Column]:
    """Number and name of the district, zone and park of each row; 0 for none."""
    columns: list[Column] = []
    if land.districts is not None:
        columns += _place(desk, table, "district", district, land.districts["district_name"])
    if land.parks is not None:
        zones = land.parks.drop_duplicates("zone_id")
        zone = np.append(pd.Index(zones["zone_id"]).get_indexer(pd.Index(land.parks["zone_id"])), -1)
        columns += _place(desk, table, "zone", zone[park], zones["zone_name"])
        columns += _place(desk, table, "park", park, land.parks["park_name"])
    return columns


def _place(desk: Desk, table: str, level: str, rows: np.ndarray, names: pd.Series) -> list[Column]:
    known = [*_texts(names, np.arange(len(names))), desk.word("no_place")]
    return [
        desk.column(table, level, rows + 1, "key"),
        desk.column(table, f"{level}_name", [known[row] for row in rows]),
    ]


def _ratio(
    desk: Desk, table: str, key: str, top: pd.Series, below: pd.Series, kind: str,
    over: str = "floor_area_m2", under: str = "land_area_m2",
) -> Column:  # fmt: skip
    """A quotient of two cells of the row; empty where either is."""
    formula = f'=IF(AND([{over}]<>"",[{under}]>0),[{over}]/[{under}],"")'
    return desk.column(table, key, (top / below).where(below > 0), kind, formula=formula)


def firm_columns(desk: Desk, firms: Firms, land: Land | None) -> list[Column]:
    """Return the columns of 企业: one row a firm × place."""
    rows, own = firms.fragments, firms.firms
    firm = rows["firm"].to_numpy()
    matched = own["matched_by"].fillna("unmatched").to_numpy(dtype=object)[firm]
    columns = [
        desk.column("firms", "firm", firm + 1, "key"),
        desk.column("firms", "firm_id", _texts(own["firm_id"], firm)),
        desk.column("firms", "firm_name", _texts(own["firm_name"], firm)),
        *(
            desk.column("firms", name, [desk.known("xlsx.scale", one) for one in _texts(own[name], firm)])
            for name in ("industry_code", "scale")
            if own[name].notna().any()
        ),
        desk.column("firms", "matched_by", [desk.known("match", way) for way in matched]),
    ]
    if land is not None:
        parcel = rows["parcel"].to_numpy()
        uid = [*_texts(land.parcels["uid"], np.arange(len(land.parcels))), None]
        columns += [
            desk.column("firms", "parcel", parcel + 1, "key"),
            desk.column("firms", "parcel_id", [uid[row] for row in parcel]),
            *_place_columns(desk, "firms", land, rows["district"].to_numpy(), rows["park"].to_numpy()),
        ]
    columns += [
        desk.column("firms", name, rows[name], "amount" if base in {"m2", "cny"} else "exact", unit=base)
        for name, base in MEASURES.items()
        if rows[name].notna().any()
    ]
    return columns + _per_mu(desk, "firms", rows)


def _per_mu(desk: Desk, table: str, rows: pd.DataFrame) -> list[Column]:
    """Land in mu and tax per mu of each row, where firms report both."""
    if rows["land_used_m2"].isna().all():
        return []
    land = convert(rows["land_used_m2"], "m2", "mu")
    columns = [
        desk.column(
            table, "land_used_mu", land, "amount", unit="mu",
            formula=f'=IF([land_used_m2]="","",[land_used_m2]/{desk.mu})',
        )
    ]  # fmt: skip
    if rows["tax_cny"].notna().any():
        per_mu = (convert(rows["tax_cny"], "cny", "wcny") / land).where(land > 0)
        columns.append(
            desk.column(
                table, "tax_per_mu", per_mu, "ratio", unit="wcny/mu",
                formula=_tax_per_mu(desk),
            )
        )  # fmt: skip
    return columns


def _tax_per_mu(desk: Desk) -> str:
    factor = desk.factors["cny", "wcny"]
    return f'=IF(AND([tax_cny]<>"",N([land_used_m2])>0),([tax_cny]/{factor})/([land_used_m2]/{desk.mu}),"")'


def candidate_columns(desk: Desk, found: Candidates, land: Land, firms: Firms | None) -> list[Column]:
    """Return the columns of 低效清单: every parcel that was judged, the candidates first."""
    listed = found.table["parcel"].to_numpy()
    rest = found.facts[~found.facts.index.isin(listed)].sort_values(["area_m2", "uid"], ascending=[False, True]).index
    facts = found.facts.loc[[*listed, *rest]]
    counts = {rule.code: rule.counts for rule in found.rules} | {"added": True}
    flags = sorted((code for code in counts if code in facts), key=lambda code: not counts[code])
    group = found.table.set_index("parcel")["group"].reindex(facts.index)
    columns = [
        *_verdict_columns(desk, facts, [code for code in flags if counts[code]], listed),
        *_decision_columns(desk, facts),
        desk.column("candidates", "group", group.astype("float64"), "key"),
        desk.column("candidates", "parcel", facts.index.to_numpy() + 1, "key"),
        desk.column("candidates", "parcel_id", _texts(facts["uid"], np.arange(len(facts)))),
        *_park_columns(desk, land, facts["park"]),
        desk.column("candidates", "land_area_m2", facts["area_m2"], "amount", unit="m2"),
        desk.column(
            "candidates", "land_mu", convert(facts["area_m2"], "m2", "mu"), "amount", unit="mu",
            formula=f"=[land_area_m2]/{desk.mu}",
        ),
        *_measure_columns(desk, facts, firms),
        desk.column("candidates", "status", _texts(facts["status"], np.arange(len(facts)))),
        desk.column("candidates", "inside_share", facts["inside_share"], "percent"),
        *_flag_columns(desk, found, facts, flags),
        desk.column("candidates", "unknown", [_unknown(desk, names) for names in facts["missing"]]),
    ]  # fmt: skip
    return _told_apart(columns)


def _told_apart(columns: list[Column]) -> list[Column]:
    """Add its code to the title of a rule that another column bears already: a table has no title twice."""
    taken: set[str] = set()
    apart = []
    for column in columns:
        title = f"{column.title} [{column.key}]" if column.title in taken else column.title
        taken.add(title)
        apart.append(replace(column, title=title))
    return apart


def _verdict_columns(desk: Desk, facts: pd.DataFrame, counted: Sequence[str], listed: np.ndarray) -> list[Column]:
    yes, no = desk.word("yes"), desk.word("no")
    strength = facts[[*counted]].sum(axis=1).astype("int64")
    verdict = f'IF([strength]>={desk.needed},"{yes}","{no}")'
    if (facts["decision"] != "").any():
        verdict = f'IF([decision]="{desk.word("decision.add")}","{yes}",IF([decision]<>"","{no}",{verdict}))'
    return [
        desk.column(
            "candidates", "candidate", np.where(facts.index.isin(listed), yes, no).tolist(),
            formula=f"={verdict}",
        ),
        desk.column(
            "candidates", "strength", strength, "key",
            formula=f"=SUM([{counted[0]}]:[{counted[-1]}])" if counted else "=0",
        ),
    ]  # fmt: skip


def _decision_columns(desk: Desk, facts: pd.DataFrame) -> list[Column]:
    """What was decided beside the evidence: exempt, dropped or added by hand."""
    if not (facts["decision"] != "").any():
        return []
    words = {"": "", **{one: desk.word(f"decision.{one}") for one in ("exempt", "drop", "add")}}
    return [desk.column("candidates", "decision", [words[one] for one in facts["decision"]])]


def _park_columns(desk: Desk, land: Land, park: pd.Series) -> list[Column]:
    if land.parks is None:
        return []
    rows = pd.Index(land.parks["park_id"]).get_indexer(pd.Index(park))
    return _place(desk, "candidates", "park", rows, land.parks["park_name"])


def _measure_columns(desk: Desk, facts: pd.DataFrame, firms: Firms | None) -> list[Column]:
    columns: list[Column] = []
    for sum_, ratio, kind in (
        ("floor_area_m2", "plot_ratio", "ratio"),
        ("building_base_m2", "building_density", "percent"),
    ):
        if facts[sum_].notna().any():
            columns.append(desk.column("candidates", sum_, facts[sum_], "amount", unit="m2"))
            columns.append(_ratio(desk, "candidates", ratio, facts[sum_], facts["area_m2"], kind, over=sum_))
    if firms is not None and facts["tax_per_mu"].notna().any():
        columns += _tax_columns(desk, facts, firms)
    return columns


def _tax_columns(desk: Desk, facts: pd.DataFrame, firms: Firms) -> list[Column]:
    """Tax and land of the firms on each parcel that report both: looked up in 企业 while that is quick."""
    names = desk.names("firms")
    live = len(facts) * len(firms.fragments) <= MOST_LOOKUPS
    here, taxed = [("parcel", "[parcel]"), ("land_used_m2", '">0"')], ("tax_cny", '"<>"')
    land = f"=ROUND({sumifs('land_used_m2', [*here, taxed], names)},2)"
    tax = f'=IF([land_used_m2]>0,ROUND({sumifs("tax_cny", here, names)},2),"")'
    used = convert(facts["land_used_mu"], "mu", "m2").round(2).fillna(0.0)
    money = convert(facts["tax_wcny"], "wcny", "cny").round(2)
    note = desk.word("note.live_tax" if live else "note.written_tax")
    return [
        desk.column("candidates", "tax_cny", money, "amount", unit="cny", formula=tax if live else None, note=note),
        desk.column(
            "candidates", "land_used_m2", used, "amount", unit="m2", formula=land if live else None, note=note
        ),
        desk.column(
            "candidates", "tax_per_mu", facts["tax_per_mu"], "ratio", unit="wcny/mu",
            formula=_tax_per_mu(desk),
        ),
    ]  # fmt: skip


def _flag_columns(desk: Desk, found: Candidates, facts: pd.DataFrame, flags: Sequence[str]) -> list[Column]:
    """1 where a piece of evidence is found, 0 where not, empty where it is not known."""
    columns = []
    for code in flags:
        told = facts[code].astype("float64")
        if code in desk.live:
            told = told.where(facts[MEASURED[code]].notna())
        note = desk.word("note.vacant") if code == "vacant" else ""
        formula = _flag_formula(desk, found, code)
        if f"xlsx.column.{code}" in labels():
            columns.append(desk.column("candidates", code, told, "key", formula=formula, note=note))
        else:
            title = evidence_title(code, found.titles, desk.language)
            columns.append(Column(code, title, told.tolist(), "key", formula))
    return columns


def _flag_formula(desk: Desk, found: Candidates, code: str) -> str | None:
    """Judge anew what hangs on one limit; what the run alone can judge stays a figure."""
    outside = any(rule.code == code and rule.tests == (Test(code),) for rule in found.rules)
    if code not in desk.live and not (code == "outside_parks" and outside):
        return None
    column = MEASURED.get(code, "inside_share")
    return f'=IF([{column}]="","",IF([{column}]<{desk.limit(code)},1,0))'


def _unknown(desk: Desk, names: list[str]) -> str:
    return ("、" if desk.language == "zh" else ", ").join(fact_title(name, desk.language) for name in names)
