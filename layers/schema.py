"""From a source frame to a canonical layer: names, units, types; what is missing is told.

The words stand in `layers.titles`, the units in `layers.amounts`, the cells in `layers.values`; here they
meet. A mapping the user gives stands above every match. Nothing is dropped: source columns that stand
for no canonical one stay under their own title. Values that cannot be read become missing and a finding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from layers import amounts, values
from layers.area import area_m2
from layers.errors import SchemaError, first, nearest
from layers.findings import concat, finding
from layers.raw import MEANING
from layers.rows import each_row
from layers.titles import (
    alias_unit,
    columns,
    guess_role,
    match,
    matches,
    plain,
    split_title,
)
from layers.units import label, unit

__all__ = ["canonicalise", "columns", "guess_role", "match"]

Mapping_ = Mapping[str, "str | Mapping[str, Any]"]

#: Beyond the Earth's surface in m² and any country's output in yuan: a slip of the keys, and no sum could hold many.
_MOST = 1e15


@dataclass
class _Plan:
    """One canonical column: where it comes from and what it should become."""

    column: str
    title: str
    type: str
    base: str
    kind: str
    how: str
    given_unit: str | None = None
    title_unit: str | None = None
    rivals: tuple[str, ...] = ()


@dataclass
class _Desk:
    """What is being put together."""

    layer: str
    frame: pd.DataFrame
    ids: pd.Series
    done: dict[str, pd.Series] = field(default_factory=dict)
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    guessed: list[dict[str, Any]] = field(default_factory=list)
    findings: list[pd.DataFrame] = field(default_factory=list)

    def tell(self, code: str, where: pd.Series, column: str, found: pd.Series, **params: Any) -> None:  # noqa: ANN401
        """Add a finding for each row where `where` holds."""
        rows = np.flatnonzero(where.to_numpy(dtype=bool))
        if len(rows):
            ids = list(self.ids.iloc[rows])
            self.findings.append(
                each_row(code, self.layer, ids, self.frame.index[rows].to_numpy(), list(found), column=column, **params)
            )


def canonicalise(
    frame: pd.DataFrame,
    layer: str,
    *,
    columns: Mapping_ | None = None,
    constants: Mapping[str, object] | None = None,
) -> pd.DataFrame:
    """Return `frame` with canonical columns in base units, every other column kept.

    Parameters
    ----------
    frame : DataFrame or GeoDataFrame
        A source frame; its index numbers the rows of the source. ``attrs["aliases"]`` (second names of
        columns) and ``attrs["notes"]`` (text above a table) are used where present.
    layer : str
        parks, parcels, buildings, enterprises, holdings, districts or constraints.
    columns : mapping, optional
        Canonical column → source title, or ``{"name": title, "unit": unit}``; an empty title takes none.
    constants : mapping, optional
        Canonical column → one value for every row.

    Returns
    -------
    DataFrame or GeoDataFrame
        ``attrs["columns"]``, ``attrs["guessed"]`` and ``attrs["findings"]`` say what was settled.

    Raises
    ------
    SchemaError
        An unknown layer, canonical column or title (the nearest is named), or a unit that does not fit.

    Examples
    --------
    >>> table = pd.DataFrame({"企业名称": ["甲厂"], "税收（万元）": ["１２．５"], "用地面积(亩)": ["3"], "电话": ["1"]})
    >>> firms = canonicalise(table, "enterprises")
    >>> firms.to_dict("records")
    [{'enterprise_name': '甲厂', 'tax_cny': 125000.0, 'land_registered_m2': 2000.0, '电话': '1'}]
    """
    frame = _expand_tags(frame, layer)
    plans = _plan(frame, layer, columns or {})
    desk = _Desk(layer, frame, _ids(frame, plans))
    open_plans = []
    for plan in plans:
        if plan.type == "number":
            open_plans.append(plan)
        else:
            desk.done[plan.column] = _convert(desk, plan)
            _note(desk, plan, None, "")
    _numbers(desk, open_plans, str(frame.attrs.get("notes", "")))
    _constants(desk, constants or {})
    return _assemble(desk, plans)


def _expand_tags(frame: pd.DataFrame, layer: str) -> pd.DataFrame:
    """Give tags kept as one text (``"building:levels"=>"3"``) a column each, where a column asks for them."""
    title = next((str(name) for name in frame.columns if str(name) in ("other_tags", "all_tags", "tags")), None)
    if title is None or frame[title].isna().all():
        return frame
    texts = frame[title].astype("object").where(frame[title].notna(), "")
    tags = texts.map(lambda text: dict(re.findall(r'"([^"\\]+)"=>"((?:[^"\\]|\\.)*)"', str(text))))
    keys = sorted({key for one in tags for key in one})
    wanted = [found.title for found in matches(layer, keys).values() if found.title not in frame.columns]
    return frame.assign(**{key: tags.map(lambda one, key=key: one.get(key)) for key in wanted}) if wanted else frame


def _plan(frame: pd.DataFrame, layer: str, given: Mapping_) -> list[_Plan]:
    table = columns(layer)
    titles = [str(title) for title in frame.columns if title != _geometry_name(frame)]
    named = {column: _named(layer, table, titles, column, spec) for column, spec in given.items()}
    taken = {title for title, _ in named.values()}
    free = [title for title in titles if title not in taken and not title.endswith(MEANING)]
    aliases = {str(key): str(value) for key, value in (frame.attrs.get("aliases") or {}).items()}
    found = matches(layer, free, aliases, cut=bool(frame.attrs.get("cut_titles")))
    plans = []
    for row in table[table["type"] != "geometry"].itertuples():
        column = str(row.column)
        plan = partial(_Plan, column=column, type=str(row.type), base=str(row.unit), kind=str(row.kind))
        if column in named:
            title, unit_name = named[column]
            if title:
                told = split_title(title).unit
                plans.append(plan(title=title, how="given", given_unit=unit_name, title_unit=told))
        elif column in found:
            match = found[column]
            plans.append(plan(title=match.title, how="alias", title_unit=match.unit, rivals=match.rivals))
    return plans


def _geometry_name(frame: pd.DataFrame) -> str | None:
    return str(frame.geometry.name) if isinstance(frame, gpd.GeoDataFrame) and frame._geometry_column_name else None


def _named(layer: str, table: pd.DataFrame, titles: Sequence[str], column: str, spec: object) -> tuple[str, str | None]:
    _require_column(layer, table, column)
    title, unit_name = (spec.get("name", ""), spec.get("unit")) if isinstance(spec, Mapping) else (spec, None)
    title = str(title)
    same = [one for one in titles if one == title] or [one for one in titles if plain(one) == plain(title)]
    if title and not same:
        like = nearest(title, titles)
        hint_en, hint_zh = (f' Did you mean "{like}"?', f"是否指“{like}”？") if like else ("", "")
        raise SchemaError(
            f'{layer}.{column}: the source has no column "{title}".{hint_en} Columns in it: {first(titles, 12)}.',
            f"{layer}.{column}：来源中没有列“{title}”。{hint_zh}其中有：{first(titles, 12)}。",
        )
    return (same[0] if title else ""), (unit(str(unit_name)).name if unit_name else None)


def _require_column(layer: str, table: pd.DataFrame, column: str) -> None:
    known = [name for name in table["column"] if name != "geometry"]
    if column not in known:
        like = nearest(column, known)
        hint_en, hint_zh = (f' Did you mean "{like}"?', f"是否指“{like}”？") if like else ("", "")
        raise SchemaError(
            f'Layer {layer} has no column "{column}".{hint_en} It may have: {", ".join(known)}.',
            f"图层 {layer} 没有字段“{column}”。{hint_zh}可用字段：{'、'.join(known)}。",
        )


def _ids(frame: pd.DataFrame, plans: Sequence[_Plan]) -> pd.Series:
    """Ids for messages: the first id column, else the name."""
    for kind in ("id", "label"):
        for plan in plans:
            if plan.kind == kind:
                return values.to_text(frame[plan.title]).astype("object").where(lambda text: text.notna(), "")
    return pd.Series("", index=frame.index, dtype="object")


def _note(desk: _Desk, plan: _Plan, unit_name: str | None, unit_how: str) -> None:
    if plan.rivals:
        seen = ", ".join((plan.title, *plan.rivals))
        desk.findings.append(finding("column-ambiguous", desk.layer, column=plan.column, found=seen, chosen=plan.title))
    guess = plan.how == "alias" and unit_how in ("plausible",) and unit_name != plan.base
    desk.columns[plan.column] = {
        "title": plan.title,
        "unit": unit_name,
        "how": "guess" if guess else plan.how,
        "unit_how": unit_how or None,
    }


def _convert(desk: _Desk, plan: _Plan) -> pd.Series:
    """Turn one column into text, codes, whole numbers, dates or flags."""
    cells = desk.frame[plan.title]
    makers: dict[str, Callable[[_Desk, _Plan, pd.Series], pd.Series]] = {
        "integer": _integers, "date": _dates, "boolean": _flags,
    }  # fmt: skip
    if plan.type in makers:
        return makers[plan.type](desk, plan, cells)
    meaning = f"{plan.title}{MEANING}"
    if values.has_words(desk.layer, plan.column):
        words, unknown = values.to_words(desk.frame.get(meaning, cells), desk.layer, plan.column)
        known = {"expected_en": "a word of the short list", "expected_zh": "词表中的词"}
        desk.tell("value-unknown", unknown, plan.column, words[unknown], **known)
        return words
    if plan.kind == "id":
        lost = values.lost_digits(cells)
        desk.tell("id-precision-lost", lost, plan.column, cells[lost])
        return values.to_codes(cells)
    if plan.type == "code":
        return values.to_codes(cells)
    return values.to_text(desk.frame.get(meaning, cells))


def _unread(desk: _Desk, plan: _Plan, cells: pd.Series, result: pd.Series, en: str, zh: str) -> None:
    if result.notna().all():
        return
    lost = result.isna() & ~values.is_missing(cells)
    desk.tell("value-unreadable", lost, plan.column, cells[lost], expected_en=en, expected_zh=zh)


def _integers(desk: _Desk, plan: _Plan, cells: pd.Series) -> pd.Series:
    numbers, _ = values.to_numbers(cells.map(_year_text) if not pd.api.types.is_numeric_dtype(cells) else cells)
    whole = numbers.where((numbers == numbers.round()) & (numbers.abs() <= _MOST))
    _unread(desk, plan, cells, whole, "a whole number", "整数")
    return whole.astype("Int64")


def _year_text(value: object) -> object:
    return re.sub(r"\s*年度?\s*$", "", value) if isinstance(value, str) else value


def _dates(desk: _Desk, plan: _Plan, cells: pd.Series) -> pd.Series:
    dates, placeholder = values.to_dates(cells)
    desk.tell("date-placeholder", placeholder, plan.column, cells[placeholder])
    _unread(desk, plan, cells.mask(placeholder), dates, "a date such as 2023-05-01", "日期，如 2023-05-01")
    return dates


def _flags(desk: _Desk, plan: _Plan, cells: pd.Series) -> pd.Series:
    flags = cells.astype("boolean") if pd.api.types.is_bool_dtype(cells) else values.to_flags(cells)
    _unread(desk, plan, cells, flags, "yes or no (是, 否, Y, N, 1, 0)", "是或否（是、否、Y、N、1、0）")
    return flags


def _numbers(desk: _Desk, plans: Sequence[_Plan], notes: str) -> None:
    """Settle units and convert: first what is stated somewhere, then what must be judged by the rest."""
    unsettled = []
    for plan in plans:
        cells = desk.frame[plan.title]
        numbers, behind = values.to_numbers(cells)
        _unread(desk, plan, cells, numbers, "a number, a unit may stand behind it", "数字，其后可带单位")
        verdict = amounts.settle(
            plan.base,
            given=plan.given_unit,
            title=plan.title_unit,
            behind=behind,
            note=amounts.from_note(notes, plan.base),
            code=alias_unit(desk.layer, plan.column, plan.title),
        )
        if verdict is None and plan.base != "1":
            unsettled.append((plan, numbers, behind))
        else:
            _finish(desk, plan, numbers, behind, verdict or amounts.Verdict("1", "default"))
    unsettled.sort(
        key=lambda one: len(amounts.peers(desk.layer, one[0].column))
    )  # who judges comes before who is judged
    for plan, numbers, behind in unsettled:
        if amounts.GEOMETRY_AREA in amounts.peers(desk.layer, plan.column):
            _measure(desk)
        verdict = amounts.judge(desk.layer, plan.column, numbers, desk.done | _drawn(desk), plan.base)
        _finish(desk, plan, numbers, behind, verdict)


def _measure(desk: _Desk) -> None:
    """Measure some shapes, spread over the layer, to hold recorded areas against."""
    if "drawn" in desk.__dict__ or _geometry_name(desk.frame) is None:
        return
    geometry = gpd.GeoSeries(desk.frame.geometry)
    step = max(1, len(geometry) // 200)
    sample = geometry.iloc[::step]
    area = area_m2(sample) if sample.crs is not None else sample.area
    desk.__dict__["drawn"] = pd.Series(area, index=sample.index).reindex(geometry.index)


def _drawn(desk: _Desk) -> dict[str, pd.Series]:
    return {amounts.GEOMETRY_AREA: desk.__dict__["drawn"]} if "drawn" in desk.__dict__ else {}


def _finish(desk: _Desk, plan: _Plan, numbers: pd.Series, behind: pd.Series, verdict: amounts.Verdict) -> None:
    if unit(verdict.unit).base != plan.base:
        desk.findings.append(
            finding(
                "unit-mismatch",
                desk.layer,
                column=plan.column,
                found=f"{plan.title}: {label(verdict.unit)}",
                expected_unit=plan.base,
            )
        )
        return
    silent = not numbers.notna().any()
    result, misfit = amounts.to_base_units(numbers, behind, verdict.unit, plan.base)
    wanted = {"expected_en": f"a unit counted in {plan.base}", "expected_zh": f"以 {plan.base} 计的单位"}
    desk.tell("value-unreadable", misfit, plan.column, desk.frame[plan.title][misfit], **wanted)
    absurd = result.abs() > _MOST
    known = {"expected_en": f"at most {_MOST:g} {plan.base}", "expected_zh": f"不超过 {_MOST:g} {plan.base}"}
    desk.tell("value-unreadable", absurd, plan.column, desk.frame[plan.title][absurd], **known)
    desk.done[plan.column] = result.mask(absurd)
    _note(desk, plan, verdict.unit, verdict.how)
    told: dict[str, Any] = {"unit": label(verdict.unit), "why_en": verdict.why_en, "why_zh": verdict.why_zh}
    if silent:
        return
    if verdict.assumed:
        desk.findings.append(finding("unit-assumed", desk.layer, column=plan.column, found=plan.title, **told))
    elif verdict.how == "plausible" and verdict.unit != plan.base:
        desk.findings.append(finding("unit-guessed", desk.layer, column=plan.column, found=plan.title, **told))
    if verdict.assumed or (verdict.how == "plausible" and verdict.unit != plan.base):
        desk.guessed.append(
            {
                "what": f"unit of {plan.column}",
                "value": verdict.unit,
                "why_en": verdict.why_en,
                "why_zh": verdict.why_zh,
            }
        )


def _constants(desk: _Desk, constants: Mapping[str, object]) -> None:
    table = columns(desk.layer).set_index("column", drop=False)
    for column, value in constants.items():
        _require_column(desk.layer, table, column)
        row = table.loc[column]
        plan = _Plan(column, column, str(row["type"]), str(row["unit"]), str(row["kind"]), "given")
        cells = pd.Series([value] * len(desk.frame), index=desk.frame.index)
        side = _Desk(desk.layer, pd.DataFrame({column: cells}), desk.ids)
        if plan.type == "number":
            numbers, behind = values.to_numbers(cells)
            desk.done[column] = amounts.to_base_units(numbers, behind, plan.base, plan.base)[0]
        else:
            desk.done[column] = _convert(side, plan)
        if len(cells) and desk.done[column].isna().all():
            raise SchemaError(
                f'{desk.layer}.{column}: the constant "{value}" cannot be read as {plan.type}.',
                f"{desk.layer}.{column}：常量“{value}”无法读作 {plan.type}。",
            )
        desk.columns[column] = {"title": None, "unit": plan.base or None, "how": "given", "unit_how": None}


def _assemble(desk: _Desk, plans: Sequence[_Plan]) -> pd.DataFrame:
    """Put canonical columns first, then all others under their own titles, geometry last."""
    used = {plan.title for plan in plans if plan.column in desk.done}
    shape = _geometry_name(desk.frame)
    order = [column for column in columns(desk.layer)["column"] if column in desk.done]
    parts: dict[Hashable, Any] = {column: desk.done[column] for column in order}
    for title in map(str, desk.frame.columns):
        if title != shape and title not in used:
            parts[f"{title}（原）" if title in parts else title] = desk.frame[title]
    result: pd.DataFrame = pd.DataFrame(parts, index=desk.frame.index)
    if shape is not None:
        result = gpd.GeoDataFrame(result, geometry=gpd.GeoSeries(desk.frame.geometry).rename("geometry"))
    attrs = {key: value for key, value in desk.frame.attrs.items() if key not in ("aliases", "notes", "cut_titles")}
    earlier = attrs.get("findings") or []
    result.attrs = attrs | {
        "layer": desk.layer,
        "columns": desk.columns,
        "guessed": [*(attrs.get("guessed") or []), *desk.guessed],
        "findings": [*earlier, *concat(desk.findings).to_dict("records")],
    }
    return result
