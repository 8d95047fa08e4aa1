"""What stands in the project now, as executions depend on it: one reading of it for many keys."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.identity import source
from operation.engine.identity.contract import read_contract
from operation.engine.identity.digests import Digests, Memory
from operation.engine.identity.keys import Components, python_version
from operation.engine.identity.opened import Opened, read_digest
from operation.engine.identity.packages import PackageLock, Packages
from operation.engine.identity.parser_slice import digests_elsewhere
from operation.engine.identity.source import CodeFolder


class ProjectState:
    """Code, packages and files of a project; each is read once.

    Parameters
    ----------
    layout : Layout
        The project's folders.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        database = layout.runs / "digests.db"
        self.digests, self.memory = Digests(database), Memory(database)
        self.packages = PackageLock(layout, self.memory)
        self.folder = cache(self._folder)
        self.script, self.content = cache(self._script), cache(self.digests.of)

    def _folder(self, folder: Path) -> CodeFolder:
        return CodeFolder(folder, self.memory, holds_data=folder != self.layout.notebooks)

    def _script(self, script: Path) -> tuple[source.Digests, Packages]:
        """Return what a Core Script is made of, and the packages that it may use."""
        code: CodeFolder = self.folder(script.parent)
        files = code.closure([script])
        return code.digests(files), self.packages.used(frozenset(code.imports(files)))

    def components(
        self, script: Path, arguments: Mapping[str, object], inputs: Mapping[str, Path]
    ) -> Components:
        """Return what the key of an execution of `script` is made of.

        Parameters
        ----------
        arguments : mapping
            Canonical values of all that are neither inputs nor outputs.

        Raises
        ------
        UsageError
            When an input does not exist, or code is not Python.
        """
        sources, packages = self.script(script)
        same_bytes = read_contract(script).same_bytes
        read = {name: path for name, path in sorted(inputs.items()) if name not in same_bytes}
        return Components(
            script=script.name,
            sources=sources,
            arguments={name: value for name, value in arguments.items() if name not in same_bytes},
            inputs={
                **{name: self._input_digest(name, path) for name, path in read.items()},
                **self._elsewhere(script, arguments),
            },
            python=python_version(),
            lock=packages.digest,
        )

    def _elsewhere(self, script: Path, arguments: Mapping[str, object]) -> dict[str, str]:
        """Return the digests of what a script reads elsewhere, as it says itself, each time anew."""
        contract = read_contract(script)
        if not contract.reads_elsewhere:
            return {}
        values = {contract.named(name).dest: value for name, value in arguments.items()}
        here = {
            name: self.layout.in_runs(value) if isinstance(value, str) else value
            for name, value in values.items()
        }
        return digests_elsewhere(script, here)

    def _input_digest(self, name: str, path: Path) -> str:
        """Return the digest of an input; scripts choose a reader by a file's suffix, so it counts."""
        if not path.exists():
            raise UsageError(f"input '{name}': {path} does not exist.")
        return self.content(path).digest + (path.suffix.lower() if path.is_file() else "")

    def holds(self, opened: Opened) -> bool:
        """Tell whether all files that an execution opened hold what it read."""
        return all(self._read(name) == digest for name, digest in opened.items())

    def _read(self, name: str) -> str | None:
        path = self.layout.root / name
        if name.endswith(os.sep) or not path.is_file():
            return read_digest(os.path.join(self.layout.root, name))  # noqa: PTH118 - keeps the last slash
        return self.content(path).digest
