"""papermill's engine ``workbench``: ``papermill --engine workbench in.ipynb out.ipynb``."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from queue import Empty
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellExecutionComplete, CellExecutionError, CellTimeoutError, DeadKernelError
from nbclient.util import ensure_async, run_sync
from nbformat.notebooknode import NotebookNode
from nbformat.v4 import new_output
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine
from papermill.log import logger

from operation.engine.notebooks.fork_server.client import ForkServer
from operation.engine.notebooks.fork_server.managers import forking
from operation.engine.notebooks.limits import NO_LIMITS, Limits

_GRACE = 2.0  # seconds that an interrupted cell has to say where it was


class WorkbenchEngine(Engine):  # type: ignore[misc]
    """papermill's own client, with a kernel that is forked from a process that has the libraries."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        start_timeout: float = 60,
        execution_timeout: float | None = None,
        fork_server: ForkServer | None = None,
        limits: Limits = NO_LIMITS,
        **options: Any,
    ) -> None:
        """Execute the notebook of `nb_man`; papermill documents the arguments, `options` are nbclient's.

        `fork_server` is forked from, otherwise one is started for this notebook.
        """
        base = options.pop("kernel_manager_class", AsyncKernelManager)
        timeout = execution_timeout or options.pop("timeout", None)
        unused = ("input_path", "timeout", "startup_timeout")
        options = {name: value for name, value in options.items() if name not in unused}
        with nullcontext(fork_server) if fork_server else ForkServer(os.environ) as server:
            options |= {"timeout": timeout, "startup_timeout": start_timeout, "kernel_name": kernel_name}
            manager = forking(base, server, limits.memory, start_timeout)
            WorkbenchClient(nb_man, limits, kernel_manager_class=manager, log=logger, **options).execute()


class WorkbenchClient(PapermillNotebookClient):  # type: ignore[misc]
    """papermill's client that ends a notebook in time, and says how a cell ended that did not finish."""

    def __init__(self, nb_man: Any, limits: Limits, **options: Any) -> None:
        super().__init__(nb_man, **options)
        self.limits = limits
        self.deadline: float | None = None
        if limits.cell or limits.run:
            self.timeout_func = self._seconds(options.get("timeout_func"))

    def papermill_execute_cells(self) -> None:
        """Execute the cells."""
        if self.limits.run:
            self.deadline = time.monotonic() + self.limits.run
        super().papermill_execute_cells()

    def execute_cell(self, cell: NotebookNode, cell_index: int, **options: Any) -> NotebookNode:
        """Execute one cell and put what comes of it into the notebook."""
        try:
            super().execute_cell(cell, cell_index, **options)
        except CellExecutionError:
            raise
        except BaseException as error:
            self.nb_man.cell_exception(cell, cell_index=cell_index)
            if isinstance(error, CellTimeoutError):
                self._interrupt(cell, cell_index)
                raise self._too_long(cell, error) from None
            self.shutdown_kernel = "immediate"
            if isinstance(error, DeadKernelError):
                raise self._dead(cell) from None
            raise
        return cell

    def _seconds(
        self, default: Callable[[NotebookNode], float | None] | None
    ) -> Callable[[NotebookNode], float | None]:
        """Return what says how long a cell may take: its own limit, and what is left of the notebook's."""

        def seconds(cell: NotebookNode) -> float | None:
            own = self.limits.cell or (default(cell) if default else self.timeout)
            left = None if self.deadline is None else max(0.001, self.deadline - time.monotonic())
            shortest = min((limit for limit in (own, left) if limit is not None and limit > 0), default=None)
            return (
                int(shortest) if shortest and shortest == int(shortest) else shortest
            )  # as a message says it

        return seconds

    def _interrupt(self, cell: NotebookNode, cell_index: int) -> None:
        """Interrupt a cell, and take in what it still says, above all where it was."""

        async def collect() -> None:
            assert self.km is not None  # noqa: S101 - the cell was being executed
            await ensure_async(self.km.interrupt_kernel())
            self.kc.kernel_info()  # a kernel that only awaits something looks up when there is a message
            deadline = time.monotonic() + _GRACE
            while (left := deadline - time.monotonic()) > 0:
                message = await ensure_async(self.kc.iopub_channel.get_msg(timeout=left))
                self.process_message(message, cell, cell_index)

        with suppress(Empty, CellExecutionComplete):
            run_sync(collect)()
        self.shutdown_kernel = "immediate"

    def _too_long(self, cell: NotebookNode, error: Exception) -> Exception:
        message = str(error).replace(
            "Cell execution timed out", f"Cell execution timed out, in cell In [{cell.execution_count}]"
        )
        if self.deadline is not None and self.deadline <= time.monotonic():
            _, _, rest = message.partition("\n")
            message = f"The notebook took longer than its {self.limits.run:g} seconds.\n{rest}"
        return CellTimeoutError(message)

    def _dead(self, cell: NotebookNode) -> Exception:
        code = run_sync(self.km.provisioner.poll)()
        how = f"the notebook's process {how_it_ended(code)}" if code is not None else "it does not answer"
        # it may have died before it reported it
        count = cell.execution_count = cell.execution_count or self.code_cells_executed
        if crash := getattr(self.km.provisioner.process, "crash", ""):
            cell.outputs.append(new_output("stream", name="stderr", text=crash))  # type: ignore[no-untyped-call]
        return DeadKernelError(f"Kernel died: {how} in cell In [{count}].")


def how_it_ended(code: int) -> str:
    """Say in words how a process ended: its exit code, or the signal that killed it."""
    if code >= 0:
        return f"ended by itself with exit code {code}"
    name = signal.Signals(-code).name
    meanings = {
        "SIGKILL": "it was killed from outside, as the system does when memory runs out",
        "SIGSEGV": "compiled code read or wrote memory that is not its own",
        "SIGABRT": "compiled code gave up",
    }
    return f"was ended by {name}" + (f": {meanings[name]}" if name in meanings else "")
