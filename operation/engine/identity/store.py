"""Outputs by key: written aside, renamed when complete, verified before they are reused."""

import hashlib
import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operation.engine.foundation import manifest
from operation.engine.foundation.files import disk_errors
from operation.engine.foundation.secrets import mask_values
from operation.engine.identity.digests import Digests

PARTIAL = ".partial"
_ABANDONED_SECONDS = 3600


@dataclass(frozen=True)
class Entry:
    """One complete execution in the store."""

    folder: Path  # holds one folder for each output, and ``manifest.json``
    manifest: Mapping[str, Any]  # what ran

    def output(self, name: str) -> Path:
        """Return the folder of the output called `name`."""
        return self.folder / name


class Store:
    """Content-addressed outputs.

    Parameters
    ----------
    folder : Path
        Shared by notebooks, scripts and CI; safe with several processes.
    digests : Digests
        Used to verify what is found.
    """

    def __init__(self, folder: Path, digests: Digests) -> None:
        self.folder = folder
        self.digests = digests

    def find(self, key: str) -> Entry | None:
        """Return the entry of `key` if it is there and every byte of it is what was written."""
        folder = self.folder / key
        record = manifest.read(folder / "manifest.json")
        if record is None or record.get("key") != key or record.get("seal") != _seal(record):
            return None
        outputs = record["outputs"]
        intact = all(self._is_intact(folder / name, output["digest"]) for name, output in outputs.items())
        return Entry(folder, record) if intact else None

    def _is_intact(self, folder: Path, digest: str) -> bool:
        try:
            return folder.is_dir() and self.digests.of(folder).digest == digest
        except OSError:  # it went away while we looked, or cannot be read
            return False

    @contextmanager
    def writing(self, key: str) -> Iterator[Path]:
        """Give a new folder for the outputs of `key`; what is in it at the end of a failure is removed.

        Raises
        ------
        DiskError
            When the disk is full or does not let us write.
        """
        remove_abandoned(self.folder)
        folder = self.folder / PARTIAL / f"{key[:16]}-{os.getpid()}-{secrets.token_hex(4)}"
        with disk_errors(self.folder):
            folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def commit(self, key: str, written: Path, record: Mapping[str, Any]) -> Entry:
        """Make the folder `written` the entry of `key`.

        When another process was first and its entry is intact, and rests on the same files, that one is kept.

        Raises
        ------
        DiskError
            When the disk is full or does not let us write.
        """
        outputs = {name: self._describe(written / name) for name in record["outputs"]}
        with disk_errors(self.folder):
            manifest.write(written / "manifest.json", _sealed(mask_values({**record, "outputs": outputs})))
            found = self.find(key)
            if found is None or found.manifest.get("opened") != record.get("opened"):
                self._move(written, self.folder / key)
                found = self.find(key)
        if found is None:
            raise OSError(f"{self.folder / key} changed while it was being written")
        return found

    def _describe(self, folder: Path) -> dict[str, Any]:
        content = self.digests.of(folder)
        return {"digest": content.digest, "bytes": content.bytes, "files": content.files}

    def _move(self, written: Path, target: Path) -> None:
        if target.exists():  # damaged, or of other files
            with self.writing("replaced") as aside:
                target.rename(aside / "entry")
        try:
            written.rename(target)
        except OSError:
            if self.find(target.name) is None:
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


def _sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return `record` as it will be read, with its own digest: a metric must not rot unseen either."""
    plain = json.loads(json.dumps(record, default=str))
    return {**plain, "seal": _seal(plain)}


def _seal(record: Mapping[str, Any]) -> str:
    text = json.dumps({key: value for key, value in record.items() if key != "seal"}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
