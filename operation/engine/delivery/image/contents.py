"""What goes into an image: the locked packages that it needs, and the code found in syntax trees."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from operation.engine.foundation import syntax
from operation.engine.foundation.errors import WorkbenchError
from operation.engine.foundation.layout import Layout
from operation.engine.identity.source import dependencies
from operation.setup import lockfile

SERVICE = "operation.engine.delivery.image.runtime.service"
MODULE = re.compile(r"operation(?:\.\w+)+")
BESIDE = (".py", ".json")  # files that a module names by a text, and that lie beside it


def locked_packages(environments: Iterable[Path], lock: Path) -> list[str]:
    """Return the entries of the lock that environment files need, with their markers and hashes.

    Raises
    ------
    WorkbenchError
        When a package is not in the lock, or at another version.
    """
    locked, pins = lockfile.versions(lock), dict[str, str]()
    for file in environments:
        for name, version in lockfile.read_pins(file).items():
            if name != "python" and version not in locked.get(name, set()):
                available = " and ".join(sorted(locked.get(name, ()))) or "none"
                raise WorkbenchError(
                    f"{file.name} pins {name} {version}; {lock.name} has {available}. Pin that one, or name "
                    "the package in environment.yml and run `python3 -m operation lock`."
                )
            pins[name] = version
    pins.pop("python", None)
    return [entry.text for entry in lockfile.closure(lockfile.entries(lock), pins)]


def script_files(script: Path) -> list[Path]:
    """Return what a Core Script needs: what it imports, and the scripts that any of it starts by name."""
    return _closure(
        dependencies(script, script.parent),
        lambda file: [found for other in _beside(file) for found in dependencies(other, script.parent)],
    )


def engine_files(layout: Layout) -> list[Path]:
    """Return the files of the service in an image and of all that it imports of ``operation``."""
    return _closure(
        _module_files(layout, SERVICE),
        lambda file: [
            *_beside(file),
            *(found for name in _mentioned(file) for found in _module_files(layout, name)),
        ],
    )


def _closure(files: Iterable[Path], needed_by: Callable[[Path], Iterable[Path]]) -> list[Path]:
    found: set[Path] = set()
    waiting = list(files)
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += needed_by(file) if file.suffix == ".py" else []
    return sorted(found)


def _module_files(layout: Layout, name: str) -> list[Path]:
    """Return the file of a module, or of the module that `name` is a name in, and its packages'."""
    parts = name.split(".")
    paths = [layout.root.joinpath(*parts[:length]) for length in range(1, len(parts) + 1)]
    files = [path / "__init__.py" for path in paths] + [path.with_suffix(".py") for path in paths]
    return [file for file in files if file.is_file()]


def _beside(file: Path) -> Iterator[Path]:
    """Yield the files beside a module that stand as text in it."""
    for text in _texts(file):
        if text.endswith(BESIDE) and (file.parent / text).is_file():
            yield file.parent / text


def _mentioned(file: Path) -> Iterator[str]:
    """Yield the modules that a file imports, inside functions too, or names in a text."""
    for node in ast.walk(syntax.parse(file.read_bytes(), filename=str(file))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
    yield from filter(MODULE.fullmatch, _texts(file))


def _texts(file: Path) -> Iterator[str]:
    for node in ast.walk(syntax.parse(file.read_bytes(), filename=str(file))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
