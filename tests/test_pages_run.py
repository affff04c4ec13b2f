"""What pages tell people to type runs as printed: commands, settings with their tables, Python.

A page is either tried block by block on the example city (`PAGES`), or followed from top to bottom as a reader would
(`FOLLOWED`); what cannot run says why in its first line (```sh not-run: reason). A block of settings replaces the
sections it names in the project file, as the pages say. Stand-ins for what a test has not - the address of a
cluster, its shared folder - are replaced by what is here (`stand_ins`).
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import hand_city
import pyogrio
import pytest
from click.testing import CliRunner

import cli
from geo import standards
from geo.batches import assess_store
from layers import example
from layers.store import open_store

ROOT = Path(__file__).parents[1]
PAGES = ("rule-book.md", "engine.md", "policies.md", "rasters.md")
FENCE = re.compile(r"^( *)```(\S*) ?([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    page: str
    language: str
    file: str  # what a table is saved as
    text: str

    def __str__(self) -> str:
        first = self.text.splitlines()[0]
        return f"{self.page}: {self.language} {first if not_run(self) else self.file or first}"


def source(page: str) -> Path:
    """A page of docs/, or of the tree."""
    inside = ROOT / "docs" / page
    return inside if inside.is_file() else ROOT / page


@cache
def blocks(page: str) -> tuple[Block, ...]:
    text = source(page).read_text("utf-8")
    found = []
    for indent, language, file, body in FENCE.findall(text):
        found.append(
            Block(page, language or "sh", file, "".join(line.removeprefix(indent) for line in body.splitlines(True)))
        )
    assert len(found) * 2 == len(re.findall(r"^ *```", text, re.MULTILINE)), f"{page}: a fence was not understood"
    return tuple(found)


def of(language: str, *pages: str) -> list[Block]:
    return [one for page in pages or PAGES for one in blocks(page) if one.language == language]


def not_run(block: Block) -> str | None:
    """Why a block is not run, if it says so."""
    return block.file.removeprefix("not-run:").strip() if block.file.startswith("not-run:") else None


def commands(block: Block) -> list[list[str]]:
    """Each line as words, comments left out."""
    return [words for line in block.text.splitlines() if (words := shlex.split(line, comments=True))]


def parkwise(words: list[str], folder: Path, monkeypatch) -> str:
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(cli.main, words)
    assert done.exit_code == 0, f"{shlex.join(words)}\n{done.output}"
    return done.stdout


def pages_with_blocks() -> list[str]:
    """Every page of the tree that tells people to type something."""
    tree = [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), ROOT / "benchmarks" / "README.md"]
    names = sorted(path.relative_to(ROOT).as_posix().removeprefix("docs/") for path in tree)
    return [page for page in names if blocks(page)]


#: Pages that are followed from top to bottom: all but those that are tried block by block.
FOLLOWED = [page for page in pages_with_blocks() if page not in PAGES]


def test_every_block_of_every_page_is_run_or_says_why_not():
    assert {*PAGES, *STORIES} <= set(pages_with_blocks())
    reasons = {}
    for page in pages_with_blocks():
        for block in blocks(page):
            if (why := not_run(block)) is not None:
                reasons[str(block)] = why
            else:
                tried = {"sh", "toml", "csv", "python"} if page in PAGES else vars(Reader)
                assert block.language in tried, f"{block}: nothing runs this language"
    assert all(reasons.values()), reasons
    print("not run:", *(f"{block} ({why})" for block, why in reasons.items()), sep="\n  ")


# ---------------------------------------------------------------- what lies before a reader


def nothing(folder: Path) -> None:
    """A reader with an empty folder."""


def example_data(folder: Path) -> None:
    """The folder that `parkwise demo` leaves as data."""
    example.write(folder, example.make(parcels=1200))


def with_locks(folder: Path) -> None:
    example_data(folder)
    parcel = pyogrio.read_dataframe(folder / "地类图斑.shp", encoding="GBK").query("DLBM == '0601'")["TBBH"].iloc[0]
    table = f"parcel_id,lock,author,date,reason\n{parcel},out,示例,2025-12-01,示例（虚构）\n"
    (folder / "locks.csv").write_text(table, encoding="utf-8")


def for_every_command(folder: Path) -> None:
    """Whatever the examples of the commands name."""
    example_data(folder)
    shutil.copytree(folder, folder / "data")
    for end in ("shp", "shx", "dbf", "prj"):
        shutil.copy(folder / f"地类图斑.{end}", folder / f"parcels.{end}")
    done = CliRunner().invoke(cli.main, ["report", str(folder / "project.toml"), "-o", str(folder / "out-2024"), "-q"])
    assert done.exit_code == 0, done.output
    shutil.copytree(folder / "out-2024", folder / "out-2025")


def own_layers(folder: Path) -> None:
    """Land with 面积 in 亩 and zones in a geodatabase, as the README has them."""
    land, zones = hand_city.parcels(), hand_city.parks().iloc[[0, 2]]
    told = land[["geometry"]].assign(图斑编号=land["parcel_id"], DLBM=land["land_use_code"], 面积=land.area * 3 / 2000)
    (folder / "数据文件夹").mkdir()
    for place in (folder, folder / "数据文件夹"):
        told.to_file(place / "parcels.shp", encoding="GBK")
        zones[["park_id", "park_name", "geometry"]].to_file(place / "kfq.gdb", layer="kfq", driver="OpenFileGDB")


def survey_export(folder: Path) -> None:
    """Patches as the third survey exports them, zones with Chinese titles, in GBK without .cpg; a workbook of firms."""
    city = example.make(parcels=1200)
    into = folder / "三调"
    into.mkdir()
    land, parks = (city.frames[name].to_crs("EPSG:4528") for name in ("parcels", "parks"))
    area = land["recorded_area_m2"]
    patches = land[["geometry"]].assign(
        BSM=[f"3301{number:014d}" for number in range(len(land))], YSDM="2001010100", TBBH=land["parcel_id"],
        DLBM=land["land_use_code"], DLMC=land["land_use_name"], QSXZ="20", QSDWMC="示例村", ZLDWDM="330199001001",
        ZLDWMC="示例村", TBMJ=area, KCXS=0.0, KCMJ=0.0, TBDLMJ=area, CZCSXM="", SJNF=2024, BZ="",
    )  # fmt: skip
    zones = parks[["geometry"]].assign(
        园区编号=parks["park_id"], 园区名称=parks["park_name"], 开发区=parks["zone_name"]
    )
    for frame, name in ((patches, "DLTB"), (zones, "开发区四至范围")):
        frame.to_file(into / f"{name}.shp", encoding="GBK")
        (into / f"{name}.cpg").unlink()
    firms = city.frames["enterprises"]
    table = {
        "统一社会信用代码": "enterprise_code",
        "企业名称": "enterprise_name",
        "年度": "year",
        "地块编号": "parcel_id",
    }
    told = firms[list(table.values())].set_axis(list(table), axis=1)
    told["实缴税金（万元）"], told["用地面积（亩）"] = firms["tax_cny"] / 1e4, firms["land_registered_m2"] * 3 / 2000
    told.to_excel(into / "企业税收.xlsx", index=False)


def copy_of_the_tree(folder: Path) -> None:
    for name in ("geo", "layers"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "cli.py", folder)


@dataclass(frozen=True)
class Story:
    """How a page is followed: what lies there, what its Python begins with, what it must come to."""

    before: Callable[[Path], None] = nothing
    prelude: str = ""
    closes: tuple[str, ...] = ()  # a command after the last block, and what it must say
    changes_code: bool = False  # the page changes a copy of the tree, and its commands are those of the copy


ASSESSMENT = """import geo, layers
intake = layers.gather(layers.open_project("project.toml"))
assessment = geo.assess(intake.frames, intake.project, ledger=intake.ledger)
"""

#: Pages for which more must be known than that they stand in the example city's folder of data.
STORIES = {
    "tutorial.md": Story(),
    "from-survey-export.md": Story(survey_export),
    "explanation.md": Story(),
    "cli.md": Story(for_every_command),
    "candidates.md": Story(example_data, closes=("candidates project.toml --json -q", "low_in_zone", "building_age")),
    "plan.md": Story(with_locks, closes=("plan project.toml -o plan -q", "≤|不低于")),
    "maps.md": Story(example_data, prelude=ASSESSMENT),
    "README.md": Story(own_layers),
    "CONTRIBUTING.md": Story(copy_of_the_tree, changes_code=True),
    "zones.md": Story(own_layers),
}


# ---------------------------------------------------------------- the example city


@pytest.fixture(scope="module")
def made() -> example.Example:
    return example.make(parcels=1200)


@pytest.fixture(scope="module")
def city(made, tmp_path_factory) -> Path:
    """The folder that the pages stand in: what `parkwise demo` leaves as data."""
    return example.write(tmp_path_factory.mktemp("example") / "data", made).parent


@pytest.fixture
def data(city, tmp_path) -> Path:
    return Path(shutil.copytree(city, tmp_path / "data"))


def test_the_example_city_of_the_pages_is_what_demo_makes(city, tmp_path, monkeypatch):
    block = of("sh", "rule-book.md")[0]
    demo, into, grade = commands(block)
    assert "demo -o example" in block.text
    assert "`parkwise demo -o example`" in (ROOT / "docs" / "engine.md").read_text("utf-8")
    parkwise([*demo[1:], "--parcels", "1000", "-q"], tmp_path, monkeypatch)
    assert into[0] == "cd"
    assert {one.name for one in (tmp_path / into[1]).iterdir()} == {one.name for one in city.iterdir()}
    assert parkwise(grade[1:], tmp_path / into[1], monkeypatch)


# ---------------------------------------------------------------- settings


def with_block(project: str, block: str) -> str:
    """Put a block into a project file: it replaces the sections it names, and what stands under them."""
    named = re.findall(r"^\[([\w.]+)\]", block, re.MULTILINE)
    sections = re.split(r"^(?=\[)", project, flags=re.MULTILINE)
    kept = [one for one in sections if not any(re.match(rf"\[{re.escape(name)}[\].]", one) for name in named)]
    return "".join(kept) + "\n" + block


def tables_under(block: Block) -> list[Block]:
    """The tables that follow a block of settings, up to the next one."""
    every = blocks(block.page)
    after = every[every.index(block) + 1 :]
    stop = next((place for place, one in enumerate(after) if one.language == "toml"), len(after))
    return [one for one in after[:stop] if one.language == "csv"]


def leaves(table: object) -> list[object]:
    """Every value of a settings block, however deep."""
    if isinstance(table, dict):
        return [leaf for one in table.values() for leaf in leaves(one)]
    return [leaf for one in table for leaf in leaves(one)] if isinstance(table, list) else [table]


#: What a block of settings brings into the results, by the section it opens with: command, key.
BRINGS = {
    "layers.statistics": ("measure", "statistics"),
    "grade": ("grade", "grades"),
    "grade.scores.above": ("grade", "grades"),
    "evaluation": ("grade", "evaluation"),
    "survey": ("grade", "survey"),
    "layers.evaluations": ("grade", "zone_years"),
    "control": ("grade", "control"),
    "layers.targets": ("measure", "attainment"),
    "buildings": ("measure", "indicators"),
    "layers.land_cover": ("candidates", "candidates"),
}


@pytest.mark.parametrize("block", of("toml"), ids=str)
def test_settings_work_as_printed_with_the_tables_under_them(block, data, made, monkeypatch):
    project = data / "project.toml"
    if "地表覆盖.tif" in block.text:
        example.write_ground(data, made)  # as the page says
    tables = tables_under(block)
    for table in tables:
        (data / table.file).write_text(table.text, encoding="utf-8")
    named = {value for value in leaves(tomllib.loads(block.text)) if str(value).endswith(".csv")}
    assert {one.file for one in tables} <= named
    assert all((data / name).is_file() for name in named)
    project.write_text(with_block(project.read_text("utf-8"), block.text), encoding="utf-8")
    section = re.match(r"\[([\w.]+)\]", block.text)[1]
    command, key = BRINGS[section]
    found = json.loads(parkwise([command, "project.toml", "--json", "-q"], data, monkeypatch))[key]
    said = json.dumps(found, ensure_ascii=False)
    for pattern in EXPECTED[section, bool(tables)]:
        assert re.search(pattern, said), f"{block}: {pattern}"


#: What must come out of a block, by the section it opens with and whether it brings tables: what these say, and
#: figures held against it.
EXPECTED = {
    ("layers.statistics", True): ["above_scale_output", "hangzhou-2023", '"met": false', '"met": true'],
    ("grade", False): [f'"grade": "{grade}"' for grade in "ABCD"],
    ("grade.scores.above", False): ['"indicator": "value_added_per_mu", "value": [\\d.]+, "benchmark": 50'],
    ("evaluation", True): ['"node": "集约利用", [^}]*"score": [\\d.]+', '"node": "亩均税收", [^}]*"ideal": 40'],
    ("survey", True): [
        '"zone_type": "industrial", "basis": "given"',
        '"potential": "supply_years_maximum", "value": [\\d.]+',
        '"potential": "structure", "value": [\\d.]+',
        '"ideal": 40.0',
    ],
    ("layers.evaluations", False): ['"verdict": "delisting", "policy": "zhejiang-2021"'],
    ("control", False): ['"met": true', '"met": false'],
    ("control", True): ['"limit": 1.2, "met": (?:true|false)', '"limit": 1.0, "met": (?:true|false)', "示例（虚构）"],
    ("buildings", False): ['"id": "plot_ratio"[^}]*}[^}]*}[^}]*"estimated": true'],
    ("layers.land_cover", False): ['"code": "unbuilt_by_cover"', '"code": "dark_at_night"'],
    ("layers.targets", True): ["云帆经济技术开发区.*45.0", "36.0"],
}


def test_settings_are_toml_and_name_no_section_twice():
    for block in of("toml"):
        assert tomllib.loads(block.text)
        sections = re.findall(r"^\[([\w.]+)\]", block.text, re.MULTILINE)
        assert len(sections) == len(set(sections))


# ---------------------------------------------------------------- commands


@pytest.mark.parametrize("page", PAGES)
def test_commands_run_as_printed(page, data, monkeypatch, request):
    ran, measured = 0, set()
    for block in of("sh", page):
        if "demo" in block.text:
            continue  # the city is there already
        for words in commands(block):
            if words[0] == "parkwise":
                printed = parkwise(stand_ins(words, data, request), data, monkeypatch)
                ran += 1
                measured |= {printed} if words[1] == "measure" else set()
            else:
                assert words[0] in ("dask", "pip"), words  # run below
    assert ran
    if page == "engine.md":
        assert len(measured) == 1  # whatever the scheduler


def stand_ins(words: list[str], data: Path, request) -> list[str]:
    """Put a cluster that is there in place of the address of one, the dataset here in place of a shared one, and parts
    small enough for a small city to have several.
    """
    if words[1] == "convert":
        words = [*words, "--rows", "1000"]
    if any(word.startswith("tcp://") for word in words):
        address = request.getfixturevalue("cluster")
        words = [address if word.startswith("tcp://") else word for word in words]
    return [str(data / "dataset") if word == "/data/dataset" else word for word in words[1:]]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A cluster made by the very lines of the page: `dask scheduler`, then `dask worker` with its address."""
    pytest.importorskip("distributed", reason="the extra parkwise[large] is not installed")
    lines = [words for block in of("sh", "engine.md") for words in commands(block) if words[0] == "dask"]
    scheduler, worker = lines
    folder = tmp_path_factory.mktemp("cluster")
    here = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(folder / "address.json")]
    with running([*scheduler, *here], folder):
        address = wait_for_address(folder / "address.json")
        words = ["1" if before == "--nworkers" else word for before, word in zip(["", *worker], worker, strict=False)]
        words = [address if word.startswith("tcp://") else word for word in words]
        with running([*words, "--host", "127.0.0.1", "--no-dashboard", "--local-directory", str(folder)], folder):
            yield address


