"""The ways of executing a Core Script on this machine: in this process, or as a child process."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from operation.engine.foundation import manifest
from operation.engine.foundation.children import child, thread_limits
from operation.engine.foundation.layout import project
from operation.engine.foundation.secrets import mask_values, masked, masked_lines
from operation.engine.identity import opened
from operation.engine.identity.bytecode import refresh_bytecode
from operation.engine.identity.loading import load_module
from operation.engine.steps.failures import KILLED, REJECTED, ScriptFailed, from_text
from operation.engine.steps.step import Plan


def in_process(plan: Plan, outputs: Path) -> dict[str, Any]:
    """Call the script's ``main(argv)`` here, so that a debugger can step into it.

    Returns
    -------
    dict
        ``opened``: the files that it opened to read, with their digests.
    """
    __tracebackhide__ = True  # a traceback in a notebook leads from the cell to src/
    script = plan.contract.script
    with opened.recording(_root(script), project().runs) as files, chdir(_root(script)):
        load_module(script).main(plan.local_argv(outputs))
    return {"opened": files}


def child_process(plan: Plan, outputs: Path) -> dict[str, Any]:
    """Execute the script as ``python script argv...`` does, in a process that sees which files it opens.

    Returns
    -------
    dict
        As `in_process`.
    """
    script, argv = plan.contract.script, plan.local_argv(outputs)
    with TemporaryDirectory() as folder:
        record = Path(folder) / "facts.json"
        _wait(script, opened.command(record, _root(script), project().runs, script, argv), record=record)
        return {"opened": (manifest.read(record) or {}).get("opened", {})}


def run_script(script: Path, argv: Sequence[str], *, cwd: Path | None = None, umask: int = -1) -> None:
    """Execute ``python script argv...`` and pass its output on without secrets; raise ScriptFailed."""
    _wait(script, [str(script), *argv], cwd, umask)


def _wait(
    script: Path, words: Sequence[str], cwd: Path | None = None, umask: int = -1, record: Path | None = None
) -> None:
    refresh_bytecode(script.parent)
    unbuffered = ["-u"] if sys.stdout.isatty() else []
    with child(
        [sys.executable, *unbuffered, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd or _root(script),
        umask=umask,
        env={**os.environ, **thread_limits(1)},
        encoding="utf-8",
        errors="replace",
    ) as process:
        passing = threading.Thread(target=_pass_on, args=(process.stdout,), daemon=True)
        passing.start()
        text = masked("".join(process.stderr or ()))
        passing.join()
    if process.returncode:
        code = REJECTED if process.returncode == REJECTED else 1
        raised = mask_values(manifest.read(record) or {}).get("error") if record else None
        raise ScriptFailed(from_text(text, script, code, raised) or _unexplained(text, script), code)
    sys.stderr.write(text)


def _pass_on(lines: Iterable[str]) -> None:
    for text in masked_lines(lines):
        print(text, end="", flush=True)


def _root(script: Path) -> Path:
    """Return the folder that relative paths in arguments start from, wherever the caller stands."""
    return script.parent.parent


def _unexplained(text: str, script: Path) -> dict[str, Any]:
    """Return the error record of a script that was killed, or that refused its own arguments."""
    *_, message = ["", KILLED, *text.strip().splitlines()]
    return {
        "type": "StepFailed",
        "message": message,
        "file": f"src/{script.name}",
        "line": None,
        "traceback": text,
    }
