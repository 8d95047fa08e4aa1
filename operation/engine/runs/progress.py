"""Progress of a run: a bar on a terminal, a line per notebook in a log."""

import sys
from collections.abc import Sequence
from typing import Any, Self


class ProgressBars:
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


class RunProgress(ProgressBars):
    """Tells which of the notebooks called `names` is executing, and how far it is."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._width = max(map(len, names), default=0)
        self._tasks: dict[str, Any] = {}

    def say(self, name: str, done: int, total: int) -> None:
        """Show that cell `done` of `total` begins; ``done=-1``: the notebook ended after `total` seconds."""
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
