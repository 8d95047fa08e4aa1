"""The files that code opened or looked for: seen meanwhile, recorded with an execution, checked on reuse.

An audit hook sees what is opened and listed; ``os.stat`` and ``os.access``, of which none tells, are wrapped.

Started as a script it executes another one: ``python opened.py <record> <root> <runs> <script> <arguments>``.
For that it imports nothing of this project.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import runpy
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any

Opened = dict[str, str | None]  # name -> digest of what was read; None: there was nothing
LOOKED_FOR = f"{os.sep}.{os.sep}"  # behind the name of a folder of which only whether it is there was asked
_WRITTEN = "written"  # by the execution itself, before it read it
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/", "/run/")
_LISTS = {"os.listdir", "os.scandir"}
_EVENTS = {"open", "sqlite3.connect", *_LISTS}
_SITE = f"{os.sep}site-packages{os.sep}"
_STANDARD = ("<frozen ", sysconfig.get_path("stdlib") + os.sep)
_LOADERS = (
    "<frozen importlib",
    "<frozen runpy",
    "<frozen zipimport",
    "importlib",
    "linecache.py",
    "tokenize.py",
    "runpy.py",
    "pkgutil.py",
)  # of code as code
_ENGINE = str(Path(__file__).resolve().parents[2]) + os.sep
_records: list[_Record] = []
_installed: list[bool] = []  # a hook stays until its process ends
_busy = threading.local()


class _Record:
    """What one execution opened first to read, and what to write."""

    def __init__(self, root: str, runs: str, log: Callable[[str, str | None], None] | None = None) -> None:
        self.files: Opened = {}
        self.root = os.path.join(root, "")  # noqa: PTH118 - a prefix of texts
        self.engine = (_ENGINE, f"{self.root}operation{os.sep}")  # this one, and the project's own
        self.code = (f"{self.root}src{os.sep}", f"{self.root}notebooks{os.sep}")
        folders = (sys.prefix, sys.base_prefix, runs, os.path.realpath(runs))
        self.passed_over = (*_SYSTEM, *(os.path.join(one, "") for one in folders))  # noqa: PTH118
        self.home = os.path.expanduser("~")  # noqa: PTH111
        self.log = log

    def add(self, name: str, writes: bool, frame: FrameType) -> None:
        ending = next((ending for ending in (LOOKED_FOR, os.sep) if name.endswith(ending)), "")
        whole = os.path.abspath(name)  # noqa: PTH100
        if f"{os.sep}__pycache__{os.sep}" in whole:
            if writes:
                return
            whole = importlib.util.source_from_cache(whole)  # which Python may make at the first import
        path = whole + ending
        key = path.removeprefix(self.root)
        if path.startswith(self.passed_over) or self._is_known(key, path, writes):
            return
        if self._is_hidden(whole) or not self._asked(path, frame):
            return
        digest = _WRITTEN if writes else read_digest(path)
        if digest is None and os.path.exists(path):  # noqa: PTH110 - a pipe
            return
        self.files[key] = digest
        if self.log:
            self.log(key, digest)

    def _is_known(self, key: str, path: str, writes: bool) -> bool:
        """Tell whether a file needs no look; a copy elsewhere may first be missed, then written."""
        made_here = writes and key == path and self.files.get(key, "") is None
        return key in self.files and not made_here

    def _is_hidden(self, path: str) -> bool:
        """Tell whether a file is a tool's own: below a hidden folder of the root or of home."""
        below = path.removeprefix(self.root if path.startswith(self.root) else self.home)
        return f"{os.sep}." in os.path.dirname(f"{os.sep}{below}")  # noqa: PTH120

    def looks_itself(self, path: str, frame: FrameType) -> bool:
        """Tell whether the project's code looks for a file, not a library that it calls; code is known."""
        current: FrameType | None = frame
        while current is not None and _file(current).startswith(_STANDARD) and _SITE not in _file(current):
            current = current.f_back
        file = _file(current) if current else ""
        is_own = file.startswith(self.root) and not file.startswith((*self.passed_over, *self.engine))
        return (is_own or "ipykernel_" in file) and not path.endswith(".py")

    def _asked(self, path: str, frame: FrameType) -> bool:
        """Tell whether the project's code opened a file, not the engine for it or Python to execute it."""
        loads = any(loader in _file(frame) for loader in _LOADERS)
        if loads and (path.endswith(os.sep) or path.startswith((*self.code, *self.engine))):
            return False
        current: FrameType | None = frame
        while current is not None:
            file = _file(current)
            if file.startswith(self.code) or "ipykernel_" in file or file.startswith("<ipython"):
                return True
            if file.startswith(self.engine):
                return False
            current = current.f_back
        return True  # a thread of a library's


def _file(frame: FrameType) -> str:
    return frame.f_code.co_filename


