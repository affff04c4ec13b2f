"""Who does the steps of `geo.engine.fold` on other machines: the workers of a dask cluster that is already running.

dask.distributed finds the workers, moves what is needed and gives the batches of a lost worker to another; here
its client is only held to what `fold` asks: a bounded number of batches, parts fetched one by one and let go at
once, and messages that say how to mend what is wrong with a cluster. It is loaded only when an address is given.

A task has one core, as everywhere in dask; where PARKWISE_CORES is set for a worker, its tasks share so many.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import pickle
import queue
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from functools import cache, partial
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from geo.schedulers import gave_up, packed
from layers.errors import EngineError
from layers.threads import TICK, VARIABLE, Threads, at_most, cores

__all__ = ["OnCluster", "identity"]

Batch = TypeVar("Batch")
Part = TypeVar("Part")

_log = logging.getLogger(__name__)

#: Seconds until a scheduler that does not answer is given up, and workers that do not come.
REACH, PATIENCE = 10.0, 30.0

#: How often (seconds) the workers are counted.
_COUNT = 5.0

#: Libraries whose versions may move the last digit of an area.
_LIBRARIES = ("numpy", "pandas", "geopandas", "shapely", "pyproj", "pyogrio", "pyarrow")


class OnCluster(Generic[Batch, Part]):
    """The workers of a dask cluster."""

    def __init__(self, address: str, step: Callable[[Batch], Part], workers: int | None = None) -> None:
        self._address = address
        self._payload = packed(step)
        self._workers = workers
        self._room = workers or 1
        self._given: dict[int, tuple[Batch, Any]] = {}  # with their futures
        self._done: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._suspects: deque[tuple[int, Batch]] = deque()
        self._alone: int | None = None
        self._counted = self._seen = time.monotonic()

    def __enter__(self) -> OnCluster[Batch, Part]:
        if not _log.isEnabledFor(logging.INFO):  # what is wrong with a cluster is told once, in our words
            logging.getLogger("distributed").setLevel(logging.CRITICAL)
        self._client = _connect(self._address)
        try:
            self._await_workers()
            self._check_versions()
            self._count_workers()
            self._step = self._send_step()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # What only this client wants is dropped by the scheduler when it leaves; it may be gone itself.
        with contextlib.suppress(TimeoutError, OSError):
            self._client.close(timeout=2)

    @property
    def at_once(self) -> int:
        """How many batches may be under way; no new ones while a killer is looked for."""
        return 0 if self._suspects or self._alone is not None else self._room

    def give(self, place: int, batch: Batch) -> None:
        """Submit a batch."""
        future = self._client.submit(_do, self._step, batch, identity()["code"], pure=False)
        self._given[place] = batch, future
        future.add_done_callback(lambda _: self._done.put(place))

    def take(self) -> Iterator[tuple[int, Part]]:
        """Wait for a while for a part and fetch it."""
        if time.monotonic() - self._counted > _COUNT:
            self._count_workers()
        try:
            place = self._done.get(timeout=TICK)
        except queue.Empty:
            return
        yield from self._fetch(place)
        if self._suspects and not self._given:
            self._alone, batch = self._suspects.popleft()
            self.give(self._alone, batch)

    def _fetch(self, place: int) -> Iterator[tuple[int, Part]]:
        """Give a part; or, where its worker died several times, find out alone whether it was this batch.

        Dask holds a death against every batch that lay on the worker, not only against the one it was doing.
        """
        batch, future = self._given.pop(place)
        alone, self._alone = self._alone == place, None
        try:
            yield place, future.result()
        except import_module("distributed").KilledWorker as error:
            if alone:
                raise gave_up(place, batch) from error
            self._suspects.append((place, batch))
        except CancelledError as error:
            raise _lost(self._address) from error

    def _count_workers(self) -> None:
        """Follow a cluster that grows or shrinks; do not wait for ever where nobody is left."""
        try:
            # What Client.nthreads asks, which would wait for ever for a scheduler that hangs.
            threads = self._client.sync(self._client.scheduler.ncores, workers=None, callback_timeout=PATIENCE)
        except OSError as error:
            raise _lost(self._address) from error
        self._counted = time.monotonic()
        if threads:
            self._seen = self._counted
            self._room = self._workers or 2 * sum(threads.values())
        elif self._counted - self._seen > PATIENCE:
            raise _deserted(self._address)

    def _await_workers(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError as error:
            raise _deserted(self._address) from error

    def _check_versions(self) -> None:
        """Refuse workers whose code is not ours; tell those whose libraries differ."""
        ours = identity()
        answers = self._client.run(_question(), on_error="return")
        theirs = {worker: found for worker, found in answers.items() if not isinstance(found, OSError)}  # still there
        other = {
            worker: _name(found) if isinstance(found, dict) else str(found)
            for worker, found in theirs.items()
            if not isinstance(found, dict) or found["code"] != ours["code"]
        }
        if other:
            raise _others(self._address, other, len(theirs), _name(ours))
        for worker, found in theirs.items():
            differing = [f"{one} {found[one]} (here {ours[one]})" for one in _LIBRARIES if found[one] != ours[one]]
            if differing:
                listed = ", ".join(differing)
                told = {"zh": f"{worker}：{listed}；面积的末位数字可能不同"}
                _log.warning("%s: %s; the last digits of areas may differ", worker, listed, extra=told)

    def _send_step(self) -> Any:  # noqa: ANN401  (a future)
        """Send the step once; where it is lost with its worker it is made anew, since the scheduler keeps how."""
        with import_module("dask").config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"}):
            return self._client.submit(pickle.loads, self._payload, pure=False)


def _connect(address: str) -> Any:  # noqa: ANN401  (a distributed.Client, which has no types)
    try:
        distributed = import_module("distributed")
    except ImportError as error:
        raise EngineError(
            f"{address}: a dask cluster needs the package distributed, which is not installed. Install the extra with "
            'pip install "parkwise[large]", here and on every worker.',
            f"{address}：使用 dask 集群需要 distributed 软件包，当前未安装。请在本机和每个工作节点上运行 "
            'pip install "parkwise[large]"。',
        ) from error
    _check_address(address)
    if address.startswith("tls:") and distributed.Security().get_connection_args("client")["ssl_context"] is None:
        raise EngineError(
            f"{address}: no certificates are set up for tls. Set distributed.comm.tls in the configuration of dask, "
            "the same here as on the scheduler, or use a tcp:// address on a network you trust.",
            f"{address}：未设置 tls 证书。请在 dask 配置中设置 distributed.comm.tls（与调度器一致），"
            "或在可信网络中使用 tcp:// 地址。",
        )
    try:
        # In a thread of its own, since it may wait for ever for whoever listens there and is no scheduler.
        with Threads(partial(distributed.Client, timeout=REACH, set_as_default=False), 1) as thread:
            thread.give(0, address)
            return thread.take(timeout=REACH + 2)[1]
    except (OSError, ImportError) as error:
        raise EngineError(
            f"{address}: no dask scheduler answers there ({error}). Start one with `dask scheduler`, pass the address "
            "it prints, and see that no firewall stands between.",
            f"{address}：没有 dask 调度器应答（{error}）。请用 `dask scheduler` 启动调度器，使用它显示的地址，"
            "并确认没有防火墙阻挡。",
        ) from error


def _check_address(address: str) -> None:
    parts = urlsplit(address)
    with contextlib.suppress(ValueError):
        if parts.hostname and parts.port and not parts.path.strip("/"):
            return
    raise EngineError(
        f"{address}: not an address of a dask scheduler. Expected tcp://host:port, such as tcp://10.0.0.5:8786.",
        f"{address}：不是 dask 调度器地址，应为 tcp://主机:端口，如 tcp://10.0.0.5:8786。",
    )


def _question() -> Callable[[], dict[str, str] | str]:
    """Make the question to a worker; being a function in a function it travels whole and needs no Parkwise there."""

    def ask() -> dict[str, str] | str:
        try:
            from geo.cluster import identity as mine  # noqa: PLC0415
        except ImportError as error:
            return f"none that can be used ({error})"
        return mine()

    return ask


@cache
def identity() -> dict[str, str]:
    """Return which Parkwise this is - its version and a digest of its code - and which libraries it computes with.

    Examples
    --------
    >>> len(identity()["code"])
    8
    """
    home = Path(__file__).parents[1]
    files = {
        path.relative_to(home).as_posix(): path
        for wing in ("geo", "layers")
        for path in (home / wing).rglob("*")
        if path.suffix in {".py", ".csv", ".toml"}
    }
    digest = hashlib.sha256()
    for name, path in sorted(files.items()):
        digest.update(name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return {"code": digest.hexdigest()[:8]} | {one: _version(one) for one in ("parkwise", *_LIBRARIES)}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _name(found: dict[str, str]) -> str:
    return f"{found['parkwise']}, code {found['code']}"


def _others(address: str, other: dict[str, str], count: int, ours: str) -> EngineError:
    """Say which workers have another Parkwise."""
    listed = "; ".join(f"{worker}: {found}" for worker, found in list(other.items())[:10])
    return EngineError(
        f"{address}: {len(other)} of {count} workers have another Parkwise than this one ({ours}): {listed}. "
        "Install the same version there and start these workers again.",
        f"{address}：{count} 个工作节点中有 {len(other)} 个的 Parkwise 与本机（{ours}）不同：{listed}。"
        "请在这些节点上安装相同版本并重新启动。",
    )


def _lost(address: str) -> EngineError:
    return EngineError(
        f"{address}: the connection to the scheduler was lost. Start it again and repeat the run; finished parts that "
        "were kept are not computed again.",
        f"{address}：与调度器的连接已断开。请重新启动调度器并重新运行；已保存的部分不会重复计算。",
    )


def _deserted(address: str) -> EngineError:
    return EngineError(
        f"{address}: the scheduler answers, but for {PATIENCE:.0f} s it has had no worker. Start some with "
        f"`dask worker {address} --nthreads 1` on machines where Parkwise is installed.",
        f"{address}：调度器有应答，但 {PATIENCE:.0f} 秒内没有任何工作节点。请在装有 Parkwise 的机器上运行 "
        f"`dask worker {address} --nthreads 1`。",
    )


# ---------------------------------------------------------------- in the worker


def _do(step: Callable[[Any], Any], batch: Any, code: str) -> Any:  # noqa: ANN401  (the caller's own)
    """Do a step with this task's share of the cores; a worker that came after the others were asked is asked here."""
    worker = import_module("distributed").get_worker()
    if identity()["code"] != code:
        raise _others(worker.scheduler.address, {worker.address: _name(identity())}, 1, f"code {code}")
    with at_most(cores() // worker.state.nthreads if VARIABLE in os.environ else 1):
        return step(batch)
