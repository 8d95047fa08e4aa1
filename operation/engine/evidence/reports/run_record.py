"""What pages say about a run, read from a manifest that may be partial, broken or of a later version."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Strict

from operation.engine.evidence.reports.step_record import (
    Failure,
    Metric,
    Metrics,
    Record,
    Seconds,
    StepRecord,
    Text,
    Whole,
    Words,
    label_steps,
    options,
)
from operation.engine.foundation.manifest import as_ended


def _entries(value: object) -> tuple[dict[str, Any], ...]:
    return tuple(entry for entry in value if isinstance(entry, dict)) if isinstance(value, list) else ()


def _cell_seconds(value: object) -> dict[int, float]:
    pairs = [(cell.get("index"), cell.get("seconds")) for cell in _entries(value)]
    return {index: took for index, took in pairs if isinstance(index, int) and isinstance(took, int | float)}


class NotebookRecord(Record):
    """One notebook of a run; the paths are relative to the run's folder."""

    name: Text = ""
    title: Text = ""
    status: Text = ""
    notebook: Text = ""
    report: Text = ""
    parameters: dict[Any, Any] = Field(default_factory=dict)
    started: Text = ""
    seconds: Seconds | None = None
    cell_seconds: Annotated[dict[Whole, Seconds], BeforeValidator(_cell_seconds)] = Field(
        default_factory=dict, alias="cells"
    )
    step_keys: Words = ()
    failure: Failure | None = Field(default=None, alias="error")


class Change(Record):
    """The last good run, and what differs since."""

    run: Text = ""
    differences: Words = ()


class RunRecord(Record):
    """One run. `problem` says why its manifest could not be read; the rest is then empty."""

    id: Text = ""
    status: Text = ""
    problem: Text = ""
    use_case: Text = ""
    environment: Text = ""
    description: Text = ""
    commit: Text = ""
    dirty: Annotated[bool, Strict()] = False
    configuration_digest: Text = ""
    lock_digest: Text = ""
    python: Text = ""
    platform: Text = ""
    host: Text = ""
    command: Text = ""
    started: Text = ""
    seconds: Seconds | None = None
    notebooks: Annotated[tuple[NotebookRecord, ...], BeforeValidator(_entries)] = ()
    steps: Annotated[tuple[StepRecord, ...], BeforeValidator(_entries)] = ()
    metrics: Metrics = Field(default_factory=dict)
    failure: Failure | None = Field(default=None, alias="error")
    since_last_good: Change = Change()

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
        identity = {"use_case": self.use_case, "environment": self.environment}
        return {
            f"{book.name}.{name}": value
            for book in self.notebooks
            for name, value in book.parameters.items()
            if identity.get(name) != value
        }

    @property
    def sampled_rows(self) -> int | None:
        """How many rows were drawn where the run saw a sample of its data, None where it saw all of them."""
        sizes = ((options(step.argv).get("sample-rows"), step.metrics.get("rows")) for step in self.steps)
        return next((int(limit) for limit, rows in sizes if limit and rows and limit == f"{rows:.0f}"), None)

    def steps_of(self, book: NotebookRecord) -> list[StepRecord]:
        """Return the steps that a notebook called, by their keys: those of earlier notebooks as reused."""
        own = [step for step in self.steps if step.notebook == book.name]
        if not book.step_keys:
            return own
        by_key = {step.key: step.model_copy(update={"how": "reused", "seconds": None}) for step in self.steps}
        by_key |= {step.key: step for step in own}
        called = [by_key[key] for key in book.step_keys if key in by_key]
        return called + [step for step in own if step.key not in book.step_keys]


def read_run(folder: Path) -> RunRecord:
    """Read ``folder/manifest.json``; a broken manifest gives a record that says so."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        problem = "there is no manifest.json: the run ended before writing it"
    except (OSError, ValueError) as error:
        problem = f"manifest.json cannot be read: {error}"
    else:
        if isinstance(manifest, dict):
            return run_record(as_ended(manifest), folder.name)
        problem = "manifest.json is not a mapping"
    return RunRecord(id=folder.name, status="unreadable", problem=problem)


def run_record(manifest: Mapping[str, object], name: str = "") -> RunRecord:
    """Return the record of a manifest; `name`, that of its folder, is the run's id where it has none."""
    run = RunRecord.model_validate(dict(manifest))
    books = tuple(
        book.model_copy(update={"title": book.title or book.name, "status": book.status or "pending"})
        for book in run.notebooks
    )
    status = run.status or "unreadable"
    return run.model_copy(
        update={"id": run.id or name, "status": status, "notebooks": books, "steps": label_steps(run.steps)}
    )
