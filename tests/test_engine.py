"""The same whole wherever the steps ran, in whatever order they finished, whoever died on the way."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import weakref
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.engine import KeptFiles, fold
from layers import errors
from layers.errors import EngineError, OutputError, ParkwiseError, ProjectError, SourceError
from layers.threads import VARIABLE, cores

HERE = ("threads", "processes")
BATCHES = range(30)
WHOLE = [number * number for number in BATCHES]


# ---------------------------------------------------------------- steps; workers import them from here


def square(number):
    return [number * number]


def append(one, other):
    return one + other


def late_first(number):
    time.sleep(0.2 if number == 0 else 0)
    return [number * number]


def deadly(folder, number):
    """Kill the worker in the middle, the first time."""
    mark = Path(folder) / f"{number}"
    if number in (7, 20) and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return [number * number]


def killer(folder, number):
    """Kill every worker that takes number 3."""
    if number == 3:
        with (Path(folder) / "deaths").open("a") as file:
            file.write("x")
        os.kill(os.getpid(), signal.SIGKILL)
    return [number]


def failing(kind, number):
    if number == 5:
        raise {"plain": ZeroDivisionError("five"), "ours": SourceError("in English", "中文"), "odd": OddError(1, 2)}[
            kind
        ]
    return [number]


class OddError(Exception):
    """Pickles, but cannot be made again."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def cores_there(_):
    return {(os.getpid(), cores(), os.environ.get(VARIABLE), os.environ.get("OMP_NUM_THREADS"))}


def union(one, other):
    return one | other


def size(data, number):
    return [(number, len(data))]


def counted(folder, number):
    """Leave a trace of every call."""
    with (Path(folder) / "calls").open("a") as file:
        file.write(f"{number} ")
    return [number * number]


def calls(folder):
    path = Path(folder) / "calls"
    return [int(word) for word in path.read_text().split()] if path.exists() else []


# ---------------------------------------------------------------- one, many, nobody


@pytest.mark.parametrize("scheduler", HERE)
@pytest.mark.parametrize("workers", [None, 1, 3])
def test_all_give_the_same(scheduler, workers):
    assert fold(BATCHES, square, append, scheduler=scheduler, workers=workers) == WHOLE


@given(st.lists(st.text(max_size=3)), st.integers(1, 5))
def test_any_batches_are_combined_in_their_order(texts, workers):
    def step(text):
        time.sleep(0.001 * (len(text) % 2))
        return text

    assert (fold(texts, step, str.__add__, workers=workers) or "") == "".join(texts)


@pytest.mark.parametrize("scheduler", HERE)
def test_no_batch_gives_nothing(scheduler):
    assert fold([], square, append, scheduler=scheduler) is None


@pytest.mark.parametrize(
    ("scheduler", "batches", "workers"), [("threads", 1, 8), ("processes", 1, 8), ("threads", 4, 1)]
)
def test_what_needs_no_pool_runs_right_here(scheduler, batches, workers):
    where = fold(
        range(batches),
        lambda _: {(os.getpid(), threading.current_thread())},
        union,
        scheduler=scheduler,
        workers=workers,
    )
    assert where == {(os.getpid(), threading.current_thread())}


@pytest.mark.parametrize("scheduler", HERE)
def test_more_workers_than_batches(scheduler):
    assert fold(range(2), square, append, scheduler=scheduler, workers=50) == [0, 1]


