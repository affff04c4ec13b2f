"""One engine answers one question, in a process of its own.

    python benchmarks/engines.py KERNEL ENGINE FORM CITY RESULT

Loads the layers of a city (`city.write`) in the form that is native to the engine, and only then starts the clock:
arrays of shapes for Parkwise, frames for geopandas, a DuckDB file of small row groups, an in-memory table for
SedonaDB, indexed tables for PostGIS. What it found goes to RESULT as a numpy array, one area (m²) a park, parcel or
shape; time and memory go to stdout as JSON. A quick answer is asked for a second time, on data loaded anew, and
the second time counts: the first also pays for waking up. Memory is that of the first time.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import clock
import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet
import queries
import shapely

from geo.overlay import intersect, place
from layers import area as land_area
from layers.threads import cores

Floats = npt.NDArray[np.float64]

#: Kernels that measure shapes, and the layer they measure.
AREAS = {"parcel-areas": "parcels", "footprint-areas": "buildings"}
KERNELS = (*queries.KERNELS, *AREAS)

#: Seconds from which an answer is not asked for again.
PATIENCE = 5.0

#: Shapes the loop over single shapes is tried on; its time is scaled up to all of them.
SAMPLE = 10_000


class LeftOutError(Exception):
    """The engine is not there."""


@dataclass(frozen=True)
class Question:
    """What is asked, with the data in place."""

    answer: Callable[[], Floats]
    #: How many times the work done is the work asked for.
    times: float = 1.0
    #: The process whose children do the work, where it is not this one.
    server: int | None = None


def forms(kernel: str) -> dict[str, list[str]]:
    """Return the forms in which each engine can be asked; the first one of all is the measure."""
    if kernel in AREAS:
        return {"parkwise": ["area_m2", "formula alone", "planar"], "pyproj": ["loop over shapes"]}
    return {
        "parkwise": [{"parks": "intersect", "buildings": "place"}[kernel]],
        "geopandas": ["overlay", "sjoin"],
        "duckdb": list(queries.duckdb_sql(kernel)),
        "sedonadb": list(queries.sedonadb_sql(kernel)),
        "postgis": list(queries.postgis_sql(kernel)),
    }


def main(kernel: str, engine: str, form: str, city: str, result: str) -> None:
    """Load, answer, tell."""
    loader = {
        "parkwise": _parkwise_area if kernel in AREAS else _parkwise,
        "pyproj": _pyproj,
        "geopandas": _geopandas,
        "duckdb": _duckdb,
        "sedonadb": _sedonadb,
        "postgis": _postgis,
    }[engine]
    try:
        told, found = _measure(lambda: loader(kernel, form, Path(city)))
    except LeftOutError as reason:
        print(json.dumps({"left_out": str(reason)}))
        return
    np.save(result, found)
    print(json.dumps(told))


def _measure(load: Callable[[], Question]) -> tuple[dict[str, float], Floats]:
    question = load()
    told: dict[str, float] = {}
    if question.server:
        with clock.watch(lambda: clock.children(question.server), shared="once") as peak:
            seconds, found = _clocked(question)
        told["peak_mib"] = peak.mib
    else:
        clock.forget_peak()
        told["data_mib"] = clock.memory()[0]
        seconds, found = _clocked(question)
        told["peak_mib"] = clock.memory()[1]
    if seconds < PATIENCE:
        del question
        seconds, found = _clocked(question := load())
    return told | {"seconds": seconds * question.times}, found


def _clocked(question: Question) -> tuple[float, Floats]:
    start = time.perf_counter()
    found = question.answer()
    return time.perf_counter() - start, found


def rows(city: Path, layer: str) -> int:
    """Return how many rows a layer of a city has."""
    return pyarrow.parquet.read_metadata(city / f"{layer}.parquet").num_rows


def _shapes(city: Path, layer: str) -> gpd.GeoSeries:
    return gpd.read_parquet(city / f"{layer}.parquet", columns=["geometry"]).geometry


def _parkwise(kernel: str, _: str, city: Path) -> Question:
    small, large = (_shapes(city, layer).to_numpy() for layer in queries.KERNELS[kernel])

    def answer() -> Floats:
        # The same definition for all engines: a building that straddles is split however little reaches over.
        pairs = intersect(small, large) if kernel == "parks" else place(small, large, whole_from=1.0)
        areas = pairs.share * shapely.area(small)[pairs.left]
        return np.bincount(pairs.right, weights=areas, minlength=len(large))

    return Question(answer)


def _parkwise_area(kernel: str, form: str, city: Path) -> Question:
    shapes = _shapes(city, AREAS[kernel])
    if form == "formula alone":
        array, crs = shapes.to_numpy(), shapes.crs
        return Question(lambda: land_area._by_formula(array, crs, *land_area._earth(crs), "tdt1055"))
    method = {"area_m2": "tdt1055", "planar": "planar"}[form]
    return Question(lambda: land_area.area_m2(shapes, method).to_numpy())


def _pyproj(kernel: str, _: str, city: Path) -> Question:
    """Geodesic areas one by one, as the handbook of pyproj shows, of the first shapes only."""
    shapes = _shapes(city, AREAS[kernel])
    sample = shapes.iloc[:SAMPLE]
    geod = sample.crs.get_geod()

    def answer() -> Floats:
        found = np.full(len(shapes), np.nan)
        lonlat = sample.to_crs("EPSG:4490")
        found[: len(sample)] = [abs(geod.geometry_area_perimeter(shape)[0]) for shape in lonlat]
        return found

    return Question(answer, times=len(shapes) / len(sample))


def _geopandas(kernel: str, form: str, city: Path) -> Question:
    small, large = (gpd.GeoDataFrame(geometry=_shapes(city, layer)) for layer in queries.KERNELS[kernel])
    large["id"] = np.arange(len(large))

    def overlay() -> Floats:
        pieces = gpd.overlay(small, large, how="intersection", keep_geom_type=True)
        return np.bincount(pieces["id"], weights=pieces.area, minlength=len(large))

    def sjoin() -> Floats:
        """Join twice with the large shapes prepared; cut only pairs that are not whole."""
        touching, whole = (large.sjoin(small, predicate=predicate) for predicate in ("intersects", "covers"))
        one, other = (frame.set_index("index_right", append=True).index for frame in (touching, whole))
        cut = touching[~one.isin(other)]
        pieces = small.geometry.loc[cut["index_right"]].intersection(large.geometry.loc[cut["id"]], align=False)
        ids = np.concatenate([whole["id"], cut["id"]])
        areas = np.concatenate([small.area.loc[whole["index_right"]], pieces.area])
        return np.bincount(ids, weights=areas, minlength=len(large))

    return Question({"overlay": overlay, "sjoin": sjoin}[form])


def _answered(kernel: str, city: Path, table: pd.DataFrame) -> Floats:
    """One number a large shape, in the order of the file."""
    found = np.zeros(rows(city, queries.KERNELS[kernel][1]))
    found[table["id"].to_numpy("int64")] = table["area"].to_numpy("float64")
    return found


def _selection(layer: str) -> str:
    """Ids are the rows of the file: P0000012 is row 12."""
    key = {"parcels": "ltrim(parcel_id, 'P')", "parks": "ltrim(park_id, 'K')", "buildings": "building_id"}[layer]
    return f"SELECT CAST({key} AS BIGINT) AS id, geometry AS geom"


def _duckdb(kernel: str, form: str, city: Path) -> Question:
    """Row groups are the unit of work for its threads; as large as they are by default, there are hardly any."""
    if not find_spec("duckdb"):
        raise LeftOutError("not installed")
    import duckdb  # noqa: PLC0415

    work = tempfile.TemporaryDirectory()
    connection = duckdb.connect(config={"threads": cores()})
    package = find_spec("duckdb_extension_spatial")
    files = Path(package.origin).parent.rglob("spatial.duckdb_extension") if package and package.origin else iter(())
    try:
        connection.execute(f"LOAD '{next(files, 'spatial')}'")
    except duckdb.Error as error:
        raise LeftOutError(f"DuckDB {duckdb.__version__} without its extension spatial") from error
    connection.execute(f"ATTACH '{work.name}/city.duckdb' AS city (ROW_GROUP_SIZE 8192); USE city")
    for layer in queries.KERNELS[kernel]:
        file = city / f"{layer}.parquet"
        connection.execute(f"CREATE TABLE {layer} AS {_selection(layer)} FROM read_parquet('{file}')")
    connection.execute("CHECKPOINT")
    sql = queries.duckdb_sql(kernel)[form]

    def answer() -> Floats:
        assert work.name  # the folder stays as long as the question
        return _answered(kernel, city, connection.execute(sql).df())

    return Question(answer)


def _sedonadb(kernel: str, form: str, city: Path) -> Question:
    if not (find_spec("sedonadb") and find_spec("geoarrow")):
        raise LeftOutError("not installed")
    import sedonadb  # noqa: PLC0415

    context = sedonadb.connect()
    context.sql(f"SET datafusion.execution.target_partitions = {cores()}").execute()
    for layer in queries.KERNELS[kernel]:
        context.read_parquet(str(city / f"{layer}.parquet")).to_view("file", overwrite=True)
        context.sql(f"{_selection(layer)} FROM file").to_memtable().to_view(layer)
    sql = queries.sedonadb_sql(kernel)[form]
    return Question(lambda: _answered(kernel, city, context.sql(sql).to_pandas()))


def _postgis(kernel: str, form: str, city: Path) -> Question:
    """Ask the server whose tables `postgis.load` has made."""
    dsn = os.environ.get("PARKWISE_POSTGIS")
    if not (dsn and find_spec("psycopg")):
        raise LeftOutError("no server named in PARKWISE_POSTGIS" if find_spec("psycopg") else "not installed")
    import postgis  # noqa: PLC0415

    connection, server = postgis.connect(dsn)
    sql = queries.postgis_sql(kernel)[form]

    def answer() -> Floats:
        pairs = connection.execute(sql).fetchall()
        return _answered(kernel, city, pd.DataFrame(pairs, columns=["id", "area"]))

    return Question(answer, server=server)


if __name__ == "__main__":
    main(*sys.argv[1:])
