"""Chapter 数据来源与口径: which files, read how; what the law leaves open; for the annex every setting with its origin.

What no document defines (集聚度, 工业用地, which boundary, which tax over which land) is a reading, and is
printed as one, never in a footnote.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from geo import standards
from geo.land_use import system
from geo.report.cells import DASH, Desk, count_text, plain_rows
from geo.report.parts import Block, Cell, Column, Paragraph, Section, Table
from geo.storeys import storey_heights
from geo.telling.clauses import reading_text
from layers.project import Setting, keys
from layers.roles import LAYERS, SOURCES
from layers.schema import columns

__all__ = ["column_name", "layer_name", "provenance", "settings"]


def provenance(desk: Desk) -> Section:
    """Write the chapter."""
    sources = [table for table in (_sources(desk), _guesses(desk)) if table is not None]
    parts = [
        Section("sources", desk.say("sec_sources"), tuple(sources)),
        Section("readings", desk.say("sec_readings"), _readings_told(desk)),
        _open(desk),
    ]
    return Section("provenance", desk.say("ch_provenance"), sections=tuple(part for part in parts if part is not None))


def settings(desk: Desk) -> Section:
    """Write the section of the annex on the settings of the run, each with its origin."""
    return Section("settings", desk.say("sec_settings"), (Paragraph(desk.say("settings_lead")), _settings(desk)))


def _readings_told(desk: Desk) -> tuple[Block, ...]:
    return (Paragraph(desk.say("readings_lead")), _readings(desk), Paragraph(desk.say("settings_where"), "note"))


def layer_name(desk: Desk, layer: str) -> str:
    """Return the word for a layer; one without a word stands under its own name."""
    return desk.say(f"layer_{layer}") if layer in _NAMED else layer


def column_name(desk: Desk, layer: str, column: str) -> str:
    """Return the word for a canonical column; any other stands under its own name."""
    if layer not in LAYERS:
        return column
    table = columns(layer).set_index("column")
    title = table[desk.pick("label_zh", "label_en")].get(column)
    return column if title is None else str(title)


_NAMED = frozenset(SOURCES)


def _sources(desk: Desk) -> Table:
    project, ledger = desk.assessment.project, desk.assessment.ledger
    names = list(dict.fromkeys([*ledger, *project.sources]))
    rows = [_source(desk, name, ledger.get(name, {})) for name in names]
    titles = (("layer", 0.8), ("file", 2.0), ("format", 1.0), ("encoding", 0.9), ("records", 0.8), ("crs", 1.7))
    return Table(
        "sources",
        desk.say("tab_sources"),
        tuple(Column(desk.say(f"col_{t}"), "right" if t == "records" else "left", wide) for t, wide in titles),
        plain_rows(rows),
        desk.line(desk.say("src_sources"), area=False),
    )


def _source(desk: Desk, name: str, entry: Mapping[str, Any]) -> list[str]:
    stated = desk.assessment.project.sources.get(name)
    source: Mapping[str, Any] = entry.get("source") or {}
    paths = source.get("paths") or ([] if stated is None else [str(path) for path in stated.source])
    inner = source.get("layer") or (stated.layer if stated is not None else None)
    file = desk.join([Path(str(path)).name for path in paths]) or DASH
    return [
        layer_name(desk, name),
        f"{file} · {inner}" if inner and inner != Path(file).stem else file,
        str(source.get("format") or DASH),
        str(source.get("encoding") or DASH),
        count_text(source.get("rows", entry.get("read", 0))) if entry else DASH,
        _crs(desk, entry.get("crs") or {}),
    ]


def _crs(desk: Desk, crs: Mapping[str, Any]) -> str:
    used = crs.get("used")
    if not used:
        return DASH
    how = desk.say(f"crs_{crs['how']}") if crs.get("how") in {"declared", "given", "proposed"} else str(crs.get("how"))
    return desk.pick(f"{used}（{how}）", f"{used} ({how})")


def _guesses(desk: Desk) -> Table | None:
    rows = [
        [
            layer_name(desk, name),
            _what(desk, str(guess.get("what", ""))),
            str(guess.get("value", "")),
            str(guess.get(desk.pick("why_zh", "why_en"), "")),
        ]
        for name, entry in desk.assessment.ledger.items()
        for guess in _dicts(entry.get("guessed"))
    ]
    if not rows:
        return None
    titles = (("layer", 0.7), ("what", 1.0), ("guess", 1.2), ("why", 3.0))
    return Table(
        "guesses",
        desk.say("tab_guesses"),
        tuple(Column(desk.say(f"col_{title}"), wide=wide) for title, wide in titles),
        plain_rows(rows),
        desk.line(desk.say("src_guesses"), area=False),
    )


def _what(desk: Desk, what: str) -> str:
    """Word for what was judged; a column's unit and the like stand as reading told them."""
    return desk.say(f"what_{what}") if what in {"encoding", "crs", "datum"} else what


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _readings(desk: Desk) -> Table:
    """What every figure rests on, in words."""
    rows = [(desk.say(f"read_{key}"), text) for key, text in _rules(desk).items() if text]
    return Table(
        "readings",
        desk.say("tab_readings"),
        (Column(desk.say("col_item"), wide=0.6), Column(desk.say("col_reading"), wide=3.0)),
        plain_rows(rows),
        desk.line(desk.say("src_readings"), area=False),
    )


