"""Runs a sweep: known points are recalled, the others executed several at once, all of it recorded."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from threading import Event
from typing import Any

from operation.engine.evidence.reports.run_page import write_run_page
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.files import disk_errors, try_lock
from operation.engine.foundation.layout import Layout
from operation.engine.notebooks.engines import quick_papermill
from operation.engine.notebooks.pools import KernelPool, notebooks_environment
from operation.engine.notebooks.side_by_side import SideBySide
from operation.engine.runs.rendering import Rendering
from operation.engine.runs.tracking import Tracker
from operation.engine.sweeps.page import write_sweep_page
from operation.engine.sweeps.plan import Point, Sweep, known
from operation.engine.sweeps.point import PointRun, execute_upstream
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
            self._execute(sweep, record, waiting, tracker)
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

    def _execute(
        self, sweep: Sweep, record: SweepManifest, waiting: Sequence[Point], tracker: Tracker
    ) -> None:
        record.write()
        quick_papermill()  # here: threads that import the same at once wait for each other
        execute_upstream(self.layout, sweep, record.folder)
        with notebooks_environment(self.layout, self.pool.workers), Rendering() as pages:
            pages.warm_up()
            self.pool.ready(record.folder)
            self._points(record, waiting, pages, tracker)
        for point in waiting:  # each links to its report, which is there now
            write_run_page(record.folder / point.name)

    def _points(
        self, record: SweepManifest, waiting: Sequence[Point], pages: Rendering, tracker: Tracker
    ) -> None:
        stopped, left = Event(), {point.name: point for point in waiting}

        def stop() -> None:
            stopped.set()
            self.pool.stop()

        runs = PointRun(self.layout, record.folder, self.pool.perform, pages, stopped)
        tasks = [runs.task(point) for point in waiting]
        most = record.sweep.request.limits.most
        with closing(SideBySide(tasks, self.pool.workers, stop, most=most).results()) as results:
            for task, run in results:
                point = left.pop(task.name)
                record.add(point, run)
                tracker.log(record.path)  # while the others are executed
                self.say(point, record.entry(point.number), len(left))
