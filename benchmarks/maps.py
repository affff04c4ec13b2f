"""What the map of a large city costs: to write, to open, to move, to colour anew. In a real browser.

    python benchmarks/maps.py [--parcels 200000 1000000] [--repeat 3] [--json FILE] [--data DIR]

The map is written by a process of its own, Python's start included. Chromium (of the system, without screen and without
graphics card, 1366 × 768) then opens the file from disk. Each step counts from asking to the second frame after it,
when the picture is on the screen; each is done `--repeat` times, the median counts, and of several places or themes
the slowest. Every parcel is drawn, with its id and at least eight attributes on its card.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import city
import clock
import geopandas as gpd
import numpy as np
import shapely

ATTRIBUTES = 8
#: What is asked for at most, by number of parcels: seconds, MB, ms.
TARGETS = {
    200_000: {"write_s": 10, "file_mb": 10, "first_ms": 1500, "redraw_ms": 100, "theme_ms": 150, "recount_ms": 50},
    1_000_000: {"file_mb": 50, "first_ms": 8000},
}
WORDS = {
    "write_s": "map written, reading and figures included (s)",
    "draw_s": "of that the map alone (s)",
    "cpu_s": "of that processor time (s)",
    "write_mib": "memory while writing (MiB)",
    "file_mb": "one file (MB)",
    "first_ms": "first picture (ms)",
    "unpacked_ms": "of that until the block is unpacked (ms)",
    "redraw_ms": "redraw after pan or zoom, slowest place (ms)",
    "theme_ms": "theme switch over the whole city, slowest theme (ms)",
    "recount_ms": "slider: recount (ms)",
    "slider_ms": "slider: until the picture is there (ms)",
    "heap_mb": "memory of the page's script (MB)",
}
PICTURE = """new MutationObserver((_, watch) => {
  if (!document.body || document.body.dataset.parkwise !== 'ready') return;
  watch.disconnect();
  requestAnimationFrame(() => requestAnimationFrame(() => { window.pictureAt = performance.now(); }));
}).observe(document, {subtree: true, childList: true, attributes: true});"""
STEP = """async (act) => { const start = performance.now(); eval(act);
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  return performance.now() - start; }"""


def main() -> None:
    """Measure each size, print a table beside the targets."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--parcels", type=int, nargs="+", default=list(TARGETS))
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--json", metavar="FILE", help="write the figures there too")
    options.add_argument("--data", metavar="DIR", help="keep cities and maps there, and use the cities again")
    options.add_argument("--write", nargs=2, metavar=("PROJECT", "FILE"), help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.write:
        return _write(*map(Path, asked.write))
    told = clock.machine() | {"load_before": os.getloadavg()[0], "rows": []}
    with _folder(asked.data) as folder:
        for parcels in asked.parcels:
            row = _measured(folder / str(parcels), parcels, asked.repeat)
            told["rows"].append(row)
            print("\n".join(_lines(row)), flush=True)
    told["load_after"] = os.getloadavg()[0]
    print(f"load of the machine: {told['load_before']:.1f} before, {told['load_after']:.1f} after")
    if asked.json:
        Path(asked.json).write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")
    return None


@contextmanager
def _folder(kept: str | None) -> Iterator[Path]:
    if kept:
        yield Path(kept)
        return
    with tempfile.TemporaryDirectory() as work:
        yield Path(work)


def _measured(folder: Path, parcels: int, repeat: int) -> dict:
    project, file = folder / "project.toml", folder / "map.html"
    if not project.exists():
        _city(folder, parcels)
    run = clock.run([sys.executable, __file__, "--write", str(project), str(file)])
    figures = {"write_s": run.seconds, "write_mib": run.peak_mib, "file_mb": file.stat().st_size / 1e6}
    figures |= json.loads(run.output) | _in_browser(file, parcels, repeat)
    return {"parcels": parcels, **figures}


def _city(folder: Path, parcels: int) -> None:
    """The city of the other benchmarks, and what else a card shows: districts and the status of a parcel."""
    sizes = {"parks": max(parcels // 5000, 2), "buildings": parcels, "enterprises": max(parcels // 20, 1)}
    project = city.write(folder, parcels=parcels, **sizes)
    land = gpd.read_parquet(folder / "parcels.parquet")
    land["status"] = np.where(np.arange(len(land)) % 25 == 0, "闲置", "在用")
    land.to_parquet(folder / "parcels.parquet")
    west, south, east, north = land.total_bounds
    cuts = np.linspace(west, east, 6)
    names = [f"D{place}" for place in range(5)]
    shapes = shapely.box(cuts[:-1], south, cuts[1:], north)
    gpd.GeoDataFrame({"district_name": names}, geometry=shapes, crs=land.crs).to_parquet(folder / "districts.parquet")
    with project.open("a", encoding="utf-8") as said:
        said.write('[layers.districts]\nsource = "districts.parquet"\n')


def _write(project: Path, file: Path) -> None:
    """What `parkwise map` does, with the map's own time told."""
    from geo.assessment import assess  # noqa: PLC0415  (only the process that writes needs them)
    from geo.maps import map_html  # noqa: PLC0415
    from geo.planned import planned  # noqa: PLC0415
    from geo.ratings import rate  # noqa: PLC0415
    from layers.intake import gather, inspect  # noqa: PLC0415
    from layers.propose import open_project  # noqa: PLC0415

    intake = gather(open_project(project))
    assessment = assess(intake.frames, intake.project, findings=inspect(intake, thorough=False), ledger=intake.ledger)
    plan, ratings = planned(assessment), rate(assessment)
    start = time.perf_counter()
    file.write_text(map_html(assessment, plan=plan, ratings=ratings), encoding="utf-8")
    print(json.dumps({"draw_s": time.perf_counter() - start, "cpu_s": time.process_time()}))


def _in_browser(file: Path, parcels: int, repeat: int) -> dict:
    """Open the file a few times, then work with the page that is open."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    opened = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        for turn in range(repeat):
            page = browser.new_page(viewport={"width": 1366, "height": 768})
            page.set_default_timeout(300_000)
            page.add_init_script(PICTURE)
            page.goto(file.as_uri())
            page.wait_for_function("window.pictureAt")
            marks = "performance.getEntriesByName('parkwise-unpacked')[0].startTime"
            opened.append(page.evaluate(f"[window.pictureAt, {marks}]"))
            if turn < repeat - 1:
                page.close()
        drawn, attributes = page.evaluate("[Parkwise.city.data.parcels.count, Parkwise.city.page.fields.length]")
        if drawn != parcels or attributes < ATTRIBUTES:
            raise SystemExit(f"{drawn:,} of {parcels:,} parcels drawn with {attributes} attributes")
        first, unpacked = (median(column) for column in zip(*opened, strict=True))
        figures = {"attributes": attributes, "first_ms": first, "unpacked_ms": unpacked} | _steps(page, repeat)
        browser.close()
    return figures


def _steps(page: object, repeat: int) -> dict:
    """Move, colour and count anew; every place and theme `repeat` times."""

    def step(act: str) -> float:
        page.wait_for_timeout(50)
        return page.evaluate(STEP, act)

    def zoom(level: float) -> str:
        return f"Parkwise.city.map.setView(Parkwise.city.whole.getCenter(), {level}, {{animate: false}})"

    whole, themes = page.evaluate("[Parkwise.city.map.getZoom(), Parkwise.city.page.themes.map(theme => theme.id)]")
    moves: dict[str, list[float]] = {}
    for _ in range(repeat):
        for level in (whole, whole + 1, whole + 2, whole + 4, whole + 6):
            # From a step farther, so that this one has to be drawn.
            step(zoom(level + 1))
            moves.setdefault(f"zoom to {level}", []).append(step(zoom(level)))
            for east in (400, -400):
                pan = f"Parkwise.city.map.panBy([{east}, {east / 2}], {{animate: false}})"
                moves.setdefault(f"pan by {east} px at {level}", []).append(step(pan))
    step(zoom(whole))
    colours: dict[str, list[float]] = {}
    for _ in range(repeat):
        for place, theme in enumerate(themes):
            colours.setdefault(theme, []).append(step(f"Parkwise.city.show({place})"))
    step(f"Parkwise.city.show({themes.index('candidates')})")
    count = "(() => { const start = performance.now(); Parkwise.city.recount(); return performance.now() - start; })()"
    moved = "Parkwise.city.sliders[0].set(Parkwise.city.sliders[0].measure.most / {}), Parkwise.city.limitsMoved()"
    slid = [step(moved.format(2 + turn)) for turn in range(repeat)]
    return {
        "redraw_ms": max(map(median, moves.values())),
        "theme_ms": max(map(median, colours.values())),
        "recount_ms": median(page.evaluate(count) for _ in range(3 * repeat)),
        "slider_ms": median(slid),
        "heap_mb": page.evaluate("performance.memory.usedJSHeapSize / 1e6"),
        "moves": {name: median(runs) for name, runs in moves.items()},
        "themes": {name: median(runs) for name, runs in colours.items()},
    }


def _lines(row: dict) -> Iterator[str]:
    """One figure a line, beside what is asked for."""
    targets = TARGETS.get(row["parcels"], {})
    yield f"{row['parcels']:,} parcels, all drawn, {row['attributes']} attributes each"
    for key, words in WORDS.items():
        most = targets.get(key)
        verdict = "" if most is None else f"  at most {most:,}: {'reached' if row[key] <= most else 'missed'}"
        yield f"  {words:<52} {row[key]:>10,.1f}{verdict}"


if __name__ == "__main__":
    main()
