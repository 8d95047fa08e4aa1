"""Whose turn it is: locks between processes, freed by the operating system when their holder dies."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_PAUSE = 0.05


@contextmanager
def in_turn(file: Path) -> Iterator[None]:
    """Hold the lock on `file`, after whoever holds it now; where there are no locks, do not wait."""
    handle = _opened(file)
    if handle is None:
        yield
        return
    with handle:
        _wait(handle)
        yield  # closing the file frees the lock


@contextmanager
def if_free(file: Path) -> Iterator[bool]:
    """Hold the lock on `file` and say so; False when somebody else holds it."""
    handle = _opened(file)
    if handle is None:
        yield True
        return
    with handle:
        yield _lock(handle)


def _opened(file: Path) -> IO[bytes] | None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.open("a+b")
    except OSError:  # a disk that cannot be written: whoever writes there will say so
        return None


def _wait(handle: IO[bytes]) -> None:
    while not _lock(handle):
        time.sleep(_PAUSE)


def _lock(handle: IO[bytes]) -> bool:
    """Try to take the lock; True too where the file system has none."""
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
