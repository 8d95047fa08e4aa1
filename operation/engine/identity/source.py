"""Core Scripts as source text: what they import, what their meaning hashes to, how they are loaded."""

from __future__ import annotations

import ast
import hashlib
import importlib
import linecache
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from operation.engine.foundation.errors import UsageError
from operation.engine.identity.bytecode import refresh_bytecode
from operation.engine.identity.digests import file_digest

_loaded: dict[str, tuple[ModuleType, str]] = {}  # name -> module and digest of the file it came from
_IMPORT_BY_NAME = {"import_module", "__import__", "runpy", "spec_from_file_location", "exec", "eval"}
_CODE = {".py", ".so", ".pyd", ".pyc"}
_READ_BESIDE = {"__file__", "resources", "pkgutil"}


def dependencies(script: Path, folder: Path | None = None) -> list[Path]:
    """Return `script` and all files of its `folder` that it can come to read as code or data, sorted.

    Found in the syntax tree, so imports inside functions count and nothing is executed. Where the
    tree does not tell which module is imported (``importlib.import_module(name)``) every module
    of the folder counts, and where a module asks for its own place (``__file__``) every data file.
    """
    folder, found = folder or script.parent, set[Path]()
    own = {entry.name.partition(".")[0] for entry in folder.iterdir()}
    # what stands in front of the standard library's modules is imported by libraries instead of them
    waiting = [script, *(path for name in own & sys.stdlib_module_names for path in _module(folder / name))]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _siblings(path, folder, own) if path.suffix == ".py" else []
    return sorted(found)


def _siblings(path: Path, folder: Path, own: set[str]) -> list[Path]:
    names, package = _names(path, path.read_bytes()), path.parent.relative_to(folder).parts
    targets = [one for one in names.imported if one.level or one.module.partition(".")[0] in own]
    found = [file for target in targets for file in _imported(folder, package, target)]
    if names.mentioned & _IMPORT_BY_NAME:
        found += [one for one in _files(folder) if one.suffix == ".py"]
    if names.mentioned & _READ_BESIDE:
        found += [one for one in _files(folder) if one.suffix != ".py"]
    return found


class _Import(NamedTuple):
    """``from <level dots><module> import <name>``; without a name ``import <module>``."""

    level: int
    module: str
    name: str = ""


def _imported(folder: Path, package: tuple[str, ...], target: _Import) -> list[Path]:
    """Return the files that an import in a module of `package` reads: packages on the way and the module."""
    own = package[: len(package) + 1 - target.level] if target.level else ()
    parts = [*own, *target.module.split(".")] if target.module else [*own]
    found = [
        file for length in range(1, len(parts) + 1) for file in _module(folder.joinpath(*parts[:length]))
    ]
    if target.name == "*" and folder.joinpath(*parts).is_dir():
        return [*found, *_files(folder.joinpath(*parts))]  # the package says which of its modules
    return [*found, *_module(folder.joinpath(*parts, target.name))] if target.name else found


def _module(place: Path) -> list[Path]:
    """Return the files of a module: Python's or compiled, or what a package executes and holds as data."""
    files = [one for one in place.parent.glob(f"{place.name}.*") if one.suffix in _CODE]
    if place.is_dir():
        executed = [one for one in place.glob("__init__.*") if one.suffix in _CODE]
        files += [*executed, *(one for one in _files(place) if one.suffix not in _CODE)]
    return files


def _files(folder: Path) -> list[Path]:
    return [
        one
        for one in folder.rglob("*")
        if one.is_file()
        and not any(part.startswith((".", "__pycache__")) for part in one.relative_to(folder).parts)
    ]


class _Names(NamedTuple):
    imported: frozenset[_Import]
    mentioned: frozenset[str]


