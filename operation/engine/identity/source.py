"""Code as files: which of them a script or a notebook is made of, and what each of them digests to."""

import hashlib
import sys
from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from pathlib import Path

from operation.engine.identity.digests import Memory
from operation.engine.identity.meaning import Code, Import, read_code

Digests = dict[str, dict[str, str]]
_CODE = {".py", ".so", ".pyd", ".pyc"}


class CodeFolder:
    """The code below one folder whose modules import each other, as it stands now.

    Parameters
    ----------
    folder : Path
        What ``sys.path`` would hold.
    memory : Memory, optional
        What was worked out about contents before.
    holds_data : bool, default=True
        Whether files that are no code belong to modules that look for files beside them.
    """

    def __init__(self, folder: Path, memory: Memory | None = None, *, holds_data: bool = True) -> None:
        self._holds_data = holds_data
        self.folder = folder
        self.own = frozenset(entry.name.partition(".")[0] for entry in folder.iterdir())
        self._memory = memory
        self.code, self._module, self._reads = (
            cache(self._code),
            cache(self._find_module),
            cache(self._read_by_file),
        )

    def _code(self, path: Path) -> Code:
        return read_code(path, path.read_bytes(), self.own, self._memory)

    def closure(self, files: Iterable[Path]) -> list[Path]:
        """Return `files` and all that they can come to read of this folder as code or data, sorted.

        Found in the syntax tree, so imports inside functions count and nothing is executed. Where the
        tree does not tell which module is imported (``importlib.import_module(name)``) every module
        of the folder counts, and where a module asks for its own location (``__file__``) every data file.
        """
        found, waiting = set[Path](), [*files, *self._shadows()]
        while waiting:
            path = waiting.pop()
            if path not in found:
                found.add(path)
                waiting += self._reads(path) if path.suffix == ".py" else []
        return sorted(found)

    def _shadows(self) -> Iterator[Path]:
        """Yield what stands in front of the standard library: libraries import it instead."""
        for name in self.own & sys.stdlib_module_names:
            yield from self._module(self.folder / name)

    def _read_by_file(self, path: Path) -> list[Path]:
        return self.read_by(self.code(path), path.parent)

    def read_by(self, code: Code, package: Path) -> list[Path]:
        """Return the files that `code` of the folder `package` reads itself."""
        parts = package.relative_to(self.folder).parts if package.is_relative_to(self.folder) else ()
        targets = [one for one in code.imports if one.level or one.module.partition(".")[0] in self.own]
        found = [file for target in targets for file in self._imported(parts, target)]
        if "any module" in code.traits:
            found += [one for one in self._below(self.folder) if one.suffix == ".py"]
        if "data" in code.traits and self._holds_data:
            found += [one for one in self._below(self.folder) if one.suffix != ".py"]
        return found

    def _imported(self, package: tuple[str, ...], target: Import) -> list[Path]:
        """Return the files that an import in `package` reads: packages on the way and the module."""
        own = package[: len(package) + 1 - target.level] if target.level else ()
        parts = [*own, *target.module.split(".")] if target.module else [*own]
        place = self.folder.joinpath(*parts)
        steps = [self.folder.joinpath(*parts[:length]) for length in range(1, len(parts) + 1)]
        found = [file for step in steps for file in self._module(step)]
        if target.name == "*" and place.is_dir():
            return [*found, *self._below(place)]  # the package says which of its modules
        return [*found, *self._module(place / target.name)] if target.name else found

    def _find_module(self, location: Path) -> list[Path]:
        """Return the files of a module: code, or what a package executes and holds as data."""
        beside = [file for file in self._tree.get(location.parent, ()) if file.suffix in _CODE]
        found = [file for file in beside if _stem(file) == location.name]
        if location in self._folders:
            found += [file for file in self._tree.get(location, ()) if _stem(file) == "__init__"]
            found += [file for file in self._below(location) if file.suffix not in _CODE]
        return found

    def _below(self, folder: Path) -> list[Path]:
        return [
            file for parent, files in self._tree.items() if parent.is_relative_to(folder) for file in files
        ]

    @cached_property
    def _tree(self) -> dict[Path, list[Path]]:
        """Folder -> its files."""
        found: dict[Path, list[Path]] = {}
        for file in sorted(_files(self.folder)):
            found.setdefault(file.parent, []).append(file)
        return found

    @cached_property
    def _folders(self) -> set[Path]:
        return {folder for parent in self._tree for folder in (parent, *parent.parents)}

    def imports(self, files: Iterable[Path]) -> set[str]:
        """Return the foreign packages that `files` import by name."""
        codes = [self.code(file) for file in files if file.suffix == ".py"]
        tops = {one.module.partition(".")[0] for code in codes for one in code.imports if not one.level}
        return tops - self.own - sys.stdlib_module_names

    def digests(self, files: Iterable[Path], traits: Iterable[str] = ()) -> Digests:
        """Return the digests of the meaning of each of the `files`.

        Parameters
        ----------
        traits : iterable of str
            Of other code that sees them.

        Returns
        -------
        dict of str to dict of str to str
            File name -> name of a top-level function or class -> digest of its syntax tree; all other
            statements, and the order of the definitions, are ``<module>``. Comments, docstrings and
            formatting do not count unless some of the code reads them. Of other files ``<bytes>``.
        """
        paths = list(files)
        seen = {*traits, *(trait for one in paths if one.suffix == ".py" for trait in self.code(one).traits)}
        return {path.relative_to(self.folder).as_posix(): self._parts(path, seen) for path in paths}

    def _parts(self, path: Path, seen: set[str]) -> dict[str, str]:
        if path.suffix != ".py":
            return {"<bytes>": hashlib.sha256(path.read_bytes()).hexdigest()}
        code = self.code(path)
        parts = dict(code.parts)
        if "docstrings" in seen:
            parts["<docstrings>"] = code.docstrings
        if "text" in seen:
            parts["<text>"] = hashlib.sha256(path.read_bytes()).hexdigest()
        return parts


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir() and not path.name.startswith((".", "__pycache__")):
            yield from _files(path)
        elif path.is_file() and not path.name.startswith("."):
            yield path


def _stem(file: Path) -> str:
    """Return the name of the module in a file; a compiled one has several suffixes."""
    return file.name.partition(".")[0]


def dependencies(script: Path, folder: Path | None = None) -> list[Path]:
    """Return `script` and all files of its `folder` that it can come to read as code or data, sorted."""
    return CodeFolder(folder or script.parent).closure([script])


def source_digests(script: Path) -> Digests:
    """Return the digests of the meaning of each file that `script` is made of, see `CodeFolder.digests`."""
    code = CodeFolder(script.parent)
    return code.digests(code.closure([script]))
