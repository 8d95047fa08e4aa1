"""A request made again: while nothing that it read has changed, its answer is the one given before.

Reading the configuration and every script's contract costs most of a command that finds nothing to
do. The answer is kept under a digest of all that those are read from; what the run wrote is still
verified, byte for byte as far as its files were touched.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from operation.engine.foundation import manifest
from operation.engine.foundation.layout import Layout
from operation.engine.identity.digests import Digests
from operation.engine.identity.keys import python_version
from operation.engine.identity.store import Store
from operation.engine.runs.request import Request

_WORD = re.compile(r"[A-Z][A-Z0-9_]*")
_PATTERNS = {"configuration": "*", "notebooks": "*", "src": "*.py", "operation": "*.py"}


class Answers:
    """What was answered to requests before.

    Parameters
    ----------
    layout : Layout
        The project's folders.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._digests = Digests(layout.runs / "digests.db")

    def recall(self, request: Request) -> Path | None:
        """Return the folder of the run that answered `request`, if it would be the answer again."""
        if not any(self._folder.glob("*.json")):  # nothing was asked for yet
            return None
        kept = manifest.read(self._path(request))
        if kept is None or any(self._digest(name) != digest for name, digest in kept["inputs"].items()):
            return None
        folder = self.layout.runs / str(kept["run"])
        if not all((folder / name).is_file() for name in kept["files"]):
            return None
        store = Store(self.layout.store, self._digests)
        return folder if all(store.find(key) for key in kept["keys"]) else None

    def keep(self, request: Request, answer: Mapping[str, Any], inputs: list[Path]) -> None:
        """Remember `answer` to `request`.

        Parameters
        ----------
        request : Request
            What was asked for.
        answer : mapping
            ``run``, ``files`` below its folder and ``keys`` of the store that must be intact.
        inputs : list of Path
            What the steps read that no step writes, there or not.
        """
        digests = {str(path): self._digest(str(path)) for path in inputs}
        manifest.write(self._path(request), {**answer, "inputs": digests})

    def _path(self, request: Request) -> Path:
        parts = [asdict(request), self._read(), self._variables(), python_version()]
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        return self._folder / f"{digest}.json"

    @property
    def _folder(self) -> Path:
        return self.layout.runs / "answers"

    def _read(self) -> list[list[str]]:
        """Name and digest of every file that the configuration, contracts and keys are read from."""
        folders = {name: self.layout.root / name for name in _PATTERNS}
        folders["operation"] = Path(__file__).resolve().parents[2]
        found = [one for name, folder in folders.items() for one in folder.rglob(_PATTERNS[name])]
        files = sorted(one for one in [*found, self.layout.lock] if one.is_file() and _counts(one))
        return [list(pair) for pair in zip(map(str, files), self._digests.each(files), strict=True)]

    def _variables(self) -> dict[str, str]:
        """Variables of the operating system that win over those of a configuration file."""
        texts = [
            path.read_bytes().decode(errors="replace") for path in self.layout.configuration.glob("*.yml")
        ]
        names = {"ENVIRONMENT", *(name for text in texts for name in _WORD.findall(text))}
        return {name: os.environ[name] for name in names & os.environ.keys()}

    def _digest(self, name: str) -> str | None:
        path = self.layout.root / name
        return self._digests.of(path).digest if path.exists() else None


def _counts(file: Path) -> bool:
    return not {"__pycache__", ".ipynb_checkpoints"} & set(file.parts)
