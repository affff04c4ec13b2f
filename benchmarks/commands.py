"""How long whole commands take: start, demo, and the full report on a large city.

    python benchmarks/commands.py [--parcels 200000] [--parks 40] [--buildings 1000000]
                                     [--enterprises 10000] [--repeat 3]

Each is a process of its own, Python's start included. Memory is the highest sum over the command and its processes.
Starts are the median of as many runs as asked for, after one that fills the system's cache; demo and report run once.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

import city
import clock

PARKWISE = [sys.executable, "-c", "from cli import main; main()"]


def main() -> None:
    """Time each command, print it beside its target."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = {"parcels": 200_000, "parks": 40, "buildings": 1_000_000, "enterprises": 10_000}
    for name, default in sizes.items():
        options.add_argument(f"--{name}", type=int, default=default)
    options.add_argument("--demo-parcels", type=int, help="parcels of the demo (default: parkwise's own)")
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--json", metavar="FILE", help="write the figures there too")
    asked = options.parse_args()
    told = clock.machine() | {"city": {name: getattr(asked, name) for name in sizes}, "rows": []}
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        project = city.write(folder / "city", **told["city"])
        demo = ["--parcels", str(asked.demo_parcels)] if asked.demo_parcels else []
        for name, command, target, repeat in (
            ("parkwise --help", [*PARKWISE, "--help"], 0.3, asked.repeat),
            ("import layers, geo", [sys.executable, "-c", "import layers, geo"], 0.6, asked.repeat),
            ("parkwise demo", [*PARKWISE, "demo", "-o", str(folder / "demo"), "-q", *demo], 20, 0),
            ("parkwise report", [*PARKWISE, "report", str(project), "-o", str(folder / "report"), "-q"], 60, 0),
        ):
            told["rows"].append(_clocked(name, command, target, repeat))
            print(_line(told["rows"][-1]), flush=True)
    if asked.json:
        Path(asked.json).write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")


def _clocked(name: str, command: list[str], target: float, repeat: int) -> dict:
    """Run once, and where asked for, `repeat` times more that count instead."""
    runs = [clock.run(command)]
    runs = [clock.run(command) for _ in range(repeat)] or runs
    seconds, peak = median(run.seconds for run in runs), max(run.peak_mib for run in runs)
    return {
        "command": name,
        "seconds": seconds,
        "peak_mib": peak,
        "target": target,
        "runs": [run.seconds for run in runs],
    }


def _line(row: dict) -> str:
    verdict = "reached" if row["seconds"] <= row["target"] else "missed"
    figures = f"{row['seconds']:7.2f} s {row['peak_mib']:7.0f} MiB"
    return f"{row['command']:<20} {figures}   (target: at most {row['target']:g} s, {verdict})"


if __name__ == "__main__":
    main()
