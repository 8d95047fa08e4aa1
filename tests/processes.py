"""The processes that something left running."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]


def processes_of(mark: str | Path) -> list[str]:
    """Return the command lines of the other processes that have `mark` in it or in their environment.

    Those that stand in the folder `mark` count too.
    """
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            traces = [*process.cmdline(), *process.environ().values(), process.cwd()]
            alive = process.status() != psutil.STATUS_ZOMBIE and process.pid != os.getpid()
            if alive and any(str(mark) in trace for trace in traces):
                found.append(" ".join(process.cmdline()))
    return found
