"""What pages say about a run, read from a manifest that may be partial, broken or of a later version."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from operation.engine.evidence.reports.wording import clip

LONGEST = 20_000  # bytes of a message

Scalar = str | int | float | bool | None
Record = TypeVar("Record")


@dataclass(frozen=True)
class Failure:
    """What went wrong and where."""

    type: str = ""
    message: str = ""
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

    step: str = ""
    script: str = ""
    key: str = ""
    how: str = ""
    seconds: float | None = None
    notebook: str = ""
    metrics: dict[str, Scalar] = field(default_factory=dict)
    failure: Failure | None = field(default=None, metadata={"name": "error"})


@dataclass(frozen=True)
class NotebookRecord:
    """One notebook of a run; the paths are relative to the run's folder."""

    name: str = ""
    title: str = ""
    status: str = ""
    notebook: str = ""
    report: str = ""
    parameters: dict[str, object] = field(default_factory=dict)
    started: str = ""
    seconds: float | None = None
    cell_seconds: dict[int, float] = field(default_factory=dict, metadata={"name": "cells"})
    steps: tuple[str, ...] = ()
    failure: Failure | None = field(default=None, metadata={"name": "error"})


@dataclass(frozen=True)
class Change:
    """The last good run, and what differs since."""

    run: str = ""
    differences: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunRecord:
    """One run. `problem` says why its manifest could not be read; the rest is then empty."""

    id: str = ""
    status: str = ""
    problem: str = field(default="", metadata={"name": ""})
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
    failure: Failure | None = field(default=None, metadata={"name": "error"})
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
        return RunRecord(
            folder.name, "unreadable", "there is no manifest.json: the run ended before writing it"
        )
    except (OSError, ValueError) as error:
        return RunRecord(folder.name, "unreadable", f"manifest.json cannot be read: {error}")
    if not isinstance(manifest, dict):
        return RunRecord(folder.name, "unreadable", "manifest.json is not a mapping")
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
    run = _read(RunRecord, manifest)
    books = (
        replace(book, title=book.title or book.name, status=book.status or "pending")
        for book in run.notebooks
    )
    return replace(run, id=run.id or name, status=run.status or "unreadable", notebooks=tuple(books))


def _read(kind: type[Record], entry: object) -> Record:
    """Return a record of `kind`; a field that is missing or of a wrong type keeps its default."""
    known: Mapping[str, object] = entry if isinstance(entry, dict) else {}
    names = {part.name: part.metadata.get("name", part.name) for part in fields(kind)}  # type: ignore[arg-type]
    types = {part.name: str(part.type) for part in fields(kind)}  # type: ignore[arg-type]
    return kind(**{own: _READERS[types[own]](known[name]) for own, name in names.items() if name in known})


def _records(kind: type[Record], value: object) -> tuple[Record, ...]:
    return tuple(_read(kind, entry) for entry in _list(value, dict))


def _text(value: object) -> str:
    return clip(value, LONGEST)[0] if isinstance(value, str) else ""


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _seconds(value: object) -> float | None:
    """Return a finite number from 0, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) and value >= 0 else None
    except OverflowError:
        return None


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _metrics(value: object) -> dict[str, Scalar]:
    values = _mapping(value).items()
    return {
        name: metric for name, metric in values if metric is None or isinstance(metric, str | int | float)
    }


def _list(value: object, kind: type) -> list[Any]:
    return [item for item in value if isinstance(item, kind)] if isinstance(value, list) else []


def _cell_seconds(value: object) -> dict[int, float]:
    pairs = [(_whole(cell.get("index")), _seconds(cell.get("seconds"))) for cell in _list(value, dict)]
    return {index: seconds for index, seconds in pairs if index is not None and seconds is not None}


# By the annotation of a field.
_READERS: dict[str, Callable[[object], Any]] = {
    "str": _text,
    "bool": lambda value: value is True,
    "int | None": _whole,
    "float | None": _seconds,
    "dict[str, object]": _mapping,
    "dict[str, Scalar]": _metrics,
    "dict[int, float]": _cell_seconds,
    "tuple[str, ...]": lambda value: tuple(_list(value, str)),
    "Failure | None": lambda value: _read(Failure, value) if isinstance(value, dict) else None,
    "Change": lambda value: _read(Change, value),
    "tuple[NotebookRecord, ...]": lambda value: _records(NotebookRecord, value),
    "tuple[StepRecord, ...]": lambda value: _records(StepRecord, value),
}
