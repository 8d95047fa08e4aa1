"""The ways of running a Core Script on this machine: in this process, or as a child process."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Sequence
from contextlib import chdir
from pathlib import Path
from typing import Any

from operation.engine.foundation.children import child
from operation.engine.foundation.errors import StepFailed, WorkbenchError
from operation.engine.identity.bytecode import refresh_bytecode
from operation.engine.identity.source import load_module


class ScriptFailed(StepFailed):
    """A Core Script ended with an error of its own.

    Parameters
    ----------
    details : dict
        The ``error`` record of a manifest: type, message, file, line, traceback.
    exit_code : int
        3 when a gate rejected the model, otherwise 1.
    """

    def __init__(self, details: dict[str, Any], exit_code: int) -> None:
        self.details = details
        self.exit_code = exit_code
        place = f"{details['file']}:{details['line']}: " if details.get("line") else ""
        super().__init__(f"{place}{details['message']}")


def in_process(script: Path, argv: Sequence[str]) -> None:
    """Call the script's ``main(argv)`` here, so that a debugger can step into it."""
    __tracebackhide__ = True  # a traceback in a notebook leads from the cell to src/
    with chdir(_root(script)):
        load_module(script).main(list(argv))


def child_process(script: Path, argv: Sequence[str]) -> None:
    """Execute ``python script argv...``; its output is passed on as it comes.

    Raises
    ------
    ScriptFailed
        With the script's own message and the place in ``src/`` that raised it.
    """
    refresh_bytecode(script.parent)
    with child(
        [sys.executable, str(script), *argv],
        stderr=subprocess.PIPE,
        cwd=_root(script),
        env={**os.environ, **thread_limits(1)},
        encoding="utf-8",
        errors="replace",
    ) as process:
        lines = list(process.stderr or ())
    if process.returncode:
        raise ScriptFailed(from_text("".join(lines), script), 3 if process.returncode == 3 else 1)
    sys.stderr.writelines(lines)


def _root(script: Path) -> Path:
    """Return the folder that relative paths in arguments start from, wherever the caller stands."""
    return script.parent.parent


def thread_limits(workers: int) -> dict[str, str]:
    """Return the variables that give each of `workers` processes its share of the cores."""
    share = str(max(1, cores() // workers))
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS")
    return {name: os.environ.get(name, share) for name in names}


def cores() -> int:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def from_exception(error: BaseException, folder: Path) -> dict[str, Any]:
    """Return the error record of an exception, placed at its innermost frame in `folder`."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if folder in Path(frame.filename).parents] or list(frames)
    return {
        "type": type(error).__name__,
        "message": str(error) or type(error).__name__,
        "file": _shown(Path(inside[-1].filename), folder) if inside else None,
        "line": inside[-1].lineno if inside else None,
        "traceback": "".join(traceback.format_exception(error)),
    }


def _shown(file: Path, folder: Path) -> str:
    return f"src/{file.relative_to(folder).as_posix()}" if folder in file.parents else file.name


def from_text(text: str, script: Path) -> dict[str, Any]:
    """Return the error record of what a script printed before it ended."""
    last = text.strip().splitlines()[-1] if text.strip() else "the process was killed"
    kind, _, message = last.partition(": ")
    place = _place(text, script.parent)
    plain = kind == "error"  # a StepError: the script's own words, no traceback
    return {
        "type": "StepError" if plain else kind,
        "message": message or last,
        "file": place[0] or f"src/{script.name}",
        "line": place[1],
        "traceback": text,
    }


def _place(text: str, folder: Path) -> tuple[str | None, int | None]:
    place: tuple[str | None, int | None] = (None, None)
    for line in text.splitlines():
        if line.startswith('  File "'):
            name, _, rest = line[8:].partition('", line ')
            if folder in Path(name).parents:
                place = _shown(Path(name), folder), int(rest.partition(",")[0])
    return place


def exit_code_of(error: BaseException) -> int:
    """Return the exit code that an exception of a Core Script stands for."""
    if isinstance(error, WorkbenchError):
        return error.exit_code
    return 3 if type(error).__name__ == "GateRejected" else 1
