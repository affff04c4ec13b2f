"""Parcels that are locked (锁定): a file of decisions people made, each with who, when and why.

``in``: the plan has to act on the parcel. ``out``: it must leave it alone. Knows no act and no cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from layers.errors import ProjectError, nearest
from layers.user_tables import read_rows

__all__ = ["Lock", "read_locks"]

_COLUMNS = {
    "parcel_id": ("地块编号", "地块", "图斑编号"),
    "lock": ("锁定", "决定"),
    "author": ("责任人", "填报人", "经办人"),
    "date": ("日期", "决定日期"),
    "reason": ("理由", "原因", "依据"),
}
_IN, _OUT = ("in", "必须", "纳入", "必须处置"), ("out", "禁止", "保留", "不处置", "排除")


@dataclass(frozen=True)
class Lock:
    """One decision on one parcel: `parcel` is its row in `Land.parcels`."""

    parcel: int
    must: bool
    author: str
    date: str
    reason: str


def read_locks(path: Path, parcels: pd.DataFrame) -> tuple[Lock, ...]:
    """Read a file of locks.

    Parameters
    ----------
    path : Path
        CSV with `parcel_id`, `lock` (in, out; 必须, 禁止), `author`, `date`, `reason`.
    parcels : DataFrame
        With `uid`, `parcel_id`.

    Raises
    ------
    ProjectError
        A parcel that is not there, or of whose id there are several; a parcel that is locked both ways.
    StandardError
        A word that is neither, an author, a date or a reason that is missing; the message names the line.
    """
    by_uid = pd.Series(range(len(parcels)), index=parcels["uid"].astype(str))
    found: dict[int, tuple[Lock, str]] = {}
    for row in read_rows(path, _COLUMNS, tuple(_COLUMNS)):
        name = row.needed("parcel_id")
        if name not in by_uid.index:
            like = nearest(name, by_uid.index.tolist())
            raise ProjectError(
                f'{row.where}: there is no parcel "{name}".' + (f' Did you mean "{like}"?' if like else "")
                + " Correct the line or take it out.",
                f"{row.where}：没有地块“{name}”。" + (f"是否指“{like}”？" if like else "") + "请更正或删去该行。",
            )  # fmt: skip
        word = row.needed("lock").strip().lower()
        if word not in _IN + _OUT:
            raise row.wrong("lock", f'"{word}": expected in or out', f"“{word}”：应为 in（必须）或 out（禁止）")
        lock = Lock(int(by_uid[name]), word in _IN, row.needed("author"), row.needed("date"), row.needed("reason"))
        before = found.get(lock.parcel)
        if before is not None and before[0].must != lock.must:
            raise ProjectError(
                f'{row.where}: parcel "{name}" is locked in and out ({before[1]}). Leave one of the two.',
                f"{row.where}：地块“{name}”既锁定为必须又锁定为禁止（另见 {before[1]}），请保留其一。",
            )
        found[lock.parcel] = (lock, row.where)
    return tuple(lock for lock, _ in found.values())
