"""What stands in a cell: text people typed, turned into dates, flags, codes and numbers.

Each function takes a Series of anything and gives a Series of one kind, missing where nothing could be
read, so that the caller can count and tell what was lost. Words for "missing" (暂无, Nah, a dash) are
missing. Nothing here knows columns, layers or units beyond the one typed behind a number.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from layers.units import MISSING_WORDS, parse_numbers

__all__ = [
    "has_words",
    "is_missing",
    "lost_digits",
    "to_codes",
    "to_dates",
    "to_flags",
    "to_numbers",
    "to_text",
    "to_words",
]

to_numbers = parse_numbers

_SERIAL = (20_000, 80_000)  # Excel day numbers from 1954 to 2119
_YEARS = (1902, 2200)  # 1899, 1900 and 1901 are what empty date cells turn into, 9999 means "no end"


def is_missing(values: pd.Series) -> pd.Series:
    """Return where a value is missing, or a word for missing stands there."""
    gone = values.isna()
    if (values.dtype == "object" or isinstance(values.dtype, pd.StringDtype)) and not _is_plain(values):
        gone |= _each(values, lambda value: _fold(value) in MISSING_WORDS, False).astype(bool)
    return gone


def to_text(values: pd.Series) -> pd.Series:
    r"""Return text without blanks at its ends; whole numbers without ".0".

    Examples
    --------
    >>> to_text(pd.Series([" 甲厂\u00a0", 12.0, None, "暂无"])).tolist()
    ['甲厂', '12', nan, nan]
    """
    return _text(values, str.strip)


def to_codes(values: pd.Series) -> pd.Series:
    """Return codes and ids: half-width, no blanks inside, whole numbers without ".0", leading zeros kept.

    Examples
    --------
    >>> to_codes(pd.Series(["０６０１", 601.0, "330102 001 "])).tolist()
    ['0601', '601', '330102001']
    """
    return _text(values, lambda text: re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)))


def _text(values: pd.Series, clean: Callable[[str], str]) -> pd.Series:
    if _is_plain(values):
        return values.astype("str")

    def one(value: object) -> object:
        text = clean(_spell(value))
        return None if _fold(text) in MISSING_WORDS else text

    return _each(values, one, None).astype("str")


def _is_plain(values: pd.Series) -> bool:
    """Whether every value is a whole number, or visible ASCII text that is no word for missing.

    A million ids are of this kind, and need no look at each.
    """
    if pd.api.types.is_integer_dtype(values):
        return True
    if not isinstance(values.dtype, pd.StringDtype):
        return False
    texts = pa.array(values)
    words = pa.array(sorted(MISSING_WORDS))
    unusual = pc.or_(pc.match_substring_regex(texts, r"[^!-~]"), pc.is_in(pc.utf8_lower(texts), value_set=words))
    return not pc.any(unusual).as_py()


def _spell(value: object) -> str:
    if isinstance(value, (float, np.floating)) and float(value).is_integer() and abs(float(value)) < 1e18:
        return str(int(value))
    if isinstance(value, (dt.datetime, pd.Timestamp)) and value.time() == dt.time():
        return value.date().isoformat()
    return str(value)


_ROUNDED = r"\s*\d(?:\.\d+)?[eE]\+?\d{2}\s*"


def lost_digits(values: pd.Series) -> pd.Series:
    """Return where an id went through a spreadsheet's number cell and lost its last digits.

    Examples
    --------
    >>> lost_digits(pd.Series(["3.3E+17", "330102", 330102001001000000.0])).tolist()
    [True, False, True]
    """
    if pd.api.types.is_integer_dtype(values):
        return pd.Series(data=False, index=values.index)
    if isinstance(values.dtype, pd.StringDtype):
        found = pc.match_substring_regex(pa.array(values), rf"^{_ROUNDED}$").fill_null(fill_value=False)
        return pd.Series(found.to_numpy(zero_copy_only=False), index=values.index)

    def one(value: object) -> object:
        if isinstance(value, (float, np.floating)):
            return abs(float(value)) >= 1e15
        return isinstance(value, str) and re.fullmatch(_ROUNDED, value) is not None

    return _each(values, one, False).astype(bool)


_YES = frozenset(["是", "有", "y", "yes", "t", "true", "1", "1.0", "√", "✓", "对"])
_NO = frozenset(["否", "无", "不是", "n", "no", "f", "false", "0", "0.0", "×", "x", "非"])


def to_flags(values: pd.Series) -> pd.Series:
    """Return yes and no as nullable booleans.

    Examples
    --------
    >>> to_flags(pd.Series(["是", "N", 1, "?"])).tolist()
    [True, False, True, <NA>]
    """

    def one(value: object) -> object:
        word = _fold(value)
        return True if word in _YES else False if word in _NO else pd.NA

    return _each(values, one, pd.NA).astype("boolean")


_DATE = re.compile(
    r"^(?P<y>\d{4})(?:[-/.年]\s*(?P<m>\d{1,2})(?:[-/.月]\s*(?P<d>\d{1,2})?\s*日?)?)?[年月]?"
    r"(?:[\sT]*\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d+)?)?\s*(?:Z|[+-]\d\d:?\d\d)?)?$"
)


def to_dates(values: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Read dates in the forms people write.

    2023-05-01, 2023/5/1, 20230501, 2023年5月1日, 2023年5月, a spreadsheet's day number, milliseconds.
    A month stands for its first day.

    Returns
    -------
    dates : Series of datetime64[s]
        Missing where unreadable and where a placeholder stood.
    placeholder : Series of bool
        Where the date is one that stands for "none": 1900-01-01, 9999-12-31.

    Examples
    --------
    >>> dates, placeholder = to_dates(pd.Series(["2023年5月1日", "20230501", 45047, "1900-01-01", "soon"]))
    >>> dates.dt.strftime("%F").tolist(), placeholder.tolist()
    (['2023-05-01', '2023-05-01', '2023-05-01', nan, nan], [False, False, False, True, False])
    """
    if pd.api.types.is_datetime64_any_dtype(values):
        days = values.dt.tz_localize(None) if getattr(values.dt, "tz", None) else values
        days = days.dt.normalize().astype("datetime64[s]")
        strange = days.notna() & ~days.dt.year.between(*_YEARS)
        return days.mask(strange), strange
    found = _each(values, _date, None)
    strange = found.map(lambda day: isinstance(day, dt.date) and not _YEARS[0] <= day.year <= _YEARS[1]).astype(bool)
    return pd.Series(pd.to_datetime(found.mask(strange, None)), index=values.index).astype("datetime64[s]"), strange


