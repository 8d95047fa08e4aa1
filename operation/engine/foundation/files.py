"""Files on disk: written whole or not at all, locked between processes, their errors explained."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from operation.engine.foundation.errors import WorkbenchError

if TYPE_CHECKING:
    import pandas as pd
    from filelock import FileLock

_ELSEWHERE = "set WORKBENCH_RUNS to a folder elsewhere."
_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR}


class DiskError(WorkbenchError):
    """The disk is full, or does not let us write."""


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Raise a full or read-only disk below `folder` as a DiskError that says how to fix it."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            fix = f"free some, for example with `python3 -m operation clean`, or {_ELSEWHERE}"
            raise DiskError(f"no space left for {folder}: {fix}") from error
        if error.errno in _REFUSED:
            fix = f"Let this user write there, or {_ELSEWHERE}"
            raise DiskError(f"{folder} cannot be written: {error.strerror}. {fix}") from error
        raise


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give the path of a file or folder to write; it takes the name `target` when the block ends well.

    A reader sees what was there before or the whole new one, and a failure leaves nothing. A folder
    `target` must be empty or not there.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.partial-{os.getpid()}-{secrets.token_hex(2)}")
    try:
        yield partial
        partial.replace(target)
    finally:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)


@contextmanager
def lock(file: Path) -> Iterator[None]:
    """Hold the lock on `file`; block until whoever holds it has freed it or has died."""
    with _held(file, wait=True):
        yield


@contextmanager
def try_lock(file: Path) -> Iterator[bool]:
    """Hold the lock on `file` and say so; False when somebody else holds it."""
    with _held(file, wait=False) as held:
        yield held


@contextmanager
def _held(file: Path, *, wait: bool) -> Iterator[bool]:
    from filelock import FileLock  # here: a step that is reused needs none

    held = FileLock(file, fallback_to_soft=False)
    try:
        yield _acquired(held, file, wait)
    finally:
        held.release()


def _acquired(held: FileLock, file: Path, wait: bool) -> bool:
    """Take the lock; True too where there are none, or nothing can be written: who writes there says so."""
    from filelock import Timeout

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        held.acquire(blocking=wait)
    except Timeout:
        return False
    except OSError:
        return True
    return True


def read_parquet(file: Path) -> pd.DataFrame:
    """Read one Parquet file as it is.

    pandas would hand over an open file, which Arrow's threads may still hold when the process ends: it then
    hangs or aborts, now and then. Arrow opens the file by its name.
    """
    from pyarrow.parquet import ParquetFile

    with ParquetFile(file) as opened:
        table: pd.DataFrame = opened.read().to_pandas()
    return table
