"""The house holds its shape: read from the syntax tree, so that nothing needs to run."""

from __future__ import annotations

import ast
import re
import socket
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = sorted(
    path for wing in ("layers", "geo") for path in (ROOT / wing).rglob("*.py") if "__pycache__" not in path.parts
)
CLI = [path for path in [ROOT / "cli.py"] if path.is_file()]
LONGEST_FUNCTION = 60

# What each part may import of ours; the first prefix that fits decides.
MAY_IMPORT = {
    "layers": ("layers",),
    "geo.report": ("geo", "layers"),
    "geo": ("geo", "layers"),
    "cli": ("cli", "geo", "layers"),
}
FORMATS = ("layers.read", "layers.write", "layers.checking", "layers.repairing", "layers.vector", "layers.sheets")
FACES = ("geo.charts", "geo.maps", "geo.labels", "geo.telling", "geo.report")


def name_of(path: Path) -> str:
    """Return the dotted name of a module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


NAMES = {name_of(path) for path in [*ROOMS, *CLI]}


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Return the modules of ours that a module imports, wherever in it, as precisely as they are named."""
    found: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno}: imports are absolute"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {one if one in NAMES else node.module for one in inner}
    return frozenset(one for one in found if one.split(".")[0] in ("layers", "geo", "cli"))


def starts(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


def public(path: Path) -> dict[str, ast.FunctionDef | ast.ClassDef]:
    """Return the functions and classes at the top of a module that bear no underscore."""
    own = [node for node in tree_of(path).body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    return {node.name: node for node in own if not node.name.startswith("_")}


def declared(path: Path) -> list[str] | None:
    """Return `__all__` of a module, or None."""
    for node in tree_of(path).body:
        if isinstance(node, ast.Assign) and any(getattr(one, "id", "") == "__all__" for one in node.targets):
            return ast.literal_eval(node.value)
    return None


def functions(path: Path) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef)]


each_room = pytest.mark.parametrize("path", ROOMS, ids=name_of)


@pytest.mark.parametrize("path", [*ROOMS, *CLI], ids=name_of)
def test_imports_run_one_way(path):
    name = name_of(path)
    allowed = next(may for prefix, may in MAY_IMPORT.items() if starts(name, (prefix,)))
    assert not [one for one in imports_of(path) if not starts(one, allowed)]


@each_room
def test_measures_know_no_format_and_no_colour(path):
    name = name_of(path)
    if name == "geo" or not starts(name, ("geo",)) or starts(name, FACES):
        return  # the face of the wing, the other wing (held one way above), and the faces themselves
    assert not [one for one in imports_of(path) if starts(one, FORMATS + FACES)]


def test_no_circle():
    graph = {name_of(path): set(imports_of(path)) - {name_of(path)} for path in [*ROOMS, *CLI]}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' → '.join(error.args[1])}")
    assert order.index("layers.errors") < order.index("geo.standards")


