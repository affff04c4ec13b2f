"""The front door: parses, calls, prints. No computing.

Machine output goes to stdout, words and progress to stderr. Exit codes: 0 done, 1 findings that block,
2 wrong call or wrong project file, 3 cannot read a source. Heavy libraries are imported where a command
needs them, so `parkwise --help` answers at once.
"""

from __future__ import annotations

import functools
import gc
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

if TYPE_CHECKING:
    import pandas as pd

    from geo.assessment import Assessment
    from geo.planned import Planned
    from geo.report.postgis import Target
    from layers.intake import Intake
    from layers.project import Project
    from layers.store import Store

__all__ = ["main"]

LEVELS = ("city", "zones", "district", "zone", "park", "parcel", "enterprise")


class _Command(click.Command):
    """A command whose expected errors become one clear message and an exit code, never a traceback."""

    def invoke(self, context: click.Context) -> Any:  # noqa: ANN401  (as click has it)
        from layers.errors import ParkwiseError
        from layers.threads import cores

        verbose, quiet = context.params.pop("verbose"), context.params.pop("quiet")
        context.obj = voice = _Voice(verbose - quiet, _language(context))
        context.call_on_close(voice.display.close)
        try:
            cores()  # a wrong PARKWISE_CORES is told before any work
            return super().invoke(context)
        except ParkwiseError as error:
            voice.display.close()
            click.echo(f"parkwise: {error.text(_language(context))}", err=True)
            context.exit(error.exit_code)
        except KeyboardInterrupt:
            voice.display.close()
            click.echo("parkwise: 已中止，未留下不完整的文件 / stopped, nothing half written", err=True)
            context.exit(2)


def _language(context: click.Context) -> str:
    return context.params.get("lang") or ("en" if os.environ.get("LANG", "").startswith("en") else "zh")


class _Group(click.Group):
    command_class = _Command
    group_class = type  # groups in it are of its own kind


_Decorator = Callable[[Callable[..., None]], Callable[..., None]]


class _Place(click.ParamType):  # type: ignore[type-arg]
    """A path, or an address: of a converted project in an object store, of a database."""

    name = "project"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | Path:  # noqa: ANN401, ARG002
        """Keep an address as it is: a path would lose a slash of it."""
        return value if "://" in value else Path(value)


_project = click.argument("project", type=_Place())


_lang = click.option(
    "--lang", type=click.Choice(["zh", "en"]), help="Language of words and reports (default: the project's)."
)
_set = click.option(
    "--set", "flags", multiple=True, metavar="KEY=VALUE", help="Any key of the project file; may be repeated."
)
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
_overwrite = click.option("--overwrite", is_flag=True, help="Replace files that are there already.")
_public = click.option(
    "--public",
    is_flag=True,
    help="For what leaves the house: no firm or owner is named, figures of few firms are withheld, parcels lie on a "
    "coarse grid (settings [public]).",
)
_verbose = click.option("-v", "--verbose", count=True, help="Say more on stderr.")
_quiet = click.option("-q", "--quiet", count=True, help="Say less on stderr.")


def _shared(*options: _Decorator) -> _Decorator:
    """Give a command its options, the ones of all commands last."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        every: tuple[_Decorator, ...] = (*options, _lang, _verbose, _quiet)
        for option in reversed(every):
            function = option(function)
        return function

    return decorate


@dataclass(frozen=True)
class _Call:
    """What a command that measures was asked."""

    path: str | Path
    flags: tuple[str, ...]
    lang: str | None
    scheduler: str | None = None
    workers: int | None = None
    work: Path | None = None


def _measuring(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command a project, settings, and the options that say where its batches run, all as one `_Call`."""

    @click.argument("project", type=_Place())
    @_set
    @click.option(
        "--scheduler",
        metavar="threads|processes|tcp://HOST:PORT",
        help="Work batch by batch, in threads, in processes, or on a dask cluster "
        "(default: at once, in memory; a converted project in processes).",
    )
    @click.option("--workers", type=click.IntRange(min=1), help="So many batches at once (default: one a core).")
    @click.option(
        "--work",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder that keeps finished batches: the same command goes on from there.",
    )
    @functools.wraps(function)
    def command(
        voice: _Voice,
        project: str | Path,
        flags: tuple[str, ...],
        lang: str | None,
        scheduler: str | None,
        workers: int | None,
        work: Path | None,
        **others: object,
    ) -> None:
        function(voice, _Call(project, flags, lang, scheduler, workers, work), **others)

    return command


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="parkwise", prog_name="parkwise")
def main() -> None:
    """产业用地分析工具 / From a folder of real layers to a land report.

    PROJECT is a project file (TOML), or a folder of data: then the files are looked at, and what was
    guessed is printed.
    """
    # A city is millions of small objects and hardly a circle among them: looking for circles as often as Python does
    # by default takes a twentieth of the time.
    gc.set_threshold(100_000, 20, 20)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # A pipe gets UTF-8; a console keeps its code page and loses no run to a character it lacks.
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")