@lru_cache(maxsize=256)
def _names(path: Path, text: bytes) -> _Names:
    """Return the modules that a file imports, and all other names that it mentions."""
    imported: set[_Import] = set()
    mentioned: set[str] = set()
    for node in ast.walk(_tree(path, text)):
        if isinstance(node, ast.Import):
            imported |= {_Import(0, alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported |= {_Import(node.level, node.module or "", alias.name) for alias in node.names}
        elif isinstance(node, ast.alias):
            mentioned |= set(node.name.split("."))
        elif isinstance(node, ast.Name):
            mentioned.add(node.id)
        elif isinstance(node, ast.Attribute):
            mentioned.add(node.attr)
    return _Names(frozenset(imported), frozenset(mentioned))


def source_digests(script: Path) -> dict[str, dict[str, str]]:
    """Return the digests of the meaning of each file that `script` is made of.

    Returns
    -------
    dict of str to dict of str to str
        File name -> name of a top-level function or class -> digest of its syntax tree; all other
        statements, and the order of the definitions, are ``<module>``. Comments and formatting do
        not count, every token that Python sees does. Of other files ``<bytes>``.
    """
    folder = script.parent
    return {
        path.relative_to(folder).as_posix(): dict(_meaning(path, path.read_bytes()))
        for path in dependencies(script)
    }


@lru_cache(maxsize=256)
def _meaning(path: Path, text: bytes) -> tuple[tuple[str, str], ...]:
    if path.suffix != ".py":
        return (("<bytes>", hashlib.sha256(text).hexdigest()),)
    parts: dict[str, list[str]] = {"<module>": []}
    for node in _tree(path, text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            parts.setdefault(node.name, []).append(ast.dump(node))
            parts["<module>"].append(node.name)
        else:
            parts["<module>"].append(ast.dump(node))
    return tuple((name, hashlib.sha256("\n".join(one).encode()).hexdigest()) for name, one in parts.items())


@lru_cache(maxsize=256)
def _tree(path: Path, text: bytes) -> ast.Module:
    try:
        return ast.parse(text, filename=str(path))
    except SyntaxError as error:
        raise UsageError(f"{path}:{error.lineno}: not valid Python: {error.msg}.") from error


@contextmanager
def sibling_imports(folder: Path) -> Iterator[None]:
    """Let `import utils` mean the file in `folder` as it is now, and leave no trace in ``sys.modules``."""
    names = {path.stem for path in folder.glob("*.py")} | _own_names(folder)
    hidden = {name: sys.modules.pop(name) for name in _under(names)}
    sys.path.insert(0, str(folder))
    refresh_bytecode(folder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        _forget(_under(names))
        sys.modules.update(hidden)


def load_module(path: Path) -> ModuleType:
    """Import the flat module at `path`, as it stands on disk now.

    A kernel may be open for hours: when any loaded module of the folder has changed since it was
    loaded, or may have, all of them are forgotten first, so that no old function is called by a
    new one.
    """
    folder = path.parent
    loaded = _loaded_from(folder)
    if any(_is_stale(name, file) for name, file in loaded.items()):
        _forget(loaded)
    foreign = set(_under({path.stem} | _own_names(folder))) - set(_loaded_from(folder))
    _forget(foreign)  # another folder's, or a library's
    if str(folder) in sys.path:
        sys.path.remove(str(folder))
    sys.path.insert(0, str(folder))
    refresh_bytecode(folder)
    importlib.invalidate_caches()
    before = {file: file_digest(file) for file in folder.rglob("*.py")}
    module = importlib.import_module(path.stem)
    _loaded.update(
        {name: (sys.modules[name], before.get(file, "")) for name, file in _loaded_from(folder).items()}
    )
    return module


def _own_names(folder: Path) -> set[str]:
    packages = {init.parent.name for init in folder.glob("*/__init__.py")}
    return ({file.stem for file in folder.glob("*.py")} | packages) - sys.stdlib_module_names


def _under(names: set[str]) -> list[str]:
    """Return the loaded modules of these names and those in them."""
    return [name for name in sys.modules if name.partition(".")[0] in names]


def _loaded_from(folder: Path) -> dict[str, Path]:
    """Return the loaded modules whose files are under `folder`."""
    files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    inside = f"{folder}{os.sep}"
    return {name: Path(file) for name, file in files.items() if file and str(file).startswith(inside)}


def _is_stale(name: str, file: Path) -> bool:
    """Tell whether a module may be older than its file: one that was imported while a script ran may."""
    module, digest = _loaded.get(name, (None, ""))
    return module is not sys.modules[name] or not file.is_file() or file_digest(file) != digest


def _forget(names: Iterable[str]) -> None:
    for name in names:
        sys.modules.pop(name, None)
    linecache.checkcache()
