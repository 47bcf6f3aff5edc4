"""How far a study is: one line that is renewed, in a terminal or a notebook."""

from __future__ import annotations

import contextlib
import importlib
import sys
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, TextIO

__all__ = ["Progress", "shown"]

_WIDTH = 24
_GOOD = ("ok", "excluded")


class Progress:
    """Counts of blocks and points, and what is shown of them.

    Parameters
    ----------
    blocks, points : int
        How many there are in all.
    show : bool or None
        Whether to show anything; None: in a terminal and in a notebook only.
    stream : file, optional
        Where to write; standard error by default.
    """

    def __init__(self, blocks: int, points: int, show: bool | None = None, stream: TextIO | None = None) -> None:
        self.blocks, self.points = blocks, points
        self.done = 0
        self.counts: Counter[str] = Counter()
        self.stream = stream or sys.stderr
        self.show = shown(self.stream) if show is None else show
        self._page = _page() if self.show and stream is None else None
        self._began: tuple[float, int] | None = None
        self._last = 0.0

    def start(self, done: int, counts: Mapping[str, int]) -> None:
        """What was there before."""
        self.done, self.counts = done, Counter(counts)
        self._began = (time.monotonic(), self._tried)
        self._write(force=True)

    def grow(self, blocks: int, points: int) -> None:
        """There is more to do than was known."""
        self.blocks, self.points = blocks, points
        self._write()

    def add(self, counts: Mapping[str, int]) -> None:
        """One block more."""
        self.done += 1
        self.counts.update(counts)
        self._write()

    def end(self, word: str = "") -> None:
        """The last line."""
        self._write(force=True, word=word)
        if self.show and self._page is None:
            self.stream.write("\n")
            self.stream.flush()

    def line(self, word: str = "") -> str:
        """The state of things in one line."""
        share = self.done / self.blocks if self.blocks else 1.0
        bar = "#" * int(share * _WIDTH) + "-" * (_WIDTH - int(share * _WIDTH))
        rate, rest = self._pace()
        failed = sum(n for name, n in self.counts.items() if name not in _GOOD)
        bad = f", {failed:,} failed" if failed else ""
        told = f"[{bar}] {share:6.1%} {self._tried:,} of {self.points:,} points{bad}"
        return f"{told}, {rate:,.0f} points/s, {word or rest}"

    @property
    def _tried(self) -> int:
        return sum(self.counts.values())

    def _pace(self) -> tuple[float, str]:
        """Points a second since the start, and the time that the rest will take."""
        if self._began is None:
            return 0.0, "starting"
        spent = time.monotonic() - self._began[0]
        new = self._tried - self._began[1]
        rate = new / spent if spent > 0 else 0.0
        left = (self.points - self._tried) / rate if rate > 0 else float("nan")
        return rate, f"{duration_text(left)} left" if rate > 0 else "starting"

    def _write(self, force: bool = False, word: str = "") -> None:
        now = time.monotonic()
        if not self.show or (not force and now - self._last < 0.2):
            return
        self._last = now
        if self._page is not None:
            self._page(self.line(word))
        else:
            self.stream.write("\r\x1b[2K" + self.line(word))
            self.stream.flush()


def shown(stream: TextIO) -> bool:
    """Whether somebody is looking: a terminal, or a notebook."""
    with contextlib.suppress(ValueError, AttributeError):
        return stream.isatty() or _page() is not None
    return False


def duration_text(seconds: float) -> str:
    """A time in the two largest of its units.

    >>> duration_text(3725.0)
    '1 h 2 min'
    """
    if not seconds < 1e9:
        return "years"
    if seconds < 60:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, left = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours} h {left} min" if hours else f"{minutes} min {rest} s"


def _page() -> Any:
    """A function that shows a line in the notebook, or None outside of one."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    show: Any = importlib.import_module("IPython.display").display
    handle = show({"text/plain": ""}, raw=True, display_id=True)
    return lambda line: handle.update({"text/plain": line}, raw=True)
