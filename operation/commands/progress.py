"""Progress of a run or a sweep: a bar on a terminal, a line per notebook or point in a log."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from operation.engine.sweeps.plan import Point


class _Bars:
    """Rich's bars while the block lasts, on a terminal only; each shows the text of its field ``state``."""

    def __init__(self, *, silent: bool = False) -> None:
        self._silent = silent
        self._bar: Any = None

    def __enter__(self) -> Self:
        if sys.stdout.isatty() and not self._silent:
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"))
            self._bar = Progress(*columns, TimeElapsedColumn())
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar:
            self._bar.stop()


class RunProgress(_Bars):
    """Tells which of the notebooks called `names` is executing, and how far it is."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._width = max(map(len, names), default=0)
        self._tasks: dict[str, Any] = {}

    def say(self, name: str, done: int, total: int) -> None:
        """Show that cell `done` of `total` begins; ``done=-1`` says that it ended, after `total` seconds."""
        if self._bar:
            self._draw(name, done, total)
        elif done == -1:
            print(f"  {name:<{self._width}}  {total:4d} s", flush=True)

    def _draw(self, name: str, done: int, total: int) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(f"{name:<{self._width}}", total=total, state="")
        task = self._tasks[name]
        if done == -1:
            self._bar.update(task, completed=self._bar.tasks[task].total, state="done")
            self._bar.stop_task(task)
        else:
            self._bar.update(task, completed=done, state=f"cell {done + 1} of {total}")


class SweepProgress(_Bars):
    """Tells which of `total` points have ended, `at_once` at a time, and how long the others will take."""

    def __init__(self, total: int, at_once: int, *, silent: bool = False) -> None:
        super().__init__(silent=silent)
        self._total = total
        self._at_once = at_once
        self._seconds: list[float] = []

    def __enter__(self) -> Self:
        super().__enter__()
        if self._bar:
            self._task = self._bar.add_task("points", total=self._total, state=f"0/{self._total}")
        return self

    def say(self, point: Point, entry: Mapping[str, Any], left: int) -> None:
        """Say that `point` has ended as its `entry` in the manifest tells, and that `left` are to come."""
        self._seconds.append(float(entry["seconds"]))
        count = f"{self._total - left:{len(str(self._total))}}/{self._total}"
        took = f"{entry['status']} in {entry['seconds']:.1f} s"
        remaining = ", ".join(filter(None, [took, self._left(left)]))
        line = f"  {count}  {point.text}  {remaining}"
        if self._bar:
            self._bar.console.print(line, highlight=False, markup=False)
            self._bar.update(self._task, completed=self._total - left, state=f"{count} {self._left(left)}")
        elif not self._silent:
            print(line, flush=True)

    def _left(self, left: int) -> str:
        """Return the time left, by the mean of those that have ended."""
        if not left:
            return ""
        seconds = statistics.fmean(self._seconds) * left / min(self._at_once, self._total)
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes}:{rest:02d} left" if minutes else f"{rest} s left"
