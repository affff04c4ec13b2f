"""All cores, but never more than one is told; results in order; errors come through."""

import threading
import time

import pytest

from layers.errors import ProjectError
from layers.threads import VARIABLE, Threads, at_most, cores, spread


def test_results_keep_the_order_of_the_items():
    def slow_first(item):
        time.sleep(0.05 if item == 0 else 0)
        return item * 10

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("layers.threads.cores", lambda: 4)
        assert spread(slow_first, range(20)) == [item * 10 for item in range(20)]
    assert spread(slow_first, []) == []


def test_an_error_of_the_work_is_raised_as_it_is(monkeypatch):
    monkeypatch.setattr("layers.threads.cores", lambda: 3)
    with pytest.raises(ZeroDivisionError):
        spread(lambda item: 1 // item, [3, 2, 1, 0])


@pytest.mark.parametrize("workers", [1, 2])
def test_of_several_errors_the_first_in_order_is_raised_and_what_is_done_is_told(monkeypatch, workers):
    def late_first(item):
        time.sleep(0.05 if item == "a" else 0)
        raise ValueError(item)

    monkeypatch.setattr("layers.threads.cores", lambda: workers)
    with pytest.raises(ValueError, match=r"^a$"):
        spread(late_first, ["a", "b", "c"])
    told = []
    assert spread(str.upper, "abc", told.append) == ["A", "B", "C"]
    assert told == [1, 2, 3]


@pytest.mark.parametrize("asked", ["0", "-1", "two", "1.5"])
def test_a_limit_that_is_no_number_of_cores_is_refused(monkeypatch, asked):
    monkeypatch.setenv(VARIABLE, asked)
    with pytest.raises(ProjectError, match=f"{VARIABLE}={asked}"):
        cores()


def test_the_smallest_limit_holds(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(8), raising=False)
    assert cores() == 8
    with at_most(3):
        assert cores() == 3
        with at_most(0):
            assert cores() == 1
        assert cores() == 3
        monkeypatch.setenv(VARIABLE, "2")
        assert cores() == 2
    monkeypatch.setenv(VARIABLE, "64")
    assert cores() == 8


def test_a_limit_is_of_one_thread(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(8), raising=False)
    with at_most(2):
        assert spread(lambda _: cores(), range(4)) == [1] * 4  # work in the threads does not spread once more
        with Threads(lambda _: cores(), 1, share=5) as threads:
            threads.give(7, None)
            assert threads.take() == (7, 5)


def test_waiting_ends_and_so_do_threads():
    gate = threading.Event()
    with Threads(lambda _: gate.wait(), 2) as threads:
        threads.give(0, None)
        with pytest.raises(TimeoutError):
            threads.take(timeout=0.1)
        gate.set()
    deadline = time.monotonic() + 5
    while any(thread.is_alive() for thread in threads._threads) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(thread.is_alive() for thread in threads._threads)
