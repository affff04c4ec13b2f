"""Fill a folder with wheels, so that Parkwise installs where there is no network: `python start.py collect DIR`.

For this system, or for Windows or Linux from anywhere. Versions are those of constraints.txt, so nothing needs to be
resolved: every wheel says what it needs in turn, and what the other system needs is asked by its own markers, which
pip itself does not do. Runs in the environment that start.py makes, where pip and packaging are.
"""

from __future__ import annotations

import argparse
import email
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).resolve().parent
#: The machine the wheels are for: the platforms pip is asked for, and what markers see.
SYSTEMS = {
    "windows": (
        ["win_amd64"],
        {"sys_platform": "win32", "os_name": "nt", "platform_system": "Windows", "platform_machine": "AMD64"},
    ),
    "linux": (
        [*(f"manylinux_2_{minor}_x86_64" for minor in range(28, 16, -1)), "manylinux2014_x86_64"],
        {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux", "platform_machine": "x86_64"},
    ),
}
#: What start.py needs where it builds Parkwise from its folder.
BUILDERS = ("setuptools",)


def main(arguments: list[str]) -> int:
    """Collect wheels; return 1 where some are not to be had, and name them."""
    parser = argparse.ArgumentParser(prog="start.py collect", description="Fill a folder with wheels.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--platform", choices=SYSTEMS, help="the system they are for (default: this one)")
    parser.add_argument("--python", metavar="3.12", help="the Python they are for (default: this one)")
    parser.add_argument("--extras", default="all", help="extras of Parkwise (default: all; none: core alone)")
    asked = parser.parse_args(arguments)
    asked.folder = asked.folder.resolve()  # pip works in the folder of the project
    asked.folder.mkdir(parents=True, exist_ok=True)
    environment = target(asked.platform, asked.python)
    own = build_own(asked.folder)
    missing = collect(own, asked.folder, environment, pip_options(asked), asked.extras)
    for name in missing:
        print(f"no wheel: {name}", file=sys.stderr)
    count = len(list(asked.folder.glob("*.whl")))
    print(f"{asked.folder}: {count} wheels, {len(missing)} missing", file=sys.stderr)
    return 1 if missing else 0


def target(platform: str | None, python: str | None) -> dict[str, str]:
    """Return what markers see on the machine the wheels are for."""
    here = {name: str(value) for name, value in default_environment().items()}
    environment = {**here, **(SYSTEMS[platform][1] if platform else {}), "extra": ""}
    if python:
        environment |= {"python_version": python, "python_full_version": f"{python}.0"}
    return environment


def pip_options(asked: argparse.Namespace) -> list[str]:
    """Return the options by which pip looks for wheels of another system or Python."""
    platforms = SYSTEMS[asked.platform][0] if asked.platform else []
    options = [word for one in platforms for word in ("--platform", one)]
    return options + (["--python-version", asked.python] if asked.python else [])


def build_own(folder: Path) -> Path:
    """Build the wheel of Parkwise itself, in place of any older one."""
    for old in folder.glob("parkwise-*.whl"):
        old.unlink()
    if pip("wheel", "--no-deps", "-w", str(folder), str(ROOT)) != 0:
        raise SystemExit("the wheel of Parkwise could not be built; pip's words above say why")
    return next(folder.glob("parkwise-*.whl"))


def collect(own: Path, folder: Path, environment: dict[str, str], options: list[str], extras: str) -> list[str]:
    """Fetch what Parkwise needs and what that needs in turn; return what is not to be had."""
    pins, missing = pinned(environment), []
    wanted: dict[str, set[str]] = {name: set() for name in BUILDERS}
    done: dict[str, set[str]] = {"parkwise": set()}
    _add(wanted, needs(own, {one for one in extras.split(",") if one != "none"}, environment))
    while wanted:
        new = [f"{name}=={pins[name]}" for name in wanted if name not in done]
        missing += fetch(new, folder, options)
        found: dict[str, set[str]] = {}
        for name, of in wanted.items():
            wheel = wheel_of(name, pins[name], folder)
            if wheel is not None:
                _add(found, needs(wheel, of, environment))
            done[name] = done.get(name, set()) | of
        wanted = {name: of for name, of in found.items() if name not in done or of - done[name]}
    return missing


def _add(to: dict[str, set[str]], requirements: Iterable[Requirement]) -> None:
    for one in requirements:
        name = canonicalize_name(one.name)
        if name != "parkwise":
            to.setdefault(name, set()).update(one.extras)


def needs(wheel: Path, extras: set[str], environment: dict[str, str]) -> list[Requirement]:
    """Return what a wheel with these extras needs on the machine; extras of its own are taken apart."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(one for one in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", one))
        told = email.message_from_bytes(archive.read(name))
    requirements = [Requirement(one) for one in told.get_all("Requires-Dist", [])]
    holding = [
        one for one in requirements
        if one.marker is None or any(one.marker.evaluate({**environment, "extra": extra}) for extra in {"", *extras})
    ]  # fmt: skip
    own = canonicalize_name(str(told["Name"]))
    further = {extra for one in holding if canonicalize_name(one.name) == own for extra in one.extras} - extras
    return needs(wheel, extras | further, environment) if further else holding


def pinned(environment: dict[str, str]) -> dict[str, str]:
    """Return the version of each package that constraints.txt names for the machine."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    asked = [Requirement(line) for line in lines if line and not line.startswith("#")]
    fits = [one for one in asked if one.marker is None or one.marker.evaluate(environment)]
    return {canonicalize_name(one.name): next(iter(one.specifier)).version for one in fits}


def fetch(names: list[str], folder: Path, options: list[str]) -> list[str]:
    """Download wheels; where one is not to be had, try each alone, and build what is pure Python. Return the rest."""
    download = ("download", "--no-deps", "-d", str(folder), "--only-binary", ":all:", *options)
    if not names or pip(*download, *names, quiet=True) == 0:
        return []
    failed = [one for one in names if pip(*download, one, quiet=True) != 0]
    return [one for one in failed if not build_pure(one, folder)]


def build_pure(name: str, folder: Path) -> bool:
    """Build a wheel of a package that comes as source; keep it only where it fits every system."""
    if pip("wheel", "--no-deps", "-w", str(folder), name, quiet=True) != 0:
        return False
    package, version = name.split("==")
    wheel = wheel_of(package, version, folder)
    pure = wheel is not None and wheel.name.endswith("-none-any.whl")
    if wheel is not None and not pure:
        wheel.unlink()
    return pure


def wheel_of(name: str, version: str, folder: Path) -> Path | None:
    """Return the wheel of a package in the folder."""
    for path in sorted(folder.glob("*.whl")):
        of, its, *_ = parse_wheel_filename(path.name)
        if of == canonicalize_name(name) and str(its) == version:
            return path
    return None


def pip(*words: str, quiet: bool = False) -> int:
    """Run pip of this environment."""
    command = [sys.executable, "-m", "pip", *words, "--quiet", "--disable-pip-version-check", "--no-input"]
    return subprocess.call(command, cwd=ROOT, stderr=subprocess.DEVNULL if quiet else None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
