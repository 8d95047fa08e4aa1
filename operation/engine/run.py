"""One run: the use case's notebooks executed in order, recorded and reported as they end."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from operation.engine import configuration, manifest, run_folder
from operation.engine.configuration import Configuration, NotebookEntry
from operation.engine.errors import UsageError
from operation.engine.layout import Layout
from operation.engine.nearest import did_you_mean
from operation.engine.notebooks.assignments import Assignments, assign
from operation.engine.notebooks.execution import Executed, execute
from operation.engine.notebooks.failure import error_record
from operation.engine.notebooks.parameters import read_parameters
from operation.engine.run_folder import RunFolder
from operation.engine.run_manifest import RunManifest
from operation.engine.runners import thread_limits
from operation.engine.tracking import Tracker

Say = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Request:
    """What ``run`` was asked for.

    Parameters
    ----------
    environment, use_case : str or None
        None: the defaults of the configuration.
    notebooks : sequence of str
        Names; empty: all of the use case.
    given : sequence of str
        ``name=value`` each.
    fresh : bool
        Execute every step, reuse nothing.
    """

    environment: str | None = None
    use_case: str | None = None
    notebooks: Sequence[str] = ()
    given: Sequence[str] = ()
    fresh: bool = False

    @property
    def command(self) -> str:
        """The command line that asks for the same again."""
        words = ["python3", "-m", "operation", "run"]
        words += ["--environment", self.environment] if self.environment else []
        words += ["--use-case", self.use_case] if self.use_case else []
        words += ["--notebook", *self.notebooks] if self.notebooks else []
        words += [word for one in self.given for word in ("-p", one)]
        return shlex.join(words + (["--fresh"] if self.fresh else []))


@dataclass(frozen=True)
class Prepared:
    """A request that was found to be sound: nothing has started yet."""

    request: Request
    configured: Configuration
    notebooks: Sequence[NotebookEntry]
    assignments: Assignments
    sources: Mapping[str, Path] = field(default_factory=dict)

    def parameters(self, name: str) -> dict[str, object]:
        """Return what is injected into the notebook `name`: only what its parameters cell declares."""
        declared = read_parameters(self.sources[name])
        entry = next(one for one in self.notebooks if one.name == name)
        chosen = {"use_case": self.configured.use_case, "environment": self.configured.environment}
        values = {**chosen, **entry.parameters, **self.assignments.parameters.get(name, {})}
        return {key: value for key, value in values.items() if key in declared}


def prepare(layout: Layout, request: Request) -> Prepared:
    """Check everything that can be checked before a kernel starts.

    Raises
    ------
    ConfigurationError, UsageError
        With all mistakes of the configuration, or of the request.
    """
    configured = configuration.load(request.environment, request.use_case, layout)
    notebooks = _chosen(configured, request.notebooks)
    sources = {one.name: layout.notebooks / f"{one.name}.ipynb" for one in notebooks}
    return Prepared(
        request, configured, notebooks, assign(configured, list(sources.values()), request.given), sources
    )


def _chosen(configured: Configuration, names: Sequence[str]) -> list[NotebookEntry]:
    known = {one.name: one for one in configured.notebooks}
    wanted = [name.removesuffix(".ipynb") for name in names]
    use_case = configured.use_case
    unknown = [
        f"--notebook {name}: the use case '{use_case}' has no such notebook.{did_you_mean(name, known)}"
        for name in wanted
        if name not in known
    ]
    if unknown:
        raise UsageError("\n".join([*unknown, f"It has: {', '.join(known)}."]))
    return [known[name] for name in wanted] if wanted else list(configured.notebooks)


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
            _notebooks(folder, prepared, record, tracker, say)
        except KeyboardInterrupt:
            record.end("interrupted")
            raise
        finally:
            record.end()
            tracker.log(record.path)
            _pages(layout, folder)
    return record


def _notebooks(
    folder: RunFolder, prepared: Prepared, record: RunManifest, tracker: Tracker, say: Say
) -> None:
    for entry in prepared.notebooks:
        clock, started = time.perf_counter(), manifest.now()
        target = folder.path / "notebooks" / f"{entry.name}.ipynb"
        executed = execute(
            prepared.sources[entry.name],
            target,
            prepared.parameters(entry.name),
            _variables(folder, entry.name),
            lambda done, total, name=entry.name: say(name, done, total),  # type: ignore[misc]
        )
        record.add(entry.name, executed, started, _error(folder, entry.name, executed))
        _report(record, target, folder.path / f"{entry.name}.html")
        tracker.log(record.path)
        say(entry.name, -1, round(time.perf_counter() - clock))
        if executed.error:
            return


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


def _pages(layout: Layout, folder: RunFolder) -> None:
    from operation.engine.reports.gallery import write_gallery
    from operation.engine.reports.latest import point_latest
    from operation.engine.reports.run_page import write_run_page

    write_run_page(folder.path)
    point_latest(layout.runs, folder.path)
    write_gallery(layout.runs)
