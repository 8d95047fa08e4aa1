"""Notebooks side by side: each begins in its order, as soon as one of the places is free for it."""

import shutil
from collections.abc import Callable, Collection, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from operation.engine.foundation.run_folder import returning

_GLANCE = 0.05  # seconds between two looks for notebooks that wait, or would go on
Result = TypeVar("Result")


@dataclass(frozen=True)
class Task(Generic[Result]):
    """One notebook to execute."""

    name: str  # by which others come `after` it
    # called when it is its turn; what it returns is then called in a thread of its own
    begin: Callable[[], Callable[[], Result]]
    # those that must have ended before, as far as they take part
    after: Collection[str] = ()
    # Is there while the notebook waits for a step that another executes: meanwhile it needs no place. When it
    # would go on there is what `returning` says instead, which is taken away as soon as a place is free.
    mark: Path | None = None


class SideBySide(Generic[Result]):
    """Executes tasks in `places` at once, never more than `most` that have begun and not ended.

    With one place each begins when the one before has ended. A result that `goes_on` denies lets none begin
    any more. When the loop over `results` is left early, `stop` is called: it ends what is being executed.
    """

    def __init__(
        self,
        tasks: Sequence[Task[Result]],
        places: int,
        stop: Callable[[], None],
        goes_on: Callable[[Result], bool] = lambda _: True,
        most: int | None = None,
    ) -> None:
        self._tasks, self._left = tasks, list(tasks)
        self._begun: dict[Future[Result], Task[Result]] = {}
        self._places, self._most = places, most or len(tasks)
        self._stop, self._goes_on = stop, goes_on

    def results(self) -> Generator[tuple[Task[Result], Result]]:
        """Yield each task with what came of it, as they end."""
        with ThreadPoolExecutor(max(1, len(self._tasks)), "notebook") as threads:
            try:
                self._begin(threads)
                while self._begun:
                    glance = _GLANCE if self._places > 1 else None
                    done = wait(self._begun, glance, FIRST_COMPLETED).done
                    ended = [(self._begun.pop(future), future.result()) for future in done]
                    if not all(self._goes_on(result) for _, result in ended):
                        self._left.clear()
                    self._begin(threads)
                    yield from ended
            except BaseException:
                self._left.clear()
                self._stop()
                raise
            finally:
                for folder in {task.mark.parent for task in self._tasks if task.mark}:
                    shutil.rmtree(folder, ignore_errors=True)

    def _begin(self, threads: ThreadPoolExecutor) -> None:
        """Let go on and begin what there is a place for."""
        free = self._places - sum(not _waits(task) for task in self._begun.values())
        for task in self._begun.values():
            if free > 0 and task.mark and returning(task.mark).exists():
                returning(task.mark).unlink()
                free -= 1
        while free > 0 and len(self._begun) < self._most and (next_task := self._next()):
            self._left.remove(next_task)
            execute = next_task.begin()
            if next_task.mark and self._places > 1:
                next_task.mark.parent.mkdir(parents=True, exist_ok=True)
            self._begun[threads.submit(execute)] = next_task
            free -= 1

    def _next(self) -> Task[Result] | None:
        pending = {task.name for task in (*self._left, *self._begun.values())}
        return next((task for task in self._left if pending.isdisjoint(task.after)), None)


def _waits(task: Task[Result]) -> bool:
    return task.mark is not None and (task.mark.exists() or returning(task.mark).exists())