def _date(value: object) -> dt.date | None:
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    text = _fold(value).removesuffix(".0")
    if text in MISSING_WORDS:
        return None
    if re.fullmatch(r"\d+", text):
        return _digits(text)
    match = _DATE.match(text.replace("t", "T").replace("z", "Z").replace("T", " ", 1))
    return _day(match["y"], match["m"] or "1", match["d"] or "1") if match else None


def _digits(text: str) -> dt.date | None:
    number = int(text)
    if len(text) == 8:
        return _day(text[:4], text[4:6], text[6:])
    if len(text) == 6 and text[:2] in ("19", "20") and 1 <= int(text[4:]) <= 12:
        return _day(text[:4], text[4:], "1")
    if len(text) == 4:
        return _day(text, "1", "1")
    if _SERIAL[0] <= number <= _SERIAL[1] or number in (0, 1, 2):
        return dt.date(1899, 12, 30) + dt.timedelta(days=number)
    if 10**11 < number < 10**13:
        return (dt.datetime(1970, 1, 1) + dt.timedelta(milliseconds=number)).date()  # noqa: DTZ001 (a day only)
    return None


def _day(year: str, month: str, day: str) -> dt.date | None:
    try:
        return dt.date(int(year), int(month), int(day))
    except ValueError:
        return None


def to_words(values: pd.Series, layer: str, column: str) -> tuple[pd.Series, pd.Series]:
    """Turn the words of a short list (主区, 规上, 租赁 …) into the house's own.

    Returns
    -------
    words : Series of str
        The house's word; a word that is not in the list stays as it is.
    unknown : Series of bool
        Where the word is not in the list.
    """
    table = _words(layer, column)
    text = to_codes(values)

    def known(value: object) -> object:
        return table.get(_solid(value))

    found = _each(text, known, None)
    unknown = text.notna() & found.isna()
    # Codes lose their spaces; a word of the data's own keeps them.
    own = pd.Series([one.strip() if isinstance(one, str) else None for one in values], index=text.index, dtype="object")
    kept = text.mask(unknown & own.notna(), own)
    return found.where(found.notna(), kept).astype("str"), unknown


def has_words(layer: str, column: str) -> bool:
    """Return whether a column takes its words from a short list."""
    return bool(_words(layer, column))


@cache
def _words(layer: str, column: str) -> Mapping[str, str]:
    path = resources.files("layers").joinpath("tables/codes/values.csv")
    with path.open(encoding="utf-8") as file:
        table = pd.read_csv(file, dtype=str, keep_default_na=False)
    rows = table[(table["layer"] == layer) & (table["column"] == column)]
    return {
        _solid(alias): value
        for value, aliases in zip(rows["value"], rows["aliases"], strict=True)
        for alias in (value, *aliases.split("|"))
    }


def _fold(value: object) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", str(value))).strip().lower()


def _each(values: pd.Series, one: Callable[[object], object], missing: object) -> pd.Series:
    """Apply `one` to each distinct value once: columns repeat themselves."""
    listed = values if isinstance(values.dtype, pd.StringDtype) else values.astype("object")
    codes, uniques = pd.factorize(listed, use_na_sentinel=True)
    results = np.empty(len(uniques) + 1, dtype="object")
    for place, value in enumerate(uniques):
        results[place] = one(value)
    results[-1] = missing
    return pd.Series(results[codes], index=values.index, dtype="object")


def _solid(value: object) -> str:
    """Fold a word and take out its spaces, as `to_codes` does."""
    return _fold(value).replace(" ", "")
