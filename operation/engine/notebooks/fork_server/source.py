"""What all notebooks of one command are forked from, started before anything else is imported."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from operation.engine.foundation.children import thread_limits

if TYPE_CHECKING:
    from operation.engine.notebooks.fork_server.client import ForkServer

WORKBENCH = "workbench"


@contextmanager
def fork_source(engine: str, variables: Mapping[str, str]) -> Iterator[ForkServer | None]:
    """Start the process that notebooks are forked from; None where `engine` does not fork.

    `variables` are set for all notebooks beside those of this process, which from now on looks for garbage
    seldom: its imports leave little, and it makes little.
    """
    gc.set_threshold(100_000, 50, 100)
    if engine != WORKBENCH or sys.platform != "linux":
        yield None
        return
    from operation.engine.notebooks.fork_server.client import ForkServer

    with ForkServer({**os.environ, **variables}) as fork_server:
        yield fork_server


def for_all(workers: int = 1) -> dict[str, str]:
    """Return the environment variables of every notebook of a command that executes `workers` at once."""
    return {
        **thread_limits(workers),
        "JUPYTER_PREFER_ENV_PATH": "1",  # a kernelspec in the user's home may be another environment's
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONWARNINGS": os.environ.get("PYTHONWARNINGS", "default"),
    }
