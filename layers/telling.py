"""Words for a terminal: tables in which Chinese lines up, and what a file or a project is.

Turns documents that others made into text. Knows no file and no figure.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["in_chinese", "info_text", "table_text"]


def table_text(titles: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[int] = ()) -> str:
    """Lay out rows under titles; Chinese characters count two columns.

    Examples
    --------
    >>> print(table_text(["园区", "mu"], [["甲", "1.50"], ["A", "12.00"]], right=[1]))
    园区     mu
    甲     1.50
    A     12.00
    """
    cells = [[str(cell) for cell in row] for row in (titles, *rows)]
    widths = [max(_width(row[i]) for row in cells) for i in range(len(titles))]
    lines = [
        "  ".join(
            _padded(cell, width, left=i not in right) for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    return "\n".join(line.rstrip() for line in lines)


def in_chinese(why: str) -> str:
    """Return the reason for a role, which names titles and words of files, in Chinese."""
    for en, zh in (
        ("neither the name nor the columns tell", "名称和字段都看不出用途"),
        ("the name does not tell", "名称看不出用途"),
        ("looks like", "像是"),
        (", but has no areas", "，但没有面图形"),
        ("could be", "可能是"),
        (" or ", " 或 "),
        ("name contains", "名称含"),
        ("columns", "字段"),
        ("geometry only", "仅凭几何"),
        ("name of the file", "按文件名"),
    ):
        why = why.replace(en, zh)
    return why.replace("; ", "；")


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _padded(text: str, width: int, *, left: bool) -> str:
    blank = " " * (width - _width(text))
    return text + blank if left else blank + text


def info_text(document: Mapping[str, Any], language: str = "zh") -> str:
    """Write what `layers.info` or a project says of itself."""
    return _project(document, language) if "settings" in document else _file(document, language)


_WORDS = {
    "rows": ("行", "rows"),
    "crs": ("坐标系", "CRS"),
    "encoding": ("编码", "encoding"),
    "extent": ("范围", "extent"),
    "title": ("字段", "title"),
    "type": ("类型", "type"),
    "canonical": ("标准字段", "canonical"),
    "unit": ("单位", "unit"),
    "example": ("示例", "example"),
    "role": ("用途推定", "role (guess)"),
    "twice": ("重复的字段名", "titles that stand twice"),
    "value": ("取值", "value"),
    "origin": ("来源", "origin"),
    "key": ("设置", "setting"),
    "layer": ("图层", "layer"),
    "source": ("文件", "source"),
}


def _word(key: str, language: str) -> str:
    return _WORDS[key][1 if language == "en" else 0]


def _file(document: Mapping[str, Any], language: str) -> str:
    kinds = document["format"]
    parts = [f"{document['path']}  ({kinds if isinstance(kinds, str) else ', '.join(kinds)})"]
    parts += [_layer(layer, language) for layer in document.get("layers", [])]
    if "raster" in document:
        parts.append("\n".join(f"  {name}: {value}" for name, value in document["raster"].items()))
    return "\n\n".join(parts)


def _layer(layer: Mapping[str, Any], language: str) -> str:
    where = f"  ← {layer['source']}" if layer.get("source") else ""
    if "problem" in layer:
        return f"[{layer['name']}]{where}\n  {layer['problem_zh' if language == 'zh' else 'problem']}"
    lines = [f"[{layer['name']}]  {layer['rows']} {_word('rows', language)}, {layer.get('geometry') or '—'}{where}"]
    crs = layer.get("crs") or {}
    if crs:
        told = crs.get("used") or crs.get("declared") or "—"
        reason = crs.get("reason_zh" if language == "zh" else "reason_en") or crs.get("reason") or ""
        lines.append(f"  {_word('crs', language)}: {told}  {reason}".rstrip())
    encoding = layer.get("encoding") or {}
    if encoding.get("value"):
        lines.append(f"  {_word('encoding', language)}: {encoding['value']} ({encoding.get('how')})")
    if layer.get("extent"):
        lines.append(f"  {_word('extent', language)}: {', '.join(_edge(float(edge)) for edge in layer['extent'])}")
    if layer.get("role"):
        role = layer["role"]
        why = role["why"] if language == "en" else in_chinese(role["why"])
        lines.append(f"  {_word('role', language)}: {role['guess'] or '—'} ({why})")
    if layer.get("duplicate_titles"):
        lines.append(f"  {_word('twice', language)}: {', '.join(layer['duplicate_titles'])}")
    names = ("title", "type", "canonical", "unit", "example")
    rows = [[_cell(column.get(name)) for name in names] for column in layer.get("columns", [])]
    if rows:
        table = table_text([_word(name, language) for name in names], rows)
        lines += ["", *(f"  {line}" for line in table.splitlines())]
    for found in layer.get("findings", []):
        lines.append(f"  ! {found.get('code')}: {found.get('found')}")
    return "\n".join(lines)


def _edge(value: float) -> str:
    """Degrees with six decimals, metres with two, so that nothing of a coordinate is lost."""
    shown = f"{value:.6f}" if abs(value) <= 360 else f"{value:,.2f}"
    return shown.removeprefix("-") if float(shown.replace(",", "")) == 0 else shown


def _cell(value: object, limit: int = 40) -> str:
    """One line of at most `limit` characters; control characters never reach a terminal."""
    text = "" if value is None else str(value)
    text = "".join(char if char.isprintable() else " " for char in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _project(document: Mapping[str, Any], language: str) -> str:
    settings = [
        [name, _cell(one["value"]), one["origin"], _cell(one.get("why", ""))]
        for name, one in document["settings"].items()
    ]
    sources = [
        [name, _cell(", ".join(one["source"]), 80), one["origin"], _cell(one.get("why", ""), 60)]
        for name, one in document["sources"].items()
    ]
    first = table_text([_word("key", language), _word("value", language), _word("origin", language), ""], settings)
    second = table_text([_word("layer", language), _word("source", language), _word("origin", language), ""], sources)
    read = [_read(name, one["read"], language) for name, one in document["sources"].items() if one.get("read")]
    return "\n\n".join([str(document["project"]), first, second, *read])


def _read(name: str, read: Mapping[str, Any], language: str) -> str:
    """What was settled when a layer was read: CRS, encoding, and where each column comes from."""
    crs, source = read.get("crs") or {}, read.get("source") or {}
    told = [f"[{name}]"]
    told += [f"  {_word('crs', language)}: {crs['used']}"] if crs.get("used") else []
    told += [f"  {_word('encoding', language)}: {source['encoding']}"] if source.get("encoding") else []
    rows = [
        [column, _cell(one.get("title")), one.get("unit") or "", one.get("how") or ""]
        for column, one in (read.get("columns") or {}).items()
    ]
    titles = [
        _word("canonical", language),
        _word("title", language),
        _word("unit", language),
        _word("origin", language),
    ]
    told += [f"  {line}" for line in table_text(titles, rows).splitlines()] if rows else []
    return "\n".join(told)
