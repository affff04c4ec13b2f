"""The kernels side by side with other engines: time, memory and agreement, in one run on the same data.

    python benchmarks/kernels.py [--parcels 200000] [--parks 40] [--buildings 1000000] [--json kernels.json]
    python benchmarks/kernels.py --postgis            # with a PostgreSQL of its own, gone afterwards
    PARKWISE_POSTGIS="host=… dbname=…" python benchmarks/kernels.py      # with a server that runs

Every answer is a process of its own, with the data loaded in the engine's native form before the clock starts
(`engines.py`; the queries are in `queries.py`). Engines take turns, since a machine is not equally quick all the
time; the median of the ratios within each turn is the figure that travels between machines. An engine that is not
installed is left out; one that gives another result than ours fails the run.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import city
import clock
import engines
import numpy as np

TITLES = {
    "parks": "{parcels:,} parcels × {parks} parks of 2,000 corners: area of parcels in each park",
    "buildings": "{buildings:,} footprints onto {parcels:,} parcels: footprint on each parcel, straddlers split",
    "parcel-areas": "ellipsoidal area of {parcels:,} parcels of 17 corners",
    "footprint-areas": "ellipsoidal area of {buildings:,} footprints of 4 corners",
}

#: Largest difference allowed: of a sum in proportion (m² of 1 m² or more), of a single shape in m².
TOLERANCE = {"parks": 1e-6, "buildings": 1e-6, "parcel-areas": 0.01, "footprint-areas": 0.01}


def main() -> None:
    """Make the data, let the engines take turns, print and write what came of it."""
    asked = _options()
    with tempfile.TemporaryDirectory() as work, _postgis(asked) as server:
        folder = Path(asked.data or Path(work) / "city")
        if not (folder / "project.toml").exists():
            city.write(folder, parcels=asked.parcels, parks=asked.parks, buildings=asked.buildings)
        if server:
            _load(folder)
        told = clock.machine() | {"server": server, "city": _sizes(folder), "repeat": asked.repeat, "rows": []}
        print(_head(told))
        for kernel in asked.kernels:
            rows = compare(kernel, folder, asked.engines, asked.repeat, Path(work))
            print(_table(TITLES[kernel].format(**told["city"]), rows), flush=True)
            told["rows"] += rows
            if asked.json:
                Path(asked.json).write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
    if any(row.get("agrees") is False or "failed" in row for row in told["rows"]):
        sys.exit("not every engine gave the same result")


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("parcels", 200_000), ("parks", 40), ("buildings", 1_000_000), ("repeat", 3)):
        options.add_argument(f"--{name}", type=int, default=default)
    known = ("parkwise", "geopandas", "duckdb", "sedonadb", "postgis", "pyproj")
    options.add_argument("--kernels", nargs="+", choices=engines.KERNELS, default=engines.KERNELS)
    options.add_argument("--engines", nargs="+", choices=known, default=known, help="ours always takes part")
    options.add_argument("--data", metavar="DIR", help="a city made before, or where to leave this one")
    options.add_argument("--postgis", action="store_true", help="start a PostgreSQL for this run")
    options.add_argument("--json", metavar="FILE", help="write the figures there too")
    return options.parse_args()


@contextmanager
def _postgis(asked: argparse.Namespace) -> Iterator[str | None]:
    """Say which server answers, if one does; the workers find it in the environment."""
    if not ("postgis" in asked.engines and find_spec("psycopg")):
        yield None
        return
    import postgis  # noqa: PLC0415  # only where its driver is installed

    if not asked.postgis:
        dsn = os.environ.get("PARKWISE_POSTGIS")
        yield postgis.versions(dsn) if dsn else None
        if dsn:
            postgis.unload(dsn)
        return
    with postgis.server() as dsn:
        os.environ["PARKWISE_POSTGIS"] = dsn
        yield postgis.versions(dsn)


def _load(folder: Path) -> None:
    import postgis  # noqa: PLC0415

    postgis.load(os.environ["PARKWISE_POSTGIS"], folder)


def _sizes(folder: Path) -> dict[str, int]:
    return {layer: engines.rows(folder, layer) for layer in ("parcels", "parks", "buildings")}


def compare(kernel: str, folder: Path, wanted: list[str], repeat: int, work: Path) -> list[dict]:
    """Let every engine answer `repeat` times in turn; return a row for each engine and form, ours first."""
    rows = [
        {"kernel": kernel, "engine": engine, "form": form, "runs": []}
        for engine, known in engines.forms(kernel).items()
        if engine in {"parkwise", *wanted}
        for form in known
    ]
    absent: dict[str, dict] = {}
    for _ in range(repeat):
        for number, row in enumerate(rows):
            if row["engine"] in absent:
                row.update(absent[row["engine"]])
            elif "failed" not in row:
                row.update(_answer(row, folder, work / f"{kernel}-{number}.npy"))
                absent |= {row["engine"]: {"left_out": row["left_out"]}} if "left_out" in row else {}
    for number, row in enumerate(rows):
        if row["runs"]:
            row.update(_judge(rows[0]["runs"], row, work / f"{kernel}-0.npy", work / f"{kernel}-{number}.npy"))
    return rows


def _answer(row: dict, folder: Path, result: Path) -> dict:
    """Ask once more; return what is new in the row."""
    script = Path(__file__).with_name("engines.py")
    command = [sys.executable, str(script), row["kernel"], row["engine"], row["form"], str(folder), str(result)]
    try:
        told = json.loads(clock.run(command).output)
    except RuntimeError as error:
        return {"failed": str(error)}
    return told if "left_out" in told else {"runs": [*row["runs"], told]}


def _judge(ours: list[dict], row: dict, reference: Path, result: Path) -> dict:
    """Sum up the runs of a row, and compare what it found last with what we found."""
    ratios = [run["seconds"] / our["seconds"] for run, our in zip(row["runs"], ours, strict=False)]
    difference = _difference(row["kernel"], np.load(reference), np.load(result))
    # The area in the plane is another area, told for its time only.
    agrees = None if row["form"] == "planar" else bool(difference <= TOLERANCE[row["kernel"]])
    return {
        "seconds": median(run["seconds"] for run in row["runs"]),
        "ratio": median(ratios),
        "peak_mib": max(run["peak_mib"] for run in row["runs"]),
        "data_mib": max(run.get("data_mib", 0.0) for run in row["runs"]),
        "difference": difference,
        "agrees": agrees,
    }


def _difference(kernel: str, ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the largest difference where both have a number: of sums in proportion, of single shapes in m²."""
    gap = np.abs(theirs - ours)
    return float(np.nanmax(gap if kernel in engines.AREAS else gap / np.maximum(ours, 1.0)))


