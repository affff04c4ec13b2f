"""Who does the steps of `geo.engine.fold` on this machine: nobody else, threads, or processes.

A crew is given numbered batches and hands back numbered parts, in whatever order they finish. When its block
ends with an error or Ctrl-C, what waits is dropped and processes are ended. Knows nothing of what a step does.

Each process is a pool of its own, so that a death (out of memory, kill) is known to be of one worker and one
batch: that worker is started anew and its batches are given again, while the others go on.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import pickle
import signal
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextvars import ContextVar
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Generic, Protocol, TypeVar

from layers.errors import EngineError
from layers.threads import TICK, VARIABLE, Threads, cores

__all__ = ["Crew", "Here", "InProcesses", "InThreads", "gave_up", "packed"]

Batch = TypeVar("Batch")
Part = TypeVar("Part")
Batch_contra = TypeVar("Batch_contra", contravariant=True)
Part_co = TypeVar("Part_co", covariant=True)

_log = logging.getLogger(__name__)

#: A batch whose worker died so often is not given again.
DEATHS = 3


class Crew(Protocol[Batch_contra, Part_co]):
    """Those who do the steps; a context manager."""

    @property
    def at_once(self) -> int:
        """How many batches may be under way: one in work and one that waits for each worker."""

    def __enter__(self) -> Crew[Batch_contra, Part_co]: ...
    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None: ...
    def give(self, place: int, batch: Batch_contra) -> None:
        """Give a batch; its part will bear the number `place`."""

    def take(self) -> Iterator[tuple[int, Part_co]]:
        """Wait for a while; give what has finished, raise what a step raised."""


class Here(Generic[Batch, Part]):
    """No crew: every step is done when its part is asked for."""

    at_once = 1

    def __init__(self, step: Callable[[Batch], Part]) -> None:
        self._step = step
        self._given: deque[tuple[int, Batch]] = deque()

    def __enter__(self) -> Here[Batch, Part]:
        return self

    def __exit__(self, *_: object) -> None:
        self._given.clear()

    def give(self, place: int, batch: Batch) -> None:
        """Remember a batch."""
        self._given.append((place, batch))

    def take(self) -> Iterator[tuple[int, Part]]:
        """Do the oldest batch."""
        place, batch = self._given.popleft()
        yield place, self._step(batch)


class InThreads(Generic[Batch, Part]):
    """Threads of this process, which share its memory and its cores."""

    def __init__(self, step: Callable[[Batch], Part], workers: int) -> None:
        self.at_once = 2 * workers
        self._threads = Threads(step, workers, share=cores() // workers)

    def __enter__(self) -> InThreads[Batch, Part]:
        self._threads.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.__exit__()

    def give(self, place: int, batch: Batch) -> None:
        """Queue a batch."""
        self._threads.give(place, batch)

    def take(self) -> Iterator[tuple[int, Part]]:
        """Wait for one part."""
        yield self._threads.take()


class InProcesses(Generic[Batch, Part]):
    """Processes of this machine, spawned (never forked: GEOS and Arrow have threads), each with its share of cores."""

    def __init__(self, step: Callable[[Batch], Part], workers: int) -> None:
        self.at_once = 2 * workers
        self._workers = workers
        self._share = max(cores() // workers, 1)
        self._payload = packed(step)
        self._pools: dict[ProcessPoolExecutor, Future[None]] = {}
        self._given: dict[Future[Part], tuple[int, Batch, ProcessPoolExecutor]] = {}
        self._deaths: Counter[int] = Counter()

    def __enter__(self) -> InProcesses[Batch, Part]:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            for pool in self._pools:
                _kill(pool)
        with Threads(ProcessPoolExecutor.shutdown, len(self._pools)) as threads:  # all at once: each waits for its own
            for place, pool in enumerate(self._pools):
                threads.give(place, pool)
            for _pool in self._pools:
                threads.take()

    def give(self, place: int, batch: Batch) -> None:
        """Queue a batch with the worker that has least to do."""
        self._submit(place, batch, self._idlest())

    def take(self) -> Iterator[tuple[int, Part]]:
        """Wait for parts; give a dead worker's batches again."""
        done, _ = wait(self._given, timeout=TICK, return_when=FIRST_COMPLETED)
        for future in sorted(done, key=lambda one: one.exception() is not None):
            if future not in self._given:
                continue  # lost together with an earlier one, and given again
            place, _batch, pool = self._given[future]
            if isinstance(future.exception(), BrokenProcessPool):
                self._replace(pool)
                continue
            del self._given[future]
            yield place, future.result()

    def _idlest(self) -> ProcessPoolExecutor:
        if len(self._pools) < self._workers:
            return self._start()
        load = Counter(pool for _, _, pool in self._given.values())
        return min(self._pools, key=lambda pool: load[pool])

    def _start(self) -> ProcessPoolExecutor:
        """Start one worker: a pool of one, so that its death is its own."""
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(1, mp_context=context, initializer=_arrive, initargs=(self._share,))
        with _undisturbed():
            # The step goes there once, and not with every batch; when this is done, the worker has come to life.
            self._pools[pool] = pool.submit(_hold, self._payload)
        return pool

    def _submit(self, place: int, batch: Batch, pool: ProcessPoolExecutor) -> None:
        try:
            self._given[pool.submit(_do, batch)] = (place, batch, pool)
        except BrokenProcessPool:
            self._submit(place, batch, self._replace(pool))

    def _replace(self, pool: ProcessPoolExecutor) -> ProcessPoolExecutor:
        """Start a worker in place of a dead one and give it the batches that were lost."""
        mine = [future for future, (_, _, its) in self._given.items() if its is pool]
        wait(mine)
        lost = [self._given.pop(future)[:2] for future in mine if isinstance(future.exception(), BrokenProcessPool)]
        came_to_life = self._pools.pop(pool).exception() is None
        pool.shutdown()
        # A worker does one batch after the other, so it was the oldest that it died of.
        if lost or not came_to_life:
            self._count(lost[0] if came_to_life else None)
        fresh = self._start()
        for place, batch in lost:
            self._submit(place, batch, fresh)
        return fresh

    def _count(self, culprit: tuple[int, Batch] | None) -> None:
        place, batch = culprit or (-1, None)
        self._deaths[place] += 1
        if self._deaths[place] == DEATHS:
            raise gave_up(place, batch) if culprit else _stillborn()
        en, zh = (f"at batch {place + 1}", f"处理第 {place + 1} 批时") if culprit else ("at its start", "启动时")
        _log.warning(
            "a worker process died %s; another is started", en, extra={"zh": f"一个工作进程在{zh}中断，已重新启动一个"}
        )


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let Ctrl-C wait while a process starts, so that none is lost; the process inherits that it does not hear it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield  # Windows: only the initializer makes it deaf
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def packed(step: Callable[..., object]) -> bytes:
    """Pickle a step; functions written in a notebook go along whole where cloudpickle is installed."""
    data: bytes = import_module("cloudpickle" if find_spec("cloudpickle") else "pickle").dumps(step)
    return data