@contextmanager
def running(words: list[str], folder: Path):
    """Run a line of the page beside the test, and end it."""
    program = Path(sys.executable).with_name(words[0])
    with (folder / f"{words[1]}.log").open("wb") as log:
        started = subprocess.Popen([program, *words[1:]], cwd=folder, stdout=log, stderr=log)
        try:
            yield started
        finally:
            started.terminate()
            started.wait(timeout=30)


def wait_for_address(file: Path) -> str:
    for _ in range(300):
        if file.is_file() and (text := file.read_text("utf-8")).endswith("}"):
            return json.loads(text)["address"]
        time.sleep(0.1)
    raise AssertionError("the scheduler of the page did not start")


def test_what_pip_is_told_is_there():
    line = next(words for block in of("sh", "engine.md") for words in commands(block) if words[0] == "pip")
    assert line[:2] == ["pip", "install"]
    extra = re.fullmatch(r"parkwise\[(\w+)\]", line[2])[1]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert extra in project["optional-dependencies"]
    assert (ROOT / line[line.index("-c") + 1]).is_file()


@pytest.mark.parametrize("page", pages_with_blocks())
def test_commands_within_a_sentence_exist(page):
    """Between backticks stand commands with words in place of a project: command and options must be there."""
    for words in re.findall(r"`(parkwise [^`]+)`", source(page).read_text("utf-8")):
        name, *others = shlex.split(words)[1:]
        command = cli.main.commands[name]
        if name == "policy":
            command = command.commands[others[0]]
        known = {option for one in command.params for option in one.opts}
        assert {word for word in others if word.startswith("-")} <= known, words
    assert set(re.findall(r"^## (\w+-\d{4})$", (ROOT / "docs/policies.md").read_text("utf-8"), re.MULTILINE)) == set(
        standards.policies()
    )