def test_processes_are_others_and_share_the_cores():
    seen = fold(range(8), cores_there, union, scheduler="processes", workers=2)
    share = max(cores() // 2, 1)
    assert os.getpid() not in {pid for pid, *_ in seen}
    assert {rest[:2] for _, *rest in [(p, (c, v)) for p, c, v, _ in seen] for rest in rest} == {(share, str(share))}
    assert VARIABLE not in os.environ


def test_threads_share_the_cores(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(8), raising=False)
    assert {found[1] for found in fold(range(8), cores_there, union, workers=2)} == {4}


@pytest.mark.parametrize(
    ("asked", "told"),
    [({"scheduler": "slurm"}, "threads, processes"), ({"workers": 0}, "1 or more"), ({"scheduler": ""}, "threads")],
)
def test_a_wrong_call_is_told(asked, told):
    with pytest.raises(ProjectError, match=told):
        fold(BATCHES, square, append, **asked)


def test_progress_is_told_in_weights():
    told = []
    fold(range(1, 5), square, append, progress=lambda *done: told.append(done), weight=lambda number: 10 * number)
    assert [total for _, total in told] == [100] * 4
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (100, 100)
    assert len({done for done, _ in told}) == 4


# ---------------------------------------------------------------- flat memory


def test_few_batches_are_under_way_though_the_first_is_slow():
    started, seen = [], []

    def step(number):
        started.append(number)
        if number == 0:
            time.sleep(0.3)
            seen.append(len(started))
        return 1

    assert fold(range(1000), step, int.__add__, workers=2) == 1000
    assert 4 < seen[0] <= 2 * 2 + 8


def test_parts_do_not_pile_up():
    class Part:
        alive = most = 0

        def __init__(self, value):
            self.value = value
            Part.alive += 1
            Part.most = max(Part.most, Part.alive)
            weakref.finalize(self, Part.gone)

        @classmethod
        def gone(cls):
            cls.alive -= 1

    def combine(one, other):
        time.sleep(0.0002)  # slower than the steps
        return Part(one.value + other.value)

    assert fold(range(2000), Part, combine, workers=3).value == sum(range(2000))
    assert Part.most <= 2 * 3 + 8 + 4


# ---------------------------------------------------------------- deaths and errors


def test_a_killed_process_costs_time_and_not_the_result(tmp_path, caplog):
    assert fold(BATCHES, partial(deadly, tmp_path), append, scheduler="processes", workers=2) == WHOLE
    assert sorted(path.name for path in tmp_path.iterdir()) == ["20", "7"]
    assert [record.args for record in caplog.records] == [("at batch 8",), ("at batch 21",)]


def test_a_batch_that_kills_three_times_is_named(tmp_path):
    with pytest.raises(EngineError) as caught:
        fold(BATCHES, partial(killer, tmp_path), append, scheduler="processes", workers=2)
    assert (tmp_path / "deaths").read_text() == "xxx"
    assert caught.value.exit_code == 2
    assert "Batch 4 (3)" in caught.value.en
    assert "fewer workers" in caught.value.en
    assert "第 4 批（3）" in caught.value.zh
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("scheduler", HERE)
def test_an_error_of_a_step_is_raised_as_it_is(scheduler):
    with pytest.raises(ZeroDivisionError, match="five"):
        fold(BATCHES, partial(failing, "plain"), append, scheduler=scheduler, workers=2)
    with pytest.raises(SourceError) as caught:
        fold(BATCHES, partial(failing, "ours"), append, scheduler=scheduler, workers=2)
    assert (caught.value.en, caught.value.zh) == ("in English", "中文")
    assert not multiprocessing.active_children()


def test_an_error_that_cannot_travel_is_told_and_taken_for_no_death():
    with pytest.raises(RuntimeError, match="OddError: 1 and 2"):
        fold(BATCHES, partial(failing, "odd"), append, scheduler="processes", workers=2)


@pytest.mark.parametrize("kind", [ParkwiseError, *ParkwiseError.__subclasses__()])
def test_our_errors_keep_both_languages_between_processes(kind):
    error = kind("in English", "中文")
    error.add_note("a note")
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (type(copy), copy.en, copy.zh, str(copy)) == (kind, "in English", "中文", "in English")
    assert copy.__notes__ == ["a note"]
    assert kind.__name__ in errors.__all__


def test_processes_that_cannot_start_are_told(tmp_path, root):
    script = tmp_path / "script.py"
    script.write_text(
        "from geo.engine import fold\nfold(range(9), abs, int.__add__, scheduler='processes', workers=2)\n"
    )
    done = run(root, script)
    assert done.returncode == 1
    assert "before they began to work" in done.stderr
    assert "__main__" in done.stderr


def test_a_step_of_a_script_works_in_processes(tmp_path, root):
    pytest.importorskip("cloudpickle")
    script = tmp_path / "script.py"
    script.write_text(
        "from geo.engine import fold\n"
        "def step(x): return [x]\n"
        "if __name__ == '__main__':\n"
        "    print(fold(range(9), step, lambda a, b: a + b, scheduler='processes', workers=2))\n"
    )
    assert run(root, script).stdout.strip() == str([*range(9)])


def run(root, script):
    environment = os.environ | {"PYTHONPATH": str(root)}
    return subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=60, env=environment, check=False
    )


# ---------------------------------------------------------------- Ctrl-C

NAPPING = """
import os, sys, time
from functools import partial
from pathlib import Path
from geo.engine import fold

def nap(mark, number):
    Path(mark).touch()
    for _ in range(600):
        time.sleep(0.1)
        if Path(mark + ".wake").exists():
            break

if __name__ == "__main__":
    try:
        fold(range(20), partial(nap, sys.argv[1]), None, scheduler=sys.argv[2], workers=2)
    except KeyboardInterrupt:
        sys.exit(42)
"""


