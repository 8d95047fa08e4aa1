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


def install(moved: Mapping[str, str]) -> None:
    """Let this process find each path that `moved` names where `moved` says."""
    for module, names in _BY_PATH.items():
        for name in names:
            setattr(module, name, _redirected(getattr(module, name), moved))


def _redirected(function: Callable[..., Any], moved: Mapping[str, str]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        if arguments and isinstance(arguments[0], str | os.PathLike):
            path = os.fspath(arguments[0])
            here = moved.get(os.path.abspath(path)) if isinstance(path, str) else None  # noqa: PTH100
            arguments = (here or arguments[0], *arguments[1:])
        return function(*arguments, **options)

    return call


if __name__ == "sitecustomize":
    install(json.loads(Path(__file__).with_name("outside.json").read_text(encoding="utf-8")))
