"""Sharing work out and adding it up again: batches in, one whole out, the same wherever the steps ran.

`fold` does a step on every batch - here, in threads, in processes, or on a dask cluster - and combines the
parts in the order of the batches, whichever finished first. It knows nothing of land, columns or files.
Only so many batches are under way that memory stays flat, however many there are. Parts that were kept from
an earlier run (`KeptFiles`) are not computed again.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from geo.cluster import OnCluster
from geo.schedulers import Crew, Here, InProcesses, InThreads
from layers.errors import ProjectError
from layers.output import new_files
from layers.threads import cores

__all__ = ["Kept", "KeptFiles", "fold", "require_scheduler"]

Batch = TypeVar("Batch")
Part = TypeVar("Part")
Batch_contra = TypeVar("Batch_contra", contravariant=True)

_log = logging.getLogger(__name__)

#: How the address of a dask scheduler begins.
_CLUSTERS = ("tcp://", "tls://")

#: So many parts may wait for an earlier one to finish, above those under way.
_AHEAD = 8


class Kept(Protocol[Batch_contra, Part]):
    """Parts of an earlier run; asked in the calling process only."""

    def load(self, batch: Batch_contra) -> Part | None:
        """Return the part of a batch, or None where it must be computed."""

    def save(self, batch: Batch_contra, part: Part) -> None:
        """Keep the part of a batch."""


def fold(
    batches: Sequence[Batch],
    step: Callable[[Batch], Part],
    combine: Callable[[Part, Part], Part],
    *,
    scheduler: str = "threads",
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    weight: Callable[[Batch], int] | None = None,
    kept: Kept[Batch, Part] | None = None,
) -> Part | None:
    """Do `step` on every batch and combine the parts in the order of the batches.

    Parameters
    ----------
    batches : sequence
        Light descriptions of the work (a path, a range), not the data.
    step : function of a batch
        Gives its part. For processes and clusters it must pickle: a function at the top of a module, or a
        `functools.partial` of one, whose arguments go to each worker once. A part is never None.
    combine : function of two parts
        Adds the second to the first; need not be commutative. Runs in the calling process.
    scheduler : "threads", "processes", "tcp://host:port" or "tls://host:port"
        The address is that of a dask scheduler. A single batch runs right here, and so do threads with one worker.
    workers : int, optional
        How many batches at once; by default one a core.
    progress : function of (done, total), optional
        Called in the calling process after each batch, in units of `weight`.
    weight : function of a batch, optional
        How much work it is; by default 1.
    kept : Kept, optional
        Where finished parts are kept, and found again when the run is repeated.

    Returns
    -------
    part or None
        None where there is no batch.

    Raises
    ------
    EngineError
        A batch killed its worker three times, or the cluster cannot be used.
    ProjectError
        No such scheduler, or less than one worker.

    Notes
    -----
    An exception of a step is raised as it is and ends the run; Ctrl-C does too. Waiting batches are dropped and
    processes ended; a step in a thread cannot be stopped, but nobody waits for it.

    Examples
    --------
    >>> fold([[1, 2], [3], [4, 5]], sum, lambda one, other: one + other)
    15
    >>> fold(["a", "b", "c"], str.upper, lambda one, other: one + other)
    'ABC'
    """
    if not batches:
        return None
    weights = [weight(batch) if weight else 1 for batch in batches]
    done, total = 0, sum(weights)

    def tell(place: int) -> None:
        nonlocal done
        done += weights[place]
        if progress:
            progress(done, total)

    with _crew(scheduler, step, workers, len(batches)) as crew:
        return reduce(combine, _in_order(batches, crew, kept, tell))


def require_scheduler(scheduler: str) -> None:
    """Raise ProjectError where there is no such scheduler; whether a cluster answers shows when it is used."""
    if scheduler not in ("threads", "processes") and not scheduler.startswith(_CLUSTERS):
        raise ProjectError(
            f"scheduler = {scheduler!r}: expected threads, processes, or the address of a dask scheduler, "
            "such as tcp://10.0.0.5:8786.",
            f"scheduler = {scheduler!r}：应为 threads、processes，或 dask 调度器地址，如 tcp://10.0.0.5:8786。",
        )


def _crew(scheduler: str, step: Callable[[Batch], Part], workers: int | None, batches: int) -> Crew[Batch, Part]:
    """Find those who will do the steps."""
    if workers is not None and workers < 1:
        raise ProjectError(f"workers = {workers}: expected 1 or more.", f"workers = {workers}：应不小于 1。")
    require_scheduler(scheduler)
    if scheduler.startswith(_CLUSTERS):
        return OnCluster(scheduler, step, workers)
    count = min(workers or cores(), batches)
    if batches == 1 or (scheduler == "threads" and count == 1):
        return Here(step)
    return InThreads(step, count) if scheduler == "threads" else InProcesses(step, count)


def _in_order(
    batches: Sequence[Batch], crew: Crew[Batch, Part], kept: Kept[Batch, Part] | None, tell: Callable[[int], None]
) -> Iterator[Part]:
    """Give the parts in the order of the batches, with a bounded number under way or waiting for an earlier one."""
    ready: dict[int, Part] = {}
    given = under_way = 0
    for wanted in range(len(batches)):
        while True:
            last = min(len(batches), wanted + crew.at_once + _AHEAD)
            while under_way < crew.at_once and given < last:
                part = None if kept is None else kept.load(batches[given])
                if part is None:
                    crew.give(given, batches[given])
                    under_way += 1
                else:
                    ready[given] = part
                    tell(given)
                given += 1
            if wanted in ready:
                break
            for place, part in crew.take():
                if kept is not None:
                    kept.save(batches[place], part)
                under_way -= 1
                ready[place] = part
                tell(place)
        yield ready.pop(wanted)


class KeptFiles(Generic[Batch, Part]):
    """Parts kept as files, each with its checksum, so that a run that was broken off goes on where it stopped.

    Parameters
    ----------
    folder : path
        The parts go into a folder in it, named by the fingerprint.
    fingerprint : str
        A digest of everything a part depends on: settings, input, version. Another fingerprint finds nothing.
    dump : function of (part, path)
        Writes a part to exactly this file. Not as a pickle, which could run anything when it is read.
    load : function of a path
        Reads it back, or raises.
    name : function of a batch
        Its file name, with the suffix that `dump` may want; another one for each batch.

    Raises
    ------
    OutputError
        When saving: the folder cannot be written, the disk is full.

    Examples
    --------
    >>> import json, tempfile
    >>> from pathlib import Path
    >>> folder = tempfile.TemporaryDirectory()
    >>> kept = KeptFiles(
    ...     folder.name, "1f2e3d", dump=lambda part, path: path.write_text(json.dumps(part)),
    ...     load=lambda path: json.loads(path.read_text()), name=lambda batch: f"{batch[0]}.json",
    ... )
    >>> fold([(1, 2), (3,)], sum, int.__add__, kept=kept), kept.load((1, 2)), kept.load((4,))
    (6, 3, None)
    >>> folder.cleanup()
    """

    def __init__(
        self,
        folder: str | Path,
        fingerprint: str,
        dump: Callable[[Part, Path], object],
        load: Callable[[Path], Part],
        name: Callable[[Batch], str],
    ) -> None:
        self.folder = Path(folder) / _plain(fingerprint)
        self._dump = dump
        self._load = load
        self._name = name

    def load(self, batch: Batch) -> Part | None:
        """Return the part of a batch; None where there is none, or a damaged one, which is told in the log."""
        path, sums = self._paths(batch)
        if not path.is_file():
            return None
        try:
            if _digest(path) != sums.read_text("ascii"):
                raise ValueError("its checksum differs")
            return self._load(path)
        except Exception as error:  # noqa: BLE001  (whatever a reader says of a damaged file)
            told = {"zh": f"{path} 已损坏（{error}），将重新计算"}
            _log.warning("%s is damaged (%s) and is computed again", path, error, extra=told)
            return None

    def save(self, batch: Batch, part: Part) -> None:
        """Write the part of a batch: all of it or nothing."""
        path, sums = self._paths(batch)
        with new_files(self.folder, [path.name, sums.name], overwrite=True) as work:
            self._dump(part, work / path.name)
            (work / sums.name).write_text(_digest(work / path.name), "ascii")

    def _paths(self, batch: Batch) -> tuple[Path, Path]:
        path = self.folder / _plain(self._name(batch))
        return path, path.with_name(path.name + ".sha256")


def _plain(name: str) -> str:
    """Refuse a name that would lead out of the folder."""
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise ValueError(f"{name!r}: expected a name of letters, digits, dots and dashes")
    return name


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
