"""Daily life of the example city: services and housing estates, invented like all of it.

Services stand on some of the lots for public use and for shops, homes on some of the lots for housing; classes of
services are examples, no catalogue. Homes follow the land of an estate; a few estates do not tell them.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.example.streets import CRS

__all__ = ["estates", "services"]

#: Class of service, the land-use classes its lots have, and the share of those lots that bear one.
_CLASSES = (
    ("公交站点", ("0508", "05H1", "0701"), 0.02),
    ("餐饮商业", ("05H1",), 0.10),
    ("卫生服务", ("08H2", "0702"), 0.04),
    ("公园绿地", ("0810",), 0.06),
)
_HOUSING = ("0701",)
_SHARE_OF_HOUSING = 0.15
#: Land of a home, m², and persons in it.
_PER_HOME, _PERSONS = 90.0, 2.6


def services(lots: gpd.GeoDataFrame, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Place services at the inner points of lots."""
    points = shapely.point_on_surface(lots.geometry.to_numpy())
    codes = lots["land_use_code"].to_numpy()
    parts = []
    for kind, classes, share in _CLASSES:
        rows = np.flatnonzero(np.isin(codes, classes))
        taken = np.sort(rng.choice(rows, round(share * len(rows)), replace=False)) if len(rows) else rows
        parts.append(pd.DataFrame({"kind": kind, "row": taken}))
    table = pd.concat(parts, ignore_index=True)
    numbers = table.groupby("kind").cumcount() + 1
    names = "示例" + table["kind"] + numbers.astype(str)
    return gpd.GeoDataFrame({"kind": table["kind"], "facility_name": names}, geometry=points[table["row"]], crs=CRS)


def estates(lots: gpd.GeoDataFrame, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Make housing estates of lots for housing."""
    rows = np.flatnonzero(lots["land_use_code"].isin(_HOUSING).to_numpy())
    taken = np.sort(rng.choice(rows, round(_SHARE_OF_HOUSING * len(rows)), replace=False)) if len(rows) else rows
    area = shapely.area(lots.geometry.to_numpy()[taken])
    homes = np.round(area / _PER_HOME * rng.uniform(0.7, 1.5, len(taken)))
    persons = np.round(homes * _PERSONS)
    homes[rng.random(len(taken)) < 0.05] = np.nan
    return gpd.GeoDataFrame(
        {
            "housing_name": [f"示例小区{number}" for number in range(1, len(taken) + 1)],
            "homes": homes,
            "persons": persons,
        },
        geometry=shapely.point_on_surface(lots.geometry.to_numpy()[taken]),
        crs=CRS,
    )
