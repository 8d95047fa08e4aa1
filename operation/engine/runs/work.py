"""The execution of one notebook of a run or a sweep, wherever it happens: what it needs, what comes of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.foundation.run_folder import VARIABLE, RunFolder
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
        return {**self.variables, VARIABLE: str(self.folder), "WORKBENCH_NOTEBOOK": self.name}

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


Perform = Callable[[Work], Outcome]


def _unheard(done: int, total: int) -> None:
    """Hear of a cell: a sweep tells of whole points. One function for all, since papermill keeps the last."""


def perform(work: Work, fork_server: ForkServer | None = None, on_cell: OnCell = _unheard) -> Outcome:
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


def start_ahead(work: Work, fork_server: ForkServer) -> None:
    """Start the kernel that `work` will need, while another notebook executes."""
    fork_server.start_ahead(work.own_variables, work.source.parent, work.target.with_suffix(".log"))


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
