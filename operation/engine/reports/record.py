"""What pages say about a run, read from a manifest that may be partial, broken or of a later version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from operation.engine.reports.loosely import mapping, mappings, real, string, strings, whole

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Failure:
    """What went wrong and where."""

    type: str
    message: str
    file: str = ""
    line: int | None = None
    notebook: str = ""
    cell: int | None = None
    traceback: str = ""
    execution_count: int | None = None

    @property
    def where(self) -> str:
        """The cell as Jupyter names it, "cell In [5]"; by its index where it never ran."""
        if self.execution_count is not None:
            return f"cell In [{self.execution_count}]"
        return f"cell {self.cell}" if self.cell is not None else ""

    @property
    def place(self) -> str:
        """The place as an editor understands it: ``src/train.py:41``."""
        return f"{self.file}:{self.line}" if self.file and self.line else self.file


@dataclass(frozen=True)
class Metric:
    """One number, the step that measured it, and the two joined as in the manifest."""

    step: str
    name: str
    value: Scalar

    @property
    def full_name(self) -> str:
        """``evaluate.roc_auc``."""
        return f"{self.step}.{self.name}" if self.step else self.name


@dataclass(frozen=True)
class StepRecord:
    """One step of a run."""

    step: str
    script: str
    key: str
    how: str
    seconds: float | None
    notebook: str
    metrics: dict[str, Scalar]
    failure: Failure | None


@dataclass(frozen=True)
class NotebookRecord:
    """One notebook of a run; the paths are relative to the run's folder."""

    name: str
    title: str
    status: str
    notebook: str
    report: str
    parameters: dict[str, object]
    started: str
    seconds: float | None
    cell_seconds: dict[int, float]
    steps: tuple[str, ...]
    failure: Failure | None


@dataclass(frozen=True)
class RunRecord:
    """One run. `problem` says why its manifest could not be read; the rest is then empty."""

    id: str
    status: str = "unreadable"
    problem: str = ""
    use_case: str = ""
    environment: str = ""
    description: str = ""
    commit: str = ""
    dirty: bool = False
    configuration_digest: str = ""
    lock_digest: str = ""
    python: str = ""
    platform: str = ""
    host: str = ""
    command: str = ""
    started: str = ""
    seconds: float | None = None
    notebooks: tuple[NotebookRecord, ...] = ()
    steps: tuple[StepRecord, ...] = ()
    metrics: dict[str, Scalar] = field(default_factory=dict)
    failure: Failure | None = None
    last_good: str = ""
    since_last_good: tuple[str, ...] = ()

    @property
    def measured(self) -> list[Metric]:
        """The metrics of the run, each under its step."""
        return [
            Metric(step if dot else "", metric if dot else name, value)
            for name, value in self.metrics.items()
            for step, dot, metric in [name.partition(".")]
        ]

    @property
    def parameters(self) -> dict[str, object]:
        """Every notebook's parameters under ``<notebook>.<parameter>``, but for what names the run itself."""
        named = {"use_case": self.use_case, "environment": self.environment}
        return {
            f"{book.name}.{name}": value
            for book in self.notebooks
            for name, value in book.parameters.items()
            if named.get(name) != value
        }


def read_run(folder: Path) -> RunRecord:
    """Read ``folder/manifest.json``; a broken manifest gives a record that says so."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return RunRecord(folder.name, problem="there is no manifest.json: the run ended before writing it")
    except (OSError, ValueError) as error:
        return RunRecord(folder.name, problem=f"manifest.json cannot be read: {error}")
    if not isinstance(manifest, dict):
        return RunRecord(folder.name, problem="manifest.json is not a mapping")
    return run_record(manifest, folder.name)


def run_record(manifest: Mapping[str, object], name: str = "") -> RunRecord:
    """Return the record of a manifest; what is missing or of a wrong type is left empty.

    Parameters
    ----------
    manifest : mapping
        The run manifest as parsed from JSON.
    name : str, default ""
        The run's id where the manifest does not say it: the name of its folder.
    """
    return RunRecord(
        id=string(manifest, "id") or name,
        status=string(manifest, "status") or "unreadable",
        use_case=string(manifest, "use_case"),
        environment=string(manifest, "environment"),
        description=string(manifest, "description"),
        commit=string(manifest, "commit"),
        dirty=manifest.get("dirty") is True,
        configuration_digest=string(manifest, "configuration_digest"),
        lock_digest=string(manifest, "lock_digest"),
        python=string(manifest, "python"),
        platform=string(manifest, "platform"),
        host=string(manifest, "host"),
        command=string(manifest, "command"),
        started=string(manifest, "started"),
        seconds=_seconds(manifest),
        notebooks=tuple(_notebook(entry) for entry in mappings(manifest, "notebooks")),
        steps=tuple(_step(entry) for entry in mappings(manifest, "steps")),
        metrics=_metrics(manifest),
        failure=_failure(manifest),
        last_good=string(mapping(manifest, "since_last_good"), "run"),
        since_last_good=strings(mapping(manifest, "since_last_good"), "differences"),
    )


def _notebook(entry: Mapping[str, object]) -> NotebookRecord:
    name = string(entry, "name")
    steps = entry.get("steps")
    return NotebookRecord(
        name=name,
        title=string(entry, "title") or name,
        status=string(entry, "status") or "pending",
        notebook=string(entry, "notebook"),
        report=string(entry, "report"),
        parameters=dict(mapping(entry, "parameters")),
        started=string(entry, "started"),
        seconds=_seconds(entry),
        cell_seconds=_cell_seconds(entry),
        steps=tuple(str(step) for step in steps) if isinstance(steps, list) else (),
        failure=_failure(entry),
    )


def _step(entry: Mapping[str, object]) -> StepRecord:
    return StepRecord(
        step=string(entry, "step"),
        script=string(entry, "script"),
        key=string(entry, "key"),
        how=string(entry, "how"),
        seconds=_seconds(entry),
        notebook=string(entry, "notebook"),
        metrics=_metrics(entry),
        failure=_failure(entry),
    )


def _failure(entry: Mapping[str, object]) -> Failure | None:
    error = entry.get("error")
    if not isinstance(error, dict):
        return None
    return Failure(
        type=string(error, "type"),
        message=string(error, "message"),
        file=string(error, "file"),
        line=whole(error.get("line")),
        notebook=string(error, "notebook"),
        cell=whole(error.get("cell")),
        traceback=string(error, "traceback"),
        execution_count=whole(error.get("execution_count")),
    )


def _seconds(entry: Mapping[str, object]) -> float | None:
    seconds = real(entry.get("seconds"))
    return seconds if seconds is None or seconds >= 0 else None


def _metrics(entry: Mapping[str, object]) -> dict[str, Scalar]:
    return {
        name: value
        for name, value in mapping(entry, "metrics").items()
        if value is None or isinstance(value, str | int | float)
    }


def _cell_seconds(entry: Mapping[str, object]) -> dict[int, float]:
    times = {}
    for cell in mappings(entry, "cells"):
        index, seconds = whole(cell.get("index")), real(cell.get("seconds"))
        if index is not None and seconds is not None:
            times[index] = seconds
    return times
