"""How long `parkwise measure` takes, as a multiple of merely reading the same files.

    python benchmarks/measure.py [--parcels 200000] [--parks 40] [--buildings 1000000]
                                    [--enterprises 0]

Each run is a process of its own, so times hold the start of Python and of the libraries, and peak memory
is the operating system's. Reading and measuring take turns, since a machine is not equally quick all the
time; the median of the ratios is the figure that travels between machines. Reading lets go of each layer before the
next, so its memory is that of the largest one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import city

READ = """
import sys, geopandas, pandas
from pathlib import Path
for name in ("parcels", "parks", "buildings"):
    geopandas.read_parquet(f"{sys.argv[1]}/{name}.parquet")
for file in Path(sys.argv[1]).glob("enterprises.parquet"):
    pandas.read_parquet(file)
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
    sizes = {"parcels": 200_000, "parks": 40, "buildings": 1_000_000, "enterprises": 0, "repeat": 5}
    for name, default in sizes.items():
        options.add_argument(f"--{name}", type=int, default=default)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        counts = {name: getattr(asked, name) for name in ("parcels", "parks", "buildings", "enterprises")}
        city.write(folder, **counts)
        clocked(READ, folder)  # the files are in the system's cache from here on
        pairs = [(clocked(READ, folder), clocked(MEASURE, folder)) for _ in range(asked.repeat)]
    reading, measuring = zip(*pairs, strict=True)
    ratios = sorted(after[0] / before[0] for before, after in pairs)
    print("  ".join(f"{name} {count:,}" for name, count in counts.items()) + "   (parks of 2,000 corners)")
    for name, runs in (("read with geopandas", reading), ("parkwise measure", measuring)):
        print(f"{name:<20}  {median(run[0] for run in runs):7.2f} s  {max(run[1] for run in runs):7.0f} MiB")
    print(f"ratio                 {median(ratios):7.2f}    {ratios[0]:.2f} … {ratios[-1]:.2f}   (target: at most 3)")
    memory = max(run[1] for run in measuring) / max(run[1] for run in reading)
    print(f"memory, ratio         {memory:7.2f}                  (target: at most 2)")


if __name__ == "__main__":
    main()
