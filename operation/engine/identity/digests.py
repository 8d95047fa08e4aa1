"""Digests of files and folders, remembered by (path, size, times of modification and change, inode)."""

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

# A file that was written this recently may be written again within one tick of the file system's
# clock, and its size and time would not tell: it is hashed again next time (git: "racily clean").
_SETTLED_SECONDS = 0.1
_SETTLED_SECONDS_COARSE = 2.1  # where the file system keeps whole seconds (FAT: two) only
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS known"
    " (path BLOB PRIMARY KEY, size INT, modified INT, changed INT, inode INT, digest TEXT)",
    "CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, fact TEXT)",
)
# What operating systems and tools drop into folders that people open.
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini", "__pycache__", ".ipynb_checkpoints"}


@dataclass(frozen=True)
class Content:
    """What a file or folder holds."""

    digest: str  # SHA-256, hexadecimal. Of a folder: of its files' relative names and digests.
    bytes: int  # sum of the sizes
    files: dict[str, str]  # relative name (forward slashes) -> digest; a single file has its own name


class Digests:
    """Digests with a memory.

    Parameters
    ----------
    database : Path
        SQLite file, made when first needed. Where it cannot be written, every file is read.
    """

    def __init__(self, database: Path) -> None:
        self.database = database

    def of(self, path: Path) -> Content:
        """Return the content of the file or folder at `path`."""
        paths = [path] if path.is_file() else sorted(_files(path))
        base = path.parent if path.is_file() else path
        stats = [(one, one.stat()) for one in paths]
        digests = self._digests(stats)
        files = {one.relative_to(base).as_posix(): digests[one] for one in paths}
        whole = next(iter(files.values())) if path.is_file() else _of_listing(files)
        return Content(whole, sum(stat.st_size for _, stat in stats), files)

    def each(self, files: Sequence[Path]) -> list[str]:
        """Return the digest of each of the `files`."""
        digests = self._digests([(file, file.stat()) for file in files])
        return [digests[file] for file in files]

    def _digests(self, stats: list[tuple[Path, os.stat_result]]) -> dict[Path, str]:
        with self._connection() as connection:
            known = {path: _recall(connection, path, stat) for path, stat in stats}
            for path, stat in stats:
                if known[path] is None:
                    known[path] = file_digest(path)
                    _remember(connection, path, stat, str(known[path]))
        return {path: str(digest) for path, digest in known.items()}

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection | None]:
        connection = _open(self.database)
        if connection is None:
            yield None
            return
        with closing(connection):
            yield connection


class Memory:
    """Facts about contents that take long to work out, by a digest of all that they follow from.

    Parameters
    ----------
    database : Path
        SQLite file, made when first needed. Where it cannot be written, nothing is kept.
    """

    def __init__(self, database: Path) -> None:
        self._connection = _open(database)

    def recall(self, key: str) -> str | None:
        """Return what was kept under `key`, if anything was."""
        if self._connection is None:
            return None
        try:
            row = self._connection.execute("SELECT fact FROM facts WHERE key=?", (key,)).fetchone()
        except sqlite3.Error:  # a damaged memory is no memory
            return None
        return str(row[0]) if row else None

    def keep(self, key: str, fact: str) -> str:
        """Keep a fact under `key`, and return it."""
        with suppress(sqlite3.Error):
            if self._connection:
                self._connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (key, fact))
        return fact


def _open(database: Path) -> sqlite3.Connection | None:
    """Open the memory, anew where it is damaged; None where it cannot be had."""
    for _ in range(2):
        try:
            database.parent.mkdir(parents=True, exist_ok=True)
            with ExitStack() as undo:
                connection = sqlite3.connect(database, timeout=5, isolation_level=None)
                undo.callback(connection.close)
                connection.execute("PRAGMA synchronous=OFF")  # losing this file loses nothing but time
                for table in _SCHEMA:
                    connection.execute(table)
                undo.pop_all()
                return connection
        except (sqlite3.OperationalError, OSError):  # read-only, locked for long, no folder
            return None
        except sqlite3.DatabaseError:
            _drop(database)
    return None


def _drop(database: Path) -> None:
    try:
        database.unlink()
    except OSError:  # every file is read, as without a memory
        return


def _files(folder: Path, above: frozenset[str] = frozenset()) -> Iterator[Path]:
    """Yield every file below `folder`, through links too; what tools litter does not count."""
    real = os.path.realpath(folder)
    if real in above:  # a link to a folder above it
        return
    for one in folder.iterdir():
        if one.name in _LITTER:
            continue
        if one.is_dir():
            yield from _files(one, above | {real})
        elif one.is_file():
            yield one


def _recall(connection: sqlite3.Connection | None, path: Path, stat: os.stat_result) -> str | None:
    if connection is None:
        return None
    try:
        row = connection.execute(
            "SELECT digest FROM known WHERE path=? AND size=? AND modified=? AND changed=? AND inode=?",
            _identity(path, stat),
        ).fetchone()
    except sqlite3.Error:  # a damaged memory is no memory
        return None
    return str(row[0]) if row else None


def _remember(connection: sqlite3.Connection | None, path: Path, stat: os.stat_result, digest: str) -> None:
    if connection is None or not _is_settled(stat):
        return
    if _identity(path, path.stat()) != _identity(path, stat):
        return  # written while it was read
    try:
        connection.execute(
            "INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?, ?, ?)", (*_identity(path, stat), digest)
        )
    except sqlite3.Error:
        return


def _is_settled(stat: os.stat_result) -> bool:
    """Tell whether another write would show in the times; a file from the future never is."""
    coarse = stat.st_mtime_ns % 10**9 == 0
    age = time.time() - max(stat.st_mtime, stat.st_ctime)
    return age >= (_SETTLED_SECONDS_COARSE if coarse else _SETTLED_SECONDS)


def _identity(path: Path, stat: os.stat_result) -> tuple[bytes, int, int, int, int]:
    """Tell a file's state; the time of change sees also who sets the modification time back."""
    return os.fsencode(path.absolute()), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def file_digest(path: Path) -> str:
    """Return the SHA-256 of the file's bytes, read now."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _of_listing(files: dict[str, str]) -> str:
    listing = "".join(f"{name}\0{digest}\n" for name, digest in sorted(files.items()))
    return hashlib.sha256(listing.encode(errors="surrogateescape")).hexdigest()
