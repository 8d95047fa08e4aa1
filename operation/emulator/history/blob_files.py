"""One blob as a plain file; what only the service must know of it is kept apart."""

import hashlib
import shutil
import threading
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

from operation.emulator.state import write_whole

_LOCK = threading.RLock()


@dataclass(frozen=True)
class BlobFile:
    """A blob."""

    folder: Path
    path: Path

    def headers(self) -> dict[str, str]:
        """Return what a reply says of the blob."""
        facts = self.path.stat()
        return {
            "etag": f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"',
            "last-modified": formatdate(facts.st_mtime, usegmt=True),
            "x-ms-version": "2019-07-07",
            "x-ms-blob-type": "AppendBlob" if self._beside("append").exists() else "BlockBlob",
            "x-ms-request-server-encrypted": "true",
            "accept-ranges": "bytes",
        }

    def write(self, data: bytes, *, appendable: bool = False) -> None:
        """Write the blob whole, or not at all."""
        with _LOCK:
            write_whole(self.path, data, self._beside("partial"))
            mark = self._beside("append")
            if appendable:
                write_whole(mark, b"")
            else:
                mark.unlink(missing_ok=True)

    def stage(self, block: str, data: bytes) -> None:
        """Keep a block that is to become part of the blob."""
        write_whole(self._beside("blocks") / _plain(block), data)

    def commit(self, blocks: list[str]) -> None:
        """Make the blob of the blocks that were kept, in this order."""
        staged = self._beside("blocks")
        self.write(b"".join((staged / _plain(block)).read_bytes() for block in blocks))
        shutil.rmtree(staged, ignore_errors=True)

    def append(self, data: bytes) -> int:
        """Write `data` behind what is there and return how much that was."""
        with _LOCK:
            before = self.path.stat().st_size if self.path.exists() else 0
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as target:
                target.write(data)
        return before

    def part(self, first: int, last: int) -> bytes:
        """Return the bytes from `first` to `last`, both counted from 0 and both included."""
        with self.path.open("rb") as source:
            source.seek(first)
            return source.read(last - first + 1)

    def _beside(self, kind: str) -> Path:
        name = hashlib.sha256(self.path.relative_to(self.folder).as_posix().encode()).hexdigest()[:32]
        return self.folder / "blob-facts" / f"{name}.{kind}"


def _plain(block: str) -> str:
    return hashlib.sha256(block.encode()).hexdigest()[:32]