class _Line(logging.Formatter):
    """A line of the log; who writes one for users gives its Chinese along: ``extra={"zh": …}``."""

    def __init__(self, language: str) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")
        self._language = language

    def format(self, record: logging.LogRecord) -> str:
        """Return the line in the user's language."""
        zh = getattr(record, "zh", None)
        return str(zh) if zh is not None and self._language == "zh" else super().format(record)


class _Voice:
    """Words on stderr, as loud as -v and -q ask."""

    def __init__(self, level: int, language: str) -> None:
        from layers.progress import Display

        self.level = level
        self.display = Display(sys.stderr if level >= 0 else None)
        lines = logging.StreamHandler()
        lines.setFormatter(_Line(language))
        logging.basicConfig(level=logging.WARNING - 10 * level, handlers=[lines])

    def say(self, words: str) -> None:
        """Print unless quiet."""
        if self.level >= 0:
            self.display.clear()
            click.echo(words, err=True)

    def step(self, fraction: float, message: str) -> None:
        """Show how far a long command is."""
        self.display.stage(fraction, message)

    def within(self, start: float, stop: float) -> Callable[[float, str], None]:
        """Return `step` for a part of the command."""
        return lambda fraction, message: self.step(start + fraction * (stop - start), message)

    def parcels(self, done: int, total: int) -> None:
        """Show how many parcels are done."""
        self.display.count("parcels", done, total)


def _table(flags: Iterable[str], lang: str | None) -> dict[str, str]:
    """Settings given on the command line."""
    from layers.errors import ProjectError

    table: dict[str, str] = {}
    for flag in flags:
        key, equals, value = flag.partition("=")
        if not equals:
            raise ProjectError(f"--set {flag}: expected KEY=VALUE.", f"--set {flag}：应为 KEY=VALUE。")
        table[key.strip()] = value.strip()
    return table | ({} if lang is None else {"project.language": lang})


def _require_project(path: str | Path) -> None:
    """Refuse the address of a database in place of a project: it does not say which table is which layer."""
    from layers.database import is_database, require_address
    from layers.errors import ProjectError

    if is_database(path):
        require_address(str(path))
        raise ProjectError(
            f"{path}: a database is no project. Name its tables in a project file "
            f'([layers.parcels] source = "{path}", layer = "schema.table"), and give that file.',
            f"{path}：数据库不是项目。请在项目文件中写明各图层的表"
            f"（[layers.parcels] source = “{path}”，layer = “模式.表”），再给出该文件。",
        )


def _load(path: str | Path, flags: Iterable[str], lang: str | None, voice: _Voice) -> Project:
    from layers.propose import open_project

    _require_project(path)
    project = open_project(path, _table(flags, lang))
    for source in project.sources.values():
        if source.origin == "guess":
            files = ", ".join(str(item) for item in source.source)
            voice.say(f"  {source.name:<12} ← {files}   ({source.reason(project.language)})")
    for en, zh in project.left_out:
        voice.say(f"  – {en if project.language == 'en' else zh}")
    return project


def _gather(project: Project, voice: _Voice, *, mend: bool = True) -> Intake:
    from layers.intake import gather

    intake = gather(project, mend=mend, progress=voice.within(0.0, 0.4))
    _guesses(intake, voice)
    return intake


def _guesses(intake: Intake, voice: _Voice) -> None:
    """Tell what nobody stated: settings, then encodings, units, CRS by layer."""
    language = intake.project.language
    for name, setting in intake.project.settings.items():
        if setting.origin == "guess":
            voice.say(f"  {name} = {setting.value}   ({setting.reason(language)})")
    why = "why_en" if language == "en" else "why_zh"
    for name, frame in intake.frames.items():
        for guess in frame.attrs.get("guessed", []):
            voice.say(f"  {name}: {guess['what']} = {guess['value']}   ({guess[why]})")


def _assess(
    call: _Call,
    voice: _Voice,
    *,
    levels: tuple[str, ...] | None = None,
    candidates: bool = False,
    checked: bool = False,
    shown: bool = False,
    rows: Path | None = None,
) -> Assessment:
    """Read, refuse what cannot be trusted, and run the chain: at once, or batch by batch.

    ``candidates`` looks for them batch by batch too; ``checked`` runs every check; ``shown`` keeps every parcel;
    ``rows`` is the folder for figures of every parcel.
    """
    from geo.assessment import DEFAULT_LEVELS, assess
    from layers.intake import inspect, refuse
    from layers.store import open_store

    _require_project(call.path)
    store = open_store(call.path)
    if store is not None or (call.scheduler, call.workers, call.work) != (None, None, None):
        asked = levels or DEFAULT_LEVELS
        return _by_batches(call, voice, store, asked, candidates=candidates, checked=checked, shown=shown, rows=rows)
    intake = _gather(_load(_here(call), call.flags, call.lang, voice), voice)
    table = inspect(intake, thorough=checked)
    refuse(table)
    _summary(table, voice, intake.project.language)
    assessment = assess(
        intake.frames,
        intake.project,
        levels=levels or DEFAULT_LEVELS,
        findings=table,
        ledger=intake.ledger,
        progress=voice.within(0.4, 0.6 if shown else 1.0),
    )
    if rows is not None and assessment.land is not None:
        from geo.parcel_rows import parcel_rows, write_rows
        from geo.renewal import tax_by_parcel

        write_rows(parcel_rows(assessment.land, tax_by_parcel(assessment.firms)), rows / "part-00000.parquet")
    return assessment


