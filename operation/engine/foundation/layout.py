"""Where things are in a checkout: the only module that knows folder names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """The folders of one project."""

    root: Path  # the folder that holds ``src``, ``notebooks``, ``configuration`` and ``operation``
    elsewhere: Path | None = None  # where runs and the store are kept instead of ``runs`` in the root

    @property
    def src(self) -> Path:
        """Core Scripts."""
        return self.root / "src"

    @property
    def notebooks(self) -> Path:
        """Notebooks and core.py."""
        return self.root / "notebooks"

    @property
    def configuration(self) -> Path:
        """All configuration files."""
        return self.root / "configuration"

    @property
    def schemas(self) -> Path:
        """Schemas of tables."""
        return self.configuration / "schemas"

    @property
    def features(self) -> Path:
        """Definitions of feature tables."""
        return self.configuration / "features"

    @property
    def lock(self) -> Path:
        """The lock file of the environment."""
        return self.root / "requirements.lock"

    @property
    def runs(self) -> Path:
        """Everything that running leaves."""
        return self.elsewhere or self.root / "runs"

    @property
    def store(self) -> Path:
        """Outputs by key."""
        return self.runs / "store"

    def absolute(self) -> Layout:
        """Return the same folders for who works in another one."""
        return Layout(self.root.absolute(), self.elsewhere.absolute() if self.elsewhere else None)

    def in_runs(self, word: str) -> str:
        """Return a word of a command line, a database or folder in ``runs/`` being where that folder is."""
        named = re.fullmatch(r"((?:--[\w-]+=)?(?:sqlite:///)?)runs/(.+)", word)
        if self.elsewhere is None or named is None:
            return word
        return f"{named[1]}{(self.runs / named[2]).absolute().as_posix()}"

    def named_in_runs(self, words: Iterable[object]) -> dict[str, Path]:
        """Return the words that name a folder in ``runs/``, as raw tables are named, and where it is."""
        texts = [word for word in words if isinstance(word, str) and word.startswith("runs/")]
        paths = {text: self.runs / text.removeprefix("runs/") for text in texts}
        return {text: path for text, path in paths.items() if path.is_dir()}

    def relative(self, path: Path) -> str:
        """Return `path` as a person would type it from the root, with forward slashes."""
        try:
            return path.resolve().relative_to(self.root.resolve()).as_posix()
        except ValueError:
            return path.as_posix()


def project() -> Layout:
    """Return the layout of this checkout.

    The environment variables WORKBENCH_ROOT and WORKBENCH_RUNS name another root, and another
    folder for what running leaves.
    """
    root, runs = os.environ.get("WORKBENCH_ROOT"), os.environ.get("WORKBENCH_RUNS")
    here = Path(__file__).resolve().parents[3]
    return Layout(Path(root) if root else here, Path(runs) if runs else None)
