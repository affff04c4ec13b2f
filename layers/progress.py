"""How far long work is: a bar with a rate and the time left on a terminal, plain lines in a log, or nothing.

`Display` is told how much is done; it knows neither what is done nor in which language. A log stays quiet
during the first seconds, so short work leaves no trace in it.
"""

from __future__ import annotations

import time
from shutil import get_terminal_size
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["Display"]

#: A log gets its first line after so many seconds, and then one for every tenth, but not more often than this.
_QUIET_S, _TENTH = 2.0, 0.1
_STAGE_BAR = "  {percentage:3.0f}%|{bar:24}| {elapsed}<{remaining}  {desc}"


class Display:
    """Shows work under way on one stream.

    Parameters
    ----------
    stream : text file or None
        A terminal gets a bar, any other file lines; None shows nothing.

    Examples
    --------
    >>> import io
    >>> log = io.StringIO()
    >>> show = Display(log, quiet_s=0)
    >>> show.count("parcels", 100, 200); show.count("parcels", 200, 200)
    >>> log.getvalue().splitlines()[1].split(",")[0]
    '  parcels: 200 / 200'
    """

    def __init__(self, stream: TextIO | None, *, quiet_s: float = _QUIET_S) -> None:
        self._stream, self._quiet_s = stream, quiet_s
        self._bar: tqdm[None] | None = None
        self._began = self._told_at = time.monotonic()
        self._counting: tuple[str, float] | None = None
        self._told = 0.0

    def stage(self, fraction: float, message: str) -> None:
        """Show that work has come to a stage, a fraction of the whole."""
        if self._on_terminal():
            self._shown("stage", 100, message, _STAGE_BAR).update(100 * fraction - self._at())
        elif self._stream is not None and time.monotonic() - self._began >= self._quiet_s:
            self._line(f"{fraction:4.0%}  {message}")

    def count(self, unit: str, done: int, total: int) -> None:
        """Show how many of how many are done, at which rate, and how long it still takes."""
        if self._on_terminal():
            self._shown(unit, total, unit, None).update(done - self._at())
        elif self._stream is not None:
            self._count_in_log(unit, done, total)
        if done >= total:
            self.close()

    def clear(self) -> None:
        """Make room for a line of words; the bar comes back with the next step."""
        if self._bar is not None:
            self._bar.clear()

    def close(self) -> None:
        """Leave the bar as it is and go on below it."""
        if self._bar is not None:
            self._bar.close()
        self._bar = self._counting = None

    def _on_terminal(self) -> bool:
        return self._stream is not None and self._stream.isatty()

    def _at(self) -> float:
        return 0.0 if self._bar is None else float(self._bar.n)

    def _shown(self, kind: str, total: int, message: str, form: str | None) -> tqdm[None]:
        """Return the bar for this kind of work, a new one where other work was shown before."""
        from tqdm import tqdm  # noqa: PLC0415  (only a terminal needs it)

        if self._counting is None or self._counting[0] != kind:
            self.close()
            self._counting = (kind, time.monotonic())
            self._bar = tqdm(
                total=total,
                desc=f"  {message}",
                unit_scale=True,
                unit="" if form else f" {kind}",
                file=self._stream,
                leave=False,
                mininterval=0,
                bar_format=form,
                ncols=get_terminal_size().columns,  # 80 where a terminal does not know its own width
            )
        assert self._bar is not None  # noqa: S101  (made above, or before)
        self._bar.total = total
        self._bar.set_description_str(message if form else f"  {message}", refresh=False)
        return self._bar

    def _count_in_log(self, unit: str, done: int, total: int) -> None:
        now, share = time.monotonic(), done / total if total else 1.0
        if self._counting is None or self._counting[0] != unit:
            self._counting, self._told, self._told_at = (unit, now), 0.0, now
        due = share >= 1 or share - self._told >= _TENTH - 1e-9
        if not due or now - self._told_at < self._quiet_s:
            return
        self._told, self._told_at = share, now
        rate = done / max(now - self._counting[1], 1e-9)
        left = f", {(total - done) / rate:,.0f} s left" if done < total else ""
        self._line(f"{unit}: {done:,} / {total:,}, {rate:,.0f}/s{left}")

    def _line(self, words: str) -> None:
        assert self._stream is not None  # noqa: S101  (asked by the callers)
        self._stream.write(f"  {words}\n")
        self._stream.flush()