def _here(call: _Call) -> Path:
    """Return the path of a project that is still to be read: it must lie here, and on a cluster be converted before."""
    from layers.errors import ProjectError

    if isinstance(call.path, str):
        raise ProjectError(
            f"{call.path}: no converted project is there. Expected what parkwise convert wrote; "
            "other files must lie on this machine.",
            f"{call.path}：该处没有已转换的项目。应为 parkwise convert 写出的数据集；其他文件须在本机。",
        )
    if call.scheduler is not None and "://" in call.scheduler and call.work is None:
        raise ProjectError(
            f"{call.path} is not converted, and the workers of {call.scheduler} may not see this machine's files. "
            "Convert it first into a folder that all of them see (parkwise convert PROJECT -o DIR), "
            "or name such a folder with --work.",
            f"{call.path} 尚未转换，而 {call.scheduler} 的工作进程未必能看到本机文件。"
            "请先转换到各进程都能访问的文件夹（parkwise convert 项目 -o 文件夹），或用 --work 指定这样的文件夹。",
        )
    return call.path


def _by_batches(
    call: _Call,
    voice: _Voice,
    store: Store | None,
    levels: tuple[str, ...],
    *,
    candidates: bool,
    checked: bool,
    shown: bool,
    rows: Path | None,
) -> Assessment:
    """Run the chain on a converted project; another one is converted for this run."""
    from geo.batches import assess_store, write_parcels
    from geo.engine import require_scheduler
    from layers.converting import convert
    from layers.output import scratch
    from layers.store import open_store

    scheduler, workers = call.scheduler or "processes", call.workers
    require_scheduler(scheduler)
    with scratch(call.work) as made:
        if store is None:
            project = _load(_here(call), call.flags, call.lang, voice)
            tell = functools.partial(_guesses, voice=voice)
            steps = voice.within(0, 0.4)
            store = open_store(convert(project, made / "dataset", thorough=checked, gathered=tell, progress=steps))
        if store is None:
            raise RuntimeError("what was converted a line above cannot be opened")
        project = store.with_flags(_table(call.flags, call.lang))
        _summary(store.findings, voice, project.language)
        if checked:
            _say_checks(store, voice, project.language)
        assessment = assess_store(
            store,
            project,
            levels=levels,
            whole=shown,
            with_candidates=candidates,
            scheduler=scheduler,
            workers=workers,
            work=call.work,
            progress=voice.within(0.4, 0.6 if shown else 1.0),
            rows=voice.parcels,
        )
        if rows is not None:
            write_parcels(store, assessment, rows, scheduler=scheduler, workers=workers, rows=voice.parcels)
        return assessment


@contextmanager
def _parcel_rows(folder: Path | None, *, overwrite: bool) -> Iterator[Path | None]:
    """Give a folder for the figures of every parcel, where they were asked for; it appears when all are written."""
    from layers.output import new_folder

    if folder is None:
        yield None
        return
    with new_folder(folder, foreign=_no_parcel_rows, overwrite=overwrite) as work:
        yield work


def _no_parcel_rows(folder: Path) -> list[str]:
    """Name what in a folder is not of an earlier run."""
    return [path.name for path in folder.iterdir() if not path.match("part-[0-9]*.parquet")]


def _summary(table: pd.DataFrame, voice: _Voice, language: str) -> None:
    """One line a kind of finding."""
    from layers.findings import summarise

    for row in summarise(table, language).to_dict("records"):
        if row["severity"] != "note" or voice.level > 0:
            first, count = row["first_ids"], row["count"]
            ids = f" ({', '.join(first)}{', …' if count > len(first) else ''})" if first else ""
            voice.say(f"  {row['layer']}: {row['title']} [{row['code']}] × {count}{ids}")


def _say_checks(store: Store, voice: _Voice, language: str, *, asked: bool = False) -> None:
    """Say it where a dataset keeps the findings of some checks only; `asked`: though all were asked for."""
    from geo.telling.checks import checks_lines

    for line in checks_lines(store.checks, language, asked=asked):
        voice.say(f"  {line}")


def _tell(words: str, assessment: Assessment) -> None:
    """Print words on stdout; those of a public version after its rules."""
    if assessment.redaction is not None:
        click.echo(assessment.redaction.words.text(assessment.project.language) + "\n")
    click.echo(words)


def _rules_of(assessment: Assessment) -> dict[str, Any]:
    """The rules of a public version, for documents that hold a part of its results."""
    return {} if assessment.redaction is None else {"redaction": assessment.redaction.document()}


def _print_json(document: object) -> None:
    from geo.results import dumps, plain

    click.echo(dumps(plain(document)))


