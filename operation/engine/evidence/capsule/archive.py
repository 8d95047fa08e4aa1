"""A zip file that is written whole or not at all, and that no secret enters."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from operation.engine.foundation.files import replacing
from operation.engine.foundation.secrets import MASK, holds_secret, mask_document

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
        clean = _without_lookalikes(mask_document(text, Path(member).suffix), member)
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


def _without_lookalikes(text: str, member: str) -> str:
    """Mask what looks like a secret by its pattern.

    In Python source ``password=given`` is code: only tokens that can be nothing else are masked there.
    """
    from operation.engine.configuration.secret_values import PATTERNS

    code = Path(member).suffix == ".py" or member.endswith(".lock")
    for kind, pattern in PATTERNS.items():
        if kind == "a connection string":
            text = text if code else re.sub(_CONNECTION, rf"\1{MASK}", text)
        elif kind == "a URL with a password in it":
            text = re.sub(_ADDRESS, rf"\1{MASK}@", text)
        else:
            text = pattern.sub(MASK, text)
    return text


_CONNECTION = re.compile(
    r"(?i)\b((?:AccountKey|SharedAccess(?:Key|Signature)|Password|Pwd)\s*=\s*)[^;\s$\"'\\(){},\[\]<>]{6,}"
)
_ADDRESS = re.compile(r"\b([a-z][a-z0-9+.-]*://[^\s/:@\"'\\]+:)[^\s/@\"'\\${}]+@")
