"""The start script: it tells what is wrong, installs once, and hands arguments on."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def start(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The script as a module, at work in an empty folder and noting the commands it would run."""
    spec = importlib.util.spec_from_file_location("start", root / "start.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text("first", encoding="utf-8")
    venv = tmp_path / ".venv"
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", venv)
    monkeypatch.setattr(module, "BIN", venv / "bin")
    monkeypatch.setattr(module, "PYTHON", venv / "bin" / "python")
    module.ran = []

    def note(command, **options):
        module.ran.append([str(part) for part in command])
        if "venv" in command:
            module.PYTHON.parent.mkdir(parents=True)
            module.PYTHON.touch()
        return next((code for word, code in module.fails.items() if word in command), 0)

    module.fails = {}
    monkeypatch.setattr(module.subprocess, "call", note)
    return module


def kinds(start) -> list[str]:
    names = ("venv", "pip", "pytest", "demo")
    return [next(name for name in names if name in command) for command in start.ran if "-c" not in command[:2]]


def test_demo_makes_the_environment_installs_and_runs(start):
    assert start.main(["demo", "-o", "out"]) == 0
    assert kinds(start) == ["venv", "pip", "demo"]
    assert start.ran[1][-4:] == ["-c", "constraints.txt", "-e", ".[print,routing]"]
    assert start.ran[-1][-3:] == ["demo", "-o", "out"]


def test_second_run_installs_nothing(start):
    start.main(["test"])
    start.ran.clear()
    assert start.main(["demo"]) == 0  # the tests need all that the demo needs
    assert start.main(["test", "-k", "law"]) == 0
    assert kinds(start) == ["demo", "pytest"]
    assert start.ran[-1][-2:] == ["-k", "law"]


def test_tests_need_more_than_the_demo(start):
    start.main(["demo"])
    start.ran.clear()
    start.main(["test"])
    assert start.ran[-2][-1] == ".[test]"


def test_a_changed_pin_installs_anew_in_the_same_environment(start):
    start.main(["demo"])
    start.ran.clear()
    (start.ROOT / "constraints.txt").write_text("second", encoding="utf-8")
    start.main(["demo"])
    assert kinds(start) == ["pip", "demo"]


def test_a_failed_installation_is_told_and_not_remembered(start, capsys):
    start.fails["pip"] = 1
    assert start.main(["demo"]) == 1
    assert "PIP_FIND_LINKS" in capsys.readouterr().err
    assert "demo" not in kinds(start)
    start.fails.clear()
    assert start.main(["demo"]) == 0
    assert kinds(start)[-2:] == ["pip", "demo"]


def test_exit_code_is_that_of_the_command(start):
    start.fails["pytest"] = 5
    assert start.main(["test"]) == 5


def test_an_old_python_is_refused(start, monkeypatch, capsys):
    monkeypatch.setattr(start.sys, "version_info", (3, 9, 2))
    assert start.main(["demo"]) == 1
    told = capsys.readouterr().err
    assert "3.11 or newer" in told
    assert "3.9.2" in told
    assert start.ran == []


def test_a_python_without_ensurepip_is_refused(start, monkeypatch, capsys):
    monkeypatch.setattr(start.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else object())
    assert start.main(["demo"]) == 1
    assert "apt install python3-venv" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "code"), [([], 2), (["dmeo"], 2), (["--help"], 0)])
def test_usage(root, arguments, code):
    done = subprocess.run(
        [sys.executable, str(root / "start.py"), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert "start.py demo" in (done.stderr if code else done.stdout)


def test_children_speak_utf8_and_see_no_foreign_packages(start, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "somewhere")
    assert start.environment()["PYTHONUTF8"] == "1"
    assert "PYTHONPATH" not in start.environment()
