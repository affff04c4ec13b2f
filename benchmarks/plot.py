"""Draw time and memory against size from what scale.py has written.

    python benchmarks/plot.py scale.json [-o docs/performance.svg]

Both axes are logarithmic: work that grows with the size is a line at 45 degrees, memory that does not is a level one.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

#: Work and workers: label, colour (told apart by the colour-blind too), marker, line.
SERIES = {
    ("geopandas", None): ("geopandas: read + overlay", "#8a8a8a", "s", "--"),
    ("measure at once", None): ("measure, in memory", "#e69f00", "D", "-"),
    ("convert", 1): ("convert, once", "#009e73", "^", "-"),
    ("measure", 1): ("measure, 1 worker", "#56b4e9", "o", "-"),
    ("measure", 2): ("measure, 2 workers", "#0072b2", "o", "-"),
}
LIMIT_MIB = 2048


def main() -> None:
    """Read the figures, draw them, write the file."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("figures", type=Path, help="file written by scale.py --json")
    options.add_argument("-o", "--output", type=Path, default=Path(__file__).parents[1] / "docs" / "performance.svg")
    asked = options.parse_args()
    told = json.loads(asked.figures.read_text(encoding="utf-8"))
    # The same figures make the same file: no date, no random ids.
    with mpl.rc_context({"svg.hashsalt": "parkwise", "font.family": "DejaVu Sans", "font.size": 9}):
        draw(told).savefig(asked.output, metadata={"Date": None} if asked.output.suffix == ".svg" else None)


def draw(told: dict) -> Figure:
    """Return the figure: time on the left, memory on the right, one legend below."""
    figure = Figure(figsize=(8.4, 4.3), layout="constrained")
    time, memory = figure.subplots(1, 2)
    rows = [row for row in told["rows"] if "seconds" in row]
    for key, style in SERIES.items():
        points = sorted((row["parcels"], row["seconds"], row["peak_mib"]) for row in rows if _key(row) == key)
        if points:
            sizes, seconds, mib = zip(*points, strict=True)
            _line(time, sizes, seconds, style)
            _line(memory, sizes, mib, style)
    memory.axhline(LIMIT_MIB, color="#c0392b", linewidth=0.8, linestyle=":")
    memory.annotate(
        "2 GiB", (1, LIMIT_MIB), xycoords=("axes fraction", "data"), xytext=(-4, 3), textcoords="offset points",
        ha="right", color="#c0392b", fontsize=8,
    )  # fmt: skip
    _axes(time, "Time of the whole command", _duration, [1, 10, 60, 600, 3600])
    _axes(memory, "Peak memory, all processes", _size, [128, 256, 512, 1024, 2048, 4096, 8192, 16384])
    figure.legend(*time.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    where = f"{told['processor']}, {told['cores']} cores, {told['date']}"
    figure.suptitle(f"{told['buildings_each']} buildings a parcel; {where}", fontsize=9.5)
    return figure


def _key(row: dict) -> tuple[str, int | None]:
    return row["work"], row["workers"]


def _line(axes: Axes, x: tuple, y: tuple, style: tuple[str, str, str, str]) -> None:
    label, colour, marker, line = style
    axes.plot(x, y, label=label, color=colour, marker=marker, linestyle=line, markersize=4.5, linewidth=1.6)


def _axes(axes: Axes, title: str, form: Callable[[float, int], str], ticks: list[float]) -> None:
    """Logarithmic axes whose ticks say what people say: 10 min, 2 GiB, 1 M parcels."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    inside = [tick for tick in ticks if low <= tick <= high]
    axes.set_yticks(inside or ticks[:1])
    axes.yaxis.set_major_formatter(FuncFormatter(form))
    axes.xaxis.set_major_formatter(FuncFormatter(_count))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylim(low, high)
    axes.set_title(title, fontsize=9.5, loc="left")
    axes.set_xlabel("parcels")
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _count(value: float, _: int) -> str:
    return f"{value / 1e6:g} M" if value >= 1e6 else f"{value / 1e3:g} k"


def _duration(seconds: float, _: int) -> str:
    return (
        f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"
    )


def _size(mib: float, _: int) -> str:
    return f"{mib / 1024:g} GiB" if mib >= 1024 else f"{mib:g} MiB"


if __name__ == "__main__":
    main()
