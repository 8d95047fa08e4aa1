"""The ways of running steps on this machine, each afresh in a store of its own."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from operation.engine.configuration import Configuration
from operation.engine.evidence.certificate.conditions import elsewhere
from operation.engine.foundation.children import environ, thread_limits
from operation.engine.foundation.errors import StepFailed
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.masked_log import MaskedLog
from operation.engine.notebooks.engines import STOCK, WORKBENCH, quick_papermill, watched
from operation.engine.steps.runners import in_process
from operation.engine.steps.session import Session

Way = Callable[[Layout, Configuration, Sequence[str]], None]


def _by_call(layout: Layout, configured: Configuration, steps: Sequence[str]) -> None:
    """Call the steps' ``main(argv)`` one after another."""
    _by_session(Session(configured, layout, in_process), steps)


def _by_script(layout: Layout, configured: Configuration, steps: Sequence[str]) -> None:
    """Execute the steps one after another as child processes, under varied conditions."""
    _by_session(Session(configured, layout, partial(elsewhere, layout.runs / "conditions")), steps)


def _by_session(session: Session, steps: Sequence[str]) -> None:
    for step in steps:
        session.step(step)


def _by_papermill(engine: str, layout: Layout, configured: Configuration, steps: Sequence[str]) -> None:
    """Call ``core.<step>()`` in the cells of a notebook that papermill executes by `engine`.

    Raises
    ------
    StepFailed
        With papermill's own words when a cell fails.
    """
    source, target = layout.runs / "steps.ipynb", layout.runs / "steps-executed.ipynb"
    source.write_text(json.dumps(_notebook(configured, steps)), encoding="utf-8")
    variables = {"WORKBENCH_RUNS": str(layout.runs), "JUPYTER_PREFER_ENV_PATH": "1", **thread_limits(1)}
    stock = quick_papermill()
    from papermill.exceptions import PapermillExecutionError

    from operation.engine.notebooks.fork_server.managers import logging_to

    try:
        with environ(variables), MaskedLog(layout.runs / "kernel.log") as log:
            stock.execute_notebook(
                str(source),
                str(target),
                engine_name=watched(engine),
                cwd=str(layout.notebooks),
                progress_bar=False,
                kernel_manager_class=logging_to(log),
            )
    except PapermillExecutionError as error:
        raise StepFailed(f"papermill, cell {error.exec_count}: {error.ename}: {error.evalue}") from error


def _notebook(configured: Configuration, steps: Sequence[str]) -> dict[str, Any]:
    first = f"import core\ncore.use({configured.use_case!r}, {configured.environment!r})"
    sources = [first, *(f"core.{step}()" for step in steps)]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    return {
        "cells": [_cell(index, source) for index, source in enumerate(sources)],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(index: int, source: str) -> dict[str, Any]:
    content = {"cell_type": "code", "id": f"cell-{index}", "source": source}
    return {**content, "metadata": {}, "outputs": [], "execution_count": None}


WAYS: dict[str, Way] = {
    "call": _by_call,  # as ``core.*`` does in a kernel
    "papermill": partial(_by_papermill, STOCK),
    "forked": partial(_by_papermill, WORKBENCH),  # as ``run`` does
    "script": _by_script,
}
