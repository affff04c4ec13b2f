"""Which one of the parcels that bear the same id a parcel is (同号地块的序号), told once for a whole layer.

Ids are not always unique, and a parcel's name in every output must be. The parcels of one id are counted in the
order of their boxes, so a name does not hang on how a dataset was cut, nor, but for parcels of one box, on the
order of the source. In a dataset the count is a column, since no part knows the others.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from layers.partitioning import replace_values
from layers.partitions import Partitions

__all__ = ["NTH", "nth_of_id", "number_over_parts"]

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Prints = npt.NDArray[np.uint32]

#: Column of a dataset's parcels: 0 for the first parcel of an id, 1 for the second …
NTH = "nth_of_parcel_id"
_ID = "parcel_id"
_SIDES = ["left", "bottom", "right", "top"]
#: So many ids that stand in several parts are counted at once.
_AT_ONCE = 1 << 18


def nth_of_id(ids: pd.Series, shapes: npt.NDArray[np.object_], before: Rows) -> Rows:
    """Count the shapes that bear one id (同号图形编序), from 0.

    Parameters
    ----------
    ids : Series
        None missing.
    shapes : array of geometries
    before : array of int
        Decides between shapes with one box: the lower is counted first.

    Returns
    -------
    array of int
        In order of top, right, bottom, left of the box among the shapes of one id.

    Examples
    --------
    >>> shapes = shapely.points([[0, 9], [5, 5], [0, 1]])
    >>> nth_of_id(pd.Series(["a", "b", "a"]), shapes, np.arange(3)).tolist()
    [1, 0, 0]
    """
    twice = np.flatnonzero(ids.duplicated(keep=False))
    nth = np.zeros(len(ids), dtype="int64")
    if len(twice):
        nth[twice] = _counted(ids.iloc[twice], shapely.bounds(shapes[twice]), before[twice])
    return nth


def _counted(ids: pd.Series, boxes: Floats, before: Rows) -> Rows:
    codes, _ = pd.factorize(ids)
    order = np.lexsort((before, *boxes.T, codes))
    nth = np.empty(len(codes), dtype="int64")
    nth[order] = pd.Series(codes[order]).groupby(codes[order]).cumcount()
    return nth


def number_over_parts(parcels: Partitions) -> Partitions:
    """Count on over all parts of a dataset what `nth_of_id` counted in each of them (跨分块编序).

    Parameters
    ----------
    parcels : Partitions
        On this machine, with `parcel_id` and `NTH`; parts in which a number changes are written anew.

    Returns
    -------
    Partitions
        The dataset as it is then.

    Notes
    -----
    In memory are 8 bytes a parcel, and where ids stand in several parts some 250 bytes for each parcel of
    262,144 such ids at a time. Parcels of one box are in one part, where their order is known.
    """
    nth: dict[int, Rows] = {}
    for some in _in_several_parts(parcels):
        rows = _bearing(parcels, some)
        rows["new"] = _counted(rows[_ID], rows[_SIDES].to_numpy(), rows[NTH].to_numpy())
        for number, here in rows[rows["new"] != rows[NTH]].groupby("part"):
            part = int(str(number))
            if part not in nth:
                nth[part] = parcels.values(part, (NTH,))[NTH].to_numpy(copy=True)
            nth[part][here["row"].to_numpy()] = here["new"].to_numpy()
    return replace_values(parcels, NTH, nth) if nth else parcels


def _prints(ids: pd.Series) -> Prints:
    """Return four bytes for each id; two ids that share them are told apart later."""
    return pd.util.hash_pandas_object(ids, index=False).to_numpy().astype("uint32")


def _in_several_parts(parcels: Partitions) -> Iterator[Prints]:
    """Give the prints of ids that stand in more than one part, some at a time."""
    each = [np.unique(_prints(parcels.values(number, (_ID,))[_ID])) for number in range(len(parcels.parts))]
    together = np.concatenate(each)
    del each
    together.sort()
    several = np.unique(together[1:][together[1:] == together[:-1]])
    del together
    for start in range(0, len(several), _AT_ONCE):
        yield several[start : start + _AT_ONCE]


def _bearing(parcels: Partitions, some: Prints) -> pd.DataFrame:
    """Return id, number, box and place of the parcels whose ids have one of these prints."""
    found = []
    for number in range(len(parcels.parts)):
        table = parcels.values(number, (_ID, NTH))
        row = np.flatnonzero(np.isin(_prints(table[_ID]), some))
        if len(row):
            boxes = shapely.bounds(parcels.read(number, ()).geometry.to_numpy()[row])
            table = table.iloc[row].reset_index(drop=True)
            found.append(table.assign(**dict(zip(_SIDES, boxes.T, strict=True)), part=number, row=row))
    return pd.concat(found, ignore_index=True)
