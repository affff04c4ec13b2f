"""What every check and mend asks of a record: its id, its shape, its land, the square metres of a unit.

Knows which column is the id of a layer and which layers are made of areas. Ids are text, "" where
missing. Land is ellipsoidal (m²) wherever the frame has a CRS; a frame without one is taken to be a
plane in metres.
"""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers.area import area_m2

__all__ = ["ID_COLUMNS", "as_text", "given", "id_column", "ids", "land_m2", "m2_per_unit", "shapes"]

ID_COLUMNS: dict[str, tuple[str, ...]] = {
    "parks": ("park_id", "park_name"),
    "parcels": ("parcel_id",),
    "buildings": ("building_id",),
    "enterprises": ("enterprise_code", "enterprise_name"),
    "holdings": (),
    "districts": ("district_code", "district_name"),
    "constraints": ("constraint_id",),
    "statistics": ("statistic",),
    "evaluations": ("zone_id", "zone_name"),
    "targets": ("indicator",),
    "facilities": ("facility_id", "facility_name"),
    "housing": ("housing_id", "housing_name"),
    "roads": ("road_id", "road_name"),
}

#: Length of a degree of latitude, m: good enough for a tolerance, not for an area.
_DEGREE_M = 111_320.0


def given(frame: pd.DataFrame, column: str) -> bool:
    """Return whether `frame` has `column` with at least one value."""
    return column in frame.columns and bool(frame[column].notna().any())


def id_column(frame: pd.DataFrame, layer: str) -> str | None:
    """Return the first id column of `layer` that holds values, or None.

    Examples
    --------
    >>> id_column(pd.DataFrame({"park_id": [None], "park_name": ["North"]}), "parks")
    'park_name'
    """
    return next((column for column in ID_COLUMNS.get(layer, ()) if given(frame, column)), None)


def ids(frame: pd.DataFrame, layer: str, rows: npt.NDArray[np.int64] | None = None) -> pd.Series:
    """Return the id of each record (of those at the positions `rows`) as text, "" where it has none."""
    column = id_column(frame, layer)
    known = pd.Series("", index=frame.index, dtype="object") if column is None else frame[column]
    return as_text(known if rows is None else known.iloc[rows])


def as_text(values: pd.Series) -> pd.Series:
    """Return values as text without blanks around; "" where missing."""
    if isinstance(values.dtype, pd.StringDtype) or pd.api.types.is_integer_dtype(values):
        return values.astype("str").str.strip().astype("object").where(values.notna(), "")
    out = values.astype("object").where(values.notna(), "")
    return out.map(lambda value: str(value).strip())


def shapes(frame: gpd.GeoDataFrame) -> npt.NDArray[np.object_]:
    """Return the geometries of a frame as a plain array, None where missing."""
    return np.asarray(frame.geometry.array, dtype="object")


def land_m2(
    geometries: npt.NDArray[np.object_] | Sequence[object], crs: object, method: str = "tdt1055"
) -> npt.NDArray[np.float64]:
    """Return the land of each shape in m², missing where the shape is missing."""
    if crs is None:
        return np.asarray(shapely.area(np.asarray(geometries, dtype="object")), dtype="float64")
    return area_m2(gpd.GeoSeries(list(geometries), crs=crs), method).to_numpy(dtype="float64")


def m2_per_unit(frame: gpd.GeoDataFrame) -> float:
    """Return about how many m² one square unit of the coordinates is."""
    crs = frame.crs
    if crs is None:
        return 1.0
    if crs.is_geographic:
        bottom, top = frame.total_bounds[[1, 3]]
        middle = np.clip(np.nan_to_num((bottom + top) / 2), -89.0, 89.0)
        return float(_DEGREE_M**2 * np.cos(np.radians(middle)))
    return float(crs.axis_info[0].unit_conversion_factor) ** 2
