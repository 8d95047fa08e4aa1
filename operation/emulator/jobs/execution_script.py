"""Runs a script as Azure ML does: what it logged is delivered, and a report tells what it raised.

Started as ``python execution_script.py <report> <script> <words ...>`` by the job's interpreter,
in the job's folder. A script that does not import the SDK does not pay for it.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import traceback
from pathlib import Path


def main(report: Path, script: str, arguments: list[str]) -> int:
    """Run `script` and return its exit code; what it raised is in `report`."""
    sys.argv = [script, *arguments]
    sys.path[0] = os.path.dirname(os.path.abspath(script))  # noqa: PTH100, PTH120 - as Python itself does
    try:
        code = _run(script)
        _deliver()
    except BaseException as error:  # noqa: BLE001 - whatever a script raises is to be reported
        _write(report, error)
        return 1
    return code


def _run(script: str) -> int:
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as stop:
        if stop.code is None or isinstance(stop.code, int):
            return stop.code or 0
        print(stop.code, file=sys.stderr)
        return 1
    except BaseException:
        _deliver()
        raise
    return 0


def _deliver() -> None:
    """Wait until the service has the metrics of the run that the script asked for, and of its parents.

    The SDK sends them from a thread that does not keep a process alive.
    """
    module = sys.modules.get("azureml.core.run")
    submitted = getattr(module, "_SubmittedRun", None)
    for run in list(getattr(submitted, "_SubmittedRun__instances", {}).values()):
        while run is not None:  # what was logged to the parents too
            run.flush()
            run = getattr(run, "_parent_run", None)  # noqa: PLW2901 - up the ladder


def _write(report: Path, error: BaseException) -> None:
    frames = error.__traceback__
    while frames and frames.tb_frame.f_code.co_filename in (__file__, runpy.__file__, "<frozen runpy>"):
        frames = frames.tb_next
    text = "".join(traceback.format_exception(type(error), error, frames))
    print(text, file=sys.stderr, flush=True)
    record: dict[str, object] = {"type": type(error).__name__, "message": str(error), "traceback": text}
    if frames:
        last = traceback.extract_tb(frames)[-1]
        record |= {"file": last.filename, "line": last.lineno}
    report.write_text(json.dumps(record), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
