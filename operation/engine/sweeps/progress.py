"""Progress of a sweep: a bar on a terminal, a line per point in a log."""

import statistics
from collections.abc import Mapping
from typing import Any, Self

from operation.engine.runs.progress import ProgressBars
from operation.engine.sweeps.plan import Point


class SweepProgress(ProgressBars):
    """Tells which of `total` points have ended, `at_once` at a time, and how long the others take."""

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
        """Show that `point` has ended as its `entry` in the manifest says, and that `left` remain."""
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
        """Return the estimated time left: the mean duration times the rest."""
        if not left:
            return ""
        seconds = statistics.fmean(self._seconds) * left / min(self._at_once, self._total)
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes}:{rest:02d} left" if minutes else f"{rest} s left"
