"""One run, everything people hand in: the files of the contract, all or none.

Calls each form in turn and keeps the manifest: inputs with their hashes, versions, effective settings,
time. Knows the names of the files and no figure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from geo.assessment import Assessment
from geo.plan.document import plan_document
from geo.planned import Planned, planned
from geo.ratings import Ratings, rate
from geo.redaction.redact import redact
from geo.redaction.stated import Redaction
from geo.report.postgis import Publish, Target, publishing
from geo.results import definitions, dumps, plain, results
from layers.findings import describe
from layers.output import new_files
from layers.project import Project

__all__ = ["FILES", "findings_csv", "manifest", "write_report"]

FILES = (
    "report.html",
    "report.docx",
    "report.xlsx",
    "map.html",
    "results.gpkg",
    "results.json",
    "findings.csv",
    "manifest.json",
)

_PACKAGES = ("parkwise", "geopandas", "shapely", "pyogrio", "pyproj", "pandas", "numpy", "rasterio", "folium")
_CHUNK = 1 << 20

Progress = Callable[[float, str], None]


def write_report(
    assessment: Assessment,
    folder: str | Path,
    *,
    overwrite: bool = False,
    public: bool = False,
    database: Target | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Write every file of `FILES` into `folder`; without parcels there is no map.

    Parameters
    ----------
    assessment : Assessment
    folder : path
    overwrite : bool
        Replace an older report. Until all files are made, the older one stays as it is.
    public : bool
        Without firms, with coarse parcels, see `geo.redaction`.
    database : Target, optional
        Put the layers of ``results.gpkg`` into this schema of a PostGIS database too.
    progress : callable, optional
        Called with (fraction, file name).

    Returns
    -------
    list of Path

    Raises
    ------
    OutputError
        A report is there already, the folder cannot be written, or the disk is full; the database refuses.
    ProjectError
        The Word template (setting ``report.template``) cannot be used.
    """
    from geo.maps.basemap import asked  # noqa: PLC0415  (as in `_makers`)

    basemap, language = asked(assessment.project), assessment.project.language
    if basemap is not None:
        basemap.document()  # what the map would refuse is refused before the work
    template = assessment.project.file("report.template")
    if template is not None:
        _require_template(template)
    names = [name for name in FILES if name != "map.html" or assessment.land is not None]
    # What is entered last is left first: the database keeps its tables once the files are in their place.
    with ExitStack() as held, new_files(folder, FILES, overwrite=overwrite) as work:
        if progress is not None:
            progress(0.0, "plan")
        ratings, plan, project = rate(assessment), planned(assessment), assessment.project
        if public:
            assessment, shown, plan = redact(assessment, ratings, plan)
            ratings = shown or Ratings()
        if progress is not None:
            progress(0.0, "maps")
        makers = _makers(assessment, ratings, plan, language)
        for done, name in enumerate(names[:-1]):
            if progress is not None:
                progress(done / len(names), name)
            makers[name](work / name)
        document = manifest(assessment, [work / name for name in names[:-1]], project)
        (work / "manifest.json").write_text(dumps(plain(document)), encoding="utf-8")
        if database is not None:
            _publish(held.enter_context(publishing(database, overwrite=overwrite)), assessment, plan)
    return [Path(folder) / name for name in names]


def _makers(
    assessment: Assessment, ratings: Ratings, plan: Planned | None, language: str
) -> dict[str, Callable[[Path], object]]:
    from geo.maps import map_html  # noqa: PLC0415  (the face is loaded when a report is asked for)
    from geo.maps.facts import parcel_facts  # noqa: PLC0415
    from geo.report.content import compose_report  # noqa: PLC0415
    from geo.report.docx import write_docx  # noqa: PLC0415
    from geo.report.gpkg import write_gpkg  # noqa: PLC0415
    from geo.report.html import write_html  # noqa: PLC0415
    from geo.report.map_chapter import printed_maps  # noqa: PLC0415
    from geo.report.xlsx import write_xlsx  # noqa: PLC0415

    template = assessment.project.file("report.template")
    facts = None if assessment.land is None else parcel_facts(assessment)
    maps = printed_maps(assessment, plan, facts=facts)
    report = compose_report(assessment, language=language, ratings=ratings, plan=plan, maps=maps)
    document = None if plan is None else plan_document(plan.plan, plan.table, language, plan.choices)
    return {
        "report.html": lambda path: write_html(report, path),
        "report.docx": lambda path: write_docx(report, path, template),
        "report.xlsx": lambda path: write_xlsx(assessment, path, language=language, ratings=ratings, plan=plan),
        "map.html": lambda path: path.write_text(
            map_html(assessment, language, facts=facts, plan=plan, ratings=ratings), encoding="utf-8"
        ),
        "results.gpkg": lambda path: write_gpkg(assessment, path, facts, plan),
        "results.json": lambda path: path.write_text(dumps(results(assessment, ratings, document)), encoding="utf-8"),
        "findings.csv": lambda path: findings_csv(assessment.findings, path, language, assessment.redaction),
    }


