"""Compiled modules that cannot lie: Python checks the source's bytes, not its size and time."""

from __future__ import annotations

import importlib.util
import py_compile
import sys
from pathlib import Path

_CHECKED_HASH = b"\x03\0\0\0"  # PEP 552: the flags of a compiled file that Python checks by hash


def refresh_bytecode(folder: Path) -> None:
    """Compile the modules under `folder` whose cached bytecode Python would not check by the source's bytes.

    By itself Python compares the size and the whole seconds of the modification time: an edit of
    the same length within one second, or one that keeps the time, would go unseen, and a key lie.
    """
    for path in folder.rglob("*.py"):
        cached = Path(importlib.util.cache_from_source(str(path)))
        try:
            if _flags(cached) != _CHECKED_HASH:
                _compile(path, cached)
        except OSError:  # it went away, or the folder is read-only and Python cannot write there either
            continue


def _flags(cached: Path) -> bytes:
    try:
        with cached.open("rb") as file:
            return file.read(8)[4:]
    except FileNotFoundError:
        return b""


def _compile(path: Path, cached: Path) -> None:
    cached.unlink(missing_ok=True)
    if sys.dont_write_bytecode:
        return
    try:
        py_compile.compile(
            str(path), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH
        )
    except py_compile.PyCompileError:  # who imports it will be told
        return
