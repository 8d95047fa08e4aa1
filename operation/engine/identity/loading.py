"""Core Scripts as modules: what is loaded is what stands on disk now."""

import importlib
import linecache
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from operation.engine.identity.bytecode import refresh_bytecode
from operation.engine.identity.digests import file_digest

_loaded: dict[str, tuple[ModuleType, str]] = {}  # name -> module and digest of the file it came from


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
