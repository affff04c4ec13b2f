"""How far long work is: a bar on a terminal, lines in a log, nothing when nobody asks."""

from __future__ import annotations

import io

import layers.progress
from layers.progress import Display


class Terminal(io.StringIO):
    def isatty(self):
        return True


def clock(monkeypatch, step):
    """A clock that goes on by so many seconds each time it is looked at."""
    now = [0.0]

    def monotonic():
        now[0] += step
        return now[0]

    monkeypatch.setattr(layers.progress.time, "monotonic", monotonic)


def test_a_log_gets_a_line_for_every_tenth_with_rate_and_time_left(monkeypatch):
    clock(monkeypatch, 5.0)
    log = io.StringIO()
    show = Display(log)
    for done in range(25, 1001, 25):
        show.count("parcels", done, 1000)
    lines = log.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("  parcels: 100 / 1,000, ")
    assert lines[0].endswith(" s left")
    assert lines[-1].startswith("  parcels: 1,000 / 1,000, ")


def test_short_work_leaves_no_trace_in_a_log(monkeypatch):
    clock(monkeypatch, 0.01)
    log = io.StringIO()
    show = Display(log)
    show.stage(0.1, "attach")
    for done in (1, 2, 3):
        show.count("parcels", done, 3)
    assert log.getvalue() == ""


def test_long_work_names_its_stages_in_a_log(monkeypatch):
    clock(monkeypatch, 3.0)
    log = io.StringIO()
    show = Display(log)
    show.stage(0.05, "attach")
    show.stage(0.7, "measure")
    assert log.getvalue() == "    5%  attach\n   70%  measure\n"


def test_a_terminal_gets_one_bar_with_rate_and_time_left():
    terminal = Terminal()
    show = Display(terminal)
    show.count("parcels", 1, 3)
    show.clear()
    show.count("parcels", 3, 3)
    shown = terminal.getvalue()
    assert "\n" not in shown.strip("\r\n ")
    assert "33%" in shown
    assert "/s" in shown


def test_stages_and_counts_take_turns_on_a_terminal():
    terminal = Terminal()
    show = Display(terminal)
    show.stage(0.25, "attach")
    show.count("parcels", 5, 10)
    show.stage(0.5, "firms")
    show.close()
    shown = terminal.getvalue()
    assert shown.index("attach") < shown.index("parcels") < shown.index("firms")
    assert "25%" in shown


def test_nobody_asks_nothing_is_shown(capsys):
    show = Display(None)
    show.stage(0.5, "attach")
    show.count("parcels", 1, 1)
    show.clear()
    show.close()
    assert capsys.readouterr() == ("", "")
