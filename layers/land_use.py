"""In which code system land use is written, proposed from names beside the codes.

The same code means different land in different systems (0601 is industrial in two of them and a farm road
in a third, 1001 is a railway in one and industrial in another), so a code alone proves nothing. A system
is proposed only where the names that stand beside the codes agree with it, or where codes are of a form
only one system has (M1, R2). The list is `tables/codes/land_use.csv`; it can be replaced, its source is printed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

import pandas as pd

from layers.values import to_codes, to_text

__all__ = ["Proposal", "code_table", "propose", "propose_system"]

_AGREE = 0.8  # share of rows whose name fits the code
_ORDER = ("third-survey", "gbt21010-2017", "mnr-2023", "gb50137-2011", "gbt21010-2007")


@dataclass(frozen=True)
class Proposal:
    """A code system, or None; why; the systems that fit as well; the share of rows that agree with each."""

    system: str | None
    why_en: str
    why_zh: str
    also: tuple[str, ...]
    agreement: dict[str, float]


def code_table() -> pd.DataFrame:
    """Return the code list: system, code, name_zh, name_en, industrial (yes, no), source.

    Examples
    --------
    >>> table = code_table()
    >>> table.loc[table["code"] == "0601", ["system", "name_zh"]].values.tolist()
    [['third-survey', '工业用地'], ['gbt21010-2017', '工业用地'], ['mnr-2023', '农村道路']]
    """
    return _codes().copy()


@cache
def _codes() -> pd.DataFrame:
    path = resources.files("layers").joinpath("tables/codes/land_use.csv")
    with path.open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype=str, keep_default_na=False)


def propose_system(parcels: pd.DataFrame) -> tuple[str | None, str]:
    """Propose the code system of a parcel layer from its columns ``land_use_code`` and ``land_use_name``.

    Returns
    -------
    (system, reason)
        System None where nothing may be proposed: it must be declared.

    Examples
    --------
    >>> propose_system(pd.DataFrame({"land_use_code": ["1001", "0601"], "land_use_name": ["工业用地", "农村道路"]}))[0]
    'mnr-2023'
    """
    found = propose(parcels.get("land_use_code"), parcels.get("land_use_name"))
    return found.system, found.why_en


def propose(codes: pd.Series | None, names: pd.Series | None, rows: pd.Series | None = None) -> Proposal:
    """Propose a code system from codes and, where there are any, the names beside them.

    Parameters
    ----------
    codes, names : Series, optional
    rows : Series of int, optional
        How many rows each stands for; else one.

    Examples
    --------
    >>> propose(pd.Series(["0601", "1001"]), None).system is None
    True
    >>> propose(pd.Series(["M1", "R2"]), None).system, propose(None, pd.Series(["工业用地"])).system
    ('gb50137-2011', 'names')
    """
    written = to_codes(codes).dropna() if codes is not None else pd.Series(dtype="str")
    named = to_text(names).dropna() if names is not None else pd.Series(dtype="str")
    if written.empty and named.empty:
        return Proposal(None, "there is neither a land-use code nor a name", "既无地类编码，也无地类名称", (), {})
    if written.empty:
        return Proposal("names", "there are names but no codes", "只有名称，没有编码", (), {})
    each = pd.Series(1, index=written.index) if rows is None else rows.reindex(written.index)
    if named.empty:
        return _by_form(written, each)
    return _by_names(written, named, each)


def _by_form(codes: pd.Series, rows: pd.Series) -> Proposal:
    letters = codes.str.fullmatch(r"(?:[ABEGHMRSUW])\d{0,3}[a-z]?", flags=re.IGNORECASE)
    share = float(rows[letters].sum() / rows.sum())
    if share >= _AGREE:
        why = ("the codes are letters with digits, as only GB 50137 has them", "编码为字母加数字，仅 GB 50137 如此")
        return Proposal("gb50137-2011", *why, (), {"gb50137-2011": share})
    return Proposal(
        None,
        "codes without names prove no system (0601 is industrial land in one and a farm road in another); declare it",
        "只有编码不能判定代码体系（0601 在不同体系中分别为工业用地和农村道路），请在 land_use.system 中声明",
        (),
        {},
    )


def _by_names(codes: pd.Series, names: pd.Series, rows: pd.Series) -> Proposal:
    pairs = pd.DataFrame({"code": codes, "name": names, "rows": rows}).dropna()
    counted = pairs.groupby(["code", "name"])[["rows"]].sum().reset_index()
    agreement = {system: _agreement(counted, system) for system in _ORDER}
    best = max(agreement.values(), default=0.0)
    fitting = tuple(system for system in _ORDER if agreement[system] >= max(_AGREE, best - 1e-9))
    if not fitting:
        return Proposal(
            None,
            f"names and codes agree with no system (best {best:.0%}); declare it",
            f"名称与编码不符合任何代码体系（最高 {best:.0%}），请声明",
            (),
            agreement,
        )
    also_en = f"; {', '.join(fitting[1:])} would fit as well" if fitting[1:] else ""
    also_zh = f"；{'、'.join(fitting[1:])} 同样符合" if fitting[1:] else ""
    return Proposal(
        fitting[0],
        f"{best:.0%} of {int(counted['rows'].sum()):,} rows have the name this system gives their code{also_en}",
        f"{int(counted['rows'].sum()):,} 行中 {best:.0%} 的名称与该体系一致{also_zh}",
        fitting[1:],
        agreement,
    )


def _agreement(counted: pd.DataFrame, system: str) -> float:
    table = _codes()
    known = table[table["system"] == system].set_index("code")["name_zh"]
    expected = counted["code"].map(lambda code: known.get(str(code), known.get(str(code)[:4], "")))
    same = [_same(name, wanted) for name, wanted in zip(counted["name"], expected, strict=True)]
    return float(counted.loc[same, "rows"].sum() / counted["rows"].sum()) if len(counted) else 0.0


def _same(name: str, wanted: str) -> bool:
    one, other = (re.sub(r"[\s（(].*$|用地$", "", text) for text in (str(name), str(wanted)))
    return bool(one) and one == other
