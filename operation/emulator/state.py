"""Documents: those the service stores, one JSON file each, and Azure's, filled from ``documents.yml``."""

import copy
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path, PureWindowsPath
from typing import Any
from urllib.parse import quote

import yaml

Document = dict[str, Any]
_LONGEST = 160


def now(later: float = 0) -> str:
    """Return the time, `later` seconds from now, as Azure writes it: ``2026-01-31T12:00:00.000000Z``."""
    return (datetime.now(UTC) + timedelta(seconds=later)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class State:
    """The documents of one workspace, by kind and name, in ``<folder>/<kind>/<name>.json``.

    Reading gives copies; what is written is on disk when the call returns, so a service that is
    killed goes on where it stood.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.name = folder.name
        self._lock = threading.RLock()
        self._kinds: dict[str, dict[str, Document]] = {}

    def get(self, kind: str, name: str) -> Document | None:
        """Return a copy of the document, or None where there is none."""
        with self._lock:
            return copy.deepcopy(self._kind(kind).get(name, {}).get("document"))

    def put(self, kind: str, name: str, document: Document) -> Document:
        """Write `document`, new or over the one of that name, and return it."""
        with self._lock:
            before = self._kind(kind).get(name)
            entry = {"name": name, "created": before["created"] if before else time.time_ns()}
            entry["document"] = copy.deepcopy(document)
            self._write(kind, name, entry)
        return document

    def delete(self, kind: str, name: str) -> bool:
        """Forget the document; return whether there was one."""
        with self._lock:
            removed = self._kind(kind).pop(name, None)
            if removed:
                self._file(kind, name).unlink(missing_ok=True)
        return removed is not None

    @contextmanager
    def change(self, kind: str, name: str) -> Iterator[Document]:
        """Yield the document, new and empty where there is none; what is left in it is written.

        Nobody else reads or writes this workspace meanwhile. Nothing is written when the body raises.
        """
        with self._lock:
            document = self.get(kind, name) or {}
            yield document
            self.put(kind, name, document)

    def all(self, kind: str) -> list[Document]:
        """Return copies of all documents of `kind`, the oldest first."""
        with self._lock:
            entries = sorted(self._kind(kind).values(), key=_created)
            return [copy.deepcopy(entry["document"]) for entry in entries]

    def where(self, kind: str, **fields: object) -> list[Document]:
        """Return copies of the documents of `kind` that have these fields, the oldest first."""
        return [
            document
            for document in self.all(kind)
            if all(document.get(name) == value for name, value in fields.items())
        ]

    def folder(self, kind: str) -> Path:
        """Return a folder for files of `kind`, made where it is missing."""
        folder = self._folder / kind
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _kind(self, kind: str) -> dict[str, Document]:
        if kind not in self._kinds:
            files = (self._folder / kind).glob("*.json")
            entries = [json.loads(file.read_text(encoding="utf-8")) for file in files]
            self._kinds[kind] = {entry["name"]: entry for entry in sorted(entries, key=_created)}
        return self._kinds[kind]

    def _file(self, kind: str, name: str) -> Path:
        plain = quote(name, safe=" ", errors="surrogatepass")
        if PureWindowsPath(plain).is_reserved():  # con.json is a device there
            plain = f"%{ord(plain[0]):02X}{plain[1:]}"
        if len(plain) > _LONGEST:  # no file system keeps more than 255
            digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
            plain = f"{plain[:_LONGEST]}-{digest[:16]}"
        return self.folder(kind) / f"{plain}.json"

    def _write(self, kind: str, name: str, entry: Document) -> None:
        write_whole(self._file(kind, name), json.dumps(entry, indent=1).encode())
        self._kind(kind)[name] = entry


def write_whole(file: Path, data: bytes, partial: Path | None = None) -> None:
    """Write a file so that others see all of it, or the one before; by default over a file beside it."""
    partial = partial or file.with_suffix(".partial")
    for item in (file, partial):
        item.parent.mkdir(parents=True, exist_ok=True)
    partial.write_bytes(data)
    partial.replace(file)


def _created(entry: Document) -> int:
    return int(entry["created"])


@cache
def _shapes() -> dict[str, Document]:
    text = Path(__file__).with_name("documents.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def shaped(kind: str, /, **values: object) -> Document:
    """Return a document of a kind, with `values` where its shape has their names in braces."""
    return dict(_filled(_shapes()[kind], {"now": now(), **values}))


def _filled(shape: Any, values: Mapping[str, object]) -> Any:
    if isinstance(shape, dict):
        return {name: _filled(value, values) for name, value in shape.items()}
    if isinstance(shape, list):
        return [_filled(value, values) for value in shape]
    if not isinstance(shape, str):
        return shape
    placeholder = re.fullmatch(r"\{(\w+)\}", shape)
    return values[placeholder[1]] if placeholder else shape.format_map(values)
