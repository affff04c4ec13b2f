"""Rasters of the example city's ground: land cover and night lights, made of what stands on it (synthetic).

They are not part of the city as it is written, which has no need of them: `write_ground` lays them beside it for
pages and notebooks. Classes of the land cover: 40 fields and woods, 50 built over, 60 bare, 80 water, 0 beyond the
border. Lights are brighter the more of a cell of about 500 m is built over.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
import shapely
from rasterio.features import rasterize
from rasterio.transform import Affine

from layers.errors import OutputError
from layers.example.city import Example

__all__ = ["write_ground"]

_COVER, _LIGHTS = "地表覆盖.tif", "夜间灯光.tif"
_GREEN, _BUILT, _BARE, _WATER, _NOWHERE = 40, 50, 60, 80, 0
#: How a land-use class begins → cover where nothing stands; all else is bare.
_OPEN = {**dict.fromkeys(("01", "02", "03", "04", "0810", "12"), _GREEN), "11": _WATER}
_LIGHT_CELL_M, _DARK, _BRIGHT = 500.0, 0.5, 60.0


def write_ground(folder: str | Path, example: Example, *, overwrite: bool = False) -> tuple[Path, Path]:
    """Write land cover and night lights of an example city (示例城市的地表覆盖与夜间灯光, 合成数据).

    Parameters
    ----------
    folder : path
        Is there; most often that of `write`.
    example : Example
    overwrite : bool

    Returns
    -------
    tuple of Path
        ``地表覆盖.tif``, ``夜间灯光.tif``.

    Raises
    ------
    OutputError
        A file is there already and `overwrite` is false, or it cannot be written.
    """
    paths = Path(folder) / _COVER, Path(folder) / _LIGHTS
    there = [path.name for path in paths if path.exists()]
    if there and not overwrite:
        raise OutputError(
            f"{folder}: {', '.join(there)} there already. Pass overwrite=True to replace.",
            f"{folder} 中已有 {'、'.join(there)}。如需覆盖请用 overwrite=True。",
        )
    cover = _cover(example)
    lights, place = _lights(cover, example.height.transform)
    try:
        _write(cover, example.height.transform, _NOWHERE, paths[0])
        _write(lights, place, -9999, paths[1])
    except OSError as error:
        raise OutputError(
            f"{folder}: the rasters cannot be written ({error}). Choose another folder.",
            f"{folder}：无法写入栅格（{error}）。请另选文件夹。",
        ) from error
    return paths


def _cover(example: Example) -> npt.NDArray[np.uint8]:
    metres, parcels = example.height.metres, example.frames["parcels"]
    drawn = parcels[shapely.is_valid(parcels.geometry.to_numpy()) & ~shapely.is_empty(parcels.geometry.to_numpy())]
    code = drawn["land_use_code"].astype("string")
    classes = code.map(_OPEN).fillna(code.str[:2].map(_OPEN)).fillna(_BARE).astype("int64")
    shapes = zip(drawn.geometry, classes.tolist(), strict=True)
    open_ground = rasterize(shapes, metres.shape, fill=_GREEN, transform=example.height.transform, dtype="uint8")
    cover = np.where(metres > 0, _BUILT, open_ground)
    return np.where(metres == example.height.nodata, _NOWHERE, cover).astype("uint8")


def _lights(cover: npt.NDArray[np.uint8], place: Affine) -> tuple[npt.NDArray[np.float32], Affine]:
    """Light by the built share of blocks of cells."""
    side = max(1, round(_LIGHT_CELL_M / place.a))
    rows, columns = (-(-size // side) for size in cover.shape)
    padded = np.full((rows * side, columns * side), _NOWHERE, dtype="uint8")
    padded[: cover.shape[0], : cover.shape[1]] = cover
    blocks = padded.reshape(rows, side, columns, side)
    built, known = ((blocks == _BUILT).sum((1, 3)), (blocks != _NOWHERE).sum((1, 3)))
    light = _DARK + _BRIGHT * built / np.maximum(known, 1)
    return np.where(known > 0, light, -9999).round(2).astype("float32"), place @ Affine.scale(side)


def _write(values: npt.NDArray[np.uint8] | npt.NDArray[np.float32], place: Affine, nodata: float, path: Path) -> None:
    size = {"width": values.shape[1], "height": values.shape[0], "count": 1, "dtype": values.dtype.name}
    tiles = {"compress": "deflate", "tiled": True, "blockxsize": 256, "blockysize": 256}
    with rasterio.open(
        path, "w", driver="GTiff", crs="EPSG:4549", transform=place, nodata=nodata, **size, **tiles
    ) as file:
        file.write(values, 1)
