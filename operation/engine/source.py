"""Core Scripts as source text: what they import, what their meaning hashes to, how they are loaded."""

from __future__ import annotations

import ast
import hashlib
import importlib
import importlib.util
import linecache
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import ModuleType

_RACY_SECONDS = 2.0
_loaded: dict[str, str] = {}  # module name -> digest of the file it was loaded from


def dependencies(script: Path) -> list[Path]:
    """Return `script` and every sibling module that it imports, transitively, sorted by name.

    Found in the syntax tree, so imports inside functions count and nothing is executed.
    """
    found: set[Path] = set()
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _siblings(path)
    return sorted(found)


def _siblings(path: Path) -> list[Path]:
    names = {name.split(".")[0] for name in _imported(_tree(path, path.read_bytes()))}
    return [sibling for name in names if (sibling := path.with_name(f"{name}.py")).is_file()]


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def source_digests(script: Path) -> dict[str, dict[str, str]]:
    """Return the digests of the meaning of each file that `script` is made of.

    Returns
    -------
    dict of str to dict of str to str
        File name -> name of a top-level function or class -> digest of its syntax tree; all other
        statements, and the order of the definitions, are ``<module>``. Comments and formatting do
        not count, every token that Python sees does.
    """
    return {path.name: dict(_meaning(path, path.read_bytes())) for path in dependencies(script)}


@lru_cache(maxsize=256)
def _meaning(path: Path, text: bytes) -> tuple[tuple[str, str], ...]:
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
    return ast.parse(text, filename=str(path))


def drop_racy_bytecode(folder: Path) -> None:
    """Remove cached bytecode that Python could take for that of a newer source.

    Python compares size and whole seconds of the modification time: an edit of the same length
    within a second of the last one would go unseen, and a key would lie.
    """
    for path in folder.glob("*.py"):
        cached = Path(importlib.util.cache_from_source(str(path)))
        try:
            if abs(cached.stat().st_mtime - path.stat().st_mtime) < _RACY_SECONDS:
                cached.unlink()
        except OSError:  # there is none, or another process was first
            continue


@contextmanager
def sibling_imports(folder: Path) -> Iterator[None]:
    """Let `import utils` mean the file in `folder` as it is now, and leave no trace in ``sys.modules``."""
    names = [path.stem for path in folder.glob("*.py")]
    hidden = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    sys.path.insert(0, str(folder))
    drop_racy_bytecode(folder)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(hidden)


def load_module(path: Path) -> ModuleType:
    """Import the flat module at `path`, as it stands on disk now.

    A kernel may be open for hours: when any loaded module of the folder has changed since it was
    loaded, all of them are forgotten first, so that no old function is called by a new one.
    """
    folder = str(path.parent)
    if any(_is_stale(name, path.parent) for name in _loaded):
        _forget(list(_loaded))
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
    drop_racy_bytecode(path.parent)
    importlib.invalidate_caches()
    module = importlib.import_module(path.stem)
    _remember(path.parent)
    return module


def _is_stale(name: str, folder: Path) -> bool:
    path = folder / f"{name}.py"
    module = sys.modules.get(name)
    return (
        module is None
        or getattr(module, "__file__", None) != str(path)
        or not path.is_file()
        or _file_digest(path) != _loaded[name]
    )


def _forget(names: list[str]) -> None:
    for name in names:
        sys.modules.pop(name, None)
        del _loaded[name]
    linecache.checkcache()


def _remember(folder: Path) -> None:
    for path in folder.glob("*.py"):
        module = sys.modules.get(path.stem)
        if module is not None and getattr(module, "__file__", None) == str(path):
            _loaded.setdefault(path.stem, _file_digest(path))


def _file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
