"""The notebooks of a run executed side by side, recorded and reported as they end."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property, partial
from threading import Lock
from typing import NamedTuple

from operation.engine.configuration import NotebookEntry
from operation.engine.foundation import manifest
from operation.engine.identity.contract import read_contract
from operation.engine.notebooks.pools import KernelPool
from operation.engine.notebooks.side_by_side import SideBySide, Task
from operation.engine.notebooks.work import Outcome, Work
from operation.engine.runs.rendering import Rendering
from operation.engine.runs.request import Prepared
from operation.engine.runs.reuse import Notebooks, Recalled
from operation.engine.runs.run_manifest import RunManifest
from operation.engine.runs.tracking import Tracker

Say = Callable[[str, int, int], None]


class _Ended(NamedTuple):
    """A notebook that was executed."""

    key: str
    started: str
    seconds: float  # from its turn to its end
    outcome: Outcome


@dataclass(frozen=True)
class Execution:
    """What executing the notebooks of a run needs."""

    record: RunManifest
    prepared: Prepared
    pool: KernelPool
    known: Notebooks
    pages: Rendering
    tracker: Tracker
    say: Say
    _waiting: list[str] = field(default_factory=list)  # those whose kernels may be started ahead
    _open: list[str] = field(default_factory=list)  # those that have begun and are not recorded
    _lock: Lock = field(default_factory=Lock)

    def execute(self) -> None:
        """Execute the notebooks, or recall them; those that others wait for first."""
        self._waiting.extend(self.prepared.sources)
        tasks = [self._task(entry) for entry in self.prepared.notebooks]
        places, most = self.pool.workers, self.prepared.request.limits.most
        side_by_side = SideBySide(tasks, places, self.pool.stop, _succeeded, most)
        try:
            with closing(side_by_side.results()) as results:
                for task, result in results:
                    self._take(task.name, result)
        finally:  # an interrupted notebook is worth reading too
            for name in self._open:
                self._render(name)

    def _task(self, entry: NotebookEntry) -> Task[_Ended | Recalled]:
        mark = self._work(entry.name).mark
        return Task(entry.name, partial(self._begin, entry.name), entry.after, mark)

    def _begin(self, name: str) -> Callable[[], _Ended | Recalled]:
        key = self.known.key(name)
        recalled = None if self.prepared.request.fresh else self.known.find(name, key)
        with self._lock:
            if name in self._waiting:
                self._waiting.remove(name)
        if recalled:
            return lambda: recalled
        self._open.append(name)
        return partial(self._perform, name, key, manifest.now(), time.perf_counter())

    def _perform(self, name: str, key: str, started: str, clock: float) -> _Ended:
        outcome = self.pool.perform(self._work(name), partial(self._on_cell, name))
        return _Ended(key, started, time.perf_counter() - clock, outcome)

    def _on_cell(self, name: str, done: int, total: int) -> None:
        """Tell of a cell, and do while notebooks compute what can be done meanwhile."""
        with self._lock:
            self.pages.warm_up()
            if self._trains:
                self.tracker.begin()
            if self._waiting and done > 1:  # the first cells have begun to compute
                self.pool.ahead(self._work(self._waiting.pop(0)))
        self.say(name, done, total)

    def _take(self, name: str, result: _Ended | Recalled) -> None:
        """Record what came of a notebook."""
        if isinstance(result, Recalled):
            self.record.reuse(result)
            self.say(name, -1, 0)
        else:
            self._open.remove(name)
            self.record.add(name, result.outcome, result.started)
            self._render(name)
            self.say(name, -1, round(result.seconds))
            if result.outcome.error is None:
                run, entry = self.record.folder.path.name, self.record.entry(name)
                self.known.keep(result.key, run, entry, self.record.steps_of(name))
        track(self.record, self.tracker)

    def _render(self, name: str) -> None:
        work = self._work(name)
        if work.target.is_file():
            page = self.record.folder.path / f"{name}.html"
            self.pages.render(work.target, page, self.record.content)

    def _work(self, name: str) -> Work:
        request, parameters = self.prepared.request, self.prepared.parameters(name)
        folder = self.record.folder.path.resolve()
        return Work(self.prepared.sources[name], folder, parameters, {}, request.engine, request.limits)

    @cached_property
    def _trains(self) -> bool:
        steps = self.prepared.configured.steps.values()
        return any("model" in read_contract(step.script).outputs for step in steps)


def track(record: RunManifest, tracker: Tracker) -> None:
    """Have a run logged that holds a training: MLflow's runs are trainings."""
    if any("model" in step["outputs"] and step["how"] != "failed" for step in record.content["steps"]):
        tracker.log(record.path)


def _succeeded(result: _Ended | Recalled) -> bool:
    return isinstance(result, Recalled) or result.outcome.error is None
