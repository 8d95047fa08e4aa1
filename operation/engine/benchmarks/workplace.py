"""A copy of the project that all contenders work in, each as if nobody had before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from operation.engine.benchmarks.contender import Command, Place
from operation.engine.benchmarks.processes import execute
from operation.engine.layout import Layout

_LEFT_OUT = {"runs", "tests"}
_LARGE = 1_000_000  # bytes: what is larger is linked, not copied


class Workplace:
    """A folder with a copy of the project; its ``runs`` is what every contender finds.

    Registering a model and logging a run write into the project: in a copy they disturb nobody.

    Parameters
    ----------
    layout : Layout
        The project.
    folder : Path
        Empty; on the same file system as the project, so that large files are linked.
    """

    def __init__(self, layout: Layout, folder: Path) -> None:
        self.folder = folder
        self.project = folder / "project"
        self.layout = Layout(self.project)
        self.scripts = folder / "scripts"
        self._seed = folder / "seed"
        self._out = folder / "out"
        self.scripts.mkdir(parents=True)
        self.project.mkdir()
        for path in sorted(layout.root.iterdir()):
            if path.name not in _LEFT_OUT and not path.name.startswith("."):
                _copy(path, self.project / path.name)
        self.layout.runs.mkdir()

    def notebook(self, name: str) -> Path:
        """Return the notebook `name` of the copy."""
        return self.layout.notebooks / f"{name}.ipynb"

    def script(self, name: str, text: str) -> Path:
        """Write a script that a contender executes."""
        path = self.scripts / f"{name}.py"
        path.write_text(text, encoding="utf-8")
        return path

    def seed(self, commands: Sequence[Command]) -> None:
        """Execute `commands`; what ``runs`` holds then is what every contender finds."""
        self._clear()
        execute(commands, "before measuring")
        shutil.rmtree(self._seed, ignore_errors=True)
        self.layout.runs.rename(self._seed)

    def fresh(self) -> Place:
        """Return the place as it is after `seed`: the store linked, everything else copied."""
        self._clear()
        if self._seed.is_dir():
            shutil.copytree(
                self._seed,
                self.layout.runs,
                copy_function=_linked_in_store,
                symlinks=True,
                dirs_exist_ok=True,
            )
        return self.as_it_is()

    def as_it_is(self) -> Place:
        """Return the place with all that was done there, and an empty folder beside it."""
        shutil.rmtree(self._out, ignore_errors=True)
        self._out.mkdir()
        return Place(self.project, self._out)

    def _clear(self) -> None:
        shutil.rmtree(self.layout.runs, ignore_errors=True)
        self.layout.runs.mkdir()


def _copy(path: Path, target: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, target, copy_function=_linked_if_large, symlinks=True)
    else:
        _linked_if_large(str(path), str(target))


def _linked_if_large(source: str, target: str) -> None:
    if Path(source).stat().st_size > _LARGE:
        _link(source, target)
    else:
        shutil.copy2(source, target)


def _linked_in_store(source: str, target: str) -> None:
    """Link what nobody writes to again; databases and logs are copied."""
    if "store" in Path(source).parts:
        _link(source, target)
    else:
        shutil.copy2(source, target)


def _link(source: str, target: str) -> None:
    with suppress(OSError):  # another file system, or one without links
        os.link(source, target)
        return
    shutil.copy2(source, target)
