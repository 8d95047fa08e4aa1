"""What the operating system lets a notebook's process set for itself."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h


def die_with_parent() -> None:
    """Let this process be killed when its parent ends, where that can be asked for (Linux)."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Let whoever outlives a descendant of this process become its child, where that exists (Linux)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def limit_memory(size: int) -> None:
    """Let this process, and each child, allocate at most `size` bytes beyond what it has."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_allocated() + size, hard))


@contextmanager
def room() -> Iterator[None]:
    """Lift the limit of memory for a while: to say that there is too little takes some."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _allocated() -> int:
    """Return the bytes of data that this process has."""
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData:"))


def notebook_path(root: str) -> list[str]:
    """Return the search path of modules as a kernel has it: without `root`, with the current folder."""
    path = [one for one in sys.path if one not in ("", root)]
    packages = (n for n, one in enumerate(path) if Path(one).name in ("site-packages", "dist-packages"))
    path.insert(next(packages, 0), "")
    return path


def children() -> list[int]:
    """Return the processes whose parent is this one, where /proc says so."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state = (entry / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:  # it has ended
            continue
        if int(state.rpartition(")")[2].split()[1]) == os.getpid():
            found.append(int(entry.name))
    return found
