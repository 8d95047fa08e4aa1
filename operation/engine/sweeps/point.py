"""One point of a sweep as a run, and what all points need, executed once before the first of them."""

import shutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from operation.engine.configuration import Step
from operation.engine.evidence.capsule.pack import pack_failure
from operation.engine.foundation import manifest
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.run_folder import RunFolder
from operation.engine.identity.notebook_parameters import step_calls
from operation.engine.notebooks.side_by_side import Task
from operation.engine.notebooks.work import Outcome, Work
from operation.engine.runs.rendering import Rendering
from operation.engine.runs.reuse import Notebooks
from operation.engine.steps.runners import child_process
from operation.engine.steps.session import Session
from operation.engine.sweeps.plan import Point, Sweep


@dataclass(frozen=True)
class PointRun:
    """What executing each point of a sweep needs."""

    layout: Layout
    folder: Path  # of the sweep, absolute
    perform: Callable[[Work], Outcome]
    pages: Rendering
    stopped: Event  # set on interruption: what ends then has not failed

    def task(self, point: Point) -> Task[dict[str, Any]]:
        """Return a point as one of the notebooks that are executed side by side."""
        return Task(point.name, partial(self._begin, point), mark=self._work(point).mark)

    def _begin(self, point: Point) -> Callable[[], dict[str, Any]]:
        """Make the folder of a point anew: what an attempt that was killed left is not of this one."""
        work = self._work(point)
        shutil.rmtree(work.folder, ignore_errors=True)
        point.prepared.hand_over(self.layout, RunFolder(work.folder))
        upstream = RunFolder(self.folder / "upstream").fresh
        if upstream.is_dir():  # these were executed again for all points together
            shutil.copytree(upstream, RunFolder(work.folder).fresh, dirs_exist_ok=True)
        return partial(self._run, point, work)

    def _run(self, point: Point, work: Work) -> dict[str, Any]:
        """Execute a point, record it, have it rendered; return its manifest."""
        from operation.engine.runs.run_manifest import RunManifest

        name = point.prepared.notebooks[0].name
        notebooks = Notebooks(self.layout, point.prepared)
        key = notebooks.key(name)
        record = RunManifest(self.layout, RunFolder(work.folder), point.prepared)
        started = manifest.now()
        outcome = self.perform(work)
        if self.stopped.is_set():
            record.end("interrupted")
            return record.content
        record.add(name, outcome, started)
        record.end()
        if outcome.error is not None:
            include_secrets = point.prepared.request.include_secrets
            pack_failure(self.layout, RunFolder(work.folder), point.prepared, include_secrets=include_secrets)
        else:
            run = work.folder.relative_to(self.layout.runs).as_posix()
            notebooks.keep(key, run, record.entry(name), record.steps_of(name))
        self.pages.render(work.target, work.folder / f"{name}.html", record.content)
        return record.content

    def _work(self, point: Point) -> Work:
        prepared = point.prepared
        name = prepared.notebooks[0].name
        return Work(
            prepared.sources[name].resolve(),
            self.folder / point.name,
            prepared.parameters(name),
            {},
            prepared.request.engine,
            prepared.request.limits,
        )


def execute_upstream(layout: Layout, sweep: Sweep, folder: Path) -> None:
    """Execute, or find, the steps that are the same at all points and that they read from.

    Their records go to ``upstream`` in `folder`, the sweep's. A step that fails raises ScriptFailed: no point
    could do without it.
    """
    session = Session(sweep.prepared.configured, layout, child_process)
    session.run = RunFolder(folder / "upstream")
    sweep.points[0].prepared.hand_over(layout, session.run)
    for step in common_steps(sweep):
        session.step(step)


def common_steps(sweep: Sweep) -> list[str]:
    """Return the steps that the notebook's own steps read from and that are the same at all points."""
    steps = sweep.prepared.configured.steps
    read = {name: _read_by(step, steps) for name, step in steps.items()}
    own = {call.step for call in step_calls(sweep.source)} & set(steps)
    changed, needed = _varied(sweep), set(own)
    for name in steps:  # each after those that it reads from
        if read[name] & changed:
            changed.add(name)
    for name in reversed(steps):
        needed |= read[name] if name in needed else set()
    later = needed & (own | changed)
    return [name for name in steps if name not in later and any(name in read[step] for step in later)]


def _read_by(step: Step, steps: Collection[str]) -> set[str]:
    return {value.partition(".")[0] for value in step.inputs.values()} & set(steps)


def _varied(sweep: Sweep) -> set[str]:
    """Return the steps of which an argument is not the same at all points."""
    overrides = [point.prepared.assignments.overrides for point in sweep.points]
    names = {name for steps in overrides for name in steps}
    return {name for name in names if any(steps.get(name) != overrides[0].get(name) for steps in overrides)}


def upstream_records(folder: Path) -> list[dict[str, object]]:
    """Return the records of what was executed or found before the points."""
    return RunFolder(folder / "upstream").records()
