"""papermill's engine ``workbench``: ``papermill --engine workbench in.ipynb out.ipynb``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from papermill.engines import Engine, NBClientEngine

from operation.engine.notebooks.forked.suitable import why_not

_OURS = ("limits", "templates", "variables")
_NOT_FOR_THE_CLIENT = (*_OURS, "kernel_name", "input_path", "kernel_manager_class")


class WorkbenchEngine(Engine):  # type: ignore[misc]
    """Executes each notebook in a process forked from one that has the libraries imported."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        start_timeout: float = 60,
        execution_timeout: float | None = None,
        **options: Any,
    ) -> None:
        """Execute the notebook of `nb_man`; papermill documents the arguments.

        Parameters
        ----------
        kernel_name : str
            Another than this Python's is given to the stock engine, with a line that says so.
        start_timeout : float, default=60
            Seconds for the process to start.
        execution_timeout : float, optional
            Seconds for each cell.
        **options
            ``templates`` (`Templates`): the process to fork from, otherwise one is started for this
            notebook. ``limits`` (`Limits`). ``variables``: of the notebook's process, beside those of
            this one. All others are nbclient's.
        """
        timeouts = {"start_timeout": start_timeout, "execution_timeout": execution_timeout}
        reason = why_not(nb_man.nb, kernel_name, options)
        if reason:
            print(f"executed by the stock engine: {reason}", file=sys.stderr)
            stock = {key: value for key, value in options.items() if key not in _OURS}
            NBClientEngine.execute_managed_notebook(nb_man, kernel_name, **timeouts, **stock)
        else:
            _execute(nb_man, kernel_name, timeouts, options)


def _execute(nb_man: Any, kernel_name: str, timeouts: dict[str, Any], options: dict[str, Any]) -> None:
    from papermill.log import logger

    from operation.engine.notebooks.forked.client import ForkedClient
    from operation.engine.notebooks.forked.templates import Templates

    words = {key: value for key, value in options.items() if key not in _NOT_FOR_THE_CLIENT}
    limit = timeouts["execution_timeout"]
    timeout = limit if limit else options.get("timeout")
    words |= {"timeout": timeout, "startup_timeout": timeouts["start_timeout"]}
    client = ForkedClient(nb_man, kernel_name=kernel_name, log=logger, **words)
    given: Templates | None = options.get("templates")
    templates = given or Templates(os.environ)
    try:
        variables = {**os.environ, **options.get("variables", {})}
        process = templates.start(variables, Path.cwd(), options.get("limits"))
        try:
            client.execute_on(process)
        except BaseException:
            process.dispose()
            raise
        process.close()
    finally:
        if not given:
            templates.close()
