"""Heights off a raster that is larger than memory, side by side with other engines: seconds and peak memory.

    python benchmarks/rasters.py [--side 40000] [--buildings 20000] [--repeat 3] [--json rasters.json]

The raster is of whole metres in tiles of 512 cells; buildings lie all over it, in no order. Every answer is a process
of its own that reads the buildings from a file first; imports are not counted. `parkwise` takes median, spread and
quality of the cells wholly under each footprint, `parkwise mean` the mean of all of them, as `exactextract` does
alone; `rasterstats` takes the mean of the cells whose middle lies inside, so its result is another one. Engines take
turns; the median of the ratios within each turn is the figure that travels between machines. One that is not
installed is left out and named. Ours and exactextract must agree, else the run fails.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import clock
import geopandas as gpd
import numpy as np
import rasterio
import shapely
from rasterio.windows import Window

TILE = 512
WEST, NORTH, CRS = 500_000.0, 3_000_000.0, "EPSG:4549"
ENGINES = {"parkwise": "exactextract", "parkwise mean": "exactextract", "exactextract": "exactextract",
           "rasterstats": "rasterstats"}  # fmt: skip


def main() -> None:
    """Make raster and buildings, let the engines take turns, tell seconds, memory and ratios."""
    asked = _options()
    if asked.answer:
        print(json.dumps(answer(asked.answer, Path(asked.folder))))
        return
    with tempfile.TemporaryDirectory() as work:
        make(Path(work), asked.side, asked.buildings)
        size = (Path(work) / "heights.tif").stat().st_size / 1e6
        print(f"{asked.buildings:,} buildings on {asked.side:,} × {asked.side:,} cells ({size:,.1f} MB on disk)")
        here = [name for name, package in ENGINES.items() if find_spec(package)]
        for name in sorted(set(ENGINES) - set(here)):
            print(f"{name}: not installed, left out")
        turns = [{name: _ask(name, Path(work)) for name in here} for _ in range(asked.repeat)]
    rows = [_row(name, turns) for name in here]
    for row in rows:
        print(f"{row['engine']:15} {row['seconds']:8.2f} s  {row['peak_mib']:6.0f} MiB  × {row['ratio']:.2f}")
    if asked.json:
        told = clock.machine() | {"side": asked.side, "buildings": asked.buildings, "rows": rows}
        Path(asked.json).write_text(json.dumps(told, indent=1), encoding="utf-8")
    sums = [turn[name]["sum"] for turn in turns for name in ("parkwise mean", "exactextract")]
    if not np.allclose(sums, sums[0], rtol=1e-9):
        sys.exit(f"not every engine gave the same result: {sums}")


def make(folder: Path, side: int, buildings: int) -> None:
    """Write the raster and the buildings."""
    rng = np.random.default_rng(5)
    place = {"crs": CRS, "transform": rasterio.Affine(1, 0, WEST, 0, -1, NORTH), "nodata": 255}
    tiles = {"tiled": True, "blockxsize": TILE, "blockysize": TILE, "compress": "deflate", "sparse_ok": True}
    size = {"width": side, "height": side, "count": 1, "dtype": "uint8"}
    tile = np.kron(rng.integers(3, 60, (32, 32)), np.ones((16, 16))).astype("uint8")
    with rasterio.open(folder / "heights.tif", "w", driver="GTiff", **size, **place, **tiles) as file:
        for top in range(0, side, TILE):
            for left in range(0, side, TILE):
                high, wide = min(TILE, side - top), min(TILE, side - left)
                file.write(tile[:high, :wide], 1, window=Window(left, top, wide, high))
    x, y = WEST + rng.uniform(0, side - 70, buildings), NORTH - rng.uniform(70, side, buildings)
    boxes = shapely.box(x, y, x + rng.uniform(8, 60, buildings), y + rng.uniform(8, 60, buildings))
    gpd.GeoDataFrame(geometry=gpd.GeoSeries(boxes, crs=CRS).rotate(17)).to_parquet(folder / "buildings.parquet")


def answer(engine: str, folder: Path) -> dict[str, float]:
    """Let one engine take the heights; return seconds and their sum."""
    buildings, path = gpd.read_parquet(folder / "buildings.parquet"), folder / "heights.tif"
    if engine.startswith("parkwise"):
        import exactextract  # noqa: F401, PLC0415  (each engine is a process of its own)

        from layers import measure_heights  # noqa: PLC0415

        statistic = "mean" if engine.endswith("mean") else "median"
        take = lambda: measure_heights(buildings.geometry, height=path, statistic=statistic)["height_m"]  # noqa: E731
    elif engine == "exactextract":
        from exactextract import exact_extract  # noqa: PLC0415

        take = lambda: exact_extract(path, buildings, ["mean"], output="pandas")["mean"]  # noqa: E731
    else:
        from rasterstats import zonal_stats  # noqa: PLC0415

        shapes = buildings.geometry.tolist()
        take = lambda: np.array([one["mean"] for one in zonal_stats(shapes, str(path), stats=["mean"])], float)  # noqa: E731
    start = time.perf_counter()
    heights = take()
    return {"seconds": time.perf_counter() - start, "sum": float(np.nansum(heights))}


def _ask(engine: str, folder: Path) -> dict[str, float]:
    done = clock.run([sys.executable, __file__, "--answer", engine, "--folder", str(folder)])
    return json.loads(done.output) | {"peak_mib": done.peak_mib}


def _row(engine: str, turns: list[dict[str, dict[str, float]]]) -> dict[str, float | str]:
    """Medians of the turns; the ratio is to ours within each turn."""
    return {
        "engine": engine,
        "seconds": median(turn[engine]["seconds"] for turn in turns),
        "peak_mib": median(turn[engine]["peak_mib"] for turn in turns),
        "ratio": median(turn[engine]["seconds"] / turn["parkwise"]["seconds"] for turn in turns),
    }


def _options() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--side", type=int, default=40_000, help="cells along each side of the raster")
    options.add_argument("--buildings", type=int, default=20_000)
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--json", metavar="FILE", help="write the figures there too")
    options.add_argument("--answer", choices=list(ENGINES), help=argparse.SUPPRESS)
    options.add_argument("--folder", help=argparse.SUPPRESS)
    return options.parse_args()


if __name__ == "__main__":
    main()