def gave_up(place: int, batch: object) -> EngineError:
    """Say that a batch kills whoever takes it."""
    name = " ".join(str(batch).split())[:200]
    return EngineError(
        f"Batch {place + 1} ({name}): each worker that took it died, so it is not given again. "
        "Most often memory ran out: use fewer workers (--workers), or convert the data into smaller parts.",
        f"第 {place + 1} 批（{name}）：处理它的工作进程每次都中断，不再重试。最常见的原因是内存不足："
        "请减少工作进程数（--workers），或把数据转换成更小的分区。",
    )


def _stillborn() -> EngineError:
    return EngineError(
        f"Worker processes ended {DEATHS} times before they began to work. A script that calls this needs its calls "
        "below `if __name__ == '__main__':`, since each worker reads the script; otherwise see what the workers "
        'printed above, or use scheduler="threads".',
        f"工作进程启动后、开始工作前已中断 {DEATHS} 次。若从脚本调用，请把调用放在 `if __name__ == '__main__':` 之下"
        '（每个工作进程都会读取该脚本）；否则请查看上方工作进程的输出，或改用 scheduler="threads"。',
    )


def _kill(pool: ProcessPoolExecutor) -> None:
    """End the process of a pool now (Python 3.14 has a public way to do so)."""
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        process.kill()


# ---------------------------------------------------------------- in the worker

_PAYLOAD: ContextVar[bytes] = ContextVar("step")


def _arrive(share: int) -> None:
    """Settle in a new process: its share of the cores, deaf to Ctrl-C, never longer alive than its parent."""
    os.environ[VARIABLE] = str(share)
    os.environ.setdefault("OMP_NUM_THREADS", str(share))  # what Arrow and others go by
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it and ends us
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _hold(payload: bytes) -> None:
    _PAYLOAD.set(payload)


def _do(batch: Any) -> Any:  # noqa: ANN401  (whatever the caller's step takes and gives)
    try:
        return _unpacked(_PAYLOAD.get())(batch)
    except Exception as error:
        _check_travels(error)
        raise


@lru_cache(maxsize=1)
def _unpacked(payload: bytes) -> Callable[[Any], Any]:
    step: Callable[[Any], Any] = pickle.loads(payload)  # noqa: S301  (from our own parent, never from disk)
    return step


def _check_travels(error: Exception) -> None:
    """Raise a plain error in place of one that pickle cannot carry to the parent."""
    with contextlib.suppress(Exception):
        pickle.loads(pickle.dumps(error))  # noqa: S301  (our own)
        return
    raise RuntimeError(f"{type(error).__name__}: {error}") from None
