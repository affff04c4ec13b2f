"""Install Parkwise beside this file and run it: needs Python 3.11 or newer and nothing else.

    python start.py demo [options of parkwise demo]      an example city and the full report on it
    python start.py test [options of pytest]             every test
    python start.py collect DIR [--platform windows]     fill a folder with wheels, to install without a network

The first run makes a private environment in `.venv` and installs the versions of constraints.txt with pip,
from whatever index or wheel folder pip is configured for. Later runs start at once; the environment is
brought up to date when pyproject.toml or constraints.txt has changed. Nothing outside this folder changes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

OLDEST, NEWEST_TRIED = (3, 11), (3, 14)
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
NO_ROUTE = (
    "pip's words above say why. Without a route to a package index, bring a folder of wheels (start.py collect) "
    "and set PIP_FIND_LINKS to it and PIP_NO_INDEX to 1."
)
COMMANDS = {"demo": "[print,routing]", "test": "[test]", "collect": None}  # command -> extras it needs


class CannotStartError(Exception):
    """What stands in the way, and how to mend it."""


def main(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    if not arguments or arguments[0] not in COMMANDS:
        print(__doc__, file=sys.stdout if arguments in (["-h"], ["--help"]) else sys.stderr)
        return 0 if arguments in (["-h"], ["--help"]) else 2
    command, rest = arguments[0], arguments[1:]
    try:
        check_python()
        if command == "collect":
            return run_collect(rest)
        install(COMMANDS[command])
        return run_demo(rest) if command == "demo" else run_tests(rest)
    except CannotStartError as error:
        print(f"start.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def run_demo(rest: list[str]) -> int:
    """Run `parkwise demo` where the caller stands."""
    return subprocess.call([str(BIN / "parkwise"), "demo", *rest], env=environment())


def run_tests(rest: list[str]) -> int:
    """Run the whole suite, or the part the further arguments name."""
    return subprocess.call([str(PYTHON), "-m", "pytest", *rest], cwd=str(ROOT), env=environment())


def run_collect(rest: list[str]) -> int:
    """Fill a folder with wheels; Parkwise itself need not be installed for that."""
    make_environment()
    pip_install("packaging", hint=NO_ROUTE)
    say("collecting wheels; this takes some minutes")
    return subprocess.call([str(PYTHON), str(ROOT / "wheelhouse.py"), *rest], env=environment())


def check_python() -> None:
    """Refuse a Python that is too old, or one that cannot make environments."""
    if sys.version_info[:2] < OLDEST:
        wanted, found = ".".join(map(str, OLDEST)), ".".join(map(str, sys.version_info[:3]))
        raise CannotStartError(
            f"Python {wanted} or newer is needed, this is {found} ({sys.executable}). "
            "Install a newer one and call it by name, for example: "
            "python3.13 start.py demo (Windows: py -3.13 start.py demo)"
        )
    if any(importlib.util.find_spec(name) is None for name in ("venv", "ensurepip")):
        raise CannotStartError(
            f"this Python ({sys.executable}) cannot make environments: the module venv or ensurepip is missing. "
            "On Debian and Ubuntu: apt install python3-venv"
        )


def install(extras: str) -> None:
    """Make `.venv` and install Parkwise with `extras`, unless that has been done already."""
    if is_installed(extras):
        return
    make_environment()
    say("installing; the first time this takes some minutes")
    hint = NO_ROUTE
    if sys.version_info[:2] > NEWEST_TRIED:
        hint += f" Packages may not be ready for this Python yet: try {'.'.join(map(str, NEWEST_TRIED))}."
    pip_install("-e", f".{extras}", hint=hint)
    stamp(extras).write_text(recipe(), encoding="utf-8")


def make_environment() -> None:
    """Make `.venv`, unless it is there."""
    if not has_pip():
        say(f"making the environment {VENV}")
        call(
            sys.executable, "-m", "venv", "--clear", str(VENV), hint="Is there room, and may this folder be written to?"
        )


def pip_install(*what: str, hint: str) -> None:
    """Install into `.venv`, in the versions of constraints.txt."""
    pip = (str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input")
    call(*pip, "-c", "constraints.txt", *what, hint=hint)


def is_installed(extras: str) -> bool:
    """Tell whether the environment was made by today's recipe, with these extras or with more."""
    wider = {extras, "[test]"}
    return PYTHON.exists() and any(_read(stamp(one)) == recipe() for one in wider)


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def stamp(extras: str) -> Path:
    """Return the file that says by which recipe the environment was made."""
    return VENV / f"parkwise{extras.strip('[]')}.recipe"


def recipe() -> str:
    """Return a fingerprint of what decides the environment."""
    return hashlib.sha256(
        b"".join((ROOT / name).read_bytes() for name in ("pyproject.toml", "constraints.txt"))
    ).hexdigest()


def has_pip() -> bool:
    """Tell whether `.venv` holds a Python that runs and has pip."""
    if not PYTHON.exists():
        return False
    return subprocess.call([str(PYTHON), "-c", "import pip"], stderr=subprocess.DEVNULL) == 0


def call(*command: str, hint: str) -> None:
    """Run a command of the installation and stop with a hint where it fails."""
    if subprocess.call(command, cwd=str(ROOT), env=environment()) != 0:
        raise CannotStartError(f"this did not work: {' '.join(command[:5])} … {hint}")


def environment() -> dict[str, str]:
    """Return the environment of the children: UTF-8 everywhere, no foreign packages."""
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    return {**inherited, "PYTHONUTF8": "1"}


def say(what: str) -> None:
    """Tell on stderr what takes time."""
    print(f"start.py: {what} …", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
