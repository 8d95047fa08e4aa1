"""Runs a script as Azure ML does: inside the SDK's history, and with a report when it fails.

Started as ``python execution_script.py <report> <script> <words ...>`` by the job's interpreter,
in the job's folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any


def main(report: Path, script: str, words: list[str]) -> int:
    """Run `script` and return its exit code; what it raised is in `report`."""
    sys.argv = [script, *words]
    sys.path[0] = os.path.dirname(os.path.abspath(script))  # noqa: PTH100, PTH120 - as Python itself does
    try:
        with _history(Path.cwd()):
            runpy.run_path(script, run_name="__main__")
    except SystemExit as stop:
        return _code(stop)
    except BaseException as error:  # noqa: BLE001 - whatever a script raises is to be reported
        _write(report, error)
        return 1
    return 0


def _history(folder: Path) -> contextlib.AbstractContextManager[Any]:
    """Return what keeps metrics and outputs of the script, where the script can know of the SDK."""
    text = "".join(file.read_text(encoding="utf-8", errors="replace") for file in folder.rglob("*.py"))
    if "azureml" not in text and "mlflow" not in text:
        return contextlib.nullcontext()
    unwanted = set() if "mlflow" in text else {"mlflow"}  # importing it takes seconds
    for name in unwanted - set(sys.modules):
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        from azureml.history._tracking import get_history_context_manager
    except ImportError:  # the job's environment is without the SDK, which is its right
        return contextlib.nullcontext()
    try:
        history: contextlib.AbstractContextManager[Any] = get_history_context_manager()
        return history
    finally:
        for name in unwanted:
            if sys.modules.get(name, 0) is None:
                del sys.modules[name]


def _code(stop: SystemExit) -> int:
    if stop.code is None or isinstance(stop.code, int):
        return stop.code or 0
    print(stop.code, file=sys.stderr)
    return 1


def _write(report: Path, error: BaseException) -> None:
    frames = error.__traceback__
    while frames and frames.tb_frame.f_code.co_filename in (__file__, runpy.__file__, "<frozen runpy>"):
        frames = frames.tb_next
    text = "".join(traceback.format_exception(type(error), error, frames))
    print(text, file=sys.stderr, flush=True)
    last = traceback.extract_tb(frames)[-1:] if frames else []
    place = {"file": last[0].filename, "line": last[0].lineno} if last else {}
    said = {"type": type(error).__name__, "message": str(error), "traceback": text, **place}
    report.write_text(json.dumps(said), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
