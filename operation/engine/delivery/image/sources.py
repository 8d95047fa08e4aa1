"""The files of an image's code: found in syntax trees, so that nothing else goes in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from operation.engine.foundation.layout import Layout
from operation.engine.identity.source import dependencies

SERVICE = "operation.engine.delivery.image.runtime.service"
MODULE = re.compile(r"operation(?:\.\w+)+")


def script_files(script: Path) -> list[Path]:
    """Return what a Core Script needs: what it imports, and the scripts that any of it starts by name."""
    found: set[Path] = set()
    waiting = [script]
    while waiting:
        for file in dependencies(waiting.pop(), script.parent):
            if file not in found:
                found.add(file)
                waiting += [one for name in _texts(file) if (one := file.parent / name).is_file()]
    return sorted(found)


def _texts(file: Path) -> Iterator[str]:
    """Yield the names of Python files that stand as text in a module."""
    if file.suffix == ".py":
        for node in ast.walk(ast.parse(file.read_bytes(), filename=str(file))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(".py"):
                yield node.value


def engine_files(layout: Layout, module: str = SERVICE) -> list[Path]:
    """Return the files of a module of ``operation`` and of all that it imports of it, packages included."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        for file in _files(layout, name):
            if file not in found:
                found.add(file)
                waiting += _mentioned(file)
    return sorted(found)


def _files(layout: Layout, name: str) -> list[Path]:
    """Return the file of a module, or of the module that `name` is a name in, and its packages'."""
    parts = name.split(".")
    places = [layout.root.joinpath(*parts[:length]) for length in range(1, len(parts) + 1)]
    files = [place / "__init__.py" for place in places] + [place.with_suffix(".py") for place in places]
    return [file for file in files if file.is_file()]


def _mentioned(file: Path) -> Iterator[str]:
    """Yield the modules that a file imports, inside functions too, or names in a text."""
    for node in ast.walk(ast.parse(file.read_bytes(), filename=str(file))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and MODULE.fullmatch(node.value):
            yield node.value
