"""Write the pages that are made from the program itself, so that they cannot lie.

    python docs/make.py          (a test fails where a page is stale)

cli.md from the commands, project.md from the keys of the project file, layers.md from the column tables,
indicators.md from the catalogue, policies.md from the documents on board, findings.md from the table of codes,
glossary.md from terms.csv and the titles in every table, api.md from the public names, adr/README.md from its notes.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

import click

import cli
from geo.indicators import catalogue
from geo.labels import labels
from geo.standards import Policy, policies, policy, statistics
from geo.telling.clauses import asked_text, bound_text, verdict_text
from layers.findings import codes
from layers.project import LAYER_KEYS, keys
from layers.raster_keys import RASTER_KEYS
from layers.roles import LAYERS, RASTERS
from layers.titles import columns

FOLDER = Path(__file__).parent


def pages() -> dict[str, str]:
    """Return every made page: file name → text."""
    return {
        "cli.md": commands(),
        "project.md": project(),
        "layers.md": layers(),
        "indicators.md": indicators(),
        "policies.md": documents(),
        "findings.md": findings(),
        "glossary.md": glossary(),
        "api.md": names(),
        "adr/README.md": notes(),
    }


def commands() -> str:
    """One section a command: what it does, its usage and options, an example."""
    lines = [
        "# Commands",
        "",
        "Machine output goes to stdout, words and progress to stderr. Exit codes: 0 done, 1 findings that block,",
        "2 wrong call or wrong project file, 3 cannot read a source.",
    ]
    for name, command in _walk(cli.main, "parkwise"):
        text, _, example = (command.help or "").partition("Example: ")
        lines += ["", f"## {name}", "", re.sub(r"\s+", " ", text).strip(), "", "| option | |", "| --- | --- |"]
        for option in command.params:
            if isinstance(option, click.Option):
                names = ", ".join(f"`{one}`" for one in option.opts)
                lines.append(f"| {names} | {_cell(option.help or '')} |")
        lines += ["", "```sh", example.strip(), "```"]
    return "\n".join(lines) + "\n"


def _walk(group: click.Group, prefix: str) -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for name, command in sorted(group.commands.items()):
        whole = f"{prefix} {name}"
        found += _walk(command, whole) if isinstance(command, click.Group) else [(whole, command)]
    return found


def project() -> str:
    """Every key of the project file with its type, default and meaning."""
    lines = ["# The project file", "", "Unknown keys are errors that name the nearest known one.", ""]
    lines += ["| key | type | default | 含义 | meaning |", "| --- | --- | --- | --- | --- |"]
    for key in keys().values():
        kind = " \\| ".join(key.choices) if key.choices else key.type
        kind += "" if key.at_least == -math.inf else f", {key.at_least:g} to {key.at_most:g}"
        default = "" if key.default in (None, []) else f"`{key.default}`"
        lines.append(f"| `{key.name}` | {kind} | {default} | {_cell(key.label_zh)} | {_cell(key.label_en)} |")
    lines += ["", f"Each `[layers.NAME]` may say: {', '.join(f'`{key}`' for key in LAYER_KEYS)}."]
    lines += ["`query` and `bbox` are for databases, `encoding` for files: see [postgis.md](postgis.md)."]
    lines += ["", "Rasters are one file each, see [rasters.md](rasters.md):", "", "| raster | keys |", "| --- | --- |"]
    lines += [f"| `{name}` | {', '.join(f'`{key}`' for key in RASTER_KEYS[name])} |" for name in RASTERS]
    return "\n".join(lines) + "\n"


def layers() -> str:
    """Every canonical column with its unit and the titles it is found by."""
    lines = ["# Layers and their columns", ""]
    lines += ["Real files load without a mapping when a column bears one of these titles."]
    for layer in LAYERS:
        lines += ["", f"## {layer}", ""]
        lines += ["| column | type | unit | 名称 | found by |", "| --- | --- | --- | --- | --- |"]
        for row in columns(layer).to_dict("records"):
            need = " (required)" if row["required"] == "yes" else ""
            titles = _cell(str(row["aliases"]).replace("|", ", "))
            lines.append(f"| `{row['column']}`{need} | {row['type']} | {row['unit']} | {row['label_zh']} | {titles} |")
    return "\n".join(lines) + "\n"


def indicators() -> str:
    """Every indicator: what is divided by what, over which rows, from which source."""
    lines = ["# Indicators", "", "An indicator is a ratio of two sums: sum, then divide once.", ""]
    lines += ["| id | 名称 | unit | definition | source |", "| --- | --- | --- | --- | --- |"]
    for entry in catalogue().values():
        cells = (f"`{entry.id}`", entry.title_zh, entry.unit_label, entry.definition_en, entry.source_en)
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def documents() -> str:
    """Every document on board clause by clause, and the statistics a project may report."""
    lines = [
        "# Policy documents",
        "",
        "Figures as printed. Below each document stands what its text leaves open, and the reading that figures are",
        "held by: a stated assumption, which no setting changes, unless a key of the project file or an option stands",
        "beside it. Each document has an id; the terminal shows the same, and with `--json` the other readings too:",
        "",
        "```sh",
        "parkwise policy list",
        f"parkwise policy show {policies()[0]}",
        f"parkwise policy show {policies()[0]} --json",
        "```",
        "",
        "What to do with them: [rule-book.md](rule-book.md).",
    ]
    for one in map(policy, policies()):
        ends = [f"{word} {day}" for word, day in (("repealed", one.repealed_on), ("lapsed", one.lapsed_from)) if day]
        told = "; ".join([f"in force from {one.in_force_from}", *ends, one.status_en])
        lines += ["", f"## {one.id}", "", f"{one.title} {one.number or ''} · {one.title_en} ({told}).", ""]
        lines += [
            "| id | clause | 条目 | about | asked | whom, by when | in our words |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        for clause in one.clauses:
            asked = asked_text(clause, "en") or ("" if clause.verdict is None else verdict_text(clause.verdict, "en"))
            about = clause.about
            cells = (clause.id, clause.clause, about.title_zh, about.title_en, asked, bound_text(clause, "en"),
                     clause.description_en)  # fmt: skip
            lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
        lines += _left_open(one)
    lines += [
        "",
        "## Statistics",
        "",
        "What a table `[layers.statistics]` may report, by id or title. Figures are kept in the unit",
    ]
    lines += ["beside it; a table may bear any unit of the same kind (亿元, 亩, %), and a plain number needs none.", ""]
    lines += ["| id | 名称 | title | unit |", "| --- | --- | --- | --- |"]
    for known in statistics().values():
        if known.unit:
            unit = "share" if known.percent else known.unit
            lines.append(f"| `{known.id}` | {known.title_zh} | {known.title_en} | {unit} |")
    return "\n".join(lines) + "\n"


def _left_open(one: Policy) -> list[str]:
    """What a document leaves open, the reading assumed, and what decides instead."""
    rows = [
        (clause.id, question.question_en, question.reading("en"), question.set_by or "")
        for clause in one.clauses
        for question in clause.open
    ]
    head = ["", "| id | left open | read as | set by |", "| --- | --- | --- | --- |"]
    return [*head, *("| " + " | ".join(map(_cell, row)) + " |" for row in rows)] if rows else []


def findings() -> str:
    """Every code of the findings table, with its page."""
    lines = [
        "# Findings",
        "",
        "What `parkwise check` and every other command tell about data, by code; each code has a page with an example,",
    ]
    lines += [
        "what to do, and whether `parkwise repair` mends it. A finding that blocks ends the command with exit code 1.",
        "",
    ]
    lines += ["| code | severity | 问题 | what is found | mended by `repair` |", "| --- | --- | --- | --- | --- |"]
    mended = {"safe": "yes", "unsafe": "no, it needs a decision", "none": "no"}
    for one in sorted(codes().values(), key=lambda one: one.code):
        severity = f"{one.severity}, blocks" if one.blocks else one.severity
        cells = (
            f"[{one.code}](checks/{one.code}.md)",
            severity,
            one.title["zh"],
            one.title["en"],
            mended[one.remedy_is],
        )
        lines.append("| " + " | ".join(map(_cell, cells)) + " |")
    return "\n".join(lines) + "\n"


#: Words of outputs that are terms of the field: sections of the glossary, by the keys of labels.csv they open with.
WORDS = {
    "Levels and roles · 层级与角色": ("level.", "role.", "park_level.", "zone_type."),
    "Evidence · 低效用地线索": ("evidence.",),
    "Potentials of the survey · 集约利用潜力": ("potential.",),
}


def glossary() -> str:
    """Terms in Chinese and English: those explained in terms.csv, then the titles of every table."""
    lines = [
        "# Glossary · 词汇表",
        "",
        "The first table explains; the others pair the words as outputs print them.",
        "",
    ]
    lines += ["| 中文 | English | |", "| --- | --- | --- |"]
    with (FOLDER / "terms.csv").open(encoding="utf-8") as file:
        lines += ["| " + " | ".join(_cell(cell) for cell in row.values()) + " |" for row in csv.DictReader(file)]
    lines += _pairs("Indicators · 指标", ((one.title_zh, one.title_en) for one in catalogue().values()))
    for title, starts in WORDS.items():
        told = (words for key, words in labels().items() if key.startswith(starts) and "{" not in words["zh"])
        lines += _pairs(title, ((words["zh"], words["en"]) for words in told))
    for layer in LAYERS:
        rows = columns(layer).to_dict("records")
        lines += _pairs(f"Columns of {layer}", ((str(row["label_zh"]), str(row["label_en"])) for row in rows))
    lines += _pairs("Statistics · 统计指标", ((one.title_zh, one.title_en) for one in statistics().values()))
    return "\n".join(lines) + "\n"


def _pairs(title: str, words: Iterable[tuple[str, str]]) -> list[str]:
    rows = [f"| {_cell(zh)} | {_cell(en)} |" for zh, en in dict.fromkeys(words)]
    return ["", f"## {title}", "", "| 中文 | English |", "| --- | --- |", *rows]


def names() -> str:
    """Every public name of the two wings; mkdocstrings puts the docstring in its place."""
    lines = [
        "# Python",
        "",
        "The names other people's scripts may rely on. `import layers, geo` loads nothing; each name is loaded when",
    ]
    lines += [
        "it is first used. Notebooks show them at work; within a Python prompt `help(geo.plot_ratio)` prints the same."
    ]
    for wing in ("layers", "geo"):
        package = import_module(wing)
        lines += ["", f"## {wing}", ""]
        for name in package.__all__:
            found = getattr(package, name)
            lines += [
                f"::: {found.__module__}.{found.__qualname__}",
                f'    options: {{heading: "{wing}.{name}", toc_label: "{wing}.{name}"}}',
                "",
            ]
    return "\n".join(lines).rstrip() + "\n"


def notes() -> str:
    """The decision notes, by their headings."""
    lines = [
        "# Decisions · 决策记录",
        "",
        "Half a page each: why a decision was needed, what was decided, what it costs.",
        "",
    ]
    pages = {page.name: page.read_text("utf-8").splitlines()[0] for page in sorted((FOLDER / "adr").glob("0*.md"))}
    lines += [f"- [{title.lstrip('# ')}]({name})" for name, title in pages.items()]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    for page, made in pages().items():
        (FOLDER / page).write_text(made, encoding="utf-8")
