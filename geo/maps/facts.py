"""What the map shows of each parcel, one row a parcel (`parcel_facts`).

Knows where a finished assessment keeps its figures; computes none of its own: figures by parcel come
from the catalogue (`geo.indicators`), candidates from `geo.renewal`. Units: m², 万元/亩, ratios.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

import numpy as np
import pandas as pd

from geo.assessment import Assessment
from geo.indicators import measure, scopes, tally
from geo.land import Land
from layers.errors import ProjectError

__all__ = ["MEASURES", "land_of", "parcel_facts", "use_groups", "use_names"]

#: Indicators shown by parcel and the decimals they are kept with.
MEASURES = {"tax_per_mu": 2, "plot_ratio": 3, "building_density": 4}


def land_of(assessment: Assessment) -> Land:
    """Return the land of an assessment; without parcels there is nothing to draw."""
    if assessment.land is None:
        raise ProjectError(
            "A map needs parcels, but the project has no parcels layer. Add [layers.parcels] with a source.",
            "绘制地图需要地块，但项目没有 parcels（地块）图层。请增加 [layers.parcels] 并指定 source。",
        )
    return assessment.land


def parcel_facts(assessment: Assessment) -> pd.DataFrame:
    """Return one row a parcel of `Land.parcels`, in its order.

    Returns
    -------
    DataFrame
        `uid`, `area_m2`, `industrial`, `use` (code, missing where there is none), `status`, `district` (row, −1),
        `park` (row of the park that holds most of it, −1), `inside` (share in any park), `shown` (False
        where the parcel has no shape), `MEASURES`, `strength` (pieces of evidence; 0: judged, none or not
        enough; −1: not judged), `group` (0 for none).
    """
    land = land_of(assessment)
    own = land.parcels
    column = "land_use_name" if assessment.project["land_use.system"] == "names" else "land_use_code"
    park, inside = _home(land)
    facts = pd.DataFrame(
        {
            "uid": own["uid"].astype("string"),
            "area_m2": own["land_area_m2"].astype("float64"),
            "industrial": own["industrial"].fillna(value=False).to_numpy(dtype=bool),
            "use": _text(own, column),
            "status": _text(own, "status"),
            "district": own["district"].to_numpy("int64"),
            "park": park,
            "inside": inside,
            "shown": ~(own.geometry.isna() | own.geometry.is_empty).to_numpy(),
        }
    )
    facts = pd.concat([facts, _measures(assessment, facts["uid"])], axis=1)
    return facts.assign(**_candidacy(assessment, facts))


def _text(frame: pd.DataFrame, column: str) -> pd.Series:
    if column not in frame:
        return pd.Series(pd.NA, index=frame.index, dtype="string")
    text = frame[column].astype("string").str.strip()
    return text.mask(text == "")


def _home(land: Land) -> tuple[np.ndarray, np.ndarray]:
    """Row of the park that holds most of each parcel, and the parcel's share inside any park."""
    pieces = land.pieces[land.pieces["park"] >= 0]
    inside = np.bincount(pieces["parcel"], weights=pieces["share"], minlength=len(land.parcels))
    most = pieces.sort_values(["parcel", "share", "park"], ascending=[True, False, True]).drop_duplicates("parcel")
    park = np.full(len(land.parcels), -1, dtype="int64")
    park[most["parcel"]] = most["park"]
    return np.where(inside >= 0.5, park, -1), inside


def _measures(assessment: Assessment, uid: pd.Series) -> pd.DataFrame:
    """Figures by parcel: those the assessment has, else the catalogue's sums for the parcels alone."""
    table = assessment.indicators
    if not (table["level"] == "parcel").any():
        land, firms = assessment.land, assessment.firms
        sums = tally(land, firms, ["parcel"])
        shown = sums[sums["indicator"].isin(list(MEASURES))]
        table = measure(shown, scopes(land, firms, assessment.city, ["parcel"]))
    rows = table.loc[table["level"] == "parcel", ["id", "scope_id", "value"]]
    return pd.DataFrame(
        {
            name: rows[rows["id"] == name].set_index("scope_id")["value"].reindex(uid).to_numpy("float64")
            for name in MEASURES
        }
    )


def _candidacy(assessment: Assessment, facts: pd.DataFrame) -> dict[str, np.ndarray]:
    strength = np.where(facts["industrial"], 0, -1)
    group = np.zeros(len(facts), dtype="int64")
    if assessment.candidates is not None:
        table = assessment.candidates.table
        strength[table["parcel"]] = table["strength"]
        group[table["parcel"]] = table["group"]
    return {"strength": strength, "group": group}


@cache
def _group_rows() -> tuple[tuple[str, str, str], ...]:
    text = resources.files("geo.maps").joinpath("land_use_groups.csv").read_text("utf-8")
    rows = [(row["system"], row["class"], row["group"]) for row in csv.DictReader(text.splitlines())]
    return tuple(sorted(rows, key=lambda row: -len(row[1])))


def use_groups(uses: pd.Series, system: str, industrial: np.ndarray) -> pd.Series:
    """Put land-use classes into the groups of the legend, by the longest class that fits.

    Parameters
    ----------
    uses : Series of str
        Codes, or names where the system is ``names``.
    system : str
        See `geo.land_use.systems`.
    industrial : array of bool
        What the project counts as industrial is industrial, whatever its code.

    Returns
    -------
    Series of str
        ``unknown`` where the class is missing, ``other`` where no row of the table fits.

    Examples
    --------
    >>> use_groups(pd.Series(["0601", "0602", "1107", None]), "third-survey", np.zeros(4, dtype=bool)).tolist()
    ['industrial', 'mining', 'water', 'unknown']
    """
    rows = [(prefix, group) for of, prefix, group in _group_rows() if of == system]
    by_name = system == "names"

    def group_of(use: str) -> str:
        word = use.lower() if by_name else use
        return next((group for part, group in rows if (part in word if by_name else word.startswith(part))), "other")

    known = uses.dropna().unique()
    groups = uses.map({use: group_of(str(use)) for use in known}).astype("object").where(uses.notna(), "unknown")
    return groups.mask(industrial, "industrial").astype("string")


def use_names(uses: pd.Series, names: pd.Series | None, system: str, language: str) -> dict[str, str]:
    """Return how each class is written: its code and its name, from the code table or from the data."""
    text = resources.files("layers").joinpath("tables/codes/land_use.csv").read_text("utf-8")
    table = {
        row["code"]: row["name_en" if language == "en" else "name_zh"]
        for row in csv.DictReader(text.splitlines())
        if row["system"] == system
    }
    if names is not None and system != "names":
        given = pd.DataFrame({"use": uses, "name": names}).dropna().drop_duplicates("use")
        table = dict(zip(given["use"], given["name"].astype(str), strict=True)) | table
    return {str(use): f"{use} {table[use]}" if use in table else str(use) for use in uses.dropna().unique()}