@main.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("parkwise-demo"), show_default=True)
@click.option(
    "--parcels", type=click.IntRange(1000, 2_000_000), default=20_000, show_default=True, help="Size of the city."
)
@click.option("--seed", type=int, default=2025, show_default=True, help="Another seed, another city.")
@_shared(_overwrite)
@click.pass_obj
def demo(voice: _Voice, output: Path, parcels: int, seed: int, overwrite: bool, lang: str | None) -> None:
    """写出示例城市（合成数据）及其完整报告 / Write an example city and the full report on it.

    Example: parkwise demo -o demo
    """
    from geo.report.run import write_report
    from layers.example import make, write

    voice.step(0.0, "example city")
    write(output / "data", make(parcels=parcels, seed=seed), overwrite=overwrite)
    assessment = _assess(_Call(output / "data" / "project.toml", (), lang), voice, checked=True, shown=True)
    made = write_report(assessment, output, overwrite=overwrite, progress=voice.within(0.6, 1.0))
    voice.say("")
    for path in made:
        voice.say(f"  {path}")
    voice.say(
        "打开 report.html 和 map.html 查看 / open report.html and map.html"
        if lang != "en"
        else "Open report.html and map.html."
    )


@main.command()
@click.argument("sources", nargs=-1, required=True, type=_Place())
@click.option("--layer", help="Look at this layer of a file, or table (schema.table) of a database, only.")
@_shared(_set, _json)
@click.pass_obj
def info(
    voice: _Voice, sources: tuple[str | Path, ...], layer: str | None, flags: tuple[str, ...], as_json: bool,
    lang: str | None,
) -> None:  # fmt: skip
    """说明文件或数据库的内容，或项目的生效设置 / Say what a file or a database is, or what a project's settings are.

    Example: parkwise info parcels.shp
    """
    from layers.inspecting import info as look

    documents = []
    for source in sources:
        path = Path() if isinstance(source, str) else source
        if path.suffix.lower() == ".toml" or (path != Path() and (path / "project.toml").is_file()):
            documents.append(_project_info(_load(path, flags, lang, voice), voice))
        else:
            documents.append(look(source, layer))
    if as_json:
        _print_json(documents[0] if len(documents) == 1 else documents)
        return
    from layers.telling import info_text

    for document in documents:
        click.echo(info_text(document, lang or "zh"))


def _project_info(project: Project, voice: _Voice) -> dict[str, Any]:
    """Every effective value and where it came from; the layers are read, since some values are told by the data."""
    from layers.errors import ParkwiseError
    from layers.intake import gather

    frames: dict[str, pd.DataFrame] = {}
    try:
        intake = gather(project, mend=False, progress=voice.step)
        project, frames = intake.project, intake.frames
    except ParkwiseError as error:
        voice.say(f"parkwise: {error.text(project.language)}")
    return {
        "project": str(project.path),
        "settings": {
            name: {"value": setting.value, "origin": setting.origin, "why": setting.reason(project.language)}
            for name, setting in project.settings.items()
        },
        "sources": {
            name: {
                "source": [str(path) for path in source.source],
                "layer": source.layer,
                "query": source.query,
                "bbox": source.bbox,
                "crs": source.crs,
                "datum": source.datum,
                "encoding": source.encoding,
                "columns": dict(source.columns),
                "constants": dict(source.constants),
                "band": source.band,
                "unit": source.unit,
                "classes": dict(source.classes),
                "origin": source.origin,
                "why": source.reason(project.language),
                "read": {key: frames[name].attrs.get(key) for key in ("source", "crs", "columns")}
                if name in frames
                else None,
            }
            for name, source in project.sources.items()
        },
    }


@main.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write (default: project.toml in DATA).")
@_shared(_overwrite)
@click.pass_obj
def init(voice: _Voice, data: Path, output: Path | None, overwrite: bool, lang: str | None) -> None:
    """查看文件夹并写出项目文件 / Look at a folder of data and write a project file to edit.

    Example: parkwise init data/ -o draft.toml
    """
    from layers.output import new_file
    from layers.propose import project_text

    target = output or data / "project.toml"
    text = project_text(data, target.parent, lang or "zh")
    with new_file(target, overwrite=overwrite) as path:
        path.write_text(text, encoding="utf-8")
    voice.say(f"  {target}")


@main.command()
@_project
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for findings.csv and findings.gpkg.")
@_shared(_set, _json, _overwrite)
@click.pass_obj
def check(
    voice: _Voice, project: str | Path, output: Path | None, flags: tuple[str, ...], as_json: bool, overwrite: bool,
    lang: str | None,
) -> None:  # fmt: skip
    """检查数据，列出问题 / Check the data and list what is wrong with them.

    Example: parkwise check project.toml
    """
    from layers.findings import blocking, describe
    from layers.intake import inspect

    loaded = _load(project, flags, lang, voice)
    intake = _gather(loaded, voice, mend=False)
    table = inspect(intake, thorough=True)
    if any(setting.origin in ("file", "flag") for name, setting in loaded.settings.items() if name.startswith("plan.")):
        from geo.plan.asking import require_settings

        require_settings(loaded, *(intake.frames.get(name) for name in ("parcels", "parks", "districts")))
    _summary(table, voice, loaded.language)
    if as_json:
        _print_json({"findings": describe(table, loaded.language).to_dict("records")})
    else:
        from geo.report.gpkg import write_places
        from geo.report.run import findings_csv
        from layers.output import new_files

        folder = output or loaded.folder
        with new_files(folder, ["findings.csv", "findings.gpkg"], overwrite=overwrite) as work:
            findings_csv(table, work / "findings.csv", loaded.language)
            write_places(table, work / "findings.gpkg", loaded.language)
        voice.say(f"  {folder / 'findings.csv'}")
    sys.exit(1 if len(blocking(table)) else 0)


