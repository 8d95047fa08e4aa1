"""Executed as ``sitecustomize`` by each Python of a replay, so that files from outside are found.

``outside.json`` beside it says what is where. It imports nothing of this project.
"""

from __future__ import annotations

import builtins
import functools
import io
import json
import os
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_BY_PATH = {
    builtins: ["open"],
    io: ["open"],
    os: ["open", "stat", "lstat", "access", "listdir", "scandir"],
    sqlite3: ["connect"],
}
_NAMES = {"file", "path", "database"}  # of their first argument


def install(moved: Mapping[str, str]) -> None:
    """Let this process find each path that `moved` names where `moved` says."""
    for module, names in _BY_PATH.items():
        for name in names:
            setattr(module, name, _redirected(getattr(module, name), moved))


def _redirected(function: Callable[..., Any], moved: Mapping[str, str]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        if arguments:
            return function(_found(arguments[0], moved), *arguments[1:], **options)
        named = {name: _found(options[name], moved) for name in _NAMES & options.keys()}
        return function(**{**options, **named})

    return call


def _found(path: Any, moved: Mapping[str, str]) -> Any:
    """Return where `path` is, which may also be the number of an open file."""
    if not isinstance(path, str | bytes | os.PathLike):
        return path
    return moved.get(os.path.abspath(os.fsdecode(path)), path)  # noqa: PTH100 - links stay


if __name__ == "sitecustomize":
    install(json.loads(Path(__file__).with_name("outside.json").read_text(encoding="utf-8")))
