"""A city for timing: as many parcels, parks and buildings as asked for, in GeoParquet.

Plain and fast to make, not realistic: the example city is for looking at, this one for the clock.
Parcels have 17 corners, parks 2,000, buildings 4; most buildings stand wholly on one parcel.
`write` makes one file a layer, with parks that grow with the city; `write_large` makes many, piece by piece, with more
and more parks of one size, so that a piece of a large city is like a piece of a small one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

CRS = "EPSG:4549"
X0, Y0, CELL = 480_000.0, 3_340_000.0, 70.0


#: Width of the city of 200,000 parcels: what the size of its parks is measured by.
WIDTH = 448 * CELL


def write(
    folder: Path,
    *,
    parcels: int = 200_000,
    parks: int = 40,
    buildings: int = 1_000_000,
    enterprises: int = 0,
    seed: int = 1,
) -> Path:
    """Write the layers and a project file into `folder`; return the project file."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(parcels)))
    rows = np.arange(parcels)
    _parcels(random, rows, side).to_parquet(folder / "parcels.parquet")
    _parks(random, parks, side * CELL, side * CELL).to_parquet(folder / "parks.parquet")
    _buildings(random, buildings, rows, side).to_parquet(folder / "buildings.parquet")
    project = _project(folder, "parcels.parquet", "buildings.parquet")
    if enterprises:
        _enterprises(np.random.default_rng(seed), enterprises, parcels).to_parquet(folder / "enterprises.parquet")
        with project.open("a", encoding="utf-8") as file:
            file.write('[layers.enterprises]\nsource = "enterprises.parquet"\n')
    return project


