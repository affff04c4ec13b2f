"""A folder of wheels: what another machine needs is told by its own markers, and what is missing is named."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_wheel import wheel  # noqa: F401  (a fixture)

import cli
from layers import example


@pytest.fixture
def house(root, tmp_path, monkeypatch):
    """The collector, with an index that is a list of names, and pins of its own."""
    pytest.importorskip("packaging")
    spec = importlib.util.spec_from_file_location("wheelhouse", root / "wheelhouse.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pins = 'a==1\nb==2 ; sys_platform == "win32"\nb==1 ; sys_platform != "win32"\nc==1\nd==1\nsetuptools==80\n'
    (tmp_path / "constraints.txt").write_text(pins, encoding="utf-8")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    module.index, module.asked = {}, []

    def pip(*words, quiet=False):
        into, names = Path(words[words.index("-d") + 1] if "-d" in words else words[3]), []
        names = [word for word in words if "==" in word]
        module.asked.append([word for word in words if word != str(into)])
        if words[0] == "wheel" or any(name not in module.index for name in names):
            return 1
        for name in names:
            make_wheel(into, *name.split("=="), module.index[name])
        return 0

    monkeypatch.setattr(module, "pip", pip)
    return module


def make_wheel(folder: Path, name: str, version: str, needs: list[str]) -> Path:
    path = folder / f"{name}-{version}-py3-none-any.whl"
    lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {one}" for one in needs)]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}-{version}.dist-info/METADATA", "\n".join(["Metadata-Version: 2.1", *lines, "", ""]))
    return path


def collected(house, folder: Path, platform: str, extras: str = "all") -> tuple[set[str], list[str]]:
    folder.mkdir()
    own = make_wheel(
        folder, "parkwise", "1",
        ["a", 'b; sys_platform == "win32"', 'parkwise[one]; extra == "all"', 'c[more]; extra == "one"'],
    )  # fmt: skip
    missing = house.collect(own, folder, house.target(platform, "3.12"), [], extras)
    return {path.name.split("-py3")[0] for path in folder.glob("*.whl")}, missing


def test_markers_are_those_of_the_other_machine(house, tmp_path):
    more = ["c>=1", 'd; extra == "more"']
    house.index = {"a==1": ["c"], "b==2": [], "b==1": [], "c==1": more, "d==1": [], "setuptools==80": []}
    windows, missing = collected(house, tmp_path / "w", "windows")
    assert (windows, missing) == ({"parkwise-1", "a-1", "b-2", "c-1", "d-1", "setuptools-80"}, [])
    linux, _ = collected(house, tmp_path / "l", "linux")
    assert linux == {"parkwise-1", "a-1", "c-1", "d-1", "setuptools-80"}
    core, _ = collected(house, tmp_path / "c", "linux", "none")
    assert core == {"parkwise-1", "a-1", "c-1", "setuptools-80"}  # c without [more] has no d


def test_what_is_not_to_be_had_is_named_and_the_rest_fetched(house, tmp_path):
    house.index = {"a==1": [], "setuptools==80": []}
    there, missing = collected(house, tmp_path / "w", "windows")
    assert there == {"parkwise-1", "a-1", "setuptools-80"}
    assert sorted(missing) == ["b==2", "c==1"]


def test_pip_is_asked_for_the_platform_and_the_python(house):
    asked = house.argparse.Namespace(platform="windows", python="3.12")
    assert house.pip_options(asked) == ["--platform", "win_amd64", "--python-version", "3.12"]
    assert "manylinux_2_17_x86_64" in house.pip_options(house.argparse.Namespace(platform="linux", python=None))


def test_every_need_of_this_environment_is_pinned(root):
    """The real pins hold all that the installed packages need, on every system: nothing is left for pip to choose."""
    spec = importlib.util.spec_from_file_location("wheelhouse", root / "wheelhouse.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for platform in module.SYSTEMS:
        environment = module.target(platform, "3.12")
        pins = module.pinned(environment)
        open_, done = {("parkwise", "all")}, set()
        while open_:
            name, extra = open_.pop()
            done.add((name, extra))
            try:
                told = [module.Requirement(one) for one in requires(name) or []]
            except PackageNotFoundError:
                continue  # of another system
            for one in told:
                if one.marker is None or one.marker.evaluate({**environment, "extra": extra}):
                    of = module.canonicalize_name(one.name)
                    assert of == "parkwise" or of in pins, f"{platform}: {name} needs {of}"
                    open_ |= {(of, wanted) for wanted in {"", *one.extras} if (of, wanted) not in done}


def test_pins_hold_for_the_first_python_that_is_promised(root):
    """A distribution of Linux may stay with 3.11.2; a pin that asks for more would end `start.py test` there."""
    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    lines = (root / "constraints.txt").read_text("utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    first = {"python_version": "3.11", "python_full_version": "3.11.0"}
    asked = {}
    for pin in pins:
        with suppress(PackageNotFoundError):
            told = metadata(pin.name)
            if (pin.marker is None or pin.marker.evaluate(first)) and pin.specifier.contains(told["Version"]):
                asked[pin.name] = told.get("Requires-Python") or ""
    assert len(asked) > 50
    assert [name for name, wanted in asked.items() if not SpecifierSet(wanted).contains("3.11.0")] == []


def test_a_wheel_installs_from_a_folder_with_no_index(wheel, tmp_path):  # noqa: F811
    """The command of docs/install.md; what Parkwise needs stands in for the folder of all wheels."""
    venv = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", str(venv)], check=True)
    python = venv / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    command = [str(python), "-m", "pip", "install", "--no-index", "--no-deps", "--find-links", str(wheel.parent)]
    done = subprocess.run([*command, "parkwise[all]"], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert (python.parent / python.name.replace("python", "parkwise")).is_file()


# ---------------------------------------------------------------- an extra that is not installed

#: Package that is hidden, the extra it belongs to, a command that needs it, its exit code.
MISSING = [
    ("psycopg", "postgis", "info postgresql://gis.example/land", 2),
    ("matplotlib", "print", "map project.toml -o sheet.pdf", 2),
    ("distributed", "large", "measure dataset --scheduler tcp://127.0.0.1:9", 2),
    ("fsspec", "large", "measure s3://bucket/dataset", 2),
    ("networkx", "routing", "report project.toml -o out", 0),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("city")
    example.write(folder, example.make(parcels=1000))
    done = CliRunner().invoke(cli.main, ["convert", str(folder / "project.toml"), "-o", str(folder / "dataset"), "-q"])
    assert done.exit_code == 0, done.output
    return folder


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("package", "extra", "command", "code"), MISSING, ids=[row[0] for row in MISSING])
def test_a_missing_extra_is_named(package, extra, command, code, language, data, tmp_path, monkeypatch, caplog):
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    for name in [name for name in sys.modules if name.startswith("geo.maps.paper.")]:
        monkeypatch.delitem(sys.modules, name)
    words = [str(tmp_path / word) if word in ("sheet.pdf", "out") else word for word in command.split()]
    monkeypatch.chdir(data)
    done = CliRunner().invoke(cli.main, [*words, "--lang", language])
    assert done.exit_code == code, done.output
    logged = "".join(
        getattr(record, "zh", "") if language == "zh" else record.getMessage() for record in caplog.records
    )
    assert f"parkwise[{extra}]" in done.output + logged
    assert "Traceback" not in done.output


def test_the_page_tells_every_extra(root):
    import tomllib

    extras = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    page = (root / "docs" / "install.md").read_text("utf-8")
    for extra in set(extras) - {"all", "test"}:
        assert f"| `{extra}` |" in page
