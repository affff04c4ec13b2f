"""What the clock and the operating system say: time, memory, the machine.

Memory is resident memory in MiB, as Linux keeps it under /proc: the peak of this process from a chosen moment on
(`forget_peak`, `memory`), or the highest sum over several processes, looked at ten times a second or more (`watch`,
`run`). Pages that processes share are counted once for each of them, unless `shared="once"`.
"""

from __future__ import annotations

import datetime as dt
import os
import platform
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

from layers.threads import cores

PACKAGES = (
    "parkwise",
    "geopandas",
    "shapely",
    "pyproj",
    "numpy",
    "pandas",
    "pyarrow",
    "duckdb",
    "duckdb-extension-spatial",
    "sedonadb",
    "psycopg",
)


@dataclass(frozen=True)
class Run:
    """A process that ran to its end: seconds, peak memory of it and its children (MiB), what it wrote to stdout."""

    seconds: float
    peak_mib: float
    output: str


@dataclass
class Peak:
    """The highest sum seen so far."""

    mib: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)


def run(command: Sequence[str], *, into: Path | None = None) -> Run:
    """Run a command in a session of its own, and watch all processes of that session.

    What it writes to stdout goes into a file where one is named.

    Raises
    ------
    RuntimeError
        It failed; the message ends with the last lines it wrote to stderr.
    """
    with into.open("w+b") if into else tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=errors, start_new_session=True)  # noqa: S603
        try:
            with watch(lambda: _session(process.pid)) as peak:
                process.wait()
                seconds = time.perf_counter() - start
        except BaseException:  # Ctrl-C does not reach another session by itself
            os.killpg(process.pid, signal.SIGTERM)
            raise
        if process.returncode:
            raise RuntimeError(f"exit {process.returncode}: {' / '.join(_text(errors).strip().splitlines()[-3:])}")
        return Run(seconds, peak.mib, "" if into else _text(output))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


@contextmanager
def watch(processes: Callable[[], Iterable[int]], *, shared: str = "each time") -> Iterator[Peak]:
    """Look at processes again and again until the block ends: often at first, then ten times a second."""
    peak, of = Peak(), _proportional if shared == "once" else _resident

    def look() -> None:
        pause = 0.005
        while not peak.over.wait(pause):
            peak.mib = max(peak.mib, sum(map(of, processes())))
            pause = min(pause * 1.1, 0.1)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        peak.over.set()
        thread.join()


def _session(leader: int) -> list[int]:
    """Return the processes of a session, whoever started them."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            # After the name, which may hold anything: state, parent, group, session.
            fields = _read(entry / "stat").rpartition(")")[2].split()
            if len(fields) > 3 and int(fields[3]) == leader:
                found.append(int(entry.name))
    return found


def children(parent: int) -> list[int]:
    """Return the processes a process has started."""
    return [int(word) for word in _read(Path(f"/proc/{parent}/task/{parent}/children")).split()]


def _resident(process: int) -> float:
    pages = _read(Path(f"/proc/{process}/statm")).split()
    return int(pages[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20 if pages else 0.0


def _proportional(process: int) -> float:
    lines = _read(Path(f"/proc/{process}/smaps_rollup")).splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # the process has ended, or is not ours to look at
        return ""


def forget_peak() -> None:
    """Let the peak of this process start from what it holds now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def memory() -> tuple[float, float]:
    """Return what this process holds now and its peak, in MiB."""
    lines = dict(line.split(":", 1) for line in _read(Path("/proc/self/status")).splitlines())
    now, peak = (int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, peak


def machine() -> dict[str, object]:
    """Say where and with what a benchmark ran, as plain values."""
    lines = _read(Path("/proc/cpuinfo")).splitlines()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "processor": next(models, platform.machine()),
        "cores": cores(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "versions": {name: number for name in PACKAGES if (number := _version(name))},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
