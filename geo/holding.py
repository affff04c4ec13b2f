"""Land of a project held against control indicators (`hold_land`): which land, of which industry, in which unit.

Reads the settings ``control.*`` and cuts industrial land into the rows that `geo.control` judges. The industry of a
parcel is its own code, else that of the firm with most land on it. Computes no figure itself.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd

from geo.control import Limit, hold, load_limits, load_sub_regions, standard_limits
from geo.firms import Firms
from geo.land import Land
from layers.errors import ProjectError, Words
from layers.project import Project
from layers.units import from_tally, to_tally

__all__ = ["asks_control", "hold_land", "industry_codes"]

_log = logging.getLogger(__name__)


def asks_control(project: Project) -> bool:
    """Tell whether a project asks for its land to be held against control indicators (是否要求对照控制指标)."""
    files = (project.file("control.table"), project.file("control.sub_regions"))
    return project.text("control.edition") is not None or any(file is not None for file in files)


def hold_land(
    project: Project, land: Land | None, firms: Firms | None = None, *, by: str | None = None
) -> tuple[pd.DataFrame | None, tuple[Words, ...]]:
    """Hold the industrial land of a project against what it asks for (工业用地与控制指标对照).

    Parameters
    ----------
    project : Project
        Settings ``control.*``.
    land : Land or None
    firms : Firms, optional
        Tell the industry of parcels that have no code of their own.
    by : {"parcel", "park", "platform"}, optional
        Accounting unit; by default ``control.unit``.

    Returns
    -------
    (DataFrame or None, tuple of Words)
        See `control.hold`; None where the project asks for nothing. The words tell of land that was held against
        nothing.

    Raises
    ------
    ProjectError
        There are no parcels, or no parks where they are the unit; the edition is not stated.
    StandardError, SourceError
        A table cannot be used; the message names the file and the line.
    """
    if not asks_control(project):
        return None, ()
    table, sub_regions = project.file("control.table"), project.file("control.sub_regions")
    if land is None:
        raise ProjectError(
            f"{project.path}: [control] asks for land to be held against limits, but the project has no parcels. "
            "Add [layers.parcels] with a source.",
            f"{project.path}：[control] 要求对照控制指标，但项目没有地块图层。请增加 [layers.parcels] 并指定 source。",
        )
    loaded = () if table is None else load_limits(table)
    units, notes = _units(land, firms, project, by or project.text("control.unit") or "parcel")
    held = hold(
        units,
        "unit",
        limits=(*standard_limits(), *loaded),
        edition=_edition(project, loaded),
        sub_regions=None if sub_regions is None else load_sub_regions(sub_regions),
        several=project.text("control.several") or "refuse",
    )
    return held, notes


def _edition(project: Project, loaded: Sequence[Limit]) -> str | None:
    """Which edition applies: the one stated, else that of the project's own table; None for sub-regions alone."""
    stated, own = project.text("control.edition"), list(dict.fromkeys(one.edition for one in loaded))
    if stated is None and len(own) > 1:
        raise ProjectError(
            f"{project.path}: control.table holds {len(own)} editions: {', '.join(own)}. "
            "State which one applies: control.edition.",
            f"{project.path}：control.table 含 {len(own)} 个版本：{'、'.join(own)}。"
            "请用 control.edition 指明适用的版本。",
        )
    return stated or next(iter(own), None)