@main.command()
@_project
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder for the mended layers.")
@_shared(_set, _overwrite)
@click.pass_obj
def repair(
    voice: _Voice, project: str | Path, output: Path, flags: tuple[str, ...], overwrite: bool, lang: str | None
) -> None:
    """安全修复到新文件，附变更台账 / Mend what is safe into new files, with a ledger of every change.

    Example: parkwise repair project.toml -o mended/
    """
    from layers.intake import read_layers
    from layers.mended_project import write_repaired

    loaded = _load(project, flags, lang, voice)
    done = write_repaired(loaded, read_layers(loaded, voice.step), output, overwrite=overwrite)
    voice.say(done.summary(loaded.language))
    for path in done.files:
        voice.say(f"  {path}")


@main.command()
@click.option("--by", "levels", multiple=True, type=click.Choice(LEVELS), help="Levels to list; may be repeated.")
@click.option(
    "--parcels",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the figures of every parcel, as GeoParquet; of a converted project part by part.",
)
@_shared(_public, _json, _overwrite)
@click.pass_obj
@_measuring
def measure(
    voice: _Voice,
    call: _Call,
    levels: tuple[str, ...],
    parcels: Path | None,
    public: bool,
    as_json: bool,
    overwrite: bool,
) -> None:
    """计算指标 / Compute the indicators.

    Example: parkwise measure project.toml --by zone --json
    """
    if public and parcels is not None:
        _refuse_rows(parcels)
    with _parcel_rows(parcels, overwrite=overwrite) as rows:
        assessment = _assess(call, voice, levels=levels or None, shown=public, rows=rows)
    if public:
        from geo.redaction.redact import redact

        assessment = redact(assessment).assessment
    if as_json:
        from geo.results import dumps, results

        click.echo(dumps(results(assessment)))
        return
    from geo.telling.figures import indicators_text

    _tell(indicators_text(assessment), assessment)


def _refuse_rows(folder: Path) -> None:
    """Figures of every parcel are no public version."""
    from layers.errors import ProjectError

    raise ProjectError(
        f"--parcels {folder}: the figures of every parcel tell those of single firms and have no public version. "
        "Leave out --public or --parcels; parkwise report --public writes parcels without them.",
        f"--parcels {folder}：逐宗数据会透露单个企业的情况，没有公开版。请去掉 --public 或 --parcels；"
        "parkwise report --public 会写出不含这些数据的地块。",
    )


@main.command()
@_shared(_public, _json)
@click.pass_obj
@_measuring
def grade(voice: _Voice, call: _Call, public: bool, as_json: bool) -> None:
    """企业亩均评价、开发区评价、控制指标对照 / Grades of firms, scores and verdicts on zones, land against limits.

    Example: parkwise grade project.toml --set grade.rules=huangyan-2022
    """
    from geo.ratings import rate, require

    # Limits and ideals are held against all land, not only that of firms.
    assessment = _assess(call, voice, shown=True)
    ratings = require(rate(assessment), assessment.project)
    if public:
        from geo.redaction.redact import redact

        assessment, shown, _ = redact(assessment, ratings)
        ratings = shown or ratings
    if as_json:
        from geo.rating_results import rating_results

        _print_json({**_rules_of(assessment), "grades": [], "evaluation": [], **rating_results(ratings)})
        return
    from geo.telling.ratings import ratings_text

    _tell(ratings_text(ratings, assessment.project.language), assessment)


@main.command()
@_shared(_public, _json)
@click.pass_obj
@_measuring
def candidates(voice: _Voice, call: _Call, public: bool, as_json: bool) -> None:
    """低效用地线索 / Low-efficiency candidates with their evidence.

    Example: parkwise candidates project.toml --set candidates.tax_per_mu_below=5
    """
    assessment = _assess(call, voice, levels=("city",), candidates=True, shown=public)
    if public:
        from geo.redaction.redact import redact

        assessment = redact(assessment).assessment
    if as_json:
        from geo.results import results

        document = results(assessment)
        names = ("candidates", "candidate_groups", "candidate_exemptions")
        _print_json(_rules_of(assessment) | {name: document[name] for name in names})
        return
    from geo.telling.candidates import candidates_text

    _tell(candidates_text(assessment), assessment)


