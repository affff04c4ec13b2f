"""The sheets of how zones are put together: a row a zone, and a row a lead for consolidation.

Shares are formulas over the sums in their row; every limit is the project's own, and its head says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from geo.composition.found import Composition
from geo.composition.proposals import proposals
from geo.labels import text
from geo.report.xlsx_desk import Desk
from geo.report.xlsx_rows import Column
from layers.units import convert, label

__all__ = ["composition_tables"]


def composition_tables(desk: Desk) -> dict[str, list[Column]]:
    """Return the columns of both sheets; those without rows are left out."""
    found = desk.assessment.composition
    if found is None:
        return {}
    tables = {"composition": _zones(desk, found)}
    leads = proposals(found)
    if len(leads):
        tables["proposals"] = _proposals(desk, leads)
    return tables


def _zones(desk: Desk, found: Composition) -> list[Column]:
    zones = found.zones
    names = found.parks.set_index("park_id")["park_name"]

    def mu(key: str, column: str) -> Column:
        return desk.column("composition", key, _mu(zones[column]), "amount", unit="mu")

    def share(key: str, part: str, whole: str) -> Column:
        formula = f'=IF(N([{whole}])>0,IF(ISNUMBER([{part}]),[{part}]/[{whole}],""),"")'
        return desk.column("composition", key, _plain(zones[key]), "percent", formula=formula)

    return [
        desk.column("composition", "zone_id", zones["zone_id"].tolist()),
        desk.column("composition", "zone_name", zones["zone_name"].tolist()),
        desk.column("composition", "zone_parks", zones["parks"].tolist(), "int"),
        *(desk.column("composition", key, zones[key].tolist(), "int") for key in ("points", "blocks")),
        desk.column("composition", "main_park", [_main(desk, zone, names) for zone in zones.to_dict("records")]),
        mu("zone_area_mu", "area_m2"),
        mu("main_area_mu", "main_area_m2"),
        share("main_area_share", "main_area_mu", "zone_area_mu"),
        mu("zone_industrial_mu", "industrial_m2"),
        mu("main_industrial_mu", "main_industrial_m2"),
        share("main_industrial_share", "main_industrial_mu", "zone_industrial_mu"),
        *(
            desk.column("composition", key, _plain(zones[key]), "ratio")
            for key in ("farthest_km", "compactness", "division")
        ),
        mu("mesh_mu", "effective_mesh_m2"),
        mu("zone_overlap_mu", "overlap_m2"),
    ]


def _main(desk: Desk, zone: dict[Any, Any], names: pd.Series) -> str:
    if pd.isna(zone["main_park"]):
        return text(f"report.main_is_{zone['main_known_by']}", desk.language)
    return str(names[zone["main_park"]])


def _proposals(desk: Desk, leads: pd.DataFrame) -> list[Column]:
    def column(key: str, values: Sequence[object], kind: str = "text", **more: Any) -> Column:  # noqa: ANN401
        return desk.column("proposals", key, values, kind, **more)

    return [
        column("proposal_id", leads["id"].tolist()),
        column("proposal", [text(f"report.proposal_{kind}", desk.language) for kind in leads["kind"]]),
        column("zone_name", leads["zone_name"].tolist()),
        column("park_name", leads["name"].tolist()),
        column("proposal_value", _plain(leads["value"]), "ratio"),
        column("proposal_limit", _plain(leads["limit"]), "ratio"),
        column("proposal_unit", [label(unit, desk.language) for unit in leads["unit"]]),
        column("proposal_mu", _mu(leads["area_m2"]), "amount", unit="mu"),
        column("proposal_industrial_mu", _mu(leads["industrial_m2"]), "amount", unit="mu"),
        column("proposal_parcels", _plain(leads["parcels"]), "int"),
        column("constrained_mu", _mu(leads["constrained_m2"]), "amount", unit="mu"),
    ]


def _plain(values: pd.Series) -> list[float | None]:
    return [None if pd.isna(value) else float(value) for value in values]


def _mu(values: pd.Series) -> list[float | None]:
    return _plain(pd.Series(convert(values.astype("float64"), "m2", "mu")))
