"""What the operating system lets a kernel's process set for itself."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def limit_memory(size: int, shell: Any) -> None:
    """Let this process, and each child, allocate at most `size` bytes more; `shell` shows when it is over."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_allocated() + size, hard))
    shell.set_custom_exc((MemoryError,), _show_with_room)


def _show_with_room(shell: Any, kind: Any, error: Any, traceback: Any, tb_offset: int | None = None) -> None:
    with _room():
        shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)


@contextmanager
def _room() -> Iterator[None]:
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


def children() -> list[int]:
    """Return the processes whose parent is this one."""
    import psutil  # type: ignore[import-untyped]

    return [process.pid for process in psutil.Process().children()]
