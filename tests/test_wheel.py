"""The wheel, not only the tree: it holds every data file and works in an empty place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

SOURCES = ("geo", "layers", "cli.py", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the tree, so that no stale build folder takes part."""
    if _setuptools() < 77:
        pytest.skip("setuptools 77 or newer is not installed: no wheel can be built without a package index")
    if not (root / "cli.py").is_file():
        pytest.skip("there is no command yet")
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"
    source.mkdir()
    for name in SOURCES:
        one = root / name
        if one.is_dir():
            shutil.copytree(one, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(one, source / name)
    pip("wheel", "--no-deps", "--no-build-isolation", "-w", str(place), str(source))
    (built,) = place.glob("parkwise-*.whl")
    return built


def _setuptools() -> int:
    try:
        return int(version("setuptools").split(".")[0])
    except PackageNotFoundError:
        return 0


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", *arguments, "--quiet", "--disable-pip-version-check", "--no-index"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the installed wheel and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    pip("install", "--no-deps", "--target", str(folder), str(wheel))
    return folder


def test_wheel_holds_every_file_of_the_tree_and_no_other(wheel, root):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    tree = {
        path.relative_to(root).as_posix()
        for wing in ("geo", "layers")
        for path in (root / wing).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == tree | {"cli.py"}


def test_licence_travels_with_the_wheel(wheel):
    with zipfile.ZipFile(wheel) as archive:
        assert [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]


def test_installed_command_lists_the_policies(installed, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONUTF8": "1"}
    where = (
        "import cli, geo.standards, layers.units; print(cli.__file__, geo.standards.__file__, layers.units.__file__)"
    )
    told = subprocess.run(
        [sys.executable, "-c", where], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.count(str(installed)) == 3
    command = shutil.which("parkwise", path=str(installed / "bin"))
    done = subprocess.run(
        [command, "policy", "show", "hangzhou-2023", "--json"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["number"] == "杭政函〔2023〕13号"


def test_installed_command_runs_the_demo(installed, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONUTF8": "1"}
    command = [shutil.which("parkwise", path=str(installed / "bin")), "demo", "--parcels", "1000", "-o", "out"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    written = {path.name for path in (tmp_path / "out").rglob("*")}
    assert {"report.html", "report.docx", "report.xlsx", "map.html", "results.json", "manifest.json"} <= written
