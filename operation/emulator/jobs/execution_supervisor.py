"""Runs one job's process and writes down how it ended; outlives the service, knows nothing of it.

Started as ``python execution_supervisor.py <job folder> [<work>]``, by the service or by the SDK itself for
its local target. It waits for ``job.json``, starts what stands there, ends it when ``cancel``
appears or its time is up, and leaves ``result.json``. Any Python from 3.8 on can run it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

MOMENT = 0.05  # seconds between two looks
GRACE = 3.0  # seconds between asking a process to end and ending it


def main(folder: Path, work: Path | None = None) -> int:
    """Run the job of `folder` in `work`; return 0 when its process ended well."""
    job = _job(folder)
    if job is None:
        return _leave(folder, {"how": "canceled", "code": None})
    log, work = Path(job["log"]), work or Path(job["folder"])
    for name in ("outputs", "logs"):
        (work / name).mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        try:
            process = _started(job, work, output)
        except OSError as error:
            return _leave(folder, {"how": "not started", "code": None, "said": str(error)})
        how = _watched(folder, process, job.get("seconds"))
    return _leave(folder, {"how": how, "code": process.returncode, "folder": str(work)})


def _job(folder: Path) -> dict[str, Any] | None:
    file, canceled = folder / "job.json", folder / "cancel"
    while not file.exists():
        if canceled.exists():
            return None
        _alive(folder)
        time.sleep(MOMENT)
    return None if canceled.exists() else dict(json.loads(file.read_text(encoding="utf-8")))


def _started(job: dict[str, Any], work: Path, output: IO[bytes]) -> subprocess.Popen[bytes]:
    group: dict[str, Any] = {"creationflags": 0x200} if os.name == "nt" else {"start_new_session": True}
    return subprocess.Popen(
        job["words"],
        cwd=work,
        env=job["environment"],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        **group,
    )


def _watched(folder: Path, process: subprocess.Popen[bytes], seconds: float | None) -> str:
    began, looked = time.monotonic(), 0.0
    while process.poll() is None:
        if (folder / "cancel").exists():
            _end(process)
            return "canceled"
        if seconds and time.monotonic() - began > seconds:
            _end(process)
            return "time"
        if time.monotonic() - looked > 1:
            _alive(folder)
            looked = time.monotonic()
        time.sleep(MOMENT)
    return "ended"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started."""
    if os.name == "nt":
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False)
    else:
        os.killpg(process.pid, signal.SIGTERM)
        until = time.monotonic() + GRACE
        while process.poll() is None and time.monotonic() < until:
            time.sleep(MOMENT)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _alive(folder: Path) -> None:
    (folder / "alive").touch()


def _leave(folder: Path, result: dict[str, Any]) -> int:
    partial = folder / "result.partial"
    partial.write_text(json.dumps(result), encoding="utf-8")
    partial.replace(folder / "result.json")
    return 0 if result["code"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
