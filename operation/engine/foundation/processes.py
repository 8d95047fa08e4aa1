"""Processes by what tells them apart for ever: their number, when they started, and on which boot."""

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def this_process() -> dict[str, Any]:
    """Return the identity of this process, for a record that others read."""
    return {"pid": os.getpid(), "started": started(os.getpid()), **_machine()}


def has_ended(process: Mapping[str, Any], host: object) -> bool:
    """Tell whether a process, as `this_process` gave it on `host`, is over; False where that is unknown."""
    if host != platform.node() or not isinstance(process.get("pid"), int):
        return False
    here = _machine()
    if process.get("boot") != here["boot"]:
        return True
    if process.get("namespace") != here["namespace"]:
        return False
    return started(process["pid"]) != process.get("started")


def started(pid: int) -> int | None:
    """Return when a process started, in ticks of its machine; None when it has ended."""
    if sys.platform == "linux":
        state = status(pid)
        return None if state is None or state[0] == "Z" else int(state[19])
    import psutil  # type: ignore[import-untyped]

    try:
        return int(psutil.Process(pid).create_time() * 1000)
    except psutil.Error:
        return None


def status(pid: int) -> list[str] | None:
    """Return the fields of ``/proc/<pid>/stat`` from the state on; None when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def _machine() -> dict[str, str]:
    """Return what distinguishes boots, and containers that share a kernel."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return {"boot": boot, "namespace": str(Path("/proc/self/ns/pid").readlink())}
    except OSError:
        return {"boot": "", "namespace": ""}
