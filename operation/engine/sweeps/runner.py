"""Runs a sweep: known points are recalled, the others executed several at once, all of it recorded."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from threading import Event
from typing import Any

from operation.engine.evidence.reports.run_page import write_run_page
from operation.engine.foundation.children import environ
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.files import disk_errors, try_lock
from operation.engine.foundation.layout import Layout
from operation.engine.notebooks.engines import quick_papermill
from operation.engine.notebooks.fork_server.source import for_all
from operation.engine.runs.rendering import Rendering
from operation.engine.runs.tracking import Tracker
from operation.engine.sweeps.page import write_sweep_page
from operation.engine.sweeps.plan import Point, Sweep, known
from operation.engine.sweeps.point import PointRun, execute_upstream
from operation.engine.sweeps.pools import KernelPool
from operation.engine.sweeps.results import write_results
from operation.engine.sweeps.sweep_manifest import SweepManifest

Say = Callable[[Point, Mapping[str, Any], int], None]


@dataclass(frozen=True)
class SweepRunner:
    """Runs sweeps."""

    layout: Layout  # absolute
    pool: KernelPool  # executes the points
    say: Say  # called with an ended point, its entry in the manifest, the number of points left
    retry_failed: bool = False  # execute again what failed when the same sweep was run before

    def run(self, sweep: Sweep) -> SweepManifest:
        """Execute what is not known of `sweep`; everything but its pages is written when this returns.

        Raises UsageError when another process executes the same sweep, and KeyboardInterrupt after everything
        was stopped and recorded.
        """
        folder = sweep.folder(self.layout)
        turn = self.layout.runs / "turns" / f"{sweep.name}.lock"
        with disk_errors(self.layout.runs), try_lock(turn) as free:
            if not free:
                raise UsageError(f"the sweep {sweep.name} is being executed by another process: wait for it.")
            folder.mkdir(parents=True, exist_ok=True)
            record = SweepManifest(self.layout, sweep, self.pool.workers)
            try:
                waiting = self._recall(sweep, record)
                if waiting:
                    with Tracker(self.layout, sweep.prepared.configured) as tracker:
                        tracker.begin()
                        self._tracked(sweep, record, waiting, tracker)
            finally:
                record.end()
                write_results(record.folder, record.content)
                write_sweep_page(self.layout.runs, record.content)
        return record

    def _tracked(
        self, sweep: Sweep, record: SweepManifest, waiting: Sequence[Point], tracker: Tracker
    ) -> None:
        """Execute, and have the sweep logged however it ends."""
        try:
            self._execute(sweep, record, waiting)
        except KeyboardInterrupt:
            record.end("interrupted")
            raise
        finally:
            record.end()
            tracker.log(record.path)

    def _recall(self, sweep: Sweep, record: SweepManifest) -> list[Point]:
        """Record the known points, and return the others."""
        reusable = known(self.layout, sweep)
        for number, recalled in reusable.items():
            record.recall(number, recalled)
        failed = {} if self.retry_failed or sweep.request.fresh else record.failed_before
        for number in failed.keys() - reusable.keys():
            record.keep_failure(number)
        return [point for point in sweep.points if point.number not in {*reusable, *failed}]

    def _execute(self, sweep: Sweep, record: SweepManifest, waiting: Sequence[Point]) -> None:
        record.write()
        quick_papermill()  # here: threads that import the same at once wait for each other
        execute_upstream(self.layout, sweep, record.folder)
        workers = self.pool.workers
        with _in_notebook_folder(sweep, self.layout, workers) as variables, Rendering() as pages:
            pages.warm_up()
            self.pool.ready(record.folder)
            stopped = Event()
            runs = PointRun(self.layout, record.folder, variables, self.pool.perform, pages, stopped)
            with ThreadPoolExecutor(workers, "point") as threads:
                futures = {threads.submit(runs.run, point): point for point in waiting}
                try:
                    self._collect(futures, record)
                except BaseException:
                    stopped.set()
                    threads.shutdown(wait=False, cancel_futures=True)
                    self.pool.stop()
                    raise
        for point in waiting:  # each links to its report, which is there now
            write_run_page(record.folder / point.name)

    def _collect(self, futures: Mapping[Future[dict[str, Any]], Point], record: SweepManifest) -> None:
        left = len(futures)
        for future in as_completed(futures):
            point, left = futures[future], left - 1
            record.add(point, future.result())
            self.say(point, record.entry(point.number), left)


@contextmanager
def _in_notebook_folder(sweep: Sweep, layout: Layout, workers: int) -> Iterator[dict[str, str]]:
    """Change to the notebook's folder: papermill does so for each notebook, and threads share it."""
    with environ({**for_all(workers), "WORKBENCH_RUNS": str(layout.runs)}), chdir(sweep.source.parent):
        yield dict(os.environ)