# ---------------------------------------------------------------- Python


def run_python(text: str, folder: Path) -> str:
    """Run a block as a file of its own, and print what its last line is worth."""
    script = folder / "block.py"
    last = text.rstrip().splitlines()[-1]
    is_value = not re.match(r"[ )}]|print|assert |[\w.]+ = |from |import ", last)
    script.write_text(text.replace(last, f"print(repr({last}))") if is_value else text, encoding="utf-8")
    environment = {**os.environ, "PYTHONUTF8": "1", "PYTHONPATH": str(folder)}
    command = [sys.executable, str(script)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    script.unlink()
    return done.stdout.strip()


def test_python_of_the_rule_book_runs_as_printed(data):
    (block,) = of("python", "rule-book.md")
    assert run_python(block.text, data).startswith("Radars(radars=(Radar(name='云帆经济技术开发区'")


def test_python_of_the_rasters_runs_as_printed(data):
    heights, ground = of("python", "rasters.md")
    told = ast.literal_eval(run_python(heights.text, data))
    assert told["good"] > 100
    assert set(told) <= {"good", "few_cells", "uneven", "not_positive", "partly_covered"}
    run_python(ground.text, data)
    assert {"地表覆盖.tif", "夜间灯光.tif"} <= {path.name for path in data.iterdir()}


def test_python_of_the_engine_runs_as_printed(data, monkeypatch):
    convert = commands(of("sh", "engine.md")[0])[0]
    parkwise([*convert[1:], "--rows", "1000", "-q"], data, monkeypatch)
    measuring, folding = of("python", "engine.md")
    store = open_store(data / "dataset")
    assert len(store.parted["parcels"].parts) > 1
    whole = assess_store(store, scheduler="threads", workers=1).value("industrial_concentration")
    assert float(run_python(measuring.text, data)) == whole
    assert int(run_python(folding.text, data)) == store.parted["parcels"].rows


# ---------------------------------------------------------------- pages that are followed from top to bottom


class Reader:
    """Somebody who follows a page: types commands, saves files, and compares what is printed."""

    def __init__(self, folder: Path, story: Story, monkeypatch) -> None:
        self.folder, self.here, self.story, self.monkeypatch = folder, folder, story, monkeypatch
        self.printed = ""

    def follow(self, block: Block) -> None:
        if not_run(block) is None:
            getattr(self, block.language)(block)

    def sh(self, block: Block) -> None:
        self.printed = ""
        for line in block.text.splitlines():
            if words := shlex.split(line, comments=True):
                code = re.search(r"# .*exit code (\d)", line)
                self.type(words, int(code[1]) if code else 0)

    def type(self, words: list[str], code: int) -> None:
        if words[0] == "cd":
            self.here = self.here / words[1]
            return
        if words[:2] == ["pip", "install"]:
            assert_installable(words)
            return
        assert Path(words[0]).name == "parkwise", words
        if words[1] == "demo" and "--parcels" not in words:
            words = [*words, "--parcels", "1000"]  # a small city is as good
        self.monkeypatch.chdir(self.here)
        if self.story.changes_code:
            command = [sys.executable, str(self.folder / "cli.py"), *words[1:]]
            ended = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
            returned, told = ended.returncode, ended.stdout + ended.stderr
        else:
            done = CliRunner().invoke(cli.main, words[1:])
            returned, told = done.exit_code, done.output
        assert returned == code, f"{shlex.join(words)}\n{told}"
        self.printed += told

    def text(self, block: Block) -> None:
        """What the page shows: a script word by word; of a command, each line's words in their order."""
        if block.page in BY_THE_LETTER:
            assert self.printed == block.text.strip()
            return
        lines = self.printed.splitlines()
        for shown in block.text.splitlines():
            pattern = ".*".join(map(re.escape, shown.split()))
            assert any(re.search(pattern, line) for line in lines), f"{block.page}: {shown}\n{self.printed}"

    def diff(self, block: Block) -> None:
        done = subprocess.run(
            ["git", "apply", "-"], input=block.text, cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{block}\n{done.stderr}"

    def save(self, block: Block) -> None:
        """Save a block as the file it names, or add it at the end of that file."""
        name, at_the_end, _ = block.file.partition(" (at the end)")
        with (self.here / name).open("a" if at_the_end else "w", encoding="utf-8") as file:
            file.write(block.text)

    csv = json = save

    def toml(self, block: Block) -> None:
        assert tomllib.loads(block.text)
        if block.file:
            self.save(block)
            return
        project = self.here / "project.toml"
        before = project.read_text("utf-8") if project.is_file() else ""
        project.write_text(with_block(before, block.text), encoding="utf-8")

    def python(self, block: Block) -> None:
        if block.file:
            self.save(block)
            return
        self.printed = run_python(self.story.prelude + block.text, self.here)


#: Pages whose Python prints what stands under it, to the letter.
BY_THE_LETTER = {"explanation.md"}


def assert_installable(words: list[str]) -> None:
    """An extra that is asked for is one of ours."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for word in words[2:]:
        assert re.fullmatch(r"parkwise\[(\w+)\]", word)[1] in project["optional-dependencies"]


@pytest.mark.filterwarnings("ignore:Normalized/laundered field name", "ignore:Column names longer than 10")
@pytest.mark.parametrize("page", FOLLOWED)
def test_a_page_can_be_followed(page, tmp_path, monkeypatch):
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    monkeypatch.setenv("PARKWISE_TILE_KEY", "nobodys")  # a page on base maps states one that needs a key
    story = STORIES.get(page, Story(example_data))
    story.before(tmp_path)
    reader = Reader(tmp_path, story, monkeypatch)
    for block in blocks(page):
        reader.follow(block)
    if story.closes:
        command, *said = story.closes
        reader.printed = ""
        reader.type(["parkwise", *shlex.split(command)], 0)
        assert all(re.search(pattern, reader.printed) for pattern in said)
