"""One PMTiles archive of several layers, out of archives of one layer each (`join`).

Layers of a tile in Mapbox's format are put together by writing one behind the other; here that is done tile by tile.
Knows bytes and tiles; knows neither shapes nor land. Needs the package pmtiles, an optional extra.
"""

# mypy: disable-error-code="no-untyped-call"
from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from pmtiles.reader import MmapSource, Reader, all_tiles
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

__all__ = ["join"]

_Source = Callable[[int, int], bytes]


def join(files: Sequence[Path], path: Path, told: Mapping[str, str], zoom: int) -> None:
    """Write all layers of some archives into one.

    Parameters
    ----------
    files : sequence of Path
        Archives of vector tiles, compressed by gzip as GDAL writes them.
    path : Path
        The archive to make; the same files give the same bytes.
    told : mapping
        `name` and `description` of the whole.
    zoom : int
        The level a viewer begins with.
    """
    with ExitStack() as stack, path.open("wb") as target:
        sources = [MmapSource(stack.enter_context(file.open("rb"))) for file in files]
        writer = Writer(target)
        _tiles(sources, writer)
        readers = [Reader(source) for source in sources]
        layers = [layer for reader in readers for layer in reader.metadata()["vector_layers"]]
        writer.finalize(
            _extent([reader.header() for reader in readers])
            | {"center_zoom": zoom, "tile_type": TileType.MVT, "tile_compression": Compression.GZIP},
            {**told, "format": "pbf", "type": "overlay", "vector_layers": layers},
        )


def _tiles(sources: Sequence[_Source], writer: Writer) -> None:
    """Write tiles in the order of the archive, each with what every layer has there."""
    parts: dict[int, list[bytes]] = defaultdict(list)
    for source in sources:
        for place, data in all_tiles(source):
            parts[zxy_to_tileid(*place)].append(data)
    for tile in sorted(parts):
        whole = b"".join(map(gzip.decompress, parts.pop(tile)))
        writer.write_tile(tile, gzip.compress(whole, 6, mtime=0))


def _extent(headers: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Return the ground all layers cover and its middle, in 10⁻⁷ degrees."""
    extent: dict[str, int] = {}
    for axis in ("lon", "lat"):
        least, most = min(one[f"min_{axis}_e7"] for one in headers), max(one[f"max_{axis}_e7"] for one in headers)
        extent |= {f"min_{axis}_e7": least, f"max_{axis}_e7": most, f"center_{axis}_e7": (least + most) // 2}
    return extent
