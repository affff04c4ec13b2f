"""Codes that carry their own proof: credit codes of firms, industry codes of an edition.

Knows GB 32100-2015 (unified social credit code, 统一社会信用代码: 18 characters, the last a check
digit modulo 31) and which divisions and manufacturing groups the editions 2002, 2011 and 2017 of
GB/T 4754 (国民经济行业分类) have, from `tables/codes/industry_editions.csv` (a weak source, replaceable).
Does not know which firm a code belongs to, nor what an industry is called. Everything here is text;
a missing value is missing and never a fault.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["CREDIT_ALPHABET", "credit_check_digit", "credit_faults", "industry_editions", "plain", "plain_codes"]

#: The 31 symbols of GB 32100: digits and capitals without I, O, S, V, Z.
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CREDIT_LENGTH = 18
_WEIGHTS = np.array([pow(3, place, 31) for place in range(CREDIT_LENGTH - 1)])
#: Code point → value of a symbol, −1 for any other; the last one stands for all that follow.
_VALUES = np.array([CREDIT_ALPHABET.find(chr(point)) if point else -1 for point in range(129)])


def credit_check_digit(first17: str) -> str:
    """Check digit (校验码) that closes a unified social credit code.

    Parameters
    ----------
    first17 : str
        The first 17 characters.

    Raises
    ------
    ValueError
        Not 17 characters, or one that GB 32100 does not use.

    Examples
    --------
    >>> credit_check_digit("91350100M000100Y4")
    '3'
    """
    if len(first17) != CREDIT_LENGTH - 1 or set(first17) - set(CREDIT_ALPHABET):
        raise ValueError(f"{first17!r} is not 17 characters of GB 32100")
    values = np.array([CREDIT_ALPHABET.index(sign) for sign in first17])
    return CREDIT_ALPHABET[(31 - int(values @ _WEIGHTS) % 31) % 31]


def credit_faults(codes: pd.Series) -> pd.Series:
    """Fault of each unified social credit code (统一社会信用代码).

    Parameters
    ----------
    codes : Series of text
        Full-width characters, blanks around and small letters are forgiven.

    Returns
    -------
    Series of str, same index
        "" where the code holds or is missing, else "length", "alphabet" or "check-digit".

    Examples
    --------
    >>> credit_faults(pd.Series(["91350100M000100Y43", "91350100M000100Y4Z", "913501", None])).tolist()
    ['', 'alphabet', 'length', '']
    """
    text = plain_codes(codes).to_numpy()
    length = np.array([0 if code is None else len(code) for code in text], dtype="int64")
    fault = np.where((length > 0) & (length != CREDIT_LENGTH), "length", "").astype("object")
    whole = np.flatnonzero(length == CREDIT_LENGTH)
    signs = text[whole].astype(f"U{CREDIT_LENGTH}").view("uint32").reshape(-1, CREDIT_LENGTH)
    values = _VALUES[np.minimum(signs, len(_VALUES) - 1)]
    known = (values >= 0).all(axis=1)
    closes = (31 - values[:, :-1] @ _WEIGHTS % 31) % 31 == values[:, -1]
    fault[whole] = np.where(~known, "alphabet", np.where(closes, "", "check-digit"))
    return pd.Series(fault, index=codes.index, dtype="object")


def plain(text: Any) -> str:  # noqa: ANN401  (whatever a cell holds)
    """Return one code without blanks around it, half-width, in capitals.

    Examples
    --------
    >>> plain(" ９１a ")
    '91A'
    """
    return "" if pd.isna(text) else unicodedata.normalize("NFKC", str(text)).strip().upper()


def plain_codes(codes: pd.Series) -> pd.Series:
    """Return codes without blanks around them, half-width, in capitals; missing and empty ones as None."""
    each, known = pd.factorize(codes)  # −1 where missing
    texts = np.array([*(plain(code) or None for code in known), None], dtype="object")
    return pd.Series(texts[each], index=codes.index, dtype="object", name=codes.name)


_INDUSTRY = re.compile(r"^([A-T])?(\d{2,4})?$")


def industry_editions(code: str) -> tuple[str, ...]:
    """Editions of GB/T 4754 (国民经济行业分类) that can hold `code`; none for a code of no edition.

    A section letter alone says nothing, so every edition can hold it. Judged by division (two digits)
    and, in manufacturing (13 to 43), by group (three digits): finer digits are not looked up.

    Examples
    --------
    >>> industry_editions("C3823"), industry_editions("4062"), industry_editions("99")
    (('2011', '2017'), ('2002',), ())
    """
    match = _INDUSTRY.match(plain(code))
    if match is None or not match.group():
        return ()
    digits = match[2] or ""
    return tuple(edition for edition, known in _editions().items() if _holds(known, digits))


def _holds(known: dict[str, frozenset[str]], digits: str) -> bool:
    division, group = digits[:2], digits[:3]
    if division and division not in known[""]:
        return False
    groups = known.get(division)
    if len(digits) < 3 or groups is None or group.endswith("0"):
        return True
    return group in groups


@cache
def _editions() -> dict[str, dict[str, frozenset[str]]]:
    text = resources.files("layers").joinpath("tables/codes/industry_editions.csv").read_text("utf-8")
    table: dict[str, dict[str, frozenset[str]]] = {}
    for row in csv.DictReader(text.splitlines()):
        table.setdefault(row["edition"], {})[row["within"]] = frozenset(_spread(row["codes"]))
    return table


def _spread(ranges: str) -> list[str]:
    """Turn ``01-03,07`` into its codes, with leading zeros kept."""
    codes: list[str] = []
    for part in ranges.split(","):
        low, _, high = part.partition("-")
        codes += [str(number).zfill(len(low)) for number in range(int(low), int(high or low) + 1)]
    return codes
