"""A zip file that is written whole or not at all, and that no secret enters."""

import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from operation.engine.foundation.files import replacing
from operation.engine.foundation.secrets import holds_secret, mask_document

_PACKED = {".parquet", ".png", ".gz", ".zip", ".xz"}  # compressing these again gains nothing


class IndistinctSecret(Exception):
    """A secret is an ordinary word of the texts that go into a capsule; ``str(error)`` names its variable."""


class Archive:
    """A capsule that is being written into a zip file.

    Parameters
    ----------
    indistinct : Mapping of str to str
        Secret variables whose values cannot be told from other text, so that none of them may occur.
    """

    def __init__(self, file: zipfile.ZipFile, indistinct: Mapping[str, str]) -> None:
        self.masked: list[str] = []
        self.left_out: list[dict[str, Any]] = []
        self._zip = file
        self._indistinct = {
            name: re.compile(rb"(?<!\w)%b(?!\w)" % re.escape(value.encode()))
            for name, value in indistinct.items()
        }

    def file(self, source: Path, member: str) -> None:
        """Add a file: text is masked; what is no text and holds a secret is left out."""
        content = source.read_bytes()
        clean = _clean(content, member)
        if clean is None:
            self.leave_out(member, len(content), "it holds a secret")
        else:
            self._add(member, content, clean)

    def text(self, text: str, member: str) -> None:
        """Add a text, with secrets masked."""
        content = text.encode()
        self._add(member, content, _clean(content, member) or b"")

    def leave_out(self, member: str, size: int, reason: str, **more: Any) -> None:
        """Say that something is not here, and why."""
        self.left_out.append({"member": member, "bytes": size, "reason": reason, **more})

    def _add(self, member: str, content: bytes, clean: bytes) -> None:
        if member in self._zip.NameToInfo:
            return
        if clean != content:
            self.masked.append(member)
        for name, word in self._indistinct.items():
            if word.search(content) or word.search(member.encode()):
                raise IndistinctSecret(name)
        information = zipfile.ZipInfo(member)  # without the time of packing
        stored = Path(member).suffix in _PACKED
        information.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
        self._zip.writestr(information, clean)


def is_clean(file: Path) -> bool:
    """Tell whether a file would go into a capsule as it is."""
    content = file.read_bytes()
    return _clean(content, file.name) == content


def _clean(content: bytes, name: str) -> bytes | None:
    """Return a content with its secrets masked; None when that cannot be done, as it is no text."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None if holds_secret(content) else content
    clean = mask_document(text, Path(name).suffix, thorough=True)
    return content if clean == text else clean.encode()


@contextmanager
def writing(path: Path, indistinct: Mapping[str, str] | None = None) -> Iterator[Archive]:
    """Write the zip file `path`; it takes this name when everything is in it."""
    with replacing(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as file:
        yield Archive(file, indistinct or {})