@each_room
def test_all_is_what_is_there(path):
    if path.name == "__init__.py":
        return
    names = declared(path)
    assert names is not None, "no __all__"
    assert sorted(set(public(path)) - set(names)) == [], "public by name, but not in __all__"
    imported = {
        alias.asname or alias.name
        for node in tree_of(path).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(names) <= {name for node in tree_of(path).body for name in _bound(node)} | imported


def _bound(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [one.id for one in targets if isinstance(one, ast.Name)]


@pytest.mark.parametrize("wing", ["layers", "geo"])
def test_a_wing_offers_the_same_names_to_people_and_to_type_checkers(wing):
    path = ROOT / wing / "__init__.py"
    seen = {
        alias.name: node.module
        for block in tree_of(path).body
        if isinstance(block, ast.If)
        for node in block.body
        for alias in node.names
    }
    homes = next(
        ast.literal_eval(node.value)
        for node in tree_of(path).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "_HOME"
    )
    assert sorted(seen) == sorted(declared(path))
    assert homes == seen


@each_room
def test_public_functions_are_told_and_typed(path):
    for name, node in public(path).items():
        if not isinstance(node, ast.FunctionDef):
            continue
        if any("overload" in ast.unparse(one) for one in node.decorator_list):
            continue
        assert ast.get_docstring(node), f"{name} has no docstring"
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        assert node.returns is not None, f"{name} does not say what it returns"
        assert all(one.annotation is not None for one in arguments), f"{name} has an argument without type"


@each_room
def test_rooms_open_with_what_they_know(path):
    told = ast.get_docstring(tree_of(path))
    assert told, "no module docstring"


@pytest.mark.parametrize("path", [*ROOMS, *CLI], ids=name_of)
def test_functions_can_be_read_at_a_glance(path):
    lengths = {one.name: _code_lines(one) for one in functions(path)}
    assert not {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION}


def _code_lines(node: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
    return node.end_lineno - body[0].lineno + 1


@each_room
def test_the_library_does_not_print_and_is_finished(path):
    for node in ast.walk(tree_of(path)):
        called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        assert called != "print", f"line {node.lineno}: print"
        raised = ast.unparse(node) if isinstance(node, ast.Raise) else ""
        assert "NotImplemented" not in raised, f"line {node.lineno}: unfinished"


# ---------------------------------------------------------------- at import

CLOSED = """
import importlib, sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.mkdir", "os.remove", "os.rename"):
        raise RuntimeError(f"{event} at import: {arguments!r}")
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        raise RuntimeError(f"a file is opened for writing at import: {arguments!r}")

preloaded, names = sys.argv[1].split(","), sys.argv[2].split(",")
for name in preloaded:
    importlib.import_module(name)
sys.addaudithook(refuse)
for name in names:
    importlib.import_module(name)
"""


def run_python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", "-c", code, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_nothing_runs_at_import():
    # What others do at import is theirs: the libraries our rooms name are loaded before the doors are shut.
    theirs = {
        name
        for path in ROOMS
        for node in tree_of(path).body
        for name in _named(node)
        if name.split(".")[0] not in ("layers", "geo", "cli", "__future__")
    }
    done = run_python(CLOSED, ",".join(sorted(theirs)), ",".join(sorted(NAMES)))
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def _named(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [str(node.module)] if isinstance(node, ast.ImportFrom) else []


def test_the_guard_at_import_is_awake(tmp_path):
    (tmp_path / "careless.py").write_text("import socket; socket.create_connection(('localhost', 9))", encoding="utf-8")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{CLOSED}"
    done = run_python(code, "socket", "careless")
    assert done.returncode != 0
    assert "at import" in done.stderr


def test_the_network_is_closed_in_tests():
    with socket.socket() as line, pytest.raises(AssertionError, match="reached for the network"):
        line.connect(("192.0.2.1", 9))


@pytest.mark.skipif(not CLI, reason="there is no command yet")
def test_help_loads_nothing_heavy():
    done = run_python("import sys, cli; print([one for one in ('geopandas', 'pandas', 'numpy') if one in sys.modules])")
    assert done.stdout.strip() == "[]", done.stderr


# ---------------------------------------------------------------- every file


def all_files() -> list[Path]:
    """Return the files of the project: what git tracks, else what a source archive holds."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
    own = ("geo", "layers", "tests", "docs", "notebooks", "benchmarks")
    return [path for name in own for path in (ROOT / name).rglob("*") if path.is_file()] + [
        path for path in ROOT.iterdir() if path.is_file()
    ]


# Written in halves, so that this file does not find itself.
FORBIDDEN = {
    "a folder of some machine": r"(?<![\w.:/-])/(?:ro" + r"ot|ho" + r"me/\w|wo" + r"rk|Us" + r"ers/\w|opt/\w)[/\w]",
    "a drive of some machine": r"\b[CD]:\\(?:Us" + r"ers|wo" + r"rk)",
    "the address of a package index": r"pypi\."
    + r"org|pythonh"
    + r"osted|index-"
    + r"url|/simp"
    + r"le/|conda\.ana"
    + r"conda",
    "unfinished work": r"\b(?:TO" + r"DO|FIX" + r"ME)\b",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names(what):
    pattern = re.compile(FORBIDDEN[what])
    hits = []
    for path in all_files():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            hits.append(f"{path.relative_to(ROOT)}:{line}: {match[0]}")
    assert hits == []


def test_pins_name_no_place_and_cover_what_is_asked():
    import tomllib

    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    lines = [line for line in pins.splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+( ; .+)?", line) for line in lines)
    pinned = {re.match(r"[\w.-]+", line)[0].lower() for line in lines}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    names = {re.match(r"[\w.-]+", one)[0].lower() for one in asked} - {"parkwise"}
    assert names <= pinned