@main.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for results.json and options.csv, every act the planner could choose.",
)
@_shared(_public, _json, _overwrite)
@click.pass_obj
@_measuring
def plan(voice: _Voice, call: _Call, output: Path | None, public: bool, as_json: bool, overwrite: bool) -> None:
    """达标的最低成本方案 / The least costly set of acts that reaches the target, certified.

    Example: parkwise plan project.toml -o plan/ --set plan.at_least=0.7
    """
    from geo.plan.choices import weigh
    from geo.plan.document import options_table, plan_document, write_options
    from geo.plan.planning import plan_renewal
    from layers.output import new_files

    assessment = _assess(call, voice, candidates=True, shown=True)
    voice.step(0.7, "plan")
    found = plan_renewal(assessment)
    voice.step(0.85, "weigh")
    weighed = weigh(found, assessment.project)
    if public:
        from geo.planned import Planned
        from geo.redaction.redact import redact, require_public

        require_public(Planned(found))
        assessment, _, shown = redact(assessment, plan=Planned(found))
        found = shown.plan if shown is not None else found
    language, table = assessment.project.language, options_table(found)
    if output is not None:
        from geo.results import dumps, results

        with new_files(output, ["results.json", "options.csv"], overwrite=overwrite) as work:
            document = results(assessment, plan=plan_document(found, table, language, weighed))
            (work / "results.json").write_text(dumps(document), encoding="utf-8")
            write_options(table, work / "options.csv")
        for name in ("results.json", "options.csv"):
            voice.say(f"  {output / name}")
    if as_json:
        from geo.results import plain

        _print_json(plain(_rules_of(assessment) | {"plan": plan_document(found, table, language, weighed)}))
        return
    from geo.telling.plan import plan_text

    _tell(plan_text(found, language, weighed), assessment)


@main.command()
@_project
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder for the dataset.")
@click.option(
    "--rows", type=click.IntRange(min=1000), default=65_536, show_default=True, help="So many parcels a part at most."
)
@click.option("--thorough", is_flag=True, help="Run every check and keep what it finds, for reports on the dataset.")
@_shared(_set, _overwrite)
@click.pass_obj
def convert(
    voice: _Voice,
    project: str | Path,
    output: Path,
    rows: int,
    thorough: bool,
    flags: tuple[str, ...],
    overwrite: bool,
    lang: str | None,
) -> None:
    """转换为分块数据集，逐块计算 / Convert a project once, so that it is measured part by part.

    Example: parkwise convert project.toml -o dataset/
    """
    from layers.converting import convert as write_dataset
    from layers.errors import ProjectError
    from layers.store import open_store

    _require_project(project)
    if open_store(project) is not None:
        raise ProjectError(
            f"{project} is converted already; converting it again would lose where its layers came from. "
            "Convert the project it was made of.",
            f"{project} 已是转换后的数据集；再次转换会丢失各图层的原始出处。请转换其原项目。",
        )
    made = write_dataset(
        _load(project, flags, lang, voice),
        output,
        rows=rows,
        thorough=thorough,
        overwrite=overwrite,
        gathered=functools.partial(_guesses, voice=voice),
        progress=voice.step,
    )
    store = open_store(made)
    if store is not None:
        _say_converted(store, voice, thorough=thorough)
    voice.say(f"  {made}")


def _say_converted(store: Store, voice: _Voice, *, thorough: bool) -> None:
    """Tell what was found in a dataset, which checks that comes from, and what will stop `measure`."""
    from geo.batches import industrial_parcels
    from geo.telling.checks import no_industrial_text
    from layers.errors import ParkwiseError

    project = store.project
    _summary(store.findings, voice, project.language)
    _say_checks(store, voice, project.language, asked=thorough)
    if "parcels" not in store.parted:
        return
    try:
        if not industrial_parcels(store):
            voice.say(f"  {no_industrial_text(project, store.parted['parcels'].rows)}")
    except ParkwiseError as error:  # the dataset is whole; what stops figures of it is told as they would tell it
        voice.say(f"parkwise: {error.text(project.language)}")


@main.command("map")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="The file to write: .pdf and .png are maps to print, .pmtiles vector tiles for a GIS, any other is one HTML "
    "page.",
)
@click.option("--paper", type=click.Choice(["A3", "A4"]), help="Paper of a printed map, lying (default: A4).")
@click.option(
    "--theme",
    metavar="ID",
    help="What a printed map shows: zones (default), land_use, tax_per_mu, plot_ratio, building_density, candidates, "
    "plan.",
)
@click.option("--atlas", is_flag=True, help="A printed map of several pages: the city, then one page a zone (PDF).")
@_shared(_public, _overwrite)
@click.pass_obj
@_measuring
def map_(
    voice: _Voice,
    call: _Call,
    output: Path,
    paper: str | None,
    theme: str | None,
    atlas: bool,
    public: bool,
    overwrite: bool,
) -> None:
    """离线交互地图，或打印地图 / One interactive map that opens offline, or a map to print.

    Example: parkwise map project.toml -o map.html
    """
    from geo.maps.paper import is_sheet
    from geo.report.tiles import is_tiles

    printed = is_sheet(output)
    if output.suffix.lower() in _NO_MAPS:
        _refuse_ending(output)
    if not printed and (paper or theme or atlas):
        _refuse_paper(output)
    from geo.maps import map_html
    from geo.planned import planned
    from geo.ratings import rate
    from layers.output import new_file

    assessment = _assess(call, voice, shown=True)
    plan, ratings = planned(assessment), rate(assessment)
    if public:
        from geo.ratings import Ratings
        from geo.redaction.redact import redact

        assessment, shown, plan = redact(assessment, ratings, plan)
        ratings = shown or Ratings()
    if printed:
        _print_map(voice, assessment, output, plan, paper=paper, theme=theme, atlas=atlas, overwrite=overwrite)
        return
    if is_tiles(output):
        _tile_map(voice, assessment, output, plan, overwrite=overwrite)
        return
    with new_file(output, overwrite=overwrite) as path:
        drawn = map_html(assessment, language=assessment.project.language, plan=plan, ratings=ratings)
        path.write_text(drawn, encoding="utf-8")
    voice.say(f"  {output}")


