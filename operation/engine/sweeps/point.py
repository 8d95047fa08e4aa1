"""One point of a sweep as a run: its folder, manifest and report."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from operation.engine.evidence.capsule.pack import pack_failure
from operation.engine.foundation import manifest
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.run_folder import RunFolder
from operation.engine.runs.rendering import Rendering
from operation.engine.runs.reuse import Notebooks
from operation.engine.runs.work import Perform, Work
from operation.engine.sweeps.plan import Point


@dataclass(frozen=True)
class PointRun:
    """What executing each point of a sweep needs."""

    layout: Layout
    folder: Path  # of the sweep, absolute
    variables: dict[str, str]  # environment variables of the notebooks
    perform: Perform
    pages: Rendering
    stopped: Event  # set on interruption: what ends then has not failed

    def run(self, point: Point) -> dict[str, Any]:
        """Execute a point, record it, have it rendered; return its manifest."""
        from operation.engine.runs.run_manifest import RunManifest

        name = point.prepared.notebooks[0].name
        notebooks = Notebooks(self.layout, point.prepared)
        key, work = notebooks.key(name), self._work(point)
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
        """Make the folder of a point anew: what an attempt that was killed left is not of this one."""
        prepared, folder = point.prepared, self.folder / point.name
        name = prepared.notebooks[0].name
        shutil.rmtree(folder, ignore_errors=True)
        prepared.hand_over(self.layout, RunFolder(folder))
        upstream = self.folder / "upstream" / "steps"
        if prepared.request.fresh and upstream.is_dir():  # these were executed again for all points together
            shutil.copytree(upstream, folder / "steps")
        return Work(
            prepared.sources[name].resolve(),
            folder,
            prepared.parameters(name),
            self.variables,
            prepared.request.engine,
            prepared.request.limits,
        )
