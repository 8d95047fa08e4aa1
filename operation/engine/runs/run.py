"""One run: the use case's notebooks executed in order, recorded and reported as they end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from operation.engine import manifest
from operation.engine.layout import Layout
from operation.engine.notebooks.execution import Executed, execute
from operation.engine.notebooks.failure import error_record
from operation.engine.runners import thread_limits
from operation.engine.runs import folder as run_folder
from operation.engine.runs.comparison import since_last_good
from operation.engine.runs.folder import RunFolder
from operation.engine.runs.prepared import Prepared
from operation.engine.runs.record import RunManifest
from operation.engine.runs.reuse import Notebooks
from operation.engine.runs.tracking import Tracker

Say = Callable[[str, int, int], None]


def start(layout: Layout, prepared: Prepared, say: Say) -> RunManifest:
    """Execute the notebooks of a sound request, in order, until one fails.

    Parameters
    ----------
    say : callable
        Told the notebook, the cells begun and the number of cells.

    Returns
    -------
    RunManifest
        Of the finished run; its ``status`` says how it ended. Everything is written by then.
    """
    configured = prepared.configured
    folder = run_folder.new(layout.runs, configured.use_case, configured.environment)
    manifest.write(folder.path / "overrides.json", prepared.assignments.overrides)
    if prepared.request.fresh:
        (folder.path / "fresh").touch()
    record = RunManifest.new(layout, folder, prepared)
    with Tracker(layout, configured) as tracker:
        try:
            _notebooks(record, prepared, Notebooks(layout, prepared), tracker, say)
        except KeyboardInterrupt:
            record.end("interrupted")
            raise
        finally:
            record.end()
            if record.status == "failed":
                record.tell("since_last_good", since_last_good(layout, record.content))
            tracker.log(record.path)
            _capsule(layout, folder, prepared, record)
            _pages(layout, folder)
    return record


def _notebooks(record: RunManifest, prepared: Prepared, known: Notebooks, tracker: Tracker, say: Say) -> None:
    for name in prepared.sources:
        key = known.key(name)
        found = None if prepared.request.fresh else known.find(name)
        if found:
            record.reuse(found)
            say(name, -1, 0)
        elif not _notebook(record, prepared, name, say):
            return
        else:
            known.keep(key, record.folder.path.name, record.entry(name), record.steps_of(name))
        tracker.log(record.path)


def _notebook(record: RunManifest, prepared: Prepared, name: str, say: Say) -> bool:
    """Execute, record and report one notebook; return whether it succeeded."""
    clock, started, folder = time.perf_counter(), manifest.now(), record.folder
    target = folder.path / "notebooks" / f"{name}.ipynb"
    executed = execute(
        prepared.sources[name],
        target,
        prepared.parameters(name),
        _variables(folder, name),
        lambda done, total: say(name, done, total),
    )
    record.add(name, executed, started, _error(folder, name, executed))
    _report(record, target, folder.path / f"{name}.html")
    say(name, -1, round(time.perf_counter() - clock))
    return executed.error is None


def _variables(folder: RunFolder, notebook: str) -> dict[str, str]:
    return {
        **thread_limits(1),
        run_folder.VARIABLE: str(folder.path.resolve()),
        "WORKBENCH_NOTEBOOK": notebook,
        "JUPYTER_PREFER_ENV_PATH": "1",  # a kernelspec in the user's home may be another environment's
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONWARNINGS": os.environ.get("PYTHONWARNINGS", "default"),
    }


def _error(folder: RunFolder, notebook: str, executed: Executed) -> dict[str, Any] | None:
    if executed.error is None:
        return None
    steps = [step for step in folder.records() if step["notebook"] == notebook]
    return error_record(executed.document, notebook, executed.error, steps)


def _report(record: RunManifest, executed: Path, target: Path) -> None:
    from operation.engine.reports.notebook import render_notebook

    render_notebook(executed, target, record.content)


def _capsule(layout: Layout, folder: RunFolder, prepared: Prepared, record: RunManifest) -> None:
    """Leave what a replay of a failure needs."""
    if record.status == "failed":
        from operation.engine.capsule.pack import pack_failure

        pack_failure(layout, folder, prepared)


def _pages(layout: Layout, folder: RunFolder) -> None:
    from operation.engine.reports.gallery import write_gallery
    from operation.engine.reports.latest import point_latest
    from operation.engine.reports.run_page import write_run_page

    write_run_page(folder.path)
    point_latest(layout.runs, folder.path)
    write_gallery(layout.runs)
