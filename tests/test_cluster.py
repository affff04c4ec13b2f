"""A dask cluster gives what one process gives, whichever worker dies; what is wrong with a cluster is told."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from test_engine import (
    BATCHES,
    WHOLE,
    append,
    cores_there,
    counted,
    deadly,
    failing,
    interrupted,
    kept_in,
    killer,
    late_first,
    on_linux,
    size,
    square,
    union,
    wait_until,
)

from geo import cluster as room
from geo.engine import fold
from layers.errors import EngineError, SourceError
from layers.threads import VARIABLE, cores

distributed = pytest.importorskip("distributed", reason="the extra parkwise[large] is not installed")


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL
    ) as made:
        yield made


@pytest.fixture
def address(cluster):
    cluster.wait_for_workers(2)
    return cluster.scheduler_address


def test_a_cluster_gives_the_same(address):
    assert fold(BATCHES, square, append, scheduler=address) == WHOLE
    assert fold(BATCHES, late_first, append, scheduler=address, workers=3) == WHOLE
    assert fold(range(1), square, append, scheduler=address) == [0]


def test_a_large_step_goes_to_every_worker_once(address):
    step = partial(size, np.zeros(3_000_000))
    assert fold(range(12), step, append, scheduler=address) == [(number, 3_000_000) for number in range(12)]


def test_a_task_has_one_core(address):
    assert {found[1] for found in fold(range(8), cores_there, union, scheduler=address)} == {1}


def test_parts_are_kept_here_and_let_go_there(address, tmp_path):
    again = partial(fold, BATCHES, partial(counted, tmp_path), append, scheduler=address)
    assert again(kept=kept_in(tmp_path / "kept")) == WHOLE
    calls = (tmp_path / "calls").read_text()
    assert again(kept=kept_in(tmp_path / "kept")) == WHOLE
    assert (tmp_path / "calls").read_text() == calls
    with distributed.Client(address, set_as_default=False) as client:
        wait_until(lambda: not client.run_on_scheduler(tasks))
        assert client.run_on_scheduler(tasks) == 0


def tasks(dask_scheduler):
    return len(dask_scheduler.tasks)


# ---------------------------------------------------------------- deaths and errors


def test_a_lost_worker_costs_time_and_not_the_result(address, tmp_path):
    assert fold(BATCHES, partial(deadly, tmp_path), append, scheduler=address) == WHOLE
    assert sorted(path.name for path in tmp_path.iterdir()) == ["20", "7"]


def test_the_batch_that_kills_is_named_and_not_its_neighbour(address, tmp_path):
    with pytest.raises(EngineError, match=r"Batch 4 \(3\)"):
        fold(BATCHES, partial(killer, tmp_path), append, scheduler=address)
    assert len((tmp_path / "deaths").read_text()) >= 3


def test_an_error_of_a_step_is_raised_as_it_is(address):
    with pytest.raises(ZeroDivisionError, match="five"):
        fold(BATCHES, partial(failing, "plain"), append, scheduler=address)
    with pytest.raises(SourceError) as caught:
        fold(BATCHES, partial(failing, "ours"), append, scheduler=address)
    assert (caught.value.en, caught.value.zh) == ("in English", "中文")


@on_linux
def test_ctrl_c_ends_at_once_and_drops_what_waits(address, root, tmp_path):
    code, took, words, left = interrupted(root, tmp_path, address)
    assert (code, words, left) == (42, "", [])
    assert took < 5
    with distributed.Client(address, set_as_default=False) as client:
        wait_until(lambda: not client.run_on_scheduler(tasks), 5)
        assert client.run_on_scheduler(tasks) == 0


# ---------------------------------------------------------------- what is wrong with a cluster


@pytest.fixture
def empty():
    """A scheduler without workers."""
    with distributed.LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL) as made:
        yield made.scheduler_address


@pytest.fixture
def start(empty):
    """Start a worker by its start-up line, with another place to import from."""
    started = []

    def worker(place, name, **variables):
        line = [sys.executable, "-m", "dask", "worker", empty, "--nthreads", "1", "--name", name, "--no-dashboard"]
        environment = os.environ | {"PYTHONPATH": f"{place}{os.pathsep}{Path(__file__).parent}"} | variables
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        started.append(subprocess.Popen([*line, "--no-nanny"], env=environment, cwd=place, **quiet))

    yield worker
    for one in started:
        one.send_signal(signal.SIGKILL)
        one.wait()


def another_parkwise(root, place):
    """Make a Parkwise whose code is not ours."""
    for wing in ("geo", "layers"):
        shutil.copytree(root / wing, place / wing, ignore=shutil.ignore_patterns("__pycache__", "policy", "maps"))
    with (place / "geo" / "engine.py").open("a") as file:
        file.write("# another version\n")
    return place


def test_workers_with_another_parkwise_or_none_are_listed(root, tmp_path, empty, start):
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "geo.py").write_text("raise ModuleNotFoundError(\"No module named 'geo'\")\n")
    start(tmp_path / "none", "none")
    start(another_parkwise(root, tmp_path / "other"), "other")
    start(root, "same")
    with distributed.Client(empty, set_as_default=False) as client:
        client.wait_for_workers(3, timeout=30)
        where = {one["name"]: name for name, one in client.scheduler_info(n_workers=-1)["workers"].items()}
    with pytest.raises(EngineError) as caught:
        fold(BATCHES, abs, int.__add__, scheduler=empty)
    told = caught.value.en
    assert told.startswith(f"{empty}: 2 of 3 workers have another Parkwise")
    assert f"{where['none']}: none that can be used (No module named 'geo')" in told
    assert where["other"] in told
    assert where["same"] not in told
    assert room.identity()["code"] in told


def test_a_worker_that_comes_later_is_asked_too(root, tmp_path, empty, start, monkeypatch):
    start(another_parkwise(root, tmp_path), "late")
    monkeypatch.setattr(room.OnCluster, "_check_versions", lambda self: None)  # as if it had not been there then
    with pytest.raises(EngineError, match="another Parkwise"):
        fold(BATCHES, abs, int.__add__, scheduler=empty)


def test_a_task_may_use_the_cores_told_to_its_worker(root, empty, start):
    start(root, "wide", **{VARIABLE: "2"})
    assert {found[1] for found in fold(range(8), cores_there, union, scheduler=empty)} == {min(2, cores())}


def test_libraries_that_differ_are_told(address, monkeypatch, caplog):
    mine = room.identity() | {"shapely": "9.9"}
    monkeypatch.setattr(room, "identity", lambda: mine)
    assert fold(BATCHES, square, append, scheduler=address) == WHOLE
    assert "(here 9.9); the last digits of areas may differ" in caplog.text


def test_a_cluster_without_workers_is_told(empty, monkeypatch):
    monkeypatch.setattr(room, "PATIENCE", 0.5)
    with pytest.raises(EngineError, match=f"has had no worker.*dask worker {empty}"):
        fold(BATCHES, square, append, scheduler=empty)


def test_a_cluster_that_loses_all_workers_is_not_waited_for(root, empty, start, monkeypatch):
    start(root, "lone")
    with distributed.Client(empty, set_as_default=False) as client:
        client.wait_for_workers(1, timeout=30)
    monkeypatch.setattr(room, "PATIENCE", 1)
    monkeypatch.setattr(room, "_COUNT", 0.2)
    with pytest.raises(EngineError, match="has had no worker"):
        fold(range(9), lambda _: os.kill(os.getpid(), signal.SIGKILL), append, scheduler=empty)


@pytest.mark.parametrize("listening", [False, True], ids=["nobody listens", "somebody else listens"])
def test_an_address_out_of_reach_is_told_soon(monkeypatch, listening):
    monkeypatch.setattr(room, "REACH", 1)
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        if listening:
            line.listen()
        address = f"tcp://127.0.0.1:{line.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(EngineError, match=f"{address}: no dask scheduler answers there"):
            fold(BATCHES, square, append, scheduler=address)
    assert time.monotonic() - began < 8


@pytest.mark.parametrize("address", ["tcp://", "tcp://host", "tcp://host:port", "tcp://host:8786/path"])
def test_what_is_no_address_is_told(address):
    with pytest.raises(EngineError, match="tcp://host:port"):
        fold(BATCHES, square, append, scheduler=address)


def test_tls_without_certificates_is_told():
    with pytest.raises(EngineError, match="no certificates"):
        fold(BATCHES, square, append, scheduler="tls://127.0.0.1:9")


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EngineError) as caught:
        fold(BATCHES, square, append, scheduler="tcp://127.0.0.1:9")
    assert 'pip install "parkwise[large]"' in caught.value.en
    assert 'pip install "parkwise[large]"' in caught.value.zh
