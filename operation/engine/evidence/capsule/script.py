"""The failing step alone, under the debugger."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from operation.engine.evidence.capsule.replay import Replay
from operation.engine.evidence.capsule.unpack import run_folder, steps
from operation.engine.foundation.children import child
from operation.engine.foundation.errors import UsageError

_WITHOUT_TRACEBACK = {"StepError", "GateRejected"}


def debug(replay: Replay) -> int:
    """Run the failing step's script under ``python -m pdb`` and return its exit code."""
    with child(command(replay), cwd=replay.layout.root, env=replay.variables("script")) as process:
        return process.wait()


def command(replay: Replay) -> list[str]:
    """Return the debugger's command line.

    Raises
    ------
    UsageError
        When no step failed: the mistake is in a cell.
    """
    step = _failed_step(replay)
    script = replay.layout.root / step["script"]
    return [sys.executable, "-m", "pdb", *_commands(replay, step), str(script), *_argv(replay, step)]


def _failed_step(replay: Replay) -> dict[str, Any]:
    notebook = replay.capsule.notebook
    failed = [step for step in steps(run_folder(replay.layout), notebook) if step["how"] == "failed"]
    if not failed:
        raise UsageError(
            f"--script: no step failed, the mistake is in a cell of {notebook}. Replay it without --script."
        )
    return failed[-1]


def _commands(replay: Replay, step: dict[str, Any]) -> list[str]:
    """Stop before the line that raises a StepError; for anything else pdb stops where it was raised."""
    error = step["error"]
    if error["type"] in _WITHOUT_TRACEBACK and error["line"]:
        return ["-c", f"break {replay.layout.root / error['file']}:{error['line']}", "-c", "continue"]
    return ["-c", "continue"]


def _argv(replay: Replay, step: dict[str, Any]) -> list[str]:
    """Return the step's arguments with the paths of the restored project; outputs go to a new folder."""
    content, layout = replay.capsule.content, replay.layout
    outputs = layout.runs / "script" / "outputs"
    outputs.mkdir(parents=True, exist_ok=True)
    separator = "\\" if "\\" in content["store"] else "/"
    moves = {f"{content['store']}{separator}{step['key']}": outputs, content["store"]: layout.store}
    moves |= {spelled: layout.root / member for spelled, member in content["moved"].items()}
    moves[content["root"]] = layout.root
    return [_moved(argument, moves) for argument in step["argv"]]


def _moved(argument: str, moves: Mapping[str, Path]) -> str:
    """Return `argument` with the first path of `moves` that it names replaced by where that is here."""
    for before, here in moves.items():
        head, separator, rest = argument.partition(before)
        if separator:
            return f"{head}{here}{rest.replace(chr(92), '/')}"
    return argument
