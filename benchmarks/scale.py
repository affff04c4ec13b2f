"""Time and memory against size: cities of 10,000 to 10,000,000 parcels, converted and measured part by part.

    python benchmarks/scale.py [--sizes 10000 100000 1000000 10000000] [--workers 1 2] [--json scale.json]

Each city has five buildings a parcel and a park of 2,000 corners for every 5,000 parcels, in files of 100,000 parcels
(`city.write_large`). `parkwise convert` makes a dataset of it, `parkwise measure` measures that with so many
processes of one core each; up to a stated size the same city is also measured at once in memory, and read and
overlaid with geopandas, which answers less: no buildings, and land that lies in two parks counts twice.

Time is that of the whole command; memory is the highest sum of resident memory over the command and all its
processes. Every measurement must count every row, find the industrial land the city was made with, and give
the same indicators to the last bit however the work was cut. The file is written after each figure.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from statistics import median

import city
import clock

PARKWISE = [sys.executable, "-c", "from cli import main; main()"]
GEOPANDAS = """
import sys, geopandas
parcels, parks, buildings = (geopandas.read_parquet(f"{sys.argv[1]}/{name}") for name in
                             ("parcels", "parks.parquet", "buildings"))
pieces = geopandas.overlay(parcels, parks[["park_id", "geometry"]], how="intersection", keep_geom_type=True)
print(pieces.area.groupby(pieces["park_id"]).sum().sum())
"""

#: A city that reaches far from its meridian has planar areas a little too large.
PLANAR = 2e-3


def main() -> None:
    """Make each city, measure it in every way, tell."""
    asked = _options()
    told = clock.machine() | {
        "buildings_each": asked.buildings_each,
        "parcels_a_park": asked.parcels_a_park,
        "rows": [],
    }
    with tempfile.TemporaryDirectory() as work:
        for size in asked.sizes:
            with _made(asked, size, Path(work)) as folder:
                for row in _rows(asked, size, folder, Path(work)):
                    told["rows"].append(row)
                    print(_line(row), flush=True)
                    if asked.json:
                        Path(asked.json).write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
    print("\n".join(summary(told["rows"])))
    if any("failed" in row for row in told["rows"]):
        sys.exit("not every run came to its end with the right figures")


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000, 10_000_000])
    options.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    options.add_argument("--repeat", type=int, default=1, help="measure so often; the median counts")
    options.add_argument(
        "--in-memory-to", type=int, default=1_000_000, metavar="N", help="largest city measured at once"
    )
    options.add_argument("--geopandas-to", type=int, default=1_000_000, metavar="N", help="largest city for geopandas")
    options.add_argument("--buildings-each", type=int, default=5, metavar="N")
    options.add_argument("--parcels-a-park", type=int, default=5_000, metavar="N")
    options.add_argument("--chunk", type=int, default=100_000, metavar="N", help="parcels a file")
    options.add_argument(
        "--rows", type=int, metavar="N", help="parcels a part of the dataset (default: parkwise's own)"
    )
    options.add_argument("--data", metavar="DIR", help="keep the cities there, and use those that are there")
    options.add_argument(
        "--datasets", metavar="DIR", help="keep the datasets there; one that is there is measured without converting"
    )
    options.add_argument("--json", metavar="FILE", help="write the figures there")
    return options.parse_args()


@contextmanager
def _made(asked: argparse.Namespace, size: int, work: Path) -> Iterator[Path]:
    """Make the city unless it is there; take it away again unless it is to be kept."""
    folder = Path(asked.data or work) / f"city-{size}"
    if not (folder / "project.toml").exists():
        city.write_large(
            folder,
            parcels=size,
            buildings_each=asked.buildings_each,
            parcels_a_park=asked.parcels_a_park,
            chunk=asked.chunk,
        )
    yield folder
    if not asked.data:
        rmtree(folder)


def _rows(asked: argparse.Namespace, size: int, folder: Path, work: Path) -> Iterator[dict]:
    """Measure one city in every way; each row is a figure."""
    project, truth = folder / "project.toml", json.loads((folder / "truth.json").read_text())
    dataset = Path(asked.datasets or work) / f"dataset-{size}"
    if not dataset.exists():
        convert = [*PARKWISE, "convert", str(project), "-o", str(dataset), "-q"]
        convert += ["--rows", str(asked.rows)] if asked.rows else []
        yield _clocked(size, "convert", 1, convert, repeat=1)
    seen: list[list[dict]] = []
    for workers in asked.workers:
        options = ["--json", "-q", "--scheduler", "processes", "--workers", str(workers)]
        # A core for each worker: a lone one would use the threads of two.
        command = ["env", f"PARKWISE_CORES={workers}", *PARKWISE, "measure", str(dataset), *options]
        yield _measured(size, "measure", workers, command, asked.repeat, work / "results.json", truth, seen)
    if not asked.datasets:
        rmtree(dataset, ignore_errors=True)
    if size <= asked.in_memory_to:
        command = [*PARKWISE, "measure", str(project), "--json", "-q"]
        yield _measured(size, "measure at once", None, command, asked.repeat, work / "results.json", truth, seen)
    if size <= asked.geopandas_to:
        yield _clocked(size, "geopandas", None, [sys.executable, "-c", GEOPANDAS, str(folder)], repeat=1)


def _measured(
    size: int, work: str, workers: int | None, command: list[str], repeat: int, into: Path, truth: dict, seen: list
) -> dict:
    row = _clocked(size, work, workers, command, repeat, into)
    if "failed" not in row:
        document = json.loads(into.read_text(encoding="utf-8"))
        faults = list(_faults(document, truth))
        seen.append(document["indicators"])
        if seen[-1] != seen[0]:
            faults.append("other indicators than the first way of measuring")
        row |= {"failed": "; ".join(faults)} if faults else {}
    return row


def _faults(document: dict, truth: dict) -> Iterator[str]:
    """Compare results with what the city was made with."""
    for layer in ("parcels", "buildings", "parks"):
        read = document["ledger"][layer]["read"]
        if read != truth[layer]:
            yield f"{read:,} of {truth[layer]:,} {layer} read"
    yield from (f"identity does not hold: {one['name']}" for one in document["identities"] if not one["holds"])
    wanted = ("industrial_concentration", "city")
    found = [one["denominator"] for one in document["indicators"] if (one["id"], one["scope"]["level"]) == wanted]
    if len(found) != 1 or abs(found[0] / truth["industrial_m2"] - 1) > PLANAR:
        yield f"industrial land {found}, made were {truth['industrial_m2']:.2f} m²"


def _clocked(
    size: int, work: str, workers: int | None, command: list[str], repeat: int, into: Path | None = None
) -> dict:
    row = {"parcels": size, "work": work, "workers": workers}
    try:
        runs = [clock.run(command, into=into) for _ in range(repeat)]
    except RuntimeError as error:
        return row | {"failed": str(error)}
    seconds = median(run.seconds for run in runs)
    return row | {
        "seconds": seconds,
        "us_per_parcel": seconds / size * 1e6,
        "peak_mib": max(run.peak_mib for run in runs),
        "runs": [run.seconds for run in runs],
    }


def _line(row: dict) -> str:
    name = f"{row['parcels']:>10,}  {row['work']:<16} {row['workers'] or '–'!s:>2}"
    figures = (
        f"{row['seconds']:9.1f} s {row['us_per_parcel']:8.1f} µs {row['peak_mib']:8.0f} MiB" if "seconds" in row else ""
    )
    return f"{name} {figures} {row.get('failed', '')}".rstrip()


def summary(rows: list[dict]) -> list[str]:
    """Say what the targets ask: growth with size, two workers against one, the highest memory."""
    done = {(row["parcels"], row["work"], row["workers"]): row for row in rows if "seconds" in row}
    sizes = sorted({size for size, work, _ in done if work == "measure"})
    lines = []
    for small, large in itertools.pairwise(sizes):
        for workers in (1, 2):
            one, other = done.get((small, "measure", workers)), done.get((large, "measure", workers))
            if one and other:
                grows = other["us_per_parcel"] / one["us_per_parcel"]
                lines.append(f"time a parcel, {large:,} against {small:,}, workers {workers}: {grows:.2f} ×")
    for size in sizes:
        one, two = done.get((size, "measure", 1)), done.get((size, "measure", 2))
        if one and two:
            lines.append(f"two workers against one at {size:,}: {one['seconds'] / two['seconds']:.2f} ×")
    return lines


if __name__ == "__main__":
    main()
