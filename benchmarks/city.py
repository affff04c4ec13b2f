"""A city for timing: as many parcels, parks and buildings as asked for, in GeoParquet.

Plain and fast to make, not realistic: the example city is for looking at, this one for the clock.
Parcels have 17 corners, parks 2,000, buildings 5; most buildings stand wholly on one parcel.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

CRS = "EPSG:4549"
X0, Y0, CELL = 480_000.0, 3_340_000.0, 70.0


def write(folder: Path, *, parcels: int = 200_000, parks: int = 40, buildings: int = 1_000_000, seed: int = 1) -> Path:
    """Write the layers and a project file into `folder`; return the project file."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(parcels)))
    _parcels(random, parcels, side).to_parquet(folder / "parcels.parquet")
    _parks(random, parks, side * CELL).to_parquet(folder / "parks.parquet")
    _buildings(random, buildings, parcels, side).to_parquet(folder / "buildings.parquet")
    project = folder / "project.toml"
    project.write_text(
        '[project]\ncity = "benchmark"\nas_of = 2025-12-31\noverlap = "split"\npolicies = ["hangzhou-2023"]\n'
        '[land_use]\nsystem = "third-survey"\n'
        '[layers.parks]\nsource = "parks.parquet"\n[layers.parcels]\nsource = "parcels.parquet"\n'
        '[layers.buildings]\nsource = "buildings.parquet"\n',
        encoding="utf-8",
    )
    return project


def _corner(row: npt.NDArray[np.int64], side: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    return X0 + (row % side) * CELL, Y0 + (row // side) * CELL


def _parcels(random: np.random.Generator, n: int, side: int) -> gpd.GeoDataFrame:
    """Rounded squares with roads between."""
    x, y = _corner(np.arange(n), side)
    angle = np.linspace(0, 2 * np.pi, 18)[:-1]
    reach = 29 / np.maximum(np.abs(np.cos(angle)), np.abs(np.sin(angle))) * 0.98
    ring = np.stack([x[:, None] + 35 + reach * np.cos(angle), y[:, None] + 35 + reach * np.sin(angle)], axis=-1)
    uses = random.choice(["0601", "0701", "05H1", "0508"], n, p=[0.4, 0.4, 0.1, 0.1])
    ids, yards = [f"P{i:07d}" for i in range(n)], random.uniform(0, 300, n)
    table = {"parcel_id": ids, "land_use_code": uses, "yard_area_m2": yards}
    return gpd.GeoDataFrame(table, geometry=shapely.polygons(ring), crs=CRS)


def _parks(random: np.random.Generator, n: int, width: float) -> gpd.GeoDataFrame:
    """Wavy discs, some of which overlap."""
    angle = np.linspace(0, 2 * np.pi, 2001)[:-1]
    shapes = []
    for _ in range(n):
        middle = random.uniform(0.05, 0.95, 2) * width
        radius = random.uniform(0.03, 0.08) * width * (1 + 0.1 * np.sin(9 * angle))
        x, y = X0 + middle[0] + radius * np.cos(angle), Y0 + middle[1] + radius * np.sin(angle)
        shapes.append(shapely.Polygon(np.c_[x, y]))
    ids, zones = [f"K{i:02d}" for i in range(n)], [f"Z{i // 4}" for i in range(n)]
    return gpd.GeoDataFrame({"park_id": ids, "park_name": ids, "zone_id": zones}, geometry=shapes, crs=CRS)


def _buildings(random: np.random.Generator, n: int, parcels: int, side: int) -> gpd.GeoDataFrame:
    """Boxes on random parcels; one in fifty reaches over the edge."""
    x, y = _corner(random.integers(0, parcels, n), side)
    reach = np.where(random.random(n) < 0.02, 30.0, 0.0)
    left, below = x + random.uniform(8, 40, n) + reach, y + random.uniform(8, 40, n)
    boxes = shapely.box(left, below, left + random.uniform(5, 20, n), below + random.uniform(5, 20, n))
    floors = pd.array(random.integers(1, 7, n), dtype="Int64")
    floors[random.random(n) < 0.01] = pd.NA
    return gpd.GeoDataFrame({"building_id": np.arange(n), "floors": floors}, geometry=boxes, crs=CRS)
