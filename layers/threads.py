"""All cores, for work that lets go of the interpreter's lock (shapely, pyproj, numpy).

Results come back in the order of the items, so nothing depends on which core was quicker. How many cores
there are to use can be limited from outside: by the variable PARKWISE_CORES for a whole process, and by
`at_most` for what one thread does, so that many workers on one machine do not each take all of it.

The threads are daemons: an interrupted command ends at once instead of waiting for work nobody wants any more.
"""

from __future__ import annotations

import math
import os
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar

from layers.errors import ProjectError

__all__ = ["TICK", "VARIABLE", "Threads", "at_most", "cores", "spread"]

Item = TypeVar("Item")
Result = TypeVar("Result")

#: The environment variable that limits the cores of a process.
VARIABLE = "PARKWISE_CORES"

#: Waiting wakes up so often (seconds): Ctrl-C is not heard by a thread that waits without end on Windows.
TICK = 0.5

_limit: ContextVar[int | None] = ContextVar("cores", default=None)


def cores() -> int:
    """Return how many cores the work that asks may use, at least 1.

    Raises
    ------
    ProjectError
        PARKWISE_CORES is set to something else than a whole number above 0.
    """
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get(VARIABLE, "").strip()
    if asked and not (asked.isdecimal() and int(asked) > 0):
        raise ProjectError(
            f"{VARIABLE}={asked}: expected a whole number above 0, the cores Parkwise may use. Correct or unset it.",
            f"{VARIABLE}={asked}：应为大于 0 的整数（可用的处理器核数）。请改正或取消该环境变量。",
        )
    return min(there, int(asked or there), _limit.get() or there)


@contextmanager
def at_most(limit: int) -> Iterator[None]:
    """Let what this thread does in the block use at most `limit` cores.

    Examples
    --------
    >>> with at_most(1):
    ...     cores()
    1
    """
    before = _limit.set(max(limit, 1))
    try:
        yield
    finally:
        _limit.reset(before)


def spread(
    work: Callable[[Item], Result], items: Iterable[Item], each: Callable[[int], object] | None = None
) -> list[Result]:
    """Do `work` on every item, on all cores; results in the order of the items.

    Parameters
    ----------
    work : function of one item
        Where it raises for several items, the error of the first of them is raised here.
    items : iterable
    each : callable, optional
        Told, in the calling thread, how many items are done.

    Examples
    --------
    >>> spread(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    listed = list(items)
    workers = min(cores(), len(listed))
    tell = each or _silent
    if workers < 2:
        results = []
        for item in listed:
            results.append(work(item))
            tell(len(results))
        return results
    outcomes: dict[int, Callable[[], Result]] = {}
    with Threads(work, workers) as threads:
        for place, item in enumerate(listed):
            threads.give(place, item)
        while len(outcomes) < len(listed):
            outcomes.update([threads.outcome()])
            tell(len(outcomes))
    return [outcomes[place]() for place in range(len(listed))]


def _silent(*_: object) -> None:
    pass


class Threads(Generic[Item, Result]):
    """Some threads that do `work`; what is still waiting when the block ends is dropped.

    Parameters
    ----------
    work : function of one item
    count : int
        How many threads.
    share : int, default 1
        How many cores the work in each of them may use.
    """

    def __init__(self, work: Callable[[Item], Result], count: int, share: int = 1) -> None:
        self._work = work
        self._share = share
        self._given: queue.SimpleQueue[tuple[int, Item] | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[int, Callable[[], Result]]] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(count)]

    def __enter__(self) -> Threads[Item, Result]:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            while True:
                self._given.get_nowait()
        except queue.Empty:
            for _thread in self._threads:
                self._given.put(None)

    def give(self, place: int, item: Item) -> None:
        """Add an item; its result will bear the number `place`."""
        self._given.put((place, item))

    def take(self, timeout: float = math.inf) -> tuple[int, Result]:
        """Wait for the next result, whichever it is; an exception of the work is raised here.

        Raises
        ------
        TimeoutError
            There was none for `timeout` seconds.
        """
        place, outcome = self.outcome(timeout)
        return place, outcome()

    def outcome(self, timeout: float = math.inf) -> tuple[int, Callable[[], Result]]:
        """Wait as `take` does for a function that gives the result, or raises what the work raised."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            try:
                return self._done.get(timeout=TICK)
            except queue.Empty:
                continue
        raise TimeoutError(f"no answer for {timeout:.0f} s")

    def _serve(self) -> None:
        with at_most(self._share):
            while (given := self._given.get()) is not None:
                place, item = given
                self._done.put((place, _outcome(self._work, item)))


def _outcome(work: Callable[[Item], Result], item: Item) -> Callable[[], Result]:
    """Do the work and return a function that gives the result, or raises what the work raised."""
    try:
        result = work(item)
    except BaseException as error:  # noqa: BLE001  (raised again where the result is taken)
        failure = error

        def fail() -> Result:
            raise failure

        return fail
    return lambda: result
