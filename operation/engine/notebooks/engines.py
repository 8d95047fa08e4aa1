"""The engines that execute notebooks, watched: who listens hears of each cell, and no secret is saved."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from operation.engine.foundation.files import DiskError
from operation.engine.foundation.quick_imports import without, without_iri_grammar
from operation.engine.foundation.secrets import mask_values
from operation.engine.notebooks.fork_server.source import WORKBENCH, fork_source

__all__ = ["NAMES", "STOCK", "WORKBENCH", "NotSaved", "OnCell", "fork_source", "quick_papermill", "watched"]

OnCell = Callable[[int, int], None]
STOCK = "nbclient"
NAMES = (WORKBENCH, STOCK)
_LEFT = {("SystemExit", ""), ("SystemExit", "0")}  # as papermill knows them
# What reads and writes notebooks in clouds: most of the time of importing papermill.
_REMOTE = ("papermill.s3", "papermill.adl", "papermill.abs", "gcsfs", "pyarrow.fs", "github")


class NotSaved(DiskError):
    """An executed notebook could not be written to `target`; `cell`, from 0, was being executed."""

    def __init__(self, target: Path, cell: int, error: OSError) -> None:
        super().__init__(
            f"{target.stem}, cell {cell}: the executed notebook cannot be written to {target.parent}: "
            f"{error.strerror}. Let this user write there, free some space, or name a folder elsewhere by "
            "the environment variable WORKBENCH_RUNS."
        )


def quick_papermill() -> Any:
    """Return papermill, imported for notebooks that are files of this machine."""
    with without_iri_grammar(), without(_REMOTE):
        import papermill
    return papermill


def _unheard(done: int, total: int) -> None:
    """Hear of a cell, and do nothing."""


def watched(name: str) -> str:
    """Register an engine of papermill's that calls its `on_cell` for each cell and masks what it saves.

    Returns the name under which it is registered; `name` is ``workbench`` or ``nbclient``.
    """
    from papermill.engines import NBClientEngine, papermill_engines

    from operation.engine.notebooks.fork_server.engine import WorkbenchEngine

    base: Any = WorkbenchEngine if name == WORKBENCH else NBClientEngine

    class WatchedEngine(base):  # type: ignore[misc]
        @classmethod
        def execute_managed_notebook(
            cls, nb_man: Any, kernel_name: str, *, on_cell: OnCell = _unheard, **options: Any
        ) -> None:
            at = _watch(nb_man, on_cell)
            try:
                super().execute_managed_notebook(nb_man, kernel_name, **options)
            except Exception:
                if nb_man.nb.cells[at[0]].metadata.papermill.get("start_time"):
                    nb_man.cell_exception(nb_man.nb.cells[at[0]], at[0])
                raise

    registered = f"{name}, watched"
    papermill_engines.register(registered, WatchedEngine)
    logging.getLogger("papermill").setLevel(logging.ERROR)  # the run says the same things better
    return registered


def _watch(nb_man: Any, on_cell: OnCell) -> list[int]:
    """Watch what papermill tells `nb_man`; return the index, as it changes, of the cell being executed."""
    from nbformat.notebooknode import from_dict

    begin, save, total = nb_man.cell_start, nb_man.save, len(nb_man.nb.cells)
    mark, complete = nb_man.cell_exception, nb_man.cell_complete
    target, at = Path(nb_man.output_path), [0]

    def cell_start(cell: Any, cell_index: int | None = None, **options: Any) -> None:
        at[0] = cell_index or 0
        on_cell(at[0], total)
        begin(cell, cell_index, **options)

    def save_masked(**options: Any) -> None:
        for cell in nb_man.nb.cells:
            outputs = cell.get("outputs", [])
            clean = mask_values(outputs)
            if clean is not outputs:
                outputs[:] = from_dict(clean)  # type: ignore[no-untyped-call]
        try:
            save(**options)
        except OSError as error:
            raise NotSaved(target, at[0], error) from error

    def cell_exception(cell: Any, cell_index: int | None = None, **options: Any) -> None:
        error = options.get("exception")
        if error is not None and not _shows_error(cell):  # printed by the kernel instead
            cell.outputs.append(_error_output(error))
        mark(cell, cell_index, **options)

    def cell_complete(cell: Any, cell_index: int | None = None, **options: Any) -> None:
        if _shows_error(cell):  # where `display` caught it, the cells below are executed
            mark(cell, cell_index)
        complete(cell, cell_index, **options)

    nb_man.cell_start, nb_man.save = cell_start, save_masked
    nb_man.cell_exception, nb_man.cell_complete = cell_exception, cell_complete
    return at


def _shows_error(cell: Any) -> bool:
    """Tell whether an error is among the outputs of a cell; leaving by ``sys.exit(0)`` is none."""
    return any(
        output.output_type == "error" and (output.ename, output.evalue) not in _LEFT
        for output in cell.get("outputs", [])
    )


def _error_output(error: Any) -> Any:
    """Return an output with what the kernel answered of an error."""
    import nbformat.v4

    return nbformat.v4.new_output(  # type: ignore[no-untyped-call]
        "error", ename=error.ename, evalue=error.evalue, traceback=[]
    )
