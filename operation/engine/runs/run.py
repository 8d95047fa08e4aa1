"""One run: the use case's notebooks executed in order, recorded and reported as they end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from operation.engine.foundation import manifest, run_folder
from operation.engine.foundation.children import environ
from operation.engine.foundation.files import DiskError, disk_errors
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.run_folder import RunFolder
from operation.engine.identity.contract import read_contract
from operation.engine.notebooks.engines import OnCell
from operation.engine.notebooks.fork_server.libraries import libraries
from operation.engine.notebooks.fork_server.source import for_all, fork_source
from operation.engine.runs.comparison import since_last_good
from operation.engine.runs.rendering import Rendering
from operation.engine.runs.request import Prepared
from operation.engine.runs.reuse import Notebooks
from operation.engine.runs.run_manifest import RunManifest
from operation.engine.runs.tracking import Tracker
from operation.engine.runs.work import Work, perform, start_ahead

if TYPE_CHECKING:
    from operation.engine.notebooks.fork_server.client import ForkServer

__all__ = ["Say", "for_all", "start"]

Say = Callable[[str, int, int], None]


def start(layout: Layout, prepared: Prepared, say: Say, fork_server: ForkServer | None = None) -> RunManifest:
    """Execute the notebooks of a sound request, in order, until one fails.

    `say` is called with the notebook, the cells begun and the number of cells; `fork_server` is what
    notebooks are forked from, where it has been started already. The returned manifest is written, with
    everything else.
    """
    if fork_server:
        _preload(fork_server, prepared)
    source = nullcontext(fork_server) if fork_server else _forks(prepared)
    following = Tracker(layout, prepared.configured)
    with disk_errors(layout.runs), environ(for_all()), source as forks, following as tracker:
        record = _begin(layout, prepared)
        try:
            with Rendering() as pages:
                each = _Notebook(record, prepared, forks, pages, tracker, say, _trains(prepared))
                _notebooks(each, Notebooks(layout, prepared))
                if forks:
                    forks.release()
        except KeyboardInterrupt:
            record.end("interrupted")
            raise
        except DiskError:
            record.end("failed")
            raise
        finally:
            _end(layout, prepared, record, tracker)
    return record


def _begin(layout: Layout, prepared: Prepared) -> RunManifest:
    """Make the folder of the run, with what its processes read there."""
    configured = prepared.configured
    folder = run_folder.new(layout.runs, configured.use_case, configured.environment)
    prepared.hand_over(layout, folder)
    return RunManifest(layout, folder, prepared)


def _end(layout: Layout, prepared: Prepared, record: RunManifest, tracker: Tracker) -> None:
    """Write what is known only now, however the run ended."""
    record.end()
    if record.status == "failed":
        record.tell("since_last_good", since_last_good(layout, record.content))
    _track(record, tracker)
    _capsule(layout, record.folder, prepared, record)
    _pages(layout, record.folder)


@dataclass(frozen=True)
class _Notebook:
    """What executing each notebook of a run needs."""

    record: RunManifest
    prepared: Prepared
    fork_server: ForkServer | None
    pages: Rendering
    tracker: Tracker
    say: Say
    trains: bool

    def execute(self, name: str, following: str | None) -> bool:
        """Execute, record and render one notebook; return whether it succeeded.

        The kernel of the `following` one is started meanwhile.
        """
        clock, started, folder = time.perf_counter(), manifest.now(), self.record.folder
        work = self._work(name)
        try:
            outcome = perform(work, self.fork_server, self._on_cell(name, following))
            self.record.add(name, outcome, started)
        finally:
            if work.target.is_file():  # an interrupted notebook is worth reading too
                self.pages.render(work.target, folder.path / f"{name}.html", self.record.content)
        self.say(name, -1, round(time.perf_counter() - clock))
        return outcome.error is None

    def _work(self, name: str) -> Work:
        request, parameters = self.prepared.request, self.prepared.parameters(name)
        folder = self.record.folder.path.resolve()
        return Work(self.prepared.sources[name], folder, parameters, {}, request.engine, request.limits)

    def _on_cell(self, name: str, following: str | None) -> OnCell:
        waiting = [self._work(following)] if following else []

        def begin(done: int, total: int) -> None:
            self.pages.warm_up()
            if self.trains:
                self.tracker.begin()
            self.say(name, done, total)
            if waiting and done > 1 and self.fork_server:  # the first cells have begun to compute
                start_ahead(waiting.pop(), self.fork_server)

        return begin


@contextmanager
def _forks(prepared: Prepared) -> Iterator[ForkServer | None]:
    with fork_source(prepared.request.engine, for_all()) as fork_server:
        if fork_server:
            _preload(fork_server, prepared)
        yield fork_server


def _preload(fork_server: ForkServer, prepared: Prepared) -> None:
    """Let the template import libraries while this process imports what drives the notebooks."""
    scripts = {name: step.script for name, step in prepared.configured.steps.items()}
    fork_server.preload(libraries(prepared.sources.values(), scripts))
    fork_server.learns = len(prepared.sources) > 1


def _notebooks(each: _Notebook, known: Notebooks) -> None:
    record, prepared = each.record, each.prepared
    names = list(prepared.sources)
    for name, following in zip(names, [*names[1:], None], strict=True):
        key = known.key(name)
        recalled = None if prepared.request.fresh else known.find(name)
        if recalled:
            record.reuse(recalled)
            each.say(name, -1, 0)
        elif not each.execute(name, following):
            return
        else:
            known.keep(key, record.folder.path.name, record.entry(name), record.steps_of(name))
        _track(record, each.tracker)


def _track(record: RunManifest, tracker: Tracker) -> None:
    """Have a run logged that holds a training: MLflow's runs are trainings."""
    if any("model" in step["outputs"] and step["how"] != "failed" for step in record.content["steps"]):
        tracker.log(record.path)


def _trains(prepared: Prepared) -> bool:
    steps = prepared.configured.steps.values()
    return any("model" in read_contract(step.script).outputs for step in steps)


def _capsule(layout: Layout, folder: RunFolder, prepared: Prepared, record: RunManifest) -> None:
    """Leave what a replay of a failure needs."""
    if record.status == "failed":
        from operation.engine.evidence.capsule.pack import pack_failure

        pack_failure(layout, folder, prepared, include_secrets=prepared.request.include_secrets)


def _pages(layout: Layout, folder: RunFolder) -> None:
    from operation.engine.evidence.reports.gallery import write_gallery
    from operation.engine.evidence.reports.latest import point_latest
    from operation.engine.evidence.reports.run_page import write_run_page

    write_run_page(folder.path)
    point_latest(layout.runs, folder.path)
    write_gallery(layout.runs)
