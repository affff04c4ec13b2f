"""Contributions on disk, so that a long run that was stopped goes on where it was (`dump`, `load`).

One file a contribution: a zip of Parquet tables and one JSON document. Reading it runs nothing.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from pathlib import Path

import geopandas as gpd
import pandas as pd

from geo.concentrations import IdentitySums
from geo.contributions import Contribution
from geo.land import Land

__all__ = ["dump", "load"]


def dump(contribution: Contribution, path: Path) -> None:
    """Write the contribution of one batch."""
    document = {
        "identities": contribution.identities._asdict(),
        "unplaced": contribution.unplaced,
        "uses": contribution.uses,
        "industrial": contribution.industrial,
        "parcels": contribution.parcels,
        "kept": [land.unplaced for land in contribution.kept],
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("document.json", json.dumps(document, ensure_ascii=False))
        archive.writestr("sums.parquet", contribution.sums.to_parquet())
        for number, land in enumerate(contribution.kept):
            archive.writestr(f"parcels-{number}.parquet", _bytes(land.parcels))
            archive.writestr(f"pieces-{number}.parquet", land.pieces.to_parquet())


def load(path: Path) -> Contribution:
    """Read the contribution of one batch.

    Raises
    ------
    Exception
        The file is not one that `dump` wrote: any of what zip, JSON and Parquet readers raise.
    """
    with zipfile.ZipFile(path) as archive:
        document = json.loads(archive.read("document.json"))
        return Contribution(
            sums=pd.read_parquet(io.BytesIO(archive.read("sums.parquet"))),
            identities=IdentitySums(**document["identities"]),
            unplaced=document["unplaced"],
            uses={column: Counter(counts) for column, counts in document["uses"].items()},
            industrial=document["industrial"],
            parcels=document["parcels"],
            kept=tuple(
                Land(
                    gpd.read_parquet(io.BytesIO(archive.read(f"parcels-{number}.parquet"))),
                    pd.read_parquet(io.BytesIO(archive.read(f"pieces-{number}.parquet"))),
                    unplaced=unplaced,
                )
                for number, unplaced in enumerate(document["kept"])
            ),
        )


def _bytes(frame: gpd.GeoDataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()
