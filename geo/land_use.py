"""Which parcels are industrial, and which are built-up land.

Codes collide between systems (``0601`` is industrial land in one, a farm road in another), so the
system is always declared, never guessed here. The systems stand in
`layers/tables/codes/land_use_systems.csv`: default industrial classes and the classes that are no
built-up land (farmland, woods, water). A class counts with all classes below it (``M`` holds ``M2``).
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import pandas as pd

from layers.errors import ProjectError, SchemaError, nearest

__all__ = ["System", "classify", "system", "systems"]


@dataclass(frozen=True)
class System:
    """One system of land-use classes."""

    name: str
    digits: int | None
    industrial: tuple[str, ...]
    unbuilt: tuple[str, ...]
    label_zh: str
    label_en: str
    source: str


def systems() -> dict[str, System]:
    """Return the systems on board, keyed by name."""
    text = resources.files("layers").joinpath("tables/codes/land_use_systems.csv").read_text("utf-8")
    return {
        row["system"]: System(
            name=row["system"],
            digits=int(row["digits"]) if row["digits"] else None,
            industrial=tuple(row["industrial"].split("|")),
            unbuilt=tuple(row["unbuilt"].split("|")),
            label_zh=row["label_zh"],
            label_en=row["label_en"],
            source=row["source"],
        )
        for row in csv.DictReader(text.splitlines())
    }


def system(name: str) -> System:
    """Return one system; an unknown name is a ProjectError that names the nearest."""
    known = systems()
    if name not in known:
        like = nearest(name, known)
        raise ProjectError(
            f'land_use.system = "{name}" is not known. Expected one of {", ".join(known)}; nearest: {like}.',
            f"land_use.system = “{name}” 不可用。可用：{'、'.join(known)}；最接近：{like}。",
        )
    return known[name]


def classify(parcels: pd.DataFrame, name: str, industrial: Sequence[str] | None = None) -> pd.DataFrame:
    """Return two nullable booleans a parcel: `industrial` and `built`.

    Parameters
    ----------
    parcels : DataFrame
        With `land_use_code`, or with `land_use_name` when the system is ``names``.
    name : str
        A system of `systems`.
    industrial : sequence of str, optional
        Classes that count as industrial, with all below them; default: the system's own.

    Returns
    -------
    DataFrame
        Missing where the parcel's class is missing.

    Raises
    ------
    SchemaError
        The parcels lack the column the system is read from.

    Examples
    --------
    >>> classify(pd.DataFrame({"land_use_code": ["0601", "0101", None]}), "third-survey")["industrial"].tolist()
    [True, False, <NA>]
    """
    rules = system(name)
    by_name = name == "names"
    column = "land_use_name" if by_name else "land_use_code"
    if column not in parcels:
        raise SchemaError(
            f'parcels.{column} is missing, but land_use.system = "{name}" reads it. '
            f'Map a column to {column}, or set land_use.system to another system ("names" reads land_use_name).',
            f"parcels 缺少 {column} 字段，而 land_use.system = “{name}” 需要它。请在 columns 中指定该字段，"
            f"或改用其他分类（“names” 按地类名称）。",
        )
    text = parcels[column].astype("string").str.strip()
    text = text.mask(text == "")
    # A blank class would hold every code.
    classes = tuple(one.strip() for one in industrial or () if one.strip()) or rules.industrial
    if by_name:
        plain = text.str.lower()
        return pd.DataFrame(
            {
                "industrial": plain.isin([word.lower() for word in classes]).astype("boolean").mask(text.isna()),
                "built": ~plain.isin([word.lower() for word in rules.unbuilt]).astype("boolean").mask(text.isna()),
            }
        )
    if rules.digits is not None:
        # A spreadsheet turns 0601 into 601; the system knows how many digits a class has.
        short = text.str.fullmatch(rf"\d{{{rules.digits - 1}}}").fillna(value=False)
        text = text.mask(short, "0" + text)
    return pd.DataFrame(
        {
            "industrial": text.str.startswith(classes).astype("boolean"),
            "built": ~text.str.startswith(rules.unbuilt).astype("boolean"),
        }
    )
