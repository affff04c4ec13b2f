"""How long it takes to find low-efficiency candidates and their contiguous groups, all parcels being industrial.

    python benchmarks/candidates.py [--parcels 200000] [--parks 40] [--buildings 400000] [--enterprises 10000]
                                    [--repeat 3]

The land is attached before the clock starts. `default` follows the default rules; `every rule` all that are ready-made,
with a limit by zone and one by industry beside them, over dates, planned uses and constraints made for it, so that most
parcels are candidates; groups reach across the roads of the city and are dissolved. The median of the runs is told.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median

import city
import clock
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.firms import attach_firms
from geo.land import Land, attach
from geo.renewal import Rule, Rules, Sources, Test, find_candidates
from geo.renewal.groups import group_numbers, group_shapes, group_table
from geo.renewal.rule_tables import ready_rules

#: Seconds at most, at 200,000 parcels.
TARGETS = {"candidates": 5.0, "groups": 10.0}
#: Roads of the city are about 13 m wide.
ACROSS_M = 15.0
#: Of the ready-made rules those that need no table of the user's.
_LEFT_OUT = ("grade_d", "below_control")


def main() -> None:
    """Make the city, find its candidates, tell the times beside their targets."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = {"parcels": 200_000, "parks": 40, "buildings": 400_000, "enterprises": 10_000}
    for name, default in sizes.items():
        options.add_argument(f"--{name}", type=int, default=default)
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--json", metavar="FILE", help="write the figures there too")
    asked = options.parse_args()
    told = clock.machine() | {"city": {name: getattr(asked, name) for name in sizes}, "rows": []}
    with tempfile.TemporaryDirectory() as work:
        city.write(Path(work), **told["city"])
        sources = _sources(Path(work))
    for name, rules in (("default", Rules()), ("every rule", _every_rule())):
        told["rows"] += _clocked(name, rules, sources, asked.repeat)
    for row in told["rows"]:
        print(
            f"{row['rules']:<12} {row['what']:<11} {row['seconds']:6.2f} s   (target {row['target']:g} s)   {row['of']}"
        )
    if asked.json:
        Path(asked.json).write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")


def _every_rule() -> Rules:
    ready = tuple(rule for rule in ready_rules().values() if rule.code not in _LEFT_OUT)
    own = (
        Rule("low_in_zone", (Test("plot_ratio", of_mean=0.5, within="zone"),)),
        Rule("lowest_in_industry", (Test("plot_ratio", quantile=0.1, within="industry"),)),
    )
    return Rules(rules=(*ready, *own), group_within_m=ACROSS_M)


def _sources(folder: Path) -> Sources:
    """Attach the city, with what rules ask beside figures."""
    random = np.random.default_rng(7)
    parcels = gpd.read_parquet(folder / "parcels.parquet")
    n = len(parcels)
    days = pd.to_datetime("2015-01-01") + pd.to_timedelta(random.integers(0, 4000, n), unit="D")
    parcels = parcels.assign(
        land_use_code="0601",
        planned_use_code=random.choice(["0601", "0701"], n, p=[0.8, 0.2]),
        industry_code=random.choice(["1711", "3411", "3912", "2710"], n),
        status=random.choice(["在用", "闲置", "停产"], n, p=[0.8, 0.1, 0.1]),
        agreed_start=pd.Series(days).where(random.random(n) < 0.4),
    )
    land = attach(
        parcels, gpd.read_parquet(folder / "parks.parquet"), gpd.read_parquet(folder / "buildings.parquet"),
        overlap="split",
    )  # fmt: skip
    enterprises = pd.read_parquet(folder / "enterprises.parquet")
    return Sources(
        land=land,
        firms=attach_firms(enterprises, land, as_of=date(2025, 12, 31)),
        as_of=date(2025, 12, 31),
        constraints=_constraints(land, random),
    )


def _constraints(land: Land, random: np.random.Generator) -> gpd.GeoDataFrame:
    west, south, east, north = land.parcels.total_bounds
    points = shapely.points(random.uniform(west, east, 60), random.uniform(south, north, 60))
    shapes = shapely.buffer(points, (east - west) / 40)
    return gpd.GeoDataFrame({"kind": ["redline", "farmland"] * 30}, geometry=shapes, crs=land.parcels.crs)


def _clocked(name: str, rules: Rules, sources: Sources, repeat: int) -> list[dict]:
    """Time the evidence, groups left out of it, and the groups alone."""
    seconds: dict[str, list[float]] = {"candidates": [], "groups": []}
    for _ in range(repeat):
        fresh = Sources(
            sources.land, sources.firms, sources.as_of, constraints=sources.constraints
        )  # nothing is remembered from run to run
        whole, found = _timed(lambda fresh=fresh: find_candidates(fresh.land, fresh.firms, rules, fresh))
        shapes = sources.land.parcels.geometry.to_numpy()[found.table["parcel"].to_numpy()]
        area = found.table["area_m2"].to_numpy("float64")
        numbers, _ = _timed(lambda shapes=shapes, area=area: group_numbers(shapes, area, rules.group_within_m))
        sums, table = _timed(lambda found=found, fresh=fresh: group_table(found.table, fresh))
        dissolved, _ = _timed(
            lambda found=found, table=table: group_shapes(found.table, sources.land.parcels.geometry, table["group"])
        )
        seconds["candidates"].append(whole - numbers - sums)
        seconds["groups"].append(numbers + sums + dissolved)
    of = {"candidates": f"{len(found.table):,} of {found.judged:,}", "groups": f"{len(found.groups):,} groups"}
    return [
        {"rules": name, "what": what, "seconds": median(runs), "target": TARGETS[what], "of": of[what]}
        for what, runs in seconds.items()
    ]


def _timed(work: Callable[[], object]) -> tuple[float, object]:
    start = time.perf_counter()
    done = work()
    return time.perf_counter() - start, done


if __name__ == "__main__":
    main()
