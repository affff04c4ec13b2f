"""Figures by parcel, one row a parcel with its shape, as GeoParquet (`parcel_rows`, `write_rows`).

Rows are made from a whole city or from a batch of it and are the same either way, so they can be written part
by part while nothing but the part is in memory. Units: m², yuan, 万元/亩, ratios; missing is missing.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.intensity import building_coefficient
from geo.land import EXTENSIVE, Land
from geo.renewal import parcel_facts
from geo.survey import CLASSES, SURVEYED

__all__ = ["parcel_rows", "write_rows"]

_DESCRIBED = ("parcel_id", "uid", "land_use_code", "land_use_name", "industrial", *CLASSES)


def parcel_rows(land: Land, taxes: pd.DataFrame | None = None) -> gpd.GeoDataFrame:
    """Return what is known of each parcel.

    Parameters
    ----------
    land : Land
    taxes : DataFrame, optional
        `tax_cny` and `land_used_m2` of the firms on each parcel that report both, see `geo.renewal.tax_by_parcel`;
        its index is the row of the parcel.

    Returns
    -------
    GeoDataFrame
        `parcel_id`, `uid`, land use, survey classes where there are any, `district_id`, `park_id` (the park that
        holds most of it), `inside_share`, the extensive columns of `Land.parcels` but those that follow from land
        and class, `plot_ratio`, `building_density`, `building_coefficient`, `tax_cny`, `land_used_m2`,
        `tax_per_mu` (万元/亩), and the shape.
    """
    own = land.parcels
    taxes = pd.DataFrame(columns=["tax_cny", "land_used_m2"], dtype="float64") if taxes is None else taxes
    taxes = taxes.reindex(own.index)
    facts = parcel_facts(land, taxes)
    districts = None if land.districts is None else land.districts["district_id"].to_numpy()
    row = own["district"].to_numpy()
    base, yard, area = (own[name].clip(lower=0) for name in ("building_base_m2", "yard_area_m2", "land_area_m2"))
    return gpd.GeoDataFrame(
        {
            **{name: own[name] for name in _DESCRIBED if name in own},
            "district_id": pd.Series(
                [None if districts is None or one < 0 else districts[one] for one in row],
                index=own.index,
                dtype="string",
            ),
            "park_id": facts["park"],
            "inside_share": facts["inside_share"],
            **{name: own[name] for name in EXTENSIVE if name not in SURVEYED},
            "floor_area_estimated": np.asarray(own["floor_area_estimated"], dtype=bool),
            "plot_ratio": facts["plot_ratio"],
            "building_density": facts["building_density"],
            "building_coefficient": building_coefficient(base, yard, area),
            "tax_cny": taxes["tax_cny"],
            "land_used_m2": taxes["land_used_m2"],
            "tax_per_mu": facts["tax_per_mu"],
        },
        geometry=own.geometry.array,
        crs=own.crs,
    )


def write_rows(rows: gpd.GeoDataFrame, path: Path) -> None:
    """Write rows of parcels as GeoParquet with the boxes that readers filter by."""
    rows.to_parquet(path, index=False, compression="zstd", write_covering_bbox=True, schema_version="1.1.0")
