"""Executes one notebook headlessly with papermill, and says what came of it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.foundation.masked_log import MaskedLog
from operation.engine.foundation.secrets import mask_file
from operation.engine.notebooks.engines import WORKBENCH, OnCell, quick_papermill, watched
from operation.engine.notebooks.limits import NO_LIMITS, Limits

if TYPE_CHECKING:
    from operation.engine.notebooks.fork_server.client import ForkServer


@dataclass(frozen=True)
class Executed:
    """One executed notebook."""

    document: dict[str, Any]  # the notebook as it was saved, as far as it came
    seconds: float  # wall time, kernel start and end included
    error: BaseException | None  # what stopped it

    @property
    def cells(self) -> list[dict[str, float]]:
        """Index and duration in seconds of every executed cell."""
        states = [cell.get("metadata", {}).get("papermill", {}) for cell in self.document["cells"]]
        return [
            {"index": index, "seconds": round(state["duration"], 3)}
            for index, state in enumerate(states)
            if state.get("duration") is not None
        ]


def execute(
    source: Path,
    target: Path,
    parameters: Mapping[str, object],
    variables: Mapping[str, str],
    on_cell: OnCell,
    *,
    engine: str = WORKBENCH,
    fork_server: ForkServer | None = None,
    limits: Limits | None = None,
) -> Executed:
    """Execute the notebook at `source` in this environment and save it at `target`.

    Parameters
    ----------
    parameters : mapping
        Injected behind the parameters cell.
    variables : mapping
        Environment variables of the kernel.
    on_cell : callable
        Called with the number of cells begun and of all cells.
    fork_server : ForkServer, optional
        The process that the engine ``workbench`` forks from; by default one for this notebook alone.

    Returns
    -------
    Executed
        Whatever happened: an error is returned, not raised; only an interrupt passes through.
    """
    started = time.perf_counter()
    own: dict[str, Any] = {"fork_server": fork_server, "limits": limits or NO_LIMITS}
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with MaskedLog(target.with_suffix(".log")) as log:
            error = _caught(
                source,
                target,
                parameters=dict(parameters),
                engine=engine,
                on_cell=on_cell,
                kernels=(log, variables),
                execution_timeout=math.ceil(limits.cell) if limits and limits.cell else None,
                **(own if engine == WORKBENCH else {}),
            )
    finally:
        mask_file(target)
    return Executed(json.loads(target.read_text(encoding="utf-8")), time.perf_counter() - started, error)


def _caught(
    source: Path, target: Path, *, engine: str, kernels: tuple[MaskedLog, Mapping[str, str]], **options: Any
) -> BaseException | None:
    """Have papermill execute a notebook; return the error that stopped it."""
    papermill = quick_papermill()
    from operation.engine.notebooks.fork_server.managers import logging_to

    try:
        papermill.execute_notebook(
            str(source),
            str(target),
            engine_name=watched(engine),
            kernel_name="python3",
            language="python",  # also where the notebook does not say so
            cwd=str(source.parent),
            progress_bar=False,
            kernel_manager_class=logging_to(*kernels),
            **options,
        )
    except _stops() as error:
        return error
    return None


def _stops() -> tuple[type[Exception], ...]:
    """Return the errors by which papermill and nbclient say that a notebook did not come to its end."""
    from nbclient.exceptions import CellControlSignal, CellExecutionError, CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillException

    clients = (CellControlSignal, CellExecutionError, CellTimeoutError, DeadKernelError)
    return (PapermillException, *clients, RuntimeError)