def _rules(desk: Desk) -> dict[str, str]:
    a, project = desk.assessment, desk.assessment.project
    use = system(project.text("land_use.system") or "third-survey")
    classes = desk.join(project.texts("land_use.industrial") or use.industrial)
    area = project.text("project.area") or "tdt1055"
    return {
        "ratio": desk.say("rule_ratio"),
        "area": desk.say("rule_area", area=desk.word(f"area.{area}")),
        "crs": desk.say("rule_crs", crs=a.land.parcels.crs.to_string()) if a.land and a.land.parcels.crs else "",
        "industrial": desk.say("rule_industrial", system=desk.pick(use.label_zh, use.label_en), classes=classes)
        if use.name != "names" or desk.language == "zh"
        else desk.say(
            "rule_industrial_names", count=count_text(len(project.texts("land_use.industrial") or use.industrial))
        ),
        "inside": desk.say("rule_inside", overlap=desk.word(f"overlap.{project.text('project.overlap') or 'error'}")),
        "buildings": desk.say(
            "rule_buildings",
            whole=f"{project.number('buildings.whole_from') or 0.9:.0%}",
            storey=_storeys_taken(desk),
            tall=f"{project.number('buildings.tall_storey_m') or 8.0:g}",
        ),
        "firms": _firms_rule(desk),
        "missing": desk.say("rule_missing"),
    }


def _storeys_taken(desk: Desk) -> str:
    """The storey height taken where none is known, and in brackets by use."""
    setting = desk.assessment.project.settings["buildings.storey_height_m"]
    stated = desk.assessment.project["buildings.storey_heights"]
    by_use = dict(stated) if isinstance(stated, dict) else {}
    if setting.origin == "default":
        by_use |= {desk.say(f"storeys_{row.use}"): row.storey_height_m for row in storey_heights()}
    told = desk.join([f"{use} {metres:g}" for use, metres in by_use.items()])
    return f"{setting.value:g}" + (desk.pick(f"（{told}）", f" ({told})") if told else "")


def _firms_rule(desk: Desk) -> str:
    firms = desk.assessment.firms
    if firms is None:
        return ""
    told = desk.say("rule_firms")
    if firms.year is not None:
        told += desk.say("rule_year", year=firms.year, others=count_text(firms.other_years))
    return told


def _settings(desk: Desk) -> Table:
    rows = [
        [
            desk.pick(keys()[name].label_zh, keys()[name].label_en) if name in keys() else name,
            name,
            _shown(desk, name, setting),
            desk.word(f"origin.{setting.origin}") if setting.origin in _ORIGINS else setting.origin,
            setting.reason(desk.language),
        ]
        for name, setting in desk.assessment.project.settings.items()
    ]
    titles = [("setting", 1.6), ("key", 1.6), ("value", 1.2), ("origin", 0.7), ("why", 1.0)]
    if not any(row[-1] for row in rows):
        rows, titles = [row[:-1] for row in rows], titles[:-1]
    return Table(
        "settings",
        desk.say("tab_settings"),
        tuple(Column(desk.say(f"col_{title}"), wide=wide) for title, wide in titles),
        plain_rows(rows),
        desk.line(desk.say("src_settings"), area=False),
    )


_ORIGINS = frozenset(("flag", "file", "guess", "default"))


def _shown(desk: Desk, name: str, setting: Setting) -> str:
    value = setting.value
    if value is None or value in ("", []):
        return desk.say("unset")
    if isinstance(value, bool):
        return desk.say("yes" if value else "no")
    if isinstance(value, (list, tuple)):
        return desk.join([str(item) for item in value])
    group = {"project.area": "area", "project.overlap": "overlap"}.get(name)
    if group is not None:
        return f"{value} · {desk.word(f'{group}.{value}')}"
    return value.isoformat() if isinstance(value, date) else str(value)


def _open(desk: Desk) -> Section | None:
    """What the documents leave open about the figures of this report, and how it was read."""
    have = set(desk.figures["id"])
    rows: list[list[str | Cell]] = [
        [
            f"{desk.document(policy.id)} {clause.clause}",
            desk.pick(clause.description_zh, clause.description_en),
            desk.pick(one.question_zh, one.question_en),
            Cell(reading_text(one, desk.language)),
            desk.join([words[desk.language] for name, words in one.options.items() if name != one.assumed]) or DASH,
        ]
        for policy in map(standards.policy, desk.assessment.project.texts("project.policies"))
        for clause in policy.clauses
        if clause.indicator in have
        for one in clause.open
    ]
    if not rows:
        return None
    titles = (("clause", 1.0), ("asks", 1.3), ("question", 1.2), ("assumed", 1.5), ("other_readings", 1.4))
    table = Table(
        "open",
        desk.say("tab_open"),
        tuple(Column(desk.say(f"col_{title}"), wide=wide) for title, wide in titles),
        plain_rows(rows),
        desk.line(desk.say("src_open"), area=False),
    )
    return Section("open-questions", desk.say("sec_open"), (Paragraph(desk.say("open_lead")), table))
