"""The ledger: what was decided about models, a JSON line each, with the digest of the line before.

Entries are appended under a lock and never changed. Each also says which entries name what serves since then,
so that what served at any time is found whatever the ledger's length.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support import origin
from support.errors import StepError
from support.ledger_entries import (
    VERIFY,
    Entries,
    Entry,
    content,
    digest_of,
    line_of,
    normalised,
    parsed,
    served_at,
    serving,
)

__all__ = [
    "CHANGES",
    "EVENTS",
    "Entries",
    "Entry",
    "Overtaken",
    "append",
    "head",
    "locked",
    "read",
    "served_at",
    "serving",
    "verify",
]
LOCK_SECONDS = 120
CHANGES = ("promoted", "rolled-back", "overridden", "changed-outside")  # name what serves from then on
EVENTS = ("accepted", "rejected", "registered", "trigger", *CHANGES)
NEEDED = ("event", "environment", "model", "reason")
FIELDS = (*NEEDED, "version", "model_digest", "decision_digest")  # null where they are not given
NOTHING: Entry = {"number": 0, "digest": None, "time": "", "serving": {}}  # what the first entry follows


class Overtaken(StepError):
    """Somebody else has changed what serves since the caller looked."""


def append(file: Path, entry: Mapping[str, Any], expected: int | None = None) -> Entry:
    """Append an entry to a ledger, which is created where there is none, and return it.

    Parameters
    ----------
    file : Path
        The ledger.
    entry : mapping
        At least event (one of `EVENTS`), environment, model and reason; version, model_digest and
        decision_digest where there are any, and whatever else explains it, as JSON. By default time is now,
        but never before that of the last entry, and actor and ci_run are those of this process.
    expected : int, optional
        Number of the entry that said what serves when the caller looked; 0 where none did.

    Returns
    -------
    dict
        The entry, with its number, the digest of the one before (previous) and its own (digest).

    Raises
    ------
    StepError
        When something is missing or unknown, a given time is before that of the last entry, the last entry
        was changed, or the file cannot be written.
    Overtaken
        When another entry than `expected` says what serves.
    """
    _check(entry)
    with locked(file):
        last = _last(file)
        if expected is not None:
            _check_expected(file, entry, last, expected)
        complete = _completed(entry, last)
        _write(file, line_of(complete))
    return complete


def read(file: Path) -> Entries:
    """Return the entries of a ledger, each read where it is asked for; none where there is no file."""
    return Entries(file)


def head(entry: Entry) -> str:
    """Return the text by which a registry remembers the last entry about it."""
    return f"{entry['number']}:{entry['digest']}"


def verify(file: Path, *heads: str) -> list[str]:
    """Return what is wrong with a ledger; nothing where all entries are as they were appended.

    Parameters
    ----------
    file : Path
        The ledger.
    *heads : str
        What registries remember of it, as `head` wrote it: without them, a tail that was cut off is not
        found.
    """
    *lines, rest = file.read_bytes().split(b"\n") if file.is_file() else [b""]
    problems, digests = list[str](), dict[str, str]()
    last: Entry | None = NOTHING  # None where it cannot be read
    for number, line in enumerate(lines, start=1):
        entry = parsed(line)
        if entry is None or line_of(entry) != line + b"\n" or entry.get("digest") != digest_of(entry):
            problems.append(f"line {number}: was changed after it was written")
        elif last is not None and not _follows(entry, last):
            problems.append(f"line {number}: does not follow the line before it: a line was removed or moved")
        last, digests[str(number)] = entry, str((entry or {}).get("digest"))
    if rest:
        problems.append(f"line {len(lines) + 1}: is incomplete: it was changed, or its writer was killed")
    return problems + [problem for text in heads if (problem := _forgotten(text, digests))]


def _follows(entry: Entry, last: Entry) -> bool:
    return (entry.get("number"), entry.get("previous")) == (last.get("number", 0) + 1, last.get("digest"))


def _forgotten(text: str, digests: Mapping[str, str]) -> str:
    """Return what is wrong where a registry remembers an entry that is not there."""
    number, _, digest = text.partition(":")
    if digests.get(number) == digest:
        return ""
    what = f"line {number} is another one" if number in digests else "the tail of the ledger was cut off"
    return f"{what}: a registry remembers entry {number} with the digest {digest[:12]}"


def _check(entry: Mapping[str, Any]) -> None:
    missing = [name for name in NEEDED if not entry.get(name)]
    if missing:
        raise StepError(f"an entry of the ledger needs {', '.join(missing)}")
    if entry["event"] not in EVENTS:
        raise StepError(f"the ledger has no event {entry['event']!r}; it has: {', '.join(EVENTS)}")


def _check_expected(file: Path, entry: Mapping[str, Any], last: Entry, expected: int) -> None:
    now = last["serving"].get(_place(entry), 0)
    if now != expected:
        other, where = read(file)[now - 1], f"{entry['model']} in {entry['environment']}"
        raise Overtaken(
            f"{where} was changed meanwhile by {other['actor']}: entry {now} of {file} says {other['event']} "
            f"{str(other['model_digest'])[:12]} ({other['reason']}). Nothing was done; look at it, then run "
            "this again if it is still wanted"
        )


def _completed(entry: Mapping[str, Any], last: Entry) -> Entry:
    """Return the entry that follows `last`, with its digest."""
    number, time = last["number"] + 1, _time_after(last, entry.get("time"))
    changed = {_place(entry): number} if entry["event"] in CHANGES else {}
    complete = {"actor": origin.actor(), "ci_run": origin.ci_run(), **dict.fromkeys(FIELDS), **entry}
    complete |= {"number": number, "time": time, "previous": last["digest"]}
    complete["serving"] = {**last["serving"], **changed}
    return {**complete, "digest": digest_of(complete)}


def _place(entry: Mapping[str, Any]) -> str:
    return f"{entry['environment']}/{entry['model']}"


def _time_after(last: Entry, given: str | None) -> str:
    """Return the time of the entry after `last`: the ledger is sorted by it, although clocks differ."""
    time = normalised(given or datetime.now(UTC).isoformat())
    if given and time < last["time"]:
        raise StepError(f"the time {given} is before that of the ledger's last entry, {last['time']}")
    return max(time, str(last["time"]))


def _last(file: Path) -> Entry:
    """Return the last entry, whose digest fits, once what a killed writer left behind it is gone."""
    _remove_torn(file)
    entries = read(file)
    last = entries[-1] if entries else NOTHING
    if entries and last.get("digest") != digest_of(last):
        raise StepError(f"{file}: its last entry was changed after it was written; {VERIFY}")
    return last


def _remove_torn(file: Path) -> None:
    """Remove the beginning of a line whose writer was killed: that entry was never acknowledged."""
    whole = content(file)
    start = whole.rfind(b"\n") + 1
    torn = whole[start:].decode(errors="replace")
    try:
        _, length = json.JSONDecoder().raw_decode(torn)
    except ValueError:
        if torn:
            os.truncate(file, start)
        return
    if length < len(torn):  # not the beginning of a line
        raise StepError(f"{file}: its last line was changed after it was written; {VERIFY}")
    _write(file, b"\n")


def _write(file: Path, line: bytes) -> None:
    """Write to the end of a file, and to its disk."""
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
    try:
        while line:
            line = line[os.write(handle, line) :]
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the lock of a ledger, in a file beside it.

    Raises
    ------
    StepError
        When that cannot be written, or somebody holds it for two minutes.
    """
    from filelock import FileLock

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock", timeout=LOCK_SECONDS):
            yield
    except OSError as error:  # a Timeout too
        raise StepError(f"cannot write the ledger {file}: {error.strerror or error}") from error