def _units(land: Land, firms: Firms | None, project: Project, by: str) -> tuple[pd.DataFrame, tuple[Words, ...]]:
    """One row a piece of industrial land, with the unit it is accounted in, its industry and its areas."""
    pieces = land.pieces.reset_index(drop=True)
    parcel, park = pieces["parcel"].to_numpy(), pieces["park"].to_numpy()
    own = land.parcels.iloc[parcel].reset_index(drop=True)
    if by != "parcel" and land.parks is None:
        raise ProjectError(
            f'{project.path}: control.unit = "{by}", but the project has no parks. '
            'Add [layers.parks] with a source, or set control.unit = "parcel".',
            f"{project.path}：control.unit = “{by}”，但项目没有园区图层。请增加 [layers.parks] 并指定 source，"
            "或设 control.unit = “parcel”。",
        )
    unit = own["uid"] if by == "parcel" else _park_column(land, park, "park_id" if by == "park" else "zone_id")
    areas = ["land_area_m2", "floor_area_m2", "admin_land_m2", "green_area_m2"]
    units = pieces[areas].assign(
        unit=unit.to_numpy(),
        code=industry_codes(land, firms).array[parcel],
        code_edition=project.text("control.code_edition"),
        covered_area_m2=pieces["building_base_m2"] + pieces["yard_area_m2"],
        storeys_unknown_m2=own["storeys_unknown_m2"] * pieces["share"],
        # Without parks nobody knows on which side of a boundary land lies.
        inside_parks=pd.array(park >= 0, dtype="boolean") if land.parks is not None else None,
    )
    if project.file("control.sub_regions") is not None:
        units["sub_region"] = _sub_regions(own, project)
    industrial = own["industrial"].fillna(value=False).to_numpy(dtype=bool)
    placed = units["unit"].notna().to_numpy()
    return pd.DataFrame(units[industrial & placed]).reset_index(drop=True), _left_out(pieces[industrial & ~placed])


def _sub_regions(own: pd.DataFrame, project: Project) -> pd.Series:
    if "sub_region" not in own:
        raise ProjectError(
            f"{project.path}: control.sub_regions is given, but the parcels have no column parcels.sub_region (分区). "
            'Add the column, or name it: [layers.parcels] columns = { sub_region = "…" }.',
            f"{project.path}：给出了 control.sub_regions，但地块没有分区字段 parcels.sub_region（分区）。"
            "请补充该字段，或在 [layers.parcels] 的 columns 中指明：sub_region = “…”。",
        )
    return own["sub_region"]


def _left_out(pieces: pd.DataFrame) -> tuple[Words, ...]:
    """Tell of industrial land that is in no unit, to whoever reads the notes and to whoever watches the run."""
    if not len(pieces):
        return ()
    count, known = pieces["parcel"].nunique(), pieces["land_area_m2"].dropna()
    area = f"{from_tally(int(to_tally(known, 'm2').sum()), 'm2'):,.2f}"
    told = Words(
        f"control indicators: industrial land outside all parks is held against nothing: {count} parcels, {area} m²",
        f"控制指标对照：园区外的工业用地未对照，涉及 {count} 宗、{area} 平方米",
    )
    _log.warning("%s", told.en, extra={"zh": told.zh})
    return (told,)


def _park_column(land: Land, park: np.ndarray, column: str) -> pd.Series:
    """What a piece's park says in a column; missing outside every park."""
    named = pd.Series(None, index=range(len(park)), dtype="object")
    if land.parks is not None:
        inside = np.flatnonzero(park >= 0)
        named.iloc[inside] = land.parks[column].to_numpy("object")[park[inside]]
    return named


def industry_codes(land: Land, firms: Firms | None) -> pd.Series:
    """Industry code of each parcel (地块行业代码): its own, else of the firm with most land on it; missing: none.

    Returns
    -------
    Series of object
        In the order of `Land.parcels`.
    """
    told = land.parcels.get("industry_code")
    codes = pd.Series(None, index=range(len(land.parcels)), dtype="object") if told is None else told.astype("object")
    codes = codes.reset_index(drop=True)
    if firms is None or not len(firms.links):
        return codes
    links = firms.links.sort_values(["land_area_m2", "firm"], ascending=[False, True]).drop_duplicates("parcel")
    of_firm = firms.firms["industry_code"].astype("object").iloc[links["firm"]].to_numpy()
    return codes.fillna(pd.Series(of_firm, index=links["parcel"].to_numpy()).reindex(codes.index))