def read_digest(path: str) -> str | None:
    """Return the digest of a file's bytes, of a folder's names where `path` ends with a slash; else None.

    Of a folder that is only looked for, it is a word.
    """
    try:
        if path.endswith(LOOKED_FOR) or (not path.endswith(os.sep) and os.path.isdir(path)):  # noqa: PTH112
            return "folder" if os.path.isdir(path) else None  # noqa: PTH112
        if path.endswith(os.sep):
            names = sorted(name for name in os.listdir(path) if not name.startswith((".", "__pycache__")))  # noqa: PTH208
            return hashlib.sha256("\0".join(names).encode(errors="surrogateescape")).hexdigest()
        if not os.path.isfile(path):  # noqa: PTH113
            return None
        with open(path, "rb") as file:  # noqa: PTH123
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _records and event in _EVENTS:
        writes = event == "open" and _is_written(*arguments[1:])
        _note(arguments[0], sys._getframe(1), lists=event in _LISTS, writes=writes)


def _note(
    name: Any, frame: FrameType, *, lists: bool = False, writes: bool = False, looks: bool = False
) -> None:
    """Add to all records what is opened, listed or looked for now."""
    if getattr(_busy, "on", False):
        return
    _busy.on = True
    try:
        with suppress(Exception):  # what is opened is the code's own matter
            path = os.fsdecode(name if name is not None else ".")
            records = [one for one in _records if not looks or one.looks_itself(path, frame)]
            if not records:
                return
            if looks:
                with suppress(FileNotFoundError, NotADirectoryError):
                    os.lstat(path)  # what is no name is none to look for
            path += os.sep if lists else LOOKED_FOR if looks and os.path.isdir(path) else ""  # noqa: PTH112
            for record in records:
                record.add(path, writes, frame)
    finally:
        _busy.on = False


def _noting(usual: Callable[..., Any]) -> Callable[..., Any]:
    """Return `usual`, a function of ``os`` that looks for a path, which notes what it looks for."""

    @wraps(usual)
    def look(path: Any, *words: Any, **options: Any) -> Any:
        if _records and not isinstance(path, int) and options.get("dir_fd") is None:
            _note(path, sys._getframe(1), looks=True)
        return usual(path, *words, **options)

    for functions in (
        os.supports_dir_fd,
        os.supports_effective_ids,
        os.supports_fd,
        os.supports_follow_symlinks,
    ):
        if usual in functions:
            functions.add(look)
    return look


def _is_written(mode: str | None, flags: int) -> bool:
    if mode is None:
        return bool(flags & (os.O_WRONLY | os.O_RDWR))
    return bool(set(mode) & set("wax+"))


def _start(record: _Record) -> None:
    if not _installed:
        sys.addaudithook(_hook)
        os.stat, os.access = _noting(os.stat), _noting(os.access)
        _installed.append(True)
    _records.append(record)


@contextmanager
def recording(root: Path, runs: Path) -> Iterator[Opened]:
    """Record what this process opens meanwhile; the names are relative to `root` where they are below it."""
    record, found = _Record(str(root), str(runs)), Opened()
    _start(record)
    try:
        yield found
    finally:
        _records.remove(record)
        found.update(_read_only(record.files))


def _read_only(files: Mapping[str, str | None]) -> Opened:
    return {name: digest for name, digest in files.items() if digest != _WRITTEN}


def record_kernel(root: Path, runs: Path) -> None:
    """Record what this process opens for the notebook of the run that it works for, line by line, once."""
    run, notebook = os.environ.get("WORKBENCH_RUN"), os.environ.get("WORKBENCH_NOTEBOOK")
    if not run or not notebook or any(record.log for record in _records):
        return
    file = notebook_record(Path(run), notebook)
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def log(key: str, digest: str | None) -> None:
        os.write(descriptor, f"{json.dumps([key, digest])}\n".encode())

    _start(_Record(str(root), str(runs), log))


def notebook_record(folder: Path, name: str) -> Path:
    """Return where a run keeps what the notebook `name` opened."""
    return folder / "opened" / f"{name}.jsonl"


def read_notebook_record(folder: Path, name: str) -> Opened:
    """Return what the notebook `name` opened in the run of `folder`; what it opened first counts."""
    found: Opened = {}
    with suppress(FileNotFoundError):
        for line in notebook_record(folder, name).read_text(encoding="utf-8").splitlines():
            key, digest = json.loads(line)
            found[key] = digest if digest == _WRITTEN else found.get(key, digest)
    return _read_only(found)


def command(record: Path, root: Path, runs: Path, script: Path, argv: Sequence[str]) -> list[str]:
    """Return what follows ``python`` to execute `script` and leave what it opened and raised in `record`."""
    return [__file__, str(record), str(root), str(runs), str(script), *argv]


def _execute(record: str, root: str, runs: str, script: str, *argv: str) -> None:
    sys.argv[:] = [script, *argv]
    sys.path[0] = str(Path(script).parent)
    facts: dict[str, Any] = {}
    try:
        with recording(Path(root), Path(runs)) as facts["opened"]:
            runpy.run_path(script, run_name="__main__")
    except (Exception, KeyboardInterrupt) as error:
        with suppress(Exception):  # the script's own error is what is raised
            kind = type(error).__name__
            facts["error"] = {"type": kind, "message": str(error) or kind}
        raise
    finally:
        Path(record).write_text(json.dumps(facts), encoding="utf-8")


if __name__ == "__main__":
    _execute(*sys.argv[1:])
