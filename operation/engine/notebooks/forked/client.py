"""nbclient's reading of a kernel's messages, as papermill extends it, over a notebook's process."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbclient.util import run_sync
from nbformat.notebooknode import NotebookNode
from papermill.clientwrap import PapermillNotebookClient

from operation.engine.notebooks.forked.process import Ended, Message, NotebookProcess, OutOfTime


class ForkedClient(PapermillNotebookClient):  # type: ignore[misc]
    """Executes the cells of one notebook in one process; outputs, errors and metadata are nbclient's work."""

    process: NotebookProcess

    def execute_on(self, process: NotebookProcess) -> None:
        """Execute the notebook of the client.

        Raises
        ------
        DeadKernelError
            The process ended before the last cell.
        CellTimeoutError
            A cell, or all of them together, took longer than allowed.
        """
        self.process = process
        self.reset_execution_trackers()
        limit = process.limits.run
        self.deadline = None if limit is None else time.monotonic() + limit
        hello = self._hello()
        self.papermill_execute_cells()
        self.nb.metadata["language_info"] = hello
        self.set_widgets_metadata()

    def _hello(self) -> dict[str, Any]:
        try:
            *_, message = self.process.messages("hello", self.startup_timeout)
        except Ended as end:
            raise DeadKernelError(f"Kernel died before the first cell: {end}.") from end
        except OutOfTime:
            raise DeadKernelError(f"The kernel did not start in {self.startup_timeout} seconds.") from None
        return dict(message["content"]["language_info"])

    def execute_cell(self, cell: NotebookNode, cell_index: int, **_: object) -> NotebookNode:
        """Execute one cell and put what comes of it into the notebook."""
        tags = cell.metadata.get("tags", [])
        if cell.cell_type != "code" or not cell.source.strip() or self.skip_cells_with_tag in tags:
            return cell
        if self.record_timing:
            cell["metadata"]["execution"] = {}
        cell.outputs = []
        self.clear_before_next_output = False
        self.code_cells_executed += 1
        self.process.send({"cell": cell.source})
        seconds = self._seconds(cell)
        try:
            reply = self._reply(cell, cell_index, seconds)
        except Ended as end:
            self.nb_man.cell_exception(cell, cell_index=cell_index)
            raise DeadKernelError(f"Kernel died: {end} in cell In [{cell.execution_count}].") from end
        except OutOfTime:
            self.nb_man.cell_exception(cell, cell_index=cell_index)
            raise self._too_long(cell, seconds) from None
        except KeyboardInterrupt:
            self.nb_man.cell_exception(cell, cell_index=cell_index)
            raise
        finally:
            join_streams(cell.outputs)
        if reply["content"]["status"] == "error":
            run_sync(self._check_raise_for_error)(cell, cell_index, reply)
        return cell

    def _seconds(self, cell: NotebookNode) -> float | None:
        """Return how long the cell may take: its own limit, and what is left of the notebook's."""
        own = self.process.limits.cell or self._get_timeout(cell)
        left = None if self.deadline is None else max(0.0, self.deadline - time.monotonic())
        found = [one for one in (own, left) if one is not None]
        return min(found) if found else None

    def _too_long(self, cell: NotebookNode, seconds: float | None) -> Exception:
        if self.deadline is not None and self.deadline <= time.monotonic():
            seconds = self.process.limits.run
            what = f"The notebook took longer than its {seconds:g} seconds"
        else:
            what = f"A cell timed out while it was being executed, after {seconds:g} seconds"
        first = str(cell.source).strip().splitlines()[0]
        return CellTimeoutError(
            f"{what}.\nThe message was: Cell execution timed out, in cell In [{cell.execution_count}].\n"
            f"Here is a preview of the cell contents:\n-------------------\n{first}\n-------------------\n"
        )

    def _reply(self, cell: NotebookNode, cell_index: int, seconds: float | None) -> Message:
        reply: Message = {}
        for message in self.process.messages("idle", seconds):
            if "date" in message["header"]:
                message["header"]["date"] = datetime.fromisoformat(message["header"]["date"])
            if message["msg_type"] == "execute_reply":
                reply = message
                self.process.imported(message["content"].pop("libraries"))
                if self.record_timing:
                    cell["metadata"]["execution"]["shell.execute_reply"] = _moment(message)
            elif message["content"].get("execution_state") == "idle":
                if self.record_timing:
                    cell["metadata"]["execution"]["iopub.status.idle"] = _moment(message)
            else:
                self.process_message(message, cell, cell_index)
        return reply


def _moment(message: Message) -> str:
    return str(message["header"]["date"].strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


def join_streams(outputs: list[NotebookNode]) -> None:
    """Join neighbouring texts of one stream: where they were cut is chance."""
    joined: list[NotebookNode] = []
    texts: list[list[str]] = []
    for output in outputs:
        last = joined[-1] if joined else None
        stream = output.output_type == "stream"
        if stream and last is not None and last.output_type == "stream" and last.name == output.name:
            texts[-1].append(output.text)
        else:
            joined.append(output)
            texts.append([output.text] if stream else [])
    for output, parts in zip(joined, texts, strict=True):
        if len(parts) > 1:
            output.text = "".join(parts)
    outputs[:] = joined
