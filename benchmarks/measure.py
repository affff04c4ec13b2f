"""How long `parkwise measure` takes, as a multiple of merely reading the same files.

    python benchmarks/measure.py [--parcels 200000] [--parks 40] [--buildings 1000000]

Each run is a process of its own, so times hold the start of Python and of the libraries, and peak memory
is the operating system's. Prints one table; the ratio is the figure that travels between machines.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import city

READ = """
import sys, geopandas
for name in ("parcels", "parks", "buildings"):
    geopandas.read_parquet(f"{sys.argv[1]}/{name}.parquet")
"""
MEASURE = """
import sys
from cli import main
main(["measure", sys.argv[1] + "/project.toml", "--json", "-q"])
"""


def clocked(code: str, folder: Path) -> tuple[float, float]:
    """Return seconds and peak memory (MiB) of a Python process."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.DEVNULL)  # noqa: S603
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"the run failed with status {status}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    """Make the data once, time both, print the ratio."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("parcels", 200_000), ("parks", 40), ("buildings", 1_000_000), ("repeat", 3)):
        options.add_argument(f"--{name}", type=int, default=default)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        city.write(folder, parcels=asked.parcels, parks=asked.parks, buildings=asked.buildings)
        reading = min(clocked(READ, folder) for _ in range(asked.repeat))
        measuring = min(clocked(MEASURE, folder) for _ in range(asked.repeat))
    print(f"parcels {asked.parcels:,}  parks {asked.parks} × 2,000 corners  buildings {asked.buildings:,}")
    print(f"read with geopandas   {reading[0]:7.2f} s  {reading[1]:7.0f} MiB")
    print(f"parkwise measure      {measuring[0]:7.2f} s  {measuring[1]:7.0f} MiB")
    print(f"ratio                 {measuring[0] / reading[0]:7.2f}    (target: at most 6)")


if __name__ == "__main__":
    main()
