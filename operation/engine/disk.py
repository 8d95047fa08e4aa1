"""What a disk refuses, in words; and folders that a killed process left half-written."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from operation.engine.errors import WorkbenchError

PARTIAL = ".partial"
_ABANDONED_SECONDS = 3600
_ELSEWHERE = "name a folder elsewhere by the environment variable WORKBENCH_RUNS."
_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR}


class DiskError(WorkbenchError):
    """The disk is full, or does not let us write."""


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Turn a full or read-only disk below `folder` into one message.

    Raises
    ------
    DiskError
        Says which, and how to mend it.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            mend = f"free some, for example by `python3 -m operation clean`, or {_ELSEWHERE}"
            raise DiskError(f"no space left for {folder}: {mend}") from error
        if error.errno in _REFUSED:
            mend = f"Let this user write there, or {_ELSEWHERE}"
            raise DiskError(f"{folder} cannot be written: {error.strerror}. {mend}") from error
        raise


def abandoned(store: Path, older_than: float = _ABANDONED_SECONDS) -> list[Path]:
    """Return the partial folders in `store` whose process has gone, last written `older_than` seconds ago."""
    folders = (store / PARTIAL).iterdir() if (store / PARTIAL).is_dir() else iter(())
    return sorted(one for one in folders if _age(one) > older_than and not _is_running(_owner(one)))


def remove_abandoned(store: Path) -> None:
    """Remove what processes that were killed left in `store`; another one may do the same now."""
    for folder in abandoned(store):
        shutil.rmtree(folder, ignore_errors=True)


def _age(folder: Path) -> float:
    """Return the seconds since anything in it was written; a script outlives a workbench that was killed."""
    try:
        newest = max(one.stat().st_mtime for one in [folder, *folder.rglob("*")])
    except OSError:  # it is going away
        return 0.0
    return time.time() - newest


def _owner(folder: Path) -> int:
    """Return the process in ``<key>-<process>-<random>``, 0 when there is none."""
    parts = folder.name.split("-")
    return int(parts[-2]) if len(parts) > 2 and parts[-2].isdigit() else 0


def _is_running(process: int) -> bool:
    if process <= 0 or sys.platform == "win32":  # there, to signal is to end: age alone decides
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True
