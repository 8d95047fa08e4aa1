"""Entries of a ledger: their form as lines, each found without reading the others, and what served when."""

import hashlib
import json
import mmap
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, overload

from support.errors import StepError

Entry: TypeAlias = dict[str, Any]
VERIFY = "find out what was changed: python3 -m operation ledger --verify"


class Entries(Sequence[Entry]):
    """The entries of a ledger, each read where it is asked for: a long ledger answers as fast as a short one.

    Parameters
    ----------
    file : Path
        The ledger; a missing file has no entries.

    Raises
    ------
    StepError
        When a line that is asked for is no entry.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._bytes = content(file)
        self._end = self._bytes.rfind(b"\n") + 1  # behind it is what a killed writer left

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> list[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | list[Entry]:
        if isinstance(index, slice):
            return [self[place] for place in range(len(self))[index]]
        number = range(1, len(self) + 1)[index]
        return self._at(bisect_left(range(self._end), number, key=lambda offset: self._at(offset)["number"]))

    def __iter__(self) -> Iterator[Entry]:
        offset = 0
        while offset < self._end:
            yield self._at(offset)
            offset = self._bytes.find(b"\n", offset) + 1

    def __reversed__(self) -> Iterator[Entry]:
        end = self._end
        while end:
            yield self._at(end - 1)
            end = self._bytes.rfind(b"\n", 0, end - 1) + 1

    @cached_property
    def _count(self) -> int:
        return int(self._at(self._end - 1)["number"]) if self._end else 0

    def _at(self, offset: int) -> Entry:
        """Return the entry in whose line a byte is."""
        start, stop = self._bytes.rfind(b"\n", 0, offset) + 1, self._bytes.find(b"\n", offset)
        entry = parsed(self._bytes[start:stop])
        if entry is None or not isinstance(entry.get("number"), int):
            raise StepError(f"{self._file}: an entry was changed after it was written; {VERIFY}")
        return entry


def serving(entries: Sequence[Entry], time: str | None = None) -> dict[tuple[str, str], Entry]:
    """Return what served at a time: environment and model -> the entry that says so.

    Parameters
    ----------
    entries : sequence of dict
        As `ledger.read` returns them.
    time : str, optional
        ISO 8601 with its zone; by default now.
    """
    count = len(entries)
    if time:
        count = bisect_right(entries, normalised(time), key=lambda entry: str(entry["time"]))
    numbers: Mapping[str, int] = entries[count - 1]["serving"] if count else {}
    found = [entries[number - 1] for number in numbers.values()]
    return {(str(entry["environment"]), str(entry["model"])): entry for entry in found}


def served_at(entries: Sequence[Entry], time: str | None, environment: str, model: str) -> Entry | None:
    """Return the entry that says what served at a time (None: now); None where nothing did."""
    return serving(entries, time).get((environment, model))


def normalised(time: str) -> str:
    """Return a time as the ledger writes it, in UTC and to the second.

    Raises
    ------
    StepError
        When it is no time, or has no zone.
    """
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise StepError(f"{time!r} is no time with its zone, such as 2026-01-31T12:00:00+00:00")
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def line_of(entry: Entry) -> bytes:
    """Return the one form of an entry as a line."""
    text = json.dumps(entry, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return f"{text}\n".encode("utf-8", "surrogatepass")


def digest_of(entry: Entry) -> str:
    """Return the SHA-256 of an entry's line, as it is without the digest."""
    return hashlib.sha256(line_of({name: entry[name] for name in entry if name != "digest"})).hexdigest()


def parsed(line: bytes) -> Entry | None:
    """Return the entry of a line, None where it holds none."""
    try:
        entry = json.loads(line, parse_constant=_refuse)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def content(file: Path) -> bytes | mmap.mmap:
    """Return the bytes of a file, read where they are looked at; none where it is missing."""
    if not file.is_file() or not file.stat().st_size:
        return b""
    with file.open("rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN is Python's, not JSON's
