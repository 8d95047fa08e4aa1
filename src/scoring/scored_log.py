"""The log of scored rows: a request is acknowledged once its record is with the operating system.

A process that is killed loses no acknowledged record. A machine that stops without notice loses those of
the last `sync_seconds` at most: so often the file is forced to the disk. A record is one line of JSON; a line
that was cut off is the last one of its file, and was not acknowledged.
"""

from __future__ import annotations

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
from pathlib import Path
from typing import Any

import numpy as np

from modelling.features import FeatureSpec
from scoring.scored_form import Redaction

OPEN, CLOSED = ".open.jsonl", ".jsonl"
FULL = (errno.ENOSPC, errno.EDQUOT) if hasattr(errno, "EDQUOT") else (errno.ENOSPC,)
PROBE = 65_536  # bytes that the disk must take for the log to be written: a large record
LOG = logging.getLogger("score")


@dataclass(frozen=True)
class Limits:
    """When a file is forced to the disk, and when the next one begins.

    Parameters
    ----------
    sync_seconds : float, default 1
        Between two times that the file is forced to the disk.
    most_bytes : int, default 64 MB
        Of a file.
    most_seconds : float, default 3600
        That a file is written to.
    """

    sync_seconds: float = 1.0
    most_bytes: int = 64_000_000
    most_seconds: float = 3600.0


class ScoredLog:
    """Keeps what one process has scored.

    Parameters
    ----------
    folder : Path
        Where the files are; it is made. Other processes may write there too, each to files of its own.
    spec : FeatureSpec
        The model's features.
    redacted : Redaction
        What is not kept.
    limits : Limits
        When files are forced to the disk and change.
    """

    def __init__(self, folder: Path, spec: FeatureSpec, redacted: Redaction, limits: Limits) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._redacted, self._limits = folder, redacted, limits
        kept = [name for name, columns in spec.sources.items() if not redacted.hides(columns)]
        self._names, self._places = kept, [list(spec.sources).index(name) for name in kept]
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._file, self._size, self._synced, self._empty = -1, 0, 0, 0
        try:
            self._begin()
        except OSError as error:
            if error.errno not in FULL:
                raise
            LOG.error("the log of scored rows cannot be kept in %s: the disk is full", folder)  # yet
        threading.Thread(target=self._keep, name="scored-log", daemon=True).start()

    def add(
        self,
        request_id: str,
        model: Mapping[str, Any],
        given: Sequence[Mapping[str, Any]],
        features: np.ndarray[Any, Any],
        outputs: Sequence[Mapping[str, Any]],
        *,
        raw: bytes | None = None,
        routed: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep the rows of one request.

        Parameters
        ----------
        request_id : str
            Letters, digits and - _ . : only.
        model : mapping
            name, version and digest.
        given : sequence of mapping
            The rows of the request.
        features : ndarray of shape (rows, features)
            In the order of `FeatureSpec.transform`.
        outputs : sequence of mapping
            Of each row.
        raw : bytes, optional
            The request itself, JSON that holds `given` and nothing else: to be kept without writing it anew.
        routed : mapping, optional
            Which of several models the request went to, and why.

        Raises
        ------
        OSError
            When they cannot be kept; nothing of them is.
        """
        parts: dict[str, Any] = {
            "time": datetime.now(UTC).isoformat(timespec="microseconds"),
            "request_id": request_id,
            "model": model,
            "outputs": outputs,
            "features": features[:, self._places].astype("<f8").tobytes().hex(),
        }
        if routed is not None:
            parts["routed"] = routed
        if raw is not None and self._redacted.keeps_all and b"\n" not in raw and b"\r" not in raw:
            line = json.dumps(parts)[:-1].encode() + b', "request": ' + raw + b"}\n"
        else:
            parts["inputs"] = [self._redacted.inputs(row) for row in given]
            line = json.dumps(parts).encode() + b"\n"
        with self._lock:
            self._append(line)

    def can_write(self) -> bool:
        """Return whether the disk takes more records now: a file that nobody sees is written and removed."""
        try:
            with self._lock:
                if self._file < 0:
                    self._begin()
            with tempfile.TemporaryFile(dir=self.folder, buffering=0) as probe:
                return probe.write(bytes(PROBE)) == PROBE
        except OSError:
            return False

    def close(self) -> None:
        """Force what is there to the disk; the file is one of the closed ones then."""
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
            os.ftruncate(self._file, self._size)  # the next record begins on a line of its own
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
            self._path.unlink()  # without its first line no other could be read
            raise
        self._empty = self._size
        if os.name != "nt":  # the file's name must be on the disk too
            place = os.open(self.folder, os.O_RDONLY)
            os.fsync(place)
            os.close(place)

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

    def _keep(self) -> None:
        """Force the file to the disk again and again, and begin the next one in time."""
        while not self._ended.wait(self._limits.sync_seconds):
            try:
                self._kept()
            except OSError:
                LOG.exception("the log of scored rows cannot be kept in %s", self.folder)

    def _kept(self) -> None:
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
    """Start a process that makes Parquet of closed files: it must not take time from requests.

    Where that cannot be written, as in a small image, the files stay as they are: they are read as well.
    """
    if find_spec("pyarrow") is None:
        return
    script = Path(__file__).with_name("scored_parts.py")
    quietly = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    subprocess.Popen([sys.executable, str(script), str(folder)], **quietly)  # type: ignore[call-overload]
