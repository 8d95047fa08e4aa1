"""Progress of a sweep: a bar with the time left on a terminal, a line for each point in a log."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from operation.engine.sweeps.plan import Point


class SweepProgress:
    """Tells which points have ended, and how long the others will take.

    Parameters
    ----------
    total : int
        Points of the sweep.
    at_once : int
        How many of them are executed at once.
    silent : bool, default=False
        Say nothing.
    """

    def __init__(self, total: int, at_once: int, *, silent: bool = False) -> None:
        self._total = total
        self._silent = silent
        self._bar: Any = None
        self._task: Any = None
        self._at_once = at_once
        self._seconds: list[float] = []

    def __enter__(self) -> Self:
        if sys.stdout.isatty() and not self._silent:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[left]}"),
            )
            self._bar = Progress(TextColumn("{task.description}"), *columns)
            self._bar.start()
            self._task = self._bar.add_task("points", total=self._total, left="")
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar:
            self._bar.stop()

    def say(self, point: Point, entry: Mapping[str, Any], left: int) -> None:
        """Say that `point` has ended as its `entry` in the manifest tells, and that `left` are to come."""
        self._seconds.append(float(entry["seconds"]))
        if self._silent:
            return
        words = self._words(point, entry, left)
        if self._bar:
            self._bar.console.print(words, highlight=False, markup=False)
            self._bar.update(self._task, completed=self._total - left, left=self._left(left))
        else:
            print(words, flush=True)

    def _words(self, point: Point, entry: Mapping[str, Any], left: int) -> str:
        width = len(str(self._total))
        done = f"{self._total - left:{width}}/{self._total}"
        took = f"{entry['status']} in {entry['seconds']:.1f} s"
        return f"  {done}  {point.words}  {took}{', ' if left else ''}{self._left(left)}"

    def _left(self, left: int) -> str:
        """Return the time left, by the mean of those that have ended."""
        if not left:
            return ""
        seconds = statistics.fmean(self._seconds) * left / min(self._at_once, self._total)
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes}:{rest:02d} left" if minutes else f"{rest} s left"