def write_large(
    folder: Path,
    *,
    parcels: int,
    buildings_each: int = 5,
    parcels_a_park: int = 5_000,
    chunk: int = 100_000,
    seed: int = 1,
) -> Path:
    """Write folders of files of `chunk` parcels, never holding more of them than that; return the project file.

    `truth.json` tells what is in there: rows, and the planar area of the industrial parcels. The project file comes
    last, so that where it stands, the city is whole.
    """
    for layer in ("parcels", "buildings"):
        (folder / layer).mkdir(parents=True, exist_ok=True)
    side = int(np.ceil(np.sqrt(parcels)))
    parks = _parks(np.random.default_rng(seed), -(-parcels // parcels_a_park), side * CELL, WIDTH)
    parks.to_parquet(folder / "parks.parquet")
    industrial_m2 = 0.0
    for number, rows in enumerate(_chunks(parcels, chunk)):
        random = np.random.default_rng([seed, number])
        land = _parcels(random, rows, side)
        stock = _buildings(random, buildings_each * len(rows), rows, side)
        stock["building_id"] += buildings_each * rows[0]
        for layer, frame in (("parcels", land), ("buildings", stock)):
            # In row groups as GDAL writes them: a reader can take a file in pieces.
            frame.to_parquet(folder / layer / f"{number:05d}.parquet", row_group_size=65_536)
        industrial_m2 += float(land.area[land["land_use_code"] == "0601"].sum())
    truth = {"parcels": parcels, "buildings": buildings_each * parcels, "parks": len(parks)}
    (folder / "truth.json").write_text(json.dumps(truth | {"industrial_m2": industrial_m2}), encoding="utf-8")
    return _project(folder, "parcels", "buildings")


def _chunks(n: int, size: int) -> Iterator[npt.NDArray[np.int64]]:
    for start in range(0, n, size):
        yield np.arange(start, min(start + size, n))


def _project(folder: Path, parcels: str, buildings: str) -> Path:
    project = folder / "project.toml"
    project.write_text(
        '[project]\ncity = "benchmark"\nas_of = 2025-12-31\noverlap = "split"\npolicies = ["hangzhou-2023"]\n'
        '[land_use]\nsystem = "third-survey"\n'
        f'[layers.parks]\nsource = "parks.parquet"\n[layers.parcels]\nsource = "{parcels}"\n'
        f'[layers.buildings]\nsource = "{buildings}"\n',
        encoding="utf-8",
    )
    return project


def _corner(row: npt.NDArray[np.int64], side: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    return X0 + (row % side) * CELL, Y0 + (row // side) * CELL


def _parcels(random: np.random.Generator, rows: npt.NDArray[np.int64], side: int) -> gpd.GeoDataFrame:
    """Rounded squares with roads between."""
    n = len(rows)
    x, y = _corner(rows, side)
    angle = np.linspace(0, 2 * np.pi, 18)[:-1]
    reach = 29 / np.maximum(np.abs(np.cos(angle)), np.abs(np.sin(angle))) * 0.98
    ring = np.stack([x[:, None] + 35 + reach * np.cos(angle), y[:, None] + 35 + reach * np.sin(angle)], axis=-1)
    uses = random.choice(["0601", "0701", "05H1", "0508"], n, p=[0.4, 0.4, 0.1, 0.1])
    ids, yards = [f"P{i:07d}" for i in rows], random.uniform(0, 300, n)
    table = {"parcel_id": ids, "land_use_code": uses, "yard_area_m2": yards}
    return gpd.GeoDataFrame(table, geometry=shapely.polygons(ring), crs=CRS)


def _parks(random: np.random.Generator, n: int, width: float, scale: float) -> gpd.GeoDataFrame:
    """Wavy discs, some of which overlap."""
    angle = np.linspace(0, 2 * np.pi, 2001)[:-1]
    shapes = []
    for _ in range(n):
        middle = random.uniform(0.05, 0.95, 2) * width
        radius = random.uniform(0.03, 0.08) * scale * (1 + 0.1 * np.sin(9 * angle))
        x, y = X0 + middle[0] + radius * np.cos(angle), Y0 + middle[1] + radius * np.sin(angle)
        shapes.append(shapely.Polygon(np.c_[x, y]))
    ids, zones = [f"K{i:02d}" for i in range(n)], [f"Z{i // 4}" for i in range(n)]
    return gpd.GeoDataFrame({"park_id": ids, "park_name": ids, "zone_id": zones}, geometry=shapes, crs=CRS)


def _buildings(random: np.random.Generator, n: int, rows: npt.NDArray[np.int64], side: int) -> gpd.GeoDataFrame:
    """Boxes on parcels of some rows, up to nine on each without overlap; one in fifty reaches over the edge."""
    turn, row = np.divmod(np.arange(n), len(rows))
    x, y = _corner(rows[row], side)
    line, column = np.divmod((2 * turn + row) % 9, 3)
    left, below = x + 14 + 14 * column + random.uniform(0, 1.5, n), y + 14 + 14 * line + random.uniform(0, 1.5, n)
    over = (column == 2) & (random.random(n) < 0.06)
    right = np.where(over, x + random.uniform(66, 69, n), left + random.uniform(5, 12, n))
    boxes = shapely.box(left, below, right, below + random.uniform(5, 12, n))
    floors = pd.array(random.integers(1, 7, n), dtype="Int64")
    floors[random.random(n) < 0.01] = pd.NA
    return gpd.GeoDataFrame({"building_id": np.arange(n), "floors": floors}, geometry=boxes, crs=CRS)


def _enterprises(random: np.random.Generator, n: int, parcels: int) -> pd.DataFrame:
    """Firms on parcels, some on the same one."""
    table = {
        "enterprise_name": [f"Firm {i:06d}" for i in range(n)],
        "year": np.full(n, 2025),
        "parcel_id": [f"P{row:07d}" for row in random.integers(0, parcels, n)],
        "industry_code": random.choice(["C26", "C34", "C35", "C39"], n),
        "scale": random.choice(["above", "below"], n, p=[0.2, 0.8]),
    }
    money = {name: random.lognormal(15, 1, n).round() for name in ("tax_cny", "value_added_cny", "revenue_cny")}
    sizes = {"employees": random.integers(5, 500, n), "energy_tce": random.lognormal(5, 1, n).round(1)}
    return pd.DataFrame(table | money | sizes)
