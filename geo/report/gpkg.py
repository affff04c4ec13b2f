"""`results.gpkg`: every layer with its figures, in colours, with names people read.

Layers: parcels, parks, zones, districts, candidates, candidate_groups, plan, overlaps, points (parts of parks that lie
apart), joins (land between points of a zone), clusters (industry outside the parks), findings (places); tables:
indicators with both sums. Columns keep their canonical names and base units; their titles in the report's language
stand in the file. Classes and colours of the parcels are those of the map, so both show the same picture.
Units: m², yuan, and each indicator's display unit, which its title names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo import labels
from geo.assessment import Assessment
from geo.concentrations import industrial_by_park
from geo.indicators import catalogue
from geo.land import EXTENSIVE, Land
from geo.maps.facts import MEASURES, parcel_facts
from geo.maps.themes import style, themes, zone_colours
from geo.plan.words import ACT_WORDS
from geo.planned import Planned
from geo.renewal.groups import group_shapes
from geo.report.cells import capital
from geo.report.gpkg_file import Layer, Style, save
from geo.report.qgis_style import Look, categorised, single
from geo.results import definitions, dumps, plain
from layers import findings as faults
from layers.ground import is_ground
from layers.schema import columns as canonical
from layers.units import label

__all__ = ["about", "result_layers", "write_gpkg", "write_places"]

_PLACE = ("level", "scope_id", "scope_name")
_SEVERITY = {"error": "#b3341f", "warning": "#e69f00", "note": "#3b78ad"}
_AREA = "MultiPolygon"
_GROUP = Look("#ffffff", outline="#7a1f12", width_mm=0.6, fill=False)
#: Columns of the plan that bear another title here than elsewhere.
_PLAN_FIELDS = {"park_name": "plan_park", "land_m2": "plan_land", "year": "plan_year"}
_OPEN = Look("#ffffff", outline="#555555", width_mm=0.5, fill=False)


def write_gpkg(
    assessment: Assessment, path: str | Path, facts: pd.DataFrame | None = None, plan: Planned | None = None
) -> None:
    """Write the layers of an assessment into a new GeoPackage.

    Parameters
    ----------
    assessment : Assessment
    path : path
    facts : DataFrame, optional
        From `maps.facts.parcel_facts`, where they are at hand.
    plan : Planned, optional
        What was planned.
    """
    made = result_layers(assessment, facts, plan)
    save(made, path, about(assessment))


def about(assessment: Assessment) -> str:
    """Return what figures rest on, as a JSON text that goes with the layers."""
    return dumps(plain(definitions(assessment)))


def result_layers(
    assessment: Assessment, facts: pd.DataFrame | None = None, plan: Planned | None = None
) -> list[Layer]:
    """Return the layers and tables of an assessment; see `write_gpkg`."""
    language = assessment.project.language
    made: list[Layer | None] = []
    if assessment.land is not None:
        facts = parcel_facts(assessment) if facts is None else facts
        made += [
            _districts(assessment, language),
            _zones(assessment, language),
            _parks(assessment, language),
            _parcels(assessment, assessment.land, facts, language, plan),
            _candidates(assessment, assessment.land, facts, language),
            _candidate_groups(assessment, assessment.land, language),
            _plan(assessment.land, plan, language),
            _overlaps(assessment, language),
            *_composition(assessment, language),
        ]
    made += [_places(assessment.findings, language), _indicators(assessment, language)]
    return [layer for layer in made if layer is not None]


def write_places(findings: pd.DataFrame, path: str | Path, language: str = "zh") -> None:
    """Write the places of findings into a new GeoPackage; findings without a place are left out."""
    save([_places(findings, language)], path)


# ---------------------------------------------------------------- names


def _aliases(frame: pd.DataFrame, language: str, layer: str = "") -> dict[str, str]:
    """The title of every column: an indicator's, a canonical column's, or a word of ours."""
    known = _canonical_titles(layer, language) if layer else {}
    return {
        str(column): _title(str(column), known, language)
        for column in frame.columns
        if not isinstance(frame[column].dtype, gpd.array.GeometryDtype)
    }


def _title(column: str, known: Mapping[str, str], language: str) -> str:
    entry = catalogue().get(column)
    if entry is not None:
        unit = "" if entry.unit == "1" else f" ({label(entry.unit, language)})"
        return entry.title(language) + unit
    ours = f"report.field_{column}"
    if ours in labels.labels():
        return labels.text(ours, language)
    return known.get(column, column)


def _canonical_titles(layer: str, language: str) -> dict[str, str]:
    table = canonical(layer)
    titles = table["label_en" if language == "en" else "label_zh"]
    return {
        str(column): f"{title} ({label(str(unit), language)})" if unit and unit != "1" else str(title)
        for column, title, unit in zip(table["column"], titles, table["unit"].fillna(""), strict=True)
    }


# ---------------------------------------------------------------- places of the city


def _figures(assessment: Assessment, level: str, ids: Sequence[str]) -> pd.DataFrame:
    """One column an indicator that has a figure at this level, in the order of the places."""
    rows = assessment.indicators
    rows = rows[(rows["level"] == level) & rows["value"].notna()]
    wide = rows.pivot_table(index="scope_id", columns="id", values="value", aggfunc="first")
    have = [name for name in catalogue() if name in wide.columns]
    return wide.reindex(list(ids))[have].reset_index(drop=True)


def _parks(assessment: Assessment, language: str) -> Layer | None:
    land = assessment.land
    if land is None or land.parks is None:
        return None
    sums = industrial_by_park(land)[["industrial_m2", "land_m2", "parcels"]]
    figures = _figures(assessment, "park", land.parks["park_id"].tolist())
    table = pd.concat([pd.DataFrame(land.parks.drop(columns="geometry")), sums, figures], axis=1)
    frame = gpd.GeoDataFrame(table, geometry=land.parks.geometry.to_numpy(), crs=land.parks.crs)
    aliases = _aliases(frame, language, "parks")
    names = dict(zip(frame["zone_id"], frame["zone_name"], strict=True))
    classes = [
        (str(zone), str(names[zone]), Look(colour, outline=colour, width_mm=0.5, opacity=0.55))
        for zone, colour in zone_colours(frame["zone_id"].tolist()).items()
    ]
    chosen = Style(labels.text("level.zone", language), categorised("zone_id", classes, aliases))
    return Layer("parks", labels.text("report.layer_parks", language), frame, aliases, (chosen,), _AREA)


def _zones(assessment: Assessment, language: str) -> Layer | None:
    land = assessment.land
    if land is None or land.parks is None:
        return None
    parts = land.parks.groupby("zone_id", sort=False)
    shapes = parts["geometry"].agg(lambda one: shapely.union_all(one.array))
    table = parts.agg(zone_name=("zone_name", "first"), parks=("park_id", "size")).reset_index()
    figures = _figures(assessment, "zone", table["zone_id"].tolist())
    frame = gpd.GeoDataFrame(pd.concat([table, figures], axis=1), geometry=shapes.to_numpy(), crs=land.parks.crs)
    aliases = _aliases(frame, language, "parks")
    looks = [
        (str(zone), str(name), Look(colour, outline=colour, width_mm=0.9, fill=False))
        for (zone, colour), name in zip(
            zone_colours(table["zone_id"].tolist()).items(), table["zone_name"], strict=True
        )
    ]
    chosen = Style(labels.text("level.zone", language), categorised("zone_id", looks, aliases))
    return Layer("zones", labels.text("level.zone", language), frame, aliases, (chosen,), _AREA)


def _districts(assessment: Assessment, language: str) -> Layer | None:
    land = assessment.land
    if land is None or land.districts is None:
        return None
    figures = _figures(assessment, "district", land.districts["district_id"].tolist())
    table = pd.concat([pd.DataFrame(land.districts.drop(columns="geometry")), figures], axis=1)
    frame = gpd.GeoDataFrame(table, geometry=land.districts.geometry.to_numpy(), crs=land.districts.crs)
    aliases = _aliases(frame, language, "districts")
    chosen = Style(labels.text("level.district", language), single(_OPEN, aliases))
    return Layer("districts", labels.text("report.layer_districts", language), frame, aliases, (chosen,), _AREA)


# ---------------------------------------------------------------- parcels


def _parcels(assessment: Assessment, land: Land, facts: pd.DataFrame, language: str, plan: Planned | None) -> Layer:
    own = land.parcels
    kept = [
        column
        for column in ("parcel_id", "uid", "land_use_code", "land_use_name", "status", "industrial", "built",
                       "industry_code", "owner_code", *EXTENSIVE, "floor_area_estimated")
        if column in own and own[column].notna().any()
    ]  # fmt: skip
    kept += [column for column in own.columns if is_ground(str(column))]
    made = [theme for theme in themes(assessment, facts, language, plan) if theme.classes]
    table = pd.DataFrame(own[kept]).assign(
        **_homes(land, facts),
        inside_share=facts["inside"].to_numpy(),
        **{name: facts[name].to_numpy() for name in MEASURES},
        strength=np.where(facts["strength"] > 0, facts["strength"], 0),
        **{f"class_{theme.id}": theme.of_parcel for theme in made},
    )
    frame = gpd.GeoDataFrame(table, geometry=own.geometry.to_numpy(), crs=own.crs)
    aliases = _aliases(frame, language, "parcels")
    aliases |= {f"class_{theme.id}": labels.text("report.field_class", language, title=theme.title) for theme in made}
    styles = []
    for theme in made:
        classes: list[tuple[object, str, Look]] = [
            (number, ("　" if one.inset else "") + one.label, Look(one.fill, one.pattern))
            for number, one in enumerate(theme.classes)
        ]
        styles.append(Style(theme.title, categorised(f"class_{theme.id}", classes, aliases)))
    return Layer("parcels", labels.text("report.layer_parcels", language), frame, aliases, tuple(styles), _AREA)


def _homes(land: Land, facts: pd.DataFrame) -> dict[str, pd.Series]:
    """Names of the district and park each parcel lies in, missing for none."""
    found: dict[str, pd.Series] = {}
    for column, table, name in (("district", land.districts, "district_name"), ("park", land.parks, "park_name")):
        if table is not None:
            names = pd.Series([*table[name], pd.NA], dtype="string")
            found[name] = names.iloc[facts[column].to_numpy()].reset_index(drop=True)
    return found


def _candidates(assessment: Assessment, land: Land, facts: pd.DataFrame, language: str) -> Layer | None:
    found = assessment.candidates
    if found is None or found.table.empty:
        return None
    rows = found.table["parcel"].to_numpy()
    told = found.evidence.drop_duplicates(["parcel", "code"])
    told = told.assign(word=[labels.evidence_title(code, found.titles, language) for code in told["code"]])
    evidence = told.groupby("parcel")["word"].agg("；".join if language == "zh" else "; ".join)
    homes = {name: values.iloc[rows].reset_index(drop=True) for name, values in _homes(land, facts).items()}
    table = found.table[["parcel_id", "uid", "area_m2", "group", "strength", "status", *MEASURES]].reset_index(
        drop=True
    )
    table = table.assign(**homes, evidence=evidence.reindex(rows).to_numpy())
    frame = gpd.GeoDataFrame(table, geometry=land.parcels.geometry.to_numpy()[rows], crs=land.parcels.crs)
    aliases = _aliases(frame, language, "parcels")
    colours = style()
    classes: list[tuple[object, str, Look]] = [
        (int(number), labels.text("report.pieces", language, count=number),
         Look(colours["strength", str(min(int(number), 5))][0]))
        for number in sorted(frame["strength"].unique())
    ]  # fmt: skip
    title = labels.text("report.ch_candidates", language)
    chosen = Style(labels.text("report.col_strength", language), categorised("strength", classes, aliases))
    return Layer("candidates", title, frame, aliases, (chosen,), _AREA)


def _candidate_groups(assessment: Assessment, land: Land, language: str) -> Layer | None:
    """Contiguous groups, their parcels dissolved; names of places beside their ids."""
    found = assessment.candidates
    if found is None or found.groups.empty:
        return None
    shapes = group_shapes(found.table, land.parcels.geometry, found.groups["group"])
    named = {"strength": "mean_strength", "park": "park_id", "district": "district_name"}
    table = found.groups.rename(columns=named).astype({"owners": "float64", "firms": "float64"})
    frame = gpd.GeoDataFrame(table, geometry=shapes.to_numpy(), crs=land.parcels.crs)
    aliases = _aliases(frame, language, "parcels")
    title = labels.text("report.layer_groups", language)
    return Layer("candidate_groups", title, frame, aliases, (Style(title, single(_GROUP, aliases)),), _AREA)


def _plan(land: Land, plan: Planned | None, language: str) -> Layer | None:
    """The parcels that are acted on."""
    if plan is None or not len(plan.plan.chosen):
        return None
    acts, rows = plan.acts, plan.acts["parcel"].to_numpy()
    table = acts[["uid", "action", "park_name", "district_name", "cost_cny", "year", "land_m2", "vacant_m2"]]
    words = {act: capital(told.text(language)) for act, told in ACT_WORDS.items()}
    table = table.assign(parcel_id=land.parcels["parcel_id"].astype("string").to_numpy()[rows],
                         act=acts["action"].map(words).astype("string"))  # fmt: skip
    frame = gpd.GeoDataFrame(table, geometry=land.parcels.geometry.to_numpy()[rows], crs=land.parcels.crs)
    aliases = _aliases(frame, language)
    aliases |= {name: labels.text(f"report.field_{word}", language) for name, word in _PLAN_FIELDS.items()}
    classes: list[tuple[object, str, Look]] = [
        (act, words[act], Look(style()["act", act][0])) for act in ACT_WORDS if (acts["action"] == act).any()
    ]
    title = labels.text("report.ch_plan", language)
    chosen = Style(title, categorised("action", classes, aliases))
    return Layer("plan", title, frame, aliases, (chosen,), _AREA)


# ---------------------------------------------------------------- overlaps, findings, figures


def _overlaps(assessment: Assessment, language: str) -> Layer | None:
    pairs = assessment.overlaps
    if pairs.empty or assessment.land is None or assessment.land.parks is None:
        return None
    table = pd.DataFrame(pairs.drop(columns="geometry"))
    frame = gpd.GeoDataFrame(table, geometry=pairs["geometry"].to_numpy(), crs=assessment.land.parks.crs)
    aliases = _aliases(frame, language)
    title = labels.text("report.sec_overlaps", language)
    look = Look("#b3341f", "hatch", outline="#b3341f", width_mm=0.4)
    return Layer("overlaps", title, frame, aliases, (Style(title, single(look, aliases)),), _AREA)


def _composition(assessment: Assessment, language: str) -> list[Layer]:
    """Points, land between those that nearly touch, and clusters of industry outside; none where there is none."""
    found = assessment.composition
    if found is None:
        return []
    joins = found.joins.assign(
        constraints=["" if not one else "; ".join(f"{kind['kind']} {kind['area_m2']:.2f}" for kind in one)
                     for one in found.joins["constraints"]]
    )  # fmt: skip
    clusters = found.clusters.table.drop(columns="parcel_ids")
    run_by = found.parks[["host_district", "operator"]].astype("string")
    points = found.points.join(run_by, on="park").drop(columns="park").astype({"role": "string"})
    looks = {"points": Look("#56b4e9", outline="#1f4e79", width_mm=0.4, opacity=0.4),
             "joins": Look("#e69f00", outline="#b3341f", width_mm=0.5, opacity=0.7),
             "clusters": Look("#7b8794", "hatch", outline="#555555", width_mm=0.4)}  # fmt: skip
    made = []
    for name, frame in (("points", points), ("joins", joins), ("clusters", clusters)):
        if len(frame):
            aliases, title = _aliases(frame, language), labels.text(f"report.layer_{name}", language)
            made.append(Layer(name, title, frame, aliases, (Style(title, single(looks[name], aliases)),), _AREA))
    return made


def _places(findings: pd.DataFrame, language: str) -> Layer:
    told = faults.describe(findings if len(findings) else faults.empty(), language)
    x, y = (pd.to_numeric(told[axis], errors="coerce").astype("float64") for axis in ("x", "y"))
    known = (x.notna() & y.notna()).to_numpy()
    table = told.loc[known].drop(columns=["x", "y"]).reset_index(drop=True)
    table["blocks"] = table["blocks"].astype(bool)
    frame = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(x[known], y[known]), crs="EPSG:4326")
    aliases = _aliases(frame, language)
    classes: list[tuple[object, str, Look]] = [
        (severity, labels.text(f"severity.{severity}", language), Look(colour))
        for severity, colour in _SEVERITY.items()
    ]
    title = labels.text("report.sec_findings", language)
    chosen = Style(labels.text("report.col_severity", language), categorised("severity", classes, aliases, points=True))
    return Layer("findings", title, frame, aliases, (chosen,), "Point")


def _indicators(assessment: Assessment, language: str) -> Layer:
    """Every figure with both sums, below the level of parcels and firms."""
    rows = assessment.indicators
    rows = rows[~rows["level"].isin(["parcel", "enterprise"])]
    entries = [catalogue()[name] for name in rows["id"]]
    table = pd.DataFrame(
        {
            "id": rows["id"].to_numpy(),
            "title": [entry.title(language) for entry in entries],
            **{column: rows[column].to_numpy() for column in _PLACE},
            "value": rows["value"].to_numpy("float64"),
            "unit": ["" if entry.unit == "1" else label(entry.unit, language) for entry in entries],
            "numerator": rows["numerator"].to_numpy("float64"),
            "numerator_unit": [entry.numerator_unit for entry in entries],
            "denominator": rows["denominator"].to_numpy("float64"),
            "denominator_unit": [entry.denominator_unit for entry in entries],
            **{column: rows[column].to_numpy("int64") for column in ("count", "missing", "estimated")},
            **({"suppressed": rows["suppressed"].to_numpy(dtype=bool)} if assessment.redaction is not None else {}),
        }
    )
    return Layer("indicators", labels.text("report.sec_catalogue", language), table, _aliases(table, language))
