"""Plain tools for tests that share no code with the toolkit: geopandas, shapely and PROJ only.

Also how the tests call the command and look a figure up in what it prints.
"""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
from click.testing import CliRunner
from pyproj import Geod

import cli


def run(*arguments):
    done = CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def by(*levels):
    return [part for level in levels for part in ("--by", level)]


class Answer:
    """What `measure --json` printed."""

    def __init__(self, *arguments):
        done = run("measure", *arguments, "--json", "-q")
        assert done.exit_code == 0, done.stderr
        self.document = json.loads(done.stdout)
        self.rows = {(row["id"], row["scope"]["level"], row["scope"]["id"]): row for row in self.document["indicators"]}

    def city(self, name):
        (row,) = [row for (which, level, _), row in self.rows.items() if (which, level) == (name, "city")]
        return row

    def table(self, name, level):
        """Return numerator, denominator, value and count by scope id."""
        rows = {scope: row for (which, where, scope), row in self.rows.items() if (which, where) == (name, level)}
        columns = ["numerator", "denominator", "value", "count"]
        return pd.DataFrame.from_dict(rows, orient="index")[columns].astype("float64")

    def ledger(self, layer):
        entry = self.document["ledger"][layer]
        assert entry["read"] == entry["used"] + sum(one["count"] for one in entry["set_aside"])
        return entry


def geodesic(shapes, ellipsoid="WGS84"):
    """Areas between geodesics, shape by shape."""
    geod = Geod(ellps="WGS84") if ellipsoid == "WGS84" else Geod(a=6378137.0, rf=298.257222101)
    degrees = shapes.to_crs(4326 if ellipsoid == "WGS84" else 4490)
    return np.array([abs(geod.geometry_area_perimeter(shape)[0]) for shape in degrees])


def valid(frame):
    """Rows with area, rings mended the way shapely mends them."""
    frame = frame[frame.geometry.notna()]
    shapes = frame.geometry.make_valid(method="structure", keep_collapsed=False)
    return frame.set_geometry(shapes)[shapes.area > 0].reset_index(drop=True)


def shares_on(buildings, parcels):
    """Shares of buildings on parcels by the stated rule, in a plain loop: building, parcel, share.

    A footprint with 90 % in one parcel goes there whole; any other is split by area; where parcels overlap, the shares
    are scaled down to one.
    """
    shapes, lots = buildings.geometry.to_numpy(), parcels.geometry.to_numpy()
    pairs = gpd.sjoin(buildings[["geometry"]], parcels[["geometry"]], predicate="intersects")
    found = []
    for row, near in pairs.groupby(level=0)["index_right"]:
        shares = {lot: shapes[row].intersection(lots[lot]).area / shapes[row].area for lot in sorted(near)}
        best = max(shares, key=lambda lot: (shares[lot], -lot))
        if shares[best] >= 0.9:
            shares = {best: 1.0}
        scale = max(sum(shares.values()), 1.0)
        found += [(row, lot, share / scale) for lot, share in shares.items()]
    return pd.DataFrame(found, columns=["building", "parcel", "share"])


def on_parcels(buildings, parcels, amounts):
    """Sum amounts of buildings by parcel, shared as `shares_on` says."""
    pairs = shares_on(buildings, parcels)
    return np.bincount(pairs["parcel"], pairs["share"] * np.asarray(amounts)[pairs["building"]], len(parcels))
