"""One set-up at a time: a lock that the operating system frees when its holder dies.

`operation.engine.files` locks by a library, which is not installed yet here.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

PAUSE = 0.2


@contextmanager
def taken(file: Path, waiting: Callable[[float], None]) -> Iterator[None]:
    """Hold the lock on `file`; while another process holds it call ``waiting(seconds)`` now and then."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+b") as handle:
        begin = time.monotonic()
        while not _lock(handle):
            waiting(time.monotonic() - begin)
            time.sleep(PAUSE)
        if os.name != "nt":  # where we are killed, the installer that outlives us holds the lock to its end
            os.set_inheritable(handle.fileno(), True)
        yield  # closing the file frees the lock


def _lock(handle: IO[bytes]) -> bool:
    """Try to take the lock; True too where the file system has none: two set-ups are then not kept apart."""
    try:
        if os.name == "nt":
            msvcrt: Any = importlib.import_module("msvcrt")
            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl: Any = importlib.import_module("fcntl")
            fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True
