"""A zip file that is written whole or not at all, and that no secret enters."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from operation.engine.foundation.files import replacing
from operation.engine.foundation.secrets import holds_secret, mask_document

_PACKED = {".parquet", ".png", ".gz", ".zip", ".xz"}  # compressing these again gains nothing


class Archive:
    """A capsule that is being written into a zip file."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self.masked: list[str] = []
        self.left_out: list[dict[str, Any]] = []
        self._zip = file

    def file(self, source: Path, member: str) -> None:
        """Add a file: text is masked; what is no text and holds a secret is left out."""
        content = source.read_bytes()
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            self._bytes(content, member)
        else:
            self.text(text, member)

    def text(self, text: str, member: str) -> None:
        """Add a text, with secrets masked."""
        clean = mask_document(text, Path(member).suffix, thorough=True)
        if clean != text:
            self.masked.append(member)
        self._write(member, clean.encode())

    def _bytes(self, content: bytes, member: str) -> None:
        if holds_secret(content):
            self.leave_out(member, len(content), "it holds a secret")
        else:
            self._write(member, content)

    def leave_out(self, member: str, size: int, reason: str, **more: Any) -> None:
        """Say that something is not here, and why."""
        self.left_out.append({"member": member, "bytes": size, "reason": reason, **more})

    def _write(self, member: str, content: bytes) -> None:
        if member in self._zip.namelist():
            return
        information = zipfile.ZipInfo(member)  # the time of packing is nobody's business
        stored = Path(member).suffix in _PACKED
        information.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
        self._zip.writestr(information, content)


@contextmanager
def writing(path: Path) -> Iterator[Archive]:
    """Write the zip file `path`; it takes this name when everything is in it."""
    with replacing(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as file:
        yield Archive(file)