def _require_template(path: Path) -> None:
    from geo.report.docx_template import require_template  # noqa: PLC0415  (as in `_makers`)

    require_template(path)


def _publish(publish: Publish, assessment: Assessment, plan: Planned | None) -> None:
    from geo.report.gpkg import about, result_layers  # noqa: PLC0415  (as in `_makers`)

    publish(result_layers(assessment, plan=plan), about(assessment))


def findings_csv(table: pd.DataFrame, path: Path, language: str = "zh", redaction: Redaction | None = None) -> None:
    """Write the findings table for a spreadsheet: UTF-8 with BOM, no cell that a spreadsheet would run.

    A public version opens with a row that tells its rules.
    """
    told = describe(table, language).drop(columns=["remedy_is"])
    if redaction is not None:
        head = {"code": "public-version", "severity": "note", "title": redaction.words.text(language)}
        told = pd.concat([pd.DataFrame([head], columns=told.columns, dtype="object"), told], ignore_index=True)
    runs = r"^\s*(?:[=+@\t\r]|-(?![\d.,]+\s*$))"  # a negative number is a number
    for column in told.select_dtypes(exclude=["number", "bool"]):
        text = told[column].astype("string")
        told[column] = text.mask(text.str.match(runs).fillna(value=False), "'" + text)
    told.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\r\n")


def manifest(assessment: Assessment, outputs: list[Path], read: Project | None = None) -> dict[str, Any]:
    """Return what was read, with which versions and settings, and what was written.

    Parameters
    ----------
    assessment : Assessment
        One that is public tells the hashes of its inputs, and neither where they lie nor what they are called.
    outputs : list of Path
    read : Project, optional
        The project whose files were read, where that of the assessment was made public.
    """
    redaction, city = assessment.redaction, assessment.city
    project, read = assessment.project, read or assessment.project
    given = _asset if redaction is None else _unplaced
    return {
        "id": f"{city} {project.text('project.name') or ''}".strip(),
        "datetime": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {name: _version(name) for name in _PACKAGES},
        **({} if redaction is None else {"redaction": redaction.document()}),
        "project_file": given(read.path, "project") if read.path.is_file() else _folder(read, redaction),
        "settings": definitions(assessment)["settings"],
        "proj:code": definitions(assessment).get("crs"),
        "bbox": _bbox(assessment),
        "inputs": [
            *(given(path, name) | {"layer": name} for name, path in _inputs(read)),
            # The address of a database is nobody's business outside.
            *(_tables(assessment) if redaction is None else ()),
        ],
        "assets": [_asset(path) | {"href": path.name} for path in outputs],
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _inputs(project: Project) -> list[tuple[str, Path]]:
    """Every file behind every layer; a shapefile with its sidecars, a folder with its files."""
    found: list[tuple[str, Path]] = []
    for name, source in project.sources.items():
        for path in source.files:
            if path.is_dir():
                found += [(name, item) for item in sorted(path.rglob("*")) if item.is_file()]
            elif path.suffix.lower() == ".shp":
                found += [(name, item) for item in sorted(path.parent.glob(f"{path.stem}.*")) if item.is_file()]
            elif path.is_file():
                found.append((name, path))
    return found


def _tables(assessment: Assessment) -> list[dict[str, Any]]:
    """Every table behind a layer: a server has no checksum to give, but tells what was read and how much."""
    return [
        {"href": address, "layer": name, "rows": read.get("rows") if len(source.source) == 1 else None}
        | ({} if read.get("query") else {"table": read.get("layer")})
        | {key: read[key] for key in ("query", "bbox") if read.get(key)}
        for name, source in assessment.project.sources.items()
        for address in source.databases
        for read in [_read(assessment, name)]
    ]


def _read(assessment: Assessment, layer: str) -> dict[str, Any]:
    """What the ledger says of the source of a layer."""
    said = assessment.ledger.get(layer, {}).get("source")
    return said if isinstance(said, dict) else {}


def _folder(project: Project, redaction: Redaction | None) -> dict[str, str]:
    """A project that is a folder of data; a public version does not tell where it lies."""
    return {} if redaction is not None else {"href": str(project.path)}


def _asset(path: Path, layer: str = "") -> dict[str, Any]:  # noqa: ARG001  (`_unplaced` needs it)
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return {"href": str(path), "bytes": path.stat().st_size, "checksum": f"sha256:{digest.hexdigest()}"}


def _unplaced(path: Path, layer: str) -> dict[str, Any]:
    """An input as a public version names it, by its layer: its name may be a firm's; its hash stays."""
    return _asset(path) | {"href": f"{layer}{path.suffix}"}


def _bbox(assessment: Assessment) -> list[float] | None:
    if assessment.land is None:
        return None
    bounds = assessment.land.parcels.geometry.to_crs(4326).total_bounds
    return [round(float(value), 6) for value in bounds]
