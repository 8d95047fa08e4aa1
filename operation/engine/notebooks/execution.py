"""Executes one notebook headlessly with papermill, and says what came of it."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operation.engine.capsule.secrets import mask_file, mask_values
from operation.engine.surroundings import surroundings

OnCell = Callable[[int, int], None]


@dataclass(frozen=True)
class Executed:
    """One executed notebook.

    Parameters
    ----------
    document : dict
        The notebook as it was saved, as far as it came.
    seconds : float
        Wall time, kernel start and end included.
    error : BaseException or None
        What stopped it.
    """

    document: dict[str, Any]
    seconds: float
    error: BaseException | None

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
) -> Executed:
    """Execute the notebook at `source` in a kernel of this environment and save it at `target`.

    Parameters
    ----------
    parameters : mapping
        Injected behind the parameters cell.
    variables : mapping
        Environment variables of the kernel.
    on_cell : callable
        Called with the number of cells begun and of all cells.

    Returns
    -------
    Executed
        Whatever happened: an error is returned, not raised; only an interrupt passes through.
    """
    import papermill
    from nbclient.exceptions import CellControlSignal, CellExecutionError, CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillException

    _register(on_cell)
    started, error = time.perf_counter(), None
    target.parent.mkdir(parents=True, exist_ok=True)
    with surroundings(variables):
        try:
            papermill.execute_notebook(
                str(source),
                str(target),
                parameters=dict(parameters),
                engine_name="workbench",
                kernel_name="python3",
                cwd=str(source.parent),
                progress_bar=False,
                kernel_manager_class=kernel_manager(target.with_suffix(".log")),
            )
        except (
            PapermillException,
            CellControlSignal,
            CellExecutionError,
            CellTimeoutError,
            DeadKernelError,
            RuntimeError,
        ) as caught:
            error = caught
        finally:
            for file in (target, target.with_suffix(".log")):
                mask_file(file)
    return Executed(json.loads(target.read_text(encoding="utf-8")), time.perf_counter() - started, error)


def _register(on_cell: OnCell) -> None:
    """Give papermill its stock engine with a look at the cells as they begin."""
    from nbformat.notebooknode import from_dict
    from papermill.engines import NBClientEngine, papermill_engines

    class WorkbenchEngine(NBClientEngine):  # type: ignore[misc]
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:
            begin, total = nb_man.cell_start, len(nb_man.nb.cells)

            def cell_start(cell: Any, cell_index: int | None = None, **words: Any) -> None:
                on_cell(cell_index or 0, total)
                begin(cell, cell_index, **words)

            save = nb_man.save

            def save_masked(**words: Any) -> None:
                for cell in nb_man.nb.cells:
                    outputs = cell.get("outputs", [])
                    clean = mask_values(outputs)
                    if clean is not outputs:
                        outputs[:] = from_dict(clean)  # type: ignore[no-untyped-call]
                save(**words)

            nb_man.cell_start, nb_man.save = cell_start, save_masked
            super().execute_managed_notebook(nb_man, kernel_name, **options)

    papermill_engines.register("workbench", WorkbenchEngine)
    logging.getLogger("papermill").setLevel(logging.ERROR)  # the run says the same things better


def kernel_manager(log: Path) -> type:
    """Return a kernel manager whose kernels write their own log lines to `log`, not to the terminal."""
    from jupyter_client.manager import AsyncKernelManager

    class LoggingKernelManager(AsyncKernelManager):
        async def _async_launch_kernel(self, kernel_cmd: list[str], **options: Any) -> None:
            with log.open("ab") as file:
                await super()._async_launch_kernel(kernel_cmd, **{**options, "stderr": file})

        _launch_kernel = _async_launch_kernel

    return LoggingKernelManager