#: What people may take for a map of ours, and what is none.
_NO_MAPS = {
    ".docx", ".geojson", ".gpkg", ".jpeg", ".jpg", ".json", ".mbtiles", ".mvt", ".shp", ".svg", ".tif", ".tiff",
    ".xlsx",
}  # fmt: skip


def _refuse_ending(output: Path) -> None:
    """A page of HTML in a file named as something else opens nowhere."""
    from layers.errors import ProjectError

    raise ProjectError(
        f"{output}: a map is .html (interactive), .pdf or .png (to print) or .pmtiles (vector tiles), not "
        f'{output.suffix}. Layers for a GIS stand in results.gpkg of "parkwise report".',
        f"{output}：地图可输出为 .html（交互）、.pdf 或 .png（打印）、.pmtiles（矢量瓦片），不支持 {output.suffix}。"
        "GIS 图层见 parkwise report 输出的 results.gpkg。",
    )


def _tile_map(voice: _Voice, assessment: Assessment, output: Path, plan: Planned | None, *, overwrite: bool) -> None:
    """Write vector tiles, and tell how many shapes of each layer they hold."""
    from geo.report.tiles import write_tiles
    from layers.output import new_file

    voice.step(0.7, "tiles")
    with new_file(output, overwrite=overwrite) as path:
        written = write_tiles(assessment, path, plan)
    voice.say(f"  {output}   {', '.join(f'{name} {count:,}' for name, count in written.items())}")


def _refuse_paper(output: Path) -> None:
    """Paper, theme and atlas are choices of a printed map."""
    from layers.errors import ProjectError

    raise ProjectError(
        f"{output}: --paper, --theme and --atlas belong to a printed map. Name a .pdf or .png file; "
        "the interactive map and the tiles hold every theme.",
        f"{output}：--paper、--theme、--atlas 用于打印地图。请输出 .pdf 或 .png 文件；交互地图和瓦片含全部专题。",
    )


def _print_map(
    voice: _Voice,
    assessment: Assessment,
    output: Path,
    plan: Planned | None,
    *,
    paper: str | None,
    theme: str | None,
    atlas: bool,
    overwrite: bool,
) -> None:
    """Write a map to print."""
    from geo.maps.paper import write_sheet
    from layers.output import new_file

    voice.step(0.7, "map")
    form: Literal["pdf", "png"] = "png" if output.suffix.lower() == ".png" else "pdf"
    with new_file(output, overwrite=overwrite) as path:
        write_sheet(assessment, path, form=form, paper=paper or "A4", theme=theme, atlas=atlas, plan=plan)
    voice.say(f"  {output}")


@main.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder for the report.")
@click.option(
    "--postgis",
    metavar="postgresql://HOST/DATABASE",
    help="Put the layers of results.gpkg into this database too; the password comes from the environment.",
)
@click.option(
    "--postgis-schema",
    metavar="NAME",
    help="Schema for them (default: parkwise_ and the name of the project; for a public version parkwise_public_ and "
    "the city).",
)
@click.option(
    "--template",
    type=click.Path(path_type=Path),
    metavar="FILE.docx",
    help="Word file with fields that report.docx is made from (setting report.template; see parkwise template).",
)
@_shared(_public, _overwrite)
@click.pass_obj
@_measuring
def report(
    voice: _Voice,
    call: _Call,
    output: Path,
    postgis: str | None,
    postgis_schema: str | None,
    template: Path | None,
    public: bool,
    overwrite: bool,
) -> None:
    """完整报告：网页、Word、Excel、地图、GeoPackage / Everything people hand in.

    Example: parkwise report project.toml -o out/
    """
    from geo.report.run import write_report

    if template is not None:
        from geo.report.docx_template import require_template

        require_template(template)
        call = replace(call, flags=(*call.flags, f"report.template={template.absolute()}"))
    place = _database(call, postgis, postgis_schema, public=public, overwrite=overwrite)
    assessment = _assess(call, voice, checked=True, shown=True)
    written = write_report(
        assessment, output, overwrite=overwrite, public=public, database=place, progress=voice.within(0.6, 1.0)
    )
    for path in written:
        voice.say(f"  {path}")
    if place is not None:
        voice.say(f"  {place.shown}")


