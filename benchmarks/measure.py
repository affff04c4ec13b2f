"""How long `parkwise measure` takes, as a multiple of merely reading the same files.

    python benchmarks/measure.py [--parcels 200000] [--parks 40] [--buildings 1000000]
                                    [--enterprises 0]

The files are read and measured as they come (`files`) and as the dataset that `parkwise convert` makes of them
(`dataset`). Each run is a process of its own, so times hold the start of Python and of the libraries, and memory
is that of the process and all it starts. Reading and measuring take turns, since a machine is not equally quick
all the time; the median of the ratios within a turn is the figure that travels between machines. Reading lets go
of each layer before the next, so its memory is that of the largest one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

import city
import clock

READ = """
import sys, geopandas, pandas
from pathlib import Path
folder = Path(sys.argv[1])
for name in ("parcels", "parks", "buildings"):
    there = folder / name
    geopandas.read_parquet(there if there.is_dir() else there.with_suffix(".parquet"))
for file in folder.glob("enterprises.parquet"):
    pandas.read_parquet(file)
"""
READING = [sys.executable, "-c", READ]
PARKWISE = [sys.executable, "-c", "from cli import main; main()"]

#: At most so many times the time, and the memory, of merely reading.
TIME, MEMORY = 3, 2


def main() -> None:
    """Make the data once, let reading and measuring take turns, print the ratios."""
    asked = _options()
    counts = {name: getattr(asked, name) for name in ("parcels", "parks", "buildings", "enterprises")}
    with tempfile.TemporaryDirectory() as work:
        files, dataset = Path(work) / "files", Path(work) / "dataset"
        city.write(files, **counts)
        clock.run([*PARKWISE, "convert", str(files / "project.toml"), "-o", str(dataset), "-q"])
        commands = {
            ("files", "read"): [*READING, str(files)],
            ("files", "measure"): [*PARKWISE, "measure", str(files / "project.toml"), "--json", "-q"],
            ("dataset", "read"): [*READING, str(dataset)],
            ("dataset", "measure"): [*PARKWISE, "measure", str(dataset), "--json", "-q"],
        }
        clock.run(commands["files", "read"])  # the files are in the system's cache from here on
        turns = [{key: clock.run(command) for key, command in commands.items()} for _ in range(asked.repeat)]
    print("  ".join(f"{name} {count:,}" for name, count in counts.items()) + "   (parks of 2,000 corners)")
    for key in commands:
        runs = [turn[key] for turn in turns]
        print(f"{' '.join(key):<16} {median(run.seconds for run in runs):6.2f} s {_peak(runs):7.0f} MiB")
    for of in ("files", "dataset"):
        ratios = sorted(turn[of, "measure"].seconds / turn[of, "read"].seconds for turn in turns)
        spread = f"{median(ratios):.2f}   ({ratios[0]:.2f} … {ratios[-1]:.2f}; target: at most {TIME})"
        memory = _peak([turn[of, "measure"] for turn in turns]) / _peak([turn[of, "read"] for turn in turns])
        print(f"{of}: measuring ÷ reading {spread}   memory {memory:.2f}   (target: at most {MEMORY})")


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = {"parcels": 200_000, "parks": 40, "buildings": 1_000_000, "enterprises": 0, "repeat": 5}
    for name, default in sizes.items():
        options.add_argument(f"--{name}", type=int, default=default)
    return options.parse_args()


def _peak(runs: list[clock.Run]) -> float:
    return max(run.peak_mib for run in runs)


if __name__ == "__main__":
    main()
