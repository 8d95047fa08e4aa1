"""The log of scored rows: a request is acknowledged once the operating system has its record.

A killed process loses no acknowledged record; a machine that crashes loses those of the last `sync_seconds`
at most, the interval of forced writes to disk. A record is one line of JSON; only the last line of a file can
be incomplete, and was not acknowledged then.
"""

import errno
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np

from modelling.features import FeatureSpec
from scoring.scored_form import Redaction

OPEN, CLOSED = ".open.jsonl", ".jsonl"
FULL = (errno.ENOSPC, errno.EDQUOT) if hasattr(errno, "EDQUOT") else (errno.ENOSPC,)
PROBE = 65_536  # bytes, a large record: what the disk must have space for
LOG = logging.getLogger("score")


@dataclass(frozen=True)
class Limits:
    """When a file is forced to disk, and when the next one begins."""

    sync_seconds: float = 1.0  # between two forced writes to disk
    most_bytes: int = 64_000_000  # maximum size of a file
    most_seconds: float = 3600.0  # maximum time for which a file is written to


class ScoredLog:
    """Logs the rows that one process scores.

    Parameters
    ----------
    folder : Path
        Folder of the log, created if missing; several processes may log there, each to its own files.
    spec : FeatureSpec
        The model's features.
    redacted : Redaction
        What is left out or hashed.
    limits : Limits
        When files are forced to disk and replaced.
    """

    def __init__(self, folder: Path, spec: FeatureSpec, redacted: Redaction, limits: Limits) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._redacted, self._limits = folder, redacted, limits
        visible = [not redacted.hides(columns) for columns in spec.sources.values()]
        self._names, self._visible = list(compress(spec.sources, visible)), np.array(visible, dtype=bool)
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._file, self._size, self._synced, self._empty = -1, 0, 0, 0
        try:
            self._begin()
        except OSError as error:
            if error.errno not in FULL:
                raise
            LOG.error("cannot write the scoring log to %s: the disk is full", folder)
        threading.Thread(target=self._maintain, name="scored-log", daemon=True).start()

    def add(
        self,
        request_id: str,
        model: Mapping[str, Any],
        records: Sequence[Mapping[str, Any]],
        features: np.ndarray[Any, Any],
        outputs: Sequence[Mapping[str, Any]],
        *,
        raw: bytes | None = None,
        routed: Mapping[str, Any] | None = None,
    ) -> None:
        """Log the rows of one request.

        Parameters
        ----------
        request_id : str
            Letters, digits and - _ . : only.
        model : mapping
            name, version and digest.
        records : sequence of mapping
            The rows of the request.
        features : ndarray of shape (rows, features)
            In the order of `FeatureSpec.transform`.
        outputs : sequence of mapping
            The outputs of each row.
        raw : bytes, optional
            The request itself, JSON of `records` alone: logged without encoding it again.
        routed : mapping, optional
            To which of several models the request went, and why.

        Raises
        ------
        OSError
            When they cannot be written; then nothing of them is.
        """
        parts: dict[str, Any] = {
            "time": datetime.now(UTC).isoformat(timespec="microseconds"),
            "request_id": request_id,
            "model": model,
            "outputs": outputs,
            "features": features[:, self._visible].astype("<f8").tobytes().hex(),
        }
        if routed is not None:
            parts["routed"] = routed
        if raw is not None and self._redacted.keeps_all and b"\n" not in raw and b"\r" not in raw:
            line = json.dumps(parts)[:-1].encode() + b', "request": ' + raw + b"}\n"
        else:
            parts["inputs"] = [self._redacted.inputs(row) for row in records]
            line = json.dumps(parts).encode() + b"\n"
        with self._lock:
            self._append(line)

    def can_write(self) -> bool:
        """Return whether the disk has space for more records, by writing a temporary file."""
        try:
            with self._lock:
                if self._file < 0:
                    self._begin()
            with tempfile.TemporaryFile(dir=self.folder, buffering=0) as probe:
                return probe.write(bytes(PROBE)) == PROBE
        except OSError:
            return False

    def close(self) -> None:
        """Force the file to disk and mark it as closed."""
        self._ended.set()
        with self._lock:
            self._end()

    def _append(self, line: bytes) -> None:
        if self._file < 0:
            self._begin()
        try:
            if os.write(self._file, line) != len(line):
                raise OSError(errno.ENOSPC, "the disk is full")
        except OSError:
            os.ftruncate(self._file, self._size)  # the next record begins on a new line
            raise
        self._size += len(line)

    def _begin(self) -> None:
        self._begun = time.monotonic()
        self._path = self.folder / f"{time.time_ns():020}-{os.getpid()}{OPEN}"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self._file, self._size, self._synced = os.open(self._path, flags, 0o600), 0, 0
        try:
            self._append(json.dumps({"features": self._names}).encode() + b"\n")
        except OSError:
            os.close(self._file)
            self._file = -1
            self._path.unlink()  # unreadable without its first line
            raise
        self._empty = self._size
        if os.name != "nt":  # the file's name must be on disk too
            folder = os.open(self.folder, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)

    def _end(self) -> None:
        if self._file < 0:
            return
        os.fsync(self._file)
        os.close(self._file)
        self._file = -1
        if self._size == self._empty:
            self._path.unlink()
        else:
            self._path.rename(str(self._path).removesuffix(OPEN) + CLOSED)

    def _maintain(self) -> None:
        """Force the file to disk at intervals, and begin the next one in time."""
        while not self._ended.wait(self._limits.sync_seconds):
            try:
                self._sync()
            except OSError:
                LOG.exception("cannot write the scoring log to %s", self.folder)

    def _sync(self) -> None:
        with self._lock:
            if self._ended.is_set():
                return
            file, size = self._file, self._size
            age = time.monotonic() - self._begun
            full = size > self._limits.most_bytes or (size > self._empty and age > self._limits.most_seconds)
            if full:
                self._end()
        if full:
            compact_elsewhere(self.folder)
        elif size != self._synced and file >= 0:
            os.fsync(file)  # outside the lock: requests do not wait for the disk
            self._synced = size


def compact_elsewhere(folder: Path) -> None:
    """Start a process that converts closed files to Parquet: it must not take time from requests.

    Without pyarrow, as in a small image, the files stay as they are and are read as well.
    """
    if find_spec("pyarrow") is None:
        return
    script = Path(__file__).with_name("scored_parts.py")
    quietly = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    subprocess.Popen([sys.executable, str(script), str(folder)], **quietly)  # type: ignore[call-overload]