@main.command()
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE.docx", required=True, help="Word file to write."
)
@_shared(_overwrite)
def template(output: Path, lang: str | None, overwrite: bool) -> None:
    """写出 Word 报告的默认模板，供修改 / Write the template of the Word report, to be edited.

    Example: parkwise template -o my.docx
    """
    from geo.report.docx_template import write_template

    write_template(output, lang or "zh", overwrite=overwrite)


def _database(call: _Call, address: str | None, schema: str | None, *, public: bool, overwrite: bool) -> Target | None:
    """Return the schema that takes the results, after asking the server: a report may take its time."""
    from geo.report.postgis import require_room, target
    from layers.errors import ProjectError
    from layers.propose import open_project
    from layers.store import open_store

    if address is None:
        if schema is not None:
            raise ProjectError(
                f"--postgis-schema {schema} without --postgis: name the database too (--postgis postgresql://…).",
                f"--postgis-schema {schema} 没有配合 --postgis：请同时给出数据库（--postgis postgresql://…）。",
            )
        return None
    _require_project(call.path)
    store = open_store(call.path)
    flags = _table(call.flags, call.lang)
    project = open_project(_here(call), flags) if store is None else store.with_flags(flags)
    place = target(address, schema, project, public=public)
    require_room(place, overwrite=overwrite)
    return place


@main.command()
@click.argument("run_a", metavar="RUN_A", type=click.Path(path_type=Path))
@click.argument("run_b", metavar="RUN_B", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for compare.csv, compare.json and compare.gpkg.",
)
@click.option(
    "--boundary",
    type=click.Choice(["a", "b", "each"]),
    default="b",
    show_default=True,
    help="Measure the land of A in the parks of B, or that of B in the parks of A, so that in every indicator of land "
    "moved boundaries are told apart from moved land; each: leave each run in its own. Figures of firms are marked "
    "where boundaries moved.",
)
@click.option(
    "--tolerance-m",
    type=float,
    default=1.0,
    show_default=True,
    help="New industrial land no wider than this (m) is a boundary drawn anew.",
)
@click.option(
    "--minimum-m2",
    type=float,
    default=100.0,
    show_default=True,
    help="A contiguous patch with less new industrial land than this (m²) does not count.",
)
@click.option(
    "--exceptions",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Table of parcel_id and reason: new industrial land that is listed as excepted. Of several parcels of one id "
    "name each: ID (1), ID (2).",
)
@_shared(_json, _overwrite)
@click.pass_obj
def compare(
    voice: _Voice,
    run_a: Path,
    run_b: Path,
    output: Path | None,
    boundary: str,
    tolerance_m: float,
    minimum_m2: float,
    exceptions: Path | None,
    as_json: bool,
    overwrite: bool,
    lang: str | None,
) -> None:
    """对比两次结果：变化及成因、开发区外新增工业用地 / Compare two results of one city.

    RUN_A and RUN_B are folders that report wrote, the earlier one first; or their results.json, then without land.

    Example: parkwise compare out-2024/ out-2025/ -o change/
    """
    from geo.comparing.runs import Options, comparison_document
    from geo.comparing.runs import compare as compare_runs
    from geo.report.comparison_files import read_exceptions, write_comparison
    from geo.report.comparison_runs import open_run
    from geo.report.comparison_text import comparison_text, notes_text

    excepted = {} if exceptions is None else read_exceptions(exceptions)
    options = Options(boundary, tolerance_m, minimum_m2, excepted)
    voice.step(0.0, "read")
    before, after = open_run(run_a), open_run(run_b)
    voice.step(0.3, "compare")
    found = compare_runs(before, after, options)
    language = lang or after.language
    if output is not None:
        for path in write_comparison(found, output, language=language, overwrite=overwrite):
            voice.say(f"  {path}")
    if as_json:
        if notes := notes_text(found, language):
            voice.say(notes)
        _print_json(comparison_document(found))
        return
    click.echo(comparison_text(found, language))


@main.group()
def policy() -> None:
    """政策条款 / The standards on board, clause by clause."""


@policy.command("list")
@_shared(_json)
def policy_list(as_json: bool, lang: str | None) -> None:
    """列出政策文件 / List the documents.

    Example: parkwise policy list
    """
    from geo import standards

    known = [standards.policy(name) for name in standards.policies()]
    if as_json:
        _print_json([{"id": one.id, "title": one.title, "number": one.number} for one in known])
        return
    for one in known:
        click.echo(f"{one.id:<16} {one.title_en if lang == 'en' else one.title}  {one.number or ''}".rstrip())


@policy.command("show")
@click.argument("identifier", metavar="ID")
@_shared(_json)
def policy_show(identifier: str, as_json: bool, lang: str | None) -> None:
    """显示一份文件的条款 / Show one document, clause by clause.

    Example: parkwise policy show hangzhou-2023
    """
    from geo import standards

    one = standards.policy(identifier)
    if as_json:
        _print_json(standards.to_json(one))
        return
    from geo.telling.figures import policy_text

    click.echo(policy_text(one, lang or "zh"))


if __name__ == "__main__":
    main()
