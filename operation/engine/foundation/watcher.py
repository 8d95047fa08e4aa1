"""A small process beside a command: when the command ends, however it ends, what it started ends too."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from operation.engine.foundation.processes import started, status

MARK = "WORKBENCH_COMMANDS"  # variable that processes inherit: the commands that they are part of
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_MOMENT = 0.1  # seconds between two looks at the command
_SNAPSHOT = 5  # looks between two at what it started: a process may have dropped its variables
_PATIENCE = 3.0  # seconds in which what is left must be gone


def watch() -> None:
    """Start the watcher of this process, where the system tells who started whom (Linux)."""
    if sys.platform != "linux":
        return
    command = os.getpid()
    mark = f"{command}-{started(command)}"
    adopt_orphans()
    if os.fork() == 0:
        _watch(command, mark)
    os.environ[MARK] = ":".join(filter(None, [os.environ.get(MARK), mark]))


def adopt_orphans() -> None:
    """Let what a descendant leaves behind become a child of this process, where that exists (Linux)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _watch(command: int, mark: str) -> NoReturn:
    """Wait for the end of the command, then kill what it has left."""
    try:
        _detach()
        family: dict[int, int | None] = {}
        look = 0
        while os.getppid() == command:
            if look % _SNAPSHOT == 0:
                family = {pid: started(pid) for pid in _descendants(command) if pid != os.getpid()}
            look += 1
            time.sleep(_MOMENT)
        _kill(mark, family)
    finally:
        os._exit(0)


def _detach() -> None:
    """Leave the command's session and files: nobody waits for the end of a pipe that is held here."""
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.closerange(3, min(os.sysconf("SC_OPEN_MAX"), 1 << 16))
    os.chdir("/")


def _kill(mark: str, family: dict[int, int | None]) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        left = {pid for pid, begin in family.items() if begin is not None and started(pid) == begin}
        left |= {pid for pid in _processes() if pid != os.getpid() and _is_marked(pid, mark)}
        left |= {descendant for pid in left for descendant in _descendants(pid)}
        if not left:
            return
        for pid in left:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_MOMENT / 2)


def _processes() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _is_marked(pid: int, mark: str) -> bool:
    """Tell whether a process that has not ended has the mark among its variables."""
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
    name = f"{MARK}=".encode()
    values = [value.removeprefix(name) for value in variables if value.startswith(name)]
    return any(mark.encode() in value.split(b":") for value in values)


def _descendants(command: int) -> list[int]:
    """Return the processes that `command` started, those that they started, and so on."""
    children: dict[int, list[int]] = {}
    for pid in _processes():
        if fields := status(pid):
            children.setdefault(int(fields[1]), []).append(pid)
    found = list(children.get(command, []))
    for pid in found:
        found += children.get(pid, [])
    return found