def _head(told: dict) -> str:
    versions = "  ".join(f"{name} {number}" for name, number in told["versions"].items())
    where = f"{told['processor']}, {told['cores']} cores, {told['memory_gib']} GiB, {told['system']}"
    lines = [f"{told['date']}  {where}", f"Python {told['python']}  {versions}", told["server"] or "no PostGIS"]
    return "\n".join(lines)


def _table(title: str, rows: list[dict]) -> str:
    head = f"{'engine':<10} {'form':<18} {'time':>9} {'× ours':>8} {'data MiB':>9} {'peak MiB':>9}  largest difference"
    return "\n".join(["", title, head, *map(_line, rows)])


def _line(row: dict) -> str:
    name = f"{row['engine']:<10} {row['form']:<18}"
    if "seconds" not in row:
        return f"{name} {row.get('left_out') or row.get('failed')}"
    unit = "m²" if row["kernel"] in engines.AREAS else "of the sum"
    verdict = {True: "", False: "  DIFFERS", None: "  (another area)"}[row["agrees"]]
    data = f"{row['data_mib']:9.0f}" if row["data_mib"] else f"{'–':>9}"
    peak = f"{row['peak_mib']:9.0f}" if row["peak_mib"] else f"{'–':>9}"
    figures = f"{row['seconds']:7.2f} s {row['ratio']:8.2f} {data} {peak}"
    return f"{name} {figures}  {row['difference']:.1e} {unit}{verdict}"


if __name__ == "__main__":
    main()