def interrupted(root, tmp_path, scheduler):
    """Run a long fold, press Ctrl-C in the middle; return exit code, seconds, words, and who is left."""
    script, mark = tmp_path / "napping.py", tmp_path / "mark"
    script.write_text(NAPPING)
    child = subprocess.Popen(
        [sys.executable, script, mark, scheduler],
        env=os.environ | {"PYTHONPATH": str(root)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    wait_until(mark.exists)
    began = time.monotonic()
    os.killpg(child.pid, signal.SIGINT)
    words = child.communicate(timeout=50)[1].decode()
    took = time.monotonic() - began
    wait_until(lambda: not of_session(child.pid), 3)
    (tmp_path / "mark.wake").touch()  # for workers that are not ours to stop
    return child.returncode, took, words, of_session(child.pid)


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)


def of_session(number):
    """Return the processes of a session that are alive."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, session = stat.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(session) == number and state != "Z":
            found.append(stat.parent.name)
    return found


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="sessions are looked up in /proc")


@on_linux
@pytest.mark.parametrize("scheduler", HERE)
def test_ctrl_c_ends_at_once_and_leaves_nobody(root, tmp_path, scheduler):
    code, took, words, left = interrupted(root, tmp_path, scheduler)
    assert (code, words, left) == (42, "", [])
    assert took < 5


@on_linux
def test_workers_do_not_outlive_a_parent_that_is_killed(root, tmp_path):
    script, mark = tmp_path / "napping.py", tmp_path / "mark"
    script.write_text(NAPPING)
    child = subprocess.Popen(
        [sys.executable, script, mark, "processes"], env=os.environ | {"PYTHONPATH": str(root)}, start_new_session=True
    )
    wait_until(mark.exists)
    assert len(of_session(child.pid)) >= 3
    child.kill()
    child.wait()
    wait_until(lambda: not of_session(child.pid), 5)
    assert of_session(child.pid) == []


# ---------------------------------------------------------------- kept parts


def kept_in(folder, fingerprint="f1"):
    return KeptFiles(
        folder,
        fingerprint,
        dump=lambda part, path: path.write_text(json.dumps(part)),
        load=lambda path: json.loads(path.read_text()),
        name=lambda number: f"part-{number}.json",
    )


@pytest.mark.parametrize("scheduler", HERE)
def test_finished_parts_are_not_computed_again(tmp_path, scheduler):
    again = partial(fold, BATCHES, partial(counted, tmp_path), append, scheduler=scheduler, workers=2)
    assert again(kept=kept_in(tmp_path / "kept")) == WHOLE
    assert sorted(calls(tmp_path)) == [*BATCHES]
    told = []
    assert again(kept=kept_in(tmp_path / "kept"), progress=lambda *done: told.append(done)) == WHOLE
    assert sorted(calls(tmp_path)) == [*BATCHES]
    assert told == [(number + 1, 30) for number in BATCHES]
    assert again(kept=kept_in(tmp_path / "kept", "f2")) == WHOLE
    assert len(calls(tmp_path)) == 60, "another fingerprint finds nothing"


def test_a_run_that_was_broken_off_goes_on_where_it_stopped(tmp_path):
    def breaking(number):
        if number == 12:
            raise OSError("the plug was pulled")
        return counted(tmp_path, number)

    with pytest.raises(OSError, match="plug"):
        fold(BATCHES, breaking, append, workers=1, kept=kept_in(tmp_path / "kept"))
    assert calls(tmp_path) == [*range(12)]
    assert fold(BATCHES, partial(counted, tmp_path), append, workers=2, kept=kept_in(tmp_path / "kept")) == WHOLE
    assert sorted(calls(tmp_path)) == [*BATCHES]


@pytest.mark.parametrize("damage", ["truncated", "changed", "no checksum", "checksum only"])
def test_a_damaged_part_is_told_and_computed_again(tmp_path, caplog, damage):
    kept = kept_in(tmp_path / "kept")
    fold(BATCHES, square, append, kept=kept)
    path, sums = kept.folder / "part-4.json", kept.folder / "part-4.json.sha256"
    {
        "truncated": lambda: path.write_text("[1"),
        "changed": lambda: path.write_text("[99]"),  # still reads, and would give another figure
        "no checksum": sums.unlink,
        "checksum only": path.unlink,
    }[damage]()
    assert fold(BATCHES, partial(counted, tmp_path), append, kept=kept) == WHOLE
    assert calls(tmp_path) == [4]
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert [str(path) in line for line in told] == [True] * (damage != "checksum only")
    assert kept.load(4) == [16]


def test_a_part_its_reader_cannot_read_is_computed_again(tmp_path, caplog):
    kept = kept_in(tmp_path)
    kept.save(1, [1])
    kept._load = lambda path: 1 / 0
    assert kept.load(1) is None
    assert "division by zero" in caplog.text


def test_half_a_part_is_never_there(tmp_path):
    kept = kept_in(tmp_path)
    kept.save(1, [1])
    with pytest.raises(TypeError):
        kept.save(1, object())
    assert kept.load(1) == [1]
    assert sorted(path.name for path in kept.folder.iterdir()) == ["part-1.json", "part-1.json.sha256"]


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "f1").write_text("a file where the folder should be")
    with pytest.raises(OutputError):
        fold(BATCHES, square, append, kept=kept_in(tmp_path))


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "a\nb"])
def test_no_name_leads_out_of_the_folder(tmp_path, name):
    with pytest.raises(ValueError, match="expected a name"):
        kept_in(tmp_path, name)
    kept = KeptFiles(tmp_path, "f1", dump=lambda part, path: None, load=lambda path: None, name=lambda batch: batch)
    with pytest.raises(ValueError, match="expected a name"):
        kept.save(name, [1])
