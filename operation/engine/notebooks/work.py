"""The execution of one notebook of a run or a sweep, wherever it happens: what it needs, what comes of it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.foundation.run_folder import NOTEBOOK, VARIABLE, RunFolder
from operation.engine.notebooks.engines import OnCell
from operation.engine.notebooks.execution import execute
from operation.engine.notebooks.failure import error_record
from operation.engine.notebooks.limits import Limits

if TYPE_CHECKING:
    from operation.engine.notebooks.fork_server.client import ForkServer


@dataclass(frozen=True)
class Work:
    """What one execution needs."""

    source: Path  # the notebook, absolute
    folder: Path  # the folder of the run, absolute; it holds ``overrides.json``
    parameters: Mapping[str, object]  # injected into the notebook
    variables: Mapping[str, str]  # for the notebook's process, beside those of this one
    engine: str  # ``workbench`` or ``nbclient``
    limits: Limits

    @property
    def name(self) -> str:
        """The notebook's name."""
        return self.source.stem

    @property
    def own_variables(self) -> dict[str, str]:
        """Environment variables of the notebook's process, with those that say which run it is part of."""
        return {**self.variables, VARIABLE: str(self.folder), NOTEBOOK: self.name}

    @property
    def mark(self) -> Path | None:
        """Is there while the notebook waits for another; None where time is limited: waiting counts."""
        limited = self.limits.cell or self.limits.run
        return None if limited else RunFolder(self.folder).mark(self.name)

    @property
    def target(self) -> Path:
        """Where the executed notebook belongs."""
        return self.folder / "notebooks" / self.source.name


@dataclass(frozen=True)
class Outcome:
    """What came of one execution; the executed notebook and the records of its steps are in its folder."""

    seconds: float
    error: dict[str, Any] | None  # ``error`` record of a manifest
    cells: Sequence[dict[str, float]] = ()  # index and seconds of every executed cell


def unheard(done: int, total: int) -> None:
    """Hear of a cell: a sweep tells of whole points."""


def perform(work: Work, fork_server: ForkServer | None = None, on_cell: OnCell = unheard) -> Outcome:
    """Execute the notebook here; whatever stops it is in the outcome."""
    executed = execute(
        work.source,
        work.target,
        work.parameters,
        work.own_variables,
        on_cell,
        engine=work.engine,
        fork_server=fork_server,
        limits=work.limits,
    )
    error = None
    if executed.error is not None:
        steps = [step for step in RunFolder(work.folder).records() if step["notebook"] == work.name]
        error = error_record(executed.document, work.name, executed.error, steps, work.source.parents[1])
    return Outcome(executed.seconds, error, executed.cells)


def lost(work: Work, kind: str, message: str) -> Outcome:
    """Return what came of a point whose process was lost; its notebook stays as it was."""
    work.target.parent.mkdir(parents=True, exist_ok=True)
    if not work.target.exists():
        shutil.copyfile(work.source, work.target)
    error = {
        "type": kind,
        "message": message,
        "notebook": work.name,
        "cell": None,
        "execution_count": None,
        "traceback": message,
        "exit_code": 1,
        "file": f"notebooks/{work.source.name}",
        "line": None,
    }
    return Outcome(0.0, error)
